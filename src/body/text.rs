//! Joins characters that were split between chunks as lone surrogates.
//!
//! A JSON string can hold a lone surrogate (`"\ud83d"`): a server that cuts an emoji in two sends the other surrogate
//! in its next chunk. A Rust string can't hold one, so it is kept here until the other one comes.

use std::borrow::Cow;

use crate::event::{About, Event, Note};

/// One text channel (the answer, the reasoning, a call's arguments, …).
#[derive(Debug, Default)]
pub(crate) struct SurrogateJoiner {
    /// A high surrogate at the end of the last chunk.
    high: Option<u32>,
}

/// A chunk of text in UTF-8.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct JoinedText {
    pub text: String,
    /// Whether two surrogates were joined.
    pub joined: bool,
    /// Whether an unpaired surrogate became U+FFFD.
    pub broken: bool,
}

impl JoinedText {
    /// The notes on joined and replaced surrogates.
    pub(crate) fn repairs(&self) -> impl Iterator<Item = &'static str> + use<> {
        let joined = "a character was split over two chunks and joined";
        let broken = "half a character had no other half and was replaced";
        let repairs = [(self.joined, joined), (self.broken, broken)];
        repairs
            .into_iter()
            .filter_map(|(is, text)| is.then_some(text))
    }

    /// Appends these notes.
    pub(crate) fn note_repairs(&self, out: &mut Vec<Event>) {
        for text in self.repairs() {
            Note::emit(About::Form, text, out);
        }
    }
}

impl SurrogateJoiner {
    /// The text of a chunk in WTF-8, without a high surrogate at its end. Valid UTF-8 is not copied.
    pub(crate) fn push<'a>(&mut self, wtf8: impl Into<Cow<'a, [u8]>>) -> JoinedText {
        let wtf8 = match wtf8.into() {
            Cow::Owned(bytes) if self.high.is_none() => match String::from_utf8(bytes) {
                Ok(text) => {
                    return JoinedText {
                        text,
                        ..JoinedText::default()
                    };
                }
                Err(broken) => Cow::Owned(broken.into_bytes()),
            },
            other => other,
        };
        self.join(&wtf8)
    }

    fn join(&mut self, wtf8: &[u8]) -> JoinedText {
        let mut piece = JoinedText::default();
        let mut rest = wtf8;
        while !rest.is_empty() {
            let (valid, bad) = match std::str::from_utf8(rest) {
                Ok(valid) => (valid, &rest[rest.len()..]),
                Err(error) => {
                    let (valid, bad) = rest.split_at(error.valid_up_to());
                    (std::str::from_utf8(valid).unwrap_or_default(), bad)
                }
            };
            if !valid.is_empty() {
                self.give_up(&mut piece);
                piece.text.push_str(valid);
            }
            rest = self.take_half(bad, &mut piece);
        }
        piece
    }

    /// The end of the channel: a surrogate that is still waiting is unpaired.
    pub(crate) fn end(&mut self) -> JoinedText {
        let mut piece = JoinedText::default();
        self.give_up(&mut piece);
        piece
    }

    /// Takes the surrogate at the start of `bytes`, and returns the rest.
    fn take_half<'a>(&mut self, bytes: &'a [u8], piece: &mut JoinedText) -> &'a [u8] {
        match *bytes {
            [] => return bytes,
            [0xED, b @ 0xA0..=0xAF, c, ref rest @ ..] => {
                self.give_up(piece);
                self.high = Some(surrogate(b, c));
                return rest;
            }
            [0xED, b @ 0xB0..=0xBF, c, ref rest @ ..] => {
                let low = surrogate(b, c);
                match self.high.take().and_then(|high| character(high, low)) {
                    Some(whole) => {
                        piece.text.push(whole);
                        piece.joined = true;
                    }
                    None => broken(piece),
                }
                return rest;
            }
            _ => {}
        }
        self.give_up(piece);
        broken(piece);
        &bytes[1..]
    }

    fn give_up(&mut self, piece: &mut JoinedText) {
        if self.high.take().is_some() {
            broken(piece);
        }
    }
}

fn broken(piece: &mut JoinedText) {
    piece.text.push(char::REPLACEMENT_CHARACTER);
    piece.broken = true;
}

/// The UTF-16 unit that WTF-8 writes as `ED b c`.
fn surrogate(b: u8, c: u8) -> u32 {
    0xD000 | u32::from(b & 0x3F) << 6 | u32::from(c & 0x3F)
}

fn character(high: u32, low: u32) -> Option<char> {
    char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00))
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::*;

    fn pieces(jsons: &[&str]) -> Vec<JoinedText> {
        let mut joiner = SurrogateJoiner::default();
        let read = |json: &&str| joiner.push(json::bytes(json::Raw::of(json)).unwrap());
        let mut pieces: Vec<_> = jsons.iter().map(read).collect();
        pieces.push(joiner.end());
        pieces
    }

    fn piece(text: &str, joined: bool, broken: bool) -> JoinedText {
        JoinedText {
            text: text.into(),
            joined,
            broken,
        }
    }

    #[test]
    fn halves_in_neighbouring_pieces_become_one_character() {
        assert_eq!(
            pieces(&[r#""a\ud83d""#, r#""\udc69b""#]),
            [
                piece("a", false, false),
                piece("👩b", true, false),
                piece("", false, false)
            ]
        );
        assert_eq!(
            pieces(&[r#""👩\ud83d\ude00""#, r#""""#])[0],
            piece("👩😀", false, false)
        );
    }

    #[test]
    fn a_half_without_a_partner_is_marked() {
        assert_eq!(
            pieces(&[r#""\udc69""#, r#""\ud83d\ud83dx\ud83d""#]),
            [
                piece("\u{FFFD}", false, true),
                piece("\u{FFFD}\u{FFFD}x", false, true),
                piece("\u{FFFD}", false, true)
            ]
        );
    }
}
