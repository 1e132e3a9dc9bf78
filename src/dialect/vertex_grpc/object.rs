//! Reads the JSON of a message field by field, so that nothing is silently lost: a field that the message does not have
//! is an error.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::dialect::gemini::part::base64_bytes;

/// A message, or why the JSON is not one: one sentence without a period.
pub(super) type ParseResult<T> = Result<T, String>;

/// An object in the JSON, and its path.
#[derive(Debug)]
pub(super) struct Object {
    path: String,
    fields: Map<String, Value>,
}

/// Reads the JSON at `path` as a message.
///
/// # Errors
/// If it is not an object, or has a field that the message does not have.
pub(super) fn message<T>(
    json: Value,
    path: &str,
    read: impl FnOnce(&mut Object) -> ParseResult<T>,
) -> ParseResult<T> {
    let Value::Object(fields) = json else {
        return Err(format!("{} must be a JSON object", shown(path)));
    };
    let path = path.to_owned();
    let mut object = Object { path, fields };
    let message = read(&mut object)?;
    match object.fields.keys().next() {
        None => Ok(message),
        Some(left) => Err(format!(
            "“{}” can't be sent by gRPC: leave it out, or set the endpoint's dialect to gemini",
            object.path_of(left)
        )),
    }
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "the request" } else { path }
}

impl Object {
    fn path_of(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        }
    }

    /// A field's JSON; null counts as missing.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.fields
            .shift_remove(name)
            .filter(|value| !value.is_null())
    }

    /// A number, text or flag, or a list or map of them.
    pub(super) fn get<T: DeserializeOwned>(&mut self, name: &str) -> ParseResult<Option<T>> {
        let path = self.path_of(name);
        let value = self.take(name).map(serde_json::from_value);
        value.transpose().map_err(|why| format!("{path}: {why}"))
    }

    /// The same, for fields whose default is zero.
    pub(super) fn or_zero<T: DeserializeOwned + Default>(&mut self, name: &str) -> ParseResult<T> {
        self.get(name).map(Option::unwrap_or_default)
    }

    /// A 64-bit whole number, which protobuf's JSON may write as a string.
    pub(super) fn int64(&mut self, name: &str) -> ParseResult<i64> {
        match self.take(name) {
            Some(Value::String(text)) => text
                .parse()
                .map_err(|_| format!("{}: “{text}” is not a whole number", self.path_of(name))),
            Some(value) => serde_json::from_value(value)
                .map_err(|why| format!("{}: {why}", self.path_of(name))),
            None => Ok(0),
        }
    }

    /// A duration in seconds, such as `1.5s`.
    pub(super) fn duration(&mut self, name: &str) -> ParseResult<Option<prost_types::Duration>> {
        let text: Option<String> = self.get(name)?;
        let read = text.map(|text| {
            let why = || {
                format!(
                    "{}: “{text}” is not a duration such as 1.5s",
                    self.path_of(name)
                )
            };
            text.parse().map_err(|_| why())
        });
        read.transpose()
    }

    /// An enum's name, in any case.
    pub(super) fn word<E: Into<i32>>(
        &mut self,
        name: &str,
        of: fn(&str) -> Option<E>,
    ) -> ParseResult<Option<i32>> {
        let word: Option<String> = self.get(name)?;
        let path = self.path_of(name);
        word.map(|word| number_of(&word, of, &path)).transpose()
    }

    /// A list of an enum's names.
    pub(super) fn words<E: Into<i32>>(
        &mut self,
        name: &str,
        of: fn(&str) -> Option<E>,
    ) -> ParseResult<Vec<i32>> {
        let words: Vec<String> = self.or_zero(name)?;
        let path = self.path_of(name);
        words
            .iter()
            .map(|word| number_of(word, of, &path))
            .collect()
    }

    /// Bytes, as base64 in the standard or the URL-safe alphabet.
    pub(super) fn bytes(&mut self, name: &str) -> ParseResult<Bytes> {
        let text: String = self.or_zero(name)?;
        let bytes = base64_bytes(&text).map(Bytes::from);
        bytes.ok_or_else(|| format!("{} is not base64", self.path_of(name)))
    }

    /// A message.
    pub(super) fn message<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut Self) -> ParseResult<T>,
    ) -> ParseResult<Option<T>> {
        let path = self.path_of(name);
        let value = self.take(name);
        value.map(|json| message(json, &path, read)).transpose()
    }

    /// A list of messages.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        read: fn(&mut Self) -> ParseResult<T>,
    ) -> ParseResult<Vec<T>> {
        let path = self.path_of(name);
        let items: Vec<Value> = self.or_zero(name)?;
        let items = items.into_iter().enumerate();
        items
            .map(|(at, json)| message(json, &format!("{path}[{at}]"), read))
            .collect()
    }

    /// Messages by name.
    pub(super) fn map<T, M: FromIterator<(String, T)>>(
        &mut self,
        name: &str,
        read: fn(&mut Self) -> ParseResult<T>,
    ) -> ParseResult<M> {
        let path = self.path_of(name);
        let fields: Map<String, Value> = self.or_zero(name)?;
        let fields = fields.into_iter();
        fields
            .map(|(key, json)| Ok((key.clone(), message(json, &format!("{path}.{key}"), read)?)))
            .collect()
    }

    /// The field of a `oneof` that is set.
    pub(super) fn one_of<'a>(&self, names: &[&'a str]) -> ParseResult<Option<&'a str>> {
        let mut found = names.iter().filter(|name| self.fields.contains_key(**name));
        match (found.next(), found.next()) {
            (Some(one), Some(other)) => Err(format!(
                "{} and {} can't both be set in a gRPC message",
                self.path_of(one),
                self.path_of(other)
            )),
            (one, _) => Ok(one.copied()),
        }
    }
}

fn number_of<E: Into<i32>>(word: &str, of: fn(&str) -> Option<E>, path: &str) -> ParseResult<i32> {
    let number = of(&word.to_ascii_uppercase()).map(Into::into);
    number.ok_or_else(|| {
        format!(
            "{path}: gRPC has no value “{word}” for it: set the endpoint's dialect to gemini to send it as it is"
        )
    })
}
