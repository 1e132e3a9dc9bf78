//! Which names of headers, query fields and environment variables have secret values.

/// Words that name a secret where a name ends with them.
const LAST: &[&str] = &[
    "key",
    "keys",
    "apikey",
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "auth",
    "authorization",
    "credential",
    "credentials",
    "cookie",
    "sig",
    "signature",
    "jwt",
    "bearer",
    "sas",
];

/// Words that name a secret wherever they stand, written together or apart.
const ANYWHERE: &[&str] = &[
    "secret",
    "password",
    "passphrase",
    "apikey",
    "accesskey",
    "subscriptionkey",
    "privatekey",
    "accesstoken",
    "authtoken",
    "securitytoken",
    "refreshtoken",
    "idtoken",
    "bearertoken",
    "credential",
    "cookie",
    "authorization",
];

/// Names with these endings whose values are not secret.
const OPEN: &[&str] = &[
    "idempotencykey",
    "cachekey",
    "pagetoken",
    "sessionkey",
    "sortkey",
];

/// Whether a value with this name is a secret.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    let joined = words.concat();
    if OPEN.iter().any(|open| joined.ends_with(open)) {
        return false;
    }
    let last = words.last().map_or("", String::as_str);
    joined == "code" || LAST.contains(&last) || ANYWHERE.iter().any(|word| joined.contains(word))
}

/// The words of a name, in lower case: `X-Api-Key`, `api_key` and `apiKey` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        let parts = !c.is_alphanumeric();
        if parts || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = c.is_lowercase() || c.is_numeric();
        if let (false, Some(word)) = (parts, words.last_mut()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_others() {
        for secret in [
            "Authorization",
            "proxy-authorization",
            "x-api-key",
            "api-key",
            "X-Goog-Api-Key",
            "apiKey",
            "key",
            "Cookie",
            "x-auth-token",
            "OPENAI_API_KEY",
            "Ocp-Apim-Subscription-Key",
            "access_token",
            "X-Amz-Security-Token",
            "X-Amz-Signature",
            "client_secret",
            "DB_PASSWORD",
            "sig",
            "cf-access-client-secret",
            "x-team-password",
            "code",
            "helicone-auth",
            "GITHUB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "sessionCookie",
        ] {
            assert!(is_secret_name(secret), "{secret}");
        }
        for open in [
            "x-goog-user-project",
            "x-title",
            "http-referer",
            "OpenAI-Organization",
            "anthropic-version",
            "anthropic-beta",
            "user-agent",
            "x-model",
            "x-team",
            "api-version",
            "alt",
            "Idempotency-Key",
            "prompt_cache_key",
            "max_tokens",
            "pageToken",
            "x-monkey",
            "x-turkey-tokens",
            "accept",
            "x-session-affinity",
            "x-author",
            "x-keyboard",
            "",
        ] {
            assert!(!is_secret_name(open), "{open}");
        }
    }
}
