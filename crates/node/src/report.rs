//! What a long operation tells the person who waits for it.

use std::sync::Arc;

/// Something worth telling while an operation runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A step of the story begins.
    Step {
        /// Its number, counted from 1.
        number: usize,
        /// How many steps there are.
        of: usize,
        /// What it is about, in a few words.
        title: String,
    },
    /// A sentence about what has happened.
    Fact(String),
    /// How far a piece of work has come.
    Progress {
        /// What is being done, in a few words.
        what: String,
        /// Units done.
        done: u64,
        /// Units in all, where that is known.
        of: Option<u64>,
    },
}

/// Passes news on to whoever shows it.
#[derive(Clone)]
pub struct Reporter(Arc<dyn Fn(News) + Send + Sync>);

impl Reporter {
    /// A reporter that hands every piece of news to `show`.
    pub fn new(show: impl Fn(News) + Send + Sync + 'static) -> Reporter {
        Reporter(Arc::new(show))
    }

    /// A reporter that tells nobody.
    pub fn silent() -> Reporter {
        Reporter::new(|_| {})
    }

    /// Announces a step.
    pub fn step(&self, number: usize, of: usize, title: &str) {
        (self.0)(News::Step { number, of, title: title.to_owned() });
    }

    /// Tells a fact.
    pub fn fact(&self, sentence: impl Into<String>) {
        (self.0)(News::Fact(sentence.into()));
    }

    /// Tells how far `what` has come.
    pub fn progress(&self, what: &str, done: u64, of: Option<u64>) {
        (self.0)(News::Progress { what: what.to_owned(), done, of });
    }
}
