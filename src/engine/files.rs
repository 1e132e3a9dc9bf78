//! Reads files to attach; their types are told by content, not by name.

use std::path::Path;

use crate::chat::Media;

/// Largest file taken, in bytes: providers take no more within a request.
const MAX_BYTES: u64 = 20 * 1024 * 1024;

/// Reads one file; the error says what was wrong with it.
pub(super) fn read(file: &Path) -> Result<Media, String> {
    let name = file.file_name().map_or_else(
        || file.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    let known = std::fs::metadata(file).map_err(|why| format!("{name}: {why}"))?;
    // Reading a pipe or a device may never end.
    if !known.is_file() {
        return Err(format!("{name} is no file: choose one that is"));
    }
    let size = known.len();
    if size > MAX_BYTES {
        return Err(format!(
            "{name} has {} MB; a file in a request may have up to {} MB: larger ones are sent by address (gs://, https://)",
            size / 1_000_000,
            MAX_BYTES / 1_000_000
        ));
    }
    let data = std::fs::read(file).map_err(|why| format!("{name}: {why}"))?;
    Media::of_bytes(data, name)
}
