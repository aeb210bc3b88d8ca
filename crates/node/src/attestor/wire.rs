//! What a custodian sends to an attestor, and what comes back.

use alloy::primitives::{Address, B256, U256};
use caduceus_contracts::AttestationOracle::Attestation;
use caduceus_contracts::DatasetToken::MintRequest;
use caduceus_contracts::HealthDataPool::Value;
use caduceus_policy::Country;
use caduceus_vault::{Disclosure, Receipt};
use serde::{Deserialize, Serialize};

use super::{About, Claim};
use crate::custodian::Publication;

/// Bound to everything that is sealed for an attestor.
pub(super) const INFO: &[u8] = b"caduceus attestor request v1";

/// Who answers at a URL.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Identity {
    /// The name that it was started under.
    pub(super) name: String,
    /// Its account.
    pub(super) address: Address,
    /// The X25519 key to which requests are sealed.
    pub(super) reader: B256,
    /// By the account, over [`introduction`].
    pub(super) signature: String,
}

/// What an attestor signs of its own reading key.
pub(super) fn introduction(chain_id: u64, oracle: Address, reader: B256) -> String {
    format!("Caduceus attestor on chain {chain_id} at {oracle} reads with {reader}")
}

/// A request, before it is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    /// A [`Manifest`] as JSON: the bytes that are signed.
    pub(super) manifest: String,
    /// By the custodian's registered account, over the manifest (EIP-191).
    pub(super) signature: String,
    /// The sealed dataset with its keys.
    pub(super) disclosure: Disclosure,
}

/// What a custodian says and answers for.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) chain_id: u64,
    pub(super) oracle: Address,
    pub(super) custodian: Address,
    pub(super) name: String,
    pub(super) country: Country,
    pub(super) publication: Publication,
    pub(super) about: Subject,
    /// The presentation by which the custodian showed its accreditation, if it did.
    pub(super) accreditation: Option<String>,
    /// The consent of everybody in the dataset.
    pub(super) receipts: Vec<Receipt>,
    /// What is to be signed.
    pub(super) statements: Vec<Statement>,
}

/// What is to be confirmed of the dataset.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Subject {
    /// What its token shall say.
    Token(Box<Terms>),
    /// What it is worth.
    Worth(Scores),
}

impl From<About<'_>> for Subject {
    fn from(about: About<'_>) -> Subject {
        match about {
            About::Token(request) => Subject::Token(Box::new(request.into())),
            About::Worth(value) => Subject::Worth(value.into()),
        }
    }
}

/// What a token shall say, as `MintRequest`.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Terms {
    content_hash: B256,
    table_commitment: B256,
    schema_id: B256,
    schema_version: u32,
    metadata_uri: String,
    data_class: u8,
    record_count: u64,
    person_count: u64,
    consent_root: B256,
    k: u16,
    l: u16,
    method: B256,
    custodian_bps: u16,
    parent: U256,
}

/// Scores in basis points, as `Value`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scores {
    completeness: u16,
    freshness: u16,
    rarity: u16,
    reputation: u16,
}

/// An attestation that is to be signed.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Statement {
    kind: B256,
    subject: B256,
    payload: B256,
    pub(super) issued_at: u64,
    pub(super) expires_at: u64,
    nonce: B256,
}

/// What an attestor answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// Signatures over the statements, in their order, in hex.
    Signed(Vec<String>),
    /// Why it does not sign.
    Refused(String),
}

impl From<&MintRequest> for Terms {
    fn from(request: &MintRequest) -> Terms {
        Terms {
            content_hash: request.contentHash,
            table_commitment: request.tableCommitment,
            schema_id: request.schemaId,
            schema_version: request.schemaVersion,
            metadata_uri: request.metadataURI.clone(),
            data_class: request.dataClass,
            record_count: request.recordCount,
            person_count: request.personCount,
            consent_root: request.consentRoot,
            k: request.k,
            l: request.l,
            method: request.method,
            custodian_bps: request.custodianBps,
            parent: request.parent,
        }
    }
}

impl From<&Terms> for MintRequest {
    fn from(terms: &Terms) -> MintRequest {
        MintRequest {
            contentHash: terms.content_hash,
            tableCommitment: terms.table_commitment,
            schemaId: terms.schema_id,
            schemaVersion: terms.schema_version,
            metadataURI: terms.metadata_uri.clone(),
            dataClass: terms.data_class,
            recordCount: terms.record_count,
            personCount: terms.person_count,
            consentRoot: terms.consent_root,
            k: terms.k,
            l: terms.l,
            method: terms.method,
            custodianBps: terms.custodian_bps,
            parent: terms.parent,
        }
    }
}

impl From<&Value> for Scores {
    fn from(value: &Value) -> Scores {
        let Value { completeness, freshness, rarity, reputation } = *value;
        Scores { completeness, freshness, rarity, reputation }
    }
}

impl From<Scores> for Value {
    fn from(scores: Scores) -> Value {
        let Scores { completeness, freshness, rarity, reputation } = scores;
        Value { completeness, freshness, rarity, reputation }
    }
}

impl From<&Attestation> for Statement {
    fn from(attestation: &Attestation) -> Statement {
        Statement {
            kind: attestation.kind,
            subject: attestation.subject,
            payload: attestation.payloadHash,
            issued_at: attestation.issuedAt,
            expires_at: attestation.expiresAt,
            nonce: attestation.nonce,
        }
    }
}

impl Statement {
    pub(super) fn attestation(&self) -> Attestation {
        Attestation {
            kind: self.kind,
            subject: self.subject,
            payloadHash: self.payload,
            issuedAt: self.issued_at,
            expiresAt: self.expires_at,
            nonce: self.nonce,
        }
    }

    /// Whether it says exactly this.
    pub(super) fn says(&self, claim: &Claim) -> bool {
        *claim == Claim { kind: self.kind, subject: self.subject, payload: self.payload }
    }
}
