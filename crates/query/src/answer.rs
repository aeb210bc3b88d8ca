//! What a question is answered with: noisy numbers, what they cost, and how far to trust them.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::{Delta, Epsilon, plan::PrivatePlan};

/// The answer to one question. Everything in it is public once it is released.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What was spent, in thousandths of epsilon.
    #[serde(rename = "epsilon_milli")]
    pub epsilon: Epsilon,
    /// The delta that was spent, in units of 1e-18.
    #[serde(rename = "delta_atto", default)]
    pub delta: Delta,
    /// The columns, in the order of the question.
    pub columns: Vec<AnswerColumn>,
    /// One row for each group that is shown, in published order unless the question orders them.
    pub rows: Vec<Vec<AnswerValue>>,
    /// For each number of `rows` the half-width of an interval that holds the number without noise with at least 95 % probability;
    /// none for groups, and for computed columns of which it cannot be said. What was clamped to bounds or left out by rule is no
    /// part of it.
    pub intervals95: Vec<Vec<Option<f64>>>,
    /// What is left out or held by rule, whatever the data holds, in sentences.
    #[serde(default)]
    pub clipped_by_rule: Vec<String>,
}

/// One column of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerColumn {
    /// Name or alias in the question.
    pub name: String,
    /// What the column holds.
    pub kind: ColumnKind,
    /// The column's share of the privacy loss as an epsilon; none for groups, computed columns and Gaussian noise. Columns that repeat
    /// one aggregate share it.
    pub epsilon: Option<f64>,
    /// The column's share of the zero-concentrated privacy loss; with Gaussian noise only.
    pub rho: Option<f64>,
    /// How far one patient can move all numbers of the column together, in the column's unit; none for groups and computed columns.
    /// For averages and variances: of the sum of deviations from the middle of the bounds; for quantiles: in rows.
    pub sensitivity: Option<f64>,
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
    /// A variance of values, each within its bounds.
    Variance,
    /// A standard deviation of values, each within its bounds.
    Stddev,
    /// A quantile of values, each within its bounds.
    Quantile,
    /// Computed from released numbers.
    Computed,
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
    /// The group of missing values, or a computed value that there is not.
    Null,
}

impl std::fmt::Display for AnswerValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(value) => f.pad(if *value { "true" } else { "false" }),
            Self::Integer(value) => value.fmt(f),
            Self::Decimal(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
            Self::Null => f.pad("NULL"),
        }
    }
}

impl Answer {
    /// An answer to this plan without rows: each column is one of the release, or computed.
    pub(crate) fn empty(plan: &PrivatePlan, origins: &[Option<usize>]) -> Self {
        let (loss, release) = (plan.loss(), &plan.release);
        let column = |(name, origin): (&String, &Option<usize>)| {
            let kind = match origin {
                Some(index) if *index < release.groups.len() => ColumnKind::Group,
                Some(_) => ColumnKind::Count,
                None => ColumnKind::Computed,
            };
            let plain = AnswerColumn {
                name: name.clone(),
                kind,
                epsilon: None,
                rho: None,
                sensitivity: None,
            };
            let aggregate = origin.and_then(|index| index.checked_sub(release.groups.len()));
            match aggregate.map(|index| release.aggregates[index].cost()) {
                None => plain,
                Some(cost) => AnswerColumn {
                    kind: cost.kind,
                    epsilon: cost.epsilon,
                    rho: cost.rho,
                    sensitivity: Some(cost.sensitivity),
                    ..plain
                },
            }
        };
        Self {
            epsilon: loss.epsilon,
            delta: loss.delta,
            columns: plan.names.iter().zip(origins).map(column).collect(),
            rows: Vec::new(),
            intervals95: Vec::new(),
            clipped_by_rule: plan.rules.clone(),
        }
    }

    /// The answer without rows to a question that shows none.
    pub(crate) fn free(plan: &PrivatePlan) -> Self {
        let origins = vec![None; plan.names.len()];
        Self { epsilon: Epsilon::default(), delta: Delta::ZERO, ..Self::empty(plan, &origins) }
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
        let delta = match self.delta {
            Delta::ZERO => String::new(),
            delta => format!(", delta {delta}"),
        };
        let _ =
            writeln!(text, "epsilon {}{delta}, intervals hold with 95 % probability", self.epsilon);
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
        let column = |name: &str, kind| AnswerColumn {
            name: name.into(),
            kind,
            epsilon: Some(0.25),
            rho: None,
            sensitivity: Some(1.0),
        };
        Answer {
            epsilon: Epsilon::from_milli(500),
            delta: Delta::ZERO,
            columns: vec![
                column("sex", ColumnKind::Group),
                column("deceased", ColumnKind::Group),
                column("n", ColumnKind::Count),
                column("mean", ColumnKind::Avg),
            ],
            rows: vec![
                vec![
                    AnswerValue::Text("female".into()),
                    AnswerValue::Flag(false),
                    AnswerValue::Integer(-2),
                    AnswerValue::Decimal(71.25),
                ],
                vec![
                    AnswerValue::Null,
                    AnswerValue::Flag(true),
                    AnswerValue::Integer(1204),
                    AnswerValue::Decimal(0.001_234_5),
                ],
            ],
            intervals95: vec![
                vec![None, None, Some(11.0), Some(60.0)],
                vec![None, None, Some(11.0), Some(0.5)],
            ],
            clipped_by_rule: vec!["of each patient the first row counts".into()],
        }
    }

    #[test]
    fn the_table_lines_up() {
        let expected = "\
sex     deceased          n           mean
------  --------  ---------  -------------
female  false       -2 \u{b1} 11     71.25 \u{b1} 60
NULL    true      1204 \u{b1} 11  0.00123 \u{b1} 0.5
epsilon 0.5, intervals hold with 95 % probability
";
        assert_eq!(answer().to_text_table(), expected);
    }

    #[test]
    fn an_answer_survives_json_and_its_fields_keep_their_order() {
        let json = serde_json::to_string(&answer()).unwrap();
        assert!(
            json.starts_with(r#"{"epsilon_milli":500,"delta_atto":0,"columns":[{"name":"sex""#)
        );
        assert_eq!(serde_json::from_str::<Answer>(&json).unwrap(), answer());
    }
}
