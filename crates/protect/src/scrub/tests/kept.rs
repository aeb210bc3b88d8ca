//! Phrases of clinical notes and values of tables that only resemble identifiers, and stay.

use super::*;

#[test]
fn what_only_resembles_an_identifier_stays() {
    let mut wrong = Vec::new();
    for text in [
        "blood pressure 120/80, then 98/60 and 110/95",
        "took 500 mg, 2.5 ml and 100 units of it",
        "temp 98.6 F, then 100.4 f, pulse 95 and weight 104 kg",
        "sodium 140 mmol/l, glucose 95 mg/dl, hba1c 7.5%",
        "wbc 120 000 and later 98 000",
        "in 2019 may have had pain, since 1998",
        "head turned 90 degrees, saturation 95%",
        "aged 70, 120/80 and 95% on air",
        "age 45, pulse 98",
        "grade 2 3 4 of 5, levels 10 12 14",
        "for 18 months, then 104 weeks of it",
        "ninety mg and one hundred ml of it",
        "1 of 3 set, 2 out of 12",
        "hba1c 53.5-54.2, inr 1.015, 1.020, troponin 0.012, 0.034",
        "troponin 0.0123, 0.0456, specific gravity 1.0150, 1.0200",
        "t-score -1.25, -2.31 and z-score 2.1, -0.4",
        "pain 3/10, then 8/10, ratio 1:2.5 and 2.5:1",
        "gestational age 39 weeks, 273 days, 40 4 of it",
        "at 28 w 3 d, for 12 weeks, 6 to 8 wk",
        "bed at 30\u{b0} w/ pillows, flexion 90\u{b0} s/p repair, 37.5\u{b0}",
        "lat 2 views, lesion 3.20 long and 2.35 lat of it",
        "trigger point (3), starting point (2 4)",
        "amoxicillin 2000/125 mg, 875/125 and 1000/200",
        "pulse 92/m, height 1.80 m, 95 kg, 98%",
        "sats in the nineties, in the mid 90s on air",
        "given via ng tube 50 ml, via iv line 3 times",
        "glucose 180 145 132, doses 100 200 300 mg",
        "years 2018 2019 2020, 1000 2000 3000 units",
        "grade 3 iv of it, type ii, stage 2-iii, t2-n1-m0",
        "30 minute walk close to 3 of the hill, 12 days in close care",
        "nurse coordinates 2 visits, is on platz 3 mg",
        "took sin 5 mg, cpr 20 min, dni for 24 h",
        "signal: increased, threads: 3, ig: 5",
        "patients (92), scored (92), n (104)",
        "temp 98.60, 37.00, sodium 140.25, 4.50",
        "avenue for 3 days",
        "reports 3/10 pain, strength 5/5, murmur 2/6, pain is now 3/10 and was 8/10",
        "pain is 7/10, improved to 3/10, fatigue 5/10",
        "concentration 12.3456, 0.1234 units",
        "turned 90 degrees let it rest, a later 3 of 5",
    ] {
        let found = scrub(text);
        if found != text {
            wrong.push((text, found));
        }
    }
    for text in [
        "120/80",
        "53.5-54.2",
        "39w3d",
        "E11.9",
        "C50.911",
        "8480-6",
        "C0011849",
        "2093-3",
        "1920-8",
        "D003924",
        "2000/125",
        "1.015, 1.020",
        "T2N1M0",
        "100-200-300",
        "10*9/L",
        "30 min walk",
        "via peg",
        "1:128",
        "12.5 mg",
        "500 mg 3 times",
        "2 views lateral",
    ] {
        let mut removed = Removed::new();
        let found = Scrubber::new().value(text, &mut removed);
        if found != text {
            wrong.push((text, found));
        }
    }
    for (text, kept) in [
        ("MRN 445 566 120/80 mmhg", "[medical record number] 120/80 mmhg"),
        ("MRN 44556677 500 mg", "[medical record number] 500 mg"),
        ("MRN 445 566 98.6 f", "[medical record number] 98.6 f"),
        ("on 5 Apr 12 mg of it", "on [date] 12 mg of it"),
        ("on 5 Apr 30; pain", "on [date]; pain"),
        ("id a1b2c3d4-e5f6-7890-abcd-ef1234567890 today", "id [other] today"),
        ("at fe80::1 today", "at [IP address] today"),
        ("mme dupont", "[name]"),
        ("lat 53.57, lon -1.38 noted", "[place] noted"),
        ("Patient (92) in pain", "Patient (90 or older) in pain"),
        ("to Via Roma 14 today", "to [place] today"),
        ("told \u{51b}uartermain of it", "told [name] of it"),
    ] {
        let found = scrub(text);
        if found != kept {
            wrong.push((text, found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
