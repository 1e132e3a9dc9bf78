//! The audit: a file with a line of JSON for each request.

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    thread,
};

use anyhow::Context as _;

use crate::{cli::note, gateway::AuditSink, private};

/// Most lines that wait to be written; further ones are lost, and that is said.
const MOST_WAITING: usize = 10_000;

/// Writes to this file, on a thread of its own: no request waits for a disk.
pub(super) fn to_file(path: &Path) -> anyhow::Result<AuditSink> {
    let mut file =
        private::append(path).with_context(|| format!("can't write {}", path.display()))?;
    let (lines, waiting) = sync_channel::<String>(MOST_WAITING);
    let name = path.display().to_string();
    thread::Builder::new().name("audit".into()).spawn(move || {
        let mut is_failing = false;
        for line in waiting {
            let failed = write(&mut file, &line).err();
            if let Some(error) = &failed
                && !is_failing
            {
                note(&format!("{name} can't be written: {error}"));
            }
            is_failing = failed.is_some();
        }
    })?;
    Ok(Box::new(move |record| {
        if let Ok(line) = serde_json::to_string(record) {
            send(&lines, line + "\n");
        }
    }))
}

fn write(file: &mut File, line: &str) -> std::io::Result<()> {
    file.write_all(line.as_bytes())?;
    file.flush()
}

fn send(lines: &SyncSender<String>, line: String) {
    if let Err(TrySendError::Full(_)) = lines.try_send(line) {
        tracing::error!("a line of the audit was lost: the file is written too slowly");
    }
}
