// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What the law says of one kind of use. One storage slot.
struct Rule {
    /// 1 allow, 2 allow with a safeguard, 3 deny (`Verdicts`)
    uint8 verdict;
    /// bitmap of `Safeguards`, any one of which suffices; zero unless the verdict is 2
    uint32 safeguards;
    /// the dataset must be at least this anonymous
    uint16 minimumK;
    /// the most privacy loss a question may cost, epsilon x 1000; zero for no bound
    uint32 maximumEpsilonMilli;
    /// the records must stay where they are
    bool localized;
    /// index of the law's name
    uint16 lawId;
}

/// @notice A rule with what it applies to.
struct RuleRow {
    /// zero for any
    uint8 dataClass;
    /// country or region of the data; zero for any
    bytes2 from;
    /// country or region of the user; zero for any
    bytes2 to;
    /// zero for any
    uint8 purpose;
    Rule rule;
}

/// @notice The answer of the table, with the law that gives it.
struct Decision {
    uint8 verdict;
    uint32 safeguards;
    uint16 minimumK;
    uint32 maximumEpsilonMilli;
    bool localized;
    string law;
}

/// @title IJurisdictionRules
/// @notice The table of laws: which data may be used from where, for what.
/// @dev All rows that match apply. If one of them denies, the answer is the most specific denial; else it is the most
/// specific row; with no row it is a denial by "no rule". Specificity: 2 for a country and 1 for a region, on either
/// side, 1 for a named class, 1 for a named purpose; the higher sum first, ties by from, to, class, purpose, in that
/// order. A country that is its own region counts as a country. `crates/policy` decides the same way.
interface IJurisdictionRules {
    /// @notice A row was set.
    event RuleSet(uint8 dataClass, bytes2 indexed from, bytes2 indexed to, uint8 purpose, Rule rule);
    /// @notice A row was removed.
    event RuleRemoved(uint8 dataClass, bytes2 indexed from, bytes2 indexed to, uint8 purpose);
    /// @notice A country was put into a region.
    event CountrySet(bytes2 indexed country, bytes2 indexed region, uint8 regionIndex);
    /// @notice A law's name was set.
    event LawSet(uint256 indexed lawId, string law);

    /// @notice Adds or replaces rows. Governance only. Codes and laws must be listed before.
    function setRules(RuleRow[] calldata rows) external;

    /// @notice Removes a row. Governance only; reverts when there is none.
    function removeRule(uint8 dataClass, bytes2 from, bytes2 to, uint8 purpose) external;

    /// @notice Puts each country into the region of the same position. Governance only. A region gets the next free
    /// index, from 1 on, when it is first named.
    function setCountries(bytes2[] calldata countries, bytes2[] calldata regions) external;

    /// @notice Sets the names of laws from `firstId` on; ids follow without a gap, so `firstId` is at most the present
    /// number of laws. Governance only.
    function setLaws(uint16 firstId, string[] calldata laws) external;

    /// @notice Decides a use. `from` and `to` are countries.
    function decide(uint8 dataClass, bytes2 from, bytes2 to, uint8 purpose)
        external
        view
        returns (Decision memory);

    /// @notice As `decide`, with the number of the law instead of its name, which is long and only needed when somebody is
    /// refused; verdict zero when no row applies, which denies.
    function applying(uint8 dataClass, bytes2 from, bytes2 to, uint8 purpose)
        external
        view
        returns (Rule memory);

    /// @notice The row of exactly this key; verdict zero when there is none.
    function ruleAt(uint8 dataClass, bytes2 from, bytes2 to, uint8 purpose)
        external
        view
        returns (Rule memory);

    /// @notice A country's region; zero when not listed.
    function regionOf(bytes2 country) external view returns (bytes2);

    /// @notice A region's index in consent bitmaps, 1 to 255; zero when not listed.
    function regionIndex(bytes2 region) external view returns (uint8);

    /// @notice A law's name. Reverts when there is none.
    function law(uint16 lawId) external view returns (string memory);

    /// @notice How many laws are listed.
    function lawCount() external view returns (uint256);
}
