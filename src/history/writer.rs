//! The writer thread: batches in, one transaction each.
//!
//! A batch that can't be written is retried. A damaged file is set aside, and the batch goes into a new one.

mod background;
mod batch_writer;
mod file;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use self::{
    batch_writer::{BatchWriter, packed},
    file::WriterFile,
};
use super::{
    HistoryShared, Storage,
    captures::PackedCapture,
    deletions::DeletionJob,
    drafts,
    other_processes::ProcessWatch,
    recover,
    session::ProcessSession,
    sqlite::{self, StoreError},
    unstored::Unstored,
    vacuum,
    write_queue::{Batch, NextWrite},
};
use crate::{clock::now, settings::retention::Retention};

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
        writer.import();
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
