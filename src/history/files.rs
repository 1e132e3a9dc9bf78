//! Files of requests, answers and drafts: each is stored once, however many runs and conversations use it.
//!
//! In: a file's bytes. Out: their SHA-256, which replaces the bytes in the stored JSON and is the key of their row in
//! `blob`. `blob_use` says who uses a blob; a trigger deletes a blob that is not used any more.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, OptionalExtension};

use super::cells::to_json;
use crate::{
    chat::{ChatRequest, Contents, Media, Part, Sha256, WeakContents},
    conversation::Conversation,
};

/// Who uses a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum BlobOwner {
    /// A run: its request, or its answer.
    Run,
    /// A conversation: its turns.
    Conversation,
    /// A draft.
    Draft,
}

impl BlobOwner {
    fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Conversation => "conversation",
            Self::Draft => "draft",
        }
    }
}

/// The files that this process has in memory, by hash: a file that is read again shares its bytes.
#[derive(Debug, Default)]
pub(super) struct ContentsCache(Mutex<HashMap<Sha256, WeakContents>>);

impl ContentsCache {
    fn get(&self, hash: &Sha256) -> Option<Contents> {
        self.lock().get(hash)?.upgrade()
    }

    fn put(&self, contents: &Contents) {
        let mut cache = self.lock();
        cache.retain(|_, weak| weak.upgrade().is_some());
        cache.insert(contents.sha256(), contents.downgrade());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Sha256, WeakContents>> {
        // The map is consistent after a panic: each change is one insert or remove.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files of a request.
pub(super) fn in_request(request: &mut ChatRequest) -> impl Iterator<Item = &mut Media> {
    in_parts(request.messages.iter_mut().flat_map(|m| &mut m.parts))
}

/// The files of a conversation, its draft's among them.
pub(super) fn in_conversation(conversation: &mut Conversation) -> impl Iterator<Item = &mut Media> {
    let turns = conversation.panes.iter_mut().flat_map(|p| &mut p.turns);
    in_parts(turns.flat_map(|t| &mut t.user)).chain(&mut conversation.draft.images)
}

/// The files of a conversation's turns.
pub(super) fn in_turns(conversation: &Conversation) -> impl Iterator<Item = &Media> {
    let turns = conversation.panes.iter().flat_map(|p| &p.turns);
    turns
        .flat_map(|turn| &turn.user)
        .filter_map(|part| match part {
            Part::Media(media) => Some(media),
            _ => None,
        })
}

/// Whether a request carries files.
pub(super) fn has_files(request: &ChatRequest) -> bool {
    let mut parts = request.messages.iter().flat_map(|m| &m.parts);
    parts.any(|part| matches!(part, Part::Media(_)))
}

fn in_parts<'a>(parts: impl Iterator<Item = &'a mut Part>) -> impl Iterator<Item = &'a mut Media> {
    parts.filter_map(|part| match part {
        Part::Media(media) => Some(media),
        _ => None,
    })
}

/// Stores the files of one owner in `blob`, and records that it uses them.
pub(super) struct BlobWriter<'a> {
    file: &'a Connection,
    cache: &'a ContentsCache,
    owner: BlobOwner,
    id: i64,
    used: Vec<i64>,
}

impl<'a> BlobWriter<'a> {
    pub(super) fn new(
        file: &'a Connection,
        cache: &'a ContentsCache,
        owner: BlobOwner,
        id: i64,
    ) -> Self {
        Self {
            file,
            cache,
            owner,
            id,
            used: Vec::new(),
        }
    }

    /// Stores the bytes of a file and replaces them by their hash. A file without bytes stays as it is.
    ///
    /// # Errors
    /// If the history can't be written.
    pub(super) fn detach(&mut self, media: &mut Media) -> rusqlite::Result<()> {
        if media.data.is_empty() {
            return Ok(());
        }
        let hash = media.data.sha256();
        let known = number(self.file, &hash)?;
        let id = match known {
            Some(id) => id,
            None => self
                .file
                .prepare_cached("INSERT INTO blob (hash, bytes) VALUES (?1, ?2)")?
                .insert((hash, &media.data[..]))?,
        };
        self.cache.put(&media.data);
        media.data = hash.as_slice().into();
        self.insert_use(id)
    }

    /// Records that the owner uses a file that already has its hash in place of its bytes.
    ///
    /// # Errors
    /// If the history can't be written.
    pub(super) fn record_use(&mut self, media: &Media) -> rusqlite::Result<()> {
        let hash = Sha256::try_from(&media.data[..]).ok();
        let blob = hash.map(|hash| number(self.file, &hash)).transpose()?;
        blob.flatten().map_or(Ok(()), |blob| self.insert_use(blob))
    }

    fn insert_use(&mut self, blob: i64) -> rusqlite::Result<()> {
        self.used.push(blob);
        self.file
            .prepare_cached("INSERT OR IGNORE INTO blob_use VALUES (?1, ?2, ?3)")?
            .execute((self.owner.as_str(), self.id, blob))?;
        Ok(())
    }

    /// Removes the uses that the owner had before and has not any more.
    ///
    /// # Errors
    /// If the history can't be written.
    pub(super) fn finish(self) -> rusqlite::Result<()> {
        let used = to_json(&self.used)?;
        self.file
            .prepare_cached(
                "DELETE FROM blob_use WHERE owner = ?1 AND id = ?2
                    AND blob NOT IN (SELECT value FROM json_each(?3))",
            )?
            .execute((self.owner.as_str(), self.id, used))?;
        Ok(())
    }
}

fn number(file: &Connection, hash: &Sha256) -> rusqlite::Result<Option<i64>> {
    file.prepare_cached("SELECT id FROM blob WHERE hash = ?1")?
        .query_row([hash], |row| row.get(0))
        .optional()
}

/// Replaces the hash by the file's bytes, from the cache if it is there. A file whose bytes are gone becomes empty.
///
/// # Errors
/// If the history can't be read.
pub(super) fn attach(
    file: &Connection,
    cache: &ContentsCache,
    media: &mut Media,
) -> rusqlite::Result<()> {
    let Ok(hash) = Sha256::try_from(&media.data[..]) else {
        media.data = Contents::default();
        return Ok(());
    };
    if let Some(contents) = cache.get(&hash) {
        media.data = contents;
        return Ok(());
    }
    let bytes: Option<Vec<u8>> = file
        .prepare_cached("SELECT bytes FROM blob WHERE hash = ?1")?
        .query_row([hash], |row| row.get(0))
        .optional()?;
    media.data = bytes.unwrap_or_default().into();
    cache.put(&media.data);
    Ok(())
}

/// How many bytes a stored file has, without reading them.
///
/// # Errors
/// If the history can't be read.
pub(super) fn size(file: &Connection, hash: &[u8]) -> rusqlite::Result<Option<u64>> {
    file.prepare_cached("SELECT length(bytes) FROM blob WHERE hash = ?1")?
        .query_row([hash], |row| row.get::<_, i64>(0))
        .optional()
        .map(|size| size.map(i64::cast_unsigned))
}
