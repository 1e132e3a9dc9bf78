//! Requests of a bench as bytes: a column for each field, all compressed together by zstd.
//!
//! In: a block of requests. Out: its bytes, and the same requests again. A block begins with a version; a number is
//! LEB128, a difference that may be negative zigzag LEB128. Stamps are differences to the start of their request plus
//! one, and 0 where there is none.

use std::io::Read as _;

use super::{
    record::{
        BenchRequest, RequestOutcome, TokenArrivals, push_leb128 as push, take_leb128 as take,
    },
    texts::KeptText,
};
use crate::{event::FaultClass, run::ConnectionKind};

/// The version of this form.
const VERSION: u64 = 1;

/// The version of the form with texts behind all else. Blocks without any have the first, which older programs read.
const WITH_TEXTS: u64 = 2;

/// As usual for zstd; higher levels are slow beside a load.
const LEVEL: i32 = 3;

/// Most bytes of a block that are unpacked: far more than is written.
const MOST_BYTES: u64 = 256 << 20;

/// Most requests of a block that are read.
const MOST_REQUESTS: u64 = 1 << 22;

/// A block that can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBlock {
    /// It was written by a newer version, or is something else.
    #[error("its form is not known: a newer Tokenscope may have written it")]
    UnknownForm,
    /// It is cut off or damaged.
    #[error("it is damaged")]
    Damaged,
}

/// A field that is a number or nothing.
type OptionalField = (fn(&BenchRequest) -> Option<u64>, fn(&mut BenchRequest, u64));

/// The stamps, in their order.
const STAMPS: [OptionalField; 7] = [
    (|r| r.request_sent, |r, at| r.request_sent = Some(at)),
    (|r| r.headers, |r, at| r.headers = Some(at)),
    (|r| r.first_event, |r, at| r.first_event = Some(at)),
    (|r| r.first_token, |r, at| r.first_token = Some(at)),
    (|r| r.first_visible, |r, at| r.first_visible = Some(at)),
    (|r| r.last_token, |r, at| r.last_token = Some(at)),
    (|r| r.finished, |r, at| r.finished = Some(at)),
];

/// The counts that may not be known, in their order.
const COUNTS: [OptionalField; 4] = [
    (
        |r| r.input_tokens.map(u64::from),
        |r, n| r.input_tokens = Some(small(n)),
    ),
    (
        |r| r.output_tokens.map(u64::from),
        |r, n| r.output_tokens = Some(small(n)),
    ),
    (
        |r| r.our_delay.map(u64::from),
        |r, n| r.our_delay = Some(small(n)),
    ),
    (
        |r| r.status.map(u64::from),
        |r, n| r.status = Some(u16::try_from(n).unwrap_or(u16::MAX)),
    ),
];

fn small(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The bytes of a block.
///
/// # Errors
/// If zstd has no memory.
pub fn encode(requests: &[BenchRequest]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(requests.len() * 128);
    let has_texts = requests.iter().any(|request| request.text.is_some());
    push(&mut out, if has_texts { WITH_TEXTS } else { VERSION });
    push(&mut out, requests.len() as u64);
    let classes = classes(requests);
    push(&mut out, classes.len() as u64);
    for class in &classes {
        push_bytes(&mut out, class.as_str().as_bytes());
    }
    column(&mut out, requests, differences(|r| r.number));
    column(&mut out, requests, |r| r.prompt.into());
    column(&mut out, requests, |r| kind(r, &classes));
    column(&mut out, requests, differences(|r| r.scheduled));
    column(&mut out, requests, |r| zigzag(r.started, r.scheduled));
    column(&mut out, requests, |r| zigzag(r.ended, r.started));
    for (stamp, _) in STAMPS {
        column(&mut out, requests, |r| {
            stamp(r).map_or(0, |at| at.saturating_sub(r.started).saturating_add(1))
        });
    }
    for (count, _) in COUNTS {
        column(&mut out, requests, |r| count(r).map_or(0, |n| n + 1));
    }
    column(&mut out, requests, |r| r.pieces.into());
    column(&mut out, requests, |r| r.arrivals.as_bytes().len() as u64);
    for request in requests {
        out.extend_from_slice(request.arrivals.as_bytes());
    }
    if has_texts {
        push_texts(&mut out, requests);
    }
    zstd::bulk::compress(&out, LEVEL)
}

/// The requests of a block.
///
/// # Errors
/// If it is none, or damaged.
pub fn decode(block: &[u8]) -> Result<Vec<BenchRequest>, BadBlock> {
    let bytes = unpacked(block).map_err(|_| BadBlock::Damaged)?;
    let mut rest = bytes.as_slice();
    match take(&mut rest) {
        Some(version @ (VERSION | WITH_TEXTS)) => {
            let requests = read(&mut rest).and_then(|mut requests| {
                if version == WITH_TEXTS {
                    take_texts(&mut rest, &mut requests)?;
                }
                Some(requests)
            });
            requests.ok_or(BadBlock::Damaged)
        }
        _ => Err(BadBlock::UnknownForm),
    }
}

/// 0 for none, else twice the length of the text, and one more if it is cut, plus one; then the texts.
fn push_texts(out: &mut Vec<u8>, requests: &[BenchRequest]) {
    column(out, requests, |r| {
        let length = |text: &KeptText| (text.text.len() as u64) << 1 | u64::from(text.is_cut);
        r.text.as_deref().map_or(0, |text| length(text) + 1)
    });
    for text in requests
        .iter()
        .filter_map(|request| request.text.as_deref())
    {
        out.extend_from_slice(text.text.as_bytes());
    }
}

fn take_texts(rest: &mut &[u8], requests: &mut [BenchRequest]) -> Option<()> {
    let mut lengths = Vec::with_capacity(requests.len());
    fill(rest, requests, |_, n| lengths.push(n))?;
    for (request, length) in requests.iter_mut().zip(lengths) {
        let Some(length) = length.checked_sub(1) else {
            continue;
        };
        let (text, behind) = rest.split_at_checked(usize::try_from(length >> 1).ok()?)?;
        *rest = behind;
        request.text = Some(Box::new(KeptText {
            text: std::str::from_utf8(text).ok()?.to_owned(),
            is_cut: length & 1 == 1,
        }));
    }
    Some(())
}

fn unpacked(block: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    zstd::Decoder::new(block)?
        .take(MOST_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read(rest: &mut &[u8]) -> Option<Vec<BenchRequest>> {
    let count = take(rest).filter(|count| *count <= MOST_REQUESTS)?;
    let mut classes = Vec::new();
    for _ in 0..take(rest)?.min(FaultClass::ALL.len() as u64) {
        let word = take_bytes(rest)?;
        classes.push(FaultClass::parse(std::str::from_utf8(word).ok()?)?);
    }
    let count = usize::try_from(count).ok()?;
    // Each request takes a byte and more, so that a count that lies takes no memory.
    if count > rest.len() {
        return None;
    }
    let mut requests = vec![BenchRequest::default(); count];
    fill_differences(rest, &mut requests, |r, number| r.number = number)?;
    fill(rest, &mut requests, |r, n| r.prompt = small(n))?;
    try_fill(rest, &mut requests, |r, n| set_kind(r, n, &classes))?;
    fill_differences(rest, &mut requests, |r, at| r.scheduled = at)?;
    fill(rest, &mut requests, |r, n| {
        r.started = unzigzag(n, r.scheduled);
    })?;
    fill(rest, &mut requests, |r, n| {
        r.ended = unzigzag(n, r.started);
    })?;
    for (_, set) in STAMPS {
        fill(rest, &mut requests, |r, n| {
            if let Some(since) = n.checked_sub(1) {
                set(r, r.started.saturating_add(since));
            }
        })?;
    }
    for (_, set) in COUNTS {
        fill(rest, &mut requests, |r, n| {
            if let Some(count) = n.checked_sub(1) {
                set(r, count);
            }
        })?;
    }
    fill(rest, &mut requests, |r, n| r.pieces = small(n))?;
    let mut lengths = Vec::with_capacity(count);
    try_fill(rest, &mut requests, |_, n| {
        lengths.push(usize::try_from(n).ok()?);
        Some(())
    })?;
    for (request, length) in requests.iter_mut().zip(lengths) {
        let (arrivals, behind) = rest.split_at_checked(length)?;
        *rest = behind;
        request.arrivals = TokenArrivals::of_bytes(arrivals.to_vec());
    }
    Some(requests)
}

fn column(
    out: &mut Vec<u8>,
    requests: &[BenchRequest],
    mut field: impl FnMut(&BenchRequest) -> u64,
) {
    for request in requests {
        push(out, field(request));
    }
}

/// Sets a field of all requests from its column.
fn fill(
    rest: &mut &[u8],
    requests: &mut [BenchRequest],
    mut set: impl FnMut(&mut BenchRequest, u64),
) -> Option<()> {
    try_fill(rest, requests, |request, number| {
        set(request, number);
        Some(())
    })
}

/// The same, of a column of [`differences`].
fn fill_differences(
    rest: &mut &[u8],
    requests: &mut [BenchRequest],
    set: fn(&mut BenchRequest, u64),
) -> Option<()> {
    let mut before = 0;
    fill(rest, requests, |request, number| {
        before = unzigzag(number, before);
        set(request, before);
    })
}

/// The same, of a column whose numbers may be invalid.
fn try_fill(
    rest: &mut &[u8],
    requests: &mut [BenchRequest],
    mut set: impl FnMut(&mut BenchRequest, u64) -> Option<()>,
) -> Option<()> {
    requests
        .iter_mut()
        .try_for_each(|request| set(request, take(rest)?))
}

/// The difference of a field to that of the request before.
fn differences(field: fn(&BenchRequest) -> u64) -> impl FnMut(&BenchRequest) -> u64 {
    let mut before = 0;
    move |request| {
        let now = field(request);
        zigzag(now, std::mem::replace(&mut before, now))
    }
}

/// `to − from`, its sign in the lowest bit.
fn zigzag(to: u64, from: u64) -> u64 {
    let difference = to.wrapping_sub(from).cast_signed();
    ((difference << 1) ^ (difference >> 63)).cast_unsigned()
}

/// The `to` of [`zigzag`].
fn unzigzag(number: u64, from: u64) -> u64 {
    let difference = (number >> 1) ^ (number & 1).wrapping_neg();
    from.wrapping_add(difference)
}

/// The classes of faults, each once.
fn classes(requests: &[BenchRequest]) -> Vec<FaultClass> {
    let mut classes: Vec<FaultClass> = requests.iter().filter_map(BenchRequest::fault).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// Warm-up in the lowest bit, connection in the next two, then the outcome: 0 is ok, else its class's place and one.
fn kind(request: &BenchRequest, classes: &[FaultClass]) -> u64 {
    let connection = match request.connection {
        None => 0,
        Some(ConnectionKind::Cold) => 1,
        Some(ConnectionKind::Warm) => 2,
    };
    let outcome = request.fault().map_or(0, |class| {
        classes
            .binary_search(&class)
            .map_or(0, |place| place as u64 + 1)
    });
    u64::from(request.is_warm_up) | connection << 1 | outcome << 3
}

fn set_kind(request: &mut BenchRequest, kind: u64, classes: &[FaultClass]) -> Option<()> {
    request.is_warm_up = kind & 1 == 1;
    request.connection = match kind >> 1 & 3 {
        0 => None,
        1 => Some(ConnectionKind::Cold),
        2 => Some(ConnectionKind::Warm),
        _ => return None,
    };
    request.outcome = match (kind >> 3).checked_sub(1) {
        None => RequestOutcome::Ok,
        Some(place) => RequestOutcome::Fault(*classes.get(usize::try_from(place).ok()?)?),
    };
    Some(())
}

fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take(rest)?).ok()?;
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes)
}

#[cfg(test)]
mod tests;
