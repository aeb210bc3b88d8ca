//! What can go wrong in a node, each with a sentence that says what to do.

use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use alloy::transports::TransportError;
use caduceus_ledger::{LedgerError, OutboxError};
use caduceus_query::BudgetError;
use caduceus_query::sandbox::{ModuleRefusal, SandboxError};

/// What was tried when a contract refuses a question.
const ASKING: &str = "a question to the contracts";

/// A result of the node.
pub type Result<T> = std::result::Result<T, NodeError>;

/// Why a node could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// There is no home in the folder.
    #[error("{dir} holds no Caduceus home; make one with `caduceus init --dir {dir}`, or name another folder with --dir", dir = .0.display())]
    NoHome(PathBuf),
    /// Another process has the home open.
    #[error("{dir} is in use by another caduceus process; let it finish or stop it, or name another folder with --dir", dir = .0.display())]
    InUse(PathBuf),
    /// The home speaks to another chain.
    #[error("{dir} was made for {kept}, not for {asked}; name another folder with --dir, or leave --rpc out", dir = .dir.display())]
    OtherChain {
        /// The home.
        dir: PathBuf,
        /// The chain that it was made for.
        kept: String,
        /// The chain that was asked for.
        asked: String,
    },
    /// The home was made from another seed.
    #[error("{dir} was made from another seed; leave --seed out to use it, or name another folder with --dir", dir = .0.display())]
    OtherSeed(PathBuf),
    /// A part of the home that was there is gone.
    #[error("{path} is lost, and this home needs it; restore {what} from a backup, or make a new home in another folder with `caduceus init --dir DIR`; nothing was changed", path = .dir.join(.part).display(), what = restorable(.dir, .part))]
    Lost {
        /// The home.
        dir: PathBuf,
        /// The part's path in it.
        part: String,
    },
    /// The chain does not hold the contracts that it held.
    #[error(
        "{ledger} no longer holds the contracts of this home: it was begun anew, or is another chain; {todo}, or make a new home in another folder with `caduceus init --dir DIR`; nothing was changed"
    )]
    LostContracts {
        /// The chain, in words.
        ledger: String,
        /// What brings it back.
        todo: String,
    },
    /// The home was opened for reading only.
    #[error("{dir} cannot be written, so that it can only be looked at; give yourself leave to write there, or work on a copy", dir = .0.display())]
    ReadOnly(PathBuf),
    /// A file that was not closed in order must be put in order before it can be read.
    #[error("{path} was not closed in order when it was last used, and cannot be put in order where it cannot be written; run the command once with leave to write there, or on a copy", path = .0.display())]
    NotClosed(PathBuf),
    /// An account cannot pay for gas.
    #[error(
        "the account {account} has too little ether on {ledger} to pay for gas ({detail}); {todo}"
    )]
    NoEther {
        /// The account.
        account: Address,
        /// The chain, in words.
        ledger: String,
        /// What it has and needs, as far as it is known.
        detail: String,
        /// What to do.
        todo: String,
    },
    /// A file of the home cannot be understood.
    #[error("{path} cannot be read: {what}; restore it from a copy, or start a new home with --dir", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The operating system refused a file.
    #[error("cannot {verb} {path}: {source}; check that it exists, may be written and that the disk has room", path = .path.display())]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A name that nobody has.
    #[error("there is no {what} named `{name}`; there {known}")]
    Unknown {
        /// What kind of thing was named.
        what: &'static str,
        /// The name.
        name: String,
        /// Who is known, as the end of the sentence.
        known: String,
    },
    /// Something has to be done first.
    #[error("{what}; {todo}")]
    NotReady {
        /// What is missing.
        what: String,
        /// What to do.
        todo: String,
    },
    /// A rule of the protocol, or a law, said no.
    #[error("{action} was refused: {reason}")]
    Refused {
        /// What was tried.
        action: String,
        /// Why not, in words.
        reason: String,
    },
    /// An argument that cannot be understood.
    #[error("{0}")]
    Usage(String),
    /// Something that the caller gave, such as a credential's text, cannot be understood.
    #[error("{0}")]
    Malformed(String),
    /// A sealed key does not open.
    #[error(transparent)]
    Keystore(#[from] caduceus_identity::KeystoreError),
    /// A file or an argument of the caller's own making that is not valid.
    #[error("{0}")]
    Definition(String),
    /// A chain that cannot do what only a development chain can.
    #[error("{0}")]
    Chain(String),
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A transaction could not be brought to the ledger.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A read from a contract failed.
    #[error(
        "the ledger did not answer a question: {0}; check that it is the chain that this home was made for"
    )]
    Call(String),
    /// A request to the chain failed.
    #[error("the ledger did not answer: {0}; check that it runs and can be reached")]
    Rpc(String),
    /// A ViewDefinition is not valid.
    #[error("{path}: {source}", path = .path.display())]
    View {
        /// The file that it is in.
        path: PathBuf,
        /// Where and why.
        source: caduceus_records::ViewError,
    },
    /// A new version of a view breaks what reads its tables.
    #[error(
        "{name} is in the register as version {version}, and programs that read its tables would break: {what}; give the view another name, or register it with --breaking"
    )]
    Breaking {
        /// The view.
        name: String,
        /// The newest version of it.
        version: String,
        /// What changed.
        what: String,
    },
    /// A bulk export did not come to its end.
    #[error(transparent)]
    Bulk(#[from] crate::bulk::BulkError),
    /// FHIR could not be read.
    #[error(transparent)]
    Records(#[from] caduceus_records::RecordsError),
    /// The records could not be made safe.
    #[error(transparent)]
    Protect(#[from] caduceus_protect::ProtectError),
    /// A table could not be made safe.
    #[error(transparent)]
    Table(#[from] crate::tables::TableJobError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] caduceus_vault::VaultError),
    /// A log could not be written or read.
    #[error(transparent)]
    Audit(#[from] caduceus_vault::audit::AuditError),
    /// The question is not one that the vaults answer.
    #[error("{0}")]
    Question(#[from] caduceus_query::Refusal),
    /// A file of a folder of tables is not there, or not what the schema says.
    #[error("{0}")]
    TableFile(String),
    /// The schema of a folder of tables makes no sense.
    #[error(transparent)]
    Schema(#[from] caduceus_query::SchemaError),
    /// The module of an algorithm cannot be used.
    #[error(transparent)]
    Module(#[from] ModuleRefusal),
    /// An algorithm could not be run as it was declared.
    #[error(transparent)]
    Algorithm(#[from] SandboxError),
    /// The answer could not be computed.
    #[error(transparent)]
    Query(#[from] caduceus_query::RunError),
    /// The privacy budget refused or failed.
    #[error(transparent)]
    Budget(#[from] caduceus_query::BudgetError),
    /// A message could not be encrypted or opened.
    #[error(transparent)]
    Identity(#[from] caduceus_identity::SealError),
}

/// A contract that refuses to answer says why; its reason is put into words.
impl From<alloy::contract::Error> for NodeError {
    fn from(error: alloy::contract::Error) -> NodeError {
        let reason = error.as_revert_data().and_then(|data| caduceus_contracts::explain(&data));
        match (reason, error) {
            (Some(reason), _) => NodeError::Refused { action: ASKING.to_owned(), reason },
            (None, alloy::contract::Error::TransportError(error)) => match &error {
                // The node answered, so that the contract or its caller is at fault and not the connection.
                alloy::transports::RpcError::ErrorResp(_) => {
                    NodeError::Call(caduceus_ledger::failure(&error))
                }
                _ => error.into(),
            },
            (None, other) => NodeError::Call(other.to_string()),
        }
    }
}

impl From<TransportError> for NodeError {
    fn from(error: TransportError) -> NodeError {
        NodeError::Rpc(caduceus_ledger::failure(&error))
    }
}

/// What is to be restored where a part of a home was lost: the folder that it lies in, or the file itself.
fn restorable(dir: &Path, part: &str) -> String {
    match part.rsplit_once('/') {
        Some((folder, _)) => format!("the folder {}", dir.join(folder).display()),
        None => format!("the file {}", dir.join(part).display()),
    }
}

impl NodeError {
    /// What the process ends with: 2 where what the caller wrote (a view, a policy, a question, an algorithm, a credential)
    /// is refused, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            NodeError::Usage(_)
            | NodeError::Malformed(_)
            | NodeError::Definition(_)
            | NodeError::View { .. }
            | NodeError::Breaking { .. }
            | NodeError::Records(caduceus_records::RecordsError::View(_))
            | NodeError::Question(_)
            | NodeError::Schema(_)
            | NodeError::Module(_)
            | NodeError::Algorithm(SandboxError::Declaration(_))
            | NodeError::Budget(
                BudgetError::Exhausted { .. }
                | BudgetError::ExhaustedDelta { .. }
                | BudgetError::Free,
            ) => 2,
            NodeError::Table(error) => error.exit_code(),
            _ => 1,
        }
    }

    pub(crate) fn malformed(why: impl std::fmt::Display) -> NodeError {
        NodeError::Malformed(why.to_string())
    }

    /// What was to be done with a file, such as `read`, and why it cannot be done.
    pub fn file(verb: &'static str, path: &Path, source: std::io::Error) -> NodeError {
        NodeError::File { verb, path: path.to_owned(), source }
    }

    pub(crate) fn journal(path: &Path, error: impl Into<redb::Error>) -> NodeError {
        match error.into() {
            redb::Error::Io(source) => NodeError::file("use", path, source),
            redb::Error::RepairAborted => NodeError::NotClosed(path.to_owned()),
            redb::Error::DatabaseAlreadyOpen => {
                NodeError::InUse(path.parent().unwrap_or(path).to_owned())
            }
            other => NodeError::Damaged { path: path.to_owned(), what: other.to_string() },
        }
    }

    pub(crate) fn not_ready(what: impl Into<String>, todo: impl Into<String>) -> NodeError {
        NodeError::NotReady { what: what.into(), todo: todo.into() }
    }

    /// An unknown name, with the first of the names that there are.
    pub fn unknown<'a>(
        what: &'static str,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> NodeError {
        const SHOWN: usize = 5;
        let names: Vec<&str> = known.collect();
        let first = names.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
        let known = match names.len() {
            0 => "is none yet".to_owned(),
            1 => format!("is only {first}"),
            2..=SHOWN => format!("are: {first}"),
            more => format!("are: {first} and {} more", more - SHOWN),
        };
        NodeError::Unknown { what, name: name.to_owned(), known }
    }
}
