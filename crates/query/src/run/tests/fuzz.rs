//! Random questions, most of them nonsense: each ends in a refusal of one line or in an answer, and no answer depends on what a row holds
//! in any other way than by its numbers.

use proptest::{collection::vec, sample::Index};

use super::*;

/// Questions to start from.
const SEEDS: [&str; 8] = [
    "SELECT sex , COUNT ( * ) AS n FROM patient WHERE deceased GROUP BY sex HAVING COUNT ( * ) > 3 ORDER BY n DESC LIMIT 3",
    "SELECT AVG ( value ) , SUM ( year ) FROM observation o JOIN patient p ON o . patient = p . patient WHERE code IN ( 'other' , 'x' )",
    "WITH t AS ( SELECT patient , MAX ( value ) AS m FROM observation GROUP BY patient ) SELECT AVG ( m ) FROM t WHERE m BETWEEN 1 AND 200",
    "SELECT CASE WHEN value < 10 THEN 'a' ELSE 'b' END AS b , STDDEV ( year ) FROM observation GROUP BY b",
    "SELECT COUNT ( DISTINCT patient ) FROM patient WHERE patient NOT IN ( SELECT patient FROM observation WHERE wide > - 1 )",
    "SELECT percentile_cont ( 0.25 ) WITHIN GROUP ( ORDER BY value ) FROM observation WHERE note LIKE 'a%'",
    "SELECT width_bucket ( value , 0 , 300 , 7 ) , COUNT ( value / year ) FROM observation GROUP BY 1",
    "SELECT COUNT ( * ) FROM patient p LEFT JOIN observation o ON o . patient = p . patient AND o . final WHERE o . patient IS NULL",
];

/// Words to put in their places.
const WORDS: [&str; 64] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "JOIN",
    "LEFT JOIN",
    "ON",
    "USING (patient)",
    "AS",
    "WITH",
    "UNION ALL",
    "DISTINCT",
    "OVER ()",
    "FILTER (WHERE final)",
    "NOT",
    "AND",
    "OR",
    "IN",
    "IS NULL",
    "BETWEEN",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "patient",
    "observation",
    "encounter",
    "sex",
    "deceased",
    "value",
    "year",
    "wide",
    "note",
    "final",
    "days",
    "*",
    "(",
    ")",
    ",",
    "+",
    "-",
    "/",
    "%",
    "=",
    "<",
    "0",
    "1",
    "-9223372036854775808",
    "1e308",
    "'other'",
    "NULL",
    "CAST(note AS INT)",
    "clamp(value, 0, 1)",
    "POWER(value, 3)",
    "MOD(wide, year)",
    "SIGN(value)",
    "ROUND(value, 1)",
    "FLOOR(value / 10)",
    "CAST(value AS DECIMAL(3, 1))",
];

/// What happens to a list of words.
#[derive(Clone, Debug)]
enum Change {
    Replace(Index, usize),
    Insert(Index, usize),
    Remove(Index),
    Swap(Index, Index),
    Repeat(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let (at, word) = (any::<Index>, || 0..WORDS.len());
    prop_oneof![
        3 => (at(), word()).prop_map(|(at, word)| Change::Replace(at, word)),
        2 => (at(), word()).prop_map(|(at, word)| Change::Insert(at, word)),
        1 => at().prop_map(Change::Remove),
        1 => (at(), at()).prop_map(|(one, other)| Change::Swap(one, other)),
        1 => (at(), at()).prop_map(|(one, other)| Change::Repeat(one, other)),
    ]
}

fn apply(seed: usize, changes: &[Change]) -> String {
    let mut words: Vec<&str> = SEEDS[seed].split(' ').collect();
    for change in changes {
        let length = words.len().max(1);
        match change {
            Change::Replace(at, word) if !words.is_empty() => {
                words[at.index(length)] = WORDS[*word]
            }
            Change::Insert(at, word) => words.insert(at.index(words.len() + 1), WORDS[*word]),
            Change::Remove(at) if !words.is_empty() => drop(words.remove(at.index(length))),
            Change::Swap(one, other) if !words.is_empty() => {
                words.swap(one.index(length), other.index(length))
            }
            Change::Repeat(one, other) if words.len() < 200 => {
                let (one, other) = (one.index(length), other.index(length));
                let part = words[one.min(other)..one.max(other)].to_vec();
                words.splice(one..one, part);
            }
            _ => {}
        }
    }
    words.join(" ")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_question_ends_in_anything_but_a_refusal_or_an_answer(
        seed in 0..SEEDS.len(),
        changes in vec(change(), 0..5),
    ) {
        let sql = apply(seed, &changes);
        match plan(&sql) {
            Err(refusal) => {
                let text = refusal.to_string();
                prop_assert!(!text.contains('\n') && text.len() < 1_000, "{}\n{}", sql, text);
                prop_assert!(!text.contains("the planner failed"), "{sql}");
            }
            Ok(plan) => {
                let rows = [
                    Observation { note: Some("12".into()), ..observation("a", "other", f64::NAN) },
                    Observation { year: None, ..observation("a", "8867-4", f64::INFINITY) },
                    Observation { wide: Some(0), ..observation("b", "secret", -0.0) },
                ];
                let people = [patient("a", "male"), patient("b", "female"), patient("a", "female")];
                let tables = tables(&people, &rows);
                let answer = run(&plan, &tables, &mut SilentNoise).unwrap();
                prop_assert_eq!(run(&plan, &tables, &mut SilentNoise).unwrap(), answer);
                prop_assert!(!plan.cost().to_string().is_empty());
            }
        }
    }

    #[test]
    fn no_text_at_all_makes_the_front_fail(text in any::<String>()) {
        let refusal = plan(&text).unwrap_err();
        prop_assert!(!refusal.to_string().contains("the planner failed"));
    }
}
