//! Events that say in a field `type` what they are, as Anthropic's and those of OpenAI's Responses.

use std::borrow::Cow;

use super::{
    Taken,
    error::ProviderError,
    json::{self, Fields, Scanned},
};

/// An event's type and its fields: the type that it states, else its name, empty where it has neither.
///
/// # Errors
/// What becomes of the event instead, where it is an error or no JSON object.
pub(crate) fn typed<'a>(
    name: &'a str,
    scanned: &'a Scanned<'_>,
) -> Result<(Cow<'a, str>, Fields<'a>), Taken> {
    let failed = || Taken::Failed(ProviderError::of_data(scanned.text()));
    let fields = match scanned.fields() {
        Ok(fields) => fields,
        Err(_) if name == "error" => return Err(failed()),
        Err(why) => {
            let why = format!("an event is no JSON object ({why})");
            return Err(Taken::Unreadable(why));
        }
    };
    // `message` is what an event without a name is called.
    let name = if name == "message" { "" } else { name };
    match fields
        .stated("type")
        .and_then(json::text)
        .unwrap_or(name.into())
    {
        kind if kind == "error" => Err(failed()),
        kind => Ok((kind, fields)),
    }
}
