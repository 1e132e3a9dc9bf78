//! The status of a call, in the trailers `grpc-status`, `grpc-message` and `grpc-status-details-bin`.

use std::time::Duration;

use googleapis_tonic_google_cloud_aiplatform_v1::google::rpc::{self, RetryInfo};
use http::{HeaderMap, HeaderName};
use prost::Message as _;
use tonic::{Code, Status};

use crate::{
    body::excerpt::capped,
    dialect::gemini::part::base64_bytes,
    event::{Fault, FaultClass, Phase},
};

const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Most characters kept of a server's message.
const MAX_MESSAGE: usize = 4_000;
/// Longest wait that is accepted: a day.
const MAX_WAIT: Duration = Duration::from_hours(24);

/// The status of a call: OK or a fault. `None` if the headers have no status.
pub(super) fn of(headers: &HeaderMap, phase: Phase) -> Option<Result<(), Fault>> {
    let mut headers = headers.clone();
    // tonic panics if these are not base64.
    let details = headers.remove(DETAILS);
    let status = Status::from_header_map(&headers)?;
    if status.code() == Code::Ok {
        return Some(Ok(()));
    }
    let details = details.and_then(|value| base64_bytes(value.to_str().ok()?));
    let name = rpc::Code::try_from(status.code() as i32).unwrap_or(rpc::Code::Unknown);
    let name = name.as_str_name();
    let message = match status.message() {
        "" => format!("{name}: {}", status.code().description()),
        message => capped(message.to_owned(), MAX_MESSAGE),
    };
    Some(Err(Fault {
        code: Some(name.to_owned()),
        retry_after_ms: details.and_then(|details| retry_after_ms(&details)),
        ..Fault::new(class_of(status.code()), phase, message)
    }))
}

fn class_of(code: Code) -> FaultClass {
    match code {
        Code::Unauthenticated | Code::PermissionDenied => FaultClass::Auth,
        Code::ResourceExhausted => FaultClass::RateLimited,
        Code::Unavailable => FaultClass::Overloaded,
        // A server without the method is the wrong server.
        Code::NotFound | Code::Unimplemented => FaultClass::NotFound,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            FaultClass::BadRequest
        }
        Code::DeadlineExceeded => FaultClass::Timeout,
        _ => FaultClass::Provider,
    }
}

/// The wait in the details' `RetryInfo`, in milliseconds.
fn retry_after_ms(details: &[u8]) -> Option<u64> {
    let status = rpc::Status::decode(details).ok()?;
    let mut infos = status.details.iter();
    let info = infos.find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let info = RetryInfo::decode(info.value.as_slice()).ok()?;
    let wait = Duration::try_from(info.retry_delay?).ok()?;
    u64::try_from(wait.min(MAX_WAIT).as_millis()).ok()
}
