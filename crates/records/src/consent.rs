//! FHIR Consent: whose document it is, and which records are of one person. What it says is for others to read, from its own text.

use crate::json::{Json, Object};
use crate::view::{FullUrls, reference_key};

/// A FHIR R4 Consent of one patient.
#[derive(Clone, PartialEq, Eq)]
pub struct ConsentRecord {
    /// The patient's key, as in the column `patient` of the tables.
    pub patient: String,
    /// Whether that is a patient of this source, and not one of another server with the same key, who may be somebody
    /// else. Such a document can refuse and cannot permit.
    pub ours: bool,
    /// When it was given, as FHIR writes dates, if it says so.
    pub given: Option<String>,
    /// The resource, as JSON, byte for byte.
    pub text: Box<str>,
}

/// Reads whose Consent it is; `None` where it names no patient. `text` is the resource as it stands in the source.
pub(crate) fn read(
    consent: &Object<'_>,
    full_urls: Option<&FullUrls>,
    text: &str,
) -> Option<ConsentRecord> {
    let reference = consent.get("patient").and_then(|patient| patient.as_object())?;
    let patient = reference_key(reference, full_urls, Some("Patient"))?.to_owned();
    Some(ConsentRecord {
        patient,
        ours: is_ours(reference, full_urls),
        given: consent.text("dateTime").map(str::to_owned),
        text: text.into(),
    })
}

/// The keys of the other records of this source about the same actual patient (FHIR R4, Patient.link), whichever of them is the
/// one to be used.
pub(crate) fn links<'a>(
    patient: &'a Object<'a>,
    full_urls: Option<&'a FullUrls>,
) -> impl Iterator<Item = &'a str> {
    let links = patient.get("link").map(Json::each).unwrap_or_default().iter();
    let others = links.filter_map(|link| link.as_object()?.get("other")?.as_object());
    others
        .filter(move |other| is_ours(other, full_urls))
        .filter_map(move |other| reference_key(other, full_urls, Some("Patient")))
}

/// Whether a reference names a patient of this source: by its type and id, with a version or without (FHIR R4, 2.3.0.1), or by
/// a URL that its bundle resolves. The last segment of any other URL names a patient of the server in it, who may be somebody
/// else here.
fn is_ours(reference: &Object<'_>, full_urls: Option<&FullUrls>) -> bool {
    let Some(url) = reference.text("reference") else { return false };
    let of_patient = reference.text("type").is_none_or(|of| of == "Patient");
    let id = url.strip_prefix("Patient/").map(|rest| match rest.split_once("/_history/") {
        Some((id, _version)) => id,
        None => rest,
    });
    let is_id =
        |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    of_patient && (id.is_some_and(is_id) || full_urls.is_some_and(|urls| urls.contains_key(url)))
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

    #[test]
    fn links_name_the_other_records_of_this_source_about_the_same_patient() {
        let text = r#"{"id":"a","link":[
            {"other":{"reference":"Patient/b"},"type":"replaced-by"},
            {"other":{"reference":"RelatedPerson/r"},"type":"seealso"},
            {"other":{"reference":"https://there.example/Patient/c"},"type":"seealso"},
            {"type":"refer"}, 7]}"#;
        let arena = bumpalo::Bump::new();
        let Ok(json) = parse(text, &Keep::all(), &arena) else { panic!("not JSON: {text}") };
        let found: Vec<&str> = links(json.as_object().unwrap(), None).collect();
        assert_eq!(found, ["b"]);
    }

    #[test]
    fn a_patient_of_another_server_is_told_from_one_of_this_source() {
        let of = |url: &str, full_urls: Option<&FullUrls>| {
            let text = format!(r#"{{"dateTime":"2025-01","patient":{{"reference":"{url}"}}}}"#);
            let arena = bumpalo::Bump::new();
            let Ok(json) = parse(&text, &Keep::all(), &arena) else { panic!("not JSON: {text}") };
            let read = read(json.as_object().unwrap(), full_urls, &text).unwrap();
            assert_eq!((read.given.as_deref(), &*read.text), (Some("2025-01"), text.as_str()));
            assert_eq!(format!("{read:?}"), "ConsentRecord { .. }");
            (read.patient.clone(), read.ours)
        };
        let here = "https://here.example/fhir/Patient/p";
        let bundle = FullUrls::from([(here.to_owned(), ("Patient".to_owned(), "p".to_owned()))]);
        assert_eq!(of("Patient/p", None), ("p".to_owned(), true));
        assert_eq!(of(here, Some(&bundle)), ("p".to_owned(), true));
        assert_eq!(of(here, None), ("p".to_owned(), false));
        assert_eq!(of("Patient/p/_history/2", None), ("p".to_owned(), true));
        for there in [
            "https://there.example/fhir/Patient/p",
            "//there.example/fhir/Patient/p",
            "there/Patient/p",
            "../Patient/p",
            "ftp:there/Patient/p",
        ] {
            assert_eq!(of(there, Some(&bundle)), ("p".to_owned(), false), "{there}");
        }
        let group = r#"{"patient":{"reference":"Patient/p","type":"Group"}}"#;
        let arena = bumpalo::Bump::new();
        let Ok(json) = parse(group, &Keep::all(), &arena) else { panic!("not JSON") };
        assert!(read(json.as_object().unwrap(), None, group).is_none_or(|read| !read.ours));
    }
}
