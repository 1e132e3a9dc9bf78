//! The values of arguments: times and amounts.

use std::time::Duration;

use jiff::SignedDuration;

use crate::price::Usd;

/// A length of time that is not 0.
pub(in crate::cli) fn time(text: &str) -> Result<Duration, String> {
    let time: Option<SignedDuration> = text.parse().ok();
    let time = time.and_then(|time| Duration::try_from(time).ok());
    time.filter(|time| !time.is_zero())
        .ok_or_else(|| "a time is written as 800ms, 30s, 5m or 1h".to_owned())
}

/// The time between two free checks.
pub(super) fn check_time(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    let is_apt = (Duration::from_secs(10)..=Duration::from_mins(1)).contains(&time);
    is_apt
        .then_some(time)
        .ok_or_else(|| "a check is made every 10s to 60s".to_owned())
}

/// An amount in US dollars.
pub(in crate::cli) fn usd(text: &str) -> Result<Usd, String> {
    let dollars = text.trim_start_matches('$').parse().ok();
    (dollars.and_then(Usd::of_dollars))
        .ok_or_else(|| "an amount is written as 0.50 or 2".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        for (text, ms) in [
            ("800ms", 800),
            ("2s", 2_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(time(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "5", "-5s", "0s", "soon"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
