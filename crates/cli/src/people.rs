//! Parties and members.

use std::path::PathBuf;

use caduceus_node::attestor::{self, Panel};
use caduceus_node::credentials::Sources;
use caduceus_node::issuers::{self, Trust};
use caduceus_node::member::Member;
use caduceus_node::party::{self, Change, NewParty, Party, Registration, Role};
use caduceus_node::story::usdc;
use caduceus_node::{
    Address, Node, NodeError, Result, accreditation, approvals, custodian, member, policy,
};
use clap::Args;
use serde_json::json;

use crate::args::{MemberCommand, PartyCommand, Person, RoleName};
use crate::output::{Outcome, columns};

/// What is said where there is nobody.
pub const NO_PARTIES: &str = "no parties yet; `caduceus party register` adds them";
pub const NO_MEMBERS: &str = "no members yet; `caduceus member join` brings them in";

/// What a presented accreditation is checked with.
#[derive(Debug, Args)]
pub struct Evidence {
    /// Status lists of an accreditation's issuer as files; others are fetched
    #[arg(long = "status-list", value_name = "FILE")]
    status_lists: Vec<PathBuf>,
    /// DID documents of did:web as files; others are fetched
    #[arg(long = "did-document", value_name = "FILE")]
    documents: Vec<PathBuf>,
    /// Ask no server
    #[arg(long)]
    offline: bool,
}

impl Evidence {
    pub fn sources(&self) -> Sources {
        Sources {
            trust: None,
            status_lists: self.status_lists.clone(),
            documents: self.documents.clone(),
            offline: self.offline,
            loopback: false,
        }
    }

    /// The attestors that are asked: those that were chosen, else the home's own with this.
    pub fn panel(&self, node: &Node) -> Result<Panel> {
        let chosen = attestor::chosen(node)?;
        Ok(chosen.map_or_else(|| Panel::Here(self.sources()), Panel::Remote))
    }

    fn is_given(&self) -> bool {
        self.offline || !self.status_lists.is_empty() || !self.documents.is_empty()
    }
}

/// What the word of an issuer shall count for.
#[derive(Debug, Args)]
pub struct Word {
    /// The issuer's identifier, a did:web or did:key
    #[arg(long, value_name = "DID")]
    did: Option<String>,
    /// The kinds of credential that it is trusted for, such as custodian-accreditation; `none` ends the trust
    #[arg(long, value_delimiter = ',', value_name = "KIND", requires = "did")]
    kinds: Vec<String>,
    /// Its word counts for every country and not only for its own
    #[arg(long, requires = "did")]
    anywhere: bool,
}

impl Word {
    /// What is said of an issuer; none for every other role.
    fn trust(&self, role: Role) -> Result<Option<Trust>> {
        let usage = |text: &str| Err(NodeError::Usage(text.to_owned()));
        match (role, &self.did) {
            (Role::Issuer, Some(did)) if !self.kinds.is_empty() => Ok(Some(Trust {
                did: did.clone(),
                kinds: issuers::kinds(&self.kinds)?,
                anywhere: self.anywhere,
            })),
            (Role::Issuer, _) => {
                usage("say who the issuer is with --did and what its word counts for with --kinds")
            }
            (_, Some(_)) => usage("--did is for issuers; register the party with --role issuer"),
            (_, None) => Ok(None),
        }
    }
}

/// In what standing a party is registered.
#[derive(Debug, Args)]
pub struct Standing {
    /// It has shown no accreditation
    #[arg(long)]
    unaccredited: bool,
    /// A presentation of its accreditation, for the challenge of `caduceus party challenge`; without it the
    /// accreditation rests on the operator's word
    #[arg(long, value_name = "FILE", conflicts_with = "unaccredited")]
    credential: Option<PathBuf>,
    #[command(flatten)]
    evidence: Evidence,
    /// Transfer safeguards that it has in place, such as scc or bcr
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    safeguards: Vec<String>,
    /// Test USDC that a researcher shall have been given in all
    #[arg(long, default_value_t = 0, value_name = "USDC", value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    usdc: u64,
}

/// An account that is let in.
#[derive(Debug, Args)]
pub struct Admit {
    /// The account, which `caduceus party register` names in the home that has its key
    #[arg(long, value_name = "ADDRESS")]
    account: Address,
    /// What its party does
    #[arg(long)]
    role: RoleName,
    /// Where it is established (ISO 3166-1 alpha-2)
    #[arg(long, value_name = "CC")]
    country: String,
    #[command(flatten)]
    standing: Standing,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Role {
        match name {
            RoleName::Custodian => Role::Custodian,
            RoleName::Researcher => Role::Researcher,
            RoleName::Issuer => Role::Issuer,
        }
    }
}

/// Lets an account in whose key is in another home.
async fn admit(node: &Node, admit: &Admit) -> Result<Outcome> {
    let new = NewParty {
        name: format!("{:#x}", admit.account),
        role: admit.role.into(),
        country: policy::country(&admit.country)?,
        accredited: !admit.standing.unaccredited,
        safeguards: policy::safeguards(&admit.standing.safeguards)?,
    };
    if new.role == Role::Issuer {
        let what =
            "an issuer is known by its DID; register it with `caduceus party register --did`";
        return Err(NodeError::Usage(what.to_owned()));
    }
    party::check_test_usdc(new.role, admit.standing.usdc)?;
    let (file, sources) = (admit.standing.credential.as_deref(), admit.standing.evidence.sources());
    let changed = accreditation::admit(node, admit.account, &new, file, &sources).await?;
    let party = Party {
        name: new.name.clone(),
        role: new.role,
        country: new.country,
        address: admit.account,
    };
    let given = party::give_test_usdc(node, &party, admit.standing.usdc * 1_000_000).await?;
    let mut lines = vec![format!("{} may take part from {}", party.address, party.country)];
    lines.extend(changed.iter().map(in_words));
    if given > 0 {
        lines.push(format!("given {} test USDC", usdc(given)));
    }
    let done = json!({
        "account": party.address, "role": party.role, "country": party.country, "changed": changed, "given": given,
    });
    Ok(Outcome::new(&done, lines.join("\n")))
}

fn in_words(change: &Change) -> String {
    format!("{}: {}, was: {}", change.what, change.to, change.from)
}

/// Registers and lists parties.
pub async fn parties(node: &Node, command: &PartyCommand) -> Result<Outcome> {
    match command {
        PartyCommand::Register {
            name,
            role,
            country,
            standing: Standing { unaccredited, credential, evidence, safeguards, usdc: amount },
            word,
        } => {
            let role = Role::from(*role);
            let trust = word.trust(role)?;
            if credential.is_none() && evidence.is_given() {
                let text = "there is nothing to check without --credential; leave --status-list, --did-document and --offline out";
                return Err(NodeError::Usage(text.to_owned()));
            }
            let new = NewParty {
                name: name.clone(),
                role,
                country: policy::country(country)?,
                accredited: !unaccredited,
                safeguards: policy::safeguards(safeguards)?,
            };
            party::check_test_usdc(role, *amount)?;
            let done = match (trust, credential) {
                (Some(trust), None) => issuers::register(node, &new, &trust).await?,
                (None, None) => party::register(node, &new).await?,
                (_, Some(presentation)) => {
                    let sources = evidence.sources();
                    accreditation::register(node, &new, presentation, &sources).await?
                }
            };
            let given = party::give_test_usdc(node, &done.party, amount * 1_000_000).await?;
            Ok(Outcome::new(&done, registered(&done, given)))
        }
        PartyCommand::Admit(command) => admit(node, command).await,
        PartyCommand::Challenge { name, for_study: false } => {
            challenge(&accreditation::challenge(node, name)?)
        }
        PartyCommand::Challenge { name, for_study: true } => {
            let researcher = party::find(node, Role::Researcher, name)?;
            challenge(&approvals::challenge(node, &researcher))
        }
        PartyCommand::Require { name, kinds } => {
            let required = approvals::require(node, name, &issuers::kinds(kinds)?)?;
            let text = match required.is_empty() {
                true => format!("{name} requires no credential of a question"),
                false => format!("{name} answers no question without {}", required.join(", ")),
            };
            Ok(Outcome::new(&json!({ "custodian": name, "requires": required }), text))
        }
        PartyCommand::Contact(told) => crate::contact::run(node, told),
        PartyCommand::List => {
            let all = party::parties(node)?;
            Ok(Outcome::list("parties", &all, &party_lines(&all), NO_PARTIES))
        }
    }
}

fn challenge(asked: &accreditation::Challenge) -> Result<Outcome> {
    let text = format!("challenge {}\ndomain {}", asked.challenge, asked.domain);
    Ok(Outcome::new(asked, text))
}

fn registered(done: &Registration, given: u64) -> String {
    let party = &done.party;
    let mut lines =
        vec![format!("{} is registered in {} as {}", party.name, party.country, party.address)];
    lines.extend(done.changed.iter().map(in_words));
    if !done.new && done.changed.is_empty() && given == 0 {
        lines.push("nothing changed".to_owned());
    }
    if given > 0 {
        lines.push(format!("given {} test USDC", usdc(given)));
    }
    lines.join("\n")
}

/// A line for each party.
pub fn party_lines(all: &[Party]) -> Vec<String> {
    let row = |party: &Party| {
        let role = match party.role {
            Role::Custodian => "custodian",
            Role::Researcher => "researcher",
            Role::Issuer => "issuer",
        };
        [party.name.clone(), role.to_owned(), party.country.to_string(), party.address.to_string()]
    };
    columns(&all.iter().map(row).collect::<Vec<_>>())
}

/// Brings members in, lists them, lets them go.
pub async fn members(node: &Node, command: &MemberCommand) -> Result<Outcome> {
    match command {
        MemberCommand::Join { custodian, count, credential: None, .. } => {
            Ok(listed(&member::join(node, custodian, *count).await?))
        }
        MemberCommand::Join { custodian, credential: Some(file), evidence, .. } => {
            let panel = evidence.panel(node)?;
            let shown = approvals::read(file)?;
            Ok(listed(&member::join_with(node, custodian, &shown, &panel).await?))
        }
        MemberCommand::Challenge { custodian } => {
            challenge(&approvals::challenge_of_next(node, custodian).await?)
        }
        MemberCommand::Receipts(of) => crate::trust::receipts(node, of).await,
        MemberCommand::List => Ok(listed(&member::members(node)?)),
        MemberCommand::Leave { member } => leave(node, &member::find_anyone(node, member)?).await,
        MemberCommand::Rejoin { member } => {
            member::rejoin(node, &member::find_anyone(node, member)?).await?;
            Ok(listed(&member::members(node)?))
        }
        MemberCommand::Erase(Person { member, custodian, patient }) => {
            let asked = std::time::Instant::now();
            let datasets = match (member, custodian, patient) {
                (None, Some(custodian), Some(patient)) => {
                    custodian::erase_patient(node, custodian, patient).await?
                }
                _ => {
                    let name = member.as_deref().unwrap_or_default();
                    custodian::erase(node, &member::find_anyone(node, name)?).await?
                }
            };
            let text = format!(
                "the keys to their rows in {datasets} dataset(s) are destroyed; no later intake takes them in again"
            );
            let effective_ms = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
            let value = json!({ "datasets": datasets, "effective_ms": effective_ms });
            Ok(Outcome::new(&value, format!("{text}; it took {effective_ms} ms")))
        }
    }
}

async fn leave(node: &Node, member: &Member) -> Result<Outcome> {
    let revoked = member::revoke(node, member).await?;
    member::leave(node, member).await?;
    let consent = match revoked {
        0 => "no consent was standing",
        _ => "consent is withdrawn",
    };
    let text = format!(
        "{0} left; {consent}; money earned can still be claimed after `caduceus member rejoin --member {0}`",
        member.name
    );
    let left =
        json!({ "left": member.name, "revoked": revoked, "members": member::members(node)? });
    Ok(Outcome::new(&left, text))
}

fn listed(all: &[Member]) -> Outcome {
    let rows: Vec<[String; 2]> =
        all.iter().map(|member| [member.name.clone(), member.address.to_string()]).collect();
    Outcome::list("members", all, &columns(&rows), NO_MEMBERS)
}
