//! A run's reads as a compact blob.
//!
//! In and out: [`Read`]s ↔ bytes. A read is four unsigned LEB128 numbers in a row: nanoseconds since
//! the read before it (since `started` for the first), bytes, events, tokens. Reads follow each other
//! until the blob ends, so an empty blob is no reads. A read of a stream takes 6 to 9 bytes.
//!
//! Where the kernel stamped a read, the blob begins with [`WITH_DELAYS`], and each read has a fifth number: 0
//! without such a stamp, else one more than twice the delay in nanoseconds, plus 1 if the stamp is the latest that
//! it can be. A read takes 3 bytes more then.

use crate::run::Read;

/// Marks a blob with delays. No number is written with more bytes than it needs, so no other blob begins like this.
const WITH_DELAYS: [u8; 2] = [0x80, 0x00];

/// The blob of these reads.
pub(super) fn encode(reads: &[Read]) -> Vec<u8> {
    let mut out = Vec::with_capacity(reads.len() * 11);
    let mut before = 0;
    let has_delays = reads.iter().any(|read| read.delay.is_some());
    if has_delays {
        out.extend(WITH_DELAYS);
    }
    for read in reads {
        // Wrapping, so that even times out of order come back as they were.
        put(&mut out, read.at.wrapping_sub(before));
        put(&mut out, read.bytes.into());
        put(&mut out, read.events.into());
        put(&mut out, read.tokens.into());
        if has_delays {
            put(&mut out, delay_number(read));
        }
        before = read.at;
    }
    out
}

/// The reads of a blob; `None` if it is not one that [`encode`] made.
pub(super) fn decode(mut blob: &[u8]) -> Option<Vec<Read>> {
    let has_delays = blob.starts_with(&WITH_DELAYS);
    blob = blob.strip_prefix(&WITH_DELAYS).unwrap_or(blob);
    let mut reads = Vec::with_capacity(blob.len() / 6);
    let mut before = 0_u64;
    while !blob.is_empty() {
        let at = before.wrapping_add(take(&mut blob)?);
        let mut count = || u32::try_from(take(&mut blob)?).ok();
        let mut read = Read {
            at,
            bytes: count()?,
            events: count()?,
            tokens: count()?,
            ..Read::default()
        };
        if has_delays {
            set_delay(&mut read, take(&mut blob)?)?;
        }
        reads.push(read);
        before = at;
    }
    Some(reads)
}

fn delay_number(read: &Read) -> u64 {
    let number = |delay: u32| (u64::from(delay) << 1 | u64::from(read.is_at_most)) + 1;
    read.delay.map_or(0, number)
}

fn set_delay(read: &mut Read, number: u64) -> Option<()> {
    if let Some(number) = number.checked_sub(1) {
        read.delay = Some(u32::try_from(number >> 1).ok()?);
        read.is_at_most = number & 1 == 1;
    }
    Some(())
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
        let numbers = any::<(u64, u32, u32, u32, Option<(u32, bool)>)>();
        numbers.prop_map(|(at, bytes, events, tokens, delay)| Read {
            at,
            delay: delay.map(|(ns, _)| ns),
            is_at_most: delay.is_some_and(|(_, is_at_most)| is_at_most),
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
        let mut reads: Vec<Read> = (1..=100)
            .map(|n| Read {
                at: n * 20_000_000,
                bytes: 220,
                events: 1,
                tokens: 1,
                ..Read::default()
            })
            .collect();
        assert_eq!(encode(&reads).len(), 100 * 8);
        for read in &mut reads {
            read.delay = Some(60_000);
        }
        assert_eq!(encode(&reads).len(), 2 + 100 * 11);
    }

    #[test]
    fn a_cut_or_overlong_number_is_refused() {
        assert_eq!(decode(&[0x80]), None);
        assert_eq!(decode(&[0xff; 11]), None);
        assert_eq!(decode(&[1, 2, 3]), None);
    }
}
