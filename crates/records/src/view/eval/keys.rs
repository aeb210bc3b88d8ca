//! Which resource a reference names.

use std::collections::HashMap;

use crate::json::Object;
use crate::view::resources::is_known;

/// The keys of a bundle's resources by their full URLs, with their types.
pub(crate) type FullUrls = HashMap<String, (String, String)>;

/// What the type of a reference is relative to (FHIR R4, Reference.type).
const DEFINITIONS: &str = "http://hl7.org/fhir/StructureDefinition/";

/// The key of the resource that a reference names, if it is of the type asked for. `urn:uuid:X` outside of a bundle
/// that knows it names X.
pub(crate) fn reference_key<'a>(
    object: &'a Object<'a>,
    full_urls: Option<&'a FullUrls>,
    of: Option<&str>,
) -> Option<&'a str> {
    let reference = object.text("reference")?;
    let right_type = |known: &str| of.is_none_or(|of| of == known);
    if let Some((kind, key)) = full_urls.and_then(|urls| urls.get(reference)) {
        return right_type(kind).then_some(key);
    }
    if let Some(key) = reference.strip_prefix("urn:uuid:").or(reference.strip_prefix("urn:oid:")) {
        let plain = |of: &'a str| of.strip_prefix(DEFINITIONS).unwrap_or(of);
        return object.text("type").map(plain).is_none_or(right_type).then_some(key);
    }
    let mut parts = reference.rsplit_once('/')?;
    if let Some(plain) = parts.0.strip_suffix("/_history") {
        // What follows is the number of a version.
        parts = plain.rsplit_once('/')?;
    }
    let (rest, key) = parts;
    let kind = rest.rsplit_once('/').map_or(rest, |(_, kind)| kind);
    let valid = !key.is_empty() && !key.contains(['?', '#', '|']);
    let named = match of {
        Some(of) => of == kind,
        None => is_known(kind),
    };
    (valid && named).then_some(key)
}
