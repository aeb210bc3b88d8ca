//! Merkle trees that OpenZeppelin's `MerkleProof` accepts.
//!
//! A vault posts one root for all members of a dataset and hands each member a proof; the contract only ever sees the
//! proof. Leaves are hashed twice, so that no inner node can pass for a leaf, and pairs are hashed in sorted order, so
//! that a proof needs no left or right. The layout is the one of OpenZeppelin's `StandardMerkleTree`: a complete binary
//! tree in an array, root first, with the sorted leaves from the end backwards.

use std::collections::HashMap;

use alloy::primitives::{B256, Keccak256, keccak256};

/// Why a tree or a proof cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MerkleError {
    /// A tree of no leaves has no root.
    #[error("a Merkle tree needs at least one leaf: leave the root unposted until there is one")]
    Empty,
    /// The leaf was not among those that the tree was built from.
    #[error("leaf {0} is not in this tree: build its proof from the tree whose root was posted")]
    UnknownLeaf(B256),
}

/// The leaf for a value encoded as Solidity's `abi.encode` encodes it: `keccak256(keccak256(bytes))`.
#[must_use]
pub fn leaf_hash(abi_encoded: &[u8]) -> B256 {
    keccak256(keccak256(abi_encoded))
}

/// The root over `leaves`, in any order: the same as [`MerkleTree::root`].
///
/// # Errors
/// [`MerkleError::Empty`] where there is no leaf.
pub fn root(leaves: &[B256]) -> Result<B256, MerkleError> {
    MerkleTree::new(leaves.to_vec()).map(|tree| tree.root())
}

/// Whether `proof` leads from `leaf` to `root`, as `MerkleProof.verify` decides it.
#[must_use]
pub fn verify(root: B256, leaf: B256, proof: &[B256]) -> bool {
    proof.iter().fold(leaf, |node, sibling| hash_pair(node, *sibling)) == root
}

/// A tree over a set of leaves. Depends on the leaves alone, not on their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerkleTree {
    nodes: Vec<B256>,
    positions: HashMap<B256, usize>,
}

impl MerkleTree {
    /// Builds the tree. A single leaf is its own root and has an empty proof.
    ///
    /// # Errors
    /// [`MerkleError::Empty`] where there is no leaf.
    pub fn new(mut leaves: Vec<B256>) -> Result<Self, MerkleError> {
        if leaves.is_empty() {
            return Err(MerkleError::Empty);
        }
        leaves.sort_unstable();
        let last = 2 * leaves.len() - 2;
        let mut nodes = vec![B256::ZERO; last + 1];
        let mut positions = HashMap::with_capacity(leaves.len());
        for (index, leaf) in leaves.iter().enumerate() {
            nodes[last - index] = *leaf;
            positions.insert(*leaf, last - index);
        }
        for parent in (0..leaves.len() - 1).rev() {
            nodes[parent] = hash_pair(nodes[2 * parent + 1], nodes[2 * parent + 2]);
        }
        Ok(Self { nodes, positions })
    }

    /// What is posted on the ledger.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.nodes[0]
    }

    /// The siblings from `leaf` up to the root.
    ///
    /// # Errors
    /// [`MerkleError::UnknownLeaf`] where the tree has no such leaf.
    pub fn proof(&self, leaf: B256) -> Result<Vec<B256>, MerkleError> {
        let mut at = *self.positions.get(&leaf).ok_or(MerkleError::UnknownLeaf(leaf))?;
        let mut siblings = Vec::new();
        while at > 0 {
            let sibling = if at % 2 == 1 { at + 1 } else { at - 1 };
            siblings.push(self.nodes[sibling]);
            at = (at - 1) / 2;
        }
        Ok(siblings)
    }
}

fn hash_pair(a: B256, b: B256) -> B256 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    let mut hasher = Keccak256::new();
    hasher.update(low);
    hasher.update(high);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use alloy::primitives::{Address, U256, b256};
    use alloy::sol_types::SolValue;
    use proptest::prelude::*;

    use super::*;

    fn leaves(count: usize) -> Vec<B256> {
        (0..count as u64).map(|n| leaf_hash(&U256::from(n).abi_encode())).collect()
    }

    // The example in the README of OpenZeppelin's merkle-tree package.
    #[test]
    fn root_and_proof_equal_those_published_by_openzeppelin() {
        let leaf = |byte: u8, wei: u64| {
            leaf_hash(&(Address::repeat_byte(byte), U256::from(wei)).abi_encode())
        };
        let first = leaf(0x11, 5_000_000_000_000_000_000);
        let second = leaf(0x22, 2_500_000_000_000_000_000);
        let tree = MerkleTree::new(vec![first, second]).unwrap();

        let published = b256!("d4dee0beab2d53f2cc83e567171bd2820e49898130a22622b10ead383e90bd77");
        let sibling = b256!("b92c48e9d7abe27fd8dfd6b5dfdbfb1c9a463f80c712b66f3a5180a090cccafc");
        assert_eq!(tree.root(), published);
        assert_eq!(tree.proof(first).unwrap(), vec![sibling]);
    }

    #[test]
    fn a_single_leaf_is_its_own_root() {
        let leaf = leaves(1)[0];
        let tree = MerkleTree::new(vec![leaf]).unwrap();
        assert_eq!(tree.root(), leaf);
        assert!(verify(leaf, leaf, &tree.proof(leaf).unwrap()));
    }

    #[test]
    fn no_leaves_and_unknown_leaves_are_errors() {
        assert_eq!(root(&[]), Err(MerkleError::Empty));
        let stranger = B256::repeat_byte(7);
        let tree = MerkleTree::new(leaves(5)).unwrap();
        assert_eq!(tree.proof(stranger), Err(MerkleError::UnknownLeaf(stranger)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn every_leaf_proves_and_nothing_else_does(count in 1usize..200, flip in 0usize..32) {
            let leaves = leaves(count);
            let tree = MerkleTree::new(leaves.clone()).unwrap();
            for leaf in &leaves {
                let proof = tree.proof(*leaf).unwrap();
                prop_assert!(verify(tree.root(), *leaf, &proof));
                let mut forged = *leaf;
                forged[flip] ^= 1;
                prop_assert!(!verify(tree.root(), forged, &proof));
                if let Some((_, short)) = proof.split_last() {
                    prop_assert!(!verify(tree.root(), *leaf, short));
                }
            }
        }

        #[test]
        fn the_root_does_not_depend_on_the_order(count in 1usize..60, turn in 0usize..60) {
            let mut turned = leaves(count);
            turned.rotate_left(turn % count);
            prop_assert_eq!(root(&turned), root(&leaves(count)));
        }
    }
}
