//! Floods by gRPC: messages with text, with nothing, and with fields that no version of the protocol has.

use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;

use super::*;
use crate::{
    fault_server::{self, Server},
    grpc_messages,
};

/// So many that to keep something of each would be beyond the budget.
const TIMES: usize = 90_000;
/// Pieces of the answer that wait for whoever prints them, all of them on a machine under load: reading pauses once they
/// hold 8 MiB (`run/backlog.rs`), and a piece of one byte takes up to 31 more on the heap, which are not counted there.
const WAITING: usize = 12 << 20;
/// All else beside a short answer over the same protocol.
const BESIDE: usize = 6 << 20;

/// A message that has only a field of this number, with a text in it.
fn unknown(number: u32) -> Vec<u8> {
    let mut message = Vec::new();
    prost::encoding::string::encode(number, &"some text".to_owned(), &mut message);
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), &message].concat()
}

fn text(text: &str) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": text}]}}]})
}

/// A server that answers with these messages, and that all went well.
async fn server(flood: Vec<u8>) -> Server {
    let mut end = text("end");
    end["candidates"][0]["finishReason"] = json!("STOP");
    let body = Bytes::from([flood, grpc_messages::body(&[end])].concat());
    fault_server::serve(move |stream, _| {
        let body = body.clone();
        let service = service_fn(move |_: http::Request<hyper::body::Incoming>| {
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
            let frames = [
                http_body::Frame::data(body.clone()),
                http_body::Frame::trailers(trailers),
            ];
            let frames = frames.map(Ok::<_, std::convert::Infallible>);
            let response = http::Response::builder().header("content-type", "application/grpc");
            async move { response.body(StreamBody::new(stream::iter(frames))) }
        });
        async move {
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    })
    .await
}

/// What the program takes up for such an answer.
async fn ask(flood: Vec<u8>) -> Took {
    let server = server(flood).await;
    let url = format!("{}v1/projects/p/locations/l", server.url());
    let asked = tokio::task::spawn_blocking(move || {
        let home = Home::new().with("LLM_API_KEY", "key");
        let target = ["--base-url", &url, "--dialect", "vertex-grpc", "-m", "m"];
        measured(&home, &[&["chat", "--json"], &target[..], &["hi"]].concat())
    });
    asked.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(target_os = "linux")]
async fn messages_of_little_take_up_little() {
    let short = ask(Vec::new()).await.peak;
    let pieces = grpc_messages::body(&[text("a")]).repeat(TIMES);
    let fields = (1_000..).take(TIMES).flat_map(unknown).collect();
    for (name, flood, waiting) in [
        ("text", pieces, WAITING),
        ("empty messages", [0; 5].repeat(TIMES), 0),
        ("unknown fields", fields, 0),
    ] {
        let (sent, took) = (flood.len(), ask(flood).await);
        let (run, above) = (took.run(), took.peak.saturating_sub(short));
        println!(
            "grpc {name}: sent {sent}, {} KiB above, disk {} KiB",
            above >> 10,
            took.disk >> 10
        );
        ok(&run);
        let said = run["text"].as_str().unwrap();
        let pieces = if name == "text" { TIMES } else { 0 };
        assert_eq!(said.len(), pieces + 3, "{name}");
        // What is kept of the wire, and the same once more while it is packed.
        let budget = BESIDE + waiting + 2 * sent;
        assert!(above < budget, "{name}: {above} bytes of memory");
        assert!(took.disk < DISK_ROOM, "{name}: {} bytes on disk", took.disk);
    }
}
