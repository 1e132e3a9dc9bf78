//! Parses lists of models in the forms that servers use.

use std::collections::HashSet;

use serde_json::Value;
use url::Url;

use super::{
    error::{is_void, provider_error},
    excerpt::excerpt,
    json,
};
use crate::body::ModelInfo;

/// The models that a body lists, in its order, without duplicates. `read` finds them, and returns `None` if the body
/// is not a list.
///
/// # Errors
/// The provider's message if the body is an error, else a sentence that says what the body is.
pub(crate) fn models(
    body: &[u8],
    read: impl FnOnce(&Value) -> Option<Vec<ModelInfo>>,
) -> Result<Vec<ModelInfo>, String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{FEFF}').trim();
    let value = json::value(text).map_err(|why| {
        if why.is_data() {
            format!("the list can't be taken: {why}")
        } else {
            not_a_list(text)
        }
    })?;
    let Some(mut models) = read(&value) else {
        let error = provider_error(&value);
        return Err(error.map_or_else(|| not_a_list(text), |error| error.message));
    };
    let mut known = HashSet::new();
    models.retain(|model| known.insert(model.id.clone()));
    Ok(models)
}

/// Names of fields that hold the list, in the order in which they are tried.
const LIST_FIELDS: &[&str] = &[
    "data",
    "models",
    "result",
    "results",
    "items",
    "list",
    "model_list",
    "modelList",
    "publisherModels",
    "tunedModels",
    "response",
    "content",
];

/// The items of the list in a value, up to three levels deep; empty if null is in its place. `None` if there is no
/// list, or an error.
pub(crate) fn list_of(value: &Value) -> Option<Vec<&Value>> {
    list_within(value, 3)
}

fn list_within(value: &Value, depth: usize) -> Option<Vec<&Value>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(items) if items.iter().any(|item| item.get("error").is_some()) => None,
        Value::Array(items) => Some(items.iter().collect()),
        Value::Object(fields) if depth > 0 => {
            let fails = ["error", "errors"]
                .iter()
                .any(|name| fields.get(*name).is_some_and(|error| !is_void(error)));
            let found = |name: &&str| list_within(fields.get(*name)?, depth - 1);
            (!fails)
                .then(|| LIST_FIELDS.iter().find_map(found))
                .flatten()
        }
        _ => None,
    }
}

/// The URL of a list's next page, if its body names one: Google's `nextPageToken`, `has_more` with the id of the last
/// item, or a `next` of the same server.
#[must_use]
pub fn next_page(url: &Url, body: &[u8]) -> Option<Url> {
    let value = json::value(std::str::from_utf8(body).ok()?).ok()?;
    let text = |names: &[&str]| {
        let mut texts = names
            .iter()
            .filter_map(|name| value.pointer(name)?.as_str());
        texts.find(|text| !text.is_empty())
    };
    if let Some(token) = text(&["/nextPageToken", "/next_page_token"]) {
        return Some(with_fields(url, &["pageToken"], token));
    }
    if value.get("has_more").and_then(Value::as_bool) == Some(true) {
        let last = list_of(&value).and_then(|items| items.last()?.get("id")?.as_str());
        let last = text(&["/last_id"]).or(last)?;
        // Anthropic's name, and OpenAI's.
        return Some(with_fields(url, &["after_id", "after"], last));
    }
    let next = text(&["/next", "/next_url", "/links/next", "/pagination/next"])?;
    let next = url.join(next).ok()?;
    // The key is sent with it, so it must be the same origin.
    (next.origin() == url.origin() && next != *url).then_some(next)
}

/// The URL with these fields of its query set.
fn with_fields(url: &Url, names: &[&str], value: &str) -> Url {
    let mut next = url.clone();
    let kept = url
        .query_pairs()
        .filter(|(name, _)| !names.contains(&&**name));
    let ours = names.iter().map(|name| ((*name).into(), value.into()));
    next.query_pairs_mut()
        .clear()
        .extend_pairs(kept.chain(ours));
    next
}

fn not_a_list(text: &str) -> String {
    match excerpt(text) {
        start if start.is_empty() => "the list of models is empty: no JSON came".into(),
        start => format!("this is not a list of models: {start}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_page_is_found_and_stays_at_its_server() {
        for (body, next) in [
            (
                r#"{"models":[],"nextPageToken":"a b"}"#,
                Some("https://h/v1/models?limit=9&pageToken=a+b"),
            ),
            (
                r#"{"data":[{"id":"m"}],"has_more":true,"last_id":"m1"}"#,
                Some("https://h/v1/models?limit=9&after_id=m1&after=m1"),
            ),
            (
                r#"{"data":[{"id":"m"}],"has_more":true}"#,
                Some("https://h/v1/models?limit=9&after_id=m&after=m"),
            ),
            (
                r#"{"data":[],"next":"/v1/models?page=2"}"#,
                Some("https://h/v1/models?page=2"),
            ),
            (
                r#"{"data":[],"next":"https://evil/v1/models?page=2"}"#,
                None,
            ),
            (r#"{"data":[],"next":"http://h/v1/models?page=2"}"#, None),
            (
                r#"{"data":[{"id":"m"}],"has_more":false,"last_id":"m"}"#,
                None,
            ),
            (r#"{"data":[],"nextPageToken":""}"#, None),
            (r#"{"data":[],"has_more":true}"#, None),
            ("null", None),
            ("<", None),
        ] {
            let url = Url::parse("https://h/v1/models?limit=9").unwrap();
            let found = next_page(&url, body.as_bytes());
            assert_eq!(found.as_ref().map(Url::as_str), next, "{body}");
            if let Some(found) = found.filter(|url| url.as_str().contains("limit")) {
                let again = next_page(&found, body.as_bytes());
                assert_eq!(again.as_ref(), Some(&found), "fields are set, not added");
            }
        }
    }
}
