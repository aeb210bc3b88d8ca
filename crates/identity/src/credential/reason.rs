//! Why something does not verify.

use serde::Serialize;
use serde::ser::SerializeStruct as _;

use super::status::StatusPurpose;

/// One reason. The code is stable; the sentence is for people, and holds no claim of anybody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// There is no proof, or more than one.
    #[error("it must carry exactly one proof")]
    NoProof,
    /// A proof of another kind.
    #[error(
        "its proof is not a DataIntegrityProof with the cryptosuite eddsa-jcs-2022, the only one that is checked here"
    )]
    UnknownCryptosuite,
    /// A proof that counts only with another one.
    #[error("its proof builds on a previous one, which is not there")]
    PreviousProof,
    /// The signature does not fit what is signed.
    #[error("the signature does not fit: it was altered after signing, or another key signed")]
    AlteredProof,
    /// The key that is named cannot have signed.
    #[error("the proof names a key that its signer does not have")]
    WrongKey,
    /// The key does not count any more.
    #[error("the key that signed was revoked, or has expired, as its owner's document says")]
    KeyOver,
    /// The key or the proof serves something else.
    #[error("the proof, or the key that made it, is not for {0}")]
    WrongPurpose(&'static str),
    /// Somebody else signed.
    #[error("the proof is by somebody other than the {0}")]
    NotBySigner(&'static str),
    /// The signer's document could not be had.
    #[error("the keys of the signer are not known: {0}")]
    Unresolved(String),
    /// The proof's own time is over, or has not come.
    #[error("the proof is dated in the future, or its own time is over")]
    ProofTime,
    /// A context whose meaning is not known.
    #[error(
        "its @context names a vocabulary that is not known here, so that its words could mean anything"
    )]
    UnknownContext,
    /// The context that is shown is not the one that was signed.
    #[error("its @context is not the one that was signed")]
    AlteredContext,
    /// Too early.
    #[error("it holds only from {0} on")]
    NotYetValid(String),
    /// Too late.
    #[error("it expired at {0}")]
    Expired(String),
    /// Taken back for good.
    #[error("its issuer has revoked it")]
    Revoked,
    /// Taken back for a time.
    #[error("its issuer has suspended it")]
    Suspended,
    /// Whether it was taken back cannot be told.
    #[error("whether it was taken back for {purpose} cannot be told: {why}", purpose = .0.name(), why = .1)]
    StatusUnknown(StatusPurpose, String),
    /// Not the nonce that was asked for.
    #[error("it answers another challenge")]
    WrongChallenge,
    /// Made for somebody else.
    #[error("it was made for another domain")]
    WrongDomain,
    /// A credential that another than its subject presents, or that nobody presents.
    #[error("it is not presented by its subject")]
    NotHolder,
    /// Not a kind that is accepted here.
    #[error("it is no {0}")]
    WrongKind(String),
    /// The issuer may not issue this.
    #[error("its issuer is not trusted to issue a {0}")]
    UntrustedIssuer(String),
    /// A claim is missing or does not fit.
    #[error("{0}")]
    Claim(&'static str),
    /// A country that does not fit what is asked for.
    #[error("it is for another country than {0}")]
    WrongCountry(String),
    /// Disclosures that nothing in the signed part refers to, or refers to twice, or that hold what may not be hidden.
    #[error(
        "a disclosure does not belong to it, belongs to it twice, or holds what every verifier must see undisclosed"
    )]
    ForeignDisclosure,
    /// There is no proof that the holder presents.
    #[error("it carries no proof that its holder presents it (key binding)")]
    NoKeyBinding,
}

impl Reason {
    /// A word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoProof => "no-proof",
            Self::UnknownCryptosuite => "unknown-cryptosuite",
            Self::PreviousProof => "previous-proof",
            Self::AlteredProof => "altered-proof",
            Self::WrongKey => "wrong-key",
            Self::KeyOver => "key-over",
            Self::WrongPurpose(_) => "wrong-purpose",
            Self::NotBySigner(_) => "not-by-signer",
            Self::Unresolved(_) => "unresolved",
            Self::ProofTime => "proof-time",
            Self::UnknownContext => "unknown-context",
            Self::AlteredContext => "altered-context",
            Self::NotYetValid(_) => "not-yet-valid",
            Self::Expired(_) => "expired",
            Self::Revoked => "revoked",
            Self::Suspended => "suspended",
            Self::StatusUnknown(..) => "status-unknown",
            Self::WrongChallenge => "wrong-challenge",
            Self::WrongDomain => "wrong-domain",
            Self::NotHolder => "not-holder",
            Self::WrongKind(_) => "wrong-kind",
            Self::UntrustedIssuer(_) => "untrusted-issuer",
            Self::Claim(_) => "claim",
            Self::WrongCountry(_) => "wrong-country",
            Self::ForeignDisclosure => "foreign-disclosure",
            Self::NoKeyBinding => "no-key-binding",
        }
    }
}

/// A reason, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `credential`, `credential 2`, `presentation`.
    pub about: String,
    /// Why it does not verify.
    pub reason: Reason,
}

impl Serialize for Finding {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Finding", 3)?;
        out.serialize_field("about", &self.about)?;
        out.serialize_field("code", self.reason.code())?;
        out.serialize_field("message", &self.reason.to_string())?;
        out.end()
    }
}
