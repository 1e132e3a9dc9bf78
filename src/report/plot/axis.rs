//! Axes: time in UTC, and milliseconds on a logarithmic scale.

use crate::report::number::time_text;

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Steps between the labels of a time axis.
const STEPS: [i64; 18] = [
    SECOND,
    5 * SECOND,
    15 * SECOND,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    30 * DAY,
    90 * DAY,
    365 * DAY,
];
/// Most labels of a time axis.
const MOST_LABELS: i64 = 8;

/// A stretch of time, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(in crate::report) struct UtcAxis {
    pub from: i64,
    pub to: i64,
}

impl UtcAxis {
    fn length(self) -> i64 {
        self.to.saturating_sub(self.from).max(1)
    }

    /// Where a time is, as a share of the axis.
    #[expect(clippy::cast_precision_loss, reason = "a place on paper")]
    pub(super) fn share(self, at: i64) -> f64 {
        let share = at.saturating_sub(self.from) as f64 / self.length() as f64;
        share.clamp(0.0, 1.0)
    }

    /// Which of so many equal parts a time is in.
    pub(super) fn part(self, at: i64, parts: usize) -> usize {
        let parts = i128::try_from(parts.max(1)).unwrap_or(i128::MAX);
        let from = i128::from(at.saturating_sub(self.from).max(0));
        let part = (from * parts / i128::from(self.length())).min(parts - 1);
        usize::try_from(part).unwrap_or_default()
    }

    /// When a part of so many begins.
    pub(super) fn begin_of(self, part: usize, parts: usize) -> i64 {
        let scaled = i128::from(self.length()) * i128::try_from(part).unwrap_or_default()
            / i128::try_from(parts.max(1)).unwrap_or(1);
        self.from
            .saturating_add(i64::try_from(scaled).unwrap_or(i64::MAX))
    }

    /// Its labels: where each is, and its text.
    pub(super) fn labels(self) -> Vec<(f64, String)> {
        let fits = |step: &&i64| self.length() / **step <= MOST_LABELS;
        let step = STEPS.iter().find(fits).copied();
        let step = step.unwrap_or(self.length() / MOST_LABELS).max(1);
        let first = self.from.div_euclid(step).saturating_add(1) * step;
        let times = (0..=MOST_LABELS).map(|n| first.saturating_add(n * step));
        times
            .take_while(|at| *at <= self.to)
            .map(|at| {
                let format = match step {
                    step if step < MINUTE => "%H:%M:%S",
                    step if step < DAY && at.rem_euclid(DAY) != 0 => "%H:%M",
                    step if step < 90 * DAY => "%m-%d",
                    _ => "%Y-%m",
                };
                (self.share(at), time_text(at, format))
            })
            .collect()
    }
}

/// Milliseconds above 0 on a logarithmic scale, between two labels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct LogAxis {
    low: f64,
    high: f64,
}

impl LogAxis {
    /// The axis that holds these values; `None` without any.
    pub(in crate::report) fn of(values: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let values = values.filter(|ms| ms.is_finite() && *ms > 0.0);
        let low = values.clone().reduce(f64::min)?;
        let high = values.reduce(f64::max)?;
        let below = marks().rev().find(|mark| *mark <= low);
        let above = marks().find(|mark| *mark > high);
        Some(Self {
            low: below.unwrap_or(low),
            high: above.unwrap_or(high * 2.0),
        })
    }

    /// Where a value is, as a share of the axis.
    pub(super) fn share(self, ms: f64) -> f64 {
        let share = (ms.max(self.low) / self.low).ln() / (self.high / self.low).ln();
        share.clamp(0.0, 1.0)
    }

    /// Its labels: where each is, and its text.
    pub(super) fn labels(self) -> Vec<(f64, String)> {
        let inside = marks().filter(|mark| (self.low..=self.high).contains(mark));
        let marks: Vec<f64> = inside.collect();
        // Over several decades the tens are enough.
        let step = if marks.len() > 8 { 3 } else { 1 };
        let from = marks.iter().position(|mark| is_ten(*mark)).unwrap_or(0) % step;
        let shown = marks.iter().skip(from).step_by(step);
        shown
            .map(|mark| (self.share(*mark), label(*mark)))
            .collect()
    }
}

/// Numbers of either sign on a plain scale, with 0 on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::report) struct LinearAxis {
    low: f64,
    high: f64,
    step: f64,
}

impl LinearAxis {
    /// Most labels.
    const MOST: f64 = 7.0;

    /// The axis that holds these values, and 0.
    pub(in crate::report) fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let values = values.filter(|value| value.is_finite());
        let low = values.clone().fold(0.0, f64::min);
        let high = values.fold(0.0, f64::max);
        let span = (high - low).max(1e-3);
        let step = marks().find(|step| span / step <= Self::MOST);
        let step = step.unwrap_or(span);
        Self {
            low: (low / step).floor() * step,
            high: ((high / step).ceil() * step).max((low / step).floor() * step + step),
            step,
        }
    }

    /// Where a value is, as a share of the axis.
    pub(super) fn share(self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Its labels: where each is, and its text with this unit behind the number.
    pub(super) fn labels(self, unit: &str) -> Vec<(f64, String)> {
        let first = self.low;
        let places = (0..=i32::from(u8::MAX)).map(|n| first + f64::from(n) * self.step);
        let places = places.take_while(|value| *value <= self.high + self.step / 2.0);
        // As many as tell one step from the next.
        let decimals = (0..3).find(|decimals| self.step * 10f64.powi(*decimals) > 1.0 - 1e-9);
        let decimals = usize::try_from(decimals.unwrap_or(3)).unwrap_or_default();
        places
            .map(|value| {
                let value = if value.abs() < self.step / 1e6 {
                    0.0
                } else {
                    value
                };
                (self.share(value), format!("{value:.decimals$}{unit}"))
            })
            .collect()
    }
}

/// Where labels may stand: 1, 2 and 5 times each power of ten, from a microsecond to a day.
fn marks() -> impl DoubleEndedIterator<Item = f64> {
    let decades = -3..=8;
    decades.flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)))
}

fn is_ten(mark: f64) -> bool {
    (mark.log10() - mark.log10().round()).abs() < 1e-9
}

fn label(ms: f64) -> String {
    if ms >= 1_000.0 {
        format!("{} s", ms / 1e3)
    } else {
        format!("{ms} ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_axis_has_few_round_labels() {
        let from = 1_796_025_600 * SECOND;
        for (length, fewest) in [(MINUTE, 4), (DAY, 4), (7 * DAY, 4), (300 * DAY, 3)] {
            let axis = UtcAxis {
                from,
                to: from + length,
            };
            let labels = axis.labels();
            assert!((fewest..=9).contains(&labels.len()), "{labels:?}");
            assert!(labels.iter().all(|(x, _)| (0.0..=1.0).contains(x)));
        }
        let day = UtcAxis {
            from,
            to: from + DAY,
        };
        let texts: Vec<_> = day.labels().into_iter().map(|(_, text)| text).collect();
        assert_eq!(
            texts,
            [
                "09:00", "12:00", "15:00", "18:00", "21:00", "12-01", "03:00", "06:00"
            ]
        );
        assert_eq!(day.part(from + DAY, 48), 47);
        assert_eq!(day.part(from + HOUR, 48), 2);
        assert_eq!(day.begin_of(2, 48), from + HOUR);
    }

    #[test]
    fn a_plain_scale_holds_its_values_and_0() {
        let axis = LinearAxis::of([-3.0, 41.0].into_iter());
        let labels = axis.labels(" ms");
        let texts: Vec<_> = labels.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "-10 ms", "0 ms", "10 ms", "20 ms", "30 ms", "40 ms", "50 ms"
            ]
        );
        assert!(axis.share(-3.0) > 0.0 && axis.share(41.0) < 1.0);
        for (high, last) in [(1.5, "1.5 s"), (0.06, "0.06 s"), (3_000.0, "3000 s")] {
            let labels = LinearAxis::of([high].into_iter()).labels(" s");
            assert_eq!(labels.last().map(|(_, text)| text.as_str()), Some(last));
        }
        for values in [vec![], vec![0.0], vec![7.0], vec![-0.2, 0.1]] {
            let axis = LinearAxis::of(values.into_iter());
            assert!((0.0..=1.0).contains(&axis.share(0.0)), "{axis:?}");
            assert!(axis.labels("").len() > 1, "{axis:?}");
        }
    }

    #[test]
    fn a_scale_of_milliseconds_holds_its_values() {
        assert_eq!(LogAxis::of([].into_iter()), None);
        let axis = LogAxis::of([3.0, 800.0].into_iter()).unwrap();
        assert_eq!((axis.low, axis.high), (2.0, 1_000.0));
        assert!(axis.share(2.0) < axis.share(3.0) && axis.share(1_000.0) > 0.999);
        let labels: Vec<_> = axis.labels().into_iter().map(|(_, text)| text).collect();
        assert_eq!(labels, ["10 ms", "100 ms", "1 s"]);
        let one = LogAxis::of([200.0].into_iter()).unwrap();
        let labels: Vec<_> = one.labels().into_iter().map(|(_, text)| text).collect();
        assert_eq!(labels, ["200 ms", "500 ms"]);
    }
}
