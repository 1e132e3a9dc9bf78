//! Writes interleaved tool calls one after the other, as most protocols require.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::AnswerWriter;
use crate::event::{Answer, Event};

/// Wraps a writer so that it gets one call at a time. Other events that come while a call's arguments are incomplete
/// are queued until they are complete: one queue entry for each call, and one for what comes between calls.
pub(in crate::dialect) struct InTurn<W> {
    writer: W,
    /// The call that is being written, and its arguments so far.
    open: Option<(usize, String)>,
    waiting: Vec<(QueuedPart, Vec<Event>)>,
    /// The last part: a signature belongs to it.
    last: QueuedPart,
}

/// A part of the answer that is queued.
#[derive(Clone, Copy, Debug, PartialEq)]
enum QueuedPart {
    Call(usize),
    /// Anything before the next call.
    BetweenCalls,
}

impl<W: AnswerWriter> InTurn<W> {
    pub(in crate::dialect) fn new(writer: W) -> Self {
        Self {
            writer,
            open: None,
            waiting: Vec::new(),
            last: QueuedPart::BetweenCalls,
        }
    }

    /// Whether a part must wait for the call that is being written.
    fn waits(&self, part: QueuedPart) -> bool {
        match &self.open {
            Some((open, _)) if QueuedPart::Call(*open) == part => false,
            Some(_) => !self.waiting.is_empty() || !self.is_whole(),
            None => false,
        }
    }

    /// Queues an event; pieces of one call are kept together.
    fn wait(&mut self, part: QueuedPart, event: &Event) {
        let mut known = self.waiting.iter_mut().rev();
        let known = match part {
            QueuedPart::Call(_) => known.find(|(known, _)| *known == part),
            QueuedPart::BetweenCalls => known.next().filter(|(known, _)| *known == part),
        };
        match known {
            Some((_, events)) => events.push(event.clone()),
            None => self.waiting.push((part, vec![event.clone()])),
        }
    }

    /// Writes queued parts, up to and including the first call with incomplete arguments.
    fn write_waiting(&mut self, out: &mut Vec<u8>) {
        while !self.waiting.is_empty() {
            let (part, events) = self.waiting.remove(0);
            self.writer.write(&events, out);
            self.open = match part {
                QueuedPart::BetweenCalls => None,
                QueuedPart::Call(call) => Some((call, arguments(&events))),
            };
            if !self.is_whole() {
                return;
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.open
            .as_ref()
            .is_none_or(|(_, arguments)| serde_json::from_str::<IgnoredAny>(arguments).is_ok())
    }

    /// Writes all queued parts: nothing more comes.
    fn flush(&mut self, out: &mut Vec<u8>) {
        self.open = None;
        for (_, events) in std::mem::take(&mut self.waiting) {
            self.writer.write(&events, out);
        }
    }
}

fn arguments(events: &[Event]) -> String {
    let pieces = events.iter().filter_map(|event| match event {
        Event::ToolCall(delta) => Some(delta.arguments.as_str()),
        _ => None,
    });
    pieces.collect()
}

impl<W: AnswerWriter> AnswerWriter for InTurn<W> {
    fn content_type(&self) -> &'static str {
        self.writer.content_type()
    }

    fn event(&mut self, event: &Event, next: &[Event], out: &mut Vec<u8>) {
        let part = match event {
            Event::ToolCall(delta) => QueuedPart::Call(delta.index),
            Event::Signature { .. } => self.last,
            Event::Text { .. }
            | Event::Reasoning { .. }
            | Event::Refusal { .. }
            | Event::Media(_)
            | Event::Citation(_)
            | Event::Opaque { .. } => QueuedPart::BetweenCalls,
            Event::Finish(_) | Event::Done | Event::Fault(_) => {
                self.flush(out);
                return self.writer.event(event, next, out);
            }
            // These are about the answer as a whole.
            Event::Meta { .. }
            | Event::KeepAlive { .. }
            | Event::Usage(_)
            | Event::Note(_)
            | Event::Unknown { .. }
            | Event::LeftOut { .. }
            | Event::Timing { .. }
            | Event::Echo { .. } => return self.writer.event(event, next, out),
        };
        self.last = part;
        if self.waits(part) {
            return self.wait(part, event);
        }
        self.writer.event(event, next, out);
        if let Event::ToolCall(delta) = event {
            match &mut self.open {
                Some((open, arguments)) if *open == delta.index => {
                    arguments.push_str(&delta.arguments);
                }
                open => *open = Some((delta.index, delta.arguments.clone())),
            }
            if !self.waiting.is_empty() && self.is_whole() {
                self.write_waiting(out);
            }
        }
    }

    fn whole(&self, answer: &Answer) -> Value {
        self.writer.whole(answer)
    }

    fn trailers(&mut self) -> Option<http::HeaderMap> {
        self.writer.trailers()
    }
}
