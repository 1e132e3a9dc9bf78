//! The writer thread: batches in, one transaction each.
//!
//! A batch that can't be written is retried. A damaged file is set aside, and the batch goes into a new one.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, TransactionBehavior};

use super::{
    HistoryError, HistoryShared, Storage, benches,
    captures::{self, PackedCapture},
    checks, comparisons, conversations,
    deletions::{self, DeletionJob},
    drafts,
    files::ContentsCache,
    firing_alerts, gaps, large_values, lock,
    other_processes::{ChangeCounts, ProcessWatch},
    recover,
    rollups::{self, RollupLimits},
    rows,
    session::ProcessSession,
    sqlite::{self, OpenedFile, StoreError},
    unstored::Unstored,
    vacuum,
    write_queue::{Batch, ConversationWrite, NextWrite},
};
use crate::{
    clock::{now, wall_clock_ns},
    private,
    settings::{CaptureLimits, retention::Retention},
};

/// Delays between retries while nothing can be written; the last one repeats.
const RETRY_DELAYS: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// How long the first write waits for others that can share its transaction.
const BATCH_DELAY: Duration = Duration::from_millis(200);

/// The longest such wait: what a kill may lose of streams that go on.
const MAX_BATCH_DELAY: Duration = Duration::from_secs(2);

/// The wait for the next batch where the last took so long to write: the longer it took, the more goes into one, so that
/// writing takes a tenth of a core where it can.
fn batch_delay(last_write: Duration) -> Duration {
    (last_write * 9).clamp(BATCH_DELAY, MAX_BATCH_DELAY)
}

/// The time between two looks for what is old enough to be rolled up.
const ROLLUP_INTERVAL: Duration = Duration::from_mins(10);

/// The wait between two steps of rolling up, so that writes come in between.
const ROLLUP_STEP_INTERVAL: Duration = Duration::from_millis(50);

/// The state of the thread.
struct HistoryWriter {
    shared: Arc<HistoryShared>,
    session: Option<ProcessSession>,
    file: WriterFile,
    /// The status while writing succeeds: `Ok`, or `SetAside`.
    status: Storage,
    /// Whether runs of an earlier owner of our session number were ended.
    recovered: bool,
    watch: ProcessWatch,
    /// What could not be stored so far.
    unstored: Unstored,
    /// Whether free pages wait to be given back.
    vacuum_due: bool,
    /// How long the next batch is waited for.
    batch_delay: Duration,
    /// What was last known of the retention, and when the next step of rolling up is due.
    retention: Option<(Retention, f64)>,
    next_rollup: Instant,
    /// The deletion that is under way.
    deleting: Option<DeletionJob>,
}

enum WriterFile {
    /// To be opened, or opened again.
    Closed,
    Open(Connection),
    /// Can only be read: batches are dropped.
    ReadOnly,
}

/// Writes until the queue is closed.
pub(super) fn run(shared: Arc<HistoryShared>) {
    let mut writer = HistoryWriter {
        shared,
        session: None,
        file: WriterFile::Closed,
        status: Storage::Ok,
        recovered: false,
        watch: ProcessWatch::default(),
        unstored: Unstored::default(),
        vacuum_due: false,
        batch_delay: BATCH_DELAY,
        retention: None,
        next_rollup: now(),
        deleting: None,
    };
    writer.try_to_open();
    loop {
        match (writer.shared.queue).next(writer.timeout(), writer.batch_delay) {
            NextWrite::Write(batch) => {
                let began = now();
                writer.store(*batch);
                writer.batch_delay = batch_delay(now().saturating_duration_since(began));
            }
            NextWrite::TimedOut => writer.idle(),
            NextWrite::Closed => break,
        }
        writer.roll_up();
        writer.delete();
        writer.poll_other_processes();
    }
    writer.close();
}

impl HistoryWriter {
    fn try_to_open(&mut self) {
        match self.connection() {
            Ok(_) => {}
            Err(error) => self.set_failing(&error),
        }
    }

    /// How long to wait for a batch before other work is due.
    fn timeout(&self) -> Option<Duration> {
        if self.deleting.is_some() {
            return Some(Duration::ZERO);
        }
        let is_open = matches!(self.file, WriterFile::Open(_));
        let rollup = (is_open && self.retention.is_some())
            .then(|| self.next_rollup.saturating_duration_since(now()));
        (self.other_timeout().into_iter()).chain(rollup).min()
    }

    /// How long to wait before work is due that has nothing to do with rolling up.
    fn other_timeout(&self) -> Option<Duration> {
        match self.file {
            WriterFile::Closed => Some(Duration::from_secs(5)),
            WriterFile::Open(_) if self.vacuum_due => Some(vacuum::STEP_INTERVAL),
            WriterFile::Open(_) if self.is_watched() => Some(self.watch.poll_interval()),
            WriterFile::Open(_) | WriterFile::ReadOnly => None,
        }
    }

    /// Work that is done while nothing is queued.
    fn idle(&mut self) {
        match &self.file {
            WriterFile::Closed => self.try_to_open(),
            WriterFile::Open(connection) if self.vacuum_due => {
                self.vacuum_due = vacuum::step(connection);
            }
            WriterFile::Open(_) | WriterFile::ReadOnly => {}
        }
    }

    /// Rolls up some of what is old enough, if a step is due.
    fn roll_up(&mut self) {
        let retention = *lock(&self.shared.retention);
        if self.retention != retention {
            self.retention = retention;
            self.next_rollup = now();
        }
        let (WriterFile::Open(connection), Some((retention, late_share))) =
            (&mut self.file, retention)
        else {
            return;
        };
        if now() < self.next_rollup || self.shared.queue.is_closed() {
            return;
        }
        let limits = RollupLimits::at(wall_clock_ns(), retention, late_share);
        let more = match rollups::step(connection, limits, &mut self.watch) {
            Ok(more) => more,
            Err(error) => {
                // Nothing was changed, and a later step tries again.
                tracing::warn!("old probes and checks are not rolled up now: {error}");
                false
            }
        };
        self.vacuum_due = vacuum::is_due(connection);
        self.next_rollup = now()
            + if more {
                ROLLUP_STEP_INTERVAL
            } else {
                ROLLUP_INTERVAL
            };
    }

    /// Deletes a part of what is to be deleted.
    fn delete(&mut self) {
        let next = || {
            let mut deletions = lock(&self.shared.deletions);
            (!deletions.is_empty()).then(|| deletions.remove(0))
        };
        let Some(mut job) = self.deleting.take().or_else(next) else {
            return;
        };
        let WriterFile::Open(connection) = &mut self.file else {
            let why = "the history can't be written now, and nothing was deleted";
            let _ = job.reply.send(Err(HistoryError(why.to_owned())));
            return;
        };
        match deletions::step(connection, &mut job, &mut self.watch) {
            Ok(true) => self.deleting = Some(job),
            Ok(false) => {
                // Whoever asked may have gone away.
                let _ = job.reply.send(Ok(job.done));
            }
            Err(error) => {
                let why = format!(
                    "not everything was deleted ({}): {} runs were",
                    sqlite::error_text(&error),
                    job.done.runs
                );
                let _ = job.reply.send(Err(HistoryError(why)));
            }
        }
        self.vacuum_due = vacuum::is_due(connection);
        if self.deleting.is_none() && !lock(&self.shared.deletions).is_empty() {
            self.shared.queue.wake();
        }
    }

    fn is_watched(&self) -> bool {
        self.shared.other_processes.receiver_count() > 0
    }

    /// Reports what other processes changed, if there is a receiver.
    fn poll_other_processes(&mut self) {
        let (WriterFile::Open(connection), Some(session)) = (&mut self.file, &self.session) else {
            return;
        };
        if self.shared.other_processes.receiver_count() == 0 {
            return;
        }
        let HistoryShared { cache, folder, .. } = &*self.shared;
        match self.watch.poll(connection, cache, folder, session) {
            Ok(found) => {
                self.shared.other_processes.send_if_modified(|sent| {
                    let changes = *sent != found;
                    *sent = found;
                    changes
                });
            }
            // The next write reports the error.
            Err(error) => tracing::debug!("other windows could not be looked at: {error}"),
        }
    }

    /// Writes a batch, retrying until it succeeds. Once the queue is closed, only a lock of another process is waited
    /// for; any other error is reported and the batch given up.
    fn store(&mut self, mut batch: Batch) {
        let captures = packed(&mut batch);
        let flushes = std::mem::take(&mut batch.flushes);
        let mut flushes = Some(flushes);
        for pause in RETRY_DELAYS
            .iter()
            .chain(std::iter::repeat(&RETRY_DELAYS[RETRY_DELAYS.len() - 1]))
        {
            let written = self.write(&batch, &captures);
            match &written {
                Ok(()) => self.set_status(None),
                Err(error) => self.set_failing(error),
            }
            for done in flushes.take().into_iter().flatten() {
                // Whoever asked may have gone away.
                let _ = done.send(());
            }
            match written {
                Ok(()) => return,
                Err(error) if self.shared.queue.is_closed() && !error.is_busy() => {
                    return self.unstored.add(&batch, &error.to_string());
                }
                Err(_) => {}
            }
            batch.damage = None;
            self.shared.queue.pause(*pause);
        }
    }

    fn write(&mut self, batch: &Batch, captures: &[PackedCapture]) -> Result<(), StoreError> {
        // The file that a reader found damaged may have been replaced since.
        if let Some(why) = &batch.damage
            && sqlite::is_damaged(&self.shared.folder)
        {
            self.replace(why)?;
        }
        match self.write_once(batch, captures) {
            Err(StoreError::Sqlite { error, .. }) if sqlite::is_damage(&error) => {
                self.replace(&sqlite::error_text(&error))?;
                self.write_once(batch, captures)
            }
            other => other,
        }
    }

    fn write_once(&mut self, batch: &Batch, captures: &[PackedCapture]) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let folder = shared.folder.clone();
        if self.connection()?.is_none() {
            if let Storage::ReadOnly { why } = &self.status {
                self.unstored.add(batch, why);
            }
            return Ok(());
        }
        let (WriterFile::Open(connection), Some(session)) = (&mut self.file, &self.session) else {
            return Ok(());
        };
        let mut batch_writer = BatchWriter {
            cache: &shared.cache,
            captures,
            limits: shared.capture_limits(),
            session,
            watch: &mut self.watch,
            unstored: &mut self.unstored,
            has_more_to_trim: false,
        };
        let mut written = batch_writer.write(connection, batch);
        if written.is_ok() && batch.end_dead_runs {
            written =
                recover::dead_runs(connection, &shared.cache, &folder, session, false).map(|_| ());
        }
        for id in &batch.adopt {
            written = written.and_then(|()| drafts::adopt(connection, &folder, session, *id));
        }
        let has_more_to_trim = batch_writer.has_more_to_trim;
        let Err(error) = written else {
            self.unstored.stored(batch);
            if has_more_to_trim {
                shared.queue.trim_captures();
            }
            self.vacuum_due = vacuum::is_due(connection);
            return Ok(());
        };
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure) {
            self.file = WriterFile::Closed;
        }
        let path = folder.join(sqlite::FILE);
        Err(StoreError::Sqlite { path, error })
    }

    /// The connection, opened if it is not; `None` where the file can only be read.
    fn connection(&mut self) -> Result<Option<(&mut Connection, &ProcessSession)>, StoreError> {
        if let WriterFile::Open(connection) = &self.file
            && !self.shared.folder.join(sqlite::FILE).exists()
        {
            // Moved or deleted by hand: further writes would be lost. SQLite checkpoints the WAL of a moved file only
            // if asked to.
            self.shared.close_readers();
            vacuum::checkpoint_wal(connection);
            self.close_file("the history's file is gone and a new one is being made");
        }
        if matches!(self.file, WriterFile::Closed) {
            self.open()?;
        }
        match (&mut self.file, &self.session) {
            (WriterFile::Open(connection), Some(session)) => Ok(Some((connection, session))),
            _ => Ok(None),
        }
    }

    fn open(&mut self) -> Result<(), StoreError> {
        let folder = self.shared.folder.clone();
        let opened = match self.take_session() {
            Ok(session) => sqlite::open(&folder, session)?,
            Err(error) if is_write_protected(&error) && folder.join(sqlite::FILE).exists() => {
                sqlite::read_only(&folder, &error.to_string())?
            }
            Err(error) => {
                return Err(StoreError::Folder {
                    path: folder,
                    error,
                });
            }
        };
        match opened {
            OpenedFile::ReadOnly { uri, why } => {
                self.file = WriterFile::ReadOnly;
                self.shared.set_read_uri(Ok(uri));
                self.status = Storage::ReadOnly { why };
            }
            OpenedFile::Writable {
                connection,
                set_aside,
            } => {
                if let Some((kept_as, why)) = set_aside {
                    self.status = Storage::SetAside { kept_as, why };
                    self.shared.queue.start_over();
                }
                self.vacuum_due = vacuum::is_due(&connection);
                self.file = WriterFile::Open(connection);
                self.recover();
                let uri = sqlite::read_uri(&folder.join(sqlite::FILE));
                self.shared.set_read_uri(Ok(uri));
                check_in_background(&self.shared);
            }
        }
        self.set_status(None);
        Ok(())
    }

    fn take_session(&mut self) -> io::Result<&ProcessSession> {
        private::folder(&self.shared.folder)?;
        match &mut self.session {
            Some(session) => Ok(session),
            none => {
                let session = none.insert(ProcessSession::take(&self.shared.folder)?);
                // Can't fail: it is set only here, once.
                let _ = self.shared.session.set(session.number);
                Ok(session)
            }
        }
    }

    /// Ends runs of processes that died. An error will show up again in the next write.
    fn recover(&mut self) {
        let (WriterFile::Open(connection), Some(session)) = (&mut self.file, &self.session) else {
            return;
        };
        let HistoryShared { cache, folder, .. } = &*self.shared;
        match recover::dead_runs(connection, cache, folder, session, !self.recovered) {
            Ok(0) => self.recovered = true,
            Ok(n) => {
                self.recovered = true;
                tracing::info!("{n} runs of a program that died were ended");
            }
            Err(error) => tracing::warn!("dead runs could not be ended: {error}"),
        }
    }

    /// Sets a damaged file aside and opens a new one.
    fn replace(&mut self, why: &str) -> Result<(), StoreError> {
        if let WriterFile::ReadOnly = self.file {
            return Ok(());
        }
        // No one may have the file open while it is renamed (Windows would refuse).
        self.close_file("the history's file is damaged and is being set aside");
        if let Some(session) = &self.session {
            let kept_as = sqlite::set_aside(&self.shared.folder, session, why)?;
            let why = why.to_owned();
            self.status = Storage::SetAside { kept_as, why };
        }
        self.connection().map(|_| ())
    }

    /// Closes the file in all threads before another one takes its place.
    fn close_file(&mut self, why: &str) {
        self.shared.set_read_uri(Err(why.to_owned()));
        self.shared.close_readers();
        self.file = WriterFile::Closed;
        self.watch.start_over();
        self.shared.queue.start_over();
    }

    fn set_failing(&self, error: &StoreError) {
        let dropped = match self.shared.queue.dropped() {
            0 => String::new(),
            n => format!("; the oldest {n} of them had to be dropped"),
        };
        let why = format!("{error}. New runs are kept in memory until it works again{dropped}");
        tracing::warn!("{why}");
        if !matches!(self.file, WriterFile::Open(_)) {
            self.shared.set_read_uri(Err(why.clone()));
        }
        self.set_status(Some(Storage::Failing { why }));
    }

    fn set_status(&self, failing: Option<Storage>) {
        let now = Some(failing.unwrap_or_else(|| self.status.clone()));
        self.shared.status.send_if_modified(|status| {
            let changes = *status != now;
            *status = now;
            changes
        });
    }

    fn close(self) {
        self.shared.close_readers();
        if let (WriterFile::Open(connection), Some(session)) = (&self.file, &self.session) {
            if let Err(error) = drafts::release(connection, session.number) {
                tracing::debug!("the drafts are left to the next window's start: {error}");
            }
            vacuum::close(connection);
            vacuum::checkpoint_wal(connection);
        }
        self.shared.queue.end();
        let dropped = self.shared.queue.dropped();
        self.shared
            .ended
            .send_replace(Some(self.unstored.into_result(dropped)));
    }
}

/// Checks a large file on a thread of its own, since that takes long.
fn check_in_background(shared: &Arc<HistoryShared>) {
    let shared = Arc::downgrade(shared);
    let check = move || {
        let Some(folder) = shared.upgrade().map(|shared| shared.folder.clone()) else {
            return;
        };
        let wrong = sqlite::check_if_due(&folder, wall_clock_ns());
        if let (Some(why), Some(shared)) = (wrong, shared.upgrade()) {
            shared.queue.report_damage(why);
        }
    };
    let started = thread::Builder::new()
        .name("history-check".into())
        .spawn(check);
    if let Err(error) = started {
        tracing::warn!("the history is not checked: {error}");
    }
}

fn is_write_protected(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

/// The captures of the runs in a batch that are over. This is done once, outside of any transaction.
fn packed(batch: &mut Batch) -> Vec<PackedCapture> {
    let mut wires = std::mem::take(&mut batch.wires);
    let runs = batch.finished.iter();
    let packed = runs.filter_map(|run| PackedCapture::of(run, wires.remove(&run.head.id)?));
    packed.collect()
}

/// Writes one batch.
struct BatchWriter<'a> {
    cache: &'a ContentsCache,
    captures: &'a [PackedCapture],
    limits: CaptureLimits,
    session: &'a ProcessSession,
    watch: &'a mut ProcessWatch,
    unstored: &'a mut Unstored,
    /// Whether captures beyond the limits are left for the next batch.
    has_more_to_trim: bool,
}

impl BatchWriter<'_> {
    fn write(&mut self, connection: &mut Connection, batch: &Batch) -> rusqlite::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let (cache, session) = (self.cache, self.session.number);
        let file = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before = ChangeCounts::read(&file)?;
        for run in &batch.begun {
            self.savepoint(&file, || rows::put_live(&file, cache, run, session))?;
        }
        for run in &batch.changed {
            self.savepoint(&file, || rows::put_status(&file, run, session))?;
        }
        for piece in &batch.pieces {
            self.savepoint(&file, || piece.put(&file))?;
        }
        for run in &batch.finished {
            self.savepoint(&file, || {
                large_values::store(&file, run, batch.pieces_stored.contains(&run.head.id))?;
                rows::put_over(&file, cache, run)
            })?;
        }
        for capture in self.captures {
            self.savepoint(&file, || capture.put(&file))?;
        }
        if batch.trim_captures || !self.captures.is_empty() {
            self.has_more_to_trim = captures::trim(&file, self.limits)?;
        }
        for (id, writes) in &batch.conversations {
            for write in writes {
                self.savepoint(&file, || match write {
                    ConversationWrite::Change(change) => {
                        conversations::put(&file, cache, session, change)
                    }
                    ConversationWrite::Delete => conversations::delete(&file, *id),
                })?;
            }
        }
        for gap in &batch.gaps {
            self.savepoint(&file, || gaps::put(&file, gap, wall_clock_ns()))?;
        }
        for check in &batch.checks {
            self.savepoint(&file, || checks::put(&file, check))?;
        }
        for write in batch.benches.iter() {
            self.savepoint(&file, || benches::put(&file, write, session))?;
        }
        if let Some(firing) = &batch.firing_alerts {
            self.savepoint(&file, || firing_alerts::put(&file, firing))?;
        }
        for write in &batch.comparisons {
            self.savepoint(&file, || comparisons::put(&file, write, session))?;
        }
        if let Some(id) = batch.shown {
            self.watch.show(&file, self.session, id)?;
        }
        if !(batch.begun.is_empty() && batch.finished.is_empty() && batch.gaps.is_empty()) {
            file.execute("UPDATE meta SET generation = generation + 1", [])?;
        }
        let after = ChangeCounts::read(&file)?;
        file.commit()?;
        self.watch.note_own_write(before, after);
        Ok(())
    }

    /// Writes one item in a savepoint. An item that SQLite refuses for its own sake (a text over its limit, say) is
    /// left out and reported, so that it does not hold up the others.
    fn savepoint(
        &mut self,
        file: &Connection,
        put: impl FnOnce() -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        file.prepare_cached("SAVEPOINT one")?.execute([])?;
        if let Err(error) = put() {
            if sqlite::is_damage(&error) || sqlite::is_environment_error(&error) {
                return Err(error);
            }
            tracing::error!("something could not be kept in the history: {error}");
            self.unstored.add_refused(&sqlite::error_text(&error));
            file.prepare_cached("ROLLBACK TO one")?.execute([])?;
        }
        file.prepare_cached("RELEASE one")?.execute([])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_writes_are_made_less_often() {
        let after = |ms| batch_delay(Duration::from_millis(ms));
        assert_eq!(after(1), BATCH_DELAY);
        assert_eq!(after(100), Duration::from_millis(900));
        assert_eq!(after(60_000), MAX_BATCH_DELAY);
    }
}
