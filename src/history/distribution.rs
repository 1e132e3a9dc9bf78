//! How the TTFT of each target is spread over a stretch of time, and how its runs ended.
//!
//! In: a [`DistributionQuery`]. Out: a [`Distribution`] a target, of its single runs and of what was rolled up. One pass
//! over an index in order of time, and one over the rolled-up hours or days. Memory grows with 24 bytes a run of one
//! target at a time.

mod builder;
mod local_hour;
mod rolled_up;

use jiff::tz::TimeZone;
use rusqlite::Connection;

use self::builder::DistributionBuilder;
use super::{
    outcomes::Outcomes,
    quantiles::Quantiles,
    query,
    reader::IsCancelled,
    rollups,
    series::for_each_run,
    time_buckets::{self, BucketGrid},
};
use crate::{endpoint::TargetId, event::FaultClass, measure::late, run::ConnectionKind};

/// Which runs, and into how many buckets of time they are divided.
#[derive(Clone, Debug, PartialEq)]
pub struct DistributionQuery {
    /// From, in nanoseconds since 1970; `None` is the first run.
    pub from_unix_ns: Option<i64>,
    /// To, in nanoseconds since 1970; `None` is now.
    pub to_unix_ns: Option<i64>,
    /// Into how many buckets of one length the stretch is divided at most. Where some of it was rolled up, buckets are
    /// whole hours of UTC, or whole days.
    pub buckets: usize,
    /// Over which connections the measured runs went: cold and warm ones are never mixed.
    pub connection: ConnectionKind,
    /// The share of its TTFT by which a run may be read late; later ones are not measured.
    pub late_share: f64,
    /// Whether [`Distribution::hours`] are wanted.
    pub hours_of_week: bool,
    /// Whose hours and weekdays these are.
    pub zone: TimeZone,
}

impl Default for DistributionQuery {
    fn default() -> Self {
        Self {
            from_unix_ns: None,
            to_unix_ns: None,
            buckets: 60,
            connection: ConnectionKind::Warm,
            late_share: late::SHARE,
            hours_of_week: true,
            zone: TimeZone::system(),
        }
    }
}

/// The TTFT and the outcomes of one target in a stretch of time.
///
/// Measured are runs with a clean end and a token, over the connections asked for, that were not read late. Outcomes
/// count all runs, over any connection, but those that the user stopped or a sleep cut off. Where some were rolled up,
/// counts are exact, and TTFTs are within the error of their sketches
/// ([`RELATIVE_ERROR`](crate::measure::sketch::RELATIVE_ERROR)).
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The target.
    pub target: TargetId,
    /// Whether the simulator answered.
    pub simulated: bool,
    /// The TTFT of the measured runs.
    pub ttft: Quantiles,
    /// How the runs ended.
    pub outcomes: Outcomes,
    /// The latest run that counts as an outcome, of those that were not rolled up.
    pub last: Option<LastRun>,
    /// The latest measured TTFT in milliseconds, of those that were not rolled up.
    pub last_ttft_ms: Option<f64>,
    /// The buckets that have runs, in order of time.
    pub buckets: Vec<TimeBucket>,
    /// The hours of the week that have measured runs, in order from Monday, midnight.
    pub hours: Vec<HourOfWeek>,
    /// Measured TTFTs in milliseconds, in ascending order: all of them, or [`MOST_QUANTILES`](super::MOST_QUANTILES) at even distances of
    /// rank, the lowest and the highest among them.
    pub ecdf: Vec<f64>,
}

/// The latest run of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRun {
    /// When it started, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// The class of its fault, if it failed.
    pub fault: Option<FaultClass>,
}

/// The runs of one bucket of time.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeBucket {
    /// Its begin, in nanoseconds since 1970.
    pub from_unix_ns: i64,
    /// Its end, which belongs to the next one.
    pub to_unix_ns: i64,
    /// The TTFT of its measured runs.
    pub ttft: Quantiles,
    /// How its runs ended.
    pub outcomes: Outcomes,
}

/// The measured runs of one hour of the day on one weekday.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HourOfWeek {
    /// The weekday, from 0 for Monday to 6.
    pub weekday: u8,
    /// The hour of the day, from 0 to 23.
    pub hour: u8,
    /// How many runs.
    pub runs: usize,
    /// Their median TTFT in milliseconds.
    pub median_ms: f64,
}

/// The distributions of all targets that have runs in the stretch, in order of their names.
///
/// # Errors
/// If the file can't be read, or the query is cancelled.
pub(super) fn all(
    file: &Connection,
    asked: &DistributionQuery,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<Vec<Distribution>> {
    let _snapshot = query::Snapshot::begin(file)?;
    let stretch = time_buckets::stretch(file, asked.from_unix_ns, asked.to_unix_ns)?;
    let has_hours = rollups::rolled_up_until(file)?.is_some_and(|until| until > stretch.0);
    let grid = if has_hours {
        BucketGrid::of_whole_hours(stretch, asked.buckets)
    } else {
        BucketGrid::new(stretch, asked.buckets)
    };
    let mut found = Vec::new();
    for (key, target) in query::targets(file)? {
        let mut builders = [false, true].map(|_| DistributionBuilder::new(asked, grid));
        if has_hours {
            rolled_up::add(file, key, (asked, grid), stretch, &mut builders)?;
        }
        let (from, to) = stretch;
        for_each_run(
            file,
            key,
            (from, to, asked.late_share),
            is_cancelled,
            |run| {
                builders[usize::from(run.simulated)].add(&run);
            },
        )?;
        for (simulated, builder) in [false, true].into_iter().zip(builders) {
            let made = builder.finish(&target, simulated)?;
            found.extend(Some(made).filter(|made| made.outcomes.runs() > 0));
        }
    }
    Ok(found)
}
