//! The only access to standard output and standard error: all text is made safe for a terminal, and errors of writing
//! to standard error are ignored.

use std::io::{self, BufWriter, StderrLock, StdoutLock, Write};

use crate::visible::Guard;

/// A writer that makes text safe for a terminal. The last characters may be held back until the next write:
/// [`Printer::end`] writes them.
pub struct Printer<W: Write> {
    to: W,
    guard: Guard,
}

/// Standard output, written at each line's end and by `flush`.
pub(super) fn stdout() -> Printer<StdoutLock<'static>> {
    Printer::new(io::stdout().lock())
}

/// Standard output, in large pieces.
pub(super) fn buffered_stdout() -> Printer<BufWriter<StdoutLock<'static>>> {
    Printer::new(BufWriter::with_capacity(1 << 16, io::stdout().lock()))
}

/// Standard error. Writing to it can't fail: errors are ignored.
#[must_use]
pub fn stderr() -> Printer<IgnoreErrors<StderrLock<'static>>> {
    Printer::new(IgnoreErrors(io::stderr().lock()))
}

impl<W: Write> Printer<W> {
    fn new(to: W) -> Self {
        Self {
            to,
            guard: Guard::default(),
        }
    }

    /// Writes the characters that were held back, and flushes.
    pub(super) fn end(&mut self) -> io::Result<()> {
        let rest = self.guard.end();
        self.to.write_all(rest.as_bytes())?;
        self.to.flush()
    }
}

impl<W: Write> Write for Printer<W> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let text = &text[..whole_characters(text)];
        let safe = self.guard.push(&String::from_utf8_lossy(text));
        self.to.write_all(safe.as_bytes())?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl<W: Write> Drop for Printer<W> {
    fn drop(&mut self) {
        // Callers that need the error call `end`.
        let _ = self.end();
    }
}

/// How many bytes of a text to write at once: not a copy of all of a long answer, and only whole characters.
fn whole_characters(text: &[u8]) -> usize {
    const MOST: usize = 64 << 10;
    let begins = |at: &usize| text[*at] & 0xC0 != 0x80;
    match text.len() {
        length if length <= MOST => length,
        _ => (MOST - 3..=MOST).rev().find(begins).unwrap_or(MOST),
    }
}

/// A writer that ignores errors.
pub struct IgnoreErrors<W: Write>(W);

impl<W: Write> Write for IgnoreErrors<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A full disk.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn text_printed_in_pieces_is_made_visible_as_a_whole() {
        let mut out = Vec::new();
        let mut printer = Printer::new(&mut out);
        for piece in ["a\x1b[2J👩", "\u{200d}", "🚀 \u{200d}", "b\r", "\n"] {
            write!(printer, "{piece}").unwrap();
        }
        drop(printer);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "a\\u{1b}[2J👩\u{200d}🚀 \\u{200d}b\n"
        );
    }

    #[test]
    fn a_long_text_is_whole() {
        let text = "aé中👩".repeat(40_000);
        for skipped in ["", "x", "xx", "xxx"] {
            let mut out = Vec::new();
            let text = format!("{skipped}{text}");
            write!(Printer::new(&mut out), "{text}").unwrap();
            assert!(out == text.as_bytes());
        }
    }

    #[test]
    fn a_full_disk_fails_the_output_and_not_the_remarks() {
        assert!(write!(Printer::new(Full), "text").is_err());
        assert!(Printer::new(Full).end().is_err());
        let mut remarks = Printer::new(IgnoreErrors(Full));
        assert!(write!(remarks, "text").is_ok() && remarks.end().is_ok());
    }
}
