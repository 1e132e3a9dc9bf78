//! The user's folders. Their names stand in a file (`user-dirs.dirs`) on Linux, so whoever asks for one reads the disk:
//! not on the UI thread.

use std::{
    path::PathBuf,
    sync::mpsc::{self, Receiver},
};

use directories::UserDirs;
use egui::Context;

use super::parts::in_background;

/// Asks for the folder for documents, or the home folder where there is none; it is empty where there is neither. A frame
/// is drawn once it is known.
pub fn documents(ctx: &Context) -> Receiver<PathBuf> {
    let (send, receive) = mpsc::channel();
    let ctx = ctx.clone();
    in_background("documents", move || {
        let dirs = UserDirs::new();
        let folder = dirs.as_ref();
        let folder = folder.map(|dirs| dirs.document_dir().unwrap_or(dirs.home_dir()));
        // If what asked was closed meanwhile, nobody receives this.
        let _ = send.send(folder.unwrap_or("".as_ref()).to_owned());
        ctx.request_repaint();
    });
    receive
}

/// The folder for downloads, or the home folder where there is none; `None` where there is neither. Reads the disk.
#[must_use]
pub fn downloads() -> Option<PathBuf> {
    let dirs = UserDirs::new()?;
    let folder = dirs.download_dir().unwrap_or(dirs.home_dir());
    Some(folder.to_owned())
}
