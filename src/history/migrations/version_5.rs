//! Migration to version 5: panes and turns get rows of their own.
//!
//! In version 4 a conversation was one row of JSON that held its panes, turns and draft, and turns had no ids.

use std::collections::HashSet;

use rusqlite::Connection;

use super::super::{conversations, drafts};
use super::version_4;
use crate::conversation::{Conversation, TurnId};

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
