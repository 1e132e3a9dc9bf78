//! Requests: which methods are allowed, and their bodies within limits.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::linger::body_is_read;
use crate::{dialect::serve::refusal, event::Fault};

/// Longest wait for a request body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest request body: a few photographs in base64.
pub const MAX_BODY: usize = 64 << 20;

/// The whole body of a request, if it comes in time and has at most so many bytes.
///
/// # Errors
/// The refusal: it is too large (413), broke off (400) or is late (408).
pub async fn whole_body(body: Incoming, most: usize) -> Result<Bytes, Fault> {
    let collected = timeout(BODY_TIMEOUT, Limited::new(body, most).collect()).await;
    match collected {
        Ok(Ok(body)) => {
            body_is_read();
            Ok(body.to_bytes())
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let message = format!("The body is larger than {} MiB", most.div_ceil(1 << 20));
            Err(refusal(413, "body_too_large", message))
        }
        Ok(Err(_)) => Err(refusal(400, "invalid_request", "The body broke off")),
        Err(_) => Err(refusal(408, "timeout", "The body did not come in time")),
    }
}

/// Refuses every method but one.
///
/// # Errors
/// The refusal, with status 405.
pub fn only(allowed: &Method, method: &Method) -> Result<(), Fault> {
    if method == allowed {
        return Ok(());
    }
    let message = format!("Use {allowed} here, not {method}");
    Err(refusal(405, "method_not_allowed", message))
}

/// The refusal of a path that no protocol has.
#[must_use]
pub fn nothing_here(path: &str) -> Fault {
    let message = format!(
        "There is no {path} here; the base URL of OpenAI’s clients ends in /v1, of Gemini’s in /v1beta"
    );
    refusal(404, "unknown_url", message)
}
