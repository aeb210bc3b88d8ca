//! What is done about a patient's diseases: drugs, procedures, a laboratory value more, and a death that they explain.
//!
//! Drawn from a stream of its own, so that who patients are does not depend on how they are treated.

use super::calendar::Day;
use super::dice::Dice;
use super::patient::{Condition, Encounter, Measured, Observation, Person};
use super::risks::{self, Diagnosis};

/// A drug that was ordered.
pub(crate) struct Medication {
    pub(crate) id: u128,
    pub(crate) what: Drug,
    /// The place of the diagnosis that it is for, and of the encounter at which it was ordered.
    pub(crate) reason: usize,
    pub(crate) encounter: usize,
    pub(crate) status: &'static str,
    pub(crate) times_a_day: u32,
}

/// Something that was done.
pub(crate) struct Procedure {
    pub(crate) id: u128,
    pub(crate) what: Diagnosis,
    pub(crate) reason: usize,
    pub(crate) encounter: usize,
}

/// A drug by its code in ATC (WHO), with what it is for.
#[derive(Clone, Copy)]
pub(crate) struct Drug {
    pub(crate) code: &'static str,
    pub(crate) display: &'static str,
}

const fn drug(code: &'static str, display: &'static str) -> Drug {
    Drug { code, display }
}

const METFORMIN: Drug = drug("A10BA02", "metformin");
const INSULIN: Drug = drug("A10AE04", "insulin glargine");
const LISINOPRIL: Drug = drug("C09AA03", "lisinopril");
const AMLODIPINE: Drug = drug("C08CA01", "amlodipine");
const BISOPROLOL: Drug = drug("C07AB07", "bisoprolol");
const FUROSEMIDE: Drug = drug("C03CA01", "furosemide");
const ATORVASTATIN: Drug = drug("C10AA05", "atorvastatin");
const ASPIRIN: Drug = drug("B01AC06", "acetylsalicylic acid");
const SALBUTAMOL: Drug = drug("R03AC02", "salbutamol");
const TIOTROPIUM: Drug = drug("R03BB04", "tiotropium bromide");
const SERTRALINE: Drug = drug("N06AB06", "sertraline");
const TAMOXIFEN: Drug = drug("L02BA01", "tamoxifen");
const AMOXICILLIN: Drug = drug("J01CA04", "amoxicillin");
const IBUPROFEN: Drug = drug("M01AE01", "ibuprofen");

const fn act(code: &'static str, display: &'static str) -> Diagnosis {
    Diagnosis { code, display }
}

const STENT: Diagnosis = act("36969009", "Placement of stent in coronary artery");
const CARDIOGRAM: Diagnosis = act("29303009", "Electrocardiographic procedure");
const SPIROMETRY: Diagnosis = act("127783003", "Spirometry");
const LUMPECTOMY: Diagnosis = act("392021009", "Lumpectomy of breast");
const DIALYSIS: Diagnosis = act("302497006", "Hemodialysis");
const COUNSELLING: Diagnosis = act("228557008", "Cognitive and behavioral therapy");

/// What the measurements of a patient say about how much has to be done.
struct Findings {
    systolic: Option<i64>,
    hba1c: Option<i64>,
    creatinine: Option<i64>,
}

/// Adds to the patient what follows from their diseases.
pub(crate) fn add(person: &mut Person, reference: Day, dice: &mut Dice) {
    let creatinine = creatinine(person, dice);
    person.observations.extend(creatinine);
    let findings = Findings::of(&person.observations);
    for reason in 0..person.conditions.len() {
        let condition = &person.conditions[reason];
        let drugs = drugs(condition, &findings, dice);
        let acts = acts(condition, &findings, dice);
        let encounter = first_since(&person.encounters, condition.onset);
        for what in drugs {
            let status = match condition.status {
                "active" if dice.per_mille(900) => "active",
                "active" => "stopped",
                _ => "completed",
            };
            let times_a_day = 1 + dice.below(2);
            let medication =
                Medication { id: dice.bits(), what, reason, encounter, status, times_a_day };
            person.medications.push(medication);
        }
        for what in acts {
            person.procedures.push(Procedure { id: dice.bits(), what, reason, encounter });
        }
    }
    if person.died.is_none() {
        person.died = death(person, reference, dice);
    }
}

impl Findings {
    fn of(observations: &[Observation]) -> Findings {
        let mut found = Findings { systolic: None, hba1c: None, creatinine: None };
        for observation in observations {
            match observation.what {
                Measured::BloodPressure { systolic, .. } => found.systolic = Some(systolic),
                Measured::Hba1cTenths(value) => found.hba1c = Some(value),
                Measured::CreatinineTenths(value) => found.creatinine = Some(value),
                _ => {}
            }
        }
        found
    }
}

/// Creatinine, which rises as kidneys fail: of everyone with a kidney disease, and of some of the others.
fn creatinine(person: &Person, dice: &mut Dice) -> Option<Observation> {
    let kidney = has(person, risks::KIDNEY);
    if person.encounters.is_empty() || !(kidney || dice.per_mille(200)) {
        return None;
    }
    let value = if kidney { dice.bell(21, 6).max(13) } else { dice.bell(9, 1).clamp(5, 12) };
    let encounter = person.encounters.len() - 1;
    Some(Observation { id: dice.bits(), encounter, what: Measured::CreatinineTenths(value) })
}

fn has(person: &Person, what: Diagnosis) -> bool {
    person.conditions.iter().any(|condition| condition.what.code == what.code)
}

/// The first encounter on or after a day, or the last of all.
fn first_since(encounters: &[Encounter], day: Day) -> usize {
    let found = encounters.iter().position(|encounter| encounter.day >= day);
    found.unwrap_or(encounters.len().saturating_sub(1))
}

/// Drugs for a diagnosis: more of them where the measurements are worse.
fn drugs(condition: &Condition, findings: &Findings, dice: &mut Dice) -> Vec<Drug> {
    let mut found = Vec::new();
    let mut give = |drug: Drug, share: i64| {
        if dice.per_mille(share) {
            found.push(drug);
        }
    };
    let code = condition.what.code;
    if code == risks::DIABETES.code {
        give(METFORMIN, 850);
        give(INSULIN, if findings.hba1c.is_some_and(|value| value >= 80) { 600 } else { 60 });
    } else if code == risks::HYPERTENSION.code {
        give(LISINOPRIL, 700);
        give(
            AMLODIPINE,
            if findings.systolic.is_some_and(|value| value >= 145) { 550 } else { 180 },
        );
    } else if code == risks::HYPERLIPIDAEMIA.code {
        give(ATORVASTATIN, 650);
    } else if code == risks::CORONARY.code {
        give(ASPIRIN, 800);
        give(ATORVASTATIN, 750);
        give(BISOPROLOL, 600);
    } else if code == risks::HEART_FAILURE.code {
        give(FUROSEMIDE, 750);
        give(BISOPROLOL, 650);
    } else if code == risks::ASTHMA.code {
        give(SALBUTAMOL, 800);
    } else if code == risks::LUNG.code {
        give(TIOTROPIUM, 650);
        give(SALBUTAMOL, 500);
    } else if code == risks::DEPRESSION.code {
        give(SERTRALINE, 550);
    } else if code == risks::BREAST_CANCER.code {
        give(TAMOXIFEN, 600);
    } else if condition.status == "resolved" {
        give(AMOXICILLIN, 150);
        give(IBUPROFEN, 250);
    }
    found
}

/// Procedures for a diagnosis.
fn acts(condition: &Condition, findings: &Findings, dice: &mut Dice) -> Vec<Diagnosis> {
    let failing = findings.creatinine.is_some_and(|value| value >= 30);
    let choices: &[(Diagnosis, Diagnosis, i64)] = &[
        (risks::CORONARY, CARDIOGRAM, 800),
        (risks::CORONARY, STENT, 220),
        (risks::HEART_FAILURE, CARDIOGRAM, 700),
        (risks::ASTHMA, SPIROMETRY, 450),
        (risks::LUNG, SPIROMETRY, 750),
        (risks::BREAST_CANCER, LUMPECTOMY, 650),
        (risks::KIDNEY, DIALYSIS, if failing { 500 } else { 5 }),
        (risks::DEPRESSION, COUNSELLING, 350),
    ];
    choices
        .iter()
        .filter(|(of, _, share)| of.code == condition.what.code && dice.per_mille(*share))
        .map(|(_, what, _)| *what)
        .collect()
}

/// A death that severe diseases explain, after everything else in the record.
fn death(person: &Person, reference: Day, dice: &mut Dice) -> Option<Day> {
    let severe = [
        (risks::HEART_FAILURE, 70),
        (risks::LUNG, 25),
        (risks::BREAST_CANCER, 35),
        (risks::KIDNEY, 20),
    ];
    let risk = severe.iter().filter(|(what, _)| has(person, *what)).map(|(_, share)| share).sum();
    let dies = dice.per_mille(risk);
    let onsets = person.conditions.iter().map(|condition| condition.onset);
    let last = person.encounters.iter().map(|encounter| encounter.last_day).chain(onsets).max()?;
    let left = reference.since(last);
    (dies && left > 0).then(|| last.plus(dice.between(1, left)))
}
