//! From protected records to a Data NFT in the pool, each claim about them checked by attestors.

use alloy::primitives::{B256, U256, keccak256};
use caduceus_contracts::DatasetToken::{DatasetMinted, MintRequest};
use caduceus_contracts::HealthDataPool::Deposited;
use caduceus_contracts::{DatasetToken, HealthDataPool, recast};
use caduceus_protect::release::METHOD;
use caduceus_records::Tables;
use caduceus_vault::Vault;
use caduceus_vault::audit::Kind;
use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, claims, consent_root, measure, quality, value_claim};
use super::{
    DESCRIPTION, PROTECTED, ProtectedSummary, anchor, entropy, note, note_attested, number, rights,
    vault,
};
use crate::attestor::{Case, Panel, Sealed, Subject};
use crate::error::{NodeError, Result};
use crate::node::{Node, event};
use crate::party::{self, Party, Role};
use crate::story::DatasetReport;

/// The part of a dataset's usage yield that its custodian keeps, in basis points.
const CUSTODIAN_BPS: u16 = 1_000;

/// A dataset version that was sealed, and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Publication {
    /// The content identifier (CIDv1) of the sealed dataset.
    pub cid: String,
    /// The digest in it.
    pub content_hash: B256,
    /// Merkle root over the persons' rows.
    pub table_commitment: B256,
    /// Patients in it.
    pub persons: u64,
    /// Rows in it.
    pub rows: u64,
    /// Records that were set aside when its source was read.
    pub set_aside: u64,
    /// Patients in the smallest class.
    pub k: u32,
    /// Different conditions in the poorest class.
    pub l: u32,
    /// The Data NFT, once minted.
    pub dataset: Option<u64>,
    /// SHA-256 of its report, in hex; the token's metadata names it.
    #[serde(default)]
    pub report: Option<String>,
    /// Pool shares that its deposit made, in units of 1e-18, once deposited.
    pub shares: Option<U256>,
}

/// Seals the protected records, has attestors check them, mints the Data NFT and deposits it in the pool.
///
/// Cut off anywhere, it goes on with the same sealed dataset when it is called again.
///
/// `panel` says which attestors are asked.
pub async fn publish(node: &Node, custodian: &str, panel: &Panel) -> Result<Publication> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let vault = vault(node, &custodian)?;
    let (Some(tables), Some(description)) =
        (vault.staging(PROTECTED)?, vault.document(DESCRIPTION)?)
    else {
        let what = format!("{} has nothing protected to publish", custodian.name);
        return Err(NodeError::not_ready(
            what,
            format!("run `caduceus protect --custodian {}` first", custodian.name),
        ));
    };
    let summary: ProtectedSummary = serde_json::from_slice(&description).map_err(|error| {
        NodeError::Chain(format!("the staged description cannot be read: {error}"))
    })?;
    rights::follow(node, &custodian, &vault).await?;
    let evidence = Evidence { custodian: &custodian, vault: &vault, summary: &summary };
    let key = format!("publication/{}/{}", custodian.name, summary.content);
    let mut publication = match node.home.recall(&key)? {
        Some(publication) => publication,
        None => {
            let sealed = seal(node, &evidence, &tables, &description).await?;
            node.home.record(&key, &sealed)?;
            sealed
        }
    };
    if publication.dataset.is_none() {
        publication.dataset = Some(mint(node, &evidence, &publication, panel).await?);
        let details = [("dataset", number(publication.dataset.unwrap_or_default()))];
        note(node, &custodian, Kind::Published, &publication.cid, &details).await?;
        node.home.record(&key, &publication)?;
    }
    // A dataset that was withdrawn is deposited once more: the ledger says where it is, not the journal.
    let shares = deposit(node, &evidence, &publication, panel).await?;
    if publication.shares != Some(shares) {
        publication.shares = Some(shares);
        node.home.record(&key, &publication)?;
    }
    remember(node, &custodian, &publication)?;
    anchor(node, &custodian).await?;
    Ok(publication)
}

/// Every publication of a custodian, oldest first.
pub fn publications(node: &Node, custodian: &Party) -> Result<Vec<Publication>> {
    Ok(node.home.recall(&format!("publications/{}", custodian.name))?.unwrap_or_default())
}

fn remember(node: &Node, custodian: &Party, publication: &Publication) -> Result<()> {
    let mut all = publications(node, custodian)?;
    if all.iter().all(|known| known.cid != publication.cid) {
        all.push(publication.clone());
        node.home.record(&format!("publications/{}", custodian.name), &all)?;
    }
    Ok(())
}

async fn seal(
    node: &Node,
    evidence: &Evidence<'_>,
    tables: &Tables,
    description: &[u8],
) -> Result<Publication> {
    let Evidence { custodian, vault, summary } = evidence;
    node.report.progress("patients to seal", summary.patients_out, None);
    let sealed = vault.seal(tables, &summary.schema, description, &mut entropy)?;
    let ingested: Option<super::Ingested> = node.home.recall(&super::ingested_key(custodian))?;
    note(
        node,
        custodian,
        Kind::Sealed,
        &sealed.cid.to_string(),
        &[("persons", number(sealed.persons))],
    )
    .await?;
    let cid_text = sealed.cid.to_string();
    let scores = quality(summary, tables, &summary.schema)?;
    let report = super::catalogue::write(node, custodian, summary, scores, &cid_text, sealed.rows)?;
    Ok(Publication {
        cid: sealed.cid.to_string(),
        content_hash: B256::from(sealed.content_hash),
        table_commitment: B256::from(sealed.table_commitment),
        persons: sealed.persons,
        rows: sealed.rows,
        set_aside: ingested.map_or(0, |ingested| ingested.set_aside),
        k: summary.k_reached,
        l: summary.report.l_reached,
        dataset: None,
        report: Some(report),
        shares: None,
    })
}

/// Mints the Data NFT with its three proofs, or finds the one that was minted.
async fn mint(
    node: &Node,
    evidence: &Evidence<'_>,
    publication: &Publication,
    panel: &Panel,
) -> Result<u64> {
    let custodian = evidence.custodian;
    let token = DatasetToken::new(node.at.dataset_token, &node.provider);
    let minted = token.tokenOfContent(publication.content_hash).call().await?;
    if !minted.is_zero() {
        return Ok(minted.to());
    }
    let request = mint_request(node, evidence, publication)?;
    let claims = claims(custodian.address, &request);
    let sealed = Some(Sealed { evidence, publication });
    let about = Subject::Token(Box::new((&request).into()));
    let proofs = panel.attest(node, &Case { custodian, about, sealed }, &claims).await?;
    for (statement, proof) in ["AUTHENTICITY", "CONSENT", "ANONYMIZATION"].iter().zip(&proofs) {
        note_attested(node, custodian, statement, proof).await?;
    }
    let mut proofs = proofs.into_iter();
    let mut proof = || recast(&proofs.next().expect("one proof for each claim"));
    let call = DatasetToken::mintCall {
        authenticity: proof(),
        consent: proof(),
        anonymization: proof(),
        request,
    };
    let key = format!("mint/{}", publication.content_hash);
    let receipt = node
        .send("dataset minted", &key, &custodian.signer(node), node.at.dataset_token, &call)
        .await?;
    let minted = event::<DatasetMinted>(&receipt)
        .ok_or_else(|| NodeError::Chain("minting left no event".into()))?;
    Ok(minted.datasetId.to())
}

/// Where the dataset is described, and the hash of its report.
fn metadata_uri(publication: &Publication) -> String {
    match &publication.report {
        Some(report) => format!("ipfs://{}#report-sha256={report}", publication.cid),
        None => format!("ipfs://{}", publication.cid),
    }
}

/// What the Data NFT of a sealed dataset shall say.
fn mint_request(
    node: &Node,
    evidence: &Evidence<'_>,
    publication: &Publication,
) -> Result<MintRequest> {
    Ok(MintRequest {
        contentHash: publication.content_hash,
        tableCommitment: publication.table_commitment,
        schemaId: keccak256(evidence.summary.schema.id.as_bytes()),
        schemaVersion: evidence.summary.schema.version,
        metadataURI: metadata_uri(publication),
        dataClass: super::CLASS.number(),
        recordCount: publication.rows,
        personCount: publication.persons,
        consentRoot: consent_root(evidence.vault, &publication.cid)?,
        k: u16::try_from(publication.k).unwrap_or(u16::MAX),
        l: u16::try_from(publication.l).unwrap_or(u16::MAX),
        method: keccak256(METHOD),
        custodianBps: CUSTODIAN_BPS,
        parent: parent(node, evidence.custodian, publication)?,
    })
}

/// The dataset that a custodian published before, which a new one succeeds; zero for the first.
fn parent(node: &Node, custodian: &Party, publication: &Publication) -> Result<U256> {
    let last = publications(node, custodian)?
        .into_iter()
        .take_while(|earlier| earlier.cid != publication.cid)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .find_map(|publication| publication.dataset);
    Ok(U256::from(last.unwrap_or_default()))
}

/// Deposits a minted dataset in the pool with its attested value, or finds the deposit. Gives its shares.
async fn deposit(
    node: &Node,
    evidence: &Evidence<'_>,
    publication: &Publication,
    panel: &Panel,
) -> Result<U256> {
    let dataset = U256::from(publication.dataset.unwrap_or_default());
    let pool = HealthDataPool::new(node.at.health_data_pool, &node.provider);
    let standing = pool.depositOf(dataset).call().await?;
    if !standing.shares.is_zero() {
        return Ok(standing.shares);
    }
    let value = measure(evidence, publication)?;
    let claim = value_claim(dataset, &value);
    let sealed = Some(Sealed { evidence, publication });
    let about = Subject::Worth((&value).into());
    let case = Case { custodian: evidence.custodian, about, sealed };
    let proof = panel.attest_one(node, &case, claim).await?;
    note_attested(node, evidence.custodian, "VALUE", &proof).await?;
    let call = HealthDataPool::depositCall { datasetId: dataset, value, proof: recast(&proof) };
    let signer = evidence.custodian.signer(node);
    let key = node.next_key(&format!("deposit/{dataset}"), evidence.custodian.address).await?;
    let receipt =
        node.send("dataset deposited", &key, &signer, node.at.health_data_pool, &call).await?;
    let deposited = event::<Deposited>(&receipt)
        .ok_or_else(|| NodeError::Chain("the deposit left no event".into()))?;
    Ok(deposited.shares)
}

pub(crate) fn cid(text: &str) -> Result<caduceus_vault::Cid> {
    text.parse().map_err(|_| NodeError::Chain(format!("{text} is no content identifier")))
}

/// The pseudonyms of a dataset's patients.
pub(super) fn persons(vault: &Vault, cid_text: &str) -> Result<Vec<String>> {
    Ok(vault.persons(&cid(cid_text)?)?)
}

/// The custodian of this home that published a dataset, and the publication.
pub(crate) fn published(node: &Node, dataset: u64) -> Result<(Party, Publication)> {
    for custodian in party::custodians(node)? {
        let mut publications = publications(node, &custodian)?.into_iter();
        let found = publications.find(|publication| publication.dataset == Some(dataset));
        if let Some(publication) = found {
            return Ok((custodian, publication));
        }
    }
    Err(NodeError::unknown("dataset", &dataset.to_string(), std::iter::empty()))
}

/// The custodian of this home that published a dataset.
pub(crate) fn custodian_of(node: &Node, dataset: u64) -> Result<Party> {
    Ok(published(node, dataset)?.0)
}

/// Refuses a number that no dataset on the ledger has.
pub async fn require_dataset(node: &Node, dataset: u64) -> Result<()> {
    let token = DatasetToken::new(node.at.dataset_token, &node.provider);
    match token.exists(U256::from(dataset)).call().await? {
        true => Ok(()),
        false => Err(NodeError::unknown("dataset", &dataset.to_string(), std::iter::empty())),
    }
}

/// A dataset as its token, the pool and the vault have it.
pub async fn dataset_report(
    node: &Node,
    custodian: &Party,
    token_id: u64,
    publication: &Publication,
) -> Result<DatasetReport> {
    let id = U256::from(token_id);
    let dataset =
        DatasetToken::new(node.at.dataset_token, &node.provider).dataset(id).call().await?;
    let deposit =
        HealthDataPool::new(node.at.health_data_pool, &node.provider).depositOf(id).call().await?;
    Ok(DatasetReport {
        token_id,
        custodian: custodian.name.clone(),
        jurisdiction: String::from_utf8_lossy(dataset.jurisdiction.as_slice()).into_owned(),
        patients: dataset.personCount,
        rows: dataset.recordCount,
        set_aside: publication.set_aside,
        k: dataset.k,
        cid: publication.cid.clone(),
        shares: deposit.shares.to_string(),
    })
}
