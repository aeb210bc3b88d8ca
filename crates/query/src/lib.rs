//! Compute to data: a question in SQL goes in, an answer with differential privacy per patient comes out.
//!
//! The way of a question:
//!
//! 1. [`plan`] plans the SQL with DataFusion against the *published* schema and admits only what can be answered with bounded influence of
//!    each patient. Everything else is a [`Refusal`]: a sentence that names the construct and what would work.
//! 2. [`BudgetLedger::charge`] takes the question's loss from the budget, durably, before anything is computed.
//! 3. [`release`] counts at most the published number of rows of each patient, clamps values to the published bounds, and adds
//!    exact discrete noise to every number.
//! 4. [`BudgetLedger::record`] keeps what was released: asked again, the question costs nothing and gives the same numbers.
//! 5. [`Release::answer`] shows them as the question asks: columns, conditions, order, limit.
//!
//! **Guarantee.** Two databases that differ by everything one patient has in them give any answer with probabilities
//! that differ by at most a factor exp(epsilon), but with probability delta where the question has one. Which tables, columns and
//! bounds exist comes from the schema, never from rows; groups without rows are answered too, and groups that are not published only
//! where enough patients are in them. Every row is computed with in the same way whatever it holds. Not covered is time: how
//! long an answer takes depends on the number of rows and patients and, a little, on the noise that was drawn.
//!
//! What SQL cannot say is done by algorithms of the asker's own, see [`sandbox`].
//!
//! **Architecture invariant.** Checking and running are functions of their arguments. Only [`BudgetLedger`] touches a
//! disk, and only [`OpenDpNoise`] draws random numbers.

mod answer;
mod budget;
mod check;
mod epsilon;
#[cfg(test)]
mod fixture;
mod grid;
mod noise;
mod patients;
mod plan;
mod privacy;
mod refusal;
mod run;
pub mod sandbox;
mod scalar;
mod schema;

pub use answer::{Answer, AnswerColumn, AnswerValue, ColumnKind};
pub use budget::{
    BudgetError, BudgetLedger, BudgetScope, Charge, ChargeToken, DatasetKey, Limits, ResearcherKey,
};
pub use check::{AskedLimits, MAX_GROUPS, MAX_SQL_BYTES, MAX_WORDS, Question, check, plan};
pub use epsilon::{Epsilon, EpsilonTotal, ParseEpsilonError};
pub use noise::{NoiseError, NoiseScale, NoiseSource, OpenDpNoise, SeededNoise};
pub use patients::PatientTables;
pub use plan::{AggregateCost, Cost, ErrorOf, ExpectedError, PrivatePlan, QuestionKey};
pub use privacy::{
    Allowance, Delta, Loss, LossTotal, Mechanism, ParseDeltaError, Rho, concentrated_epsilon,
};
pub use refusal::Refusal;
pub use run::{Release, RunError, release, release_watched, run};
pub use schema::{PublicColumn, PublicDomain, PublicSchema, PublicTable, SchemaError};
