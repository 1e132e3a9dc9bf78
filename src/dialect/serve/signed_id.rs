//! Signatures that travel through a client of another protocol.
//!
//! Gemini 3 refuses a call's result unless the call comes back with its thought signature, and clients keep only what
//! their own protocol has. Every protocol has the id of a call, and every client sends it back, so the signature goes
//! into the id:
//!
//! ```text
//! <the call's own id> __thought__ <form> <base64url of 3 bytes of SHA-256, then the signature>
//! ```
//!
//! - Only letters, digits, `_` and `-` are in it, as Anthropic's server demands of an id.
//! - It is as long as the signature. OpenAI's server refuses ids over 64 characters (40 in chat completions), but such an
//!   id never reaches a server: it is split before the request is read, whatever the target is. A table of short ids in
//!   the gateway instead would be lost when it stops, and a conversation may go on days later.
//! - A client that cuts ids off breaks the checksum. The signature is dropped then, and the call keeps its own id.
//!
//! A block of thinking of `anthropic` has a signature that clients keep word for word. There it says whose it is.

use std::borrow::Cow;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use crate::{
    chat::Part,
    dialect::{DialectId, gemini::part::base64_bytes, serve::read},
    event::Event,
};

/// Stands between a call's own id and its signature.
const MARK: &str = "__thought__";
/// Begins the signature of a block of thinking that is not its client's protocol's own.
const FOREIGN: &str = "tokenscope/";
/// Bytes of the checksum: with them, whole groups of base64 stay whole.
const CHECK: usize = 3;

/// A JSON body with each call's own id, and without foreign thinking; `None` if nothing is to be changed.
pub(super) fn without(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    if !text.contains(MARK) && !text.contains(FOREIGN) {
        return None;
    }
    let mut json = serde_json::from_str(text).ok()?;
    strip_all(&mut json);
    Some(json.to_string().into_bytes())
}

/// The fields that hold the id of a call.
const IDS: &[&str] = &["id", "call_id", "tool_call_id", "tool_use_id"];

fn strip_all(json: &mut Value) {
    match json {
        Value::Array(items) => {
            items.retain(|item| !item["signature"].as_str().is_some_and(is_foreign));
            items.iter_mut().for_each(strip_all);
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                if IDS.contains(&name.as_str()) {
                    strip(value);
                } else {
                    strip_all(value);
                }
            }
        }
        _ => {}
    }
}

/// The id that carries the signature.
pub(super) fn signed_id(id: &str, signature: &str) -> String {
    let bytes = base64_bytes(signature);
    // Bytes are the shorter form, where they give the same text again.
    let bytes = bytes.filter(|bytes| STANDARD.encode(bytes) == signature);
    let is_text = bytes.is_none();
    let value = bytes.map_or(Cow::Borrowed(signature.as_bytes()), Cow::Owned);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_safe = id.chars().all(is_plain) && !id.contains(MARK);
    let id = if is_safe {
        Cow::Borrowed(id)
    } else {
        Cow::Owned(hex(id))
    };
    let form = match (is_safe, is_text) {
        (true, false) => 'b',
        (true, true) => 't',
        (false, false) => 'B',
        (false, true) => 'T',
    };
    let mut payload = check(&value).to_vec();
    payload.extend_from_slice(&value);
    format!("{id}{MARK}{form}{}", URL_SAFE_NO_PAD.encode(payload))
}

/// A call's own id, and its signature if the id has one that is whole.
pub(in crate::dialect) fn split(id: &str) -> (Cow<'_, str>, Option<String>) {
    let Some((own, carried)) = id.split_once(MARK) else {
        return (Cow::Borrowed(id), None);
    };
    let form = carried.chars().next().unwrap_or_default();
    let own = if form.is_ascii_uppercase() {
        Cow::Owned(unhex(own))
    } else {
        Cow::Borrowed(own)
    };
    let signature = carried.get(1..).and_then(|payload| {
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let (sum, value) = payload.split_at_checked(CHECK)?;
        if sum != check(value) {
            return None;
        }
        match form.to_ascii_lowercase() {
            'b' => Some(STANDARD.encode(value)),
            _ => String::from_utf8(value.to_vec()).ok(),
        }
    });
    (own, signature)
}

/// Replaces an id in a body by the call's own, and returns the signature that it had.
pub(in crate::dialect) fn strip(id: &mut Value) -> Option<String> {
    let text = id.as_str()?;
    if !text.contains(MARK) {
        return None;
    }
    let (own, signature) = split(text);
    *id = own.into_owned().into();
    signature
}

fn check(value: &[u8]) -> [u8; CHECK] {
    let mut sum = [0; CHECK];
    sum.copy_from_slice(&digest(&SHA256, value).as_ref()[..CHECK]);
    sum
}

fn hex(text: &str) -> String {
    let digits = text.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = digits.filter_map(|digit| char::from_digit(digit.into(), 16));
    digits.collect()
}

fn unhex(text: &str) -> String {
    let digits = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Option<Vec<u8>> = digits.collect();
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

/// Google's thought signature in a signature of any dialect: by itself, or as `extra_content` of `openai-chat`.
pub(in crate::dialect) fn google_signature(value: &str) -> Option<Cow<'_, str>> {
    if value.starts_with('{') {
        let extra: Value = serde_json::from_str(value).ok()?;
        let signature = extra.pointer("/google/thought_signature")?.as_str()?;
        return Some(signature.to_owned().into());
    }
    let is_base64 = !value.is_empty() && base64_bytes(value).is_some();
    is_base64.then_some(value.into())
}

/// Google's signature of a call, among the events that follow the call's first piece.
pub(in crate::dialect) fn signature_of_call(index: usize, next: &[Event]) -> Option<&str> {
    let is_of_call =
        |event: &&Event| matches!(event, Event::ToolCall(delta) if delta.index == index);
    match next.iter().find(|event| !is_of_call(event))? {
        Event::Signature { value } => Some(value),
        _ => None,
    }
}

/// The part with a signature of Google's that came back.
pub(in crate::dialect) fn google_part(signature: String) -> Part {
    read::signature(DialectId::Gemini, signature)
}

/// The signature of a block of thinking that the model of another protocol made. Without a signature of its own it
/// says so: an empty one would go back as if it were the client's protocol's.
pub(in crate::dialect) fn foreign_signature(of: Option<(DialectId, &str)>) -> String {
    match of {
        Some((dialect, value)) => format!("{FOREIGN}{dialect}:{value}"),
        None => format!("{FOREIGN}none:"),
    }
}

/// Whether the signature of a block of thinking is that of another protocol's model.
pub(in crate::dialect) fn is_foreign(signature: &str) -> bool {
    signature.starts_with(FOREIGN)
}

/// The part of a foreign signature, if the block was signed.
pub(in crate::dialect) fn foreign_part(signature: &str) -> Option<Part> {
    let (dialect, value) = signature.strip_prefix(FOREIGN)?.split_once(':')?;
    let known = DialectId::ALL.iter().find(|id| id.as_str() == dialect)?;
    Some(read::signature(*known, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_gives_its_parts_back_byte_for_byte() {
        let long = STANDARD.encode([0xfb, 0xff, 0x00, 0x7f].repeat(900));
        for id in [
            "call_1",
            "",
            "functions.f:0",
            "made-call-1-x",
            "a__thought__b",
        ] {
            for signature in ["Cs8BAb4+9/g=", "Cs8BAb4-9_g", "not base64 ✓", "AA==", &long] {
                let signed = signed_id(id, signature);
                let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                assert!(signed.chars().all(is_plain), "{signed}");
                let (own, carried) = split(&signed);
                assert_eq!((&*own, carried.as_deref()), (id, Some(signature)));
                let body = serde_json::json!([{ "id": signed, "text": signed }]).to_string();
                let expected = serde_json::json!([{ "id": id, "text": signed }]).to_string();
                assert_eq!(without(body.as_bytes()), Some(expected.into_bytes()));
            }
        }
    }

    #[test]
    fn an_id_that_was_cut_off_keeps_the_calls_own() {
        let signed = signed_id("call_1", "Cs8BAb4+9/gAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        for length in "call_1__thought__".len()..signed.len() {
            let (own, carried) = split(&signed[..length]);
            assert_eq!((&*own, carried), ("call_1", None), "{length}");
        }
        assert_eq!(split("call_1"), ("call_1".into(), None));
    }

    #[test]
    fn googles_signature_is_told_from_other_words() {
        let extra = r#"{"google":{"thought_signature":"AA=="}}"#;
        for (value, google) in [
            ("AA==", Some("AA==")),
            (extra, Some("AA==")),
            ("", None),
            ("reasoning_content", None),
            (r#"{"caller":{"type":"direct"}}"#, None),
        ] {
            assert_eq!(google_signature(value).as_deref(), google, "{value}");
        }
    }

    #[test]
    fn a_foreign_signature_of_thinking_says_whose_it_is() {
        let signature = foreign_signature(Some((DialectId::Gemini, "A:B")));
        let part = read::signature(DialectId::Gemini, "A:B");
        assert_eq!(foreign_part(&signature), Some(part));
        let unsigned = foreign_signature(None);
        assert!(is_foreign(&unsigned) && foreign_part(&unsigned).is_none());
        assert!(!is_foreign("EqQBCg=="));
        let body = serde_json::json!([{ "signature": unsigned }, { "signature": "EqQBCg==" }]);
        let left = r#"[{"signature":"EqQBCg=="}]"#;
        assert_eq!(without(body.to_string().as_bytes()), Some(left.into()));
        assert_eq!(without(left.as_bytes()), None);
    }
}
