//! Reads image files and checks them by content, not by name.

use std::path::Path;

use crate::chat::Media;

/// Largest image file taken, in bytes: above it every provider refuses.
const MAX_BYTES: u64 = 20 * 1024 * 1024;

/// Reads one image file; the error says what was wrong with it.
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
            "{name} has {} MB; images may have up to {} MB",
            size / 1_000_000,
            MAX_BYTES / 1_000_000
        ));
    }
    let data = std::fs::read(file).map_err(|why| format!("{name}: {why}"))?;
    Media::of_bytes(data, name)
}
