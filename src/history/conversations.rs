//! Conversations: one row each, and one for each pane and turn.
//!
//! A window's change is merged with what other windows wrote meanwhile, in the transaction that writes it. Only rows
//! that differ are written, so a further turn costs one row.

use rusqlite::{Connection, OptionalExtension, Row};
use serde::de::DeserializeOwned;

use super::{
    cells::{of_json, to_json},
    drafts,
    files::{self, BlobOwner, BlobWriter, ContentsCache},
    reader::IsCancelled,
    search,
};
use crate::{
    chat::Contents,
    conversation::{
        Conversation, ConversationChange, ConversationId, ConversationSummary, Pane, Turn, merge,
    },
};

/// Merges a window's change into what is stored; `session` is that window's number.
///
/// # Errors
/// If the file can't be written.
pub(super) fn put(
    file: &Connection,
    cache: &ContentsCache,
    session: i64,
    change: &ConversationChange,
) -> rusqlite::Result<()> {
    let mut mine = (*change.mine).clone();
    let mut base = (*change.base).clone();
    let mut blobs = BlobWriter::new(file, cache, BlobOwner::Conversation, mine.id.0);
    files::in_conversation(&mut mine).try_for_each(|media| blobs.detach(media))?;
    files::in_conversation(&mut base).for_each(replace_by_hash);
    let theirs = load_without_files(file, mine.id)?;
    let Some(merged) = merge::merge(&base, &mine, theirs.as_ref()) else {
        // Deleted by another window, and no question was asked in it since.
        return record_file_uses(
            file,
            &Conversation {
                id: mine.id,
                ..Conversation::default()
            },
        );
    };
    if write(file, theirs.as_ref(), &merged)? {
        file.prepare_cached("UPDATE meta SET talk = talk + 1")?
            .execute([])?;
    }
    if base.draft != mine.draft || theirs.is_none() {
        drafts::put(file, mine.id.0, Some(session), &mine.draft)?;
    }
    record_file_uses(file, &merged)
}

/// Deletes a conversation.
///
/// # Errors
/// If the file can't be written.
pub(super) fn delete(file: &Connection, id: ConversationId) -> rusqlite::Result<()> {
    file.prepare_cached("DELETE FROM conversation WHERE id = ?1")?
        .execute([id.0])?;
    file.prepare_cached("UPDATE meta SET talk = talk + 1")?
        .execute([])?;
    Ok(())
}

/// Replaces a file's bytes by its hash, as they are stored.
fn replace_by_hash(media: &mut crate::chat::Media) {
    if !media.data.is_empty() {
        media.data = Contents::from(media.data.sha256().as_slice());
    }
}

/// Records which files the turns use, and removes the uses of before.
///
/// # Errors
/// If the file can't be written.
pub(super) fn record_file_uses(
    file: &Connection,
    with_hashes: &Conversation,
) -> rusqlite::Result<()> {
    let cache = ContentsCache::default();
    let mut blobs = BlobWriter::new(file, &cache, BlobOwner::Conversation, with_hashes.id.0);
    files::in_turns(with_hashes).try_for_each(|media| blobs.record_use(media))?;
    blobs.finish()
}

/// Writes the rows of a conversation that differ from the stored ones, and returns whether any did, apart from the
/// time of the last change.
///
/// # Errors
/// If the file can't be written.
pub(super) fn write(
    file: &Connection,
    stored: Option<&Conversation>,
    with_hashes: &Conversation,
) -> rusqlite::Result<bool> {
    file.prepare_cached("INSERT OR REPLACE INTO conversation VALUES (?1, ?2, ?3)")?
        .execute((
            with_hashes.id.0,
            with_hashes.updated_unix_ns,
            &with_hashes.title,
        ))?;
    let mut differs = stored.is_none_or(|stored| stored.title != with_hashes.title);
    let stored_panes = stored.map_or(&[][..], |stored| &stored.panes);
    for (place, pane) in with_hashes.panes.iter().enumerate() {
        let at = stored_panes.iter().position(|stored| stored.id == pane.id);
        let stored = at.map(|at| &stored_panes[at]);
        if at != Some(place) || stored.is_none_or(|stored| settings(stored) != settings(pane)) {
            differs = true;
            put_pane(file, with_hashes.id, place, pane)?;
        }
        differs |= put_turns(
            file,
            with_hashes.id,
            pane,
            stored.map_or(&[], |stored| &stored.turns),
        )?;
    }
    for gone in stored_panes {
        if with_hashes.panes.iter().all(|pane| pane.id != gone.id) {
            differs = true;
            file.prepare_cached("DELETE FROM pane WHERE conversation = ?1 AND id = ?2")?
                .execute((with_hashes.id.0, gone.id))?;
            file.prepare_cached("DELETE FROM turn WHERE conversation = ?1 AND pane = ?2")?
                .execute((with_hashes.id.0, gone.id))?;
        }
    }
    Ok(differs)
}

/// A pane without its turns.
fn settings(pane: &Pane) -> Pane {
    Pane {
        id: pane.id,
        target: pane.target.clone(),
        system: pane.system.clone(),
        params: pane.params.clone(),
        tools: pane.tools.clone(),
        cold: pane.cold,
        turns: Vec::new(),
    }
}

fn put_pane(
    file: &Connection,
    id: ConversationId,
    place: usize,
    pane: &Pane,
) -> rusqlite::Result<()> {
    let place = i64::try_from(place).unwrap_or(i64::MAX);
    file.prepare_cached("INSERT OR REPLACE INTO pane VALUES (?1, ?2, ?3, ?4)")?
        .execute((id.0, pane.id, place, to_json(&settings(pane))?))?;
    Ok(())
}

fn put_turns(
    file: &Connection,
    id: ConversationId,
    pane: &Pane,
    stored: &[Turn],
) -> rusqlite::Result<bool> {
    let mut differs = false;
    let same = |turn: &Turn| {
        let at = stored.binary_search_by_key(&turn.id, |turn| turn.id);
        at.is_ok_and(|at| stored[at] == *turn)
    };
    for turn in pane.turns.iter().filter(|turn| !same(turn)) {
        differs = true;
        file.prepare_cached("INSERT OR REPLACE INTO turn VALUES (?1, ?2, ?3, ?4)")?
            .execute((id.0, pane.id, turn.id.0, to_json(turn)?))?;
    }
    for gone in stored {
        if pane.turns.iter().all(|turn| turn.id != gone.id) {
            differs = true;
            file.prepare_cached(
                "DELETE FROM turn WHERE conversation = ?1 AND pane = ?2 AND id = ?3",
            )?
            .execute((id.0, pane.id, gone.id.0))?;
        }
    }
    Ok(differs)
}

/// All conversations, latest first.
///
/// # Errors
/// If the file can't be read.
pub(super) fn list(file: &Connection) -> rusqlite::Result<Vec<ConversationSummary>> {
    file.prepare_cached(
        "SELECT id, title, updated_unix_ns,
                (SELECT count(*) FROM pane WHERE pane.conversation = conversation.id)
            FROM conversation ORDER BY updated_unix_ns DESC, id DESC",
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

/// The conversations in which a question with its answer holds every word of a text, whatever the case.
///
/// # Errors
/// If the file can't be read, or the query is cancelled.
pub(super) fn holding(
    file: &Connection,
    text: &str,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<Vec<ConversationId>> {
    search::fill_hits(file, &[], text, false, is_cancelled)?;
    file.prepare_cached(
        "SELECT DISTINCT turn.conversation FROM turn, json_each(turn.json, '$.runs') AS run
            WHERE run.value IN (SELECT id FROM temp.hit)",
    )?
    .query_map([], |row| row.get(0).map(ConversationId))?
    .collect()
}

/// One conversation with its files and the draft of a window.
///
/// # Errors
/// If the file can't be read.
pub(super) fn load(
    file: &Connection,
    cache: &ContentsCache,
    id: ConversationId,
    session: Option<i64>,
) -> rusqlite::Result<Option<Conversation>> {
    let Some(mut conversation) = load_without_draft(file, cache, id)? else {
        return Ok(None);
    };
    conversation.draft = drafts::load(file, cache, id, session)?;
    Ok(Some(conversation))
}

/// One conversation with its files.
///
/// # Errors
/// If the file can't be read.
pub(super) fn load_without_draft(
    file: &Connection,
    cache: &ContentsCache,
    id: ConversationId,
) -> rusqlite::Result<Option<Conversation>> {
    let Some(mut conversation) = load_without_files(file, id)? else {
        return Ok(None);
    };
    files::in_conversation(&mut conversation).try_for_each(|m| files::attach(file, cache, m))?;
    Ok(Some(conversation))
}

/// A conversation as stored: without a draft, with hashes in place of its files' bytes.
fn load_without_files(
    file: &Connection,
    id: ConversationId,
) -> rusqlite::Result<Option<Conversation>> {
    let head = file
        .prepare_cached("SELECT title, updated_unix_ns FROM conversation WHERE id = ?1")?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((title, updated_unix_ns)) = head else {
        return Ok(None);
    };
    let mut panes: Vec<Pane> = file
        .prepare_cached("SELECT json FROM pane WHERE conversation = ?1 ORDER BY place, id")?
        .query_map([id.0], json)?
        .collect::<Result<_, _>>()?;
    let mut turns = file.prepare_cached(
        "SELECT json FROM turn WHERE conversation = ?1 AND pane = ?2 ORDER BY id",
    )?;
    for pane in &mut panes {
        let found = turns.query_map((id.0, pane.id), json)?;
        pane.turns = found.collect::<Result<_, _>>()?;
    }
    Ok(Some(Conversation {
        id,
        title,
        panes,
        updated_unix_ns,
        ..Conversation::default()
    }))
}

fn json<T: DeserializeOwned>(row: &Row<'_>) -> rusqlite::Result<T> {
    of_json(row.get_ref(0)?.as_str()?)
}
