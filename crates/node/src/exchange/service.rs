//! Vaults at work: each custodian's watches the ledger and answers what it asks, side by side; together they listen for what is
//! handed in and hand out what is settled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, U256, keccak256};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use caduceus_contracts::{ComputeMarket, ParticipantRegistry};
use caduceus_identity::json::MAX_BYTES;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, watch as channel};

use super::wire::{About, Handed, Introduction, Objection, introduction};
use super::{answer_file, question_file, refusal_file};
use crate::asked::Asked;
use crate::attestor::{sign_text, signer_of_text};
use crate::custodian::{self, AnsweredJob, REFUNDED, SETTLED, StuckJob};
use crate::error::{NodeError, Result};
use crate::home::write_atomically;
use crate::listen;
use crate::node::Node;
use crate::party::{self, Party, Role};

/// The most bytes of a question: an algorithm's module of 1 MiB in hexadecimal, with its declaration.
const BODY_LIMIT: usize = 4 << 20;
/// Questions that one researcher may hand in within an hour.
const HANDED_AN_HOUR: u32 = 600;
/// How often the ledger is looked at.
const POLL: Duration = Duration::from_millis(250);
/// The longest pause after a failure.
const LONGEST: Duration = Duration::from_secs(60);
/// How long a question about a dataset waits for its vault to be free.
const PATIENCE: Duration = Duration::from_secs(20);

/// Something that a vault did.
#[derive(Clone, Debug)]
pub enum AtWork {
    /// It brought a job to its end.
    Ended {
        /// The custodian.
        custodian: String,
        /// The job.
        job: AnsweredJob,
    },
    /// Something keeps it from going on. It tries again.
    Trouble {
        /// The custodian.
        custodian: String,
        /// What, in words.
        what: String,
    },
}

/// What the handlers know.
struct Desk {
    node: Arc<Node>,
    /// Where researchers reach these vaults.
    url: String,
    /// The custodians, each with whose turn it is to open its vault.
    custodians: Vec<(Party, Mutex<()>)>,
    /// For each researcher, since when questions are counted, and how many there were.
    handed: Lock<HashMap<Address, (Instant, u32)>>,
}

/// Vaults that listen.
pub struct Serving {
    listener: TcpListener,
    desk: Arc<Desk>,
}

/// Begins to listen on 127.0.0.1 for the vaults of these custodians of this home, of all where none is named; port 0 takes a
/// free one. Researchers reach them at `public`, where that is another URL.
pub async fn listen(
    node: Arc<Node>,
    names: &[String],
    port: u16,
    public: Option<&str>,
) -> Result<Serving> {
    let public = public.map(super::url).transpose()?;
    let custodians = match names {
        [] => party::custodians(&node)?,
        names => {
            let find = |name: &String| party::find(&node, Role::Custodian, name);
            names.iter().map(find).collect::<Result<_>>()?
        }
    };
    if custodians.is_empty() {
        let todo = "register one with `caduceus party register --role custodian`";
        return Err(NodeError::not_ready("no custodian is in this home", todo));
    }
    let listener = listen::on(port).await?;
    let url = public.map_or_else(|| listen::url(&listener), Ok)?;
    let custodians = custodians.into_iter().map(|party| (party, Mutex::new(()))).collect();
    let desk = Desk { node, url, custodians, handed: Lock::default() };
    Ok(Serving { listener, desk: Arc::new(desk) })
}

impl Serving {
    /// The URL at which they listen on this machine.
    pub fn url(&self) -> Result<String> {
        listen::url(&self.listener)
    }

    /// The URL that researchers use, which the vaults sign.
    pub fn public_url(&self) -> &str {
        &self.desk.url
    }

    /// The custodians whose vaults are at work.
    pub fn custodians(&self) -> Vec<String> {
        self.desk.custodians.iter().map(|(party, _)| party.name.clone()).collect()
    }

    /// Listens and works until `stop` is done. A vault that computes ends that first.
    pub async fn until(
        self,
        stop: impl Future<Output = ()>,
        tell: impl Fn(AtWork) + Clone + Send + 'static,
    ) -> Result<()> {
        let (stopping, stopped) = channel::channel(false);
        let vaults: Vec<_> = (0..self.desk.custodians.len())
            .map(|place| {
                let (desk, tell) = (Arc::clone(&self.desk), tell.clone());
                let mut stopped = stopped.clone();
                // A thread of its own: a vault that computes must not keep the others, or the listener, waiting.
                tokio::task::spawn_blocking(move || {
                    Handle::current().block_on(async {
                        tokio::select! {
                            () = watch(&desk, place, tell) => {}
                            _ = stopped.changed() => {}
                        }
                    });
                })
            })
            .collect();
        let routes = Router::new()
            .route("/vaults/{challenge}", get(vaults_here))
            .route("/datasets/{dataset}/{researcher}", get(about))
            .route("/questions/{question}", put(take))
            .route("/jobs/{job}", get(outcome))
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(self.desk);
        let served = tokio::select! {
            served = axum::serve(self.listener, routes).into_future() => served,
            () = stop => Ok(()),
        };
        let _ = stopping.send(true);
        for vault in vaults {
            let _ = vault.await;
        }
        served.map_err(|error| NodeError::Chain(format!("the vaults stopped listening: {error}")))
    }
}

/// What failed, and when it is tried again: after longer and longer pauses.
struct Setback {
    what: String,
    pause: Duration,
    until: Instant,
}

impl Setback {
    /// The next one after `before`.
    fn after(before: Option<&Setback>, what: String) -> Setback {
        let pause = before.map_or(POLL, |before| before.pause).saturating_mul(2).min(LONGEST);
        Setback { what, pause, until: Instant::now() + pause }
    }

    fn is_over(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// Whether it is other trouble than `before`, so that it is worth a word.
    fn is_news(&self, before: Option<&Setback>) -> bool {
        before.is_none_or(|before| before.what != self.what)
    }
}

/// Answers a custodian's jobs whenever the ledger has changed, for ever. What fails is told once and tried again: a job that cannot
/// go on waits by itself, and keeps no other one waiting.
async fn watch(desk: &Desk, place: usize, tell: impl Fn(AtWork)) {
    let (custodian, turn) = &desk.custodians[place];
    let name = || custodian.name.clone();
    let trouble = |setback: &Setback, before: Option<&Setback>| {
        if setback.is_news(before) {
            tell(AtWork::Trouble { custodian: name(), what: setback.what.clone() });
        }
    };
    let (mut seen, mut failed) = (None, None::<Setback>);
    let mut waiting: HashMap<u64, Setback> = HashMap::new();
    loop {
        let ended = |job| tell(AtWork::Ended { custodian: name(), job });
        // The same moment throughout, so that a job whose pause ends meanwhile is not taken for one that was tried.
        let now = Instant::now();
        let due = |job| waiting.get(&job).is_none_or(|setback: &Setback| setback.is_over(now));
        let again = waiting.values().any(|setback| setback.is_over(now));
        let seen_before = seen.filter(|_| !again);
        match round(&desk.node, custodian, turn, seen_before, due, ended).await {
            Ok((block, stuck)) => {
                (seen, failed) = (Some(block), None);
                let mut still: HashMap<u64, Setback> = HashMap::new();
                for StuckJob { job, error, .. } in stuck {
                    let before = waiting.remove(&job);
                    let setback = Setback::after(before.as_ref(), format!("job {job}: {error}"));
                    trouble(&setback, before.as_ref());
                    still.insert(job, setback);
                }
                // What was tried and is not stuck has ended.
                still.extend(waiting.into_iter().filter(|(_, setback)| !setback.is_over(now)));
                waiting = still;
            }
            Err(error) => {
                let setback = Setback::after(failed.as_ref(), error.to_string());
                trouble(&setback, failed.as_ref());
                failed = Some(setback);
            }
        }
        tokio::time::sleep(failed.as_ref().map_or(POLL, |failed| failed.pause)).await;
    }
}

/// Answers what is open and `due`, unless the ledger is at the block that was seen. Gives the block that was seen now, and the jobs
/// that cannot go on.
async fn round(
    node: &Node,
    custodian: &Party,
    turn: &Mutex<()>,
    seen: Option<u64>,
    due: impl Fn(u64) -> bool,
    ended: impl FnMut(AnsweredJob),
) -> Result<(u64, Vec<StuckJob>)> {
    // Read first: what the ledger takes meanwhile is for the next round.
    let block = node.block_number().await?;
    if seen == Some(block) {
        return Ok((block, Vec::new()));
    }
    let _turn = turn.lock().await;
    let stuck = custodian::answer_telling(node, &custodian.name, due, ended).await?;
    Ok((block, stuck))
}

/// An objection, with the status that says whose fault it is.
struct No(StatusCode, String);

impl IntoResponse for No {
    fn into_response(self) -> Response {
        (self.0, Json(Objection { error: self.1 })).into_response()
    }
}

type Reply<T> = std::result::Result<T, No>;

/// What failed inside is told to whoever runs the vault, and to nobody else.
fn inside(node: &Node, error: impl Into<NodeError>) -> No {
    node.report.fact(format!("a request failed: {}", error.into()));
    No(StatusCode::SERVICE_UNAVAILABLE, "the vault cannot do that now; try again later".into())
}

fn no(status: StatusCode, why: &str) -> No {
    No(status, why.to_owned())
}

async fn vaults_here(
    State(desk): State<Arc<Desk>>,
    Path(challenge): Path<B256>,
) -> Json<Vec<Introduction>> {
    let introduce = |(party, _): &(Party, Mutex<()>)| {
        let text = introduction(desk.node.chain_id(), party.address, &desk.url, challenge);
        Introduction {
            name: party.name.clone(),
            custodian: party.address,
            url: desk.url.clone(),
            signature: sign_text(&party.signer(&desk.node), &text),
        }
    };
    Json(desk.custodians.iter().map(introduce).collect())
}

async fn about(
    State(desk): State<Arc<Desk>>,
    Path((dataset, researcher)): Path<(u64, Address)>,
) -> Reply<Json<About>> {
    let held = custodian::custodian_of(&desk.node, dataset).ok();
    let vault = desk.custodians.iter().find(|(party, _)| Some(party) == held.as_ref());
    let Some((_, turn)) = vault else {
        return Err(no(StatusCode::NOT_FOUND, "no vault here has that dataset"));
    };
    let Ok(_turn) = tokio::time::timeout(PATIENCE, turn.lock()).await else {
        let why = "the vault is computing an answer; ask again in a while";
        return Err(no(StatusCode::SERVICE_UNAVAILABLE, why));
    };
    let found = super::here(&desk.node, dataset, researcher);
    let found = found.map_err(|error| inside(&desk.node, error))?;
    let remaining_epsilon_milli = found.remaining.milli();
    Ok(Json(About { schema: found.schema, remaining_epsilon_milli }))
}

async fn take(
    State(desk): State<Arc<Desk>>,
    Path(question): Path<B256>,
    body: Bytes,
) -> Reply<StatusCode> {
    let bad = |why: &str| no(StatusCode::UNPROCESSABLE_ENTITY, why);
    let node = &desk.node;
    let handed: Handed = serde_json::from_slice(&body)
        .map_err(|_| bad("that is no question as this version hands it in"))?;
    if keccak256(&handed.document) != question {
        return Err(bad("the question has another hash than its address"));
    }
    let signer = signer_of_text(&handed.statement(node.chain_id()), &handed.signature);
    if signer != Some(handed.researcher) {
        return Err(no(StatusCode::FORBIDDEN, "the question is not signed by its researcher"));
    }
    let registry = ParticipantRegistry::new(node.at.participant_registry, &node.provider);
    let standing = registry.inGoodStanding(handed.researcher, Role::Researcher.bit()).call().await;
    if !standing.map_err(|error| inside(node, error))? {
        let why = "only researchers in good standing on the ledger hand questions in";
        return Err(no(StatusCode::FORBIDDEN, why));
    }
    if serde_json::from_str::<Asked>(&handed.document).is_err() {
        return Err(bad("the question cannot be read"));
    }
    if handed.approval.as_ref().is_some_and(|approval| approval.len() > MAX_BYTES) {
        return Err(bad("the approval is longer than a credential can be"));
    }
    if !desk.counts(handed.researcher) {
        let why = "too many questions were handed in within an hour; ask again later";
        return Err(no(StatusCode::TOO_MANY_REQUESTS, why));
    }
    let approval = handed.approval.as_deref();
    crate::approvals::hand_over(node, question, handed.researcher, approval)
        .and_then(|()| {
            let path = node.home.exchange_path(&question_file(question));
            write_atomically(&path, handed.document.as_bytes())
        })
        .map_err(|error| inside(node, error))?;
    Ok(StatusCode::NO_CONTENT)
}

impl Desk {
    /// Counts a question of a researcher; false where there were too many.
    fn counts(&self, researcher: Address) -> bool {
        let mut handed = self.handed.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = Duration::from_secs(3_600);
        let (since, count) = handed.entry(researcher).or_insert((Instant::now(), 0));
        if since.elapsed() > hour {
            (*since, *count) = (Instant::now(), 0);
        }
        *count += 1;
        *count <= HANDED_AN_HOUR
    }
}

/// What came of a job, sealed to its researcher. An answer leaves only once the ledger has settled it.
async fn outcome(State(desk): State<Arc<Desk>>, Path(id): Path<u64>) -> Reply<Response> {
    let node = &desk.node;
    let market = ComputeMarket::new(node.at.compute_market, &node.provider);
    let job = market.job(U256::from(id)).call().await.map_err(|error| inside(node, error))?;
    let file = match job.state {
        SETTLED => answer_file(job.resultHash),
        REFUNDED => refusal_file(id),
        0 => return Err(no(StatusCode::NOT_FOUND, "there is no such job")),
        state => {
            let why = format!("job {id} is {}", custodian::state_name(state));
            return Err(No(StatusCode::CONFLICT, why));
        }
    };
    match tokio::fs::read(node.home.exchange_path(&file)).await {
        Ok(sealed) => Ok(([(CONTENT_TYPE, "application/octet-stream")], sealed).into_response()),
        Err(_) => Err(no(StatusCode::NOT_FOUND, "no vault here answered that job")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn pauses_grow_to_a_minute_and_only_other_trouble_is_news() {
        let mut setback = Setback::after(None, "no ledger".to_owned());
        assert!(setback.is_news(None) && !setback.is_over(Instant::now()));
        for _ in 0..20 {
            let next = Setback::after(Some(&setback), "no ledger".to_owned());
            assert_eq!(next.pause, (setback.pause * 2).min(LONGEST));
            assert!(!next.is_news(Some(&setback)));
            assert!(next.is_over(next.until) && !next.is_over(next.until - POLL));
            setback = next;
        }
        assert_eq!(setback.pause, LONGEST);
        assert!(Setback::after(Some(&setback), "no disk".to_owned()).is_news(Some(&setback)));
    }
}
