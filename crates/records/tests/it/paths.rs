//! What paths find, and which are refused before any record is read.

use caduceus_records::{CompiledView, RecordsError, ViewError};
use serde_json::{Value, json};

use crate::support::rows;

/// A view of one column for the values of a path, however many there are.
fn view_of(resource: &str, column: Value) -> Result<CompiledView, ViewError> {
    let view = json!({ "resource": resource, "select": [{ "column": [column] }] });
    CompiledView::parse(&view.to_string()).map_err(|error| match error {
        RecordsError::View(error) => error,
        other => panic!("a view is refused as a view: {other}"),
    })
}

/// What a path finds in a resource, as texts.
fn found(path: &str, resource: &Value) -> Value {
    let kind = resource["resourceType"].as_str().unwrap();
    let column = json!({ "name": "v", "path": path, "type": "string", "collection": true });
    let view = view_of(kind, column).unwrap_or_else(|error| panic!("{path}: {error}"));
    let table = view.run([resource.to_string().as_str()]);
    rows(&table.unwrap_or_else(|error| panic!("{path}: {error}")))[0]["v"].clone()
}

/// A patient with two names.
fn patient() -> Value {
    json!({ "resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1970-06-01", "active": true,
        "name": [{ "family": "A", "given": ["x", "y"] }, { "family": "B", "given": ["x"] }],
        "link": [{ "type": "seealso" }, { "type": "seealso" }] })
}

#[test]
fn texts_that_are_not_there_are_joined_to_the_empty_text_as_in_the_official_suite() {
    for (path, wanted) in [
        ("name.suffix.join(',')", json!([""])),
        ("{}.join()", json!([""])),
        ("name.given.join(',')", json!(["x,y,x"])),
        ("(name.family | '').join('-')", json!(["A-B-"])),
    ] {
        assert_eq!(found(path, &patient()), wanted, "{path}");
    }
}

#[test]
fn a_column_of_whole_numbers_and_decimals_is_one_of_decimals() {
    for (path, of) in [
        ("iif(active, 1, 1.5)", "decimal"),
        ("iif(active, 1.5, name.count())", "decimal"),
        ("iif(active, 1, telecom.first().rank)", "integer"),
        ("(multipleBirth.ofType(integer) | 0.5).first()", "decimal"),
        ("telecom.first().rank | telecom.last().rank", "positiveInt"),
        // What has nothing in common but that it can be written is a text.
        ("iif(active, 1, 'x')", "string"),
        ("iif(active, 1, birthDate)", "string"),
    ] {
        let view = view_of("Patient", json!({ "name": "v", "path": path })).unwrap();
        assert_eq!(view.columns()[0].of, of, "{path}");
    }
    let view = view_of("Patient", json!({ "name": "v", "path": "iif(active, 1, 1.5)" })).unwrap();
    let records = [patient().to_string(), json!({ "resourceType": "Patient" }).to_string()];
    let table = view.run(records.iter().map(String::as_str)).unwrap();
    assert_eq!(json!(rows(&table)), json!([{ "v": 1.0 }, { "v": 1.5 }]));
}

#[test]
fn a_repeat_adds_what_is_not_there_yet_and_so_it_ends() {
    let mut person = patient();
    person["link"][0]["link"] = json!([{ "type": "seealso", "link": [{ "type": "refer" }] }]);
    for (path, wanted) in [
        ("name.given.repeat($this)", json!(["x", "y"])),
        ("name.repeat($this).count()", json!(["2"])),
        ("1.repeat($this)", json!(["1"])),
        ("0.repeat(($this + 1) mod 3)", json!(["1", "2", "0"])),
        ("$this.repeat(%resource).count()", json!(["1"])),
        ("name.repeat(given)", json!(["x", "y"])),
        // Two elements that say the same are still two.
        ("repeat(link).count()", json!(["4"])),
        ("repeat(link).type", json!(["seealso", "seealso", "refer", "seealso"])),
        ("repeat(link).repeat(link).count()", json!(["2"])),
    ] {
        assert_eq!(found(path, &person), wanted, "{path}");
    }
    let column = json!({ "name": "v", "path": "1.repeat($this + 1).count()" });
    let view = view_of("Patient", column).unwrap();
    let error = view.run([person.to_string().as_str()]).unwrap_err();
    assert!(error.to_string().contains("a repeat that does not end"), "{error}");
}

#[test]
fn a_constant_has_the_form_of_its_type() {
    let constant = |key: &str, value: &Value| {
        json!({ "resource": "Patient", "constant": [{ "name": "c", key: value }],
            "select": [{ "column": [{ "name": "v", "path": "%c" }] }] })
    };
    for (key, right, wrong) in [
        (
            "valueInteger",
            json!([-2_147_483_648_i64, 2_147_483_647]),
            json!(["5", 2_147_483_648_i64, 1.5, 1.0]),
        ),
        ("valuePositiveInt", json!([1, 2_147_483_647]), json!([0, "1", 2_147_483_648_i64])),
        ("valueUnsignedInt", json!([0]), json!([-1, "0"])),
        (
            "valueInteger64",
            json!(["9007199254740993", 9_007_199_254_740_993_i64]),
            json!(["x", 1.5]),
        ),
        ("valueDecimal", json!([1, 1.5]), json!(["1.5", true])),
        ("valueBoolean", json!([true]), json!(["true", 1])),
        (
            "valueDate",
            json!(["2020", "2020-02", "2020-02-29"]),
            json!(["2020-01-01T00:00:00Z", "2020T", "2021-02-29", 2020]),
        ),
        (
            "valueDateTime",
            json!(["2020", "2020-02-29", "2020-01-01T00:00:00Z", "2020-01-01T00:00:00.5+02:00"]),
            json!(["2020-01-01T00:00", "2020-01-01T00:00:00", "2020-01-01T", "x"]),
        ),
        (
            "valueInstant",
            json!(["2020-01-01T00:00:00Z"]),
            json!(["2020-01-01", "2020-01-01T00:00:00"]),
        ),
        ("valueTime", json!(["12:00:00"]), json!(["25:00:00", "T12:00"])),
        ("valueId", json!(["a-1.B"]), json!(["bad id", "", "a_b", "a".repeat(65)])),
        ("valueCode", json!(["final", "in progress"]), json!(["", " a", "a ", "a  b", 1])),
        ("valueUri", json!(["urn:x", "http://x/y|1"]), json!(["a b", 1])),
        (
            "valueUuid",
            json!(["urn:uuid:c757873d-ec9a-4326-a141-556f43239520"]),
            json!(["c757873d-ec9a-4326-a141-556f43239520", "urn:uuid:c757873d"]),
        ),
        (
            "valueOid",
            json!(["urn:oid:1.2.36"]),
            json!(["1.2.36", "urn:oid:3.1", "urn:oid:1", "urn:oid:1..2"]),
        ),
        ("valueString", json!(["", " any text "]), json!([5])),
        ("valueQuantity", json!([]), json!([{ "value": 1 }])),
    ] {
        for value in right.as_array().unwrap() {
            CompiledView::parse(&constant(key, value).to_string())
                .unwrap_or_else(|error| panic!("{key} {value}: {error}"));
        }
        for value in wrong.as_array().unwrap() {
            let Err(RecordsError::View(error)) =
                CompiledView::parse(&constant(key, value).to_string())
            else {
                panic!("{key} {value} was taken");
            };
            assert_eq!(error.pointer, format!("/constant/0/{key}"), "{value}");
        }
    }
}

/// Where and why a path is refused.
fn refused(resource: &str, path: &str) -> ViewError {
    let column = json!({ "name": "v", "path": path });
    match view_of(resource, column) {
        Ok(_) => panic!("{path} was taken"),
        Err(error) => error,
    }
}

#[test]
fn a_type_that_there_is_not_is_refused_where_it_stands() {
    for (path, at, meant) in [
        ("value.ofType(Quantiy).value", 13, "Quantity is probably meant"),
        ("value is Foo", 9, "no type named Foo"),
        ("value.is(Foo)", 9, "no type named Foo"),
        ("(value as quantity).unit", 10, "Quantity is probably meant"),
        ("value.ofType(datetime)", 13, "dateTime is probably meant"),
        ("value.ofType(System.Patient)", 13, "in System"),
        ("value.ofType(FHIR.String)", 13, "string is probably meant"),
        ("subject.getReferenceKey(Patients)", 24, "Patient is probably meant"),
        ("subject.getReferenceKey('Patients')", 24, "Patient is probably meant"),
        ("contained.where($this is Organisation).name", 25, "Organization is probably meant"),
    ] {
        let error = refused("Observation", path);
        assert_eq!((error.pointer.as_str(), error.offset), ("/select/0/column/0/path", Some(at)));
        assert!(error.reason.contains(meant), "{path}: {}", error.reason);
    }
    for path in [
        "value.ofType(FHIR.Quantity).value",
        "value.ofType(System.String)",
        "value.ofType(String)",
        "value.ofType(`Quantity`).value",
        "value is xhtml",
        "extension('u').value.ofType(UsageContext).code",
        "contained.ofType(ActorDefinition).name",
        "contained.where($this is DomainResource).id",
    ] {
        view_of("Observation", json!({ "name": "v", "path": path })).unwrap();
    }
}

#[test]
fn what_fhir_defines_to_be_of_one_type_is_of_no_other() {
    let mut patient = patient();
    patient["contact"] = json!([{ "name": { "family": "C" } }]);
    patient["contained"] = json!([{ "resourceType": "Organization", "name": "O", "contact": [{ "name": { "family": "D" } }] }]);
    patient["unheard"] = json!({ "part": 1 });
    patient["extension"] = json!([{ "url": "u", "valueContactDetail": { "name": "E" } },
        { "url": "v", "valueUsageContext": { "code": { "code": "age" } } }]);
    let (yes, no) = (json!(["true"]), json!(["false"]));
    for (path, wanted) in [
        ("name.ofType(Address).count()", json!(["0"])),
        ("name.ofType(HumanName).family", json!(["A", "B"])),
        ("Patient.name.ofType(HumanName).family", json!(["A", "B"])),
        ("name.ofType(Patient).family", json!([])),
        ("name.first() is Address", no.clone()),
        ("name.first() is HumanName", yes.clone()),
        ("name.first() is Element", yes.clone()),
        ("name.where($this is Address).family", json!([])),
        ("name.where($this is HumanName).family", json!(["A", "B"])),
        ("photo.first() is Attachment", json!([])),
        ("contact.name.ofType(HumanName).family", json!(["C"])),
        ("contact.name.ofType(Coding).family", json!([])),
        ("contact.ofType(BackboneElement).name.family", json!(["C"])),
        ("gender is code", yes.clone()),
        ("gender is string", yes.clone()),
        ("gender is date", no.clone()),
        ("gender.ofType(date)", json!([])),
        ("id is id", yes.clone()),
        ("birthDate is string", no.clone()),
        ("$this is Patient", yes.clone()),
        ("$this is Resource", yes.clone()),
        ("$this is Observation", no.clone()),
        ("name.first().iif($this is HumanName, family, 'none')", json!(["A"])),
        ("name.first().iif($this is Patient, 'all', family)", json!(["A"])),
        ("iif($this is Patient, gender, 'none')", json!(["female"])),
        ("contained.ofType(Organization).name", json!(["O"])),
        ("contained.ofType(Organization).contact.name.ofType(HumanName).family", json!(["D"])),
        ("contained.ofType(Patient).name", json!([])),
        ("extension('u').value.ofType(ContactDetail).name", json!(["E"])),
        ("extension('v').value.ofType(UsageContext).code.code", json!(["age"])),
        ("name.repeat($this | period).ofType(Period).start", json!([])),
        ("(name | contact).ofType(HumanName).family", json!(["A", "B"])),
        // Of what FHIR does not define, anything may be.
        ("unheard.ofType(HumanName).part", json!(["1"])),
        ("unheard.ofType(Patient).part", json!([])),
    ] {
        assert_eq!(found(path, &patient), wanted, "{path}");
    }
}

#[test]
fn what_can_never_be_ordered_or_calculated_with_is_refused() {
    for path in [
        "id > 1",
        "gender > 1",
        "1 <= gender",
        "birthDate > 'hello'",
        "'hello' < birthDate",
        "birthDate > '12:30'",
        "deceased.ofType(dateTime) < 'hello'",
        "name.period.start.first() > 'hello'",
        "name.family + 1",
        "name.first().family - 1",
        "name > 1",
        "name.first() < name.last()",
        "name.where(use > 1).exists()",
        "name.first().iif(family > 1, 1, 2)",
        "contact.name.first().family * 2",
        "contact > 1",
        "$this > 1",
        "extension('u').url > 1",
        "extension('u').value.ofType(Quantity) > 1",
        "telecom.first().value > 1",
        "-gender",
        "-name.first()",
        "meta.versionId > 1",
    ] {
        let error = refused("Patient", path);
        assert_eq!(error.pointer, "/select/0/column/0/path", "{path}");
    }
    for path in [
        "id > '1'",
        "id.toInteger() > 1",
        "birthDate > '1970'",
        "birthDate > '1970-01-01'",
        "birthDate > name.first().text",
        "deceased.ofType(dateTime) < '2020-01-01T00:00:00Z'",
        "name.first().family + 'x'",
        "name.first().family > name.last().family",
        "name.count() > 1",
        "extension('u').value > 1",
        "extension('u').value.ofType(Quantity).value > 1",
        "extension('u').value.ofType(time) > '12:30'",
        "unheard > 1",
        "unheard.name > 1",
        "contained.name > 1",
        "name.first().period.lowBoundary() > @2020-01-01",
        "name.repeat($this | period.start).first() > 1",
        "-telecom.first().rank",
    ] {
        view_of("Patient", json!({ "name": "v", "path": path }))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

#[test]
fn what_has_no_boundary_is_refused_where_its_type_is_known() {
    for path in [
        "value.ofType(Quantity).lowBoundary()",
        "code.highBoundary()",
        "status.lowBoundary()",
        "id.lowBoundary()",
        "value.ofType(boolean).lowBoundary()",
        "value.ofType(string).highBoundary()",
        "component.lowBoundary()",
        "(status = 'final').lowBoundary()",
        "'a'.lowBoundary()",
    ] {
        let error = refused("Observation", path);
        assert_eq!(error.pointer, "/select/0/column/0/path", "{path}");
        assert!(error.reason.contains("no boundary"), "{path}: {}", error.reason);
    }
    for path in [
        "value.lowBoundary()",
        "value.ofType(Quantity).value.lowBoundary()",
        "value.ofType(Period).lowBoundary()",
        "effective.ofType(dateTime).lowBoundary()",
        "issued.lowBoundary()",
        "value.ofType(time).lowBoundary()",
        "value.ofType(integer).lowBoundary()",
        "'2020'.lowBoundary()",
        "issued.toString().substring(0, 4).lowBoundary()",
        "unheard.lowBoundary()",
    ] {
        view_of("Observation", json!({ "name": "v", "path": path }))
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}
