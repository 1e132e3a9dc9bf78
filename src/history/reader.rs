//! The threads that read: three lanes, each with its own connection, each running one query at a time, so that a
//! search does not hold up a plot, nor a plot a run that is opened.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
    thread,
};

use rusqlite::{Connection, Error, Row, Rows, ffi};
use tokio::sync::oneshot;

use super::{HistoryError, HistoryShared, lock, sqlite, todays_costs::TodaysCosts};

/// Rows between two looks at whether the caller still waits.
const ROWS: usize = 2048;

/// Which thread runs a query.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lane {
    /// Pages of the table of runs.
    Table,
    /// Plots.
    Plot,
    /// Single runs and conversations.
    Item,
}

/// How many lanes there are.
pub(super) const LANES: usize = 3;

/// A query for a lane.
pub(super) type ReadJob = Box<dyn FnOnce(&HistoryShared, Lane) + Send>;

/// A connection, and the results of earlier queries on it.
#[derive(Debug)]
pub(super) struct HistoryReader {
    pub(super) connection: Connection,
    pub(super) cache: QueryCache,
    pub(super) todays_costs: TodaysCosts,
}

/// Results that serve all pages of a query.
#[derive(Debug, Default)]
pub(super) struct QueryCache {
    /// The `meta.generation` at which the rest is valid: it changes when a run begins or ends.
    pub(super) generation: Option<i64>,
    /// How many runs meet a filter.
    pub(super) totals: HashMap<String, usize>,
    /// The text whose hits are in `temp.hit`, and the number of hits.
    pub(super) hits: Option<(String, usize)>,
}

impl HistoryReader {
    /// Opens a reader on what a URI names.
    ///
    /// # Errors
    /// If it can't be read.
    pub(super) fn open(uri: &str) -> rusqlite::Result<Self> {
        Ok(Self {
            connection: sqlite::open_reader(uri)?,
            cache: QueryCache::default(),
            todays_costs: TodaysCosts::default(),
        })
    }
}

/// Whether the caller has stopped waiting for the answer.
pub(super) type IsCancelled<'a> = &'a dyn Fn() -> bool;

/// Calls `give` with each row. Now and then it looks whether the caller still waits.
///
/// # Errors
/// If the rows can't be read, the query is cancelled, or `give` fails.
pub(super) fn for_each_row(
    mut rows: Rows<'_>,
    is_cancelled: IsCancelled<'_>,
    mut give: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut seen = 0_usize;
    while let Some(row) = rows.next()? {
        seen += 1;
        if seen.is_multiple_of(ROWS) && is_cancelled() {
            return Err(cancelled());
        }
        give(row)?;
    }
    Ok(())
}

/// The error of a cancelled query.
pub(super) fn cancelled() -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None)
}

/// Starts a lane's thread, and returns the sender of its jobs.
pub(super) fn start(shared: &Arc<HistoryShared>, lane: Lane) -> mpsc::Sender<ReadJob> {
    let (jobs, asked) = mpsc::channel::<ReadJob>();
    let shared = Arc::clone(shared);
    let started = thread::Builder::new()
        .name(format!("history-{lane:?}").to_lowercase())
        .spawn(move || asked.iter().for_each(|job| job(&shared, lane)));
    if let Err(error) = started {
        tracing::error!("the history can't be read: {error}");
    }
    jobs
}

/// Makes a job of a query, and the receiver of its answer.
pub(super) fn job<T: Send + 'static>(
    work: impl FnOnce(&mut HistoryReader, IsCancelled<'_>) -> rusqlite::Result<T> + Send + 'static,
) -> (ReadJob, oneshot::Receiver<Result<T, HistoryError>>) {
    let (answer, answered) = oneshot::channel();
    let job = move |shared: &HistoryShared, lane: Lane| {
        if !answer.is_closed() {
            let found = shared.read(lane, |reader| work(reader, &|| answer.is_closed()));
            // The caller may have dropped its future.
            let _ = answer.send(found);
        }
    };
    (Box::new(job), answered)
}

impl HistoryShared {
    /// Reads on a lane's connection, and opens it first if needed.
    fn read<T>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut HistoryReader) -> rusqlite::Result<T>,
    ) -> Result<T, HistoryError> {
        let mut slot = lock(&self.readers[lane as usize]);
        let found = match &mut *slot {
            Some(reader) => work(reader),
            none => {
                let reader = HistoryReader::open(&self.read_uri()?);
                reader.and_then(|reader| work(none.insert(reader)))
            }
        };
        found.map_err(|error| {
            if sqlite::is_damage(&error) {
                self.queue.report_damage(sqlite::error_text(&error));
            }
            self.read_error(&error)
        })
    }

    pub(super) fn read_error(&self, error: &Error) -> HistoryError {
        HistoryError(format!(
            "{} could not be read ({})",
            self.folder.join(sqlite::FILE).display(),
            sqlite::error_text(error)
        ))
    }

    /// The URI that readers open, or why there is nothing to read.
    pub(super) fn read_uri(&self) -> Result<String, HistoryError> {
        lock(&self.readable).clone().map_err(HistoryError)
    }

    pub(super) fn set_read_uri(&self, read_uri: Result<String, String>) {
        *lock(&self.readable) = read_uri;
    }

    /// Closes every lane's connection once its query is done; they are opened again when needed.
    pub(super) fn close_readers(&self) {
        for slot in &self.readers {
            *lock(slot) = None;
        }
    }
}
