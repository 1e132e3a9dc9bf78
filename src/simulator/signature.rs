//! What simulated models sign their thoughts and calls with, and the check that it came back.
//!
//! Gemini 3 refuses a step whose first call comes back without its thought signature. A simulated model can do more: it
//! knows what it gave, so that it refuses any other byte.

use std::iter::successors;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    chat::{Message, Part, Role},
    dialect::serve::refusal,
    event::Fault,
};

const WORDS: &str = "simulated signature ";

/// The signature of a part of a run: the same for the same part. Behind its words is every byte there is, as in
/// signatures that are encrypted.
pub(super) fn signature(run: u64, part: usize) -> String {
    let mut bytes = format!("{WORDS}{run}.{part} ").into_bytes();
    bytes.extend(u8::MIN..=u8::MAX);
    STANDARD.encode(bytes)
}

/// The run that a signature of a first call is of, if it is one, byte for byte. Google's SDK for Python writes bytes in
/// the other alphabet of base64, which Google's server takes, too.
fn run_of(given: &str) -> Option<u64> {
    let given = given.replace('-', "+").replace('_', "/");
    let bytes = STANDARD.decode(&given).ok()?;
    let digits = bytes.strip_prefix(WORDS.as_bytes())?;
    let digits = digits.split(|byte| *byte == b'.').next()?;
    let run = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (signature(run, 0) == given).then_some(run)
}

/// Checks that each step of a conversation has the signature on its first call that it was given with, and the results
/// of all its calls behind it. `is_own` says whether a run was one of this model.
///
/// # Errors
/// The refusal, with status 400.
pub(super) fn check(messages: &[Message], is_own: impl Fn(u64) -> bool) -> Result<(), Fault> {
    let mut last = 0;
    for (at, message) in messages.iter().enumerate() {
        let calls = calls(message);
        let Some((name, given)) = calls.first() else {
            continue;
        };
        let Some(given) = given else {
            return Err(bad(&format!("the call of {name} has no thought signature")));
        };
        let run = run_of(given).filter(|run| *run > last && is_own(*run));
        let Some(run) = run else {
            return Err(bad(&format!(
                "the thought signature of the call of {name} is not the one that it was given with"
            )));
        };
        last = run;
        if let Some((name, _)) = calls[1..].iter().find(|(_, given)| given.is_some()) {
            let what = format!("the call of {name} has a thought signature, and was given without");
            return Err(bad(&what));
        }
        let results = results(&messages[at + 1..]);
        if calls.len() != results {
            return Err(bad(&format!(
                "{} calls have {results} results",
                calls.len()
            )));
        }
    }
    Ok(())
}

fn bad(what: &str) -> Fault {
    refusal(400, "INVALID_ARGUMENT", format!("Simulated: {what}"))
}

/// The names of a message's calls, each with the signature that stands behind it.
fn calls(message: &Message) -> Vec<(&str, Option<&str>)> {
    let behind = successors(message.parts.get(1..), |parts| parts.get(1..));
    let behind = behind.map(<[Part]>::first);
    let parts = message.parts.iter().zip(behind.chain([None]));
    let calls = parts.filter_map(|(part, behind)| {
        let Part::ToolCall(call) = part else {
            return None;
        };
        let given = match behind {
            Some(Part::Signature { value, .. }) => Some(value.as_str()),
            _ => None,
        };
        Some((call.name.as_str(), given))
    });
    calls.collect()
}

/// How many results stand at the beginning.
fn results(messages: &[Message]) -> usize {
    let of_tools = messages.iter().take_while(|m| m.role == Role::Tool);
    of_tools.map(|message| message.parts.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ToolCall;

    fn step(signatures: [Option<String>; 2], results: usize) -> Vec<Message> {
        let mut parts = Vec::new();
        for value in signatures {
            parts.push(Part::ToolCall(ToolCall {
                name: "f".into(),
                ..ToolCall::default()
            }));
            parts.extend(value.map(|value| Part::Signature {
                dialect: "gemini".into(),
                value,
            }));
        }
        let result = || Part::ToolResult {
            id: String::new(),
            name: "f".into(),
            content: "1".into(),
        };
        let results = (0..results).map(|_| result()).collect();
        let of = |role, parts| Message { role, parts };
        vec![
            Message::user("?"),
            of(Role::Assistant, parts),
            of(Role::Tool, results),
        ]
    }

    #[test]
    fn each_step_needs_its_own_signature_byte_for_byte() {
        let said = |messages: &[Message]| match check(messages, |run| run < 10) {
            Ok(()) => String::new(),
            Err(fault) => fault.message,
        };
        let of = |run| Some(signature(run, 0));
        let two =
            |first, second| [step([of(first), None], 2), step([of(second), None], 2)].concat();
        assert_eq!(said(&two(3, 4)), "");
        for (messages, why) in [
            (step([None, None], 2), "has no thought signature"),
            (step([None, of(3)], 2), "has no thought signature"),
            (step([Some("skip".into()), None], 2), "is not the one"),
            (step([Some(signature(3, 1)), None], 2), "is not the one"),
            (two(4, 3), "is not the one"),
            (two(3, 11), "is not the one"),
            (step([of(3), of(4)], 2), "was given without"),
            (step([of(3), None], 1), "2 calls have 1 results"),
        ] {
            assert!(said(&messages).contains(why), "{why}: {}", said(&messages));
        }
        let whole = signature(3, 0);
        for at in 0..whole.len() {
            let mut other = whole.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert_ne!(run_of(&other), Some(3), "{at}");
        }
        assert!(whole.contains('/') && whole.contains('+'));
        let other = whole.replace('/', "_").replace('+', "-");
        assert_eq!(run_of(&other), Some(3));
    }
}
