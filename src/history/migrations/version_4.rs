//! Migration to version 4: files are named by their hash.
//!
//! In version 3 a file of a request or a conversation had the number of its row in `blob` in place of its
//! bytes (eight little-endian bytes), and a file of an answer stood in the JSON. Who used a blob was not noted.

use std::collections::HashMap;

use rusqlite::Connection;
use serde::de::DeserializeOwned;

use super::super::{
    cells::to_json,
    files::{self, BlobOwner, BlobWriter, ContentsCache},
    overflow::OverflowColumn,
};
use crate::{
    chat::{ChatRequest, Contents, Media, Sha256},
    conversation::Conversation,
};

/// Version 4: a file has its SHA-256 in place of its data, in `run_wire.request`, in `run_wire.rest` and in
/// `conversation.json`; `blob_use` says who uses it (`owner` is a word of `files::BlobOwner`). Triggers delete a blob
/// that is not used any more, and all rows that belong to a deleted run or conversation. `INSERT OR REPLACE` does not
/// fire them: recursive triggers are off.
pub(super) const SQL: &str = "
DROP INDEX blob_hash;
ALTER TABLE blob RENAME TO old_blob;
CREATE TABLE blob (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE blob_use (
    owner TEXT NOT NULL,
    id INTEGER NOT NULL,
    blob INTEGER NOT NULL,
    PRIMARY KEY (owner, id, blob)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_use_blob ON blob_use (blob);
CREATE TRIGGER blob_unused AFTER DELETE ON blob_use
WHEN NOT EXISTS (SELECT 1 FROM blob_use WHERE blob = OLD.blob) BEGIN
    DELETE FROM blob WHERE id = OLD.blob;
END;
CREATE TRIGGER run_gone AFTER DELETE ON run BEGIN
    DELETE FROM run_text WHERE id = OLD.id;
    DELETE FROM run_wire WHERE id = OLD.id;
    DELETE FROM piece WHERE run = OLD.id;
    DELETE FROM finding WHERE run = OLD.id;
    DELETE FROM blob_use WHERE owner = 'run' AND id = OLD.id;
END;
CREATE TRIGGER conversation_gone AFTER DELETE ON conversation BEGIN
    DELETE FROM blob_use WHERE owner = 'conversation' AND id = OLD.id;
END;
";

/// Moves the files from `old_blob` into `blob` and drops `old_blob`.
///
/// # Errors
/// If the history can't be written.
pub(super) fn migrate(file: &Connection) -> rusqlite::Result<()> {
    let cache = ContentsCache::default();
    let move_blobs = move_blobs(file)?;
    let condition = "request LIKE '%\"type\":\"media\"%' OR request LIKE '%\"type\":\"image\"%'";
    for_each_json(
        file,
        ("run_wire", "request"),
        condition,
        |id, mut request: ChatRequest| {
            let mut blobs = BlobWriter::new(file, &cache, BlobOwner::Run, id);
            for media in files::in_request(&mut request) {
                replace_by_hash(&move_blobs, media);
                blobs.record_use(media)?;
            }
            let sql = "UPDATE run_wire SET request = ?2 WHERE id = ?1";
            file.execute(sql, (id, to_json(&request)?)).map(drop)
        },
    )?;
    let condition = "rest LIKE '%\"media\":[%'";
    for_each_json(
        file,
        ("run_wire", "rest"),
        condition,
        |id, mut rest: OverflowColumn<'_>| {
            let mut blobs = BlobWriter::new(file, &cache, BlobOwner::Run, id);
            rest.media.iter_mut().try_for_each(|m| blobs.detach(m))?;
            let sql = "UPDATE run_wire SET rest = ?2 WHERE id = ?1";
            file.execute(sql, (id, to_json(&rest)?)).map(drop)
        },
    )?;
    let condition = "true";
    for_each_json(
        file,
        ("conversation", "json"),
        condition,
        |id, mut kept: Conversation| {
            let mut blobs = BlobWriter::new(file, &cache, BlobOwner::Conversation, id);
            for media in files::in_conversation(&mut kept) {
                replace_by_hash(&move_blobs, media);
                blobs.record_use(media)?;
            }
            let sql = "UPDATE conversation SET json = ?2 WHERE id = ?1";
            file.execute(sql, (id, to_json(&kept)?)).map(drop)
        },
    )?;
    file.execute_batch(
        "DROP TABLE old_blob;
        DELETE FROM blob WHERE id NOT IN (SELECT blob FROM blob_use);",
    )
}

/// Copies the bytes one file at a time; returns their hashes by their old numbers.
fn move_blobs(file: &Connection) -> rusqlite::Result<HashMap<i64, Sha256>> {
    let mut hashes = HashMap::new();
    let mut insert = file.prepare("INSERT OR IGNORE INTO blob (hash, bytes) VALUES (?1, ?2)")?;
    let mut select = file.prepare("SELECT id, bytes FROM old_blob WHERE length(bytes) > 0")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let contents = Contents::from(row.get_ref(1)?.as_blob()?);
        insert.execute((contents.sha256(), &contents[..]))?;
        hashes.insert(row.get(0)?, contents.sha256());
    }
    Ok(hashes)
}

fn replace_by_hash(move_blobs: &HashMap<i64, Sha256>, media: &mut Media) {
    let number = <[u8; 8]>::try_from(&media.data[..]).map_or(0, i64::from_le_bytes);
    let hash = move_blobs.get(&number);
    media.data = hash.map_or_else(Contents::default, |hash| hash.as_slice().into());
}

/// Calls `change` with the JSON of each row that meets `condition`. A row that can't be parsed stays as it is, so
/// that it does not stop the migration.
pub(super) fn for_each_json<T: DeserializeOwned>(
    file: &Connection,
    (table, column): (&str, &str),
    condition: &str,
    change: impl Fn(i64, T) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let ids: Vec<i64> = file
        .prepare(&format!("SELECT id FROM {table} WHERE {condition}"))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut select = file.prepare(&format!("SELECT {column} FROM {table} WHERE id = ?1"))?;
    for id in ids {
        let json: String = select.query_row([id], |row| row.get(0))?;
        match serde_json::from_str(&json) {
            Ok(value) => change(id, value)?,
            Err(error) => tracing::warn!("row {id} of {table} is left as it is: {error}"),
        }
    }
    Ok(())
}
