// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {DataClasses, Purposes, Verdicts} from "../common/Codes.sol";
import {Errors} from "../common/Errors.sol";
import {Module} from "../common/Module.sol";
import {Decision, IJurisdictionRules, Rule, RuleRow} from "../interfaces/IJurisdictionRules.sol";

/// @title JurisdictionRules
/// @notice The table of laws: which data may be used from where, for what.
/// @dev A row's shape is which parts of its key are named: from and to each at level 0 (any), 1 (region) or 2
/// (country), class and purpose each 0 (any) or 1 (named). A shape's number is
/// `from * 12 + to * 4 + class * 2 + purpose`, 0 to 35. A decision looks up at most one row per shape, most specific
/// first, and only for shapes that some row has ever had.
contract JurisdictionRules is IJurisdictionRules, Module {
    /// @custom:storage-location erc7201:caduceus.storage.JurisdictionRules
    struct JurisdictionRulesStorage {
        uint64 activeShapes;
        uint8 regionCount;
        mapping(uint256 key => Rule) rules;
        mapping(bytes2 country => bytes2) regionOf;
        mapping(bytes2 region => uint8) regionIndex;
        /// countries of a region other than itself
        mapping(bytes2 region => uint256) others;
        string[] laws;
    }

    /// @dev What is asked, with the codes by which each side is found, by level.
    struct Question {
        uint8 dataClass;
        uint8 purpose;
        bytes2[3] froms;
        bytes2[3] tos;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.JurisdictionRules")) - 1)
    ) & ~bytes32(uint256(0xff));

    uint8 private constant ANY = 0;
    uint8 private constant REGION = 1;
    uint8 private constant COUNTRY = 2;

    /// @dev All 36 shapes by specificity (from + to + class + purpose, higher first), ties by number, higher first:
    /// the number orders by from, to, class, purpose. A fuzz test compares it with reading the table row by row.
    bytes private constant ORDER =
        hex"2322211f17201e1d1b1615130b1c1a191412110f0a090718100e0d080605030c04020100";

    /// @notice Connects the table to its authority; once, by the proxy's constructor. The table starts empty, so that
    /// everything is denied.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
    }

    // ---------------------------------------------------------------- deciding

    /// @inheritdoc IJurisdictionRules
    function decide(uint8 dataClass, bytes2 from, bytes2 to, uint8 purpose)
        external
        view
        returns (Decision memory)
    {
        Rule memory rule = applying(dataClass, from, to, purpose);
        if (rule.verdict == Verdicts.NONE) return Decision(Verdicts.DENY, 0, 0, 0, false, "no rule");
        return Decision({
            verdict: rule.verdict,
            safeguards: rule.safeguards,
            minimumK: rule.minimumK,
            maximumEpsilonMilli: rule.maximumEpsilonMilli,
            localized: rule.localized,
            law: _storage().laws[rule.lawId]
        });
    }

    /// @inheritdoc IJurisdictionRules
    function applying(uint8 dataClass, bytes2 from, bytes2 to, uint8 purpose)
        public
        view
        returns (Rule memory)
    {
        JurisdictionRulesStorage storage $ = _storage();
        Question memory question = Question(dataClass, purpose, _levels(from), _levels(to));
        bytes memory order = ORDER;
        uint64 left = $.activeShapes;
        uint256 best;
        for (uint256 i; left != 0; ++i) {
            uint8 shape = uint8(order[i]);
            uint64 bit = uint64(1) << shape;
            if (left & bit == 0) continue;
            left ^= bit;
            (bool canMatch, uint256 key) = _keyOf(shape, question);
            if (!canMatch) continue;
            uint8 verdict = $.rules[key].verdict;
            // Deny wins over everything, the first one met is the most specific.
            if (verdict == Verdicts.DENY) return $.rules[key];
            if (best == 0 && verdict != Verdicts.NONE) best = key + 1;
        }
        // A key has 48 bits, so that zero can stand for none.
        if (best == 0) return Rule(Verdicts.NONE, 0, 0, 0, false, 0);
        return $.rules[best - 1];
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IJurisdictionRules
    function setRules(RuleRow[] calldata rows) external restricted {
        for (uint256 i; i < rows.length; ++i) {
            _setRule(rows[i]);
        }
    }

    /// @inheritdoc IJurisdictionRules
    function removeRule(uint8 dataClass, bytes2 from, bytes2 to, uint8 purpose) external restricted {
        // The shape stays active: a shape without rows costs a look, never an answer.
        uint256 key = _key(dataClass, from, to, purpose);
        if (_storage().rules[key].verdict == Verdicts.NONE) revert Errors.JurisdictionRules_NoRule();
        delete _storage().rules[key];
        emit RuleRemoved(dataClass, from, to, purpose);
    }

    /// @inheritdoc IJurisdictionRules
    function setCountries(bytes2[] calldata countries, bytes2[] calldata regions) external restricted {
        if (countries.length != regions.length) {
            revert Errors.JurisdictionRules_LengthMismatch(countries.length, regions.length);
        }
        for (uint256 i; i < countries.length; ++i) {
            _setCountry(countries[i], regions[i]);
        }
    }

    /// @inheritdoc IJurisdictionRules
    function setLaws(uint16 firstId, string[] calldata laws) external restricted {
        string[] storage texts = _storage().laws;
        if (firstId > texts.length) revert Errors.JurisdictionRules_UnknownLaw(firstId);
        if (uint256(firstId) + laws.length > uint256(type(uint16).max) + 1) {
            revert Errors.JurisdictionRules_UnknownLaw(uint256(firstId) + laws.length);
        }
        for (uint256 i; i < laws.length; ++i) {
            uint256 id = uint256(firstId) + i;
            if (id < texts.length) texts[id] = laws[i];
            else texts.push(laws[i]);
            emit LawSet(id, laws[i]);
        }
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IJurisdictionRules
    function ruleAt(uint8 dataClass, bytes2 from, bytes2 to, uint8 purpose)
        external
        view
        returns (Rule memory)
    {
        return _storage().rules[_key(dataClass, from, to, purpose)];
    }

    /// @inheritdoc IJurisdictionRules
    function regionOf(bytes2 country) external view returns (bytes2) {
        return _storage().regionOf[country];
    }

    /// @inheritdoc IJurisdictionRules
    function regionIndex(bytes2 region) external view returns (uint8) {
        return _storage().regionIndex[region];
    }

    /// @inheritdoc IJurisdictionRules
    function law(uint16 lawId) external view returns (string memory) {
        if (lawId >= _storage().laws.length) revert Errors.JurisdictionRules_UnknownLaw(lawId);
        return _storage().laws[lawId];
    }

    /// @inheritdoc IJurisdictionRules
    function lawCount() external view returns (uint256) {
        return _storage().laws.length;
    }

    // ---------------------------------------------------------------- internal: looking up

    /// @dev The codes by which a country is found, by level; zero where the level does not apply. An unlisted country
    /// is met by rows for any place only.
    function _levels(bytes2 country) private view returns (bytes2[3] memory codes) {
        bytes2 region = _storage().regionOf[country];
        if (region == 0) return codes;
        codes[COUNTRY] = country;
        if (region != country) codes[REGION] = region;
    }

    /// @dev Where a row of this shape would be that matches, if one of this shape can.
    function _keyOf(uint8 shape, Question memory question) private pure returns (bool canMatch, uint256 key) {
        uint8 fromLevel = shape / 12;
        uint8 toLevel = (shape / 4) % 3;
        uint8 dataClass = shape & 2 != 0 ? question.dataClass : DataClasses.ANY;
        uint8 purpose = shape & 1 != 0 ? question.purpose : Purposes.ANY;

        if (fromLevel != ANY && question.froms[fromLevel] == 0) return (false, 0);
        if (toLevel != ANY && question.tos[toLevel] == 0) return (false, 0);
        if (shape & 2 != 0 && dataClass == DataClasses.ANY) return (false, 0);
        if (shape & 1 != 0 && purpose == Purposes.ANY) return (false, 0);
        return (true, _key(dataClass, question.froms[fromLevel], question.tos[toLevel], purpose));
    }

    function _key(uint8 dataClass, bytes2 from, bytes2 to, uint8 purpose) private pure returns (uint256) {
        return
            (uint256(dataClass) << 40) | (uint256(uint16(from)) << 24) | (uint256(uint16(to)) << 8) | purpose;
    }

    // ---------------------------------------------------------------- internal: setting

    function _setRule(RuleRow calldata row) private {
        JurisdictionRulesStorage storage $ = _storage();
        Rule calldata rule = row.rule;
        if (row.dataClass > DataClasses.LAST || row.purpose > Purposes.LAST) {
            revert Errors.JurisdictionRules_BadKey(row.dataClass, row.purpose);
        }
        bool safeguarded = rule.verdict == Verdicts.ALLOW_WITH_SAFEGUARD;
        if (
            rule.verdict == Verdicts.NONE || rule.verdict > Verdicts.DENY
                || safeguarded != (rule.safeguards != 0)
        ) {
            revert Errors.JurisdictionRules_BadVerdict(rule.verdict, rule.safeguards);
        }
        if (rule.lawId >= $.laws.length) revert Errors.JurisdictionRules_UnknownLaw(rule.lawId);

        $.activeShapes |= _shapes(row);
        $.rules[_key(row.dataClass, row.from, row.to, row.purpose)] = rule;
        emit RuleSet(row.dataClass, row.from, row.to, row.purpose, rule);
    }

    /// @dev Every shape under which the row can be found: a country is found as a country, and as a region too once
    /// other countries belong to it.
    function _shapes(RuleRow calldata row) private view returns (uint64 shapes) {
        uint256 named = (row.dataClass != DataClasses.ANY ? 2 : 0) + (row.purpose != Purposes.ANY ? 1 : 0);
        (uint8 firstFrom, uint8 lastFrom) = _levelsOfCode(row.from);
        (uint8 firstTo, uint8 lastTo) = _levelsOfCode(row.to);
        for (uint256 from = firstFrom; from <= lastFrom; ++from) {
            for (uint256 to = firstTo; to <= lastTo; ++to) {
                // At most 35: three levels on two sides, two dimensions named or not.
                // forge-lint: disable-next-line(unsafe-typecast)
                shapes |= uint64(1) << uint64(from * 12 + to * 4 + named);
            }
        }
    }

    function _levelsOfCode(bytes2 code) private view returns (uint8 first, uint8 last) {
        if (code == 0) return (ANY, ANY);
        if (_storage().regionOf[code] != 0) return (REGION, COUNTRY);
        if (_storage().regionIndex[code] != 0) return (REGION, REGION);
        revert Errors.JurisdictionRules_UnknownCode(code);
    }

    /// @dev A code is a country, a region of others, or a country that is its own region (others may then belong to
    /// it); it never is a country of one region and a region of others, for a row's code says which of the two is meant.
    function _setCountry(bytes2 country, bytes2 region) private {
        JurisdictionRulesStorage storage $ = _storage();
        _requireCode(country);
        _requireCode(region);
        bytes2 former = $.regionOf[country];
        if (former == 0 && $.regionIndex[country] != 0) {
            revert Errors.JurisdictionRules_CodeIsRegion(country);
        }
        if (region != country) {
            if ($.others[country] != 0) revert Errors.JurisdictionRules_CodeIsRegion(country);
            bytes2 regionsRegion = $.regionOf[region];
            if (regionsRegion != 0 && regionsRegion != region) {
                revert Errors.JurisdictionRules_CodeIsCountry(region);
            }
        }

        if (former != 0 && former != country) --$.others[former];
        if (region != country) ++$.others[region];
        $.regionOf[country] = region;
        if ($.regionIndex[region] == 0) {
            if ($.regionCount == type(uint8).max) revert Errors.JurisdictionRules_TooManyRegions();
            $.regionIndex[region] = ++$.regionCount;
        }
        emit CountrySet(country, region, $.regionIndex[region]);
    }

    function _requireCode(bytes2 code) private pure {
        if (code[0] < "A" || code[0] > "Z" || code[1] < "A" || code[1] > "Z") {
            revert Errors.JurisdictionRules_BadCode(code);
        }
    }

    function _storage() private pure returns (JurisdictionRulesStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
