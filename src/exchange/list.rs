//! Lists the models of an endpoint.
//!
//! In: an endpoint with its key. Out: its models, or the fault that a run would show for the same response.

use std::collections::HashSet;

use http::{HeaderMap, header};
use secrecy::SecretString;

use super::{WholeResponse, call::models_call, whole};
use crate::{
    body::{ModelInfo, ResponseHead, next_page},
    dialect::Dialect,
    endpoint::Endpoint,
    event::{Event, Fault, FaultClass, Phase},
    transport::Transport,
};

/// Most pages that are requested; no further page is requested beyond this number of models.
const MAX_PAGES: usize = 50;
const MAX_MODELS: usize = 20_000;

/// Asks an endpoint for its models, page by page.
///
/// # Errors
/// The transport's fault, the provider's refusal in its own words, or a fault of class `protocol` if
/// what came is no list of models.
pub async fn list_models(
    transport: &Transport,
    endpoint: &Endpoint,
    key: Option<&SecretString>,
    proxy_password: Option<&SecretString>,
) -> Result<Vec<ModelInfo>, Fault> {
    let mut call = models_call(endpoint, key, proxy_password.cloned())?;
    let mask = call.mask(None);
    let mut models: Vec<ModelInfo> = Vec::new();
    for page in 0..MAX_PAGES {
        let whole = whole(transport, call.clone()).await;
        let listed = whole.and_then(|whole| Ok((read_models(endpoint, &whole)?, whole.2)));
        let (listed, body) = match listed {
            Ok(listed) => listed,
            Err(fault) if page == 0 => return Err(mask.fault(fault)),
            // The pages so far are still useful.
            Err(_) => break,
        };
        let before = models.len();
        let known: HashSet<String> = models.iter().map(|model| model.id.clone()).collect();
        models.extend(
            mask.models(listed)
                .into_iter()
                .filter(|model| !known.contains(&model.id)),
        );
        match next_page(&call.url, &body) {
            // A page without new models ends the list, so that this can't go on for ever.
            Some(next) if models.len() > before && models.len() < MAX_MODELS => call.url = next,
            _ => break,
        }
    }
    Ok(models)
}

/// Parses the response to a [`models_call`]. A fault may repeat the key: apply the call's mask to it.
///
/// # Errors
/// The provider's refusal in its own words, or a fault of class `protocol` if it is no list of models.
pub fn read_models(endpoint: &Endpoint, whole: &WholeResponse) -> Result<Vec<ModelInfo>, Fault> {
    let (status, headers, body) = whole;
    read(endpoint.dialect.dialect(), *status, headers, body)
}

fn read(
    dialect: &Dialect,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Vec<ModelInfo>, Fault> {
    if !(200..300).contains(&status) {
        return Err(refusal(dialect, status, headers, body));
    }
    (dialect.models)(body).map_err(|why| Fault {
        status: Some(status),
        ..Fault::new(
            FaultClass::Protocol,
            Phase::Headers,
            format!("the list of models can't be read: {why}"),
        )
    })
}

/// The fault that the dialect decodes from a response other than 2xx.
fn refusal(dialect: &Dialect, status: u16, headers: &HeaderMap, body: &[u8]) -> Fault {
    let content_type = headers.get(header::CONTENT_TYPE);
    let head = ResponseHead {
        status,
        content_type: content_type
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned),
        ..ResponseHead::default()
    };
    let mut events = Vec::new();
    let mut decoder = (dialect.decoder)(&head);
    decoder.push(body, &mut events);
    decoder.end(&mut events);
    let fault = events.into_iter().find_map(|event| match event {
        Event::Fault(fault) => Some(fault),
        _ => None,
    });
    fault.unwrap_or_else(|| Fault {
        status: Some(status),
        ..Fault::new(
            FaultClass::Provider,
            Phase::Headers,
            format!("HTTP {status} to the request for models"),
        )
    })
}
