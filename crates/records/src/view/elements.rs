//! What FHIR says of the types of elements, as far as JSON does not show it: `birthDate` is a date, `authoredOn` a
//! dateTime, `active` a Boolean.
//!
//! From the definitions of resources and data types of FHIR R4 (4.0.1). Names that mean one primitive type wherever they
//! occur stand in one list; the few others are told apart by the element that they stand in. Types that JSON writes as
//! plain text and that no function treats in its own way (string, code, uri, ...) are left out.

/// Names that mean one type in all of FHIR, by type; names in the order of the alphabet.
const BY_NAME: [(&str, &[&str]); 9] = [
    (
        "boolean",
        &[
            "abstract",
            "active",
            "actual",
            "affectsState",
            "allDay",
            "allergenicIndicator",
            "alternate",
            "appliesToAll",
            "appointmentRequired",
            "authorizationRequired",
            "autocreate",
            "autodelete",
            "caseSensitive",
            "compositional",
            "conditionalCreate",
            "conditionalUpdate",
            "contributedToDeath",
            "cors",
            "deleted",
            "doNotPerform",
            "encodeRequestUrl",
            "estimatedAge",
            "exact",
            "exclude",
            "excluded",
            "experimental",
            "focal",
            "hierarchical",
            "immutable",
            "inactive",
            "incomplete",
            "inforce",
            "initialSelected",
            "initiatorActive",
            "isActive",
            "isDefault",
            "isDefining",
            "isDerived",
            "isModifier",
            "isSubpotent",
            "isSummary",
            "multipleAnd",
            "multipleOr",
            "multipleResultsAllowed",
            "navigationLinks",
            "needsMap",
            "onHold",
            "orderable",
            "ordered",
            "overbooked",
            "paging",
            "pause",
            "preferred",
            "readHistory",
            "readOnly",
            "receiverActive",
            "repeats",
            "sliceIsConstraining",
            "subrogation",
            "subsumption",
            "translations",
            "updateCreate",
            "userSelected",
            "validated",
            "verified",
            "versionNeeded",
            "warningOnly",
            "wasSubstituted",
        ],
    ),
    (
        "integer",
        &[
            "axis",
            "coordinateSystem",
            "decimalPrecision",
            "denominatorCount",
            "index",
            "maxLength",
            "numFN",
            "numFP",
            "numTP",
            "numberOfParticipants",
            "numberOfStudies",
            "numberOfSubunits",
            "numberOfUnits",
            "numeratorCount",
            "readCoverage",
            "windowEnd",
            "windowStart",
        ],
    ),
    (
        "positiveInt",
        &[
            "careTeamSequence",
            "countMax",
            "detailSequence",
            "diagnosisSequence",
            "dimensions",
            "frames",
            "frequencyMax",
            "groupSize",
            "informationSequence",
            "itemSequence",
            "minutesDuration",
            "noteNumber",
            "precedence",
            "procedureSequence",
            "rank",
            "repetitions",
            "subDetailSequence",
            "subdetailSequence",
            "supportingInfoSequence",
        ],
    ),
    (
        "unsignedInt",
        &[
            "numberOfInstances",
            "numberOfRepeatsAllowed",
            "numberOfSeries",
            "reliableCache",
            "securityLabelNumber",
            "size",
        ],
    ),
    (
        "decimal",
        &[
            "add",
            "altitude",
            "backCurve",
            "conversionFactor",
            "cylinder",
            "diameter",
            "durationMax",
            "fMeasure",
            "fScore",
            "factor",
            "factorOverride",
            "from",
            "gtFP",
            "latitude",
            "level",
            "longitude",
            "lowerLimit",
            "periodMax",
            "points",
            "power",
            "precision",
            "queryFP",
            "queryTP",
            "recall",
            "relativeRisk",
            "sensitivity",
            "sphere",
            "temperature",
            "to",
            "truthFN",
            "truthTP",
            "upperLimit",
        ],
    ),
    ("date", &["approvalDate", "birthDate", "lastReviewDate", "nextScheduled"]),
    (
        "dateTime",
        &[
            "authored",
            "authoredOn",
            "creation",
            "dateAsserted",
            "dateOfFirstAuthorization",
            "dateWritten",
            "detected",
            "enteredDate",
            "expiry",
            "internationalBirthDate",
            "lastOccurrence",
            "lastPerformed",
            "manufactureDate",
            "presentationDate",
            "publicationDate",
            "received",
            "receivedTime",
            "recordedDate",
            "recordedOn",
            "releaseDate",
            "restoreDate",
            "sent",
            "started",
            "validTo",
            "validationDate",
            "verificationDate",
            "whenHandedOver",
            "whenPrepared",
        ],
    ),
    ("instant", &["ifModifiedSince"]),
    (
        "time",
        &["availableEndTime", "availableStartTime", "closingTime", "openingTime", "timeOfDay"],
    ),
];

/// Names of several types: the element or type that they stand in, the name, the type. `*` is any other place.
const BY_PLACE: [(&str, &str, &str); 71] = [
    ("Basic", "created", "date"),
    ("*", "created", "dateTime"),
    ("accident", "date", "date"),
    ("payment", "date", "date"),
    ("attestation", "date", "date"),
    ("detail", "date", "date"),
    ("DocumentReference", "date", "instant"),
    ("*", "date", "dateTime"),
    ("Appointment", "start", "instant"),
    ("AppointmentResponse", "start", "instant"),
    ("Slot", "start", "instant"),
    ("quality", "start", "integer"),
    ("inner", "start", "integer"),
    ("outer", "start", "integer"),
    ("variant", "start", "integer"),
    ("period", "start", "dateTime"),
    ("Period", "start", "dateTime"),
    ("*Period", "start", "dateTime"),
    ("Appointment", "end", "instant"),
    ("AppointmentResponse", "end", "instant"),
    ("Slot", "end", "instant"),
    ("Subscription", "end", "instant"),
    ("quality", "end", "integer"),
    ("inner", "end", "integer"),
    ("outer", "end", "integer"),
    ("variant", "end", "integer"),
    ("period", "end", "dateTime"),
    ("Period", "end", "dateTime"),
    ("*Period", "end", "dateTime"),
    ("DiagnosticReport", "issued", "instant"),
    ("Media", "issued", "instant"),
    ("Observation", "issued", "instant"),
    ("Contract", "issued", "dateTime"),
    ("TestReport", "issued", "dateTime"),
    ("Immunization", "recorded", "dateTime"),
    ("AuditEvent", "recorded", "instant"),
    ("Provenance", "recorded", "instant"),
    ("Task", "lastModified", "dateTime"),
    ("meta", "lastUpdated", "instant"),
    ("Meta", "lastUpdated", "instant"),
    ("Goal", "statusDate", "date"),
    ("*", "statusDate", "dateTime"),
    ("Immunization", "expirationDate", "date"),
    ("Device", "expirationDate", "dateTime"),
    ("batch", "expirationDate", "dateTime"),
    ("PaymentNotice", "paymentDate", "date"),
    ("PaymentReconciliation", "paymentDate", "date"),
    ("Immunization", "primarySource", "boolean"),
    ("agent", "requestor", "boolean"),
    ("careTeam", "responsible", "boolean"),
    ("note", "time", "dateTime"),
    ("Annotation", "time", "dateTime"),
    ("attester", "time", "dateTime"),
    ("calibration", "time", "instant"),
    ("*", "sequence", "positiveInt"),
    ("Dosage", "sequence", "integer"),
    ("dosage", "sequence", "integer"),
    ("dosageInstruction", "sequence", "integer"),
    ("Bundle", "total", "unsignedInt"),
    ("Bundle", "timestamp", "instant"),
    ("CodeSystem", "count", "unsignedInt"),
    ("population", "count", "integer"),
    ("repeat", "count", "positiveInt"),
    ("repeat", "frequency", "positiveInt"),
    ("repeat", "period", "decimal"),
    ("Quantity", "value", "decimal"),
    ("*Quantity", "value", "decimal"),
    ("Money", "value", "decimal"),
    ("*Money", "value", "decimal"),
    ("Age", "value", "decimal"),
    ("Duration", "value", "decimal"),
];

/// Endings of the JSON names of choices of types.
const BY_SUFFIX: [(&str, &str); 5] = [
    ("Boolean", "boolean"),
    ("Integer", "integer"),
    ("Decimal", "decimal"),
    ("DateTime", "dateTime"),
    ("Instant", "instant"),
];

/// The primitive type of the element `name` within `parent` (an element's name, a resource type or a data type), where
/// FHIR gives it one that matters here.
pub(crate) fn element(parent: Option<&str>, name: &str) -> Option<&'static str> {
    // A choice of types in its JSON form, `deceasedBoolean`.
    for (suffix, of) in BY_SUFFIX {
        if name.len() > suffix.len() && name.ends_with(suffix) {
            return Some(of);
        }
    }
    for (of, names) in BY_NAME {
        if names.binary_search(&name).is_ok() {
            return Some(of);
        }
    }
    let fits = |place: &str| match (place.strip_prefix('*'), parent) {
        (None, parent) => parent == Some(place),
        (Some(""), _) => true,
        (Some(suffix), Some(parent)) => parent.ends_with(suffix),
        (Some(_), None) => false,
    };
    // The most exact place counts: a name, then the end of a name, then anything.
    let candidates = BY_PLACE.iter().filter(|(place, known, _)| *known == name && fits(place));
    candidates.max_by_key(|(place, ..)| place.len()).map(|(.., of)| *of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_has_the_type_that_its_place_gives_it() {
        for (parent, name, of) in [
            (Some("Patient"), "birthDate", Some("date")),
            (Some("Patient"), "active", Some("boolean")),
            (Some("MedicationRequest"), "authoredOn", Some("dateTime")),
            (Some("Observation"), "issued", Some("instant")),
            (Some("valueQuantity"), "value", Some("decimal")),
            (Some("Appointment"), "start", Some("instant")),
            (Some("period"), "start", Some("dateTime")),
            (Some("effectivePeriod"), "end", Some("dateTime")),
            (Some("Composition"), "date", Some("dateTime")),
            (Some("telecom"), "value", None),
            (Some("Patient"), "gender", None),
            (None, "start", None),
        ] {
            assert_eq!(element(parent, name), of, "{parent:?}.{name}");
        }
    }

    #[test]
    fn the_lists_are_in_order_because_they_are_searched_by_halves() {
        for (of, names) in BY_NAME {
            assert!(names.is_sorted(), "{of}");
        }
    }
}
