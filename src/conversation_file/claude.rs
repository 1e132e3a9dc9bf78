//! What Claude exports: `conversations.json`, a list of conversations with their `chat_messages` in order.

use serde::{Deserialize, Deserializer};

use super::{
    left_out::LeftOut,
    limits,
    thread::{Source, Thread, ThreadAnswer, join, time_ns},
};
use crate::{
    chat::{Media, Part},
    conversation::archive::ArchivedConversation,
    dialect::DialectId,
};

pub(super) static SOURCE: Source = Source {
    name: "Claude",
    endpoint: "claude",
    model: "not stated",
    dialect: DialectId::Anthropic,
};

/// The messages of a conversation.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct ChatMessages(#[serde(deserialize_with = "limits::list")] Vec<ClaudeMessage>);

#[derive(Debug, Deserialize)]
struct ClaudeMessage {
    sender: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    content: ClaudeBlocks,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    attachments: ClaudeAttachments,
    #[serde(default)]
    files: ClaudeFiles,
}

/// The blocks of a message, by what they are.
#[derive(Debug, Default)]
struct ClaudeBlocks {
    text: String,
    thinking: String,
    others: usize,
}

impl<'de> Deserialize<'de> for ClaudeBlocks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Block {
            r#type: String,
            #[serde(default)]
            text: Option<String>,
            #[serde(default)]
            thinking: Option<String>,
        }
        let mut blocks = Self::default();
        limits::fold(from, |block: Block| {
            match block.r#type.as_str() {
                "text" => join(&mut blocks.text, &block.text.unwrap_or_default()),
                "thinking" => join(&mut blocks.thinking, &block.thinking.unwrap_or_default()),
                _ => blocks.others += 1,
            }
            Some(())
        })?;
        Ok(blocks)
    }
}

/// Attached texts, and how many attachments have none.
#[derive(Debug, Default)]
struct ClaudeAttachments {
    texts: Vec<Part>,
    others: usize,
}

impl<'de> Deserialize<'de> for ClaudeAttachments {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Attachment {
            #[serde(default)]
            file_name: Option<String>,
            #[serde(default)]
            extracted_content: Option<String>,
        }
        let mut found = Self::default();
        limits::fold(from, |attachment: Attachment| {
            let text = attachment.extracted_content.unwrap_or_default();
            if text.is_empty() {
                found.others += 1;
            } else {
                found.texts.push(Part::Media(Media {
                    mime: "text/plain".to_owned(),
                    data: text.into_bytes().into(),
                    uri: None,
                    name: attachment.file_name.unwrap_or_default(),
                }));
            }
            Some(())
        })?;
        Ok(found)
    }
}

/// How many files there were: only their names are exported.
#[derive(Debug, Default)]
struct ClaudeFiles(usize);

impl<'de> Deserialize<'de> for ClaudeFiles {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut count = 0;
        limits::fold(from, |_: serde::de::IgnoredAny| {
            count += 1;
            Some(())
        })?;
        Ok(Self(count))
    }
}

/// The conversation; `None` if nothing was asked in it.
///
/// # Errors
/// With the field that is wrong, and why.
pub(super) fn conversation(
    (title, updated): (&str, &str),
    messages: ChatMessages,
    left_out: &mut LeftOut,
) -> Result<Option<ArchivedConversation>, String> {
    let mut thread = Thread::new(&SOURCE);
    for (at, message) in messages.0.into_iter().enumerate() {
        let content = message.content;
        // Old exports have the text alone.
        let text = if content.text.is_empty() {
            message.text
        } else {
            content.text
        };
        let ClaudeAttachments { texts, others } = message.attachments;
        left_out.add("attachments", others + message.files.0);
        left_out.add("calls of tools and their results", content.others);
        match message.sender.as_str() {
            "human" => {
                let text = (!text.is_empty()).then_some(Part::Text { text });
                thread.ask(texts.into_iter().chain(text).collect());
            }
            "assistant" => {
                let answer = ThreadAnswer {
                    model: None,
                    at_unix_ns: time_ns(&message.created_at),
                    reasoning: content.thinking,
                    text,
                };
                thread.answer(answer, left_out);
            }
            other => {
                return Err(format!(
                    ".chat_messages[{at}].sender: {other:?} is neither human nor assistant"
                ));
            }
        }
    }
    Ok(thread.finish(title, time_ns(updated)))
}
