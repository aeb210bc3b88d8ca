//! `caduceus bulk`: records out of a FHIR server, without a home.

use std::path::PathBuf;
use std::time::Duration;

use caduceus_node::Result;
use caduceus_node::bulk::{self, BulkRequest, Credentials};
use clap::{Args, Subcommand};

use crate::output::{Outcome, reporter};

/// What to fetch.
#[derive(Debug, Subcommand)]
pub enum Bulk {
    /// Export records from a FHIR server by Bulk Data $export; run it again to go on where it was cut off
    #[command(
        after_help = "Example: caduceus bulk export --url https://fhir.example.org/r4 --type Patient,Condition --out export\n\nWith backend-services authorization: --client-id ID --key key.pem --token-url https://auth.example.org/token"
    )]
    Export(Export),
}

#[derive(Debug, Args)]
pub struct Export {
    /// The server's FHIR base address
    #[arg(long, value_name = "BASE")]
    url: String,
    /// Folder to write to; keeps how far the export is
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only the patients of this group
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// Only what belongs to patients (Patient/$export), where no group is named
    #[arg(long, conflicts_with = "group")]
    patients: bool,
    /// Types of resources; all if left out
    #[arg(long = "type", value_delimiter = ',', value_name = "TYPE")]
    types: Vec<String>,
    /// Only what changed since this instant
    #[arg(long, value_name = "ISO")]
    since: Option<String>,
    /// Name under which the server knows the client
    #[arg(long, value_name = "ID", requires_all = ["key", "token_url"])]
    client_id: Option<String>,
    /// The client's private key, PEM: RSA signs by RS384, P-384 by ES384
    #[arg(long, value_name = "FILE", requires = "client_id")]
    key: Option<PathBuf>,
    /// Name of the key in the client's key set
    #[arg(long, value_name = "KID", requires = "key")]
    kid: Option<String>,
    /// Where access tokens are given
    #[arg(long, value_name = "URL", requires = "client_id")]
    token_url: Option<String>,
    /// What the token is to be good for
    #[arg(long, value_name = "SCOPE", default_value = "system/*.read")]
    scope: String,
}

/// Does what the arguments say.
pub async fn run(command: &Bulk, json: bool) -> Result<Outcome> {
    let Bulk::Export(export) = command;
    let credentials = match (&export.client_id, &export.key, &export.token_url) {
        (Some(client_id), Some(key), Some(token_url)) => Some(Credentials {
            client_id: client_id.clone(),
            key: key.clone(),
            key_id: export.kid.clone(),
            token_url: token_url.clone(),
            scope: export.scope.clone(),
        }),
        _ => None,
    };
    let request = BulkRequest {
        url: export.url.clone(),
        group: export.group.clone(),
        patients: export.patients,
        types: export.types.clone(),
        since: export.since.clone(),
        credentials,
        first_wait: Duration::from_secs(1),
    };
    let done = bulk::export(&request, &export.out, &reporter(false, json)).await?;
    let resources: u64 = done.files.iter().map(|file| file.resources).sum();
    let mut text = format!(
        "{resources} resources in {} files in {}, {} of them fetched now",
        done.files.len(),
        export.out.display(),
        done.fetched
    );
    if !done.errors.is_empty() {
        text.push_str("\nthe server could not export everything; its notes are in the files that end in .errors");
    }
    Ok(Outcome::new(&done, text))
}
