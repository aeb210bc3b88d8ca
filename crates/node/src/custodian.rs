//! A custodian's vault at work: records in, made safe, sealed, published; questions answered; consent kept.

mod answering;
pub mod catalogue;
mod consent;
mod earnings;
mod evidence;
mod noting;
mod publishing;
mod rights;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use alloy::primitives::{B256, FixedBytes, keccak256};
use arrow::array::{AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::ipc::writer::StreamWriter;
use caduceus_contracts::ProvenanceLog;
use caduceus_policy::consent::Party as Account;
use caduceus_policy::{DataClass, default_rules};
use caduceus_protect::dataset_report::CameIn;
use caduceus_protect::{
    Date, PATIENT_TABLE, PERSON_COLUMN, ProtectionPolicy, ProtectionReport, PseudonymKey,
};
use caduceus_records::schema::DatasetSchema;
use caduceus_records::{CompiledView, ConsentRecord, ReadOptions, Reason, Tables};
use caduceus_vault::audit::{AuditLog, Detail, Event, Kind};
use caduceus_vault::{MasterKey, Receipt, Vault, VaultConfig};
use serde::{Deserialize, Serialize};

use crate::error::{NodeError, Result};
use crate::home::write_atomically;
use crate::member::person_id;
use crate::node::{Node, Place};
use crate::party::{self, Party, Role};
use crate::tables::{numbers_beside, write, write_report};

pub(crate) use answering::answer_telling;
pub use answering::{AnsweredJob, answer, answer_all, patients_in_last_answers};
pub(crate) use answering::{
    EXPLICIT, MOST_FOR_ONE, REFUNDED, REFUSAL_INFO, RESULT_INFO, SETTLED, StuckJob, check_budget,
    remaining_budget, state_name,
};
pub use consent::NotCarried;
pub(crate) use earnings::{
    Standing, Weighed, kept as earned, payments_of, people, settle, settled, weighed, weights,
};
pub(crate) use evidence::{
    Evidence, claims as mint_claims, examine, measure, scores, standing_root, summary, value_claim,
};
pub(crate) use noting::{
    OnPaper, Owed, gone, log_since, note_attested, note_ledger, note_on_paper, owed, refused_until,
    revoked_on_paper, untold,
};
pub use publishing::{Publication, dataset_report, publications, publish, require_dataset};
pub(crate) use publishing::{cid, custodian_of, published};
pub(crate) use rights::{
    consent_leaf, consenting_patients, granted_after, note_revocation, receipt_of,
};
pub use rights::{erase, erase_patient, revoke_patient, withdraw};

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
    /// Patients who were erased before and stay out.
    #[serde(default)]
    pub erased: u64,
    /// Consents about nobody in the export: they name no patient, or one who did not come with it.
    #[serde(default)]
    pub consents_of_nobody: u64,
    /// Patients who have other records here, by links in them: the documents about any of these count for all.
    #[serde(default)]
    pub linked: u64,
    /// Members with grants on the ledger of whom a document refuses: what they granted before it does not count.
    #[serde(default)]
    pub members_refusing: u64,
    /// What Consent resources say beyond what a grant can hold, which permits nothing.
    #[serde(default)]
    pub not_carried: Vec<NotCarried>,
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
    node.home.vault_part(&custodian.name, "vault.json", |settings| {
        if settings.exists() {
            let vault = Vault::open(&dir, master())?;
            for pseudonym in vault.unfinished_erasures()? {
                destroy(&vault, &pseudonym)?;
            }
            return Ok(vault);
        }
        let config = VaultConfig {
            custodian: custodian.name.clone(),
            jurisdiction: custodian.country.to_string(),
        };
        Ok(Vault::create(&dir, &config, master(), &mut entropy)?)
    })
}

/// Destroys what a vault holds of a person.
fn destroy(vault: &Vault, pseudonym: &str) -> Result<caduceus_vault::Erasure> {
    let key = pseudonym_key(vault);
    Ok(vault.erase_person(pseudonym, &|patient| key.pseudonym(patient), &mut entropy)?)
}

fn pseudonym_key(vault: &Vault) -> PseudonymKey {
    PseudonymKey::new(*vault.pseudonym_key())
}

/// Reads FHIR into the vault's staging area, sealed, with the patients' consent receipts.
pub async fn ingest(node: &Node, custodian: &str, intake: &Intake) -> Result<Ingested> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let vault = vault(node, &custodian)?;
    let options = ReadOptions { part: intake.part, ..ReadOptions::default() };
    let mut read =
        caduceus_records::read_fhir(&intake.input, &views()?, &options, &mut |progress| {
            node.report.progress("records read", progress.records, None);
        })?;
    let set_aside =
        serde_json::to_vec_pretty(&read.set_aside).expect("a list of places and reasons is JSON");
    write_atomically(&node.home.vault_dir(&custodian.name).join("set-aside.json"), &set_aside)?;
    if patient_column(&read.tables).is_empty() {
        return Err(no_patient(&intake.input, &read));
    }
    rights::follow(node, &custodian, &vault).await?;
    let erased = leave_out_erased(node, &custodian, &mut read.tables, &vault)?;
    let patients = patient_column(&read.tables).len();
    // What was earned until now was earned under the receipts as they are.
    settle(node, &custodian, &vault).await?;
    let account = Account(custodian.address.into_array());
    let mut documents = consent::Reader::new(node.rules, account, node.chain_id(), this_moment());
    let Register { receipts, vouched, linked, changed } =
        receipts(&read, &vault, &mut documents, intake.vouch)?;
    let ingested = Ingested {
        consents_of_nobody: consents_of_nobody(&read),
        linked,
        members_refusing: members_refusing(node, &custodian, &receipts).await?,
        patients: patients as u64,
        consenting: consenting_now(&receipts, &read.tables, &vault),
        rows: read
            .tables
            .0
            .iter()
            .map(|(name, table)| (name.clone(), table.num_rows() as u64))
            .collect(),
        set_aside: read.set_aside.len() as u64,
        vouched,
        erased,
        not_carried: documents.not_carried(),
        ignored_files: read.ignored_files.iter().map(|path| path.display().to_string()).collect(),
    };
    for (person, word) in changed {
        note_on_paper(node, &custodian, person, word).await?;
    }
    vault.put_staging(RAW, &read.tables, &mut entropy)?;
    vault.set_consents(&receipts, &mut entropy)?;
    rights::post_roots(node, &custodian, &vault).await?;
    node.home.record(&ingested_key(&custodian), &ingested)?;
    let details =
        [("patients", number(ingested.patients)), ("set_aside", number(ingested.set_aside))];
    note(node, &custodian, Kind::Ingested, "records", &details).await?;
    anchor(node, &custodian).await?;
    Ok(ingested)
}

fn consents_of_nobody(read: &caduceus_records::Ingest) -> u64 {
    let patients: BTreeSet<&str> = patient_column(&read.tables).into_iter().collect();
    let set_aside = read.set_aside.iter().filter(|one| one.reason == Reason::ConsentOfNobody);
    let absent = read.consents.iter().filter(|one| !patients.contains(one.patient.as_str()));
    (set_aside.count() + absent.count()) as u64
}

async fn members_refusing(node: &Node, custodian: &Party, receipts: &[Receipt]) -> Result<u64> {
    let standing = Standing::read(&node.provider, &node.at, custodian.address).await?;
    let (now, newest) = (node.now().await?, Place { block: u64::MAX, log: u64::MAX });
    let refusing = receipts.iter().filter(|receipt| {
        let person = person_id(&receipt.pseudonym);
        is_refused(receipt) && standing.member_consents(person, newest, now) == Some(true)
    });
    Ok(refusing.count() as u64)
}

/// Where a home keeps what came of a custodian's newest intake.
fn ingested_key(custodian: &Party) -> String {
    format!("ingested/{}", custodian.name)
}

/// What a report says of an intake.
fn came_in(ingested: &Ingested) -> CameIn {
    CameIn {
        patients: ingested.patients,
        consenting: ingested.consenting,
        vouched: ingested.vouched,
        erased: ingested.erased,
        set_aside: ingested.set_aside,
        consents_not_carried: ingested.not_carried.iter().map(|part| part.consents).sum(),
        ignored_files: ingested.ignored_files.len() as u64,
    }
}

/// Whether every custodian of this home ingested rows of `table`.
pub fn everybody_has(node: &Node, table: &str) -> Result<bool> {
    for custodian in party::custodians(node)? {
        let ingested: Option<Ingested> = node.home.recall(&ingested_key(&custodian))?;
        let rows = ingested.and_then(|ingested| ingested.rows.get(table).copied());
        if rows.unwrap_or_default() == 0 {
            return Ok(false);
        }
    }
    Ok(true)
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
        notes.push(format!(
            "no Consent resource for {} patients; the hospital vouches for them",
            ingested.vouched
        ));
    }
    if ingested.consenting < ingested.patients {
        notes.push(format!(
            "{} patients did not consent and are left out",
            ingested.patients - ingested.consenting
        ));
    }
    for part in &ingested.not_carried {
        notes.push(format!("in {} consent(s), {}: {}", part.consents, part.path, part.why));
    }
    if ingested.consents_of_nobody > 0 {
        notes.push(format!(
            "{} Consents are about nobody in this export, so that a refusal among them counts for nobody: look at them",
            ingested.consents_of_nobody
        ));
    }
    if ingested.linked > 0 {
        notes.push(format!(
            "{} records are linked to others about the same person (Patient.link): a Consent about one counts for all of them",
            ingested.linked
        ));
    }
    if ingested.members_refusing > 0 {
        notes.push(format!(
            "{} members have grants on the ledger and a document that refuses: what they granted before it counts in no answer, what they granted later does",
            ingested.members_refusing
        ));
    }
    if ingested.erased > 0 {
        notes.push(format!("{} patients were erased before and stay out", ingested.erased));
    }
    if ingested.set_aside > 0 {
        notes.push(format!(
            "{} records set aside: see set-aside.json in the vault's folder",
            ingested.set_aside
        ));
    }
    if !ingested.ignored_files.is_empty() {
        notes.push(format!("not FHIR or empty, left alone: {}", ingested.ignored_files.join(", ")));
    }
    notes
}

fn shown(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Why nothing came in: no Patient, and the first record that might have been one.
fn no_patient(input: &[PathBuf], read: &caduceus_records::Ingest) -> NodeError {
    let mut what = format!("there is no FHIR Patient in {}", shown(input));
    if let Some(first) = read.set_aside.first() {
        let (count, file) = (read.set_aside.len(), first.file.display());
        let (line, reason) = (first.line, &first.reason);
        what.push_str(&format!(
            "; {count} record(s) cannot be read, the first in {file}, line {line}: {reason}"
        ));
    } else if !read.ignored_files.is_empty() {
        what.push_str(&format!("; not FHIR or empty: {}", shown(&read.ignored_files)));
    }
    NodeError::not_ready(what, "name a folder of FHIR R4 NDJSON or bundles with --input")
}

/// Takes the rows of people who were erased out of raw tables, by the register and by the log, of which one may have been put
/// back from an old copy. Gives how many people that were.
fn leave_out_erased(
    node: &Node,
    custodian: &Party,
    tables: &mut Tables,
    vault: &Vault,
) -> Result<u64> {
    let register = vault.consents()?.into_iter().filter(|receipt| receipt.erased);
    let mut erased: BTreeSet<String> =
        register.map(|receipt| person_id(&receipt.pseudonym).to_string()).collect();
    let log = log_since(node, custodian, |_| true)?.into_iter();
    erased.extend(log.filter(|record| record.kind == Kind::Erased).map(|record| record.subject));
    if erased.is_empty() {
        return Ok(0);
    }
    let key = pseudonym_key(vault);
    let before = patient_column(tables).len();
    *tables = of_people(tables, &|id| !erased.contains(&person_id(&key.pseudonym(id)).to_string()));
    Ok((before - patient_column(tables).len()) as u64)
}

/// The register of consent after an intake.
struct Register {
    receipts: Vec<Receipt>,
    /// How many rest on the custodian's word.
    vouched: u64,
    /// How many have links to others about the same person.
    linked: u64,
    /// Who was known and says something else now.
    changed: Vec<(B256, OnPaper)>,
}

/// The register of consent after an intake: one receipt for each of its patients, from their Consent resources or
/// on the custodian's word, and those of everybody else as they were.
fn receipts(
    read: &caduceus_records::Ingest,
    vault: &Vault,
    documents: &mut consent::Reader<'_>,
    vouch: bool,
) -> Result<Register> {
    let key = pseudonym_key(vault);
    let mut register: BTreeMap<String, Receipt> =
        vault.consents()?.into_iter().map(|receipt| (receipt.pseudonym.clone(), receipt)).collect();
    let linked = same_person(read);
    let person = |patient: &str| linked.get(patient).copied();
    let mut consents: BTreeMap<&str, Vec<&ConsentRecord>> = BTreeMap::new();
    for consent in &read.consents {
        let of = person(&consent.patient).unwrap_or(&consent.patient);
        consents.entry(of).or_default().push(consent);
    }
    let (mut vouched, mut changed) = (0, Vec::new());
    for patient in patient_column(&read.tables) {
        let own = consents.get(person(patient).unwrap_or(patient));
        let own = own.map_or(&[][..], Vec::as_slice);
        let pseudonym = key.pseudonym(patient);
        let known = register.get(&pseudonym);
        let receipt = documents.receipt(pseudonym, own, vouch, known);
        vouched += u64::from(own.is_empty() && vouch && receipt.permit);
        let word = known.and_then(|known| changed_word(known, &receipt));
        changed.extend(word.map(|word| (person_id(&receipt.pseudonym), word)));
        register.insert(receipt.pseudonym.clone(), receipt);
    }
    let linked = linked.len() as u64;
    Ok(Register { receipts: register.into_values().collect(), vouched, linked, changed })
}

/// Of each record with links to others about the same person, the one that stands for all of them.
fn same_person(read: &caduceus_records::Ingest) -> BTreeMap<&str, &str> {
    let mut linked: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (one, other) in &read.links {
        linked.entry(one).or_default().push(other);
        linked.entry(other).or_default().push(one);
    }
    let mut first_of = BTreeMap::new();
    for first in linked.keys() {
        let mut found = if first_of.contains_key(first) { Vec::new() } else { vec![*first] };
        while let Some(record) = found.pop() {
            if first_of.insert(record, *first).is_none() {
                found.extend(&linked[record]);
            }
        }
    }
    first_of
}

/// What a receipt says that the one `known` before it did not: that the use is permitted, or by a document or for want of one
/// that it is refused.
fn changed_word(known: &Receipt, receipt: &Receipt) -> Option<OnPaper> {
    let documents = |receipt: &Receipt| receipt.decided.as_ref().map(|one| one.documents.clone());
    let refuses = is_refused(receipt);
    let news = refuses && documents(known) != documents(receipt);
    let until = receipt.decided.as_ref().and_then(|decided| u64::try_from(decided.last).ok());
    match receipt.permit {
        true => (!known.permit).then_some(OnPaper::Permits),
        false => {
            (known.permit || news).then_some(OnPaper::Refuses { until: until.filter(|_| refuses) })
        }
    }
}

/// Whether documents of the person refuse every use.
fn is_refused(receipt: &Receipt) -> bool {
    !receipt.permit && !receipt.erased && receipt.decided.is_some() && receipt.grants.is_empty()
}

/// How many of the patients in raw tables have a receipt that permits some use.
fn consenting_now(receipts: &[Receipt], tables: &Tables, vault: &Vault) -> u64 {
    let key = pseudonym_key(vault);
    let permitted = permitted(receipts);
    let patients = patient_column(tables).into_iter();
    patients.filter(|id| permitted.contains(key.pseudonym(id).as_str())).count() as u64
}

/// What datasets hold.
const CLASS: DataClass = DataClass::Clinical;

/// The pseudonyms whose receipt permits some use of what datasets hold, now.
fn permitted(receipts: &[Receipt]) -> BTreeSet<&str> {
    let now = this_moment();
    let permitting = receipts.iter().filter(|receipt| consent::covers_class(receipt, CLASS, now));
    permitting.map(|receipt| receipt.pseudonym.as_str()).collect()
}

/// By this machine's clock, in seconds since 1970.
fn this_moment() -> u64 {
    u64::try_from(crate::credentials::now()).unwrap_or_default()
}

/// The patients' ids of a raw patient table.
fn patient_column(tables: &Tables) -> Vec<&str> {
    let table = tables.get(PATIENT_TABLE);
    let column = table.and_then(|table| table.column_by_name(PERSON_COLUMN));
    column.map_or_else(Vec::new, |column| column.as_string::<i32>().iter().flatten().collect())
}

/// Makes the ingested records of consenting patients safe, and keeps the result in the vault's staging area.
///
/// `k` replaces the policy's number. Where there are fewer patients than that, all of them become one class. A k with
/// which the law permits no use at all is refused. The report goes to `report`, if that is asked for.
///
/// # Errors
/// [`NodeError::Usage`] for a k below the law's, [`NodeError::NotReady`] where nothing was ingested.
pub async fn protect(
    node: &Node,
    custodian: &str,
    k: Option<u32>,
    report: Option<&Path>,
) -> Result<ProtectedSummary> {
    report.map(numbers_beside).transpose()?;
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let vault = vault(node, &custodian)?;
    let Some(raw) = vault.staging(RAW)? else {
        let what = format!("{} has ingested nothing", custodian.name);
        return Err(NodeError::not_ready(
            what,
            format!("run `caduceus ingest --custodian {} --input DIR` first", custodian.name),
        ));
    };
    let all = raw.rows() as u64;
    node.report.progress("rows made safe, taking those of patients who consent", 0, Some(all));
    rights::follow(node, &custodian, &vault).await?;
    let raw = consenting(&raw, &vault)?;
    let policy = ProtectionPolicy::parse(PROTECTION)?;
    let patients = patient_column(&raw).len() as u32;
    let k = lawful_k(k, policy.k(), patients)?;
    let reference = reference_date(node).await?;
    let mut progress = |what: &str, done, of| node.report.progress(what, done, Some(of));
    let key = pseudonym_key(&vault);
    let protected =
        caduceus_protect::protect(&raw, &policy, &key, reference, Some(k), &mut progress)?;
    let rows = protected.tables.rows() as u64;
    node.report.progress("rows sealed", 0, Some(rows));
    let ingested: Option<Ingested> = node.home.recall(&ingested_key(&custodian))?;
    let day = caduceus_contracts::words::date(node.now().await?).chars().take(10).collect();
    let summary = ProtectedSummary::of(&protected, day, ingested.as_ref().map(came_in));
    let description = serde_json::to_vec(&summary).expect("a report is JSON");
    vault.put_staging(PROTECTED, &protected.tables, &mut entropy)?;
    vault.put_document(DESCRIPTION, &description, &mut entropy)?;
    node.report.progress("rows sealed", rows, Some(rows));
    if let Some(path) = report {
        let scores = evidence::quality(&summary, &protected.tables, &summary.schema)?;
        write_report(path, &catalogue::report(&custodian, &summary, scores, None), write)?;
    }
    let details =
        [("patients", number(summary.patients_out)), ("k", number(summary.k_reached.into()))];
    note(node, &custodian, Kind::Protected, "records", &details).await?;
    anchor(node, &custodian).await?;
    Ok(summary)
}

/// The k that was asked for, else the policy's or as many as there are patients; never one with which the law permits no
/// use of clinical data.
fn lawful_k(asked: Option<u32>, policy: u32, patients: u32) -> Result<u32> {
    let law = default_rules().least_k(CLASS).map_or(SMALLEST_K, u32::from);
    let law = law.max(SMALLEST_K);
    match asked {
        Some(k) if k < law => Err(NodeError::Usage(format!(
            "no rule permits any use of clinical data with k = {k}; take --k {law} or more"
        ))),
        Some(k) => Ok(k),
        None => Ok(policy.min(patients).max(law)),
    }
}

/// The subject of the records of exports.
pub(crate) const EXPORTED: &str = "records";

/// Writes the protected tables as Parquet files into `folder`, for the custodian's own eyes. Gives their names.
///
/// # Errors
/// [`NodeError::Refused`] where somebody in them permits no use any more.
pub async fn export(node: &Node, custodian: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let vault = vault(node, &custodian)?;
    let Some(tables) = vault.staging(PROTECTED)? else {
        let what = format!("{} has nothing protected to export", custodian.name);
        let todo = format!("run `caduceus protect --custodian {}` first", custodian.name);
        return Err(NodeError::not_ready(what, todo));
    };
    rights::follow(node, &custodian, &vault).await?;
    let receipts = vault.consents()?;
    let permitted = permitted(&receipts);
    if patient_column(&tables).iter().any(|pseudonym| !permitted.contains(pseudonym)) {
        return Err(NodeError::Refused { action: "the export".into(), reason: AGAIN.to_owned() });
    }
    let details = [("to", Detail::from("files")), ("rows", number(tables.rows() as u64))];
    note(node, &custodian, Kind::Released, EXPORTED, &details).await?;
    // Before the files are there, the ledger holds that they were written.
    anchor(node, &custodian).await?;
    std::fs::create_dir_all(folder).map_err(|error| NodeError::file("create", folder, error))?;
    let mut written = Vec::new();
    for (name, table) in &tables.0 {
        let path = folder.join(format!("{name}.parquet"));
        caduceus_records::write_parquet(table, &path)?;
        written.push(path);
    }
    Ok(written)
}

/// What is said where protected tables have somebody who permits no use any more.
const AGAIN: &str = "a patient in it has not consented; run `caduceus protect` again";

/// The rows of patients whose receipt permits some use.
fn consenting(raw: &Tables, vault: &Vault) -> Result<Tables> {
    let key = pseudonym_key(vault);
    let receipts = vault.consents()?;
    let permitted = permitted(&receipts);
    let patients = patient_column(raw).into_iter();
    let allowed: BTreeSet<&str> =
        patients.filter(|id| permitted.contains(key.pseudonym(id).as_str())).collect();
    Ok(of_people(raw, &|id| allowed.contains(id)))
}

/// The rows of those patients for whom `keep` says yes; rows of nobody are left out.
fn of_people(tables: &Tables, keep: &dyn Fn(&str) -> bool) -> Tables {
    let mut kept = Tables::default();
    for (name, table) in &tables.0 {
        let column = table.column_by_name(PERSON_COLUMN).map(|column| column.as_string::<i32>());
        let mask: BooleanArray = match column {
            Some(column) => column.iter().map(|id| Some(id.is_some_and(keep))).collect(),
            None => BooleanArray::from(vec![false; table.num_rows()]),
        };
        let filtered = filter_record_batch(table, &mask).expect("the mask has the table's length");
        kept.0.insert(name.clone(), filtered);
    }
    kept
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
    Date::new(year, 1, 1)
        .ok_or_else(|| NodeError::Chain("the ledger's clock is out of range".into()))
}

/// A hash over all rows, in Arrow's IPC format.
fn digest(tables: &Tables) -> B256 {
    let mut bytes = Vec::new();
    for (name, table) in &tables.0 {
        bytes.extend_from_slice(name.as_bytes());
        let mut writer = StreamWriter::try_new(&mut bytes, &table.schema())
            .expect("writing to memory cannot fail");
        writer.write(table).and_then(|()| writer.finish()).expect("writing to memory cannot fail");
    }
    keccak256(bytes)
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
    /// Hash of the protected tables, by which one publication is told from another.
    content: B256,
    schema: DatasetSchema,
    /// The day at which it was done, `YYYY-MM-DD`.
    #[serde(default)]
    day: String,
    /// What had come in.
    #[serde(default)]
    intake: Option<CameIn>,
}

impl ProtectedSummary {
    fn of(
        protected: &caduceus_protect::Protected,
        day: String,
        intake: Option<CameIn>,
    ) -> ProtectedSummary {
        let report = protected.report.clone();
        ProtectedSummary {
            patients_out: report.account.released,
            patients_suppressed: report.account.suppressed,
            k_reached: report.k_reached(),
            report,
            content: digest(&protected.tables),
            schema: protected.schema.clone(),
            day,
            intake,
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

/// A count for a log's record.
pub(crate) fn number(count: u64) -> Detail {
    Detail::Number(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Random bytes for keys and nonces.
pub(crate) fn entropy(bytes: &mut [u8]) {
    getrandom::fill(bytes)
        .expect("the operating system gives random numbers, or nothing here can be kept secret");
}

/// Keeps a short document in a custodian's vault, sealed.
pub(crate) fn seal_document(node: &Node, custodian: &Party, name: &str, text: &[u8]) -> Result<()> {
    Ok(vault(node, custodian)?.put_document(name, text, &mut entropy)?)
}

/// A document that [`seal_document`] kept.
pub(crate) fn sealed_document(
    node: &Node,
    custodian: &Party,
    name: &str,
) -> Result<Option<Vec<u8>>> {
    Ok(vault(node, custodian)?.document(name)?)
}

/// Opens a custodian's log, begun on first use.
fn open_log(node: &Node, custodian: &Party) -> Result<AuditLog> {
    node.home.vault_part(&custodian.name, "audit.jsonl", |path| Ok(AuditLog::open(path)?))
}

/// Appends a record to a custodian's log: what was done to `subject`, with identifiers, hashes and counts.
pub(crate) async fn note(
    node: &Node,
    custodian: &Party,
    kind: Kind,
    subject: &str,
    details: &[(&str, Detail)],
) -> Result<()> {
    let time = node.now().await?;
    let mut log = open_log(node, custodian)?;
    // Without it, whoever sees an anchor on the ledger could find a record's counts by trying.
    let salt = Detail::Text(alloy::hex::encode(crate::home::random::<16>()?));
    let details = details.iter().cloned().chain([("salt", salt)]);
    let details = details.map(|(name, detail)| (name.to_owned(), detail)).collect();
    log.append(Event { time, kind, subject: subject.to_owned(), details })?;
    Ok(())
}

/// Brings a custodian's log up to the ledger and puts its head there, unless it is there.
pub(crate) async fn anchor(node: &Node, custodian: &Party) -> Result<()> {
    note_ledger(node, custodian).await?;
    let (sequence, hash) = open_log(node, custodian)?.head();
    let to = node.at.provenance_log;
    let anchored = ProvenanceLog::new(to, &node.provider).head(custodian.address).call().await?;
    if anchored.sequence >= sequence {
        return Ok(());
    }
    let call = ProvenanceLog::anchorCall { sequence, head_: FixedBytes(hash) };
    node.send(
        "log anchored",
        &format!("anchor/{}/{sequence}", custodian.name),
        &custodian.signer(node),
        to,
        &call,
    )
    .await?;
    Ok(())
}
