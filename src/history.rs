//! Every run, conversation and draft, in one SQLite file that several processes may share.
//!
//! In: runs while they are streamed and once they are over, and changes of conversations. Out: rows for tables,
//! decimated series for plots, whole runs. All work is done on the history's own threads, one that writes and three
//! that read. Calls that write only queue the write; calls that read return futures that need no async runtime.

mod captures;
mod cells;
mod checks;
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

pub use self::{
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
use self::{
    deletions::DeletionJob,
    files::ContentsCache,
    reader::{HistoryReader, IsCancelled, LANES, Lane, ReadJob},
    write_queue::WriteQueue,
};
use crate::{
    conformance::CheckedRun,
    conversation::{Conversation, ConversationChange, ConversationId, ConversationSummary},
    endpoint::TargetId,
    price::PriceTable,
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
}

impl HistoryShared {
    fn begin_deletion(&self, job: DeletionJob) {
        lock(&self.deletions).push(job);
        self.queue.wake();
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

    /// How much a deletion would delete.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn count(&self, deletion: Deletion) -> Result<DeletionCount, HistoryError> {
        self.ask(Lane::Item, move |reader, _| {
            deletions::count(&reader.connection, &deletion)
        })
        .await
    }

    /// How much room it takes.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn usage(&self) -> Result<HistoryUsage, HistoryError> {
        let folder = self.inner.shared.folder.clone();
        self.ask(Lane::Item, move |reader, _| {
            usage::of(&reader.connection, &folder)
        })
        .await
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
            done: DeletionCount::default(),
            reply,
        });
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Until when probes were rolled up (nanoseconds since 1970); `None` if none was.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn rolled_up_until(&self) -> Result<Option<i64>, HistoryError> {
        self.ask(Lane::Plot, |reader, _| {
            rollups::rolled_up_until(&reader.connection)
        })
        .await
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

    /// What went over the wire of a run that is over.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn capture(&self, id: RunId) -> Result<KeptCapture, HistoryError> {
        self.ask(Lane::Item, move |reader, _| {
            captures::load(&reader.connection, id)
        })
        .await
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
                // One of them may belong to a process that has died.
                shared.queue.end_dead_runs();
            }
            Ok(page)
        })
        .await
    }

    /// One whole run; `None` if there is none with this id. A live run is returned as far as it is stored.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn run(&self, id: RunId) -> Result<Option<Run>, HistoryError> {
        let shared = Arc::clone(&self.inner.shared);
        self.ask(Lane::Item, move |reader, _| {
            let _snapshot = query::Snapshot::begin(&reader.connection)?;
            let run = rows::load(&reader.connection, &shared.cache, id)?;
            if run.as_ref().is_some_and(|run| !run.state.is_over()) {
                shared.queue.end_dead_runs();
            }
            Ok(run)
        })
        .await
    }

    /// Stores that a gap between probes began, goes on or ended.
    pub fn put_gap(&self, gap: ProbeGap) {
        self.inner.shared.queue.gap(gap);
    }

    /// Stores a check of an endpoint.
    pub fn put_check(&self, check: EndpointCheck) {
        self.inner.shared.queue.check(check);
    }

    /// The checks of endpoints in a stretch of time (nanoseconds since 1970), in order of their begin.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn checks(&self, from: i64, to: i64) -> Result<Vec<EndpointCheck>, HistoryError> {
        self.ask(Lane::Plot, move |reader, _| {
            checks::between(&reader.connection, (from, to))
        })
        .await
    }

    /// The gaps between probes that reach into a stretch of time (nanoseconds since 1970), in order of their begin.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn gaps(&self, from: i64, to: i64) -> Result<Vec<ProbeGap>, HistoryError> {
        self.ask(Lane::Plot, move |reader, _| {
            gaps::between(&reader.connection, (from, to), 0)
        })
        .await
    }

    /// Of the targets that a monitor asked at this time or before: when it last did, or had a reason not to. Times are in
    /// nanoseconds since 1970.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn last_asked(
        &self,
        targets: Vec<TargetId>,
        before: i64,
    ) -> Result<Vec<(TargetId, i64)>, HistoryError> {
        self.ask(Lane::Plot, move |reader, _| {
            let mut found = Vec::new();
            for target in targets {
                let last = last_asked::before(&reader.connection, &target, before)?;
                found.extend(last.map(|last| (target, last)));
            }
            Ok(found)
        })
        .await
    }

    /// The probes that started since then (nanoseconds since 1970) and are over, in order of their start.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn probe_usage(&self, since: i64) -> Result<Vec<ProbeUsage>, HistoryError> {
        self.ask(Lane::Plot, move |reader, _| {
            probe_usage::since(&reader.connection, since)
        })
        .await
    }

    /// TTFT history of every target, decimated, with its gaps.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn ttft_plot(&self, query: SeriesQuery) -> Result<TtftPlot, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            series::all(&reader.connection, &query, is_cancelled)
        })
        .await
    }

    /// Folds all whole runs of a query (offset and limit are ignored), one after another in its order, so that memory
    /// does not grow with their number.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn fold_runs<T: Send + 'static>(
        &self,
        query: RunQuery,
        start: T,
        fold: impl FnMut(&mut T, &Run) + Send + 'static,
    ) -> Result<T, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            scan::fold(reader, &query, is_cancelled, start, fold)
        })
        .await
    }

    /// How the TTFT of every target is spread, and how its runs ended.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn distributions(
        &self,
        query: DistributionQuery,
    ) -> Result<Vec<Distribution>, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            distribution::all(&reader.connection, &query, is_cancelled)
        })
        .await
    }

    /// How long each part of the time until the first token took.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn phases(&self, query: PhasesQuery) -> Result<Vec<TargetPhases>, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            phases::all(&reader.connection, &query, is_cancelled)
        })
        .await
    }

    /// How many of each target's latest answers were held back on their way, and what its runs since midnight cost by
    /// these prices.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn target_facts(
        &self,
        query: TargetFactsQuery,
        prices: PriceTable,
    ) -> Result<Vec<TargetFacts>, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            target_facts::all(reader, &query, &prices, is_cancelled)
        })
        .await
    }

    /// The latest complete answers of a target: at most 50 over warm connections and 50 over cold ones. Those that were
    /// read later than this share of their TTFT are left out.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn recent(
        &self,
        target: TargetId,
        late_share: f64,
    ) -> Result<Vec<RunRow>, HistoryError> {
        self.ask(Lane::Item, move |reader, _| {
            recent::of_target(&reader.connection, &target, late_share)
        })
        .await
    }

    /// What the monitor's probes found that started at or after a time (nanoseconds since 1970), in order of time.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn probe_outcomes(
        &self,
        since_unix_ns: i64,
    ) -> Result<Vec<ProbeOutcome>, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            probe_outcomes::since(&reader.connection, since_unix_ns, is_cancelled)
        })
        .await
    }

    /// What the arrivals of the monitor's probes say about buffering that started at or after a time (nanoseconds since
    /// 1970), in order of time.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn probe_bursts(&self, since_unix_ns: i64) -> Result<Vec<ProbeBurst>, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            probe_bursts::since(&reader.connection, since_unix_ns, is_cancelled)
        })
        .await
    }

    /// Stores which alerts fire, in place of those before.
    pub fn put_firing_alerts(&self, firing: Vec<FiringAlert>) {
        self.inner.shared.queue.firing_alerts(firing);
    }

    /// The alerts that fire.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn firing_alerts(&self) -> Result<Vec<FiringAlert>, HistoryError> {
        self.ask(Lane::Item, |reader, _| {
            firing_alerts::all(&reader.connection)
        })
        .await
    }

    /// How each target kept to its protocol in runs started since `since` (nanoseconds since 1970; `None` is all
    /// runs).
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn conformance(&self, since: Option<i64>) -> Result<Vec<Conformance>, HistoryError> {
        self.ask(Lane::Plot, move |reader, _| {
            findings::all(&reader.connection, since)
        })
        .await
    }

    /// Writes all runs of a query (offset and limit are ignored) to a file, atomically, with what they cost by these
    /// prices. `progress` is called with the
    /// rows done and the rows in all. Dropping the future cancels the export.
    ///
    /// # Errors
    /// If the history can't be read or the file not be written.
    pub async fn export(
        &self,
        query: RunQuery,
        format: ExportFormat,
        prices: PriceTable,
        to: PathBuf,
        progress: impl Fn(usize, usize) + Send + 'static,
    ) -> Result<usize, HistoryError> {
        self.flush().await;
        let shared = Arc::clone(&self.inner.shared);
        let (answer, answered) = oneshot::channel();
        let work = move || {
            let is_cancelled = || answer.is_closed();
            let done = export::export(
                &shared,
                &query,
                (format, &prices),
                &to,
                &progress,
                &is_cancelled,
            );
            // The caller may have dropped its future.
            let _ = answer.send(done);
        };
        start_export(work)?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Writes the gaps between probes that reach behind `since` (nanoseconds since 1970) to a file, atomically, and
    /// returns their number.
    ///
    /// # Errors
    /// If the history can't be read or the file not be written.
    pub async fn export_gaps(
        &self,
        since: Option<i64>,
        format: ExportFormat,
        to: PathBuf,
    ) -> Result<usize, HistoryError> {
        self.flush().await;
        let shared = Arc::clone(&self.inner.shared);
        let (answer, answered) = oneshot::channel();
        let work = move || {
            // The caller may have dropped its future.
            let _ = answer.send(export::export_gaps(&shared, since, format, &to));
        };
        start_export(work)?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Merges what this window changed in a conversation, and in its draft, with what other windows changed.
    pub fn save_conversation(&self, change: ConversationChange) {
        self.inner.shared.queue.change(change);
    }

    /// Deletes a conversation; its runs stay.
    pub fn delete_conversation(&self, id: ConversationId) {
        self.inner.shared.queue.delete(id);
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

    /// One conversation with this window's draft, or with the draft of a window that has closed; `None` if there is
    /// none with this id.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<Conversation>, HistoryError> {
        let shared = Arc::clone(&self.inner.shared);
        shared.queue.adopt(id);
        self.ask(Lane::Item, move |reader, _| {
            let _snapshot = query::Snapshot::begin(&reader.connection)?;
            let session = shared.session.get().copied();
            conversations::load(&reader.connection, &shared.cache, id, session)
        })
        .await
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

    /// Runs a query on a lane, after everything that was queued before it is written.
    async fn ask<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut HistoryReader, IsCancelled<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        self.flush().await;
        let (job, answered) = reader::job(work);
        self.inner.lanes[lane as usize]
            .send(job)
            .map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// Exports on a thread of its own: it may take minutes.
fn start_export(work: impl FnOnce() + Send + 'static) -> Result<(), HistoryError> {
    let started = thread::Builder::new()
        .name("history-export".into())
        .spawn(work);
    let failed = |error| HistoryError(format!("the export could not be started: {error}"));
    started.map(drop).map_err(failed)
}

impl HistoryShared {
    fn capture_limits(&self) -> CaptureLimits {
        *lock(&self.capture_limits)
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
mod tests {
    use super::*;
    use crate::{
        chat::ChatRequest, dialect::DialectId, endpoint::TargetId, run::Origin, run::RunHead,
        run::RunState,
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
            state: RunState::Waiting,
            ..Run::new(head)
        }
    }
}
