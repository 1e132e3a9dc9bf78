//! The files of a request: which ones a protocol accepts, which ones become text of the prompt, and which ones make the
//! request fail.

use super::{Hint, TABLE, matches};
use crate::{
    chat::{ChatRequest, Media, Part},
    dialect::{DIALECTS, DialectId},
};

/// Whether a protocol accepts a file of this type, as bytes or by URL. The provider may still refuse the URL.
#[must_use]
pub fn takes(dialect: DialectId, media: &Media) -> bool {
    let Some(rule) = TABLE.media.iter().find(|rule| rule.dialect == dialect) else {
        return true;
    };
    let globs = match media.uri {
        Some(_) => &rule.by_url,
        None => &rule.accepts,
    };
    globs.iter().any(|glob| matches(glob, &media.essence()))
}

/// Why a request can't be sent in this protocol: a file of its last message would be left out. Files of earlier turns,
/// which were sent by another protocol, are left out without an error.
#[must_use]
pub fn refusal(dialect: DialectId, request: &ChatRequest) -> Option<String> {
    if request.raw_body.is_some() {
        return None;
    }
    let mut parts = request.messages.last()?.parts.iter();
    let media = parts.find_map(|part| match part {
        Part::Media(media) if !is_text(media) && !takes(dialect, media) => Some(media),
        _ => None,
    })?;
    let what = display_name(media);
    let by = dialect.dialect().label;
    let accepting: Vec<&str> = DIALECTS
        .iter()
        .filter(|other| takes(other.id, media))
        .map(|other| other.id.as_str())
        .collect();
    let advice = match accepting.as_slice() {
        [] => "convert it first".to_owned(),
        dialects => format!("use an endpoint of {}", dialects.join(", ")),
    };
    Some(format!(
        "{what} can't be sent: {by} does not accept this type of file; {advice}"
    ))
}

/// Puts text files into the prompt, and leaves out files of earlier turns that the protocol does not accept.
pub(super) fn fit(dialect: DialectId, request: &mut ChatRequest, hints: &mut Vec<Hint>) {
    let last = request.messages.len().saturating_sub(1);
    for (turn, message) in request.messages.iter_mut().enumerate() {
        let mut parts = Vec::with_capacity(message.parts.len());
        for part in message.parts.drain(..) {
            let Part::Media(media) = &part else {
                parts.push(part);
                continue;
            };
            if let Some(text) = text_of(media) {
                let text = fenced(&media.name, text, parts.is_empty());
                parts.push(Part::Text { text });
            } else if takes(dialect, media) {
                parts.push(part);
            } else if turn < last {
                hints.push(Hint {
                    setting: display_name(media),
                    sent_as: None,
                    why: format!(
                        "{} does not accept this type of file",
                        dialect.dialect().label
                    ),
                });
            }
        }
        message.parts = parts;
    }
}

/// A file's name and type.
fn display_name(media: &Media) -> String {
    if media.name.is_empty() {
        media.essence()
    } else {
        format!("{} ({})", media.name, media.essence())
    }
}

/// Whether a file becomes text of the prompt.
fn is_text(media: &Media) -> bool {
    media.uri.is_none() && media.essence().starts_with("text/") && media.data.is_utf8()
}

fn text_of(media: &Media) -> Option<&str> {
    let text = || std::str::from_utf8(&media.data).ok();
    is_text(media).then(text).flatten()
}

/// A file as a code block under its name. The fence is longer than any fence in the file.
fn fenced(name: &str, text: &str, is_first: bool) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    let plain = |c: char| c.is_ascii_alphanumeric();
    let (_, ending) = name.rsplit_once('.').unwrap_or_default();
    let ending = if ending.chars().all(plain) {
        ending
    } else {
        ""
    };
    let (gap, name) = (
        if is_first { "" } else { "\n\n" },
        if name.is_empty() { "file" } else { name },
    );
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{gap}{name}:\n{fence}{ending}\n{text}{end}{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{chat::Message, endpoint::Endpoint, exchange::call::raw_body};

    fn media(mime: &str, uri: Option<&str>) -> Media {
        Media {
            mime: mime.into(),
            data: if uri.is_some() {
                b"".as_slice()
            } else {
                b"some `` text".as_slice()
            }
            .into(),
            uri: uri.map(str::to_owned),
            name: "notes.md".into(),
        }
    }

    fn asked(media: Media) -> ChatRequest {
        let mut request = ChatRequest::of_text("m", "Look");
        request.messages[0].parts.push(Part::Media(media));
        request
    }

    /// The type, whether it is given by URL, and the protocols that accept it as a file.
    const ACCEPTED: &[(&str, bool, &[DialectId])] = {
        use DialectId::{Anthropic, Gemini, Ollama, OpenaiChat, OpenaiResponses, VertexGrpc};
        &[
            ("image/png", false, DialectId::ALL),
            ("image/png", true, DialectId::ALL),
            (
                "application/pdf",
                false,
                &[OpenaiChat, OpenaiResponses, Anthropic, Gemini, VertexGrpc],
            ),
            (
                "application/pdf",
                true,
                &[OpenaiChat, OpenaiResponses, Anthropic, Gemini, VertexGrpc],
            ),
            ("video/mp4", false, &[Gemini, VertexGrpc]),
            (
                "video/mp4",
                true,
                &[OpenaiChat, Anthropic, Gemini, VertexGrpc],
            ),
            (
                "audio/wav",
                false,
                &[OpenaiChat, OpenaiResponses, Gemini, VertexGrpc],
            ),
            (
                "audio/wav",
                true,
                &[OpenaiChat, Anthropic, Gemini, VertexGrpc],
            ),
            ("text/plain", false, &[]),
            (
                "text/plain",
                true,
                &[OpenaiChat, OpenaiResponses, Anthropic, Gemini, VertexGrpc],
            ),
            ("text/csv", false, &[]),
            ("image/png; x", false, DialectId::ALL),
            (
                "application/x-odd",
                true,
                &[OpenaiChat, OpenaiResponses, Anthropic, Gemini, VertexGrpc],
            ),
            (
                "image/heic",
                true,
                &[
                    OpenaiChat,
                    OpenaiResponses,
                    Anthropic,
                    Gemini,
                    VertexGrpc,
                    Ollama,
                ],
            ),
        ]
    };

    #[test]
    fn every_dialect_has_a_rule() {
        for dialect in DialectId::ALL {
            let rules = TABLE.media.iter().filter(|rule| rule.dialect == *dialect);
            assert_eq!(rules.count(), 1, "{dialect}");
        }
    }

    #[test]
    fn a_file_is_sent_as_a_file_or_as_text_or_the_request_fails() {
        for (mime, by_url, accepted_by) in ACCEPTED {
            for dialect in DialectId::ALL {
                let what = format!("{mime} {by_url} {dialect}");
                let given = media(mime, by_url.then_some("https://h/notes.md"));
                let request = asked(given.clone());
                let (fitted, hints) = super::super::fit(*dialect, &request);
                let is_text = mime.starts_with("text/") && !by_url;
                let is_accepted = accepted_by.contains(dialect);
                assert!(is_text || takes(*dialect, &given) == is_accepted, "{what}");
                let refused = refusal(*dialect, &request);
                assert_eq!(
                    refused.is_none(),
                    is_accepted || is_text,
                    "{what}: {refused:?}"
                );
                assert!(hints.is_empty(), "{what}");
                match &fitted.messages[0].parts[1..] {
                    [Part::Media(_)] => assert!(is_accepted, "{what}"),
                    [Part::Text { text }] => {
                        assert!(is_text && !is_accepted, "{what}");
                        assert_eq!(text, "\n\nnotes.md:\n```md\nsome `` text\n```\n");
                    }
                    parts => assert!(parts.is_empty() && refused.is_some(), "{what}: {parts:?}"),
                }
            }
        }
    }

    /// A dialect writes every file that the table says it accepts.
    #[test]
    fn accepted_files_are_in_the_body() {
        for (mime, by_url, accepted_by) in ACCEPTED {
            for dialect in DialectId::ALL {
                let given = media(mime, by_url.then_some("https://h/notes.md"));
                let is_text = mime.starts_with("text/") && !by_url;
                if !accepted_by.contains(dialect) && !is_text {
                    continue;
                }
                let base = "http://127.0.0.1:1/v1".parse().unwrap();
                let endpoint = Endpoint::custom("e", base, *dialect);
                let body = raw_body(&endpoint, &asked(given)).to_string();
                let mark = match (by_url, is_text) {
                    (true, _) => "https://h/notes.md",
                    (false, true) => "some `` text",
                    (false, false) => "{{file 1}}",
                };
                // The gRPC message is made from JSON with the full base64.
                let base64 = "c29tZSBgYCB0ZXh0";
                let is_there = body.contains(mark) || (!is_text && body.contains(base64));
                assert!(is_there, "{mime} {dialect}: {body}");
            }
        }
    }

    #[test]
    fn a_refusal_names_the_dialects_that_accept_the_file() {
        let request = asked(media("video/mp4", None));
        assert_eq!(
            refusal(DialectId::Ollama, &request).unwrap(),
            "notes.md (video/mp4) can't be sent: Ollama does not accept this type of file; use an endpoint of gemini, vertex-grpc"
        );
    }

    #[test]
    fn a_file_of_an_earlier_turn_is_left_out_with_a_note() {
        let mut request = asked(media("video/mp4", None));
        request
            .messages
            .extend([Message::assistant("A film"), Message::user("Of what?")]);
        assert_eq!(refusal(DialectId::Ollama, &request), None);
        let (fitted, hints) = super::super::fit(DialectId::Ollama, &request);
        assert_eq!(fitted.messages[0].parts.len(), 1);
        assert_eq!(
            hints[0].note().unwrap().text,
            "not sent: notes.md (video/mp4) (Ollama does not accept this type of file)"
        );
    }

    #[test]
    fn a_fence_is_longer_than_those_in_the_text() {
        let text = fenced("a.b/c", "x\n````\ny\n", true);
        assert_eq!(text, "a.b/c:\n`````\nx\n````\ny\n`````\n");
    }
}
