//! Every run, conversation and draft, in one SQLite file that several processes may share.
//!
//! In: runs while they are streamed and once they are over, and changes of conversations. Out: rows for tables,
//! decimated series for plots, whole runs. All work is done on the history's own threads, one that writes and three
//! that read. Calls that write only queue the write; calls that read return futures that need no async runtime.

mod archives;
mod benches;
mod captures;
mod cells;
mod checks;
mod comparisons;
mod conversations;
mod deletions;
mod distribution;
mod drafts;
mod export;
mod files;
mod findings;
mod firing_alerts;
mod gaps;
mod large_values;
mod last_asked;
mod median;
mod migrations;
mod other_processes;
mod outcomes;
mod overflow;
mod phases;
mod pieces;
mod probe_bursts;
mod probe_outcomes;
mod probe_usage;
mod quantiles;
mod query;
mod questions;
mod reader;
mod reads;
mod recent;
mod recover;
mod rollups;
mod rows;
mod scan;
mod search;
mod series;
mod session;
mod sqlite;
mod target_facts;
mod time_buckets;
mod todays_costs;
mod ttft_sample;
mod unstored;
mod usage;
mod vacuum;
mod write_queue;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc},
    thread,
};

use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};

use self::{
    archives::ImportJob,
    deletions::DeletionJob,
    files::ContentsCache,
    reader::{HistoryReader, LANES, Lane, ReadJob},
    write_queue::WriteQueue,
};
pub use self::{
    archives::{ConversationWriter, ImportedCount},
    benches::{BenchRow, BenchState},
    captures::{KeptCapture, Removed},
    checks::{Availability, CheckLine, EndpointCheck},
    deletions::{Deletion, DeletionCount},
    distribution::{Distribution, DistributionQuery, HourOfWeek, LastRun, TimeBucket},
    export::{ExportFormat, rfc3339},
    findings::{CheckCount, Conformance},
    firing_alerts::FiringAlert,
    gaps::{GapLine, GapReason, ProbeGap},
    median::Median,
    other_processes::OtherProcesses,
    outcomes::Outcomes,
    phases::{PhaseBucket, PhasesQuery, TargetPhases},
    probe_bursts::ProbeBurst,
    probe_outcomes::ProbeOutcome,
    probe_usage::ProbeUsage,
    quantiles::{MOST_QUANTILES, Quantiles},
    query::{OutcomeFilter, RunPage, RunQuery, RunRow, RunSort, SortColumn},
    series::{Series, SeriesChange, SeriesError, SeriesHour, SeriesPoint, SeriesQuery, TtftPlot},
    target_facts::{BufferedCount, MOST_JUDGED, TargetFacts, TargetFactsQuery},
    unstored::Unstored,
    usage::HistoryUsage,
};
use crate::{
    conformance::CheckedRun,
    conversation::{ConversationChange, ConversationId},
    run::{Run, RunId, RunUpdate},
    settings::{CaptureLimits, retention::Retention},
};

/// Whether the history can be stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Storage {
    /// Everything is stored.
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

/// A handle on the history. Cheap to clone; clones share the threads. Calls that write only queue the write.
///
/// When the last handle is dropped, what is queued is still written, on the history's own thread:
/// before the process ends, wait for [`flush`](Self::flush).
#[derive(Clone, Debug)]
pub struct History {
    inner: Arc<Inner>,
}

/// Closes the write queue when the last handle is dropped.
#[derive(Debug)]
struct Inner {
    shared: Arc<HistoryShared>,
    lanes: [mpsc::Sender<ReadJob>; LANES],
}

/// What the handles and the threads share.
#[derive(Debug)]
struct HistoryShared {
    folder: PathBuf,
    queue: WriteQueue,
    cache: ContentsCache,
    /// `None` until the file is open.
    status: watch::Sender<Option<Storage>>,
    /// What other processes changed; polled only while there is a receiver.
    other_processes: watch::Sender<OtherProcesses>,
    /// Set when the writer thread has ended: whether everything was stored.
    ended: watch::Sender<Option<Result<(), Unstored>>>,
    /// This process's session number, once it has one.
    session: OnceLock<i64>,
    /// The URI that readers open, or why there is nothing to read.
    readable: Mutex<Result<String, String>>,
    readers: [Mutex<Option<HistoryReader>>; LANES],
    capture_limits: Mutex<CaptureLimits>,
    /// How long probes and checks are kept one by one, and the share by which a probe may be read late; `None` keeps
    /// all.
    retention: Mutex<Option<(Retention, f64)>>,
    /// What is to be deleted, and still to be begun.
    deletions: Mutex<Vec<DeletionJob>>,
    /// What is to be imported.
    imports: Mutex<Vec<ImportJob>>,
}

impl HistoryShared {
    fn begin_deletion(&self, job: DeletionJob) {
        lock(&self.deletions).push(job);
        self.queue.wake();
    }

    fn begin_import(&self, job: ImportJob) {
        lock(&self.imports).push(job);
        self.queue.wake();
    }

    fn capture_limits(&self) -> CaptureLimits {
        *lock(&self.capture_limits)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}

impl History {
    /// Whether a folder has a history.
    #[must_use]
    pub fn is_in(folder: &Path) -> bool {
        folder.join(sqlite::FILE).exists()
    }

    /// Opens `history.db` in a folder, on a thread of its own; creates both where they are missing. Returns a usable
    /// handle whatever is wrong with the file: see [`History::storage`].
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let shared = Arc::new(HistoryShared {
            folder: folder.to_owned(),
            queue: WriteQueue::default(),
            cache: ContentsCache::default(),
            status: watch::Sender::new(None),
            other_processes: watch::Sender::default(),
            ended: watch::Sender::new(None),
            session: OnceLock::new(),
            readable: Mutex::new(Err("the history is not open yet".into())),
            readers: [const { Mutex::new(None) }; LANES],
            capture_limits: Mutex::default(),
            retention: Mutex::new(None),
            deletions: Mutex::default(),
            imports: Mutex::default(),
        });
        let lanes = [Lane::Table, Lane::Plot, Lane::Item].map(|lane| reader::start(&shared, lane));
        let writing = Arc::clone(&shared);
        let started = thread::Builder::new()
            .name("history-writer".into())
            .spawn(move || writer::run(writing));
        if let Err(error) = started {
            let why = format!("The history can't be written: {error}");
            shared.status.send_replace(Some(Storage::Failing { why }));
            shared.queue.end();
            shared.ended.send_replace(Some(Ok(())));
        }
        let inner = Arc::new(Inner { shared, lanes });
        Self { inner }
    }

    /// Whether the history can be stored; waits until the file is open.
    pub async fn storage(&self) -> Storage {
        let mut status = self.watch_storage();
        let known = status.wait_for(Option::is_some).await;
        // The sender lives as long as this handle, so there always is one.
        known
            .ok()
            .and_then(|known| known.clone())
            .unwrap_or(Storage::Ok)
    }

    /// Reports each change of the storage state; `None` until the file is open.
    #[must_use]
    pub fn watch_storage(&self) -> watch::Receiver<Option<Storage>> {
        self.inner.shared.status.subscribe()
    }

    /// Reports what other processes change in the file. The file is polled once a second while a receiver exists.
    #[must_use]
    pub fn watch_other_processes(&self) -> watch::Receiver<OtherProcesses> {
        let other_processes = self.inner.shared.other_processes.subscribe();
        self.inner.shared.queue.wake();
        other_processes
    }

    /// This process shows a conversation, and wants to know who else does.
    pub fn show_conversation(&self, id: ConversationId) {
        self.inner.shared.queue.show(id);
    }

    /// Closes the history and waits until everything is on disk. Waits without limit for another process that has
    /// locked the file; any other error is retried once and then returned. Nothing can be stored afterwards.
    ///
    /// # Errors
    /// If something could not be stored.
    pub async fn end(&self) -> Result<(), Unstored> {
        let mut ended = self.inner.shared.ended.subscribe();
        self.inner.shared.queue.close();
        let unstored = ended.wait_for(Option::is_some).await;
        // The sender lives as long as this handle.
        let ended = unstored.ok().and_then(|ended| ended.clone());
        ended.unwrap_or(Ok(()))
    }

    /// Rolls up probes and checks that are older than this, from now on and in the background: see
    /// [`Retention`]. Probes that were read later than this share of their TTFT are counted apart. Until it is called,
    /// nothing is rolled up.
    pub fn keep(&self, retention: Retention, late_share: f64) {
        let shared = &self.inner.shared;
        *lock(&shared.retention) = Some((retention, late_share));
        shared.queue.wake();
    }

    /// Deletes, a little at a time, and says how much that was. Runs under way are left. The file shrinks soon after.
    /// Dropping the future does not stop it.
    ///
    /// # Errors
    /// If the file can't be written; some of it may be deleted then.
    pub async fn delete(&self, deletion: Deletion) -> Result<DeletionCount, HistoryError> {
        self.flush().await;
        let shared = &self.inner.shared;
        let (reply, answered) = oneshot::channel();
        shared.begin_deletion(DeletionJob {
            deletion,
            looked_at: 0,
            done: DeletionCount::default(),
            reply,
        });
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Stores that a run begins.
    pub fn begin(&self, run: &Run) {
        self.inner.shared.queue.begin(run.clone());
    }

    /// Stores an update of a run; its text is on disk in a moment, within two seconds where writing takes long.
    pub fn record(&self, id: RunId, update: impl Into<Arc<RunUpdate>>) {
        self.inner.shared.queue.record(id, &update.into());
    }

    /// Stores a whole run that is over, with its findings.
    pub fn finish(&self, run: impl Into<CheckedRun>) {
        self.inner.shared.queue.finish(run.into());
    }

    /// What went over the wire of a live run is not kept; nothing else changes for it.
    pub fn forget_wire(&self, id: RunId) {
        self.inner.shared.queue.forget_wire(id);
    }

    /// Sets how many captures are kept. Those beyond the limits are removed in the background.
    pub fn limit_captures(&self, limits: CaptureLimits) {
        let shared = &self.inner.shared;
        *lock(&shared.capture_limits) = limits;
        shared.queue.limit_captures(limits.keeps_any());
        shared.queue.trim_captures();
    }

    /// Stores that a gap between probes began, goes on or ended.
    pub fn put_gap(&self, gap: ProbeGap) {
        self.inner.shared.queue.gap(gap);
    }

    /// Stores a check of an endpoint.
    pub fn put_check(&self, check: EndpointCheck) {
        self.inner.shared.queue.check(check);
    }

    /// Stores which alerts fire, in place of those before.
    pub fn put_firing_alerts(&self, firing: Vec<FiringAlert>) {
        self.inner.shared.queue.firing_alerts(firing);
    }

    /// Merges what this window changed in a conversation, and in its draft, with what other windows changed.
    pub fn save_conversation(&self, change: ConversationChange) {
        self.inner.shared.queue.change(change);
    }

    /// Deletes a conversation; its runs stay.
    pub fn delete_conversation(&self, id: ConversationId) {
        self.inner.shared.queue.delete(id);
    }

    /// Waits until everything queued so far is on disk. While the storage is failing, waits only until that was
    /// tried.
    pub async fn flush(&self) {
        let failing = matches!(
            &*self.inner.shared.status.borrow(),
            Some(Storage::Failing { .. })
        );
        if !failing {
            // An error means that the writer has ended: there is nothing to wait for.
            let _ = self.inner.shared.queue.flush().await;
        }
    }
}

/// The value stays whole even if a holder panicked: it is replaced at once.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn gone() -> HistoryError {
    HistoryError("the history's thread has ended: start the program again".into())
}

#[cfg(test)]
mod tests;
