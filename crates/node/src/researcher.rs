//! Researchers: buy a licence, ask a question, read the answer.

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
use caduceus_query::{Answer, Cost, Epsilon, EpsilonTotal, Question};
use serde::{Deserialize, Serialize};

use crate::error::{NodeError, Result};
use crate::home::write_atomically;
use crate::node::{Node, event};
use crate::party::Party;

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
    /// What the researcher can still ask of the dataset's custodian, in thousandths of epsilon.
    #[serde(rename = "remaining_milli")]
    pub remaining: EpsilonTotal,
}

/// What a question would cost and how exact its answer would be, for every dataset in the pool, with what is left to the researcher.
///
/// It is refused where asking would be: where it costs more than the rules allow for the purpose of the researcher's newest licence
/// (for health research where there is none yet).
pub async fn explain(
    node: &Node,
    researcher: &Party,
    question: &Question,
) -> Result<Vec<Explained>> {
    let purpose = match usable_pass(node, researcher).await {
        Ok((pass, _)) => purpose_of(node, pass).await,
        Err(_) => None,
    };
    let purpose = purpose.or("HMB".parse().ok());
    let mut explained = Vec::new();
    for dataset in live_datasets(node).await? {
        let schema = crate::custodian::published_schema(node, dataset)?;
        let cost = caduceus_query::check(question, &schema)?.cost();
        require_modest(node, researcher, dataset, purpose, question).await?;
        let remaining = crate::custodian::remaining_budget(node, dataset, researcher)?;
        explained.push(Explained { dataset, cost, remaining });
    }
    Ok(explained)
}

/// What a pass is for. A pass whose last use has settled is burned; then the recorded transaction of its question counts.
async fn purpose_of(node: &Node, pass: u64) -> Option<Purpose> {
    let passes = LicencePass::new(node.at.licence_pass, &node.provider);
    let pass = passes.pass(U256::from(pass)).call().await.ok()?;
    Purpose::from_number(pass.purpose)
}

/// One vault's answer, opened by its researcher.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Received {
    /// The job that it settles.
    pub job: u64,
    /// The dataset that was asked.
    pub dataset: u64,
    /// The answer.
    pub answer: Answer,
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
    Ok(Licence { pass: sold.passId.to(), paid: sold.price.to(), datasets: datasets.to_vec(), uses })
}

/// The newest pass of this researcher that covers `datasets` and has a use left.
pub async fn usable_pass(node: &Node, researcher: &Party) -> Result<(u64, Vec<u64>)> {
    let passes = LicencePass::new(node.at.licence_pass, &node.provider);
    let holder = Some(researcher.address.into_word());
    let mut minted = node.events::<PassMinted>(node.at.licence_pass, &[None, holder]).await?;
    minted.reverse();
    let now = node.now().await?;
    for mint in minted {
        // A pass whose last use has settled is burned, and asking for it reverts.
        let Ok(pass) = passes.pass(mint.passId).call().await else { continue };
        if pass.usesLeft > 0 && pass.expiry > now {
            return Ok((
                mint.passId.to(),
                pass.datasetIds.iter().map(|id| id.to::<u64>()).collect(),
            ));
        }
    }
    let what = format!("{} holds no licence with a use left", researcher.name);
    Err(NodeError::not_ready(
        what,
        format!("buy one with `caduceus licence buy --researcher {}`", researcher.name),
    ))
}

/// Puts a question to every dataset of a pass, fees in escrow. Gives the jobs, one a dataset.
///
/// The question is checked against the published schema first, so that one that no vault answers costs nothing.
pub async fn ask(
    node: &Node,
    researcher: &Party,
    pass: u64,
    datasets: &[u64],
    question: &Question,
    key: &str,
) -> Result<Vec<u64>> {
    let purpose = purpose_of(node, pass).await;
    for dataset in datasets {
        let schema = crate::custodian::published_schema(node, *dataset)?;
        if caduceus_query::check(question, &schema)?.known_answer().is_some() {
            return Err(NodeError::Usage(
                "a question with LIMIT 0 shows no rows, so nothing was asked; leave LIMIT out".into(),
            ));
        }
        require_modest(node, researcher, *dataset, purpose, question).await?;
    }
    let document = serde_json::to_vec(question).expect("a question has only strings and numbers");
    let question_hash = keccak256(&document);
    write_atomically(
        &node.home.exchange_path(&format!("question-{question_hash}.json")),
        &document,
    )?;
    let market = ComputeMarket::new(node.at.compute_market, &node.provider);
    let fee = U256::from(market.jobFee().call().await?) * U256::from(datasets.len());
    let permit = permit(node, researcher, node.at.compute_market, fee).await?;
    let call = ComputeMarket::requestCall {
        question: AskedQuestion {
            passId: U256::from(pass),
            datasetIds: datasets.iter().copied().map(U256::from).collect(),
            questionHash: question_hash,
            epsilonMilli: question.epsilon.milli(),
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
    question: &Question,
) -> Result<()> {
    let token = DatasetToken::new(node.at.dataset_token, &node.provider);
    let token = token.dataset(U256::from(dataset)).call().await?;
    let (from, class) =
        (Country::from_bytes(token.jurisdiction.0), DataClass::from_number(token.dataClass));
    let (Some(from), Some(class), Some(purpose)) = (from, class, purpose) else { return Ok(()) };
    let request = Request { class, from, to: researcher.country, purpose };
    let decision = decide(node.rules, &request);
    let most = decision.maximum_epsilon_milli;
    if most == 0 || question.epsilon.milli() <= most {
        return Ok(());
    }
    Err(NodeError::Usage(format!(
        "epsilon {} is more than the {} that is allowed for dataset {dataset} ({}); ask with a smaller --epsilon",
        question.epsilon,
        Epsilon::from_milli(most),
        decision.law
    )))
}

/// The settled jobs of a researcher, oldest first.
pub async fn settled_jobs(node: &Node, researcher: &Party) -> Result<Vec<u64>> {
    let market = ComputeMarket::new(node.at.compute_market, &node.provider);
    let requested = node.events::<JobRequested>(node.at.compute_market, &[]).await?;
    let mut settled = Vec::new();
    for request in requested.iter().filter(|request| request.researcher == researcher.address) {
        if market.job(request.jobId).call().await?.state == crate::custodian::SETTLED {
            settled.push(request.jobId.to());
        }
    }
    Ok(settled)
}

/// Opens the answer to a settled job with the researcher's key, after checking it against the hash on the ledger.
pub async fn receive(node: &Node, researcher: &Party, job: u64) -> Result<Received> {
    let market = ComputeMarket::new(node.at.compute_market, &node.provider);
    let on_ledger = market.job(U256::from(job)).call().await?;
    if on_ledger.state != crate::custodian::SETTLED {
        let what = format!("job {job} is {}", crate::custodian::state_name(on_ledger.state));
        return Err(NodeError::not_ready(what, "an answer can be read once its job is settled"));
    }
    let path = node.home.exchange_path(&format!("answer-{}.json", on_ledger.resultHash));
    let bytes = std::fs::read(&path).map_err(|error| NodeError::file("read", &path, error))?;
    if keccak256(&bytes) != on_ledger.resultHash {
        return Err(NodeError::Damaged {
            path,
            what: "it is not the answer that the ledger holds the hash of".into(),
        });
    }
    let damaged =
        |what: serde_json::Error| NodeError::Damaged { path: path.clone(), what: what.to_string() };
    let sealed: Sealed = serde_json::from_slice(&bytes).map_err(damaged)?;
    let key = node.keyring().encryption_key(&researcher.label());
    let plain = key.open(
        crate::custodian::RESULT_INFO,
        &result_context(job, on_ledger.questionHash),
        &sealed,
    )?;
    let answer = serde_json::from_slice(&plain).map_err(damaged)?;
    Ok(Received { job, dataset: on_ledger.datasetId.to(), answer })
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
