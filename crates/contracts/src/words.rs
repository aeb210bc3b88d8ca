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
