//! `caduceus credential`: evidence that others can check.

use std::path::PathBuf;

use caduceus_node::credentials::{self, Form, NewCredential, Sources, Standing, Verification};
use caduceus_node::{Audience, NodeError, Result, StatusPurpose, keystore};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::output::Outcome;
use crate::passwords::ask;

#[derive(Debug, Subcommand)]
pub enum Credential {
    /// Issue a credential
    #[command(
        after_help = "Example: caduceus credential issue --keystore issuer.json --kind researcher-accreditation --subject did:key:z6Mk... --claims claims.json --days 365 --out accreditation.json"
    )]
    Issue(Box<Issue>),
    /// Present credentials to one verifier, who named a challenge and a domain
    #[command(
        after_help = "Example: caduceus credential present --keystore holder.json --credential accreditation.json --challenge 7f3a --domain registry.example --out presentation.json"
    )]
    Present {
        #[command(flatten)]
        signer: Signer,
        /// The credentials; an SD-JWT alone
        #[arg(long = "credential", required = true, value_name = "FILE")]
        credentials: Vec<PathBuf>,
        /// Claims of an SD-JWT to show beside those that everybody sees
        #[arg(long, value_delimiter = ',', value_name = "NAME")]
        disclose: Vec<String>,
        /// What the verifier asked to be signed
        #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
        challenge: String,
        /// What the verifier calls itself
        #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
        domain: String,
        /// The new file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Check a credential, a presentation or an SD-JWT, and tell every reason against it
    #[command(
        after_help = "Example: caduceus credential verify --input presentation.json --challenge 7f3a --domain registry.example --trust trust.toml --json"
    )]
    Verify(Verify),
    /// Take a credential back: for good, or until further notice, as its status list says
    #[command(
        after_help = "Example: caduceus credential revoke --keystore issuer.json --credential accreditation.json --status-list revoked.json"
    )]
    Revoke {
        #[command(flatten)]
        signer: Signer,
        /// The credential
        #[arg(long, value_name = "FILE")]
        credential: PathBuf,
        /// The issuer's status list, which is changed and signed anew
        #[arg(long, value_name = "FILE")]
        status_list: PathBuf,
        /// End a suspension
        #[arg(long)]
        undo: bool,
    },
    /// Sign a status list anew as it is: one counts for 90 days
    #[command(
        after_help = "Example: caduceus credential renew --keystore issuer.json --status-list revoked.json"
    )]
    Renew {
        #[command(flatten)]
        signer: Signer,
        /// The issuer's status list
        #[arg(long, value_name = "FILE")]
        status_list: PathBuf,
    },
    /// Show where a credential stands in a status list, or begin a new list
    #[command(
        after_help = "Example: caduceus credential status --credential accreditation.json --status-list revoked.json
         caduceus credential status --new revoked.json --url https://ministry.example/status/1 --keystore issuer.json"
    )]
    Status {
        /// The credential
        #[arg(
            long,
            value_name = "FILE",
            required_unless_present = "new",
            requires = "status_list"
        )]
        credential: Option<PathBuf>,
        /// The status list
        #[arg(long, value_name = "FILE")]
        status_list: Option<PathBuf>,
        /// File for a new list with nothing in it
        #[arg(long, value_name = "FILE", conflicts_with = "credential", requires_all = ["url", "keystore"])]
        new: Option<PathBuf>,
        /// Where the new list will be published
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// What an entry of the new list means
        #[arg(long, default_value = "revocation")]
        purpose: Purpose,
        /// The issuer's key file
        #[arg(long, value_name = "FILE")]
        keystore: Option<PathBuf>,
        /// File with its password; it is asked for if left out
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// The did:web under which the key acts; its did:key if left out
        #[arg(long = "as", value_name = "DID")]
        did: Option<String>,
    },
}

#[derive(Debug, Args)]
pub struct Signer {
    /// The key file
    #[arg(long, value_name = "FILE")]
    keystore: PathBuf,
    /// File with its password; it is asked for if left out
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The did:web under which the key acts; its did:key if left out
    #[arg(long = "as", value_name = "DID")]
    did: Option<String>,
}

#[derive(Debug, Args)]
pub struct Issue {
    #[command(flatten)]
    signer: Signer,
    /// patient-identity, custodian-accreditation, researcher-accreditation, ethics-approval or key-rotation
    #[arg(long)]
    kind: String,
    /// The holder's DID
    #[arg(long, value_name = "DID")]
    subject: String,
    /// File with the claims as one JSON object
    #[arg(long, value_name = "FILE")]
    claims: PathBuf,
    /// From when on it holds; now if left out
    #[arg(long, value_name = "TIME")]
    valid_from: Option<String>,
    /// The first moment at which it does not hold any more
    #[arg(long, value_name = "TIME", conflicts_with = "days")]
    valid_until: Option<String>,
    /// For how many days it holds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3_660))]
    days: Option<u32>,
    /// Status lists of the issuer, in each of which it gets an entry
    #[arg(long = "status-list", value_name = "FILE")]
    status_lists: Vec<PathBuf>,
    /// Number of the entry; a random one if left out
    #[arg(long, value_name = "N", requires = "status_lists")]
    status_index: Option<u32>,
    /// How it is written
    #[arg(long, default_value = "data-integrity")]
    format: Format,
    /// Claims that the holder may keep back, in an SD-JWT, such as `organization,purposes/0`
    #[arg(long, value_delimiter = ',', value_name = "PATH")]
    conceal: Vec<String>,
    /// The new file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The credential, presentation or SD-JWT
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// What the presenter was asked to sign
    #[arg(long, value_name = "TEXT", requires = "domain", value_parser = NonEmptyStringValueParser::new())]
    challenge: Option<String>,
    /// What this verifier is called
    #[arg(long, value_name = "TEXT", requires = "challenge", value_parser = NonEmptyStringValueParser::new())]
    domain: Option<String>,
    /// Who may issue what (TOML); without it an issuer is who it says and no more
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// Status lists as files; others are fetched
    #[arg(long = "status-list", value_name = "FILE")]
    status_lists: Vec<PathBuf>,
    /// DID documents of did:web as files; others are fetched
    #[arg(long = "did-document", value_name = "FILE")]
    documents: Vec<PathBuf>,
    /// Ask no server
    #[arg(long)]
    offline: bool,
    /// Ask servers on this machine too, for development
    #[arg(long)]
    loopback: bool,
    /// Verify as of this time; now if left out
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// How a credential is written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// JSON with a proof (eddsa-jcs-2022); shown whole
    DataIntegrity,
    /// SD-JWT VC; the holder shows parts
    SdJwt,
}

/// What an entry of a status list means.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Purpose {
    /// Taken back for good
    Revocation,
    /// Taken back until further notice
    Suspension,
}

/// Does what the command says.
pub async fn run(command: &Credential) -> Result<Outcome> {
    let now = credentials::now();
    match command {
        Credential::Issue(issue) => issued(issue, now),
        Credential::Present { signer, credentials: inputs, disclose, challenge, domain, out } => {
            let audience = Audience { challenge: challenge.clone(), domain: domain.clone() };
            let key = signer.open()?;
            let did = signer.did.as_deref();
            credentials::present(inputs, disclose, &audience, &key, did, out, now)?;
            let text = format!("the presentation for {domain} is in {}", out.display());
            Ok(Outcome::new(&json!({ "out": out.display().to_string(), "domain": domain }), text))
        }
        Credential::Verify(verify) => verified(verify, now).await,
        Credential::Revoke { signer, credential, status_list, undo } => {
            let key = signer.open()?;
            let did = signer.did.as_deref();
            Ok(standing(&credentials::take_back(credential, status_list, &key, did, *undo, now)?))
        }
        Credential::Renew { signer, status_list } => {
            let (key, did) = (signer.open()?, signer.did.as_deref());
            credentials::renew(status_list, &key, did, now)?;
            let shown = status_list.display().to_string();
            let text = format!("{shown} is signed anew; publish it in the place of the older copy");
            Ok(Outcome::new(&json!({ "status_list": shown }), text))
        }
        Credential::Status { credential: Some(credential), status_list: Some(list), .. } => {
            Ok(standing(&credentials::standing(credential, list)?))
        }
        Credential::Status { new, url, purpose, keystore, password_file, did, .. } => {
            let (Some(new), Some(url), Some(keystore)) = (new, url, keystore) else {
                return Err(NodeError::Usage(
                    "name a credential with its status list, or a new list with --new, --url and --keystore".into(),
                ));
            };
            let signer = Signer {
                keystore: keystore.clone(),
                password_file: password_file.clone(),
                did: did.clone(),
            };
            let purpose = match purpose {
                Purpose::Revocation => StatusPurpose::Revocation,
                Purpose::Suspension => StatusPurpose::Suspension,
            };
            let key = signer.open()?;
            credentials::new_status_list(purpose, url, &key, signer.did.as_deref(), new, now)?;
            let text = format!("{} is to be published at {url}", new.display());
            Ok(Outcome::new(&json!({ "out": new.display().to_string(), "url": url }), text))
        }
    }
}

impl Signer {
    fn open(&self) -> Result<caduceus_node::SecretKey> {
        let password = ask(self.password_file.as_deref(), "--password-file", "the key file")?;
        keystore::open(&self.keystore, &password)
    }
}

fn issued(issue: &Issue, now: i64) -> Result<Outcome> {
    let time = |text: &Option<String>| text.as_deref().map(credentials::time).transpose();
    let valid_from = time(&issue.valid_from)?.unwrap_or(now);
    let days = issue.days.map(|days| valid_from + i64::from(days) * 86_400);
    let new = NewCredential {
        kind: credentials::kind(&issue.kind)?,
        subject: issue.subject.clone(),
        claims: issue.claims.clone(),
        valid_from,
        valid_until: time(&issue.valid_until)?.or(days),
        status_lists: issue.status_lists.clone(),
        status_index: issue.status_index,
        form: match issue.format {
            Format::DataIntegrity => Form::DataIntegrity,
            Format::SdJwt => Form::SdJwt,
        },
        concealed: issue.conceal.clone(),
    };
    let key = issue.signer.open()?;
    let done = credentials::issue(&new, &key, issue.signer.did.as_deref(), &issue.out, now)?;
    let text = format!(
        "{} for {} by {} is in {}",
        done.kind,
        done.subject,
        done.issuer,
        issue.out.display()
    );
    Ok(Outcome::new(&done, text))
}

async fn verified(verify: &Verify, now: i64) -> Result<Outcome> {
    let audience = match (&verify.challenge, &verify.domain) {
        (Some(challenge), Some(domain)) => {
            Some(Audience { challenge: challenge.clone(), domain: domain.clone() })
        }
        _ => None,
    };
    let sources = Sources {
        trust: verify.trust.as_deref().map(credentials::trust_list).transpose()?,
        status_lists: verify.status_lists.clone(),
        documents: verify.documents.clone(),
        offline: verify.offline,
        loopback: verify.loopback,
    };
    let now = verify.at.as_deref().map(credentials::time).transpose()?.unwrap_or(now);
    let found = credentials::check(&verify.input, audience.as_ref(), &sources, now).await?;
    let mut outcome = Outcome::new(&found, told(&found, sources.trust.is_some()));
    outcome.good = found.verified;
    Ok(outcome)
}

fn told(found: &Verification, with_trust: bool) -> String {
    let mut lines = vec![match found.verified {
        true => format!("the {} verifies", found.what),
        false => format!("the {} does not verify", found.what),
    }];
    for credential in &found.credentials {
        let kind = credential.kind.as_deref().unwrap_or("credential of an unknown kind");
        lines.push(format!("{kind} by {}", credential.issuer));
    }
    lines.extend(found.reasons.iter().map(|one| format!("{}: {}", one.about, one.reason)));
    if found.verified && !with_trust {
        lines.push("who the issuer is was not asked; name whom you trust with --trust".to_owned());
    }
    lines.join("\n")
}

fn standing(found: &Standing) -> Outcome {
    let state = match (found.purpose, found.set) {
        ("revocation", true) => "revoked",
        ("suspension", true) => "suspended",
        _ => "not taken back",
    };
    let text = format!("entry {} of the list for {}: {state}", found.index, found.purpose);
    Outcome::new(found, text)
}
