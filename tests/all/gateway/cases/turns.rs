//! Cases 6, 7, 23 and 29 to 31: conversations.

use serde_json::{Value, json};
use tokenscope::chat::ChatRequest;
use tokenscope::dialect::DialectId::{
    self, Anthropic, Gemini, Ollama, OpenaiChat, OpenaiResponses,
};

use super::rig::{Reply, anthropic, asked, question, question_with, through};
use crate::dialects::{answer, decode, head};

const GEMINI_2: &str = "gemini-2.5-flash";

/// A step of three calls, whose results come in another order and with a text behind them.
fn step(inbound: DialectId) -> Value {
    let ids = ["c1", "c2", "c3"];
    let late = ["c3", "c1", "c2"];
    let user = json!({ "role": "user", "content": "Go" });
    let text = json!({ "role": "user", "content": "Well?" });
    match inbound {
        OpenaiChat => {
            let calls = ids.map(|id| json!({ "id": id, "type": "function", "function": { "name": id, "arguments": "{}" } }));
            let results =
                late.map(|id| json!({ "role": "tool", "tool_call_id": id, "content": id }));
            let mut messages = vec![
                user,
                json!({ "role": "assistant", "content": null, "tool_calls": calls }),
            ];
            messages.extend(results);
            messages.push(text);
            json!({ "model": GEMINI_2, "messages": messages })
        }
        Anthropic => {
            let calls =
                ids.map(|id| json!({ "type": "tool_use", "id": id, "name": id, "input": {} }));
            let mut results: Vec<Value> = late.map(|id| json!({ "type": "tool_result", "tool_use_id": id, "content": [{ "type": "text", "text": id }] })).into();
            results.push(json!({ "type": "text", "text": "Well?" }));
            json!({ "model": GEMINI_2, "max_tokens": 9, "messages": [user,
                { "role": "assistant", "content": calls }, { "role": "user", "content": results }] })
        }
        _ => {
            let calls = ids.map(|id| json!({ "type": "function_call", "call_id": id, "name": id, "arguments": "{}" }));
            let results = late
                .map(|id| json!({ "type": "function_call_output", "call_id": id, "output": id }));
            let mut input = vec![user];
            input.extend(calls);
            input.extend(results);
            input.push(text);
            json!({ "model": GEMINI_2, "input": input })
        }
    }
}

pub async fn results_in_order() {
    for inbound in [OpenaiChat, OpenaiResponses, Anthropic] {
        let came = asked(inbound, step(inbound), Gemini).await.body;
        let contents = came["contents"].as_array().unwrap();
        let roles: Vec<&str> = contents
            .iter()
            .map(|c| c["role"].as_str().unwrap())
            .collect();
        assert_eq!(
            roles,
            ["user", "model", "user", "user"],
            "{inbound}: {came}"
        );
        let results = ["c1", "c2", "c3"].map(|id| json!({ "functionResponse": { "id": id, "name": id, "response": { "result": id } } }));
        assert_eq!(
            contents[2]["parts"],
            Value::from(results.to_vec()),
            "{inbound}"
        );
        assert_eq!(contents[3]["parts"], json!([{ "text": "Well?" }]));
        let came = asked(inbound, step(inbound), Anthropic).await.body;
        let blocks = came["messages"][2]["content"].as_array().unwrap();
        let kinds: Vec<&str> = blocks.iter().map(|b| b["type"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            ["tool_result", "tool_result", "tool_result", "text"],
            "{inbound}: {came}"
        );
    }
}

pub async fn malformed_arguments() {
    for arguments in ["{\"city\": \"Z", "[1]", "none"] {
        let body = json!({ "model": GEMINI_2, "messages": [
            { "role": "user", "content": "Go" },
            { "role": "assistant", "content": null, "tool_calls": [{ "id": "c1", "type": "function",
                "function": { "name": "f", "arguments": arguments } }] },
            { "role": "tool", "tool_call_id": "c1", "content": "bad arguments" },
        ] });
        let came = asked(OpenaiChat, body.clone(), Gemini).await.body;
        let expected = json!([
            { "role": "user", "parts": [{ "text": "Go" }] },
            { "role": "model", "parts": [{ "functionCall": { "id": "c1", "name": "f", "args": { "arguments": arguments } } }] },
            { "role": "user", "parts": [{ "functionResponse": { "id": "c1", "name": "f", "response": { "result": "bad arguments" } } }] },
        ]);
        assert_eq!(came["contents"], expected);
        let came = asked(OpenaiChat, body, Anthropic).await.body;
        assert_eq!(
            came["messages"][1]["content"][0]["input"],
            json!({ "arguments": arguments })
        );
        assert_eq!(came["messages"][2]["content"][0]["tool_use_id"], "c1");
    }
}

pub async fn odd_conversations() {
    let say = |role: &str, text: &str| json!({ "role": role, "content": text });
    let gemini = |role: &str, texts: &[&str]| {
        let parts: Vec<Value> = texts.iter().map(|text| json!({ "text": text })).collect();
        json!({ "role": role, "parts": parts })
    };
    let table: &[(Value, Value, Value)] = &[
        // A system prompt alone is what is asked.
        (
            json!([say("system", "Be brief")]),
            json!([gemini("user", &["Be brief"])]),
            json!([say("user", "Be brief")]),
        ),
        (
            json!([say("user", "a"), say("assistant", ""), say("user", "b")]),
            json!([gemini("user", &["a", "b"])]),
            json!([{ "role": "user", "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] }]),
        ),
        (
            json!([say("user", ""), say("user", "b")]),
            json!([gemini("user", &["b"])]),
            json!([say("user", "b")]),
        ),
        (
            json!([
                say("user", "a"),
                say("assistant", "b"),
                say("assistant", "c"),
                say("user", "d"),
                say("user", "e")
            ]),
            json!([
                gemini("user", &["a"]),
                gemini("model", &["b", "c"]),
                gemini("user", &["d", "e"])
            ]),
            json!([say("user", "a"),
                { "role": "assistant", "content": [{ "type": "text", "text": "b" }, { "type": "text", "text": "c" }] },
                { "role": "user", "content": [{ "type": "text", "text": "d" }, { "type": "text", "text": "e" }] }]),
        ),
        // An answer at the end is for the model to go on with; Anthropic refuses blanks behind it.
        (
            json!([say("user", "a"), say("assistant", "So ")]),
            json!([gemini("user", &["a"]), gemini("model", &["So "])]),
            json!([say("user", "a"), say("assistant", "So")]),
        ),
    ];
    for (messages, contents, turns) in table {
        for inbound in [OpenaiChat, OpenaiResponses, Ollama, Anthropic] {
            let is_system = messages[0]["role"] == "system";
            if inbound == Anthropic && is_system {
                // It has no system message.
                continue;
            }
            let field = if inbound == OpenaiResponses {
                "input"
            } else {
                "messages"
            };
            for (target, place, expected) in [
                (Gemini, "contents", contents),
                (Anthropic, "messages", turns),
            ] {
                if inbound == target {
                    // What the client wrote goes on as it is.
                    continue;
                }
                let model = if target == Gemini {
                    GEMINI_2
                } else {
                    "claude-3-5-haiku"
                };
                let body = question_with(inbound, model, json!({ field: messages }));
                let came = asked(inbound, body, target).await.body;
                assert_eq!(came[place], *expected, "{inbound} to {target}");
                assert!(came.get("system").is_none() && came.get("systemInstruction").is_none());
            }
        }
    }
}

pub async fn no_arguments() {
    let start = |input: Value| {
        json!({ "type": "content_block_start", "index": 0,
        "content_block": { "type": "tool_use", "id": "t1", "name": "f", "input": input } })
    };
    let delta = json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "input_json_delta", "partial_json": "" } });
    let ended = |block: Vec<Value>| {
        let mut events = vec![
            json!({ "type": "message_start", "message": { "id": "m", "role": "assistant", "model": "c", "content": [] } }),
        ];
        events.extend(block);
        events.push(json!({ "type": "content_block_stop", "index": 0 }));
        events.push(json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 2 } }));
        events.push(json!({ "type": "message_stop" }));
        Reply::events(&events)
    };
    for block in [
        vec![start(json!({}))],
        vec![start(json!({})), delta.clone()],
        vec![start(json!(null)), delta],
    ] {
        for stream in [true, false] {
            let (said, _) = through(
                OpenaiChat,
                stream,
                question(OpenaiChat, "claude"),
                Anthropic,
                ended(block.clone()),
            )
            .await;
            let mut client = super::client::StrictClient::new(OpenaiChat, "claude");
            assert_eq!(client.hears(&said), [("t1".into(), "f".into(), json!({}))]);
            assert_eq!(
                said.text.matches("\"type\":\"function\"").count(),
                1,
                "{}",
                said.text
            );
        }
    }
    // The other way: empty arguments in the history.
    let body = json!({ "model": "claude", "messages": [
        { "role": "user", "content": "Go" },
        { "role": "assistant", "tool_calls": [{ "id": "c1", "type": "function", "function": { "name": "f", "arguments": "" } }] },
        { "role": "tool", "tool_call_id": "c1", "content": "x" },
    ] });
    for (target, place) in [
        (Anthropic, "/messages/1/content/0/input"),
        (Gemini, "/contents/1/parts/0/functionCall/args"),
    ] {
        let came = asked(OpenaiChat, body.clone(), target).await.body;
        assert_eq!(came.pointer(place), Some(&json!({})), "{came}");
    }
}

pub async fn thinking_in_place() {
    let blocks = json!([
        { "type": "thinking", "thinking": "", "signature": "EqQBCg==" },
        { "type": "redacted_thinking", "data": "EmwKAhgB" },
        { "type": "thinking", "thinking": "Hm", "signature": "ErUB" },
        { "type": "text", "text": "I look." },
        { "type": "tool_use", "id": "t1", "name": "f", "input": {} },
    ]);
    let messages = json!([
        { "role": "user", "content": "Go" },
        { "role": "assistant", "content": blocks },
        { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t1", "content": "x" }] },
    ]);
    let body = question_with(
        Anthropic,
        "claude-sonnet-5",
        json!({ "messages": messages }),
    );
    let came = asked(Anthropic, body.clone(), Anthropic).await.body;
    assert_eq!(came["messages"][1]["content"], blocks);
    // They come as they are, too, and go back so if the answer is read and written anew.
    let reply = anthropic(blocks.as_array().unwrap(), "tool_use");
    let text = String::from_utf8(reply.body.clone()).unwrap();
    let (said, _) = through(Anthropic, true, body, Anthropic, reply).await;
    assert_eq!(said.text, text);
    let head = head(200);
    let read = answer(&decode(Anthropic.dialect(), &head, [text.as_bytes()]));
    let mut request = ChatRequest::of_text("claude-sonnet-5", "Go");
    request.messages.extend(read.message(Anthropic.as_str()));
    let written = (Anthropic.dialect().encode)(&request);
    assert_eq!(written["messages"][1]["content"], blocks);
}

pub async fn no_empty_texts() {
    let body = json!({ "model": "claude", "messages": [
        { "role": "user", "content": "Go" },
        { "role": "assistant", "content": "", "tool_calls": [
            { "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{}" } },
            { "id": "c2", "type": "function", "function": { "name": "f", "arguments": "{}" } }] },
        { "role": "tool", "tool_call_id": "c1", "content": "" },
        { "role": "tool", "tool_call_id": "c2", "content": "x" },
        { "role": "user", "content": "" },
        { "role": "user", "content": "Well?" },
    ] });
    let came = asked(OpenaiChat, body, Anthropic).await.body;
    let expected = json!([
        { "role": "user", "content": "Go" },
        { "role": "assistant", "content": [
            { "type": "tool_use", "id": "c1", "name": "f", "input": {} },
            { "type": "tool_use", "id": "c2", "name": "f", "input": {} }] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "c1", "content": "" },
            { "type": "tool_result", "tool_use_id": "c2", "content": "x" },
            { "type": "text", "text": "Well?" }] },
    ]);
    assert_eq!(came["messages"], expected);
    // A signature behind the last text makes no empty block.
    let reply = super::rig::gemini(&[
        json!([{ "text": "Hi" }]),
        json!([{ "text": "", "thoughtSignature": "AAAA" }]),
    ]);
    for stream in [true, false] {
        let (said, _) = through(
            Anthropic,
            stream,
            question(Anthropic, GEMINI_2),
            Gemini,
            reply.clone(),
        )
        .await;
        let blocks = said.text.matches("\"type\":\"text\"").count();
        assert_eq!(blocks, 1, "{}", said.text);
    }
}
