//! The writer's file: opened, recovered after a crash, set aside if it is damaged, closed.

use std::{io, sync::Arc, thread};

use rusqlite::Connection;

use super::HistoryWriter;
use crate::{
    clock::wall_clock_ns,
    history::{
        HistoryShared, Storage, recover,
        session::ProcessSession,
        sqlite::{self, OpenedFile, StoreError},
        vacuum,
    },
    private,
};

/// The file as the writer has it.
pub(super) enum WriterFile {
    /// To be opened, or opened again.
    Closed,
    Open(Connection),
    /// Can only be read: batches are dropped.
    ReadOnly,
}

impl HistoryWriter {
    /// The connection, opened if it is not; `None` where the file can only be read.
    pub(super) fn connection(
        &mut self,
    ) -> Result<Option<(&mut Connection, &ProcessSession)>, StoreError> {
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
    pub(super) fn replace(&mut self, why: &str) -> Result<(), StoreError> {
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
