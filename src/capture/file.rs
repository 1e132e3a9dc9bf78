//! The files of captures, whatever their format.

use std::path::Path;

use super::{Capture, har, tscap};

/// Largest file of a capture that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 512 << 20;

/// A format in which a capture is saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureFormat {
    /// Lines of JSON: [`tscap`].
    Tscap,
    /// HAR 1.2: [`har`].
    Har,
}

/// Why a file is no capture. The text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureFileError {
    /// It begins as a `.tscap` file.
    #[error(transparent)]
    Tscap(#[from] tscap::TscapError),
    /// It is a HAR that can't be read back.
    #[error(transparent)]
    Har(har::HarError),
    /// It is neither.
    #[error(
        "it is neither a .tscap nor a .har file ({0}): save a run as one with `tokenscope inspect RUN --save FILE`"
    )]
    Neither(String),
}

impl CaptureFormat {
    /// The format that the end of a file's name says.
    #[must_use]
    pub fn of_name(file: &Path) -> Option<Self> {
        let end = file.extension()?.to_ascii_lowercase();
        match end.to_str()? {
            "tscap" => Some(Self::Tscap),
            "har" => Some(Self::Har),
            _ => None,
        }
    }

    /// A capture in this format.
    #[must_use]
    pub fn write(self, capture: &Capture) -> String {
        match self {
            Self::Tscap => tscap::write(capture),
            Self::Har => har::write(capture),
        }
    }
}

/// Reads the text of a file in either format.
///
/// # Errors
/// If it is no capture.
pub fn read(text: &str) -> Result<Capture, CaptureFileError> {
    if text.trim_start().starts_with("{\"tscap\"") {
        return Ok(tscap::read(text)?);
    }
    har::read(text).map_err(|error| match error {
        har::HarError::NoHar(why) => CaptureFileError::Neither(why),
        error => CaptureFileError::Har(error),
    })
}

#[cfg(test)]
mod tests {
    use super::{super::tests as samples, *};

    #[test]
    fn either_format_is_told_by_its_text() {
        let capture = samples::streamed();
        for (name, format) in [
            ("a.har", CaptureFormat::Har),
            ("b/A.TSCAP", CaptureFormat::Tscap),
        ] {
            assert_eq!(CaptureFormat::of_name(Path::new(name)), Some(format));
            assert_eq!(read(&format.write(&capture)).as_ref(), Ok(&capture));
        }
        for name in ["har", "a.txt", ""] {
            assert_eq!(CaptureFormat::of_name(Path::new(name)), None, "{name}");
        }
        assert!(matches!(read("data: x"), Err(CaptureFileError::Neither(_))));
        assert!(matches!(
            read("{\"tscap\":1}"),
            Err(CaptureFileError::Tscap(_))
        ));
    }
}
