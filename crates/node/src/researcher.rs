//! Researchers: buy a licence, ask a question, read the answer.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use alloy::primitives::{B256, U256, keccak256};
use alloy::signers::SignerSync;
use alloy::sol_types::{Eip712Domain, SolStruct};
use caduceus_contracts::ComputeMarket::{JobRequested, Question as AskedQuestion};
use caduceus_contracts::LicenceMarket::{LicenceSold, Order};
use caduceus_contracts::LicencePass::PassMinted;
use caduceus_contracts::{
    ComputeMarket, DatasetToken, HealthDataPool, LicenceMarket, LicencePass, TestUSDC, recast,
    typed,
};
use caduceus_identity::Sealed;
use caduceus_policy::{Country, DataClass, Purpose, Request, decide};
use caduceus_query::{Cost, Epsilon, Question};
use serde::{Deserialize, Serialize};

use crate::approvals;
use crate::asked::{Asked, Prepared, Reply};
use crate::custodian::{REFUNDED, REFUSAL_INFO, RESULT_INFO, SETTLED};
use crate::error::{NodeError, Result};
use crate::exchange::{self, Published, answer_file, refusal_file};
use crate::node::{Node, event};
use crate::party::Party;

/// How often the ledger is asked about a job that a vault elsewhere is at.
const POLL: Duration = Duration::from_millis(250);

/// A licence that was bought.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Licence {
    /// The pass's number.
    pub pass: u64,
    /// What was paid, in units of 1e-6 USDC.
    pub paid: u64,
    /// The datasets that it covers.
    pub datasets: Vec<u64>,
    /// How many questions it is good for.
    pub uses: u32,
}

/// A question at a privacy cost given as a decimal, such as 0.5.
pub fn question(sql: &str, epsilon: &str) -> Result<Question> {
    let epsilon = epsilon
        .parse()
        .map_err(|error: caduceus_query::ParseEpsilonError| NodeError::Usage(error.to_string()))?;
    Ok(Question::new(sql, epsilon))
}

/// What a question would cost one dataset, before anything is asked.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// The dataset.
    pub dataset: u64,
    /// Cost and expected error.
    pub cost: Cost,
    /// What the researcher can still spend on this dataset's patients: epsilon as a decimal.
    pub remaining: String,
    /// Why the question would be refused all the same, if it would.
    pub objection: Option<String>,
}

/// What a question would cost and how exact its answer would be: for the datasets of the researcher's licence, or where
/// there is none with a use left, for the newest dataset of every custodian.
pub async fn explain(
    node: &Node,
    researcher: &Party,
    question: &Question,
) -> Result<Vec<Explained>> {
    let (datasets, purpose) = match usable_pass(node, researcher).await {
        Ok((pass, datasets)) => (datasets, purpose_of(node, pass).await),
        Err(_) => (current_datasets(node).await?, Some(Purpose::HealthResearch)),
    };
    let mut explained = Vec::new();
    for dataset in datasets {
        let Published { schema, remaining } =
            exchange::published(node, dataset, researcher.address).await?;
        let cost = caduceus_query::check(question, &schema)?.cost();
        let objection =
            match require_modest(node, researcher, dataset, purpose, question.epsilon).await {
                Ok(()) if remaining.milli() < u64::from(question.epsilon.milli()) => Some(format!(
                    "only epsilon {remaining} is left; repeating an earlier question is free"
                )),
                Ok(()) => None,
                Err(error) => Some(error.to_string()),
            };
        explained.push(Explained { dataset, cost, remaining: remaining.to_string(), objection });
    }
    Ok(explained)
}

/// One vault's answer, opened by its researcher.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Received {
    /// The job that it settles.
    pub job: u64,
    /// The dataset that was asked.
    pub dataset: u64,
    /// The answer.
    pub answer: Reply,
}

/// What came of one job.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It was settled.
    Answered(Received),
    /// The vault gave it back. The fee can be withdrawn again.
    Refused {
        /// The job.
        job: u64,
        /// The dataset that was asked.
        dataset: u64,
        /// Why, in the vault's own words.
        refused: String,
    },
}

impl Outcome {
    /// The answer, or the refusal as an error.
    pub fn answered(self) -> Result<Received> {
        match self {
            Outcome::Answered(received) => Ok(received),
            Outcome::Refused { job, refused, .. } => {
                Err(NodeError::Refused { action: format!("answering job {job}"), reason: refused })
            }
        }
    }
}

/// Every dataset that is in the pool and not about to leave it.
pub async fn live_datasets(node: &Node) -> Result<Vec<u64>> {
    let pool = HealthDataPool::new(node.at.health_data_pool, &node.provider);
    let minted = node.events::<DatasetToken::DatasetMinted>(node.at.dataset_token, &[]).await?;
    let mut live = Vec::new();
    for mint in minted {
        if pool.isLive(mint.datasetId).call().await? {
            live.push(mint.datasetId.to::<u64>());
        }
    }
    Ok(live)
}

/// The datasets in the pool that no newer version in the pool succeeds: asking an older version as well would count the
/// same patients twice.
pub async fn current_datasets(node: &Node) -> Result<Vec<u64>> {
    let live = live_datasets(node).await?;
    let minted = node.events::<DatasetToken::DatasetMinted>(node.at.dataset_token, &[]).await?;
    let parents: BTreeMap<u64, u64> =
        minted.iter().map(|mint| (mint.datasetId.to(), mint.parent.to())).collect();
    let mut succeeded = BTreeSet::new();
    for dataset in &live {
        let mut parent = parents.get(dataset);
        while let Some(older) = parent.filter(|older| **older != 0) {
            succeeded.insert(*older);
            parent = parents.get(older);
        }
    }
    Ok(live.into_iter().filter(|dataset| !succeeded.contains(dataset)).collect())
}

/// Buys a licence over `datasets` in one transaction, payment by permit included.
///
/// `key` makes the purchase one: the same key never buys twice.
pub async fn buy(
    node: &Node,
    researcher: &Party,
    datasets: &[u64],
    purpose: Purpose,
    uses: u32,
    key: &str,
) -> Result<Licence> {
    let market = LicenceMarket::new(node.at.licence_market, &node.provider);
    let mut ids: Vec<U256> = datasets.iter().copied().map(U256::from).collect();
    ids.sort();
    ids.dedup();
    if ids.is_empty() {
        return Err(NodeError::not_ready(
            "there is no dataset to license",
            "publish one first: `caduceus publish --help`",
        ));
    }
    let datasets = ids.iter().map(|id| id.to::<u64>()).collect();
    let price = market.quote(ids.clone(), uses).call().await?;
    let permit = permit(node, researcher, node.at.licence_market, price).await?;
    let order = Order {
        datasetIds: ids,
        purpose: purpose.number(),
        uses,
        maxPrice: price,
        deadline: node.deadline().await?,
    };
    let call = LicenceMarket::buyCall { order, permit: recast(&permit) };
    let receipt = node
        .send("licence bought", key, &researcher.signer(node), node.at.licence_market, &call)
        .await?;
    let sold = event::<LicenceSold>(&receipt)
        .ok_or_else(|| NodeError::Chain("the sale left no event".into()))?;
    Ok(Licence { pass: sold.passId.to(), paid: sold.price.to(), datasets, uses })
}

/// The newest pass of this researcher that has a use left, with those of its datasets that are still in the pool.
pub async fn usable_pass(node: &Node, researcher: &Party) -> Result<(u64, Vec<u64>)> {
    let passes = LicencePass::new(node.at.licence_pass, &node.provider);
    let holder = Some(researcher.address.into_word());
    let mut minted = node.events::<PassMinted>(node.at.licence_pass, &[None, holder]).await?;
    minted.reverse();
    let now = node.now().await?;
    let live = live_datasets(node).await?;
    let mut withdrawn = None;
    for mint in minted {
        // A pass whose last use has settled is burned, and asking for it reverts.
        let Ok(pass) = passes.pass(mint.passId).call().await else { continue };
        if pass.usesLeft == 0 || pass.expiry <= now {
            continue;
        }
        let all: Vec<u64> = pass.datasetIds.iter().map(|id| id.to::<u64>()).collect();
        let (there, gone): (Vec<u64>, Vec<u64>) = all.iter().partition(|id| live.contains(id));
        if there.is_empty() {
            withdrawn = withdrawn.or(Some(mint.passId));
            continue;
        }
        if !gone.is_empty() {
            node.report.fact(format!(
                "licence {} goes on without dataset(s) {gone:?}, which were withdrawn from the pool",
                mint.passId
            ));
        }
        return Ok((mint.passId.to(), there));
    }
    let what = match withdrawn {
        Some(pass) => format!("every dataset of licence {pass} was withdrawn from the pool"),
        None => format!("{} holds no licence with a use left", researcher.name),
    };
    Err(NodeError::not_ready(
        what,
        format!("buy one with `caduceus licence buy --researcher {}`", researcher.name),
    ))
}

/// What a pass is for, unless it is burned.
async fn purpose_of(node: &Node, pass: u64) -> Option<Purpose> {
    let passes = LicencePass::new(node.at.licence_pass, &node.provider);
    let pass = passes.pass(U256::from(pass)).call().await.ok()?;
    Purpose::from_number(pass.purpose)
}

/// Puts a question or an algorithm to every dataset of a pass, fees in escrow. Gives the jobs, one a dataset.
///
/// The question is checked against the published schema first, so that one that no vault answers costs nothing; so is
/// `approval`, a presentation of an ethics committee's approval, which custodians can require.
pub async fn ask(
    node: &Node,
    researcher: &Party,
    pass: u64,
    datasets: &[u64],
    asked: &Asked,
    approval: Option<&str>,
    key: &str,
) -> Result<Vec<u64>> {
    // A pass whose last use has settled is burned; then the recorded transaction of this question counts.
    let purpose = purpose_of(node, pass).await;
    if let Some(approval) = approval {
        approvals::check(node, researcher.address, purpose, approval).await?;
    }
    for dataset in datasets {
        let schema = exchange::published(node, *dataset, researcher.address).await?.schema;
        Prepared::new(asked, &(&schema).into())?;
        require_modest(node, researcher, *dataset, purpose, asked.epsilon()).await?;
    }
    let document = serde_json::to_vec(asked).expect("a question has only strings and numbers");
    let question_hash =
        exchange::hand_over(node, researcher, datasets, &document, approval).await?;
    let market = ComputeMarket::new(node.at.compute_market, &node.provider);
    let fee = U256::from(market.jobFee().call().await?) * U256::from(datasets.len());
    let permit = permit(node, researcher, node.at.compute_market, fee).await?;
    let call = ComputeMarket::requestCall {
        question: AskedQuestion {
            passId: U256::from(pass),
            datasetIds: datasets.iter().copied().map(U256::from).collect(),
            questionHash: question_hash,
            epsilonMilli: asked.epsilon().milli(),
            maxFee: fee,
        },
        permit: recast(&permit),
    };
    let receipt = node
        .send("question asked", key, &researcher.signer(node), node.at.compute_market, &call)
        .await?;
    let logs = receipt.inner.logs().iter();
    let jobs = logs.filter_map(|log| alloy::sol_types::SolEvent::decode_log_data(log.data()).ok());
    Ok(jobs.map(|requested: JobRequested| requested.jobId.to()).collect())
}

/// Refuses a question that costs more privacy than the rules allow, with the number that they do.
async fn require_modest(
    node: &Node,
    researcher: &Party,
    dataset: u64,
    purpose: Option<Purpose>,
    epsilon: Epsilon,
) -> Result<()> {
    let token = DatasetToken::new(node.at.dataset_token, &node.provider);
    let token = token.dataset(U256::from(dataset)).call().await?;
    let (from, class) =
        (Country::from_bytes(token.jurisdiction.0), DataClass::from_number(token.dataClass));
    let (Some(from), Some(class), Some(purpose)) = (from, class, purpose) else { return Ok(()) };
    let request = Request { class, from, to: researcher.country, purpose };
    let decision = decide(node.rules, &request);
    let most = decision.maximum_epsilon_milli;
    if most == 0 || epsilon.milli() <= most {
        return Ok(());
    }
    Err(NodeError::Usage(format!(
        "epsilon {epsilon} is more than the {} that is allowed for dataset {dataset} ({}); ask with a smaller --epsilon",
        Epsilon::from_milli(most),
        decision.law
    )))
}

/// Waits until the vaults have brought these jobs to their end, but no longer than so many seconds. Gives those that are
/// still open, each with its state in words.
pub async fn wait(node: &Node, jobs: &[u64], seconds: u64) -> Result<Vec<(u64, &'static str)>> {
    let market = ComputeMarket::new(node.at.compute_market, &node.provider);
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        let mut open = Vec::new();
        for job in jobs {
            let state = market.job(U256::from(*job)).call().await?.state;
            if state < SETTLED {
                open.push((*job, crate::custodian::state_name(state)));
            }
        }
        let ended = (jobs.len() - open.len()) as u64;
        if open.is_empty() || Instant::now() >= end {
            return Ok(open);
        }
        node.report.progress("vaults have answered", ended, Some(jobs.len() as u64));
        tokio::time::sleep(POLL).await;
    }
}

/// The jobs of a researcher that came to an answer or a refusal, oldest first.
pub async fn ended_jobs(node: &Node, researcher: &Party) -> Result<Vec<u64>> {
    let market = ComputeMarket::new(node.at.compute_market, &node.provider);
    let requested = node.events::<JobRequested>(node.at.compute_market, &[]).await?;
    let mut ended = Vec::new();
    for request in requested.iter().filter(|request| request.researcher == researcher.address) {
        let state = market.job(request.jobId).call().await?.state;
        if state == SETTLED || state == REFUNDED {
            ended.push(request.jobId.to());
        }
    }
    Ok(ended)
}

/// What a researcher is told of a refusal that is not theirs to read.
const WITHOUT_A_WORD: &str = "the vault gave it back without a word that this researcher's key can open; where the \
key on the ledger is another one, `caduceus party register` publishes this home's anew";

/// Opens what came of a job with the researcher's key: the answer of a settled one, after checking it against the hash
/// on the ledger, or the word of the vault that gave it back.
pub async fn receive(node: &Node, researcher: &Party, job: u64) -> Result<Outcome> {
    let market = ComputeMarket::new(node.at.compute_market, &node.provider);
    let on_ledger = market.job(U256::from(job)).call().await?;
    let context = result_context(job, on_ledger.questionHash);
    let dataset = on_ledger.datasetId.to();
    if on_ledger.state == REFUNDED {
        match exchange::collect(node, job, dataset, &refusal_file(job), None).await {
            // A vault elsewhere that has no word for this researcher says so.
            Err(NodeError::Refused { .. }) => {}
            collected => collected?,
        }
        let path = node.home.exchange_path(&refusal_file(job));
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|error| NodeError::file("read", &path, error))?,
        };
        // Whatever a vault left there, it must not keep other answers from being read.
        let refused = match open(node, researcher, &path, &bytes, REFUSAL_INFO, &context) {
            Ok(reason) => String::from_utf8_lossy(&reason).into_owned(),
            Err(_) => WITHOUT_A_WORD.to_owned(),
        };
        return Ok(Outcome::Refused { job, dataset, refused });
    }
    if on_ledger.state != SETTLED {
        let what = format!("job {job} is {}", crate::custodian::state_name(on_ledger.state));
        return Err(NodeError::not_ready(what, "an answer can be read once its job is settled"));
    }
    let file = answer_file(on_ledger.resultHash);
    exchange::collect(node, job, dataset, &file, Some(on_ledger.resultHash)).await?;
    let path = node.home.exchange_path(&file);
    let bytes = std::fs::read(&path).map_err(|error| NodeError::file("read", &path, error))?;
    if keccak256(&bytes) != on_ledger.resultHash {
        return Err(NodeError::Damaged {
            path,
            what: "it is not the answer that the ledger holds the hash of".into(),
        });
    }
    let plain = open(node, researcher, &path, &bytes, RESULT_INFO, &context)?;
    let answer = serde_json::from_slice(&plain)
        .map_err(|error| NodeError::Damaged { path, what: error.to_string() })?;
    Ok(Outcome::Answered(Received { job, dataset, answer }))
}

/// Opens a sealed text that lies at `path` with the researcher's key.
fn open(
    node: &Node,
    researcher: &Party,
    path: &Path,
    bytes: &[u8],
    info: &[u8],
    context: &[u8],
) -> Result<Vec<u8>> {
    let sealed = Sealed::from_bytes(bytes)
        .map_err(|error| NodeError::Damaged { path: path.to_owned(), what: error.to_string() })?;
    let key = node.keyring().encryption_key(&researcher.label());
    Ok(key.open(info, context, &sealed)?)
}

/// What an encrypted answer is bound to: its job and its question.
pub(crate) fn result_context(job: u64, question: B256) -> Vec<u8> {
    [&job.to_be_bytes()[..], question.as_slice()].concat()
}

/// A signed permit (ERC-2612) for `spender` to take `value` from the researcher.
async fn permit(
    node: &Node,
    researcher: &Party,
    spender: alloy::primitives::Address,
    value: U256,
) -> Result<LicenceMarket::Permit> {
    let usdc = TestUSDC::new(node.at.usdc, &node.provider);
    let nonce = usdc.nonces(researcher.address).call().await?;
    let deadline = U256::from(node.deadline().await?);
    let domain = usdc.eip712Domain().call().await?;
    let domain = Eip712Domain {
        name: Some(domain.name.into()),
        version: Some(domain.version.into()),
        chain_id: Some(domain.chainId),
        verifying_contract: Some(domain.verifyingContract),
        salt: None,
    };
    let statement = typed::Permit { owner: researcher.address, spender, value, nonce, deadline };
    let signature = researcher.signer(node).sign_hash_sync(&statement.eip712_signing_hash(&domain));
    let signature = signature.expect("a key in memory signs any hash");
    Ok(LicenceMarket::Permit {
        value,
        deadline,
        v: 27 + u8::from(signature.v()),
        r: signature.r().into(),
        s: signature.s().into(),
    })
}
