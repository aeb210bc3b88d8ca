//! References within a bundle, which name resources by the URLs of its entries (FHIR R4, Bundle, section 3.1.1.3).

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

/// The type and id of a bundle's resources by the full URLs of their entries.
type FullUrls<'a> = HashMap<&'a str, (&'a str, &'a str)>;

/// The resources that a JSON document holds: those of a bundle's entries, or the one that it is.
///
/// References by a full URL of the bundle become `Type/id`, and a resource without an id gets the last part of its full
/// URL, so that whoever is meant is the same person in every resource. What no entry has stays as it is.
pub fn resources(document: &Value) -> Vec<Cow<'_, Value>> {
    let entries = document["entry"].as_array().filter(|_| document["resourceType"] == "Bundle");
    let Some(entries) = entries else { return vec![Cow::Borrowed(document)] };
    let urls = full_urls(entries);
    let resolved = entries.iter().map(|entry| {
        let resource = &entry["resource"];
        let own = entry["fullUrl"].as_str().and_then(|url| urls.get(url));
        let nameless = own.filter(|_| !resource["id"].is_string());
        if nameless.is_none() && !refers(resource, &urls) {
            return Cow::Borrowed(resource);
        }
        let mut resource = resource.clone();
        resolve(&mut resource, &urls);
        if let Some((_, id)) = nameless {
            resource["id"] = Value::from(*id);
        }
        Cow::Owned(resource)
    });
    resolved.collect()
}

fn full_urls(entries: &[Value]) -> FullUrls<'_> {
    let of = |entry| {
        let entry: &Value = entry;
        let url = entry["fullUrl"].as_str()?;
        let kind = entry["resource"]["resourceType"].as_str()?;
        let last = || url.rsplit(['/', ':']).next().filter(|id| !id.is_empty());
        let id = entry["resource"]["id"].as_str().or_else(last)?;
        Some((url, (kind, id)))
    };
    entries.iter().filter_map(of).collect()
}

/// Whether a resource refers to another one by its full URL.
fn refers(value: &Value, urls: &FullUrls<'_>) -> bool {
    match value {
        Value::Array(all) => all.iter().any(|value| refers(value, urls)),
        Value::Object(object) => object.iter().any(|(key, value)| match value {
            Value::String(text) => key == "reference" && urls.contains_key(text.as_str()),
            value => refers(value, urls),
        }),
        _ => false,
    }
}

fn resolve(value: &mut Value, urls: &FullUrls<'_>) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|value| resolve(value, urls)),
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                let known = match value {
                    Value::String(text) if key == "reference" => urls.get(text.as_str()),
                    _ => None,
                };
                match known {
                    Some((kind, id)) => *value = Value::from(format!("{kind}/{id}")),
                    None => resolve(value, urls),
                }
            }
        }
        _ => {}
    }
}
