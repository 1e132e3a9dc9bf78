//! Reading the settings again at SIGHUP.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The SIGHUPs since it was made. From then on none ends the program.
pub(super) struct Hangups {
    #[cfg(unix)]
    signals: Signal,
}

impl Hangups {
    /// Begins to listen for them. One that comes before [`Hangups::until`] is taken up there.
    ///
    /// # Errors
    /// If they can't be listened for.
    #[cfg_attr(
        not(unix),
        expect(clippy::unnecessary_wraps, reason = "it is as on Unix")
    )]
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signals: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the end, and calls back at each SIGHUP until then.
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there is no SIGHUP"))]
    pub(super) async fn until(
        mut self,
        end: impl Future<Output = io::Result<()>>,
        mut reload: impl FnMut(),
    ) -> io::Result<()> {
        let mut end = std::pin::pin!(end);
        #[cfg(unix)]
        loop {
            tokio::select! {
                ended = &mut end => return ended,
                _ = self.signals.recv() => reload(),
            }
        }
        #[cfg(not(unix))]
        {
            let _ = &mut reload;
            end.await
        }
    }
}
