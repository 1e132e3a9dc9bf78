//! Errors behind a status of success, which are told by what they say alone.

use serde_json::Value;

use super::{
    ProviderError,
    codes::CODES,
    places::{MINIMAX, SENTENCES, is_void},
    provider_error,
};
use crate::body::json;

/// The error that a JSON value tells which came behind a status of success and is no answer: `msg` with a code,
/// `success: false`, a list of errors. `None` where it says that all is well, or nothing of the kind.
#[must_use]
pub fn business_error(value: &Value) -> Option<ProviderError> {
    let whole = value.get(0).unwrap_or(value);
    says_failure(whole).then(|| {
        provider_error(whole).unwrap_or_else(|| ProviderError::of_text(&whole.to_string()))
    })
}

/// The same of a JSON text; `None` where that is no JSON, too.
#[must_use]
pub fn business_error_in(text: &str) -> Option<ProviderError> {
    business_error(&json::value(text).ok()?)
}

/// Whether a field of this name may report a failure.
#[must_use]
pub fn reports_failure(name: &str) -> bool {
    SENTENCES.contains(&name)
        || CODES.contains(&name)
        || ["errors", "success", "ok", MINIMAX].contains(&name)
}

fn says_failure(node: &Value) -> bool {
    let Some(fields) = node.as_object() else {
        return false;
    };
    let is = |name: &str, value: bool| fields.get(name).is_some_and(|v| *v == Value::Bool(value));
    let stated = |name: &&str| fields.get(*name).is_some_and(|v| !is_void(v));
    let minimax = fields.get(MINIMAX).and_then(|resp| resp.get("status_code"));
    if minimax.is_some_and(|code| *code != 0)
        || is("success", false)
        || is("ok", false)
        || ["error", "errors"].iter().any(stated)
    {
        return true;
    }
    let is_fine = |code: &Value| match code {
        Value::Number(code) => matches!(code.as_i64(), Some(0 | 200)),
        Value::String(word) => {
            ["0", "200", "ok", "success"].contains(&word.to_ascii_lowercase().as_str())
        }
        _ => false,
    };
    let codes = || CODES.iter().filter_map(|name| fields.get(*name));
    let fine = is("success", true) || is("ok", true) || codes().any(is_fine);
    !fine
        && SENTENCES
            .iter()
            .any(|name| fields.get(*name).is_some_and(Value::is_string))
}
