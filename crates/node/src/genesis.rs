//! How a home begins: its ledger, its own officers, the rules, and the parameters that the contracts start with.

use std::path::Path;

use alloy::primitives::utils::{Unit, format_ether};
use alloy::primitives::{Address, FixedBytes, U256};
use alloy::providers::Provider;
use alloy::signers::local::PrivateKeySigner;
use caduceus_contracts::JurisdictionRules::{Rule, RuleRow};
use caduceus_identity::Keyring;
use caduceus_ledger::deployment::{self, Addresses, Deployment, DeploymentError, Parameters};
use caduceus_ledger::{Config, Ledger, Outbox, OutboxError};
use caduceus_policy::RuleTable;

use crate::attestor;
use crate::error::{NodeError, Result};
use crate::home::{self, Home};
use crate::parameters::People;
use crate::report::Reporter;

/// Key labels of the officers that a development home plays.
pub(crate) const DEPLOYER: &str = "officer/deployer";
pub(crate) const REGISTRAR: &str = "officer/registrar";
pub(crate) const GUARDIAN: &str = "officer/guardian";
pub(crate) const RELAY: &str = "officer/relay";
const FUNDER: &str = "officer/funder";

/// The environment variable that names a file with the hex key that pays for gas on another chain.
const FUNDER_KEY_FILE: &str = "CADUCEUS_FUNDER_KEY_FILE";
/// The first account of Anvil and Hardhat development chains, whose key their documentation publishes.
const DEVELOPMENT_KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const DEVELOPMENT_CHAIN: u64 = 31_337;

/// Ether that every account of a home is given for gas.
pub(crate) const ALLOWANCE: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// What each officer is given: they send for everybody else.
const OFFICERS_ALLOWANCE: U256 = U256::from_limbs([10_000_000_000_000_000_000, 0, 0, 0]);
pub(crate) const OFFICERS: [&str; 4] = [DEPLOYER, REGISTRAR, GUARDIAN, RELAY];

/// One USDC in its units.
pub(crate) const USDC: u64 = 1_000_000;

/// The least that a quality score counts as in the pool, in basis points.
pub(crate) const SCORE_FLOOR: u16 = 1_000;

/// Opens the ledger that the home was made for.
pub(crate) async fn ledger(home: &Home, keyring: &Keyring) -> Result<Ledger> {
    if let Some(url) = home.rpc() {
        return Ok(Ledger::remote(url).await?);
    }
    let million = Unit::ETHER.wei() * U256::from(1_000_000);
    let config = Config {
        funded: vec![(keyring.derive(FUNDER).address(), million)],
        development: true,
        ..Config::default()
    };
    home.part(home::LEDGER, |path| {
        if home.is_read_only() {
            return Ok(Ledger::embedded_read_only(path, config)?);
        }
        let folder = path.parent().unwrap_or(path);
        std::fs::create_dir_all(folder)
            .map_err(|error| NodeError::file("create", folder, error))?;
        Ok(Ledger::embedded(path, config)?)
    })
}

/// Who pays for gas: an account of the genesis on the embedded ledger, a funded key elsewhere.
pub(crate) fn funder(ledger: &Ledger, keyring: &Keyring) -> Result<PrivateKeySigner> {
    match ledger.chain() {
        Some(_) => Ok(keyring.derive(FUNDER)),
        None => funder_elsewhere(ledger.chain_id()),
    }
}

fn funder_elsewhere(chain_id: u64) -> Result<PrivateKeySigner> {
    let key = match std::env::var_os(FUNDER_KEY_FILE) {
        Some(path) => {
            let path = Path::new(&path);
            std::fs::read_to_string(path).map_err(|error| NodeError::file("read", path, error))?
        }
        None if chain_id == DEVELOPMENT_CHAIN => DEVELOPMENT_KEY.to_owned(),
        None => {
            let todo = format!(
                "put the hex key of a funded account into a file and name it in {FUNDER_KEY_FILE}"
            );
            return Err(NodeError::not_ready("nobody pays for gas on this chain", todo));
        }
    };
    let bad =
        |_| NodeError::not_ready("the funder's key cannot be read", "it must be 64 hex digits");
    key.trim().parse::<PrivateKeySigner>().map_err(bad)
}

/// Refuses a chain on which nobody can pay for a new home, before the home is made.
pub(crate) async fn require_ether(ledger: &Ledger) -> Result<()> {
    let funder = funder_elsewhere(ledger.chain_id())?.address();
    let needed = OFFICERS_ALLOWANCE * U256::from(OFFICERS.len());
    let balance = ledger.provider().get_balance(funder).await?;
    if balance > needed {
        return Ok(());
    }
    let detail = format!(
        "it has {} and a new home takes {} and gas",
        format_ether(balance),
        format_ether(needed)
    );
    Err(no_ether(ledger, funder, &detail))
}

/// Gives `to` ether for gas, once. `amount` in wei; who has half of it or more needs none.
pub(crate) async fn fund(
    ledger: &Ledger,
    outbox: &Outbox,
    keyring: &Keyring,
    to: Address,
    amount: U256,
) -> Result<()> {
    if ledger.provider().get_balance(to).await? >= amount / U256::from(2) {
        return Ok(());
    }
    let funder = funder(ledger, keyring)?;
    let key = format!("fund/{to}");
    let sent = outbox.submit(ledger, &key, &funder, Some(to), Default::default(), amount).await;
    sent.map_err(|error| in_words(ledger, funder.address(), error))?;
    Ok(())
}

/// The failure of a transaction of `sender`, with what to do where it cannot pay for gas.
pub(crate) fn in_words(ledger: &Ledger, sender: Address, error: OutboxError) -> NodeError {
    match error.lacks_ether() {
        Some(message) => no_ether(ledger, sender, message),
        None => error.into(),
    }
}

fn no_ether(ledger: &Ledger, account: Address, detail: &str) -> NodeError {
    let todo = format!(
        "send it ether (a development chain such as `caduceus ledger serve` or Anvil gives it: \
         `cast rpc anvil_setBalance {account} 0x3635c9adc5dea00000`), or put the hex key of an \
         account that has some into a file and name the file in {FUNDER_KEY_FILE}"
    );
    NodeError::NoEther { account, ledger: ledger.describe(), detail: detail.to_owned(), todo }
}

/// The jurisdiction rules that this program ships.
pub(crate) fn rules() -> &'static RuleTable {
    caduceus_policy::default_rules()
}

/// Finds the contracts, or deploys them where they never were.
pub(crate) async fn deploy(
    ledger: &Ledger,
    outbox: &Outbox,
    home: &Home,
    keyring: &Keyring,
    rules: &RuleTable,
    report: &Reporter,
) -> Result<Deployment> {
    let deployer = keyring.derive(DEPLOYER);
    let failed = |error: DeploymentError| match error {
        DeploymentError::NoEther { account, message, .. } => no_ether(ledger, account, &message),
        DeploymentError::Rpc(error) => error.into(),
        other => NodeError::Chain(other.to_string()),
    };
    let parameters = parameters(home, keyring, rules)?;
    let found = deployment::find(ledger, deployer.address(), &parameters).await.map_err(failed)?;
    if let Some(deployment) = found {
        home.note_deployed()?;
        write_manifest(ledger, home, deployer.address(), &parameters).await?;
        return Ok(deployment);
    }
    if home.was_deployed() {
        return Err(lost_contracts(ledger, home));
    }
    home.require_writable()?;
    for label in OFFICERS {
        let to = keyring.derive(label).address();
        fund(ledger, outbox, keyring, to, OFFICERS_ALLOWANCE).await?;
    }
    let progress = |done, of| report.progress("contracts deployed", done, Some(of));
    let deployed = deployment::deploy(ledger, outbox, &deployer, &parameters, progress).await;
    let deployment = deployed.map_err(failed)?;
    home.note_deployed()?;
    write_manifest(ledger, home, deployer.address(), &parameters).await?;
    Ok(deployment)
}

/// The contracts of somebody else's deployment, in a home that joined it.
pub(crate) fn joined(home: &Home, keyring: &Keyring) -> Result<Option<Addresses>> {
    let path = home.manifest();
    if !path.exists() {
        return Ok(None);
    }
    let deployer = crate::chain::read(&path)?.deployer;
    let own = keyring.derive(DEPLOYER).address();
    Ok((deployer != own).then(|| Addresses::of(deployer)))
}

/// Refuses a chain that no longer holds the deployment that this home joined.
pub(crate) async fn require_contracts(ledger: &Ledger, home: &Home, at: &Addresses) -> Result<()> {
    let code = ledger.provider().get_code_at(at.participant_registry).await?;
    if code.is_empty() {
        return Err(lost_contracts(ledger, home));
    }
    home.note_deployed()
}

fn lost_contracts(ledger: &Ledger, home: &Home) -> NodeError {
    let todo = match home.rpc() {
        None => format!("restore the folder {} from a backup", home.dir().join("ledger").display()),
        Some(_) => "start it again with its former state".to_owned(),
    };
    NodeError::LostContracts { ledger: ledger.describe(), todo }
}

/// What the contracts start with.
fn parameters(home: &Home, keyring: &Keyring, rules: &RuleTable) -> Result<Parameters> {
    let rows = rules.chain_rows();
    let mut attestors = attestor::accounts(keyring);
    attestors.sort();
    let people = People {
        attestors,
        threshold: attestor::THRESHOLD,
        registrar: keyring.derive(REGISTRAR).address(),
        guardian: keyring.derive(GUARDIAN).address(),
    };
    Ok(Parameters {
        rules: rows.rows.iter().map(on_ledger).collect(),
        laws: rows.laws.clone(),
        countries: rows
            .countries
            .iter()
            .map(|(country, region)| (FixedBytes(*country), FixedBytes(*region)))
            .collect(),
        ..home.parameters()?.on_ledger(people)
    })
}

/// Writes the manifest of a finished deployment, unless it is there.
async fn write_manifest(
    ledger: &Ledger,
    home: &Home,
    deployer: Address,
    parameters: &Parameters,
) -> Result<()> {
    if home.is_read_only() || home.manifest().exists() {
        return Ok(());
    }
    let manifest = deployment::manifest(ledger, deployer, parameters).await;
    let manifest = manifest.map_err(|error| NodeError::Chain(error.to_string()))?;
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest has only string keys");
    home.keep_manifest(&(text + "\n"))
}

fn on_ledger(row: &caduceus_policy::ChainRow) -> RuleRow {
    RuleRow {
        dataClass: row.data_class,
        from: FixedBytes(row.from),
        to: FixedBytes(row.to),
        purpose: row.purpose,
        rule: Rule {
            verdict: row.verdict,
            safeguards: row.safeguards,
            minimumK: row.minimum_k,
            maximumEpsilonMilli: row.maximum_epsilon_milli,
            localized: row.localized,
            lawId: row.law_id,
        },
    }
}
