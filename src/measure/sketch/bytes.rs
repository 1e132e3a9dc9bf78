//! The stored bytes of a sketch, read count by count.
//!
//! In: `HdrHistogram`'s format V2 with two significant digits and values from 1 on. Out: each bucket with its count. To
//! merge thousands of small sketches, the crate would make a table of all buckets for each of them; this visits only the
//! buckets that are there. Format: <https://github.com/HdrHistogram/HdrHistogram>, `encodeIntoByteBuffer` of version 2.

/// The format's first word.
const COOKIE: u32 = 0x1c84_9313;

/// Buckets of one unit each at the lower end, and half of them: a power of two above twice the digits' range.
const SUB_BUCKETS: u64 = 256;
const HALF: u64 = SUB_BUCKETS / 2;

/// Bytes before the counts.
pub const HEADER: usize = 40;

/// Calls `give` with the index of each bucket that has a count, and that count; `None` if the bytes are no counts.
pub fn for_each_count(
    mut counts: &[u8],
    mut give: impl FnMut(u64, u64) -> Option<()>,
) -> Option<()> {
    let mut index = 0_u64;
    while !counts.is_empty() {
        match zig_zag(varint(&mut counts)?) {
            // A run of empty buckets.
            zeros @ ..0 => index = index.checked_add(zeros.unsigned_abs())?,
            0 => index += 1,
            count => {
                give(index, count.unsigned_abs())?;
                index += 1;
            }
        }
    }
    Some(())
}

/// How many times there are, and their median in milliseconds, of an even number the mean of the two in the middle;
/// `None` if there are none, or the bytes are no counts.
pub fn median_ms(counts: &[u8]) -> Option<(u64, f64)> {
    let mut n = 0_u64;
    for_each_count(counts, |_, count| {
        n = n.checked_add(count)?;
        Some(())
    })?;
    let ranks = [n.checked_sub(1)? / 2, n / 2];
    let mut below = 0;
    let mut middle = [None; 2];
    for_each_count(counts, |index, count| {
        below += count;
        for (rank, found) in ranks.iter().zip(&mut middle) {
            if found.is_none() && *rank < below {
                *found = Some(middle_ms(index)?);
            }
        }
        Some(())
    })?;
    let [one, other] = middle;
    Some((n, f64::midpoint(one?, other?)))
}

/// The counts behind the header; `None` if it is none of such a sketch.
pub fn counts(bytes: &[u8]) -> Option<&[u8]> {
    let (cookie, bytes) = bytes.split_first_chunk::<4>()?;
    let (length, bytes) = bytes.split_first_chunk::<4>()?;
    let (offset, bytes) = bytes.split_first_chunk::<4>()?;
    let (digits, bytes) = bytes.split_first_chunk::<4>()?;
    let (lowest, bytes) = bytes.split_first_chunk::<8>()?;
    // The highest value, and a factor for counts of fractions.
    let (_, bytes) = bytes.split_first_chunk::<16>()?;
    let is_ours = u32::from_be_bytes(*cookie) == COOKIE
        && u32::from_be_bytes(*offset) == 0
        && u32::from_be_bytes(*digits) == 2
        && u64::from_be_bytes(*lowest) == 1;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    (is_ours && length == bytes.len()).then_some(bytes)
}

/// An unsigned LEB128 number of at most nine bytes; the ninth has eight bits.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if place == 8 {
            return Some(number | u64::from(*byte) << 56);
        }
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn zig_zag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// The lowest value of a bucket. From 256 on, each 128 buckets are twice as wide as those before.
pub fn value_of(index: u64) -> Option<u64> {
    if index < SUB_BUCKETS {
        return Some(index);
    }
    let shift = shift_of(index)?;
    Some((index % HALF + HALF) << shift)
}

/// How often the width of a bucket is doubled; `None` beyond what fits into 64 bits.
fn shift_of(index: u64) -> Option<u64> {
    let shift = (index / HALF).saturating_sub(1);
    (shift <= 56).then_some(shift)
}

/// The middle of a bucket of whole microseconds, in milliseconds.
fn middle_ms(index: u64) -> Option<f64> {
    let low = value_of(index)?;
    let high = low + ((1 << shift_of(index)?) - 1);
    #[expect(clippy::cast_precision_loss, reason = "2^53 µs are 285 years")]
    let middle = f64::midpoint(low as f64, high as f64);
    Some(middle / 1e3)
}
