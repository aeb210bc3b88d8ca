//! The Bulk Data client against a server that speaks the protocol over loopback.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use caduceus_node::bulk::{BulkError, BulkReport, BulkRequest, Credentials, export};
use caduceus_node::{NodeError, Reporter, Result};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

const PATIENTS: &str =
    "{\"resourceType\":\"Patient\",\"id\":\"a\"}\n{\"resourceType\":\"Patient\",\"id\":\"b\"}\n";
const CONDITIONS: &str = "{\"resourceType\":\"Condition\",\"id\":\"c\"}";

/// How the server behaves, and what it was asked.
#[derive(Default)]
struct Script {
    /// Statuses that the next requests to a path get in place of an answer.
    failures: BTreeMap<&'static str, Vec<StatusCode>>,
    /// Times that the status is "not yet".
    pending: usize,
    /// Whether a token is wanted, and by whose signature.
    key: Option<(Algorithm, DecodingKey)>,
    asked: Vec<String>,
    headers: BTreeMap<String, HeaderMap>,
    tokens: usize,
}

type Shared = Arc<Mutex<Script>>;

async fn answer(
    State(script): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut script = script.lock().unwrap();
    let path = uri.path().to_owned();
    script.asked.push(format!("{method} {uri}"));
    script.headers.insert(path.clone(), headers.clone());
    if let Some(failures) = script.failures.get_mut(path.as_str())
        && !failures.is_empty()
    {
        let outcome = json!({ "resourceType": "OperationOutcome", "issue": [{ "diagnostics": "not today" }] });
        return (failures.remove(0), [("retry-after", "0")], outcome.to_string()).into_response();
    }
    if path == "/token" {
        return token(&mut script, &body);
    }
    if script.key.is_some()
        && headers.get("authorization").is_none_or(|value| value != "Bearer good")
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let host = headers["host"].to_str().unwrap();
    match path.as_str() {
        "/fhir/$export" | "/fhir/Group/g1/$export" => {
            (StatusCode::ACCEPTED, [("content-location", "/status/1")]).into_response()
        }
        "/status/1" if method == Method::DELETE => StatusCode::ACCEPTED.into_response(),
        "/status/1" if script.pending > 0 => {
            script.pending -= 1;
            (StatusCode::ACCEPTED, [("x-progress", "half"), ("retry-after", "0")]).into_response()
        }
        "/status/1" => {
            let file = |kind: &str, count: u64| json!({ "type": kind, "url": format!("http://{host}/files/{kind}"), "count": count });
            json!({
                "transactionTime": "2026-01-01T00:00:00Z",
                "request": "as asked",
                "requiresAccessToken": script.key.is_some(),
                "output": [file("Patient", 2), file("Condition", 1)],
                "error": [file("OperationOutcome", 0)],
            })
            .to_string()
            .into_response()
        }
        "/files/Patient" => PATIENTS.into_response(),
        "/files/Condition" => CONDITIONS.into_response(),
        "/files/OperationOutcome" => "".into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Gives a token to whoever signed rightly.
fn token(script: &mut Script, body: &Bytes) -> Response {
    script.tokens += 1;
    let form: BTreeMap<_, _> = url::form_urlencoded::parse(body).into_owned().collect();
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["scope"], "system/*.read");
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(form["client_assertion_type"], kind);
    let (algorithm, key) = script.key.as_ref().unwrap();
    let mut validation = Validation::new(*algorithm);
    validation.validate_aud = false;
    let claims: Value =
        jsonwebtoken::decode::<Value>(&form["client_assertion"], key, &validation).unwrap().claims;
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!("hospital"), &json!("hospital")));
    assert!(claims["aud"].as_str().unwrap().ends_with("/token"));
    assert!(claims["jti"].as_str().unwrap().len() >= 32);
    json!({ "access_token": "good", "token_type": "bearer", "expires_in": 300 })
        .to_string()
        .into_response()
}

/// A server on a free port; its address.
async fn serve(script: Script) -> (String, Shared) {
    let script = Arc::new(Mutex::new(script));
    let router = Router::new().fallback(answer).with_state(script.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, script)
}

fn request(address: &str) -> BulkRequest {
    BulkRequest {
        url: format!("{address}/fhir/"),
        group: None,
        patients: false,
        types: Vec::new(),
        since: None,
        credentials: None,
        first_wait: Duration::from_millis(1),
    }
}

async fn run(request: &BulkRequest, folder: &Path) -> Result<BulkReport> {
    export(request, folder, &Reporter::silent()).await
}

fn asked(script: &Shared, what: &str) -> usize {
    script.lock().unwrap().asked.iter().filter(|line| line.starts_with(what)).count()
}

#[tokio::test]
async fn an_export_is_kicked_off_waited_for_and_fetched() {
    let (address, script) = serve(Script { pending: 3, ..Script::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let wanted = BulkRequest {
        group: Some("g1".into()),
        types: vec!["Patient".into(), "Condition".into()],
        since: Some("2025-01-01T00:00:00+01:00".into()),
        ..request(&address)
    };
    let report = run(&wanted, folder.path()).await.unwrap();
    let found: Vec<_> =
        report.files.iter().map(|file| (file.kind.as_str(), file.resources)).collect();
    assert_eq!(found, [("Patient", 2), ("Condition", 1)]);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("Patient.0000.ndjson")).unwrap(),
        PATIENTS
    );
    assert_eq!((report.errors.len(), report.fetched), (1, 3));
    assert_eq!(report.transaction_time.as_deref(), Some("2026-01-01T00:00:00Z"));
    assert_eq!(asked(&script, "GET /status/1"), 4);
    assert_eq!(asked(&script, "DELETE /status/1"), 1);
    let first = script.lock().unwrap().asked[0].clone();
    assert_eq!(
        first,
        "GET /fhir/Group/g1/$export?_outputFormat=application%2Ffhir%2Bndjson&_type=Patient%2CCondition&_since=2025-01-01T00%3A00%3A00%2B01%3A00"
    );
    let headers = script.lock().unwrap().headers["/fhir/Group/g1/$export"].clone();
    assert_eq!(
        (&headers["prefer"], &headers["accept"]),
        (&"respond-async".parse().unwrap(), &"application/fhir+json".parse().unwrap())
    );
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    let busy = vec![StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE];
    let failures = BTreeMap::from([
        ("/fhir/$export", busy.clone()),
        ("/status/1", busy.clone()),
        ("/files/Condition", busy),
    ]);
    let (address, script) = serve(Script { failures, ..Script::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let report = run(&request(&address), folder.path()).await.unwrap();
    assert_eq!(report.files.len(), 2);
    assert_eq!(asked(&script, "GET /fhir/$export"), 3);
}

#[tokio::test]
async fn what_was_cut_off_goes_on_where_it_was() {
    let failures = BTreeMap::from([("/files/Condition", vec![StatusCode::FORBIDDEN])]);
    let (address, script) = serve(Script { failures, ..Script::default() }).await;
    let folder = tempfile::tempdir().unwrap();
    let error = run(&request(&address), folder.path()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server refused a file of the export with status 403: not today"
    );
    let report = run(&request(&address), folder.path()).await.unwrap();
    assert_eq!((report.files.len(), report.fetched), (2, 2));
    for once in ["GET /fhir/$export", "GET /status/1", "GET /files/Patient"] {
        assert_eq!(asked(&script, once), 1, "{once}");
    }
    // All is there: nothing is fetched again, and another export is not mixed in.
    assert_eq!(run(&request(&address), folder.path()).await.unwrap().fetched, 0);
    let other = BulkRequest { types: vec!["Patient".into()], ..request(&address) };
    let refused = run(&other, folder.path()).await;
    assert!(matches!(refused, Err(NodeError::Bulk(BulkError::OtherExport { .. }))));
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    assert!(names.into_iter().all(|path| path.extension().unwrap() != "partial"));
}

#[tokio::test]
async fn a_server_without_the_protocol_is_named_as_such() {
    let (address, _) = serve(Script::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = BulkRequest { url: format!("{address}/elsewhere"), ..request(&address) };
    let error = run(&elsewhere, folder.path()).await.unwrap_err();
    assert_eq!(error.to_string(), "the server refused the kick-off with status 404");
    for url in ["no address", "ftp://x/y"] {
        let error = run(&BulkRequest { url: url.into(), ..request(&address) }, folder.path()).await;
        assert!(matches!(error, Err(NodeError::Bulk(BulkError::Address(_)))));
    }
}

/// A key as PEM in a file, with what verifies its signatures.
fn key(folder: &Path, algorithm: Algorithm) -> (std::path::PathBuf, DecodingKey) {
    let (der, public) = match algorithm {
        Algorithm::ES384 => {
            let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
            let random = aws_lc_rs::rand::SystemRandom::new();
            let der = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref()).unwrap();
            (der.as_ref().to_vec(), DecodingKey::from_ec_der(pair.public_key().as_ref()))
        }
        _ => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
            (der.as_ref().to_vec(), DecodingKey::from_rsa_der(pair.public_key().as_ref()))
        }
    };
    let path = folder.join("key.pem");
    std::fs::write(&path, pem::encode(&pem::Pem::new("PRIVATE KEY", der))).unwrap();
    (path, public)
}

#[tokio::test]
async fn a_signed_statement_buys_the_token_that_every_request_carries() {
    for algorithm in [Algorithm::ES384, Algorithm::RS384] {
        let keys = tempfile::tempdir().unwrap();
        let (path, public) = key(keys.path(), algorithm);
        let failures = BTreeMap::from([("/status/1", vec![StatusCode::UNAUTHORIZED])]);
        let script = Script { key: Some((algorithm, public)), failures, ..Script::default() };
        let (address, script) = serve(script).await;
        let credentials = Credentials {
            client_id: "hospital".into(),
            key: path,
            key_id: Some("first".into()),
            token_url: format!("{address}/token"),
            scope: "system/*.read".into(),
        };
        let wanted = BulkRequest { credentials: Some(credentials), ..request(&address) };
        let folder = tempfile::tempdir().unwrap();
        let report = run(&wanted, folder.path()).await.unwrap();
        assert_eq!(report.files.len(), 2, "{algorithm:?}");
        // One to begin with, one after the server did not take it any more.
        assert_eq!(script.lock().unwrap().tokens, 2);
        let state = std::fs::read_to_string(folder.path().join("export.state")).unwrap();
        assert!(!state.contains("good"), "no token is kept");
    }
}

#[tokio::test]
async fn a_key_that_cannot_sign_and_a_way_that_can_be_overheard_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    std::fs::write(&path, "no key").unwrap();
    let credentials = |token_url: &str| Credentials {
        client_id: "hospital".into(),
        key: path.clone(),
        key_id: None,
        token_url: token_url.into(),
        scope: "system/*.read".into(),
    };
    let with = |token_url| BulkRequest {
        credentials: Some(credentials(token_url)),
        ..request("https://fhir.example.org")
    };
    let bad = run(&with("https://auth.example.org/token"), &folder.path().join("a")).await;
    assert!(matches!(bad, Err(NodeError::Bulk(BulkError::Key { .. }))));
    let overheard = run(&with("http://auth.example.org/token"), &folder.path().join("b")).await;
    assert!(matches!(overheard, Err(NodeError::Bulk(BulkError::Unencrypted(_)))));
}
