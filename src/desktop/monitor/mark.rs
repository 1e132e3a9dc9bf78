//! What the pointer can be on in the plot: a run, or an hour of probes that were rolled up.

use crate::{
    event::FaultClass,
    history::{Median, Series},
    run::{ConnectionKind, RunId},
};

/// A run on the plot, or an hour of probes that were rolled up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// When the run started, or the middle of the hour, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// What it stands for.
    pub kind: MarkKind,
    /// The run; an hour has none.
    pub run: Option<RunId>,
}

/// What a mark stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MarkKind {
    /// A run with a TTFT.
    Measured {
        /// Its TTFT in milliseconds.
        ms: f64,
        /// Whether it opened its connection.
        connection: ConnectionKind,
    },
    /// The probes of an hour that were rolled up.
    Hour {
        /// Their median TTFT.
        median: Median,
        /// Whether they opened their connections.
        connection: ConnectionKind,
    },
    /// A run that ended without an answer.
    Failed(FaultClass),
}

impl Mark {
    /// The runs and hours between two times.
    pub fn between(series: &Series, from: i64, to: i64) -> impl Iterator<Item = Self> {
        let points = &series.points;
        let first = points.partition_point(|point| point.at_unix_ns < from);
        let points = points[first..].iter().map(|point| Self {
            at_unix_ns: point.at_unix_ns,
            kind: MarkKind::Measured {
                ms: point.ttft_ms,
                connection: point.connection,
            },
            run: Some(point.run),
        });
        let errors = &series.errors;
        let first = errors.partition_point(|error| error.at_unix_ns < from);
        let errors = errors[first..].iter().map(|error| Self {
            at_unix_ns: error.at_unix_ns,
            kind: MarkKind::Failed(error.class),
            run: Some(error.run),
        });
        let hours = &series.hours;
        let first = hours.partition_point(|hour| hour.middle_unix_ns() < from);
        let hours = hours[first..].iter().map(|hour| Self {
            at_unix_ns: hour.middle_unix_ns(),
            kind: MarkKind::Hour {
                median: hour.median,
                connection: hour.connection,
            },
            run: None,
        });
        let stays = move |mark: &Self| mark.at_unix_ns <= to;
        let runs = points.take_while(stays).chain(errors.take_while(stays));
        runs.chain(hours.take_while(stays))
    }
}
