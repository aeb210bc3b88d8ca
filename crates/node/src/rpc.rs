//! The embedded ledger's JSON-RPC over HTTP on loopback, for wallets, viem, cast and forge.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use caduceus_ledger::Chain;
use tokio::net::TcpListener;

use crate::error::{NodeError, Result};
use crate::node::Node;

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
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let what = format!("cannot listen on {address}: {error}");
        NodeError::not_ready(
            what,
            "stop the program that uses the port, or choose another with --port",
        )
    })?;
    Ok(Served { listener, chain })
}

impl Served {
    /// The URL that clients use.
    pub fn url(&self) -> Result<String> {
        let address = self.listener.local_addr();
        let address = address
            .map_err(|error| NodeError::Chain(format!("the listener has no address: {error}")))?;
        Ok(format!("http://{address}"))
    }

    /// Answers until `stop` is done.
    pub async fn until(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let routes = Router::new().route("/", post(answer)).with_state(self.chain);
        let serving = axum::serve(self.listener, routes).with_graceful_shutdown(stop).await;
        serving.map_err(|error| NodeError::Chain(format!("the RPC server stopped: {error}")))
    }
}

async fn answer(State(chain): State<Chain>, request: Bytes) -> impl IntoResponse {
    let response =
        tokio::task::spawn_blocking(move || caduceus_ledger::rpc::handle_bytes(&chain, &request))
            .await;
    ([(CONTENT_TYPE, "application/json")], response.unwrap_or_default())
}
