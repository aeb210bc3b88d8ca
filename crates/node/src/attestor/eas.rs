//! An attestor whose word is an attestation in the Ethereum Attestation Service (EAS).
//!
//! It examines as any other does, and then attests to the digest of the statement there in place of signing it. What it
//! hands to the custodian is the attestation's uid, which the adapter on the oracle's list looks up (EIP-1271).

use std::time::Duration;

use alloy::network::EthereumWallet;
use alloy::primitives::{Address, B256, U256};
use alloy::providers::{DynProvider, ProviderBuilder};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolEvent;
use caduceus_contracts::EasAttestor;

use super::examine::Sight;

alloy::sol! {
    /// The part of the service's published interface that an attestor uses (`IEAS.sol`, version 1).
    #[sol(rpc)]
    interface IEAS {
        struct AttestationRequestData {
            address recipient;
            uint64 expirationTime;
            bool revocable;
            bytes32 refUID;
            bytes data;
            uint256 value;
        }
        struct AttestationRequest {
            bytes32 schema;
            AttestationRequestData data;
        }
        event Attested(
            address indexed recipient, address indexed attester, bytes32 uid, bytes32 indexed schemaUID
        );
        function attest(AttestationRequest calldata request) external payable returns (bytes32);
    }
}

/// How long an attestation is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Attests for an adapter to `digest`, until `ends` (seconds since 1970). Gives the attestation's uid.
pub(super) async fn attest(
    sight: &Sight,
    signer: &PrivateKeySigner,
    adapter: Address,
    digest: B256,
    ends: u64,
) -> Result<B256, String> {
    let failed = |error: &dyn std::fmt::Display| {
        format!("it could not attest in the Ethereum Attestation Service: {error}")
    };
    let adapter = EasAttestor::new(adapter, &sight.provider);
    let service = adapter.EAS().call().await.map_err(|error| failed(&error))?;
    let schema = adapter.SCHEMA().call().await.map_err(|error| failed(&error))?;
    let wallet = EthereumWallet::from(signer.clone());
    let provider = ProviderBuilder::new().wallet(wallet).connect_provider(sight.provider.clone());
    let data = IEAS::AttestationRequestData {
        recipient: Address::ZERO,
        expirationTime: ends,
        revocable: true,
        refUID: B256::ZERO,
        data: digest.to_vec().into(),
        value: U256::ZERO,
    };
    let request = IEAS::AttestationRequest { schema, data };
    let service = IEAS::new(service, provider);
    let sent = service.attest(request).send().await.map_err(|error| failed(&error))?;
    let receipt = sent.with_timeout(Some(PATIENCE)).get_receipt().await;
    let receipt = receipt.map_err(|error| failed(&error))?;
    let made = receipt.logs().iter().find_map(|log| {
        let event = IEAS::Attested::decode_log_data(log.data()).ok()?;
        (event.attester == signer.address()).then_some(event.uid)
    });
    made.ok_or_else(|| failed(&"the service recorded none"))
}

/// Whether the word of `account` is what an adapter counts.
pub(super) async fn speaks_for(ledger: &DynProvider, account: Address, adapter: Address) -> bool {
    EasAttestor::new(adapter, ledger).ATTESTER().call().await.is_ok_and(|one| one == account)
}
