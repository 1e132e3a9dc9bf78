//! A target's history as points and median lines, laid out for the plot's axes.

use egui_plot::PlotPoint;

use super::axes::{Scale, TimeAxis};
use crate::{desktop::looks::Look, endpoint::TargetId, history::Series, run::ConnectionKind};

/// Most points of a median line.
const MAX_LINE_POINTS: usize = 300;

/// One target, ready to be drawn: laid out once for each answer of the history, not in each frame.
#[derive(Clone, Debug)]
pub struct Track {
    /// The target.
    pub target: TargetId,
    /// Whether the simulator answered.
    pub simulated: bool,
    /// How it is drawn.
    pub look: Look,
    /// Whether it is drawn.
    pub shown: bool,
    /// Warm and cold runs.
    pub points: [Vec<PlotPoint>; 2],
    /// Warm and cold median lines, broken where there were no runs.
    pub medians: [Vec<Vec<PlotPoint>>; 2],
}

impl Track {
    /// Lays out a target's history on these axes. Median lines break at `gap` nanoseconds without runs.
    #[must_use]
    pub fn new(series: &Series, time: TimeAxis, scale: Scale, look: Look, gap: i64) -> Self {
        let of = |connection: ConnectionKind| {
            let points = series.points.iter().filter(|p| p.connection == connection);
            let points = points.map(|p| (p.at_unix_ns, p.ttft_ms));
            let hours = hours_of(series, connection);
            (hours.into_iter().chain(points))
                .map(|(at, ms)| PlotPoint::new(time.x(at), scale.y(ms)))
                .collect()
        };
        let lines = |median: &[(i64, f64)], gap: i64| -> Vec<Vec<PlotPoint>> {
            // Thinned out: a line that turns at every pixel costs more and shows no more.
            let step = median.len().div_ceil(MAX_LINE_POINTS).max(1);
            let segments = segments(median, gap).into_iter();
            let thinned = |line: &[(i64, f64)]| {
                let last = line.len() - 1;
                (line.iter().enumerate())
                    .filter(|(index, _)| index % step == 0 || *index == last)
                    .map(|(_, (at, ms))| PlotPoint::new(time.x(*at), scale.y(*ms)))
                    .collect()
            };
            segments.map(thinned).collect()
        };
        let medians = |connection, median: &[(i64, f64)]| {
            let mut all = lines(&hours_of(series, connection), gap.max(MAX_BETWEEN_HOURS));
            all.extend(lines(median, gap));
            all
        };
        Self {
            target: series.target.clone(),
            simulated: series.simulated,
            look,
            shown: true,
            points: [of(ConnectionKind::Warm), of(ConnectionKind::Cold)],
            medians: [
                medians(ConnectionKind::Warm, &series.median_warm),
                medians(ConnectionKind::Cold, &series.median_cold),
            ],
        }
    }
}

/// The targets that are not hidden, each with what the history answered of it. `target` tells whose an answer is, and
/// whether the simulator answered.
pub fn shown_of<'a, T>(
    tracks: &'a [Track],
    answers: &'a [T],
    target: impl Fn(&T) -> (&TargetId, bool),
) -> Vec<(&'a Track, &'a T)> {
    let shown = tracks.iter().filter(|track| track.shown);
    let found = shown.filter_map(|track| {
        let mut answers = answers.iter();
        let is_its = |answer: &&T| target(answer) == (&track.target, track.simulated);
        Some((track, answers.find(is_its)?))
    });
    found.collect()
}

/// The longest time between two hours of one line, in nanoseconds: two hours.
const MAX_BETWEEN_HOURS: i64 = 7_200_000_000_000;

/// The hours of one connection kind whose probes were rolled up: their middle, and their median in milliseconds.
fn hours_of(series: &Series, connection: ConnectionKind) -> Vec<(i64, f64)> {
    let hours = series
        .hours
        .iter()
        .filter(|hour| hour.connection == connection);
    hours
        .map(|hour| (hour.middle_unix_ns(), hour.median.ms))
        .collect()
}

/// How many intervals between runs it takes to call their median the usual one.
const MIN_INTERVALS: usize = 8;

/// Cuts a median line where there was no run for `gap`, or for twice the usual interval if that is longer.
fn segments(median: &[(i64, f64)], gap: i64) -> Vec<&[(i64, f64)]> {
    let mut intervals: Vec<i64> = (median.windows(2)).map(|two| two[1].0 - two[0].0).collect();
    intervals.sort_unstable();
    let usual = (intervals.len() >= MIN_INTERVALS).then(|| intervals[intervals.len() / 2]);
    let longest = usual.map_or(gap, |interval| gap.max(interval.saturating_mul(2)));
    median.chunk_by(|a, b| b.0 - a.0 <= longest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_breaks_where_no_runs_were() {
        const MINUTE: i64 = 60_000_000_000;
        let line = |minutes: &[i64]| -> Vec<(i64, f64)> {
            minutes.iter().map(|at| (at * MINUTE, 1.0)).collect()
        };
        for (minutes, expected) in [
            // Runs of every minute, then none for two hours.
            (&[0, 1, 2, 3, 4, 120, 121, 122][..], &[5, 3][..]),
            // One an hour is usual, five hours without a run are a gap.
            (
                &[0, 60, 120, 180, 240, 300, 360, 420, 480, 780, 840],
                &[9, 2],
            ),
            // Too few to be usual: each hour without runs is a gap.
            (&[0, 60, 120, 180, 480, 540], &[1; 6]),
            (&[0, 5, 200, 400, 1_000], &[2, 1, 1, 1]),
            // Two runs far apart are no line.
            (&[0, 300], &[1, 1]),
            (&[0, 20], &[2]),
            (&[], &[]),
        ] {
            let line = line(minutes);
            let lengths: Vec<_> = segments(&line, 30 * MINUTE)
                .iter()
                .map(|s| s.len())
                .collect();
            assert_eq!(lengths, expected, "{minutes:?}");
        }
    }
}
