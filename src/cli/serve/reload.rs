//! Reading the settings again at SIGHUP.

use std::io;

/// Waits for the end, and calls back at each SIGHUP until then.
pub(super) async fn until(
    end: impl Future<Output = io::Result<()>>,
    mut reload: impl FnMut(),
) -> io::Result<()> {
    let mut end = std::pin::pin!(end);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangups = signal(SignalKind::hangup())?;
        loop {
            tokio::select! {
                ended = &mut end => return ended,
                _ = hangups.recv() => reload(),
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _ = &mut reload;
        end.await
    }
}
