//! Responses, and how a request ends that gets none of its own.

use std::io;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use serde_json::Value;

use crate::{dialect::serve::Serve, event::Fault};

/// The number of a run, as in `GET /sim/runs/N`.
pub(super) const RUN_HEADER: HeaderName = HeaderName::from_static("x-sim-run");
/// What the run's plan promises; sent when asked for with [`ASK_PLAN_HEADER`].
pub(super) const PLAN_HEADER: HeaderName = HeaderName::from_static("x-sim-plan");
/// Asks for [`PLAN_HEADER`].
pub(super) const ASK_PLAN_HEADER: HeaderName = HeaderName::from_static("x-tokenscope-plan");

const SERVER: &str = "tokenscope-simulator";

pub(super) type ReplyBody = UnsyncBoxBody<Bytes, io::Error>;

/// Why a request gets no answer of its own.
pub(super) enum Stop {
    /// It is refused, in the protocol that most clients speak.
    Fault(Fault),
    /// It is refused, in this protocol.
    Said(&'static Serve, Fault),
    /// Its connection breaks off.
    Break(io::Error),
}

impl Stop {
    /// The same, in this protocol.
    pub(super) fn said_by(self, dialect: &'static Serve) -> Self {
        match self {
            Self::Fault(fault) => Self::Said(dialect, fault),
            stop => stop,
        }
    }
}

impl From<(&'static Serve, Fault)> for Stop {
    fn from((dialect, fault): (&'static Serve, Fault)) -> Self {
        Self::Said(dialect, fault)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A refusal, as the protocol writes it.
pub(super) fn refused(dialect: &Serve, fault: &Fault) -> Response<ReplyBody> {
    let mut response = (dialect.refuse)(fault).map(full);
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static(SERVER));
    response
}

pub(super) fn json_response(status: StatusCode, value: &Value) -> Response<ReplyBody> {
    let response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json");
    finish(response, full(value.to_string()))
}

pub(super) fn full(text: impl Into<Bytes>) -> ReplyBody {
    Full::new(text.into())
        .map_err(|e| match e {})
        .boxed_unsync()
}

pub(super) fn finish(response: http::response::Builder, body: ReplyBody) -> Response<ReplyBody> {
    response
        .header(header::SERVER, SERVER)
        .body(body)
        .expect("all headers are fixed words and numbers")
}
