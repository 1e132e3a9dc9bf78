//! Parses a list of models, in any of the forms of OpenAI-compatible servers.

use serde_json::Value;

use crate::body::{ModelInfo, list_of, models};

/// The models in the order of the list, without duplicates. Forms: OpenAI's `{"data": [{"id"}]}`, Together's bare
/// array, Ollama's `{"models": [{"name"}]}`, arrays of plain names. Names are not changed (not even Gemini's
/// `models/…`).
///
/// # Errors
/// The provider's message if the body is an error, else a sentence that says what the body is.
pub(in crate::dialect) fn parse(body: &[u8]) -> Result<Vec<ModelInfo>, String> {
    models(body, |value| {
        let list = list_of(value)?;
        Some(list.into_iter().filter_map(model).collect())
    })
}

pub(in crate::dialect) fn model(item: &Value) -> Option<ModelInfo> {
    let field = |names: &[&str]| {
        let texts = names.iter().filter_map(|name| item.get(name)?.as_str());
        texts.map(str::to_owned).find(|text| !text.is_empty())
    };
    let id = match item {
        Value::String(name) if !name.is_empty() => name.clone(),
        _ => field(&[
            "id",
            "model",
            "name",
            "slug",
            "model_id",
            "modelId",
            "model_name",
        ])?,
    };
    let label = field(&[
        "display_name",
        "displayName",
        "name",
        "owned_by",
        "organization",
    ]);
    Some(ModelInfo {
        label: label.filter(|label| *label != id).unwrap_or_default(),
        id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(body: &str) -> Vec<String> {
        parse(body.as_bytes())
            .unwrap()
            .into_iter()
            .map(|m| m.id)
            .collect()
    }

    #[test]
    fn every_form_of_list_is_read() {
        for body in [
            r#"{"object":"list","data":[{"id":"a","object":"model"},{"id":"models/b"},{"id":"a"}]}"#,
            r#"[{"id":"a","type":"chat"},{"id":"models/b","display_name":"B"}]"#,
            r#"{"models":[{"name":"a","model":"a","size":1},{"name":"models/b"}]}"#,
            r#"["a","models/b"]"#,
            "\u{FEFF}{\"data\":[{\"id\":\"a\"},{},{\"id\":\"models/b\"}]}",
        ] {
            assert_eq!(ids(body), ["a", "models/b"], "{body}");
        }
        for body in [
            r#"{"result":["a",{"model_id":"models/b"}]}"#,
            r#"{"results":[{"id":"a"},{"id":"models/b"}],"success":true}"#,
            r#"{"result":{"data":{"models":["a","models/b"]}}}"#,
            r#"{"error":null,"items":["a","models/b"]}"#,
        ] {
            assert_eq!(ids(body), ["a", "models/b"], "{body}");
        }
        for empty in [
            r#"{"data":[]}"#,
            r#"{"object":"list","data":null}"#,
            "null",
            "[]",
            r#"{"models":null}"#,
        ] {
            assert_eq!(ids(empty), [""; 0], "{empty}");
        }
    }

    #[test]
    fn a_label_differs_from_the_id() {
        let models = parse(br#"[{"id":"a","name":"Model A"},{"id":"b","name":"b"}]"#).unwrap();
        assert_eq!(models[0].label, "Model A");
        assert_eq!(models[1].label, "");
    }

    #[test]
    fn a_body_without_a_list_is_an_error() {
        for (body, error) in [
            (r#"{"error":{"message":"Incorrect key"}}"#, "Incorrect key"),
            (r#"[{"error":{"code":401,"message":"No"}}]"#, "No"),
            (r#"{"data":null,"error":{"message":"No"}}"#, "No"),
            (
                "<html><body>Not\nfound</body></html>",
                "this is not a list of models: <html><body>Not found</body></html>",
            ),
            ("", "the list of models is empty: no JSON came"),
            ("3", "this is not a list of models: 3"),
        ] {
            assert_eq!(parse(body.as_bytes()).unwrap_err(), error);
        }
    }
}
