//! What can go wrong in a node, each with a sentence that says what to do.

use std::path::{Path, PathBuf};

use caduceus_ledger::{LedgerError, OutboxError};
use caduceus_query::BudgetError;
use caduceus_query::sandbox::{ModuleRefusal, SandboxError};

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
    Call(#[from] alloy::contract::Error),
    /// A request to the chain failed.
    #[error("the ledger did not answer: {0}; check that it runs and can be reached")]
    Rpc(#[from] alloy::transports::TransportError),
    /// FHIR could not be read.
    #[error(transparent)]
    Records(#[from] caduceus_records::RecordsError),
    /// The records could not be made safe.
    #[error(transparent)]
    Protect(#[from] caduceus_protect::ProtectError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] caduceus_vault::VaultError),
    /// A log could not be written or read.
    #[error(transparent)]
    Audit(#[from] caduceus_vault::audit::AuditError),
    /// The question is not one that the vaults answer.
    #[error("{0}")]
    Question(#[from] caduceus_query::Refusal),
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

impl NodeError {
    /// What the process ends with: 2 where a question was understood and refused, 1 for everything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            NodeError::Question(_)
            | NodeError::Module(_)
            | NodeError::Algorithm(SandboxError::Declaration(_))
            | NodeError::Budget(
                BudgetError::Exhausted { .. }
                | BudgetError::ExhaustedDelta { .. }
                | BudgetError::Free,
            ) => 2,
            _ => 1,
        }
    }

    pub(crate) fn file(verb: &'static str, path: &Path, source: std::io::Error) -> NodeError {
        NodeError::File { verb, path: path.to_owned(), source }
    }

    pub(crate) fn journal(path: &Path, error: impl Into<redb::Error>) -> NodeError {
        match error.into() {
            redb::Error::Io(source) => NodeError::file("use", path, source),
            other => NodeError::Damaged { path: path.to_owned(), what: other.to_string() },
        }
    }

    pub(crate) fn not_ready(what: impl Into<String>, todo: impl Into<String>) -> NodeError {
        NodeError::NotReady { what: what.into(), todo: todo.into() }
    }

    /// An unknown name, with the names that there are.
    pub fn unknown<'a>(
        what: &'static str,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> NodeError {
        let names: Vec<&str> = known.collect();
        let known = if names.is_empty() {
            "is none yet".to_owned()
        } else {
            format!("are: {}", names.join(", "))
        };
        NodeError::Unknown { what, name: name.to_owned(), known }
    }
}
