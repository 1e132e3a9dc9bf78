//! Reads files to attach; their types are told by content, not by name.

use std::path::Path;

use crate::chat::Media;

/// Largest file taken, in bytes. No provider takes more within a request; many take less, and say so.
const MAX_BYTES: u64 = 100 << 20;

/// Reads one file; the error says what was wrong with it.
///
/// # Errors
/// A sentence for the user: it can't be read, is too large, or of no kind that a model could be sent.
pub fn read(file: &Path) -> Result<Media, String> {
    // Its folders are nobody's business but the user's: providers are told the name.
    let name = file.file_name().map_or_else(
        || file.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    let known = std::fs::metadata(file).map_err(|why| format!("{}: {why}", file.display()))?;
    // Reading a pipe or a device may never end.
    if !known.is_file() {
        return Err(format!("{name} is no file: choose one that is"));
    }
    if known.len() > MAX_BYTES {
        return Err(format!(
            "{name} is larger than the {} MiB that a request may carry: send it by address (gs://, https://)",
            MAX_BYTES >> 20
        ));
    }
    let data = std::fs::read(file).map_err(|why| format!("{}: {why}", file.display()))?;
    Media::of_bytes(data, name)
}
