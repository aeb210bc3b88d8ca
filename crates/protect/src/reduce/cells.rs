//! What short cells of a column are, which alone could be many things: `04-05` is a day in a column of dates and a range in
//! one of findings, `4/5` a day or a score.

use super::named;
use crate::scrub::{Removed, Scrubber, is_dated, is_year_month, points};
use crate::table::Column;

/// What the name of a column, and its other values, say of the cells that do not tell themselves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cells {
    /// They are dates.
    Dates,
    /// They are points out of as many as there are.
    Scores,
    Unknown,
}

/// So many different years and months are no counts that happen to look like them.
const FEWEST_MONTHS: usize = 3;
/// So many different scores out of the same are no days of one month.
const FEWEST_SCORES: usize = 3;

impl Cells {
    pub(super) fn of(column: &Column, scrubber: &Scrubber) -> Cells {
        let cells = || column.values.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty());
        let (all, short) = (cells().count(), cells().filter(|cell| is_dated(cell)).count());
        if short == 0 {
            return Cells::Unknown;
        }
        if named::is_date(&column.name) {
            return Cells::Dates;
        }
        let most =
            |cell| points(cell).map(|(_, most)| most).filter(|m| matches!(m, 4 | 5 | 6 | 10));
        let first = cells().next().and_then(most);
        let same = first.is_some() && cells().all(|cell| most(cell) == first);
        if same && (all >= FEWEST_SCORES || named::is_score(&column.name)) {
            return Cells::Scores;
        }
        let months = cells().filter(|cell| is_year_month(cell)).count();
        let whole = cells().filter(|cell| is_whole_date(cell, scrubber)).count();
        // Ranges stay where a date stands among them by accident.
        match months >= FEWEST_MONTHS && months == all || whole > 0 && 2 * whole >= short {
            true => Cells::Dates,
            false => Cells::Unknown,
        }
    }

    /// What is left of a cell that its column alone tells; `None` for one that tells itself.
    pub(super) fn left(self, cell: &str, removed: &mut Removed) -> Option<String> {
        match self {
            Cells::Dates => is_dated(cell).then(|| Scrubber::date(removed)),
            Cells::Scores => points(cell).map(|_| cell.to_owned()),
            Cells::Unknown => None,
        }
    }
}

/// Whether a cell is a date by its shape, with its year or with the name of its month.
fn is_whole_date(cell: &str, scrubber: &Scrubber) -> bool {
    !is_dated(cell)
        && cell.contains(|c: char| c.is_ascii_digit())
        && scrubber.shape(cell, &mut Removed::new()) == "[date]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_cell_is_what_its_column_says() {
        for (name, cells, expected) in [
            ("dob", &["04-05", "x"][..], Cells::Dates),
            ("admission_date", &["4/5"], Cells::Dates),
            ("Geburtsdatum", &["040530"], Cells::Dates),
            ("seen", &["2020-01-05", "04-05"], Cells::Dates),
            ("seen", &["202001", "202002", "201912"], Cells::Dates),
            ("q", &["5 April 2020", "05-04", "202004"], Cells::Dates),
            ("platelets", &["202001", "205000", "198000"], Cells::Unknown),
            ("range", &["04-05", "10-12", "2-3"], Cells::Unknown),
            ("range", &["04-05", "10-12", "2-3", "2020-01-05"], Cells::Unknown),
            ("strength", &["4/5", "5/5"], Cells::Scores),
            ("q", &["0/5", "4/5", "5/5"], Cells::Scores),
            ("q", &["4/5", "7/8", "9/6"], Cells::Unknown),
            ("date", &["2020", "x"], Cells::Unknown),
        ] {
            let column = Column::of(name, cells.iter().copied());
            assert_eq!(Cells::of(&column, &Scrubber::new()), expected, "{name} {cells:?}");
        }
    }
}
