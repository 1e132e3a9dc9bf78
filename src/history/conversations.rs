//! Conversations with their drafts, as JSON beside the columns that the list of them needs.

use rusqlite::{Connection, OptionalExtension};

use super::{
    files::{self, Held, Keeper, Owner},
    rows::to_json,
};
use crate::conversation::{Conversation, ConversationId, ConversationSummary};

/// Keeps a conversation in place of what was kept under its key, or forgets it.
///
/// # Errors
/// If the file can't be written.
pub(super) fn put(
    file: &Connection,
    held: &Held,
    id: ConversationId,
    conversation: Option<&Conversation>,
) -> rusqlite::Result<()> {
    let Some(conversation) = conversation else {
        file.prepare_cached("DELETE FROM conversation WHERE id = ?1")?
            .execute([id.0])?;
        return Ok(());
    };
    let mut bare = conversation.clone();
    let mut keeper = Keeper::new(file, held, Owner::Conversation, id.0);
    files::of_conversation(&mut bare).try_for_each(|media| keeper.detach(media))?;
    keeper.finish()?;
    file.prepare_cached("INSERT OR REPLACE INTO conversation VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((
            id.0,
            bare.updated_unix_ns,
            &bare.title,
            u32::try_from(bare.panes.len()).unwrap_or(u32::MAX),
            to_json(&bare)?,
        ))?;
    Ok(())
}

/// All conversations, latest first.
///
/// # Errors
/// If the file can't be read.
pub(super) fn list(file: &Connection) -> rusqlite::Result<Vec<ConversationSummary>> {
    file.prepare_cached(
        "SELECT id, title, updated_unix_ns, panes FROM conversation
            ORDER BY updated_unix_ns DESC, id DESC",
    )?
    .query_map([], |row| {
        Ok(ConversationSummary {
            id: ConversationId(row.get(0)?),
            title: row.get(1)?,
            updated_unix_ns: row.get(2)?,
            panes: row.get::<_, u32>(3)? as usize,
        })
    })?
    .collect()
}

/// One conversation, with its files.
///
/// # Errors
/// If the file can't be read.
pub(super) fn load(
    file: &Connection,
    held: &Held,
    id: ConversationId,
) -> rusqlite::Result<Option<Conversation>> {
    let json: Option<String> = file
        .prepare_cached("SELECT json FROM conversation WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    let Some(json) = json else {
        return Ok(None);
    };
    let mut conversation: Conversation = serde_json::from_str(&json).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
    })?;
    files::of_conversation(&mut conversation).try_for_each(|m| files::attach(file, held, m))?;
    Ok(Some(conversation))
}
