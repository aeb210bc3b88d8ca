//! What a researcher's home and a vault elsewhere say to each other.

use alloy::primitives::{Address, B256, keccak256};
use caduceus_records::schema::DatasetSchema;
use reqwest::Url;
use serde::{Deserialize, Serialize};

/// Who answers at a URL.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Introduction {
    pub(super) name: String,
    /// The custodian's account.
    pub(super) custodian: Address,
    /// Where it answers, as whoever runs it says.
    pub(super) url: String,
    /// By that account, over [`introduction`].
    pub(super) signature: String,
}

/// What a custodian signs for whoever asks with a challenge of their own. The URL is in it, so that nobody who passes challenges
/// on to a vault is taken for it.
pub(super) fn introduction(
    chain_id: u64,
    custodian: Address,
    url: &str,
    challenge: B256,
) -> String {
    format!("Caduceus vault of {custodian} on chain {chain_id} at {url} answers {challenge}")
}

/// A vault's URL in the one form in which it is compared and signed: scheme, host in lower case, port unless it is the scheme's
/// own, path without a slash at its end. None for what is no such URL.
pub(super) fn normal_url(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let bare = url.query().is_none() && url.fragment().is_none();
    let named = url.username().is_empty() && url.password().is_none();
    (bare && named).then(|| url.as_str().trim_end_matches('/').to_owned())
}

/// What is published of a dataset.
#[derive(Serialize, Deserialize)]
pub(super) struct About {
    pub(super) schema: DatasetSchema,
    /// What the researcher who asked can still spend, in thousandths of epsilon.
    pub(super) remaining_epsilon_milli: u64,
}

/// A question, handed in.
#[derive(Serialize, Deserialize)]
pub(super) struct Handed {
    /// The bytes whose hash the ledger will have.
    pub(super) document: String,
    /// A presentation of an ethics committee's approval.
    pub(super) approval: Option<String>,
    pub(super) researcher: Address,
    /// By the researcher's account, over [`Handed::statement`].
    pub(super) signature: String,
}

impl Handed {
    /// What a researcher signs: with a signature, who fills a vault's disk is known.
    pub(super) fn statement(&self, chain_id: u64) -> String {
        let document = keccak256(&self.document);
        let approval = self.approval.as_ref().map(keccak256).unwrap_or_default();
        format!(
            "Caduceus question {document} with approval {approval} of {} on chain {chain_id}",
            self.researcher
        )
    }
}

/// Why a vault does not do what it was asked.
#[derive(Serialize, Deserialize)]
pub(super) struct Objection {
    pub(super) error: String,
}
