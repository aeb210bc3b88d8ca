//! May this party use this data, for this purpose, there? One decision, with its reasons.
//!
//! Two questions have to be answered yes: the law's, by the table in `rules/` ([`decide`]), and the patient's, by the
//! grants in force ([`consent::permits`]). The contracts `JurisdictionRules` and `ConsentRegistry` answer the same
//! questions the same way; a vault asks here before it lets a question in, and the ledger asks there before money moves.

pub mod codes;
pub mod consent;
mod load;
mod table;

use std::sync::LazyLock;

pub use codes::{
    Country, DataClass, Identifiability, Place, Purpose, Region, Safeguards, UnknownCode, Verdict,
};
pub use load::{RuleError, RuleProblem};
pub use table::{
    ChainRow, ChainTable, Decision, Law, NO_RULE, Provision, Reason, ReasonKind, Refusal, Request,
    Rule, RuleKey, RuleTable, Shortfall, decide, decide_as,
};

/// The rule files of this release, by name, in the order in which they are read.
pub const RULE_FILES: &[(&str, &str)] = &[
    ("countries.toml", include_str!("../../../rules/countries.toml")),
    ("levels.toml", include_str!("../../../rules/levels.toml")),
    ("eu.toml", include_str!("../../../rules/eu.toml")),
    ("uk.toml", include_str!("../../../rules/uk.toml")),
    ("ch.toml", include_str!("../../../rules/ch.toml")),
    ("us.toml", include_str!("../../../rules/us.toml")),
    ("us-california.toml", include_str!("../../../rules/us-california.toml")),
    ("jp.toml", include_str!("../../../rules/jp.toml")),
    ("br.toml", include_str!("../../../rules/br.toml")),
    ("in.toml", include_str!("../../../rules/in.toml")),
    ("ca.toml", include_str!("../../../rules/ca.toml")),
    ("cn.toml", include_str!("../../../rules/cn.toml")),
    ("ke.toml", include_str!("../../../rules/ke.toml")),
];

/// The table of [`RULE_FILES`].
#[must_use]
pub fn default_rules() -> &'static RuleTable {
    static TABLE: LazyLock<RuleTable> =
        LazyLock::new(|| RuleTable::load(RULE_FILES).expect("a test reads the files of a release"));
    &TABLE
}
