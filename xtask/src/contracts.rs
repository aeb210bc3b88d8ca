//! Compiles the contracts with the forge and solc of npm, and keeps `contracts/artifacts` true to their source.
//!
//! An artifact is what the Rust side needs of one contract and no more: the ABI, the creation bytecode, its
//! documentation (NatSpec), its storage layout, and how it was compiled. `sources.json` beside them holds every source
//! that was compiled, for block explorers. The files are committed so that `cargo build` needs nothing but cargo.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

mod layout;

use crate::run::{Failure, output, root, run, step};

/// Contracts of OpenZeppelin that are deployed as they are.
const FOREIGN: [&str; 3] = ["AccessManager", "TimelockController", "ERC1967Proxy"];

/// The most bytes of code that a chain takes for one contract (EIP-170).
const MAXIMUM_CODE: usize = 24_576;

/// The file of all sources, among the artifacts.
const SOURCES: &str = "sources.json";

/// The oldest Node.js that the tools run on.
const NODE_MAJOR: u32 = 20;

/// Compiles and writes the artifacts, removing those of contracts that are gone.
pub fn write() -> Result<(), Failure> {
    let artifacts = compile_alone()?;
    let folder = artifacts_folder();
    fs::create_dir_all(&folder).map_err(|error| cannot("create", &folder, &error))?;
    for stale in existing()?.into_keys().filter(|name| !artifacts.contains_key(name)) {
        let path = folder.join(&stale);
        fs::remove_file(&path).map_err(|error| cannot("remove", &path, &error))?;
    }
    for (name, text) in &artifacts {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| cannot("write", &path, &error))?;
    }
    println!("{} artifacts written to contracts/artifacts", artifacts.len());
    Ok(())
}

/// Compiles and compares with the committed artifacts.
pub fn check() -> Result<(), Failure> {
    compare(&compile_alone()?)
}

/// Compiles with the tests, compares, and runs the unit, fuzz and invariant tests; fails where a Solidity file is not formatted.
pub fn test() -> Result<(), Failure> {
    compare(&compile(&[], "out", "cache")?)?;
    step("solidity formatting", forge(&["fmt", "--check"])?)?;
    step("contract tests", forge(&["test"])?)
}

/// What is compiled alone has a folder of its own, so that what the tests compiled stays.
fn compile_alone() -> Result<BTreeMap<String, String>, Failure> {
    compile(&["src"], "out/compiled", "cache/compiled")
}

fn compare(artifacts: &BTreeMap<String, String>) -> Result<(), Failure> {
    let committed = existing()?;
    let differs = |name: &&String| artifacts.get(*name) != committed.get(*name);
    let mut names: Vec<_> = artifacts.keys().chain(committed.keys()).filter(differs).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    Err(Failure(format!(
        "contracts/artifacts is not what the sources compile to ({}); run `cargo xtask contracts` and commit the result",
        names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    )))
}

/// Holds the invariants after each single action; the tests look at them less often, which is thirty times faster.
pub fn long_invariants() -> Result<(), Failure> {
    let mut command =
        forge(&["test", "--match-path", "test/invariant/*", "--match-test", "invariant_"])?;
    command.env("FOUNDRY_PROFILE", "long");
    step("long invariants", command)
}

/// Runs slither, halmos and the measurement of branches; the two by pip at the versions of `tools/analyse.txt`.
pub fn analyse() -> Result<(), Failure> {
    install()?;
    step("analysis of the contracts", Command::new(folder().join("tools/analyse")))
}

fn folder() -> PathBuf {
    root().join("contracts")
}

fn artifacts_folder() -> PathBuf {
    folder().join("artifacts")
}

fn existing() -> Result<BTreeMap<String, String>, Failure> {
    let folder = artifacts_folder();
    let Ok(entries) = fs::read_dir(&folder) else { return Ok(BTreeMap::new()) };
    let mut found = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(|error| cannot("read", &folder, &error))?.path();
        let text = fs::read_to_string(&path).map_err(|error| cannot("read", &path, &error))?;
        found.insert(file_name(&path), text);
    }
    Ok(found)
}

/// Compiles these folders, or all, and gives the text of every artifact by file name, and of the sources.
fn compile(folders: &[&str], out: &str, cache: &str) -> Result<BTreeMap<String, String>, Failure> {
    let compiled = folder().join(out);
    let mut build = forge(&["build", "--force", "--ast"])?;
    build.args(folders).env("FOUNDRY_OUT", &compiled).env("FOUNDRY_CACHE_PATH", cache);
    step("contracts", build)?;
    let mut names = Vec::new();
    contract_names(&folder().join("src"), &mut names)?;
    names.extend(FOREIGN.map(|name| (format!("{name}.sol"), name.to_owned())));
    let program = layout::Program::read(&compiled)?;
    let (mut artifacts, mut sources) = (BTreeMap::new(), BTreeMap::new());
    for (file, name) in names {
        let path = compiled.join(&file).join(format!("{name}.json"));
        if !path.is_file() {
            continue; // a file of structs or of free functions
        }
        let compiled = read_json(&path)?;
        let bytecode = compiled.pointer("/bytecode/object").and_then(Value::as_str).unwrap_or("0x");
        if bytecode == "0x" || bytecode.contains("__$") {
            continue; // an interface, an abstract contract or a library that only lends its code
        }
        check_size(&name, &compiled)?;
        let metadata = &compiled["metadata"];
        let used: Vec<&String> =
            metadata["sources"].as_object().map(|all| all.keys().collect()).unwrap_or_default();
        for source in &used {
            let path = folder().join(source);
            let text = fs::read_to_string(&path).map_err(|error| cannot("read", &path, &error))?;
            sources.insert((*source).clone(), text);
        }
        let artifact = json!({
            "abi": compiled["abi"],
            "bytecode": { "object": bytecode },
            "documentation": documentation(metadata),
            "storage": program.layout(&name),
            "compiler": compiler(metadata, &used),
        });
        artifacts.insert(format!("{name}.json"), pretty(&artifact));
    }
    artifacts.insert(SOURCES.to_owned(), pretty(&json!(sources)));
    Ok(artifacts)
}

/// Refuses code that no chain would take.
fn check_size(name: &str, compiled: &Value) -> Result<(), Failure> {
    let code = compiled.pointer("/deployedBytecode/object").and_then(Value::as_str).unwrap_or("0x");
    let size = code.trim_start_matches("0x").len() / 2;
    if size <= MAXIMUM_CODE {
        return Ok(());
    }
    Err(Failure(format!(
        "{name} has {size} bytes of code, but no chain takes more than {MAXIMUM_CODE}; move a part of it into a contract of its own"
    )))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a JSON value can be printed") + "\n"
}

fn read_json(path: &Path) -> Result<Value, Failure> {
    let text = fs::read_to_string(path).map_err(|error| cannot("read", path, &error))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure(format!("{} is not JSON: {error}", path.display())))
}

/// What the sources say about a contract and each of its functions, events and errors, by their signatures.
fn documentation(metadata: &Value) -> Value {
    let (user, dev) = (&metadata["output"]["userdoc"], &metadata["output"]["devdoc"]);
    let mut documentation = Map::new();
    for (name, value) in [("notice", &user["notice"]), ("details", &dev["details"])] {
        if !value.is_null() {
            documentation.insert(name.to_owned(), value.clone());
        }
    }
    for part in ["methods", "events", "errors"] {
        let mut entries: BTreeMap<String, Value> = BTreeMap::new();
        for source in [&user[part], &dev[part]] {
            for (signature, said) in source.as_object().into_iter().flatten() {
                // An error may be declared more than once, so that it has a list.
                let said = said.as_array().and_then(|all| all.first()).unwrap_or(said);
                let entry = entries.entry(signature.clone()).or_insert_with(|| json!({}));
                for (key, value) in said.as_object().into_iter().flatten() {
                    if ["notice", "details", "params", "returns"].contains(&key.as_str()) {
                        entry[key] = value.clone();
                    }
                }
            }
        }
        documentation.insert(part.to_owned(), json!(entries));
    }
    Value::Object(documentation)
}

/// What a block explorer compiles with: the version, the settings, and the names of the sources.
fn compiler(metadata: &Value, sources: &[&String]) -> Value {
    let mut settings = metadata["settings"].clone();
    let target = settings.as_object_mut().and_then(|all| all.remove("compilationTarget"));
    json!({
        "version": metadata["compiler"]["version"],
        "target": target,
        "settings": settings,
        "sources": sources,
    })
}

/// Every file below `src` that holds the contract it is named after, interfaces and shared libraries left out.
fn contract_names(folder: &Path, names: &mut Vec<(String, String)>) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(|error| cannot("read", folder, &error))? {
        let path = entry.map_err(|error| cannot("read", folder, &error))?.path();
        let name = file_name(&path);
        if path.is_dir() && !["interfaces", "common"].contains(&name.as_str()) {
            contract_names(&path, names)?;
        } else if let Some(contract) = name.strip_suffix(".sol") {
            names.push((name.clone(), contract.to_owned()));
        }
    }
    Ok(())
}

/// A call of forge in the contracts' folder, its packages installed first where they are not.
fn forge(arguments: &[&str]) -> Result<Command, Failure> {
    install()?;
    let mut command = Command::new(tool("forge")?);
    command.current_dir(folder()).args(arguments);
    Ok(command)
}

/// The executable of a Foundry tool as its npm package brings it for this platform.
fn tool(name: &str) -> Result<PathBuf, Failure> {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let processor = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let package = format!("{name}-{system}-{processor}");
    let path = folder().join("node_modules/@foundry-rs").join(&package).join("bin").join(file);
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure(format!(
        "the npm package @foundry-rs/{package} is missing: there may be none for this platform"
    )))
}

/// Installs the locked npm packages unless those that are there came from the same lock.
fn install() -> Result<(), Failure> {
    let folder = folder();
    let lock = fs::read(folder.join("package-lock.json"))
        .map_err(|error| cannot("read", &folder.join("package-lock.json"), &error))?;
    let stamp = folder.join("node_modules/.installed-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    require_node()?;
    eprintln!("== npm packages of the contracts");
    run(npm().current_dir(&folder).args(["install", "--no-save", "--no-audit", "--no-fund"]))?;
    fs::write(&stamp, lock).map_err(|error| cannot("write", &stamp, &error))
}

fn npm() -> Command {
    Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
}

fn require_node() -> Result<(), Failure> {
    let version = output(Command::new("node").arg("--version"))?;
    let major = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|part| part.parse::<u32>().ok());
    match major {
        Some(major) if major >= NODE_MAJOR => Ok(()),
        _ => Err(Failure(format!(
            "Node.js {NODE_MAJOR} or newer is needed, but `node --version` says {}",
            version.trim()
        ))),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure(format!("cannot {what} {}: {error}", path.display()))
}
