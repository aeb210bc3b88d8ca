//! Statements about what somebody did: read on the ledger, in signed documents, and in a log whose head is anchored.

use alloy::hex;
use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolValue;
use caduceus_contracts::MembershipToken::MemberJoined;
use caduceus_contracts::{
    ComputeMarket, ConsentRegistry, DatasetLending, DatasetToken, MeteredLicence, ProvenanceLog,
    TransferAgreement,
};
use caduceus_economics::merkle;
use caduceus_identity::Did;
use caduceus_identity::credential::Kind as Credential;
use caduceus_policy::Purpose;
use caduceus_vault::audit::{self, Detail, Kind, Record};

use super::{Finding, Sight, require, unseen};
use crate::accreditation::{Registry, Wanted};
use crate::attestor::Claim;
use crate::attestor::wire::{
    Approved, Deleted, Delivered, Introduced, Manifest, Reading, Transferred,
};
use crate::credentials::Sources;
use crate::custodian::SETTLED;
use crate::node::placed_events;

/// `JobStates.COMMITTED`, `LoanStates.OPEN` and `AgreementStates.CONCLUDED` in the contracts.
const COMMITTED: u8 = 3;
const OPEN: u8 = 1;
const CONCLUDED: u8 = 1;
/// A dataset descends from another in at most so many steps (`VestingVault.MAXIMUM_DESCENT`).
const DESCENT: usize = 16;

/// An examiner at work: what it sees, and what it was handed.
pub(super) struct Eyes<'a> {
    pub(super) sight: &'a Sight,
    pub(super) manifest: &'a Manifest,
    pub(super) sources: &'a Sources,
    pub(super) now: u64,
}

/// What a borrower signs when its copy of a dataset is gone.
pub(crate) fn deletion_text(chain_id: u64, contract: Address, loan: u64, content: B256) -> String {
    format!(
        "I deleted every copy of the dataset {content} that I had under loan {loan} of {contract} on chain {chain_id}"
    )
}

/// What an importer signs when the data of an agreement arrived.
pub(crate) fn receipt_text(
    chain_id: u64,
    contract: Address,
    agreement: u64,
    document: B256,
    content: B256,
) -> String {
    format!(
        "I received the dataset {content} under agreement {agreement} of {contract} on chain {chain_id}, whose document has the hash {document}"
    )
}

impl Eyes<'_> {
    /// The wallet's identifier is its own, and the person has a receipt under a root of this custodian that the ledger has, or
    /// held this wallet as a member before.
    pub(super) async fn person(&self, who: &Introduced) -> Finding<Claim> {
        let Sight { provider, chain_id, at } = self.sight;
        let did = Did::Account { chain_id: *chain_id, address: who.member };
        let same = did.document().keccak256() == who.did_hash;
        require(same, "the identifier is not that of the wallet")?;
        match &who.consent {
            Some(leaf) => {
                self.own_dataset(U256::from(leaf.dataset)).await?;
                let registry = ConsentRegistry::new(at.consent_registry, provider);
                let root = registry.consentRoot(U256::from(leaf.dataset)).call().await;
                let hash = merkle::leaf_hash(&(who.person, leaf.document).abi_encode());
                let known = merkle::verify(root.map_err(unseen)?, hash, &leaf.proof);
                require(known, "the person is not under the consent root on the ledger")?;
            }
            None => {
                let topics = [Some(who.member.into_word())];
                let token = at.membership_token;
                let joins = placed_events::<MemberJoined>(provider, token, &topics).await;
                let before =
                    joins.map_err(unseen)?.iter().any(|(_, join)| join.personId == who.person);
                require(before, "the person was never a member with this wallet")?;
            }
        }
        if let Some(credential) = &who.credential {
            let wanted =
                Wanted { account: who.member, kind: Credential::PatientIdentity, country: None };
            self.shown(credential, &wanted).await?;
        }
        Ok(Claim::identity(who.member, who.person, who.did_hash))
    }

    /// The ciphertext has the committed hash, and the custodian's log has the answer and what it cost.
    pub(super) async fn delivery(&self, delivered: &Delivered) -> Finding<Claim> {
        let Sight { provider, at, .. } = self.sight;
        let id = delivered.job;
        let market = ComputeMarket::new(at.compute_market, provider);
        let job = market.job(U256::from(id)).call().await.map_err(unseen)?;
        require(job.state == COMMITTED, "no answer is committed and waiting on the ledger")?;
        self.own_dataset(job.datasetId).await?;
        let answer = hex::decode(&delivered.answer).map_err(|_| "the delivery is no hex")?;
        require(keccak256(answer) == job.resultHash, "the delivery is not what was committed")?;
        let registry = ConsentRegistry::new(at.consent_registry, provider);
        let counter = registry.revocationCounter(self.manifest.custodian).call().await;
        let counted = job.consentCounter <= counter.map_err(unseen)?;
        require(counted, "the answer counts changes of consent that have not happened")?;

        self.logged(&delivered.log).await?;
        let records = |kind: Kind| delivered.log.iter().filter(move |one| one.kind == kind);
        let answered = records(Kind::Answered).any(|one| {
            one.subject == job.resultHash.to_string()
                && number(one, "job") == Some(id)
                && number(one, "consent_counter") == Some(job.consentCounter)
        });
        require(answered, "the log does not have the answer that was committed")?;
        let spent = u64::from(job.spentEpsilonMilli);
        let charged = spent == 0
            || records(Kind::BudgetCharged).any(|one| {
                number(one, "job") == Some(id) && number(one, "epsilon_milli") >= Some(spent)
            });
        require(charged, "the privacy budget was not charged for this answer")?;
        Ok(Claim::delivery(id, &job))
    }

    /// The reading is of the custodian's own dataset, and goes on from the last one on the ledger.
    pub(super) async fn usage(&self, reading: &Reading) -> Finding<Claim> {
        let Sight { provider, at, .. } = self.sight;
        let licences = MeteredLicence::new(at.metered_licence, provider);
        let meter = licences.meter(U256::from(reading.meter)).call().await.map_err(unseen)?;
        require(!meter.buyer.is_zero() && !meter.closed, "there is no such meter that runs")?;
        self.own_dataset(meter.datasetId).await?;
        require(reading.units >= meter.units, "the reading is below the last one on the ledger")?;
        let says_more = reading.units > meter.units || reading.last;
        require(says_more, "the reading is the last one on the ledger")?;
        Ok(Claim::usage(at.metered_licence, reading.meter, reading.units, reading.last))
    }

    /// The borrower says so with its signature, and the custodian's anchored log has that statement.
    pub(super) async fn deletion(&self, deleted: &Deleted) -> Finding<Claim> {
        let Sight { provider, chain_id, at } = self.sight;
        let lending = DatasetLending::new(at.dataset_lending, provider);
        let loan = lending.loan(U256::from(deleted.loan)).call().await.map_err(unseen)?;
        require(loan.state == OPEN, "no such loan is open")?;
        let content = self.own_dataset(loan.datasetId).await?;
        let text = deletion_text(*chain_id, at.dataset_lending, deleted.loan, content);
        let stated = deleted.statement.says(loan.borrower, &text);
        require(stated, "the borrower has not signed that it deleted this dataset")?;
        let hash = keccak256(text);
        let head = self.logged(&deleted.log).await?;
        require(head == End::Anchored, "the log ends behind what is anchored on the ledger")?;
        let noted = deleted.log.iter().any(|one| {
            one.kind == Kind::DeletionConfirmed
                && one.subject == content.to_string()
                && number(one, "loan") == Some(deleted.loan)
                && text_of(one, "statement") == Some(&hash.to_string())
        });
        require(noted, "the custodian's log does not confirm the deletion")?;
        Ok(Claim::deletion(at.dataset_lending, deleted.loan, loan.datasetId, hash))
    }

    /// The document is the agreement's, and the importer signed for what it names.
    pub(super) async fn transfer(&self, transferred: &Transferred) -> Finding<Claim> {
        let Sight { provider, chain_id, at } = self.sight;
        let (id, to) = (transferred.agreement, at.transfer_agreement);
        let agreements = TransferAgreement::new(to, provider);
        let agreement = agreements.agreement(U256::from(id)).call().await.map_err(unseen)?;
        require(agreement.state == CONCLUDED, "no such agreement waits for its delivery")?;
        let exports = agreement.exporter == self.manifest.custodian;
        require(exports, "the agreement is another exporter's")?;
        let document =
            hex::decode(&transferred.document).map_err(|_| "the document is no hex".to_owned())?;
        let same = keccak256(document) == agreement.documentHash;
        require(same, "the document is not the one that both sides signed")?;
        require(!agreement.datasetId.is_zero(), "the agreement names no dataset")?;
        let content = self.own_dataset(agreement.datasetId).await?;
        let text = receipt_text(*chain_id, to, id, agreement.documentHash, content);
        let received = transferred.receipt.says(agreement.importer, &text);
        require(received, "the importer has not signed for this dataset")?;
        Ok(Claim::transfer(to, id, agreement.documentHash, keccak256(text)))
    }

    /// The job is settled, on the dataset or one that came of it, for a purpose that a committee approved for its researcher.
    pub(super) async fn approved(&self, approved: &Approved) -> Finding<Claim> {
        let Sight { provider, at, .. } = self.sight;
        let market = ComputeMarket::new(at.compute_market, provider);
        let job = market.job(U256::from(approved.job)).call().await.map_err(unseen)?;
        require(job.state == SETTLED, "no such job is settled")?;
        let dataset = U256::from(approved.dataset);
        self.own_dataset(dataset).await?;
        let token = DatasetToken::new(at.dataset_token, provider);
        let mut asked = job.datasetId;
        for _ in 0..DESCENT {
            if asked <= dataset {
                break;
            }
            asked = token.dataset(asked).call().await.map_err(unseen)?.parent;
        }
        require(asked == dataset, "the job asked another dataset")?;
        let wanted =
            Wanted { account: job.researcher, kind: Credential::EthicsApproval, country: None };
        let shown = self.shown(&approved.approval, &wanted).await?;
        let purpose = Purpose::from_number(job.purpose).map(|purpose| purpose.to_string());
        let covers = purpose.is_some_and(|purpose| shown.purposes.contains(&purpose));
        require(covers, "the approval is for other purposes than the job's")?;
        Ok(Claim::approved_use(approved.dataset, approved.job, keccak256(&approved.approval)))
    }

    /// The content of a dataset, where it is the custodian's.
    async fn own_dataset(&self, id: U256) -> Finding<B256> {
        let token = DatasetToken::new(self.sight.at.dataset_token, &self.sight.provider);
        require(token.exists(id).call().await.map_err(unseen)?, "there is no such dataset")?;
        let dataset = token.dataset(id).call().await.map_err(unseen)?;
        require(
            dataset.custodian == self.manifest.custodian,
            "the dataset is another custodian's",
        )?;
        Ok(dataset.contentHash)
    }

    /// A credential that was presented for an account on this ledger, where nothing speaks against it now.
    async fn shown(
        &self,
        presentation: &str,
        wanted: &Wanted,
    ) -> Finding<crate::accreditation::Accreditation> {
        let registry = Registry {
            provider: &self.sight.provider,
            chain_id: self.sight.chain_id,
            address: self.sight.at.participant_registry,
            time: self.now,
        };
        let found = registry.examine(presentation, *wanted, self.sources).await;
        found.map_err(|error| format!("the {}: {error}", wanted.kind))
    }

    /// Whether records are a part of the custodian's log that agrees with every anchor in it and reaches at least to the last.
    async fn logged(&self, records: &[Record]) -> Finding<End> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return Err("no part of the log is shown".into());
        };
        audit::is_part(records).map_err(|difference| difference.to_string())?;
        let Sight { provider, at, .. } = self.sight;
        let topics = [Some(self.manifest.custodian.into_word())];
        let anchors =
            placed_events::<ProvenanceLog::Anchored>(provider, at.provenance_log, &topics).await;
        let anchors = anchors.map_err(unseen)?;
        for (_, anchor) in &anchors {
            let place = anchor.sequence.checked_sub(first.sequence);
            let record = place.and_then(|place| records.get(usize::try_from(place).ok()?));
            let same = record.is_none_or(|record| record.hash == anchor.head.0);
            require(same, "the log is not the one whose head is anchored on the ledger")?;
        }
        let head = anchors.iter().map(|(_, anchor)| anchor.sequence).max().unwrap_or_default();
        require(last.sequence >= head, "the log ends before the head that is on the ledger")?;
        Ok(if last.sequence == head { End::Anchored } else { End::Beyond })
    }
}

/// Where a part of a log ends.
#[derive(PartialEq, Eq)]
enum End {
    /// At the head that is on the ledger.
    Anchored,
    /// At a later record, which the custodian's signature holds it to until it is anchored.
    Beyond,
}

fn number(record: &Record, name: &str) -> Option<u64> {
    match record.details.get(name) {
        Some(Detail::Number(number)) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn text_of<'a>(record: &'a Record, name: &str) -> Option<&'a String> {
    match record.details.get(name) {
        Some(Detail::Text(text)) => Some(text),
        _ => None,
    }
}
