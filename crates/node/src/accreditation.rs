//! Registering with evidence: a party shows its accreditation in place of the operator's word.
//!
//! A party presents a credential to this ledger's registry. The challenge names the chain, the registry and the account,
//! so that a presentation that was made for one account registers no other. Whose credentials count the ledger says
//! ([`crate::issuers`]). The home keeps what was presented: attestors look at it again before they sign for the party, so
//! that a credential that was taken back meanwhile ends what it opened.

use std::path::Path;

use alloy::primitives::Address;
use alloy::providers::Provider;
use caduceus_identity::credential::{Audience, Kind, parse_time};
use caduceus_identity::json::MAX_BYTES;
use caduceus_policy::Country;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::credentials::{About, Sources, Verification, check_text, issuers};
use crate::error::{NodeError, Result};
use crate::issuers::trusted;
use crate::keystore::read_limited;
use crate::node::Node;
use crate::party::{self, Change, NewParty, Party, Registration, Role, check_name, register_until};

/// What a party has to sign to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Challenge {
    /// The challenge of the presentation.
    pub challenge: String,
    /// Its domain.
    pub domain: String,
    /// The account that will be registered.
    pub account: Address,
}

/// What was shown, as the home remembers it. It names organizations and no person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accreditation {
    /// Who vouches.
    pub issuer: String,
    /// Under which identifier the party presented it.
    pub holder: String,
    /// What kind.
    pub kind: String,
    /// The first moment at which it does not hold any more, in seconds since 1970; the last that there is, where it has no end.
    pub until: u64,
    /// What it is good for, where its kind says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<String>,
}

/// A registry, and how it is looked at.
pub(crate) struct Registry<'a, P> {
    pub(crate) provider: &'a P,
    pub(crate) chain_id: u64,
    pub(crate) address: Address,
    /// The time of its newest block, in seconds since 1970.
    pub(crate) time: u64,
}

/// What has to be shown, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) account: Address,
    pub(crate) kind: Kind,
    /// The country that it must be for, if that is asked.
    pub(crate) country: Option<Country>,
}

impl Wanted {
    /// The accreditation that a role needs in a country.
    pub(crate) fn accreditation(account: Address, role: Role, country: Country) -> Result<Wanted> {
        let kind = match role {
            Role::Custodian => Kind::CustodianAccreditation,
            Role::Researcher => Kind::ResearcherAccreditation,
            Role::Issuer => {
                return Err(NodeError::Usage(
                    "an issuer is trusted on the ledger and shows no accreditation".into(),
                ));
            }
        };
        Ok(Wanted { account, kind, country: Some(country) })
    }
}

impl<P: Provider> Registry<'_, P> {
    /// What is presented, where it is of the kind and the account's, nothing speaks against it now, and the ledger trusts its
    /// issuer.
    pub(crate) async fn examine(
        &self,
        presentation: &str,
        wanted: Wanted,
        sources: &Sources,
    ) -> Result<Accreditation> {
        let trust = trusted(self.provider, self.address, &issuers(presentation)?).await?;
        let sources = Sources { trust: Some(trust), ..sources.clone() };
        // The newest block of a quiet ledger may be older than the presentation; one that was moved ahead counts.
        let now = i64::try_from(self.time).unwrap_or(i64::MAX).max(crate::credentials::now());
        let audience = audience(self.chain_id, self.address, wanted);
        let found = check_text(presentation, &audience, &sources, now).await?;
        fitting(&found, wanted)
    }
}

/// Whom a presentation is made for: this registry, and one account. What was presented to register shows nothing else.
fn audience(chain_id: u64, registry: Address, wanted: Wanted) -> Audience {
    let domain = format!("eip155:{chain_id}:{registry}");
    let what = match wanted.kind {
        Kind::CustodianAccreditation | Kind::ResearcherAccreditation => "register",
        other => other.name(),
    };
    Audience { challenge: format!("{what}:{domain}:{}", wanted.account), domain }
}

/// The registry of a home's ledger.
async fn registry(node: &Node) -> Result<Registry<'_, alloy::providers::DynProvider>> {
    Ok(Registry {
        provider: &node.provider,
        chain_id: node.chain_id(),
        address: node.at.participant_registry,
        time: node.now().await?,
    })
}

/// What the party `name` has to sign to register.
pub fn challenge(node: &Node, name: &str) -> Result<Challenge> {
    check_name(name)?;
    let account = node.key(&format!("party/{name}")).address();
    // Both accreditations are presented alike.
    Ok(challenge_of(node, Wanted { account, kind: Kind::ResearcherAccreditation, country: None }))
}

/// What a holder has to sign to show what is wanted.
pub(crate) fn challenge_of(node: &Node, wanted: Wanted) -> Challenge {
    let Audience { challenge, domain } = audience_of(node, wanted);
    Challenge { challenge, domain, account: wanted.account }
}

/// Whom a holder presents what is wanted to.
pub(crate) fn audience_of(node: &Node, wanted: Wanted) -> Audience {
    audience(node.chain_id(), node.at.participant_registry, wanted)
}

/// Examines what is presented, as this home sees the ledger.
pub(crate) async fn examine(
    node: &Node,
    presentation: &str,
    wanted: Wanted,
    sources: &Sources,
) -> Result<Accreditation> {
    registry(node).await?.examine(presentation, wanted, sources).await
}

/// What the party `name` has shown, if anything.
pub fn of(node: &Node, name: &str) -> Result<Option<Accreditation>> {
    node.home.recall(&key(name))
}

fn key(name: &str) -> String {
    format!("accreditation/{name}")
}

/// What a party presented, word for word, if it did.
pub(crate) fn presented(node: &Node, name: &str) -> Result<Option<String>> {
    node.home.recall(&format!("presentation/{name}"))
}

/// Registers a party whose accreditation is presented in the file `presentation`.
///
/// Its issuer must be trusted for the kind that the role needs, the country must be the party's, and nothing may speak
/// against it. The ledger's accreditation ends when the credential ends.
pub async fn register(
    node: &Node,
    new: &NewParty,
    presentation: &Path,
    sources: &Sources,
) -> Result<Registration> {
    check_name(&new.name)?;
    let text = read_limited(presentation, MAX_BYTES)?;
    let account = node.key(&format!("party/{}", new.name)).address();
    let wanted = Wanted::accreditation(account, new.role, new.country)?;
    let shown = examine(node, &text, wanted, sources).await?;
    node.home.record(&key(&new.name), &shown)?;
    node.home.record(&format!("presentation/{}", new.name), &text)?;
    register_until(node, new, Some(shown.until)).await
}

/// Registers the account of a party whose key is in another home, with the accreditation that it presents in a file, or on the
/// operator's word without one. Gives what changed of an earlier registration.
pub async fn admit(
    node: &Node,
    account: Address,
    new: &NewParty,
    presentation: Option<&Path>,
    sources: &Sources,
) -> Result<Vec<Change>> {
    let until = match presentation {
        None => None,
        Some(file) => {
            let text = read_limited(file, MAX_BYTES)?;
            let wanted = Wanted::accreditation(account, new.role, new.country)?;
            Some(examine(node, &text, wanted, sources).await?.until)
        }
    };
    party::admit(node, account, new, until).await
}

/// Looks again at what a party of this home presented. Who presented nothing stands on the operator's word.
pub(crate) async fn look_again(node: &Node, party: &Party, sources: &Sources) -> Result<()> {
    let Some(text) = presented(node, &party.name)? else { return Ok(()) };
    let wanted = Wanted::accreditation(party.address, party.role, party.country)?;
    examine(node, &text, wanted, sources).await.map(drop)
}

/// The credential that is wanted, where nothing speaks against what was presented.
fn fitting(found: &Verification, wanted: Wanted) -> Result<Accreditation> {
    let kind = wanted.kind;
    let mut reasons: Vec<String> =
        found.reasons.iter().map(|one| format!("{}: {}", one.about, one.reason)).collect();
    // An SD-JWT has no holder of its own; its claims name the key that it is bound to.
    let fits = |one: &&About| one.kind.as_deref() == Some(kind.name());
    let credential = found.credentials.iter().find(fits);
    if found.what == "credential" {
        reasons.push("it has to be presented for the challenge that this home asks for".into());
    }
    let Some(credential) = credential else {
        let who = match kind {
            Kind::CustodianAccreditation => "which a custodian needs",
            Kind::ResearcherAccreditation => "which a researcher needs",
            _ => "which is needed here",
        };
        reasons.push(format!("no {kind} is presented, {who}"));
        return Err(refused(kind, &reasons));
    };
    let claim = |name: &str| credential.claims.get(name).and_then(Value::as_str);
    if let Some(country) = wanted.country
        && claim("country") != Some(&country.to_string())
    {
        reasons.push(format!("the {kind} is for another country than {country}"));
    }
    let until = credential.valid_until.as_deref().and_then(parse_time);
    let until = until.and_then(|until| u64::try_from(until).ok());
    // What was checked once of a person has no end unless its issuer gave it one.
    let until = until.or((kind == Kind::PatientIdentity).then_some(u64::MAX));
    if until.is_none() {
        reasons.push(format!("the {kind} has no end"));
    }
    let purposes = credential.claims.get("purposes").and_then(Value::as_array);
    let purposes = purposes.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    match (until, reasons.is_empty()) {
        (Some(until), true) => Ok(Accreditation {
            issuer: credential.issuer.clone(),
            holder: claim("id").unwrap_or_default().to_owned(),
            kind: kind.to_string(),
            until,
            purposes: purposes.collect(),
        }),
        _ => Err(refused(kind, &reasons)),
    }
}

fn refused(kind: Kind, reasons: &[String]) -> NodeError {
    NodeError::Refused { action: format!("this {kind}"), reason: reasons.join("; ") }
}
