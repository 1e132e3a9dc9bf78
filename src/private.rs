//! Files and folders that only their owner may read: all files are created here.
//!
//! On Unix a file gets the permissions 0600 and a folder 0700, whatever the umask; elsewhere the folders of a
//! user's profile are private already.

mod whole;

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write as _},
    path::Path,
};

pub(crate) use self::whole::{followed, locked, open_in_place, replace, write_out};

/// What the names of our own files begin with, in the folders of settings and data.
const OWN: &[&str] = &[
    "history.",
    "models",
    "sessions",
    "window.",
    "prober.",
    "config.toml",
    ".config.toml",
    "settings",
];

/// Opens a file for writing as it is, or makes an empty one.
///
/// # Errors
/// The file system's.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    options().create(true).truncate(false).open(path)
}

/// Opens a file for writing, emptied, or makes it.
///
/// # Errors
/// The file system's.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    options().create(true).truncate(true).open(path)
}

/// Opens a file for adding to its end, or makes it.
///
/// # Errors
/// The file system's.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    options().create(true).append(true).open(path)
}

/// Opens a file as [`open`], and locks it until it is closed; `None` if it is locked already.
///
/// # Errors
/// The file system's, where it knows no locks, too.
pub(crate) fn try_lock(path: &Path) -> io::Result<Option<File>> {
    let file = open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Makes a file that is not there yet.
///
/// # Errors
/// The file system's; if there is one.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    options().create_new(true).open(path)
}

/// Writes a whole file.
///
/// # Errors
/// The file system's.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create(path)?.write_all(bytes)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder of ours, and those above it, if they are not there. Permissions that older versions left
/// wider are mended: those of our own files, and those of the folder if nothing else is in it.
///
/// # Errors
/// The file system's, if the folder can't be made. What can't be mended stays as it is.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    if let Err(error) = mend(path) {
        tracing::debug!("{} keeps its permissions: {error}", path.display());
    }
    Ok(())
}

#[cfg(not(unix))]
fn mend(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn mend(folder: &Path) -> io::Result<()> {
    let mut all_ours = true;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !OWN.iter().any(|own| name.starts_with(own)) {
            all_ours = false;
        } else if entry.file_type()?.is_dir() {
            mend_all(&entry.path())?;
        } else {
            mend_one(&entry.path())?;
        }
    }
    if all_ours { mend_one(folder) } else { Ok(()) }
}

/// A folder in which everything is ours.
#[cfg(unix)]
fn mend_all(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        mend_one(&entry?.path())?;
    }
    mend_one(folder)
}

/// Removes the permissions of others. Links are not followed.
#[cfg(unix)]
fn mend_one(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let meta = fs::symlink_metadata(path)?;
    let mode = meta.permissions().mode();
    if meta.is_symlink() || mode.trailing_zeros() >= 6 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7700))
}

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_made_is_for_its_owner_only() {
        let home = tempfile::tempdir().unwrap();
        let ours = home.path().join("a/b");
        folder(&ours).unwrap();
        assert_eq!(mode(&ours), 0o700);
        assert_eq!(mode(&home.path().join("a")), 0o700);
        for (name, made) in [
            ("one", open as fn(&Path) -> io::Result<File>),
            ("two", create),
            ("three", create_new),
        ] {
            made(&ours.join(name)).unwrap();
            assert_eq!(mode(&ours.join(name)), 0o600, "{name}");
        }
        assert!(create_new(&ours.join("one")).is_err());
    }

    #[test]
    fn what_older_versions_left_open_is_mended_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        fs::create_dir_all(data.join("models")).unwrap();
        for name in ["history.db", "history.session-1.lock", "models/a.json"] {
            fs::write(data.join(name), "x").unwrap();
            set(&data.join(name), 0o644);
        }
        set(&data, 0o755);
        set(&data.join("models"), 0o755);
        folder(&data).unwrap();
        assert_eq!((mode(&data), mode(&data.join("models"))), (0o700, 0o700));
        for name in ["history.db", "history.session-1.lock", "models/a.json"] {
            assert_eq!(mode(&data.join(name)), 0o600, "{name}");
        }
        // A folder that is used for other things, too, is not closed to others.
        set(&data, 0o755);
        fs::write(data.join("thesis.tex"), "x").unwrap();
        set(&data.join("thesis.tex"), 0o644);
        set(&data.join("history.db"), 0o644);
        folder(&data).unwrap();
        assert_eq!(
            (mode(&data), mode(&data.join("thesis.tex"))),
            (0o755, 0o644)
        );
        assert_eq!(mode(&data.join("history.db")), 0o600);
    }
}
