//! Releases of whole tables, judged from their text alone by the definitions of the models.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use caduceus_protect::lattice::Distance;
use caduceus_protect::reduce::Secrets;
use caduceus_protect::release::{Files, METHOD, Release, ReleaseError, release};
use caduceus_protect::table::Table;
use caduceus_protect::table_policy::TablePolicy;
use caduceus_protect::{Date, PseudonymKey};
use parquet::arrow::ArrowWriter;
use proptest::prelude::*;

fn released(table: &Table, policy: &str, files: &Files) -> Result<Release, ReleaseError> {
    let key = PseudonymKey::new([3; 32]);
    let secrets = Secrets { key: &key, key_kept: false, today: Date::new(2026, 1, 1).unwrap() };
    release(table, &TablePolicy::parse(policy).unwrap(), files, &secrets, 1)
}

fn table(text: &str) -> Table {
    Table::read(text.as_bytes()).unwrap().0
}

/// Rows of text by the values of some columns.
fn classes(table: &Table, by: &[&str]) -> Vec<Vec<usize>> {
    let mut classes: BTreeMap<Vec<&str>, Vec<usize>> = BTreeMap::new();
    for row in 0..table.rows() {
        let key = by.iter().map(|name| table.column(name).unwrap().value(row)).collect();
        classes.entry(key).or_default().push(row);
    }
    classes.into_values().collect()
}

/// The values of a column, numbered by a list.
fn numbered(table: &Table, column: &str, values: &[&str], rows: &[usize]) -> Vec<u32> {
    let column = table.column(column).unwrap();
    let number = |row: &usize| values.iter().position(|v| *v == column.value(*row)).unwrap() as u32;
    rows.iter().map(number).collect()
}

const DISEASES: &str = "flu;lungs;*\nasthma;lungs;*\ngout;joints;*\narthritis;joints;*\n";
const VALUES: [&str; 4] = ["flu", "asthma", "gout", "arthritis"];

#[derive(Clone, Debug)]
struct Case {
    csv: String,
    k: u32,
    suppression: f64,
    rule: &'static str,
    utility: &'static str,
}

fn case() -> impl Strategy<Value = Case> {
    let row = (0_u32..80, 0..3_usize, 0..4_usize);
    let rules = prop_oneof![
        Just("l = 2"),
        Just("l = { kind = \"entropy\", l = 2.0 }"),
        Just("l = { kind = \"recursive\", c = 1.5, l = 2 }"),
        Just("t = 0.3"),
        Just("hierarchy = \"disease.csv\", t = { t = 0.25, distance = \"hierarchical\" }"),
    ];
    let utilities = prop_oneof![
        Just("loss"),
        Just("discernibility"),
        Just("average_class_size"),
        Just("entropy")
    ];
    (prop::collection::vec(row, 12..60), 2_u32..5, 0.0..0.6_f64, rules, utilities).prop_map(
        |(rows, k, suppression, rule, utility)| {
            let mut csv = String::from("age,sex,disease\n");
            for (age, sex, disease) in rows {
                csv += &format!("{age},{},{}\n", ["f", "m", ""][sex], VALUES[disease]);
            }
            Case { csv, k, suppression, rule, utility }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_release_keeps_what_its_policy_asks_for(case in case()) {
        let source = table(&case.csv);
        let policy = format!(
            "k = {}\nsuppression = {}\nutility = \"{}\"\n[columns]\n\
             age = {{ role = \"quasi-identifier\", hierarchy = {{ kind = \"number\", widths = [10, 20, 40] }} }}\n\
             sex = {{ role = \"quasi-identifier\" }}\n\
             disease = {{ role = \"sensitive\", {} }}\n",
            case.k, case.suppression, case.utility, case.rule
        );
        let files = Files::from([("disease.csv".to_owned(), DISEASES.as_bytes().to_vec())]);
        let made = match released(&source, &policy, &files) {
            Err(ReleaseError::Search(_)) => return Ok(()),
            made => made.unwrap(),
        };
        let (table, account) = (&made.table, &made.account);
        let all: Vec<usize> = (0..source.rows()).collect();
        let whole = numbered(&source, "disease", &VALUES, &all);
        prop_assert_eq!(table.rows() as u64 + account.suppressed, source.rows() as u64);
        prop_assert!(account.suppressed as f64 <= case.suppression * source.rows() as f64 + 1e-9);
        for class in classes(table, &["age", "sex"]) {
            prop_assert!(class.len() >= case.k as usize);
            let part = numbered(table, "disease", &VALUES, &class);
            let mut counts: Vec<f64> =
                (0..4).map(|v| part.iter().filter(|p| **p == v).count() as f64).filter(|c| *c > 0.0).collect();
            counts.sort_by(|a, b| b.total_cmp(a));
            let rows = part.len() as f64;
            let holds = match case.rule {
                "l = 2" => counts.len() >= 2,
                rule if rule.contains("entropy") => {
                    counts.iter().map(|c| -c / rows * (c / rows).log2()).sum::<f64>() >= 1.0 - 1e-9
                }
                rule if rule.contains("recursive") => counts[0] < 1.5 * (rows - counts[0]),
                "t = 0.3" => support::distance(&part, &whole, 4, &Distance::Equal) <= 0.3 + 1e-9,
                _ => {
                    let tree = Distance::Hierarchical(vec![vec![0, 0, 1, 1], vec![0; 4]]);
                    support::distance(&part, &whole, 4, &tree) <= 0.25 + 1e-9
                }
            };
            prop_assert!(holds, "{} {:?}", case.rule, counts);
        }
        // The prosecutor's chance is one in the smallest class.
        let smallest = classes(table, &["age", "sex"]).iter().map(Vec::len).min();
        if let Some(smallest) = smallest {
            prop_assert!((account.risk.prosecutor.highest - 1.0 / smallest as f64).abs() < 1e-12);
        }
        prop_assert!(account.risk.linkage.correct <= account.released);
        // One row of each class is expected to be found, whatever the attacker drew.
        let shown = classes(table, &["age", "sex"]).len();
        let expected = account.risk.linkage.expected_rate.unwrap();
        prop_assert!((expected - shown as f64 / source.rows() as f64).abs() < 1e-9);
        // What is proven to be the least is the number that is told.
        let measured = match case.utility {
            "loss" => account.measures.loss,
            "discernibility" => account.measures.discernibility,
            "entropy" => account.measures.entropy,
            _ if shown == 0 => 0.0,
            _ => table.rows() as f64 / shown as f64,
        };
        prop_assert!((account.optimized.unwrap() - measured).abs() < 1e-9);
        prop_assert!(account.optimum().ends_with("proven to be the least there is"));
    }

    #[test]
    fn nobody_can_be_surer_than_delta_that_somebody_is_in_the_table(
        people in prop::collection::vec((0_u32..40, 0..2_usize, any::<bool>()), 20..80),
        max in 0.3..0.9_f64,
    ) {
        let line = |(age, sex, _): &(u32, usize, bool)| format!("{age},{}\n", ["f", "m"][*sex]);
        let population: String = std::iter::once("age,sex\n".to_owned()).chain(people.iter().map(line)).collect();
        let inside = people.iter().filter(|(_, _, inside)| *inside);
        let source: String = std::iter::once("age,sex\n".to_owned()).chain(inside.map(line)).collect();
        let (source, everybody) = (table(&source), table(&population));
        if source.rows() == 0 {
            return Ok(());
        }
        let policy = format!(
            "k = 2\nsuppression = 0.5\n[columns]\n\
             age = {{ role = \"quasi-identifier\", hierarchy = {{ kind = \"number\", lower = 0, upper = 39, widths = [10, 20] }} }}\n\
             sex = {{ role = \"quasi-identifier\" }}\n[delta]\npopulation = \"all.csv\"\nmax = {max}\n"
        );
        let files = Files::from([("all.csv".to_owned(), population.into_bytes())]);
        let made = match released(&source, &policy, &files) {
            Err(ReleaseError::Search(_)) => return Ok(()),
            made => made.unwrap(),
        };
        // Who of the population fits to what is shown, by reading the intervals.
        let fits = |shown: &str, age: &str| match shown.split_once('-') {
            _ if shown == "*" || shown == age => true,
            Some((from, to)) => (from.parse::<u32>().unwrap()..=to.parse().unwrap()).contains(&age.parse().unwrap()),
            None => false,
        };
        for class in classes(&made.table, &["age", "sex"]) {
            let shown = |name: &str| made.table.column(name).unwrap().value(class[0]);
            let alike = (0..everybody.rows())
                .filter(|row| {
                    let own = |name: &str| everybody.column(name).unwrap().value(*row);
                    fits(shown("age"), own("age")) && (shown("sex") == "*" || shown("sex") == own("sex"))
                })
                .count();
            prop_assert!(class.len() as f64 <= max * alike as f64 + 1e-6, "{} of {alike}", class.len());
        }
    }
}

/// The Adult data with the hierarchies that come with it; `None`, with a word on stderr, where they are absent.
fn adult() -> Option<(Table, String, Files)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/deid");
    let Ok(bytes) = std::fs::read(folder.join("adult.csv")) else {
        #[allow(clippy::print_stderr, reason = "tests")]
        {
            eprintln!("skipped: {} is not there", folder.display());
        }
        return None;
    };
    let table = Table::read(&bytes).unwrap().0;
    let (mut policy, mut files) = ("k = 5\n".to_owned(), Files::new());
    for column in &table.columns {
        let name = format!("adult_hierarchy_{}.csv", column.name);
        policy += &format!("columns.{}.role = \"quasi-identifier\"\n", column.name);
        policy += &format!("columns.{}.hierarchy = \"{name}\"\n", column.name);
        files.insert(name.clone(), std::fs::read(folder.join(name)).unwrap());
    }
    Some((table, policy, files))
}

#[test]
fn the_optimum_of_the_adult_data_is_the_known_one() {
    let Some((table, policy, files)) = adult() else { return };
    let made = released(&table, &policy, &files).unwrap();
    let expected = [
        ("sex", 0),
        ("age", 4),
        ("race", 1),
        ("marital-status", 1),
        ("education", 3),
        ("native-country", 2),
        ("workclass", 2),
        ("occupation", 1),
        ("salary-class", 0),
    ];
    for (column, level) in expected {
        assert_eq!(made.account.generalization[column], level, "{column}");
    }
    assert_eq!((made.account.rows, made.account.suppressed), (30_162, 0));
    assert!((made.account.loss - 0.57315).abs() < 5e-6 && made.account.optimal);
    assert!(made.account.k >= 5 && made.account.risk.prosecutor.highest <= 0.2);
    assert!(made.account.removed.is_empty(), "{:?}", made.account.removed);
    assert_eq!(made.account.method, METHOD, "{:?}", made.account.not_safe_harbor);
    // The attack finds far fewer people than it does in the table as it came.
    let attack = &made.account.risk.linkage;
    assert!(attack.success_rate < 0.05 && attack.success_rate_before > 0.5, "{attack:?}");
}

#[test]
fn leaving_rows_out_loses_less_of_the_adult_data() {
    let Some((table, policy, files)) = adult() else { return };
    let some = released(&table, &format!("suppression = 0.02\n{policy}"), &files).unwrap().account;
    assert!(some.optimal && some.suppressed <= 603 && (some.loss - 0.31371).abs() < 5e-6);
    let any = released(&table, &format!("suppression = 1.0\n{policy}"), &files).unwrap().account;
    assert!(any.optimal && (any.loss - 0.22041).abs() < 5e-6 && any.k >= 5);
}

#[test]
fn a_row_that_is_left_out_is_lost_in_a_column_that_is_the_same_for_all() {
    let csv = format!("a,c\n{}v,z\nw,z\n", "u,z\n".repeat(6));
    let policy = "k = 3\nsuppression = 1.0\nsafe_harbor = false\n[columns]\na = { role = \"quasi-identifier\" }\nc = { role = \"quasi-identifier\" }\n";
    let made = released(&table(&csv), policy, &Files::new()).unwrap();
    assert_eq!(made.account.suppressed, 2);
    // Two of eight rows in either column: sqrt(1.25 * 1.25) - 1.
    assert!((made.account.loss - 0.25).abs() < 1e-12, "{}", made.account.loss);
}

#[test]
fn numbers_of_any_length_are_generalized_without_overflow() {
    let rows = |number: &dyn Fn(u64) -> u64, rows: u64| {
        (0..rows)
            .fold("a,b\n".to_owned(), |csv, row| csv + &format!("{},{}\n", number(row), row % 7))
    };
    for (csv, kind) in [
        (
            rows(&|row| 100_000_000_000_000_000 + row * 1_000_000_000_000_000, 40),
            "kind = \"prefix\", keep = [3, 2, 1]",
        ),
        (
            rows(&|row| 1_000_000_000_000_000 + row * 10_000_000_000, 2_500),
            "kind = \"prefix\", keep = [3, 2, 1]",
        ),
        (
            rows(&|row| row * 1_000_000_000_000 % 1_000_000_000_000_000, 30_000),
            "kind = \"number\", widths = [10, 100000000000000]",
        ),
    ] {
        let policy = format!(
            "k = 2\nsafe_harbor = false\n[columns]\na = {{ role = \"quasi-identifier\", hierarchy = {{ {kind} }} }}\n"
        );
        let made = released(&table(&csv), &policy, &Files::new()).unwrap();
        assert!(
            made.account.k >= 2 && (0.0..=1.0).contains(&made.account.loss),
            "{kind}: {}",
            made.account.loss
        );
    }
}

#[test]
fn a_parquet_column_that_still_has_its_values_keeps_its_type() {
    let rows = 0..40_i64;
    let dose: ArrayRef = Arc::new(Int64Array::from_iter(
        rows.clone().map(|row| (row != 7).then_some(100 + row % 3)),
    ));
    let ratio: ArrayRef =
        Arc::new(Float64Array::from_iter(rows.clone().map(|row| Some(row as f64 / 10.0))));
    let visit: ArrayRef = Arc::new(Date32Array::from_iter_values(0..40));
    let sick: ArrayRef = Arc::new(BooleanArray::from_iter(rows.clone().map(|row| Some(row < 9))));
    let height: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.map(|row| 150 + row)));
    let columns =
        [("dose", dose), ("ratio", ratio), ("visit", visit), ("sick", sick), ("height", height)];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    let (source, format) = Table::read(&writer.into_inner().unwrap()).unwrap();
    let policy = "k = 5\n[columns]\n\
        height = { role = \"quasi-identifier\", hierarchy = { kind = \"number\", widths = [10, 20] } }\n\
        dose = { role = \"insensitive\" }\nratio = { role = \"insensitive\" }\n\
        sick = { role = \"sensitive\" }\nvisit = { role = \"insensitive\", reduce = \"year\" }\n";
    let made = released(&source, policy, &Files::new()).unwrap().table;
    let bytes = made.write(format).unwrap();
    let (again, _) = Table::read(&bytes).unwrap();
    let kind = |name: &str| again.column(name).unwrap().kind.clone();
    assert_eq!(
        ["dose", "ratio", "sick"].map(kind),
        [DataType::Int64, DataType::Float64, DataType::Boolean]
    );
    // Intervals are no numbers any more, and years no days.
    assert_eq!(["height", "visit"].map(kind), [DataType::Utf8, DataType::Utf8]);
    for column in &made.columns {
        let read = again.column(&column.name).unwrap();
        assert!((0..made.rows()).all(|row| read.value(row) == column.value(row)));
    }
    assert_eq!(made.column("dose").unwrap().values.iter().filter(|v| v.is_empty()).count(), 1);
}

#[test]
fn the_oldest_are_shown_as_an_open_band_at_every_level() {
    // Two people of each age from 0 to 103, and of each age in months.
    let ages = (0..208).fold("x17,age_months\n".to_owned(), |csv, row| {
        csv + &format!("{},{}\n", row / 2, row / 2 * 12)
    });
    let policy = |k: u32| {
        format!(
            "k = {k}\n[columns]\nx17 = {{ role = \"quasi-identifier\", reduce = \"age\", hierarchy = {{ kind = \"number\", \
             widths = [5, 10, 20] }} }}\nage_months = {{ role = \"quasi-identifier\", hierarchy = {{ kind = \"number\", \
             widths = [60, 120, 240] }} }}\n"
        )
    };
    for (k, level, shown, months, rows) in [
        (2, 0, "90+", "1080+", 28),
        (10, 1, "90+", "1080+", 28),
        (20, 2, "90+", "1080+", 28),
        (40, 3, "80+", "960+", 48),
    ] {
        let made = released(&table(&ages), &policy(k), &Files::new()).unwrap();
        let found = &made.account.generalization;
        assert_eq!((found["x17"], found["age_months"]), (level, level), "k = {k}");
        for (name, shown) in [("x17", shown), ("age_months", months)] {
            let column = made.table.column(name).unwrap();
            let open = (0..made.table.rows()).filter(|row| column.value(*row).contains('+'));
            let open: Vec<&str> = open.map(|row| column.value(row)).collect();
            assert!(open.len() == rows && open.iter().all(|value| *value == shown), "{open:?}");
            assert!(!column.values.iter().any(|value| value.starts_with("90-")));
        }
        assert_eq!(made.account.method, METHOD);
    }
}

#[test]
fn weights_say_which_column_stays_fine() {
    // Either the town or the sex must be hidden, and each loses as much as the other.
    let source = table("town,sex\nA,f\nA,m\nB,f\nB,m\n");
    let of = |town: u32, sex: u32| {
        let policy = format!(
            "k = 2\n[columns]\ntown = {{ role = \"quasi-identifier\", weight = {town} }}\n\
             sex = {{ role = \"quasi-identifier\", weight = {sex} }}\n"
        );
        released(&source, &policy, &Files::new()).unwrap().account
    };
    let (town, sex) = (of(2, 1), of(1, 2));
    assert_eq!((town.generalization["town"], town.generalization["sex"]), (0, 1));
    assert_eq!((sex.generalization["town"], sex.generalization["sex"]), (1, 0));
    assert_eq!(town.utility, "weighted loss");
}

/// The definition, over the table's own text: every combination of levels, classes counted by comparing rows.
#[test]
fn the_optimum_of_a_part_of_the_adult_data_is_what_trying_everything_finds() {
    let Some((table, _, files)) = adult() else { return };
    let names = ["sex", "race", "education", "workclass", "salary-class"];
    let paths: Vec<BTreeMap<String, Vec<String>>> = names
        .iter()
        .map(|name| {
            let bytes = &files[&format!("adult_hierarchy_{name}.csv")];
            let text = String::from_utf8(bytes.clone()).unwrap();
            let lines = text.lines().map(|line| line.split(';').map(str::to_owned).collect());
            lines.map(|path: Vec<String>| (path[0].clone(), path)).collect()
        })
        .collect();
    // The rows as often as they are there, by their values.
    let mut people: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    for row in 0..table.rows() {
        let values = names.iter().map(|name| table.column(name).unwrap().value(row)).collect();
        *people.entry(values).or_default() += 1;
    }
    let depth: Vec<usize> = paths.iter().map(|p| p.values().next().unwrap().len()).collect();
    let policy: String = names
        .iter()
        .map(|name| {
            format!("columns.{name}.role = \"quasi-identifier\"\ncolumns.{name}.hierarchy = \"adult_hierarchy_{name}.csv\"\n")
        })
        .collect();
    for (k, suppression) in [(5, 0.0), (50, 0.01), (200, 1.0)] {
        let mut best: Option<(f64, usize)> = None;
        for number in 0..depth.iter().product::<usize>() {
            let mut rest = number;
            let levels: Vec<usize> = depth
                .iter()
                .map(|depth| {
                    let level = rest % depth;
                    rest /= depth;
                    level
                })
                .collect();
            let shown = |column: usize, value: &str| &paths[column][value][levels[column]];
            let mut classes: BTreeMap<Vec<&String>, usize> = BTreeMap::new();
            for (values, count) in &people {
                let class = values.iter().enumerate().map(|(c, value)| shown(c, value)).collect();
                *classes.entry(class).or_default() += count;
            }
            let out: usize = classes.values().filter(|size| **size < k).sum();
            if out as f64 > suppression * table.rows() as f64 {
                continue;
            }
            let factor = |column: usize| {
                let mut covered: BTreeMap<&String, usize> = BTreeMap::new();
                let path = &paths[column];
                path.values().for_each(|p| *covered.entry(&p[levels[column]]).or_default() += 1);
                let full = (path.len() - 1).max(1) as f64;
                let stay = classes.iter().filter(|(_, size)| **size >= k);
                let lost = stay
                    .map(|(class, size)| *size as f64 * (covered[class[column]] - 1) as f64 / full);
                1.0 + (lost.sum::<f64>() + out as f64) / table.rows() as f64
            };
            let loss =
                (0..names.len()).map(factor).product::<f64>().powf(1.0 / names.len() as f64) - 1.0;
            if best.is_none_or(|(known, _)| loss < known) {
                best = Some((loss, out));
            }
        }
        let made =
            released(&table, &format!("k = {k}\nsuppression = {suppression}\n{policy}"), &files)
                .unwrap();
        let (loss, _) = best.unwrap();
        assert!(
            made.account.optimal && (made.account.loss - loss).abs() < 1e-9,
            "{k}: {} {loss}",
            made.account.loss
        );
        let smallest = classes(&made.table, &names).iter().map(Vec::len).min().unwrap();
        assert!(smallest >= k);
    }
}

/// A release, where `k` is 2 and `q` a column in which all agree.
fn of_columns(header: &str, rows: &[&str], columns: &str, files: &Files) -> Release {
    let csv = rows.iter().fold(format!("q,{header}\n"), |csv, row| csv + "1," + row + "\n");
    let policy = format!("k = 2\n[columns]\nq = {{ role = \"quasi-identifier\" }}\n{columns}\n");
    released(&table(&csv), &policy, files).unwrap()
}

/// The released values of a column, sorted.
fn shown(made: &Release, column: &str) -> Vec<String> {
    let column = made.table.column(column).unwrap();
    let mut values: Vec<String> =
        (0..column.codes.len()).map(|row| column.value(row).to_owned()).collect();
    values.sort();
    values
}

#[test]
fn ages_years_and_postal_codes_are_reduced_in_every_role_by_the_name_of_their_column() {
    let none = Files::new();
    let ages = "90;80-99;*\n89;80-99;*\n88;80-99;*\n95;80-99;*\n97;80-99;*\n";
    let listed = Files::from([("ages.csv".to_owned(), ages.as_bytes().to_vec())]);
    let number =
        "{ role = \"quasi-identifier\", hierarchy = { kind = \"number\", widths = [5, 10] } }";
    for (header, rule, rows, files, kept) in [
        ("age", number, ["95", "97", "90", "92"], &none, ["90+"; 4]),
        (
            "patientAge",
            "{ role = \"sensitive\" }",
            ["95", "97", "88", "89"],
            &none,
            ["88", "89", "90", "90"],
        ),
        (
            "Alter",
            "{ role = \"insensitive\" }",
            ["95", "", "88", "89.5"],
            &none,
            ["", "88", "89.5", "90"],
        ),
        (
            "age_months",
            "{ role = \"insensitive\" }",
            ["1140", "95", "1080", "12"],
            &none,
            ["1080", "1080", "12", "95"],
        ),
        (
            "age",
            "{ role = \"quasi-identifier\", hierarchy = \"ages.csv\" }",
            ["95", "97", "95", "97"],
            &listed,
            ["90"; 4],
        ),
        ("birth_year", number, ["1930", "1936", "1930", "1920"], &none, [""; 4]),
        (
            "yob",
            "{ role = \"insensitive\" }",
            ["1930", "1937", "1990", "2001"],
            &none,
            ["", "1937", "1990", "2001"],
        ),
        (
            "zip",
            "{ role = \"insensitive\" }",
            ["03601", "3601", "10001", "2139"],
            &none,
            ["000", "000", "021", "100"],
        ),
        (
            "zip",
            "{ role = \"insensitive\" }",
            ["3601", "2139", "2139", "1010"],
            &none,
            ["000", "10", "21", "21"],
        ),
        (
            "zip3",
            "{ role = \"insensitive\" }",
            ["036", "36", "100", "021"],
            &none,
            ["000", "000", "021", "100"],
        ),
        (
            "postal_code",
            "{ role = \"sensitive\" }",
            ["SW1A 1AA", "10115", "n/a", ""],
            &none,
            ["", "", "101", "SW1"],
        ),
    ] {
        let made = of_columns(header, &rows, &format!("{header} = {rule}"), files);
        assert_eq!(shown(&made, header), kept, "{header} {rule}");
        assert_eq!(made.account.method, METHOD, "{header}: {:?}", made.account.not_safe_harbor);
        assert!(made.account.removed.contains_key(header), "{header}");
    }
}

#[test]
fn a_short_cell_of_a_column_of_dates_goes_and_numbers_that_may_be_ages_are_told() {
    let rule = |header: &str| format!("{header} = {{ role = \"insensitive\" }}");
    for (header, rows, kept) in [
        ("dob", ["04-05", "4/5", "040530", "202001"], ["[date]"; 4]),
        ("seen", ["2020-01-05", "04-05", "2020-02-05", "202001"], ["[date]"; 4]),
        ("q7", ["202001", "202002", "201912", "202001"], ["[date]"; 4]),
        ("strength", ["4/5", "5/5", "3/5", "4/5"], ["3/5", "4/5", "4/5", "5/5"]),
        ("interval", ["04-05", "2-3", "10-12", "0-1"], ["0-1", "04-05", "10-12", "2-3"]),
    ] {
        let made = of_columns(header, &rows, &rule(header), &Files::new());
        assert_eq!(shown(&made, header), kept, "{header}");
        assert_eq!(made.account.method, METHOD, "{header}: {:?}", made.account.not_safe_harbor);
    }
    for (header, rows, told) in [
        ("x17", ["95", "30", "41", "97"], vec!["x17".to_owned()]),
        ("x17", ["95", "30", "41", "130"], vec![]),
        ("x17", ["5", "30", "41", "89"], vec![]),
        ("edad_anos", ["95", "30", "41", "97"], vec![]),
    ] {
        let made = of_columns(header, &rows, &rule(header), &Files::new());
        assert_eq!(made.account.may_be_ages, told, "{header} {rows:?}");
    }
}

#[test]
fn safe_harbor_is_stated_only_of_a_release_that_no_column_keeps_from_it() {
    let ages = "95;90-99;*\n97;90-99;*\n";
    let dates = "2020-01-01;2020;*\n2020-01-02;2020;*\n";
    let files = Files::from([
        ("ages.csv".to_owned(), ages.as_bytes().to_vec()),
        ("dates.csv".to_owned(), dates.as_bytes().to_vec()),
    ]);
    let qi = |file: &str| format!("{{ role = \"quasi-identifier\", hierarchy = \"{file}\" }}");
    let insensitive = |rest: &str| format!("{{ role = \"insensitive\"{rest} }}");
    for (header, rule, rows, why) in [
        ("age", qi("ages.csv"), ["95", "97"], "ages over 89"),
        ("age", insensitive(""), ["95-99", "under 20"], "ages over 89"),
        ("zip", insensitive(", reduce = \"zip\""), ["3601", "2139"], "four digits"),
        ("home_city", insensitive(""), ["Leeds", "York"], "places smaller than a state"),
        ("mrn", insensitive(""), ["445566", "445567"], "medical record numbers"),
        ("visit", qi("dates.csv"), ["2020-01-01", "2020-01-01"], "date"),
        (
            "member",
            "{ role = \"quasi-identifier\", hierarchy = { kind = \"number\", widths = [10] } }"
                .to_owned(),
            ["8675309", "8675309"],
            "seven digits",
        ),
    ] {
        let made = of_columns(header, &rows, &format!("{header} = {rule}"), &files);
        let told = made.account.not_safe_harbor.get(header).cloned().unwrap_or_default();
        assert!(told.contains(why), "{header}: {told}");
        assert!(
            made.account.method.contains(&format!("no Safe Harbor release because of: {header}"))
        );
    }
    let shift = table("p,q,d\na,1,2020-01-01\nb,1,2020-01-02\n");
    let policy = "k = 2\nperson = \"p\"\n[columns]\nq = { role = \"quasi-identifier\" }\nd = { role = \"insensitive\", reduce = \"shift\" }\n";
    let account = released(&shift, policy, &files).unwrap().account;
    assert!(account.not_safe_harbor["d"].contains("moved") && account.method != METHOD);
    // What is hidden, removed or replaced keeps nothing from it.
    for (header, rule, rows) in [
        ("visit", qi("dates.csv"), ["2020-01-01", "2020-01-02"]),
        ("mrn", insensitive(", reduce = \"pseudonym\""), ["445566", "445567"]),
        ("email", insensitive(""), ["a@example.org", "b@example.org"]),
        ("city", "{ role = \"quasi-identifier\" }".to_owned(), ["Leeds", "York"]),
        ("dose", insensitive(""), ["95", "500"]),
    ] {
        let made = of_columns(header, &rows, &format!("{header} = {rule}"), &files);
        assert_eq!(made.account.method, METHOD, "{header}: {:?}", made.account.not_safe_harbor);
    }
    let open = released(&shift, &format!("safe_harbor = false\n{policy}"), &files).unwrap().account;
    assert!(open.not_safe_harbor.is_empty() && !open.method.contains("Safe Harbor"));
}

/// Rows of persons by what two quasi-identifiers show, some persons with several.
fn visits() -> impl Strategy<Value = Vec<(u32, u32, usize)>> {
    prop::collection::vec((0_u32..12, 0_u32..40, 0..2_usize), 8..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn with_a_column_of_persons_every_class_has_k_of_them(
        visits in visits(), k in 2_u32..5, suppression in 0.0..0.5_f64,
    ) {
        // The person's own number is released as a pseudonym, by which the test counts.
        let csv = visits.iter().fold("p,age,sex\n".to_owned(), |csv, (person, age, sex)| {
            csv + &format!("p{person},{age},{}\n", ["f", "m"][*sex])
        });
        let policy = format!(
            "k = {k}\nsuppression = {suppression}\nperson = \"p\"\n[columns]\n\
             p = {{ role = \"insensitive\", reduce = \"pseudonym\" }}\n\
             age = {{ role = \"quasi-identifier\", hierarchy = {{ kind = \"number\", widths = [10, 20] }} }}\n\
             sex = {{ role = \"quasi-identifier\" }}\n"
        );
        let made = match released(&table(&csv), &policy, &Files::new()) {
            Err(ReleaseError::Search(_)) => return Ok(()),
            made => made.unwrap(),
        };
        let persons = made.table.column("p").unwrap();
        let mut fewest = None;
        let (mut highest, mut rows) = (0.0_f64, 0);
        for class in classes(&made.table, &["age", "sex"]) {
            let mut own: BTreeMap<&str, usize> = BTreeMap::new();
            class.iter().for_each(|row| *own.entry(persons.value(*row)).or_default() += 1);
            prop_assert!(own.len() >= k as usize, "{} persons", own.len());
            let few = own.len() as u64;
            fewest = Some(fewest.map_or(few, |least: u64| least.min(few)));
            highest = own.values().map(|n| *n as f64 / class.len() as f64).fold(highest, f64::max);
            rows += class.len();
        }
        let account = &made.account;
        prop_assert_eq!(account.k, fewest.unwrap_or(0));
        prop_assert!((account.risk.prosecutor.highest - highest).abs() < 1e-12);
        prop_assert_eq!(account.released, rows as u64);
        prop_assert_eq!(account.risk.uniqueness.after, 0);
    }

    #[test]
    fn with_a_minimum_everybody_of_the_population_is_found_in_the_release(
        people in prop::collection::vec((0_u32..40, 0..2_usize, 0_u32..4), 20..80),
        min in prop_oneof![Just(0.0), 0.05..0.5_f64],
    ) {
        let line = |(age, sex, _): &(u32, usize, u32)| format!("{age},{}\n", ["f", "m"][*sex]);
        let population: String = std::iter::once("age,sex\n".to_owned()).chain(people.iter().map(line)).collect();
        let inside = people.iter().filter(|(_, _, inside)| *inside > 0);
        let source: String = std::iter::once("age,sex\n".to_owned()).chain(inside.map(line)).collect();
        let (source, everybody) = (table(&source), table(&population));
        if source.rows() == 0 {
            return Ok(());
        }
        // Numbers in classes of 10 and 20 by reading the level that was chosen.
        let policy = format!(
            "k = 3\nsuppression = 0.5\n[columns]\n\
             age = {{ role = \"quasi-identifier\", hierarchy = {{ kind = \"number\", lower = 0, upper = 39, widths = [10, 20] }} }}\n\
             sex = {{ role = \"quasi-identifier\" }}\n[delta]\npopulation = \"all.csv\"\nmin = {min}\n"
        );
        let files = Files::from([("all.csv".to_owned(), population.into_bytes())]);
        let made = match released(&source, &policy, &files) {
            Err(ReleaseError::Search(_)) => return Ok(()),
            made => made.unwrap(),
        };
        let level = &made.account.generalization;
        let shown = |age: &str, sex: &str| {
            let width = [1, 10, 20][level["age"].min(2)];
            let age: u32 = age.parse::<u32>().unwrap() / width * width;
            let age = match level["age"] {
                0 => age.to_string(),
                3 => "*".to_owned(),
                _ => format!("{age}-{}", age + width - 1),
            };
            (age, if level["sex"] == 0 { sex.to_owned() } else { "*".to_owned() })
        };
        let mut shares: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
        let of = |table: &Table, name: &str, row| table.column(name).unwrap().value(row).to_owned();
        for row in 0..everybody.rows() {
            shares.entry(shown(&of(&everybody, "age", row), &of(&everybody, "sex", row))).or_default().1 += 1;
        }
        for row in 0..made.table.rows() {
            shares.get_mut(&(of(&made.table, "age", row), of(&made.table, "sex", row))).unwrap().0 += 1;
        }
        let shares: Vec<f64> = shares.values().map(|(rows, all)| *rows as f64 / *all as f64).collect();
        let low = shares.iter().copied().fold(1.0, f64::min);
        let high = shares.iter().copied().fold(0.0, f64::max);
        prop_assert!(low >= min - 1e-9, "{low} of {min}");
        let told = made.account.delta.unwrap();
        prop_assert!((told.0 - low).abs() < 1e-12 && (told.1 - high).abs() < 1e-12, "{told:?} {low} {high}");
    }
}

#[test]
fn a_population_is_reduced_as_the_table_is() {
    let rows: String = (0..60)
        .map(|row| {
            format!("{},{},19{:02}-02-03\n", 60 + row % 40, ["20095", "80331"][row % 2], row)
        })
        .collect();
    let source = format!("age,zip,born\n{rows}");
    let policy = "k = 3\nsuppression = 0.5\n[columns]\n\
        age = { role = \"quasi-identifier\", reduce = \"age\", hierarchy = { kind = \"number\", widths = [10, 20] } }\n\
        zip = { role = \"quasi-identifier\", hierarchy = { kind = \"zip\" } }\n\
        born = { role = \"quasi-identifier\", hierarchy = { kind = \"date\", periods = [\"year\", \"decade\"] } }\n\
        [delta]\npopulation = \"all.csv\"\nmax = 1\n";
    let files = |all: &str| Files::from([("all.csv".to_owned(), all.as_bytes().to_vec())]);
    // The table itself, and a column that is not looked at.
    let everybody = source.replace('\n', ",x\n").replacen(",x", ",more", 1);
    let made = released(&table(&source), policy, &files(&everybody)).unwrap();
    assert_eq!(made.account.delta.unwrap().1, 1.0);
    // Whoever is not in it is missed all the same.
    let others = source.replacen("60,20095", "61,20095", 1);
    assert!(matches!(
        released(&table(&source), policy, &files(&others)),
        Err(ReleaseError::Policy(_))
    ));
}

#[test]
fn several_rows_of_one_person_hide_nobody() {
    let one = table("p,q\na,1\na,1\n");
    let policy = "k = 2\nperson = \"p\"\n[columns]\nq = { role = \"quasi-identifier\" }\n";
    assert!(matches!(released(&one, policy, &Files::new()), Err(ReleaseError::Search(_))));
    let account = released(&table("p,q\na,1\na,1\nb,1\n"), policy, &Files::new()).unwrap().account;
    assert_eq!((account.k, account.persons), (2, Some(2)));
    // Whose rows nobody knows may all be one person's.
    let nobody = table("p,q\n,1\n,1\na,1\n");
    assert_eq!(released(&nobody, policy, &Files::new()).unwrap().account.k, 2);
    // A person for each row is counted as before.
    let each = released(&table("p,q\na,1\nb,1\n"), policy, &Files::new()).unwrap().account;
    assert_eq!((each.k, each.persons), (2, None));
}

#[test]
fn the_average_that_is_the_least_is_the_one_that_is_told() {
    // As they came one class of four stays and six rows go; one level up there are classes of four and of six.
    let source = table("q\na\na\na\na\nb\nb\nc\nc\nd\nd\n");
    let files = Files::from([("q.csv".to_owned(), b"a;A\nb;B\nc;B\nd;B\n".to_vec())]);
    let policy = |rest: &str| {
        format!(
            "k = 3\nsuppression = 0.6\n{rest}\n[columns]\nq = {{ role = \"quasi-identifier\", hierarchy = \"q.csv\" }}\n"
        )
    };
    let of = |rest: &str| released(&source, &policy(rest), &files).unwrap().account;
    let average = of("utility = \"average_class_size\"");
    assert_eq!((average.suppressed, average.classes, average.optimized), (6, 1, Some(4.0)));
    assert_eq!(
        average.optimum(),
        "released rows for each released class 4.00, proven to be the least there is"
    );
    assert_eq!(average.meanings["q"], "the value itself");
    // Every measure is told by its own name and value.
    let squares = of("utility = \"discernibility\"");
    assert_eq!(squares.optimum(), "discernibility 52, proven to be the least there is");
    assert_eq!(squares.meanings["q"], "what stands at place 2 of each line of q.csv");
    let entropy = of("utility = \"entropy\"");
    let told = format!("information lost (entropy) {:.5}, proven", entropy.measures.entropy);
    assert!(entropy.optimum().starts_with(&told), "{}", entropy.optimum());
    let hasty = of("patience = 1").optimum();
    assert!(hasty.starts_with("loss ") && hasty.ends_with("(not proven)"), "{hasty}");
}

#[test]
fn rows_that_are_left_out_are_no_class_of_the_average() {
    let source = table("q\na\na\na\nb\nb\nb\nb\nc\n");
    let policy = "k = 3\nsuppression = 0.2\n[columns]\nq = { role = \"quasi-identifier\" }\n";
    let account = released(&source, policy, &Files::new()).unwrap().account;
    assert_eq!((account.suppressed, account.classes), (1, 2));
    assert!((account.measures.average_class_size - 3.5).abs() < 1e-12);
}
