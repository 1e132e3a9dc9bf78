//! Events with a field `type`, as in Anthropic's protocol and OpenAI's Responses.

use std::borrow::Cow;

use super::{
    FrameOutcome,
    error::ProviderError,
    json::{self, Fields, Scanned},
};

/// An event's type and its fields. The type is that of the field, else the event's name, else empty.
///
/// # Errors
/// The outcome of the frame, if it is an error or not a JSON object.
pub(crate) fn typed<'a>(
    name: &'a str,
    scanned: &'a Scanned<'_>,
) -> Result<(Cow<'a, str>, Fields<'a>), FrameOutcome> {
    let failed = || FrameOutcome::Failed(ProviderError::of_data(scanned.text()));
    let fields = match scanned.fields() {
        Ok(fields) => fields,
        Err(_) if name == "error" => return Err(failed()),
        Err(why) => {
            let why = format!("an event is not a JSON object ({why})");
            return Err(FrameOutcome::Unreadable(why));
        }
    };
    // `message` is the default name of an event.
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
