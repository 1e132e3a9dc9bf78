//! What the simulator refuses or breaks off, and how it says so.

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    Said,
    client::{Ended, ask, chat, request},
    quick, streamed,
};
use crate::deadline::soon;

#[tokio::test]
async fn a_reset_and_a_cut_look_on_the_socket_as_they_do_in_the_world() {
    let simulator = quick().await;
    for (model, ended) in [("sim-reset", Ended::Reset), ("sim-cut", Ended::MidChunk)] {
        let reply = chat(&simulator, &streamed(model)).await;
        assert_eq!((reply.status, reply.ended), (200, ended), "{model}");
        let whole = reply.text();
        let whole = &whole[..whole.rfind("\n\n").unwrap()];
        assert_eq!(
            whole.matches("\"content\":\"").count(),
            61,
            "{model}: role and 60 tokens"
        );
        assert!(!whole.contains("\"finish_reason\":\""), "{model}");

        let mut body = streamed(model);
        body["stream"] = false.into();
        let reply = chat(&simulator, &body).await;
        assert_ne!(reply.ended, Ended::Clean, "{model} without a stream");
    }
}

#[tokio::test]
async fn faults_are_told_as_openai_tells_them() {
    let simulator = quick().await;
    let user = json!([{ "role": "user", "content": "Hi" }]);
    let of = |model: &str| json!({ "model": model, "messages": user });
    for (body, status, code) in [
        (of("sim-rate-limited"), 429, "rate_limit_exceeded"),
        (of("sim-overloaded"), 503, "overloaded"),
        (of("sim-error"), 500, "simulated_failure"),
        (of("sim-nothing"), 404, "model_not_found"),
        (of("sim-locked"), 401, "invalid_api_key"),
        (json!({ "messages": user }), 400, "invalid_request"),
        (json!({ "model": "sim-fast" }), 400, "invalid_request"),
        (
            json!({ "model": "sim-fast", "messages": [] }),
            400,
            "invalid_request",
        ),
        (
            json!({ "model": "sim-fast", "messages": [{ "role": "wizard" }] }),
            400,
            "invalid_request",
        ),
        (
            json!({ "model": "sim-fast", "messages": [{ "role": "user", "content": 7 }] }),
            400,
            "invalid_request",
        ),
        (
            json!({ "model": "sim-fast", "messages": user, "n": 2 }),
            400,
            "invalid_request",
        ),
        (
            json!({ "model": "sim-fast", "messages": user, "max_tokens": 0 }),
            400,
            "invalid_request",
        ),
        (
            json!({ "model": "sim-fast", "messages": user, "stop": [1] }),
            400,
            "invalid_request",
        ),
        (
            json!({ "model": "sim-fast", "messages": user, "tools": [{}] }),
            400,
            "invalid_request",
        ),
        (json!([]), 400, "invalid_request"),
    ] {
        let reply = chat(&simulator, &body).await;
        assert_eq!(reply.status, status, "{body}");
        let error = &reply.json()["error"];
        assert_eq!(error["code"], code, "{body}");
        assert!(!error["message"].as_str().unwrap().is_empty() && error["type"].is_string());
        let retry_after = reply.header("retry-after");
        assert_eq!(retry_after, (status == 429).then_some("2"), "{body}");
    }
    let reply = request(
        &simulator,
        "POST",
        "/v1/chat/completions",
        &[],
        b"{not json",
    )
    .await;
    assert_eq!(reply.status, 400);

    let said = Said::of(&chat(&simulator, &streamed("sim-error")).await);
    assert_eq!((said.tokens, said.done, said.finish), (25, false, None));
    assert_eq!(said.error.unwrap()["code"], "simulated_failure");
    let page = chat(&simulator, &streamed("sim-html")).await;
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
}

#[tokio::test]
async fn a_locked_model_opens_to_any_simulated_key_and_never_repeats_one() {
    let simulator = quick().await;
    for (key, status) in [
        ("Bearer sim-anything", 200),
        ("bearer sim-x", 200),
        ("Bearer canary-5f3a", 401),
        ("Basic sim-x", 401),
    ] {
        let reply = ask(
            &simulator,
            &[("authorization", key)],
            &streamed("sim-locked"),
        )
        .await;
        assert_eq!(reply.status, status, "{key}");
        assert!(!reply.text().contains("canary"));
    }
}

/// Clients that go on with a connection, or still send when they are refused, would else see it reset.
#[tokio::test]
async fn a_request_that_is_refused_before_its_body_was_read_has_its_answer() {
    let simulator = quick().await;
    for (path, closes) in [("/nowhere", true), ("/v1/chat/completions", false)] {
        let mut stream = TcpStream::connect(simulator.address).await.unwrap();
        let body = vec![b' '; 3 << 20];
        let (host, length) = (simulator.address, body.len());
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut said = vec![0; 64 << 10];
        if closes {
            let read = soon("the refusal", stream.read(&mut said)).await.unwrap();
            said.truncate(read);
            soon("all is sent", stream.write_all(&body)).await.unwrap();
            let rest = soon("the end", stream.read(&mut [0; 9])).await.unwrap();
            assert_eq!(rest, 0);
        } else {
            stream.write_all(&body).await.unwrap();
            let read = soon("the refusal", stream.read(&mut said)).await.unwrap();
            said.truncate(read);
        }
        let said = String::from_utf8_lossy(&said).to_lowercase();
        assert!(said.starts_with("http/1.1 4"), "{said}");
        assert_eq!(said.contains("connection: close"), closes, "{said}");
    }
}

#[tokio::test]
async fn other_names_paths_and_methods_are_refused() {
    let simulator = quick().await;
    let local = simulator.address.to_string();
    for (host, origin, status) in [
        (local.as_str(), None, 200),
        ("localhost:1", Some("http://localhost:3000"), 200),
        ("[::1]:80", Some("http://127.0.0.1"), 200),
        ("evil.example", None, 403),
        ("127.0.0.1.evil.example", None, 403),
        ("localhost.evil.example", None, 403),
        ("192.168.0.1", None, 403),
        ("", None, 403),
        (local.as_str(), Some("https://evil.example"), 403),
        (local.as_str(), Some("null"), 403),
    ] {
        let mut headers = vec![("host", host)];
        headers.extend(origin.map(|o| ("origin", o)));
        let reply = request(&simulator, "GET", "/healthz", &headers, b"").await;
        assert_eq!(reply.status, status, "{host} {origin:?}");
        assert!(reply.header("access-control-allow-origin").is_none());
    }
    for (method, path, status) in [
        ("GET", "/", 404),
        ("POST", "/v1/completions", 404),
        ("GET", "/v1/chat/completions", 405),
        ("POST", "/v1/models", 405),
        ("GET", "/sim/runs/999999", 404),
        ("GET", "/sim/runs/x", 404),
        ("GET", "/sim/runs?after=x", 400),
    ] {
        let reply = request(&simulator, method, path, &[], b"").await;
        assert_eq!(reply.status, status, "{method} {path}");
        assert!(reply.json()["error"]["message"].is_string());
    }
    let long = "x".repeat(100_000);
    let reply = request(&simulator, "GET", "/healthz", &[("x-long", &long)], b"").await;
    assert_eq!(reply.status, 431);
}
