//! The time between two probes, as text.

use std::time::Duration;

/// A time between probes, in the largest unit that has it whole.
#[must_use]
pub fn every_text(every: Duration) -> String {
    match every.as_secs() {
        secs if secs > 0 && secs.is_multiple_of(3_600) => format!("{} h", secs / 3_600),
        secs if secs > 60 && secs.is_multiple_of(60) => format!("{} min", secs / 60),
        secs => format!("{secs} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_their_unit() {
        for (secs, text) in [
            (1, "1 s"),
            (60, "60 s"),
            (90, "90 s"),
            (300, "5 min"),
            (7_200, "2 h"),
        ] {
            assert_eq!(every_text(Duration::from_secs(secs)), text);
        }
    }
}
