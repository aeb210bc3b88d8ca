//! Attestors that work elsewhere, by their adapters: the published Ethereum Attestation Service on a home's own ledger, and the
//! published router and coordinator of Chainlink Functions with a network of four nodes.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::Encodable2718;
use alloy::hex;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolEvent, SolValue};
use serde_json::{Value, json as object};

use crate::attestors::Country;
use crate::support::{Server, json, refused, rpc, run, text};

alloy::sol! {
    /// `ISchemaRegistry.sol` of the service.
    function register(string schema, address resolver, bool revocable) returns (bytes32);

    // Of Chainlink Functions: `FunctionsRouter.sol`, `FunctionsSubscriptions.sol`, `FunctionsCoordinator.sol`, `OCR2Base.sol`.
    struct RouterConfig {
        uint16 maxConsumersPerSubscription;
        uint72 adminFee;
        bytes4 handleOracleFulfillmentSelector;
        uint16 gasForCallExactCheck;
        uint32[] maxCallbackGasLimits;
        uint16 subscriptionDepositMinimumRequests;
        uint72 subscriptionDepositJuels;
    }
    struct Billing {
        uint32 fulfillmentGasPriceOverEstimationBP;
        uint32 feedStalenessSeconds;
        uint32 gasOverheadBeforeCallback;
        uint32 gasOverheadAfterCallback;
        uint40 minimumEstimateGasPriceWei;
        uint16 maxSupportedRequestDataVersion;
        uint64 fallbackUsdPerUnitLink;
        uint8 fallbackUsdPerUnitLinkDecimals;
        uint224 fallbackNativePerUnitLink;
        uint32 requestTimeoutSeconds;
        uint16 donFeeCentsUsd;
        uint16 operationFeeCentsUsd;
    }
    struct Commitment {
        bytes32 requestId;
        address coordinator;
        uint96 estimatedTotalCostJuels;
        address client;
        uint64 subscriptionId;
        uint32 callbackGasLimit;
        uint72 adminFee;
        uint72 donFee;
        uint40 gasOverheadBeforeCallback;
        uint40 gasOverheadAfterCallback;
        uint32 timeoutTimestamp;
    }
    event OracleRequest(
        bytes32 indexed requestId, address indexed requestingContract, address requestInitiator,
        uint64 subscriptionId, address subscriptionOwner, bytes data, uint16 dataVersion, bytes32 flags,
        uint64 callbackGasLimit, Commitment commitment
    );
    function setConfig(
        address[] signers, address[] transmitters, uint8 f, bytes onchain, uint64 version, bytes offchain
    );
    function setDONPublicKey(bytes key);
    function setThresholdPublicKey(bytes key);
    function proposeContractsUpdate(bytes32[] ids, address[] contracts);
    function updateContracts();
    function createSubscription() returns (uint64);
    function addConsumer(uint64 subscription, address consumer);
    function transferAndCall(address to, uint256 amount, bytes data);
    function transmit(bytes32[3] context, bytes report, bytes32[] rs, bytes32[] ss, bytes32 vs);
}

/// The creation code of a published contract by its artifact below `contracts`; none where the contracts' tests did not put it there.
fn published(path: &str) -> Option<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let Ok(artifact) = fs::read(root.join("contracts").join(path)) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "contracts/{path} is missing: run the tests by `cargo xtask test`"
        );
        eprintln!("skipped: contracts/{path} is not there; `cargo xtask test` puts it there");
        return None;
    };
    let artifact: Value = serde_json::from_slice(&artifact).unwrap();
    let code = &artifact["bytecode"];
    let code = code.as_str().or_else(|| code["object"].as_str()).unwrap();
    Some(hex::decode(code).unwrap())
}

/// The same of the Ethereum Attestation Service, whose npm package has the bytecode.
fn of_service(path: &str) -> Option<Vec<u8>> {
    let package = "node_modules/@ethereum-attestation-service/eas-contracts/artifacts/contracts";
    published(&format!("{package}/{path}"))
}

/// The same of Chainlink Functions, which forge compiles from the npm package's sources for the contracts' tests.
fn of_functions(name: &str) -> Option<Vec<u8>> {
    published(&format!("out/{name}.sol/{name}.json"))
}

/// An account with ether on a served ledger, which sends transactions one after the other.
struct Sender<'a> {
    url: &'a str,
    key: PrivateKeySigner,
}

impl Sender<'_> {
    /// Whose key it is gets ether.
    fn rich(url: &str, key: PrivateKeySigner) -> Sender<'_> {
        rpc(url, "anvil_setBalance", object!([key.address(), "0x3635c9adc5dea00000"]));
        Sender { url, key }
    }

    fn call(&self, to: Address, call: &impl SolCall) -> Value {
        self.send(TxKind::Call(to), call.abi_encode().into())
    }

    fn send(&self, to: TxKind, input: Bytes) -> Value {
        let address = self.key.address();
        let rpc = |method: &str, params: Value| rpc(self.url, method, params);
        let count = rpc("eth_getTransactionCount", object!([address, "latest"]));
        let transaction = TxEip1559 {
            chain_id: 31_337,
            nonce: u64::from_str_radix(&count.as_str().unwrap()[2..], 16).unwrap(),
            gas_limit: 8_000_000,
            max_fee_per_gas: 100_000_000_000,
            max_priority_fee_per_gas: 1,
            to,
            input,
            ..TxEip1559::default()
        };
        let signature = self.key.sign_hash_sync(&transaction.signature_hash()).unwrap();
        let signed = TxEnvelope::from(transaction.into_signed(signature)).encoded_2718();
        let hash = rpc("eth_sendRawTransaction", object!([hex::encode_prefixed(signed)]));
        let receipt = rpc("eth_getTransactionReceipt", object!([hash]));
        assert_eq!(receipt["status"], "0x1", "{receipt}");
        receipt
    }

    fn create(&self, code: Vec<u8>) -> Address {
        let receipt = self.send(TxKind::Create, code.into());
        receipt["contractAddress"].as_str().unwrap().parse().unwrap()
    }
}

/// The published service on a home's ledger, and the schema of digests in it.
struct Service {
    at: Address,
    schema: B256,
}

impl Service {
    /// Creates it there with the account that is to attest, which gets ether.
    fn on(country: &Country, key: &PrivateKeySigner) -> Option<Service> {
        let registry = of_service("SchemaRegistry.sol/SchemaRegistry.json")?;
        let service = of_service("EAS.sol/EAS.json")?;
        let ledger = Server::ledger(&country.home);
        let sender = Sender::rich(&ledger.url, key.clone());
        let registry = sender.create(registry);
        let at = sender.create([service, registry.abi_encode()].concat());
        let (schema, nobody) = ("bytes32 digest", Address::ZERO);
        let call = registerCall { schema: schema.to_owned(), resolver: nobody, revocable: true };
        sender.call(registry, &call);
        let schema = keccak256((schema.to_owned(), nobody, true).abi_encode_packed());
        Some(Service { at, schema })
    }
}

/// Has the members vote that an adapter counts.
fn vote(country: &Country, made: &Value) {
    let proposal = made["proposal"].as_u64().unwrap();
    country.go(&format!("governance vote --proposal {proposal}"));
    country.go(&format!("governance execute --proposal {proposal}"));
}

#[test]
fn an_attestation_in_the_published_service_counts_as_an_attestors_signature() {
    let country = Country::with_records();
    country.go("publish --custodian clinic");
    country.go("member join --custodian clinic --count 2");
    country.desk("identity new --kind secp256k1 --light --out @attester.json");
    let file = country.path("attester.json");
    let key = PrivateKeySigner::from_bytes(&country.bare(&file)).unwrap();
    let Some(service) = Service::on(&country, &key) else { return };
    let (at, schema, attester) = (service.at, service.schema, key.address());
    let made = country.go(&format!(
        "attestor adapter eas --service {at} --schema {schema} --attester {attester} --country CH --propose-by clinic/1"
    ));
    let adapter = made["address"].as_str().unwrap();
    let contracts = country.path("contracts.json");
    let process = |key: &Path| {
        country.process(key, &contracts, &["--without-credential", "--adapter", adapter])
    };
    let elsewhere = process(&file);
    let first = country.attestor(1);

    // With two that sign needed, the adapter's word decides.
    country.records(2);
    let error = country.refused(&[&first.url, &elsewhere.url]);
    assert!(error.contains("is no attestor on the ledger"), "not voted for yet: {error}");
    vote(&country, &made);
    let impostor = process(&country.key(2));
    let error = country.refused(&[&first.url, &impostor.url]);
    assert!(error.contains("a key that it did not sign"), "not its attester: {error}");
    assert_eq!(country.publish(&[&first.url, &elsewhere.url])["dataset"], 2);
    assert_eq!(country.go("audit verify")["verified"], true);

    // Four attestations by the attester stand in the service: three for the token and one for its value.
    let ledger = Server::ledger(&country.home);
    let attested = keccak256("Attested(address,address,bytes32,bytes32)").to_string();
    let logs = ledger.logs();
    let made: Vec<&Value> = logs.iter().filter(|log| log["topics"][0] == attested).collect();
    assert_eq!(made.len(), 4);
    assert!(made.iter().all(|log| log["topics"][2] == attester.into_word().to_string()));
    drop(ledger);

    // One without ether cannot attest, and says so.
    let broke = Server::ledger(&country.home);
    broke.rpc("anvil_setBalance", object!([attester, "0x0"]));
    drop(broke);
    country.records(3);
    let error = country.refused(&[&first.url, &elsewhere.url]);
    assert!(error.contains("could not attest in the Ethereum Attestation Service"), "{error}");
}

/// A network of four nodes, of which three sign each report, behind the published router and coordinator.
struct Network {
    owner: PrivateKeySigner,
    router: Address,
    coordinator: Address,
    don: B256,
}

impl Network {
    const SUBSCRIPTION: u64 = 1;

    /// Creates it on a served ledger, with a subscription that has LINK.
    fn on(url: &str) -> Option<Network> {
        let (link, feed) = (of_functions("MockLinkToken")?, of_functions("MockV3Aggregator")?);
        let (router, coordinator) =
            (of_functions("FunctionsRouter")?, of_functions("FunctionsCoordinator")?);
        let owner = key_of("owner of the network");
        let sender = Sender::rich(url, owner.clone());
        let link = sender.create(link);
        let terms = (link, router_config()).abi_encode_params();
        let router = sender.create([router, terms].concat());
        let price = |decimals: u8, price: u64| {
            let terms = (U256::from(decimals), U256::from(price)).abi_encode_params();
            sender.create([feed.clone(), terms].concat())
        };
        let feeds = (price(18, 6_000_000_000_000_000), price(8, 1_500_000_000));
        let terms = (router, billing(), feeds.0, feeds.1).abi_encode_params();
        let coordinator = sender.create([coordinator, terms].concat());
        let don = B256::repeat_byte(0xd0);
        let network = Network { owner, router, coordinator, don };
        let addresses = |role: &str| {
            let keys = (0..4).map(|node| key_of(&format!("{role} {node}")).address());
            keys.collect::<Vec<Address>>()
        };
        sender.call(
            coordinator,
            &setConfigCall {
                signers: addresses("signer"),
                transmitters: addresses("transmitter"),
                f: 1,
                onchain: Bytes::new(),
                version: 1,
                offchain: Bytes::new(),
            },
        );
        let key = Bytes::from_static(b"key");
        sender.call(coordinator, &setDONPublicKeyCall { key: key.clone() });
        sender.call(coordinator, &setThresholdPublicKeyCall { key });
        let route = proposeContractsUpdateCall { ids: vec![don], contracts: vec![coordinator] };
        sender.call(router, &route);
        sender.call(router, &updateContractsCall {});
        sender.call(router, &createSubscriptionCall {});
        let amount = U256::from(100_000_000_000_000_000_000_u128);
        let data = U256::from(Network::SUBSCRIPTION).abi_encode().into();
        sender.call(link, &transferAndCallCall { to: router, amount, data });
        Some(network)
    }

    /// Lets a contract spend the subscription.
    fn admit(&self, url: &str, consumer: Address) {
        let call = addConsumerCall { subscription: Network::SUBSCRIPTION, consumer };
        Sender::rich(url, self.owner.clone()).call(self.router, &call);
    }

    /// Waits for request `number` (from 0) on the ledger at `port`, and answers it: with the digest that it is about, or an error.
    /// Gives up where the command that asks is `over` before it asked.
    fn answer(&self, port: u16, number: usize, agrees: bool, over: &AtomicBool) {
        let url = format!("http://127.0.0.1:{port}");
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if over.load(Ordering::Acquire) {
                return;
            }
            std::thread::yield_now();
        }
        let topic = OracleRequest::SIGNATURE_HASH;
        let asked = object!([{
            "fromBlock": "0x0", "toBlock": "latest", "address": self.coordinator, "topics": [topic],
        }]);
        let log = loop {
            let logs = rpc(&url, "eth_getLogs", asked.clone());
            if let Some(log) = logs.get(number) {
                break log.clone();
            }
        };
        let topics = log["topics"].as_array().unwrap().iter();
        let topics: Vec<B256> = topics.map(|one| one.as_str().unwrap().parse().unwrap()).collect();
        let data = hex::decode(log["data"].as_str().unwrap()).unwrap();
        let request = OracleRequest::decode_raw_log(topics, &data).unwrap();
        // The adapter tells by its own event, of the same transaction, which digest it asked about.
        let receipt = rpc(&url, "eth_getTransactionReceipt", object!([log["transactionHash"]]));
        let asked = keccak256("Asked(bytes32,bytes32)").to_string();
        let logs = receipt["logs"].as_array().unwrap();
        let asked = logs.iter().find(|log| log["topics"][0] == asked).unwrap();
        let digest: B256 = asked["topics"][1].as_str().unwrap().parse().unwrap();
        let (response, error) = match agrees {
            true => (digest.to_vec(), Vec::new()),
            false => (Vec::new(), b"the evidence does not bear it out".to_vec()),
        };
        let commitment = request.commitment.abi_encode();
        let one = |bytes: Vec<u8>| vec![Bytes::from(bytes)];
        let ids = vec![request.requestId];
        let report = (ids, one(response), one(error), one(commitment), one(Vec::new()));
        self.transmit(&url, report.abi_encode_params());
    }

    fn transmit(&self, url: &str, report: Vec<u8>) {
        let context = [B256::ZERO; 3];
        let digest = keccak256([keccak256(&report).as_slice(), &[0; 96]].concat());
        let (mut rs, mut ss, mut vs) = (Vec::new(), Vec::new(), [0; 32]);
        for (node, v) in vs.iter_mut().enumerate().take(3) {
            let signature = key_of(&format!("signer {node}")).sign_hash_sync(&digest).unwrap();
            rs.push(signature.r().into());
            ss.push(signature.s().into());
            *v = u8::from(signature.v());
        }
        let call = transmitCall { context, report: report.into(), rs, ss, vs: vs.into() };
        Sender::rich(url, key_of("transmitter 0")).call(self.coordinator, &call);
    }
}

fn key_of(name: &str) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(name)).unwrap()
}

fn router_config() -> RouterConfig {
    RouterConfig {
        maxConsumersPerSubscription: 3,
        adminFee: alloy::primitives::aliases::U72::ZERO,
        handleOracleFulfillmentSelector: [0x0c, 0xa7, 0x61, 0x75].into(),
        gasForCallExactCheck: 5_000,
        maxCallbackGasLimits: vec![300_000],
        subscriptionDepositMinimumRequests: 1,
        subscriptionDepositJuels: alloy::primitives::aliases::U72::from(10_u64.pow(18)),
    }
}

fn billing() -> Billing {
    Billing {
        fulfillmentGasPriceOverEstimationBP: 5_000,
        feedStalenessSeconds: 24 * 3_600,
        gasOverheadBeforeCallback: 105_000,
        gasOverheadAfterCallback: 93_942,
        minimumEstimateGasPriceWei: alloy::primitives::aliases::U40::from(1_000_000_000_u64),
        maxSupportedRequestDataVersion: 1,
        fallbackUsdPerUnitLink: 1_400_000_000,
        fallbackUsdPerUnitLinkDecimals: 8,
        fallbackNativePerUnitLink: alloy::primitives::aliases::U224::from(5 * 10_u64.pow(15)),
        requestTimeoutSeconds: 300,
        donFeeCentsUsd: 100,
        operationFeeCentsUsd: 100,
    }
}

#[test]
fn an_answer_of_the_published_functions_counts_as_an_attestors_signature() {
    let country = Country::with_records();
    country.go("publish --custodian clinic");
    country.go("member join --custodian clinic --count 2");
    let ledger = Server::ledger(&country.home);
    let Some(network) = Network::on(&ledger.url) else { return };
    drop(ledger);
    let script = country.path("check.js");
    fs::write(&script, "return Buffer.from(args[3].slice(2), 'hex')").unwrap();
    let made = country.go(&format!(
        "attestor adapter functions --router {} --don {} --subscription {} --source {} --country CH --propose-by clinic/1",
        network.router,
        network.don,
        Network::SUBSCRIPTION,
        text(&script)
    ));
    let adapter: Address = made["address"].as_str().unwrap().parse().unwrap();
    let ledger = Server::ledger(&country.home);
    network.admit(&ledger.url, adapter);
    drop(ledger);

    let first = country.attestor(1);
    country.go(&format!(
        "attestor panel --attestors {} --functions {adapter} --timeout 600 --ledger-port {}",
        first.url, country.port
    ));
    let home = text(&country.home);
    let confirm = ["confirm", "features", "--dataset", "1", "--dir", home];
    let error = refused(&confirm);
    assert!(error.contains(&format!("{adapter} is no attestor on the ledger")), "{error}");
    vote(&country, &made);
    for (number, agrees) in [(0, false), (1, true)] {
        let over = AtomicBool::new(false);
        let command = std::thread::scope(|scope| {
            scope.spawn(|| network.answer(country.port, number, agrees, &over));
            let done = run(&confirm);
            over.store(true, Ordering::Release);
            done
        });
        let said = String::from_utf8_lossy(&command.stderr);
        assert_eq!(command.status.success(), agrees, "{said}");
        assert!(agrees || said.contains("its network does not stand by the statement"), "{said}");
    }
    assert_eq!(country.go("audit verify")["verified"], true);
}

#[test]
fn an_adapter_is_created_registered_and_counted_once_the_members_vote_for_it() {
    let country = Country::with_records();
    country.go("publish --custodian clinic");
    country.go("member join --custodian clinic --count 2");
    // Any contract will do: nothing is attested here.
    let contracts = country.go("ledger contracts");
    let service = contracts["usdc"].as_str().unwrap();
    let (schema, attester) = (B256::repeat_byte(7), Address::repeat_byte(9));
    let eas = format!(
        "attestor adapter eas --service {service} --schema {schema} --attester {attester} --country CH"
    );
    let made = country.go(&format!("{eas} --propose-by clinic/1"));
    let adapter = made["address"].as_str().unwrap();
    assert_eq!(country.go(&eas)["address"], adapter, "the same one is created once");
    let known = |counted: bool| {
        let all = country.go("attestor list");
        let all = all["attestors"].as_array().unwrap().clone();
        let one = all.iter().find(|one| one["address"] == adapter).unwrap();
        assert_eq!((&one["kind"], &one["good_standing"]), (&"contract".into(), &true.into()));
        assert_eq!(one["listed"], counted);
        all.len()
    };
    assert_eq!(known(false), 4);
    vote(&country, &made);
    assert_eq!(known(true), 4);

    fs::write(country.path("check.js"), "return args[3]").unwrap();
    let script = country.path("check.js");
    let functions = [
        "attestor",
        "adapter",
        "functions",
        "--router",
        service,
        "--don",
        &schema.to_string(),
        "--subscription",
        "7",
        "--country",
        "CH",
        "--source",
        text(&script),
        "--dir",
        text(&country.home),
    ]
    .map(str::to_owned);
    let functions: Vec<&str> = functions.iter().map(String::as_str).collect();
    let other = json(&functions);
    assert_ne!(other["address"], adapter);
    let nobody = eas.replace(service, &Address::repeat_byte(1).to_string());
    let words: Vec<&str> = nobody.split(' ').chain(["--dir", text(&country.home)]).collect();
    assert!(refused(&words).contains("there is no contract at"));
}
