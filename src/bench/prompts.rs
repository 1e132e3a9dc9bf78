//! Prompt sets: what a bench asks.
//!
//! In: a file of lines, of JSON lines, or in the form of ShareGPT; or lengths in tokens. Out: [`RequestSource`]s. A
//! conversation of several turns gives a request for each of its user's turns, with the recorded answers before it: the
//! workers keep no text, and every repetition asks the same.
//!
//! [`RequestSource`]: super::RequestSource

mod choice;
mod lengths;
mod read;
mod sent;
mod size;
mod source;
mod synthetic;
mod tokenizer;

use std::{path::Path, sync::Arc};

use serde::Deserialize;

use self::size::SetSize;
pub use self::{
    choice::{PromptChoice, PromptChoiceError, TokenizerChoice, USUAL_PROMPT},
    lengths::Lengths,
    read::{EntryError, PromptsError},
    size::MeanTokens,
    source::{PromptOrder, PromptSource},
    synthetic::{SyntheticPlan, SyntheticSource},
    tokenizer::{ShippedVocabulary, Tokenizer, TokenizerError},
};
use crate::{
    chat::{Message, Role},
    event::words,
    input,
};

/// Most bytes of a file of prompts: the ShareGPT file that benchmarks of servers use has 642 MB.
pub const MAX_FILE: u64 = 1 << 30;

words! {
    /// Which turns of a recorded conversation are asked.
    Turns {
        /// The first only, as `vllm bench` does.
        First = "first",
        /// Each, with the recorded answers before it.
        Each = "each",
        /// The last only, with all before it.
        Last = "last",
    }
}

/// A recorded conversation, or a single prompt, which is one with one message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RecordedConversation {
    system: Option<String>,
    messages: Vec<Message>,
    /// Most output tokens of each of its requests, where the file says so.
    max_tokens: Option<u32>,
}

impl RecordedConversation {
    /// How many messages each of its requests has: one ends with each message of the user.
    fn requests(&self) -> impl DoubleEndedIterator<Item = usize> {
        let of_user = |(_, message): &(usize, &Message)| message.role == Role::User;
        let ends = self.messages.iter().enumerate().filter(of_user);
        ends.map(|(index, _)| index + 1)
    }
}

/// One request of a set: the first messages of a conversation.
#[derive(Clone, Debug, PartialEq)]
struct PromptEntry {
    conversation: Arc<RecordedConversation>,
    messages: usize,
    max_tokens: Option<u32>,
}

impl PromptEntry {
    /// The messages that are asked.
    fn asked(&self) -> &[Message] {
        &self.conversation.messages[..self.messages]
    }
}

/// A set of prompts, numbered from 0.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "sent::SentSet")]
pub struct PromptSet {
    prompts: Vec<PromptEntry>,
    /// How large they are together.
    size: SetSize,
    /// How many entries were left out, since they hold no message of a user.
    left_out: usize,
}

impl PromptSet {
    /// Reads a file. `.txt` is one prompt a line; `.json` and `.jsonl` are JSON, and so is any other file that begins
    /// like it. See `docs/prompts.md` for the forms.
    ///
    /// # Errors
    /// If it can't be read, is larger than [`MAX_FILE`], has an entry that is no prompt (with its line), or none at all.
    pub fn read(path: &Path, turns: Turns) -> Result<Self, PromptsError> {
        let text = input::text(path, MAX_FILE)?;
        let extension = path.extension().and_then(|extension| extension.to_str());
        let is_json = match extension {
            Some("txt") => false,
            Some("json" | "jsonl") => true,
            _ => text.trim_start().starts_with(['{', '[', '"']),
        };
        let name = path.display().to_string();
        if is_json {
            Self::of_json(&name, &text, turns)
        } else {
            Self::of_lines(&name, &text)
        }
    }

    /// One prompt a line; empty lines are left out.
    ///
    /// # Errors
    /// If there is none. `name` is the input's, for messages.
    pub fn of_lines(name: &str, text: &str) -> Result<Self, PromptsError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let conversations = lines.map(|line| RecordedConversation {
            system: None,
            messages: vec![Message::user(line)],
            max_tokens: None,
        });
        Self::of(name, conversations.collect(), Turns::First)
    }

    /// JSON: an entry a line, or an array of entries, as ShareGPT has it.
    ///
    /// # Errors
    /// If an entry is no prompt, or there is none. `name` is the input's, for messages.
    pub fn of_json(name: &str, text: &str, turns: Turns) -> Result<Self, PromptsError> {
        Self::of(name, read::conversations(name, text)?, turns)
    }

    fn of(
        name: &str,
        conversations: Vec<RecordedConversation>,
        turns: Turns,
    ) -> Result<Self, PromptsError> {
        let mut set = Self::default();
        for conversation in conversations {
            let conversation = Arc::new(conversation);
            let requests = conversation.requests();
            let prompts = requests.map(|messages| PromptEntry {
                max_tokens: conversation.max_tokens,
                conversation: conversation.clone(),
                messages,
            });
            let before = set.prompts.len();
            match turns {
                Turns::First => set.prompts.extend(prompts.take(1)),
                Turns::Each => set.prompts.extend(prompts),
                Turns::Last => set.prompts.extend(prompts.rev().take(1)),
            }
            set.left_out += usize::from(set.prompts.len() == before);
        }
        if set.prompts.is_empty() {
            return Err(PromptsError::Empty(name.to_owned()));
        }
        if u32::try_from(set.prompts.len()).is_err() {
            return Err(PromptsError::TooMany(name.to_owned()));
        }
        set.size = SetSize::of(&set.prompts);
        Ok(set)
    }

    /// Asks for as many output tokens as the recorded answer to each prompt has, where there is one and the file does not
    /// say how many, as `vllm bench` does.
    pub fn limit_to_answers(&mut self, tokenizer: &Tokenizer) {
        for prompt in &mut self.prompts {
            let next = prompt.conversation.messages.get(prompt.messages);
            if let Some(answer) = next.filter(|next| next.role == Role::Assistant) {
                let tokens = tokenizer.count(&answer.text()).max(1);
                let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
                prompt.max_tokens.get_or_insert(tokens);
            }
        }
        self.size = SetSize::of(&self.prompts);
    }

    /// How many prompts it has: at least one.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.prompts.len()
    }

    /// How many entries of the file were left out, since they hold no message of a user.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }
}

#[cfg(test)]
mod tests;
