//! One dialect's decoder, named by `TOKENSCOPE_DIALECT`: any bytes, split anywhere, give the same events
//! and no panic.
//!
//! The input's first byte says how the rest is cut, its second the HTTP status.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tokenscope::{
    dialect::{Dialect, DialectId, ResponseHead},
    event::{Answer, Event},
};

const STATUS: [u16; 4] = [200, 200, 429, 500];

fn dialect() -> &'static Dialect {
    static CHOSEN: OnceLock<&'static Dialect> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let word = std::env::var("TOKENSCOPE_DIALECT").expect("TOKENSCOPE_DIALECT names a dialect");
        DialectId::parse(&word).expect("a known dialect").dialect()
    })
}

fn decode<'a>(head: &ResponseHead, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut decoder = (dialect().decoder)(head);
    let mut events = Vec::new();
    pieces.for_each(|piece| decoder.push(piece, &mut events));
    decoder.end(&mut events);
    events
}

fuzz_target!(|data: &[u8]| {
    let [size, status, body @ ..] = data else { return };
    let head = ResponseHead {
        status: STATUS[usize::from(*status) % STATUS.len()],
        ..ResponseHead::default()
    };
    let whole = decode(&head, std::iter::once(body));
    let cut = decode(&head, body.chunks(usize::from(*size).max(1)));
    assert_eq!(whole, cut);
    let mut answer = Answer::default();
    whole.iter().for_each(|event| answer.apply(event));
    let _ = answer.message(dialect().id.as_str());
});
