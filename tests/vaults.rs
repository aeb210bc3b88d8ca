//! Vaults at work: an operator, two hospitals and a researcher, each in a home of their own, with nothing between them but the
//! ledger and what vaults listen for.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Server, at, caduceus, folder, json, refused, run, text};

/// The homes, and where the operator's ledger answers.
struct World {
    dir: TempDir,
    port: u16,
}

/// How long something that other processes do is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

impl World {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn rpc(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A command on a home, with `@name` for a file of this folder.
    fn words(&self, home: &str, line: &str) -> Vec<String> {
        let home = self.path(home);
        let word = |word: &str| match word.strip_prefix('@') {
            Some(name) => text(&self.path(name)).to_owned(),
            None => word.to_owned(),
        };
        at(text(&home), line).into_iter().map(word).collect()
    }

    fn go(&self, home: &str, line: &str) -> Value {
        json(&self.words(home, line).iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn refused(&self, home: &str, line: &str) -> String {
        refused(&self.words(home, line).iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn start(&self, home: &str, line: &str) -> Server {
        let words = self.words(home, line);
        Server::start(caduceus(&words.iter().map(String::as_str).collect::<Vec<_>>()), false)
    }

    /// The operator's ledger, for as long as the operator's home is not at work.
    fn ledger(&self) -> Server {
        self.start("operator", &format!("ledger serve --port {}", self.port))
    }

    /// The operator's vault, with its ledger.
    fn operator_vault(&self) -> Server {
        self.start("operator", &format!("vault serve --port 0 --ledger-port {}", self.port))
    }

    /// The account that a home without leave asks for.
    fn account(&self, home: &str, registering: &str) -> String {
        let error = self.refused(home, registering);
        assert!(error.contains("party admit --account"), "{error}");
        let account = error.split_whitespace().find(|word| word.starts_with("0x")).unwrap();
        account.to_owned()
    }

    fn records(&self, home: &str, custodian: &str, country: &str) {
        let cohort = text(&self.path(custodian)).to_owned();
        let fixed = ["cohort", "generate", "--patients", "60", "--country", country];
        json(&[&fixed[..], &["--out", &cohort]].concat());
        self.go(home, &format!("ingest --custodian {custodian} --input @{custodian}"));
        self.go(home, &format!("protect --custodian {custodian} --k 5"));
    }

    /// How many patients each dataset counts, asked by the lab.
    fn ask(&self, more: &str) -> Value {
        let mut words = self.words("lab", &format!("query --researcher lab {more}"));
        words.extend(["--sql".to_owned(), COUNT.to_owned()]);
        json(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

const COUNT: &str = "SELECT sex, COUNT(*) AS patients FROM patient GROUP BY sex";
const HOSPITAL: &str = "party register --name lakeside --role custodian --country US";
const LAB: &str = "party register --name lab --role researcher --country JP";

/// An operator that is a hospital too, another hospital and a lab, let in and stocked. Attestors are processes.
fn world() -> (World, Vec<Server>) {
    let dir = folder();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let world = World { dir, port };
    world.go("operator", "init --seed 21");
    world.go("operator", "party register --name nord --role custodian --country DE");
    world.records("operator", "nord", "DE");
    world.go("operator", "publish --custodian nord");
    fs::copy(world.path("operator").join("manifest.json"), world.path("manifest")).unwrap();
    fs::write(world.path("contracts"), world.go("operator", "ledger contracts").to_string())
        .unwrap();
    fs::write(world.path("pw"), "correct horse battery\n").unwrap();
    for number in 1..=2 {
        let key = "attestor key --light --password-file @pw";
        world.go("operator", &format!("{key} --number {number} --out @key-{number}"));
    }
    let ledger = world.ledger();
    let rpc = world.rpc();
    let forged = fs::read_to_string(world.path("manifest")).unwrap();
    let manifest: Value = serde_json::from_str(&forged).unwrap();
    let hash = manifest["contracts"][5]["code_hash"].as_str().unwrap();
    fs::write(world.path("forged"), forged.replace(hash, &format!("0x{}", "ab".repeat(32))))
        .unwrap();
    let error = world.refused("lab", &format!("init --rpc {rpc} --join @forged"));
    assert!(error.contains("does not hold it"), "{error}");
    assert!(!world.path("lab").join("home.json").exists(), "nothing is left behind");
    for home in ["hospital", "lab"] {
        world.go(home, &format!("init --rpc {rpc} --join @manifest"));
    }
    let hospital = world.account("hospital", HOSPITAL);
    let lab = world.account("lab", LAB);
    assert!(world.refused("lab", &format!("{LAB} --usdc 5")).contains("admit"));
    let elsewhere = world
        .refused("lab", &format!("party admit --account {lab} --role researcher --country JP"));
    assert!(elsewhere.contains("registrar"), "{elsewhere}");
    drop(ledger);
    let admit = |account: &str, more: &str| {
        world.go("operator", &format!("party admit --account {account} {more}"))
    };
    admit(&hospital, "--role custodian --country US");
    let let_in = admit(&lab, "--role researcher --country JP --usdc 5000");
    assert_eq!(let_in["given"], 5_000_000_000_u64);
    let again = admit(&lab, "--role researcher --country JP --usdc 5000");
    assert_eq!((&again["given"], again["changed"].as_array().unwrap().len()), (&0.into(), 0));
    let attestors = (1..=2).map(|number| {
        let words = [
            "attestor serve --name one --port 0 --without-credential --contracts @contracts",
            &format!("--rpc {rpc} --key @key-{number} --password-file @pw"),
        ];
        world.start("nowhere", &words.join(" "))
    });
    let attestors = attestors.collect();
    (world, attestors)
}

/// One request, and its status.
fn http(url: &str, method: &str, path: &str, body: &str) -> (u16, String) {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

/// All answers that the lab has, once there are so many.
fn answers(world: &World, wanted: usize) -> Vec<Value> {
    let end = Instant::now() + PATIENCE;
    loop {
        let words = world.words("lab", "answers --researcher lab --json");
        let output = run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let told = String::from_utf8(output.stdout).unwrap();
        let all: Value = serde_json::from_str(&told).unwrap_or_default();
        match all["answers"].as_array() {
            Some(all) if all.len() >= wanted => return all.clone(),
            _ => {
                assert!(Instant::now() < end, "{told} {}", String::from_utf8_lossy(&output.stderr))
            }
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn is_settled(answer: &Value, dataset: u64) -> bool {
    answer["dataset"] == dataset && answer["answer"].is_object()
}

#[test]
fn vaults_in_homes_of_their_own_answer_one_question_side_by_side_and_go_on_after_a_kill() {
    let (world, attestors) = world();
    let urls: Vec<&str> = attestors.iter().map(|server| server.url.as_str()).collect();
    let nord = world.operator_vault();
    assert!(world.refused("operator", "status").contains("in use"));

    // The other hospital publishes from its own home, by attestors whose keys it does not have.
    world.go("hospital", HOSPITAL);
    world.records("hospital", "lakeside", "US");
    world.go("hospital", &format!("attestor panel --attestors {}", urls.join(",")));
    assert_eq!(world.go("hospital", "publish --custodian lakeside")["dataset"], 2);
    // Researchers reach it at another URL than where it listens.
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let public = format!("http://{}", outside.local_addr().unwrap());
    let serve = format!("vault serve --port 0 --custodian lakeside --url {public}");
    let lakeside = world.start("hospital", &serve);
    forward(outside, &lakeside.url);

    world.go("lab", LAB);
    world.go("lab", "licence buy --researcher lab --uses 8");
    let error = world.refused("lab", "query --researcher lab --sql SELECT");
    assert!(error.contains("caduceus vault know"), "{error}");
    let itself = world.refused("lab", &format!("vault know {}", lakeside.url));
    assert!(itself.contains("says that it answers at") && itself.contains(&public), "{itself}");
    for (url, name) in [(&nord.url, "nord"), (&public, "lakeside")] {
        let known = world.go("lab", &format!("vault know {url}"));
        assert_eq!(known["vaults"][0]["name"], name);
    }
    assert_eq!(world.go("lab", "vault list")["vaults"].as_array().unwrap().len(), 2);
    assert!(world.refused("lab", &format!("vault know {}", urls[0])).contains("vault at"));
    assert!(world.refused("lab", "vault know nowhere").contains("no URL"));

    strangers(&world, &nord);
    assert_eq!(world.go("lab", "vault list")["vaults"].as_array().unwrap().len(), 2);

    let explained = world.ask("--explain");
    assert_eq!(explained["datasets"][1]["remaining"], "10", "{explained}");
    let first = world.ask("");
    let both = first["answers"].as_array().unwrap();
    assert!(is_settled(&both[0], 1) && is_settled(&both[1], 2), "{first}");
    assert_eq!(world.ask("--explain")["datasets"][1]["remaining"], "9");
    // The same question over the same people is answered as before.
    let again = world.ask("");
    assert_eq!(again["answers"][1]["answer"], first["answers"][1]["answer"]);

    // Whatever kills a vault, the next one to open its home goes on where it was. The first time only the one with the ledger is
    // killed, and the other goes on by itself once the ledger is there again.
    let (mut nord, mut lakeside, mut reached, mut jobs) = (nord, lakeside, public, 4);
    for (number, state) in ["requested", "accepted", "committed"].into_iter().enumerate() {
        let line = format!("query --researcher lab --wait 0 --epsilon 0.{}", number + 1);
        let mut words = world.words("lab", &line);
        words.extend(["--sql".to_owned(), COUNT.to_owned()]);
        let output = run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() || told.contains("caduceus answers"), "{told}");
        reaches(&nord, jobs + 1, state);
        drop(nord);
        nord = world.operator_vault();
        if number > 0 {
            drop(lakeside);
            lakeside = world.start("hospital", "vault serve --port 0");
            reached.clone_from(&lakeside.url);
        }
        let words = world.words("lab", &format!("vault know {}", nord.url));
        let told = run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let told = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(told.contains("is known at") && told.contains(&nord.url), "{told}");
        world.go("lab", &format!("vault know {reached}"));
        jobs += 2;
        let all = answers(&world, jobs);
        assert!(is_settled(&all[jobs - 2], 1) && is_settled(&all[jobs - 1], 2), "{all:?}");
    }
    let left = world.ask("--explain");
    assert_eq!(left["datasets"][0]["remaining"], "8.4", "each was charged once: {left}");
    assert_eq!(left["datasets"][1]["remaining"], "8.4", "each was charged once: {left}");

    // Where nothing can be sealed to a researcher, vaults elsewhere have no word for them, and what they had before stays theirs.
    let low = format!("0x01{}", "00".repeat(31));
    world.go("lab", &format!("contract send --as lab ParticipantRegistry setEncryptionKey {low}"));
    let mut words = world.words("lab", "query --researcher lab --json --epsilon 0.7");
    words.extend(["--sql".to_owned(), COUNT.to_owned()]);
    let output = run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(1), "all of it was refused");
    let all = answers(&world, jobs + 2);
    for refused in &all[jobs..] {
        let why = refused["refused"].as_str();
        assert!(why.is_some_and(|why| why.contains("without a word")), "{refused}");
    }
    assert!(is_settled(&all[jobs - 2], 1) && is_settled(&all[jobs - 1], 2), "{all:?}");

    hostile(&nord);
    drop(lakeside);
    assert_eq!(world.go("hospital", "audit verify")["verified"], true);
    drop(nord);
    assert_eq!(world.go("operator", "audit verify")["verified"], true);
}

/// Waits until a vault says that a job is as far as this, or further.
fn reaches(vault: &Server, job: usize, state: &str) {
    const STATES: [&str; 5] = ["requested", "accepted", "committed", "verified", "HTTP/1.1 200"];
    let wanted = STATES.iter().position(|known| *known == state).unwrap();
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let (_, answer) = http(&vault.url, "GET", &format!("/jobs/{job}"), "");
        if STATES[wanted..].iter().any(|state| answer.contains(state)) {
            return;
        }
    }
    panic!("job {job} never was {state}");
}

/// A server of somebody else's, which answers each request for a path as `answers` says, whole.
fn stranger(answers: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or_default();
            let told = String::from_utf8_lossy(&request[..read]).into_owned();
            let path = told.split(' ').nth(1).unwrap_or("/");
            let _ = stream.write_all(answers(path).as_bytes());
        }
    });
    url
}

/// Passes every connection on to a server, as a gateway does.
fn forward(outside: TcpListener, url: &str) {
    let inside = url.trim_start_matches("http://").to_owned();
    std::thread::spawn(move || {
        for stream in outside.incoming() {
            let (Ok(outer), Ok(inner)) = (stream, TcpStream::connect(&inside)) else { return };
            for (from, to) in [(&outer, &inner), (&inner, &outer)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
}

/// What does not become a vault that the lab knows: who passes its challenge on to one, who sends it on to one, who names none, and
/// who says no at length, in a text that would act on a terminal.
fn strangers(world: &World, vault: &Server) {
    let whole = |status: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
    };
    let url = vault.url.clone();
    let relay = stranger(move |path| http(&url, "GET", path, "").1);
    let error = world.refused("lab", &format!("vault know {relay}"));
    assert!(error.contains("says that it answers at") && error.contains(&vault.url), "{error}");

    let url = vault.url.clone();
    let elsewhere = stranger(move |path| whole(&format!("302 Found\r\nLocation: {url}{path}"), ""));
    let error = world.refused("lab", &format!("vault know {elsewhere}"));
    assert!(error.contains("it answered 302"), "{error}");

    let nobody = stranger(move |_| whole("200 OK", "[]"));
    let error = world.refused("lab", &format!("vault know {nobody}"));
    assert!(error.contains("no vault answers at"), "{error}");

    let long = "x".repeat(1 << 20);
    let text = serde_json::json!({ "error": format!("\u{1b}[2Jverified\r{long}") }).to_string();
    let loud = stranger(move |_| whole("503 Service Unavailable", &text));
    let error = world.refused("lab", &format!("vault know {loud}"));
    assert!(!error.contains(['\u{1b}', '\r']) && error.len() < 1_000, "{error}");
    assert!(error.contains("\\u{1b}[2Jverified"), "{error}");
}

#[test]
fn a_researcher_with_a_key_that_nothing_can_be_sealed_to_keeps_nobody_waiting() {
    let world = crate::rights::World::new();
    world.go("party register --name ganges --role researcher --country JP --usdc 5000");
    for researcher in ["ganges", "lab"] {
        world.go(&format!("licence buy --researcher {researcher} --uses 2"));
    }
    // A point of low order (RFC 7748, section 7): what is agreed on with it is known to everybody.
    let low = format!("0x01{}", "00".repeat(31));
    world.go(&format!("contract send --as ganges ParticipantRegistry setEncryptionKey {low}"));
    let home = text(&world.home);
    let sql = "SELECT COUNT(*) AS n FROM condition";
    for words in [
        &["query", "--researcher", "ganges", "--sql", sql, "--json", "--dir", home][..],
        &["answers", "--researcher", "ganges", "--json", "--dir", home],
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(1), "all of it was refused");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let refused = told["answers"][0]["refused"].as_str();
        assert!(refused.is_some_and(|why| why.contains("without a word")), "{told}");
    }
    assert!(is_settled(&world.ask()["answers"][0], 1));
    assert_eq!(world.go("audit verify")["verified"], true);
}

/// What strangers try at a vault.
fn hostile(vault: &Server) {
    let hash = format!("0x{}", "11".repeat(32));
    let account = format!("0x{}", "22".repeat(20));
    let path = format!("/questions/{hash}");
    let handed = |document: &str| {
        serde_json::json!({ "document": document, "approval": null, "researcher": account, "signature": "00" })
            .to_string()
    };
    let document = r#"{"sql":"SELECT 1","epsilon_milli":1}"#;
    let own = format!("/questions/{}", alloy::primitives::keccak256(document));
    for (method, path, body, status) in [
        ("PUT", path.as_str(), handed(document), 422),
        ("PUT", own.as_str(), handed(document), 403),
        ("PUT", path.as_str(), "{".repeat(100_000), 422),
        ("PUT", "/questions/../../keys/seed", handed(document), 404),
        ("PUT", path.as_str(), " ".repeat(5 << 20), 413),
        ("GET", "/jobs/999", String::new(), 404),
        ("GET", "/jobs/..%2f..%2fkeys%2fseed", String::new(), 400),
        ("GET", "/vaults/0", String::new(), 400),
    ] {
        let (found, answer) = http(&vault.url, method, path, &body);
        assert_eq!(found, status, "{method} {path}: {answer}");
    }
}

#[test]
fn a_home_without_a_custodian_has_no_vault_to_serve() {
    let dir = folder();
    let home = dir.path().join("home");
    json(&["init", "--seed", "22", "--dir", text(&home)]);
    let error = refused(&["vault", "serve", "--port", "0", "--dir", text(&home)]);
    assert!(error.contains("no custodian") && error.contains("party register"), "{error}");
    let unnamed =
        refused(&["vault", "serve", "--port", "0", "--url", "nowhere", "--dir", text(&home)]);
    assert!(unnamed.contains("no URL"), "{unnamed}");
    let other = refused(&["vault", "serve", "--custodian", "other", "--dir", text(&home)]);
    assert!(other.contains("other"), "{other}");
    assert!(Path::new(&home).join("home.json").exists());
}
