//! Dates in words and figures: days with the name of their month, and figures in the order of a date.

/// The names of months and their usual short forms in English, German, French, Spanish, Italian, Portuguese and Dutch.
/// Source: Unicode Common Locale Data Repository, Gregorian calendar, wide and abbreviated; `mrz` and `sept` are those of
/// clinical systems. Letters with a mark may be written as two characters, or without it.
const MONTH: &str = r"(?:jan(?:uary|uari|uar|vier|v|eiro)?|gen(?:naio|n)|ene(?:ro)?|j(?:ä|a\x{308}?|ae)n(?:ner)?|feb(?:ruary|ruari|ruar|braio|rero|er)?|f(?:é|e\x{301}?)v(?:r(?:ier)?)?|fev(?:ereiro)?|mar(?:ch|s|zo|(?:ç|c\x{327}?)o)?|maart|mrt|m(?:ä|a\x{308}?|ae)rz|mrz|apr(?:ile?)?|avr(?:il)?|abr(?:il)?|mayo?|mai|maggio|maio|mei|june?|juni|juin|jun(?:io|ho)|giu(?:gno)?|july?|jul[iy]|juil(?:let)?|jul(?:io|ho)|lug(?:lio)?|aug(?:ust(?:us|i)?)?|ao(?:û|u\x{302}?)t|agosto|sep(?:t(?:em(?:ber|bre))?|tiembre)?|set(?:iembre|tembre|embro)|o[ck]t(?:ober|obre|ubre)?|ott(?:obre)?|outubro|nov(?:ember|embre|iembre|embro)?|de[cz](?:ember|embre|embro)?|d(?:é|e\x{301}?)c(?:embre)?|dic(?:iembre|embre))";
/// Short forms that are also words or units of other things; a month only with a day before and a whole year behind.
const UNSURE_MONTH: &str = r"(?:gen|mag|ago|set|out|dic|maj)";
/// What stands between the parts of a date.
const JOINT: &str = r"[\s./,'’_-]{0,3}";

/// A day and the name of a month, or a month and its year.
pub(super) fn named() -> String {
    let day = r"\b\d{1,2}(?:st|nd|rd|th|er|º|ª|°)?";
    let of = r"(?:(?:of|the|de|del|di|do)\s+|d'\s*)?";
    let year = format!(
        // Two digits behind a space may be anything, unless nothing follows.
        r"(?:{JOINT}(?:(?:of|de|del|do)\s+)?\d{{4}}\b|[./'’_-]\s?\d{{2}}\b|'?\d{{2}}\b|,?\s+\d{{2}}(?P<rest>\s*(?:$|[;)]|[.,](?:\s|$))))"
    );
    let whole = r"(?:18|19|20)\d{2}";
    [
        format!(r"{day}{JOINT}{of}{MONTH}(?:\.?{year}|\b\.?)"),
        format!(r"{day}{JOINT}{of}{UNSURE_MONTH}{JOINT}{whole}\b"),
        format!(r"\b{MONTH}\.?[\s./_-]{{1,3}}\d{{1,2}}(?:st|nd|rd|th)?\b(?:[\s./,'’_-]{{1,3}}\d{{4}}\b|[./'’_-]\d{{2}}\b)?"),
        format!(r"\b{MONTH}\.?{JOINT}(?:(?:of|de|del|do)\s+)?{whole}\b"),
        format!(r"\b{whole}[\s./,_-]{{0,3}}{MONTH}[\s./_-]{{0,3}}\d{{1,2}}(?:st|nd|rd|th)?\b"),
        format!(r"\b{whole}[./_-]?{MONTH}\b"),
    ]
    .join("|")
}

/// Year, month and day in figures (ISO 8601, and with other separators), with the time if it stands there.
pub(super) const YEAR_FIRST: &str = r"\b\d{4}(?:[-/._]\d{1,2}[-/._]|\s?[-/]\s?\d{1,2}\s?[-/]\s?)\d{1,2}(?:[t ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:z|[+-]\d{2}:?\d{2})?)?\b|\b(?:18|19|20)\d{2}\s+(?:0?[1-9]|1[0-2])\s+(?:0?[1-9]|[12]\d|3[01])\b";

/// Day, month and year in figures, in either order of day and month. Apart by spaces only, they need a whole year, or a
/// zero before the day or the month: `5 4 1930`, `05 04 30`. What parts them is the same where the year is short: 53.5-54.2 is
/// a range.
pub(super) const YEAR_LAST: &str = r"\b\d{1,2}[-/._]\s?\d{1,2}[-/._]\s?\d{4}\b|\b\d{1,2}(?:-\s?\d{1,2}-|/\s?\d{1,2}/|\.\s?\d{1,2}\.|_\s?\d{1,2}_)\s?\d{2}\b|\b\d{1,2}\s?[-/]\s?\d{1,2}\s?[-/]\s?\d{4}\b|\b(?:0?[1-9]|[12]\d|3[01])\s+(?:0?[1-9]|1[0-2])\s+(?:18|19|20)\d{2}\b|\b(?:0?[1-9]|1[0-2])\s+(?:0?[1-9]|[12]\d|3[01])\s+(?:18|19|20)\d{2}\b|\b(?:0[1-9]\s(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])\s0[1-9])\s\d{2}\b";

/// A year that is no round thousand or so, as doses are: 2000/125 is one of amoxicillin and clavulanate.
macro_rules! year {
    () => {
        "(?:19(?:0[1-9]|[1-9][0-9])|20(?:0[1-9]|[1-9][0-9]))"
    };
}

/// A year and a month in figures, and the day of the year (ISO 8601, ordinal dates): `2020/01`, `2021/123`.
pub(super) const YEAR_MONTH: &str = concat!(
    r"\b(?:19|20)\d{2}-\d{2}\b|\b",
    year!(),
    r"(?:-0|/0?)[1-9]\b|\b",
    year!(),
    r"[-/]1[0-2]\b|\b",
    year!(),
    r"[-/](?:0\d{2}|[12]\d{2}|3[0-6]\d)\b"
);

/// Dates by their week (ISO 8601, week dates), with Roman months, and with the names of months in Japanese, Chinese, Korean,
/// Russian and Polish, whose days stand before another case of the month. Source: as for the other months.
pub(super) const ELSEWHERE: &str = concat!(
    r"\b(?:19|20)\d{2}-?w(?:[0-4]\d|5[0-3])(?:-?[1-7])?\b|\b(?:w|wk|week|kw|cw)\s?(?:0?[1-9]|[1-4]\d|5[0-3])[\s/.,-]{1,2}",
    year!(),
    r"\b|\b\d{1,2}[./-]\s?(?:i{1,3}|iv|vi{0,3}|ix|xi{0,2})[./-]\s?(?:(?:18|19|20)\d{2}|\d{2})\b",
    r"|(?:\d{2,4}\s?年\s?)?\d{1,2}\s?月(?:\s?\d{1,2}\s?日)?|(?:\d{2,4}\s?년\s?)?\d{1,2}\s?월(?:\s?\d{1,2}\s?일)?",
    r"|(?:\b\d{1,2}\s+)?(?:январ|феврал|март|апрел|ма[йя]|июн|июл|август|сентябр|октябр|ноябр|декабр)\p{L}{0,2}\s+(?:18|19|20)\d{2}\b|\b\d{1,2}\s+(?:январ|феврал|март|апрел|ма|июн|июл|август|сентябр|октябр|ноябр|декабр)(?:я|а)\b",
    r"|\b\d{1,2}\.?\s+(?:stycznia|lutego|marca|kwietnia|maja|czerwca|lipca|sierpnia|wrze(?:ś|s\x{301}?)nia|pa(?:ź|z\x{301}?)dziernika|listopada|grudnia)\b(?:\s+(?:18|19|20)\d{2}\b)?",
    r"|\b(?:stycze(?:ń|n)|luty|marzec|kwiecie(?:ń|n)|maj|czerwiec|lipiec|sierpie(?:ń|n)|wrzesie(?:ń|n)|pa(?:ź|z)dziernik|listopad|grudzie(?:ń|n))\s+(?:18|19|20)\d{2}\b"
);

/// The year of somebody's birth, and the day as far as it is told, behind words that announce it.
pub(super) const BIRTH: &str = concat!(
    r"\b(?:born|birth|dob|b\.|geb\.|geboren|jahrgang|jg\.|nacid[oa]|née?)\b?\D{0,15}(?:18|19|20)\d{2}\b",
    r"|\b(?:dob|d\.\s?o\.\s?b\.?|born|birth\s?da(?:te|y)|date\s+of\s+birth|geb\.?|geboren|geburtsdatum|née|né|nacid[oa]|nat[oa])\b[\s:.=#]*(?:(?:on|am|le|el|il)\s+)?(?:\d{1,2}[\s./-]+\d{1,2}[\s./-]+\d{2,4}|\d{8}|\d{6})\b",
    r"|\B\*(?:18|19|20)\d{2}\b"
);
