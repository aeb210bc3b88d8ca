#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::did::Directory;
use crate::json::{Limits, canonical, read};
use crate::signing::{KeyKind, SecretKey};

/// The vectors of Data Integrity EdDSA Cryptosuites 1.0, appendix B.2, where they are on this machine.
fn vector(name: &str) -> Option<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/vc");
    let other = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/vc");
    [folder, other].iter().find_map(|folder| std::fs::read_to_string(folder.join(name)).ok())
}

const NOW: i64 = 1_800_000_000;
const LIST: &str = "https://ministry.example/status/1";

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(KeyKind::Ed25519, &[byte; 32]).unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn draft(holder: &SecretKey) -> Draft {
    Draft {
        kind: Kind::ResearcherAccreditation,
        id: Some("urn:uuid:00000000-0000-4000-8000-000000000001".into()),
        subject: object(json!({
            "id": holder.did().to_string(),
            "organization": "Sakura Institute", "country": "JP", "purposes": ["HMB", "GRU"],
        })),
        valid_from: NOW - 1_000,
        valid_until: Some(NOW + 1_000),
        status: Vec::new(),
    }
}

fn verified(value: &Value, lists: &Lists, trust: Option<&TrustList>) -> Vec<&'static str> {
    let directory = Directory::default();
    let evidence = Evidence { now: NOW, directory: &directory, lists, trust };
    let credential = Credential::read(value).unwrap();
    verify(&credential, None, &evidence).iter().map(Reason::code).collect()
}

fn audience() -> Audience {
    Audience { challenge: "c-1".into(), domain: "registry.example".into() }
}

#[test]
fn the_vectors_of_the_w3c_pass_step_by_step() {
    let Some(signed) = vector("signedJCS.json") else {
        eprintln!("skipped: the W3C vectors are not on this machine");
        return;
    };
    let text = |name: &str| vector(name).unwrap().trim().to_owned();
    let parsed = |text: &str| read(text, Limits::default()).unwrap();
    let (unsigned, config) = (parsed(&text("unsigned.json")), parsed(&text("proofConfigJCS.json")));
    let steps = hashes(&unsigned, &config);
    assert_eq!(steps.document, text("canonDocJCS.txt"));
    assert_eq!(steps.proof, text("proofCanonJCS.txt"));
    assert_eq!(hex::encode(steps.document_hash), text("docHashJCS.txt"));
    assert_eq!(hex::encode(steps.proof_hash), text("proofHashJCS.txt"));
    assert_eq!(hex::encode(steps.combined()), text("combinedHashJCS.txt"));
    let signature = bs58::decode(&text("sigBTC58JCS.txt")[1..]).into_vec().unwrap();
    assert_eq!(hex::encode(&signature), text("sigHexJCS.txt"));
    let signer = config["verificationMethod"].as_str().unwrap().split_once('#').unwrap().0;
    let key = signer.parse::<crate::Did>().unwrap().key().unwrap();
    assert!(key.verifies(&steps.combined(), &signature));

    // The issuer of the example is a web page and its key a did:key, which says nothing about the page: the only reason.
    let mut signed = parsed(&signed);
    assert_eq!(verified(&signed, &Lists::new(), None), ["not-by-signer"]);
    // Under the key's own name the signature is another document's.
    signed["issuer"] = json!(signer);
    assert_eq!(verified(&signed, &Lists::new(), None), ["altered-proof"]);
}

#[test]
fn what_is_issued_verifies_and_trust_is_for_kind_and_country() {
    let (issuer, holder) = (key(1), key(2));
    let credential = issue(&draft(&holder), &Signer::new(&issuer, None), NOW).unwrap();
    assert!(verified(&credential, &Lists::new(), None).is_empty());
    let mut chained = credential.clone();
    chained["proof"]["previousProof"] = json!("urn:uuid:00000000-0000-4000-8000-000000000002");
    assert_eq!(verified(&chained, &Lists::new(), None), ["previous-proof", "altered-proof"]);
    let list = |kinds: &str, countries: &str| {
        let did = issuer.did();
        TrustList::read(&format!(
            "[[issuer]]\ndid = \"{did}\"\nkinds = [\"{kinds}\"]\ncountries = [{countries}]"
        ))
        .unwrap()
    };
    let trusted = list("researcher-accreditation", "\"JP\"");
    assert!(verified(&credential, &Lists::new(), Some(&trusted)).is_empty());
    for other in [
        list("ethics-approval", "\"JP\""),
        list("researcher-accreditation", "\"DE\""),
        TrustList::default(),
    ] {
        assert_eq!(verified(&credential, &Lists::new(), Some(&other)), ["untrusted-issuer"]);
    }
    let nowhere =
        "[[issuer]]\ndid = \"did:key:z6Mk\"\nkinds = [\"ethics-approval\"]\ncountries = []";
    assert!(TrustList::read(nowhere).is_err(), "an emptied list is not every country");
}

#[test]
fn claims_that_do_not_fit_their_kind_are_not_issued_and_all_reasons_are_given() {
    let (issuer, holder) = (key(1), key(2));
    let signer = Signer::new(&issuer, None);
    let mut bad = draft(&holder);
    bad.subject = object(json!({ "country": "Japan", "purposes": [] }));
    bad.valid_until = None;
    let Err(IssueError::Claims(reasons)) = issue(&bad, &signer, NOW) else { panic!("issued") };
    assert_eq!(reasons.len(), 5, "{reasons:?}");
    let mut union = draft(&holder);
    union.subject["country"] = json!("EU");
    assert!(matches!(issue(&union, &signer, NOW), Err(IssueError::Claims(_))), "no country");
    let mut bad = draft(&holder);
    bad.valid_until = Some(bad.valid_from);
    assert_eq!(issue(&bad, &signer, NOW), Err(IssueError::Period));
    let account = SecretKey::from_bytes(KeyKind::Secp256k1, &[1; 32]).unwrap();
    let refused = issue(&draft(&holder), &Signer::new(&account, None), NOW);
    assert!(matches!(refused, Err(IssueError::Key(_))));
}

/// A list with one entry set, signed by `issuer`.
fn listed(issuer: &SecretKey, purpose: StatusPurpose, index: u32, now: i64) -> Value {
    let mut bits = Bitstring::new(MIN_ENTRIES).unwrap();
    bits.set(index, true).unwrap();
    list_credential(&bits, purpose, LIST, &Signer::new(issuer, None), now).unwrap()
}

#[test]
fn a_credential_that_was_taken_back_says_so_and_a_list_by_another_says_nothing() {
    let (issuer, holder) = (key(1), key(2));
    for (purpose, code) in
        [(StatusPurpose::Revocation, "revoked"), (StatusPurpose::Suspension, "suspended")]
    {
        let with_index = |index| {
            let mut draft = draft(&holder);
            draft.status = vec![StatusEntry { purpose, index, list: LIST.into() }];
            issue(&draft, &Signer::new(&issuer, None), NOW).unwrap()
        };
        let lists = |list: &Value| -> Lists {
            BTreeMap::from([(LIST.to_owned(), Ok(Credential::read(list).unwrap()))])
        };
        let good = listed(&issuer, purpose, 77, NOW);
        assert_eq!(verified(&with_index(77), &lists(&good), None), [code]);
        assert!(verified(&with_index(78), &lists(&good), None).is_empty());
        let unknown = ["status-unknown"];
        assert_eq!(verified(&with_index(78), &Lists::new(), None), unknown);
        assert_eq!(verified(&with_index(MIN_ENTRIES), &lists(&good), None), unknown);
        let mut altered = good.clone();
        altered["credentialSubject"]["encodedList"] =
            json!(Bitstring::new(MIN_ENTRIES).unwrap().encode());
        let other_purpose = match purpose {
            StatusPurpose::Revocation => StatusPurpose::Suspension,
            StatusPurpose::Suspension => StatusPurpose::Revocation,
        };
        let bad = [
            altered,
            listed(&key(9), purpose, 1, NOW),
            listed(&issuer, other_purpose, 1, NOW),
            listed(&issuer, purpose, 1, NOW + 10_000),
            issue(&draft(&holder), &Signer::new(&issuer, None), NOW).unwrap(),
        ];
        for list in &bad {
            assert_eq!(verified(&with_index(77), &lists(list), None), unknown);
        }
        let failed: Lists = BTreeMap::from([(LIST.to_owned(), Err("no answer".into()))]);
        assert_eq!(verified(&with_index(78), &failed, None), unknown);
    }
}

#[test]
fn a_presentation_is_for_one_audience_by_the_subject() {
    let (issuer, holder, thief) = (key(1), key(2), key(3));
    let credential = issue(&draft(&holder), &Signer::new(&issuer, None), NOW).unwrap();
    let check = |value: &Value, audience: &Audience| -> Vec<(String, &'static str)> {
        let (directory, lists) = (Directory::default(), Lists::new());
        let evidence = Evidence { now: NOW, directory: &directory, lists: &lists, trust: None };
        let presentation = Presentation::read(value).unwrap();
        let findings = verify_presentation(&presentation, audience, &evidence);
        findings.into_iter().map(|one| (one.about, one.reason.code())).collect()
    };
    let good =
        present(std::slice::from_ref(&credential), &audience(), &Signer::new(&holder, None), NOW)
            .unwrap();
    assert_eq!(check(&good, &audience()), []);
    let other = Audience { challenge: "c-2".into(), domain: "elsewhere.example".into() };
    let replayed =
        [("presentation".into(), "wrong-challenge"), ("presentation".into(), "wrong-domain")];
    assert_eq!(check(&good, &other), replayed);
    let bare = Credential::read(&credential).unwrap();
    let (directory, lists) = (Directory::default(), Lists::new());
    let evidence = Evidence { now: NOW, directory: &directory, lists: &lists, trust: None };
    assert_eq!(verify(&bare, None, &evidence), []);
    let asked = verify(&bare, Some(&audience()), &evidence);
    assert_eq!(asked, [Reason::NotHolder], "whoever has a copy could send it");
    let stolen = present(&[credential], &audience(), &Signer::new(&thief, None), NOW).unwrap();
    assert_eq!(check(&stolen, &audience()), [("credential".into(), "not-holder")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_altered_character_of_a_credential_is_noticed(at: prop::sample::Index, other in 0x20u8..0x7f) {
        let (issuer, holder) = (key(1), key(2));
        let credential = issue(&draft(&holder), &Signer::new(&issuer, None), NOW).unwrap();
        let mut text = canonical(&credential).into_bytes();
        let position = at.index(text.len());
        if text[position] != other {
            text[position] = other;
            let text = String::from_utf8(text).unwrap();
            // Either it is no credential any more, or it does not verify. White space changes nothing.
            if let Ok(value) = read(&text, Limits::default())
                && let Ok(read) = Credential::read(&value)
                && value != credential
            {
                let (directory, lists) = (Directory::default(), Lists::new());
                let evidence = Evidence { now: NOW, directory: &directory, lists: &lists, trust: None };
                prop_assert!(!verify(&read, None, &evidence).is_empty(), "{text}");
            }
        }
    }

    #[test]
    fn every_kind_that_is_issued_verifies(seed: [u8; 32], kind in 0usize..5, from in -1_000i64..0) {
        let issuer = SecretKey::from_bytes(KeyKind::Ed25519, &seed).unwrap();
        let subject = object(json!({
            "id": key(2).did().to_string(), "country": "DE", "personHash": "ab".repeat(32),
            "legalName": "Klinikum", "registrationNumber": "260200013", "organization": "X",
            "purposes": ["HMB"], "committee": "Ethik", "protocol": "P-1", "replaces": "did:key:zOld",
        }));
        let draft = Draft { kind: Kind::ALL[kind], subject, valid_from: NOW + from, ..draft(&key(2)) };
        let credential = issue(&draft, &Signer::new(&issuer, None), NOW).unwrap();
        prop_assert!(verified(&credential, &Lists::new(), None).is_empty());
    }
}
