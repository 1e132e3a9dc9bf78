//! Every run, conversation and draft, in one SQLite file that several processes may share.
//!
//! In: runs as they go. Out: rows for tables, decimated series for plots, whole runs. All work is
//! done on the history's own threads; calls return at once and answers come to callbacks.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    conversation::{Conversation, ConversationId, ConversationSummary},
    endpoint::TargetId,
    event::FaultClass,
    run::{Connection, Run, RunId, RunUpdate, State},
};

/// Which runs, in which order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunQuery {
    /// Words that must all occur in prompt, answer, target or error; empty means all.
    pub text: String,
    /// Only these targets; empty means all.
    pub targets: Vec<TargetId>,
    /// Only runs of this outcome.
    pub outcome: Option<OutcomeFilter>,
    /// Only runs started at or after this time (nanoseconds since 1970).
    pub since_unix_ns: Option<i64>,
    /// Order.
    pub sort: RunSort,
    /// Rows to skip.
    pub offset: usize,
    /// Most rows to give.
    pub limit: usize,
}

/// A class of outcomes to filter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeFilter {
    /// Clean ends.
    Ok,
    /// Faults, cancelled runs left out.
    Fault,
    /// Cancelled by the user.
    Cancelled,
}

/// A column to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunSort {
    /// The column.
    pub by: SortColumn,
    /// Largest or latest first.
    pub descending: bool,
}

impl Default for RunSort {
    fn default() -> Self {
        Self {
            by: SortColumn::Started,
            descending: true,
        }
    }
}

/// Columns that runs can be sorted by. Blank values come last in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortColumn {
    /// Start time.
    Started,
    /// Target name.
    Target,
    /// Outcome.
    Outcome,
    /// Time to first token.
    Ttft,
    /// Total time.
    Total,
    /// Output tokens.
    OutputTokens,
}

/// One row of the table of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The run's key.
    pub id: RunId,
    /// Where it went.
    pub target: TargetId,
    /// The endpoint's route label.
    pub route: String,
    /// Where it stands.
    pub state: State,
    /// The class of its fault.
    pub fault: Option<FaultClass>,
    /// Cold or warm.
    pub connection: Option<Connection>,
    /// Whether the simulator answered.
    pub simulated: bool,
    /// When it started, in nanoseconds since 1970.
    pub started_unix_ns: i64,
    /// Time to first token.
    pub ttft_ms: Option<f64>,
    /// Time to last token.
    pub total_ms: Option<f64>,
    /// Output tokens per second.
    pub output_speed: Option<f64>,
    /// Prompt tokens.
    pub input_tokens: Option<u64>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
    /// The start of the prompt, one line.
    pub prompt: String,
}

/// A page of rows and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunPage {
    /// The rows.
    pub rows: Vec<RunRow>,
    /// How many rows the query has without its limit.
    pub total: usize,
}

/// Which stretch of TTFT history, at which resolution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesQuery {
    /// From, in nanoseconds since 1970; `None` is the first run.
    pub from_unix_ns: Option<i64>,
    /// To; `None` is now.
    pub to_unix_ns: Option<i64>,
    /// Width of the plot in pixels: what is given is decimated to it.
    pub pixels: usize,
}

/// TTFT history of one target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The target.
    pub target: TargetId,
    /// Whether the simulator answered.
    pub simulated: bool,
    /// How many measured runs there are in the stretch, before decimation.
    pub runs: usize,
    /// How many failed ones.
    pub faults: usize,
    /// Measured runs in order of time. Where several fall on one pixel, the lowest, the median and the
    /// highest of each connection kind are kept.
    pub points: Vec<SeriesPoint>,
    /// Rolling median (of 9 runs, or per pixel where denser) of warm and cold apart: time and ms.
    pub median_warm: Vec<(i64, f64)>,
    /// The same for cold runs.
    pub median_cold: Vec<(i64, f64)>,
    /// Failed runs, decimated to one a pixel.
    pub errors: Vec<SeriesError>,
}

/// One measured run on the plot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesPoint {
    /// When it started, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// Its TTFT.
    pub ttft_ms: f64,
    /// Cold or warm.
    pub connection: Connection,
    /// The run.
    pub run: RunId,
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

/// A file format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One row a run, a header line, RFC 4180.
    Csv,
    /// An array of run objects as `tokenscope chat --json` prints them.
    Json,
}

/// How the history stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Storage {
    /// All is well.
    Ok,
    /// A damaged or foreign file was set aside under this name, and a new one begun.
    SetAside {
        /// Where the old file is now.
        kept_as: PathBuf,
        /// What was wrong with it.
        why: String,
    },
    /// The file was written by a newer version, or can't be written: it is shown, not changed.
    ReadOnly {
        /// Why.
        why: String,
    },
    /// Nothing can be stored; runs go on and live in memory only.
    Failing {
        /// Why, and what to do.
        why: String,
    },
}

/// The history could not do what was asked. The text says why and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HistoryError(pub String);

/// A handle on the history. Cheap to clone; clones share the threads. Writing calls only queue.
#[derive(Clone, Debug)]
pub struct History {}

impl History {
    /// Opens `history.db` in a folder, making both if need be, on a thread of its own. Whatever is
    /// wrong with the file, a usable handle comes back: see [`History::storage`].
    #[must_use]
    pub fn open(_folder: &Path) -> Self {
        todo!("history helper")
    }

    /// How the history stands, once it is open.
    pub async fn storage(&self) -> Storage {
        todo!("history helper")
    }

    /// Notes that a run begins.
    pub fn begin(&self, _run: &Run) {
        todo!("history helper")
    }

    /// Notes what a run reports; its text is on disk within a second.
    pub fn record(&self, _id: RunId, _update: &RunUpdate) {
        todo!("history helper")
    }

    /// Notes a run that is over, whole.
    pub fn finish(&self, _run: Run) {
        todo!("history helper")
    }

    /// A page of the table of runs.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn runs(&self, _query: RunQuery) -> Result<RunPage, HistoryError> {
        todo!("history helper")
    }

    /// One whole run; `None` if there is none of this id.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn run(&self, _id: RunId) -> Result<Option<Run>, HistoryError> {
        todo!("history helper")
    }

    /// TTFT history of every target, decimated.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn series(&self, _query: SeriesQuery) -> Result<Vec<Series>, HistoryError> {
        todo!("history helper")
    }

    /// Writes the runs of a query (its offset and limit left aside) to a file, whole or not at all.
    /// `progress` is told rows done and rows in all. Dropping the future stops it.
    ///
    /// # Errors
    /// If the history can't be read or the file not be written.
    pub async fn export(
        &self,
        _query: RunQuery,
        _format: ExportFormat,
        _to: PathBuf,
        _progress: impl Fn(usize, usize) + Send + 'static,
    ) -> Result<usize, HistoryError> {
        todo!("history helper")
    }

    /// Keeps a conversation with its draft, replacing what was kept under its id.
    pub fn save_conversation(&self, _conversation: Conversation) {
        todo!("history helper")
    }

    /// Forgets a conversation; its runs stay.
    pub fn delete_conversation(&self, _id: ConversationId) {
        todo!("history helper")
    }

    /// The conversations, latest first.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn conversations(&self) -> Result<Vec<ConversationSummary>, HistoryError> {
        todo!("history helper")
    }

    /// One conversation; `None` if there is none of this id.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn conversation(
        &self,
        _id: ConversationId,
    ) -> Result<Option<Conversation>, HistoryError> {
        todo!("history helper")
    }

    /// Waits until everything queued so far is on disk.
    pub async fn flush(&self) {
        todo!("history helper")
    }
}
