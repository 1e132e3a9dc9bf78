//! Images of requests and drafts: kept once each, however many runs carry them.
//!
//! In: an image's bytes. Out: the number of its row in `blob`, which takes the place of the bytes
//! in the stored JSON (as eight little-endian bytes).

use rusqlite::{Connection, OptionalExtension};

use crate::{
    chat::{ChatRequest, Media, Part},
    conversation::Conversation,
};

/// The images of a request.
pub(super) fn of_request(request: &mut ChatRequest) -> impl Iterator<Item = &mut Media> {
    of_parts(request.messages.iter_mut().flat_map(|m| &mut m.parts))
}

/// The images of a conversation, its draft's among them.
pub(super) fn of_conversation(conversation: &mut Conversation) -> impl Iterator<Item = &mut Media> {
    let turns = conversation.panes.iter_mut().flat_map(|p| &mut p.turns);
    of_parts(turns.flat_map(|t| &mut t.user)).chain(&mut conversation.draft.images)
}

/// Whether a request carries images.
pub(super) fn any_in(request: &ChatRequest) -> bool {
    let mut parts = request.messages.iter().flat_map(|m| &m.parts);
    parts.any(|part| matches!(part, Part::Media(_)))
}

fn of_parts<'a>(parts: impl Iterator<Item = &'a mut Part>) -> impl Iterator<Item = &'a mut Media> {
    parts.filter_map(|part| match part {
        Part::Media(image) => Some(image),
        _ => None,
    })
}

/// Puts the bytes of an image into `blob`, unless they are there, and the row's number in their place.
pub(super) fn detach(connection: &Connection, image: &mut Media) -> rusqlite::Result<()> {
    let (hash, bytes) = (hash(&image.data), &image.data[..]);
    // The bytes are compared too: no other image can ever be taken for this one.
    let known: Option<i64> = connection
        .prepare_cached("SELECT id FROM blob WHERE hash = ?1 AND bytes = ?2")?
        .query_row((hash, bytes), |row| row.get(0))
        .optional()?;
    let id = match known {
        Some(id) => id,
        None => connection
            .prepare_cached("INSERT INTO blob (hash, bytes) VALUES (?1, ?2)")?
            .insert((hash, bytes))?,
    };
    image.data = id.to_le_bytes().as_slice().into();
    Ok(())
}

/// Puts the bytes back; an image whose bytes are gone comes back empty.
pub(super) fn attach(connection: &Connection, image: &mut Media) -> rusqlite::Result<()> {
    let id = <[u8; 8]>::try_from(&image.data[..]).map_or(0, i64::from_le_bytes);
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT bytes FROM blob WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    image.data = bytes.unwrap_or_default().into();
    Ok(())
}

/// FNV-1a, 64 bits (<https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>): the same in every
/// version of this program.
fn hash(bytes: &[u8]) -> i64 {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.cast_signed()
}
