//! The guardian's brake.

use alloy::primitives::U256;
use caduceus_contracts::CircuitBreaker;
use caduceus_contracts::words::date;
use serde::Serialize;

use crate::error::Result;
use crate::node::Node;

/// What can be paused, in the order of the bits of `Scopes` in the contracts.
pub const SCOPES: [&str; 4] = ["minting", "deposits", "trading", "jobs"];

/// A part of the protocol that stands still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// Which part.
    pub scope: &'static str,
    /// Until when (RFC 3339).
    pub until: String,
}

/// What became of a request to end a pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lifted {
    /// What runs again.
    pub lifted: Vec<&'static str>,
    /// What was not paused.
    pub not_paused: Vec<&'static str>,
    /// What the members paused by vote, which no guardian can end.
    pub still_paused: Vec<Pause>,
}

/// The guardian pauses `scopes` (bits in the order of [`SCOPES`]) for `seconds`, at most seven days.
pub async fn pause(node: &Node, scopes: u64, seconds: u64, key: &str) -> Result<()> {
    let guardian = node.key(crate::genesis::GUARDIAN);
    let call = CircuitBreaker::pauseCall { scopes: U256::from(scopes), duration: seconds };
    node.send("pause", key, &guardian, node.at.circuit_breaker, &call).await?;
    Ok(())
}

/// The guardian ends a pause before its time.
pub async fn lift(node: &Node, scopes: u64, key: &str) -> Result<Lifted> {
    let paused = |pauses: &[Pause], bit: usize| pauses.iter().any(|one| one.scope == SCOPES[bit]);
    let before = pauses(node).await?;
    let asked = (0..SCOPES.len()).filter(|bit| scopes & (1 << bit) != 0);
    let (ending, idle): (Vec<usize>, Vec<usize>) = asked.partition(|bit| paused(&before, *bit));
    let bits = ending.iter().fold(0_u64, |bits, bit| bits | 1 << bit);
    if bits != 0 {
        let guardian = node.key(crate::genesis::GUARDIAN);
        let call = CircuitBreaker::liftCall { scopes: U256::from(bits) };
        node.send("lift the pause", key, &guardian, node.at.circuit_breaker, &call).await?;
    }
    let mut after = pauses(node).await?;
    let names = |bits: Vec<usize>| bits.into_iter().map(|bit| SCOPES[bit]).collect();
    let lifted = ending.into_iter().filter(|bit| !paused(&after, *bit)).collect();
    after.retain(|one| before.contains(one) && scopes & bit(one.scope) != 0);
    Ok(Lifted { lifted: names(lifted), not_paused: names(idle), still_paused: after })
}

fn bit(scope: &str) -> u64 {
    SCOPES.iter().position(|known| *known == scope).map_or(0, |place| 1 << place)
}

/// What is paused now, by a guardian or by vote.
pub async fn pauses(node: &Node) -> Result<Vec<Pause>> {
    let breaker = CircuitBreaker::new(node.at.circuit_breaker, &node.provider);
    let mut paused = Vec::new();
    for (place, scope) in SCOPES.into_iter().enumerate() {
        let bit = U256::from(1_u64 << place);
        if breaker.isPaused(bit).call().await? {
            paused.push(Pause { scope, until: date(breaker.pausedUntil(bit).call().await?) });
        }
    }
    Ok(paused)
}
