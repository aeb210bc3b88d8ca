//! Attestors that work elsewhere, by adapters: contracts that the oracle asks in place of checking a key's signature (EIP-1271).
//!
//! An adapter is created, registered as an attestor, and counts once the members have voted it onto the oracle's list.

use alloy::primitives::{Address, B256, Bytes};
use alloy::providers::{DynProvider, Provider};
use alloy::sol_types::{SolCall, SolValue};
use caduceus_contracts::{AttestationOracle, EasAttestor, FunctionsAttestor, ParticipantRegistry};
use caduceus_policy::Country;
use serde::Serialize;

use super::accounts;
use crate::error::{NodeError, Result};
use crate::genesis;
use crate::governance::{self, Proposal};
use crate::member::Member;
use crate::node::Node;
use crate::party;

/// Where attestors work.
#[derive(Clone, Debug)]
pub enum Elsewhere {
    /// In the Ethereum Attestation Service.
    Eas {
        /// The service's contract.
        service: Address,
        /// The schema `bytes32 digest` in it.
        schema: B256,
        /// The account whose attestations count.
        attester: Address,
    },
    /// In a network of Chainlink Functions.
    Functions {
        /// The router's contract.
        router: Address,
        /// Which network.
        don: B256,
        /// Which subscription pays.
        subscription: u64,
        /// What the network runs (JavaScript).
        source: String,
    },
}

/// An attestor that the registry or the oracle knows.
#[derive(Clone, Debug, Serialize)]
pub struct Known {
    /// Its account.
    pub address: Address,
    /// `home`, `account` or `contract`.
    pub kind: &'static str,
    /// Whether the oracle counts its signatures.
    pub listed: bool,
    /// Whether the registry has it in good standing.
    pub good_standing: bool,
}

/// Creates the adapter of an attestor elsewhere and registers it as an attestor established in `country`. The same one is
/// created once.
///
/// # Errors
/// [`NodeError::NotReady`] where no contract is at the named address.
pub async fn adapt(node: &Node, elsewhere: &Elsewhere, country: Country) -> Result<Address> {
    let (name, at) = match elsewhere {
        Elsewhere::Eas { service, .. } => ("EasAttestor", service),
        Elsewhere::Functions { router, .. } => ("FunctionsAttestor", router),
    };
    if node.provider.get_code_at(*at).await?.is_empty() {
        let what = format!("there is no contract at {at} on this ledger");
        return Err(NodeError::not_ready(what, "give the address where the service is"));
    }
    let code = code(node, elsewhere);
    let key = format!("adapter/{}", alloy::primitives::keccak256(&code));
    let relay = node.key(genesis::RELAY);
    node.fund(relay.address()).await?;
    let adapter = node.create_contract(name, &key, &relay, code).await?;
    party::register_attestor(node, adapter, country).await?;
    Ok(adapter)
}

fn code(node: &Node, elsewhere: &Elsewhere) -> Bytes {
    let (bytecode, arguments) = match elsewhere {
        Elsewhere::Eas { service, schema, attester } => {
            (&EasAttestor::BYTECODE, (*service, *schema, *attester).abi_encode_params())
        }
        Elsewhere::Functions { router, don, subscription, source } => {
            let (oracle, registry) = (node.at.attestation_oracle, node.at.participant_registry);
            let arguments = (*router, oracle, registry, *don, *subscription, source.clone());
            (&FunctionsAttestor::BYTECODE, arguments.abi_encode_params())
        }
    };
    [&bytecode[..], &arguments].concat().into()
}

/// Proposes to the members that the oracle counts one more attestor, with the threshold as it is.
///
/// # Errors
/// [`NodeError::NotReady`] for one that is listed.
pub async fn propose(node: &Node, proposer: &Member, attestor: Address) -> Result<Proposal> {
    let at = node.at.attestation_oracle;
    let oracle = AttestationOracle::new(at, &node.provider);
    let mut attestors = oracle.attestors().call().await?;
    if attestors.contains(&attestor) {
        let what = format!("{attestor} is on the oracle's list already");
        return Err(NodeError::not_ready(what, "nothing has to be voted on"));
    }
    attestors.push(attestor);
    attestors.sort_unstable();
    let threshold = oracle.threshold().call().await?;
    let what = format!("the oracle counts the attestor {attestor} from now on");
    let call = AttestationOracle::setAttestorsCall { attestors_: attestors, threshold_: threshold };
    let call = call.abi_encode();
    governance::propose(node, proposer, &what, at, call.into()).await
}

/// Every attestor that the oracle lists or a command of this home registered.
pub async fn known(node: &Node) -> Result<Vec<Known>> {
    const ATTESTOR: u32 = 4;
    let oracle = AttestationOracle::new(node.at.attestation_oracle, &node.provider);
    let registry = ParticipantRegistry::new(node.at.participant_registry, &node.provider);
    let listed = oracle.attestors().call().await?;
    let mut all = listed.clone();
    all.extend(party::registered_attestors(node)?);
    all.sort_unstable();
    all.dedup();
    let own = accounts(node.keyring());
    let mut known = Vec::new();
    for address in all {
        let is_contract = !node.provider.get_code_at(address).await?.is_empty();
        let kind = match is_contract {
            true => "contract",
            false if own.contains(&address) => "home",
            false => "account",
        };
        let good_standing = registry.inGoodStanding(address, ATTESTOR).call().await?;
        known.push(Known { address, kind, listed: listed.contains(&address), good_standing });
    }
    Ok(known)
}

/// Whether the oracle will take `word` from an adapter for `digest` (EIP-1271).
pub(super) async fn counts(
    ledger: &DynProvider,
    adapter: Address,
    digest: B256,
    word: Bytes,
) -> bool {
    let adapter = EasAttestor::new(adapter, ledger);
    let answer = adapter.isValidSignature(digest, word).call().await;
    answer.is_ok_and(|answer| answer == EasAttestor::isValidSignatureCall::SELECTOR)
}
