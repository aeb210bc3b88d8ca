//! `cargo +nightly fuzz run sql`, in `crates/query`: any text is refused in one line, or planned.

#![no_main]

use caduceus_query::{Epsilon, PublicSchema, Question, plan};
use libfuzzer_sys::fuzz_target;

const SCHEMA: &str = r#"
[budget]
epsilon = 10
[tables.patient]
patient = "patient"
max_rows = 1
[tables.patient.columns.sex]
type = "text"
values = ["female", "male"]
[tables.observation]
patient = "patient"
max_rows = 4
[tables.observation.columns.value]
type = "decimal"
lower = 0
upper = 300
[tables.observation.columns.year]
type = "integer"
lower = 1900
upper = 2100
[tables.observation.columns.note]
type = "text"
"#;

fuzz_target!(|sql: &str| {
    let schema = PublicSchema::from_toml(SCHEMA).expect("the schema above is one");
    match plan(&Question::new(sql, Epsilon::from_milli(1000)), &schema) {
        Ok(plan) => drop(plan.cost().to_string()),
        Err(refusal) => {
            let text = refusal.to_string();
            assert!(!text.contains('\n') && !text.contains("the planner failed"), "{sql}");
        }
    }
});
