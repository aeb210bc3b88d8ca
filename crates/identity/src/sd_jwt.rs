//! SD-JWT (RFC 9901) and SD-JWT VC: a signed credential of which the holder shows only what is asked for.
//!
//! The issuer signs hashes of salted claims ([`issue`]); the holder passes on the claims behind some of the hashes and
//! signs that it is they who present, to whom and when ([`present`]); the verifier puts the claims back in their places
//! and refuses whatever does not belong there ([`verify`]).
//!
//! Signatures are EdDSA, ES256K or ES256; hashes are SHA-256, the one that everybody must know.

mod conceal;
mod jws;
mod reveal;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
pub use conceal::{ConcealError, Salts};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::credential::{
    Audience, Claims, Evidence, Kind, Reason, StatusEntry, StatusPurpose, period, status_reason,
};
use crate::did::{NoKey, Purpose};
use crate::json::{self, JsonError};
use crate::public_key::PublicKey;
use crate::signing::SecretKey;
use jws::Jws;
use reveal::Revealed;

/// The longest text that is read, in bytes.
pub const MAX_BYTES: usize = 256 << 10;
/// The most disclosures that are read.
pub const MAX_DISCLOSURES: usize = 256;
/// How old a proof of presenting may be, in seconds, and how far in the future.
const KEY_BINDING_AGE: i64 = 600;
const CLOCK_SKEW: i64 = 300;
/// Claims of which every verifier must know, so that none of them is behind a hash (SD-JWT VC, section 2.2.2.3), and
/// those that do the same work in the credentials of this crate.
const ALWAYS_SHOWN: [&str; 10] =
    ["iss", "iat", "nbf", "exp", "cnf", "vct", "vct#integrity", "status", "credentialStatus", "id"];

/// Why a text is no SD-JWT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SdJwtError {
    /// Too long.
    #[error(
        "this SD-JWT is longer than {MAX_BYTES} bytes or has more than {MAX_DISCLOSURES} disclosures"
    )]
    TooLong,
    /// Not `JWT~disclosure~...~` with an optional JWT at its end.
    #[error("this is no SD-JWT: {0}")]
    Malformed(&'static str),
    /// JSON in it that is not read.
    #[error("this SD-JWT holds JSON that is not read: {0}")]
    Json(#[from] JsonError),
}

/// One disclosure: the salted claim behind a hash.
#[derive(Debug, Clone, PartialEq)]
struct Disclosure {
    text: String,
    /// Nothing for an element of a list.
    name: Option<String>,
    value: Value,
}

impl Disclosure {
    fn read(text: &str) -> Result<Self, SdJwtError> {
        let parts = match jws::decode_json(text)? {
            Value::Array(parts) => parts,
            _ => return Err(SdJwtError::Malformed("a disclosure is no list")),
        };
        match parts.as_slice() {
            [Value::String(_), Value::String(name), value] => {
                Ok(Self { text: text.to_owned(), name: Some(name.clone()), value: value.clone() })
            }
            [Value::String(_), value] => {
                Ok(Self { text: text.to_owned(), name: None, value: value.clone() })
            }
            _ => Err(SdJwtError::Malformed("a disclosure is not a salt, a name and a value")),
        }
    }

    fn digest(&self) -> String {
        sha256(&self.text)
    }
}

fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// An SD-JWT whose form was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct SdJwt {
    jwt: Jws,
    disclosures: Vec<Disclosure>,
    key_binding: Option<Jws>,
}

impl SdJwt {
    /// Reads the compact form.
    ///
    /// # Errors
    /// [`SdJwtError`].
    pub fn read(text: &str) -> Result<Self, SdJwtError> {
        let text = text.trim_end();
        if text.len() > MAX_BYTES || text.matches('~').count() > MAX_DISCLOSURES + 1 {
            return Err(SdJwtError::TooLong);
        }
        let mut parts = text.split('~');
        let jwt = Jws::read(parts.next().unwrap_or_default())?;
        let mut rest: Vec<&str> = parts.collect();
        let last = rest.pop().ok_or(SdJwtError::Malformed("it has no `~`"))?;
        Ok(Self {
            jwt,
            disclosures: rest.into_iter().map(Disclosure::read).collect::<Result<_, _>>()?,
            key_binding: if last.is_empty() { None } else { Some(Jws::read(last)?) },
        })
    }

    /// Who issued it, as it says.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.jwt.payload.get("iss").and_then(Value::as_str)
    }

    /// Where it can be looked up whether it was taken back; none where that cannot be read.
    #[must_use]
    pub fn status(&self) -> Option<Vec<StatusEntry>> {
        StatusEntry::read_all(self.jwt.payload.get("credentialStatus"))
    }

    /// Whether `key` is the one by which its holder presents it.
    #[must_use]
    pub fn is_bound_to(&self, key: &PublicKey) -> bool {
        self.holder().as_ref() == Some(key)
    }

    fn holder(&self) -> Option<PublicKey> {
        PublicKey::from_jwk(self.jwt.payload.get("cnf")?.get("jwk")?)
    }

    /// The names of the claims that can be disclosed.
    #[must_use]
    pub fn disclosable(&self) -> Vec<&str> {
        self.disclosures.iter().filter_map(|one| one.name.as_deref()).collect()
    }

    /// The compact form without a proof of presenting.
    fn without_key_binding(&self) -> String {
        let mut text = self.jwt.compact.clone();
        text.push('~');
        for disclosure in &self.disclosures {
            text.push_str(&disclosure.text);
            text.push('~');
        }
        text
    }
}

/// What an issuer signs as an SD-JWT VC.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What kind of credential; its `vct` follows.
    pub kind: Kind,
    /// The claims, with the holder's DID as `id`.
    pub claims: Map<String, Value>,
    /// Claims that the holder may keep back, by their paths (`purposes`, `purposes/0`).
    pub concealed: Vec<String>,
    /// The key by which the holder shows that it is them.
    pub holder: PublicKey,
    /// When it is issued, in seconds since 1970.
    pub issued: i64,
    /// From when on it holds.
    pub valid_from: i64,
    /// The first moment at which it does not hold any more.
    pub valid_until: i64,
    /// Where it can be looked up whether it was taken back.
    pub status: Vec<StatusEntry>,
}

/// Signs a credential as its `issuer` (a DID and the method of the key in its document).
///
/// # Errors
/// [`ConcealError`] where a path names no claim, or one that may not be kept back, or where the claims do not fit.
pub fn issue(
    draft: &Draft,
    issuer: &str,
    method: &str,
    key: &SecretKey,
    salts: &mut Salts,
) -> Result<String, ConcealError> {
    Claims::read(draft.kind, &draft.claims, true).map_err(ConcealError::Claims)?;
    let reserved = |name: &&String| {
        name.starts_with('_')
            || *name == "..."
            || *name != "id" && ALWAYS_SHOWN.contains(&name.as_str())
    };
    if let Some(name) = draft.claims.keys().find(reserved) {
        return Err(ConcealError::Reserved(name.clone()));
    }
    let holder = draft.holder.to_jwk().ok_or(ConcealError::Holder)?;
    let (mut payload, disclosures) =
        conceal::conceal(draft.claims.clone(), &draft.concealed, salts)?;
    payload.insert("iss".into(), json!(issuer));
    payload.insert("iat".into(), json!(draft.issued));
    payload.insert("nbf".into(), json!(draft.valid_from));
    payload.insert("exp".into(), json!(draft.valid_until));
    payload.insert("vct".into(), json!(draft.kind.vct()));
    payload.insert("cnf".into(), json!({ "jwk": holder }));
    payload.insert("_sd_alg".into(), json!("sha-256"));
    if !draft.status.is_empty() {
        let entries = draft.status.iter().map(StatusEntry::to_json).collect();
        payload.insert("credentialStatus".into(), entries);
    }
    let header = json!({ "typ": "dc+sd-jwt", "kid": method });
    let mut text = jws::sign(header, &Value::Object(payload), key);
    text.push('~');
    for disclosure in disclosures {
        text.push_str(&disclosure);
        text.push('~');
    }
    Ok(text)
}

/// Keeps the disclosures of the claims named in `disclose` and of what they lie in, and signs for `audience`.
///
/// A name that can be disclosed nowhere is refused, so that nobody believes to have shown what was not.
///
/// # Errors
/// [`SdJwtError::Malformed`].
pub fn present(
    credential: &SdJwt,
    disclose: &[String],
    audience: &Audience,
    holder: &SecretKey,
    now: i64,
) -> Result<String, SdJwtError> {
    let kept = reveal::select(credential, disclose)?;
    let shown = SdJwt { jwt: credential.jwt.clone(), disclosures: kept, key_binding: None };
    let text = shown.without_key_binding();
    let payload = json!({
        "iat": now, "aud": audience.domain, "nonce": audience.challenge, "sd_hash": sha256(&text),
    });
    Ok(text + &jws::sign(json!({ "typ": "kb+jwt" }), &payload, holder))
}

/// What a verified SD-JWT says.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The claims that were disclosed, and those that cannot be kept back.
    pub claims: Map<String, Value>,
    /// Every reason against it; none where it verifies.
    pub reasons: Vec<Reason>,
}

/// Verifies an SD-JWT VC; with an `audience`, also that its holder presents it to that one.
#[must_use]
pub fn verify(sd_jwt: &SdJwt, audience: Option<&Audience>, evidence: &Evidence<'_>) -> Shown {
    let mut reasons = Vec::new();
    let payload = &sd_jwt.jwt.payload;
    if let Err(reason) = issuer_signed(sd_jwt, evidence) {
        reasons.push(reason);
    }
    let named = payload.get("vct").is_some_and(Value::is_string);
    if !named || !sd_jwt.jwt.is_type(&["dc+sd-jwt", "vc+sd-jwt"]) {
        reasons.push(Reason::WrongKind("SD-JWT VC".into()));
    }
    reasons.extend(timed(payload, evidence.now));
    let claims = match reveal::reveal(payload, &sd_jwt.disclosures) {
        Ok(Revealed { claims, kept_back }) => {
            if let Some(kind) = kind(payload) {
                let ends = payload.contains_key("exp");
                reasons.extend(Claims::check_shown(kind, &claims, ends, kept_back));
            }
            claims
        }
        Err(reason) => {
            reasons.push(reason);
            Map::new()
        }
    };
    if let Some(audience) = audience
        && let Err(reasons_of_binding) = bound(sd_jwt, audience, evidence.now)
    {
        reasons.extend(reasons_of_binding);
    }
    reasons.extend(taken_back(sd_jwt, evidence));
    reasons.extend(trusted(sd_jwt, &claims, evidence));
    Shown { claims, reasons }
}

/// The kind that the payload names, where it is one that is known here.
fn kind(payload: &Map<String, Value>) -> Option<Kind> {
    let vct = payload.get("vct").and_then(Value::as_str);
    Kind::ALL.into_iter().find(|kind| vct == Some(&kind.vct()))
}

/// What speaks against its times: they are whole seconds, it was not issued in the future, and it holds at `now`.
fn timed(payload: &Map<String, Value>, now: i64) -> Vec<Reason> {
    let time = |name: &str| payload.get(name).map_or(Some(None), |time| time.as_i64().map(Some));
    let (Some(issued), Some(from), Some(until)) = (time("iat"), time("nbf"), time("exp")) else {
        return vec![Reason::ProofTime];
    };
    let future = issued.is_some_and(|issued| issued > now + CLOCK_SKEW);
    future.then_some(Reason::ProofTime).into_iter().chain(period(from, until, now)).collect()
}

fn issuer_signed(sd_jwt: &SdJwt, evidence: &Evidence<'_>) -> Result<(), Reason> {
    let issuer = sd_jwt.issuer().ok_or(Reason::NotBySigner("issuer"))?;
    let method = sd_jwt.jwt.header.get("kid").and_then(Value::as_str).unwrap_or_default();
    if method.split('#').next() != Some(issuer) {
        return Err(Reason::NotBySigner("issuer"));
    }
    let keys = evidence.directory.keys(issuer).map_err(Reason::Unresolved)?;
    let key = keys.get(method, Purpose::Assertion, evidence.now).map_err(|why| match why {
        NoKey::Over => Reason::KeyOver,
        NoKey::Unknown | NoKey::OtherPurpose => Reason::WrongKey,
    })?;
    sd_jwt.jwt.verify(&key)
}

/// Section 7.3: the proof of presenting.
fn bound(sd_jwt: &SdJwt, audience: &Audience, now: i64) -> Result<(), Vec<Reason>> {
    let proof = sd_jwt.key_binding.as_ref().ok_or_else(|| vec![Reason::NoKeyBinding])?;
    let key = sd_jwt.holder().ok_or_else(|| vec![Reason::NoKeyBinding])?;
    let text = |name: &str| proof.payload.get(name).and_then(Value::as_str);
    let mut reasons = Vec::new();
    if let Err(reason) = proof.verify(&key) {
        reasons.push(reason);
    }
    if !proof.is_type(&["kb+jwt"])
        || text("sd_hash") != Some(&sha256(&sd_jwt.without_key_binding()))
    {
        reasons.push(Reason::AlteredProof);
    }
    if text("nonce") != Some(&audience.challenge) {
        reasons.push(Reason::WrongChallenge);
    }
    if text("aud") != Some(&audience.domain) {
        reasons.push(Reason::WrongDomain);
    }
    let made = proof.payload.get("iat").and_then(Value::as_i64);
    if !made.is_some_and(|made| made <= now + CLOCK_SKEW && now - made <= KEY_BINDING_AGE) {
        reasons.push(Reason::ProofTime);
    }
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

fn taken_back(sd_jwt: &SdJwt, evidence: &Evidence<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if sd_jwt.jwt.payload.contains_key("status") {
        let why = "its `status` names a list of another standard, which is not read here";
        reasons.push(Reason::StatusUnknown(StatusPurpose::Revocation, why.to_owned()));
    }
    let issuer = sd_jwt.issuer().unwrap_or_default();
    match sd_jwt.status() {
        None => reasons.push(Reason::Claim("its `credentialStatus` cannot be read")),
        Some(entries) => reasons
            .extend(entries.iter().filter_map(|entry| status_reason(entry, issuer, evidence))),
    }
    reasons
}

fn trusted(sd_jwt: &SdJwt, claims: &Map<String, Value>, evidence: &Evidence<'_>) -> Option<Reason> {
    let list = evidence.trust?;
    let Some(kind) = kind(&sd_jwt.jwt.payload) else {
        return Some(Reason::WrongKind("credential of a kind that is known here".into()));
    };
    let country = claims.get("country").and_then(Value::as_str);
    let trusted = list.trusts(sd_jwt.issuer().unwrap_or_default(), kind, country, evidence.now);
    (!trusted).then(|| Reason::UntrustedIssuer(kind.name().to_owned()))
}

#[cfg(test)]
mod tests;
