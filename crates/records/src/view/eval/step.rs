//! From an element to the elements in it, and what type an element is of.

use super::Items;
use super::items::{Item, object_of};
use crate::json::Json;
use crate::view::temporal::Kind;

/// The types that an element `value[x]` can have (FHIR R4, 2.24.0.1 open type list, with those of later releases); those that
/// records have most come first, since that is the order of the search.
const CHOICE_TYPES: [&str; 54] = [
    "Quantity",
    "dateTime",
    "CodeableConcept",
    "Period",
    "string",
    "boolean",
    "integer",
    "decimal",
    "Reference",
    "Coding",
    "Range",
    "code",
    "instant",
    "date",
    "base64Binary",
    "canonical",
    "id",
    "integer64",
    "markdown",
    "oid",
    "positiveInt",
    "time",
    "unsignedInt",
    "uri",
    "url",
    "uuid",
    "Address",
    "Age",
    "Annotation",
    "Attachment",
    "CodeableReference",
    "ContactDetail",
    "ContactPoint",
    "Contributor",
    "Count",
    "DataRequirement",
    "Distance",
    "Dosage",
    "Duration",
    "Expression",
    "HumanName",
    "Identifier",
    "Meta",
    "Money",
    "MoneyQuantity",
    "ParameterDefinition",
    "Ratio",
    "RatioRange",
    "RelatedArtifact",
    "SampledData",
    "Signature",
    "SimpleQuantity",
    "Timing",
    "TriggerDefinition",
];

/// Appends the elements called `name` of one item: an element of that name, a choice of types (`value` finds
/// `valueQuantity`), or the resource itself where the path begins with its type.
pub(super) fn step<'a>(item: &Item<'a>, name: &str, of: Option<&'static str>, out: &mut Items<'a>) {
    let Some(object) = object_of(item) else { return };
    if let Some(node) = object.get(name) {
        push(node, of, out);
        return;
    }
    if name.starts_with(|first: char| first.is_ascii_uppercase()) {
        if object.text("resourceType") == Some(name) {
            out.push(item.clone());
        }
        return;
    }
    for (key, node) in object.members() {
        let Some(suffix) = key.strip_prefix(name) else { continue };
        let known = CHOICE_TYPES.iter().find(|known| {
            known.len() == suffix.len()
                && known[..1].eq_ignore_ascii_case(&suffix[..1])
                && known[1..] == suffix[1..]
                && suffix.as_bytes()[0].is_ascii_uppercase()
        });
        if let Some(known) = known {
            push(node, Some(known), out);
        }
    }
}

fn push<'a>(node: &'a Json<'a>, of: Option<&'static str>, out: &mut Items<'a>) {
    match node {
        Json::Array(all) => {
            let present = all.iter().filter(|one| !matches!(one, Json::Null));
            present.for_each(|one| out.push(Item::Node(one, of)));
        }
        Json::Null => {}
        one => out.push(Item::Node(one, of)),
    }
}

/// Whether an item is of a type, by what its name or its form gives away.
pub(super) fn is_of_type(item: &Item<'_>, of: &str) -> bool {
    let same =
        |known: &str| known == of || (known.len() == of.len() && known.eq_ignore_ascii_case(of));
    match item {
        Item::Node(_, Some(known)) => {
            same(known) || (*known == "SimpleQuantity" && of == "Quantity")
        }
        Item::Node(Json::Object(object), None) => match object.text("resourceType") {
            Some(kind) => kind == of || of == "Resource" || of == "DomainResource",
            None => of.starts_with(|first: char| first.is_ascii_uppercase()) && !is_text_type(of),
        },
        Item::Bool(_) | Item::Node(Json::Bool(_), None) => same("boolean"),
        Item::Integer(_) => same("integer"),
        Item::Decimal(_) => same("decimal"),
        Item::Node(Json::Number(text), None) => match text.contains(['.', 'e', 'E']) {
            true => same("decimal"),
            false => ["integer", "decimal", "positiveInt", "unsignedInt", "integer64"]
                .iter()
                .any(|known| same(known)),
        },
        Item::Text(_) | Item::Node(Json::String(_), None) => is_text_type(of),
        Item::Temporal(value) => match value.kind() {
            Kind::Date => same("date"),
            Kind::DateTime => same("dateTime") || same("instant"),
            Kind::Time => same("time"),
        },
        Item::Node(Json::Null | Json::Array(_), None) => false,
    }
}

/// Whether values of this type are written as text in JSON.
fn is_text_type(of: &str) -> bool {
    const TEXT: [&str; 14] = [
        "string",
        "code",
        "id",
        "uri",
        "url",
        "uuid",
        "oid",
        "canonical",
        "markdown",
        "base64Binary",
        "date",
        "dateTime",
        "instant",
        "time",
    ];
    TEXT.iter().any(|known| known.eq_ignore_ascii_case(of))
}
