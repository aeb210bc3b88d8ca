//! Synthetic tables with differential privacy: select marginals, measure them with noise, generate from them.
//!
//! One row is one person; tables that differ in one row are neighbours. The budget (epsilon, delta) is turned into rho of
//! zero-concentrated differential privacy (Bun and Steinke 2016, proposition 1.3: rho-zCDP gives
//! (rho + 2 sqrt(rho ln(1/delta)), delta)) and spent in three equal parts:
//!
//! 1. Every column's counts are measured with discrete Gaussian noise.
//! 2. A tree over the columns is selected: pair by pair the one whose joint counts are farthest from what independence
//!    would make them, by report noisy max (McKenna, Miklau and Sheldon 2021, the MST mechanism).
//! 3. The joint counts of the tree's pairs are measured, again with discrete Gaussian noise.
//!
//! Everything after that sees noisy numbers only: counts are projected onto what counts can be, and rows are drawn from
//! the tree, each column given its parent. Noise is exact (Canonne, Kamath and Steinke 2020, sampled by opendp on
//! rationals); sensitivities are whole numbers. The domain of every column comes from the policy and never from the data.

mod assess;
mod domain;
mod noise;
mod outside;
mod tree;

use arrow::datatypes::DataType;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde::Serialize;

use crate::table::{Column, Table};
pub use assess::{Attack, Utility, attack, utility};
pub use domain::{ColumnDomain, SynthesisPolicy};
use noise::{Sigma, perturb};
pub use outside::Outside;
use tree::Tree;

/// Cells that a pair of columns may have.
const MOST_CELLS: usize = 1 << 22;

/// Rows by which the noise may change the number of rows, as a standard deviation.
const MOST_NOISE: f64 = 1e6;

/// How much may be learnt about anybody.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Budget {
    /// The factor's logarithm.
    pub epsilon: f64,
    /// The chance that it does not hold.
    pub delta: f64,
}

/// What was spent and chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spent {
    /// What was asked for.
    #[serde(flatten)]
    pub budget: Budget,
    /// The same as zero-concentrated differential privacy.
    pub rho: f64,
    /// Standard deviation of the noise in every column's counts, in rows.
    pub sigma_columns: f64,
    /// Standard deviation of the noise in the joint counts, in rows.
    pub sigma_pairs: f64,
    /// The pairs of columns that were measured together.
    pub pairs: Vec<(String, String)>,
}

/// A synthetic table.
pub struct Synthesis {
    /// Its rows, of nobody.
    pub table: Table,
    /// What it cost.
    pub spent: Spent,
    /// The rows as positions in the columns' domains.
    codes: Vec<Vec<u32>>,
}

/// Why there is no synthetic table. No value of the table is part of it.
#[derive(Debug, thiserror::Error)]
pub enum SynthesisError {
    /// The policy asks for something that makes no sense.
    #[error(transparent)]
    Policy(#[from] crate::table_policy::TablePolicyError),
    /// The budget protects nobody, or allows nothing.
    #[error(
        "epsilon must be above 0 and at most 100, and delta above 0 and below 0.01; a usual choice is 1 and 1e-6"
    )]
    Budget,
    /// There would be more noise than any table has rows.
    #[error(
        "the budget asks for noise of {0:.0} rows, more than a table can be told from; raise epsilon, a usual choice is 1"
    )]
    Noisy(f64),
    /// Two columns have too many values together.
    #[error(
        "'{0}' and '{1}' have {2} combinations of values; make one of them coarser with a larger width or a higher level"
    )]
    Wide(String, String, usize),
    /// Too few rows for any attack.
    #[error("the table has {0} rows; at least 20 are needed")]
    Short(usize),
    /// The source of randomness failed.
    #[error(
        "the noise generator failed, so nothing was released; check the system's source of randomness and try again"
    )]
    Noise,
}

/// A table as positions in its columns' domains.
#[derive(Clone)]
pub struct Coded<'p> {
    policy: &'p SynthesisPolicy,
    sizes: Vec<usize>,
    columns: Vec<Vec<u32>>,
    /// For each column the rows whose value its domain does not hold; in `columns` they have the missing one.
    outside: Vec<Vec<u32>>,
    /// Where each column stands in the table.
    places: Vec<usize>,
    /// Of what type each column is in the table; `None` where nobody says, as in CSV.
    kinds: Option<Vec<DataType>>,
}

impl<'p> Coded<'p> {
    /// Reads a table by the policy's domains. What is in no domain counts as missing, and is counted ([`Coded::outside`]).
    ///
    /// # Errors
    /// [`SynthesisError::Policy`] for a column that the table lacks or whose domain holds less than half of its values,
    /// [`SynthesisError::Wide`], [`SynthesisError::Short`].
    pub fn new(table: &Table, policy: &'p SynthesisPolicy) -> Result<Coded<'p>, SynthesisError> {
        if table.rows() < 20 {
            return Err(SynthesisError::Short(table.rows()));
        }
        let (sizes, columns, outside, places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let kinds = Some(Vec::new());
        let mut coded = Coded { policy, sizes, columns, outside, places, kinds };
        for (name, domain) in &policy.columns {
            let place = table.columns.iter().position(|column| column.name == *name);
            let place = place.ok_or_else(|| domain::no_such_column(name, table))?;
            let mut codes = domain.code(&table.columns[place]);
            coded.outside.push(outside::take_out(name, domain, &mut codes)?);
            coded.sizes.push(domain.size());
            coded.columns.push(codes);
            coded.places.push(place);
            coded.kinds.iter_mut().for_each(|all| all.push(table.columns[place].kind.clone()));
        }
        let names: Vec<&String> = policy.columns.iter().map(|(name, _)| name).collect();
        for (a, b) in tree::pairs(names.len()) {
            let cells = coded.sizes[a] * coded.sizes[b];
            if cells > MOST_CELLS {
                return Err(SynthesisError::Wide(names[a].clone(), names[b].clone(), cells));
            }
        }
        Ok(coded)
    }

    /// The same where the table says nothing of the types of its columns, as CSV: a synthetic column is of the type that the
    /// policy's values are of.
    pub fn without_types(self) -> Coded<'p> {
        Coded { kinds: None, ..self }
    }

    /// A synthetic column as one of its type: that of the table; of numbers and dates that come out as whole or broken
    /// numbers (a date as its year), as such; else as texts.
    fn typed(&self, position: usize, column: Column) -> Column {
        let domain = &self.policy.columns[position].1;
        match &self.kinds {
            None => {
                let exactly = matches!(domain, ColumnDomain::Values(_));
                column.in_kind(domain.kinds_of_values(), exactly)
            }
            Some(kinds) => {
                let kind = &kinds[position];
                let number = kind.is_numeric() || kind.is_temporal();
                let numbers = [kind.clone(), DataType::Int64, DataType::Float64];
                column.in_kind(if number { &numbers } else { &numbers[..1] }, false)
            }
        }
    }

    fn rows(&self) -> usize {
        self.columns[0].len()
    }

    fn count(&self, column: usize) -> Vec<u64> {
        let mut counts = vec![0; self.sizes[column]];
        self.columns[column].iter().for_each(|&value| counts[value as usize] += 1);
        counts
    }

    /// Joint counts, the second column varying fastest.
    fn count_pair(&self, (a, b): (usize, usize)) -> Vec<u64> {
        let mut counts = vec![0; self.sizes[a] * self.sizes[b]];
        for (&x, &y) in self.columns[a].iter().zip(&self.columns[b]) {
            counts[x as usize * self.sizes[b] + y as usize] += 1;
        }
        counts
    }
}

/// The largest rho whose zCDP gives the budget, a little less for rounding.
fn rho(budget: Budget) -> Result<f64, SynthesisError> {
    let Budget { epsilon, delta } = budget;
    if !(epsilon > 0.0 && epsilon <= 100.0 && delta > 0.0 && delta < 0.01) {
        return Err(SynthesisError::Budget);
    }
    let bits = (1.0 / delta).ln();
    // (sqrt(bits + epsilon) - sqrt(bits))^2 without the cancellation.
    let root = epsilon / ((bits + epsilon).sqrt() + bits.sqrt());
    Ok(root * root * (1.0 - 1e-9))
}

/// Makes a synthetic table of about as many rows. `seed` draws rows from what was measured; the noise cannot be seeded.
///
/// # Errors
/// [`SynthesisError::Budget`] for a budget out of range, [`SynthesisError::Noisy`] for one that leaves nothing but noise,
/// [`SynthesisError::Noise`] where randomness fails.
pub fn synthesize(
    coded: &Coded<'_>,
    budget: Budget,
    seed: [u8; 32],
) -> Result<Synthesis, SynthesisError> {
    let rho = rho(budget)?;
    let columns = coded.columns.len();
    let part = rho / 3.0;
    let sigma_columns = Sigma::for_counts(columns, part);
    // The noise is known before anything of the table is: every value of a column adds some to the number of rows.
    let values = coded.sizes.iter().copied().max().unwrap_or(1);
    let noise = sigma_columns.approximate() * (values as f64).sqrt();
    if noise > MOST_NOISE {
        return Err(SynthesisError::Noisy(noise));
    }
    let mut singles = Vec::with_capacity(columns);
    for column in 0..columns {
        singles.push(perturb(&coded.count(column), &sigma_columns)?);
    }
    let totals = singles.iter().map(|counts| counts.iter().sum::<i64>() as f64);
    let rows = (totals.sum::<f64>() / columns as f64).round().max(1.0);
    let shares: Vec<Vec<f64>> = singles.iter().map(|counts| tree::project(counts, rows)).collect();
    let edges = tree::select(coded, &shares, part)?;
    let sigma_pairs = Sigma::for_counts(edges.len().max(1), part);
    let mut measured = Vec::new();
    for &edge in &edges {
        measured.push((edge, perturb(&coded.count_pair(edge), &sigma_pairs)?));
    }
    let tree = Tree::new(&shares, &measured, &coded.sizes);
    let mut random = ChaCha20Rng::from_seed(seed);
    let codes = tree.draw(rows as usize, &mut random);
    let names: Vec<&String> = coded.policy.columns.iter().map(|(name, _)| name).collect();
    let shown = coded.policy.columns.iter().zip(&codes).enumerate();
    let shown = shown.map(|(position, ((name, domain), codes))| {
        let texts: Vec<String> = codes.iter().map(|&code| domain.show(code, &mut random)).collect();
        coded.typed(position, Column::of(name, texts.iter().map(String::as_str)))
    });
    let mut shown: Vec<(usize, Column)> = coded.places.iter().copied().zip(shown).collect();
    shown.sort_by_key(|(place, _)| *place);
    let table = Table { columns: shown.into_iter().map(|(_, column)| column).collect() };
    let pairs = edges.iter().map(|&(a, b)| (names[a].clone(), names[b].clone())).collect();
    let spent = Spent {
        budget,
        rho,
        sigma_columns: sigma_columns.approximate(),
        sigma_pairs: sigma_pairs.approximate(),
        pairs,
    };
    Ok(Synthesis { table, spent, codes })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn policy() -> SynthesisPolicy {
        let text = "[synthesis.columns]\nx = { values = [\"a\", \"b\"] }\ny = { values = [\"a\", \"b\"] }\nage = { lower = 0, upper = 99, width = 10 }\n";
        SynthesisPolicy::parse(text, &crate::release::Files::new()).unwrap()
    }

    fn table(rows: usize) -> Table {
        let ab = |row: usize| if row % 10 < 7 { "a" } else { "b" };
        let ages: Vec<String> = (0..rows).map(|row| (row % 50 + 20).to_string()).collect();
        Table {
            columns: vec![
                Column::of("x", (0..rows).map(ab)),
                Column::of("y", (0..rows).map(ab)),
                Column::of("age", ages.iter().map(String::as_str)),
            ],
        }
    }

    #[test]
    fn rho_gives_the_budget_back() {
        for (epsilon, delta) in [(0.1, 1e-9), (1.0, 1e-6), (10.0, 1e-5)] {
            let rho = rho(Budget { epsilon, delta }).unwrap();
            let back = rho + 2.0 * (rho * (1.0 / delta).ln()).sqrt();
            assert!(back <= epsilon && back > epsilon * 0.999, "{back} {epsilon}");
        }
        assert!(rho(Budget { epsilon: 0.0, delta: 1e-6 }).is_err());
        assert!(rho(Budget { epsilon: 1.0, delta: 0.0 }).is_err());
        assert!(rho(Budget { epsilon: f64::NAN, delta: 1e-6 }).is_err());
    }

    #[test]
    fn a_budget_that_leaves_nothing_but_noise_is_refused_before_anything_is_made() {
        let (policy, table) = (policy(), table(200));
        let coded = Coded::new(&table, &policy).unwrap();
        for epsilon in [1e-9, 1e-300] {
            let made = synthesize(&coded, Budget { epsilon, delta: 1e-6 }, [1; 32]);
            let error = made.err().unwrap();
            assert!(matches!(error, SynthesisError::Noisy(_)), "{error}");
        }
    }

    #[test]
    fn columns_that_go_together_go_together_in_the_synthetic_table() {
        let (policy, table) = (policy(), table(4_000));
        let coded = Coded::new(&table, &policy).unwrap();
        let made = synthesize(&coded, Budget { epsilon: 4.0, delta: 1e-6 }, [1; 32]).unwrap();
        assert!(made.spent.pairs.iter().any(|(a, b)| a == "x" && b == "y"));
        let same = made.codes[1].iter().zip(&made.codes[2]).filter(|(x, y)| x == y).count();
        assert!(same * 100 >= made.table.rows() * 90, "{same} of {}", made.table.rows());
        assert!(made.table.rows().abs_diff(4_000) < 200);
        let close = utility(&coded, &made);
        assert!(close.pairs_mean < 0.1, "{close:?}");
        let ages = made.table.column("age").unwrap();
        assert!(ages.values.iter().all(|age| age.is_empty() || age.parse::<u32>().unwrap() < 100));
    }

    #[test]
    fn a_domain_that_does_not_hold_most_of_a_column_is_refused_without_a_value() {
        let policy = |x: &str| {
            let text = format!("[synthesis.columns]\nx = {x}\n");
            SynthesisPolicy::parse(&text, &crate::release::Files::new()).unwrap()
        };
        // 30 of Ada, 30 of Eve, 40 of nobody: the missing ones are no values.
        let names = (0..100).map(|row| ["Ada", "Eve", ""][if row < 60 { row % 2 } else { 2 }]);
        let source = Table { columns: vec![Column::of("x", names)] };
        let refused = |x: &str| Coded::new(&source, &policy(x)).err().unwrap();
        let error = refused("{ values = [\"ada\", \"eve\"] }");
        assert!(matches!(error, SynthesisError::Policy(_)));
        let error = error.to_string();
        for told in ["'synthesis.columns.x'", "60 of 60 values", "\"ada\", \"eve\""] {
            assert!(error.contains(told), "{told}: {error}");
        }
        assert!(!error.contains("Ada") && !error.contains("Eve"), "{error}");
        let error = refused("{ lower = 0, upper = 9 }").to_string();
        assert!(error.contains("numbers from 0 to below 10"), "{error}");
        // Half is told and not refused.
        let half = policy("{ values = [\"Ada\", \"other\"] }");
        let coded = Coded::new(&source, &half).unwrap();
        let outside = coded.outside()["x"];
        assert_eq!((outside.rows, outside.values), (30, 60));
        assert!((outside.share - 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_the_domain_does_not_hold_is_distance_from_the_source() {
        let text = "[synthesis.columns]\nx = { values = [\"a\"] }\nage = { lower = 0, upper = 99, width = 10 }\n";
        let policy = SynthesisPolicy::parse(text, &crate::release::Files::new()).unwrap();
        let source = table(4_000);
        let coded = Coded::new(&source, &policy).unwrap();
        let made = synthesize(&coded, Budget { epsilon: 8.0, delta: 1e-6 }, [1; 32]).unwrap();
        let far = utility(&coded, &made);
        // Three in ten have a value that no synthetic row can have.
        assert!((far.columns["x"] - 0.3).abs() < 0.02, "{far:?}");
        assert!(far.pairs_mean >= 0.29 && far.columns["age"] < 0.05, "{far:?}");
        assert_eq!(far.outside.len(), 1);
        assert_eq!((far.outside["x"].rows, far.outside["x"].values), (1_200, 4_000));
    }

    #[test]
    fn a_column_of_dates_is_made_by_years_and_columns_keep_their_order() {
        let text = "[synthesis.columns]\nborn = { lower = 1920, upper = 2029, width = 10 }\na = { values = [\"x\"] }\n";
        let policy = SynthesisPolicy::parse(text, &crate::release::Files::new()).unwrap();
        let born = (0..400).map(|row| ["1950-02-03", "1984-12", "2001"][row % 3]);
        let z = Column::of("z", (0..400).map(|_| "of no use"));
        let columns = vec![Column::of("born", born), z, Column::of("a", (0..400).map(|_| "x"))];
        let coded = Coded::new(&Table { columns }, &policy).unwrap();
        assert!(coded.outside().is_empty());
        let made = synthesize(&coded, Budget { epsilon: 20.0, delta: 1e-6 }, [1; 32]).unwrap();
        let names: Vec<&str> = made.table.columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["born", "a"]);
        let years = &made.table.columns[0];
        let decade = |row: usize| {
            years.value(row).parse::<u32>().is_ok_and(|y| [195, 198, 200].contains(&(y / 10)))
        };
        let right = (0..made.table.rows()).filter(|row| decade(*row)).count();
        assert!(right * 10 > made.table.rows() * 9, "{right}");
    }

    #[test]
    fn the_attack_knows_members_of_the_source_and_not_of_the_synthetic_table() {
        let (policy, table) = (policy(), table(2_000));
        let coded = Coded::new(&table, &policy).unwrap();
        let attack = attack(&coded, Budget { epsilon: 1.0, delta: 1e-6 }, [2; 32]).unwrap();
        assert!(attack.targets == 1_000, "{attack:?}");
        assert!((attack.auc - 0.5).abs() < 0.1, "{attack:?}");
        assert!(attack.bound < 0.47 && attack.bound > 0.46, "{attack:?}");
    }

    #[test]
    fn a_table_with_unique_rows_gives_its_members_away_and_the_synthetic_one_does_not() {
        let text =
            "[synthesis.columns]\na = { lower = 0, upper = 199 }\nb = { lower = 0, upper = 199 }\n";
        let policy = SynthesisPolicy::parse(text, &crate::release::Files::new()).unwrap();
        let column = |name: &str, factor: usize| {
            let texts: Vec<String> =
                (0..200_usize).map(|row| (row * factor % 200).to_string()).collect();
            Column::of(name, texts.iter().map(String::as_str))
        };
        let table = Table { columns: vec![column("a", 7), column("b", 33)] };
        let coded = Coded::new(&table, &policy).unwrap();
        let attack = attack(&coded, Budget { epsilon: 1.0, delta: 1e-6 }, [2; 32]).unwrap();
        assert!(attack.auc_on_source > 0.99 && attack.auc < 0.65, "{attack:?}");
    }

    #[test]
    fn a_column_has_the_type_that_the_source_has_where_its_values_are_such() {
        let text = "[synthesis.columns]\nage = { lower = 0, upper = 99, width = 10 }\nborn = { lower = 1900, upper = 1999, width = 10 }\nday = { values = [\"2020-01-01\", \"2020-01-02\"] }\nalive = { values = [\"true\", \"false\"] }\nzip = { values = [\"01067\", \"20095\"] }\nweight = { lower = 0.5, upper = 99.5, width = 9.5 }\n";
        let policy = SynthesisPolicy::parse(text, &crate::release::Files::new()).unwrap();
        let rows = |value: fn(usize) -> String| (0..400).map(value).collect::<Vec<_>>();
        let columns = [
            ("age", DataType::Float64, rows(|row| format!("{}.0", row % 90))),
            ("born", DataType::Date32, rows(|row| format!("19{:02}-03-04", row % 90))),
            ("day", DataType::Date32, rows(|row| format!("2020-01-0{}", row % 2 + 1))),
            ("alive", DataType::Boolean, rows(|row| (row % 3 > 0).to_string())),
            ("zip", DataType::Utf8, rows(|row| ["01067", "20095"][row % 2].to_owned())),
            ("weight", DataType::Int16, rows(|row| (row % 80 + 1).to_string())),
        ];
        let column = |(name, kind, values): &(&str, DataType, Vec<String>)| {
            let column = Column::of(name, values.iter().map(String::as_str));
            Column { kind: kind.clone(), ..column }
        };
        let source = Table { columns: columns.iter().map(column).collect() };
        let coded = Coded::new(&source, &policy).unwrap();
        let budget = Budget { epsilon: 50.0, delta: 1e-3 };
        let kinds = |coded: &Coded<'_>| {
            let made = synthesize(coded, budget, [1; 32]).unwrap();
            let written = made.table.write(crate::table::Format::Parquet).unwrap();
            let (again, _) = Table::read(&written).unwrap();
            // What is written is what is there: the types hold every value.
            assert!(again == made.table);
            again.columns.into_iter().map(|column| column.kind).collect::<Vec<_>>()
        };
        let (float, whole) = (DataType::Float64, DataType::Int64);
        let (date, flag, words) = (DataType::Date32, DataType::Boolean, DataType::Utf8);
        // A date that counts by its year comes out as a number.
        assert_eq!(
            kinds(&coded),
            [
                float.clone(),
                whole.clone(),
                date.clone(),
                flag.clone(),
                words.clone(),
                float.clone()
            ]
        );
        // Of a CSV nothing is known, and the policy says what the values are.
        let untyped = coded.without_types();
        assert_eq!(kinds(&untyped), [whole.clone(), whole, date, flag, words, float]);
    }
}
