//! Safe Harbor for any table: columns reduced before anything else is done with them, and everything else searched.
//!
//! What a policy declares of a column is done to each of its values ([`Reduce`]). What it does not declare is not
//! believed: every released value is searched for what has an identifier's shape or is the name of somebody in the
//! table's identifying columns, and prose is treated as prose wherever it stands. All removals are counted by column and
//! kind, never told.

mod cells;
pub(crate) mod named;

use std::collections::{BTreeMap, BTreeSet};

use cells::Cells;
use named::{Holds, Reduction};

use crate::date::{Date, PartialDate};
use crate::generalization::{Generator, HierarchyFile};
use crate::pseudonym::PseudonymKey;
use crate::release::Files;
use crate::safe_harbor::{self, OLDEST_AGE, SparseAreas, has_five_digits, with_zeros};
use crate::scrub::{Identifier, Removed, Scrubber};
use crate::table::{Column, Table};
use crate::table_policy::{ColumnPolicy, Hierarchy, Role, TablePolicy};

/// What is done to a column's values before its role counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduce {
    /// Ages over 89 become 90, which then means 90 or older.
    Age,
    /// Postal codes become their first three digits; sparsely populated areas of the United States become 000.
    Zip,
    /// Dates become years; years that show an age over 89 are removed.
    Year,
    /// Dates move by a number of days that only the key tells, the same for all dates of a person, so that intervals
    /// stay. This is less than Safe Harbor asks for and needs another legal basis.
    Shift,
    /// Keyed pseudonyms: the same text has the same pseudonym as long as the key is the same.
    Pseudonym,
    /// Prose, without the eighteen identifiers.
    Text,
}

/// A value with more words is prose.
const PROSE: usize = 5;

/// What was removed, by column and kind.
pub type RemovedByColumn = BTreeMap<String, Removed>;

/// What is needed besides table and policy.
pub struct Secrets<'a> {
    /// Makes pseudonyms and shifts.
    pub key: &'a PseudonymKey,
    /// Whether somebody keeps the key after this release. Told, and of no other effect.
    pub key_kept: bool,
    /// The day at which ages are counted.
    pub today: Date,
}

/// A table as a policy's roles see it.
pub struct Reduced {
    /// Its columns; those that are not released stay as they were.
    pub table: Table,
    /// What was removed from them.
    pub removed: RemovedByColumn,
    /// Columns of ages, years or postal codes, known by their names, that were reduced as such.
    pub named: BTreeSet<String>,
}

impl Reduced {
    /// The number that stands for all older ages in a column, where ages were reduced: 90 in years, 1080 in months.
    pub(crate) fn oldest(&self, name: &str, rule: &ColumnPolicy) -> Option<f64> {
        let years = f64::from(OLDEST_AGE) + 1.0;
        match named::of(name).filter(|_| self.named.contains(name)) {
            _ if rule.reduce == Some(Reduce::Age) => Some(years),
            Some(Holds::Age(per_year)) => Some((years * per_year).floor()),
            _ => None,
        }
    }
}

/// The table as the policy's roles see it. `files` are those that the policy names: a value that its column's hierarchy
/// file does not list is not made of one that it does.
pub fn reduce(
    table: &Table,
    policy: &TablePolicy,
    files: &Files,
    secrets: &Secrets<'_>,
) -> Reduced {
    let mut scrubber = Scrubber::new();
    for column in
        table.columns.iter().filter(|column| names_people(policy.columns.get(&column.name)))
    {
        let place = matches!(named::of(&column.name), Some(Holds::Place | Holds::Zip));
        for value in &column.values {
            match place {
                true => scrubber.know_place(value),
                false => scrubber.know(value),
            }
            scrubber.know_number(value);
        }
    }
    let person = policy.person.as_ref().and_then(|name| table.column(name));
    let (mut all, mut named) = (RemovedByColumn::new(), BTreeSet::new());
    let columns = table.columns.iter().map(|column| {
        let Some(rule) =
            policy.columns.get(&column.name).filter(|rule| rule.role != Role::Identifying)
        else {
            return column.clone();
        };
        let mut removed = Removed::new();
        let reduced = match declared(rule, policy.safe_harbor) {
            Some(Reduce::Shift) => {
                shifted(column, person, policy.shift_days, secrets, &mut removed)
            }
            Some(Reduce::Zip) if column.values.iter().any(|code| has_five_digits(code)) => {
                mapped(column, &mut removed, |code, _, removed| {
                    let code = with_zeros(code);
                    reduced(&code, Reduce::Zip, secrets, (&scrubber, &policy.sparse), removed)
                })
            }
            Some(how) => mapped(column, &mut removed, |value, _, removed| {
                reduced(value, how, secrets, (&scrubber, &policy.sparse), removed)
            }),
            None if policy.safe_harbor => {
                let reduction = Reduction::of(column, secrets.today.year(), &policy.sparse)
                    .filter(|reduction| fits(column, rule, files, reduction));
                let column = match &reduction {
                    Some(reduction) => {
                        named.insert(column.name.clone());
                        by_name(column, reduction, &mut removed)
                    }
                    None => column.clone(),
                };
                match is_listed(rule) {
                    true => column,
                    false => searched(&column, policy.k, &scrubber, &mut removed),
                }
            }
            None => column.clone(),
        };
        if !removed.is_empty() {
            all.insert(column.name.clone(), removed);
        }
        reduced
    });
    let table = Table { columns: columns.collect() };
    Reduced { table, removed: all, named }
}

/// Whether what a column is reduced to, is what its hierarchy file lists, if it has one.
fn fits(column: &Column, rule: &ColumnPolicy, files: &Files, reduction: &Reduction<'_>) -> bool {
    let Some(Hierarchy::File(name)) = &rule.hierarchy else { return true };
    let Some(Ok(file)) = files.get(name).map(|bytes| HierarchyFile::read(bytes)) else {
        return true;
    };
    let kept = column.values.iter().map(|value| (value, reduction.value(value)));
    kept.into_iter().all(|(value, kept)| kept == *value || kept.is_empty() || file.lists(&kept))
}

/// A column of ages, years or postal codes, known by its name.
fn by_name(column: &Column, reduction: &Reduction<'_>, removed: &mut Removed) -> Column {
    let kind = if reduction.is_place() { Identifier::Place } else { Identifier::Date };
    mapped(column, removed, |value, _, removed| {
        let kept = reduction.value(value);
        if kept == value { kept } else { count(removed, kind, kept) }
    })
}

/// Whether a column's values are what people are called or numbered by.
fn names_people(rule: Option<&ColumnPolicy>) -> bool {
    rule.is_some_and(|rule| {
        rule.role == Role::Identifying || rule.reduce == Some(Reduce::Pseudonym)
    })
}

/// What the policy says to do, or what the kind of a hierarchy means under Safe Harbor.
pub(crate) fn declared(rule: &ColumnPolicy, safe_harbor: bool) -> Option<Reduce> {
    let implied = match &rule.hierarchy {
        Some(Hierarchy::Generated(Generator::Date { .. })) => Some(Reduce::Year),
        Some(Hierarchy::Generated(Generator::Zip { .. })) => Some(Reduce::Zip),
        _ => None,
    };
    rule.reduce.or(implied.filter(|_| safe_harbor))
}

/// Whether every value of a column must be one that a file lists, or a number.
fn is_listed(rule: &ColumnPolicy) -> bool {
    matches!(
        rule.hierarchy,
        Some(
            Hierarchy::File(_) | Hierarchy::Generated(Generator::Number { .. } | Generator::Icd10)
        )
    )
}

/// A column with every different value replaced. What is removed from a value counts for each row that has it.
fn mapped(
    column: &Column,
    removed: &mut Removed,
    replace: impl Fn(&str, u32, &mut Removed) -> String,
) -> Column {
    let mut rows = vec![0_u32; column.values.len()];
    column.codes.iter().for_each(|&code| rows[code as usize] += 1);
    let replace = |(value, &rows): (&String, &u32)| {
        let mut here = Removed::new();
        let kept = replace(value, rows, &mut here);
        here.into_iter()
            .for_each(|(kind, n)| *removed.entry(kind).or_default() += n * u64::from(rows));
        kept
    };
    let values: Vec<String> = column.values.iter().zip(&rows).map(replace).collect();
    let codes = column.codes.iter().map(|&code| values[code as usize].as_str());
    column.with(codes)
}

fn reduced(
    value: &str,
    how: Reduce,
    secrets: &Secrets<'_>,
    (scrubber, sparse): (&Scrubber, &SparseAreas),
    removed: &mut Removed,
) -> String {
    if value.is_empty() {
        return String::new();
    }
    let kept = match how {
        Reduce::Age => age(value),
        Reduce::Zip => safe_harbor::area(value, None, sparse),
        Reduce::Year | Reduce::Shift => year(value, secrets.today),
        Reduce::Pseudonym => {
            return count(removed, Identifier::Other, secrets.key.pseudonym(value));
        }
        Reduce::Text => return scrubber.text(value, removed),
    };
    let kind = if how == Reduce::Zip { Identifier::Place } else { Identifier::Date };
    match kept {
        Some(kept) if kept == value => kept,
        Some(kept) => count(removed, kind, kept),
        None => count(removed, kind, String::new()),
    }
}

fn count(removed: &mut Removed, kind: Identifier, kept: String) -> String {
    *removed.entry(kind.label()).or_default() += 1;
    kept
}

/// An age of at most 90. What is no age is removed.
fn age(value: &str) -> Option<String> {
    let age: f64 = value.parse().ok().filter(|age: &f64| (0.0..=150.0).contains(age))?;
    let oldest = f64::from(OLDEST_AGE) + 1.0;
    Some(if age >= oldest { oldest.to_string() } else { value.to_owned() })
}

fn year(value: &str, today: Date) -> Option<String> {
    let year = PartialDate::parse(&value.replacen(' ', "T", 1))?.year;
    let hidden = safe_harbor::shows_high_age(year, today.year());
    (!hidden).then(|| format!("{year:04}"))
}

/// Each date moved by its person's days. A date that is not known to the day becomes its year, and a date of nobody is
/// removed.
fn shifted(
    column: &Column,
    person: Option<&Column>,
    most: u32,
    secrets: &Secrets<'_>,
    removed: &mut Removed,
) -> Column {
    let shifts: Vec<Option<i64>> = person.map_or_else(Vec::new, |person| {
        let days = |id: &String| (!id.is_empty()).then(|| secrets.key.shift(id, most));
        person.values.iter().map(days).collect()
    });
    let texts: Vec<String> = (0..column.codes.len())
        .map(|row| {
            let value = column.value(row);
            if value.is_empty() {
                return String::new();
            }
            let days = person.and_then(|person| shifts[person.codes[row] as usize]);
            let kept = days.and_then(|days| shift(value, days)).or_else(|| {
                days.and_then(|_| PartialDate::parse(value)).map(|date| format!("{:04}", date.year))
            });
            count(removed, Identifier::Date, kept.unwrap_or_default())
        })
        .collect();
    column.with(texts.iter().map(String::as_str))
}

/// A date, with or without a time, moved by days.
pub(crate) fn shift(value: &str, days: i64) -> Option<String> {
    let (date, time) = match value.find(['T', ' ']) {
        Some(at) => value.split_at(at),
        None => (value, ""),
    };
    let moved = Date::parse(date)?.plus_days(days)?;
    Some(format!("{moved}{}", clock(time)?))
}

/// `Thh:mm`, with seconds and a zone if they are there, and nothing else; fractions of a second go, since they could hold
/// a number of somebody.
fn clock(time: &str) -> Option<String> {
    if time.is_empty() {
        return Some(String::new());
    }
    let two = |text: &str, most: u8| {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u8>().ok())
            .flatten()
            .filter(|number| *number < most)
    };
    let (begin, rest) = time.split_at(1);
    let zone = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let clock_holds = matches!(parts.len(), 2 | 3)
        && two(parts[0], 24).is_some()
        && parts[1..].iter().all(|part| two(part, 61).is_some())
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let zone_holds = zone.is_empty()
        || zone == "Z"
        || zone[1..]
            .split_once(':')
            .is_some_and(|(h, m)| two(h, 15).is_some() && two(m, 60).is_some());
    (clock_holds && zone_holds).then(|| format!("{begin}{clock}{zone}"))
}

/// A column that the policy says nothing of: prose is scrubbed, and a value that fewer than `k` rows have is searched.
fn searched(column: &Column, k: u32, scrubber: &Scrubber, removed: &mut Removed) -> Column {
    if column.values.iter().any(|value| value.split_whitespace().count() > PROSE) {
        return mapped(column, removed, |value, _, removed| scrubber.text(value, removed));
    }
    // What many people share names none of them, even if one of them is called so.
    let cells = Cells::of(column, scrubber);
    mapped(column, removed, |value, rows, removed| match cells.left(value, removed) {
        Some(left) => left,
        None if rows >= k => scrubber.shape(value, removed),
        None => scrubber.value(value, removed),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_shifted_date_keeps_its_time_and_a_partial_one_cannot_be_shifted() {
        assert_eq!(shift("2024-02-28T10:00:00Z", 2).as_deref(), Some("2024-03-01T10:00:00Z"));
        assert_eq!(shift("2024-01-01", -1).as_deref(), Some("2023-12-31"));
        assert_eq!(shift("2024-01", 3), None);
        for hidden in [
            "2024-01-01 of Mr Smith",
            "2024-01-01T555-123-4567",
            "2024-01-01T10:00:00Z+5",
            "2024-01-01T",
        ] {
            assert_eq!(shift(hidden, 3), None, "{hidden}");
        }
        assert_eq!(
            shift("2024-01-01T10:00:00.1234567+01:00", 1).as_deref(),
            Some("2024-01-02T10:00:00+01:00")
        );
    }

    proptest! {
        #[test]
        fn shifting_keeps_every_interval_of_a_person(a in 1i64..800_000, b in 1i64..800_000, id in "[a-z]{1,8}") {
            let start = Date::new(1900, 1, 1).unwrap();
            let (Some(a), Some(b)) = (start.plus_days(a / 10), start.plus_days(b / 10)) else { return Ok(()) };
            let days = PseudonymKey::new([7; 32]).shift(&id, 365);
            prop_assert!(days != 0 && days.abs() <= 365);
            let moved = |date: Date| Date::parse(&shift(&date.to_string(), days).unwrap()).unwrap();
            prop_assert_eq!(moved(a).days_since(moved(b)), a.days_since(b));
        }
    }
}
