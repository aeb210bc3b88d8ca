//! The story on the embedded ledger, by its JSON.

use serde_json::Value;

use crate::support::{caduceus, folder, json, text};

/// What must hold of every story, whatever it was told with.
pub fn holds(story: &Value) {
    let integer = |pointer: &str| {
        story
            .pointer(pointer)
            .and_then(Value::as_u64)
            .unwrap_or_else(|| panic!("{pointer} in {story}"))
    };
    assert_eq!(
        integer("/payment/paid"),
        integer("/payment/contributors")
            + integer("/payment/treasury")
            + integer("/payment/buyback")
    );
    assert_eq!(
        integer("/payment/contributors"),
        integer("/payment/claimed") + integer("/payment/claimable")
    );
    assert!(integer("/payment/claimed") > 0);
    assert_eq!(integer("/revocation/patients_before"), integer("/revocation/patients_after") + 1);
    assert_eq!(story["governance"]["executed"], true);
    assert!(integer("/governance/votes_for") > 0);
    assert_eq!(story["governance"]["new_split"]["contributors"], 8_700);
    assert_eq!(story["audit"]["verified"], true);
    assert_eq!(story["audit"]["tampering_found"], true);
    assert!(integer("/audit/events") > 0);
    let refusals = story["refusals"].as_array().unwrap();
    let reason = |who: &str| {
        refusals.iter().find(|refusal| refusal["who"] == who).unwrap()["reason"].as_str().unwrap()
    };
    assert!(reason("ganges-analytics").starts_with("Blocked by: GDPR Art. 44"), "{refusals:?}");
    assert!(reason("alpine-lab").contains("accreditation"), "{refusals:?}");
    assert!(reason("sakura-institute").contains("Paused"), "{refusals:?}");
    assert_eq!(
        story["query"]["answers"].as_array().unwrap().len(),
        story["datasets"].as_array().unwrap().len()
    );
    assert!(!story["gas"].as_object().unwrap().is_empty());
    assert_eq!(story["milliseconds"].as_object().unwrap().len(), 10);
    let modules: Vec<&str> = story["modules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|module| {
            assert!(
                module["gas"].as_u64().unwrap() > 0 || module["module"] == "Treasury",
                "{module}"
            );
            module["module"].as_str().unwrap()
        })
        .collect();
    for module in [
        "Treasury",
        "ProviderBoost",
        "VoteEscrow",
        "ServiceDesk",
        "BondingCurve",
        "PoolNetwork",
        "DatasetExchange",
        "JobDisputes",
        "DatasetLending",
        "MeteredLicence",
        "ResearcherBonds",
        "Escrow",
        "TransferAgreement",
        "ContributionRewards",
        "VestingVault",
        "RevenueSplitter",
        "BuybackBurner",
        "Signalling",
        "DatasetAuction",
        "ValidatorPool",
        "PayoutStreams",
    ] {
        assert!(modules.contains(&module), "{module} is missing: {modules:?}");
    }
    for dataset in story["datasets"].as_array().unwrap() {
        assert!(dataset["cid"].as_str().unwrap().starts_with("bafk"), "{dataset}");
        assert!(dataset["k"].as_u64().unwrap() >= 2);
        assert!(dataset["shares"].as_str().unwrap().parse::<u128>().unwrap() > 0);
        assert!(dataset["rows"].as_u64().unwrap() >= dataset["patients"].as_u64().unwrap());
    }
}

#[test]
fn the_story_ends_with_every_sum_right_and_every_promise_kept() {
    let home = folder();
    let story = json(&["demo", "--patients", "200", "--seed", "7", "--dir", text(home.path())]);
    holds(&story);
    let datasets = story["datasets"].as_array().unwrap();
    let places: Vec<&str> =
        datasets.iter().map(|dataset| dataset["jurisdiction"].as_str().unwrap()).collect();
    assert_eq!(places, ["DE", "US"]);
    for dataset in datasets {
        assert!(
            dataset["k"].as_u64().unwrap() >= 10,
            "the policy's k holds for 200 patients: {dataset}"
        );
        assert_eq!(dataset["set_aside"], 0);
    }
}

#[test]
fn a_story_told_again_on_its_kept_state_repeats_nothing() {
    let home = folder();
    let arguments = ["demo", "--patients", "60", "--seed", "3", "--dir", text(home.path())];
    let first = json(&arguments);
    let again = json(&arguments);
    for part in
        ["datasets", "refusals", "query", "payment", "revocation", "governance", "modules", "audit"]
    {
        assert_eq!(first[part], again[part], "{part}");
    }
}

#[test]
fn a_person_is_told_the_story_in_ten_steps() {
    let output = caduceus(&["demo", "--patients", "60", "--seed", "5"]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for step in 1..=10 {
        assert!(told.contains(&format!("\n{step}/10  ")), "step {step} is missing:\n{told}");
    }
    assert!(told.contains("Blocked by: GDPR Art. 44"), "{told}");
}
