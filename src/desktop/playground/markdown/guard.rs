//! Protects formulas and bare addresses from the Markdown parser, and fixes emphasis in text without spaces.
//!
//! In: a block's source. Out: the source with a mark in place of each such span, so that `pulldown-cmark` neither
//! removes a backslash of `\(\alpha\)` nor reads `_` in an address as emphasis. Marks are replaced by their spans
//! wherever they appear after parsing, in code as well, so a span found by mistake loses nothing.

use std::{borrow::Cow, ops::Range};

use super::{
    address,
    lines::{Fence, closes, opens, opens_math},
};

// Noncharacters, which no text contains (Unicode 16, 23.7): Markdown treats them neither as letters nor as punctuation.
const DIGITS: u32 = 0xFDD0;
const BEGIN: char = '\u{FDDA}';
const END: char = '\u{FDDB}';
/// Stands for a letter beside emphasis, and is never shown.
const LETTER: char = '\u{FDDC}';

/// A source with marks, and what they stand for.
#[derive(Debug, Default)]
pub struct Guarded {
    /// The source to parse.
    pub source: String,
    spans: Vec<(String, SpanKind)>,
}

/// The kind of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SpanKind {
    Math,
    Address(String),
}

/// A part of parsed text.
#[derive(Debug, PartialEq, Eq)]
pub enum TextPart<'a> {
    /// Plain text.
    Text(&'a str),
    /// The source of a formula.
    Math(&'a str),
    /// A bare address: as written in the text, and as a URL.
    Address(&'a str, &'a str),
}

impl Guarded {
    /// Splits a parsed text into its parts.
    pub fn parts<'a>(&'a self, mut text: &'a str) -> Vec<TextPart<'a>> {
        let mut parts = Vec::new();
        while let Some(at) = text.find([BEGIN, LETTER]) {
            if at > 0 {
                parts.push(TextPart::Text(&text[..at]));
            }
            let mark = text[at..].starts_with(BEGIN);
            let len = if mark {
                text[at..].find(END).unwrap_or(text.len() - at - 3)
            } else {
                0
            };
            let digits = text[at..at + len].chars().skip(1);
            let index = digits.fold(0, |n, c| n * 10 + (u32::from(c) - DIGITS) as usize);
            match self.spans.get(index).filter(|_| mark) {
                Some((raw, SpanKind::Math)) => parts.push(TextPart::Math(raw)),
                Some((raw, SpanKind::Address(url))) => parts.push(TextPart::Address(raw, url)),
                None => {}
            }
            text = &text[at + len + END.len_utf8()..];
        }
        if !text.is_empty() {
            parts.push(TextPart::Text(text));
        }
        parts
    }

    /// A parsed text with its marks replaced by what the source had.
    pub fn restored<'a>(&'a self, text: &'a str) -> Cow<'a, str> {
        if !text.contains([BEGIN, LETTER]) {
            return Cow::Borrowed(text);
        }
        let parts = self.parts(text).into_iter().map(|part| match part {
            TextPart::Text(raw) | TextPart::Math(raw) | TextPart::Address(raw, _) => raw,
        });
        Cow::Owned(parts.collect())
    }
}

/// Replaces the spans in a block's source by marks.
#[must_use]
pub fn guard(source: &str) -> Guarded {
    let mut scan = Scan {
        source,
        at: 0,
        found: Guarded::default(),
    };
    while scan.at < source.len() {
        scan.step();
    }
    scan.found
}

struct Scan<'a> {
    source: &'a str,
    at: usize,
    found: Guarded,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn before(&self) -> Option<char> {
        self.source[..self.at].chars().next_back()
    }

    fn step(&mut self) {
        if self.before().is_none_or(|c| c == '\n')
            && let Some(end) = fence_end(self.rest())
        {
            return self.copy(end);
        }
        let rest = self.rest();
        if let Some((len, span)) = self.span() {
            return self.mark(len, span);
        }
        match rest.as_bytes()[0] {
            b'`' => self.copy(code_span_len(rest)),
            b'\\' => self.copy(1 + rest[1..].chars().next().map_or(0, char::len_utf8)),
            b'<' => self.copy(1 + autolink_len(&rest[1..])),
            b'*' | b'~' => self.emphasis(),
            _ => {
                let end = rest.chars().next().map_or(1, char::len_utf8);
                self.copy(end);
            }
        }
    }

    /// The span that begins here.
    fn span(&self) -> Option<(usize, SpanKind)> {
        let rest = self.rest();
        match rest.as_bytes()[0] {
            b'\\' | b'$' => math_len(rest, self.before()).map(|len| (len, SpanKind::Math)),
            b'h' | b'H' | b'm' | b'M' => {
                let (len, url) = address::found(rest, self.before())?;
                Some((len, SpanKind::Address(url)))
            }
            _ => None,
        }
    }

    fn copy(&mut self, len: usize) {
        let text = &self.rest()[..len];
        let known = |c: char| !('\u{FDD0}'..='\u{FDEF}').contains(&c);
        (self.found.source).extend(text.chars().map(|c| if known(c) { c } else { '\u{FFFD}' }));
        self.at += len;
    }

    fn mark(&mut self, len: usize, span: SpanKind) {
        let raw = self.rest()[..len].to_owned();
        let index = self.found.spans.len().to_string();
        let digits = index.bytes().map(|b| DIGITS + u32::from(b - b'0'));
        self.found.source.push(BEGIN);
        self.found.source.extend(digits.filter_map(char::from_u32));
        self.found.source.push(END);
        self.found.spans.push((raw, span));
        self.at += len;
    }

    /// Allows emphasis in scripts without spaces (`**中文。**后面`): in `CommonMark` 0.31 it can't begin before or end
    /// after punctuation that touches a letter. As markdown-cjk-friendly proposes, CJK punctuation counts as a letter
    /// there, and a CJK neighbour as a space.
    fn emphasis(&mut self) {
        let rest = self.rest();
        let len = rest.len() - rest.trim_start_matches(&rest[..1]).len();
        let (before, after) = (self.before(), rest[len..].chars().next());
        let [cjk_before, cjk_after] = [before, after].map(|c| c.is_some_and(is_cjk));
        let [stops_before, stops_after] = [before, after].map(|c| c.is_some_and(is_punctuation));
        if stops_before && (cjk_before || cjk_after) {
            self.found.source.push(LETTER);
        }
        self.copy(len);
        if stops_after && (cjk_before || cjk_after) {
            self.found.source.push(LETTER);
        }
    }
}

/// The length of a fenced code block that begins here.
fn fence_end(text: &str) -> Option<usize> {
    let bare = |line: &str| line.trim_start_matches(['>', ' ']).to_owned();
    let mut lines = text.split_inclusive('\n');
    let first = lines.next()?;
    let (fence, _): (Fence, Range<usize>) = opens(&bare(first))?;
    let mut end = first.len();
    for line in lines {
        end += line.len();
        if closes(&bare(line), fence) {
            break;
        }
    }
    Some(end)
}

/// The length of the code span that begins here, or of the backticks if they begin none.
fn code_span_len(text: &str) -> usize {
    let run = |text: &str| text.bytes().take_while(|b| *b == b'`').count();
    let len = run(text);
    let mut at = len;
    let end = paragraph_end(text);
    while let Some(next) = text[at..end].find('`') {
        at += next;
        let found = run(&text[at..]);
        at += found;
        if found == len {
            return at;
        }
    }
    len
}

/// The length of an address in `<…>`, which Markdown itself makes a link.
fn autolink_len(text: &str) -> usize {
    let end = text.find(|c: char| c == '>' || c == '<' || c.is_whitespace());
    let end = end.filter(|end| text[*end..].starts_with('>'));
    end.filter(|end| text[..*end].contains(':')).unwrap_or(0)
}

/// Where the paragraph ends: at a blank line.
fn paragraph_end(text: &str) -> usize {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        if end > 0 && line.trim_start_matches(['>', ' ', '\t']).trim().is_empty() {
            break;
        }
        end += line.len();
    }
    end
}

/// The length of the formula that begins here: `\(…\)`, `\[…\]`, `$…$`, `$$…$$`. An unfinished formula extends as far
/// as possible, so that it looks the same while it streams.
fn math_len(text: &str, before: Option<char>) -> Option<usize> {
    let paragraph = &text[..paragraph_end(text)];
    let (open, close) = match text.as_bytes() {
        [b'\\', b'(', ..] => ("\\(", "\\)"),
        [b'\\', b'[', ..] => ("\\[", "\\]"),
        // An unmatched closing one keeps its backslash, too.
        [b'\\', b')' | b']', ..] => return Some(2),
        [b'$', b'$', ..] => ("$$", "$$"),
        [b'$', ..] => return dollars_len(paragraph, before),
        _ => return None,
    };
    if let Some(end) = paragraph[open.len()..].find(close) {
        return Some(open.len() + end + close.len());
    }
    let line = paragraph.lines().next().unwrap_or_default();
    let display = opens_math(line).is_some() && before.is_none_or(char::is_whitespace);
    match open {
        _ if display => Some(paragraph.trim_end().len()),
        "$$" => None,
        _ => Some(line.len()),
    }
}

/// The length of `$…$` if it is a formula, not prices or shell variables (after pandoc's `tex_math_dollars`).
fn dollars_len(paragraph: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let end = 1 + closing_dollar(&paragraph[1..])?;
    let inner = &paragraph[1..end];
    let after = paragraph[end + 1..].chars().next();
    let formula = !inner.contains(char::is_whitespace) || inner.contains(is_mathematical);
    let fits = !inner.starts_with(char::is_whitespace)
        && !inner.ends_with(char::is_whitespace)
        && !inner.is_empty()
        && !after.is_some_and(|c| c.is_ascii_alphanumeric());
    (formula && fits).then_some(end + 1)
}

fn closing_dollar(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'$' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

fn is_mathematical(c: char) -> bool {
    matches!(
        c,
        '\\' | '^' | '_' | '=' | '+' | '<' | '>' | '{' | '|' | '*' | '/' | '-'
    )
}

/// Whether a character belongs to a script that does not separate words by spaces, including its punctuation.
pub fn is_cjk(c: char) -> bool {
    matches!(u32::from(c),
        0x1100..=0x11FF | 0x2E80..=0xA4CF | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xF900..=0xFAFF
        | 0xFE10..=0xFE1F | 0xFE30..=0xFE4F | 0xFF00..=0xFFEF | 0x1F200..=0x1F2FF | 0x20000..=0x3FFFF)
}

/// Whether a character is punctuation or a symbol.
fn is_punctuation(c: char) -> bool {
    !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(source: &str) -> Vec<String> {
        let found = guard(source);
        assert_eq!(found.restored(&found.source), source, "undone");
        found.spans.into_iter().map(|(raw, _)| raw).collect()
    }

    #[test]
    fn formulas_are_found_and_nothing_else_is_one() {
        for (source, expected) in [
            (r"so \(\alpha\_1\) is", &[r"\(\alpha\_1\)"][..]),
            (r"\[ a \\ b \]", &[r"\[ a \\ b \]"]),
            ("- x\n  \\[\n  + b\n  \\]\n", &["\\[\n  + b\n  \\]"]),
            (r"$\{x\}$ and $$a_1*b*c$$", &[r"$\{x\}$", "$$a_1*b*c$$"]),
            ("设$x$为", &["$x$"]),
            ("it costs $5 and $10, or US$7, or $5-$10", &[]),
            ("set $HOME to $PATH:$HOME", &[]),
            (r"a \$ and a \\(b", &[]),
            ("`$x$` and ``\\(a`b\\)``", &[]),
            ("```sh\necho $x$ \\(a\\)\n```\n", &[]),
            ("> ```sh\n> $x$\n> ```\n", &[]),
            (r"begun \(\alpha", &[r"\(\alpha"]),
            ("begun \\(\\alpha\nnext", &[r"\(\alpha"]),
            (r"$$ \frac{a", &[r"$$ \frac{a"]),
            (r"left over \) here", &[r"\)"]),
        ] {
            assert_eq!(spans(source), expected, "{source}");
        }
    }

    #[test]
    fn addresses_stay_whole_and_out_of_code() {
        for (source, expected) in [
            (
                "see https://a.example/x_y_z*q*r.",
                &["https://a.example/x_y_z*q*r"][..],
            ),
            ("`https://a.example` <https://b.example>", &[]),
            ("[t](https://c.example/a_(b))", &["https://c.example/a_(b)"]),
        ] {
            assert_eq!(spans(source), expected, "{source}");
        }
    }

    #[test]
    fn marks_of_the_text_itself_stand_for_nothing() {
        let found = guard("a\u{FDDA}\u{FDD0}\u{FDDB}b $x$");
        assert_eq!(
            found.restored(&found.source),
            "a\u{FFFD}\u{FFFD}\u{FFFD}b $x$"
        );
    }
}
