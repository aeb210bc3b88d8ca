//! The organizations that a home plays: custodians and researchers, as the registry on the ledger knows them.

use alloy::primitives::{Address, B256, FixedBytes, U256};
use alloy::signers::local::PrivateKeySigner;
use caduceus_contracts::ParticipantRegistry::Participant;
use caduceus_contracts::{ParticipantRegistry, TestUSDC};
use caduceus_identity::Keyring;
use caduceus_policy::{Country, Safeguards};
use serde::{Deserialize, Serialize};

use crate::error::{NodeError, Result};
use crate::home::Home;
use crate::node::Node;

/// How long a registration's checks are good for, in seconds.
const YEAR: u64 = 365 * DAY;
const DAY: u64 = 24 * 3_600;

/// `PartyStatus.ACTIVE` in the contracts.
const ACTIVE: u8 = 1;

/// What an organization does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Holds records in a vault: a hospital, a clinic, a vendor of wearables.
    Custodian,
    /// Buys licences and asks questions.
    Researcher,
    /// Vouches for others: its credentials count as far as the ledger says.
    Issuer,
}

impl Role {
    /// The role's bit in `ParticipantRegistry`.
    pub(crate) fn bit(self) -> u32 {
        match self {
            Role::Custodian => 1,
            Role::Researcher => 2,
            Role::Issuer => 128,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Custodian => "custodian",
            Role::Researcher => "researcher",
            Role::Issuer => "issuer",
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

/// A registration, and what it changed of an earlier one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Registration {
    /// Who is registered.
    #[serde(flatten)]
    pub party: Party,
    /// Whether it was registered by this call.
    pub new: bool,
    /// What is different from before; nothing for a new party.
    pub changed: Vec<Change>,
}

/// One thing that a registration changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `safeguards`, `accreditation`, `checks` or `trust`.
    pub what: &'static str,
    /// What it was.
    pub from: String,
    /// What it is now.
    pub to: String,
}

/// Registers an organization on the ledger and remembers it in the home.
///
/// An accreditation rests on the operator's word and is good for about three years, unless the party has shown one
/// (`crate::accreditation::register`): then it ends when that one ends, in later calls too.
///
/// For a name that is registered, the registrar brings safeguards and accreditation to what `new` says, and renews the
/// checks; a role or a country cannot change. The same call twice changes nothing.
///
/// In a home that joined somebody else's deployment, the registrar is elsewhere: then the account must have been let in
/// there (`accreditation::admit`), and nothing of its registration is changed.
pub async fn register(node: &Node, new: &NewParty) -> Result<Registration> {
    let shown = crate::accreditation::of(node, &new.name)?;
    register_until(node, new, shown.map(|shown| shown.until)).await
}

/// As [`register`], with the moment until which an accreditation that was shown holds, in seconds since 1970.
pub(crate) async fn register_until(
    node: &Node,
    new: &NewParty,
    accredited_until: Option<u64>,
) -> Result<Registration> {
    check_name(&new.name)?;
    check_country(new.country)?;
    let signer = node.key(&format!("party/{}", new.name));
    let party = Party {
        name: new.name.clone(),
        role: new.role,
        country: new.country,
        address: signer.address(),
    };
    let mut known = parties(node)?;
    if let Some(same) = known.iter().find(|known| known.name == party.name)
        && *same != party
    {
        let what = format!(
            "`{}` is registered as a {} in {}, and a party's role and country cannot change",
            same.name,
            same.role.name(),
            same.country
        );
        return Err(NodeError::not_ready(what, "register another name"));
    }
    let is_new = !known.contains(&party);
    let changed = match node.operates() {
        true => admit(node, party.address, new, accredited_until).await?,
        false => {
            require_admitted(node, &party).await?;
            Vec::new()
        }
    };
    if party.role == Role::Researcher {
        publish_key(node, &party, &signer).await?;
    }
    if is_new {
        known.push(party.clone());
        node.home.record("parties", &known)?;
    }
    Ok(Registration { party, new: is_new, changed })
}

/// Registers the account of an organization, whose key may be in another home, and gives it ether for gas. Gives what
/// changed of an earlier registration.
pub(crate) async fn admit(
    node: &Node,
    account: Address,
    new: &NewParty,
    accredited_until: Option<u64>,
) -> Result<Vec<Change>> {
    check_country(new.country)?;
    if !node.operates() {
        return Err(NodeError::not_ready(
            "the ledger's registrar is not in this home",
            "let parties in from the home that made the deployment",
        ));
    }
    node.fund(account).await?;
    let mut wanted = participant(node, new.role.bit(), new).await?;
    if let Some(until) = accredited_until.filter(|_| new.accredited) {
        wanted.accreditationExpiry = until;
    }
    bring_to(node, account, wanted).await
}

/// Refuses a party that the registrar of somebody else's deployment has not let in yet, with what to ask for.
async fn require_admitted(node: &Node, party: &Party) -> Result<()> {
    let registry = ParticipantRegistry::new(node.at.participant_registry, &node.provider);
    let found = registry.participant(party.address).call().await?;
    let (role, country) = (party.role, party.country);
    if found.roles & role.bit() != 0 && found.jurisdiction.0 == country.to_bytes() {
        return Ok(());
    }
    let what = format!(
        "{} is not registered on this ledger as a {} in {country}",
        party.address,
        role.name()
    );
    let todo = format!(
        "ask the operator for `caduceus party admit --account {} --role {} --country {country}`, then run this again",
        party.address,
        role.name()
    );
    Err(NodeError::not_ready(what, todo))
}

/// What the registry is to hold of a party from now on.
async fn participant(node: &Node, roles: u32, new: &NewParty) -> Result<Participant> {
    let valid_until = node.now().await? / YEAR * YEAR + 3 * YEAR;
    Ok(Participant {
        status: ACTIVE,
        roles,
        jurisdiction: FixedBytes(new.country.to_bytes()),
        kycExpiry: valid_until,
        accreditationExpiry: if new.accredited { valid_until } else { 0 },
        safeguards: new.safeguards.bits(),
    })
}

/// Registers `address`, or changes its registration where it differs from `wanted`. Gives what was changed.
async fn bring_to(node: &Node, address: Address, mut wanted: Participant) -> Result<Vec<Change>> {
    let registry = ParticipantRegistry::new(node.at.participant_registry, &node.provider);
    let found = registry.participant(address).call().await?;
    let registrar = node.key(crate::genesis::REGISTRAR);
    let to = node.at.participant_registry;
    if found.status == 0 {
        let call = ParticipantRegistry::registerCall { party: address, participant_: wanted };
        node.send("register", &format!("register/{address}"), &registrar, to, &call).await?;
        return Ok(Vec::new());
    }
    let lacks = wanted.roles & !found.roles;
    if lacks != 0 || found.jurisdiction != wanted.jurisdiction {
        let what = format!("{address} is registered with another role or country on this ledger");
        return Err(NodeError::not_ready(what, "neither can change: register another name"));
    }
    // A suspension does not end by the way, and roles that the registrar gave besides stay.
    (wanted.status, wanted.roles) = (found.status, found.roles);
    let changed = changes(&found, &wanted, node.now().await?);
    if !changed.is_empty() {
        let key = node.next_key("update", registrar.address()).await?;
        let call = ParticipantRegistry::updateCall { party: address, participant_: wanted };
        node.send("update registration", &key, &registrar, to, &call).await?;
    }
    Ok(changed)
}

fn changes(before: &Participant, after: &Participant, now: u64) -> Vec<Change> {
    let safeguards = |of: &Participant| match Safeguards::from_bits(of.safeguards) {
        Some(none) if none == Safeguards::NONE => "none".to_owned(),
        Some(some) => some.to_string(),
        None => format!("unknown ({:#x})", of.safeguards),
    };
    let days = |expiry: u64| match expiry.saturating_sub(now) / DAY {
        0 => "none in force".to_owned(),
        days => format!("good for {days} days"),
    };
    let all = [
        ("safeguards", safeguards(before), safeguards(after)),
        ("accreditation", days(before.accreditationExpiry), days(after.accreditationExpiry)),
        ("checks", days(before.kycExpiry), days(after.kycExpiry)),
    ];
    let different = all.into_iter().filter(|(_, from, to)| from != to);
    different.map(|(what, from, to)| Change { what, from, to }).collect()
}

/// Publishes the key to which a researcher's answers are encrypted, unless it is published.
async fn publish_key(node: &Node, party: &Party, signer: &PrivateKeySigner) -> Result<()> {
    let key = FixedBytes(*node.keyring().encryption_key(&party.label()).public().as_bytes());
    let to = node.at.participant_registry;
    let registry = ParticipantRegistry::new(to, &node.provider);
    if registry.encryptionKey(party.address).call().await? == key {
        return Ok(());
    }
    let call = ParticipantRegistry::setEncryptionKeyCall { key };
    let intent = format!("encryption-key/{}", party.name);
    node.send("set encryption key", &intent, signer, to, &call).await?;
    Ok(())
}

/// Where the home keeps which attestors it registered beside its own.
const ATTESTORS: &str = "attestors-registered";

/// Registers the attestors that the home plays, whose signatures count only while they are in good standing.
pub(crate) async fn register_attestors(node: &Node) -> Result<()> {
    let registry = ParticipantRegistry::new(node.at.participant_registry, &node.provider);
    let country = Country::from_bytes(*b"CH").expect("two capital letters");
    for account in crate::attestor::accounts(node.keyring()) {
        if registry.participant(account).call().await?.status == 0 {
            bring_attestor_to(node, account, country).await?;
        }
    }
    Ok(())
}

/// Registers an attestor that somebody else is.
pub(crate) async fn register_attestor(
    node: &Node,
    account: Address,
    country: Country,
) -> Result<()> {
    check_country(country)?;
    bring_attestor_to(node, account, country).await?;
    let mut all = registered_attestors(node)?;
    if !all.contains(&account) {
        all.push(account);
        node.home.record(ATTESTORS, &all)?;
    }
    Ok(())
}

/// The attestors that [`register_attestor`] registered.
pub(crate) fn registered_attestors(node: &Node) -> Result<Vec<Address>> {
    Ok(node.home.recall(ATTESTORS)?.unwrap_or_default())
}

async fn bring_attestor_to(node: &Node, account: Address, country: Country) -> Result<()> {
    const ATTESTOR: u32 = 4;
    let new = NewParty {
        name: "attestor".into(),
        role: Role::Custodian, // not used: an attestor has a role of its own
        country,
        accredited: true,
        safeguards: Safeguards::NONE,
    };
    bring_to(node, account, participant(node, ATTESTOR, &new).await?).await.map(drop)
}

/// The organizations of this home, in the order in which they were registered.
pub fn parties(node: &Node) -> Result<Vec<Party>> {
    of_home(&node.home)
}

fn of_home(home: &Home) -> Result<Vec<Party>> {
    Ok(home.recall("parties")?.unwrap_or_default())
}

/// Every account of this home that sends transactions.
pub(crate) fn accounts(home: &Home, keyring: &Keyring) -> Result<Vec<Address>> {
    let officers = crate::genesis::OFFICERS.iter().map(|label| keyring.derive(label).address());
    let parties = of_home(home)?.into_iter().map(|party| party.address);
    let members = crate::member::of_home(home)?.into_iter().map(|member| member.address);
    Ok(officers.chain(parties).chain(members).collect())
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

/// Refuses test USDC for a party that has no use for it.
pub fn check_test_usdc(role: Role, amount: u64) -> Result<()> {
    match role {
        Role::Custodian | Role::Issuer if amount > 0 => Err(NodeError::Usage(format!(
            "{} pays nothing and needs no test USDC; leave --usdc out, or register a researcher",
            if role == Role::Issuer { "an issuer" } else { "a custodian" }
        ))),
        _ => Ok(()),
    }
}

/// Brings what a researcher was given in test USDC (units of 1e-6), which only a development deployment has, to `amount`
/// in all. Gives what was added.
pub async fn give_test_usdc(node: &Node, researcher: &Party, amount: u64) -> Result<u64> {
    check_test_usdc(researcher.role, amount)?;
    if amount > 0 && !node.operates() {
        let what = "test USDC comes from the home that made the deployment";
        return Err(NodeError::not_ready(what, "ask for `caduceus party admit --usdc` there"));
    }
    let to = Some(researcher.address.into_word());
    let minted = node.events::<TestUSDC::Transfer>(node.at.usdc, &[Some(B256::ZERO), to]).await?;
    let given = minted.iter().fold(U256::ZERO, |sum, mint| sum.saturating_add(mint.value));
    let missing = U256::from(amount).saturating_sub(given);
    if missing.is_zero() {
        if amount > 0 && given > U256::from(amount) {
            let what = format!(
                "{} was given {} test USDC already, and none is taken back",
                researcher.name,
                given / U256::from(crate::genesis::USDC)
            );
            return Err(NodeError::not_ready(what, "name at least that much with --usdc"));
        }
        return Ok(0);
    }
    let call = TestUSDC::mintCall { to: researcher.address, amount: missing };
    let deployer = node.key(crate::genesis::DEPLOYER);
    let key = format!("test-usdc/{}/{}", researcher.name, minted.len());
    node.send("mint test USDC", &key, &deployer, node.at.usdc, &call).await?;
    Ok(missing.to())
}

/// Names become folder names and key labels, so they are kept plain.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| plain(c) && c != '-');
    if begins && name.len() <= 40 && name.chars().all(plain) {
        return Ok(());
    }
    let what = format!("`{name}` cannot be the name of a party");
    let todo = "use 1 to 40 lower-case letters, digits and hyphens, a hyphen not at the beginning";
    Err(NodeError::not_ready(what, todo))
}

/// A party is in a country that there is: the ledger takes any two letters.
fn check_country(country: Country) -> Result<()> {
    let code = country.to_string();
    if rust_iso3166::from_alpha2(&code).is_some() {
        return Ok(());
    }
    let what = format!("there is no country `{code}` in ISO 3166-1");
    Err(NodeError::not_ready(
        what,
        "use a code of two letters such as DE, or GB for the United Kingdom",
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_name_is_plain_and_begins_with_a_letter_or_a_digit() {
        for good in ["a", "klinikum-nord", "7th-clinic", "a-", &"x".repeat(40)] {
            check_name(good).unwrap();
        }
        for bad in ["", "-", "---", "-a", "A", "a b", "a/b", "..", "ä", &"x".repeat(41)] {
            assert!(check_name(bad).unwrap_err().to_string().contains("hyphens"), "{bad}");
        }
    }

    #[test]
    fn a_country_is_one_that_there_is() {
        let check = |code: &str| check_country(code.parse().unwrap());
        for good in ["DE", "US", "JP", "CH", "GB", "BR", "IN", "CA", "TW", "SS"] {
            check(good).unwrap();
        }
        for bad in ["ZZ", "XX", "AA", "UK", "EU"] {
            assert!(check(bad).unwrap_err().to_string().contains(bad));
        }
    }

    #[test]
    fn only_what_differs_is_told_as_changed() {
        let before = Participant {
            status: ACTIVE,
            roles: 2,
            jurisdiction: FixedBytes(*b"IN"),
            kycExpiry: 100 * DAY,
            accreditationExpiry: 0,
            safeguards: 0,
        };
        assert!(changes(&before, &before, 0).is_empty());
        let after = Participant {
            accreditationExpiry: 100 * DAY,
            safeguards: Safeguards::SCC.with(Safeguards::BCR).bits(),
            ..before.clone()
        };
        let told: Vec<_> = changes(&before, &after, DAY)
            .into_iter()
            .map(|change| (change.what, change.from, change.to))
            .collect();
        let expected = [
            ("safeguards", "none".into(), "SCC, BCR".into()),
            ("accreditation", "none in force".into(), "good for 99 days".into()),
        ];
        assert_eq!(told, expected);
    }
}
