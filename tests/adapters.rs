//! Attestors that work elsewhere, by their adapters: the published Ethereum Attestation Service on a home's own ledger.

use std::fs;
use std::path::Path;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::Encodable2718;
use alloy::hex;
use alloy::primitives::{Address, B256, Bytes, TxKind, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolValue};
use serde_json::{Value, json as object};

use crate::attestors::Country;
use crate::support::{Server, json, refused, text};

alloy::sol! {
    /// `ISchemaRegistry.sol` of the service.
    function register(string schema, address resolver, bool revocable) returns (bytes32);
}

/// The creation code of a published contract of the service; none where its npm package is not installed.
fn published(path: &str) -> Option<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let package = "contracts/node_modules/@ethereum-attestation-service/eas-contracts/artifacts";
    let Ok(artifact) = fs::read(root.join(package).join("contracts").join(path)) else {
        assert!(
            std::env::var_os("CI").is_none(),
            "the service's package is missing: run the tests by `cargo xtask test`"
        );
        eprintln!(
            "skipped: the service's package is not installed; `cargo xtask test` installs it"
        );
        return None;
    };
    let artifact: Value = serde_json::from_slice(&artifact).unwrap();
    Some(hex::decode(artifact["bytecode"].as_str().unwrap()).unwrap())
}

/// An account with ether on a served ledger, which sends transactions one after the other.
struct Sender<'a> {
    ledger: &'a Server,
    key: PrivateKeySigner,
}

impl Sender<'_> {
    fn send(&self, to: TxKind, input: Bytes) -> Value {
        let address = self.key.address();
        let rpc = |method: &str, params: Value| self.ledger.rpc(method, params);
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
        let registry = published("SchemaRegistry.sol/SchemaRegistry.json")?;
        let service = published("EAS.sol/EAS.json")?;
        let ledger = Server::ledger(&country.home);
        let ether = "0x3635c9adc5dea00000";
        ledger.rpc("anvil_setBalance", object!([key.address(), ether]));
        let sender = Sender { ledger: &ledger, key: key.clone() };
        let registry = sender.create(registry);
        let at = sender.create([service, registry.abi_encode()].concat());
        let (schema, nobody) = ("bytes32 digest", Address::ZERO);
        let call = registerCall { schema: schema.to_owned(), resolver: nobody, revocable: true };
        sender.send(TxKind::Call(registry), call.abi_encode().into());
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
