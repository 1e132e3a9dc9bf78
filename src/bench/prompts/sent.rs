//! Prompts as JSON, as a driver sends them to its agents. What comes is checked, so that each request of it can be made.
//!
//! Of a recorded conversation it holds what is asked alone: nothing behind the last message that a request has.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::{PromptEntry, PromptSet, RecordedConversation, SetSize};
use crate::chat::{Message, Part};

/// A prompt: the place of its conversation, how many of its messages it has, and its most output tokens.
type SentPrompt = (usize, usize, Option<u32>);

#[derive(Serialize)]
struct SendingSet<'a> {
    conversations: Vec<SendingConversation<'a>>,
    prompts: Vec<SentPrompt>,
}

#[derive(Serialize)]
struct SendingConversation<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<&'a str>,
    messages: &'a [Message],
}

/// A set of prompts as it came.
#[derive(Deserialize)]
pub(super) struct SentSet {
    conversations: Vec<SentConversation>,
    prompts: Vec<SentPrompt>,
}

#[derive(Deserialize)]
struct SentConversation {
    system: Option<String>,
    messages: Vec<Message>,
}

impl Serialize for PromptSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sending = SendingSet {
            conversations: Vec::new(),
            prompts: Vec::with_capacity(self.prompts.len()),
        };
        let mut last: Option<&Arc<RecordedConversation>> = None;
        for prompt in &self.prompts {
            let conversation = &prompt.conversation;
            let messages = prompt.asked();
            // The prompts of a conversation follow each other.
            let is_same = last.is_some_and(|last| Arc::ptr_eq(last, conversation));
            match sending.conversations.last_mut().filter(|_| is_same) {
                Some(known) if known.messages.len() < messages.len() => known.messages = messages,
                Some(_) => {}
                None => sending.conversations.push(SendingConversation {
                    system: conversation.system.as_deref(),
                    messages,
                }),
            }
            last = Some(conversation);
            let place = sending.conversations.len().saturating_sub(1);
            (sending.prompts).push((place, prompt.messages, prompt.max_tokens));
        }
        sending.serialize(serializer)
    }
}

impl TryFrom<SentSet> for PromptSet {
    type Error = &'static str;

    fn try_from(sent: SentSet) -> Result<Self, Self::Error> {
        let is_text = |message: &Message| {
            let mut parts = message.parts.iter();
            parts.all(|part| matches!(part, Part::Text { .. }))
        };
        let conversations = sent.conversations.into_iter().map(|sent| {
            if !sent.messages.iter().all(is_text) {
                return Err("a message of a prompt is no text");
            }
            Ok(Arc::new(RecordedConversation {
                system: sent.system,
                messages: sent.messages,
                max_tokens: None,
            }))
        });
        let conversations: Vec<_> = conversations.collect::<Result<_, _>>()?;
        let prompts = sent
            .prompts
            .into_iter()
            .map(|(place, messages, max_tokens)| {
                let conversation = conversations.get(place);
                let conversation =
                    conversation.filter(|it| (1..=it.messages.len()).contains(&messages));
                Ok(PromptEntry {
                    conversation: Arc::clone(conversation.ok_or("a prompt has no such messages")?),
                    messages,
                    max_tokens,
                })
            });
        let prompts: Vec<_> = prompts.collect::<Result<_, Self::Error>>()?;
        if prompts.is_empty() || u32::try_from(prompts.len()).is_err() {
            return Err("there is no prompt, or there are too many");
        }
        Ok(Self {
            size: SetSize::of(&prompts),
            prompts,
            left_out: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bench::prompts::Turns;

    #[test]
    fn nothing_is_sent_that_is_not_asked() {
        let text = r#"{"messages": [{"role": "user", "content": "asked"}, {"role": "assistant", "content": "an answer"},
            {"role": "user", "content": "not asked"}]}"#;
        let text = text.replace('\n', " ");
        let set = PromptSet::of_json("p", &text, Turns::First).unwrap();
        let json = serde_json::to_string(&set).unwrap();
        assert!(
            json.contains("asked") && !json.contains("an answer"),
            "{json}"
        );
        let again: PromptSet = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), json);
    }

    #[test]
    fn what_no_request_can_be_made_of_is_refused() {
        let message = json!({"role": "user", "parts": [{"type": "text", "text": "hello"}]});
        let image = json!({"role": "user", "parts": [{"type": "opaque", "dialect": "gemini", "kind": "x", "raw": "{}"}]});
        let sent = |messages: serde_json::Value, prompts: serde_json::Value| {
            let set = json!({"conversations": [{"messages": messages}], "prompts": prompts});
            serde_json::from_value::<PromptSet>(set)
        };
        assert!(sent(json!([message]), json!([[0, 1, 5], [0, 1, null]])).is_ok());
        for (messages, prompts) in [
            (json!([message]), json!([])),
            (json!([message]), json!([[0, 2, null]])),
            (json!([message]), json!([[0, 0, null]])),
            (json!([message]), json!([[1, 1, null]])),
            (json!([image]), json!([[0, 1, null]])),
        ] {
            assert!(
                sent(messages.clone(), prompts.clone()).is_err(),
                "{messages} {prompts}"
            );
        }
    }
}
