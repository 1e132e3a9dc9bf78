//! A server of OpenAI's protocol that does what a test wants, request by request.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::net::TcpStream;

use super::RARELY_LATE;
use crate::fault_server::{self, Server, chunk, header, read_request, reset, send, whole};
use crate::home::Home;

/// What is done with a request.
#[derive(Clone, Copy)]
pub enum Deed {
    /// Four tokens, the first after so many milliseconds.
    Answer(u64),
    /// This status line, with these lines of the head.
    Refuse(&'static str, &'static str),
    /// The connection is reset.
    Reset,
}

/// The server, and the bodies that it was sent.
pub struct Scripted {
    pub server: Server,
    pub bodies: Arc<Mutex<Vec<Value>>>,
}

impl Scripted {
    /// `deed` says what is done with the request of this number, counted from 0 over all connections, and with this body.
    pub async fn start(
        deed: impl Fn(usize, &Value) -> Deed + Clone + Send + Sync + 'static,
    ) -> Self {
        let (count, bodies) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::<Mutex<Vec<Value>>>::default(),
        );
        let kept = Arc::clone(&bodies);
        let server = fault_server::serve(move |mut stream: TcpStream, _| {
            let (deed, count, bodies) = (deed.clone(), Arc::clone(&count), Arc::clone(&bodies));
            async move {
                while let Some((head, body)) = read_request(&mut stream).await {
                    let body: Value = serde_json::from_slice(&body).unwrap();
                    let number = count.fetch_add(1, Ordering::SeqCst);
                    let deed = deed(number, &body);
                    bodies.lock().unwrap().push(body);
                    match deed {
                        Deed::Answer(first_ms) => answer(&mut stream, first_ms).await,
                        Deed::Refuse(status, more) => {
                            // It says the key again, as some do.
                            let key = header(&head, "authorization").unwrap_or("nobody");
                            let message = format!("not now, {key}");
                            let error = serde_json::json!({"error": {"message": message, "type": "refused"}});
                            let head = format!("content-type: application/json\r\n{more}");
                            send(&mut stream, whole(status, &head, &error.to_string())).await;
                        }
                        Deed::Reset => return reset(stream),
                    }
                }
            }
        })
        .await;
        Self {
            server,
            bodies: kept,
        }
    }

    /// The settings of an endpoint of this server.
    pub fn endpoint(&self, id: &str) -> String {
        let port = self.server.addr.port();
        format!("[endpoint.{id}]\nbase_url = \"http://127.0.0.1:{port}/v1\"\nauth = \"none\"\n")
    }

    /// Starts it for a user whose endpoints `a` and `b` it is; `more` stands in the settings, too.
    pub async fn with_home(
        deed: impl Fn(usize, &Value) -> Deed + Clone + Send + Sync + 'static,
        more: &str,
    ) -> (Self, Home) {
        let (server, home) = (Self::start(deed).await, Home::new());
        let endpoints = [server.endpoint("a"), server.endpoint("b")].concat();
        home.write_settings(&[RARELY_LATE, &endpoints, more].concat());
        (server, home)
    }

    /// How many requests came.
    pub fn asked(&self) -> usize {
        self.bodies.lock().unwrap().len()
    }
}

async fn answer(stream: &mut TcpStream, first_ms: u64) {
    tokio::time::sleep(Duration::from_millis(first_ms)).await;
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    send(stream, head).await;
    for word in ["one ", "two ", "three ", "four"] {
        let event = serde_json::json!({"choices": [{"index": 0, "delta": {"content": word}}]});
        send(stream, chunk(format!("data: {event}\n\n"))).await;
        // Apart, so that they are several reads.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let finish = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    let usage =
        r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13}}"#;
    let end = format!("data: {finish}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
    send(stream, [chunk(end), chunk("")].concat()).await;
}
