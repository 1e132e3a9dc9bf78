//! What the system tells a program that is to end: Ctrl+C, and on Unix SIGTERM and SIGHUP.

/// Calls `told` with the number of each signal that comes, on a thread of its own. From then on none of them
/// ends the program by itself. Where the system gives no thread, signals do as they always did.
pub fn listen(told: impl FnMut(u8) + Send + 'static) {
    let listening = std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            match runtime.map(|runtime| runtime.block_on(tell(told))) {
                Ok(Ok(())) => {}
                Ok(Err(error)) | Err(error) => tracing::warn!("no signal is heard: {error}"),
            }
        });
    if let Err(error) = listening {
        tracing::warn!("no signal is heard: {error}");
    }
}

#[cfg(unix)]
async fn tell(mut told: impl FnMut(u8)) -> std::io::Result<()> {
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
        told(u8::try_from(kind.as_raw_value()).unwrap_or_default());
    }
}

#[cfg(not(unix))]
async fn tell(mut told: impl FnMut(u8)) -> std::io::Result<()> {
    loop {
        tokio::signal::ctrl_c().await?;
        told(2);
    }
}
