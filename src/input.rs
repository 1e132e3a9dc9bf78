//! Input of the user: files, pipes and standard input.
//!
//! In: a path. Out: its bytes or its text, up to a limit, or words that say why not. A device, a folder, a named pipe
//! or a file of the kernel's is never read: that may take gigabytes, or never end.

use std::{
    borrow::Cow,
    fmt,
    fs::{File, FileType, Metadata},
    io::{self, Read},
    path::Path,
};

/// Why an input could not be read: `{name} {why}`.
#[derive(Debug, thiserror::Error)]
#[error("{name} {why}")]
pub struct InputError {
    /// The input's name.
    pub name: String,
    /// What is wrong with it.
    pub why: Why,
}

/// What is wrong with an input: a phrase that follows its name.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// Nothing is there.
    #[error("does not exist")]
    Missing,
    /// It is a folder, a device, …
    #[error("is {0}, not a file")]
    NoFile(&'static str),
    /// It holds more bytes than this.
    #[error("is larger than {}, the most that is read here", size(*.0))]
    TooLarge(u64),
    /// It is not text.
    #[error("is not text: {0}")]
    NotText(#[from] NotText),
    /// The system's reason.
    #[error("can't be read: {0}")]
    Io(io::Error),
}

impl InputError {
    /// Whether there is simply no such file.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self.why, Why::Missing)
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..0x400 => format!("{bytes} bytes"),
        0x400..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

/// All bytes of a file, or of a pipe that is already open (`/dev/fd/63`, as a shell writes `<(…)`).
///
/// # Errors
/// If it is no such thing, larger than `limit` bytes, or can't be read.
pub fn bytes(path: &Path, limit: u64) -> Result<Vec<u8>, InputError> {
    let name = path.display().to_string();
    all(open(path)?, &name, limit)
}

/// All text of a file or an open pipe, in UTF-8 or UTF-16.
///
/// # Errors
/// As [`bytes()`], and if it is not text.
pub fn text(path: &Path, limit: u64) -> Result<String, InputError> {
    let bytes = bytes(path, limit)?;
    into_text(bytes, &path.display().to_string())
}

/// Opens a file or an open pipe; a file gives no more than it held at that moment.
///
/// # Errors
/// If it is no such thing, or can't be opened.
pub fn open(path: &Path) -> Result<impl Read + use<>, InputError> {
    let failed = |why| InputError {
        name: path.display().to_string(),
        why,
    };
    let of_system = |why: io::Error| {
        failed(match why.kind() {
            io::ErrorKind::NotFound => Why::Missing,
            _ => Why::Io(why),
        })
    };
    let known = std::fs::metadata(path).map_err(of_system)?;
    let most = most_bytes(path, &known).map_err(|kind| failed(Why::NoFile(kind)))?;
    Ok(File::open(path).map_err(of_system)?.take(most))
}

/// How many bytes may be read of it; else what it is. The kernel's own files (`/proc/kmsg`) say that they are empty,
/// and may never end.
fn most_bytes(path: &Path, known: &Metadata) -> Result<u64, &'static str> {
    if known.is_file() {
        return Ok(known.len());
    }
    // No file, as shells write it.
    if path
        .canonicalize()
        .is_ok_and(|path| path == Path::new("/dev/null"))
    {
        return Ok(0);
    }
    let kind = kind(known.file_type());
    // Whoever opened it writes to it; a pipe with a name would have to wait for someone who does.
    let is_open_pipe = kind == PIPE && OPEN.iter().any(|folder| path.starts_with(folder));
    if is_open_pipe {
        Ok(u64::MAX)
    } else {
        Err(kind)
    }
}

const PIPE: &str = "a named pipe";

/// Where the files stand that a process has open.
const OPEN: &[&str] = &["/dev/fd", "/dev/stdin", "/proc"];

fn kind(of: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if of.is_fifo() {
            return PIPE;
        }
        if of.is_socket() {
            return "a socket";
        }
    }
    if of.is_dir() { "a folder" } else { "a device" }
}

/// All bytes of something that is open, by its name.
///
/// # Errors
/// If there are more than `limit`, or they can't be read.
pub fn all(from: impl Read, name: &str, limit: u64) -> Result<Vec<u8>, InputError> {
    let failed = |why| InputError {
        name: name.to_owned(),
        why,
    };
    let mut bytes = Vec::new();
    let mut limited = from.take(limit.saturating_add(1));
    let read = limited.read_to_end(&mut bytes);
    let read = read.map_err(|why| failed(Why::Io(why)))?;
    if u64::try_from(read).is_ok_and(|read| read <= limit) {
        Ok(bytes)
    } else {
        Err(failed(Why::TooLarge(limit)))
    }
}

/// The text that something of this name holds.
///
/// # Errors
/// If it is not text.
pub fn into_text(bytes: Vec<u8>, name: &str) -> Result<String, InputError> {
    let wrong = |why: NotText| InputError {
        name: name.to_owned(),
        why: why.into(),
    };
    match text_of(&bytes).map_err(wrong)? {
        Cow::Borrowed(text) if text.len() < bytes.len() => Ok(text.to_owned()),
        Cow::Owned(text) => Ok(text),
        // Checked above: nothing is replaced, and nothing copied.
        Cow::Borrowed(_) => Ok(String::from_utf8(bytes).unwrap_or_default()),
    }
}

/// Where bytes stop being text.
#[derive(Debug, PartialEq, Eq)]
pub struct NotText {
    encoding: &'static str,
    byte: usize,
    line: usize,
}

impl std::error::Error for NotText {}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            encoding,
            byte,
            line,
        } = self;
        write!(
            f,
            "byte {byte} (in line {line}) is not {encoding}; save it as UTF-8"
        )
    }
}

/// The text of these bytes: UTF-8, or UTF-16 as Windows PowerShell writes it, with or without a byte order mark (which
/// is no part of the text).
///
/// # Errors
/// With the first place that is not text.
pub fn text_of(bytes: &[u8]) -> Result<Cow<'_, str>, NotText> {
    match encoding_of(bytes) {
        Encoding::Utf8 => utf8(bytes),
        Encoding::Utf16(order) => utf16(bytes, order).map(Cow::Owned),
    }
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// How bytes spell text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    Utf8,
    /// UTF-16, likewise.
    Utf16(ByteOrder),
}

/// Which byte of two comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// The low one.
    Little,
    /// The high one.
    Big,
}

impl ByteOrder {
    /// The number that two bytes spell.
    #[must_use]
    pub fn unit(self, pair: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(pair),
            Self::Big => u16::from_be_bytes(pair),
        }
    }
}

/// How the text is spelt that begins with these bytes. Without a mark UTF-16 is known by the zeros of its ASCII
/// characters, which stand on one side.
#[must_use]
pub fn encoding_of(bytes: &[u8]) -> Encoding {
    const SAMPLE: usize = 1024;
    if bytes.starts_with(b"\xff\xfe") {
        return Encoding::Utf16(ByteOrder::Little);
    }
    if bytes.starts_with(b"\xfe\xff") {
        return Encoding::Utf16(ByteOrder::Big);
    }
    let pairs = bytes.chunks_exact(2).take(SAMPLE / 2);
    let zeros = |side: usize| pairs.clone().filter(|pair| pair[side] == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    let spells = |order| {
        let units = pairs.clone().map(|pair| order_unit(order, pair));
        char::decode_utf16(units)
            .filter_map(Result::ok)
            .all(|c| !c.is_control() || c.is_ascii_whitespace())
    };
    if low > 4 * high && spells(ByteOrder::Little) {
        Encoding::Utf16(ByteOrder::Little)
    } else if high > 4 * low && spells(ByteOrder::Big) {
        Encoding::Utf16(ByteOrder::Big)
    } else {
        Encoding::Utf8
    }
}

fn order_unit(order: ByteOrder, pair: &[u8]) -> u16 {
    order.unit([pair[0], pair[1]])
}

fn utf8(bytes: &[u8]) -> Result<Cow<'_, str>, NotText> {
    let bare = bytes.strip_prefix(BOM).unwrap_or(bytes);
    let text = std::str::from_utf8(bare).map_err(|why| {
        let good = why.valid_up_to();
        NotText {
            encoding: "UTF-8",
            byte: bytes.len() - bare.len() + good,
            line: bare[..good].split(|byte| *byte == b'\n').count(),
        }
    });
    text.map(Cow::Borrowed)
}

fn utf16(bytes: &[u8], order: ByteOrder) -> Result<String, NotText> {
    let pairs = bytes.chunks_exact(2);
    let cut = !pairs.remainder().is_empty();
    let mut text = String::with_capacity(bytes.len());
    let wrong = |text: &String, byte: usize| NotText {
        encoding: "UTF-16",
        byte,
        line: 1 + text.matches('\n').count(),
    };
    let mut byte = 0;
    for c in char::decode_utf16(pairs.map(|pair| order_unit(order, pair))) {
        let Ok(c) = c else {
            return Err(wrong(&text, byte));
        };
        if byte > 0 || c != '\u{feff}' {
            text.push(c);
        }
        byte += 2 * c.len_utf16();
    }
    if cut {
        Err(wrong(&text, byte))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16_bytes(text: &str, order: ByteOrder) -> Vec<u8> {
        let units = text.encode_utf16();
        let bytes = units.map(|unit| match order {
            ByteOrder::Little => unit.to_le_bytes(),
            ByteOrder::Big => unit.to_be_bytes(),
        });
        bytes.flatten().collect()
    }

    #[test]
    fn text_is_read_however_it_is_spelt() {
        let text = "{\"a\": \"é 你好 👩 一一一\"}\r\n";
        let bare = "{\"model\": \"m\", \"messages\": [\"一\"]}\r\n";
        let marked = format!("\u{feff}{text}");
        let (little, big) = (ByteOrder::Little, ByteOrder::Big);
        for (bytes, said) in [
            (text.as_bytes().to_vec(), text),
            (marked.as_bytes().to_vec(), text),
            (utf16_bytes(&marked, little), text),
            (utf16_bytes(&marked, big), text),
            (utf16_bytes(bare, little), bare),
            (utf16_bytes(bare, big), bare),
            (utf16_bytes("{}", little), "{}"),
            (Vec::new(), ""),
        ] {
            assert_eq!(text_of(&bytes).as_deref(), Ok(said), "{bytes:?}");
            assert_eq!(into_text(bytes, "x").unwrap(), said);
        }
    }

    #[test]
    fn what_is_no_text_is_told_with_its_place() {
        let mut lone = utf16_bytes("\u{feff}a\nb", ByteOrder::Little);
        lone.extend([0, 0xd8, b'c', 0]);
        for (bytes, said) in [
            (
                b"a\nb\xffc".as_slice(),
                "byte 3 (in line 2) is not UTF-8; save it as UTF-8",
            ),
            (
                b"\xef\xbb\xbfab\xe9",
                "byte 5 (in line 1) is not UTF-8; save it as UTF-8",
            ),
            (
                b"\xff\xfea\0b",
                "byte 4 (in line 1) is not UTF-16; save it as UTF-8",
            ),
            (&lone, "byte 8 (in line 2) is not UTF-16; save it as UTF-8"),
            (
                b"\x1f\x8b\x08\0\0\0",
                "byte 1 (in line 1) is not UTF-8; save it as UTF-8",
            ),
        ] {
            assert_eq!(text_of(bytes).unwrap_err().to_string(), said, "{bytes:?}");
        }
    }

    #[test]
    fn only_files_are_read_and_only_to_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.txt");
        std::fs::write(&file, "12345").unwrap();
        assert_eq!(bytes(&file, 5).unwrap(), b"12345");
        let why = bytes(&file, 4).unwrap_err().to_string();
        assert!(
            why.ends_with("is larger than 4 bytes, the most that is read here"),
            "{why}"
        );
        let none = bytes(&folder.path().join("none"), 4).unwrap_err();
        assert!(none.is_missing() && none.to_string().ends_with("none does not exist"));
        let why = bytes(folder.path(), 4).unwrap_err().to_string();
        assert!(why.ends_with(" is a folder, not a file"), "{why}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_may_never_end_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let socket = folder.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, said) in [
            (pipe.as_path(), "is a named pipe, not a file"),
            (&socket, "is a socket, not a file"),
            (Path::new("/dev/zero"), "is a device, not a file"),
            (Path::new("/dev/full"), "is a device, not a file"),
        ] {
            let why = bytes(path, 1 << 20).unwrap_err().to_string();
            assert!(why.ends_with(said), "{why}");
        }
        assert_eq!(bytes(Path::new("/dev/null"), 4).unwrap(), b"");
        // A file of the kernel's, whose size is told as 0.
        assert_eq!(bytes(Path::new("/proc/self/status"), 1 << 20).unwrap(), b"");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_that_is_open_is_read_to_the_limit() {
        use std::{io::Write as _, os::fd::AsRawFd as _};
        for (limit, fits) in [(5, true), (4, false)] {
            let (reader, mut writer) = io::pipe().unwrap();
            writer.write_all(b"12345").unwrap();
            drop(writer);
            let path = format!("/dev/fd/{}", reader.as_raw_fd());
            assert_eq!(bytes(Path::new(&path), limit).is_ok(), fits);
        }
    }
}
