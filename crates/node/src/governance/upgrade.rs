//! New code behind a module: checked first, then put to the vote.

use std::path::Path;

use alloy::primitives::{Bytes, keccak256};
use alloy::sol_types::SolCall;
use caduceus_contracts::HealthDataPool::upgradeToAndCallCall;
use caduceus_contracts::catalog::{self, Contract};
use caduceus_ledger::deployment::Manifest;

use super::{Proposal, propose};
use crate::error::{NodeError, Result};
use crate::genesis;
use crate::member::Member;
use crate::node::Node;

/// A member proposes that the module `name` runs the code of an artifact, as `cargo xtask contracts` writes it.
///
/// The code is created with the arguments that the present code was created with. It is refused before anything is sent
/// where it would not find what is stored in its place.
///
/// # Errors
/// [`NodeError::Definition`] for an artifact that cannot take the place of the present code.
pub async fn propose_upgrade(
    node: &Node,
    proposer: &Member,
    name: &str,
    artifact: &Path,
) -> Result<Proposal> {
    let known = catalog::contracts().iter().map(|contract| contract.name.as_str());
    let present =
        catalog::contract(name).ok_or_else(|| NodeError::unknown("contract", name, known))?;
    let new = read(name, artifact)?;
    check(present, &new)?;
    let text = std::fs::read_to_string(node.home.manifest())
        .map_err(|error| NodeError::file("read", &node.home.manifest(), error))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| NodeError::Damaged {
        path: node.home.manifest(),
        what: error.to_string(),
    })?;
    let deployed = manifest.contracts.iter().find(|one| one.name == name);
    let deployed = deployed.ok_or_else(|| NodeError::Damaged {
        path: node.home.manifest(),
        what: format!("it does not name {name}"),
    })?;
    let code: Bytes = [&new.bytecode[..], &deployed.constructor_arguments].concat().into();
    let relay = node.key(genesis::RELAY);
    let key = format!("upgrade/{name}/{}", keccak256(&code));
    let what = format!("new code for {name}");
    let implementation = node.create_contract(&what, &key, &relay, code).await?;
    let call =
        upgradeToAndCallCall { newImplementation: implementation, data: Bytes::new() }.abi_encode();
    let what = format!("{name} runs the code at {implementation} from now on");
    propose(node, proposer, &what, deployed.address, call.into()).await
}

fn read(name: &str, path: &Path) -> Result<Contract> {
    let text =
        std::fs::read_to_string(path).map_err(|error| NodeError::file("read", path, error))?;
    Contract::read(name, &text).map_err(|error| {
        NodeError::Definition(format!(
            "{} is no artifact: {error}; `cargo xtask contracts` writes them",
            path.display()
        ))
    })
}

/// Refuses code that cannot take the place of the present one.
fn check(present: &Contract, new: &Contract) -> Result<()> {
    let name = &present.name;
    let refuse = |why: String| Err(NodeError::Definition(why));
    let upgrades = |contract: &Contract| contract.abi.function("upgradeToAndCall").is_some();
    if !upgrades(present) {
        return refuse(format!("{name} holds what people own and cannot be upgraded"));
    }
    if !upgrades(new) || new.storage.is_empty() {
        return refuse("the artifact is of no module: it could never be upgraded again".to_owned());
    }
    let arguments = |contract: &Contract| -> Vec<String> {
        let constructor = contract.abi.constructor.as_ref();
        let inputs = constructor.map(|one| one.inputs.clone()).unwrap_or_default();
        inputs.iter().map(|input| input.selector_type().into_owned()).collect()
    };
    if arguments(present) != arguments(new) {
        return refuse(format!("the constructor of the new {name} takes other arguments"));
    }
    match catalog::incompatibility(&present.storage, &new.storage) {
        Some(difference) => refuse(format!(
            "the new {name} would not find what is stored in its place: {difference}; add members at the end only"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn artifact(name: &str) -> Contract {
        let (_, text) =
            caduceus_contracts::ARTIFACTS.iter().find(|(known, _)| *known == name).unwrap();
        Contract::read(name, text).unwrap()
    }

    #[test]
    fn code_that_moves_what_is_stored_is_refused() {
        let present = artifact("DatasetLending");
        check(&present, &artifact("DatasetLending")).unwrap();
        let mut more = artifact("DatasetLending");
        more.storage[0].members.push("later: uint256".into());
        check(&present, &more).unwrap();
        let mut moved = artifact("DatasetLending");
        moved.storage[0].members.swap(0, 1);
        let refusal = check(&present, &moved).unwrap_err();
        assert!(refusal.to_string().contains("loanCount: uint256"), "{refusal}");
        assert_eq!(refusal.exit_code(), 2);
        let other = check(&present, &artifact("ServiceDesk")).unwrap_err();
        assert!(other.to_string().contains("other arguments"), "{other}");
        let token = artifact("DataToken");
        assert!(check(&token, &token).unwrap_err().to_string().contains("cannot be upgraded"));
    }
}
