//! What people and officers can look up: consent in words and as FHIR, receipts, trails, breaches, and the walk through
//! vault, log and ledger.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::rights::World;
use crate::support::{json, refused_json, text};

const MEMBER: &str = "clinic/1";

fn with_members() -> World {
    let world = World::new();
    world.go("member join --custodian clinic --count 2");
    world
}

fn file(world: &World, name: &str, consent: &Value) -> PathBuf {
    let path = world.dir.path().join(name);
    fs::write(&path, consent.to_string()).unwrap();
    path
}

fn import(world: &World, path: &std::path::Path) -> Vec<String> {
    let words = ["consent", "import", "--member", MEMBER, "--dir", text(&world.home), "--file"];
    words.iter().map(|word| (*word).to_owned()).chain([text(path).to_owned()]).collect()
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn a_grant_goes_out_as_fhir_and_comes_back_the_same_and_is_told_in_five_languages() {
    let world = with_members();
    world.go("consent grant --member clinic/1 --purposes GRU,COM --classes clinical,imaging");
    let exported = world.go("consent export --member clinic/1");
    assert_eq!(exported["resourceType"], "Consent");
    let shown = world.go("consent show --member clinic/1");
    world.go("consent revoke --member clinic/1");
    let refused = world.refused("consent export --member clinic/1");
    assert!(refused.contains("no consent standing"), "{refused}");

    let path = file(&world, "consent.json", &exported);
    let back = json(&strs(&import(&world, &path)));
    assert_eq!(back["unmapped"], serde_json::json!([]));
    let mut again = world.go("consent export --member clinic/1");
    again["dateTime"] = exported["dateTime"].clone();
    assert_eq!(again, exported);
    let shown_again = world.go("consent show --member clinic/1");
    assert_eq!(shown_again["grants"][0]["text"], shown["grants"][0]["text"]);
    let mut told = Vec::new();
    for language in ["en", "de", "fr", "es", "ja"] {
        let shown = world.go(&format!("consent show --member clinic/1 --language {language}"));
        told.push(shown["grants"][0]["text"].as_str().unwrap().to_owned());
    }
    assert!(told[1].contains("gewerbliche Nutzung") && told[4].contains("商業利用"), "{told:?}");
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 5);
    let words = ["consent", "show", "--member", MEMBER, "--language", "xx", "--dir"];
    let error = refused_json(&[&words[..], &[text(&world.home)]].concat(), 2);
    assert!(error.contains("en, de, fr, es, ja"), "{error}");

    let mut foreign = exported.clone();
    foreign["provision"]["data"] = serde_json::json!([{ "meaning": "instance" }]);
    let path = file(&world, "foreign.json", &foreign);
    let error = refused_json(&strs(&import(&world, &path)), 2);
    assert!(error.contains("Consent.provision.data"), "{error}");
    let twice = exported
        .to_string()
        .replace("\"type\":\"permit\"", "\"type\":\"deny\",\"type\":\"permit\"");
    let path = world.dir.path().join("twice.json");
    fs::write(&path, twice).unwrap();
    assert!(refused_json(&strs(&import(&world, &path)), 2).contains("twice"));
    let mut others = exported;
    others["patient"]["identifier"]["value"] = "0x00".into();
    let path = file(&world, "others.json", &others);
    let error = refused_json(&strs(&import(&world, &path)), 2);
    assert!(error.contains("Consent.patient"), "{error}");
}

#[test]
fn a_consent_can_be_for_one_researcher_some_regions_and_some_time() {
    let world = with_members();
    let grant = |more: &str| format!("consent grant --member clinic/1 --purposes HMB {more}");
    for (more, why) in [
        ("--researcher nobody", "no researcher named `nobody`"),
        ("--regions DE", "the rules; they know"),
        ("--until 2020-01-01", "would have ended already"),
        ("--until soon", "`soon` is no time"),
    ] {
        let error = world.refused(&grant(more));
        assert!(error.contains(why), "{more}: {error}");
    }
    world.go(&grant("--researcher lab --regions EU,JP --until 2031-06-30"));
    let exported = world.go("consent export --member clinic/1");
    let provision = &exported["provision"];
    assert_eq!(provision["period"]["end"], "2031-06-29T23:59:59Z");
    assert_eq!(provision["modifierExtension"].as_array().unwrap().len(), 2, "{provision}");
    assert_eq!(provision["actor"].as_array().unwrap().len(), 1, "{provision}");
    let told = world.go("consent show --member clinic/1")["grants"][0]["text"].to_string();
    assert!(told.contains("lab") && told.contains("2031"), "{told}");

    // What it covers is answered; the same from elsewhere, by somebody else or after its end is not.
    world.go("consent revoke --member clinic/1");
    world.go("consent revoke --member clinic/2");
    world.go(&grant("--researcher lab --regions US --days 30"));
    world.go("licence buy --researcher lab --uses 2");
    world.ask();
    let uses = world.go("member receipts --member clinic/1")["uses"].clone();
    assert_eq!(uses, serde_json::json!([]), "lab asks from JP, which is not in the grant");
    world.go(&grant("--researcher lab --regions JP --days 30"));
    world.ask();
    assert_eq!(world.go("member receipts --member clinic/1")["uses"].as_array().unwrap().len(), 1);
}

/// The last record of this kind in the clinic's log.
fn last(world: &World, kind: &str) -> Value {
    let log = fs::read_to_string(world.home.join("vaults/clinic/audit.jsonl")).unwrap();
    let mut records = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.rfind(|record| record["kind"] == kind).unwrap()
}

#[test]
fn where_explicit_consent_alone_permits_a_use_those_count_who_named_the_place() {
    let world = with_members();
    let ask = |researcher: &str| {
        world.go(&format!("licence buy --researcher {researcher} --uses 1"));
        let home = text(&world.home);
        let sql = "SELECT COUNT(*) AS n FROM patient";
        let question = ["query", "--researcher", researcher, "--sql", sql, "--epsilon", "0.5"];
        json(&[&question[..], &["--dir", home]].concat());
        let answered = last(&world, "answered")["details"].clone();
        (answered["patients"].as_u64().unwrap(), answered["explicit_consent"].is_string())
    };
    let register = "party register --role researcher --country US --usdc 5000 --name";
    world.go(&format!("{register} told --safeguards explicit-consent"));
    world.go(&format!("{register} bound --safeguards explicit-consent,scc"));
    world.go("consent grant --member clinic/1");
    world.go("consent grant --member clinic/2");
    assert_eq!(ask("told"), (0, true), "everywhere is not a place that was named");
    world.go("consent grant --member clinic/1 --regions US,JP");
    assert_eq!(ask("told"), (1, true));
    assert_eq!(last(&world, "decided")["details"]["law"], "GDPR Art. 9(2)(a), 49(1)(a)");
    let (bound, explicit) = ask("bound");
    assert!(bound > 2 && !explicit, "{bound}");
    assert_eq!(last(&world, "decided")["details"]["law"], "GDPR Art. 46(2)(c)");
    let uses = |member: &str| {
        let receipts = world.go(&format!("member receipts --member {member}"));
        receipts["uses"].as_array().unwrap().len()
    };
    assert_eq!((uses("clinic/1"), uses("clinic/2")), (2, 1));
}

#[test]
fn receipts_and_trails_tell_every_use_its_grant_and_what_it_paid() {
    let world = with_members();
    let grant = world.go("consent grant --member clinic/1 --purposes HMB --classes clinical");
    world.go("licence buy --researcher lab --uses 3");
    world.ask();
    let withdrawn = world.go("consent revoke --member clinic/1");
    assert_eq!(withdrawn["revoked"], 1);
    assert!(withdrawn["effective_ms"].is_u64() && withdrawn["block"].is_u64(), "{withdrawn}");
    let other = json(&[
        "query",
        "--researcher",
        "lab",
        "--sql",
        "SELECT sex, COUNT(*) AS patients FROM patient GROUP BY sex",
        "--epsilon",
        "0.5",
        "--dir",
        text(&world.home),
    ]);
    assert_eq!(other["answers"].as_array().unwrap().len(), 1, "{other}");

    let receipts = world.go("member receipts --member clinic/1");
    let uses = receipts["uses"].as_array().unwrap();
    assert_eq!(uses.len(), 1, "the use after the withdrawal does not count her: {receipts}");
    let number: u64 = grant["grant"].as_str().unwrap().parse().unwrap();
    assert_eq!(uses[0]["under"]["grant"], number, "{receipts}");
    assert_eq!((&uses[0]["researcher"], &uses[0]["purpose"]), (&"lab".into(), &"HMB".into()));
    assert!(uses[0]["log_record"].is_u64(), "{receipts}");
    let payments = receipts["payments"].as_array().unwrap();
    let sum: u64 = payments.iter().map(|payment| payment["amount"].as_u64().unwrap()).sum();
    assert_eq!(receipts["total"], sum);
    assert!(payments.iter().any(|payment| payment["job"] == uses[0]["job"]), "{receipts}");
    assert_eq!(world.claim(MEMBER), sum, "what the receipts say is what is paid");
    assert_eq!(world.go("member receipts --member clinic/2")["uses"], serde_json::json!([]));

    let by_dataset = world.go("audit trail --dataset 1");
    let by_researcher = world.go("audit trail --researcher lab");
    assert_eq!(by_dataset["accesses"], by_researcher["accesses"]);
    assert_eq!(by_dataset["accesses"].as_array().unwrap().len(), 2);
    let kinds = |trail: &Value| -> Vec<String> {
        let records = trail["records"].as_array().unwrap();
        records.iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
    };
    let steps = ["decided", "budget_charged", "accessed", "answered", "attested", "released"];
    let two_answers = [steps, steps].concat();
    assert_eq!(kinds(&by_researcher), two_answers, "every step of both answers, in order");
    let of_dataset = kinds(&by_dataset);
    let made = ["sealed", "attested", "attested", "attested", "published", "attested"];
    assert_eq!(of_dataset[..6], made, "{by_dataset}");
    let of_people = |record: &&Value| {
        record["details"]["statement"] == "IDENTITY" || {
            let kind = record["kind"].as_str().unwrap();
            kind == "consent_granted" || kind == "consent_revoked"
        }
    };
    let (people, others): (Vec<&Value>, Vec<&Value>) =
        by_dataset["records"].as_array().unwrap()[6..].iter().partition(of_people);
    let mut others: Vec<&str> = others.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    others.retain(|kind| *kind != "consent_root_posted");
    let (answers, payout) = others.split_at(two_answers.len());
    assert_eq!(answers, two_answers);
    assert_eq!(payout, ["attested", "payout_root_posted"], "what the claim did");
    let decided = &by_researcher["records"][0]["details"];
    assert_eq!(decided["verdict"], "accept", "{decided}");
    assert!(decided["law"].as_str().is_some_and(|law| !law.is_empty()), "{decided}");
    assert!(!by_dataset.to_string().contains("salt"));
    let by_member = world.go("audit trail --member clinic/1");
    assert_eq!(
        kinds(&by_member),
        ["attested", "consent_granted", "consent_revoked", "consent_revoked"]
    );
    let own = by_member["records"].as_array().unwrap();
    assert!(own.iter().all(|record| people.contains(&record)), "{by_dataset}");
    assert_eq!(by_member["records"][1]["details"]["grant"], number);
    assert_eq!(by_member["accesses"], receipts["uses"]);
    assert!(world.refused("audit trail --dataset 9").contains("no dataset named `9`"));
}

#[test]
fn a_breach_starts_a_clock_of_72_hours_that_is_in_the_log_and_on_the_ledger() {
    let world = World::new();
    let home = text(&world.home).to_owned();
    let at = |more: &[&str]| {
        let words = ["breach", "report", "--custodian", "clinic", "--dir", &home];
        [&words[..], more].concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let what = "a laptop with a key was stolen";
    let done = json(&strs(&at(&["--what", what, "--dataset", "1", "--persons", "60"])));
    assert_eq!((&done["breach"], &done["anchored"]), (&1.into(), &true.into()), "{done}");
    assert_eq!((&done["late"], &done["what"]), (&false.into(), &what.into()));
    assert_eq!(done["law"], "GDPR Art. 33(1)");
    let left = done["remaining_seconds"].as_i64().unwrap();
    assert!((0..=72 * 3_600).contains(&left), "{done}");
    let log = fs::read_to_string(world.home.join("vaults/clinic/audit.jsonl")).unwrap();
    assert!(log.contains("breach_reported") && !log.contains("laptop"));

    let old = json(&strs(&at(&["--what", "old", "--aware", "2020-01-01T12:00:00Z"])));
    assert_eq!(old["deadline"], "2020-01-04T12:00:00Z");
    assert_eq!(old["late"], true);
    for wrong in ["2999-01-01T00:00:00Z", "yesterday"] {
        let error = refused_json(&strs(&at(&["--what", "x", "--aware", wrong])), 2);
        assert!(error.contains(wrong), "{error}");
    }
    world.go("breach notified --custodian clinic --breach 1 --reference AZ-17");
    let list = world.go("breach list");
    let all = list["breaches"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert!(all[0]["notified"].is_string() && all[0]["remaining_seconds"].is_null(), "{list}");
    assert!(all[1]["notified"].is_null(), "{list}");
    assert_eq!(world.go("audit verify")["verified"], true);
}

#[test]
fn verifying_walks_the_sealed_bytes_too_and_names_the_file_that_was_altered() {
    let world = World::new();
    let sound = world.go("audit verify");
    assert_eq!((&sound["verified"], &sound["datasets"]), (&true.into(), &1.into()), "{sound}");
    let objects = world.home.join("vaults/clinic/objects");
    for object in fs::read_dir(objects).unwrap() {
        let path = object.unwrap().path();
        let original = fs::read(&path).unwrap();
        let mut altered = original.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        fs::write(&path, altered).unwrap();
        let output =
            crate::support::run(&["audit", "verify", "--json", "--dir", text(&world.home)]);
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((output.status.code(), &found["verified"]), (Some(1), &false.into()));
        let name = path.file_name().unwrap().to_str().unwrap();
        let first = found["differences"][0].as_str().unwrap();
        assert!(first.contains(name), "{first}");
        fs::write(&path, original).unwrap();
    }
    assert_eq!(world.go("audit verify")["verified"], true);
}
