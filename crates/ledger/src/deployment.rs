//! Brings the contracts to a ledger, once, resumably, and leaves no power with the deployer.
//!
//! One key deploys, and it does nothing else. Its address and a nonce give the address of every contract before the
//! first is there, so that contracts can name each other as immutables; and the nonce it has reached tells how much of
//! the plan is done, so that a deployment that was cut off goes on where it stopped, on any chain.
//!
//! The plan ends with the timelock as the only admin of the access manager. Until then the deployer sets what
//! governance sets later: rules, prices, roles.

mod governor;
mod manifest;
mod parameters;
mod places;
mod plan;
mod settings;
mod verify;

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, U256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall;
use caduceus_contracts as c;

use crate::{Ledger, Outbox, OutboxError};
use plan::{Step, plan};
use settings::{ADMIN, MINTER};

pub use manifest::{Deployed, FunctionRole, Holder, Implementation, Manifest, manifest};
pub use parameters::{CurveTerms, Parameters};
pub use places::Addresses;
pub use settings::role_name;
pub use verify::{Verification, verify};

/// A finished deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Where the contracts are.
    pub addresses: Addresses,
    /// Gas used by the transactions that this run sent; nothing if the contracts were there.
    pub gas_used: u64,
}

/// Why a deployment could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// A transaction failed.
    #[error("the deployment stopped at `{step}`: {reason}; run the same command again to go on")]
    Step {
        /// Which one.
        step: String,
        /// Why, in words.
        reason: String,
    },
    /// The deployer cannot pay for gas.
    #[error(
        "the deployment stopped at `{step}`: the deployer's account {account} has too little ether for gas ({message}); run the same command again when it has some"
    )]
    NoEther {
        /// Which transaction.
        step: String,
        /// The deployer.
        account: Address,
        /// The node's words.
        message: String,
    },
    /// The chain does not answer.
    #[error("the ledger did not answer: {}; check that it runs and can be reached", crate::failure(.0))]
    Rpc(#[from] alloy::transports::TransportError),
    /// The deployer's account did something else.
    #[error(
        "the deployer's account {0} was used for something else on this chain; start a new home with another seed"
    )]
    Foreign(Address),
}

/// The finished deployment of `deployer`, if there is one. Reads only.
pub async fn find(
    ledger: &Ledger,
    deployer: Address,
    parameters: &Parameters,
) -> Result<Option<Deployment>, DeploymentError> {
    let addresses = Addresses::of(deployer);
    let steps = plan(&addresses, deployer, parameters);
    if ledger.provider().get_transaction_count(deployer).await? < steps.len() as u64 {
        return Ok(None);
    }
    require_created(ledger, deployer, steps.iter()).await?;
    require_handed_over(ledger, deployer, &addresses).await?;
    Ok(Some(Deployment { addresses, gas_used: 0 }))
}

/// Deploys what is not there yet. `deployer` needs ether for gas and must be used for nothing else.
pub async fn deploy(
    ledger: &Ledger,
    outbox: &Outbox,
    deployer: &PrivateKeySigner,
    parameters: &Parameters,
    progress: impl Fn(u64, u64),
) -> Result<Deployment, DeploymentError> {
    let addresses = Addresses::of(deployer.address());
    let steps = plan(&addresses, deployer.address(), parameters);
    let done = ledger.provider().get_transaction_count(deployer.address()).await?;
    require_created(ledger, deployer.address(), steps.iter().take(done as usize)).await?;
    let mut gas_used = 0;
    for (index, step) in steps.iter().enumerate().skip(done as usize) {
        let key = format!("deploy/{index}");
        let outcome =
            outbox.submit(ledger, &key, deployer, step.to, step.data.clone(), U256::ZERO).await;
        let receipt = outcome.map_err(|error| match error.lacks_ether() {
            Some(message) => DeploymentError::NoEther {
                step: step.name.clone(),
                account: deployer.address(),
                message: message.into(),
            },
            None => DeploymentError::Step { step: step.name.clone(), reason: explain(error) },
        })?;
        let expected = step.to.is_none().then(|| deployer.address().create(index as u64));
        if receipt.contract_address != expected {
            return Err(DeploymentError::Foreign(deployer.address()));
        }
        gas_used += receipt.gas_used;
        progress(index as u64 + 1, steps.len() as u64);
    }
    require_handed_over(ledger, deployer.address(), &addresses).await?;
    Ok(Deployment { addresses, gas_used })
}

/// A nonce that did something else than to create its contract left the contract's place empty.
async fn require_created(
    ledger: &Ledger,
    deployer: Address,
    done: impl Iterator<Item = &Step>,
) -> Result<(), DeploymentError> {
    for (nonce, _) in done.enumerate().filter(|(_, step)| step.to.is_none()) {
        if ledger.provider().get_code_at(deployer.create(nonce as u64)).await?.is_empty() {
            return Err(DeploymentError::Foreign(deployer));
        }
    }
    Ok(())
}

/// A nonce that did something else than to give power away left it with the deployer.
async fn require_handed_over(
    ledger: &Ledger,
    deployer: Address,
    at: &Addresses,
) -> Result<(), DeploymentError> {
    for (role, account, expected) in
        [(ADMIN, at.timelock, true), (ADMIN, deployer, false), (MINTER, deployer, false)]
    {
        let call = c::AccessManager::hasRoleCall { roleId: role, account };
        let request =
            TransactionRequest::default().with_to(at.access_manager).with_input(call.abi_encode());
        let answer = ledger.provider().call(request).await?;
        let held = c::AccessManager::hasRoleCall::abi_decode_returns(&answer);
        if !held.is_ok_and(|held| held.isMember == expected) {
            return Err(DeploymentError::Foreign(deployer));
        }
    }
    Ok(())
}

fn explain(error: OutboxError) -> String {
    match error {
        OutboxError::Reverted { data, message } => c::explain(&data).unwrap_or(message),
        other => other.to_string(),
    }
}
