//! The same protocol on both sides: bytes are passed on, and observed on the side.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use tokenscope::{
    dialect::DialectId,
    gateway::{self, Gateway},
    settings::gateway::RouteSettings,
};

use super::{
    TOKEN, options,
    upstream::{Upstream, chat_stream, ok},
};
use crate::{
    fault_server::{STREAM_HEAD, chunk, header, reset, send, whole},
    simulator::client::reqwest_client,
};

const PATHS: [(DialectId, &str); 5] = [
    (DialectId::OpenaiChat, "/v1/chat/completions?beta=1"),
    (DialectId::OpenaiResponses, "/v1/responses"),
    (DialectId::Anthropic, "/v1/messages?beta=true"),
    (
        DialectId::Gemini,
        "/v1beta/models/public:streamGenerateContent?alt=sse",
    ),
    (DialectId::Ollama, "/api/chat"),
];

/// A gateway whose model `public` is this target's `own`.
pub async fn to(upstream: &Upstream, dialect: DialectId) -> Gateway {
    let route: RouteSettings = "public=up/own".parse().unwrap();
    let options = options(vec![route], vec![upstream.endpoint("up", dialect)]);
    gateway::serve(options).await.unwrap()
}

fn post(gateway: &Gateway, path: &str) -> reqwest::RequestBuilder {
    let client = reqwest_client().build().unwrap();
    let url = format!("http://{}{path}", gateway.address);
    client
        .post(url)
        .header("x-api-key", TOKEN)
        .header("x-goog-api-key", TOKEN)
        .bearer_auth(TOKEN)
}

#[tokio::test]
async fn each_protocol_is_passed_on_byte_for_byte() {
    for (dialect, path) in PATHS {
        // Nothing that a decoder could read.
        let body = "data: {\"odd\" : 1.50, \u{0}\"é\":\r\n\r\nnot an event\n\n";
        let more = "x-ratelimit-remaining-requests: 7\r\nrequest-id: r1\r\nset-cookie: a=b\r\n";
        let upstream = Upstream::saying(ok("text/event-stream", more, body)).await;
        let gateway = to(&upstream, dialect).await;
        let asked = "{ \"model\" : \"public\",\"stream\":true, \"unheard_of\":[1.0, 2e3] , \"x\":\"\\u00e9\"}";
        let response = post(&gateway, path)
            .header("content-type", "application/json")
            .header("anthropic-beta", "b1")
            .header("openai-organization", "o1")
            .header("idempotency-key", "i1")
            .header("user-agent", "a client/1.0")
            .body(asked)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{dialect}");
        let headers = response.headers().clone();
        assert_eq!(headers["x-ratelimit-remaining-requests"], "7");
        assert_eq!(headers["request-id"], "r1");
        assert_eq!(headers["content-type"], "text/event-stream");
        assert!(!headers.contains_key("set-cookie"));
        assert_eq!(response.text().await.unwrap(), body, "{dialect}");

        let came = &upstream.came()[0];
        let expected = match dialect {
            DialectId::Gemini => asked.to_owned(),
            _ => asked.replace("\"public\"", "\"own\""),
        };
        assert_eq!(came.text(), expected, "{dialect}");
        let line = format!("POST {} HTTP/1.1", path.replace("public", "own"));
        assert_eq!(came.line(), line);
        for (name, value) in [
            ("anthropic-beta", "b1"),
            ("openai-organization", "o1"),
            ("idempotency-key", "i1"),
            ("user-agent", "a client/1.0"),
            ("accept-encoding", "identity"),
        ] {
            assert_eq!(header(&came.head, name), Some(value), "{dialect}: {name}");
        }
        assert!(!came.head.contains(TOKEN), "{}", came.head);
    }
}

#[tokio::test]
async fn an_answer_that_is_not_streamed_and_an_error_come_as_they_are() {
    let error = "{\"error\":{\"message\":\"no\",\"odd\":1.50}}";
    for (bytes, status, body) in [
        (
            ok("application/json", "", "{\"a\" : 1.50}"),
            200,
            "{\"a\" : 1.50}",
        ),
        (
            whole(
                "404 Not Found",
                "content-type: application/json\r\nrequest-id: r2\r\n",
                error,
            ),
            404,
            error,
        ),
        (
            whole(
                "429 Too Many Requests",
                "retry-after: 7\r\nrequest-id: r2\r\n",
                error,
            ),
            429,
            error,
        ),
        (
            whole("500 Internal Server Error", "request-id: r2\r\n", ""),
            500,
            "",
        ),
    ] {
        let upstream = Upstream::saying(bytes).await;
        let gateway = to(&upstream, DialectId::OpenaiChat).await;
        let response = post(&gateway, "/v1/chat/completions")
            .json(&json!({ "model": "public" }))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status);
        if status >= 400 {
            assert_eq!(response.headers()["request-id"], "r2");
        }
        if status == 429 {
            assert_eq!(response.headers()["retry-after"], "7");
        }
        assert_eq!(response.text().await.unwrap(), body);
    }
}

#[tokio::test]
async fn a_cut_answer_never_looks_whole() {
    let upstream = Upstream::start(|mut stream, number| async move {
        let first = [STREAM_HEAD.as_bytes(), &chunk("data: one\n\n")].concat();
        send(&mut stream, first).await;
        if number == 0 {
            reset(stream);
        }
    })
    .await;
    let gateway = to(&upstream, DialectId::OpenaiChat).await;
    for _ in 0..2 {
        let mut response = post(&gateway, "/v1/chat/completions")
            .json(&json!({ "model": "public" }))
            .send()
            .await
            .unwrap();
        assert_eq!(response.chunk().await.unwrap().unwrap(), "data: one\n\n");
        response.chunk().await.expect_err("it broke off");
    }
}

#[tokio::test]
async fn compressed_bodies_are_read_on_both_sides() {
    let gzip = |text: &str| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    let answer = gzip(&chat_stream("hello"));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        answer.len()
    );
    let upstream = Upstream::saying([head.as_bytes(), &answer].concat()).await;
    let gateway = to(&upstream, DialectId::OpenaiChat).await;
    let response = post(&gateway, "/v1/chat/completions")
        .header("content-encoding", "gzip")
        .header("content-type", "application/json")
        .body(gzip("{\"model\":\"public\"}"))
        .send()
        .await
        .unwrap();
    assert!(!response.headers().contains_key("content-encoding"));
    assert_eq!(response.text().await.unwrap(), chat_stream("hello"));
    let came = &upstream.came()[0];
    assert_eq!(came.text(), "{\"model\":\"own\"}");
    assert_eq!(header(&came.head, "content-encoding"), None);

    let odd = post(&gateway, "/v1/chat/completions")
        .header("content-encoding", "lzma")
        .body("x")
        .send()
        .await
        .unwrap();
    assert_eq!(odd.status(), 415);
}

#[tokio::test]
async fn other_requests_go_to_a_target_of_their_protocol() {
    let upstream = Upstream::saying(ok("application/json", "", "{\"data\" : [0.5]}")).await;
    let gateway = to(&upstream, DialectId::OpenaiChat).await;
    let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\npublic\r\n--b--\r\n";
    for (method, path, content_type, body) in [
        (
            "POST",
            "/v1/embeddings",
            "application/json",
            "{\"input\":\"x\",\"model\":\"public\"}",
        ),
        (
            "POST",
            "/v1/audio/transcriptions",
            "multipart/form-data; boundary=b",
            form,
        ),
        ("GET", "/v1/files?limit=2", "", ""),
        ("DELETE", "/v1/batches/b1", "", ""),
    ] {
        let client = reqwest_client().build().unwrap();
        let url = format!("http://{}{path}", gateway.address);
        let mut request = client
            .request(method.parse().unwrap(), url)
            .bearer_auth(TOKEN);
        if !body.is_empty() {
            request = request.header("content-type", content_type).body(body);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.text().await.unwrap(), "{\"data\" : [0.5]}");
        let came = upstream.came().pop().unwrap();
        assert_eq!(came.line(), format!("{method} {path} HTTP/1.1"));
        assert_eq!(came.text(), body.replace("public", "own"));
    }
    let foreign = post(&gateway, "/v1/messages/count_tokens")
        .json(&json!({ "model": "public" }))
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), 400);
    assert!(foreign.text().await.unwrap().contains("another protocol"));
}

#[tokio::test]
async fn a_refused_key_is_covered_in_other_requests_too() {
    let said = "{\"error\":\"sk-of-the-provider is not valid\"}";
    let upstream = Upstream::saying(whole("401 Unauthorized", "x-request-id: r\r\n", said)).await;
    let endpoint = upstream.endpoint("up", DialectId::OpenaiChat);
    let mut options = options(
        vec!["public=up/own".parse().unwrap()],
        vec![endpoint.clone()],
    );
    options
        .credentials
        .set_in_memory(&endpoint, "sk-of-the-provider".into());
    options.threads = 1;
    let gateway = gateway::serve(options).await.unwrap();
    for path in ["/v1/embeddings", "/v1/chat/completions"] {
        let body = json!({ "model": "public" });
        let response = post(&gateway, path).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["x-request-id"], "r");
        let text = response.text().await.unwrap();
        assert_eq!(text, said.replace("sk-of-the-provider", "•••"), "{path}");
    }
    let came = upstream.came();
    let has_key = |head: &str| header(head, "authorization") == Some("Bearer sk-of-the-provider");
    assert!(came.iter().all(|came| has_key(&came.head)));
}

#[tokio::test]
async fn counts_of_tokens_reach_anthropic_and_gemini() {
    for (dialect, path) in [
        (DialectId::Anthropic, "/v1/messages/count_tokens"),
        (DialectId::Gemini, "/v1beta/models/public:countTokens"),
    ] {
        let upstream = Upstream::saying(ok("application/json", "", "{\"n\":3}")).await;
        let gateway = to(&upstream, dialect).await;
        let response = post(&gateway, path)
            .json(&json!({ "model": "public" }))
            .send()
            .await
            .unwrap();
        assert_eq!(response.text().await.unwrap(), "{\"n\":3}");
        let line = format!("POST {} HTTP/1.1", path.replace("public", "own"));
        assert_eq!(upstream.came()[0].line(), line);
    }
}

#[tokio::test]
async fn each_form_of_geminis_answers_is_asked_for_as_the_client_did() {
    for method in [
        "generateContent",
        "streamGenerateContent",
        "streamGenerateContent?alt=sse",
    ] {
        let upstream = Upstream::saying(ok("application/json", "", "[{}]")).await;
        let gateway = to(&upstream, DialectId::Gemini).await;
        let path = format!("/v1beta/models/public:{method}");
        let response = post(&gateway, &path)
            .json(&json!({ "contents": [] }))
            .send()
            .await
            .unwrap();
        assert_eq!(response.text().await.unwrap(), "[{}]");
        let line = format!("POST /v1beta/models/own:{method} HTTP/1.1");
        assert_eq!(upstream.came()[0].line(), line);
    }
}
