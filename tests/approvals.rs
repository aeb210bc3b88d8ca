//! Credentials that are shown for one act: by who joins, and by who asks.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json as object};

use crate::attestors::Country;
use crate::support::{json, refused, run, text};

const SQL: &str = "SELECT COUNT(*) AS patients FROM patient";

/// A home with a published dataset, a researcher, and an issuer that the ledger trusts for both kinds.
struct Office(Country);

impl Office {
    fn new() -> Office {
        let country = Country::with_records();
        country.go("party register --name lab --role researcher --country JP --usdc 5000");
        country.go("publish --custodian clinic");
        for name in ["issuer.json", "holder.json", "stranger.json"] {
            country.desk(&format!("identity new --light --out @{name}"));
        }
        let office = Office(country);
        let did = office.did("issuer.json");
        office.0.go(&format!(
            "party register --name ministry --role issuer --country DE --did {did} --kinds patient-identity,ethics-approval"
        ));
        office
    }

    fn did(&self, name: &str) -> String {
        let shown = self.0.desk(&format!("identity show --keystore @{name}"));
        shown["did"].as_str().unwrap().to_owned()
    }

    /// A presentation of a credential of `kind` by `issuer`, for the challenge that `ask` prints.
    fn present(&self, kind: &str, claims: &Value, issuer: &str, ask: &str, name: &str) -> PathBuf {
        let country = &self.0;
        fs::write(country.path("claims.json"), claims.to_string()).unwrap();
        let holder = self.did("holder.json");
        country.desk(&format!(
            "credential issue --keystore @{issuer} --kind {kind} --subject {holder} --claims @claims.json --days 100 --out @{name}-c.json"
        ));
        let asked = country.go(ask);
        country.desk(&format!(
            "credential present --keystore @holder.json --credential @{name}-c.json --challenge {} --domain {} --out @{name}.json",
            asked["challenge"].as_str().unwrap(),
            asked["domain"].as_str().unwrap()
        ));
        country.path(&format!("{name}.json"))
    }

    fn home(&self) -> &str {
        text(&self.0.home)
    }

    fn log(&self, kind: &str) -> Vec<Value> {
        let log = fs::read_to_string(self.0.home.join("vaults/clinic/audit.jsonl")).unwrap();
        let records = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.filter(|record| record["kind"] == kind).collect()
    }
}

#[test]
fn who_joins_can_show_who_they_are_and_attestors_look_at_it() {
    let office = Office::new();
    let claims = object!({ "country": "DE", "personHash": "11".repeat(32) });
    let ask = "member challenge --custodian clinic";
    let own = office.present("patient-identity", &claims, "issuer.json", ask, "own");
    let foreign = office.present("patient-identity", &claims, "stranger.json", ask, "foreign");
    let another = office.present(
        "patient-identity",
        &claims,
        "issuer.json",
        "party challenge --name lab --for-study",
        "another",
    );
    let join = ["member", "join", "--custodian", "clinic", "--dir", office.home(), "--credential"];
    let refusal = |file: &PathBuf| refused(&[&join[..], &[text(file)]].concat());
    let error = refusal(&foreign);
    assert!(error.contains("patient-identity") && error.contains("trust"), "{error}");
    assert!(refusal(&another).contains("challenge"), "made for another act");
    assert!(office.log("credential_shown").is_empty());
    let joined = json(&[&join[..], &[text(&own)]].concat());
    assert_eq!(joined["members"].as_array().unwrap().len(), 1);
    let shown = office.log("credential_shown");
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0]["details"]["credential"], "patient-identity");
    assert!(!shown[0].to_string().contains("1111111111"), "only a hash of it is kept");
    // It was for that account alone.
    assert!(refusal(&own).contains("challenge"), "the next member has another account");
}

#[test]
fn a_custodian_that_requires_an_ethics_approval_answers_nobody_without() {
    let office = Office::new();
    let country = &office.0;
    let bought = country.go("licence buy --researcher lab --uses 4");
    assert_eq!(bought["ethics_approval_required_by"], object!([]));
    let ask = |approval: Option<&PathBuf>| {
        let mut words = vec!["query", "--researcher", "lab", "--sql", SQL, "--dir", office.home()];
        words.extend(approval.iter().flat_map(|file| ["--ethics-approval", text(file)]));
        words.push("--json");
        let done = run(&words);
        (done.status.success(), String::from_utf8(done.stdout).unwrap())
    };
    assert!(ask(None).0, "nothing is required at first");
    assert!(office.log("credential_shown").is_empty());
    let required = country.go("party require --name clinic --kinds ethics-approval");
    assert_eq!(required["requires"], object!(["ethics-approval"]));
    let (answered, said) = ask(None);
    assert!(!answered && said.contains("requires an ethics-approval"), "{said}");
    // Who buys now is told before the first question.
    let buy = run(&["licence", "buy", "--researcher", "lab", "--dir", office.home()]);
    let told = String::from_utf8(buy.stderr).unwrap();
    assert!(told.contains("(clinic)") && told.contains("--ethics-approval"), "{told}");
    let bought = country.go("licence buy --researcher lab");
    assert_eq!(bought["ethics_approval_required_by"], object!(["clinic"]));

    let challenge = "party challenge --name lab --for-study";
    let study = |purposes: &[&str]| object!({ "committee": "E", "protocol": "P", "country": "DE", "purposes": purposes });
    let own = office.present("ethics-approval", &study(&["HMB"]), "issuer.json", challenge, "own");
    let foreign =
        office.present("ethics-approval", &study(&["HMB"]), "stranger.json", challenge, "foreign");
    let narrow =
        office.present("ethics-approval", &study(&["GRU"]), "issuer.json", challenge, "narrow");
    let (answered, said) = ask(Some(&foreign));
    assert!(!answered && said.contains("trust"), "{said}");
    let (answered, said) = ask(Some(&narrow));
    assert!(!answered && said.contains("for other purposes"), "{said}");
    let (answered, said) = ask(Some(&own));
    assert!(answered, "{said}");
    let shown = office.log("credential_shown");
    assert_eq!(shown.len(), 1, "the one that counted");
    assert_eq!(shown[0]["details"]["credential"], "ethics-approval");

    let job = shown[0]["details"]["job"].as_u64().unwrap();
    let used = country.go(&format!("confirm use --dataset 1 --job {job}"));
    assert_eq!(used["statement"], "USE", "what came with the question shows an approved use");
    country.go("party require --name clinic --kinds none");
    assert_eq!(country.go("audit verify")["verified"], true);
}
