//! Asking web servers for documents: DID documents of `did:web`, and status lists.
//!
//! A name in a credential makes this program ask a server, so whoever writes the credential must not choose where:
//! only https on its own port is asked, no redirect is followed, no address of a private network is connected to, and
//! neither the time nor the bytes of an answer are the server's to decide. A server on this machine is asked only where
//! the caller allows it, for development.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use caduceus_identity::did::{Keys, WebDid};
use caduceus_identity::json::{Limits, read};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response, Url, redirect};
use serde_json::Value;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an answer is kept, a failed one too.
const FRESH: Duration = Duration::from_secs(300);
/// How many answers are kept.
const KEPT: usize = 256;
/// The most bytes of a DID document.
const DOCUMENT_BYTES: usize = 64 << 10;
/// The most bytes of a status list: 16 million entries that do not pack at all are 2.8 MB.
pub(crate) const LIST_BYTES: usize = 4 << 20;

type Answer = std::result::Result<Value, String>;

/// Fetches and remembers.
pub struct Web {
    client: std::result::Result<Client, String>,
    loopback: bool,
    answers: Mutex<HashMap<String, (Instant, Answer)>>,
}

impl Web {
    /// `loopback` allows servers on this machine, without TLS.
    #[must_use]
    pub fn new(loopback: bool) -> Self {
        let client = Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE / 2)
            .redirect(redirect::Policy::none())
            .https_only(!loopback)
            .no_proxy()
            .dns_resolver(Arc::new(Public))
            .build();
        let client = client.map_err(|error| format!("no connection can be made here ({error})"));
        Self { client, loopback, answers: Mutex::default() }
    }

    /// The keys of a `did:web`, or a sentence that says why they are not known.
    pub async fn keys(&self, did: &WebDid) -> std::result::Result<Keys, String> {
        if did.is_loopback() && !self.loopback {
            return Err(format!("{did} names this machine, which is asked only with --loopback"));
        }
        let document = self.json(&did.url(), DOCUMENT_BYTES).await?;
        Keys::read(&did.to_string(), &document).map_err(|error| error.to_string())
    }

    /// The JSON at the URL of a status list.
    pub async fn list(&self, url: &str) -> Answer {
        let parsed = Url::parse(url).map_err(|_| format!("`{url}` is no URL"))?;
        let host = parsed.host_str().unwrap_or_default();
        let port = parsed.port().map(|port| format!("%3A{port}")).unwrap_or_default();
        let did: WebDid =
            format!("did:web:{host}{port}").parse().map_err(|error| format!("`{url}`: {error}"))?;
        let scheme = if did.is_loopback() { "http" } else { "https" };
        let plain = parsed.username().is_empty() && parsed.password().is_none();
        if parsed.scheme() != scheme || !plain {
            return Err(format!("`{url}` is not asked for: a status list lies behind https"));
        }
        if did.is_loopback() && !self.loopback {
            return Err(format!("`{url}` is on this machine, which is asked only with --loopback"));
        }
        self.json(url, LIST_BYTES).await
    }

    async fn json(&self, url: &str, most: usize) -> Answer {
        if let Some((when, answer)) = self.kept().get(url)
            && when.elapsed() < FRESH
        {
            return answer.clone();
        }
        let answer = self.fetch(url, most).await;
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.retain(|_, (when, _)| when.elapsed() < FRESH);
        }
        if kept.len() < KEPT {
            kept.insert(url.to_owned(), (Instant::now(), answer.clone()));
        }
        answer
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Instant, Answer)>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self, url: &str, most: usize) -> Answer {
        let failed = |error: reqwest::Error| {
            let why = if error.is_timeout() { "it took too long" } else { "it cannot be reached" };
            format!("{url} gave no answer: {why}")
        };
        let client = self.client.as_ref().map_err(Clone::clone)?;
        let mut answer = client.get(url).send().await.map_err(failed)?;
        if answer.status().is_redirection() {
            return Err(format!("{url} sends elsewhere, where nothing is asked"));
        }
        if !answer.status().is_success() {
            return Err(format!("{url} answered {}", answer.status()));
        }
        let Some(bytes) = body(&mut answer, most).await.map_err(failed)? else {
            return Err(format!("{url} answered with more than {most} bytes"));
        };
        let text = std::str::from_utf8(&bytes).map_err(|_| format!("{url} gave no UTF-8"))?;
        let limits = Limits { bytes: most, ..Limits::default() };
        read(text, limits).map_err(|error| format!("{url}: {error}"))
    }
}

/// The body of an answer, of which no more than `most` bytes are kept; none where it is longer.
pub(crate) async fn body(answer: &mut Response, most: usize) -> reqwest::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    while let Some(part) = answer.chunk().await? {
        if bytes.len() + part.len() > most {
            return Ok(None);
        }
        bytes.extend_from_slice(&part);
    }
    Ok(Some(bytes))
}

/// Looks names up, and gives only addresses that anybody could reach: a public name must not lead into a private
/// network. `localhost` leads to this machine and nowhere else.
struct Public;

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let local = name.as_str() == "localhost";
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found
                    .filter(|address| {
                        if local { address.ip().is_loopback() } else { is_public(address.ip()) }
                    })
                    .collect();
            if allowed.is_empty() {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(inside) => is_public_v4(inside),
            None => is_public_v6(address),
        },
    }
}

/// What the registry of special-purpose addresses (RFC 6890) does not set aside.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let protocol = first == 192 && second == 0 && third == 0;
    let benchmarks = first == 198 && (18..20).contains(&second);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || shared
        || protocol
        || benchmarks)
}

/// 2000::/3 without documentation, Teredo and 6to4, which carry addresses of version 4.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let documentation = first == 0x2001 && second == 0xdb8;
    let teredo = first == 0x2001 && second == 0;
    first & 0xe000 == 0x2000 && !documentation && !teredo && first != 0x2002
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::response::Redirect;
    use axum::routing::get;
    use caduceus_identity::did::{Purpose, web_document};
    use caduceus_identity::{KeyKind, SecretKey};

    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_connected_to() {
        let bad = [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.1",
            "198.18.0.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:10.0.0.1",
            "2001:db8::1",
            "2002:a00:1::",
            "ff02::1",
            "64:ff9b::a00:1",
        ];
        for address in bad {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "193.0.6.139", "2606:4700::1111"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    /// A server on this machine, and how often it was asked.
    async fn server() -> (u16, Arc<AtomicUsize>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let did = format!("did:web:localhost%3A{port}");
        let key = SecretKey::from_bytes(KeyKind::Ed25519, &[1; 32]).unwrap().public();
        let document = web_document(&did.parse().unwrap(), &[key]).to_string();
        let good = move || {
            count.fetch_add(1, Ordering::SeqCst);
            let document = document.clone();
            async move { document }
        };
        let routes = Router::new()
            .route("/.well-known/did.json", get(good.clone()))
            .route("/other/did.json", get(good))
            .route(
                "/moved/did.json",
                get(|| async { Redirect::temporary("/.well-known/did.json") }),
            )
            .route("/large/did.json", get(|| async { " ".repeat(DOCUMENT_BYTES + 1) }))
            .route("/twice/did.json", get(|| async { r#"{"id":"a","id":"b"}"# }));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        (port, asked)
    }

    #[tokio::test]
    async fn a_document_is_fetched_once_and_only_as_it_should_be() {
        let (port, asked) = server().await;
        let did =
            |path: &str| format!("did:web:localhost%3A{port}{path}").parse::<WebDid>().unwrap();
        let web = Web::new(true);
        let keys = web.keys(&did("")).await.unwrap();
        let key = SecretKey::from_bytes(KeyKind::Ed25519, &[1; 32]).unwrap().public();
        let method = format!("{}#{}", did(""), key.to_multibase());
        assert_eq!(keys.get(&method, Purpose::Assertion, 0), Ok(key));
        web.keys(&did("")).await.unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1, "the second answer was remembered");
        for (path, why) in [
            (":moved", "sends elsewhere"),
            (":large", "more than"),
            (":twice", "repeats a member"),
            (":other", "another identifier"),
            (":missing", "404"),
        ] {
            let refused = web.keys(&did(path)).await.unwrap_err();
            assert!(refused.contains(why), "{path}: {refused}");
        }
        let refused = Web::new(false).keys(&did("")).await.unwrap_err();
        assert!(refused.contains("--loopback"), "{refused}");
    }

    #[tokio::test]
    async fn a_status_list_lies_behind_https_on_a_plain_host() {
        let web = Web::new(false);
        for url in [
            "http://example.org/list",
            "https://user@example.org/list",
            "https://127.0.0.1/list",
            "https://example.org:8443/list",
            "https://xn--exmple-4nf.org/list",
            "http://localhost:1/list",
            "ftp://example.org/list",
            "file:///etc/passwd",
            "nothing",
        ] {
            assert!(web.list(url).await.is_err(), "{url}");
        }
        assert!(web.kept().is_empty(), "nothing was asked");
    }
}
