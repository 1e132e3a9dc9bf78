//! A response's JSON as its message: what of it a server says.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use googleapis_tonic_google_cloud_aiplatform_v1::google::cloud::aiplatform::v1::{
    Candidate, Content, FunctionCall, GenerateContentResponse, Part, candidate::FinishReason,
    generate_content_response::UsageMetadata, part::Data,
};
use serde_json::Value;

use crate::dialect::{
    serve::read::text_of,
    vertex_grpc::{frames::framed, structs},
};

/// The frame of a response.
pub(super) fn frame(response: &Value) -> Vec<u8> {
    // Only a message of 4 GiB has none.
    framed(&message(response)).unwrap_or_default().into()
}

fn message(json: &Value) -> GenerateContentResponse {
    GenerateContentResponse {
        candidates: list(&json["candidates"], candidate),
        model_version: text_of(&json["modelVersion"]),
        response_id: text_of(&json["responseId"]),
        usage_metadata: json.get("usageMetadata").map(usage),
        ..GenerateContentResponse::default()
    }
}

fn list<T>(json: &Value, message: fn(&Value) -> T) -> Vec<T> {
    json.as_array().into_iter().flatten().map(message).collect()
}

fn candidate(json: &Value) -> Candidate {
    let reason = json["finishReason"].as_str().unwrap_or_default();
    let reason = FinishReason::from_str_name(reason).unwrap_or_default();
    Candidate {
        content: Some(Content {
            role: text_of(&json["content"]["role"]),
            parts: list(&json["content"]["parts"], part),
        }),
        finish_reason: reason.into(),
        finish_message: json["finishMessage"].as_str().map(str::to_owned),
        ..Candidate::default()
    }
}

fn part(json: &Value) -> Part {
    let call = &json["functionCall"];
    let data = if call.is_object() {
        Data::FunctionCall(FunctionCall {
            name: text_of(&call["name"]),
            args: call["args"].as_object().cloned().map(structs::object),
            ..FunctionCall::default()
        })
    } else {
        Data::Text(text_of(&json["text"]))
    };
    let signature = json["thoughtSignature"].as_str().unwrap_or_default();
    Part {
        thought: json["thought"] == true,
        // Our own base64.
        thought_signature: STANDARD.decode(signature).unwrap_or_default().into(),
        data: Some(data),
        ..Part::default()
    }
}

fn usage(json: &Value) -> UsageMetadata {
    let count = |name: &str| {
        let count = json[name].as_i64().unwrap_or(0);
        i32::try_from(count).unwrap_or(i32::MAX)
    };
    UsageMetadata {
        prompt_token_count: count("promptTokenCount"),
        candidates_token_count: count("candidatesTokenCount"),
        thoughts_token_count: count("thoughtsTokenCount"),
        total_token_count: count("totalTokenCount"),
        cached_content_token_count: count("cachedContentTokenCount"),
        ..UsageMetadata::default()
    }
}
