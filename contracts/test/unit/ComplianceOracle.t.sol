// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Safeguards} from "../../src/common/Codes.sol";
import {Rule, RuleRow} from "../../src/interfaces/IJurisdictionRules.sol";
import {Participant} from "../../src/interfaces/IParticipantRegistry.sol";
import {Cooperative} from "./Cooperative.sol";

contract ComplianceOracleTest is Cooperative {
    uint256 private datasetId;

    function setUp() public override {
        super.setUp();
        bytes2[] memory countries = new bytes2[](2);
        bytes2[] memory regions = new bytes2[](2);
        (countries[0], countries[1]) = (bytes2("DE"), bytes2("US"));
        (regions[0], regions[1]) = (bytes2("EU"), bytes2("US"));
        rules.setCountries(countries, regions);
        string[] memory laws = new string[](1);
        laws[0] = "GDPR Art. 46";
        rules.setLaws(0, laws);
        datasetId = _mintAs(custodian, _mintRequest("content"));
    }

    function _setRule(Rule memory rule) private {
        RuleRow[] memory rows = new RuleRow[](1);
        rows[0] = RuleRow(1, "EU", "US", 0, rule);
        rules.setRules(rows);
    }

    function _assertAccess(uint32 epsilonMilli, string memory expected) private view {
        (bool ok, string memory law) = compliance.checkAccess(researcher, datasetId, 1, epsilonMilli);
        assertEq(law, expected);
        assertEq(ok, bytes(expected).length == 0);
    }

    function test_standing_comes_first() public {
        (bool ok, string memory law) = compliance.checkAccess(stranger, 99, 0, 0);
        assertFalse(ok);
        assertEq(law, "not registered");
        (ok, law) = compliance.checkAccess(custodian, datasetId, 1, 0);
        assertEq(law, "role not held");
        vm.warp(NOW + 180 days);
        _assertAccess(0, "accreditation expired");
    }

    function test_purpose_and_dataset_must_exist() public view {
        (, string memory law) = compliance.checkAccess(researcher, datasetId, 0, 0);
        assertEq(law, "purpose unknown");
        (, law) = compliance.checkAccess(researcher, datasetId, 9, 0);
        assertEq(law, "purpose unknown");
        (, law) = compliance.checkAccess(researcher, datasetId + 1, 1, 0);
        assertEq(law, "dataset unknown");
    }

    function test_what_no_row_allows_is_barred() public view {
        _assertAccess(0, "no rule");
    }

    function test_a_denial_names_its_law() public {
        _setRule(Rule(3, 0, 0, 0, false, 0));
        _assertAccess(0, "GDPR Art. 46");
    }

    function test_any_one_of_the_safeguards_suffices() public {
        _setRule(Rule(2, Safeguards.SCC | Safeguards.BCR, 0, 0, false, 0));
        _assertAccess(0, "GDPR Art. 46");
        Participant memory p = registry.participant(researcher);
        p.safeguards = Safeguards.EXPLICIT_CONSENT;
        vm.prank(registrar);
        registry.update(researcher, p);
        _assertAccess(0, "GDPR Art. 46");
        p.safeguards = Safeguards.EXPLICIT_CONSENT | Safeguards.BCR;
        vm.prank(registrar);
        registry.update(researcher, p);
        _assertAccess(0, "");
    }

    function test_a_dataset_must_be_anonymous_enough() public {
        _setRule(Rule(1, 0, 6, 0, false, 0));
        _assertAccess(0, "GDPR Art. 46");
        _setRule(Rule(1, 0, 5, 0, false, 0));
        _assertAccess(0, "");
    }

    function test_a_question_may_not_cost_more_privacy_than_the_rule_bears() public {
        _setRule(Rule(1, 0, 0, 1_000, false, 0));
        _assertAccess(1_000, "");
        _assertAccess(1_001, "GDPR Art. 46");
        _setRule(Rule(1, 0, 0, 0, false, 0));
        _assertAccess(type(uint32).max, "");
    }

    function test_a_swap_is_an_access_for_general_research_to_our_own_token() public {
        _setRule(Rule(1, 0, 0, 0, false, 0));
        (bool ok, string memory law) = compliance.checkSwap(researcher, address(datasets), datasetId);
        assertTrue(ok);
        (ok, law) = compliance.checkSwap(researcher, address(membership), datasetId);
        assertFalse(ok);
        assertEq(law, "dataset unknown");
    }
}
