//! What an account tells in words: what was asked for, what was done to each column, what its level shows, and what was
//! to be lost least.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Account, Prepared, utility_name};
use crate::generalization::{Generator, Period};
use crate::lattice::Diversity;
use crate::reduce::{Reduce, Reduced, declared, named};
use crate::table_policy::{
    ClosenessPolicy, ColumnPolicy, DistanceName, Hierarchy, Role, TablePolicy,
};

/// What the policy asks for besides k.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// Share of the rows that may be left out, 0 to 1.
    pub suppression: f64,
    /// The column that tells whose row it is.
    pub person: Option<String>,
    /// Diversity of each sensitive column of which any is asked, in words.
    pub l: BTreeMap<String, String>,
    /// Closeness of each sensitive column of which any is asked, in words.
    pub t: BTreeMap<String, String>,
    /// Lowest and highest share of a population that may be known to be in the release, 0 to 1.
    pub delta: Option<(f64, f64)>,
}

impl Asked {
    pub(super) fn of(policy: &TablePolicy) -> Asked {
        let columns = || policy.columns.iter();
        let l =
            columns().filter_map(|(name, rule)| Some((name.clone(), diversity(rule.diversity?))));
        let t =
            columns().filter_map(|(name, rule)| Some((name.clone(), closeness(rule.closeness?))));
        Asked {
            suppression: policy.suppression,
            person: policy.person.clone(),
            l: l.collect(),
            t: t.collect(),
            delta: policy.delta.as_ref().map(|delta| (delta.presence.min, delta.presence.max)),
        }
    }
}

fn diversity(asked: Diversity) -> String {
    match asked {
        Diversity::Distinct(l) => format!("{l} different values"),
        Diversity::Entropy(l) => format!("{l} by entropy"),
        Diversity::Recursive { c, l } => format!("recursive, c = {c} and l = {l}"),
    }
}

fn closeness(asked: ClosenessPolicy) -> String {
    let distance = match asked.distance {
        DistanceName::Equal => "equal",
        DistanceName::Ordered => "ordered",
        DistanceName::Hierarchical => "hierarchical",
    };
    format!("distance of at most {} ({distance})", asked.t)
}

/// What was done to columns before anything else, in words. `kept` says whether the key of pseudonyms is kept.
pub(super) fn reductions(
    reduced: &Reduced,
    policy: &TablePolicy,
    kept: bool,
) -> BTreeMap<String, String> {
    let of = |(name, rule): (&String, &ColumnPolicy)| {
        let done = match declared(rule, policy.safe_harbor) {
            _ if rule.role == Role::Identifying => return None,
            Some(Reduce::Pseudonym) => {
                let key = match kept {
                    true => {
                        "with a key that is kept: the same in every release under this key, and whoever has the key can tell whose it is"
                    }
                    false => "with a key that nobody kept: others in every release",
                };
                format!(
                    "pseudonyms (HMAC-SHA-256, cut to 128 bits) {key}. Rows with the same one belong together"
                )
            }
            Some(Reduce::Age) => AGES.to_owned(),
            Some(Reduce::Zip) => ZIPS.to_owned(),
            Some(Reduce::Year) => YEARS.to_owned(),
            Some(Reduce::Shift) => format!(
                "dates moved by up to {} days, all of a person by as many",
                policy.shift_days
            ),
            Some(Reduce::Text) => "prose without what identifies".to_owned(),
            None => match named::of(name).filter(|_| reduced.named.contains(name))? {
                named::Holds::Age(1.0) => AGES.to_owned(),
                named::Holds::Age(_) => {
                    "ages over 89 years are shown as 90 years, for 90 or older".to_owned()
                }
                named::Holds::Year => "years, but those that show an age over 89".to_owned(),
                _ => ZIPS.to_owned(),
            },
        };
        Some((name.clone(), done))
    };
    policy.columns.iter().filter_map(of).collect()
}

const AGES: &str = "ages; those over 89 are 90, for 90 or older";
const ZIPS: &str = "areas by the first three digits of postal codes, fewer where few people live";
const YEARS: &str = "years of dates, but those that show an age over 89";

/// What each quasi-identifier shows at its level, in words.
pub(super) fn meanings(
    prepared: &Prepared<'_>,
    reduced: &Reduced,
    policy: &TablePolicy,
    levels: &[usize],
) -> BTreeMap<String, String> {
    let of = |(quasi, &level): (&super::Quasi, &usize)| {
        let name = &quasi.column.name;
        let rule = policy.columns.get(name)?;
        let oldest = reduced.oldest(name, rule);
        let shown = &quasi.over.levels[level];
        let hidden = level > 0 && level + 1 == quasi.over.levels.len() && shown.values.len() < 2;
        let meaning =
            if hidden { "not shown".to_owned() } else { meaning(rule, policy, level, oldest) };
        Some((name.clone(), meaning))
    };
    prepared.quasi.iter().zip(levels).filter_map(of).collect()
}

/// What a level shows that does not hide everything.
fn meaning(rule: &ColumnPolicy, policy: &TablePolicy, level: usize, oldest: Option<f64>) -> String {
    let years = declared(rule, policy.safe_harbor) == Some(Reduce::Year);
    let finest = || match (declared(rule, policy.safe_harbor), oldest) {
        (_, Some(oldest)) => format!("the age, {oldest} standing for all older ones"),
        (Some(Reduce::Year), _) => "the year".to_owned(),
        (Some(Reduce::Zip), _) => "the first three digits".to_owned(),
        _ => "the value itself".to_owned(),
    };
    let Some(above) = level.checked_sub(1) else { return finest() };
    let first = |keep: &[usize]| match keep.get(above) {
        Some(1) => "the first character".to_owned(),
        Some(n) => format!("the first {n} characters"),
        None => "not shown".to_owned(),
    };
    match &rule.hierarchy {
        Some(Hierarchy::File(file)) => {
            format!("what stands at place {} of each line of {file}", level + 1)
        }
        Some(Hierarchy::Generated(generator)) => match generator {
            Generator::Number { widths, .. } => match (widths.get(above), oldest) {
                (Some(width), None) => format!("intervals of {width}"),
                (Some(width), Some(_)) => format!("intervals of {width}, the oldest open"),
                _ => "not shown".to_owned(),
            },
            Generator::Date { periods } => match periods.get(above) {
                Some(Period::Decade) => "the decade",
                Some(Period::Month) if !years => "the month",
                Some(Period::Quarter) if !years => "the quarter of the year",
                Some(_) => "the year",
                None => "not shown",
            }
            .to_owned(),
            Generator::Icd10 if above == 0 => "the category of three characters".to_owned(),
            Generator::Icd10 => "the chapter".to_owned(),
            Generator::Prefix { keep } | Generator::Zip { keep } => first(keep),
            Generator::Flat => "not shown".to_owned(),
        },
        None => "not shown".to_owned(),
    }
}

impl Account {
    /// What was to be lost least, how much of it is lost, and whether that is proven to be the least, in words.
    pub fn optimum(&self) -> String {
        let value = self.optimized.unwrap_or(self.loss);
        let value = match self.utility.as_str() {
            "discernibility" => format!("{value:.0}"),
            "average_class_size" => format!("{value:.2}"),
            _ => format!("{value:.5}"),
        };
        let measure = match self.utility.as_str() {
            "average_class_size" => "released rows for each released class",
            "entropy" => "information lost (entropy)",
            other => other,
        };
        match self.optimal {
            true => format!("{measure} {value}, proven to be the least there is"),
            false => format!(
                "{measure} {value}, the least of {} that were counted (not proven)",
                self.counted
            ),
        }
    }
}

/// The measure that was optimized, of those that the account tells; of the weighted loss the value that was found.
pub(super) fn optimized(
    policy: &TablePolicy,
    weighted: bool,
    measures: &super::Measures,
    found: f64,
) -> f64 {
    match utility_name(policy, weighted) {
        "loss" => measures.loss,
        "discernibility" => measures.discernibility,
        "average_class_size" => measures.average_class_size,
        "entropy" => measures.entropy,
        _ => found,
    }
}
