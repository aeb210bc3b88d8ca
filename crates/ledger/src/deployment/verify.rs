//! Whether a chain holds what a manifest says: the code, the contracts that each works with, who may do what, and that
//! whoever deployed has no power left.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::Filter;
use caduceus_contracts as c;
use caduceus_contracts::catalog;
use serde::Serialize;

use super::manifest::{Manifest, code_hash, links};
use super::settings::{ADMIN, role_name};
use super::{Deployed, DeploymentError};
use crate::Ledger;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether the chain holds what the manifest says.
    pub verified: bool,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// Contracts that were looked at.
    pub contracts: usize,
    /// Single facts that were compared.
    pub facts: usize,
    /// The first that differs, as a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
}

/// Facts that were compared, until one differs.
#[derive(Default)]
struct Facts {
    compared: usize,
    difference: Option<String>,
}

impl Facts {
    /// Compares; `says` is the sentence for a difference.
    fn hold(&mut self, holds: bool, says: impl FnOnce() -> String) {
        self.compared += 1;
        if !holds && self.difference.is_none() {
            self.difference = Some(says());
        }
    }

    fn differ(&self) -> bool {
        self.difference.is_some()
    }
}

/// Compares a chain with a manifest, up to the first difference. What governance changed since then is a difference too.
///
/// # Errors
/// [`DeploymentError::Rpc`] where the chain does not answer.
pub async fn verify(ledger: &Ledger, manifest: &Manifest) -> Result<Verification, DeploymentError> {
    let (provider, mut facts) = (ledger.provider(), Facts::default());
    facts.hold(ledger.chain_id() == manifest.chain_id, || {
        format!("this is chain {}, and the manifest is of {}", ledger.chain_id(), manifest.chain_id)
    });
    for contract in &manifest.contracts {
        if !facts.differ() {
            code(&provider, contract, &mut facts).await?;
        }
    }
    let manager = manifest.contracts.iter().find(|one| one.name == "AccessManager");
    match manager {
        _ if facts.differ() => {}
        None => facts.hold(false, || "the manifest names no AccessManager".to_owned()),
        Some(manager) => {
            roles(&provider, manager.address, manifest, &mut facts).await?;
            powerless(&provider, manager.address, manifest, &mut facts).await?;
        }
    }
    Ok(Verification {
        verified: !facts.differ(),
        chain_id: ledger.chain_id(),
        contracts: manifest.contracts.len(),
        facts: facts.compared,
        difference: facts.difference,
    })
}

/// The code of a contract, the code behind it, and the contracts that it works with.
async fn code(
    provider: &DynProvider,
    contract: &Deployed,
    facts: &mut Facts,
) -> Result<(), DeploymentError> {
    let (name, at) = (&contract.name, contract.address);
    let found = code_hash(provider, at).await?;
    facts.hold(found != keccak256([]), || format!("there is no code of {name} at {at}"));
    facts.hold(found == contract.code_hash, || {
        format!("the code of {name} at {at} has hash {found}, not {}", contract.code_hash)
    });
    if let Some(behind) = &contract.implementation {
        // ERC-1967: keccak256("eip1967.proxy.implementation") - 1.
        let slot = U256::from_be_bytes(keccak256("eip1967.proxy.implementation").0) - U256::ONE;
        let word = B256::from(provider.get_storage_at(at, slot).await?);
        let stands = Address::from_word(word);
        facts.hold(stands == behind.address, || {
            format!("{name} runs the code at {stands}, not at {}: it was upgraded", behind.address)
        });
        let found = code_hash(provider, behind.address).await?;
        facts.hold(found == behind.code_hash, || {
            format!("the code behind {name} has hash {found}, not {}", behind.code_hash)
        });
    }
    let Some(known) = catalog::contract(name) else {
        facts.hold(false, || format!("this program knows no contract {name}"));
        return Ok(());
    };
    facts.hold(keccak256(&known.bytecode) == contract.creation_code_hash, || {
        format!("{name} was built from other sources than this program's")
    });
    let found = links(provider, &known.abi, at).await?;
    for (function, expected) in &contract.links {
        let stands = found.get(function);
        facts.hold(stands == Some(expected), || match stands {
            Some(other) => format!("{name}.{function}() is {other}, not {expected}"),
            None => format!("{name}.{function}() does not answer"),
        });
    }
    Ok(())
}

/// The role of every function that changes something, and who has each role.
async fn roles(
    provider: &DynProvider,
    manager: Address,
    manifest: &Manifest,
    facts: &mut Facts,
) -> Result<(), DeploymentError> {
    let access = c::AccessManager::new(manager, provider);
    for contract in &manifest.contracts {
        let Some(known) = catalog::contract(&contract.name) else { continue };
        for function in known.changing() {
            let selector = function.selector();
            let set = manifest
                .functions
                .iter()
                .find(|one| one.contract == contract.name && one.selector == selector);
            let expected = set.map_or(ADMIN, |one| one.role);
            let asked = access.getTargetFunctionRole(contract.address, selector).call().await;
            let found = asked.unwrap_or(u64::MAX);
            facts.hold(found == expected, || {
                format!(
                    "{}.{} may be called by {}, not by {}",
                    contract.name,
                    function.signature(),
                    role_name(found),
                    role_name(expected)
                )
            });
        }
    }
    let held = held_roles(provider, manager).await?;
    for holder in &manifest.holders {
        facts.hold(held.contains(&(holder.role, holder.account)), || {
            format!("{} does not have the role {}", holder.account, holder.role_name)
        });
    }
    for (role, account) in held {
        let known = manifest.holders.iter().any(|one| (one.role, one.account) == (role, account));
        facts.hold(known, || {
            format!("{account} has the role {}, which the manifest does not give", role_name(role))
        });
    }
    Ok(())
}

/// Who has which role, told by every grant and revocation that ever was.
async fn held_roles(
    provider: &DynProvider,
    manager: Address,
) -> Result<BTreeSet<(u64, Address)>, DeploymentError> {
    let logs = provider.get_logs(&Filter::new().address(manager).from_block(0)).await?;
    let mut held = BTreeSet::new();
    for log in logs {
        if let Ok(granted) = log.log_decode::<c::AccessManager::RoleGranted>() {
            held.insert((granted.inner.data.roleId, granted.inner.data.account));
        } else if let Ok(revoked) = log.log_decode::<c::AccessManager::RoleRevoked>() {
            held.remove(&(revoked.inner.data.roleId, revoked.inner.data.account));
        }
    }
    Ok(held)
}

/// The deployer has no role, and the timelock obeys the governor only.
async fn powerless(
    provider: &DynProvider,
    manager: Address,
    manifest: &Manifest,
    facts: &mut Facts,
) -> Result<(), DeploymentError> {
    let deployer = manifest.deployer;
    let access = c::AccessManager::new(manager, provider);
    let roles: BTreeSet<u64> = manifest.holders.iter().map(|holder| holder.role).collect();
    for role in roles {
        let held = access.hasRole(role, deployer).call().await;
        facts.hold(held.is_ok_and(|held| !held.isMember), || {
            format!("the deployer {deployer} still has the role {}", role_name(role))
        });
    }
    let place =
        |name: &str| manifest.contracts.iter().find(|one| one.name == name).map(|one| one.address);
    let (Some(timelock), Some(governor)) =
        (place("TimelockController"), place("CooperativeGovernor"))
    else {
        facts.hold(false, || "the manifest names no timelock or no governor".to_owned());
        return Ok(());
    };
    let hand = c::TimelockController::new(timelock, provider);
    let proposer = keccak256("PROPOSER_ROLE");
    for (role, account, expected, says) in [
        (B256::ZERO, deployer, false, "the deployer administers the timelock"),
        (proposer, deployer, false, "the deployer can propose to the timelock"),
        (proposer, governor, true, "the governor cannot propose to the timelock"),
        (B256::ZERO, timelock, true, "the timelock does not administer itself"),
    ] {
        let held = hand.hasRole(role, account).call().await;
        facts.hold(held.is_ok_and(|held| held == expected), || says.to_owned());
    }
    Ok(())
}
