//! Clients that keep of an answer only what their own protocol documents.

use serde_json::{Value, json};
use tokenscope::dialect::DialectId;

use super::rig::Said;

/// A client with its conversation.
pub struct StrictClient {
    pub inbound: DialectId,
    model: &'static str,
    history: Vec<Value>,
    /// Changes each of its own messages before it is kept.
    pub keeps: fn(&mut Value),
}

/// A call that a client was asked for: its id there, its name, its arguments.
pub type Called = (String, String, Value);

impl StrictClient {
    pub fn new(inbound: DialectId, model: &'static str) -> Self {
        Self {
            inbound,
            model,
            history: Vec::new(),
            keeps: |_| {},
        }
    }

    pub fn body(&self) -> Value {
        let tool = json!({ "name": "weather", "description": "d",
            "parameters": { "type": "object", "properties": {} } });
        match self.inbound {
            DialectId::OpenaiResponses => {
                let tool = json!({ "type": "function", "name": "weather", "description": "d",
                    "parameters": tool["parameters"], "strict": false });
                json!({ "model": self.model, "input": self.history, "tools": [tool] })
            }
            DialectId::Anthropic => {
                let tool = json!({ "name": "weather", "description": "d",
                    "input_schema": tool["parameters"] });
                json!({ "model": self.model, "max_tokens": 100, "messages": self.history,
                    "tools": [tool] })
            }
            _ => json!({ "model": self.model, "messages": self.history,
                "tools": [{ "type": "function", "function": tool }] }),
        }
    }

    pub fn says(&mut self, text: &str) {
        self.history
            .push(json!({ "role": "user", "content": text }));
    }

    /// Keeps an answer, and returns its calls.
    pub fn hears(&mut self, said: &Said) -> Vec<Called> {
        assert_eq!(said.status, 200, "{}", said.text);
        let is_stream = said.header("content-type") != Some("application/json");
        let (mut kept, calls) = match self.inbound {
            DialectId::OpenaiChat if is_stream => chat(&streamed_chat(said)),
            DialectId::OpenaiChat => chat(&said.json()["choices"][0]["message"]),
            DialectId::Anthropic if is_stream => anthropic(&streamed_anthropic(said)),
            DialectId::Anthropic => anthropic(&said.json()["content"]),
            DialectId::OpenaiResponses if is_stream => responses(&streamed_responses(said)),
            DialectId::OpenaiResponses => responses(&said.json()["output"]),
            _ => ollama(&said.events()),
        };
        kept.iter_mut().for_each(self.keeps);
        self.history.extend(kept);
        calls
    }

    /// Answers calls.
    pub fn answers(&mut self, results: &[(&Called, &str)]) {
        let results = results.iter();
        match self.inbound {
            DialectId::Anthropic => {
                let blocks = results.map(|((id, ..), text)| {
                    json!({ "type": "tool_result", "tool_use_id": id, "content": text })
                });
                let blocks: Vec<Value> = blocks.collect();
                self.history
                    .push(json!({ "role": "user", "content": blocks }));
            }
            DialectId::OpenaiResponses => self.history.extend(results.map(|((id, ..), text)| {
                json!({ "type": "function_call_output", "call_id": id, "output": text })
            })),
            DialectId::Ollama => self.history.extend(results.map(|((id, name, _), text)| {
                json!({ "role": "tool", "tool_call_id": id, "tool_name": name, "content": text })
            })),
            _ => self.history.extend(results.map(|((id, ..), text)| {
                json!({ "role": "tool", "tool_call_id": id, "content": text })
            })),
        }
    }
}

fn called(id: &Value, name: &Value, arguments: &Value) -> Called {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let arguments = match arguments {
        Value::String(text) => serde_json::from_str(text).unwrap(),
        value => value.clone(),
    };
    (text(id), text(name), arguments)
}

fn chat(message: &Value) -> (Vec<Value>, Vec<Called>) {
    let calls = message["tool_calls"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut kept = json!({ "role": "assistant", "content": message["content"] });
    let known = calls.iter().map(|call| {
        assert_eq!(call["type"], "function");
        json!({ "id": call["id"], "type": "function", "function": call["function"],
            "extra_content": call["extra_content"] })
    });
    let known: Vec<Value> = known.collect();
    if !known.is_empty() {
        kept["tool_calls"] = known.into();
    }
    let calls = calls.iter().map(|call| {
        let function = &call["function"];
        called(&call["id"], &function["name"], &function["arguments"])
    });
    (vec![kept], calls.collect())
}

/// A chat client that drops unknown fields.
pub fn without_extra(message: &mut Value) {
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
    for call in calls.into_iter().flatten() {
        call.as_object_mut().unwrap().remove("extra_content");
    }
}

fn streamed_chat(said: &Said) -> Value {
    let (mut text, mut calls) = (String::new(), Vec::<Value>::new());
    for event in said.events() {
        let delta = &event["choices"][0]["delta"];
        text.push_str(delta["content"].as_str().unwrap_or_default());
        for piece in delta["tool_calls"].as_array().into_iter().flatten() {
            let index = usize::try_from(piece["index"].as_u64().unwrap()).unwrap();
            if index == calls.len() {
                calls.push(piece.clone());
                continue;
            }
            assert!(piece["id"].is_null(), "an id comes once: {piece}");
            let known = &mut calls[index];
            let more = piece["function"]["arguments"].as_str().unwrap_or_default();
            let all = known["function"]["arguments"].as_str().unwrap().to_owned() + more;
            known["function"]["arguments"] = all.into();
        }
    }
    json!({ "content": text, "tool_calls": calls })
}

fn anthropic(content: &Value) -> (Vec<Value>, Vec<Called>) {
    let blocks = content.as_array().unwrap();
    let calls = blocks.iter().filter(|block| block["type"] == "tool_use");
    let calls = calls.map(|block| called(&block["id"], &block["name"], &block["input"]));
    let kept = json!({ "role": "assistant", "content": content });
    (vec![kept], calls.collect())
}

fn streamed_anthropic(said: &Said) -> Value {
    let mut blocks: Vec<Value> = Vec::new();
    let mut input = String::new();
    for event in said.events() {
        let delta = &event["delta"];
        match event["type"].as_str().unwrap() {
            "content_block_start" => blocks.push(event["content_block"].clone()),
            "content_block_delta" => {
                let block = blocks.last_mut().unwrap();
                for name in ["text", "thinking", "signature"] {
                    if let Some(more) = delta[name].as_str() {
                        let all = block[name].as_str().unwrap_or_default().to_owned() + more;
                        block[name] = all.into();
                    }
                }
                input.push_str(delta["partial_json"].as_str().unwrap_or_default());
            }
            "content_block_stop" if !input.is_empty() => {
                blocks.last_mut().unwrap()["input"] = serde_json::from_str(&input).unwrap();
                input.clear();
            }
            _ => {}
        }
    }
    blocks.into()
}

fn responses(output: &Value) -> (Vec<Value>, Vec<Called>) {
    let items = output.as_array().unwrap();
    let calls = items.iter().filter(|item| item["type"] == "function_call");
    let calls = calls.map(|item| called(&item["call_id"], &item["name"], &item["arguments"]));
    // Some clients send reasoning back only if it is encrypted.
    let kept = items.iter().filter(|item| item["type"] != "reasoning");
    (kept.cloned().collect(), calls.collect())
}

fn streamed_responses(said: &Said) -> Value {
    let events = said.events().into_iter();
    let done = events.filter(|event| event["type"] == "response.output_item.done");
    done.map(|event| event["item"].clone()).collect()
}

fn ollama(lines: &[Value]) -> (Vec<Value>, Vec<Called>) {
    let (mut text, mut calls) = (String::new(), Vec::new());
    for line in lines {
        text.push_str(line["message"]["content"].as_str().unwrap());
        calls.extend(line["message"]["tool_calls"].as_array().cloned());
    }
    let calls: Vec<Value> = calls.concat();
    let kept = json!({ "role": "assistant", "content": text, "tool_calls": calls });
    let calls = calls.iter().map(|call| {
        let function = &call["function"];
        called(&call["id"], &function["name"], &function["arguments"])
    });
    (vec![kept], calls.collect())
}

impl StrictClient {
    /// The request of a new conversation.
    pub fn body_of(mut self, text: &str) -> Value {
        self.says(text);
        self.body()
    }
}
