//! Responses, and how a request ends that gets none of its own.

use std::io;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use serde_json::{Value, json};

use crate::{
    dialect::{DialectId, serve::Serve},
    event::Fault,
};

/// The body of a response. An error closes the connection.
pub type ReplyBody = UnsyncBoxBody<Bytes, io::Error>;

/// Why a request gets no answer of its own.
pub enum Stop {
    /// It is refused, in the protocol that most clients speak.
    Fault(Fault),
    /// It is refused, in this protocol.
    Said(&'static Serve, Fault),
    /// Its connection breaks off.
    Break(io::Error),
}

impl Stop {
    /// The same, in this protocol.
    #[must_use]
    pub fn said_by(self, dialect: &'static Serve) -> Self {
        match self {
            Self::Fault(fault) => Self::Said(dialect, fault),
            stop => stop,
        }
    }

    /// The response that says so.
    ///
    /// # Errors
    /// If the connection is to break off.
    pub fn response(self) -> io::Result<Response<ReplyBody>> {
        match self {
            Self::Fault(fault) => Ok(match DialectId::OpenaiChat.dialect().serve {
                Some(dialect) => refused(dialect, &fault),
                None => json_response(StatusCode::NOT_FOUND, &json!({ "error": fault.message })),
            }),
            Self::Said(dialect, fault) => Ok(refused(dialect, &fault)),
            Self::Break(error) => Err(error),
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
#[must_use]
pub fn refused(dialect: &Serve, fault: &Fault) -> Response<ReplyBody> {
    (dialect.refuse)(fault).map(full)
}

/// A response whose body is this JSON.
#[must_use]
pub fn json_response(status: StatusCode, value: &Value) -> Response<ReplyBody> {
    let response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json");
    finish(response, full(value.to_string()))
}

/// A body of these bytes.
pub fn full(text: impl Into<Bytes>) -> ReplyBody {
    Full::new(text.into())
        .map_err(|e| match e {})
        .boxed_unsync()
}

/// The response with this body.
///
/// # Panics
/// If a header is not valid: all must be fixed words and numbers.
#[must_use]
pub fn finish(response: http::response::Builder, body: ReplyBody) -> Response<ReplyBody> {
    response
        .body(body)
        .expect("all headers are fixed words and numbers")
}
