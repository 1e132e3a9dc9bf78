//! Reads a file of conversations, whichever program wrote it: that is told by the names of its fields.

use std::{
    fmt,
    io::{BufRead, BufReader},
    path::Path,
};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{ReadConversations, chatgpt, cherry_studio, claude, json, limits::Limited};
use crate::{
    conversation::archive::{ArchivedConversation, VERSION},
    input,
};

/// Most questions and answers in a file.
const MAX_ALL_MESSAGES: usize = 500_000;

/// Why a file was refused: what is wrong, and where.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConversationFileError(String);

/// Reads a file. It may take long: never call it on the UI thread.
///
/// # Errors
/// If it can't be read, is none of the known formats, or has more than is read. Nothing of it is returned then.
pub fn read_file(path: &Path) -> Result<ReadConversations, ConversationFileError> {
    let refused = |why: String| ConversationFileError(why);
    let file = input::open(path).map_err(|error| refused(error.to_string()))?;
    let read = read(BufReader::with_capacity(1 << 16, Limited::new(file)));
    read.map_err(|why| refused(format!("{} can't be imported: {why}", path.display())))
}

/// The same of an open file.
fn read(mut from: impl BufRead) -> Result<ReadConversations, String> {
    let begin = from.fill_buf().map_err(|error| error.to_string())?;
    if begin.starts_with(b"PK\x03\x04") {
        return Err(
            "it is a ZIP archive: unpack it, and import the conversations.json in it (of Cherry Studio: data.json)"
                .to_owned(),
        );
    }
    let mark = b"\xef\xbb\xbf";
    let mark = if begin.starts_with(mark) {
        mark.len()
    } else {
        0
    };
    from.consume(mark);
    let mut reading = FileReading::default();
    let mut json = serde_json::Deserializer::from_reader(from);
    json.deserialize_any(&mut reading)
        .and_then(|()| json.end())
        .map_err(|error| error.to_string())?;
    reading.finish()
}

/// What was read so far.
#[derive(Default)]
struct FileReading {
    found: ReadConversations,
    messages: usize,
    format: Option<String>,
    version: Option<u32>,
    database: Option<cherry_studio::Database>,
    storage: cherry_studio::LocalStorage,
}

impl FileReading {
    fn add(&mut self, conversation: ArchivedConversation) -> Result<(), String> {
        let turns = conversation.panes.iter().flat_map(|pane| &pane.turns);
        self.messages += turns.map(|turn| 1 + turn.answers.len()).sum::<usize>();
        if self.messages > MAX_ALL_MESSAGES {
            return Err(format!(
                ": with it the file has more than {MAX_ALL_MESSAGES} questions and answers"
            ));
        }
        self.found.conversations.push(conversation);
        Ok(())
    }

    /// Checks what could not be checked before the end.
    fn finish(mut self) -> Result<ReadConversations, String> {
        if let Some(database) = self.database.take() {
            self.found.source = cherry_studio::SOURCE.name;
            let left_out = &mut self.found.left_out;
            let topics = cherry_studio::conversations(database, &self.storage, left_out)?;
            for (at, conversation) in topics.into_iter().enumerate() {
                let added = self.add(conversation);
                added.map_err(|why| format!("indexedDB.topics[{at}]{why}"))?;
            }
        }
        match self.found.source {
            "" if self.format.as_deref() == Some(json::FORMAT) => {
                Err("conversations: they must be there, behind format and version".to_owned())
            }
            "" => Err(UNKNOWN.to_owned()),
            json::SOURCE if self.version.is_none() => Err("version: it is missing".to_owned()),
            _ => Ok(self.found),
        }
    }

    fn check_version(&self) -> Result<(), String> {
        match self.version {
            Some(version) if version > VERSION => Err(format!(
                "version: it is {version}, and this program reads up to {VERSION}: update it"
            )),
            _ => Ok(()),
        }
    }
}

const UNKNOWN: &str = "it is no list of conversations that ChatGPT or Claude exported, no data.json of Cherry Studio 1, and no \
     export of Tokenscope";

impl<'de> Visitor<'de> for &mut FileReading {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("exported conversations: a list or an object")
    }

    /// A list of conversations is an export of ChatGPT or Claude.
    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        each(items, |foreign| foreign_conversation(foreign, self))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            match name.as_str() {
                "format" => self.format = Some(fields.next_value()?),
                "version" => self.version = fields.next_value::<Version>()?.0,
                "conversations" if self.format.as_deref() == Some(json::FORMAT) => {
                    self.check_version().map_err(A::Error::custom)?;
                    self.found.source = json::SOURCE;
                    fields.next_value_seed(Own(self))?;
                }
                "indexedDB" => self.database = Some(fields.next_value()?),
                "localStorage" => self.storage = fields.next_value()?,
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// A version that is a number; other programs have other ones.
#[derive(Deserialize)]
#[serde(untagged)]
enum AnyVersion {
    Number(u32),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(from = "AnyVersion")]
struct Version(Option<u32>);

impl From<AnyVersion> for Version {
    fn from(found: AnyVersion) -> Self {
        match found {
            AnyVersion::Number(number) => Self(Some(number)),
            AnyVersion::Other(IgnoredAny) => Self(None),
        }
    }
}

/// Reads our own conversations.
struct Own<'a>(&'a mut FileReading);

impl<'de> DeserializeSeed<'de> for Own<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Own<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of conversations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        each(
            items,
            |conversation: ArchivedConversation| match conversation.problem() {
                Some(problem) => Err(problem),
                None => self.0.add(conversation),
            },
        )
    }
}

/// Takes the conversations of a list one by one. An error says which of them is wrong.
fn each<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(
    mut items: A,
    mut take: impl FnMut(T) -> Result<(), String>,
) -> Result<(), A::Error> {
    for at in 0_usize.. {
        let place = |why: String| A::Error::custom(format!("conversations[{at}]{why}"));
        let item = items
            .next_element()
            .map_err(|error| place(format!(": {error}")))?;
        let Some(item) = item else { break };
        take(item).map_err(place)?;
    }
    Ok(())
}

/// A conversation of ChatGPT or Claude.
#[derive(Deserialize)]
#[serde(expecting = "a conversation")]
struct Foreign {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    update_time: Option<f64>,
    #[serde(default)]
    mapping: Option<chatgpt::Mapping>,
    #[serde(default)]
    current_node: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
    #[serde(default)]
    chat_messages: Option<claude::ChatMessages>,
}

fn foreign_conversation(foreign: Foreign, reading: &mut FileReading) -> Result<(), String> {
    let left_out = &mut reading.found.left_out;
    let (source, found) = match (foreign.mapping, foreign.chat_messages) {
        (Some(mapping), _) => {
            let title = foreign.title.unwrap_or_default();
            let head = (title.as_str(), foreign.update_time);
            let tree = (mapping, foreign.current_node);
            (
                chatgpt::SOURCE.name,
                chatgpt::conversation(head, tree, left_out)?,
            )
        }
        (None, Some(messages)) => {
            let title = foreign.name.unwrap_or_default();
            let updated = foreign.updated_at.unwrap_or_default();
            let head = (title.as_str(), updated.as_str());
            (
                claude::SOURCE.name,
                claude::conversation(head, messages, left_out)?,
            )
        }
        (None, None) => {
            return Err(": it has neither a mapping, as in ChatGPT's exports, nor chat_messages, as in Claude's".to_owned());
        }
    };
    reading.found.source = source;
    let Some(conversation) = found else {
        let kind = "conversations in which nothing was asked";
        reading.found.left_out.add(kind, 1);
        return Ok(());
    };
    reading.add(conversation)
}
