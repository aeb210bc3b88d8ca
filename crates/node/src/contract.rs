//! Any function of any contract: found by name, called with arguments as people write them, and shown before it is sent.
//!
//! Everything here is read from the artifacts: a function that a contract gains is reachable with the next build.

mod accounts;
mod ahead;
mod statement;
mod values;

use alloy::dyn_abi::{DynSolValue, FunctionExt, JsonAbiExt};
use alloy::json_abi::Function;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, Bytes, U256};
use alloy::providers::Provider;
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::transports::RpcError;
use caduceus_contracts::catalog::{self, Contract};
use serde::Serialize;
use serde_json::Value;

use crate::error::{NodeError, Result};
use crate::node::Node;

pub use accounts::{Sender, address_of, keystore, sender};
pub use ahead::{Event, Movement, Outlook, look_ahead};
pub use statement::{Statement, carry, sign};
use values::{fields, read_arguments, words};

/// A function of a contract with arguments, ready to be called.
#[derive(Debug)]
pub struct Call {
    /// The contract.
    pub contract: &'static Contract,
    /// The function.
    pub function: &'static Function,
    /// Where the contract is.
    pub at: Address,
    /// What it is called with.
    pub arguments: Vec<DynSolValue>,
    /// Wei that goes with the call.
    pub value: U256,
    pub(crate) data: Bytes,
}

/// A contract or a function of it, for people.
#[derive(Clone, Debug, Serialize)]
pub struct Described {
    /// The name, or a function's signature.
    pub name: String,
    /// Where a contract is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// Whether it changes something; of a contract, in how many ways.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<bool>,
    /// What it is for.
    pub notice: String,
    /// What a developer should know of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// Each argument with its type and what it means.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// Each result with its type and what it means.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<Argument>,
}

/// An argument or a result of a function.
#[derive(Clone, Debug, Serialize)]
pub struct Argument {
    /// Its name, which may be empty.
    pub name: String,
    /// Its type; a struct's with the names of its fields.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it means.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub meaning: String,
}

/// What a call gave back.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// The contract and the function.
    pub call: String,
    /// Each result by its name, or by its place where it has none.
    pub results: Value,
    /// In words.
    #[serde(skip)]
    pub text: String,
}

/// A call that was sent.
#[derive(Clone, Debug, Serialize)]
pub struct Sent {
    /// The contract and the function.
    pub call: String,
    /// Who sent it.
    pub sender: Address,
    /// The transaction.
    pub transaction: String,
    /// The block that holds it.
    pub block: Option<u64>,
    /// Gas that it used.
    pub gas: u64,
    /// What the contracts logged.
    pub events: Vec<Event>,
    /// Who has more or less of which token.
    pub movements: Vec<Movement>,
}

/// Every contract, with where it is on this home's ledger.
pub fn contracts(node: &Node) -> Vec<Described> {
    let described = |(name, address): (&'static str, Address)| {
        let contract = catalog::contract(name).expect("every contract has an artifact");
        Described {
            name: name.to_owned(),
            address: Some(address),
            changes: None,
            notice: contract.documentation.notice.clone(),
            details: String::new(),
            arguments: Vec::new(),
            results: Vec::new(),
        }
    };
    node.at.named().into_iter().map(described).collect()
}

/// The functions of a contract that are called `function`, or all of them.
pub fn functions(contract: &str, function: Option<&str>) -> Result<Vec<Described>> {
    let contract = find(contract)?;
    let mut found: Vec<&Function> = match function {
        Some(name) => named(contract, name)?,
        None => contract.abi.functions().collect(),
    };
    // What changes something first: that is what people look for.
    found.sort_by_key(|one| (!catalog::changes(one), one.name.clone()));
    Ok(found.into_iter().map(|one| describe(contract, one)).collect())
}

fn describe(contract: &Contract, function: &Function) -> Described {
    let about = contract.about(function);
    let arguments = function.inputs.iter().map(|input| Argument {
        name: input.name.clone(),
        kind: values::kind(input),
        meaning: about.params.get(&input.name).cloned().unwrap_or_default(),
    });
    let results = function.outputs.iter().enumerate().map(|(index, output)| Argument {
        name: output.name.clone(),
        kind: values::kind(output),
        meaning: about
            .returns
            .get(&output.name)
            .or_else(|| about.returns.get(&format!("_{index}")))
            .cloned()
            .unwrap_or_default(),
    });
    Described {
        name: function.signature(),
        address: None,
        changes: Some(catalog::changes(function)),
        arguments: arguments.collect(),
        results: results.collect(),
        notice: about.notice,
        details: about.details,
    }
}

/// A call of `function` (a name, or a signature where several have it) with arguments as people write them.
///
/// # Errors
/// [`NodeError::Unknown`] for a name that there is not, [`NodeError::Definition`] for arguments that do not fit.
pub fn prepare(
    node: &Node,
    contract: &str,
    function: &str,
    arguments: &[String],
    value: U256,
) -> Result<Call> {
    let contract = find(contract)?;
    let candidates = named(contract, function)?;
    let fitting: Vec<&&Function> =
        candidates.iter().filter(|one| one.inputs.len() == arguments.len()).collect();
    let function = match fitting[..] {
        [one] => *one,
        [] => {
            let known: Vec<String> = candidates.iter().map(|one| values::spoken(one)).collect();
            return Err(NodeError::Definition(format!(
                "{} arguments were given; the function is {}",
                arguments.len(),
                known.join(" or ")
            )));
        }
        _ => {
            let known: Vec<String> = fitting.iter().map(|one| one.signature()).collect();
            return Err(NodeError::Definition(format!(
                "several functions are called so; name one of them in quotes: {}",
                known.join(", ")
            )));
        }
    };
    let arguments = read_arguments(node, function, arguments)?;
    Call::new(node, contract, function, arguments, value)
}

impl Call {
    fn new(
        node: &Node,
        contract: &'static Contract,
        function: &'static Function,
        arguments: Vec<DynSolValue>,
        value: U256,
    ) -> Result<Call> {
        let data = function.abi_encode_input(&arguments).map_err(|error| {
            NodeError::Definition(format!("the arguments of {} do not fit: {error}", function.name))
        })?;
        let at = place(node, &contract.name)?;
        Ok(Call { contract, function, at, arguments, value, data: data.into() })
    }

    /// `Contract.function`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.contract.name, self.function.name)
    }

    fn request(&self, from: Address) -> TransactionRequest {
        let request = TransactionRequest::default().with_to(self.at).with_input(self.data.clone());
        request.with_from(from).with_value(self.value)
    }

    /// What it does, each argument, and who asks, as sentences.
    pub fn in_words(&self, node: &Node) -> Vec<String> {
        let about = self.contract.about(self.function);
        let mut lines = vec![format!("{} at {}", self.name(), self.at)];
        lines.extend([about.notice, about.details].into_iter().filter(|text| !text.is_empty()));
        for (input, value) in self.function.inputs.iter().zip(&self.arguments) {
            let meaning = about.params.get(&input.name).map(|text| format!("  ({text})"));
            lines.push(format!(
                "  {} = {}{}",
                input.name,
                words(node, input, value),
                meaning.unwrap_or_default()
            ));
        }
        if !self.value.is_zero() {
            lines.push(format!("  with {} wei", self.value));
        }
        lines
    }
}

/// Asks a contract.
///
/// # Errors
/// [`NodeError::Refused`] with the contract's reason.
pub async fn ask(node: &Node, call: &Call, from: Address) -> Result<Answer> {
    let output = match node.provider.call(call.request(from)).await {
        Ok(output) => output,
        Err(error) => return Err(refused(&call.name(), error)),
    };
    let results = call.function.abi_decode_output(&output).map_err(|error| {
        NodeError::Chain(format!("{} answered in another form: {error}", call.name()))
    })?;
    let outputs = &call.function.outputs;
    let text: Vec<String> = outputs
        .iter()
        .zip(&results)
        .map(|(output, value)| match output.name.as_str() {
            "" => words(node, output, value),
            name => format!("{name} = {}", words(node, output, value)),
        })
        .collect();
    Ok(Answer { call: call.name(), results: fields(outputs, &results), text: text.join("\n") })
}

/// Sends a call and waits for its receipt.
///
/// # Errors
/// [`NodeError::Refused`] with the contract's reason.
pub async fn send(node: &Node, call: &Call, sender: &Sender) -> Result<Sent> {
    let address = sender.signer.address();
    if sender.is_of_home || node.ledger().chain().is_some() {
        node.fund(address).await?;
    }
    let key = node.new_key("contract")?;
    let (name, data) = (call.name(), call.data.clone());
    let receipt = node.send_data(&name, &key, &sender.signer, call.at, data, call.value).await?;
    Ok(told(node, name, address, &receipt))
}

fn told(node: &Node, call: String, sender: Address, receipt: &TransactionReceipt) -> Sent {
    let logs: Vec<_> = receipt.inner.logs().iter().map(|log| log.inner.clone()).collect();
    Sent {
        call,
        sender,
        transaction: receipt.transaction_hash.to_string(),
        block: receipt.block_number,
        gas: receipt.gas_used,
        events: ahead::events(node, &logs),
        movements: ahead::movements(node, &logs),
    }
}

/// A refusal of the node that was asked, in words.
fn refused(what: &str, error: RpcError<alloy::transports::TransportErrorKind>) -> NodeError {
    let data = error.as_error_resp().and_then(|payload| payload.as_revert_data());
    match (data, &error) {
        (Some(data), _) => NodeError::Refused {
            action: what.to_owned(),
            reason: reason(&data).unwrap_or_else(|| caduceus_ledger::failure(&error)),
        },
        (None, RpcError::ErrorResp(_)) => {
            NodeError::Refused { action: what.to_owned(), reason: caduceus_ledger::failure(&error) }
        }
        (None, _) => error.into(),
    }
}

/// What a contract says when it refuses; a caller who may not call is told who may.
fn reason(data: &Bytes) -> Option<String> {
    let text = caduceus_contracts::explain(data)?;
    Some(match text.starts_with("AccessManagedUnauthorized") {
        true => format!(
            "{text}: only who has a role for it may, and for most functions that is governance; \
             `caduceus contract propose` lets members vote on it"
        ),
        false => text,
    })
}

/// The contract of this name.
fn find(name: &str) -> Result<&'static Contract> {
    let all = catalog::contracts();
    let same = |contract: &&Contract| contract.name.eq_ignore_ascii_case(name);
    let known = all.iter().map(|contract| contract.name.as_str());
    all.iter().find(same).ok_or_else(|| NodeError::unknown("contract", name, known))
}

/// The functions of this name or signature.
fn named(contract: &'static Contract, name: &str) -> Result<Vec<&'static Function>> {
    let found: Vec<&Function> = contract
        .abi
        .functions()
        .filter(|function| function.name == name || function.signature() == name)
        .collect();
    if found.is_empty() {
        let known: Vec<String> = contract.changing().map(|one| one.name.clone()).collect();
        return Err(NodeError::unknown("function", name, known.iter().map(String::as_str)));
    }
    Ok(found)
}

/// Where a contract of this home is.
fn place(node: &Node, name: &str) -> Result<Address> {
    let named = node.at.named();
    match named.iter().find(|(known, _)| *known == name) {
        Some((_, address)) => Ok(*address),
        None => Err(NodeError::unknown("contract", name, named.iter().map(|(known, _)| *known))),
    }
}
