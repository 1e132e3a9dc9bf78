//! Files that are replaced whole, and edited by one process at a time.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::Duration,
};

use super::create;

/// How often, and how long apart, a lock is tried that another process holds: two seconds in all.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Replaces a file, or the file that a symlink leads to, so that a reader or a crash at any moment
/// finds either the old or the new one. It is for its owner only.
///
/// # Errors
/// The file system's; the old file is then untouched.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Two writers, in two processes or two threads, must not share a half-written file.
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let target = followed(path)?;
    // A device or a pipe would be gone, and not be written to.
    if fs::metadata(&target).is_ok_and(|known| !known.is_file()) {
        return Err(io::Error::other("this is no file that could be replaced"));
    }
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let temporary = beside(&target, &format!(".{}-{count}.tmp", std::process::id()));
    let written = write_new(&temporary, &target, bytes);
    if written.is_err() {
        // The first error is the one to tell; a left-over file is overwritten next time.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Writes what a user wants at a path: a file is replaced, as by [`replace`]; into a pipe, a terminal or a device it is
/// written as it is.
///
/// # Errors
/// The file system's.
pub(crate) fn write_out(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match open_in_place(path)? {
        Some(mut stream) => stream.write_all(bytes),
        None => replace(path, bytes),
    }
}

/// Opens for writing what is there and is no file that could be replaced: a pipe, a terminal, a device. `None` if there
/// is a file, or nothing yet.
///
/// # Errors
/// The file system's; of a folder, too.
pub(crate) fn open_in_place(path: &Path) -> io::Result<Option<File>> {
    if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
        return File::options().write(true).open(path).map(Some);
    }
    Ok(None)
}

fn write_new(temporary: &Path, target: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(temporary, target)?;
    sync_folder(target)
}

/// Makes a rename last: on Unix a folder has to be synced for its names to survive a power cut.
fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        // The folder of a bare name is the one we are in.
        Some(folder) if cfg!(unix) => File::open(Path::new(".").join(folder))?.sync_all(),
        _ => Ok(()),
    }
}

/// Where a path leads, whether or not there is a file yet.
pub(crate) fn followed(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Ok(target) => Ok(target),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(match fs::read_link(path) {
            // A link to a file that is still to be made.
            Ok(link) => path.parent().unwrap_or(Path::new("")).join(link),
            Err(_) => path.to_owned(),
        }),
        Err(why) => Err(why),
    }
}

/// A file name beside another: hidden, and ending in `suffix`.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}{suffix}"))
}

/// Runs `edit` while no other process edits the same file. A file system without locks does without.
///
/// # Errors
/// If another process holds the lock for two seconds, or the lock file can't be made.
pub(crate) fn locked<T>(path: &Path, edit: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let lock = create(&beside(&followed(path)?, ".lock"))?;
    for _ in 0..LOCK_TRIES {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Ok(()) | Err(TryLockError::Error(_)) => return edit(),
        }
    }
    Err(io::Error::new(
        io::ErrorKind::WouldBlock,
        "another Tokenscope is writing to it and does not finish",
    ))
}
