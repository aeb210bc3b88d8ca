//! The negative corpus: credentials that must not verify, each in a file with the reasons that must be given.
//!
//! The files in `corpus/` are data, so that another implementation can be held against them. They are made by
//! [`cases`] from fixed keys; Ed25519 is deterministic, so that what is made is what is kept. After a change of the
//! cases, `cargo test -p caduceus-identity --test corpus -- --ignored` writes them anew.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use caduceus_identity::credential::{
    Audience, Bitstring, Credential, Draft, Evidence, Kind, Lists, MIN_ENTRIES, Options,
    Presentation, Reason, Signer, StatusEntry, StatusPurpose, TrustList, issue, list_credential,
    present, secure, verify, verify_presentation,
};
use caduceus_identity::did::{Directory, Keys, web_document};
use caduceus_identity::json::{Limits, read};
use caduceus_identity::sd_jwt::{self, Salts, SdJwt};
use caduceus_identity::{KeyKind, SecretKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const NOW: i64 = 1_800_000_000;
const LIST: &str = "https://ministry.example/status/1";
const WEB: &str = "did:web:ministry.example";

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Case {
    /// What is wrong.
    about: String,
    /// The codes of all reasons; `malformed` where it is not read at all; none where it verifies.
    expect: Vec<String>,
    now: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    challenge: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    /// A trust list in TOML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trust: Option<String>,
    /// Status lists by their URL.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    lists: BTreeMap<String, Value>,
    /// DID documents by their DID.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    documents: BTreeMap<String, Value>,
    /// The text, and how many blanks follow it.
    input: String,
    #[serde(default)]
    padding: usize,
}

impl Case {
    fn of(about: &str, expect: &[&str], input: impl ToString) -> Case {
        Case {
            about: about.into(),
            expect: expect.iter().map(|code| (*code).to_owned()).collect(),
            now: NOW,
            challenge: None,
            domain: None,
            trust: None,
            lists: BTreeMap::new(),
            documents: BTreeMap::new(),
            input: input.to_string(),
            padding: 0,
        }
    }

    fn at(self, now: i64) -> Case {
        Case { now, ..self }
    }

    fn asked(self, challenge: &str, domain: &str) -> Case {
        Case { challenge: Some(challenge.into()), domain: Some(domain.into()), ..self }
    }

    fn with_list(mut self, list: Value) -> Case {
        self.lists.insert(LIST.into(), list);
        self
    }

    fn with_document(mut self, document: Value) -> Case {
        self.documents.insert(WEB.into(), document);
        self
    }

    /// The codes of all reasons.
    fn verdict(&self) -> Vec<String> {
        let text = format!("{}{}", self.input, " ".repeat(self.padding));
        let mut directory = Directory::default();
        for (did, document) in &self.documents {
            let keys = Keys::read(did, document).map_err(|error| error.to_string());
            directory.note(did.parse().unwrap(), keys);
        }
        let lists: Lists = self
            .lists
            .iter()
            .map(|(url, list)| (url.clone(), Ok(Credential::read(list).unwrap())))
            .collect();
        let trust = self.trust.as_ref().map(|text| TrustList::read(text).unwrap());
        let evidence =
            Evidence { now: self.now, directory: &directory, lists: &lists, trust: trust.as_ref() };
        let audience =
            self.challenge.as_ref().zip(self.domain.as_ref()).map(|(challenge, domain)| Audience {
                challenge: challenge.clone(),
                domain: domain.clone(),
            });
        let reasons = reasons(&text, audience.as_ref(), &evidence);
        reasons.unwrap_or_else(|| vec!["malformed".into()])
    }
}

fn reasons(
    text: &str,
    audience: Option<&Audience>,
    evidence: &Evidence<'_>,
) -> Option<Vec<String>> {
    let codes = |reasons: Vec<Reason>| reasons.iter().map(|one| one.code().to_owned()).collect();
    if !text.starts_with('{') {
        let read = SdJwt::read(text).ok()?;
        return Some(codes(sd_jwt::verify(&read, audience, evidence).reasons));
    }
    let value = read(text, Limits::default()).ok()?;
    if value.get("verifiableCredential").is_none() {
        return Some(codes(verify(&Credential::read(&value).ok()?, audience, evidence)));
    }
    let presentation = Presentation::read(&value).ok()?;
    let found = verify_presentation(&presentation, audience?, evidence);
    Some(codes(found.into_iter().map(|one| one.reason).collect()))
}

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(KeyKind::Ed25519, &[byte; 32]).unwrap()
}

fn draft(status: Vec<StatusEntry>) -> Draft {
    let subject = json!({
        "id": key(2).did().to_string(),
        "organization": "Sakura Institute", "country": "JP", "purposes": ["HMB"],
    });
    Draft {
        kind: Kind::ResearcherAccreditation,
        id: Some("urn:uuid:00000000-0000-4000-8000-000000000001".into()),
        subject: subject.as_object().unwrap().clone(),
        valid_from: NOW - 1_000,
        valid_until: Some(NOW + 1_000),
        status,
    }
}

fn credential() -> Value {
    let issuer = key(1);
    issue(&draft(Vec::new()), &Signer::new(&issuer, None), NOW).unwrap()
}

/// The credential after `alter` changed the signed object.
fn altered(alter: impl FnOnce(&mut Value)) -> Value {
    let mut value = credential();
    alter(&mut value);
    value
}

/// The credential with other members, signed for it by `signer`.
fn signed_anew(signer: &Signer<'_>, options: &Options, alter: impl FnOnce(&mut Value)) -> Value {
    let mut value = credential();
    value.as_object_mut().unwrap().remove("proof");
    alter(&mut value);
    secure(&value, options, signer).unwrap()
}

fn cases() -> BTreeMap<&'static str, Case> {
    let mut all = BTreeMap::new();
    proofs(&mut all);
    forms(&mut all);
    statuses(&mut all);
    webs(&mut all);
    presentations(&mut all);
    sd_jwts(&mut all);
    all
}

fn proofs(all: &mut BTreeMap<&'static str, Case>) {
    let (issuer, other) = (key(1), key(9));
    let (signer, assertion) = (Signer::new(&issuer, None), Options::assertion(NOW));
    let mut add = |name, about: &str, expect: &[&str], value: Value| {
        all.insert(name, Case::of(about, expect, value));
    };
    add("good", "nothing is wrong", &[], credential());
    add(
        "altered-claim",
        "a claim was changed after signing",
        &["altered-proof"],
        altered(|value| {
            value["credentialSubject"]["country"] = json!("DE");
        }),
    );
    add(
        "altered-end",
        "the end was moved after signing",
        &["altered-proof"],
        altered(|value| {
            value["validUntil"] = json!("2099-01-01T00:00:00Z");
        }),
    );
    add(
        "altered-created",
        "the proof's date was changed",
        &["altered-proof"],
        altered(|value| {
            value["proof"]["created"] = json!("2020-01-01T00:00:00Z");
        }),
    );
    add(
        "altered-signature",
        "a character of the signature was changed",
        &["altered-proof"],
        altered(|value| {
            let text = value["proof"]["proofValue"].as_str().unwrap();
            let last = if text.ends_with('2') { '3' } else { '2' };
            value["proof"]["proofValue"] = json!(format!("{}{last}", &text[..text.len() - 1]));
        }),
    );
    add(
        "signature-of-another-key",
        "another key signed under the issuer's name",
        &["altered-proof"],
        {
            let forged =
                Signer { did: signer.did.clone(), method: signer.method.clone(), key: &other };
            signed_anew(&forged, &assertion, |_| {})
        },
    );
    add("not-by-issuer", "somebody else signed under their own name", &["not-by-signer"], {
        signed_anew(&Signer::new(&other, None), &assertion, |_| {})
    });
    add("wrong-key", "the proof names a key that the issuer does not have", &["wrong-key"], {
        let method = format!("{}#{}", signer.did, other.public().to_multibase());
        signed_anew(&Signer { did: signer.did.clone(), method, key: &other }, &assertion, |_| {})
    });
    add("wrong-purpose", "the proof is for authentication", &["wrong-purpose"], {
        let audience = Audience { challenge: "c".into(), domain: "d".into() };
        signed_anew(&signer, &Options::authentication(NOW, &audience), |_| {})
    });
    add(
        "no-proof",
        "there is no proof",
        &["no-proof"],
        altered(|value| {
            value.as_object_mut().unwrap().remove("proof");
        }),
    );
    add(
        "two-proofs",
        "there are two proofs",
        &["no-proof"],
        altered(|value| {
            value["proof"] = json!([value["proof"], value["proof"]]);
        }),
    );
    add(
        "unknown-cryptosuite",
        "the cryptosuite is another",
        &["unknown-cryptosuite"],
        altered(|value| {
            value["proof"]["cryptosuite"] = json!("eddsa-rdfc-2022");
        }),
    );
    add("proof-of-tomorrow", "the proof is dated in the future", &["proof-time"], {
        signed_anew(&signer, &Options::assertion(NOW + 3_600), |_| {})
    });
    add(
        "proof-expired",
        "the proof's own time is over",
        &["proof-time", "altered-proof"],
        altered(|value| {
            value["proof"]["expires"] = json!("2020-01-01T00:00:00Z");
        }),
    );
    add(
        "context-extended",
        "a context was added after signing",
        &["altered-context", "altered-proof"],
        altered(|value| {
            value["@context"]
                .as_array_mut()
                .unwrap()
                .push(json!("https://www.w3.org/ns/credentials/examples/v2"));
        }),
    );
    add(
        "context-swapped",
        "both contexts were changed after signing",
        &["unknown-context", "altered-proof"],
        altered(|value| {
            let evil =
                json!(["https://www.w3.org/ns/credentials/v2", "https://evil.example/words"]);
            value["@context"] = evil.clone();
            value["proof"]["@context"] = evil;
        }),
    );
    add(
        "context-unknown",
        "the issuer signed words of an unknown vocabulary",
        &["unknown-context"],
        {
            signed_anew(&signer, &assertion, |value| {
                value["@context"] = json!(["https://www.w3.org/ns/credentials/v2", { "country": "https://evil.example/x" }]);
            })
        },
    );
    add("claims-missing", "a kind without its claims", &["claim", "claim"], {
        signed_anew(&signer, &assertion, |value| {
            value["credentialSubject"] =
                json!({ "id": "did:key:zX", "country": "Japan", "purposes": ["HMB"] });
        })
    });
    let expired = Case::of("it expired at this moment", &["expired"], credential()).at(NOW + 1_000);
    all.insert("expired", expired);
    let early = Case::of("it holds from the next second on", &["not-yet-valid"], {
        signed_anew(&signer, &Options::assertion(NOW - 5_000), |_| {})
    });
    all.insert("not-yet-valid", early.at(NOW - 1_001));
    let mut untrusted =
        Case::of("its issuer may issue other things", &["untrusted-issuer"], credential());
    untrusted.trust =
        Some(format!("[[issuer]]\ndid = \"{}\"\nkinds = [\"ethics-approval\"]\n", issuer.did()));
    all.insert("untrusted-issuer", untrusted);
}

fn forms(all: &mut BTreeMap<&'static str, Case>) {
    let good = credential().to_string();
    let mut add = |name, about: &str, input: String| {
        all.insert(name, Case::of(about, &["malformed"], input));
    };
    add(
        "repeated-member",
        "a member stands twice",
        good.replacen('{', "{\"issuer\":\"did:key:zX\",", 1),
    );
    add("repeated-claim", "a claim stands twice, once escaped", {
        good.replacen("\"country\":", "\"\\u0063ountry\":\"DE\",\"country\":", 1)
    });
    add("nested", "lists in lists, a hundred deep", {
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        good.replacen("\"JP\"", &deep, 1)
    });
    add("not-json", "half of it", good[..good.len() / 2].to_owned());
    add("old-context", "the context of version 1", {
        good.replace(
            "https://www.w3.org/ns/credentials/v2",
            "https://www.w3.org/2018/credentials/v1",
        )
    });
    add("no-issuer", "nobody says it", good.replacen("\"issuer\"", "\"author\"", 1));
    add("no-zone", "a time without its zone", good.replacen("Z\"", "\"", 3));
    add("large-number", "a number that not every reader holds", {
        good.replacen("\"JP\"", "9007199254740993", 1)
    });
    let mut long = Case::of("longer than any credential", &["malformed"], &good);
    long.padding = 256 << 10;
    all.insert("oversized", long);
}

fn statuses(all: &mut BTreeMap<&'static str, Case>) {
    let issuer = key(1);
    let entry = |purpose| StatusEntry { purpose, index: 77, list: LIST.into() };
    let listed = |purpose, by: &SecretKey, set: bool| {
        let mut bits = Bitstring::new(MIN_ENTRIES).unwrap();
        bits.set(77, set).unwrap();
        list_credential(&bits, purpose, LIST, &Signer::new(by, None), NOW).unwrap()
    };
    let with =
        |purpose| issue(&draft(vec![entry(purpose)]), &Signer::new(&issuer, None), NOW).unwrap();
    let mut add = |name, about: &str, expect: &[&str], purpose, list: Value| {
        all.insert(name, Case::of(about, expect, with(purpose)).with_list(list));
    };
    use StatusPurpose::{Revocation, Suspension};
    add("revoked", "it was revoked", &["revoked"], Revocation, listed(Revocation, &issuer, true));
    add(
        "suspended",
        "it was suspended",
        &["suspended"],
        Suspension,
        listed(Suspension, &issuer, true),
    );
    add("not-revoked", "its entry is not set", &[], Revocation, listed(Revocation, &issuer, false));
    add(
        "list-by-another",
        "the list is by somebody else",
        &["status-unknown"],
        Revocation,
        listed(Revocation, &key(9), false),
    );
    add(
        "list-for-another-purpose",
        "the list is for suspension",
        &["status-unknown"],
        Revocation,
        listed(Suspension, &issuer, false),
    );
    add("list-altered", "the list was cleared after signing", &["status-unknown"], Revocation, {
        let mut list = listed(Revocation, &issuer, true);
        list["credentialSubject"]["encodedList"] =
            json!(Bitstring::new(MIN_ENTRIES).unwrap().encode());
        list
    });
    add("list-over", "the list is 91 days old", &["status-unknown"], Revocation, {
        let list = Bitstring::new(MIN_ENTRIES).unwrap();
        let then = NOW - 91 * 24 * 3_600;
        list_credential(&list, Revocation, LIST, &Signer::new(&issuer, None), then).unwrap()
    });
    let mut sized = |name, about: &str, expect: &[&str], size: Value, index: &str| {
        let value = signed_anew(&Signer::new(&issuer, None), &Options::assertion(NOW), |value| {
            let mut entry = entry(Revocation).to_json();
            (entry["statusSize"], entry["statusListIndex"]) = (size, json!(index));
            value["credentialStatus"] = entry;
        });
        let list = listed(Revocation, &issuer, true);
        all.insert(name, Case::of(about, expect, value).with_list(list));
    };
    // The second bit of entry 38 is that of entry 77 of a list of single bits.
    sized("status-of-two-bits", "its entries have two bits", &["malformed"], json!(2), "38");
    sized("status-of-one-bit", "its entries have one bit", &["revoked"], json!(1), "77");
    let missing = Case::of("the list is not to be had", &["status-unknown"], with(Revocation));
    all.insert("list-missing", missing);
}

fn webs(all: &mut BTreeMap<&'static str, Case>) {
    let (first, second) = (key(1), key(4));
    let by = |key: &SecretKey, did: &str| {
        issue(&draft(Vec::new()), &Signer::new(key, Some(did.to_owned())), NOW).unwrap()
    };
    let document = |keys: &[&SecretKey]| {
        let keys: Vec<_> = keys.iter().map(|key| key.public()).collect();
        web_document(&WEB.parse().unwrap(), &keys)
    };
    let mut add = |name, about: &str, expect: &[&str], value: Value, document: Value| {
        all.insert(name, Case::of(about, expect, value).with_document(document));
    };
    add(
        "web-good",
        "the issuer is a did:web that has the key",
        &[],
        by(&first, WEB),
        document(&[&first]),
    );
    add(
        "web-rotated",
        "an earlier key of the issuer signed",
        &[],
        by(&first, WEB),
        document(&[&second, &first]),
    );
    add(
        "web-withdrawn-key",
        "the issuer has the key no more",
        &["wrong-key"],
        by(&first, WEB),
        document(&[&second]),
    );
    let marked = |name: &str, time: &str| {
        let mut document = document(&[&first]);
        document["verificationMethod"][0][name] = json!(time);
        document
    };
    for (name, member, time, expect) in [
        ("web-key-revoked", "revoked", "2026-01-01T00:00:00Z", &["key-over"][..]),
        ("web-key-expired", "expires", "2027-01-15T08:00:00Z", &["key-over"]),
        ("web-key-unreadable", "expires", "never", &["key-over"]),
        ("web-key-to-expire", "expires", "2027-01-15T08:00:01Z", &[]),
    ] {
        let about = format!("the document says of the key: {member} {time}");
        add(name, &about, expect, by(&first, WEB), marked(member, time));
    }
    add(
        "web-not-for-assertion",
        "the key only authenticates",
        &["wrong-purpose"],
        by(&first, WEB),
        {
            let mut document = document(&[&first]);
            document["assertionMethod"] = json!([]);
            document
        },
    );
    add(
        "web-other-subject",
        "the document is somebody else's",
        &["unresolved"],
        by(&first, WEB),
        {
            let mut document = document(&[&first]);
            document["id"] = json!("did:web:other.example");
            document
        },
    );
    let unknown =
        Case::of("the issuer's document is not to be had", &["unresolved"], by(&first, WEB));
    all.insert("web-missing", unknown);
    for (name, did) in [
        ("homograph-cyrillic", "did:web:minis\u{442}ry.example"),
        ("homograph-punycode", "did:web:xn--minisry-u8f.example"),
        ("web-userinfo", "did:web:ministry.example%40evil.example"),
        ("web-port", "did:web:ministry.example%3A8443"),
        ("web-address", "did:web:10.0.0.1"),
    ] {
        let case =
            Case::of("the issuer's name could pass for another", &["unresolved"], by(&first, did));
        all.insert(name, case.with_document(document(&[&first])));
    }
}

fn presentations(all: &mut BTreeMap<&'static str, Case>) {
    let audience = Audience { challenge: "c-1".into(), domain: "registry.example".into() };
    let (holder, thief) = (key(2), key(3));
    let shown =
        |by: &SecretKey| present(&[credential()], &audience, &Signer::new(by, None), NOW).unwrap();
    let mut add =
        |name, about: &str, expect: &[&str], value: Value, challenge: &str, domain: &str| {
            all.insert(name, Case::of(about, expect, value).asked(challenge, domain));
        };
    let (c, d) = ("c-1", "registry.example");
    add("presented", "nothing is wrong", &[], shown(&holder), c, d);
    add(
        "wrong-challenge",
        "it answers another challenge",
        &["wrong-challenge"],
        shown(&holder),
        "c-2",
        d,
    );
    add(
        "wrong-domain",
        "it was made for another verifier",
        &["wrong-domain"],
        shown(&holder),
        c,
        "elsewhere.example",
    );
    add("stolen", "the presenter is not the subject", &["not-holder"], shown(&thief), c, d);
    add(
        "holder-swapped",
        "the holder's name was changed",
        &["not-by-signer", "not-holder"],
        {
            let mut value = shown(&holder);
            value["holder"] = json!(thief.did().to_string());
            value
        },
        c,
        d,
    );
    add(
        "presented-altered",
        "a claim in it was changed",
        &["altered-proof", "altered-proof"],
        {
            let mut value = shown(&holder);
            value["verifiableCredential"][0]["credentialSubject"]["country"] = json!("DE");
            value
        },
        c,
        d,
    );
    add(
        "presented-bare",
        "a credential in place of a presentation",
        &["not-holder"],
        credential(),
        c,
        d,
    );
}

fn sd_jwts(all: &mut BTreeMap<&'static str, Case>) {
    let (issuer, holder, thief) = (key(1), key(2), key(3));
    let did = issuer.did().to_string();
    let method = format!("{did}#{}", issuer.public().to_multibase());
    let draft = sd_jwt::Draft {
        kind: Kind::ResearcherAccreditation,
        claims: draft(Vec::new()).subject,
        concealed: vec!["organization".into(), "purposes".into()],
        holder: holder.public(),
        issued: NOW - 1_000,
        valid_from: NOW - 1_000,
        valid_until: NOW + 1_000,
        status: Vec::new(),
    };
    let mut salts = Salts::new(vec![[1; 16], [2; 16]]);
    let whole = sd_jwt::issue(&draft, &did, &method, &issuer, &mut salts).unwrap();
    let audience = Audience { challenge: "c-1".into(), domain: "registry.example".into() };
    let shown = |by: &SecretKey| {
        let read = SdJwt::read(&whole).unwrap();
        sd_jwt::present(&read, &["organization".into()], &audience, by, NOW).unwrap()
    };
    let (c, d) = ("c-1", "registry.example");
    let mut add = |name, case: Case| {
        all.insert(name, case);
    };
    add("sd-jwt-good", Case::of("nothing is wrong", &[], shown(&holder)).asked(c, d));
    add(
        "sd-jwt-replayed",
        Case::of("it answers somebody else", &["wrong-challenge", "wrong-domain"], shown(&holder))
            .asked("x", "y"),
    );
    add(
        "sd-jwt-stolen",
        Case::of("another key presents it", &["altered-proof"], shown(&thief)).asked(c, d),
    );
    add("sd-jwt-unbound", Case::of("nobody presents it", &["no-key-binding"], &whole).asked(c, d));
    add("sd-jwt-expired", Case::of("it expired", &["expired"], &whole).at(NOW + 1_000));
    let fewer = {
        let text = shown(&holder);
        let parts: Vec<&str> = text.split('~').collect();
        format!("{}~{}", parts[0], parts[2])
    };
    add(
        "sd-jwt-fewer",
        Case::of("a disclosure was taken out", &["altered-proof"], fewer).asked(c, d),
    );
    let twice = {
        let parts: Vec<&str> = whole.split('~').collect();
        format!("{}~{}~{}~", parts[0], parts[1], parts[1])
    };
    add("sd-jwt-twice", Case::of("a disclosure stands twice", &["foreign-disclosure"], twice));
    let mut other = whole.clone();
    let at = other.find('.').unwrap() + 20;
    let letter = if other.as_bytes()[at] == b'A' { "B" } else { "A" };
    other.replace_range(at..=at, letter);
    let case = Case::of("a character of its payload was changed", &[], other);
    let expect = case.verdict();
    assert!(!expect.is_empty());
    add("sd-jwt-altered", Case { expect, ..case });
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

#[test]
fn every_case_has_exactly_its_reasons_and_stands_in_its_file() {
    let made = cases();
    assert!(made.len() > 60, "{} cases", made.len());
    let kept: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().replace(".json", ""))
        .collect();
    assert_eq!(kept, made.keys().map(|name| (*name).to_owned()).collect());
    for (name, case) in made {
        let text = fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
        let file: Case = serde_json::from_str(&text).unwrap();
        assert_eq!(file, case, "{name}: the file is not what is made");
        assert_eq!(file.verdict(), file.expect, "{name}: {}", file.about);
    }
}

#[test]
#[ignore = "writes the corpus anew"]
fn write_the_corpus() {
    let _ = fs::remove_dir_all(folder());
    fs::create_dir_all(folder()).unwrap();
    for (name, case) in cases() {
        let text = serde_json::to_string_pretty(&case).unwrap();
        fs::write(folder().join(format!("{name}.json")), text + "\n").unwrap();
    }
}
