//! Calendar dates as FHIR writes them: a year, a year and month, or a day, with or without a time behind it.

/// A day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

impl Date {
    /// The day, if it exists in the calendar and its year has four digits.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Date> {
        let exists = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day);
        exists.then_some(Date { year, month, day })
    }

    /// Reads a whole date, `YYYY-MM-DD`, with or without a time behind it.
    pub fn parse(text: &str) -> Option<Date> {
        match PartialDate::parse(text)? {
            PartialDate { year, month: Some(month), day: Some(day) } => Date::new(year, month, day),
            _ => None,
        }
    }

    /// The year.
    pub fn year(self) -> i32 {
        self.year
    }

    /// Days since 1 March of the year 0; only differences mean anything.
    fn ordinal(self) -> i64 {
        // Years are counted from March, so that the leap day is the last of its year.
        let year = i64::from(self.year) - i64::from(self.month < 3);
        let month = (i64::from(self.month) + 9) % 12;
        let days_before_month = (153 * month + 2) / 5;
        year * 365 + year / 4 - year / 100 + year / 400 + days_before_month + i64::from(self.day)
            - 1
    }

    /// The day so many days later, or earlier; `None` outside of the years 1 to 9999.
    pub(crate) fn plus_days(self, days: i64) -> Option<Date> {
        Date::from_ordinal(self.ordinal() + days)
    }

    /// The day so many days after 1 January 1970.
    pub fn since_epoch(days: i64) -> Option<Date> {
        Date::new(1970, 1, 1)?.plus_days(days)
    }

    /// The inverse of [`Date::ordinal`].
    fn from_ordinal(ordinal: i64) -> Option<Date> {
        const ERA: i64 = 146_097;
        let (era, day_of_era) = (ordinal.div_euclid(ERA), ordinal.rem_euclid(ERA));
        let leaps = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / (ERA - 1);
        let year_of_era = (day_of_era - leaps) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let (month, carried) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = i32::try_from(era * 400 + year_of_era + carried).ok()?;
        Date::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
    }

    /// Days from `earlier` to this day, negative if `earlier` is later.
    pub(crate) fn days_since(self, earlier: Date) -> i64 {
        self.ordinal() - earlier.ordinal()
    }

    /// Completed years of somebody born on `born`, `None` if that day is still to come.
    pub(crate) fn age_of(self, born: Date) -> Option<u32> {
        let had_birthday = (self.month, self.day) >= (born.month, born.day);
        u32::try_from(self.year - born.year - i32::from(!had_birthday)).ok()
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// A FHIR date or dateTime as far as it is known, the time left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartialDate {
    pub(crate) year: i32,
    month: Option<u8>,
    day: Option<u8>,
}

impl PartialDate {
    /// The month, if it is known: 1 to 12.
    pub(crate) fn month(self) -> Option<u8> {
        self.month
    }

    /// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or `YYYY-MM-DDT...`.
    pub(crate) fn parse(text: &str) -> Option<PartialDate> {
        let date = text.split_once('T').map_or(text, |(date, _)| date);
        let mut parts = date.split('-');
        let year = number(parts.next()?, 4)?;
        let month = parts.next().map(|part| number(part, 2)).map_or(Some(None), |m| m.map(Some))?;
        let day = parts.next().map(|part| number(part, 2)).map_or(Some(None), |d| d.map(Some))?;
        if parts.next().is_some() {
            return None;
        }
        let (month, day) = (month.map(|m| m as u8), day.map(|d| d as u8));
        Date::new(year as i32, month.unwrap_or(1), day.unwrap_or(1))?;
        Some(PartialDate { year: year as i32, month, day })
    }

    /// The first day that this can mean. An age counted from it is never too low.
    pub(crate) fn earliest(self) -> Option<Date> {
        Date::new(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1))
    }
}

/// A number of exactly `digits` ASCII digits.
fn number(text: &str, digits: usize) -> Option<u16> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn days_in_month(year: i32, month: u8) -> u8 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn dates_are_read_as_far_as_they_are_known() {
        assert_eq!(PartialDate::parse("1950").unwrap().earliest(), Date::new(1950, 1, 1));
        assert_eq!(PartialDate::parse("1950-07").unwrap().earliest(), Date::new(1950, 7, 1));
        assert_eq!(Date::parse("1989-05-09T20:35:22-04:00"), Date::new(1989, 5, 9));
        assert_eq!(Date::parse("2024-02-29"), Date::new(2024, 2, 29));
    }

    #[test]
    fn what_is_no_date_is_not_read() {
        for text in [
            "",
            "50",
            "1950-7",
            "1950-02-30",
            "2023-02-29",
            "1900-02-29",
            "1950-01-01-01",
            "-950",
            "１９５０",
            "+950",
        ] {
            assert_eq!(PartialDate::parse(text), None, "{text}");
        }
        assert_eq!(Date::parse("1950-07"), None);
    }

    #[test]
    fn a_birthday_is_reached_on_its_day() {
        let born = Date::new(1960, 4, 13).unwrap();
        assert_eq!(Date::new(2026, 4, 12).unwrap().age_of(born), Some(65));
        assert_eq!(Date::new(2026, 4, 13).unwrap().age_of(born), Some(66));
        assert_eq!(Date::new(1959, 1, 1).unwrap().age_of(born), None);
    }

    #[test]
    fn consecutive_days_are_one_apart_through_four_centuries() {
        let mut before = Date::new(1799, 12, 31).unwrap();
        for year in 1800..2200 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    let date = Date::new(year, month, day).unwrap();
                    assert_eq!(date.days_since(before), 1);
                    assert_eq!(before.plus_days(1), Some(date));
                    before = date;
                }
            }
        }
    }
}
