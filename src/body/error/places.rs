//! Where an error says what: the objects it is nested in, its sentence, and what stands beside it.

use serde_json::{Map, Value};

use super::class::http_status;

/// The objects that an error is nested in, the outermost first.
pub(super) fn nodes(whole: &Value) -> Vec<&Value> {
    const DEEPEST: usize = 5;
    let mut nodes = vec![whole];
    while let Some(inner) = nodes.last().and_then(|node| inner_node(node))
        && nodes.len() < DEEPEST
    {
        nodes.push(inner);
    }
    nodes
}

/// The object inside an error object that says more.
fn inner_node(node: &Value) -> Option<&Value> {
    let inner = |name| match node.get(name)? {
        Value::Array(items) if name == "errors" => items.first().filter(|item| !is_void(item)),
        value => Some(value).filter(|value| value.is_object() && !is_void(value)),
    };
    let named = ["error", "errors", "detail", "message"]
        .into_iter()
        .find_map(inner);
    named.or_else(|| node.get(MINIMAX).filter(|inner| inner.is_object()))
}

pub(in crate::body) fn is_void(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Where MiniMax's servers say how a call went, in any dialect.
pub(super) const MINIMAX: &str = "base_resp";

/// The fields that an error's sentence stands in, the best first: a mere title may stand beside the sentence.
pub(super) const SENTENCES: &[&str] = &[
    "message",
    "msg",
    "error_message",
    "error_msg",
    "errorMessage",
    "errmsg",
    "err_msg",
    "status_msg",
    "error_description",
    "detail",
    "error",
    "title",
];

/// What an error says, and the field that it says it in.
pub(super) struct ErrorSentence {
    pub(super) field: &'static str,
    pub(super) text: String,
}

pub(super) fn sentence(node: &Value) -> Option<ErrorSentence> {
    let (field, text) = match node {
        Value::String(text) => ("", text.clone()),
        Value::Array(_) => ("", node.to_string()),
        Value::Object(fields) => {
            let text = |name: &&'static str| Some((*name, text_of(fields.get(*name)?)?));
            SENTENCES.iter().find_map(text)?
        }
        _ => return None,
    };
    Some(ErrorSentence { field, text })
}

/// An error object that has only codes; any other object is no error at all.
pub(super) fn codes_alone(node: &Value) -> Option<ErrorSentence> {
    let mut names = ["code", "type", "status"].iter();
    let coded = node.is_object() && names.any(|name| node.get(*name).is_some());
    coded.then(|| ErrorSentence {
        field: "",
        text: node.to_string(),
    })
}

/// A sentence, or several of them.
fn text_of(value: &Value) -> Option<String> {
    match value {
        _ if is_void(value) => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            Some(texts.join("; "))
        }
        Value::Array(_) => Some(value.to_string()),
        // An object is looked into by itself; a number says nothing without its field.
        _ => None,
    }
}

/// What stands beside an error's sentence in the objects around it, as JSON; `None` where nothing does.
pub(super) fn beside(nodes: &[&Value], said: &ErrorSentence, code: Option<&str>) -> Option<String> {
    let mut kept = Map::new();
    for (at, node) in nodes.iter().enumerate() {
        let inner = nodes.get(at + 1).copied();
        for (name, value) in node.as_object().into_iter().flatten() {
            let is_inner = inner.is_some_and(|inner| holds(value, inner));
            let is_said = match value {
                Value::String(text) => *text == said.text || Some(text.as_str()) == code,
                Value::Number(number) => {
                    let is_status = number.as_u64().and_then(http_status).is_some();
                    is_status || Some(number.to_string().as_str()) == code
                }
                _ => text_of(value).as_ref() == Some(&said.text),
            };
            let is_plain = matches!(value.as_str(), Some("error"));
            let told = is_inner || is_said || is_plain || said.field.is_empty() && inner.is_none();
            if !told && !is_void(value) && *value != Value::Bool(true) {
                kept.insert(name.clone(), value.clone());
            }
        }
    }
    (!kept.is_empty()).then(|| Value::Object(kept).to_string())
}

/// Whether a value is this one, or a list that begins with it.
fn holds(value: &Value, inner: &Value) -> bool {
    std::ptr::eq(value, inner) || (value.get(0)).is_some_and(|first| std::ptr::eq(first, inner))
}
