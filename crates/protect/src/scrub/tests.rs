//! What goes from texts and what stays.

mod kept;
mod written;

use super::*;

fn scrub(text: &str) -> String {
    Scrubber::new().text(text, &mut Removed::new())
}

#[test]
fn findings_stay_and_identifiers_go() {
    for (text, expected) in [
        (
            "Patient reports chest pain, blood pressure 120/80 mmHg, temp 38.5. Started metformin 500 mg.",
            "Patient reports chest pain, blood pressure 120/80 mmHg, temp 38.5. Started metformin 500 mg.",
        ),
        ("seen by Dr. Smith on 03/04/2019 at 10:30", "seen by [name] on [date] at [date]"),
        ("92-year-old woman, aged 95", "90 or older woman, 90 or older"),
        ("call 555-123-4567 or mail jo.d@example.org", "call [telephone] or mail [email]"),
        ("MRN: 12345678, SSN 123-45-6789", "[medical record number], [social security number]"),
    ] {
        assert_eq!(scrub(text), expected);
    }
}

#[test]
fn who_is_known_goes_however_it_is_written() {
    let mut scrubber = Scrubber::new();
    scrubber.know("Anna-Maria Weiß");
    let mut removed = Removed::new();
    assert_eq!(
        scrubber.text("told anna and WEIß, not annabel", &mut removed),
        "told [name] and [name], not annabel"
    );
    assert_eq!(removed["name"], 2);
    scrubber.know("Siobhán O'Brien");
    scrubber.know("Jürgen Łukasiewicz");
    for written in [
        "siobhan",
        "SIOBHÁN",
        "siobha\u{301}n",
        "obrien",
        "o'brien",
        "juergen",
        "jurgen",
        "JÜRGEN",
        "lukasiewicz",
        "anna-maria",
        "annamaria",
        "weiss",
        "WEISS",
    ] {
        let found = scrubber.text(&format!("told {written} of it"), &mut removed);
        assert!(found.ends_with("[name] of it") && !found.contains(written), "{written}: {found}");
        let value = scrubber.value(written, &mut removed);
        assert!(!value.contains(written), "{written}: {value}");
    }
}

#[test]
fn a_name_with_an_ending_or_an_initial_is_the_name() {
    let mut scrubber = Scrubber::new();
    scrubber.know("Zebulon Quartermain");
    scrubber.know("Ruth Lower");
    let mut removed = Removed::new();
    for written in ["zebulons", "ruths", "zquartermain", "quartermainz", "quar&amp;#116;ermain"] {
        let found = scrubber.text(&format!("told {written} of it"), &mut removed);
        assert_eq!(found, "told [name] of it", "{written}");
        assert_eq!(scrubber.value(written, &mut removed), "[name]", "{written}");
    }
    // In a script whose letters look the same.
    for written in ["\u{51b}uartermain", "qu\u{430}rtermain"] {
        assert_eq!(scrubber.value(written, &mut removed), "[name]", "{written}");
    }
    for kept in ["flower", "truth", "ifn\u{3b3} and tnf\u{3b1}", "боль"] {
        assert_eq!(scrubber.text(kept, &mut removed), kept);
    }
}

#[test]
fn words_of_any_sentence_are_a_name_only_beside_another_part_of_it() {
    let mut scrubber = Scrubber::new();
    for person in [
        "Kim No",
        "Was He",
        "An Nguyen",
        "Do Van An",
        "Patient Zebulon",
        "Nurse Fennimore",
        "Nicht Kein",
        "de la Cruz",
    ] {
        scrubber.know(person);
    }
    for kept in [
        "no chest pain, he was at home",
        "No chest pain. Not in distress",
        "patient with an infection, nurse informed",
        "schmerz nicht vorhanden, kein fieber, sans douleur, sin dolor",
        "de la douleur",
        "He was at home. No. Not",
        "what to do an hour later",
        "Nicht vorhanden. Kein fieber. Sans douleur. Sin dolor. Non",
        "Nicht Kein",
    ] {
        assert_eq!(scrubber.text(kept, &mut Removed::new()), kept);
    }
    for (text, kept) in [
        ("told kim no of it", "told [name] of it"),
        ("told kim. No pain", "told [name]. No pain"),
        ("seen by nguyen, no pain", "seen by [name], no pain"),
        ("told an nguyen of it", "told [name] of it"),
        ("told patient zebulon of it", "told [name] of it"),
        ("told fennimore, nurse", "told [name], nurse"),
        ("told la cruz of it", "told [name] of it"),
        ("told Do Van An of it", "told [name] of it"),
        ("told Was He of it", "told [name] of it"),
    ] {
        assert_eq!(scrubber.text(text, &mut Removed::new()), kept, "{text}");
    }
}

#[test]
fn of_places_and_organizations_only_what_is_distinctive_goes() {
    let mut scrubber = Scrubber::new();
    for place in [
        "UNIVERSITY OF MASSACHUSETTS AND HOSPITAL IN THE VALLEY",
        "FAMILY HEALTH MEDICAL GROUP OF OVERLAND PARK, LLC",
        "No. 12 High Road",
        "Surgery at Home, not for Pain",
        "Emergency Department",
        "1 End of the Road and In",
        "City of Industry",
        "Hauptstraße 12",
        "Wharfedale Close",
        "79098",
    ] {
        scrubber.know_place(place);
    }
    let notes = [
        "family history of medical health problems",
        "no chest pain, not in distress",
        "with pain after surgery, he was at home",
        "high blood pressure in main artery, 12 mg given",
        "assessment of substance use and more in the labor force",
        "seen in the emergency department, close follow up",
        "general examination of patient, the end of it",
    ];
    for note in notes {
        assert_eq!(scrubber.text(note, &mut Removed::new()), note);
    }
    for (text, kept) in [
        ("lives at 12 high road now", "lives at [place] now"),
        ("lives in high road now", "lives in [place] now"),
        ("from the city of industry", "from the [place]"),
        ("seen in overland, and massachusetts", "seen in [name], and [name]"),
        ("lives in hauptstrasse, 79098", "lives in [name], [place]"),
        ("moved to wharfedale", "moved to [name]"),
    ] {
        assert_eq!(scrubber.text(text, &mut Removed::new()), kept, "{text}");
    }
    // A value that is nothing but the name of a place is one, even if prose has the word.
    scrubber.know_place("Essen");
    assert_eq!(scrubber.value("essen", &mut Removed::new()), "[place]");
    assert_eq!(scrubber.text("vor dem essen", &mut Removed::new()), "vor dem essen");
}

#[test]
fn what_is_hidden_by_characters_that_nobody_sees_is_found() {
    for text in [
        "mail jo\u{200b}.d@exam\u{ad}ple.org",
        "mail ｊｏ.ｄ＠ｅｘａｍｐｌｅ.ｏｒｇ",
        "mail jo.d&#64;example.org",
        "mail <b>jo.d@example.org</b>",
    ] {
        let words: Vec<String> = scrub(text).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["mail", "[email]"], "{text}");
    }
    assert_eq!(scrub("\u{e000}\u{e001}pain"), "pain");
}

#[test]
fn codes_stay_as_values_and_numbers_of_people_do_not() {
    let scrubber = Scrubber::new();
    let mut removed = Removed::new();
    for code in
        ["E11.9", "44054006x", "8480-6", "female", "12.5", "<=50K", "Adm-clerical", "7th-8th"]
    {
        assert_eq!(scrubber.value(code, &mut removed), code);
    }
    assert!(removed.is_empty());
    for (value, kept) in [
        ("123-45-6789", "[social security number]"),
        ("+49 170 1234567", "[telephone]"),
        ("12345678", "[other]"),
        ("2019-03-04", "[date]"),
        ("10.1.2.3", "[IP address]"),
    ] {
        assert_eq!(scrubber.value(value, &mut removed), kept);
    }
}
