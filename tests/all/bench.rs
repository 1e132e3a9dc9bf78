//! `tokenscope bench`, as a shell runs it.

pub mod asking;
mod compat;
mod contract;
mod frozen;
#[cfg(feature = "otlp")]
mod otlp;
mod report;
mod stops;
mod stored;
mod texts;
mod window;

use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpStream;

use crate::{
    fault_server::{Server, chunk, read_request, send, serve},
    home::{Home, Ran},
};

/// The lines of JSON on standard output.
pub fn lines(ran: &Ran) -> Vec<Value> {
    let lines = ran.out.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The arguments of a bench of the model `m` at a URL.
fn asks<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["bench", "--json", "--base-url", url, "-m", "m"], more].concat()
}

/// Runs a bench of the model `m` at a server. Its last line, and the exit code.
fn bench_at(home: &Home, server: &Server, more: &[&str]) -> (Value, Ran) {
    let ran = home.run(&asks(&format!("{}v1", server.url()), more), "");
    let last = lines(&ran).pop().unwrap_or_default();
    (last, ran)
}

/// 0 or 4: a busy machine may have made the bench invalid, and says so.
#[track_caller]
pub fn assert_done(line: &Value, ran: &Ran) {
    let code = if line["valid"] == true { 0 } else { 4 };
    assert_eq!(ran.code, Some(code), "{}{}", ran.out, ran.err);
    assert_eq!(
        line["valid"] == false,
        line["invalid"] != serde_json::json!([]),
        "{line}"
    );
}

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

/// The chunks of a short answer by openai-chat: two tokens, then usage and the end mark.
pub async fn answer(stream: &mut TcpStream) {
    send(stream, HEAD).await;
    for text in ["one ", "two"] {
        let event = format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
        );
        send(stream, chunk(event)).await;
    }
    let end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
               data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\n\
               data: [DONE]\n\n";
    send(stream, chunk(end)).await;
    send(stream, "0\r\n\r\n").await;
}

/// A server that answers after a pause.
async fn steady_server(pause: Duration) -> Server {
    serve(move |mut stream, _| async move {
        while read_request(&mut stream).await.is_some() {
            tokio::time::sleep(pause).await;
            answer(&mut stream).await;
        }
    })
    .await
}
