//! The command line, as clap reads it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::contract::ContractCommand;
use crate::ledger::LedgerCommand;
use crate::protect::{EXAMPLE, Protect};

/// Share health data without handing it over.
#[derive(Debug, Parser)]
#[command(name = "caduceus", version, max_term_width = 100)]
#[command(after_help = "Example: caduceus demo --patients 200")]
pub struct Arguments {
    /// Folder that keeps keys, ledger and vaults
    #[arg(long, global = true, env = "CADUCEUS_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Print one JSON object on stdout and nothing else there
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell the whole story: two hospitals, one question, on real contracts
    #[command(after_help = "Example: caduceus demo --patients 200 --dir state --serve")]
    Demo(Demo),
    /// Make a home: keys, a ledger, the contracts
    #[command(after_help = "Example: caduceus init --dir state")]
    Init(Init),
    /// Show what is in a home: parties, datasets, members, money
    #[command(after_help = "Example: caduceus status --dir state")]
    Status,
    /// Make FHIR R4 records of people who do not exist
    #[command(subcommand)]
    Cohort(Cohort),
    /// Make tables of FHIR by SQL on FHIR views
    #[command(subcommand)]
    View(crate::view::View),
    /// Fetch records from a FHIR server
    #[command(subcommand)]
    Bulk(crate::bulk::Bulk),
    /// Register custodians and researchers
    #[command(subcommand)]
    Party(PartyCommand),
    /// Read FHIR R4 (NDJSON, bundles) into a custodian's vault
    #[command(
        after_help = "Example: caduceus ingest --dir state --custodian klinikum-nord --input export/"
    )]
    Ingest(Ingest),
    /// Make records or a table safe: Safe Harbor, then the k-anonymity that loses least
    #[command(after_help = EXAMPLE)]
    Protect(Protect),
    /// List the published datasets as a catalogue, DCAT JSON-LD in the HealthDCAT-AP profile
    #[command(after_help = "Example: caduceus catalogue --dir state --json")]
    Catalogue,
    /// Take the identifiers of Safe Harbor out of FHIR resources, wherever they stand
    #[command(after_help = crate::deidentify::EXAMPLE)]
    Deidentify(crate::deidentify::Deidentify),
    /// Make a synthetic table of nobody, with differential privacy, from a table
    #[command(after_help = crate::synthesize::EXAMPLE)]
    Synthesize(crate::synthesize::Synthesize),
    /// Write the protected tables as Parquet files, to look at before they are published
    #[command(
        after_help = "Example: caduceus export --dir state --custodian klinikum-nord --out tables"
    )]
    Export {
        /// The custodian
        #[arg(long, value_name = "NAME")]
        custodian: String,
        /// Folder to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Seal protected records, have them attested, mint the Data NFT and deposit it in the pool
    #[command(after_help = "Example: caduceus publish --dir state --custodian klinikum-nord")]
    Publish(crate::attest::Publish),
    /// Be an attestor: a process of its own that examines and signs
    #[command(subcommand)]
    Attestor(crate::attest::Attestor),
    /// Show attestors a fact with its evidence, and tell it to the ledger by their signatures
    #[command(subcommand)]
    Confirm(crate::confirm::Confirm),
    /// Take a dataset out of the pool; no pause stops it
    #[command(
        after_help = "Example: caduceus withdraw --dir state --custodian klinikum-nord --dataset 1"
    )]
    Withdraw {
        /// The custodian
        #[arg(long, value_name = "NAME")]
        custodian: String,
        /// The number of the Data NFT
        #[arg(long, value_name = "ID")]
        dataset: u64,
    },
    /// Bring patients into the cooperative
    #[command(subcommand)]
    Member(MemberCommand),
    /// Give and withdraw consent
    #[command(subcommand)]
    Consent(Consent),
    /// Buy licences
    #[command(subcommand)]
    Licence(LicenceCommand),
    /// Keep vaults at work: they watch the ledger and answer what it asks of them
    #[command(subcommand)]
    Vault(crate::vault::VaultCommand),
    /// Ask the vaults a question and print the protected answers
    #[command(
        after_help = "Example: caduceus query --dir state --researcher sakura-institute --sql \"SELECT sex, COUNT(*) AS patients FROM patient GROUP BY sex\"",
        args_conflicts_with_subcommands = true,
        subcommand_negates_reqs = true
    )]
    Query(crate::query::Query),
    /// Run an algorithm of one's own, as WebAssembly, over a folder of tables
    #[command(subcommand)]
    Algorithm(crate::algorithm::Algorithm),
    /// Print every settled answer to a researcher once more, and let open questions go on
    #[command(after_help = "Example: caduceus answers --dir state --researcher sakura-institute")]
    Answers {
        /// The researcher
        #[arg(long, value_name = "NAME")]
        researcher: String,
    },
    /// Claim what the ledger owes to a custodian or to members
    #[command(after_help = "Example: caduceus claim --dir state --custodian klinikum-nord")]
    Claim(Claim),
    /// Propose, vote and execute
    #[command(subcommand)]
    Governance(Governance),
    /// Pause and reopen, within the guardian's limits
    #[command(subcommand)]
    Guardian(Guardian),
    /// Check the vaults' logs against the ledger
    #[command(subcommand)]
    Audit(Audit),
    /// Record breaches of personal data and watch the 72 hours of GDPR Art. 33
    #[command(subcommand)]
    Breach(crate::trust::Breach),
    /// Ask what the law says
    #[command(subcommand)]
    Policy(Policy),
    /// Make, show, replace, bring in and give out keys in sealed files
    #[command(subcommand)]
    Identity(crate::identity::Identity),
    /// Issue, present, verify and take back verifiable credentials
    #[command(subcommand)]
    Credential(crate::credential::Credential),
    /// Serve, inspect and verify the ledger
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Reach every function of every contract
    #[command(subcommand)]
    Contract(ContractCommand),
    /// Carry a signed statement to the ledger
    #[command(after_help = "Example: caduceus relay --dir state vote.json")]
    Relay {
        /// The file that `caduceus contract send --sign-only` printed
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Patients of each custodian's generated cohort; 1000 if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub patients: Option<u32>,
    /// Real FHIR in place of the generated cohorts: a folder for both hospitals, or one with a folder for each
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Another chain in place of the embedded ledger
    #[arg(long, value_name = "URL")]
    pub rpc: Option<String>,
    /// Makes keys and cohorts the same each time; without it the keys are new
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Leave the ledger's RPC running when the story is told
    #[arg(long)]
    pub serve: bool,
    /// Port of the RPC
    #[arg(long, default_value_t = 8545, requires = "serve")]
    pub port: u16,
}

#[derive(Debug, Args)]
pub struct Init {
    /// Another chain in place of the embedded ledger
    #[arg(long, value_name = "URL")]
    pub rpc: Option<String>,
    /// Take part in the deployment that this manifest describes, in place of making one: keys and vaults of one's own on the
    /// contracts of somebody else, who hands out the manifest.json of their home
    #[arg(long, value_name = "FILE", requires = "rpc", conflicts_with = "parameters")]
    pub join: Option<PathBuf>,
    /// Makes the keys the same each time, for tests; without it they are random
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// What the contracts start with; `caduceus ledger parameters` prints all that there is
    #[arg(long, value_name = "FILE")]
    pub parameters: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Cohort {
    /// Write Patient, Condition, Encounter, Observation, MedicationRequest, Procedure and Consent NDJSON files
    #[command(
        after_help = "Example: caduceus cohort generate --patients 1000 --country DE --seed 7 --out de"
    )]
    Generate {
        /// How many patients
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        patients: u32,
        /// Country of the patients (ISO 3166-1 alpha-2)
        #[arg(long, value_name = "CC")]
        country: String,
        /// The same seed writes the same bytes
        #[arg(long, default_value_t = 1, value_name = "N")]
        seed: u64,
        /// Folder to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Spoil this share of the records, such as 0.01, so that they cannot be read
        #[arg(long, default_value_t = 0.0, value_name = "SHARE", value_parser = share)]
        damaged: f64,
        /// Replace files that are in the folder already
        #[arg(long)]
        force: bool,
    },
}

/// Reads a share: a number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let value: Option<f64> = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    value.ok_or_else(|| "give a number from 0 to 1, such as 0.01 for one in a hundred".to_owned())
}

/// What a party does.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleName {
    Custodian,
    Researcher,
    /// Vouches for others with credentials
    Issuer,
}

#[derive(Debug, Subcommand)]
pub enum PartyCommand {
    /// Register a party on the ledger, or bring its registration to what the options say
    #[command(
        after_help = "Example: caduceus party register --dir state --name klinikum-nord --role custodian --country DE"
    )]
    Register {
        /// Lower-case letters, digits and hyphens
        #[arg(long)]
        name: String,
        /// What it does
        #[arg(long)]
        role: RoleName,
        /// Where it is established (ISO 3166-1 alpha-2)
        #[arg(long, value_name = "CC")]
        country: String,
        #[command(flatten)]
        standing: crate::people::Standing,
        #[command(flatten)]
        word: crate::people::Word,
    },
    /// Register an account whose key is in another home, which joined this deployment
    #[command(
        after_help = "Example: caduceus party admit --dir state --account 0x00000000000000000000000000000000000000a1 --role researcher --country IN"
    )]
    Admit(crate::people::Admit),
    /// Say what a party has to sign to register with its accreditation, or a researcher to show the approval of a study
    #[command(after_help = "Example: caduceus party challenge --dir state --name klinikum-nord")]
    Challenge {
        /// The name under which it will be registered
        #[arg(long)]
        name: String,
        /// For `--ethics-approval` of a registered researcher
        #[arg(long)]
        for_study: bool,
    },
    /// Say which credentials a custodian requires of every question from now on
    #[command(
        after_help = "Example: caduceus party require --dir state --name klinikum-nord --kinds ethics-approval"
    )]
    Require {
        /// The custodian
        #[arg(long)]
        name: String,
        /// The kinds of credential: ethics-approval, or none
        #[arg(long, value_delimiter = ',', required = true, value_name = "KIND")]
        kinds: Vec<String>,
    },
    /// Say whom to write to about a custodian's datasets, for their entries in the catalogue
    #[command(after_help = crate::contact::EXAMPLE)]
    Contact(crate::contact::TellContact),
    /// List the parties of this home
    #[command(after_help = "Example: caduceus party list --dir state")]
    List,
}

#[derive(Debug, Args)]
pub struct Ingest {
    /// The custodian
    #[arg(long, value_name = "NAME")]
    pub custodian: String,
    /// Files or folders of FHIR R4 NDJSON or bundles
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    pub input: Vec<PathBuf>,
    /// Vouch that patients without a Consent resource have consented; without it they are left out
    #[arg(long)]
    pub vouch_consent: bool,
}

#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Let the first patients who consented join, up to a number
    #[command(
        after_help = "Example: caduceus member join --dir state --custodian klinikum-nord --count 5"
    )]
    Join {
        /// The custodian whose patients they are
        #[arg(long, value_name = "NAME")]
        custodian: String,
        /// How many members there shall be
        #[arg(long, default_value_t = 5, value_name = "N")]
        count: usize,
        /// Let one more join, who presents a patient-identity credential for the challenge of `caduceus member challenge`
        #[arg(long, value_name = "FILE", conflicts_with = "count")]
        credential: Option<PathBuf>,
        #[command(flatten)]
        evidence: crate::people::Evidence,
    },
    /// Say what the next member has to sign to join with proof of who they are
    #[command(
        after_help = "Example: caduceus member challenge --dir state --custodian klinikum-nord"
    )]
    Challenge {
        /// The custodian whose patient it is
        #[arg(long, value_name = "NAME")]
        custodian: String,
    },
    /// Destroy the keys to a person's rows, so that no stored copy can be read again, and keep them out of later intakes
    #[command(after_help = "Example: caduceus member erase --dir state --member klinikum-nord/1
         caduceus member erase --dir state --custodian klinikum-nord --patient 0a1b2c")]
    Erase(Person),
    /// Leave: consent is withdrawn and the membership ends, by signature
    #[command(after_help = "Example: caduceus member leave --dir state --member klinikum-nord/1")]
    Leave {
        /// The member
        #[arg(long, value_name = "NAME")]
        member: String,
    },
    /// Join again after leaving, with the same account; what was earned before can be claimed then
    #[command(after_help = "Example: caduceus member rejoin --dir state --member klinikum-nord/1")]
    Rejoin {
        /// The member
        #[arg(long, value_name = "NAME")]
        member: String,
    },
    /// Show every use of a member's data, or of a patient's, and every payment for it, from the ledger
    #[command(after_help = "Example: caduceus member receipts --dir state --member klinikum-nord/1
         caduceus member receipts --dir state --custodian klinikum-nord --patient 0a1b2c --json")]
    Receipts(Person),
    /// List the members of this home
    #[command(after_help = "Example: caduceus member list --dir state")]
    List,
}

#[derive(Debug, Subcommand)]
pub enum Consent {
    /// Record a member's consent on the ledger, by signature
    #[command(
        after_help = "Example: caduceus consent grant --dir state --member klinikum-nord/1 --purposes HMB --researcher sakura-institute --regions JP --until 2027-06-30"
    )]
    Grant(crate::grants::Grant),
    /// Say in plain words what a member agreed to
    #[command(
        after_help = "Example: caduceus consent show --dir state --member klinikum-nord/1 --language de"
    )]
    Show(crate::trust::ShowConsent),
    /// Write a member's consent as a FHIR R4 Consent
    #[command(
        after_help = "Example: caduceus consent export --dir state --member klinikum-nord/1 --out consent.json"
    )]
    Export(crate::trust::ExportConsent),
    /// Record what a FHIR R4 Consent permits as a member's grants, and name what it cannot carry over
    #[command(
        after_help = "Example: caduceus consent import --dir state --member klinikum-nord/1 --file consent.json"
    )]
    Import(crate::trust::ImportConsent),
    /// Withdraw every consent of a member, or of a patient on paper; it counts from the next answer on
    #[command(after_help = "Example: caduceus consent revoke --dir state --member klinikum-nord/1
         caduceus consent revoke --dir state --custodian klinikum-nord --patient 0a1b2c")]
    Revoke(Person),
}

/// A member, or a patient who need not be one.
#[derive(Debug, Args)]
pub struct Person {
    /// The member, who may have left
    #[arg(long, value_name = "NAME", required_unless_present = "patient", conflicts_with_all = ["patient", "custodian"])]
    pub member: Option<String>,
    /// The custodian of a patient who need not be a member
    #[arg(long, value_name = "NAME", requires = "patient")]
    pub custodian: Option<String>,
    /// The id of their FHIR Patient
    #[arg(long, value_name = "ID", requires = "custodian")]
    pub patient: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum LicenceCommand {
    /// Buy a licence in one transaction
    #[command(
        after_help = "Example: caduceus licence buy --dir state --researcher sakura-institute --uses 2"
    )]
    Buy {
        /// The researcher
        #[arg(long, value_name = "NAME")]
        researcher: String,
        /// Datasets by their numbers; the newest version of each that is in the pool if left out
        #[arg(long, value_delimiter = ',', value_name = "ID")]
        datasets: Vec<u64>,
        /// What the data is for
        #[arg(long, default_value = "HMB", value_name = "CODE")]
        purpose: String,
        /// How many questions
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        uses: u32,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Claim {
    /// A custodian: its part of usage yield and the yield of its shares
    #[arg(long, value_name = "NAME")]
    pub custodian: Option<String>,
    /// A member
    #[arg(long, value_name = "NAME")]
    pub member: Option<String>,
    /// Everybody in this home
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Subcommand)]
pub enum Governance {
    /// A member proposes another split of revenue, in basis points that sum to 10000
    #[command(
        after_help = "Example: caduceus governance propose --dir state --member klinikum-nord/1 --contributors 8700 --treasury 800 --buyback 500"
    )]
    Propose {
        /// The member who proposes
        #[arg(long, value_name = "NAME")]
        member: String,
        /// Basis points to contributors
        #[arg(long, value_name = "BPS")]
        contributors: u16,
        /// Basis points to the treasury
        #[arg(long, value_name = "BPS")]
        treasury: u16,
        /// Basis points to buy-back
        #[arg(long, value_name = "BPS")]
        buyback: u16,
    },
    /// A member proposes that the treasury pays somebody
    #[command(
        after_help = "Example: caduceus governance pay --dir state --member klinikum-nord/1 --token data --amount 100 --to klinikum-nord/2"
    )]
    Pay {
        /// The member who proposes
        #[arg(long, value_name = "NAME")]
        member: String,
        /// What is paid
        #[arg(long)]
        token: TokenName,
        /// Whole tokens
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
        amount: u64,
        /// A member or a party of this home
        #[arg(long, value_name = "NAME")]
        to: String,
    },
    /// A member proposes new code for a module, after a check that it finds what is stored
    #[command(
        after_help = "Example: caduceus governance propose-upgrade --dir state --member klinikum-nord/1 --contract ServiceDesk --artifact ServiceDesk.json"
    )]
    ProposeUpgrade {
        /// The member who proposes
        #[arg(long, value_name = "NAME")]
        member: String,
        /// The module
        #[arg(long, value_name = "CONTRACT")]
        contract: String,
        /// The new code, as `cargo xtask contracts` writes it
        #[arg(long, value_name = "FILE")]
        artifact: PathBuf,
    },
    /// Members of this home vote for a proposal
    #[command(after_help = "Example: caduceus governance vote --dir state")]
    Vote {
        /// The members who vote; all if left out
        #[arg(long = "member", value_name = "NAME")]
        members: Vec<String>,
        #[command(flatten)]
        of: OfProposal,
    },
    /// Queue and execute a proposal that has won
    #[command(after_help = "Example: caduceus governance execute --dir state")]
    Execute(OfProposal),
    /// Show what a proposal would do and how it stands
    #[command(after_help = "Example: caduceus governance show --dir state --proposal 1")]
    Show(OfProposal),
    /// List every proposal of this home
    #[command(after_help = "Example: caduceus governance list --dir state")]
    List,
}

#[derive(Debug, Args)]
pub struct OfProposal {
    /// The home's number for the proposal; the last if left out
    #[arg(long, value_name = "N")]
    pub proposal: Option<u64>,
}

#[derive(Debug, Subcommand)]
pub enum Guardian {
    /// Pause parts of the protocol; leaving, revoking, claiming and voting go on
    #[command(
        after_help = "Example: caduceus guardian pause --dir state --scopes trading,jobs --hours 24"
    )]
    Pause {
        /// What to pause
        #[arg(long, value_delimiter = ',', required = true)]
        scopes: Vec<Scope>,
        /// For how long, at most 168
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=168))]
        hours: u64,
    },
    /// End a pause before its time
    #[command(after_help = "Example: caduceus guardian lift --dir state --scopes trading,jobs")]
    Lift {
        /// What to reopen
        #[arg(long, value_delimiter = ',', required = true)]
        scopes: Vec<Scope>,
    },
}

/// A token that the treasury holds.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum TokenName {
    Data,
    Gov,
    Usdc,
}

/// What the circuit breaker can pause.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Scope {
    Minting,
    Deposits,
    Trading,
    Jobs,
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Show who used which data when, for what and under which consent
    #[command(after_help = "Example: caduceus audit trail --dir state --dataset 1 --json")]
    Trail(crate::trust::Trail),
    /// Verify every log and every sealed dataset: hashes, anchors, and that nothing on the ledger is missing
    #[command(after_help = "Example: caduceus audit verify --dir state")]
    Verify {
        /// Verify this file in place of the custodian's own log
        #[arg(long, requires = "custodian", value_name = "FILE")]
        log: Option<PathBuf>,
        /// Only this custodian
        #[arg(long, value_name = "NAME")]
        custodian: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Policy {
    /// What the rules say about one use, and by which law: this program's, or with --dir the table of a home's ledger
    #[command(
        after_help = "Example: caduceus policy explain --from DE --to US --class genomic --purpose GRU --safeguard scc --json
         caduceus policy explain --dir state --from DE --to JP"
    )]
    Explain {
        /// Where the records are (ISO 3166-1 alpha-2)
        #[arg(long, value_name = "CC")]
        from: String,
        /// Where the researcher is
        #[arg(long, value_name = "CC")]
        to: String,
        /// Kind of data
        #[arg(long, default_value = "clinical")]
        class: String,
        /// Purpose by its code
        #[arg(long, default_value = "HMB", value_name = "CODE")]
        purpose: String,
        /// How identifiable the records are: identified, limited, protected (as published) or anonymous
        #[arg(long, default_value = "protected", value_name = "LEVEL")]
        identifiability: String,
        /// A safeguard that the researcher holds: scc, bcr, explicit-consent, adequacy, hipaa-authorization,
        /// limited-data-set, data-use-agreement or ehds-permit
        #[arg(long = "safeguard", value_delimiter = ',', value_name = "NAME")]
        safeguards: Vec<String>,
    },
}
