//! A patient as lines of NDJSON.
//!
//! The text is put together from ready pieces, because a serializer would spend most of its time on names that never
//! change. Nothing that is inserted needs escaping: the lists are our own and hold no quotes; a test reads it all back.

use std::fmt::Write;

use super::calendar::Day;
use super::care::{Medication, Procedure};
use super::damage::spoil;
use super::dice::Dice;
use super::patient::{Condition, Consent, Encounter, EncounterKind, Measured, Observation, Person};

/// The files of a cohort.
pub(crate) const FILES: [&str; 7] = [
    "Patient.ndjson",
    "Condition.ndjson",
    "Encounter.ndjson",
    "Observation.ndjson",
    "Consent.ndjson",
    "MedicationRequest.ndjson",
    "Procedure.ndjson",
];

/// The lines of some patients, by file, and how many there are.
#[derive(Default)]
pub(crate) struct Lines {
    pub(crate) text: [String; FILES.len()],
    pub(crate) counts: [u64; FILES.len()],
    pub(crate) refusals: u64,
    pub(crate) damaged: u64,
    /// In a million, the records that are spoiled.
    pub(crate) share: u32,
}

/// Writes into a string, which cannot fail.
macro_rules! put {
    ($out:expr, $($part:tt)*) => {{
        let _ = write!($out, $($part)*);
    }};
}

impl Lines {
    /// Appends everything about one patient. `damage` spoils some records, if there is one.
    pub(crate) fn add(&mut self, person: &Person, country: &str, mut damage: Option<&mut Dice>) {
        let id = uuid(person.id);
        self.line(0, damage.as_deref_mut(), |out| patient(out, person, &id, country));
        for item in &person.conditions {
            self.line(1, damage.as_deref_mut(), |out| condition(out, item, &id));
        }
        for item in &person.encounters {
            self.line(2, damage.as_deref_mut(), |out| encounter(out, item, &id));
        }
        for item in &person.observations {
            let encounter = &person.encounters[item.encounter];
            self.line(3, damage.as_deref_mut(), |out| {
                observation(out, item, encounter, person, &id)
            });
        }
        self.line(4, damage.as_deref_mut(), |out| consent(out, &person.consent, &id));
        for item in &person.medications {
            self.line(5, damage.as_deref_mut(), |out| medication(out, item, person, &id));
        }
        for item in &person.procedures {
            self.line(6, damage.as_deref_mut(), |out| procedure(out, item, person, &id));
        }
        self.refusals += u64::from(!person.consent.permit);
    }

    fn line(&mut self, file: usize, damage: Option<&mut Dice>, write: impl FnOnce(&mut String)) {
        let start = self.text[file].len();
        write(&mut self.text[file]);
        self.counts[file] += 1;
        if let Some(dice) = damage {
            self.damaged += u64::from(spoil(&mut self.text[file], start, self.share, dice));
        }
        self.text[file].push('\n');
    }
}

/// Random bits as a UUID of version 4.
fn uuid(bits: u128) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bits = bits & !(0xF << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let mut out = String::with_capacity(36);
    for digit in 0..32 {
        if matches!(digit, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        out.push(char::from(HEX[(bits >> (124 - 4 * digit)) as usize & 15]));
    }
    out
}

fn date(out: &mut String, day: Day) {
    put!(out, "{day}");
}

fn date_time(out: &mut String, day: Day, second: i64) {
    put!(out, "{day}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60);
}

/// Opens a resource: `{"resourceType":"X","id":"..."`.
fn open(out: &mut String, kind: &str, id: u128) {
    out.push_str("{\"resourceType\":\"");
    out.push_str(kind);
    out.push_str("\",\"id\":\"");
    out.push_str(&uuid(id));
    out.push('"');
}

fn patient(out: &mut String, person: &Person, id: &str, country: &str) {
    open(out, "Patient", person.id);
    out.push_str(",\"identifier\":[{\"system\":\"urn:oid:2.25.1\",\"value\":\"");
    out.push_str(&id[..8]);
    put!(out, "\"}}],\"name\":[{{\"use\":\"official\",\"family\":\"{}\",", person.family);
    put!(out, "\"given\":[\"{}\"]}}],\"telecom\":[{{\"system\":\"phone\",", person.given);
    put!(
        out,
        "\"value\":\"{:07}\"}}],\"gender\":\"{}\",\"birthDate\":\"",
        person.phone,
        person.gender
    );
    date(out, person.born);
    if let Some(died) = person.died {
        out.push_str("\",\"deceasedDateTime\":\"");
        date(out, died);
    }
    put!(
        out,
        "\",\"address\":[{{\"use\":\"home\",\"line\":[\"{} {}\"],",
        person.street,
        person.number
    );
    put!(out, "\"city\":\"{}\",\"state\":\"{}\",", person.town.name, person.town.state);
    put!(out, "\"postalCode\":\"{}\",\"country\":\"{country}\"}}]}}", person.postal_code);
}

fn condition(out: &mut String, condition: &Condition, patient: &str) {
    const STATUS: &str = "http://terminology.hl7.org/CodeSystem/condition-clinical";
    const VERIFIED: &str = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
    open(out, "Condition", condition.id);
    put!(
        out,
        ",\"clinicalStatus\":{{\"coding\":[{{\"system\":\"{STATUS}\",\"code\":\"{}\"}}]}}",
        condition.status
    );
    put!(
        out,
        ",\"verificationStatus\":{{\"coding\":[{{\"system\":\"{VERIFIED}\",\"code\":\"confirmed\"}}]}}"
    );
    let what = condition.what;
    coding(out, "code", "http://snomed.info/sct", what.code, what.display);
    subject(out, patient);
    out.push_str(",\"onsetDateTime\":\"");
    date(out, condition.onset);
    out.push_str("\"}");
}

/// `,"name":{"coding":[{...}]}`
fn coding(out: &mut String, name: &str, system: &str, code: &str, display: &str) {
    out.push_str(",\"");
    out.push_str(name);
    out.push_str("\":{\"coding\":[{\"system\":\"");
    out.push_str(system);
    out.push_str("\",\"code\":\"");
    out.push_str(code);
    out.push_str("\",\"display\":\"");
    out.push_str(display);
    out.push_str("\"}]}");
}

fn subject(out: &mut String, patient: &str) {
    out.push_str(",\"subject\":{\"reference\":\"Patient/");
    out.push_str(patient);
    out.push_str("\"}");
}

fn encounter(out: &mut String, encounter: &Encounter, patient: &str) {
    let (class, code, display) = match encounter.kind {
        EncounterKind::Checkup => ("AMB", "185349003", "Encounter for check up"),
        EncounterKind::Symptom => ("AMB", "185345009", "Encounter for symptom"),
        EncounterKind::Emergency => ("EMER", "50849002", "Emergency room admission"),
        EncounterKind::Inpatient => ("IMP", "32485007", "Hospital admission"),
    };
    open(out, "Encounter", encounter.id);
    out.push_str(",\"status\":\"finished\",\"class\":{\"system\":");
    out.push_str("\"http://terminology.hl7.org/CodeSystem/v3-ActCode\",\"code\":\"");
    out.push_str(class);
    out.push_str("\"},\"type\":[{\"coding\":[{\"system\":\"http://snomed.info/sct\",\"code\":\"");
    out.push_str(code);
    out.push_str("\",\"display\":\"");
    out.push_str(display);
    out.push_str("\"}]}]");
    subject(out, patient);
    out.push_str(",\"period\":{\"start\":\"");
    date_time(out, encounter.day, encounter.second);
    out.push_str("\",\"end\":\"");
    date_time(out, encounter.last_day, encounter.last_second);
    out.push_str("\"}}");
}

const LOINC: &str = "http://loinc.org";

fn observation(
    out: &mut String,
    observation: &Observation,
    encounter: &Encounter,
    person: &Person,
    patient: &str,
) {
    let laboratory = matches!(
        observation.what,
        Measured::Hba1cTenths(_) | Measured::Ldl(_) | Measured::CreatinineTenths(_)
    );
    open(out, "Observation", observation.id);
    out.push_str(",\"status\":\"final\",\"category\":[{\"coding\":[{\"system\":");
    out.push_str("\"http://terminology.hl7.org/CodeSystem/observation-category\",\"code\":\"");
    out.push_str(if laboratory { "laboratory" } else { "vital-signs" });
    out.push_str("\"}]}]");
    let (code, display) = match observation.what {
        Measured::BloodPressure { .. } => ("85354-9", "Blood pressure panel"),
        Measured::HeartRate(_) => ("8867-4", "Heart rate"),
        Measured::HeightCm(_) => ("8302-2", "Body height"),
        Measured::WeightTenths(_) => ("29463-7", "Body weight"),
        Measured::BmiTenths(_) => ("39156-5", "Body mass index"),
        Measured::Hba1cTenths(_) => ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"),
        Measured::Ldl(_) => ("18262-6", "Cholesterol in LDL by Direct assay"),
        Measured::CreatinineTenths(_) => ("38483-4", "Creatinine in Blood"),
    };
    coding(out, "code", LOINC, code, display);
    subject(out, patient);
    out.push_str(",\"encounter\":{\"reference\":\"Encounter/");
    out.push_str(&uuid(encounter.id));
    out.push_str("\"},\"effectiveDateTime\":\"");
    date_time(out, encounter.day, encounter.second + 300);
    out.push('"');
    // What is usual for children changes with every year of their age.
    let grown = encounter.day.since(person.born) >= 18 * 366;
    match observation.what {
        Measured::BloodPressure { systolic, diastolic } => {
            out.push_str(",\"component\":[{\"code\"");
            component(
                out,
                "8480-6",
                "Systolic blood pressure",
                systolic,
                grown.then_some((90, 130)),
            );
            out.push_str("},{\"code\"");
            component(
                out,
                "8462-4",
                "Diastolic blood pressure",
                diastolic,
                grown.then_some((60, 85)),
            );
            out.push_str("}]");
        }
        Measured::HeartRate(value) => {
            whole(out, value, "/min");
            range(out, value, false, "/min", grown.then_some((60, 100)));
        }
        Measured::HeightCm(value) => whole(out, value, "cm"),
        Measured::WeightTenths(value) => quantity(out, value, true, "kg"),
        Measured::BmiTenths(value) => {
            quantity(out, value, true, "kg/m2");
            range(out, value, true, "kg/m2", grown.then_some((185, 249)));
        }
        Measured::Hba1cTenths(value) => {
            quantity(out, value, true, "%");
            range(out, value, true, "%", Some((40, 56)));
        }
        Measured::Ldl(value) => {
            whole(out, value, "mg/dL");
            range(out, value, false, "mg/dL", Some((40, 130)));
        }
        Measured::CreatinineTenths(value) => {
            quantity(out, value, true, "mg/dL");
            range(out, value, true, "mg/dL", Some((5, 12)));
        }
    }
    out.push('}');
}

/// The rest of a component behind the name `code`.
fn component(out: &mut String, code: &str, display: &str, value: i64, usual: Option<(i64, i64)>) {
    put!(
        out,
        ":{{\"coding\":[{{\"system\":\"{LOINC}\",\"code\":\"{code}\",\"display\":\"{display}\"}}]}}"
    );
    whole(out, value, "mm[Hg]");
    range(out, value, false, "mm[Hg]", usual);
}

/// `,"interpretation":[...],"referenceRange":[...]` for a value whose usual range is known.
fn range(out: &mut String, value: i64, tenths: bool, unit: &str, usual: Option<(i64, i64)>) {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
    let Some((low, high)) = usual else { return };
    let code = match value {
        value if value < low => "L",
        value if value > high => "H",
        _ => "N",
    };
    put!(
        out,
        ",\"interpretation\":[{{\"coding\":[{{\"system\":\"{SYSTEM}\",\"code\":\"{code}\"}}]}}]"
    );
    out.push_str(",\"referenceRange\":[{\"low\":");
    amount(out, low, tenths, unit);
    out.push_str(",\"high\":");
    amount(out, high, tenths, unit);
    out.push_str("}]");
}

fn whole(out: &mut String, value: i64, unit: &str) {
    quantity(out, value, false, unit);
}

/// `,"valueQuantity":{...}`, of tenths with one digit behind the point.
fn quantity(out: &mut String, value: i64, tenths: bool, unit: &str) {
    out.push_str(",\"valueQuantity\":");
    amount(out, value, tenths, unit);
}

fn amount(out: &mut String, value: i64, tenths: bool, unit: &str) {
    out.push_str("{\"value\":");
    match tenths {
        true => put!(out, "{}.{}", value / 10, value % 10),
        false => put!(out, "{value}"),
    }
    out.push_str(",\"unit\":\"");
    out.push_str(unit);
    out.push_str("\",\"system\":\"http://unitsofmeasure.org\",\"code\":\"");
    out.push_str(unit);
    out.push_str("\"}");
}

/// `,"name":[{"reference":"Kind/..."}]`, or without the brackets.
fn reference(out: &mut String, name: &str, kind: &str, id: u128, list: bool) {
    let (open, close) = if list { ("[", "]") } else { ("", "") };
    put!(out, ",\"{name}\":{open}{{\"reference\":\"{kind}/{}\"}}{close}", uuid(id));
}

fn medication(out: &mut String, item: &Medication, person: &Person, patient: &str) {
    open(out, "MedicationRequest", item.id);
    put!(out, ",\"status\":\"{}\",\"intent\":\"order\"", item.status);
    let what = item.what;
    coding(out, "medicationCodeableConcept", "http://www.whocc.no/atc", what.code, what.display);
    subject(out, patient);
    if let Some(encounter) = person.encounters.get(item.encounter) {
        reference(out, "encounter", "Encounter", encounter.id, false);
        out.push_str(",\"authoredOn\":\"");
        date_time(out, encounter.day, encounter.second + 600);
        out.push('"');
    }
    reference(out, "reasonReference", "Condition", person.conditions[item.reason].id, true);
    put!(
        out,
        ",\"dosageInstruction\":[{{\"timing\":{{\"repeat\":{{\"frequency\":{},\"period\":1,\"periodUnit\":\"d\"}}}}}}]}}",
        item.times_a_day
    );
}

fn procedure(out: &mut String, item: &Procedure, person: &Person, patient: &str) {
    open(out, "Procedure", item.id);
    out.push_str(",\"status\":\"completed\"");
    coding(out, "code", "http://snomed.info/sct", item.what.code, item.what.display);
    subject(out, patient);
    if let Some(encounter) = person.encounters.get(item.encounter) {
        reference(out, "encounter", "Encounter", encounter.id, false);
        out.push_str(",\"performedDateTime\":\"");
        date_time(out, encounter.day, encounter.second + 900);
        out.push('"');
    }
    reference(out, "reasonReference", "Condition", person.conditions[item.reason].id, true);
    out.push('}');
}

fn consent(out: &mut String, consent: &Consent, patient: &str) {
    const SCOPE: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
    const ACT: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    open(out, "Consent", consent.id);
    put!(
        out,
        ",\"status\":\"active\",\"scope\":{{\"coding\":[{{\"system\":\"{SCOPE}\",\"code\":\"research\"}}]}}"
    );
    put!(out, ",\"category\":[{{\"coding\":[{{\"system\":\"{ACT}\",\"code\":\"RESEARCH\"}}]}}]");
    put!(out, ",\"patient\":{{\"reference\":\"Patient/{patient}\"}},\"dateTime\":\"");
    date(out, consent.given);
    put!(out, "\",\"policyRule\":{{\"coding\":[{{\"system\":\"{ACT}\",\"code\":\"OPTIN\"}}]}}");
    out.push_str(",\"provision\":{\"type\":\"");
    out.push_str(if consent.permit { "permit" } else { "deny" });
    out.push_str("\",\"period\":{\"start\":\"");
    date(out, consent.given);
    out.push_str("\",\"end\":\"");
    date(out, consent.ends);
    out.push_str(
        "\"},\"purpose\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ActReason\",",
    );
    out.push_str("\"code\":\"HRESCH\"}]}}");
}
