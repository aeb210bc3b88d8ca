//! `caduceus party contact`: whom to write to about a custodian's datasets, for the catalogue.

use caduceus_node::custodian::catalogue::{Contact, Contacts, tell};
use caduceus_node::{Node, NodeError, Result};
use clap::Args;
use serde_json::json;

use crate::output::Outcome;

/// How to call it, for its help.
pub const EXAMPLE: &str = "Example: caduceus party contact --dir state --name klinikum-nord --organization \"Klinikum Nord gGmbH\" --email data@klinikum-nord.example";

#[derive(Debug, Args)]
pub struct TellContact {
    /// The custodian
    #[arg(long)]
    name: String,
    /// The name of the organization, as the public shall read it
    #[arg(long, value_name = "TEXT", required_unless_present = "body")]
    organization: Option<String>,
    /// Its address for questions about the datasets
    #[arg(long, value_name = "ADDRESS", requires = "organization")]
    email: Option<String>,
    /// A page about the datasets or with a form
    #[arg(long, value_name = "URL", requires = "organization")]
    url: Option<String>,
    /// The health data access body that grants access in your country, by its name
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
    /// The body's address
    #[arg(long, value_name = "ADDRESS", requires = "body")]
    body_email: Option<String>,
    /// The body's page
    #[arg(long, value_name = "URL", requires = "body")]
    body_url: Option<String>,
}

/// Keeps what was told, for every entry of the custodian.
pub fn run(node: &Node, arguments: &TellContact) -> Result<Outcome> {
    let TellContact { name, organization, email, url, body, body_email, body_url } = arguments;
    let told = Contacts {
        contact: contact(organization.as_deref(), email.as_deref(), url.as_deref(), "")?,
        access_body: contact(body.as_deref(), body_email.as_deref(), body_url.as_deref(), "body-")?,
    };
    let now = tell(node, name, told)?;
    let of =
        |contact: &Option<Contact>| contact.as_ref().map_or("nobody yet", Contact::name).to_owned();
    let text = format!(
        "the catalogue names {} as the contact of {name} and {} as the body that grants access",
        of(&now.contact),
        of(&now.access_body)
    );
    let value = json!({
        "custodian": name,
        "contact": now.contact,
        "access_body": now.access_body,
    });
    Ok(Outcome::new(&value, text))
}

/// The contact that was told, if one was; its options begin with `prefix`.
fn contact(
    name: Option<&str>,
    email: Option<&str>,
    url: Option<&str>,
    prefix: &str,
) -> Result<Option<Contact>> {
    let told = name.map(|name| Contact::new(name, email, url)).transpose();
    told.map_err(|error| NodeError::Usage(format!("{error} (--{prefix}email, --{prefix}url)")))
}
