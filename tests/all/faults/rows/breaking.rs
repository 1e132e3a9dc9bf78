//! Once the request is out: connections that break, servers that fall silent, users who stop.

use h2::Reason;
use tokenscope::event::{FaultClass as C, Phase as P};

use super::{BOTH, Row, Stop, case, head, part_then, row};
use crate::{
    faults::{
        script::{Act, Over},
        voice::Voice,
    },
    toy::limits,
};

#[expect(clippy::too_many_lines, reason = "a table")]
pub fn rows() -> Vec<Row> {
    vec![
        row(10, "a reset in the middle of the stream", [
            case("a reset after a piece of the answer", |voice| part_then(voice, &[Act::Reset]))
                .fails(C::Interrupted, P::Stream, RESET)
                .keeps("Part"),
            case("a reset after the head", |voice| vec![head(voice), Act::WhenHeadRead, Act::Reset])
                .fails(C::Interrupted, P::FirstToken, RESET),
            case("HTTP/2 resets the stream", |voice| part_then(voice, &[Act::ResetStream(Reason::INTERNAL_ERROR)]))
                .over(&[Over::Http2])
                .fails(C::Interrupted, P::Stream, &["{host} reset the stream (HTTP/2 INTERNAL_ERROR) in the middle of the answer"])
                .keeps("Part"),
            case("HTTP/2 goes away", |voice| part_then(voice, &[Act::GoAway(Reason::INTERNAL_ERROR)]))
                .over(&[Over::Http2])
                .fails(C::Interrupted, P::Stream, CLOSED)
                .keeps("Part"),
            case("a reset after the answer's own end", |voice| {
                vec![head(voice), Act::Body(voice.answer(&["whole"])), Act::WhenRead, Act::Reset]
            })
            .voices(|voice| !voice.is_grpc())
            .keeps("whole")
            .notes("after the answer's end, "),
        ]),
        row(11, "the connection is closed in the middle of the stream", [
            case("inside a chunk", |voice| {
                let half = [b"ff\r\n", &voice.piece("lost")[..12]].concat();
                part_then(voice, &[Act::Raw(half), Act::Close])
            })
            .over(&[Over::Http1])
            .voices(|voice| !voice.is_grpc())
            .fails(C::Interrupted, P::Stream, CLOSED)
            .keeps("Part"),
            case("between two chunks", |voice| part_then(voice, &[Act::Close]))
                .fails(C::Interrupted, P::Stream, CLOSED)
                .keeps("Part"),
            case("before the length that was stated", |voice| {
                let stated = |length: usize| vec![("content-type", voice.content_type().to_owned()), ("content-length", length.to_string())];
                let pieces = voice.pieces(&["Part"]);
                vec![Act::Head(200, stated(pieces.len() + 9)), Act::Body(pieces), Act::Close]
            })
            .over(&[Over::Http1])
            .voices(|voice| !voice.is_grpc())
            .fails(C::Interrupted, P::Stream, CLOSED)
            .keeps("Part"),
            case("at the end of the connection, without any length", |voice| {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {}\r\n\r\n", voice.content_type());
                vec![Act::Raw(head.into_bytes()), Act::Raw(voice.pieces(&["Part"])), Act::Close]
            })
            .over(&[Over::Http1])
            .voices(|voice| !voice.is_grpc())
            .fails(C::Interrupted, P::Stream, super::said::UNFINISHED)
            .keeps("Part"),
            case("a chunk without a size", |voice| part_then(voice, &[Act::Raw(b"no size\r\nat all".to_vec()), Act::Hold]))
                .over(&[Over::Http1])
                .voices(|voice| !voice.is_grpc())
                .fails(C::Interrupted, P::Stream, &["{host} broke off its answer: {why}"])
                .keeps("Part"),
        ]),
        row(12, "the connection is half open: nothing more comes", [
            case("silence after a piece of the answer", |voice| part_then(voice, &[Act::Hold]))
                .within(limits(0, 60_000, 100, 60_000))
                .fails(C::Timeout, P::Stream, &["nothing but keep-alives came for 100 ms (idle limit)"])
                .keeps("Part"),
            case("silence inside a piece of the answer", |voice| {
                let half = &voice.piece("lost")[..12];
                part_then(voice, &[Act::Body(half.to_vec()), Act::Hold])
            })
            .within(limits(0, 60_000, 100, 60_000))
            .fails(C::Timeout, P::Stream, &["nothing but keep-alives came for 100 ms (idle limit)"])
            .keeps("Part"),
            case("silence after the answer's own end", |voice| {
                vec![head(voice), Act::Body(voice.answer(&["whole"])), Act::Hold]
            })
            // Of gRPC the status is the end.
            .voices(|voice| !voice.is_grpc())
            .keeps("whole")
            .notes("the connection stayed open after the answer's end"),
        ]),
        row(13, "a head, and then silence", [
            case("silence after the head", |voice| vec![head(voice), Act::Hold])
                .within(limits(0, 1_000, 0, 60_000))
                .fails(C::Timeout, P::FirstToken, &["no token came within 1 s of sending (first-token limit)"]),
            case("silence before the head", |_| vec![Act::Hold])
                .within(limits(0, 1_000, 0, 60_000))
                .fails(C::Timeout, P::Headers, &["{host} did not begin to answer within 1 s (first-token limit)"]),
            case("silence before the head, and no limit but the total", |_| vec![Act::Hold])
                .within(limits(0, 0, 0, 1_000))
                .fails(C::Timeout, P::Headers, &["the run was not done within 1 s (total limit)"]),
        ]),
        row(14, "only keep-alives", [
            case("keep-alives for ever", |voice| vec![head(voice), Act::Drip(voice.keep_alive())])
                .within(limits(0, 1_000, 50, 60_000))
                .fails(C::Timeout, P::FirstToken, &["no token came within 1 s of sending (first-token limit)"]),
            case("keep-alives for ever after a piece of the answer", |voice| {
                part_then(voice, &[Act::Drip(voice.keep_alive())])
            })
            .within(limits(0, 60_000, 150, 60_000))
            .fails(C::Timeout, P::Stream, &["nothing but keep-alives came for 150 ms (idle limit)"])
            .keeps("Part"),
        ]),
        row(15, "a byte at a time", [
            case("an answer that never ends, byte by byte", |voice| {
                part_then(voice, &[Act::Drip(vec![b' '])])
            })
            .voices(|voice| !voice.is_grpc())
            .within(limits(0, 60_000, 60_000, 1_000))
            .fails(C::Timeout, P::Stream, &["the run was not done within 1 s (total limit)"])
            .keeps("Part"),
            case("an answer that ends, byte by byte", |voice| {
                let bytes = voice.answer(&["whole"]).into_iter().map(|byte| Act::Body(vec![byte]));
                [head(voice)].into_iter().chain(bytes).chain([Act::EndBody]).collect()
            })
            .keeps("whole"),
        ])
        .and("", &["playground::answers::every_stream_is_shown_as_it_comes"]),
        row(48, "the user stops it", [
            stopped("before the head", |_| vec![Act::Hold], Stop::WhenAsked, P::Headers),
            stopped("after the head", |voice| vec![head(voice), Act::Hold], Stop::AtHead, P::FirstToken),
            stopped("after a piece of the answer", |voice| part_then(voice, &[Act::Hold]), Stop::AtText, P::Stream)
                .keeps("Part"),
            stopped("in the TLS handshake", |_| vec![Act::Hold], Stop::WhenAsked, P::Tls).in_handshake(),
        ]),
    ]
}

/// How a connection that was reset is told of.
const RESET: &[&str] = &["{host} reset the connection in the middle of the answer"];
const CLOSED: &[&str] = &["{host} closed the connection in the middle of the answer"];

fn stopped(
    does: &'static str,
    acts: impl Fn(Voice) -> Vec<Act> + Send + Sync + 'static,
    stop: Stop,
    phase: P,
) -> super::Case {
    let case = case(does, acts).over(BOTH).stopped(stop);
    case.fails(C::Cancelled, phase, &["stopped by the user"])
}

impl super::Case {
    fn in_handshake(self) -> Self {
        Self {
            place: crate::faults::place::Place::Https,
            over: &[Over::Bytes],
            warm: false,
            ..self
        }
    }
}
