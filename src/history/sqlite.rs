//! The file itself: found, checked, opened; set aside when it is damaged or not ours.
//!
//! In: a folder. Out: a writable connection, or the URI of a file that can only be read. No file is ever deleted.

mod errors;

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use url::Url;

pub(super) use self::errors::{StoreError, error_text, is_damage, is_environment_error};
use super::{
    migrations,
    session::{OpeningLock, ProcessSession},
    vacuum,
};
use crate::private;

/// The file's name.
pub(super) const FILE: &str = "history.db";

/// Files up to this size are checked before use; larger ones in the background, once a week.
const CHECKED_AT_ONCE_BYTES: u64 = 16 << 20;

const WEEK_NS: i64 = 7 * 24 * 3600 * 1_000_000_000;

/// How long SQLite waits for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// The result of opening the file.
#[derive(Debug)]
pub(super) enum OpenedFile {
    /// The file is ours to write.
    Writable {
        connection: Connection,
        /// The new name of a damaged or foreign file that was renamed, and what was wrong with it.
        set_aside: Option<(PathBuf, String)>,
    },
    /// It can only be read, and why.
    ReadOnly {
        /// What readers open.
        uri: String,
        why: String,
    },
}

/// What is found under the file's name.
#[derive(Debug)]
enum FileState {
    /// Nothing, or an empty file.
    Nothing,
    Ours,
    Newer(i32),
    /// Damaged or another program's.
    Bad(String),
}

/// Opens the file of a folder for writing; creates it, migrates it or sets it aside as needed.
///
/// # Errors
/// If nothing can be stored there.
pub(super) fn open(folder: &Path, session: &ProcessSession) -> Result<OpenedFile, StoreError> {
    assert_version()?;
    let path = folder.join(FILE);
    let in_folder = |error| StoreError::Folder {
        path: folder.to_owned(),
        error,
    };
    let _lock = OpeningLock::enter(folder).map_err(in_folder)?;
    let set_aside = match examine(&path)? {
        FileState::Nothing | FileState::Ours => None,
        FileState::Newer(version) => {
            let why = format!(
                "{} was written by a newer Tokenscope (its version is {version}, this one knows {}): it is shown, and new runs are not kept",
                path.display(),
                migrations::VERSION
            );
            let uri = readable(&path)?;
            return Ok(OpenedFile::ReadOnly { uri, why });
        }
        FileState::Bad(why) => Some((set_aside(folder, session, &why)?, why)),
    };
    let failed = |error| StoreError::Sqlite {
        path: path.clone(),
        error,
    };
    // SQLite gives what stands beside the file the permissions of the file.
    private::open(&path).map_err(in_folder)?;
    let mut connection = Connection::open(&path).map_err(failed)?;
    if connection.is_readonly("main").map_err(failed)? {
        return read_only(folder, "the file is write-protected");
    }
    prepare(&mut connection).map_err(failed)?;
    if session.is_alone(folder) {
        vacuum::rebuild(&connection);
    }
    Ok(OpenedFile::Writable {
        connection,
        set_aside,
    })
}

/// Opens the file of a folder that can't be written.
///
/// # Errors
/// If there is none, or it can't be read.
pub(super) fn read_only(folder: &Path, why: &str) -> Result<OpenedFile, StoreError> {
    let path = folder.join(FILE);
    let uri = readable(&path)?;
    let why = format!(
        "{} can't be written ({why}): it is shown, and new runs are not kept until it is writable and the program is started again",
        path.display()
    );
    Ok(OpenedFile::ReadOnly { uri, why })
}

fn assert_version() -> Result<(), StoreError> {
    match rusqlite::version_number() {
        3_051_003.. => Ok(()),
        _ => Err(StoreError::OldSqlite(rusqlite::version())),
    }
}

fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    vacuum::prepare(connection)?;
    // Where there is no shared memory, SQLite stays with its rollback journal, which is safe too.
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // With WAL a kill loses nothing that was committed; a power cut may lose the last moments.
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "cache_size", -16_384)?;
    migrations::migrate(connection)
}

/// Inspects a file without changing it, except for a rollback that SQLite itself makes.
fn examine(path: &Path) -> Result<FileState, StoreError> {
    if length(path)? == 0 {
        // A new file must not be combined with a WAL of a file that is gone.
        return Ok(match length(&with_end(path, "-wal"))? {
            0 => FileState::Nothing,
            _ => FileState::Bad("its log is there, but the file itself is gone".into()),
        });
    }
    let mut flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if length(&with_end(path, "-journal"))? > 0 {
        // Left by a crash during a write: SQLite rolls that write back, for which it must be able to write.
        flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    }
    let found = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(BUSY)?;
        inspect(&connection, path)
    });
    match found {
        Ok(found) => Ok(found),
        Err(error) if is_damage(&error) => Ok(FileState::Bad(error_text(&error))),
        Err(error) => Err(StoreError::Sqlite {
            path: path.to_owned(),
            error,
        }),
    }
}

/// Size of a file in bytes; 0 if there is none.
fn length(path: &Path) -> Result<u64, StoreError> {
    match fs::metadata(path) {
        Ok(meta) => Ok(meta.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(StoreError::Folder {
            path: path.to_owned(),
            error,
        }),
    }
}

fn inspect(connection: &Connection, path: &Path) -> rusqlite::Result<FileState> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |r| r.get(0))?;
    let version: i32 = connection.pragma_query_value(None, "user_version", |r| r.get(0))?;
    let things: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
    if application != migrations::APPLICATION_ID {
        return Ok(match (application, version, things) {
            (0, 0, 0) => FileState::Nothing,
            _ => FileState::Bad("it is another program's database".into()),
        });
    }
    if version > migrations::VERSION {
        return Ok(FileState::Newer(version));
    }
    let small = fs::metadata(path).is_ok_and(|meta| meta.len() <= CHECKED_AT_ONCE_BYTES);
    if !small {
        return Ok(FileState::Ours);
    }
    Ok(check(connection)?.map_or(FileState::Ours, FileState::Bad))
}

/// Checks the structure of every page: `None` if it is sound, else what is wrong with it.
///
/// # Errors
/// If it can't be read.
fn check(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((said != "ok").then(|| said.lines().collect::<Vec<_>>().join(", ")))
}

/// Whether a check of the current file finds damage.
pub(super) fn is_damaged(folder: &Path) -> bool {
    let checked = open_reader(&read_uri(&folder.join(FILE))).and_then(|file| check(&file));
    match checked {
        Ok(wrong) => wrong.is_some(),
        Err(error) => is_damage(&error),
    }
}

/// Checks a large file that was not checked for a week, and returns what is wrong with it. Takes long: not for the
/// writer thread.
pub(super) fn check_if_due(folder: &Path, now_unix_ns: i64) -> Option<String> {
    let path = folder.join(FILE);
    if fs::metadata(&path).is_ok_and(|meta| meta.len() <= CHECKED_AT_ONCE_BYTES) {
        return None;
    }
    let checked = Connection::open(&path).and_then(|connection| {
        connection.busy_timeout(BUSY)?;
        let last: i64 =
            connection.query_row("SELECT checked_unix_ns FROM meta", [], |row| row.get(0))?;
        if now_unix_ns - last < WEEK_NS {
            return Ok(None);
        }
        let wrong = check(&connection)?;
        if wrong.is_none() {
            connection.execute("UPDATE meta SET checked_unix_ns = ?1", [now_unix_ns])?;
        }
        Ok(wrong)
    });
    match checked {
        Ok(wrong) => wrong,
        Err(error) if is_damage(&error) => Some(error_text(&error)),
        Err(error) => {
            tracing::warn!("the history could not be checked: {error}");
            None
        }
    }
}

/// Renames the file with its WAL and journal, and returns its new name.
///
/// # Errors
/// If another window uses it, or it can't be renamed.
pub(super) fn set_aside(
    folder: &Path,
    session: &ProcessSession,
    why: &str,
) -> Result<PathBuf, StoreError> {
    let path = folder.join(FILE);
    if !session.is_alone(folder) {
        let why = why.to_owned();
        return Err(StoreError::DamagedInUse { path, why });
    }
    let kept_as = free_name(folder);
    // The main file is renamed last: a WAL left beside a new file would be taken for that file's own.
    for end in ["-shm", "-wal", "-journal", ""] {
        match fs::rename(with_end(&path, end), with_end(&kept_as, end)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let why = why.to_owned();
                return Err(StoreError::CantSetAside { path, why, error });
            }
            _ => {}
        }
    }
    Ok(kept_as)
}

fn free_name(folder: &Path) -> PathBuf {
    let now = jiff::Timestamp::now()
        .strftime("%Y%m%dT%H%M%SZ")
        .to_string();
    let mut kept_as = folder.join(format!("history.damaged-{now}.db"));
    for n in 2.. {
        if !kept_as.exists() {
            break;
        }
        kept_as = folder.join(format!("history.damaged-{now}-{n}.db"));
    }
    kept_as
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The URI by which a file can be read, with its log if the folder allows it.
fn readable(path: &Path) -> Result<String, StoreError> {
    let uri = read_uri(path);
    let tried = open_reader(&uri).map(|_| uri);
    // A file in WAL mode in a folder that can't be written is read as it is, its log left aside.
    let tried = tried.or_else(|_| {
        let uri = read_uri(path).replace("?mode=ro", "?immutable=1");
        open_reader(&uri).map(|_| uri)
    });
    tried.map_err(|error| StoreError::Sqlite {
        path: path.to_owned(),
        error,
    })
}

/// The URI by which readers open a file that this process writes.
pub(super) fn read_uri(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match Url::from_file_path(&absolute) {
        Ok(url) => format!("{url}?mode=ro"),
        Err(()) => format!("file:{}?mode=ro", absolute.display()),
    }
}

/// Opens a file for reading only.
///
/// # Errors
/// If it can't be read.
pub(super) fn open_reader(uri: &str) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "cache_size", -32_768)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}
