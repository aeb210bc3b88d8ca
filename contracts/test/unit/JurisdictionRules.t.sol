// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Decision, Rule, RuleRow} from "../../src/interfaces/IJurisdictionRules.sol";
import {Cooperative} from "./Cooperative.sol";

contract JurisdictionRulesTest is Cooperative {
    uint8 private constant ALLOW = 1;
    uint8 private constant WITH = 2;
    uint8 private constant DENY = 3;

    /// @dev The rows as a list, for the resolver that the contract is compared with.
    RuleRow[] private table;

    function setUp() public override {
        super.setUp();
        _country("DE", "EU");
        _country("FR", "EU");
        _country("US", "US");
        _country("JP", "JP");
        string[] memory laws = new string[](8);
        for (uint256 i; i < 8; ++i) {
            laws[i] = string(abi.encodePacked("law ", bytes1(uint8(0x30 + i))));
        }
        rules.setLaws(0, laws);
    }

    function _country(bytes2 country, bytes2 region) private {
        bytes2[] memory countries = new bytes2[](1);
        bytes2[] memory regions = new bytes2[](1);
        (countries[0], regions[0]) = (country, region);
        rules.setCountries(countries, regions);
    }

    function _row(uint8 dataClass, bytes2 from, bytes2 to, uint8 purpose, uint8 verdict, uint16 lawId)
        private
        pure
        returns (RuleRow memory)
    {
        Rule memory rule = Rule(verdict, verdict == WITH ? 1 : 0, lawId + 1, 1000 + lawId, false, lawId);
        return RuleRow(dataClass, from, to, purpose, rule);
    }

    function _set(uint8 dataClass, bytes2 from, bytes2 to, uint8 purpose, uint8 verdict, uint16 lawId)
        private
    {
        RuleRow[] memory rows = new RuleRow[](1);
        rows[0] = _row(dataClass, from, to, purpose, verdict, lawId);
        rules.setRules(rows);
    }

    function _assertDecision(bytes2 from, bytes2 to, uint8 verdict, string memory law) private view {
        Decision memory d = rules.decide(1, from, to, 1);
        assertEq(d.law, law);
        assertEq(d.verdict, verdict);
    }

    // ---------------------------------------------------------------- cases

    function test_without_a_row_it_is_denied_by_no_rule() public {
        _assertDecision("DE", "US", DENY, "no rule");
        _set(2, "DE", "US", 0, ALLOW, 0);
        _assertDecision("DE", "US", DENY, "no rule");
    }

    function test_a_decision_carries_everything_its_row_says() public {
        RuleRow[] memory rows = new RuleRow[](1);
        rows[0] = RuleRow(1, "EU", "US", 1, Rule(WITH, 5, 11, 2_500, true, 3));
        rules.setRules(rows);
        Decision memory d = rules.decide(1, "FR", "US", 1);
        Decision memory expected = Decision(WITH, 5, 11, 2_500, true, "law 3");
        assertEq(keccak256(abi.encode(d)), keccak256(abi.encode(expected)));
        assertEq(keccak256(abi.encode(rules.ruleAt(1, "EU", "US", 1))), keccak256(abi.encode(rows[0].rule)));
    }

    function test_a_country_comes_before_its_region_and_a_region_before_any_place() public {
        _set(0, 0, "US", 0, ALLOW, 0);
        _assertDecision("DE", "US", ALLOW, "law 0");
        _set(0, "EU", "US", 0, ALLOW, 1);
        _assertDecision("DE", "US", ALLOW, "law 1");
        _set(0, "DE", "US", 0, ALLOW, 2);
        _assertDecision("DE", "US", ALLOW, "law 2");
        _assertDecision("FR", "US", ALLOW, "law 1");
        _assertDecision("JP", "US", ALLOW, "law 0");
    }

    function test_of_two_rows_with_the_same_sum_the_one_that_names_the_origin_more_closely_applies() public {
        _set(0, 0, "US", 0, ALLOW, 1);
        _set(0, "US", 0, 0, ALLOW, 2);
        _assertDecision("US", "US", ALLOW, "law 2");
        _set(1, "EU", 0, 0, ALLOW, 3);
        _set(0, "DE", 0, 0, ALLOW, 4);
        _assertDecision("DE", "JP", ALLOW, "law 4");
    }

    function test_a_denial_wins_over_every_row_and_the_most_specific_one_is_named() public {
        _set(1, "DE", "US", 1, ALLOW, 0);
        _set(0, 0, 0, 0, DENY, 1);
        _assertDecision("DE", "US", DENY, "law 1");
        _set(0, "EU", 0, 0, DENY, 2);
        _assertDecision("DE", "US", DENY, "law 2");
        _assertDecision("JP", "US", DENY, "law 1");
    }

    function test_an_unlisted_country_meets_only_rows_for_any_place() public {
        _set(0, "EU", 0, 0, ALLOW, 1);
        _assertDecision("DE", "XX", ALLOW, "law 1");
        _assertDecision("XX", "DE", DENY, "no rule");
        _assertDecision(0, "DE", DENY, "no rule");
        _set(0, 0, 0, 0, ALLOW, 2);
        _assertDecision("XX", "DE", ALLOW, "law 2");
        _assertDecision(0, 0, ALLOW, "law 2");
    }

    function test_a_country_that_is_its_own_region_serves_as_the_region_of_others() public {
        _set(0, "US", "EU", 0, ALLOW, 1);
        _country("PR", "US");
        _assertDecision("PR", "DE", ALLOW, "law 1");
        _assertDecision("US", "DE", ALLOW, "law 1");
        // At the same key: for PR it is the region's row, so that a row for PR comes first.
        _set(0, "PR", "EU", 0, ALLOW, 2);
        _assertDecision("PR", "DE", ALLOW, "law 2");
        _assertDecision("US", "DE", ALLOW, "law 1");
    }

    function test_a_country_can_enter_and_leave_a_region() public {
        _set(0, "EU", "US", 0, ALLOW, 1);
        _set(0, "JP", "US", 0, ALLOW, 2);
        _country("FR", "FR");
        _assertDecision("FR", "US", DENY, "no rule");
        _country("JP", "EU");
        _assertDecision("JP", "US", ALLOW, "law 2");
        rules.removeRule(0, "JP", "US", 0);
        _assertDecision("JP", "US", ALLOW, "law 1");
    }

    function test_a_code_is_never_a_country_of_one_region_and_a_region_of_others() public {
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_CodeIsRegion.selector, bytes2("EU")));
        this.setCountry("EU", "EU");
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_CodeIsCountry.selector, bytes2("DE")));
        this.setCountry("LU", "DE");
        _country("PR", "US");
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_CodeIsRegion.selector, bytes2("US")));
        this.setCountry("US", "NA");
        _country("PR", "PR");
        _country("US", "NA");
    }

    function setCountry(bytes2 code, bytes2 region) external {
        _country(code, region);
    }

    function test_regions_are_numbered_as_they_come() public {
        assertEq(rules.regionIndex("EU"), 1);
        assertEq(rules.regionIndex("US"), 2);
        assertEq(rules.regionIndex("JP"), 3);
        assertEq(rules.regionIndex("DE"), 0);
        assertEq(rules.regionOf("FR"), bytes2("EU"));
        _country("FR", "JP");
        assertEq(rules.regionIndex("JP"), 3);
    }

    function test_rows_without_sense_are_refused() public {
        RuleRow[] memory rows = new RuleRow[](1);
        rows[0] = _row(0, "XX", 0, 0, ALLOW, 0);
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_UnknownCode.selector, bytes2("XX")));
        rules.setRules(rows);
        rows[0] = _row(7, "DE", 0, 0, ALLOW, 0);
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_BadKey.selector, 7, 0));
        rules.setRules(rows);
        rows[0] = _row(0, "DE", 0, 9, ALLOW, 0);
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_BadKey.selector, 0, 9));
        rules.setRules(rows);
        rows[0] = _row(0, "DE", 0, 0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_BadVerdict.selector, 0, 0));
        rules.setRules(rows);
        rows[0] = _row(0, "DE", 0, 0, ALLOW, 0);
        rows[0].rule.safeguards = 1;
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_BadVerdict.selector, 1, 1));
        rules.setRules(rows);
        rows[0] = _row(0, "DE", 0, 0, ALLOW, 8);
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_UnknownLaw.selector, 8));
        rules.setRules(rows);
        vm.expectRevert(Errors.JurisdictionRules_NoRule.selector);
        rules.removeRule(0, "DE", 0, 0);
    }

    function test_laws_are_renamed_in_place_and_added_without_a_gap() public {
        string[] memory laws = new string[](2);
        (laws[0], laws[1]) = ("renamed", "added");
        rules.setLaws(7, laws);
        assertEq(rules.law(7), "renamed");
        assertEq(rules.law(8), "added");
        assertEq(rules.lawCount(), 9);
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_UnknownLaw.selector, 10));
        rules.setLaws(10, laws);
    }

    function test_only_governance_changes_the_table() public {
        vm.startPrank(stranger);
        bytes memory refusal =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.expectRevert(refusal);
        rules.setRules(new RuleRow[](0));
        vm.expectRevert(refusal);
        rules.removeRule(0, 0, 0, 0);
        vm.expectRevert(refusal);
        rules.setCountries(new bytes2[](0), new bytes2[](0));
        vm.expectRevert(refusal);
        rules.setLaws(0, new string[](0));
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- against another resolver

    /// @dev The table is judged row by row, by the rule as the interface words it.
    function test_fuzz_the_table_decides_as_reading_it_row_by_row(uint256 seed) public {
        for (uint256 i; i < 14; ++i) {
            _addRandomRow(uint256(keccak256(abi.encode(seed, i))));
        }
        rules.setRules(table);
        bytes2[5] memory places = [bytes2("DE"), "FR", "US", "JP", "XX"];
        for (uint256 from; from < 5; ++from) {
            for (uint256 to; to < 5; ++to) {
                for (uint8 class = 1; class <= 2; ++class) {
                    Decision memory d = rules.decide(class, places[from], places[to], 1);
                    Decision memory e = _naive(class, places[from], places[to], 1);
                    assertEq(keccak256(abi.encode(d)), keccak256(abi.encode(e)));
                }
            }
        }
    }

    function _addRandomRow(uint256 random) private {
        bytes2[5] memory codes = [bytes2(0), "EU", "DE", "US", "JP"];
        RuleRow memory row = _row(
            uint8(random % 3),
            codes[(random >> 8) % 5],
            codes[(random >> 16) % 5],
            uint8((random >> 24) % 3),
            (random >> 32) % 8 == 0 ? DENY : uint8(1 + ((random >> 40) % 2)),
            uint16((random >> 48) % 8)
        );
        for (uint256 i; i < table.length; ++i) {
            RuleRow storage t = table[i];
            bool same = t.dataClass == row.dataClass && t.from == row.from && t.to == row.to;
            if (same && t.purpose == row.purpose) return;
        }
        table.push(row);
    }

    function _naive(uint8 class, bytes2 from, bytes2 to, uint8 purpose)
        private
        view
        returns (Decision memory)
    {
        uint256 bestRank;
        uint256 best;
        bool denied;
        for (uint256 i; i < table.length; ++i) {
            RuleRow memory row = table[i];
            if (row.dataClass != 0 && row.dataClass != class) continue;
            if (row.purpose != 0 && row.purpose != purpose) continue;
            (bool fromMatches, uint256 fromLevel) = _match(row.from, from);
            (bool toMatches, uint256 toLevel) = _match(row.to, to);
            if (!fromMatches || !toMatches) continue;
            uint256 named = (row.dataClass == 0 ? 0 : 1) + (row.purpose == 0 ? 0 : 1);
            uint256 rank = 1 + (fromLevel + toLevel + named) * 10_000 + fromLevel * 1_000 + toLevel * 100
                + (row.dataClass == 0 ? 0 : 10) + (row.purpose == 0 ? 0 : 1);
            bool deny = row.rule.verdict == DENY;
            if ((deny && !denied) || (deny == denied && rank > bestRank)) {
                (best, bestRank, denied) = (i, rank, deny);
            }
        }
        if (bestRank == 0) return Decision(DENY, 0, 0, 0, false, "no rule");
        Rule memory rule = table[best].rule;
        return Decision(
            rule.verdict,
            rule.safeguards,
            rule.minimumK,
            rule.maximumEpsilonMilli,
            rule.localized,
            rules.law(rule.lawId)
        );
    }

    function _match(bytes2 code, bytes2 place) private pure returns (bool, uint256) {
        if (code == 0) return (true, 0);
        if (code == place) return (true, 2);
        bool european = place == "DE" || place == "FR";
        return (code == "EU" && european, 1);
    }

    function test_who_asks_for_no_class_or_purpose_meets_only_rows_for_any() public {
        _set(1, "DE", "US", 1, ALLOW, 0);
        assertEq(rules.decide(0, "DE", "US", 1).law, "no rule");
        assertEq(rules.decide(1, "DE", "US", 0).law, "no rule");
        _set(0, "DE", "US", 0, DENY, 1);
        assertEq(rules.decide(0, "DE", "US", 0).law, "law 1");
    }

    function test_what_applies_is_what_is_decided_with_the_number_of_the_law() public {
        assertEq(rules.applying(1, "DE", "US", 1).verdict, 0);
        _set(0, "EU", "US", 0, WITH, 3);
        assertEq(rules.applying(1, "DE", "US", 1).lawId, 3);
        assertEq(rules.law(3), rules.decide(1, "DE", "US", 1).law);
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_UnknownLaw.selector, 8));
        rules.law(8);
    }

    function test_codes_are_two_capital_letters_and_come_in_pairs() public {
        bytes2[4] memory bad = [bytes2("de"), "D1", "1D", "De"];
        bytes2[] memory one = new bytes2[](1);
        for (uint256 i; i < bad.length; ++i) {
            one[0] = bad[i];
            vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_BadCode.selector, bad[i]));
            rules.setCountries(one, one);
        }
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_LengthMismatch.selector, 1, 0));
        rules.setCountries(one, new bytes2[](0));
    }

    /// @dev Consents name regions by a bit each, so that there are 255 at most.
    function test_the_regions_and_the_laws_have_a_last_number() public {
        uint256 regions = 3;
        for (uint8 i; i < 26; ++i) {
            for (uint8 j; j < 26; ++j) {
                bytes2 code = bytes2(abi.encodePacked(bytes1(0x41 + i), bytes1(0x41 + j)));
                if (rules.regionOf(code) != 0 || rules.regionIndex(code) != 0) continue;
                if (regions == 255) {
                    vm.expectRevert(Errors.JurisdictionRules_TooManyRegions.selector);
                    _country(code, code);
                    return _assertLawsEnd();
                }
                _country(code, code);
                ++regions;
            }
        }
    }

    function _assertLawsEnd() private {
        string[] memory laws = new string[](65_537);
        vm.expectRevert(abi.encodeWithSelector(Errors.JurisdictionRules_UnknownLaw.selector, 65_537));
        rules.setLaws(0, laws);
    }
}
