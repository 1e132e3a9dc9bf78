//! What commands that serve have in common.

use std::io::{self, Write as _};

use super::terminal::stderr;

/// Waits for Ctrl-C or SIGTERM.
pub(super) async fn stopped() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// Prints a line of the log.
pub(super) fn log_to_stderr(line: &str) {
    // Writing to it can't fail.
    let _ = writeln!(stderr(), "{line}");
}
