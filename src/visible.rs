//! Makes foreign text safe to show: every character that could move a cursor, reorder a line or be invisible is
//! escaped.
//!
//! The terminal, the JSON lines and the window all show text through this.

mod secret_name;
mod url;

use std::{borrow::Cow, fmt::Write as _};

pub use self::{secret_name::is_secret_name, url::shown_url};

/// The text with what could act or hide written as `\u{…}`: C0 and C1 controls and DEL (but newline and tab; CRLF
/// becomes LF), bidirectional controls (CVE-2021-42574), tags, line and paragraph separators, and characters without
/// a width. Those without which a script or an emoji would be written wrongly stay where they belong.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut guard = Guard::default();
    let mut safe = guard.push(text);
    safe.push_str(&guard.end());
    Cow::Owned(safe)
}

/// [`visible`] for text on one line: newlines and tabs are escaped, too.
#[must_use]
pub fn visible_line(text: &str) -> Cow<'_, str> {
    let safe = visible(text);
    if !safe.contains(['\n', '\t']) {
        return safe;
    }
    Cow::Owned(safe.replace('\n', "\\n").replace('\t', "\\t"))
}

/// JSON text with the same characters written as `\uXXXX`: they stand only inside JSON strings, so it stays the
/// same JSON.
#[must_use]
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if is_plain(json) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for (before, c, after) in in_context(None, json) {
        if is_hidden(before, c, after) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string can't fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// [`visible`] for a text that comes in pieces.
#[derive(Debug, Default)]
pub struct Guard {
    /// The last character that was decided on.
    before: Option<char>,
    /// The last character of a piece, if the next one decides about it.
    held: Option<char>,
}

impl Guard {
    /// The next piece, made visible; its last character may be kept back.
    pub fn push(&mut self, piece: &str) -> String {
        let held = self.held.take();
        let joined = held.map(|c| format!("{c}{piece}"));
        let mut text = joined.as_deref().unwrap_or(piece);
        if let Some(last) = text.chars().next_back().filter(|c| needs_next(*c)) {
            self.held = Some(last);
            text = &text[..text.len() - last.len_utf8()];
        }
        self.passed(text, self.held)
    }

    /// What was kept back, at the end of the text.
    pub fn end(&mut self) -> String {
        let held = self.held.take().map(String::from);
        self.passed(&held.unwrap_or_default(), None)
    }

    fn passed(&mut self, text: &str, then: Option<char>) -> String {
        let mut safe = String::with_capacity(text.len() + 16);
        for (before, c, after) in in_context(self.before, text) {
            match c {
                '\r' if after.or(then) == Some('\n') => {}
                c if is_hidden(before, c, after.or(then)) => safe.extend(c.escape_unicode()),
                c => safe.push(c),
            }
        }
        self.before = text.chars().next_back().or(self.before);
        safe
    }
}

/// Each character with its neighbours.
fn in_context(
    first: Option<char>,
    text: &str,
) -> impl Iterator<Item = (Option<char>, char, Option<char>)> {
    let mut before = first;
    let mut chars = text.chars().peekable();
    std::iter::from_fn(move || {
        let c = chars.next()?;
        let found = (before, c, chars.peek().copied());
        before = Some(c);
        Some(found)
    })
}

/// Whether no character of the text needs escaping.
fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| acts(c) || is_unseen(c))
}

/// Whether the character after it decides.
fn needs_next(c: char) -> bool {
    matches!(c, '\r' | ZWSP | ZWNJ | ZWJ)
}

/// Whether a character would act on a terminal or window, or be invisible.
fn is_hidden(before: Option<char>, c: char, after: Option<char>) -> bool {
    let around = |is: fn(char) -> bool| before.is_some_and(is) && after.is_some_and(is);
    match c {
        ZWSP => !around(is_written_without_blanks),
        ZWNJ => !around(takes_joiners),
        ZWJ => !(around(takes_joiners) || around(is_pictograph)),
        // Of several in a row only the first has a meaning; more could spell a hidden text.
        c if is_selector(c) => before.is_none_or(|c| c <= ' ' || is_selector(c) || is_unseen(c)),
        c => acts(c) || is_unseen(c),
    }
}

const ZWSP: char = '\u{200b}';
const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';

/// Controls, and what reorders or ends a line.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(
            c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// What has no width: Unicode's `Default_Ignorable_Code_Point`, interlinear annotation, and the soft hyphen.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Variation selectors: which form of the character before them is meant.
fn is_selector(c: char) -> bool {
    matches!(c,
        '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Symbols and pictographs, and the selector that makes one of a symbol: what joins to an emoji.
fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1fbff}')
}

/// Letters of Arabic, Syriac, the scripts of India and others, which are written with joiners (RFC 5892, A.1 and A.2).
fn takes_joiners(c: char) -> bool {
    matches!(c,
        '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}'
        | '\u{1b00}'..='\u{1b7f}' | '\u{a800}'..='\u{abff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
        | '\u{11000}'..='\u{11fff}')
}

/// Letters of Thai, Lao, Tibetan, Burmese, Khmer and others: between words stands a blank without width.
fn is_written_without_blanks(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{fff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{1950}'..='\u{1aaf}'
        | '\u{a9e0}'..='\u{a9ff}' | '\u{aa60}'..='\u{aadf}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_passed_on_as_it_is() {
        for text in ["", "a\tb\n", "你好 — ünïcödé"] {
            assert!(matches!(visible(text), Cow::Borrowed(t) if t == text));
        }
    }

    #[test]
    fn what_could_act_or_hide_is_shown() {
        for (text, shown) in [
            ("\x1b]52;c;ZXZpbA==\x07", r"\u{1b}]52;c;ZXZpbA==\u{7}"),
            ("\u{9b}2J\u{7f}\0\x08", r"\u{9b}2J\u{7f}\u{0}\u{8}"),
            ("\u{202e}txt\rx\r\n", "\\u{202e}txt\\u{d}x\n"),
            (
                "\u{061c}\u{200e}\u{200f}\u{2066}",
                r"\u{61c}\u{200e}\u{200f}\u{2066}",
            ),
            ("a\u{2028}b\u{2029}c\u{85}d", r"a\u{2028}b\u{2029}c\u{85}d"),
            (
                "\u{e0001}\u{e0041}\u{e007f}",
                r"\u{e0001}\u{e0041}\u{e007f}",
            ),
            ("pass\u{200b}word", r"pass\u{200b}word"),
            (
                "a\u{200c}b\u{200d}c\u{200d}",
                r"a\u{200c}b\u{200d}c\u{200d}",
            ),
            (
                "\u{feff}a\u{2060}\u{2063}\u{ad}",
                r"\u{feff}a\u{2060}\u{2063}\u{ad}",
            ),
            (
                "\u{3164}\u{115f}\u{34f}\u{fff9}",
                r"\u{3164}\u{115f}\u{34f}\u{fff9}",
            ),
            // Bytes spelled in variation selectors behind one emoji.
            (
                "😀\u{e0102}\u{e0152}\u{fe01}",
                "😀\u{e0102}\\u{e0152}\\u{fe01}",
            ),
            (" \u{fe0f}", r" \u{fe0f}"),
            ("\u{fe0f}", r"\u{fe0f}"),
            ("👩\u{200d}x", r"👩\u{200d}x"),
            ("\u{200d}👩", r"\u{200d}👩"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
        }
    }

    /// Sequences of emoji, and the words of languages that are written with joiners.
    const WELL_WRITTEN: &[&str] = &[
        "👩\u{200d}👩\u{200d}👧",
        "👩🏽\u{200d}🚀 and 👁\u{fe0f}\u{200d}🗨\u{fe0f} and 🏴\u{200d}☠\u{fe0f}",
        "☎\u{fe0e} 1\u{fe0f}⃣",
        "می\u{200c}خواهم",
        "ක්\u{200d}ය",
        "क्\u{200c}ष र\u{200d}्य",
        "ភាសា\u{200b}ខ្មែរ",
        "葛\u{e0100}飾",
    ];

    #[test]
    fn what_a_script_or_an_emoji_needs_stays() {
        for text in WELL_WRITTEN {
            assert_eq!(visible(text), *text, "{text:?}");
            assert_eq!(visible_json(text), *text, "{text:?}");
        }
    }

    #[test]
    fn any_pieces_give_what_the_whole_gives() {
        let odd = "a\r\nb\rc\u{200d}\u{200d}👩\u{200d}\u{202e}\r";
        for text in WELL_WRITTEN.iter().chain([&odd]) {
            for size in 1..4 {
                let mut guard = Guard::default();
                let chars: Vec<char> = text.chars().collect();
                let pieces = chars.chunks(size).map(String::from_iter);
                let mut safe: String = pieces.map(|piece| guard.push(&piece)).collect();
                safe.push_str(&guard.end());
                assert_eq!(safe, visible(text), "{text:?} by {size}");
            }
        }
    }

    #[test]
    fn json_stays_the_same_json() {
        let text = "a\u{1b}\u{7f}\u{9b}\u{202e}\u{2028}\u{200b}\u{feff}\u{fff9}\u{e0041}é中👩\u{200d}🚀\r\n\"";
        let json = serde_json::to_string(&[text]).unwrap();
        let safe = visible_json(&json);
        assert_eq!(
            safe,
            r#"["a\u001b\u007f\u009b\u202e\u2028\u200b\ufeff\ufff9\udb40\udc41é中👩"#.to_owned()
                + "\u{200d}🚀\\r\\n\\\"\"]"
        );
        let back: Vec<String> = serde_json::from_str(&safe).unwrap();
        assert_eq!(back, [text]);
    }
}
