//! The codes of an error: its words, its numbers, and the wait that it asks for.

use serde_json::Value;

use super::{class::http_status, places::SENTENCES};
use crate::body::wait::seconds;

/// The fields that an error's code stands in, the most telling first.
pub(super) const CODES: &[&str] = &[
    "code",
    "status",
    "type",
    "error_type",
    "error_code",
    "errorCode",
    "errcode",
    "status_code",
    "statusCode",
];

/// The code words and numbers of an error, the most telling first.
#[derive(Default)]
pub(super) struct Codes<'a> {
    pub(super) words: Vec<&'a str>,
    pub(super) number: Option<i64>,
    /// The HTTP status among them.
    pub(super) http: Option<u16>,
}

impl<'a> Codes<'a> {
    /// Adds those of an object.
    pub(super) fn collect(&mut self, node: &'a Value) {
        for name in CODES {
            match node.get(*name) {
                Some(Value::String(word)) if !word.is_empty() && word != "error" => {
                    self.words.push(word);
                    self.http = self
                        .http
                        .or_else(|| word.parse().ok().and_then(http_status));
                }
                Some(Value::Number(number)) => {
                    self.number = self.number.or(number.as_i64());
                    let http = number.as_u64().and_then(http_status);
                    self.http = self.http.or(http);
                }
                _ => {}
            }
        }
        // A title that is one word is a code, as OAuth's `error`.
        let word = node.get("error").and_then(Value::as_str);
        self.words.extend(word.filter(|word| {
            !word.is_empty()
                && !word.contains(char::is_whitespace)
                && SENTENCES[..10].iter().any(|name| node.get(*name).is_some())
        }));
        let details = node.get("details").and_then(Value::as_array);
        let reasons = details
            .into_iter()
            .flatten()
            .filter_map(|d| d.get("reason")?.as_str());
        self.words.extend(reasons);
    }
}

/// Google's `RetryInfo`: `"retryDelay": "34.07s"`, or an `ErrorInfo` with `"quotaResetDelay": "1h16m0.66s"`.
pub(super) fn retry_delay_ms(node: &Value) -> Option<u64> {
    let details = node.get("details")?.as_array()?;
    let of = |pointer: &str| {
        let mut stated = details.iter().filter_map(|d| d.pointer(pointer)?.as_str());
        stated.find_map(seconds)
    };
    of("/retryDelay")
        .or_else(|| of("/metadata/quotaResetDelay"))
        .map(millis)
}

/// The wait in an error's message: “Please retry in 34.07s.” (Google), “Please try again in 1m26s.” (`OpenAI`).
pub(super) fn stated_delay_ms(message: &str) -> Option<u64> {
    let (_, rest) = message
        .split_once("retry in ")
        .or_else(|| message.split_once("try again in "))?;
    let stated = rest.split_whitespace().next()?;
    seconds(stated.trim_end_matches(['.', ','])).map(millis)
}

/// Seconds in milliseconds, at most a day.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=86,400,000; a NaN gives 0"
)]
fn millis(seconds: f64) -> u64 {
    const MAX_SECONDS: f64 = 86_400.0;
    (seconds.clamp(0.0, MAX_SECONDS) * 1e3).round() as u64
}
