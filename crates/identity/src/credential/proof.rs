//! Data Integrity proofs with `eddsa-jcs-2022`, in the steps of the cryptosuite's specification (section 3.3).

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::reason::Reason;
use super::time::{parse_time, time_text};
use super::verify::Audience;
use crate::did::{Directory, NoKey, Purpose};
use crate::json::canonical;
use crate::keys::KeyError;
use crate::public_key::PublicKey;
use crate::signing::{KeyKind, SecretKey};

/// How far a proof's date may lie in the future, in seconds: clocks differ.
const CLOCK_SKEW: i64 = 300;

/// Who signs: under which identifier, by which of its methods, with which key.
#[derive(Debug, Clone)]
pub struct Signer<'a> {
    /// The identifier.
    pub did: String,
    /// The method's full name, `DID#fragment`.
    pub method: String,
    /// The key.
    pub key: &'a SecretKey,
}

impl<'a> Signer<'a> {
    /// Signs as the key's own `did:key`, or as another identifier whose document lists the key under its Multikey text.
    #[must_use]
    pub fn new(key: &'a SecretKey, did: Option<String>) -> Self {
        let did = did.unwrap_or_else(|| key.did().to_string());
        Self { method: format!("{did}#{}", key.public().to_multibase()), did, key }
    }
}

/// What a proof says beside the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// When, in seconds since 1970.
    pub created: i64,
    /// What for.
    pub purpose: Purpose,
    /// The verifier's nonce and name, in a presentation.
    pub audience: Option<Audience>,
}

impl Options {
    /// A proof of issuing.
    #[must_use]
    pub fn assertion(created: i64) -> Self {
        Self { created, purpose: Purpose::Assertion, audience: None }
    }

    /// A proof of presenting.
    #[must_use]
    pub fn authentication(created: i64, audience: &Audience) -> Self {
        Self { created, purpose: Purpose::Authentication, audience: Some(audience.clone()) }
    }
}

/// The two canonical texts that are signed, and their SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashes {
    /// The document without its proof.
    pub document: String,
    /// The proof without its value.
    pub proof: String,
    /// SHA-256 of the document's text.
    pub document_hash: [u8; 32],
    /// SHA-256 of the proof's text.
    pub proof_hash: [u8; 32],
}

impl Hashes {
    /// What the signature is over: the proof's hash, then the document's.
    #[must_use]
    pub fn combined(&self) -> [u8; 64] {
        let mut combined = [0; 64];
        combined[..32].copy_from_slice(&self.proof_hash);
        combined[32..].copy_from_slice(&self.document_hash);
        combined
    }
}

/// Transforms and hashes a document without `proof`, and a proof without `proofValue`.
#[must_use]
pub fn hashes(document: &Value, proof: &Value) -> Hashes {
    let (document, proof) = (canonical(document), canonical(proof));
    Hashes {
        document_hash: Sha256::digest(&document).into(),
        proof_hash: Sha256::digest(&proof).into(),
        document,
        proof,
    }
}

/// Adds a proof to `document`.
///
/// # Errors
/// [`KeyError::Malformed`] where the key is not Ed25519.
pub fn secure(document: &Value, options: &Options, signer: &Signer<'_>) -> Result<Value, KeyError> {
    if signer.key.kind() != KeyKind::Ed25519 {
        return Err(KeyError::Malformed("Ed25519"));
    }
    let mut proof = json!({
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": time_text(options.created),
        "verificationMethod": signer.method,
        "proofPurpose": options.purpose.name(),
    });
    if let Some(context) = document.get("@context") {
        proof["@context"] = context.clone();
    }
    if let Some(audience) = &options.audience {
        proof["challenge"] = json!(audience.challenge);
        proof["domain"] = json!(audience.domain);
    }
    let signature = signer.key.sign(&hashes(document, &proof).combined());
    proof["proofValue"] = json!(format!("z{}", bs58::encode(signature).into_string()));
    let mut secured = document.clone();
    secured["proof"] = proof;
    Ok(secured)
}

/// What a proof is held against.
pub(super) struct Expected<'a> {
    /// Who must have signed, and what they are called.
    pub(super) signer: &'a str,
    pub(super) role: &'static str,
    pub(super) purpose: Purpose,
    pub(super) audience: Option<&'a Audience>,
    pub(super) now: i64,
    pub(super) directory: &'a Directory,
}

/// Every reason against the proof of `secured`.
pub(super) fn check(secured: &Map<String, Value>, expected: &Expected<'_>) -> Vec<Reason> {
    let proof = match secured.get("proof") {
        Some(Value::Object(proof)) => proof,
        Some(Value::Array(proofs)) => match proofs.as_slice() {
            [Value::Object(proof)] => proof,
            _ => return vec![Reason::NoProof],
        },
        _ => return vec![Reason::NoProof],
    };
    let text = |name: &str| proof.get(name).and_then(Value::as_str);
    let suite = (text("type"), text("cryptosuite"));
    if suite != (Some("DataIntegrityProof"), Some("eddsa-jcs-2022")) {
        return vec![Reason::UnknownCryptosuite];
    }
    let mut reasons = Vec::new();
    if text("proofPurpose") != Some(expected.purpose.name()) {
        reasons.push(Reason::WrongPurpose(expected.purpose.name()));
    }
    // A chain's earlier proof must be there (Data Integrity 1.0, 2.1.2), and there is one proof only.
    if proof.contains_key("previousProof") {
        reasons.push(Reason::PreviousProof);
    }
    if !in_time(proof, expected.now) {
        reasons.push(Reason::ProofTime);
    }
    if let Some(audience) = expected.audience {
        if text("challenge") != Some(&audience.challenge) {
            reasons.push(Reason::WrongChallenge);
        }
        if text("domain") != Some(&audience.domain) {
            reasons.push(Reason::WrongDomain);
        }
    }
    // A longer list of contexts than was signed may give a word another meaning.
    if proof.get("@context").is_some_and(|signed| secured.get("@context") != Some(signed)) {
        reasons.push(Reason::AlteredContext);
    }
    match key(text("verificationMethod").unwrap_or_default(), expected) {
        Err(reason) => reasons.push(reason),
        Ok(key) if !signature_fits(secured, proof, &key) => reasons.push(Reason::AlteredProof),
        Ok(_) => {}
    }
    reasons
}

fn in_time(proof: &Map<String, Value>, now: i64) -> bool {
    let time = |name: &str| proof.get(name).map(|time| time.as_str().and_then(parse_time));
    let begun = match time("created") {
        None => true,
        Some(created) => created.is_some_and(|created| created <= now + CLOCK_SKEW),
    };
    let open = match time("expires") {
        None => true,
        Some(expires) => expires.is_some_and(|expires| now < expires),
    };
    begun && open
}

fn key(method: &str, expected: &Expected<'_>) -> Result<PublicKey, Reason> {
    let (did, _) = method.split_once('#').ok_or(Reason::WrongKey)?;
    if did != expected.signer {
        return Err(Reason::NotBySigner(expected.role));
    }
    let keys = expected.directory.keys(did).map_err(Reason::Unresolved)?;
    match keys.get(method, expected.purpose, expected.now) {
        Ok(key @ PublicKey::Ed25519(_)) => Ok(key),
        Ok(_) | Err(NoKey::Unknown) => Err(Reason::WrongKey),
        Err(NoKey::Over) => Err(Reason::KeyOver),
        Err(NoKey::OtherPurpose) => Err(Reason::WrongPurpose(expected.purpose.name())),
    }
}

fn signature_fits(
    secured: &Map<String, Value>,
    proof: &Map<String, Value>,
    key: &PublicKey,
) -> bool {
    let mut document = secured.clone();
    document.remove("proof");
    let mut config = proof.clone();
    let value = config.remove("proofValue");
    // 64 bytes take at most 88 characters of base58.
    let encoded = value.as_ref().and_then(Value::as_str).and_then(|value| value.strip_prefix('z'));
    let signature =
        encoded.filter(|text| text.len() <= 90).and_then(|text| bs58::decode(text).into_vec().ok());
    let hashes = hashes(&Value::Object(document), &Value::Object(config));
    signature.is_some_and(|signature| key.verifies(&hashes.combined(), &signature))
}
