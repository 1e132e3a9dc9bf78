//! The system's file chooser. A bare X server, a container or a minimal desktop may have none.
//!
//! These calls block until the user has chosen: call them on a thread of their own.

use std::path::PathBuf;

use rfd::FileDialog;

/// There is no file chooser on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("There is no file chooser here (no desktop portal that has one, and no zenity)")]
pub struct NoChooser;

/// Asks for files to open; an empty list if the user cancelled.
pub fn pick(dialog: FileDialog) -> Result<Vec<PathBuf>, NoChooser> {
    cancelled_or_missing(dialog.pick_files()).map(Option::unwrap_or_default)
}

/// Asks for one file to open; `None` if the user cancelled.
pub fn pick_one(dialog: FileDialog) -> Result<Option<PathBuf>, NoChooser> {
    cancelled_or_missing(dialog.pick_file())
}

/// Asks where to save a file; `None` if the user cancelled.
pub fn save(dialog: FileDialog) -> Result<Option<PathBuf>, NoChooser> {
    cancelled_or_missing(dialog.save_file())
}

/// Tells a cancelled dialog from a missing one: `rfd` returns `None` for both.
pub fn cancelled_or_missing<T>(chosen: Option<T>) -> Result<Option<T>, NoChooser> {
    if chosen.is_none() && !is_there() {
        return Err(NoChooser);
    }
    Ok(chosen)
}

/// Whether `rfd` can show a dialog: through the desktop portal, or through zenity.
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
