//! `caduceus consent grant`: what a member agrees to, by options.

use std::fmt::Display;
use std::str::FromStr;

use caduceus_node::member::{self, Terms};
use caduceus_node::{Address, Node, Result, consents, party};
use clap::Args;
use serde_json::json;

use crate::commands::parse;
use crate::output::Outcome;

#[derive(Debug, Args)]
pub struct Grant {
    /// The member
    #[arg(long, value_name = "NAME")]
    member: String,
    /// Purposes by their codes
    #[arg(long, value_delimiter = ',', default_value = "GRU,HMB,PUBHLTH", value_name = "CODE")]
    purposes: Vec<String>,
    /// Kinds of data
    #[arg(long, value_delimiter = ',', default_value = "clinical", value_name = "CLASS")]
    classes: Vec<String>,
    /// Only this researcher, by name or account; every researcher in good standing if left out
    #[arg(long, value_name = "NAME")]
    researcher: Option<String>,
    /// Only for use from these regions of the rules, such as EU,JP; from anywhere that the law allows if left out
    #[arg(long, value_delimiter = ',', value_name = "REGION")]
    regions: Vec<String>,
    /// The day (or moment) at whose beginning it ends, such as 2027-06-30; a year from today if left out
    #[arg(long, value_name = "TIME", conflicts_with = "days")]
    until: Option<String>,
    /// End it after so many days, counted from today
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=36_500))]
    days: Option<u64>,
}

/// Records a member's consent on the ledger.
pub async fn grant(node: &Node, grant: &Grant) -> Result<Outcome> {
    let member = member::find(node, &grant.member)?;
    let terms = Terms {
        classes: parsed(&grant.classes)?,
        purposes: parsed(&grant.purposes)?,
        grantee: grant.researcher.as_deref().map(|name| researcher(node, name)).transpose()?,
        regions: parsed(&grant.regions)?,
        until: consents::until(node, grant.until.as_deref(), grant.days).await?,
    };
    let number = member::grant(node, &member, &terms).await?;
    let value = json!({ "member": member.name, "grant": number.to_string() });
    Ok(Outcome::new(&value, format!("{} consented: grant {number}", member.name)))
}

/// A researcher of this home by name, or any account.
fn researcher(node: &Node, name: &str) -> Result<Address> {
    match name.parse() {
        Ok(account) => Ok(account),
        Err(_) => Ok(party::find(node, party::Role::Researcher, name)?.address),
    }
}

fn parsed<T: FromStr>(texts: &[String]) -> Result<Vec<T>>
where
    T::Err: Display,
{
    texts.iter().map(|text| parse(text)).collect()
}
