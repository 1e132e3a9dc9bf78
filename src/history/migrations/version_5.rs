//! Migration to version 5: panes and turns get rows of their own.
//!
//! In version 4 a conversation was one row of JSON that held its panes, turns and draft, and turns had no ids.

use std::collections::HashSet;

use rusqlite::Connection;

use super::super::{conversations, drafts};
use super::version_4;
use crate::conversation::{Conversation, TurnId};

/// Version 5: panes and turns have rows of their own, so that windows can add to one conversation at the same
/// time. `pane.place` orders the panes, a turn's id the turns; `json` holds the rest of each.
///
/// - A draft belongs to the window of a session number (see `session.rs`); `session` is null once that window is
///   gone.
/// - `open` says which conversation a window shows.
/// - `meta.talk` counts changes of conversations, drafts aside.
pub(super) const SQL: &str = "
ALTER TABLE meta ADD COLUMN talk INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER conversation_gone;
ALTER TABLE conversation RENAME TO old_conversation;
CREATE TABLE conversation (
    id INTEGER PRIMARY KEY,
    updated_unix_ns INTEGER NOT NULL,
    title TEXT NOT NULL
) STRICT;
CREATE TABLE pane (
    conversation INTEGER NOT NULL,
    id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (conversation, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE turn (
    conversation INTEGER NOT NULL,
    pane INTEGER NOT NULL,
    id INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (conversation, pane, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE draft (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    session INTEGER,
    updated_unix_ns INTEGER NOT NULL,
    json TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX draft_conversation ON draft (conversation, session);
CREATE TABLE open (
    session INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL
) STRICT;
CREATE TRIGGER draft_gone AFTER DELETE ON draft BEGIN
    DELETE FROM blob_use WHERE owner = 'draft' AND id = OLD.id;
END;
CREATE TRIGGER conversation_gone AFTER DELETE ON conversation BEGIN
    DELETE FROM pane WHERE conversation = OLD.id;
    DELETE FROM turn WHERE conversation = OLD.id;
    DELETE FROM draft WHERE conversation = OLD.id;
    DELETE FROM blob_use WHERE owner = 'conversation' AND id = OLD.id;
END;
";

/// Moves the conversations out of `old_conversation`, and drops that table if it is empty then. A row that can't be
/// parsed stays in it.
///
/// # Errors
/// If the history can't be written.
pub(super) fn migrate(file: &Connection) -> rusqlite::Result<()> {
    version_4::for_each_json(
        file,
        ("old_conversation", "json"),
        "true",
        |id, mut kept: Conversation| {
            kept.id.0 = id;
            give_ids(&mut kept);
            conversations::write(file, None, &kept)?;
            drafts::put(file, id, None, &kept.draft)?;
            conversations::record_file_uses(file, &kept)?;
            file.execute("DELETE FROM old_conversation WHERE id = ?1", [id])
                .map(drop)
        },
    )?;
    let left: i64 = file.query_row("SELECT count(*) FROM old_conversation", [], |row| {
        row.get(0)
    })?;
    if left == 0 {
        file.execute_batch("DROP TABLE old_conversation")?;
    }
    Ok(())
}

/// Gives each turn the id of its first run, made larger where needed so that ids grow within a pane, and each pane a
/// number of its own.
fn give_ids(conversation: &mut Conversation) {
    let mut panes = HashSet::new();
    for pane in &mut conversation.panes {
        while !panes.insert(pane.id) {
            pane.id += 1;
        }
        let mut last = TurnId(0);
        for turn in &mut pane.turns {
            let first = turn.runs.first().map_or(0, |run| run.0);
            turn.id = TurnId(first.max(last.0 + 1));
            last = turn.id;
        }
    }
}
