//! Writes a request's JSON as the framed `GenerateContentRequest`.

use googleapis_tonic_google_cloud_aiplatform_v1::google::cloud::aiplatform::v1::{
    Blob, CodeExecutionResult, Content, ExecutableCode, FileData, FunctionCall, FunctionResponse,
    FunctionResponseBlob, FunctionResponseFileData, FunctionResponsePart, GenerateContentRequest,
    GenerationConfig, HarmCategory, ImageConfig, ModelArmorConfig, MultiSpeakerVoiceConfig, Part,
    PrebuiltVoiceConfig, ReplicatedVoiceConfig, SafetySetting, SpeakerVoiceConfig, SpeechConfig,
    VideoMetadata, VoiceConfig,
    code_execution_result::Outcome,
    executable_code::Language,
    function_response_part,
    generation_config::{
        MediaResolution, Modality, RoutingConfig, ThinkingConfig,
        routing_config::{self, AutoRoutingMode, ManualRoutingMode, auto_routing_mode},
        thinking_config::ThinkingLevel,
    },
    image_config::{ImageOutputOptions, PersonGeneration},
    part::{self, media_resolution},
    safety_setting::{HarmBlockMethod, HarmBlockThreshold},
    voice_config,
};
use serde_json::{Map, Value};
use url::Url;

use super::{
    frames::framed,
    object::{self, Object, ParseResult},
    structs, tools,
    url::resource,
};
use crate::{chat::Files, dialect::GrpcMessage};

/// The note on whole numbers that a double can't hold.
const ROUNDED: &str = "gRPC carries the arguments, results and schemas of functions as 64-bit floating-point \
                       numbers: a whole number beyond 2^53 was rounded";

/// The message of a request's JSON.
///
/// # Errors
/// If the JSON has a field that the message does not have, or the base URL is not one of Vertex AI.
pub(super) fn message(
    body: Value,
    files: &Files,
    base: &Url,
    model: &str,
) -> ParseResult<GrpcMessage> {
    let name = resource(base, model)?;
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
    let notes = structs::is_rounded(&body).then(|| ROUNDED.to_owned());
    let mut message = unnamed(body)?;
    message.model = name;
    fill(&mut message, files);
    Ok(GrpcMessage {
        framed: framed(&message)?,
        routing: format!("model={encoded}"),
        notes: notes.into_iter().collect(),
    })
}

/// The message of a request's JSON, without the model's name.
///
/// # Errors
/// If the JSON has a field that the message does not have.
pub(super) fn unnamed(body: Value) -> ParseResult<GenerateContentRequest> {
    object::message(body, "", request)
}

/// Puts the files where their marks are.
fn fill(message: &mut GenerateContentRequest, files: &Files) {
    let contents = message.contents.iter_mut();
    for part in contents.flat_map(|content| &mut content.parts) {
        if let Some(part::Data::InlineData(blob)) = &mut part.data
            && let Some(file) = files.file_of_mark(&blob.data)
        {
            blob.data = file;
        }
    }
}

fn request(o: &mut Object) -> ParseResult<GenerateContentRequest> {
    Ok(GenerateContentRequest {
        model: String::new(),
        contents: o.list("contents", content)?,
        system_instruction: o.message("systemInstruction", content)?,
        cached_content: o.or_zero("cachedContent")?,
        tools: o.list("tools", tools::tool)?,
        tool_config: o.message("toolConfig", tools::config)?,
        labels: o.or_zero("labels")?,
        safety_settings: o.list("safetySettings", safety_setting)?,
        model_armor_config: o.message("modelArmorConfig", model_armor)?,
        generation_config: o.message("generationConfig", generation_config)?,
    })
}

fn content(o: &mut Object) -> ParseResult<Content> {
    Ok(Content {
        role: o.or_zero("role")?,
        parts: o.list("parts", part)?,
    })
}

/// The fields that define what a part is, of which it has only one.
const PART_KINDS: &[&str] = &[
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
];

fn part(o: &mut Object) -> ParseResult<Part> {
    Ok(Part {
        thought: o.or_zero("thought")?,
        thought_signature: o.bytes("thoughtSignature")?,
        media_resolution: o.message("mediaResolution", resolution)?,
        data: part_data(o)?,
        metadata: o
            .message("videoMetadata", video)?
            .map(part::Metadata::VideoMetadata),
    })
}

fn resolution(o: &mut Object) -> ParseResult<part::MediaResolution> {
    let level = o.word("level", media_resolution::Level::from_str_name)?;
    Ok(part::MediaResolution {
        value: level.map(media_resolution::Value::Level),
    })
}

fn part_data(o: &mut Object) -> ParseResult<Option<part::Data>> {
    use part::Data as D;
    let Some(kind) = o.one_of(PART_KINDS)? else {
        return Ok(None);
    };
    Ok(match kind {
        "text" => o.get(kind)?.map(D::Text),
        "inlineData" => o.message(kind, blob)?.map(D::InlineData),
        "fileData" => o.message(kind, file)?.map(D::FileData),
        "functionCall" => o.message(kind, call)?.map(D::FunctionCall),
        "functionResponse" => o.message(kind, result)?.map(D::FunctionResponse),
        "executableCode" => o.message(kind, code)?.map(D::ExecutableCode),
        _ => o.message(kind, outcome)?.map(D::CodeExecutionResult),
    })
}

fn blob(o: &mut Object) -> ParseResult<Blob> {
    Ok(Blob {
        mime_type: o.or_zero("mimeType")?,
        data: o.bytes("data")?,
    })
}

fn file(o: &mut Object) -> ParseResult<FileData> {
    Ok(FileData {
        mime_type: o.or_zero("mimeType")?,
        file_uri: o.or_zero("fileUri")?,
    })
}

fn video(o: &mut Object) -> ParseResult<VideoMetadata> {
    Ok(VideoMetadata {
        start_offset: o.duration("startOffset")?,
        end_offset: o.duration("endOffset")?,
        fps: o.or_zero("fps")?,
    })
}

/// Ids match calls and results in JSON; gRPC matches them by order.
fn drop_id(o: &mut Object) {
    o.take("id");
}

fn call(o: &mut Object) -> ParseResult<FunctionCall> {
    drop_id(o);
    Ok(FunctionCall {
        name: o.or_zero("name")?,
        args: o.get::<Map<_, _>>("args")?.map(structs::object),
        ..FunctionCall::default()
    })
}

fn result(o: &mut Object) -> ParseResult<FunctionResponse> {
    drop_id(o);
    Ok(FunctionResponse {
        name: o.or_zero("name")?,
        response: o.get::<Map<_, _>>("response")?.map(structs::object),
        parts: o.list("parts", result_part)?,
    })
}

fn result_part(o: &mut Object) -> ParseResult<FunctionResponsePart> {
    use function_response_part::Data as D;
    let data = match o.one_of(&["inlineData", "fileData"])? {
        Some("inlineData") => o.message("inlineData", |o| {
            Ok(D::InlineData(FunctionResponseBlob {
                mime_type: o.or_zero("mimeType")?,
                data: o.bytes("data")?,
                display_name: o.or_zero("displayName")?,
            }))
        })?,
        _ => o.message("fileData", |o| {
            Ok(D::FileData(FunctionResponseFileData {
                mime_type: o.or_zero("mimeType")?,
                file_uri: o.or_zero("fileUri")?,
                display_name: o.or_zero("displayName")?,
            }))
        })?,
    };
    Ok(FunctionResponsePart { data })
}

fn code(o: &mut Object) -> ParseResult<ExecutableCode> {
    Ok(ExecutableCode {
        language: o
            .word("language", Language::from_str_name)?
            .unwrap_or_default(),
        code: o.or_zero("code")?,
    })
}

fn outcome(o: &mut Object) -> ParseResult<CodeExecutionResult> {
    Ok(CodeExecutionResult {
        outcome: o
            .word("outcome", Outcome::from_str_name)?
            .unwrap_or_default(),
        output: o.or_zero("output")?,
    })
}

fn safety_setting(o: &mut Object) -> ParseResult<SafetySetting> {
    let category = o.word("category", HarmCategory::from_str_name)?;
    let threshold = o.word("threshold", HarmBlockThreshold::from_str_name)?;
    let method = o.word("method", HarmBlockMethod::from_str_name)?;
    Ok(SafetySetting {
        category: category.unwrap_or_default(),
        threshold: threshold.unwrap_or_default(),
        method: method.unwrap_or_default(),
    })
}

fn model_armor(o: &mut Object) -> ParseResult<ModelArmorConfig> {
    Ok(ModelArmorConfig {
        prompt_template_name: o.or_zero("promptTemplateName")?,
        response_template_name: o.or_zero("responseTemplateName")?,
    })
}

fn generation_config(o: &mut Object) -> ParseResult<GenerationConfig> {
    Ok(GenerationConfig {
        temperature: o.get("temperature")?,
        top_p: o.get("topP")?,
        top_k: o.get("topK")?,
        candidate_count: o.get("candidateCount")?,
        max_output_tokens: o.get("maxOutputTokens")?,
        stop_sequences: o.or_zero("stopSequences")?,
        response_logprobs: o.get("responseLogprobs")?,
        logprobs: o.get("logprobs")?,
        presence_penalty: o.get("presencePenalty")?,
        frequency_penalty: o.get("frequencyPenalty")?,
        seed: o.get("seed")?,
        response_mime_type: o.or_zero("responseMimeType")?,
        response_schema: o.message("responseSchema", tools::schema)?,
        response_json_schema: o.take("responseJsonSchema").map(structs::value),
        routing_config: o.message("routingConfig", routing)?,
        audio_timestamp: o.get("audioTimestamp")?,
        response_modalities: o.words("responseModalities", Modality::from_str_name)?,
        media_resolution: o.word("mediaResolution", MediaResolution::from_str_name)?,
        speech_config: o.message("speechConfig", speech)?,
        thinking_config: o.message("thinkingConfig", thinking)?,
        image_config: o.message("imageConfig", image)?,
    })
}

fn routing(o: &mut Object) -> ParseResult<RoutingConfig> {
    use routing_config::RoutingConfig as R;
    let routing_config = match o.one_of(&["autoMode", "manualMode"])? {
        Some("autoMode") => o.message("autoMode", |o| {
            let of = auto_routing_mode::ModelRoutingPreference::from_str_name;
            let model_routing_preference = o.word("modelRoutingPreference", of)?;
            Ok(R::AutoMode(AutoRoutingMode {
                model_routing_preference,
            }))
        })?,
        _ => o.message("manualMode", |o| {
            let model_name = o.get("modelName")?;
            Ok(R::ManualMode(ManualRoutingMode { model_name }))
        })?,
    };
    Ok(RoutingConfig { routing_config })
}

fn thinking(o: &mut Object) -> ParseResult<ThinkingConfig> {
    Ok(ThinkingConfig {
        include_thoughts: o.get("includeThoughts")?,
        thinking_budget: o.get("thinkingBudget")?,
        thinking_level: o.word("thinkingLevel", ThinkingLevel::from_str_name)?,
    })
}

fn speech(o: &mut Object) -> ParseResult<SpeechConfig> {
    Ok(SpeechConfig {
        voice_config: o.message("voiceConfig", voice)?,
        language_code: o.or_zero("languageCode")?,
        multi_speaker_voice_config: o.message("multiSpeakerVoiceConfig", |o| {
            let speaker_voice_configs = o.list("speakerVoiceConfigs", speaker)?;
            Ok(MultiSpeakerVoiceConfig {
                speaker_voice_configs,
            })
        })?,
    })
}

fn speaker(o: &mut Object) -> ParseResult<SpeakerVoiceConfig> {
    Ok(SpeakerVoiceConfig {
        speaker: o.or_zero("speaker")?,
        voice_config: o.message("voiceConfig", voice)?,
    })
}

fn voice(o: &mut Object) -> ParseResult<VoiceConfig> {
    use voice_config::VoiceConfig as V;
    let voice_config = match o.one_of(&["prebuiltVoiceConfig", "replicatedVoiceConfig"])? {
        Some("replicatedVoiceConfig") => o.message("replicatedVoiceConfig", |o| {
            Ok(V::ReplicatedVoiceConfig(ReplicatedVoiceConfig {
                mime_type: o.or_zero("mimeType")?,
                voice_sample_audio: o.bytes("voiceSampleAudio")?,
            }))
        })?,
        _ => o.message("prebuiltVoiceConfig", |o| {
            let voice_name = o.get("voiceName")?;
            Ok(V::PrebuiltVoiceConfig(PrebuiltVoiceConfig { voice_name }))
        })?,
    };
    Ok(VoiceConfig { voice_config })
}

fn image(o: &mut Object) -> ParseResult<ImageConfig> {
    Ok(ImageConfig {
        image_output_options: o.message("imageOutputOptions", |o| {
            Ok(ImageOutputOptions {
                mime_type: o.get("mimeType")?,
                compression_quality: o.get("compressionQuality")?,
            })
        })?,
        aspect_ratio: o.get("aspectRatio")?,
        person_generation: o.word("personGeneration", PersonGeneration::from_str_name)?,
        image_size: o.get("imageSize")?,
    })
}
