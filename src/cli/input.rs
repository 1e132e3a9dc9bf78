//! Reads files of arguments, and standard input.

use std::{
    io::{self, IsTerminal as _, Read},
    path::Path,
    sync::{
        Mutex, PoisonError,
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

use super::{UsageError, note};
use crate::input::{self as given, InputError};

/// The name of standard input in place of a file.
pub(super) const STDIN: &str = "-";

/// Largest text of a question (prompt, schema, result, …), in bytes.
pub(super) const MAX_TEXT: u64 = 64 << 20;

/// Largest body or session with files in base64, in bytes.
pub(super) const MAX_BODY: u64 = 256 << 20;

/// How long to wait for standard input before saying so.
const QUIET_WAIT: Duration = Duration::from_secs(1);

/// Other names of standard input.
const STDIN_FILES: &[&str] = &["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

impl From<InputError> for UsageError {
    fn from(why: InputError) -> Self {
        Self::new(why)
    }
}

/// The name of a file in messages.
pub(super) fn name(path: &Path) -> String {
    if is_stdin(path) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new(STDIN) || STDIN_FILES.iter().any(|name| path == Path::new(name))
}

/// The text of a file, or of standard input; `used_for` is the argument that it is for.
pub(super) fn text(used_for: &'static str, path: &Path, limit: u64) -> Result<String, UsageError> {
    let bytes = bytes(used_for, path, limit)?;
    Ok(given::into_text(bytes, &name(path))?)
}

/// The bytes of a file, or of standard input.
pub(super) fn bytes(
    used_for: &'static str,
    path: &Path,
    limit: u64,
) -> Result<Vec<u8>, UsageError> {
    let from = open(used_for, path)?;
    Ok(with_wait_note(&name(path), || {
        given::all(from, &name(path), limit)
    })?)
}

/// Opens a file, or standard input.
pub(super) fn open(used_for: &'static str, path: &Path) -> Result<Box<dyn Read>, UsageError> {
    if !is_stdin(path) {
        return Ok(Box::new(given::open(path)?));
    }
    take_stdin(used_for)?;
    if io::stdin().is_terminal() {
        note("reading standard input: end it with Ctrl-D");
    }
    Ok(Box::new(io::stdin().lock()))
}

/// Fails if standard input was used before: it can be read only once.
fn take_stdin(used_for: &'static str) -> Result<(), UsageError> {
    static TAKEN: Mutex<Option<&str>> = Mutex::new(None);
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    match taken.replace(used_for) {
        None => Ok(()),
        Some(before) => Err(UsageError::new(format!(
            "standard input is read as the {before} already: give the {used_for} another way"
        ))),
    }
}

/// Does work that may wait for someone else, and says so if it takes long.
fn with_wait_note<T>(waits_for: &str, work: impl FnOnce() -> T) -> T {
    let (done, waiting) = channel::<()>();
    let text = format!("waiting for the end of {waits_for}");
    // Without a thread, it waits without saying so.
    let reporter = thread::Builder::new().spawn(move || {
        if waiting.recv_timeout(QUIET_WAIT) == Err(RecvTimeoutError::Timeout) {
            note(&text);
        }
    });
    let result = work();
    drop(done);
    if let Ok(reporter) = reporter {
        let _ = reporter.join();
    }
    result
}
