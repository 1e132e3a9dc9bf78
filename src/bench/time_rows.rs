//! The times of a bench, one row each: what they are called, what they mean, and where they stand in its summary.

use super::{BenchSummary, TimeFigures};
use crate::measure::evidence::{IntervalEstimate, Quantile};

/// One kind of time.
#[derive(Clone, Copy, Debug)]
pub struct TimeRow<'a> {
    /// Where it stands in the JSON of a bench, with a point between the levels.
    pub key: &'static str,
    /// Its name. One that begins with spaces is a part of the row above it.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub meaning: &'static str,
    /// Its percentiles.
    pub figures: &'a TimeFigures,
}

/// A kind of time, and its percentiles in a summary; `None` where the bench has none of it.
type RowOf = fn(&BenchSummary) -> Option<&TimeFigures>;

/// Key, name, meaning.
type Words = (&'static str, &'static str, &'static str);

/// All rows, in their order.
const ROWS: [(Words, RowOf); 9] = [
    (
        (
            "ttft_ms",
            "TTFT from start",
            "First token − when the request was begun",
        ),
        |found| Some(&found.ttft_ms),
    ),
    (
        (
            "from_schedule.ttft_ms",
            "TTFT from schedule",
            "First token − when the request was due: what a user waits for, also where requests had to wait for each other",
        ),
        |found| found.from_schedule.as_ref().map(|times| &times.ttft_ms),
    ),
    (
        (
            "ttft_by_connection.warm",
            "  over open connections",
            "TTFT from start over a connection that was open",
        ),
        |found| by_connection(found).map(|(warm, _)| warm),
    ),
    (
        (
            "ttft_by_connection.cold",
            "  over new connections",
            "TTFT from start over a connection that was opened for it; its handshakes are part of it",
        ),
        |found| by_connection(found).map(|(_, cold)| cold),
    ),
    (
        (
            "tpot_ms",
            "TPOT",
            "(last token − first token) / (output tokens − 1), where the provider counts tokens",
        ),
        |found| Some(&found.tpot_ms),
    ),
    (
        (
            "total_ms",
            "Total from start",
            "Last token − when the request was begun",
        ),
        |found| Some(&found.total_ms),
    ),
    (
        (
            "from_schedule.total_ms",
            "Total from schedule",
            "Last token − when the request was due",
        ),
        |found| found.from_schedule.as_ref().map(|times| &times.total_ms),
    ),
    (
        (
            "read_gap_ms",
            "Read gap",
            "Times between reads that carried tokens, of all answers together. They depend on each other, so there is no \
             interval",
        ),
        |found| Some(&found.read_gap_ms),
    ),
    (
        (
            "connect_ms",
            "Connect and send",
            "Request sent − when it was begun, of those that had to connect",
        ),
        |found| Some(&found.connect_ms),
    ),
];

/// TTFT over open and over new connections, where there were both.
fn by_connection(found: &BenchSummary) -> Option<(&TimeFigures, &TimeFigures)> {
    let both = &found.ttft_by_connection;
    (both.warm.n > 0 && both.cold.n > 0).then_some((&both.warm, &both.cold))
}

/// The rows of a bench that have values.
#[must_use]
pub fn time_rows(found: &BenchSummary) -> Vec<TimeRow<'_>> {
    let rows = ROWS.iter().filter_map(|((key, name, meaning), figures)| {
        Some(TimeRow {
            key,
            name,
            meaning,
            figures: figures(found)?,
        })
    });
    rows.filter(|row| row.figures.n > 0).collect()
}

impl TimeFigures {
    /// One of the percentiles that have intervals, in milliseconds.
    #[must_use]
    pub fn quantile(&self, quantile: Quantile) -> IntervalEstimate {
        let (value, low, high) = match quantile {
            Quantile::Median => (self.p50, self.p50_low, self.p50_high),
            Quantile::P95 => (self.p95, self.p95_low, self.p95_high),
            Quantile::P99 => (self.p99, self.p99_low, self.p99_high),
        };
        IntervalEstimate { value, low, high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::BenchTimes;

    #[test]
    fn from_schedule_stands_beside_from_start_and_empty_rows_are_left_out() {
        let some = TimeFigures {
            n: 3,
            ..TimeFigures::default()
        };
        let found = BenchSummary {
            ttft_ms: some,
            total_ms: some,
            from_schedule: Some(BenchTimes {
                ttft_ms: some,
                total_ms: some,
            }),
            ..BenchSummary::default()
        };
        let names: Vec<&str> = time_rows(&found).iter().map(|row| row.name).collect();
        let expected = [
            "TTFT from start",
            "TTFT from schedule",
            "Total from start",
            "Total from schedule",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn keys_are_places_in_the_summary() {
        let json = serde_json::to_value(BenchSummary {
            from_schedule: Some(BenchTimes::default()),
            ..BenchSummary::default()
        })
        .unwrap();
        for ((key, ..), _) in ROWS {
            let place = format!("/{}/n", key.replace('.', "/"));
            assert!(json.pointer(&place).is_some(), "{key}");
        }
    }
}
