//! What the server says: odd bytes, broken JSON, missing ends, something else than an answer.

use tokenscope::event::{FaultClass as C, Phase as P};

use super::{Case, Row, case, head, responds, row, streams};
use crate::faults::{
    script::Act,
    voice::{Voice, frame},
};

/// How an answer without its end is told of, in each dialect.
pub const UNFINISHED: &[&str] = &[
    "the stream ended without a finish reason and without [DONE]",
    "the stream ended without response.completed",
    "the stream ended without message_stop",
    "the stream ended without a finish reason",
    "the stream ended without a last line",
];

pub fn rows() -> Vec<Row> {
    let mut rows = texts();
    rows.extend(events());
    rows.extend(others());
    rows
}

/// Text with characters of two, three and four bytes.
const WORDS: &str = "é, 中 and 👩‍🚀";

fn texts() -> Vec<Row> {
    vec![
        row(
            16,
            "UTF-8 split at every byte",
            [case("each byte comes alone", |voice| {
                let bytes = voice
                    .answer(&[WORDS])
                    .into_iter()
                    .map(|byte| Act::Body(vec![byte]));
                [head(voice)]
                    .into_iter()
                    .chain(bytes)
                    .chain([Act::EndBody])
                    .collect()
            })
            .keeps(WORDS)],
        )
        .and(
            "",
            &["sse::our_vectors_in_every_split_into_two_and_byte_by_byte"],
        ),
        row(
            17,
            "UTF-8 that is cut, or is none",
            [
                case("a byte that is no UTF-8", |voice| {
                    streams(voice, invalid(voice, b"\xFF"))
                })
                .voices(|voice| !voice.is_grpc())
                .keeps("a\u{FFFD}b")
                .notes("bytes that are not UTF-8 were replaced"),
                case("a character that is cut", |voice| {
                    streams(voice, invalid(voice, b"\xE4\xB8"))
                })
                .voices(|voice| !voice.is_grpc())
                .keeps("a\u{FFFD}b")
                .notes("bytes that are not UTF-8 were replaced"),
            ],
        ),
        row(
            18,
            "marks and line ends of every kind",
            [
                lines("a byte order mark in front", |text| {
                    format!("\u{feff}{text}")
                }),
                lines("CRLF", |text| text.replace('\n', "\r\n")),
                lines("CR", |text| text.replace('\n', "\r")).voices(Voice::has_events),
                lines("CR, LF and CRLF in turn", |text| {
                    let ends = ["\r\n", "\r", "\n"].into_iter().cycle();
                    text.split_inclusive('\n')
                        .zip(ends)
                        .map(|(line, end)| line.replace('\n', end))
                        .collect()
                })
                .voices(Voice::has_events),
                case("CRLF, each byte alone", |voice| {
                    let text = String::from_utf8(voice.answer(&["one", " two"]))
                        .unwrap()
                        .replace('\n', "\r\n");
                    let bytes = text
                        .into_bytes()
                        .into_iter()
                        .map(|byte| Act::Body(vec![byte]));
                    [head(voice)]
                        .into_iter()
                        .chain(bytes)
                        .chain([Act::EndBody])
                        .collect()
                })
                .voices(|voice| !voice.is_grpc())
                .keeps("one two"),
            ],
        )
        .and(
            "",
            &["sse::our_vectors_in_every_split_into_two_and_byte_by_byte"],
        ),
    ]
}

/// An answer that says “a…b” with these bytes between.
fn invalid(voice: Voice, bytes: &[u8]) -> Vec<u8> {
    let answer = voice.answer(&["a#b"]);
    let at = answer.iter().position(|byte| *byte == b'#').unwrap();
    [&answer[..at], bytes, &answer[at + 1..]].concat()
}

/// An answer whose text was changed so that it says the same.
fn lines(does: &'static str, change: impl Fn(String) -> String + Send + Sync + 'static) -> Case {
    let changed = move |voice: Voice| {
        let text = String::from_utf8(voice.answer(&["one", " two"])).unwrap();
        streams(voice, change(text))
    };
    case(does, changed)
        .voices(|voice| !voice.is_grpc())
        .keeps("one two")
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn events() -> Vec<Row> {
    vec![
        row(
            19,
            "no end mark, no finish reason",
            [
                case("the body ends after a piece of the answer", |voice| {
                    streams(voice, voice.pieces(&["Part"]))
                })
                .fails(C::Interrupted, P::Stream, UNFINISHED)
                .keeps("Part"),
                case("the body ends inside a piece of the answer", |voice| {
                    let pieces = voice.pieces(&["Part", "lost"]);
                    streams(voice, &pieces[..pieces.len() - 6])
                })
                .fails(
                    C::Interrupted,
                    P::Stream,
                    &[
                        "the stream broke off inside an event",
                        "the stream broke off inside a JSON object",
                        "the stream broke off inside a message",
                    ],
                )
                .keeps("Part"),
                case("gRPC ends without a status", |voice| {
                    vec![
                        head(voice),
                        Act::Body(voice.answer(&["Part"])),
                        Act::Trailers(Vec::new()),
                    ]
                })
                .voices(Voice::is_grpc)
                .fails(
                    C::Interrupted,
                    P::Stream,
                    &["the stream ended without a gRPC status"],
                )
                .keeps("Part"),
            ],
        ),
        row(
            20,
            "a second end mark, and data after it",
            [
                case("the end comes twice", |voice| {
                    streams(voice, [voice.answer(&["whole"]), voice.finish()].concat())
                })
                .keeps("whole"),
                case("a piece comes after the end", |voice| {
                    streams(
                        voice,
                        [voice.answer(&["whole"]), voice.piece("more")].concat(),
                    )
                })
                // Gemini has no end mark: its finish reason stands in a piece like any other.
                .voices(|voice| matches!(voice.name(), "openai-responses" | "anthropic"))
                .keeps("whole")
                .notes("behind the answer's end came: "),
                case("a piece comes after [DONE]", |voice| {
                    streams(
                        voice,
                        [voice.answer(&["whole"]), voice.piece("more")].concat(),
                    )
                })
                .voices(|voice| voice.name() == "openai-chat")
                .keeps("whole")
                .notes("data after [DONE] was ignored"),
                case("a line comes after the last one", |voice| {
                    streams(
                        voice,
                        [voice.answer(&["whole"]), voice.piece("more")].concat(),
                    )
                })
                .voices(|voice| voice.name() == "ollama")
                .keeps("whole")
                .notes("after the end"),
            ],
        ),
        row(
            21,
            "an error inside the stream",
            [
                case("an error after a piece of the answer", |voice| {
                    streams(
                        voice,
                        [
                            voice.pieces(&["Part"]),
                            voice.event(&voice.error("Out of luck")),
                        ]
                        .concat(),
                    )
                })
                .voices(|voice| !voice.is_grpc())
                .fails(C::Provider, P::Stream, SAID)
                .keeps("Part"),
                case("an error first", |voice| {
                    streams(voice, voice.event(&voice.error("Out of luck")))
                })
                .voices(|voice| !voice.is_grpc())
                .fails(C::Provider, P::FirstToken, SAID),
                case("an error of gRPC after a piece of the answer", |voice| {
                    let status = [("grpc-status", "13"), ("grpc-message", "Out of luck")];
                    let status = status.map(|(name, value)| (name, value.to_owned()));
                    vec![
                        head(voice),
                        Act::Body(voice.pieces(&["Part"])),
                        Act::Trailers(status.into()),
                    ]
                })
                .voices(Voice::is_grpc)
                .fails(C::Provider, P::Stream, SAID)
                .keeps("Part"),
            ],
        ),
        row(
            22,
            "an event that can't be read",
            [
                case("broken JSON first", |voice| {
                    streams(voice, voice.event("[1,"))
                })
                .voices(Voice::has_events)
                .fails(C::Protocol, P::FirstToken, UNREADABLE),
                case("broken JSON after a piece of the answer", |voice| {
                    streams(
                        voice,
                        [voice.pieces(&["Part"]), voice.event("[1,"), voice.finish()].concat(),
                    )
                })
                .voices(Voice::has_events)
                .fails(C::Protocol, P::Stream, UNREADABLE)
                .keeps("Part"),
                case("a line that is no JSON", |voice| {
                    streams(
                        voice,
                        [voice.pieces(&["Part"]), b"oh no\n".to_vec(), voice.finish()].concat(),
                    )
                })
                .voices(|voice| voice.name() == "ollama")
                .fails(
                    C::Protocol,
                    P::Stream,
                    &["something that is no JSON object stands where one should"],
                )
                .keeps("Part"),
                case("a message that is none", |voice| {
                    streams(voice, [voice.pieces(&["Part"]), frame(&[0xFF; 9])].concat())
                })
                .voices(Voice::is_grpc)
                .fails(
                    C::Protocol,
                    P::Stream,
                    &["this is not a Gemini response ({why})"],
                )
                .keeps("Part"),
            ],
        ),
    ]
}

/// What the provider says, word for word.
const SAID: &[&str] = &["Out of luck"];
/// How an event that can't be read is told of, in each dialect, with its begin.
pub const UNREADABLE: &[&str] = &[
    "this is not a chat completion ({why}): [{begin}",
    "an event is not a JSON object ({why}): [{begin}",
    "this is not a Gemini response ({why}): [{begin}",
    "something that is no JSON object stands where one should",
];

/// How a body that is no answer is told of, in each dialect, with its begin.
const NO_ANSWER: &[&str] = &[
    "the answer has no choice: {begin}",
    "this is not a response of this protocol: {begin}",
    "this is not a message: {begin}",
    "this is not a Gemini response: {begin}",
    "this is not an answer to a chat: {begin}",
];

fn others() -> Vec<Row> {
    const PAGE: &str = "<!doctype html><html><title>Sign in</title></html>";
    let page = |kind: &'static str| move |_| responds(200, &[("content-type", kind)], PAGE);
    let answers = |does, body: &'static str| {
        case(does, move |_| {
            responds(200, &[("content-type", "application/json")], body)
        })
    };
    vec![
        row(28, "200 with a page", [
            case("a page of HTML", page("text/html")).fails(C::Protocol, P::FirstToken, &[
                "a page came instead of an answer: <!doctype html><html><title>Sign in</title></html>",
            ]),
            case("a page that says it is a stream", move |voice: Voice| {
                responds(200, &[("content-type", voice.content_type())], PAGE)
            })
            .voices(|voice| !voice.is_grpc())
            .fails(C::Protocol, P::FirstToken, &[
                "{what}: <!doctype html><html><title>Sign in</title></html>",
            ]),
            case("plain text", |_| responds(200, &[("content-type", "text/plain")], "It works!"))
                .fails(C::Protocol, P::FirstToken, &["text came instead of an answer: It works!"]),
        ]),
        row(29, "200 with nothing", [
            answers("an empty body", "").fails(C::Protocol, P::FirstToken, &["the body is empty"]),
            answers("an empty object", "{}").fails(C::Protocol, P::FirstToken, NO_ANSWER),
            answers("null", "null").fails(C::Protocol, P::FirstToken, &["text came instead of an answer: null"]),
            answers("choices that are null", r#"{"choices":null}"#).fails(C::Protocol, P::FirstToken, NO_ANSWER),
            case("an empty stream", |voice| streams(voice, ""))
                .voices(|voice| !voice.is_grpc())
                .fails(C::Protocol, P::FirstToken, &["the body is empty"]),
        ]),
    ]
}
