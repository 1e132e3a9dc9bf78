//! The settings of a pane as text fields: what is typed, what it means, what is wrong with it.
//!
//! In: [`Params`] and tools. Out: the same, once every field reads and the schemas in them were checked. An empty field
//! is not sent, which is not the same as sending a default.

use serde_json::{Map, Value};

use super::{
    params_reading::{ParamsReading, Problem},
    schema_form::{json, pretty},
};
use crate::chat::{CacheLife, Params, ResponseFormat, Tool};

/// A choice of answer shape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// Not sent.
    #[default]
    NotSent,
    /// Any JSON object.
    Object,
    /// JSON after a schema.
    Schema,
}

/// The fields, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParamsForm {
    /// Sampling temperature.
    pub temperature: String,
    /// Nucleus sampling mass.
    pub top_p: String,
    /// Most output tokens.
    pub max_tokens: String,
    /// Seed.
    pub seed: String,
    /// Stop strings, one a line.
    pub stop: String,
    /// How long to think.
    pub effort: String,
    /// How long the provider is asked to keep the prompt.
    pub cache: Option<CacheLife>,
    /// The shape of the answer.
    pub shape: Shape,
    /// The schema's name.
    pub schema_name: String,
    /// The schema, as JSON.
    pub schema: String,
    /// Whether the provider must enforce it.
    pub strict: bool,
    /// Tools, as a JSON array.
    pub tools: String,
    /// Further JSON, an object.
    pub extra: String,
}

impl ParamsForm {
    /// The form of these settings.
    pub fn of(params: &Params, tools: &[Tool]) -> Self {
        let mut form = Self {
            temperature: text_of(params.temperature),
            top_p: text_of(params.top_p),
            max_tokens: text_of(params.max_tokens),
            seed: text_of(params.seed),
            stop: params.stop.join("\n"),
            effort: params.reasoning_effort.clone().unwrap_or_default(),
            cache: params.cache_prompt,
            schema_name: "answer".to_owned(),
            strict: true,
            ..Self::default()
        };
        match &params.response_format {
            None => {}
            Some(ResponseFormat::JsonObject) => form.shape = Shape::Object,
            Some(ResponseFormat::JsonSchema {
                name,
                schema,
                strict,
            }) => {
                form.shape = Shape::Schema;
                form.schema_name.clone_from(name);
                form.schema = pretty(schema);
                form.strict = *strict;
            }
        }
        if !tools.is_empty() {
            form.tools = serde_json::to_value(tools).map_or_else(|_| String::new(), |v| pretty(&v));
        }
        if !params.extra.is_empty() {
            form.extra = pretty(&Value::Object(params.extra.clone()));
        }
        form
    }

    /// What the fields mean, as far as that can be told without checking a schema.
    pub fn read(&self) -> ParamsReading {
        let mut problems = Vec::new();
        let mut params = Params {
            temperature: kept("temperature", temperature(&self.temperature), &mut problems),
            top_p: kept("top_p", top_p(&self.top_p), &mut problems),
            max_tokens: kept("max_tokens", max_tokens(&self.max_tokens), &mut problems),
            seed: kept("seed", seed(&self.seed), &mut problems),
            stop: self
                .stop
                .lines()
                .filter(|l| !l.is_empty())
                .map(str::to_owned)
                .collect(),
            reasoning_effort: Some(self.effort.trim().to_owned()).filter(|e| !e.is_empty()),
            cache_prompt: self.cache,
            response_format: kept("schema", self.response_format(), &mut problems),
            extra: Map::new(),
            ..Params::default()
        };
        if params.stop.len() > 16 {
            problems.push(("stop", "At most 16 stop strings".to_owned()));
        }
        params.extra = kept("extra", extra(&self.extra), &mut problems).unwrap_or_default();
        let tools = kept("tools", tools(&self.tools), &mut problems).unwrap_or_default();
        ParamsReading {
            params,
            tools,
            problems,
        }
    }

    fn response_format(&self) -> Result<Option<ResponseFormat>, String> {
        match self.shape {
            Shape::NotSent => Ok(None),
            Shape::Object => Ok(Some(ResponseFormat::JsonObject)),
            Shape::Schema => {
                let name = self.schema_name.trim();
                let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
                    return Err("The schema’s name: 1 to 64 letters, digits, _ or -".to_owned());
                }
                let schema = json(&self.schema)?.ok_or("Write the JSON schema here")?;
                if !schema.is_object() {
                    return Err("A JSON schema is an object: { … }".to_owned());
                }
                Ok(Some(ResponseFormat::JsonSchema {
                    name: name.to_owned(),
                    schema,
                    strict: self.strict,
                }))
            }
        }
    }
}

/// How many settings are sent: for a mark on the button that opens them.
pub fn count_sent(params: &Params, tools: &[Tool]) -> usize {
    usize::from(params.temperature.is_some())
        + usize::from(params.top_p.is_some())
        + usize::from(params.max_tokens.is_some())
        + usize::from(params.seed.is_some())
        + usize::from(!params.stop.is_empty())
        + usize::from(params.reasoning_effort.is_some())
        + usize::from(params.cache_prompt.is_some())
        + usize::from(params.response_format.is_some())
        + usize::from(!params.extra.is_empty())
        + usize::from(!tools.is_empty())
}

fn kept<T>(
    field: &'static str,
    read: Result<Option<T>, String>,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    read.unwrap_or_else(|problem| {
        problems.push((field, problem));
        None
    })
}

fn text_of<T: ToString>(value: Option<T>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

fn parsed<T: std::str::FromStr>(text: &str, what: &str) -> Result<Option<T>, String> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| what.to_owned()),
    }
}

fn temperature(text: &str) -> Result<Option<f64>, String> {
    let what = "A number of 0 or more, such as 0.7";
    match parsed::<f64>(text, what)? {
        Some(value) if !value.is_finite() || value < 0.0 => Err(what.to_owned()),
        value => Ok(value),
    }
}

fn top_p(text: &str) -> Result<Option<f64>, String> {
    let what = "A number from 0 to 1";
    match parsed::<f64>(text, what)? {
        Some(value) if !(0.0..=1.0).contains(&value) => Err(what.to_owned()),
        value => Ok(value),
    }
}

fn max_tokens(text: &str) -> Result<Option<u32>, String> {
    let what = "A whole number of 1 or more";
    match parsed::<u32>(text, what)? {
        Some(0) => Err(what.to_owned()),
        value => Ok(value),
    }
}

fn seed(text: &str) -> Result<Option<i64>, String> {
    parsed(text, "A whole number")
}

fn extra(text: &str) -> Result<Option<Map<String, Value>>, String> {
    match json(text)? {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err("A JSON object is needed: { \"name\": value }".to_owned()),
    }
}

fn tools(text: &str) -> Result<Option<Vec<Tool>>, String> {
    let Some(value) = json(text)? else {
        return Ok(None);
    };
    let Value::Array(items) = value else {
        return Err("A JSON array is needed: [ { \"name\": …, \"parameters\": … } ]".to_owned());
    };
    let mut tools: Vec<Tool> = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let tool = tool(item).map_err(|problem| format!("Tool {}: {problem}", index + 1))?;
        if tools.iter().any(|other| other.name == tool.name) {
            return Err(format!(
                "Tool {}: there are two of the name “{}”",
                index + 1,
                tool.name
            ));
        }
        tools.push(tool);
    }
    Ok(Some(tools))
}

/// A tool, bare or wrapped as the API of `OpenAI` has it: `{"type": "function", "function": …}`.
fn tool(item: Value) -> Result<Tool, String> {
    let bare = match item {
        Value::Object(mut map) if map.contains_key("function") => {
            map.remove("function").unwrap_or_default()
        }
        other => other,
    };
    let tool: Tool = serde_json::from_value(bare).map_err(|error| error.to_string())?;
    if tool.name.trim().is_empty() {
        return Err("its name is empty".to_owned());
    }
    if !tool.parameters.is_object() {
        return Err("its parameters are a JSON schema: an object".to_owned());
    }
    Ok(tool)
}

#[cfg(test)]
mod tests {
    use super::{super::params_reading::PaneSettings, *};
    use crate::schema::SchemaCheck;

    type Change = fn(&mut ParamsForm);

    /// As the engine checks it.
    fn read(form: &ParamsForm) -> Result<PaneSettings, Vec<Problem>> {
        let reading = form.read();
        let checks: Vec<_> = reading.schemas().iter().map(SchemaCheck::of).collect();
        reading.checked(&checks)
    }

    fn problem(form: &ParamsForm) -> Vec<Problem> {
        read(form).unwrap_err()
    }

    #[test]
    fn an_empty_form_sends_nothing() {
        assert_eq!(
            read(&ParamsForm::default()),
            Ok((Params::default(), Vec::new()))
        );
    }

    #[test]
    fn what_was_read_gives_the_same_form() {
        let form = ParamsForm {
            temperature: "0.7".into(),
            top_p: "0.9".into(),
            max_tokens: "512".into(),
            seed: "-3".into(),
            stop: "END\n###".into(),
            effort: "low".into(),
            cache: Some(CacheLife::Hour),
            shape: Shape::Schema,
            schema_name: "city".into(),
            schema: "{\n  \"type\": \"object\"\n}".into(),
            strict: false,
            tools: "[\n  {\n    \"name\": \"now\",\n    \"description\": \"\",\n    \"parameters\": {}\n  }\n]".into(),
            extra: "{\n  \"top_k\": 5\n}".into(),
        };
        let (params, tools) = read(&form).unwrap();
        assert_eq!(count_sent(&params, &tools), 10);
        assert_eq!(ParamsForm::of(&params, &tools), form);
    }

    #[test]
    fn every_bad_field_says_what_it_wants() {
        let bad = |change: Change| {
            let mut form = ParamsForm::default();
            change(&mut form);
            problem(&form)
        };
        let fields: [(&str, Change); 8] = [
            ("temperature", |f| f.temperature = "-1".into()),
            ("temperature", |f| f.temperature = "nan".into()),
            ("top_p", |f| f.top_p = "1.1".into()),
            ("max_tokens", |f| f.max_tokens = "0".into()),
            ("seed", |f| f.seed = "1.5".into()),
            ("schema", |f| {
                f.shape = Shape::Schema;
                f.schema_name = "a b".into();
            }),
            ("tools", |f| {
                f.tools = "[{\"name\":\"a\",\"parameters\":1}]".into();
            }),
            ("extra", |f| f.extra = "[1]".into()),
        ];
        for (field, change) in fields {
            let problems = bad(change);
            assert_eq!(problems.len(), 1, "{field}");
            assert_eq!(problems[0].0, field);
        }
    }

    #[test]
    fn broken_json_says_where() {
        let form = ParamsForm {
            extra: "{\n  \"a\": 1,\n  oops\n}".into(),
            ..ParamsForm::default()
        };
        let (_, problem) = &problem(&form)[0];
        assert!(problem.starts_with("Line 3, column 3: "), "{problem}");
    }

    #[test]
    fn a_tool_may_come_in_openai_wrapping() {
        let form = ParamsForm {
            tools: r#"[{"type":"function","function":{"name":"now","parameters":{}}}]"#.into(),
            ..ParamsForm::default()
        };
        assert_eq!(read(&form).unwrap().1[0].name, "now");
    }

    fn of_schema(schema: &str) -> ParamsForm {
        ParamsForm {
            shape: Shape::Schema,
            schema_name: "s".into(),
            schema: schema.into(),
            ..ParamsForm::default()
        }
    }

    #[test]
    fn a_wrong_schema_says_where_and_what_to_do() {
        let form = of_schema(r#"{"properties":{"age":{"type":"strng"},"b":{"minLength":"x"}}}"#);
        let (field, text) = &problem(&form)[0];
        assert_eq!(*field, "schema");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].starts_with("At /properties/age/type: “strng” is no type: use string, "));
        let form = ParamsForm {
            tools: r#"[{"name":"now","parameters":{"type":"objct"}}]"#.into(),
            ..ParamsForm::default()
        };
        let (_, text) = &problem(&form)[0];
        assert!(text.starts_with("Tool 1: its parameters, at /type: “objct” is no type"));
    }
}
