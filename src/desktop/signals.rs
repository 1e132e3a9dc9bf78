//! SIGTERM, SIGINT and SIGHUP close the window as its button does: what runs is drained and stored first.

use egui::{Context, ViewportCommand, ViewportId};

/// Closes the window at the first of these signals; a second one ends the process at once.
#[cfg(unix)]
pub fn close_on_signals(ctx: Context) {
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        // Without a runtime the signals keep their usual meaning.
        if let Ok(runtime) = runtime
            && runtime.block_on(signalled()).is_ok()
        {
            ctx.send_viewport_cmd_to(ViewportId::ROOT, ViewportCommand::Close);
            ctx.request_repaint();
            let second = runtime.block_on(signalled());
            std::process::exit(second.map_or(1, |signal| 128 + signal));
        }
    };
    super::parts::in_background("signals", wait);
}

/// Elsewhere the system closes windows itself.
#[cfg(not(unix))]
pub fn close_on_signals(_ctx: Context) {}

/// The number of the next signal that asks the program to end.
#[cfg(unix)]
async fn signalled() -> std::io::Result<i32> {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ];
    let [mut term, mut int, mut hup] = kinds.map(signal);
    let (term, int, hup) = (term.as_mut(), int.as_mut(), hup.as_mut());
    let (Ok(term), Ok(int), Ok(hup)) = (term, int, hup) else {
        return Err(std::io::Error::other("signals can't be caught"));
    };
    let kind = tokio::select! {
        _ = term.recv() => SignalKind::terminate(),
        _ = int.recv() => SignalKind::interrupt(),
        _ = hup.recv() => SignalKind::hangup(),
    };
    Ok(kind.as_raw_value())
}
