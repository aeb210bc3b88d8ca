//! Attestors: each looks at the evidence for itself and signs what it found, or says why not.
//!
//! A development home plays all of them, with a key each. An attestor can also be a process of its own ([`serve`]), with
//! its own key and its own view of the ledger: a custodian hands it the evidence over HTTP. Both get the same signed
//! manifest and run the same examiner, one for each kind of statement (`examine`). The oracle on the ledger takes a
//! statement when enough different attestors signed the same one.

mod adapter;
mod claim;
mod eas;
mod examine;
mod functions;
mod remote;
mod service;
mod wire;

use alloy::hex;
use alloy::primitives::{Address, B256, Bytes, Signature, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolValue;
use caduceus_contracts::AttestationOracle::{Attestation, Proof};
use caduceus_vault::Disclosure;
use caduceus_vault::audit::{Detail, Kind};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::credentials::Sources;
use crate::custodian;
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::party::Party;

pub use adapter::{Elsewhere, Known, adapt, known, propose};
pub(crate) use claim::Claim;
pub(crate) use examine::{
    CHALLENGED, Sealed, deletion_text, findings_of, gift_of, receipt_text, traits_of,
};
pub use service::{Practice, Serving, View, hand_over, serve, view};
pub(crate) use wire::{
    Approved, Deleted, Delivered, Introduced, Leaf, Payout, Reading, Ruling, Signed, Subject,
    Transferred,
};

/// How many attestors a development home plays.
pub const ATTESTORS: usize = 3;
/// How many of them must agree.
pub const THRESHOLD: u8 = 2;

/// The name of the oracle's EIP-712 domain.
const DOMAIN: &str = "Caduceus AttestationOracle";

/// How long a statement can be used, in seconds.
const LIFETIME: u64 = 24 * 3_600;

/// Where the home keeps which attestors it asks.
const CHOSEN: &str = "attestors";

/// The accounts of the attestors that a home plays.
fn signers(keyring: &caduceus_identity::Keyring) -> Vec<PrivateKeySigner> {
    (1..=ATTESTORS).map(|number| keyring.derive(&format!("attestor/{number}"))).collect()
}

/// The accounts of those attestors.
pub(crate) fn accounts(keyring: &caduceus_identity::Keyring) -> Vec<Address> {
    signers(keyring).iter().map(PrivateKeySigner::address).collect()
}

/// What attestors are asked about, and by whom.
pub(crate) struct Case<'a> {
    /// Who answers for the evidence.
    pub(crate) custodian: &'a Party,
    /// What is to be confirmed.
    pub(crate) about: Subject,
    /// The dataset that has to be opened for it.
    pub(crate) sealed: Option<Sealed<'a>>,
}

/// Attestors that are processes of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    /// Where they answer, such as `http://127.0.0.1:7001`.
    pub urls: Vec<String>,
    /// How long one is waited for, in seconds.
    pub seconds: u64,
    /// Where this home's embedded ledger answers while they are asked.
    pub ledger_port: Option<u16>,
    /// The adapters of networks of Chainlink Functions, which are asked on the ledger.
    #[serde(default)]
    pub functions: Vec<Address>,
}

impl Processes {
    /// The processes at `urls`.
    ///
    /// # Errors
    /// [`NodeError::Usage`] for a text that is no URL at which an attestor could answer.
    pub fn at(
        urls: &[String],
        seconds: u64,
        ledger_port: Option<u16>,
        functions: &[Address],
    ) -> Result<Processes> {
        let answers = |url: Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if let Some(text) = urls.iter().find(|text| !Url::parse(text).is_ok_and(answers)) {
            let example = "such as http://127.0.0.1:7001";
            return Err(NodeError::Usage(format!(
                "`{text}` is no URL of an attestor; give one that begins with http:// or https://, {example}"
            )));
        }
        let (urls, functions) = (urls.to_vec(), functions.to_vec());
        Ok(Processes { urls, seconds, ledger_port, functions })
    }
}

/// Which attestors a custodian asks.
#[derive(Clone, Debug)]
pub enum Panel {
    /// Those that this home plays itself, and what they check shown credentials with.
    Here(Sources),
    /// Processes of their own. Who has not answered in time is left out.
    Remote(Processes),
}

impl Default for Panel {
    fn default() -> Panel {
        Panel::Here(Sources::default())
    }
}

/// Says which processes this home asks from now on; none for those that it plays itself.
pub fn choose(node: &Node, processes: Option<&Processes>) -> Result<()> {
    node.home.record(CHOSEN, &processes)
}

/// The processes that this home asks, if any were chosen.
pub fn chosen(node: &Node) -> Result<Option<Processes>> {
    Ok(node.home.recall::<Option<Processes>>(CHOSEN)?.flatten())
}

/// Where an attestor is asked: no word of its URL that may be a secret.
fn origin(url: &str) -> String {
    let origin = reqwest::Url::parse(url).map(|url| url.origin().ascii_serialization());
    origin
        .unwrap_or_else(|_| "an address that cannot be read".to_owned())
        .chars()
        .take(200)
        .collect()
}

impl Panel {
    /// The attestors that this home asks.
    pub fn of(node: &Node) -> Result<Panel> {
        Ok(chosen(node)?.map_or_else(Panel::default, Panel::Remote))
    }

    /// One proof for each claim, in order, each signed by as many attestors as the oracle asks for.
    pub(crate) async fn attest(
        &self,
        node: &Node,
        case: &Case<'_>,
        claims: &[Claim],
    ) -> Result<Vec<Proof>> {
        match self {
            Panel::Here(sources) => here(node, case, claims, sources).await,
            Panel::Remote(processes) => {
                if let Some(sealed) = &case.sealed {
                    let cid = &sealed.publication.cid;
                    for url in &processes.urls {
                        let at = Detail::Text(origin(url));
                        let details = [("to", Detail::from("attestors")), ("at", at)];
                        custodian::note(node, case.custodian, Kind::Released, cid, &details)
                            .await?;
                    }
                    // Before anybody has them, the ledger holds that they were given.
                    custodian::anchor(node, case.custodian).await?;
                }
                let asking = remote::attest(node, case, claims, processes);
                match processes.ledger_port {
                    None => asking.await,
                    Some(port) => crate::rpc::while_served(node, port, asking).await?,
                }
            }
        }
    }

    /// As [`Panel::attest`], of one claim.
    pub(crate) async fn attest_one(
        &self,
        node: &Node,
        case: &Case<'_>,
        claim: Claim,
    ) -> Result<Proof> {
        Ok(self.attest(node, case, &[claim]).await?.remove(0))
    }
}

/// Has every attestor that the home plays examine the evidence and sign `claims`; gives one proof for each claim, in order.
/// Fails where fewer than the threshold agree, with the first objection.
async fn here(
    node: &Node,
    case: &Case<'_>,
    claims: &[Claim],
    sources: &Sources,
) -> Result<Vec<Proof>> {
    if matches!(case.about, Subject::Token(_) | Subject::Worth(_)) {
        crate::accreditation::look_again(node, case.custodian, sources).await?;
    }
    let (now, block) = (node.now().await?, node.block_number().await?);
    let attestations: Vec<Attestation> =
        claims.iter().map(|claim| statement(claim, now, block)).collect();
    let request = request(node, case, &attestations, None)?;
    let sight = examine::Sight::of(node);
    let mut agreeing = Vec::new();
    let mut objections = Vec::new();
    let signers = signers(node.keyring());
    for (looked, signer) in (0..).zip(&signers) {
        node.report.progress("attestors have looked", looked, Some(signers.len() as u64));
        match examined(&sight, &request, case, sources).await {
            Ok(()) => agreeing.push(signer.clone()),
            Err(objection) => objections.push(objection),
        }
    }
    if agreeing.len() < usize::from(THRESHOLD) {
        let reason = objections.into_iter().next();
        let reason = reason.unwrap_or_else(|| "too few attestors agreed".into());
        return Err(NodeError::Refused { action: "the attestation".into(), reason });
    }
    agreeing.truncate(usize::from(THRESHOLD));
    agreeing.sort_by_key(PrivateKeySigner::address);
    Ok(attestations.into_iter().map(|one| sign(node, one, &agreeing)).collect())
}

/// What one of the home's attestors does before it signs.
async fn examined(
    sight: &examine::Sight,
    request: &wire::Request,
    case: &Case<'_>,
    sources: &Sources,
) -> std::result::Result<(), String> {
    let manifest = examine::signed(sight, request)?;
    let now = examine::standing(sight, &manifest).await?;
    let found = match examine::look(sight, &manifest, sources, now).await? {
        examine::Found::Claims(claims) => claims,
        examine::Found::Sealed(facts) => {
            let sealed = case.sealed.as_ref().ok_or("no sealed dataset is there to be opened")?;
            examine::of_sealed(sealed, &manifest.about, &facts)?
        }
    };
    examine::agree(&manifest, &found)
}

/// The evidence with the custodian's signature. A dataset that is handed over takes its people's receipts along.
fn request(
    node: &Node,
    case: &Case<'_>,
    attestations: &[Attestation],
    disclosure: Option<Disclosure>,
) -> Result<wire::Request> {
    let custodian = case.custodian;
    let receipts = match (&case.sealed, &disclosure) {
        (Some(sealed), Some(_)) => sealed.evidence.receipts(&sealed.publication.cid)?,
        _ => Vec::new(),
    };
    let manifest = wire::Manifest {
        chain_id: node.chain_id(),
        oracle: node.at.attestation_oracle,
        custodian: custodian.address,
        name: custodian.name.clone(),
        country: custodian.country,
        publication: case.sealed.map(|sealed| sealed.publication.clone()),
        about: case.about.clone(),
        accreditation: crate::accreditation::presented(node, &custodian.name)?,
        receipts,
        statements: attestations.iter().map(wire::Statement::from).collect(),
    };
    let manifest = serde_json::to_string(&manifest).expect("a manifest is JSON");
    let signature = sign_text(&custodian.signer(node), &manifest);
    Ok(wire::Request { manifest, signature, disclosure })
}

/// A signature of a text (EIP-191), in hex.
pub(crate) fn sign_text(signer: &PrivateKeySigner, text: &str) -> String {
    let signature = signer.sign_message_sync(text.as_bytes());
    hex::encode(signature.expect("a key in memory signs any message").as_bytes())
}

/// Whose signature of a text (EIP-191) this is, given in hex.
pub(crate) fn signer_of_text(text: &str, signature: &str) -> Option<Address> {
    let signature = Signature::from_raw(&hex::decode(signature).ok()?).ok()?;
    signature.recover_address_from_msg(text.as_bytes()).ok()
}

fn sign(node: &Node, attestation: Attestation, agreeing: &[PrivateKeySigner]) -> Proof {
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
    let nonce: B256 = keccak256((claim.kind, claim.subject, claim.payload, block).abi_encode());
    Attestation {
        kind: claim.kind,
        subject: claim.subject,
        payloadHash: claim.payload,
        issuedAt: now,
        expiresAt: now + LIFETIME,
        nonce,
    }
}
