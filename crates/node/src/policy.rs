//! What the rules say, for people who ask before they act.

use alloy::primitives::{Address, FixedBytes};
use alloy::providers::DynProvider;
use caduceus_contracts::JurisdictionRules;
use caduceus_policy::{
    Country, DataClass, Decision, Identifiability, NO_RULE, Purpose, ReasonKind, Request,
    RuleTable, Safeguards, Verdict, decide, decide_as, default_rules,
};
use serde::Serialize;

use crate::error::{NodeError, Result};
use crate::node::Node;

/// What the rules say about one use by somebody who holds certain safeguards.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// "allow"; "allow-with" where a safeguard is needed that the asker does not hold; "deny".
    pub verdict: &'static str,
    /// The verdict of the rule itself, whoever asks.
    pub rule: &'static str,
    /// Where the rule asks for safeguards: any one of these suffices.
    pub safeguards: Safeguards,
    /// What the asker holds.
    pub held: Safeguards,
    /// The law that decides, with its article.
    pub law: String,
    /// How far the records have been taken away from the persons.
    pub identifiability: Identifiability,
    /// Every rule that matched, the one that decides first, then every provision that bears on the use.
    pub reasons: Vec<Reason>,
    /// The dataset must be at least this k-anonymous; zero where the use is denied.
    pub minimum_k: u16,
    /// The most epsilon that one question may cost; zero where the use is denied.
    pub maximum_epsilon: f64,
    /// The records must stay in their territory; questions come to them.
    pub localized: bool,
}

/// A rule that matched, or a provision that bears on the use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// Rule, provision that makes a safeguard one, or duty.
    pub kind: ReasonKind,
    /// "allow", "allow-with" or "deny".
    pub verdict: &'static str,
    /// The safeguard that a provision makes one; empty for others.
    pub safeguard: Safeguards,
    /// The law that it stands on.
    pub law: String,
    /// Where in that law.
    pub article: String,
    /// What a lawyer should know about it; may be empty.
    pub note: String,
    /// File and line in which it stands.
    pub source: String,
}

/// Decides one use by a party that holds `held`, by the rules of this program, and gives all reasons.
pub fn explain(request: &Request, as_they_are: Identifiability, held: Safeguards) -> Explanation {
    let decision = decide_as(default_rules(), request, as_they_are);
    explained(&decision, request, as_they_are, held)
}

/// The same by the table of the home's ledger, which knows protected records alone.
///
/// # Errors
/// [`NodeError::Usage`] for records that are not as they are published.
pub async fn explain_by_ledger(
    node: &Node,
    request: &Request,
    as_they_are: Identifiability,
    held: Safeguards,
) -> Result<Explanation> {
    if as_they_are != Identifiability::Protected {
        let what = "a ledger's table speaks of protected records alone; leave --dir or --identifiability out";
        return Err(NodeError::Usage(what.into()));
    }
    let decision =
        by_ledger(&node.provider, node.at.jurisdiction_rules, node.rules, request).await?;
    Ok(explained(&decision, request, as_they_are, held))
}

/// What the ledger's table decides, with the reasons of this program's own rules where these decide the same, and as what
/// a vote overrode where they do not.
pub(crate) async fn by_ledger(
    provider: &DynProvider,
    table: Address,
    rules: &RuleTable,
    request: &Request,
) -> Result<Decision> {
    let code = |country: Country| FixedBytes(country.to_bytes());
    let (from, to) = (code(request.from), code(request.to));
    let (class, purpose) = (request.class.number(), request.purpose.number());
    let asked = JurisdictionRules::new(table, provider);
    let told = asked.decide(class, from, to, purpose).call().await?;
    let own = decide(rules, request);
    let unknown =
        |what: &str| NodeError::Chain(format!("the ledger's table has an unknown {what}"));
    let voted = Decision {
        verdict: Verdict::from_number(told.verdict).ok_or_else(|| unknown("verdict"))?,
        safeguards: Safeguards::from_bits(told.safeguards).ok_or_else(|| unknown("safeguard"))?,
        minimum_k: told.minimumK,
        maximum_epsilon_milli: told.maximumEpsilonMilli,
        localized: told.localized,
        law: told.law,
        reasons: Vec::new(),
    };
    let silent = voted.law == NO_RULE && own.verdict == Verdict::Deny;
    if silent || (Decision { reasons: Vec::new(), ..own.clone() }) == voted {
        return Ok(own);
    }
    let mut reasons = own.reasons;
    let rows = reasons.iter_mut().filter(|reason| reason.kind == ReasonKind::Rule);
    rows.for_each(|reason| reason.kind = ReasonKind::Overridden);
    let row = caduceus_policy::Reason {
        kind: ReasonKind::Rule,
        verdict: voted.verdict,
        safeguard: Safeguards::NONE,
        law: voted.law.clone(),
        article: "as named on the ledger".to_owned(),
        note: "The ledger's table was changed by vote. A vault answers where this and its own rules permit it.".to_owned(),
        source: "the ledger".to_owned(),
    };
    reasons.insert(0, row);
    Ok(Decision { reasons, ..voted })
}

fn explained(
    decision: &Decision,
    request: &Request,
    as_they_are: Identifiability,
    held: Safeguards,
) -> Explanation {
    let met = decision.verdict == Verdict::AllowWith && decision.safeguards.meets(held);
    Explanation {
        verdict: word(if met { Verdict::Allow } else { decision.verdict }),
        rule: word(decision.verdict),
        safeguards: decision.safeguards,
        held,
        minimum_k: decision.minimum_k,
        maximum_epsilon: f64::from(decision.maximum_epsilon_milli) / 1_000.0,
        localized: decision.localized,
        identifiability: as_they_are,
        reasons: reasons(decision, request),
        law: decision.law.clone(),
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allow",
        Verdict::AllowWith => "allow-with",
        Verdict::Deny => "deny",
    }
}

/// The decision's reasons, each once; where no rule matched, that this is why.
fn reasons(decision: &Decision, request: &Request) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    for matched in &decision.reasons {
        // One rule of a file can stand for several rows that match, such as for its class and for every class.
        if reasons.iter().all(|reason| reason.source != matched.source) {
            reasons.push(Reason {
                kind: matched.kind,
                verdict: word(matched.verdict),
                safeguard: matched.safeguard,
                law: matched.law.clone(),
                article: matched.article.clone(),
                note: matched.note.clone(),
                source: matched.source.clone(),
            });
        }
    }
    if decision.reasons.iter().all(|reason| reason.kind != ReasonKind::Rule) {
        let note = format!(
            "No rule speaks of {} data of {} used from {}, and what no rule allows is denied.",
            request.class, request.from, request.to
        );
        let (law, article) = (decision.law.clone(), "none applies".to_owned());
        let missing = Reason {
            kind: ReasonKind::Rule,
            verdict: "deny",
            safeguard: Safeguards::NONE,
            law,
            article,
            note,
            source: "README.md".into(),
        };
        reasons.insert(0, missing);
    }
    reasons
}

impl Explanation {
    /// As sentences.
    pub fn in_words(&self) -> String {
        let needed: Vec<&str> = self.safeguards.names().collect();
        let mut lines = vec![match (self.verdict, self.rule) {
            ("allow", "allow-with") => {
                format!("allowed by {} with {}, which you hold", self.law, self.held)
            }
            ("allow", _) => format!("allowed by {}", self.law),
            ("allow-with", _) => {
                format!("allowed by {} with one of: {}", self.law, needed.join(", "))
            }
            _ if self.law != NO_RULE => format!("denied by {}", self.law),
            _ => "denied, because no rule allows it".to_owned(),
        }];
        if self.verdict == "allow-with" && !self.held.is_empty() {
            lines.push(format!("{} does not suffice", self.held));
        }
        if self.verdict != "deny" {
            lines.push(format!(
                "every patient must be hidden among at least {}; a question may cost at most epsilon {}",
                self.minimum_k, self.maximum_epsilon
            ));
        }
        if self.localized {
            lines.push(
                "the records may not leave their territory; questions come to them".to_owned(),
            );
        }
        lines.extend(self.reasons.iter().map(|reason| {
            let (law, article) = (&reason.law, &reason.article);
            let (place, verdict) = (&reason.source, reason.verdict);
            let text = match reason.kind {
                ReasonKind::Rule => format!("because: {law} {article}: {verdict} ({place})"),
                // Its note speaks of uses that it decides, which this one is not.
                ReasonKind::Overridden => {
                    return format!("overridden: {law} {article}: {verdict} ({place})");
                }
                ReasonKind::Safeguard => {
                    format!("{} is a safeguard by {law} {article} ({place})", reason.safeguard)
                }
                ReasonKind::Duty => format!("mind: {law} {article} ({place})"),
            };
            match reason.note.is_empty() {
                true => text,
                false => format!("{text}. {}", reason.note),
            }
        }));
        lines.join("\n")
    }
}

/// A country by its code, if it is one (ISO 3166-1 alpha-2).
pub fn country(code: &str) -> Result<Country> {
    let known = code.parse().ok().filter(|_| rust_iso3166::from_alpha2(code).is_some());
    known.ok_or_else(|| {
        NodeError::Usage(format!(
            "`{code}` is no country: write its two capital letters of ISO 3166-1, such as AU, BR, CA, CH, CN, DE, FR, GB, IN, JP, KE, US or ZA"
        ))
    })
}

/// One use, from the words that people write.
pub fn request(from: &str, to: &str, class: &str, purpose: &str) -> Result<Request> {
    let usage = |error: caduceus_policy::UnknownCode| NodeError::Usage(error.to_string());
    Ok(Request {
        class: class.parse::<DataClass>().map_err(usage)?,
        from: country(from)?,
        to: country(to)?,
        purpose: purpose.parse::<Purpose>().map_err(usage)?,
    })
}

/// How identifiable records are, by its name.
pub fn identifiability(name: &str) -> Result<Identifiability> {
    name.parse().map_err(|error: caduceus_policy::UnknownCode| NodeError::Usage(error.to_string()))
}

/// Safeguards by their names, in capitals or not, with hyphens or underscores.
pub fn safeguards(names: &[String]) -> Result<Safeguards> {
    names.iter().try_fold(Safeguards::NONE, |all, name| {
        let one = name
            .to_uppercase()
            .replace('-', "_")
            .parse::<Safeguards>()
            .map_err(|error| NodeError::Usage(error.to_string()))?;
        Ok(all.with(one))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn explained(from: &str, to: &str, held: Safeguards) -> Explanation {
        let asked = request(from, to, "genomic", "GRU").unwrap();
        explain(&asked, Identifiability::Protected, held)
    }

    #[test]
    fn a_safeguard_that_suffices_turns_the_answer_and_another_does_not() {
        let without = explained("DE", "US", Safeguards::NONE);
        assert_eq!((without.verdict, without.minimum_k), ("allow-with", 10));
        assert_eq!(explained("DE", "US", Safeguards::SCC).verdict, "allow");
        assert_eq!(explained("DE", "US", Safeguards::EHDS_PERMIT).verdict, "allow-with");
        assert_eq!(explained("US", "CN", Safeguards::SCC).verdict, "deny");
        assert!(explained("DE", "CN", Safeguards::NONE).localized);
    }

    #[test]
    fn a_use_that_no_rule_knows_is_denied_and_says_so() {
        let unknown = explained("TZ", "DE", Safeguards::SCC);
        assert_eq!(unknown.verdict, "deny");
        assert!(unknown.in_words().contains("No rule speaks of genomic data of TZ used from DE"));
    }

    #[test]
    fn every_use_from_any_country_has_an_answer_with_its_law() {
        for country in rust_iso3166::ALL {
            for class in DataClass::ALL {
                for purpose in Purpose::ALL {
                    let asked =
                        request("DE", country.alpha2, class.code(), purpose.code()).unwrap();
                    let out = explain(&asked, Identifiability::Protected, Safeguards::NONE);
                    assert!(out.reasons.iter().all(|reason| !reason.article.is_empty()));
                    // Genetic data alone are used from some countries not at all.
                    let concern = ["CN", "HK", "MO", "RU", "IR", "KP", "CU", "VE"];
                    let denied = *class == DataClass::Genomic && concern.contains(&country.alpha2);
                    assert_eq!(out.verdict == "deny", denied, "{asked:?}");
                    assert!(out.law.starts_with("GDPR"), "{asked:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_country_is_refused_by_name() {
        for code in ["ZZ", "-", "", "de", "DEU", "XX", "\u{c4}A"] {
            assert!(country(code).unwrap_err().to_string().contains("ISO 3166-1"), "{code}");
        }
        assert!(country("KE").is_ok());
    }
}
