//! Keys in sealed files, credentials from issuing to taking back, and registering with evidence.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use caduceus_identity::credential::time_text;
use serde_json::{Value, json as object};

use crate::support::{at, folder, json, refused, refused_json, run, text};

/// A folder with passwords, claims, and a key for an issuer and for a holder.
struct Desk {
    dir: tempfile::TempDir,
    issuer: String,
    holder: String,
}

impl Desk {
    fn new() -> Desk {
        let dir = folder();
        fs::write(dir.path().join("pw"), "correct horse battery\n").unwrap();
        fs::write(dir.path().join("other"), "wrong horse\n").unwrap();
        let desk = Desk { dir, issuer: String::new(), holder: String::new() };
        let made = |name: &str| {
            let line = format!("identity new --light --out {}", desk.path(name));
            desk.with_password(&line)["did"].as_str().unwrap().to_owned()
        };
        let (issuer, holder) = (made("issuer.json"), made("holder.json"));
        Desk { issuer, holder, ..desk }
    }

    fn path(&self, name: &str) -> String {
        text(&self.dir.path().join(name)).to_owned()
    }

    /// The line's words, with `@name` for a file of this folder.
    fn words(&self, line: &str) -> Vec<String> {
        let word = |word: &str| match word.strip_prefix('@') {
            Some(name) => self.path(name),
            None => word.to_owned(),
        };
        line.split_whitespace().map(word).collect()
    }

    fn go(&self, line: &str) -> Value {
        let words = self.words(line);
        json(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn with_password(&self, line: &str) -> Value {
        self.go(&format!("{line} --password-file @pw"))
    }

    /// What a command that must fail says, and that it exits with `code`.
    fn refuse(&self, line: &str, code: i32) -> String {
        let words = self.words(line);
        refused_json(&words.iter().map(String::as_str).collect::<Vec<_>>(), code)
    }

    /// The codes of all reasons against `file`; the process must exit with 1 exactly where there are some.
    fn reasons(&self, line: &str) -> Vec<String> {
        let words = self.words(&format!("credential verify {line} --json"));
        let output = run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        let reasons = found["reasons"].as_array().unwrap();
        assert_eq!(found["verified"], reasons.is_empty());
        assert_eq!(output.status.code(), Some(i32::from(!reasons.is_empty())));
        reasons.iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
    }

    /// A researcher's accreditation in `out`.
    fn accredit(&self, out: &str, more: &str) -> Value {
        let claims =
            object!({ "organization": "Sakura Institute", "country": "JP", "purposes": ["HMB"] });
        self.write("claims.json", &claims.to_string());
        self.with_password(&format!(
            "credential issue --keystore @issuer.json --kind researcher-accreditation --subject {} \
             --claims @claims.json --out @{out} {more}",
            self.holder
        ))
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_str(&fs::read_to_string(self.dir.path().join(name)).unwrap()).unwrap()
    }

    fn trust(&self, file: &str, kind: &str, country: &str) {
        let list = format!(
            "[[issuer]]\ndid = \"{}\"\nkinds = [\"{kind}\"]\ncountries = [\"{country}\"]\n",
            self.issuer
        );
        self.write(file, &list);
    }
}

#[test]
fn a_key_is_kept_shown_replaced_brought_in_and_given_out() {
    let desk = Desk::new();
    let shown = desk.go("identity show --keystore @issuer.json");
    assert_eq!((&shown["did"], &shown["opened"]), (&object!(desk.issuer), &object!(false)));
    let opened = desk.with_password("identity show --keystore @issuer.json");
    assert_eq!((&opened["did"], &opened["opened"]), (&object!(desk.issuer), &object!(true)));
    let web = desk.go("identity show --keystore @issuer.json --did did:web:ministry.example");
    assert_eq!(web["document"]["id"], "did:web:ministry.example");
    let wrong = desk.refuse("identity show --keystore @issuer.json --password-file @other", 1);
    assert!(wrong.contains("the password is wrong"), "{wrong}");

    // A bare key goes in and comes out the same; both files are for their owner alone.
    desk.write("raw", &format!("0x{}\n", "1f".repeat(32)));
    let account =
        desk.with_password("identity import --key-file @raw --kind secp256k1 --out @account.json");
    assert!(account["account"].as_str().unwrap().starts_with("0x"), "{account}");
    desk.with_password("identity export --keystore @account.json --out @bare");
    let bare = fs::read_to_string(desk.dir.path().join("bare")).unwrap();
    assert_eq!(bare.trim(), "1f".repeat(32));
    #[cfg(unix)]
    for name in ["bare", "account.json"] {
        let permissions = fs::metadata(desk.dir.path().join(name)).unwrap().permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o777, 0o600);
    }

    let rotated = desk.with_password(
        "identity rotate --keystore @issuer.json --out @issuer-2.json --statement @rotation.json",
    );
    assert_eq!(rotated["from"], object!(desk.issuer));
    assert!(desk.reasons("--input @rotation.json --offline").is_empty());
    let statement = desk.read("rotation.json");
    assert_eq!(statement["credentialSubject"]["id"], rotated["to"]);
    let changed =
        "identity rotate --keystore @holder.json --password-only --new-password-file @other";
    desk.with_password(changed);
    assert!(
        desk.refuse(&format!("{changed} --password-file @pw"), 1).contains("password is wrong")
    );

    let kept = desk.refuse("identity new --out @issuer.json --password-file @pw", 1);
    assert!(kept.contains("is there already"), "{kept}");
    let mut absurd = desk.read("account.json");
    absurd["crypto"]["kdfparams"]["n"] = object!(1u64 << 40);
    desk.write("absurd.json", &absurd.to_string());
    let refused = desk.refuse("identity show --keystore @absurd.json --password-file @pw", 2);
    assert!(refused.contains("MiB of memory"), "{refused}");
}

#[test]
fn a_credential_is_issued_presented_verified_and_taken_back() {
    let desk = Desk::new();
    let list = "--url https://ministry.example/status/1 --keystore @issuer.json";
    desk.with_password(&format!("credential status --new @revoked.json {list}"));
    let suspended = list.replace("status/1", "status/2");
    desk.with_password(&format!(
        "credential status --new @paused.json --purpose suspension {suspended}"
    ));
    let lists = "--status-list @revoked.json --status-list @paused.json";
    desk.accredit("a.json", &format!("--days 365 {lists}"));
    desk.with_password(
        "credential present --keystore @holder.json --credential @a.json --challenge c1 --domain d --out @p.json",
    );
    desk.trust("trust.toml", "researcher-accreditation", "JP");
    let verify = format!("--input @p.json --trust @trust.toml --offline {lists}");
    assert!(desk.reasons(&format!("{verify} --challenge c1 --domain d")).is_empty());
    let replayed = desk.reasons(&format!("{verify} --challenge c2 --domain e"));
    assert_eq!(replayed, ["wrong-challenge", "wrong-domain"]);
    assert!(desk.refuse(&format!("credential verify {verify}"), 2).contains("--challenge"));

    let stolen = "credential present --keystore @issuer.json --credential @a.json --challenge c1 --domain d --out @q.json --password-file @pw";
    assert!(desk.refuse(stolen, 1).contains("is about another"));

    // An entry is for one credential: with two, one could not be taken back without the other.
    let third = list.replace("status/1", "status/3");
    desk.with_password(&format!("credential status --new @third.json {third}"));
    let seventh = "--days 9 --status-index 7 --status-list @third.json";
    assert_eq!(desk.accredit("b.json", seventh)["status_index"], 7);
    let again = format!(
        "credential issue --keystore @issuer.json --kind researcher-accreditation --subject {} \
         --claims @claims.json --out @c.json {seventh} --password-file @pw",
        desk.holder
    );
    assert!(desk.refuse(&again, 2).contains("given to another credential"));
    desk.accredit("c.json", "--days 9 --status-list @third.json");
    assert_eq!(desk.read("third.json.given").as_array().unwrap().len(), 2);

    let alone = format!("--input @a.json --offline {lists}");
    assert!(desk.reasons(&alone).is_empty());
    assert_eq!(desk.reasons(&format!("{alone} --challenge c1 --domain d")), ["not-holder"]);
    assert_eq!(
        desk.reasons(&format!("{alone} --at 2001-01-01T00:00:00Z"))[..2],
        ["proof-time", "not-yet-valid"]
    );
    let over = desk.reasons(&format!("{alone} --at 2101-01-01T00:00:00Z"));
    assert_eq!(over, ["expired", "status-unknown", "status-unknown"]);
    assert_eq!(desk.reasons("--input @a.json --offline"), ["status-unknown", "status-unknown"]);
    desk.trust("elsewhere.toml", "researcher-accreditation", "DE");
    assert_eq!(desk.reasons(&format!("{alone} --trust @elsewhere.toml")), ["untrusted-issuer"]);

    let take = |list: &str, more: &str| {
        desk.with_password(&format!(
            "credential revoke --keystore @issuer.json --credential @a.json --status-list @{list} {more}"
        ))
    };
    // Nobody serves an old list for ever.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let later = time_text(i64::try_from(now).unwrap() + 100 * 24 * 3_600);
    assert_eq!(
        desk.reasons(&format!("{alone} --at {later}")),
        ["status-unknown", "status-unknown"]
    );
    desk.with_password("credential renew --keystore @issuer.json --status-list @paused.json");
    let foreign =
        "credential renew --keystore @holder.json --status-list @paused.json --password-file @pw";
    assert!(desk.refuse(foreign, 1).contains("is the list of"));
    assert!(desk.reasons(&alone).is_empty());
    assert_eq!(take("paused.json", "")["set"], true);
    assert_eq!(desk.reasons(&alone), ["suspended"]);
    assert_eq!(take("paused.json", "--undo")["set"], false);
    assert!(desk.reasons(&alone).is_empty());
    take("revoked.json", "");
    assert_eq!(desk.reasons(&alone), ["revoked"]);
    let where_it_is = desk.go("credential status --credential @a.json --status-list @revoked.json");
    assert_eq!(where_it_is["set"], true);
    let undo = "credential revoke --keystore @issuer.json --credential @a.json --status-list @revoked.json --undo --password-file @pw";
    assert!(desk.refuse(undo, 2).contains("for good"));
    let foreign = "credential revoke --keystore @holder.json --credential @a.json --status-list @paused.json --password-file @pw";
    assert!(desk.refuse(foreign, 1).contains("is the list of"));

    let mut altered = desk.read("a.json");
    altered["credentialSubject"]["country"] = object!("DE");
    desk.write("altered.json", &altered.to_string());
    let reasons = desk.reasons(&format!("--input @altered.json --offline {lists}"));
    assert_eq!(reasons, ["altered-proof", "revoked"], "all reasons, not the first");
}

#[test]
fn what_is_no_credential_is_the_callers_fault() {
    let desk = Desk::new();
    desk.accredit("a.json", "--days 1");
    let good = fs::read_to_string(desk.dir.path().join("a.json")).unwrap();
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(99), "]".repeat(99));
    let cases = [
        ("twice", good.replacen('{', "{\"issuer\":\"did:key:zOther\",", 1), "repeats a member"),
        ("deep", deep, "nested deeper"),
        ("long", " ".repeat(300_000), "longer than"),
        ("half", good[..good.len() / 2].to_owned(), "not JSON"),
        ("other", "{}".to_owned(), "no verifiable credential"),
        ("text", "hello".to_owned(), "no SD-JWT"),
    ];
    for (name, content, why) in cases {
        desk.write(name, &content);
        let error = desk.refuse(&format!("credential verify --input @{name} --offline"), 2);
        assert!(error.contains(why), "{name}: {error}");
    }
    desk.write("claims.json", r#"{"country":"Japan"}"#);
    let issue = format!(
        "credential issue --keystore @issuer.json --password-file @pw --kind researcher-accreditation --subject {} --claims @claims.json --days 9 --out @b.json",
        desk.holder
    );
    let error = desk.refuse(&issue, 2);
    assert!(error.contains("`country`") && error.contains("`organization`"), "{error}");
    let error = desk.refuse(&issue.replace("researcher-accreditation", "diploma"), 2);
    assert!(error.contains("there is no kind of credential `diploma`"), "{error}");
    let error = desk.refuse("credential verify --input @a.json --at yesterday --offline", 2);
    assert!(error.contains("`yesterday` is no time"), "{error}");
}

#[test]
fn a_holder_shows_a_part_of_an_sd_jwt() {
    let desk = Desk::new();
    desk.accredit("a.sdjwt", "--days 30 --format sd-jwt --conceal organization,purposes");
    assert!(desk.reasons("--input @a.sdjwt --offline").is_empty());
    desk.with_password(
        "credential present --keystore @holder.json --credential @a.sdjwt --disclose organization --challenge c --domain d --out @p.sdjwt",
    );
    desk.trust("trust.toml", "researcher-accreditation", "JP");
    let verify =
        "credential verify --input @p.sdjwt --challenge c --domain d --trust @trust.toml --offline";
    let found = desk.go(verify);
    let claims = &found["credentials"][0]["claims"];
    assert_eq!(claims["organization"], "Sakura Institute");
    assert!(claims.get("purposes").is_none() && !found.to_string().contains("HMB"), "{found}");
    let other = "--input @p.sdjwt --challenge x --domain y --offline";
    assert_eq!(desk.reasons(other), ["wrong-challenge", "wrong-domain"]);
    let unbound = "--input @a.sdjwt --challenge c --domain d --offline";
    assert_eq!(desk.reasons(unbound), ["no-key-binding"]);
    let stolen = "credential present --keystore @issuer.json --credential @a.sdjwt --challenge c --domain d --out @stolen.sdjwt --password-file @pw";
    assert!(desk.refuse(stolen, 1).contains("is about another"));
}

/// Serves the files of `folder` on this machine, for as long as the test runs. Gives the port.
fn serve(folder: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = String::new();
            BufReader::new(&stream).read_line(&mut head).unwrap();
            let path = head.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
            let (state, body) = match fs::read(folder.join(path)) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {state}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    port
}

#[test]
fn an_issuer_with_a_web_server_is_looked_up_there_and_so_is_its_status_list() {
    let desk = Desk::new();
    let port = serve(desk.dir.path().join("www"));
    let did = format!("did:web:localhost%3A{port}");
    let publish = |document: &Value| {
        fs::create_dir_all(desk.dir.path().join("www/.well-known")).unwrap();
        desk.write("www/.well-known/did.json", &document.to_string());
    };
    let show = |key: &str, more: &str| {
        desk.go(&format!("identity show --keystore @{key} --did {did} {more}"))["document"].clone()
    };
    let list =
        format!("--url http://localhost:{port}/status.json --keystore @issuer.json --as {did}");
    desk.with_password(&format!("credential status --new @status.json {list}"));
    desk.accredit("a.json", &format!("--days 9 --status-list @status.json --as {did}"));
    let verify = "--input @a.json --loopback";
    assert_eq!(desk.reasons(verify), ["unresolved", "status-unknown"], "nothing is published yet");
    publish(&show("issuer.json", ""));
    assert_eq!(desk.reasons(verify), ["status-unknown"]);
    fs::copy(desk.path("status.json"), desk.path("www/status.json")).unwrap();
    assert!(desk.reasons(verify).is_empty());
    let error = desk.reasons("--input @a.json");
    assert_eq!(error, ["unresolved", "status-unknown"], "this machine is asked only on request");

    // A new key follows; what the earlier one signed stays valid while the document keeps it.
    desk.with_password("identity rotate --keystore @issuer.json --out @issuer-2.json");
    publish(&show("issuer-2.json", &format!("--earlier {}", desk.issuer)));
    assert!(desk.reasons(verify).is_empty());
    publish(&show("issuer-2.json", ""));
    assert_eq!(desk.reasons(verify), ["wrong-key", "status-unknown"]);
    // The same from files, where nobody may be asked.
    desk.write("document.json", &show("issuer.json", "").to_string());
    let files =
        "--input @a.json --offline --did-document @document.json --status-list @status.json";
    assert!(desk.reasons(files).is_empty());

    let revoke =
        "credential revoke --keystore @issuer.json --credential @a.json --status-list @status.json";
    desk.with_password(&format!("{revoke} --as {did}"));
    publish(&show("issuer.json", ""));
    fs::copy(desk.path("status.json"), desk.path("www/status.json")).unwrap();
    assert_eq!(desk.reasons(verify), ["revoked"]);
}

/// Presents `credential` for registering `name` in `home`, into `out`.
fn answer(desk: &Desk, home: &str, name: &str, credential: &str, out: &str) {
    let asked = json(&at(home, &format!("party challenge --name {name}")));
    desk.with_password(&format!(
        "credential present --keystore @holder.json --credential @{credential} --challenge {} --domain {} --out @{out}",
        asked["challenge"].as_str().unwrap(),
        asked["domain"].as_str().unwrap()
    ));
}

#[test]
fn a_party_registers_with_its_accreditation_and_the_ledger_ends_it_with_the_credential() {
    let desk = Desk::new();
    let home = &desk.path("home");
    json(&at(home, "init --seed 61"));
    let list = "--url https://ministry.example/status/1 --keystore @issuer.json";
    desk.with_password(&format!("credential status --new @revoked.json {list}"));
    desk.accredit("a.json", "--days 100 --status-list @revoked.json");
    answer(&desk, home, "lab", "a.json", "p.json");
    let register = |name: &str, country: &str, file: &str| {
        format!(
            "party register --name {name} --role researcher --country {country} --credential {} --status-list {} --offline",
            desk.path(file),
            desk.path("revoked.json")
        )
    };
    let no_trust = refused(&at(home, &register("lab", "JP", "p.json")));
    assert!(no_trust.contains("not trusted to issue a researcher-accreditation"), "{no_trust}");
    let council =
        format!("party register --name council --role issuer --country JP --did {}", desk.issuer);
    let trust = |kinds: &str| json(&at(home, &format!("{council} --kinds {kinds}")));
    let said = trust("researcher-accreditation");
    assert_eq!(said["changed"][0]["to"], object!("researcher-accreditation"));
    assert_eq!(trust("researcher-accreditation")["changed"], object!([]));
    for (line, why) in [
        (format!("{council} --kinds key-rotation"), "nobody has to be trusted"),
        (council.replace("did:key", "did:example"), "--kinds"),
        (format!("{council} --kinds diploma"), "no kind of credential"),
        ("party register --name council --role issuer --country JP".to_owned(), "--did"),
        (
            format!("{council} --kinds ethics-approval").replace("--name council", "--name rival"),
            "another party answers",
        ),
    ] {
        let error = refused(&at(home, &line));
        assert!(error.contains(why), "{line}: {error}");
    }
    let bad = [
        (register("lab", "DE", "p.json"), "for another country than DE"),
        (register("other", "JP", "p.json"), "it answers another challenge"),
        (register("lab", "JP", "a.json"), "has to be presented"),
        (
            register("lab", "JP", "p.json").replace("researcher", "custodian"),
            "which a custodian needs",
        ),
    ];
    for (line, why) in bad {
        let error = refused(&at(home, &line));
        assert!(error.contains(why), "{line}: {error}");
    }
    assert!(!json(&at(home, "party list")).to_string().contains("\"lab\""));

    // The word of an issuer counts for its kinds, and for its own country unless said otherwise.
    trust("custodian-accreditation");
    let error = refused(&at(home, &register("lab", "JP", "p.json")));
    assert!(error.contains("not trusted to issue a researcher-accreditation"), "{error}");
    trust("researcher-accreditation");

    json(&at(home, &register("lab", "JP", "p.json")));
    // The same call changes nothing, and neither does one without the credential: its end counts and not the operator's word.
    let plain = "party register --name lab --role researcher --country JP";
    for line in [&register("lab", "JP", "p.json"), plain] {
        assert_eq!(json(&at(home, line))["changed"], object!([]), "{line}");
    }
    let without = json(&at(home, &format!("{plain} --unaccredited")));
    let change = &without["changed"][0];
    assert_eq!(
        (&change["what"], &change["to"]),
        (&object!("accreditation"), &object!("none in force"))
    );
    assert!(
        ["good for 99 days", "good for 100 days"].contains(&change["from"].as_str().unwrap()),
        "{change}"
    );

    desk.with_password(
        "credential revoke --keystore @issuer.json --credential @a.json --status-list @revoked.json",
    );
    let error = refused(&at(home, &register("lab", "JP", "p.json")));
    assert!(error.contains("its issuer has revoked it"), "{error}");
    trust("none");
    let error = refused(&at(home, &register("lab", "JP", "p.json")));
    assert!(error.contains("revoked") && error.contains("not trusted"), "all reasons: {error}");
}

#[test]
fn a_party_s_account_goes_into_a_wallets_file() {
    let desk = Desk::new();
    let home = &desk.path("home");
    json(&at(home, "init --seed 62"));
    let party = json(&at(home, "party register --name clinic --role custodian --country DE"));
    let line = format!(
        "identity export --party clinic --out {} --password-file {}",
        desk.path("clinic.json"),
        desk.path("pw")
    );
    let exported = json(&at(home, &line));
    let account = party["address"].as_str().unwrap();
    assert!(exported["account"].as_str().unwrap().eq_ignore_ascii_case(account), "{exported}");
    let opened = desk.with_password("identity show --keystore @clinic.json");
    assert_eq!(opened["account"], exported["account"]);
    assert!(
        refused(&at(home, &line.replace("--party clinic", "--party nobody"))).contains("nobody")
    );
}
