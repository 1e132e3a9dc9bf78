//! How a request is sent: its head, its body bit by bit, and how far it came.

use super::*;

#[tokio::test]
async fn sent_is_when_the_body_is_taken_not_when_it_is_offered() {
    const SIZE: usize = 64 << 20;
    let (go, may_go) = tokio::sync::watch::channel(false);
    let (got_head, mut head_is_there) = mpsc::unbounded_channel();
    let server = serve(move |mut stream, _| {
        let (mut may_go, got_head) = (may_go.clone(), got_head.clone());
        async move {
            let head = read_head(&mut stream).await.unwrap();
            assert_eq!(header(&head, "content-length"), Some(&*SIZE.to_string()));
            got_head.send(()).unwrap();
            may_go.wait_for(|go| *go).await.unwrap();
            let mut body = vec![0; SIZE];
            stream.read_exact(&mut body).await.unwrap();
            send(&mut stream, whole("200 OK", "", "")).await;
        }
    })
    .await;
    let mut call = call(&server.url(), ConnectOptions::default());
    call.body = vec![b'x'; SIZE].into();
    let prepared = Transport::default().prepare(call).await.unwrap();
    let trace = Trace::new();
    let sending = prepared.send(&trace);
    let meanwhile = async {
        soon("a message of the server", head_is_there.recv())
            .await
            .unwrap();
        assert_eq!(trace.request_sent(), None, "the server has not read it");
        assert_eq!(trace.phase(), Phase::Headers);
        go.send(true).unwrap();
    };
    let (response, ()) = tokio::join!(sending, meanwhile);
    assert_eq!(
        trace.request_sent(),
        Some(response.unwrap().head.request_sent)
    );
}

/// A server that takes a large body bit by bit, or no more of it after the first bit.
async fn slow_taker(steps: usize) -> Server {
    const STEP: usize = 8 << 20;
    serve(move |mut stream, _| async move {
        read_head(&mut stream).await.unwrap();
        let mut bit = vec![0; STEP];
        for _ in 0..steps {
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
            stream.read_exact(&mut bit).await.unwrap();
        }
        if steps * STEP == LARGE {
            send(&mut stream, whole("200 OK", "", "")).await;
            gone(&mut stream).await;
        }
        std::future::pending::<()>().await;
    })
    .await
}

const LARGE: usize = 64 << 20;

/// Sending may last longer than an answer may be waited for, as long as it goes on.
#[tokio::test]
async fn an_upload_is_held_to_its_progress_not_to_its_length() {
    for (steps, is_taken) in [(8, true), (1, false)] {
        let server = slow_taker(steps).await;
        let mut call = call(&server.url(), ConnectOptions::default());
        call.connect.timeouts.first_token_ms = 1_200;
        call.body = vec![b'x'; LARGE].into();
        let sent = exchange::whole(&Transport::default(), call).await;
        assert_eq!(sent.is_ok(), is_taken, "{:?}", sent.as_ref().err());
        if let Err(fault) = sent {
            assert_eq!(
                (fault.class, fault.phase),
                (FaultClass::Timeout, Phase::Headers)
            );
            assert!(fault.message.contains("took no more"), "{}", fault.message);
        }
    }
}

#[tokio::test]
async fn the_request_is_what_the_endpoint_says() {
    let (seen, mut requests) = mpsc::unbounded_channel();
    let server = serve(move |mut stream, _| {
        let seen = seen.clone();
        async move {
            seen.send(read_request(&mut stream).await.unwrap()).unwrap();
            send(&mut stream, whole("200 OK", "", "END\n")).await;
        }
    })
    .await;
    let mut endpoint = endpoint(&server.url());
    endpoint.headers.insert("X-Team".into(), "red".into());
    let run = run(endpoint).await;
    assert_eq!(run.state, RunState::Ok);
    let (head, body) = soon("a message of the server", requests.recv())
        .await
        .unwrap();
    assert!(head.starts_with("POST /chat HTTP/1.1\r\n"), "{head}");
    for (name, value) in [
        ("authorization", format!("Bearer {CANARY}")),
        ("accept", "text/event-stream".into()),
        ("content-type", "application/json".into()),
        ("x-team", "red".into()),
        (
            "user-agent",
            format!("tokenscope/{}", env!("CARGO_PKG_VERSION")),
        ),
        ("content-length", body.len().to_string()),
    ] {
        assert_eq!(header(&head, name), Some(value.as_str()), "{name}");
    }
    assert_eq!(header(&head, "referer"), None);
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["model"], "model");
}

async fn probed(call: HttpCall) -> (Vec<(Phase, bool)>, bool) {
    let mut steps = Vec::new();
    let mut report = |step: exchange::ConnectStep| {
        assert_eq!(step.result.is_ok(), step.took.is_some());
        steps.push((step.phase, step.result.is_ok()));
    };
    let whole = exchange::probe(call, &mut report).await;
    (steps, whole.is_ok())
}

#[tokio::test]
async fn a_probe_tells_how_far_it_came() {
    let authority = Authority::new();
    let server = tls_server(&authority).await;
    let url = server.named_url("https");
    let connect = ConnectOptions {
        ca_file: Some(authority.file()),
        ..ConnectOptions::default()
    };
    let (dns, tcp, tls) = (
        (Phase::Dns, true),
        (Phase::Connect, true),
        (Phase::Tls, true),
    );
    let trusted = HttpCall {
        connect,
        ..get(&url)
    };
    assert_eq!(probed(trusted).await, (vec![dns, tcp, tls], true));
    let untrusted = probed(get(&url)).await;
    assert_eq!(untrusted, (vec![dns, tcp, (Phase::Tls, false)], false));
    let refused = get("http://localhost:1/");
    assert_eq!(
        probed(refused).await,
        (vec![dns, (Phase::Connect, false)], false)
    );
    let nowhere = get("http://no-such-host.invalid/");
    assert_eq!(probed(nowhere).await, (vec![(Phase::Dns, false)], false));
}

#[test]
fn a_call_keeps_its_secrets_from_debug_text() {
    let mut call = call(
        "https://me:hunter1@api.example/v1?key=hunter2",
        ConnectOptions {
            proxy: Some("http://me:hunter3@proxy:1".into()),
            ..ConnectOptions::default()
        },
    );
    let mut value = http::HeaderValue::from_static("hunter4");
    value.set_sensitive(true);
    call.headers.insert("x-api-key", value);
    call.proxy_password = Some("hunter5".into());
    let text = format!("{call:?}");
    assert!(!text.contains("hunter"), "{text}");
    assert!(text.contains("api.example"), "{text}");
}
