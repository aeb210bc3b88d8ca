//! What a question is answered with: noisy numbers, what they cost, and how far to trust them.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::{Epsilon, plan::PrivatePlan};

/// The answer to one question. Everything in it is public once it is released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What was spent, in thousandths of epsilon.
    #[serde(rename = "epsilon_milli")]
    pub epsilon: Epsilon,
    /// The columns, in the order of the question.
    pub columns: Vec<AnswerColumn>,
    /// One row for each published group, in published order unless the question orders them.
    pub rows: Vec<Vec<AnswerValue>>,
    /// For each number of `rows` the half-width of an interval that holds the number without noise with at least 95 % probability;
    /// none for groups. What was clamped to bounds or left out by rule is no part of it.
    pub intervals95: Vec<Vec<Option<f64>>>,
}

/// One column of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerColumn {
    /// Name or alias in the question.
    pub name: String,
    /// What the column holds.
    pub kind: ColumnKind,
    /// The column's share of the privacy loss, in thousandths of epsilon; columns that repeat one aggregate share it.
    #[serde(rename = "epsilon_milli")]
    pub epsilon: Epsilon,
    /// How far one patient can move all numbers of the column together, in the column's unit; 0 for groups. For an average: of
    /// the sum of deviations from the middle of the bounds.
    pub sensitivity: f64,
}

/// What a column of an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// A published value that rows are grouped by.
    Group,
    /// A number of rows, values or patients; unbiased, thus below zero at times.
    Count,
    /// A sum of values, each within its bounds.
    Sum,
    /// An average of values, each within its bounds.
    Avg,
}

/// One value of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AnswerValue {
    /// A group of a flag.
    Flag(bool),
    /// A whole number: counts, and sums of whole-number columns (held at the limits of 64 bits).
    Integer(i64),
    /// A decimal number.
    Decimal(f64),
    /// A group of a category.
    Text(String),
}

impl std::fmt::Display for AnswerValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(value) => f.pad(if *value { "true" } else { "false" }),
            Self::Integer(value) => value.fmt(f),
            Self::Decimal(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

impl Answer {
    /// The columns of an answer to this plan, without rows.
    pub(crate) fn empty(plan: &PrivatePlan) -> Self {
        use crate::plan::OutputFrom;
        let cost = plan.cost();
        let column = |output: &crate::plan::OutputColumn| match output.from {
            OutputFrom::Group(_) => AnswerColumn {
                name: output.name.clone(),
                kind: ColumnKind::Group,
                epsilon: Epsilon::default(),
                sensitivity: 0.0,
            },
            OutputFrom::Aggregate(index) => AnswerColumn {
                name: output.name.clone(),
                kind: cost.aggregates[index].kind,
                epsilon: cost.aggregates[index].epsilon,
                sensitivity: cost.aggregates[index].sensitivity,
            },
        };
        Self {
            epsilon: plan.epsilon(),
            columns: plan.output.iter().map(column).collect(),
            rows: Vec::new(),
            intervals95: Vec::new(),
        }
    }

    /// The answer as a table for a terminal: a header, a rule, a line a row with "value ± interval", and the cost.
    pub fn to_text_table(&self) -> String {
        let header = self.columns.iter().map(|column| column.name.clone()).collect();
        let body = self.rows.iter().zip(&self.intervals95).map(|(values, intervals)| {
            values.iter().zip(intervals).map(|(value, interval)| cell(value, *interval)).collect()
        });
        let lines: Vec<Vec<String>> = std::iter::once(header).chain(body).collect();
        let width = |column: usize| {
            lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = String::new();
        for (row, line) in lines.iter().enumerate() {
            let cells = line.iter().zip(&widths).zip(&self.columns);
            let cells = cells.map(|((cell, width), column)| match column.kind {
                ColumnKind::Group => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
            if row == 0 {
                let rule = widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>();
                text.push_str(&rule.join("  "));
                text.push('\n');
            }
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "epsilon {}, intervals hold with 95 % probability", self.epsilon);
        text
    }
}

/// A value with its interval, decimals shown to three places or to what distinguishes them from zero.
fn cell(value: &AnswerValue, interval: Option<f64>) -> String {
    let value = match value {
        AnswerValue::Decimal(value) => short(*value),
        other => other.to_string(),
    };
    match interval {
        Some(interval) => format!("{value} \u{b1} {}", short(interval)),
        None => value,
    }
}

fn short(value: f64) -> String {
    let places =
        if value == 0.0 || value.abs() >= 1.0 { 3 } else { 3 - value.abs().log10().ceil() as i32 };
    let text = format!("{value:.*}", usize::try_from(places.clamp(0, 12)).unwrap_or(3));
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn answer() -> Answer {
        let column = |name: &str, kind, milli, sensitivity| AnswerColumn {
            name: name.into(),
            kind,
            epsilon: Epsilon::from_milli(milli),
            sensitivity,
        };
        Answer {
            epsilon: Epsilon::from_milli(500),
            columns: vec![
                column("sex", ColumnKind::Group, 0, 0.0),
                column("deceased", ColumnKind::Group, 0, 0.0),
                column("n", ColumnKind::Count, 250, 1.0),
                column("mean", ColumnKind::Avg, 250, 60.0),
            ],
            rows: vec![
                vec![
                    AnswerValue::Text("female".into()),
                    AnswerValue::Flag(false),
                    AnswerValue::Integer(-2),
                    AnswerValue::Decimal(71.25),
                ],
                vec![
                    AnswerValue::Text("male".into()),
                    AnswerValue::Flag(true),
                    AnswerValue::Integer(1204),
                    AnswerValue::Decimal(0.001_234_5),
                ],
            ],
            intervals95: vec![
                vec![None, None, Some(11.0), Some(60.0)],
                vec![None, None, Some(11.0), Some(0.5)],
            ],
        }
    }

    #[test]
    fn the_table_lines_up() {
        let expected = "\
sex     deceased          n           mean
------  --------  ---------  -------------
female  false       -2 \u{b1} 11     71.25 \u{b1} 60
male    true      1204 \u{b1} 11  0.00123 \u{b1} 0.5
epsilon 0.5, intervals hold with 95 % probability
";
        assert_eq!(answer().to_text_table(), expected);
    }

    #[test]
    fn an_answer_survives_json_and_its_fields_keep_their_order() {
        let json = serde_json::to_string(&answer()).unwrap();
        assert!(
            json.starts_with(r#"{"epsilon_milli":500,"columns":[{"name":"sex","kind":"group""#)
        );
        assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer());
    }
}
