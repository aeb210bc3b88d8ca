//! Contracts by name from the command line: shown, asked, looked ahead, sent, signed for others to carry; and the ledger
//! verified.

use std::fs;

use serde_json::Value;

use crate::support::{at, folder, json, refused_json, run, said, text};

/// The published test vector of Web3 Secret Storage with PBKDF2; its password is `testpassword`.
const KEYSTORE: &str = r#"{"crypto":{"cipher":"aes-128-ctr","cipherparams":{"iv":"6087dab2f9fdbbfaddc31a909735c1e6"},"ciphertext":"5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46","kdf":"pbkdf2","kdfparams":{"c":262144,"dklen":32,"prf":"hmac-sha256","salt":"ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd"},"mac":"517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2"},"id":"3198bc9c-6672-5ab3-d995-4942343ae5b6","version":3}"#;
const ITS_ACCOUNT: &str = "0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b";

fn words(value: &Value) -> String {
    value.to_string()
}

#[test]
fn any_function_is_shown_looked_ahead_sent_and_asked() {
    let dir = folder();
    let home = dir.path().join("home");
    let home = text(&home);
    json(&["init", "--seed", "6", "--dir", home]);

    let listed = json(&at(home, "contract list"));
    assert!(listed["contracts"].as_array().unwrap().len() > 40);
    let shown = said(&["contract", "show", "CircuitBreaker", "pause"]);
    assert!(shown.contains("pause(uint256,uint64)") && shown.contains("takes"), "{shown}");

    let look = "contract send --as guardian CircuitBreaker pause 4 3600 --dry-run";
    let ahead = json(&at(home, look));
    assert_eq!(ahead["outlook"]["succeeds"], true, "{ahead}");
    assert_eq!(ahead["outlook"]["events"][0]["name"], "Paused", "{ahead}");
    let paused = "contract call CircuitBreaker isPaused 4";
    let before = json(&at(home, paused));
    let sent = json(&at(home, "contract send --as guardian CircuitBreaker pause 4 3600"));
    assert!(sent["gas"].as_u64().unwrap() > 21_000, "{sent}");
    let after = json(&at(home, paused));
    assert_eq!(before["results"]["0"], false, "looking ahead paused nothing");
    assert_eq!(after["results"]["0"], true);

    let stranger = json(&at(home, "contract send --as relay BondingCurve setFee 50 --dry-run"));
    assert_eq!(stranger["outlook"]["succeeds"], false);
    assert!(words(&stranger).contains("contract propose"), "{stranger}");
    let minted = json(&at(home, "contract send --as deployer TestUSDC mint relay 25e6"));
    assert_eq!(minted["movements"][0]["change"], "+25.00", "{minted}");
    assert_eq!(minted["movements"][0]["name"], "relay", "{minted}");

    for (line, says) in [
        ("contract send --as guardian CircuitBreaker pause 4", "the function is pause("),
        ("contract send --as guardian CircuitBreaker pause four 1", "no uint256"),
        ("contract call HealthDataPool claimable nobody-here", "no address"),
    ] {
        let refusal = refused_json(&at(home, line), 2);
        assert!(refusal.contains(says), "{refusal}");
    }
    let refusal = refused_json(&at(home, "contract send --as guardian NoSuch pause 4 1"), 1);
    assert!(refusal.contains("no contract named"), "{refusal}");
}

#[test]
fn a_key_comes_from_an_encrypted_file_and_a_statement_is_carried_by_others() {
    let dir = folder();
    let home = dir.path().join("home");
    let home = text(&home);
    json(&["init", "--seed", "7", "--dir", home]);
    let (key, password) = (dir.path().join("key.json"), dir.path().join("password"));
    fs::write(&key, KEYSTORE).unwrap();
    fs::write(&password, "wrong\n").unwrap();
    let signer = ["--keystore", text(&key), "--password-file", text(&password), "--dir", home];
    let approve = ["contract", "send", "TestUSDC", "approve", "BondingCurve", "25e6"];
    let refusal = refused_json(&[&approve[..], &signer].concat(), 1);
    assert!(refusal.contains("the password is wrong"), "{refusal}");
    fs::write(&password, "testpassword\n").unwrap();
    let sent = json(&[&approve[..], &signer].concat());
    assert_eq!(sent["sender"].as_str().unwrap().to_lowercase(), ITS_ACCOUNT.to_lowercase());
    assert_eq!(sent["events"][0]["fields"]["value"], "25000000");

    let permit = [
        "contract",
        "send",
        "TestUSDC",
        "permit",
        ITS_ACCOUNT,
        "Escrow",
        "7",
        "9999999999",
        "--sign-only",
    ];
    let signed = json(&[&permit[..], &signer].concat());
    assert_eq!(signed["statement"]["primaryType"], "Permit", "{signed}");
    let file = dir.path().join("permit.json");
    fs::write(&file, signed.to_string()).unwrap();
    let carried = json(&["relay", text(&file), "--dir", home]);
    assert_eq!(carried["events"][0]["name"], "Approval", "{carried}");
    let asked = format!("contract call TestUSDC allowance {ITS_ACCOUNT} Escrow");
    assert_eq!(json(&at(home, &asked))["results"]["0"], "7");
    let again = refused_json(&["relay", text(&file), "--dir", home], 1);
    assert!(again.contains("ERC2612InvalidSigner"), "carried once: {again}");

    let mut other = signed.clone();
    other["chain_id"] = 1.into();
    fs::write(&file, other.to_string()).unwrap();
    assert!(refused_json(&["relay", text(&file), "--dir", home], 2).contains("is for chain 1"));
    let mut other = signed;
    other["call"] = "0xa9059cbb".into();
    fs::write(&file, other.to_string()).unwrap();
    assert!(refused_json(&["relay", text(&file), "--dir", home], 2).contains("does not call"));
    let line = "contract send --as relay HealthDataPool withdraw 1 --sign-only";
    assert!(refused_json(&at(home, line), 2).contains("takes no signed statement"));
}

#[test]
fn a_home_begins_with_the_parameters_of_a_file_and_its_ledger_is_verified() {
    let dir = folder();
    let (home, file) = (dir.path().join("home"), dir.path().join("parameters.toml"));
    let home = text(&home);
    let printed = said(&["ledger", "parameters"]);
    fs::write(&file, &printed).unwrap();
    let begin = ["init", "--seed", "8", "--dir", home, "--parameters", text(&file)];
    fs::write(&file, printed.replace("fee = \"25\"", "fee = \"25.0000001\"")).unwrap();
    assert!(refused_json(&begin, 2).contains("no amount"));
    assert!(!dir.path().join("home").exists(), "nothing was begun");
    fs::write(&file, "[jobs]\nfee = \"12.5\"\n").unwrap();
    json(&begin);
    let fee = json(&at(home, "contract call ComputeMarket jobFee"));
    assert_eq!(fee["results"]["0"], "12500000");
    json(&begin);
    fs::write(&file, "[jobs]\nfee = \"13\"\n").unwrap();
    assert!(refused_json(&begin, 2).contains("other parameters"));

    let found = json(&at(home, "ledger verify"));
    assert_eq!(found["verified"], true, "{found}");
    assert!(found["facts"].as_u64().unwrap() > 500, "{found}");
    let manifest = dir.path().join("home/manifest.json");
    let other = dir.path().join("other.json");
    let changed = fs::read_to_string(&manifest).unwrap();
    let mut changed: Value = serde_json::from_str(&changed).unwrap();
    changed["contracts"][3]["code_hash"] = format!("0x{}", "11".repeat(32)).into();
    fs::write(&other, changed.to_string()).unwrap();
    let line = ["ledger", "verify", "--manifest", text(&other), "--dir", home, "--json"];
    let output = run(&line);
    assert_eq!(output.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = changed["contracts"][3]["name"].as_str().unwrap();
    assert!(said["difference"].as_str().unwrap().contains(name), "{said}");

    let input = json(&["ledger", "explorer-input", "--contract", "HealthDataPool"]);
    assert_eq!(input["target"], "src/pool/HealthDataPool.sol:HealthDataPool");
    assert!(input["input"]["sources"].as_object().unwrap().len() > 10);
}

/// The words of a line as a shell reads them; pages use nothing but double and single quotes.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for sign in line.chars() {
        match (quote, sign) {
            (Some(open), _) if open == sign => quote = None,
            (None, '"' | '\'') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    words
}

#[test]
fn the_commands_on_the_pages_of_the_protocol_are_functions_of_the_contracts() {
    let pages = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol");
    let mut lines = Vec::new();
    for page in fs::read_dir(pages).unwrap() {
        let page = fs::read_to_string(page.unwrap().path()).unwrap();
        let commands = page.lines().filter(|line| line.starts_with("caduceus contract "));
        lines.extend(commands.map(str::to_owned));
    }
    assert!(lines.len() > 100, "{} commands", lines.len());
    let mut contracts = std::collections::BTreeMap::new();
    for line in lines {
        let words = shell_words(&line);
        let mut given = Vec::new();
        let mut words = words.iter().skip(2);
        let kind = words.next().unwrap();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--dir" | "--as" | "--member" | "--value" => drop(words.next()),
                "--dry-run" | "--sign-only" => given.push(None),
                _ => given.push(Some(word.as_str())),
            }
        }
        let signs = given.contains(&None);
        let given: Vec<&str> = given.into_iter().flatten().collect();
        let [contract, function, arguments @ ..] = &given[..] else { panic!("{line}") };
        let known = contracts
            .entry((*contract).to_owned())
            .or_insert_with(|| json(&["contract", "show", contract]));
        let fits = known["functions"].as_array().unwrap().iter().any(|known| {
            let takes = known["arguments"].as_array().map_or(0, Vec::len);
            let name = known["name"].as_str().unwrap();
            (name == *function || name.starts_with(&format!("{function}(")))
                && (takes == arguments.len() || signs && takes > arguments.len())
                && known["changes"] == (kind != "call")
        });
        assert!(fits, "{line}");
    }
}
