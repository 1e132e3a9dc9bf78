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
    let size = std::fs::metadata(file)
        .map_err(|why| format!("{name}: {why}"))?
        .len();
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
