//! The time axis of a waterfall: which part is shown, and where its labels stand.

use crate::run::OffsetNs;

/// The shortest stretch that can be shown, in nanoseconds.
const SHORTEST: f64 = 20_000.0;
/// About how many points lie between two labels.
const LABEL_EVERY: f64 = 92.0;

/// A stretch of time, in nanoseconds since the run started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeRange {
    /// Its begin.
    pub begin: f64,
    /// Its end, which is later.
    pub end: f64,
}

impl TimeRange {
    /// All of a run that lasts until `end`, with a little room behind it.
    #[must_use]
    pub fn whole(end: OffsetNs) -> Self {
        Self {
            begin: 0.0,
            end: (ns(end) * 1.02).max(SHORTEST),
        }
    }

    /// Its length.
    #[must_use]
    pub fn length(self) -> f64 {
        self.end - self.begin
    }

    /// Whether a time is in it.
    #[must_use]
    pub fn holds(self, at: OffsetNs) -> bool {
        (self.begin..=self.end).contains(&ns(at))
    }

    /// `factor` times as long, with the time `fixed` at the same place.
    #[must_use]
    pub fn zoomed(self, factor: f64, fixed: f64, whole: Self) -> Self {
        let length = (self.length() * factor).clamp(SHORTEST, whole.length());
        let share = (fixed - self.begin) / self.length();
        let begin = fixed - share * length;
        let end = begin + length;
        Self { begin, end }.within(whole)
    }

    /// Moved by a share of its length.
    #[must_use]
    pub fn moved(self, share: f64, whole: Self) -> Self {
        let by = self.length() * share;
        Self {
            begin: self.begin + by,
            end: self.end + by,
        }
        .within(whole)
    }

    /// Of the same length, with `at` in the middle.
    #[must_use]
    pub fn around(self, at: OffsetNs, whole: Self) -> Self {
        self.moved((ns(at) - self.begin) / self.length() - 0.5, whole)
    }

    /// Of the same length if there is room, in `whole`.
    fn within(self, whole: Self) -> Self {
        let length = self.length().min(whole.length());
        let begin = self.begin.clamp(whole.begin, whole.end - length);
        Self {
            begin,
            end: begin + length,
        }
    }

    /// Labels and their times, for an axis that is so many points wide.
    #[must_use]
    pub fn labels(self, width: f32) -> Vec<(f64, String)> {
        let step = step(self.length() * LABEL_EVERY / f64::from(width).max(1.0));
        let first = (self.begin / step).ceil();
        let count = ((self.end / step).floor() - first).clamp(-1.0, 100.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 101"
        )]
        let count = (count + 1.0) as u32;
        let times = (0..count).map(|index| (first + f64::from(index)) * step);
        times
            .map(|at| (at, label(at, step, self.length())))
            .collect()
    }
}

/// The next of 1, 2, 5, 10, … nanoseconds.
fn step(least: f64) -> f64 {
    let ten = 10_f64.powf(least.max(1.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * ten);
    (steps.into_iter().find(|step| *step >= least)).unwrap_or(10.0 * ten)
}

/// As many digits as tell two labels apart; seconds where more than two of them are shown.
fn label(at: f64, step: f64, length: f64) -> String {
    let (unit, name) = if length > 2e9 {
        (1e9, "s")
    } else {
        (1e6, "ms")
    };
    let digits = (unit / step).log10().ceil().clamp(0.0, 6.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 6"
    )]
    let digits = digits as usize;
    format!("{:.digits$} {name}", at / unit)
}

/// A time as a number.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
pub fn ns(at: OffsetNs) -> f64 {
    at as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: TimeRange = TimeRange {
        begin: 0.0,
        end: 3e9,
    };

    #[test]
    fn zooming_keeps_the_time_under_the_pointer_and_ends_at_the_borders() {
        let close = WHOLE.zoomed(0.1, 1e9, WHOLE);
        assert!((close.length() - 3e8).abs() < 1.0);
        let place = |range: TimeRange| (1e9 - range.begin) / range.length();
        assert!((place(close) - place(WHOLE)).abs() < 1e-9);
        assert_eq!(close.zoomed(100.0, 1e9, WHOLE), WHOLE);
        let closest = WHOLE.zoomed(1e-12, 1e9, WHOLE);
        assert!((closest.length() - SHORTEST).abs() < 1e-3);
        assert!(close.moved(-50.0, WHOLE).begin.abs() < 1e-9);
        assert!((close.moved(50.0, WHOLE).end - 3e9).abs() < 1.0);
        assert!(close.around(2_000_000_000, WHOLE).holds(2_000_000_000));
    }

    #[test]
    fn labels_have_as_many_digits_as_tell_them_apart() {
        let texts = |range: TimeRange| -> Vec<String> {
            let labels = range.labels(500.0);
            labels.into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(texts(WHOLE), ["0 s", "1 s", "2 s", "3 s"]);
        let half = TimeRange {
            begin: 0.0,
            end: 5e8,
        };
        assert_eq!(
            texts(half),
            ["0 ms", "100 ms", "200 ms", "300 ms", "400 ms", "500 ms"]
        );
        let close = TimeRange {
            begin: 623_114_000.0,
            end: 623_134_000.0,
        };
        assert_eq!(
            texts(close),
            ["623.115 ms", "623.120 ms", "623.125 ms", "623.130 ms"]
        );
        for factor in [1.0, 0.37, 0.0123, 1e-5] {
            let range = WHOLE.zoomed(factor, 1.234e9, WHOLE);
            let texts = texts(range);
            assert!((2..8).contains(&texts.len()), "{texts:?}");
            assert!(texts.windows(2).all(|two| two[0] != two[1]), "{texts:?}");
        }
    }
}
