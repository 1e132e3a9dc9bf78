//! The files that arguments name, and standard input.

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

/// What stands for standard input where a file is named.
pub(super) const STDIN: &str = "-";

/// The largest text that a question is made of: a prompt, a schema, a result, …
pub(super) const MAX_TEXT: u64 = 64 << 20;

/// The largest file that holds whole requests: a body or a session, with their files in base64.
pub(super) const MAX_BODY: u64 = 256 << 20;

/// How long standard input may keep silent before it is said that it is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Other names of standard input.
const STDIN_FILES: &[&str] = &["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

impl From<InputError> for UsageError {
    fn from(why: InputError) -> Self {
        Self::new(why)
    }
}

/// What a file is called in a message.
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

/// The text of a file, or of standard input; `used_for` is the argument that names it.
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
    Ok(patiently(&name(path), || {
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

/// Standard input gives its bytes once.
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

/// Does something that may wait for someone else, and says so when it does.
fn patiently<T>(waits_for: &str, work: impl FnOnce() -> T) -> T {
    let (done, waiting) = channel::<()>();
    let text = format!("waiting for the end of {waits_for}");
    // Without a thread it is waited in silence.
    let teller = thread::Builder::new().spawn(move || {
        if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            note(&text);
        }
    });
    let result = work();
    drop(done);
    if let Ok(teller) = teller {
        let _ = teller.join();
    }
    result
}
