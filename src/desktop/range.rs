//! The ranges of time to choose from.

use serde::{Deserialize, Serialize};

const MINUTE_NS: i64 = 60_000_000_000;
const DAY_NS: i64 = 24 * 60 * MINUTE_NS;

/// How far back a view looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// A quarter of an hour.
    Minutes15,
    /// An hour.
    #[default]
    Hour1,
    /// A day.
    Hours24,
    /// A week.
    Days7,
    /// Thirty days.
    Days30,
    /// Everything.
    All,
}

impl Range {
    /// All ranges, each with a short name for its button and a long one for sentences.
    pub const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Minutes15, "15 min", "15 minutes"),
        (Self::Hour1, "1 h", "hour"),
        (Self::Hours24, "24 h", "24 hours"),
        (Self::Days7, "7 d", "7 days"),
        (Self::Days30, "30 d", "30 days"),
        (Self::All, "All", "history"),
    ];

    /// Its length in nanoseconds; `None` for everything.
    #[must_use]
    pub fn length_ns(self) -> Option<i64> {
        match self {
            Self::Minutes15 => Some(15 * MINUTE_NS),
            Self::Hour1 => Some(60 * MINUTE_NS),
            Self::Hours24 => Some(DAY_NS),
            Self::Days7 => Some(7 * DAY_NS),
            Self::Days30 => Some(30 * DAY_NS),
            Self::All => None,
        }
    }

    /// Its name in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(range, ..)| *range == self);
        found.map_or("", |(.., name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stretch_is_longer_than_the_one_before() {
        let lengths: Vec<_> = Range::ALL
            .iter()
            .map(|(r, ..)| r.length_ns().unwrap_or(i64::MAX))
            .collect();
        assert!(
            lengths.windows(2).all(|pair| pair[0] < pair[1]),
            "{lengths:?}"
        );
    }
}
