//! What other processes do to the file, and which of them show the same conversation.
//!
//! SQLite's `data_version` changes when another connection has committed; looking at it costs a few
//! microseconds. The writer looks once a second, and only while somebody wants to know.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, TransactionBehavior};

use super::{drafts, files::Held, recover, session::Session};
use crate::conversation::ConversationId;

/// How long until the next look, and how long after something was seen.
const QUIET: Duration = Duration::from_secs(1);
const BUSY: Duration = Duration::from_millis(250);

/// What other processes have done so far. Each number only grows: a change means that there is something new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Anything at all: the text of runs that go there, too.
    pub changes: u64,
    /// Runs that began or ended.
    pub runs: u64,
    /// Conversations that changed.
    pub conversations: u64,
    /// Whether another window shows the conversation that this one shows.
    pub also_open: bool,
}

/// What `meta` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    generation: i64,
    talk: i64,
}

impl Counts {
    /// As they stand in the file.
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

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    /// `data_version`, and the counts that belong to it or to our own last write.
    seen: Option<(i64, Counts)>,
    told: Elsewhere,
    shown: Option<ConversationId>,
    /// Whether the last look found something.
    stirs: bool,
}

impl Lookout {
    /// How long until the next look.
    pub(super) fn patience(&self) -> Duration {
        if self.stirs { BUSY } else { QUIET }
    }

    /// The file is another one.
    pub(super) fn begin_again(&mut self) {
        self.seen = None;
    }

    /// We write ourselves: what stood in the file before that, and what stands there now.
    pub(super) fn wrote(&mut self, before: Counts, after: Counts) {
        if let Some((_, seen)) = &mut self.seen {
            let was = std::mem::replace(seen, after);
            self.compare(was, before);
        }
    }

    fn compare(&mut self, was: Counts, is: Counts) {
        self.told.runs += u64::from(was.generation != is.generation);
        self.told.conversations += u64::from(was.talk != is.talk);
    }

    /// This window shows another conversation now; the others are told.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(super) fn show(
        &mut self,
        file: &Connection,
        own: &Session,
        id: ConversationId,
    ) -> rusqlite::Result<()> {
        self.shown = Some(id);
        file.execute(
            "INSERT OR REPLACE INTO open VALUES (?1, ?2)",
            (own.number, id.0),
        )?;
        Ok(())
    }

    /// Looks once, ends runs of processes that died, and gives what is known then.
    ///
    /// # Errors
    /// If the file can't be read, or what died there can't be written.
    pub(super) fn look(
        &mut self,
        file: &mut Connection,
        held: &Held,
        folder: &Path,
        own: &Session,
    ) -> rusqlite::Result<Elsewhere> {
        let before = self.told;
        let version = file.pragma_query_value(None, "data_version", |row| row.get(0))?;
        match self.seen {
            Some((seen, _)) if seen == version => {}
            Some((_, was)) => {
                let is = Counts::read(file)?;
                self.told.changes += 1;
                self.compare(was, is);
                self.seen = Some((version, is));
            }
            None => self.seen = Some((version, Counts::read(file)?)),
        }
        if recover::dead_runs(file, held, folder, own, false)? > 0 {
            self.told.changes += 1;
            self.told.runs += 1;
            self.seen = Some((version, Counts::read(file)?));
        }
        self.told.also_open = self.is_also_open(file, folder, own)?;
        self.stirs = self.told != before;
        Ok(self.told)
    }

    /// Whether another window that lives shows the same. The words of those that died are taken away.
    fn is_also_open(
        &self,
        file: &mut Connection,
        folder: &Path,
        own: &Session,
    ) -> rusqlite::Result<bool> {
        let sessions: Vec<i64> = file
            .prepare_cached("SELECT session FROM open WHERE conversation = ?1 AND session <> ?2")?
            .query_map((self.shown.map(|id| id.0), own.number), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut lives = false;
        for number in sessions {
            match Session::try_number(folder, number) {
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
