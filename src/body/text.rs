//! Joins pieces of text whose characters were split between chunks as lone surrogates.
//!
//! A JSON string can say half a character (`"\ud83d"`), and a server that cuts an emoji in two sends the
//! other half in its next chunk. Rust text can't hold half a character, so it waits here for the rest.

use std::borrow::Cow;

use crate::event::{About, Event, Note};

/// One text channel (the answer, the reasoning, a call's arguments, …).
#[derive(Debug, Default)]
pub(crate) struct Joiner {
    /// A leading surrogate that ended the last piece.
    high: Option<u32>,
}

/// A piece that is real text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    pub text: String,
    /// Whether halves met.
    pub joined: bool,
    /// Whether a half had no partner, and became U+FFFD.
    pub broken: bool,
}

impl Piece {
    /// What is to be noted of how the piece fitted to the one before it.
    pub(crate) fn seams(&self) -> impl Iterator<Item = &'static str> + use<> {
        let joined = "a character was split over two chunks and joined";
        let broken = "half a character had no other half and was replaced";
        let seams = [(self.joined, joined), (self.broken, broken)];
        seams
            .into_iter()
            .filter_map(|(is, text)| is.then_some(text))
    }

    /// Notes it.
    pub(crate) fn note_seams(&self, out: &mut Vec<Event>) {
        for text in self.seams() {
            Note::tell(About::Form, text, out);
        }
    }
}

impl Joiner {
    /// The text of a piece in WTF-8, as far as it is whole. One that is whole by itself is not copied.
    pub(crate) fn push<'a>(&mut self, wtf8: impl Into<Cow<'a, [u8]>>) -> Piece {
        let wtf8 = match wtf8.into() {
            Cow::Owned(bytes) if self.high.is_none() => match String::from_utf8(bytes) {
                Ok(text) => {
                    return Piece {
                        text,
                        ..Piece::default()
                    };
                }
                Err(broken) => Cow::Owned(broken.into_bytes()),
            },
            other => other,
        };
        self.join(&wtf8)
    }

    fn join(&mut self, wtf8: &[u8]) -> Piece {
        let mut piece = Piece::default();
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

    /// The end of the channel: a half that waits has no partner.
    pub(crate) fn end(&mut self) -> Piece {
        let mut piece = Piece::default();
        self.give_up(&mut piece);
        piece
    }

    /// Takes the surrogate that stands first in `bytes`, and gives what follows.
    fn take_half<'a>(&mut self, bytes: &'a [u8], piece: &mut Piece) -> &'a [u8] {
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

    fn give_up(&mut self, piece: &mut Piece) {
        if self.high.take().is_some() {
            broken(piece);
        }
    }
}

fn broken(piece: &mut Piece) {
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

    fn pieces(jsons: &[&str]) -> Vec<Piece> {
        let mut joiner = Joiner::default();
        let read = |json: &&str| joiner.push(json::bytes(json::Raw::of(json)).unwrap());
        let mut pieces: Vec<_> = jsons.iter().map(read).collect();
        pieces.push(joiner.end());
        pieces
    }

    fn piece(text: &str, joined: bool, broken: bool) -> Piece {
        Piece {
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
