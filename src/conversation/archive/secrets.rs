//! Masks what a user wrote under the name of a secret: a file of conversations is made to be given to others.

use serde_json::Value;

use crate::{chat::Params, mask::COVER, visible::is_secret_name};

/// Settings in whose extra parameters each text with the name of a secret is masked.
#[must_use]
pub fn without_secrets(mut params: Params) -> Params {
    for (name, value) in &mut params.extra {
        mask(name, value);
    }
    params
}

/// JSON in which each text with the name of a secret is masked.
pub(super) fn masked(mut json: Value) -> Value {
    mask("", &mut json);
    json
}

fn mask(name: &str, value: &mut Value) {
    match value {
        Value::String(text) if !name.is_empty() && is_secret_name(name) => COVER.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| mask(name, item)),
        Value::Object(fields) => {
            for (name, value) in fields {
                mask(name, value);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_has_the_name_of_a_secret_is_masked() {
        let written = json!({
            "model": "m", "max_tokens": 5, "api_key": "sk-1",
            "headers": {"Authorization": ["Bearer sk-2"], "x-team": "red"},
            "tools": [{"properties": {"api_key": {"type": "string"}}}],
        });
        let expected = json!({
            "model": "m", "max_tokens": 5, "api_key": COVER,
            "headers": {"Authorization": [COVER], "x-team": "red"},
            "tools": [{"properties": {"api_key": {"type": "string"}}}],
        });
        assert_eq!(masked(written), expected);
    }
}
