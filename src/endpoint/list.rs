//! The models of an endpoint, as it lists them itself.
//!
//! In: an endpoint with its key. Out: its list, or the fault that a run would show for the same answer.

use http::{HeaderMap, header};
use secrecy::SecretString;

use super::{Endpoint, call::models_call, mask::Mask};
use crate::{
    dialect::{Dialect, ModelInfo, ResponseHead},
    event::{Event, Fault, FaultClass, Phase},
    transport::{Transport, Whole},
};

/// Asks an endpoint for its models.
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
    let call = models_call(endpoint, key, proxy_password.cloned())?;
    let mask = Mask::of(&call);
    let listed = transport.get(call).await;
    let listed = listed.and_then(|whole| read_models(endpoint, &whole));
    listed
        .map(|models| mask.models(models))
        .map_err(|fault| mask.fault(fault))
}

/// Reads the whole answer to a [`models_call`]. A fault may repeat the key: [`Mask`] covers it.
///
/// # Errors
/// The provider's refusal in its own words, or a fault of class `protocol` if it is no list of models.
pub fn read_models(endpoint: &Endpoint, whole: &Whole) -> Result<Vec<ModelInfo>, Fault> {
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

/// The fault that the dialect sees in an answer other than 2xx.
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
