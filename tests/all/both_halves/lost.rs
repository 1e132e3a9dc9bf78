//! What does not come back of a stream, and why.
//!
//! Each row makes events the same that differ in one thing only; it is held against both what was written and what
//! came back.

use std::collections::BTreeMap;

use serde_json::Value;
use tokenscope::{
    dialect::{
        Dialect,
        DialectId::{self, Anthropic, Gemini, Ollama, OpenaiChat, OpenaiResponses, VertexGrpc},
    },
    event::{Event, Fault, FaultClass, Finish, FinishReason, Phase, ToolCallDelta, Usage},
};

use super::served;
use crate::sse::wire_folder;

/// Something that is not the same when it comes back.
pub struct Lost<T> {
    /// By which dialects; all if there are none.
    pub dialects: &'static [DialectId],
    /// What it is.
    pub what: &'static str,
    /// Why it can't be the same.
    pub why: &'static str,
    /// Makes what differs in it only the same.
    pub change: fn(&mut T),
}

impl<T> Lost<T> {
    pub fn holds(&self, dialect: &Dialect) -> bool {
        self.dialects.is_empty() || self.dialects.contains(&dialect.id)
    }
}

/// Lists what is not the same when it comes back; each row must have been `needed`.
pub fn assert_each_is_needed<T>(table: &[Lost<T>], needed: Vec<bool>) {
    for lost in table {
        println!("not the same: {}, since {}", lost.what, lost.why);
    }
    let is_served = |lost: &Lost<T>| served().any(|(dialect, _)| lost.holds(dialect));
    let idle = table
        .iter()
        .zip(needed)
        .filter(|(lost, needed)| !needed && is_served(lost));
    let idle: Vec<&str> = idle.map(|(lost, _)| lost.what).collect();
    // Some are needed by recordings only.
    let is_all = wire_folder().is_some();
    assert!(!is_all || idle.is_empty(), "not needed any more: {idle:?}");
}

const GOOGLE: &[DialectId] = &[Gemini, VertexGrpc];

pub const LOST: &[Lost<Vec<Event>>] = &[
    Lost {
        dialects: &[],
        what: "notes",
        why: "they tell how the form of what came was odd; it is written as documented",
        change: |events| events.retain(|event| !matches!(event, Event::Note(_))),
    },
    Lost {
        dialects: &[],
        what: "unknown things",
        why: "where they stood is not known",
        change: |events| events.retain(|event| !matches!(event, Event::Unknown { .. })),
    },
    Lost {
        dialects: &[],
        what: "how a stream broke off",
        why: "its bytes told it; what is written of its events breaks off as well, elsewhere",
        change: |events| each_fault(events, broken_off),
    },
    Lost {
        dialects: &[OpenaiChat, OpenaiResponses, Anthropic, Ollama, VertexGrpc],
        what: "the end mark of a stream that ended well without",
        why: "who writes a stream marks its end",
        change: |events| {
            let fails = events.iter().any(|event| matches!(event, Event::Fault(_)));
            if !fails && !events.contains(&Event::Done) {
                events.push(Event::Done);
            }
        },
    },
    Lost {
        dialects: &[Gemini],
        what: "an end mark",
        why: "the protocol has none",
        change: |events| events.retain(|event| *event != Event::Done),
    },
    Lost {
        dialects: &[],
        what: "an id or a model that was not stated at once",
        why: "the protocol wants them first, and once: they are the server's own then",
        change: name,
    },
    Lost {
        dialects: &[OpenaiChat],
        what: "the field that thoughts came in",
        why: "they are written into `reasoning_content`, which says that they go back",
        change: sign_thoughts,
    },
    Lost {
        dialects: &[OpenaiChat, Anthropic],
        what: "an item of thoughts that holds their text",
        why: "that text went out as it came, and would be told twice",
        change: |events| events.retain(|event| !is_told_detail(event)),
    },
    Lost {
        dialects: &[],
        what: "the type and status of an error that stated none",
        why: "the protocol wants one: that of its class",
        change: |events| each_fault(events, untyped),
    },
    Lost {
        dialects: GOOGLE,
        what: "a reason to end that was said before the end, or not at all",
        why: "it is written once, where the answer ends, and without it there is no end",
        change: finish_once,
    },
    Lost {
        dialects: GOOGLE,
        what: "a word for why the prompt was blocked",
        why: "the stream begins before that is known, so it is told as why the answer ended",
        change: forget_block_reasons,
    },
    Lost {
        dialects: GOOGLE,
        what: "a call that broke off, and an answer that broke off before it began",
        why: "calls are told whole, and the answer's names with its first piece",
        change: break_off,
    },
    Lost {
        dialects: GOOGLE,
        what: "keep-alives between the answer's names and its first piece",
        why: "they are told together",
        change: |events| wait_for_piece(events),
    },
    Lost {
        dialects: GOOGLE,
        what: "pieces that say nothing and are not signed",
        why: "they are written where no call is open, and told where they stand alone",
        change: forget_unsigned,
    },
    Lost {
        dialects: &[Ollama],
        what: "an error's code",
        why: "an error is a text there",
        change: |events| each_fault(events, uncoded),
    },
    Lost {
        dialects: &[],
        what: "token counts in between",
        why: "they are written once, at the end",
        change: count_once,
    },
    Lost {
        dialects: &[OpenaiChat, OpenaiResponses, Anthropic, Ollama],
        what: "reasoning that was counted beside the output",
        why: "the output includes it there",
        change: |events| {
            for event in events {
                if let Event::Usage(usage) = event {
                    usage.output = usage.generated();
                }
            }
        },
    },
    Lost {
        dialects: &[],
        what: "token counts that were not stated",
        why: "clients ask for them: sums are made, and a count that is not known is 0",
        change: fill_counts,
    },
    Lost {
        dialects: &[],
        what: "blanks in the JSON of an item",
        why: "it is written in one line",
        change: compact_items,
    },
    Lost {
        dialects: &[OpenaiResponses],
        what: "parameters that were not said back",
        why: "the protocol wants two of them in each response",
        change: |events| events.iter_mut().for_each(forget_defaults),
    },
    Lost {
        dialects: &[OpenaiResponses],
        what: "signs that the model is at work",
        why: "the events of a built-in tool are not written, only its whole item; and pieces that say nothing neither",
        change: |events| events.retain(|event| !says_nothing(event)),
    },
    Lost {
        dialects: &[Anthropic],
        what: "where within its text a source stands",
        why: "the sources of a text go out as they came, which is told at its end",
        change: |events| cite_behind(events),
    },
    Lost {
        dialects: &[Anthropic],
        what: "pieces of calls that interleave",
        why: "blocks are written one after the other",
        change: in_turn,
    },
    Lost {
        dialects: &[OpenaiResponses],
        what: "the name of a call that came behind its arguments",
        why: "a call begins by its name",
        change: forget_late_names,
    },
    Lost {
        dialects: &[OpenaiResponses, Gemini, Ollama, VertexGrpc],
        what: "the pieces of a call, and blanks in its arguments",
        why: "its arguments are an object there, or are told whole",
        change: whole_calls,
    },
    Lost {
        dialects: &[VertexGrpc],
        what: "the order of an object's keys",
        why: "a `Struct` of protobuf has none",
        change: sort_keys,
    },
];

fn each_fault(events: &mut [Event], change: fn(&mut Fault)) {
    for event in events {
        if let Event::Fault(fault) = event {
            change(fault);
        }
    }
}

fn broken_off(fault: &mut Fault) {
    if matches!(fault.class, FaultClass::Interrupted | FaultClass::Protocol) {
        *fault = Fault::new(FaultClass::Interrupted, Phase::Stream, "");
    }
}

fn untyped(fault: &mut Fault) {
    let details = fault.details.take();
    let details = details.map(|text| serde_json::from_str::<Value>(&text).unwrap_or_default());
    if let Some(Value::Object(mut details)) = details {
        for name in ["type", "status", "code", "sequence_number"] {
            details.shift_remove(name);
        }
        fault.details = (!details.is_empty()).then(|| Value::from(details).to_string());
    }
    let made = ["server_error", "api_error", "INTERNAL", "500"];
    fault.code = fault
        .code
        .take()
        .filter(|code| !made.contains(&code.as_str()));
}

fn uncoded(fault: &mut Fault) {
    if fault.class == FaultClass::RateLimited {
        (fault.class, fault.code) = (FaultClass::Provider, None);
    }
}

fn name(events: &mut Vec<Event>) {
    let says = |event: &Event| {
        !matches!(
            event,
            Event::KeepAlive { .. } | Event::Fault(_) | Event::Note(_)
        )
    };
    let Some(first) = events.iter().position(says) else {
        return;
    };
    let (mut id, mut model) = match events[first].clone() {
        Event::Meta { id, model } => (id, model),
        _ => (None, None),
    };
    if id.as_ref().is_none_or(|id| id.contains("test")) {
        id = Some("own".into());
    }
    model.get_or_insert_with(|| "asked".into());
    events.retain(|event| !matches!(event, Event::Meta { .. }));
    events.insert(first.min(events.len()), Event::Meta { id, model });
}

fn sign_thoughts(events: &mut Vec<Event>) {
    let value = "reasoning_content".to_owned();
    let signature = Event::Signature { value };
    let mut thinks = false;
    let mut signed = Vec::new();
    for event in events.drain(..) {
        let follows = match &event {
            Event::Text { text } => !text.is_empty(),
            Event::ToolCall(_) => true,
            _ => false,
        };
        match &event {
            Event::Reasoning { .. } => thinks = true,
            event if *event == signature => thinks = false,
            _ => {}
        }
        if follows && std::mem::take(&mut thinks) {
            signed.push(signature.clone());
        }
        signed.push(event);
    }
    *events = signed;
}

fn is_told_detail(event: &Event) -> bool {
    let Event::Opaque { kind, raw } = event else {
        return false;
    };
    let detail: Value = serde_json::from_str(raw).unwrap();
    let says = |name: &str| detail[name].is_string();
    kind == "thinking" || kind.starts_with("reasoning.") && (says("text") || says("summary"))
}

fn finish_once(events: &mut Vec<Event>) {
    let mut last = None;
    events.retain(|event| match event {
        Event::Finish(finish) => {
            last = Some(finish.clone());
            false
        }
        _ => true,
    });
    let fails = events
        .iter()
        .position(|event| matches!(event, Event::Fault(_)));
    let calls = events
        .iter()
        .any(|event| matches!(event, Event::ToolCall(_)));
    let reason = if calls {
        FinishReason::ToolCalls
    } else {
        FinishReason::Stop
    };
    let raw = "STOP".to_owned();
    let made = fails.is_none().then_some(Finish { reason, raw });
    if let Some(finish) = last.or(made) {
        let end = events.iter().position(|event| *event == Event::Done);
        events.insert(fails.or(end).unwrap_or(events.len()), Event::Finish(finish));
    }
}

fn forget_block_reasons(events: &mut Vec<Event>) {
    for event in events {
        if let Event::Finish(finish) = event
            && finish.reason == FinishReason::ContentFilter
            && !["SAFETY", "RECITATION"].contains(&finish.raw.as_str())
        {
            "SAFETY".clone_into(&mut finish.raw);
        }
    }
}

fn break_off(events: &mut Vec<Event>) {
    let fails = |event: &Event| matches!(event, Event::Fault(_));
    let Some(end) = events.iter().position(fails) else {
        return;
    };
    let waits = |event: &Event| {
        matches!(event, Event::ToolCall(_) | Event::Meta { .. }) || says_nothing(event)
    };
    let told = events[..end].iter().rposition(|event| !waits(event));
    events.drain(told.map_or(0, |told| told + 1)..end);
}

fn wait_for_piece(events: &mut [Event]) {
    let first = events
        .iter()
        .position(|event| matches!(event, Event::Meta { .. }));
    for at in first.map_or(1, |first| first + 1)..events.len() {
        if !matches!(events[at], Event::KeepAlive { .. }) {
            break;
        }
        events.swap(at - 1, at);
    }
}

fn forget_unsigned(events: &mut Vec<Event>) {
    let signed = |at: usize| matches!(events.get(at), Some(Event::Signature { .. }));
    let keeps: Vec<bool> = (0..events.len())
        .map(|at| !says_nothing(&events[at]) || signed(at + 1) || signed(at + 2))
        .collect();
    let mut keeps = keeps.into_iter();
    events.retain(|_| keeps.next().unwrap());
}

fn count_once(events: &mut Vec<Event>) {
    let mut all: Option<Usage> = None;
    events.retain(|event| match event {
        Event::Usage(usage) => {
            all.get_or_insert_default().merge(*usage);
            false
        }
        _ => true,
    });
    let fails = events.iter().any(|event| matches!(event, Event::Fault(_)));
    if let Some(all) = all.filter(|_| !fails) {
        let behind = events.iter().position(|event| *event == Event::Done);
        events.insert(behind.unwrap_or(events.len()), Event::Usage(all));
    }
}

fn fill_counts(events: &mut Vec<Event>) {
    for event in events {
        if let Event::Usage(usage) = event {
            let input = *usage.input.get_or_insert(0);
            let output = *usage.output.get_or_insert(0);
            usage.total.get_or_insert(input.saturating_add(output));
        }
    }
}

fn compact(json: &mut String) {
    if let Ok(value) = serde_json::from_str::<Value>(json) {
        *json = value.to_string();
    }
}

fn compact_items(events: &mut Vec<Event>) {
    for event in events {
        match event {
            Event::Opaque { raw, .. } => compact(raw),
            Event::Signature { value } => compact(value),
            _ => {}
        }
    }
}

fn forget_defaults(event: &mut Event) {
    if let Event::Echo { parameters } = event {
        for (name, value) in [
            ("parallel_tool_calls", Value::from(true)),
            ("tool_choice", Value::from("auto")),
        ] {
            if parameters.get(name) == Some(&value) {
                parameters.shift_remove(name);
            }
        }
        if parameters.is_empty() {
            let text = String::new();
            *event = Event::Text { text };
        }
    }
}

fn says_nothing(event: &Event) -> bool {
    matches!(event, Event::Text { text } | Event::Reasoning { text } if text.is_empty())
}

fn forget_late_names(events: &mut Vec<Event>) {
    let mut begun: Vec<(usize, bool)> = Vec::new();
    for event in events {
        let Event::ToolCall(delta) = event else {
            continue;
        };
        let named = delta.name.as_ref().is_some_and(|name| !name.is_empty());
        if !begun.iter().any(|(index, _)| *index == delta.index) {
            begun.push((delta.index, named));
        }
        if begun.contains(&(delta.index, false)) {
            (delta.id, delta.name) = (None, None);
        }
    }
}

fn cite_behind(events: &mut [Event]) {
    for at in (1..events.len()).rev() {
        let mut at = at;
        let says = |event: Option<&Event>| match event {
            Some(Event::Text { text }) => !text.is_empty(),
            Some(Event::KeepAlive { .. }) => true,
            _ => false,
        };
        while matches!(events[at - 1], Event::Citation(_)) && says(events.get(at)) {
            events.swap(at - 1, at);
            at = (at + 1).min(events.len());
        }
    }
}

fn in_turn(events: &mut Vec<Event>) {
    let mut turns: Vec<Event> = Vec::new();
    for event in events.drain(..) {
        let call = |event: &Event| match event {
            Event::ToolCall(delta) => Some(delta.index),
            _ => None,
        };
        let of = call(&event);
        let last = turns
            .iter()
            .rposition(|known| of.is_some() && call(known) == of);
        turns.insert(last.map_or(turns.len(), |last| last + 1), event);
    }
    *events = turns;
}

fn whole_calls(events: &mut Vec<Event>) {
    let mut whole: Vec<Event> = Vec::new();
    for event in events.drain(..) {
        let Event::ToolCall(delta) = event else {
            whole.push(event);
            continue;
        };
        let known = whole.iter_mut().find_map(|event| match event {
            Event::ToolCall(known) if known.index == delta.index => Some(known),
            _ => None,
        });
        match known {
            Some(known) => add(known, &delta),
            None => whole.push(Event::ToolCall(delta)),
        }
    }
    for event in &mut whole {
        if let Event::ToolCall(call) = event {
            if call.arguments.is_empty() {
                call.arguments.push_str("{}");
            }
            compact(&mut call.arguments);
        }
    }
    *events = whole;
}

fn sort_keys(events: &mut Vec<Event>) {
    for event in events {
        if let Event::ToolCall(call) = event
            && let Ok(sorted) = serde_json::from_str::<BTreeMap<String, Value>>(&call.arguments)
        {
            call.arguments = serde_json::to_string(&sorted).unwrap();
        }
    }
}

fn add(call: &mut ToolCallDelta, delta: &ToolCallDelta) {
    call.id = call.id.take().or_else(|| delta.id.clone());
    call.name = call.name.take().or_else(|| delta.name.clone());
    call.arguments.push_str(&delta.arguments);
}
