//! The threads that read: one question at a time on each of three lanes, each with its own
//! connection, so that a search does not hold up a plot, nor a plot an opened run.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, mpsc},
    thread,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{HistoryError, Shared, sqlite};

/// Which thread answers a question.
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

/// A question for a lane.
pub(super) type Job = Box<dyn FnOnce(&Shared, Lane) + Send>;

/// A connection, and what is remembered of what was asked on it.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) connection: Connection,
    pub(super) memory: Memory,
}

/// What serves all pages of a query.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// `meta.generation` that the rest belongs to: it changes when a run begins or ends.
    pub(super) generation: Option<i64>,
    /// How many runs a filter has.
    pub(super) totals: HashMap<String, usize>,
    /// The text whose hits are in `temp.hit`, and how many they are.
    pub(super) hits: Option<(String, usize)>,
}

impl Reader {
    /// Opens a reader on what a URI names.
    ///
    /// # Errors
    /// If it can't be read.
    pub(super) fn open(uri: &str) -> rusqlite::Result<Self> {
        Ok(Self {
            connection: sqlite::open_reader(uri)?,
            memory: Memory::default(),
        })
    }
}

/// A sign that no one waits for the answer any more.
pub(super) type IsCancelled<'a> = &'a dyn Fn() -> bool;

/// Starts a lane's thread and gives the way to it.
pub(super) fn start(shared: &Arc<Shared>, lane: Lane) -> mpsc::Sender<Job> {
    let (jobs, asked) = mpsc::channel::<Job>();
    let shared = Arc::clone(shared);
    let started = thread::Builder::new()
        .name(format!("history-{lane:?}").to_lowercase())
        .spawn(move || asked.iter().for_each(|job| job(&shared, lane)));
    if let Err(error) = started {
        tracing::error!("the history can't be read: {error}");
    }
    jobs
}

/// Makes a job of a question, and the place where its answer will be.
pub(super) fn job<T: Send + 'static>(
    work: impl FnOnce(&mut Reader, IsCancelled<'_>) -> rusqlite::Result<T> + Send + 'static,
) -> (Job, oneshot::Receiver<Result<T, HistoryError>>) {
    let (answer, answered) = oneshot::channel();
    let job = move |shared: &Shared, lane: Lane| {
        if !answer.is_closed() {
            let found = shared.read(lane, |reader| work(reader, &|| answer.is_closed()));
            // Whoever asked may have gone away.
            let _ = answer.send(found);
        }
    };
    (Box::new(job), answered)
}

impl Shared {
    /// Reads on a lane's connection, opened if it is not.
    fn read<T>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut Reader) -> rusqlite::Result<T>,
    ) -> Result<T, HistoryError> {
        let slot = &self.readers[lane as usize];
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match &mut *slot {
            Some(reader) => work(reader),
            none => {
                let reader = Reader::open(&self.place()?);
                reader.and_then(|reader| work(none.insert(reader)))
            }
        };
        found.map_err(|error| {
            if sqlite::is_damage(&error) {
                self.inbox.report_damage(sqlite::words_of(&error));
            }
            self.cant_read(&error)
        })
    }

    pub(super) fn cant_read(&self, error: &rusqlite::Error) -> HistoryError {
        HistoryError(format!(
            "{} could not be read ({})",
            self.folder.join(sqlite::FILE).display(),
            sqlite::words_of(error)
        ))
    }

    /// What readers open, or why there is nothing to read.
    pub(super) fn place(&self) -> Result<String, HistoryError> {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        place.clone().map_err(HistoryError)
    }

    pub(super) fn set_place(&self, place: Result<String, String>) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// Closes every lane's connection once it has answered; they are opened again when needed.
    pub(super) fn close_readers(&self) {
        for slot in &self.readers {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}
