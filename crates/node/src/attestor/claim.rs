//! The statements of the ledger's kinds (`Kinds.sol`), each hashed as its contract hashes it.

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolValue;
use caduceus_contracts::ComputeMarket::Job;
use caduceus_contracts::ContributionRewards::Contribution;

use super::wire::{Gift, Traits};

/// A statement that attestors are asked to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(super) kind: B256,
    pub(super) subject: B256,
    pub(super) payload: B256,
}

fn word(number: u64) -> B256 {
    U256::from(number).into()
}

impl Claim {
    /// A statement of `kind` (its name in `Kinds.sol`) about `subject`, bound to the hash of its ABI-encoded content.
    pub(crate) fn new(kind: &str, subject: B256, content: &[u8]) -> Claim {
        Claim { kind: keccak256(kind), subject, payload: keccak256(content) }
    }

    /// `MembershipToken.join`.
    pub(crate) fn identity(member: Address, person: B256, did_hash: B256) -> Claim {
        Claim::new("IDENTITY", person, &(member, person, did_hash).abi_encode_params())
    }

    /// `ComputeMarket.verify`.
    pub(crate) fn delivery(id: u64, job: &Job) -> Claim {
        let (spent, counter) = (U256::from(job.spentEpsilonMilli), U256::from(job.consentCounter));
        let content = (U256::from(id), job.resultHash, spent, counter);
        Claim::new("DELIVERY", word(id), &content.abi_encode_params())
    }

    /// `MemberClaims.postRoot`.
    pub(crate) fn contribution(dataset: u64, root: B256, total: U256) -> Claim {
        let content = (U256::from(dataset), root, total).abi_encode_params();
        Claim::new("CONTRIBUTION", word(dataset), &content)
    }

    /// `DatasetExchange.setFeatures`.
    pub(crate) fn features(dataset: u64, traits: &Traits) -> Claim {
        let Traits { completeness, rarity, sensitivity, breadth } = *traits;
        let content = (U256::from(dataset), completeness, rarity, sensitivity, breadth);
        Claim::new("FEATURES", word(dataset), &content.abi_encode_params())
    }

    /// `ContributionRewards.reward`.
    pub(crate) fn points(person: B256, gift: &Gift) -> Claim {
        Claim::new("POINTS", person, &Contribution::from(gift).abi_encode())
    }

    /// `MeteredLicence.settle`, by the licences at `contract`.
    pub(crate) fn usage(contract: Address, meter: u64, units: u64, last: bool) -> Claim {
        let content = (contract, U256::from(meter), units, last).abi_encode_params();
        Claim::new("USAGE", word(meter), &content)
    }

    /// `DatasetLending.giveBack`, by the lending at `contract`.
    pub(crate) fn deletion(contract: Address, loan: u64, dataset: U256, deleted: B256) -> Claim {
        let content = (contract, U256::from(loan), dataset, deleted).abi_encode_params();
        Claim::new("DELETION", word(loan), &content)
    }

    /// `TransferAgreement.deliver`, by the agreements at `contract`.
    pub(crate) fn transfer(
        contract: Address,
        agreement: u64,
        document: B256,
        delivery: B256,
    ) -> Claim {
        let content = (contract, U256::from(agreement), document, delivery).abi_encode_params();
        Claim::new("TRANSFER", word(agreement), &content)
    }

    /// `ValidatorPool.rule`.
    pub(crate) fn verdict(check: u64, report: B256, wrong: bool) -> Claim {
        let content = (U256::from(check), report, wrong).abi_encode_params();
        Claim::new("VERDICT", word(check), &content)
    }

    /// `VestingVault.recordUse`.
    pub(crate) fn approved_use(dataset: u64, job: u64, approval: B256) -> Claim {
        let content = (U256::from(dataset), U256::from(job), approval).abi_encode_params();
        Claim::new("USE", word(dataset), &content)
    }
}
