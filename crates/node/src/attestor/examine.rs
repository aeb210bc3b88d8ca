//! What an attestor does before it signs: one examiner for each kind of statement.
//!
//! An examiner is given evidence and says which statements it bears out; the attestor signs what was asked only where that
//! is the same. What stands on the ledger it reads for itself, what is in a sealed dataset it counts again, and every
//! other document must carry the signature of the one who answers for it.

mod deeds;
mod sealed;

use alloy::eips::BlockNumberOrTag;
use alloy::primitives::Address;
use alloy::providers::{DynProvider, Provider};
use caduceus_contracts::ParticipantRegistry;
use caduceus_ledger::deployment::Addresses;

use super::wire::{Manifest, Request, Signed, Subject};
use super::{Claim, LIFETIME, signer_of_text};
use crate::credentials::Sources;
use crate::node::Node;

pub(crate) use deeds::{deletion_text, receipt_text};
pub(crate) use sealed::{CHALLENGED, Sealed, findings_of, gift_of, traits_of};
pub(super) use sealed::{Facts, claims as of_sealed};

/// How far the custodian's clock may differ from the ledger's newest block, in seconds.
const SKEW: u64 = 600;
/// `PartyRoles.CUSTODIAN` in the contracts.
const CUSTODIAN: u32 = 1;

/// What an examiner finds: sentences of what speaks against signing.
type Finding<T> = std::result::Result<T, String>;

/// The ledger, as an attestor sees it.
#[derive(Clone)]
pub(crate) struct Sight {
    pub(crate) provider: DynProvider,
    pub(crate) chain_id: u64,
    pub(crate) at: Addresses,
}

impl Sight {
    /// As a home sees it.
    pub(crate) fn of(node: &Node) -> Sight {
        let (provider, at) = (node.provider.clone(), node.at.clone());
        Sight { provider, chain_id: node.chain_id(), at }
    }

    /// The time of the newest block, in seconds since 1970.
    async fn now(&self) -> Finding<u64> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await;
        let now = block.ok().flatten().map(|block| block.header.timestamp);
        now.ok_or_else(|| "the ledger has no newest block".to_owned())
    }
}

/// What was found so far.
pub(super) enum Found {
    /// What the evidence bears out.
    Claims(Vec<Claim>),
    /// The sealed dataset has to be opened, and compared with these facts.
    Sealed(Box<Facts>),
}

fn unseen(error: impl std::fmt::Display) -> String {
    format!("the ledger cannot be seen: {error}")
}

/// An objection, unless `holds`.
fn require(holds: bool, objection: &str) -> Finding<()> {
    if holds { Ok(()) } else { Err(objection.to_owned()) }
}

/// The manifest, once its signature is the custodian's and it is for this ledger.
pub(super) fn signed(sight: &Sight, request: &Request) -> Finding<Manifest> {
    let manifest: Manifest = serde_json::from_str(&request.manifest)
        .map_err(|_| "the manifest is none that this version knows".to_owned())?;
    require(
        signer_of_text(&request.manifest, &request.signature) == Some(manifest.custodian),
        "the manifest is not signed by the custodian that it names",
    )?;
    require(
        (manifest.chain_id, manifest.oracle) == (sight.chain_id, sight.at.attestation_oracle),
        "the manifest is for another ledger",
    )?;
    Ok(manifest)
}

impl Signed {
    /// Whether `by` signed exactly this text.
    fn says(&self, by: Address, text: &str) -> bool {
        self.text == text && signer_of_text(&self.text, &self.signature) == Some(by)
    }
}

/// Whether the custodian is in good standing on the ledger, and the statements are of now. Gives the ledger's time.
pub(super) async fn standing(sight: &Sight, manifest: &Manifest) -> Finding<u64> {
    let registry = ParticipantRegistry::new(sight.at.participant_registry, &sight.provider);
    // Who was a member before is on the ledger; no custodian's standing takes that from them.
    let returns = matches!(&manifest.about, Subject::Person(who) if who.consent.is_none());
    let standing = registry.standing(manifest.custodian, CUSTODIAN).call().await.map_err(unseen)?;
    if !standing.ok && !returns {
        return Err(format!("the custodian is not in good standing: {}", standing.reason));
    }
    let registered = registry.participant(manifest.custodian).call().await.map_err(unseen)?;
    if registered.jurisdiction.0 != manifest.country.to_bytes() {
        return Err("the custodian is registered in another country".into());
    }
    let now = sight.now().await?;
    let timely = manifest.statements.iter().all(|statement| {
        statement.issued_at.abs_diff(now) <= SKEW
            && statement.expires_at > statement.issued_at
            && statement.expires_at - statement.issued_at <= LIFETIME
    });
    if timely { Ok(now) } else { Err("the statements are not of now".into()) }
}

/// Examines what needs no sealed dataset to be opened. `sources` is what shown credentials are checked with.
pub(super) async fn look(
    sight: &Sight,
    manifest: &Manifest,
    sources: &Sources,
    now: u64,
) -> Finding<Found> {
    let eyes = deeds::Eyes { sight, manifest, sources, now };
    let claim = match &manifest.about {
        Subject::Person(who) => eyes.person(who).await?,
        Subject::Delivery(delivered) => eyes.delivery(delivered).await?,
        Subject::Usage(reading) => eyes.usage(reading).await?,
        Subject::Deletion(deleted) => eyes.deletion(deleted).await?,
        Subject::Transfer(transferred) => eyes.transfer(transferred).await?,
        Subject::Use(approved) => eyes.approved(approved).await?,
        Subject::Token(_)
        | Subject::Worth(_)
        | Subject::Features(_)
        | Subject::Points(_)
        | Subject::Payout(_)
        | Subject::Verdict(_) => {
            return Ok(Found::Sealed(Box::new(sealed::facts(sight, manifest).await?)));
        }
    };
    Ok(Found::Claims(vec![claim]))
}

/// Whether the statements that are to be signed are those that the evidence bears out, no more and no less.
pub(super) fn agree(manifest: &Manifest, found: &[Claim]) -> Finding<()> {
    let same = found.len() == manifest.statements.len()
        && manifest.statements.iter().zip(found).all(|(one, claim)| one.says(claim));
    require(same, "the statements say something else than the data")
}
