//! Parses a list of models: the Gemini API's `models`, Vertex AI's `publisherModels`.

use serde_json::Value;

use crate::{
    body::{ModelInfo, list_of, models},
    dialect::openai_chat,
};

/// The models in the order of the list, without duplicates. Models whose listed methods can't generate content
/// (embedding, images) are left out.
///
/// # Errors
/// The provider's message if the body is an error, else a sentence that says what the body is.
pub(in crate::dialect) fn parse(body: &[u8]) -> Result<Vec<ModelInfo>, String> {
    models(body, |value| {
        // An endpoint without models leaves out the list.
        if value.as_object().is_some_and(serde_json::Map::is_empty) {
            return Some(Vec::new());
        }
        let mut lists = ["models", "publisherModels", "tunedModels"].iter();
        let list = lists.find_map(|name| Some(value.get(name)?.as_array()?.iter().collect()));
        let chatting = list
            .or_else(|| list_of(value))?
            .into_iter()
            .filter(|item| can_chat(item));
        // Gateways may list models in OpenAI's form.
        Some(
            chatting
                .filter_map(|item| model(item).or_else(|| openai_chat::models::model(item)))
                .collect(),
        )
    })
}

fn can_chat(item: &Value) -> bool {
    let methods = item
        .get("supportedGenerationMethods")
        .and_then(Value::as_array);
    methods.is_none_or(|methods| {
        let mut names = methods.iter().filter_map(Value::as_str);
        names.any(|name| matches!(name, "generateContent" | "streamGenerateContent"))
    })
}

fn model(item: &Value) -> Option<ModelInfo> {
    let name = item.get("name")?.as_str()?;
    let id = name
        .rsplit_once("publishers/google/models/")
        .map(|(_, id)| id)
        .or_else(|| name.strip_prefix("models/"))
        .unwrap_or(name);
    let label = item.get("displayName").and_then(Value::as_str);
    (!id.is_empty()).then(|| ModelInfo {
        id: id.to_owned(),
        label: label
            .filter(|label| *label != id)
            .unwrap_or_default()
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(body: &str) -> Vec<(String, String)> {
        let models = parse(body.as_bytes()).unwrap();
        models.into_iter().map(|m| (m.id, m.label)).collect()
    }

    #[test]
    fn both_lists_are_read() {
        let row = |id: &str, label: &str| (id.to_owned(), label.to_owned());
        assert_eq!(
            rows(
                r#"{"models":[
                {"name":"models/gemini-2.5-pro","displayName":"Gemini 2.5 Pro","supportedGenerationMethods":["countTokens","generateContent"]},
                {"name":"models/gemini-2.5-pro"},
                {"name":"models/text-embedding-004","supportedGenerationMethods":["embedContent"]},
                {"name":"tunedModels/mine","displayName":"tunedModels/mine"},
                {"displayName":"nameless"}],"nextPageToken":"x"}"#
            ),
            [
                row("gemini-2.5-pro", "Gemini 2.5 Pro"),
                row("tunedModels/mine", "")
            ]
        );
        assert_eq!(
            rows(
                r#"{"publisherModels":[{"name":"publishers/google/models/gemini-3-flash","versionId":"default"}]}"#
            ),
            [row("gemini-3-flash", "")]
        );
        assert_eq!(rows("{}"), []);
    }

    #[test]
    fn a_body_without_a_list_is_an_error() {
        for (body, error) in [
            (
                r#"{"error":{"code":400,"message":"API key not valid."}}"#,
                "API key not valid.",
            ),
            (r#"[{"error":{"code":403,"message":"No"}}]"#, "No"),
            ("<p>Not found", "this is not a list of models: <p>Not found"),
            ("", "the list of models is empty: no JSON came"),
        ] {
            assert_eq!(parse(body.as_bytes()).unwrap_err(), error);
        }
    }
}
