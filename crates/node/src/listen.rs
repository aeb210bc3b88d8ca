//! Where servers of this program listen: on this machine only.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::error::{NodeError, Result};

/// Begins to listen on 127.0.0.1; port 0 takes a free one.
pub(crate) async fn on(port: u16) -> Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|error| {
        let what = format!("cannot listen on {address}: {error}");
        let todo = "stop the program that uses the port, or choose another with --port";
        NodeError::not_ready(what, todo)
    })
}

/// The URL that clients use.
pub(crate) fn url(listener: &TcpListener) -> Result<String> {
    let address = listener.local_addr();
    let address = address
        .map_err(|error| NodeError::Chain(format!("the listener has no address: {error}")))?;
    Ok(format!("http://{address}"))
}
