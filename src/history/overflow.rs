//! The overflow column `run_wire.rest`: one JSON object with the fields of an answer that have no column of their
//! own.
//!
//! Its files are written with a hash in place of their bytes: see [`files`](super::files).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    chat::Media,
    event::{Answer, AnswerPiece, Citation},
};

/// The fields of an answer that have no column of their own.
#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct OverflowColumn<'a> {
    /// Left out if the answer has only the default pieces (`Answer::plain_pieces`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pieces: Option<Cow<'a, [AnswerPiece]>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) media: Vec<Media>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    citations: Vec<Citation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    timings: Vec<(String, u64)>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    echoed: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_written: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault_details: Option<String>,
}

impl<'a> OverflowColumn<'a> {
    pub(super) fn of(answer: &'a Answer) -> Self {
        let plain = answer.pieces == answer.plain_pieces();
        Self {
            pieces: (!plain).then_some(Cow::Borrowed(&answer.pieces[..])),
            media: answer.media.clone(),
            citations: answer.citations.clone(),
            timings: answer.timings.clone(),
            echoed: answer.echoed.clone(),
            cache_written: answer.usage.and_then(|usage| usage.cache_written),
            fault_details: (answer.fault.as_ref()).and_then(|fault| fault.details.clone()),
        }
    }

    /// Whether any field is set.
    pub(super) fn is_needed(&self) -> bool {
        *self != Self::default()
    }

    pub(super) fn restore(self, answer: &mut Answer) {
        answer.pieces = self
            .pieces
            .map_or_else(|| answer.plain_pieces(), Cow::into_owned);
        answer.media = self.media;
        answer.citations = self.citations;
        answer.timings = self.timings;
        answer.echoed = self.echoed;
        if let Some(usage) = &mut answer.usage {
            usage.cache_written = self.cache_written;
        }
        if let Some(fault) = &mut answer.fault {
            fault.details = self.fault_details;
        }
    }
}
