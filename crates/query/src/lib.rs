//! Compute to data: a question in SQL goes in, an answer with differential privacy per patient comes out.
//!
//! The way of a question:
//!
//! 1. [`check`] plans the SQL with DataFusion against the *published* schema and admits only the shapes whose influence
//!    per patient is bounded. Everything else is a [`Refusal`]: a sentence that names the construct and what would work.
//! 2. [`BudgetLedger::charge`] takes the question's epsilon from the budget, durably, before anything is computed.
//! 3. [`run`] counts at most the published number of rows of each patient, clamps values to the published bounds, and adds
//!    exact discrete Laplace noise to every number.
//! 4. [`BudgetLedger::record`] keeps the answer: asked again, the question costs nothing and gives the same answer.
//!
//! **Guarantee.** Two databases that differ by everything one patient has in them give any answer with probabilities
//! that differ by at most a factor exp(epsilon). Which tables, columns, groups and bounds exist comes from the schema, never
//! from rows; groups without rows are answered too. Not covered is time: how long an answer takes depends on the number of rows
//! and, a little, on the noise that was drawn.
//!
//! **Architecture invariant.** Checking and running are functions of their arguments. Only [`BudgetLedger`] touches a
//! disk, and only [`OpenDpNoise`] draws random numbers.

mod answer;
mod budget;
mod check;
mod epsilon;
#[cfg(test)]
mod fixture;
mod noise;
mod plan;
mod refusal;
mod run;

pub use answer::{Answer, AnswerColumn, AnswerValue, ColumnKind};
pub use budget::{
    BudgetError, BudgetLedger, BudgetScope, Charge, ChargeToken, DatasetKey, Limits, ResearcherKey,
};
pub use check::{MAX_GROUPS, MAX_SQL_BYTES, MAX_WORDS, Question, check};
pub use epsilon::{Epsilon, EpsilonTotal, ParseEpsilonError};
pub use noise::{LaplaceScale, NoiseError, NoiseSource, OpenDpNoise};
pub use plan::{AggregateCost, Cost, PrivatePlan, QuestionKey};
pub use refusal::Refusal;
pub use run::{RunError, run};
