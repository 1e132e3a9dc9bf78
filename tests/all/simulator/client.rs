//! A client on a bare socket, so that a test sees the bytes and how the connection ended.

use serde_json::Value;
use tokenscope::simulator::Simulator;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::deadline::soon;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ended {
    /// As HTTP says.
    Clean,
    /// With a reset.
    Reset,
    /// With an orderly close before the last byte of a chunk or of the body.
    MidChunk,
}

/// A response.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// The body, as the server cut it.
    pub chunks: Vec<String>,
    pub ended: Ended,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        self.chunks.concat()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }
}

/// A chat request.
pub async fn chat(simulator: &Simulator, body: &Value) -> Reply {
    ask(simulator, &[], body).await
}

/// A chat request with headers of its own.
pub async fn ask(simulator: &Simulator, headers: &[(&str, &str)], body: &Value) -> Reply {
    let body = body.to_string();
    request(
        simulator,
        "POST",
        "/v1/chat/completions",
        headers,
        body.as_bytes(),
    )
    .await
}

/// One request on a connection of its own; reads until the server closes it.
pub async fn request(
    simulator: &Simulator,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Reply {
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if headers.iter().all(|(name, _)| *name != "host") {
        head.extend(["host: ", &simulator.address.to_string(), "\r\n"]);
    }
    for (name, value) in headers {
        head.extend([*name, ": ", value, "\r\n"]);
    }
    head.extend(["content-length: ", &body.len().to_string(), "\r\n\r\n"]);

    let mut stream = TcpStream::connect(simulator.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut bytes = Vec::new();
    let reset = match soon("the answer's end", stream.read_to_end(&mut bytes)).await {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
            true
        }
    };
    parse(&bytes, reset)
}

fn parse(bytes: &[u8], reset: bool) -> Reply {
    let ended = if reset { Ended::Reset } else { Ended::Clean };
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        let ended = if reset { ended } else { Ended::MidChunk };
        return Reply {
            status: 0,
            headers: Vec::new(),
            chunks: Vec::new(),
            ended,
        };
    };
    let mut lines = head.lines();
    let status = lines.next().unwrap()[9..12].parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut reply = Reply {
        status,
        headers,
        chunks: Vec::new(),
        ended,
    };
    let whole = if reply.header("transfer-encoding") == Some("chunked") {
        let (chunks, whole) = dechunked(body);
        reply.chunks = chunks;
        whole
    } else {
        let length = reply.header("content-length");
        let length = length.map_or(0, |l| l.parse().unwrap());
        reply.chunks = vec![body.to_owned()];
        body.len() == length
    };
    if !whole && !reset {
        reply.ended = Ended::MidChunk;
    }
    reply
}

/// The chunks, the last perhaps broken, and whether the closing chunk came.
fn dechunked(mut body: &str) -> (Vec<String>, bool) {
    let mut chunks = Vec::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (chunks, true);
        }
        let Some(chunk) = rest.get(..size) else {
            chunks.push(rest.to_owned());
            return (chunks, false);
        };
        chunks.push(chunk.to_owned());
        body = rest[size..].trim_start_matches("\r\n");
    }
    (chunks, false)
}

/// A full client, for what a bare socket can't do.
pub fn reqwest_client() -> reqwest::ClientBuilder {
    // Another test may have chosen it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy()
}
