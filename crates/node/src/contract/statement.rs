//! Statements that somebody signs and anybody carries to the ledger (EIP-712): as one JSON file.

use alloy::dyn_abi::{DynSolValue, TypedData};
use alloy::json_abi::{Function, Param};
use alloy::primitives::{Address, Bytes, U256};
use alloy::signers::SignerSync;
use caduceus_contracts::MembershipToken;
use caduceus_contracts::catalog::{self, Contract};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::accounts::Sender;
use super::values::{as_json, read_arguments, spoken};
use super::{Call, Sent, find, place, send};
use crate::error::{NodeError, Result};
use crate::genesis;
use crate::node::Node;

/// A function that takes a signed statement: where, which, and the statement's fields with their types, as the contract
/// hashes them. A field has the value of the argument of its name; `nonce` that of the signer's next.
const RELAYABLE: [(&str, &str, &str); 9] = [
    ("MembershipToken", "resignBySig", "Resign(address member,uint256 nonce,uint64 deadline)"),
    (
        "ConsentRegistry",
        "grantFor",
        "Grant(address member,address custodian,address grantee,uint256 classes,uint256 purposes,uint256 jurisdictions,uint64 expiry,bytes32 documentHash,uint256 nonce,uint64 deadline)",
    ),
    (
        "ConsentRegistry",
        "revokeBySig",
        "Revoke(address member,uint256 grantId,uint256 nonce,uint64 deadline)",
    ),
    (
        "ConsentRegistry",
        "revokeAllBySig",
        "RevokeAll(address member,address custodian,uint256 nonce,uint64 deadline)",
    ),
    (
        "CooperativeGovernor",
        "castVoteBySig",
        "Ballot(uint256 proposalId,uint8 support,address voter,uint256 nonce)",
    ),
    (
        "CooperativeGovernor",
        "castVoteWithReasonAndParamsBySig",
        "ExtendedBallot(uint256 proposalId,uint8 support,address voter,uint256 nonce,string reason,bytes params)",
    ),
    ("Signalling", "deliver", "Ballot(uint256 pollId,address voter,uint8 option)"),
    (
        "",
        "permit",
        "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
    ),
    ("", "delegateBySig", "Delegation(address delegatee,uint256 nonce,uint256 expiry)"),
];

/// Arguments that a signature takes the place of.
const SIGNATURE: [&str; 4] = ["signature", "v", "r", "s"];

/// A signed statement with the call that carries it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The contract's name.
    pub contract: String,
    /// Where it is.
    pub address: Address,
    /// The chain (EIP-155).
    pub chain_id: u64,
    /// The function's signature.
    pub function: String,
    /// The call that carries it, signature included.
    pub call: Bytes,
    /// Who signed.
    pub signer: Address,
    /// What was signed (EIP-712).
    pub statement: Value,
}

/// Signs the statement that `function` takes, with the arguments that the function has but for the signature. Sends
/// nothing.
///
/// # Errors
/// [`NodeError::Definition`] for a function that takes no statement, or arguments that do not fit.
pub async fn sign(
    node: &Node,
    contract: &str,
    function: &str,
    arguments: &[String],
    sender: &Sender,
) -> Result<Statement> {
    let contract = find(contract)?;
    let (function, layout) = relayable(contract, function)?;
    let signed: Vec<&Param> = function.inputs.iter().filter(|input| !is_signature(input)).collect();
    if signed.len() != arguments.len() {
        return Err(NodeError::Definition(format!(
            "{} arguments were given; leave the signature out of {}",
            arguments.len(),
            spoken(function)
        )));
    }
    let without = Function { inputs: signed.into_iter().cloned().collect(), ..function.clone() };
    let values = read_arguments(node, &without, arguments)?;
    let at = place(node, &contract.name)?;
    let given = flattened(&without.inputs, &values);
    let signer = sender.address();
    let message = message(node, layout, &given, at, signer).await?;
    let statement = typed_data(node, layout, message, at).await?;
    let typed: TypedData = serde_json::from_value(statement.clone())
        .map_err(|error| NodeError::Definition(format!("the statement cannot be made: {error}")))?;
    let hash = typed
        .eip712_signing_hash()
        .map_err(|error| NodeError::Definition(format!("the statement cannot be made: {error}")))?;
    let signature = sender.signer.sign_hash_sync(&hash).expect("a key in memory signs any hash");
    let call = Call::new(
        node,
        contract,
        function,
        with_signature(function, values, &signature.as_bytes()),
        U256::ZERO,
    )?;
    Ok(Statement {
        contract: contract.name.clone(),
        address: at,
        chain_id: node.chain_id(),
        function: function.signature(),
        call: call.data,
        signer,
        statement,
    })
}

/// Carries a signed statement to the ledger; the relay of this home pays for it.
///
/// # Errors
/// [`NodeError::Definition`] for a statement that is not for this ledger, [`NodeError::Refused`] with the contract's
/// reason.
pub async fn carry(node: &Node, statement: &Statement) -> Result<Sent> {
    let wrong = |why: String| Err(NodeError::Definition(format!("the statement {why}")));
    if statement.chain_id != node.chain_id() {
        return wrong(format!(
            "is for chain {}, and this is chain {}",
            statement.chain_id,
            node.chain_id()
        ));
    }
    let contract = find(&statement.contract)?;
    let at = place(node, &contract.name)?;
    if at != statement.address {
        return wrong(format!(
            "is for {} at {}, and here it is at {at}",
            contract.name, statement.address
        ));
    }
    let (function, _) = relayable(contract, &statement.function)?;
    if statement.call.get(..4) != Some(function.selector().as_slice()) {
        return wrong(format!("does not call {}", statement.function));
    }
    let call = Call {
        contract,
        function,
        at,
        arguments: Vec::new(),
        value: U256::ZERO,
        data: statement.call.clone(),
    };
    let signer = node.key(genesis::RELAY);
    send(node, &call, &Sender { signer, is_of_home: true }).await
}

/// The function of this name or signature that takes a statement, and the statement's layout.
fn relayable(contract: &'static Contract, name: &str) -> Result<(&'static Function, &'static str)> {
    let layout = |function: &Function| {
        RELAYABLE.iter().find(|(place, known, _)| {
            *known == function.name && (place.is_empty() || *place == contract.name)
        })
    };
    let functions = contract.abi.functions().filter(|one| catalog::changes(one));
    for function in functions {
        if (function.name == name || function.signature() == name)
            && let Some((.., layout)) = layout(function)
        {
            return Ok((function, layout));
        }
    }
    let known: Vec<&str> = contract
        .changing()
        .filter(|function| layout(function).is_some())
        .map(|function| function.name.as_str())
        .collect();
    let others = match known.as_slice() {
        [] => format!("{} has none that does", contract.name),
        some => format!("of {}, these do: {}", contract.name, some.join(", ")),
    };
    Err(NodeError::Definition(format!(
        "{name} takes no signed statement that others could carry; {others}"
    )))
}

fn is_signature(input: &Param) -> bool {
    SIGNATURE.contains(&input.name.as_str())
}

/// The arguments by their names, structs' fields among them.
fn flattened(inputs: &[Param], values: &[DynSolValue]) -> Map<String, Value> {
    let mut all = Map::new();
    for (input, value) in inputs.iter().zip(values) {
        match (value, input.components.as_slice()) {
            (DynSolValue::Tuple(fields), components) if !components.is_empty() => {
                all.extend(flattened(components, fields));
            }
            _ => {
                all.insert(input.name.clone(), as_json(&[], value));
            }
        }
    }
    all
}

/// The fields of a layout such as `Name(type field,type field)`.
fn fields_of(layout: &str) -> impl Iterator<Item = (&str, &str)> {
    let inside = layout.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
    inside.split(',').filter_map(|field| field.split_once(' '))
}

async fn message(
    node: &Node,
    layout: &str,
    given: &Map<String, Value>,
    at: Address,
    signer: Address,
) -> Result<Value> {
    let mut message = Map::new();
    for (_, field) in fields_of(layout) {
        let value = match given.get(field) {
            Some(value) => value.clone(),
            // All contracts that take nonces take them by OpenZeppelin's `Nonces`.
            None if field == "nonce" => {
                let nonces = MembershipToken::new(at, &node.provider);
                json!(nonces.nonces(signer).call().await?.to_string())
            }
            None => return Err(NodeError::Definition(format!("the statement lacks `{field}`"))),
        };
        message.insert(field.to_owned(), value);
    }
    for who in ["member", "voter", "owner"] {
        if message.get(who).is_some_and(|named| *named != json!(signer)) {
            return Err(NodeError::Definition(format!(
                "`{who}` must be who signs, {signer}; name the signer with --as or --keystore"
            )));
        }
    }
    Ok(Value::Object(message))
}

/// The statement with its types and domain, as wallets show and sign it.
async fn typed_data(node: &Node, layout: &str, message: Value, at: Address) -> Result<Value> {
    let domain = MembershipToken::new(at, &node.provider).eip712Domain().call().await?;
    let name = layout.split('(').next().unwrap_or_default();
    let fields: Vec<Value> =
        fields_of(layout).map(|(kind, field)| json!({ "name": field, "type": kind })).collect();
    Ok(json!({
        "types": {
            "EIP712Domain": [
                { "name": "name", "type": "string" },
                { "name": "version", "type": "string" },
                { "name": "chainId", "type": "uint256" },
                { "name": "verifyingContract", "type": "address" },
            ],
            name: fields,
        },
        "primaryType": name,
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": node.chain_id(),
            "verifyingContract": at,
        },
        "message": message,
    }))
}

/// All arguments in order, the signature in its place.
fn with_signature(
    function: &Function,
    values: Vec<DynSolValue>,
    signature: &[u8; 65],
) -> Vec<DynSolValue> {
    let mut given = values.into_iter();
    let word = |part: &[u8]| DynSolValue::FixedBytes(alloy::primitives::B256::from_slice(part), 32);
    function
        .inputs
        .iter()
        .filter_map(|input| match input.name.as_str() {
            "signature" => Some(DynSolValue::Bytes(signature.to_vec())),
            "r" => Some(word(&signature[..32])),
            "s" => Some(word(&signature[32..64])),
            "v" => Some(DynSolValue::Uint(U256::from(signature[64]), 8)),
            _ => given.next(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn every_layout_is_of_a_function_that_takes_a_signature_and_has_its_fields() {
        for (place, name, layout) in RELAYABLE {
            let holders: Vec<&Contract> = catalog::contracts()
                .iter()
                .filter(|one| place.is_empty() || one.name == place)
                .filter(|one| one.changing().any(|function| function.name == name))
                .collect();
            assert!(!holders.is_empty(), "nobody has {place}.{name}");
            for contract in holders {
                let function = contract.changing().find(|one| one.name == name).unwrap();
                assert!(function.inputs.iter().any(is_signature), "{}.{name}", contract.name);
                let mut fields: Vec<&str> = Vec::new();
                for input in function.inputs.iter().filter(|input| !is_signature(input)) {
                    fields.extend(input.components.iter().map(|one| one.name.as_str()));
                    fields.push(&input.name);
                }
                for (_, field) in fields_of(layout) {
                    assert!(
                        field == "nonce" || fields.contains(&field),
                        "{}.{name} lacks {field}",
                        contract.name
                    );
                }
            }
        }
    }
}
