//! The embedded chain as an alloy transport: requests go to the same table as those that come by HTTP, without a socket.

use std::task::{Context, Poll};

use alloy::rpc::json_rpc::{RequestPacket, Response, ResponsePacket, SerializedRequest};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use tower::Service;

use crate::{Chain, rpc};

/// A transport into an embedded [`Chain`]. Clones share it.
#[derive(Clone, Debug)]
pub struct ChainTransport(Chain);

impl ChainTransport {
    /// A transport into `chain`.
    pub fn new(chain: Chain) -> Self {
        Self(chain)
    }
}

fn answer(chain: &Chain, request: &SerializedRequest) -> Response {
    let payload = rpc::answer(chain, request.method(), request.params());
    Response { id: request.id().clone(), payload }
}

impl Service<RequestPacket> for ChainTransport {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let chain = self.0.clone();
        Box::pin(async move {
            // Executing and writing block; the runtime's other tasks must not wait for them. A caller that gives up
            // leaves the work running to its end.
            let work = tokio::task::spawn_blocking(move || match packet {
                RequestPacket::Single(request) => ResponsePacket::Single(answer(&chain, &request)),
                RequestPacket::Batch(requests) => {
                    ResponsePacket::Batch(requests.iter().map(|one| answer(&chain, one)).collect())
                }
            });
            work.await.map_err(TransportErrorKind::custom)
        })
    }
}
