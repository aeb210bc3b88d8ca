//! Verifiable Credentials 2.0: statements by an issuer about a subject, and presentations of them by their holder.
//!
//! Secured by Data Integrity with `eddsa-jcs-2022` (W3C Data Integrity EdDSA Cryptosuites 1.0): Ed25519 over the hashes
//! of two canonical JSON texts. [`issue`] and [`present`] make them, [`verify`] and [`verify_presentation`] check them
//! and give every reason against, not the first. What verifying needs to know of the world (the time, fetched documents
//! and status lists, who is trusted for what) comes as [`Evidence`].
//!
//! No context is fetched: only contexts whose meaning is known here are accepted, which is what the specification asks
//! of a reader that does not process JSON-LD.

mod claims;
mod form;
mod proof;
mod reason;
mod status;
mod time;
mod trust;
mod verify;

pub use claims::{Claims, Kind};
pub use form::{CONTEXTS, Credential, FormError, Presentation, StatusEntry};
pub use proof::{Hashes, Options, Signer, hashes, secure};
pub use reason::{Finding, Reason};
use serde_json::{Map, Value, json};
pub use status::{Bitstring, MIN_ENTRIES, StatusError, StatusPurpose, list_credential, read_list};
pub use time::{parse_time, time_text};
pub use trust::{TrustError, TrustList, TrustedIssuer};
pub use verify::{Audience, Evidence, Lists, verify, verify_presentation, web_identifiers};
pub(crate) use verify::{period, status_reason};

use crate::keys::KeyError;

/// What an issuer is about to say.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What kind of credential.
    pub kind: Kind,
    /// An identifier of the credential itself, such as `urn:uuid:...`.
    pub id: Option<String>,
    /// The `credentialSubject`, with the holder's DID as its `id`.
    pub subject: Map<String, Value>,
    /// From when on it holds, in seconds since 1970.
    pub valid_from: i64,
    /// The first moment at which it does not hold any more.
    pub valid_until: Option<i64>,
    /// Where it can be looked up whether it was revoked or suspended.
    pub status: Vec<StatusEntry>,
}

/// Why a credential is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// What is said does not fit the kind.
    #[error("the claims do not fit: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Claims(Vec<Reason>),
    /// It would end before it begins.
    #[error("the credential would end before it begins: give a later end")]
    Period,
    /// The key cannot sign credentials.
    #[error(
        "credentials are signed with an Ed25519 key (eddsa-jcs-2022); make one with `caduceus identity new`"
    )]
    Key(#[from] KeyError),
}

/// Issues a credential: checks that the claims fit their kind, and signs.
///
/// # Errors
/// [`IssueError`].
pub fn issue(draft: &Draft, signer: &Signer<'_>, now: i64) -> Result<Value, IssueError> {
    Claims::read(draft.kind, &draft.subject, draft.valid_until.is_some())
        .map_err(IssueError::Claims)?;
    if draft.valid_until.is_some_and(|until| until <= draft.valid_from) {
        return Err(IssueError::Period);
    }
    let mut credential = json!({
        "@context": CONTEXTS,
        "type": ["VerifiableCredential", draft.kind.type_name()],
        "issuer": signer.did,
        "validFrom": time_text(draft.valid_from),
        "credentialSubject": draft.subject,
    });
    if let Some(id) = &draft.id {
        credential["id"] = json!(id);
    }
    if let Some(until) = draft.valid_until {
        credential["validUntil"] = json!(time_text(until));
    }
    if !draft.status.is_empty() {
        credential["credentialStatus"] = draft.status.iter().map(StatusEntry::to_json).collect();
    }
    Ok(secure(&credential, &Options::assertion(now), signer)?)
}

/// Presents credentials to one verifier, who named `challenge` and `domain`.
///
/// # Errors
/// [`IssueError::Key`] where the holder's key is not Ed25519.
pub fn present(
    credentials: &[Value],
    audience: &Audience,
    holder: &Signer<'_>,
    now: i64,
) -> Result<Value, IssueError> {
    let presentation = json!({
        "@context": [CONTEXTS[0]],
        "type": ["VerifiablePresentation"],
        "holder": holder.did,
        "verifiableCredential": credentials,
    });
    Ok(secure(&presentation, &Options::authentication(now, audience), holder)?)
}

#[cfg(test)]
mod tests;
