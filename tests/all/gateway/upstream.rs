//! A target of a test's own: it records what it is asked, and answers as it is told.

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use tokenscope::{dialect::DialectId, endpoint::Endpoint};
use tokio::net::TcpStream;

use crate::fault_server::{Server, read_request, serve};

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Came {
    pub head: String,
    pub body: Vec<u8>,
}

impl Came {
    /// Method, path and version.
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// A server that is asked by the gateway.
pub struct Upstream {
    server: Server,
    came: Arc<Mutex<Vec<Came>>>,
}

impl Upstream {
    /// Answers each request by this, given its number from 0; then the connection ends.
    pub async fn start<F, Fut>(answer: F) -> Self
    where
        F: Fn(TcpStream, usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let came: Arc<Mutex<Vec<Came>>> = Arc::default();
        let (kept, answer) = (Arc::clone(&came), Arc::new(answer));
        let server = serve(move |mut stream, _| {
            let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
            async move {
                let Some((head, body)) = read_request(&mut stream).await else {
                    return;
                };
                let number = {
                    let mut kept = kept.lock().unwrap();
                    kept.push(Came { head, body });
                    kept.len() - 1
                };
                answer(stream, number).await;
            }
        })
        .await;
        Self { server, came }
    }

    /// Answers each request with these bytes.
    pub async fn saying(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes: Arc<[u8]> = bytes.into().into();
        Self::start(move |mut stream, _| {
            let bytes = Arc::clone(&bytes);
            async move {
                use tokio::io::AsyncWriteExt as _;
                // The client may leave meanwhile.
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
            }
        })
        .await
    }

    /// It as an endpoint.
    pub fn endpoint(&self, id: &str, dialect: DialectId) -> Endpoint {
        let path = dialect.dialect().base_path;
        let url = format!("http://{}{path}", self.server.addr);
        Endpoint::custom(id, url.parse().unwrap(), dialect)
    }

    /// What it was asked so far.
    pub fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }
}

/// A response of success with this content type and body, as one chunk.
pub fn ok(content_type: &str, more: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n{more}connection: close\r\n\r\n{body}"
    )
}

/// A stream of `openai-chat` with this text.
pub fn chat_stream(text: &str) -> String {
    format!(
        "data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"{text}\"}}}}]}}\n\n\
         data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n\
         data: [DONE]\n\n"
    )
}
