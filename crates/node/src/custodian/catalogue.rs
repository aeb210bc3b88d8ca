//! What the public may know of datasets: the report of each, and its entry in a catalogue.

use std::path::{Path, PathBuf};

pub use caduceus_protect::catalogue::Contact;
use caduceus_protect::catalogue::{self, CatalogueEntry};
use caduceus_protect::dataset_report::DatasetReport;
use caduceus_protect::quality::Quality;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{PROTECTION, ProtectedSummary};
use crate::error::{NodeError, Result};
use crate::home::write_atomically;
use crate::node::Node;
use crate::party::{self, Party, Role};
use crate::tables::write_report;

/// The terminologies that the published tables use.
const TERMINOLOGIES: [&str; 3] =
    ["http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org"];

/// What a custodian tells of itself in the catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contacts {
    /// Whom to write to about its datasets.
    pub contact: Option<Contact>,
    /// The health data access body of its country, which grants access.
    pub access_body: Option<Contact>,
}

fn contacts_key(custodian: &Party) -> String {
    format!("contacts/{}", custodian.name)
}

fn contacts(node: &Node, custodian: &Party) -> Result<Contacts> {
    Ok(node.home.recall(&contacts_key(custodian))?.unwrap_or_default())
}

/// Keeps what a custodian tells; what it does not tell this time stays as it is. The entries of what it published have it
/// from now on. Gives all that it has told.
///
/// # Errors
/// [`NodeError::Unknown`] where there is no such custodian, [`NodeError::File`] where an entry cannot be written.
pub fn tell(node: &Node, custodian: &str, told: Contacts) -> Result<Contacts> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let before = contacts(node, &custodian)?;
    let contacts = Contacts {
        contact: told.contact.or(before.contact),
        access_body: told.access_body.or(before.access_body),
    };
    node.home.record(&contacts_key(&custodian), &contacts)?;
    for (cid, entry) in entries(node, &custodian)? {
        write_document(node, &custodian, &cid, &entry)?;
    }
    Ok(contacts)
}

/// Writes the report and the catalogue entry of a dataset into its vault's folder `reports`. Gives the hash of the page.
pub(super) fn write(
    node: &Node,
    custodian: &Party,
    summary: &ProtectedSummary,
    scores: Quality,
    cid: &str,
    rows: u64,
) -> Result<String> {
    let folder = node.home.vault_dir(&custodian.name).join("reports");
    std::fs::create_dir_all(&folder).map_err(|error| NodeError::file("create", &folder, error))?;
    let title = title(custodian);
    let report = report(custodian, summary, scores, Some(cid));
    let report = write_report(&folder.join(format!("{cid}.html")), &report, write_atomically)?;
    let points = |points: u16| f64::from(points) / 10_000.0;
    let entry = CatalogueEntry {
        id: format!("ipfs://{cid}"),
        title,
        description: format!(
            "Patients, conditions, encounters and observations of {} people, for questions whose protected answers leave the custodian while the rows stay.",
            summary.patients_out
        ),
        publisher: custodian.name.clone(),
        issued: summary.day.clone(),
        country: custodian.country.to_string(),
        people: summary.patients_out,
        records: rows,
        protection: format!("{}; k = {}", summary.report.account.method, summary.k_reached),
        terminologies: TERMINOLOGIES.map(str::to_owned).to_vec(),
        measurements: vec![
            ("completeness".to_owned(), points(scores.completeness)),
            ("validity".to_owned(), points(scores.validity)),
            ("freshness".to_owned(), points(scores.freshness)),
            (
                "share of people with a rare condition".to_owned(),
                points(scores.rarity.saturating_sub(10_000)),
            ),
            (
                "highest risk of finding a person's row".to_owned(),
                summary.report.account.risk.prosecutor.highest,
            ),
        ],
        report: report.clone(),
        // What the custodian tells may change: it is not kept with the entry.
        contact: None,
        access_body: None,
    };
    let path = folder.join(format!("{cid}.entry.json"));
    write_atomically(&path, &pretty(&serde_json::json!(entry)))?;
    write_document(node, custodian, cid, &self::entry(&path, &contacts(node, custodian)?)?)?;
    Ok(report)
}

fn write_document(node: &Node, custodian: &Party, cid: &str, entry: &CatalogueEntry) -> Result<()> {
    let folder = node.home.vault_dir(&custodian.name).join("reports");
    write_atomically(&folder.join(format!("{cid}.jsonld")), &pretty(&catalogue::dataset(entry)))
}

/// The report of protected records; `cid` is what they are known by once they are sealed.
pub(super) fn report(
    custodian: &Party,
    summary: &ProtectedSummary,
    scores: Quality,
    cid: Option<&str>,
) -> DatasetReport {
    let (title, intake) = (title(custodian), summary.intake.clone());
    DatasetReport::of_records(
        &title,
        &summary.day,
        PROTECTION,
        cid,
        &summary.report,
        scores,
        intake,
    )
}

fn title(custodian: &Party) -> String {
    format!("Clinical records of {}", custodian.name)
}

fn pretty(value: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(value).expect("a JSON value is JSON")
}

/// The page of a dataset's report, where there is one.
pub fn report_page(node: &Node, custodian: &Party, cid: &str) -> Option<PathBuf> {
    let page = node.home.vault_dir(&custodian.name).join("reports").join(format!("{cid}.html"));
    page.is_file().then_some(page)
}

/// Every dataset that custodians of this home published.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The catalogue in JSON-LD.
    pub document: Value,
    /// What the profile requires and a custodian has not told, by the custodian.
    pub missing: Vec<(String, Vec<&'static str>)>,
}

/// Every dataset that custodians of this home published, as a catalogue.
///
/// # Errors
/// [`NodeError::File`] or [`NodeError::Damaged`] where an entry cannot be read.
pub fn all(node: &Node) -> Result<Listing> {
    let (mut all, mut missing) = (Vec::new(), Vec::new());
    for custodian in party::custodians(node)? {
        let own = entries(node, &custodian)?;
        let lacks = own.first().map(|(_, entry)| catalogue::missing(entry)).unwrap_or_default();
        if !lacks.is_empty() {
            missing.push((custodian.name, lacks));
        }
        all.extend(own.into_iter().map(|(_, entry)| entry));
    }
    let description = "Datasets that can be asked and not copied: protected answers leave the custodian, rows do not.";
    let document = catalogue::catalogue("Caduceus datasets", description, "Caduceus", &all);
    Ok(Listing { document, missing })
}

/// The entries of what a custodian published, each with its content identifier, the oldest first.
fn entries(node: &Node, custodian: &Party) -> Result<Vec<(String, CatalogueEntry)>> {
    let folder = node.home.vault_dir(&custodian.name).join("reports");
    let contacts = contacts(node, custodian)?;
    let mut entries = Vec::new();
    for publication in super::publications(node, custodian)? {
        let path = folder.join(format!("{}.entry.json", publication.cid));
        // Datasets of an older version of the program have no entry.
        if path.is_file() {
            entries.push((publication.cid, entry(&path, &contacts)?));
        }
    }
    Ok(entries)
}

/// The entry in a file, with what the custodian tells.
fn entry(path: &Path, contacts: &Contacts) -> Result<CatalogueEntry> {
    let bytes = std::fs::read(path).map_err(|error| NodeError::file("read", path, error))?;
    let entry: CatalogueEntry = serde_json::from_slice(&bytes)
        .map_err(|error| NodeError::Damaged { path: path.to_owned(), what: error.to_string() })?;
    let Contacts { contact, access_body } = contacts.clone();
    Ok(CatalogueEntry { contact, access_body, ..entry })
}
