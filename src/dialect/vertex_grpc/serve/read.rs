//! A request's message as the JSON that REST has for it: what of it REST reads.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use googleapis_tonic_google_cloud_aiplatform_v1::google::cloud::aiplatform::v1::{
    Content, FunctionDeclaration, GenerateContentRequest, GenerationConfig, Part, Schema, Tool,
    Type, part::Data,
};
use prost_types::{Struct, value::Kind};
use serde_json::{Map, Value, json};

use crate::dialect::vertex_grpc::structs;

/// The JSON of a request.
pub(super) fn json(request: GenerateContentRequest) -> Value {
    let mut body = Map::new();
    body.insert("contents".into(), list(request.contents, content));
    if let Some(system) = request.system_instruction {
        body.insert("systemInstruction".into(), content(system));
    }
    body.insert("tools".into(), list(request.tools, tool));
    if let Some(own) = request.generation_config {
        body.insert("generationConfig".into(), config(own));
    }
    body.into()
}

fn list<T>(items: Vec<T>, json: fn(T) -> Value) -> Value {
    items.into_iter().map(json).collect()
}

fn content(content: Content) -> Value {
    let mut json = json!({ "parts": list(content.parts, part) });
    if !content.role.is_empty() {
        json["role"] = content.role.into();
    }
    json
}

fn part(part: Part) -> Value {
    let mut json = match part.data {
        Some(Data::Text(text)) => json!({ "text": text }),
        Some(Data::InlineData(file)) => json!({ "inlineData": {
            "mimeType": file.mime_type, "data": STANDARD.encode(file.data),
        } }),
        Some(Data::FileData(file)) => json!({ "fileData": {
            "mimeType": file.mime_type, "fileUri": file.file_uri,
        } }),
        Some(Data::FunctionCall(call)) => json!({ "functionCall": {
            "name": call.name, "args": object(call.args),
        } }),
        Some(Data::FunctionResponse(result)) => json!({ "functionResponse": {
            "name": result.name, "response": object(result.response),
        } }),
        Some(Data::ExecutableCode(_) | Data::CodeExecutionResult(_)) | None => json!({}),
    };
    if part.thought {
        json["thought"] = true.into();
    }
    json
}

fn object(fields: Option<Struct>) -> Value {
    structs::object_json(fields.unwrap_or_default())
}

fn tool(tool: Tool) -> Value {
    json!({ "functionDeclarations": list(tool.function_declarations, function) })
}

fn function(function: FunctionDeclaration) -> Value {
    let schema = function.parameters_json_schema.map(structs::json);
    let schema = schema.or(function.parameters.map(schema_json));
    json!({
        "name": function.name, "description": function.description, "parametersJsonSchema": schema,
    })
}

fn config(config: GenerationConfig) -> Value {
    let schema = config.response_json_schema.map(structs::json);
    let schema = schema.or(config.response_schema.map(schema_json));
    json!({
        "maxOutputTokens": config.max_output_tokens, "stopSequences": config.stop_sequences,
        "seed": config.seed, "responseMimeType": config.response_mime_type,
        "responseJsonSchema": schema,
    })
}

/// A schema of the older kind as a JSON schema: as REST has it.
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
