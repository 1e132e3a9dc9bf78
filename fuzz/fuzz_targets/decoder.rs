//! One dialect's decoder, named by `TOKENSCOPE_DIALECT`: any bytes, split anywhere, give the same events
//! and no panic.
//!
//! The input's first byte says how the rest is cut, its second the head and the trailers of the response.

#![no_main]

use std::sync::OnceLock;

use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use tokenscope::{body::ResponseHead, dialect::{Dialect, DialectId}, event::{Answer, Event}};

const STATUS: [u16; 4] = [200, 200, 429, 500];
/// Bit of the second byte: the response says that it is gRPC.
const SAYS_GRPC: u8 = 4;
/// Bit of the second byte: trailers follow, whose details are the body's last bytes.
const TRAILERS: u8 = 8;

fn dialect() -> &'static Dialect {
    static CHOSEN: OnceLock<&'static Dialect> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let word = std::env::var("TOKENSCOPE_DIALECT").expect("TOKENSCOPE_DIALECT names a dialect");
        DialectId::parse(&word).expect("a known dialect").dialect()
    })
}

fn trailers(body: &[u8]) -> HeaderMap {
    let tail = &body[body.len().saturating_sub(64)..];
    let mut trailers = HeaderMap::new();
    for (name, value) in [
        ("grpc-status", tail),
        ("grpc-message", tail),
        ("grpc-status-details-bin", tail),
    ] {
        // The status is often a digit.
        let value = if name == "grpc-status" { &value[..value.len().min(1)] } else { value };
        if let Ok(value) = HeaderValue::from_bytes(value) {
            trailers.insert(name, value);
        }
    }
    trailers
}

fn decode<'a>(
    head: &ResponseHead,
    pieces: impl Iterator<Item = &'a [u8]>,
    trailers: Option<&HeaderMap>,
) -> Vec<Event> {
    let mut decoder = (dialect().decoder)(head);
    let mut events = Vec::new();
    pieces.for_each(|piece| decoder.push(piece, &mut events));
    if let Some(trailers) = trailers {
        decoder.trailers(trailers, &mut events);
    }
    decoder.end(&mut events);
    events
}

fuzz_target!(|data: &[u8]| {
    let [size, status, body @ ..] = data else { return };
    let head = ResponseHead {
        status: STATUS[usize::from(*status) % STATUS.len()],
        content_type: (status & SAYS_GRPC != 0).then(|| "application/grpc".to_owned()),
        ..ResponseHead::default()
    };
    let trailers = (status & TRAILERS != 0).then(|| trailers(body));
    let whole = decode(&head, std::iter::once(body), trailers.as_ref());
    let cut = decode(&head, body.chunks(usize::from(*size).max(1)), trailers.as_ref());
    assert_eq!(whole, cut);
    let mut answer = Answer::default();
    whole.iter().for_each(|event| answer.apply(event));
    let _ = answer.message(dialect().id.as_str());
});
