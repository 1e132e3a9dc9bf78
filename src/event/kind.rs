//! The kinds of events, to filter by, and what an event says, to show and to search.

use std::{borrow::Cow, fmt::Display};

use super::{Citation, Event, Fault, ToolCallDelta, Usage, words};

words! {
    /// The kind of an event.
    EventKind {
        /// The answer's identity.
        Meta = "meta",
        /// Parameters as the provider echoes them.
        Echo = "echo",
        /// A piece of the visible answer.
        Text = "text",
        /// A piece of reasoning.
        Reasoning = "reasoning",
        /// A piece of a refusal.
        Refusal = "refusal",
        /// A fragment of a function call.
        ToolCall = "tool call",
        /// A file.
        Media = "file",
        /// Data that goes back with a part.
        Signature = "signature",
        /// A source.
        Citation = "source",
        /// An item of one protocol alone.
        Opaque = "item",
        /// A time by the server's clock.
        Timing = "timing",
        /// Token counts.
        Usage = "usage",
        /// Why the answer ended.
        Finish = "finish",
        /// The stream's own end mark.
        Done = "done",
        /// Comments and pings.
        KeepAlive = "keep-alive",
        /// What was left out of a long answer.
        LeftOut = "left out",
        /// A failure.
        Fault = "fault",
        /// A remark.
        Note = "note",
        /// What the decoder does not know.
        Unknown = "unknown",
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventKinds(u32);

impl EventKinds {
    /// The kinds of some events.
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let bits = events.iter().map(|event| 1 << event.kind() as u32);
        Self(bits.fold(0, |all, bit: u32| all | bit))
    }

    /// Whether a kind is in it.
    #[must_use]
    pub fn has(self, kind: EventKind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }

    /// Whether none is in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the two have a kind in common.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Adds a kind, or takes it away if it is there.
    pub fn toggle(&mut self, kind: EventKind) {
        self.0 ^= 1 << kind as u32;
    }
}

impl Event {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Meta { .. } => EventKind::Meta,
            Self::Echo { .. } => EventKind::Echo,
            Self::Text { .. } => EventKind::Text,
            Self::Reasoning { .. } => EventKind::Reasoning,
            Self::Refusal { .. } => EventKind::Refusal,
            Self::ToolCall(_) => EventKind::ToolCall,
            Self::Media(_) => EventKind::Media,
            Self::Signature { .. } => EventKind::Signature,
            Self::Citation(_) => EventKind::Citation,
            Self::Opaque { .. } => EventKind::Opaque,
            Self::Timing { .. } => EventKind::Timing,
            Self::Usage(_) => EventKind::Usage,
            Self::Finish(_) => EventKind::Finish,
            Self::Done => EventKind::Done,
            Self::KeepAlive { .. } => EventKind::KeepAlive,
            Self::LeftOut { .. } => EventKind::LeftOut,
            Self::Fault(_) => EventKind::Fault,
            Self::Note(_) => EventKind::Note,
            Self::Unknown { .. } => EventKind::Unknown,
        }
    }

    /// What it says, beside its kind; empty where the kind says all. It is not yet safe to show.
    #[must_use]
    pub fn says(&self) -> Cow<'_, str> {
        match self {
            Self::Text { text } | Self::Reasoning { text } | Self::Refusal { text } => text.into(),
            Self::Signature { value } => value.into(),
            Self::Note(note) => note.text.as_str().into(),
            Self::Meta { id, model } => listed(&[("id", id), ("model", model)]).into(),
            Self::Echo { parameters } => {
                serde_json::to_string(parameters).unwrap_or_default().into()
            }
            Self::ToolCall(delta) => call(delta).into(),
            Self::Media(media) => media.mime.as_str().into(),
            Self::Citation(citation) => source(citation).into(),
            Self::Opaque { kind, raw } | Self::Unknown { kind, raw } => {
                format!("{kind} {raw}").into()
            }
            Self::Timing { name, ns } => format!("{name} {ns} ns").into(),
            Self::Usage(usage) => counts(usage).into(),
            Self::Finish(finish) => finish.raw.as_str().into(),
            Self::Done | Self::KeepAlive { count: 1 } => "".into(),
            Self::KeepAlive { count } => count.to_string().into(),
            Self::LeftOut { what, count } => format!("{count} {what}").into(),
            Self::Fault(fault) => failure(fault).into(),
        }
    }
}

/// Names with their values, where there are some.
fn listed(fields: &[(&str, &Option<impl Display>)]) -> String {
    let known = fields.iter().filter_map(|(name, value)| {
        let value = value.as_ref()?;
        Some(format!("{name} {value}"))
    });
    known.collect::<Vec<_>>().join(", ")
}

fn call(delta: &ToolCallDelta) -> String {
    let known = listed(&[("id", &delta.id), ("name", &delta.name)]);
    let parts = [format!("#{}", delta.index), known, delta.arguments.clone()];
    let said = parts.into_iter().filter(|part| !part.is_empty());
    said.collect::<Vec<_>>().join(" ")
}

fn source(citation: &Citation) -> String {
    let Citation { url, title, quote } = citation;
    listed(&[("url", url), ("title", title), ("quote", quote)])
}

fn counts(usage: &Usage) -> String {
    listed(&[
        ("input", &usage.input),
        ("output", &usage.output),
        ("reasoning", &usage.reasoning),
        ("cached", &usage.cached),
        ("cache written", &usage.cache_written),
        ("total", &usage.total),
    ])
}

fn failure(fault: &Fault) -> String {
    format!(
        "{} in phase {}: {}",
        fault.class, fault.phase, fault.message
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_in() {
        let mut kinds = EventKinds::of(&[Event::Done, Event::keep_alive()]);
        let has = |kinds: EventKinds| {
            let all = EventKind::ALL.iter().copied();
            all.filter(|kind| kinds.has(*kind)).collect::<Vec<_>>()
        };
        assert_eq!(has(kinds), [EventKind::Done, EventKind::KeepAlive]);
        kinds.toggle(EventKind::Done);
        kinds.toggle(EventKind::Fault);
        assert_eq!(has(kinds), [EventKind::KeepAlive, EventKind::Fault]);
        assert!(EventKinds::of(&[]).is_empty() && !kinds.meets(EventKinds::of(&[Event::Done])));
    }

    #[test]
    fn what_an_event_says_is_told() {
        for (event, says) in [
            (Event::Text { text: "中".into() }, "中"),
            (Event::Done, ""),
            (Event::KeepAlive { count: 3 }, "3"),
            (
                Event::ToolCall(ToolCallDelta {
                    name: Some("f".into()),
                    arguments: "{}".into(),
                    ..ToolCallDelta::default()
                }),
                "#0 name f {}",
            ),
            (
                Event::Usage(Usage {
                    input: Some(3),
                    total: Some(9),
                    ..Usage::default()
                }),
                "input 3, total 9",
            ),
        ] {
            assert_eq!(event.says(), says);
        }
    }
}
