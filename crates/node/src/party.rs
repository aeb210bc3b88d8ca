//! The organizations that a home plays: custodians and researchers, as the registry on the ledger knows them.

use alloy::primitives::{Address, FixedBytes, U256};
use alloy::signers::local::PrivateKeySigner;
use caduceus_contracts::{ParticipantRegistry, TestUSDC};
use caduceus_policy::{Country, Safeguards};
use serde::{Deserialize, Serialize};

use crate::error::{NodeError, Result};
use crate::node::Node;

/// How long a registration's checks are good for, in seconds.
const YEAR: u64 = 365 * 24 * 3_600;

/// What an organization does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Holds records in a vault: a hospital, a clinic, a vendor of wearables.
    Custodian,
    /// Buys licences and asks questions.
    Researcher,
}

impl Role {
    /// The role's bit in `ParticipantRegistry`.
    fn bit(self) -> u32 {
        match self {
            Role::Custodian => 1,
            Role::Researcher => 2,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Role::Custodian => "custodian",
            Role::Researcher => "researcher",
        }
    }
}

/// An organization of this home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The name that commands use.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// Where it is established (ISO 3166-1 alpha-2).
    pub country: Country,
    /// Its account on the ledger.
    pub address: Address,
}

impl Party {
    pub(crate) fn label(&self) -> String {
        format!("party/{}", self.name)
    }

    pub(crate) fn signer(&self, node: &Node) -> PrivateKeySigner {
        node.key(&self.label())
    }
}

/// An organization to be registered.
#[derive(Clone, Debug)]
pub struct NewParty {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// Where it is established.
    pub country: Country,
    /// Whether an accreditation was shown; without one, nothing that needs it succeeds.
    pub accredited: bool,
    /// The transfer safeguards that it has in place.
    pub safeguards: Safeguards,
}

/// Registers an organization on the ledger and remembers it in the home. Registering the same name again changes nothing.
pub async fn register(node: &Node, new: &NewParty) -> Result<Party> {
    check_name(&new.name)?;
    let signer = node.key(&format!("party/{}", new.name));
    let party = Party {
        name: new.name.clone(),
        role: new.role,
        country: new.country,
        address: signer.address(),
    };
    let known = parties(node)?;
    if let Some(same) = known.iter().find(|known| known.name == party.name) {
        if *same != party {
            let what =
                format!("`{}` is registered already, with another role or country", party.name);
            return Err(NodeError::not_ready(what, "choose another name"));
        }
        return Ok(party);
    }
    node.fund(party.address).await?;
    register_on_ledger(
        node,
        party.address,
        new.role.bit(),
        new.country,
        new.accredited,
        new.safeguards,
    )
    .await?;
    if party.role == Role::Researcher {
        let key = FixedBytes(*node.keyring().encryption_key(&party.label()).public().as_bytes());
        let call = ParticipantRegistry::setEncryptionKeyCall { key };
        let to = node.at.participant_registry;
        node.send(
            "set encryption key",
            &format!("encryption-key/{}", party.name),
            &signer,
            to,
            &call,
        )
        .await?;
    }
    let mut all = known;
    all.push(party.clone());
    node.home.record("parties", &all)?;
    Ok(party)
}

/// Registers the attestors that the home plays, whose signatures count only while they are in good standing.
pub(crate) async fn register_attestors(node: &Node) -> Result<()> {
    const ATTESTOR: u32 = 4;
    let switzerland = Country::from_bytes(*b"CH").expect("two capital letters");
    for account in crate::attestor::accounts(node.keyring()) {
        register_on_ledger(node, account, ATTESTOR, switzerland, true, Safeguards::NONE).await?;
    }
    Ok(())
}

async fn register_on_ledger(
    node: &Node,
    party: Address,
    roles: u32,
    country: Country,
    accredited: bool,
    safeguards: Safeguards,
) -> Result<()> {
    let valid_until = node.now().await? / YEAR * YEAR + 3 * YEAR;
    let call = ParticipantRegistry::registerCall {
        party,
        participant_: ParticipantRegistry::Participant {
            status: 1,
            roles,
            jurisdiction: FixedBytes(country.to_bytes()),
            kycExpiry: valid_until,
            accreditationExpiry: if accredited { valid_until } else { 0 },
            safeguards: safeguards.bits(),
        },
    };
    let registrar = node.key(crate::genesis::REGISTRAR);
    node.send(
        "register",
        &format!("register/{party}"),
        &registrar,
        node.at.participant_registry,
        &call,
    )
    .await?;
    Ok(())
}

/// The organizations of this home, in the order in which they were registered.
pub fn parties(node: &Node) -> Result<Vec<Party>> {
    Ok(node.home.recall("parties")?.unwrap_or_default())
}

/// The organization of this role and name.
pub fn find(node: &Node, role: Role, name: &str) -> Result<Party> {
    let of_role: Vec<Party> =
        parties(node)?.into_iter().filter(|party| party.role == role).collect();
    match of_role.iter().find(|party| party.name == name) {
        Some(party) => Ok(party.clone()),
        None => Err(NodeError::unknown(
            role.name(),
            name,
            of_role.iter().map(|party| party.name.as_str()),
        )),
    }
}

/// Every custodian of this home.
pub fn custodians(node: &Node) -> Result<Vec<Party>> {
    Ok(parties(node)?.into_iter().filter(|party| party.role == Role::Custodian).collect())
}

/// Gives a researcher test USDC (units of 1e-6), which only a development deployment has.
pub async fn give_test_usdc(node: &Node, researcher: &Party, amount: u64) -> Result<()> {
    let call = TestUSDC::mintCall { to: researcher.address, amount: U256::from(amount) };
    let deployer = node.key(crate::genesis::DEPLOYER);
    node.send(
        "mint test USDC",
        &format!("test-usdc/{}", researcher.name),
        &deployer,
        node.at.usdc,
        &call,
    )
    .await?;
    Ok(())
}

/// Names become folder names and key labels, so they are kept plain.
fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.len() <= 40 && name.chars().all(plain) {
        return Ok(());
    }
    let what = format!("`{name}` cannot be the name of a party");
    Err(NodeError::not_ready(what, "use 1 to 40 lower-case letters, digits and hyphens"))
}
