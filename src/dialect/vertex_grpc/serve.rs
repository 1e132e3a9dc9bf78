//! The server's half of `vertex-grpc`: gRPC's framing, status and messages around [`gemini`]'s responses.
//!
//! `google.cloud.aiplatform.v1.PredictionService/StreamGenerateContent`, over HTTP/2 with or without TLS. The wire
//! format is <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

mod read;
mod write;

use bytes::Bytes;
use googleapis_tonic_google_cloud_aiplatform_v1::google::{
    cloud::aiplatform::v1::GenerateContentRequest,
    rpc::{self, RetryInfo},
};
use http::{HeaderMap, HeaderValue, Response, header};
use prost::Message as _;
use prost_types::Any;
use serde_json::Value;
use tonic::{Code, Status};

use super::{frames::Frames, request::unnamed, url::METHOD};
use crate::{
    chat::Part,
    dialect::{
        DialectId,
        gemini::serve::{self as gemini, GeminiWriter, StreamForm},
        serve::{
            AnswerHead, AnswerWriter, PathParams, Serve, ServedRequest, ServedRoute,
            in_turn::InTurn, read::bad,
        },
    },
    event::{Answer, Event, Fault},
};

/// How a server reads and writes it.
pub(super) static SERVE: Serve = Serve {
    base_path: "/v1/projects/{name}/locations/{name}",
    route,
    key: gemini::key,
    signs_calls: true,
    timings: None,
    read: parse,
    models: gemini::models,
    refuse,
    writer: |asked, head| Box::new(InTurn::new(GrpcWriter::new(asked, head))),
};

const CONTENT_TYPE: &str = "application/grpc";

/// Models are listed by REST: gRPC has no such method.
fn route(path: &str, _: &HeaderMap) -> Option<ServedRoute> {
    let streams = PathParams {
        stream: true,
        ..PathParams::default()
    };
    (path == METHOD).then_some(ServedRoute::Chat(streams))
}

fn parse(body: &[u8], _: &PathParams) -> Result<ServedRequest, Fault> {
    let mut frames = Frames::default();
    frames.push(body);
    let message = frames.next().map_err(bad)?;
    let message = message.ok_or_else(|| bad("The body is not a complete gRPC message"))?;
    let mut request = GenerateContentRequest::decode(message).map_err(|error| {
        bad(format!(
            "The message is not a GenerateContentRequest: {error}"
        ))
    })?;
    let model = std::mem::take(&mut request.model);
    let path = PathParams {
        model: model.rsplit('/').next().unwrap_or_default().to_owned(),
        stream: true,
        events: true,
        ..PathParams::default()
    };
    let json = read::json(request.clone());
    let is_whole = unnamed(json.clone()).is_ok_and(|read| read == request);
    let mut asked = gemini::parse(json, &path)?;
    let messages = asked.request.messages.iter_mut();
    for part in messages.flat_map(|message| &mut message.parts) {
        if let Part::Signature { dialect, .. } | Part::Opaque { dialect, .. } = part {
            *dialect = DialectId::VertexGrpc.to_string();
        }
    }
    if !is_whole {
        // Some field has no JSON form here and is lost; the comparison does not show which.
        asked.unread.push("/".to_owned());
    }
    Ok(asked)
}

/// A refusal is only a head, with HTTP status 200 and the gRPC status as a header.
fn refuse(fault: &Fault) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    let grpc = HeaderValue::from_static(CONTENT_TYPE);
    headers.insert(header::CONTENT_TYPE, grpc);
    headers.extend(trailers(&status(fault)));
    response
}

fn status(fault: &Fault) -> Status {
    let name = gemini::status_name(fault);
    let code = rpc::Code::from_str_name(name).unwrap_or(rpc::Code::Unknown);
    let details = rpc::Status {
        code: code.into(),
        message: fault.message.clone(),
        details: fault.retry_after_ms.map(retry_info).into_iter().collect(),
    };
    let details = details.encode_to_vec().into();
    Status::with_details(Code::from(i32::from(code)), fault.message.clone(), details)
}

fn retry_info(wait_ms: u64) -> Any {
    let wait = std::time::Duration::from_millis(wait_ms);
    let info = RetryInfo {
        retry_delay: wait.try_into().ok(),
    };
    Any {
        type_url: "type.googleapis.com/google.rpc.RetryInfo".into(),
        value: info.encode_to_vec(),
    }
}

fn trailers(status: &Status) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // If the message does not fit into a header, only the number of the status is sent.
    if status.add_header(&mut headers).is_err() {
        headers.insert(
            Status::GRPC_STATUS,
            HeaderValue::from(i32::from(status.code())),
        );
    }
    headers
}

struct GrpcWriter {
    gemini: GeminiWriter,
    /// The status of the call, once it ended.
    status: Option<Status>,
}

impl GrpcWriter {
    fn new(asked: &ServedRequest, head: &AnswerHead) -> Self {
        Self {
            gemini: GeminiWriter::new(asked, head, StreamForm::Messages(write::frame)),
            status: None,
        }
    }
}

impl AnswerWriter for GrpcWriter {
    fn content_type(&self) -> &'static str {
        CONTENT_TYPE
    }

    fn event(&mut self, event: &Event, next: &[Event], out: &mut Vec<u8>) {
        match event {
            Event::KeepAlive { .. } => {} // HTTP/2 has its own
            Event::Fault(fault) => self.status = Some(status(fault)),
            event => {
                self.gemini.event(event, next, out);
                if matches!(event, Event::Done) {
                    self.status = Some(Status::ok(""));
                }
            }
        }
    }

    fn whole(&self, answer: &Answer) -> Value {
        self.gemini.whole(answer)
    }

    fn trailers(&mut self) -> Option<HeaderMap> {
        self.status.take().map(|status| trailers(&status))
    }
}
