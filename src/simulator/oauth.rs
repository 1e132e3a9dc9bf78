//! Google's ways to an access token: the token endpoint and the metadata server. The token opens every
//! simulated model that wants a key, until it expires.
//!
//! <https://developers.google.com/identity/protocols/oauth2/service-account> and
//! <https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys>.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::{
    clock::unix_seconds,
    dialect::serve::refusal,
    event::Fault,
    server::{ReplyBody, finish, full, json_response},
};

/// Where a token is asked for.
pub(super) const TOKEN_PATH: &str = "/token";
/// Credentials of the kind that `gcloud auth application-default login` leaves behind.
pub(super) const ACCOUNT_PATH: &str = "/sim/google-credentials.json";
/// Where the metadata server's answers are.
pub(super) const METADATA_PATH: &str = "/computeMetadata/v1/";

/// What every token begins with; its number and the second of its end follow.
const TOKEN: &str = "sim-token-";
const FLAVOR: &str = "metadata-flavor";

/// Issues tokens.
pub(super) struct TokenIssuer {
    life: Duration,
    issued: AtomicU64,
}

impl TokenIssuer {
    pub fn new(life: Duration) -> Self {
        Self {
            life,
            issued: AtomicU64::new(0),
        }
    }

    fn issue(&self) -> Value {
        let number = self.issued.fetch_add(1, Ordering::Relaxed) + 1;
        let life = self.life.as_secs();
        let ends = unix_seconds() + life;
        json!({
            "access_token": format!("{TOKEN}{number}-{ends}"), "expires_in": life, "token_type": "Bearer",
        })
    }

    /// Answers a request for a token.
    pub fn grant(&self, body: &[u8]) -> Response<ReplyBody> {
        match proof_of(body) {
            Ok(()) => json_response(StatusCode::OK, &self.issue()),
            Err((error, why)) => json_response(
                StatusCode::BAD_REQUEST,
                &json!({ "error": error, "error_description": format!("Simulated: {why}") }),
            ),
        }
    }

    /// Answers what is asked of the metadata server, below its path.
    pub fn metadata(&self, path: &str, headers: &HeaderMap) -> Response<ReplyBody> {
        let mut response = if headers.get(FLAVOR).is_none_or(|flavor| flavor != "Google") {
            text(
                StatusCode::FORBIDDEN,
                "Simulated: send the header Metadata-Flavor: Google",
            )
        } else {
            match path {
                "instance/service-accounts/default/token" => {
                    json_response(StatusCode::OK, &self.issue())
                }
                "instance/service-accounts/default/email" => {
                    text(StatusCode::OK, "simulated@simulated.example")
                }
                "project/project-id" => text(StatusCode::OK, "simulated"),
                "universe/universe-domain" => text(StatusCode::OK, "googleapis.com"),
                _ => text(StatusCode::NOT_FOUND, "Simulated: no such metadata"),
            }
        };
        let google = HeaderValue::from_static("Google");
        response.headers_mut().insert(FLAVOR, google);
        response
    }
}

fn text(status: StatusCode, text: &'static str) -> Response<ReplyBody> {
    finish(Response::builder().status(status), full(text))
}

/// Whether a grant brings what its kind needs, in a form or in JSON. What it proves is not looked at: nothing
/// here is worth guarding.
fn proof_of(body: &[u8]) -> Result<(), (&'static str, &'static str)> {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let field = |name: &str| match &json {
        Some(json) => json[name].as_str().map(str::to_owned),
        None => url::form_urlencoded::parse(body)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned()),
    };
    let proof = match field("grant_type").as_deref() {
        Some("refresh_token") => "refresh_token",
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => "assertion",
        _ => {
            return Err((
                "unsupported_grant_type",
                "grant_type must be refresh_token or …:jwt-bearer",
            ));
        }
    };
    match field(proof) {
        Some(proof) if !proof.is_empty() => Ok(()),
        _ => Err(("invalid_grant", "the grant's proof is missing")),
    }
}

/// Credentials that any client of Google's takes, whose tokens come from here.
pub(super) fn account(origin: &str) -> Value {
    json!({
        "type": "authorized_user", "client_id": "simulated", "client_secret": "simulated",
        "refresh_token": "simulated", "token_uri": format!("{origin}{TOKEN_PATH}"),
        "quota_project_id": "simulated",
    })
}

/// Refuses a token of ours that has expired, whatever model it is for.
pub(super) fn check(key: Option<&str>) -> Result<(), Fault> {
    let Some((_, ends)) = key.and_then(|key| key.strip_prefix(TOKEN)?.split_once('-')) else {
        return Ok(());
    };
    match ends.parse::<u64>() {
        Ok(ends) if ends > unix_seconds() => Ok(()),
        _ => Err(refusal(
            401,
            "invalid_token",
            "The simulated access token has expired",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_until_it_ends() {
        let fresh = TokenIssuer::new(Duration::from_mins(1)).issue();
        let stale = TokenIssuer::new(Duration::ZERO).issue();
        let key = |token: &Value| token["access_token"].as_str().map(str::to_owned);
        assert!(check(key(&fresh).as_deref()).is_ok());
        assert_eq!(check(key(&stale).as_deref()).unwrap_err().status, Some(401));
        assert!(check(Some("sim-anything")).is_ok() && check(None).is_ok());
    }

    #[test]
    fn a_grant_needs_its_proof() {
        let jwt = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
        for (body, error) in [
            (
                r#"{"grant_type":"refresh_token","refresh_token":"r"}"#.to_owned(),
                None,
            ),
            ("grant_type=refresh_token&refresh_token=r".to_owned(), None),
            (format!("{jwt}&assertion=a.b.c"), None),
            (jwt.to_owned(), Some("invalid_grant")),
            (String::new(), Some("unsupported_grant_type")),
            (
                "grant_type=password".to_owned(),
                Some("unsupported_grant_type"),
            ),
        ] {
            let got = proof_of(body.as_bytes()).err().map(|(error, _)| error);
            assert_eq!(got, error, "{body}");
        }
    }
}
