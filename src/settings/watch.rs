//! Tells when the settings file has changed, by whatever editor and however it writes.
//!
//! In: events of the file's folder (editors replace files by renaming), or of polling it where the
//! system gives no events. Out: one call a change, after a short quiet, and none if the file says what
//! it said before.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use super::{Paths, SettingsProblem, file};

/// How long the file has to be left alone before it is read: editors write in several steps.
const QUIET: Duration = Duration::from_millis(100);

/// How often the folder is looked at where the system gives no events.
const POLL: Duration = Duration::from_secs(1);

/// Calls back, from a thread of its own, whenever the settings file has changed. Dropping it stops it.
pub struct Watch {
    _watcher: Box<dyn Watcher + Send>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

/// Watches the settings file; a folder that does not exist yet is made.
///
/// # Errors
/// If the folder can't be made or watched.
pub fn watch(paths: &Paths, changed: impl Fn() + Send + 'static) -> Result<Watch, SettingsProblem> {
    let folders = folders(&paths.settings).map_err(|why| paths.problem(&why))?;
    let (events, inbox) = mpsc::channel();
    let watcher = on_events(&folders, &events)
        .or_else(|_| by_polling(&folders, &events))
        .map_err(|why| paths.problem(&std::io::Error::other(why)))?;
    let path = paths.settings.clone();
    let before = fs::read(&path).ok();
    thread::Builder::new()
        .name("settings-watch".to_owned())
        .spawn(move || report(&inbox, &path, before, &changed))
        .map_err(|why| paths.problem(&why))?;
    Ok(Watch { _watcher: watcher })
}

/// The folder of the file, and that of the file it is a link to.
fn folders(path: &Path) -> std::io::Result<Vec<PathBuf>> {
    let folder_of = |path: &Path| path.parent().unwrap_or(Path::new(".")).to_owned();
    let own = folder_of(path);
    fs::create_dir_all(&own)?;
    let real = folder_of(&file::followed(path)?);
    Ok(if real == own || !real.is_dir() {
        vec![own]
    } else {
        vec![own, real]
    })
}

type AnyWatcher = Box<dyn Watcher + Send>;

fn on_events(folders: &[PathBuf], events: &Sender<()>) -> notify::Result<AnyWatcher> {
    let watcher = RecommendedWatcher::new(sender(events), Config::default())?;
    watching(watcher, folders)
}

fn by_polling(folders: &[PathBuf], events: &Sender<()>) -> notify::Result<AnyWatcher> {
    let config = Config::default().with_poll_interval(POLL);
    watching(PollWatcher::new(sender(events), config)?, folders)
}

fn watching<W: Watcher + Send + 'static>(
    mut watcher: W,
    folders: &[PathBuf],
) -> notify::Result<AnyWatcher> {
    for folder in folders {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(Box::new(watcher))
}

/// Passes on that something may have changed. Reading is no change: without this filter our own
/// reading of the file would wake us again.
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
            // No one listens any more only while everything is being dropped.
            let _ = events.send(());
        }
    }
}

/// Waits for events, then for quiet, then calls back if the file says something new.
fn report(inbox: &Receiver<()>, path: &Path, mut before: Option<Vec<u8>>, changed: &impl Fn()) {
    while inbox.recv().is_ok() {
        loop {
            match inbox.recv_timeout(QUIET) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let now = fs::read(path).ok();
        if now != before {
            before = now;
            changed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polling_tells_of_a_change_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, "a").unwrap();
        let (events, inbox) = mpsc::channel();
        let config = Config::default().with_poll_interval(Duration::from_millis(20));
        let poll = PollWatcher::new(sender(&events), config).unwrap();
        let _watcher = watching(poll, &[folder.path().to_owned()]).unwrap();
        fs::write(&path, "ab").unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        // Polling goes by the file's time, which may be as coarse as a second.
        file.set_modified(std::time::UNIX_EPOCH).unwrap();
        inbox.recv_timeout(Duration::from_secs(30)).unwrap();
    }
}
