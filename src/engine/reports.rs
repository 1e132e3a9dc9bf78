//! Writes reports, each as one HTML file.

use std::path::Path;

use crate::private;

/// Has a report made and written on a thread of its own: both may take a while.
///
/// # Errors
/// Why it is not written, in words.
pub(super) async fn write_report(
    to: &Path,
    html: impl FnOnce() -> String + Send + 'static,
) -> Result<(), String> {
    let to = to.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        private::write_out(&to, html().as_bytes())
            .map_err(|why| format!("{} can't be written: {why}", to.display()))
    });
    written.await.map_err(|why| why.to_string())?
}
