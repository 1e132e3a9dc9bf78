//! Limits of what is read of a file: how large it may be, how many values and how many items in a list it may have.
//!
//! Each value of JSON takes many times its bytes in memory, so the number of values is limited, whatever they are.

use std::{
    collections::HashMap,
    fmt,
    io::{self, Read},
    marker::PhantomData,
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// Most bytes of a file.
const MAX_FILE_BYTES: u64 = 512 << 20;

/// Most values in a file.
const MAX_VALUES: u64 = 10_000_000;

/// Most messages in one conversation, and most items of any other list that is held as a whole.
const MAX_MESSAGES: usize = 50_000;

/// A file that is refused once it has given too many bytes or values.
pub(super) struct Limited<R> {
    from: R,
    bytes_left: u64,
    values_left: u64,
    in_text: bool,
    escaped: bool,
}

impl<R: Read> Limited<R> {
    pub(super) fn new(from: R) -> Self {
        Self::with_limits(from, MAX_FILE_BYTES, MAX_VALUES)
    }

    fn with_limits(from: R, bytes_left: u64, values_left: u64) -> Self {
        Self {
            from,
            bytes_left,
            values_left,
            in_text: false,
            escaped: false,
        }
    }

    /// Counts the values that begin in these bytes: each stands behind one of `[`, `{` and `,`.
    fn values(&mut self, bytes: &[u8]) -> u64 {
        let mut values = 0;
        for byte in bytes {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                b'[' | b'{' | b',' if !self.in_text => values += 1,
                _ => {}
            }
        }
        values
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        let left = self.bytes_left.checked_sub(read as u64);
        self.bytes_left = left.ok_or_else(|| {
            let most = MAX_FILE_BYTES >> 20;
            io::Error::other(format!("the file is larger than {most} MiB"))
        })?;
        let values = self.values(&buffer[..read]);
        let left = self.values_left.checked_sub(values);
        self.values_left = left.ok_or_else(|| {
            io::Error::other(format!("the file has more than {MAX_VALUES} JSON values"))
        })?;
        Ok(read)
    }
}

/// Reads a list of at most [`MAX_MESSAGES`] items.
///
/// # Errors
/// If there are more, or one of them is wrong.
pub(super) fn list<'de, D, T>(from: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let mut all = Vec::new();
    fold(from, |item: T| {
        all.push(item);
        (all.len() <= MAX_MESSAGES).then_some(())
    })?;
    Ok(all)
}

/// Gives the items of a list to `each`, one after another, so that none has to stay in memory; `each` returns `None` once
/// there are too many. Null is an empty list.
///
/// # Errors
/// If there are too many, or one of them is wrong.
pub(super) fn fold<'de, D, T>(from: D, each: impl FnMut(T) -> Option<()>) -> Result<(), D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    from.deserialize_any(Fold(each, PhantomData))
}

struct Fold<F, T>(F, PhantomData<T>);

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Option<()>> Visitor<'de> for Fold<F, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            (self.0)(item).ok_or_else(too_many)?;
        }
        Ok(())
    }
}

/// Reads an object of at most [`MAX_MESSAGES`] fields.
///
/// # Errors
/// If there are more, or one of them is wrong.
pub(super) fn map<'de, D, T>(from: D) -> Result<HashMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    from.deserialize_map(MapVisitor(PhantomData))
}

struct MapVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MapVisitor<T> {
    type Value = HashMap<String, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut all = HashMap::new();
        while let Some((name, value)) = fields.next_entry()? {
            all.insert(name, value);
            if all.len() > MAX_MESSAGES {
                return Err(too_many());
            }
        }
        Ok(all)
    }
}

fn too_many<E: Error>() -> E {
    E::custom(format!("there are more than {MAX_MESSAGES} in one list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, bytes: u64, values: u64) -> io::Result<String> {
        let mut out = String::new();
        Limited::with_limits(text.as_bytes(), bytes, values).read_to_string(&mut out)?;
        Ok(out)
    }

    #[test]
    fn bytes_and_values_are_counted_and_texts_are_not() {
        let text = r#"{"a":[1,2,"[,{\",["],"b":{}}"#;
        assert_eq!(read(text, 100, 6).unwrap(), text);
        let error = read(text, 100, 5).unwrap_err().to_string();
        assert!(error.contains("values"), "{error}");
        let error = read(text, 10, 100).unwrap_err().to_string();
        assert!(error.contains("larger than 512 MiB"), "{error}");
    }
}
