//! What the people in a dataset have earned: every payment belongs to those whose consent stood when it was made.
//!
//! Nobody loses what was earned by revoking, leaving or being erased afterwards, however late the root by which they
//! claim is posted. For members the ledger's events say what stood when; for everybody else the receipts in the vault
//! do, so [`settle`] runs before any of them changes.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, U256};
use alloy::providers::DynProvider;
use caduceus_contracts::ConsentRegistry::{ConsentGranted, ConsentRevoked};
use caduceus_contracts::MembershipToken::{MemberJoined, MemberLeft, MemberRemoved};
use caduceus_contracts::RevenueSplitter::UsageCredited;
use caduceus_economics::{PersonId, Usdc, accrue};
use caduceus_ledger::deployment::Addresses;
use caduceus_vault::{Receipt, Vault};
use serde::{Deserialize, Serialize};

use super::publishing::{Publication, cid, publications};
use super::{consent, entropy};
use crate::claims::{Earned, unpayable, usdc};
use crate::error::{NodeError, Result};
use crate::member::person_id;
use crate::node::{Node, Place, placed_events};
use crate::party::Party;

/// Brings the earnings of all of a custodian's datasets up to date. Run it before a receipt changes.
pub(crate) async fn settle(node: &Node, custodian: &Party, vault: &Vault) -> Result<()> {
    for publication in publications(node, custodian)? {
        if let Some(dataset) = publication.dataset {
            settled(node, custodian, vault, &publication, dataset).await?;
        }
    }
    Ok(())
}

/// What everybody has earned from a dataset in all, each payment divided by the rows of those whose consent stood when
/// it was made. A payment in whose time nobody's did goes to the next one's people.
pub(crate) async fn settled(
    node: &Node,
    custodian: &Party,
    vault: &Vault,
    publication: &Publication,
    dataset: u64,
) -> Result<Earned> {
    let mut earned = kept(vault, dataset)?;
    let mut total = Usdc::sum(earned.values().copied()).map_err(unpayable)?;
    let topic = Some(B256::from(U256::from(dataset)));
    let payments = node.placed_events::<UsageCredited>(node.at.revenue_splitter, &[topic]).await?;
    let mut people: Option<People> = None;
    let mut funded = U256::ZERO;
    let before = total;
    let mut new = Vec::new();
    for (place, payment) in payments {
        funded += payment.membersPart;
        let increment = match usdc(funded)?.minus(total) {
            Ok(increment) if increment > Usdc::ZERO => increment,
            _ => continue,
        };
        if people.is_none() {
            people = Some(People::read(node, custodian, vault, publication).await?);
        }
        let weights = match &people {
            Some(people) => people.consenting(place, node.time_of(place).await?),
            None => Vec::new(),
        };
        if weights.is_empty() {
            continue;
        }
        let after = accrue(&earned, &weights, increment).map_err(unpayable)?;
        if let Some(people) = &people {
            let weights = weights.iter().map(|(person, rows)| (person.0, *rows)).collect();
            new.push(Payment { weights: Some(weights), ..people.shares(place, &earned, &after) });
        }
        earned = after;
        total = total.plus(increment).map_err(unpayable)?;
    }
    if total != before {
        // First, so that a payment of which a kill leaves only this is told once more, not forgotten.
        keep_payments(vault, dataset, new)?;
        keep(vault, dataset, &earned)?;
    }
    Ok(earned)
}

/// The people of a dataset, and what is known of their consent at any time.
struct People {
    /// Pseudonyms with the number of their rows.
    rows: Vec<(String, u64)>,
    receipts: BTreeMap<String, Receipt>,
    standing: Standing,
}

/// Who was a member when, and what they had agreed to, by the ledger's events alone.
pub(crate) struct Standing {
    /// Who held which account, in the order of the ledger: from where on, and whether it began or ended.
    accounts: BTreeMap<B256, Vec<(Place, Option<Address>)>>,
    /// Each account's grants to the custodian.
    grants: BTreeMap<Address, Vec<Grant>>,
}

/// A grant's life on the ledger.
struct Grant {
    id: U256,
    granted: Place,
    revoked: Option<Place>,
    /// In seconds since 1970.
    expiry: u64,
}

impl People {
    async fn read(
        node: &Node,
        custodian: &Party,
        vault: &Vault,
        publication: &Publication,
    ) -> Result<People> {
        let receipts = vault.consents()?.into_iter();
        Ok(People {
            rows: vault.contributions(&cid(&publication.cid)?)?,
            receipts: receipts.map(|receipt| (receipt.pseudonym.clone(), receipt)).collect(),
            standing: Standing::read(&node.provider, &node.at, custodian.address).await?,
        })
    }

    /// The weight of each person whose consent stood at a place on the ledger, mined at `time`: their rows.
    fn consenting(&self, place: Place, time: u64) -> Vec<(PersonId, u64)> {
        let mut weights = Vec::new();
        for (pseudonym, rows) in &self.rows {
            let person = person_id(pseudonym);
            let on_paper = || {
                let receipt = self.receipts.get(pseudonym);
                receipt.is_some_and(|receipt| consent::stands(receipt, time))
            };
            let consents =
                self.standing.member_consents(person, place, time).unwrap_or_else(on_paper);
            if consents {
                weights.push((PersonId(person), *rows));
            }
        }
        weights
    }

    /// What one payment brought those who were members then.
    fn shares(&self, place: Place, before: &Earned, after: &Earned) -> Payment {
        let share = |(person, sum): (&PersonId, &Usdc)| {
            let earned = before.get(person).copied().unwrap_or(Usdc::ZERO);
            let more = sum.minus(earned).ok().filter(|more| *more > Usdc::ZERO)?;
            self.standing.account(person.0, place).map(|_| (person.0, more))
        };
        Payment {
            block: place.block,
            log: place.log,
            shares: after.iter().filter_map(share).collect(),
            weights: None,
        }
    }
}

impl Standing {
    /// As it is on a ledger now, for one custodian.
    pub(crate) async fn read(
        provider: &DynProvider,
        at: &Addresses,
        custodian: Address,
    ) -> Result<Standing> {
        let accounts = accounts(provider, at.membership_token).await?;
        let grants = grants(provider, at.consent_registry, custodian).await?;
        Ok(Standing { accounts, grants })
    }

    /// Whether a person who was a member at a place, mined at `time`, had agreed to any use; none where they were none.
    pub(crate) fn member_consents(&self, person: B256, place: Place, time: u64) -> Option<bool> {
        self.account(person, place).map(|account| self.granted(account, place, time))
    }

    /// Who revoked all that they had granted with the account that they hold, or is a member no longer, and since where.
    pub(crate) fn gone(&self) -> impl Iterator<Item = (B256, Place)> {
        self.accounts.iter().filter_map(|(person, changes)| {
            let (since, account) = changes.last()?;
            let Some(account) = account else { return Some((*person, *since)) };
            let revoked = self.grants.get(account)?.iter().map(|grant| grant.revoked);
            let last = revoked.collect::<Option<Vec<Place>>>()?.into_iter().max()?;
            Some((*person, last))
        })
    }

    fn account(&self, person: B256, place: Place) -> Option<Address> {
        let changes = self.accounts.get(&person)?;
        changes.iter().rev().find(|(since, _)| *since < place).and_then(|(_, account)| *account)
    }

    fn granted(&self, account: Address, place: Place, time: u64) -> bool {
        self.grants.get(&account).is_some_and(|grants| {
            grants.iter().any(|grant| {
                grant.granted < place
                    && grant.revoked.is_none_or(|revoked| place < revoked)
                    && time < grant.expiry
            })
        })
    }
}

async fn accounts(
    provider: &DynProvider,
    token: Address,
) -> Result<BTreeMap<B256, Vec<(Place, Option<Address>)>>> {
    let mut changes: Vec<(Place, B256, Option<Address>)> = Vec::new();
    for (place, joined) in placed_events::<MemberJoined>(provider, token, &[]).await? {
        changes.push((place, joined.personId, Some(joined.member)));
    }
    for (place, left) in placed_events::<MemberLeft>(provider, token, &[]).await? {
        changes.push((place, left.personId, None));
    }
    for (place, removed) in placed_events::<MemberRemoved>(provider, token, &[]).await? {
        changes.push((place, removed.personId, None));
    }
    changes.sort_unstable_by_key(|(place, ..)| *place);
    let mut accounts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (place, person, account) in changes {
        accounts.entry(person).or_default().push((place, account));
    }
    Ok(accounts)
}

async fn grants(
    provider: &DynProvider,
    registry: Address,
    custodian: Address,
) -> Result<BTreeMap<Address, Vec<Grant>>> {
    let topics = [None, Some(custodian.into_word())];
    let mut grants: BTreeMap<Address, Vec<Grant>> = BTreeMap::new();
    for (granted, event) in placed_events::<ConsentGranted>(provider, registry, &topics).await? {
        let (id, expiry) = (event.grantId, event.terms.expiry);
        grants.entry(event.member).or_default().push(Grant { id, granted, revoked: None, expiry });
    }
    for (place, event) in placed_events::<ConsentRevoked>(provider, registry, &topics).await? {
        let of_member = grants.entry(event.member).or_default().iter_mut();
        of_member
            .filter(|grant| grant.id == event.grantId)
            .for_each(|grant| grant.revoked = Some(place));
    }
    Ok(grants)
}

/// Everybody who was ever in a dataset, by the identifier on the ledger.
pub(crate) fn people(vault: &Vault, publication: &Publication) -> Result<BTreeSet<B256>> {
    let everybody = vault.everybody(&cid(&publication.cid)?)?;
    Ok(everybody.iter().map(|pseudonym| person_id(pseudonym)).collect())
}

fn document(dataset: u64) -> String {
    format!("earned-{dataset}")
}

/// What everybody has earned from a dataset, as the vault last kept it.
pub(crate) fn kept(vault: &Vault, dataset: u64) -> Result<Earned> {
    let Some(bytes) = vault.document(&document(dataset))? else { return Ok(Earned::new()) };
    serde_json::from_slice(&bytes).map_err(|error| {
        NodeError::Chain(format!("the earnings of dataset {dataset} cannot be read: {error}"))
    })
}

fn keep(vault: &Vault, dataset: u64, earned: &Earned) -> Result<()> {
    let bytes = serde_json::to_vec(earned).expect("a table of amounts is JSON");
    Ok(vault.put_document(&document(dataset), &bytes, &mut entropy)?)
}

/// A payment and what it brought the members in a dataset.
#[derive(Serialize, Deserialize)]
struct Payment {
    block: u64,
    log: u64,
    shares: BTreeMap<B256, Usdc>,
    /// By how many rows of whom it was divided; none where that is as it was for the payment before.
    #[serde(default)]
    weights: Option<BTreeMap<B256, u64>>,
}

/// By how many rows of whom a payment on the ledger was divided, as an attestor is told.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Weighed {
    block: u64,
    log: u64,
    weights: Option<BTreeMap<B256, u64>>,
}

/// What every payment for a dataset was divided by, as far as the vault has settled them.
pub(crate) fn weighed(vault: &Vault, dataset: u64) -> Result<Vec<Weighed>> {
    let one = |Payment { block, log, weights, .. }| Weighed { block, log, weights };
    Ok(payments(vault, dataset)?.into_iter().map(one).collect())
}

/// The same, each payment with its own.
pub(crate) fn weights(all: &[Weighed]) -> BTreeMap<Place, &BTreeMap<B256, u64>> {
    let mut before = None;
    let mut by_place = BTreeMap::new();
    for one in all {
        before = one.weights.as_ref().or(before);
        if let Some(weights) = before {
            by_place.insert(Place { block: one.block, log: one.log }, weights);
        }
    }
    by_place
}

fn payments_document(dataset: u64) -> String {
    format!("payments-{dataset}")
}

fn payments(vault: &Vault, dataset: u64) -> Result<Vec<Payment>> {
    let Some(bytes) = vault.document(&payments_document(dataset))? else { return Ok(Vec::new()) };
    serde_json::from_slice(&bytes).map_err(|error| {
        NodeError::Chain(format!("the payments of dataset {dataset} cannot be read: {error}"))
    })
}

fn keep_payments(vault: &Vault, dataset: u64, new: Vec<Payment>) -> Result<()> {
    let mut all = payments(vault, dataset)?;
    all.retain(|known| {
        new.iter().all(|payment| (payment.block, payment.log) != (known.block, known.log))
    });
    let mut last = all.iter().rev().find_map(|payment| payment.weights.clone());
    for mut payment in new {
        match payment.weights == last {
            true => payment.weights = None,
            false => last = payment.weights.clone(),
        }
        all.push(payment);
    }
    let bytes = serde_json::to_vec(&all).expect("a list of amounts is JSON");
    Ok(vault.put_document(&payments_document(dataset), &bytes, &mut entropy)?)
}

/// What each payment for a dataset brought one member, in units of USDC, as far as the vault has settled them.
pub(crate) fn payments_of(vault: &Vault, dataset: u64, person: B256) -> Result<Vec<(Place, u64)>> {
    let of_person = |payment: Payment| {
        let place = Place { block: payment.block, log: payment.log };
        payment.shares.get(&person).map(|share| (place, share.to_u256().saturating_to()))
    };
    Ok(payments(vault, dataset)?.into_iter().filter_map(of_person).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const BEGINNING: Place = Place { block: 0, log: 0 };

    fn at(block: u64) -> Place {
        Place { block, log: 0 }
    }

    fn receipt(pseudonym: &str, permit: bool) -> (String, Receipt) {
        let account = caduceus_policy::consent::Party([0; 20]);
        let mut reader = consent::Reader::new(caduceus_policy::default_rules(), account, 1, 0);
        (pseudonym.to_owned(), reader.receipt(pseudonym.to_owned(), &[], permit, None))
    }

    /// Ann joined at 10, agreed at 20 and took it back at 30; Bob never joined and said yes on paper, Cay no.
    fn people() -> People {
        let ann = Address::repeat_byte(1);
        let grant = Grant { id: U256::ONE, granted: at(20), revoked: Some(at(30)), expiry: 1_000 };
        let rows = [("ann", 5), ("bob", 7), ("cay", 9)];
        People {
            rows: rows.map(|(name, rows)| (name.to_owned(), rows)).to_vec(),
            receipts: [receipt("ann", true), receipt("bob", true), receipt("cay", false)].into(),
            standing: Standing {
                accounts: [(
                    person_id("ann"),
                    vec![(BEGINNING, None), (at(10), Some(ann)), (at(40), None)],
                )]
                .into(),
                grants: [(ann, vec![grant])].into(),
            },
        }
    }

    fn paid(place: Place, time: u64) -> Vec<u64> {
        people().consenting(place, time).into_iter().map(|(_, rows)| rows).collect()
    }

    #[test]
    fn a_payment_is_for_those_whose_consent_stood_when_it_was_made() {
        assert_eq!(paid(at(5), 0), [5, 7], "on paper, before she joined");
        assert_eq!(paid(at(15), 0), [7], "a member who has agreed to nothing yet");
        assert_eq!(paid(at(25), 999), [5, 7], "while her grant stood");
        assert_eq!(paid(at(25), 1_000), [7], "when it had expired");
        assert_eq!(paid(at(35), 0), [7], "after she took it back");
        assert_eq!(paid(Place { block: 30, log: 1 }, 0), [7], "later in the same block");
        assert_eq!(
            paid(at(45), 0),
            [5, 7],
            "once she left, the paper counts again until it changes"
        );
    }
}
