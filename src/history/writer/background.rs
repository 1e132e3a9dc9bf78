//! What the writer thread does between batches: it rolls up what is old, deletes what it was told to, gives free pages
//! back, and looks at what other processes changed. Each only a little at a time, so that batches do not wait.

use std::time::Duration;

use super::{HistoryWriter, WriterFile};
use crate::{
    clock::{now, wall_clock_ns},
    history::{
        HistoryError, HistoryShared, archives, deletions, lock,
        rollups::{self, RollupLimits},
        sqlite, vacuum,
    },
};

/// The time between two looks for what is old enough to be rolled up.
const ROLLUP_INTERVAL: Duration = Duration::from_mins(10);

/// The wait between two steps of rolling up, so that writes come in between.
const ROLLUP_STEP_INTERVAL: Duration = Duration::from_millis(50);

impl HistoryWriter {
    /// How long to wait for a batch before other work is due.
    pub(super) fn timeout(&self) -> Option<Duration> {
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
    pub(super) fn idle(&mut self) {
        match &self.file {
            WriterFile::Closed => self.try_to_open(),
            WriterFile::Open(connection) if self.vacuum_due => {
                self.vacuum_due = vacuum::step(connection);
            }
            WriterFile::Open(_) | WriterFile::ReadOnly => {}
        }
    }

    /// Rolls up some of what is old enough, if a step is due.
    pub(super) fn roll_up(&mut self) {
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
    pub(super) fn delete(&mut self) {
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

    /// Imports what is to be imported. It is done at once, since it is one transaction: batches wait meanwhile.
    pub(super) fn import(&mut self) {
        let jobs = std::mem::take(&mut *lock(&self.shared.imports));
        for job in jobs {
            let (WriterFile::Open(connection), Some(session)) = (&mut self.file, &self.session)
            else {
                let why = "the history can't be written now, and nothing was imported";
                let _ = job.reply.send(Err(HistoryError(why.to_owned())));
                continue;
            };
            let (cache, session) = (&self.shared.cache, session.number);
            let conversations = &job.conversations;
            let done = archives::import(connection, cache, session, conversations, &mut self.watch);
            let done = done.map_err(|error| {
                let why = sqlite::error_text(&error);
                HistoryError(format!("nothing was imported: {why}"))
            });
            // Whoever asked may have gone away.
            let _ = job.reply.send(done);
        }
    }

    fn is_watched(&self) -> bool {
        self.shared.other_processes.receiver_count() > 0
    }

    /// Reports what other processes changed, if there is a receiver.
    pub(super) fn poll_other_processes(&mut self) {
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
}
