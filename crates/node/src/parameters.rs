//! What the contracts start with, as people write it: one TOML file whose defaults are those of the program.

use std::path::Path;

use alloy::primitives::aliases::{U48, U80, U96, U104};
use alloy::primitives::utils::{ParseUnits, parse_units};
use alloy::primitives::{Address, U256};
use caduceus_contracts as c;
use caduceus_ledger::deployment::{CurveTerms, Parameters as OnLedger};
use serde::Deserialize;

use crate::error::{NodeError, Result};

/// The defaults, with what each means.
pub const DEFAULTS: &str = include_str!("parameters.toml");

/// The parameters of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    licences: Licences,
    jobs: Jobs,
    pool: Pool,
    revenue: Revenue,
    curve: Curve,
    exchange: Exchange,
    lending: Lending,
    bonds: Bonds,
    disputes: Disputes,
    rewards: Rewards,
    buyback: Buyback,
    checks: Checks,
    governance: Governance,
}

/// An amount of USDC in units of 1e-6, written as a decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Usdc(u64);

impl TryFrom<String> for Usdc {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        let units = decimal(&text, 6)?;
        units.try_into().map(Usdc).map_err(|_| format!("{text} USDC is too much"))
    }
}

/// An amount of DATA, GOV or the slope's USDC in units of 1e-18, written as a decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct Wad(u128);

impl TryFrom<String> for Wad {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        decimal(&text, 18)?.try_into().map(Wad).map_err(|_| format!("{text} is too much"))
    }
}

fn decimal(text: &str, decimals: u8) -> std::result::Result<U256, String> {
    // The library cuts off further decimals without a word, and takes signs.
    let fraction = text.split_once('.').map_or("", |(_, fraction)| fraction);
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && fraction.len() <= usize::from(decimals);
    match parse_units(text, decimals) {
        Ok(ParseUnits::U256(units)) if plain && !text.is_empty() => Ok(units),
        _ => Err(format!("`{text}` is no amount; write digits with at most {decimals} decimals")),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Licences {
    price_per_1000: Vec<Usdc>,
    term: u64,
    unit_price: Vec<Usdc>,
    bonds_required: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jobs {
    fee: Usdc,
    accept_window: u64,
    compute_window: u64,
    verify_window: u64,
    settle_window: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pool {
    score_floor: u16,
    score_cap: u16,
    maximum_value_age: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Revenue {
    contributors: u16,
    treasury: u16,
    buyback: u16,
    pool_yield: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Curve {
    base: Usdc,
    slope: Wad,
    fee: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    floor: Usdc,
    cap: Usdc,
    steepness_milli: u32,
    midpoint_milli: u32,
    completeness: u16,
    rarity: u16,
    sensitivity: u16,
    breadth: u16,
    fee: u16,
    stock_cap: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lending {
    collateral: u32,
    margin: u32,
    fee: u32,
    seizure: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bonds {
    minimum: Usdc,
    notice: u64,
    accuser: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Disputes {
    cost_milliether: u32,
    ruling_window: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rewards {
    rate: Wad,
    maximum_rarity: u32,
    bonus_points: u32,
    bonus_steps: u16,
    bonus_gap: u32,
    immediate: u16,
    vesting_term: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Buyback {
    floor: Usdc,
    cap: Usdc,
    limit: Usdc,
    ramp: u32,
    burned: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checks {
    bond: Wad,
    challenge_bond: Wad,
    finder: u16,
    report_window: u32,
    challenge_window: u32,
    ruling_window: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Governance {
    voting_delay: u32,
    voting_period: u32,
    quorum_percent: u64,
    timelock_delay: u64,
    data_genesis: Wad,
    gov_genesis: Wad,
    minimum_gov: Wad,
    minimum_locked: Wad,
}

/// 1e-3 in parts of 1e-18.
const MILLI: u64 = 1_000_000_000_000_000;

impl Default for Parameters {
    fn default() -> Parameters {
        toml::from_str(DEFAULTS).expect("the program's own defaults are whole")
    }
}

impl Parameters {
    /// Reads parameters; what the text leaves out is as in [`DEFAULTS`].
    ///
    /// # Errors
    /// [`NodeError::Definition`] with the line and what is wrong there.
    pub fn parse(text: &str, name: &str) -> Result<Parameters> {
        let wrong = |error: toml::de::Error| {
            NodeError::Definition(format!(
                "{name} is no file of parameters: {error}; `caduceus ledger parameters` prints all that there are"
            ))
        };
        let given: toml::Table = toml::from_str(text).map_err(wrong)?;
        let defaults: toml::Table = toml::from_str(DEFAULTS).map_err(wrong)?;
        let parameters: Parameters =
            toml::Value::Table(merged(defaults, given)).try_into().map_err(wrong)?;
        parameters.check(name)?;
        Ok(parameters)
    }

    /// Reads a file of parameters.
    ///
    /// # Errors
    /// As [`Parameters::parse`], and where the file cannot be read.
    pub fn read(path: &Path) -> Result<(Parameters, String)> {
        let text =
            std::fs::read_to_string(path).map_err(|error| NodeError::file("read", path, error))?;
        Ok((Parameters::parse(&text, &path.display().to_string())?, text))
    }

    /// Refuses before anything is sent what a contract would refuse at its creation.
    fn check(&self, name: &str) -> Result<()> {
        let (revenue, exchange) = (&self.revenue, &self.exchange);
        let parts = [revenue.contributors, revenue.treasury, revenue.buyback];
        let weights =
            [exchange.completeness, exchange.rarity, exchange.sensitivity, exchange.breadth];
        let sum = |all: &[u16]| all.iter().map(|part| u32::from(*part)).sum::<u32>();
        let lending = &self.lending;
        let curve = caduceus_economics::Curve::new(u128::from(self.curve.base.0), self.slope());
        let rules = [
            (
                sum(&parts) == 10_000,
                "[revenue] contributors, treasury and buyback must be 10,000 together",
            ),
            (revenue.pool_yield <= 10_000, "[revenue] pool_yield is at most 10,000"),
            (
                sum(&weights) == 10_000,
                "[exchange] the weights of the four features must be 10,000 together",
            ),
            (
                exchange.floor.0 > 0 && exchange.floor.0 <= exchange.cap.0,
                "[exchange] floor is above nothing and at most cap",
            ),
            (
                exchange.steepness_milli <= 1_000_000,
                "[exchange] steepness_milli is at most 1,000,000",
            ),
            (exchange.midpoint_milli <= 1_000, "[exchange] midpoint_milli is at most 1,000"),
            (exchange.fee <= 1_000, "[exchange] fee is at most 1,000"),
            (curve.is_ok(), "[curve] base and slope make no curve that can be computed"),
            (self.curve.fee <= 500, "[curve] fee is at most 500"),
            (
                (10_000..=lending.collateral).contains(&lending.margin),
                "[lending] margin is from 10,000 to collateral",
            ),
            (
                lending.collateral <= 100_000 && lending.fee <= 100_000,
                "[lending] collateral and fee are at most 100,000",
            ),
            (lending.seizure <= 500, "[lending] seizure is at most 500"),
            (self.bonds.accuser <= 5_000, "[bonds] accuser is at most 5,000"),
            (self.rewards.immediate <= 10_000, "[rewards] immediate is at most 10,000"),
            (
                self.rewards.bonus_gap > 604_800,
                "[rewards] bonus_gap is above the cool-down of 604,800",
            ),
            (
                self.buyback.floor.0 > 0 && self.buyback.floor.0 <= self.buyback.cap.0,
                "[buyback] floor is above nothing and at most cap",
            ),
            (
                self.buyback.limit.0 > 0 && self.buyback.ramp > 0,
                "[buyback] limit and ramp are above nothing",
            ),
            (self.buyback.burned <= 10_000, "[buyback] burned is at most 10,000"),
            (
                self.checks.bond.0 > 0 && self.checks.challenge_bond.0 > 0,
                "[checks] bond and challenge_bond are above nothing",
            ),
            (self.checks.finder <= 5_000, "[checks] finder is at most 5,000"),
            (
                (1..=100).contains(&self.governance.quorum_percent),
                "[governance] quorum_percent is from 1 to 100",
            ),
            (
                self.pool.score_floor <= self.pool.score_cap && self.pool.score_cap > 0,
                "[pool] score_floor is at most score_cap, which is above nothing",
            ),
            // What vaults measure counts as this at least.
            (
                self.pool.score_floor <= crate::genesis::SCORE_FLOOR,
                "[pool] score_floor is at most 1,000",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            None => Ok(()),
            Some((_, rule)) => Err(NodeError::Definition(format!("{name}: {rule}"))),
        }
    }

    /// As the ledger's plan takes them; who holds which office and the rules of law come from elsewhere.
    pub(crate) fn on_ledger(&self, people: People) -> OnLedger {
        let (curve, governance) = (&self.curve, &self.governance);
        OnLedger {
            attestors: people.attestors,
            threshold: people.threshold,
            registrar: people.registrar,
            guardian: people.guardian,
            rules: Vec::new(),
            laws: Vec::new(),
            countries: Vec::new(),
            prices: self.licences.price_per_1000.iter().map(|price| price.0).collect(),
            licence_term: self.licences.term,
            job_fee: self.jobs.fee.0,
            windows: c::ComputeMarket::Windows {
                accept: self.jobs.accept_window,
                compute: self.jobs.compute_window,
                verify: self.jobs.verify_window,
                settle: self.jobs.settle_window,
            },
            score_floor: self.pool.score_floor,
            score_cap: self.pool.score_cap,
            maximum_value_age: self.pool.maximum_value_age,
            split: c::RevenueSplitter::Split {
                contributorsBps: self.revenue.contributors,
                treasuryBps: self.revenue.treasury,
                buybackBps: self.revenue.buyback,
                poolYieldBps: self.revenue.pool_yield,
            },
            voting_delay: governance.voting_delay,
            voting_period: governance.voting_period,
            quorum_percent: governance.quorum_percent,
            timelock_delay: governance.timelock_delay,
            data_genesis: U256::from(governance.data_genesis.0),
            governance_genesis: U256::from(governance.gov_genesis.0),
            minimums: c::CooperativeGovernor::Minimums {
                gov: governance.minimum_gov.0,
                escrow: governance.minimum_locked.0,
            },
            curve: CurveTerms {
                base: u128::from(curve.base.0),
                slope: self.slope(),
                fee: curve.fee,
            },
            price_curve: self.price_curve(),
            exchange_fee: self.exchange.fee,
            stock_cap: self.exchange.stock_cap,
            lending: c::DatasetLending::LendingTerms {
                collateralBps: self.lending.collateral,
                marginBps: self.lending.margin,
                feeBps: self.lending.fee,
                seizureBps: self.lending.seizure,
            },
            unit_prices: self.licences.unit_price.iter().map(|price| price.0).collect(),
            bonds: c::ResearcherBonds::BondTerms {
                minimum: U96::from(self.bonds.minimum.0),
                notice: self.bonds.notice,
                accuserBps: self.bonds.accuser,
            },
            bonds_required: self.licences.bonds_required,
            arbitration_cost: U256::from(self.disputes.cost_milliether) * U256::from(MILLI),
            ruling_window: self.disputes.ruling_window,
            rewards: self.reward_terms(),
            buyback: self.buyback_terms(),
            checks: self.check_terms(),
        }
    }

    /// In parts of 1e-18 of the smallest unit of USDC, 1e-6.
    fn slope(&self) -> u128 {
        self.curve.slope.0.saturating_mul(1_000_000)
    }

    fn price_curve(&self) -> c::DatasetExchange::PriceCurve {
        let exchange = &self.exchange;
        c::DatasetExchange::PriceCurve {
            floor: U96::from(exchange.floor.0),
            cap: U96::from(exchange.cap.0),
            steepness: U80::from(exchange.steepness_milli) * U80::from(MILLI),
            midpoint: u64::from(exchange.midpoint_milli) * MILLI,
            completeness: exchange.completeness,
            rarity: exchange.rarity,
            sensitivity: exchange.sensitivity,
            breadth: exchange.breadth,
        }
    }

    fn reward_terms(&self) -> c::ContributionRewards::RewardTerms {
        let rewards = &self.rewards;
        c::ContributionRewards::RewardTerms {
            rate: rewards.rate.0,
            maximumRarity: rewards.maximum_rarity,
            bonusPoints: rewards.bonus_points,
            bonusSteps: rewards.bonus_steps,
            immediateBps: rewards.immediate,
            vestingTerm: U48::from(rewards.vesting_term),
            bonusGap: U48::from(rewards.bonus_gap),
        }
    }

    fn buyback_terms(&self) -> c::BuybackBurner::BuybackTerms {
        let buyback = &self.buyback;
        c::BuybackBurner::BuybackTerms {
            floorPrice: u128::from(buyback.floor.0),
            capPrice: u128::from(buyback.cap.0),
            limit: u128::from(buyback.limit.0),
            ramp: U48::from(buyback.ramp),
            burnBps: buyback.burned,
            market: Address::ZERO,
        }
    }

    fn check_terms(&self) -> c::ValidatorPool::CheckTerms {
        let checks = &self.checks;
        c::ValidatorPool::CheckTerms {
            bond: U104::from(checks.bond.0),
            challengeBond: U104::from(checks.challenge_bond.0),
            finderBps: checks.finder,
            reportWindow: U48::from(checks.report_window),
            challengeWindow: U48::from(checks.challenge_window),
            rulingWindow: U48::from(checks.ruling_window),
        }
    }
}

/// Who holds which office of a deployment.
pub(crate) struct People {
    pub(crate) attestors: Vec<Address>,
    pub(crate) threshold: u8,
    pub(crate) registrar: Address,
    pub(crate) guardian: Address,
}

/// `given` over `defaults`, table by table.
fn merged(mut defaults: toml::Table, given: toml::Table) -> toml::Table {
    for (key, value) in given {
        let value = match (defaults.remove(&key), value) {
            (Some(toml::Value::Table(known)), toml::Value::Table(new)) => {
                toml::Value::Table(merged(known, new))
            }
            (_, value) => value,
        };
        defaults.insert(key, value);
    }
    defaults
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn nobody() -> People {
        let zero = Address::ZERO;
        People { attestors: Vec::new(), threshold: 0, registrar: zero, guardian: zero }
    }

    #[test]
    fn what_a_file_leaves_out_is_as_by_default() {
        assert_eq!(Parameters::parse("", "f").unwrap(), Parameters::default());
        let changed = Parameters::parse("[jobs]\nfee = \"12.5\"\n", "f").unwrap();
        assert_eq!(changed.jobs.fee, Usdc(12_500_000));
        assert_eq!(changed.jobs.accept_window, 86_400);
        let ledger = changed.on_ledger(nobody());
        assert_eq!(ledger.prices[0], 10_000_000);
        // 0.002 USDC are 2,000 units of 1e-6.
        assert_eq!(ledger.curve.slope, 2_000_000_000_000_000_000_000);
        assert_eq!(ledger.arbitration_cost, U256::from(100 * MILLI));
    }

    #[test]
    fn what_a_contract_would_refuse_is_refused_with_its_place() {
        for (text, word) in [
            ("[revenue]\ntreasury = 1_001\n", "[revenue]"),
            ("[exchange]\nrarity = 1\n", "[exchange]"),
            ("[curve]\nbase = \"0\"\nslope = \"0\"\n", "[curve]"),
            ("[lending]\nmargin = 9_999\n", "[lending]"),
            ("[jobs]\nfee = \"-1\"\n", "no amount"),
            ("[jobs]\nfee = \"1.0000001\"\n", "no amount"),
            ("[jobs]\nfees = \"1\"\n", "fees"),
            ("[jobs\n", "f is no file of parameters"),
        ] {
            let refusal = Parameters::parse(text, "f").unwrap_err();
            assert!(refusal.to_string().contains(word), "{refusal}");
            assert_eq!(refusal.exit_code(), 2);
        }
    }
}
