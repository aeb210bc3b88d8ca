//! Where somebody lives or gets post, without the number of a house in figures: boxes of the post, dwellings in a house, and
//! streets, as 45 CFR 164.514(b)(2)(i)(B) names addresses.

use std::ops::Range;

use super::Identifier::Place;
use super::patterns::{Rule, always, measured};
use super::{ordinary, sign, spelling};

/// Boxes of the post in English, German, Dutch, Danish, Italian, French, Spanish, Portuguese and Polish, and Open Location Codes.
pub(super) const BOXES: &str = r"\b(?:(?:g\.?)?p\.?\s?o\.?\s?box|p\.\s?o\.\s?b\.|pob|post\s?office\s+box|postbox|(?:locked|private)\s+bag|postfach|postbus|postboks|casella\s+postale|bo(?:î|i\x{302}|i)te\s+postale|apartado(?:\s+(?:de\s+correos|postal|a[eé]reo))?|apdo\b\.?(?:\s+(?:de\s+correos|postal))?|casilla\s+(?:postal|de\s+correos?)|caixa\s+postal|skrytka\s+pocztowa)[\s:]+(?:(?:n[ro]?|no|nr|nº|n°)\b\.?\s*)?#?\w+(?:[ -]\d{2,3}\b){0,2}|\b(?:p\.\s?o\.\s?b\.|apdo\.)\d+|私書箱\s?\d+号?|\bplus\s?codes?\b[\s:=]*[a-z]*\d[\w+]*";

/// Numbers in words, with which addresses begin.
macro_rules! number {
    () => {
        r"(?:One|Two|Three|Four|Five|Six|Seven|Eight|Nine|Ten|Eleven|Twelve|Thirteen|Fourteen|Fifteen|Sixteen|Seventeen|Eighteen|Nineteen|(?:Twenty|Thirty|Forty|Fifty|Sixty|Seventy|Eighty|Ninety)(?:[- ](?:One|Two|Three|Four|Five|Six|Seven|Eight|Nine))?|(?:One +)?Hundred)"
    };
}

/// Boxes with a postal code, and streets without a number in figures.
pub(super) const HOMES: [Rule; 4] = [
    // One Microsoft Way.
    Rule {
        kind: Place,
        digits: 0,
        signs: sign::STREET,
        shape: concat!(
            "(?-i:\\b",
            number!(),
            r" +(?:\p{Lu}[\p{L}\p{N}'’.-]* +){1,3}(?:Way|Street|St|Plaza|Square|Avenue|Ave|Road|Boulevard|Lane|Court|Place|Drive|Terrace|Park|Row|Circle|Center|Centre|Tower|Wharf|Quay|Crescent|Gardens|Mews|Highway|Close)\b|\b",
            number!(),
            r" +Broadway\b)"
        ),
        check: always,
    },
    // The same in small letters, where it has a word that notes do not have.
    Rule {
        kind: Place,
        digits: 0,
        signs: sign::STREET,
        shape: concat!(
            r"(?:\b(?P<head>(?:at|address|lives|live|from|of|to)[\s:]+))?\b",
            number!(),
            r" +(?:\p{L}[\p{L}'’.-]* +){1,2}(?:way|street|plaza|square|avenue|road|boulevard|lane|court|place|drive|terrace)\b"
        ),
        check: is_address,
    },
    // A cell that is a street and nothing else: Abbey Road, Kölner Straße, Rue de la Paix.
    Rule {
        kind: Place,
        digits: 0,
        signs: sign::STREET,
        shape: concat!(
            r"(?-i:^\s*(?:\p{Lu}[\p{L}'’.-]*[ -]+){1,3}(?:Street|Road|Avenue|Boulevard|Lane|Terrace|Crescent|Gardens|Mews|Highway|Close|Stra(?:ß|ss)e|Str\.|Gasse|Allee)\s*$",
            r"|^\s*\p{Lu}\p{Ll}{2,}(?:stra(?:ß|ss)e|str\.|gasse|allee|straat)\s*$",
            r"|^\s*(?:[Rr]ue|Calle|Avenida|Rua|Piazza|Chemin|Impasse) (?:(?:de|del|du|des|da|do|la|le|les|los) |d['’]|l['’])*\p{Lu}[\p{L}'’-]*(?: \p{Lu}[\p{L}'’-]*){0,3}\s*$)"
        ),
        check: always,
    },
    // BP 123 is a box in French, and a blood pressure.
    Rule {
        kind: Place,
        digits: 1,
        signs: sign::BOX,
        shape: r"\b(?:bp|b\.\s?p\.)\s*(?:n[o°º.]+\s*)?\d{1,6}\b(?:,?\s+(?:\d{5}\b|cedex\b))?",
        check: is_box,
    },
];

/// Dwellings in a house, which are looked for behind addresses that have one at their end.
pub(super) const DWELLINGS: [Rule; 2] = [
    // Apt 4B, Suite 200, Wohnung 5.
    Rule {
        kind: Place,
        digits: 1,
        signs: sign::DWELLING,
        shape: r"\b(?:apt|apartment|appartement|suite|wohnung|whg|piso|depto)\b\.?\s*(?:(?:no|nr|n°)\b\.?\s*|#\s*)?\d{1,4}(?:\s?-?[a-z]\b)?\b",
        check: is_dwelling,
    },
    // Flat 2, flat 2b: a wave is flat too.
    Rule {
        kind: Place,
        digits: 1,
        signs: sign::DWELLING,
        shape: r"\b(?:flat|unit)\s+(?:(?:no|nr)\b\.?\s*|#\s*)?\d{1,3}[a-z]?\b",
        check: is_flat,
    },
];

/// Whether all of a text is one address in small letters, or it is announced as one. Words of any sentence make none: one long
/// way.
fn is_address(text: &str, found: Range<usize>) -> bool {
    let announced = text[found.clone()].contains(' ') && {
        let first = text[found.clone()].split([' ', ':']).next().unwrap_or_default();
        ["at", "address", "lives", "live", "from", "of", "to"]
            .iter()
            .any(|word| word.eq_ignore_ascii_case(first))
    };
    let kind = text[found.clone()].rsplit(' ').next().unwrap_or_default();
    let street = ["street", "avenue", "road", "boulevard", "plaza"]
        .iter()
        .any(|k| k.eq_ignore_ascii_case(kind));
    let whole = text.trim() == text[found.clone()].trim();
    let mut words = text[found].split([' ', ':']).filter(|word| !word.is_empty());
    words.next_back();
    let skipped = 1 + usize::from(announced);
    let strange = words.skip(skipped).all(|word| !ordinary::is_ordinary(&spelling::folded(word)));
    strange && (announced || whole || street)
}

/// A blood pressure is between these, in millimetres of mercury.
const PRESSURES: std::ops::RangeInclusive<u32> = 30..=300;

/// Whether what stands behind BP is a box of the post: no blood pressure can be it, or a postal code follows, or the text is
/// nothing else.
fn is_box(text: &str, found: Range<usize>) -> bool {
    let (all, after) = (&text[found.clone()], text[found.end..].trim_start());
    let before = text[..found.start].trim_end_matches([' ', ':', ',']).to_lowercase();
    let goes_on = after.starts_with(['/', '\\', '-', '.'])
        && after[1..].starts_with(|c: char| c.is_ascii_digit());
    if goes_on || after.starts_with('/') || measured(&text[found.end..]) {
        return false;
    }
    let mut numbers = all.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let number = numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0);
    let code = numbers.next().is_some() || all.to_lowercase().ends_with("cedex");
    let labelled = ["adresse", "address", "anschrift", "courrier", "postale"]
        .iter()
        .any(|label| before.ends_with(label));
    let whole = text.trim() == all;
    code || labelled || whole || all.contains(['°', 'º']) || !PRESSURES.contains(&number)
}

/// Whether a number behind apt is no time of an appointment, and no dose.
fn is_dwelling(text: &str, found: Range<usize>) -> bool {
    let after = text[found.end..].trim_start().to_lowercase();
    let clock = after.starts_with(':')
        || ["am", "pm", "a.m", "p.m", "uhr"].iter().any(|c| after.starts_with(c));
    !clock && !measured(&text[found.end..])
}

/// Whether something flat, or a unit, is a dwelling: the text is nothing else, it has a letter behind its number, or an address
/// is announced.
fn is_flat(text: &str, found: Range<usize>) -> bool {
    let all = &text[found.clone()];
    let capital = all.starts_with(char::is_uppercase);
    let flat = all.to_lowercase().starts_with("flat");
    let letter = all.ends_with(|c: char| c.is_alphabetic());
    let whole = text.trim() == all;
    let before = text[..found.start].trim_end_matches([' ', ':', ',']);
    let word =
        before.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_lowercase();
    let announced =
        ["lives", "live", "living", "lived", "address", "at", "resides"].contains(&word.as_str());
    let counted = text[found.end..].trim_start().starts_with("of ");
    !counted
        && is_dwelling(text, found)
        && (whole && (capital || letter)
            || announced
            || letter && (flat || capital)
            || flat && capital)
}
