//! TTFT history for a plot: every run of a stretch of time, decimated to the pixels there are.
//!
//! In: a [`SeriesQuery`]. Out: a [`Series`] a target, and the gaps between probes. One pass over an index in order of
//! time. Memory grows with the pixels, and with 24 bytes a run of one target at a time.

mod builder;
mod hours;
mod runs;

use rusqlite::Connection;

pub(super) use self::runs::{PlottedRun, for_each_run};
use self::{
    builder::{PixelGrid, SeriesBuilder},
    runs::runs_before,
};
use super::{
    checks::{self, Availability},
    gaps::{self, ProbeGap},
    median::Median,
    query,
    reader::IsCancelled,
    rollups, time_buckets,
};
use crate::{
    endpoint::TargetId,
    event::FaultClass,
    measure::{change::MedianChange, late},
    run::{ConnectionKind, RunId},
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
