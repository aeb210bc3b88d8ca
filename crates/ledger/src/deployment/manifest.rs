//! What was deployed, for everybody who wants to check it: where, which code, with which arguments, who may do what.

use std::collections::BTreeMap;

use alloy::json_abi::{JsonAbi, StateMutability};
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, FixedBytes, keccak256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::TransactionRequest;
use alloy::transports::TransportError;
use caduceus_contracts::catalog;
use serde::{Deserialize, Serialize};

use super::places::{self, Addresses, MODULES};
use super::plan::{Step, plan};
use super::{DeploymentError, Parameters, settings};
use crate::Ledger;

/// A deployment, written down when it was finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The layout of this file; 1.
    pub version: u32,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// Who deployed, and keeps nothing.
    pub deployer: Address,
    /// Every contract.
    pub contracts: Vec<Deployed>,
    /// Functions that others than governance may call.
    pub functions: Vec<FunctionRole>,
    /// Who has which role.
    pub holders: Vec<Holder>,
}

/// A contract that was deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployed {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// Hash of the code that runs there (keccak-256); of a module, of its proxy's.
    pub code_hash: B256,
    /// The code behind a module's proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implementation: Option<Implementation>,
    /// Hash of the creation code without arguments, which tells from which build it is.
    pub creation_code_hash: B256,
    /// What its constructor was given, or its implementation's, ABI-encoded.
    pub constructor_arguments: Bytes,
    /// The call that initialized a module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<Bytes>,
    /// The contracts that it works with, by the function that tells.
    pub links: BTreeMap<String, Address>,
}

/// The code behind a module's proxy (ERC-1967).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Implementation {
    /// Where it is.
    pub address: Address,
    /// Hash of the code that runs there.
    pub code_hash: B256,
}

/// A function and the role that may call it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunctionRole {
    /// The contract's name.
    pub contract: String,
    /// The function's signature.
    pub function: String,
    /// Its first four bytes on the wire.
    pub selector: FixedBytes<4>,
    /// The role's number.
    pub role: u64,
    /// The role's name.
    pub role_name: String,
}

/// Who has a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The role's number.
    pub role: u64,
    /// The role's name.
    pub role_name: String,
    /// Who has it.
    pub account: Address,
}

/// Writes down the finished deployment of `deployer`: the plan, and the code that the chain has.
///
/// # Errors
/// [`DeploymentError::Rpc`].
pub async fn manifest(
    ledger: &Ledger,
    deployer: Address,
    parameters: &Parameters,
) -> Result<Manifest, DeploymentError> {
    let at = Addresses::of(deployer);
    let steps = plan(&at, deployer, parameters);
    let provider = ledger.provider();
    let mut contracts = Vec::new();
    for (name, address) in at.named() {
        let created = steps.iter().filter_map(|step| Some((step, step.created.as_ref()?)));
        let (_, (_, arguments)) = created
            .clone()
            .find(|(_, (contract, _))| *contract == name)
            .expect("every contract is created by the plan");
        let implementation = match places::implementation(deployer, name) {
            Some(address) => {
                Some(Implementation { address, code_hash: code_hash(&provider, address).await? })
            }
            None => None,
        };
        let contract = catalog::contract(name).expect("every contract has an artifact");
        contracts.push(Deployed {
            name: name.to_owned(),
            address,
            code_hash: code_hash(&provider, address).await?,
            implementation,
            creation_code_hash: keccak256(&contract.bytecode),
            constructor_arguments: arguments.clone(),
            initialization: initialization(&steps, name),
            links: links(&provider, &contract.abi, address).await?,
        });
    }
    Ok(Manifest {
        version: 1,
        chain_id: ledger.chain_id(),
        deployer,
        contracts,
        functions: functions(&at),
        holders: holders(&at, parameters),
    })
}

/// The call that a module's proxy was created with.
fn initialization(steps: &[Step], name: &str) -> Option<Bytes> {
    use alloy::sol_types::{SolConstructor, SolType};
    use caduceus_contracts::ERC1967Proxy::constructorCall;
    if !MODULES.contains(&name) {
        return None;
    }
    let proxy = steps.iter().find(|step| step.name == name)?;
    let (_, arguments) = proxy.created.as_ref()?;
    // The arguments are those that the plan encoded.
    <constructorCall as SolConstructor>::Parameters::abi_decode_params(arguments)
        .ok()
        .map(|(_, data)| data)
}

fn functions(at: &Addresses) -> Vec<FunctionRole> {
    let name_at = |address: Address| {
        at.named().into_iter().find(|(_, known)| *known == address).map_or("", |(name, _)| name)
    };
    let mut all = Vec::new();
    for (target, selectors, role) in settings::guarded(at) {
        let name = name_at(target);
        let contract = catalog::contract(name).expect("every contract has an artifact");
        for selector in selectors {
            let function = contract.abi.function_by_selector(selector.into());
            all.push(FunctionRole {
                contract: name.to_owned(),
                function: function.map(|one| one.signature()).unwrap_or_default(),
                selector: selector.into(),
                role,
                role_name: settings::role_name(role).to_owned(),
            });
        }
    }
    all
}

fn holders(at: &Addresses, parameters: &Parameters) -> Vec<Holder> {
    let holder =
        |(role, account)| Holder { role, role_name: settings::role_name(role).to_owned(), account };
    settings::grants(at, parameters).into_iter().map(holder).collect()
}

pub(super) async fn code_hash(
    provider: &DynProvider,
    address: Address,
) -> Result<B256, TransportError> {
    Ok(keccak256(provider.get_code_at(address).await?))
}

/// The addresses that a contract gives without being asked for anything in particular: the contracts that it works with.
pub(super) async fn links(
    provider: &DynProvider,
    abi: &JsonAbi,
    address: Address,
) -> Result<BTreeMap<String, Address>, TransportError> {
    let mut links = BTreeMap::new();
    let asks_nothing = abi.functions().filter(|function| {
        function.inputs.is_empty()
            && matches!(function.state_mutability, StateMutability::View | StateMutability::Pure)
            && matches!(&function.outputs[..], [one] if one.ty == "address")
    });
    for function in asks_nothing {
        let request =
            TransactionRequest::default().with_to(address).with_input(function.selector().to_vec());
        // A function that refuses to answer tells of no contract.
        let Ok(answer) = provider.call(request).await else { continue };
        if answer.len() == 32 {
            links.insert(function.name.clone(), Address::from_slice(&answer[12..]));
        }
    }
    Ok(links)
}
