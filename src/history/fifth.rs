//! What version 5 changes in the rows of version 4: conversations.
//!
//! In version 4 a conversation was one row of JSON, its panes, turns and draft in it, and turns had no ids.

use std::collections::HashSet;

use rusqlite::Connection;

use super::{conversations, drafts, fourth};
use crate::conversation::{Conversation, TurnId};

/// Takes the conversations over from `old_conversation`, which goes once it is empty: a row that can't be read
/// stays in it.
///
/// # Errors
/// If the history can't be written.
pub(super) fn take_over(file: &Connection) -> rusqlite::Result<()> {
    fourth::each(
        file,
        ("old_conversation", "json"),
        "true",
        |id, mut kept: Conversation| {
            kept.id.0 = id;
            give_ids(&mut kept);
            conversations::write(file, None, &kept)?;
            drafts::put(file, id, None, &kept.draft)?;
            conversations::note_files(file, &kept)?;
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

/// A turn takes the key of its first run, which was made with it; all grow, and no pane has another's number.
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
