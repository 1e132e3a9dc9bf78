//! Floods by gRPC: messages with text, with nothing, and with fields that no version of the protocol has.

use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;

use super::{large::base, *};
use crate::{
    fault_server::{self, Server},
    grpc_messages,
};

const TIMES: usize = 20_000;
const BESIDE: usize = 5 << 20;

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

#[tokio::test(flavor = "multi_thread")]
#[cfg(target_os = "linux")]
async fn messages_of_little_take_up_little() {
    for (name, flood) in [
        ("text", grpc_messages::body(&[text("a")]).repeat(TIMES)),
        ("empty messages", [0; 5].repeat(TIMES)),
        (
            "unknown fields",
            (1_000..21_000).flat_map(unknown).collect(),
        ),
    ] {
        let (sent, server) = (flood.len(), server(flood).await);
        let url = format!("{}v1/projects/p/locations/l", server.url());
        let took = tokio::task::spawn_blocking(move || {
            let home = Home::new().with("LLM_API_KEY", "key");
            let dialect = ["--dialect", "vertex-grpc", "-m", "m", "hi"];
            let arguments = ["chat", "--json", "--base-url", &url];
            (
                base(),
                measured(&home, &[arguments.as_slice(), &dialect].concat()),
            )
        });
        let (base, took) = took.await.unwrap();
        let (run, above) = (took.run(), took.peak.saturating_sub(base));
        println!(
            "grpc {name}: sent {sent}, {} KiB above, disk {} KiB",
            above >> 10,
            took.disk >> 10
        );
        ok(&run);
        let said = run["text"].as_str().unwrap();
        let pieces = if name == "text" { TIMES } else { 0 };
        assert_eq!(said.len(), pieces + 3, "{name}");
        assert!(above < BESIDE, "{name}: {above} bytes of memory");
        assert!(took.disk < DISK_ROOM, "{name}: {} bytes on disk", took.disk);
    }
}
