//! Case 24: files.

use serde_json::{Value, json};
use tokenscope::dialect::DialectId::{Anthropic, Gemini, OpenaiChat, OpenaiResponses};

use super::rig::{asked, gemini, question_with, through};

const GEMINI_2: &str = "gemini-2.5-flash";

#[expect(clippy::too_many_lines, reason = "a table")]
pub async fn files() {
    let png = "iVBORw0KGgo=";
    let pdf = "JVBERi0xLjQK";
    let user = |parts: Value| json!([{ "role": "user", "content": parts }]);
    let url = |kind: &str, url: &str| json!({ "type": kind, kind: { "url": url } });
    let chat =
        |parts: Value| question_with(OpenaiChat, GEMINI_2, json!({ "messages": user(parts) }));
    let inline =
        |mime: &str, data: &str| json!({ "inlineData": { "mimeType": mime, "data": data } });
    let at = |mime: &str, uri: &str| json!({ "fileData": { "mimeType": mime, "fileUri": uri } });
    for (part, expected) in [
        (
            url("image_url", &format!("data:image/png;base64,{png}")),
            inline("image/png", png),
        ),
        // The data says what it is where its label is wrong, or says nothing.
        (
            url("image_url", &format!("data:image/jpeg;base64,{png}")),
            inline("image/png", png),
        ),
        (
            url(
                "image_url",
                &format!("data:application/octet-stream;base64,{pdf}"),
            ),
            inline("application/pdf", pdf),
        ),
        (
            url("image_url", &format!("data:;base64,{png}")),
            inline("image/png", png),
        ),
        (
            url("image_url", "https://h/a.webp"),
            at("image/webp", "https://h/a.webp"),
        ),
        (
            url("image_url", "gs://b/a.pdf"),
            at("application/pdf", "gs://b/a.pdf"),
        ),
        (
            url("image_url", "gs://b/film.mp4"),
            at("video/mp4", "gs://b/film.mp4"),
        ),
        (
            url("video_url", "gs://b/film.mp4"),
            at("video/mp4", "gs://b/film.mp4"),
        ),
        (
            json!({ "type": "input_audio", "input_audio": { "data": "AAAA", "format": "mp3" } }),
            inline("audio/mpeg", "AAAA"),
        ),
        (
            json!({ "type": "file", "file": { "filename": "a.pdf", "file_data": format!("data:application/pdf;base64,{pdf}") } }),
            inline("application/pdf", pdf),
        ),
    ] {
        let came = asked(
            OpenaiChat,
            chat(json!([{ "type": "text", "text": "Look" }, part])),
            Gemini,
        )
        .await
        .body;
        let parts = &came["contents"][0]["parts"];
        assert_eq!(*parts, json!([{ "text": "Look" }, expected]), "{part}");
    }
    // Nobody knows what this is.
    let unknown = chat(json!([url("image_url", "gs://b/a")]));
    let (said, _) = through(OpenaiChat, true, unknown, Gemini, gemini(&[])).await;
    assert_eq!(said.status, 400, "{}", said.text);
    assert!(said.text.contains("gs://b/a"), "{}", said.text);
    let document = json!([{ "type": "document", "source": { "type": "base64", "media_type": "application/pdf", "data": pdf } }]);
    let body = question_with(Anthropic, GEMINI_2, json!({ "messages": user(document) }));
    let came = asked(Anthropic, body, Gemini).await.body;
    assert_eq!(
        came["contents"][0]["parts"][0],
        inline("application/pdf", pdf)
    );
    // A film is not left out where it can't go: it is refused.
    let film = chat(json!([url("video_url", "https://h/film.mp4")]));
    let (said, _) = through(OpenaiChat, true, film, OpenaiResponses, gemini(&[])).await;
    assert!(
        said.status == 400 && said.text.contains("film.mp4"),
        "{said:?}"
    );
}
