//! One prober a machine: of the processes that share a data folder, the one that holds a lock asks.
//!
//! The system releases the lock when the process ends, however it ends. The number of the process stands in a file of
//! its own: where a locked file can't be read, it can be all the same.

use std::{fs::File, io, path::Path};

use crate::private;

/// The locked file. It is never deleted: on Unix a lock on a deleted file protects nothing.
const LOCK: &str = "prober.lock";
/// The number of the process that holds the lock, or held it last.
const PID: &str = "prober.pid";

/// The right to probe, held until dropped.
#[derive(Debug)]
pub struct ProberLease {
    _lock: File,
}

/// Whether this process may probe.
#[derive(Debug)]
pub enum LeaseState {
    /// It may, while it keeps this.
    Held(ProberLease),
    /// Another process does: its number, if that can be read.
    HeldElsewhere(Option<u32>),
}

impl ProberLease {
    /// Takes the lease of a data folder, if no other process has it.
    ///
    /// # Errors
    /// If the folder can't be written or knows no locks.
    pub fn try_take(folder: &Path) -> io::Result<LeaseState> {
        let path = folder.join(LOCK);
        let lock = match private::try_lock(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                private::folder(folder)?;
                private::try_lock(&path)
            }
            tried => tried,
        };
        let Some(lock) = lock? else {
            let pid = std::fs::read_to_string(folder.join(PID)).ok();
            let pid = pid.and_then(|text| text.trim().parse().ok());
            return Ok(LeaseState::HeldElsewhere(pid));
        };
        private::write(&folder.join(PID), std::process::id().to_string().as_bytes())?;
        Ok(LeaseState::Held(Self { _lock: lock }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_the_next_takes_over() {
        let folder = tempfile::tempdir().unwrap();
        let first = ProberLease::try_take(folder.path()).unwrap();
        assert!(matches!(first, LeaseState::Held(_)));
        let second = ProberLease::try_take(folder.path()).unwrap();
        let own = std::process::id();
        assert!(matches!(second, LeaseState::HeldElsewhere(Some(pid)) if pid == own));
        drop(first);
        let third = ProberLease::try_take(folder.path()).unwrap();
        assert!(matches!(third, LeaseState::Held(_)));
        let elsewhere = tempfile::tempdir().unwrap();
        let other = ProberLease::try_take(elsewhere.path()).unwrap();
        assert!(matches!(other, LeaseState::Held(_)), "another data folder");
    }

    #[test]
    fn a_folder_that_can_not_be_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(ProberLease::try_take(&file).is_err());
    }
}
