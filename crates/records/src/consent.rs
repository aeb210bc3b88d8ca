//! FHIR Consent: who said yes or no to the use of their records, as far as a custodian's receipts need it.

use crate::json::{Json, Object};
use crate::view::{FullUrls, reference_key};

/// What one FHIR R4 Consent says about one patient.
///
/// Only what is plainly a permission counts as one: the consent is active, its scope is research or privacy and not, say,
/// treatment, its provision permits (or its policy rule is an opt-in), no provision below takes part of it back, because
/// such exceptions are not carried further, its period can be read, and its patient is one of this source's and not of
/// another server's. A refusal needs none of that.
#[derive(Clone, PartialEq, Eq)]
pub struct ConsentRecord {
    /// The patient's key, as in the column `patient` of the tables.
    pub patient: String,
    /// Whether it is a permission; otherwise it is a refusal.
    pub permit: bool,
    /// Codes of the purposes it is for; none means that it names none.
    pub purposes: Vec<String>,
    /// When it begins, as FHIR writes dates, if it says so.
    pub begins: Option<String>,
    /// When it ends, as FHIR writes dates, if it says so.
    pub expires: Option<String>,
    /// When it was given, as FHIR writes dates, if it says so. Of several consents of a patient the latest counts.
    pub given: Option<String>,
}

/// Reads a Consent; `None` where it names no patient.
pub(crate) fn read(consent: &Object<'_>, full_urls: Option<&FullUrls>) -> Option<ConsentRecord> {
    let reference = consent.get("patient").and_then(|patient| patient.as_object())?;
    let patient = reference_key(reference, full_urls, Some("Patient"))?.to_owned();
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
    let period = provision.and_then(|provision| provision.get("period"));
    let [begins, expires] = ["start", "end"].map(|name| bound(period, name));
    let readable = begins.is_ok() && expires.is_ok();
    let plain = in_scope(consent) && is_ours(reference, full_urls) && readable && !exceptions;
    Some(ConsentRecord {
        patient,
        permit: consent.text("status") == Some("active") && permits && plain,
        purposes: purposes.collect(),
        begins: begins.unwrap_or_default(),
        expires: expires.unwrap_or_default(),
        given: consent.text("dateTime").map(str::to_owned),
    })
}

/// A bound of a period, if it has one; an error where it is there and is no text.
fn bound(period: Option<&Json<'_>>, name: &str) -> Result<Option<String>, ()> {
    let Some(period) = period else { return Ok(None) };
    match period.as_object().ok_or(())?.get(name) {
        None => Ok(None),
        Some(bound) => bound.as_str().map(|text| Some(text.to_owned())).ok_or(()),
    }
}

/// Whether the scope covers research (`research` or `patient-privacy` of consentscope). R4 requires a scope; a consent
/// that has none is taken by its provision.
fn in_scope(consent: &Object<'_>) -> bool {
    let Some(scope) = consent.get("scope") else { return true };
    let codings = scope.as_object().and_then(|scope| scope.get("coding"));
    let mut codings = codings.map_or(&[][..], |codings| codings.each()).iter();
    codings.any(|coding| {
        let code = coding.as_object().and_then(|coding| coding.text("code"));
        matches!(code, Some("research" | "patient-privacy"))
    })
}

/// Whether a reference names a patient of this source: by a relative URL, or by one that its bundle resolves. The last
/// segment of an absolute URL names a patient of the server in it, who may be somebody else here.
fn is_ours(reference: &Object<'_>, full_urls: Option<&FullUrls>) -> bool {
    let Some(url) = reference.text("reference") else { return false };
    !url.contains("://") || full_urls.is_some_and(|urls| urls.contains_key(url))
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
        let arena = bumpalo::Bump::new();
        let Ok(json) = parse(&text, &Keep::all(), &arena) else { panic!("not JSON: {text}") };
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
            (&scoped("research"), true),
            (&scoped("patient-privacy"), true),
            (&scoped("treatment"), false),
            (&scoped("adr"), false),
            (r#""status":"active","scope":{"text":"r"},"provision":{"type":"permit"}"#, false),
            (r#""status":"active","provision":{"type":"permit","period":{"end":2030}}"#, false),
            (r#""status":"active","provision":{"type":"permit","period":{"start":{}}}"#, false),
            (r#""status":"active","provision":{"type":"permit","period":"2030"}"#, false),
        ] {
            assert_eq!(consent(rest).permit, permit, "{rest}");
        }
    }

    fn scoped(code: &str) -> String {
        let scope = format!(r#""scope":{{"coding":[{{"code":"{code}"}}]}}"#);
        format!(r#""status":"active",{scope},"provision":{{"type":"permit"}}"#)
    }

    #[test]
    fn a_patient_of_another_server_is_refused_by_a_consent_and_never_permitted() {
        let of = |url: &str, kind: &str, full_urls: Option<&FullUrls>| {
            let text = format!(
                r#"{{"status":"active","patient":{{"reference":"{url}"}},"provision":{{"type":"{kind}"}}}}"#
            );
            let arena = bumpalo::Bump::new();
            let Ok(json) = parse(&text, &Keep::all(), &arena) else { panic!("not JSON: {text}") };
            let read = read(json.as_object().unwrap(), full_urls).unwrap();
            (read.patient.clone(), read.permit)
        };
        let here = "https://here.example/fhir/Patient/p";
        let bundle = FullUrls::from([(here.to_owned(), ("Patient".to_owned(), "p".to_owned()))]);
        assert_eq!(of("Patient/p", "permit", None), ("p".to_owned(), true));
        assert_eq!(of(here, "permit", Some(&bundle)), ("p".to_owned(), true));
        assert_eq!(of(here, "permit", None), ("p".to_owned(), false));
        let there = "https://there.example/fhir/Patient/p";
        assert_eq!(of(there, "permit", Some(&bundle)), ("p".to_owned(), false));
        assert_eq!(of(there, "deny", Some(&bundle)), ("p".to_owned(), false));
    }

    #[test]
    fn purposes_and_times_come_with_it() {
        let read = consent(
            r#""status":"active","dateTime":"2025-01-02","provision":{"type":"permit",
                "period":{"start":"2025-01","end":"2030-01-01"},"purpose":[{"code":"HRESCH"},{"code":"PUBHLTH"}]}"#,
        );
        assert_eq!(read.purposes, ["HRESCH", "PUBHLTH"]);
        assert_eq!(read.begins.as_deref(), Some("2025-01"));
        assert_eq!(read.expires.as_deref(), Some("2030-01-01"));
        assert_eq!(read.given.as_deref(), Some("2025-01-02"));
        assert_eq!(format!("{read:?}"), "ConsentRecord { .. }");
    }
}
