//! Ages over 89, as 45 CFR 164.514(b)(2)(i)(C) names them: in figures and in words, in years, months and weeks, alone and
//! in lists. Lower ages stay.

use std::ops::Range;

use super::patterns::{Check, always, measured};
use super::sign;

/// An age from 90 to 149, in whole years.
const WHOLE: &str = r"(?:9\d|1[0-4]\d)";
/// The same, or with a fraction.
const OLD: &str = r"(?:9\d|1[0-4]\d)(?:[.,]\d{1,2})?";
/// The same in English words.
const OLD_WORDS: &str = r"(?:ninet(?:y|ie[ts]h)|(?:a|one)\s+hundred)(?:[-\s]+(?:and[-\s]+)?(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|first|second|third|fou?rth|fifth|sixth|seventh|eighth|ninth|tenth))?";
/// Years, as they are written behind a number; `yo` may have the sex behind it.
const YEARS: &str = r"(?:years?|yrs?|y/?o(?:[wb]?[mf])?|y\.\s?o\.?|y|jahren?|jährig\w*|ans|años|anni|anos|jaar|let|lat|ani|år|лет|года?|летн\w*)";
/// From one age to another.
const TO: &str = r"\s*(?:-|to|or|bis|oder)\s*";
/// One age and another.
const AND: &str = r"\s*(?:-|/|&|,?\s*(?:to|or|and|bis|oder|und))\s*";
/// Words before an age: how old somebody is.
const LABEL: &str = r"\b(?:ages?|aged|aet(?:at)?|âge|alter|edad|età|leeftijd|wiek|věk|возраст)\b";
/// How exactly.
const ABOUT: &str = r"(?:(?:of|is|was|over|above|about|around|approximately|between|ca|circa|von|de|di|van)\b|[\s:=.~>≥])*";

/// An age, or what says it, by how many digits its shape has at least, the signs of which it has one, the shape and its check.
type Age = (usize, u32, String, Check);

/// The shapes of ages.
pub(super) fn shapes() -> [Age; 13] {
    let of = |digits, shape| -> Age { (digits, sign::ANY, shape, always) };
    [
        // 95 years, 95.5 y, 85-95 yo, 91 and 93 years old.
        of(
            2,
            format!(
                r"\b(?:\d{{1,3}}{TO})?{OLD}(?:{AND}{OLD})*\s*-?\s*{YEARS}\b(?:[\s-]*old\b)?|\b{WHOLE}\s?[歳岁歲세]"
            ),
        ),
        // 95F; with a fraction it would be a temperature or a length.
        of(2, format!(r"\b{WHOLE}(?:{AND}{WHOLE})*\s*-?\s*[mf]\b(?:[\s-]*old\b)?")),
        // ages 5, 91, 92 and 93: a list only where the word says that there are several.
        of(
            2,
            format!(
                r"\bages\b[\s:=]*(?:\d{{1,3}}(?:\s*,|{AND})\s*)*{OLD}\b(?:(?:\s*,|{AND})\s*{OLD}\b)*"
            ),
        ),
        // aged 91 or 92, age 95-99, aet. 95, aged between 85 and 95.
        of(
            2,
            format!(
                r"{LABEL}{ABOUT}(?:\d{{1,3}}{TO}|between\s+\d{{1,3}}\s+and\s+)?{OLD}\b(?:{AND}{OLD}\b)*"
            ),
        ),
        // 95th birthday.
        of(
            2,
            format!(r"\b{WHOLE}(?:st|nd|rd|th|er|e|º|\.)?\s+(?:birthday|geburtstag|anniversaire|cumpleaños|compleanno|aniversário|verjaardag)\b"),
        ),
        // He turned 95, she was 96 when; but a head is turned 90 degrees.
        of(
            2,
            format!(
                r"\b(?:turn(?:ed|s|ing)?|s?he\s+(?:is|was|became|reached)(?:\s+(?:now|already))?)\s+{WHOLE}(?P<rest>\s*(?:$|[;:!?)]|[.,](?:\s|$))|\s+(?:when|and|but|at|in|on|now|this|last|next|years?|today|yesterday|the|before|after|a|ago|while|since|with)\b)"
            ),
        ),
        // Patient (92). How many there are stands behind several.
        (
            2,
            sign::BRACKET,
            format!(
                r"(?P<head>\b(?:patient(?:in)?|pt|(?:wo)?man|(?:fe)?male|lady|gentleman|mann|frau|mother|father|mutter|vater|widow(?:er)?|resident)\s*[(\[]\s*){WHOLE}(?P<rest>\s*[)\]])"
            ),
            always,
        ),
        // 92/m, m,95, where no rate or length stands before it.
        (
            2,
            sign::SLASH | sign::LIST,
            format!(r"\b{WHOLE}\s?[/;]\s?[mfw]\b|\b[mfw]\s?[,/;]\s?{WHOLE}\b"),
            is_sex,
        ),
        (2, sign::SEX, format!(r"[♀♂]\s?{WHOLE}\b|\b{WHOLE}\s?[♀♂]"), always),
        // 1080 months are 90 years, and so are 4,696 weeks and 32,873 days.
        of(
            4,
            r"\b(?:1,?(?:0[89]\d|[1-7]\d\d)\s*-?\s*(?:months?|mos?|monaten?|mois|meses|mesi|maanden)|(?:4,?(?:69[6-9]|[7-9]\d\d)|[5-7],?\d{3})\s*-?\s*(?:weeks?|wks?|wochen)|(?:32,?(?:8(?:7[3-9]|[89]\d)|9\d\d)|(?:3[3-9]|[45]\d),?\d{3})\s*-?\s*(?:days?|tagen?|jours|d[ií]as|giorni))\b\.?(?:[\s-]*old\b)?".to_owned(),
        ),
        of(
            0,
            format!(
                r"\b{OLD_WORDS}(?:[-\s]\w+){{0,2}}[-\s]+(?:(?:years?|yrs?)\b(?:[-\s]*old\b)?|birthday\b)|\bhundred[-\s]+(?:years?|yrs?)[-\s]+old\b|(?:{LABEL}{ABOUT}|\bturn(?:ed|s|ing)?\s+){OLD_WORDS}\b"
            ),
        ),
        // In her nineties; a saturation in the nineties is nobody's.
        of(
            0,
            r"(?P<head>\bin\s+(?:his|her|their|my|your|ihren|seinen)\s+)(?:(?:very\s+)?(?:early|mid(?:dle)?|late|low|high|upper)[-\s]*)?(?:90['’]?s|nineties|100['’]?s|hundreds|neunzigern)\b".to_owned(),
        ),
        // Words that say it by themselves.
        of(
            0,
            r"\b(?:(?:super)?centenarian|nonagenarian|\w*neunzig(?:jährig\w*|\s+jahren?)|\w*hundertjährig\w*|quatre-vingt-(?:dix|onze|douze|treize|quatorze|quinze|seize)[-\w]*\s+ans|noventa(?:\s+y\s+\w+)?\s+a(?:ñ|n\x{303})os|novanta\w*\s+anni)\b".to_owned(),
        ),
    ]
}

/// Whether a letter beside a number is somebody's sex: not that of a rate (`pulse 92/m`), of a unit (`kg/m, 95`) or of a length
/// (`1.8 m, 95 kg`).
fn is_sex(text: &str, found: Range<usize>) -> bool {
    const RATES: [&str; 14] = [
        "pulse",
        "puls",
        "hr",
        "hf",
        "af",
        "rr",
        "rate",
        "p",
        "bpm",
        "af",
        "freq",
        "frequency",
        "beats",
        "frequenz",
    ];
    let before = text[..found.start].trim_end_matches([' ', ':', '=', '.', ',']);
    let word = before.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
    let unit = before.ends_with(|c: char| c.is_ascii_digit() || c == '/');
    !unit
        && !measured(&text[found.end..])
        && !RATES.iter().any(|rate| rate.eq_ignore_ascii_case(word))
}
