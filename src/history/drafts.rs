//! Drafts: each belongs to a window, and is taken over by the next one once that window is gone.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::{
    cells::{of_json, to_json},
    files::{self, BlobOwner, BlobWriter, ContentsCache},
    session::ProcessSession,
};
use crate::{
    clock::wall_clock_ns,
    conversation::{ConversationId, Draft},
};

/// Stores the draft of a window (`session`; `None` if it belongs to no window), or deletes it if it is empty. Its
/// files are stored already and have their hashes in place of their bytes.
///
/// # Errors
/// If the file can't be written.
pub(super) fn put(
    file: &Connection,
    conversation: i64,
    session: Option<i64>,
    with_hashes: &Draft,
) -> rusqlite::Result<()> {
    if with_hashes.is_empty() {
        file.prepare_cached("DELETE FROM draft WHERE conversation = ?1 AND session = ?2")?
            .execute((conversation, session))?;
        return Ok(());
    }
    let now = wall_clock_ns();
    let known: Option<i64> = file
        .prepare_cached("SELECT id FROM draft WHERE conversation = ?1 AND session = ?2")?
        .query_row((conversation, session), |row| row.get(0))
        .optional()?;
    let id = if let Some(id) = known {
        file.prepare_cached("UPDATE draft SET updated_unix_ns = ?2, json = ?3 WHERE id = ?1")?
            .execute((id, now, to_json(with_hashes)?))?;
        id
    } else {
        file.prepare_cached(
            "INSERT INTO draft (conversation, session, updated_unix_ns, json) VALUES (?1, ?2, ?3, ?4)",
        )?
        .insert((conversation, session, now, to_json(with_hashes)?))?
    };
    let cache = ContentsCache::default();
    let mut blobs = BlobWriter::new(file, &cache, BlobOwner::Draft, id);
    with_hashes
        .images
        .iter()
        .try_for_each(|media| blobs.record_use(media))?;
    blobs.finish()
}

/// The draft of a window, with its files. Without a session (the history is read-only), the latest draft of any
/// window.
///
/// # Errors
/// If the file can't be read.
pub(super) fn load(
    file: &Connection,
    cache: &ContentsCache,
    conversation: ConversationId,
    session: Option<i64>,
) -> rusqlite::Result<Draft> {
    let json: Option<String> = file
        .prepare_cached(
            "SELECT json FROM draft WHERE conversation = ?1 AND (session = ?2 OR ?2 IS NULL)
                ORDER BY updated_unix_ns DESC LIMIT 1",
        )?
        .query_row((conversation.0, session), |row| row.get(0))
        .optional()?;
    let mut draft: Draft = json.as_deref().map_or(Ok(Draft::default()), of_json)?;
    (draft.images.iter_mut()).try_for_each(|media| files::attach(file, cache, media))?;
    Ok(draft)
}

/// The drafts of a session number belong to no window now, and its open conversation is closed.
///
/// # Errors
/// If the file can't be written.
pub(super) fn release(file: &Connection, session: i64) -> rusqlite::Result<()> {
    file.execute(
        "UPDATE draft SET session = NULL WHERE session = ?1",
        [session],
    )?;
    file.execute("DELETE FROM open WHERE session = ?1", [session])?;
    Ok(())
}

/// Gives this window the latest draft that a closed window left in a conversation, unless it has one of its own
/// there.
///
/// # Errors
/// If the file can't be written.
pub(super) fn adopt(
    file: &mut Connection,
    folder: &Path,
    own: &ProcessSession,
    conversation: ConversationId,
) -> rusqlite::Result<()> {
    let sessions: Vec<Option<i64>> = file
        .prepare_cached("SELECT session FROM draft WHERE conversation = ?1")?
        .query_map([conversation.0], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if sessions.is_empty() || sessions.contains(&Some(own.number)) {
        return Ok(());
    }
    // Locks are held until it is written, so that no process takes the number meanwhile.
    let dead = sessions.iter().flatten();
    let dead = dead.filter_map(|n| ProcessSession::try_number(folder, *n).ok().flatten());
    let dead: Vec<ProcessSession> = dead.collect();
    let transaction = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for session in &dead {
        release(&transaction, session.number)?;
    }
    transaction.execute(
        "UPDATE draft SET session = ?2 WHERE id = (
            SELECT id FROM draft WHERE conversation = ?1 AND session IS NULL
                ORDER BY updated_unix_ns DESC LIMIT 1)",
        (conversation.0, own.number),
    )?;
    transaction.commit()
}
