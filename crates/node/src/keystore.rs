//! Keys in files, sealed with a password: making, showing, replacing, bringing in and giving out.
//!
//! A key file belongs to a person or an organization and not to a home, so nothing here opens one, but for
//! [`of_party`], which gives out the key that a home derived for one of its parties.

use std::fs;
use std::path::Path;

use alloy::hex;
use caduceus_identity::credential::{Draft, Kind, Signer, issue};
use caduceus_identity::did::{WebDid, web_document};
use caduceus_identity::keystore::{Cost, Freshness, MAX_BYTES};
use caduceus_identity::{Did, KeyKind, Keystore, PublicKey, SecretKey};
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::error::{NodeError, Result};
use crate::home::{random, replace_secret, write_atomically, write_new_secret};
use crate::node::Node;

/// A password, wiped from memory when dropped.
pub type Password = Zeroizing<Vec<u8>>;

/// What a key file is, without the secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// `Ed25519` or `secp256k1`.
    pub kind: String,
    /// The identifier that the key has by itself, or the one that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub did: Option<String>,
    /// The account on a ledger, for secp256k1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The document that others find the key by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<Value>,
    /// Whether the file was opened, so that what is shown is the key's and not just what the file says.
    pub opened: bool,
}

/// Makes a new key of the operating system's randomness and seals it into the new file `out`.
pub fn new(kind: KeyKind, out: &Path, password: &Password, cost: Cost) -> Result<Shown> {
    let key = fresh_key(kind)?;
    write(&key, out, password, cost)?;
    Ok(shown(&key))
}

/// Shows what is in a key file. Without a password that is what the file claims.
///
/// With `did`, a `did:web`, the document to publish is that identifier's, with `earlier` keys that keep asserting.
pub fn show(
    path: &Path,
    password: Option<&Password>,
    did: Option<&str>,
    earlier: &[String],
) -> Result<Shown> {
    let keystore = read(path)?;
    let web: Option<WebDid> =
        did.map(|did| did.parse().map_err(NodeError::malformed)).transpose()?;
    match password {
        Some(password) => {
            let key = unseal(&keystore, password)?;
            with_document(shown(&key), key.public(), web.as_ref(), earlier)
        }
        None => {
            let claimed = keystore.claimed_did();
            let shown = Shown {
                kind: keystore.kind().to_string(),
                did: claimed.map(|did| did.to_string()),
                account: keystore.claimed_account().map(|account| account.to_string()),
                document: claimed.map(|did| document(&did)),
                opened: false,
            };
            match (claimed.and_then(|did| did.key()), &web) {
                (None, Some(_)) => Err(NodeError::Usage(
                    "the document of a did:web lists the key, so that the file has to be opened: give --password-file"
                        .into(),
                )),
                (Some(key), Some(_)) => with_document(shown, key, web.as_ref(), earlier),
                (_, None) => Ok(shown),
            }
        }
    }
}

fn with_document(
    mut shown: Shown,
    key: PublicKey,
    web: Option<&WebDid>,
    earlier: &[String],
) -> Result<Shown> {
    if let Some(web) = web {
        let mut keys = vec![key];
        for text in earlier {
            let earlier: Did = text.parse().map_err(NodeError::malformed)?;
            keys.push(
                earlier.key().ok_or_else(|| {
                    NodeError::malformed("an earlier key is named by its did:key")
                })?,
            );
        }
        shown.did = Some(web.to_string());
        shown.document = Some(web_document(web, &keys));
    }
    Ok(shown)
}

/// Opens a key file.
pub fn open(path: &Path, password: &Password) -> Result<SecretKey> {
    unseal(&read(path)?, password)
}

/// What a rotation left behind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rotated {
    /// The identifier before.
    pub from: String,
    /// The identifier from now on.
    pub to: String,
}

/// Makes a key of the same kind that follows the one in `path`, in the new file `out`. The earlier key, where it is
/// Ed25519, signs a credential into `statement` that says so. The earlier file stays: what it signed has to be checked.
pub fn rotate(
    path: &Path,
    password: &Password,
    out: &Path,
    new_password: &Password,
    statement: Option<&Path>,
    now: i64,
) -> Result<Rotated> {
    let old = open(path, password)?;
    if statement.is_some() && old.kind() != KeyKind::Ed25519 {
        return Err(NodeError::Usage(
            "only an Ed25519 key signs a statement of rotation; an account's successor is registered on the ledger anew".into(),
        ));
    }
    let new = fresh_key(old.kind())?;
    write(&new, out, new_password, Cost::STANDARD)?;
    if let Some(statement) = statement {
        let subject = [("id", new.did()), ("replaces", old.did())];
        let subject = subject.map(|(name, did)| (name.to_owned(), json!(did.to_string())));
        let draft = Draft {
            kind: Kind::KeyRotation,
            id: None,
            subject: subject.into_iter().collect(),
            valid_from: now,
            valid_until: None,
            status: Vec::new(),
        };
        let credential =
            issue(&draft, &Signer::new(&old, None), now).map_err(NodeError::malformed)?;
        write_new(statement, &credential)?;
    }
    Ok(Rotated { from: old.did().to_string(), to: new.did().to_string() })
}

/// Seals the key in `path` with another password, in place.
pub fn change_password(path: &Path, password: &Password, new_password: &Password) -> Result<Shown> {
    let key = open(path, password)?;
    let sealed = seal(&key, new_password, Cost::STANDARD)?;
    replace_secret(path, sealed.to_json().as_bytes())?;
    Ok(shown(&key))
}

/// Seals a key that stands as 64 hexadecimal digits in `raw` into the new file `out`.
pub fn import(kind: KeyKind, raw: &Path, out: &Path, password: &Password) -> Result<Shown> {
    let text = Zeroizing::new(read_limited(raw, 1 << 10)?);
    let digits = text.trim();
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), bytes.as_mut_slice())
        .map_err(|_| NodeError::malformed("a key to import is 64 hexadecimal digits"))?;
    let key = SecretKey::from_bytes(kind, &bytes).map_err(NodeError::malformed)?;
    write(&key, out, password, Cost::STANDARD)?;
    Ok(shown(&key))
}

/// Writes the bare key of `path` as hexadecimal digits into the new file `out`, which only its owner can read.
pub fn export(path: &Path, password: &Password, out: &Path) -> Result<Shown> {
    let key = open(path, password)?;
    let digits = Zeroizing::new(hex::encode(*key.expose()));
    write_new_secret(out, format!("{}\n", digits.as_str()).as_bytes())?;
    Ok(shown(&key))
}

/// Seals the account key of a party of a home into the new file `out`, for a wallet or another node.
pub fn of_party(node: &Node, name: &str, out: &Path, password: &Password) -> Result<Shown> {
    let parties = crate::party::parties(node)?;
    let party = parties.iter().find(|party| party.name == name);
    let party = party.ok_or_else(|| {
        NodeError::unknown("party", name, parties.iter().map(|party| party.name.as_str()))
    })?;
    let bytes = Zeroizing::new(party.signer(node).to_bytes().0);
    let key = SecretKey::from_bytes(KeyKind::Secp256k1, &bytes).map_err(NodeError::malformed)?;
    write(&key, out, password, Cost::STANDARD)?;
    Ok(shown(&key))
}

fn fresh_key(kind: KeyKind) -> Result<SecretKey> {
    loop {
        let bytes = Zeroizing::new(random::<32>()?);
        // One in 2^128 is no key of secp256k1; the next is.
        if let Ok(key) = SecretKey::from_bytes(kind, &bytes) {
            return Ok(key);
        }
    }
}

fn seal(key: &SecretKey, password: &Password, cost: Cost) -> Result<Keystore> {
    if password.is_empty() {
        return Err(NodeError::Usage(
            "the password is empty; put one of at least a few words into the file".into(),
        ));
    }
    Ok(Keystore::seal(key, password, cost, &Freshness::new(random()?)))
}

/// Seals a key into the new file `out`.
pub(crate) fn write(key: &SecretKey, out: &Path, password: &Password, cost: Cost) -> Result<()> {
    write_new_secret(out, seal(key, password, cost)?.to_json().as_bytes())
}

fn read(path: &Path) -> Result<Keystore> {
    Keystore::read(&read_limited(path, MAX_BYTES)?).map_err(NodeError::malformed)
}

fn unseal(keystore: &Keystore, password: &Password) -> Result<SecretKey> {
    keystore.open(password).map_err(NodeError::from)
}

fn shown(key: &SecretKey) -> Shown {
    Shown {
        kind: key.kind().to_string(),
        did: Some(key.did().to_string()),
        account: key.account().map(|account| account.address().to_string()),
        document: Some(document(&key.did())),
        opened: true,
    }
}

fn document(did: &Did) -> Value {
    serde_json::to_value(did.document()).unwrap_or_default()
}

/// The text of a file of at most `most` bytes.
pub(crate) fn read_limited(path: &Path, most: usize) -> Result<String> {
    use std::io::Read as _;
    let file = fs::File::open(path).map_err(|error| NodeError::file("read", path, error))?;
    let mut bytes = Vec::new();
    let limited = file.take(most as u64 + 1).read_to_end(&mut bytes);
    limited.map_err(|error| NodeError::file("read", path, error))?;
    if bytes.len() > most {
        let what = format!("{} is longer than {most} bytes", path.display());
        return Err(NodeError::Malformed(what));
    }
    String::from_utf8(bytes)
        .map_err(|_| NodeError::Malformed(format!("{} is no text in UTF-8", path.display())))
}

/// Writes JSON into a file that must not be there yet.
pub(crate) fn write_new(path: &Path, value: &Value) -> Result<()> {
    write_new_bytes(path, format!("{value:#}\n").as_bytes())
}

/// Writes a file that must not be there yet.
pub(crate) fn write_new_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.exists() {
        let what = format!("{} is there already", path.display());
        return Err(NodeError::not_ready(
            what,
            "name another file, so that nothing is overwritten",
        ));
    }
    replace_bytes(path, bytes)
}

/// Writes JSON into a file, whole or not at all.
pub(crate) fn replace(path: &Path, value: &Value) -> Result<()> {
    replace_bytes(path, format!("{value:#}\n").as_bytes())
}

fn replace_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    let whole = std::path::absolute(path).map_err(|error| NodeError::file("write", path, error))?;
    write_atomically(&whole, bytes)
}
