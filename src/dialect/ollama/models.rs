//! Parses the list of a server's models.

use serde_json::Value;

use crate::{
    body::{ModelInfo, json},
    dialect::openai_chat,
};

/// The models of `{"models": [{"name", "details": {"parameter_size", "quantization_level"}}]}`, each labelled with its
/// size. Other forms are read as in `openai-chat`, since gateways use its form.
///
/// # Errors
/// The provider's message if the body is an error, else a sentence that says what the body is.
pub(super) fn parse(body: &[u8]) -> Result<Vec<ModelInfo>, String> {
    let mut models = (openai_chat::DIALECT.models)(body)?;
    let list = std::str::from_utf8(body).ok();
    let list = list
        .and_then(|body| json::value(body).ok())
        .unwrap_or_default();
    let listed = list["models"].as_array().into_iter().flatten();
    let sizes: std::collections::HashMap<&str, String> = listed
        .filter_map(|model| Some((model["name"].as_str()?, size(&model["details"])?)))
        .collect();
    for model in &mut models {
        if let Some(size) = sizes.get(model.id.as_str()) {
            model.label.clone_from(size);
        }
    }
    Ok(models)
}

/// Size and quantization, such as `8.0B Q4_K_M`, or the one that is known.
fn size(details: &Value) -> Option<String> {
    let words = ["parameter_size", "quantization_level"].map(|name| details[name].as_str());
    let words: Vec<&str> = words
        .into_iter()
        .flatten()
        .filter(|w| !w.is_empty())
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_read_with_their_sizes() {
        let list = br#"{"models":[
            {"name":"gemma3:latest","model":"gemma3:latest","size":3338801804,
             "details":{"format":"gguf","family":"gemma3","parameter_size":"4.3B","quantization_level":"Q4_K_M"}},
            {"name":"gpt-oss:120b-cloud","model":"gpt-oss:120b-cloud","remote_model":"gpt-oss:120b",
             "details":{"parameter_size":"116.8B","quantization_level":""}},
            {"name":"bare"},
            {"name":"gemma3:latest"}]}"#;
        let models: Vec<_> = (parse(list).unwrap().into_iter())
            .map(|model| (model.id, model.label))
            .collect();
        let expected = [
            ("gemma3:latest", "4.3B Q4_K_M"),
            ("gpt-oss:120b-cloud", "116.8B"),
            ("bare", ""),
        ];
        assert_eq!(
            models,
            expected.map(|(id, label)| (id.into(), label.into()))
        );
        assert_eq!(parse(br#"{"models":[]}"#), Ok(vec![]));
        assert_eq!(
            parse(br#"{"error":"unauthorized"}"#).unwrap_err(),
            "unauthorized"
        );
        assert!(parse(b"Ollama is running").is_err());
    }
}
