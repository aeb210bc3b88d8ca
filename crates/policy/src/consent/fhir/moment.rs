//! Times as FHIR writes them: to the second with an offset, or a day, a month or a year in no time zone.

use chrono::{DateTime, Months, NaiveDate};

const HOUR: i64 = 3_600;
/// The time zones in which a day begins first and last, UTC+14 and UTC-12.
const EARLIEST: i64 = 14 * HOUR;
const LATEST: i64 = 12 * HOUR;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Bound {
    Start,
    End,
}

/// The second at which a period has begun for certain, or the first at which it may be over. A day ends with its first
/// second in UTC, so that no time zone makes it last longer; a month or a year is taken by its end where it begins.
pub(super) fn instant(text: &str, bound: Bound) -> Option<u64> {
    let (first, after) = whole(text)?;
    let dated = !text.contains('T');
    let moment = match bound {
        Bound::End if dated => first,
        Bound::End => after,
        Bound::Start if text.len() == "2027-03-01".len() => first + LATEST,
        Bound::Start if dated => after + LATEST,
        Bound::Start => first,
    };
    u64::try_from(moment).ok()
}

/// The first and the last second, in unix seconds, at which something happened that is dated so, wherever it was.
#[must_use]
pub(super) fn span(text: &str) -> Option<(i64, i64)> {
    let (first, after) = whole(text)?;
    match text.contains('T') {
        true => Some((first, after - 1)),
        false => Some((first - EARLIEST, after - 1 + LATEST)),
    }
}

/// The first second of a time, and the first one after it, taken as UTC where no offset stands.
fn whole(text: &str) -> Option<(i64, i64)> {
    if text.contains('T') {
        let moment = DateTime::parse_from_rfc3339(text).ok()?.timestamp();
        return Some((moment, moment + 1));
    }
    let (full, months) = match text.len() {
        4 => (format!("{text}-01-01"), Some(12)),
        7 => (format!("{text}-01"), Some(1)),
        10 => (text.to_owned(), None),
        _ => return None,
    };
    let first = NaiveDate::parse_from_str(&full, "%Y-%m-%d").ok()?;
    // Signs and blanks that the parser would pass over.
    let plain = first.to_string() == full;
    let after = match months {
        Some(months) => first.checked_add_months(Months::new(months))?,
        None => first.succ_opt()?,
    };
    let seconds = |day: NaiveDate| day.and_hms_opt(0, 0, 0).map(|time| time.and_utc().timestamp());
    Some((seconds(first)?, seconds(after)?)).filter(|_| plain)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_date_spans_all_time_zones_and_a_time_one_second() {
        // `date -u -d 2027-03-01 +%s`
        let day = 1_803_859_200;
        assert_eq!(span("2027-03-01"), Some((day - 14 * HOUR, day + 36 * HOUR - 1)));
        assert_eq!(span("2027-03-01T00:00:00Z"), Some((day, day)));
        assert_eq!(
            span("2027-03-01T00:30:00.5+14:00"),
            Some((day - 13 * HOUR - 1_800, day - 13 * HOUR - 1_800))
        );
        let (first, last) = span("2028").unwrap();
        assert_eq!(last - first + 1, 366 * 24 * HOUR + 26 * HOUR);
        assert_eq!(instant("2027-02", Bound::Start), Some(u64::try_from(day + 12 * HOUR).unwrap()));
        for wrong in [
            "yesterday",
            "",
            "2027-02-30",
            "2027-13",
            "+027",
            " 027",
            "2027-3-01",
            "2027-03-01T10:00",
        ] {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }
}
