//! What ChatGPT exports: `conversations.json`, a list of conversations, each a tree of messages by their ids in
//! `mapping`. `current_node` is the leaf that was shown last: the messages from the root to it are read.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{
    left_out::LeftOut,
    limits,
    thread::{Source, Thread, ThreadAnswer, join, unix_ns},
};
use crate::{chat::Part, conversation::archive::ArchivedConversation, dialect::DialectId};

pub(super) static SOURCE: Source = Source {
    name: "ChatGPT",
    endpoint: "chatgpt",
    model: "not stated",
    dialect: DialectId::OpenaiChat,
};

/// The messages of a conversation by their ids.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Mapping(#[serde(deserialize_with = "limits::map")] HashMap<String, ChatgptNode>);

#[derive(Debug, Deserialize)]
struct ChatgptNode {
    #[serde(default)]
    message: Option<ChatgptMessage>,
    #[serde(default)]
    parent: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ChatgptMessage {
    author: Author,
    #[serde(default)]
    create_time: Option<f64>,
    #[serde(default)]
    content: Content,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    recipient: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Author {
    role: String,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    model_slug: Option<String>,
    #[serde(default)]
    is_visually_hidden_from_conversation: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
struct Content {
    #[serde(default, rename = "content_type")]
    kind: String,
    #[serde(default)]
    parts: Parts,
    #[serde(default)]
    thoughts: Thoughts,
}

/// Texts joined, and how many other things there were.
#[derive(Debug, Default)]
struct Parts {
    text: String,
    files: usize,
}

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Item {
            Text(String),
            File(Typed),
            Nothing(IgnoredAny),
        }
        /// A picture, a sound, or what was said aloud.
        #[derive(Deserialize)]
        struct Typed {
            #[serde(default)]
            content_type: String,
            #[serde(default)]
            text: Option<String>,
        }
        let mut parts = Self::default();
        limits::fold(from, |item: Item| {
            match item {
                Item::Text(text) => join(&mut parts.text, &text),
                Item::File(Typed {
                    content_type,
                    text: Some(text),
                }) if content_type == "audio_transcription" => join(&mut parts.text, &text),
                Item::File(_) => parts.files += 1,
                Item::Nothing(IgnoredAny) => {}
            }
            Some(())
        })?;
        Ok(parts)
    }
}

/// Reasoning as it was shown.
#[derive(Debug, Default)]
struct Thoughts(String);

impl<'de> Deserialize<'de> for Thoughts {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Thought {
            #[serde(default)]
            content: Option<String>,
        }
        let mut all = String::new();
        limits::fold(from, |thought: Thought| {
            join(&mut all, &thought.content.unwrap_or_default());
            Some(())
        })?;
        Ok(Self(all))
    }
}

/// The conversation that was shown last; `None` if nothing was asked in it.
///
/// # Errors
/// With the field that is wrong, and why.
pub(super) fn conversation(
    (title, updated): (&str, Option<f64>),
    (mut mapping, current): (Mapping, Option<String>),
    left_out: &mut LeftOut,
) -> Result<Option<ArchivedConversation>, String> {
    let mut thread = Thread::new(&SOURCE);
    for message in shown(&mut mapping, current)? {
        add(&mut thread, message, left_out);
    }
    let others = mapping.0.values().filter(|node| {
        let role = node.message.as_ref().map(|message| &message.author.role);
        role.is_some_and(|role| role == "user" || role == "assistant")
    });
    left_out.add("messages on other branches", others.count());
    Ok(thread.finish(title, unix_ns(updated)))
}

/// Takes the messages from the root to the leaf that was shown last.
fn shown(mapping: &mut Mapping, current: Option<String>) -> Result<Vec<ChatgptMessage>, String> {
    let Some(leaf) = current else {
        return if mapping.0.is_empty() {
            Ok(Vec::new())
        } else {
            Err(".current_node: it is missing, so that the branch to read is not known".to_owned())
        };
    };
    let mut messages = Vec::new();
    let mut at = Some(leaf);
    while let Some(id) = at {
        // A node is taken once: a tree that leads back to itself ends here, too.
        let Some(node) = mapping.0.remove(&id) else {
            return Err(format!(
                ".mapping: it has no message {id:?}, or one that follows from itself"
            ));
        };
        messages.extend(node.message);
        at = node.parent;
    }
    messages.reverse();
    Ok(messages)
}

fn add(thread: &mut Thread, message: ChatgptMessage, left_out: &mut LeftOut) {
    let content = message.content;
    let metadata = message.metadata.unwrap_or_default();
    if metadata.is_visually_hidden_from_conversation == Some(true) {
        let has_text = !content.parts.text.is_empty();
        return left_out.add("hidden messages", usize::from(has_text));
    }
    left_out.add("attachments", content.parts.files);
    let is_to_all = message.recipient.is_none_or(|to| to == "all");
    match (message.author.role.as_str(), content.kind.as_str()) {
        ("user", "text" | "multimodal_text") => thread.ask(text_part(content.parts.text)),
        ("system", "text") => thread.system(&content.parts.text),
        ("assistant", "text" | "multimodal_text") if is_to_all => {
            let answer = ThreadAnswer {
                model: metadata.model_slug,
                at_unix_ns: unix_ns(message.create_time),
                text: content.parts.text,
                ..ThreadAnswer::default()
            };
            thread.answer(answer, left_out);
        }
        ("assistant", "thoughts") => {
            let answer = ThreadAnswer {
                at_unix_ns: unix_ns(message.create_time),
                reasoning: content.thoughts.0,
                ..ThreadAnswer::default()
            };
            thread.answer(answer, left_out);
        }
        // It only says how long the reasoning took.
        ("assistant", "reasoning_recap") => {}
        ("user" | "system", _) => left_out.add("custom instructions", 1),
        ("tool" | "assistant", _) => left_out.add("calls of tools and their results", 1),
        _ => left_out.add("messages of an unknown role", 1),
    }
}

/// A question of a text; nothing if that is empty.
fn text_part(text: String) -> Vec<Part> {
    let part = (!text.is_empty()).then_some(Part::Text { text });
    part.into_iter().collect()
}
