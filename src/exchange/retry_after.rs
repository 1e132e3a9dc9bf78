//! How long a response asks us to wait before a retry.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;

use crate::body::wait;

/// The longest wait that is reported, whatever a server says.
const MAX_WAIT: Duration = Duration::from_hours(24);

/// The wait that `retry-after-ms` (`OpenAI`'s) or `retry-after` (RFC 9110 §10.2.3: seconds or an HTTP date) asks for,
/// in milliseconds; at most a day, and `None` if it can't be parsed. A date is compared with the response's own
/// `date`, so that a wrong clock here does not matter.
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

/// The wait after a response of this status, in milliseconds: what is [asked for](retry_after_ms), else the time
/// until a rate limit is reset.
#[must_use]
pub fn wait_ms(status: u16, headers: &HeaderMap) -> Option<u64> {
    let limited = matches!(status, 429 | 503 | 529);
    retry_after_ms(headers).or_else(|| limited.then(|| reset_ms(headers)).flatten())
}

/// The wait until a rate limit is reset: `x-ratelimit-reset-tokens: 6m0s`, `anthropic-ratelimit-requests-reset:
/// 2026-01-27T12:00:00Z`, `ratelimit-reset: 30`, `ratelimit: "default";r=0;t=30`. Of several, the longest wait for a
/// limit that is used up; if no limit is, the shortest wait.
fn reset_ms(headers: &HeaderMap) -> Option<u64> {
    let now = response_date(headers)?;
    let resets = headers.keys().filter_map(|name| {
        let said = text(headers, name.as_str())?;
        let word = name.as_str().replace("rate-limit", "ratelimit");
        if word == "ratelimit" {
            let left = parameter(said, &["r", "remaining"]);
            return Some((
                seconds_until(parameter(said, &["t", "reset"])?, now)?,
                is_zero(left),
            ));
        }
        if !(word.contains("ratelimit") && word.contains("reset")) {
            return None;
        }
        let left = text(headers, &name.as_str().replace("reset", "remaining"));
        Some((seconds_until(said, now)?, is_zero(left)))
    });
    let resets: Vec<(f64, bool)> = resets.filter(|(seconds, _)| *seconds > 0.0).collect();
    let used_up = resets
        .iter()
        .filter(|(_, used_up)| *used_up)
        .map(|(seconds, _)| *seconds);
    let longest = used_up.reduce(f64::max);
    let seconds =
        longest.or_else(|| resets.iter().map(|(seconds, _)| *seconds).reduce(f64::min))?;
    millis(seconds * 1e3)
}

fn is_zero(left: Option<&str>) -> bool {
    left.and_then(|left| left.parse::<f64>().ok())
        .is_some_and(|left| left <= 0.0)
}

/// A parameter of a structured header (`"default";r=0;t=30`, or `limit=9, remaining=0, reset=30`).
fn parameter<'a>(said: &'a str, names: &[&str]) -> Option<&'a str> {
    let mut pairs = said
        .split([';', ','])
        .filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(name, _)| names.contains(&name.trim()))
        .map(|(_, value)| value.trim())
}

/// Seconds until a reset that is written as a duration (in seconds or with units), a date, or seconds or milliseconds
/// since 1970.
fn seconds_until(said: &str, now: SystemTime) -> Option<f64> {
    // A number this large is a time since 1970: no limit lasts for 30 years.
    const LONGEST: f64 = 1e9;
    let since = |at: f64| {
        at - now
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64()
    };
    if let Ok(number) = said.parse::<f64>() {
        return Some(match number {
            n if n >= LONGEST * 1e3 => since(n / 1e3),
            n if n >= LONGEST => since(n),
            n => n,
        });
    }
    if let Some(seconds) = wait::seconds(said) {
        return Some(seconds);
    }
    let at = said.parse::<jiff::Timestamp>().ok().map(SystemTime::from);
    let at = at.or_else(|| httpdate::parse_http_date(said).ok())?;
    Some(since(at.duration_since(UNIX_EPOCH).ok()?.as_secs_f64()))
}

fn response_date(headers: &HeaderMap) -> Option<SystemTime> {
    let date = text(headers, "date").and_then(|date| httpdate::parse_http_date(date).ok());
    date.or_else(|| {
        let now = crate::clock::wall_clock_ns();
        Some(UNIX_EPOCH + Duration::from_nanos(u64::try_from(now).ok()?))
    })
}

/// Rounds up to milliseconds and caps at a day; `None` for a negative wait.
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

    #[test]
    fn the_reset_of_a_rate_limit_is_a_wait() {
        let date = ("date", "Wed, 21 Oct 2026 07:28:00 GMT");
        for (headers, expected) in [
            (vec![("x-ratelimit-reset-requests", "1s")], Some(1_000)),
            (vec![("x-ratelimit-reset-tokens", "6m0s")], Some(360_000)),
            (vec![("x-ratelimit-reset-tokens", "120ms")], Some(120)),
            (vec![("ratelimit-reset", "30")], Some(30_000)),
            (vec![("x-rate-limit-reset", "30")], Some(30_000)),
            (
                vec![date, ("x-ratelimit-reset", "1792567710")],
                Some(30_000),
            ),
            (
                vec![date, ("x-ratelimit-reset", "1792567710000")],
                Some(30_000),
            ),
            (
                vec![
                    date,
                    ("anthropic-ratelimit-requests-reset", "2026-10-21T07:28:30Z"),
                ],
                Some(30_000),
            ),
            (
                vec![
                    date,
                    ("anthropic-ratelimit-requests-reset", "2026-10-21T07:27:00Z"),
                ],
                None,
            ),
            (vec![("ratelimit", "\"default\";r=0;t=30")], Some(30_000)),
            (
                vec![("ratelimit", "limit=9, remaining=0, reset=30")],
                Some(30_000),
            ),
            (
                vec![("retry-after", "7"), ("x-ratelimit-reset-tokens", "30s")],
                Some(7_000),
            ),
            (
                vec![
                    ("retry-after-ms", "250"),
                    ("x-ratelimit-reset-tokens", "30s"),
                ],
                Some(250),
            ),
            (
                vec![
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "30s"),
                    ("x-ratelimit-remaining-tokens", "9"),
                    ("x-ratelimit-reset-tokens", "1s"),
                ],
                Some(30_000),
            ),
            (
                vec![
                    ("x-ratelimit-reset-requests", "30s"),
                    ("x-ratelimit-reset-tokens", "1s"),
                ],
                Some(1_000),
            ),
            (vec![("x-ratelimit-reset-tokens", "soon")], None),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.insert(*name, value.parse().unwrap());
            }
            assert_eq!(wait_ms(429, &map), expected, "{headers:?}");
            let stated = headers
                .iter()
                .any(|(name, _)| name.starts_with("retry-after"));
            assert_eq!(
                wait_ms(200, &map),
                expected.filter(|_| stated),
                "a limit that is not met"
            );
        }
    }
}
