//! Statements about a sealed dataset: it is opened, and everything is counted again.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{B256, U256, keccak256};
use alloy::sol_types::SolValue;
use caduceus_contracts::DatasetToken::MintRequest;
use caduceus_contracts::HealthDataPool::Value;
use caduceus_contracts::RevenueSplitter::UsageCredited;
use caduceus_contracts::ValidatorPool::Check;
use caduceus_contracts::{ConsentRegistry, DatasetToken, MembershipToken, ValidatorPool};
use caduceus_economics::{ClaimTree, PersonId, Usdc, accrue};
use caduceus_policy::{DataClass, Purpose};
use caduceus_protect::quality::Quality;

use super::{Finding, Sight, require, unseen};
use crate::attestor::Claim;
use crate::attestor::wire::{Gift, Manifest, Payout, Ruling, Subject, Traits};
use crate::custodian::{self, Evidence, Publication, Standing};
use crate::error::{NodeError, Result};
use crate::member::person_id;
use crate::node::{Place, placed_events, time_of};

/// The neutral rarity, in basis points: a dataset without rare conditions.
const NEUTRAL: u16 = 10_000;

/// `CheckStates.CHALLENGED` in the contracts.
pub(crate) const CHALLENGED: u8 = 4;

/// A sealed dataset that can be opened, and what was published of it.
#[derive(Clone, Copy)]
pub(crate) struct Sealed<'a> {
    pub(crate) evidence: &'a Evidence<'a>,
    pub(crate) publication: &'a Publication,
}

/// What the ledger has on a dataset, as far as an examination needs it.
#[derive(Default)]
pub(crate) struct Facts {
    /// The token's number for the content; zero where there is none yet.
    dataset: u64,
    data_class: u8,
    /// The root over the consents that stand.
    consent_root: B256,
    /// The person behind the wallet that a contribution names.
    person: B256,
    /// Every payment to the dataset's people, and who had agreed to what when.
    payments: Vec<Payment>,
    standing: Option<Standing>,
    /// The report that is to be ruled on.
    challenged: Option<Check>,
}

/// A payment on the ledger.
struct Payment {
    place: Place,
    time: u64,
    amount: U256,
}

/// Gathers those facts by the attestor's own view of the ledger.
pub(super) async fn facts(sight: &Sight, manifest: &Manifest) -> Finding<Facts> {
    let publication = published(manifest)?;
    if matches!(manifest.about, Subject::Token(_)) {
        return Ok(Facts::default());
    }
    let token = DatasetToken::new(sight.at.dataset_token, &sight.provider);
    let id = token.tokenOfContent(publication.content_hash).call().await.map_err(unseen)?;
    require(!id.is_zero(), "no token has this content")?;
    let dataset = token.dataset(id).call().await.map_err(unseen)?;
    require(dataset.custodian == manifest.custodian, "the dataset is another custodian's")?;
    let registry = ConsentRegistry::new(sight.at.consent_registry, &sight.provider);
    let mut facts = Facts {
        dataset: id.to(),
        data_class: dataset.dataClass,
        consent_root: registry.consentRoot(id).call().await.map_err(unseen)?,
        ..Facts::default()
    };
    match &manifest.about {
        Subject::Points(gift) => {
            let members = MembershipToken::new(sight.at.membership_token, &sight.provider);
            facts.person = members.personOf(gift.member).call().await.map_err(unseen)?;
        }
        Subject::Payout(_) => {
            facts.payments = payments(sight, id).await.map_err(unseen)?;
            let standing = Standing::read(&sight.provider, &sight.at, manifest.custodian).await;
            facts.standing = Some(standing.map_err(unseen)?);
        }
        Subject::Verdict(ruling) => {
            let pool = ValidatorPool::new(sight.at.validator_pool, &sight.provider);
            let check = pool.check(U256::from(ruling.check)).call().await.map_err(unseen)?;
            require(check.state == CHALLENGED, "no such report is challenged")?;
            require(check.datasetId == id, "the report is about another dataset")?;
            facts.challenged = Some(check);
        }
        _ => {}
    }
    Ok(facts)
}

async fn payments(sight: &Sight, dataset: U256) -> Result<Vec<Payment>> {
    let topics = [Some(dataset.into())];
    let splitter = sight.at.revenue_splitter;
    let events = placed_events::<UsageCredited>(&sight.provider, splitter, &topics).await?;
    let mut payments = Vec::new();
    for (place, event) in events {
        let time = time_of(&sight.provider, place).await?;
        payments.push(Payment { place, time, amount: event.membersPart });
    }
    Ok(payments)
}

fn published(manifest: &Manifest) -> Finding<&Publication> {
    manifest.publication.as_ref().ok_or_else(|| "no sealed dataset is named".to_owned())
}

/// What an opened dataset and the ledger bear out of what is asked.
pub(crate) fn claims(sealed: &Sealed<'_>, about: &Subject, facts: &Facts) -> Finding<Vec<Claim>> {
    let inside = |error: NodeError| error.to_string();
    let Sealed { evidence, publication } = *sealed;
    match about {
        Subject::Token(terms) => {
            let terms = MintRequest::from(&**terms);
            let same = terms.contentHash == publication.content_hash
                && terms.tableCommitment == publication.table_commitment;
            require(same, "the token would name other hashes than the sealed data has")?;
            custodian::examine(evidence, publication, &terms)?;
            Ok(custodian::mint_claims(evidence.custodian.address, &terms).to_vec())
        }
        Subject::Worth(scores) => {
            let value = Value::from(*scores);
            let counted = custodian::measure(evidence, publication).map_err(inside)?;
            require(counted == value, "the quality scores are others")?;
            Ok(vec![custodian::value_claim(U256::from(facts.dataset), &value)])
        }
        Subject::Features(traits) => {
            let root = custodian::standing_root(evidence.vault, &publication.cid);
            let same = root.map_err(inside)? == facts.consent_root;
            require(same, "the consent receipts have another root than the ledger")?;
            let counted = traits_of(sealed, facts.data_class).map_err(inside)?;
            require(counted == *traits, "the features are others")?;
            Ok(vec![Claim::features(facts.dataset, traits)])
        }
        Subject::Points(gift) => {
            require(!facts.person.is_zero(), "the wallet is no member's")?;
            require(gift.dataset == facts.dataset, "the dataset has another number")?;
            let counted = gift_of(sealed, gift.member, facts.person, facts.dataset);
            let counted = counted.map_err(inside)?;
            let counted =
                counted.ok_or_else(|| "the member has no rows in the dataset".to_owned())?;
            require(counted == *gift, "the contribution is another")?;
            Ok(vec![Claim::points(facts.person, gift)])
        }
        Subject::Payout(payout) => {
            divided(sealed, payout, facts)?;
            Ok(vec![Claim::contribution(facts.dataset, payout.root, payout.total)])
        }
        Subject::Verdict(ruling) => Ok(vec![ruled(sealed, ruling, facts)?]),
        _ => Err("this is not about a sealed dataset".into()),
    }
}

/// What is found of a dataset's quality, and by which a validator's report is ruled right or wrong.
///
/// The protocol leaves open what a report holds. Here it holds the scores that anybody counts again from the sealed dataset,
/// in basis points, and nothing else: [`Findings::hash`] is the hash of the report, [`Findings::quality`] the quality in it.
pub(crate) struct Findings {
    /// Completeness times validity, rounded down: the same as of a member's contribution. Basis points.
    pub(crate) quality: u16,
    /// Keccak-256 of the ABI-encoded content hash, completeness, validity, freshness and rarity.
    pub(crate) hash: B256,
}

/// Counts a dataset's quality again. None where somebody was erased since it was sealed: a report from before then was of more
/// rows than there are, and nobody can count those again.
pub(crate) fn findings_of(sealed: &Sealed<'_>) -> Result<Option<Findings>> {
    let Sealed { evidence, publication } = *sealed;
    let cid = custodian::cid(&publication.cid)?;
    if evidence.vault.persons(&cid)?.len() < evidence.vault.everybody(&cid)?.len() {
        return Ok(None);
    }
    let scores = custodian::scores(evidence, publication)?;
    let Quality { completeness, validity, freshness, rarity, .. } = scores;
    let report = (publication.content_hash, completeness, validity, freshness, rarity);
    Ok(Some(Findings { quality: quality_of(&scores), hash: keccak256(report.abi_encode()) }))
}

/// Completeness times validity, basis points, rounded down.
fn quality_of(scores: &Quality) -> u16 {
    let product = u32::from(scores.completeness) * u32::from(scores.validity);
    u16::try_from(product / u32::from(NEUTRAL)).unwrap_or(NEUTRAL)
}

/// The verdict on a challenged report, where it is what the sealed dataset bears out.
fn ruled(sealed: &Sealed<'_>, ruling: &Ruling, facts: &Facts) -> Finding<Claim> {
    let check = facts.challenged.as_ref().ok_or("the report was not read on the ledger")?;
    let found = findings_of(sealed).map_err(|error| error.to_string())?;
    let found =
        found.ok_or("somebody was erased from the dataset, so that nobody can count it again")?;
    let wrong = !found.bears_out(check);
    require(!wrong || ruling.wrong, "the report is wrong: the dataset gives another")?;
    require(wrong || !ruling.wrong, "the report is right: the dataset gives the same")?;
    Ok(Claim::verdict(ruling.check, check.report, wrong))
}

impl Findings {
    /// Whether a report says what was found.
    pub(crate) fn bears_out(&self, check: &Check) -> bool {
        (check.report, check.quality) == (self.hash, self.quality)
    }
}

/// The features of a dataset, in basis points: completeness; the share of patients with a rare condition; how sensitive its
/// class is; and the mean, over its people, of the share of purposes that their consent on file permits for that class.
pub(crate) fn traits_of(sealed: &Sealed<'_>, data_class: u8) -> Result<Traits> {
    let scores = custodian::scores(sealed.evidence, sealed.publication)?;
    let vault = sealed.evidence.vault;
    let class = DataClass::from_number(data_class);
    let persons: BTreeSet<String> =
        vault.persons(&custodian::cid(&sealed.publication.cid)?)?.into_iter().collect();
    let permitted: u64 = vault
        .consents()?
        .iter()
        .filter(|receipt| receipt.permit && persons.contains(&receipt.pseudonym))
        .map(|receipt| {
            let of_class = receipt
                .grants
                .iter()
                .filter(|one| class.is_some_and(|of| one.classes.contains(of)));
            let purposes = of_class.fold(0, |bits, grant| bits | grant.purposes.bits());
            u64::from(purposes.count_ones())
        })
        .sum();
    let all = (persons.len() * Purpose::ALL.len()) as u64;
    let breadth = (permitted * u64::from(NEUTRAL)).checked_div(all).unwrap_or_default();
    Ok(Traits {
        completeness: scores.completeness,
        rarity: scores.rarity.saturating_sub(NEUTRAL).min(NEUTRAL),
        sensitivity: class.map_or(NEUTRAL, sensitivity),
        breadth: u16::try_from(breadth).unwrap_or(NEUTRAL),
    })
}

/// How much a class of data tells of a person beyond what is in most records, in basis points: the protocol's own order, from
/// bills to what stays for life and is shared with relatives.
fn sensitivity(class: DataClass) -> u16 {
    match class {
        DataClass::Claims => 2_000,
        DataClass::Clinical | DataClass::Wearable => 3_000,
        DataClass::Imaging => 5_000,
        DataClass::MentalHealth => 9_000,
        DataClass::Genomic => 10_000,
    }
}

/// What a person contributed to a dataset by being in it; none where their rows are not, or no longer, there.
///
/// Quality is completeness times validity, rarity the dataset's multiplier, both in basis points and rounded down. The
/// source is the custodian; the content is named by the dataset and the person, so that it is rewarded once.
pub(crate) fn gift_of(
    sealed: &Sealed<'_>,
    member: alloy::primitives::Address,
    person: B256,
    dataset: u64,
) -> Result<Option<Gift>> {
    let Sealed { evidence, publication } = *sealed;
    let persons = evidence.vault.persons(&custodian::cid(&publication.cid)?)?;
    if persons.iter().all(|pseudonym| person_id(pseudonym) != person) {
        return Ok(None);
    }
    let scores = custodian::scores(evidence, publication)?;
    Ok(Some(Gift {
        member,
        source: keccak256(evidence.custodian.address),
        content_hash: keccak256((publication.content_hash, person).abi_encode()),
        dataset,
        quality: quality_of(&scores),
        rarity: scores.rarity.into(),
    }))
}

/// Divides every payment on the ledger again. Who was a member counts as the ledger's events say; of everybody else the
/// custodian's signed word is taken, for people and rows that are in the sealed dataset.
fn divided(sealed: &Sealed<'_>, payout: &Payout, facts: &Facts) -> Finding<()> {
    let inside = |error: caduceus_vault::VaultError| error.to_string();
    let sums = |_| "the payments do not add up".to_owned();
    let standing = facts.standing.as_ref().ok_or("the ledger's events were not read")?;
    let (vault, publication) = (sealed.evidence.vault, sealed.publication);
    let cid = custodian::cid(&publication.cid).map_err(|error| error.to_string())?;
    let rows: BTreeMap<B256, u64> = {
        let known = vault.contributions(&cid).map_err(inside)?;
        known.into_iter().map(|(pseudonym, rows)| (person_id(&pseudonym), rows)).collect()
    };
    let everybody: BTreeSet<B256> = {
        let all = vault.everybody(&cid).map_err(inside)?;
        all.iter().map(|pseudonym| person_id(pseudonym)).collect()
    };
    let weighed = custodian::weights(&payout.payments);
    let nobody = BTreeMap::new();
    let mut earned = BTreeMap::new();
    let (mut funded, mut total) = (Usdc::ZERO, Usdc::ZERO);
    for payment in &facts.payments {
        let amount = Usdc::try_from(payment.amount).map_err(|_| sums(()))?;
        funded = funded.plus(amount).map_err(|_| sums(()))?;
        let increment = funded.minus(total).map_err(|_| sums(()))?;
        if increment == Usdc::ZERO {
            continue;
        }
        let weights = weighed.get(&payment.place).copied().unwrap_or(&nobody);
        agreed(standing, payment, weights, &rows, &everybody)?;
        if weights.is_empty() {
            continue;
        }
        let weights: Vec<(PersonId, u64)> =
            weights.iter().map(|(person, rows)| (PersonId(*person), *rows)).collect();
        earned = accrue(&earned, &weights, increment).map_err(|error| error.to_string())?;
        total = funded;
    }
    let tree = ClaimTree::new(U256::from(facts.dataset), earned).map_err(|_| sums(()))?;
    let same = tree.root() == payout.root && total.to_u256() == payout.total;
    require(same, "the payments on the ledger give another root")
}

/// Whether one payment was divided among those whose consent stood then, by their rows.
fn agreed(
    standing: &Standing,
    payment: &Payment,
    weights: &BTreeMap<B256, u64>,
    rows: &BTreeMap<B256, u64>,
    everybody: &BTreeSet<B256>,
) -> Finding<()> {
    for (person, weight) in weights {
        require(everybody.contains(person), "somebody is paid who is not in the dataset")?;
        // The rows of who was erased since are known to nobody any more.
        let counted = rows.get(person).is_none_or(|rows| rows == weight);
        require(counted, "somebody is paid for another number of rows")?;
    }
    for person in rows.keys() {
        if let Some(consents) = standing.member_consents(*person, payment.place, payment.time) {
            let paid = weights.contains_key(person);
            require(!paid || consents, "a member is paid for a use that they did not agree to")?;
            require(paid || !consents, "a member who agreed to a use is not paid for it")?;
        }
    }
    Ok(())
}
