//! The ids of the built-in simulator's endpoints, which no other endpoint may have.

use crate::dialect::{DIALECTS, DialectId};

/// The id of the simulator's endpoint in settings and targets; those of its other protocols start with it.
pub const ENDPOINT: &str = "simulator";

/// The id of the simulator's endpoint for a protocol.
#[must_use]
pub fn id_of(dialect: DialectId) -> String {
    match dialect {
        DialectId::OpenaiChat => ENDPOINT.to_owned(),
        other => format!("{ENDPOINT}-{other}"),
    }
}

/// The ids of the simulator's endpoints.
pub fn ids() -> impl Iterator<Item = String> {
    DIALECTS.iter().map(|dialect| id_of(dialect.id))
}

/// Whether an endpoint's id is one of the simulator's.
#[must_use]
pub fn is_own(id: &str) -> bool {
    ids().any(|own| own == id)
}
