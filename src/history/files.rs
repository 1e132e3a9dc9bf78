//! Files of requests, answers and drafts: kept once each, however many runs and conversations use them.
//!
//! In: a file's bytes. Out: their SHA-256, which takes the place of the bytes in the stored JSON and names
//! their row in `blob`. `blob_use` says who uses a blob; a blob that nobody uses any more goes by itself.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, OptionalExtension};

use super::rows::to_json;
use crate::{
    chat::{ChatRequest, Contents, Media, Part, Sha256, WeakContents},
    conversation::Conversation,
};

/// Who uses a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    /// A run: its request, or its answer.
    Run,
    /// A conversation: its turns.
    Conversation,
    /// A draft.
    Draft,
}

impl Owner {
    fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Conversation => "conversation",
            Self::Draft => "draft",
        }
    }
}

/// The files that this process has in memory: what is read again is shared with those who have it.
#[derive(Debug, Default)]
pub(super) struct Held(Mutex<HashMap<Sha256, WeakContents>>);

impl Held {
    fn get(&self, hash: &Sha256) -> Option<Contents> {
        self.lock().get(hash)?.upgrade()
    }

    fn put(&self, contents: &Contents) {
        let mut held = self.lock();
        held.retain(|_, weak| weak.upgrade().is_some());
        held.insert(contents.sha256(), contents.downgrade());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Sha256, WeakContents>> {
        // The map is whole after any panic: it is only looked into and added to.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files of a request.
pub(super) fn of_request(request: &mut ChatRequest) -> impl Iterator<Item = &mut Media> {
    of_parts(request.messages.iter_mut().flat_map(|m| &mut m.parts))
}

/// The files of a conversation, its draft's among them.
pub(super) fn of_conversation(conversation: &mut Conversation) -> impl Iterator<Item = &mut Media> {
    let turns = conversation.panes.iter_mut().flat_map(|p| &mut p.turns);
    of_parts(turns.flat_map(|t| &mut t.user)).chain(&mut conversation.draft.images)
}

/// The files of a conversation's turns.
pub(super) fn of_turns(conversation: &Conversation) -> impl Iterator<Item = &Media> {
    let turns = conversation.panes.iter().flat_map(|p| &p.turns);
    turns
        .flat_map(|turn| &turn.user)
        .filter_map(|part| match part {
            Part::Media(media) => Some(media),
            _ => None,
        })
}

/// Whether a request carries files.
pub(super) fn any_in(request: &ChatRequest) -> bool {
    let mut parts = request.messages.iter().flat_map(|m| &m.parts);
    parts.any(|part| matches!(part, Part::Media(_)))
}

fn of_parts<'a>(parts: impl Iterator<Item = &'a mut Part>) -> impl Iterator<Item = &'a mut Media> {
    parts.filter_map(|part| match part {
        Part::Media(media) => Some(media),
        _ => None,
    })
}

/// Puts the files of one owner into `blob`, and notes that it uses them.
pub(super) struct Keeper<'a> {
    file: &'a Connection,
    held: &'a Held,
    owner: Owner,
    id: i64,
    used: Vec<i64>,
}

impl<'a> Keeper<'a> {
    pub(super) fn new(file: &'a Connection, held: &'a Held, owner: Owner, id: i64) -> Self {
        Self {
            file,
            held,
            owner,
            id,
            used: Vec::new(),
        }
    }

    /// Keeps the bytes of a file, and puts their hash in their place. A file without bytes stays as it is.
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
        self.held.put(&media.data);
        media.data = hash.as_slice().into();
        self.uses(id)
    }

    /// Notes that the owner uses a file that has its hash in place of its bytes already.
    ///
    /// # Errors
    /// If the history can't be written.
    pub(super) fn note(&mut self, media: &Media) -> rusqlite::Result<()> {
        let hash = Sha256::try_from(&media.data[..]).ok();
        let blob = hash.map(|hash| number(self.file, &hash)).transpose()?;
        blob.flatten().map_or(Ok(()), |blob| self.uses(blob))
    }

    fn uses(&mut self, blob: i64) -> rusqlite::Result<()> {
        self.used.push(blob);
        self.file
            .prepare_cached("INSERT OR IGNORE INTO blob_use VALUES (?1, ?2, ?3)")?
            .execute((self.owner.as_str(), self.id, blob))?;
        Ok(())
    }

    /// Lets go of what the owner used before and does not use now.
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

/// Puts the bytes back, those in memory if there are any; a file whose bytes are gone comes back empty.
///
/// # Errors
/// If the history can't be read.
pub(super) fn attach(file: &Connection, held: &Held, media: &mut Media) -> rusqlite::Result<()> {
    let Ok(hash) = Sha256::try_from(&media.data[..]) else {
        media.data = Contents::default();
        return Ok(());
    };
    if let Some(contents) = held.get(&hash) {
        media.data = contents;
        return Ok(());
    }
    let bytes: Option<Vec<u8>> = file
        .prepare_cached("SELECT bytes FROM blob WHERE hash = ?1")?
        .query_row([hash], |row| row.get(0))
        .optional()?;
    media.data = bytes.unwrap_or_default().into();
    held.put(&media.data);
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
