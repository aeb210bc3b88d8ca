//! What people are called in social networks, which 45 CFR 164.514(b)(2)(i)(R) covers: behind the name of the network, with or
//! without a sign between.

use std::ops::Range;

use super::Identifier::Web;
use super::patterns::{Rule, always};
use super::{ordinary, sign, spelling};

pub(super) const HANDLES: [Rule; 2] = [
    Rule {
        kind: Web,
        digits: 0,
        signs: sign::NETWORK,
        shape: r"\b(?:insta(?:gram)?|skype|twitter|snapchat|tiktok|telegram|facebook|linkedin|wechat|whatsapp|mastodon|discord|reddit|youtube|twitch|viber|kakao(?:talk)?|bluesky|vkontakte|pinterest|tumblr)(?:\s*[:=]\s*|\s+)(?:(?:id|is|as|handle|name|user\s?name|user|account|acct|profile|under|u/|r/)\b[\s:=]*)*[@/]?[\p{L}\d_][\p{L}\d._#-]*[\p{L}\d_]",
        check: is_handle,
    },
    // IG is a class of proteins too, and FB a foreign body: what follows has letters first, and then a digit.
    Rule {
        kind: Web,
        digits: 0,
        signs: sign::NETWORK,
        shape: r"\b(?:ig|fb)[ :=@][\s:=@]{0,2}\p{L}[\p{L}._]+[\d_][\p{L}\d._]*\b",
        check: always,
    },
];

/// Words behind the name of a network that are nobody's.
const SPOKEN: &str = "
use user users usage account accounts page pages post posts group groups message messages messenger call calls video
videos friend friends app apps feed feeds data daily often much hour hours minutes disorder status live story stories reel
reels influencer influencers marketplace chat chats likes trend trends challenge content profile profiles handle name id
contact media network online web login password link links tic tics addict addicts streak streaks overuse abuse habit
or via because before bedtime alone together
";

/// Whether the last word is no word of a sentence: one with a digit in it, or one that notes do not have.
fn is_handle(text: &str, found: Range<usize>) -> bool {
    let found = text[found].trim_end_matches(['.', '-', '#']);
    let handle = found.rsplit(|c: char| c.is_whitespace() || ":=@/".contains(c)).next();
    let word = spelling::folded(handle.unwrap_or_default());
    if word.contains(|c: char| c.is_ascii_digit() || c == '_' || c == '.') {
        return word.contains(char::is_alphabetic);
    }
    let spoken = SPOKEN.split_whitespace().any(|spoken| spoken == word)
        || ["ing", "ed", "tion", "ion", "ly", "ness", "ment"].iter().any(|end| word.ends_with(end));
    word.chars().count() > 2 && !spoken && !ordinary::is_ordinary(&word)
}
