//! A node: one home, one ledger, and the keys of the parties that the home plays.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{Filter, TransactionReceipt};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{Eip712Domain, SolCall, SolEvent, SolStruct};
use caduceus_identity::{Keyring, Seed};
use caduceus_ledger::deployment::{Addresses, Deployment};
use caduceus_ledger::{Ledger, Outbox, OutboxError};
use caduceus_policy::RuleTable;

use crate::error::{NodeError, Result};
use crate::home::{Home, MANIFEST, OUTBOX};
use crate::parameters::Parameters;
use crate::report::Reporter;

/// Where the home keeps what its operations took.
const GAS: &str = "gas";

/// How long a signed statement can be carried to the ledger, in seconds.
const SIGNATURE_LIFETIME: u64 = 3_600;

/// An opened node.
pub struct Node {
    pub(crate) home: Home,
    pub(crate) rules: &'static RuleTable,
    pub(crate) at: Addresses,
    pub(crate) provider: DynProvider,
    pub(crate) report: Reporter,
    ledger: Ledger,
    outbox: Outbox,
    keyring: Keyring,
    chain_id: u64,
    /// Whether the deployment is this home's own, so that its officers are those of the ledger.
    operates: bool,
    gas: Mutex<BTreeMap<String, u64>>,
}

impl Node {
    /// Opens the home in `dir` with its ledger and contracts, and brings unfinished transactions to their end.
    pub async fn open(dir: &Path, report: Reporter) -> Result<Node> {
        Node::start(Home::open(dir)?, report).await
    }

    /// Makes a home in `dir` where there is none, deploys the contracts where there are none, and opens it.
    ///
    /// `rpc` names another chain than the embedded ledger. `seed` makes the keys of a new home, which are random without
    /// it; a home that exists must have been made from the same.
    pub async fn create(
        dir: &Path,
        rpc: Option<&str>,
        seed: Option<Seed>,
        report: Reporter,
    ) -> Result<Node> {
        Node::create_with(dir, rpc, seed, None, report).await
    }

    /// As [`Node::create`], with the contracts' parameters from a file.
    pub async fn create_with(
        dir: &Path,
        rpc: Option<&str>,
        seed: Option<Seed>,
        parameters: Option<&Path>,
        report: Reporter,
    ) -> Result<Node> {
        let parameters = parameters.map(Parameters::read).transpose()?;
        // A chain that is down, or on which nobody can pay, leaves no half-made home behind.
        if let Some(url) = rpc
            && !Home::is_in(dir)
        {
            crate::genesis::require_ether(&Ledger::remote(url).await?).await?;
        }
        if let Some((parameters, text)) = &parameters {
            Home::keep_parameters(dir, parameters, text)?;
        }
        Node::start(Home::create_or_open(dir, rpc, seed)?, report).await
    }

    /// Makes a home in `dir` for parties of somebody else's deployment, once the chain at `rpc` holds it as the manifest says;
    /// opens the one that is there.
    pub async fn join(
        dir: &Path,
        rpc: &str,
        manifest: &Path,
        seed: Option<Seed>,
        report: Reporter,
    ) -> Result<Node> {
        let text = crate::chain::to_join(rpc, manifest).await?;
        Home::keep_joined(dir, &text)?;
        let home = Home::create_or_open(dir, Some(rpc), seed)?;
        home.part(MANIFEST, |_| Ok(()))?;
        Node::start(home, report).await
    }

    async fn start(home: Home, report: Reporter) -> Result<Node> {
        if home.is_read_only() {
            let dir = home.dir().display();
            report.fact(format!("{dir} cannot be written and is opened for reading only"));
        }
        let keyring = Keyring::new(home.seed()?);
        let ledger = crate::genesis::ledger(&home, &keyring).await?;
        let outbox = open_outbox(&home, &ledger, &keyring, &report).await?;
        let provider = ledger.provider();
        let chain_id = ledger.chain_id();
        if !home.is_read_only() {
            outbox.resume(&ledger).await?;
        }
        let rules = crate::genesis::rules();
        let joined = crate::genesis::joined(&home, &keyring)?;
        let operates = joined.is_none();
        let deployment = match joined {
            Some(addresses) => {
                crate::genesis::require_contracts(&ledger, &home, &addresses).await?;
                Deployment { addresses, gas_used: 0 }
            }
            None => {
                crate::genesis::deploy(&ledger, &outbox, &home, &keyring, rules, &report).await?
            }
        };
        let node = Node {
            home,
            rules,
            at: deployment.addresses,
            provider,
            report,
            ledger,
            outbox,
            keyring,
            chain_id,
            operates,
            gas: Mutex::default(),
        };
        *node.noted() = node.home.recall(GAS)?.unwrap_or_default();
        if deployment.gas_used > 0 {
            node.note_gas("deployment", deployment.gas_used)?;
        }
        if operates {
            crate::party::register_attestors(&node).await?;
        }
        Ok(node)
    }

    /// The folder that the node keeps everything in.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The ledger that the node speaks to.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Where the contracts are.
    pub fn addresses(&self) -> &Addresses {
        &self.at
    }

    /// The chain's identifier (EIP-155).
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// Whether the deployment is this home's own; it is somebody else's where the home joined it.
    pub fn operates(&self) -> bool {
        self.operates
    }

    /// Gas used since the home was made: the largest that one transaction of each operation took.
    pub fn gas(&self) -> BTreeMap<String, u64> {
        self.noted().clone()
    }

    /// The key of a party of this home.
    pub(crate) fn key(&self, label: &str) -> PrivateKeySigner {
        self.keyring.derive(label)
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The ledger's time, in seconds since 1970.
    pub(crate) async fn now(&self) -> Result<u64> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
        let block =
            block.ok_or_else(|| NodeError::Chain("the ledger has no latest block".into()))?;
        Ok(block.header.timestamp)
    }

    /// The ledger's time as a date (RFC 3339).
    pub async fn clock(&self) -> Result<String> {
        Ok(caduceus_contracts::words::date(self.now().await?))
    }

    /// The number of the ledger's latest block.
    pub(crate) async fn block_number(&self) -> Result<u64> {
        Ok(self.provider.get_block_number().await?)
    }

    /// Until when a statement signed now can be used.
    pub(crate) async fn deadline(&self) -> Result<u64> {
        Ok(self.now().await?.saturating_add(SIGNATURE_LIFETIME))
    }

    /// Sends one call as `signer`, exactly once for each `key`, and waits for its receipt.
    ///
    /// `what` names the operation in messages and in the gas figures. A revert is an error with its reason in words.
    pub(crate) async fn send<C: SolCall>(
        &self,
        what: &str,
        key: &str,
        signer: &PrivateKeySigner,
        to: Address,
        call: &C,
    ) -> Result<TransactionReceipt> {
        self.send_data(what, key, signer, to, call.abi_encode().into(), U256::ZERO).await
    }

    /// As [`Node::send`], for a call that is encoded already, with `value` in wei.
    pub(crate) async fn send_data(
        &self,
        what: &str,
        key: &str,
        signer: &PrivateKeySigner,
        to: Address,
        data: Bytes,
        value: U256,
    ) -> Result<TransactionReceipt> {
        self.home.require_writable()?;
        let receipt =
            match self.outbox.submit(&self.ledger, key, signer, Some(to), data, value).await {
                Err(OutboxError::Reverted { data, message }) => {
                    let reason = caduceus_contracts::explain(&data).unwrap_or(message);
                    return Err(NodeError::Refused { action: what.to_owned(), reason });
                }
                outcome => outcome.map_err(|error| {
                    crate::genesis::in_words(&self.ledger, signer.address(), error)
                })?,
            };
        self.note_gas(what, receipt.gas_used)?;
        Ok(receipt)
    }

    /// Creates a contract as `signer`, exactly once for each `key`, and gives where it is.
    pub(crate) async fn create_contract(
        &self,
        what: &str,
        key: &str,
        signer: &PrivateKeySigner,
        code: Bytes,
    ) -> Result<Address> {
        self.home.require_writable()?;
        let sent = self.outbox.submit(&self.ledger, key, signer, None, code, U256::ZERO).await;
        let receipt = match sent {
            Err(OutboxError::Reverted { data, message }) => {
                let reason = caduceus_contracts::explain(&data).unwrap_or(message);
                return Err(NodeError::Refused { action: what.to_owned(), reason });
            }
            outcome => outcome
                .map_err(|error| crate::genesis::in_words(&self.ledger, signer.address(), error))?,
        };
        self.note_gas(what, receipt.gas_used)?;
        let missing = || NodeError::Chain("the ledger does not say where the contract is".into());
        receipt.contract_address.ok_or_else(missing)
    }

    /// Gives `to` ether for gas, once.
    pub(crate) async fn fund(&self, to: Address) -> Result<()> {
        self.home.require_writable()?;
        let amount = crate::genesis::ALLOWANCE;
        crate::genesis::fund(&self.ledger, &self.outbox, &self.keyring, to, amount).await
    }

    /// A key for an operation that its caller wants done once more.
    pub fn new_key(&self, what: &str) -> Result<String> {
        Ok(format!("{what}/{}", alloy::hex::encode(crate::home::random::<16>()?)))
    }

    /// A key for an operation that `account` can repeat once it is done: another after each of its transactions.
    pub(crate) async fn next_key(&self, what: &str, account: Address) -> Result<String> {
        let count = self.provider.get_transaction_count(account).await?;
        Ok(format!("{what}/{account}/{count}"))
    }

    fn noted(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.gas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_gas(&self, what: &str, used: u64) -> Result<()> {
        let mut gas = self.noted();
        let entry = gas.entry(what.to_owned()).or_default();
        if used <= *entry {
            return Ok(());
        }
        *entry = used;
        self.home.record(GAS, &*gas)
    }

    /// Every event `E` that `contract` has emitted, oldest first, narrowed by its first indexed fields.
    pub(crate) async fn events<E: SolEvent>(
        &self,
        contract: Address,
        topics: &[Option<B256>],
    ) -> Result<Vec<E>> {
        let placed = self.placed_events(contract, topics).await?;
        Ok(placed.into_iter().map(|(_, event)| event).collect())
    }

    /// As [`Node::events`], each with its place on the ledger.
    pub(crate) async fn placed_events<E: SolEvent>(
        &self,
        contract: Address,
        topics: &[Option<B256>],
    ) -> Result<Vec<(Place, E)>> {
        placed_events(&self.provider, contract, topics).await
    }

    /// When the block of a place was mined, in seconds since 1970.
    pub(crate) async fn time_of(&self, place: Place) -> Result<u64> {
        time_of(&self.provider, place).await
    }

    /// The receipt of what was sent under a key before; none where nothing was, or it is not in a block yet.
    pub(crate) async fn sent(&self, key: &str) -> Result<Option<TransactionReceipt>> {
        Ok(self.outbox.settled(&self.ledger, key).await?)
    }

    /// A signature of `statement` for the contract `name` at `contract` (EIP-712, version 1 of every domain of ours).
    pub(crate) fn sign(
        &self,
        signer: &PrivateKeySigner,
        name: &'static str,
        contract: Address,
        statement: &impl SolStruct,
    ) -> Vec<u8> {
        let domain = self.domain(name, contract);
        let signature = signer.sign_hash_sync(&statement.eip712_signing_hash(&domain));
        signature.expect("a key in memory signs any hash").as_bytes().to_vec()
    }

    /// The domain in which the contract `name` at `contract` hashes statements.
    pub(crate) fn domain(&self, name: &'static str, contract: Address) -> Eip712Domain {
        domain_of(self.chain_id, name, contract)
    }

    /// Lets `seconds` pass on a development chain.
    pub(crate) async fn pass_time(&self, seconds: u64) -> Result<()> {
        let travel = self
            .provider
            .raw_request::<_, serde_json::Value>("evm_increaseTime".into(), (seconds,))
            .await;
        travel.map_err(|error| {
            let why = "this chain does not let time pass on request, so a vote here takes its days";
            NodeError::Chain(format!(
                "{why}; go on with `caduceus governance execute` when they are over ({error})"
            ))
        })?;
        self.provider.raw_request::<_, serde_json::Value>("evm_mine".into(), ()).await?;
        Ok(())
    }
}

/// As [`Node::placed_events`], by any view of a ledger.
pub(crate) async fn placed_events<E: SolEvent>(
    provider: &DynProvider,
    contract: Address,
    topics: &[Option<B256>],
) -> Result<Vec<(Place, E)>> {
    let mut filter =
        Filter::new().address(contract).event_signature(E::SIGNATURE_HASH).from_block(0);
    if let Some(Some(topic)) = topics.first() {
        filter = filter.topic1(*topic);
    }
    if let Some(Some(topic)) = topics.get(1) {
        filter = filter.topic2(*topic);
    }
    if let Some(Some(topic)) = topics.get(2) {
        filter = filter.topic3(*topic);
    }
    let logs = provider.get_logs(&filter).await?;
    let placed = logs.iter().map(|log| {
        let event =
            E::decode_log_data(log.data()).map_err(|error| NodeError::Chain(error.to_string()))?;
        let (Some(block), Some(log)) = (log.block_number, log.log_index) else {
            return Err(NodeError::Chain("the ledger gave a log that is in no block".into()));
        };
        Ok((Place { block, log }, event))
    });
    placed.collect()
}

/// As [`Node::time_of`], by any view of a ledger.
pub(crate) async fn time_of(provider: &DynProvider, place: Place) -> Result<u64> {
    let block = provider.get_block_by_number(place.block.into()).await?;
    let block = block.ok_or_else(|| {
        NodeError::Chain(format!("the ledger does not have block {}", place.block))
    })?;
    Ok(block.header.timestamp)
}

/// The EIP-712 domain of a contract of ours, version 1.
pub(crate) fn domain_of(chain_id: u64, name: &'static str, contract: Address) -> Eip712Domain {
    Eip712Domain {
        name: Some(name.into()),
        version: Some("1".into()),
        chain_id: Some(U256::from(chain_id)),
        verifying_contract: Some(contract),
        salt: None,
    }
}

/// Where on the ledger an event stands: earlier places compare as less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The block's number.
    pub(crate) block: u64,
    /// The log's index in it.
    pub(crate) log: u64,
}

/// Opens the outbox, or begins it anew where it was lost and nothing was on its way.
///
/// What was sent and mined is on the ledger, where every operation looks first; only what waits in a node's memory could
/// be sent twice without its record.
async fn open_outbox(
    home: &Home,
    ledger: &Ledger,
    keyring: &Keyring,
    report: &Reporter,
) -> Result<Outbox> {
    if home.has_lost(OUTBOX) && !home.is_read_only() {
        for account in crate::party::accounts(home, keyring)? {
            let provider = ledger.provider();
            let mined = provider.get_transaction_count(account).await?;
            if provider.get_transaction_count(account).pending().await? > mined {
                let what = format!(
                    "{} is lost, and a transaction of {account} is still on its way",
                    home.dir().join(OUTBOX).display()
                );
                let todo = "run the command again when it is in a block, or restore the file from a backup; nothing was changed";
                return Err(NodeError::not_ready(what, todo));
            }
        }
        drop(Outbox::open(home.dir().join(OUTBOX))?);
        report.fact(format!(
            "{} was lost; nothing was on its way, so that a new one was begun",
            home.dir().join(OUTBOX).display()
        ));
    }
    home.part(OUTBOX, |path| match home.is_read_only() {
        true => Ok(Outbox::open_read_only(path)?),
        false => Ok(Outbox::open(path)?),
    })
}

/// What `receipt` says of the first event `E`.
pub(crate) fn event<E: SolEvent>(receipt: &TransactionReceipt) -> Option<E> {
    receipt.inner.logs().iter().find_map(|log| E::decode_log_data(log.data()).ok())
}
