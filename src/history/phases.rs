//! How long each part of the time until the first token took, over a stretch of time.
//!
//! In: a [`PhasesQuery`]. Out: [`TargetPhases`], medians for each bucket of time. One pass over the runs of each target;
//! memory grows with 40 bytes a run of one bucket. Probes that were rolled up have no phases.

use rusqlite::{Connection, Row};

use super::{
    cells::Cells,
    median::Median,
    query::{self, Snapshot},
    reader::{IsCancelled, for_each_row},
    time_buckets::{self, BucketGrid},
};
use crate::{
    endpoint::TargetId,
    measure::{late, phases::TtftPhase},
    run::{ConnectionKind, Stamps},
};

/// Which runs, and into how many buckets of time they are divided.
#[derive(Clone, Debug, PartialEq)]
pub struct PhasesQuery {
    /// From, in nanoseconds since 1970; `None` is the first run.
    pub from_unix_ns: Option<i64>,
    /// To, in nanoseconds since 1970; `None` is now.
    pub to_unix_ns: Option<i64>,
    /// Into how many buckets of one length the stretch is divided.
    pub buckets: usize,
    /// Over which connections the runs went: cold and warm ones are never mixed.
    pub connection: ConnectionKind,
    /// The share of its TTFT by which a run may be read late; later ones are not measured.
    pub late_share: f64,
}

impl Default for PhasesQuery {
    fn default() -> Self {
        Self {
            from_unix_ns: None,
            to_unix_ns: None,
            buckets: 60,
            connection: ConnectionKind::Warm,
            late_share: late::SHARE,
        }
    }
}

/// The phases of one target.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetPhases {
    /// The target.
    pub target: TargetId,
    /// Whether the simulator answered.
    pub simulated: bool,
    /// The buckets that have measured runs, in order of time.
    pub buckets: Vec<PhaseBucket>,
}

/// The phases of the measured runs of one bucket of time: those with a clean end and a token, over the connections asked
/// for, that were not read late.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseBucket {
    /// Its begin, in nanoseconds since 1970.
    pub from_unix_ns: i64,
    /// Its end, which belongs to the next one.
    pub to_unix_ns: i64,
    /// The median of each of [`TtftPhase::ALL`], with the number of runs in which it is known; `None` without any.
    pub medians: [Option<Median>; 5],
}

impl PhaseBucket {
    /// The sum of the medians that are known, in milliseconds.
    #[must_use]
    pub fn sum_ms(&self) -> f64 {
        self.medians.iter().flatten().map(|median| median.ms).sum()
    }
}

/// The phases of all targets that have measured runs in the stretch, in order of their names.
///
/// # Errors
/// If the file can't be read, or the query is cancelled.
pub(super) fn all(
    file: &Connection,
    asked: &PhasesQuery,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<Vec<TargetPhases>> {
    let _snapshot = Snapshot::begin(file)?;
    let stretch = time_buckets::stretch(file, asked.from_unix_ns, asked.to_unix_ns)?;
    let grid = BucketGrid::new(stretch, asked.buckets);
    let mut found = Vec::new();
    for (key, target) in query::targets(file)? {
        let mut builders = [false, true].map(|_| PhasesBuilder::new(grid));
        for_each_run(file, key, (asked, stretch), is_cancelled, |run| {
            builders[usize::from(run.simulated)].add(&run.stamps);
        })?;
        for (simulated, builder) in [false, true].into_iter().zip(builders) {
            let buckets = builder.finish();
            found.extend((!buckets.is_empty()).then(|| TargetPhases {
                target: target.clone(),
                simulated,
                buckets,
            }));
        }
    }
    Ok(found)
}

/// What decides the phases of a measured run.
struct PhasedRun {
    simulated: bool,
    stamps: Stamps,
}

/// Calls `give` with the measured runs of a target in order of time.
fn for_each_run(
    file: &Connection,
    target: i64,
    (asked, (from, to)): (&PhasesQuery, (i64, i64)),
    is_cancelled: IsCancelled<'_>,
    mut give: impl FnMut(PhasedRun),
) -> rusqlite::Result<()> {
    let mut select = file.prepare_cached(
        "SELECT simulated, started_unix_ns, dns_begin, dns_end, tcp_begin, tcp_end, tls_begin, tls_end,
                request_sent, first_byte, first_token, first_token_delay
            FROM run INDEXED BY run_target
            WHERE target = ?1 AND started_unix_ns BETWEEN ?2 AND ?3
                AND connection = ?4 AND outcome = 'ok' AND first_token IS NOT NULL
            ORDER BY started_unix_ns",
    )?;
    let rows = select.query((target, from, to, asked.connection.as_str()))?;
    for_each_row(rows, is_cancelled, |row| {
        let run = phased(row)?;
        let Stamps {
            first_token,
            first_token_delay,
            ..
        } = run.stamps;
        let is_late = |ttft: u64| late::is_late(ttft, first_token_delay, asked.late_share);
        if first_token.is_some_and(|ttft| !is_late(ttft)) {
            give(run);
        }
        Ok(())
    })
}

fn phased(row: &Row<'_>) -> rusqlite::Result<PhasedRun> {
    let mut cells = Cells::new(row);
    Ok(PhasedRun {
        simulated: cells.next()?,
        stamps: Stamps {
            started_unix_ns: cells.next()?,
            dns: cells.span()?,
            tcp: cells.span()?,
            tls: cells.span()?,
            request_sent: cells.count()?,
            first_byte: cells.count()?,
            first_token: cells.count()?,
            first_token_delay: cells.next()?,
            ..Stamps::default()
        },
    })
}

/// Builds the buckets of one target from runs in order of time.
struct PhasesBuilder {
    grid: BucketGrid,
    /// The bucket that is being filled, and the times of each phase in it, in milliseconds.
    place: Option<i64>,
    times: [Vec<f64>; 5],
    buckets: Vec<PhaseBucket>,
}

impl PhasesBuilder {
    fn new(grid: BucketGrid) -> Self {
        Self {
            grid,
            place: None,
            times: Default::default(),
            buckets: Vec::new(),
        }
    }

    fn add(&mut self, stamps: &Stamps) {
        let place = self.grid.place(stamps.started_unix_ns);
        if self.place != Some(place) {
            self.finish_bucket();
        }
        self.place = Some(place);
        for (phase, times) in TtftPhase::ALL.into_iter().zip(&mut self.times) {
            times.extend(phase.ms(stamps));
        }
    }

    fn finish_bucket(&mut self) {
        let Some(place) = self.place.take() else {
            return;
        };
        let (from_unix_ns, to_unix_ns) = self.grid.bounds(place);
        self.buckets.push(PhaseBucket {
            from_unix_ns,
            to_unix_ns,
            medians: self
                .times
                .each_mut()
                .map(|times| Median::of(std::mem::take(times))),
        });
    }

    fn finish(mut self) -> Vec<PhaseBucket> {
        self.finish_bucket();
        self.buckets
    }
}
