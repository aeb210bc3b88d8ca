//! The story's way through every other module: each is used once by those whom it is for, as `caduceus contract send`
//! would use it.
//!
//! Every call has a key of its own, so that a story that was cut off does none of them twice.

use alloy::primitives::aliases::U96;
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use alloy::rpc::types::TransactionReceipt;
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::SolCall;
use caduceus_contracts::{
    BondingCurve, ComputeMarket, ConsentRegistry, DatasetLending, LicenceMarket, LicencePass,
    Signalling, TransferAgreement,
};
use caduceus_vault::audit::{Kind, Record};
use serde::{Deserialize, Serialize};

use super::{CUSTODIANS, GOOD, RESEARCHER_USDC, ethics};
use crate::confirm::{self, Confirmed};
use crate::error::{NodeError, Result};
use crate::genesis::USDC;
use crate::node::Node;
use crate::{contract, custodian, genesis, governance, member, party};

/// Wei that a dispute costs with the arbitrator of a development deployment.
const DISPUTE: u64 = 100_000_000_000_000_000;
/// What is allowed to each contract that takes USDC or DATA: more than the story pays.
const ALLOWED: &str = "5000e18";
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
/// Where the story keeps when its way through the modules began, and that its days have passed.
const BEGUN: &str = "story/modules/begun";
const PASSED: &str = "story/modules/passed";

/// What each module did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModuleReport {
    /// The module's contract.
    pub module: String,
    /// What was done with it.
    pub done: String,
    /// Transactions.
    pub transactions: u32,
    /// Gas of all of them.
    pub gas: u64,
}

/// Who plays.
struct Tour<'a> {
    node: &'a Node,
    hospital: PrivateKeySigner,
    other: PrivateKeySigner,
    researcher: PrivateKeySigner,
    member: PrivateKeySigner,
    validator: PrivateKeySigner,
    arbitrator: PrivateKeySigner,
    relay: PrivateKeySigner,
    /// When the tour began, in unix seconds.
    begun: u64,
    reports: Vec<ModuleReport>,
    transactions: u32,
    gas: u64,
}

/// Uses every module that the steps before did not.
pub(super) async fn visit(node: &Node) -> Result<Vec<ModuleReport>> {
    let mut tour = Tour::begin(node).await?;
    tour.decisions().await?;
    tour.stakes().await?;
    tour.market().await?;
    tour.exchange().await?;
    tour.lending().await?;
    tour.metering().await?;
    tour.bonds().await?;
    tour.escrow().await?;
    tour.disputes().await?;
    tour.agreement().await?;
    tour.rewards().await?;
    tour.before_the_days_pass().await?;
    if node.home.recall::<()>(PASSED)?.is_none() {
        node.pass_time(3 * DAY + HOUR).await?;
        node.home.record(PASSED, &())?;
    }
    tour.after_the_days_passed().await?;
    Ok(tour.reports)
}

/// No permit: what a contract may take was allowed before.
macro_rules! no_permit {
    ($module:ident) => {
        caduceus_contracts::$module::Permit {
            value: U256::ZERO,
            deadline: U256::ZERO,
            v: 0,
            r: B256::ZERO,
            s: B256::ZERO,
        }
    };
}

/// The same, as an argument in text.
const NO_PERMIT: &str = "(0,0,0,0x0000000000000000000000000000000000000000000000000000000000000000,0x0000000000000000000000000000000000000000000000000000000000000000)";

/// A hash for what is outside of the ledger: documents, deliveries, evidence.
fn hash(what: &str) -> B256 {
    keccak256(named(what))
}

fn named(what: &str) -> String {
    format!("caduceus story: {what}")
}

impl<'a> Tour<'a> {
    async fn begin(node: &'a Node) -> Result<Tour<'a>> {
        let begun = match node.home.recall(BEGUN)? {
            Some(begun) => begun,
            None => {
                let now = node.now().await?;
                node.home.record(BEGUN, &now)?;
                now
            }
        };
        let members = member::members(node)?;
        let member = members.first().ok_or_else(|| NodeError::Chain("nobody joined".into()))?;
        let researcher = party::find(node, party::Role::Researcher, GOOD)?;
        // The larger the datasets, the dearer is all that is bought of them.
        let market = LicenceMarket::new(node.at.licence_market, &node.provider);
        let price = market.quote(vec![U256::ONE, U256::from(2)], 1).call().await?;
        let purse = RESEARCHER_USDC * USDC + 5_000 * USDC + 10 * price.saturating_to::<u64>();
        party::give_test_usdc(node, &researcher, purse).await?;
        let custodian = |name| party::find(node, party::Role::Custodian, name);
        let tour = Tour {
            node,
            hospital: custodian(CUSTODIANS[0].0)?.signer(node),
            other: custodian(CUSTODIANS[1].0)?.signer(node),
            researcher: researcher.signer(node),
            member: member.signer(node),
            validator: node.key("story/validator"),
            arbitrator: node.key("story/arbitrator"),
            relay: node.key(genesis::RELAY),
            begun,
            reports: Vec::new(),
            transactions: 0,
            gas: 0,
        };
        for signer in [&tour.member, &tour.validator, &tour.arbitrator, &tour.relay] {
            node.fund(signer.address()).await?;
        }
        Ok(tour)
    }

    /// One module is done: what it did, and what that took since the last one.
    fn done(&mut self, module: &str, done: impl Into<String>) {
        let done = done.into();
        self.node.report.fact(format!("{module}: {done}"));
        let (transactions, gas) =
            (std::mem::take(&mut self.transactions), std::mem::take(&mut self.gas));
        self.reports.push(ModuleReport { module: module.to_owned(), done, transactions, gas });
    }

    /// What a line as a person would write it calls: contract, function, arguments.
    fn read(&self, line: &str, value: U256) -> Result<contract::Call> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let [module, function, arguments @ ..] = &words[..] else {
            return Err(NodeError::Definition(format!("`{line}` names no function")));
        };
        contract::prepare(self.node, module, function, arguments, value)
    }

    /// Sends such a line.
    async fn call(&mut self, by: &PrivateKeySigner, line: &str) -> Result<TransactionReceipt> {
        self.call_with(by, line, U256::ZERO).await
    }

    async fn call_with(
        &mut self,
        by: &PrivateKeySigner,
        line: &str,
        value: U256,
    ) -> Result<TransactionReceipt> {
        let call = self.read(line, value)?;
        self.send(&call.name(), by, call.at, call.data, value).await
    }

    /// A call with a proof or a signature in it.
    async fn typed<C: SolCall>(
        &mut self,
        what: &str,
        by: &PrivateKeySigner,
        to: Address,
        call: &C,
    ) -> Result<TransactionReceipt> {
        self.send(what, by, to, call.abi_encode().into(), U256::ZERO).await
    }

    async fn send(
        &mut self,
        what: &str,
        by: &PrivateKeySigner,
        to: Address,
        data: Bytes,
        value: U256,
    ) -> Result<TransactionReceipt> {
        let place = self.reports.len();
        let key = format!("story/modules/{place}/{}/{what}", self.transactions);
        let receipt = self.node.send_data(what, &key, by, to, data, value).await?;
        self.transactions += 1;
        self.gas += receipt.gas_used;
        Ok(receipt)
    }

    /// Counts what confirming a fact took: one transaction, also where it was sent before the story was cut off, since what
    /// follows is named by the count.
    fn confirmed(&mut self, done: &Confirmed) {
        self.transactions += 1;
        self.gas += done.gas;
    }

    /// Lets the members decide on a call.
    async fn decide(&mut self, key: &str, line: &str) -> Result<()> {
        let members = member::members(self.node)?;
        let proposer = members.first().ok_or_else(|| NodeError::Chain("nobody joined".into()))?;
        let kept = format!("story/modules/proposal/{key}");
        let number = match self.node.home.recall(&kept)? {
            Some(number) => number,
            None => governance::next_number(self.node)?,
        };
        self.node.home.record(&kept, &number)?;
        let proposal = match governance::find(self.node, number)? {
            Some(made) => made,
            None => {
                let call = self.read(line, U256::ZERO)?;
                governance::propose_call(self.node, proposer, &call).await?
            }
        };
        governance::vote_for(self.node, &proposal, &members).await?;
        governance::execute(self.node, &proposal).await?;
        Ok(())
    }

    /// The treasury pays what the tour needs, and officers are registered.
    async fn decisions(&mut self) -> Result<()> {
        let (hospital, member) = (self.hospital.address(), self.member.address());
        let purpose = hash("what the cooperative pays for");
        let pay_data = format!("Treasury pay DataToken {hospital} 3000e18 {purpose}");
        self.decide("data", &pay_data).await?;
        self.decide("gov", &format!("Treasury pay GovernanceToken {member} 100e18 {purpose}"))
            .await?;
        let service = format!("ServiceDesk setService 1 ({hospital},true,2e18,{purpose})");
        self.decide("service", &service).await?;
        self.done(
            "Treasury",
            "by three votes of the members it paid 3,000 DATA to a hospital and 100 GOV to a member, and a service is for sale",
        );
        let registrar = self.node.key(genesis::REGISTRAR);
        let until = self.begun + 365 * DAY;
        for (account, role) in [(self.validator.address(), 8), (self.arbitrator.address(), 32)] {
            let entry = format!("(1,{role},0x4348,{until},{until},0)");
            self.call(&registrar, &format!("ParticipantRegistry register {account} {entry}"))
                .await?;
        }
        self.done("ParticipantRegistry", "a validator and an arbitrator were registered");
        Ok(())
    }

    /// What is staked and locked, and what DATA buys.
    async fn stakes(&mut self) -> Result<()> {
        let (hospital, researcher) = (self.hospital.clone(), self.researcher.clone());
        let (member, validator) = (self.member.clone(), self.validator.clone());
        for (who, token, contract) in [
            (&hospital, "DataToken", "ProviderBoost"),
            (&member, "GovernanceToken", "VoteEscrow"),
            (&researcher, "DataToken", "ServiceDesk"),
            (&researcher, "DataToken", "ValidatorPool"),
            (&researcher, "DataToken", "BuybackBurner"),
            (&validator, "DataToken", "ValidatorPool"),
        ] {
            self.call(who, &format!("{token} approve {contract} {ALLOWED}")).await?;
        }
        self.call(&hospital, &format!("DataToken transfer {} 500e18", researcher.address()))
            .await?;
        self.call(&hospital, &format!("DataToken transfer {} 500e18", validator.address())).await?;
        self.call(&hospital, &format!("ProviderBoost stake 100e18 {NO_PERMIT}")).await?;
        self.call(&hospital, "ProviderBoost announceUnstake 40e18").await?;
        self.done(
            "ProviderBoost",
            "the hospital staked 100 DATA for a greater part of the yield, and takes 40 back later",
        );
        let end = self.begun + 200 * DAY;
        self.call(&member, &format!("VoteEscrow lock 50e18 {end} {NO_PERMIT}")).await?;
        self.done(
            "VoteEscrow",
            "a member locked 50 GOV for 200 days to weigh more in votes on parameters",
        );
        let buyer = researcher.address();
        self.call(&researcher, &format!("ServiceDesk buy 1 {buyer} 3 6e18 {NO_PERMIT}")).await?;
        self.call(&hospital, &format!("ServiceDesk take 1 {buyer} 1 {}", hash("service"))).await?;
        self.done(
            "ServiceDesk",
            "three units of a service were bought with DATA and one was taken",
        );
        Ok(())
    }

    /// Access by the curve, over several pools, and by auction.
    async fn market(&mut self) -> Result<()> {
        let (researcher, relay) = (self.researcher.clone(), self.relay.clone());
        for contract in [
            "BondingCurve",
            "PoolNetwork",
            "DatasetLending",
            "DatasetAuction",
            "MeteredLicence",
            "ResearcherBonds",
            "Escrow",
            "TransferAgreement",
        ] {
            self.call(&researcher, &format!("TestUSDC approve {contract} {ALLOWED}")).await?;
        }
        let curve = BondingCurve::new(self.node.at.bonding_curve, self.node.provider.clone());
        let needed = curve.unitsNeeded(vec![U256::ONE], 1).call().await?;
        // Some more than the licence takes, and the fee.
        let cost =
            curve.costOf(needed + needed / U256::from(2)).call().await? + U256::from(10 * USDC);
        self.call(&researcher, &format!("BondingCurve mint {cost} 1")).await?;
        self.call(&researcher, &format!("BondingCurve redeem [1] 1 1 {needed}")).await?;
        self.call(&researcher, "BondingCurve burn 1e18 1").await?;
        self.call(&relay, "BondingCurve collectFees").await?;
        self.done(
            "BondingCurve",
            "units of access were minted, some redeemed for a licence, and one burned",
        );
        let deadline = self.begun + 60 * DAY;
        let order = format!("([(1,[1,2])],1,1,1e12,{deadline})");
        self.call(&researcher, &format!("PoolNetwork buy {order} {NO_PERMIT}")).await?;
        self.done("PoolNetwork", "one licence over the pools of the network, settled to each");
        Ok(())
    }

    /// Hospitals bring uses of their datasets for others to take.
    async fn exchange(&mut self) -> Result<()> {
        let (hospital, other) = (self.hospital.clone(), self.other.clone());
        for dataset in [1, 2] {
            let done = confirm::features(self.node, dataset).await?;
            self.confirmed(&done);
        }
        self.call(&other, "DatasetExchange bring 2 3").await?;
        self.call(&hospital, "DatasetExchange bring 1 3").await?;
        self.call(&hospital, "DatasetExchange bringBack 1 1").await?;
        // A hospital that asks questions is a researcher too.
        let (registrar, until) = (self.node.key(genesis::REGISTRAR), self.begun + 365 * DAY);
        let both = format!("(1,3,0x4445,{until},{until},0)");
        let update = format!("ParticipantRegistry update {} {both}", hospital.address());
        self.call(&registrar, &update).await?;
        self.call(&hospital, &format!("DatasetExchange swap 1 1 2 1 {ALLOWED}")).await?;
        self.done("DatasetExchange", "each hospital brought uses of its dataset for credit, priced by attested features; one took a use back, and swapped a use of its own for one of the other's");
        Ok(())
    }

    /// A dataset on loan, given back with proof of its deletion.
    async fn lending(&mut self) -> Result<()> {
        let researcher = self.researcher.clone();
        let lending = DatasetLending::new(self.node.at.dataset_lending, self.node.provider.clone());
        let quote = lending.quote(U256::ONE, 7 * DAY).call().await?;
        let loan = format!("(1,1,1,604800,{},{})", quote.collateral, quote.fee);
        self.call(&researcher, &format!("DatasetLending borrow {loan} {NO_PERMIT}")).await?;
        self.call(&researcher, &format!("DatasetLending topUp 1 10e6 {NO_PERMIT}")).await?;
        let done = confirm::deletion(self.node, 1).await?;
        self.confirmed(&done);
        self.done("DatasetLending", "a dataset was lent against collateral, which came back with the proof that the copy was deleted");
        Ok(())
    }

    /// Access that is paid by what is computed.
    async fn metering(&mut self) -> Result<()> {
        let researcher = self.researcher.clone();
        self.call(&researcher, &format!("MeteredLicence open (1,1,1,10e6,100e6) {NO_PERMIT}"))
            .await?;
        let done = confirm::usage(self.node, 1, 5, true).await?;
        self.confirmed(&done);
        self.done("MeteredLicence", "five attested units of computation were paid from a deposit of 100 USDC, and the rest came back");
        Ok(())
    }

    /// A bond, an accusation, and what the arbitrator says.
    async fn bonds(&mut self) -> Result<()> {
        let (hospital, researcher) = (self.hospital.clone(), self.researcher.clone());
        let (arbitrator, dispute) = (self.arbitrator.clone(), U256::from(DISPUTE));
        self.call(&researcher, &format!("ResearcherBonds deposit 1500e6 {NO_PERMIT}")).await?;
        let accuse =
            format!("ResearcherBonds accuse {} 100e6 ipfs://evidence", researcher.address());
        self.call_with(&hospital, &accuse, dispute).await?;
        self.call(&arbitrator, "CentralizedArbitrator giveRuling 0 1").await?;
        self.done("ResearcherBonds", "a researcher's bond was accused, and the arbitrator found for the accuser: 100 USDC were slashed");
        Ok(())
    }

    /// One deal that goes well, and one that is disputed.
    async fn escrow(&mut self) -> Result<()> {
        let (hospital, researcher) = (self.hospital.clone(), self.researcher.clone());
        let (arbitrator, terms) = (self.arbitrator.clone(), hash("terms"));
        let by = self.begun + 30 * DAY;
        for deal in 1..=2 {
            let open = format!("Escrow open {} 50e6 {terms} {by} 86400", hospital.address());
            self.call(&researcher, &format!("{open} {NO_PERMIT}")).await?;
            self.call(&hospital, &format!("Escrow deliver {deal} {}", hash("delivery"))).await?;
        }
        self.call(&researcher, "Escrow release 1").await?;
        self.call_with(&researcher, "Escrow dispute 2 ipfs://evidence", U256::from(DISPUTE))
            .await?;
        self.call(&arbitrator, "CentralizedArbitrator giveRuling 1 1").await?;
        self.done("Escrow", "one deal was released to the hospital, and one was disputed and went back to the researcher");
        Ok(())
    }

    /// What a hospital took on the exchange lets it ask the other one, whose answer it disputes.
    async fn disputes(&mut self) -> Result<()> {
        let (hospital, other) = (self.hospital.clone(), self.other.clone());
        let deployer = self.node.key(genesis::DEPLOYER);
        self.call(&deployer, &format!("TestUSDC mint {} 100e6", hospital.address())).await?;
        self.call(&hospital, &format!("TestUSDC approve ComputeMarket {ALLOWED}")).await?;
        let redeemed = self.call(&hospital, "DatasetExchange redeem 2 1 1").await?;
        let pass = redeemed
            .decoded_log::<LicencePass::Transfer>()
            .ok_or_else(|| NodeError::Chain("no licence was given for the use taken".into()))?
            .tokenId;
        let market = ComputeMarket::new(self.node.at.compute_market, self.node.provider.clone());
        let consents = ConsentRegistry::new(self.node.at.consent_registry, &self.node.provider);
        let question = format!("({pass},[2],{},100,100e6)", hash("a hospital's question"));
        self.call(&hospital, &format!("ComputeMarket request {question} {NO_PERMIT}")).await?;
        let job = market.jobCount().call().await?;
        self.call(&other, &format!("ComputeMarket accept {job}")).await?;
        let counter = consents.revocationCounter(other.address()).call().await?;
        let nothing = hash("an answer that is never handed over");
        self.note_answer(job, &nothing.to_string()).await?;
        self.call(&other, &format!("ComputeMarket commit {job} {nothing} 100 {counter}")).await?;
        let dispute = format!("JobDisputes dispute {job} ipfs://evidence");
        self.call_with(&hospital, &dispute, U256::from(DISPUTE)).await?;
        let arbitrator = self.arbitrator.clone();
        self.call(&arbitrator, "CentralizedArbitrator giveRuling 2 1").await?;
        self.done("JobDisputes", "a hospital got no answer to its question though one was committed; it disputed the job, and the arbitrator gave its money back");
        Ok(())
    }

    /// The record of an answer, which a vault writes before it commits to it.
    async fn note_answer(&self, job: U256, answer: &str) -> Result<()> {
        let custodian = party::find(self.node, party::Role::Custodian, CUSTODIANS[1].0)?;
        let told = |record: &Record| record.kind == Kind::Answered && record.subject == answer;
        if custodian::log_since(self.node, &custodian, told)?.is_empty() {
            let details = [("job", custodian::number(job.to()))];
            custodian::note(self.node, &custodian, Kind::Answered, answer, &details).await?;
        }
        Ok(())
    }

    /// A transfer agreement that both sides sign and whose delivery is attested.
    async fn agreement(&mut self) -> Result<()> {
        let (hospital, researcher) = (self.hospital.clone(), self.researcher.clone());
        let to = self.node.at.transfer_agreement;
        let agreements = TransferAgreement::new(to, self.node.provider.clone());
        let document = hash("contract");
        let terms = TransferAgreement::Terms {
            exporter: hospital.address(),
            importer: researcher.address(),
            module: 1,
            datasetId: U256::ONE,
            documentHash: document,
            payment: U96::from(20_000_000_u64),
            deliverBy: self.begun + 30 * DAY,
            expiry: self.begun + 90 * DAY,
            nonce: agreements.nonces(researcher.address()).call().await?,
            deadline: self.begun + 60 * DAY,
        };
        let digest = agreements.digestOf(terms.clone()).call().await?;
        let sign = |signer: &PrivateKeySigner| -> Bytes {
            let signature = signer.sign_hash_sync(&digest);
            signature.expect("a key in memory signs any hash").as_bytes().into()
        };
        let conclude = TransferAgreement::concludeCall {
            exporterSignature: sign(&hospital),
            importerSignature: sign(&researcher),
            terms,
            permit: no_permit!(TransferAgreement),
        };
        let relay = self.relay.clone();
        self.typed("TransferAgreement.conclude", &relay, to, &conclude).await?;
        let done = confirm::transfer(self.node, 1, named("contract").as_bytes()).await?;
        self.confirmed(&done);
        self.done("TransferAgreement", "standard contractual clauses were signed by both sides, and the attested delivery was paid");
        Ok(())
    }

    /// What a member earns for a contribution, of which a part waits for an approved use.
    async fn rewards(&mut self) -> Result<()> {
        let members = member::members(self.node)?;
        let member = members.iter().find(|one| one.address == self.member.address());
        let member = member.ok_or_else(|| NodeError::Chain("nobody joined".into()))?;
        let done = confirm::points(self.node, member).await?;
        self.confirmed(&done);
        self.done(
            "ContributionRewards",
            "a member's contribution earned points and DATA, a part at once and a part that vests",
        );

        let approval = ethics::approval(self.node).await?;
        let done = confirm::approved_use(self.node, 1, 1, &approval).await?;
        self.confirmed(&done);
        self.done(
            "VestingVault",
            "a use that an ethics committee approved was recorded, so that what vests can be released",
        );
        Ok(())
    }

    /// Whatever needs days: an auction, a check, a stream, a poll; and the buy-back, whose price rises meanwhile.
    async fn before_the_days_pass(&mut self) -> Result<()> {
        let (hospital, researcher) = (self.hospital.clone(), self.researcher.clone());
        let (member, validator) = (self.member.clone(), self.validator.clone());
        let relay = self.relay.clone();
        let ends = self.node.now().await? + 2 * HOUR;
        self.call(&hospital, &format!("DatasetAuction call (1,1,1,1,2592000,{ends},0,10e6)"))
            .await?;
        self.call(&researcher, &format!("DatasetAuction bid 1 20e6 {NO_PERMIT}")).await?;
        self.call(&researcher, &format!("ValidatorPool request 1 10e18 {NO_PERMIT}")).await?;
        self.call(&validator, &format!("ValidatorPool stake 200e18 {NO_PERMIT}")).await?;
        self.call(&validator, "ValidatorPool take 1").await?;
        self.call(&validator, &format!("ValidatorPool report 1 9000 {}", hash("report"))).await?;
        self.call(&hospital, "PayoutStreams choose 172800").await?;
        self.call(&relay, &format!("RevenueSplitter release {}", hospital.address())).await?;
        self.call(&relay, "BuybackBurner collect").await?;
        self.done("RevenueSplitter", "what a hospital earned goes into a stream of two days, and the buy-back's part to the burner");
        self.call(&researcher, "BuybackBurner sell 1e18 1").await?;
        self.done("BuybackBurner", "DATA was bought back from the revenue and burned");
        self.call(&member, &format!("Signalling open {} 2 172800", hash("question"))).await?;
        let polls = Signalling::new(self.node.at.signalling, self.node.provider.clone());
        // Votes of the moment of opening are known a second later.
        let _ = self.node.pass_time(1).await;
        let digest = polls.digestOf(U256::ONE, member.address(), 1).call().await?;
        let signature = member.sign_hash_sync(&digest).expect("a key in memory signs any hash");
        let call = Signalling::deliverCall {
            pollId: U256::ONE,
            voter: member.address(),
            option: 1,
            signature: signature.as_bytes().into(),
        };
        let to = self.node.at.signalling;
        self.typed("Signalling.deliver", &relay, to, &call).await?;
        self.done(
            "Signalling",
            "a member asked all members a question, and a signed ballot was delivered",
        );
        Ok(())
    }

    /// What those days brought. Nothing here depends on the second in which it is done, so that every ledger tells the same
    /// story: what vests is left to vest.
    async fn after_the_days_passed(&mut self) -> Result<()> {
        let (relay, hospital) = (self.relay.clone(), self.hospital.address());
        self.call(&relay, "DatasetAuction settle 1").await?;
        self.done(
            "DatasetAuction",
            "the highest bid for a licence won, and its price was divided like any other",
        );
        self.call(&relay, "ValidatorPool conclude 1").await?;
        self.done("ValidatorPool", "a validator's report stood unchallenged and was paid");
        self.call(&relay, &format!("PayoutStreams withdraw {hospital}")).await?;
        self.done("PayoutStreams", "the hospital drew all that had flowed to it in two days");
        Ok(())
    }
}
