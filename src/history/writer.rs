//! The thread that writes: batches in, one transaction each.
//!
//! While the disk fails, a batch is kept and tried again; a damaged file is set aside and the batch
//! goes into a new one.

use std::{io, sync::Arc, thread, time::Duration};

use rusqlite::{Connection, TransactionBehavior};

use super::{
    Shared, Storage, conversations, drafts,
    elsewhere::{Counts, Lookout},
    files::Held,
    inbox::{Batch, Next, Talk},
    long, recover, rows,
    session::Session,
    sqlite::{self, Opened, Trouble},
    unstored::Unstored,
    vacuum,
};
use crate::private;

/// Waits between tries while nothing can be written.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];

/// The state of the thread.
struct Writer {
    shared: Arc<Shared>,
    session: Option<Session>,
    file: File,
    /// What holds while writing succeeds: `Ok`, or `SetAside`.
    standing: Storage,
    /// Whether runs of an earlier owner of our session number were ended.
    recovered: bool,
    lookout: Lookout,
    /// What could not be stored so far.
    unstored: Unstored,
    /// Whether free pages wait to be given back.
    vacuums: bool,
}

enum File {
    /// To be opened, or opened again.
    Closed,
    Open(Connection),
    /// Can only be read: what comes is let go.
    ReadOnly,
}

/// Writes until the last handle is gone.
pub(super) fn run(shared: Arc<Shared>) {
    let mut writer = Writer {
        shared,
        session: None,
        file: File::Closed,
        standing: Storage::Ok,
        recovered: false,
        lookout: Lookout::default(),
        unstored: Unstored::default(),
        vacuums: false,
    };
    writer.try_to_open();
    loop {
        match writer.shared.inbox.next(writer.patience()) {
            Next::Write(batch) => writer.store(*batch),
            Next::Nothing => writer.rest(),
            Next::End => break,
        }
        writer.look_elsewhere();
    }
    writer.close();
}

impl Writer {
    fn try_to_open(&mut self) {
        match self.connection() {
            Ok(_) => {}
            Err(trouble) => self.failing(&trouble),
        }
    }

    /// How long to wait for something to write before something else is done.
    fn patience(&self) -> Option<Duration> {
        match self.file {
            File::Closed => Some(Duration::from_secs(5)),
            File::Open(_) if self.vacuums => Some(vacuum::PAUSE),
            File::Open(_) if self.is_watched() => Some(self.lookout.patience()),
            File::Open(_) | File::ReadOnly => None,
        }
    }

    /// What is done while nothing comes.
    fn rest(&mut self) {
        match &self.file {
            File::Closed => self.try_to_open(),
            File::Open(connection) if self.vacuums => self.vacuums = vacuum::step(connection),
            File::Open(_) | File::ReadOnly => {}
        }
    }

    fn is_watched(&self) -> bool {
        self.shared.elsewhere.receiver_count() > 0
    }

    /// Tells what other processes did, if somebody wants to know.
    fn look_elsewhere(&mut self) {
        let (File::Open(connection), Some(session)) = (&mut self.file, &self.session) else {
            return;
        };
        if self.shared.elsewhere.receiver_count() == 0 {
            return;
        }
        let Shared { held, folder, .. } = &*self.shared;
        match self.lookout.look(connection, held, folder, session) {
            Ok(found) => {
                self.shared.elsewhere.send_if_modified(|told| {
                    let changes = *told != found;
                    *told = found;
                    changes
                });
            }
            // The next write meets what is wrong.
            Err(error) => tracing::debug!("other windows could not be looked at: {error}"),
        }
    }

    /// Writes a batch, however often it takes. Once nothing more will come, it waits only for another process
    /// that holds the file: all else is told, and given up.
    fn store(&mut self, mut batch: Batch) {
        let flushes = std::mem::take(&mut batch.flushes);
        let mut flushes = Some(flushes);
        for pause in PAUSES
            .iter()
            .chain(std::iter::repeat(&PAUSES[PAUSES.len() - 1]))
        {
            let written = self.write(&batch);
            match &written {
                Ok(()) => self.set_standing(None),
                Err(trouble) => self.failing(trouble),
            }
            for done in flushes.take().into_iter().flatten() {
                // Whoever asked may have gone away.
                let _ = done.send(());
            }
            match written {
                Ok(()) => return,
                Err(trouble) if self.shared.inbox.is_closed() && !trouble.is_busy() => {
                    return self.unstored.add(&batch, &trouble.to_string());
                }
                Err(_) => {}
            }
            batch.damage = None;
            self.shared.inbox.pause(*pause);
        }
    }

    fn write(&mut self, batch: &Batch) -> Result<(), Trouble> {
        // What a reader met may have been set aside since.
        if let Some(why) = &batch.damage
            && sqlite::is_damaged(&self.shared.folder)
        {
            self.replace(why)?;
        }
        match self.write_once(batch) {
            Err(Trouble::Sqlite { error, .. }) if sqlite::is_damage(&error) => {
                self.replace(&sqlite::words_of(&error))?;
                self.write_once(batch)
            }
            other => other,
        }
    }

    fn write_once(&mut self, batch: &Batch) -> Result<(), Trouble> {
        let shared = Arc::clone(&self.shared);
        let folder = shared.folder.clone();
        if self.connection()?.is_none() {
            if let Storage::ReadOnly { why } = &self.standing {
                self.unstored.add(batch, why);
            }
            return Ok(());
        }
        let (File::Open(connection), Some(session)) = (&mut self.file, &self.session) else {
            return Ok(());
        };
        let mut put = Put {
            held: &shared.held,
            session,
            lookout: &mut self.lookout,
            unstored: &mut self.unstored,
        };
        let mut written = put.batch(connection, batch);
        if written.is_ok() && batch.find_dead {
            written =
                recover::dead_runs(connection, &shared.held, &folder, session, false).map(|_| ());
        }
        for id in &batch.adopt {
            written = written.and_then(|()| drafts::adopt(connection, &folder, session, *id));
        }
        let Err(error) = written else {
            self.unstored.stored(batch);
            self.vacuums = vacuum::is_due(connection);
            return Ok(());
        };
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure) {
            self.file = File::Closed;
        }
        let path = folder.join(sqlite::FILE);
        Err(Trouble::Sqlite { path, error })
    }

    /// The connection, opened if it is not; `None` where the file can only be read.
    fn connection(&mut self) -> Result<Option<(&mut Connection, &Session)>, Trouble> {
        if let File::Open(connection) = &self.file
            && !self.shared.folder.join(sqlite::FILE).exists()
        {
            // Moved or deleted by hand: more that is written to it would be lost. SQLite itself folds
            // the log of a moved file in only when asked.
            self.shared.close_readers();
            fold_log_in(connection);
            self.let_go("the history's file is gone and a new one is being made");
        }
        if matches!(self.file, File::Closed) {
            self.open()?;
        }
        match (&mut self.file, &self.session) {
            (File::Open(connection), Some(session)) => Ok(Some((connection, session))),
            _ => Ok(None),
        }
    }

    fn open(&mut self) -> Result<(), Trouble> {
        let folder = self.shared.folder.clone();
        let opened = match self.take_session() {
            Ok(session) => sqlite::open(&folder, session)?,
            Err(error) if is_write_protected(&error) && folder.join(sqlite::FILE).exists() => {
                sqlite::read_only(&folder, &error.to_string())?
            }
            Err(error) => {
                return Err(Trouble::Folder {
                    path: folder,
                    error,
                });
            }
        };
        match opened {
            Opened::ReadOnly { uri, why } => {
                self.file = File::ReadOnly;
                self.shared.set_place(Ok(uri));
                self.standing = Storage::ReadOnly { why };
            }
            Opened::Writable {
                connection,
                set_aside,
            } => {
                if let Some((kept_as, why)) = set_aside {
                    self.standing = Storage::SetAside { kept_as, why };
                    self.shared.inbox.begin_again();
                }
                self.vacuums = vacuum::is_due(&connection);
                self.file = File::Open(connection);
                self.recover();
                let uri = sqlite::read_uri(&folder.join(sqlite::FILE));
                self.shared.set_place(Ok(uri));
                check_meanwhile(&self.shared);
            }
        }
        self.set_standing(None);
        Ok(())
    }

    fn take_session(&mut self) -> io::Result<&Session> {
        private::folder(&self.shared.folder)?;
        match &mut self.session {
            Some(session) => Ok(session),
            none => {
                let session = none.insert(Session::take(&self.shared.folder)?);
                // Once it is known it stays: it can't have been set before.
                let _ = self.shared.session.set(session.number);
                Ok(session)
            }
        }
    }

    /// Ends runs of processes that died. A failure is met again by the next write.
    fn recover(&mut self) {
        let (File::Open(connection), Some(session)) = (&mut self.file, &self.session) else {
            return;
        };
        let Shared { held, folder, .. } = &*self.shared;
        match recover::dead_runs(connection, held, folder, session, !self.recovered) {
            Ok(0) => self.recovered = true,
            Ok(n) => {
                self.recovered = true;
                tracing::info!("{n} runs of a program that died were ended");
            }
            Err(error) => tracing::warn!("dead runs could not be ended: {error}"),
        }
    }

    /// Sets a damaged file aside and opens a new one.
    fn replace(&mut self, why: &str) -> Result<(), Trouble> {
        if let File::ReadOnly = self.file {
            return Ok(());
        }
        // No one may have the file open while it is renamed (Windows would refuse).
        self.let_go("the history's file is damaged and is being set aside");
        if let Some(session) = &self.session {
            let kept_as = sqlite::set_aside(&self.shared.folder, session, why)?;
            let why = why.to_owned();
            self.standing = Storage::SetAside { kept_as, why };
        }
        self.connection().map(|_| ())
    }

    /// Closes the file everywhere, before another one takes its place.
    fn let_go(&mut self, why: &str) {
        self.shared.set_place(Err(why.to_owned()));
        self.shared.close_readers();
        self.file = File::Closed;
        self.lookout.begin_again();
        self.shared.inbox.begin_again();
    }

    fn failing(&self, trouble: &Trouble) {
        let dropped = match self.shared.inbox.dropped() {
            0 => String::new(),
            n => format!("; the oldest {n} of them had to be dropped"),
        };
        let why = format!("{trouble}. New runs are kept in memory until it works again{dropped}");
        tracing::warn!("{why}");
        if !matches!(self.file, File::Open(_)) {
            self.shared.set_place(Err(why.clone()));
        }
        self.set_standing(Some(Storage::Failing { why }));
    }

    fn set_standing(&self, failing: Option<Storage>) {
        let now = Some(failing.unwrap_or_else(|| self.standing.clone()));
        self.shared.standing.send_if_modified(|standing| {
            let changes = *standing != now;
            *standing = now;
            changes
        });
    }

    fn close(self) {
        self.shared.close_readers();
        if let (File::Open(connection), Some(session)) = (&self.file, &self.session) {
            if let Err(error) = drafts::release(connection, session.number) {
                tracing::debug!("the drafts are left to the next window's start: {error}");
            }
            vacuum::close(connection);
            fold_log_in(connection);
        }
        self.shared.inbox.end();
        let dropped = self.shared.inbox.dropped();
        self.shared
            .ended
            .send_replace(Some(self.unstored.told(dropped)));
    }
}

/// Moves what stands in the log into the file.
pub(super) fn fold_log_in(connection: &Connection) {
    let folded = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    if let Err(error) = folded {
        tracing::debug!("the log was not folded in: {error}");
    }
}

/// Files that are too large to be checked at once are checked on a thread of their own.
fn check_meanwhile(shared: &Arc<Shared>) {
    let shared = Arc::downgrade(shared);
    let check = move || {
        let Some(folder) = shared.upgrade().map(|shared| shared.folder.clone()) else {
            return;
        };
        let now = jiff::Timestamp::now().as_nanosecond();
        let wrong = sqlite::check_if_due(&folder, i64::try_from(now).unwrap_or(i64::MAX));
        if let (Some(why), Some(shared)) = (wrong, shared.upgrade()) {
            shared.inbox.report_damage(why);
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

/// Writes one batch.
struct Put<'a> {
    held: &'a Held,
    session: &'a Session,
    lookout: &'a mut Lookout,
    unstored: &'a mut Unstored,
}

impl Put<'_> {
    fn batch(&mut self, connection: &mut Connection, batch: &Batch) -> rusqlite::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let (held, session) = (self.held, self.session.number);
        let file = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before = Counts::read(&file)?;
        for run in &batch.begun {
            self.whole(&file, || rows::put(&file, held, run, Some(session)))?;
        }
        for run in &batch.changed {
            self.whole(&file, || rows::put_standing(&file, run, session))?;
        }
        for piece in &batch.pieces {
            self.whole(&file, || piece.put(&file))?;
        }
        for run in &batch.finished {
            self.whole(&file, || {
                long::settle(&file, run, batch.streamed.contains(&run.head.id))?;
                rows::put(&file, held, run, None)
            })?;
        }
        for (id, talks) in &batch.conversations {
            for talk in talks {
                self.whole(&file, || match talk {
                    Talk::Change(change) => conversations::put(&file, held, session, change),
                    Talk::Delete => conversations::delete(&file, *id),
                })?;
            }
        }
        if let Some(id) = batch.shown {
            self.lookout.show(&file, self.session, id)?;
        }
        if !(batch.begun.is_empty() && batch.finished.is_empty()) {
            file.execute("UPDATE meta SET generation = generation + 1", [])?;
        }
        let after = Counts::read(&file)?;
        file.commit()?;
        self.lookout.wrote(before, after);
        Ok(())
    }

    /// Writes one thing whole or not at all. One that SQLite refuses for its own sake (a text over its
    /// limit, say) is left out and told: it must not hold up the others.
    fn whole(
        &mut self,
        file: &Connection,
        put: impl FnOnce() -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        file.prepare_cached("SAVEPOINT one")?.execute([])?;
        if let Err(error) = put() {
            if sqlite::is_damage(&error) || sqlite::is_of_machine(&error) {
                return Err(error);
            }
            tracing::error!("something could not be kept in the history: {error}");
            self.unstored.refuse(&sqlite::words_of(&error));
            file.prepare_cached("ROLLBACK TO one")?.execute([])?;
        }
        file.prepare_cached("RELEASE one")?.execute([])?;
        Ok(())
    }
}
