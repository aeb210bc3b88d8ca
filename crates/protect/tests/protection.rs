//! What must hold of protected tables, whatever the raw ones are.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use caduceus_protect::quality::{self, Quality};
use caduceus_protect::{
    Date, ProtectError, Protected, ProtectionPolicy, PseudonymKey, protect, smallest_class,
};
use caduceus_records::Tables;
use caduceus_records::schema::Domain;
use proptest::prelude::*;

const POLICY: &str = include_str!("../../../views/protection.toml");
const IDENTIFIERS: [&str; 3] = ["sex", "age_band", "region"];

#[derive(Clone, Debug)]
struct Person {
    id: Option<String>,
    gender: Option<&'static str>,
    born: Option<String>,
    postal: Option<String>,
    country: Option<&'static str>,
    conditions: Vec<(Option<&'static str>, Option<String>)>,
    values: Vec<f64>,
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn raw(people: &[Person]) -> Tables {
    let every = |f: fn(&Person) -> Option<&str>| texts(people.iter().map(f));
    let deceased: ArrayRef = Arc::new(BooleanArray::from(vec![false; people.len()]));
    let patient = RecordBatch::try_from_iter_with_nullable([
        ("patient", every(|p| p.id.as_deref()), true),
        ("gender", every(|p| p.gender), true),
        ("birth_date", every(|p| p.born.as_deref()), true),
        ("postal_code", every(|p| p.postal.as_deref()), true),
        ("state", every(|_| Some("Kansas")), true),
        ("country", every(|p| p.country), true),
        ("deceased", deceased, true),
    ]);
    let had: Vec<_> =
        people.iter().flat_map(|p| p.conditions.iter().map(move |c| (p, c))).collect();
    let condition = RecordBatch::try_from_iter_with_nullable([
        ("patient", texts(had.iter().map(|(p, _)| p.id.as_deref())), true),
        ("code", texts(had.iter().map(|(_, c)| c.0)), true),
        ("system", texts(had.iter().map(|_| Some("http://snomed.info/sct"))), true),
        ("display", texts(had.iter().map(|_| Some("told by Mrs Example"))), true),
        ("onset", texts(had.iter().map(|(_, c)| c.1.as_deref())), true),
        ("status", texts(had.iter().map(|_| Some("active"))), true),
    ]);
    let measured: Vec<_> =
        people.iter().flat_map(|p| p.values.iter().map(move |v| (p, *v))).collect();
    let constant = |text: &'static str| texts(measured.iter().map(move |_| Some(text)));
    let value: ArrayRef = Arc::new(measured.iter().map(|m| Some(m.1)).collect::<Float64Array>());
    let observation = RecordBatch::try_from_iter_with_nullable([
        ("patient", texts(measured.iter().map(|m| m.0.id.as_deref())), true),
        ("code", constant("8480-6"), true),
        ("display", constant("Systolic"), true),
        ("category", constant("vital-signs"), true),
        ("value", value, true),
        ("unit", constant("mm[Hg]"), true),
        ("effective", constant("2025-03-04T10:00:00Z"), true),
    ]);
    let tables = [("patient", patient), ("condition", condition), ("observation", observation)];
    Tables(tables.into_iter().map(|(name, batch)| (name.to_owned(), batch.unwrap())).collect())
}

fn run(people: &[Person], k: u32) -> Result<Protected, ProtectError> {
    let policy = ProtectionPolicy::parse(POLICY).unwrap();
    protect(
        &raw(people),
        &policy,
        &key(),
        Date::new(2026, 1, 1).unwrap(),
        Some(k),
        &mut |_, _, _| {},
    )
}

fn key() -> PseudonymKey {
    PseudonymKey::new([7; 32])
}

fn strings(tables: &Tables, table: &str, column: &str) -> Vec<Option<String>> {
    let array = tables.get(table).unwrap().column_by_name(column).unwrap();
    array
        .as_any()
        .downcast_ref::<StringArray>()
        .unwrap()
        .iter()
        .map(|text| text.map(str::to_owned))
        .collect()
}

fn integers(tables: &Tables, table: &str, column: &str) -> Vec<Option<i64>> {
    let array = tables.get(table).unwrap().column_by_name(column).unwrap();
    array.as_any().downcast_ref::<Int64Array>().unwrap().iter().collect()
}

prop_compose! {
    fn person()(
        id in prop_oneof![9 => "[a-f0-9]{4}".prop_map(Some), 1 => Just(None)],
        gender in prop::sample::select(vec![Some("male"), Some("female"), Some("other"), Some("x"), None]),
        born in prop_oneof![
            6 => (1915_i32..2027, 1_u8..=12, 1_u8..=28).prop_map(|(y, m, d)| Some(format!("{y}-{m:02}-{d:02}"))),
            1 => (1915_i32..2027).prop_map(|y| Some(y.to_string())),
            1 => Just(Some("about 1950".to_owned())),
            1 => Just(None),
        ],
        postal in prop_oneof![6 => "[0-9]{5}".prop_map(Some), 1 => Just(Some("SW1A 1AA".to_owned())), 1 => Just(None)],
        country in prop::sample::select(vec![Some("US"), Some("DE"), None]),
        conditions in prop::collection::vec((
            prop::sample::select(vec![Some("38341003"), Some("44054006"), Some("53741008"), Some("Mr Example"), None]),
            (1910_i32..2030).prop_map(|y| Some(format!("{y}-05-06"))),
        ), 0..4),
        values in prop::collection::vec(prop_oneof![
            4 => 60.0..220.0_f64, 1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, -1.0, 1e300]),
        ], 0..3),
    ) -> Person {
        Person { id, gender, born, postal, country, conditions, values }
    }
}

fn in_domain(domain: &Domain, array: &dyn Array) -> bool {
    match domain {
        Domain::Category { values } => {
            let texts = array.as_any().downcast_ref::<StringArray>().unwrap();
            texts.iter().flatten().all(|text| values.iter().any(|value| value == text))
        }
        Domain::Integer { lower, upper } => {
            let numbers = array.as_any().downcast_ref::<Int64Array>().unwrap();
            numbers.iter().flatten().all(|number| (*lower..=*upper).contains(&number))
        }
        Domain::Decimal { lower, upper } => {
            let numbers = array.as_any().downcast_ref::<Float64Array>().unwrap();
            numbers.iter().flatten().all(|number| (*lower..=*upper).contains(&number))
        }
        Domain::Person => array.null_count() == 0,
        Domain::Text => array.as_any().is::<StringArray>(),
        Domain::Flag => array.as_any().is::<BooleanArray>(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_comes_out_is_anonymous_published_and_accounted_for(
        people in prop::collection::vec(person(), 0..120),
        k in 2_u32..12,
    ) {
        let different: HashSet<&String> = people.iter().filter_map(|p| p.id.as_ref()).collect();
        let protected = match run(&people, k) {
            Err(ProtectError::TooFewPatients { patients, .. }) => {
                prop_assert_eq!(patients, different.len() as u64);
                prop_assert!(patients < u64::from(k));
                return Ok(());
            }
            result => result.unwrap(),
        };
        let report = &protected.report;

        // k holds, counted from the rows.
        prop_assert!(smallest_class(&protected.tables, &IDENTIFIERS).unwrap() >= k);
        prop_assert_eq!(report.k_reached(), smallest_class(&protected.tables, &IDENTIFIERS).unwrap());
        let account = &report.account;
        prop_assert_eq!(account.released as usize, protected.tables.get("patient").unwrap().num_rows());
        prop_assert!(account.suppressed * 10_000 <= different.len() as u64 * 500);
        prop_assert!(account.optimal && account.k_required == k);
        prop_assert!((account.risk.prosecutor.highest - 1.0 / account.k as f64).abs() < 1e-12);

        // Nobody and no row is lost without being counted.
        prop_assert_eq!(report.tables["patient"].rows_in, account.released + account.suppressed + report.patients_set_aside);
        for (name, rows) in &report.tables {
            prop_assert_eq!(rows.rows_in, rows.rows_out + rows.suppressed + rows.set_aside, "{}", name);
            prop_assert_eq!(rows.rows_out as usize, protected.tables.get(name).unwrap().num_rows());
        }

        // Every value is one that the schema published.
        for table in &protected.schema.tables {
            let batch = protected.tables.get(&table.name).unwrap();
            prop_assert_eq!(batch.num_columns(), table.columns.len());
            for (position, column) in table.columns.iter().enumerate() {
                prop_assert_eq!(position, batch.schema().index_of(&column.name).unwrap());
                prop_assert!(in_domain(&column.domain, batch.column(position)), "{}.{}", table.name, column.name);
            }
        }

        // Every event belongs to somebody who is there.
        let there: HashSet<_> = strings(&protected.tables, "patient", "patient").into_iter().collect();
        for table in ["condition", "encounter", "observation"] {
            prop_assert!(strings(&protected.tables, table, "patient").iter().all(|owner| there.contains(owner)));
        }

        // No year shows an age over 89.
        prop_assert!(integers(&protected.tables, "condition", "onset_year").iter().flatten().all(|year| *year >= 2026 - 89));
    }

    #[test]
    fn the_order_of_the_raw_rows_does_not_decide_who_is_suppressed(
        people in prop::collection::vec(person(), 20..60),
        seed in any::<u64>(),
    ) {
        let mut seen = HashSet::new();
        let people: Vec<Person> = people.into_iter().filter(|p| p.id.is_some() && seen.insert(p.id.clone())).collect();
        let mut shuffled = people.clone();
        shuffled.sort_by_key(|p| {
            let id = p.id.clone().unwrap_or_default();
            id.bytes().fold(seed | 1, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        });
        let (one, other) = (run(&people, 5), run(&shuffled, 5));
        if let (Ok(one), Ok(other)) = (one, other) {
            prop_assert_eq!(one.tables.0, other.tables.0);
            prop_assert_eq!(one.report, other.report);
        }
    }
}

/// So many people who differ in nothing but their id.
fn alike(count: usize) -> Vec<Person> {
    let person = |number| Person {
        id: Some(format!("p{number}")),
        gender: Some("female"),
        born: Some("1961-06-01".to_owned()),
        postal: Some("66801".to_owned()),
        country: Some("US"),
        conditions: vec![(Some("38341003"), Some("2016-05-06".to_owned()))],
        values: vec![120.0],
    };
    (0..count).map(person).collect()
}

#[test]
fn people_who_are_alike_keep_the_finest_levels() {
    let protected = run(&alike(10), 10).unwrap();
    assert_eq!(protected.report.k_reached(), 10);
    assert_eq!(protected.report.l_reached, 1);
    assert!(protected.report.account.generalization.values().all(|level| *level == 0));
    assert_eq!(protected.report.meanings["age_band"], "bands of 5 years");
    for (column, value) in [("sex", "female"), ("age_band", "60-64"), ("region", "668")] {
        assert!(
            strings(&protected.tables, "patient", column)
                .iter()
                .all(|v| v.as_deref() == Some(value)),
            "{column}"
        );
    }
}

#[test]
fn somebody_who_stands_out_leaves_with_all_their_rows() {
    let mut people = alike(40);
    people[7].born = Some("2010-01-01".to_owned());
    people[7].gender = Some("male");
    people[7].postal = Some("10115".to_owned());
    let protected = run(&people, 10).unwrap();
    let report = &protected.report;
    assert_eq!((report.account.released, report.account.suppressed), (39, 1));
    assert_eq!(
        (report.tables["condition"].rows_out, report.tables["condition"].suppressed),
        (39, 1)
    );
    let gone = Some(key().pseudonym("p7"));
    for table in ["patient", "condition", "observation"] {
        assert!(!strings(&protected.tables, table, "patient").contains(&gone));
    }
}

#[test]
fn raw_identifiers_free_text_and_exact_dates_are_nowhere_in_the_output() {
    let protected = run(&alike(12), 10).unwrap();
    let shown: Vec<String> =
        protected.tables.0.values().map(|batch| format!("{batch:?}")).collect();
    let shown = shown.concat() + &format!("{:?}{:?}", protected.schema, protected.report);
    for secret in
        ["\"p1\"", "1961-06-01", "66801", "Kansas", "Mrs Example", "2016-05-06", "2025-03-04"]
    {
        assert!(!shown.contains(secret), "{secret}");
    }
    assert_eq!(protected.report.fields["condition.display"].removed, 12);
    assert_eq!(protected.report.fields["patient.state"].removed, 12);
    assert_eq!(protected.report.fields["patient.patient"].generalized, 12);
}

#[test]
fn events_of_unknown_people_and_repeated_patients_are_set_aside_and_counted() {
    let mut people = alike(12);
    people[3].id = Some("p2".to_owned());
    people[4].id = None;
    let protected = run(&people, 10).unwrap();
    assert_eq!(protected.report.patients_set_aside, 2);
    assert_eq!(protected.report.tables["patient"].set_aside, 2);
    assert_eq!(protected.report.tables["condition"].set_aside, 1);
    assert_eq!(protected.report.tables["encounter"].rows_in, 0);
}

#[test]
fn a_view_that_does_not_deliver_is_named() {
    let mut tables = raw(&alike(12));
    let short = tables.get("condition").unwrap().project(&[0, 1]).unwrap();
    tables.0.insert("condition".to_owned(), short);
    let policy = ProtectionPolicy::parse(POLICY).unwrap();
    let date = Date::new(2026, 1, 1).unwrap();
    let protect = |tables: &Tables| protect(tables, &policy, &key(), date, None, &mut |_, _, _| {});
    let error = protect(&tables).unwrap_err().to_string();
    assert!(error.contains("'condition' has no column 'onset'"), "{error}");
    let error = protect(&Tables::default()).unwrap_err();
    assert!(matches!(error, ProtectError::NoPatients));
    assert!(matches!(run(&alike(12), 1), Err(ProtectError::UselessK(1))));
}

#[test]
fn quality_is_the_same_for_everybody_who_counts() {
    let mut people = alike(40);
    for person in &mut people {
        person.values.clear();
    }
    people[0].conditions.push((Some("84114007"), Some("2026-01-01".to_owned())));
    people[1].conditions.clear();
    people[2].conditions = vec![(Some("53741008"), None)];
    let protected = run(&people, 10).unwrap();
    let date = Date::new(2026, 1, 1).unwrap();
    let quality = quality::scores(&protected.tables, &protected.schema, date, 10_000);
    // 40 patients with 4 values; 40 conditions with 3, one year missing: 279 of 280 cells.
    // Freshness: 1 patient at 10 tenths, 2 at 0, 37 had their event ten years before the reference year: 10 of 400.
    // Rarity: of 40 patients, only one has a code that at most two have; "other" does not count.
    let expected = Quality {
        completeness: 9964,
        validity: 10_000,
        freshness: 250,
        rarity: 10_250,
        reputation: 10_000,
    };
    assert_eq!(quality, expected);
    let nothing = quality::scores(&Tables::default(), &protected.schema, date, 0);
    let none =
        Quality { completeness: 0, validity: 0, freshness: 0, rarity: 10_000, reputation: 0 };
    assert_eq!(nothing, none);
}

#[test]
fn a_pressure_that_nobody_can_have_is_not_valid() {
    let mut people = alike(40);
    for person in &mut people {
        person.values.clear();
    }
    people[0].values = vec![25.0, 120.0];
    let protected = run(&people, 10).unwrap();
    let date = Date::new(2026, 1, 1).unwrap();
    // 40 patients with 4 values, 40 conditions with 3, 2 observations with 5; a systolic pressure of 25 mmHg is not one.
    let quality = quality::scores(&protected.tables, &protected.schema, date, 10_000);
    assert_eq!(quality.validity, 9_965);
}

#[test]
fn the_report_survives_json() {
    let report = run(&alike(12), 10).unwrap().report;
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<caduceus_protect::ProtectionReport>(&text).unwrap(), report);
    let fields: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(fields["account"]["k_required"], 10);
}
