//! Why a question is not answered.

use crate::Epsilon;

/// A question that is not answered, with the reason and what would work. Nothing in it comes from the data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The text is not SQL.
    #[error(
        "The question is not valid SQL: {0}. Write one SELECT with COUNT, SUM, AVG, VARIANCE, STDDEV or quantiles."
    )]
    Syntax(String),
    /// A construct that private answers do not support.
    #[error("{construct} cannot be answered privately: {instead}.")]
    Unsupported {
        /// The construct, as the subject of a sentence.
        construct: String,
        /// What would work instead.
        instead: String,
    },
    /// A construct that makes no sense, private or not.
    #[error("{construct}: {instead}.")]
    Mistake {
        /// What is wrong, as the beginning of a sentence.
        construct: String,
        /// What would work instead.
        instead: String,
    },
    /// The dataset publishes no such table.
    #[error("The dataset has no table `{name}`: it publishes {known}.")]
    UnknownTable {
        /// The name in the question.
        name: String,
        /// The tables there are, as a list in words.
        known: String,
    },
    /// The tables of the question publish no such column.
    #[error("No table of the question has a column `{name}`: there are {known}.")]
    UnknownColumn {
        /// The name in the question.
        name: String,
        /// The columns there are, as a list in words.
        known: String,
    },
    /// The planner cannot make sense of the question.
    #[error(
        "The question cannot be planned: {0}. Ask one SELECT with COUNT, SUM, AVG, VARIANCE, STDDEV or quantiles."
    )]
    Unplannable(String),
    /// Too little epsilon for the number of aggregates.
    #[error(
        "Epsilon {given} is too small for this question: {parts} noisy numbers share it; ask with a larger epsilon, or for fewer numbers at once."
    )]
    EpsilonTooSmall {
        /// The question's epsilon.
        given: Epsilon,
        /// How many noises share it.
        parts: u64,
    },
    /// A question that needs a delta was asked without.
    #[error("{construct} needs a delta above zero: {instead}.")]
    NoDelta {
        /// What needs it, as the subject of a sentence.
        construct: String,
        /// What would work instead.
        instead: String,
    },
    /// The schema gives no usable bound, so no noise could be enough.
    #[error("There is no usable bound for {what}: {instead}.")]
    MissingBound {
        /// What has no bound.
        what: String,
        /// What would work instead.
        instead: String,
    },
}

impl Refusal {
    /// An unsupported construct, named as the subject of a sentence, and what to do instead.
    pub(crate) fn unsupported(construct: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::Unsupported { construct: construct.into(), instead: instead.into() }
    }

    pub(crate) fn mistake(construct: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::Mistake { construct: construct.into(), instead: instead.into() }
    }

    pub(crate) fn bound(what: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::MissingBound { what: what.into(), instead: instead.into() }
    }

    /// What in the question is not answered.
    pub fn construct(&self) -> String {
        match self {
            Self::Syntax(_) => "the question's syntax".into(),
            Self::Unsupported { construct, .. }
            | Self::Mistake { construct, .. }
            | Self::NoDelta { construct, .. } => construct.clone(),
            Self::UnknownTable { name, .. } => format!("table `{name}`"),
            Self::UnknownColumn { name, .. } => format!("column `{name}`"),
            Self::Unplannable(_) => "the question".into(),
            Self::EpsilonTooSmall { .. } => "epsilon".into(),
            Self::MissingBound { what, .. } => what.clone(),
        }
    }

    /// What would work instead.
    pub fn suggestion(&self) -> String {
        match self {
            Self::Syntax(_) | Self::Unplannable(_) => {
                "ask one SELECT with COUNT, SUM, AVG, VARIANCE, STDDEV or quantiles".into()
            }
            Self::Unsupported { instead, .. }
            | Self::Mistake { instead, .. }
            | Self::NoDelta { instead, .. }
            | Self::MissingBound { instead, .. } => instead.clone(),
            Self::UnknownTable { known, .. } => format!("ask of {known}"),
            Self::UnknownColumn { known, .. } => format!("use {known}"),
            Self::EpsilonTooSmall { .. } => {
                "ask with a larger epsilon, or for fewer numbers at once".into()
            }
        }
    }
}

/// Names as a list in words: `a`, `b` and `c`.
pub(crate) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.pop() {
        None => "none".into(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
    }
}
