//! Conversations with their drafts, as JSON beside the columns that the list of them needs.

use rusqlite::{Connection, OptionalExtension};

use super::{images, rows::to_json};
use crate::conversation::{Conversation, ConversationId, ConversationSummary};

/// Keeps a conversation in place of what was kept under its key, or forgets it.
///
/// # Errors
/// If the file can't be written.
pub(super) fn put(
    file: &Connection,
    id: ConversationId,
    conversation: Option<&Conversation>,
) -> rusqlite::Result<()> {
    let Some(conversation) = conversation else {
        file.prepare_cached("DELETE FROM conversation WHERE id = ?1")?
            .execute([id.0])?;
        return Ok(());
    };
    let mut bare = conversation.clone();
    for image in images::of_conversation(&mut bare) {
        images::detach(file, image)?;
    }
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

/// One conversation, with its images.
///
/// # Errors
/// If the file can't be read.
pub(super) fn load(
    file: &Connection,
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
    for image in images::of_conversation(&mut conversation) {
        images::attach(file, image)?;
    }
    Ok(Some(conversation))
}
