//! Ids for tool calls that came without one: the next request names each call by its id, and an empty one is
//! refused, or mixes up two calls.

use std::collections::HashSet;

use crate::event::{Event, ToolCallDelta};

/// Most calls that are looked after: as many as an answer keeps.
const MOST: usize = 10_000;

/// The ids of an answer's calls.
#[derive(Debug, Default)]
pub(crate) struct CallIds {
    known: HashSet<String>,
    /// Whether the call of this index has one.
    has: Vec<bool>,
}

impl CallIds {
    /// Takes note of the calls among these events.
    pub(crate) fn see(&mut self, events: &[Event]) {
        for event in events {
            if let Event::ToolCall(delta) = event
                && delta.index < MOST
            {
                if self.has.len() <= delta.index {
                    self.has.resize(delta.index + 1, false);
                }
                if let Some(id) = delta.id.as_ref().filter(|id| !id.is_empty()) {
                    self.has[delta.index] = true;
                    self.known.insert(id.clone());
                }
            }
        }
    }

    /// Gives each call without an id one that no other call has.
    pub(crate) fn fill(&mut self, out: &mut Vec<Event>) {
        let mut numbers = 0..;
        for (index, _) in self.has.iter().enumerate().filter(|(_, has)| !**has) {
            let ids = numbers.by_ref().map(|n: u64| format!("call_{n}"));
            let id = ids.into_iter().find(|id| !self.known.contains(id));
            out.push(Event::ToolCall(ToolCallDelta {
                index,
                id,
                ..ToolCallDelta::default()
            }));
        }
        self.has.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_without_an_id_get_one_and_no_two_the_same() {
        let call = |index, id: Option<&str>| {
            Event::ToolCall(ToolCallDelta {
                index,
                id: id.map(str::to_owned),
                ..ToolCallDelta::default()
            })
        };
        let mut ids = CallIds::default();
        ids.see(&[call(0, None), call(1, Some("call_0")), call(2, Some(""))]);
        ids.see(&[call(0, None), call(3, None), call(3, Some("late"))]);
        let mut made = Vec::new();
        ids.fill(&mut made);
        assert_eq!(made, [call(0, Some("call_1")), call(2, Some("call_2"))]);
        ids.fill(&mut made);
        assert_eq!(made.len(), 2, "once");
    }
}
