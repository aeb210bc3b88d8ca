//! The corpus of refused constructs in `tests/refused`: each is refused by the name that an analyst writes, in our own words, and what the
//! refusals suggest is answered.

use std::path::Path;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    what: String,
    /// Words of every suggestion.
    suggests: String,
    /// What the suggestions lead to: answered.
    works: Vec<String>,
    /// Words that name the construct, and a question with it.
    refused: Vec<[String; 2]>,
}

/// What is wrong with the refusal of a question, if anything.
fn fault(family: &Family, words: &str, sql: &str) -> Option<String> {
    let Err(refusal) = plan(sql) else { return Some("it is answered".to_owned()) };
    let text = refusal.to_string();
    let (construct, suggestion) = (refusal.construct(), refusal.suggestion());
    let own = !matches!(refusal, Refusal::Syntax(_) | Refusal::Unplannable(_));
    let inner = ["Int64", "Utf8", "Float64", "\n", "sql parser", "DataFusion"];
    let good = own
        && construct.to_lowercase().contains(&words.to_lowercase())
        && suggestion.len() > 5
        && suggestion.contains(&family.suggests)
        && !inner.iter().any(|word| text.contains(word));
    (!good).then_some(text)
}

#[test]
fn constructs_of_other_systems_are_refused_by_name_and_what_is_suggested_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/refused");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let empty = crate::PatientTables::new(&crate::fixture::tables(&[], &[]), &schema()).unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for path in files {
        let family: Family = toml::from_str(&std::fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(!family.what.is_empty() && !family.works.is_empty());
        for sql in &family.works {
            match plan(sql) {
                Ok(plan) => {
                    drop(crate::run(&plan, &empty, &mut crate::noise::SilentNoise).unwrap())
                }
                Err(refusal) => wrong.push(format!("SUGGESTED {sql}\n   -> {refusal}")),
            }
        }
        for [words, sql] in &family.refused {
            count += 1;
            if let Some(fault) = fault(&family, words, sql) {
                wrong.push(format!("{words:?}: {sql}\n   -> {fault}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 300, "{count} constructs only");
}
