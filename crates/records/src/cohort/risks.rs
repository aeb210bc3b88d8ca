//! Who has what: rough shares by age, and the codes of it.

/// A share in a thousand at the ages of 0, 20, 40, 60, 80 and 100 years, straight in between.
pub(crate) type Curve = [i64; 6];

/// The curve's value at an age.
pub(crate) fn at(curve: &Curve, age: i64) -> i64 {
    let age = age.clamp(0, 100);
    let left = (age / 20).min(4) as usize;
    curve[left] + (curve[left + 1] - curve[left]) * (age - 20 * left as i64) / 20
}

/// A diagnosis in SNOMED CT.
#[derive(Clone, Copy)]
pub(crate) struct Diagnosis {
    pub(crate) code: &'static str,
    pub(crate) display: &'static str,
}

const fn diagnosis(code: &'static str, display: &'static str) -> Diagnosis {
    Diagnosis { code, display }
}

pub(crate) const OBESITY: Diagnosis = diagnosis("414916001", "Obesity");
pub(crate) const DIABETES: Diagnosis = diagnosis("44054006", "Diabetes mellitus type 2");
pub(crate) const HYPERTENSION: Diagnosis = diagnosis("38341003", "Hypertensive disorder");
pub(crate) const HYPERLIPIDAEMIA: Diagnosis = diagnosis("55822004", "Hyperlipidemia");
pub(crate) const CORONARY: Diagnosis = diagnosis("53741008", "Coronary arteriosclerosis");
pub(crate) const KIDNEY: Diagnosis = diagnosis("709044004", "Chronic kidney disease");
pub(crate) const HEART_FAILURE: Diagnosis = diagnosis("84114007", "Heart failure");
pub(crate) const ASTHMA: Diagnosis = diagnosis("195967001", "Asthma");
pub(crate) const LUNG: Diagnosis = diagnosis("13645005", "Chronic obstructive pulmonary disease");
pub(crate) const BREAST_CANCER: Diagnosis = diagnosis("254837009", "Malignant neoplasm of breast");
pub(crate) const DEPRESSION: Diagnosis = diagnosis("35489007", "Depressive disorder");

/// What passes by itself; of children, of adults.
pub(crate) const ACUTE: [Diagnosis; 6] = [
    diagnosis("444814009", "Viral sinusitis"),
    diagnosis("10509002", "Acute bronchitis"),
    diagnosis("65363002", "Otitis media"),
    diagnosis("61582004", "Allergic rhinitis"),
    diagnosis("68566005", "Urinary tract infectious disease"),
    diagnosis("279039007", "Low back pain"),
];
/// How many of [`ACUTE`] children have.
pub(crate) const ACUTE_OF_CHILDREN: usize = 4;

pub(crate) const DIABETES_BY_AGE: Curve = [0, 5, 40, 130, 190, 180];
pub(crate) const HYPERTENSION_BY_AGE: Curve = [0, 15, 130, 380, 560, 560];
pub(crate) const HYPERLIPIDAEMIA_BY_AGE: Curve = [0, 15, 110, 280, 320, 250];
pub(crate) const CORONARY_BY_AGE: Curve = [0, 1, 15, 90, 190, 230];
pub(crate) const KIDNEY_BY_AGE: Curve = [0, 4, 15, 70, 190, 260];
pub(crate) const HEART_FAILURE_BY_AGE: Curve = [0, 2, 6, 30, 100, 200];
pub(crate) const ASTHMA_BY_AGE: Curve = [80, 90, 80, 75, 70, 60];
pub(crate) const LUNG_BY_AGE: Curve = [0, 1, 15, 80, 120, 110];
pub(crate) const BREAST_CANCER_BY_AGE: Curve = [0, 1, 15, 50, 80, 80];
pub(crate) const DEPRESSION_BY_AGE: Curve = [0, 90, 120, 110, 90, 80];
pub(crate) const DEATH_BY_AGE: Curve = [2, 1, 3, 12, 70, 350];
