//! What people can ask of a custodian: that their no counts, that they are erased; and what stands behind every use.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, FixedBytes, U256};
use caduceus_contracts::ConsentRegistry::ConsentGranted;
use caduceus_contracts::HealthDataPool::Withdrawn;
use caduceus_contracts::{ConsentRegistry, HealthDataPool, MembershipToken};
use caduceus_economics::merkle::MerkleTree;
use caduceus_policy::consent::{Party as Account, Use as PaperUse, permits};
use caduceus_policy::{Country, DataClass, Purpose};
use caduceus_vault::audit::{Kind, Record};
use caduceus_vault::{Receipt, Vault};

use super::evidence::{self, merkle_root, standing_leaves};
use super::publishing::{Publication, persons, publications};
use super::{
    OnPaper, anchor, consent, entropy, note, note_on_paper, number, refused_until,
    revoked_on_paper, vault,
};
use crate::attestor::Leaf;
use crate::consents::of_ledger;
use crate::error::{NodeError, Result};
use crate::member::{Member, person_id};
use crate::node::Node;
use crate::party::{self, Party, Role};

/// Pseudonyms of the patients in a custodian's newest dataset whose paper permits now, in a fixed order.
pub(crate) fn consenting_patients(node: &Node, custodian: &Party) -> Result<Vec<String>> {
    let Some(publication) = publications(node, custodian)?.pop() else {
        let what = format!("{} has published nothing", custodian.name);
        let todo = format!("run `caduceus publish --custodian {}` first", custodian.name);
        return Err(NodeError::not_ready(what, todo));
    };
    let vault = vault(node, custodian)?;
    let receipts = vault.consents()?;
    let permitted = super::permitted(&receipts);
    let mut patients = persons(&vault, &publication.cid)?;
    patients.retain(|pseudonym| permitted.contains(pseudonym.as_str()));
    Ok(patients)
}

/// Where a person's receipt stands under the consent root that the ledger has for the newest dataset that they are in; none
/// where no dataset has them with a consent that stands. A root that is behind the receipts is posted first.
pub(crate) async fn consent_leaf(
    node: &Node,
    custodian: &Party,
    person: B256,
) -> Result<Option<Leaf>> {
    let vault = vault(node, custodian)?;
    let receipts = vault.consents()?;
    let own = receipts.iter().find(|one| person_id(&one.pseudonym) == person && one.permit);
    let Some(own) = own else { return Ok(None) };
    let leaf = evidence::leaf(own);
    for publication in publications(node, custodian)?.iter().rev() {
        let Some(dataset) = publication.dataset else { continue };
        let leaves = standing_leaves(&vault, &publication.cid)?;
        if !leaves.contains(&leaf) {
            continue;
        }
        post_root(node, custodian, dataset, merkle_root(&leaves)).await?;
        let tree = MerkleTree::new(leaves).map_err(|error| NodeError::Chain(error.to_string()))?;
        let proof = tree.proof(leaf).map_err(|error| NodeError::Chain(error.to_string()))?;
        return Ok(Some(Leaf { dataset, document: own.document_hash.into(), proof }));
    }
    Ok(None)
}

/// Posts the root over the consents that stand for a dataset, unless the ledger has it.
async fn post_root(node: &Node, custodian: &Party, dataset: u64, root: B256) -> Result<()> {
    let to = node.at.consent_registry;
    let registry = ConsentRegistry::new(to, &node.provider);
    if registry.consentRoot(U256::from(dataset)).call().await? == root {
        return Ok(());
    }
    let details = [("dataset", number(dataset))];
    note(node, custodian, Kind::ConsentRootPosted, &root.to_string(), &details).await?;
    let call = ConsentRegistry::postConsentRootCall { datasetId: U256::from(dataset), root };
    let key = node.next_key("consent-root", custodian.address).await?;
    node.send("consent root posted", &key, &custodian.signer(node), to, &call).await?;
    Ok(())
}

/// The patients of a dataset whose data may be used now as `asked`.
///
/// Who joined is asked on the ledger, where their own word stands above the paper that the custodian holds, until they refuse on
/// paper after they gave it; for everybody else the receipt in the vault counts. Where the law asks for explicit consent to this use from abroad, only who
/// named the place on the ledger gave it: what is told to members of such a place (GDPR Art. 49(1)(a)), no paper says.
pub(super) async fn eligible(
    node: &Node,
    custodian: &Party,
    vault: &Vault,
    publication: &Publication,
    asked: &Use,
) -> Result<BTreeSet<String>> {
    let now = node.now().await?;
    let on_paper = asked.of(custodian);
    let refused = refused_until(&super::log_since(node, custodian, |_| true)?);
    let mut eligible = BTreeSet::new();
    for (pseudonym, member, receipt) in standing(node, vault, publication).await? {
        let permits = match member {
            Some(member) => {
                let refused = refused.get(&person_id(&pseudonym)).copied();
                member_permits(node, custodian, member, asked, refused).await?
            }
            None if asked.named => false,
            None => receipt
                .zip(on_paper)
                .is_some_and(|(receipt, asked)| consent::covers(node.rules, &receipt, &asked, now)),
        };
        if permits {
            eligible.insert(pseudonym);
        }
    }
    Ok(eligible)
}

/// Whether the ledger's word of a member permits the use: by a grant that names the place, where that is asked for, and that was
/// made after the moment up to which a refusal on paper counts.
async fn member_permits(
    node: &Node,
    custodian: &Party,
    member: Address,
    asked: &Use,
    refused: Option<u64>,
) -> Result<bool> {
    let Use { grantee, class, purpose, jurisdiction, named } = *asked;
    let registry = ConsentRegistry::new(node.at.consent_registry, &node.provider);
    let holder = custodian.address;
    let any = registry.permits(member, holder, grantee, class, purpose, jurisdiction);
    let permitted = any.call().await?.ok;
    if !permitted || (refused.is_none() && !named) {
        return Ok(permitted);
    }
    let Some(asked) = asked.of(custodian) else { return Ok(false) };
    let later = match refused {
        Some(until) => Some(granted_after(node, member, custodian, until).await?),
        None => None,
    };
    let grants = registry.grantsOf(member, holder).call().await?.into_iter();
    let counting = grants.filter(|grant| later.as_ref().is_none_or(|all| all.contains(&grant.id)));
    // A grant with codes that are not known permits nothing.
    let counting = counting.filter_map(|grant| of_ledger(&grant.terms).ok());
    let counting: Vec<_> = counting
        .filter(|terms| !named || terms.jurisdictions.names(node.rules, asked.country))
        .collect();
    Ok(permits(node.rules, &counting, &asked, node.now().await?).is_ok())
}

/// The grants that a member made to a custodian after a moment, in seconds since 1970.
pub(crate) async fn granted_after(
    node: &Node,
    member: Address,
    custodian: &Party,
    moment: u64,
) -> Result<BTreeSet<U256>> {
    let topics = [Some(member.into_word()), Some(custodian.address.into_word())];
    let mut later = BTreeSet::new();
    for (place, event) in
        node.placed_events::<ConsentGranted>(node.at.consent_registry, &topics).await?
    {
        if node.time_of(place).await? > moment {
            later.insert(event.grantId);
        }
    }
    Ok(later)
}

/// A use that consent is asked for.
#[derive(Clone, Copy)]
pub(super) struct Use {
    pub(super) grantee: Address,
    pub(super) class: u8,
    pub(super) purpose: u8,
    pub(super) jurisdiction: FixedBytes<2>,
    /// Whether consent must name the place.
    pub(super) named: bool,
}

impl Use {
    /// The use as the rules know it; none where one of its codes is not known.
    fn of(&self, custodian: &Party) -> Option<PaperUse> {
        Some(PaperUse {
            custodian: Account(custodian.address.into_array()),
            grantee: Account(self.grantee.into_array()),
            // The ledger asked the registry before it accepted the job.
            in_good_standing: true,
            class: DataClass::from_number(self.class)?,
            purpose: Purpose::from_number(self.purpose)?,
            country: Country::from_bytes(self.jurisdiction.0)?,
        })
    }
}

/// Every patient of a dataset with their account, if they joined, and their receipt, if the vault has one.
async fn standing(
    node: &Node,
    vault: &Vault,
    publication: &Publication,
) -> Result<Vec<(String, Option<Address>, Option<Receipt>)>> {
    let joined =
        node.events::<MembershipToken::MemberJoined>(node.at.membership_token, &[]).await?;
    let joined: BTreeSet<B256> = joined.into_iter().map(|joined| joined.personId).collect();
    let mut receipts: BTreeMap<String, Receipt> =
        vault.consents()?.into_iter().map(|receipt| (receipt.pseudonym.clone(), receipt)).collect();
    let membership = MembershipToken::new(node.at.membership_token, &node.provider);
    let mut standing = Vec::new();
    for pseudonym in persons(vault, &publication.cid)? {
        let person = person_id(&pseudonym);
        let member = match joined.contains(&person) {
            true => {
                Some(membership.memberOf(person).call().await?).filter(|member| !member.is_zero())
            }
            false => None,
        };
        let receipt = receipts.remove(&pseudonym);
        standing.push((pseudonym, member, receipt));
    }
    Ok(standing)
}

/// Follows a person's withdrawal in the vault: the paper no longer permits either, and the root of the receipts that
/// stand is posted for each dataset that it changes. Whether they said so on `paper` alone, where the ledger has none of it.
pub(crate) async fn note_revocation(
    node: &Node,
    custodian: &Party,
    person: B256,
    paper: bool,
) -> Result<()> {
    let vault = vault(node, custodian)?;
    super::settle(node, custodian, &vault).await?;
    super::note_ledger(node, custodian).await?;
    let receipts = vault.consents()?.into_iter();
    let own = receipts.filter(|receipt| !receipt.erased);
    let own = own.map(|receipt| (person_id(&receipt.pseudonym), receipt));
    if let Some((_, receipt)) = own.into_iter().find(|(own, _)| *own == person) {
        if paper || receipt.permit || receipt.withdrawn.is_none() {
            let until = if paper { Some(node.now().await?) } else { None };
            note_on_paper(node, custodian, person, OnPaper::Refuses { until }).await?;
        }
        vault.withdraw(&receipt.pseudonym, super::this_moment(), &mut entropy)?;
    }
    post_roots(node, custodian, &vault).await?;
    anchor(node, custodian).await
}

/// Brings a vault up to what its log and the ledger tell of people's noes, whichever way they came there: who was erased has no
/// keys, and who withdrew on paper, revoked all that they had granted or is a member no longer is not used by paper, but for what
/// they agreed to later. So neither a command that was cut off nor an old copy that was put back brings anybody back.
pub(super) async fn follow(node: &Node, custodian: &Party, vault: &Vault) -> Result<()> {
    super::note_ledger(node, custodian).await?;
    let records = super::log_since(node, custodian, |_| true)?;
    erase_again(node, custodian, vault, &records)?;
    let mut noes = super::gone(node, custodian).await?;
    for record in revoked_on_paper(&records) {
        if let Ok(person) = record.subject.parse::<B256>() {
            let moment = noes.entry(person).or_default();
            *moment = record.time.max(*moment);
        }
    }
    let receipts = vault.consents()?;
    let stale = receipts.iter().filter(|receipt| receipt.permit).filter_map(|receipt| {
        let person = person_id(&receipt.pseudonym);
        let no = *noes.get(&person)?;
        (!is_given_after(receipt, no)).then_some((receipt, person, no))
    });
    let stale: Vec<_> = stale.collect();
    if !stale.is_empty() {
        super::settle(node, custodian, vault).await?;
    }
    for (receipt, person, no) in stale {
        note_on_paper(node, custodian, person, OnPaper::Refuses { until: None }).await?;
        vault.withdraw(&receipt.pseudonym, no, &mut entropy)?;
    }
    // Also where nothing is stale: who was cut off between a receipt and its root left the counter of revocations behind.
    post_roots(node, custodian, vault).await
}

/// Destroys what a vault still has, or has again, of people of whom its log says that they were erased.
fn erase_again(node: &Node, custodian: &Party, vault: &Vault, records: &[Record]) -> Result<()> {
    let erased = records.iter().filter(|record| record.kind == Kind::Erased);
    let erased: BTreeSet<&str> = erased.map(|record| record.subject.as_str()).collect();
    if erased.is_empty() {
        return Ok(());
    }
    let known = vault.consents()?.into_iter().filter(|receipt| !receipt.erased);
    let mut known: BTreeSet<String> = known.map(|receipt| receipt.pseudonym).collect();
    for publication in publications(node, custodian)? {
        known.extend(persons(vault, &publication.cid)?);
    }
    for pseudonym in known {
        if erased.contains(person_id(&pseudonym).to_string().as_str()) {
            super::destroy(vault, &pseudonym)?;
        }
    }
    Ok(())
}

/// Whether the documents of a receipt were given after a moment for certain.
fn is_given_after(receipt: &Receipt, moment: u64) -> bool {
    let first = receipt.decided.as_ref().map(|decided| u64::try_from(decided.first));
    first.is_some_and(|first| first.is_ok_and(|first| first > moment))
}

/// Posts the root of the receipts that stand for each dataset for which the ledger has another one.
pub(super) async fn post_roots(node: &Node, custodian: &Party, vault: &Vault) -> Result<()> {
    for publication in publications(node, custodian)? {
        let Some(dataset) = publication.dataset else { continue };
        let root = merkle_root(&standing_leaves(vault, &publication.cid)?);
        post_root(node, custodian, dataset, root).await?;
    }
    Ok(())
}

/// Takes a dataset out of the pool: announces it, lets open jobs end, burns its shares, returns the Data NFT.
///
/// No pause stops it. What was earned stays claimable.
pub async fn withdraw(node: &Node, custodian: &str, dataset: u64) -> Result<()> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let (id, to) = (U256::from(dataset), node.at.health_data_pool);
    let pool = HealthDataPool::new(to, &node.provider);
    let signer = custodian.signer(node);
    let deposit = pool.depositOf(id).call().await?;
    if deposit.shares.is_zero() && has_left(node, &custodian, id).await? {
        // A kill may have left the transaction without its record.
        return anchor(node, &custodian).await;
    }
    if !deposit.announced {
        let call = HealthDataPool::announceWithdrawalCall { datasetId: id };
        let key = node.next_key("announce", custodian.address).await?;
        node.send("withdrawal announced", &key, &signer, to, &call).await?;
    }
    super::answer(node, &custodian.name).await?;
    let call = HealthDataPool::withdrawCall { datasetId: id };
    let key = node.next_key("withdraw", custodian.address).await?;
    node.send("dataset withdrawn", &key, &signer, to, &call).await?;
    anchor(node, &custodian).await
}

async fn has_left(node: &Node, custodian: &Party, dataset: U256) -> Result<bool> {
    let topics = [Some(dataset.into()), Some(custodian.address.into_word())];
    Ok(!node.events::<Withdrawn>(node.at.health_data_pool, &topics).await?.is_empty())
}

/// Erases a member, after withdrawing what they agreed to. Gives in how many datasets there was a key to destroy.
pub async fn erase(node: &Node, member: &Member) -> Result<u64> {
    crate::member::revoke(node, member).await?;
    let custodian = party::find(node, Role::Custodian, &member.custodian)?;
    erase_person(node, &custodian, member.person).await
}

/// Erases a patient who may never have joined, by the id that the custodian's records have. Gives in how many datasets
/// there was a key to destroy.
pub async fn erase_patient(node: &Node, custodian: &str, patient: &str) -> Result<u64> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let person = person_id(&receipt_of(node, &custodian, patient)?.pseudonym);
    note_revocation(node, &custodian, person, true).await?;
    erase_person(node, &custodian, person).await
}

/// Takes back what a custodian holds on paper of a patient who may never have joined, by the id that its records have. Gives
/// whether there was anything to take back.
pub async fn revoke_patient(node: &Node, custodian: &str, patient: &str) -> Result<bool> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let receipt = receipt_of(node, &custodian, patient)?;
    note_revocation(node, &custodian, person_id(&receipt.pseudonym), true).await?;
    Ok(receipt.permit)
}

/// What a custodian's register has of a patient, by the id that its records have.
pub(crate) fn receipt_of(node: &Node, custodian: &Party, patient: &str) -> Result<Receipt> {
    let vault = vault(node, custodian)?;
    let pseudonym = super::pseudonym_key(&vault).pseudonym(patient);
    let own = vault.consents()?.into_iter().find(|receipt| receipt.pseudonym == pseudonym);
    own.ok_or_else(|| no_record(custodian))
}

fn no_record(custodian: &Party) -> NodeError {
    let what = format!("{}'s vault has no record of this person", custodian.name);
    NodeError::not_ready(what, "give the id of a FHIR Patient that was ingested")
}

/// Makes a person's rows unreadable in every stored copy by destroying their keys, and keeps them out of every later
/// intake.
async fn erase_person(node: &Node, custodian: &Party, person: B256) -> Result<u64> {
    let vault = vault(node, custodian)?;
    super::settle(node, custodian, &vault).await?;
    let receipts = vault.consents()?;
    let own = receipts.iter().find(|receipt| person_id(&receipt.pseudonym) == person);
    let Some(pseudonym) = own.map(|receipt| receipt.pseudonym.clone()) else {
        return Err(no_record(custodian));
    };
    note(node, custodian, Kind::Erased, &person.to_string(), &[]).await?;
    let erased = super::destroy(&vault, &pseudonym)?;
    anchor(node, custodian).await?;
    Ok(erased.datasets)
}
