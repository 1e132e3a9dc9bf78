//! Every run, conversation and draft, in one SQLite file that several processes may share.
//!
//! In: runs as they go. Out: rows for tables, decimated series for plots, whole runs. All work is
//! done on the history's own threads, one that writes and three that read: writing calls only queue,
//! and questions are futures that need no runtime of their own.

mod cells;
mod conversations;
mod drafts;
mod elsewhere;
mod export;
mod fifth;
mod files;
mod findings;
mod fourth;
mod inbox;
mod long;
mod pieces;
mod query;
mod reader;
mod reads;
mod recent;
mod recover;
mod rest;
mod rows;
mod schema;
mod search;
mod series;
mod session;
mod sqlite;
mod unstored;
mod vacuum;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, mpsc},
    thread,
};

use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};

pub use self::{
    elsewhere::Elsewhere,
    export::{ExportFormat, rfc3339},
    findings::{Conformance, Found},
    query::{OutcomeFilter, RunPage, RunQuery, RunRow, RunSort, SortColumn},
    series::{Median, Series, SeriesError, SeriesPoint, SeriesQuery},
    unstored::Unstored,
};
use self::{
    files::Held,
    inbox::Inbox,
    reader::{IsCancelled, Job, LANES, Lane, Reader},
};
use crate::{
    conversation::{Conversation, ConversationChange, ConversationId, ConversationSummary},
    endpoint::TargetId,
    run::{Run, RunId, RunUpdate},
};

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
///
/// When the last handle is dropped, what is queued is still written, on the history's own thread:
/// before the process ends, wait for [`flush`](Self::flush).
#[derive(Clone, Debug)]
pub struct History {
    inner: Arc<Inner>,
}

/// What the last handle ends when it is dropped.
#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    lanes: [mpsc::Sender<Job>; LANES],
}

/// What the handles and the threads share.
#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    inbox: Inbox,
    held: Held,
    /// `None` until the file is open.
    standing: watch::Sender<Option<Storage>>,
    /// What other processes did; looked for while anyone has a receiver.
    elsewhere: watch::Sender<Elsewhere>,
    /// Set when the writer is gone: whether all was stored.
    ended: watch::Sender<Option<Result<(), Unstored>>>,
    /// This process's number, once it has one.
    session: OnceLock<i64>,
    /// The URI that readers open, or why there is nothing to read.
    place: Mutex<Result<String, String>>,
    readers: [Mutex<Option<Reader>>; LANES],
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.inbox.close();
    }
}

impl History {
    /// Opens `history.db` in a folder, making both if need be, on a thread of its own. Whatever is
    /// wrong with the file, a usable handle comes back: see [`History::storage`].
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            inbox: Inbox::default(),
            held: Held::default(),
            standing: watch::Sender::new(None),
            elsewhere: watch::Sender::default(),
            ended: watch::Sender::new(None),
            session: OnceLock::new(),
            place: Mutex::new(Err("the history is not open yet".into())),
            readers: [const { Mutex::new(None) }; LANES],
        });
        let lanes = [Lane::Table, Lane::Plot, Lane::Item].map(|lane| reader::start(&shared, lane));
        let writing = Arc::clone(&shared);
        let started = thread::Builder::new()
            .name("history-writer".into())
            .spawn(move || writer::run(writing));
        if let Err(error) = started {
            let why = format!("The history can't be written: {error}");
            shared.standing.send_replace(Some(Storage::Failing { why }));
            shared.inbox.end();
            shared.ended.send_replace(Some(Ok(())));
        }
        let inner = Arc::new(Inner { shared, lanes });
        Self { inner }
    }

    /// How the history stands, once it is open.
    pub async fn storage(&self) -> Storage {
        let mut standing = self.watch_storage();
        let known = standing.wait_for(Option::is_some).await;
        // The sender lives as long as this handle, so there always is one.
        known
            .ok()
            .and_then(|known| known.clone())
            .unwrap_or(Storage::Ok)
    }

    /// Tells each change of how the history stands; `None` until it is open.
    #[must_use]
    pub fn watch_storage(&self) -> watch::Receiver<Option<Storage>> {
        self.inner.shared.standing.subscribe()
    }

    /// Tells what other processes do to the file. While a receiver lives, the file is looked at once a second.
    #[must_use]
    pub fn watch_elsewhere(&self) -> watch::Receiver<Elsewhere> {
        let elsewhere = self.inner.shared.elsewhere.subscribe();
        self.inner.shared.inbox.wake();
        elsewhere
    }

    /// This process shows a conversation, and wants to know who else does.
    pub fn show_conversation(&self, id: ConversationId) {
        self.inner.shared.inbox.show(id);
    }

    /// Ends the history: waits until all is on disk. It waits for another process that holds the file, however
    /// long that takes; all else that stands in the way is tried once more and told. Nothing can be stored
    /// after that.
    ///
    /// # Errors
    /// If something could not be stored.
    pub async fn end(&self) -> Result<(), Unstored> {
        let mut ended = self.inner.shared.ended.subscribe();
        self.inner.shared.inbox.close();
        let unstored = ended.wait_for(Option::is_some).await;
        // The sender lives as long as this handle.
        let ended = unstored.ok().and_then(|ended| ended.clone());
        ended.unwrap_or(Ok(()))
    }

    /// Notes that a run begins.
    pub fn begin(&self, run: &Run) {
        self.inner.shared.inbox.begin(run.clone());
    }

    /// Notes what a run reports; its text is on disk within a second.
    pub fn record(&self, id: RunId, update: impl Into<Arc<RunUpdate>>) {
        self.inner.shared.inbox.record(id, &update.into());
    }

    /// Notes a run that is over, whole.
    pub fn finish(&self, run: impl Into<Arc<Run>>) {
        self.inner.shared.inbox.finish(run.into());
    }

    /// A page of the table of runs.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn runs(&self, query: RunQuery) -> Result<RunPage, HistoryError> {
        let shared = Arc::clone(&self.inner.shared);
        self.ask(Lane::Table, move |reader, is_cancelled| {
            let page = query::page(reader, &query, is_cancelled)?;
            if page.rows.iter().any(|row| !row.state.is_over()) {
                // One of them may belong to a process that died since.
                shared.inbox.find_dead();
            }
            Ok(page)
        })
        .await
    }

    /// One whole run; `None` if there is none of this id. Of a run that goes, what is known so far.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn run(&self, id: RunId) -> Result<Option<Run>, HistoryError> {
        let shared = Arc::clone(&self.inner.shared);
        self.ask(Lane::Item, move |reader, _| {
            let _snapshot = query::Snapshot::begin(&reader.connection)?;
            let run = rows::load(&reader.connection, &shared.held, id)?;
            if run.as_ref().is_some_and(|run| !run.state.is_over()) {
                shared.inbox.find_dead();
            }
            Ok(run)
        })
        .await
    }

    /// TTFT history of every target, decimated.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn series(&self, query: SeriesQuery) -> Result<Vec<Series>, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            series::all(&reader.connection, &query, is_cancelled)
        })
        .await
    }

    /// The latest whole answers of a target: at most 50 over warm connections, and 50 over cold ones.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn recent(&self, target: TargetId) -> Result<Vec<RunRow>, HistoryError> {
        self.ask(Lane::Item, move |reader, _| {
            recent::of_target(&reader.connection, &target)
        })
        .await
    }

    /// How each target kept to its protocol since then (nanoseconds since 1970; `None` for ever).
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn conformance(&self, since: Option<i64>) -> Result<Vec<Conformance>, HistoryError> {
        self.ask(Lane::Plot, move |reader, _| {
            findings::all(&reader.connection, since)
        })
        .await
    }

    /// Writes the runs of a query (its offset and limit left aside) to a file, whole or not at all.
    /// `progress` is told rows done and rows in all. Dropping the future stops it.
    ///
    /// # Errors
    /// If the history can't be read or the file not be written.
    pub async fn export(
        &self,
        query: RunQuery,
        format: ExportFormat,
        to: PathBuf,
        progress: impl Fn(usize, usize) + Send + 'static,
    ) -> Result<usize, HistoryError> {
        self.flush().await;
        let shared = Arc::clone(&self.inner.shared);
        let (answer, answered) = oneshot::channel();
        let work = move || {
            let is_cancelled = || answer.is_closed();
            let done = export::export(&shared, &query, format, &to, &progress, &is_cancelled);
            // Whoever asked may have gone away.
            let _ = answer.send(done);
        };
        // A thread of its own: an export may take minutes.
        let started = thread::Builder::new()
            .name("history-export".into())
            .spawn(work);
        started
            .map_err(|error| HistoryError(format!("the export could not be started: {error}")))?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Keeps what this window changed in a conversation, and its draft, beside what other windows did.
    pub fn save_conversation(&self, change: ConversationChange) {
        self.inner.shared.inbox.change(change);
    }

    /// Forgets a conversation; its runs stay.
    pub fn delete_conversation(&self, id: ConversationId) {
        self.inner.shared.inbox.delete(id);
    }

    /// The conversations, latest first.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn conversations(&self) -> Result<Vec<ConversationSummary>, HistoryError> {
        self.ask(Lane::Item, |reader, _| {
            conversations::list(&reader.connection)
        })
        .await
    }

    /// One conversation with this window's draft, or that of a window which is gone; `None` if there is none of
    /// this id.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<Conversation>, HistoryError> {
        let shared = Arc::clone(&self.inner.shared);
        shared.inbox.adopt(id);
        self.ask(Lane::Item, move |reader, _| {
            let _snapshot = query::Snapshot::begin(&reader.connection)?;
            let session = shared.session.get().copied();
            conversations::load(&reader.connection, &shared.held, id, session)
        })
        .await
    }

    /// Waits until everything queued so far is on disk; while the storage is failing, until that was
    /// tried.
    pub async fn flush(&self) {
        let failing = matches!(
            &*self.inner.shared.standing.borrow(),
            Some(Storage::Failing { .. })
        );
        if !failing {
            // An error means that the writer is gone, and so is the wait.
            let _ = self.inner.shared.inbox.flush().await;
        }
    }

    /// Puts a question to a lane. What was written before it is seen by it.
    async fn ask<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut Reader, IsCancelled<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        self.flush().await;
        let (job, answered) = reader::job(work);
        self.inner.lanes[lane as usize]
            .send(job)
            .map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> HistoryError {
    HistoryError("the history's thread has ended: start the program again".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::ChatRequest, dialect::DialectId, endpoint::TargetId, run::Origin, run::RunHead,
        run::State,
    };

    /// A run with nothing but a key and a prompt, whose answer is waited for.
    pub(super) fn a_run(id: i64) -> Run {
        let head = RunHead {
            id: RunId(id),
            target: TargetId {
                endpoint: "here".into(),
                model: "m".into(),
            },
            dialect: DialectId::OpenaiChat,
            route: "direct".into(),
            url: "http://127.0.0.1/v1/chat/completions".into(),
            simulated: false,
            origin: Origin::Playground,
            attempt: 1,
            request: Arc::new(ChatRequest::of_text("m", "hello")),
        };
        Run {
            state: State::Waiting,
            ..Run::new(head)
        }
    }
}
