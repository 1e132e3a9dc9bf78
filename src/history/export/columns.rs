//! The columns of a run in CSV and Parquet files: those here, and one for each figure.

use crate::{
    event::Usage,
    history::rows,
    measure::{self, Figure},
    price::PriceTable,
    run::{ConnectionKind, Link, Run, RunState},
    transport::ConnectionLoss,
};

/// One cell of a row.
pub(super) enum ExportCell {
    Blank,
    /// Untrusted text.
    Text(String),
    Integer(i64),
    /// In a column of integers, too.
    Count(u64),
    Number(f64),
    Flag(bool),
    /// Nanoseconds since 1970.
    Time(i64),
}

/// What the cells of a column are, unless they are blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    Text,
    Integer,
    Number,
    Flag,
    Time,
}

impl ExportCell {
    pub(super) fn of<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Blank, cell)
    }

    pub(super) fn text(text: Option<impl Into<String>>) -> Self {
        Self::of(text, |text| Self::Text(text.into()))
    }
}

/// A column: its name, what its cells are, and how one is made from a run.
type RunColumn = (&'static str, CellKind, fn(&Run) -> ExportCell);

/// A column of a file.
pub(super) enum ExportColumn {
    OfRun(&'static RunColumn),
    OfFigure(&'static Figure),
}

impl ExportColumn {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::OfRun((name, ..)) => name,
            Self::OfFigure(figure) => figure.key,
        }
    }

    pub(super) fn kind(&self) -> CellKind {
        match self {
            Self::OfRun((_, kind, _)) => *kind,
            Self::OfFigure(_) => CellKind::Number,
        }
    }

    pub(super) fn cell(&self, run: &Run, prices: &PriceTable) -> ExportCell {
        match self {
            Self::OfRun((.., cell)) => cell(run),
            Self::OfFigure(figure) => {
                ExportCell::of((figure.value)(run, prices), ExportCell::Number)
            }
        }
    }
}

/// All columns, in their order.
pub(super) fn columns() -> impl Iterator<Item = ExportColumn> {
    let before = COLUMNS.iter().map(ExportColumn::OfRun);
    let figures = measure::figures().map(ExportColumn::OfFigure);
    before
        .chain(figures)
        .chain(COLUMNS_AFTER.iter().map(ExportColumn::OfRun))
}

/// The columns before the figures.
static COLUMNS: &[RunColumn] = &[
    ("id", CellKind::Integer, |run| {
        ExportCell::of(Some(run.head.id.0), ExportCell::Integer)
    }),
    ("started", CellKind::Time, |run| {
        ExportCell::Time(run.stamps.started_unix_ns)
    }),
    ("endpoint", CellKind::Text, |run| {
        ExportCell::text(Some(&run.head.target.endpoint))
    }),
    ("model", CellKind::Text, |run| {
        ExportCell::text(Some(&run.head.target.model))
    }),
    ("dialect", CellKind::Text, |run| {
        ExportCell::text(Some(run.head.dialect.as_str()))
    }),
    ("route", CellKind::Text, |run| {
        ExportCell::text(Some(&run.head.route))
    }),
    ("origin", CellKind::Text, |run| {
        ExportCell::text(Some(run.head.origin.as_str()))
    }),
    ("simulated", CellKind::Flag, |run| {
        ExportCell::Flag(run.head.simulated)
    }),
    ("outcome", CellKind::Text, |run| {
        ExportCell::text(outcome(run))
    }),
    ("fault_class", CellKind::Text, |run| {
        ExportCell::text(run.answer.fault.as_ref().map(|f| f.class.as_str()))
    }),
    ("fault_phase", CellKind::Text, |run| {
        ExportCell::text(run.answer.fault.as_ref().map(|f| f.phase.as_str()))
    }),
    ("status", CellKind::Integer, |run| {
        let fault = run.answer.fault.as_ref();
        let status = run.status.or(fault.and_then(|f| f.status));
        ExportCell::of(status, |status| ExportCell::Integer(status.into()))
    }),
    ("message", CellKind::Text, |run| {
        ExportCell::text(run.answer.fault.as_ref().map(|f| &f.message))
    }),
    ("connection", CellKind::Text, |run| {
        ExportCell::text(run.connection.map(ConnectionKind::as_str))
    }),
    ("address", CellKind::Text, |run| {
        ExportCell::text(of_link(run, |link| link.address).map(|address| address.to_string()))
    }),
    ("tls_version", CellKind::Text, |run| {
        ExportCell::text(of_link(run, |link| link.tls).map(|tls| tls.version.as_str()))
    }),
    ("tls_resumed", CellKind::Flag, |run| {
        ExportCell::of(of_link(run, |link| link.tls), |tls| {
            ExportCell::Flag(tls.resumed)
        })
    }),
    ("connection_lost", CellKind::Text, |run| {
        ExportCell::text(of_link(run, |link| link.lost).map(ConnectionLoss::as_str))
    }),
];

/// The columns after the figures.
static COLUMNS_AFTER: &[RunColumn] = &[
    ("input_tokens", CellKind::Integer, |run| {
        usage(run, |u| u.input)
    }),
    ("output_tokens", CellKind::Integer, |run| {
        usage(run, |u| u.output)
    }),
    ("reasoning_tokens", CellKind::Integer, |run| {
        usage(run, |u| u.reasoning)
    }),
    ("cached_tokens", CellKind::Integer, |run| {
        usage(run, |u| u.cached)
    }),
    ("finish", CellKind::Text, |run| {
        ExportCell::text(run.answer.finish.as_ref().map(|f| f.reason.as_str()))
    }),
    ("prompt", CellKind::Text, |run| {
        ExportCell::text(rows::prompt_of(&run.head.request))
    }),
    ("text", CellKind::Text, |run| {
        ExportCell::text(Some(&run.answer.text))
    }),
];

fn outcome(run: &Run) -> Option<&'static str> {
    match run.state {
        RunState::Ok => Some("ok"),
        RunState::Fault if run.is_cancelled() => Some("cancelled"),
        RunState::Fault if run.is_suspended() => Some("suspended"),
        RunState::Fault => Some("fault"),
        _ => None,
    }
}

/// What is known of a run's connection.
fn of_link<T>(run: &Run, value: fn(&Link) -> Option<T>) -> Option<T> {
    run.stamps.link.as_ref().and_then(value)
}

fn usage(run: &Run, field: fn(Usage) -> Option<u64>) -> ExportCell {
    let count = run.answer.usage.and_then(field);
    ExportCell::of(count, ExportCell::Count)
}
