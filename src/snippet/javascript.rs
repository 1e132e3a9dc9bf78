//! A program for Node.js 18 or later, without packages.

use std::fmt::Write as _;

use super::{Header, SnippetRequest};
use crate::dialect::DialectId;

pub(super) fn write(asked: &SnippetRequest) -> String {
    let mut out = String::new();
    let url = serde_json::Value::from(asked.shown.as_str());
    let headers: Vec<String> = asked.headers.iter().map(header_text).collect();
    let body = serde_json::to_string_pretty(&asked.body).unwrap_or_default();
    let body = body.replace('\n', "\n  ");
    let _ = write!(
        out,
        "const response = await fetch({url}, {{\n  method: \"POST\",\n  headers: {{\n{}  }},\n  \
         body: JSON.stringify({body}),\n}});\n",
        headers.concat()
    );
    out += "if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);\n\n";
    out += &reader(asked);
    asked.remarks("//", &out) + &out
}

fn header_text(header: &Header) -> String {
    let Header {
        name,
        text,
        variable,
    } = header;
    let name = serde_json::Value::from(name.as_str());
    match variable {
        None => format!("    {name}: {},\n", serde_json::Value::from(text.as_str())),
        Some(variable) => format!("    {name}: `{text}${{process.env.{variable}}}`,\n"),
    }
}

/// The code for the lines of a dialect's stream: parse the event, print its text, print its calls.
struct StreamLines {
    event: &'static str,
    text: &'static str,
    calls: &'static str,
}

fn lines_of(dialect: DialectId) -> StreamLines {
    match dialect {
        DialectId::Anthropic => StreamLines {
            event: EVENT,
            text: r#"event.delta?.text ?? """#,
            calls: r#"    if (event.content_block?.type === "tool_use") process.stdout.write(`\n${event.content_block.name} `);
    process.stdout.write(event.delta?.partial_json ?? "");
"#,
        },
        DialectId::OpenaiResponses => StreamLines {
            event: EVENT,
            text: r#"event.type === "response.output_text.delta" ? event.delta : """#,
            calls: r#"    if (event.type === "response.output_item.done" && event.item.type === "function_call")
      process.stdout.write(`\n${event.item.name} ${event.item.arguments}\n`);
"#,
        },
        DialectId::Gemini | DialectId::VertexGrpc => StreamLines {
            event: EVENT,
            text: r#"(event.candidates?.[0]?.content?.parts ?? []).map((part) => (part.thought ? "" : part.text ?? "")).join("")"#,
            calls: r"    for (const { functionCall } of event.candidates?.[0]?.content?.parts ?? [])
      if (functionCall) process.stdout.write(`\n${functionCall.name} ${JSON.stringify(functionCall.args)}\n`);
",
        },
        DialectId::Ollama => StreamLines {
            event: "    if (!line.trim()) continue;\n    const event = JSON.parse(line);\n",
            text: r#"event.message?.content ?? """#,
            calls: r"    for (const call of event.message?.tool_calls ?? [])
      process.stdout.write(`\n${call.function.name} ${JSON.stringify(call.function.arguments)}\n`);
",
        },
        DialectId::OpenaiChat => StreamLines {
            event: DONE_OR_EVENT,
            text: r#"event.choices?.[0]?.delta?.content ?? """#,
            calls: r#"    for (const { function: call } of event.choices?.[0]?.delta?.tool_calls ?? [])
      process.stdout.write((call.name ? `\n${call.name} ` : "") + (call.arguments ?? ""));
"#,
        },
    }
}

/// Code that reads the stream line by line and prints its text, and its calls if the request has tools.
fn reader(asked: &SnippetRequest) -> String {
    let StreamLines { event, text, calls } = lines_of(asked.dialect);
    let calls = if asked.calls { calls } else { "" };
    format!(
        "const decoder = new TextDecoder();\nlet rest = \"\";\nfor await (const bytes of response.body) {{\n  \
         rest += decoder.decode(bytes, {{ stream: true }});\n  const lines = rest.split(\"\\n\");\n  rest = \
         lines.pop();\n  for (const line of lines) {{\n{event}    process.stdout.write({text});\n{calls}  }}\n}}\n"
    )
}

const EVENT: &str = r#"    if (!line.startsWith("data:")) continue;
    const event = JSON.parse(line.slice(5));
"#;

const DONE_OR_EVENT: &str = r#"    if (!line.startsWith("data:") || line.slice(5).trim() === "[DONE]") continue;
    const event = JSON.parse(line.slice(5));
"#;
