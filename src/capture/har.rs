//! HAR 1.2 (<http://www.softwareishard.com/blog/har-12-spec/>): what browsers' developer tools and HTTP clients open.
//!
//! In: a [`Capture`](super::Capture). Out: a log with one entry. What HAR has no field for stands in the entry under `_tokenscope`, so
//! that [`read()`] gives back the same capture.

mod log;
mod read;
mod timings;
mod write;

use serde::{Deserialize, Serialize};

pub use self::{read::read, write::write};
use super::{CapturedRun, Headers};
use crate::{event::Fault, run::OffsetNs};

/// The version of our own fields: one more whenever an older program would misread them.
pub const VERSION: u32 = 1;

/// Why a file can't be read as a HAR of Tokenscope's. The text says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HarError {
    /// It is no HAR.
    #[error("it is no HAR: {0}")]
    NoHar(String),
    /// It has no entry of ours.
    #[error(
        "it is a HAR of another program{0}: none of its entries has the field _tokenscope, which says when each read of \
         the body came"
    )]
    Foreign(String),
    /// It was written by a newer program.
    #[error(
        "its fields have version {0}, and this Tokenscope reads up to version {VERSION}: update it"
    )]
    Newer(u32),
    /// An entry contradicts itself.
    #[error("its entry can't be read: {0}")]
    Entry(String),
}

/// What HAR has no field for.
#[derive(Serialize, Deserialize)]
struct OwnFields {
    version: u32,
    run: CapturedRun,
    request: Option<OwnRequest>,
    response: Option<OwnResponse>,
    fault: Option<Fault>,
}

#[derive(Serialize, Deserialize)]
struct OwnRequest {
    body_bytes: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    withheld: bool,
    /// The body, where it is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct OwnResponse {
    body_bytes: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    withheld: bool,
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    trailers: Headers,
    reads: Vec<OwnRead>,
}

#[derive(Serialize, Deserialize)]
struct OwnRead {
    at_ns: OffsetNs,
    bytes: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ns: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    at_most: bool,
}

#[cfg(test)]
mod tests;
