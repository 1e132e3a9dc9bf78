//! Lists of models, in whatever form a dialect gives them.

use std::collections::HashSet;

use serde_json::Value;

use super::{error::provider_error, excerpt::excerpt, json};
use crate::dialect::ModelInfo;

/// The models that a body lists, in its order, each once. `read` finds them; it gives `None` where the body
/// is no list.
///
/// # Errors
/// In the provider's words if the body is an error, else saying what stands there instead of a list.
pub(crate) fn models(
    body: &[u8],
    read: impl FnOnce(&Value) -> Option<Vec<ModelInfo>>,
) -> Result<Vec<ModelInfo>, String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{FEFF}').trim();
    let value = json::value(text).map_err(|why| {
        if why.is_data() {
            format!("the list can't be taken: {why}")
        } else {
            not_a_list(text)
        }
    })?;
    let Some(mut models) = read(&value) else {
        let error = provider_error(&value);
        return Err(error.map_or_else(|| not_a_list(text), |error| error.message));
    };
    let mut known = HashSet::new();
    models.retain(|model| known.insert(model.id.clone()));
    Ok(models)
}

fn not_a_list(text: &str) -> String {
    match excerpt(text) {
        start if start.is_empty() => "the list of models is empty: no JSON came".into(),
        start => format!("this is not a list of models: {start}"),
    }
}
