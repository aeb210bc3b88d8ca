//! The patients of a raw dataset, and the search for what may be shown of them.

use std::collections::{BTreeMap, HashSet};

use super::{PATIENT_TABLE, PERSON_COLUMN};
use crate::date::Date;
use crate::error::ProtectError;
use crate::generalization::Generalization;
use crate::hierarchy::Hierarchy;
use crate::policy::{ProtectionPolicy, Rule, Source};
use crate::pseudonym::PseudonymKey;
use crate::release::{ATTACK_SEED, Anonymous, Prepared, Quasi, anonymize};
use crate::table::{Column, Table};
use crate::table_policy::TablePolicy;
use crate::transform::{self, RawTable};

/// The raw patient table: who is in it, and their quasi-identifiers as Safe Harbor leaves them.
pub(super) struct Patients<'a> {
    pub(super) table: RawTable<'a>,
    /// Rows of patients with a key of their own, ordered by pseudonym, so that nothing depends on the order they came in.
    pub(super) rows: Vec<usize>,
    pub(super) keys: Vec<&'a str>,
    pub(super) pseudonyms: Vec<String>,
    identifiers: Vec<Identifier<'a>>,
}

/// A quasi-identifier of the patients.
pub(super) struct Identifier<'a> {
    name: &'a str,
    pub(super) source: &'a Source,
    weight: Option<u32>,
    hierarchy: &'a Hierarchy,
    /// As the records have it, before Safe Harbor: what an attacker may know.
    known: Column,
    /// As the finest level shows it.
    pub(super) column: Column,
    pub(super) over: Generalization,
}

impl<'a> Patients<'a> {
    pub(super) fn read(
        raw: &'a caduceus_records::Tables,
        policy: &'a ProtectionPolicy,
        pseudonym_key: &PseudonymKey,
        today: Date,
    ) -> Result<Patients<'a>, ProtectError> {
        let batch = raw.get(PATIENT_TABLE).ok_or(ProtectError::NoPatients)?;
        let table = RawTable { name: PATIENT_TABLE, batch: Some(batch) };
        let column = table.texts(PERSON_COLUMN)?;
        let mut seen = HashSet::new();
        let mut people = Vec::new();
        for row in 0..table.rows() {
            if let Some(key) =
                transform::text(column, row).map(plain_id).filter(|key| seen.insert(*key))
            {
                people.push((pseudonym_key.pseudonym(key), key, row));
            }
        }
        people.sort_unstable();
        let rows: Vec<usize> = people.iter().map(|(_, _, row)| *row).collect();
        let mut identifiers = Vec::new();
        for column in &policy.patient_table().columns {
            if let Rule::QuasiIdentifier { source, weight, hierarchy } = &column.rule {
                let name = column.name.as_str();
                let raw = table.texts(source.from())?;
                let known = rows.iter().map(|&row| transform::text(raw, row).unwrap_or_default());
                let known = Column::of(name, known);
                let leaves = transform::leaves(table, source, &rows, today, &policy.sparse)?;
                let (column, over) = hierarchy.over(name, &leaves);
                let weight = *weight;
                identifiers.push(Identifier {
                    name,
                    source,
                    weight,
                    hierarchy,
                    known,
                    column,
                    over,
                });
            }
        }
        let keys = people.iter().map(|(_, key, _)| *key).collect();
        let pseudonyms = people.into_iter().map(|(pseudonym, ..)| pseudonym).collect();
        Ok(Patients { table, rows, keys, pseudonyms, identifiers })
    }

    /// Finds the levels that lose least while at most `suppressible` of 10,000 patients are left out, and attacks what
    /// comes of it.
    pub(super) fn anonymize(&self, k: u32, suppressible: u32) -> Result<Anonymous, ProtectError> {
        let columns = |column: fn(&Identifier<'a>) -> Column| Table {
            columns: self.identifiers.iter().map(column).collect(),
        };
        let quasi = self.identifiers.iter().map(|identifier| Quasi {
            column: identifier.column.clone(),
            over: identifier.over.clone(),
            weight: identifier.weight,
        });
        let (known, shown) = (columns(|i| i.known.clone()), columns(|i| i.column.clone()));
        let share = f64::from(suppressible) / 10_000.0;
        let names = self.identifiers.iter().map(|identifier| identifier.name.to_owned());
        let asked = TablePolicy::anonymity(k, share, names);
        Ok(anonymize(&known, &Prepared::of(&shown, quasi.collect()), &asked, ATTACK_SEED)?)
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.identifiers.iter().map(|identifier| identifier.name).collect()
    }

    /// What each quasi-identifier shows at its level, in words.
    pub(super) fn meanings(&self, levels: &[usize]) -> BTreeMap<String, String> {
        let chosen = self.identifiers.iter().zip(levels);
        chosen.map(|(i, &level)| (i.name.to_owned(), i.hierarchy.meaning(level))).collect()
    }

    /// The quasi-identifier of that name, and its position.
    pub(super) fn identifier(&self, name: &str) -> Option<(usize, &Identifier<'a>)> {
        self.identifiers.iter().enumerate().find(|(_, identifier)| identifier.name == name)
    }
}

pub(super) fn plain_id(key: &str) -> &str {
    key.strip_prefix("Patient/").unwrap_or(key)
}
