//! What Cherry Studio 1 exports: `data.json` of a backup, with topics and the blocks of their messages under
//! `indexedDB`, and the names of topics under `localStorage`, as JSON within a text within JSON. Its keys and settings
//! are not read.

use std::collections::HashMap;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny},
};

use super::{
    left_out::LeftOut,
    limits::{self, Limited},
    thread::{Source, Thread, ThreadAnswer, join, time_ns},
};
use crate::{chat::Part, conversation::archive::ArchivedConversation, dialect::DialectId};

pub(super) static SOURCE: Source = Source {
    name: "Cherry Studio",
    endpoint: "cherry-studio",
    model: "not stated",
    dialect: DialectId::OpenaiChat,
};

/// Topics, and blocks by their ids.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Database {
    #[serde(default, deserialize_with = "limits::list")]
    topics: Vec<Topic>,
    #[serde(default)]
    message_blocks: CherryBlocks,
}

#[derive(Debug, Deserialize)]
struct Topic {
    id: String,
    #[serde(default, deserialize_with = "limits::list")]
    messages: Vec<CherryMessage>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CherryMessage {
    role: String,
    /// The text, in files of old versions.
    #[serde(default, deserialize_with = "text")]
    content: String,
    #[serde(default, deserialize_with = "limits::list")]
    blocks: Vec<String>,
    #[serde(default)]
    created_at: Option<String>,
    /// The question that it answers: several models may.
    #[serde(default)]
    ask_id: Option<String>,
    #[serde(default)]
    fold_selected: Option<bool>,
    #[serde(default)]
    model: Option<CherryModel>,
    #[serde(default)]
    model_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CherryModel {
    #[serde(default)]
    id: Option<String>,
}

/// Blocks by their ids.
#[derive(Debug, Default)]
struct CherryBlocks(HashMap<String, CherryBlock>);

#[derive(Debug)]
enum CherryBlock {
    Text(String),
    Thinking(String),
    /// It is not imported: its kind, in the plural.
    Other(&'static str),
}

impl<'de> Deserialize<'de> for CherryBlocks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Typed {
            id: String,
            r#type: String,
            #[serde(default, deserialize_with = "text")]
            content: String,
        }
        let mut blocks = HashMap::new();
        limits::fold(from, |block: Typed| {
            let found = match block.r#type.as_str() {
                "main_text" | "code" => CherryBlock::Text(block.content),
                "thinking" => CherryBlock::Thinking(block.content),
                "image" | "file" | "video" => CherryBlock::Other("attachments"),
                "tool" => CherryBlock::Other("calls of tools and their results"),
                "citation" => CherryBlock::Other("sources"),
                "error" => CherryBlock::Other("errors"),
                "translation" => CherryBlock::Other("translations"),
                _ => CherryBlock::Other("blocks of an unknown kind"),
            };
            blocks.insert(block.id, found);
            Some(())
        })?;
        Ok(Self(blocks))
    }
}

/// A text; anything else is empty.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Found {
        Text(String),
        Other(IgnoredAny),
    }
    Ok(match Found::deserialize(from)? {
        Found::Text(text) => text,
        Found::Other(IgnoredAny) => String::new(),
    })
}

/// What the program keeps beside its database.
#[derive(Debug, Default, Deserialize)]
pub(super) struct LocalStorage {
    #[serde(default, rename = "persist:cherry-studio", deserialize_with = "text")]
    persisted: String,
}

#[derive(Debug, Default, Deserialize)]
struct Persisted {
    #[serde(default, deserialize_with = "text")]
    assistants: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assistants {
    #[serde(default)]
    default_assistant: Option<Assistant>,
    #[serde(default, deserialize_with = "limits::list")]
    assistants: Vec<Assistant>,
}

#[derive(Debug, Deserialize)]
struct Assistant {
    #[serde(default)]
    prompt: Option<String>,
    #[serde(default, deserialize_with = "limits::list")]
    topics: Vec<NamedTopic>,
}

#[derive(Debug, Deserialize)]
struct NamedTopic {
    id: String,
    #[serde(default)]
    name: Option<String>,
}

/// The name of a topic, and the prompt of its assistant.
#[derive(Debug, Default)]
struct TopicNames {
    name: String,
    prompt: String,
}

impl CherryMessage {
    fn sent_unix_ns(&self) -> i64 {
        self.created_at.as_deref().map_or(0, time_ns)
    }
}

impl LocalStorage {
    /// What is known of topics, by their ids.
    fn topics(&self) -> HashMap<String, TopicNames> {
        let persisted: Persisted = within(&self.persisted);
        let all: Assistants = within(&persisted.assistants);
        let mut topics = HashMap::new();
        for assistant in all.default_assistant.into_iter().chain(all.assistants) {
            for topic in assistant.topics {
                let names = TopicNames {
                    name: topic.name.unwrap_or_default(),
                    prompt: assistant.prompt.clone().unwrap_or_default(),
                };
                topics.entry(topic.id).or_insert(names);
            }
        }
        topics
    }
}

/// JSON within a text; the default for what is none.
fn within<T: Default + DeserializeOwned>(text: &str) -> T {
    serde_json::from_reader(Limited::new(text.as_bytes())).unwrap_or_default()
}

/// The conversations: one a topic in which something was asked.
///
/// # Errors
/// With the place that is wrong, and why.
pub(super) fn conversations(
    database: Database,
    storage: &LocalStorage,
    left_out: &mut LeftOut,
) -> Result<Vec<ArchivedConversation>, String> {
    let Database {
        topics,
        message_blocks: CherryBlocks(mut blocks),
    } = database;
    let mut names = storage.topics();
    let mut found = Vec::new();
    for (at, topic) in topics.into_iter().enumerate() {
        let TopicNames { name, prompt } = names.remove(&topic.id).unwrap_or_default();
        let updated = topic.messages.iter().map(CherryMessage::sent_unix_ns);
        let updated = updated.max().unwrap_or_default();
        let mut thread = Thread::new(&SOURCE);
        thread.system(&prompt);
        let mut asked = None;
        for (message_at, message) in topic.messages.into_iter().enumerate() {
            add(&mut thread, message, &mut asked, &mut blocks, left_out)
                .map_err(|why| format!("indexedDB.topics[{at}].messages[{message_at}]{why}"))?;
        }
        found.extend(thread.finish(&name, updated));
    }
    Ok(found)
}

/// Adds a message; `asked` is the question that was answered last.
fn add(
    thread: &mut Thread,
    message: CherryMessage,
    asked: &mut Option<String>,
    blocks: &mut HashMap<String, CherryBlock>,
    left_out: &mut LeftOut,
) -> Result<(), String> {
    let mut said = ThreadAnswer {
        at_unix_ns: message.sent_unix_ns(),
        model: (message.model.and_then(|model| model.id)).or(message.model_id),
        text: message.content,
        ..ThreadAnswer::default()
    };
    for id in &message.blocks {
        match blocks.remove(id) {
            Some(CherryBlock::Text(text)) => join(&mut said.text, &text),
            Some(CherryBlock::Thinking(text)) => join(&mut said.reasoning, &text),
            Some(CherryBlock::Other(kind)) => left_out.add(kind, 1),
            None => left_out.add("blocks that are missing in the file", 1),
        }
    }
    match message.role.as_str() {
        "user" => {
            *asked = None;
            let part = (!said.text.is_empty()).then_some(Part::Text { text: said.text });
            thread.ask(part.into_iter().collect());
        }
        "assistant" if message.ask_id.is_some() && *asked == message.ask_id => {
            thread.another_answer(said, message.fold_selected == Some(true), left_out);
        }
        "assistant" => {
            *asked = message.ask_id;
            thread.answer(said, left_out);
        }
        "system" => thread.system(&said.text),
        other => {
            return Err(format!(
                ".role: {other:?} is none of user, assistant and system"
            ));
        }
    }
    Ok(())
}
