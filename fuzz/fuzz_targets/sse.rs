//! The guard in front of the event-stream parser: any bytes, split anywhere, give the same frames.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenscope::body::sse::Sse;

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> String {
    let (mut sse, mut frames) = (Sse::default(), Vec::new());
    pieces.for_each(|piece| sse.push(piece, &mut frames));
    format!("{frames:?} {:?}", sse.end())
}

fuzz_target!(|data: &[u8]| {
    let [size, body @ ..] = data else { return };
    let whole = frames(std::iter::once(body));
    assert_eq!(whole, frames(body.chunks(usize::from(*size).max(1))));
});
