//! What people can hold on to: their no, what they earned, and a licence that goes on without a dataset that left.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Server, caduceus, folder, json, refused, signal, text};

const SQL: &str = "SELECT COUNT(*) AS patients FROM patient";

/// A home with one hospital of 60 patients and a researcher with money.
pub struct World {
    pub dir: TempDir,
    pub home: PathBuf,
}

impl World {
    pub fn new() -> World {
        World::beginning("init --seed 9")
    }

    fn beginning(init: &str) -> World {
        let dir = folder();
        let world = World { home: dir.path().join("home"), dir };
        world.go(init);
        world.go("party register --name clinic --role custodian --country DE");
        world.go("party register --name lab --role researcher --country JP --usdc 5000");
        let cohort = world.cohort();
        json(&["cohort", "generate", "--patients", "60", "--country", "DE", "--out", &cohort]);
        world.ingest();
        world.go("protect --custodian clinic --k 5");
        world.go("publish --custodian clinic");
        world
    }

    fn cohort(&self) -> String {
        text(&self.dir.path().join("cohort")).to_owned()
    }

    pub fn ingest(&self) -> Value {
        json(&[
            "ingest",
            "--custodian",
            "clinic",
            "--input",
            &self.cohort(),
            "--dir",
            text(&self.home),
        ])
    }

    /// A command by its words, which have no blanks in them.
    pub fn go(&self, words: &str) -> Value {
        json(&self.words(words))
    }

    pub fn refused(&self, words: &str) -> String {
        refused(&self.words(words))
    }

    fn words<'a>(&'a self, words: &'a str) -> Vec<&'a str> {
        words.split(' ').chain(["--dir", text(&self.home)]).collect()
    }

    pub fn ask(&self) -> Value {
        json(&[
            "query",
            "--researcher",
            "lab",
            "--sql",
            SQL,
            "--epsilon",
            "0.5",
            "--dir",
            text(&self.home),
        ])
    }

    /// The same home once more, in a folder of its own.
    fn copy(&self) -> World {
        let dir = folder();
        let copy = World { home: dir.path().join("home"), dir };
        let paths = [text(&self.home), text(&copy.home)];
        assert!(Command::new("cp").arg("-r").args(paths).status().unwrap().success());
        copy
    }

    /// The clinic's log, without a line that is just being written.
    fn log(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.home.join("vaults/clinic/audit.jsonl")).unwrap();
        let whole = log.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What a claim paid, in units of USDC.
    pub fn claim(&self, member: &str) -> u64 {
        amounts(&self.go(&format!("claim --member {member}")))
    }
}

/// Every `amount` in a result, added up.
fn amounts(value: &Value) -> u64 {
    match value {
        Value::Array(all) => all.iter().map(amounts).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| match name.as_str() {
                "amount" => field.as_u64().unwrap(),
                _ => amounts(field),
            })
            .sum(),
        _ => 0,
    }
}

#[test]
fn who_was_erased_stays_out_of_every_later_intake() {
    let world = World::new();
    world.go("member join --custodian clinic --count 2");
    world.go("consent grant --member clinic/1");
    world.go("member leave --member clinic/1");
    world.go("member leave --member clinic/1");
    let erased = world.go("member erase --member clinic/1");
    assert_eq!(erased["datasets"], 1);
    assert_eq!(world.go("member erase --member clinic/1")["datasets"], 0, "there is nothing left");

    let before = world.ingest();
    assert_eq!((&before["patients"], &before["erased"]), (&59.into(), &1.into()), "{before}");
    world.go("protect --custodian clinic --k 5");
    let published = world.go("publish --custodian clinic");
    assert!(published["persons"].as_u64().unwrap() < 60);
    world.go("member join --custodian clinic --count 40");
    assert!(world.refused("member join --custodian clinic --count 60").contains("fewer than 60"));

    let patients = fs::read_to_string(world.dir.path().join("cohort/Patient.ndjson")).unwrap();
    let last: Value = serde_json::from_str(patients.lines().last().unwrap()).unwrap();
    let erase =
        format!("member erase --custodian clinic --patient {}", last["id"].as_str().unwrap());
    assert_eq!(world.go(&erase)["datasets"], 2, "who never joined can be erased too");
    assert_eq!(world.ingest()["patients"], 58);
    assert!(
        world
            .refused("member erase --custodian clinic --patient nobody")
            .contains("no record of this person")
    );
    world.go("audit verify");
}

#[test]
fn who_revokes_leaves_or_is_erased_keeps_what_was_earned_before() {
    let world = World::new();
    world.go("member join --custodian clinic --count 3");
    for member in ["clinic/1", "clinic/2", "clinic/3"] {
        world.go(&format!("consent grant --member {member}"));
    }
    world.go("licence buy --researcher lab --uses 2");
    world.ask();
    // Nobody has posted a root yet.
    world.go("consent revoke --member clinic/1");
    world.go("member leave --member clinic/2");
    world.go("member erase --member clinic/3");
    let revoked = world.claim("clinic/1");
    assert!(revoked > 0, "revoking forfeits nothing");
    world.go("member rejoin --member clinic/2");
    assert!(world.claim("clinic/2") > 0, "leaving forfeits nothing");
    assert!(world.claim("clinic/3") > 0, "being erased forfeits nothing");

    world.ask();
    assert_eq!(world.claim("clinic/1"), 0, "what came after it is not theirs");
    world.go("member join --custodian clinic --count 4");
    assert!(world.claim("clinic/4") > 0, "who joins after the use was counted by their paper");
    world.go("audit verify");
}

#[test]
fn a_licence_goes_on_without_a_dataset_that_left_and_skips_what_was_succeeded() {
    let world = World::new();
    let larger = text(&world.dir.path().join("larger")).to_owned();
    json(&["cohort", "generate", "--patients", "80", "--country", "DE", "--out", &larger]);
    json(&["ingest", "--custodian", "clinic", "--input", &larger, "--dir", text(&world.home)]);
    world.go("protect --custodian clinic --k 5");
    assert_eq!(world.go("publish --custodian clinic")["dataset"], 2);
    let newest = world.go("licence buy --researcher lab --uses 2");
    assert_eq!(newest["datasets"], serde_json::json!([2]), "one version of the same patients");
    world.go("withdraw --custodian clinic --dataset 2");
    assert!(
        world
            .refused("query --researcher lab --sql SELECT")
            .contains("every dataset of licence 1 was withdrawn")
    );
    assert_eq!(world.go("licence buy --researcher lab")["datasets"], serde_json::json!([1]));

    let again = world.go("publish --custodian clinic");
    assert_eq!(again["dataset"], 2);
    assert_eq!(world.go("licence buy --researcher lab")["datasets"], serde_json::json!([2]));
    let both = world.go("licence buy --researcher lab --datasets 2,1,1 --uses 2");
    assert_eq!(both["datasets"], serde_json::json!([1, 2]));
    world.go("withdraw --custodian clinic --dataset 1");
    let answers = world.ask().to_string();
    assert!(answers.contains("\"dataset\":2") && !answers.contains("\"dataset\":1,"), "{answers}");
}

#[test]
fn a_researcher_learns_why_a_job_was_given_back() {
    let world = World::new();
    world.go("licence buy --researcher lab --uses 4");
    let home = text(&world.home);
    let ask = |sql: &'static str| {
        ["query", "--researcher", "lab", "--sql", sql, "--epsilon", "4", "--dir", home]
    };
    json(&ask("SELECT COUNT(*) AS a FROM patient"));
    json(&ask("SELECT COUNT(*) AS a FROM condition"));
    let explained =
        json(&[&ask("SELECT COUNT(*) AS a FROM encounter")[..], &["--explain"]].concat())
            .to_string();
    assert!(explained.contains("\"remaining\":\"2\""), "{explained}");
    let spent = crate::support::run(
        &[&ask("SELECT COUNT(*) AS a FROM encounter")[..], &["--json"]].concat(),
    );
    assert!(!spent.status.success(), "no answer is a failure");
    let said = String::from_utf8(spent.stdout).unwrap();
    assert!(said.contains("privacy budget") && said.contains("refused"), "{said}");
    json(&ask("SELECT COUNT(*) AS a FROM patient"));
}

/// What `audit verify` finds, as one text.
fn differences(world: &World) -> String {
    let output = crate::support::run(&["audit", "verify", "--json", "--dir", text(&world.home)]);
    assert!(!output.status.success(), "nothing is found");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_old_copy_of_the_register_or_of_keys_is_found_and_brings_nobody_back() {
    let world = World::new();
    world.go("member join --custodian clinic --count 2");
    let vault = world.home.join("vaults/clinic");
    let keys = fs::read_dir(vault.join("keys")).unwrap().next().unwrap().unwrap().path();
    let old = [vault.join("consents"), keys].map(|path| (fs::read(&path).unwrap(), path));
    world.go("consent revoke --member clinic/2");
    world.go("member erase --member clinic/1");
    assert_eq!(world.go("audit verify")["verified"], true);
    for (bytes, path) in &old {
        let now = fs::read(path).unwrap();
        fs::write(path, bytes).unwrap();
        let found = differences(&world);
        assert!(found.contains("an erasure") && found.contains("an old copy"), "{found}");
        let withdrawal = path.ends_with("consents");
        assert_eq!(found.contains("a withdrawal"), withdrawal, "{found}");
        assert_eq!(world.ingest()["patients"], 59, "the log knows who was erased");
        fs::write(path, now).unwrap();
    }
    assert_eq!(world.go("audit verify")["verified"], true);
    fs::remove_file(&old[0].1).unwrap();
    assert!(differences(&world).contains("the register of consent is lost"));
    assert!(world.refused("protect --custodian clinic --k 5").contains("is lost"));
}

/// How many patients the clinic's newest answer counts.
fn counted(world: &World) -> u64 {
    world.ask();
    newest_answer(world)["patients"].as_u64().unwrap()
}

/// What the clinic's log says of its newest answer.
fn newest_answer(world: &World) -> Value {
    let newest = world.log().into_iter().rfind(|record| record["kind"] == "answered").unwrap();
    newest["details"].clone()
}

#[test]
fn whoever_withdrew_by_the_ledger_alone_or_on_paper_is_not_used_again() {
    let world = World::new();
    world.go("member join --custodian clinic --count 2");
    world.go("licence buy --researcher lab --uses 8");
    world.go("consent grant --member clinic/1");
    let all = counted(&world);
    // By a wallet of their own, past every command of this home.
    world.go("contract send --as clinic/1 ConsentRegistry revokeAll clinic");
    assert_eq!(counted(&world), all - 1);
    world.go("contract send --as clinic/1 MembershipToken resign");
    assert_eq!(counted(&world), all - 1, "paper does not bring back who left");
    let out = text(&world.dir.path().join("files")).to_owned();
    let refused = world.refused(&format!("export --custodian clinic --out {out}"));
    assert!(refused.contains("has not consented"), "{refused}");
    world.go("protect --custodian clinic --k 5");
    world.go(&format!("export --custodian clinic --out {out}"));

    // Somebody who never joined.
    let patients = fs::read_to_string(world.dir.path().join("cohort/Patient.ndjson")).unwrap();
    let members = world.go("member list").to_string();
    let before = counted(&world);
    let mut revoked = 0;
    for line in patients.lines() {
        let patient: Value = serde_json::from_str(line).unwrap();
        let id = patient["id"].as_str().unwrap();
        let done = world.go(&format!("consent revoke --custodian clinic --patient {id}"));
        assert!(done["effective_ms"].is_u64(), "{members}");
        revoked += done["revoked"].as_u64().unwrap();
        if revoked == 2 {
            break;
        }
    }
    let after = counted(&world);
    assert!(after < before && before - after <= 2, "{before} {after}");
    let unknown = world.refused("consent revoke --custodian clinic --patient nobody");
    assert!(unknown.contains("no record of this person"), "{unknown}");
    assert_eq!(world.go("audit verify")["verified"], true);
}

#[test]
fn a_withdrawal_whose_root_was_not_posted_raises_the_counter_before_the_next_answer() {
    let world = World::new();
    world.go("licence buy --researcher lab --uses 4");
    let all = counted(&world);
    let counter = |world: &World| newest_answer(world)["consent_counter"].as_u64().unwrap();
    let before = counter(&world);
    // What a command has done that was killed between the register and the ledger: another home's register, put back here.
    let copy = world.copy();
    let patients = fs::read_to_string(world.dir.path().join("cohort/Patient.ndjson")).unwrap();
    patients.lines().find(|line| {
        let patient: Value = serde_json::from_str(line).unwrap();
        let id = patient["id"].as_str().unwrap();
        copy.go(&format!("consent revoke --custodian clinic --patient {id}"))["revoked"] == 1
    });
    let register = "vaults/clinic/consents";
    fs::copy(copy.home.join(register), world.home.join(register)).unwrap();
    assert_eq!(counted(&world), all - 1);
    assert_eq!(counter(&world), before + 1, "answers computed before are thrown away");
}

/// A module that is at each patient for a while, within its fuel.
const SLOW: &str = r#"(module (memory (export "memory") 17)
  (func (export "input") (param i32) (result i32) (i32.const 1024))
  (func (export "run") (param i32 i32) (result i64) (local $left i32)
    (local.set $left (i32.const 10000000))
    (loop $again
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))
    (f64.store (i32.const 0) (f64.const 1))
    (i64.const 0x1_0000_0000)))"#;

#[test]
fn who_leaves_while_an_answer_is_computed_is_not_in_it() {
    let Some(anvil) = Server::anvil() else { return };
    let world = World::beginning(&format!("init --seed 9 --rpc {}", anvil.url));
    world.go("member join --custodian clinic --count 1");
    world.go("consent grant --member clinic/1");
    world.go("licence buy --researcher lab --uses 2");
    let all = counted(&world);
    // The member's own wallet, which needs nothing of the vault's home.
    let wallet = world.copy();
    let module = world.dir.path().join("slow.wat");
    fs::write(&module, SLOW).unwrap();
    let line = format!(
        "algorithm ask --researcher lab --module {} --table observation:value --length 1 --norm l1 --clip 1 --epsilon 1 --fuel 90000000",
        text(&module)
    );
    let done = |kind: &str| {
        let of_kind = |record: &Value| record["kind"] == kind && record["details"]["job"] == 2;
        world.log().into_iter().filter(of_kind).count()
    };
    let mut vault = caduceus(&world.words(&line)).stdout(Stdio::null()).spawn().unwrap();
    while done("accessed") == 0 {
        assert!(vault.try_wait().unwrap().is_none(), "it ended before it computed");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(vault.id(), "-STOP");
    assert_eq!(done("answered"), 0, "it computes");
    wallet.go("contract send --as clinic/1 MembershipToken resign");
    signal(vault.id(), "-CONT");
    assert!(vault.wait().unwrap().success());
    assert_eq!(newest_answer(&world)["patients"], all - 1);
    assert_eq!((done("budget_charged"), done("answered")), (2, 1), "it was computed twice");
    // Whoever knows what else is in such a record cannot try numbers until its public hash fits.
    let log = world.log().into_iter();
    let exact = log.filter(|one| one["kind"] == "accessed" || one["kind"] == "answered");
    let salts: Vec<String> = exact.map(|one| one["details"]["salt"].to_string()).collect();
    let distinct: BTreeSet<&String> = salts.iter().collect();
    assert!(salts.iter().all(|salt| salt.len() == 34), "{salts:?}");
    assert_eq!((salts.len(), distinct.len()), (5, 5));
    assert_eq!(world.go("audit verify")["verified"], true);
}

#[test]
fn old_copies_of_keys_and_register_together_bring_nobody_into_an_answer() {
    let world = World::new();
    world.go("member join --custodian clinic --count 1");
    world.go("licence buy --researcher lab --uses 4");
    let vault = world.home.join("vaults/clinic");
    let keys = fs::read_dir(vault.join("keys")).unwrap();
    let mut old: Vec<PathBuf> = keys.map(|entry| entry.unwrap().path()).collect();
    old.push(vault.join("consents"));
    let old: Vec<(Vec<u8>, PathBuf)> =
        old.into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
    world.go("member erase --member clinic/1");
    let counts = counted(&world);
    old.iter().for_each(|(bytes, path)| fs::write(path, bytes).unwrap());
    assert!(differences(&world).contains("an old copy"));
    world.go("consent grant --member clinic/1");
    assert_eq!(counted(&world), counts);
    assert_eq!(world.go("audit verify")["verified"], true, "the vault followed its log");
}

#[test]
fn an_old_copy_of_the_budget_or_of_the_ledger_is_found_and_answers_nothing() {
    let world = World::new();
    world.go("licence buy --researcher lab --uses 4");
    world.ask();
    let budget = world.home.join("vaults/clinic/budget.redb");
    let old = fs::read(&budget).unwrap();
    json(&[
        "query",
        "--researcher",
        "lab",
        "--sql",
        "SELECT COUNT(*) AS n FROM condition",
        "--epsilon",
        "1",
        "--dir",
        text(&world.home),
    ]);
    let new = fs::read(&budget).unwrap();
    fs::write(&budget, &old).unwrap();
    assert!(differences(&world).contains("an old copy was put back"));
    let answered = crate::support::run(&[
        "query",
        "--researcher",
        "lab",
        "--sql",
        "SELECT COUNT(*) AS n FROM encounter",
        "--epsilon",
        "1",
        "--wait",
        "1",
        "--dir",
        text(&world.home),
    ]);
    let said = String::from_utf8_lossy(&answered.stderr);
    assert!(!answered.status.success() && said.contains("an old copy was put back"), "{said}");
    fs::write(&budget, new).unwrap();
    assert_eq!(world.go("audit verify")["verified"], true);
}

#[test]
fn a_withdrawal_outlives_every_older_document_however_it_is_dated() {
    let world = World::new();
    let all = world.ingest()["consenting"].as_u64().unwrap();
    world.go("member join --custodian clinic --count 1");
    world.go("consent revoke --member clinic/1");
    assert_eq!(world.ingest()["consenting"].as_u64().unwrap(), all - 1);
    let refused = world.refused(&format!(
        "export --custodian clinic --out {}",
        text(&world.dir.path().join("files"))
    ));
    assert!(refused.contains("has not consented"), "{refused}");
    let path = world.dir.path().join("cohort/Consent.ndjson");
    let consents = fs::read_to_string(&path).unwrap();
    let spelled: Vec<String> = consents
        .lines()
        .map(|line| {
            let mut consent: Value = serde_json::from_str(line).unwrap();
            let date = consent["dateTime"].as_str().unwrap();
            consent["dateTime"] = format!("{date}T00:00:00Z").into();
            consent.to_string()
        })
        .collect();
    fs::write(&path, spelled.join("\n")).unwrap();
    assert_eq!(world.ingest()["consenting"].as_u64().unwrap(), all - 1);
    assert_eq!(world.go("audit verify")["verified"], true);
}

#[test]
fn people_are_told_who_else_had_their_rows_and_researchers_only_of_their_own() {
    let world = World::new();
    world.go("member join --custodian clinic --count 1");
    world.go("party register --name other --role researcher --country JP");
    world.go("licence buy --researcher lab");
    world.ask();
    let files = world.dir.path().join("files");
    world.go(&format!("export --custodian clinic --out {}", text(&files)));
    let of_files = |records: &Value| {
        let records = records.as_array().unwrap();
        records.iter().any(|one| one["kind"] == "released" && one["details"]["to"] == "files")
    };
    assert!(of_files(&world.go("member receipts --member clinic/1")["released"]));
    assert!(of_files(&world.go("audit trail --member clinic/1")["records"]));
    assert!(of_files(&world.go("audit trail --dataset 1")["records"]));
    assert_eq!(world.go("audit trail --researcher other")["records"], serde_json::json!([]));
    assert!(!world.go("audit trail --researcher lab")["records"].as_array().unwrap().is_empty());
    let nobody = format!("consent grant --member clinic/1 --researcher 0x{}", "00".repeat(20));
    assert!(world.refused(&nobody).contains("zero address"));
}

impl World {
    /// The records of one kind that the clinic exports, changed one by one and put back.
    fn change(&self, kind: &str, change: impl Fn(&mut Value)) {
        let path = self.dir.path().join(format!("cohort/{kind}.ndjson"));
        let records = fs::read_to_string(&path).unwrap();
        let changed = records.lines().map(|line| {
            let mut record: Value = serde_json::from_str(line).unwrap();
            change(&mut record);
            record.to_string()
        });
        fs::write(&path, changed.collect::<Vec<_>>().join("\n")).unwrap();
    }

    /// The ids of the patients in the clinic's export.
    fn patients(&self) -> Vec<String> {
        let path = self.dir.path().join("cohort/Patient.ndjson");
        let records = fs::read_to_string(path).unwrap();
        let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["id"].clone();
        records.lines().map(|line| id(line).as_str().unwrap().to_owned()).collect()
    }

    /// Today by the ledger's clock, as the log of the clinic has it.
    fn today(&self) -> String {
        let trail = self.go("audit trail --dataset 1");
        let last = trail["records"].as_array().unwrap().last().unwrap();
        last["at"].as_str().unwrap()[..10].to_owned()
    }
}

#[test]
fn a_refusal_on_paper_ends_what_a_member_granted_before_it() {
    let world = World::new();
    world.go("member join --custodian clinic --count 2");
    world.go("licence buy --researcher lab --uses 8");
    world.go("consent grant --member clinic/1");
    world.go("consent grant --member clinic/2");
    counted(&world);
    let uses = |member: &str| {
        world.go(&format!("member receipts --member {member}"))["uses"].as_array().unwrap().len()
    };
    assert_eq!((uses("clinic/1"), uses("clinic/2")), (1, 1));

    let today = world.today();
    world.change("Consent", |consent| {
        consent["provision"] = serde_json::json!({ "type": "deny" });
        consent["dateTime"] = today.clone().into();
    });
    let refused = world.ingest();
    assert_eq!((&refused["consenting"], &refused["members_refusing"]), (&0.into(), &2.into()));
    assert_eq!(counted(&world), 0);
    assert_eq!((uses("clinic/1"), uses("clinic/2")), (1, 1), "and no trail tells otherwise");
    world.ingest();
    // The same terms, of which the ledger has a grant that does not count.
    world.go("consent grant --member clinic/1");
    assert_eq!(counted(&world), 1, "what they say after it counts");
    assert_eq!((uses("clinic/1"), uses("clinic/2")), (2, 1));
    world.ingest();
    assert_eq!(counted(&world), 1, "a document that was read before is no new refusal");
    assert_eq!(world.go("audit verify")["verified"], true);
}

#[test]
fn a_refusal_about_one_record_counts_for_every_record_of_the_person() {
    let world = World::new();
    let patients = world.patients();
    let all = world.ingest();
    assert_eq!(all["linked"], 0);
    let today = world.today();
    world.change("Patient", |patient| {
        if patient["id"] == patients[0].as_str() {
            let other = serde_json::json!({ "reference": format!("Patient/{}", patients[1]) });
            patient["link"] = serde_json::json!([{ "other": other, "type": "replaced-by" }]);
        }
    });
    let of_second = format!("Patient/{}", patients[1]);
    world.change("Consent", |consent| {
        if consent["patient"]["reference"] == of_second.as_str() {
            consent["provision"] = serde_json::json!({ "type": "deny" });
            consent["dateTime"] = today.clone().into();
        }
    });
    let linked = world.ingest();
    assert_eq!(linked["linked"], 2, "{linked}");
    let consenting = |ingested: &Value| ingested["consenting"].as_u64().unwrap();
    assert_eq!(consenting(&linked), consenting(&all) - 2, "{linked}");
}

#[test]
fn who_never_joined_is_told_every_use_too() {
    let world = World::new();
    world.go("licence buy --researcher lab --uses 8");
    counted(&world);
    let of = |what: &str, id: &str| world.go(&format!("{what} --custodian clinic --patient {id}"));
    let uses = |id: &str| of("member receipts", id)["uses"].as_array().unwrap().len();
    let patients = world.patients();
    let counted_one = patients.iter().find(|id| uses(id) == 1).unwrap();
    let told = of("audit trail", counted_one);
    assert_eq!(told["accesses"][0]["under"], "paper", "{told}");
    of("consent revoke", counted_one);
    counted(&world);
    assert_eq!(uses(counted_one), 1, "no use after the paper was taken back");
    let records = of("audit trail", counted_one)["records"].clone();
    let revoked = |records: &Value| {
        records.as_array().unwrap().iter().any(|record| record["kind"] == "consent_revoked")
    };
    assert!(revoked(&records), "{records}");
    let of_dataset = world.go("audit trail --dataset 1")["records"].clone();
    assert!(revoked(&of_dataset), "a dataset's trail has what its people decided: {of_dataset}");
    let unknown = world.refused("audit trail --custodian clinic --patient nobody");
    assert!(unknown.contains("no record of this person"), "{unknown}");
}

#[test]
fn what_the_members_vote_into_the_table_of_laws_is_explained_from_the_ledger() {
    let world = World::new();
    world.go("member join --custodian clinic --count 1");
    let explain = "policy explain --from DE --to JP";
    let before = world.go(explain);
    assert_eq!(before["verdict"], "allow");
    let words: Vec<&str> = explain.split(' ').collect();
    assert_eq!(before, json(&words), "a new ledger has the rules of the program");
    let row = "[(0,0x4555,0x4a50,0,(3,0,0,0,false,1))]";
    world.go(&format!("contract propose --member clinic/1 JurisdictionRules setRules {row}"));
    world.go("governance vote");
    world.go("governance execute");
    let after = world.go(explain);
    assert_eq!(
        (&after["verdict"], &after["reasons"][0]["source"]),
        (&"deny".into(), &"the ledger".into())
    );
    assert_eq!(after["reasons"][1]["kind"], "overridden", "{after}");
    let told = crate::support::run(&world.words(explain)).stdout;
    assert!(
        String::from_utf8(told).unwrap().starts_with("denied by GDPR"),
        "not for want of a rule"
    );
    assert_eq!(json(&words)["verdict"], "allow", "the program's own rules are as they were");
}
