//! Requests as Google documents them.

use super::*;

fn request(json: Value) -> ChatRequest {
    serde_json::from_value(json).unwrap()
}

/// Vertex AI refuses a request that has an id in it, be it one of the Gemini API or of another provider.
#[test]
fn ids_of_calls_do_not_go_to_vertex() {
    let asked = request(json!({"messages": [
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "c1", "name": "f", "arguments": "{\"id\":1}"},
            {"type": "tool_call", "id": "c2", "name": "f", "arguments": "{\"id\":2}"}]},
        {"role": "tool", "parts": [
            {"type": "tool_result", "id": "c2", "name": "", "content": "{\"id\":2}"},
            {"type": "tool_result", "id": "c1", "name": "", "content": "{\"id\":1}"}]}]}));
    let sent_to = |base: &str| {
        let endpoint = Endpoint::custom("e", base.parse().unwrap(), DialectId::Gemini);
        raw_body(&endpoint, &asked)["contents"].to_string()
    };
    let vertex = json!([
        {"role": "model", "parts": [
            {"functionCall": {"name": "f", "args": {"id": 1}}},
            {"functionCall": {"name": "f", "args": {"id": 2}}}]},
        {"role": "user", "parts": [
            {"functionResponse": {"name": "f", "response": {"id": 1}}},
            {"functionResponse": {"name": "f", "response": {"id": 2}}}]},
    ]);
    for base in [
        "https://l-aiplatform.googleapis.com/v1/projects/p/locations/l",
        "https://aiplatform.googleapis.com/v1",
        "http://gateway/vertex/v1/projects/p/locations/l",
    ] {
        assert_eq!(sent_to(base), vertex.to_string(), "{base}");
    }
    let gemini = sent_to("https://generativelanguage.googleapis.com/v1beta");
    assert_eq!(gemini.matches(r#""id":"c1""#).count(), 2, "{gemini}");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn requests_are_written_as_google_documents_them() {
    let user = json!({"role": "user", "parts": [{"type": "text", "text": "hi"}]});
    let hi = json!({"role": "user", "parts": [{"text": "hi"}]});
    let call = |id: &str, arguments: &str| json!({"type": "tool_call", "id": id, "name": "f", "arguments": arguments});
    let signature = |by: &str| json!({"type": "signature", "dialect": by, "value": "c2ln"});
    let table = [
        (
            "nothing that was not asked for",
            json!({"model": "m", "system": "", "messages": [user]}),
            json!({"contents": [hi]}),
        ),
        (
            "all settings",
            json!({"model": "gemini-2.5-flash", "system": "be brief", "messages": [user],
                "params": {"temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "seed": -1, "stop": ["END"],
                    "reasoning_effort": "low", "extra": {"generationConfig": {"seed": null, "topK": 40}, "labels": {"a": "b"}},
                    "response_format": {"type": "json_schema", "name": "s", "schema": {"type": "string"}, "strict": true}},
                "tools": [{"name": "f", "description": "does f", "parameters": {"type": "object"}}, {"name": "g", "parameters": {}}]}),
            json!({
                "systemInstruction": {"parts": [{"text": "be brief"}]},
                "contents": [hi],
                "tools": [{"functionDeclarations": [
                    {"name": "f", "description": "does f", "parametersJsonSchema": {"type": "object"}},
                    {"name": "g", "parametersJsonSchema": {}},
                ]}],
                "generationConfig": {"temperature": 0.5, "topP": 0.9, "maxOutputTokens": 7, "stopSequences": ["END"],
                    "responseMimeType": "application/json", "responseJsonSchema": {"type": "string"},
                    "thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": true}, "topK": 40},
                "labels": {"a": "b"},
            }),
        ),
        (
            "any JSON object; a level for Gemini 3",
            json!({"model": "models/gemini-3-pro", "messages": [user],
                "params": {"reasoning_effort": "high", "response_format": {"type": "json_object"}}}),
            json!({"contents": [hi], "generationConfig": {"responseMimeType": "application/json",
                "thinkingConfig": {"thinkingLevel": "high", "includeThoughts": true}}}),
        ),
        (
            "files, named or carried",
            json!({"messages": [{"role": "user", "parts": [
                {"type": "media", "mime": "image/png", "data": "AQID", "name": "secret.png"},
                {"type": "media", "mime": "video/mp4", "data": "", "uri": "gs://b/v.mp4"},
                {"type": "media", "mime": "", "data": "", "uri": "https://youtu.be/x"},
                {"type": "text", "text": ""},
            ]}]}),
            json!({"contents": [{"role": "user", "parts": [
                {"inlineData": {"mimeType": "image/png", "data": "AQID"}},
                {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v.mp4"}},
                {"fileData": {"fileUri": "https://youtu.be/x"}},
            ]}]}),
        ),
        (
            "turns of one speaker are joined, results stand alone, odd arguments are kept",
            json!({"model": "gemini-2.5-pro", "messages": [user, user,
                {"role": "assistant", "parts": []},
                {"role": "assistant", "parts": [{"type": "text", "text": "calling"}, call("c1", ""), call("", "[1]")]},
                {"role": "user", "parts": [
                    {"type": "text", "text": "and?"},
                    {"type": "tool_result", "id": "c1", "name": "", "content": "[1]"},
                    {"type": "tool_result", "id": "", "name": "f", "content": "{\"a\":1}"}]},
                {"role": "assistant", "parts": [{"type": "text", "text": "done"}]}, 
                {"role": "user", "parts": []}]}),
            json!({"contents": [
                {"role": "user", "parts": [{"text": "hi"}, {"text": "hi"}]},
                {"role": "model", "parts": [{"text": "calling"},
                    {"functionCall": {"id": "c1", "name": "f", "args": {}}},
                    {"functionCall": {"name": "f", "args": {"arguments": "[1]"}}}]},
                {"role": "user", "parts": [
                    {"functionResponse": {"id": "c1", "name": "f", "response": {"result": "[1]"}}},
                    {"functionResponse": {"name": "f", "response": {"a": 1}}}]},
                {"role": "user", "parts": [{"text": "and?"}]},
                {"role": "model", "parts": [{"text": "done"}]},
                {"role": "user", "parts": [{"text": ""}]},
            ]}),
        ),
        (
            "what another dialect signed or hid stays here; Gemini 3 is told that a call is unsigned",
            json!({"model": "gemini-3-flash", "messages": [user,
                {"role": "assistant", "parts": [
                    {"type": "reasoning", "text": "Hm"}, signature("anthropic"),
                    {"type": "opaque", "dialect": "anthropic", "kind": "redacted_thinking", "raw": "{}"},
                    call("c1", "{}"), call("c2", "{}")]},
                {"role": "tool", "parts": [{"type": "tool_result", "id": "c1", "name": "f", "content": "1"}]},
                {"role": "assistant", "parts": [
                    {"type": "reasoning", "text": "Hm"}, signature("gemini"), call("c3", "{}"), signature("gemini"),
                    {"type": "opaque", "dialect": "gemini", "kind": "toolCall", "raw": "{\"toolCall\":{\"id\":\"x\"}}"},
                    {"type": "opaque", "dialect": "gemini", "kind": "toolCall", "raw": "broken"}]}]}),
            json!({"contents": [
                hi,
                {"role": "model", "parts": [
                    {"functionCall": {"id": "c1", "name": "f", "args": {}}, "thoughtSignature": "skip_thought_signature_validator"},
                    {"functionCall": {"id": "c2", "name": "f", "args": {}}}]},
                {"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "f", "response": {"result": "1"}}}]},
                {"role": "model", "parts": [
                    {"text": "Hm", "thought": true, "thoughtSignature": "c2ln"},
                    {"functionCall": {"id": "c3", "name": "f", "args": {}}, "thoughtSignature": "c2ln"},
                    {"toolCall": {"id": "x"}}]},
            ]}),
        ),
    ];
    for (case, asked, expected) in table {
        let written = (DIALECT.encode)(&request(asked));
        assert_eq!(written.to_string(), expected.to_string(), "{case}");
    }
}
