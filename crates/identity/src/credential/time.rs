//! Times as credentials write them: `dateTimeStamp` of XML Schema, which RFC 3339 covers.

use chrono::{DateTime, SecondsFormat};

/// Seconds since 1970 of a time with its zone; nothing where the text is no such time.
#[must_use]
pub fn parse_time(text: &str) -> Option<i64> {
    // RFC 3339 also allows a space and small letters, XML Schema does not.
    let strict = text.as_bytes().get(10) == Some(&b'T') && !text.contains(['t', 'z', ' ']);
    let time = DateTime::parse_from_rfc3339(text).ok().filter(|_| strict)?;
    Some(time.timestamp())
}

/// The text of a time in seconds since 1970, in UTC.
#[must_use]
pub fn time_text(seconds: i64) -> String {
    // Past the year 262,000 there is no time to write; nothing here reckons that far.
    let time = DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH);
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_zone_and_written_in_utc() {
        for (text, seconds) in [
            ("2023-01-01T00:00:00Z", 1_672_531_200),
            ("2023-01-01T01:00:00+01:00", 1_672_531_200),
            ("2023-01-01T00:00:00.5Z", 1_672_531_200),
        ] {
            assert_eq!(parse_time(text), Some(seconds));
        }
        assert_eq!(time_text(1_672_531_200), "2023-01-01T00:00:00Z");
        for bad in [
            "",
            "2023-01-01",
            "2023-01-01T00:00:00",
            "2023-13-01T00:00:00Z",
            "2023-01-01 00:00:00Z",
            "2023-01-01t00:00:00z",
        ] {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }
}
