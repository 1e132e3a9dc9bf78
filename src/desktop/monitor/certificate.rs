//! How long an endpoint's certificate is still valid, as its free checks saw it.

use crate::desktop::widgets::zoned;

const DAY_S: i64 = 24 * 60 * 60;

/// Of a certificate that ends then (seconds since 1970), how long it is still valid; the day is by local time.
pub fn certificate_text(until_unix_s: i64, now_unix_ns: i64) -> String {
    let day = zoned(until_unix_s.saturating_mul(1_000_000_000)).date();
    let left_s = until_unix_s.saturating_sub(now_unix_ns.div_euclid(1_000_000_000));
    match left_s.div_euclid(DAY_S) {
        ..0 => format!("Certificate not valid since {day}"),
        0 => format!("Certificate valid for less than a day, until {day}"),
        1 => format!("Certificate valid for 1 day, until {day}"),
        days => format!("Certificate valid for {days} days, until {day}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_left_are_whole_ones() {
        let until = 1_800_000_000;
        let text = |left_s: i64| certificate_text(until, (until - left_s) * 1_000_000_000);
        let day = zoned(until * 1_000_000_000).date();
        for (left_s, told) in [
            (61 * DAY_S + 5, "valid for 61 days, until"),
            (2 * DAY_S - 1, "valid for 1 day, until"),
            (DAY_S - 1, "valid for less than a day, until"),
            (-1, "not valid since"),
        ] {
            assert_eq!(text(left_s), format!("Certificate {told} {day}"));
        }
    }
}
