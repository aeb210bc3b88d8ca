//! Ages over 89, as 45 CFR 164.514(b)(2)(i)(C) names them: in figures and in words, in years, months and weeks, alone and
//! in lists. Lower ages stay.

/// An age from 90 to 149, in whole years.
const WHOLE: &str = r"(?:9\d|1[0-4]\d)";
/// The same, or with a fraction.
const OLD: &str = r"(?:9\d|1[0-4]\d)(?:[.,]\d{1,2})?";
/// The same in English words.
const OLD_WORDS: &str = r"(?:ninet(?:y|ie[ts]h)|(?:a|one)\s+hundred)(?:[-\s]+(?:and[-\s]+)?(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|first|second|third|fou?rth|fifth|sixth|seventh|eighth|ninth|tenth))?";
/// Years, as they are written behind a number; `yo` may have the sex behind it.
const YEARS: &str =
    r"(?:years?|yrs?|y/?o(?:[wb]?[mf])?|y\.\s?o\.?|y|jahren?|jährig\w*|ans|años|anni|anos|jaar)";
/// From one age to another.
const TO: &str = r"\s*(?:-|to|or|bis|oder)\s*";
/// One age and another.
const AND: &str = r"\s*(?:-|/|&|,?\s*(?:to|or|and|bis|oder|und))\s*";
/// Words before an age: how old somebody is.
const LABEL: &str = r"\b(?:ages?|aged|aet(?:at)?|âge|alter|edad|età|leeftijd)\b";
/// How exactly.
const ABOUT: &str =
    r"(?:(?:of|is|was|over|above|about|around|approximately|between|ca|circa)\b|[\s:=.~>≥])*";

/// How many digits each shape has at least, and the shape.
pub(super) fn shapes() -> [(usize, String); 9] {
    [
        // 95 years, 95.5 y, 85-95 yo, 91 and 93 years old.
        (
            2,
            format!(
                r"\b(?:\d{{1,3}}{TO})?{OLD}(?:{AND}{OLD})*\s*-?\s*{YEARS}\b(?:[\s-]*old\b)?"
            ),
        ),
        // 95F; with a fraction it would be a temperature or a length.
        (2, format!(r"\b{WHOLE}(?:{AND}{WHOLE})*\s*-?\s*[mf]\b(?:[\s-]*old\b)?")),
        // ages 5, 91, 92 and 93: a list only where the word says that there are several.
        (
            2,
            format!(
                r"\bages\b[\s:=]*(?:\d{{1,3}}(?:\s*,|{AND})\s*)*{OLD}\b(?:(?:\s*,|{AND})\s*{OLD}\b)*"
            ),
        ),
        // aged 91 or 92, age 95-99, aet. 95, aged between 85 and 95.
        (
            2,
            format!(
                r"{LABEL}{ABOUT}(?:\d{{1,3}}{TO}|between\s+\d{{1,3}}\s+and\s+)?{OLD}\b(?:{AND}{OLD}\b)*"
            ),
        ),
        // 95th birthday.
        (
            2,
            format!(r"\b{WHOLE}(?:st|nd|rd|th|er|e|º|\.)?\s+(?:birthday|geburtstag|anniversaire|cumpleaños|compleanno|aniversário|verjaardag)\b"),
        ),
        // He turned 95, she was 96 when; but a head is turned 90 degrees.
        (
            2,
            format!(
                r"\b(?:turn(?:ed|s|ing)?|s?he\s+(?:is|was|became|reached)(?:\s+(?:now|already))?)\s+{WHOLE}(?P<rest>\s*(?:$|[;:!?)]|[.,](?:\s|$))|\s+(?:when|and|but|at|in|on|now|this|last|next|years?|today|yesterday|the|before|after|a|ago|while|since|with)\b)"
            ),
        ),
        // 1080 months are 90 years, and so are 4,696 weeks.
        (
            4,
            r"\b(?:1,?(?:0[89]\d|[1-7]\d\d)\s*-?\s*(?:months?|mos?|monaten?|mois|meses|mesi|maanden)|4,?(?:69[6-9]|[7-9]\d\d)\s*-?\s*(?:weeks?|wks?|wochen))\b\.?(?:[\s-]*old\b)?".to_owned(),
        ),
        (
            0,
            format!(
                r"\b{OLD_WORDS}(?:[-\s]\w+){{0,2}}[-\s]+(?:(?:years?|yrs?)\b(?:[-\s]*old\b)?|birthday\b)|(?:{LABEL}{ABOUT}|\bturn(?:ed|s|ing)?\s+){OLD_WORDS}\b"
            ),
        ),
        // Words that say it by themselves.
        (
            0,
            r"\b(?:(?:super)?centenarian|nonagenarian|\w*neunzig(?:jährig\w*|\s+jahren?)|\w*hundertjährig\w*|quatre-vingt-(?:dix|onze|douze|treize|quatorze|quinze|seize)[-\w]*\s+ans|noventa(?:\s+y\s+\w+)?\s+a(?:ñ|n\x{303})os|novanta\w*\s+anni)\b".to_owned(),
        ),
    ]
}
