//! Answers that go back with the next turn: as they came.

use super::*;

/// What came goes back: signatures byte for byte, blocks in their order, items as they were.
#[test]
fn an_answer_goes_back_as_it_came() {
    let content = |name: &str| {
        let mut request = ChatRequest::of_text("m", "hi");
        request
            .messages
            .extend(fixture(name).message(DIALECT.id.as_str()));
        encoded(&request)["messages"][1]["content"].clone()
    };
    assert_eq!(
        content("thinking"),
        json!([
            {"type": "thinking", "thinking": "Hm, yes.", "signature": "c2lnbmF0dXJlLTE+/w=="},
            {"type": "text", "text": "Yes."},
        ])
    );
    assert_eq!(
        content("thinking-hidden"),
        json!([
            {"type": "thinking", "thinking": "", "signature": "c2VjcmV0LTE="},
            {"type": "redacted_thinking", "data": "ZW5jcnlwdGVk+/="},
            {"type": "thinking", "thinking": "", "signature": "c2VjcmV0LTI="},
            {"type": "text", "text": "Done."},
            {"type": "thinking", "thinking": "Once more.", "signature": "c2VjcmV0LTM="},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
        ])
    );
    assert_eq!(
        content("interleaved"),
        json!([
            {"type": "text", "text": "one "},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}},
            {"type": "text", "text": "two"},
        ]),
        "a turn must not end in thoughts"
    );
    let items = content("web-search");
    assert_eq!(items[0]["input"], json!({"query": "weather"}));
    assert_eq!(items[1]["content"][0]["encrypted_content"], "RW5j");
    assert_eq!(items[2]["text"], "It is 20 °C.");
    assert_eq!(items[2]["citations"][0]["encrypted_index"], "SWR4");
    assert_eq!(items[3]["text"], " Warm.");
    assert_eq!(items[3]["citations"][0]["document_index"], 0);
    assert_eq!(items[3]["citations"][1]["type"], "search_result_location");
    assert_eq!(
        content("called-by-code"),
        json!([
            {"type": "text", "text": "Let me see."},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "code_execution", "input": {"code": "await f()"}},
            {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1},
             "caller": {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}},
            {"type": "tool_use", "id": "toolu_2", "name": "left_click", "input": {},
             "caller": {"type": "direct"}, "toolset_name": "computer"},
        ])
    );
}

/// The blocks of a recorded message, put together by the rules of the protocol's page alone.
fn recorded_blocks(body: &str) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: BTreeMap<usize, String> = BTreeMap::new();
    let lines = body.lines().filter_map(|line| line.strip_prefix("data:"));
    for event in lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let at = event["index"]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok());
        match (event["type"].as_str(), at) {
            (Some("message_start"), _) if blocks.is_empty() => {
                blocks.extend(event["message"]["content"].as_array().unwrap().clone());
            }
            (Some("content_block_start"), _) => blocks.push(event["content_block"].clone()),
            (Some("content_block_delta"), Some(at)) => {
                for (name, value) in event["delta"].as_object().unwrap() {
                    match (name.as_str(), value) {
                        ("type", _) | (_, Value::Null) => {}
                        ("partial_json", json) => {
                            inputs
                                .entry(at)
                                .or_default()
                                .push_str(json.as_str().unwrap());
                        }
                        ("citation", citation) => match &mut blocks[at]["citations"] {
                            Value::Array(all) => all.push(citation.clone()),
                            none => *none = json!([citation]),
                        },
                        (name, text) => {
                            let begun = blocks[at][name].as_str().unwrap_or_default();
                            blocks[at][name] = format!("{begun}{}", text.as_str().unwrap()).into();
                        }
                    }
                }
            }
            _ => {}
        }
    }
    for (at, input) in inputs.into_iter().filter(|(_, input)| !input.is_empty()) {
        let whole = serde_json::from_str(&input);
        blocks[at]["input"] = whole.unwrap_or_else(|_| json!({"arguments": input}));
    }
    blocks
}

/// What of those the next request must hold: plain neighbours may be one text; a text of blanks is refused.
fn to_go_back(blocks: Vec<Value>) -> Vec<Value> {
    let plain = |block: &Value| block["type"] == "text" && block.get("citations").is_none();
    let mut kept: Vec<Value> = Vec::new();
    for mut block in blocks {
        if block["type"] == "text"
            && matches!(&block["citations"], Value::Array(all) if all.is_empty())
        {
            block.as_object_mut().unwrap().remove("citations");
        }
        match kept.last_mut() {
            Some(last) if plain(last) && plain(&block) => {
                let joined = [&last["text"], &block["text"]].map(|text| text.as_str().unwrap());
                last["text"] = joined.concat().into();
            }
            _ => kept.push(block),
        }
    }
    kept.retain(|block| {
        let blank = block["text"]
            .as_str()
            .is_some_and(|text| text.trim().is_empty());
        let unsigned = block["type"] == "thinking" && block["signature"] == "";
        !blank && !unsigned
    });
    kept
}

/// Every recorded answer goes back as it came: blocks, signatures, citations and callers, in order.
#[test]
fn recorded_answers_go_back_as_they_came() {
    let Some(folder) = wire_folder() else { return };
    let mut compared = 0;
    for (path, head) in recordings(&folder, "anthropic-messages") {
        // The others hold several messages.
        if !path.with_extension("expected.json").exists() {
            continue;
        }
        let body = fs::read_to_string(&path).unwrap();
        let answer = answer(&decode(&head, [body.as_bytes()]));
        if answer.fault.is_some() {
            continue;
        }
        let mut request = ChatRequest::of_text("m", "hi");
        request.messages.extend(answer.message("anthropic"));
        request.messages.push(Message::user("and?"));
        let written = match &encoded(&request)["messages"][1]["content"] {
            Value::String(text) => json!([{"type": "text", "text": text}]),
            blocks => blocks.clone(),
        };
        let expected = to_go_back(recorded_blocks(&body));
        assert_eq!(written, json!(expected), "{}", path.display());
        compared += 1;
    }
    println!("{compared} answers went back");
    assert!(compared >= 30);
}

/// What Anthropic said beside its blocks goes to no other dialect, and takes nothing from what does.
#[test]
fn what_was_said_beside_a_block_stays_with_its_dialect() {
    for name in ["web-search", "called-by-code"] {
        let mut request = ChatRequest::of_text("m", "hi");
        request.messages.extend(fixture(name).message("anthropic"));
        for dialect in DIALECTS.iter().filter(|d| d.id != DIALECT.id) {
            let written = (dialect.encode)(&request).to_string();
            for word in ["encrypted_index", "citations", "caller", "toolset_name"] {
                assert!(!written.contains(word), "{} {name}: {written}", dialect.id);
            }
        }
    }
}
