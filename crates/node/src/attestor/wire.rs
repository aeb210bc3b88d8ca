//! What a custodian hands to an attestor, and what comes back.
//!
//! Whoever the attestor is, a process or one that the home plays, it gets the same manifest with the same signature.

use alloy::primitives::{Address, B256, U256};
use caduceus_contracts::AttestationOracle::Attestation;
use caduceus_contracts::ContributionRewards::Contribution;
use caduceus_contracts::DatasetExchange::Features;
use caduceus_contracts::DatasetToken::MintRequest;
use caduceus_contracts::HealthDataPool::Value;
use caduceus_policy::Country;
use caduceus_vault::audit::Record;
use caduceus_vault::{Disclosure, Receipt};
use serde::{Deserialize, Serialize};

use super::Claim;
use crate::custodian::{Publication, Weighed};

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
    /// The sealed dataset with its keys, where one has to be opened.
    #[serde(default)]
    pub(super) disclosure: Option<Disclosure>,
}

/// What a custodian says and answers for.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) chain_id: u64,
    pub(super) oracle: Address,
    pub(super) custodian: Address,
    pub(super) name: String,
    pub(super) country: Country,
    /// Of a sealed dataset.
    #[serde(default)]
    pub(super) publication: Option<Publication>,
    pub(super) about: Subject,
    /// The presentation by which the custodian showed its accreditation, if it did.
    pub(super) accreditation: Option<String>,
    /// The consent of everybody in the dataset.
    #[serde(default)]
    pub(super) receipts: Vec<Receipt>,
    /// What is to be signed.
    pub(super) statements: Vec<Statement>,
}

/// What is to be confirmed, with the evidence that is not in the sealed dataset or on the ledger.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    /// What the token of a sealed dataset shall say.
    Token(Box<Terms>),
    /// What it is worth in the pool.
    Worth(Scores),
    /// What sets its price in the exchange.
    Features(Traits),
    /// What a member contributed to it.
    Points(Gift),
    /// The root by which its people claim.
    Payout(Payout),
    /// The person behind a wallet.
    Person(Introduced),
    /// That an answer was delivered.
    Delivery(Delivered),
    /// A reading of a metered licence.
    Usage(Reading),
    /// That a borrower deleted its copy.
    Deletion(Deleted),
    /// That data were delivered under an agreement.
    Transfer(Transferred),
    /// That a dataset was used in a study that was approved.
    Use(Approved),
    /// Whether a validator's report on it was wrong.
    Verdict(Ruling),
}

/// As `DatasetExchange.Features`, in basis points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Traits {
    pub(crate) completeness: u16,
    pub(crate) rarity: u16,
    pub(crate) sensitivity: u16,
    pub(crate) breadth: u16,
}

/// As `ContributionRewards.Contribution`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gift {
    pub(crate) member: Address,
    pub(crate) source: B256,
    pub(crate) content_hash: B256,
    pub(crate) dataset: u64,
    pub(crate) quality: u16,
    pub(crate) rarity: u32,
}

/// A root, and what every payment so far was divided by.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Payout {
    pub(crate) root: B256,
    /// USDC units of 1e-6.
    pub(crate) total: U256,
    pub(crate) payments: Vec<Weighed>,
}

/// A person and their wallet, by the word of the custodian that has their records.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Introduced {
    pub(crate) member: Address,
    pub(crate) person: B256,
    pub(crate) did_hash: B256,
    /// Their leaf under a consent root that the ledger has; none where they were a member before.
    pub(crate) consent: Option<Leaf>,
    /// A presentation of who they are, if one is shown.
    pub(crate) credential: Option<String>,
}

/// A receipt's place under the consent root of a dataset.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Leaf {
    pub(crate) dataset: u64,
    pub(crate) document: B256,
    pub(crate) proof: Vec<B256>,
}

/// A sealed answer, and the records of how it was made.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Delivered {
    pub(crate) job: u64,
    /// The ciphertext, in hex.
    pub(crate) answer: String,
    pub(crate) log: Vec<Record>,
}

/// How much was computed under a metered licence, in all.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Reading {
    pub(crate) meter: u64,
    pub(crate) units: u64,
    pub(crate) last: bool,
}

/// A text and its signature by the account that it names (EIP-191).
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Signed {
    pub(crate) text: String,
    /// In hex.
    pub(crate) signature: String,
}

/// A borrower's statement that its copy is gone, and the custodian's record of it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Deleted {
    pub(crate) loan: u64,
    pub(crate) statement: Signed,
    pub(crate) log: Vec<Record>,
}

/// The document of an agreement, and the importer's receipt for the data.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Transferred {
    pub(crate) agreement: u64,
    /// In hex.
    pub(crate) document: String,
    pub(crate) receipt: Signed,
}

/// The approval under which a settled job was asked for.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Approved {
    pub(crate) dataset: u64,
    pub(crate) job: u64,
    /// A presentation of an ethics approval by the researcher.
    pub(crate) approval: String,
}

/// How a challenge of a validator's report shall end.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Ruling {
    pub(crate) check: u64,
    pub(crate) wrong: bool,
}

/// What a token shall say, as `MintRequest`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Terms {
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
pub(crate) struct Scores {
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

impl From<Traits> for Features {
    fn from(traits: Traits) -> Features {
        let Traits { completeness, rarity, sensitivity, breadth } = traits;
        Features { completeness, rarity, sensitivity, breadth }
    }
}

impl From<&Gift> for Contribution {
    fn from(gift: &Gift) -> Contribution {
        Contribution {
            member: gift.member,
            source: gift.source,
            contentHash: gift.content_hash,
            datasetId: U256::from(gift.dataset),
            quality: gift.quality,
            rarity: gift.rarity,
        }
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
