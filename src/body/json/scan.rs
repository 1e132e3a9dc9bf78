//! Scans a JSON text once, for where each value begins and ends, and which values it contains. Strings and numbers
//! are parsed only when they are asked for.
//!
//! `serde_json` gives no positions, and parses a value's text again for each level that is opened. It defines what is
//! valid: exactly what it accepts is accepted here (a test compares the two), and values beyond the limits are
//! skipped with it.

use std::ops::Range;

use serde::de::IgnoredAny;

/// Deepest level, and most values and names, that are scanned at once: the rest is scanned when it is asked for.
const MAX_DEPTH: usize = 16;
const MAX_NODES: usize = 1 << 14;

/// A value, or the name of a field in front of its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// Its range in the text of the containing value; for a name, without its quotes.
    begin: u32,
    end: u32,
    /// How many of the following nodes are inside it.
    inside: u32,
    /// Whether it is a name with an escape.
    escaped: bool,
}

impl Node {
    pub(super) fn range(self) -> Range<usize> {
        self.begin as usize..self.end as usize
    }

    pub(super) fn inside(self) -> usize {
        self.inside as usize
    }

    pub(super) fn is_escaped(self) -> bool {
        self.escaped
    }
}

/// The nodes of a text, its own first; `None` if it is no JSON.
pub(super) fn nodes(text: &str) -> Option<Vec<Node>> {
    u32::try_from(text.len()).ok()?;
    let mut scan = JsonScanner::of(text, MAX_DEPTH, MAX_NODES);
    // As many as most events have; from 1 KiB on, memory takes longer to get.
    scan.nodes.reserve(60);
    scan.value(0, 0)?;
    scan.skip_blanks();
    (scan.at == text.len()).then_some(scan.nodes)
}

/// The nodes of the direct children of an object or an array with valid JSON; `None` if there are more than `most`.
pub(super) fn members(text: &str, most: usize) -> Option<Vec<Node>> {
    let mut scan = JsonScanner::of(text, 1, most);
    scan.members(0, 0)?.then_some(scan.nodes)
}

struct JsonScanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    deepest: usize,
    most: usize,
}

impl<'a> JsonScanner<'a> {
    fn of(text: &'a str, deepest: usize, most: usize) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            nodes: Vec::new(),
            deepest,
            most,
        }
    }

    /// Scans a value at this level; `outer` is where the containing value begins.
    fn value(&mut self, outer: usize, level: usize) -> Option<()> {
        self.skip_blanks();
        let (begin, place) = (self.at, self.nodes.len());
        self.put(begin - outer..begin - outer, false);
        match *self.bytes.get(begin)? {
            b'{' | b'[' => {
                if level >= self.deepest || !self.members(begin, level)? {
                    self.nodes.truncate(place + 1);
                    self.skip_value(begin)?;
                }
            }
            b'"' => {
                self.string()?;
            }
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => self.number()?,
        }
        self.nodes[place].end = offset(self.at - outer);
        self.nodes[place].inside = offset(self.nodes.len() - place - 1);
        Some(())
    }

    /// Scans the children of an object or an array; returns whether they were within the limit.
    fn members(&mut self, begin: usize, level: usize) -> Option<bool> {
        let is_object = self.bytes[begin] == b'{';
        let close = if is_object { b'}' } else { b']' };
        self.at = begin + 1;
        self.skip_blanks();
        if self.consume(close) {
            return Some(true);
        }
        loop {
            if self.nodes.len() + 2 > self.most {
                return Some(false);
            }
            if is_object {
                self.skip_blanks();
                let (name, escaped) = self.string()?;
                self.put(name.start - begin..name.end - begin, escaped);
                self.skip_blanks();
                self.consume(b':').then_some(())?;
            }
            self.value(begin, level + 1)?;
            self.skip_blanks();
            if self.consume(close) {
                return Some(true);
            }
            self.consume(b',').then_some(())?;
        }
    }

    fn put(&mut self, range: Range<usize>, escaped: bool) {
        self.nodes.push(Node {
            begin: offset(range.start),
            end: offset(range.end),
            inside: 0,
            escaped,
        });
    }

    /// Skips the value that begins here.
    fn skip_value(&mut self, begin: usize) -> Option<()> {
        let rest = serde_json::Deserializer::from_str(&self.text[begin..]);
        let mut rest = rest.into_iter::<IgnoredAny>();
        rest.next()?.ok()?;
        self.at = begin + rest.byte_offset();
        Some(())
    }

    /// Scans a string; returns the range between its quotes, and whether it has an escape.
    fn string(&mut self) -> Option<(Range<usize>, bool)> {
        self.consume(b'"').then_some(())?;
        let (begin, mut escaped) = (self.at, false);
        loop {
            self.at += plain(self.bytes.get(self.at..)?)?;
            match self.bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    return Some((begin..self.at - 1, escaped));
                }
                b'\\' => {
                    self.escape()?;
                    escaped = true;
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        self.at += match self.bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => {
                let digits = self.bytes.get(self.at + 2..self.at + 6)?;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(6)?
            }
            _ => return None,
        };
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        self.consume(b'-');
        if !self.consume(b'0') {
            self.digits()?;
        }
        if self.consume(b'.') {
            self.digits()?;
        }
        if self.consume(b'e') || self.consume(b'E') {
            let _ = self.consume(b'+') || self.consume(b'-');
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let begin = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        (self.at > begin).then_some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.bytes[self.at..]
            .starts_with(word.as_bytes())
            .then(|| self.at += word.len())
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn consume(&mut self, byte: u8) -> bool {
        let is = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is);
        is
    }
}

/// How many bytes come before the next quote, backslash or control character.
fn plain(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (n, word) in words.iter().enumerate() {
        let marks = marks(u64::from_le_bytes(*word));
        if marks != 0 {
            return Some(8 * n + marks.trailing_zeros() as usize / 8);
        }
    }
    let is_mark = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    rest.iter().position(is_mark).map(|at| 8 * words.len() + at)
}

/// The highest bit of each of eight bytes that is a quote, a backslash or a control character; behind the first such
/// there may be more bits (<https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord>).
fn marks(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let below = |word: u64, bound: u8| word.wrapping_sub(ONES * u64::from(bound)) & !word;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (is(b'"') | is(b'\\') | below(word, 0x20)) & (ONES << 7)
}

/// An offset in a text, which is shorter than 4 GiB.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts that are JSON more often than chance would have it.
    fn text() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\"a\"",
            "\"\\u00e9\"",
            "\"\\ud8\"",
            "\"\\x\"",
            "\"\u{1}\"",
            " ",
            "\n",
            "0",
            "-1",
            "01",
            "1.",
            "2.5e-3",
            "1E9",
            "-",
            "+1",
            "true",
            "false",
            "null",
            "nul",
            "é",
            "\u{b}",
            "{\"b\":[1]}",
            "[{},[]]",
        ]);
        let scalar = prop::sample::select(vec![
            "1",
            "-0.5",
            "\"a\"",
            "\"\\ud83d\"",
            "null",
            "true",
            "{}",
            "[ ]",
        ]);
        let json = scalar
            .prop_map(str::to_owned)
            .prop_recursive(20, 60, 4, |inner| {
                let list = prop::collection::vec(inner, 0..4);
                prop_oneof![
                    list.clone()
                        .prop_map(|list| format!("[{}]", list.join(" , "))),
                    list.prop_map(|list| {
                        let fields = list
                            .iter()
                            .enumerate()
                            .map(|(n, value)| format!("\"k{}\":\t{value}", n % 2));
                        format!("{{ {} }}", fields.collect::<Vec<_>>().join(","))
                    }),
                ]
            });
        prop_oneof![
            prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat()),
            json
        ]
    }

    /// The nodes with their texts, each in the order they stand; `text` is that of what they stand in.
    fn texts<'a>(text: &'a str, mut nodes: &[Node], of_object: bool, out: &mut Vec<&'a str>) {
        let mut is_name = of_object;
        while let [node, rest @ ..] = nodes {
            let inner = &text[node.range()];
            out.push(inner);
            let (inside, behind) = rest.split_at(node.inside());
            texts(inner, inside, inner.starts_with('{') && !is_name, out);
            is_name = of_object && !is_name;
            nodes = behind;
        }
    }

    proptest! {
        #[test]
        fn what_serde_takes_is_taken_and_nothing_else(text in text()) {
            let taken = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            let nodes = nodes(&text);
            prop_assert_eq!(nodes.is_some(), taken, "{}", text);
            let mut found = Vec::new();
            texts(&text, &nodes.unwrap_or_default(), false, &mut found);
            for (at, part) in found.iter().enumerate() {
                // A name is told without its quotes.
                let is_json = serde_json::from_str::<IgnoredAny>(part).is_ok();
                let quoted = format!("\"{part}\"");
                prop_assert!(is_json || at > 0 && serde_json::from_str::<IgnoredAny>(&quoted).is_ok(), "{}", part);
                prop_assert_eq!(part.trim(), *part);
            }
        }
    }

    #[test]
    fn plain_bytes_end_at_the_first_that_is_not() {
        for mark in u8::MIN..=u8::MAX {
            let ends = matches!(mark, b'"' | b'\\' | 0..0x20);
            for at in 0..20 {
                let mut bytes = [b'\x80', b' ', b'#', b'!', b'[', b']', 0xFF, b'a'].repeat(3);
                bytes[at] = mark;
                assert_eq!(plain(&bytes), ends.then_some(at), "{mark} at {at}");
            }
        }
    }

    #[test]
    fn what_is_too_deep_or_too_much_is_left_for_later() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(nodes(&deep).unwrap().len(), MAX_DEPTH + 1);
        let wide = format!("[{}]", vec!["1"; MAX_NODES].join(","));
        let both = format!(r#"{{"a":{wide},"b":[{wide},{{"c":2}}]}}"#);
        let found = nodes(&both).unwrap();
        // The root, two names, the list that is left unread, the other with what stands in it.
        assert_eq!(found.len(), 9);
        assert_eq!(found[2].inside(), 0);
        assert_eq!(&both[found[0].range()], both);
        assert_eq!(members(&wide, MAX_NODES).map(|nodes| nodes.len()), None);
        assert_eq!(members(&wide, MAX_NODES + 1).unwrap().len(), MAX_NODES);
    }
}
