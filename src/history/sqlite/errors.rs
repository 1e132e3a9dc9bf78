//! What can be wrong with the file, and what to do then.

use std::{
    io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

/// Why the history can't be used; says what to do.
#[derive(Debug, thiserror::Error)]
pub(in crate::history) enum StoreError {
    /// Versions before it can damage a file in WAL mode (<https://sqlite.org/wal.html#walresetbug>).
    #[error(
        "This build's SQLite is {0}, and 3.51.3 is the first that is safe here: build with the bundled one"
    )]
    OldSqlite(&'static str),
    #[error("{} can't be used ({error}): make it writable, or set TOKENSCOPE_DATA_DIR to another folder", path.display())]
    Folder { path: PathBuf, error: io::Error },
    #[error("{} is damaged ({why}) and another window still uses it: close the other windows", path.display())]
    DamagedInUse { path: PathBuf, why: String },
    #[error("{} is damaged ({why}) and could not be set aside ({error}): move it away by hand", path.display())]
    CantSetAside {
        path: PathBuf,
        why: String,
        error: io::Error,
    },
    #[error("{}", advice(path, error))]
    Sqlite {
        path: PathBuf,
        error: rusqlite::Error,
    },
}

impl StoreError {
    /// Whether another process holds the file, so that it is enough to wait.
    pub(in crate::history) fn is_busy(&self) -> bool {
        use ErrorCode::{DatabaseBusy, DatabaseLocked};
        match self {
            Self::Folder { error, .. } => error.kind() == io::ErrorKind::TimedOut,
            Self::Sqlite { error, .. } => {
                matches!(
                    error.sqlite_error_code(),
                    Some(DatabaseBusy | DatabaseLocked)
                )
            }
            _ => false,
        }
    }
}

/// Whether the file itself is at fault.
pub(in crate::history) fn is_damage(error: &rusqlite::Error) -> bool {
    use ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(
        error.sqlite_error_code(),
        Some(DatabaseCorrupt | NotADatabase)
    )
}

/// Whether the machine is at fault, so that the same may succeed later.
pub(in crate::history) fn is_environment_error(error: &rusqlite::Error) -> bool {
    use ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, FileLockingProtocolFailed, OutOfMemory,
        PermissionDenied, ReadOnly, SystemIoFailure,
    };
    matches!(
        error.sqlite_error_code(),
        Some(
            CannotOpen
                | DatabaseBusy
                | DatabaseLocked
                | DiskFull
                | FileLockingProtocolFailed
                | OutOfMemory
                | PermissionDenied
                | ReadOnly
                | SystemIoFailure
        )
    )
}

pub(in crate::history) fn error_text(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(code, None) => code.to_string(),
        other => other.to_string(),
    }
}

fn advice(path: &Path, error: &rusqlite::Error) -> String {
    let (file, words) = (path.display(), error_text(error));
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => format!("The disk with {file} is full: free some space"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            format!("Another program holds {file} ({words}): close it")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            format!(
                "{file} can't be opened or written ({words}): look at its permissions, or set TOKENSCOPE_DATA_DIR to another folder"
            )
        }
        _ => format!("{file} can't be used ({words})"),
    }
}
