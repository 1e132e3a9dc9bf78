//! Too much of something, or compressed.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use tokenscope::event::{FaultClass as C, Phase as P};

use super::{Row, begun, case, head, responds, row, streams};
use crate::{
    faults::{
        script::{Act, Over},
        voice::Voice,
    },
    toy::limits,
};

/// A coding that was not asked for.
const GZIP: (&str, &str) = ("content-encoding", "gzip");

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub fn rows() -> Vec<Row> {
    vec![
        row(23, "an event of a gigabyte, without a line's end", [
            case("a line without end", |voice| {
                let mut acts = begun(voice, &["Part"]);
                let begin = if voice.has_events() { "data: {\"a\":\"" } else { "{\"a\":\"" };
                acts.extend([Act::Body(begin.into()), Act::Flood(vec![b'x'; 1 << 20])]);
                acts
            })
            .voices(|voice| !voice.is_grpc())
            .over(&[Over::Http1])
            .cold()
            .most_mib(80)
            .fails(C::Protocol, P::Stream, &["one event is larger than 64 MiB", "one object is larger than 64 MiB", "one message is larger than 64 MiB"])
            .keeps("Part"),
            case("a message of a gigabyte", |voice| {
                let mut acts = begun(voice, &["Part"]);
                let length = (1_u32 << 30).to_be_bytes();
                acts.extend([Act::Body([&[0], length.as_slice()].concat()), Act::Flood(vec![0; 1 << 20])]);
                acts
            })
            .voices(Voice::is_grpc)
            .cold()
            .fails(C::Protocol, P::Stream, &["one event is larger than 64 MiB", "one object is larger than 64 MiB", "one message is larger than 64 MiB"])
            .keeps("Part"),
        ])
        .and("", &["floods::large::a_large_event_takes_at_most_twice_its_size"]),
        row(24, "a stream without end", [
            case("pieces of the answer for ever", |voice| {
                let mut acts = begun(voice, &["Part"]);
                acts.push(Act::Drip(voice.piece(".")));
                acts
            })
            .within(limits(0, 60_000, 60_000, 1_000))
            .fails(C::Timeout, P::Stream, &["the run was not done within 1 s (total limit)"])
            .keeps("Part…"),
            case("keep-alives as fast as they are taken", |voice| {
                vec![head(voice), Act::Flood(voice.keep_alive().repeat(1_000))]
            })
            .cold()
            .fails(C::Protocol, P::FirstToken, &[
                "more than 100000 keep-alives and the like came in a row without a piece of the answer: reading was stopped",
            ]),
        ]),
        row(25, "JSON of a hundred thousand levels", [
            case("an event that is nothing else", |voice| {
                let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
                streams(voice, [voice.pieces(&["Part"]), voice.event(&deep), voice.finish()].concat())
            })
            .voices(|voice| !voice.is_grpc())
            .fails(C::Protocol, P::Stream, super::said::UNREADABLE)
            .keeps("Part"),
        ]),
        row(26, "a compressed stream", [
            case("gzip that was not asked for", |voice| {
                responds(200, &[("content-type", voice.content_type()), GZIP], gzipped(&voice.answer(&["whole"])))
            })
            .voices(|voice| !voice.is_grpc())
            .keeps("whole")
            .notes("came compressed (gzip)"),
            case("gzip that is broken", |voice| {
                let mut packed = gzipped(&voice.answer(&["whole"]));
                packed[12..].fill(0xFF);
                responds(200, &[("content-type", voice.content_type()), GZIP], packed)
            })
            .voices(|voice| !voice.is_grpc())
            .fails(C::Protocol, P::FirstToken, &["{host} sent compressed data that is broken (gzip: {why})"]),
            case("a coding that is not known", |voice| {
                let coding = ("content-encoding", "lz4");
                responds(200, &[("content-type", voice.content_type()), coding], b"\x04\x22\x4d\x18".to_vec())
            })
            .voices(|voice| !voice.is_grpc())
            .fails(C::Protocol, P::FirstToken, &["{host} compressed its answer (lz4), which was not asked for and can't be read here"]),
        ]),
        row(27, "a gzip bomb", [
            case("12 MiB of a comment in 12 KiB", |voice| {
                let bomb = gzipped(&[b":".as_slice(), &vec![b'x'; 12 << 20]].concat());
                assert!(bomb.len() < 16 << 10);
                responds(200, &[("content-type", voice.content_type()), GZIP], bomb)
            })
            .cold()
            .voices(|voice| !voice.is_grpc())
            .fails(C::Protocol, P::FirstToken, &["{host} sent compressed data that grows more than 1000 times (a “bomb”); reading was stopped"]),
        ]),
    ]
}
