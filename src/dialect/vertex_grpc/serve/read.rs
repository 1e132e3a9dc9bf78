//! Converts a request's message to REST's JSON. As in protobuf, a missing field and a zero are the same.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use googleapis_tonic_google_cloud_aiplatform_v1::google::cloud::aiplatform::v1::{
    Content, FunctionCallingConfig, FunctionDeclaration, GenerateContentRequest, GenerationConfig,
    HarmCategory, Part, SafetySetting, Schema, Tool, ToolConfig, Type,
    function_calling_config::Mode,
    generation_config::{ThinkingConfig, thinking_config::ThinkingLevel},
    part::Data,
    safety_setting::HarmBlockThreshold,
};
use prost_types::{Struct, value::Kind};
use serde_json::{Map, Value, json};

use crate::dialect::vertex_grpc::structs;

/// The JSON of a request.
pub(super) fn json(request: GenerateContentRequest) -> Value {
    let labels: Map<String, Value> = (request.labels.into_iter())
        .map(|(name, label)| (name, label.into()))
        .collect();
    let system = request.system_instruction.map(content);
    let tool_config = request.tool_config.map(tool_config);
    stated([
        ("contents", list(request.contents, content)),
        ("systemInstruction", system.into()),
        ("tools", list(request.tools, tool)),
        ("toolConfig", tool_config.into()),
        ("safetySettings", list(request.safety_settings, safety)),
        ("cachedContent", request.cached_content.into()),
        ("labels", labels.into()),
        (
            "generationConfig",
            request.generation_config.map(config).into(),
        ),
    ])
}

/// An object of these fields, without null and empty ones.
fn stated<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let is_set = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    };
    let fields = fields.into_iter().filter(|(_, value)| is_set(value));
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    Value::Object(fields.collect())
}

fn list<T>(items: Vec<T>, json: fn(T) -> Value) -> Value {
    items.into_iter().map(json).collect()
}

fn content(content: Content) -> Value {
    stated([
        ("role", content.role.into()),
        ("parts", list(content.parts, part)),
    ])
}

fn part(part: Part) -> Value {
    let mut json = part.data.map_or_else(|| json!({}), data);
    if part.thought {
        json["thought"] = true.into();
    }
    if !part.thought_signature.is_empty() {
        json["thoughtSignature"] = STANDARD.encode(part.thought_signature).into();
    }
    json
}

fn data(data: Data) -> Value {
    match data {
        Data::Text(text) => json!({ "text": text }),
        Data::InlineData(file) => json!({ "inlineData": {
            "mimeType": file.mime_type, "data": STANDARD.encode(file.data),
        } }),
        Data::FileData(file) => json!({ "fileData": stated([
            ("mimeType", file.mime_type.into()), ("fileUri", file.file_uri.into()),
        ]) }),
        Data::FunctionCall(call) => json!({ "functionCall": {
            "name": call.name, "args": object(call.args),
        } }),
        Data::FunctionResponse(result) => json!({ "functionResponse": {
            "name": result.name, "response": object(result.response),
        } }),
        Data::ExecutableCode(code) => json!({ "executableCode": {
            "language": code.language().as_str_name(), "code": code.code,
        } }),
        Data::CodeExecutionResult(result) => json!({ "codeExecutionResult": {
            "outcome": result.outcome().as_str_name(), "output": result.output,
        } }),
    }
}

fn object(fields: Option<Struct>) -> Value {
    structs::object_json(fields.unwrap_or_default())
}

fn tool(tool: Tool) -> Value {
    let functions = list(tool.function_declarations, function);
    stated([("functionDeclarations", functions)])
}

fn function(function: FunctionDeclaration) -> Value {
    let schema = function.parameters_json_schema.map(structs::json);
    stated([
        ("name", function.name.into()),
        ("description", function.description.into()),
        ("parametersJsonSchema", schema.into()),
        ("parameters", function.parameters.map(schema_json).into()),
    ])
}

fn tool_config(config: ToolConfig) -> Value {
    let calling = |calling: FunctionCallingConfig| {
        let mode = Mode::try_from(calling.mode).unwrap_or_default();
        let mode = (mode != Mode::Unspecified).then(|| mode.as_str_name());
        stated([
            ("mode", mode.into()),
            (
                "allowedFunctionNames",
                calling.allowed_function_names.into(),
            ),
        ])
    };
    let calling = config.function_calling_config.map(calling);
    stated([("functionCallingConfig", calling.into())])
}

fn safety(setting: SafetySetting) -> Value {
    let category = HarmCategory::try_from(setting.category).unwrap_or_default();
    let threshold = HarmBlockThreshold::try_from(setting.threshold).unwrap_or_default();
    json!({ "category": category.as_str_name(), "threshold": threshold.as_str_name() })
}

fn config(config: GenerationConfig) -> Value {
    let schema = config.response_json_schema.map(structs::json);
    stated([
        ("temperature", number(config.temperature)),
        ("topP", number(config.top_p)),
        ("topK", number(config.top_k)),
        ("candidateCount", config.candidate_count.into()),
        ("maxOutputTokens", config.max_output_tokens.into()),
        ("stopSequences", config.stop_sequences.into()),
        ("presencePenalty", number(config.presence_penalty)),
        ("frequencyPenalty", number(config.frequency_penalty)),
        ("seed", config.seed.into()),
        ("responseMimeType", config.response_mime_type.into()),
        ("responseJsonSchema", schema.into()),
        (
            "responseSchema",
            config.response_schema.map(schema_json).into(),
        ),
        (
            "thinkingConfig",
            config.thinking_config.map(thinking).into(),
        ),
    ])
}

fn thinking(config: ThinkingConfig) -> Value {
    let level = config.thinking_level.map(ThinkingLevel::try_from);
    let level = level.and_then(Result::ok).map(|level| level.as_str_name());
    stated([
        ("includeThoughts", config.include_thoughts.into()),
        ("thinkingBudget", config.thinking_budget.into()),
        ("thinkingLevel", level.into()),
    ])
}

/// A 32-bit number in its shortest form: 0.9, not 0.8999999761581421.
fn number(number: Option<f32>) -> Value {
    let written = number.and_then(|number| number.to_string().parse::<f64>().ok());
    written.into()
}

/// A schema in Google's form as a JSON schema, as REST has it.
fn schema_json(schema: Schema) -> Value {
    let kind = Type::try_from(schema.r#type).unwrap_or_default();
    let properties = schema.properties.into_iter();
    let properties: Map<String, Value> = properties
        .map(|(name, schema)| (name, schema_json(schema)))
        .collect();
    let mut json = json!({ "type": kind.as_str_name().to_lowercase(), "properties": properties });
    if let Some(items) = schema.items {
        json["items"] = schema_json(*items);
    }
    if !schema.r#enum.is_empty() {
        json["enum"] = schema.r#enum.into();
    }
    let null = |value: &prost_types::Value| matches!(value.kind, Some(Kind::NullValue(_)) | None);
    if let Some(default) = schema.default.filter(|value| !null(value)) {
        json["default"] = structs::json(default);
    }
    json
}
