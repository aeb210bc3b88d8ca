//! Attestors: each looks at the evidence for itself and signs what it found, or says why not.
//!
//! A development home plays all of them, with a key each. An attestor can also be a process of its own ([`serve`]), with
//! its own key and its own view of the ledger: a custodian hands it the sealed dataset and a signed manifest over HTTP, and
//! it examines them by the same functions. The oracle on the ledger takes a statement when enough different attestors
//! signed the same one.

mod remote;
mod service;
mod wire;

use alloy::primitives::{Address, B256, Bytes, keccak256};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolValue;
use caduceus_contracts::AttestationOracle::{Attestation, Proof};
use caduceus_contracts::DatasetToken::MintRequest;
use caduceus_contracts::HealthDataPool::Value;
use caduceus_vault::audit::{Detail, Kind};

use crate::credentials::Sources;
use crate::custodian::{self, Evidence, Publication};
use crate::error::{NodeError, Result};
use crate::node::Node;

pub use service::{Practice, Serving, View, hand_over, serve, view};

/// How many attestors a development home plays.
pub const ATTESTORS: usize = 3;
/// How many of them must agree.
pub const THRESHOLD: u8 = 2;

/// The name of the oracle's EIP-712 domain.
const DOMAIN: &str = "Caduceus AttestationOracle";

/// How long a statement can be used, in seconds.
const LIFETIME: u64 = 24 * 3_600;

/// The accounts of the attestors that a home plays.
fn signers(keyring: &caduceus_identity::Keyring) -> Vec<PrivateKeySigner> {
    (1..=ATTESTORS).map(|number| keyring.derive(&format!("attestor/{number}"))).collect()
}

/// The accounts of those attestors.
pub(crate) fn accounts(keyring: &caduceus_identity::Keyring) -> Vec<Address> {
    signers(keyring).iter().map(PrivateKeySigner::address).collect()
}

/// A statement that attestors are asked to sign.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    kind: B256,
    subject: B256,
    payload: B256,
}

/// What attestors are asked about.
pub(crate) struct Asked<'a> {
    pub(crate) evidence: &'a Evidence<'a>,
    pub(crate) publication: &'a Publication,
    pub(crate) about: About<'a>,
}

/// What attestors are to confirm of a sealed dataset.
#[derive(Clone, Copy)]
pub(crate) enum About<'a> {
    /// What its token shall say.
    Token(&'a MintRequest),
    /// What it is worth.
    Worth(&'a Value),
}

/// Which attestors a custodian asks.
#[derive(Clone, Debug)]
pub enum Panel {
    /// Those that this home plays itself, and what they check a shown accreditation with.
    Here(Sources),
    /// Processes of their own, by their URLs. Who has not answered after so many seconds is left out.
    Remote {
        /// Where they answer, such as `http://127.0.0.1:7001`.
        urls: Vec<String>,
        /// How long one is waited for.
        seconds: u64,
    },
}

impl Default for Panel {
    fn default() -> Panel {
        Panel::Here(Sources::default())
    }
}

impl Panel {
    /// One proof for each claim, in order, each signed by as many attestors as the oracle asks for.
    pub(crate) async fn attest(
        &self,
        node: &Node,
        claims: &[Claim],
        asked: &Asked<'_>,
        examine: impl FnMut() -> std::result::Result<(), String>,
    ) -> Result<Vec<Proof>> {
        match self {
            Panel::Here(sources) => {
                crate::accreditation::look_again(node, asked.evidence.custodian, sources).await?;
                attest(node, claims, examine).await
            }
            Panel::Remote { urls, seconds } => {
                let custodian = asked.evidence.custodian;
                let count = custodian::number(urls.len() as u64);
                let details = [("to", Detail::from("attestors")), ("count", count)];
                let cid = &asked.publication.cid;
                custodian::note(node, custodian, Kind::Released, cid, &details).await?;
                remote::attest(node, claims, asked, urls, *seconds).await
            }
        }
    }
}

impl Claim {
    /// A statement of `kind` (its name in `Kinds.sol`) about `subject`, bound to the hash of its ABI-encoded content.
    pub(crate) fn new(kind: &str, subject: B256, content: &[u8]) -> Claim {
        Claim { kind: keccak256(kind), subject, payload: keccak256(content) }
    }
}

/// Has every attestor examine the evidence and sign `claims`; gives one proof for each claim, in order.
///
/// `examine` is run once for each attestor: it looks at the evidence itself and returns an objection in words where the
/// evidence does not bear the claims out. Fails where fewer than the threshold agree.
pub(crate) async fn attest(
    node: &Node,
    claims: &[Claim],
    mut examine: impl FnMut() -> std::result::Result<(), String>,
) -> Result<Vec<Proof>> {
    let mut agreeing = Vec::new();
    let mut objections = Vec::new();
    for signer in signers(node.keyring()) {
        match examine() {
            Ok(()) => agreeing.push(signer),
            Err(objection) => objections.push(objection),
        }
    }
    if agreeing.len() < usize::from(THRESHOLD) {
        return Err(NodeError::Refused {
            action: "the attestation".into(),
            reason: objections
                .into_iter()
                .next()
                .unwrap_or_else(|| "too few attestors agreed".into()),
        });
    }
    agreeing.truncate(usize::from(THRESHOLD));
    agreeing.sort_by_key(PrivateKeySigner::address);
    let (now, block) = (node.now().await?, node.block_number().await?);
    Ok(claims.iter().map(|claim| sign(node, claim, &agreeing, now, block)).collect())
}

fn sign(node: &Node, claim: &Claim, agreeing: &[PrivateKeySigner], now: u64, block: u64) -> Proof {
    let attestation = statement(claim, now, block);
    let oracle = node.at.attestation_oracle;
    let signatures =
        agreeing.iter().map(|signer| node.sign(signer, DOMAIN, oracle, &attestation).into());
    Proof {
        signatures: signatures.collect::<Vec<Bytes>>(),
        signers: agreeing.iter().map(PrivateKeySigner::address).collect::<Vec<Address>>(),
        attestation,
    }
}

/// The statement that is signed for a claim.
fn statement(claim: &Claim, now: u64, block: u64) -> Attestation {
    // The block, because the same statement may be made again within a second once the last one was used.
    let nonce = keccak256((claim.kind, claim.subject, claim.payload, block).abi_encode());
    Attestation {
        kind: claim.kind,
        subject: claim.subject,
        payloadHash: claim.payload,
        issuedAt: now,
        expiresAt: now + LIFETIME,
        nonce,
    }
}
