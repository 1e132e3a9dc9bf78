//! The stored bytes of a sketch, read count by count.
//!
//! In: `HdrHistogram`'s format V2 with two significant digits and values from 1 on. Out: each value with its count. To
//! merge thousands of small sketches, the crate would make a table of all buckets for each of them; this visits only the
//! buckets that are there. Format: <https://github.com/HdrHistogram/HdrHistogram>, `encodeIntoByteBuffer` of version 2.

/// The format's first word.
const COOKIE: u32 = 0x1c84_9313;

/// Buckets of one unit each at the lower end, and half of them: a power of two above twice the digits' range.
const SUB_BUCKETS: u64 = 256;
const HALF: u64 = SUB_BUCKETS / 2;

/// Calls `give` with each value and its count; `None` if the bytes are none of such a sketch.
pub fn for_each_count(bytes: &[u8], mut give: impl FnMut(u64, u64) -> Option<()>) -> Option<()> {
    let mut counts = payload(bytes)?;
    let mut index = 0_u64;
    while !counts.is_empty() {
        match zig_zag(varint(&mut counts)?) {
            // A run of empty buckets.
            zeros @ ..0 => index = index.checked_add(zeros.unsigned_abs())?,
            0 => index += 1,
            count => {
                give(value_of(index)?, count.unsigned_abs())?;
                index += 1;
            }
        }
    }
    Some(())
}

/// The counts behind the header.
fn payload(bytes: &[u8]) -> Option<&[u8]> {
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
fn value_of(index: u64) -> Option<u64> {
    if index < SUB_BUCKETS {
        return Some(index);
    }
    let shift = index / HALF - 1;
    // Beyond, values do not fit into 64 bits.
    (shift <= 56).then(|| (index % HALF + HALF) << shift)
}
