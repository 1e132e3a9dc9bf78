//! What a client is told when its request fails: the provider's status and words, or ours.

use crate::event::{Fault, FaultClass};

/// The fault with the status of the response that tells it. An error inside a response of success has the status of
/// its class.
pub(super) fn refusal_of(fault: Fault) -> Fault {
    let own = fault.status.filter(|status| *status >= 400);
    Fault {
        status: own.or(Some(status_of(fault.class))),
        ..fault
    }
}

fn status_of(class: FaultClass) -> u16 {
    match class {
        FaultClass::BadRequest => 400,
        FaultClass::Auth => 401,
        FaultClass::NotFound => 404,
        FaultClass::RateLimited => 429,
        FaultClass::Overloaded => 503,
        FaultClass::Timeout => 504,
        FaultClass::Dns
        | FaultClass::Connect
        | FaultClass::Tls
        | FaultClass::Proxy
        | FaultClass::Reset
        | FaultClass::Interrupted
        | FaultClass::Protocol
        | FaultClass::Provider
        | FaultClass::Cancelled
        | FaultClass::Suspended => 502,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Phase;

    #[test]
    fn a_failure_is_never_told_as_a_success() {
        for class in FaultClass::ALL {
            for status in [None, Some(200), Some(404), Some(529)] {
                let fault = Fault {
                    status,
                    ..Fault::new(*class, Phase::Stream, "why")
                };
                let told = refusal_of(fault).status.unwrap();
                assert!(told >= 400, "{class}: {told}");
                if let Some(status @ 400..) = status {
                    assert_eq!(told, status, "the provider's own");
                }
            }
        }
    }
}
