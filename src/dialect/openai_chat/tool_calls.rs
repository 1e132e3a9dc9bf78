//! Assigns fragments to function calls, and numbers the calls densely from 0.
//!
//! OpenAI gives every fragment an index and a call's first fragment an id. Other servers omit the index (Gemini's
//! early endpoint), give all calls index 0 (its later one), repeat ids, use a new id for each fragment, or send
//! neither. A server's index is never used as a position.

use std::{borrow::Cow, collections::HashMap};

use crate::{
    body::text::{JoinedText, SurrogateJoiner},
    event::ToolCallDelta,
};

/// One entry of `delta.tool_calls`, as it came.
#[derive(Debug, Default)]
pub(super) struct Fragment<'a> {
    pub index: Option<u64>,
    pub id: Option<String>,
    pub name: Option<String>,
    /// The next piece of the arguments, in WTF-8.
    pub arguments: Cow<'a, [u8]>,
}

/// All calls of one answer.
#[derive(Debug, Default)]
pub(super) struct ToolCalls {
    calls: Vec<PartialCall>,
    by_index: HashMap<u64, usize>,
    by_id: HashMap<String, usize>,
}

#[derive(Debug, Default)]
struct PartialCall {
    id: Option<String>,
    name: String,
    arguments: Nesting,
    joiner: SurrogateJoiner,
}

impl ToolCalls {
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The event of a fragment, and its joined text.
    pub(super) fn push(&mut self, fragment: Fragment<'_>) -> (ToolCallDelta, JoinedText) {
        let at = self.call_of(&fragment);
        if let Some(index) = fragment.index {
            self.by_index.insert(index, at);
        }
        let call = &mut self.calls[at];
        let mut delta = ToolCallDelta {
            index: at,
            ..ToolCallDelta::default()
        };
        if let Some(id) = fragment.id.filter(|_| call.id.is_none()) {
            self.by_id.entry(id.clone()).or_insert(at);
            call.id = Some(id.clone());
            delta.id = Some(id);
        }
        delta.name = fragment.name.and_then(|name| call.added_name(name));
        call.arguments.feed(&fragment.arguments);
        let mut piece = call.joiner.push(fragment.arguments);
        delta.arguments = std::mem::take(&mut piece.text);
        (delta, piece)
    }

    /// The last fragments of calls whose arguments end with half of a surrogate pair.
    pub(super) fn end(&mut self) -> impl Iterator<Item = (ToolCallDelta, JoinedText)> {
        self.calls
            .iter_mut()
            .enumerate()
            .filter_map(|(index, call)| {
                let mut piece = call.joiner.end();
                let arguments = std::mem::take(&mut piece.text);
                let delta = ToolCallDelta {
                    index,
                    arguments,
                    ..ToolCallDelta::default()
                };
                piece.broken.then_some((delta, piece))
            })
    }

    /// The position of the fragment's call, which is added if the fragment starts it.
    fn call_of(&mut self, fragment: &Fragment<'_>) -> usize {
        let of_index = fragment
            .index
            .and_then(|index| self.by_index.get(&index))
            .copied();
        let of_id = fragment
            .id
            .as_ref()
            .and_then(|id| self.by_id.get(id))
            .copied();
        let known = match (fragment.index, of_index) {
            (_, Some(at)) if !self.starts_another(at, fragment) => Some(at),
            (_, Some(at)) => of_id.filter(|id| *id != at),
            // A new index with a known id: a repeated id if a name starts a call, else that call.
            (Some(_), None) => of_id.filter(|_| fragment.name.is_none()),
            (None, None) => of_id.or_else(|| self.last_if_continued(fragment)),
        };
        known.unwrap_or_else(|| {
            self.calls.push(PartialCall::default());
            self.calls.len() - 1
        })
    }

    /// Whether a fragment with the index of call `at` still starts another call: it has a name, and either a different
    /// id, or no id while the call's arguments are complete and new ones start.
    fn starts_another(&self, at: usize, fragment: &Fragment<'_>) -> bool {
        let call = &self.calls[at];
        match (&fragment.name, &fragment.id, &call.id) {
            (None, ..) => false,
            (_, Some(id), Some(known)) => id != known,
            (_, Some(_), None) => call.arguments.is_whole(),
            (_, None, _) => call.arguments.is_whole() && starts_object(&fragment.arguments),
        }
    }

    /// The last call, if a fragment without index and without a known id continues it.
    fn last_if_continued(&self, fragment: &Fragment<'_>) -> Option<usize> {
        let last = self.calls.last()?;
        let is_continued = match (&fragment.id, &fragment.name) {
            (_, None) => fragment.id.is_none() || !last.arguments.is_whole(),
            (Some(_), Some(_)) => false,
            (None, Some(name)) => *name == last.name && !last.arguments.is_whole(),
        };
        is_continued.then(|| self.calls.len() - 1)
    }
}

impl PartialCall {
    /// The text that a fragment adds to the name: some servers repeat the name, some send it in pieces, some send ever
    /// longer prefixes.
    fn added_name(&mut self, piece: String) -> Option<String> {
        let added = match piece.strip_prefix(&*self.name) {
            Some(rest) => rest.to_owned(),
            None if self.arguments.begun => return None,
            None => piece,
        };
        self.name.push_str(&added);
        (!added.is_empty()).then_some(added)
    }
}

fn starts_object(arguments: &[u8]) -> bool {
    arguments.trim_ascii_start().starts_with(b"{")
}

/// Tracks the depth of brackets of a JSON text byte by byte, so that no piece is read twice.
#[derive(Debug, Default)]
struct Nesting {
    begun: bool,
    depth: u64,
    in_string: bool,
    escaped: bool,
}

impl Nesting {
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.begun |= !byte.is_ascii_whitespace();
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.begun && self.depth == 0 && !self.in_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Answer, Event};

    type Wire = (Option<u64>, &'static str, &'static str, &'static str);

    /// The calls of these fragments `(index, id, name, arguments)`, as `id name arguments`.
    fn calls(fragments: &[Wire]) -> Vec<String> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let mut calls = ToolCalls::default();
        let mut answer = Answer::default();
        for (index, id, name, arguments) in fragments {
            let fragment = Fragment {
                index: *index,
                id: some(id),
                name: some(name),
                arguments: arguments.as_bytes().into(),
            };
            answer.apply(&Event::ToolCall(calls.push(fragment).0));
        }
        let line = |c: &crate::chat::ToolCall| format!("{} {} {}", c.id, c.name, c.arguments);
        answer.tool_calls.iter().map(line).collect()
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn fragments_are_assigned_to_their_calls() {
        let two = ["a f {\"x\":1}", "b g {}"];
        let table: &[(&str, &[Wire], &[&str])] = &[
            (
                "as OpenAI documents it, interleaved",
                &[
                    (Some(0), "a", "f", ""),
                    (Some(1), "b", "g", ""),
                    (Some(0), "", "", "{\"x\""),
                    (Some(1), "", "", "{}"),
                    (Some(0), "", "", ":1}"),
                ],
                &two,
            ),
            (
                "indices from 1, with a gap, and huge",
                &[
                    (Some(7), "a", "f", "{\"x\":1}"),
                    (Some(u64::MAX), "b", "g", "{}"),
                ],
                &two,
            ),
            (
                "all calls at index 0 with their own ids",
                &[
                    (Some(0), "a", "f", "{\"x\":1}"),
                    (Some(0), "b", "g", "{"),
                    (Some(0), "", "", "}"),
                ],
                &two,
            ),
            (
                "no index at all",
                &[
                    (None, "a", "f", "{\"x\""),
                    (None, "a", "", ":1}"),
                    (None, "b", "g", "{}"),
                ],
                &two,
            ),
            (
                "no index; id only at first",
                &[
                    (None, "a", "f", "{\"x\""),
                    (None, "", "", ":1}"),
                    (None, "b", "g", "{}"),
                ],
                &two,
            ),
            (
                "a new id for each fragment",
                &[
                    (Some(0), "a", "f", "{\"x\""),
                    (Some(0), "zz", "", ":1}"),
                    (Some(1), "b", "g", ""),
                    (Some(1), "yy", "", "{}"),
                ],
                &two,
            ),
            (
                "id and name in each fragment",
                &[
                    (Some(0), "a", "f", "{\"x\""),
                    (Some(0), "a", "f", ":1}"),
                    (Some(1), "b", "g", "{}"),
                ],
                &two,
            ),
            (
                "no ids, all at index 0",
                &[
                    (Some(0), "", "f", "{\"x\":\"}\""),
                    (Some(0), "", "", "}"),
                    (Some(0), "", "f", "{}"),
                ],
                &[" f {\"x\":\"}\"}", " f {}"],
            ),
            (
                "neither index nor id",
                &[
                    (None, "", "f", "{\"x\""),
                    (None, "", "", ":1}"),
                    (None, "", "g", "{}"),
                ],
                &[" f {\"x\":1}", " g {}"],
            ),
            (
                "one id for two calls",
                &[(Some(0), "a", "f", "{}"), (Some(1), "a", "g", "{}")],
                &["a f {}", "a g {}"],
            ),
            (
                "a name in pieces, then one that grows",
                &[
                    (Some(0), "a", "get_", ""),
                    (Some(0), "", "weather", "{}"),
                    (Some(1), "b", "get_", ""),
                    (Some(1), "", "get_time", "{}"),
                ],
                &["a get_weather {}", "b get_time {}"],
            ),
            (
                "the id comes late",
                &[(Some(0), "", "f", "{"), (Some(0), "a", "", "}")],
                &["a f {}"],
            ),
        ];
        for (case, fragments, expected) in table {
            assert_eq!(calls(fragments), *expected, "{case}");
        }
    }
}
