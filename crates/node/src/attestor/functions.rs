//! Asking a network of Chainlink Functions by its adapter: the custodian sends one transaction for each statement, a subscription
//! pays for it, and the network's answer is what the adapter shows to the oracle (EIP-1271).

use std::time::Duration;

use alloy::primitives::{Address, B256, Bytes};
use alloy::providers::DynProvider;
use caduceus_contracts::AttestationOracle::Attestation;
use caduceus_contracts::FunctionsAttestor::{Answered, askCall};
use caduceus_contracts::{AttestationOracle, recast};

use super::adapter;
use crate::error::{NodeError, Result};
use crate::node::{Node, placed_events};
use crate::party::Party;

/// An adapter with what the oracle takes as its signatures, or why there are none.
type Answer = std::result::Result<(Address, Vec<Bytes>), String>;

/// Between two looks for an answer.
const PAUSE: Duration = Duration::from_millis(250);

/// Puts statements, with their digests, to the network behind an adapter. Gives what waits for its answers, at most for `patience`.
///
/// # Errors
/// [`NodeError::Refused`] where the oracle does not count the adapter, which then costs nothing, or where the adapter or the
/// router refuse.
pub(super) async fn ask(
    node: &Node,
    custodian: &Party,
    adapter: Address,
    statements: &[(B256, &Attestation)],
    patience: Duration,
) -> Result<impl Future<Output = Answer> + Send + use<>> {
    let oracle = AttestationOracle::new(node.at.attestation_oracle, &node.provider);
    if !oracle.isAttestor(adapter).call().await? {
        let action = "asking a network of Chainlink Functions".to_owned();
        let reason = format!("{adapter} is no attestor on the ledger");
        return Err(NodeError::Refused { action, reason });
    }
    let signer = custodian.signer(node);
    for (digest, statement) in statements {
        let key = format!("ask/{adapter}/{digest}");
        let call = askCall { attestation: recast(*statement) };
        node.send("a network asked", &key, &signer, adapter, &call).await?;
    }
    let digests = statements.iter().map(|(digest, _)| *digest).collect();
    Ok(answered(node.provider.clone(), adapter, digests, patience))
}

/// Waits at most `patience` for the network to stand by every statement.
async fn answered(
    ledger: DynProvider,
    adapter: Address,
    digests: Vec<B256>,
    patience: Duration,
) -> Answer {
    let all = async {
        for digest in &digests {
            while !stands_by(&ledger, adapter, *digest).await? {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok((adapter, vec![Bytes::new(); digests.len()]))
    };
    let late = || Err("it did not answer in time".to_owned());
    tokio::time::timeout(patience, all).await.unwrap_or_else(|_| late())
}

/// Whether the network answered that it stands by a statement; an error where it answered something else.
async fn stands_by(
    ledger: &DynProvider,
    adapter: Address,
    digest: B256,
) -> std::result::Result<bool, String> {
    let answers = placed_events::<Answered>(ledger, adapter, &[Some(digest)]).await;
    let answers = answers.map_err(|error| error.to_string())?;
    if answers.is_empty() {
        return Ok(false);
    }
    match adapter::counts(ledger, adapter, digest, Bytes::new()).await {
        true => Ok(true),
        false => Err("its network does not stand by the statement".to_owned()),
    }
}
