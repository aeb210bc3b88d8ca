//! The contracts come to a ledger once, whatever cuts the deployment off, and nobody keeps the deployer's power.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use alloy::network::TransactionBuilder;
use alloy::primitives::aliases::{U48, U80, U96, U104};
use alloy::primitives::{Address, B256, Bytes, FixedBytes, U256, keccak256};
use alloy::providers::Provider;
use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use alloy::rpc::types::{Filter, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall;
use alloy::transports::{TransportError, TransportFut};
use caduceus_contracts as c;
use caduceus_ledger::deployment::{
    Addresses, CurveTerms, Deployment, DeploymentError, Manifest, Parameters, deploy, find,
    manifest, verify,
};
use caduceus_ledger::transport::ChainTransport;
use caduceus_ledger::{Config, Ledger, Outbox};
use tower::Service;

#[allow(dead_code, reason = "shared with the other tests, which use more of it")]
#[path = "it/support.rs"]
mod support;

use support::{ETHER, account, check_whole, config};

const DAY: u64 = 86_400;

/// `AccessRoles` in the contracts.
const ADMIN: u64 = 0;
const REGISTRAR: u64 = 1;
const GUARDIAN: u64 = 2;
const MINTER: u64 = 3;
const SELLER: u64 = 4;
const DISPUTES: u64 = 5;
const REWARDER: u64 = 6;
const BUYER: u64 = 7;
const NETWORK: u64 = 8;

fn deployer() -> PrivateKeySigner {
    account(0)
}

fn registrar() -> Address {
    account(1).address()
}

fn guardian() -> Address {
    account(2).address()
}

fn law_row(from: &[u8; 2], to: &[u8; 2], law_id: u16) -> c::JurisdictionRules::RuleRow {
    let rule = c::JurisdictionRules::Rule {
        verdict: 1,
        safeguards: 0,
        minimumK: 5 + law_id,
        maximumEpsilonMilli: 1_500,
        localized: false,
        lawId: law_id,
    };
    c::JurisdictionRules::RuleRow {
        dataClass: 1,
        from: FixedBytes(*from),
        to: FixedBytes(*to),
        purpose: 2,
        rule,
    }
}

/// Every value differs from every other of its kind, so that none can stand in another's place unseen.
fn parameters() -> Parameters {
    let mut attestors: Vec<Address> = (10..13).map(|n| account(n).address()).collect();
    attestors.sort();
    Parameters {
        attestors,
        threshold: 2,
        registrar: registrar(),
        guardian: guardian(),
        rules: vec![law_row(b"EU", b"EU", 0), law_row(b"US", b"US", 1), law_row(b"CH", b"EU", 2)],
        laws: vec!["GDPR Art. 89".into(), "HIPAA".into(), "HRA Art. 33".into()],
        countries: [(b"DE", b"EU"), (b"FR", b"EU"), (b"US", b"US"), (b"CH", b"CH")]
            .map(|(country, region)| (FixedBytes(*country), FixedBytes(*region)))
            .to_vec(),
        prices: vec![10_000_000, 100_000_000, 40_000_000],
        licence_term: 90 * DAY,
        job_fee: 25_000_000,
        windows: c::ComputeMarket::Windows {
            accept: DAY,
            compute: 2 * DAY,
            verify: 3 * DAY,
            settle: 7 * DAY,
        },
        score_floor: 1_000,
        score_cap: 20_000,
        maximum_value_age: 6 * DAY,
        split: c::RevenueSplitter::Split {
            contributorsBps: 8_500,
            treasuryBps: 1_000,
            buybackBps: 500,
            poolYieldBps: 3_000,
        },
        voting_delay: 3_600,
        voting_period: 259_200,
        quorum_percent: 20,
        timelock_delay: 172_800,
        data_genesis: ETHER * U256::from(10_000_000),
        governance_genesis: ETHER * U256::from(1_000_000),
        minimums: c::CooperativeGovernor::Minimums { gov: 11, escrow: 12 },
        curve: CurveTerms { base: 1_000_000, slope: 100 * 10_u128.pow(18), fee: 100 },
        price_curve: c::DatasetExchange::PriceCurve {
            floor: U96::from(10_000_000),
            cap: U96::from(110_000_000),
            steepness: U80::from(10) * U80::from(10_u64.pow(18)),
            midpoint: 500_000_000_000_000_000,
            completeness: 4_000,
            rarity: 3_000,
            sensitivity: 2_000,
            breadth: 1_000,
        },
        exchange_fee: 90,
        stock_cap: 80,
        lending: c::DatasetLending::LendingTerms {
            collateralBps: 15_000,
            marginBps: 12_000,
            feeBps: 2_000,
            seizureBps: 70,
        },
        unit_prices: vec![2_000_000, 0, 3_000_000],
        bonds: c::ResearcherBonds::BondTerms {
            minimum: U96::from(1_000_000_000),
            notice: 14 * DAY,
            accuserBps: 2_000,
        },
        bonds_required: true,
        arbitration_cost: ETHER / U256::from(10),
        ruling_window: 30 * DAY,
        rewards: c::ContributionRewards::RewardTerms {
            rate: 10_u128.pow(19),
            maximumRarity: 50_000,
            bonusPoints: 100,
            bonusSteps: 52,
            immediateBps: 4_000,
            vestingTerm: U48::from(365 * DAY),
            bonusGap: U48::from(31 * DAY),
        },
        buyback: c::BuybackBurner::BuybackTerms {
            floorPrice: 100_000,
            capPrice: 500_000,
            limit: 1_000_000_000,
            ramp: U48::from(DAY),
            burnBps: 9_000,
            market: Address::ZERO,
        },
        checks: c::ValidatorPool::CheckTerms {
            bond: U104::from(10_u128.pow(20)),
            challengeBond: U104::from(4 * 10_u128.pow(19)),
            finderBps: 3_000,
            reportWindow: U48::from(2 * DAY),
            challengeWindow: U48::from(3 * DAY),
            rulingWindow: U48::from(5 * DAY),
        },
    }
}

/// A ledger with the folder of its outboxes.
struct Scene {
    ledger: Ledger,
    folder: tempfile::TempDir,
    outboxes: Cell<u32>,
}

impl Scene {
    fn new(config: Config) -> Self {
        let ledger = Ledger::in_memory(config).unwrap();
        Self { ledger, folder: tempfile::tempdir().unwrap(), outboxes: Cell::new(0) }
    }

    /// An outbox that knows of nothing.
    fn outbox(&self) -> Outbox {
        let number = self.outboxes.replace(self.outboxes.get() + 1);
        Outbox::open(self.folder.path().join(format!("outbox {number}"))).unwrap()
    }

    async fn deploy(&self) -> Result<Deployment, DeploymentError> {
        deploy(&self.ledger, &self.outbox(), &deployer(), &parameters(), |_, _| {}).await
    }

    /// Runs the deployment with an outbox that knows of nothing, and drops it after this many steps.
    async fn deploy_steps(&self, steps: u64) {
        let (outbox, signer, parameters) = (self.outbox(), deployer(), parameters());
        let (ledger, left) = self.silenced(usize::MAX, false).await;
        let taken = Cell::new(0);
        let progress = |_, _| {
            taken.set(taken.get() + 1);
            if taken.get() == steps {
                left.store(0, Ordering::Relaxed);
            }
        };
        let run = deploy(&ledger, &outbox, &signer, &parameters, progress);
        assert!(cut_off(run, &left).await.is_none(), "the deployment came to its end");
    }

    /// This ledger by a connection that breaks off after `requests`, and how many of them are left.
    async fn silenced(&self, requests: usize, last_is_done: bool) -> (Ledger, Arc<AtomicUsize>) {
        let inner = ChainTransport::new(self.ledger.chain().unwrap().clone());
        let left = Arc::new(AtomicUsize::new(requests));
        let silent = Silent { inner, left: left.clone(), last_is_done };
        (Ledger::of_client(RpcClient::new(silent, true), "silent").await.unwrap(), left)
    }

    async fn nonce(&self) -> u64 {
        self.ledger.provider().get_transaction_count(deployer().address()).await.unwrap()
    }

    /// Uses the deployer's account for something else.
    async fn pay_somebody(&self) {
        let (outbox, to) = (self.outbox(), Some(account(9).address()));
        let data = Bytes::new();
        outbox.submit(&self.ledger, "pay", &deployer(), to, data, U256::ONE).await.unwrap();
    }

    fn fund(&self, wei: U256) {
        self.ledger.chain().unwrap().set_balance(deployer().address(), wei).unwrap();
    }

    fn head(&self) -> B256 {
        self.ledger.chain().unwrap().head().hash()
    }

    /// Why `from` may not make a call now, in words.
    async fn refusal(&self, from: Address, to: Address, data: &[u8]) -> Option<String> {
        let request = TransactionRequest::default()
            .with_from(from)
            .with_to(to)
            .with_input(Bytes::copy_from_slice(data));
        let error = self.ledger.provider().call(request).await.err()?;
        let data = error.as_error_resp().unwrap().as_revert_data().unwrap_or_default();
        Some(c::explain(&data).unwrap_or_else(|| error.to_string()))
    }
}

/// A connection that answers a number of requests and is then silent for ever.
#[derive(Clone)]
struct Silent {
    inner: ChainTransport,
    left: Arc<AtomicUsize>,
    /// Whether the node still does what the first unanswered request asks for.
    last_is_done: bool,
}

impl Service<RequestPacket> for Silent {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        let Silent { mut inner, left, last_is_done } = self.clone();
        let now = left.load(Ordering::Relaxed);
        if now > 1 {
            left.store(now - 1, Ordering::Relaxed);
            return inner.call(request);
        }
        Box::pin(async move {
            if last_is_done {
                inner.call(request).await?;
            }
            left.store(0, Ordering::Relaxed);
            std::future::pending().await
        })
    }
}

/// Drops a run, as a killed process would, where it waits for a connection that has fallen silent; `None` if that came
/// before its end.
async fn cut_off<T>(run: impl Future<Output = T>, left: &AtomicUsize) -> Option<T> {
    let mut run = pin!(run);
    poll_fn(|context| match run.as_mut().poll(context) {
        Poll::Pending if left.load(Ordering::Relaxed) == 0 => Poll::Ready(None),
        other => other.map(Some),
    })
    .await
}

async fn deployed() -> (Scene, Addresses) {
    let scene = Scene::new(config());
    let addresses = scene.deploy().await.unwrap().addresses;
    (scene, addresses)
}

// ---- once ---------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn every_contract_is_there_and_a_second_run_sends_nothing() {
    let scene = Scene::new(config());
    let first = scene.deploy().await.unwrap();
    let (head, nonce) = (scene.head(), scene.nonce().await);
    assert!(first.gas_used > 0);
    let named = first.addresses.named();
    assert_eq!(named.iter().map(|(_, at)| at).collect::<BTreeSet<_>>().len(), named.len());
    for (name, address) in named {
        let code = scene.ledger.provider().get_code_at(address).await.unwrap();
        assert!(!code.is_empty(), "{name} has no code");
    }
    check_whole(scene.ledger.chain().unwrap());

    let second = scene.deploy().await.unwrap();
    assert_eq!(second.addresses, first.addresses);
    assert_eq!(second.gas_used, 0);
    assert_eq!((scene.head(), scene.nonce().await), (head, nonce));
}

#[tokio::test]
async fn a_deployment_is_found_once_it_is_whole_and_looking_for_it_sends_nothing() {
    let scene = Scene::new(config());
    let look = async || {
        let head = scene.head();
        let found = find(&scene.ledger, deployer().address(), &parameters()).await.unwrap();
        assert_eq!(scene.head(), head);
        found.map(|deployment| deployment.addresses)
    };
    assert_eq!(look().await, None);
    scene.deploy_steps(5).await;
    assert_eq!(look().await, None, "a part is no deployment");
    let deployed = scene.deploy().await.unwrap().addresses;
    assert_eq!(look().await, Some(deployed));
}

#[tokio::test]
async fn progress_counts_every_transaction_up_to_the_last() {
    let scene = Scene::new(config());
    let seen = std::sync::Mutex::new(Vec::new());
    let progress = |done, of| seen.lock().unwrap().push((done, of));
    deploy(&scene.ledger, &scene.outbox(), &deployer(), &parameters(), progress).await.unwrap();
    let of = scene.nonce().await;
    let expected: Vec<(u64, u64)> = (1..=of).map(|done| (done, of)).collect();
    assert_eq!(seen.into_inner().unwrap(), expected);
}

#[tokio::test]
async fn test_money_made_after_the_deployment_is_no_foreign_use() {
    let (scene, at) = deployed().await;
    let mint = c::TestUSDC::mintCall { to: registrar(), amount: U256::from(5) }.abi_encode();
    let outbox = scene.outbox();
    outbox
        .submit(&scene.ledger, "mint", &deployer(), Some(at.usdc), mint.into(), U256::ZERO)
        .await
        .unwrap();
    let nonce = scene.nonce().await;
    let again = scene.deploy().await.unwrap();
    assert_eq!((again.addresses, again.gas_used), (at, 0));
    assert_eq!(scene.nonce().await, nonce);
}

#[tokio::test]
async fn tables_longer_than_one_transaction_arrive_whole_and_in_order() {
    let mut long = parameters();
    let letters = |n: u8| FixedBytes([b'A' + n / 26, b'A' + n % 26]);
    long.countries = (0..130).map(|n| (letters(n), letters(0))).collect();
    long.laws = (0..130).map(|n| format!("Act {n}")).collect();
    long.rules = (0..130).map(|n| law_row(&letters(n).0, &letters(0).0, n.into())).collect();
    let scene = Scene::new(config());
    let outbox = scene.outbox();
    let done = deploy(&scene.ledger, &outbox, &deployer(), &long, |_, _| {}).await.unwrap();
    assert_rules(&scene, &done.addresses, &long).await;
}

// ---- cut off ------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_deployment_cut_off_after_every_step_becomes_the_same_ledger_by_the_nonce_alone() {
    let (whole, addresses) = deployed().await;
    let of = whole.nonce().await;
    let scene = Scene::new(config());
    for done in 1..of {
        scene.deploy_steps(1).await;
        assert_eq!(scene.nonce().await, done);
    }
    assert_eq!(scene.deploy().await.unwrap().addresses, addresses);
    assert_eq!(scene.head(), whole.head(), "block by block the same");
}

#[tokio::test]
async fn a_deployment_cut_off_amid_its_steps_goes_on_with_its_outbox_and_becomes_the_same_ledger() {
    let (whole, addresses) = deployed().await;
    let scene = Scene::new(config());
    let (outbox, signer, parameters) = (scene.outbox(), deployer(), parameters());
    let mut runs = 0;
    let done = loop {
        // Enough requests to look at what is done and to send a step more; which one is the last differs each time.
        let done = usize::try_from(scene.nonce().await).unwrap();
        let (ledger, left) = scene.silenced(2 * done + 20 + runs * 7 % 13, runs % 2 == 0).await;
        let run = deploy(&ledger, &outbox, &signer, &parameters, |_, _| {});
        if let Some(outcome) = cut_off(run, &left).await {
            break outcome.unwrap();
        }
        runs += 1;
        assert!(runs < 200, "no run comes further than the one before");
    };
    assert!(runs > 5, "{runs} runs were cut off");
    assert_eq!(done.addresses, addresses);
    assert_eq!(scene.head(), whole.head(), "block by block the same");
    check_whole(scene.ledger.chain().unwrap());
}

#[tokio::test]
async fn a_deployer_who_runs_out_of_ether_goes_on_when_given_more() {
    let (_, addresses) = deployed().await;
    for milliether in [1, 3, 8] {
        // Blocks that a contract fills by half, so that gas does not become cheap.
        let poor = Config { funded: Vec::new(), gas_limit: 8_000_000, ..config() };
        let scene = Scene::new(poor);
        let mut stops = Vec::new();
        let mut given = 0;
        let done = loop {
            match scene.deploy().await {
                Ok(done) => break done,
                Err(DeploymentError::NoEther { step, account, .. }) => {
                    assert_eq!(account, deployer().address());
                    stops.push((scene.nonce().await, step));
                }
                Err(other) => panic!("{other}"),
            }
            given += milliether;
            assert!(given < 1_000, "a whole ether is not enough: {stops:?}");
            let wei = U256::from(milliether) * ETHER / U256::from(1_000);
            let left = scene.ledger.provider().get_balance(deployer().address()).await.unwrap();
            scene.fund(left + wei);
        };
        assert_eq!(done.addresses, addresses);
        assert_eq!(stops[0], (0, "AccessManager".to_owned()));
        let midway: BTreeSet<u64> =
            stops.iter().map(|(done, _)| *done).filter(|n| *n > 0).collect();
        assert!(midway.len() > 1, "cut off midway: {stops:?}");
        assert_handed_over(&scene, &addresses).await;
        assert_parameters(&scene, &addresses).await;
    }
}

// ---- foreign use --------------------------------------------------------------------------------------------------------

fn assert_foreign(outcome: Result<Deployment, DeploymentError>) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, DeploymentError::Foreign(who) if who == deployer().address()));
    let sentence = error.to_string();
    assert!(sentence.contains(&deployer().address().to_string()), "{sentence}");
    assert!(sentence.ends_with("start a new home with another seed"), "{sentence}");
}

#[tokio::test]
async fn a_deployer_that_paid_somebody_before_is_refused_and_nothing_is_sent() {
    let scene = Scene::new(config());
    scene.pay_somebody().await;
    assert_foreign(scene.deploy().await);
    assert_eq!(scene.nonce().await, 1);
}

#[tokio::test]
async fn a_deployer_that_did_much_else_before_is_refused() {
    let scene = Scene::new(config());
    let steps = deployed().await.0.nonce().await;
    for _ in 0..=steps {
        scene.pay_somebody().await;
    }
    assert_foreign(scene.deploy().await);
    assert_eq!(scene.nonce().await, steps + 1);
}

#[tokio::test]
async fn a_deployer_that_paid_somebody_between_two_runs_is_refused() {
    let scene = Scene::new(config());
    scene.deploy_steps(12).await;
    scene.pay_somebody().await;
    assert_foreign(scene.deploy().await);
    assert_eq!(scene.nonce().await, 13);
}

/// From the last contract on, each transaction that is lost to another use is looked at. What gives power away must not
/// be lost unseen: a deployment that says that it succeeded has left nothing with the deployer.
#[tokio::test]
async fn no_foreign_use_leaves_the_deployer_with_power_under_a_finished_deployment() {
    let (whole, at) = deployed().await;
    let of = whole.nonce().await;
    let contracts = 10 + 2 * 12;
    let scene = Scene::new(config());
    scene.deploy_steps(contracts).await;
    let chain = scene.ledger.chain().unwrap();
    let mut refused = 0;
    for done in contracts..of {
        assert_eq!(scene.nonce().await, done);
        let mark = chain.snapshot();
        scene.pay_somebody().await;
        match scene.deploy().await {
            Ok(_) => assert_powerless(&scene, &at).await,
            Err(DeploymentError::Foreign(_)) => refused += 1,
            Err(DeploymentError::Step { .. }) => {}
            Err(other) => panic!("{other}"),
        }
        assert!(chain.revert(mark).unwrap());
        if done + 1 < of {
            scene.deploy_steps(1).await;
        }
    }
    assert!(refused >= 3, "renouncing twice, and making the timelock the admin");
    // The last transaction of all is the one that takes the deployer's power.
    scene.pay_somebody().await;
    assert_foreign(scene.deploy().await);
}

// ---- authority ----------------------------------------------------------------------------------------------------------

/// A call that the access manager guards, and the role that it asks for.
struct Guarded {
    name: &'static str,
    target: Address,
    data: Vec<u8>,
    role: u64,
}

fn guarded<C: SolCall>(target: Address, role: u64, call: &C) -> Guarded {
    Guarded { name: C::SIGNATURE, target, data: call.abi_encode(), role }
}

/// Every restricted function of every contract but upgrades, with arguments that are in order.
fn guarded_calls(at: &Addresses) -> Vec<Guarded> {
    let p = parameters();
    let (who, one) = (account(9).address(), U256::ONE);
    let participant = c::ParticipantRegistry::Participant {
        status: 1,
        roles: 1,
        jurisdiction: FixedBytes(*b"DE"),
        kycExpiry: u64::MAX,
        accreditationExpiry: u64::MAX,
        safeguards: 0,
    };
    let register =
        c::ParticipantRegistry::registerCall { party: who, participant_: participant.clone() };
    let update = c::ParticipantRegistry::updateCall { party: who, participant_: participant };
    let (from, to) = (FixedBytes(*b"EU"), FixedBytes(*b"EU"));
    let remove_rule = c::JurisdictionRules::removeRuleCall { dataClass: 1, from, to, purpose: 2 };
    let (countries, regions) = p.countries.into_iter().unzip();
    let set_attestors =
        c::AttestationOracle::setAttestorsCall { attestors_: p.attestors, threshold_: p.threshold };
    let (rules, splitter, pool) = (at.jurisdiction_rules, at.revenue_splitter, at.health_data_pool);
    vec![
        guarded(at.participant_registry, REGISTRAR, &register),
        guarded(at.participant_registry, REGISTRAR, &update),
        guarded(
            at.participant_registry,
            REGISTRAR,
            &c::ParticipantRegistry::suspendCall { party: who },
        ),
        guarded(
            at.participant_registry,
            REGISTRAR,
            &c::ParticipantRegistry::setIssuerCall {
                didHash: keccak256("did:web:ministry.example"),
                issuer_: c::ParticipantRegistry::Issuer { party: who, kinds: 2, anywhere: false },
            },
        ),
        guarded(
            at.circuit_breaker,
            GUARDIAN,
            &c::CircuitBreaker::pauseCall { scopes: one, duration: DAY },
        ),
        guarded(at.circuit_breaker, GUARDIAN, &c::CircuitBreaker::liftCall { scopes: one }),
        guarded(
            at.circuit_breaker,
            ADMIN,
            &c::CircuitBreaker::extendCall { scopes: one, until: u64::MAX },
        ),
        guarded(at.circuit_breaker, ADMIN, &c::CircuitBreaker::reopenCall { scopes: one }),
        guarded(
            at.governance_token,
            MINTER,
            &c::GovernanceToken::mintCall { to: at.timelock, amount: one },
        ),
        guarded(at.data_token, REWARDER, &c::DataToken::mintCall { to: who, amount: one }),
        guarded(at.data_token, ADMIN, &c::DataToken::setCapBpsCall { bps: 100 }),
        guarded(at.membership_token, ADMIN, &c::MembershipToken::removeCall { member: who }),
        guarded(at.dataset_token, ADMIN, &c::DatasetToken::setCustodianCapCall { bps: 1 }),
        guarded(at.attestation_oracle, ADMIN, &set_attestors),
        guarded(
            at.attestation_oracle,
            ADMIN,
            &c::AttestationOracle::setConsumerCall { consumer: who, allowed: true },
        ),
        guarded(rules, ADMIN, &c::JurisdictionRules::setRulesCall { rows: p.rules }),
        guarded(rules, ADMIN, &remove_rule),
        guarded(rules, ADMIN, &c::JurisdictionRules::setCountriesCall { countries, regions }),
        guarded(rules, ADMIN, &c::JurisdictionRules::setLawsCall { firstId: 0, laws: p.laws }),
        guarded(pool, ADMIN, &c::HealthDataPool::setScoreBoundsCall { floor: 1, cap: 2 }),
        guarded(pool, ADMIN, &c::HealthDataPool::setMaximumValueAgeCall { maximumAge: DAY }),
        guarded(
            at.licence_market,
            ADMIN,
            &c::LicenceMarket::setPriceCall { dataClass: 1, pricePer1000_: one },
        ),
        guarded(at.licence_market, ADMIN, &c::LicenceMarket::setTermCall { term_: DAY }),
        guarded(at.compute_market, ADMIN, &c::ComputeMarket::setJobFeeCall { jobFee_: 1 }),
        guarded(
            at.compute_market,
            ADMIN,
            &c::ComputeMarket::setWindowsCall { windows_: p.windows },
        ),
        guarded(splitter, ADMIN, &c::RevenueSplitter::setSplitCall { split_: p.split }),
        guarded(
            splitter,
            BUYER,
            &c::RevenueSplitter::releaseBuybackCall { to: who, amount: U256::ZERO },
        ),
    ]
}

/// The upgrade of every module to the code that it has.
async fn upgrades(scene: &Scene, at: &Addresses) -> Vec<Guarded> {
    // ERC-1967: keccak256("eip1967.proxy.implementation") - 1.
    let slot = U256::from_be_bytes(keccak256("eip1967.proxy.implementation").0) - U256::ONE;
    let mut calls = Vec::new();
    for (_, module) in at.named() {
        let word = scene.ledger.provider().get_storage_at(module, slot).await.unwrap();
        if !word.is_zero() {
            let implementation = Address::from_word(word.into());
            let (data, new) = (Bytes::new(), implementation);
            let call = c::HealthDataPool::upgradeToAndCallCall { newImplementation: new, data };
            calls.push(guarded(module, ADMIN, &call));
        }
    }
    assert_eq!(calls.len(), 25);
    calls
}

/// What the access manager and the timelock keep for their own admin.
fn admin_calls(at: &Addresses, to: Address) -> Vec<Guarded> {
    let (manager, timelock) = (at.access_manager, at.timelock);
    let target = at.revenue_splitter;
    let selectors = vec![FixedBytes(c::RevenueSplitter::setSplitCall::SELECTOR)];
    let set_role =
        c::AccessManager::setTargetFunctionRoleCall { target, selectors, roleId: u64::MAX };
    let grant = |role: u64| c::AccessManager::grantRoleCall {
        roleId: role,
        account: to,
        executionDelay: 0,
    };
    let take_timelock = c::TimelockController::grantRoleCall { role: B256::ZERO, account: to };
    let schedule = c::TimelockController::scheduleCall {
        target,
        value: U256::ZERO,
        data: Bytes::new(),
        predecessor: B256::ZERO,
        salt: B256::ZERO,
        delay: U256::from(172_800),
    };
    vec![
        guarded(manager, ADMIN, &grant(ADMIN)),
        guarded(manager, ADMIN, &grant(MINTER)),
        guarded(manager, ADMIN, &set_role),
        guarded(
            manager,
            ADMIN,
            &c::AccessManager::revokeRoleCall { roleId: ADMIN, account: timelock },
        ),
        guarded(manager, ADMIN, &c::AccessManager::setTargetClosedCall { target, closed: true }),
        guarded(
            manager,
            ADMIN,
            &c::AccessManager::updateAuthorityCall { target, newAuthority: manager },
        ),
        guarded(timelock, ADMIN, &take_timelock),
        guarded(timelock, ADMIN, &schedule),
        guarded(timelock, ADMIN, &c::TimelockController::updateDelayCall { newDelay: U256::ZERO }),
    ]
}

/// The deployer is refused by everything that asks for a role.
async fn assert_powerless(scene: &Scene, at: &Addresses) {
    let who = deployer().address();
    let manager = c::AccessManager::new(at.access_manager, scene.ledger.provider());
    for role in ADMIN..=NETWORK {
        assert!(!manager.hasRole(role, who).call().await.unwrap().isMember, "role {role}");
    }
    let mut calls = guarded_calls(at);
    calls.extend(upgrades(scene, at).await);
    calls.extend(admin_calls(at, who));
    for call in calls {
        let refusal = scene.refusal(who, call.target, &call.data).await.unwrap_or_default();
        assert!(refusal.contains("Unauthorized"), "{}: {refusal:?}", call.name);
    }
}

/// Who holds what, told by every grant and revocation that ever was.
async fn assert_handed_over(scene: &Scene, at: &Addresses) {
    let provider = scene.ledger.provider();
    let logs = |address| {
        let filter = Filter::new().address(address).from_block(0);
        let provider = provider.clone();
        async move { provider.get_logs(&filter).await.unwrap() }
    };
    let mut held = BTreeSet::new();
    for log in logs(at.access_manager).await {
        if let Ok(granted) = log.log_decode::<c::AccessManager::RoleGranted>() {
            let granted = granted.inner.data;
            assert_eq!(granted.delay, 0);
            held.insert((granted.roleId, granted.account));
        } else if let Ok(revoked) = log.log_decode::<c::AccessManager::RoleRevoked>() {
            held.remove(&(revoked.inner.data.roleId, revoked.inner.data.account));
        }
    }
    let expected = [
        (ADMIN, at.timelock),
        (REGISTRAR, registrar()),
        (GUARDIAN, guardian()),
        (MINTER, at.timelock),
        (REWARDER, at.timelock),
        (REWARDER, at.contribution_rewards),
        (BUYER, at.buyback_burner),
        (DISPUTES, at.job_disputes),
        (NETWORK, at.pool_network),
        (SELLER, at.dataset_auction),
        (SELLER, at.metered_licence),
        (SELLER, at.bonding_curve),
        (SELLER, at.dataset_exchange),
        (SELLER, at.dataset_lending),
        (SELLER, at.pool_network),
    ];
    assert_eq!(held, BTreeSet::from(expected));

    let mut held = BTreeSet::new();
    for log in logs(at.timelock).await {
        assert!(log.log_decode::<c::TimelockController::RoleRevoked>().is_err());
        if let Ok(granted) = log.log_decode::<c::TimelockController::RoleGranted>() {
            held.insert((granted.inner.data.role, granted.inner.data.account));
        }
    }
    let expected = [
        (B256::ZERO, at.timelock),
        (keccak256("PROPOSER_ROLE"), at.cooperative_governor),
        (keccak256("CANCELLER_ROLE"), at.cooperative_governor),
        // Anybody may carry out what was decided and has waited.
        (keccak256("EXECUTOR_ROLE"), Address::ZERO),
    ];
    assert_eq!(held, BTreeSet::from(expected));
}

#[tokio::test]
async fn the_deployer_keeps_no_role_and_is_refused_by_every_guarded_function() {
    let (scene, at) = deployed().await;
    assert_powerless(&scene, &at).await;
    assert_handed_over(&scene, &at).await;
}

#[tokio::test]
async fn each_guarded_function_obeys_the_holder_of_its_role_and_nobody_else() {
    let (scene, at) = deployed().await;
    let everybody = [
        deployer().address(),
        registrar(),
        guardian(),
        at.timelock,
        at.cooperative_governor,
        at.contribution_rewards,
        at.buyback_burner,
    ];
    let obeys = |role, who| match role {
        REGISTRAR => who == registrar(),
        GUARDIAN => who == guardian(),
        REWARDER => [at.timelock, at.contribution_rewards].contains(&who),
        BUYER => who == at.buyback_burner,
        _ => who == at.timelock,
    };
    let mut calls = guarded_calls(&at);
    calls.extend(upgrades(&scene, &at).await);
    let manager = c::AccessManager::new(at.access_manager, scene.ledger.provider());
    for call in calls {
        let selector = FixedBytes::from_slice(&call.data[..4]);
        let role = manager.getTargetFunctionRole(call.target, selector).call().await.unwrap();
        assert_eq!(role, call.role, "{}", call.name);
        for who in everybody {
            let refusal = scene.refusal(who, call.target, &call.data).await.unwrap_or_default();
            let unauthorized = format!("AccessManagedUnauthorized(caller: {who})");
            let obeys = obeys(call.role, who);
            assert_eq!(refusal != unauthorized, obeys, "{} by {who}: {refusal:?}", call.name);
        }
    }
}

#[tokio::test]
async fn the_same_authority_stands_behind_every_guarded_contract() {
    let (scene, at) = deployed().await;
    let mut targets: BTreeSet<Address> =
        guarded_calls(&at).into_iter().map(|call| call.target).collect();
    targets.extend(upgrades(&scene, &at).await.into_iter().map(|call| call.target));
    for target in targets {
        let contract = c::HealthDataPool::new(target, scene.ledger.provider());
        assert_eq!(contract.authority().call().await.unwrap(), at.access_manager);
    }
    let governor = c::CooperativeGovernor::new(at.cooperative_governor, scene.ledger.provider());
    assert_eq!(governor.timelock().call().await.unwrap(), at.timelock);
    assert_eq!(governor.token().call().await.unwrap(), at.membership_token);
}

// ---- parameters ---------------------------------------------------------------------------------------------------------

async fn assert_rules(scene: &Scene, at: &Addresses, p: &Parameters) {
    let rules = c::JurisdictionRules::new(at.jurisdiction_rules, scene.ledger.provider());
    assert_eq!(rules.lawCount().call().await.unwrap(), U256::from(p.laws.len()));
    for (id, law) in p.laws.iter().enumerate() {
        assert_eq!(rules.law(id as u16).call().await.unwrap(), *law);
    }
    for (country, region) in &p.countries {
        assert_eq!(rules.regionOf(*country).call().await.unwrap(), *region);
    }
    for row in &p.rules {
        let rule = rules.ruleAt(row.dataClass, row.from, row.to, row.purpose).call().await;
        assert_eq!(rule.unwrap(), row.rule);
    }
}

async fn assert_parameters(scene: &Scene, at: &Addresses) {
    let (p, provider) = (parameters(), scene.ledger.provider());
    assert_rules(scene, at, &p).await;

    let market = c::LicenceMarket::new(at.licence_market, &provider);
    for (class, price) in (1..).zip(&p.prices) {
        let set = market.pricePer1000(class).call().await.unwrap();
        assert_eq!(set, U256::from(*price), "class {class}");
    }
    assert_eq!(market.term().call().await.unwrap(), p.licence_term);
    let jobs = c::ComputeMarket::new(at.compute_market, &provider);
    assert_eq!(jobs.jobFee().call().await.unwrap(), u128::from(p.job_fee));
    assert_eq!(jobs.windows().call().await.unwrap(), p.windows);
    let pool = c::HealthDataPool::new(at.health_data_pool, &provider);
    let bounds = pool.scoreBounds().call().await.unwrap();
    assert_eq!((bounds.floor, bounds.cap), (p.score_floor, p.score_cap));
    assert_eq!(pool.maximumValueAge().call().await.unwrap(), p.maximum_value_age);
    let splitter = c::RevenueSplitter::new(at.revenue_splitter, &provider);
    assert_eq!(splitter.split().call().await.unwrap(), p.split);
    assert_eq!(splitter.treasury().call().await.unwrap(), at.treasury);

    let oracle = c::AttestationOracle::new(at.attestation_oracle, &provider);
    assert_eq!(oracle.attestors().call().await.unwrap(), p.attestors);
    assert_eq!(oracle.threshold().call().await.unwrap(), p.threshold);
    let consumers = [
        at.membership_token,
        at.dataset_token,
        at.health_data_pool,
        at.compute_market,
        at.member_claims,
        at.metered_licence,
        at.transfer_agreement,
        at.dataset_exchange,
        at.dataset_lending,
        at.vesting_vault,
        at.contribution_rewards,
        at.validator_pool,
    ];
    for (name, address) in at.named() {
        let consumes = oracle.isConsumer(address).call().await.unwrap();
        assert_eq!(consumes, consumers.contains(&address), "{name}");
    }
    assert_governance(scene, at, &p).await;
    assert_selling(scene, at, &p).await;
    assert_rewarding(scene, at, &p).await;
}

async fn assert_selling(scene: &Scene, at: &Addresses, p: &Parameters) {
    let provider = scene.ledger.provider();
    let curve = c::BondingCurve::new(at.bonding_curve, &provider);
    assert_eq!(curve.BASE().call().await.unwrap(), U256::from(p.curve.base));
    assert_eq!(curve.SLOPE().call().await.unwrap(), U256::from(p.curve.slope));
    assert_eq!(curve.feeBps().call().await.unwrap(), p.curve.fee);
    let exchange = c::DatasetExchange::new(at.dataset_exchange, &provider);
    assert_eq!(exchange.priceCurve().call().await.unwrap(), p.price_curve);
    let terms = exchange.exchangeTerms().call().await.unwrap();
    assert_eq!((terms.feeBps, terms.stockCap), (p.exchange_fee, p.stock_cap));
    let lending = c::DatasetLending::new(at.dataset_lending, &provider);
    assert_eq!(lending.lendingTerms().call().await.unwrap(), p.lending);
    let meters = c::MeteredLicence::new(at.metered_licence, &provider);
    for (class, price) in (1..).zip(&p.unit_prices) {
        assert_eq!(meters.unitPrice(class).call().await.unwrap(), U96::from(*price));
    }
    let bonds = c::ResearcherBonds::new(at.researcher_bonds, &provider);
    assert_eq!(bonds.bondTerms().call().await.unwrap(), p.bonds);
    let market = c::LicenceMarket::new(at.licence_market, &provider);
    assert_eq!(market.bonds().call().await.unwrap(), at.researcher_bonds);
    let jobs = c::ComputeMarket::new(at.compute_market, &provider);
    assert_eq!(jobs.bonds().call().await.unwrap(), at.researcher_bonds);
    let arbitrator = c::CentralizedArbitrator::new(at.arbitrator, &provider);
    assert_eq!(arbitrator.COST().call().await.unwrap(), p.arbitration_cost);
    let escrow = c::Escrow::new(at.escrow, &provider);
    assert_eq!(escrow.arbitrator().call().await.unwrap(), at.arbitrator);
    assert_eq!(escrow.rulingWindow().call().await.unwrap(), p.ruling_window);
    let pool = c::HealthDataPool::new(at.health_data_pool, &provider);
    assert_eq!(pool.lending().call().await.unwrap(), at.dataset_lending);
    let compliance = c::ComplianceOracle::new(at.compliance_oracle, &provider);
    assert_eq!(compliance.evidence().call().await.unwrap(), at.transfer_agreement);
}

async fn assert_rewarding(scene: &Scene, at: &Addresses, p: &Parameters) {
    let provider = scene.ledger.provider();
    let rewards = c::ContributionRewards::new(at.contribution_rewards, &provider);
    assert_eq!(rewards.terms().call().await.unwrap(), p.rewards);
    let burner = c::BuybackBurner::new(at.buyback_burner, &provider);
    assert_eq!(burner.terms().call().await.unwrap(), p.buyback);
    let checks = c::ValidatorPool::new(at.validator_pool, &provider);
    assert_eq!(checks.terms().call().await.unwrap(), p.checks);
    let governor = c::CooperativeGovernor::new(at.cooperative_governor, &provider);
    assert_eq!(governor.minimums().call().await.unwrap(), p.minimums);
    let votes = c::GovernanceToken::new(at.governance_token, &provider);
    assert!(votes.isVault(at.vote_escrow).call().await.unwrap());
    assert!(votes.isHolder(at.treasury).call().await.unwrap());
    assert!(!votes.isVault(at.treasury).call().await.unwrap());
}

async fn assert_governance(scene: &Scene, at: &Addresses, p: &Parameters) {
    let provider = scene.ledger.provider();
    let governor = c::CooperativeGovernor::new(at.cooperative_governor, &provider);
    assert_eq!(governor.votingDelay().call().await.unwrap(), U256::from(p.voting_delay));
    assert_eq!(governor.votingPeriod().call().await.unwrap(), U256::from(p.voting_period));
    let quorum = governor.quorumNumerator_1().call().await.unwrap();
    assert_eq!(quorum, U256::from(p.quorum_percent));
    assert_eq!(governor.quorumDenominator().call().await.unwrap(), U256::from(100));
    let timelock = c::TimelockController::new(at.timelock, &provider);
    assert_eq!(timelock.getMinDelay().call().await.unwrap(), U256::from(p.timelock_delay));

    let data = c::DataToken::new(at.data_token, &provider);
    assert_eq!(data.balanceOf(at.treasury).call().await.unwrap(), p.data_genesis);
    assert_eq!(data.totalSupply().call().await.unwrap(), p.data_genesis);
    let votes = c::GovernanceToken::new(at.governance_token, &provider);
    assert_eq!(votes.balanceOf(at.treasury).call().await.unwrap(), p.governance_genesis);
    assert_eq!(votes.totalSupply().call().await.unwrap(), p.governance_genesis);
}

#[tokio::test]
async fn the_contracts_start_with_the_parameters_that_were_given() {
    let (scene, at) = deployed().await;
    assert_parameters(&scene, &at).await;
}

// ---- the manifest -------------------------------------------------------------------------------------------------------

async fn written(scene: &Scene) -> Manifest {
    let made = manifest(&scene.ledger, deployer().address(), &parameters()).await.unwrap();
    let text = serde_json::to_string(&made).unwrap();
    assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), made);
    made
}

async fn difference(scene: &Scene, manifest: &Manifest) -> String {
    let found = verify(&scene.ledger, manifest).await.unwrap();
    assert!(!found.verified);
    found.difference.unwrap()
}

#[tokio::test]
async fn a_ledger_is_as_its_manifest_says_and_every_difference_is_found() {
    let (scene, at) = deployed().await;
    let whole = written(&scene).await;
    let found = verify(&scene.ledger, &whole).await.unwrap();
    assert!(found.verified, "{:?}", found.difference);
    assert_eq!(found.contracts, at.named().len());
    assert!(found.facts > 500, "{}", found.facts);

    for index in 0..whole.contracts.len() {
        let mut other = whole.clone();
        other.contracts[index].code_hash.0[0] ^= 1;
        let says = difference(&scene, &other).await;
        assert!(says.contains(&whole.contracts[index].name) && says.contains("hash"), "{says}");
        let mut other = whole.clone();
        if let Some(behind) = &mut other.contracts[index].implementation {
            behind.address = at.usdc;
            assert!(difference(&scene, &other).await.contains("upgraded"));
        }
        let mut other = whole.clone();
        if let Some(link) = other.contracts[index].links.values_mut().next() {
            *link = account(77).address();
            assert!(difference(&scene, &other).await.contains("not 0x"));
        }
    }
    for index in 0..whole.functions.len() {
        let mut other = whole.clone();
        other.functions.remove(index);
        assert!(difference(&scene, &other).await.contains("may be called by"));
    }
    for index in 0..whole.holders.len() {
        let mut other = whole.clone();
        other.holders.remove(index);
        assert!(difference(&scene, &other).await.contains("which the manifest does not give"));
    }
    let mut other = whole.clone();
    other.deployer = at.timelock;
    assert!(difference(&scene, &other).await.contains("still has the role"));
    let mut other = whole.clone();
    other.chain_id += 1;
    assert!(difference(&scene, &other).await.contains("this is chain"));
}

#[tokio::test]
async fn a_part_of_a_deployment_is_not_what_the_manifest_says() {
    let (whole, _) = deployed().await;
    let manifest = written(&whole).await;
    let scene = Scene::new(config());
    scene.deploy_steps(5).await;
    let says = difference(&scene, &manifest).await;
    assert!(says.contains("there is no code of"), "{says}");
}
