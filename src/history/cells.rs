//! The cells of SQLite rows: read from left to right as our types, and the JSON that stands in some.

use rusqlite::{
    Error, Row,
    types::{FromSql, Type},
};
use serde::{Serialize, de::DeserializeOwned};

use super::reads;
use crate::{
    endpoint::TargetId,
    event::Usage,
    run::{Read, Span},
};

/// The position in a row.
#[derive(Debug)]
pub(super) struct Cells<'a> {
    row: &'a Row<'a>,
    at: usize,
}

impl<'a> Cells<'a> {
    pub(super) fn new(row: &'a Row<'a>) -> Self {
        Self { row, at: 0 }
    }

    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    pub(super) fn next<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let cell = self.row.get(self.at)?;
        self.at += 1;
        Ok(cell)
    }

    pub(super) fn text(&mut self) -> rusqlite::Result<String> {
        Ok(self.next::<Option<String>>()?.unwrap_or_default())
    }

    /// All 64 bits of a count are kept, in SQLite's signed integers.
    pub(super) fn count(&mut self) -> rusqlite::Result<Option<u64>> {
        Ok(self.next::<Option<i64>>()?.map(i64::cast_unsigned))
    }

    pub(super) fn span(&mut self) -> rusqlite::Result<Option<Span>> {
        let (begin, end) = (self.count()?, self.count()?);
        Ok(begin.zip(end).map(|(begin, end)| Span { begin, end }))
    }

    /// A target, by the names of its endpoint and its model.
    pub(super) fn target(&mut self) -> rusqlite::Result<TargetId> {
        Ok(TargetId {
            endpoint: self.next()?,
            model: self.next()?,
        })
    }

    /// What a provider counted: whether it told any, then the counts that have columns of their own.
    pub(super) fn usage(&mut self) -> rusqlite::Result<Option<Usage>> {
        let given: bool = self.next()?;
        let usage = Usage {
            cache_written: None,
            input: self.count()?,
            output: self.count()?,
            reasoning: self.count()?,
            cached: self.count()?,
            total: self.count()?,
        };
        Ok(given.then_some(usage))
    }

    pub(super) fn word<T>(&mut self, parse: fn(&str) -> Option<T>) -> rusqlite::Result<Option<T>> {
        let Some(word) = self.next::<Option<String>>()? else {
            return Ok(None);
        };
        parse(&word)
            .map(Some)
            .ok_or_else(|| self.strange(format!("“{word}” is not a word of this version")))
    }

    pub(super) fn must<T>(&mut self, parse: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
        self.word(parse)?
            .ok_or_else(|| self.strange("a word is missing".into()))
    }

    pub(super) fn json<T: DeserializeOwned>(&mut self) -> rusqlite::Result<Option<T>> {
        let Some(text) = self.next::<Option<String>>()? else {
            return Ok(None);
        };
        serde_json::from_str(&text).map_err(|error| self.strange(error.to_string()))
    }

    pub(super) fn reads(&mut self) -> rusqlite::Result<Vec<Read>> {
        let blob: Vec<u8> = self.next()?;
        reads::decode(&blob).ok_or_else(|| self.strange("reads are not whole".into()))
    }

    /// The error for the cell that was read last.
    fn strange(&self, why: String) -> Error {
        let at = self.at.saturating_sub(1);
        Error::FromSqlConversionFailure(at, Type::Text, why.into())
    }
}

/// The JSON that is stored for a value.
///
/// # Errors
/// If the value has no JSON.
pub(super) fn to_json(value: &(impl Serialize + ?Sized)) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|e| Error::ToSqlConversionFailure(e.into()))
}

/// Parses stored JSON.
///
/// # Errors
/// If it is not what this program wrote.
pub(super) fn of_json<T: DeserializeOwned>(json: &str) -> rusqlite::Result<T> {
    serde_json::from_str(json)
        .map_err(|error| Error::FromSqlConversionFailure(0, Type::Text, error.into()))
}
