//! Keeps pages on the web from using a server on loopback through their visitor's browser.
//!
//! A browser lets any page send requests to 127.0.0.1. What tells them from a program's:
//!
//! - A page that had its own name rebound to 127.0.0.1 still sends that name in `Host` (DNS rebinding). Only the names of
//!   this machine pass.
//! - A page of another site sends its site in `Origin`. Only pages served from this machine pass, and browser extensions
//!   such as wallets, whose origin no page can take.
//! - A page can send without asking the browser for leave (CORS, "simple requests") only a few content types, of which
//!   JSON is none. Only JSON passes, and leave is given to pages of this machine alone.

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Lets only requests of programs, pages and wallets on this machine reach `routes`.
pub(super) fn around(routes: Router) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(|origin, _| is_page_here(origin)))
        .allow_methods([Method::POST])
        .allow_headers([CONTENT_TYPE]);
    routes.layer(cors).layer(middleware::from_fn(check))
}

async fn check(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !names_this_machine(headers) {
        let what = "the Host header must be localhost, 127.0.0.1 or [::1]";
        return refuse(StatusCode::FORBIDDEN, what);
    }
    if !headers.get_all(ORIGIN).iter().all(|origin| is_page_here(origin) || is_extension(origin)) {
        let what = "only pages served from localhost may use this ledger";
        return refuse(StatusCode::FORBIDDEN, what);
    }
    next.run(request).await
}

/// Whether the one `Host` header is a name of this machine, with any port.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
    Authority::try_from(host.as_bytes()).is_ok_and(|authority| is_this_machine(&authority))
}

fn is_this_machine(authority: &Authority) -> bool {
    let host = authority.host();
    let named = host.eq_ignore_ascii_case("localhost") || matches!(host, "127.0.0.1" | "[::1]");
    named && !authority.as_str().contains('@')
}

/// Whether an origin is that of a page served from this machine.
fn is_page_here(origin: &HeaderValue) -> bool {
    let Ok(origin) = Uri::try_from(origin.as_bytes()) else { return false };
    matches!(origin.scheme_str(), Some("http" | "https"))
        && origin.authority().is_some_and(is_this_machine)
}

/// Whether an origin is that of a browser extension. They need no leave by CORS where their user gave it to them.
fn is_extension(origin: &HeaderValue) -> bool {
    let schemes = ["chrome-extension://", "moz-extension://", "safari-web-extension://"];
    origin.to_str().is_ok_and(|origin| schemes.iter().any(|scheme| origin.starts_with(scheme)))
}

/// Whether the body says that it is JSON, in whatever encoding.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = declared.and_then(|declared| declared.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// A refusal that JSON-RPC clients can read.
pub(super) fn refuse(status: StatusCode, message: &str) -> Response {
    let error = json!({ "code": -32600, "message": message });
    let body = json!({ "jsonrpc": "2.0", "id": null, "error": error }).to_string();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
