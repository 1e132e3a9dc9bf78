//! Adds ids to calls and results without one, for protocols that match them by id.

use std::{borrow::Cow, collections::HashSet};

use super::{Message, Part};

/// The messages, with an id for each call and result. An answer that broke off, or came by a protocol without ids,
/// leaves calls without one; providers refuse an empty id, or confuse two calls.
#[must_use]
pub fn with_call_ids(messages: &[Message]) -> Cow<'_, [Message]> {
    let parts = || messages.iter().flat_map(|message| &message.parts);
    if !parts().any(|part| id_of(part).is_some_and(str::is_empty)) {
        return Cow::Borrowed(messages);
    }
    let mut known: HashSet<String> = parts().filter_map(id_of).map(str::to_owned).collect();
    let mut free = (0_u64..).map(|n| format!("call_{n}"));
    let mut next = || free.find(|id| known.insert(id.clone())).unwrap_or_default();
    let mut messages = messages.to_vec();
    // Calls that got an id here and have no result yet, oldest first.
    let mut waiting: Vec<(String, String)> = Vec::new();
    for part in messages.iter_mut().flat_map(|message| &mut message.parts) {
        match part {
            Part::ToolCall(call) if call.id.is_empty() => {
                call.id = next();
                waiting.push((call.name.clone(), call.id.clone()));
            }
            Part::ToolResult { id, name, .. } if id.is_empty() => {
                let named = waiting.iter().position(|(of, _)| of == name);
                *id = match named.or((!waiting.is_empty()).then_some(0)) {
                    Some(at) => waiting.remove(at).1,
                    None => next(),
                };
            }
            _ => {}
        }
    }
    Cow::Owned(messages)
}

fn id_of(part: &Part) -> Option<&str> {
    match part {
        Part::ToolCall(call) => Some(&call.id),
        Part::ToolResult { id, .. } => Some(id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Role, ToolCall};

    fn call(id: &str, name: &str) -> Part {
        Part::ToolCall(ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: "{}".into(),
        })
    }

    fn result(id: &str, name: &str) -> Part {
        Part::ToolResult {
            id: id.into(),
            name: name.into(),
            content: "x".into(),
        }
    }

    fn ids(messages: &[Message]) -> Vec<String> {
        let parts = messages.iter().flat_map(|message| &message.parts);
        parts.filter_map(id_of).map(str::to_owned).collect()
    }

    #[test]
    fn results_find_the_calls_that_had_no_id() {
        let say = |role, parts| Message { role, parts };
        let calls = vec![call("", "f"), call("call_0", "g"), call("", "g")];
        let results = vec![result("", "g"), result("call_0", "g"), result("", "f")];
        let messages = [say(Role::Assistant, calls), say(Role::User, results)];
        let named = with_call_ids(&messages);
        assert_eq!(
            ids(&named),
            ["call_1", "call_0", "call_2", "call_2", "call_0", "call_1"]
        );
        assert!(matches!(with_call_ids(&named), Cow::Borrowed(_)));
    }
}
