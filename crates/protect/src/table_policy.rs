//! The policy for one table: what each column is, what must hold of the release, what is to be lost least.
//!
//! The file is TOML that people write; `docs/custodian.md` describes it. Every mistake is a sentence that names the key.
//! A column that the policy does not name is not released.

mod section;

use std::collections::BTreeMap;

use toml::Table as Toml;

use crate::generalization::{Generator, Period};
use crate::lattice::{Diversity, Presence};
use crate::reduce::Reduce;
use crate::safe_harbor::{self, SparseAreas};
pub(crate) use section::Section;

/// What a release of one table must be like.
#[derive(Clone, Debug, PartialEq)]
pub struct TablePolicy {
    /// Persons who must share every combination of quasi-identifiers; rows, where no column tells whose they are.
    pub k: u32,
    /// Share of the rows that may be left out, 0 to 1; none may where [`TablePolicy::delta`] has a minimum.
    pub suppression: f64,
    /// What is to be lost least.
    pub utility: Utility,
    /// The columns that are named.
    pub columns: BTreeMap<String, ColumnPolicy>,
    /// How sure one may be that somebody is in the table.
    pub delta: Option<DeltaPolicy>,
    /// Whether released values are searched for the identifiers of Safe Harbor.
    pub safe_harbor: bool,
    /// Areas of the United States that are shown as 000.
    pub sparse: SparseAreas,
    /// The column that tells whose row it is: for dates that are shifted, and since k counts persons.
    pub person: Option<String>,
    /// By how many days dates are shifted at most.
    pub shift_days: u32,
    /// Candidates that may be counted before the search gives up proving that its answer is the best.
    pub patience: Option<u64>,
}

/// What is to be lost least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Utility {
    /// Iyengar's loss; with weights the weighted mean over the quasi-identifiers in place of the geometric one.
    Loss,
    /// The discernibility of rows.
    Discernibility,
    /// Rows for each class.
    AverageClassSize,
    /// Bits that are lost in all cells together.
    Entropy,
}

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It names or numbers somebody: it is not released.
    Identifying,
    /// Together with others it may identify: it is generalized.
    QuasiIdentifying,
    /// Nobody may learn somebody's value: it is released as it is, and diversity and closeness are asked of it.
    Sensitive,
    /// It is released as it is.
    Insensitive,
}

/// What the policy says of one column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnPolicy {
    /// What it is.
    pub role: Role,
    /// What is done to its values first.
    pub reduce: Option<Reduce>,
    /// How its values are generalized, or how far apart they are.
    pub hierarchy: Option<Hierarchy>,
    /// How much losing it hurts, relative to the others; where any column has one, the others count 1.
    pub weight: Option<u32>,
    /// Diversity of every class.
    pub diversity: Option<Diversity>,
    /// Closeness of every class.
    pub closeness: Option<ClosenessPolicy>,
}

/// Where a hierarchy comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Hierarchy {
    /// A file, named relative to the policy's own folder.
    File(String),
    /// A rule.
    Generated(Generator),
}

/// How close a column's values in every class must be to those in the whole table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClosenessPolicy {
    /// The largest distance, 0 to 1.
    pub t: f64,
    /// How far values are from each other.
    pub distance: DistanceName,
}

/// The ground distance of t-closeness by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DistanceName {
    /// Any two values are equally far apart.
    Equal,
    /// Numbers, as far apart as their ranks.
    Ordered,
    /// As far apart as their lowest common ancestor in the column's hierarchy is high.
    Hierarchical,
}

/// How sure one may be that somebody of a population is in the table.
#[derive(Clone, Debug, PartialEq)]
pub struct DeltaPolicy {
    /// The file with the population, which contains the table's rows, named relative to the policy's own folder.
    pub population: String,
    /// The bounds.
    pub presence: Presence,
}

/// Why a policy is refused: which key, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the policy is wrong at '{key}': {what}")]
pub struct TablePolicyError {
    /// The key, such as `columns.age.hierarchy`.
    pub key: String,
    /// What is wrong and what would be right.
    pub what: String,
}

impl TablePolicyError {
    /// An error at a key.
    pub fn new(key: impl Into<String>, what: impl Into<String>) -> TablePolicyError {
        TablePolicyError { key: key.into(), what: what.into() }
    }
}

impl TablePolicy {
    /// A policy for what Safe Harbor was applied to, which asks for nothing but `k` of quasi-identifiers.
    pub(crate) fn anonymity(
        k: u32,
        suppression: f64,
        quasi: impl Iterator<Item = String>,
    ) -> TablePolicy {
        let role = Role::QuasiIdentifying;
        let column = |name| {
            let (hierarchy, reduce, weight, diversity, closeness) = (None, None, None, None, None);
            (name, ColumnPolicy { role, reduce, hierarchy, weight, diversity, closeness })
        };
        TablePolicy {
            k,
            suppression,
            utility: Utility::Loss,
            columns: quasi.map(column).collect(),
            delta: None,
            safe_harbor: true,
            sparse: SparseAreas::default(),
            person: None,
            shift_days: 0,
            patience: None,
        }
    }

    /// Reads a policy.
    ///
    /// # Errors
    /// [`TablePolicyError`] with the key.
    pub fn parse(text: &str) -> Result<TablePolicy, TablePolicyError> {
        let file = toml(text)?;
        let mut root = Section::new("", &file);
        let k = root.whole("k", 2..=1_000_000)?.ok_or_else(|| {
            root.missing("k", "say how many rows must look alike, at least 2, such as k = 5")
        })?;
        let suppression = root.share("suppression")?.unwrap_or(0.0);
        let utility = root.utility("utility")?;
        let safe_harbor = root.flag("safe_harbor")?.unwrap_or(true);
        let sparse = match root.texts("sparse_zip3")? {
            None => SparseAreas::default(),
            Some(list) => SparseAreas::of(list)
                .ok_or_else(|| root.wrong("sparse_zip3", safe_harbor::NO_SPARSE_AREAS))?,
        };
        let person = root.text("person")?;
        let shift_days = root.whole("shift_days", 1..=36_500)?.unwrap_or(365) as u32;
        let patience = root.whole("patience", 1..=u64::MAX)?;
        let defaults = (root.diversity("l")?, root.closeness("t")?);
        let columns = columns(&mut root, defaults)?;
        let shifts = |column: &ColumnPolicy| column.reduce == Some(Reduce::Shift);
        if person.is_none() && columns.values().any(shifts) {
            return Err(
                root.missing("person", "name the column that tells whose dates are shifted")
            );
        }
        if utility != Utility::Loss
            && let Some((name, _)) = columns.iter().find(|(_, column)| column.weight.is_some())
        {
            let what =
                "weights count in the utility loss only; remove it, or say utility = \"loss\"";
            return Err(TablePolicyError::new(format!("columns.{name}.weight"), what));
        }
        let delta = root.section("delta")?.map(DeltaPolicy::read).transpose()?;
        // Read by `crate::synthesis`, from the same file.
        root.section("synthesis")?;
        root.finish()?;
        Ok(TablePolicy {
            k: k as u32,
            suppression,
            utility,
            columns,
            delta,
            safe_harbor,
            sparse,
            person,
            shift_days,
            patience,
        })
    }

    /// The files that the policy names, relative to its own folder: those of hierarchies, then the population's.
    pub fn files(&self) -> impl Iterator<Item = (String, &str)> {
        let hierarchies =
            self.columns.iter().filter_map(|(name, column)| match &column.hierarchy {
                Some(Hierarchy::File(file)) => {
                    Some((format!("columns.{name}.hierarchy"), file.as_str()))
                }
                _ => None,
            });
        let population = self.delta.iter();
        hierarchies
            .chain(population.map(|d| ("delta.population".to_owned(), d.population.as_str())))
    }
}

/// A file's keys.
pub(crate) fn toml(text: &str) -> Result<Toml, TablePolicyError> {
    text.parse().map_err(|error: toml::de::Error| {
        let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
        let line = before.matches('\n').count() + 1;
        TablePolicyError::new(
            format!("line {line}"),
            format!("this is no TOML: {}", error.message()),
        )
    })
}

type Defaults = (Option<Diversity>, Option<ClosenessPolicy>);

fn columns(
    root: &mut Section<'_>,
    defaults: Defaults,
) -> Result<BTreeMap<String, ColumnPolicy>, TablePolicyError> {
    let Some(section) = root.section("columns")? else {
        return Err(root.missing(
            "columns",
            "say what each column is, such as [columns.age] role = \"quasi-identifier\"",
        ));
    };
    let mut columns = BTreeMap::new();
    for (name, column) in section.sections()? {
        columns.insert(name, ColumnPolicy::read(column, defaults)?);
    }
    if !columns.values().any(|column| column.role == Role::QuasiIdentifying) {
        return Err(TablePolicyError::new(
            "columns",
            "no column has the role quasi-identifier; name those that others may know",
        ));
    }
    if defaults != (None, None) && !columns.values().any(|c| c.role == Role::Sensitive) {
        let key = if defaults.0.is_some() { "l" } else { "t" };
        return Err(TablePolicyError::new(key, "it needs a column with the role sensitive"));
    }
    Ok(columns)
}

impl ColumnPolicy {
    fn read(mut column: Section<'_>, defaults: Defaults) -> Result<ColumnPolicy, TablePolicyError> {
        let role = column.role("role")?;
        let reduce = column.reduce("reduce")?;
        if reduce.is_some() && role == Role::Identifying {
            return Err(
                column.wrong("reduce", "a column with the role identifying is not released")
            );
        }
        let weight = column.whole("weight", 1..=1_000)?.map(|weight| weight as u32);
        if weight.is_some() && role != Role::QuasiIdentifying {
            return Err(column.wrong("weight", "only quasi-identifiers are made coarser"));
        }
        let hierarchy = column.hierarchy("hierarchy")?;
        let own = (column.diversity("l")?, column.closeness("t")?);
        let sensitive = role == Role::Sensitive;
        for (key, given) in [("l", own.0.is_some()), ("t", own.1.is_some())] {
            if given && !sensitive {
                return Err(column.wrong(key, "only a column with the role sensitive takes it"));
            }
        }
        let closeness = own.1.or(defaults.1).filter(|_| sensitive);
        let distant = closeness.is_some_and(|c| c.distance == DistanceName::Hierarchical);
        if distant && hierarchy.is_none() {
            return Err(column.missing("hierarchy", "the hierarchical distance needs one"));
        }
        if hierarchy.is_some() && !distant && role != Role::QuasiIdentifying {
            return Err(column.wrong(
                "hierarchy",
                "only quasi-identifiers and the hierarchical distance take it",
            ));
        }
        let diversity = own.0.or(defaults.0).filter(|_| sensitive);
        column.finish()?;
        Ok(ColumnPolicy { role, reduce, hierarchy, weight, diversity, closeness })
    }
}

impl DeltaPolicy {
    fn read(mut delta: Section<'_>) -> Result<DeltaPolicy, TablePolicyError> {
        let population = delta.text("population")?.ok_or_else(|| {
            delta.missing("population", "name the file with everybody who could be in the table")
        })?;
        let (min, max) = (delta.share("min")?.unwrap_or(0.0), delta.share("max")?.unwrap_or(1.0));
        if min > max {
            return Err(delta.wrong("min", "it must not be above max"));
        }
        delta.finish()?;
        Ok(DeltaPolicy { population, presence: Presence { min, max } })
    }
}

impl Section<'_> {
    fn utility(&mut self, key: &str) -> Result<Utility, TablePolicyError> {
        let choices = [
            ("loss", Utility::Loss),
            ("discernibility", Utility::Discernibility),
            ("average_class_size", Utility::AverageClassSize),
            ("entropy", Utility::Entropy),
        ];
        Ok(self.choice(key, &choices)?.unwrap_or(Utility::Loss))
    }

    fn reduce(&mut self, key: &str) -> Result<Option<Reduce>, TablePolicyError> {
        let choices = [
            ("age", Reduce::Age),
            ("zip", Reduce::Zip),
            ("year", Reduce::Year),
            ("shift", Reduce::Shift),
            ("pseudonym", Reduce::Pseudonym),
            ("text", Reduce::Text),
        ];
        self.choice(key, &choices)
    }

    fn role(&mut self, key: &str) -> Result<Role, TablePolicyError> {
        let choices = [
            ("identifying", Role::Identifying),
            ("quasi-identifier", Role::QuasiIdentifying),
            ("quasi-identifying", Role::QuasiIdentifying),
            ("sensitive", Role::Sensitive),
            ("insensitive", Role::Insensitive),
        ];
        self.choice(key, &choices)?.ok_or_else(|| {
            self.missing(key, "it is identifying, quasi-identifier, sensitive or insensitive")
        })
    }

    /// `3`, or `{ kind = "entropy", l = 3 }`, or `{ kind = "recursive", c = 4, l = 3 }`.
    fn diversity(&mut self, key: &str) -> Result<Option<Diversity>, TablePolicyError> {
        if !self.is_section(key) {
            let l = self.whole(key, 2..=1_000_000)?;
            return Ok(l.map(|l| Diversity::Distinct(l as u32)));
        }
        let Some(mut inner) = self.section(key)? else { return Ok(None) };
        let kinds = [("distinct", 0), ("entropy", 1), ("recursive", 2)];
        let kind = inner.choice("kind", &kinds)?.unwrap_or(0);
        let diversity = if kind == 1 {
            let l = inner.number("l")?.filter(|l| *l > 1.0);
            Diversity::Entropy(l.ok_or_else(|| inner.missing("l", "it must be above 1"))?)
        } else {
            let l = inner.whole("l", 2..=1_000_000)?;
            let l = l.ok_or_else(|| inner.missing("l", "it must be at least 2"))? as u32;
            match kind {
                0 => Diversity::Distinct(l),
                _ => {
                    let c = inner.number("c")?.filter(|c| *c > 0.0);
                    let c = c.ok_or_else(|| inner.missing("c", "it must be above 0"))?;
                    Diversity::Recursive { c, l }
                }
            }
        };
        inner.finish()?;
        Ok(Some(diversity))
    }

    /// `0.2`, or `{ t = 0.2, distance = "ordered" }`.
    fn closeness(&mut self, key: &str) -> Result<Option<ClosenessPolicy>, TablePolicyError> {
        if !self.is_section(key) {
            let t = self.share(key)?;
            return Ok(t.map(|t| ClosenessPolicy { t, distance: DistanceName::Equal }));
        }
        let Some(mut inner) = self.section(key)? else { return Ok(None) };
        let t = inner.share("t")?.ok_or_else(|| inner.missing("t", "it is from 0 to 1"))?;
        let distances = [
            ("equal", DistanceName::Equal),
            ("ordered", DistanceName::Ordered),
            ("hierarchical", DistanceName::Hierarchical),
        ];
        let distance = inner.choice("distance", &distances)?.unwrap_or(DistanceName::Equal);
        inner.finish()?;
        Ok(Some(ClosenessPolicy { t, distance }))
    }

    /// A file's name, or `{ kind = "number", widths = [5, 10] }` and so on.
    fn hierarchy(&mut self, key: &str) -> Result<Option<Hierarchy>, TablePolicyError> {
        if !self.is_section(key) {
            return Ok(self.text(key)?.map(Hierarchy::File));
        }
        let Some(mut inner) = self.section(key)? else { return Ok(None) };
        let kinds =
            [("number", 0), ("date", 1), ("icd10", 2), ("prefix", 3), ("zip", 4), ("flat", 5)];
        let kind = inner.choice("kind", &kinds)?;
        let generator = match kind.ok_or_else(|| {
            inner.missing("kind", "it is number, date, icd10, prefix, zip or flat")
        })? {
            0 => Generator::Number {
                lower: inner.number("lower")?,
                upper: inner.number("upper")?,
                widths: inner.numbers("widths")?.unwrap_or_else(|| vec![5.0, 10.0, 20.0, 40.0]),
                unit: inner.number("unit")?.unwrap_or(1.0),
            },
            1 => Generator::Date { periods: inner.periods("periods")? },
            2 => Generator::Icd10,
            3 => Generator::Prefix { keep: inner.lengths("keep", &[3, 2, 1])? },
            4 => Generator::Zip { keep: inner.lengths("keep", &[2, 1])? },
            _ => Generator::Flat,
        };
        inner.finish()?;
        Ok(Some(Hierarchy::Generated(generator)))
    }

    fn lengths(&mut self, key: &str, default: &[usize]) -> Result<Vec<usize>, TablePolicyError> {
        let Some(numbers) = self.numbers(key)? else { return Ok(default.to_vec()) };
        let whole = |n: &f64| (n.fract() == 0.0 && (1.0..=64.0).contains(n)).then_some(*n as usize);
        let lengths: Option<Vec<usize>> = numbers.iter().map(whole).collect();
        lengths.ok_or_else(|| self.wrong(key, "it must be a list of whole numbers from 1 to 64"))
    }

    fn periods(&mut self, key: &str) -> Result<Vec<Period>, TablePolicyError> {
        let names = [
            ("month", Period::Month),
            ("quarter", Period::Quarter),
            ("year", Period::Year),
            ("decade", Period::Decade),
        ];
        let periods = self.choices(key, &names)?;
        Ok(periods.unwrap_or_else(|| vec![Period::Month, Period::Year, Period::Decade]))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const POLICY: &str = r#"
        k = 5
        suppression = 0.02
        l = 2
        [columns]
        name = { role = "identifying" }
        age = { role = "quasi-identifier", hierarchy = { kind = "number", widths = [5, 10] } }
        zip = { role = "quasi-identifier", hierarchy = "zip.csv" }
        disease = { role = "sensitive", t = { t = 0.3, distance = "equal" } }
        [delta]
        population = "everybody.csv"
        max = 0.5
    "#;

    #[test]
    fn a_policy_says_what_each_column_is_and_what_must_hold() {
        let policy = TablePolicy::parse(POLICY).unwrap();
        assert_eq!((policy.k, policy.suppression, policy.utility), (5, 0.02, Utility::Loss));
        assert_eq!(policy.columns["disease"].diversity, Some(Diversity::Distinct(2)));
        assert_eq!(policy.columns["age"].diversity, None);
        let files: Vec<(String, &str)> = policy.files().collect();
        assert_eq!(files[0], ("columns.zip.hierarchy".to_owned(), "zip.csv"));
        assert_eq!(files[1].1, "everybody.csv");
    }

    #[test]
    fn a_mistake_is_a_sentence_that_names_the_key() {
        for (from, to, key) in [
            ("k = 5", "k = 1", "'k'"),
            ("k = 5", "", "'k'"),
            ("k = 5", "k = \"five\"", "'k'"),
            ("k = 5", "k = ", "'line 2'"),
            ("0.02", "2", "'suppression'"),
            ("l = 2", "l = 2\nlevel = 3", "'level'"),
            ("l = 2", "utility = \"beauty\"", "'utility'"),
            ("l = 2", "l = 2\nsparse_zip3 = []", "'sparse_zip3'"),
            ("\"identifying\"", "\"secret\"", "'columns.name.role'"),
            ("\"identifying\"", "\"identifying\", l = 3", "'columns.name.l'"),
            (
                "\"identifying\"",
                "\"identifying\", hierarchy = \"x.csv\"",
                "'columns.name.hierarchy'",
            ),
            ("\"identifying\"", "\"identifying\", weight = 2", "'columns.name.weight'"),
            ("zip.csv\"", "zip.csv\", weight = 0", "'columns.zip.weight'"),
            ("\"number\"", "\"colour\"", "'columns.age.hierarchy.kind'"),
            ("[5, 10]", "[5, \"x\"]", "'columns.age.hierarchy.widths'"),
            ("\"equal\"", "\"hierarchical\"", "'columns.disease.hierarchy'"),
            ("t = 0.3,", "", "'columns.disease.t.t'"),
            ("max = 0.5", "max = 0.5\nmin = 0.6", "'delta.min'"),
            ("population = \"everybody.csv\"", "", "'delta.population'"),
            ("\"quasi-identifier\"", "\"insensitive\"", "hierarchy'"),
        ] {
            let error = TablePolicy::parse(&POLICY.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(key), "{to}: {error}");
        }
    }
}
