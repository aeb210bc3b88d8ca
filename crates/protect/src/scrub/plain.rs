//! Text made plain, so that nothing can hide in markup, behind references, or in characters that nobody sees.

use std::borrow::Cow;

/// Elements of HTML that part no word: a name goes on behind them. All others stand for a space. Superscripts and subscripts
/// do too, since digits in them are no more digits of the number before.
const INLINE: [&str; 30] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font",
    "i", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike", "strong",
    "tt", "u", "var", "wbr", "nobr",
];

/// Text without tags, comments, entities, characters that nobody sees and digits or letters in disguise.
pub(super) fn plain(text: &str) -> String {
    let text = without_tags(text);
    decoded(&text).chars().filter(|c| !is_unseen(*c)).map(ascii).collect()
}

fn without_tags(text: &str) -> Cow<'_, str> {
    if !looks_like_tag(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        let tag = &rest[start + 1..];
        let (inside, after) = match tag.strip_prefix("!--") {
            Some(comment) => ("", comment.split_once("-->").map_or("", |(_, after)| after)),
            None => tag.split_once('>').unwrap_or((tag, "")),
        };
        let name = inside.trim_start_matches('/');
        let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())];
        let inline = INLINE.iter().any(|inline| inline.eq_ignore_ascii_case(name));
        if !inline && !tag.starts_with("!--") {
            out.push(' ');
        }
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Whether a text has markup in it; a lone `<` is a comparison.
fn looks_like_tag(text: &str) -> bool {
    text.contains('>')
        && text.split('<').skip(1).any(|after| {
            after.starts_with('/')
                || after.starts_with('!')
                || after.starts_with(|c: char| c.is_ascii_alphabetic())
        })
}

fn is_unseen(c: char) -> bool {
    matches!(c as u32, 0xAD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF
        | 0xE000..=0xF8FF | 0xE0000..=0xE0FFF | 0xF0000..)
        || (c.is_control() && !c.is_whitespace())
}

/// Letters and digits in full width, digits of other scripts, and dashes as ASCII.
fn ascii(c: char) -> char {
    let code = c as u32;
    let digit = |zero: u32| char::from_digit(code - zero, 10).unwrap_or(c);
    match code {
        0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0).unwrap_or(c),
        0x660..=0x669 => digit(0x660),
        0x6F0..=0x6F9 => digit(0x6F0),
        0x966..=0x96F => digit(0x966),
        0x2010..=0x2015 | 0x2212 => '-',
        // A ring above stands for degrees in old character sets.
        0x2DA => '°',
        0xA0 | 0x2000..=0x200A | 0x202F | 0x3000 => ' ',
        _ => c,
    }
}

/// A reference may be encoded itself, by so many systems that a text went through.
const MOST_ENCODINGS: usize = 3;

/// Character references of HTML as characters, and references in references: `&amp;#116;` is `&#116;` is `t`.
fn decoded(text: &str) -> Cow<'_, str> {
    let mut text = decode(text);
    for _ in 1..MOST_ENCODINGS {
        let again = match decode(&text) {
            Cow::Owned(again) if again != text => again,
            _ => break,
        };
        text = Cow::Owned(again);
    }
    text
}

/// Character references as characters.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(';').filter(|end| *end <= LONGEST_REFERENCE);
        let found = end.and_then(|end| Some((end, reference(&rest[1..end])?)));
        match found {
            Some((end, (c, mark))) => {
                out.push(c);
                out.extend(mark);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Longer names than this are no references that matter here.
const LONGEST_REFERENCE: usize = 16;

/// What a reference stands for: a character, or a letter and its mark. Names as in the HTML Standard, named character
/// references; a letter with a mark is named by both, such as `eacute`.
fn reference(name: &str) -> Option<(char, Option<char>)> {
    let one = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" | "lsquo" | "rsquo" => '\'',
        "nbsp" | "ensp" | "emsp" | "thinsp" | "hairsp" => ' ',
        "commat" => '@',
        "period" => '.',
        "colon" => ':',
        "sol" => '/',
        "lowbar" => '_',
        "hyphen" | "dash" | "ndash" | "mdash" => '-',
        "shy" => '\u{ad}',
        "deg" => '°',
        "prime" => '′',
        "Prime" => '″',
        "zwj" => '\u{200d}',
        "zwnj" => '\u{200c}',
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        "ZeroWidthSpace" => '\u{200b}',
        "NoBreak" => '\u{2060}',
        "szlig" => 'ß',
        "aelig" => 'æ',
        "AElig" => 'Æ',
        "oelig" => 'œ',
        "OElig" => 'Œ',
        "oslash" => 'ø',
        "Oslash" => 'Ø',
        "eth" => 'ð',
        "ETH" => 'Ð',
        "thorn" => 'þ',
        "THORN" => 'Þ',
        "lstrok" => 'ł',
        "Lstrok" => 'Ł',
        "dstrok" => 'đ',
        "Dstrok" => 'Đ',
        "imath" | "inodot" => 'ı',
        _ => match name.strip_prefix('#') {
            Some(number) => numbered(number)?,
            None => return marked(name),
        },
    };
    Some((one, None))
}

fn numbered(number: &str) -> Option<char> {
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

/// A letter and the mark on it.
fn marked(name: &str) -> Option<(char, Option<char>)> {
    let letter = name.chars().next().filter(char::is_ascii_alphabetic)?;
    let mark = match &name[1..] {
        "grave" => '\u{300}',
        "acute" => '\u{301}',
        "circ" => '\u{302}',
        "tilde" => '\u{303}',
        "macr" => '\u{304}',
        "breve" => '\u{306}',
        "dot" => '\u{307}',
        "uml" => '\u{308}',
        "ring" => '\u{30a}',
        "dblac" => '\u{30b}',
        "caron" => '\u{30c}',
        "cedil" => '\u{327}',
        "ogon" => '\u{328}',
        _ => return None,
    };
    Some((letter, Some(mark)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_is_no_tag() {
        assert_eq!(plain("pH < 7.3"), "pH < 7.3");
        assert_eq!(plain("<div>a &lt; 3</div>").trim(), "a < 3");
    }

    #[test]
    fn a_word_goes_on_behind_what_nobody_sees() {
        for text in [
            "zebu<b>lon</b>",
            "zebu<wbr/>lon",
            "zebu<!-- > -->lon",
            "zebu&shy;lon",
            "zebu&zwnj;lon",
            "zebu&#173;lon",
            "zebu<SPAN class='x'>lon</SPAN>",
            "zebu&ZeroWidthSpace;lon",
            "zeb&amp;#117;lon",
        ] {
            assert_eq!(plain(text), "zebulon", "{text}");
        }
        assert_eq!(plain("M&uuml;ller"), "Mu\u{308}ller");
        assert_eq!(plain("&Oslash;rsted &amp; Wei&szlig;"), "Ørsted & Weiß");
        assert_eq!(plain("<p>one</p><p>two</p>").split_whitespace().count(), 2);
        assert_eq!(plain("10<sup>9</sup>/L"), "10 9 /L");
    }
}
