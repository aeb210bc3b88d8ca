//! Facts that attestors confirm to the ledger: each is shown with its evidence, examined, signed and sent.
//!
//! What was confirmed before is not confirmed again: every fact has a key that names it.

use alloy::hex;
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::rpc::types::TransactionReceipt;
use alloy::sol_types::SolCall;
use caduceus_contracts::AttestationOracle::Proof;
use caduceus_contracts::{
    ComputeMarket, ContributionRewards, DatasetExchange, DatasetLending, DatasetToken,
    MembershipToken, MeteredLicence, TransferAgreement, ValidatorPool, VestingVault, recast,
};
use caduceus_vault::audit::{Detail, Kind};
use serde::Serialize;

use crate::attestor::{
    self, Approved, CHALLENGED, Case, Claim, Deleted, Panel, Reading, Ruling, Sealed, Signed,
    Subject, Transferred,
};
use crate::custodian::{self, Evidence};
use crate::error::{NodeError, Result};
use crate::member::Member;
use crate::node::Node;
use crate::party::{self, Party};

/// A fact that the ledger knows now.
#[derive(Clone, Debug, Serialize)]
pub struct Confirmed {
    /// The kind of statement, by its name in the contracts.
    pub statement: &'static str,
    /// What it is about: a dataset, a meter, a loan, an agreement or a check, by its number.
    pub about: u64,
    /// The transaction; none where the ledger knew it before.
    pub transaction: Option<B256>,
    /// Gas of it.
    pub gas: u64,
    /// Of a verdict: whether the validator's report was found to be wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrong: Option<bool>,
}

impl Confirmed {
    fn by(statement: &'static str, about: u64, receipt: Option<&TransactionReceipt>) -> Confirmed {
        let transaction = receipt.map(|receipt| receipt.transaction_hash);
        let gas = receipt.map_or(0, |receipt| receipt.gas_used);
        Confirmed { statement, about, transaction, gas, wrong: None }
    }
}

/// A fact on its way to the ledger.
struct Fact<'a> {
    statement: &'static str,
    about: u64,
    custodian: &'a Party,
    /// What names it in the outbox.
    key: String,
    /// The contract that takes it.
    to: Address,
}

impl Fact<'_> {
    /// Has attestors examine the case, and sends what `call` makes of their proof.
    async fn confirm<C: SolCall>(
        &self,
        node: &Node,
        subject: Subject,
        sealed: Option<Sealed<'_>>,
        claim: Claim,
        call: impl FnOnce(&Proof) -> C,
    ) -> Result<Confirmed> {
        let custodian = self.custodian;
        let case = Case { custodian, about: subject, sealed };
        let proof = Panel::of(node)?.attest_one(node, &case, claim).await?;
        custodian::note_attested(node, custodian, self.statement, &proof).await?;
        let (what, signer) = (self.statement.to_lowercase(), custodian.signer(node));
        let what = format!("{what} confirmed");
        let receipt = node.send(&what, &self.key, &signer, self.to, &call(&proof)).await?;
        Ok(Confirmed::by(self.statement, self.about, Some(&receipt)))
    }

    /// The same fact, where it was sent before.
    async fn before(&self, node: &Node) -> Result<Option<Confirmed>> {
        let sent = node.sent(&self.key).await?;
        Ok(sent.map(|receipt| Confirmed::by(self.statement, self.about, Some(&receipt))))
    }
}

/// What sets a dataset's price in the exchange, counted from its rows and consents.
pub async fn features(node: &Node, dataset: u64) -> Result<Confirmed> {
    let (custodian, publication) = custodian::published(node, dataset)?;
    let vault = custodian::vault(node, &custodian)?;
    let summary = custodian::summary(&vault, &publication)?;
    let evidence = Evidence { custodian: &custodian, vault: &vault, summary: &summary };
    let sealed = Sealed { evidence: &evidence, publication: &publication };
    let id = U256::from(dataset);
    let token = DatasetToken::new(node.at.dataset_token, &node.provider).dataset(id).call().await?;
    let traits = attestor::traits_of(&sealed, token.dataClass)?;
    let features = DatasetExchange::Features::from(traits);
    let to = node.at.dataset_exchange;
    let listed = DatasetExchange::new(to, &node.provider).listing(id).call().await?;
    if listed.assessedAt != 0 && listed.features == features {
        return Ok(Confirmed::by("FEATURES", dataset, None));
    }
    let key = node.next_key("features", custodian.address).await?;
    let fact = Fact { statement: "FEATURES", about: dataset, custodian: &custodian, key, to };
    let claim = Claim::features(dataset, &traits);
    let call = |proof: &Proof| DatasetExchange::setFeaturesCall {
        datasetId: id,
        features,
        proof: recast(proof),
    };
    fact.confirm(node, Subject::Features(traits), Some(sealed), claim, call).await
}

/// What a member contributed by being in the newest dataset of their custodian, once for each dataset.
pub async fn points(node: &Node, member: &Member) -> Result<Confirmed> {
    let custodian = party::find(node, party::Role::Custodian, &member.custodian)?;
    let vault = custodian::vault(node, &custodian)?;
    let members = MembershipToken::new(node.at.membership_token, &node.provider);
    let person = members.personOf(member.address).call().await?;
    for publication in custodian::publications(node, &custodian)?.iter().rev() {
        let Some(dataset) = publication.dataset else { continue };
        let summary = custodian::summary(&vault, publication)?;
        let evidence = Evidence { custodian: &custodian, vault: &vault, summary: &summary };
        let sealed = Sealed { evidence: &evidence, publication };
        let Some(gift) = attestor::gift_of(&sealed, member.address, person, dataset)? else {
            continue;
        };
        let (key, to) = (format!("points/{}", gift.content_hash), node.at.contribution_rewards);
        let fact = Fact { statement: "POINTS", about: dataset, custodian: &custodian, key, to };
        if let Some(before) = fact.before(node).await? {
            return Ok(before);
        }
        let claim = Claim::points(person, &gift);
        let call = |proof: &Proof| ContributionRewards::rewardCall {
            c: (&gift).into(),
            proof: recast(proof),
        };
        return fact.confirm(node, Subject::Points(gift), Some(sealed), claim, call).await;
    }
    let what = format!("{} is in no dataset of {}", member.name, custodian.name);
    Err(NodeError::not_ready(what, "publish a dataset with their rows first"))
}

/// How many units were computed under a metered licence in all, by its custodian's word. `last` closes it.
pub async fn usage(node: &Node, meter: u64, units: u64, last: bool) -> Result<Confirmed> {
    let to = node.at.metered_licence;
    let id = U256::from(meter);
    let meters = MeteredLicence::new(to, &node.provider);
    let found = meters.meter(id).call().await?;
    if found.buyer.is_zero() {
        let last = meters.meterCount().call().await?;
        return Err(none(node, "meter", meter, last, "MeteredLicence meter"));
    }
    let custodian = custodian::custodian_of(node, found.datasetId.to())?;
    let key = format!("usage/{meter}/{units}/{last}");
    let fact = Fact { statement: "USAGE", about: meter, custodian: &custodian, key, to };
    if let Some(before) = fact.before(node).await? {
        return Ok(before);
    }
    let subject = Subject::Usage(Reading { meter, units, last });
    let claim = Claim::usage(to, meter, units, last);
    let call = |proof: &Proof| MeteredLicence::settleCall {
        meterId: id,
        units,
        last,
        proof: recast(proof),
    };
    fact.confirm(node, subject, None, claim, call).await
}

/// That the borrower of a loan, a party of this home, deleted its copy. The borrower signs it and the custodian's log
/// confirms it before attestors are asked.
pub async fn deletion(node: &Node, loan: u64) -> Result<Confirmed> {
    let to = node.at.dataset_lending;
    let id = U256::from(loan);
    let loans = DatasetLending::new(to, &node.provider);
    let found = loans.loan(id).call().await?;
    if found.borrower.is_zero() {
        let last = loans.loanCount().call().await?;
        return Err(none(node, "loan", loan, last, "DatasetLending loan"));
    }
    let dataset = found.datasetId.to();
    let (custodian, publication) = custodian::published(node, dataset)?;
    let key = format!("deletion/{loan}");
    let fact = Fact { statement: "DELETION", about: loan, custodian: &custodian, key, to };
    if let Some(before) = fact.before(node).await? {
        return Ok(before);
    }
    let content = publication.content_hash;
    let text = attestor::deletion_text(node.chain_id(), to, loan, content);
    let hash = keccak256(&text);
    let borrower = by_account(node, found.borrower)?.signer(node);
    let statement = Signed { signature: attestor::sign_text(&borrower, &text), text };
    let confirms = |record: &caduceus_vault::audit::Record| {
        record.kind == Kind::DeletionConfirmed
            && record.details.get("statement") == Some(&Detail::Text(hash.to_string()))
    };
    if custodian::log_since(node, &custodian, confirms)?.is_empty() {
        let details =
            [("loan", custodian::number(loan)), ("statement", Detail::Text(hash.to_string()))];
        let kind = Kind::DeletionConfirmed;
        custodian::note(node, &custodian, kind, &content.to_string(), &details).await?;
    }
    custodian::anchor(node, &custodian).await?;
    let log = custodian::log_since(node, &custodian, confirms)?;
    let subject = Subject::Deletion(Deleted { loan, statement, log });
    let claim = Claim::deletion(to, loan, found.datasetId, hash);
    let call = |proof: &Proof| DatasetLending::giveBackCall {
        loanId: id,
        deletionHash: hash,
        proof: recast(proof),
    };
    fact.confirm(node, subject, None, claim, call).await
}

/// That the data of an agreement were delivered. The importer, a party of this home, signs a receipt; `document` is what
/// both sides signed the hash of.
pub async fn transfer(node: &Node, agreement: u64, document: &[u8]) -> Result<Confirmed> {
    let to = node.at.transfer_agreement;
    let id = U256::from(agreement);
    let agreements = TransferAgreement::new(to, &node.provider);
    let found = agreements.agreement(id).call().await?;
    if found.exporter.is_zero() {
        let last = agreements.agreementCount().call().await?;
        return Err(none(node, "agreement", agreement, last, "TransferAgreement agreement"));
    }
    if found.datasetId.is_zero() {
        let what = format!("agreement {agreement} names no dataset");
        let todo = "only the delivery of a dataset can be confirmed; conclude one that names it";
        return Err(NodeError::not_ready(what, todo));
    }
    let (custodian, publication) = custodian::published(node, found.datasetId.to())?;
    let key = format!("transfer/{agreement}");
    let fact = Fact { statement: "TRANSFER", about: agreement, custodian: &custodian, key, to };
    if let Some(before) = fact.before(node).await? {
        return Ok(before);
    }
    let (signed, content) = (found.documentHash, publication.content_hash);
    let text = attestor::receipt_text(node.chain_id(), to, agreement, signed, content);
    let hash = keccak256(&text);
    let importer = by_account(node, found.importer)?.signer(node);
    let receipt = Signed { signature: attestor::sign_text(&importer, &text), text };
    let document = hex::encode(document);
    let subject = Subject::Transfer(Transferred { agreement, document, receipt });
    let claim = Claim::transfer(to, agreement, signed, hash);
    let call = |proof: &Proof| TransferAgreement::deliverCall {
        agreementId: id,
        deliveryHash: hash,
        proof: recast(proof),
    };
    fact.confirm(node, subject, None, claim, call).await
}

/// That a dataset was used in a study that an ethics committee approved, once for each dataset. `approval` is the
/// researcher's presentation of it.
pub async fn approved_use(
    node: &Node,
    dataset: u64,
    job: u64,
    approval: &str,
) -> Result<Confirmed> {
    let (custodian, to) = (custodian::custodian_of(node, dataset)?, node.at.vesting_vault);
    let key = format!("use/{dataset}");
    let fact = Fact { statement: "USE", about: dataset, custodian: &custodian, key, to };
    if let Some(before) = fact.before(node).await? {
        return Ok(before);
    }
    let hash = keccak256(approval);
    let subject = Subject::Use(Approved { dataset, job, approval: approval.to_owned() });
    let claim = Claim::approved_use(dataset, job, hash);
    let call = |proof: &Proof| VestingVault::recordUseCall {
        datasetId: U256::from(dataset),
        jobId: U256::from(job),
        approval: hash,
        proof: recast(proof),
    };
    fact.confirm(node, subject, None, claim, call).await
}

/// `CheckStates.TAKEN` in the contracts.
const TAKEN: u8 = 2;
/// `CheckStates.SLASHED` in the contracts.
const SLASHED: u8 = 6;

/// A validator's report that the ledger knows now.
#[derive(Clone, Debug, Serialize)]
pub struct Reported {
    /// The check, by its number.
    pub check: u64,
    /// The dataset, by its number.
    pub dataset: u64,
    /// Completeness times validity, basis points, rounded down.
    pub quality: u16,
    /// The hash of the report: of the content hash, completeness, validity, freshness and rarity.
    pub report: B256,
    /// The transaction.
    pub transaction: B256,
}

/// Reports, for the validator who took a check and is a party of this home, what is counted from the sealed dataset. Its
/// custodian's log tells that it was released to the validator.
pub async fn report(node: &Node, check: u64) -> Result<Reported> {
    let found = checked(node, check).await?;
    let (to, key) = (node.at.validator_pool, format!("report/{check}"));
    let (custodian, publication) = custodian::published(node, found.datasetId.to())?;
    let validator = match found.validator.is_zero() {
        true => Err(NodeError::not_ready(
            format!("no validator has taken check {check}"),
            "take it first: `caduceus contract send --as NAME ValidatorPool take N`",
        )),
        false => by_account(node, found.validator),
    }?;
    let vault = custodian::vault(node, &custodian)?;
    if node.sent(&key).await?.is_none() {
        if found.state != TAKEN {
            let what = format!("check {check} waits for no report");
            return Err(NodeError::not_ready(what, "its report was made, or its time is over"));
        }
        let details = [("to", Detail::Text(validator.address.to_string()))];
        custodian::note(node, &custodian, Kind::Released, &publication.cid, &details).await?;
    }
    let summary = custodian::summary(&vault, &publication)?;
    let evidence = Evidence { custodian: &custodian, vault: &vault, summary: &summary };
    let sealed = Sealed { evidence: &evidence, publication: &publication };
    let findings = attestor::findings_of(&sealed)?.ok_or_else(erased)?;
    let call = ValidatorPool::reportCall {
        checkId: U256::from(check),
        quality: findings.quality,
        report_: findings.hash,
    };
    let receipt = node.send("report made", &key, &validator.signer(node), to, &call).await?;
    Ok(Reported {
        check,
        dataset: found.datasetId.to(),
        quality: findings.quality,
        report: findings.hash,
        transaction: receipt.transaction_hash,
    })
}

/// Whether a validator's report that was challenged is wrong, as the sealed dataset bears out.
pub async fn verdict(node: &Node, check: u64) -> Result<Confirmed> {
    let (found, to) = (checked(node, check).await?, node.at.validator_pool);
    let dataset = found.datasetId.to();
    let (custodian, publication) = custodian::published(node, dataset)?;
    let vault = custodian::vault(node, &custodian)?;
    let summary = custodian::summary(&vault, &publication)?;
    let evidence = Evidence { custodian: &custodian, vault: &vault, summary: &summary };
    let sealed = Sealed { evidence: &evidence, publication: &publication };
    let key = format!("verdict/{check}");
    let fact = Fact { statement: "VERDICT", about: check, custodian: &custodian, key, to };
    if let Some(before) = fact.before(node).await? {
        let wrong = Some(found.state == SLASHED);
        return Ok(Confirmed { wrong, ..before });
    }
    if found.state != CHALLENGED {
        let what = format!("the report of check {check} is not challenged");
        let todo = "challenge it first: `caduceus contract show ValidatorPool challenge`";
        return Err(NodeError::not_ready(what, todo));
    }
    let findings = attestor::findings_of(&sealed)?.ok_or_else(erased)?;
    let wrong = !findings.bears_out(&found);
    let subject = Subject::Verdict(Ruling { check, wrong });
    let claim = Claim::verdict(check, found.report, wrong);
    let call = |proof: &Proof| ValidatorPool::ruleCall {
        checkId: U256::from(check),
        wrong,
        verdict: recast(proof),
    };
    let done = fact.confirm(node, subject, Some(sealed), claim, call).await?;
    Ok(Confirmed { wrong: Some(wrong), ..done })
}

/// A check on the ledger.
async fn checked(node: &Node, check: u64) -> Result<ValidatorPool::Check> {
    let pool = ValidatorPool::new(node.at.validator_pool, &node.provider);
    let found = pool.check(U256::from(check)).call().await?;
    if found.requester.is_zero() {
        let last = pool.checkCount().call().await?;
        return Err(none(node, "check", check, last, "ValidatorPool check"));
    }
    Ok(found)
}

fn erased() -> NodeError {
    NodeError::not_ready(
        "somebody was erased from the dataset, so that nobody can count it again",
        "let the check's time pass: everybody gets back what they put in",
    )
}

/// The approval that came with a job's question, if one did.
pub async fn approval_of(node: &Node, job: u64) -> Result<Option<String>> {
    let market = ComputeMarket::new(node.at.compute_market, &node.provider);
    crate::approvals::shown_with(node, &market.job(U256::from(job)).call().await?)
}

fn by_account(node: &Node, account: Address) -> Result<Party> {
    let found = party::parties(node)?.into_iter().find(|party| party.address == account);
    found.ok_or_else(|| {
        let what = format!("{account} is no party of this home and cannot sign here");
        NodeError::not_ready(what, "run the command in the home that has its key")
    })
}

/// That nothing has a number. They are counted from 1; `shows` is the contract and its function that shows one.
fn none(node: &Node, what: &str, number: u64, last: U256, shows: &str) -> NodeError {
    let dir = node.home().dir().display();
    let listed = match last.to::<u64>() {
        0 => "there is none yet".to_owned(),
        1 => "there is only 1".to_owned(),
        last => format!("there are 1 to {last}"),
    };
    let todo = format!("see one with `caduceus contract call --dir {dir} {shows} N`");
    NodeError::not_ready(format!("there is no {what} {number}; {listed}"), todo)
}
