//! Reads one `GenerateContentResponse` into events, with the reader that also decodes REST's JSON.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use googleapis_tonic_google_cloud_aiplatform_v1::google::cloud::aiplatform::v1::{
    Blob, Candidate, CitationMetadata, FunctionCall, GenerateContentResponse, GroundingChunk,
    HarmCategory, Part, PartialArg, SafetyRating, UrlContextMetadata, UrlMetadata,
    candidate::FinishReason,
    code_execution_result::Outcome,
    executable_code::Language,
    generate_content_response::{PromptFeedback, UsageMetadata, prompt_feedback::BlockedReason},
    grounding_chunk::{ChunkType, retrieved_context::ContextDetails},
    part::Data,
    partial_arg::Delta,
    safety_rating::HarmProbability,
    url_metadata::UrlRetrievalStatus,
};
use serde_json::{Map, Value, json};

use super::structs;
use crate::{
    chat::Media,
    dialect::gemini::{
        call::CallPiece, decode::GeminiReader, sources, turns::GENERATED_ID_PREFIX,
        usage::StatedUsage,
    },
    event::{About, Citation, Event},
};

impl GeminiReader {
    /// Reads one message of the stream.
    pub(super) fn take(&mut self, message: GenerateContentResponse, out: &mut Vec<Event>) {
        let before = out.len();
        let id = message.response_id;
        self.report_meta(non_empty(&id), non_empty(&message.model_version), out);
        let mut has_shown = false;
        let several = message.candidates.len() > 1;
        for candidate in message.candidates {
            if self.is_shown(candidate.index.into(), several, out) {
                self.take_candidate(candidate, &id, out);
                has_shown = true;
            }
        }
        if let Some(feedback) = message.prompt_feedback {
            self.take_feedback(&feedback, out);
        }
        if let Some(usage) = message.usage_metadata {
            self.recognized = true;
            out.extend(self.counts.take(stated(&usage)).map(Event::Usage));
        }
        if has_shown && out.len() == before {
            out.push(self.empty_piece());
        }
    }

    fn take_candidate(&mut self, candidate: Candidate, response: &str, out: &mut Vec<Event>) {
        self.recognized = true;
        let before = out.len();
        for part in candidate
            .content
            .into_iter()
            .flat_map(|content| content.parts)
        {
            self.take_part(part, response, out);
        }
        self.note_content(&out[before..]);
        let reason = candidate.finish_reason;
        let reason = (reason != 0).then(|| word(reason, FinishReason::as_str_name));
        self.read_finish_reason(reason.as_deref(), out);
        self.take_ratings(&candidate.safety_ratings, out);
        self.explain(reason.as_deref(), candidate.finish_message, out);
        self.cite(citations(candidate.citation_metadata), out);
        let grounding = candidate.grounding_metadata.unwrap_or_default();
        self.note_queries(grounding.web_search_queries, out);
        self.cite(
            grounding
                .grounding_chunks
                .into_iter()
                .filter_map(source)
                .collect(),
            out,
        );
        self.take_urls(candidate.url_context_metadata, out);
    }

    fn take_part(&mut self, part: Part, response: &str, out: &mut Vec<Event>) {
        let signature = signature(&part);
        let raw = raw_of(&part);
        match (part.data, raw) {
            (_, Some((kind, raw))) => self.opaque(kind, &raw, out),
            (Some(Data::FunctionCall(call)), _) => self.take_call(call, response, signature, out),
            (Some(Data::InlineData(Blob { mime_type, data })), _) => {
                let media = Media {
                    mime: mime_type,
                    data: data.as_ref().into(),
                    ..Media::default()
                };
                self.take_file(media, signature, out);
            }
            (Some(Data::FileData(file)), _) => {
                let media = Media {
                    mime: file.mime_type,
                    uri: Some(file.file_uri),
                    ..Media::default()
                };
                self.take_file(media, signature, out);
            }
            (Some(Data::Text(text)), _) => {
                self.read_text(text.into_bytes().into(), part.thought, signature, out);
            }
            _ => self.read_text(Cow::default(), part.thought, signature, out),
        }
    }

    fn take_call(
        &mut self,
        call: FunctionCall,
        response: &str,
        signature: Option<String>,
        out: &mut Vec<Event>,
    ) {
        let name = non_empty(&call.name);
        let number = self.calls.count() + 1;
        let pieces = Some(call.partial_args).filter(|pieces| !pieces.is_empty());
        let piece = CallPiece {
            // This protocol has no call ids; the response's id makes ours unique in a conversation.
            id: name
                .as_ref()
                .map(|_| format!("{GENERATED_ID_PREFIX}{number}-{response}")),
            name,
            args: call.args.map(|args| structs::object_json(args).to_string()),
            pieces: pieces.map(|pieces| pieces.into_iter().map(argument).collect()),
            continues: call.will_continue,
        };
        match self.calls.take(piece, out) {
            Ok(true) => self.sign(signature, out),
            _ => self.note(
                About::Form,
                "a function call without a name was left out",
                out,
            ),
        }
    }

    fn take_file(&mut self, media: Media, signature: Option<String>, out: &mut Vec<Event>) {
        out.push(Event::Media(media));
        self.sign(signature, out);
    }

    fn take_feedback(&mut self, feedback: &PromptFeedback, out: &mut Vec<Event>) {
        self.recognized = true;
        self.take_ratings(&feedback.safety_ratings, out);
        let number = feedback.block_reason;
        let reason = (number != 0).then(|| word(number, BlockedReason::as_str_name));
        self.finish_blocked(reason, non_empty(&feedback.block_reason_message), out);
    }

    fn take_ratings(&mut self, ratings: &[SafetyRating], out: &mut Vec<Event>) {
        for rating in ratings.iter().filter(|rating| rating.blocked) {
            let category = word(rating.category, HarmCategory::as_str_name);
            let probability = word(rating.probability, HarmProbability::as_str_name);
            self.note_rating(&category, &probability, out);
        }
    }

    fn take_urls(&mut self, pages: Option<UrlContextMetadata>, out: &mut Vec<Event>) {
        for page in pages.into_iter().flat_map(|pages| pages.url_metadata) {
            let UrlMetadata {
                retrieved_url: url,
                url_retrieval_status: status,
            } = page;
            if status <= UrlRetrievalStatus::Success as i32 {
                self.cite(
                    sources::of(non_empty(&url), None, None)
                        .into_iter()
                        .collect(),
                    out,
                );
            } else {
                self.note_unread_url(&url, &word(status, UrlRetrievalStatus::as_str_name), out);
            }
        }
    }
}

/// A text, unless it is empty, which is protobuf's default.
fn non_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The name of an enum's number; the number itself if it is newer than our copy of the service.
fn word<E: TryFrom<i32>>(number: i32, name: fn(&E) -> &'static str) -> String {
    let known = E::try_from(number).ok();
    known.map_or_else(|| number.to_string(), |known| name(&known).to_owned())
}

fn signature(part: &Part) -> Option<String> {
    let bytes = &part.thought_signature;
    (!bytes.is_empty()).then(|| STANDARD.encode(bytes))
}

/// The kind and JSON of a part that is sent back word for word: an item of a built-in tool, or a draft in the thinking.
fn raw_of(part: &Part) -> Option<(&'static str, String)> {
    let (kind, value) = match part.data.as_ref()? {
        Data::ExecutableCode(code) => (
            "executableCode",
            json!({"language": word(code.language, Language::as_str_name), "code": code.code}),
        ),
        Data::CodeExecutionResult(result) => (
            "codeExecutionResult",
            json!({"outcome": word(result.outcome, Outcome::as_str_name), "output": result.output}),
        ),
        Data::FunctionResponse(result) => {
            let response = result.response.clone().map(structs::object_json);
            (
                "functionResponse",
                json!({"name": result.name, "response": response}),
            )
        }
        Data::InlineData(file) if part.thought => (
            "inlineData",
            json!({"mimeType": file.mime_type, "data": STANDARD.encode(&file.data)}),
        ),
        Data::FileData(file) if part.thought => (
            "fileData",
            json!({"mimeType": file.mime_type, "fileUri": file.file_uri}),
        ),
        _ => return None,
    };
    let mut fields = Map::new();
    fields.insert(kind.into(), value);
    if part.thought {
        fields.insert("thought".into(), true.into());
    }
    if let Some(signature) = signature(part) {
        fields.insert("thoughtSignature".into(), signature.into());
    }
    Some((kind, Value::Object(fields).to_string()))
}

/// A piece of a call's arguments in REST's JSON.
fn argument(piece: PartialArg) -> Value {
    let (kind, value) = match piece.delta {
        Some(Delta::StringValue(text)) => ("stringValue", text.into()),
        Some(Delta::NumberValue(number)) => ("numberValue", structs::number_json(number)),
        Some(Delta::BoolValue(flag)) => ("boolValue", flag.into()),
        Some(Delta::NullValue(_)) | None => ("nullValue", Value::Null),
    };
    json!({"jsonPath": piece.json_path, kind: value})
}

/// Counts of 0 are left out, as in REST.
fn stated(usage: &UsageMetadata) -> StatedUsage {
    let count = |count: i32| u64::try_from(count).ok().filter(|count| *count > 0);
    StatedUsage {
        prompt: count(usage.prompt_token_count),
        cached: count(usage.cached_content_token_count),
        candidates: count(usage.candidates_token_count),
        thoughts: count(usage.thoughts_token_count),
        // The message has no field for the sum.
        tool_use_prompt: (usage.tool_use_prompt_tokens_details.iter())
            .filter_map(|detail| count(detail.token_count))
            .reduce(u64::saturating_add),
        total: count(usage.total_token_count),
    }
}

fn source(chunk: GroundingChunk) -> Option<Citation> {
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (url, title, quote) = match chunk.chunk_type? {
        ChunkType::Web(web) => (web.uri, web.title, None),
        ChunkType::Maps(place) => (place.uri, place.title, place.text),
        ChunkType::RetrievedContext(own) => {
            let title = text(own.title).or(own.document_name);
            let passage = own.context_details.map(|details| match details {
                ContextDetails::RagChunk(chunk) => chunk.text,
            });
            (own.uri, title, text(own.text).or(passage))
        }
    };
    sources::of(text(url), text(title), text(quote))
}

fn citations(cited: Option<CitationMetadata>) -> Vec<Citation> {
    let cited = cited.into_iter().flat_map(|cited| cited.citations);
    cited
        .filter_map(|source| sources::of(non_empty(&source.uri), non_empty(&source.title), None))
        .collect()
}
