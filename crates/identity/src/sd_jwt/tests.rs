#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::credential::{Lists, TrustList};
use crate::did::{Directory, Keys, web_document};
use crate::signing::KeyKind;

/// The example of RFC 9901, section 8.2: an SD-JWT with key binding that shows two of four claims.
const HEADER: &str = "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogImV4YW1wbGUrc2Qtand0In0";
const PAYLOAD: &str = concat!(
    "eyJfc2QiOiBbIjRIQm42YUlZM1d0dUdHV1R4LXFVajZjZGs2V0JwWnlnbHRkRmF2UGE3TFkiLCAiOHNtMVFDZjAyMXBObkhB",
    "Q0k1c1A0bTRLWmd5Tk9PQVljVGo5SE5hQzF3WSIsICJjZ0ZkaHFQbzgzeFlObEpmYWNhQ2FhN3VQOVJDUjUwVkU1UjRMQVE5",
    "aXFVIiwgImpNQ1hWei0tOWI4eDM3WWNvRGZYUWluencxd1pjY2NmRlJCQ0ZHcWRHMm8iXSwgImlzcyI6ICJodHRwczovL2lz",
    "c3Vlci5leGFtcGxlLmNvbSIsICJpYXQiOiAxNjgzMDAwMDAwLCAiZXhwIjogMTg4MzAwMDAwMCwgIl9zZF9hbGciOiAic2hh",
    "LTI1NiIsICJjbmYiOiB7Imp3ayI6IHsia3R5IjogIkVDIiwgImNydiI6ICJQLTI1NiIsICJ4IjogIlRDQUVSMTladnUzT0hG",
    "NGo0VzR2ZlNWb0hJUDFJTGlsRGxzN3ZDZUdlbWMiLCAieSI6ICJaeGppV1diWk1RR0hWV0tWUTRoYlNJaXJzVmZ1ZWNDRTZ0",
    "NGpUOUYySFpRIn19fQ",
);
const SIGNATURE: &str =
    "xqL5sHgX3vmGWLbs1pBNJUP24TCoT9yf0eiESX8U2QGWgsBJJpVpZv0KOAoh20dl5yuQG7G9xpsI85h88lepYQ";
const FAMILY_NAME: &str = "WyI2SWo3dE0tYTVpVlBHYm9TNXRtdlZBIiwgImZhbWlseV9uYW1lIiwgIkRvZSJd";
const GIVEN_NAME: &str = "WyJlbHVWNU9nM2dTTklJOEVZbnN4QV9BIiwgImdpdmVuX25hbWUiLCAiSm9obiJd";
const KEY_BINDING: &str = concat!(
    "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogImtiK2p3dCJ9.",
    "eyJub25jZSI6ICIxMjM0NTY3ODkwIiwgImF1ZCI6ICJodHRwczovL3ZlcmlmaWVyLmV4YW1wbGUub3JnIiwgImlhdCI6IDE3",
    "NDg1MzcyNDMsICJzZF9oYXNoIjogIlpuQjhKWDhCWWVmMS1iN25VdXpTZm5xUGVPZnJEZVF5S3pXbFpIdG5rM00ifQ.",
    "gFvS-x6subx4FDWt1oHvZdGEuK1_r6dd5e9C6aLtsDeS9d6uWGGinBmk6hkGJAzPqwxJwmU96xJ0VHOjlMdXgA",
);

fn published() -> String {
    format!("{HEADER}.{PAYLOAD}.{SIGNATURE}~{FAMILY_NAME}~{GIVEN_NAME}~{KEY_BINDING}")
}

#[test]
fn the_example_of_rfc_9901_verifies_and_shows_what_was_disclosed() {
    let sd_jwt = SdJwt::read(&published()).unwrap();
    // RFC 9901, appendix A.5: the issuer's key of the examples.
    let issuer = PublicKey::from_jwk(&json!({
        "kty": "EC", "crv": "P-256",
        "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
        "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
    }));
    assert_eq!(sd_jwt.jwt.verify(&issuer.unwrap()), Ok(()));
    let claims = reveal::reveal(&sd_jwt.jwt.payload, &sd_jwt.disclosures).unwrap().claims;
    assert_eq!(claims["given_name"], "John");
    assert_eq!(claims["family_name"], "Doe");
    let hidden = ["sub", "birthdate", "_sd", "_sd_alg"];
    assert!(hidden.iter().all(|name| !claims.contains_key(*name)), "{claims:?}");

    let audience =
        Audience { challenge: "1234567890".into(), domain: "https://verifier.example.org".into() };
    assert_eq!(bound(&sd_jwt, &audience, 1_748_537_243), Ok(()));
    let late = bound(&sd_jwt, &audience, 1_748_537_243 + KEY_BINDING_AGE + 1);
    assert_eq!(late, Err(vec![Reason::ProofTime]));
    let other = Audience { challenge: "1".into(), domain: "https://elsewhere.example".into() };
    let replayed = bound(&sd_jwt, &other, 1_748_537_243);
    assert_eq!(replayed, Err(vec![Reason::WrongChallenge, Reason::WrongDomain]));

    // One disclosure fewer, and the holder's signature is over something else.
    let fewer = published().replace(&format!("{GIVEN_NAME}~"), "");
    let fewer = bound(&SdJwt::read(&fewer).unwrap(), &audience, 1_748_537_243);
    assert_eq!(fewer, Err(vec![Reason::AlteredProof]));
}

// RFC 9901, sections 4.2.1 and 4.2.3: a disclosure and its hash.
#[test]
fn a_disclosure_has_the_hash_that_rfc_9901_gives() {
    let text = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0";
    let disclosure = Disclosure::read(text).unwrap();
    assert_eq!(disclosure.name.as_deref(), Some("family_name"));
    assert_eq!(disclosure.value, "M\u{f6}bius");
    assert_eq!(disclosure.digest(), "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0");
}

const NOW: i64 = 1_800_000_000;

fn key(kind: KeyKind, byte: u8) -> SecretKey {
    SecretKey::from_bytes(kind, &[byte; 32]).unwrap()
}

fn audience() -> Audience {
    Audience { challenge: "c-1".into(), domain: "registry.example".into() }
}

fn salts() -> Salts {
    Salts::new((0..32).map(|byte| [byte; 16]).collect())
}

fn draft(holder: &SecretKey, concealed: &[&str]) -> Draft {
    let claims = json!({
        "id": holder.did().to_string(), "country": "JP", "purposes": ["HMB", "GRU", "PUBHLTH"],
        "organization": "Sakura Institute", "contact": { "unit": "Genomics", "floor": "3" },
    });
    Draft {
        kind: Kind::ResearcherAccreditation,
        claims: claims.as_object().unwrap().clone(),
        concealed: concealed.iter().map(|path| (*path).to_owned()).collect(),
        holder: holder.public(),
        issued: NOW - 100,
        valid_from: NOW - 100,
        valid_until: NOW + 100,
        status: Vec::new(),
    }
}

fn issued(draft: &Draft, issuer: &SecretKey) -> Result<String, ConcealError> {
    let did = issuer.did().to_string();
    let method = format!("{did}#{}", issuer.public().to_multibase());
    issue(draft, &did, &method, issuer, &mut salts())
}

fn verified(text: &str, audience: Option<&Audience>, now: i64) -> Shown {
    let (directory, lists) = (Directory::default(), Lists::new());
    let evidence = Evidence { now, directory: &directory, lists: &lists, trust: None };
    verify(&SdJwt::read(text).unwrap(), audience, &evidence)
}

#[test]
fn a_holder_shows_what_is_asked_for_and_nothing_else() {
    let concealed =
        ["organization", "purposes", "purposes/0", "purposes/1", "contact", "contact/floor"];
    for kind in [KeyKind::Ed25519, KeyKind::Secp256k1] {
        let (issuer, holder) = (key(kind, 1), key(kind, 2));
        let text = issued(&draft(&holder, &concealed), &issuer).unwrap();
        let all = verified(&text, None, NOW);
        assert_eq!(all.reasons, []);
        assert_eq!(all.claims["purposes"], json!(["HMB", "GRU", "PUBHLTH"]));
        assert_eq!(all.claims["contact"], json!({ "unit": "Genomics", "floor": "3" }));

        let whole = SdJwt::read(&text).unwrap();
        assert!(whole.is_bound_to(&holder.public()) && !whole.is_bound_to(&issuer.public()));
        let show = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            present(&whole, &names, &audience(), &holder, NOW)
        };
        let nothing = verified(&show(&[]).unwrap(), Some(&audience()), NOW);
        assert_eq!(nothing.reasons, []);
        for name in ["organization", "purposes", "contact"] {
            assert!(!nothing.claims.contains_key(name), "{name}");
        }
        assert_eq!(nothing.claims["country"], "JP");
        let one = verified(&show(&["organization"]).unwrap(), Some(&audience()), NOW);
        assert_eq!(
            (one.reasons, &one.claims["organization"]),
            (vec![], &json!("Sakura Institute"))
        );
        assert!(!one.claims.contains_key("purposes"));
        let floor = verified(&show(&["floor"]).unwrap(), Some(&audience()), NOW);
        assert_eq!(floor.claims["contact"]["floor"], "3", "what it lies in is shown with it");
        assert!(show(&["salary"]).is_err());
    }
}

#[test]
fn what_everybody_must_see_cannot_be_kept_back() {
    let holder = key(KeyKind::Ed25519, 2);
    let issuer = key(KeyKind::Ed25519, 1);
    for path in ["id", "credentialStatus"] {
        let refused = issued(&draft(&holder, &[path]), &issuer);
        assert_eq!(refused, Err(ConcealError::Needed(path.into())));
    }
    for path in ["", "salary", "purposes/9", "purposes/x", "country/x", "organization/"] {
        assert!(matches!(issued(&draft(&holder, &[path]), &issuer), Err(ConcealError::NoClaim(_))));
    }
    let many: Vec<String> = (0..40).map(|at| at.to_string()).collect();
    let mut long = draft(&holder, &[]);
    long.claims.insert("list".into(), json!(many));
    long.concealed = (0..40).map(|at| format!("list/{at}")).collect();
    assert_eq!(issued(&long, &issuer), Err(ConcealError::Salts));
}

/// A presentation by `holder`, and one in which `alter` changed the parts between the `~`.
fn altered(alter: impl Fn(&mut Vec<String>)) -> Vec<&'static str> {
    let (issuer, holder) = (key(KeyKind::Ed25519, 1), key(KeyKind::Ed25519, 2));
    let text = issued(&draft(&holder, &["organization", "purposes/0"]), &issuer).unwrap();
    let shown =
        present(&SdJwt::read(&text).unwrap(), &["organization".into()], &audience(), &holder, NOW);
    let mut parts: Vec<String> = shown.unwrap().split('~').map(str::to_owned).collect();
    alter(&mut parts);
    let reasons = verified(&parts.join("~"), Some(&audience()), NOW).reasons;
    reasons.iter().map(Reason::code).collect()
}

#[test]
fn every_kind_of_damage_has_its_reason() {
    assert!(altered(|_| {}).is_empty());
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let foreign = encode(json!(["salt", "organization", "Another"]));
    // A claim of one's own in the place of a disclosed one.
    let swapped = altered(|parts| parts[1].clone_from(&foreign));
    assert_eq!(swapped, ["foreign-disclosure", "altered-proof"]);
    let twice = altered(|parts| {
        let same = parts[1].clone();
        parts.insert(1, same);
    });
    assert_eq!(twice, ["foreign-disclosure", "altered-proof"]);
    let without = altered(|parts| *parts.last_mut().unwrap() = String::new());
    assert_eq!(without, ["no-key-binding"]);
    let by_another = altered(|parts| {
        let payload = json!({ "iat": NOW, "aud": "registry.example", "nonce": "c-1",
            "sd_hash": sha256(&format!("{}~{}~", parts[0], parts[1])) });
        *parts.last_mut().unwrap() =
            jws::sign(json!({ "typ": "kb+jwt" }), &payload, &key(KeyKind::Ed25519, 9));
    });
    assert_eq!(by_another, ["altered-proof"]);
    let unsigned = altered(|parts| {
        let (_, rest) = parts[0].split_once('.').unwrap();
        parts[0] = format!("{}.{rest}", encode(json!({ "alg": "none", "typ": "dc+sd-jwt" })));
    });
    assert_eq!(unsigned[0], "not-by-signer");
}

#[test]
fn a_disclosure_that_would_change_what_was_signed_is_refused() {
    let disclosure =
        |parts: Value| Disclosure::read(&URL_SAFE_NO_PAD.encode(parts.to_string())).unwrap();
    let payload = |disclosures: &[&Disclosure]| {
        let hashes: Vec<String> = disclosures.iter().map(|one| one.digest()).collect();
        json!({ "country": "JP", "_sd": hashes }).as_object().unwrap().clone()
    };
    let over = disclosure(json!(["salt", "country", "DE"]));
    let steering = disclosure(json!(["salt", "_sd", ["x"]]));
    let dots = disclosure(json!(["salt", "...", "x"]));
    let element = disclosure(json!(["salt", "DE"]));
    for bad in [&over, &steering, &dots, &element] {
        let refused = reveal::reveal(&payload(&[bad]), std::slice::from_ref(bad));
        assert_eq!(refused, Err(Reason::ForeignDisclosure), "{bad:?}");
    }
    let good = disclosure(json!(["salt", "city", "Kyoto"]));
    let once = reveal::reveal(&payload(&[&good]), std::slice::from_ref(&good)).unwrap();
    assert_eq!(once.claims["city"], "Kyoto");
    let refused = reveal::reveal(&payload(&[&good, &good]), std::slice::from_ref(&good));
    assert_eq!(refused, Err(Reason::ForeignDisclosure), "one hash in two places");
    let mut other = payload(&[&good]);
    other.insert("_sd_alg".into(), json!("md5"));
    assert_eq!(reveal::reveal(&other, &[]), Err(Reason::UnknownCryptosuite));
}

#[test]
fn time_and_trust_count_as_for_every_credential() {
    let (issuer, holder) = (key(KeyKind::Ed25519, 1), key(KeyKind::Ed25519, 2));
    let text = issued(&draft(&holder, &[]), &issuer).unwrap();
    let codes =
        |now| -> Vec<_> { verified(&text, None, now).reasons.iter().map(Reason::code).collect() };
    assert_eq!(codes(NOW + 100), ["expired"]);
    assert_eq!(codes(NOW - 101), ["not-yet-valid"]);
    let (directory, lists) = (Directory::default(), Lists::new());
    let with = |trust: &TrustList| {
        let evidence =
            Evidence { now: NOW, directory: &directory, lists: &lists, trust: Some(trust) };
        verify(&SdJwt::read(&text).unwrap(), None, &evidence).reasons
    };
    let list = format!(
        "[[issuer]]\ndid = \"{}\"\nkinds = [\"researcher-accreditation\"]\ncountries = [\"JP\"]",
        issuer.did()
    );
    assert_eq!(with(&TrustList::read(&list).unwrap()), []);
    let elsewhere = TrustList::read(&list.replace("JP", "DE")).unwrap();
    assert_eq!(with(&elsewhere), [Reason::UntrustedIssuer("researcher-accreditation".into())]);
}

#[test]
fn an_sd_jwt_by_a_key_that_was_revoked_does_not_verify() {
    let (issuer, holder) = (key(KeyKind::Ed25519, 1), key(KeyKind::Ed25519, 2));
    let did = "did:web:ministry.example";
    let method = format!("{did}#{}", issuer.public().to_multibase());
    let text = issue(&draft(&holder, &[]), did, &method, &issuer, &mut salts()).unwrap();
    let reasons = |revoked: Option<&str>| {
        let mut document = web_document(&did.parse().unwrap(), &[issuer.public()]);
        if let Some(time) = revoked {
            document["verificationMethod"][0]["revoked"] = json!(time);
        }
        let mut directory = Directory::default();
        directory.note(did.parse().unwrap(), Ok(Keys::read(did, &document).unwrap()));
        let lists = Lists::new();
        let evidence = Evidence { now: NOW, directory: &directory, lists: &lists, trust: None };
        verify(&SdJwt::read(&text).unwrap(), None, &evidence).reasons
    };
    assert_eq!(reasons(None), []);
    assert_eq!(reasons(Some("2026-01-01T00:00:00Z")), [Reason::KeyOver]);
}

#[test]
fn what_is_no_sd_jwt_is_refused() {
    let good = published();
    for bad in
        ["", "~", "a.b~", "a.b.c", &good[1..], &good.replace('~', ""), &good.replace(HEADER, "e30")]
    {
        if let Ok(read) = SdJwt::read(bad) {
            assert!(read.issuer().is_none() || read.jwt.header.is_empty(), "{bad}");
        }
    }
    assert_eq!(SdJwt::read(&"~".repeat(MAX_DISCLOSURES + 2)), Err(SdJwtError::TooLong));
    assert_eq!(SdJwt::read(&"a".repeat(MAX_BYTES + 1)), Err(SdJwtError::TooLong));
    let repeated = URL_SAFE_NO_PAD.encode(r#"{"iss":"a","iss":"b"}"#);
    let text = format!("{HEADER}.{repeated}.{SIGNATURE}~");
    assert!(matches!(SdJwt::read(&text), Err(SdJwtError::Json(JsonError::Repeated(_)))));
}

/// An SD-JWT as another issuer could write it: the usual payload after `alter`, and `hidden` claims behind hashes of
/// which the first `shown` are disclosed.
fn foreign(
    alter: impl FnOnce(&mut Map<String, Value>),
    hidden: &[(&str, Value)],
    shown: usize,
) -> String {
    let (issuer, holder) = (key(KeyKind::Ed25519, 1), key(KeyKind::Ed25519, 2));
    let did = issuer.did().to_string();
    let mut payload = json!({
        "id": holder.did().to_string(), "country": "JP", "purposes": ["HMB"],
        "organization": "Sakura Institute", "iss": did, "iat": NOW - 100, "nbf": NOW - 100,
        "exp": NOW + 100, "vct": Kind::ResearcherAccreditation.vct(),
        "cnf": { "jwk": holder.public().to_jwk().unwrap() }, "_sd_alg": "sha-256",
    });
    let members = payload.as_object_mut().unwrap();
    alter(members);
    let encode = |(name, value): &(&str, Value)| {
        URL_SAFE_NO_PAD.encode(json!(["salt", name, value]).to_string())
    };
    let disclosures: Vec<String> = hidden.iter().map(encode).collect();
    if !hidden.is_empty() {
        members.insert("_sd".into(), disclosures.iter().map(|one| json!(sha256(one))).collect());
    }
    let method = format!("{did}#{}", issuer.public().to_multibase());
    let header = json!({ "typ": "dc+sd-jwt", "kid": method });
    let mut text = jws::sign(header, &payload, &issuer) + "~";
    for disclosure in &disclosures[..shown] {
        text.push_str(disclosure);
        text.push('~');
    }
    text
}

fn codes(text: &str) -> Vec<&'static str> {
    verified(text, None, NOW).reasons.iter().map(Reason::code).collect()
}

#[test]
fn what_every_verifier_must_see_is_not_taken_from_a_disclosure() {
    assert!(codes(&foreign(|_| {}, &[], 0)).is_empty());
    let status = StatusEntry {
        purpose: crate::credential::StatusPurpose::Revocation,
        index: 5,
        list: "https://ministry.example/status/1".into(),
    };
    for (name, value) in [
        ("exp", json!(NOW - 1)),
        ("exp", json!(NOW + 1)),
        ("nbf", json!(NOW + 50)),
        ("iat", json!(NOW)),
        ("vct", json!(Kind::ResearcherAccreditation.vct())),
        ("cnf", json!({})),
        ("id", json!("did:key:zX")),
        ("status", json!({ "status_list": { "idx": 5, "uri": "https://m.example/tsl" } })),
        ("credentialStatus", status.to_json()),
    ] {
        let text = foreign(|payload| drop(payload.remove(name)), &[(name, value)], 1);
        assert!(codes(&text).contains(&"foreign-disclosure"), "{name}: {:?}", codes(&text));
    }
    // Nor is a part of it, shown or not: an entry with a hidden member could mean another bit.
    let size = URL_SAFE_NO_PAD.encode(json!(["salt", "statusSize", 2]).to_string());
    let mut entry = status.to_json();
    entry["_sd"] = json!([sha256(&size)]);
    let text = foreign(|payload| drop(payload.insert("credentialStatus".into(), entry)), &[], 0);
    for text in [format!("{text}{size}~"), text] {
        assert!(codes(&text).contains(&"foreign-disclosure"), "{:?}", codes(&text));
    }
    // What was kept back and is needed is missed.
    for (name, code) in [("id", "claim"), ("exp", "claim"), ("vct", "wrong-kind")] {
        let text = foreign(|payload| drop(payload.remove(name)), &[(name, json!(NOW + 1))], 0);
        assert_eq!(codes(&text), [code], "{name}");
    }
}

#[test]
fn a_status_of_another_standard_is_unknown_and_not_good() {
    let status = json!({ "status_list": { "idx": 5, "uri": "https://ministry.example/tsl" } });
    for status in [status, Value::Null] {
        let text = foreign(|payload| drop(payload.insert("status".into(), status)), &[], 0);
        assert_eq!(codes(&text), ["status-unknown"]);
    }
    // Entries of two bits are unreadable in this form, too.
    for (size, reasons) in
        [(json!(2), ["claim"]), (json!("1"), ["claim"]), (json!(1), ["status-unknown"])]
    {
        let entry = json!({
            "type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "5",
            "statusListCredential": "https://ministry.example/status/1", "statusSize": size,
        });
        let text =
            foreign(|payload| drop(payload.insert("credentialStatus".into(), entry)), &[], 0);
        assert_eq!(codes(&text), reasons, "{size}");
    }
    let (issuer, holder) = (key(KeyKind::Ed25519, 1), key(KeyKind::Ed25519, 2));
    for name in ["status", "iss", "exp", "credentialStatus", "_sd", "..."] {
        let mut draft = draft(&holder, &[]);
        draft.claims.insert(name.into(), json!("x"));
        assert_eq!(issued(&draft, &issuer), Err(ConcealError::Reserved(name.into())));
    }
}

#[test]
fn an_end_a_true_date_and_claims_of_their_form_are_asked_for() {
    let with = |name: &'static str, value: Value| {
        codes(&foreign(|payload| drop(payload.insert(name.into(), value)), &[], 0))
    };
    let without =
        |name: &'static str| codes(&foreign(|payload| drop(payload.remove(name)), &[], 0));
    assert_eq!(without("exp"), ["claim"]);
    assert_eq!(with("iat", json!(NOW + CLOCK_SKEW)), [""; 0]);
    for iat in [json!(NOW + CLOCK_SKEW + 1), json!((1i64 << 53) - 1), json!("now")] {
        assert_eq!(with("iat", iat), ["proof-time"]);
    }
    for name in ["id", "country", "organization", "purposes"] {
        assert_eq!(without(name), ["claim"], "{name}");
        assert_eq!(with(name, json!("")), ["claim"], "{name}");
        assert_eq!(with(name, json!(5)), ["claim"], "{name}");
    }
    assert_eq!(with("purposes", json!("ALL")), ["claim"]);
    assert_eq!(with("purposes", json!([])), ["claim"]);
    assert_eq!(with("vct", json!(5)), ["wrong-kind"]);
    // A patient's identity may be without end, and another kind than those known may say what it likes.
    let patient = foreign(
        |payload| {
            payload.remove("exp");
            payload.insert("vct".into(), json!(Kind::PatientIdentity.vct()));
            payload.insert("personHash".into(), json!("ab".repeat(32)));
        },
        &[],
        0,
    );
    assert!(codes(&patient).is_empty());
    assert!(with("vct", json!("urn:example:membership")).is_empty());
}

#[test]
fn a_claim_may_be_missing_only_where_something_was_kept_back() {
    let (issuer, holder) = (key(KeyKind::Ed25519, 1), key(KeyKind::Ed25519, 2));
    let every = ["organization", "country", "purposes/0", "purposes/1", "purposes/2"];
    let text = issued(&draft(&holder, &every), &issuer).unwrap();
    let shown = |names: &[String]| {
        let read = SdJwt::read(&text).unwrap();
        let shown = present(&read, names, &audience(), &holder, NOW).unwrap();
        verified(&shown, Some(&audience()), NOW)
    };
    let nothing = shown(&[]);
    assert_eq!(nothing.reasons, []);
    assert_eq!(nothing.claims["purposes"], json!([]));
    assert_eq!(shown(&["country".into()]).reasons, []);
    let two = |payload: &mut Map<String, Value>| {
        payload.remove("organization");
        payload.remove("country");
    };
    let hidden = [("organization", json!("X")), ("country", json!("JP"))];
    assert!(codes(&foreign(two, &hidden, 0)).is_empty());
    assert_eq!(codes(&foreign(two, &hidden[..1], 0)), ["claim"], "one hash hides one claim");
    assert_eq!(codes(&foreign(two, &hidden[..1], 1)), ["claim"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_altered_character_of_a_presentation_is_noticed(at: prop::sample::Index, other in "[A-Za-z0-9_.~-]") {
        let (issuer, holder) = (key(KeyKind::Ed25519, 1), key(KeyKind::Ed25519, 2));
        let text = issued(&draft(&holder, &["organization"]), &issuer).unwrap();
        let whole = SdJwt::read(&text).unwrap();
        let shown = present(&whole, &["organization".into()], &audience(), &holder, NOW).unwrap();
        let position = at.index(shown.len());
        let mut changed = shown.clone();
        changed.replace_range(position..=position, &other);
        if changed != shown && let Ok(read) = SdJwt::read(&changed) {
            let (directory, lists) = (Directory::default(), Lists::new());
            let evidence = Evidence { now: NOW, directory: &directory, lists: &lists, trust: None };
            prop_assert!(!verify(&read, Some(&audience()), &evidence).reasons.is_empty());
        }
    }

    #[test]
    fn no_text_makes_reading_panic(text in "[a-zA-Z0-9_~.\\-]{0,120}") {
        let _ = SdJwt::read(&text);
    }
}
