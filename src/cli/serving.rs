//! What commands that serve have in common.

use std::io::{self, Write as _};

use super::terminal::stderr;

/// Waits for Ctrl-C or SIGTERM. They are listened for from the call on: whoever is told an address may send one at once.
///
/// # Errors
/// If they can't be listened for.
pub(super) fn stopped() -> io::Result<impl Future<Output = io::Result<()>>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            Ok(())
        })
    }
    #[cfg(not(unix))]
    Ok(tokio::signal::ctrl_c())
}

/// Prints a line of the log.
pub(super) fn log_to_stderr(line: &str) {
    // Writing to it can't fail.
    let _ = writeln!(stderr(), "{line}");
}
