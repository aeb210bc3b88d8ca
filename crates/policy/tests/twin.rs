//! The contract `JurisdictionRules`, filled from the same files, decides every case as `decide` does: the committed
//! bytecode runs in an EVM of its own. Where it has no row it denies by "no rule", and `decide` denies and may say by which
//! law.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use alloy::primitives::{Address, Bytes, FixedBytes, TxKind, U256};
use alloy::sol_types::{SolCall, SolValue};
use caduceus_policy::{
    ChainRow, ChainTable, Country, DataClass, Decision, Purpose, Request, Verdict, decide,
    default_rules,
};
use revm::context::TxEnv;
use revm::context::result::{ExecutionResult, Output};
use revm::database::InMemoryDB;
use revm::primitives::hardfork::SpecId;
use revm::{Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext, MainnetEvm};

mod abi {
    alloy::sol! {
        struct Rule {
            uint8 verdict;
            uint32 safeguards;
            uint16 minimumK;
            uint32 maximumEpsilonMilli;
            bool localized;
            uint16 lawId;
        }

        struct RuleRow {
            uint8 dataClass;
            bytes2 from;
            bytes2 to;
            uint8 purpose;
            Rule rule;
        }

        struct OnChain {
            uint8 verdict;
            uint32 safeguards;
            uint16 minimumK;
            uint32 maximumEpsilonMilli;
            bool localized;
            string law;
        }

        function initialize(address authority);
        function setLaws(uint16 firstId, string[] laws);
        function setCountries(bytes2[] countries, bytes2[] regions);
        function setRules(RuleRow[] rows);
        function decide(uint8 dataClass, bytes2 from, bytes2 to, uint8 purpose) returns (OnChain memory);
        function regionOf(bytes2 country) returns (bytes2);
        function regionIndex(bytes2 region) returns (uint8);
    }
}

const ADMIN: Address = Address::repeat_byte(0xad);

/// An EVM with the contract in it, behind its proxy.
struct Chain {
    evm: MainnetEvm<revm::handler::MainnetContext<InMemoryDB>>,
    rules: Address,
}

impl Chain {
    fn deploy(table: &ChainTable) -> Self {
        let evm = Context::mainnet()
            .with_db(InMemoryDB::default())
            .modify_cfg_chained(|cfg| {
                cfg.set_spec_and_mainnet_gas_params(SpecId::PRAGUE);
                cfg.disable_nonce_check = true;
            })
            .build_mainnet();
        let mut chain = Self { evm, rules: Address::ZERO };
        let manager = chain.create("AccessManager", &ADMIN.abi_encode());
        let implementation = chain.create("JurisdictionRules", &[]);
        let initialize = abi::initializeCall { authority: manager }.abi_encode();
        let arguments = (implementation, Bytes::from(initialize)).abi_encode_params();
        chain.rules = chain.create("ERC1967Proxy", &arguments);

        chain.send(&abi::setLawsCall { firstId: 0, laws: table.laws.clone() });
        let (countries, regions) =
            table.countries.iter().map(|(c, r)| (FixedBytes(*c), FixedBytes(*r))).unzip();
        chain.send(&abi::setCountriesCall { countries, regions });
        for rows in table.rows.chunks(50) {
            chain.send(&abi::setRulesCall { rows: rows.iter().map(row).collect() });
        }
        chain
    }

    fn create(&mut self, contract: &str, arguments: &[u8]) -> Address {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/artifacts");
        let text = std::fs::read_to_string(folder.join(format!("{contract}.json"))).unwrap();
        let artifact: serde_json::Value = serde_json::from_str(&text).unwrap();
        let code: Bytes = artifact["bytecode"]["object"].as_str().unwrap().parse().unwrap();
        let data = [code.as_ref(), arguments].concat();
        match self.transact(TxKind::Create, data) {
            Output::Create(_, Some(address)) => address,
            output => panic!("{contract} was not created: {output:?}"),
        }
    }

    fn send(&mut self, call: &impl SolCall) {
        self.transact(TxKind::Call(self.rules), call.abi_encode());
    }

    fn transact(&mut self, kind: TxKind, data: Vec<u8>) -> Output {
        let nonce = self.evm.ctx.journaled_state.database.cache.accounts.get(&ADMIN);
        let nonce = nonce.map_or(0, |account| account.info.nonce);
        let tx = transaction(kind, data, nonce);
        output(self.evm.transact_commit(tx).unwrap())
    }

    fn ask<C: SolCall>(&mut self, call: &C) -> C::Return {
        let tx = transaction(TxKind::Call(self.rules), call.abi_encode(), 0);
        let result = self.evm.transact(tx).unwrap().result;
        C::abi_decode_returns(output(result).data()).unwrap()
    }
}

fn transaction(kind: TxKind, data: Vec<u8>, nonce: u64) -> TxEnv {
    let builder = TxEnv::builder().caller(ADMIN).kind(kind).data(data.into()).nonce(nonce);
    builder.gas_price(0).gas_limit(100_000_000).value(U256::ZERO).build().unwrap()
}

fn output(result: ExecutionResult) -> Output {
    match result {
        ExecutionResult::Success { output, .. } => output,
        other => panic!("the contract refused: {other:?}"),
    }
}

fn row(row: &ChainRow) -> abi::RuleRow {
    abi::RuleRow {
        dataClass: row.data_class,
        from: row.from.into(),
        to: row.to.into(),
        purpose: row.purpose,
        rule: abi::Rule {
            verdict: row.verdict,
            safeguards: row.safeguards,
            minimumK: row.minimum_k,
            maximumEpsilonMilli: row.maximum_epsilon_milli,
            localized: row.localized,
            lawId: row.law_id,
        },
    }
}

fn as_on_chain(decision: Decision) -> abi::OnChain {
    abi::OnChain {
        verdict: decision.verdict.number(),
        safeguards: decision.safeguards.bits(),
        minimumK: decision.minimum_k,
        maximumEpsilonMilli: decision.maximum_epsilon_milli,
        localized: decision.localized,
        law: decision.law,
    }
}

/// Values that some rule names, and the first two of those that none tells apart.
fn told_apart<T: Copy>(all: impl IntoIterator<Item = T>, named: impl Fn(T) -> bool) -> Vec<T> {
    let (mut kept, others): (Vec<T>, Vec<T>) = all.into_iter().partition(|value| named(*value));
    kept.extend(others.into_iter().take(2));
    kept
}

/// Every country that some rule names, two of each region's others, and two that no file lists. A country comes into a
/// decision by its own code and its region's only, so that these stand for all.
fn countries() -> Vec<Country> {
    let table = default_rules();
    let rows = table.chain_rows().rows;
    let named = |country: Country| {
        let code = country.to_bytes();
        rows.iter().any(|row| row.from == code || row.to == code)
    };
    let mut regions: Vec<_> = table.countries().map(|(_, region)| region).collect();
    regions.dedup();
    let members = |region| table.countries().filter(move |(_, of)| *of == region).map(|(c, _)| c);
    let mut countries: Vec<_> =
        regions.into_iter().flat_map(|region| told_apart(members(region), named)).collect();
    countries.extend(["TZ", "ZZ"].map(|code| code.parse::<Country>().unwrap()));
    countries
}

/// Every code that a country could have.
fn codes() -> impl Iterator<Item = Country> {
    let letters = || b'A'..=b'Z';
    letters().flat_map(move |a| letters().filter_map(move |b| Country::from_bytes([a, b])))
}

#[test]
fn the_contract_decides_every_case_that_rules_tell_apart_as_this_crate_does() {
    let table = default_rules();
    let rows = table.chain_rows();
    let mut chain = Chain::deploy(&rows);
    let purposes = told_apart(Purpose::ALL.iter().copied(), |purpose| {
        rows.rows.iter().any(|row| row.purpose == purpose.number())
    });
    for from in countries() {
        for to in countries() {
            for &class in DataClass::ALL {
                for &purpose in &purposes {
                    let here = decide(table, &Request { class, from, to, purpose });
                    let there = chain.ask(&abi::decideCall {
                        dataClass: class.number(),
                        from: from.to_bytes().into(),
                        to: to.to_bytes().into(),
                        purpose: purpose.number(),
                    });
                    if there.law == "no rule" {
                        assert_eq!(here.verdict, Verdict::Deny, "{class} {from} {to} {purpose}");
                        assert_eq!(there.verdict, Verdict::Deny.number());
                        continue;
                    }
                    let here = as_on_chain(here).abi_encode();
                    assert_eq!(there.abi_encode(), here, "{class} {from} {to} {purpose}");
                }
            }
        }
    }
    for country in codes() {
        let there = chain.ask(&abi::regionOfCall { country: country.to_bytes().into() });
        let here = table.region_of(country).map_or([0; 2], |region| region.to_bytes());
        assert_eq!(there.0, here, "{country}");
    }
    for (_, region) in table.countries() {
        let there = chain.ask(&abi::regionIndexCall { region: region.to_bytes().into() });
        assert_eq!(Some(there), table.region_index(region));
    }
}
