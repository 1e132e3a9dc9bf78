//! Our requests against those of the official SDKs, field by field.
//!
//! `tests/sdk/record.py` had the SDKs ask the same things at a recording server; what they sent stands
//! beside it, one file a dialect and case. Whatever differs is listed in [`DIFFERENCES`] with its reason.

use std::{collections::BTreeMap, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokenscope::{
    chat::{ChatRequest, Media, Message, Params, Part, ResponseFormat, Role, Tool, ToolCall},
    dialect::{Dialect, DialectId},
};
use url::Url;

const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// Where we differ on purpose: file, JSON pointer (`*` stands for any step), reason.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "openai-responses.conversation.json",
        "/input/*/content/*/detail",
        "strict servers refuse a picture without it; it is what OpenAI takes where it is left out",
    ),
    (
        "openai-chat.conversation.json",
        "/max_tokens",
        "the field that every compatible server knows",
    ),
    (
        "openai-chat.conversation.json",
        "/max_completion_tokens",
        "OpenAI's own newer name of that field, which most compatible servers refuse",
    ),
    (
        "anthropic.effort.json",
        "/thinking/display",
        "newer models hide their thoughts unless they are asked to show them",
    ),
    (
        "openai-responses.conversation.json",
        "/input/*/type",
        "llama.cpp takes what the assistant said by its type only; OpenAI takes it with and without",
    ),
    (
        "gemini.conversation.json",
        "/contents/*/parts/*/inlineData/data",
        "the same bytes: the SDK writes base64 in the URL's alphabet, which JSON's mapping of bytes allows",
    ),
    (
        "gemini.conversation.json",
        "/systemInstruction/role",
        "a system instruction has no role of its own",
    ),
    (
        "gemini.thinking-level.json",
        "/generationConfig/thinkingConfig/thinkingLevel",
        "the level in the user's own word, lower case as Google's REST examples have it",
    ),
];

struct Recorded {
    file: String,
    dialect: &'static Dialect,
    case: String,
    path: String,
    body: Value,
}

fn recorded() -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk");
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(name) = file.strip_suffix(".json") else {
            continue;
        };
        let (dialect, case) = name.split_once('.').unwrap();
        // Recorded for a dialect that is still to come.
        let Some(id) = DialectId::parse(dialect) else {
            continue;
        };
        let record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        all.push(Recorded {
            dialect: id.dialect(),
            case: case.to_owned(),
            path: record["path"].as_str().unwrap().to_owned(),
            body: record["body"].clone(),
            file,
        });
    }
    all
}

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {"sky": {"type": "string"}, "degrees": {"type": "integer"}},
        "required": ["sky", "degrees"],
        "additionalProperties": false,
    })
}

fn call(id: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall {
        id: id.into(),
        name: "get_weather".into(),
        arguments: arguments.into(),
    })
}

fn result(id: &str, content: &str) -> Part {
    Part::ToolResult {
        id: id.into(),
        name: "get_weather".into(),
        content: content.into(),
    }
}

fn conversation() -> ChatRequest {
    let message = |role, parts| Message { role, parts };
    let image = Media {
        mime: "image/png".into(),
        data: STANDARD.decode(PNG).unwrap().into(),
        ..Media::default()
    };
    let asked = "What is this, and how is the weather in Bern and in Rome?";
    let text = |text: &str| Part::Text { text: text.into() };
    ChatRequest {
        system: Some("Be brief".into()),
        messages: vec![
            message(Role::User, vec![Part::Media(image), text(asked)]),
            message(
                Role::Assistant,
                vec![
                    call("call_1", r#"{"city":"Bern","days":3}"#),
                    call("call_2", r#"{"city":"Rome","days":1}"#),
                ],
            ),
            message(
                Role::Tool,
                vec![
                    result("call_1", r#"{"sky":"rain"}"#),
                    result("call_2", r#"{"sky":"sun"}"#),
                ],
            ),
            Message::assistant("A pixel; rain in Bern, sun in Rome"),
            Message::user("And tomorrow?"),
        ],
        params: Params {
            temperature: Some(0.5),
            max_tokens: Some(900),
            ..Params::default()
        },
        tools: vec![Tool {
            name: "get_weather".into(),
            description: "The weather of a city".into(),
            parameters: json!({
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                "required": ["city"],
                "additionalProperties": false,
            }),
        }],
        ..ChatRequest::default()
    }
}

/// What is asked in a case; `None` if the case is not known.
fn request(case: &str, model: &str) -> Option<ChatRequest> {
    let again = || ChatRequest::of_text(model, "And tomorrow?");
    let mut request = match case {
        "conversation" => conversation(),
        _ => again(),
    };
    model.clone_into(&mut request.model);
    let params = &mut request.params;
    match case {
        "schema" => {
            params.response_format = Some(ResponseFormat::JsonSchema {
                name: "weather".into(),
                schema: schema(),
                strict: true,
            });
        }
        "thinking" if model.starts_with("gpt") => params.reasoning_effort = Some("low".into()),
        "thinking" => params.reasoning_effort = Some("2048".into()),
        "thinking-level" | "effort" => params.reasoning_effort = Some("low".into()),
        "conversation" => {}
        _ => return None,
    }
    if model.starts_with("claude") && case != "conversation" {
        params.max_tokens = Some(if case == "schema" { 900 } else { 9000 });
    }
    Some(request)
}

/// Names of fields that Google's SDK writes by their aliases, which its servers take too.
const ALIASES: &[(&str, &str)] = &[
    ("mime_type", "mimeType"),
    ("parameters_json_schema", "parametersJsonSchema"),
    ("include_thoughts", "includeThoughts"),
    ("thinking_budget", "thinkingBudget"),
    ("thinking_level", "thinkingLevel"),
];

/// Every leaf of a JSON value by its pointer.
fn leaves(value: &Value, at: &str, out: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let alias = ALIASES.iter().find(|(alias, _)| alias == name);
                let name = alias.map_or(name.as_str(), |(_, name)| *name);
                leaves(value, &format!("{at}/{name}"), out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, &format!("{at}/{index}"), out);
            }
        }
        leaf => {
            out.insert(at.to_owned(), leaf.clone());
        }
    }
}

fn is_justified(file: &str, pointer: &str) -> bool {
    DIFFERENCES.iter().any(|(of, pattern, _)| {
        let (pattern, steps) = (pattern.split('/'), pointer.split('/'));
        *of == file
            && pattern.clone().count() == steps.clone().count()
            && pattern.zip(steps).all(|(p, s)| p == "*" || p == s)
    })
}

#[test]
fn we_send_what_the_official_sdks_send() {
    let mut problems = Vec::new();
    let all = recorded();
    for recorded in &all {
        let body_model = recorded.body["model"].as_str().map(str::to_owned);
        let path_model = || {
            let (_, rest) = recorded.path.split_once("/models/").unwrap();
            rest.split(':').next().unwrap().to_owned()
        };
        let model = body_model.unwrap_or_else(path_model);
        let request = request(&recorded.case, &model).expect("a known case");
        let ours = (recorded.dialect.encode)(&request);
        let (mut a, mut b) = (BTreeMap::new(), BTreeMap::new());
        leaves(&ours, "", &mut a);
        leaves(&recorded.body, "", &mut b);
        for pointer in a.keys().chain(b.keys()) {
            let (ours, theirs) = (a.get(pointer), b.get(pointer));
            if ours != theirs && !is_justified(&recorded.file, pointer) {
                let line = format!(
                    "{} {pointer}: ours {ours:?}, theirs {theirs:?}",
                    recorded.file
                );
                if !problems.contains(&line) {
                    problems.push(line);
                }
            }
        }
        let base = Url::parse(match recorded.dialect.id.as_str() {
            "anthropic" => "http://h",
            _ => "http://h/v1",
        })
        .unwrap();
        let url = (recorded.dialect.chat_url)(&base, &model);
        let sent = &url.as_str()["http://h".len()..];
        if sent != recorded.path {
            problems.push(format!("{}: {sent}, not {}", recorded.file, recorded.path));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(all.len() >= 7);
}
