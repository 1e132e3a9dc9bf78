//! The event-stream guard, held against vectors of our own in every split into two, against recorded vectors of
//! browsers and SDKs, and against random splits.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde_json::Value;
use tokenscope::body::sse::{Sse, SseFrame};

/// The folder with recorded wire material; says so where it is not given.
pub fn wire_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("TOKENSCOPE_WIRE").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: TOKENSCOPE_WIRE names no folder of recorded wire material");
    }
    folder
}

/// Cuts `bytes` into pieces of these lengths; the last length takes the rest.
pub fn pieces<'a>(bytes: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for length in lengths {
        let (piece, more) = rest.split_at((*length).min(rest.len()));
        pieces.push(piece);
        rest = more;
    }
    pieces.push(rest);
    pieces
}

fn frames<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<SseFrame>, Option<String>) {
    let mut sse = Sse::default();
    let mut out = Vec::new();
    for piece in pieces {
        sse.push(piece, &mut out);
    }
    let tail = sse.end();
    (out, tail)
}

fn events(frames: &[SseFrame]) -> Vec<(&str, &str)> {
    let mut events = Vec::new();
    for frame in frames {
        if let SseFrame::Event { event, data } = frame {
            events.push((&**event, data.as_str()));
        }
    }
    events
}

fn comments(frames: &[SseFrame]) -> Vec<&str> {
    let mut comments = Vec::new();
    for frame in frames {
        if let SseFrame::Comment { text } = frame {
            comments.push(text.as_str());
        }
    }
    comments
}

/// A stream, and what the standard makes of it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    /// How the stream begins.
    #[serde(default)]
    stream: String,
    /// What follows it so many times, and what comes then.
    #[serde(default)]
    repeat: String,
    #[serde(default)]
    times: usize,
    #[serde(default)]
    then: String,
    /// The stream in hexadecimal digits, where it is not UTF-8.
    #[serde(default)]
    hex: String,
    /// The type and the data of each event.
    events: Vec<(String, String)>,
    #[serde(default)]
    comments: Vec<String>,
    /// How many lines are not UTF-8.
    #[serde(default)]
    repaired: usize,
    /// What is left over at the end.
    tail: Option<String>,
}

impl Vector {
    fn bytes(&self) -> Vec<u8> {
        let digits = self.hex.as_bytes().chunks(2);
        let of_hex = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        let text = self.stream.clone() + &self.repeat.repeat(self.times) + &self.then;
        text.into_bytes()
            .into_iter()
            .chain(digits.map(of_hex))
            .collect()
    }

    fn assert_read<'a>(&self, pieces: impl IntoIterator<Item = &'a [u8]>, how: &str) {
        let (frames, tail) = frames(pieces);
        let name = &self.name;
        let wanted: Vec<_> = self.events.iter().map(|(e, d)| (&**e, &**d)).collect();
        assert_eq!(events(&frames), wanted, "{name}, {how}");
        assert_eq!(comments(&frames), self.comments, "{name}, {how}");
        let repaired = frames.iter().filter(|frame| **frame == SseFrame::Repaired);
        assert_eq!(repaired.count(), self.repaired, "{name}, {how}");
        let known = self.events.len() + self.comments.len() + self.repaired;
        assert_eq!(frames.len(), known, "{name}, {how}: {frames:?}");
        assert_eq!(tail, self.tail, "{name}, {how}");
    }
}

/// Event and data are compared: this client keeps no last event id and never reconnects by itself.
#[test]
fn our_vectors_in_every_split_into_two_and_byte_by_byte() {
    #[derive(serde::Deserialize)]
    struct File {
        vectors: Vec<Vector>,
    }
    let file: File = serde_json::from_str(include_str!("../fixtures/sse/vectors.json")).unwrap();
    assert!(file.vectors.len() > 100);
    for vector in &file.vectors {
        let bytes = vector.bytes();
        for at in 0..=bytes.len() {
            let (one, two) = bytes.split_at(at);
            vector.assert_read([one, two], &format!("cut at {at}"));
        }
        vector.assert_read(bytes.chunks(1), "byte by byte");
    }
}

/// As above, for the vectors of other programs.
#[test]
fn recorded_vectors_under_every_chunking_and_byte_by_byte() {
    let Some(folder) = wire_folder() else { return };
    let text = std::fs::read_to_string(folder.join("sse_vectors.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let mut checks = 0;
    for vector in vectors {
        let name = vector["name"].as_str().unwrap();
        let bytes = STANDARD.decode(vector["bytes"].as_str().unwrap()).unwrap();
        let expected: Vec<_> = (vector["events"].as_array().unwrap().iter())
            .map(|e| (e["event"].as_str().unwrap(), e["data"].as_str().unwrap()))
            .collect();
        for chunking in vector["chunkings"].as_array().unwrap() {
            let cut = if let Some(every) = chunking.get("every") {
                let every = usize::try_from(every.as_u64().unwrap()).unwrap();
                bytes.chunks(every).collect()
            } else {
                let lengths: Vec<usize> = serde_json::from_value(chunking.clone()).unwrap();
                pieces(&bytes, &lengths)
            };
            assert_eq!(events(&frames(cut).0), expected, "{name} cut as {chunking}");
            checks += 1;
        }
        let (bytewise, _) = frames(bytes.chunks(1));
        assert_eq!(events(&bytewise), expected, "{name} byte by byte");
        if let Some(said) = vector["comments"].as_array() {
            let said: Vec<_> = said.iter().map(|c| c.as_str().unwrap()).collect();
            assert_eq!(comments(&bytewise), said, "{name}");
        }
        checks += 1;
    }
    println!("{} vectors, {checks} readings agree", vectors.len());
    assert!(vectors.len() >= 120 && checks > vectors.len());
}

/// Bytes that look like event streams more often than chance would have it.
fn stream_bytes() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        4 => prop::sample::select(vec![
            "data:", "data: x", "event: e", ":", ": c", "\n", "\r", "\r\n", "\n\n", "\u{FEFF}", "é", "👩",
            "id: 1", "retry: 1", "data", "\u{2028}",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_frames(
        bytes in stream_bytes(),
        lengths in prop::collection::vec(0_usize..9, 0..60),
    ) {
        let whole = frames([bytes.as_slice()]);
        prop_assert_eq!(&frames(pieces(&bytes, &lengths)), &whole);
        prop_assert_eq!(&frames(bytes.chunks(1)), &whole);
    }
}
