//! The ledger's one face: a provider, whatever stands behind it.

use std::path::Path;
use std::time::Duration;

use alloy::primitives::ChainId;
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::client::RpcClient;
use alloy::transports::TransportError;
use alloy::transports::http::{Http, reqwest};

use crate::transport::ChainTransport;
use crate::{Chain, Config, LedgerError};

/// How often alloy looks for receipts in the embedded ledger, where they are there at once.
const EMBEDDED_POLL: Duration = Duration::from_millis(5);

/// How long a node may take to accept a connection, to answer the first question, and to answer any later one, which may
/// have it read its whole history.
const TO_CONNECT: Duration = Duration::from_secs(5);
const TO_GREET: Duration = Duration::from_secs(10);
const TO_ANSWER: Duration = Duration::from_secs(60);

/// The chain inside the process, with its provider.
#[derive(Clone, Debug)]
pub struct EmbeddedLedger {
    chain: Chain,
    provider: DynProvider,
}

impl EmbeddedLedger {
    /// Gives a chain its provider.
    pub fn new(chain: Chain) -> Self {
        let client = RpcClient::new(ChainTransport::new(chain.clone()), true);
        Self { provider: provider_over(client.with_poll_interval(EMBEDDED_POLL)), chain }
    }

    /// The chain itself: for the HTTP server, time travel and audits.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// A provider without a wallet and without fillers.
    pub fn provider(&self) -> DynProvider {
        self.provider.clone()
    }
}

fn provider_over(client: RpcClient) -> DynProvider {
    ProviderBuilder::new().disable_recommended_fillers().connect_client(client).erased()
}

/// Where contracts run. Clones share it.
#[derive(Clone, Debug)]
pub struct Ledger {
    home: Home,
    provider: DynProvider,
    chain_id: ChainId,
}

#[derive(Clone, Debug)]
enum Home {
    Embedded(EmbeddedLedger),
    Remote { url: String, client: String },
}

impl Ledger {
    /// Opens the ledger in the file `path` (by custom `ledger.redb`), or starts one there. The folder must exist.
    ///
    /// # Errors
    /// As [`Chain::open`].
    pub fn embedded(path: impl AsRef<Path>, config: Config) -> Result<Self, LedgerError> {
        Ok(Self::over(Chain::open(path, config)?))
    }

    /// Opens the ledger in the file `path` for reading; whatever would change it is refused.
    ///
    /// # Errors
    /// As [`Chain::open_read_only`].
    pub fn embedded_read_only(path: impl AsRef<Path>, config: Config) -> Result<Self, LedgerError> {
        Ok(Self::over(Chain::open_read_only(path, config)?))
    }

    /// A ledger that is gone with the process, for tests and simulation.
    ///
    /// # Errors
    /// As [`Chain::in_memory`].
    pub fn in_memory(config: Config) -> Result<Self, LedgerError> {
        Ok(Self::over(Chain::in_memory(config)?))
    }

    /// The ledger of a chain that is open already.
    pub fn over(chain: Chain) -> Self {
        let chain_id = chain.config().chain_id;
        let embedded = EmbeddedLedger::new(chain);
        Self { provider: embedded.provider(), chain_id, home: Home::Embedded(embedded) }
    }

    /// Reaches an EVM chain by the address of one of its nodes, which has ten seconds for its first answer.
    ///
    /// # Errors
    /// [`LedgerError::BadUrl`], [`LedgerError::Unreachable`] or [`LedgerError::NotANode`].
    pub async fn remote(url: &str) -> Result<Self, LedgerError> {
        Self::remote_within(url, TO_GREET).await
    }

    /// As [`Ledger::remote`], with another time for the first answer.
    ///
    /// # Errors
    /// As [`Ledger::remote`].
    pub async fn remote_within(url: &str, patience: Duration) -> Result<Self, LedgerError> {
        let bad = || LedgerError::BadUrl { url: url.to_owned() };
        let parsed: reqwest::Url = url.parse().map_err(|_| bad())?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad());
        }
        let http = reqwest::Client::builder().connect_timeout(TO_CONNECT).timeout(TO_ANSWER);
        let http = http.build().map_err(|error| LedgerError::Unreachable {
            url: url.to_owned(),
            detail: error.to_string(),
        })?;
        let local = parsed.host_str().is_some_and(|host| matches!(host, "localhost" | "127.0.0.1"));
        let client = RpcClient::new(Http::with_client(http, parsed), local);
        let silent = |_| LedgerError::Unreachable {
            url: url.to_owned(),
            detail: format!("it was silent for {} seconds", patience.as_secs_f32()),
        };
        tokio::time::timeout(patience, Self::of_client(client, url)).await.map_err(silent)?
    }

    /// Reaches an EVM chain through any alloy client; `name` is what messages call it.
    ///
    /// # Errors
    /// [`LedgerError::Unreachable`] or [`LedgerError::NotANode`].
    pub async fn of_client(client: RpcClient, name: &str) -> Result<Self, LedgerError> {
        let provider = provider_over(client);
        let failed = |error: TransportError| LedgerError::from_first_request(name, &error);
        let chain_id = provider.get_chain_id().await.map_err(failed)?;
        let client = provider.get_client_version().await.unwrap_or_else(|_| "unnamed node".into());
        Ok(Self { home: Home::Remote { url: name.to_owned(), client }, provider, chain_id })
    }

    /// A provider without a wallet and without fillers: callers sign, by [`crate::Outbox`] or themselves.
    pub fn provider(&self) -> DynProvider {
        self.provider.clone()
    }

    /// EIP-155 chain id.
    pub fn chain_id(&self) -> ChainId {
        self.chain_id
    }

    /// The embedded chain, if this is one.
    pub fn chain(&self) -> Option<&Chain> {
        match &self.home {
            Home::Embedded(embedded) => Some(embedded.chain()),
            Home::Remote { .. } => None,
        }
    }

    /// What the ledger is, in a line for people.
    pub fn describe(&self) -> String {
        match &self.home {
            Home::Embedded(embedded) => format!(
                "embedded ledger {} (chain {}, one organization, for development and simulation)",
                embedded.chain().path().display(),
                self.chain_id
            ),
            Home::Remote { url, client } => {
                format!("chain {} at {url} ({client})", self.chain_id)
            }
        }
    }
}
