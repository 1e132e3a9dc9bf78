//! A [`Run`](crate::run::Run) ↔ its rows in `run`, `run_text` and `run_wire`.
//!
//! Columns are written and read in one order, that of the constants in `rows/write.rs` and `rows/read.rs`.

mod read;
mod write;

use rusqlite::Connection;

pub(super) use self::{
    read::{SELECT_RUN, SELECT_RUN_WITHOUT_TEXTS, load, run_of_row},
    write::{put_imported, put_live, put_over, put_status},
};
use super::query;
use crate::{
    chat::{ChatRequest, Role},
    endpoint::TargetId,
    run::{Origin, Run, RunState},
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

/// The words of the state of an imported run that is over. `outcome` is null for them: no count of outcomes, no rate and
/// no plot has a run that was not asked here.
const IMPORTED: [(&str, RunState); 2] = [
    ("imported", RunState::Ok),
    ("imported_fault", RunState::Fault),
];

/// The word of a run's state, as it is stored.
fn state_word(run: &Run) -> &'static str {
    let words = IMPORTED.iter();
    let mut words = words.filter(|_| run.head.origin == Origin::Import);
    let word = words.find(|(_, state)| *state == run.state);
    word.map_or(run.state.as_str(), |(word, _)| *word)
}

/// The state that is stored as this word.
pub(super) fn state_of(word: &str) -> Option<RunState> {
    let imported = IMPORTED.iter().find(|(imported, _)| *imported == word);
    imported.map_or_else(|| RunState::parse(word), |(_, state)| Some(*state))
}

/// The last message of the user.
pub(super) fn prompt_of(request: &ChatRequest) -> Option<String> {
    let mut messages = request.messages.iter().rev();
    messages
        .find(|message| message.role == Role::User)
        .map(crate::chat::Message::text)
}
