//! The argument `--since`.

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, civil::Date, tz::TimeZone};

use crate::clock::wall_clock_ns;

/// A point in time: so long ago, a day (by this machine's time zone), or a timestamp. In nanoseconds since 1970.
pub(super) fn since(text: &str) -> Result<i64, String> {
    let now = i128::from(wall_clock_ns());
    let ago = text.parse::<Span>().ok();
    let ago = ago.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let since = ago
        .filter(SignedDuration::is_positive)
        .map(|ago| now - ago.as_nanos());
    let at = || text.parse::<Timestamp>().ok().map(Timestamp::as_nanosecond);
    let day = || {
        let day: Date = text.parse().ok()?;
        let begin = day.to_zoned(TimeZone::system()).ok()?;
        Some(begin.timestamp().as_nanosecond())
    };
    let since = since.or_else(at).or_else(day);
    since
        .and_then(|since| i64::try_from(since).ok())
        .ok_or_else(|| {
            "a time is written as 12h, 7d, 2026-11-30 or 2026-11-30T08:00:00Z".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_each_form() {
        let now = wall_clock_ns();
        let second = 1_000_000_000;
        for (text, ago) in [("12h", 12 * 3_600), ("7d", 7 * 86_400), ("90m", 5_400)] {
            let since = since(text).unwrap();
            let off = (now - since).abs_diff(ago * second);
            assert!(off < 60 * 1_000_000_000, "{text}: {off}");
        }
        assert_eq!(since("2026-11-30T08:00:00Z"), Ok(1_796_025_600 * second));
        assert!(since("2026-11-30").is_ok());
        for text in ["", "soon", "-3d", "2026-13-01"] {
            assert!(since(text).is_err(), "{text}");
        }
    }
}
