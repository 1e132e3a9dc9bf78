//! The `vertex-grpc` dialect's messages: requests against their JSON, answers against what REST gives for the
//! same, conversations that go back as they came.

use std::{fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use googleapis_tonic_google_cloud_aiplatform_v1::google::cloud::aiplatform::v1::{
    GenerateContentRequest, part::Data,
};
use prost::Message as _;
use prost_types::value::Kind;
use serde_json::{Value, json};
use tokenscope::{
    body::ResponseHead,
    chat::{ChatRequest, Files, Message, Part, Role},
    dialect::{gemini, vertex_grpc::DIALECT},
    event::{Event, FinishReason},
};

use crate::{
    dialects::{answer, decode, fixtures},
    grpc_messages::{body, frame, response},
    grpc_server,
};

const PLACE: &str = "v1/projects/p/locations/l";

fn request(json: Value) -> ChatRequest {
    serde_json::from_value(json).unwrap()
}

/// The message of a request, without its header.
fn written(request: &ChatRequest) -> Result<(GenerateContentRequest, Vec<String>), String> {
    let tokenscope::dialect::WireFormat::Grpc(grpc) = DIALECT.wire else {
        panic!()
    };
    let base = format!("https://l-aiplatform.googleapis.com/{PLACE}");
    let files = Files::of(request);
    let message = (grpc.message)(
        (DIALECT.encode)(&files.marked(request.clone())),
        &files,
        &base.parse().unwrap(),
        &request.model,
    )?;
    let length = u32::from_be_bytes(message.framed[1..5].try_into().unwrap());
    assert_eq!(
        (message.framed[0], length as usize + 5),
        (0, message.framed.len())
    );
    let decoded = GenerateContentRequest::decode(&message.framed[5..]).unwrap();
    Ok((decoded, message.notes))
}

// --- requests -----------------------------------------------------------------------------------------

/// A request with every setting and every kind of part.
fn everything() -> ChatRequest {
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
    let arguments = r#"{"n":7,"b":[null,true,"é"]}"#;
    request(json!({
        "model": "gemini-2.5-flash", "system": "be brief",
        "messages": [
            {"role": "user", "parts": [{"type": "text", "text": "hi"},
                {"type": "media", "mime": "image/png", "data": "AQID"},
                {"type": "media", "mime": "video/mp4", "data": "", "uri": "gs://b/v.mp4"}]},
            {"role": "assistant", "parts": [
                {"type": "tool_call", "id": "made-call-1-r1", "name": "f", "arguments": arguments},
                {"type": "signature", "dialect": "vertex-grpc", "value": "c2ln/+A="}]},
            {"role": "tool", "parts": [
                {"type": "tool_result", "id": "made-call-1-r1", "name": "f", "content": "12"}]}],
        "params": {"temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "seed": -1, "stop": ["END"],
            "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "name": "s", "schema": {"type": "string"}, "strict": true},
            "extra": {
                "generationConfig": {
                    "topK": 40, "responseModalities": ["text"], "mediaResolution": "MEDIA_RESOLUTION_LOW"},
                "labels": {"a": "b"}, "cachedContent": "c",
                "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
                "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}}}},
        "tools": [{"name": "f", "description": "does f", "parameters": schema}],
    }))
}

#[test]
fn every_setting_is_in_the_message() {
    let (message, notes) = written(&everything()).unwrap();
    assert_eq!(notes, Vec::<String>::new());
    assert_eq!(
        message.model,
        "projects/p/locations/l/publishers/google/models/gemini-2.5-flash"
    );
    let config = message.generation_config.unwrap();
    assert_eq!(
        (config.temperature, config.top_p, config.top_k),
        (Some(0.5), Some(0.9), Some(40.0))
    );
    assert_eq!((config.max_output_tokens, config.seed), (Some(7), Some(-1)));
    assert_eq!(config.stop_sequences, ["END"]);
    assert_eq!(
        (config.response_modalities, config.media_resolution),
        (vec![1], Some(1))
    );
    assert_eq!(config.response_mime_type, "application/json");
    assert!(config.response_json_schema.is_some());
    let thinking = config.thinking_config.unwrap();
    assert_eq!(
        (thinking.thinking_budget, thinking.include_thoughts),
        (Some(1024), Some(true))
    );
    assert_eq!(
        (
            message.labels["a"].as_str(),
            message.cached_content.as_str()
        ),
        ("b", "c")
    );
    let safety = &message.safety_settings[0];
    assert_eq!((safety.category, safety.threshold), (3, 4));
    let calling = message
        .tool_config
        .unwrap()
        .function_calling_config
        .unwrap();
    assert_eq!(
        (calling.mode, calling.allowed_function_names.as_slice()),
        (2, &["f".to_owned()][..])
    );
    let function = &message.tools[0].function_declarations[0];
    assert_eq!(
        (function.name.as_str(), function.description.as_str()),
        ("f", "does f")
    );
    assert!(function.parameters_json_schema.is_some());
}

#[test]
fn every_part_is_in_the_message() {
    let (message, _) = written(&everything()).unwrap();
    let roles: Vec<&str> = message
        .contents
        .iter()
        .map(|content| content.role.as_str())
        .collect();
    assert_eq!(roles, ["user", "model", "user"]);
    let data = |at: usize, part: usize| message.contents[at].parts[part].data.clone().unwrap();
    let system = &message.system_instruction.as_ref().unwrap().parts[0];
    assert_eq!(system.data, Some(Data::Text("be brief".into())));
    assert_eq!(data(0, 0), Data::Text("hi".into()));
    assert!(
        matches!(data(0, 1), Data::InlineData(file) if file.mime_type == "image/png" && *file.data == [1, 2, 3])
    );
    assert!(matches!(data(0, 2), Data::FileData(file) if file.file_uri == "gs://b/v.mp4"));
    let Data::FunctionCall(call) = data(1, 0) else {
        panic!()
    };
    let args = call.args.unwrap().fields;
    assert_eq!(
        (call.name.as_str(), args["n"].kind.clone()),
        ("f", Some(Kind::NumberValue(7.0)))
    );
    assert!(matches!(&args["b"].kind, Some(Kind::ListValue(list)) if list.values.len() == 3));
    let signature = &message.contents[1].parts[0].thought_signature;
    assert_eq!(*signature, STANDARD.decode("c2ln/+A=").unwrap());
    let Data::FunctionResponse(result) = data(2, 0) else {
        panic!()
    };
    let fields = result.response.unwrap().fields;
    assert_eq!(
        (result.name.as_str(), fields["result"].kind.clone()),
        ("f", Some(Kind::StringValue("12".into())))
    );
}

#[test]
fn nothing_is_left_out_unsaid() {
    let asked = |extra: Value| {
        request(json!({"model": "gemini-3-pro", "params": {"extra": extra},
            "messages": [{"role": "user", "parts": [{"type": "text", "text": "hi"}]}]}))
    };
    for (extra, said) in [
        (
            json!({"generationConfig": {"topZ": 1}}),
            "“generationConfig.topZ” can't be sent by gRPC",
        ),
        (json!({"store": true}), "“store” can't be sent by gRPC"),
        (
            json!({"tools": [{"googleSearch": {}}, {"retrieval": {"externalApi": {}}}]}),
            "“tools[1].retrieval.externalApi” can't be sent by gRPC",
        ),
        (
            json!({"contents": [{"parts": [{"videoMetadata": {"startOffset": "soon"}}]}]}),
            "contents[0].parts[0].videoMetadata.startOffset: “soon” is not a duration",
        ),
        (
            json!({"generationConfig": {"seed": 5_000_000_000_i64}}),
            "generationConfig.seed: ",
        ),
        (
            json!({"generationConfig": {"thinkingConfig": {"thinkingLevel": "utter"}}}),
            "generationConfig.thinkingConfig.thinkingLevel: gRPC has no value “utter”",
        ),
        (
            json!({"contents": [{"parts": [{"text": "a", "inlineData": {}}]}]}),
            "can't both be set",
        ),
        (
            json!({"contents": [3]}),
            "contents[0] must be a JSON object",
        ),
        (
            json!({"contents": [{"parts": [{"inlineData": {"data": "%"}}]}]}),
            "inlineData.data is not base64",
        ),
    ] {
        let error = written(&asked(extra)).unwrap_err();
        assert!(error.contains(said), "{said}: {error}");
    }
    let tools = json!({"tools": [{"googleSearch": {}}, {"codeExecution": {}}, {"urlContext": {}},
        {"googleMaps": {"enableWidget": true}}, {"functionDeclarations": [{"name": "f", "parameters": {
            "type": "object", "properties": {"a": {"type": "STRING", "enum": ["x"]}, "b": {"type": "array",
            "items": {"type": "number"}, "minItems": "2"}}, "required": ["a"]}}]}]});
    let (message, _) = written(&asked(tools)).unwrap();
    assert!(message.tools[0].google_search.is_some() && message.tools[1].code_execution.is_some());
    let schema = message.tools[4].function_declarations[0]
        .parameters
        .as_ref()
        .unwrap();
    assert_eq!((schema.r#type, schema.properties["b"].min_items), (6, 2));

    let result = json!({"type": "tool_result", "id": "c", "name": "f", "content": "{\"id\": 9007199254740993}"});
    let big = json!({"model": "gemini-3-pro", "messages": [{"role": "tool", "parts": [result]}]});
    let (_, notes) = written(&request(big)).unwrap();
    assert!(notes[0].contains("beyond 2^53 was rounded"), "{notes:?}");
}

#[test]
fn rarer_settings_are_in_the_message() {
    let extra = json!({
        "contents": [{"role": "user", "parts": [{"fileData": {"fileUri": "gs://b/v.mp4"},
            "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"},
            "videoMetadata": {"startOffset": "1.5s", "endOffset": "9s", "fps": 2.0}}]}],
        "generationConfig": {
            "routingConfig": {"autoMode": {"modelRoutingPreference": "BALANCED"}},
            "speechConfig": {"multiSpeakerVoiceConfig": {"speakerVoiceConfigs": [
                {"speaker": "Ada", "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}]}},
            "imageConfig": {"imageOutputOptions": {"mimeType": "image/jpeg", "compressionQuality": 75}},
        },
        "tools": [{"retrieval": {"vertexAiSearch": {"datastore": "d", "maxResults": 3}}},
            {"retrieval": {"vertexRagStore": {"ragResources": [{"ragCorpus": "c"}], "ragRetrievalConfig":
                {"topK": 4, "filter": {"vectorDistanceThreshold": 0.5},
                    "ranking": {"llmRanker": {"modelName": "m"}}}}}}],
    });
    let asked = json!({"model": "m", "messages": [], "params": {"extra": extra}});
    let (message, _) = written(&request(asked)).unwrap();
    let shown = format!("{message:?}");
    for said in [
        "Level(MediaResolutionHigh)",
        "start_offset: Some(Duration { seconds: 1, nanos: 500000000 })",
        "end_offset: Some(Duration { seconds: 9, nanos: 0 })",
        "fps: 2.0",
        "speaker: \"Ada\"",
        "voice_name: Some(\"Kore\")",
        "compression_quality: Some(75)",
        "datastore: \"d\"",
        "rag_corpus: \"c\"",
        "top_k: 4",
        "VectorDistanceThreshold(0.5)",
        "LlmRanker { model_name: Some(\"m\") }",
    ] {
        assert!(shown.contains(said), "{said} in {shown}");
    }
    let config = message.generation_config.unwrap();
    assert!(config.routing_config.unwrap().routing_config.is_some());
}

/// Gemini 3 refuses a conversation whose signatures are not those that it gave.
#[test]
fn a_tool_conversation_keeps_every_signature() {
    let mut request = ChatRequest::of_text("gemini-3-pro-preview", "Weather and time?");
    let turns: [(&str, &[&str]); 3] = [
        ("parallel-calls", &["rain", "sun"]),
        ("second-turn", &["12:00"]),
        ("third-turn", &[]),
    ];
    let mut came = Vec::new();
    for (case, results) in turns {
        let fixture = fixtures(&DIALECT)
            .into_iter()
            .find(|f| f.name == format!("vertex-grpc {case}"));
        let answer = answer(&decode(
            &DIALECT,
            &on_disk(),
            [fixture.unwrap().body.as_slice()],
        ));
        let signatures = answer
            .pieces
            .iter()
            .filter_map(|piece| piece.signature.clone());
        came.extend(signatures.map(|text| STANDARD.decode(text).unwrap()));
        request.messages.extend(answer.message("vertex-grpc"));
        let calls = answer.tool_calls.iter().zip(results.iter());
        // The last result first: their ids bring them home.
        let parts = calls.rev().map(|(call, content)| Part::ToolResult {
            id: call.id.clone(),
            name: String::new(),
            content: (*content).into(),
        });
        let parts: Vec<Part> = parts.collect();
        request
            .messages
            .extend((!parts.is_empty()).then_some(Message {
                role: Role::Tool,
                parts,
            }));
        let (sent, _) = written(&request).unwrap();
        let parts = sent.contents.iter().flat_map(|content| &content.parts);
        let went: Vec<Vec<u8>> = parts
            .map(|part| part.thought_signature.to_vec())
            .filter(|s| !s.is_empty())
            .collect();
        assert_eq!(went, came, "{case}");
    }
    assert_eq!(came.len(), 3);
    let (sent, _) = written(&request).unwrap();
    let results = sent.contents[2].parts.iter().map(|part| match &part.data {
        Some(Data::FunctionResponse(result)) => format!("{:?}", result.response),
        other => panic!("{other:?}"),
    });
    let results: Vec<String> = results.collect();
    assert!(
        results[0].contains("rain") && results[1].contains("sun"),
        "{results:?}"
    );
    // REST gets the same conversation without the ids that we made.
    let rest = (gemini::DIALECT.encode)(&request).to_string();
    assert!(
        !rest.contains("made-call-") && rest.contains("thoughtSignature"),
        "{rest}"
    );
}

// --- answers ------------------------------------------------------------------------------------------

fn on_disk() -> ResponseHead {
    ResponseHead {
        status: 200,
        ..ResponseHead::default()
    }
}

/// With `TOKENSCOPE_BLESS` set, the bodies are written anew.
#[test]
fn every_fixture_is_what_its_messages_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/vertex-grpc");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let Some(case) = path.to_str().unwrap().strip_suffix(".messages.json") else {
            continue;
        };
        let messages: Vec<Value> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let (body, file) = (body(&messages), format!("{case}.grpc"));
        if std::env::var_os("TOKENSCOPE_BLESS").is_some() {
            fs::write(&file, &body).unwrap();
        }
        assert!(fs::read(&file).unwrap() == body, "{file}");
        count += 1;
    }
    assert!(count >= 10, "{count}");
}

/// A body that lost its end is a fault, except where nothing of the answer is missing: a finish reason in
/// every message, or what follows it.
#[test]
fn every_cut_is_a_fault_unless_nothing_is_missing() {
    for fixture in fixtures(&DIALECT) {
        let body = fixture.body.as_slice();
        for at in 0..body.len() {
            let events = decode(&DIALECT, &on_disk(), [&body[..at]]);
            let answer = answer(&events);
            let finish = answer.finish.as_ref();
            // Thoughts may be all of an answer; on the wire, the status tells.
            let is_thought = finish.is_some_and(|f| f.raw == "FINISH_REASON_UNSPECIFIED");
            assert!(
                answer.fault.is_some() || (is_thought && answer.text.is_empty()),
                "{} cut at {at}",
                fixture.name
            );
        }
        let on_wire = ResponseHead {
            content_type: Some("application/grpc".into()),
            ..on_disk()
        };
        let events = decode(&DIALECT, &on_wire, [body]);
        assert!(
            answer(&events).fault.is_some(),
            "{}: no status came",
            fixture.name
        );
    }
}

/// Bodies of REST that protobuf can't say, or says otherwise, each with why.
const OTHERWISE: &[(&str, &str)] = &[
    ("array-error", "an error is a status"),
    ("bad-json", "no JSON"),
    ("bare-error", "an error is a status"),
    ("bad-key", "an error is a status"),
    ("error-in-stream", "an error is a status"),
    ("every-field", "fields that the service has not"),
    ("half-characters", "protobuf has no half characters"),
    ("images", "bytes can't be broken base64; files have no name"),
    ("keep-alives", "no comments"),
    ("malformed-call", "a count of 0 is the same as none"),
    ("no-model", "an error is a status"),
    ("no-reason", "only JSON proves itself whole by its end"),
    ("not-gemini", "no message"),
    ("page", "no message"),
    ("sources", "a newer word, of which only the number is known"),
    ("truncated", "cut JSON"),
    ("unknown-things", "fields that the service has not"),
    (
        "code-execution",
        "the message has only the details of the tokens for tools",
    ),
];

/// The responses in a body of REST, if it is whole.
fn responses(body: &[u8]) -> Option<Vec<Value>> {
    let text = std::str::from_utf8(body).ok()?;
    let events: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .collect();
    if !events.is_empty() {
        return events
            .iter()
            .map(|event| serde_json::from_str(event).ok())
            .collect();
    }
    match serde_json::from_str(text).ok()? {
        Value::Array(all) => Some(all),
        one => Some(vec![one]),
    }
}

/// What both must say: ids that only one has, the order of keys and the form of an answer left out.
fn comparable(events: &[Event]) -> Vec<Value> {
    let told = events.iter().filter(|event| match event {
        Event::Done => false,
        Event::Note(note) => note.text != "a plain JSON answer came to a streamed request",
        _ => true,
    });
    told.map(|event| {
        let mut value = serde_json::to_value(event).unwrap();
        if let Some(fields) = value.as_object_mut() {
            let kind = fields["type"].as_str().unwrap_or_default().to_owned();
            if kind == "tool_call" {
                fields.remove("id");
            }
            if let ("signature", Some(Value::String(text))) =
                (kind.as_str(), fields.get_mut("value"))
            {
                // The same bytes, which servers write in either alphabet.
                let standard = text.replace('-', "+").replace('_', "/");
                text.clear();
                text.push_str(standard.trim_end_matches('='));
            }
            for name in ["arguments", "raw"] {
                let text = fields.get(name).and_then(Value::as_str);
                let json = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
                if let Some(json) = json {
                    fields.insert(name.into(), doubles(json));
                }
            }
        }
        value
    })
    .collect()
}

/// All numbers as doubles.
fn doubles(json: Value) -> Value {
    match json {
        Value::Number(number) => number.as_f64().into(),
        Value::Array(items) => items.into_iter().map(doubles).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(k, v)| (k, doubles(v))).collect())
        }
        other => other,
    }
}

#[test]
fn grpc_and_rest_give_the_same_events() {
    let (mut same, mut different) = (0, Vec::new());
    for fixture in fixtures(&gemini::DIALECT) {
        let case = fixture.name.strip_prefix("gemini ").unwrap();
        if OTHERWISE.iter().any(|(name, _)| *name == case) {
            continue;
        }
        let rest = decode(&gemini::DIALECT, &fixture.head, [fixture.body.as_slice()]);
        let messages = responses(&fixture.body).unwrap_or_else(|| panic!("{case} is no JSON"));
        let grpc = decode(&DIALECT, &on_disk(), [body(&messages).as_slice()]);
        if comparable(&grpc) == comparable(&rest) {
            same += 1;
        } else {
            different.push((case.to_owned(), comparable(&grpc), comparable(&rest)));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
    assert!(same >= 15, "{same}");
}

#[test]
fn calls_get_ids_of_their_own() {
    let call = json!({"functionCall": {"name": "f", "args": {"n": 3, "big": 1e300, "half": 0.5}}});
    let message = json!({"responseId": "r9", "candidates": [{"content": {"parts": [call, call]}, "finishReason": "STOP"}]});
    let answer = answer(&decode(
        &DIALECT,
        &on_disk(),
        [frame(&response(&message)).as_slice()],
    ));
    let calls: Vec<_> = answer
        .tool_calls
        .iter()
        .map(|call| (call.id.as_str(), call.arguments.as_str()))
        .collect();
    let arguments = r#"{"big":1e+300,"half":0.5,"n":3}"#;
    assert_eq!(
        calls,
        [("made-call-1-r9", arguments), ("made-call-2-r9", arguments)]
    );
    assert_eq!(answer.finish.unwrap().reason, FinishReason::ToolCalls);
}

#[test]
fn the_server_speaks_by_the_method_we_call() {
    assert!(
        (DIALECT.chat_url)(&format!("https://h/{PLACE}").parse().unwrap(), "m").path()
            == grpc_server::METHOD
    );
}
