//! The whole way from raw to protected tables.

mod patients;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use caduceus_records::Tables;
use caduceus_records::schema::{ColumnSchema, DatasetSchema, Domain, TableSchema};

use crate::date::Date;
use crate::error::ProtectError;
use crate::hierarchy::OTHER;
use crate::policy::{ProtectionPolicy, Rule, TablePolicy, check_k};
use crate::pseudonym::PseudonymKey;
use crate::report::{FieldReport, ProtectionReport, TableReport};
use crate::transform::{self, RawTable};
use patients::{Identifier, Patients, plain_id};

/// Name of the table that has one row for each patient, raw and protected.
pub const PATIENT_TABLE: &str = "patient";
/// Name of the column that says whose row it is: a resource id in raw tables, a pseudonym in protected ones.
pub const PERSON_COLUMN: &str = "patient";

/// Protected tables, the description that is published with them, and an account of what was done.
#[derive(Clone, Debug)]
pub struct Protected {
    /// Every table of the policy, sorted by pseudonym; the order of one patient's rows is that of the raw table.
    pub tables: Tables,
    /// The tables' published description.
    pub schema: DatasetSchema,
    /// What was done, in numbers.
    pub report: ProtectionReport,
}

/// Protects raw tables.
///
/// Ages are counted at `reference_date`. `k` replaces the policy's own k where it is given. A table of the policy that
/// `raw` does not have comes out empty; raw tables that the policy does not know are dropped.
///
/// # Errors
/// [`ProtectError::TooFewPatients`] where k cannot be reached at all, [`ProtectError::Column`] where a view did not
/// deliver what a rule reads, [`ProtectError::UselessK`] and [`ProtectError::ReferenceDate`] for arguments out of range.
///
/// `progress` is told what is done next, in a few words, with how many of how many raw rows are done.
pub fn protect(
    raw: &Tables,
    policy: &ProtectionPolicy,
    pseudonym_key: &PseudonymKey,
    reference_date: Date,
    k: Option<u32>,
    progress: &mut dyn FnMut(&str, u64, u64),
) -> Result<Protected, ProtectError> {
    let all = raw.rows() as u64;
    progress("rows made safe, searching for the best generalization", 0, all);
    let k = k.unwrap_or(policy.k);
    check_k(k)?;
    if !(1900..=2100).contains(&reference_date.year()) {
        return Err(ProtectError::ReferenceDate(reference_date.year()));
    }
    let patients = Patients::read(raw, policy, pseudonym_key, reference_date)?;
    let count = patients.rows.len() as u64;
    if count < u64::from(k) {
        return Err(ProtectError::TooFewPatients { patients: count, k });
    }
    let anonymous = patients.anonymize(k, policy.maximum_suppression)?;
    // Patients are in the order of their pseudonyms, and so are those who stay.
    let mut kept: Vec<usize> = anonymous.origin.iter().map(|&row| row as usize).collect();
    kept.sort_unstable();

    let mut out = Output::default();
    let mut done = 0;
    for table in &policy.tables {
        progress("rows made safe", done, all);
        let batch = raw.get(&table.name);
        done += batch.map_or(0, |batch| batch.num_rows() as u64);
        out.add(
            RawTable { name: &table.name, batch },
            table,
            &patients,
            &anonymous.levels,
            &kept,
            reference_date,
        )?;
    }
    let (tables, fields, rows) = (Tables(out.tables), out.fields, out.rows);
    let schema = DatasetSchema {
        id: policy.schema_id.clone(),
        version: policy.schema_version,
        max_fuel_per_person: policy.max_fuel_per_person,
        tables: out.schema,
    };
    let reached = smallest_class(&tables, &patients.names())?;
    if reached < k {
        return Err(ProtectError::NotReached { reached, k });
    }
    let report = ProtectionReport {
        reference_date: reference_date.to_string(),
        l_reached: fewest_conditions(&tables, &patients.names())?,
        patients_set_aside: patients.table.rows() as u64 - count,
        meanings: patients.meanings(&anonymous.levels),
        account: anonymous.account,
        classes: anonymous.classes,
        tables: rows,
        fields,
    };
    Ok(Protected { tables, schema, report })
}

/// Size of the smallest class of patients of a protected dataset that agree in these columns of the patient table; the
/// k that was reached, counted from the rows themselves. 0 without patients. It shares nothing with the search, so that
/// it can check what the search found.
///
/// # Errors
/// [`ProtectError::NoPatients`] and [`ProtectError::Column`] where the table or a column is missing.
pub fn smallest_class(tables: &Tables, quasi_identifiers: &[&str]) -> Result<u32, ProtectError> {
    let columns = published(tables, quasi_identifiers)?;
    let mut classes: HashMap<Vec<&String>, u32> = HashMap::new();
    for row in 0..columns[0].len() {
        *classes.entry(columns.iter().map(|column| &column[row]).collect()).or_default() += 1;
    }
    Ok(classes.into_values().min().unwrap_or(0))
}

/// One value per patient for each of the columns; without columns, one that all share.
fn published(tables: &Tables, columns: &[&str]) -> Result<Vec<Vec<String>>, ProtectError> {
    let table = RawTable { name: PATIENT_TABLE, batch: tables.get(PATIENT_TABLE) };
    table.batch.ok_or(ProtectError::NoPatients)?;
    let mut values = vec![vec![String::new(); table.rows()]];
    for column in columns {
        let texts = table.texts(column)?;
        values.push(
            (0..table.rows())
                .map(|row| transform::text(texts, row).unwrap_or_default().to_owned())
                .collect(),
        );
    }
    Ok(values)
}

/// The fewest different condition codes of any class, `other` left out; 0 without a table of conditions with codes.
/// Distinct l-diversity (Machanavajjhala and others 2007) of people who may have several values or none.
fn fewest_conditions(tables: &Tables, quasi_identifiers: &[&str]) -> Result<u32, ProtectError> {
    let conditions = RawTable { name: "condition", batch: tables.get("condition") };
    let columns = published(tables, quasi_identifiers)?;
    let classes: Vec<Vec<&String>> = (0..columns[0].len())
        .map(|row| columns.iter().map(|column| &column[row]).collect())
        .collect();
    let patients = RawTable { name: PATIENT_TABLE, batch: tables.get(PATIENT_TABLE) };
    let keys = patients.texts(PERSON_COLUMN)?;
    let rows: HashMap<&str, usize> =
        (0..patients.rows()).filter_map(|row| Some((transform::text(keys, row)?, row))).collect();
    let (Ok(people), Ok(codes)) = (conditions.texts(PERSON_COLUMN), conditions.texts("code"))
    else {
        return Ok(0);
    };
    let mut seen: HashMap<&Vec<&String>, HashSet<&str>> =
        classes.iter().map(|class| (class, HashSet::new())).collect();
    for row in 0..conditions.rows() {
        let (person, code) = (transform::text(people, row), transform::text(codes, row));
        let class = person.and_then(|person| rows.get(person)).map(|&row| &classes[row]);
        if let (Some(class), Some(code)) = (class, code.filter(|code| *code != OTHER)) {
            seen.entry(class).or_default().insert(code);
        }
    }
    Ok(seen.values().map(|codes| codes.len() as u32).min().unwrap_or(0))
}

/// The protected tables as they grow.
#[derive(Default)]
struct Output {
    tables: BTreeMap<String, RecordBatch>,
    schema: Vec<TableSchema>,
    rows: BTreeMap<String, TableReport>,
    fields: BTreeMap<String, FieldReport>,
}

impl Output {
    fn add(
        &mut self,
        raw: RawTable<'_>,
        policy: &TablePolicy,
        patients: &Patients<'_>,
        levels: &[usize],
        kept: &[usize],
        today: Date,
    ) -> Result<(), ProtectError> {
        let (rows, owners, report) = if policy.name == PATIENT_TABLE {
            let rows: Vec<usize> = kept.iter().map(|&patient| patients.rows[patient]).collect();
            let report = TableReport {
                rows_in: raw.rows() as u64,
                rows_out: rows.len() as u64,
                suppressed: (patients.rows.len() - rows.len()) as u64,
                set_aside: (raw.rows() - patients.rows.len()) as u64,
            };
            (rows, kept.to_vec(), report)
        } else {
            events(raw, patients, kept)?
        };
        let people: StringArray =
            owners.iter().map(|&owner| Some(patients.pseudonyms[owner].as_str())).collect();
        let mut columns: Vec<(ColumnSchema, ArrayRef)> = vec![(person_column(), Arc::new(people))];
        for column in &policy.columns {
            let quasi = patients.identifier(&column.name).filter(|_| policy.name == PATIENT_TABLE);
            let level = quasi.map_or(0, |(position, _)| levels[position]);
            let schema = ColumnSchema {
                name: column.name.clone(),
                domain: column.rule.domain(level),
                unit: column.unit.clone(),
            };
            let array = match quasi {
                Some((_, identifier)) => self.generalized(identifier, level, kept),
                None => self.plain(raw, &column.rule, &rows, today)?,
            };
            columns.push((schema, array));
        }
        self.count_unread(raw, policy, &rows);
        self.rows.insert(policy.name.clone(), report);
        self.tables.insert(policy.name.clone(), batch(&columns)?);
        self.schema.push(TableSchema {
            name: policy.name.clone(),
            person: PERSON_COLUMN.to_owned(),
            max_rows_per_person: policy.max_rows_per_person,
            columns: columns.into_iter().map(|(schema, _)| schema).collect(),
        });
        Ok(())
    }

    fn generalized(
        &mut self,
        identifier: &Identifier<'_>,
        level: usize,
        kept: &[usize],
    ) -> ArrayRef {
        let shown = identifier.over.show(&identifier.column, level);
        let field = format!("{PATIENT_TABLE}.{}", identifier.source.from());
        self.fields.entry(field).or_default().generalized += kept.len() as u64;
        let values = kept.iter().map(|&patient| Some(shown.value(patient)));
        Arc::new(values.collect::<StringArray>())
    }

    fn plain(
        &mut self,
        raw: RawTable<'_>,
        rule: &Rule,
        rows: &[usize],
        today: Date,
    ) -> Result<ArrayRef, ProtectError> {
        let (array, counts) = transform::apply(raw, rule, rows, today)?;
        if let Some(from) = rule.reads().first() {
            let field = self.fields.entry(format!("{}.{from}", raw.name)).or_default();
            field.removed += counts.removed;
            field.generalized += counts.generalized;
        }
        Ok(array)
    }

    /// Counts the values of raw columns that no rule reads, in the rows that are published, and the keys replaced.
    fn count_unread(&mut self, raw: RawTable<'_>, policy: &TablePolicy, rows: &[usize]) {
        let Some(batch) = raw.batch else { return };
        let read: Vec<&str> =
            policy.columns.iter().flat_map(|column| column.rule.reads()).collect();
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let name = field.name();
            if read.contains(&name.as_str()) {
                continue;
            }
            let values = rows.iter().filter(|&&row| array.is_valid(row)).count() as u64;
            let report = self.fields.entry(format!("{}.{name}", raw.name)).or_default();
            let counter =
                if name == PERSON_COLUMN { &mut report.generalized } else { &mut report.removed };
            *counter += values;
        }
    }
}

/// The rows of an event table whose patient stays, ordered by pseudonym, with the patient of each.
fn events(
    raw: RawTable<'_>,
    patients: &Patients<'_>,
    kept: &[usize],
) -> Result<(Vec<usize>, Vec<usize>, TableReport), ProtectError> {
    let known: HashMap<&str, usize> =
        patients.keys.iter().enumerate().map(|(i, key)| (*key, i)).collect();
    let mut stays = vec![false; patients.rows.len()];
    kept.iter().for_each(|&patient| stays[patient] = true);
    let column = raw.texts(PERSON_COLUMN)?;
    let mut report = TableReport { rows_in: raw.rows() as u64, ..TableReport::default() };
    let mut owned = Vec::new();
    for row in 0..raw.rows() {
        match transform::text(column, row).and_then(|key| known.get(plain_id(key))) {
            Some(&patient) if stays[patient] => owned.push((patient, row)),
            Some(_) => report.suppressed += 1,
            None => report.set_aside += 1,
        }
    }
    // Patients are numbered by pseudonym; rows of one stay in the order in which they came.
    owned.sort_unstable();
    report.rows_out = owned.len() as u64;
    let (owners, rows) = owned.into_iter().unzip();
    Ok((rows, owners, report))
}

fn person_column() -> ColumnSchema {
    ColumnSchema { name: PERSON_COLUMN.to_owned(), domain: Domain::Person, unit: String::new() }
}

fn batch(columns: &[(ColumnSchema, ArrayRef)]) -> Result<RecordBatch, ProtectError> {
    let field = |(schema, array): &(ColumnSchema, ArrayRef)| {
        let data_type: DataType = array.data_type().clone();
        Field::new(&schema.name, data_type, schema.domain != Domain::Person)
    };
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}
