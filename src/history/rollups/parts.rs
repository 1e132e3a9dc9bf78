//! Which rows make up a stretch of time.

use super::{DAY, HOUR, start_of};

/// The rows that make up the hours from `first` to `to`: whole days where there are some, hours before and after them.
/// Each part has the length of its rows, and the first and last begin.
pub(in crate::history) fn parts(first: i64, to: i64) -> Vec<(i64, (i64, i64))> {
    let next_day = start_of(first.saturating_add(DAY - 1), DAY);
    // The last hour begins at `to` or before.
    let end = start_of(to, HOUR).saturating_add(HOUR);
    let last_day = start_of(end, DAY);
    if next_day >= last_day {
        return vec![(HOUR, (first, to))];
    }
    vec![
        (HOUR, (first, next_day - 1)),
        (DAY, (next_day, last_day - 1)),
        (HOUR, (last_day, to)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hour_of_a_stretch_is_in_one_part() {
        for (first, to) in [
            (0, 0),
            (0, DAY - 1),
            (0, DAY),
            (0, DAY - HOUR),
            (0, 3 * DAY - 1),
            (5 * HOUR, 5 * HOUR + 7),
            (5 * HOUR, 26 * HOUR),
            (5 * HOUR, 49 * HOUR + 1),
            (-30 * HOUR, 50 * HOUR),
        ] {
            let mut hours: Vec<i64> = Vec::new();
            for (length, (first, last)) in parts(first, to) {
                let mut at = first;
                assert_eq!(at % HOUR, 0);
                while at <= last {
                    if length == DAY {
                        assert_eq!(at % DAY, 0);
                    }
                    hours.extend((0..length / HOUR).map(|hour| at + hour * HOUR));
                    at += length;
                }
            }
            let begin = |n| first + n * HOUR;
            let expected: Vec<i64> = (0..=(to - first) / HOUR).map(begin).collect();
            assert_eq!(hours, expected, "{first} {to}");
        }
    }
}
