//! How the TTFT of each target is spread over a stretch of time, and how its runs ended.
//!
//! In: a [`DistributionQuery`]. Out: a [`Distribution`] a target. One pass over an index in order of time. Memory grows
//! with 24 bytes a run of one target at a time.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use rusqlite::Connection;

use super::{
    query,
    reader::IsCancelled,
    series::{PlottedRun, for_each_run},
};
use crate::{
    clock::wall_clock_ns,
    endpoint::TargetId,
    event::FaultClass,
    measure::{late, percentile::percentiles},
    run::ConnectionKind,
};

/// Most quantiles of a [`Distribution::ecdf`].
pub const MOST_QUANTILES: usize = 512;

/// Which runs, and into how many buckets of time they are divided.
#[derive(Clone, Debug, PartialEq)]
pub struct DistributionQuery {
    /// From, in nanoseconds since 1970; `None` is the first run.
    pub from_unix_ns: Option<i64>,
    /// To, in nanoseconds since 1970; `None` is now.
    pub to_unix_ns: Option<i64>,
    /// Into how many buckets of one length the stretch is divided.
    pub buckets: usize,
    /// Over which connections the measured runs went: cold and warm ones are never mixed.
    pub connection: ConnectionKind,
    /// The share of its TTFT by which a run may be read late; later ones are not measured.
    pub late_share: f64,
    /// Whose hours and weekdays [`Distribution::hours`] are.
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
            zone: TimeZone::system(),
        }
    }
}

/// The TTFT and the outcomes of one target in a stretch of time.
///
/// Measured are runs with a clean end and a token, over the connections asked for, that were not read late. Outcomes
/// count all runs, over any connection, but those that the user stopped or a sleep cut off.
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
    /// The latest run that counts as an outcome.
    pub last: Option<LastRun>,
    /// The latest measured TTFT in milliseconds.
    pub last_ttft_ms: Option<f64>,
    /// The buckets that have runs, in order of time.
    pub buckets: Vec<TimeBucket>,
    /// The hours of the week that have measured runs, in order from Monday, midnight.
    pub hours: Vec<HourOfWeek>,
    /// Measured TTFTs in milliseconds, in ascending order: all of them, or [`MOST_QUANTILES`] at even distances of
    /// rank, the lowest and the highest among them.
    pub ecdf: Vec<f64>,
}

/// Percentiles of TTFT in milliseconds; each is blank where there are too few runs for it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// How many runs were measured.
    pub runs: usize,
    /// The median.
    pub p50: Option<f64>,
    /// From 10 runs on.
    pub p90: Option<f64>,
    /// From 20 runs on.
    pub p95: Option<f64>,
    /// From 100 runs on.
    pub p99: Option<f64>,
}

impl Quantiles {
    /// Those of some TTFTs in milliseconds.
    #[must_use]
    pub fn of(ms: &[f64]) -> Self {
        let found = percentiles(ms.iter().copied(), &[0.5, 0.9, 0.95, 0.99]);
        let value = |at: usize| found.get(at).and_then(|percentile| percentile.value);
        Self {
            runs: ms.len(),
            p50: value(0),
            p90: value(1),
            p95: value(2),
            p99: value(3),
        }
    }
}

/// How runs ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Runs with a clean end.
    pub ok: usize,
    /// Failed runs by the class of their fault, by its name.
    pub faults: BTreeMap<&'static str, usize>,
}

impl Outcomes {
    /// How many runs failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.faults.values().sum()
    }

    /// How many runs there are.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.ok + self.failed()
    }

    /// The share of failed runs, from 0 to 1; `None` if there are no runs.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of runs")]
    pub fn error_rate(&self) -> Option<f64> {
        let runs = self.runs();
        (runs > 0).then(|| self.failed() as f64 / runs as f64)
    }

    fn add(&mut self, fault: Option<FaultClass>) {
        match fault {
            None => self.ok += 1,
            Some(class) => *self.faults.entry(class.as_str()).or_default() += 1,
        }
    }
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
    let from = asked.from_unix_ns.or(query::first_run(file)?).unwrap_or(0);
    let to = asked.to_unix_ns.unwrap_or_else(wall_clock_ns);
    let mut found = Vec::new();
    for (key, target) in query::targets(file)? {
        let mut builders = [false, true].map(|_| DistributionBuilder::new(asked, from, to));
        let stretch = (from, to, asked.late_share);
        for_each_run(file, key, stretch, is_cancelled, |run| {
            builders[usize::from(run.simulated)].add(&run);
        })?;
        for (simulated, builder) in [false, true].into_iter().zip(builders) {
            let made = builder.finish(&target, simulated);
            found.extend(Some(made).filter(|made| made.outcomes.runs() > 0));
        }
    }
    found.sort_by(|a, b| (&a.target, a.simulated).cmp(&(&b.target, b.simulated)));
    Ok(found)
}

/// Builds one distribution from runs in order of time.
struct DistributionBuilder<'a> {
    asked: &'a DistributionQuery,
    from: i64,
    bucket_ns: i64,
    /// The bucket that is being filled, and the TTFTs in it.
    bucket: Option<(i64, Outcomes)>,
    in_bucket: Vec<f64>,
    buckets: Vec<TimeBucket>,
    hours: BTreeMap<(u8, u8), Vec<f64>>,
    clock: LocalHour,
    all: Vec<f64>,
    outcomes: Outcomes,
    last: Option<LastRun>,
}

impl<'a> DistributionBuilder<'a> {
    fn new(asked: &'a DistributionQuery, from: i64, to: i64) -> Self {
        let count = i64::try_from(asked.buckets.max(1)).unwrap_or(i64::MAX);
        // Rounded up, so that no time falls behind the last bucket.
        let bucket_ns = (to.saturating_sub(from).max(0) / count).saturating_add(1);
        Self {
            asked,
            from,
            bucket_ns,
            bucket: None,
            in_bucket: Vec::new(),
            buckets: Vec::new(),
            hours: BTreeMap::new(),
            clock: LocalHour::default(),
            all: Vec::new(),
            outcomes: Outcomes::default(),
            last: None,
        }
    }

    fn add(&mut self, run: &PlottedRun) {
        if !run.is_ok && run.fault.is_none() {
            return;
        }
        let at = run.at.saturating_sub(self.from) / self.bucket_ns;
        if self
            .bucket
            .as_ref()
            .is_some_and(|(bucket, _)| *bucket != at)
        {
            self.finish_bucket();
        }
        let (_, outcomes) = self.bucket.get_or_insert_with(|| (at, Outcomes::default()));
        outcomes.add(run.fault);
        self.outcomes.add(run.fault);
        self.last = Some(LastRun {
            at_unix_ns: run.at,
            fault: run.fault,
        });
        let ttft = run.ttft.filter(|(_, kind)| *kind == self.asked.connection);
        if let Some((ms, _)) = ttft {
            self.in_bucket.push(ms);
            self.all.push(ms);
            let hour = self.clock.of(run.at, &self.asked.zone);
            self.hours.entry(hour).or_default().push(ms);
        }
    }

    fn finish_bucket(&mut self) {
        let Some((at, outcomes)) = self.bucket.take() else {
            return;
        };
        let from_unix_ns = (self.from).saturating_add(at.saturating_mul(self.bucket_ns));
        self.buckets.push(TimeBucket {
            from_unix_ns,
            to_unix_ns: from_unix_ns.saturating_add(self.bucket_ns),
            ttft: Quantiles::of(&self.in_bucket),
            outcomes,
        });
        self.in_bucket.clear();
    }

    fn finish(mut self, target: &TargetId, simulated: bool) -> Distribution {
        self.finish_bucket();
        let last_ttft_ms = self.all.last().copied();
        self.all.sort_by(f64::total_cmp);
        let hours = self.hours.into_iter().filter_map(|((weekday, hour), ms)| {
            let ttft = Quantiles::of(&ms);
            Some(HourOfWeek {
                weekday,
                hour,
                runs: ttft.runs,
                median_ms: ttft.p50?,
            })
        });
        Distribution {
            target: target.clone(),
            simulated,
            ttft: Quantiles::of(&self.all),
            outcomes: self.outcomes,
            last: self.last,
            last_ttft_ms,
            buckets: self.buckets,
            hours: hours.collect(),
            ecdf: thinned(&self.all),
        }
    }
}

/// Values at even distances of rank, if there are more than [`MOST_QUANTILES`].
fn thinned(sorted: &[f64]) -> Vec<f64> {
    let last = MOST_QUANTILES - 1;
    match sorted.len() {
        0..=MOST_QUANTILES => sorted.to_vec(),
        n => (0..=last).map(|k| sorted[k * (n - 1) / last]).collect(),
    }
}

/// A quarter of an hour in nanoseconds: the clocks of all zones are off UTC by a multiple of it.
const QUARTER_NS: i64 = 15 * 60 * 1_000_000_000;

/// Gives local hours, and remembers the last one: runs come in order of time.
#[derive(Default)]
struct LocalHour(Option<(i64, (u8, u8))>);

impl LocalHour {
    /// The weekday from Monday and the hour of the day.
    fn of(&mut self, unix_ns: i64, zone: &TimeZone) -> (u8, u8) {
        let quarter = unix_ns.div_euclid(QUARTER_NS);
        if let Some((known, hour)) = self.0
            && known == quarter
        {
            return hour;
        }
        let time = Timestamp::from_nanosecond(i128::from(unix_ns)).unwrap_or_default();
        let local = zone.to_datetime(time);
        let weekday = local.weekday().to_monday_zero_offset();
        let hour = (weekday.unsigned_abs(), local.hour().unsigned_abs());
        self.0 = Some((quarter, hour));
        hour
    }
}
