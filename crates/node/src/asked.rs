//! What researchers ask of vaults: a question in SQL or an algorithm of their own, as it travels, and as a vault prepares it.

use std::fmt::Write;

use caduceus_query::sandbox::{
    self, AlgorithmAnswer, Declaration, DeclarationRefusal, Limits, Module, Norm, SandboxError,
    Selection, Values,
};
use caduceus_query::{
    Answer, Delta, Epsilon, Loss, NoiseSource, PatientTables, PrivatePlan, PublicSchema, Question,
    QuestionKey, Release,
};
use caduceus_records::Tables;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{NodeError, Result};

/// The document that a researcher hands to a vault. Its hash is on the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Asked {
    /// In SQL.
    Sql(Question),
    /// As WebAssembly.
    Algorithm(Algorithm),
}

/// An algorithm of the researcher's own, and what it declares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Algorithm {
    /// The module, text or binary, in hexadecimal.
    #[serde(with = "hexadecimal")]
    pub module: Vec<u8>,
    /// Tables and columns of the record; all that are published where there are none.
    pub tables: Vec<Selection>,
    /// Numbers in each vector.
    pub length: usize,
    /// What the numbers are.
    pub values: Values,
    /// How a vector is measured.
    pub norm: Norm,
    /// The most that a vector may measure.
    pub clip: f64,
    /// Numbers that the module gets with each record.
    pub parameters: Vec<f64>,
    /// Visits of all patients.
    pub rounds: u32,
    /// Fuel for each patient, where it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Privacy loss of all rounds together, in thousandths.
    #[serde(rename = "epsilon_milli")]
    pub epsilon: Epsilon,
    /// Probability with which that may fail, in units of 1e-18.
    #[serde(rename = "delta_atto")]
    pub delta: Delta,
}

mod hexadecimal {
    use alloy::hex;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        hex::decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Asked {
    /// What it may cost.
    pub fn epsilon(&self) -> Epsilon {
        match self {
            Self::Sql(question) => question.epsilon,
            Self::Algorithm(algorithm) => algorithm.epsilon,
        }
    }
}

impl Algorithm {
    /// Fuel for each patient in each round.
    fn fuel(&self) -> u64 {
        self.fuel.unwrap_or(Limits::default().fuel)
    }

    /// Compiles the module under the usual limits but for the fuel.
    ///
    /// # Errors
    /// [`NodeError::Module`].
    pub(crate) fn load(&self) -> Result<Module> {
        let limits = Limits { fuel: self.fuel(), ..Limits::default() };
        Ok(Module::load_within(&self.module, limits)?)
    }

    /// What it declares, over what a schema publishes.
    ///
    /// # Errors
    /// [`NodeError::Algorithm`] for tables, columns or an amount of work that the schema does not publish or allow.
    pub(crate) fn declaration(
        &self,
        module: &Module,
        schema: &PublicSchema,
    ) -> Result<Declaration> {
        let asked = module.fuel_of_a_round().saturating_mul(self.rounds.into());
        let allowed = schema.max_fuel;
        if asked > allowed {
            return Err(SandboxError::from(DeclarationRefusal::Fuel { asked, allowed }).into());
        }
        Ok(Declaration {
            inputs: sandbox::inputs(schema, &self.tables).map_err(SandboxError::from)?,
            length: self.length,
            values: self.values,
            norm: self.norm,
            clip: self.clip,
            parameters: self.parameters.clone(),
            rounds: self.rounds,
            epsilon: self.epsilon,
            delta: self.delta,
        })
    }
}

/// What was asked, checked against what is published: it can be charged and computed.
pub(crate) enum Prepared {
    Sql(Box<PrivatePlan>),
    Algorithm { module: Box<Module>, declaration: Box<Declaration>, loss: Loss },
}

impl Prepared {
    /// Checks it.
    ///
    /// # Errors
    /// [`NodeError::Question`], [`NodeError::Module`], [`NodeError::Algorithm`]: refusals, of which each says what would work.
    pub fn new(asked: &Asked, schema: &PublicSchema) -> Result<Self> {
        match asked {
            Asked::Sql(question) => {
                let plan = caduceus_query::plan(question, schema)?;
                if plan.known_answer().is_some() {
                    return Err(NodeError::Usage(
                        "the question shows no rows, whatever the data holds, so nothing was asked; leave LIMIT and OFFSET out"
                            .into(),
                    ));
                }
                Ok(Self::Sql(Box::new(plan)))
            }
            Asked::Algorithm(algorithm) => {
                let module = algorithm.load()?;
                let declaration = algorithm.declaration(&module, schema)?;
                declaration.check(&module).map_err(SandboxError::from)?;
                let loss = declaration.loss().map_err(SandboxError::from)?;
                Ok(Self::Algorithm {
                    module: Box::new(module),
                    declaration: Box::new(declaration),
                    loss,
                })
            }
        }
    }

    /// What it takes from a budget.
    pub fn loss(&self) -> Loss {
        match self {
            Self::Sql(plan) => plan.loss(),
            Self::Algorithm { loss, .. } => *loss,
        }
    }

    /// What makes it the same again: itself, and what else must be equal for a recorded answer to stand.
    pub fn key(&self, context: &[u8]) -> QuestionKey {
        match self {
            Self::Sql(plan) => plan.question_key(context),
            Self::Algorithm { module, declaration, .. } => {
                let mut hash = Sha256::new();
                hash.update(declaration.key(module).0);
                hash.update(context);
                QuestionKey(hash.finalize().into())
            }
        }
    }

    /// Computes what is to be recorded, noise included, over the tables of this schema.
    ///
    /// # Errors
    /// [`NodeError::Query`], [`NodeError::Algorithm`].
    pub fn compute(
        &self,
        tables: &Tables,
        schema: &PublicSchema,
        noise: &mut dyn NoiseSource,
    ) -> Result<Vec<u8>> {
        let bytes = match self {
            Self::Sql(plan) => {
                let tables = PatientTables::new(tables, schema)?;
                serde_json::to_vec(&caduceus_query::release(plan, &tables, noise)?)
            }
            Self::Algorithm { module, declaration, .. } => {
                serde_json::to_vec(&sandbox::run(module, tables, declaration, noise)?)
            }
        };
        Ok(bytes.expect("what is released is JSON"))
    }

    /// What was recorded, as it is shown to who asked.
    ///
    /// # Errors
    /// Where what was recorded is no release of this.
    pub fn reply(&self, recorded: &[u8]) -> serde_json::Result<Reply> {
        Ok(match self {
            Self::Sql(plan) => {
                Reply::Table(serde_json::from_slice::<Release>(recorded)?.answer(plan))
            }
            Self::Algorithm { .. } => Reply::Vector(serde_json::from_slice(recorded)?),
        })
    }
}

/// What a vault answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reply {
    /// To SQL.
    Table(Answer),
    /// To an algorithm.
    Vector(AlgorithmAnswer),
}

impl Reply {
    /// What was spent, in thousandths of epsilon.
    pub fn epsilon(&self) -> Epsilon {
        match self {
            Self::Table(answer) => answer.epsilon,
            Self::Vector(answer) => answer.epsilon,
        }
    }

    /// For a terminal.
    pub fn to_text(&self) -> String {
        let answer = match self {
            Self::Table(answer) => return answer.to_text_table(),
            Self::Vector(answer) => answer,
        };
        let mut text = String::new();
        for (place, number) in answer.values.iter().enumerate() {
            let _ = writeln!(text, "{place:>6}  {number} \u{b1} {:.4}", answer.half_width);
        }
        if !answer.parameters.is_empty() {
            let numbers: Vec<String> = answer.parameters.iter().map(f64::to_string).collect();
            let _ = writeln!(text, "parameters: {}", numbers.join(", "));
        }
        answer.stopped.iter().for_each(|why| {
            let _ = writeln!(text, "{why}");
        });
        let _ = writeln!(text, "epsilon {}, intervals hold with 95 % probability", answer.epsilon);
        text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_was_asked_comes_back_from_its_document_as_the_same_kind() {
        let sql =
            Asked::Sql(Question::new("SELECT COUNT(*) FROM patient", Epsilon::from_milli(500)));
        let algorithm = Asked::Algorithm(Algorithm {
            module: b"(module)".to_vec(),
            tables: vec![Selection::read("patient:sex,year")],
            length: 2,
            values: Values::F64,
            norm: Norm::L1,
            clip: 1.5,
            parameters: vec![0.25],
            rounds: 1,
            fuel: None,
            epsilon: Epsilon::from_milli(500),
            delta: Delta::ZERO,
        });
        for asked in [sql, algorithm] {
            let document = serde_json::to_vec(&asked).unwrap();
            assert_eq!(serde_json::from_slice::<Asked>(&document).unwrap(), asked);
            assert_eq!(asked.epsilon().milli(), 500);
        }
    }
}
