//! A run's reads as a compact blob.
//!
//! In and out: [`Read`]s ↔ bytes. A read is four unsigned LEB128 numbers in a row: nanoseconds since
//! the read before it (since `started` for the first), bytes, events, tokens. Reads follow each other
//! until the blob ends, so an empty blob is no reads. A read of a stream takes 6 to 9 bytes.

use crate::run::Read;

/// The blob of these reads.
pub(super) fn encode(reads: &[Read]) -> Vec<u8> {
    let mut out = Vec::with_capacity(reads.len() * 8);
    let mut before = 0;
    for read in reads {
        // Wrapping, so that even times out of order come back as they were.
        put(&mut out, read.at.wrapping_sub(before));
        put(&mut out, read.bytes.into());
        put(&mut out, read.events.into());
        put(&mut out, read.tokens.into());
        before = read.at;
    }
    out
}

/// The reads of a blob; `None` if it is not one that [`encode`] made.
pub(super) fn decode(mut blob: &[u8]) -> Option<Vec<Read>> {
    let mut reads = Vec::with_capacity(blob.len() / 6);
    let mut before = 0_u64;
    while !blob.is_empty() {
        let at = before.wrapping_add(take(&mut blob)?);
        let mut count = || u32::try_from(take(&mut blob)?).ok();
        reads.push(Read {
            at,
            bytes: count()?,
            events: count()?,
            tokens: count()?,
        });
        before = at;
    }
    Some(reads)
}

fn put(out: &mut Vec<u8>, mut n: u64) {
    loop {
        let [bits, ..] = (n & 0x7f).to_le_bytes();
        n >>= 7;
        if n == 0 {
            return out.push(bits);
        }
        out.push(bits | 0x80);
    }
}

fn take(blob: &mut &[u8]) -> Option<u64> {
    let mut n = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = blob.split_first()?;
        *blob = rest;
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit only.
        if bits << shift >> shift != bits {
            return None;
        }
        n |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(n);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_read() -> impl Strategy<Value = Read> {
        any::<(u64, u32, u32, u32)>().prop_map(|(at, bytes, events, tokens)| Read {
            at,
            bytes,
            events,
            tokens,
        })
    }

    proptest! {
        #[test]
        fn reads_come_back_as_they_were(reads in prop::collection::vec(any_read(), 0..50)) {
            prop_assert_eq!(decode(&encode(&reads)), Some(reads));
        }

        #[test]
        fn blobs_of_pieces_can_be_read_one_by_one(
            reads in prop::collection::vec(any_read(), 0..50), cut in 0_usize..50,
        ) {
            let (a, b) = reads.split_at(cut.min(reads.len()));
            let mut both = decode(&encode(a)).unwrap();
            both.extend(decode(&encode(b)).unwrap());
            prop_assert_eq!(both, reads);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn a_read_of_a_stream_is_small() {
        let reads: Vec<Read> = (1..=100)
            .map(|n| Read {
                at: n * 20_000_000,
                bytes: 220,
                events: 1,
                tokens: 1,
            })
            .collect();
        assert_eq!(encode(&reads).len(), 100 * 8);
    }

    #[test]
    fn a_cut_or_overlong_number_is_refused() {
        assert_eq!(decode(&[0x80]), None);
        assert_eq!(decode(&[0xff; 11]), None);
        assert_eq!(decode(&[1, 2, 3]), None);
    }
}
