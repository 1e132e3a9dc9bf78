//! What makes two answers the same that differ in one thing only.

use std::collections::BTreeMap;

use serde_json::Value;
use tokenscope::event::{Event, Finish, Usage};

use crate::both_halves::{as_object, in_doubles};

pub(super) fn each_finish(events: &mut [Event], change: impl Fn(&mut Finish)) {
    for event in events {
        if let Event::Finish(finish) = event {
            change(finish);
        }
    }
}

pub(super) fn forget_names_of_failures(events: &mut Vec<Event>) {
    let only = |event: &Event| {
        matches!(
            event,
            Event::Meta { .. } | Event::Fault(_) | Event::Note(_) | Event::Unknown { .. }
        )
    };
    if events.iter().all(only) {
        events.retain(|event| event.fault().is_some());
    }
}

pub(super) fn says_nothing(event: &Event) -> bool {
    matches!(event, Event::Text { text } | Event::Reasoning { text } if text.is_empty())
}

/// The ids that the target gave with the first piece of a call: a later one comes too late for a client.
pub(super) fn each_id(events: &mut [Event]) {
    let mut begun = Vec::new();
    for event in events {
        let Event::ToolCall(delta) = event else {
            continue;
        };
        let own = delta.id.take().filter(|_| !begun.contains(&delta.index));
        begun.push(delta.index);
        let own = own.map(|id| {
            id.split("__thought__")
                .next()
                .unwrap_or_default()
                .to_owned()
        });
        delta.id = own.filter(|id| !id.is_empty() && !id.starts_with("made-call-"));
    }
}

pub(super) fn whole_calls(events: &mut Vec<Event>) {
    let mut whole: Vec<Event> = Vec::new();
    for event in events.drain(..) {
        let Event::ToolCall(delta) = &event else {
            whole.push(event);
            continue;
        };
        let known = whole.iter_mut().find_map(|event| match event {
            Event::ToolCall(known) if known.index == delta.index => Some(known),
            _ => None,
        });
        match known {
            Some(known) => {
                if known.name.is_none() {
                    known.name.clone_from(&delta.name);
                }
                known.arguments.push_str(&delta.arguments);
            }
            None => whole.push(event),
        }
    }
    for event in &mut whole {
        if let Event::ToolCall(call) = event {
            call.arguments = sorted(in_doubles(as_object(&call.arguments))).to_string();
        }
    }
    *events = whole;
}

pub(super) fn end_once(events: &mut Vec<Event>) {
    let (mut finish, mut usage) = (None, None::<Usage>);
    events.retain(|event| match event {
        Event::Finish(stated) => {
            finish = Some(stated.clone());
            false
        }
        Event::Usage(stated) => {
            usage.get_or_insert_default().merge(*stated);
            false
        }
        Event::Done => false,
        _ => true,
    });
    if events.iter().any(|event| event.fault().is_some()) {
        return;
    }
    events.extend(finish.map(Event::Finish));
    let usage = usage.map(|usage| Usage {
        output: usage.generated(),
        ..usage
    });
    let is_stated =
        |usage: &Usage| usage.generated().unwrap_or(0) > 0 || usage.input.unwrap_or(0) > 0;
    events.extend(usage.filter(is_stated).map(Event::Usage));
    events.push(Event::Done);
}

pub(super) fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> = fields.into_iter().collect();
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name, sorted(value)));
            Value::Object(fields.collect())
        }
        value => value,
    }
}

/// Makes refusals texts; returns whether there was one.
pub(super) fn refusals_as_text(events: &mut [Event]) -> bool {
    let mut refused = false;
    for event in events {
        if let Event::Refusal { text } = event {
            refused = true;
            let text = std::mem::take(text);
            *event = Event::Text { text };
        }
    }
    refused
}

/// The last id and model of those before the first piece.
pub(super) fn last_names(events: &mut Vec<Event>) {
    let is_piece = |event: &Event| event.is_token() || matches!(event, Event::Citation(_));
    let end = events.iter().position(is_piece).unwrap_or(events.len());
    let (mut last_id, mut last_model) = (None, None);
    let mut at = 0;
    events.retain(|event| {
        at += 1;
        match event {
            Event::Meta { id, model } if at <= end => {
                last_id = id.clone().or(last_id.take());
                last_model = model.clone().or(last_model.take());
                false
            }
            _ => true,
        }
    });
    if last_id.is_some() || last_model.is_some() {
        let (id, model) = (last_id, last_model);
        events.insert(0, Event::Meta { id, model });
    }
}

pub(super) fn forget_late_sources(events: &mut Vec<Event>) {
    let says = |event: &Event| matches!(event, Event::Text { text } if !text.is_empty());
    let is_content = |event: &Event| event.is_token();
    let keeps: Vec<bool> = (0..events.len())
        .map(|at| {
            let last = events[..at].iter().rfind(|event| is_content(event));
            let is_late = !last.is_some_and(says) && !events[at..].iter().any(says);
            !(is_late && matches!(events[at], Event::Citation(_)))
        })
        .collect();
    let mut keeps = keeps.into_iter();
    events.retain(|_| keeps.next().unwrap());
}
