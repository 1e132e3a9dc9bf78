//! Lays out the answer of the history for the plot: tracks, bands and bounds.

use super::{GAPS_IN_RANGE, Monitor, SavedMonitor, gaps::GapBand, track::Track};
use crate::{
    desktop::looks::Looks,
    history::{ProbeGap, SeriesHour},
};

impl Monitor {
    /// Lays out the series to be drawn.
    pub(super) fn lay_out(&mut self, looks: &Looks) {
        let gap = self.gap_ns();
        let SavedMonitor { scale, hidden, .. } = &self.kept;
        let tracks = self.series.iter().map(|series| {
            let look = looks.of(&series.target);
            let mut track = Track::new(series, self.time, *scale, look, gap);
            track.shown = !hidden.contains(&series.target.to_string());
            track
        });
        self.tracks = tracks.collect();
    }

    pub(super) fn bands_of(&self, gaps: &[ProbeGap]) -> Vec<GapBand> {
        let (_, to) = self.asked_range;
        GapBand::of(gaps, to)
    }

    /// How long a time without runs breaks a median line, in nanoseconds.
    fn gap_ns(&self) -> i64 {
        let first = self.series.iter().flat_map(|series| {
            let points = series.points.first().map(|point| point.at_unix_ns);
            let hours = series.hours.first().map(|hour| hour.from_unix_ns);
            points.into_iter().chain(hours)
        });
        let first = first.min();
        let (from, to) = self.asked_range;
        (to - from.or(first).unwrap_or(to)) / GAPS_IN_RANGE
    }

    /// The plot's bounds: the whole range, and every TTFT in it.
    pub(super) fn bounds(&self) -> ([f64; 2], [f64; 2]) {
        let shown = (self.series.iter().zip(&self.tracks)).filter(|(_, track)| track.shown);
        let ms: Vec<f64> = shown
            .flat_map(|(series, _)| {
                let points = series.points.iter().map(|point| point.ttft_ms);
                points.chain(series.hours.iter().map(|hour| hour.median.ms))
            })
            .collect();
        let ms = ms.into_iter();
        let high = ms.clone().fold(f64::NAN, f64::max);
        let (low, high) = (
            ms.fold(f64::NAN, f64::min),
            if high.is_nan() { 1_000.0 } else { high },
        );
        let (bottom, top) = self
            .kept
            .scale
            .bounds(if low.is_nan() { 100.0 } else { low }, high);
        let all = self.series.iter().flat_map(|series| {
            let errors = series.errors.iter().map(|error| error.at_unix_ns);
            series
                .points
                .iter()
                .map(|point| point.at_unix_ns)
                .chain(series.hours.iter().map(SeriesHour::middle_unix_ns))
                .chain(errors)
        });
        let (from, to) = self.asked_range;
        let to = to.max(all.clone().max().unwrap_or(i64::MIN));
        let from = from.or(all.min()).unwrap_or(to - 60_000_000_000);
        let (from, to) = (self.time.x(from), self.time.x(to));
        let room = (to - from).max(1.0) * 0.01;
        ([from - room, bottom], [to + room, top])
    }
}
