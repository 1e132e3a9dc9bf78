//! What a read said: its bytes as text, the frames that it completed, and their events.

use crate::{
    capture::DecodedCapture,
    desktop::{
        inspector::wire::{events_line, raw_line},
        widgets::count,
    },
    run::Run,
};

/// Most characters of the bytes and of the events that are told.
const MOST: usize = 240;

/// What a read said, in lines; none where its bytes are not known.
pub fn lines(run: &Run, index: usize, wire: Option<&DecodedCapture>) -> Vec<String> {
    let Some(wire) = wire else {
        return Vec::new();
    };
    let Some(read) = run.reads.get(index) else {
        return Vec::new();
    };
    let Some((kept, bytes)) = wire.read(read, &run.reads[..index]) else {
        return Vec::new();
    };
    let frames = wire.frames_of_read(kept);
    let which = match frames.len() {
        0 => "It completed no frame".to_owned(),
        1 => format!("It completed frame {}", count(frames.start as u64 + 1)),
        _ => format!(
            "It completed frames {} to {}",
            count(frames.start as u64 + 1),
            count(frames.end as u64)
        ),
    };
    // A read may complete thousands of frames: no more are looked at than can be told.
    let mut said = String::new();
    for frame in frames {
        if said.len() > MOST {
            break;
        }
        let events = events_line(wire.events(frame), MOST);
        if !said.is_empty() && !events.is_empty() {
            said.push_str(" · ");
        }
        said.push_str(&events);
    }
    let mut lines = vec![raw_line(bytes, MOST), which];
    lines.extend((!said.is_empty()).then_some(said));
    lines
}
