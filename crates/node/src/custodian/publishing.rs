//! From protected records to a Data NFT in the pool, each claim about them checked by attestors.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, FixedBytes, U256, keccak256};
use alloy::sol_types::SolValue;
use caduceus_contracts::DatasetToken::{DatasetMinted, MintRequest};
use caduceus_contracts::HealthDataPool::{Deposited, Value};
use caduceus_contracts::{ConsentRegistry, DatasetToken, HealthDataPool, MembershipToken, recast};
use caduceus_economics::merkle;
use caduceus_policy::consent::{Party as Account, Use as PaperUse};
use caduceus_policy::{Country, DataClass, Purpose};
use caduceus_protect::quality::{self, Quality};
use caduceus_protect::release::METHOD;
use caduceus_records::Tables;
use caduceus_records::schema::DatasetSchema;
use caduceus_vault::audit::Kind;
use caduceus_vault::{Receipt, Vault};
use serde::{Deserialize, Serialize};

use super::{
    DESCRIPTION, PROTECTED, ProtectedSummary, anchor, consent, entropy, note, note_attested,
    number, vault,
};
use crate::attestor::{About, Asked, Claim, Panel};
use crate::error::{NodeError, Result};
use crate::member::{Member, person_id};
use crate::node::{Node, event};
use crate::party::{self, Party, Role};
use crate::story::DatasetReport;

/// The part of a dataset's usage yield that its custodian keeps, in basis points.
const CUSTODIAN_BPS: u16 = 1_000;
/// A new custodian's reputation, in basis points: nothing added, nothing taken.
const NEUTRAL_REPUTATION: u16 = 10_000;

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

/// What attestors look at.
pub(crate) struct Evidence<'a> {
    pub(crate) custodian: &'a Party,
    pub(crate) vault: &'a Vault,
    pub(crate) summary: &'a ProtectedSummary,
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
    let sealed = vault.seal(tables, &summary.schema, description, &mut entropy)?;
    let ingested: Option<super::Ingested> =
        node.home.recall(&format!("ingested/{}", custodian.name))?;
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
    let asked = Asked { evidence, publication, about: About::Token(&request) };
    let proofs =
        panel.attest(node, &claims, &asked, || examine(evidence, publication, &request)).await?;
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
        dataClass: DataClass::Clinical.number(),
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

/// The three statements that minting needs, hashed as `DatasetToken.mint` hashes them.
pub(crate) fn claims(custodian: Address, request: &MintRequest) -> [Claim; 3] {
    let subject = request.contentHash;
    let authenticity = (
        custodian,
        request.contentHash,
        request.tableCommitment,
        request.schemaId,
        U256::from(request.schemaVersion),
        U256::from(request.dataClass),
        U256::from(request.recordCount),
        U256::from(request.personCount),
    );
    let consent =
        (custodian, request.contentHash, request.consentRoot, U256::from(request.personCount));
    let anonymization =
        (request.contentHash, U256::from(request.k), U256::from(request.l), request.method);
    [
        Claim::new("AUTHENTICITY", subject, &authenticity.abi_encode_params()),
        Claim::new("CONSENT", subject, &consent.abi_encode_params()),
        Claim::new("ANONYMIZATION", subject, &anonymization.abi_encode_params()),
    ]
}

/// What one attestor does before signing: opens the sealed dataset and counts everything again.
pub(crate) fn examine(
    evidence: &Evidence<'_>,
    publication: &Publication,
    request: &MintRequest,
) -> std::result::Result<(), String> {
    let words = |error: caduceus_vault::VaultError| error.to_string();
    let cid =
        publication.cid.parse().map_err(|_| "the content identifier cannot be read".to_owned())?;
    evidence.vault.verify(&cid).map_err(words)?;
    let opened = evidence.vault.open_dataset(&cid, &|_| true).map_err(words)?;
    let objection = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    objection(
        opened.persons.len() as u64 == request.personCount,
        "the number of persons is another",
    )?;
    objection(opened.tables.rows() as u64 == request.recordCount, "the number of rows is another")?;
    let quasi: Vec<&str> =
        evidence.summary.report.account.generalization.keys().map(String::as_str).collect();
    let smallest = caduceus_protect::smallest_class(&opened.tables, &quasi)
        .map_err(|error| error.to_string())?;
    objection(smallest >= u32::from(request.k), "a class is smaller than k")?;
    let root = consent_root(evidence.vault, &publication.cid).map_err(|error| error.to_string())?;
    objection(root == request.consentRoot, "the consent receipts have another root")
}

/// Merkle root over the receipts of a dataset's patients; fails where one of them does not permit.
fn consent_root(vault: &Vault, cid: &str) -> Result<B256> {
    let leaves = standing_leaves(vault, cid)?;
    if leaves.len() < persons(vault, cid)?.len() {
        let reason = "a patient in it has not consented; run `caduceus protect` again".to_owned();
        return Err(NodeError::Refused { action: "publishing".into(), reason });
    }
    Ok(merkle_root(&leaves))
}

/// The receipts of a dataset's patients that permit, as leaves.
fn standing_leaves(vault: &Vault, cid: &str) -> Result<Vec<B256>> {
    let in_dataset: BTreeSet<String> = persons(vault, cid)?.into_iter().collect();
    let receipts = vault.consents()?;
    let standing =
        receipts.iter().filter(|receipt| receipt.permit && in_dataset.contains(&receipt.pseudonym));
    let leaf = |receipt: &Receipt| {
        merkle::leaf_hash(
            &(person_id(&receipt.pseudonym), B256::from(receipt.document_hash)).abi_encode(),
        )
    };
    Ok(standing.map(leaf).collect())
}

/// The root of leaves; where none is left, a value that is no root of any.
fn merkle_root(leaves: &[B256]) -> B256 {
    merkle::root(leaves).unwrap_or(keccak256("no consent stands"))
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
    let recount = || match measure(evidence, publication) {
        Ok(again) if again == value => Ok(()),
        Ok(_) => Err("the quality scores are others".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let asked = Asked { evidence, publication, about: About::Worth(&value) };
    let proof = panel.attest(node, &[claim], &asked, recount).await?.remove(0);
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

/// The statement that a deposit needs, hashed as `HealthDataPool.deposit` hashes it.
pub(crate) fn value_claim(dataset: U256, value: &Value) -> Claim {
    let content = (
        dataset,
        U256::from(value.completeness),
        U256::from(value.freshness),
        U256::from(value.rarity),
        U256::from(value.reputation),
    );
    Claim::new("VALUE", dataset.into(), &content.abi_encode_params())
}

/// The quality scores of a sealed dataset, counted from what is in it.
pub(crate) fn measure(evidence: &Evidence<'_>, publication: &Publication) -> Result<Value> {
    let cid = cid(&publication.cid)?;
    let opened = evidence.vault.open_dataset(&cid, &|_| true)?;
    let scores = quality(evidence.summary, &opened.tables, &opened.schema)?;
    // The pool takes no score below its floor; what is worth less counts as the floor.
    let at_least = |score: u16| score.max(crate::genesis::SCORE_FLOOR);
    Ok(Value {
        completeness: at_least(scores.completeness),
        freshness: at_least(scores.freshness),
        rarity: at_least(scores.rarity),
        reputation: at_least(scores.reputation),
    })
}

/// How good protected tables are.
pub(super) fn quality(
    summary: &ProtectedSummary,
    tables: &Tables,
    schema: &DatasetSchema,
) -> Result<Quality> {
    Ok(quality::scores(tables, schema, summary.reference()?, NEUTRAL_REPUTATION))
}

pub(crate) fn cid(text: &str) -> Result<caduceus_vault::Cid> {
    text.parse().map_err(|_| NodeError::Chain(format!("{text} is no content identifier")))
}

/// The pseudonyms of a dataset's patients.
pub(super) fn persons(vault: &Vault, cid_text: &str) -> Result<Vec<String>> {
    Ok(vault.persons(&cid(cid_text)?)?)
}

/// The custodian of this home that published a dataset, and the publication.
fn published(node: &Node, dataset: u64) -> Result<(Party, Publication)> {
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

/// The published schema of a dataset.
pub(crate) fn published_schema(node: &Node, dataset: u64) -> Result<DatasetSchema> {
    let (custodian, publication) = published(node, dataset)?;
    Ok(vault(node, &custodian)?.schema(&cid(&publication.cid)?)?)
}

/// Pseudonyms of the patients in a custodian's newest dataset whose paper permits now, in a fixed order.
pub(crate) fn consenting_patients(node: &Node, custodian: &Party) -> Result<Vec<String>> {
    let Some(publication) = publications(node, custodian)?.pop() else {
        let what = format!("{} has published nothing", custodian.name);
        let todo = format!("run `caduceus publish --custodian {}` first", custodian.name);
        return Err(NodeError::not_ready(what, todo));
    };
    let vault = vault(node, custodian)?;
    let receipts = vault.consents()?;
    let permitted = super::permitted(&receipts);
    let mut patients = persons(&vault, &publication.cid)?;
    patients.retain(|pseudonym| permitted.contains(pseudonym.as_str()));
    Ok(patients)
}

/// What an attestor asks the vault before confirming that a wallet belongs to a patient of it. Who was erased since is
/// still the person who earned what they earned.
pub(crate) fn knows_person(node: &Node, member: &Member) -> std::result::Result<(), String> {
    let known = || -> Result<bool> {
        let custodian = party::find(node, Role::Custodian, &member.custodian)?;
        let vault = vault(node, &custodian)?;
        for publication in publications(node, &custodian)? {
            if super::people(&vault, &publication)?.contains(&member.person) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    match known() {
        Ok(true) => Ok(()),
        Ok(false) => Err("the vault does not know this person".into()),
        Err(error) => Err(error.to_string()),
    }
}

/// The patients of a dataset whose data may be used now as `asked`.
///
/// Who joined is asked on the ledger, where their own word stands above the paper that the custodian holds; for
/// everybody else the receipt in the vault counts.
pub(super) async fn eligible(
    node: &Node,
    custodian: &Party,
    vault: &Vault,
    publication: &Publication,
    asked: &Use,
) -> Result<BTreeSet<String>> {
    let now = node.now().await?;
    let consent = ConsentRegistry::new(node.at.consent_registry, &node.provider);
    let on_paper = asked.of(custodian);
    let mut eligible = BTreeSet::new();
    for (pseudonym, member, receipt) in standing(node, vault, publication).await? {
        let Use { grantee, class, purpose, jurisdiction } = *asked;
        let permits = match member {
            Some(member) => {
                consent
                    .permits(member, custodian.address, grantee, class, purpose, jurisdiction)
                    .call()
                    .await?
                    .ok
            }
            None => receipt
                .zip(on_paper)
                .is_some_and(|(receipt, asked)| consent::covers(node.rules, &receipt, &asked, now)),
        };
        if permits {
            eligible.insert(pseudonym);
        }
    }
    Ok(eligible)
}

/// A use that consent is asked for.
#[derive(Clone, Copy)]
pub(super) struct Use {
    pub(super) grantee: Address,
    pub(super) class: u8,
    pub(super) purpose: u8,
    pub(super) jurisdiction: FixedBytes<2>,
}

impl Use {
    /// The use as the rules know it; none where one of its codes is not known.
    fn of(&self, custodian: &Party) -> Option<PaperUse> {
        Some(PaperUse {
            custodian: Account(custodian.address.into_array()),
            grantee: Account(self.grantee.into_array()),
            // The ledger asked the registry before it accepted the job.
            in_good_standing: true,
            class: DataClass::from_number(self.class)?,
            purpose: Purpose::from_number(self.purpose)?,
            country: Country::from_bytes(self.jurisdiction.0)?,
        })
    }
}

/// Every patient of a dataset with their account, if they joined, and their receipt, if the vault has one.
async fn standing(
    node: &Node,
    vault: &Vault,
    publication: &Publication,
) -> Result<Vec<(String, Option<Address>, Option<Receipt>)>> {
    let joined =
        node.events::<MembershipToken::MemberJoined>(node.at.membership_token, &[]).await?;
    let joined: BTreeSet<B256> = joined.into_iter().map(|joined| joined.personId).collect();
    let mut receipts: BTreeMap<String, Receipt> =
        vault.consents()?.into_iter().map(|receipt| (receipt.pseudonym.clone(), receipt)).collect();
    let membership = MembershipToken::new(node.at.membership_token, &node.provider);
    let mut standing = Vec::new();
    for pseudonym in persons(vault, &publication.cid)? {
        let person = person_id(&pseudonym);
        let member = match joined.contains(&person) {
            true => {
                Some(membership.memberOf(person).call().await?).filter(|member| !member.is_zero())
            }
            false => None,
        };
        let receipt = receipts.remove(&pseudonym);
        standing.push((pseudonym, member, receipt));
    }
    Ok(standing)
}

/// Follows a person's withdrawal in the vault: the paper no longer permits either, and the root of the receipts that
/// stand is posted for each dataset that it changes.
pub(crate) async fn note_revocation(node: &Node, custodian: &Party, person: B256) -> Result<()> {
    let vault = vault(node, custodian)?;
    super::settle(node, custodian, &vault).await?;
    let mut receipts = vault.consents()?;
    let own = receipts.iter_mut().find(|receipt| person_id(&receipt.pseudonym) == person);
    if let Some(receipt) = own.filter(|receipt| receipt.permit) {
        note(node, custodian, Kind::ConsentRevoked, &person.to_string(), &[]).await?;
        receipt.permit = false;
        vault.set_consents(&receipts, &mut entropy)?;
    }
    let registry = ConsentRegistry::new(node.at.consent_registry, &node.provider);
    for publication in publications(node, custodian)? {
        let Some(dataset) = publication.dataset else { continue };
        let root = merkle_root(&standing_leaves(&vault, &publication.cid)?);
        if registry.consentRoot(U256::from(dataset)).call().await? == root {
            continue;
        }
        let call = ConsentRegistry::postConsentRootCall { datasetId: U256::from(dataset), root };
        note(
            node,
            custodian,
            Kind::ConsentRootPosted,
            &root.to_string(),
            &[("dataset", number(dataset))],
        )
        .await?;
        let key = node.next_key("consent-root", custodian.address).await?;
        node.send(
            "consent root posted",
            &key,
            &custodian.signer(node),
            node.at.consent_registry,
            &call,
        )
        .await?;
    }
    anchor(node, custodian).await
}

/// Takes a dataset out of the pool: announces it, lets open jobs end, burns its shares, returns the Data NFT.
///
/// No pause stops it. What was earned stays claimable.
pub async fn withdraw(node: &Node, custodian: &str, dataset: u64) -> Result<()> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let (id, to) = (U256::from(dataset), node.at.health_data_pool);
    let pool = HealthDataPool::new(to, &node.provider);
    let signer = custodian.signer(node);
    if !pool.depositOf(id).call().await?.announced {
        let call = HealthDataPool::announceWithdrawalCall { datasetId: id };
        let key = node.next_key("announce", custodian.address).await?;
        node.send("withdrawal announced", &key, &signer, to, &call).await?;
    }
    super::answer(node, &custodian.name).await?;
    let call = HealthDataPool::withdrawCall { datasetId: id };
    let key = node.next_key("withdraw", custodian.address).await?;
    node.send("dataset withdrawn", &key, &signer, to, &call).await?;
    note(node, &custodian, Kind::Withdrawn, &format!("dataset/{dataset}"), &[]).await?;
    anchor(node, &custodian).await
}

/// Erases a member, after withdrawing what they agreed to. Gives in how many datasets there was a key to destroy.
pub async fn erase(node: &Node, member: &Member) -> Result<u64> {
    crate::member::revoke(node, member).await?;
    let custodian = party::find(node, Role::Custodian, &member.custodian)?;
    erase_person(node, &custodian, member.person).await
}

/// Erases a patient who may never have joined, by the id that the custodian's records have. Gives in how many datasets
/// there was a key to destroy.
pub async fn erase_patient(node: &Node, custodian: &str, patient: &str) -> Result<u64> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let key = super::pseudonym_key(&vault(node, &custodian)?);
    let person = person_id(&key.pseudonym(patient));
    note_revocation(node, &custodian, person).await?;
    erase_person(node, &custodian, person).await
}

/// Makes a person's rows unreadable in every stored copy by destroying their keys, and keeps them out of every later
/// intake.
async fn erase_person(node: &Node, custodian: &Party, person: B256) -> Result<u64> {
    let vault = vault(node, custodian)?;
    super::settle(node, custodian, &vault).await?;
    let receipts = vault.consents()?;
    let own = receipts.iter().find(|receipt| person_id(&receipt.pseudonym) == person);
    let Some(pseudonym) = own.map(|receipt| receipt.pseudonym.clone()) else {
        let what = format!("{}'s vault has no record of this person", custodian.name);
        return Err(NodeError::not_ready(what, "give the id of a FHIR Patient that was ingested"));
    };
    note(node, custodian, Kind::Erased, &person.to_string(), &[]).await?;
    let erased = super::destroy(&vault, &pseudonym)?;
    anchor(node, custodian).await?;
    Ok(erased.datasets)
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
