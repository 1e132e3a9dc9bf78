//! The reads of a run, bounded in number: a server that sends a byte at a time can't fill memory, and no figure
//! changes.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::{OffsetNs, Read, TOGETHER_NS};

/// Beyond this number, reads that change no figure (those without tokens, and those of one arrival) are merged with
/// the one before.
const MAX_SINGLE: usize = 1 << 16;
/// Most reads kept. Later ones are merged into the last: their gaps are lost; bytes and tokens still count.
const MAX_KEPT: usize = 1 << 18;

/// The reads of a run, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Read>", into = "Vec<Read>")]
pub struct Reads {
    kept: Vec<Read>,
    /// When the last tokens came.
    last_tokens: OffsetNs,
}

impl Reads {
    /// Adds the next read.
    pub fn push(&mut self, read: Read) {
        let joined = self.joined(&read);
        if read.tokens > 0 {
            self.last_tokens = read.at;
        }
        match self.kept.last_mut().filter(|_| joined) {
            Some(last) => last.add(read),
            None => self.kept.push(read),
        }
    }

    /// Whether a read is merged with the one before.
    fn joined(&self, read: &Read) -> bool {
        let Some(last) = self.kept.last() else {
            return false;
        };
        // Chunks decompressed from one read have the same stamp.
        last.at == read.at
            || self.kept.len() >= MAX_KEPT
            || self.kept.len() >= MAX_SINGLE
                && (read.tokens == 0
                    || last.tokens > 0 && read.at.saturating_sub(self.last_tokens) < TOGETHER_NS)
    }
}

impl Read {
    fn add(&mut self, more: Self) {
        self.delay = self.delay.max(more.delay);
        self.is_at_most |= more.is_at_most;
        self.bytes = self.bytes.saturating_add(more.bytes);
        self.events = self.events.saturating_add(more.events);
        self.tokens = self.tokens.saturating_add(more.tokens);
    }
}

impl Deref for Reads {
    type Target = [Read];

    fn deref(&self) -> &[Read] {
        &self.kept
    }
}

impl Extend<Read> for Reads {
    fn extend<I: IntoIterator<Item = Read>>(&mut self, reads: I) {
        reads.into_iter().for_each(|read| self.push(read));
    }
}

impl FromIterator<Read> for Reads {
    fn from_iter<I: IntoIterator<Item = Read>>(reads: I) -> Self {
        let mut all = Self::default();
        all.extend(reads);
        all
    }
}

impl From<Vec<Read>> for Reads {
    fn from(reads: Vec<Read>) -> Self {
        reads.into_iter().collect()
    }
}

impl From<Reads> for Vec<Read> {
    fn from(reads: Reads) -> Self {
        reads.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(at: OffsetNs, tokens: u32) -> Read {
        Read {
            at,
            bytes: 1,
            events: tokens,
            tokens,
            ..Read::default()
        }
    }

    /// Arrivals of ten reads each, 10 µs apart, with empty reads in between; one arrival a millisecond.
    fn flood(arrivals: u64) -> impl Iterator<Item = Read> {
        (0..arrivals).flat_map(|arrival| {
            let begin = arrival * 1_000_000;
            let together = (0..10).map(move |n| read(begin + n * 10_000, u32::from(n % 2 == 0)));
            together.chain([read(begin + 500_000, 0)])
        })
    }

    #[test]
    fn a_flood_of_reads_is_bounded_and_loses_no_byte_token_or_arrival() {
        let arrivals = 100_000;
        let reads: Reads = flood(arrivals).collect();
        assert!(reads.len() < 200_000, "{}", reads.len());
        let sum = |of: fn(&Read) -> u32| reads.iter().map(|r| u64::from(of(r))).sum::<u64>();
        assert_eq!(sum(|r| r.bytes), arrivals * 11);
        assert_eq!(sum(|r| r.tokens), arrivals * 5);
        let mut notified: Vec<u64> = Vec::new();
        let mut last = 0;
        for read in reads.iter().filter(|read| read.tokens > 0) {
            if notified.is_empty() || read.at - last >= TOGETHER_NS {
                notified.push(read.at);
            }
            last = read.at;
        }
        let expected: Vec<u64> = (0..arrivals).map(|n| n * 1_000_000).collect();
        assert!(notified == expected, "{} of {arrivals}", notified.len());
        let again: Reads = reads.iter().copied().collect();
        assert_eq!(again[..], reads[..], "read back, it is the same");
    }

    #[test]
    fn no_flood_grows_without_end() {
        let slow = (0..1_000_000).map(|n| read(n * 1_000_000, 1));
        let reads: Reads = slow.collect();
        assert_eq!(reads.len(), MAX_KEPT);
        let tokens: u64 = reads.iter().map(|read| u64::from(read.tokens)).sum();
        assert_eq!(tokens, 1_000_000);
        let one: Reads = (0..9).map(|_| read(7, 1)).collect();
        assert_eq!(
            one[..],
            [Read {
                at: 7,
                bytes: 9,
                events: 9,
                tokens: 9,
                ..Read::default()
            }]
        );
    }
}
