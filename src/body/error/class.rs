//! Our class of a provider's error: by its HTTP status, or by its codes if they are more specific.

use super::ProviderError;
use crate::event::FaultClass;

impl ProviderError {
    /// Its class, for a response with this status.
    pub(super) fn class(&self, status: u16) -> FaultClass {
        let by_code = (self.words.iter()).find_map(|word| class_of_word(word));
        let class = match status {
            // With a 200 the request was accepted, so a stated 400 is the provider's own error.
            200..=299 => by_code
                .or_else(|| self.http.and_then(class_of_status))
                .filter(|class| *class != FaultClass::BadRequest)
                .or(Some(FaultClass::Provider)),
            // Google answers 400 to a bad key, and some gateways answer 500 to any error of their provider.
            400 => by_code.or_else(|| class_of_status(status)),
            500 => by_code
                .or_else(|| self.http.and_then(class_of_status))
                .or_else(|| class_of_status(status)),
            _ => class_of_status(status).or(by_code),
        };
        class.unwrap_or(FaultClass::Protocol)
    }
}

/// The number, if it is an HTTP status.
pub(super) fn http_status(number: u64) -> Option<u16> {
    u16::try_from(number)
        .ok()
        .filter(|status| (100..600).contains(status))
}

/// The class of an HTTP status that is not 2xx.
fn class_of_status(status: u16) -> Option<FaultClass> {
    Some(match status {
        401 | 403 => FaultClass::Auth,
        404 => FaultClass::NotFound,
        407 => FaultClass::Proxy,
        408 => FaultClass::Timeout,
        429 => FaultClass::RateLimited,
        503 | 529 => FaultClass::Overloaded,
        400..=499 => FaultClass::BadRequest,
        500..=599 => FaultClass::Provider,
        // Redirects are not followed: a key must not travel to another host.
        _ => return None,
    })
}

/// Code words that say more than their HTTP status, as OpenAI, Anthropic, Google, Azure, Moonshot,
/// DashScope and MiniMax (numbers) write them, in lower case.
const WORDS: &[(FaultClass, &[&str])] = &[
    (
        FaultClass::Auth,
        &[
            "invalid_api_key",
            "api_key_invalid",
            "invalidapikey",
            "authentication_error",
            "invalid_authentication_error",
            "permission_error",
            "permission_denied",
            "unauthenticated",
            "unauthorized",
            "1004",
        ],
    ),
    (
        FaultClass::RateLimited,
        &[
            "rate_limit_exceeded",
            "rate_limit_error",
            "rate_limit_reached_error",
            "too_many_requests",
            "insufficient_quota",
            "quota_exceeded",
            "exceeded_current_quota_error",
            "resource_exhausted",
            "throttling",
            "1002",
            "1008",
        ],
    ),
    (
        FaultClass::Overloaded,
        &[
            "overloaded",
            "overloaded_error",
            "server_overloaded",
            "engine_overloaded",
            "engine_overloaded_error",
            "model_overloaded",
            "over_capacity",
            "service_unavailable",
            "unavailable",
        ],
    ),
    (
        FaultClass::NotFound,
        &[
            "model_not_found",
            "not_found_error",
            "not_found",
            "deploymentnotfound",
        ],
    ),
    (
        FaultClass::Timeout,
        &[
            "timeout",
            "timeout_error",
            "request_timeout",
            "deadline_exceeded",
        ],
    ),
];

fn class_of_word(word: &str) -> Option<FaultClass> {
    let row = WORDS.iter().find(|(_, words)| words.contains(&word));
    row.map(|(class, _)| *class)
}
