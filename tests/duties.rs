//! What the compliance page promises is there: every test that it names.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_compliance_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let page = fs::read_to_string(root.join("docs/compliance.md")).unwrap();
    let named: Vec<(&str, &str)> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once(": "))
        .filter(|(file, _)| file.ends_with(".rs") || file.ends_with(".sol"))
        .collect();
    assert!(named.len() > 20, "only {} tests are named", named.len());
    for (file, name) in named {
        let text = fs::read_to_string(root.join(file)).unwrap_or_else(|_| panic!("no {file}"));
        let there = ["fn", "function"].iter().any(|word| text.contains(&format!("{word} {name}(")));
        assert!(there, "{file} has no test {name}");
    }
}
