//! Signals that end a program: Ctrl+C, and on Unix SIGTERM and SIGHUP.

/// Starts a thread that calls `on_signal` with the number of each signal. From then on, these signals no longer end the
/// program. If no thread can be started, they keep their default effect.
pub fn listen(on_signal: impl FnMut(u8) + Send + 'static) {
    let listening = std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime.map(|runtime| runtime.block_on(receive(on_signal))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) | Err(error) => tracing::warn!("signals can't be received: {error}"),
            }
        });
    if let Err(error) = listening {
        tracing::warn!("signals can't be received: {error}");
    }
}

#[cfg(unix)]
async fn receive(mut on_signal: impl FnMut(u8)) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    loop {
        let kind = tokio::select! {
            Some(()) = hangup.recv() => SignalKind::hangup(),
            Some(()) = interrupt.recv() => SignalKind::interrupt(),
            Some(()) = terminate.recv() => SignalKind::terminate(),
        };
        on_signal(u8::try_from(kind.as_raw_value()).unwrap_or_default());
    }
}

#[cfg(not(unix))]
async fn receive(mut on_signal: impl FnMut(u8)) -> std::io::Result<()> {
    loop {
        tokio::signal::ctrl_c().await?;
        on_signal(2);
    }
}
