//! A program for Node.js 18 or later, without any package.

use std::fmt::Write as _;

use super::{Asked, Header};
use crate::dialect::DialectId;

pub(super) fn write(asked: &Asked) -> String {
    let mut out = String::new();
    for set in asked.to_set() {
        let _ = writeln!(out, "// {set}");
    }
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
    out += &reader(asked.dialect);
    out
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

/// Reads the stream line by line and prints its text.
fn reader(dialect: DialectId) -> String {
    let (line, text) = match dialect.as_str() {
        "anthropic" => (EVENT, "event.delta?.text ?? \"\""),
        "openai-responses" => (
            EVENT,
            "event.type === \"response.output_text.delta\" ? event.delta : \"\"",
        ),
        "gemini" => (
            EVENT,
            "(event.candidates?.[0]?.content?.parts ?? []).map((part) => (part.thought ? \"\" : part.text ?? \
             \"\")).join(\"\")",
        ),
        "ollama" => (
            "    if (!line.trim()) continue;\n    const event = JSON.parse(line);\n",
            "event.message?.content ?? \"\"",
        ),
        _ => (EVENT, "event.choices?.[0]?.delta?.content ?? \"\""),
    };
    format!(
        "const decoder = new TextDecoder();\nlet rest = \"\";\nfor await (const bytes of response.body) {{\n  \
         rest += decoder.decode(bytes, {{ stream: true }});\n  const lines = rest.split(\"\\n\");\n  rest = \
         lines.pop();\n  for (const line of lines) {{\n{line}    process.stdout.write({text});\n  }}\n}}\n"
    )
}

const EVENT: &str = "    if (!line.startsWith(\"data:\") || line.includes(\"[DONE]\")) continue;\n    \
                     const event = JSON.parse(line.slice(5));\n";
