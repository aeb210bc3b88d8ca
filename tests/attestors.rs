//! Attestors as processes of their own: each with its own key and its own view, some of them dead, slow or lying.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use alloy::hex;
use alloy::primitives::{Address, B256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolStruct, eip712_domain};
use caduceus_identity::{EncryptionPublicKey, Entropy, Keyring, Sealed, Seed, seal_to};
use serde_json::{Value, json as object};
use tempfile::TempDir;

use crate::support::{Server, caduceus, folder, json, refused, text};

/// What a request is bound to.
const INFO: &[u8] = b"caduceus attestor request v1";
/// The embedded ledger's chain.
const CHAIN: u64 = 31_337;

/// A custodian's home with protected records, and what attestors need to know of its ledger.
pub struct Country {
    pub dir: TempDir,
    pub home: PathBuf,
    /// Where the home's ledger answers while attestors are asked.
    pub port: u16,
}

impl Country {
    pub fn new() -> Country {
        let dir = folder();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let country = Country { home: dir.path().join("home"), dir, port };
        fs::write(country.path("pw"), "correct horse battery\n").unwrap();
        country.go("init --seed 12");
        country
    }

    /// With a custodian on the operator's word, and records.
    pub fn with_records() -> Country {
        let country = Country::new();
        country.go("party register --name clinic --role custodian --country DE");
        country.stock();
        country
    }

    pub fn stock(&self) {
        self.records(1);
        let contracts = self.go("ledger contracts");
        fs::write(self.path("contracts.json"), contracts.to_string()).unwrap();
    }

    /// Protected records of people who are others for each seed.
    pub fn records(&self, seed: u32) {
        let (path, seed) = (self.path(&format!("cohort-{seed}")), seed.to_string());
        let (cohort, home) = (text(&path), text(&self.home));
        let made = ["cohort", "generate", "--patients", "40", "--country", "DE", "--seed", &seed];
        json(&[&made[..], &["--out", cohort]].concat());
        json(&["ingest", "--custodian", "clinic", "--input", cohort, "--dir", home]);
        self.go("protect --custodian clinic --k 5");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn go(&self, words: &str) -> Value {
        json(&words.split(' ').chain(["--dir", text(&self.home)]).collect::<Vec<_>>())
    }

    /// A command without a home, with `@name` for a file of this folder and the password that every key here has.
    pub fn desk(&self, words: &str) -> Value {
        let words: Vec<String> = words
            .split(' ')
            .map(|word| match word.strip_prefix('@') {
                Some(name) => text(&self.path(name)).to_owned(),
                None => word.to_owned(),
            })
            .collect();
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        let password = self.path("pw");
        words.extend(["--password-file", text(&password)]);
        json(&words)
    }

    /// The key file of one of the home's attestors.
    pub fn key(&self, number: usize) -> PathBuf {
        let file = self.path(&format!("{number}.json"));
        let (number, password) = (number.to_string(), self.path("pw"));
        let words = ["attestor", "key", "--number", &number, "--light", "--out", text(&file)];
        let more = ["--password-file", text(&password), "--dir", text(&self.home)];
        json(&[&words[..], &more].concat());
        file
    }

    /// One of the home's attestors, in a process of its own, who takes the registrar's word for an accreditation.
    pub fn attestor(&self, number: usize) -> Server {
        self.process(&self.key(number), &self.path("contracts.json"), &["--without-credential"])
    }

    pub fn process(&self, key: &Path, contracts: &Path, more: &[&str]) -> Server {
        let rpc = format!("http://127.0.0.1:{}", self.port);
        let password = self.path("pw");
        let words = ["attestor", "serve", "--name", "one", "--port", "0", "--rpc", &rpc];
        let files = ["--key", text(key), "--contracts", text(contracts)];
        let password = ["--password-file", text(&password)];
        Server::start(caduceus(&[&words[..], &files, &password, more].concat()), false)
    }

    fn publishing(&self, attestors: &[&str]) -> Vec<String> {
        let (port, all) = (self.port.to_string(), attestors.join(","));
        let words = ["publish", "--custodian", "clinic", "--timeout", "600", "--attestors", &all];
        let more = ["--ledger-port", &port, "--dir", text(&self.home)];
        words.iter().chain(&more).map(|word| (*word).to_owned()).collect()
    }

    pub fn publish(&self, attestors: &[&str]) -> Value {
        json(&self.publishing(attestors).iter().map(String::as_str).collect::<Vec<_>>())
    }

    pub fn refused(&self, attestors: &[&str]) -> String {
        refused(&self.publishing(attestors).iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The bare key in a sealed file.
    pub fn bare(&self, file: &Path) -> B256 {
        let out = self.path(&format!("bare-{}", file.file_name().unwrap().to_str().unwrap()));
        let password = self.path("pw");
        let words = ["identity", "export", "--keystore", text(file), "--out", text(&out)];
        json(&[&words[..], &["--password-file", text(&password)]].concat());
        fs::read_to_string(out).unwrap().trim().parse().unwrap()
    }

    fn oracle(&self) -> Address {
        let contracts: Value =
            serde_json::from_slice(&fs::read(self.path("contracts.json")).unwrap()).unwrap();
        contracts["attestation_oracle"].as_str().unwrap().parse().unwrap()
    }

    /// A process that has the key of one of the home's attestors, which the ledger lists, and does with it as `how` says.
    pub fn liar(&self, number: usize, how: &str) -> Server {
        let key = self.bare(&self.key(number));
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "attestors::lie_until_killed", "--ignored", "--nocapture"]);
        let told = object!({
            "key": key, "how": how, "oracle": self.oracle(), "folder": text(self.dir.path()),
        });
        command.env(LIAR, told.to_string());
        Server::start(command, true)
    }
}

const LIAR: &str = "CADUCEUS_LYING_ATTESTOR_TEST";

alloy::sol! {
    /// What attestors sign.
    struct Attestation {
        bytes32 kind;
        bytes32 subject;
        bytes32 payloadHash;
        uint64 issuedAt;
        uint64 expiresAt;
        bytes32 nonce;
    }
}

/// The process of a listed attestor that lies. It introduces itself as any other does.
#[test]
#[ignore = "started by the tests below"]
fn lie_until_killed() {
    let Ok(told) = std::env::var(LIAR) else { return };
    let told: Value = serde_json::from_str(&told).unwrap();
    let word = |name: &str| told[name].as_str().unwrap();
    let key: B256 = word("key").parse().unwrap();
    let oracle: Address = word("oracle").parse().unwrap();
    let signer = PrivateKeySigner::from_bytes(&key).unwrap();
    let reader = Keyring::new(Seed::new(key.0)).encryption_key("attestor");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "\nlies at {}", listener.local_addr().unwrap()).unwrap();
    out.flush().unwrap();
    for number in 0.. {
        let (mut stream, _) = listener.accept().unwrap();
        let (head, body) = read_request(&mut stream);
        let answer = match head.starts_with("GET") {
            true => {
                let reads = B256::from(*reader.public().as_bytes());
                let text = format!("Caduceus attestor on chain {CHAIN} at {oracle} reads with {reads}");
                let signature = signer.sign_message_sync(text.as_bytes()).unwrap();
                let signature = hex::encode(signature.as_bytes());
                object!({ "name": "liar", "address": signer.address(), "reader": reads, "signature": signature })
            }
            false if word("how") == "floods" => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n");
                while stream.write_all(&[b' '; 65_536]).is_ok() {}
                continue;
            }
            false => {
                let sealed = Sealed::from_bytes(&body).unwrap();
                let text = reader.open(INFO, signer.address().as_slice(), &sealed).unwrap();
                lie(&signer, oracle, word("how"), Path::new(word("folder")), number, &text)
            }
        }
        .to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            answer.len()
        );
        let _ =
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes()));
    }
}

/// What a liar answers to a request.
fn lie(
    signer: &PrivateKeySigner,
    oracle: Address,
    how: &str,
    folder: &Path,
    number: usize,
    request: &[u8],
) -> Value {
    if how == "tells" {
        fs::write(folder.join(format!("told-{number}.json")), request).unwrap();
        return object!({ "refused": "it only wants to know" });
    }
    let request: Value = serde_json::from_slice(request).unwrap();
    let manifest: Value = serde_json::from_str(request["manifest"].as_str().unwrap()).unwrap();
    let domain = eip712_domain! {
        name: "Caduceus AttestationOracle",
        version: "1",
        chain_id: CHAIN,
        verifying_contract: oracle,
    };
    let sign = |statement: &Value| {
        let word = |name: &str| statement[name].as_str().unwrap().parse::<B256>().unwrap();
        let attestation = Attestation {
            kind: word("kind"),
            subject: word("subject"),
            // Another score, another root: whatever the payload was, it is not this.
            payloadHash: if how == "signs another payload" {
                B256::repeat_byte(7)
            } else {
                word("payload")
            },
            issuedAt: statement["issued_at"].as_u64().unwrap(),
            expiresAt: statement["expires_at"].as_u64().unwrap(),
            nonce: word("nonce"),
        };
        let signature = signer.sign_hash_sync(&attestation.eip712_signing_hash(&domain)).unwrap();
        hex::encode(signature.as_bytes())
    };
    let statements = manifest["statements"].as_array().unwrap();
    let signed: Vec<String> =
        statements.iter().skip(usize::from(how == "signs a part")).map(sign).collect();
    object!({ "signed": signed })
}

/// The head and the body of an HTTP request.
fn read_request(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line.to_ascii_lowercase().replacen("get ", "GET ", 1));
    }
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    (head, body)
}

/// Sends bytes to a server and gives the JSON that it answers.
fn ask(url: &str, method: &str, path: &str, body: &[u8]) -> Value {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// What an honest attestor answers to a request that somebody put together by hand.
pub fn put(
    attestor: &Server,
    manifest: &str,
    signer: &PrivateKeySigner,
    disclosure: &Value,
) -> String {
    let signature = signer.sign_message_sync(manifest.as_bytes()).unwrap();
    let signature = hex::encode(signature.as_bytes());
    hand_in(
        attestor,
        &object!({ "manifest": manifest, "signature": signature, "disclosure": disclosure }),
    )
}

pub fn hand_in(attestor: &Server, request: &Value) -> String {
    let who = ask(&attestor.url, "GET", "/identity", &[]);
    let reader: B256 = who["reader"].as_str().unwrap().parse().unwrap();
    let address: Address = who["address"].as_str().unwrap().parse().unwrap();
    let reader = EncryptionPublicKey::new(reader.0);
    let text = request.to_string();
    let sealed =
        seal_to(&reader, INFO, address.as_slice(), text.as_bytes(), Entropy::new([9; 32])).unwrap();
    let answer = ask(&attestor.url, "POST", "/attest", &sealed.to_bytes());
    match answer["refused"].as_str() {
        Some(why) => why.to_owned(),
        None => format!("signed {}", answer["signed"].as_array().unwrap().len()),
    }
}

#[test]
fn publishing_goes_on_with_one_attestor_dead_slow_or_lying_and_stops_with_two() {
    let country = Country::with_records();
    let [first, second, third] = [1, 2, 3].map(|number| country.attestor(number));

    let dead = third.url.clone();
    drop(third);
    // A third attestor that works, and is stopped: it is connected to, and does not say a word.
    let halted = country.process(
        &country.path("3.json"),
        &country.path("contracts.json"),
        &["--without-credential"],
    );
    halted.pause();
    let slow = halted.url.clone();
    // A process that works well with a key that the ledger does not know.
    country.desk("identity new --kind secp256k1 --light --out @foreign.json");
    let foreign = country.path("foreign.json");
    let foreign =
        country.process(&foreign, &country.path("contracts.json"), &["--without-credential"]);
    // One that sees another ledger.
    let mut elsewhere: Value =
        serde_json::from_slice(&fs::read(country.path("contracts.json")).unwrap()).unwrap();
    elsewhere["attestation_oracle"] = elsewhere["usdc"].clone();
    fs::write(country.path("elsewhere.json"), elsewhere.to_string()).unwrap();
    let lost = country.process(&country.path("2.json"), &country.path("elsewhere.json"), &[]);
    // One that asks for what this custodian did not show.
    let strict =
        country.process(&country.path("3.json").clone(), &country.path("contracts.json"), &[]);

    let error = country.refused(&[&first.url, &dead, &foreign.url]);
    assert!(error.contains("1 of the 2 needed signed"), "{error}");
    assert!(error.contains("cannot be reached"), "{error}");
    assert!(error.contains("is no attestor on the ledger"), "{error}");
    let error = country.refused(&[&first.url, &first.url, &lost.url, &strict.url]);
    assert!(error.contains("1 of the 2 needed signed"), "one who signs twice is one: {error}");
    assert!(error.contains("did not sign for this ledger"), "{error}");
    assert!(error.contains("it refuses: the custodian shows no accreditation"), "{error}");

    // Each with two good ones: the dead, the slow, the foreign do not hold the others up.
    for (number, fault) in [&dead, &slow, &foreign.url].into_iter().enumerate() {
        let done = country.publish(&[fault, &first.url, &second.url]);
        assert_eq!(done["dataset"], number + 1, "{done}");
        country.records(number as u32 + 2);
    }
    // It is needed and waited for, for a second; it was slow and nothing else, since it signs once it goes on.
    let mut waiting = country.publishing(&[&slow, &first.url]);
    let seconds = waiting.iter().position(|word| word == "600").unwrap();
    waiting[seconds] = "1".to_owned();
    let error = refused(&waiting.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(error.contains("it did not answer in time"), "{error}");
    halted.go_on();
    assert_eq!(country.publish(&[&slow, &first.url])["dataset"], 4);
    assert_eq!(country.go("audit verify")["verified"], true);
}

#[test]
fn a_listed_attestor_that_lies_is_left_out_and_named() {
    let country = Country::with_records();
    let [first, second] = [1, 2].map(|number| country.attestor(number));
    for (how, seen) in [
        ("signs another payload", "it signed something else than it was asked"),
        ("signs a part", "it did not sign every statement"),
        ("floods", "it answered with more than 65536 bytes"),
    ] {
        let _ = fs::remove_file(country.path("3.json"));
        let _ = fs::remove_file(country.path("bare-3.json"));
        let liar = country.liar(3, how);
        let error = country.refused(&[&liar.url, &first.url]);
        assert!(
            error.contains("1 of the 2 needed signed") && error.contains(seen),
            "{how}: {error}"
        );
        if how == "signs another payload" {
            let done = country.publish(&[&liar.url, &first.url, &second.url]);
            assert_eq!(done["dataset"], 1, "{done}");
            country.records(2);
        }
    }
    assert_eq!(country.go("audit verify")["verified"], true);
}

#[test]
fn what_was_tampered_with_is_signed_by_nobody_honest() {
    let country = Country::with_records();
    let [first, second] = [1, 2].map(|number| country.attestor(number));
    let spy = country.liar(3, "tells");
    let done = country.publish(&[&first.url, &second.url, &spy.url]);
    assert_eq!(done["dataset"], 1, "{done}");
    let mut told: Vec<PathBuf> = fs::read_dir(country.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("told-"))
        .collect();
    told.sort();
    let request = |at: &Path| -> Value { serde_json::from_slice(&fs::read(at).unwrap()).unwrap() };
    let (token, worth) = (request(&told[0]), request(told.last().unwrap()));

    let export = ["identity", "export", "--party", "clinic", "--out"];
    let (file, password) = (country.path("clinic.json"), country.path("pw"));
    let more = [text(&file), "--password-file", text(&password), "--dir", text(&country.home)];
    json(&[&export[..], &more].concat());
    let custodian = PrivateKeySigner::from_bytes(&country.bare(&file)).unwrap();
    let _ledger = {
        let port = country.port.to_string();
        let words = ["ledger", "serve", "--port", &port, "--dir", text(&country.home)];
        Server::start(caduceus(&words), false)
    };

    // As it was sent, it is signed; altered on its way, it is not, whatever is altered.
    assert_eq!(hand_in(&first, &token), "signed 3");
    let mut altered = token.clone();
    let manifest = token["manifest"].as_str().unwrap();
    altered["manifest"] = manifest.replacen("\"permit\":true", "\"permit\":false", 1).into();
    assert!(altered != token, "something was altered");
    let why = hand_in(&first, &altered);
    assert!(why.contains("not signed by the custodian that it names"), "{why}");

    // A custodian that signs a lie itself is told what is wrong with it.
    let lies = |request: &Value, pointer: &str, value: Value| {
        let mut manifest: Value =
            serde_json::from_str(request["manifest"].as_str().unwrap()).unwrap();
        *manifest.pointer_mut(pointer).unwrap() = value;
        put(&first, &manifest.to_string(), &custodian, &request["disclosure"])
    };
    for (pointer, value, why) in [
        ("/about/token/k", object!(500), "a class is smaller than k"),
        ("/about/token/consent_root", object!(B256::repeat_byte(1)), "have another root"),
        ("/about/token/person_count", object!(4_000), "the number of persons is another"),
        ("/about/token/record_count", object!(1), "the number of rows is another"),
        ("/about/token/table_commitment", object!(B256::repeat_byte(1)), "other hashes"),
        (
            "/publication/table_commitment",
            object!(B256::repeat_byte(1)),
            "hashes of the sealed data",
        ),
        ("/statements/0/payload", object!(B256::repeat_byte(1)), "something else than the data"),
        ("/statements/0/issued_at", object!(1), "not of now"),
        ("/chain_id", object!(1), "for another ledger"),
        ("/country", object!("FR"), "registered in another country"),
        ("/receipts", object!([]), "a patient in it has not consented"),
    ] {
        let answer = lies(&token, pointer, value);
        assert!(answer.contains(why), "{pointer}: {answer}");
    }
    let answer = lies(&worth, "/about/worth/completeness", object!(9_999));
    assert!(answer.contains("the quality scores are others"), "{answer}");
    let stranger = PrivateKeySigner::from_bytes(&B256::repeat_byte(3)).unwrap();
    let answer = put(&first, manifest, &stranger, &token["disclosure"]);
    assert!(answer.contains("not signed by the custodian that it names"), "{answer}");
}

#[test]
fn a_custodian_whose_accreditation_was_taken_back_gets_no_signature_from_anybody() {
    let country = Country::new();
    let made = |name: &str| {
        country.desk(&format!("identity new --light --out @{name}"))["did"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (issuer, holder) = (made("issuer.json"), made("holder.json"));
    let list = "--url https://ministry.example/status/1 --keystore @issuer.json";
    country.desk(&format!("credential status --new @revoked.json {list}"));
    let claims = object!({ "legalName": "Clinic", "country": "DE", "registrationNumber": "1" });
    fs::write(country.path("claims.json"), claims.to_string()).unwrap();
    country.desk(&format!(
        "credential issue --keystore @issuer.json --kind custodian-accreditation --subject {holder} --claims @claims.json --days 100 --status-list @revoked.json --out @a.json"
    ));
    let asked = country.go("party challenge --name clinic");
    country.desk(&format!(
        "credential present --keystore @holder.json --credential @a.json --challenge {} --domain {} --out @p.json",
        asked["challenge"].as_str().unwrap(),
        asked["domain"].as_str().unwrap()
    ));
    country.go(&format!(
        "party register --name ministry --role issuer --country DE --did {issuer} --kinds custodian-accreditation"
    ));
    let (shown, revoked) = (country.path("p.json"), country.path("revoked.json"));
    let lists = ["--status-list", text(&revoked), "--offline"];
    let register =
        ["party", "register", "--name", "clinic", "--role", "custodian", "--country", "DE"];
    let more = ["--credential", text(&shown), "--dir", text(&country.home)];
    json(&[&register[..], &more, &lists].concat());
    country.stock();

    // Attestors that ask for it, each with its own copy of the issuer's list.
    let attestors = [1, 2].map(|number| {
        country.process(&country.key(number), &country.path("contracts.json"), &lists)
    });
    let urls: Vec<&str> = attestors.iter().map(|one| one.url.as_str()).collect();
    assert_eq!(country.publish(&urls)["dataset"], 1);

    country.records(2);
    country.desk(
        "credential revoke --keystore @issuer.json --credential @a.json --status-list @revoked.json",
    );
    let error = country.refused(&urls);
    assert!(error.contains("0 of the 2 needed signed"), "{error}");
    assert!(error.contains("its issuer has revoked it"), "{error}");
    let here = ["publish", "--custodian", "clinic", "--dir", text(&country.home)];
    let error = refused(&[&here[..], &lists].concat());
    assert!(error.contains("its issuer has revoked it"), "its own attestors refuse too: {error}");
    let words = ["publish", "--custodian", "clinic", "--offline", "--dir", text(&country.home)];
    assert!(refused(&words).contains("no server was asked"), "what is not known counts against");
}
