//! Signs that few texts have. Each text is looked through once for all of them, and most shapes are then known not to be
//! in it.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// No sign is needed.
pub(super) const ANY: u32 = 0;
pub(super) const AT: u32 = 1;
pub(super) const COLON: u32 = 1 << 1;
pub(super) const SLASH: u32 = 1 << 2;
pub(super) const POINT: u32 = 1 << 3;
pub(super) const DASH: u32 = 1 << 4;
/// Comma or semicolon.
pub(super) const LIST: u32 = 1 << 5;
pub(super) const BRACKET: u32 = 1 << 6;
pub(super) const DEGREE: u32 = 1 << 7;
pub(super) const SEX: u32 = 1 << 8;
pub(super) const PLUS: u32 = 1 << 9;
/// A part of the name of a month, of a year in words, or the character for a month.
pub(super) const MONTH: u32 = 1 << 10;
/// A word before which or behind which a day stands.
pub(super) const DATED: u32 = 1 << 11;
/// The name of a social network.
pub(super) const NETWORK: u32 = 1 << 12;
/// What streets are called.
pub(super) const STREET: u32 = 1 << 13;
/// A box of the post, or a code of a place.
pub(super) const BOX: u32 = 1 << 14;
/// A dwelling in a house.
pub(super) const DWELLING: u32 = 1 << 15;
/// The word dot, as in an address of mail that is spelt out.
pub(super) const DOT: u32 = 1 << 16;
/// What a biometric identifier is taken of.
pub(super) const BODY: u32 = 1 << 17;

/// Parts of words in ASCII, with the sign that they are, whatever stands around them. A part that is rarer than its word is
/// enough. `_` is a space.
const WORDS: [(u32, &str); 8] = [
    (
        MONTH,
        "jan nner feb apr aug sept oct nov dec enero gennaio vrier fevereiro march marc mars maart rz mar\u{e7} avril abril may mai \
         mei maio maggio juni june juin junho giugno july juli juil julho luglio aou ao\u{fb}t agosto temb tiemb okt ott \
         outub cemb zemb ciemb eighteen nineteen thousand twenty",
    ),
    (
        DATED,
        "dob d.o.b born birth date admi discharged geb datum aufnahme entlass aufgenommen n\u{e9} ne\u{301} nacid nato \
         nata nascid fecha data naissance nascimento nascita nacimiento overleden died deceased dod lmp edd seen examined \
         collected signed month monat mois since seit depuis desde period",
    ),
    (
        NETWORK,
        "insta skype twitter snapchat tiktok telegram facebook linkedin wechat whatsapp mastodon discord reddit youtube twitch \
         viber kakao bluesky vkontakte pinterest tumblr ig_ ig: ig= ig@ fb_ fb: fb= fb@",
    ),
    (
        STREET,
        "_way _street _plaza _square _avenue _ave _road _boulevard _lane _court _place _drive _terrace _park _row _circle \
         _center _centre _tower _broadway _wharf _quay _crescent _gardens _mews _highway _close stra\u{df}e strasse str. \
         gasse allee straat rue_ calle_ avenida_ rua_ piazza_ chemin_ impasse_",
    ),
    (
        BOX,
        "box postfach postbus postal postale apartado apdo casilla caixa skrytka postboks p.o.b pob_ bag plus bp b.p \u{79c1}",
    ),
    (DWELLING, "apt apartment appartement flat suite wohnung whg piso_ piso. depto unit"),
    (DOT, "dot"),
    (BODY, "print iris retina biometric dna"),
];

static FINDER: LazyLock<(AhoCorasick, Vec<u32>)> = LazyLock::new(finder);

#[expect(clippy::expect_used, reason = "the words are constants, and every test compiles them")]
fn finder() -> (AhoCorasick, Vec<u32>) {
    let words =
        WORDS.iter().flat_map(|(sign, words)| words.split_whitespace().map(|word| (*sign, word)));
    let (signs, words): (Vec<u32>, Vec<String>) =
        words.map(|(sign, word)| (sign, word.replace('_', " "))).unzip();
    let finder = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(words)
        .expect("few short constant words");
    (finder, signs)
}

/// How many digits a text has, and which signs. Whatever a shape takes for a digit is numeric.
pub(super) fn of(text: &str) -> (usize, u32) {
    let (finder, words) = &*FINDER;
    let look = |(digits, signs), c: char| match c {
        c if c.is_numeric() => (digits + 1, signs),
        c => (digits, signs | character(c)),
    };
    let (digits, signs) = text.chars().fold((0, ANY), look);
    let found = finder.find_overlapping_iter(text);
    (digits, found.fold(signs, |signs, word| signs | words[word.pattern().as_usize()]))
}

/// The sign that a character is.
fn character(c: char) -> u32 {
    match c {
        '@' => AT,
        ':' => COLON,
        '/' => SLASH,
        '.' => POINT,
        '-' => DASH,
        ',' | ';' => LIST,
        '(' | '[' | '{' => BRACKET,
        '°' | 'º' => DEGREE,
        '♀' | '♂' => SEX,
        '+' => PLUS,
        '月' => MONTH,
        _ => ANY,
    }
}
