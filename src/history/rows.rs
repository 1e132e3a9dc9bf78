//! A [`Run`](crate::run::Run) ↔ its rows in `run`, `run_text` and `run_wire`.
//!
//! Columns are written and read in one order, that of the constants in `rows/write.rs` and `rows/read.rs`.

mod read;
mod write;

use rusqlite::Connection;

pub(super) use self::{
    read::{SELECT_RUN, SELECT_RUN_WITHOUT_TEXTS, load, run_of_row},
    write::{put_live, put_over, put_status},
};
use super::query;
use crate::{
    chat::{ChatRequest, Role},
    endpoint::TargetId,
};

/// The key of a target, which gets one if it has none.
pub(super) fn target_key(file: &Connection, target: &TargetId) -> rusqlite::Result<i64> {
    match query::target_key(file, target)? {
        Some(key) => Ok(key),
        None => file
            .prepare_cached("INSERT INTO target (endpoint, model) VALUES (?1, ?2)")?
            .insert((&target.endpoint, &target.model)),
    }
}

/// The last message of the user.
pub(super) fn prompt_of(request: &ChatRequest) -> Option<String> {
    let mut messages = request.messages.iter().rev();
    messages
        .find(|message| message.role == Role::User)
        .map(crate::chat::Message::text)
}
