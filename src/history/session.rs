//! Which processes are alive: each holds the lock of one file.
//!
//! A process that may stream runs locks a numbered file beside the history and stores that number with its live runs.
//! The system releases the lock when the process ends, however it ends. So if the lock of a live run's number can be
//! taken, its process has died. The files are never deleted: on Unix a lock on a deleted file protects nothing.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use crate::private::try_lock;

/// The lock of one number, held until dropped.
#[derive(Debug)]
pub(super) struct ProcessSession {
    /// Its number.
    pub(super) number: i64,
    _lock: File,
}

/// Most processes that share one history.
const MAX_SESSIONS: i64 = 1000;

impl ProcessSession {
    /// Takes the first free number.
    ///
    /// # Errors
    /// If the folder can't be written or knows no locks.
    pub(super) fn take(folder: &Path) -> io::Result<Self> {
        for number in 1..=MAX_SESSIONS {
            if let Some(session) = Self::try_number(folder, number)? {
                return Ok(session);
            }
        }
        Err(io::Error::other("too many windows use this history"))
    }

    /// Takes this number; `None` if a living process has it.
    ///
    /// # Errors
    /// If the folder can't be written or knows no locks.
    pub(super) fn try_number(folder: &Path, number: i64) -> io::Result<Option<Self>> {
        let lock = try_lock(&file_of(folder, number))?;
        Ok(lock.map(|lock| Self {
            number,
            _lock: lock,
        }))
    }

    /// Whether no other living process uses the folder.
    pub(super) fn is_alone(&self, folder: &Path) -> bool {
        (1..=MAX_SESSIONS)
            .take_while(|n| file_of(folder, *n).exists())
            .filter(|n| *n != self.number)
            .all(|n| matches!(Self::try_number(folder, n), Ok(Some(_))))
    }
}

/// Locked while the file is inspected, created, migrated or set aside, so that two processes that start together
/// don't both do it.
#[derive(Debug)]
pub(super) struct OpeningLock {
    _lock: File,
}

impl OpeningLock {
    /// Waits for the lock, ten seconds at most.
    ///
    /// # Errors
    /// If it can't be taken.
    pub(super) fn enter(folder: &Path) -> io::Result<Self> {
        for _ in 0..200 {
            if let Some(lock) = try_lock(&folder.join("history.lock"))? {
                return Ok(Self { _lock: lock });
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "another window has been opening the history for ten seconds",
        ))
    }
}

fn file_of(folder: &Path, number: i64) -> PathBuf {
    folder.join(format!("history.session-{number}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_held_until_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let first = ProcessSession::take(folder.path()).unwrap();
        assert!(first.is_alone(folder.path()));
        let second = ProcessSession::take(folder.path()).unwrap();
        assert_eq!((first.number, second.number), (1, 2));
        assert!(!first.is_alone(folder.path()));
        assert!(
            ProcessSession::try_number(folder.path(), 2)
                .unwrap()
                .is_none()
        );
        drop(second);
        assert!(first.is_alone(folder.path()));
        assert_eq!(ProcessSession::take(folder.path()).unwrap().number, 2);
    }
}
