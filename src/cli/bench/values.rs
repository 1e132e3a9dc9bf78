//! The values of arguments: limits, lists and rates.

use std::time::Duration;

use crate::{bench::GoodputLimits, cli::probe::time};

/// Limits of goodput: `ttft=500ms,tpot=50ms,total=5s`.
pub(super) fn limits(text: &str) -> Result<GoodputLimits, String> {
    let mut limits = GoodputLimits::default();
    for part in text.split(',') {
        let (name, value) = part
            .split_once('=')
            .ok_or_else(|| format!("“{part}” is no limit: write ttft=500ms,tpot=50ms,total=5s"))?;
        let ms = Some(time(value.trim())?.as_secs_f64() * 1e3);
        match name.trim() {
            "ttft" => limits.ttft_ms = ms,
            "tpot" => limits.tpot_ms = ms,
            "total" => limits.total_ms = ms,
            other => {
                return Err(format!(
                    "there is no limit of {other}: ttft, tpot and total have one"
                ));
            }
        }
    }
    Ok(limits)
}

/// Requests a second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=1e6).contains(&rate) => Ok(rate),
        _ => Err("requests a second are a number from 0.001 to 1000000".to_owned()),
    }
}

/// A share.
pub(super) fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) && share > 0.0 => Ok(share),
        _ => Err("a share is a number above 0, 1 at most".to_owned()),
    }
}

/// Milliseconds of a time.
pub(super) fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_in_any_order() {
        let expected = GoodputLimits {
            ttft_ms: Some(500.0),
            tpot_ms: Some(50.0),
            total_ms: None,
        };
        for text in ["ttft=500ms,tpot=50ms", "tpot=50ms, ttft=500ms"] {
            assert_eq!(limits(text), Ok(expected), "{text}");
        }
        for text in ["", "ttft", "ttft=5", "itl=5ms", "ttft=0s"] {
            assert!(limits(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_and_shares_are_numbers_within_bounds() {
        assert_eq!(rate("2.5"), Ok(2.5));
        assert_eq!(share("1"), Ok(1.0));
        for text in ["0", "-1", "nan", "inf", "x"] {
            assert!(rate(text).is_err() && share(text).is_err(), "{text}");
        }
    }
}
