//! Choices of types: elements such as `value[x]`, which JSON names after the type that was chosen, `valueQuantity`.
//!
//! FHIR has other elements whose names begin alike, `conclusion` and `conclusionCode`, and only its definitions tell the
//! ones from the others. From those of R4 (4.0.1) and R5 (5.0.0).

use super::types::CHOICE_TYPES;

/// The elements that are choices of types.
const CHOICES: &str = "abatement actor additive address age allowed amount answer artifact asNeeded author born bounds \
    characteristic chargeItem citeAs code collected concentration content cost coverage created date \
    deceased defaultValue definingSubstance definition detail diagnosis dose doseNumber due duration \
    effective endpoint entity event example fastingStatus fixed generatedBy identified indication \
    instance instances instantiates instruction item legallyBinding link location manufacturer maxValue \
    measureScore medication minValue minimumVolume module multipleBirth name network occurence occurred \
    occurrence offset onset participantEffective pattern performed period presentation probability \
    procedure product quantity rate reported scheduled sequence seriesDoses serviced source sourceScope \
    start statusReason strength structureProfile studyEffective subject substance substanceDefinition \
    target targetItem targetScope time timing topic used value versionAlgorithm when";

/// The elements that are none although another one is named like them with a type behind it.
const PLAIN: &str = "action actual additional attestation authorization batch benefit cTerminalModification conclusion \
    containedItem data denominator derivedFrom device end entry focus form goal group grouping halfLife \
    language lastOccurrence max nTerminalModification node notAvailable numerator occurrenceDate \
    organism organization outcome page payment preAuthRef program reason received recorded reference \
    referenceSeq regulatory related request resource response service specimen status subscriber \
    temperature type use validity verification version";

/// The same of choices that are none in this place: where, the name.
const PLAIN_IN: [(&str, &str); 3] =
    [("NutritionOrder", "instantiates"), ("subunit", "sequence"), ("referencedFrom", "source")];

/// Types that a choice is never of, because an element of that name is another one (`linkId` is no `link[x]`).
const NEVER: [(&str, &[&str]); 17] = [
    ("actor", &["id"]),
    ("chargeItem", &["code"]),
    ("date", &["Range", "time"]),
    ("definition", &["id"]),
    ("effective", &["date", "time"]),
    ("instantiates", &["uri"]),
    ("link", &["id"]),
    ("location", &["code"]),
    ("occurrence", &["Count", "date"]),
    ("presentation", &["date"]),
    ("procedure", &["code"]),
    ("product", &["code"]),
    ("reported", &["dateTime"]),
    ("sequence", &["Attachment", "Range"]),
    ("source", &["Signature", "id"]),
    ("target", &["id"]),
    ("used", &["Reference", "code"]),
];

fn among(names: &str, name: &str) -> bool {
    names.split(' ').any(|known| known == name)
}

fn never(name: &str) -> &'static [&'static str] {
    NEVER.iter().find(|(choice, _)| *choice == name).map_or(&[], |(_, types)| types)
}

/// Whether the element `name` within `parent` (an element's name, a resource type or a data type) may be a choice of
/// types: if so, the types that it is never of. Of names that no release here knows it is taken to be possible.
pub(crate) fn choice(parent: Option<&str>, name: &str) -> Option<&'static [&'static str]> {
    let may_be = match (parent, name) {
        _ if !name.starts_with(|first: char| first.is_ascii_lowercase()) => false,
        (Some("Extension" | "extension" | "modifierExtension"), _) => name == "value",
        (Some(parent), _) if PLAIN_IN.contains(&(parent, name)) => false,
        _ => among(CHOICES, name) || !(among(PLAIN, name) || type_at_end(name).is_some()),
    };
    may_be.then(|| never(name))
}

/// The type that the name of an element ends with, `Period` of `effectivePeriod`.
pub(crate) fn type_at_end(name: &str) -> Option<&'static str> {
    let fits = |of: &&str| {
        let rest = name.len().checked_sub(of.len()).filter(|rest| *rest > 0);
        rest.and_then(|rest| name.get(rest..)).is_some_and(|end| is_written(of, end))
    };
    CHOICE_TYPES.into_iter().filter(fits).max_by_key(|of| of.len())
}

/// The type that was chosen, where the name is that of a choice of types in its JSON form: of names that no release here
/// knows, where it can hardly be anything else.
pub(crate) fn choice_in(name: &str) -> Option<&'static str> {
    let of = type_at_end(name)?;
    let element = &name[..name.len() - of.len()];
    let alone = matches!(of, "boolean" | "integer" | "decimal" | "dateTime" | "instant");
    match among(CHOICES, element) {
        true => (!never(element).contains(&of)).then_some(of),
        false => alone.then_some(of),
    }
}

/// Whether this is the name of a type as it stands behind that of an element, `DateTime` of dateTime.
#[inline]
pub(crate) fn is_written(of: &str, end: &str) -> bool {
    of.len() == end.len()
        && end.as_bytes()[0].is_ascii_uppercase()
        && of[1..] == end[1..]
        && of.as_bytes()[0].eq_ignore_ascii_case(&end.as_bytes()[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_no_choice_of_types_because_another_begins_alike() {
        for (parent, name, may_be) in [
            ("Observation", "value", true),
            ("Patient", "deceased", true),
            ("Extension", "value", true),
            ("Extension", "url", false),
            ("Extension", "valueDate", false),
            ("Observation", "valueQuantity", false),
            ("Observation", "effectiveDate", false),
            ("DiagnosticReport", "conclusion", false),
            ("ExplanationOfBenefit", "preAuthRef", false),
            ("Coverage", "subscriber", false),
            ("NutritionOrder", "instantiates", false),
            ("Observation", "instantiates", true),
            ("Patient", "_birthDate", false),
            // Of a release that is not known here.
            ("Patient", "unheard", true),
        ] {
            assert_eq!(choice(Some(parent), name).is_some(), may_be, "{parent}.{name}");
        }
        for name in CHOICES.split(' ') {
            assert!(choice(None, name).is_some(), "{name}");
            assert!(!among(PLAIN, name), "{name}");
        }
    }

    #[test]
    fn the_type_that_was_chosen_stands_at_the_end_of_the_name() {
        for (name, of) in [
            ("valueDateTime", Some("dateTime")),
            ("valuePositiveInt", Some("positiveInt")),
            ("onsetAge", Some("Age")),
            ("unheardBoolean", Some("boolean")),
            ("linkId", None),
            ("dateTime", None),
            ("birthDate", None),
            ("value", None),
            ("Boolean", None),
        ] {
            assert_eq!(choice_in(name), of, "{name}");
        }
    }
}
