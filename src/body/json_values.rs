//! Splits a body into its JSON objects: one a line, the elements of one array, or a single one.
//!
//! In: bytes, however they are split. Out: the text of each object, as soon as its last byte is there. Only the ends
//! of objects are found here (brackets outside of strings, RFC 8259); the dialect parses them.

use memchr::memchr2;

/// Largest object, in bytes: large enough for a generated image.
pub const MAX_OBJECT_BYTES: usize = 64 << 20;

/// One item of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonItem {
    /// The bytes of a complete object.
    Object(Vec<u8>),
    /// A line that begins with a colon: some proxies keep any stream open like that.
    Comment,
    /// Something other than an object: the body is not read any further.
    NotAnObject,
    /// An object is longer than [`MAX_OBJECT_BYTES`]: the body is not read any further.
    TooLong,
}

/// Splits a body into its objects.
#[derive(Debug, Default)]
pub struct JsonValues {
    object: Vec<u8>,
    depth: usize,
    string: Option<Escape>,
    array: Array,
    /// Whether we are inside a comment line.
    comment: bool,
    stopped: bool,
}

/// Whether the byte before, in a string, was a backslash that escapes the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    Off,
    On,
}

/// The array around the objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Array {
    #[default]
    None,
    Open,
    Closed,
}

/// How a body ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonEnd {
    /// The bytes of an object that never ended.
    pub unfinished: Option<Vec<u8>>,
    /// Whether an array was opened and never closed.
    pub open_array: bool,
    /// Whether an array was opened and closed.
    pub closed_array: bool,
}

impl JsonValues {
    /// Takes the next bytes, and appends the items that they completed.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<JsonItem>) {
        let mut rest = bytes;
        while let (false, Some((first, behind))) = (self.stopped, rest.split_first()) {
            rest = if self.depth > 0 {
                self.inside(rest, out)
            } else {
                self.between(*first, out);
                behind
            };
        }
    }

    /// The end of the body.
    #[must_use]
    pub fn end(self) -> JsonEnd {
        JsonEnd {
            unfinished: (!self.object.is_empty()).then_some(self.object),
            open_array: self.array == Array::Open,
            closed_array: self.array == Array::Closed,
        }
    }

    fn between(&mut self, byte: u8, out: &mut Vec<JsonItem>) {
        if self.comment {
            self.comment = byte != b'\n';
            return;
        }
        match (byte, self.array) {
            // The three bytes of a byte order mark.
            (b' ' | b'\t' | b'\r' | b'\n', _)
            | (b',', Array::Open)
            | (0xef | 0xbb | 0xbf, Array::None) => {}
            (b'[', Array::None) => self.array = Array::Open,
            (b']', Array::Open) => self.array = Array::Closed,
            (b'{', Array::None | Array::Open) => {
                self.object.push(byte);
                self.depth = 1;
            }
            (b':', Array::None) => {
                self.comment = true;
                out.push(JsonItem::Comment);
            }
            _ => {
                self.stopped = true;
                out.push(JsonItem::NotAnObject);
            }
        }
    }

    /// Takes the bytes of an object up to its end, and returns the rest.
    fn inside<'a>(&mut self, bytes: &'a [u8], out: &mut Vec<JsonItem>) -> &'a [u8] {
        let mut end = 0;
        while self.depth > 0 && end < bytes.len() {
            end += self.step(&bytes[end..]);
        }
        let (object, rest) = bytes.split_at(end);
        if self.object.len() + object.len() > MAX_OBJECT_BYTES {
            self.stopped = true;
            self.object = Vec::new();
            out.push(JsonItem::TooLong);
            return &[];
        }
        self.object.extend_from_slice(object);
        if self.depth == 0 {
            out.push(JsonItem::Object(std::mem::take(&mut self.object)));
        }
        rest
    }

    /// Advances past the next byte that matters for where a string or the object ends; returns how many bytes that
    /// is.
    fn step(&mut self, bytes: &[u8]) -> usize {
        let mark = match self.string {
            Some(Escape::On) => Some(0),
            Some(Escape::Off) => memchr2(b'"', b'\\', bytes),
            None => {
                let is_mark = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']');
                bytes.iter().position(is_mark)
            }
        };
        let Some(at) = mark else {
            return bytes.len();
        };
        match (self.string, bytes[at]) {
            (Some(Escape::On), _) | (None, b'"') => self.string = Some(Escape::Off),
            (Some(Escape::Off), b'\\') => self.string = Some(Escape::On),
            (Some(Escape::Off), _) => self.string = None,
            (None, b'{' | b'[') => self.depth += 1,
            (None, _) => self.depth -= 1,
        }
        at + 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<JsonItem>, JsonEnd) {
        let (mut values, mut found) = (JsonValues::default(), Vec::new());
        for piece in pieces {
            values.push(piece, &mut found);
        }
        (found, values.end())
    }

    fn objects(body: &str) -> Vec<String> {
        let (found, _) = cut([body.as_bytes()]);
        let text = |found| match found {
            JsonItem::Object(bytes) => String::from_utf8(bytes).unwrap(),
            other => format!("{other:?}"),
        };
        found.into_iter().map(text).collect()
    }

    #[test]
    fn lines_arrays_and_single_objects() {
        let two = [r#"{"a":"}]\"{"}"#, r#"{"b":[1,{"c":2}]}"#];
        let [a, b] = two;
        for body in [
            format!("{a}\n{b}\n"),
            format!("{a}\r\n\r\n{b}"),
            format!("[{a}\n,\r\n{b}\n]\n"),
            format!("\u{feff}[{a},{b}]"),
            format!("{a}{b}"),
        ] {
            assert_eq!(objects(&body), two, "{body}");
        }
    }

    #[test]
    fn comments_stand_between_objects() {
        let (found, _) = cut([b":\n{}\n: { \r\n{\":\":1}\n:".as_slice()]);
        let object = |bytes: &[u8]| JsonItem::Object(bytes.to_vec());
        let one = object(b"{}");
        let two = object(b"{\":\":1}");
        assert_eq!(
            found,
            [
                JsonItem::Comment,
                one,
                JsonItem::Comment,
                two,
                JsonItem::Comment
            ]
        );
    }

    #[test]
    fn what_is_not_whole_is_told() {
        let unfinished = |body: &str| cut([body.as_bytes()]).1.unfinished;
        assert_eq!(unfinished("{\"a\":\"").unwrap(), b"{\"a\":\"");
        assert_eq!(unfinished("{}"), None);
        assert!(cut([b"[{}".as_slice()]).1.open_array);
        assert!(cut([b"[{}]".as_slice()]).1.closed_array);
        assert_eq!(
            cut([b"{}<html>".as_slice()]).0.last(),
            Some(&JsonItem::NotAnObject)
        );
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(
            body in r#"[\[{"\\a,:1\]} \n]{0,60}"#,
            lengths in prop::collection::vec(1usize..9, 1..40),
        ) {
            let mut pieces = Vec::new();
            let mut rest = body.as_bytes();
            for length in lengths.into_iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, more) = rest.split_at(length.min(rest.len()));
                pieces.push(piece);
                rest = more;
            }
            prop_assert_eq!(cut([body.as_bytes()]), cut(pieces));
        }
    }
}
