//! Converts a stream of UTF-16 to UTF-8.

use std::{
    collections::VecDeque,
    io::{self, Read},
};

use crate::input::ByteOrder;

/// UTF-16 as UTF-8, without a byte order mark; an unpaired surrogate becomes U+FFFD.
pub(super) struct Utf8Of<R: Read> {
    from: R,
    order: ByteOrder,
    /// Units that are not decoded yet: at most a high surrogate.
    units: Vec<u16>,
    half: Option<u8>,
    ready: VecDeque<u8>,
    begun: bool,
}

impl<R: Read> Utf8Of<R> {
    pub fn new(from: R, order: ByteOrder) -> Self {
        Self {
            from,
            order,
            units: Vec::new(),
            half: None,
            ready: VecDeque::new(),
            begun: false,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match self.half.take() {
                None => self.half = Some(*byte),
                Some(first) => self.units.push(self.order.unit([first, *byte])),
            }
        }
        let is_high = |unit: &u16| (0xd800..0xdc00).contains(unit);
        let waits = !bytes.is_empty() && self.units.last().is_some_and(is_high);
        let whole = self.units.len() - usize::from(waits);
        let mut text: String = char::decode_utf16(self.units.drain(..whole))
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        if bytes.is_empty() && self.half.take().is_some() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        let mark = if self.begun {
            None
        } else {
            text.strip_prefix('\u{feff}')
        };
        self.begun |= !text.is_empty();
        self.ready.extend(mark.unwrap_or(&text).as_bytes());
    }
}

impl<R: Read> Read for Utf8Of<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut piece = [0; 4096];
        while self.ready.is_empty() {
            let read = self.from.read(&mut piece)?;
            self.take(&piece[..read]);
            if read == 0 {
                break;
            }
        }
        self.ready.read(to)
    }
}
