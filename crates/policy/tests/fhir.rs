//! FHIR Consents and grants: what is written reads back the same, and nothing that a reader does not know permits more.

#![allow(clippy::unwrap_used, reason = "tests")]

use caduceus_policy::consent::fhir::{
    Parties, UNNAMED_CLASSES, UNNAMED_PURPOSES, read, read_held, write,
};
use caduceus_policy::consent::{ClassSet, Grant, Party, PurposeSet, RegionSet, Use, permits};
use caduceus_policy::{DataClass, Purpose, Region, default_rules};
use proptest::prelude::*;
use serde_json::{Value, json};

const CUSTODIAN: Party = Party([0xc0; 20]);
const NOW: u64 = 1_800_000_000;
const PARTIES: Parties<'_> = Parties { person: "0x01", custodian: CUSTODIAN, chain_id: 31_337 };

fn grant() -> impl Strategy<Value = Grant> {
    let classes = prop::sample::subsequence(DataClass::ALL, 1..=DataClass::ALL.len());
    let purposes = prop::sample::subsequence(Purpose::ALL, 1..=Purpose::ALL.len());
    let regions: Vec<Region> = default_rules().countries().map(|(_, region)| region).collect();
    let places = prop::option::of(prop::sample::subsequence(regions, 1..6));
    let grantee = prop::option::of(prop::sample::select(vec![Party([1; 20]), Party([2; 20])]));
    let expiry = prop_oneof![1..253_402_300_800_u64, Just(u64::MAX), NOW..NOW + 1_000_000];
    (classes, purposes, places, grantee, expiry, any::<[u8; 32]>()).prop_map(
        |(classes, purposes, places, grantee, expiry, document_hash)| Grant {
            custodian: CUSTODIAN,
            grantee,
            classes: ClassSet::of(&classes),
            purposes: PurposeSet::of(&purposes),
            jurisdictions: places.map_or_else(RegionSet::anywhere, |places| {
                RegionSet::of(default_rules(), &places).unwrap()
            }),
            expiry,
            document_hash,
        },
    )
}

/// Every use that grants can tell apart.
fn uses() -> Vec<Use> {
    let mut uses = Vec::new();
    for grantee in [Party([1; 20]), Party([2; 20]), Party([3; 20])] {
        for &class in DataClass::ALL {
            for &purpose in Purpose::ALL {
                for country in ["DE", "US", "JP", "TZ"] {
                    uses.push(Use {
                        custodian: CUSTODIAN,
                        grantee,
                        in_good_standing: true,
                        class,
                        purpose,
                        country: country.parse().unwrap(),
                    });
                }
            }
        }
    }
    uses
}

fn permitted(grants: &[Grant]) -> Vec<bool> {
    let table = default_rules();
    uses().iter().map(|asked| permits(table, grants, asked, NOW).is_ok()).collect()
}

fn permitted_by(consent: &Value) -> Vec<bool> {
    permitted(&read(default_rules(), &PARTIES, consent, NOW).grants)
}

/// Parts that FHIR has and grants do not, and values that nobody knows.
fn foreign() -> Vec<(&'static str, Value)> {
    vec![
        ("securityLabel", json!([{ "code": "R" }])),
        ("code", json!([{ "text": "a document" }])),
        ("dataPeriod", json!({ "start": "2020" })),
        ("data", json!([{ "meaning": "instance" }])),
        ("modifierExtension", json!([{ "url": "urn:x", "valueBoolean": true }])),
        ("purpose", json!([{ "system": "urn:x", "code": "GRU" }])),
        (
            "class",
            json!([{ "system": "http://hl7.org/fhir/resource-types", "code": "Observation" }]),
        ),
        ("class", json!("clinical")),
        ("actor", json!([{ "reference": { "reference": "Organization/1" } }])),
        ("period", json!({ "start": "2099-01-01" })),
        ("period", json!({ "end": "soon" })),
        ("period", json!("2030")),
        ("action", json!([{ "coding": [{ "code": "collect" }] }])),
        ("type", json!("maybe")),
        ("provision", json!([{ "type": "deny" }])),
        ("provision", json!([{ "type": "permit" }])),
        ("provision", json!([{}])),
        ("provision", json!({})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_written_reads_back_to_the_same_grants(grants in prop::collection::vec(grant(), 1..5)) {
        let written = write(default_rules(), &PARTIES, &grants, NOW);
        let text = written.to_string();
        let back = read(default_rules(), &PARTIES, &serde_json::from_str(&text).unwrap(), NOW);
        // What has ended is named, and nothing else is.
        let (standing, ended): (Vec<_>, Vec<_>) =
            grants.into_iter().partition(|grant| grant.expiry > NOW);
        prop_assert_eq!(back.unmapped.len(), ended.len());
        prop_assert!(back.unmapped.iter().all(|part| part.path.ends_with(".period")));
        prop_assert_eq!(back.grants, standing);
    }

    #[test]
    fn a_foreign_part_never_permits_more_wherever_it_stands(
        grants in prop::collection::vec(grant(), 1..4),
        which in 0..18_usize,
        place in 0..4_usize,
    ) {
        let consent = write(default_rules(), &PARTIES, &grants, NOW);
        let before = permitted_by(&consent);
        let (key, value) = foreign()[which].clone();
        let mut changed = consent.clone();
        let several = consent["provision"]["provision"].as_array().map_or(0, Vec::len);
        let target = match several {
            0 => &mut changed["provision"],
            several => &mut changed["provision"]["provision"][place % several],
        };
        target[key] = value;
        for (was, is) in before.iter().zip(permitted_by(&changed)) {
            prop_assert!(*was || !is, "{key} permits more");
        }
    }

    #[test]
    fn a_custodian_reads_no_more_than_a_ledger_does(
        grants in prop::collection::vec(grant(), 1..4),
        which in prop::option::of(0..18_usize),
    ) {
        let mut consent = write(default_rules(), &PARTIES, &grants, NOW);
        if let Some((key, value)) = which.map(|which| foreign()[which].clone()) {
            consent["provision"][key] = value;
        }
        let held = read_held(default_rules(), CUSTODIAN, PARTIES.chain_id, &consent, NOW);
        let begun = held.begins.is_none_or(|begins| begins <= NOW);
        let on_paper = permitted(&held.reading.grants);
        for (paper, ledger) in on_paper.iter().zip(permitted_by(&consent)) {
            prop_assert!(!(begun && *paper) || ledger, "the custodian reads more");
            // Only what has not begun is kept for later; all else is the same.
            prop_assert!(*paper || !ledger, "the custodian reads less");
        }
    }

    #[test]
    fn a_denial_below_takes_away_at_least_what_it_names(
        grant in grant(),
        classes in prop::sample::subsequence(DataClass::ALL, 0..3),
        purposes in prop::sample::subsequence(Purpose::ALL, 0..3),
        places in prop::sample::subsequence(vec!["EU", "US", "JP"], 0..3),
    ) {
        let grant = Grant { grantee: None, expiry: u64::MAX, ..grant };
        let whole = write(default_rules(), &PARTIES, std::slice::from_ref(&grant), NOW);
        let coding = |system: &str, code: &str| json!({ "system": system, "code": code });
        let mut denial = json!({ "type": "deny" });
        if !classes.is_empty() {
            let codes = classes.iter().map(|class| coding("urn:caduceus:data-class", class.code()));
            denial["class"] = codes.collect();
        }
        if !purposes.is_empty() {
            let only = Grant { purposes: PurposeSet::of(&purposes), ..grant.clone() };
            let written = write(default_rules(), &PARTIES, &[only], NOW);
            denial["purpose"] = written["provision"]["purpose"].clone();
        }
        if !places.is_empty() {
            denial["modifierExtension"] = places
                .iter()
                .map(|place| json!({
                    "url": "urn:caduceus:jurisdiction",
                    "valueCoding": coding("urn:iso:std:iso:3166", place),
                }))
                .collect();
        }
        let mut narrowed = whole.clone();
        narrowed["provision"]["provision"] = json!([denial]);
        let (before, after) = (permitted_by(&whole), permitted_by(&narrowed));
        for ((asked, was), is) in uses().iter().zip(before).zip(after) {
            let region = default_rules().region_of(asked.country).map(|region| region.to_string());
            let denied = (classes.is_empty() || classes.contains(&asked.class))
                && (purposes.is_empty() || purposes.contains(&asked.purpose))
                && (places.is_empty() || region.is_some_and(|r| places.contains(&r.as_str())));
            prop_assert!(!(denied && is), "{asked:?} is denied");
            // A country that no file lists cannot be kept apart from those that are denied.
            let listed = default_rules().region_of(asked.country).is_some();
            // Nor can a use be told from one that is denied, if it may be of the same kind.
            let kindred = !purposes.is_empty() && !purposes.contains(&asked.purpose);
            prop_assert!(denied || is == was || !listed && !is || kindred && !is, "{asked:?} was permitted");
        }
    }

    #[test]
    fn no_json_makes_reading_panic(text in "\\PC{0,64}", key in "[a-z]{1,10}") {
        let mut consent = write(default_rules(), &PARTIES, &[], NOW);
        consent[&key] = json!(text);
        let _ = read(default_rules(), &PARTIES, &consent, NOW);
        consent["provision"][&key] = json!([text, { "type": text }]);
        let _ = read(default_rules(), &PARTIES, &consent, NOW);
    }
}

fn one() -> Value {
    let grant = Grant {
        custodian: CUSTODIAN,
        grantee: None,
        classes: ClassSet::of(&[DataClass::Clinical]),
        purposes: PurposeSet::of(&[Purpose::HealthResearch]),
        jurisdictions: RegionSet::anywhere(),
        expiry: NOW + 1_000,
        document_hash: [7; 32],
    };
    write(default_rules(), &PARTIES, &[grant], NOW)
}

fn reading(change: impl FnOnce(&mut Value)) -> (usize, Vec<String>) {
    let mut consent = one();
    change(&mut consent);
    let reading = read(default_rules(), &PARTIES, &consent, NOW);
    (reading.grants.len(), reading.unmapped.into_iter().map(|part| part.path).collect())
}

#[test]
fn what_is_no_permission_of_this_person_to_this_custodian_is_refused_by_its_place() {
    for (pointer, value, path) in [
        ("/status", json!("inactive"), "Consent.status"),
        ("/scope/coding/0/code", json!("treatment"), "Consent.scope"),
        ("/patient/identifier/value", json!("0x02"), "Consent.patient"),
        (
            "/organization/0/identifier/value",
            json!("did:pkh:eip155:1:0x00"),
            "Consent.organization",
        ),
        ("/provision/type", json!("deny"), ""),
        ("/policyRule/coding/0/code", json!("EMRGONLY"), "Consent.policyRule"),
        ("/policyRule/coding/0/code", json!("OPTOUTE"), "Consent.policyRule"),
    ] {
        let (grants, paths) = reading(|consent| *consent.pointer_mut(pointer).unwrap() = value);
        assert_eq!(grants, 0, "{pointer}");
        assert!(path.is_empty() || paths == [path], "{pointer}: {paths:?}");
    }
    let part = json!({ "tag": [{ "code": "SUBSETTED" }] });
    let (grants, paths) = reading(|consent| consent["meta"] = part);
    assert_eq!((grants, paths), (0, vec!["Consent.meta.tag".to_owned()]));
    let (grants, paths) = reading(|consent| consent["modifierExtension"] = json!([{}]));
    assert_eq!((grants, paths), (0, vec!["Consent.modifierExtension".to_owned()]));
}

#[test]
fn what_is_left_out_is_named_by_its_place() {
    let (grants, paths) = reading(|consent| {
        let purposes = consent["provision"]["purpose"].as_array_mut().unwrap();
        purposes.push(json!({ "system": "urn:x", "code": "HMARKT" }));
    });
    assert_eq!((grants, paths), (1, vec!["Consent.provision.purpose[1]".to_owned()]));
    let (grants, paths) = reading(|consent| consent["provision"]["data"] = json!([]));
    assert_eq!((grants, paths), (0, vec!["Consent.provision.data".to_owned()]));
}

#[test]
fn permits_below_a_root_that_denies_are_read_as_national_consents_write_them() {
    let (grants, _) = reading(|consent| {
        let permit = consent["provision"].clone();
        consent["provision"] = json!({
            "type": "deny",
            "period": { "start": "2020-01-01", "end": "2050-01-01" },
            "provision": [permit],
        });
    });
    assert_eq!(grants, 1);
    let mut deep = one()["provision"].clone();
    for _ in 0..20 {
        deep = json!({ "type": "permit", "provision": [{ "type": "deny", "provision": [deep] }] });
    }
    assert_eq!(reading(|consent| consent["provision"] = deep).0, 0);
}

#[test]
fn a_day_ends_a_consent_before_any_time_zone_has_it() {
    let end = |text: &str| {
        let mut consent = one();
        consent["provision"]["period"] = json!({ "end": text });
        read(default_rules(), &PARTIES, &consent, NOW).grants.first().map(|grant| grant.expiry)
    };
    // `date -u -d 2027-03-01 +%s`
    assert_eq!(end("2027-03-01"), Some(1_803_859_200));
    assert_eq!(end("2027-03"), Some(1_803_859_200));
    assert_eq!(end("2027-03-01T00:00:00+01:00"), Some(1_803_855_601));
    assert_eq!(end("2027-02-30"), None);
    assert_eq!(end("soon"), None);
}

/// What a document permits and what is named of it, where `change` was made to one that permits.
fn refused(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let (grants, paths) = reading(change);
    assert_eq!(grants, 0, "{paths:?}");
    paths
}

#[test]
fn a_root_that_is_no_provision_permits_nothing_and_is_named() {
    let permit = one()["provision"].clone();
    for root in [
        json!([{ "type": "deny" }]),
        json!([permit]),
        json!("deny"),
        json!(true),
        json!(null),
        json!([]),
        json!({}),
    ] {
        let paths = refused(|consent| consent["provision"] = root.clone());
        assert_eq!(paths, ["Consent.provision"], "{root}");
    }
}

#[test]
fn a_type_that_is_neither_permit_nor_deny_permits_nothing_wherever_it_stands() {
    for kind in [json!(1), json!(null), json!(["deny"]), json!(["permit"]), json!("Deny")] {
        let paths = refused(|consent| consent["provision"]["type"] = kind.clone());
        assert_eq!(paths, ["Consent.provision.type"], "{kind}");
        let child = json!({ "type": kind, "class": [{ "code": "x" }] });
        let paths = refused(|consent| consent["provision"]["provision"] = json!([child]));
        assert_eq!(paths, ["Consent.provision.provision[0]"], "{kind} below a permit");
        let paths = refused(|consent| {
            let permit = consent["provision"].clone();
            consent["provision"] = json!({ "type": "deny", "provision": [permit, child] });
        });
        assert_eq!(paths, ["Consent.provision.provision[1]"], "{kind} below a denial");
    }
}

#[test]
fn a_root_without_a_type_permits_by_opting_in_and_only_what_it_names() {
    let untyped = |change: &dyn Fn(&mut Value)| {
        reading(|consent| {
            consent["provision"].as_object_mut().unwrap().remove("type");
            change(consent);
        })
    };
    assert_eq!(untyped(&|_| {}), (1, vec![]));
    let (grants, paths) = untyped(&|consent| {
        consent["provision"].as_object_mut().unwrap().remove("purpose");
    });
    assert_eq!((grants, paths), (0, vec!["Consent.provision.purpose".to_owned()]));
    let (grants, paths) = untyped(&|consent| {
        consent.as_object_mut().unwrap().remove("policyRule");
    });
    assert_eq!((grants, paths), (0, vec!["Consent.provision.type".to_owned()]));
}

fn recipient(address: &str) -> Value {
    let role = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP" });
    let account = format!("did:pkh:eip155:31337:0x{address}");
    json!({
        "role": { "coding": [role] },
        "reference": { "identifier": { "system": "urn:ietf:rfc:3986", "value": account } },
    })
}

#[test]
fn the_zero_address_is_no_recipient_and_least_of_all_every_researcher() {
    let (zero, one) = (recipient(&"00".repeat(20)), recipient(&"01".repeat(20)));
    let paths = refused(|consent| consent["provision"]["actor"] = json!([zero]));
    assert_eq!(paths, ["Consent.provision.actor[0]"]);
    let mut consent = self::one();
    consent["provision"]["actor"] = json!([one, zero]);
    let reading = read(default_rules(), &PARTIES, &consent, NOW);
    let grantees: Vec<_> = reading.grants.iter().map(|grant| grant.grantee).collect();
    assert_eq!(grantees, [Some(Party([1; 20]))]);
    assert_eq!(reading.unmapped[0].path, "Consent.provision.actor[1]");
}

#[test]
fn a_recipient_who_may_be_somebody_else_is_left_out() {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut actor = recipient(&"01".repeat(20));
        change(&mut actor["reference"]);
        reading(|consent| consent["provision"]["actor"] = json!([actor]))
    };
    assert_eq!(changed(&|reference| reference["display"] = json!("A lab")), (1, vec![]));
    let left_out = (0, vec!["Consent.provision.actor[0]".to_owned()]);
    let period = json!({ "end": "2020" });
    assert_eq!(changed(&|reference| reference["reference"] = json!("Organization/x")), left_out);
    assert_eq!(changed(&|reference| reference["identifier"]["use"] = json!("old")), left_out);
    assert_eq!(changed(&|reference| reference["identifier"]["period"] = period.clone()), left_out);
}

const DUO: &str = "http://purl.obolibrary.org/obo/duo.owl";

/// What is permitted by a document whose permit has these purposes, and what is named of it.
fn purposes(codings: &Value) -> (Option<PurposeSet>, Vec<String>) {
    let mut consent = one();
    consent["provision"]["purpose"] = codings.clone();
    let reading = read(default_rules(), &PARTIES, &consent, NOW);
    let paths = reading.unmapped.into_iter().map(|part| part.path).collect();
    (reading.grants.first().map(|grant| grant.purposes), paths)
}

#[test]
fn a_restriction_of_duo_is_no_further_purpose() {
    let duo = |code: &str| json!({ "system": DUO, "code": format!("DUO_00000{code}") });
    // Geography, institution, genetic studies, methods, and a code that DUO may have one day.
    for restriction in ["22", "28", "16", "15", "99"] {
        let (permitted, paths) = purposes(&json!([duo("42"), duo(restriction)]));
        assert_eq!((permitted, paths.len()), (None, 1), "{restriction}");
        assert_eq!(paths, ["Consent.provision.purpose[1]"], "{restriction}");
    }
    let elsewhere = json!({ "system": "http://example.org", "code": "DUO:0000018" });
    assert_eq!(purposes(&json!([elsewhere, duo("42")])).0, None);
    for code in [json!("DUO_0000018"), json!(18), json!(null)] {
        let condition = json!({ "system": DUO, "code": code });
        assert_eq!(purposes(&json!([duo("06"), condition])).0, None, "{code}");
    }
}

#[test]
fn what_is_not_for_profit_restricts_what_stands_beside_it() {
    let duo = |code: &str| json!({ "system": DUO, "code": format!("DUO_00000{code}") });
    let profitless = Some(PurposeSet::of(&[Purpose::NotForProfit]));
    assert_eq!(purposes(&json!([duo("45")])), (profitless, vec![]));
    let named = vec!["Consent.provision.purpose[1]".to_owned()];
    assert_eq!(purposes(&json!([duo("42"), duo("45")])), (profitless, named.clone()));
    // Health research that is not for profit is less than either purpose of a grant.
    assert_eq!(purposes(&json!([duo("06"), duo("45")])), (None, named));
    let commercial = json!({ "system": "urn:caduceus:purpose", "code": "COM" });
    assert_eq!(purposes(&json!([commercial, duo("45")])).0, None);
}

#[test]
fn a_code_that_says_more_than_its_code_is_not_taken_for_it() {
    let disease = json!({ "url": "urn:x:disease", "valueCode": "MONDO_0005148" });
    let narrowed = json!({ "system": DUO, "code": "DUO_0000007", "extension": [disease] });
    let named = (None, vec!["Consent.provision.purpose[0]".to_owned()]);
    assert_eq!(purposes(&json!([narrowed])), named);
    let plain = json!({ "system": DUO, "code": "DUO_0000007", "display": "disease specific" });
    assert_eq!(purposes(&json!([plain])).0, Some(PurposeSet::of(&[Purpose::DiseaseSpecific])));
    let mondo =
        json!({ "system": "http://purl.obolibrary.org/obo/mondo.owl", "code": "MONDO_0005148" });
    assert_eq!(purposes(&json!([plain, mondo])).0, None, "for that disease alone");
    let class = json!({ "system": "urn:caduceus:data-class", "code": "clinical", "extension": [] });
    let paths = refused(|consent| consent["provision"]["class"] = json!([class]));
    assert_eq!(paths, ["Consent.provision.class[0]"]);
}

/// The changes that each make a document one that permits nothing, with the place that is named.
fn conditions() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let other = json!([{ "url": "urn:x", "valueBoolean": true }]);
    let mut actor = recipient(&"01".repeat(20));
    actor["modifierExtension"] = other.clone();
    let mut action = one()["provision"]["action"].clone();
    action[0]["coding"][0]["modifierExtension"] = other.clone();
    let place = json!({ "system": "urn:iso:std:iso:3166", "code": "EU" });
    let mut place = json!({ "url": "urn:caduceus:jurisdiction", "valueCoding": place });
    place["extension"] = other.clone();
    let opting =
        |system: &str, code: &str| json!({ "coding": [{ "system": system, "code": code }] });
    let rules = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    vec![
        // A condition of R5 and words misspelt.
        ("/provision", "expression", json!({}), "Consent.provision.expression"),
        ("/provision", "documentType", json!([]), "Consent.provision.documentType"),
        ("/provision", "purposes", json!([]), "Consent.provision.purposes"),
        ("/provision", "Class", json!([]), "Consent.provision.Class"),
        ("/provision", "_type", json!({}), "Consent.provision._type"),
        ("", "decision", json!("deny"), "Consent.decision"),
        ("", "implicitRules", json!("urn:x"), "Consent.implicitRules"),
        ("", "_status", json!({}), "Consent._status"),
        // What changes the meaning, however deep.
        ("", "modifierExtension", json!([]), "Consent.modifierExtension"),
        ("/scope", "modifierExtension", other.clone(), "Consent.scope.modifierExtension"),
        (
            "",
            "policy",
            json!([{ "uri": "urn:x", "modifierExtension": other }]),
            "Consent.policy[0].modifierExtension",
        ),
        (
            "",
            "verification",
            json!([{ "verified": true, "modifierExtension": other }]),
            "Consent.verification[0].modifierExtension",
        ),
        ("/provision", "actor", json!([actor]), "Consent.provision.actor[0].modifierExtension"),
        ("/provision", "action", action, "Consent.provision.action[0].coding[0].modifierExtension"),
        ("/provision", "modifierExtension", other, "Consent.provision.modifierExtension[0]"),
        (
            "/provision",
            "modifierExtension",
            json!([place]),
            "Consent.provision.modifierExtension[0]",
        ),
        // Test data.
        ("", "meta", json!({ "security": [{ "code": "HTEST" }] }), "Consent.meta.security"),
        // What was not verified, and what is no list.
        ("", "verification", json!({ "verified": false }), "Consent.verification"),
        ("", "verification", json!([{ "verified": "false" }]), "Consent.verification[0]"),
        ("", "verification", json!([{ "verified": "true" }]), "Consent.verification[0]"),
        ("", "verification", json!([{}]), "Consent.verification[0]"),
        ("", "policy", json!({ "uri": "urn:x" }), "Consent.policy"),
        // Policies and scopes of other systems, and a policy that says the opposite.
        ("", "policyRule", opting(rules, "OPTOUT"), "Consent.policyRule"),
        ("", "policyRule", json!("OPTIN"), "Consent.policyRule"),
        ("", "scope", opting("urn:x", "research"), "Consent.scope"),
        ("", "scope", json!({ "coding": [{ "code": "research" }] }), "Consent.scope"),
    ]
}

#[test]
fn what_may_be_a_condition_refuses_what_it_stands_in_and_is_named() {
    for (pointer, key, value, path) in conditions() {
        let paths = refused(|consent| consent.pointer_mut(pointer).unwrap()[key] = value.clone());
        assert_eq!(paths, [path], "{value}");
        let mut consent = one();
        consent.pointer_mut(pointer).unwrap()[key] = value.clone();
        let held = read_held(default_rules(), CUSTODIAN, PARTIES.chain_id, &consent, NOW);
        assert_eq!(held.reading.grants, [], "{path} by its custodian");
    }
    // A root without a type is no permit by a policy of another system.
    let paths = refused(|consent| {
        consent["provision"].as_object_mut().unwrap().remove("type");
        consent["policyRule"]["coding"][0]["system"] = json!("urn:x");
    });
    assert_eq!(paths, ["Consent.provision.type"]);
}

#[test]
fn a_condition_of_one_permit_leaves_the_one_beside_it() {
    let (grants, paths) = reading(|consent| {
        let permit = consent["provision"].clone();
        let mut other = permit.clone();
        other["expression"] = json!({ "language": "text/fhirpath", "expression": "age > 18" });
        consent["provision"] = json!({ "type": "deny", "provision": [other, permit] });
    });
    assert_eq!((grants, paths), (1, vec!["Consent.provision.provision[0].expression".to_owned()]));
    // In a denial it makes the denial no smaller.
    let paths = refused(|consent| {
        consent["provision"]["provision"] = json!([{ "type": "deny", "expression": {} }]);
    });
    assert_eq!(paths, ["Consent.provision.provision[0].expression"]);
}

#[test]
fn what_has_no_bearing_on_what_is_permitted_is_read_as_if_it_were_not_there() {
    let before = permitted_by(&one());
    let mut consent = one();
    let note = json!([{ "url": "urn:x", "valueString": "seen" }]);
    let who = json!({ "reference": "Patient/p", "display": "the patient" });
    for (key, value) in [
        ("id", json!("c1")),
        ("meta", json!({ "versionId": "3", "profile": ["urn:x"] })),
        ("language", json!("de")),
        ("text", json!({ "status": "generated", "div": "<div/>" })),
        ("contained", json!([{ "resourceType": "Organization", "id": "o" }])),
        ("extension", note.clone()),
        ("identifier", json!([{ "system": "urn:x", "value": "7" }])),
        ("dateTime", json!("2026-01-01")),
        ("_dateTime", json!({ "extension": note })),
        ("performer", json!([who])),
        ("sourceAttachment", json!({ "contentType": "application/pdf", "hash": "aGFzaA==" })),
        ("policy", json!([{ "authority": "urn:x", "uri": "urn:y" }])),
        (
            "verification",
            json!([{ "verified": true, "verifiedWith": who, "verificationDate": "2026-01-01" }]),
        ),
    ] {
        consent[key] = value;
    }
    consent["patient"]["reference"] = json!("Patient/p");
    consent["policyRule"]["text"] = json!("opt in");
    consent["provision"]["id"] = json!("p1");
    consent["provision"]["purpose"][0]["display"] = json!("health research");
    let reading = read(default_rules(), &PARTIES, &consent, NOW);
    assert_eq!(reading.unmapped, []);
    assert_eq!(permitted(&reading.grants), before);
}

#[test]
fn a_permit_that_names_no_region_of_the_rules_or_has_ended_is_named() {
    let place = |code: &str| {
        let coding = json!({ "system": "urn:iso:std:iso:3166", "code": code });
        json!({ "url": "urn:caduceus:jurisdiction", "valueCoding": coding })
    };
    for (places, path) in [
        (json!([place("DE")]), "Consent.provision.modifierExtension[0]"),
        (json!([]), "Consent.provision.modifierExtension"),
    ] {
        let paths = refused(|consent| consent["provision"]["modifierExtension"] = places.clone());
        assert_eq!(paths, [path]);
    }
    let (grants, paths) = reading(|consent| {
        consent["provision"]["modifierExtension"] = json!([place("EU"), place("DE")]);
    });
    assert_eq!((grants, paths), (1, vec!["Consent.provision.modifierExtension[1]".to_owned()]));
    let (grants, paths) = reading(|consent| {
        let permit = consent["provision"].clone();
        let mut ended = permit.clone();
        ended["period"] = json!({ "end": "2020-01-01" });
        consent["provision"] = json!({ "type": "deny", "provision": [permit, ended] });
    });
    assert_eq!((grants, paths), (1, vec!["Consent.provision.provision[1].period".to_owned()]));
}

/// What a permit of everything leaves where these purposes are denied below it.
fn left(denied: &[Purpose]) -> Vec<Purpose> {
    let all = |purposes: &[Purpose]| Grant {
        custodian: CUSTODIAN,
        grantee: None,
        classes: ClassSet::of(DataClass::ALL),
        purposes: PurposeSet::of(purposes),
        jurisdictions: RegionSet::anywhere(),
        expiry: u64::MAX,
        document_hash: [7; 32],
    };
    let mut consent = write(default_rules(), &PARTIES, &[all(Purpose::ALL)], NOW);
    let denial = write(default_rules(), &PARTIES, &[all(denied)], NOW);
    let purposes = denial["provision"]["purpose"].clone();
    consent["provision"]["provision"] = json!([{ "type": "deny", "purpose": purposes }]);
    let grants = read(default_rules(), &PARTIES, &consent, NOW).grants;
    let still = |purpose: &Purpose| grants.iter().any(|grant| grant.purposes.contains(*purpose));
    Purpose::ALL.iter().copied().filter(still).collect()
}

#[test]
fn a_denial_of_research_leaves_no_other_name_for_it() {
    use Purpose::{Ancestry, Commercial, DiseaseSpecific, HealthResearch, PublicHealth, Quality};
    for research in [Purpose::GeneralResearch, HealthResearch] {
        assert_eq!(left(&[research]), [PublicHealth, Quality], "{research}");
    }
    assert_eq!(left(&[DiseaseSpecific]), [Ancestry, PublicHealth, Quality]);
    assert_eq!(left(&[Ancestry]), [HealthResearch, DiseaseSpecific, PublicHealth, Quality]);
    assert_eq!(left(&[PublicHealth]).len(), 5);
    let without_companies = left(&[Commercial]);
    assert_eq!(without_companies.len(), Purpose::ALL.len() - 1);
    assert!(!without_companies.contains(&Commercial));
    assert_eq!(left(&[Purpose::NotForProfit]), [Commercial]);
}

#[test]
fn what_names_no_purpose_or_class_permits_what_such_documents_are_written_for() {
    let open = |scope: &str| {
        let mut consent = one();
        consent["scope"]["coding"][0]["code"] = json!(scope);
        let permit = consent["provision"].as_object_mut().unwrap();
        permit.remove("purpose");
        permit.remove("class");
        read(default_rules(), &PARTIES, &consent, NOW)
    };
    let research = open("research");
    assert_eq!(research.grants[0].purposes, PurposeSet::of(&UNNAMED_PURPOSES));
    assert_eq!(research.grants[0].classes, ClassSet::of(&UNNAMED_CLASSES));
    let general = open("patient-privacy");
    assert_eq!(general.grants, []);
    assert_eq!(general.unmapped[0].path, "Consent.provision.purpose");
}

#[test]
fn a_consent_that_was_given_at_no_time_that_has_been_permits_nothing() {
    for date in
        [json!("yesterday"), json!(""), json!(2026), json!("2099"), json!("2099-01-01T00:00:00Z")]
    {
        let paths = refused(|consent| consent["dateTime"] = date.clone());
        assert_eq!(paths, ["Consent.dateTime"], "{date}");
    }
    for date in [json!("2026"), json!("2026-12-31"), json!("2026-12-31T23:00:00-12:00")] {
        assert_eq!(reading(|consent| consent["dateTime"] = date.clone()).0, 1, "{date}");
    }
    assert_eq!(reading(|consent| drop(consent.as_object_mut().unwrap().remove("dateTime"))).0, 1);
}
