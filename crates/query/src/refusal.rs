//! Why a question is not answered.

/// A question that is not answered, with the reason and what would work. Nothing in it comes from the data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The text is not SQL.
    #[error("The question is not valid SQL: {0}.")]
    Syntax(String),
    /// A construct that private answers do not support.
    #[error("{construct} cannot be answered privately: {instead}.")]
    Unsupported {
        /// The construct, as the subject of a sentence.
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
    #[error("The question cannot be planned: {0}.")]
    Unplannable(String),
    /// Too little epsilon for the number of aggregates.
    #[error(
        "Epsilon {given} is too small for this question: its aggregates need at least {needed} together, in thousandths each."
    )]
    EpsilonTooSmall {
        /// The question's epsilon.
        given: crate::Epsilon,
        /// The least epsilon that gives each aggregate a share.
        needed: crate::Epsilon,
    },
    /// The schema gives no usable bound, so no noise could be enough.
    #[error(
        "The dataset publishes no usable bound for {what}: ask its custodian for a schema that does."
    )]
    MissingBound {
        /// The table or column without a bound.
        what: String,
    },
}

impl Refusal {
    /// An unsupported construct, named as the subject of a sentence, and what to do instead.
    pub(crate) fn unsupported(construct: impl Into<String>, instead: impl Into<String>) -> Self {
        Self::Unsupported { construct: construct.into(), instead: instead.into() }
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
