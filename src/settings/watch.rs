//! Watches the settings file for changes, by any editor.
//!
//! In: events of the file's folder (editors replace files by renaming), or polling if the system has no events. Out:
//! one call per change, after a short quiet time; none if the content is unchanged.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::{Paths, SettingsProblem, read};
use crate::private;

/// How long the file must be unchanged before it is read: editors write in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// Polling interval if the system has no events.
const POLL: Duration = Duration::from_secs(1);

/// Polling interval if the system has events.
const NEVER: Duration = Duration::MAX;

/// Calls back, from its own thread, whenever the settings file changed. Dropping it stops it.
pub struct SettingsWatcher {
    _watcher: Option<RecommendedWatcher>,
    _alive: Sender<()>,
}

impl std::fmt::Debug for SettingsWatcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// Watches the settings file; creates its folder if needed.
///
/// # Errors
/// If the folder or the thread can't be created.
pub fn watch(
    paths: &Paths,
    changed: impl Fn() + Send + 'static,
) -> Result<SettingsWatcher, SettingsProblem> {
    let folders = folders(&paths.settings).map_err(|why| paths.problem(&why))?;
    let (events, inbox) = mpsc::channel();
    let watcher = on_events(&folders, &events).ok();
    let pace = if watcher.is_some() { NEVER } else { POLL };
    let path = paths.settings.clone();
    let before = content(&path);
    thread::Builder::new()
        .name("settings-watch".to_owned())
        .spawn(move || report(&inbox, pace, &path, before, &changed))
        .map_err(|why| paths.problem(&why))?;
    Ok(SettingsWatcher {
        _watcher: watcher,
        _alive: events,
    })
}

/// The folder of the file, and that of the file that it links to.
fn folders(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let folder_of = |path: &Path| path.parent().unwrap_or(Path::new(".")).to_owned();
    let own = folder_of(path);
    private::folder(&own)?;
    let real = folder_of(&private::followed(path)?);
    Ok(if real == own || !real.is_dir() {
        vec![own]
    } else {
        vec![own, real]
    })
}

fn on_events(folders: &[PathBuf], events: &Sender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = RecommendedWatcher::new(sender(events), Config::default())?;
    for folder in folders {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}

/// Forwards events that may be changes. Without this filter, our own reading of the file would wake us again.
fn sender(events: &Sender<()>) -> impl Fn(notify::Result<Event>) + Send + 'static {
    let events = events.clone();
    move |event| {
        let is_change = !matches!(
            event,
            Ok(Event {
                kind: EventKind::Access(_),
                ..
            })
        );
        if is_change {
            // There is no receiver only while everything is being dropped.
            let _ = events.send(());
        }
    }
}

/// The file's content, or what is wrong with it.
type ReadResult = Result<Option<String>, String>;

fn content(path: &Path) -> ReadResult {
    read(path).map_err(|why| why.to_string())
}

/// Waits for events or the polling interval, then for quiet; calls back if the content changed.
fn report(
    inbox: &Receiver<()>,
    pace: Duration,
    path: &Path,
    mut before: ReadResult,
    changed: &impl Fn(),
) {
    let mut patience = pace;
    loop {
        match inbox.recv_timeout(patience) {
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(()) => {
                patience = QUIET;
                continue;
            }
            Err(RecvTimeoutError::Timeout) => patience = pace,
        }
        let now = content(path);
        if now != before {
            before = now;
            changed();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn without_events_the_file_is_polled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let (alive, inbox) = mpsc::channel();
        let (sender, changes) = mpsc::channel();
        let thread = thread::spawn({
            let path = path.clone();
            let notify = move || sender.send(()).unwrap();
            move || report(&inbox, Duration::from_millis(5), &path, Ok(None), &notify)
        });
        for text in ["a", "b"] {
            fs::write(&path, text).unwrap();
            changes.recv().unwrap();
            while changes.try_recv().is_ok() {}
        }
        drop(alive);
        thread.join().unwrap();
    }
}
