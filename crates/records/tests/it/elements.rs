//! What FHIR's definitions say of elements: which are choices of types, of what types they are, and what primitives have
//! besides their values.

use caduceus_records::CompiledView;
use serde_json::{Value, json};

use crate::support::rows;

/// What the one column of a view, of no declared type, has for a resource.
fn value(path: &str, resource: &Value) -> Value {
    let column = json!({ "name": "v", "path": path });
    column_of(column, resource)
}

/// All that a path finds in a resource, as texts.
fn values(path: &str, resource: &Value) -> Value {
    column_of(json!({ "name": "v", "path": path, "collection": true, "type": "string" }), resource)
}

fn column_of(column: Value, resource: &Value) -> Value {
    let view =
        json!({ "resource": resource["resourceType"], "select": [{ "column": [column.clone()] }] });
    let view = CompiledView::parse(&view.to_string());
    let view = view.unwrap_or_else(|error| panic!("{column}: {error}"));
    let table = view.run([resource.to_string().as_str()]);
    let table = table.unwrap_or_else(|error| panic!("{column} {resource}: {error}"));
    rows(&table)[0]["v"].clone()
}

/// A resource of a type with one member.
fn with(kind: &str, name: &str, member: Value) -> Value {
    json!({ "resourceType": kind, "id": "r", name: member })
}

#[test]
fn an_element_that_is_not_there_is_not_read_from_another_whose_name_begins_alike() {
    let codes = json!([{ "coding": [{ "system": "http://snomed.info/sct", "code": "22298006" }] }]);
    for (kind, name, member, path) in [
        ("DiagnosticReport", "conclusionCode", codes.clone(), "conclusion"),
        ("ExplanationOfBenefit", "preAuthRefPeriod", json!([{ "start": "2020" }]), "preAuthRef"),
        ("ClaimResponse", "formCode", codes[0].clone(), "form"),
        ("Coverage", "subscriberId", json!("s"), "subscriber"),
        ("DeviceDefinition", "languageCode", codes.clone(), "language"),
        ("NutritionOrder", "instantiatesUri", json!(["u"]), "instantiates"),
        ("NutritionOrder", "instantiatesCanonical", json!(["u"]), "instantiates"),
        ("Observation", "referenceRange", json!([{ "text": "r" }]), "reference"),
        ("PaymentNotice", "paymentDate", json!("2020"), "payment"),
        ("VerificationResult", "statusDate", json!("2020"), "status"),
        ("Consent", "dateTime", json!("2020"), "date"),
        ("QuestionnaireResponse", "linkId", json!("1"), "link"),
    ] {
        let resource = with(kind, name, member);
        assert_eq!(value(path, &resource), Value::Null, "{kind}.{path}");
        assert_eq!(value(&format!("{path}.exists()"), &resource), false, "{kind}.{path}");
        assert_eq!(value(&format!("{name}.exists()"), &resource), true, "{kind}.{name}");
    }
    let subunit = json!([{ "sequenceAttachment": { "url": "u" } }]);
    assert_eq!(
        value("subunit.sequence", &with("SubstanceProtein", "subunit", subunit)),
        Value::Null
    );
    let extension = json!([{ "url": "u", "valueDateTime": "2020-01-01T00:00:00Z" }]);
    let patient = with("Patient", "extension", extension);
    assert_eq!(value("extension('u').valueDate", &patient), Value::Null);
    assert_eq!(value("extension('u').valueDateTime", &patient), "2020-01-01T00:00:00Z");
    assert_eq!(value("extension('u').value", &patient), "2020-01-01T00:00:00Z");
    // What no release here defines may be a choice, and what is one in one place need not be elsewhere.
    assert_eq!(value("unheard", &with("Patient", "unheardCode", json!("c"))), "c");
    assert_eq!(
        value("instantiates", &with("Observation", "instantiatesCanonical", json!("c"))),
        "c"
    );
}

#[test]
fn an_element_has_the_type_that_its_place_gives_it() {
    let big = json!("9007199254740993");
    for (kind, name, member, path, wanted) in [
        (
            "SubstanceNucleicAcid",
            "subunit",
            json!([{ "sequence": "ACGT" }]),
            "subunit.sequence",
            json!("ACGT"),
        ),
        (
            "DocumentReference",
            "content",
            json!([{ "attachment": { "size": "12345" } }]),
            "content.attachment.size",
            json!(12345),
        ),
        (
            "DocumentReference",
            "content",
            json!([{ "attachment": { "size": 12345 } }]),
            "content.attachment.size",
            json!(12345),
        ),
        (
            "DocumentReference",
            "content",
            json!([{ "attachment": { "size": 12345 } }]),
            "content.attachment.size.ofType(unsignedInt)",
            json!(12345),
        ),
        (
            "DeviceDefinition",
            "correctiveAction",
            json!({ "recall": true }),
            "correctiveAction.recall",
            json!(true),
        ),
        ("Consent", "date", json!("2020-01-31"), "date.ofType(date)", json!("2020-01-31")),
        ("Consent", "date", json!("2020-01-31"), "date.highBoundary()", json!("2020-01-31")),
        (
            "Extension",
            "extension",
            json!([{ "url": "u", "valueInteger64": big }]),
            "extension('u').valueInteger64",
            json!(9_007_199_254_740_993_i64),
        ),
        (
            "SubscriptionStatus",
            "eventsSinceSubscriptionStart",
            json!("7"),
            "eventsSinceSubscriptionStart",
            json!(7),
        ),
        (
            "Observation",
            "effectivePeriod",
            json!({ "end": "2010-10-10" }),
            "effective.end.highBoundary()",
            json!("2010-10-10T23:59:59.999-12:00"),
        ),
        (
            "Consent",
            "dateTime",
            json!("2010-10-10"),
            "dateTime.highBoundary()",
            json!("2010-10-10T23:59:59.999-12:00"),
        ),
        (
            "Claim",
            "procedure",
            json!([{ "date": "2010-10-10" }]),
            "procedure.date.lowBoundary()",
            json!("2010-10-10T00:00:00.000+14:00"),
        ),
        (
            "AllergyIntolerance",
            "reaction",
            json!([{ "onset": "2010-10-10" }]),
            "reaction.onset.lowBoundary()",
            json!("2010-10-10T00:00:00.000+14:00"),
        ),
        ("Questionnaire", "item", json!([{ "required": true }]), "item.required", json!(true)),
        ("Claim", "total", json!({ "value": 9.99 }), "total.value", json!(9.99)),
        ("Condition", "onsetAge", json!({ "value": 5 }), "onset.value", json!(5.0)),
        (
            "Observation",
            "valueSampledData",
            json!({ "period": 10 }),
            "value.ofType(SampledData).period",
            json!(10.0),
        ),
    ] {
        let kind = if kind == "Extension" { "Basic" } else { kind };
        assert_eq!(value(path, &with(kind, name, member)), wanted, "{kind}: {path}");
    }
}

#[test]
fn a_type_that_an_element_has_elsewhere_says_nothing_against_the_one_it_is_of() {
    let created = with("Media", "createdPeriod", json!({ "start": "2020", "end": "2021" }));
    let date = json!([{ "datePeriod": { "start": "2020" } }]);
    let case = json!({ "datePeriod": { "start": "2020" } });
    let goal = with("Goal", "statusDate", json!("2020-01-31"));
    let related = json!([{ "publicationDate": "2020-01-31" }]);
    for (path, resource, wanted) in [
        ("created.ofType(Period).start", &created, json!("2020")),
        ("created is Period", &created, json!(true)),
        ("(created as Period).end", &created, json!("2021")),
        (
            "procedure.date.ofType(Period).start",
            &with("MedicinalProductAuthorization", "procedure", date),
            json!("2020"),
        ),
        (
            "case.date.ofType(Period).start",
            &with("RegulatedAuthorization", "case", case),
            json!("2020"),
        ),
        (
            "%resource.date.ofType(instant)",
            &with("DocumentReference", "date", json!("2020-01-01T00:00:00Z")),
            json!("2020-01-01T00:00:00Z"),
        ),
        ("%resource.statusDate.ofType(date)", &goal, json!("2020-01-31")),
        ("%resource.statusDate.highBoundary()", &goal, json!("2020-01-31")),
        (
            "contained.where($this is Goal).statusDate.highBoundary()",
            &with("Basic", "contained", json!([goal])),
            json!("2020-01-31"),
        ),
        (
            "%resource.created.ofType(date)",
            &with("Basic", "created", json!("2020-01-31")),
            json!("2020-01-31"),
        ),
        (
            "created.ofType(dateTime).highBoundary()",
            &with("Basic", "created", json!("2020-01-31")),
            json!("2020-01-31T23:59:59.999-12:00"),
        ),
        (
            "relatedArtifact.publicationDate.ofType(date)",
            &with("Library", "relatedArtifact", related),
            json!("2020-01-31"),
        ),
        (
            "compose.exclude.ofType(BackboneElement).system",
            &with("ValueSet", "compose", json!({ "exclude": [{ "system": "s" }] })),
            json!("s"),
        ),
        ("text.div is xhtml", &with("Patient", "text", json!({ "div": "<div/>" })), json!(true)),
        (
            "text.div.ofType(xhtml)",
            &with("Patient", "text", json!({ "div": "<div/>" })),
            json!("<div/>"),
        ),
        ("birthDate is Element", &with("Patient", "birthDate", json!("2020")), json!(true)),
    ] {
        assert_eq!(value(path, resource), wanted, "{path}");
    }
    // Within a forEach %resource is still the view's resource.
    let view = json!({ "resource": "Goal", "select": [{ "forEach": "target", "column": [
        { "name": "v", "path": "%resource.statusDate.highBoundary()" },
    ] }] });
    let goal = json!({ "resourceType": "Goal", "statusDate": "2020-01", "target": [{}] });
    let table = CompiledView::parse(&view.to_string()).unwrap().run([goal.to_string().as_str()]);
    assert_eq!(rows(&table.unwrap())[0]["v"], "2020-01-31");
}

/// A patient some of whose primitives have an id, extensions, or nothing but these.
fn marked() -> Value {
    json!({ "resourceType": "Patient", "birthDate": "1980-05-06",
        "_birthDate": { "id": "b1", "extension": [{ "url": "http://bt", "valueDateTime": "1980-05-06T10:00:00Z" }] },
        "_gender": { "extension": [{ "url": "dar", "valueCode": "unknown" }] },
        "_deceasedBoolean": { "extension": [{ "url": "dar", "valueCode": "asked" }] },
        "name": [{ "given": [null, "B"],
            "_given": [{ "id": "g", "extension": [{ "url": "dar", "valueCode": "masked" }] }, null] }] })
}

#[test]
fn a_primitive_has_an_id_and_extensions_as_any_element() {
    for (path, wanted) in [
        (
            "birthDate.extension.where(url = 'http://bt').value.ofType(dateTime)",
            json!(["1980-05-06T10:00:00Z"]),
        ),
        ("birthDate.extension('http://bt').value", json!(["1980-05-06T10:00:00Z"])),
        ("birthDate.extension.exists()", json!(["true"])),
        ("birthDate.id", json!(["b1"])),
        ("birthDate.where(id = 'b1')", json!(["1980-05-06"])),
        ("birthDate.ofType(date).extension.value", json!(["1980-05-06T10:00:00Z"])),
        ("(birthDate | gender).extension.url", json!(["http://bt", "dar"])),
        ("name.given.id", json!(["g"])),
        ("name.given.first().extension.value", json!(["masked"])),
        ("deceased.ofType(boolean).extension('dar').value", json!(["asked"])),
        ("deceased.extension('dar').value", json!(["asked"])),
        ("birthDate.extension.id", json!([])),
    ] {
        assert_eq!(values(path, &marked()), wanted, "{path}");
    }
}

#[test]
fn a_primitive_without_a_value_exists_and_is_nothing_where_a_value_is_asked() {
    for (path, wanted) in [
        ("gender.exists()", json!(["true"])),
        ("gender.empty()", json!(["false"])),
        ("gender.hasValue()", json!(["false"])),
        ("gender.count()", json!(["1"])),
        ("gender", json!([])),
        ("gender = 'male'", json!([])),
        ("gender & 'x'", json!(["x"])),
        ("gender.upper()", json!([])),
        ("deceased.exists()", json!(["true"])),
        ("deceased is boolean", json!([])),
        ("iif(deceased, 'yes', 'no')", json!(["no"])),
        ("name.given", json!(["B"])),
        ("name.given[1]", json!(["B"])),
        ("name.given[0]", json!([])),
        ("name.given.first()", json!([])),
        ("name.given.last()", json!(["B"])),
        ("name.given.count()", json!(["2"])),
        ("name.given.join(',')", json!(["B"])),
        ("name.given = 'B'", json!(["true"])),
        ("name.given.where($this = 'B')", json!(["B"])),
        ("name.given.where(extension.exists()).count()", json!(["1"])),
        ("name.given.repeat($this).count()", json!(["2"])),
        ("name.given.distinct().count()", json!(["2"])),
        ("maritalStatus.exists()", json!(["false"])),
    ] {
        assert_eq!(values(path, &marked()), wanted, "{path}");
    }
    assert_eq!(value("name.given", &marked()), "B", "one value, whatever else there is");
    assert_eq!(value("gender", &marked()), Value::Null);
    let view = json!({ "resource": "Patient", "select": [{ "forEach": "name.given", "column": [
        { "name": "v", "path": "$this" }, { "name": "why", "path": "extension('dar').value.ofType(code)" },
    ] }] });
    let table = CompiledView::parse(&view.to_string()).unwrap();
    let table = table.run([marked().to_string().as_str()]).unwrap();
    let wanted = json!([{ "v": null, "why": "masked" }, { "v": "B", "why": null }]);
    assert_eq!(json!(rows(&table)), wanted);
}

#[test]
fn a_criterion_that_is_a_single_value_counts_as_true() {
    let patient = json!({ "resourceType": "Patient", "deceasedDateTime": "2020",
        "name": [{ "family": "A", "period": { "start": "2020" } }, { "family": "B" }] });
    for (path, wanted) in [
        ("name.where(period).family", json!("A")),
        ("name.exists(period)", json!(true)),
        ("name.all(family)", json!(true)),
        ("iif(deceased, 1, 0)", json!(1)),
        ("iif(gender, 1, 0)", json!(0)),
    ] {
        assert_eq!(value(path, &patient), wanted, "{path}");
    }
}

#[test]
fn a_text_is_a_number_only_where_it_is_written_as_one() {
    let patient = json!({ "resourceType": "Patient" });
    for (text, integer, decimal) in [
        ("-", Value::Null, Value::Null),
        ("", Value::Null, Value::Null),
        ("+", Value::Null, Value::Null),
        ("1.0", Value::Null, json!(1.0)),
        ("5.", Value::Null, Value::Null),
        (".5", Value::Null, Value::Null),
        ("1e3", Value::Null, Value::Null),
        ("+5", json!(5), json!(5.0)),
        ("-07", json!(-7), json!(-7.0)),
        ("--5", Value::Null, Value::Null),
        ("+-5", Value::Null, Value::Null),
        ("-1.50", Value::Null, json!(-1.5)),
    ] {
        assert_eq!(value(&format!("'{text}'.toInteger()"), &patient), integer, "{text}");
        assert_eq!(value(&format!("'{text}'.toDecimal()"), &patient), decimal, "{text}");
    }
}

#[test]
fn a_number_of_many_digits_is_compared_all_the_same() {
    let long = format!("3.{}", "14159265".repeat(8));
    for number in ["1e-30", &long] {
        let text =
            format!(r#"{{"resourceType":"Observation","valueQuantity":{{"value":{number}}}}}"#);
        let view = json!({ "resource": "Observation",
            "where": [{ "path": "value.ofType(Quantity).value > -1" }],
            "select": [{ "column": [{ "name": "v", "path": "value.ofType(Quantity).value" }] }] });
        let table = CompiledView::parse(&view.to_string()).unwrap().run([text.as_str()]).unwrap();
        assert_eq!(rows(&table)[0]["v"], json!(number.parse::<f64>().unwrap()));
    }
}

#[test]
fn quantities_of_one_unit_have_an_order() {
    let observation = |unit: &str, code: Option<&str>| {
        let mut low = json!({ "value": 3.5, "unit": unit });
        if let Some(code) = code {
            (low["code"], low["system"]) = (json!(code), json!("http://unitsofmeasure.org"));
        }
        let mut value = low.clone();
        value["value"] = json!(10);
        json!({ "resourceType": "Observation", "valueQuantity": value, "referenceRange": [{ "low": low }],
            "component": [{ "valueQuantity": { "value": 1, "unit": "other" } }] })
    };
    for resource in [observation("mg", None), observation("mg", Some("mg"))] {
        for (path, wanted) in [
            ("value.ofType(Quantity) > referenceRange.first().low", json!(true)),
            ("value.ofType(Quantity) <= referenceRange.first().low", json!(false)),
            ("value > referenceRange.low", json!(true)),
            ("value.ofType(Quantity) > component.value.ofType(Quantity)", Value::Null),
        ] {
            assert_eq!(value(path, &resource), wanted, "{path}");
        }
    }
}

#[test]
fn a_date_or_time_of_the_view_is_put_out_as_it_is_written() {
    for (of, written) in [
        ("Instant", "2020-01-02T03:04:05.6789Z"),
        ("Instant", "2020-01-02T03:04:05.000+00:00"),
        ("DateTime", "2020-01"),
        ("Time", "10:00:00.10"),
    ] {
        let view = json!({ "resource": "Patient", "constant": [{ "name": "c", format!("value{of}"): written }],
            "select": [{ "column": [{ "name": "v", "path": "%c" }] }] });
        let table = CompiledView::parse(&view.to_string()).unwrap();
        let table = table.run([r#"{"resourceType":"Patient"}"#]).unwrap();
        assert_eq!(rows(&table)[0]["v"], written);
    }
    let patient = json!({ "resourceType": "Patient" });
    for (path, wanted) in [
        ("@T10:00:00.10", json!("10:00:00.10")),
        ("@2020-01-02T", json!("2020-01-02")),
        ("@T10:00:00.1239 > @T10:00:00.1234", json!(true)),
        ("@2020-01-01T10:00:00.1239Z = @2020-01-01T10:00:00.1234Z", json!(false)),
        ("@2020-01-01T10:00:00.10Z = @2020-01-01T10:00:00.1Z", json!(true)),
        ("@T10:00:00.1239.lowBoundary()", json!("10:00:00.123")),
    ] {
        assert_eq!(value(path, &patient), wanted, "{path}");
    }
}

#[test]
fn a_path_may_begin_with_a_type_that_all_resources_are_of() {
    let patient = json!({ "resourceType": "Patient", "id": "p", "birthDate": "2020", "text": { "status": "empty" },
        "managingOrganization": { "reference": "urn:uuid:1",
            "type": "http://hl7.org/fhir/StructureDefinition/Organization" } });
    for (path, wanted) in [
        ("Resource.id", json!("p")),
        ("DomainResource.text.status", json!("empty")),
        ("Resource.birthDate.ofType(date)", json!("2020")),
        ("Patient.id", json!("p")),
        ("managingOrganization.getReferenceKey(Organization)", json!("1")),
        ("managingOrganization.getReferenceKey(Resource)", json!("1")),
        ("managingOrganization.getReferenceKey(DomainResource)", json!("1")),
        ("managingOrganization.getReferenceKey(Patient)", Value::Null),
    ] {
        assert_eq!(value(path, &patient), wanted, "{path}");
    }
    for path in ["managingOrganization.getReferenceKey(Quantity)", "id.getReferenceKey('Quantity')"]
    {
        let view = json!({ "resource": "Patient", "select": [{ "column": [{ "name": "v", "path": path }] }] });
        let error = CompiledView::parse(&view.to_string()).unwrap_err().to_string();
        assert!(error.contains("Quantity is no type of resources"), "{error}");
    }
}

#[test]
fn a_view_may_be_of_any_release_and_have_extensions_of_its_own_primitives() {
    for resource in ["BodySite", "MolecularDefinition", "Sequence", "DeviceAlert"] {
        let view = json!({ "resource": resource, "_name": { "id": "n" }, "select": [{
            "_forEach": { "id": "f" }, "column": [{ "name": "v", "path": "id", "_description": { "extension": [] } }] }] });
        CompiledView::parse(&view.to_string()).unwrap();
    }
    let wrong = json!({ "resource": "Patient", "select": [{ "_unheard": {}, "column": [{ "name": "v", "path": "id" }] }] });
    assert!(CompiledView::parse(&wrong.to_string()).is_err());
}

#[test]
fn the_index_of_the_row_that_is_made_of_nothing_is_zero_whatever_the_column() {
    let view = json!({ "resource": "Patient", "select": [{ "forEachOrNull": "name", "column": [
        { "name": "plain", "path": "%rowIndex" },
        { "name": "text", "path": "%rowIndex", "type": "string" },
        { "name": "next", "path": "%rowIndex + 1" },
        { "name": "list", "path": "%rowIndex", "collection": true },
        { "name": "none", "path": "1" },
        { "name": "family", "path": "family" },
    ] }] });
    let table = CompiledView::parse(&view.to_string()).unwrap();
    let table = table.run([r#"{"resourceType":"Patient"}"#]).unwrap();
    let wanted =
        json!([{ "plain": 0, "text": "0", "next": 1, "list": [0], "none": null, "family": null }]);
    assert_eq!(json!(rows(&table)), wanted);
}

#[test]
fn a_list_of_values_may_be_long() {
    let codes: Vec<String> = (0..600).map(|code| format!("'{code}'")).collect();
    let list = codes.join(" | ");
    let patient = json!({ "resourceType": "Patient", "id": "599", "language": "x" });
    for (path, wanted) in [
        (format!("id in ({list})"), json!(true)),
        (format!("language in ({list})"), json!(false)),
        (format!("gender in ({list})"), Value::Null),
        (format!("({list}) contains id"), json!(true)),
        (format!("(id | {list}).count()"), json!(600)),
        (format!("(language | {list} | {list}).count()"), json!(601)),
    ] {
        assert_eq!(value(&path, &patient), wanted, "{}", &path[path.len() - 30..]);
    }
    assert_eq!(value("('b' | 'a' | 'b').join(',')", &patient), "b,a");
    assert_eq!(value("(1 | 1.0 | 2).count()", &patient), 2);
    assert_eq!(value("1.0 in (1 | 2)", &patient), true);
}
