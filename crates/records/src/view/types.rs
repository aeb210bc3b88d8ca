//! The types that FHIR knows, and those that its definitions give to elements without doubt, so that a misspelt type and
//! what can never be are refused when a view is compiled.
//!
//! From the definitions of FHIR R4 (4.0.1) and R5 (5.0.0). Where the two differ, an element has no type here.

use super::resources;

/// The types that an element `value[x]` can have (FHIR R4, 2.24.0.1 open type list, with those of later releases); those that
/// records have most come first, since that is the order of the search.
pub(crate) const CHOICE_TYPES: [&str; 59] = [
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
    "UsageContext",
    "Availability",
    "ExtendedContactDetail",
    "MonetaryComponent",
    "VirtualServiceDetail",
];

/// The other data types, and the abstract ones that data types and resources are of.
const OTHER_TYPES: [&str; 19] = [
    "BackboneElement",
    "BackboneType",
    "Base",
    "CanonicalResource",
    "DataType",
    "DomainResource",
    "Element",
    "ElementDefinition",
    "Extension",
    "MarketingStatus",
    "MetadataResource",
    "Narrative",
    "Population",
    "PrimitiveType",
    "ProdCharacteristic",
    "ProductShelfLife",
    "Resource",
    "SubstanceAmount",
    "xhtml",
];

/// Types that others are special cases of: what is known of an element says nothing against them.
const ABSTRACT: [&str; 10] = [
    "BackboneElement",
    "BackboneType",
    "Base",
    "CanonicalResource",
    "DataType",
    "DomainResource",
    "Element",
    "MetadataResource",
    "PrimitiveType",
    "Resource",
];

/// The types of FHIRPath itself (FHIRPath 2.0, 5.5; Long as in 3.0), with those of FHIR that JSON writes alike.
const SYSTEM_TYPES: [(&str, &str); 9] = [
    ("Boolean", "boolean"),
    ("Date", "date"),
    ("DateTime", "dateTime"),
    ("Decimal", "decimal"),
    ("Integer", "integer"),
    ("Long", "integer64"),
    ("Quantity", "Quantity"),
    ("String", "string"),
    ("Time", "time"),
];

/// The type of FHIR that a type specifier means: a name, and the namespace before it. `None` where there is no such type.
/// Capital letters count, as in all of FHIRPath.
pub(crate) fn resolve(namespace: Option<&str>, name: &str) -> Option<&'static str> {
    let fhir = || known(name);
    let system = || SYSTEM_TYPES.iter().find(|(system, _)| *system == name).map(|(_, of)| *of);
    match namespace {
        Some("System") => system(),
        Some(_) => fhir(),
        None => fhir().or_else(system),
    }
}

fn known(name: &str) -> Option<&'static str> {
    let mut types = CHOICE_TYPES.into_iter().chain(OTHER_TYPES);
    types.find(|known| *known == name).or_else(|| resources::known(name))
}

/// The type that a misspelt name probably means.
pub(crate) fn meant_by(name: &str) -> Option<&'static str> {
    let mut types = CHOICE_TYPES.into_iter().chain(OTHER_TYPES);
    types.find(|known| resources::is_close(name, known)).or_else(|| resources::meant_by(name))
}

/// Whether this is a type of resources, be it an abstract one.
pub(crate) fn is_resource(name: &str) -> bool {
    resources::is_known(name)
        || matches!(name, "Resource" | "DomainResource" | "CanonicalResource" | "MetadataResource")
}

/// The data type that another is a special case of (FHIR R4, 2.24).
pub(crate) fn parent_of(of: &str) -> Option<&'static str> {
    Some(match of {
        "code" | "id" | "markdown" => "string",
        "url" | "uuid" | "oid" | "canonical" => "uri",
        "positiveInt" | "unsignedInt" => "integer",
        "Age" | "Count" | "Distance" | "Duration" | "MoneyQuantity" | "SimpleQuantity" => {
            "Quantity"
        }
        _ => return None,
    })
}

/// Whether a value of the one type can be of the other as well.
pub(crate) fn may_be(known: &str, of: &str) -> bool {
    known == of
        // In another release it is another type of whole numbers.
        || (known == "integer64" && is_whole(of))
        || parent_of(known) == Some(of)
        || parent_of(of) == Some(known)
        || is_abstract(of)
        || is_abstract(known)
}

/// Whether the values of a type are whole numbers.
pub(crate) fn is_whole(of: &str) -> bool {
    matches!(of, "integer" | "positiveInt" | "unsignedInt" | "integer64")
}

/// Whether values of several types are of this one.
pub(crate) fn is_abstract(of: &str) -> bool {
    ABSTRACT.contains(&of)
}

/// Elements with parts, and those that JSON writes as plain text: the type that they stand in, a data type, a resource or
/// the path of an element with parts of its own; their type, in the same way; their names.
pub(super) const ELEMENTS: [(&str, &str, &str); 214] = [
    ("Address", "Period", "period"),
    ("Address", "code", "type use"),
    ("Address", "string", "city country district line postalCode state text"),
    ("Annotation", "markdown", "text"),
    ("Attachment", "base64Binary", "data hash"),
    ("Attachment", "code", "contentType language"),
    ("Attachment", "string", "title"),
    ("Attachment", "url", "url"),
    ("CodeableConcept", "Coding", "coding"),
    ("CodeableConcept", "string", "text"),
    ("Coding", "code", "code"),
    ("Coding", "string", "display version"),
    ("Coding", "uri", "system"),
    ("ContactPoint", "Period", "period"),
    ("ContactPoint", "code", "system use"),
    ("ContactPoint", "string", "value"),
    ("HumanName", "Period", "period"),
    ("HumanName", "code", "use"),
    ("HumanName", "string", "family given prefix suffix text"),
    ("Identifier", "CodeableConcept", "type"),
    ("Identifier", "Period", "period"),
    ("Identifier", "Reference", "assigner"),
    ("Identifier", "code", "use"),
    ("Identifier", "string", "value"),
    ("Identifier", "uri", "system"),
    ("Meta", "Coding", "security tag"),
    ("Meta", "canonical", "profile"),
    ("Meta", "id", "versionId"),
    ("Meta", "uri", "source"),
    ("Money", "code", "currency"),
    ("Narrative", "code", "status"),
    ("Narrative", "xhtml", "div"),
    ("Quantity", "code", "code comparator"),
    ("Quantity", "string", "unit"),
    ("Quantity", "uri", "system"),
    ("Range", "Quantity", "high low"),
    ("Ratio", "Quantity", "denominator numerator"),
    ("Reference", "Identifier", "identifier"),
    ("Reference", "string", "display reference"),
    ("Reference", "uri", "type"),
    ("Patient", "Address", "address"),
    ("Patient", "Attachment", "photo"),
    ("Patient", "CodeableConcept", "maritalStatus"),
    ("Patient", "ContactPoint", "telecom"),
    ("Patient", "HumanName", "name"),
    ("Patient", "Identifier", "identifier"),
    ("Patient", "Patient.communication", "communication"),
    ("Patient", "Patient.contact", "contact"),
    ("Patient", "Patient.link", "link"),
    ("Patient", "Reference", "generalPractitioner managingOrganization"),
    ("Patient", "code", "gender"),
    ("Patient.communication", "CodeableConcept", "language"),
    ("Patient.contact", "Address", "address"),
    ("Patient.contact", "CodeableConcept", "relationship"),
    ("Patient.contact", "ContactPoint", "telecom"),
    ("Patient.contact", "HumanName", "name"),
    ("Patient.contact", "Period", "period"),
    ("Patient.contact", "Reference", "organization"),
    ("Patient.contact", "code", "gender"),
    ("Patient.link", "Reference", "other"),
    ("Patient.link", "code", "type"),
    ("Practitioner", "Address", "address"),
    ("Practitioner", "Attachment", "photo"),
    ("Practitioner", "ContactPoint", "telecom"),
    ("Practitioner", "HumanName", "name"),
    ("Practitioner", "Identifier", "identifier"),
    ("Practitioner", "Practitioner.qualification", "qualification"),
    ("Practitioner", "code", "gender"),
    ("Practitioner.qualification", "CodeableConcept", "code"),
    ("Practitioner.qualification", "Identifier", "identifier"),
    ("Practitioner.qualification", "Period", "period"),
    ("Practitioner.qualification", "Reference", "issuer"),
    ("Organization", "Address", "address"),
    ("Organization", "CodeableConcept", "type"),
    ("Organization", "ContactPoint", "telecom"),
    ("Organization", "Identifier", "identifier"),
    ("Organization", "Reference", "endpoint partOf"),
    ("Organization", "string", "alias name"),
    ("Encounter", "CodeableConcept", "priority reasonCode type"),
    ("Encounter", "Duration", "length"),
    ("Encounter", "Encounter.classHistory", "classHistory"),
    ("Encounter", "Encounter.diagnosis", "diagnosis"),
    ("Encounter", "Encounter.hospitalization", "hospitalization"),
    ("Encounter", "Encounter.location", "location"),
    ("Encounter", "Encounter.participant", "participant"),
    ("Encounter", "Encounter.statusHistory", "statusHistory"),
    ("Encounter", "Identifier", "identifier"),
    ("Encounter", "Period", "period"),
    ("Encounter", "Reference", "account appointment basedOn episodeOfCare partOf"),
    ("Encounter", "Reference", "reasonReference serviceProvider subject"),
    ("Encounter", "code", "status"),
    ("Encounter.classHistory", "Coding", "class"),
    ("Encounter.classHistory", "Period", "period"),
    ("Encounter.diagnosis", "CodeableConcept", "use"),
    (
        "Encounter.hospitalization",
        "CodeableConcept",
        "admitSource dietPreference dischargeDisposition reAdmission",
    ),
    ("Encounter.hospitalization", "CodeableConcept", "specialArrangement specialCourtesy"),
    ("Encounter.hospitalization", "Identifier", "preAdmissionIdentifier"),
    ("Encounter.hospitalization", "Reference", "destination origin"),
    ("Encounter.location", "CodeableConcept", "physicalType"),
    ("Encounter.location", "Period", "period"),
    ("Encounter.location", "Reference", "location"),
    ("Encounter.location", "code", "status"),
    ("Encounter.participant", "CodeableConcept", "type"),
    ("Encounter.participant", "Period", "period"),
    ("Encounter.participant", "Reference", "individual"),
    ("Encounter.statusHistory", "Period", "period"),
    ("Encounter.statusHistory", "code", "status"),
    ("Condition", "Annotation", "note"),
    ("Condition", "CodeableConcept", "bodySite category clinicalStatus code severity"),
    ("Condition", "CodeableConcept", "verificationStatus"),
    ("Condition", "Condition.stage", "stage"),
    ("Condition", "Identifier", "identifier"),
    ("Condition", "Reference", "asserter encounter recorder subject"),
    ("Condition.stage", "CodeableConcept", "summary type"),
    ("Condition.stage", "Reference", "assessment"),
    ("Observation", "Annotation", "note"),
    ("Observation", "CodeableConcept", "bodySite category code dataAbsentReason interpretation"),
    ("Observation", "CodeableConcept", "method"),
    ("Observation", "Identifier", "identifier"),
    ("Observation", "Observation.component", "component"),
    ("Observation", "Observation.referenceRange", "referenceRange"),
    ("Observation", "Reference", "basedOn derivedFrom device encounter focus hasMember partOf"),
    ("Observation", "Reference", "performer specimen subject"),
    ("Observation", "code", "status"),
    ("Observation.component", "CodeableConcept", "code dataAbsentReason interpretation"),
    ("Observation.component", "Observation.referenceRange", "referenceRange"),
    ("Observation.referenceRange", "CodeableConcept", "appliesTo type"),
    ("Observation.referenceRange", "Quantity", "high low"),
    ("Observation.referenceRange", "Range", "age"),
    ("Procedure", "Annotation", "note"),
    ("Procedure", "CodeableConcept", "bodySite category code followUp outcome reasonCode"),
    ("Procedure", "CodeableConcept", "statusReason usedCode"),
    ("Procedure", "Identifier", "identifier"),
    ("Procedure", "Procedure.focalDevice", "focalDevice"),
    ("Procedure", "Procedure.performer", "performer"),
    ("Procedure", "Reference", "asserter basedOn complicationDetail encounter location"),
    ("Procedure", "Reference", "partOf reasonReference recorder report subject usedReference"),
    ("Procedure", "canonical", "instantiatesCanonical"),
    ("Procedure", "code", "status"),
    ("Procedure", "uri", "instantiatesUri"),
    ("Procedure.focalDevice", "CodeableConcept", "action"),
    ("Procedure.focalDevice", "Reference", "manipulated"),
    ("Procedure.performer", "CodeableConcept", "function"),
    ("Procedure.performer", "Reference", "actor onBehalfOf"),
    ("MedicationRequest", "Annotation", "note"),
    (
        "MedicationRequest",
        "CodeableConcept",
        "category courseOfTherapyType performerType reasonCode",
    ),
    ("MedicationRequest", "CodeableConcept", "statusReason"),
    ("MedicationRequest", "Dosage", "dosageInstruction"),
    ("MedicationRequest", "Identifier", "groupIdentifier identifier"),
    ("MedicationRequest", "MedicationRequest.dispenseRequest", "dispenseRequest"),
    ("MedicationRequest", "MedicationRequest.substitution", "substitution"),
    ("MedicationRequest", "Reference", "basedOn detectedIssue encounter eventHistory insurance"),
    ("MedicationRequest", "Reference", "performer priorPrescription reasonReference recorder"),
    ("MedicationRequest", "Reference", "requester subject supportingInformation"),
    ("MedicationRequest", "canonical", "instantiatesCanonical"),
    ("MedicationRequest", "code", "intent priority status"),
    ("MedicationRequest", "uri", "instantiatesUri"),
    ("MedicationRequest.dispenseRequest", "Duration", "dispenseInterval expectedSupplyDuration"),
    (
        "MedicationRequest.dispenseRequest",
        "MedicationRequest.dispenseRequest.initialFill",
        "initialFill",
    ),
    ("MedicationRequest.dispenseRequest", "Period", "validityPeriod"),
    ("MedicationRequest.dispenseRequest", "Quantity", "quantity"),
    ("MedicationRequest.dispenseRequest", "Reference", "performer"),
    ("MedicationRequest.substitution", "CodeableConcept", "reason"),
    ("MedicationRequest.dispenseRequest.initialFill", "Duration", "duration"),
    ("MedicationRequest.dispenseRequest.initialFill", "Quantity", "quantity"),
    ("DiagnosticReport", "Attachment", "presentedForm"),
    ("DiagnosticReport", "CodeableConcept", "category code conclusionCode"),
    ("DiagnosticReport", "DiagnosticReport.media", "media"),
    ("DiagnosticReport", "Identifier", "identifier"),
    ("DiagnosticReport", "Reference", "basedOn encounter imagingStudy performer result"),
    ("DiagnosticReport", "Reference", "resultsInterpreter specimen subject"),
    ("DiagnosticReport", "code", "status"),
    ("DiagnosticReport.media", "Reference", "link"),
    ("DiagnosticReport.media", "string", "comment"),
    ("Immunization", "Annotation", "note"),
    ("Immunization", "CodeableConcept", "fundingSource reasonCode reportOrigin route site"),
    ("Immunization", "CodeableConcept", "statusReason subpotentReason vaccineCode"),
    ("Immunization", "Identifier", "identifier"),
    ("Immunization", "Immunization.education", "education"),
    ("Immunization", "Immunization.performer", "performer"),
    ("Immunization", "Immunization.protocolApplied", "protocolApplied"),
    ("Immunization", "Immunization.reaction", "reaction"),
    ("Immunization", "Quantity", "doseQuantity"),
    ("Immunization", "Reference", "encounter location patient reasonReference"),
    ("Immunization", "code", "status"),
    ("Immunization", "string", "lotNumber"),
    ("Immunization.education", "string", "documentType"),
    ("Immunization.education", "uri", "reference"),
    ("Immunization.performer", "CodeableConcept", "function"),
    ("Immunization.performer", "Reference", "actor"),
    ("Immunization.protocolApplied", "CodeableConcept", "targetDisease"),
    ("Immunization.protocolApplied", "Reference", "authority"),
    ("Immunization.protocolApplied", "string", "series"),
    ("Immunization.reaction", "Reference", "detail"),
    ("AllergyIntolerance", "AllergyIntolerance.reaction", "reaction"),
    ("AllergyIntolerance", "Annotation", "note"),
    ("AllergyIntolerance", "CodeableConcept", "clinicalStatus code verificationStatus"),
    ("AllergyIntolerance", "Identifier", "identifier"),
    ("AllergyIntolerance", "Reference", "asserter encounter patient recorder"),
    ("AllergyIntolerance", "code", "category criticality"),
    ("AllergyIntolerance.reaction", "Annotation", "note"),
    ("AllergyIntolerance.reaction", "CodeableConcept", "exposureRoute substance"),
    ("AllergyIntolerance.reaction", "code", "severity"),
    ("AllergyIntolerance.reaction", "string", "description"),
    ("QuestionnaireResponse", "Identifier", "identifier"),
    ("QuestionnaireResponse", "QuestionnaireResponse.item", "item"),
    ("QuestionnaireResponse", "Reference", "author basedOn encounter partOf source subject"),
    ("QuestionnaireResponse", "canonical", "questionnaire"),
    ("QuestionnaireResponse", "code", "status"),
    ("QuestionnaireResponse.item", "QuestionnaireResponse.item", "item"),
    ("QuestionnaireResponse.item", "QuestionnaireResponse.item.answer", "answer"),
    ("QuestionnaireResponse.item", "string", "linkId text"),
    ("QuestionnaireResponse.item", "uri", "definition"),
    ("QuestionnaireResponse.item.answer", "QuestionnaireResponse.item", "item"),
];

/// The type of the element `name` of a type, if FHIR's definitions leave no doubt about it: a data type, or the path of
/// an element with parts of its own. [`super::elements::element`] knows those of Booleans, numbers, dates and times.
pub(crate) fn type_of(parent: Option<&str>, name: &str) -> Option<&'static str> {
    let resource = parent.is_some_and(resources::is_known);
    match name {
        // These are everywhere the same.
        "extension" | "modifierExtension" => return Some("Extension"),
        "id" => return Some(if resource { "id" } else { "string" }),
        "meta" if resource => return Some("Meta"),
        "implicitRules" if resource => return Some("uri"),
        "language" if resource => return Some("code"),
        "text" if resource => return Some("Narrative"),
        "url" if parent == Some("Extension") => return Some("uri"),
        _ => {}
    }
    let mut elements = ELEMENTS.iter().filter(|(known, ..)| Some(*known) == parent);
    elements.find(|(.., names)| names.split(' ').any(|known| known == name)).map(|(_, of, _)| *of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_of_the_table_is_one_of_fhir_or_has_elements_of_its_own() {
        let has_elements = |of: &str| ELEMENTS.iter().any(|(parent, ..)| *parent == of);
        for (parent, of, names) in ELEMENTS {
            let path = |name: &str| of == format!("{parent}.{name}");
            // The elements below some are known in one release only.
            let own = of.contains('.') && (has_elements(of) || names.split(' ').any(path));
            assert!(known(of).is_some() || own, "{of}");
            let root = parent.split('.').next().unwrap_or_default();
            assert!(known(root).is_some(), "{parent}");
            for name in names.split(' ') {
                assert!(!name.is_empty());
                let rows = ELEMENTS.iter().filter(|(known, _, names)| {
                    *known == parent && names.split(' ').any(|known| known == name)
                });
                assert_eq!(rows.count(), 1, "{parent}.{name}");
                let of_primitive = crate::view::elements::element(Some(parent), name);
                assert_eq!(of_primitive, None, "{parent}.{name} has two types");
            }
        }
    }

    #[test]
    fn a_type_is_told_by_its_name_with_its_capital_letters() {
        for (namespace, name, of) in [
            (None, "Quantity", Some("Quantity")),
            (None, "string", Some("string")),
            (None, "String", Some("string")),
            (Some("System"), "String", Some("string")),
            (Some("System"), "string", None),
            (Some("FHIR"), "String", None),
            (Some("FHIR"), "Patient", Some("Patient")),
            (Some("System"), "Patient", None),
            (None, "quantity", None),
            (None, "datetime", None),
            (None, "Foo", None),
        ] {
            assert_eq!(resolve(namespace, name), of, "{namespace:?} {name}");
        }
        assert_eq!(meant_by("Quantiy"), Some("Quantity"));
        assert_eq!(meant_by("patient"), Some("Patient"));
        assert_eq!(meant_by("Foo"), None);
    }
}
