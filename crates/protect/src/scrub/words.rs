//! Words that may stay although they are written with a capital: those that begin sentences in clinical notes, and
//! abbreviations. None of them is a usual name of a person or a place.

const COMMON: &str = "
a about abdomen abdominal abnormal above absent according acute additional adequate adherence administered admission
admitted admits advised affect afebrile after again age airway alcohol alert all allergic allergies allergy alone also
although ambulating ambulatory an anaemia analysis and anemia anterior antibiotic antibiotics anxiety any appears
appetite appropriate are area arrhythmia arthritis as aspirin assess assessed assessment assist associated asthma at
atrial atorvastatin awake aware back bacterial balance based baseline because bed been before began behavior below
benign better between bilateral biopsy bleeding blood body bone both bowel brain breast breath breathing bronchitis
bruising but by can cancer cardiac cardiology cardiovascular care chest chief chronic clear clinic clinical complains
complaint complaints complete completed complications condition confirmed consent consistent consult consultation
continue continued continues contrast control controlled cough course creatinine current currently daily date days
decreased denied denies depression dermatitis despite diabetes diabetic diagnosed diagnosis diarrhea diet difficulty
discharge discharged discomfort discussed disease dizziness do does dose dressing drinks drug during dysfunction
dyspnea each ear eating edema education effusion elevated emergency encounter endocrine evaluate evaluated evaluation
evening every evidence exam examination except exercise exertion experienced extremities extremity eye eyes fall falls
family fatigue febrile feels fell fever findings first fluid follow followed following for found fracture frequency
frequent from full function gait gastric gastrointestinal general given glucose had has have he headache headaches
heart height hematoma hemoglobin her here high him hip his history home hospital hospitalized hourly hours how however
hypertension hypotension hypothyroidism ibuprofen if imaging immunization impaired improved improvement improving in
increased indicated infection inflammation influenza injection injury inpatient instructed insulin intact intake is it
its joint kidney knee lab laboratory labs left leg lesion lesions less liver local loss lower lungs male mass
medication medications medicine mental metformin mild moderate monitor monitoring month months morning motor movement
multiple muscle muscular name nasal nausea neck negative neurologic neurological neuropathy never night no none normal
not note notes noted now numbness nurse nutrition obese obesity observed obtained of office on once onset operation or
oral other our out outpatient over oxygen pain painful pale palpitations patient patients per physical physician plan
pleasant pneumonia positive possible postoperative prescribed presence present presented presenting presents pressure
previous prior problem problems procedure prognosis prostate provided psychiatric pulmonary pulse rate reaction
received recent recently recommend recommended recovery recurrent reduced referral referred regular related remains
renal repeat report reported reports requested required resolved respiratory respirations response rest result results
return returned review reviewed right risk routine same saturation scan scheduled screening second secondary seen
seizure sepsis serum severe she short shortness should shoulder shows side signs since sinus skin sleep slight smoker
smokes smoking social sore soft some spine spontaneous stable started status stomach stool stopped strength stroke
subjective sudden suggested surgery surgical swelling swollen symptoms syndrome systolic tablet take taken takes
taking temperature tender tenderness test tests than that the their then therapy there these they this those throat
thyroid time to today tolerated tomorrow took treated treatment tumor twice ulcer ultrasound under unchanged unknown
unremarkable until upper urinary urine use used uses vaccination vaccine vascular vision visit vital vitals vomiting
walking was we weakness week weekly weeks weight well were when where which while who with within without woman worse
worsening would wound yes yesterday ssn mrn dob tel phone fax email call mail id dr mr mrs ms
bmi bp copd covid crp ct ecg ed ekg er gi hba1c hdl hiv hr icu im inr iv kg ldl mg
ml mri ng od po prn qd rbc rr spo2 tb tid tsh uti wbc xray nos nka nkda bid qid ptsd gerd dvt mmhg
";

/// The words, in small letters.
pub(super) fn common() -> impl Iterator<Item = &'static str> {
    COMMON.split_whitespace()
}
