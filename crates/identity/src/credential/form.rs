//! What makes a JSON object a credential or a presentation (Verifiable Credentials Data Model 2.0, section 4).

use serde_json::{Map, Value, json};

use super::status::StatusPurpose;
use super::time::parse_time;

/// The contexts of every credential that is issued here. The second is the W3C's own for words that no published
/// vocabulary defines.
pub const CONTEXTS: [&str; 2] = [
    "https://www.w3.org/ns/credentials/v2",
    "https://www.w3.org/ns/credentials/undefined-terms/v2",
];

/// Contexts that add no meaning that would have to be looked up: the two above, the W3C's examples, and the security
/// vocabularies of proofs.
const KNOWN: [&str; 4] = [
    CONTEXTS[0],
    CONTEXTS[1],
    "https://www.w3.org/ns/credentials/examples/v2",
    "https://w3id.org/security/data-integrity/v2",
];

/// Why an object is no credential. The caller's text is at fault, not what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no {what}: {why}")]
pub struct FormError {
    what: &'static str,
    why: &'static str,
}

/// Where it can be looked up whether a credential was taken back (Bitstring Status List 1.0, section 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusEntry {
    /// What a set bit means.
    pub purpose: StatusPurpose,
    /// The place in the list.
    pub index: u32,
    /// The URL of the list's credential.
    pub list: String,
}

impl StatusEntry {
    /// The entry as a credential carries it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "type": "BitstringStatusListEntry",
            "statusPurpose": self.purpose.name(),
            "statusListIndex": self.index.to_string(),
            "statusListCredential": self.list,
        })
    }

    pub(crate) fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let index = text("statusListIndex")?;
        let number: u32 = index.parse().ok()?;
        // A larger `statusSize` gives each entry several bits: the number would count something else.
        let one_bit = value.get("statusSize").is_none_or(|size| size == 1);
        (text("type")? == "BitstringStatusListEntry" && number.to_string() == index && one_bit)
            .then_some(())?;
        Some(Self {
            purpose: StatusPurpose::from_name(text("statusPurpose")?)?,
            index: number,
            list: text("statusListCredential")?.to_owned(),
        })
    }

    /// All entries of a credential's `credentialStatus`; none where one of them cannot be read.
    pub(crate) fn read_all(value: Option<&Value>) -> Option<Vec<Self>> {
        match value {
            None => Some(Vec::new()),
            Some(Value::Array(entries)) if entries.len() <= 8 => {
                entries.iter().map(Self::read).collect()
            }
            Some(one) => Self::read(one).map(|entry| vec![entry]),
        }
    }
}

/// A credential whose form was checked. Whether it holds is another question.
#[derive(Debug, Clone, PartialEq)]
pub struct Credential {
    /// The whole object with its proof.
    pub(crate) secured: Map<String, Value>,
    /// Who says it.
    pub issuer: String,
    /// What kinds it says it is.
    pub types: Vec<String>,
    /// About whom, and what.
    pub subject: Map<String, Value>,
    /// From when on it holds, in seconds since 1970.
    pub valid_from: Option<i64>,
    /// Until when.
    pub valid_until: Option<i64>,
    /// Where it can be looked up whether it was taken back.
    pub status: Vec<StatusEntry>,
}

impl Credential {
    /// Reads the object.
    ///
    /// # Errors
    /// [`FormError`], with what is missing.
    pub fn read(value: &Value) -> Result<Self, FormError> {
        let refuse = |why| FormError { what: "verifiable credential", why };
        let secured = value.as_object().ok_or(refuse("it is not an object"))?;
        let types = types(secured).ok_or(refuse("its type is not a list of texts"))?;
        if !types.iter().any(|kind| kind == "VerifiableCredential") {
            return Err(refuse("its type does not name VerifiableCredential"));
        }
        first_context(secured)
            .ok_or(refuse("its @context does not begin with that of version 2"))?;
        let issuer = match secured.get("issuer") {
            Some(Value::Object(issuer)) => issuer.get("id"),
            other => other,
        };
        let issuer = issuer.and_then(Value::as_str).filter(|issuer| !issuer.is_empty());
        let subject = secured.get("credentialSubject").and_then(Value::as_object);
        let subject = subject.filter(|subject| !subject.is_empty());
        let period = |name| {
            period(secured, name)
                .ok_or(refuse("a time in it is not one of XML Schema, with its zone"))
        };
        Ok(Self {
            issuer: issuer.ok_or(refuse("it names no issuer"))?.to_owned(),
            subject: subject
                .ok_or(refuse("it has not exactly one credentialSubject with claims"))?
                .clone(),
            valid_from: period("validFrom")?,
            valid_until: period("validUntil")?,
            status: StatusEntry::read_all(secured.get("credentialStatus")).ok_or(refuse(
                "its credentialStatus is not of BitstringStatusListEntry with one bit each",
            ))?,
            types,
            secured: secured.clone(),
        })
    }

    /// The subject's identifier.
    #[must_use]
    pub fn subject_id(&self) -> Option<&str> {
        self.subject.get("id").and_then(Value::as_str)
    }

    pub(crate) fn contexts_are_known(&self) -> bool {
        contexts_are_known(&self.secured)
    }
}

/// A presentation whose form was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Presentation {
    pub(crate) secured: Map<String, Value>,
    /// Who presents.
    pub holder: String,
    /// What is presented, in order.
    pub credentials: Vec<Credential>,
}

impl Presentation {
    /// Reads the object and the credentials in it, of which there are 1 to 16.
    ///
    /// # Errors
    /// [`FormError`].
    pub fn read(value: &Value) -> Result<Self, FormError> {
        let refuse = |why| FormError { what: "verifiable presentation", why };
        let secured = value.as_object().ok_or(refuse("it is not an object"))?;
        if !types(secured).is_some_and(|types| types.iter().any(|t| t == "VerifiablePresentation"))
        {
            return Err(refuse("its type does not name VerifiablePresentation"));
        }
        first_context(secured)
            .ok_or(refuse("its @context does not begin with that of version 2"))?;
        let holder = secured.get("holder").and_then(Value::as_str);
        let credentials = match secured.get("verifiableCredential") {
            Some(Value::Array(all)) if (1..=16).contains(&all.len()) => all.iter().collect(),
            Some(one @ Value::Object(_)) => vec![one],
            _ => return Err(refuse("it presents not between 1 and 16 credentials")),
        };
        Ok(Self {
            holder: holder.ok_or(refuse("it names no holder"))?.to_owned(),
            credentials: credentials.into_iter().map(Credential::read).collect::<Result<_, _>>()?,
            secured: secured.clone(),
        })
    }

    pub(crate) fn contexts_are_known(&self) -> bool {
        contexts_are_known(&self.secured)
    }
}

fn types(object: &Map<String, Value>) -> Option<Vec<String>> {
    match object.get("type")? {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(all) => all.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn first_context(object: &Map<String, Value>) -> Option<()> {
    let contexts = object.get("@context")?;
    let first = contexts.as_array().map_or(Some(contexts), |all| all.first());
    (first?.as_str()? == CONTEXTS[0]).then_some(())
}

fn contexts_are_known(object: &Map<String, Value>) -> bool {
    match object.get("@context") {
        Some(Value::Array(all)) => {
            all.iter().all(|one| one.as_str().is_some_and(|one| KNOWN.contains(&one)))
        }
        Some(one) => one.as_str().is_some_and(|one| KNOWN.contains(&one)),
        None => false,
    }
}

/// A time that may be left out, but not be something else.
fn period(object: &Map<String, Value>, name: &str) -> Option<Option<i64>> {
    object.get(name).map_or(Some(None), |time| time.as_str().and_then(parse_time).map(Some))
}
