//! What version 4 changes in the rows of version 3: its files.
//!
//! In version 3 a file of a request or a conversation had the number of its row in `blob` in place of its
//! bytes (eight little-endian bytes), and a file of an answer stood in the JSON. Who used a blob was not noted.

use std::collections::HashMap;

use rusqlite::Connection;
use serde::de::DeserializeOwned;

use super::{
    files::{self, Held, Keeper, Owner},
    rest::Rest,
    rows::to_json,
};
use crate::{
    chat::{ChatRequest, Contents, Media, Sha256},
    conversation::Conversation,
};

/// Takes the files over from `old_blob`, which goes.
///
/// # Errors
/// If the history can't be written.
pub(super) fn take_over(file: &Connection) -> rusqlite::Result<()> {
    let held = Held::default();
    let moved = moved(file)?;
    let such = "request LIKE '%\"type\":\"media\"%' OR request LIKE '%\"type\":\"image\"%'";
    each(
        file,
        ("run_wire", "request"),
        such,
        |id, mut request: ChatRequest| {
            let mut keeper = Keeper::new(file, &held, Owner::Run, id);
            for media in files::of_request(&mut request) {
                rename(&moved, media);
                keeper.note(media)?;
            }
            let sql = "UPDATE run_wire SET request = ?2 WHERE id = ?1";
            file.execute(sql, (id, to_json(&request)?)).map(drop)
        },
    )?;
    let such = "rest LIKE '%\"media\":[%'";
    each(
        file,
        ("run_wire", "rest"),
        such,
        |id, mut rest: Rest<'_>| {
            let mut keeper = Keeper::new(file, &held, Owner::Run, id);
            rest.media.iter_mut().try_for_each(|m| keeper.detach(m))?;
            let sql = "UPDATE run_wire SET rest = ?2 WHERE id = ?1";
            file.execute(sql, (id, to_json(&rest)?)).map(drop)
        },
    )?;
    let such = "true";
    each(
        file,
        ("conversation", "json"),
        such,
        |id, mut kept: Conversation| {
            let mut keeper = Keeper::new(file, &held, Owner::Conversation, id);
            for media in files::of_conversation(&mut kept) {
                rename(&moved, media);
                keeper.note(media)?;
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

/// Moves the bytes, one file at a time, and gives their hashes by their old numbers.
fn moved(file: &Connection) -> rusqlite::Result<HashMap<i64, Sha256>> {
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

fn rename(moved: &HashMap<i64, Sha256>, media: &mut Media) {
    let number = <[u8; 8]>::try_from(&media.data[..]).map_or(0, i64::from_le_bytes);
    let hash = moved.get(&number);
    media.data = hash.map_or_else(Contents::default, |hash| hash.as_slice().into());
}

/// Calls `change` with the JSON of each such row, one at a time. A row that can't be read stays as it is: it
/// must not stand in the way of the others.
pub(super) fn each<T: DeserializeOwned>(
    file: &Connection,
    (table, column): (&str, &str),
    such: &str,
    change: impl Fn(i64, T) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let ids: Vec<i64> = file
        .prepare(&format!("SELECT id FROM {table} WHERE {such}"))?
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
