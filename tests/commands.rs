//! Every step of the story by its own command, on a kept state.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{folder, json, refused, run, text};

/// A home in which two hospitals have published and a researcher has money.
fn published(home: &str, dir: &Path) {
    json(&["init", "--seed", "4", "--dir", home]);
    for (name, country) in [("klinikum-nord", "DE"), ("lakeside-health", "US")] {
        let cohort = dir.join(name);
        json(&[
            "party",
            "register",
            "--name",
            name,
            "--role",
            "custodian",
            "--country",
            country,
            "--dir",
            home,
        ]);
        json(&[
            "cohort",
            "generate",
            "--patients",
            "60",
            "--country",
            country,
            "--out",
            text(&cohort),
        ]);
        json(&["ingest", "--custodian", name, "--input", text(&cohort), "--dir", home]);
        json(&["protect", "--custodian", name, "--k", "5", "--dir", home]);
        json(&["publish", "--custodian", name, "--dir", home]);
    }
    json(&[
        "party",
        "register",
        "--name",
        "lab",
        "--role",
        "researcher",
        "--country",
        "JP",
        "--usdc",
        "5000",
        "--dir",
        home,
    ]);
}

fn paid(claims: &Value) -> u64 {
    claims["claims"].as_array().unwrap().iter().map(|one| one["amount"].as_u64().unwrap()).sum()
}

#[test]
fn the_way_of_a_record_can_be_walked_by_hand() {
    let dir = folder();
    let home = dir.path().join("home");
    let home = text(&home);
    published(home, dir.path());
    let members =
        json(&["member", "join", "--custodian", "klinikum-nord", "--count", "3", "--dir", home]);
    assert_eq!(members["members"].as_array().unwrap().len(), 3);
    for number in 1..=3 {
        json(&["consent", "grant", "--member", &format!("klinikum-nord/{number}"), "--dir", home]);
    }

    let licence = json(&["licence", "buy", "--researcher", "lab", "--uses", "2", "--dir", home]);
    assert!(licence["paid"].as_u64().unwrap() > 0);
    let sql = "SELECT sex, COUNT(*) AS patients FROM patient GROUP BY sex";
    let explained =
        json(&["query", "--researcher", "lab", "--sql", sql, "--explain", "--dir", home]);
    assert_eq!(explained["datasets"].as_array().unwrap().len(), 2);
    let answers =
        json(&["query", "--researcher", "lab", "--sql", sql, "--epsilon", "0.5", "--dir", home]);
    assert_eq!(answers["answers"].as_array().unwrap().len(), 2);

    let to_custodian = paid(&json(&["claim", "--custodian", "klinikum-nord", "--dir", home]));
    assert!(to_custodian > 0);
    assert_eq!(
        paid(&json(&["claim", "--custodian", "klinikum-nord", "--dir", home])),
        0,
        "nothing is paid twice"
    );
    assert!(paid(&json(&["claim", "--member", "klinikum-nord/1", "--dir", home])) > 0);
    assert_eq!(
        paid(&json(&["claim", "--member", "klinikum-nord/1", "--dir", home])),
        0,
        "nothing is paid twice"
    );

    json(&["guardian", "pause", "--scopes", "trading,jobs", "--hours", "1", "--dir", home]);
    assert!(refused(&["licence", "buy", "--researcher", "lab", "--dir", home]).contains("Paused"));
    let revoked = json(&["consent", "revoke", "--member", "klinikum-nord/1", "--dir", home]);
    assert_eq!(revoked["revoked"], 1);
    assert!(
        paid(&json(&["claim", "--all", "--dir", home])) > 0,
        "claims go on while trading is paused"
    );
    json(&["guardian", "lift", "--scopes", "trading,jobs", "--dir", home]);
    json(&["query", "--researcher", "lab", "--sql", sql, "--epsilon", "0.5", "--dir", home]);
    assert!(
        refused(&["query", "--researcher", "lab", "--sql", sql, "--dir", home])
            .contains("licence buy"),
        "both uses are spent"
    );

    let answers = json(&["answers", "--researcher", "lab", "--dir", home]);
    assert_eq!(answers["answers"].as_array().unwrap().len(), 4, "two questions to two vaults");
    let left = json(&["member", "leave", "--member", "klinikum-nord/3", "--dir", home]);
    assert_eq!(left["members"].as_array().unwrap().len(), 2, "{left}");
    assert_eq!((&left["left"], &left["revoked"]), (&"klinikum-nord/3".into(), &1.into()));

    let joined =
        json(&["member", "join", "--custodian", "klinikum-nord", "--count", "3", "--dir", home]);
    let joined = joined["members"].as_array().unwrap();
    let names: Vec<&str> = joined.iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["klinikum-nord/1", "klinikum-nord/2", "klinikum-nord/4"],
        "a name is given once"
    );

    json(&[
        "governance",
        "propose",
        "--member",
        "klinikum-nord/2",
        "--contributors",
        "9000",
        "--treasury",
        "500",
        "--buyback",
        "500",
        "--dir",
        home,
    ]);
    assert_eq!(json(&["governance", "vote", "--dir", home])["votes_for"], 3);
    assert_eq!(json(&["governance", "execute", "--dir", home])["state"], "executed");
    for (token, to) in [("data", "klinikum-nord/2"), ("gov", "lab"), ("usdc", "klinikum-nord/2")] {
        let pay = [
            "governance",
            "pay",
            "--member",
            "klinikum-nord/2",
            "--token",
            token,
            "--amount",
            "1",
            "--to",
            to,
        ];
        json(&[&pay[..], &["--dir", home]].concat());
        json(&["governance", "vote", "--dir", home]);
        assert_eq!(json(&["governance", "execute", "--dir", home])["state"], "executed", "{token}");
    }

    assert_eq!(
        json(&["member", "erase", "--member", "klinikum-nord/2", "--dir", home])["datasets"],
        1
    );
    json(&["guardian", "pause", "--scopes", "deposits", "--hours", "1", "--dir", home]);
    json(&["withdraw", "--custodian", "lakeside-health", "--dataset", "2", "--dir", home]);
    let status = json(&["status", "--dir", home]);
    let datasets = status["datasets"].as_array().unwrap();
    let in_pool: Vec<bool> =
        datasets.iter().map(|dataset| dataset["in_pool"].as_bool().unwrap()).collect();
    assert_eq!(in_pool, [true, false], "withdrawing goes on while deposits are paused");
    assert_eq!(datasets[0]["token_id"], 1);
    assert_eq!(status["pauses"][0]["scope"], "deposits");
    let money = &status["money"];
    let units = |part: &str| money[part].as_u64().unwrap();
    assert_eq!(units("paid"), units("contributors") + units("treasury") + units("buyback"));
    assert_eq!(units("contributors"), units("claimed") + units("claimable"));
    assert_eq!(json(&["audit", "verify", "--dir", home])["verified"], true);
}

#[test]
fn a_new_version_of_a_dataset_brings_no_new_privacy_budget() {
    let dir = folder();
    let home = dir.path().join("home");
    let home = text(&home);
    published(home, dir.path());
    let cohort = dir.path().join("newer");
    json(&[
        "cohort",
        "generate",
        "--patients",
        "70",
        "--country",
        "DE",
        "--seed",
        "9",
        "--out",
        text(&cohort),
    ]);
    json(&["ingest", "--custodian", "klinikum-nord", "--input", text(&cohort), "--dir", home]);
    json(&["protect", "--custodian", "klinikum-nord", "--k", "5", "--dir", home]);
    assert_eq!(json(&["publish", "--custodian", "klinikum-nord", "--dir", home])["dataset"], 3);
    let buy = [
        "licence",
        "buy",
        "--researcher",
        "lab",
        "--datasets",
        "1,3",
        "--uses",
        "2",
        "--dir",
        home,
    ];
    json(&buy);
    let ask = |table: &str, epsilon: &str| {
        let sql = format!("SELECT COUNT(*) AS rows FROM {table}");
        run(&["query", "--researcher", "lab", "--sql", &sql, "--epsilon", epsilon, "--dir", home])
    };
    // A researcher has epsilon 10 with one hospital: two versions at 4 each leave 2.
    assert!(ask("patient", "4").status.success());
    assert!(!ask("condition", "4").status.success(), "the budget is shared by both versions");
    assert!(
        String::from_utf8_lossy(&ask("encounter", "5").stderr)
            .contains("epsilon 5 is more than the 4")
    );
}

#[test]
fn an_altered_byte_anywhere_in_a_log_is_found() {
    let dir = folder();
    let home = dir.path().join("home");
    let home = text(&home);
    published(home, dir.path());
    let log = Path::new(home).join("vaults/klinikum-nord/audit.jsonl");
    let copy = dir.path().join("copy.jsonl");
    let original = fs::read(&log).unwrap();
    let verify =
        ["audit", "verify", "--custodian", "klinikum-nord", "--log", text(&copy), "--dir", home];
    fs::write(&copy, &original).unwrap();
    assert_eq!(json(&verify)["verified"], true);
    for position in (0..original.len()).step_by(original.len() / 7) {
        let mut altered = original.clone();
        altered[position] ^= 1;
        fs::write(&copy, altered).unwrap();
        let output = run(&verify);
        assert!(
            !output.status.success(),
            "the byte at {position} was altered and nothing was found"
        );
    }
    let last = original.iter().rposition(|byte| *byte == b'{').unwrap();
    fs::write(&copy, &original[..last]).unwrap();
    assert!(!run(&verify).status.success(), "the last record was cut off and nothing was found");
}

#[test]
fn protected_tables_can_be_looked_at_as_parquet() {
    let dir = folder();
    let home = dir.path().join("home");
    let home = text(&home);
    published(home, dir.path());
    let out = dir.path().join("tables");
    let export = ["export", "--custodian", "klinikum-nord", "--out", text(&out), "--dir", home];
    assert_eq!(json(&export)["files"].as_array().unwrap().len(), 4);
    for table in ["patient", "condition", "encounter", "observation"] {
        let bytes = fs::read(out.join(format!("{table}.parquet"))).unwrap();
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{table}");
    }
}

#[test]
fn the_rules_can_be_asked_before_anything_is_done() {
    let allowed = json(&["policy", "explain", "--from", "DE", "--to", "JP", "--purpose", "HMB"]);
    assert_eq!(allowed["verdict"], "allow", "{allowed}");
    assert!(allowed["law"].as_str().unwrap().contains("GDPR Art. 45"), "{allowed}");
    let genomic = [
        "policy",
        "explain",
        "--from",
        "DE",
        "--to",
        "US",
        "--class",
        "genomic",
        "--purpose",
        "GRU",
    ];
    let without = json(&genomic);
    assert_eq!(without["verdict"], "allow-with", "{without}");
    assert_eq!(
        without["safeguards"],
        serde_json::json!(["SCC", "BCR", "EXPLICIT_CONSENT", "ADEQUACY"])
    );
    assert_eq!((&without["minimum_k"], &without["maximum_epsilon"]), (&10.into(), &1.0.into()));
    assert_eq!(without["localized"], false);
    for reason in without["reasons"].as_array().unwrap() {
        assert!(["GDPR", "EHDS"].contains(&reason["law"].as_str().unwrap()), "{reason}");
        assert!(reason["article"].as_str().unwrap().starts_with("Art. "), "{reason}");
    }
    let to_india = ["policy", "explain", "--from", "DE", "--to", "IN", "--class", "genomic"];
    let reasons = json(&to_india)["reasons"].clone();
    let kinds = reasons.as_array().unwrap().iter().filter_map(|one| one["kind"].as_str());
    let rules: Vec<_> = kinds.filter(|kind| ["rule", "overridden"].contains(kind)).collect();
    assert_eq!(rules, ["rule", "overridden"], "all rules, not the first: {reasons}");
    assert_eq!(json(&[&genomic[..], &["--safeguard", "scc"]].concat())["verdict"], "allow");
    assert_eq!(json(&["policy", "explain", "--from", "US", "--to", "CN"])["verdict"], "deny");
    for nowhere in ["ZZ", "-", "de"] {
        let error = refused(&["policy", "explain", "--from", nowhere, "--to", "JP"]);
        assert!(error.contains(&format!("`{nowhere}`")) && error.contains("ISO 3166-1"), "{error}");
    }
    let other = json(&["policy", "explain", "--from", "DE", "--to", "IN"]);
    assert_ne!(other["verdict"], "allow", "{other}");
    assert!(other["law"].as_str().unwrap().contains("GDPR Art. 4"), "{other}");
}

#[test]
fn every_command_helps_with_an_example() {
    let commands: &[&[&str]] = &[
        &["demo"],
        &["init"],
        &["status"],
        &["cohort", "generate"],
        &["party", "register"],
        &["party", "list"],
        &["party", "admit"],
        &["party", "challenge"],
        &["party", "require"],
        &["party", "contact"],
        &["member", "challenge"],
        &["vault", "serve"],
        &["vault", "know"],
        &["vault", "list"],
        &["attestor", "panel"],
        &["attestor", "list"],
        &["attestor", "adapter", "eas"],
        &["attestor", "adapter", "functions"],
        &["confirm", "features"],
        &["confirm", "points"],
        &["confirm", "usage"],
        &["confirm", "deletion"],
        &["confirm", "transfer"],
        &["confirm", "use"],
        &["confirm", "report"],
        &["confirm", "verdict"],
        &["identity", "new"],
        &["identity", "show"],
        &["identity", "rotate"],
        &["identity", "import"],
        &["identity", "export"],
        &["credential", "issue"],
        &["credential", "present"],
        &["credential", "verify"],
        &["credential", "revoke"],
        &["credential", "renew"],
        &["credential", "status"],
        &["ingest"],
        &["protect"],
        &["synthesize"],
        &["deidentify"],
        &["catalogue"],
        &["publish"],
        &["member", "join"],
        &["member", "list"],
        &["consent", "grant"],
        &["consent", "revoke"],
        &["licence", "buy"],
        &["query"],
        &["query", "run"],
        &["query", "explain"],
        &["query", "check"],
        &["algorithm", "ask"],
        &["algorithm", "run"],
        &["algorithm", "check"],
        &["claim"],
        &["governance", "propose"],
        &["governance", "vote"],
        &["governance", "execute"],
        &["governance", "show"],
        &["governance", "list"],
        &["guardian", "pause"],
        &["guardian", "lift"],
        &["audit", "verify"],
        &["policy", "explain"],
        &["ledger", "serve"],
        &["ledger", "contracts"],
        &["member", "leave"],
        &["answers"],
        &["member", "erase"],
        &["member", "rejoin"],
        &["withdraw"],
        &["export"],
        &["governance", "pay"],
        &["view", "run"],
        &["view", "check"],
        &["view", "diff"],
        &["view", "upgrade"],
        &["view", "register"],
        &["view", "versions"],
        &["bulk", "export"],
        &["attestor", "serve"],
        &["attestor", "key"],
        &["consent", "show"],
        &["consent", "export"],
        &["consent", "import"],
        &["member", "receipts"],
        &["audit", "trail"],
        &["breach", "report"],
        &["breach", "notified"],
        &["breach", "list"],
        &["governance", "propose-upgrade"],
        &["ledger", "parameters"],
        &["ledger", "verify"],
        &["ledger", "explorer-input"],
        &["contract", "list"],
        &["contract", "show"],
        &["contract", "call"],
        &["contract", "send"],
        &["contract", "propose"],
        &["relay"],
    ];
    for command in commands {
        let output = run(&[command, &["--help"][..]].concat());
        let help = String::from_utf8(output.stdout).unwrap();
        let example = format!("Example: caduceus {}", command.join(" "));
        assert!(output.status.success() && help.contains(&example), "{command:?}: {help}");
    }
}
