//! A client of FHIR Bulk Data `$export` (HL7 Bulk Data Access 2.0): kick-off, waiting, manifest, files.
//!
//! An export may take a server hours, so everything that was reached is written to a state file in the folder before the
//! next step begins: a run that was cut off goes on where it was, and files that are whole stay.

mod authorization;
mod state;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, CONTENT_LOCATION, HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

pub use authorization::Credentials;
use authorization::Tokens;
use state::State;

use crate::error::{NodeError, Result};
use crate::report::Reporter;

/// Tries of one request before it is given up.
const TRIES: u32 = 8;
/// The longest wait between two requests, whatever the server asks for.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Why a bulk export did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BulkError {
    /// An address that cannot be used.
    #[error("`{0}` is no address of a server: give a URL such as https://fhir.example.org/r4")]
    Address(String),
    /// A token would travel for everybody to read.
    #[error(
        "{0} is not encrypted, and the access token would be readable on the way: use an https address"
    )]
    Unencrypted(String),
    /// The server did not answer, or not to the end.
    #[error(
        "{url} did not answer: {source}; check the address and the network, then run the same command to go on"
    )]
    Network {
        /// What was asked.
        url: String,
        /// Why not.
        source: reqwest::Error,
    },
    /// The server refused.
    #[error("the server refused {what} with status {status}{said}")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// The HTTP status.
        status: u16,
        /// What it said, as the end of a sentence; may be empty.
        said: String,
    },
    /// The server answered something that is not of the protocol.
    #[error("the server's answer to {what} {wrong}; it may not support Bulk Data $export")]
    Protocol {
        /// What was asked.
        what: &'static str,
        /// What is wrong with it.
        wrong: &'static str,
    },
    /// The folder is that of another export.
    #[error("{folder} holds another export (of {request}); name an empty folder with --out", folder = .folder.display())]
    OtherExport {
        /// The folder.
        folder: PathBuf,
        /// What is exported there.
        request: String,
    },
    /// The server does not know the export any more.
    #[error("the server has given up this export; take what is in {folder} or start anew with an empty folder", folder = .0.display())]
    Expired(PathBuf),
    /// The key cannot sign.
    #[error("{path} is no private key that can sign: {why}; give an RSA or P-384 key as PEM (PKCS#8), made for example with `openssl genpkey`", path = .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why not; says nothing of the key.
        why: String,
    },
}

/// What to export.
#[derive(Clone, Debug)]
pub struct BulkRequest {
    /// The server's FHIR base address.
    pub url: String,
    /// The group whose patients are exported; without it, everything that the server has.
    pub group: Option<String>,
    /// Whether only what belongs to patients is exported.
    pub patients: bool,
    /// Types of resources; all if empty.
    pub types: Vec<String>,
    /// Only what changed since this instant (FHIR instant).
    pub since: Option<String>,
    /// Who asks, where the server wants to know.
    pub credentials: Option<Credentials>,
    /// The first wait for the server; grows with each that was in vain.
    pub first_wait: Duration,
}

/// What came of an export.
#[derive(Debug, Serialize)]
pub struct BulkReport {
    /// The files, in the server's order.
    pub files: Vec<BulkFile>,
    /// The server's own notes about what it could not export.
    pub errors: Vec<BulkFile>,
    /// The moment as of which the data are, as the server says it.
    pub transaction_time: Option<String>,
    /// Whether anything was fetched, or all was there from an earlier run.
    pub fetched: usize,
}

/// One file of an export.
#[derive(Debug, Serialize)]
pub struct BulkFile {
    /// Its type of resource.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it is.
    pub path: String,
    /// Its lines, which are its resources.
    pub resources: u64,
}

/// The server's list of files (Bulk Data Access 2.0, complete status).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    transaction_time: Option<String>,
    #[serde(default)]
    requires_access_token: bool,
    #[serde(default)]
    output: Vec<Output>,
    #[serde(default)]
    error: Vec<Output>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Output {
    #[serde(rename = "type")]
    kind: String,
    url: String,
    #[serde(default)]
    count: Option<u64>,
}

/// Exports into `folder`, or goes on with an export that was begun there.
///
/// # Errors
/// [`NodeError::Bulk`] and [`NodeError::File`]; what is in the folder stays, and the same call goes on.
pub async fn export(request: &BulkRequest, folder: &Path, report: &Reporter) -> Result<BulkReport> {
    let kick_off = kick_off_url(request)?;
    fs::create_dir_all(folder).map_err(|source| NodeError::file("make", folder, source))?;
    let mut state = State::open(folder, kick_off.as_str())?;
    let client = Client::builder()
        .connect_timeout(Duration::from_secs(30))
        .read_timeout(Duration::from_secs(300))
        .build()
        .map_err(|source| BulkError::Network { url: request.url.clone(), source })?;
    let tokens = request.credentials.clone().map(Tokens::new).transpose()?;
    let mut session = Session { client, tokens, first_wait: request.first_wait, report };
    if state.manifest.is_none() {
        let manifest = session.manifest(&kick_off, &mut state, folder).await?;
        state.manifest = Some(manifest);
        state.save(folder)?;
    }
    session.files(&mut state, folder).await
}

fn kick_off_url(request: &BulkRequest) -> Result<Url> {
    let bad = || BulkError::Address(request.url.clone());
    let mut url = Url::parse(&request.url).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad().into());
    }
    {
        let mut path = url.path_segments_mut().map_err(|()| bad())?;
        path.pop_if_empty();
        match &request.group {
            Some(group) => path.extend(["Group", group.as_str(), "$export"]),
            None if request.patients => path.extend(["Patient", "$export"]),
            None => path.extend(["$export"]),
        };
    }
    let mut query = url.query_pairs_mut();
    query.append_pair("_outputFormat", "application/fhir+ndjson");
    if !request.types.is_empty() {
        query.append_pair("_type", &request.types.join(","));
    }
    if let Some(since) = &request.since {
        query.append_pair("_since", since);
    }
    drop(query);
    Ok(url)
}

/// A conversation with a server.
struct Session<'s> {
    client: Client,
    tokens: Option<Tokens>,
    first_wait: Duration,
    report: &'s Reporter,
}

impl Session<'_> {
    /// Kicks the export off, unless that was done, and waits for the list of its files.
    async fn manifest(
        &mut self,
        kick_off: &Url,
        state: &mut State,
        folder: &Path,
    ) -> Result<Manifest> {
        let status = match &state.status_url {
            Some(known) => known.clone(),
            None => {
                let response = self.kick_off(kick_off).await?;
                let location = response.headers().get(CONTENT_LOCATION);
                let location = location.and_then(|value| value.to_str().ok());
                let wrong = "names no place to ask how far it is (Content-Location)";
                let location =
                    location.ok_or(BulkError::Protocol { what: "the kick-off", wrong })?;
                // Some servers give a path only.
                let joined = kick_off.join(location);
                let url = joined.map_err(|_| BulkError::Address(location.to_owned()))?;
                state.status_url = Some(url.to_string());
                state.save(folder)?;
                url.to_string()
            }
        };
        self.wait(&status, folder).await
    }

    async fn kick_off(&mut self, url: &Url) -> Result<Response> {
        const WHAT: &str = "the kick-off";
        let response = self
            .ask(WHAT, url.as_str(), true, |request| {
                request.header(ACCEPT, "application/fhir+json").header("Prefer", "respond-async")
            })
            .await?;
        match response.status() {
            StatusCode::ACCEPTED => Ok(response),
            StatusCode::OK => Err(BulkError::Protocol {
                what: WHAT,
                wrong: "came at once in place of a promise (202 Accepted)",
            }
            .into()),
            _ => Err(refused(WHAT, response).await),
        }
    }

    /// Asks how far the export is until it is complete.
    async fn wait(&mut self, url: &str, folder: &Path) -> Result<Manifest> {
        const WHAT: &str = "the status of the export";
        let mut polls = 0;
        loop {
            let response = self
                .ask(WHAT, url, true, |request| request.header(ACCEPT, "application/json"))
                .await?;
            match response.status() {
                StatusCode::ACCEPTED => {
                    polls += 1;
                    let progress = response.headers().get("x-progress");
                    if let Some(progress) = progress.and_then(|value| value.to_str().ok()) {
                        self.report.fact(format!("the server says: {progress}"));
                    }
                    self.report.progress("times asked", u64::from(polls), None);
                    let wait = self.wait_for(response.headers(), polls);
                    tokio::time::sleep(wait).await;
                }
                StatusCode::OK => {
                    let wrong = "is no list of files";
                    let manifest = response
                        .bytes()
                        .await
                        .map_err(|source| BulkError::Network { url: url.to_owned(), source })?;
                    return serde_json::from_slice(&manifest)
                        .map_err(|_| BulkError::Protocol { what: WHAT, wrong }.into());
                }
                StatusCode::NOT_FOUND | StatusCode::GONE => {
                    return Err(BulkError::Expired(folder.to_owned()).into());
                }
                _ => return Err(refused(WHAT, response).await),
            }
        }
    }

    /// Fetches every file that is not there yet.
    async fn files(&mut self, state: &mut State, folder: &Path) -> Result<BulkReport> {
        let manifest = state.manifest.clone().unwrap_or_default();
        let mut report = BulkReport {
            files: Vec::new(),
            errors: Vec::new(),
            transaction_time: manifest.transaction_time.clone(),
            fetched: 0,
        };
        let all = manifest.output.len() + manifest.error.len();
        let errors = manifest.error.iter().map(|output| (output, true));
        let outputs = manifest.output.iter().map(|output| (output, false)).chain(errors);
        for (number, (output, is_error)) in outputs.enumerate() {
            let name = file_name(number, output, is_error);
            let path = folder.join(&name);
            let resources = match state.done.get(&name) {
                Some(resources) if path.exists() => *resources,
                _ => {
                    let authorized = manifest.requires_access_token;
                    let resources = self.fetch(&output.url, authorized, &path).await?;
                    if let Some(expected) = output.count.filter(|count| *count != resources) {
                        self.report.fact(format!(
                            "{name} has {resources} resources where the server announced {expected}"
                        ));
                    }
                    state.done.insert(name, resources);
                    state.save(folder)?;
                    report.fetched += 1;
                    resources
                }
            };
            self.report.progress("files", number as u64 + 1, Some(all as u64));
            let kind = output.kind.clone();
            let file = BulkFile { kind, path: path.display().to_string(), resources };
            if is_error { report.errors.push(file) } else { report.files.push(file) }
        }
        self.tidy(state).await;
        Ok(report)
    }

    /// Fetches one file, whole or not at all; returns how many lines it has.
    async fn fetch(&mut self, url: &str, authorized: bool, path: &Path) -> Result<u64> {
        const WHAT: &str = "a file of the export";
        let mut tries = 0;
        loop {
            let response = self
                .ask(WHAT, url, authorized, |request| {
                    request.header(ACCEPT, "application/fhir+ndjson")
                })
                .await?;
            if response.status() != StatusCode::OK {
                return Err(refused(WHAT, response).await);
            }
            match save(response, path).await {
                Ok(lines) => return Ok(lines),
                Err(Saving::Disk(error)) => return Err(NodeError::file("write", path, error)),
                Err(Saving::Network(source)) => {
                    tries += 1;
                    if tries == TRIES {
                        return Err(BulkError::Network { url: url.to_owned(), source }.into());
                    }
                    tokio::time::sleep(self.wait_for(&HeaderMap::new(), tries)).await;
                }
            }
        }
    }

    /// Tells the server that it need not keep the files; one that does not understand keeps them for a while.
    async fn tidy(&mut self, state: &State) {
        if let Some(url) = &state.status_url {
            let request = self.client.delete(url);
            if let Ok(request) = self.authorize(request, url, true).await {
                // The export is complete whether or not the server forgets it.
                let _ = request.send().await;
            }
        }
    }

    /// Sends a request, again where the server is busy, away for a moment, or wants a newer token.
    async fn ask(
        &mut self,
        what: &'static str,
        url: &str,
        authorized: bool,
        shape: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response> {
        let mut tries = 0;
        loop {
            tries += 1;
            let request = self.authorize(shape(self.client.get(url)), url, authorized).await?;
            let wait = match request.send().await {
                Ok(response) if response.status() == StatusCode::UNAUTHORIZED && tries == 1 => {
                    match &mut self.tokens {
                        Some(tokens) if authorized => tokens.forget(),
                        _ => return Ok(response),
                    }
                    continue;
                }
                Ok(response) if is_passing(response.status()) && tries < TRIES => {
                    self.wait_for(response.headers(), tries)
                }
                Ok(response) => return Ok(response),
                Err(source) if tries == TRIES || source.is_builder() => {
                    let url = url.split('?').next().unwrap_or_default().to_owned();
                    return Err(BulkError::Network { url, source: source.without_url() }.into());
                }
                Err(_) => self.wait_for(&HeaderMap::new(), tries),
            };
            self.report
                .fact(format!("waiting {} s before asking for {what} again", wait.as_secs()));
            tokio::time::sleep(wait).await;
        }
    }

    async fn authorize(
        &mut self,
        request: RequestBuilder,
        url: &str,
        authorized: bool,
    ) -> Result<RequestBuilder> {
        match &mut self.tokens {
            Some(tokens) if authorized => {
                encrypted(url)?;
                Ok(request.bearer_auth(tokens.current(&self.client).await?))
            }
            _ => Ok(request),
        }
    }

    /// How long to wait: what the server asks for, otherwise half as long again after each wait that was in vain.
    fn wait_for(&self, headers: &HeaderMap, times: u32) -> Duration {
        let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let asked = asked.and_then(|text| match text.trim().parse::<u64>() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => httpdate::parse_http_date(text)
                .ok()
                .map(|date| date.duration_since(SystemTime::now()).unwrap_or_default()),
        });
        let grown = self.first_wait.mul_f64(1.5f64.powi(times.min(20) as i32 - 1));
        asked.unwrap_or(grown.min(Duration::from_secs(60))).min(LONGEST)
    }
}

/// Whether a status is one that passes by itself.
fn is_passing(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || matches!(status.as_u16(), 502..=504)
}

/// A token travels by https only, or within this machine.
fn encrypted(url: &str) -> Result<()> {
    let parsed = Url::parse(url).map_err(|_| BulkError::Address(url.to_owned()))?;
    let local = match parsed.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match parsed.scheme() == "https" || local {
        true => Ok(()),
        false => Err(BulkError::Unencrypted(format!(
            "{}://{}",
            parsed.scheme(),
            parsed.host_str().unwrap_or_default()
        ))
        .into()),
    }
}

/// What a server that refuses has to say: the diagnostics of its OperationOutcome.
async fn refused(what: &'static str, response: Response) -> NodeError {
    let status = response.status().as_u16();
    let body = response.bytes().await.unwrap_or_default();
    let outcome: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let issue = &outcome["issue"][0];
    let said = issue["diagnostics"].as_str().or(issue["details"]["text"].as_str());
    let said = said.or(outcome["error_description"].as_str()).or(outcome["error"].as_str());
    let said = said.map_or(String::new(), |said| {
        let plain: String = said.chars().filter(|c| !c.is_control()).take(300).collect();
        format!(": {plain}")
    });
    BulkError::Refused { what, status, said }.into()
}

/// A name that says the type, and is a name whatever the server says the type is.
fn file_name(number: usize, output: &Output, is_error: bool) -> String {
    let kind: String = output.kind.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    let kind = if kind.is_empty() { "Resource" } else { &kind };
    // Notes of errors are no records: under this name no reader takes them for some.
    let ending = if is_error { "errors" } else { "ndjson" };
    format!("{kind}.{number:04}.{ending}")
}

enum Saving {
    Disk(std::io::Error),
    Network(reqwest::Error),
}

/// Writes a body under a temporary name and gives it its own when it is whole; returns how many lines it has.
async fn save(mut response: Response, path: &Path) -> std::result::Result<u64, Saving> {
    let partial = path.with_extension("partial");
    let mut file = tokio::fs::File::create(&partial).await.map_err(Saving::Disk)?;
    let (mut lines, mut open) = (0, false);
    while let Some(chunk) = response.chunk().await.map_err(Saving::Network)? {
        for byte in &chunk {
            match byte {
                b'\n' => open = false,
                byte if !open && !byte.is_ascii_whitespace() => {
                    open = true;
                    lines += 1;
                }
                _ => {}
            }
        }
        file.write_all(&chunk).await.map_err(Saving::Disk)?;
    }
    file.sync_all().await.map_err(Saving::Disk)?;
    tokio::fs::rename(&partial, path).await.map_err(Saving::Disk)?;
    Ok(lines)
}
