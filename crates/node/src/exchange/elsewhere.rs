//! Vaults elsewhere, as a researcher's home knows and asks them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use alloy::primitives::{Address, B256};
use caduceus_contracts::ParticipantRegistry;
use caduceus_query::EpsilonTotal;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Published;
use super::wire::{About, Handed, Introduction, Objection, introduction, normal_url};
use crate::attestor::{sign_text, signer_of_text};
use crate::custodian::MOST_FOR_ONE;
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::party::{self, Party, Role};
use crate::web::body;

/// Where the home keeps which vaults it knows.
const VAULTS: &str = "vaults-elsewhere";
/// How long a vault is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most bytes of what a vault says: a sealed answer of an algorithm with many numbers.
const ANSWER_BYTES: usize = 16 << 20;

/// The most characters that are shown of a text that a vault elsewhere gives.
const LONGEST_WORD: usize = 300;

/// A vault elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its custodian's account on the ledger.
    pub custodian: Address,
    /// The name that its home has for it.
    pub name: String,
    /// Where it answers.
    pub url: String,
}

/// The vaults elsewhere that this home knows.
pub fn known(node: &Node) -> Result<Vec<Known>> {
    let all: BTreeMap<Address, Known> = node.home.recall(VAULTS)?.unwrap_or_default();
    Ok(all.into_values().collect())
}

/// Asks who answers at a URL and remembers every custodian that introduces itself there with the key that the ledger knows
/// it by. A custodian that was known at another URL is known at this one from now on.
pub async fn know(node: &Node, url: &str) -> Result<Vec<Known>> {
    let vault = Vault::at(&super::url(url)?)?;
    let challenge = B256::from(crate::home::random::<32>()?);
    let introduced: Vec<Introduction> = vault.get(&format!("vaults/{challenge}")).await?;
    if introduced.is_empty() {
        let what = format!("no vault answers at {}", vault.url);
        return Err(NodeError::not_ready(what, "ask its custodian for the URL"));
    }
    let registry = ParticipantRegistry::new(node.at.participant_registry, &node.provider);
    let mut all: BTreeMap<Address, Known> = node.home.recall(VAULTS)?.unwrap_or_default();
    let (mut found, mut moved) = (Vec::new(), Vec::new());
    for one in introduced {
        let role = Role::Custodian.bit();
        let registered = registry.inGoodStanding(one.custodian, role).call().await?;
        let doubt = match registered {
            true => doubt(&one, node.chain_id(), &vault.url, challenge),
            false => Some(format!("{} is no custodian in good standing", one.custodian)),
        };
        if let Some(reason) = doubt {
            return Err(NodeError::Refused { action: format!("knowing {vault}"), reason });
        }
        let known = Known { custodian: one.custodian, name: one.name, url: vault.url.clone() };
        let before = all.insert(one.custodian, known.clone());
        if let Some(before) = before.filter(|before| before.url != known.url) {
            moved.push(format!(
                "{} ({}) was known at {} and is known at {} from now on",
                known.name, known.custodian, before.url, known.url
            ));
        }
        found.push(known);
    }
    node.home.record(VAULTS, &all)?;
    moved.into_iter().for_each(|fact| node.report.fact(fact));
    Ok(found)
}

/// Why an introduction does not show whose vault answers at `url`.
fn doubt(one: &Introduction, chain_id: u64, url: &str, challenge: B256) -> Option<String> {
    let text = introduction(chain_id, one.custodian, &one.url, challenge);
    if party::check_name(&one.name).is_err() {
        return Some("it has a name that no party has".into());
    }
    if signer_of_text(&text, &one.signature) != Some(one.custodian) {
        return Some(format!("it does not show that it is the vault of {}", one.custodian));
    }
    if normal_url(&one.url).as_deref() != Some(url) {
        return Some(format!(
            "the vault of {} says that it answers at {}; name it by that URL, or ask its custodian to serve it with --url {url}",
            one.custodian,
            shortened(&one.url)
        ));
    }
    None
}

/// A foreign text, cut where it is longer than anybody reads.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_WORD) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The vault of a custodian, if it is known.
pub(super) fn vault_of(node: &Node, custodian: Address) -> Result<Option<Vault>> {
    let known = known(node)?.into_iter().find(|known| known.custodian == custodian);
    known.map(|known| Vault::at(&known.url)).transpose()
}

/// A vault that is asked by HTTP.
pub(super) struct Vault {
    url: String,
    client: Client,
}

impl PartialEq for Vault {
    fn eq(&self, other: &Vault) -> bool {
        self.url == other.url
    }
}

impl fmt::Display for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the vault at {}", self.url)
    }
}

impl Vault {
    fn at(url: &str) -> Result<Vault> {
        // Who answers is whom the URL names: nobody is sent on to another.
        let client = Client::builder().timeout(PATIENCE).no_proxy().redirect(Policy::none());
        let client = client.build();
        let client =
            client.map_err(|error| NodeError::Chain(format!("no HTTP client: {error}")))?;
        Ok(Vault { url: url.to_owned(), client })
    }

    /// What it publishes of a dataset.
    pub(super) async fn published(&self, dataset: u64, researcher: Address) -> Result<Published> {
        let about: About = self.get(&format!("datasets/{dataset}/{researcher}")).await?;
        let remaining = EpsilonTotal::from_milli(about.remaining_epsilon_milli).min(MOST_FOR_ONE);
        Ok(Published { schema: about.schema, remaining })
    }

    /// Hands a question in.
    pub(super) async fn take(
        &self,
        node: &Node,
        researcher: &Party,
        question: B256,
        document: &[u8],
        approval: Option<&str>,
    ) -> Result<()> {
        let document = String::from_utf8_lossy(document).into_owned();
        let mut handed = Handed {
            document,
            approval: approval.map(str::to_owned),
            researcher: researcher.address,
            signature: String::new(),
        };
        handed.signature = sign_text(&researcher.signer(node), &handed.statement(node.chain_id()));
        let body = serde_json::to_vec(&handed).expect("a question is JSON");
        let request = self.client.put(format!("{}/questions/{question}", self.url)).body(body);
        self.answer(request.send().await).await.map(drop)
    }

    /// What came of a job, sealed.
    pub(super) async fn outcome(&self, job: u64) -> Result<Vec<u8>> {
        self.answer(self.client.get(format!("{}/jobs/{job}", self.url)).send().await).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let bytes =
            self.answer(self.client.get(format!("{}/{path}", self.url)).send().await).await?;
        serde_json::from_slice(&bytes).map_err(|_| NodeError::Refused {
            action: format!("a question to {self}"),
            reason: "what it says cannot be understood; is it a vault of this version?".into(),
        })
    }

    /// The body of an answer, of which no more is read than a vault has to say; a refusal in its own words.
    async fn answer(&self, answer: reqwest::Result<Response>) -> Result<Vec<u8>> {
        let failed = |error: reqwest::Error| {
            let why = match error.is_timeout() {
                true => "did not answer in time".to_owned(),
                false => format!("cannot be reached ({})", error.without_url()),
            };
            NodeError::not_ready(
                format!("{self} {why}"),
                "try again when it is up, or name where it is now with `caduceus vault know URL`",
            )
        };
        let mut answer = answer.map_err(failed)?;
        let good = answer.status().is_success();
        let Some(bytes) = body(&mut answer, ANSWER_BYTES).await.map_err(failed)? else {
            return Err(NodeError::Refused {
                action: format!("a question to {self}"),
                reason: format!("it answered with more than {ANSWER_BYTES} bytes"),
            });
        };
        if good {
            return Ok(bytes);
        }
        let why = serde_json::from_slice(&bytes).map(|objection: Objection| objection.error);
        let reason = match why {
            Ok(why) => shortened(&why),
            Err(_) => format!("it answered {}", answer.status()),
        };
        Err(NodeError::Refused { action: format!("a question to {self}"), reason })
    }
}

#[cfg(test)]
mod tests {
    use alloy::signers::local::PrivateKeySigner;

    use super::*;

    const CHAIN: u64 = 31_337;

    fn introduced(name: &str, url: &str, challenge: B256) -> Introduction {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).expect("a key");
        let custodian = signer.address();
        let signature = sign_text(&signer, &introduction(CHAIN, custodian, url, challenge));
        Introduction { name: name.into(), custodian, url: url.into(), signature }
    }

    #[test]
    fn an_introduction_holds_for_its_url_challenge_chain_and_a_plain_name_only() {
        let (asked, other) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let given = normal_url("HTTPS://Vault.Example:443/").expect("a URL");
        assert_eq!(given, "https://vault.example");
        let doubt = |one: &Introduction| doubt(one, CHAIN, &given, asked);
        let good = introduced("nord", "https://VAULT.example/", asked);
        assert_eq!(doubt(&good), None);
        let relayed = introduced("nord", "http://127.0.0.1:8650", asked);
        assert!(
            doubt(&relayed).is_some_and(|why| why.contains("answers at http://127.0.0.1:8650"))
        );
        // Nobody on the way can put another URL in.
        let forged = Introduction { url: given.clone(), ..relayed };
        assert!(doubt(&forged).is_some_and(|why| why.contains("does not show")));
        assert!(doubt(&introduced("nord", &given, other)).is_some());
        assert!(super::doubt(&good, CHAIN + 1, &given, asked).is_some());
        for name in ["", "Nord", "\u{1b}[2J", "../nord"] {
            let why = doubt(&introduced(name, &given, asked));
            assert!(why.is_some_and(|why| why.contains("name")), "{name:?}");
        }
        for bad in
            ["nowhere", "ftp://vault.example", "http://a:b@vault.example", "http://v.example?x"]
        {
            assert_eq!(normal_url(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_foreign_text_is_cut_between_characters() {
        assert_eq!(shortened("no"), "no");
        let cut = shortened(&"\u{e9}".repeat(1_000));
        assert_eq!(cut.chars().count(), LONGEST_WORD + 4);
    }
}
