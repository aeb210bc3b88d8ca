//! What parties hand each other beside the ledger: questions to a vault, sealed answers back.
//!
//! The vaults of this home find it in the home's `exchange` folder. A vault elsewhere listens for it ([`listen`]): its home is
//! its own, and a researcher knows it by a URL and by the key with which it introduces itself.
//!
//! Nothing here is trusted: what is handed in is looked up by its hash on the ledger before it counts, what is handed out is
//! sealed to its researcher, and only once the ledger has settled it.

mod elsewhere;
mod service;
mod wire;

use alloy::primitives::{Address, B256, U256, keccak256};
use caduceus_contracts::DatasetToken;
use caduceus_query::EpsilonTotal;
use caduceus_records::schema::DatasetSchema;

use crate::custodian;
use crate::error::{NodeError, Result};
use crate::home::write_atomically;
use crate::node::Node;
use crate::party::{Party, parties};

pub use elsewhere::{Known, know, known};
pub use service::{AtWork, Serving, listen};

/// A caller's URL of a vault, in the form in which URLs are compared.
fn url(text: &str) -> Result<String> {
    wire::normal_url(text).ok_or_else(|| {
        let what = format!("`{text}` is no URL of a vault; give one such as http://127.0.0.1:8650");
        NodeError::Usage(what)
    })
}

/// The document of a question.
pub(crate) fn question_file(question: B256) -> String {
    format!("question-{question}.json")
}

/// A sealed answer.
pub(crate) fn answer_file(result: B256) -> String {
    format!("answer-{result}.sealed")
}

/// Where a vault leaves word why it gave a job back.
pub(crate) fn refusal_file(job: u64) -> String {
    format!("refusal-{job}.sealed")
}

/// What a vault publishes about a dataset, and what a researcher can still spend on its patients.
pub(crate) struct Published {
    pub(crate) schema: DatasetSchema,
    pub(crate) remaining: EpsilonTotal,
}

/// Who holds a dataset, on the ledger.
async fn holder(node: &Node, dataset: u64) -> Result<Address> {
    let token = DatasetToken::new(node.at.dataset_token, &node.provider);
    Ok(token.dataset(U256::from(dataset)).call().await?.custodian)
}

/// The vault elsewhere that holds a dataset; none where it is in this home.
async fn elsewhere(node: &Node, dataset: u64) -> Result<Option<elsewhere::Vault>> {
    let holder = holder(node, dataset).await?;
    if parties(node)?.iter().any(|party| party.address == holder) {
        return Ok(None);
    }
    match elsewhere::vault_of(node, holder)? {
        Some(vault) => Ok(Some(vault)),
        None => Err(NodeError::not_ready(
            format!(
                "dataset {dataset} is in a vault of {holder}, and this home does not know where that answers"
            ),
            "ask its custodian for the URL and name it with `caduceus vault know URL`",
        )),
    }
}

/// Asks the vault of a dataset what it publishes.
pub(crate) async fn published(node: &Node, dataset: u64, researcher: Address) -> Result<Published> {
    match elsewhere(node, dataset).await? {
        Some(vault) => vault.published(dataset, researcher).await,
        None => here(node, dataset, researcher),
    }
}

/// As [`published`], of a dataset of this home.
fn here(node: &Node, dataset: u64, researcher: Address) -> Result<Published> {
    let (party, publication) = custodian::published(node, dataset)?;
    let vault = custodian::vault(node, &party)?;
    let schema = vault.schema(&custodian::cid(&publication.cid)?)?;
    let remaining = custodian::remaining_budget(node, &party, researcher)?;
    Ok(Published { schema, remaining })
}

/// Hands a question to the vaults of these datasets, before the ledger has it.
pub(crate) async fn hand_over(
    node: &Node,
    researcher: &Party,
    datasets: &[u64],
    document: &[u8],
    approval: Option<&str>,
) -> Result<B256> {
    let question = keccak256(document);
    write_atomically(&node.home.exchange_path(&question_file(question)), document)?;
    crate::approvals::hand_over(node, question, researcher.address, approval)?;
    let mut told = Vec::new();
    for dataset in datasets {
        if let Some(vault) = elsewhere(node, *dataset).await?.filter(|vault| !told.contains(vault))
        {
            vault.take(node, researcher, question, document, approval).await?;
            told.push(vault);
        }
    }
    Ok(question)
}

/// Fetches what came of a job that ended from the vault elsewhere that had it, unless it is here. An answer is kept only if the
/// ledger holds its hash, `result`.
pub(crate) async fn collect(
    node: &Node,
    job: u64,
    dataset: u64,
    file: &str,
    result: Option<B256>,
) -> Result<()> {
    let path = node.home.exchange_path(file);
    if path.exists() {
        return Ok(());
    }
    let Some(vault) = elsewhere(node, dataset).await? else { return Ok(()) };
    let sealed = vault.outcome(job).await?;
    if result.is_some_and(|result| keccak256(&sealed) != result) {
        return Err(NodeError::Refused {
            action: format!("what {vault} gave for job {job}"),
            reason: "it is not the answer that the ledger holds the hash of".into(),
        });
    }
    write_atomically(&path, &sealed)
}
