//! The embedded ledger's JSON-RPC over HTTP on loopback, for wallets, viem, cast and forge.
//!
//! Whoever can send a request can use it, so that requests which a page on the web had a browser send are refused: see
//! `guard`.

mod guard;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use caduceus_ledger::Chain;
use tokio::net::TcpListener;

use crate::error::{NodeError, Result};
use crate::listen;
use crate::node::Node;

/// The most bytes of one request (go-ethereum's default). A deployment of the largest contract takes a tenth of it.
const BODY_LIMIT: usize = 5 * 1024 * 1024;

/// A ledger that listens.
pub struct Served {
    listener: TcpListener,
    chain: Chain,
}

/// Begins to listen on 127.0.0.1; port 0 takes a free one.
pub async fn listen(node: &Node, port: u16) -> Result<Served> {
    let Some(chain) = node.ledger().chain().cloned() else {
        let what = "this home uses another chain, which serves its own RPC";
        return Err(NodeError::not_ready(
            what,
            "leave --serve out, or start a home with the embedded ledger",
        ));
    };
    Ok(Served { listener: listen::on(port).await?, chain })
}

impl Served {
    /// The URL that clients use.
    pub fn url(&self) -> Result<String> {
        listen::url(&self.listener)
    }

    /// Answers until `stop` is done.
    pub async fn until(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let serving =
            axum::serve(self.listener, routes(self.chain)).with_graceful_shutdown(stop).await;
        serving.map_err(|error| NodeError::Chain(format!("the RPC server stopped: {error}")))
    }
}

/// Does something while the embedded ledger answers on a port.
pub(crate) async fn while_served<T>(
    node: &Node,
    port: u16,
    doing: impl Future<Output = T>,
) -> Result<T> {
    let served = listen(node, port).await?;
    let serving = tokio::spawn(served.until(std::future::pending()));
    let done = doing.await;
    // A client that keeps its connection open must not hold the command.
    serving.abort();
    let _ = serving.await;
    Ok(done)
}

fn routes(chain: Chain) -> Router {
    let routes = Router::new()
        .route("/", post(answer).fallback(explain))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(chain);
    guard::around(routes)
}

async fn explain() -> Response {
    guard::refuse(
        StatusCode::METHOD_NOT_ALLOWED,
        "this is an Ethereum JSON-RPC endpoint: POST requests to it",
    )
}

async fn answer(
    State(chain): State<Chain>,
    headers: HeaderMap,
    request: std::result::Result<Bytes, BytesRejection>,
) -> Response {
    // A page can have a browser send any other type without being asked for leave first.
    if !guard::is_json(&headers) {
        let what = "the content type must be application/json";
        return guard::refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, what);
    }
    let request = match request {
        Ok(request) => request,
        Err(error) => return guard::refuse(error.status(), &error.body_text()),
    };
    let response =
        tokio::task::spawn_blocking(move || caduceus_ledger::rpc::handle_bytes(&chain, &request));
    match response.await {
        Ok(bytes) => ([(CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(_) => guard::refuse(StatusCode::INTERNAL_SERVER_ERROR, "the request failed inside"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use axum::body::Body;
    use axum::http::Request;
    use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, HOST, ORIGIN};
    use caduceus_ledger::Config;
    use tower::ServiceExt;

    use super::*;

    const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}"#;

    async fn send(request: Request<Body>) -> (StatusCode, HeaderMap, String) {
        let routes = routes(Chain::in_memory(Config::default()).unwrap());
        let response = routes.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    /// A call with these headers in place of a plain client's.
    fn call(headers: &[(&str, &str)]) -> Request<Body> {
        let mut request = Request::post("/");
        let given = |name: &str| headers.iter().any(|(given, _)| *given == name);
        for (name, value) in [("host", "127.0.0.1:8545"), ("content-type", "application/json")] {
            if !given(name) {
                request = request.header(name, value);
            }
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        request.body(Body::from(CALL)).unwrap()
    }

    #[tokio::test]
    async fn programs_and_pages_on_this_machine_and_wallets_are_answered() {
        for headers in [
            &[][..],
            &[("content-type", "application/json; charset=utf-8")],
            &[("content-type", "Application/JSON")],
            &[("host", "localhost")],
            &[("host", "LOCALHOST:1")],
            &[("host", "[::1]:8545")],
            &[("origin", "chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn")],
            &[("origin", "moz-extension://1f2e3d4c-0000-4000-8000-000000000000")],
        ] {
            let (status, answered, body) = send(call(headers)).await;
            assert_eq!(status, StatusCode::OK, "{headers:?}: {body}");
            assert!(body.contains("0x7a69"), "{headers:?}: {body}");
            assert!(answered.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_none(), "{headers:?}");
        }
        for origin in ["http://localhost:5173", "https://127.0.0.1", "http://[::1]:3000"] {
            let (status, answered, body) = send(call(&[("origin", origin)])).await;
            assert!(status == StatusCode::OK && body.contains("0x7a69"), "{origin}: {body}");
            assert_eq!(answered[ACCESS_CONTROL_ALLOW_ORIGIN], origin);
        }
    }

    #[tokio::test]
    async fn a_page_on_this_machine_gets_leave_to_send_json_and_a_foreign_one_gets_none() {
        let ask = |origin: &str| {
            Request::options("/")
                .header(HOST, "127.0.0.1:8545")
                .header(ORIGIN, origin)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "content-type")
                .body(Body::empty())
                .unwrap()
        };
        let (status, headers, _) = send(ask("http://localhost:3000")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "http://localhost:3000");
        assert!(headers["access-control-allow-methods"].to_str().unwrap().contains("POST"));
        assert_eq!(headers["access-control-allow-headers"], "content-type");
        let (status, headers, _) = send(ask("https://evil.example")).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(headers.keys().all(|name| !name.as_str().starts_with("access-control")));
    }

    #[tokio::test]
    async fn foreign_pages_foreign_names_and_other_types_are_refused_and_nothing_is_done() {
        let forbidden = StatusCode::FORBIDDEN;
        for (headers, expected) in [
            (&[("host", "evil.example:8545")][..], forbidden), // DNS that was rebound to loopback
            (&[("host", "localhost.evil.example")], forbidden),
            (&[("host", "user@localhost")], forbidden),
            (&[("host", "localhost, evil.example")], forbidden),
            (&[("host", "0.0.0.0:8545")], forbidden),
            (&[("host", "")], forbidden), // none at all
            (&[("host", "localhost"), ("host", "evil.example")], forbidden),
            (&[("origin", "https://evil.example")], forbidden),
            (&[("origin", "http://localhost.evil.example")], forbidden),
            (&[("origin", "http://localhost:80@evil.example")], forbidden),
            (&[("origin", "null")], forbidden),
            (&[("origin", "file://localhost")], forbidden),
            (&[("content-type", "text/plain")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (&[("content-type", "")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (&[("content-type", "application/json-but-not")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
            (
                &[("content-type", "application/x-www-form-urlencoded")],
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ),
        ] {
            let (status, answered, body) = send(call(headers)).await;
            assert_eq!(status, expected, "{headers:?}: {body}");
            assert!(body.contains("error") && !body.contains("0x7a69"), "{headers:?}: {body}");
            assert!(answered.get(ACCESS_CONTROL_ALLOW_ORIGIN).is_none(), "{headers:?}");
        }
    }

    #[tokio::test]
    async fn a_request_that_is_too_large_or_no_post_is_refused_with_a_sentence() {
        let large = Request::post("/")
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(vec![b' '; BODY_LIMIT + 1]))
            .unwrap();
        assert_eq!(send(large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
        let get = Request::get("/").header(HOST, "localhost").body(Body::empty()).unwrap();
        let (status, _, body) = send(get).await;
        assert!(status == StatusCode::METHOD_NOT_ALLOWED && body.contains("POST"), "{body}");
    }
}
