//! What the rules say, for people who ask before they act.

use caduceus_policy::{
    Country, DataClass, Decision, Purpose, Request, Safeguards, Verdict, decide, default_rules,
};

use crate::error::{NodeError, Result};

/// Decides one use and gives all reasons.
pub fn explain(from: Country, to: Country, class: DataClass, purpose: Purpose) -> Decision {
    decide(default_rules(), &Request { class, from, to, purpose })
}

/// A decision as sentences.
pub fn in_words(decision: &Decision) -> String {
    let mut lines = vec![match decision.verdict {
        Verdict::Allow => format!("allowed by {}", decision.law),
        Verdict::AllowWith => {
            let names: Vec<&str> = decision.safeguards.names().collect();
            format!("allowed by {} with one of: {}", decision.law, names.join(", "))
        }
        Verdict::Deny => format!("denied by {}", decision.law),
    }];
    if decision.verdict != Verdict::Deny {
        lines.push(format!("every patient must be hidden among at least {}", decision.minimum_k));
        if decision.maximum_epsilon_milli > 0 {
            lines.push(format!(
                "a question may cost at most epsilon {}",
                f64::from(decision.maximum_epsilon_milli) / 1_000.0
            ));
        }
        if decision.localized {
            lines.push(
                "the records may not leave their territory; questions come to them".to_owned(),
            );
        }
    }
    let notes = decision.reasons.iter().filter(|reason| !reason.note.is_empty());
    lines.extend(notes.map(|reason| format!("{}: {}", reason.law, reason.note)));
    lines.join("\n")
}

/// Safeguards by their names.
pub fn safeguards(names: &[String]) -> Result<Safeguards> {
    names.iter().try_fold(Safeguards::NONE, |all, name| {
        let one = name
            .to_uppercase()
            .parse::<Safeguards>()
            .map_err(|error| NodeError::Usage(error.to_string()))?;
        Ok(all.with(one))
    })
}
