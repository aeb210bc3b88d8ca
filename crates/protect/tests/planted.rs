//! Identifiers planted in every place a person could put one; none of them may be found in what comes out.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "planted/written.rs"]
mod written;

use caduceus_protect::fhir::{self, Dates, Deidentifier};
use caduceus_protect::reduce::Secrets;
use caduceus_protect::release::{Files, release};
use caduceus_protect::table::{Format, Table};
use caduceus_protect::table_policy::TablePolicy;
use caduceus_protect::{Date, PseudonymKey};
use serde_json::{Value, json};
use written::PLANTED;

fn key() -> PseudonymKey {
    PseudonymKey::new([9; 32])
}

fn today() -> Date {
    Date::new(2026, 1, 1).unwrap()
}

/// Whether a text has a word, or a number that is not part of a longer one.
fn has(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        !(word.bytes().all(|b| b.is_ascii_digit()) && (joins(before) || joins(after)))
    })
}

#[test]
fn no_planted_identifier_is_left_in_a_table_that_is_released() {
    let mut csv = "name;mrn;age;zip;born;seen;note;hobby\n".to_owned();
    for (row, (text, _)) in PLANTED.iter().enumerate() {
        // Once in a column that the policy calls prose, and once in one that it calls harmless.
        csv += &format!(
            "Quilliam Ostrander;0048291{};{};0213{};19{}-03-14;2019-03-14;\"{text}\";\"{text}\"\n",
            // Two persons in each class.
            5 + row / 6 % 2,
            20 + row % 3,
            row % 2,
            30 + row
        );
    }
    let policy = "k = 2\nsuppression = 1.0\nperson = \"mrn\"\n[columns]\n\
        name = { role = \"identifying\" }\n\
        mrn = { role = \"insensitive\", reduce = \"pseudonym\" }\n\
        age = { role = \"quasi-identifier\", reduce = \"age\" }\n\
        zip = { role = \"quasi-identifier\", hierarchy = { kind = \"zip\" } }\n\
        born = { role = \"insensitive\", reduce = \"year\" }\n\
        seen = { role = \"insensitive\", reduce = \"shift\" }\n\
        note = { role = \"insensitive\", reduce = \"text\" }\n\
        hobby = { role = \"insensitive\" }\n";
    let (table, _) = Table::read(csv.as_bytes()).unwrap();
    let (key, policy) = (key(), TablePolicy::parse(policy).unwrap());
    let secrets = Secrets { key: &key, key_kept: false, today: today() };
    let made = release(&table, &policy, &Files::new(), &secrets, 1).unwrap();
    assert_eq!(made.table.rows(), PLANTED.len());
    let column = |name: &str| made.table.column(name).unwrap();
    let mut left = Vec::new();
    for (_, gone) in PLANTED {
        for name in ["note", "hobby"] {
            let values = column(name).values.iter().filter(|value| has(value, gone));
            left.extend(values.map(|value| format!("{gone} in {name}: {value}")));
        }
    }
    assert!(left.is_empty(), "{left:#?}");
    let bytes =
        String::from_utf8(made.table.write(Format::Csv { delimiter: b';' }).unwrap()).unwrap();
    for gone in ["Ostrander", "Quilliam", "00482915", "-03-14", "02130", "02131"] {
        assert!(!bytes.contains(gone), "{gone}");
    }
    assert!(column("seen").values.iter().all(|date| Date::parse(date).is_some()));
    assert!(column("zip").values.iter().all(|zip| zip == "021" || zip.ends_with('*')));
    // Who was born in 1930 to 1935 is over 89.
    assert!(
        column("born")
            .values
            .iter()
            .all(|year| year.is_empty() || year.parse::<u32>().unwrap() >= 1936)
    );
    // The account tells columns and kinds and no value.
    let account = serde_json::to_string(&made.account).unwrap();
    for gone in ["Ostrander", "ostrander", "00482915", "Wisteria", "8675309"] {
        assert!(!account.contains(gone), "{gone}");
    }
    assert!(made.account.removed["note"].len() >= 15, "{:?}", made.account.removed["note"]);
}

/// Resources with everything that Synthea and hospitals fill in.
fn resources() -> Vec<Value> {
    vec![
        json!({
            "resourceType": "Patient", "id": "p1", "meta": { "lastUpdated": "2020-01-01T00:00:00Z", "source": "x" },
            "text": { "status": "generated", "div": "<div>x</div>" },
            "extension": [
                { "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": [
                    { "url": "ombCategory", "valueCoding": { "system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3", "display": "White" } },
                    { "url": "text", "valueString": "White" } ] },
                { "url": "http://hospital.example/mother", "valueString": "x" },
                { "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex", "valueCode": "F" } ],
            "identifier": [{ "system": "http://x", "value": "x", "type": { "text": "x" } }],
            "name": [{ "use": "official", "family": "x", "given": ["x"] }],
            "telecom": [{ "system": "phone", "value": "x" }], "gender": "female", "birthDate": "1970-03-14",
            "deceasedDateTime": "2020-03-14T10:00:00Z",
            "address": [{ "line": ["x"], "city": "x", "state": "MA", "postalCode": "02139", "country": "US", "text": "x", "district": "x" }],
            "maritalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "code": "M" }], "text": "x" },
            "photo": [{ "data": "x", "url": "x", "title": "x" }], "contact": [{ "name": { "text": "x" } }],
            "communication": [{ "language": { "coding": [{ "system": "urn:ietf:bcp:47", "code": "en-US" }], "text": "x" } }],
            "link": [{ "other": { "reference": "Patient/x" } }], "_gender": { "extension": [{ "valueString": "x" }] },
        }),
        json!({
            "resourceType": "Observation", "id": "o1", "status": "final", "contained": [{ "resourceType": "Patient", "name": [{ "text": "x" }] }],
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory", "display": "x" }] }],
            "code": { "coding": [{ "system": "http://loinc.org", "code": "4548-4", "display": "x", "version": "x" }], "text": "x" },
            "subject": { "reference": "Patient/p1", "display": "x", "identifier": { "value": "x" }, "type": "x" },
            "encounter": { "reference": "urn:uuid:e1" }, "effectiveDateTime": "2019-03-14T09:26:53.123-05:00", "issued": "2019-03-14T09:26:53.123-05:00",
            "performer": [{ "reference": "Practitioner/x", "display": "x" }],
            "valueQuantity": { "value": 6.1755, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%" },
            "note": [{ "text": "x", "authorString": "x", "time": "2019-03-14T09:26:53Z" }], "device": { "display": "x" },
            "valueString": "x", "valueSampledData": { "data": "x", "origin": { "value": 1 }, "period": 10 },
        }),
        json!({
            "resourceType": "Condition", "id": "c1",
            "clinicalStatus": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active" }] },
            "code": { "coding": [{ "system": "http://snomed.info/sct", "code": "44054006", "display": "x" }], "text": "x" },
            "subject": { "reference": "http://server.example/fhir/Patient/p1" }, "onsetDateTime": "2019-03-14",
            "onsetString": "x", "recordedDate": "2019-03-14", "asserter": { "reference": "Patient/p1", "display": "x" },
            "abatementAge": { "value": 93, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a" },
            "bodySite": [{ "coding": [{ "system": "http://x", "code": "x" }], "text": "x" }], "note": [{ "text": "x" }],
        }),
        json!({
            "resourceType": "Encounter", "id": "e1", "status": "finished",
            "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB", "display": "x" },
            "subject": { "reference": "Patient/p1", "display": "x" }, "period": { "start": "2019-03-14T09:00:00Z", "end": "2019-03-14T10:00:00Z" },
            "location": [{ "location": { "reference": "Location/x", "display": "x" } }], "serviceProvider": { "reference": "Organization/x", "display": "x" },
            "hospitalization": { "dischargeDisposition": { "text": "x" }, "preAdmissionIdentifier": { "value": "x" } },
        }),
        json!({ "resourceType": "Practitioner", "id": "x", "name": [{ "family": "x" }] }),
        json!({ "resourceType": "DocumentReference", "id": "x", "content": [{ "attachment": { "data": "x" } }] }),
    ]
}

/// Resources with the places that the others do not have: attachments, photographs, instructions, urls, annotations of
/// people, extensions of every type within extensions, and resources contained in resources.
fn further_resources() -> Vec<Value> {
    vec![
        json!({
            "resourceType": "DiagnosticReport", "id": "d1", "status": "final", "subject": { "reference": "Patient/p1", "display": "x" },
            "code": { "coding": [{ "system": "http://loinc.org", "code": "4548-4", "display": "x", "userSelected": true }], "text": "x" },
            "text": { "status": "additional", "div": "<div xmlns='http://www.w3.org/1999/xhtml'><p title='x'>x</p></div>" },
            "conclusion": "x", "conclusionCode": [{ "text": "x" }], "issued": "2019-03-14T09:26:53Z", "language": "x", "implicitRules": "x",
            "presentedForm": [{ "contentType": "text/plain", "language": "x", "data": "x", "url": "x", "title": "x", "hash": "x", "creation": "2019-03-14" }],
            "media": [{ "comment": "x", "link": { "reference": "Media/x", "display": "x" } }], "imagingStudy": [{ "reference": "x", "display": "x" }],
            "meta": { "profile": ["x"], "tag": [{ "system": "x", "code": "x", "display": "x" }], "security": [{ "code": "x", "display": "x" }] },
        }),
        json!({
            "resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order", "subject": { "reference": "urn:uuid:p1", "display": "x" },
            "contained": [
                { "resourceType": "Practitioner", "id": "x", "name": [{ "text": "x", "family": "x" }], "telecom": [{ "value": "x" }] },
                { "resourceType": "Medication", "code": { "text": "x" }, "identifier": [{ "value": "x" }], "batch": { "lotNumber": "x" } } ],
            "dosageInstruction": [{ "text": "x", "patientInstruction": "x", "additionalInstruction": [{ "text": "x" }], "site": { "text": "x" },
                "doseAndRate": [{ "doseQuantity": { "value": 1, "unit": "x", "code": "x", "system": "x" } }] }],
            "requester": { "display": "x", "identifier": { "system": "x", "value": "x" } }, "recorder": { "reference": "x" }, "reportedReference": { "display": "x" },
            "medicationCodeableConcept": { "coding": [{ "system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "x", "display": "x" }], "text": "x" },
            "note": [{ "text": "x", "authorReference": { "reference": "x", "display": "x" }, "time": "x" }], "groupIdentifier": { "value": "x" },
            "instantiatesUri": ["x"], "instantiatesCanonical": ["x"], "substitution": { "reason": { "text": "x" } },
        }),
        json!({
            "resourceType": "Patient", "id": "p2", "photo": [{ "contentType": "image/png", "data": "x", "url": "x", "title": "x" }],
            "contact": [{ "relationship": [{ "text": "x" }], "name": { "family": "x" }, "telecom": [{ "value": "x" }], "address": { "text": "x" }, "organization": { "display": "x" } }],
            "generalPractitioner": [{ "reference": "x", "display": "x" }], "managingOrganization": { "display": "x" },
            "communication": [{ "language": { "text": "x" }, "preferred": true }], "multipleBirthInteger": 2,
            "extension": [
                { "url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueString": "x" },
                { "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress": { "city": "x", "text": "x" } },
                { "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race", "extension": [
                    { "url": "ombCategory", "valueCoding": { "system": "urn:oid:2.16.840.1.113883.6.238", "code": "2106-3", "display": "x" },
                      "valueAttachment": { "url": "x", "title": "x", "data": "x" }, "valueHumanName": { "text": "x" }, "valueUrl": "x", "valueUri": "x",
                      "valueAnnotation": { "text": "x", "authorString": "x" }, "valueIdentifier": { "value": "x" }, "valueReference": { "display": "x" },
                      "valueContactPoint": { "value": "x" }, "valueMarkdown": "x", "valueBase64Binary": "x", "valueOid": "x", "valueUuid": "x", "valueId": "x",
                      "valueString": "x", "valueSignature": { "data": "x", "who": { "display": "x" } }, "valueCode": "x", "valueCanonical": "x" } ] } ],
            "modifierExtension": [{ "url": "x", "valueString": "x" }], "_birthDate": { "extension": [{ "url": "x", "valueDateTime": "2019-03-14T09:26:53Z" }] },
        }),
    ]
}

/// Takes the path of a leaf, and what replaces the leaf in a copy of the resource.
type Each<'a> = dyn FnMut(&[String], &dyn Fn(&mut Value)) + 'a;

/// Calls `each` with a copy of the value for every leaf, in which the leaf was replaced.
fn replaced(value: &Value, by: &Value, path: &mut Vec<String>, each: &mut Each<'_>) {
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                path.push(key.clone());
                replaced(inner, by, path, each);
                path.pop();
            }
        }
        Value::Array(all) => {
            for (index, inner) in all.iter().enumerate() {
                path.push(index.to_string());
                replaced(inner, by, path, each);
                path.pop();
            }
        }
        _ => {
            let pointer: String =
                path.iter().map(|part| format!("/{}", part.replace('/', "~1"))).collect();
            each(path, &|root| *root.pointer_mut(&pointer).unwrap() = by.clone());
        }
    }
}

#[test]
fn no_planted_identifier_is_left_in_any_element_of_a_resource() {
    let key = key();
    for dates in [Dates::Year, Dates::Shift(365)] {
        let mut places = 0;
        let mut left = std::collections::BTreeSet::new();
        let mut deidentifier = Deidentifier::new(&key, today(), dates);
        // A name in small letters without a title looks like any word; it is found because the export says who is called so.
        deidentifier
            .learn(&json!({ "resourceType": "Patient", "name": [{ "family": "Ostrander" }] }));
        for resource in resources().into_iter().chain(further_resources()) {
            let plants = PLANTED.iter().map(|(text, gone)| (json!(text), *gone));
            let bare = [
                (json!("Ostrander"), "Ostrander"),
                (json!("ostrander"), "ostrander"),
                (json!("078051120"), "078051120"),
                (json!("93-867-5309"), "867"),
                (json!("2019-03-14T555-867-5309"), "867"),
                (json!(8_675_309), "8675309"),
                (json!(0.867_530_9), "0.8675"),
            ];
            for (plant, gone) in plants.chain(bare) {
                replaced(&resource, &plant, &mut Vec::new(), &mut |path, plant| {
                    // Without its type a resource does not stay at all.
                    let mut changed = resource.clone();
                    plant(&mut changed);
                    let kept = deidentifier.clean(&changed);
                    let bytes = kept.map_or(String::new(), |kept| kept.to_string());
                    // Pseudonyms are hex digits; a number in one is no number of anybody.
                    let bytes = without_pseudonyms(&bytes);
                    if has(&bytes, gone) {
                        left.insert(format!("{gone} at {}", path.join(".")));
                    }
                    places += 1;
                });
            }
        }
        assert!(places > 3_000, "{places}");
        assert!(left.is_empty(), "{dates:?}: {left:#?}");
        let told = serde_json::to_string(deidentifier.removed()).unwrap();
        for (_, gone) in PLANTED.iter().filter(|(_, gone)| gone.len() > 4) {
            assert!(!has(&told, gone), "{gone} told: {told}");
        }
    }
}

#[test]
fn who_is_named_anywhere_in_an_export_is_found_in_any_element_however_it_is_written() {
    let key = key();
    let mut deidentifier = Deidentifier::new(&key, today(), Dates::Year);
    let named = [
        json!({ "resourceType": "Patient", "name": [{ "family": "Müller-O'Hara", "given": ["Zoë"] }],
                "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueString": "Tatterfield" }] }),
        json!({ "resourceType": "Observation", "contained": [{ "resourceType": "RelatedPerson", "name": [{ "text": "Quibblewick" }] }] }),
        json!({ "resourceType": "Condition", "subject": { "reference": "Patient/1", "display": "Łukasz Krähenbühl" },
                "note": [{ "authorString": "Nurse Fennimore" }], "asserter": { "display": "Snodgrass" } }),
        json!({ "resourceType": "Encounter", "participant": [{ "individual": { "reference": "urn:uuid:7", "display": "Dr. Hørsholm" } }] }),
    ];
    named.iter().for_each(|resource| deidentifier.learn(resource));
    let written = [
        "zoe",
        "ZOË",
        "muller",
        "mueller",
        "mu\u{308}ller",
        "ohara",
        "hara",
        "tatterfield",
        "quibblewick",
        "lukasz",
        "krahenbuhl",
        "kraehenbuehl",
        "fennimore",
        "snodgrass",
        "horsholm",
        "hoersholm",
    ];
    let (mut left, mut notes) = (std::collections::BTreeSet::new(), 0);
    for resource in resources().into_iter().chain(further_resources()) {
        for name in written {
            for plant in [format!("seen with {name} today"), name.to_owned(), format!("({name}'s)")]
            {
                replaced(&resource, &json!(plant), &mut Vec::new(), &mut |path, plant| {
                    let mut changed = resource.clone();
                    plant(&mut changed);
                    let Some(kept) = deidentifier.clean(&changed) else { return };
                    let bytes = kept.to_string();
                    notes += usize::from(bytes.contains("seen with [name] today"));
                    if bytes.contains(name) {
                        left.insert(format!("{name} at {}", path.join(".")));
                    }
                });
            }
        }
    }
    assert!(left.is_empty(), "{left:#?}");
    // Prose around the name stays, so that the test has looked where prose is kept.
    assert!(notes > 100, "{notes}");
}

/// A text without runs of 32 hex digits, and without the dates that were there before.
fn without_pseudonyms(text: &str) -> String {
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let words = text.split_inclusive(|c: char| !hex(c));
    words
        .filter(|word| word.trim_end_matches(|c: char| !hex(c)).len() != 32)
        .collect::<Vec<_>>()
        .join("")
        .replace("03-14", "")
}

/// The first resource of a kind as it is released, with the patient that all others are about.
fn cleaned(resource: &Value) -> Value {
    let (key, patient) = (
        key(),
        json!({
            "resourceType": "Patient", "id": "p1", "identifier": [{ "value": "445566" }, { "value": "MRN-0778899" }],
            "name": [{ "family": "Quartermain", "given": ["Zebulon"] }],
            "generalPractitioner": [{ "reference": "#c", "display": "Containdisp, Gonzo" }, { "display": "dr. med. lowerfam" }],
            "address": [{ "postalCode": "12080" }],
            "contact": [{ "name": { "text": "Ann-Christin Vanderbilt" } }],
        }),
    );
    let mut deidentifier =
        Deidentifier::new(&key, Date::new(2026, 11, 27).unwrap(), Dates::Shift(365));
    deidentifier.learn(&patient);
    deidentifier.learn(resource);
    deidentifier.clean(resource).unwrap_or_default()
}

#[test]
fn an_age_over_89_is_found_in_every_element_that_can_hold_one() {
    let loinc = json!({ "coding": [{ "system": "http://loinc.org", "code": "30525-0" }] });
    let snomed = json!({ "coding": [{ "system": "http://snomed.info/sct", "code": "424144002" }] });
    let months =
        json!({ "value": 1164, "unit": "mo", "system": "http://unitsofmeasure.org", "code": "mo" });
    let of = |code: &Value, element: &str, value: Value| {
        let mut observation = json!({ "resourceType": "Observation", "id": "o", "code": code, "subject": { "reference": "Patient/p1" } });
        observation[element] = value;
        cleaned(&observation)
    };
    for (found, path, expected) in [
        (of(&loinc, "valueInteger", json!(97)), "/valueInteger", json!(90)),
        (of(&snomed, "valueInteger", json!(97)), "/valueInteger", json!(90)),
        (of(&loinc, "valueQuantity", months.clone()), "/valueQuantity/value", json!(1080)),
        (of(&loinc, "valueQuantity", json!({ "value": 97 })), "/valueQuantity/value", json!(90)),
        (
            of(&loinc, "valueQuantity", json!({ "value": 97, "unit": "Jahre" })),
            "/valueQuantity/value",
            json!(90),
        ),
        (of(&loinc, "valueString", json!("97")), "/valueString", json!("90 or older")),
        (
            of(&loinc, "component", json!([{ "valueInteger": 97 }])),
            "/component/0/valueInteger",
            json!(90),
        ),
        (
            of(&loinc, "valueRange", json!({ "high": { "value": 97 } })),
            "/valueRange/high/value",
            json!(90),
        ),
        (
            of(
                &json!({ "text": "x" }),
                "component",
                json!([{ "code": snomed, "valueInteger": 97 }]),
            ),
            "/component/0/valueInteger",
            json!(90),
        ),
        (
            of(
                &json!({ "text": "x" }),
                "referenceRange",
                json!([{ "age": { "high": { "value": 99 } } }]),
            ),
            "/referenceRange/0/age/high/value",
            json!(90),
        ),
        (
            cleaned(
                &json!({ "resourceType": "Condition", "onsetAge": months, "abatementAge": { "value": 97 } }),
            ),
            "/onsetAge/value",
            json!(1080),
        ),
        (
            of(&loinc, "valueCodeableConcept", json!({ "text": "97 a" })),
            "/valueCodeableConcept/text",
            json!("90 or older"),
        ),
        (
            of(
                &json!({ "text": "x" }),
                "component",
                json!([{ "code": { "text": "age in years" }, "valueString": "ninety-seven" }]),
            ),
            "/component/0/valueString",
            json!("90 or older"),
        ),
        // What is no age, or none over 89, stays.
        (of(&loinc, "valueInteger", json!(48)), "/valueInteger", json!(48)),
        (of(&loinc, "valueString", json!("48")), "/valueString", json!("48")),
        (
            of(&json!({ "text": "x" }), "valueQuantity", json!({ "value": 97, "unit": "mg/dL" })),
            "/valueQuantity/value",
            json!(97),
        ),
        (of(&json!({ "text": "x" }), "valueInteger", json!(97)), "/valueInteger", json!(97)),
    ] {
        assert_eq!(found.pointer(path), Some(&expected), "{path} of {found}");
    }
}

#[test]
fn a_year_of_birth_that_shows_a_high_age_and_a_place_in_figures_go() {
    let code = |code: &str| json!({ "coding": [{ "system": "http://loinc.org", "code": code }] });
    let text = |text: &str| json!({ "text": text });
    let of = |code: Value, element: &str, value: Value| {
        let mut observation =
            json!({ "resourceType": "Observation", "id": "o", "code": { "text": "x" } });
        observation["component"] = json!([{ "code": code }]);
        observation["component"][0][element] = value;
        cleaned(&observation)["component"][0][element].clone()
    };
    let years = |value: i32| json!({ "value": value, "unit": "a" });
    for birth in [code("80904-6"), text("year of birth"), text("Geburtsjahr")] {
        for (element, old, young) in [
            ("valueInteger", json!(1930), json!(1990)),
            ("valueDecimal", json!(1930.0), json!(1990.0)),
            ("valueString", json!("1930"), json!("1990")),
            ("valueQuantity", years(1930), years(1990)),
        ] {
            let kept = of(birth.clone(), element, old).to_string();
            assert!(!kept.contains("1930"), "{birth} {element}: {kept}");
            let kept = of(birth.clone(), element, young).to_string();
            assert!(kept.contains("1990"), "{birth} {element}: {kept}");
        }
        assert_eq!(of(birth, "valueInteger", json!(30)), Value::Null);
    }
    for place in [code("45401-7"), text("ZIP"), text("Patient's latitude")] {
        for (element, value) in [
            ("valueInteger", json!(36_012)),
            ("valueString", json!("36012")),
            ("valueString", json!("3 6 0 1 2")),
            ("valueQuantity", json!({ "value": 36.012 })),
        ] {
            let kept = of(place.clone(), element, value).to_string();
            assert!(!kept.contains("36") && !kept.contains("6 0"), "{place} {element}: {kept}");
        }
    }
    assert_eq!(of(text("Zippered wound"), "valueInteger", json!(36_012)), json!(36_012));
    assert_eq!(of(text("Birth weight"), "valueInteger", json!(1_930)), json!(1_930));
}

#[test]
fn a_text_where_a_date_must_stand_goes_unless_it_tells_no_day() {
    let observation = |code: &Value, element: &str, value: Value| {
        let mut observation =
            json!({ "resourceType": "Observation", "id": "o", "code": code, "status": "final" });
        observation[element] = value;
        observation
    };
    let loinc = json!({ "coding": [{ "system": "http://loinc.org", "code": "8665-2" }] });
    for code in [
        json!({ "text": "Date of admission" }),
        json!({ "coding": [{ "display": "Date of last visit" }] }),
        json!({ "text": "Aufnahmedatum" }),
        json!({ "text": "date d'entrée" }),
        loinc.clone(),
    ] {
        for day in ["04-05", "the fifth of the fourth", "Easter Monday", "d5 m4 '54", "05|04|54"] {
            let found = cleaned(&observation(&code, "valueString", json!(day)));
            assert_eq!(found["valueString"], "[date]", "{code} {day}");
            let coded = json!({ "text": day });
            let found = cleaned(&observation(&code, "valueCodeableConcept", coded));
            assert_eq!(found["valueCodeableConcept"]["text"], "[date]", "{code} {day}");
            let mut panel = observation(&json!({ "text": "x" }), "status", json!("final"));
            panel["component"] = json!([{ "code": code, "valueString": day }]);
            assert_eq!(cleaned(&panel)["component"][0]["valueString"], "[date]", "{code} {day}");
        }
        for stays in ["unknown", "2019"] {
            let found = cleaned(&observation(&code, "valueString", json!(stays)));
            assert_eq!(found["valueString"], stays, "{code}");
        }
        for number in [json!(202_004), json!(43_925)] {
            let found = cleaned(&observation(&code, "valueInteger", number));
            assert_eq!(found["valueInteger"], Value::Null, "{code}");
        }
    }
    // It is told by the field, as a date and without its value.
    let key = PseudonymKey::new([7; 32]);
    let today = Date::new(2026, 1, 1).unwrap();
    let mut deidentifier = Deidentifier::new(&key, today, Dates::Year);
    let of = observation(&loinc, "valueString", json!("Easter Monday"));
    deidentifier.clean(&of).unwrap();
    assert_eq!(deidentifier.removed()["Observation.valueString"]["date"], 1);
    // Where no date must stand, a lone pair of figures may be anything.
    let other = observation(&json!({ "text": "Grade" }), "valueString", json!("04-05"));
    assert_eq!(cleaned(&other)["valueString"], "04-05");
}

#[test]
fn the_number_of_somebody_is_found_as_a_number_and_as_a_code() {
    let number = || json!({ "value": 445_566, "unit": "%" });
    let rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm";
    let observation = json!({
        "resourceType": "Observation", "id": "o", "code": { "coding": [{ "system": rxnorm, "code": "445566" }] },
        "subject": { "reference": "Patient/p1" }, "valueQuantity": number(), "valueInteger": 445_566, "valueDecimal": 445_566.0,
        "valueRange": { "low": number() }, "valueRatio": { "numerator": number(), "denominator": number() },
        "component": [{ "valueInteger": 445_566 }, { "valueQuantity": { "value": 778_899 } }, { "valueDecimal": 445.566 }],
        "referenceRange": [{ "low": number(), "text": "0 to 445 566, 445.566 or 445-566" }],
    });
    let dose = json!({ "resourceType": "MedicationRequest", "dosageInstruction": [{ "doseAndRate": [{ "doseQuantity": number() }] }] });
    let patient = json!({ "resourceType": "Patient", "id": "p1", "multipleBirthInteger": 445_566 });
    for resource in [observation, dose, patient] {
        let bytes = cleaned(&resource).to_string();
        for gone in ["445566", "778899", "445.566", "445 566", "445-566"] {
            assert!(!without_pseudonyms(&bytes).contains(gone), "{gone} in {bytes}");
        }
    }
    // Numbers that only look like a postal code of somebody stay.
    let pressure = json!({ "resourceType": "Observation", "valueQuantity": { "value": 12_080 }, "note": [{ "text": "120/80 mmhg" }] });
    let kept = cleaned(&pressure);
    assert_eq!(
        (&kept["valueQuantity"], &kept["note"]),
        (&pressure["valueQuantity"], &pressure["note"])
    );
    // Another code and another number stay.
    let other = json!({ "resourceType": "Observation", "code": { "coding": [{ "system": rxnorm, "code": "445567" }] }, "valueInteger": 445_567 });
    let kept = cleaned(&other);
    assert_eq!((&kept["valueInteger"], &kept["code"]), (&other["valueInteger"], &other["code"]));
}

#[test]
fn a_name_in_parts_or_joined_to_another_is_found() {
    let of = |text: &str| {
        let condition = json!({ "resourceType": "Condition", "subject": { "reference": "Patient/p1" }, "note": [{ "text": text }] });
        cleaned(&condition)["note"][0]["text"].as_str().unwrap_or_default().to_owned()
    };
    for written in [
        "quar<b>ter</b>main",
        "zebu&shy;lon",
        "zebu&zwnj;lon",
        "zebu<wbr>lon",
        "zebu<!-- so -->lon",
        "z.e.b.u.l.o.n",
        "z e b u l o n",
        "Z E B U L O N",
        "zebu_lon",
        "quarter-main",
        "quarter-\nmain",
        "quarter main",
        "zebulonquartermain",
        "zebul&oacute;n",
        "containdisp",
        "lowerfam",
        "vander-bilt",
    ] {
        assert_eq!(of(&format!("told {written} of it")), "told [name] of it", "{written}");
    }
    // Titles name nobody, and words that are only beside each other are no name.
    for kept in [
        "with the med list in hand",
        "a quarter of the main meal",
        "in the vander area",
        "it is a bulon",
    ] {
        assert_eq!(of(kept), kept);
    }
}

#[test]
fn no_sentence_loses_a_word_to_the_name_of_a_place_or_an_organization() {
    let notes = [
        "family history of medical health problems",
        "no chest pain, not in distress",
        "with pain after surgery, he was at home",
        "high blood pressure in main artery, 12 mg given",
        "assessment of substance use and more in the labor force",
    ];
    let named = [
        json!({ "resourceType": "Organization", "name": "UNIVERSITY OF MASSACHUSETTS AND HOSPITAL IN THE VALLEY" }),
        json!({ "resourceType": "Organization", "name": "FAMILY HEALTH MEDICAL GROUP OF OVERLAND PARK, LLC" }),
        json!({ "resourceType": "Location", "name": "Surgery at Home, not for Pain" }),
        json!({ "resourceType": "Patient", "address": [{ "line": ["No. 12 High Road"], "city": "City of Industry" }],
                "contact": [{ "organization": { "display": "Pain Center of the North" }, "name": { "family": "Quibblewick" } }] }),
        json!({ "resourceType": "Practitioner", "name": [{ "family": "He", "given": ["Was"] }, { "family": "No", "given": ["Zebulon"] }],
                "telecom": [{ "value": "mailto:no-pain@of-the.example" }] }),
    ];
    let key = key();
    let mut deidentifier = Deidentifier::new(&key, today(), Dates::Year);
    named.iter().for_each(|resource| deidentifier.learn(resource));
    let mut of = |text: &str| {
        let condition = json!({ "resourceType": "Condition", "note": [{ "text": text }] });
        let kept = deidentifier.clean(&condition).unwrap_or_default();
        kept["note"][0]["text"].as_str().unwrap_or_default().to_owned()
    };
    for note in notes {
        assert_eq!(of(note), note);
    }
    for (text, kept) in [
        ("lives at 12 high road now", "lives at [place] now"),
        ("seen in overland by quibblewick", "seen in [name] by [name]"),
        ("told zebulon no of it", "told [name] of it"),
    ] {
        assert_eq!(of(text), kept);
    }
}

#[test]
fn a_version_of_a_patient_is_the_patient() {
    let plain = json!({ "resourceType": "Observation", "subject": { "reference": "Patient/p1" }, "effectiveDateTime": "2022-05-06" });
    for reference in ["Patient/p1/_history/1", "http://server.example/fhir/Patient/p1/_history/27"]
    {
        let mut versioned = plain.clone();
        versioned["subject"]["reference"] = json!(reference);
        assert_eq!(cleaned(&versioned), cleaned(&plain), "{reference}");
    }
    assert!(cleaned(&plain)["subject"]["reference"].as_str().unwrap().starts_with("Patient/"));
}

#[test]
fn a_person_whom_a_bundle_names_by_a_full_url_is_the_same_in_all_of_it() {
    let observation = |id: &str, subject: &str| {
        json!({ "resource": {
        "resourceType": "Observation", "id": id, "subject": { "reference": subject }, "effectiveDateTime": "2022-05-06" } })
    };
    for (patient, other) in [
        (json!({ "resourceType": "Patient", "id": "real" }), "Patient/real"),
        (json!({ "resourceType": "Patient" }), "Patient/aaaa"),
        (json!({ "resourceType": "Patient", "id": "aaaa" }), "Patient/aaaa"),
    ] {
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
            observation("o1", "urn:uuid:aaaa"), { "fullUrl": "urn:uuid:aaaa", "resource": patient },
            observation("o2", other), observation("o3", "urn:uuid:bbbb"), { "request": { "method": "DELETE" } } ] });
        let key = key();
        let mut deidentifier = Deidentifier::new(&key, today(), Dates::Shift(365));
        let resources = fhir::resources(&bundle);
        assert_eq!(resources.len(), 5);
        resources.iter().for_each(|resource| deidentifier.learn(resource));
        let cleaned: Vec<Value> =
            resources.iter().filter_map(|resource| deidentifier.clean(resource)).collect();
        let [first, person, second, stranger] = cleaned.as_slice() else { panic!("{cleaned:?}") };
        let expected = format!("Patient/{}", person["id"].as_str().unwrap());
        assert_eq!(first["subject"]["reference"], expected.as_str());
        assert_eq!(second["subject"]["reference"], expected.as_str());
        assert_eq!(first["effectiveDateTime"], second["effectiveDateTime"]);
        assert!(stranger["subject"]["reference"].as_str().unwrap().starts_with("urn:uuid:"));
        // A resource by itself is one, whatever it refers to.
        assert_eq!(fhir::resources(&bundle["entry"][0]["resource"]).len(), 1);
    }
}

#[test]
fn a_postal_code_that_lost_its_zero_shows_no_more_than_one_that_did_not() {
    let released = |codes: [&str; 4], rule: &str| {
        let csv = codes.iter().fold("q,zip\n".to_owned(), |csv, code| csv + "1," + code + "\n");
        let policy = format!(
            "k = 2\nsuppression = 1.0\n[columns]\nq = {{ role = \"quasi-identifier\" }}\nzip = {{ {rule} }}\n"
        );
        let (table, _) = Table::read(csv.as_bytes()).unwrap();
        let (key, policy) = (key(), TablePolicy::parse(&policy).unwrap());
        let secrets = Secrets { key: &key, key_kept: false, today: today() };
        let made = release(&table, &policy, &Files::new(), &secrets, 1).unwrap();
        let column = made.table.column("zip").unwrap();
        (0..column.codes.len()).map(|row| column.value(row).to_owned()).collect::<Vec<_>>()
    };
    let reduced = "role = \"insensitive\", reduce = \"zip\"";
    assert_eq!(released(["03601", "3601", "10001", "2139"], reduced), ["000", "000", "021", "100"]);
    let generalized = "role = \"quasi-identifier\", hierarchy = { kind = \"zip\" }";
    assert_eq!(
        released(["03601", "3601", "10001", "10001"], generalized),
        ["000", "000", "100", "100"]
    );
    // Where every code has four digits nothing is missing.
    assert_eq!(released(["1010", "1030", "8010", "8020"], reduced), ["101", "103", "801", "802"]);
}

#[test]
fn what_a_resource_says_of_health_stays() {
    let key = key();
    let mut deidentifier = Deidentifier::new(&key, today(), Dates::Year);
    let all = resources();
    all.iter().for_each(|resource| deidentifier.learn(resource));
    let cleaned: Vec<Value> =
        all.iter().filter_map(|resource| deidentifier.clean(resource)).collect();
    assert_eq!(cleaned.len(), 4);
    let (patient, observation, condition, encounter) =
        (&cleaned[0], &cleaned[1], &cleaned[2], &cleaned[3]);
    assert_eq!(patient["birthDate"], "1970");
    assert_eq!(patient["gender"], "female");
    assert_eq!(
        patient["address"],
        json!([{ "country": "US", "state": "MA", "postalCode": "021" }])
    );
    assert_eq!(patient["extension"][0]["extension"][0]["valueCoding"]["code"], "2106-3");
    let person = format!("Patient/{}", patient["id"].as_str().unwrap());
    assert_eq!(observation["subject"]["reference"], person.as_str());
    assert_eq!(observation["code"]["coding"][0]["code"], "4548-4");
    assert_eq!(observation["valueQuantity"]["value"], 6.176);
    assert_eq!(
        observation["encounter"]["reference"],
        format!("urn:uuid:{}", encounter["id"].as_str().unwrap())
    );
    assert_eq!(condition["code"]["coding"][0]["code"], "44054006");
    assert_eq!(condition["abatementAge"]["value"], 90);
    assert_eq!(condition["subject"]["reference"], person.as_str());
    assert_eq!(encounter["period"], json!({ "start": "2019", "end": "2019" }));
    assert_eq!(encounter["class"]["code"], "AMB");
}
