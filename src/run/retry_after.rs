//! How long a response asks us to wait.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;

/// No wait is longer than a day, whatever a server says.
const MAX_WAIT: Duration = Duration::from_hours(24);

/// The wait that `retry-after-ms` (`OpenAI`'s) or `retry-after` (RFC 9110 §10.2.3: seconds or an HTTP date)
/// asks for, in milliseconds; at most a day, and nothing if it can't be read. A date is held against
/// the response's own `date`, so that a wrong clock here does not matter.
#[must_use]
pub fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let number = |name| text(headers, name).and_then(|text| text.parse::<f64>().ok());
    if let Some(wait_ms) = number("retry-after-ms") {
        return millis(wait_ms);
    }
    if let Some(seconds) = number("retry-after") {
        return millis(seconds * 1e3);
    }
    let until = httpdate::parse_http_date(text(headers, "retry-after")?).ok()?;
    let wait = until
        .duration_since(response_date(headers)?)
        .unwrap_or_default();
    millis(wait.as_secs_f64() * 1e3)
}

fn response_date(headers: &HeaderMap) -> Option<SystemTime> {
    let date = text(headers, "date").and_then(|date| httpdate::parse_http_date(date).ok());
    date.or_else(|| {
        let now = crate::measure::recorder::wall_clock_ns();
        Some(UNIX_EPOCH + Duration::from_nanos(u64::try_from(now).ok()?))
    })
}

/// A wait in range; a negative one is none at all.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "clamped to a day"
)]
fn millis(wait_ms: f64) -> Option<u64> {
    (wait_ms >= 0.0).then(|| wait_ms.min(MAX_WAIT.as_millis() as f64).ceil() as u64)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 24 * 3600 * 1000;

    #[test]
    fn every_form_is_read_and_capped() {
        let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        for (headers, expected) in [
            (vec![], None),
            (vec![("retry-after", "7")], Some(7_000)),
            (vec![("retry-after", " 0 ")], Some(0)),
            (vec![("retry-after", "1.5")], Some(1_500)),
            (vec![("retry-after", "-5")], None),
            (vec![("retry-after", "NaN")], None),
            (vec![("retry-after", "inf")], Some(DAY_MS)),
            (vec![("retry-after", "soon")], None),
            (vec![("retry-after", "864000")], Some(DAY_MS)),
            (
                vec![("retry-after-ms", "250"), ("retry-after", "7")],
                Some(250),
            ),
            (
                vec![("retry-after-ms", "junk"), ("retry-after", "7")],
                Some(7_000),
            ),
            (
                vec![date, ("retry-after", "Wed, 21 Oct 2026 07:28:30 GMT")],
                Some(30_000),
            ),
            (
                vec![date, ("retry-after", "Wed, 21 Oct 2026 07:27:00 GMT")],
                Some(0),
            ),
            (
                vec![date, ("retry-after", "Sat, 31 Oct 2026 07:28:00 GMT")],
                Some(DAY_MS),
            ),
            (
                vec![("retry-after", "Wed, 21 Oct 1998 07:28:00 GMT")],
                Some(0),
            ),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(retry_after_ms(&map), expected, "{headers:?}");
        }
    }
}
