//! What is computed of requests and runs off the client's thread, since it may take long.

use std::sync::Arc;

use serde_json::Value;

use super::Reply;
use crate::{
    capture::{DecodedCapture, FrameQuery},
    chat::ChatRequest,
    conversation::find::matches,
    dialect::DialectId,
    endpoint::Endpoint,
    exchange::{call, effort},
    run::Run,
    schema::SchemaCheck,
    snippet::{Language, snippet},
};

/// Computes something of what it is given: nothing is sent, read or written.
#[derive(Debug)]
pub enum ComputeCommand {
    /// Checks JSON schemas.
    CheckSchemas {
        /// The schemas.
        schemas: Vec<Value>,
        /// What is to be said of each, in their order.
        reply: Reply<Vec<SchemaCheck>>,
    },
    /// Gives what a reasoning effort becomes in a protocol's own fields.
    Effort {
        /// The protocol.
        dialect: DialectId,
        /// The request, with its effort.
        request: Box<ChatRequest>,
        /// What the effort changes about the body, field by field.
        reply: Reply<Vec<String>>,
    },
    /// Gives a JSON body for people to edit.
    Body {
        /// Which body.
        of: BodyOf,
        /// The longest that is wanted, in bytes of JSON without white space.
        max_bytes: usize,
        /// The body, indented; `None` if it is longer than that.
        reply: Reply<Option<String>>,
    },
    /// Gives a run as JSON to copy.
    RunJson {
        /// The run.
        run: Box<Run>,
        /// The JSON, indented.
        reply: Reply<String>,
    },
    /// Gives a request as a program to copy.
    Snippet {
        /// What it is written in.
        language: Language,
        /// Where it goes.
        endpoint: Box<Endpoint>,
        /// The request.
        request: Arc<ChatRequest>,
        /// The program; no key is in it.
        reply: Reply<String>,
    },
    /// Finds words in texts, whatever the case.
    FindText {
        /// The texts.
        texts: Vec<String>,
        /// What is looked for.
        words: String,
        /// The index of the text and the byte in it of each place, in order, up to a limit.
        reply: Reply<Vec<(usize, usize)>>,
    },
    /// Searches the frames of a capture.
    FindFrames {
        /// The capture.
        decoded: Arc<DecodedCapture>,
        /// What is looked for.
        query: FrameQuery,
        /// The rows that it matches, in order.
        reply: Reply<Vec<usize>>,
    },
}

/// Which JSON body people edit.
#[derive(Clone, Debug)]
pub enum BodyOf {
    /// The one that was written by hand before.
    Written(Value),
    /// The one that an endpoint is sent for a request.
    Request(Box<Endpoint>, Box<ChatRequest>),
}

impl ComputeCommand {
    /// Answers the question, unless it was given up. It may take long: never call it on the UI thread.
    pub fn answer(self) {
        match self {
            Self::CheckSchemas { schemas, reply } => {
                reply.send_with(|| schemas.iter().map(SchemaCheck::of).collect());
            }
            Self::Effort {
                dialect,
                request,
                reply,
            } => reply.send_with(|| effort::sent_as(dialect, &request)),
            Self::Body {
                of,
                max_bytes,
                reply,
            } => reply.send_with(|| of.indented(max_bytes)),
            Self::RunJson { run, reply } => {
                reply.send_with(|| serde_json::to_string_pretty(&run).unwrap_or_default());
            }
            Self::Snippet {
                language,
                endpoint,
                request,
                reply,
            } => reply.send_with(|| snippet(language, &endpoint, &request)),
            Self::FindText {
                texts,
                words,
                reply,
            } => reply.send_with(|| places(&texts, &words)),
            Self::FindFrames {
                decoded,
                query,
                reply,
            } => reply.send_with(|| decoded.find(&query)),
        }
    }
}

/// Most places of words that are found.
pub const MAX_PLACES: usize = 10_000;

fn places(texts: &[String], words: &str) -> Vec<(usize, usize)> {
    let texts = texts.iter().enumerate();
    let places = texts.flat_map(|(at, text)| {
        let found = matches(text, words).into_iter();
        found.map(move |range| (at, range.start))
    });
    places.take(MAX_PLACES).collect()
}

impl BodyOf {
    fn indented(self, max_bytes: usize) -> Option<String> {
        let body = match self {
            Self::Written(body) => body,
            Self::Request(endpoint, request) => call::raw_body(&endpoint, &request),
        };
        (body.to_string().len() <= max_bytes).then(|| format!("{body:#}"))
    }
}
