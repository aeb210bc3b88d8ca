//! Places smaller than a state that have a shape: geocodes, which 45 CFR 164.514(b)(2)(i)(B) names beside addresses, and
//! streets with the number of a house, as several languages write them.

use std::ops::Range;

use super::Identifier::Place;
use super::patterns::{Rule, always, measured};
use super::sign;

/// Degrees as a number, with the hemisphere at most.
macro_rules! degrees {
    () => {
        r"[+-]?\d{1,3}(?:[.,]\d+)?(?:\s?°)?(?:\s?[nsewo]\b)?"
    };
}
/// Degrees and minutes, with the seconds at most.
macro_rules! minutes {
    () => {
        r#"\d{1,3}\s?[°º]\s?\d{1,2}(?:[.,]\d+)?\s?['′’´](?:\s?\d{1,2}(?:[.,]\d+)?\s?(?:["″”]|''|′′|’’))?"#
    };
}
/// Degrees that are marked as such.
macro_rules! marked {
    () => {
        r"\d{1,3}(?:[.,]\d+)?\s?[°º]"
    };
}
/// Words between a street's kind and the number of a house.
macro_rules! words {
    () => {
        r"(?:\p{L}[\p{L}\x{300}-\x{36f}.'’-]*,?\s+){1,5}"
    };
}

/// Where on the globe something is.
pub(super) const GEOCODES: [Rule; 5] = [
    // geo:53.57,-1.38 (RFC 5870), POINT(-1.381 53.571) (OGC 06-103r4, well-known text), lat 53.57, lon -1.38, 53.57N 1.38W, and
    // other references to a grid. A lateral view and a long one are no degrees: they come as a pair.
    Rule {
        kind: Place,
        digits: 2,
        signs: sign::ANY,
        shape: concat!(
            r"\bgeo\s?:\s?[+-]?\d[\d.]*,[+-]?\d(?:[\w.,;:=+-]*\w)?",
            r"|\b(?:multi)?(?:point\s*(?:zm?|m)?\s*\(+\s*[+-]?\d+(?:\.\d+\s+[+-]?\d+|\s+[+-]?\d+\.\d+)|(?:linestring|polygon)\s*(?:zm?|m)?\s*\(+\s*[+-]?\d[\d.]*\s+[+-]?\d)[^)]*\)+(?:\s*,\s*\([^)]*\)+)*",
            r#"|\blat(?:itude)?\b[\s:=."']*"#,
            degrees!(),
            r#"["',;\s/&]*(?:and\s+)?\b(?:lon(?:g(?:itude)?)?|lng)\b[\s:=."']*"#,
            degrees!(),
            r#"|\b(?:lon(?:g(?:itude)?)?|lng)\b[\s:=."']*"#,
            degrees!(),
            r#"["',;\s/&]*(?:and\s+)?\blat(?:itude)?\b[\s:=."']*"#,
            degrees!(),
            r#"|\b(?:latitude|longitude|breitengrad|längengrad)\b[\s:=."']*(?:(?:of|is)\s+)?"#,
            r"[+-]?\d{1,3}[.,]\d+(?:\s?°)?(?:\s?[nsewo]\b)?",
            r#"|\b(?:gps|coord(?:inate)?s?|koordinaten|coordonnées|coordenadas|coordinate)\b[\s:="'\[(]*[+-]?\d{1,3}\.\d+[,;\s]+[+-]?\d{1,3}\.\d+"#,
            r"|\b\d{1,2}\.\d{2,}\s?[ns][,;\s/]+\d{1,3}\.\d{2,}\s?[ewo]\b|\b[ns]\s?\d{1,2}\.\d{2,}[,;\s/]+[ewo]\s?\d{1,3}\.\d{2,}\b",
            r"|\b\d{2}\s\d{2}(?:\s\d{2}(?:\.\d+)?)?\s?[ns][,;\s/]+\d{1,3}\s\d{2}(?:\s\d{2}(?:\.\d+)?)?\s?[ewo]\b",
            r"|\bgrid\s+ref(?:erence)?\.?[\s:]*[a-z]{1,3}\s?\d[\d\s]{2,11}\d\b"
        ),
        check: always,
    },
    // lat 53.57, lon=-1.38: one of the two. A lesion is 3.20 cm long, and 2.35 cm lat.
    Rule {
        kind: Place,
        digits: 2,
        signs: sign::POINT | sign::LIST,
        shape: r#"\b(?:lat|lon|lng)\b\.?(?:[\s:=."']*[+-]?\d{1,3}[.,]\d{2,}|\s*[:=]\s*["']?[+-]?\d{1,3}[.,]\d+)(?:\s?°)?(?:\s?[nsewo]\b)?|\blong\b\s*(?:[:=]\s*["']?[+-]?\d{1,3}[.,]\d{2,}|[+-]\d{1,3}[.,]\d{2,})(?:\s?°)?(?:\s?[ewo]\b)?"#,
        check: no_measure,
    },
    // 53.5712,-1.3811: a pair of decimal degrees. What else it may be, the check says.
    Rule {
        kind: Place,
        digits: 6,
        signs: sign::LIST,
        shape: r"(?:[+-]|\b)\d{1,3}\.\d{2,}\s?°?\s?[,;]\s?[+-]?\d{1,3}\.\d{2,}(?:\s?°|\b)|(?:-|\b)\d{1,2},\d{4,}\s?;\s?-?\d{1,3},\d{4,}\b",
        check: is_position,
    },
    // 53°34′N 1°23′W, and whole degrees only as a pair: a bed at 30° w/ pillows is no place.
    Rule {
        kind: Place,
        digits: 2,
        signs: sign::DEGREE,
        shape: concat!(
            minutes!(),
            r"\s?[nsewo]\b|\b[nsewo]\s?",
            minutes!(),
            "|",
            marked!(),
            r"\s?[ns]\b[,;\s/]*",
            marked!(),
            r"\s?[ewo]\b|\b[ns]\s?",
            marked!(),
            r"[,;\s/]*[ewo]\s?",
            marked!()
        ),
        check: always,
    },
    // Three words of an address that stands for a square of three metres, and Open Location Codes.
    Rule {
        kind: Place,
        digits: 0,
        signs: sign::SLASH | sign::POINT | sign::PLUS,
        shape: r"///\s?\p{L}+\.\p{L}+\.\p{L}+|\b(?:what3words|w3w)\b[\s:=/]*\p{L}+\.\p{L}+\.\p{L}+|\b[2-9cfghjmpqrvwx]{8}\+[2-9cfghjmpqrvwx]{2,3}\b",
        check: always,
    },
];

/// Streets with the number of a house, in German, Dutch and Swedish, in French, Spanish and Portuguese, and in Italian: what is
/// given via a tube is written in small letters or has a unit.
pub(super) const STREETS: [Rule; 1] = [Rule {
    kind: Place,
    digits: 1,
    signs: sign::ANY,
    shape: concat!(
        // Hauptstr. 12, Kölner Straße 14, Lange Gasse 7, Kerkstraat 12, Alter Weg 7.
        r"\b(?:(?-i:\p{Lu})[\p{L}.]*[\s-]+)?(?:[\p{L}-]*(?:straße|strasse|str\.|gasse|allee|straat)|\p{L}{3,}(?:str|weg|platz|laan|plein|gatan|vägen))\s*\d{1,4}[a-z]?\b|(?-i:\b\p{Lu}\p{L}+\s(?:Weg|Platz|Markt)\s)\d{1,4}[a-z]?\b",
        // 7 rue de la Paix, rue de la Paix 7, Calle Mayor 14, ul. Długa 14.
        r"|\b\d{1,4}(?:\s?(?:bis|ter))?\s?,?\s+(?:(?:rue|impasse|chemin|quai|boulevard)\s+|(?:avenue|place|route|all[ée]e)\s+(?:de\s+|du\s+|des\s+|d['’]))(?:(?:de|du|des|la|le|les)\s+|[dl]['’])*\p{L}[\p{L}'’-]*(?-i:\s+\p{Lu}[\p{L}'’-]+){0,3}",
        r"|\b(?:rue|impasse|chemin|quai|calle|avda\.?|avenida|plaza|rua|travessa|praça|viale|piazza|vicolo)\s+",
        words!(),
        r"(?:n[.ºo°]*\s*)?\d{1,4}[a-z]?\b|(?-i:\b(?:C/|[uU]l\.)\s?\p{Lu}\p{Ll}+\s+(?:\p{L}+\s+){0,3})\d{1,4}[a-z]?\b",
        // Via Roma 14.
        r"|(?-i:\b(?:Via|Corso|Largo)\s+(?:(?:della|dei|del|di|delle|dello|degli)\s+|dell['’])?\p{Lu}\p{L}[\p{L}'’]*\s+(?:\p{Lu}\p{L}[\p{L}'’]*\s+){0,3})\d{1,4}[a-z]?\b|\bvia\s+(?:roma|garibaldi|mazzini|cavour|marconi|dante|verdi|matteotti)\s+\d{1,4}\b"
    ),
    check: no_measure,
}];

/// Streets in English, and other places with a label. The kinds of streets in the second part are words of other things in small
/// letters: 14 Wharfedale Close. Source: United States Postal Service, Publication 28, appendix C1, without those that are usual in
/// findings.
pub(super) const ENGLISH: &str = concat!(
    r"\b\d{1,6}[a-z]?(?:\s+[1-3]/[2-4])?\s+(?:\w+\.?\s+){0,3}(?:street|str|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq|highway|hwy|way|terrace|parkway|pkwy|apartment|apt|suite)\b\.?(?:\s*#?\d+\w?)?",
    r"|(?-i:\b\d{1,5}[A-Za-z]?,?\s+(?:\p{Lu}[\p{L}'’.-]*\s+){1,3}(?:Close|Cl\.|Crescent|Cres|Gardens|Gdns|Grove|Mews|Hill|Park|Circle|Cir|Trail|Quay|Wharf|Alley|Bend|Bluff|Branch|Bypass|Causeway|Cove|Creek|Crossing|Crossroad|Dale|Expressway|Freeway|Glen|Harbor|Heights|Hollow|Knoll|Landing|Loaf|Manor|Meadows?|Motorway|Orchard|Overpass|Parade|Pike|Plaza|Ranch|Ridge|Row|Skyway|Turnpike|Underpass|Viaduct|Village|Vista)\b)|(?-i:\b\d{1,5}[A-Za-z]?,?\s+(?:\p{Lu}[\p{L}'’.-]*\s+){1,3}Cl\.)|^\s*\d{1,5}[a-z]?,?\s+(?:\p{L}[\p{L}'’.-]*\s+){1,3}(?:close|crescent|gardens|mews|grove)\.?\s*$|\b(?:zip(?:\s?code)?|post(?:al)?\s?code|plz|postleitzahl|code\s+postal|código\s+postal)\b[\s:#.=]*\d(?:[\s.-]?\d){3,8}\b|\brr\s?\d+,?\s+box\s+\d+\b"
);

/// Whether a number behind words is that of a house, and does not count or measure.
fn no_measure(text: &str, found: Range<usize>) -> bool {
    !measured(&text[found.end..])
}

/// Whether a pair of decimal numbers is a position on the globe. Measurements come in pairs too, but with fewer places; of
/// those with few places a position is told by a sign or by its size.
fn is_position(text: &str, found: Range<usize>) -> bool {
    if measured(&text[found.end..]) {
        return false;
    }
    let pair = &text[found];
    let Some((first, second)) = pair.split_once(';').or_else(|| pair.split_once(',')) else {
        return false;
    };
    let parts = [first, second].map(|part| part.trim_matches([' ', '°', '+']).replace(',', "."));
    let places =
        parts.iter().map(|part| part.split_once('.').map_or(0, |(_, places)| places.len()));
    let (Ok(first), Ok(second)) = (parts[0].parse::<f64>(), parts[1].parse::<f64>()) else {
        return false;
    };
    let largest = first.abs().max(second.abs());
    if largest > 180.0 || first.abs().min(second.abs()) > 90.0 {
        return false;
    }
    match places.min() {
        Some(2) => first >= 10.0 && second < 0.0,
        Some(3) => first.abs() >= 10.0 || first < 0.0 || second < 0.0,
        Some(_) => largest >= 2.0,
        None => false,
    }
}
