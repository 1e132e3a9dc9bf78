//! Reasoning that must be sent back with its answer: OpenRouter's `reasoning_details`
//! (<https://openrouter.ai/docs/use-cases/reasoning-tokens>).

use serde_json::{Map, Value};

use crate::{
    body::json::{self, Raw},
    event::Event,
};

/// Most details that are kept.
const MAX_DETAILS: usize = 1_024;

/// The details of an answer: consecutive pieces with the same type and index are joined.
#[derive(Debug, Default)]
pub(super) struct Details(Vec<Map<String, Value>>);

impl Details {
    /// Adds the details of one chunk.
    pub(super) fn push(&mut self, raw: Raw<'_>) {
        for detail in json::elements(raw).into_iter().flatten() {
            let Ok(detail) = serde_json::from_str::<Map<String, Value>>(detail.get()) else {
                continue;
            };
            let room = self.0.len() < MAX_DETAILS;
            match self.0.last_mut() {
                Some(last) if is_same_detail(last, &detail) => extend(last, detail),
                _ if room => self.0.push(detail),
                _ => {}
            }
        }
    }

    /// Emits the details in order if they must be sent back: if some are encrypted or signed, or if the answer `waits`
    /// for the results of calls.
    pub(super) fn end(&mut self, waits: bool, out: &mut Vec<Event>) {
        let details = std::mem::take(&mut self.0);
        let is_sealed = |detail: &Map<String, Value>| {
            ["data", "signature"].iter().any(|name| {
                let seal = detail.get(*name).and_then(Value::as_str);
                seal.is_some_and(|seal| !seal.is_empty())
            })
        };
        if !waits && !details.iter().any(is_sealed) {
            return;
        }
        for detail in details {
            let kind = detail.get("type").and_then(Value::as_str);
            out.push(Event::Opaque {
                kind: kind.unwrap_or("reasoning").to_owned(),
                raw: Value::Object(detail).to_string(),
            });
        }
    }
}

fn is_same_detail(last: &Map<String, Value>, next: &Map<String, Value>) -> bool {
    let same = |name: &str| last.get(name) == next.get(name);
    same("type")
        && same("index")
        && next
            .get("type")
            .is_some_and(|kind| kind != "reasoning.encrypted")
}

/// Appends texts; for other fields, the last value counts.
fn extend(detail: &mut Map<String, Value>, next: Map<String, Value>) {
    for (name, value) in next {
        match (detail.get_mut(&name), value) {
            (_, Value::Null) => {}
            (Some(Value::String(text)), Value::String(more))
                if matches!(&*name, "text" | "summary") =>
            {
                text.push_str(&more);
            }
            (_, value) => {
                detail.insert(name, value);
            }
        }
    }
}
