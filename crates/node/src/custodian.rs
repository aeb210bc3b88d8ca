//! A custodian's vault at work: records in, made safe, sealed, published; questions answered; consent kept.

mod answering;
mod publishing;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use alloy::primitives::{FixedBytes, keccak256};
use arrow::array::{AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use caduceus_contracts::ProvenanceLog;
use caduceus_protect::{Date, PATIENT_TABLE, PERSON_COLUMN, ProtectionPolicy, ProtectionReport, PseudonymKey};
use caduceus_records::schema::DatasetSchema;
use caduceus_records::{CompiledView, ConsentRecord, ReadOptions, Tables};
use caduceus_vault::{MasterKey, Receipt, Vault, VaultConfig};
use serde::{Deserialize, Serialize};

use crate::claims::PayoutTable;
use crate::error::{NodeError, Result};
use crate::home::write_atomically;
use crate::node::Node;
use crate::party::{self, Party, Role};

pub use answering::{AnsweredJob, answer, patients_in_last_answers};
pub(crate) use answering::{RESULT_INFO, SETTLED, state_name};
pub(crate) use publishing::{consenting_patients, knows_person, note_consent, published_schema, weights};
pub use publishing::{Publication, dataset_report, publications, publish};

/// Staging slots of a vault.
const RAW: &str = "raw";
const PROTECTED: &str = "protected";
const DESCRIPTION: &str = "description";

/// The smallest class that hides anybody.
const SMALLEST_K: u32 = 2;

const VIEWS: [(&str, &str); 4] = [
    ("patient", include_str!("../../../views/patient.json")),
    ("condition", include_str!("../../../views/condition.json")),
    ("encounter", include_str!("../../../views/encounter.json")),
    ("observation", include_str!("../../../views/observation.json")),
];
const PROTECTION: &str = include_str!("../../../views/protection.toml");

/// What to ingest.
#[derive(Clone, Debug, Default)]
pub struct Intake {
    /// Files or folders of FHIR R4 NDJSON or bundles.
    pub input: Vec<PathBuf>,
    /// Keep only the patients of this part of so many, where several custodians share one export.
    pub part: Option<(usize, usize)>,
    /// The custodian vouches that patients without a Consent resource consented.
    pub vouch: bool,
}

/// What came in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ingested {
    /// Patients in the tables.
    pub patients: u64,
    /// Patients who consent.
    pub consenting: u64,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Records set aside, listed in `set-aside.json` in the vault's folder.
    pub set_aside: u64,
    /// Patients whose consent rests on the custodian's word because no Consent resource came with them.
    pub vouched: u64,
    /// Files that are not FHIR.
    pub ignored_files: Vec<String>,
}

/// The compiled views and the protection policy that this program ships.
fn views() -> Result<Vec<CompiledView>> {
    VIEWS.iter().map(|(_, text)| Ok(caduceus_records::CompiledView::parse(text)?)).collect()
}

/// Opens a custodian's vault, made on first use.
pub(crate) fn vault(node: &Node, custodian: &Party) -> Result<Vault> {
    let dir = node.home.vault_dir(&custodian.name);
    let master = || MasterKey::new(*node.keyring().secret("vault", &custodian.label()));
    if dir.join("vault.json").exists() {
        return Ok(Vault::open(&dir, master())?);
    }
    let config = VaultConfig { custodian: custodian.name.clone(), jurisdiction: custodian.country.to_string() };
    Ok(Vault::create(&dir, &config, master())?)
}

fn pseudonym_key(vault: &Vault) -> PseudonymKey {
    PseudonymKey::new(*vault.pseudonym_key())
}

/// Reads FHIR into the vault's staging area, sealed, with the patients' consent receipts.
pub async fn ingest(node: &Node, custodian: &str, intake: &Intake) -> Result<Ingested> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let vault = vault(node, &custodian)?;
    let options = ReadOptions { part: intake.part, ..ReadOptions::default() };
    let read = caduceus_records::read_fhir(&intake.input, &views()?, &options, &mut |progress| {
        node.report.progress("records read", progress.records, None);
    })?;
    let patients = read.tables.get(PATIENT_TABLE).map_or(0, |table| table.num_rows());
    if patients == 0 {
        let what = format!("there is no FHIR Patient in {}", shown(&intake.input));
        return Err(NodeError::not_ready(what, "name a folder of FHIR R4 NDJSON or bundles with --input"));
    }
    let (receipts, vouched) = receipts(&read, &vault, intake.vouch)?;
    let ingested = Ingested {
        patients: patients as u64,
        consenting: receipts.iter().filter(|receipt| receipt.permit).count() as u64,
        rows: read.tables.0.iter().map(|(name, table)| (name.clone(), table.num_rows() as u64)).collect(),
        set_aside: read.set_aside.len() as u64,
        vouched,
        ignored_files: read.ignored_files.iter().map(|path| path.display().to_string()).collect(),
    };
    let set_aside = serde_json::to_vec_pretty(&read.set_aside).expect("a list of places and reasons is JSON");
    write_atomically(&node.home.vault_dir(&custodian.name).join("set-aside.json"), &set_aside)?;
    vault.put_staging(RAW, &read.tables, &mut entropy)?;
    vault.set_consents(&receipts, &mut entropy)?;
    node.home.record(&format!("ingested/{}", custodian.name), &ingested)?;
    let details = [("patients", ingested.patients.to_string()), ("set_aside", ingested.set_aside.to_string())];
    note(node, &custodian, "ingested", &details).await?;
    Ok(ingested)
}

/// What was missing from an intake, in sentences.
pub fn shortcomings(ingested: &Ingested) -> Vec<String> {
    let mut notes = Vec::new();
    let empty = ingested.rows.iter().filter(|(_, rows)| **rows == 0).map(|(name, _)| name.as_str());
    let empty: Vec<&str> = empty.collect();
    if !empty.is_empty() {
        notes.push(format!("no rows for: {}", empty.join(", ")));
    }
    if ingested.vouched > 0 {
        notes.push(format!("no Consent resource for {} patients; the hospital vouches for them", ingested.vouched));
    }
    if ingested.consenting < ingested.patients {
        notes.push(format!("{} patients did not consent and are left out", ingested.patients - ingested.consenting));
    }
    if ingested.set_aside > 0 {
        notes.push(format!("{} records set aside: see set-aside.json in the vault's folder", ingested.set_aside));
    }
    if !ingested.ignored_files.is_empty() {
        notes.push(format!("not FHIR, left alone: {}", ingested.ignored_files.join(", ")));
    }
    notes
}

fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// One receipt a patient: from their Consent resource, or on the custodian's word. Gives how many rest on the latter.
fn receipts(read: &caduceus_records::Ingest, vault: &Vault, vouch: bool) -> Result<(Vec<Receipt>, u64)> {
    let key = pseudonym_key(vault);
    let by_patient: BTreeMap<&str, &ConsentRecord> =
        read.consents.iter().map(|consent| (consent.patient.as_str(), consent)).collect();
    let mut vouched = 0;
    let mut receipts = Vec::new();
    for patient in patient_column(&read.tables) {
        let consent = by_patient.get(patient);
        vouched += u64::from(consent.is_none() && vouch);
        let document = consent.map_or_else(|| "vouched for by the custodian".to_owned(), |consent| format!("{consent:?}"));
        receipts.push(Receipt {
            pseudonym: key.pseudonym(patient),
            permit: consent.map_or(vouch, |consent| consent.permit),
            document_hash: keccak256([key.pseudonym(patient).as_bytes(), document.as_bytes()].concat()).0,
        });
    }
    Ok((receipts, vouched))
}

/// The patients' ids of a raw patient table.
fn patient_column(tables: &Tables) -> Vec<&str> {
    let table = tables.get(PATIENT_TABLE);
    let column = table.and_then(|table| table.column_by_name(PERSON_COLUMN));
    column.map_or_else(Vec::new, |column| column.as_string::<i32>().iter().flatten().collect())
}

/// Makes the ingested records of consenting patients safe, and keeps the result in the vault's staging area.
///
/// `k` replaces the policy's number. Where there are fewer patients than that, all of them become one class.
pub async fn protect(node: &Node, custodian: &str, k: Option<u32>) -> Result<ProtectedSummary> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let vault = vault(node, &custodian)?;
    let Some(raw) = vault.staging(RAW)? else {
        let what = format!("{} has ingested nothing", custodian.name);
        return Err(NodeError::not_ready(what, format!("run `caduceus ingest --custodian {} --input DIR` first", custodian.name)));
    };
    let raw = consenting(&raw, &vault)?;
    let policy = ProtectionPolicy::parse(PROTECTION)?;
    let patients = patient_column(&raw).len() as u32;
    let k = k.unwrap_or_else(|| policy.k().min(patients.max(SMALLEST_K)));
    let reference = reference_date(node).await?;
    let protected = caduceus_protect::protect(&raw, &policy, &pseudonym_key(&vault), reference, Some(k))?;
    let summary = ProtectedSummary::of(&protected);
    let description = serde_json::to_vec(&summary).expect("a report is JSON");
    vault.put_staging(PROTECTED, &protected.tables, &mut entropy)?;
    vault.put_staging_bytes(DESCRIPTION, &description, &mut entropy)?;
    let details = [("patients", summary.patients_out.to_string()), ("k", summary.k_reached.to_string())];
    note(node, &custodian, "protected", &details).await?;
    Ok(summary)
}

/// The rows of patients whose receipt permits.
fn consenting(raw: &Tables, vault: &Vault) -> Result<Tables> {
    let key = pseudonym_key(vault);
    let receipts = vault.consents()?;
    let permitted: BTreeSet<&str> =
        receipts.iter().filter(|receipt| receipt.permit).map(|receipt| receipt.pseudonym.as_str()).collect();
    let allowed: BTreeSet<&str> =
        patient_column(raw).into_iter().filter(|id| permitted.contains(key.pseudonym(id).as_str())).collect();
    let mut kept = Tables::default();
    for (name, table) in &raw.0 {
        let column = table.column_by_name(PERSON_COLUMN).map(|column| column.as_string::<i32>());
        let keep: BooleanArray = match column {
            Some(column) => column.iter().map(|id| Some(id.is_some_and(|id| allowed.contains(id)))).collect(),
            None => BooleanArray::from(vec![false; table.num_rows()]),
        };
        let filtered = filter_record_batch(table, &keep).expect("the mask has the table's length");
        kept.0.insert(name.clone(), filtered);
    }
    Ok(kept)
}

/// New Year's Day of the ledger's present year, at which ages are counted.
async fn reference_date(node: &Node) -> Result<Date> {
    const DAY: u64 = 24 * 3_600;
    let leap = |year: i32| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let (mut year, mut days) = (1970, node.now().await? / DAY);
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    Date::new(year, 1, 1).ok_or_else(|| NodeError::Chain("the ledger's clock is out of range".into()))
}

/// What protection did, and the published schema that came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProtectedSummary {
    /// Patients who are in.
    pub patients_out: u64,
    /// Patients left out because nobody is like them.
    pub patients_suppressed: u64,
    /// Patients in the smallest class.
    pub k_reached: u32,
    /// The whole report: counts and choices, no values.
    pub report: ProtectionReport,
    schema: DatasetSchema,
}

impl ProtectedSummary {
    fn of(protected: &caduceus_protect::Protected) -> ProtectedSummary {
        let report = protected.report.clone();
        ProtectedSummary {
            patients_out: report.patients_out,
            patients_suppressed: report.patients_suppressed,
            k_reached: report.k_reached,
            report,
            schema: protected.schema.clone(),
        }
    }

    /// The day at which ages were counted.
    fn reference(&self) -> Result<Date> {
        let date = Date::parse(&self.report.reference_date);
        date.ok_or_else(|| NodeError::Chain("the protection report has no reference date".into()))
    }

    /// How many identifying values were removed or made coarser.
    pub fn removed(&self) -> u64 {
        self.report.fields.values().map(|field| field.removed + field.generalized).sum()
    }
}

/// Random bytes for keys and nonces.
fn entropy(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system gives random numbers, or nothing here can be kept secret");
}

/// Appends a record to a custodian's log. Details are identifiers, hashes and counts.
pub(crate) async fn note(node: &Node, custodian: &Party, kind: &str, details: &[(&str, String)]) -> Result<()> {
    let time = node.now().await?;
    let mut log = caduceus_vault::AuditLog::open(&crate::audit::log_path(node, custodian))?;
    let details = details.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    log.append(kind, time, details)?;
    Ok(())
}

/// Puts the head of a custodian's log on the ledger, unless it is there.
pub(crate) async fn anchor(node: &Node, custodian: &Party) -> Result<()> {
    let log = caduceus_vault::AuditLog::open(&crate::audit::log_path(node, custodian))?;
    let Some((sequence, hash)) = log.head() else { return Ok(()) };
    let to = node.at.provenance_log;
    let anchored = ProvenanceLog::new(to, &node.provider).head(custodian.address).call().await?;
    if anchored.sequence >= sequence {
        return Ok(());
    }
    let call = ProvenanceLog::anchorCall { sequence, head: FixedBytes(hash) };
    node.send("log anchored", &format!("anchor/{}/{sequence}", custodian.name), &custodian.signer(node), to, &call).await?;
    Ok(())
}

fn payout_slot(dataset: u64) -> String {
    format!("payout-{dataset}")
}

/// Who may claim how much of a dataset's yield, as the vault keeps it.
pub(crate) fn payout_table(vault: &Vault, dataset: u64) -> Result<PayoutTable> {
    let Some(bytes) = vault.staging_bytes(&payout_slot(dataset))? else { return Ok(PayoutTable::default()) };
    serde_json::from_slice(&bytes)
        .map_err(|error| NodeError::Chain(format!("the payout table of dataset {dataset} cannot be read: {error}")))
}

/// Keeps the payout table of a dataset, sealed.
pub(crate) fn keep_payout_table(vault: &Vault, dataset: u64, table: &PayoutTable) -> Result<()> {
    let bytes = serde_json::to_vec(table).expect("a table of amounts is JSON");
    Ok(vault.put_staging_bytes(&payout_slot(dataset), &bytes, &mut entropy)?)
}
