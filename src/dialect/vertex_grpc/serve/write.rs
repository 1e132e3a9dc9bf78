//! Converts a response's JSON to its message, with the fields that our servers write.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use googleapis_tonic_google_cloud_aiplatform_v1::google::cloud::aiplatform::v1::{
    Blob, Candidate, CodeExecutionResult, Content, ExecutableCode, FileData, FunctionCall,
    GenerateContentResponse, GroundingChunk, GroundingMetadata, Part,
    candidate::FinishReason,
    code_execution_result::Outcome,
    executable_code::Language,
    generate_content_response::UsageMetadata,
    grounding_chunk::{ChunkType, RetrievedContext, Web},
    part::Data,
};
use serde_json::Value;

use crate::dialect::{
    serve::read::text_of,
    vertex_grpc::{frames::framed, structs},
};

/// The frame of a response.
pub(super) fn frame(response: &Value) -> Vec<u8> {
    // It fails only for messages over 4 GiB.
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
    let reason = match reason {
        "" => FinishReason::Unspecified,
        // The message has numbers only for documented words.
        word => FinishReason::from_str_name(word).unwrap_or(FinishReason::Other),
    };
    Candidate {
        content: Some(Content {
            role: text_of(&json["content"]["role"]),
            parts: list(&json["content"]["parts"], part),
        }),
        finish_reason: reason.into(),
        finish_message: json["finishMessage"].as_str().map(str::to_owned),
        grounding_metadata: json
            .get("groundingMetadata")
            .map(|sources| GroundingMetadata {
                grounding_chunks: list(&sources["groundingChunks"], source),
                ..GroundingMetadata::default()
            }),
        ..Candidate::default()
    }
}

fn part(json: &Value) -> Part {
    let signature = json["thoughtSignature"].as_str().unwrap_or_default();
    Part {
        thought: json["thought"] == true,
        // The base64 is our own, so it is valid.
        thought_signature: STANDARD.decode(signature).unwrap_or_default().into(),
        data: Some(data(json)),
        ..Part::default()
    }
}

fn data(json: &Value) -> Data {
    let (call, inline, at) = (
        &json["functionCall"],
        &json["inlineData"],
        &json["fileData"],
    );
    let (code, result) = (&json["executableCode"], &json["codeExecutionResult"]);
    let text = |of: &Value, name: &str| text_of(&of[name]);
    if call.is_object() {
        Data::FunctionCall(FunctionCall {
            name: text(call, "name"),
            args: call["args"].as_object().cloned().map(structs::object),
            ..FunctionCall::default()
        })
    } else if inline.is_object() {
        let data = inline["data"].as_str().unwrap_or_default();
        Data::InlineData(Blob {
            mime_type: text(inline, "mimeType"),
            data: STANDARD.decode(data).unwrap_or_default().into(),
        })
    } else if at.is_object() {
        Data::FileData(FileData {
            mime_type: text(at, "mimeType"),
            file_uri: text(at, "fileUri"),
        })
    } else if code.is_object() {
        let language = Language::from_str_name(&text(code, "language"));
        Data::ExecutableCode(ExecutableCode {
            language: language.unwrap_or_default().into(),
            code: text(code, "code"),
        })
    } else if result.is_object() {
        let outcome = Outcome::from_str_name(&text(result, "outcome"));
        Data::CodeExecutionResult(CodeExecutionResult {
            outcome: outcome.unwrap_or_default().into(),
            output: text(result, "output"),
        })
    } else {
        Data::Text(text(json, "text"))
    }
}

fn source(json: &Value) -> GroundingChunk {
    let text = |of: &Value, name: &str| of[name].as_str().map(str::to_owned);
    let (web, own) = (&json["web"], &json["retrievedContext"]);
    let source = if web.is_object() {
        ChunkType::Web(Web {
            uri: text(web, "uri"),
            title: text(web, "title"),
        })
    } else {
        ChunkType::RetrievedContext(RetrievedContext {
            uri: text(own, "uri"),
            title: text(own, "title"),
            text: text(own, "text"),
            ..RetrievedContext::default()
        })
    };
    GroundingChunk {
        chunk_type: Some(source),
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
