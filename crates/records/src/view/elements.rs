//! What FHIR says of the types of elements, as far as JSON does not show it: `birthDate` is a date, `authoredOn` a
//! dateTime, `active` a Boolean.
//!
//! From the definitions of resources and data types of FHIR R4 (4.0.1) and R5 (5.0.0); where the two differ, an element
//! has no type here. Names that mean one primitive type wherever they occur stand in one list; the others are told
//! apart by the element that they stand in. Types that JSON writes as plain text and that no function treats in its own
//! way (string, code, uri, ...) are left out.

use super::choices::{choice_in, type_at_end};

/// Names that mean one type in all of FHIR. Of whole numbers that are an integer in one release and another type of
/// them in the next, the type is integer64, which holds all of them.
const BY_NAME: [(&str, &str); 48] = [
    ("boolean", "active actual affectsState allDay allergenicIndicator alternate any"),
    ("boolean", "appliesToAll appointmentRequired authoritative authorizationRequired"),
    ("boolean", "autocreate autodelete caseSensitive complete componentPart compositional"),
    ("boolean", "conditionalCreate conditionalPatch conditionalUpdate conditionality continuous"),
    ("boolean", "contributedToDeath copackagedIndicator correspondingContact cors deleted"),
    ("boolean", "doNotPerform encodeRequestUrl estimate estimatedAge exact excluded"),
    ("boolean", "expectedInResearchStudy experimental focal freeToShare friday hasBodySite"),
    ("boolean", "hasSeverity hasStage hierarchical immutable inactive incomplete inforce"),
    ("boolean", "initialSelected initiatorActive isActive isDefault isDefining isDerived"),
    ("boolean", "isExample isModifier isSubPotent isSubpotent isSummary monday multipleAnd"),
    ("boolean", "multipleOr multipleResultsAllowed mustHaveValue navigationLinks needsMap noMap"),
    ("boolean", "notConsumed occurrenceChanged onHold orderable ordered outsideFoodAllowed"),
    ("boolean", "overbooked paging pause preferred proposedNewTime readHistory readOnly"),
    ("boolean", "receiverActive recurring repeats requireBoth saturday singleUse"),
    ("boolean", "sliceIsConstraining stopTestOnFail subrogation subsumption sunday suppress"),
    ("boolean", "thursday translations tuesday updateCreate userSelected validated verified"),
    ("boolean", "versionNeeded warningOnly wasSubstituted wednesday"),
    ("integer", "average axis decimalPrecision denominatorCount index maxLength numFN numFP"),
    ("integer", "numTP numberOfSubunits numberOfUnits numeratorCount ordinalPosition"),
    ("integer", "readCoverage windowEnd windowStart"),
    ("positiveInt", "careTeamSequence countMax dayOfMonth detailSequence diagnosisSequence"),
    ("positiveInt", "dimensions excludingRecurrenceId frames frequencyMax groupSize"),
    ("positiveInt", "informationSequence itemSequence maxCount maxParticipants minutesDuration"),
    ("positiveInt", "monthInterval noteNumber occurrenceCount pages precedence procedureSequence"),
    (
        "positiveInt",
        "rank rankingOrder recurrenceId repetitions subDetailSequence subdetailSequence",
    ),
    ("positiveInt", "supportingInfoSequence threshold weekInterval yearInterval"),
    ("unsignedInt", "actualNumber heartbeatPeriod knownDataCount numberAffected numberOfEvents"),
    ("unsignedInt", "numberOfInstances numberOfRepeatsAllowed numberOfSeries reliableCache"),
    ("unsignedInt", "securityLabelNumber seriesNumber targetNumber timeout"),
    ("integer64", "eventNumber eventsSinceSubscriptionStart numberOfParticipants numberOfStudies"),
    ("integer64", "size"),
    ("decimal", "add altitude backCurve conversionFactor coordinate cylinder diameter"),
    ("decimal", "durationMax fMeasure fScore factor factorOverride from gtFP interval latitude"),
    ("decimal", "level longitude lowerLimit periodMax points power precision queryFP queryTP"),
    ("decimal", "relativeRisk sensitivity sphere temperature to truthFN truthTP upperLimit"),
    ("date", "approvalDate birthDate excludingDate lastOccurrenceDate lastReviewDate"),
    ("date", "nextScheduled occurrenceDate"),
    ("dateTime", "articleDate authored authoredOn cancellationDate completionTime"),
    ("dateTime", "countingDateTime creation dateAccessed dateAsserted dateOfDiagnosis"),
    ("dateTime", "dateOfFirstAuthorization dateOfService dateTime dateWritten detected"),
    ("dateTime", "effectiveTime endDate enteredDate expiry installDate internationalBirthDate"),
    ("dateTime", "lastOccurrence lastPerformed lastRevisionDate manufactureDate"),
    ("dateTime", "occurrenceDateTime plannedEndDate plannedStartDate preparedDate"),
    ("dateTime", "presentationDate received receivedTime recordedDate recordedOn releaseDate"),
    ("dateTime", "reportedDateTime restoreDate sent startDate started statusChanged useBy"),
    ("dateTime", "validTo validationDate verificationDate whenHandedOver whenPrepared"),
    ("instant", "calculatedAt ifModifiedSince"),
    ("time", "availableEndTime availableStartTime closingTime openingTime timeOfDay"),
];

/// Names of several types, or of elements that have parts elsewhere: the name, the type, the elements or types that it
/// stands in.
const BY_PLACE: [(&str, &str, &str); 151] = [
    ("abstract", "boolean", "StructureDefinition contains"),
    ("amount", "decimal", "prism"),
    ("asNeeded", "boolean", "DeviceRequest schedule"),
    ("coordinateSystem", "integer", "MolecularSequence"),
    ("count", "integer", "hasPart packaging population"),
    ("count", "positiveInt", "repeat"),
    ("count", "unsignedInt", "CodeSystem"),
    ("created", "dateTime", "Appointment CarePlan Claim ClaimResponse CoverageEligibilityRequest"),
    ("created", "dateTime", "CoverageEligibilityResponse DocumentManifest EnrollmentRequest"),
    ("created", "dateTime", "EnrollmentResponse ExplanationOfBenefit PaymentNotice"),
    ("created", "dateTime", "PaymentReconciliation VisionPrescription"),
    ("date", "date", "Consent PaymentReconciliation accident allocation attestation detail"),
    ("date", "date", "payment"),
    ("date", "dateTime", "ActivityDefinition ActorDefinition AdverseEvent ArtifactAssessment"),
    ("date", "dateTime", "CapabilityStatement ChargeItemDefinition Citation ClinicalImpression"),
    ("date", "dateTime", "CodeSystem CompartmentDefinition Composition ConceptMap"),
    ("date", "dateTime", "ConditionDefinition EffectEvidenceSynthesis EventDefinition Evidence"),
    ("date", "dateTime", "EvidenceVariable ExampleScenario FamilyMemberHistory GraphDefinition"),
    ("date", "dateTime", "ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide"),
    ("date", "dateTime", "Invoice Library List Measure MeasureReport MessageDefinition"),
    ("date", "dateTime", "NamingSystem ObservationDefinition OperationDefinition Permission"),
    ("date", "dateTime", "PlanDefinition Questionnaire Requirements ResearchDefinition"),
    ("date", "dateTime", "ResearchElementDefinition ResearchStudy RiskEvidenceSynthesis"),
    ("date", "dateTime", "SearchParameter SpecimenDefinition StructureDefinition StructureMap"),
    ("date", "dateTime", "SubscriptionTopic TerminologyCapabilities TestPlan TestScript ValueSet"),
    ("date", "dateTime", "analysis entry mitigation official reaction specialDesignation"),
    ("date", "instant", "DocumentReference"),
    ("destination", "integer", "capability operation"),
    ("duration", "decimal", "Attachment Media attachment content document file form formatted"),
    ("duration", "decimal", "image legallyBinding photo presentedForm repeat sequenceAttachment"),
    ("duration", "decimal", "sourceAttachment value"),
    ("effectiveDate", "dateTime", "manufacturingBusinessOperation"),
    ("end", "integer", "edit inner outer quality variant"),
    ("end", "dateTime", "Period abatement actualPeriod applies benefitPeriod billablePeriod born"),
    ("end", "dateTime", "bounds collected coverage created dataExclusivityPeriod dataPeriod date"),
    ("end", "dateTime", "dateRange duration during effective effectiveDate effectiveDosePeriod"),
    ("end", "dateTime", "effectivePeriod executionPeriod identified marketPeriod measureScore"),
    ("end", "dateTime", "occurence occurred occurrence onset participantEffective performed"),
    ("end", "dateTime", "period planningHorizon preAuthPeriod preAuthRefPeriod reportingPeriod"),
    ("end", "dateTime", "requestedPeriod scheduled servicePeriod serviced studyEffective time"),
    ("end", "dateTime", "timing usePeriod validity validityPeriod value when"),
    ("end", "instant", "Appointment AppointmentResponse Slot Subscription"),
    ("event", "dateTime", "Timing coverage effective frequency measurementPeriod occurence"),
    ("event", "dateTime", "occurrence participantEffective schedule scheduled studyEffective"),
    ("event", "dateTime", "timing value"),
    ("exclude", "boolean", "characteristic"),
    ("expirationDate", "date", "Immunization PaymentReconciliation"),
    ("expirationDate", "dateTime", "BiologicallyDerivedProduct Device batch"),
    ("frequency", "positiveInt", "repeat"),
    ("height", "positiveInt", "Attachment Media attachment content document file form formatted"),
    ("height", "positiveInt", "image legallyBinding photo presentedForm sequenceAttachment"),
    ("height", "positiveInt", "sourceAttachment value"),
    ("high", "integer", "degreeOfPolymerisation"),
    ("instance", "boolean", "OperationDefinition"),
    ("issued", "dateTime", "Contract TestReport group term"),
    ("issued", "instant", "DiagnosticReport ImagingSelection Media Observation"),
    ("lastModified", "dateTime", "Task Transport"),
    ("lastModified", "instant", "response"),
    ("lastUpdated", "dateTime", "CatalogEntry"),
    ("lastUpdated", "instant", "Meta value"),
    ("length", "integer", "structureVariant subunit"),
    ("limit", "positiveInt", "DataRequirement data dataRequirement definition input output"),
    ("limit", "positiveInt", "requirement value"),
    ("lockedDate", "boolean", "TerminologyCapabilities"),
    ("lockedDate", "date", "compose"),
    ("low", "integer", "degreeOfPolymerisation"),
    ("min", "integer", "ParameterDefinition link parameter part source value"),
    ("min", "unsignedInt", "ElementDefinition base element focus"),
    ("mustSupport", "boolean", "ElementDefinition element"),
    ("number", "positiveInt", "processNote"),
    ("number", "unsignedInt", "instance securityLabel series"),
    ("offset", "integer", "expansion"),
    ("offset", "unsignedInt", "repeat"),
    ("onset", "dateTime", "reaction"),
    ("order", "positiveInt", "Coverage"),
    ("origin", "integer", "capability operation"),
    ("paymentDate", "date", "PaymentNotice PaymentReconciliation"),
    ("paymentDate", "dateTime", "valuedItem"),
    ("period", "decimal", "SampledData repeat"),
    ("primarySource", "boolean", "Immunization"),
    ("priority", "positiveInt", "coverage"),
    ("publicationDate", "date", "RelatedArtifact documentation justification relatedArtifact"),
    ("publicationDate", "date", "relatesTo source value"),
    ("publicationDate", "dateTime", "contentDefinition education"),
    ("quantity", "integer", "BiologicallyDerivedProduct DeviceRequest"),
    ("quantity", "unsignedInt", "Group"),
    ("recall", "boolean", "correctiveAction"),
    ("recall", "decimal", "quality"),
    ("recorded", "dateTime", "Immunization MedicationAdministration MedicationDispense"),
    ("recorded", "dateTime", "NutritionIntake Procedure"),
    ("recorded", "instant", "AuditEvent Provenance"),
    ("reported", "boolean", "reaction"),
    ("requestor", "boolean", "agent"),
    ("required", "boolean", "capability item"),
    ("responsible", "boolean", "careTeam"),
    ("score", "integer", "roc"),
    ("score", "decimal", "TestReport search"),
    ("search", "boolean", "CompartmentDefinition"),
    ("sequence", "integer", "Dosage dosage dosageInstruction testCase value"),
    ("sequence", "positiveInt", "careTeam detail diagnosis insurance item lineItem procedure"),
    ("sequence", "positiveInt", "subDetail supportingInfo"),
    ("start", "integer", "edit inner outer quality variant"),
    ("start", "dateTime", "Period abatement actualPeriod applies benefitPeriod billablePeriod"),
    ("start", "dateTime", "born bounds collected coverage created dataExclusivityPeriod"),
    ("start", "dateTime", "dataPeriod date dateRange duration during effective effectiveDate"),
    ("start", "dateTime", "effectiveDosePeriod effectivePeriod executionPeriod identified"),
    ("start", "dateTime", "marketPeriod measureScore occurence occurred occurrence onset"),
    ("start", "dateTime", "participantEffective performed period planningHorizon preAuthPeriod"),
    ("start", "dateTime", "preAuthRefPeriod reportingPeriod requestedPeriod scheduled"),
    ("start", "dateTime", "servicePeriod serviced studyEffective time timing usePeriod validity"),
    ("start", "dateTime", "validityPeriod value when"),
    ("start", "instant", "Appointment AppointmentResponse Slot"),
    ("statusDate", "date", "Goal"),
    ("statusDate", "dateTime", "MedicinalProductAuthorization MedicinalProductDefinition"),
    ("statusDate", "dateTime", "PackagedProductDefinition RegulatedAuthorization"),
    ("statusDate", "dateTime", "VerificationResult code"),
    ("subunit", "integer", "subunit"),
    ("system", "boolean", "OperationDefinition"),
    ("time", "dateTime", "Annotation attester contributionInstance dispenserInstruction note"),
    ("time", "dateTime", "progress value"),
    ("time", "instant", "calibration"),
    ("timestamp", "dateTime", "expansion"),
    ("timestamp", "instant", "Bundle notificationEvent"),
    ("total", "integer", "expansion"),
    ("total", "unsignedInt", "Bundle"),
    ("translation", "boolean", "closure"),
    ("type", "boolean", "OperationDefinition"),
    ("value", "decimal", "Age Count Distance Duration Money Quantity abatement adjudication"),
    ("value", "decimal", "adjustment age allowed amount areaUnderCurve bounds caloricDensity"),
    ("value", "decimal", "capacity concentration containedItemQuantity count cycle dailyAmount"),
    ("value", "decimal", "daysSupply deceased denominator depth dispenseInterval dose"),
    ("value", "decimal", "doseQuantity due duration effectEstimate entryQuantity"),
    ("value", "decimal", "expectedSupplyDuration externalDiameter fastingStatus firstDose"),
    ("value", "decimal", "halfLife halfLifePeriod height high highLimit highNumerator instances"),
    ("value", "decimal", "length lethalDose50 low lowLimit lowNumerator maxDosePerAdministration"),
    ("value", "decimal", "maxDosePerDay maxDosePerLifetime maxDuration maxSingleDose"),
    ("value", "decimal", "maxTreatmentPeriod maxValue maxVolumeToDeliver measureScore"),
    ("value", "decimal", "measurementFrequency minValue minimumVolume net netContent"),
    ("value", "decimal", "nominalVolume numerator occurrence offset onset origin"),
    ("value", "decimal", "participantEffective participantEffectiveTimeFromStart patientPaid"),
    ("value", "decimal", "paymentAmount performed period presentation priceOverride quantity"),
    ("value", "decimal", "rate retentionTime returnedAmount riskEstimate score specimenQuantity"),
    ("value", "decimal", "stabilityDuration strength studyEffective studyEffectiveTimeFromStart"),
    ("value", "decimal", "tax tenderedAmount timeFromStart timing total totalGross totalNet"),
    ("value", "decimal", "totalVolume unitPrice used valueQuantity weight width"),
    ("value", "dateTime", "dateCriterion"),
    ("when", "instant", "Signature attestationSignature proxySignature signature sourceSignature"),
    ("when", "instant", "value"),
    ("width", "positiveInt", "Attachment Media attachment content document file form formatted"),
    ("width", "positiveInt", "image legallyBinding photo presentedForm sequenceAttachment"),
    ("width", "positiveInt", "sourceAttachment value"),
];

/// As [`BY_PLACE`] for elements that are choices of types in another place of the same name: what they are under their
/// plain names.
const BESIDE_CHOICES: [(&str, &str, &str); 1] = [("date", "dateTime", "procedure")];

/// The types that the lists are about.
const TYPES: [&str; 10] = [
    "boolean",
    "integer",
    "positiveInt",
    "unsignedInt",
    "integer64",
    "decimal",
    "date",
    "dateTime",
    "instant",
    "time",
];

/// The primitive type of the element `name` within `parent` (an element's name, a resource type or a data type), where
/// FHIR gives it one that matters here.
pub(crate) fn element(parent: Option<&str>, name: &str) -> Option<&'static str> {
    let among = |names: &str, wanted: &str| names.split(' ').any(|known| known == wanted);
    if let Some((of, _)) = BY_NAME.iter().find(|(_, names)| among(names, name)) {
        return Some(of);
    }
    let within = |place: &str| {
        let mut rows = BY_PLACE.iter().filter(|(known, ..)| *known == name);
        rows.find(|(.., places)| among(places, place)).map(|(_, of, _)| *of)
    };
    let placed = parent.and_then(|parent| match parent {
        // What they can be is what a value can be (FHIR R4, 2.24.0.1).
        "defaultValue" | "fixed" | "pattern" => within("value"),
        // A choice of types in its JSON form, `valueQuantity`, is known as its type.
        _ => within(parent).or_else(|| within(type_at_end(parent)?)),
    });
    // Else a choice in its JSON form itself, `deceasedBoolean`.
    placed.or_else(|| choice_in(name).filter(|of| TYPES.contains(of)))
}

/// The same of what JSON writes under just this name, be it a choice of types elsewhere.
pub(crate) fn plain_element(parent: Option<&str>, name: &str) -> Option<&'static str> {
    let meant = |row: &&(&str, &str, &str)| row.0 == name && Some(row.2) == parent;
    let row = || BESIDE_CHOICES.iter().find(meant).map(|(_, of, _)| *of);
    element(parent, name).or_else(row)
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
            (Some("low"), "value", Some("decimal")),
            (Some("telecom"), "value", None),
            (Some("onset"), "value", Some("decimal")),
            (Some("total"), "value", Some("decimal")),
            (Some("item"), "required", Some("boolean")),
            (Some("compose"), "exclude", None),
            (Some("quality"), "recall", Some("decimal")),
            (Some("correctiveAction"), "recall", Some("boolean")),
            (Some("subunit"), "sequence", None),
            (Some("Media"), "created", None),
            (Some("Basic"), "created", None),
            (Some("Consent"), "date", Some("date")),
            (Some("Goal"), "statusDate", Some("date")),
            (Some("attachment"), "size", Some("integer64")),
            (Some("Extension"), "valueInteger64", Some("integer64")),
            (Some("Extension"), "valueDate", Some("date")),
            (Some("QuestionnaireResponse"), "linkId", None),
            (Some("ServiceRequest"), "asNeededBoolean", Some("boolean")),
            (None, "date", None),
            (Some("Patient"), "gender", None),
            (None, "start", None),
        ] {
            assert_eq!(element(parent, name), of, "{parent:?}.{name}");
        }
    }

    #[test]
    fn no_name_stands_in_two_rows_that_could_both_be_meant() {
        let mut names: Vec<&str> = BY_NAME.iter().flat_map(|(_, names)| names.split(' ')).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        let places = BY_PLACE.iter();
        let mut places: Vec<_> =
            places.flat_map(|(name, _, all)| all.split(' ').map(move |at| (name, at))).collect();
        places.sort_unstable();
        assert!(places.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(places.iter().all(|(name, _)| names.binary_search(*name).is_err()));
        let rows = BY_NAME.iter().map(|(of, _)| of).chain(BY_PLACE.iter().map(|(_, of, _)| of));
        assert!(rows.into_iter().all(|of| TYPES.contains(of)));
    }
}
