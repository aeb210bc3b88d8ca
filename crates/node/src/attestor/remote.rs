//! Asking attestors that are processes of their own: all at once, each with its own time, until enough agree.

use std::collections::BTreeMap;
use std::time::Duration;

use alloy::hex;
use alloy::primitives::{Address, B256, Bytes, Signature};
use alloy::providers::DynProvider;
use alloy::sol_types::SolStruct;
use alloy::transports::http::reqwest;
use caduceus_contracts::AttestationOracle::{Attestation, Proof};
use caduceus_contracts::{AttestationOracle, ParticipantRegistry};
use caduceus_identity::{EncryptionPublicKey, Entropy, seal_to};
use caduceus_policy::{
    Country, DataClass, Decision, Purpose, Request, RuleTable, Safeguards, Verdict, decide,
};
use tokio::task::JoinSet;

use super::wire::{Answer, INFO, Identity, introduction};
use super::{Case, Claim, DOMAIN, Processes, adapter, eas, functions, signer_of_text, statement};
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::policy;
use crate::web::body;

/// The most bytes of what an attestor says: a few signatures, or a sentence.
const ANSWER_BYTES: usize = 64 << 10;

/// What every attestor is asked.
#[derive(Clone)]
struct Question {
    client: reqwest::Client,
    ledger: DynProvider,
    chain_id: u64,
    oracle: Address,
    registry: Address,
    law: Address,
    /// A [`super::wire::Request`] as JSON.
    text: Vec<u8>,
    /// What a valid answer signs.
    digests: Vec<B256>,
    /// Where the rows lie that it is shown, if it is shown any, and the law.
    rows: Option<(Country, &'static RuleTable)>,
}

/// One proof for each claim, with the signatures of the first attestors that agree. One that refuses, lies, is dead or too
/// slow is left out and told in the news; with too few left, all their reasons are the error.
pub(super) async fn attest(
    node: &Node,
    case: &Case<'_>,
    claims: &[Claim],
    processes: &Processes,
) -> Result<Vec<Proof>> {
    let (now, block) = (node.now().await?, node.block_number().await?);
    let attestations: Vec<Attestation> =
        claims.iter().map(|claim| statement(claim, now, block)).collect();
    let question = question(node, case, &attestations, processes.seconds)?;
    let oracle = AttestationOracle::new(question.oracle, &node.provider);
    let threshold = usize::from(oracle.threshold().call().await?);

    let mut asking = JoinSet::new();
    for url in &processes.urls {
        let (question, url) = (question.clone(), url.trim_end_matches('/').to_owned());
        asking.spawn(async move { (ask(&question, &url).await, url) });
    }
    let mut objections = Vec::new();
    let statements: Vec<(B256, &Attestation)> =
        question.digests.iter().copied().zip(&attestations).collect();
    let patience = Duration::from_secs(processes.seconds);
    for adapter in processes.functions.iter().copied() {
        match functions::ask(node, case.custodian, adapter, &statements, patience).await {
            Err(error) => objections.push(format!("{adapter}: {error}")),
            Ok(answer) => drop(asking.spawn(async move { (answer.await, adapter.to_string()) })),
        }
    }
    let agreeing = first_agreeing(asking, threshold, &mut objections).await;
    for objection in &objections {
        node.report.fact(format!("an attestor did not sign: {objection}"));
    }
    if agreeing.len() < threshold {
        let found = agreeing.len();
        let reason = format!("{found} of the {threshold} needed signed; {}", objections.join("; "));
        return Err(NodeError::Refused { action: "the attestation".into(), reason });
    }
    let proof = |(number, attestation): (usize, Attestation)| Proof {
        attestation,
        signers: agreeing.keys().copied().collect(),
        signatures: agreeing.values().map(|all| all[number].clone()).collect(),
    };
    Ok(attestations.into_iter().enumerate().map(proof).collect())
}

/// An attestor's account with its signatures, or its objection; and what it is called.
type Answered = (std::result::Result<(Address, Vec<Bytes>), String>, String);

/// Those who agree first, until there are enough. The others are left out, and objections are kept.
async fn first_agreeing(
    mut asking: JoinSet<Answered>,
    threshold: usize,
    objections: &mut Vec<String>,
) -> BTreeMap<Address, Vec<Bytes>> {
    let mut agreeing = BTreeMap::new();
    while agreeing.len() < threshold
        && let Some(done) = asking.join_next().await
    {
        let Ok((outcome, name)) = done else { continue };
        match outcome {
            Ok((address, signatures)) => drop(agreeing.insert(address, signatures)),
            Err(objection) => objections.push(format!("{name}: {objection}")),
        }
    }
    agreeing
}

fn question(
    node: &Node,
    case: &Case<'_>,
    attestations: &[Attestation],
    seconds: u64,
) -> Result<Question> {
    let oracle = node.at.attestation_oracle;
    let disclosure = match &case.sealed {
        None => None,
        Some(sealed) => {
            let cid = crate::custodian::cid(&sealed.publication.cid)?;
            Some(sealed.evidence.vault.disclose(&cid)?)
        }
    };
    let request = super::request(node, case, attestations, disclosure)?;
    let domain = node.domain(DOMAIN, oracle);
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(seconds))
        .no_proxy()
        .build()
        .map_err(|error| NodeError::Chain(format!("no HTTP client: {error}")))?;
    Ok(Question {
        client,
        ledger: node.provider.clone(),
        chain_id: node.chain_id(),
        oracle,
        registry: node.at.participant_registry,
        law: node.at.jurisdiction_rules,
        text: serde_json::to_vec(&request).expect("a request is JSON"),
        digests: attestations.iter().map(|one| one.eip712_signing_hash(&domain)).collect(),
        rows: case.sealed.as_ref().map(|_| (case.custodian.country, node.rules)),
    })
}

/// Asks one attestor. Gives its account with a valid signature for each statement, or what is wrong.
async fn ask(question: &Question, url: &str) -> std::result::Result<(Address, Vec<Bytes>), String> {
    let found = question.client.get(format!("{url}/identity")).send().await;
    let text = limited(found.map_err(words)?).await?;
    let identity: Identity = serde_json::from_slice(&text)
        .map_err(|_| "it does not introduce itself as an attestor".to_owned())?;
    let introduced = introduction(question.chain_id, question.oracle, identity.reader);
    let introduced = match signer_of_text(&introduced, &identity.signature) {
        Some(account) if account == identity.address => By::Key,
        Some(account) if eas::speaks_for(&question.ledger, account, identity.address).await => {
            By::Adapter
        }
        _ => {
            let what = "it introduces itself with a key that it did not sign for this ledger";
            return Err(what.into());
        }
    };
    // Before anything is sent: rows are for attestors only.
    let oracle = AttestationOracle::new(question.oracle, &question.ledger);
    let unasked = |error| format!("the ledger cannot be asked about it: {error}");
    if !oracle.isAttestor(identity.address).call().await.map_err(unasked)? {
        return Err(format!("{} is no attestor on the ledger", identity.address));
    }
    if let Some((from, rules)) = question.rows {
        let registry = ParticipantRegistry::new(question.registry, &question.ledger);
        let registered = registry.participant(identity.address).call().await.map_err(unasked)?;
        let held = Safeguards::from_bits(registered.safeguards).unwrap_or_default();
        let asked = to_look(from, Country::from_bytes(registered.jurisdiction.0))?;
        let by_ledger = policy::by_ledger(&question.ledger, question.law, rules, &asked).await;
        let by_ledger = by_ledger.map_err(|error| error.to_string())?;
        for decision in [decide(rules, &asked), by_ledger] {
            may_see(&decision, &asked, held)?;
        }
    }
    let entropy = crate::home::random::<32>().map_err(|error| error.to_string())?;
    let reader = EncryptionPublicKey::new(identity.reader.0);
    let aad = identity.address.as_slice();
    let sealed = seal_to(&reader, INFO, aad, &question.text, Entropy::new(entropy))
        .map_err(|error| error.to_string())?;
    let sending = question.client.post(format!("{url}/attest")).body(sealed.to_bytes());
    let text = limited(sending.send().await.map_err(words)?).await?;
    let answer: Answer =
        serde_json::from_slice(&text).map_err(|_| "its answer cannot be understood".to_owned())?;
    let signatures = match answer {
        Answer::Refused(why) => return Err(format!("it refuses: {why}")),
        Answer::Signed(signatures) if signatures.len() == question.digests.len() => signatures,
        Answer::Signed(_) => return Err("it did not sign every statement".into()),
    };
    let mut signed = Vec::new();
    for (text, digest) in signatures.iter().zip(&question.digests) {
        match introduced.valid(question, identity.address, *digest, text).await {
            Some(word) => signed.push(word),
            None => return Err("it signed something else than it was asked".into()),
        }
    }
    Ok((identity.address, signed))
}

/// An attestor's look at rows that lie in one country, from another: research that rests on nobody's consent.
fn to_look(from: Country, to: Option<Country>) -> std::result::Result<Request, String> {
    let to = to.ok_or("it is registered in no country")?;
    Ok(Request { class: DataClass::Clinical, from, to, purpose: Purpose::HealthResearch })
}

/// Whether rows may be shown to an attestor with these safeguards. Rows that must stay are shown nowhere else.
fn may_see(
    decision: &Decision,
    asked: &Request,
    held: Safeguards,
) -> std::result::Result<(), String> {
    let held = held.without(Safeguards::EXPLICIT_CONSENT);
    let lacking = decision.verdict == Verdict::AllowWith && !decision.safeguards.meets(held);
    match decision.localized || decision.verdict == Verdict::Deny || lacking {
        true => Err(format!(
            "rows of {} may not be shown in {}, where it is registered: {}",
            asked.from, asked.to, decision.law
        )),
        false => Ok(()),
    }
}

/// By what an attestor's word counts.
#[derive(Clone, Copy)]
enum By {
    /// By the signature of its key.
    Key,
    /// By what its adapter says of an attestation in the Ethereum Attestation Service.
    Adapter,
}

impl By {
    /// The bytes that the oracle takes as its signature of `digest`; none where it would not.
    async fn valid(
        self,
        question: &Question,
        attestor: Address,
        digest: B256,
        text: &str,
    ) -> Option<Bytes> {
        match self {
            By::Key => {
                let signature = signature(text)?;
                let signer = signature.recover_address_from_prehash(&digest).ok()?;
                (signer == attestor).then(|| Bytes::from(signature.as_bytes().to_vec()))
            }
            By::Adapter => {
                let word = Bytes::from(hex::decode(text).ok()?);
                let counts =
                    adapter::counts(&question.ledger, attestor, digest, word.clone()).await;
                counts.then_some(word)
            }
        }
    }
}

fn words(error: reqwest::Error) -> String {
    match error.is_timeout() {
        true => "it did not answer in time".to_owned(),
        false => format!("it cannot be reached: {}", error.without_url()),
    }
}

/// The body of an answer, of which no more is read than an attestor has to say.
async fn limited(mut answer: reqwest::Response) -> std::result::Result<Vec<u8>, String> {
    let bytes = body(&mut answer, ANSWER_BYTES).await.map_err(words)?;
    bytes.ok_or_else(|| format!("it answered with more than {ANSWER_BYTES} bytes"))
}

fn signature(text: &str) -> Option<Signature> {
    Signature::from_raw(&hex::decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use caduceus_policy::default_rules;

    use super::*;

    #[test]
    fn rows_that_stay_in_their_country_are_shown_to_no_attestor_elsewhere() {
        let by = |held: Safeguards, from: &str, to: &str| {
            let asked = to_look(from.parse().unwrap(), Some(to.parse().unwrap())).unwrap();
            may_see(&decide(default_rules(), &asked), &asked, held)
        };
        let shown = |from: &str, to: &str| by(Safeguards::NONE, from, to);
        for (from, to) in [("DE", "CH"), ("DE", "FR"), ("US", "CH"), ("CN", "CN")] {
            shown(from, to).unwrap();
        }
        for (from, to) in [("CN", "CH"), ("DE", "CN"), ("US", "CN"), ("KE", "CH")] {
            let why = shown(from, to).unwrap_err();
            assert!(why.contains("may not be shown"), "{why}");
        }
        // Where the law asks for a safeguard, the attestor has it; nobody consents to attestors.
        by(Safeguards::SCC, "DE", "IN").unwrap();
        shown("DE", "IN").unwrap_err();
        by(Safeguards::EXPLICIT_CONSENT, "DE", "IN").unwrap_err();
        by(Safeguards::SCC, "DE", "CN").unwrap_err();
        assert!(to_look("DE".parse().unwrap(), None).is_err(), "registered in no country");
    }
}
