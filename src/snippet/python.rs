//! Python: with the SDKs of `OpenAI`, Anthropic and Google, or with only the standard library.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{
    SnippetRequest,
    literal::{PYTHON, Style, literal, string},
};
use crate::{dialect::DialectId, endpoint::Auth};

/// Arguments that the methods accept by name; the rest goes into `extra_body`.
const CHAT: &[&str] = &[
    "model",
    "messages",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "stop",
    "reasoning_effort",
    "response_format",
    "tools",
    "tool_choice",
    "stream",
    "stream_options",
];
const RESPONSES: &[&str] = &[
    "model",
    "input",
    "instructions",
    "temperature",
    "top_p",
    "max_output_tokens",
    "reasoning",
    "text",
    "tools",
    "tool_choice",
    "store",
    "include",
    "stream",
];
const MESSAGES: &[&str] = &[
    "model",
    "max_tokens",
    "system",
    "messages",
    "stop_sequences",
    "thinking",
    "output_config",
    "tools",
    "tool_choice",
    "stream",
];

pub(super) fn write(asked: &SnippetRequest) -> String {
    let body = match asked.dialect {
        DialectId::OpenaiChat => chat(asked),
        DialectId::OpenaiResponses => responses(asked),
        DialectId::Anthropic => anthropic(asked),
        DialectId::Gemini | DialectId::VertexGrpc => gemini(asked),
        DialectId::Ollama => plain(asked),
    };
    asked.remarks("#", &body) + &body
}

/// Code that prints the stream's text, and its calls if the request has tools.
fn reading(asked: &SnippetRequest, text: &str, calls: &str) -> String {
    format!("{text}{}", if asked.calls { calls } else { "" })
}

fn chat(asked: &SnippetRequest) -> String {
    let text = r#"for chunk in stream:
    delta = chunk.choices[0].delta if chunk.choices else None
    if delta and delta.content:
        print(delta.content, end="", flush=True)
"#;
    let calls = r#"    for call in delta.tool_calls or [] if delta else []:
        if call.function.name:
            print(f"\n{call.function.name} ", end="")
        print(call.function.arguments or "", end="", flush=True)
"#;
    let client = openai_client(asked, "/chat/completions");
    let call = arguments(&asked.body, CHAT);
    let read = reading(asked, text, calls);
    format!("{client}stream = client.chat.completions.create(\n{call})\n{read}")
}

fn responses(asked: &SnippetRequest) -> String {
    let text = r#"for event in stream:
    if event.type == "response.output_text.delta":
        print(event.delta, end="", flush=True)
"#;
    let calls = r#"    elif event.type == "response.output_item.done" and event.item.type == "function_call":
        print(f"\n{event.item.name} {event.item.arguments}")
"#;
    let client = openai_client(asked, "/responses");
    let call = arguments(&asked.body, RESPONSES);
    let read = reading(asked, text, calls);
    format!("{client}stream = client.responses.create(\n{call})\n{read}")
}

fn openai_client(asked: &SnippetRequest, path: &str) -> String {
    client("openai", "OpenAI", &client_arguments(asked, path))
}

/// The start of a program: imports and the SDK's client.
fn client(package: &str, class: &str, arguments: &str) -> String {
    let os = if arguments.contains("os.environ") {
        "import os\n"
    } else {
        ""
    };
    format!(
        "# pip install {package}\n{os}from {package} import {class}\n\nclient = {class}(\n{arguments})\n"
    )
}

fn anthropic(asked: &SnippetRequest) -> String {
    let text = r#"for event in stream:
    if event.type == "content_block_delta" and event.delta.type == "text_delta":
        print(event.delta.text, end="", flush=True)
"#;
    let calls = r#"    elif event.type == "content_block_start" and event.content_block.type == "tool_use":
        print(f"\n{event.content_block.name} ", end="")
    elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
        print(event.delta.partial_json, end="", flush=True)
"#;
    let client = client(
        "anthropic",
        "Anthropic",
        &client_arguments(asked, "/v1/messages"),
    );
    let call = arguments(&asked.body, MESSAGES);
    let read = reading(asked, text, calls);
    format!("{client}stream = client.messages.create(\n{call})\n{read}")
}

/// The base URL, the key and the user's headers, as arguments of a client. A key in a header other than the SDK's is
/// written as a header.
fn client_arguments(asked: &SnippetRequest, path: &str) -> String {
    let (base, query) = asked.shown.split_once('?').unwrap_or((&asked.shown, ""));
    let base = base.strip_suffix(path).unwrap_or(base);
    let mut out = format!("    base_url={},\n", string(base));
    let own = asked.dialect.dialect().key_header;
    let mut headers: Vec<String> = (asked.own_headers())
        .map(|(name, variable)| format!("{}: os.environ[{}]", string(name), string(variable)))
        .collect();
    let key = match &asked.key {
        None => "\"none\"".to_owned(),
        Some((variable, auth)) => {
            let value = format!("os.environ[{}]", string(variable));
            match auth {
                Auth::Header(name) if Some(name.as_str()) != own => {
                    headers.push(format!("{}: {value}", string(name)));
                    "\"in a header\"".to_owned()
                }
                Auth::Bearer if own.is_some() => {
                    let _ = writeln!(out, "    auth_token={value},");
                    "None".to_owned()
                }
                _ => value,
            }
        }
    };
    let _ = writeln!(out, "    api_key={key},");
    if !headers.is_empty() {
        let _ = writeln!(out, "    default_headers={{{}}},", headers.join(", "));
    }
    if !query.is_empty() {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let pairs = pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())));
        let query = Value::from(pairs.collect::<Map<_, _>>());
        let _ = writeln!(out, "    default_query={},", literal(&query, PYTHON, 1));
    }
    out
}

/// The fields of a body as arguments by name; those that a method does not have go into `extra_body`.
fn arguments(body: &Value, known: &[&str]) -> String {
    let (mut out, mut rest) = (String::new(), Map::new());
    for (name, value) in body.as_object().into_iter().flatten() {
        if known.contains(&name.as_str()) {
            let _ = writeln!(out, "    {name}={},", literal(value, PYTHON, 1));
        } else {
            rest.insert(name.clone(), value.clone());
        }
    }
    if !rest.is_empty() {
        let _ = writeln!(out, "    extra_body={},", literal(&rest.into(), PYTHON, 1));
    }
    out
}

fn gemini(asked: &SnippetRequest) -> String {
    let style = Style {
        bytes: true,
        ..PYTHON
    };
    let mut config = asked.body.as_object().cloned().unwrap_or_default();
    let contents = config.shift_remove("contents").unwrap_or_default();
    // The SDK expects these fields and the others in one object.
    if let Some(Value::Object(settings)) = config.shift_remove("generationConfig") {
        config.extend(settings);
    }
    let call = format!(
        "stream = client.models.generate_content_stream(\n    model={},\n    contents={},\n    config={},\n)\n",
        string(&asked.model),
        literal(&contents, style, 1),
        literal(&config.into(), style, 1),
    );
    let client = genai_client(asked);
    let imports: String = [
        ("base64.", &call, "import base64\n"),
        ("os.environ", &client, "import os\n"),
        ("", &client, "from google import genai\n"),
        (
            "Credentials(",
            &client,
            "from google.oauth2.credentials import Credentials\n",
        ),
    ]
    .into_iter()
    .filter_map(|(used, text, line)| text.contains(used).then_some(line))
    .collect();
    let text = r#"for chunk in stream:
    print(chunk.text or "", end="", flush=True)
"#;
    let calls = r#"    for call in chunk.function_calls or []:
        print(f"\n{call.name} {call.args}")
"#;
    let read = reading(asked, text, calls);
    format!(
        "# pip install google-genai\n{imports}\nclient = genai.Client(\n{client})\n{call}{read}"
    )
}

/// The project and location in a URL of Vertex AI.
fn project_of(asked: &SnippetRequest) -> Option<(&str, &str)> {
    let path: Vec<&str> = asked.url.path().split('/').collect();
    let after = |word: &str| {
        let at = path.iter().position(|segment| *segment == word)?;
        path.get(at + 1).copied()
    };
    Some((after("projects")?, after("locations")?))
}

fn genai_client(asked: &SnippetRequest) -> String {
    let path = asked.url.path();
    let version = path.split('/').nth(1).unwrap_or_default();
    let origin = asked.url.origin().ascii_serialization();
    let headers: Vec<String> = (asked.own_headers())
        .map(|(name, variable)| format!("{}: os.environ[{}]", string(name), string(variable)))
        .collect();
    let headers = if headers.is_empty() {
        String::new()
    } else {
        format!(", \"headers\": {{{}}}", headers.join(", "))
    };
    let options = format!(
        "    http_options={{\"base_url\": {}, \"api_version\": {}{headers}}},\n",
        string(&origin),
        string(version)
    );
    let key = match &asked.key {
        Some((variable, _)) => format!("os.environ[{}]", string(variable)),
        None => "\"none\"".to_owned(),
    };
    match project_of(asked) {
        None => format!("    api_key={key},\n{options}"),
        Some((project, location)) => {
            let signed = if asked.by_google {
                String::new()
            } else {
                format!("    credentials=Credentials({key}),\n")
            };
            format!(
                "    vertexai=True,\n    project={},\n    location={},\n{signed}{options}",
                string(project),
                string(location)
            )
        }
    }
}

/// With the standard library, for a protocol without an SDK here.
fn plain(asked: &SnippetRequest) -> String {
    let headers: Vec<String> = asked
        .headers
        .iter()
        .map(|header| {
            let fixed = string(&header.text);
            let value = match &header.variable {
                None => fixed,
                Some(variable) => format!("{fixed} + os.environ[{}]", string(variable)),
            };
            format!("        {}: {value},\n", string(&header.name))
        })
        .collect();
    let headers = headers.concat();
    let os = if headers.contains("os.environ") {
        "import os\n"
    } else {
        ""
    };
    let text = r#"        message = json.loads(line).get("message", {})
        print(message.get("content", ""), end="", flush=True)
"#;
    let calls = r#"        for call in message.get("tool_calls", []):
            print(f"\n{call['function']['name']} {call['function']['arguments']}")
"#;
    let read = reading(asked, text, calls);
    format!(
        "import json\n{os}import urllib.request\n\nrequest = urllib.request.Request(\n    {},\n    headers={{\n\
         {headers}    }},\n    data=json.dumps({}).encode(),\n)\nwith urllib.request.urlopen(request) as \
         response:\n    for line in response:\n{read}",
        string(&asked.shown),
        literal(&asked.body, PYTHON, 1),
    )
}
