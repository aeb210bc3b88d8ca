//! Who is meant by a name, and who signs.

use std::path::Path;

use alloy::primitives::Address;
use alloy::signers::local::PrivateKeySigner;

use crate::error::{NodeError, Result};
use crate::keystore::Password;
use crate::node::Node;
use crate::{genesis, member, party};

/// Officers of a home, by the names that commands use.
const OFFICERS: [(&str, &str); 4] = [
    ("deployer", genesis::DEPLOYER),
    ("registrar", genesis::REGISTRAR),
    ("guardian", genesis::GUARDIAN),
    ("relay", genesis::RELAY),
];

/// Who sends a call.
#[derive(Debug)]
pub struct Sender {
    pub(crate) signer: PrivateKeySigner,
    /// Whether the key belongs to this home, which then pays for its gas.
    pub(crate) is_of_home: bool,
}

impl Sender {
    /// The account.
    pub fn address(&self) -> Address {
        self.signer.address()
    }
}

/// Everybody whom a name can mean, with their accounts.
fn known(node: &Node) -> Result<Vec<(String, Address)>> {
    let mut all: Vec<(String, Address)> =
        node.at.named().into_iter().map(|(name, at)| (name.to_owned(), at)).collect();
    all.extend(party::parties(node)?.into_iter().map(|one| (one.name, one.address)));
    all.extend(member::members(node)?.into_iter().map(|one| (one.name, one.address)));
    let officer = |(name, label): (&str, &str)| (name.to_owned(), node.key(label).address());
    all.extend(OFFICERS.into_iter().map(officer));
    Ok(all)
}

/// The account that a name means, or that is written out.
///
/// # Errors
/// [`NodeError::Definition`] for a name that nobody has.
pub fn address_of(node: &Node, text: &str) -> Result<Address> {
    if let Ok(address) = text.parse::<Address>() {
        return Ok(address);
    }
    let known = known(node)?;
    let found = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, address)| *address).ok_or_else(|| {
        NodeError::Definition(format!(
            "`{text}` is no address, and no contract, party, member or officer of this home; see `caduceus contract list` and `caduceus status`"
        ))
    })
}

/// What an account is called in this home.
pub(super) fn name_of(node: &Node, account: Address) -> Option<String> {
    known(node).ok()?.into_iter().find(|(_, address)| *address == account).map(|(name, _)| name)
}

/// A party, a member or an officer of this home, to send as.
///
/// # Errors
/// [`NodeError::Unknown`].
pub fn sender(node: &Node, name: &str) -> Result<Sender> {
    let of_home = |signer| Sender { signer, is_of_home: true };
    if let Some((_, label)) = OFFICERS.into_iter().find(|(known, _)| *known == name) {
        return Ok(of_home(node.key(label)));
    }
    if name.contains('/') {
        return Ok(of_home(member::find_anyone(node, name)?.signer(node)));
    }
    let parties = party::parties(node)?;
    if let Some(found) = parties.iter().find(|one| one.name == name) {
        return Ok(of_home(found.signer(node)));
    }
    let known = parties.iter().map(|one| one.name.as_str()).chain(OFFICERS.map(|(name, _)| name));
    Err(NodeError::unknown("party", name, known))
}

/// The account of a key in an encrypted file (Web3 Secret Storage, version 3).
///
/// # Errors
/// [`NodeError::File`], [`NodeError::Keystore`] where the file or its password is not right, and
/// [`NodeError::Definition`] for a key that no account has.
pub fn keystore(file: &Path, password: &Password) -> Result<Sender> {
    let key = crate::keystore::open(file, password)?;
    let signer = key.account().ok_or_else(|| {
        NodeError::Definition(format!(
            "the key in {} is Ed25519, which no account on a ledger has; make one with `caduceus identity new --kind secp256k1`",
            file.display()
        ))
    })?;
    Ok(Sender { signer, is_of_home: false })
}
