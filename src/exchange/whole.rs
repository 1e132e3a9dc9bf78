//! Responses that are read whole and without a decoder: lists of models, and tests of an endpoint.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use jiff::Timestamp;

use super::{Connecting, Exchange, ExchangeStep, PreparedExchange};
use crate::{
    clock::now,
    event::{Fault, FaultClass, Phase},
    transport::{HttpCall, PhaseSpan, ServerCertificate, Transport},
};

/// Largest body that is read whole.
const MAX_BYTES: usize = 8 << 20;

/// A response read whole: status, headers, body.
pub type WholeResponse = (u16, HeaderMap, Bytes);

/// How one phase of connecting went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectStep {
    /// `dns`, `connect` or `tls`.
    pub phase: Phase,
    /// What was found, or the fault.
    pub result: Result<String, Fault>,
    /// How long it took, if it was done.
    pub took: Option<Duration>,
    /// Of TLS: the end of the validity of the host's certificate, in seconds since 1970.
    pub certificate_until: Option<i64>,
}

/// Sends one call and reads the whole answer, of at most 8 MiB.
///
/// # Errors
/// The exchange's fault; or one of class `protocol` if the answer is larger. A partial body of an HTTP error is
/// returned as the response.
pub async fn whole(transport: &Transport, call: HttpCall) -> Result<WholeResponse, Fault> {
    let exchange = PreparedExchange::call(transport, call, None)
        .await?
        .begin(now());
    read(exchange, &mut |_| ()).await
}

/// Sends one call on a new connection and reports each phase of connecting that took place, the failed one last.
///
/// # Errors
/// As [`whole`]; a fault of connecting is also reported as a step.
pub async fn probe(
    call: HttpCall,
    report: &mut (dyn FnMut(ConnectStep) + Send),
) -> Result<WholeResponse, Fault> {
    let transport = Transport::default();
    let prepared = PreparedExchange::call(&transport, call, None).await;
    let result = match prepared {
        Ok(prepared) => read(prepared.begin(now()), report).await,
        Err(fault) => Err(fault),
    };
    let connecting = [Phase::Prepare, Phase::Dns, Phase::Connect, Phase::Tls];
    if let Some(fault) = (result.as_ref().err()).filter(|f| connecting.contains(&f.phase)) {
        report(ConnectStep {
            phase: fault.phase,
            result: Err(fault.clone()),
            took: None,
            certificate_until: None,
        });
    }
    result
}

async fn read(
    mut exchange: Exchange,
    report: &mut (dyn FnMut(ConnectStep) + Send),
) -> Result<WholeResponse, Fault> {
    let mut head = None;
    let mut body = BytesMut::new();
    loop {
        match exchange.next().await {
            ExchangeStep::Connected(connecting) => steps(&connecting, report),
            ExchangeStep::Head(received) => head = Some((received.status, received.headers)),
            ExchangeStep::ExchangeChunk(chunk) => {
                body.extend_from_slice(&chunk.bytes);
                if body.len() > MAX_BYTES {
                    let message = "the answer is larger than 8 MiB";
                    return Err(Fault::new(FaultClass::Protocol, Phase::Stream, message));
                }
            }
            ExchangeStep::ExchangeEnd(end) => {
                if let Some(connecting) = &end.connecting {
                    steps(connecting, report);
                }
                return match (head, end.fault()) {
                    // An HTTP error is a response, even if its body is partial.
                    (Some((status, headers)), fault)
                        if fault.is_none() || !(200..300).contains(&status) =>
                    {
                        Ok((status, headers, body.freeze()))
                    }
                    (_, Some(fault)) => Err(fault.clone()),
                    (_, None) => Err(Fault::new(
                        FaultClass::Protocol,
                        Phase::Headers,
                        "the exchange ended without a head",
                    )),
                };
            }
        }
    }
}

fn steps(connecting: &Connecting, report: &mut (dyn FnMut(ConnectStep) + Send)) {
    let addresses: Vec<_> = (connecting.addresses.iter())
        .map(ToString::to_string)
        .collect();
    let phases = &connecting.phases;
    let certificate = connecting.certificate.as_ref();
    let until = certificate.and_then(ServerCertificate::valid_until);
    let found: [(Phase, Option<PhaseSpan>, String); 3] = [
        (Phase::Dns, phases.dns, addresses.join(", ")),
        (Phase::Connect, phases.tcp, connecting.peer.clone()),
        (Phase::Tls, phases.tls, trusted(until)),
    ];
    for (phase, span, found) in found {
        if let Some(span) = span {
            report(ConnectStep {
                phase,
                result: Ok(found),
                took: Some(span.end.duration_since(span.begin)),
                certificate_until: until.filter(|_| phase == Phase::Tls),
            });
        }
    }
}

/// That the certificate is trusted, and until when, if that is known.
fn trusted(until_unix_s: Option<i64>) -> String {
    let until = until_unix_s.and_then(|until| Timestamp::from_second(until).ok());
    match until {
        Some(until) => {
            let day = until.strftime("%Y-%m-%d");
            format!("the certificate is trusted, and valid until {day}")
        }
        None => "the certificate is trusted".to_owned(),
    }
}
