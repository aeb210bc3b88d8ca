//! `caduceus confirm`: facts with their evidence, past attestors, onto the ledger.

use std::path::PathBuf;

use caduceus_node::confirm::{self, Confirmed, Reported};
use caduceus_node::{Node, NodeError, Result, approvals, member};
use clap::Subcommand;

use crate::output::Outcome;

#[derive(Debug, Subcommand)]
pub enum Confirm {
    /// What sets a dataset's price in the exchange, counted again from its rows and consents
    #[command(after_help = "Example: caduceus confirm features --dir state --dataset 1")]
    Features {
        /// The number of the Data NFT
        #[arg(long, value_name = "ID")]
        dataset: u64,
    },
    /// What a member contributed by being in a dataset, which earns points and DATA
    #[command(after_help = "Example: caduceus confirm points --dir state --member klinikum-nord/1")]
    Points {
        /// The member
        #[arg(long, value_name = "NAME")]
        member: String,
    },
    /// How many units were computed under a metered licence in all, by its custodian's signature
    #[command(after_help = "Example: caduceus confirm usage --dir state --meter 1 --units 5")]
    Usage {
        /// The licence's number
        #[arg(long, value_name = "N")]
        meter: u64,
        /// Units since it was opened
        #[arg(long, value_name = "N")]
        units: u64,
        /// It is the last reading; what is left of the deposit goes back
        #[arg(long)]
        last: bool,
    },
    /// That a borrower deleted its copy: it signs so, and the custodian's anchored log confirms it
    #[command(after_help = "Example: caduceus confirm deletion --dir state --loan 1")]
    Deletion {
        /// The loan's number
        #[arg(long, value_name = "N")]
        loan: u64,
    },
    /// That the data of a transfer agreement were delivered: the importer signs for them
    #[command(
        after_help = "Example: caduceus confirm transfer --dir state --agreement 1 --document clauses.pdf"
    )]
    Transfer {
        /// The agreement's number
        #[arg(long, value_name = "N")]
        agreement: u64,
        /// The document whose hash both sides signed
        #[arg(long, value_name = "FILE")]
        document: PathBuf,
    },
    /// Whether a validator's report that was challenged is wrong, counted again from the sealed dataset
    #[command(after_help = "Example: caduceus confirm verdict --dir state --check 1")]
    Verdict {
        /// The check's number
        #[arg(long, value_name = "N")]
        check: u64,
    },
    /// What a validator found who took a check, counted from the sealed dataset: it reports so, and attestors are not asked
    #[command(after_help = "Example: caduceus confirm report --dir state --check 1")]
    Report {
        /// The check's number
        #[arg(long, value_name = "N")]
        check: u64,
    },
    /// That a dataset was used in a study that an ethics committee approved, so that what vests on it is released
    #[command(after_help = "Example: caduceus confirm use --dir state --dataset 1 --job 1")]
    Use {
        /// The number of the Data NFT
        #[arg(long, value_name = "ID")]
        dataset: u64,
        /// The job that was settled
        #[arg(long, value_name = "N")]
        job: u64,
        /// The researcher's presentation of the approval; the one that came with the question if left out
        #[arg(long, value_name = "FILE")]
        ethics_approval: Option<PathBuf>,
    },
}

/// Confirms a fact.
pub async fn run(node: &Node, command: &Confirm) -> Result<Outcome> {
    let done = match command {
        Confirm::Features { dataset } => confirm::features(node, *dataset).await?,
        Confirm::Points { member } => confirm::points(node, &member::find(node, member)?).await?,
        Confirm::Usage { meter, units, last } => {
            confirm::usage(node, *meter, *units, *last).await?
        }
        Confirm::Deletion { loan } => confirm::deletion(node, *loan).await?,
        Confirm::Transfer { agreement, document } => {
            let text = std::fs::read(document)
                .map_err(|error| NodeError::file("read", document, error))?;
            confirm::transfer(node, *agreement, &text).await?
        }
        Confirm::Verdict { check } => confirm::verdict(node, *check).await?,
        Confirm::Report { check } => {
            let done = confirm::report(node, *check).await?;
            let Reported { dataset, quality, report, .. } = &done;
            let text = format!(
                "check {check}: dataset {dataset} has a quality of {quality} in 10,000; the report's hash is {report}"
            );
            return Ok(Outcome::new(&done, text));
        }
        Confirm::Use { dataset, job, ethics_approval } => {
            let approval = match ethics_approval {
                Some(file) => Some(approvals::read(file)?),
                None => confirm::approval_of(node, *job).await?,
            };
            let missing = "no approval came with that job; give one with --ethics-approval";
            let approval = approval.ok_or_else(|| NodeError::Usage(missing.into()))?;
            confirm::approved_use(node, *dataset, *job, &approval).await?
        }
    };
    let Confirmed { statement, about, transaction, gas, wrong } = &done;
    let found = match wrong {
        None => "",
        Some(true) => ": the report was wrong",
        Some(false) => ": the report was right",
    };
    let text = match transaction {
        Some(hash) => {
            format!("{statement} about {about} is on the ledger{found}; {hash}, {gas} gas")
        }
        None => {
            format!("{statement} about {about} was on the ledger before{found}; nothing changed")
        }
    };
    Ok(Outcome::new(&done, text))
}
