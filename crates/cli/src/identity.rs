//! `caduceus identity`: keys in sealed files.

use std::path::PathBuf;

use caduceus_node::keystore::{self, Shown};
use caduceus_node::{Cost, KeyKind, Node, NodeError, Result, credentials};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::output::Outcome;
use crate::passwords::{ask, choose};

#[derive(Debug, Subcommand)]
pub enum Identity {
    /// Make a new key in a sealed file
    #[command(after_help = "Example: caduceus identity new --out issuer.json --password-file pw")]
    New {
        /// What the key is for
        #[arg(long, default_value = "ed25519")]
        kind: Kind,
        /// The new file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        password: PasswordFile,
        /// Take 4 MiB and a moment to open it in place of 256 MiB, for small machines and tests
        #[arg(long)]
        light: bool,
    },
    /// Show whose key is in a file, and the DID document by which others find it
    #[command(
        after_help = "Example: caduceus identity show --keystore issuer.json --did did:web:ministry.example --json"
    )]
    Show {
        /// The key file
        #[arg(long, value_name = "FILE")]
        keystore: PathBuf,
        /// Open it with this password, so that what is shown is proven; without it the file is believed
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// A did:web under which the key acts: its document is what to publish on that server
        #[arg(long, value_name = "DID")]
        did: Option<String>,
        /// Earlier keys of that did:web, by their did:key, which keep vouching for what they signed
        #[arg(long = "earlier", value_name = "DID", requires = "did")]
        earlier: Vec<String>,
    },
    /// Make the key that follows another, or give a file another password
    #[command(
        after_help = "Example: caduceus identity rotate --keystore issuer.json --out issuer-2.json --statement rotation.json"
    )]
    Rotate {
        /// The key file
        #[arg(long, value_name = "FILE")]
        keystore: PathBuf,
        #[command(flatten)]
        password: PasswordFile,
        /// File with the password from now on; the same as before if left out
        #[arg(long, value_name = "FILE")]
        new_password_file: Option<PathBuf>,
        /// The new key's file
        #[arg(long, value_name = "FILE", required_unless_present = "password_only")]
        out: Option<PathBuf>,
        /// File for a credential in which the earlier key names the one that follows it
        #[arg(long, value_name = "FILE", requires = "out")]
        statement: Option<PathBuf>,
        /// Keep the key and change the password of its file
        #[arg(long, conflicts_with = "out", requires = "new_password_file")]
        password_only: bool,
    },
    /// Seal a bare key, 64 hexadecimal digits in a file
    #[command(
        after_help = "Example: caduceus identity import --key-file raw.hex --kind secp256k1 --out account.json"
    )]
    Import {
        /// The file with the bare key
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// What the key is for
        #[arg(long)]
        kind: Kind,
        /// The new file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        password: PasswordFile,
    },
    /// Write the bare key of a file, or seal the account key of a party of a home
    #[command(
        after_help = "Example: caduceus identity export --dir state --party klinikum-nord --out account.json"
    )]
    Export {
        /// A key file, whose bare key is written
        #[arg(
            long,
            value_name = "FILE",
            required_unless_present = "party",
            conflicts_with = "party"
        )]
        keystore: Option<PathBuf>,
        /// A party of the home, whose account key is sealed as Web3 Secret Storage, for wallets
        #[arg(long, value_name = "NAME")]
        party: Option<String>,
        /// The new file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        password: PasswordFile,
    },
}

#[derive(Debug, Args)]
pub struct PasswordFile {
    /// File with the password; it is asked for if left out
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Kind {
    /// Signs credentials and presentations
    Ed25519,
    /// Signs for an account on a ledger
    Secp256k1,
}

impl From<Kind> for KeyKind {
    fn from(kind: Kind) -> KeyKind {
        match kind {
            Kind::Ed25519 => KeyKind::Ed25519,
            Kind::Secp256k1 => KeyKind::Secp256k1,
        }
    }
}

const OPTION: &str = "--password-file";

/// What needs no home.
pub fn run(command: &Identity) -> Result<Outcome> {
    match command {
        Identity::New { kind, out, password, light } => {
            let password = choose(password.password_file.as_deref(), OPTION, "the new key")?;
            let cost = if *light { Cost::LIGHT } else { Cost::STANDARD };
            Ok(told(&keystore::new((*kind).into(), out, &password, cost)?))
        }
        Identity::Show { keystore, password_file, did, earlier } => {
            let password = password_file.as_deref().map(|file| ask(Some(file), OPTION, ""));
            let password = password.transpose()?;
            Ok(told(&keystore::show(keystore, password.as_ref(), did.as_deref(), earlier)?))
        }
        Identity::Rotate {
            keystore,
            password,
            new_password_file,
            out,
            statement,
            password_only: _,
        } => {
            let password = ask(password.password_file.as_deref(), OPTION, "the key file")?;
            let new_password = match new_password_file {
                Some(file) => ask(Some(file), "--new-password-file", "the new key")?,
                None => password.clone(),
            };
            let Some(out) = out else {
                return Ok(told(&keystore::change_password(keystore, &password, &new_password)?));
            };
            let now = credentials::now();
            let statement = statement.as_deref();
            let done = keystore::rotate(keystore, &password, out, &new_password, statement, now)?;
            Ok(Outcome::new(&done, format!("{} follows {}", done.to, done.from)))
        }
        Identity::Import { key_file, kind, out, password } => {
            let password = choose(password.password_file.as_deref(), OPTION, "the new file")?;
            Ok(told(&keystore::import((*kind).into(), key_file, out, &password)?))
        }
        Identity::Export { keystore, out, password, party: _ } => {
            let path = keystore.as_deref().ok_or_else(|| {
                NodeError::Usage("name a key file with --keystore, or a party with --party".into())
            })?;
            let password = ask(password.password_file.as_deref(), OPTION, "the key file")?;
            let shown = keystore::export(path, &password, out)?;
            let text = format!(
                "the bare key is in {}; whoever reads that file has the key",
                out.display()
            );
            Ok(Outcome::new(
                &json!({ "exported": shown.did, "out": out.display().to_string() }),
                text,
            ))
        }
    }
}

/// Seals the account key of a party of a home.
pub fn export_party(node: &Node, name: &str, command: &Identity) -> Result<Outcome> {
    let Identity::Export { out, password, .. } = command else { return run(command) };
    let password = choose(password.password_file.as_deref(), OPTION, "the new file")?;
    Ok(told(&keystore::of_party(node, name, out, &password)?))
}

impl Identity {
    /// The party whose key is asked for, which takes an opened home.
    pub fn party(&self) -> Option<&str> {
        match self {
            Identity::Export { party, .. } => party.as_deref(),
            _ => None,
        }
    }
}

fn told(shown: &Shown) -> Outcome {
    let mut lines = vec![format!("a key of {}", shown.kind)];
    lines.extend(shown.did.iter().cloned());
    lines.extend(shown.account.iter().map(|account| format!("account {account}")));
    if !shown.opened {
        lines.push("as the file says; open it with --password-file to be sure".to_owned());
    }
    if let Some(document) = &shown.document {
        lines.push(format!("{document:#}"));
    }
    Outcome::new(shown, lines.join("\n"))
}
