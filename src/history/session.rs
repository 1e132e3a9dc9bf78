//! Which processes live: one locked file each.
//!
//! A process that may stream runs holds the lock of one numbered file beside the history and writes
//! that number on its live runs. The system frees the lock when the process ends, however it ends. So
//! a live run whose lock can be had has lost its process. The files are never deleted: on Unix a
//! lock on a deleted file would guard nothing.

use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use crate::private;

/// The lock of one number, held until dropped.
#[derive(Debug)]
pub(super) struct Session {
    /// Its number.
    pub(super) number: i64,
    _lock: File,
}

/// More processes than that on one history are a mistake.
const MOST: i64 = 1000;

impl Session {
    /// Takes the first free number.
    ///
    /// # Errors
    /// If the folder can't be written or knows no locks.
    pub(super) fn take(folder: &Path) -> io::Result<Self> {
        for number in 1..=MOST {
            if let Some(session) = Self::try_number(folder, number)? {
                return Ok(session);
            }
        }
        Err(io::Error::other("too many windows use this history"))
    }

    /// Takes this number; `None` if a process that lives has it.
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

    /// Whether no other process that lives uses the folder.
    pub(super) fn is_alone(&self, folder: &Path) -> bool {
        (1..=MOST)
            .take_while(|n| file_of(folder, *n).exists())
            .filter(|n| *n != self.number)
            .all(|n| matches!(Self::try_number(folder, n), Ok(Some(_))))
    }
}

/// Held while a file is looked at, made, migrated or set aside, so that two processes that start
/// together don't do it both.
#[derive(Debug)]
pub(super) struct Gate {
    _lock: File,
}

impl Gate {
    /// Waits for the gate, ten seconds at most.
    ///
    /// # Errors
    /// If it can't be had.
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

fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = private::open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_held_until_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let first = Session::take(folder.path()).unwrap();
        assert!(first.is_alone(folder.path()));
        let second = Session::take(folder.path()).unwrap();
        assert_eq!((first.number, second.number), (1, 2));
        assert!(!first.is_alone(folder.path()));
        assert!(Session::try_number(folder.path(), 2).unwrap().is_none());
        drop(second);
        assert!(first.is_alone(folder.path()));
        assert_eq!(Session::take(folder.path()).unwrap().number, 2);
    }
}
