//! TTFT history for a plot: every run of a stretch of time, decimated to the pixels there are.
//!
//! In: a [`SeriesQuery`]. Out: a [`Series`] a target, and the gaps between probes. One pass over an index in order of
//! time. Memory grows with the pixels, and with 24 bytes a run of one target at a time.

mod hours;

use std::collections::VecDeque;

use rusqlite::{Connection, Row};

use super::{
    checks::{self, Availability},
    gaps::{self, ProbeGap},
    median::Median,
    query,
    reader::{IsCancelled, for_each_row},
    rollups, time_buckets,
};
use crate::{
    endpoint::TargetId,
    event::FaultClass,
    measure::{
        change::{self, MedianChange},
        late, percentile,
    },
    run::{ConnectionKind, RunId, ms},
};

/// Which stretch of TTFT history, at which resolution.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesQuery {
    /// From, in nanoseconds since 1970; `None` is the first run.
    pub from_unix_ns: Option<i64>,
    /// To, in nanoseconds since 1970; `None` is now.
    pub to_unix_ns: Option<i64>,
    /// Width of the plot in pixels, to which the series is decimated.
    pub pixels: usize,
    /// The share of its TTFT by which a run may be read late; later ones are not measured.
    pub late_share: f64,
}

impl Default for SeriesQuery {
    fn default() -> Self {
        Self {
            from_unix_ns: None,
            to_unix_ns: None,
            pixels: 0,
            late_share: late::SHARE,
        }
    }
}

/// What the plot of TTFT over time shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TtftPlot {
    /// One series for each target that has runs in the stretch.
    pub series: Vec<Series>,
    /// The times in which a target was not asked although it should have been, in order of their begin; those of
    /// one target and reason that are less than a pixel apart are one.
    pub gaps: Vec<ProbeGap>,
    /// How often each endpoint was there, by its free checks.
    pub availability: Vec<Availability>,
    /// Until when probes were rolled up, in nanoseconds since 1970: before that there are [`Series::hours`], and only
    /// runs that are no probes one by one. `None` if none was.
    pub rolled_up_until: Option<i64>,
}

/// TTFT history of one target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The target.
    pub target: TargetId,
    /// Whether the simulator answered.
    pub simulated: bool,
    /// The median of all measured warm runs of the stretch, before decimation. Measured are runs with a clean end and
    /// a token that were not read late. Where some of them were rolled up it is within the error of their sketches
    /// ([`RELATIVE_ERROR`](crate::measure::sketch::RELATIVE_ERROR)).
    pub warm: Option<Median>,
    /// The median of all measured cold runs.
    pub cold: Option<Median>,
    /// P95 of all measured warm runs and of all measured cold ones, in milliseconds; blank below 20 runs. Where some were
    /// rolled up it is within the error of their sketches.
    pub p95_ms: [Option<f64>; 2],
    /// How many runs failed; those that the user stopped or a sleep cut off don't count.
    pub faults: usize,
    /// How many runs with a clean end and a token were read late ([`late`]).
    pub late: usize,
    /// Measured runs in order of time. Where several fall on one pixel, the lowest, the median and the
    /// highest of each connection kind are kept.
    pub points: Vec<SeriesPoint>,
    /// The hours whose probes were rolled up, in order of time. Where several fall on one pixel, those with the lowest,
    /// the median and the highest median of each connection kind are kept.
    pub hours: Vec<SeriesHour>,
    /// Median of warm runs over time, as nanoseconds since 1970 and milliseconds. Where 9 or more runs fall on four
    /// pixels: one value for these pixels, the median of their runs. Elsewhere: one value a pixel, the median of its
    /// last run and the 8 before it.
    pub median_warm: Vec<(i64, f64)>,
    /// The same for cold runs.
    pub median_cold: Vec<(i64, f64)>,
    /// Failed runs, decimated to one a pixel; those that were rolled up are only in `faults`.
    pub errors: Vec<SeriesError>,
    /// When the usual TTFT became another one, in order of time; each connection kind by itself. Runs before the
    /// stretch count for what was usual; probes that were rolled up don't.
    pub changes: Vec<SeriesChange>,
}

/// A change of a target's usual TTFT.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesChange {
    /// The first run of the new time, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// Cold or warm.
    pub connection: ConnectionKind,
    /// The medians before and after, in milliseconds.
    pub change: MedianChange,
}

impl Series {
    /// How many measured runs there are in the stretch.
    #[must_use]
    pub fn runs(&self) -> usize {
        [self.warm, self.cold]
            .iter()
            .flatten()
            .map(|m| m.runs)
            .sum()
    }
}

/// One measured run on the plot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesPoint {
    /// When it started, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// Its TTFT in milliseconds.
    pub ttft_ms: f64,
    /// Cold or warm.
    pub connection: ConnectionKind,
    /// The run.
    pub run: RunId,
}

/// The probes of one hour over one kind of connection, after they were rolled up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesHour {
    /// The hour's begin, in nanoseconds since 1970.
    pub from_unix_ns: i64,
    /// Cold or warm.
    pub connection: ConnectionKind,
    /// The median of its measured probes, within the error of a sketch.
    pub median: Median,
}

impl SeriesHour {
    /// The hour's middle, at which it stands on a plot, in nanoseconds since 1970.
    #[must_use]
    pub fn middle_unix_ns(&self) -> i64 {
        self.from_unix_ns.saturating_add(rollups::HOUR / 2)
    }
}

/// One failed run on the plot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesError {
    /// When it started, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// The class of its fault.
    pub class: FaultClass,
    /// The run.
    pub run: RunId,
}

/// Runs in a rolling median.
const ROLLING: usize = 9;

/// Pixels that share a median where runs are many.
const CELL: i64 = 4;

/// The series of all targets that have runs in the stretch, and its gaps.
///
/// # Errors
/// If the file can't be read, or the query is cancelled.
pub(super) fn all(
    file: &Connection,
    asked: &SeriesQuery,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<TtftPlot> {
    let _snapshot = query::Snapshot::begin(file)?;
    let (from, to) = time_buckets::stretch(file, asked.from_unix_ns, asked.to_unix_ns)?;
    let pixels = PixelGrid::new(from, to, asked.pixels);
    let mut series = Vec::new();
    for (key, target) in query::targets(file)? {
        let mut builders = [false, true].map(|simulated| SeriesBuilder::new(&target, simulated));
        for run in runs_before(file, key, from, asked.late_share)? {
            builders[usize::from(run.simulated)].remember(&run);
        }
        let stretch = (from, to, asked.late_share);
        for_each_run(file, key, stretch, is_cancelled, |run| {
            let pixel = pixels.of(run.at);
            builders[usize::from(run.simulated)].add(pixel, &run);
        })?;
        let rolled_up = hours::of_target(file, key, (from, to))?;
        for (builder, rolled_up) in builders.into_iter().zip(rolled_up) {
            let (mut made, measured) = builder.finish(from);
            rolled_up.add_to(&mut made, &pixels, measured)?;
            series.extend((made.runs() + made.faults + made.late > 0).then_some(made));
        }
    }
    let gaps = gaps::between(file, (from, to), pixels.ns_per_pixel)?;
    let availability = checks::availability(file, (from, to))?;
    Ok(TtftPlot {
        series,
        gaps,
        availability,
        rolled_up_until: rollups::rolled_up_until(file)?,
    })
}

/// A stretch of time divided into pixels.
struct PixelGrid {
    from: i64,
    ns_per_pixel: i64,
}

impl PixelGrid {
    fn new(from: i64, to: i64, pixels: usize) -> Self {
        let count = i64::try_from(pixels.max(1)).unwrap_or(i64::MAX);
        let length = to.saturating_sub(from).max(0);
        // Rounded up, so that no time falls behind the last pixel.
        let ns_per_pixel = (length / count).saturating_add(1);
        Self { from, ns_per_pixel }
    }

    fn of(&self, at: i64) -> i64 {
        at.saturating_sub(self.from) / self.ns_per_pixel
    }
}

/// The columns of one run that the index holds.
pub(super) struct PlottedRun {
    id: RunId,
    /// When it started, in nanoseconds since 1970.
    pub(super) at: i64,
    pub(super) simulated: bool,
    /// Whether it had a clean end.
    pub(super) is_ok: bool,
    /// TTFT in ms and the connection, of a run that counts.
    pub(super) ttft: Option<(f64, ConnectionKind)>,
    /// Whether it would count, but was read late.
    is_late: bool,
    /// The class of its fault; `None` if the user stopped it or a sleep cut it off.
    pub(super) fault: Option<FaultClass>,
}

/// The columns of [`PlottedRun`], all of the index.
const PLOTTED: &str =
    "SELECT id, started_unix_ns, simulated, outcome, first_token, connection, first_token_delay
    FROM run INDEXED BY run_target WHERE target = ?1";

/// Calls `give` with the runs of a target in order of time.
pub(super) fn for_each_run(
    file: &Connection,
    target: i64,
    (from, to, late_share): (i64, i64, f64),
    is_cancelled: IsCancelled<'_>,
    mut give: impl FnMut(PlottedRun),
) -> rusqlite::Result<()> {
    let sql = format!("{PLOTTED} AND started_unix_ns BETWEEN ?2 AND ?3 ORDER BY started_unix_ns");
    let mut select = file.prepare_cached(&sql)?;
    let rows = select.query((target, from, to))?;
    for_each_row(rows, is_cancelled, |row| {
        give(plotted(row, late_share)?);
        Ok(())
    })
}

/// How many runs before the stretch count for what was usual: as many as a search for changes remembers.
#[expect(clippy::cast_possible_wrap, reason = "a small number")]
const MOST_BEFORE: i64 = change::WINDOW as i64;

/// The last runs of a target before a time, in order of time.
fn runs_before(
    file: &Connection,
    target: i64,
    from: i64,
    late_share: f64,
) -> rusqlite::Result<Vec<PlottedRun>> {
    let sql = format!("{PLOTTED} AND started_unix_ns < ?2 ORDER BY started_unix_ns DESC LIMIT ?3");
    let mut select = file.prepare_cached(&sql)?;
    let found = select.query_map((target, from, MOST_BEFORE), |row| plotted(row, late_share))?;
    let mut runs: Vec<_> = found.collect::<rusqlite::Result<_>>()?;
    runs.reverse();
    Ok(runs)
}

fn plotted(row: &Row<'_>, late_share: f64) -> rusqlite::Result<PlottedRun> {
    let outcome = row.get_ref(3)?.as_str_or_null()?;
    let connection = row.get_ref(5)?.as_str_or_null()?;
    let ttft: Option<i64> = row.get(4)?;
    let is_ok = outcome == Some("ok");
    let ttft = ttft.filter(|_| is_ok).map(i64::cast_unsigned);
    let delay: Option<u32> = row.get(6)?;
    let is_late = ttft.is_some_and(|ttft| late::is_late(ttft, delay, late_share));
    let ttft = ttft.filter(|_| !is_late).map(ms);
    let fault = outcome.filter(|_| !is_ok).and_then(FaultClass::parse);
    Ok(PlottedRun {
        id: RunId(row.get(0)?),
        at: row.get(1)?,
        simulated: row.get(2)?,
        is_ok,
        ttft: ttft.zip(connection.and_then(ConnectionKind::parse)),
        is_late,
        fault: fault.filter(|class| !class.is_no_failure()),
    })
}

/// Builds one series from runs in order of time.
struct SeriesBuilder {
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
    fn new(target: &TargetId, simulated: bool) -> Self {
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

    fn add(&mut self, pixel: i64, run: &PlottedRun) {
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
    fn remember(&mut self, run: &PlottedRun) {
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
    fn finish(mut self, from: i64) -> (Series, [Vec<f64>; 2]) {
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
