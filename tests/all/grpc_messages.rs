//! `GenerateContentResponse` from the JSON that REST has for it, written apart from the code it tests.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use googleapis_tonic_google_cloud_aiplatform_v1::google::cloud::aiplatform::v1::{
    Blob, Candidate, Citation, CitationMetadata, CodeExecutionResult, Content, ExecutableCode,
    FileData, FunctionCall, GenerateContentResponse, GroundingChunk, GroundingMetadata,
    HarmCategory, ModalityTokenCount, Part, PartialArg, SafetyRating, UrlContextMetadata,
    UrlMetadata,
    candidate::FinishReason,
    code_execution_result::Outcome,
    executable_code::Language,
    generate_content_response::{PromptFeedback, UsageMetadata, prompt_feedback::BlockedReason},
    grounding_chunk::{ChunkType, Maps, RetrievedContext, Web},
    part::Data,
    partial_arg::Delta,
    safety_rating::HarmProbability,
    url_metadata::UrlRetrievalStatus,
};
use prost::Message as _;
use prost_types::{ListValue, Struct, value::Kind};
use serde_json::Value;

/// The message of a response's JSON.
pub fn response(json: &Value) -> GenerateContentResponse {
    GenerateContentResponse {
        candidates: list(json, "candidates").map(candidate).collect(),
        model_version: text(json, "modelVersion"),
        create_time: None,
        response_id: text(json, "responseId"),
        prompt_feedback: json.get("promptFeedback").map(|json| PromptFeedback {
            block_reason: word(json, "blockReason", BlockedReason::from_str_name),
            safety_ratings: list(json, "safetyRatings").map(rating).collect(),
            block_reason_message: text(json, "blockReasonMessage"),
        }),
        usage_metadata: json.get("usageMetadata").map(|json| UsageMetadata {
            prompt_token_count: number(json, "promptTokenCount"),
            candidates_token_count: number(json, "candidatesTokenCount"),
            thoughts_token_count: number(json, "thoughtsTokenCount"),
            total_token_count: number(json, "totalTokenCount"),
            cached_content_token_count: number(json, "cachedContentTokenCount"),
            tool_use_prompt_tokens_details: list(json, "toolUsePromptTokensDetails")
                .map(|json| ModalityTokenCount {
                    modality: 1,
                    token_count: number(json, "tokenCount"),
                })
                .collect(),
            ..UsageMetadata::default()
        }),
    }
}

/// A body of such messages, each with its length in front.
pub fn body(messages: &[Value]) -> Vec<u8> {
    messages
        .iter()
        .flat_map(|json| frame(&response(json)))
        .collect()
}

/// A message with its length in front.
pub fn frame(message: &GenerateContentResponse) -> Vec<u8> {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), &message].concat()
}

fn candidate(json: &Value) -> Candidate {
    let content = json.get("content").map(|json| Content {
        role: text(json, "role"),
        parts: list(json, "parts").map(part).collect(),
    });
    Candidate {
        index: number(json, "index"),
        content,
        finish_reason: word(json, "finishReason", FinishReason::from_str_name),
        safety_ratings: list(json, "safetyRatings").map(rating).collect(),
        finish_message: maybe(json, "finishMessage"),
        citation_metadata: json.get("citationMetadata").map(|json| CitationMetadata {
            citations: list(json, "citations").map(citation).collect(),
        }),
        grounding_metadata: json.get("groundingMetadata").map(|json| GroundingMetadata {
            grounding_chunks: list(json, "groundingChunks").map(source).collect(),
            web_search_queries: list(json, "webSearchQueries")
                .map(|query| query.as_str().unwrap().to_owned())
                .collect(),
            ..GroundingMetadata::default()
        }),
        url_context_metadata: json
            .get("urlContextMetadata")
            .map(|json| UrlContextMetadata {
                url_metadata: list(json, "urlMetadata").map(page).collect(),
            }),
        ..Candidate::default()
    }
}

fn part(json: &Value) -> Part {
    Part {
        thought: json.get("thought").is_some_and(|flag| flag == true),
        thought_signature: bytes(json, "thoughtSignature").into(),
        data: data(json),
        ..Part::default()
    }
}

fn data(json: &Value) -> Option<Data> {
    let (kind, value) = (json.as_object()?.iter())
        .find(|(key, _)| !["thought", "thoughtSignature"].contains(&key.as_str()))?;
    Some(match kind.as_str() {
        "text" => Data::Text(value.as_str()?.into()),
        "inlineData" => Data::InlineData(Blob {
            mime_type: text(value, "mimeType"),
            data: bytes(value, "data").into(),
        }),
        "fileData" => Data::FileData(FileData {
            mime_type: text(value, "mimeType"),
            file_uri: text(value, "fileUri"),
        }),
        "functionCall" => Data::FunctionCall(FunctionCall {
            name: text(value, "name"),
            args: value
                .get("args")
                .filter(|args| args.is_object())
                .map(fields),
            partial_args: list(value, "partialArgs").map(partial).collect(),
            will_continue: value.get("willContinue").is_some_and(|flag| flag == true),
        }),
        "executableCode" => Data::ExecutableCode(ExecutableCode {
            language: word(value, "language", Language::from_str_name),
            code: text(value, "code"),
        }),
        "codeExecutionResult" => Data::CodeExecutionResult(CodeExecutionResult {
            outcome: word(value, "outcome", Outcome::from_str_name),
            output: text(value, "output"),
        }),
        _ => return None,
    })
}

fn partial(json: &Value) -> PartialArg {
    let delta = (json
        .get("stringValue")
        .map(|v| Delta::StringValue(v.as_str().unwrap().into())))
    .or(json
        .get("numberValue")
        .map(|v| Delta::NumberValue(v.as_f64().unwrap())))
    .or(json
        .get("boolValue")
        .map(|v| Delta::BoolValue(v.as_bool().unwrap())))
    .unwrap_or(Delta::NullValue(0));
    PartialArg {
        json_path: text(json, "jsonPath"),
        will_continue: json.get("willContinue").is_some_and(|flag| flag == true),
        delta: Some(delta),
    }
}

fn rating(json: &Value) -> SafetyRating {
    SafetyRating {
        category: word(json, "category", HarmCategory::from_str_name),
        probability: word(json, "probability", HarmProbability::from_str_name),
        blocked: json.get("blocked").is_some_and(|flag| flag == true),
        ..SafetyRating::default()
    }
}

fn citation(json: &Value) -> Citation {
    Citation {
        uri: text(json, "uri"),
        title: text(json, "title"),
        license: text(json, "license"),
        ..Citation::default()
    }
}

fn source(json: &Value) -> GroundingChunk {
    let chunk_type = if let Some(json) = json.get("web") {
        let (uri, title) = (maybe(json, "uri"), maybe(json, "title"));
        ChunkType::Web(Web { uri, title })
    } else if let Some(json) = json.get("maps") {
        let (uri, title) = (maybe(json, "uri"), maybe(json, "title"));
        ChunkType::Maps(Maps {
            uri,
            title,
            ..Maps::default()
        })
    } else {
        let Some(json) = json.get("retrievedContext") else {
            return GroundingChunk::default();
        };
        ChunkType::RetrievedContext(RetrievedContext {
            uri: maybe(json, "uri"),
            title: maybe(json, "title"),
            text: maybe(json, "text"),
            ..RetrievedContext::default()
        })
    };
    GroundingChunk {
        chunk_type: Some(chunk_type),
    }
}

fn page(json: &Value) -> UrlMetadata {
    UrlMetadata {
        retrieved_url: text(json, "retrievedUrl"),
        url_retrieval_status: word(
            json,
            "urlRetrievalStatus",
            UrlRetrievalStatus::from_str_name,
        ),
    }
}

fn fields(json: &Value) -> Struct {
    let fields = json.as_object().unwrap().iter();
    let fields: BTreeMap<_, _> = fields
        .map(|(key, json)| (key.clone(), value(json)))
        .collect();
    Struct { fields }
}

fn value(json: &Value) -> prost_types::Value {
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(items) => Kind::ListValue(ListValue {
            values: items.iter().map(value).collect(),
        }),
        Value::Object(_) => Kind::StructValue(fields(json)),
    };
    prost_types::Value { kind: Some(kind) }
}

fn list<'a>(json: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    json.get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn maybe(json: &Value, name: &str) -> Option<String> {
    Some(json.get(name)?.as_str()?.to_owned())
}

fn text(json: &Value, name: &str) -> String {
    maybe(json, name).unwrap_or_default()
}

fn number(json: &Value, name: &str) -> i32 {
    json.get(name)
        .map_or(0, |n| n.as_i64().unwrap().try_into().unwrap())
}

/// An enum's number; a word that it does not know is one that it does not know either.
fn word<E: Into<i32>>(json: &Value, name: &str, of: fn(&str) -> Option<E>) -> i32 {
    json.get(name)
        .map_or(0, |word| of(word.as_str().unwrap()).map_or(99, Into::into))
}

fn bytes(json: &Value, name: &str) -> Vec<u8> {
    let text = text(json, name);
    let standard = STANDARD.decode(&text);
    standard
        .or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')))
        .unwrap()
}
