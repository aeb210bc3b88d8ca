//! What a home keeps: its parts, its seed, its chain, who is registered in it, and who may reach its ledger.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json as value;

use crate::support::{Server, caduceus, folder, json, refused, run, text};

/// A home with one custodian and one researcher who was given 500 test USDC.
fn prepared(dir: &Path) -> PathBuf {
    let home = dir.join("home");
    json(&["init", "--seed", "1", "--dir", text(&home)]);
    register(&home, "clinic", "custodian", "DE", &[]);
    register(&home, "lab", "researcher", "IN", &["--usdc", "500"]);
    home
}

fn registering<'a>(
    home: &'a Path,
    name: &'a str,
    role: &'a str,
    country: &'a str,
    more: &[&'a str],
) -> Vec<&'a str> {
    let fixed = ["party", "register", "--name", name, "--role", role, "--country", country];
    [&fixed[..], &["--dir", text(home)], more].concat()
}

fn register(
    home: &Path,
    name: &str,
    role: &str,
    country: &str,
    more: &[&str],
) -> serde_json::Value {
    json(&registering(home, name, role, country, more))
}

fn refused_party(home: &Path, name: &str, role: &str, country: &str, more: &[&str]) -> String {
    refused(&registering(home, name, role, country, more))
}

#[test]
fn a_lost_part_of_a_home_is_named_and_nothing_takes_its_place() {
    let dir = folder();
    let home = prepared(dir.path());
    let cohort = dir.path().join("cohort");
    json(&["cohort", "generate", "--patients", "20", "--country", "DE", "--out", text(&cohort)]);
    let ingest =
        ["ingest", "--custodian", "clinic", "--input", text(&cohort), "--dir", text(&home)];
    json(&ingest);
    let before = json(&["status", "--dir", text(&home)]);
    for (part, command) in [
        ("ledger", &["status", "--dir", text(&home)][..]),
        ("ledger/ledger.redb", &["init", "--dir", text(&home)]),
        ("journal.redb", &["party", "list", "--dir", text(&home)]),
        ("home.json", &["init", "--dir", text(&home)]),
        ("vaults/clinic", &ingest),
        ("vaults/clinic/audit.jsonl", &ingest),
    ] {
        let away = dir.path().join("away");
        fs::rename(home.join(part), &away).unwrap();
        let error = refused(command);
        assert!(error.contains(part) && error.contains("restore"), "{part}: {error}");
        assert!(!home.join(part).exists(), "{part} was begun anew");
        fs::rename(&away, home.join(part)).unwrap();
    }
    assert_eq!(json(&["status", "--dir", text(&home)]), before);
    json(&ingest);
}

#[test]
fn a_lost_outbox_is_begun_anew_and_nothing_is_done_twice() {
    let dir = folder();
    let home = prepared(dir.path());
    let height = |home: &Path| Server::ledger(home).rpc("eth_blockNumber", value!([]));
    let before = height(&home);
    fs::remove_file(home.join("outbox.redb")).unwrap();
    let output = run(&["status", "--dir", text(&home)]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && told.contains("outbox.redb"), "{told}");
    register(&home, "clinic", "custodian", "DE", &[]);
    register(&home, "lab", "researcher", "IN", &["--usdc", "500"]);
    assert_eq!(height(&home), before, "no transaction was sent");
    register(&home, "other", "researcher", "JP", &[]);
    assert_ne!(height(&home), before);
}

#[test]
fn registering_again_applies_what_may_change_and_refuses_what_may_not() {
    let dir = folder();
    let home = prepared(dir.path());
    let same = register(&home, "lab", "researcher", "IN", &["--usdc", "500"]);
    assert_eq!((&same["new"], &same["changed"]), (&value!(false), &value!([])));
    let changed =
        register(&home, "lab", "researcher", "IN", &["--safeguards", "scc", "--unaccredited"]);
    let what = |changed: &serde_json::Value| {
        let changes = changed["changed"].as_array().unwrap();
        changes.iter().map(|one| one["what"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(what(&changed), ["safeguards", "accreditation"]);
    assert_eq!(changed["changed"][0]["to"], "SCC");
    let output = run(&registering(&home, "lab", "researcher", "IN", &["--safeguards", "scc"]));
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("accreditation") && !told.contains("safeguards"), "{told}");

    for (role, country) in [("custodian", "IN"), ("researcher", "JP")] {
        let error = refused_party(&home, "lab", role, country, &[]);
        assert!(error.contains("lab") && error.contains("cannot change"), "{error}");
    }
    let less = refused_party(&home, "lab", "researcher", "IN", &["--usdc", "400"]);
    assert!(less.contains("500"), "{less}");
    assert!(refused_party(&home, "ward", "custodian", "DE", &["--usdc", "5"]).contains("USDC"));
    assert!(refused_party(&home, "ward", "custodian", "ZZ", &[]).contains("ZZ"));
    assert!(refused_party(&home, "ward", "custodian", "-", &[]).contains('-'));
    refused(&[
        "party",
        "register",
        "--name=---",
        "--role",
        "researcher",
        "--country",
        "DE",
        "--dir",
        text(&home),
    ]);
    let parties = json(&["party", "list", "--dir", text(&home)]);
    assert_eq!(parties["parties"].as_array().unwrap().len(), 2, "{parties}");
}

#[test]
fn a_home_keeps_its_seed_and_its_chain() {
    let dir = folder();
    let home = prepared(dir.path());
    let contracts = json(&["init", "--seed", "1", "--dir", text(&home)]);
    assert_eq!(json(&["init", "--dir", text(&home)]), contracts);
    let error = refused(&["init", "--seed", "2", "--dir", text(&home)]);
    assert!(error.contains("another seed"), "{error}");
    let error = refused(&["init", "--rpc", "http://127.0.0.1:1", "--dir", text(&home)]);
    assert!(error.contains("embedded ledger") && error.contains("--rpc"), "{error}");
}

#[test]
fn a_chain_without_ether_names_the_account_that_needs_it_and_serves_once_it_has_some() {
    let dir = folder();
    let serving = dir.path().join("serving");
    json(&["init", "--seed", "1", "--dir", text(&serving)]);
    let server = Server::ledger(&serving);
    let home = dir.path().join("home");
    let init = ["init", "--seed", "2", "--rpc", &server.url, "--dir", text(&home)];
    let error = refused(&init);
    let account = error.split_whitespace().find(|word| word.starts_with("0x")).unwrap();
    assert_eq!(account.len(), 42, "{error}");
    assert!(error.contains(&server.url) && error.contains("ether"), "{error}");
    assert!(!home.join("home.json").exists());
    server.rpc("anvil_setBalance", value!([account, "0x3635c9adc5dea00000"]));
    json(&init);
    let other = refused(&["init", "--rpc", "http://127.0.0.1:1", "--dir", text(&home)]);
    assert!(other.contains(&server.url), "{other}");

    drop(server);
    let another = dir.path().join("another");
    json(&["init", "--seed", "3", "--dir", text(&another)]);
    let server = Server::ledger(&another);
    let settings = home.join("home.json");
    let moved = fs::read_to_string(&settings).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&moved).unwrap();
    fs::write(&settings, moved.replace(kept["rpc"].as_str().unwrap(), &server.url)).unwrap();
    let error = refused(&["status", "--dir", text(&home)]);
    assert!(error.contains("no longer holds") && error.contains(&server.url), "{error}");
}

#[test]
fn the_story_is_not_told_among_other_peoples_parties() {
    let dir = folder();
    let home = prepared(dir.path());
    let before = json(&["status", "--dir", text(&home)]);
    let output = run(&["demo", "--patients", "20", "--dir", text(&home)]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty());
    assert!(error.contains("clinic") && error.contains("lab"), "{error}");
    assert_eq!(json(&["status", "--dir", text(&home)]), before);
}

#[test]
fn what_a_contract_refuses_to_answer_is_told_in_words() {
    let dir = folder();
    let home = prepared(dir.path());
    let error = refused(&[
        "licence",
        "buy",
        "--researcher",
        "lab",
        "--datasets",
        "7",
        "--dir",
        text(&home),
    ]);
    assert!(error.contains("dataset 7 is not in the pool"), "{error}");
    assert!(!error.contains("0x") && !error.contains("execution reverted"), "{error}");
}

/// A request of a page that a browser sends without asking anybody for leave.
fn page(server: &Server, headers: &str) -> String {
    use std::io::{Read, Write};
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"evm_mine","params":[]}"#;
    let mut stream =
        std::net::TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST / HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response.lines().next().unwrap().to_owned()
}

#[test]
fn pages_on_the_web_cannot_use_the_ledger_through_their_visitors_browser() {
    let dir = folder();
    let home = prepared(dir.path());
    let server = Server::ledger(&home);
    let before = server.rpc("eth_blockNumber", value!([]));
    let json_type = "Content-Type: application/json\r\n";
    let rebound = page(&server, &format!("Host: evil.example\r\n{json_type}"));
    assert!(rebound.contains("403"), "{rebound}");
    let foreign =
        page(&server, &format!("Host: localhost\r\nOrigin: https://evil.example\r\n{json_type}"));
    assert!(foreign.contains("403"), "{foreign}");
    let simple = page(&server, "Host: localhost\r\nContent-Type: text/plain\r\n");
    assert!(simple.contains("415"), "{simple}");
    assert_eq!(server.rpc("eth_blockNumber", value!([])), before);
    let own =
        page(&server, &format!("Host: localhost\r\nOrigin: http://localhost:3000\r\n{json_type}"));
    assert!(own.contains("200"), "{own}");
    assert_ne!(server.rpc("eth_blockNumber", value!([])), before);
}

#[cfg(unix)]
#[test]
fn a_home_that_cannot_be_written_can_be_looked_at() {
    use std::os::unix::fs::PermissionsExt;
    let dir = folder();
    let home = prepared(dir.path());
    let asked: [&[&str]; 5] = [
        &["status"],
        &["party", "list"],
        &["member", "list"],
        &["audit", "verify"],
        &["ledger", "contracts"],
    ];
    let ask = |command: &[&str]| json(&[command, &["--dir", text(&home)]].concat());
    let before: Vec<_> = asked.iter().map(|command| ask(command)).collect();
    let allow = |write: u32| {
        for entry in [&home, &home.join("ledger"), &home.join("keys")] {
            for file in fs::read_dir(entry).unwrap().map(|file| file.unwrap().path()) {
                if file.is_file() {
                    fs::set_permissions(&file, fs::Permissions::from_mode(0o400 | write)).unwrap();
                }
            }
            fs::set_permissions(entry, fs::Permissions::from_mode(0o500 | write)).unwrap();
        }
    };
    allow(0);
    let writable = fs::File::create(home.join("probe")).is_ok();
    let after: Vec<_> =
        asked.iter().map(|command| run(&[*command, &["--dir", text(&home)]].concat())).collect();
    let changing = run(&registering(&home, "ward", "custodian", "DE", &[]));
    allow(0o200);
    if writable {
        eprintln!("skipped: this user may write where nobody may");
        return;
    }
    for (before, after) in before.iter().zip(after) {
        let told = String::from_utf8_lossy(&after.stderr).into_owned();
        assert!(after.status.success(), "{told}");
        assert!(told.contains("reading only"), "{told}");
        assert!(!after.stdout.is_empty() && !before.is_null());
    }
    assert!(!changing.status.success());
    assert!(String::from_utf8_lossy(&changing.stderr).contains("leave to write"));
}

#[cfg(unix)]
#[test]
fn a_demo_that_is_stopped_leaves_nothing_behind() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let dir = folder();
        let mut demo = caduceus(&["demo", "--patients", "200000"]);
        demo.env("TMPDIR", dir.path()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = demo.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        lines.by_ref().map_while(Result::ok).find(|line| line.contains("2/10")).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{signal}");
    }
}
