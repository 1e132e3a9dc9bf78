//! The system's file chooser. A bare X server, a container or a minimal desktop may have none.
//!
//! Calls with a [`FileDialog`] block until the user has chosen: call them on a thread of their own.

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver},
};

use egui::Context;
use rfd::{AsyncFileDialog, FileDialog, FileHandle};

/// Receives the file that the user has chosen; `None` if the user cancelled.
pub type ChosenFile = Receiver<Result<Option<PathBuf>, NoChooser>>;

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

/// Asks for a file to open, without waiting.
pub fn to_open(ctx: &Context, extensions: &'static [&'static str]) -> ChosenFile {
    let dialog = AsyncFileDialog::new()
        .add_filter(extensions.join(", "), extensions)
        .add_filter("All files", &["*"]);
    awaited(ctx, dialog.pick_file())
}

/// Asks where to save a file, without waiting; `path` is suggested.
pub fn to_save(ctx: &Context, path: &str, extension: &'static str) -> ChosenFile {
    let path = Path::new(path);
    let mut dialog = AsyncFileDialog::new().add_filter(extension, &[extension]);
    if let Some(name) = path.file_name() {
        dialog = dialog.set_file_name(name.to_string_lossy());
    }
    if let Some(folder) = path.parent() {
        dialog = dialog.set_directory(folder);
    }
    awaited(ctx, dialog.save_file())
}

/// Awaits a dialog on a thread: macOS wants its future made on the UI thread.
fn awaited(
    ctx: &Context,
    chosen: impl Future<Output = Option<FileHandle>> + Send + 'static,
) -> ChosenFile {
    let (send, receive) = mpsc::channel();
    let ctx = ctx.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let file = runtime.ok().and_then(|runtime| runtime.block_on(chosen));
        let path = file.map(|file| file.path().to_path_buf());
        // If what asked was closed meanwhile, nobody receives this.
        let _ = send.send(cancelled_or_missing(path));
        ctx.request_repaint();
    });
    receive
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
