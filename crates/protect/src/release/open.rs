//! What keeps a release from being one by Safe Harbor, column by column, read from the released values.
//!
//! A policy's word is believed (`reduce`), and columns without one are judged by their names and values. A column whose
//! name does not tell what it holds, of numbers that have no identifier's shape, is taken for none of the eighteen.

use std::collections::BTreeMap;

use crate::generalization::Generator;
use crate::reduce::named::{self, Holds};
use crate::reduce::{Reduce, Reduced, declared};
use crate::safe_harbor::OLDEST_AGE;
use crate::scrub::{Identifier, Removed, Scrubber};
use crate::table::{Column, Table};
use crate::table_policy::{ColumnPolicy, Hierarchy, TablePolicy};

/// Numbers of so many digits can number somebody.
const MOST_DIGITS: usize = 6;

/// The columns with the reason of each, in words that name no value.
pub(super) fn columns(
    original: &Table,
    reduced: &Reduced,
    released: &Table,
    policy: &TablePolicy,
    year: i32,
) -> BTreeMap<String, String> {
    let why = |column: &Column| {
        let rule = policy.columns.get(&column.name)?;
        let before = original.column(&column.name)?;
        let reason = match declared(rule, policy.safe_harbor) {
            Some(Reduce::Shift) => Some(
                "its dates are moved and not reduced to the year; say reduce = \"year\"".to_owned(),
            ),
            _ if is_hidden(column) => None,
            Some(Reduce::Zip) if named::has_four_digits(before) => Some(
                "its postal codes have four digits; if they are five of the United States that lost a zero, three of them \
                 show too much"
                    .to_owned(),
            ),
            Some(_) => None,
            None => {
                let reduced = reduced.named.contains(&column.name).then_some(&reduced.table);
                let whole = reduced.and_then(|table| table.column(&column.name));
                undeclared(column, whole, rule, year)
            }
        };
        reason.map(|reason| (column.name.clone(), reason))
    };
    released.columns.iter().filter_map(why).collect()
}

/// Nobody is known to have become older, in whole years, but for one person.
const OLDEST: f64 = 120.0;

/// The released columns that may be ages although nothing says so: whole numbers that people can be years old, some of them
/// over 89.
pub(super) fn may_be_ages(released: &Table, policy: &TablePolicy) -> Vec<String> {
    let told = |column: &Column| {
        let rule = policy.columns.get(&column.name);
        named::of(&column.name).is_some()
            || rule.is_some_and(|rule| declared(rule, policy.safe_harbor).is_some())
    };
    let may = |column: &&Column| {
        let mut numbers = column.values.iter().filter(|value| shows_something(value)).peekable();
        let of_age = |value: &&String| {
            let number = value.trim().parse::<f64>();
            number.is_ok_and(|n| (0.0..=OLDEST).contains(&n) && n.fract() == 0.0)
        };
        let old =
            |value: &String| value.trim().parse::<f64>().is_ok_and(|n| n > f64::from(OLDEST_AGE));
        numbers.peek().is_some()
            && column.values.iter().any(old)
            && numbers.all(|value| of_age(&value))
            && !told(column)
    };
    released.columns.iter().filter(may).map(|column| column.name.clone()).collect()
}

/// Why a column keeps the release from Safe Harbor of which the policy says nothing; `reduced` is the column before it was
/// generalized, if it was reduced by its name.
fn undeclared(
    released: &Column,
    reduced: Option<&Column>,
    rule: &ColumnPolicy,
    year: i32,
) -> Option<String> {
    let any =
        |column: &Column, shows: &dyn Fn(&str) -> bool| column.values.iter().any(|v| shows(v));
    let shown = reduced.unwrap_or(released);
    match named::of(&released.name) {
        Some(Holds::Age(per_year)) => {
            let oldest = (f64::from(OLDEST_AGE + 1) * per_year).floor();
            let old = |value: &str| numbers(value).iter().any(|number| *number > oldest);
            if any(shown, &old) {
                return Some(
                    "it shows ages over 89, or larger numbers; say reduce = \"age\", and give a hierarchy file a line for 90"
                        .to_owned(),
                );
            }
        }
        Some(Holds::Year) if reduced.is_none() => {
            let old = |n: &f64| n.fract() == 0.0 && named::is_old_year(*n as i32, year);
            if any(released, &|value| numbers(value).iter().any(old)) {
                return Some(
                    "it shows years that tell an age over 89; say reduce = \"year\"".to_owned(),
                );
            }
        }
        Some(Holds::Zip) if reduced.is_none() => {
            let long = |value: &str| value.chars().filter(|c| c.is_alphanumeric()).count() > 3;
            if any(released, &long) {
                return Some(
                    "it shows more than three digits of postal codes; say reduce = \"zip\""
                        .to_owned(),
                );
            }
        }
        None if named::is_date(&released.name) && any(released, &shows_more_than_years) => {
            return Some(
                "its name says that it holds dates, and it shows more of them than years; say reduce = \"year\""
                    .to_owned(),
            );
        }
        Some(Holds::Place) if any(released, &shows_something) => {
            return Some(
                "its name says that it holds places smaller than a state; do not release it"
                    .to_owned(),
            );
        }
        Some(Holds::Identifier(kind)) if any(released, &shows_something) => {
            return Some(format!(
                "its name says that it holds {kind}; do not release it, or say reduce = \"pseudonym\""
            ));
        }
        _ => {}
    }
    match &rule.hierarchy {
        Some(Hierarchy::File(_)) => shaped(released),
        Some(Hierarchy::Generated(Generator::Number { .. })) => {
            let long = |value: &str| {
                value.parse::<f64>().is_ok()
                    && value.bytes().filter(u8::is_ascii_digit).count() > MOST_DIGITS
            };
            any(released, &long).then(|| {
                "it shows numbers of seven digits or more, which can number somebody; release intervals only".to_owned()
            })
        }
        _ => None,
    }
}

/// What values that a hierarchy file lists have the shape of.
fn shaped(released: &Column) -> Option<String> {
    let (scrubber, mut found) = (Scrubber::new(), Removed::new());
    for value in released.values.iter().filter(|value| !is_interval(value)) {
        scrubber.shape(value, &mut found);
    }
    let kinds: Vec<&str> = found.keys().copied().collect();
    (!kinds.is_empty()).then(|| {
        format!("values that its hierarchy file lists have the shape of: {}", kinds.join(", "))
    })
}

/// Two short numbers and what is between them, such as `17-22`.
fn is_interval(value: &str) -> bool {
    let parts: Vec<&str> =
        value.split(|c: char| !c.is_alphanumeric()).filter(|p| !p.is_empty()).collect();
    let short = |part: &&str| part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
    parts.len() <= 2 && parts.iter().all(short)
}

fn is_hidden(column: &Column) -> bool {
    column.codes.iter().all(|&code| !shows_something(&column.values[code as usize]))
}

/// Whether a value is more than empty, hidden, or what stands in brackets for something that was removed.
fn shows_something(value: &str) -> bool {
    let kinds = Identifier::ALL.iter().map(|kind| format!("[{}]", kind.label()));
    let left = kinds.fold(value.to_owned(), |left, marker| left.replace(&marker, ""));
    left.contains(char::is_alphanumeric)
}

/// Whether there are other figures in a value than those of years.
fn shows_more_than_years(value: &str) -> bool {
    value
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .any(|part| part.len() != 4 || !part.starts_with(['1', '2']))
}

/// The numbers in a value.
fn numbers(value: &str) -> Vec<f64> {
    value
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .filter_map(|part| part.trim_matches('.').parse().ok())
        .collect()
}
