//! The whole way from raw to protected tables.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use caduceus_records::Tables;
use caduceus_records::schema::{ColumnSchema, DatasetSchema, Domain, TableSchema};

use crate::anonymity::{self, Level, QuasiIdentifier, Solution};
use crate::date::Date;
use crate::error::ProtectError;
use crate::hierarchy::{Hierarchy, OTHER};
use crate::policy::{ProtectionPolicy, Rule, Source, TablePolicy, check_k};
use crate::pseudonym::PseudonymKey;
use crate::report::{FieldReport, ProtectionReport, QuasiIdentifierReport, TableReport};
use crate::transform::{self, RawTable};

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
pub fn protect(
    raw: &Tables,
    policy: &ProtectionPolicy,
    pseudonym_key: &PseudonymKey,
    reference_date: Date,
    k: Option<u32>,
) -> Result<Protected, ProtectError> {
    let k = k.unwrap_or(policy.k);
    check_k(k)?;
    if !(1900..=2100).contains(&reference_date.year()) {
        return Err(ProtectError::ReferenceDate(reference_date.year()));
    }
    let patients = Patients::read(raw, policy, reference_date)?;
    let count = patients.rows.len() as u64;
    if count < u64::from(k) {
        return Err(ProtectError::TooFewPatients { patients: count, k });
    }
    let suppressible = count * u64::from(policy.maximum_suppression) / 10_000;
    let encoded = patients.encode();
    let solution = anonymity::search(patients.rows.len(), &encoded, k, suppressible)
        .ok_or(ProtectError::TooFewPatients { patients: count, k })?;
    let kept = patients.kept(&solution, pseudonym_key);

    let mut out = Output::default();
    for table in &policy.tables {
        out.add(
            RawTable { name: &table.name, batch: raw.get(&table.name) },
            table,
            &patients,
            &solution,
            &kept,
            reference_date,
        )?;
    }
    let (tables, fields, rows) = (Tables(out.tables), out.fields, out.rows);
    let schema = DatasetSchema {
        id: policy.schema_id.clone(),
        version: policy.schema_version,
        tables: out.schema,
    };
    let k_reached = smallest_class(&tables, &patients.names())?;
    if k_reached < k {
        return Err(ProtectError::NotReached { reached: k_reached, k });
    }
    let everything = anonymity::everything(&encoded).max(1) * u128::from(count);
    let report = ProtectionReport {
        method: "Safe Harbor (45 CFR 164.514(b)(2)); k-anonymity by full-domain generalization with suppression".to_owned(),
        reference_date: reference_date.to_string(),
        k_required: k,
        k_reached,
        l_reached: fewest_conditions(&tables, &patients.names())?,
        patients_in: patients.table.rows() as u64,
        patients_out: kept.len() as u64,
        patients_suppressed: count - kept.len() as u64,
        patients_set_aside: patients.table.rows() as u64 - count,
        quasi_identifiers: patients.chosen(&solution),
        loss: u32::try_from(solution.loss * 1_000_000 / everything).unwrap_or(u32::MAX),
        tables: rows,
        fields,
    };
    Ok(Protected { tables, schema, report })
}

/// Size of the smallest class of patients of a protected dataset that agree in these columns of the patient table; the
/// k that was reached, counted from the rows themselves. 0 without patients.
///
/// # Errors
/// [`ProtectError::NoPatients`] and [`ProtectError::Column`] where the table or a column is missing.
pub fn smallest_class(tables: &Tables, quasi_identifiers: &[&str]) -> Result<u32, ProtectError> {
    Ok(anonymity::smallest_class(&published(tables, quasi_identifiers)?))
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
    let had: Vec<(usize, &str)> = (0..conditions.rows())
        .filter_map(|row| {
            Some((*rows.get(transform::text(people, row)?)?, transform::text(codes, row)?))
        })
        .filter(|(_, code)| *code != OTHER)
        .collect();
    Ok(anonymity::fewest_values(&classes, &had))
}

/// The raw patient table: who is in it, and their quasi-identifiers as Safe Harbor leaves them.
struct Patients<'a> {
    table: RawTable<'a>,
    /// Rows of patients with a key of their own, in the order of the raw table.
    rows: Vec<usize>,
    keys: Vec<&'a str>,
    identifiers: Vec<Identifier<'a>>,
}

struct Identifier<'a> {
    column: &'a str,
    from: &'a Source,
    weight: u32,
    hierarchy: &'a Hierarchy,
    /// One for each of the patients' rows.
    leaves: Vec<String>,
}

/// A patient who stays.
struct Kept {
    pseudonym: String,
    /// Index into [`Patients::rows`].
    patient: usize,
}

impl<'a> Patients<'a> {
    fn read(
        raw: &'a Tables,
        policy: &'a ProtectionPolicy,
        today: Date,
    ) -> Result<Patients<'a>, ProtectError> {
        let batch = raw.get(PATIENT_TABLE).ok_or(ProtectError::NoPatients)?;
        let table = RawTable { name: PATIENT_TABLE, batch: Some(batch) };
        let column = table.texts(PERSON_COLUMN)?;
        let mut seen = std::collections::HashSet::new();
        let mut rows = Vec::new();
        let mut keys = Vec::new();
        for row in 0..table.rows() {
            if let Some(key) =
                transform::text(column, row).map(plain_id).filter(|key| seen.insert(*key))
            {
                rows.push(row);
                keys.push(key);
            }
        }
        let mut identifiers = Vec::new();
        for column in &policy.patient_table().columns {
            if let Rule::QuasiIdentifier { source, weight, hierarchy } = &column.rule {
                let all = transform::leaves(table, source, today)?;
                let leaves = rows.iter().map(|&row| all[row].clone()).collect();
                identifiers.push(Identifier {
                    column: &column.name,
                    from: source,
                    weight: *weight,
                    hierarchy,
                    leaves,
                });
            }
        }
        Ok(Patients { table, rows, keys, identifiers })
    }

    fn names(&self) -> Vec<&str> {
        self.identifiers.iter().map(|identifier| identifier.column).collect()
    }

    fn encode(&self) -> Vec<QuasiIdentifier> {
        self.identifiers.iter().map(Identifier::encode).collect()
    }

    fn kept(&self, solution: &Solution, key: &PseudonymKey) -> Vec<Kept> {
        let staying = (0..self.rows.len()).filter(|&patient| solution.kept[patient]);
        let mut kept: Vec<Kept> = staying
            .map(|patient| Kept { pseudonym: key.pseudonym(self.keys[patient]), patient })
            .collect();
        kept.sort_by(|a, b| a.pseudonym.cmp(&b.pseudonym));
        kept
    }

    fn chosen(&self, solution: &Solution) -> Vec<QuasiIdentifierReport> {
        let chosen = self.identifiers.iter().zip(&solution.levels);
        chosen
            .map(|(identifier, &level)| QuasiIdentifierReport {
                column: identifier.column.to_owned(),
                level: level as u32,
                levels: identifier.hierarchy.levels() as u32,
                meaning: identifier.hierarchy.meaning(level),
            })
            .collect()
    }

    fn position(&self, column: &str) -> Option<usize> {
        self.identifiers.iter().position(|identifier| identifier.column == column)
    }
}

impl Identifier<'_> {
    fn encode(&self) -> QuasiIdentifier {
        let level = |level: usize| {
            let mut numbers = HashMap::new();
            let mut values = Vec::with_capacity(self.leaves.len());
            for leaf in &self.leaves {
                let next = numbers.len() as u32;
                values.push(*numbers.entry(self.hierarchy.generalize(leaf, level)).or_insert(next));
            }
            Level { values, loss: self.hierarchy.loss(level) }
        };
        QuasiIdentifier {
            weight: self.weight,
            levels: (0..self.hierarchy.levels()).map(level).collect(),
        }
    }
}

fn plain_id(key: &str) -> &str {
    key.strip_prefix("Patient/").unwrap_or(key)
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
        solution: &Solution,
        kept: &[Kept],
        today: Date,
    ) -> Result<(), ProtectError> {
        let (rows, owners, report) = if policy.name == PATIENT_TABLE {
            let rows: Vec<usize> = kept.iter().map(|kept| patients.rows[kept.patient]).collect();
            let report = TableReport {
                rows_in: raw.rows() as u64,
                rows_out: rows.len() as u64,
                suppressed: (patients.rows.len() - rows.len()) as u64,
                set_aside: (raw.rows() - patients.rows.len()) as u64,
            };
            (rows, (0..kept.len()).collect(), report)
        } else {
            events(raw, patients, kept)?
        };
        let people: StringArray =
            owners.iter().map(|&owner: &usize| Some(kept[owner].pseudonym.as_str())).collect();
        let mut columns: Vec<(ColumnSchema, ArrayRef)> = vec![(person_column(), Arc::new(people))];
        for column in &policy.columns {
            let position = patients.position(&column.name).filter(|_| policy.name == PATIENT_TABLE);
            let level = position.map_or(0, |position| solution.levels[position]);
            let schema = ColumnSchema {
                name: column.name.clone(),
                domain: column.rule.domain(level),
                unit: column.unit.clone(),
            };
            let array = match position {
                Some(position) => self.generalized(&patients.identifiers[position], level, kept),
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
        kept: &[Kept],
    ) -> ArrayRef {
        let leaves = kept.iter().map(|kept| identifier.leaves[kept.patient].as_str());
        let values: Vec<String> =
            leaves.map(|leaf| identifier.hierarchy.generalize(leaf, level)).collect();
        let (Source::Sex { from } | Source::Age { from } | Source::Area { from, .. }) =
            identifier.from;
        let field = self.fields.entry(format!("{PATIENT_TABLE}.{from}")).or_default();
        field.generalized += kept.len() as u64;
        Arc::new(StringArray::from(values))
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

/// The rows of an event table whose patient stays, ordered by pseudonym, with the index of each row's owner.
fn events(
    raw: RawTable<'_>,
    patients: &Patients<'_>,
    kept: &[Kept],
) -> Result<(Vec<usize>, Vec<usize>, TableReport), ProtectError> {
    let known: HashMap<&str, usize> =
        patients.keys.iter().enumerate().map(|(i, key)| (*key, i)).collect();
    let mut owner_of = vec![None; patients.rows.len()];
    for (owner, kept) in kept.iter().enumerate() {
        owner_of[kept.patient] = Some(owner);
    }
    let column = raw.texts(PERSON_COLUMN)?;
    let mut report = TableReport { rows_in: raw.rows() as u64, ..TableReport::default() };
    let mut owned = Vec::new();
    for row in 0..raw.rows() {
        let patient = transform::text(column, row).and_then(|key| known.get(plain_id(key)));
        match patient.map(|&patient| owner_of[patient]) {
            Some(Some(owner)) => owned.push((owner, row)),
            Some(None) => report.suppressed += 1,
            None => report.set_aside += 1,
        }
    }
    // Owners are numbered by pseudonym; rows of one owner stay in the order in which they came.
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
