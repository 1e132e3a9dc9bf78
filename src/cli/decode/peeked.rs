//! Readers that look ahead, for the head before a body and for the sizes of chunks.

use std::{
    collections::VecDeque,
    io::{self, Read},
};

/// Most bytes of a head; no server sends more.
const MAX_HEAD: usize = 256 << 10;

/// A reader whose next bytes can be inspected before they are read.
pub(super) struct Peeked<R: Read> {
    seen: VecDeque<u8>,
    rest: R,
}

impl Peeked<Box<dyn Read>> {
    pub fn of(rest: Box<dyn Read>) -> Self {
        Self {
            seen: VecDeque::new(),
            rest,
        }
    }
}

impl<R: Read> Peeked<R> {
    /// Up to `count` bytes; fewer only at the end.
    pub fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.seen.len() < count && self.more()? {}
        let seen = self.seen.make_contiguous();
        Ok(&seen[..count.min(seen.len())])
    }

    /// Reads more bytes without consuming them; `false` at the end.
    fn more(&mut self) -> io::Result<bool> {
        let mut piece = [0; 4096];
        loop {
            match self.rest.read(&mut piece) {
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
                Ok(read) => {
                    self.seen.extend(&piece[..read]);
                    return Ok(read > 0);
                }
            }
        }
    }

    /// Reads a response's head, if the next lines up to a blank one are a head by `parse`.
    pub fn take_head<T>(&mut self, parse: impl Fn(&str) -> Option<T>) -> io::Result<Option<T>> {
        const BOM: &[u8] = b"\xef\xbb\xbf";
        let mark = if self.peek(3)? == BOM { BOM.len() } else { 0 };
        if self.peek(mark + 5)?.get(mark..) != Some(b"HTTP/") {
            return Ok(None);
        }
        let mut end = None;
        while end.is_none() && self.seen.len() < MAX_HEAD {
            let more = self.more_if_needed()?;
            end = head_end(self.seen.make_contiguous());
            if !more {
                break;
            }
        }
        let seen = self.seen.make_contiguous();
        // A head that breaks off is still one, without a body.
        let end = end.unwrap_or(seen.len().min(MAX_HEAD));
        let head = parse(&String::from_utf8_lossy(&seen[mark..end]));
        if head.is_some() {
            self.seen.drain(..end);
        }
        Ok(head)
    }

    /// The size of a chunk and the length of its size line, if that comes next (RFC 9112, 7.1).
    pub fn peek_size(&mut self) -> io::Result<Option<(u64, usize)>> {
        const MAX_LINE: usize = 1024;
        let line_end = |seen: &[u8]| seen.iter().position(|byte| *byte == b'\n');
        while line_end(self.seen.make_contiguous()).is_none() && self.seen.len() < MAX_LINE {
            if !self.more()? {
                break;
            }
        }
        let seen = self.seen.make_contiguous();
        let Some(end) = line_end(seen) else {
            return Ok(None);
        };
        let line = std::str::from_utf8(&seen[..end]).unwrap_or_default();
        let size = line.split(';').next().unwrap_or_default().trim();
        Ok(u64::from_str_radix(size, 16)
            .ok()
            .map(|size| (size, end + 1)))
    }

    fn more_if_needed(&mut self) -> io::Result<bool> {
        if head_end(self.seen.make_contiguous()).is_some() {
            return Ok(true);
        }
        self.more()
    }
}

impl<R: Read> Read for Peeked<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.seen.is_empty() {
            self.rest.read(to)
        } else {
            self.seen.read(to)
        }
    }
}

/// The end of the first blank line.
fn head_end(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        start += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            return Some(start);
        }
    }
    None
}

/// A body whose chunks are joined. One that breaks off ends there.
pub(super) struct Unchunked {
    from: Peeked<Box<dyn Read>>,
    /// Remaining bytes of this chunk.
    left: u64,
    ended: bool,
}

impl Unchunked {
    pub fn new(from: Peeked<Box<dyn Read>>) -> Self {
        Self {
            from,
            left: 0,
            ended: false,
        }
    }

    /// Reads the size line of the next chunk.
    fn begin(&mut self) -> io::Result<()> {
        while matches!(self.from.peek(1)?, [b'\r' | b'\n']) {
            self.from.seen.pop_front();
        }
        match self.from.peek_size()? {
            Some((size, line)) => {
                self.from.seen.drain(..line);
                (self.left, self.ended) = (size, size == 0);
            }
            None if self.from.peek(1)?.is_empty() => self.ended = true,
            None => return Err(io::Error::other("a chunk of the body has no size")),
        }
        Ok(())
    }
}

impl Read for Unchunked {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 && !self.ended {
            self.begin()?;
        }
        let read = self.from.by_ref().take(self.left).read(to)?;
        self.left -= read as u64;
        Ok(read)
    }
}
