//! Builds the prompt from arguments, files and standard input.

use std::{
    io::{self, IsTerminal as _},
    path::Path,
};

use serde_json::{Value, json};

use super::{ChatArgs, session::ChatSession};
use crate::{
    chat::{ChatRequest, Media, Message, Params, Part, ResponseFormat, Role, Tool, is_address},
    cli::{
        UsageError,
        input::{self, MAX_BODY, MAX_TEXT, STDIN},
    },
    engine::files,
    schema,
};

/// The question to every target.
pub(super) struct ChatPrompt {
    /// The earlier turns, and the settings for all turns.
    pub session: ChatSession,
    /// This turn.
    pub message: Message,
    params: Params,
    raw_body: Option<Value>,
}

impl ChatPrompt {
    pub fn of(args: &ChatArgs) -> anyhow::Result<Self> {
        let mut session = args.session.as_deref().map(ChatSession::read).transpose()?;
        let mut session = session.take().unwrap_or_default();
        if let Some(system) = &args.system {
            session.system = Some(system.clone());
        }
        if let Some(file) = &args.tools {
            session.tools = tools(file)?;
        }
        let message = if args.results.is_empty() {
            session.check_takes_prompt()?;
            user_message(args)?
        } else {
            session.results(args.results.iter().map(|text| text_of(text)))?
        };
        Ok(Self {
            session,
            message,
            params: params(args)?,
            raw_body: args.body.as_deref().map(raw_body).transpose()?,
        })
    }

    /// The request to a model of this name.
    pub fn request(&self, model: &str) -> ChatRequest {
        let mut messages = self.session.messages.clone();
        messages.push(self.message.clone());
        ChatRequest {
            model: model.to_owned(),
            system: self.session.system.clone(),
            messages,
            params: self.params.clone(),
            tools: self.session.tools.clone(),
            raw_body: self.raw_body.clone(),
        }
    }
}

/// The user's turn: prompt and files.
fn user_message(args: &ChatArgs) -> Result<Message, UsageError> {
    let mut parts = Vec::new();
    if args.body.is_none() {
        let text = prompt(args.prompt.as_deref())?;
        parts.push(Part::Text { text });
    }
    for file in &args.attach {
        parts.push(Part::Media(media(file)?));
    }
    Ok(Message {
        role: Role::User,
        parts,
    })
}

fn prompt(given: Option<&str>) -> Result<String, UsageError> {
    if let Some(text) = given
        && text != "-"
    {
        return Ok(text.to_owned());
    }
    if given.is_none() && io::stdin().is_terminal() {
        return Err(UsageError::new(
            "nothing to ask: give a prompt, or pipe one in",
        ));
    }
    let text = input::text("prompt", Path::new(STDIN), MAX_TEXT)?;
    if text.trim().is_empty() {
        return Err(UsageError::new("nothing to ask: standard input is empty"));
    }
    Ok(text)
}

fn media(file: &Path) -> Result<Media, UsageError> {
    if file == Path::new(STDIN) {
        let bytes = input::bytes("attached file", file, files::MAX_BYTES)?;
        return Media::of_bytes(bytes, "attached".into()).map_err(UsageError::new);
    }
    let address = file.to_str().filter(|text| is_address(text));
    let media = address.map_or_else(|| files::read(file), Media::at);
    media.map_err(UsageError::new)
}

/// The text of an argument, or of the file of `@FILE`.
fn text_of(argument: &str) -> Result<String, UsageError> {
    match argument.strip_prefix('@') {
        None => Ok(argument.to_owned()),
        Some(file) => input::text("result", Path::new(file), MAX_TEXT),
    }
}

fn params(args: &ChatArgs) -> Result<Params, UsageError> {
    let schema = args.schema.as_deref().map(schema_file).transpose()?;
    let extra = match &args.extra {
        None => serde_json::Map::new(),
        Some(text) => serde_json::from_str(text)
            .map_err(|why| UsageError::new(format!("--extra is not a JSON object: {why}")))?,
    };
    Ok(Params {
        temperature: args.temperature,
        top_p: args.top_p,
        max_tokens: args.max_tokens,
        seed: args.seed,
        stop: args.stop.clone(),
        reasoning_effort: args.reasoning_effort.clone(),
        cache_prompt: args.cache_prompt,
        response_format: schema.map(|schema| ResponseFormat::JsonSchema {
            name: "answer".into(),
            schema,
            strict: true,
        }),
        extra,
        ..Params::default()
    })
}

fn tools(file: &Path) -> Result<Vec<Tool>, UsageError> {
    let wrong = |why: String| UsageError::new(format!("{}: {why}", input::name(file)));
    let Value::Array(written) = json("tools", file, MAX_TEXT)? else {
        return Err(wrong(
            r#"tools must be a JSON array: [{"name": …, "description": …, "parameters": {…}}]"#
                .into(),
        ));
    };
    let mut tools = Vec::new();
    for (index, value) in written.iter().enumerate() {
        let what = format!("tool {}, ", index + 1);
        let tool = tool(value).ok_or_else(|| wrong(format!("{what}it has no name")))?;
        check_schema(file, &format!("{what}its parameters, "), &tool.parameters)?;
        tools.push(tool);
    }
    Ok(tools)
}

/// Parses a tool in our form, or in a provider's. Without a schema, it has no parameters; without a name, it is not a
/// tool.
fn tool(value: &Value) -> Option<Tool> {
    const SCHEMAS: &[&str] = &["parameters", "input_schema", "parametersJsonSchema"];
    let bare = value.get("function").unwrap_or(value);
    let schema = SCHEMAS.iter().find_map(|name| bare.get(*name));
    let nothing = || json!({"type": "object", "properties": {}});
    Some(Tool {
        name: bare.get("name")?.as_str()?.to_owned(),
        description: bare["description"].as_str().unwrap_or_default().to_owned(),
        parameters: schema.cloned().unwrap_or_else(nothing),
    })
}

fn schema_file(file: &Path) -> Result<Value, UsageError> {
    let schema = json("schema", file, MAX_TEXT)?;
    check_schema(file, "", &schema)?;
    Ok(schema)
}

/// Fails with the first problem of a schema.
fn check_schema(file: &Path, what: &str, schema: &Value) -> Result<(), UsageError> {
    let problem = schema::problems(schema).into_iter().next();
    problem.map_or(Ok(()), |problem| {
        let file = input::name(file);
        Err(UsageError::new(format!("{file}: {what}{problem}")))
    })
}

fn raw_body(file: &Path) -> Result<Value, UsageError> {
    let body = json("body", file, MAX_BODY)?;
    if body.is_object() {
        return Ok(body);
    }
    let name = input::name(file);
    let why = format!("{name}: a body must be a JSON object: {{ … }}");
    Err(UsageError::new(why))
}

fn json(used_for: &'static str, file: &Path, limit: u64) -> Result<Value, UsageError> {
    let text = input::text(used_for, file, limit)?;
    let value = serde_json::from_str(&text);
    value.map_err(|why| UsageError::new(format!("{} is not JSON: {why}", input::name(file))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_problems_name_file_and_path() {
        let checked = |what, schema| {
            let refused = check_schema(Path::new("s.json"), what, &schema);
            refused.map_err(|error| error.to_string())
        };
        assert_eq!(checked("", json!({"type": "object"})), Ok(()));
        let text = checked("", json!({"properties": {"age": {"type": "strng"}}})).unwrap_err();
        let start = "s.json: at /properties/age/type: “strng” is no type: use string, ";
        assert!(text.starts_with(start), "{text}");
        let text = checked("tool 2, its parameters, ", json!([])).unwrap_err();
        let whole = "s.json: tool 2, its parameters, a JSON schema is an object: { … }";
        assert_eq!(text, whole);
    }

    #[test]
    fn tools_are_read_in_every_providers_form() {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let ours = Tool {
            name: "weather".into(),
            description: "Of a city".into(),
            parameters: schema.clone(),
        };
        for written in [
            json!({"name": "weather", "description": "Of a city", "parameters": schema}),
            json!({"type": "function", "function": {"name": "weather", "description": "Of a city", "parameters": schema}}),
            json!({"type": "function", "name": "weather", "description": "Of a city", "parameters": schema, "strict": false}),
            json!({"name": "weather", "description": "Of a city", "input_schema": schema}),
            json!({"name": "weather", "description": "Of a city", "parametersJsonSchema": schema}),
        ] {
            assert_eq!(tool(&written), Some(ours.clone()), "{written}");
        }
        let bare = tool(&json!({"name": "now"})).unwrap();
        assert_eq!(bare.parameters["properties"], json!({}));
        for nameless in [
            json!({"parameters": schema}),
            json!("weather"),
            json!({"name": 1}),
        ] {
            assert_eq!(tool(&nameless), None, "{nameless}");
        }
    }
}
