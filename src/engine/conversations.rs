//! Conversations that come from a file.

use std::path::PathBuf;

use tokio::task::spawn_blocking;

use crate::{
    conversation_file::{LeftOut, read_file},
    history::{History, ImportedCount},
};

/// What was imported of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedFile {
    /// Which program wrote it.
    pub source: &'static str,
    /// What is in the history now.
    pub count: ImportedCount,
    /// What of the file is not.
    pub left_out: LeftOut,
}

/// Imports a file: all of its conversations, or none.
///
/// # Errors
/// Why it is refused, in words.
pub(super) async fn import(history: &History, path: PathBuf) -> Result<ImportedFile, String> {
    let read = spawn_blocking(move || read_file(&path)).await;
    let read = read.map_err(|error| error.to_string())?;
    let read = read.map_err(|error| error.to_string())?;
    let count = history.import_conversations(read.conversations).await;
    Ok(ImportedFile {
        source: read.source,
        count: count.map_err(|error| error.to_string())?,
        left_out: read.left_out,
    })
}
