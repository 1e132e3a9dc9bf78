//! Cases 20 to 22, 25, 26, 34, 36 and 37: what of a request goes where.

use serde_json::{Value, json};
use tokenscope::dialect::DialectId::{
    self, Anthropic, Gemini, Ollama, OpenaiChat, OpenaiResponses, VertexGrpc,
};
use url::Url;

use super::rig::{Reply, asked, gemini, question, question_with, through};

const GEMINI_2: &str = "gemini-2.5-flash";
const GEMINI_3: &str = "gemini-3-pro-preview";

/// A schema with what converters to Google's older schemas lose.
fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "next": { "$ref": "#/$defs/node" },
            "n": { "type": ["integer", "null"], "exclusiveMinimum": 0, "multipleOf": 2 },
            "kind": { "const": "a" },
            "list": { "type": "array", "items": { "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/node" }] } },
            "pair": { "type": "array", "prefixItems": [{ "type": "string" }], "items": false }
        },
        "patternProperties": { "^x-": { "type": "string" } },
        "additionalProperties": false,
        "required": ["n"],
        "$defs": { "node": { "type": "object", "properties": { "next": { "$ref": "#/$defs/node" } } } }
    })
}

pub async fn schemas() {
    let schema = schema();
    let function = json!({ "name": "f", "description": "d", "parameters": schema });
    let chat = question_with(
        OpenaiChat,
        GEMINI_3,
        json!({
            "tools": [{ "type": "function", "function": function }],
            "response_format": { "type": "json_schema", "json_schema": { "name": "s", "schema": schema, "strict": true } },
        }),
    );
    let anthropic = question_with(
        Anthropic,
        GEMINI_3,
        json!({
            "tools": [{ "name": "f", "description": "d", "input_schema": schema }],
            "output_config": { "format": { "type": "json_schema", "schema": schema } },
        }),
    );
    let responses = question_with(
        OpenaiResponses,
        GEMINI_3,
        json!({
            "tools": [{ "type": "function", "name": "f", "description": "d", "parameters": schema, "strict": false }],
            "text": { "format": { "type": "json_schema", "name": "s", "schema": schema, "strict": true } },
        }),
    );
    for (inbound, body) in [
        (OpenaiChat, chat),
        (Anthropic, anthropic),
        (OpenaiResponses, responses),
    ] {
        for (target, at, format) in [
            (
                Gemini,
                "/tools/0/functionDeclarations/0/parametersJsonSchema",
                "/generationConfig/responseJsonSchema",
            ),
            (
                Anthropic,
                "/tools/0/input_schema",
                "/output_config/format/schema",
            ),
            (
                OpenaiChat,
                "/tools/0/function/parameters",
                "/response_format/json_schema/schema",
            ),
            (
                OpenaiResponses,
                "/tools/0/parameters",
                "/text/format/schema",
            ),
            (Ollama, "/tools/0/function/parameters", "/format"),
        ] {
            let came = asked(inbound, body.clone(), target).await.body;
            for place in [at, format] {
                assert_eq!(
                    came.pointer(place),
                    Some(&schema),
                    "{inbound} to {target}: {came}"
                );
            }
        }
    }
}

/// The names in an object, sorted.
fn names(of: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = of.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

pub async fn unknown_fields() {
    let body = question_with(
        OpenaiChat,
        GEMINI_2,
        json!({
            "stream_options": { "include_usage": true }, "user": "u", "metadata": { "a": "b" }, "store": false,
            "n": 1, "parallel_tool_calls": true, "tool_choice": "auto", "logit_bias": {}, "service_tier": "auto",
            "stop": ["END"], "max_completion_tokens": 9, "temperature": 0.5, "top_p": 0.5, "seed": 3,
            "response_format": { "type": "text" }, "presence_penalty": 0, "modalities": ["text"],
        }),
    );
    let (said, came) = through(
        OpenaiChat,
        true,
        body.clone(),
        Gemini,
        gemini(&[json!([{ "text": "Hi" }])]),
    )
    .await;
    assert_eq!(said.status, 200, "{}", said.text);
    let came = came.unwrap().body;
    assert_eq!(names(&came), ["contents", "generationConfig"]);
    assert_eq!(
        came["generationConfig"],
        json!({ "temperature": 0.5, "topP": 0.5, "maxOutputTokens": 9,
        "seed": 3, "stopSequences": ["END"] })
    );
    let dropped = said.header("x-tokenscope-dropped").unwrap();
    for name in ["/user", "/metadata"] {
        assert!(dropped.contains(name), "{dropped}");
    }
    let mut body = body;
    body["model"] = "claude-3-5-haiku".into();
    let came = asked(OpenaiChat, body, Anthropic).await.body;
    assert_eq!(
        names(&came),
        [
            "max_tokens",
            "messages",
            "model",
            "stop_sequences",
            "stream",
            "temperature",
            "top_p"
        ]
    );
    assert_eq!(
        (&came["stop_sequences"], &came["max_tokens"]),
        (&json!(["END"]), &json!(9))
    );
    // What would change the answer is refused by its name.
    for (name, value) in [
        ("logit_bias", json!({ "50256": -100 })),
        ("frequency_penalty", json!(1)),
        ("no_such_field", json!(true)),
    ] {
        let body = question_with(OpenaiChat, GEMINI_2, json!({ name: value }));
        let (said, came) = through(OpenaiChat, true, body, Gemini, gemini(&[])).await;
        assert_eq!((said.status, came.is_none()), (400, true), "{}", said.text);
        assert!(said.text.contains(&format!("/{name}")), "{}", said.text);
    }
}

#[tokio::test]
async fn googles_own_schemas_are_understood_elsewhere() {
    let schema = json!({ "type": "OBJECT", "properties": { "n": { "type": "INTEGER" } } });
    let body = question_with(
        Gemini,
        "m",
        json!({
            "tools": [{ "functionDeclarations": [{ "name": "f", "parameters": schema }] }],
            "generationConfig": { "responseSchema": schema, "responseMimeType": "application/json" },
        }),
    );
    let expected = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
    let came = asked(Gemini, body, OpenaiChat).await.body;
    for place in [
        "/tools/0/function/parameters",
        "/response_format/json_schema/schema",
    ] {
        assert_eq!(came.pointer(place), Some(&expected), "{came}");
    }
}

#[tokio::test]
async fn what_must_be_called_is_said_in_each_protocol() {
    let chat = |choice: Value| json!({ "tool_choice": choice, "parallel_tool_calls": false });
    let calling = |mode: &str| json!({ "functionCallingConfig": { "mode": mode } });
    let named =
        json!({ "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["f"] } });
    let single = |choice: Value| {
        let mut choice = choice;
        choice["disable_parallel_tool_use"] = true.into();
        choice
    };
    let of_function = json!({ "type": "function", "function": { "name": "f" } });
    for (choice, gemini, anthropic) in [
        (
            json!("auto"),
            json!(null),
            single(json!({ "type": "auto" })),
        ),
        (json!("none"), calling("NONE"), json!({ "type": "none" })),
        (
            json!("required"),
            calling("ANY"),
            single(json!({ "type": "any" })),
        ),
        (
            of_function,
            named,
            single(json!({ "type": "tool", "name": "f" })),
        ),
    ] {
        let body = question_with(OpenaiChat, GEMINI_2, chat(choice.clone()));
        let came = asked(OpenaiChat, body.clone(), Gemini).await.body;
        assert_eq!(came["toolConfig"], gemini, "{choice}");
        let came = asked(OpenaiChat, body, Anthropic).await.body;
        assert_eq!(came["tool_choice"], anthropic, "{choice}");
    }
    let any = json!({ "tool_choice": { "type": "any" } });
    let came = asked(Anthropic, question_with(Anthropic, "m", any), OpenaiChat)
        .await
        .body;
    assert_eq!(
        (&came["tool_choice"], came.get("parallel_tool_calls")),
        (&json!("required"), None)
    );
    // What has no place is said, or refused where there is more than a request has.
    let body = question_with(OpenaiChat, "m", chat(json!("required")));
    let (said, _) = through(OpenaiChat, false, body, Ollama, super::rig::answer(Ollama)).await;
    let dropped = said.header("x-tokenscope-dropped").unwrap();
    assert!(
        dropped.contains("must_call") && dropped.contains("one call at once"),
        "{dropped}"
    );
    let two = json!({ "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["f", "g"] } } });
    let (said, _) = through(
        Gemini,
        false,
        question_with(Gemini, "m", two),
        OpenaiChat,
        gemini(&[]),
    )
    .await;
    assert_eq!(said.status, 400, "{}", said.text);
}

pub async fn schema_beside_tools() {
    let more = json!({
        "tools": [{ "type": "function", "function": { "name": "f", "parameters": { "type": "object" } } }],
        "response_format": { "type": "json_schema", "json_schema": { "name": "s", "schema": { "type": "object" } } },
    });
    let came = asked(
        OpenaiChat,
        question_with(OpenaiChat, GEMINI_3, more.clone()),
        Gemini,
    )
    .await
    .body;
    assert!(came["tools"].is_array() && came["generationConfig"]["responseJsonSchema"].is_object());
    let words = "Function calling with a response mime type: 'application/json' is unsupported";
    let refusal =
        json!({ "error": { "code": 400, "message": words, "status": "INVALID_ARGUMENT" } });
    let body = question_with(OpenaiChat, GEMINI_2, more);
    let refusal = Reply::refusal("400 Bad Request", &refusal);
    let (said, _) = through(OpenaiChat, true, body, Gemini, refusal).await;
    assert_eq!(
        (said.status, said.json()["error"]["message"].as_str()),
        (400, Some(words))
    );
}

pub async fn one_answer() {
    for (inbound, more, place) in [
        (OpenaiChat, json!({ "n": 2 }), "/n"),
        (
            Gemini,
            json!({ "generationConfig": { "candidateCount": 2 } }),
            "/generationConfig/candidateCount",
        ),
    ] {
        let body = question_with(inbound, GEMINI_3, more);
        let other = if inbound == Gemini {
            OpenaiChat
        } else {
            Gemini
        };
        let (said, came) = through(inbound, true, body, other, gemini(&[])).await;
        assert!(said.status == 400 && came.is_none(), "{said:?}");
        assert!(said.text.contains(place), "{}", said.text);
    }
    let candidate = |index: u8, text: &str| json!({ "index": index, "content": { "parts": [{ "text": text }] }, "finishReason": "STOP" });
    let reply =
        Reply::events(&[json!({ "candidates": [candidate(0, "one"), candidate(1, "two")] })]);
    let (said, _) = through(
        OpenaiChat,
        false,
        question(OpenaiChat, GEMINI_2),
        Gemini,
        reply,
    )
    .await;
    assert_eq!(said.json()["choices"][0]["message"]["content"], "one");
}

pub async fn stop_strings() {
    for (stop, expected) in [
        (json!("END"), json!(["END"])),
        (json!(["a", "b", "c", "d"]), json!(["a", "b", "c", "d"])),
    ] {
        let body = question_with(OpenaiChat, GEMINI_2, json!({ "stop": stop }));
        let came = asked(OpenaiChat, body, Gemini).await.body;
        assert_eq!(came["generationConfig"]["stopSequences"], expected);
    }
    let body = question_with(
        OpenaiChat,
        "claude-sonnet-5",
        json!({ "stop": ["END", "\n\n", " "] }),
    );
    let (said, came) = through(
        OpenaiChat,
        false,
        body,
        Anthropic,
        super::rig::answer(Anthropic),
    )
    .await;
    assert_eq!(came.unwrap().body["stop_sequences"], json!(["END"]));
    let dropped = said.header("x-tokenscope-dropped").unwrap();
    assert!(dropped.contains("blank stop"), "{dropped}");
    // More than Gemini takes are not cut to some of them: it refuses them in its own words.
    let words = "stop_sequences must have at most 5 elements";
    let refusal =
        json!({ "error": { "code": 400, "message": words, "status": "INVALID_ARGUMENT" } });
    let six = json!({ "stop_sequences": ["1", "2", "3", "4", "5", "6"] });
    let (said, came) = through(
        Anthropic,
        true,
        question_with(Anthropic, GEMINI_2, six),
        Gemini,
        Reply::refusal("400 Bad Request", &refusal),
    )
    .await;
    assert_eq!(
        came.unwrap().body["generationConfig"]["stopSequences"]
            .as_array()
            .unwrap()
            .len(),
        6
    );
    assert!(said.status == 400 && said.text.contains(words), "{said:?}");
}

pub async fn effort() {
    let level = |word: &str| json!({ "thinkingLevel": word, "includeThoughts": true });
    let budget = |tokens: u32| json!({ "thinkingBudget": tokens, "includeThoughts": true });
    for (inbound, model, more, expected) in [
        (
            OpenaiChat,
            GEMINI_3,
            json!({ "reasoning_effort": "low" }),
            level("low"),
        ),
        (
            OpenaiChat,
            GEMINI_2,
            json!({ "reasoning_effort": "low" }),
            budget(1024),
        ),
        (
            OpenaiResponses,
            GEMINI_3,
            json!({ "reasoning": { "effort": "high" } }),
            level("high"),
        ),
        (
            OpenaiResponses,
            GEMINI_2,
            json!({ "reasoning": { "effort": "high", "summary": "auto" } }),
            budget(24_576),
        ),
        (
            Anthropic,
            GEMINI_2,
            json!({ "thinking": { "type": "enabled", "budget_tokens": 2048 } }),
            budget(2048),
        ),
        (
            Anthropic,
            GEMINI_3,
            json!({ "thinking": { "type": "adaptive" }, "output_config": { "effort": "max" } }),
            level("high"),
        ),
        (Ollama, GEMINI_2, json!({ "think": "medium" }), budget(8192)),
        (
            Ollama,
            GEMINI_2,
            json!({ "think": true }),
            json!({ "includeThoughts": true }),
        ),
        (
            Ollama,
            GEMINI_3,
            json!({ "think": true }),
            json!({ "includeThoughts": true }),
        ),
        (
            Anthropic,
            GEMINI_3,
            json!({ "thinking": { "type": "adaptive" } }),
            json!({ "includeThoughts": true }),
        ),
    ] {
        let came = asked(inbound, question_with(inbound, model, more.clone()), Gemini).await;
        let method = format!("/v1beta/models/{model}:streamGenerateContent?alt=sse");
        assert_eq!(came.path, method);
        assert_eq!(
            came.body["generationConfig"]["thinkingConfig"], expected,
            "{inbound} {model} {more}"
        );
    }
}

pub async fn hosts() {
    let place = |host: &str, place: &str| format!("https://{host}/v1/projects/p/locations/{place}");
    for (host, location) in [
        ("aiplatform.googleapis.com", "global"),
        ("aiplatform.us.rep.googleapis.com", "us"),
        ("aiplatform.eu.rep.googleapis.com", "eu"),
        ("us-central1-aiplatform.googleapis.com", "us-central1"),
        ("europe-west4-aiplatform.googleapis.com", "europe-west4"),
    ] {
        let base: Url = place(host, location).parse().unwrap();
        let url = (Gemini.dialect().chat_url)(&base, GEMINI_3);
        let path = format!("/publishers/google/models/{GEMINI_3}:streamGenerateContent?alt=sse");
        assert_eq!(url.as_str(), format!("{base}{path}"));
        let url = (VertexGrpc.dialect().chat_url)(&base, GEMINI_3);
        let method = "google.cloud.aiplatform.v1.PredictionService/StreamGenerateContent";
        assert_eq!(url.as_str(), format!("https://{host}/{method}"));
        let body = json!({ "contents": [{ "role": "model", "parts": [
            { "functionCall": { "id": "c", "name": "f", "args": {} } }] }] });
        let mut fitted = body.clone();
        (Gemini.dialect().fit.unwrap())(&mut fitted, &base);
        assert!(
            fitted["contents"][0]["parts"][0]["functionCall"]["id"].is_null(),
            "it has no ids"
        );
    }
}

pub async fn log_probabilities() {
    let refused: [(DialectId, Value, &str); 3] = [
        (
            OpenaiChat,
            json!({ "logprobs": true, "top_logprobs": 3 }),
            "/logprobs",
        ),
        (
            OpenaiResponses,
            json!({ "top_logprobs": 3 }),
            "/top_logprobs",
        ),
        (
            Gemini,
            json!({ "generationConfig": { "responseLogprobs": true } }),
            "/generationConfig/responseLogprobs",
        ),
    ];
    for (inbound, more, place) in refused {
        let body = question_with(inbound, GEMINI_2, more);
        let (said, came) = through(inbound, true, body, Anthropic, gemini(&[])).await;
        assert!(said.status == 400 && came.is_none(), "{inbound}: {said:?}");
        assert!(said.text.contains(place), "{}", said.text);
    }
    for (inbound, more) in [
        (OpenaiChat, json!({ "logprobs": false, "top_logprobs": 0 })),
        (OpenaiResponses, json!({ "top_logprobs": 0 })),
        (
            Gemini,
            json!({ "generationConfig": { "responseLogprobs": false } }),
        ),
    ] {
        asked(inbound, question_with(inbound, GEMINI_2, more), Anthropic).await;
    }
}
