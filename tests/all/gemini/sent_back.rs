//! Answers that go back with the next turn: as they came, with their signatures.

use super::*;

/// Whatever was signed goes back with the same signatures in the same order, and all that was said.
#[test]
fn every_fixture_goes_back_with_its_signatures() {
    let mut signed = 0;
    for fixture in fixtures(&DIALECT) {
        let answer = answer(&decode(&DIALECT, &fixture.head, [fixture.body.as_slice()]));
        let body = String::from_utf8_lossy(&fixture.body).into_owned();
        let came = signatures(&body);
        signed += came.len();
        let mut went = signatures(&sent_back(&answer).to_string());
        went.retain(|signature| signature != "skip_thought_signature_validator");
        assert_eq!(went, came, "{}", fixture.name);
    }
    assert!(signed >= 10, "{signed}");
}

#[test]
fn signed_parts_stand_apart_from_their_neighbours() {
    let expected = json!([
        {"role": "model", "parts": [
            {"text": "A is"},
            {"text": " B", "thoughtSignature": "c2ln/+A="},
            {"text": ", so"},
            {"text": "", "thoughtSignature": "_-lastA=="},
        ]},
        {"role": "user", "parts": [{"text": "go on"}]},
    ]);
    assert_eq!(
        sent_back(&fixture("signed-thoughts"))["contents"].to_string(),
        expected.to_string()
    );
    let expected = json!([
        {"text": "Hm", "thought": true, "thoughtSignature": "dGhvdWdodA=="},
        {"text": "one"},
        {"text": " two", "thoughtSignature": "dHdv"},
    ]);
    let sent = sent_back(&fixture("signed-thought"));
    assert_eq!(
        sent["contents"][0]["parts"].to_string(),
        expected.to_string()
    );
}

#[test]
fn built_in_tools_and_drafts_go_back_word_for_word() {
    let sent = sent_back(&fixture("code-execution"));
    let expected = json!([
        {"text": "Sum: "},
        {"executableCode": {"language": "PYTHON", "code": "print(28)\n"}, "thoughtSignature": "Y29kZQ=="},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "28\n"}},
        {"text": "28."},
    ]);
    assert_eq!(
        sent["contents"][0]["parts"].to_string(),
        expected.to_string()
    );
    let sent = sent_back(&fixture("images"));
    let expected = json!([
        {"inlineData": {"mimeType": "image/png", "data": "ZHJhZnQ="}, "thought": true, "thoughtSignature": "ZHJhZnQ="},
        {"text": "Here: "},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0K"}, "thoughtSignature": "aW1n"},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v.mp4"}},
    ]);
    assert_eq!(
        sent["contents"][0]["parts"].to_string(),
        expected.to_string()
    );
}

/// Gemini 3 refuses a conversation whose signatures are not those that it gave: three turns, the first with
/// parallel calls, each decoded, kept and sent again with all before it.
#[test]
fn a_tool_conversation_keeps_every_signature() {
    let mut request = ChatRequest::of_text("gemini-3-pro-preview", "Weather and time?");
    let mut came = Vec::new();
    let result = |id: &str, content: &str| Part::ToolResult {
        id: id.into(),
        name: String::new(),
        content: content.into(),
    };
    let results = [
        // Out of order, and apart: they come home as the protocol wants them.
        vec![
            vec![result("c2", "rain")],
            vec![result("c1", r#"{"sky":"clear"}"#)],
        ],
        vec![vec![result("c3", "12:00")]],
        vec![],
    ];
    for (case, results) in ["parallel-calls", "second-turn", "third-turn"]
        .into_iter()
        .zip(results)
    {
        let body = fixtures(&DIALECT)
            .into_iter()
            .find(|f| f.name == format!("gemini {case}"));
        came.extend(signatures(&String::from_utf8(body.unwrap().body).unwrap()));
        request.messages.extend(fixture(case).message("gemini"));
        request
            .messages
            .extend(results.into_iter().map(|parts| Message {
                role: Role::Tool,
                parts,
            }));
        // As the history keeps it.
        let kept = serde_json::to_string(&request).unwrap();
        request = serde_json::from_str(&kept).unwrap();
        let sent = (DIALECT.encode)(&request).to_string();
        assert_eq!(signatures(&sent), came, "{case}");
    }
    assert_eq!(came.len(), 3);
    let big = 12_345_678_901_234_567_890_123_f64;
    let expected = json!([
        {"role": "user", "parts": [{"text": "Weather and time?"}]},
        {"role": "model", "parts": [
            {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Zürich", "n": big, "z": {"b": 1, "a": []}}}, "thoughtSignature": "UGFyaXM/+w=="},
            {"functionCall": {"id": "c2", "name": "weather", "args": {"city": "Paris"}}},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "c1", "name": "weather", "response": {"sky": "clear"}}},
            {"functionResponse": {"id": "c2", "name": "weather", "response": {"result": "rain"}}},
        ]},
        {"role": "model", "parts": [
            {"text": "Now the time."},
            {"functionCall": {"id": "c3", "name": "time", "args": {}}, "thoughtSignature": "c2Vjb25k+/A="},
        ]},
        {"role": "user", "parts": [
            {"functionResponse": {"id": "c3", "name": "time", "response": {"result": "12:00"}}},
        ]},
        {"role": "model", "parts": [{"text": "It is noon."}, {"text": "", "thoughtSignature": "dGhpcmQ_-w"}]},
    ]);
    let sent = (DIALECT.encode)(&request);
    assert_eq!(sent["contents"].to_string(), expected.to_string());
}

#[test]
fn arguments_are_kept_as_they_were_written() {
    let calls = fixture("parallel-calls").tool_calls;
    assert_eq!(
        calls[0].arguments,
        r#"{"city":"Zürich","n":12345678901234567890123,"z":{"b":1,"a":[]}}"#
    );
    let calls = fixture("streamed-arguments").tool_calls;
    let calls: Vec<_> = calls.iter().map(|c| (&*c.name, &*c.arguments)).collect();
    assert_eq!(
        calls,
        [
            (
                "read",
                r#"{"where":{"path":"/etc"},"lines":[7],"all":true}"#
            ),
            ("list", "{}"),
            ("read", "{}"),
        ]
    );
}
