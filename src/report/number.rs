//! Numbers and times as a report shows them.

use jiff::{Timestamp, fmt::strtime, tz::TimeZone};

/// Milliseconds, not negative, with three digits that count, at least.
pub(super) fn ms_text(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms if ms < 100.0 => format!("{ms:.1}"),
        ms => grouped(&format!("{ms:.0}")),
    }
}

/// A difference with so many decimals and its sign; what rounds to 0 has none.
pub(super) fn signed_text(difference: f64, decimals: usize) -> String {
    let text = format!("{difference:+.decimals$}");
    if text.contains(|c: char| ('1'..='9').contains(&c)) {
        text
    } else {
        format!("{:.decimals$}", 0.0)
    }
}

/// A count with its thousands apart.
pub(super) fn count_text(count: usize) -> String {
    grouped(&count.to_string())
}

/// Digits with their thousands apart.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in percent.
pub(super) fn percent_text(part: usize, whole: usize) -> String {
    let percent = 100.0 * float(part) / float(whole.max(1));
    match percent {
        0.0 => "0 %".to_owned(),
        percent if percent < 10.0 => format!("{percent:.2} %"),
        percent => format!("{percent:.1} %"),
    }
}

/// A point in time, in UTC: `2026-11-30 08:15:00` by the format that is given.
pub(super) fn time_text(unix_ns: i64, format: &'static str) -> String {
    // No 64 bits of nanoseconds are out of its range.
    let time = Timestamp::from_nanosecond(unix_ns.into()).unwrap_or_default();
    strtime::format(format, &time.to_zoned(TimeZone::UTC)).unwrap_or_default()
}

/// A day and its time to the minute.
pub(super) fn minute_text(unix_ns: i64) -> String {
    time_text(unix_ns, "%Y-%m-%d %H:%M")
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(super) fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_exact_as_they_are_worth() {
        for (ms, text) in [
            (0.123, "0.12"),
            (45.67, "45.7"),
            (312.4, "312"),
            (12_345.6, "12,346"),
        ] {
            assert_eq!(ms_text(ms), text);
        }
        for (difference, text) in [
            (-0.001, "0.00"),
            (0.0, "0.00"),
            (-0.006, "-0.01"),
            (12.3, "+12.30"),
        ] {
            assert_eq!(signed_text(difference, 2), text);
        }
        assert_eq!(count_text(1_234_567), "1,234,567");
        assert_eq!(count_text(12), "12");
        assert_eq!(percent_text(1, 300), "0.33 %");
        assert_eq!(percent_text(0, 0), "0 %");
        assert_eq!(minute_text(1_796_025_600_000_000_000), "2026-11-30 08:00");
    }
}
