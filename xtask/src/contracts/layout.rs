//! The storage layout of contracts, from the compiler's syntax tree.
//!
//! Modules keep their storage in structs at fixed places (ERC-7201), which solc's own layout does not list. An upgrade
//! keeps what is stored if it only adds members at the end, so that members and their types in order are all there is to
//! compare.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{cannot, read_json};
use crate::run::Failure;

/// The annotation of ERC-7201.
const PLACE: &str = "@custom:storage-location ";

/// Every declaration of a compilation by its number.
pub struct Program {
    declarations: BTreeMap<i64, Value>,
}

impl Program {
    /// Reads the syntax trees that forge wrote below `out`.
    pub fn read(out: &Path) -> Result<Program, Failure> {
        let mut program = Program { declarations: BTreeMap::new() };
        for entry in fs::read_dir(out).map_err(|error| cannot("read", out, &error))? {
            let folder = entry.map_err(|error| cannot("read", out, &error))?.path();
            if !folder.is_dir() || folder.extension().is_none_or(|end| end != "sol") {
                continue;
            }
            for file in fs::read_dir(&folder).map_err(|error| cannot("read", &folder, &error))? {
                let path = file.map_err(|error| cannot("read", &folder, &error))?.path();
                program.declare(&read_json(&path)?["ast"]["nodes"]);
            }
        }
        Ok(program)
    }

    fn declare(&mut self, nodes: &Value) {
        for node in nodes.as_array().into_iter().flatten() {
            self.declare(&node["nodes"]);
            if let Some(id) = node["id"].as_i64() {
                self.declarations.insert(id, node.clone());
            }
        }
    }

    /// The layout of the contract `name`: each place in storage with its members, base contracts included.
    pub fn layout(&self, name: &str) -> Value {
        let contract = self.declarations.values().find(|node| {
            node["nodeType"] == "ContractDefinition"
                && node["name"] == name
                && node["contractKind"] == "contract"
        });
        let bases = contract.and_then(|node| node["linearizedBaseContracts"].as_array());
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        // The most basic contract's variables come first.
        for base in bases.into_iter().flatten().rev() {
            let Some(base) = base.as_i64().and_then(|id| self.declarations.get(&id)) else {
                continue;
            };
            for node in base["nodes"].as_array().into_iter().flatten() {
                if let Some(place) = place_of(node) {
                    places.insert(place, self.members(&node["members"]));
                } else if is_stored(node) {
                    places.entry("from slot 0".to_owned()).or_default().push(self.member(node));
                }
            }
        }
        let entry = |(place, members)| json!({ "place": place, "members": members });
        places.into_iter().map(entry).collect()
    }

    fn members(&self, list: &Value) -> Vec<String> {
        list.as_array().into_iter().flatten().map(|member| self.member(member)).collect()
    }

    fn member(&self, variable: &Value) -> String {
        let name = variable["name"].as_str().unwrap_or_default();
        format!("{name}: {}", self.type_of(&variable["typeName"], &mut BTreeSet::new()))
    }

    /// A type by what it takes in storage: structs by their members, contracts as addresses.
    fn type_of(&self, node: &Value, open: &mut BTreeSet<i64>) -> String {
        let described = node["typeDescriptions"]["typeString"].as_str().unwrap_or_default();
        match node["nodeType"].as_str().unwrap_or_default() {
            "Mapping" => format!(
                "mapping({} => {})",
                self.type_of(&node["keyType"], open),
                self.type_of(&node["valueType"], open)
            ),
            "ArrayTypeName" => {
                let length = described.rfind('[').map_or("[]", |start| &described[start..]);
                format!("{}{length}", self.type_of(&node["baseType"], open))
            }
            "UserDefinedTypeName" => self.declared(node, described, open),
            _ => described.to_owned(),
        }
    }

    fn declared(&self, node: &Value, described: &str, open: &mut BTreeSet<i64>) -> String {
        let id = node["referencedDeclaration"].as_i64().unwrap_or_default();
        let Some(declaration) = self.declarations.get(&id) else { return described.to_owned() };
        match declaration["nodeType"].as_str().unwrap_or_default() {
            "ContractDefinition" => "address".to_owned(),
            "EnumDefinition" => "uint8".to_owned(),
            "UserDefinedValueTypeDefinition" => self.type_of(&declaration["underlyingType"], open),
            "StructDefinition" if open.insert(id) => {
                let members = declaration["members"].as_array().into_iter().flatten();
                let types: Vec<String> =
                    members.map(|member| self.type_of(&member["typeName"], open)).collect();
                open.remove(&id);
                format!("({})", types.join(", "))
            }
            _ => described.to_owned(),
        }
    }
}

fn place_of(node: &Value) -> Option<String> {
    if node["nodeType"] != "StructDefinition" {
        return None;
    }
    let text = node["documentation"]["text"].as_str()?;
    let place = text.split_once(PLACE)?.1.split_whitespace().next()?;
    Some(place.to_owned())
}

fn is_stored(node: &Value) -> bool {
    node["nodeType"] == "VariableDeclaration"
        && node["stateVariable"] == true
        && node["mutability"] == "mutable"
        && node["storageLocation"] != "transient"
}
