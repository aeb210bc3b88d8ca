//! One patient: who they are, what they have, what was measured.

use super::calendar::Day;
use super::care::{Medication, Procedure};
use super::dice::Dice;
use super::places::{Land, Town};
use super::risks::{self, Curve, Diagnosis, at};

/// A patient who does not exist, complete.
pub(crate) struct Person {
    pub(crate) id: u128,
    pub(crate) gender: &'static str,
    pub(crate) family: &'static str,
    pub(crate) given: &'static str,
    pub(crate) street: &'static str,
    pub(crate) town: Town,
    pub(crate) postal_code: String,
    pub(crate) number: u32,
    pub(crate) phone: u32,
    pub(crate) born: Day,
    pub(crate) died: Option<Day>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) encounters: Vec<Encounter>,
    pub(crate) observations: Vec<Observation>,
    pub(crate) medications: Vec<Medication>,
    pub(crate) procedures: Vec<Procedure>,
    pub(crate) consent: Consent,
}

pub(crate) struct Condition {
    pub(crate) id: u128,
    pub(crate) what: Diagnosis,
    pub(crate) status: &'static str,
    pub(crate) onset: Day,
}

/// Seconds of the day are counted from midnight UTC.
pub(crate) struct Encounter {
    pub(crate) id: u128,
    pub(crate) kind: EncounterKind,
    pub(crate) day: Day,
    pub(crate) second: i64,
    pub(crate) last_day: Day,
    pub(crate) last_second: i64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum EncounterKind {
    Checkup,
    Symptom,
    Emergency,
    Inpatient,
}

pub(crate) struct Observation {
    pub(crate) id: u128,
    /// The place of the encounter in the patient's list.
    pub(crate) encounter: usize,
    pub(crate) what: Measured,
}

/// A measurement in the smallest step that is written: whole numbers, or tenths where the name says so.
pub(crate) enum Measured {
    BloodPressure { systolic: i64, diastolic: i64 },
    HeartRate(i64),
    HeightCm(i64),
    WeightTenths(i64),
    BmiTenths(i64),
    Hba1cTenths(i64),
    Ldl(i64),
    CreatinineTenths(i64),
}

pub(crate) struct Consent {
    pub(crate) id: u128,
    pub(crate) permit: bool,
    pub(crate) given: Day,
    pub(crate) ends: Day,
}

/// In a thousand, those who refuse.
const REFUSALS: i64 = 30;
/// Encounters and measurements lie in so many days before the end of the records.
const SPAN: i64 = 3 * 365;

/// What decides about the rest of a record.
struct Body {
    age: i64,
    woman: bool,
    bmi: i64,
    height: i64,
    smoker: bool,
}

impl Person {
    pub(crate) fn new(land: &'static Land, reference: Day, dice: &mut Dice) -> Person {
        let id = dice.bits();
        let band = dice.weighed(land.ages.iter().copied()) as i64;
        let age = band * 10 + dice.between(0, 9);
        // The older, the more women: they live longer.
        let woman = dice.per_mille(if age >= 75 { 580 } else { 505 });
        let gender = match dice.below(1_000) {
            0..3 => "other",
            3..5 => "unknown",
            _ if woman => "female",
            _ => "male",
        };
        let born = reference.years_before(age).plus(-dice.between(0, 364));
        let lived = reference.since(born);
        let died = dice
            .per_mille(at(&risks::DEATH_BY_AGE, age))
            .then(|| reference.plus(-dice.between(1, 365.min(lived.max(1)))));
        let body = Body::new(age, woman, dice);
        let last = died.unwrap_or(reference);
        let conditions = conditions(&body, born, last, dice);
        let encounters = encounters(&body, &conditions, born, last, dice);
        let observations = observations(&body, &conditions, &encounters, dice);
        let town = land.towns[dice.weighed(land.towns.iter().map(|town| town.weight))];
        let mut postal_code = String::with_capacity(9);
        town.postal_code(dice, &mut postal_code);
        let given = reference.plus(-dice.between(1, 400));
        Person {
            id,
            gender,
            family: dice.pick(land.families),
            given: dice.pick(if woman { land.women } else { land.men }),
            street: dice.pick(land.streets),
            town,
            postal_code,
            number: 1 + dice.below(120),
            phone: dice.below(10_000_000),
            born,
            died,
            conditions,
            encounters,
            observations,
            medications: Vec::new(),
            procedures: Vec::new(),
            consent: Consent {
                id: dice.bits(),
                permit: !dice.per_mille(REFUSALS),
                given,
                ends: given.plus(5 * 365),
            },
        }
    }
}

impl Body {
    fn new(age: i64, woman: bool, dice: &mut Dice) -> Body {
        let grown = if woman { 1_640 } else { 1_770 };
        let height = match age {
            0..18 => dice.bell(520 + (grown - 520) * age / 18, 35),
            _ => dice.bell(grown, 68),
        };
        let bmi = match age {
            0..18 => dice.bell(155 + 4 * age, 17).max(125),
            _ => dice.bell(245 + age.min(65) / 2, 45).max(165),
        };
        Body { age, woman, bmi, height, smoker: age >= 18 && dice.per_mille(220) }
    }
}

/// Draws the patient's diagnoses; the earlier ones make later ones likelier.
fn conditions(body: &Body, born: Day, last: Day, dice: &mut Dice) -> Vec<Condition> {
    let mut found: Vec<Diagnosis> = Vec::new();
    let mut draw = |found: &mut Vec<Diagnosis>, what: Diagnosis, curve: &Curve, percent: i64| {
        let risk = at(curve, body.age) * percent / 100;
        if dice.per_mille(risk.min(900)) {
            found.push(what);
        }
    };
    let has =
        |found: &[Diagnosis], what: Diagnosis| found.iter().any(|known| known.code == what.code);
    let obese = body.age >= 18 && body.bmi >= 300;
    if obese {
        found.push(risks::OBESITY);
    }
    let percent = |yes: bool, then: i64| if yes { then } else { 100 };
    let by_weight = if obese { 230 } else { percent(body.bmi < 250, 55) };
    draw(&mut found, risks::DIABETES, &risks::DIABETES_BY_AGE, by_weight);
    let diabetes = has(&found, risks::DIABETES);
    let pressure = percent(obese, 140) * percent(diabetes, 140) / 100;
    draw(&mut found, risks::HYPERTENSION, &risks::HYPERTENSION_BY_AGE, pressure);
    let hypertension = has(&found, risks::HYPERTENSION);
    draw(
        &mut found,
        risks::HYPERLIPIDAEMIA,
        &risks::HYPERLIPIDAEMIA_BY_AGE,
        percent(diabetes, 150),
    );
    let vessels = percent(hypertension, 150) * percent(body.smoker, 170) / 100;
    draw(&mut found, risks::CORONARY, &risks::CORONARY_BY_AGE, vessels);
    let kidney = percent(diabetes, 220) * percent(hypertension, 130) / 100;
    draw(&mut found, risks::KIDNEY, &risks::KIDNEY_BY_AGE, kidney);
    let heart = percent(has(&found, risks::CORONARY), 260) * percent(hypertension, 130) / 100;
    draw(&mut found, risks::HEART_FAILURE, &risks::HEART_FAILURE_BY_AGE, heart);
    draw(&mut found, risks::ASTHMA, &risks::ASTHMA_BY_AGE, 100);
    draw(&mut found, risks::LUNG, &risks::LUNG_BY_AGE, if body.smoker { 300 } else { 45 });
    let breast = if body.woman { 100 } else { 1 };
    draw(&mut found, risks::BREAST_CANCER, &risks::BREAST_CANCER_BY_AGE, breast);
    draw(
        &mut found,
        risks::DEPRESSION,
        &risks::DEPRESSION_BY_AGE,
        if body.woman { 125 } else { 75 },
    );
    let chronic = found.len();
    // Everyone in a hospital's files came for something.
    if chronic == 0 || dice.per_mille(300) {
        let of = if body.age < 16 { risks::ACUTE_OF_CHILDREN } else { risks::ACUTE.len() };
        found.push(dice.pick(&risks::ACUTE[..of]));
    }
    let date =
        |(place, what): (usize, Diagnosis)| dated(what, place < chronic, body, born, last, dice);
    found.into_iter().enumerate().map(date).collect()
}

/// Gives a diagnosis its beginning and what became of it.
fn dated(
    what: Diagnosis,
    chronic: bool,
    body: &Body,
    born: Day,
    last: Day,
    dice: &mut Dice,
) -> Condition {
    let lived = last.since(born).max(0);
    let known = match chronic {
        // Nobody has had a chronic disease for more than a third of their life, or 25 years.
        true => lived / 3,
        false => lived,
    };
    let longest = if chronic { 25 * 365 } else { SPAN };
    let onset = last.plus(-dice.between(0, known.min(longest)));
    let status = match what.code {
        code if code == risks::BREAST_CANCER.code && dice.per_mille(400) => "remission",
        code if code == risks::ASTHMA.code && body.age > 30 && dice.per_mille(150) => "inactive",
        _ if chronic => "active",
        _ => "resolved",
    };
    Condition { id: dice.bits(), what, status, onset }
}

fn encounters(
    body: &Body,
    conditions: &[Condition],
    born: Day,
    last: Day,
    dice: &mut Dice,
) -> Vec<Encounter> {
    let severe = conditions.iter().any(|condition| {
        [risks::HEART_FAILURE.code, risks::LUNG.code].contains(&condition.what.code)
    });
    let inpatient = 60 + if severe { 170 } else { 0 } + if body.age >= 70 { 60 } else { 0 };
    let span = last.since(born).clamp(0, SPAN);
    let count = 2 + dice.below(3);
    let mut all: Vec<Encounter> =
        (0..count).map(|_| encounter(inpatient, span, last, dice)).collect();
    all.sort_by_key(|encounter| (encounter.day, encounter.second));
    all
}

fn encounter(inpatient: i64, span: i64, last: Day, dice: &mut Dice) -> Encounter {
    let kind = match dice.between(0, 999) {
        share if share < inpatient => EncounterKind::Inpatient,
        share if share < inpatient + 120 => EncounterKind::Emergency,
        share if share < 700 => EncounterKind::Symptom,
        _ => EncounterKind::Checkup,
    };
    let day = last.plus(-dice.between(0, span));
    let second = dice.between(7 * 60, 18 * 60) * 60;
    let (nights, minutes) = match kind {
        EncounterKind::Inpatient => (dice.bell(5, 3).clamp(1, 21), 0),
        EncounterKind::Emergency => (0, dice.between(40, 300)),
        _ => (0, dice.between(10, 45)),
    };
    let last_day = day.plus(nights).min(last);
    let last_second = second + minutes * 60;
    Encounter { id: dice.bits(), kind, day, second, last_day, last_second }
}

fn observations(
    body: &Body,
    conditions: &[Condition],
    encounters: &[Encounter],
    dice: &mut Dice,
) -> Vec<Observation> {
    let has = |what: Diagnosis| conditions.iter().any(|condition| condition.what.code == what.code);
    let mut measured: Vec<(usize, Measured)> = Vec::with_capacity(9);
    let visits = 1 + dice.below(2) as usize;
    for encounter in 0..visits.min(encounters.len()) {
        measured.push((encounter, pressure(body, has(risks::HYPERTENSION), dice)));
        let faster = if has(risks::HEART_FAILURE) { 7 } else { 0 } + (18 - body.age).max(0) * 2;
        measured.push((encounter, Measured::HeartRate(dice.bell(72 + faster, 10))));
    }
    measured.push((0, Measured::HeightCm(body.height / 10)));
    // Millimetres squared times tenths of kg/m2, in tenths of a kilogram.
    measured.push((0, Measured::WeightTenths(body.bmi * body.height * body.height / 1_000_000)));
    measured.push((0, Measured::BmiTenths(body.bmi)));
    let diabetes = has(risks::DIABETES);
    if diabetes || (body.age >= 40 && dice.per_mille(250)) {
        let value = if diabetes { dice.bell(72, 10).max(58) } else { dice.bell(54, 3) };
        measured.push((encounters.len() - 1, Measured::Hba1cTenths(value)));
    }
    let lipids = has(risks::HYPERLIPIDAEMIA);
    if lipids || (body.age >= 25 && dice.per_mille(350)) {
        let value = if lipids { dice.bell(150, 25) } else { dice.bell(114, 24) };
        measured.push((encounters.len() - 1, Measured::Ldl(value.max(40))));
    }
    measured
        .into_iter()
        .map(|(encounter, what)| Observation { id: dice.bits(), encounter, what })
        .collect()
}

fn pressure(body: &Body, hypertension: bool, dice: &mut Dice) -> Measured {
    let age = body.age.min(80);
    let (upper, lower) = if hypertension { (18, 9) } else { (0, 0) };
    let stout = (body.bmi - 250).clamp(0, 150) / 25;
    let systolic = dice.bell(102 + age / 3 + upper + stout, 10);
    let diastolic = dice.bell(64 + age / 8 + lower + stout / 2, 7);
    Measured::BloodPressure { systolic, diastolic: diastolic.clamp(40, systolic - 20) }
}
