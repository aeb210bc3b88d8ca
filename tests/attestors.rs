//! Attestors as processes of their own: each with its own key and its own view, some of them dead, slow or lying.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Server, caduceus, folder, json, refused, text};

/// A custodian's home with protected records, and what attestors need to know of its ledger.
struct Country {
    dir: TempDir,
    home: PathBuf,
    /// Where the home's ledger answers while it publishes.
    port: u16,
}

impl Country {
    fn new() -> Country {
        let dir = folder();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let country = Country { home: dir.path().join("home"), dir, port };
        country.go("init --seed 12");
        country.go("party register --name clinic --role custodian --country DE");
        country.records(1);
        let contracts = country.go("ledger contracts");
        fs::write(country.path("contracts.json"), contracts.to_string()).unwrap();
        country
    }

    /// Protected records of people who are others for each seed.
    fn records(&self, seed: u32) {
        let (path, seed) = (self.path(&format!("cohort-{seed}")), seed.to_string());
        let (cohort, home) = (text(&path), text(&self.home));
        let made = ["cohort", "generate", "--patients", "40", "--country", "DE", "--seed", &seed];
        json(&[&made[..], &["--out", cohort]].concat());
        json(&["ingest", "--custodian", "clinic", "--input", cohort, "--dir", home]);
        self.go("protect --custodian clinic --k 5");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn go(&self, words: &str) -> Value {
        json(&words.split(' ').chain(["--dir", text(&self.home)]).collect::<Vec<_>>())
    }

    /// One of the home's attestors, in a process of its own with its key in a file of its own.
    fn attestor(&self, number: usize) -> Server {
        let file = self.path(&format!("{number}.key"));
        let number = number.to_string();
        let home = text(&self.home);
        let out = text(&file);
        json(&["attestor", "key", "--number", &number, "--out", out, "--dir", home]);
        self.process(&file, &self.path("contracts.json"))
    }

    fn process(&self, key: &std::path::Path, contracts: &std::path::Path) -> Server {
        let rpc = format!("http://127.0.0.1:{}", self.port);
        let words = ["attestor", "serve", "--name", "one", "--port", "0", "--rpc", &rpc];
        let files = ["--key", text(key), "--contracts", text(contracts)];
        Server::start(caduceus(&[&words[..], &files].concat()), false)
    }

    fn publishing(&self, attestors: &[&str]) -> Vec<String> {
        let (port, all) = (self.port.to_string(), attestors.join(","));
        let words = ["publish", "--custodian", "clinic", "--timeout", "600", "--attestors", &all];
        let more = ["--ledger-port", &port, "--dir", text(&self.home)];
        words.iter().chain(&more).map(|word| (*word).to_owned()).collect()
    }

    fn publish(&self, attestors: &[&str]) -> Value {
        json(&self.publishing(attestors).iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn refused(&self, attestors: &[&str]) -> String {
        refused(&self.publishing(attestors).iter().map(String::as_str).collect::<Vec<_>>())
    }
}

#[test]
fn publishing_goes_on_with_one_attestor_dead_slow_or_lying_and_stops_with_two() {
    let country = Country::new();
    let [first, second, third] = [1, 2, 3].map(|number| country.attestor(number));

    // It accepts connections, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = format!("http://{}", silent.local_addr().unwrap());
    let dead = third.url.clone();
    drop(third);
    // A process that works well with a key that the ledger does not know.
    let key = country.path("foreign.key");
    fs::write(&key, "0b".repeat(32)).unwrap();
    let liar = country.process(&key, &country.path("contracts.json"));
    // One that sees another ledger.
    let mut elsewhere: Value =
        serde_json::from_slice(&fs::read(country.path("contracts.json")).unwrap()).unwrap();
    elsewhere["attestation_oracle"] = elsewhere["usdc"].clone();
    fs::write(country.path("elsewhere.json"), elsewhere.to_string()).unwrap();
    let lost = country.process(&country.path("2.key"), &country.path("elsewhere.json"));

    let error = country.refused(&[&first.url, &dead, &liar.url]);
    assert!(error.contains("1 of the 2 needed signed"), "{error}");
    assert!(error.contains("cannot be reached"), "{error}");
    assert!(error.contains("is no attestor on the ledger"), "{error}");
    let error = country.refused(&[&first.url, &first.url, &lost.url]);
    assert!(error.contains("1 of the 2 needed signed"), "one who signs twice is one: {error}");
    assert!(error.contains("did not sign for this ledger"), "{error}");

    // Each with two good ones: the dead, the slow, the liar do not hold the others up.
    for (number, fault) in [&dead, &slow, &liar.url].into_iter().enumerate() {
        let done = country.publish(&[fault, &first.url, &second.url]);
        assert_eq!(done["dataset"], number + 1, "{done}");
        country.records(number as u32 + 2);
    }
    assert_eq!(country.go("audit verify")["verified"], true);
}
