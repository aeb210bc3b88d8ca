//! FHIR Consent: who said yes or no to the use of their records, as far as a custodian's receipts need it.

use crate::json::Object;
use crate::view::{FullUrls, reference_key};

/// What one FHIR R4 Consent says about one patient.
///
/// Only what is plainly a permission counts as one: the consent is active, its provision permits (or its policy rule is
/// an opt-in), and no provision below takes part of it back, because such exceptions are not carried further.
#[derive(Clone, PartialEq, Eq)]
pub struct ConsentRecord {
    /// The patient's key, as in the column `patient` of the tables.
    pub patient: String,
    /// Whether it is a permission; otherwise it is a refusal.
    pub permit: bool,
    /// Codes of the purposes it is for; none means that it names none.
    pub purposes: Vec<String>,
    /// When it ends, as FHIR writes dates, if it says so.
    pub expires: Option<String>,
    /// When it was given, as FHIR writes dates, if it says so. Of several consents of a patient the latest counts.
    pub given: Option<String>,
}

/// Names that [`read`] looks up.
pub(crate) const NAMES: [&str; 13] = [
    "patient",
    "reference",
    "type",
    "status",
    "provision",
    "period",
    "end",
    "purpose",
    "code",
    "coding",
    "policyRule",
    "dateTime",
    "id",
];

/// Reads a Consent; `None` where it names no patient.
pub(crate) fn read(consent: &Object<'_>, full_urls: Option<&FullUrls>) -> Option<ConsentRecord> {
    let patient = consent.get("patient").and_then(|patient| patient.as_object())?;
    let patient = reference_key(patient, full_urls, Some("Patient"))?.to_owned();
    let provision = consent.get("provision").and_then(|provision| provision.as_object());
    let kind = provision.and_then(|provision| provision.text("type"));
    let exceptions = provision.is_some_and(|provision| provision.get("provision").is_some());
    let permits = match kind {
        Some(kind) => kind == "permit",
        None => opts_in(consent),
    };
    let purposes = provision.and_then(|provision| provision.get("purpose"));
    let purposes = purposes.map_or(&[][..], |purposes| purposes.each()).iter();
    let purposes =
        purposes.filter_map(|coding| coding.as_object()?.text("code").map(str::to_owned));
    let period = provision.and_then(|provision| provision.get("period")?.as_object());
    Some(ConsentRecord {
        patient,
        permit: consent.text("status") == Some("active") && permits && !exceptions,
        purposes: purposes.collect(),
        expires: period.and_then(|period| period.text("end")).map(str::to_owned),
        given: consent.text("dateTime").map(str::to_owned),
    })
}

/// Whether the policy rule is an opt-in (HL7 v3 ActCode OPTIN, OPTINR).
fn opts_in(consent: &Object<'_>) -> bool {
    let rule = consent.get("policyRule").and_then(|rule| rule.as_object()?.get("coding"));
    let mut codings = rule.map_or(&[][..], |codings| codings.each()).iter();
    codings.any(|coding| {
        let code = coding.as_object().and_then(|coding| coding.text("code"));
        matches!(code, Some("OPTIN" | "OPTINR"))
    })
}

impl std::fmt::Debug for ConsentRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsentRecord").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::json::{Keep, parse};

    fn consent(rest: &str) -> ConsentRecord {
        let text =
            format!(r#"{{"resourceType":"Consent","patient":{{"reference":"Patient/p"}},{rest}}}"#);
        let Ok(json) = parse(&text, &Keep::only(NAMES)) else { panic!("not JSON: {text}") };
        read(json.as_object().unwrap(), None).unwrap()
    }

    #[test]
    fn only_a_plain_active_permission_permits() {
        for (rest, permit) in [
            (r#""status":"active","provision":{"type":"permit"}"#, true),
            (r#""status":"active","policyRule":{"coding":[{"code":"OPTIN"}]}"#, true),
            (r#""status":"active","policyRule":{"coding":[{"code":"OPTOUT"}]}"#, false),
            (r#""status":"active","provision":{"type":"deny"}"#, false),
            (r#""status":"active""#, false),
            (r#""status":"inactive","provision":{"type":"permit"}"#, false),
            (r#""provision":{"type":"permit"}"#, false),
            (
                r#""status":"active","provision":{"type":"permit","provision":[{"type":"deny"}]}"#,
                false,
            ),
        ] {
            assert_eq!(consent(rest).permit, permit, "{rest}");
        }
    }

    #[test]
    fn purposes_and_times_come_with_it() {
        let read = consent(
            r#""status":"active","dateTime":"2025-01-02","provision":{"type":"permit",
                "period":{"end":"2030-01-01"},"purpose":[{"code":"HRESCH"},{"code":"PUBHLTH"}]}"#,
        );
        assert_eq!(read.purposes, ["HRESCH", "PUBHLTH"]);
        assert_eq!(read.expires.as_deref(), Some("2030-01-01"));
        assert_eq!(read.given.as_deref(), Some("2025-01-02"));
        assert_eq!(format!("{read:?}"), "ConsentRecord { .. }");
    }
}
