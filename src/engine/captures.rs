//! Loads and saves what went over the wire of runs.

use std::path::PathBuf;

use tokio::task::spawn_blocking;

use crate::{
    capture::{CaptureFormat, WireFrames},
    history::{History, KeptCapture},
    private,
    run::RunId,
};

/// The capture of a run, decoded frame by frame; none of either where it is gone.
pub(super) async fn load(history: History, id: RunId) -> Result<(KeptCapture, WireFrames), String> {
    let kept = history.capture(id).await;
    let kept = kept.map_err(|error| error.to_string())?;
    let decoded = spawn_blocking(move || {
        let frames = match &kept {
            KeptCapture::Kept(capture) => WireFrames::of(capture),
            KeptCapture::Removed(_) | KeptCapture::Never => WireFrames::default(),
        };
        (kept, frames)
    });
    decoded.await.map_err(|error| error.to_string())
}

/// Writes the capture of a run to a file.
pub(super) async fn save(history: History, id: RunId, to: PathBuf) -> Result<(), String> {
    let format = CaptureFormat::of_name(&to)
        .ok_or("the name of the file ends neither in .har nor in .tscap")?;
    let kept = history.capture(id).await;
    let kept = kept.map_err(|error| error.to_string())?;
    let KeptCapture::Kept(capture) = kept else {
        return Err(kept.why_gone().unwrap_or_default().to_owned());
    };
    let written = spawn_blocking(move || {
        let text = format.write(&capture);
        private::replace(&to, text.as_bytes())
            .map_err(|error| format!("{} can't be written: {error}", to.display()))
    });
    written.await.map_err(|error| error.to_string())?
}
