//! Events that say in a field `type` what they are, as Anthropic's and those of OpenAI's Responses.

use super::{
    Taken,
    error::ProviderError,
    json::{self, Fields},
};

/// An event's type and its fields: the type that it states, else its name, empty where it has neither.
///
/// # Errors
/// What becomes of the event instead, where it is an error or no JSON object.
pub(crate) fn typed<'a>(name: &str, data: &'a str) -> Result<(String, Fields<'a>), Taken> {
    let failed = || Taken::Failed(ProviderError::of_data(data));
    let fields: Fields<'_> = match serde_json::from_str(data) {
        Ok(fields) => fields,
        Err(_) if name == "error" => return Err(failed()),
        Err(why) => {
            let why = format!("an event is no JSON object ({why})");
            return Err(Taken::Unreadable(why));
        }
    };
    // `message` is what an event without a name is called.
    let name = if name == "message" { "" } else { name };
    let stated = fields.stated("type").and_then(json::string);
    match stated.unwrap_or_else(|| name.to_owned()) {
        kind if kind == "error" => Err(failed()),
        kind => Ok((kind, fields)),
    }
}
