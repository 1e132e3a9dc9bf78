//! The system's file chooser, which a bare X server, a container or a slim desktop may lack.
//!
//! These calls wait for the user: they are for threads.

use std::path::PathBuf;

use rfd::FileDialog;

/// There is no file chooser on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("There is no file chooser here (no desktop portal that has one, and no zenity)")]
pub struct NoChooser;

/// Files to open; none if the user chose none.
pub fn pick(dialog: FileDialog) -> Result<Vec<PathBuf>, NoChooser> {
    told_apart(dialog.pick_files()).map(Option::unwrap_or_default)
}

/// A file to open.
pub fn pick_one(dialog: FileDialog) -> Result<Option<PathBuf>, NoChooser> {
    told_apart(dialog.pick_file())
}

/// Where to write a file.
pub fn save(dialog: FileDialog) -> Result<Option<PathBuf>, NoChooser> {
    told_apart(dialog.save_file())
}

/// `rfd` gives nothing where the user chose nothing, and where there was nothing to choose with.
pub fn told_apart<T>(chosen: Option<T>) -> Result<Option<T>, NoChooser> {
    if chosen.is_none() && !is_there() {
        return Err(NoChooser);
    }
    Ok(chosen)
}

/// Whether `rfd` has a dialog to show: the desktop's portal, or zenity.
#[cfg(any(target_os = "linux", target_os = "freebsd"))]
fn is_there() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    has_portal() || std::env::split_paths(&path).any(|folder| folder.join("zenity").is_file())
}

#[cfg(not(any(target_os = "linux", target_os = "freebsd")))]
fn is_there() -> bool {
    true
}

#[cfg(any(target_os = "linux", target_os = "freebsd"))]
fn has_portal() -> bool {
    let version = zbus::blocking::Connection::session().and_then(|bus| {
        bus.call_method(
            Some("org.freedesktop.portal.Desktop"),
            "/org/freedesktop/portal/desktop",
            Some("org.freedesktop.DBus.Properties"),
            "Get",
            &("org.freedesktop.portal.FileChooser", "version"),
        )
    });
    version.is_ok()
}
