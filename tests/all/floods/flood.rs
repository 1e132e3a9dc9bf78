//! What a flood is, and the server that sends it.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use flate2::{Compression, write::GzEncoder};

/// What a server sends: a unit many times, `{n}` in it a number that counts up, between a begin and an end.
#[derive(Clone)]
pub(super) struct Flood {
    pub dialect: &'static str,
    pub head: &'static str,
    pub begin: String,
    pub unit: &'static str,
    pub times: usize,
    pub end: String,
    pub gzip: bool,
}

pub(super) const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
pub(super) const LINES: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n";
pub(super) const JSON: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

impl Flood {
    pub fn new(dialect: &'static str, unit: &'static str, times: usize) -> Self {
        Self {
            dialect,
            head: if dialect == "ollama" { LINES } else { EVENTS },
            begin: begin(dialect).into(),
            unit,
            times,
            end: end(dialect).into(),
            gzip: false,
        }
    }

    /// One JSON body instead of a stream.
    pub fn json(
        dialect: &'static str,
        begin: &str,
        unit: &'static str,
        times: usize,
        end: &str,
    ) -> Self {
        Self {
            head: JSON,
            begin: begin.into(),
            end: end.into(),
            ..Self::new(dialect, unit, times)
        }
    }

    pub fn with_head(self, head: &'static str) -> Self {
        Self { head, ..self }
    }

    pub fn zipped(self) -> Self {
        Self { gzip: true, ..self }
    }

    pub fn body(&self) -> Vec<u8> {
        let mut body = self.begin.clone().into_bytes();
        for n in 0..self.times {
            if self.unit.contains("{n}") {
                body.extend(self.unit.replace("{n}", &n.to_string()).bytes());
            } else {
                body.extend(self.unit.bytes());
            }
        }
        body.extend(self.end.bytes());
        if !self.gzip {
            return body;
        }
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&body).unwrap();
        packed.finish().unwrap()
    }
}

/// What an answer of a dialect begins with, before its pieces.
fn begin(dialect: &str) -> &'static str {
    match dialect {
        "anthropic" => concat!(
            "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"role\":\"assistant\",\"content\":[]}}\n\n",
            "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        ),
        _ => "",
    }
}

/// And how it ends well.
fn end(dialect: &str) -> &'static str {
    match dialect {
        "openai-chat" => {
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"end\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
        }
        "openai-responses" => concat!(
            "data: {\"type\":\"response.output_text.delta\",\"output_index\":9999999,\"content_index\":0,\"delta\":\"end\"}\n\n",
            "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\",\"output\":[]}}\n\n",
        ),
        "anthropic" => concat!(
            "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"end\"}}\n\n",
            "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
            "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n",
            "data: {\"type\":\"message_stop\"}\n\n",
        ),
        "gemini" => {
            "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"end\"}]},\"finishReason\":\"STOP\"}]}\n\n"
        }
        "ollama" => "{\"message\":{\"content\":\"end\"},\"done\":true,\"done_reason\":\"stop\"}\n",
        other => panic!("{other}"),
    }
}

/// Sends it to whoever asks, once; gives the URL.
pub(super) fn serve(head: &str, body: &[u8], gzip: bool) -> String {
    let coding = if gzip {
        "content-encoding: gzip\r\n"
    } else {
        ""
    };
    let head = format!("{head}{coding}connection: close\r\n\r\n");
    send_once([head.as_bytes(), body].concat())
}

/// Sends the bytes of a response to whoever asks, once; gives the URL.
pub(super) fn send_once(response: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        // Who has read enough closes the connection.
        let _ = stream.write_all(&response);
    });
    url
}

pub fn read_request(stream: &mut TcpStream) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = crate::fault_server::header(&head, "content-length");
    let length = length.map_or(0, |value| value.parse().unwrap());
    stream.read_exact(&mut vec![0; length]).unwrap();
}
