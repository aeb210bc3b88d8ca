//! What the page of a table's report tells a data protection officer, and that the policy in the documentation works.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write;

use caduceus_protect::dataset_report::{DatasetReport, report_html};
use caduceus_protect::reduce::Secrets;
use caduceus_protect::release::{Files, Release, release};
use caduceus_protect::synthesis::{Coded, SynthesisPolicy};
use caduceus_protect::table::Table;
use caduceus_protect::table_policy::TablePolicy;
use caduceus_protect::{Date, PseudonymKey};

fn released(csv: &str, policy: &str, key_kept: bool) -> Release {
    let key = PseudonymKey::new([3; 32]);
    let secrets = Secrets { key: &key, key_kept, today: Date::new(2026, 1, 1).unwrap() };
    let table = Table::read(csv.as_bytes()).unwrap().0;
    release(&table, &TablePolicy::parse(policy).unwrap(), &Files::new(), &secrets, 1).unwrap()
}

fn page(release: &Release) -> String {
    report_html(&DatasetReport {
        title: "visits".to_owned(),
        date: "2026-01-01".to_owned(),
        policy: String::new(),
        release: None,
        account: release.account.clone(),
        classes: release.classes.clone(),
        records: None,
    })
}

const POLICY: &str = r#"
    k = 5
    suppression = 0.02
    person = "mrn"
    [columns]
    name  = { role = "identifying" }
    mrn   = { role = "insensitive", reduce = "pseudonym" }
    born  = { role = "quasi-identifier", hierarchy = { kind = "date", periods = ["decade"] } }
    age   = { role = "quasi-identifier", reduce = "age", hierarchy = { kind = "number", widths = [20, 40] } }
    drug  = { role = "sensitive", l = 2, t = { t = 0.9, distance = "equal" } }
"#;

fn visits() -> String {
    (0..120_u32).fold("name,mrn,born,age,drug,room\n".to_owned(), |mut csv, row| {
        let person = row / 2;
        let (age, day) = (person % 40, person % 28 + 1);
        let _ = writeln!(
            csv,
            "Zebulon{person},M{person},{}-03-{day:02},{age},{},{row}",
            2026 - age,
            ["a", "b", "c"][row as usize % 3]
        );
        csv
    })
}

#[test]
fn the_page_of_a_table_tells_what_was_asked_for_what_is_shown_and_of_whom() {
    let made = released(&visits(), POLICY, true);
    let page = page(&made);
    let account = &made.account;
    assert_eq!((account.persons, account.persons_released), (Some(60), Some(60)));
    for told in [
        "120 rows of 60 persons (mrn), 60 of whom are released, with 6 columns",
        "where at most 2.00\u{a0}% may be",
        "2 different values; distance of at most 0.9 (equal)",
        "pseudonyms (HMAC-SHA-256, cut to 128 bits) with a key that is kept",
        "<td>name</td><td>identifying</td><td>nothing</td>",
        "<td>room</td><td>not named in the policy</td><td>nothing</td>",
        "<td>drug</td><td>sensitive</td><td>its values as they came</td>",
        "none was given, so the table is taken for it",
        "who look alike, once identifiers were removed or reduced, before values were made coarser",
        "loss (Iyengar), 0 to 1: the least there is, proven",
        &account.optimum(),
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    // Each column's level in words, in the table and beside its bar.
    assert_eq!(account.meanings.len(), 2);
    for (column, meaning) in &account.meanings {
        let level = account.generalization[column];
        assert!(page.contains(&format!("{level} of {}: {meaning}<", account.levels[column] - 1)));
        assert!(page.contains(&format!("<td>{column}</td><td>quasi-identifier</td><td>{meaning}")));
    }
    assert!(!page.contains("Zebulon") && !page.contains("http") && !page.contains("<script"));
    let forgotten = released(&visits(), POLICY, false);
    assert!(forgotten.account.reductions["mrn"].contains("with a key that nobody kept"));
}

#[test]
fn the_page_shows_what_is_expected_beside_what_one_attack_found() {
    let csv = "sex\n".to_owned() + &"f\n".repeat(13);
    let made = released(&csv, "k = 5\n[columns]\nsex = { role = \"quasi-identifier\" }\n", false);
    let linkage = &made.account.risk.linkage;
    assert!((linkage.expected_rate.unwrap() - 1.0 / 13.0).abs() < 1e-12);
    let page = page(&made);
    let found = format!("{:.2}\u{a0}%", linkage.success_rate * 100.0);
    assert!(page.contains(&format!("<dd>{found} <small>7.69\u{a0}% expected;")), "{page}");
    assert!(page.contains("over all of its chances 7.69\u{a0}% is expected"), "{page}");
}

/// The indented lines after a sentence of the documentation.
fn listing(text: &str, after: &str) -> String {
    let rest = &text[text.find(after).unwrap() + after.len()..];
    let lines = rest.lines().skip(1).skip_while(|line| line.trim().is_empty());
    let lines = lines.take_while(|line| line.is_empty() || line.starts_with("    "));
    lines.map(|line| line.trim_start().to_owned() + "\n").collect()
}

#[test]
fn the_policies_of_the_documentation_work_with_the_table_that_it_makes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/custodian.md");
    let text = std::fs::read_to_string(path).unwrap();
    // As views/patient.json writes it.
    let csv = (0..60_u32).fold(
        "patient,gender,birth_date,postal_code,state,country,deceased\n".to_owned(),
        |mut csv, row| {
            let (gender, year) = (["female", "male"][row as usize % 2], 1930 + row);
            let state = ["BE", "BY", "NW"][row as usize % 3];
            let _ = writeln!(csv, "p{row},{gender},{year}-07-20,1{row:04},{state},DE,{}", row < 5);
            csv
        },
    );
    let made = released(&csv, &listing(&text, "Save this as `policy.toml`:"), false);
    assert!(made.account.k >= 5 && made.table.columns.len() == 4);
    let policy = listing(&text, "be given away with the result:");
    let policy = SynthesisPolicy::parse(&policy, &Files::new()).unwrap();
    let table = Table::read(csv.as_bytes()).unwrap().0;
    let coded = Coded::new(&table, &policy).unwrap();
    assert!(coded.outside().is_empty() && policy.columns.len() == 4);
}
