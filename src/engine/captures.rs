//! What went over the wire of runs: loaded from the history, opened from files, saved to files.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::task::spawn_blocking;

use super::Reply;
use crate::{
    capture::{self, Capture, CaptureFormat, DecodedCapture, RunReplay},
    conformance::{Finding, findings},
    history::{History, KeptCapture},
    input, private,
    run::{OffsetNs, Run, RunId, RunUpdate},
};

/// About captures.
#[derive(Debug)]
pub enum CaptureCommand {
    /// Loads what went over the wire of a run that is over.
    Load {
        /// The run.
        id: RunId,
        /// The capture, or why it can't be read.
        reply: Reply<Result<LoadedCapture, String>>,
    },
    /// Opens the file of a capture.
    Open {
        /// The file.
        path: PathBuf,
        /// The capture, or why it can't be read.
        reply: Reply<Result<Arc<OpenedCapture>, String>>,
    },
    /// Saves a capture to a file.
    Save {
        /// Which.
        of: CaptureSource,
        /// What of it.
        what: SavedAs,
        /// Where to.
        to: PathBuf,
        /// What was written, or why it was not; as a sentence without its period.
        reply: Reply<Result<String, String>>,
    },
}

/// What the history has of the wire of a run.
#[derive(Clone, Debug)]
pub enum LoadedCapture {
    /// Its capture.
    Kept(Arc<DecodedCapture>),
    /// None, and why, as a sentence without its period.
    Gone(&'static str),
}

/// Where a capture is.
#[derive(Clone, Debug)]
pub enum CaptureSource {
    /// In the history.
    Run(RunId),
    /// In memory: it was opened from a file.
    Opened(Arc<OpenedCapture>),
}

/// What is saved of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedAs {
    /// All, in one of its formats.
    Whole(CaptureFormat),
    /// The body of the response, byte for byte.
    Body,
}

/// A capture from a file, decoded again.
#[derive(Debug)]
pub struct OpenedCapture {
    /// The file's name, without its folders.
    pub name: String,
    /// The capture with its frames.
    pub decoded: Arc<DecodedCapture>,
    /// The updates of its run, each with the time when it is due in a replay.
    pub updates: Vec<(OffsetNs, RunUpdate)>,
    /// The run as it was when it was over.
    pub run: Run,
    /// What was found in it.
    pub findings: Arc<[Finding]>,
}

impl OpenedCapture {
    /// Reads a file, and decodes its capture. It may take long: never call it on the UI thread.
    ///
    /// # Errors
    /// If it can't be read, or is no capture.
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy().into_owned();
        let text = input::text(path, capture::MAX_FILE_BYTES).map_err(|why| why.to_string())?;
        let capture = capture::read(&text).map_err(|why| format!("{name}: {why}"))?;
        Self::of(name, capture)
    }

    /// Decodes a capture of a file of this name.
    ///
    /// # Errors
    /// If its updates don't follow each other.
    pub fn of(name: String, capture: Capture) -> Result<Self, String> {
        let request = capture.request.as_ref();
        let url = request.map_or("", |request| &request.url);
        let mut run = Run::new(capture.run.head(url));
        let updates: Vec<_> = RunReplay::new(&capture).collect();
        for (_, update) in &updates {
            (run.apply(update)).map_err(|why| format!("{name} contradicts itself: {why}"))?;
        }
        Ok(Self {
            name,
            decoded: Arc::new(DecodedCapture::of(capture)),
            updates,
            findings: findings(&run).into(),
            run,
        })
    }
}

/// The capture of a run, decoded.
pub(super) async fn load(history: History, id: RunId) -> Result<LoadedCapture, String> {
    let kept = history.capture(id).await;
    match kept.map_err(|error| error.to_string())? {
        KeptCapture::Kept(capture) => {
            let decoded = spawn_blocking(|| DecodedCapture::of(*capture)).await;
            let decoded = decoded.map_err(|error| error.to_string())?;
            Ok(LoadedCapture::Kept(Arc::new(decoded)))
        }
        gone => Ok(LoadedCapture::Gone(gone.why_gone().unwrap_or_default())),
    }
}

/// Opens a file.
pub(super) async fn open(path: PathBuf) -> Result<Arc<OpenedCapture>, String> {
    let opened = spawn_blocking(move || OpenedCapture::read(&path)).await;
    opened.map_err(|error| error.to_string())?.map(Arc::new)
}

/// Writes a capture, or a part of it, to a file; says what was written.
pub(super) async fn save(
    history: Option<History>,
    of: CaptureSource,
    what: SavedAs,
    to: PathBuf,
) -> Result<String, String> {
    let written = match of {
        CaptureSource::Opened(opened) => {
            spawn_blocking(move || write(&opened.decoded.capture, what, &to))
        }
        CaptureSource::Run(id) => {
            let history = history.ok_or("there is no history")?;
            let kept = history.capture(id).await;
            match kept.map_err(|error| error.to_string())? {
                KeptCapture::Kept(capture) => spawn_blocking(move || write(&capture, what, &to)),
                gone => return Err(gone.why_gone().unwrap_or_default().to_owned()),
            }
        }
    };
    written.await.map_err(|error| error.to_string())?
}

fn write(capture: &Capture, what: SavedAs, to: &Path) -> Result<String, String> {
    let replace = |bytes: &[u8]| {
        private::replace(to, bytes)
            .map_err(|error| format!("{} can't be written: {error}", to.display()))
    };
    let missing = match what {
        SavedAs::Whole(format) => {
            replace(format.write(capture).as_bytes())?;
            None
        }
        SavedAs::Body => {
            let response = capture.response.as_ref().ok_or("there was no response")?;
            if response.body.is_withheld {
                return Err(response.body.missing().unwrap_or_default());
            }
            replace(&response.body.bytes)?;
            response.body.missing()
        }
    };
    let missing = missing.map_or_else(String::new, |missing| format!(" ({missing})"));
    Ok(format!("Written to {}{missing}", to.display()))
}
