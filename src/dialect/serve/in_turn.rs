//! Calls whose pieces interleave, one after the other: what most protocols ask for.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::Writer;
use crate::event::{Answer, Event};

/// A writer that is told one call at a time. What else comes while the arguments of a call are not whole waits for
/// their end, each call and what is said between calls by itself.
pub(in crate::dialect) struct InTurn<W> {
    writer: W,
    /// The call that is told, and its arguments so far.
    open: Option<(usize, String)>,
    waiting: Vec<(Turn, Vec<Event>)>,
    /// What spoke last: a signature is its own.
    last: Turn,
}

/// What waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Turn {
    Call(usize),
    /// What is said before the next call.
    Said,
}

impl<W: Writer> InTurn<W> {
    pub(in crate::dialect) fn new(writer: W) -> Self {
        Self {
            writer,
            open: None,
            waiting: Vec::new(),
            last: Turn::Said,
        }
    }

    /// Whether something must wait for the call that is told.
    fn waits(&self, turn: Turn) -> bool {
        match &self.open {
            Some((open, _)) if Turn::Call(*open) == turn => false,
            Some(_) => !self.waiting.is_empty() || !self.is_whole(),
            None => false,
        }
    }

    /// Puts an event to those that wait: pieces of a call to the others of it.
    fn wait(&mut self, turn: Turn, event: &Event) {
        let mut known = self.waiting.iter_mut().rev();
        let known = match turn {
            Turn::Call(_) => known.find(|(known, _)| *known == turn),
            Turn::Said => known.next().filter(|(known, _)| *known == turn),
        };
        match known {
            Some((_, events)) => events.push(event.clone()),
            None => self.waiting.push((turn, vec![event.clone()])),
        }
    }

    /// Tells what waits, once the call before it is whole.
    fn go_on(&mut self, out: &mut Vec<u8>) {
        while !self.waiting.is_empty() {
            let (turn, events) = self.waiting.remove(0);
            self.writer.write(&events, out);
            self.open = match turn {
                Turn::Said => None,
                Turn::Call(call) => Some((call, arguments(&events))),
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

    /// Tells all that waits: no more comes.
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

impl<W: Writer> Writer for InTurn<W> {
    fn content_type(&self) -> &'static str {
        self.writer.content_type()
    }

    fn event(&mut self, event: &Event, next: &[Event], out: &mut Vec<u8>) {
        let turn = match event {
            Event::ToolCall(delta) => Turn::Call(delta.index),
            Event::Signature { .. } => self.last,
            Event::Text { .. }
            | Event::Reasoning { .. }
            | Event::Refusal { .. }
            | Event::Media(_)
            | Event::Citation(_)
            | Event::Opaque { .. } => Turn::Said,
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
        self.last = turn;
        if self.waits(turn) {
            return self.wait(turn, event);
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
                self.go_on(out);
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
