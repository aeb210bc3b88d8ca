//! Evidence for every kind of statement, as commands hand it over: an attestor signs what is true and refuses what is not.

use std::fs;
use std::path::PathBuf;

use alloy::hex;
use alloy::primitives::{B256, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use caduceus_identity::{Keyring, Seed};
use caduceus_vault::{MasterKey, Vault};
use serde_json::{Value, json as object};

use crate::attestors::{Country, hand_in, put};
use crate::support::{Server, caduceus, json, refused, text};

const NO_PERMIT: &str = "(0,0,0,0x0000000000000000000000000000000000000000000000000000000000000000,0x0000000000000000000000000000000000000000000000000000000000000000)";
const SQL: &str = "SELECT COUNT(*) AS patients FROM patient";

/// A custodian whose home asks a listed attestor that signs nothing and keeps what it is told.
struct Desk {
    country: Country,
    honest: Server,
    spy: Server,
    custodian: PrivateKeySigner,
    researcher: PrivateKeySigner,
}

impl Desk {
    fn new() -> Desk {
        let country = Country::with_records();
        country.go("party register --name lab --role researcher --country JP --usdc 5000");
        country.go("publish --custodian clinic");
        let honest = country.attestor(1);
        let spy = country.liar(3, "tells");
        let key = |party: &str| {
            let (file, password) = (country.path(&format!("{party}.json")), country.path("pw"));
            let export = ["identity", "export", "--party", party, "--out", text(&file)];
            let more = ["--password-file", text(&password), "--dir", text(&country.home)];
            json(&[&export[..], &more].concat());
            PrivateKeySigner::from_bytes(&country.bare(&file)).unwrap()
        };
        let (custodian, researcher) = (key("clinic"), key("lab"));
        Desk { country, honest, spy, custodian, researcher }
    }

    fn go(&self, words: &str) -> Value {
        self.country.go(words)
    }

    fn told(&self) -> Vec<PathBuf> {
        let number = |path: &PathBuf| -> Option<u32> {
            path.file_stem()?.to_str()?.strip_prefix("told-")?.parse().ok()
        };
        let files = fs::read_dir(self.country.dir.path()).unwrap();
        let mut told: Vec<PathBuf> = files
            .map(|entry| entry.unwrap().path())
            .filter(|path| number(path).is_some())
            .collect();
        told.sort_by_key(number);
        told
    }

    /// The evidence that a command hands over, which fails since nobody signs.
    fn evidence(&self, words: &[&str]) -> Value {
        let before = self.told().len();
        self.go(&format!("attestor panel --attestors {}", self.spy.url));
        let error = refused(&[words, &["--dir", text(&self.country.home)]].concat());
        assert!(error.contains("it only wants to know"), "{error}");
        self.go("attestor panel --here");
        let told = self.told();
        assert!(told.len() > before, "{words:?} asked nobody");
        serde_json::from_slice(&fs::read(told.last().unwrap()).unwrap()).unwrap()
    }

    fn of(&self, line: &str) -> Value {
        self.evidence(&line.split(' ').collect::<Vec<_>>())
    }

    /// The home's ledger, for the attestor to look at.
    fn ledger(&self) -> Server {
        let (port, home) = (self.country.port.to_string(), text(&self.country.home));
        Server::start(caduceus(&["ledger", "serve", "--port", &port, "--dir", home]), false)
    }

    /// The evidence is signed as it is, and refused where a part of it is replaced, with the reason.
    fn examine(&self, request: &Value, lies: &[(&str, Value, &str)]) {
        assert_eq!(hand_in(&self.honest, request), "signed 1");
        let other = ("/statements/0/payload", object!(B256::repeat_byte(1)), "something else");
        let stale = ("/statements/0/issued_at", object!(1), "not of now");
        for (pointer, value, why) in lies.iter().chain([&other, &stale]) {
            let text = request["manifest"].as_str().unwrap();
            let mut manifest: Value = serde_json::from_str(text).unwrap();
            *manifest.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} in {text}")) =
                value.clone();
            let (text, disclosure) = (manifest.to_string(), &request["disclosure"]);
            let answer = put(&self.honest, &text, &self.custodian, disclosure);
            assert!(answer.contains(why), "{pointer}: {answer}");
            // Not even the truth is signed for somebody who is no custodian.
            let answer = put(&self.honest, &text, &self.researcher, disclosure);
            assert!(answer.contains("not signed by the custodian"), "{pointer}: {answer}");
        }
    }

    fn send(&self, who: &str, words: &[&str]) {
        let send = ["contract", "send", "--as", who];
        json(&[&send[..], words, &["--dir", text(&self.country.home)]].concat());
    }

    fn allow(&self, contract: &str) {
        self.send("lab", &["TestUSDC", "approve", contract, "1000e6"]);
    }

    /// The researcher's presentation of an ethics committee's approval for purposes.
    fn approval(&self, name: &str, purposes: &[&str]) -> PathBuf {
        let (country, desk) = (&self.country, |words: &str| self.country.desk(words));
        let made = |name: &str| {
            let file = format!("identity new --light --out @{name}");
            desk(&file)["did"].as_str().unwrap().to_owned()
        };
        let committee = made(&format!("{name}-committee.json"));
        let holder = made(&format!("{name}-holder.json"));
        let claims = object!({
            "committee": "Ethics", "protocol": "P1", "country": "JP", "purposes": purposes,
        });
        fs::write(country.path("claims.json"), claims.to_string()).unwrap();
        desk(&format!(
            "credential issue --keystore @{name}-committee.json --kind ethics-approval --subject {holder} --claims @claims.json --days 100 --out @{name}-a.json"
        ));
        let asked = self.go("party challenge --name lab --for-study");
        desk(&format!(
            "credential present --keystore @{name}-holder.json --credential @{name}-a.json --challenge {} --domain {} --out @{name}-p.json",
            asked["challenge"].as_str().unwrap(),
            asked["domain"].as_str().unwrap()
        ));
        self.go(&format!(
            "party register --name {name} --role issuer --country JP --did {committee} --kinds ethics-approval"
        ));
        country.path(&format!("{name}-p.json"))
    }
}

#[test]
fn a_person_an_answer_and_a_payout_are_signed_for_as_they_are_and_not_otherwise() {
    let desk = Desk::new();
    let wrong = object!(B256::repeat_byte(1));
    let joining = desk.of("member join --custodian clinic --count 1");
    {
        let _ledger = desk.ledger();
        desk.examine(
            &joining,
            &[
                ("/about/person/did_hash", wrong.clone(), "not that of the wallet"),
                ("/about/person/person", wrong.clone(), "not under the consent root"),
                ("/about/person/consent/document", wrong.clone(), "not under the consent root"),
                ("/about/person/consent/proof", object!([]), "not under the consent root"),
                ("/about/person/consent/dataset", object!(9), "there is no such dataset"),
                ("/about/person/consent", object!(null), "never a member with this wallet"),
                ("/about/person/credential", object!("{}"), "the patient-identity"),
            ],
        );
    }
    desk.go("member join --custodian clinic --count 2");
    desk.go("consent grant --member clinic/1");

    desk.go("licence buy --researcher lab");
    let asked = desk.evidence(&["query", "--researcher", "lab", "--sql", SQL]);
    let manifest: Value = serde_json::from_str(asked["manifest"].as_str().unwrap()).unwrap();
    let log = manifest["about"]["delivery"]["log"].as_array().unwrap().clone();
    let mut cheaper = log.clone();
    cheaper[0]["details"]["epsilon_milli"] = object!(1);
    let without = |from: usize| Value::from(log[from..].to_vec());
    let answered = log.iter().position(|record| record["kind"] == "answered").unwrap();
    {
        let _ledger = desk.ledger();
        desk.examine(
            &asked,
            &[
                ("/about/delivery/answer", object!("00"), "is not what was committed"),
                ("/about/delivery/job", object!(7), "no answer is committed"),
                ("/about/delivery/log", object!([]), "no part of the log is shown"),
                ("/about/delivery/log", without(1), "budget was not charged"),
                ("/about/delivery/log", cheaper.into(), "its hash is not that of its content"),
                (
                    "/about/delivery/log",
                    Value::from(log[..answered].to_vec()),
                    "ends before the head that is on the ledger",
                ),
            ],
        );
    }
    let answers = desk.go("answers --researcher lab");
    assert_eq!(answers["answers"].as_array().unwrap().len(), 1, "the job goes on from there");

    let claimed = desk.of("claim --custodian clinic");
    let manifest: Value = serde_json::from_str(claimed["manifest"].as_str().unwrap()).unwrap();
    let payments = &manifest["about"]["payout"]["payments"];
    let first = payments[0]["weights"].as_object().unwrap();
    let person = joining_person(&joining);
    let changed = |change: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut all = payments.clone();
        change(all[0]["weights"].as_object_mut().unwrap());
        all
    };
    let stranger = B256::repeat_byte(5).to_string();
    let other = first.keys().find(|one| **one != person).unwrap().clone();
    let _ledger = desk.ledger();
    desk.examine(
        &claimed,
        &[
            ("/about/payout/root", wrong, "give another root"),
            ("/about/payout/total", object!("0x1"), "give another root"),
            ("/about/payout/payments", object!([]), "who agreed to a use is not paid"),
            (
                "/about/payout/payments",
                changed(&|weights| drop(weights.insert(stranger.clone(), object!(1)))),
                "who is not in the dataset",
            ),
            (
                "/about/payout/payments",
                changed(&|weights| drop(weights.insert(other.clone(), object!(999)))),
                "for another number of rows",
            ),
            (
                "/about/payout/payments",
                changed(&|weights| drop(weights.remove(&other))),
                "give another root",
            ),
            ("/receipts", object!([]), "signed 1"),
        ],
    );
}

fn joining_person(request: &Value) -> String {
    let manifest: Value = serde_json::from_str(request["manifest"].as_str().unwrap()).unwrap();
    manifest["about"]["person"]["person"].as_str().unwrap().to_owned()
}

#[test]
fn features_points_readings_deletions_transfers_and_uses_are_signed_for_as_they_are_and_not_otherwise()
 {
    let desk = Desk::new();
    let wrong = object!(B256::repeat_byte(1));
    desk.go("member join --custodian clinic --count 1");
    desk.go("licence buy --researcher lab");
    json(&["query", "--researcher", "lab", "--sql", SQL, "--dir", text(&desk.country.home)]);

    let features = desk.of("confirm features --dataset 1");
    let points = desk.of("confirm points --member clinic/1");

    desk.allow("MeteredLicence");
    desk.send("lab", &["MeteredLicence", "open", "(1,1,1,10e6,100e6)", NO_PERMIT]);
    assert_eq!(desk.go("confirm usage --meter 1 --units 3")["statement"], "USAGE");
    let usage = desk.of("confirm usage --meter 1 --units 5");

    desk.allow("DatasetLending");
    let quote = desk.go("contract call DatasetLending quote 1 604800");
    let amount = |name: &str| quote["results"][name].as_str().unwrap().to_owned();
    let loan = format!("(1,1,1,604800,{},{})", amount("collateral"), amount("fee"));
    desk.send("lab", &["DatasetLending", "borrow", &loan, NO_PERMIT]);
    let deletion = desk.of("confirm deletion --loan 1");

    let document = desk.country.path("clauses.txt");
    fs::write(&document, "clauses").unwrap();
    conclude(&desk, keccak256("clauses"));
    let transfer =
        desk.evidence(&["confirm", "transfer", "--agreement", "1", "--document", text(&document)]);

    let approval = desk.approval("board", &["HMB"]);
    let other = desk.approval("panel", &["COM"]);
    let other = fs::read_to_string(other).unwrap();
    let line = ["confirm", "use", "--dataset", "1", "--job", "1", "--ethics-approval"];
    let used = desk.evidence(&[&line[..], &[text(&approval)]].concat());

    let signature = |text: &str| {
        let signature = desk.custodian.sign_message_sync(text.as_bytes()).unwrap();
        hex::encode(signature.as_bytes())
    };
    let ledger = desk.ledger();
    desk.examine(
        &features,
        &[
            ("/about/features/completeness", object!(10_000), "the features are others"),
            ("/about/features/rarity", object!(9_999), "the features are others"),
            ("/about/features/sensitivity", object!(1), "the features are others"),
            ("/about/features/breadth", object!(1), "the features are others"),
            ("/receipts", object!([]), "another root than the ledger"),
            ("/publication/content_hash", wrong.clone(), "no token has this content"),
        ],
    );
    let relay = object!("0x0000000000000000000000000000000000000009");
    desk.examine(
        &points,
        &[
            ("/about/points/quality", object!(10_000), "the contribution is another"),
            ("/about/points/rarity", object!(50_000), "the contribution is another"),
            ("/about/points/content_hash", wrong.clone(), "the contribution is another"),
            ("/about/points/dataset", object!(2), "the dataset has another number"),
            ("/about/points/member", relay, "the wallet is no member's"),
        ],
    );
    desk.examine(
        &usage,
        &[
            ("/about/usage/units", object!(2), "below the last one on the ledger"),
            ("/about/usage/units", object!(3), "the reading is the last one"),
            ("/about/usage/meter", object!(2), "no such meter that runs"),
            ("/about/usage/last", object!(true), "something else"),
        ],
    );
    let stated = "I deleted nothing";
    desk.examine(
        &deletion,
        &[
            ("/about/deletion/loan", object!(2), "no such loan is open"),
            (
                "/about/deletion/statement",
                object!({ "text": stated, "signature": signature(stated) }),
                "the borrower has not signed",
            ),
            ("/about/deletion/statement/signature", object!("00"), "the borrower has not signed"),
            ("/about/deletion/log", object!([]), "no part of the log is shown"),
            ("/about/deletion/log/0/details/loan", object!(7), "its hash is not that"),
        ],
    );
    desk.examine(
        &transfer,
        &[
            ("/about/transfer/agreement", object!(2), "no such agreement waits"),
            ("/about/transfer/document", object!("00"), "not the one that both sides signed"),
            ("/about/transfer/receipt/text", object!("yes"), "the importer has not signed"),
            ("/about/transfer/receipt/signature", object!("00"), "the importer has not signed"),
        ],
    );
    desk.examine(
        &used,
        &[
            ("/about/use/job", object!(2), "no such job is settled"),
            ("/about/use/dataset", object!(2), "there is no such dataset"),
            ("/about/use/approval", object!("{}"), "the ethics-approval"),
            ("/about/use/approval", object!(other), "for other purposes than the job's"),
        ],
    );
    drop(ledger);

    // Processes that agree suffice for each of them.
    let second = desk.country.attestor(2);
    desk.go(&format!(
        "attestor panel --attestors {},{} --ledger-port {}",
        desk.honest.url, second.url, desk.country.port
    ));
    let done = |words: &[&str]| {
        let done = json(&[words, &["--dir", text(&desk.country.home)]].concat());
        assert!(done["transaction"].is_string(), "{done}");
        let again = json(&[words, &["--dir", text(&desk.country.home)]].concat());
        assert_eq!(again["statement"], done["statement"], "confirmed once");
    };
    for line in [
        "confirm features --dataset 1",
        "confirm points --member clinic/1",
        "confirm usage --meter 1 --units 5 --last",
        "confirm deletion --loan 1",
    ] {
        done(&line.split(' ').collect::<Vec<_>>());
    }
    done(&["confirm", "transfer", "--agreement", "1", "--document", text(&document)]);
    done(&[&line[..], &[text(&approval)]].concat());
    desk.go("member join --custodian clinic --count 2");
    desk.go("claim --all");
    assert_eq!(desk.go("audit verify")["verified"], true);
}

#[test]
fn a_challenged_report_is_ruled_on_as_the_sealed_rows_bear_out_and_not_otherwise() {
    let desk = Desk::new();
    desk.go("member join --custodian clinic --count 3");
    desk.go("governance pay --member clinic/1 --token data --amount 2000 --to lab");
    desk.go("governance vote");
    desk.go("governance execute");
    // The researcher is a validator besides (2 + 8), so that the hospital asks and challenges.
    let both = "(1,10,0x4a50,1900000000,1900000000,0)";
    desk.send("registrar", &["ParticipantRegistry", "update", "lab", both]);
    desk.send("lab", &["DataToken", "transfer", "clinic", "900e18"]);
    for who in ["lab", "clinic"] {
        desk.send(who, &["DataToken", "approve", "ValidatorPool", "900e18"]);
    }
    desk.send("lab", &["ValidatorPool", "stake", "300e18", NO_PERMIT]);
    let state = |check: u64| {
        let found = desk.go(&format!("contract call ValidatorPool check {check}"));
        found["results"]["0"][1].as_str().unwrap().to_owned()
    };
    let take = |check: &str| {
        desk.send("clinic", &["ValidatorPool", "request", "1", "10e18", NO_PERMIT]);
        desk.send("lab", &["ValidatorPool", "take", check]);
    };
    let challenge = |check: &str| {
        let why = B256::repeat_byte(2).to_string();
        desk.send("clinic", &["ValidatorPool", "challenge", check, &why, NO_PERMIT]);
    };
    let wrong = object!(B256::repeat_byte(1));
    let home = text(&desk.country.home);

    // One who never looked.
    take("1");
    let guess = B256::repeat_byte(1).to_string();
    desk.send("lab", &["ValidatorPool", "report", "1", "9000", &guess]);
    let early = refused(&["confirm", "verdict", "--check", "1", "--dir", home]);
    assert!(early.contains("check 1 is not challenged"), "{early}");
    challenge("1");
    let verdict = desk.of("confirm verdict --check 1");
    {
        let _ledger = desk.ledger();
        desk.examine(
            &verdict,
            &[
                ("/about/verdict/wrong", object!(false), "the report is wrong"),
                ("/about/verdict/check", object!(2), "no such report is challenged"),
                ("/publication/content_hash", wrong.clone(), "no token has this content"),
                ("/publication/table_commitment", wrong, "the hashes of the sealed data"),
            ],
        );
    }
    assert_eq!(desk.go("confirm verdict --check 1")["wrong"], true);
    assert_eq!(state(1), "6", "slashed");

    // One who counted.
    take("2");
    let reported = desk.go("confirm report --check 2");
    assert_eq!(reported["dataset"], 1);
    assert_eq!(desk.go("confirm report --check 2"), reported, "reported once");
    challenge("2");
    let verdict = desk.of("confirm verdict --check 2");
    {
        let _ledger = desk.ledger();
        let lies = [("/about/verdict/wrong", object!(true), "the report is right")];
        desk.examine(&verdict, &lies);
    }
    assert_eq!(desk.go("confirm verdict --check 2")["wrong"], false);
    assert_eq!(state(2), "5", "paid");
    assert_eq!(desk.go("confirm verdict --check 2")["wrong"], false, "ruled once");

    // The same findings with another quality; then what was reported on is no longer there to be counted.
    take("3");
    let (quality, hash) = (reported["quality"].as_u64().unwrap(), &reported["report"]);
    let better = (quality + 1).to_string();
    desk.send("lab", &["ValidatorPool", "report", "3", &better, hash.as_str().unwrap()]);
    challenge("3");
    let verdict = desk.of("confirm verdict --check 3");
    let manifest: Value = serde_json::from_str(verdict["manifest"].as_str().unwrap()).unwrap();
    assert_eq!(manifest["about"]["verdict"]["wrong"], true);
    desk.go("member erase --member clinic/3");
    let gone = refused(&["confirm", "verdict", "--check", "3", "--dir", home]);
    assert!(gone.contains("somebody was erased"), "{gone}");
    {
        let _ledger = desk.ledger();
        assert_eq!(hand_in(&desk.honest, &verdict), "signed 1", "handed over before");
    }
    let none = refused(&["confirm", "verdict", "--check", "9", "--dir", home]);
    assert!(none.contains("there is no check 9; there are 1 to 3"), "{none}");
    assert_eq!(desk.go("audit verify")["verified"], true);
}

/// An agreement that both sides sign.
fn conclude(desk: &Desk, document: B256) {
    desk.allow("TransferAgreement");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let days = |days: u64| now + days * 24 * 3_600;
    let (exporter, importer) = (desk.custodian.address(), desk.researcher.address());
    let terms = format!(
        "({exporter},{importer},1,1,{document},20e6,{},{},0,{})",
        days(30),
        days(90),
        days(60)
    );
    let home = text(&desk.country.home);
    let digest =
        json(&["contract", "call", "TransferAgreement", "digestOf", &terms, "--dir", home]);
    let digest: B256 = digest["results"]["0"].as_str().unwrap().parse().unwrap();
    let sign = |by: &PrivateKeySigner| {
        hex::encode_prefixed(by.sign_hash_sync(&digest).unwrap().as_bytes())
    };
    let (exports, imports) = (sign(&desk.custodian), sign(&desk.researcher));
    desk.send("relay", &["TransferAgreement", "conclude", &terms, &exports, &imports, NO_PERMIT]);
}

#[test]
fn a_quasi_identifier_that_a_custodian_leaves_out_of_its_count_is_missed_by_attestors() {
    let country = Country::with_records();
    let processes = [1, 2].map(|number| country.attestor(number));
    let urls = processes.each_ref().map(|process| process.url.as_str()).join(",");
    let by_processes = format!("attestor panel --attestors {urls} --ledger-port {}", country.port);
    let publishing = ["publish", "--custodian", "clinic", "--dir", text(&country.home)];
    for (number, column) in [(1, "sex"), (2, "age_band"), (3, "region")] {
        misreport(&country, number, Some(column));
        for panel in ["attestor panel --here", &by_processes] {
            country.go(panel);
            let error = refused(&publishing);
            let says = format!("`{column}` of the patients tells them apart");
            assert!(error.contains(&says), "{panel}: {error}");
        }
    }
    misreport(&country, 4, None);
    assert_eq!(json(&publishing)["dataset"], 1, "the same rows with all of it are signed for");
}

/// Has the custodian's own vault say of what is staged that a column was not generalized; `number` makes it another publication.
fn misreport(country: &Country, number: u8, left_out: Option<&str>) {
    let seed = fs::read_to_string(country.home.join("keys/seed")).unwrap();
    let seed = hex::decode_to_array::<_, 32>(seed.trim()).unwrap();
    let master = MasterKey::new(*Keyring::new(Seed::new(seed)).secret("vault", "party/clinic"));
    let vault = Vault::open(&country.home.join("vaults/clinic"), master).unwrap();
    let kept = country.path("description.json");
    if !kept.exists() {
        fs::write(&kept, vault.document("description").unwrap().unwrap()).unwrap();
    }
    let mut report: Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
    report["content"] = object!(B256::repeat_byte(number));
    if let Some(column) = left_out {
        let counted = report["report"]["account"]["generalization"].as_object_mut().unwrap();
        assert!(counted.remove(column).is_some(), "{counted:?}");
    }
    let mut nonce = 0;
    let mut entropy = |bytes: &mut [u8]| {
        nonce += 1;
        bytes.fill(nonce ^ number << 4);
    };
    vault.put_document("description", report.to_string().as_bytes(), &mut entropy).unwrap();
}
