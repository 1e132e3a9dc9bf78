//! What the benches ask, and what a typed pass reads of the answer.

use std::{borrow::Cow, sync::Arc};

use serde::Deserialize;
use tokenscope::{
    chat::ChatRequest,
    endpoint::Endpoint,
    run::{Origin, RunHead, RunId, RunSpec},
};

/// A run without a key; on a connection of its own if it is to be `cold`.
pub fn spec(endpoint: &Arc<Endpoint>, request: ChatRequest, cold: bool) -> RunSpec {
    RunSpec {
        head: RunHead::new(RunId::new(), endpoint, Arc::new(request), Origin::Terminal),
        endpoint: Arc::clone(endpoint),
        key: None,
        proxy_password: None,
        no_key_reason: None,
        cold,
    }
}

/// The question that `sim-bench` answers with so many tokens.
#[allow(dead_code, reason = "one bench asks servers of its own")]
pub fn request(prompt: &str, tokens: u32) -> ChatRequest {
    let mut request = ChatRequest::of_text("sim-bench", prompt);
    request.params.max_tokens = Some(tokens);
    request
}

/// The text of a chunk of openai-chat.
#[allow(dead_code, reason = "not every bench has a loop of its own")]
pub fn chunk_text(data: &str) -> Option<Cow<'_, str>> {
    let mut chunk: Chunk<'_> = serde_json::from_str(data).ok()?;
    chunk.choices.pop()?.delta.content
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    delta: Message<'a>,
}

/// A message, or what a chunk adds to it.
#[derive(Deserialize)]
pub struct Message<'a> {
    #[serde(borrow)]
    pub content: Option<Cow<'a, str>>,
}
