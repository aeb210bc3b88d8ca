//! FHIR R4 resources without the eighteen identifiers of Safe Harbor, wherever a person could have put one.
//!
//! Nothing stays because it looks harmless: a resource stays if its type is listed, and in it only what is understood.
//! Codes must belong to a known terminology and be shaped as its codes are (with the check digit where it has one), words
//! must be codes that FHIR itself defines, numbers are held to measurements, dates become years or move by their
//! person's days, ids and references become keyed pseudonyms, free text is scrubbed ([`crate::scrub`]), and the rest
//! goes: narrative, names, telecom, identifiers, unknown extensions, contained resources, attachments.

mod ages;
mod bundle;
mod codes;

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use crate::date::{Date, PartialDate};
use crate::pseudonym::PseudonymKey;
use crate::reduce::shift;
use crate::safe_harbor::{self, SparseAreas};
use crate::scrub::{Removed, Scrubber, is_dated};
use ages::Meaning;
pub use bundle::resources;
pub(crate) use codes::is_loinc;
use codes::{is_code, is_listed, is_system, is_unit};

/// What happens to dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dates {
    /// They become their year, as Safe Harbor asks for.
    Year,
    /// They move by at most so many days, the same for all of a person. This is less than Safe Harbor asks for.
    Shift(u32),
}

/// What was removed, by `Type.path` (without positions), and by kind: `removed`, `date`, `pseudonym`, or the kind of an
/// identifier that was found in free text.
pub type RemovedByPath = BTreeMap<String, BTreeMap<&'static str, u64>>;

/// Takes the identifiers out of resources.
pub struct Deidentifier<'a> {
    key: &'a PseudonymKey,
    today: Date,
    dates: Dates,
    sparse: SparseAreas,
    scrubber: Scrubber,
    removed: RemovedByPath,
}

/// Resource types that stay.
const KEPT: [&str; 20] = [
    "Patient",
    "Condition",
    "Encounter",
    "Observation",
    "Procedure",
    "Immunization",
    "AllergyIntolerance",
    "MedicationRequest",
    "MedicationStatement",
    "MedicationAdministration",
    "MedicationDispense",
    "Medication",
    "DiagnosticReport",
    "CarePlan",
    "CareTeam",
    "Goal",
    "EpisodeOfCare",
    "Specimen",
    "FamilyMemberHistory",
    "ServiceRequest",
];
/// Types of resources that are about one person.
const PEOPLE: [&str; 5] =
    ["Patient", "Practitioner", "PractitionerRole", "Person", "RelatedPerson"];
/// Elements that refer to a person, where the reference does not say to what.
const MENTIONS: [&str; 49] = [
    "subject",
    "patient",
    "performer",
    "asserter",
    "recorder",
    "requester",
    "author",
    "authorReference",
    "individual",
    "actor",
    "informationSource",
    "collector",
    "interpreter",
    "other",
    "generalPractitioner",
    "practitioner",
    "careManager",
    "participant",
    "member",
    "party",
    "who",
    "agent",
    "onBehalfOf",
    "attester",
    "authenticator",
    "contributor",
    "verifiedWith",
    "verifiedBy",
    "referrer",
    "resultsInterpreter",
    "receiver",
    "sender",
    "recipient",
    "responsibleParty",
    "reportedReference",
    "subscriber",
    "policyHolder",
    "beneficiary",
    "payor",
    "provider",
    "enterer",
    "payee",
    "owner",
    "source",
    "operator",
    "witness",
    "assessor",
    "expressedBy",
    "supervisor",
];
/// Numbers of measurements are below this.
const LARGEST_NUMBER: f64 = 1e6;
/// What stands for a date in text.
const DATE: &str = "[date]";
/// Extensions that stay, with what is coded in them.
const EXTENSIONS: [&str; 6] = [
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-ethnicity",
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex",
    "http://hl7.org/fhir/StructureDefinition/patient-genderIdentity",
    "ombCategory",
    "detailed",
];

/// Where in a resource the walk is.
struct Place {
    path: String,
    /// Days by which the dates of the person move.
    days: Option<i64>,
    /// What the value that stands here says of somebody.
    meaning: Meaning,
}

impl<'a> Deidentifier<'a> {
    /// With the key of pseudonyms and shifts, and the day at which ages are counted.
    pub fn new(key: &'a PseudonymKey, today: Date, dates: Dates) -> Deidentifier<'a> {
        let (scrubber, removed) = (Scrubber::new(), RemovedByPath::new());
        Deidentifier { key, today, dates, sparse: SparseAreas::default(), scrubber, removed }
    }

    /// The same, with other areas of the United States that are shown as 000.
    pub fn with_sparse_areas(self, sparse: SparseAreas) -> Deidentifier<'a> {
        Deidentifier { sparse, ..self }
    }

    /// Learns what people, places and organizations are called, so that free text of any resource loses it. Every
    /// resource is to be shown before the first one is cleaned.
    pub fn learn(&mut self, resource: &Value) {
        self.learn_names(resource);
        self.learn_mentioned("", resource);
    }

    /// The names, numbers and addresses of a person, place or organization.
    fn learn_names(&mut self, resource: &Value) {
        let Some(kind) = resource["resourceType"].as_str() else { return };
        if !PEOPLE.contains(&kind) && !matches!(kind, "Organization" | "Location") {
            return;
        }
        let person = PEOPLE.contains(&kind);
        for key in ["name", "telecom", "address", "identifier", "contact", "alias"] {
            self.learn_texts(&resource[key], key, person && key == "name");
        }
        for extension in resource["extension"].as_array().into_iter().flatten() {
            // Such as a mother's maiden name, or the place of birth.
            let url = extension["url"].as_str().unwrap_or_default();
            if url.to_ascii_lowercase().contains("name") {
                self.learn_texts(&extension["valueString"], "name", true);
            }
            for value in ["valueHumanName", "valueAddress", "valueContactPoint", "valueIdentifier"]
            {
                self.learn_texts(&extension[value], value, value == "valueHumanName");
            }
        }
    }

    /// People whom any resource mentions: in resources that it contains, and by how references to them are shown.
    fn learn_mentioned(&mut self, key: &str, value: &Value) {
        match value {
            Value::Array(all) => all.iter().for_each(|value| self.learn_mentioned(key, value)),
            Value::Object(object) => {
                if key == "contained" {
                    self.learn_names(value);
                }
                let text = |key: &str| object.get(key).and_then(Value::as_str);
                let person = match text("reference").and_then(kind).or(text("type")) {
                    Some(kind) => PEOPLE.contains(&kind),
                    None => MENTIONS.contains(&key),
                };
                if let Some(display) = text("display").filter(|_| person) {
                    self.scrubber.know(display);
                }
                for author in ["authorString", "performerString"] {
                    text(author).into_iter().for_each(|author| self.scrubber.know(author));
                }
                object.iter().for_each(|(key, value)| self.learn_mentioned(key, value));
            }
            _ => {}
        }
    }

    /// What stands in a value; of a `person` each word, and else what is distinctive.
    fn learn_texts(&mut self, value: &Value, key: &str, person: bool) {
        match value {
            // What systems and uses are called names nobody; states and countries may stay.
            _ if matches!(
                key,
                "use"
                    | "system"
                    | "type"
                    | "state"
                    | "country"
                    | "period"
                    | "relationship"
                    | "prefix"
            ) => {}
            Value::String(text) => {
                match person {
                    true => self.scrubber.know(text),
                    false => self.scrubber.know_place(text),
                }
                // Of an identifier or a telephone.
                if key == "value" {
                    self.scrubber.know_number(text);
                }
            }
            Value::Array(all) => all.iter().for_each(|value| self.learn_texts(value, key, person)),
            Value::Object(object) => {
                // The name of a contact is in an object of its own, that of an organization is a string.
                let person = person || key == "name";
                if person {
                    self.scrubber.know(&whole_name(object));
                }
                object.iter().for_each(|(key, value)| self.learn_texts(value, key, person));
            }
            _ => {}
        }
    }

    /// The resource without identifiers; `None` if its type does not stay.
    pub fn clean(&mut self, resource: &Value) -> Option<Value> {
        let kind = resource["resourceType"].as_str().unwrap_or_default();
        let Some(kind) = KEPT.iter().find(|kept| **kept == kind) else {
            self.count("other resources", "removed");
            return None;
        };
        let days = match self.dates {
            Dates::Year => None,
            Dates::Shift(most) => person(resource).map(|id| self.key.shift(id, most)),
        };
        let place = Place { path: (*kind).to_owned(), days, meaning: Meaning::Other };
        let mut cleaned = self.object(resource.as_object()?, &place);
        cleaned.insert("resourceType".to_owned(), Value::from(*kind));
        if let Some(id) = resource["id"].as_str() {
            cleaned.insert("id".to_owned(), Value::from(self.pseudonym(id, &place)));
        }
        Some(Value::Object(cleaned))
    }

    /// What was removed so far.
    pub fn removed(&self) -> &RemovedByPath {
        &self.removed
    }

    fn object(&mut self, object: &Map<String, Value>, place: &Place) -> Map<String, Value> {
        let mut cleaned = Map::new();
        let meaning = match ages::meaning(object) {
            Meaning::Other => place.meaning,
            coded => coded,
        };
        for (key, value) in object {
            if matches!(key.as_str(), "resourceType" | "id") {
                continue;
            }
            let path = format!("{}.{key}", place.path);
            let meaning = if ages::is_element(key) { Meaning::Age } else { meaning };
            let inner = Place { path, meaning, ..*place };
            match self.element(key, value, object, &inner) {
                Some(kept) if !is_empty(&kept) => {
                    cleaned.insert(key.clone(), kept);
                }
                _ => self.count(&inner.path, "removed"),
            }
        }
        cleaned
    }

    /// One element of an object; `None` if it goes.
    fn element(
        &mut self,
        key: &str,
        value: &Value,
        around: &Map<String, Value>,
        place: &Place,
    ) -> Option<Value> {
        if dropped(key) {
            return None;
        }
        match value {
            Value::Array(all) => {
                let kept = all.iter().filter_map(|value| self.element(key, value, around, place));
                Some(Value::Array(kept.filter(|value| !is_empty(value)).collect()))
            }
            Value::Object(object) => self.nested(key, object, place),
            Value::String(text) => self.text(key, text, around, place).map(Value::String),
            Value::Number(number) => self.number(key, number, around, place),
            Value::Bool(flag) => Some(Value::Bool(*flag)),
            Value::Null => None,
        }
    }

    fn nested(&mut self, key: &str, object: &Map<String, Value>, place: &Place) -> Option<Value> {
        let has = |key: &str| object.contains_key(key);
        match key {
            "text" => return None,
            "extension" => {
                let url = object.get("url")?.as_str()?;
                let known = EXTENSIONS.iter().find(|known| **known == url)?;
                let mut inner = self.object(object, place);
                (!inner.is_empty()).then(|| inner.insert("url".to_owned(), Value::from(*known)))?;
                return Some(Value::Object(inner));
            }
            "address" => return self.address(object, place).map(Value::Object),
            _ => {}
        }
        let mut inner = self.object(object, place);
        // A reference by name or number only, and a code without its system, say nothing that may stay.
        if has("system") && !inner.contains_key("system") {
            inner.remove("code");
        }
        Some(Value::Object(inner)).filter(|value| !is_empty(value))
    }

    fn address(
        &mut self,
        address: &Map<String, Value>,
        place: &Place,
    ) -> Option<Map<String, Value>> {
        let text = |key: &str| address.get(key).and_then(Value::as_str);
        let mut kept = Map::new();
        let country = text("country").filter(|country| codes::is_country(country));
        if let Some(country) = country {
            kept.insert("country".to_owned(), Value::from(country));
        }
        if let Some(state) = text("state").filter(|state| codes::is_state(state)) {
            kept.insert("state".to_owned(), Value::from(state));
        }
        if let Some(area) =
            text("postalCode").and_then(|code| safe_harbor::area(code, country, &self.sparse))
        {
            kept.insert("postalCode".to_owned(), Value::from(area));
        }
        self.count(&place.path, "place");
        (!kept.is_empty()).then_some(kept)
    }

    fn text(
        &mut self,
        key: &str,
        text: &str,
        around: &Map<String, Value>,
        place: &Place,
    ) -> Option<String> {
        let sibling = |key: &str| around.get(key).and_then(Value::as_str);
        match key {
            "reference" => self.reference(text, place),
            "system" => is_system(text).then(|| text.to_owned()),
            "code" => {
                let known = match sibling("system") {
                    Some(system) if system == codes::UNITS => is_unit(text),
                    Some(system) => is_code(system, text),
                    // A code of FHIR itself has no system beside it.
                    None => is_listed(text),
                };
                (known && !self.scrubber.is_number_of_somebody(text)).then(|| text.to_owned())
            }
            "unit" => is_unit(text).then(|| text.to_owned()),
            "valueString" | "comment" | "description" | "note" | "patientInstruction"
            | "conclusion" | "text"
                if key != "text" || !around.contains_key("div") =>
            {
                let mut removed = Removed::new();
                let mut kept = self.scrubber.text(text, &mut removed);
                let answer = key == "valueString"
                    || key == "text" && place.path.ends_with(".valueCodeableConcept.text");
                let instead = match place.meaning {
                    _ if !answer => None,
                    Meaning::Age => ages::tells_old(&kept).then_some(("date", ages::OLDEST)),
                    Meaning::Birth => self.tells_early(text).then_some(("date", DATE)),
                    Meaning::Place => {
                        let digits = kept.contains(|c: char| c.is_numeric());
                        digits.then_some(("place", "[place]"))
                    }
                    Meaning::Date => (!self.may_stay_as_date(&kept)).then_some(("date", DATE)),
                    Meaning::Other => None,
                };
                if let Some((kind, instead)) = instead {
                    kept = instead.to_owned();
                    *removed.entry(kind).or_default() += 1;
                }
                for (kind, count) in removed {
                    *self
                        .removed
                        .entry(place.path.clone())
                        .or_default()
                        .entry(kind)
                        .or_default() += count;
                }
                Some(kept)
            }
            _ if PartialDate::parse(text).is_some() && !text.trim().is_empty() => {
                self.date(text, place)
            }
            _ => is_listed(text).then(|| text.to_owned()),
        }
    }

    /// Only what a date must consist of is read, so that nothing can be hidden behind it.
    fn date(&mut self, text: &str, place: &Place) -> Option<String> {
        let year = PartialDate::parse(text)?.year;
        self.count(&place.path, "date");
        if safe_harbor::shows_high_age(year, self.today.year()) {
            return None;
        }
        match self.dates {
            Dates::Year => Some(format!("{year:04}")),
            Dates::Shift(_) => shift(text, place.days?),
        }
    }

    fn number(
        &mut self,
        key: &str,
        number: &Number,
        around: &Map<String, Value>,
        place: &Place,
    ) -> Option<Value> {
        const MEASURES: [&str; 18] = [
            "value",
            "valueInteger",
            "valueDecimal",
            "frequency",
            "frequencyMax",
            "period",
            "periodMax",
            "duration",
            "durationMax",
            "count",
            "countMax",
            "rank",
            "doseNumberPositiveInt",
            "seriesDosesPositiveInt",
            "offset",
            "multipleBirthInteger",
            "numberOfRepeatsAllowed",
            "upperLimit",
        ];
        let value = number.as_f64().filter(|value| value.abs() < LARGEST_NUMBER)?;
        if !MEASURES.contains(&key) {
            return None;
        }
        if self.scrubber.is_number_of_somebody(&number.to_string())
            || self.scrubber.is_number_of_somebody(&value.abs().to_string())
        {
            return None;
        }
        match place.meaning {
            Meaning::Place => {
                self.count(&place.path, "place");
                return None;
            }
            Meaning::Birth if self.is_early(value) => {
                self.count(&place.path, "date");
                return None;
            }
            Meaning::Birth => {}
            // Such as 202004, or the number of a day in a spreadsheet.
            Meaning::Date if !around.contains_key("unit") && is_dated(&number.to_string()) => {
                self.count(&place.path, "date");
                return None;
            }
            meaning => {
                if let Some(oldest) = ages::oldest(value, around, meaning == Meaning::Age) {
                    self.count(&place.path, "date");
                    return Some(oldest);
                }
            }
        }
        if number.is_i64() || number.is_u64() {
            return Some(Value::Number(number.clone()));
        }
        // More places than a measurement has could hold a number of somebody.
        Number::from_f64((value * 1_000.0).round() / 1_000.0).map(Value::Number)
    }

    /// Whether a year of birth, whole or its last digits, may be that of somebody over 89.
    fn is_early(&self, year: f64) -> bool {
        year < 100.0 || safe_harbor::shows_high_age(year as i32, self.today.year())
    }

    /// Whether what the scrubber leaves of a text where a date must stand is none: a word of FHIR such as `unknown`, the year
    /// alone of nobody over 89, or nothing but what stands for dates. Dates are written in more ways than can be known, so
    /// that any other text goes.
    fn may_stay_as_date(&self, kept: &str) -> bool {
        let kept = kept.trim();
        let year = (kept.len() == 4).then(|| PartialDate::parse(kept)).flatten();
        let year = year.map(|date| !safe_harbor::shows_high_age(date.year, self.today.year()));
        kept.is_empty() || kept == DATE || is_listed(&kept.to_lowercase()) || year == Some(true)
    }

    /// Whether a text where a year of birth must stand has one of somebody over 89.
    fn tells_early(&self, text: &str) -> bool {
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|number| number.len() > 1);
        numbers.filter_map(|number| number.parse().ok()).any(|year| self.is_early(year))
    }

    /// A reference to a resource that stays, by its pseudonym.
    fn reference(&mut self, reference: &str, place: &Place) -> Option<String> {
        if let Some(id) = reference.strip_prefix("urn:uuid:") {
            return Some(format!("urn:uuid:{}", self.pseudonym(id, place)));
        }
        let (kind, id) = target(reference)?;
        let kept = KEPT.iter().find(|kept| **kept == kind)?;
        Some(format!("{kept}/{}", self.pseudonym(id, place)))
    }

    fn pseudonym(&mut self, id: &str, place: &Place) -> String {
        self.count(&place.path, "pseudonym");
        self.key.pseudonym(id)
    }

    fn count(&mut self, path: &str, kind: &'static str) {
        match self.removed.get_mut(path) {
            Some(kinds) => *kinds.entry(kind).or_default() += 1,
            None => {
                self.removed.entry(path.to_owned()).or_default().insert(kind, 1);
            }
        }
    }
}

/// The given names and the family name of a FHIR HumanName.
fn whole_name(name: &Map<String, Value>) -> String {
    let given = name.get("given").and_then(Value::as_array).into_iter().flatten();
    let parts = given.chain(name.get("family")).filter_map(Value::as_str);
    parts.collect::<Vec<_>>().join(" ")
}

/// The patient whose resource this is.
fn person(resource: &Value) -> Option<&str> {
    if resource["resourceType"] == "Patient" {
        return resource["id"].as_str();
    }
    let reference = ["subject", "patient", "beneficiary"]
        .iter()
        .find_map(|key| resource[*key]["reference"].as_str());
    unversioned(reference?).rsplit(['/', ':']).next()
}

/// A reference without the version that it may name: `Patient/1/_history/2` is `Patient/1` (FHIR R4, 2.3.0.1).
fn unversioned(reference: &str) -> &str {
    reference.split_once("/_history/").map_or(reference, |(plain, _)| plain)
}

/// The type and id of what a reference refers to, where it tells both.
fn target(reference: &str) -> Option<(&str, &str)> {
    let mut parts = unversioned(reference).rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    Some((kind, id))
}

/// The type of what a reference refers to, where it tells one; also of `Practitioner?identifier=...`.
fn kind(reference: &str) -> Option<&str> {
    let searched = reference.split_once('?').map(|(kind, _)| kind);
    let kind = match searched {
        Some(kind) => kind.rsplit('/').next()?,
        None => target(reference)?.0,
    };
    let shaped = kind.starts_with(|c: char| c.is_ascii_uppercase())
        && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
    shaped.then_some(kind)
}

/// Whether a text has the shape of a code of some known terminology, its check digit included where there is one.
pub(crate) fn looks_like_code(text: &str) -> bool {
    codes::SYSTEMS.iter().any(|system| is_code(system, text)) || is_listed(text)
}

/// Elements that identify or can hold anything.
fn dropped(key: &str) -> bool {
    key.starts_with('_')
        || matches!(
            key,
            "name"
                | "telecom"
                | "identifier"
                | "photo"
                | "contact"
                | "link"
                | "contained"
                | "meta"
                | "implicitRules"
                | "modifierExtension"
                | "display"
                | "url"
                | "instantiatesUri"
                | "instantiatesCanonical"
                | "attachment"
                | "presentedForm"
                | "position"
                | "managingOrganization"
                | "generalPractitioner"
                | "udiCarrier"
                | "lotNumber"
                | "serialNumber"
                | "groupIdentifier"
                | "author"
                | "authorString"
                | "performerString"
                | "accessionIdentifier"
                | "data"
                | "hash"
                | "div"
                | "fullUrl"
        )
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(all) => all.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Null => true,
        _ => false,
    }
}
