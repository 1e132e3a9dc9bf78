//! One series from runs in order of time: decimated to the pixels there are, with medians and changes.

use std::collections::VecDeque;

use super::{PlottedRun, Series, SeriesChange, SeriesError, SeriesPoint};
use crate::{
    endpoint::TargetId,
    history::median::Median,
    measure::{change, percentile},
    run::ConnectionKind,
};

/// Runs in a rolling median.
const ROLLING: usize = 9;

/// Pixels that share a median where runs are many.
const CELL: i64 = 4;

/// A stretch of time divided into pixels.
pub(super) struct PixelGrid {
    from: i64,
    pub(super) ns_per_pixel: i64,
}

impl PixelGrid {
    pub(super) fn new(from: i64, to: i64, pixels: usize) -> Self {
        let count = i64::try_from(pixels.max(1)).unwrap_or(i64::MAX);
        let length = to.saturating_sub(from).max(0);
        // Rounded up, so that no time falls behind the last pixel.
        let ns_per_pixel = (length / count).saturating_add(1);
        Self { from, ns_per_pixel }
    }

    pub(super) fn of(&self, at: i64) -> i64 {
        at.saturating_sub(self.from) / self.ns_per_pixel
    }
}

/// Builds one series from runs in order of time.
pub(super) struct SeriesBuilder {
    series: Series,
    pixel: Option<i64>,
    error_pixel: Option<i64>,
    warm: ConnectionSeries,
    cold: ConnectionSeries,
}

/// The runs of one connection kind.
#[derive(Default)]
struct ConnectionSeries {
    /// Runs on the current pixel.
    pixel: Vec<SeriesPoint>,
    /// The last [`ROLLING`] TTFTs.
    recent: VecDeque<f64>,
    /// Of the current cell: the rolling median of each pixel, and all TTFTs in milliseconds.
    rolling: Vec<(i64, f64)>,
    cell: Vec<f64>,
    /// All TTFTs of the stretch, in milliseconds.
    all: Vec<f64>,
    /// The same in order of time, with their times; runs from before the stretch come first.
    times: Vec<i64>,
    in_order: Vec<f64>,
}

impl SeriesBuilder {
    pub(super) fn new(target: &TargetId, simulated: bool) -> Self {
        Self {
            series: Series {
                target: target.clone(),
                simulated,
                ..Series::default()
            },
            pixel: None,
            error_pixel: None,
            warm: ConnectionSeries::default(),
            cold: ConnectionSeries::default(),
        }
    }

    pub(super) fn add(&mut self, pixel: i64, run: &PlottedRun) {
        let last = self.pixel.replace(pixel);
        if last != Some(pixel) {
            self.finish_pixel();
        }
        if last.is_some_and(|last| last / CELL != pixel / CELL) {
            self.finish_cell();
        }
        self.remember(run);
        self.series.late += usize::from(run.is_late);
        if let Some((ttft_ms, connection)) = run.ttft {
            self.of(connection).add(SeriesPoint {
                at_unix_ns: run.at,
                ttft_ms,
                connection,
                run: run.id,
            });
        }
        if let Some(class) = run.fault {
            self.series.faults += 1;
            // The first fault of a pixel stands for all of it.
            if self.error_pixel.replace(pixel) != Some(pixel) {
                self.series.errors.push(SeriesError {
                    at_unix_ns: run.at,
                    class,
                    run: run.id,
                });
            }
        }
    }

    /// Takes a run for what was usual.
    pub(super) fn remember(&mut self, run: &PlottedRun) {
        if let Some((ttft_ms, connection)) = run.ttft {
            let kind = self.of(connection);
            kind.times.push(run.at);
            kind.in_order.push(ttft_ms);
        }
    }

    fn of(&mut self, connection: ConnectionKind) -> &mut ConnectionSeries {
        match connection {
            ConnectionKind::Warm => &mut self.warm,
            ConnectionKind::Cold => &mut self.cold,
        }
    }

    fn finish_pixel(&mut self) {
        let series = &mut self.series;
        let from = series.points.len();
        self.warm.finish_pixel(&mut series.points);
        self.cold.finish_pixel(&mut series.points);
        series.points[from..].sort_by_key(|point| (point.at_unix_ns, point.run));
    }

    fn finish_cell(&mut self) {
        self.warm.finish_cell(&mut self.series.median_warm);
        self.cold.finish_cell(&mut self.series.median_cold);
    }

    /// The series without its medians, and all TTFTs of warm and of cold runs, in milliseconds.
    pub(super) fn finish(mut self, from: i64) -> (Series, [Vec<f64>; 2]) {
        self.finish_pixel();
        self.finish_cell();
        for connection in [ConnectionKind::Warm, ConnectionKind::Cold] {
            let changes = self.of(connection).changes(connection);
            let changes = changes.filter(|change| change.at_unix_ns >= from);
            let changes: Vec<_> = changes.collect();
            self.series.changes.extend(changes);
        }
        self.series.changes.sort_by_key(|change| change.at_unix_ns);
        self.series.p95_ms =
            [&mut self.warm, &mut self.cold].map(|kind| percentile::estimate(&mut kind.all, 0.95));
        (self.series, [self.warm.all, self.cold.all])
    }
}

impl ConnectionSeries {
    fn add(&mut self, point: SeriesPoint) {
        if self.recent.len() == ROLLING {
            self.recent.pop_front();
        }
        self.recent.push_back(point.ttft_ms);
        self.all.push(point.ttft_ms);
        self.pixel.push(point);
    }

    fn finish_pixel(&mut self, points: &mut Vec<SeriesPoint>) {
        let Some(at) = self.pixel.last().map(|point| point.at_unix_ns) else {
            return;
        };
        self.pixel.sort_by(|a, b| a.ttft_ms.total_cmp(&b.ttft_ms));
        let last = self.pixel.len() - 1;
        let mut kept = vec![0, last / 2, last];
        kept.dedup();
        points.extend(kept.iter().map(|n| self.pixel[*n]));
        let rolling = Median::of(self.recent.iter().copied().collect());
        self.rolling.extend(rolling.map(|median| (at, median.ms)));
        self.cell
            .extend(self.pixel.drain(..).map(|point| point.ttft_ms));
    }

    fn changes(&self, connection: ConnectionKind) -> impl Iterator<Item = SeriesChange> {
        let found = change::changes(&self.in_order).into_iter();
        found.filter_map(move |change| {
            Some(SeriesChange {
                at_unix_ns: *self.times.get(change.index)?,
                connection,
                change,
            })
        })
    }

    fn finish_cell(&mut self, medians: &mut Vec<(i64, f64)>) {
        if self.cell.len() >= ROLLING {
            let (at, _) = self.rolling[self.rolling.len() / 2];
            let median = Median::of(std::mem::take(&mut self.cell));
            medians.extend(median.map(|median| (at, median.ms)));
            self.rolling.clear();
        } else {
            medians.append(&mut self.rolling);
            self.cell.clear();
        }
    }
}
