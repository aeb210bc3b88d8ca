//! Questions to a vault: each job on the ledger is brought one state further until it is settled or refused.
//!
//! What to do next is read from the job's state, so that a vault that was cut off anywhere goes on from there. The
//! privacy budget is charged before anything is computed, the answer is kept with its charge, and the ciphertext is on
//! disk before its hash is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolValue;
use caduceus_contracts::ComputeMarket::{Job, JobRequested};
use caduceus_contracts::DatasetToken::Dataset;
use caduceus_contracts::ParticipantRegistry::Participant;
use caduceus_contracts::{
    ComplianceOracle, ComputeMarket, ConsentRegistry, DatasetToken, ParticipantRegistry, recast,
};
use caduceus_identity::{EncryptionPublicKey, Entropy, seal_to};
use caduceus_policy::{Country, DataClass, Decision, Purpose, Request, Safeguards, decide};
use caduceus_query::sandbox::SandboxError;
use caduceus_query::{
    Allowance, BudgetError, BudgetLedger, Charge, DatasetKey, Delta, EpsilonTotal, Limits,
    OpenDpNoise, ResearcherKey, RunError,
};
use caduceus_vault::Vault;
use caduceus_vault::audit::{self, Detail, Kind, Record};
use serde::{Deserialize, Serialize};

use super::publishing::{self, Publication, publications};
use super::rights::{self, Use};
use super::{anchor, log_since, note, note_attested, note_ledger, number, vault};
use crate::approvals;
use crate::asked::{Asked, Prepared};
use crate::attestor::{Case, Claim, Delivered, Panel, Subject};
use crate::error::{NodeError, Result};
use crate::exchange::{answer_file, question_file, refusal_file};
use crate::home::write_atomically;
use crate::node::Node;
use crate::party::{self, Party, Role};
use crate::researcher::result_context;

/// The detail of the record of an answer that counts those alone who consented to use from its place explicitly.
pub(crate) const EXPLICIT: &str = "explicit_consent";

/// The detail of the record of a charge that is the same where the same charge is noted again: the hash of who asked and of what
/// was asked over whom.
const CHARGE: &str = "charge";

/// What an encrypted answer is for (the `info` of HPKE).
pub(crate) const RESULT_INFO: &[u8] = b"caduceus result v1";

/// What an encrypted refusal is for.
pub(crate) const REFUSAL_INFO: &[u8] = b"caduceus refusal v1";

/// What the log says where nobody could be given the answer.
const UNUSABLE_KEY: &str = "the researcher's key cannot be used";

/// `JobStates` in the contracts.
const REQUESTED: u8 = 1;
const ACCEPTED: u8 = 2;
const COMMITTED: u8 = 3;
const VERIFIED: u8 = 4;
pub(crate) const SETTLED: u8 = 5;
pub(crate) const REFUNDED: u8 = 6;

/// What a custodian's patients give away in all, and to one researcher: epsilon in thousandths, and the delta that Gaussian
/// noise and groups that are not published need.
const BUDGET: Limits = Limits {
    dataset: Allowance {
        epsilon: EpsilonTotal::from_milli(100_000),
        delta: Delta::from_atto(1_000_000_000_000),
    },
    researcher: Allowance {
        epsilon: EpsilonTotal::from_milli(10_000),
        delta: Delta::from_atto(100_000_000_000),
    },
};

/// The most that a vault lets one researcher spend.
pub(crate) const MOST_FOR_ONE: EpsilonTotal = BUDGET.researcher.epsilon;

/// How often an answer is computed again because consent changed meanwhile, before the job waits for the next call.
const ATTEMPTS: usize = 5;

/// A job's state in words.
pub(crate) fn state_name(state: u8) -> &'static str {
    const NAMES: [&str; 8] = [
        "unknown",
        "requested",
        "accepted",
        "committed",
        "verified",
        "settled",
        "refunded",
        "expired",
    ];
    NAMES.get(usize::from(state)).copied().unwrap_or("unknown")
}

/// A job that a vault has brought to its end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AnsweredJob {
    /// The job.
    pub job: u64,
    /// The dataset that was asked.
    pub dataset: u64,
    /// How it ended: settled, refunded or expired.
    pub state: String,
}

/// A job that a vault could not bring to its end for now.
pub(crate) struct StuckJob {
    /// The job.
    pub(crate) job: u64,
    /// Whose question it is.
    researcher: Address,
    /// What is in its way.
    pub(crate) error: NodeError,
}

/// An answer on its way, sealed to its researcher and on disk.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Delivery {
    /// Hash of the sealed answer.
    result: B256,
    /// How many patients it counts.
    patients: u64,
    /// What it cost, in thousandths of epsilon.
    spent: u32,
    /// Whether it counts those alone who consented explicitly.
    #[serde(default)]
    explicit: bool,
}

/// What a vault decided on a job.
struct Decided {
    /// Why it will not answer, if it will not.
    objection: Option<Objection>,
    /// The law that decided; empty where it came to none.
    law: String,
}

/// Why a vault will not answer.
struct Objection {
    /// What the log says: nothing that the researcher wrote, who would else write into a log that nobody can correct.
    logged: String,
    /// What the researcher is told.
    told: String,
}

/// A vault at one job.
struct Work<'a> {
    node: &'a Node,
    custodian: &'a Party,
    vault: &'a Vault,
    publication: &'a Publication,
    id: u64,
}

/// Brings every open job on a custodian's datasets to its end.
pub async fn answer(node: &Node, custodian: &str) -> Result<Vec<AnsweredJob>> {
    let mut answered = Vec::new();
    let stuck = answer_telling(node, custodian, |_| true, |job| answered.push(job)).await?;
    match stuck.into_iter().next() {
        Some(stuck) => Err(stuck.error),
        None => Ok(answered),
    }
}

/// Lets every vault of this home bring its open jobs to their end, for a researcher who waits for answers. Fails only for a job
/// of `asker`, after all vaults were at work: what is in the way of somebody else's job is told by the way.
pub async fn answer_all(node: &Node, asker: &Party) -> Result<()> {
    let mut own = None;
    for custodian in party::custodians(node)? {
        for stuck in answer_telling(node, &custodian.name, |_| true, |_| {}).await? {
            let StuckJob { job, researcher, error } = stuck;
            if researcher == asker.address {
                own = own.or(Some(error));
            } else {
                let vault = &custodian.name;
                let fact =
                    format!("{vault} cannot go on with job {job} of another researcher: {error}");
                node.report.fact(fact);
            }
        }
    }
    own.map_or(Ok(()), Err)
}

/// Brings the open jobs that are `due` to their end, telling each as it ends. Gives those that cannot go on: one of them must
/// not keep the others waiting.
pub(crate) async fn answer_telling(
    node: &Node,
    custodian: &str,
    due: impl Fn(u64) -> bool,
    mut tell: impl FnMut(AnsweredJob),
) -> Result<Vec<StuckJob>> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let vault = vault(node, &custodian)?;
    note_ledger(node, &custodian).await?;
    let mut stuck = Vec::new();
    for publication in publications(node, &custodian)? {
        let Some(dataset) = publication.dataset else { continue };
        let topic = Some(B256::from(U256::from(dataset)));
        let requested = node.events::<JobRequested>(node.at.compute_market, &[None, topic]).await?;
        for request in requested {
            let id = request.jobId.to::<u64>();
            let work =
                Work { node, custodian: &custodian, vault: &vault, publication: &publication, id };
            if !due(id) || work.job().await?.state >= SETTLED {
                continue;
            }
            match work.finish().await {
                Ok(state) => {
                    tell(AnsweredJob { job: id, dataset, state: state_name(state).to_owned() });
                }
                Err(error) => {
                    stuck.push(StuckJob { job: id, researcher: request.researcher, error });
                }
            }
        }
    }
    anchor(node, &custodian).await?;
    Ok(stuck)
}

impl Work<'_> {
    async fn job(&self) -> Result<Job> {
        let market = ComputeMarket::new(self.node.at.compute_market, &self.node.provider);
        Ok(market.job(U256::from(self.id)).call().await?)
    }

    /// Moves the job on, state by state.
    async fn finish(&self) -> Result<u8> {
        loop {
            let job = self.job().await?;
            if job.state < SETTLED && self.node.now().await? > job.deadline {
                self.expire().await?;
                continue;
            }
            match job.state {
                REQUESTED => {
                    let Decided { objection, law } = self.decide(&job).await?;
                    self.note_decision(&job, objection.is_none(), &law).await?;
                    match objection {
                        None => self.accept().await?,
                        Some(why) => self.decline(why).await?,
                    }
                }
                ACCEPTED => self.commit(&job).await?,
                COMMITTED => self.verify(&job).await?,
                VERIFIED => self.settle(&job).await?,
                end => return Ok(end),
            }
        }
    }

    async fn note_decision(&self, job: &Job, accepts: bool, law: &str) -> Result<()> {
        let law: String = law.chars().take(60).collect();
        let details = [
            ("job", number(self.id)),
            ("verdict", Detail::from(if accepts { "accept" } else { "decline" })),
            ("purpose", number(job.purpose.into())),
            ("law", Detail::Text(law)),
        ];
        note(self.node, self.custodian, Kind::Decided, &self.publication.cid, &details).await
    }

    /// Whether this vault will answer. The same law as on the ledger, decided here once more.
    async fn decide(&self, job: &Job) -> Result<Decided> {
        let refuses = |law: &str, logged: &str, told: String| Decided {
            objection: Some(Objection { logged: logged.to_owned(), told }),
            law: law.to_owned(),
        };
        let blocked = |law: &str| {
            let why = format!("Blocked by: {law}");
            refuses(law, &why, why.clone())
        };
        let node = self.node;
        let (token, researcher) = self.parties(job).await?;
        let Some((decision, held)) = self.lawful(job, &token, &researcher) else {
            let unknown = "a code on the ledger is not known here";
            return Ok(refuses("", unknown, unknown.into()));
        };
        if decision.permits(held, token.k, job.epsilonMilli).is_err() {
            return Ok(blocked(&decision.law));
        }
        let oracle = ComplianceOracle::new(node.at.compliance_oracle, &node.provider);
        let onchain = oracle
            .checkAccess(job.researcher, job.datasetId, job.purpose, job.epsilonMilli)
            .call()
            .await?;
        if !onchain.ok {
            return Ok(blocked(&onchain.law));
        }
        let law = decision.basis(held);
        // An answer that nobody can be given is not computed. The key is the researcher's own to choose.
        if let Err(unusable @ NodeError::Identity(_)) = self.sealed(job, REFUSAL_INFO, &[]).await {
            return Ok(refuses(&law, UNUSABLE_KEY, unusable.to_string()));
        }
        if let Err(error) = self.prepared(job) {
            return Ok(refuses(&law, "the question is refused as it is asked", error.to_string()));
        }
        match approvals::decide(node, self.custodian, job).await? {
            Err(missing) => return Ok(refuses(&law, "no approval that counts", missing)),
            Ok(None) => {}
            Ok(Some([kind, hash])) => {
                let details = [("job", number(self.id)), kind, hash];
                approvals::note(node, self.custodian, &self.publication.cid, &details).await?;
            }
        }
        Ok(Decided { objection: None, law })
    }

    /// The dataset that a job asks, and who asks.
    async fn parties(&self, job: &Job) -> Result<(Dataset, Participant)> {
        let (at, provider) = (&self.node.at, &self.node.provider);
        let token = DatasetToken::new(at.dataset_token, provider);
        let registry = ParticipantRegistry::new(at.participant_registry, provider);
        let token = token.dataset(job.datasetId).call().await?;
        Ok((token, registry.participant(job.researcher).call().await?))
    }

    /// What the rules say of the use, and what its user holds; none where a code on the ledger is not known here.
    fn lawful(
        &self,
        job: &Job,
        token: &Dataset,
        user: &Participant,
    ) -> Option<(Decision, Safeguards)> {
        let request = Request {
            class: DataClass::from_number(token.dataClass)?,
            from: country(token.jurisdiction)?,
            to: country(user.jurisdiction)?,
            purpose: Purpose::from_number(job.purpose)?,
        };
        let held = Safeguards::from_bits(user.safeguards).unwrap_or_default();
        Some((decide(self.node.rules, &request), held))
    }

    /// Gives the researcher their money back for a job whose time is over.
    async fn expire(&self) -> Result<()> {
        let call = ComputeMarket::expireCall { jobId: U256::from(self.id) };
        self.send("job expired", "expire", &call).await
    }

    async fn accept(&self) -> Result<()> {
        let call = ComputeMarket::acceptCall { jobId: U256::from(self.id) };
        self.send("job accepted", "accept", &call).await
    }

    /// Gives a job back, and tells its researcher why, sealed to them; without a word where their key is not usable.
    async fn decline(&self, Objection { logged, told }: Objection) -> Result<()> {
        let job = self.job().await?;
        let bytes = match self.sealed(&job, REFUSAL_INFO, told.as_bytes()).await {
            Err(NodeError::Identity(_)) => Vec::new(),
            sealed => sealed?,
        };
        write_atomically(&self.node.home.exchange_path(&refusal_file(self.id)), &bytes)?;
        let reason: String = logged.chars().take(60).collect();
        let details = [("job", number(self.id)), ("reason", Detail::Text(reason))];
        note(self.node, self.custodian, Kind::QuestionRefused, &self.publication.cid, &details)
            .await?;
        let call = ComputeMarket::declineCall { jobId: U256::from(self.id) };
        self.send("job declined", "decline", &call).await
    }

    /// The question or algorithm, checked, from the document whose hash the job holds.
    fn prepared(&self, job: &Job) -> Result<Prepared> {
        let path = self.node.home.exchange_path(&question_file(job.questionHash));
        let bytes = std::fs::read(&path)
            .map_err(|_| NodeError::Usage("the question was not handed over".into()))?;
        if keccak256(&bytes) != job.questionHash {
            return Err(NodeError::Usage(
                "the question is not the one that the ledger holds the hash of".into(),
            ));
        }
        let asked: Asked = serde_json::from_slice(&bytes)
            .map_err(|_| NodeError::Usage("the question cannot be read".into()))?;
        let schema = self.vault.schema(&publishing::cid(&self.publication.cid)?)?;
        if asked.epsilon().milli() != job.epsilonMilli {
            return Err(NodeError::Usage(
                "the question offers another epsilon than its job".into(),
            ));
        }
        Prepared::new(&asked, &(&schema).into())
    }

    /// Computes the answer, puts its ciphertext on disk and its hash on the ledger; again where consent changed meanwhile.
    async fn commit(&self, job: &Job) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let asked = self.asked(job).await?;
            let (counter, eligible) = self.consenting(&asked).await?;
            let Delivery { result, patients, spent, explicit } =
                match self.delivery(job, counter, &asked, &eligible).await {
                    // What was accepted and cannot be paid for in privacy is given back.
                    Err(NodeError::Budget(
                        refusal @ (BudgetError::Exhausted { .. }
                        | BudgetError::ExhaustedDelta { .. }),
                    )) => {
                        let told = refusal.to_string();
                        return self.decline(Objection { logged: told.clone(), told }).await;
                    }
                    // It would fail again.
                    Err(
                        fault @ (NodeError::Query(RunError::Engine)
                        | NodeError::Algorithm(SandboxError::Engine)),
                    ) => {
                        let told = format!("{fault} What it cost in privacy stays charged.");
                        let logged = "the question could not be evaluated".to_owned();
                        return self.decline(Objection { logged, told }).await;
                    }
                    // The researcher's key was usable when the job was accepted.
                    Err(unusable @ NodeError::Identity(_)) => {
                        let (logged, told) = (UNUSABLE_KEY.to_owned(), unusable.to_string());
                        return self.decline(Objection { logged, told }).await;
                    }
                    outcome => outcome?,
                };
            // Who left, or refused on paper alone, while it was computed raises no counter by that.
            if self.consenting(&self.asked(job).await?).await? != (counter, eligible) {
                continue;
            }
            let call = ComputeMarket::commitCall {
                jobId: U256::from(self.id),
                resultHash: result,
                spentEpsilonMilli: spent,
                consentCounter: counter,
            };
            let mut details = vec![
                ("job", number(self.id)),
                ("consent_counter", number(counter)),
                ("patients", number(patients)),
                salt()?,
                ("cid", Detail::Text(self.publication.cid.clone())),
            ];
            if explicit {
                details.push((EXPLICIT, Detail::from("counted alone")));
            }
            note(self.node, self.custodian, Kind::Answered, &result.to_string(), &details).await?;
            match self.send("result committed", &format!("commit/{counter}"), &call).await {
                Err(NodeError::Refused { .. }) if self.counter().await? != counter => continue,
                outcome => return outcome,
            }
        }
        let what = format!("consent changed {ATTEMPTS} times while job {} was computed", self.id);
        Err(NodeError::not_ready(what, "let the vault answer again"))
    }

    async fn counter(&self) -> Result<u64> {
        let registry = ConsentRegistry::new(self.node.at.consent_registry, &self.node.provider);
        Ok(registry.revocationCounter(self.custodian.address).call().await?)
    }

    /// The counter of revocations, and whose data may be used now, once the vault has followed every no.
    async fn consenting(&self, asked: &Use) -> Result<(u64, BTreeSet<String>)> {
        let Work { node, custodian, vault, publication, .. } = *self;
        rights::follow(node, custodian, vault).await?;
        let counter = self.counter().await?;
        Ok((counter, rights::eligible(node, custodian, vault, publication, asked).await?))
    }

    /// The answer over these people, sealed to its researcher, computed unless it is on disk.
    async fn delivery(
        &self,
        job: &Job,
        counter: u64,
        asked: &Use,
        eligible: &BTreeSet<String>,
    ) -> Result<Delivery> {
        let (name, people) = (&self.custodian.name, people(eligible));
        let key = format!("answer/{name}/{}/{counter}/{people}", self.id);
        if let Some(made) = self.node.home.recall(&key)? {
            return Ok(made);
        }
        let (answer, patients, spent) = self.compute(job, eligible).await?;
        let bytes = self.sealed(job, RESULT_INFO, &answer).await?;
        let result = keccak256(&bytes);
        write_atomically(&self.node.home.exchange_path(&answer_file(result)), &bytes)?;
        let delivery = Delivery { result, patients, spent, explicit: asked.named };
        self.node.home.record(&key, &delivery)?;
        Ok(delivery)
    }

    /// A text of this job that only its researcher can read.
    async fn sealed(&self, job: &Job, info: &[u8], text: &[u8]) -> Result<Vec<u8>> {
        let registry =
            ParticipantRegistry::new(self.node.at.participant_registry, &self.node.provider);
        let recipient =
            EncryptionPublicKey::new(registry.encryptionKey(job.researcher).call().await?.0);
        let context = result_context(self.id, job.questionHash);
        let entropy = Entropy::new(crate::home::random()?);
        Ok(seal_to(&recipient, info, &context, text, entropy)?.to_bytes())
    }

    /// Charges the budget, then computes over the patients whose consent covers this use. Gives the answer, how many
    /// patients it counts, and what it cost: nothing where it was given before.
    async fn compute(&self, job: &Job, eligible: &BTreeSet<String>) -> Result<(Vec<u8>, u64, u32)> {
        let prepared = self.prepared(job)?;
        let (node, custodian) = (self.node, self.custodian);
        let budget = self.budget()?;
        let dataset = self.budget_key();
        // The same question over the same people is a repeat; over others it is another one.
        let context = (self.publication.content_hash, people(eligible), U256::from(job.purpose));
        let context = context.abi_encode();
        let (question, loss) = (prepared.key(&context), prepared.loss());
        let charge = budget.charge(dataset, ResearcherKey(job.researcher.0.0), question, loss)?;
        let token = match charge {
            Charge::Answered(bytes) => {
                let answer = guarded(|| self.shown(&prepared, &bytes))?;
                return Ok((answer, eligible.len() as u64, 0));
            }
            Charge::Fresh(token) | Charge::Resumed(token) => token,
        };
        let details = [
            ("job", number(self.id)),
            ("epsilon_milli", number(loss.epsilon.milli().into())),
            (
                CHARGE,
                Detail::Text(
                    keccak256((job.researcher, B256::from(question.0)).abi_encode()).to_string(),
                ),
            ),
        ];
        note(node, custodian, Kind::BudgetCharged, &self.publication.cid, &details).await?;
        let cid = publishing::cid(&self.publication.cid)?;
        let people = number(eligible.len() as u64);
        let details = [("job", number(self.id)), ("patients", people), salt()?];
        note(node, custodian, Kind::Accessed, &self.publication.cid, &details).await?;
        let opened = self.vault.open_dataset(&cid, &|pseudonym| eligible.contains(pseudonym))?;
        let schema = (&self.vault.schema(&cid)?).into();
        let bytes = guarded(|| prepared.compute(&opened.tables, &schema, &mut OpenDpNoise))?;
        let bytes = budget.record(token, &bytes)?;
        let answer = guarded(|| self.shown(&prepared, &bytes))?;
        Ok((answer, opened.persons.len() as u64, loss.epsilon.milli()))
    }

    /// The recorded numbers as the question shows them.
    fn shown(&self, prepared: &Prepared, bytes: &[u8]) -> Result<Vec<u8>> {
        let damaged = |error: serde_json::Error| NodeError::Damaged {
            path: self.node.home.vault_dir(&self.custodian.name).join("budget.redb"),
            what: error.to_string(),
        };
        let reply = prepared.reply(bytes).map_err(damaged)?;
        Ok(serde_json::to_vec(&reply).expect("an answer is JSON"))
    }

    /// What consent is asked for.
    async fn asked(&self, job: &Job) -> Result<Use> {
        let (token, researcher) = self.parties(job).await?;
        let region = |code| country(code).and_then(|country| self.node.rules.region_of(country));
        let abroad = region(token.jurisdiction) != region(researcher.jurisdiction);
        let lawful = self.lawful(job, &token, &researcher);
        Ok(Use {
            grantee: job.researcher,
            class: token.dataClass,
            purpose: job.purpose,
            jurisdiction: researcher.jurisdiction,
            named: abroad && lawful.is_none_or(|(decision, held)| decision.rests_on_consent(held)),
        })
    }

    fn budget_key(&self) -> DatasetKey {
        budget_key(self.custodian)
    }

    fn budget(&self) -> Result<BudgetLedger> {
        budget(self.node, self.custodian)
    }

    /// Has attestors check the delivery and tells the ledger.
    async fn verify(&self, job: &Job) -> Result<()> {
        self.budget()?.verify()?;
        let path = self.node.home.exchange_path(&answer_file(job.resultHash));
        let answer = std::fs::read(&path).map_err(|error| NodeError::file("read", &path, error))?;
        // The charge comes first; an answer that was given before costs nothing and has none.
        let own = |record: &Record| record.details.get("job") == Some(&number(self.id));
        let begins = |record: &Record| {
            matches!(record.kind, Kind::BudgetCharged | Kind::Answered) && own(record)
        };
        let log = log_since(self.node, self.custodian, begins)?;
        let answer = alloy::hex::encode(answer);
        let about = Subject::Delivery(Delivered { job: self.id, answer, log });
        let case = Case { custodian: self.custodian, about, sealed: None };
        let panel = Panel::of(self.node)?;
        let proof = panel.attest_one(self.node, &case, Claim::delivery(self.id, job)).await?;
        note_attested(self.node, self.custodian, "DELIVERY", &proof).await?;
        let call =
            ComputeMarket::verifyCall { jobId: U256::from(self.id), delivery: recast(&proof) };
        self.send("result verified", "verify", &call).await
    }

    /// From here on the sealed answer is the researcher's.
    async fn settle(&self, job: &Job) -> Result<()> {
        let details = [("job", number(self.id)), ("to", Detail::Text(job.researcher.to_string()))];
        let result = job.resultHash.to_string();
        note(self.node, self.custodian, Kind::Released, &result, &details).await?;
        let call = ComputeMarket::settleCall { jobId: U256::from(self.id) };
        self.send("job settled", "settle", &call).await
    }

    async fn send<C: alloy::sol_types::SolCall>(
        &self,
        what: &str,
        step: &str,
        call: &C,
    ) -> Result<()> {
        let key = format!("job/{}/{step}", self.id);
        let signer = self.custodian.signer(self.node);
        self.node.send(what, &key, &signer, self.node.at.compute_market, call).await?;
        Ok(())
    }
}

/// What fails in the work on one question ends that question, and not the vault.
fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let fault = |_| Err(RunError::Engine.into());
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(fault)
}

/// What keeps an exact number in a record from being tried out: the hashes of some records are public, and so are their other fields.
fn salt() -> Result<(&'static str, Detail)> {
    let bytes: [u8; 16] = crate::home::random()?;
    Ok(("salt", Detail::Text(alloy::hex::encode(bytes))))
}

/// All versions of a custodian's datasets hold the same patients, so they share one budget.
fn budget_key(custodian: &Party) -> DatasetKey {
    DatasetKey(keccak256(custodian.address).0)
}

fn budget(node: &Node, custodian: &Party) -> Result<BudgetLedger> {
    let open = |path: &std::path::Path| Ok(BudgetLedger::open(path)?);
    let budget = node.home.vault_part(&custodian.name, "budget.redb", open)?;
    let dataset = budget_key(custodian);
    if budget.limits(dataset)? != Some(BUDGET) {
        budget.set_limits(dataset, BUDGET)?;
    }
    let (spent, told) = (budget.spent(dataset)?.milli(), charges_told(node, custodian)?);
    if spent < told {
        let what = format!(
            "it tells of {} of epsilon, and the log of {}: an old copy was put back; put back the newest one",
            EpsilonTotal::from_milli(spent),
            EpsilonTotal::from_milli(told)
        );
        let path = node.home.vault_dir(&custodian.name).join("budget.redb");
        return Err(NodeError::Damaged { path, what });
    }
    Ok(budget)
}

/// What the log says that was charged, in thousandths of epsilon, at least: a command that was cut off notes the same charge
/// again. Records without a charge's name are of an older version: of a job's only the most counts.
fn charges_told(node: &Node, custodian: &Party) -> Result<u64> {
    let mut charges: BTreeMap<String, u64> = BTreeMap::new();
    let records = log_since(node, custodian, |_| true)?;
    for record in records.iter().filter(|record| record.kind == Kind::BudgetCharged) {
        let told = (record.details.get("job"), record.details.get("epsilon_milli"));
        let (Some(Detail::Number(job)), Some(Detail::Number(epsilon))) = told else { continue };
        let name = match record.details.get(CHARGE) {
            Some(Detail::Text(name)) => name.clone(),
            _ => job.to_string(),
        };
        let most = charges.entry(name).or_default();
        *most = u64::try_from(*epsilon).unwrap_or(0).max(*most);
    }
    Ok(charges.values().sum())
}

/// Names the patients that an answer counts, without naming one.
fn people(eligible: &BTreeSet<String>) -> B256 {
    keccak256(eligible.iter().flat_map(|one| one.bytes().chain([0])).collect::<Vec<_>>())
}

/// Whether a custodian's budget file holds what its log tells of. Nothing is opened where nothing was charged.
///
/// # Errors
/// [`NodeError::Damaged`] where it does not.
pub(crate) fn check_budget(node: &Node, custodian: &Party) -> Result<()> {
    match charges_told(node, custodian)? {
        0 => Ok(()),
        _ => budget(node, custodian).map(drop),
    }
}

/// What a researcher can still spend on a custodian's patients.
pub(crate) fn remaining_budget(
    node: &Node,
    custodian: &Party,
    researcher: Address,
) -> Result<EpsilonTotal> {
    let budget = budget(node, custodian)?;
    Ok(budget.remaining(budget_key(custodian), ResearcherKey(researcher.0.0))?)
}

fn country(code: alloy::primitives::FixedBytes<2>) -> Option<Country> {
    Country::from_bytes(code.0)
}

/// How many patients the last answer of each of these datasets counted, added up: the vaults' own figures.
pub async fn patients_in_last_answers(node: &Node, datasets: &[u64]) -> Result<u64> {
    let mut patients = 0;
    for custodian in party::custodians(node)? {
        for publication in publications(node, &custodian)? {
            if !publication.dataset.is_some_and(|dataset| datasets.contains(&dataset)) {
                continue;
            }
            let of = Detail::Text(publication.cid.clone());
            let records = audit::read(&crate::audit::log_path(node, &custodian))?;
            let mut newest = records.iter().rev();
            let last = newest.find(|record| {
                record.kind == Kind::Answered && record.details.get("cid") == Some(&of)
            });
            if let Some(Detail::Number(counted)) =
                last.and_then(|record| record.details.get("patients"))
            {
                patients += counted.unsigned_abs();
            }
        }
    }
    Ok(patients)
}
