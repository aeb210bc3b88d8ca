//! Dates and times as far as they are known.
//!
//! FHIR writes "2020" for "some time in 2020"; a comparison that the missing digits would decide has no answer.

use std::cmp::Ordering;

/// A date, a dateTime or a time, to the precision that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Temporal {
    /// Year, month, day, hour, minute, nanosecond of the minute; the first `known` of them count.
    fields: [i64; 6],
    first: usize,
    known: usize,
    /// Whether parts of a second are written.
    fraction: bool,
    /// Minutes east of Greenwich, where an offset is written.
    offset: Option<i64>,
    kind: Kind,
    /// As it was written, where that is asked for.
    written: Option<Box<str>>,
}

const SECOND: i64 = 1_000_000_000;
const MILLISECOND: i64 = 1_000_000;

/// Reads a whole date without a time: year, month and day.
pub(crate) fn parse_date(text: &str) -> Option<(i64, i64, i64)> {
    let value =
        Temporal::parse(text).filter(|value| value.known == 3 && value.kind == Kind::Date)?;
    let [year, month, day, ..] = value.fields;
    Some((year, month, day))
}

/// What the value is by its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Date,
    DateTime,
    Time,
}

/// Which end of the interval that a partial value spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Low,
    High,
}

impl Temporal {
    /// Reads what stands behind `@` in a path: `2020-01`, `2020-01-01T10:00`, `T10:00`.
    pub(crate) fn parse_literal(text: &str) -> Option<Temporal> {
        match text.strip_prefix('T') {
            Some(time) => Temporal::parse_time(time).map(|value| value.into_written(time)),
            None => {
                Temporal::parse(text).map(|value| value.into_written(text.trim_end_matches('T')))
            }
        }
    }

    /// The same, to be put out with just these digits.
    pub(crate) fn into_written(self, text: &str) -> Temporal {
        Temporal { written: Some(text.into()), ..self }
    }

    /// Reads a FHIR date, dateTime or instant.
    pub(crate) fn parse(text: &str) -> Option<Temporal> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let mut value = Temporal {
            fields: [0, 1, 1, 0, 0, 0],
            first: 0,
            known: 0,
            fraction: false,
            offset: None,
            kind: Kind::Date,
            written: None,
        };
        for (index, part) in date.split('-').enumerate() {
            let width = [4, 2, 2].get(index)?;
            value.fields[index] = digits(part, *width)?;
            value.known = index + 1;
        }
        let [year, month, day, ..] = value.fields;
        if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
            return None;
        }
        let Some(time) = time else { return Some(value) };
        value.kind = Kind::DateTime;
        if time.is_empty() {
            return Some(value);
        }
        if value.known < 3 {
            return None;
        }
        let zone = time.find(['Z', '+', '-']).unwrap_or(time.len());
        value.offset = offset(&time[zone..])?;
        value.read_clock(&time[..zone])?;
        Some(value)
    }

    /// The same, where what holds it says that a time may follow: the dateTime "2020" spans a year of moments.
    pub(crate) fn into_date_time(self) -> Temporal {
        Temporal { kind: Kind::DateTime, ..self }
    }

    /// Reads a FHIR time, `10:00:00`.
    pub(crate) fn parse_time(text: &str) -> Option<Temporal> {
        let mut value = Temporal {
            fields: [0, 1, 1, 0, 0, 0],
            first: 3,
            known: 3,
            fraction: false,
            offset: None,
            kind: Kind::Time,
            written: None,
        };
        value.read_clock(text)?;
        Some(value)
    }

    fn read_clock(&mut self, text: &str) -> Option<()> {
        let mut parts = text.split(':');
        self.fields[3] = digits(parts.next()?, 2).filter(|hour| *hour < 24)?;
        self.known = 4;
        if let Some(minute) = parts.next() {
            self.fields[4] = digits(minute, 2).filter(|minute| *minute < 60)?;
            self.known = 5;
        }
        if let Some(second) = parts.next() {
            let (whole, fraction) = second.split_once('.').unwrap_or((second, "0"));
            self.fraction = whole.len() < second.len();
            // 60 is a leap second, which FHIR allows.
            let seconds = digits(whole, 2).filter(|second| *second <= 60)?;
            if fraction.is_empty() || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
                return None;
            }
            let parts = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
            let nanos = parts.fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
            self.fields[5] = seconds * SECOND + nanos;
            self.known = 6;
        }
        parts.next().is_none().then_some(())
    }

    /// What the value is by its form.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether it is known to the second and where on earth, as FHIR asks of an instant.
    pub(crate) fn is_instant(&self) -> bool {
        self.kind == Kind::DateTime && self.known == 6 && self.offset.is_some()
    }

    /// The order of two values, `None` where what is known does not decide it.
    pub(crate) fn compare(&self, other: &Temporal) -> Option<Ordering> {
        if (self.kind == Kind::Time) != (other.kind == Kind::Time) {
            return None;
        }
        let (left, right) = match (self.offset, other.offset) {
            (Some(a), Some(b)) if a != b => (self.in_utc(a), other.in_utc(b)),
            _ => (self.fields, other.fields),
        };
        let shared = self.known.min(other.known);
        match left[self.first..shared].cmp(&right[self.first..shared]) {
            Ordering::Equal if self.known != other.known => None,
            order => Some(order),
        }
    }

    /// The fields moved to Greenwich; only called for values that have a time of day.
    fn in_utc(&self, offset: i64) -> [i64; 6] {
        let [mut year, mut month, mut day, hour, minute, nanos] = self.fields;
        let minutes = hour * 60 + minute - offset;
        day += minutes.div_euclid(24 * 60);
        if day < 1 {
            (year, month) = if month == 1 { (year - 1, 12) } else { (year, month - 1) };
            day += days_in_month(year, month);
        } else if day > days_in_month(year, month) {
            day -= days_in_month(year, month);
            (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        }
        let of_day = minutes.rem_euclid(24 * 60);
        [year, month, day, of_day / 60, of_day % 60, nanos]
    }

    /// The first or last moment that the value can mean, written as a value of `kind`. Where no offset is known, the
    /// outermost ones are taken (FHIRPath 3.0, boundary functions). `digits` is the precision as these functions count
    /// it: 4 for a year, 6 with the month, 8 with the day, 17 with the milliseconds; of a time, 2, 4, 6 and 9. `None`
    /// for a precision that there is not.
    pub(crate) fn boundary(&self, end: End, kind: Kind, digits: Option<i64>) -> Option<String> {
        let mut fields = self.fields;
        if end == End::High {
            let highest = [9999, 12, 31, 23, 59, 59_999 * MILLISECOND];
            fields[self.known..].copy_from_slice(&highest[self.known..]);
            if self.known < 3 {
                fields[2] = days_in_month(fields[0], fields[1]);
            }
        }
        if self.known == 6 && end == End::High && !self.fraction {
            fields[5] += 999 * MILLISECOND;
        }
        let [year, month, day, hour, minute, nanos] = fields;
        let millis = nanos / MILLISECOND;
        let date = format!("{year:04}-{month:02}-{day:02}");
        let time = format!("{hour:02}:{minute:02}:{:02}.{:03}", millis / 1000, millis % 1000);
        let offset = self.offset.unwrap_or(if end == End::Low { 14 * 60 } else { -12 * 60 });
        let zone = zone(offset);
        Some(match (kind, digits) {
            (Kind::Time, None | Some(9)) => time,
            (Kind::Time, Some(digits)) => time[..clock_length(digits)?].to_owned(),
            (_, Some(4)) => date[..4].to_owned(),
            (_, Some(6)) => date[..7].to_owned(),
            (_, Some(8)) | (Kind::Date, None) => date,
            (Kind::DateTime, None | Some(17)) => format!("{date}T{time}{zone}"),
            (Kind::DateTime, Some(digits)) => {
                format!("{date}T{}{zone}", &time[..clock_length(digits - 8)?])
            }
            (Kind::Date, Some(_)) => return None,
        })
    }
}

/// How much of `12:34:56` so many digits take.
fn clock_length(digits: i64) -> Option<usize> {
    match digits {
        2 => Some(2),
        4 => Some(5),
        6 => Some(8),
        _ => None,
    }
}

impl std::fmt::Display for Temporal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(written) = &self.written {
            return f.write_str(written);
        }
        let [year, month, day, hour, minute, nanos] = self.fields;
        let millis = nanos / MILLISECOND;
        for index in self.first..self.known {
            match index {
                0 => write!(f, "{year:04}")?,
                1 => write!(f, "-{month:02}")?,
                2 => write!(f, "-{day:02}")?,
                3 if self.kind == Kind::Time => write!(f, "{hour:02}")?,
                3 => write!(f, "T{hour:02}")?,
                4 => write!(f, ":{minute:02}")?,
                _ if millis % 1000 == 0 => write!(f, ":{:02}", millis / 1000)?,
                _ => write!(f, ":{:02}.{:03}", millis / 1000, millis % 1000)?,
            }
        }
        match self.offset {
            None => Ok(()),
            Some(east) => f.write_str(&zone(east)),
        }
    }
}

/// Minutes east of Greenwich as FHIR writes them.
fn zone(east: i64) -> String {
    let sign = if east < 0 { '-' } else { '+' };
    match east {
        0 => "Z".to_owned(),
        _ => format!("{sign}{:02}:{:02}", east.abs() / 60, east.abs() % 60),
    }
}

fn digits(text: &str, width: usize) -> Option<i64> {
    let fits = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// Reads `Z`, `+02:00` or nothing.
fn offset(text: &str) -> Option<Option<i64>> {
    if text.is_empty() || text == "Z" {
        return Some((text == "Z").then_some(0));
    }
    let (hours, minutes) = text[1..].split_once(':')?;
    let east =
        digits(hours, 2).filter(|h| *h <= 14)? * 60 + digits(minutes, 2).filter(|m| *m < 60)?;
    Some(Some(if text.starts_with('-') { -east } else { east }))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Temporal {
        Temporal::parse(text).unwrap()
    }

    #[test]
    fn a_comparison_has_an_answer_only_where_what_is_known_decides_it() {
        for (left, right, order) in [
            ("2020", "2021-01", Some(Ordering::Less)),
            ("2020", "2020-01", None),
            ("2020-01-01", "2020-01-01", Some(Ordering::Equal)),
            ("2020-01-01T10:00:00Z", "2020-01-01T12:00:00+02:00", Some(Ordering::Equal)),
            ("2020-01-01T00:30:00+02:00", "2019-12-31T23:00:00Z", Some(Ordering::Less)),
            ("2020-02-29T23:30:00-01:00", "2020-03-01T00:29:00Z", Some(Ordering::Greater)),
        ] {
            assert_eq!(at(left).compare(&at(right)), order, "{left} and {right}");
        }
    }

    #[test]
    fn boundaries_are_the_first_and_last_moment_that_can_be_meant() {
        let time = Temporal::parse_time("12:34").unwrap();
        for (value, kind, low, high) in [
            (at("1970-06"), Kind::Date, "1970-06-01", "1970-06-30"),
            (at("1972"), Kind::Date, "1972-01-01", "1972-12-31"),
            (at("1972-02"), Kind::Date, "1972-02-01", "1972-02-29"),
            (
                at("2010-10-10"),
                Kind::DateTime,
                "2010-10-10T00:00:00.000+14:00",
                "2010-10-10T23:59:59.999-12:00",
            ),
            (
                at("2010-10-10T08:30:05Z"),
                Kind::DateTime,
                "2010-10-10T08:30:05.000Z",
                "2010-10-10T08:30:05.999Z",
            ),
            (
                at("2010-10-10T08:30:05.000-03:30"),
                Kind::DateTime,
                "2010-10-10T08:30:05.000-03:30",
                "2010-10-10T08:30:05.000-03:30",
            ),
            (time, Kind::Time, "12:34:00.000", "12:34:59.999"),
        ] {
            assert_eq!(value.boundary(End::Low, kind, None).unwrap(), low);
            assert_eq!(value.boundary(End::High, kind, None).unwrap(), high);
        }
    }

    #[test]
    fn a_boundary_is_written_to_the_precision_that_is_asked() {
        let at = |text: &str, end, kind, digits| {
            Temporal::parse_literal(text).unwrap().boundary(end, kind, Some(digits))
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(at("2014", End::Low, Kind::Date, 6), text("2014-01"));
        assert_eq!(at("2014", End::High, Kind::Date, 8), text("2014-12-31"));
        assert_eq!(at("2014-01-01T08", End::High, Kind::DateTime, 8), text("2014-01-01"));
        assert_eq!(
            at("2014-01-01T08:05+02:00", End::High, Kind::DateTime, 14),
            text("2014-01-01T08:05:59+02:00")
        );
        assert_eq!(at("T10:30", End::Low, Kind::Time, 9), text("10:30:00.000"));
        assert_eq!(at("T10:30", End::Low, Kind::Time, 2), text("10"));
        assert_eq!(at("2014", End::Low, Kind::Date, 5), None);
    }

    #[test]
    fn what_is_not_in_the_calendar_is_not_read() {
        for text in
            ["2020-02-30", "2020-13", "20", "2020-1-1", "2020-01-01T25:00", "2020-01T10:00", ""]
        {
            assert!(Temporal::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,30}|[0-9T:.+Z-]{0,30}") {
            let _ = Temporal::parse_literal(&text);
        }

        #[test]
        fn a_date_is_written_as_it_was_read(year in 1i64..9999, month in 1i64..=12, day in 1i64..=28) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            prop_assert_eq!(at(&text).to_string(), text);
        }
    }
}
