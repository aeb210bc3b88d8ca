//! Numbers of the contracts as people read them.

use alloy::primitives::U256;
use alloy::primitives::utils::format_units;
use chrono::{DateTime, SecondsFormat, Utc};

/// A moment in unix seconds, as a date and time in UTC (RFC 3339), such as `2026-04-01T12:00:00Z`.
pub fn date(unix: u64) -> String {
    let moment = i64::try_from(unix).ok().and_then(|unix| DateTime::<Utc>::from_timestamp(unix, 0));
    match moment {
        Some(moment) => moment.to_rfc3339_opts(SecondsFormat::Secs, true),
        None => format!("second {unix} after 1970"),
    }
}

/// An amount of `10^-decimals` units as a decimal: every digit that counts, and two at least for cents where there are
/// `decimals` for them.
pub fn amount(units: U256, decimals: u8) -> String {
    let Ok(exact) = format_units(units, decimals) else { return units.to_string() };
    let Some((whole, parts)) = exact.split_once('.') else { return exact };
    let parts = parts.trim_end_matches('0');
    format!("{whole}.{parts:0<2}")
}

/// An amount of USDC in units of 1e-6, such as `12.50`.
pub fn usdc(units: U256) -> String {
    amount(units, 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_keeps_every_digit_and_times_are_dates() {
        assert_eq!(usdc(U256::from(12_500_000_u64)), "12.50");
        assert_eq!(usdc(U256::from(0_u64)), "0.00");
        assert_eq!(usdc(U256::from(1_u64)), "0.000001");
        assert_eq!(usdc(U256::from(1_234_567_u64)), "1.234567");
        assert_eq!(date(0), "1970-01-01T00:00:00Z");
        assert_eq!(date(1_775_044_800), "2026-04-01T12:00:00Z");
        assert_eq!(date(u64::MAX), format!("second {} after 1970", u64::MAX));
    }
}
