//! What each member of a dataset earned: the tree that a vault posts to `MemberClaims`.
//!
//! Amounts are cumulative: a newer tree holds all that an older one held. What comes in is divided over the people in
//! the dataset at that time by contribution weight, so that who leaves keeps what was earned and earns no more.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use alloy::primitives::{B256, U256};
use alloy::sol_types::SolValue;
use serde::{Deserialize, Serialize};

use crate::amounts::{AmountError, Usdc};
use crate::merkle::{MerkleError, MerkleTree, leaf_hash};

/// A person as the ledger knows one: an identifier that says nothing about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub B256);

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why earnings cannot be divided or proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PayoutError {
    /// Nobody to pay.
    #[error("there is nobody with a weight above zero to pay: the money stays claimable for later")]
    Nobody,
    /// A person is listed twice.
    #[error("person {0} is listed twice: add up their weights first")]
    ListedTwice(PersonId),
    /// A person has no leaf.
    #[error("person {0} earned nothing in this dataset")]
    Unknown(PersonId),
    /// Past what can be held.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// The tree has no leaf.
    #[error(transparent)]
    Merkle(#[from] MerkleError),
}

/// Divides `total` by weight, to the unit: each gets their part rounded down, and the units that are left go one each
/// to the largest remainders, ties by the lower identifier. Sorted by person; does not depend on the order given.
///
/// # Errors
/// [`PayoutError::Nobody`] where no weight is above zero; [`PayoutError::ListedTwice`].
pub fn payout(
    weights: &[(PersonId, u64)],
    total: Usdc,
) -> Result<Vec<(PersonId, Usdc)>, PayoutError> {
    let mut people = weights.to_vec();
    people.sort_unstable();
    if let Some(pair) = people.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(PayoutError::ListedTwice(pair[0].0));
    }
    // 64 bits each: the sum of 128 bits cannot overflow.
    let sum: u128 = people.iter().map(|(_, weight)| u128::from(*weight)).sum();
    if sum == 0 {
        return Err(PayoutError::Nobody);
    }
    let mut parts = Vec::with_capacity(people.len());
    let mut remainders = Vec::with_capacity(people.len());
    let mut left = total;
    for (index, (person, weight)) in people.into_iter().enumerate() {
        let product = total.to_u256() * U256::from(weight);
        let (part, remainder) = product.div_rem(U256::from(sum));
        let part = Usdc::try_from(part)?;
        left = left.minus(part)?;
        parts.push((person, part));
        remainders.push((Reverse(remainder), index));
    }
    remainders.sort_unstable();
    // The remainders add up to `left` times the sum and each is below the sum: fewer units are left than people.
    for (_, index) in remainders.into_iter().take(left.units().try_into().unwrap_or(usize::MAX)) {
        parts[index].1 = parts[index].1.plus(Usdc::from_units(1))?;
    }
    Ok(parts)
}

/// Adds a payment to what everyone earned before.
///
/// # Errors
/// As [`payout`].
pub fn accrue(
    before: &BTreeMap<PersonId, Usdc>,
    weights: &[(PersonId, u64)],
    increment: Usdc,
) -> Result<BTreeMap<PersonId, Usdc>, PayoutError> {
    let mut after = before.clone();
    for (person, part) in payout(weights, increment)? {
        let earned = after.entry(person).or_default();
        *earned = earned.plus(part)?;
    }
    Ok(after)
}

/// A person's leaf: `abi.encode(uint256 datasetId, bytes32 personId, uint256 cumulative)`, hashed as `MemberClaims` does.
#[must_use]
pub fn claim_leaf(dataset_id: U256, person: PersonId, cumulative: Usdc) -> B256 {
    leaf_hash(&(dataset_id, person.0, cumulative.to_u256()).abi_encode())
}

/// The tree over what everyone in a dataset earned.
#[derive(Debug, Clone)]
pub struct ClaimTree {
    dataset_id: U256,
    earned: BTreeMap<PersonId, Usdc>,
    total: Usdc,
    tree: MerkleTree,
}

impl ClaimTree {
    /// The tree over cumulative amounts.
    ///
    /// # Errors
    /// [`PayoutError::Merkle`] where there is nobody; [`PayoutError::Amount`] past 128 bits.
    pub fn new(dataset_id: U256, earned: BTreeMap<PersonId, Usdc>) -> Result<Self, PayoutError> {
        let total = Usdc::sum(earned.values().copied())?;
        let leaves = earned.iter().map(|(person, sum)| claim_leaf(dataset_id, *person, *sum));
        let tree = MerkleTree::new(leaves.collect())?;
        Ok(Self { dataset_id, earned, total, tree })
    }

    /// What is posted: the root.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.tree.root()
    }

    /// What is posted with it: the sum of all amounts.
    #[must_use]
    pub fn total(&self) -> Usdc {
        self.total
    }

    /// The dataset that the tree is about.
    #[must_use]
    pub fn dataset_id(&self) -> U256 {
        self.dataset_id
    }

    /// What everyone earned.
    #[must_use]
    pub fn earned(&self) -> &BTreeMap<PersonId, Usdc> {
        &self.earned
    }

    /// What a person claims with: the cumulative amount and its proof.
    ///
    /// # Errors
    /// [`PayoutError::Unknown`].
    pub fn claim(&self, person: PersonId) -> Result<(Usdc, Vec<B256>), PayoutError> {
        let cumulative = *self.earned.get(&person).ok_or(PayoutError::Unknown(person))?;
        let proof = self.tree.proof(claim_leaf(self.dataset_id, person, cumulative))?;
        Ok((cumulative, proof))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;
    use crate::merkle::verify;

    fn person(number: u64) -> PersonId {
        PersonId(U256::from(number).into())
    }

    fn people(weights: &[u64]) -> Vec<(PersonId, u64)> {
        (0..).map(person).zip(weights.iter().copied()).collect()
    }

    fn amounts(weights: &[u64], total: u128) -> Vec<u128> {
        let parts = payout(&people(weights), Usdc::from_units(total)).unwrap();
        parts.into_iter().map(|(_, amount)| amount.units()).collect()
    }

    #[test]
    fn units_that_are_left_go_to_the_largest_remainders() {
        assert_eq!(amounts(&[1, 1, 1], 10), [4, 3, 3]);
        assert_eq!(amounts(&[1, 2, 3], 10), [2, 3, 5]);
        assert_eq!(amounts(&[5, 0, 5], 1), [1, 0, 0]);
        assert_eq!(amounts(&[u64::MAX, 1], u128::MAX).iter().sum::<u128>(), u128::MAX);
    }

    #[test]
    fn nobody_and_duplicates_are_errors() {
        assert_eq!(payout(&[], Usdc::from_units(1)), Err(PayoutError::Nobody));
        assert_eq!(payout(&people(&[0, 0]), Usdc::from_units(1)), Err(PayoutError::Nobody));
        let twice = [(person(1), 1), (person(1), 2)];
        assert_eq!(payout(&twice, Usdc::ZERO), Err(PayoutError::ListedTwice(person(1))));
        assert!(ClaimTree::new(U256::from(1), BTreeMap::new()).is_err());
    }

    #[test]
    fn who_left_keeps_what_was_earned_and_earns_no_more() {
        let first = accrue(&BTreeMap::new(), &people(&[1, 1]), Usdc::from_units(10)).unwrap();
        let second = accrue(&first, &people(&[1]), Usdc::from_units(10)).unwrap();
        assert_eq!(second[&person(0)].units(), 15);
        assert_eq!(second[&person(1)].units(), 5);
    }

    #[test]
    fn one_root_serves_a_hundred_thousand_members() {
        let weights = people(&vec![1; 100_000]);
        let total = Usdc::from_units(123_456_789);
        let tree =
            ClaimTree::new(U256::from(1), accrue(&BTreeMap::new(), &weights, total).unwrap())
                .unwrap();
        assert_eq!(tree.total(), total);
        for number in [0, 1, 50_000, 99_999] {
            let (amount, proof) = tree.claim(person(number)).unwrap();
            assert!(proof.len() <= 17);
            assert!(verify(tree.root(), claim_leaf(U256::from(1), person(number), amount), &proof));
            let more = amount.plus(Usdc::from_units(1)).unwrap();
            assert!(!verify(tree.root(), claim_leaf(U256::from(1), person(number), more), &proof));
            assert!(!verify(
                tree.root(),
                claim_leaf(U256::from(2), person(number), amount),
                &proof
            ));
        }
        assert!(matches!(tree.claim(person(100_000)), Err(PayoutError::Unknown(_))));
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole_and_within_a_unit_of_their_proportion(
            mut weights in prop::collection::vec(any::<u64>(), 1..50),
            total: u128,
            turn: prop::sample::Index,
        ) {
            weights[0] |= 1;
            let given = people(&weights);
            let parts = payout(&given, Usdc::from_units(total)).unwrap();
            prop_assert_eq!(Usdc::sum(parts.iter().map(|part| part.1)), Ok(Usdc::from_units(total)));
            let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
            for ((_, part), weight) in parts.iter().zip(&weights) {
                let down = U256::from(total) * U256::from(*weight) / U256::from(sum);
                let extra = part.to_u256() - down;
                prop_assert!(extra <= U256::from(1));
            }
            let mut turned = given;
            turned.rotate_left(turn.index(weights.len()));
            prop_assert_eq!(payout(&turned, Usdc::from_units(total)).unwrap(), parts);
        }

        #[test]
        fn a_heavier_weight_never_earns_less(
            weights in prop::collection::vec(1u64..1_000, 2..20),
            total in 0u128..1_000_000,
        ) {
            let parts = amounts(&weights, total);
            for (a, x) in weights.iter().zip(&parts) {
                for (b, y) in weights.iter().zip(&parts) {
                    prop_assert!(a <= b || x >= y);
                }
            }
        }

        #[test]
        fn what_was_earned_never_shrinks(
            rounds in prop::collection::vec(
                (prop::collection::vec(1u64..100, 1..10), 0u128..10_000),
                1..6,
            ),
        ) {
            let mut earned = BTreeMap::new();
            let mut received = 0;
            for (weights, amount) in rounds {
                received += amount;
                let after = accrue(&earned, &people(&weights), Usdc::from_units(amount)).unwrap();
                prop_assert!(earned.iter().all(|(who, before)| after[who] >= *before));
                prop_assert_eq!(Usdc::sum(after.values().copied()), Ok(Usdc::from_units(received)));
                earned = after;
            }
        }
    }
}
