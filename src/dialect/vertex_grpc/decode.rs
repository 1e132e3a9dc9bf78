//! Decodes the answer: frames to messages to events, then the trailers.
//!
//! A body that is not gRPC (a proxy's page, an error as JSON) is decoded like any other: a frame starts with a byte 0
//! or 1, which no text does.

use bytes::Bytes;
use googleapis_tonic_google_cloud_aiplatform_v1::google::cloud::aiplatform::v1::GenerateContentResponse;
use http::HeaderMap;
use prost::Message as _;

use super::{frames::Frames, status, unfolded::too_many_fields};
use crate::{
    body::{AnswerEnd, BodyDecoder, Decoder, FrameReader as _, ResponseHead},
    dialect::gemini::decode::GeminiReader,
    event::{Event, Fault, FaultClass, Phase},
};

/// A decoder for a response with this head.
pub(super) fn decoder(head: &ResponseHead) -> Box<dyn Decoder> {
    let content_type = head.content_type.as_deref();
    let is_grpc = content_type.map(|text| text.trim_start().starts_with("application/grpc"));
    Box::new(GrpcDecoder {
        head: head.clone(),
        body: match is_grpc {
            Some(true) if head.status == 200 => GrpcBody::Grpc(Frames::default()),
            _ => GrpcBody::Unknown,
        },
        status: match is_grpc {
            Some(true) => CallStatus::Pending,
            _ => CallStatus::Unknown,
        },
        reader: GeminiReader::default(),
        id: String::new(),
        has_token: false,
        has_failed: false,
        messages: 0,
    })
}

struct GrpcDecoder {
    head: ResponseHead,
    body: GrpcBody,
    reader: GeminiReader,
    status: CallStatus,
    /// The response's id, once known: the ids of its calls are derived from it.
    id: String,
    has_token: bool,
    has_failed: bool,
    /// How many messages were read.
    messages: u64,
}

/// The call's status, which follows the body.
#[derive(PartialEq, Eq)]
enum CallStatus {
    /// A body from a file has none.
    Unknown,
    /// It is required and did not come yet.
    Pending,
    /// It came, and was OK.
    Ok,
}

enum GrpcBody {
    /// Not known before the first byte.
    Unknown,
    Grpc(Frames),
    Other(Box<BodyDecoder<GeminiReader>>),
}

impl Decoder for GrpcDecoder {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        if let (GrpcBody::Unknown, Some(first)) = (&self.body, bytes.first()) {
            self.body = if *first <= 1 && self.head.status == 200 {
                GrpcBody::Grpc(Frames::default())
            } else {
                self.other()
            };
        }
        match &mut self.body {
            GrpcBody::Grpc(frames) => {
                frames.push(bytes);
                self.read_frames(out);
            }
            GrpcBody::Other(decoder) => decoder.push(bytes, out),
            GrpcBody::Unknown => {}
        }
    }

    fn trailers(&mut self, trailers: &HeaderMap, out: &mut Vec<Event>) {
        if self.has_failed || !matches!(self.body, GrpcBody::Grpc(_)) {
            return;
        }
        match status::of(trailers, self.phase()) {
            None => {}
            Some(Ok(())) => {
                self.status = CallStatus::Ok;
                out.push(Event::Done);
            }
            Some(Err(fault)) => self.fail(fault, out),
        }
    }

    fn end(&mut self, out: &mut Vec<Event>) {
        if matches!(self.body, GrpcBody::Unknown) {
            self.body = self.other();
        }
        match &mut self.body {
            GrpcBody::Other(decoder) => decoder.end(out),
            GrpcBody::Grpc(_) if self.has_failed => {}
            GrpcBody::Grpc(frames) if frames.is_cut() => {
                self.fail_interrupted("the stream broke off inside a message", out);
            }
            _ if self.status == CallStatus::Pending => {
                self.fail_interrupted("the stream ended without a gRPC status", out);
            }
            _ => self.end_answer(out),
        }
    }
}

impl GrpcDecoder {
    fn other(&self) -> GrpcBody {
        let decoder = BodyDecoder::new(&self.head, GeminiReader::default());
        GrpcBody::Other(Box::new(decoder))
    }

    fn read_frames(&mut self, out: &mut Vec<Event>) {
        while let (GrpcBody::Grpc(frames), false) = (&mut self.body, self.has_failed) {
            match frames.next() {
                Ok(None) => return,
                Ok(Some(message)) => self.read(message, out),
                Err(why) => self.fault(FaultClass::Protocol, why, out),
            }
        }
    }

    fn read(&mut self, message: Bytes, out: &mut Vec<Event>) {
        self.messages += 1;
        if message.is_empty() {
            // It says nothing: all that it does is to keep the connection open.
            return out.push(Event::keep_alive());
        }
        if let Some(why) = too_many_fields(&message) {
            return self.fault(FaultClass::Protocol, why, out);
        }
        let before = out.len();
        match GenerateContentResponse::decode(message) {
            Ok(mut message) => {
                if message.response_id.is_empty() {
                    message.response_id.clone_from(&self.id);
                } else {
                    self.id.clone_from(&message.response_id);
                }
                self.reader.take(message, out);
            }
            Err(why) => {
                let why = format!("this is not a Gemini response ({why})");
                self.fault(FaultClass::Protocol, why, out);
            }
        }
        self.has_token |= out[before..].iter().any(Event::is_token);
    }

    fn end_answer(&mut self, out: &mut Vec<Event>) {
        let before = out.len();
        let ended = self.reader.end(out);
        self.has_token |= out[before..].iter().any(Event::is_token);
        match ended {
            AnswerEnd::Marked | AnswerEnd::Unmarked(_) => {}
            AnswerEnd::Failed(error) => self.fail(error.into_fault(&self.head, self.phase()), out),
            AnswerEnd::BrokeOff(what) => self.fail_interrupted(&what, out),
            AnswerEnd::NoAnswer(why) => self.fault(FaultClass::Protocol, why, out),
        }
    }

    fn phase(&self) -> Phase {
        match self.has_token {
            true => Phase::Stream,
            false if self.messages > 0 => Phase::FirstToken,
            // Only a status came: the call was refused.
            false => Phase::Headers,
        }
    }

    fn fail_interrupted(&mut self, what: &str, out: &mut Vec<Event>) {
        self.fault(FaultClass::Interrupted, what.to_owned(), out);
    }

    fn fault(&mut self, class: FaultClass, message: String, out: &mut Vec<Event>) {
        let fault = Fault::new(class, self.phase(), message);
        self.fail(fault, out);
    }

    fn fail(&mut self, fault: Fault, out: &mut Vec<Event>) {
        self.has_failed = true;
        let status = Some(self.head.status);
        out.push(Event::Fault(Fault { status, ..fault }));
    }
}
