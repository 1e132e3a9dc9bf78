//! What does not come back of a request, and why. A row makes requests the same that differ in this only.

use std::collections::BTreeMap;

use serde_json::Value;
use tokenscope::{
    chat::{ChatRequest, Part, ResponseFormat, Role},
    dialect::DialectId::{Anthropic, Gemini, Ollama, OpenaiChat, OpenaiResponses, VertexGrpc},
};

use crate::both_halves::{as_object, lost::Lost};

pub const LOST: &[Lost<ChatRequest>] = &[
    Lost {
        dialects: &[OpenaiChat, OpenaiResponses],
        what: "a budget for thoughts",
        why: "the protocol has words only",
        change: |request| {
            let effort = &mut request.params.reasoning_effort;
            if effort.as_deref() == Some("2048") {
                *effort = Some("low".into());
            }
        },
    },
    Lost {
        dialects: &[],
        what: "the names of files",
        why: "a name may be a person's own: it is sent only where the protocol wants one",
        change: |request| {
            each_part(request, |part| {
                if let Part::Media(media) = part {
                    media.name.clear();
                }
            });
        },
    },
    Lost {
        dialects: &[],
        what: "files that the model made",
        why: "an answer that goes back has no room for them; some are shown as the user's",
        change: |request| {
            for message in request.messages.iter_mut().skip(1) {
                message.parts.retain(|part| !matches!(part, Part::Media(_)));
            }
            request.messages.retain(|message| !message.parts.is_empty());
        },
    },
    Lost {
        dialects: &[OpenaiChat, Ollama],
        what: "the order of thoughts, text and calls in an answer",
        why: "a message has a field for each",
        change: |request| each_answer(request, in_fields),
    },
    Lost {
        dialects: &[OpenaiChat],
        what: "thoughts of an answer that waits for no result, and the work of a server's tools",
        why: "they are not sent back",
        change: |request| each_answer(request, forget_thoughts),
    },
    Lost {
        dialects: &[Anthropic, Gemini, Ollama, VertexGrpc],
        what: "how the arguments of a call are written",
        why: "they are an object there",
        change: |request| {
            each_part(request, |part| {
                if let Part::ToolCall(call) = part {
                    call.arguments = as_object(&call.arguments).to_string();
                }
            });
        },
    },
    Lost {
        dialects: &[],
        what: "blanks in the JSON of an item or of a signature",
        why: "they say nothing",
        change: |request| {
            each_part(request, |part| {
                if let Part::Opaque { raw: json, .. } | Part::Signature { value: json, .. } = part
                    && let Ok(value) = serde_json::from_str::<Value>(json)
                {
                    *json = value.to_string();
                }
            });
        },
    },
    Lost {
        dialects: &[Anthropic],
        what: "texts of blanks alone, and thoughts that end a turn",
        why: "the protocol refuses them",
        change: |request| {
            each_answer(request, |parts| {
                parts.retain(|part| !matches!(part, Part::Text { text } if text.trim().is_empty()));
                let thinks = |part: &Part| matches!(part, Part::Opaque { kind, .. } if kind.contains("thinking"));
                while parts.last().is_some_and(thinks) {
                    parts.pop();
                }
            });
        },
    },
    Lost {
        dialects: &[OpenaiResponses],
        what: "the output of a shell as plain text",
        why: "it is a list there",
        change: |request| {
            each_part(request, |part| {
                if let Part::ToolResult { content, .. } = part
                    && let Ok(Value::Array(list)) = serde_json::from_str(content)
                {
                    let text = list[0]["stdout"].as_str().unwrap_or_default();
                    text.clone_into(content);
                }
            });
        },
    },
    Lost {
        dialects: &[VertexGrpc],
        what: "the order of an object's keys",
        why: "a `Struct` of protobuf has none",
        change: |request| {
            each_part(request, |part| {
                if let Part::ToolCall(call) = part {
                    let sorted: BTreeMap<String, Value> =
                        serde_json::from_str(&call.arguments).unwrap();
                    call.arguments = serde_json::to_string(&sorted).unwrap();
                }
            });
        },
    },
    Lost {
        dialects: &[VertexGrpc],
        what: "the ids of calls and results",
        why: "the message has no field for them: their order tells which is whose",
        change: |request| {
            each_part(request, |part| match part {
                Part::ToolCall(call) => call.id.clear(),
                Part::ToolResult { id, .. } => id.clear(),
                _ => {}
            });
        },
    },
    Lost {
        dialects: &[Ollama],
        what: "the order of text and pictures",
        why: "a message has a field for each",
        change: |request| {
            for message in &mut request.messages {
                message
                    .parts
                    .sort_by_key(|part| matches!(part, Part::Media(_)));
            }
        },
    },
    Lost {
        dialects: &[Anthropic, Gemini, Ollama, VertexGrpc],
        what: "the word for an effort",
        why: "the protocol has budgets, switches or fewer words, which depend on the model",
        change: |request| {
            if let Some(effort) = &mut request.params.reasoning_effort {
                "some".clone_into(effort);
            }
        },
    },
    Lost {
        dialects: &[Anthropic],
        what: "a limit that was not asked for",
        why: "the protocol wants one",
        change: |request| {
            request.params.max_tokens.get_or_insert(8_192);
        },
    },
    Lost {
        dialects: &[Anthropic, Gemini, Ollama, VertexGrpc],
        what: "the name of a schema, and whether it is enforced",
        why: "a schema stands there alone",
        change: |request| {
            if let Some(ResponseFormat::JsonSchema { name, strict, .. }) =
                &mut request.params.response_format
            {
                name.clear();
                *strict = true;
            }
        },
    },
];

fn each_answer(request: &mut ChatRequest, change: fn(&mut Vec<Part>)) {
    for message in &mut request.messages {
        if message.role == Role::Assistant {
            change(&mut message.parts);
        }
    }
}

/// Thoughts, text, calls, the rest: each with its signature; thoughts are one, and so are texts.
fn in_fields(parts: &mut Vec<Part>) {
    let (mut thoughts, mut said, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = 2;
    for part in parts.drain(..) {
        last = match part {
            Part::Reasoning { .. } => 0,
            Part::Text { .. } => 1,
            Part::Signature { .. } => last,
            _ => 2,
        };
        let into = [&mut thoughts, &mut said, &mut rest]
            .into_iter()
            .nth(last)
            .unwrap();
        if last < 2 && into.contains(&part) {
            continue;
        }
        let before = into.iter_mut().find_map(|known| match (known, &part) {
            (Part::Reasoning { text }, Part::Reasoning { text: more })
            | (Part::Text { text }, Part::Text { text: more }) => Some((text, more)),
            _ => None,
        });
        match before {
            Some((text, more)) => text.push_str(more),
            None => into.push(part),
        }
    }
    let is_item = |part: &Part| matches!(part, Part::Opaque { .. });
    parts.extend(thoughts);
    parts.extend(said);
    let (items, calls): (Vec<Part>, Vec<Part>) = rest.into_iter().partition(is_item);
    parts.extend(calls);
    parts.extend(items);
}

fn forget_thoughts(parts: &mut Vec<Part>) {
    let waits = parts.iter().any(|part| matches!(part, Part::ToolCall(_)));
    parts.retain(|part| match part {
        Part::Reasoning { .. } => waits,
        Part::Signature { value, .. } => waits || value != "reasoning_content",
        Part::Opaque { kind, .. } => kind.starts_with("reasoning"),
        _ => true,
    });
}

fn each_part(request: &mut ChatRequest, change: fn(&mut Part)) {
    let parts = request
        .messages
        .iter_mut()
        .flat_map(|message| &mut message.parts);
    parts.for_each(change);
}
