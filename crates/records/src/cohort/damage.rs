//! Spoiled records, each of a kind that a reader must set aside.

use super::dice::Dice;

/// Spoils the record that begins at `start`, so many times in a million. Says whether it did.
pub(crate) fn spoil(text: &mut String, start: usize, share: u32, dice: &mut Dice) -> bool {
    if dice.below(1_000_000) >= share {
        return false;
    }
    match dice.below(4) {
        // Cut off, as by a full disk. Names are not all ASCII: the cut must not split a character.
        0 => {
            let mut cut = start + 1 + (text.len() - start) / 2;
            while !text.is_char_boundary(cut) {
                cut -= 1;
            }
            text.truncate(cut);
        }
        // A record of no known kind.
        1 => text.replace_range(start + 2..start + 14, "resource"),
        // A raw control character within a text.
        2 => text.insert(start + 2, '\u{1}'),
        // Two records glued together where a line's end was lost.
        _ => {
            let copy = text[start..].to_owned();
            text.push_str(&copy);
        }
    }
    true
}
