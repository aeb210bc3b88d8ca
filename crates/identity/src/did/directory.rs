//! What is known of identifiers: which keys each of them has, and for what.
//!
//! A `did:key` says it all by itself. A `did:web` has to be fetched, which is not done here: whoever can, puts the
//! documents into a [`Directory`] first, and verifying is then a function of what is in it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Did, WebDid};
use crate::credential::parse_time;
use crate::public_key::PublicKey;

/// What a key may be used for (W3C Controlled Identifiers 1.0, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To issue credentials.
    Assertion,
    /// To show that one is the subject of the document.
    Authentication,
}

impl Purpose {
    /// The relationship's name, which is also the `proofPurpose`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Assertion => "assertionMethod",
            Self::Authentication => "authentication",
        }
    }
}

/// Why a document is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is about somebody else.
    #[error("the document is about another identifier than the one that was asked for")]
    OtherSubject,
    /// It has no such form.
    #[error("the document is no DID document: {0}")]
    Malformed(&'static str),
}

/// The keys of one identifier, each with what it may be used for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys(Vec<Method>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Method {
    id: String,
    key: PublicKey,
    uses: Vec<&'static str>,
    /// The first moment at which it does not count any more, in seconds since 1970.
    over: Option<i64>,
}

impl Keys {
    /// The key that `method` names, if it may be used for `purpose` at `now`, in seconds since 1970.
    ///
    /// From the moment on at which its document calls a method revoked or expired, nothing that it signed counts, whatever
    /// date the signature bears (Controlled Identifiers 1.0, section 2.2).
    ///
    /// # Errors
    /// [`NoKey`].
    pub fn get(&self, method: &str, purpose: Purpose, now: i64) -> Result<PublicKey, NoKey> {
        let named = self.0.iter().find(|known| known.id == method).ok_or(NoKey::Unknown)?;
        if named.over.is_some_and(|over| now >= over) {
            return Err(NoKey::Over);
        }
        if named.uses.contains(&purpose.name()) { Ok(named.key) } else { Err(NoKey::OtherPurpose) }
    }

    /// Reads the document of `did`. Methods of unknown kinds are passed over; so are those that another controls.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn read(did: &str, document: &Value) -> Result<Self, DocumentError> {
        if document.get("id").and_then(Value::as_str) != Some(did) {
            return Err(DocumentError::OtherSubject);
        }
        let mut methods = list(document, "verificationMethod")?.to_vec();
        let mut uses: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
        for purpose in [Purpose::Assertion, Purpose::Authentication] {
            for entry in list(document, purpose.name())? {
                // A relationship names a method, or holds one that serves it alone.
                let id = entry.as_str().or_else(|| entry.get("id").and_then(Value::as_str));
                let id = id.ok_or(DocumentError::Malformed("a relationship names no method"))?;
                uses.entry(absolute(did, id)).or_default().push(purpose.name());
                if entry.is_object() {
                    methods.push(entry.clone());
                }
            }
        }
        let mut keys: Vec<Method> = Vec::new();
        for method in &methods {
            let Some((id, key)) = method_key(did, method) else { continue };
            if keys.iter().any(|known| known.id == id) {
                return Err(DocumentError::Malformed("two methods have one name"));
            }
            let uses = uses.get(&id).cloned().unwrap_or_default();
            keys.push(Method { id, key, uses, over: over(method) });
        }
        Ok(Self(keys))
    }
}

/// When a method is over: at the earlier of `revoked` and `expires`, and all along where one of them is no time.
fn over(method: &Value) -> Option<i64> {
    let time = |name: &str| {
        let time = method.get(name)?;
        Some(time.as_str().and_then(parse_time).unwrap_or(i64::MIN))
    };
    time("revoked").into_iter().chain(time("expires")).min()
}

/// Why a method gives no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoKey {
    /// The document does not list it.
    Unknown,
    /// It is listed, for another purpose.
    OtherPurpose,
    /// The document says that it was revoked, or has expired.
    Over,
}

fn list<'a>(document: &'a Value, name: &str) -> Result<&'a [Value], DocumentError> {
    match document.get(name) {
        None => Ok(&[]),
        Some(Value::Array(items)) if items.len() <= 64 => Ok(items),
        Some(_) => {
            Err(DocumentError::Malformed("methods and relationships are lists of at most 64"))
        }
    }
}

fn absolute(did: &str, id: &str) -> String {
    if id.starts_with('#') { format!("{did}{id}") } else { id.to_owned() }
}

fn method_key(did: &str, method: &Value) -> Option<(String, PublicKey)> {
    let text = |name: &str| method.get(name).and_then(Value::as_str);
    let id = absolute(did, text("id")?);
    if text("controller")? != did || id.split_once('#')?.0 != did {
        return None;
    }
    let key = match text("type")? {
        "Multikey" | "Ed25519VerificationKey2020" => {
            PublicKey::from_multibase(text("publicKeyMultibase")?)?
        }
        "JsonWebKey" | "JsonWebKey2020" => PublicKey::from_jwk(method.get("publicKeyJwk")?)?,
        _ => return None,
    };
    Some((id, key))
}

/// The document of a `did:web` whose keys are `keys`, the newest first: all of them assert, so that what an earlier key
/// signed stays valid; only the newest authenticates.
#[must_use]
pub fn web_document(did: &WebDid, keys: &[PublicKey]) -> Value {
    let id = |key: &PublicKey| format!("{did}#{}", key.to_multibase());
    let method = |key: &PublicKey| {
        json!({
            "id": id(key), "type": "Multikey", "controller": did.to_string(),
            "publicKeyMultibase": key.to_multibase(),
        })
    };
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did.to_string(),
        "verificationMethod": keys.iter().map(method).collect::<Vec<_>>(),
        "assertionMethod": keys.iter().map(id).collect::<Vec<_>>(),
        "authentication": keys.iter().take(1).map(id).collect::<Vec<_>>(),
    })
}

/// The documents that were fetched, or why they could not be.
#[derive(Debug, Clone, Default)]
pub struct Directory(BTreeMap<WebDid, Result<Keys, String>>);

impl Directory {
    /// Notes what fetching `did` gave: its keys, or a sentence that says why there are none.
    pub fn note(&mut self, did: WebDid, outcome: Result<Keys, String>) {
        self.0.insert(did, outcome);
    }

    /// The keys of `did`.
    ///
    /// # Errors
    /// A sentence that says why they are not known.
    pub fn keys(&self, did: &str) -> Result<Cow<'_, Keys>, String> {
        if did.starts_with("did:web:") {
            let web: WebDid = did.parse().map_err(|error| format!("{error}"))?;
            return match self.0.get(&web) {
                Some(Ok(keys)) => Ok(Cow::Borrowed(keys)),
                Some(Err(why)) => Err(why.clone()),
                None => Err(format!("the document of {did} was not fetched")),
            };
        }
        let pure: Did = did.parse().map_err(|error| format!("{error}"))?;
        let key =
            pure.key().ok_or("an account's identifier names no key that signs credentials")?;
        let uses = vec![Purpose::Assertion.name(), Purpose::Authentication.name()];
        let id = format!("{did}#{}", key.to_multibase());
        Ok(Cow::Owned(Keys(vec![Method { id, key, uses, over: None }])))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::signing::{KeyKind, SecretKey};

    const DID: &str = "did:web:ministry.example";
    const NOW: i64 = 1_800_000_000;

    fn key(byte: u8) -> PublicKey {
        SecretKey::from_bytes(KeyKind::Ed25519, &[byte; 32]).unwrap().public()
    }

    #[test]
    fn after_a_rotation_both_keys_assert_and_the_newest_authenticates() {
        let document = web_document(&DID.parse().unwrap(), &[key(2), key(1)]);
        let keys = Keys::read(DID, &document).unwrap();
        let method = |byte| format!("{DID}#{}", key(byte).to_multibase());
        for byte in [1, 2] {
            assert_eq!(keys.get(&method(byte), Purpose::Assertion, NOW), Ok(key(byte)));
        }
        assert_eq!(keys.get(&method(2), Purpose::Authentication, NOW), Ok(key(2)));
        assert_eq!(keys.get(&method(1), Purpose::Authentication, NOW), Err(NoKey::OtherPurpose));
        assert_eq!(keys.get(&method(3), Purpose::Assertion, NOW), Err(NoKey::Unknown));
    }

    #[test]
    fn a_document_speaks_for_its_subject_alone() {
        let document = web_document(&DID.parse().unwrap(), &[key(1)]);
        let other = Keys::read("did:web:other.example", &document);
        assert_eq!(other, Err(DocumentError::OtherSubject));
        let mut foreign = document.clone();
        foreign["verificationMethod"][0]["controller"] = json!("did:web:other.example");
        assert_eq!(Keys::read(DID, &foreign), Ok(Keys::default()));
        let mut twice = document.clone();
        twice["verificationMethod"] =
            json!([document["verificationMethod"][0], document["verificationMethod"][0]]);
        assert!(matches!(Keys::read(DID, &twice), Err(DocumentError::Malformed(_))));
    }

    #[test]
    fn relative_names_embedded_methods_and_jwks_are_read() {
        let document = json!({
            "id": DID,
            "verificationMethod": [
                { "id": "#a", "type": "JsonWebKey", "controller": DID, "publicKeyJwk": key(1).to_jwk().unwrap() },
                { "id": "#x", "type": "SomethingElse", "controller": DID },
            ],
            "assertionMethod": ["#a", "#missing"],
            "authentication": [{ "id": "#b", "type": "Multikey", "controller": DID, "publicKeyMultibase": key(2).to_multibase() }],
        });
        let keys = Keys::read(DID, &document).unwrap();
        assert_eq!(keys.get(&format!("{DID}#a"), Purpose::Assertion, NOW), Ok(key(1)));
        assert_eq!(keys.get(&format!("{DID}#b"), Purpose::Authentication, NOW), Ok(key(2)));
        assert_eq!(
            keys.get(&format!("{DID}#b"), Purpose::Assertion, NOW),
            Err(NoKey::OtherPurpose)
        );
    }

    #[test]
    fn a_key_that_was_revoked_or_has_expired_counts_no_more() {
        let method = format!("{DID}#{}", key(1).to_multibase());
        let with = |members: Value| {
            let mut document = web_document(&DID.parse().unwrap(), &[key(1)]);
            let target = document["verificationMethod"][0].as_object_mut().unwrap();
            target.extend(members.as_object().unwrap().clone());
            Keys::read(DID, &document).unwrap()
        };
        let end = "2027-01-15T08:00:00Z";
        assert_eq!(parse_time(end), Some(NOW));
        for members in [
            json!({ "revoked": end }),
            json!({ "expires": end }),
            json!({ "revoked": "2030-01-01T00:00:00Z", "expires": end }),
        ] {
            let keys = with(members);
            for purpose in [Purpose::Assertion, Purpose::Authentication] {
                assert_eq!(keys.get(&method, purpose, NOW - 1), Ok(key(1)));
                assert_eq!(keys.get(&method, purpose, NOW), Err(NoKey::Over));
            }
        }
        // What cannot be read does not keep a key alive.
        for odd in [json!("yesterday"), json!("2030-01-01"), json!(2_000_000_000), json!(null)] {
            for name in ["revoked", "expires"] {
                let keys = with(json!({ name: odd }));
                assert_eq!(keys.get(&method, Purpose::Assertion, NOW), Err(NoKey::Over), "{odd}");
            }
        }
    }

    #[test]
    fn a_key_speaks_for_itself_and_a_web_identifier_does_not() {
        let did = Did::Key(key(1)).to_string();
        let method = format!("{did}#{}", key(1).to_multibase());
        let directory = Directory::default();
        let keys = directory.keys(&did).unwrap();
        assert_eq!(keys.get(&method, Purpose::Assertion, NOW), Ok(key(1)));
        assert!(directory.keys(DID).unwrap_err().contains("not fetched"));
        let account = "did:pkh:eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        assert!(directory.keys(account).is_err());
    }
}
