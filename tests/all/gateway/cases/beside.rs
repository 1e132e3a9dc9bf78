//! What an answer of Google's has beside its text: sources, and its words on what it does not answer.

use serde_json::{Value, json};
use tokenscope::dialect::DialectId::{self, Anthropic, Gemini, OpenaiChat, OpenaiResponses};

use super::rig::{Reply, Said, question, through};

const MODEL: &str = "gemini-2.5-flash";

/// All that the client of a protocol was told at the places in its events, or in its whole answer.
fn told<'a>(events: &'a [Value], places: &[&str]) -> Vec<&'a Value> {
    let of = |event: &'a Value| places.iter().find_map(|place| event.pointer(place));
    events.iter().filter_map(of).collect()
}

async fn said(inbound: DialectId, stream: bool, reply: &Reply) -> (Said, Vec<Value>) {
    let body = question(inbound, MODEL);
    let (said, _) = through(inbound, stream, body, Gemini, reply.clone()).await;
    let events = if stream {
        said.events()
    } else {
        vec![said.json()]
    };
    (said, events)
}

#[tokio::test]
async fn sources_reach_the_client_of_each_protocol_that_has_them() {
    let reply = Reply::events(&[
        json!({ "candidates": [{ "content": { "parts": [{ "text": "Bern." }] } }] }),
        json!({ "candidates": [{ "finishReason": "STOP", "groundingMetadata": { "groundingChunks": [
            { "web": { "uri": "https://a.example", "title": "A" } },
            { "web": { "uri": "https://b.example", "title": "B" } }] },
            "citationMetadata": { "citations": [{ "uri": "https://c.example" }] } }] }),
    ]);
    let table: [(DialectId, bool, &[&str], &str); 6] = [
        (
            OpenaiChat,
            true,
            &["/choices/0/delta/annotations/0/url_citation"],
            "/url",
        ),
        (OpenaiResponses, true, &["/annotation"], "/url"),
        (Anthropic, true, &["/delta/citation"], "/url"),
        (
            OpenaiChat,
            false,
            &["/choices/0/message/annotations"],
            "/url_citation/url",
        ),
        (
            OpenaiResponses,
            false,
            &["/output/0/content/0/annotations"],
            "/url",
        ),
        (Anthropic, false, &["/content/0/citations"], "/url"),
    ];
    for (inbound, stream, places, url) in table {
        let (said, events) = said(inbound, stream, &reply).await;
        let found = told(&events, places);
        let found: Vec<&Value> = match found.as_slice() {
            [Value::Array(list)] => list.iter().collect(),
            _ => found,
        };
        let urls: Vec<Option<&str>> = found.iter().map(|f| f.pointer(url)?.as_str()).collect();
        let expected = [
            "https://a.example",
            "https://b.example",
            "https://c.example",
        ];
        assert_eq!(urls, expected.map(Some), "{inbound}: {}", said.text);
    }
}

#[tokio::test]
async fn the_words_on_what_is_not_answered_reach_the_client() {
    let words = "It would repeat a book";
    let stopped =
        json!({ "candidates": [{ "finishReason": "RECITATION", "finishMessage": words }] });
    let blocked =
        json!({ "promptFeedback": { "blockReason": "SAFETY", "blockReasonMessage": words } });
    for event in [stopped, blocked] {
        let reply = Reply::events(&[event]);
        for (inbound, places) in [
            (
                OpenaiChat,
                ["/choices/0/delta/refusal", "/choices/0/message/refusal"],
            ),
            (OpenaiResponses, ["/delta", "/output/0/content/0/refusal"]),
            (Anthropic, ["/delta/text", "/content/0/text"]),
            (DialectId::Ollama, ["/message/content", "/message/content"]),
        ] {
            for (stream, place) in [(true, places[0]), (false, places[1])] {
                let (said, events) = said(inbound, stream, &reply).await;
                let found = told(&events, &[place]);
                let found: String = found.iter().filter_map(|v| v.as_str()).collect();
                assert_eq!(found, words, "{inbound}: {}", said.text);
            }
        }
    }
}
