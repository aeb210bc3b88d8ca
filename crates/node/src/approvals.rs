//! Credentials that are shown for one act: who a person is when they join, and the approval of a study when a question is put.
//!
//! What is shown is optional for the caller and verified where it is shown. A custodian can require an approval of an ethics
//! committee for every question; its vault asks for it when it decides. The log has the hash of what was shown, and no more.

use std::path::Path;

use alloy::primitives::{Address, B256, keccak256};
use caduceus_contracts::ComputeMarket::Job;
use caduceus_identity::credential::Kind;
use caduceus_identity::json::MAX_BYTES;
use caduceus_policy::Purpose;
use caduceus_vault::audit::Detail;

use crate::accreditation::{self, Challenge, Wanted};
use crate::credentials::Sources;
use crate::custodian;
use crate::error::{NodeError, Result};
use crate::home::write_atomically;
use crate::keystore::read_limited;
use crate::node::Node;
use crate::party::{self, Party, Role};

/// The option of `query` and `algorithm ask` that shows one.
const OPTION: &str = "--ethics-approval";

fn wanted(account: Address, kind: Kind) -> Wanted {
    Wanted { account, kind, country: None }
}

/// What a researcher of this home has to sign to show the approval of a study.
pub fn challenge(node: &Node, researcher: &Party) -> Challenge {
    accreditation::challenge_of(node, wanted(researcher.address, Kind::EthicsApproval))
}

/// What a person has to sign who joins with an account.
pub(crate) fn challenge_to_join(node: &Node, account: Address) -> Challenge {
    accreditation::challenge_of(node, wanted(account, Kind::PatientIdentity))
}

/// Reads a presentation from a file.
pub fn read(file: &Path) -> Result<String> {
    read_limited(file, MAX_BYTES)
}

fn key(custodian: &Party) -> String {
    format!("requires/{}", custodian.name)
}

/// The kinds of credential that a custodian requires of every question.
pub fn required(node: &Node, custodian: &Party) -> Result<Vec<String>> {
    Ok(node.home.recall(&key(custodian))?.unwrap_or_default())
}

fn requires_approval(node: &Node, custodian: &Party) -> Result<bool> {
    Ok(required(node, custodian)?.contains(&Kind::EthicsApproval.to_string()))
}

/// The custodians, of those in this home that published `datasets`, that will ask for an ethics-approval at each question; where there
/// are any, whoever pays for a licence is told so.
pub fn will_ask(node: &Node, datasets: &[u64]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for custodian in party::custodians(node)? {
        let holds = custodian::publications(node, &custodian)?;
        let holds = holds.iter().filter_map(|one| one.dataset).any(|one| datasets.contains(&one));
        if holds && requires_approval(node, &custodian)? {
            names.push(custodian.name);
        }
    }
    if !names.is_empty() {
        let who = names.join(", ");
        let what = format!(
            "questions under this licence need the approval of an ethics committee ({who}); show it with {OPTION} when you ask"
        );
        node.report.fact(what);
    }
    Ok(names)
}

/// Says which kinds of credential a custodian requires of every question from now on: `ethics-approval`, or none.
pub fn require(node: &Node, custodian: &str, kinds: &[Kind]) -> Result<Vec<String>> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    if let Some(other) = kinds.iter().find(|kind| **kind != Kind::EthicsApproval) {
        let what = format!("a question shows no {other}; a custodian can require ethics-approval");
        return Err(NodeError::Usage(what));
    }
    let names: Vec<String> = kinds.iter().map(|kind| kind.name().to_owned()).collect();
    node.home.record(&key(&custodian), &names)?;
    Ok(names)
}

fn file(node: &Node, question: B256, researcher: Address) -> std::path::PathBuf {
    node.home.exchange_path(&format!("approval-{question}-{researcher}.json"))
}

/// Hands a presentation over beside a question, or takes an earlier one back.
pub(crate) fn hand_over(
    node: &Node,
    question: B256,
    researcher: Address,
    approval: Option<&str>,
) -> Result<()> {
    let path = file(node, question, researcher);
    match approval {
        Some(text) => write_atomically(&path, text.as_bytes()),
        None if path.exists() => {
            std::fs::remove_file(&path).map_err(|error| NodeError::file("remove", &path, error))
        }
        None => Ok(()),
    }
}

/// Looks at the approval that came with a job. Gives why the vault will not answer, if it will not, and else the details for its
/// log where one was shown.
pub(crate) async fn decide(
    node: &Node,
    custodian: &Party,
    job: &Job,
) -> Result<std::result::Result<Option<[(&'static str, Detail); 2]>, String>> {
    let Some(text) = shown_with(node, job)? else {
        let missing =
            format!("{} requires an ethics-approval; show one with {OPTION}", custodian.name);
        return Ok(if requires_approval(node, custodian)? { Err(missing) } else { Ok(None) });
    };
    let purpose = Purpose::from_number(job.purpose);
    Ok(match check(node, job.researcher, purpose, &text).await {
        Ok(()) => Ok(Some(details(Kind::EthicsApproval, &text))),
        Err(error) => Err(error.to_string()),
    })
}

/// What the log says of a presentation.
pub(crate) fn details(kind: Kind, text: &str) -> [(&'static str, Detail); 2] {
    let hash = Detail::Text(keccak256(text).to_string());
    [("credential", Detail::from(kind.name())), ("hash", hash)]
}

/// Refuses an approval that speaks against itself now, is another's, or is for other purposes; a researcher's own home asks so
/// before anything is paid, and each vault when it decides.
pub(crate) async fn check(
    node: &Node,
    researcher: Address,
    purpose: Option<Purpose>,
    approval: &str,
) -> Result<()> {
    let wanted = wanted(researcher, Kind::EthicsApproval);
    let shown = accreditation::examine(node, approval, wanted, &Sources::default()).await?;
    let covers = |purpose: Purpose| shown.purposes.contains(&purpose.to_string());
    match purpose.is_some_and(covers) {
        true => Ok(()),
        false => Err(NodeError::Refused {
            action: "this ethics-approval".into(),
            reason: "it is for other purposes than the licence".into(),
        }),
    }
}

/// The approval that was shown with a job, by what the home's exchange folder has.
pub(crate) fn shown_with(node: &Node, job: &Job) -> Result<Option<String>> {
    let path = file(node, job.questionHash, job.researcher);
    if path.exists() { read_limited(&path, MAX_BYTES).map(Some) } else { Ok(None) }
}

/// What a person has to sign to join a custodian's members with proof of who they are: for the account that the next one gets.
pub async fn challenge_of_next(node: &Node, custodian: &str) -> Result<Challenge> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let name = crate::member::next_name(node, &custodian.name)?;
    Ok(challenge_to_join(node, node.key(&format!("member/{name}")).address()))
}

/// Notes in a custodian's log that a credential was shown to it.
pub(crate) async fn note(
    node: &Node,
    custodian: &Party,
    subject: &str,
    details: &[(&str, Detail)],
) -> Result<()> {
    custodian::note(node, custodian, caduceus_vault::audit::Kind::CredentialShown, subject, details)
        .await
}
