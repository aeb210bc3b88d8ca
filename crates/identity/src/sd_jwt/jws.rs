//! JSON Web Signatures in compact form (RFC 7515), with the three algorithms that keys here have.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::{SdJwtError, json as strict};
use crate::credential::Reason;
use crate::public_key::PublicKey;
use crate::signing::SecretKey;

/// A signed JSON object. Whether the signature fits is another question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Jws {
    pub(super) compact: String,
    pub(super) header: Map<String, Value>,
    pub(super) payload: Map<String, Value>,
    signature: Vec<u8>,
}

impl Jws {
    pub(super) fn read(text: &str) -> Result<Self, SdJwtError> {
        let object = |part| match decode_json(part)? {
            Value::Object(members) => Ok(members),
            _ => Err(SdJwtError::Malformed("a part of its JWT is no object")),
        };
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SdJwtError::Malformed("its JWT has not three parts"));
        };
        Ok(Self {
            header: object(header)?,
            payload: object(payload)?,
            signature: URL_SAFE_NO_PAD
                .decode(signature)
                .map_err(|_| SdJwtError::Malformed("its signature is not base64url"))?,
            compact: text.to_owned(),
        })
    }

    pub(super) fn is_type(&self, types: &[&str]) -> bool {
        self.header.get("typ").and_then(Value::as_str).is_some_and(|typ| types.contains(&typ))
    }

    /// The algorithm is the key's, whatever the header says: `none` and others never pass (RFC 8725, section 3.1).
    pub(super) fn verify(&self, key: &PublicKey) -> Result<(), Reason> {
        let algorithm = self.header.get("alg").and_then(Value::as_str);
        // An extension that must be understood, and is not.
        if algorithm != Some(key.jws_algorithm()) || self.header.contains_key("crit") {
            return Err(Reason::UnknownCryptosuite);
        }
        let signed = self.compact.rsplit_once('.').map(|(signed, _)| signed).unwrap_or_default();
        if key.verifies(signed.as_bytes(), &self.signature) {
            Ok(())
        } else {
            Err(Reason::AlteredProof)
        }
    }
}

/// Signs `payload`; the algorithm goes into the header.
pub(super) fn sign(mut header: Value, payload: &Value, key: &SecretKey) -> String {
    header["alg"] = json!(key.public().jws_algorithm());
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(payload));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// JSON in base64url, read strictly.
pub(super) fn decode_json(text: &str) -> Result<Value, SdJwtError> {
    let bytes = URL_SAFE_NO_PAD.decode(text);
    let bytes = bytes.map_err(|_| SdJwtError::Malformed("a part of it is not base64url"))?;
    Ok(strict::read_bytes(&bytes)?)
}
