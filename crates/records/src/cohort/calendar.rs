//! Days as numbers, and numbers as the dates that FHIR writes.

use std::str::FromStr;

use crate::view::parse_date;

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(
    /// Days since 1 January 1970.
    i64,
);

impl Day {
    /// 1 January 2026.
    pub const NEW_YEAR_2026: Day = Day(20_454);

    /// So many days later.
    pub(crate) fn plus(self, days: i64) -> Day {
        Day(self.0 + days)
    }

    /// Days from `earlier` to this day.
    pub(crate) fn since(self, earlier: Day) -> i64 {
        self.0 - earlier.0
    }

    /// The same day so many years before; 29 February becomes the 28th.
    pub(crate) fn years_before(self, years: i64) -> Day {
        let (year, month, day) = self.date();
        Day::from_date(year - years, month, if (month, day) == (2, 29) { 28 } else { day })
    }

    /// Year, month and day. Years run from March, so that the leap day is the last of its year.
    pub(crate) fn date(self) -> (i64, i64, i64) {
        let days = self.0 + 719_468; // since 1 March of the year 0
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        (year + era * 400 + i64::from(month <= 2), month, day)
    }

    fn from_date(year: i64, month: i64, day: i64) -> Day {
        let year = year - i64::from(month <= 2);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        Day(365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
            - 719_468)
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl std::fmt::Debug for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// A text that is not a day of the calendar written as `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a day: write it as YYYY-MM-DD, such as 2026-01-01")]
pub struct NotADay;

impl FromStr for Day {
    type Err = NotADay;

    fn from_str(text: &str) -> Result<Day, NotADay> {
        let (year, month, day) = parse_date(text).ok_or(NotADay)?;
        Ok(Day::from_date(year, month, day))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_days_have_their_numbers() {
        assert_eq!("1970-01-01".parse(), Ok(Day(0)));
        assert_eq!("2000-03-01".parse(), Ok(Day(11_017)));
        assert_eq!(Day::NEW_YEAR_2026.to_string(), "2026-01-01");
        assert_eq!("2025-02-29".parse::<Day>(), Err(NotADay));
        assert_eq!("2024-02-29".parse::<Day>().unwrap().years_before(1).to_string(), "2023-02-28");
    }

    proptest! {
        #[test]
        fn a_day_is_written_and_read_back(number in -700_000i64..2_900_000) {
            prop_assert_eq!(Day(number).to_string().parse::<Day>(), Ok(Day(number)));
        }
    }
}
