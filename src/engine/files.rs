//! Reads files to attach; their types follow from the content, not from the name.

use std::path::Path;

use crate::{
    chat::Media,
    input::{self, InputError, Why},
};

/// Largest file, in bytes. No provider accepts more in a request; many accept less and return an error.
pub const MAX_BYTES: u64 = 100 << 20;

/// Reads one file.
///
/// # Errors
/// A sentence for the user: the file can't be read, is too large, or has a type that no model accepts.
pub fn read(file: &Path) -> Result<Media, String> {
    // Providers get the name only: the folders are private.
    let name = file.file_name().map_or_else(
        || file.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    match input::bytes(file, MAX_BYTES) {
        Ok(data) => Media::of_bytes(data, name),
        Err(InputError {
            why: Why::TooLarge(limit),
            ..
        }) => Err(format!(
            "{name} is larger than the limit of {} MiB: send it by URL (gs://, https://)",
            limit >> 20
        )),
        Err(why) => Err(why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_only_its_name_and_a_size_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.md");
        std::fs::write(&file, "# Notes").unwrap();
        let media = read(&file).unwrap();
        assert_eq!(
            (media.name.as_str(), media.mime.as_str()),
            ("notes.md", "text/plain")
        );
        std::fs::File::options()
            .write(true)
            .open(&file)
            .and_then(|open| open.set_len(MAX_BYTES + 1))
            .unwrap();
        let why = read(&file).unwrap_err();
        assert!(
            why.starts_with("notes.md is larger than the limit of 100 MiB"),
            "{why}"
        );
        let why = read(folder.path()).unwrap_err();
        assert!(why.ends_with("is a folder, not a file"), "{why}");
        assert!(read(&folder.path().join("none")).is_err());
    }
}
