//! What the artifacts say of every contract: its interface, its documentation, its storage, how it was compiled.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use alloy::json_abi::{Function, JsonAbi, StateMutability};
use alloy::primitives::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{ARTIFACTS, SOURCES};

/// A contract, as its artifact has it.
#[derive(Debug)]
pub struct Contract {
    /// Its name in the sources.
    pub name: String,
    /// Its interface.
    pub abi: JsonAbi,
    /// Its creation code, without the constructor's arguments.
    pub bytecode: Bytes,
    /// What the sources say about it.
    pub documentation: Documentation,
    /// What it keeps in storage, and where.
    pub storage: Vec<Place>,
    compiler: Value,
}

/// What the sources say about a contract (NatSpec). Entries are by signature.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Documentation {
    /// For everybody.
    pub notice: String,
    /// For developers.
    pub details: String,
    /// Of functions.
    pub methods: BTreeMap<String, Entry>,
    /// Of events.
    pub events: BTreeMap<String, Entry>,
}

/// What the sources say about a function or an event.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// For everybody.
    pub notice: String,
    /// For developers.
    pub details: String,
    /// Of each argument by its name.
    pub params: BTreeMap<String, String>,
    /// Of each result by its name, `_0` and on for those without.
    pub returns: BTreeMap<String, String>,
}

/// A place in storage, and what is kept from there on, in order, as `name: type`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Place {
    /// `erc7201:NAME`, or `from slot 0`.
    pub place: String,
    /// What is kept, in order.
    pub members: Vec<String>,
}

#[derive(Deserialize)]
struct Artifact {
    abi: JsonAbi,
    bytecode: Object,
    #[serde(default)]
    documentation: Documentation,
    #[serde(default)]
    storage: Vec<Place>,
    #[serde(default)]
    compiler: Value,
}

#[derive(Deserialize)]
struct Object {
    object: Bytes,
}

/// Every contract of the protocol, by name.
pub fn contracts() -> &'static [Contract] {
    static ALL: LazyLock<Vec<Contract>> = LazyLock::new(|| {
        let read = |(name, text): &(&str, &str)| {
            Contract::read(name, text).expect("committed artifacts are whole")
        };
        ARTIFACTS.iter().map(read).collect()
    });
    &ALL
}

/// The contract of this name.
pub fn contract(name: &str) -> Option<&'static Contract> {
    contracts().iter().find(|contract| contract.name == name)
}

impl Contract {
    /// Reads an artifact.
    ///
    /// # Errors
    /// Where the text is not JSON with `abi` and `bytecode.object`.
    pub fn read(name: &str, text: &str) -> Result<Contract, serde_json::Error> {
        let Artifact { abi, bytecode, documentation, storage, compiler } =
            serde_json::from_str(text)?;
        let bytecode = bytecode.object;
        Ok(Contract { name: name.to_owned(), abi, bytecode, documentation, storage, compiler })
    }

    /// What the sources say about a function.
    pub fn about(&self, function: &Function) -> Entry {
        self.documentation.methods.get(&function.signature()).cloned().unwrap_or_default()
    }

    /// Functions that change something, by name.
    pub fn changing(&self) -> impl Iterator<Item = &Function> {
        self.abi.functions().filter(|function| changes(function))
    }

    /// The standard-JSON input that compiles this contract, as block explorers take it, with the compiler's version and the
    /// contract's path in it.
    pub fn compiler_input(&self) -> CompilerInput {
        let all: BTreeMap<String, String> =
            serde_json::from_str(SOURCES).expect("committed sources are one JSON object");
        let used = self.compiler["sources"].as_array().into_iter().flatten();
        let sources: BTreeMap<&str, Value> = used
            .filter_map(Value::as_str)
            .filter_map(|path| Some((path, json!({ "content": all.get(path)? }))))
            .collect();
        let mut settings = self.compiler["settings"].clone();
        let wanted = ["abi", "evm.bytecode", "evm.deployedBytecode", "metadata"];
        settings["outputSelection"] = json!({ "*": { "*": wanted } });
        let target = self.compiler["target"].as_object().and_then(|all| all.iter().next());
        CompilerInput {
            version: self.compiler["version"].as_str().unwrap_or_default().to_owned(),
            target: target.map_or_else(String::new, |(path, name)| {
                format!("{path}:{}", name.as_str().unwrap_or_default())
            }),
            input: json!({ "language": "Solidity", "sources": sources, "settings": settings }),
        }
    }
}

/// What a block explorer verifies a contract with.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct CompilerInput {
    /// The version of solc.
    pub version: String,
    /// The contract in the input, as `path:name`.
    pub target: String,
    /// Standard JSON.
    pub input: Value,
}

/// Whether a function changes something.
pub fn changes(function: &Function) -> bool {
    matches!(function.state_mutability, StateMutability::NonPayable | StateMutability::Payable)
}

/// Why code with storage `after` cannot take the place of code with storage `before`: a sentence about the first
/// difference. `None` where everything that is kept stays where it is and what it is; more may come after it.
pub fn incompatibility(before: &[Place], after: &[Place]) -> Option<String> {
    before.iter().find_map(|old| {
        let Some(new) = after.iter().find(|new| new.place == old.place) else {
            return Some(format!("{} is no longer there", old.place));
        };
        old.members.iter().enumerate().find_map(|(index, kept)| match new.members.get(index) {
            Some(same) if same == kept => None,
            Some(other) => Some(format!("{} has `{other}` where `{kept}` is kept", old.place)),
            None => Some(format!("{} no longer has `{kept}`", old.place)),
        })
    })
}
