//! What other processes change in the file, and whether one of them shows the same conversation.
//!
//! SQLite's `data_version` changes when another connection has committed; reading it takes a few microseconds. The
//! writer polls it once a second, and only while there is a receiver.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, TransactionBehavior};

use super::{drafts, files::ContentsCache, recover, session::ProcessSession};
use crate::conversation::ConversationId;

/// Time between polls, and the shorter one after a change.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);
const BUSY_INTERVAL: Duration = Duration::from_millis(250);

/// What other processes have changed so far. The numbers only grow: a greater one means that there is something new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OtherProcesses {
    /// Changes of any kind, the text of live runs among them.
    pub changes: u64,
    /// Runs that began or ended.
    pub runs: u64,
    /// Conversations that changed.
    pub conversations: u64,
    /// Whether another window shows the conversation that this one shows.
    pub also_open: bool,
}

/// The change counters in `meta`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChangeCounts {
    generation: i64,
    talk: i64,
}

impl ChangeCounts {
    /// Reads them from the file.
    ///
    /// # Errors
    /// If it can't be read.
    pub(super) fn read(file: &Connection) -> rusqlite::Result<Self> {
        file.prepare_cached("SELECT generation, talk FROM meta")?
            .query_row([], |row| {
                Ok(Self {
                    generation: row.get(0)?,
                    talk: row.get(1)?,
                })
            })
    }
}

/// What the polls have seen so far.
#[derive(Debug, Default)]
pub(super) struct ProcessWatch {
    /// `data_version`, and the counters at that version or after our own last write.
    seen: Option<(i64, ChangeCounts)>,
    reported: OtherProcesses,
    shown: Option<ConversationId>,
    /// Whether the last poll found a change.
    found_changes: bool,
}

impl ProcessWatch {
    /// Time until the next poll.
    pub(super) fn poll_interval(&self) -> Duration {
        if self.found_changes {
            BUSY_INTERVAL
        } else {
            IDLE_INTERVAL
        }
    }

    /// The file was replaced.
    pub(super) fn start_over(&mut self) {
        self.seen = None;
    }

    /// This process wrote: the counters before and after that.
    pub(super) fn note_own_write(&mut self, before: ChangeCounts, after: ChangeCounts) {
        if let Some((_, seen)) = &mut self.seen {
            let was = std::mem::replace(seen, after);
            self.compare(was, before);
        }
    }

    fn compare(&mut self, was: ChangeCounts, is: ChangeCounts) {
        self.reported.runs += u64::from(was.generation != is.generation);
        self.reported.conversations += u64::from(was.talk != is.talk);
    }

    /// Stores that this window shows another conversation now, for the other windows to see.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(super) fn show(
        &mut self,
        file: &Connection,
        own: &ProcessSession,
        id: ConversationId,
    ) -> rusqlite::Result<()> {
        self.shown = Some(id);
        file.execute(
            "INSERT OR REPLACE INTO open VALUES (?1, ?2)",
            (own.number, id.0),
        )?;
        Ok(())
    }

    /// Polls once, ends runs of processes that died, and returns what is known then.
    ///
    /// # Errors
    /// If the file can't be read, or what died there can't be written.
    pub(super) fn poll(
        &mut self,
        file: &mut Connection,
        cache: &ContentsCache,
        folder: &Path,
        own: &ProcessSession,
    ) -> rusqlite::Result<OtherProcesses> {
        let before = self.reported;
        let version = file.pragma_query_value(None, "data_version", |row| row.get(0))?;
        match self.seen {
            Some((seen, _)) if seen == version => {}
            Some((_, was)) => {
                let is = ChangeCounts::read(file)?;
                self.reported.changes += 1;
                self.compare(was, is);
                self.seen = Some((version, is));
            }
            None => self.seen = Some((version, ChangeCounts::read(file)?)),
        }
        if recover::dead_runs(file, cache, folder, own, false)? > 0 {
            self.reported.changes += 1;
            self.reported.runs += 1;
            self.seen = Some((version, ChangeCounts::read(file)?));
        }
        self.reported.also_open = self.is_also_open(file, folder, own)?;
        self.found_changes = self.reported != before;
        Ok(self.reported)
    }

    /// Whether another living window shows the same conversation. Entries of dead windows are deleted.
    fn is_also_open(
        &self,
        file: &mut Connection,
        folder: &Path,
        own: &ProcessSession,
    ) -> rusqlite::Result<bool> {
        let sessions: Vec<i64> = file
            .prepare_cached("SELECT session FROM open WHERE conversation = ?1 AND session <> ?2")?
            .query_map((self.shown.map(|id| id.0), own.number), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut lives = false;
        for number in sessions {
            match ProcessSession::try_number(folder, number) {
                Ok(Some(dead)) => {
                    let transaction =
                        file.transaction_with_behavior(TransactionBehavior::Immediate)?;
                    drafts::release(&transaction, dead.number)?;
                    transaction.commit()?;
                }
                other => lives |= other.is_ok(),
            }
        }
        Ok(lives)
    }
}
