//! Ids for tool calls that came without one: the next request names each call by its id, and providers refuse an
//! empty one, or confuse two calls.

use std::collections::HashSet;

use crate::event::{Event, ToolCallDelta};

/// Most calls that get an id: as many as an answer keeps.
const MAX_CALLS: usize = 10_000;

/// The ids of an answer's calls.
#[derive(Debug, Default)]
pub(crate) struct CallIds {
    known: HashSet<String>,
    /// Whether the call at each index has an id.
    has_id: Vec<bool>,
}

impl CallIds {
    /// Records the calls among these events.
    pub(crate) fn record(&mut self, events: &[Event]) {
        for event in events {
            if let Event::ToolCall(delta) = event
                && delta.index < MAX_CALLS
            {
                if self.has_id.len() <= delta.index {
                    self.has_id.resize(delta.index + 1, false);
                }
                if let Some(id) = delta.id.as_ref().filter(|id| !id.is_empty()) {
                    self.has_id[delta.index] = true;
                    self.known.insert(id.clone());
                }
            }
        }
    }

    /// Appends a unique id for each call without one.
    pub(crate) fn fill(&mut self, out: &mut Vec<Event>) {
        let mut numbers = 0..;
        for (index, _) in self
            .has_id
            .iter()
            .enumerate()
            .filter(|(_, has_id)| !**has_id)
        {
            let ids = numbers.by_ref().map(|n: u64| format!("call_{n}"));
            let id = ids.into_iter().find(|id| !self.known.contains(id));
            out.push(Event::ToolCall(ToolCallDelta {
                index,
                id,
                ..ToolCallDelta::default()
            }));
        }
        self.has_id.clear();
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
        ids.record(&[call(0, None), call(1, Some("call_0")), call(2, Some(""))]);
        ids.record(&[call(0, None), call(3, None), call(3, Some("late"))]);
        let mut made = Vec::new();
        ids.fill(&mut made);
        assert_eq!(made, [call(0, Some("call_1")), call(2, Some("call_2"))]);
        ids.fill(&mut made);
        assert_eq!(made.len(), 2, "once");
    }
}
