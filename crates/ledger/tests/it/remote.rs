//! Addresses behind which there is no node, and what is said about them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use caduceus_ledger::{Ledger, LedgerError};

/// A server that reads one request after another and answers each with the same status and body.
fn answering(status: &str, body: &str) -> String {
    let length = body.len();
    let response =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _read = stream.read(&mut request).unwrap_or_default();
            stream.write_all(response.as_bytes()).ok();
        }
    });
    url
}

#[tokio::test]
async fn a_node_that_is_down_is_named_with_what_to_do() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let error = Ledger::remote(&url).await.unwrap_err().to_string();
    assert!(error.contains(&url) && error.contains("check that it runs"), "{error}");
    let error = Ledger::remote("localhost").await.unwrap_err().to_string();
    assert!(error.contains("http://127.0.0.1:8545"), "{error}");
}

#[tokio::test]
async fn a_port_that_accepts_and_keeps_silent_is_named_with_what_to_do() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap(); // the system accepts, nobody answers
    let url = format!("http://{}", silent.local_addr().unwrap());
    let patience = Duration::from_millis(50);
    let error = Ledger::remote_within(&url, patience).await.unwrap_err();
    assert!(matches!(error, LedgerError::Unreachable { .. }));
    let text = error.to_string();
    assert!(text.contains(&url) && text.contains("silent") && text.contains("check"), "{text}");
}

#[tokio::test]
async fn what_is_no_node_is_called_so_and_its_pages_are_not_shown() {
    let page = "<html><h1>Our shop</h1></html>";
    let found = answering("200 OK", page);
    let missing = answering("404 Not Found", page);
    let get_only = answering("501 Unsupported method ('POST')", page);
    let json = answering("200 OK", r#"{"shop": "Our shop"}"#);
    let other = answering(
        "200 OK",
        r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"unknown method"}}"#,
    );
    for url in [found, missing, get_only, json, other] {
        let error = Ledger::remote(&url).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, LedgerError::NotANode { .. }), "{text}");
        assert!(text.contains(&url) && text.contains("JSON-RPC"), "{text}");
        assert!(!text.contains("shop") && !text.contains('<'), "{text}");
    }
}

#[tokio::test]
async fn a_server_in_trouble_may_still_be_a_node() {
    let url = answering("502 Bad Gateway", "<html>");
    let error = Ledger::remote(&url).await.unwrap_err();
    assert!(matches!(error, LedgerError::Unreachable { .. }));
    assert!(error.to_string().contains("502") && !error.to_string().contains('<'));
}
