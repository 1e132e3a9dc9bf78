//! The `vertex-grpc` dialect on the wire: against a real gRPC server, and by REST where HTTP/2 is refused.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use googleapis_tonic_google_cloud_aiplatform_v1::google::{
    cloud::aiplatform::v1::part::Data,
    rpc::{self, RetryInfo},
};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use serde_json::{Value, json};
use tokenscope::{
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::Endpoint,
    event::{Answer, FaultClass, FinishReason, Phase},
    run::{ConnectionKind, Run, RunUpdate, execute},
    transport::{HttpVersion, Transport},
};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use crate::{
    deadline::soon,
    fault_server::{Authority, Server, chunk, read_request, send, serve, serve_tls, whole},
    grpc_messages::{body, response},
    grpc_server::{Script, messages, plain, secure},
    toy::{self, CANARY, class, fault},
};

const PLACE: &str = "v1/projects/p/locations/l";
const MODEL: &str = "projects/p/locations/l/publishers/google/models/gemini-3-pro";

fn endpoint(server: &str) -> Endpoint {
    Endpoint {
        dialect: DialectId::VertexGrpc,
        ..toy::endpoint(&format!("{server}{PLACE}"))
    }
}

fn secure_endpoint(server: &Server, authority: &Authority) -> Endpoint {
    let mut endpoint = endpoint(&server.named_url("https"));
    endpoint.connect.ca_file = Some(authority.file());
    endpoint
}

async fn run_on(transport: &Transport, endpoint: Endpoint, request: ChatRequest) -> Run {
    let mut ask = toy::ask(endpoint);
    ask.head.request = Arc::new(request);
    let mut emit = |_| {};
    let run = execute(transport, ask, CancellationToken::new(), &mut emit);
    let run = soon("the run's end", run).await;
    assert!(!format!("{run:?}").contains(CANARY), "a key in a record");
    run
}

async fn run(endpoint: Endpoint) -> Run {
    let request = ChatRequest::of_text("gemini-3-pro", "hello");
    run_on(&Transport::default(), endpoint, request).await
}

fn said(text: &str) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": text}]}}]})
}

fn stop(text: &str) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}]})
}

fn script(all: &[Value]) -> Script {
    messages(all.iter().map(response).collect(), Ok(()))
}

fn notes(run: &Run) -> Vec<&str> {
    run.answer
        .notes
        .iter()
        .map(|(note, _)| note.text.as_str())
        .collect()
}

// --- on the wire --------------------------------------------------------------------------------------

#[tokio::test]
async fn an_answer_streams_cold_then_warm_over_tls() {
    let authority = Authority::new();
    let answer = [
        json!({"responseId": "r1", "modelVersion": "gemini-3-pro", "candidates": [{"content": {"parts": [
            {"text": "Hm.", "thought": true}]}}]}),
        said("Hel"),
        json!({"candidates": [{"content": {"parts": [{"text": "lo"}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 4,
                "totalTokenCount": 9}}),
    ];
    let (server, mut came) = secure(&authority, script(&answer)).await;
    let transport = Transport::default();
    for connection in [ConnectionKind::Cold, ConnectionKind::Warm] {
        let request = ChatRequest::of_text("gemini-3-pro", "hello");
        let run = run_on(&transport, secure_endpoint(&server, &authority), request).await;
        let Answer {
            text,
            reasoning,
            finish,
            usage,
            fault,
            done,
            ..
        } = run.answer.clone();
        assert_eq!(
            (fault, text.as_str(), reasoning.as_str()),
            (None, "Hello", "Hm.")
        );
        assert_eq!(finish.unwrap().reason, FinishReason::Stop);
        assert_eq!(usage.unwrap().generated(), Some(6));
        assert!(done, "the status is the stream's end mark");
        assert_eq!(
            (run.status, run.http_version.as_deref()),
            (Some(200), Some("HTTP/2.0"))
        );
        assert_eq!(run.connection, Some(connection));
        let stamps = &run.stamps;
        assert_eq!(stamps.tls.is_some(), connection == ConnectionKind::Cold);
        assert!(stamps.request_sent <= stamps.headers && stamps.headers <= stamps.first_token);
        assert!(
            stamps.first_token <= stamps.first_visible && stamps.first_visible <= stamps.closed
        );
        assert_eq!(notes(&run), Vec::<&str>::new());
        let (headers, message) = soon("a request", came.recv()).await.unwrap();
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(
            header("authorization"),
            Some(format!("Bearer {CANARY}").as_str())
        );
        assert_eq!(header("content-type"), Some("application/grpc"));
        assert_eq!(header("te"), Some("trailers"));
        let routing = format!("model={}", MODEL.replace('/', "%2F"));
        assert_eq!(header("x-goog-request-params"), Some(routing.as_str()));
        assert!(header("user-agent").unwrap().starts_with("tokenscope/"));
        assert_eq!(message.model, MODEL);
    }
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_status_is_a_fault_of_its_class() {
    let table = [
        (Code::Unauthenticated, "UNAUTHENTICATED", FaultClass::Auth),
        (
            Code::PermissionDenied,
            "PERMISSION_DENIED",
            FaultClass::Auth,
        ),
        (
            Code::ResourceExhausted,
            "RESOURCE_EXHAUSTED",
            FaultClass::RateLimited,
        ),
        (Code::Unavailable, "UNAVAILABLE", FaultClass::Overloaded),
        (Code::NotFound, "NOT_FOUND", FaultClass::NotFound),
        (Code::Unimplemented, "UNIMPLEMENTED", FaultClass::NotFound),
        (
            Code::InvalidArgument,
            "INVALID_ARGUMENT",
            FaultClass::BadRequest,
        ),
        (
            Code::FailedPrecondition,
            "FAILED_PRECONDITION",
            FaultClass::BadRequest,
        ),
        (Code::OutOfRange, "OUT_OF_RANGE", FaultClass::BadRequest),
        (
            Code::DeadlineExceeded,
            "DEADLINE_EXCEEDED",
            FaultClass::Timeout,
        ),
        (Code::Cancelled, "CANCELLED", FaultClass::Provider),
        (Code::Internal, "INTERNAL", FaultClass::Provider),
        (Code::Unknown, "UNKNOWN", FaultClass::Provider),
        (Code::AlreadyExists, "ALREADY_EXISTS", FaultClass::Provider),
        (Code::Aborted, "ABORTED", FaultClass::Provider),
        (Code::DataLoss, "DATA_LOSS", FaultClass::Provider),
    ];
    for (code, name, expected) in table {
        let status = Status::new(code, format!("näh 100 % {CANARY}"));
        let refuse = status.clone();
        // At once, which makes the head the trailers; and behind the first words.
        let at_once: Script = Arc::new(move |_| Err(refuse.clone()));
        let later = messages(vec![response(&said("Hi"))], Err(status));
        for (script, phase, text) in [(at_once, Phase::Headers, ""), (later, Phase::Stream, "Hi")] {
            let (server, _came) = plain(script).await;
            let run = run(endpoint(&server.url())).await;
            assert_eq!(class(&run), (expected, phase), "{name}");
            let fault = fault(&run);
            assert_eq!(fault.code.as_deref(), Some(name));
            assert_eq!(fault.message, "näh 100 % •••", "{name}");
            assert_eq!((run.answer.text.as_str(), fault.status), (text, Some(200)));
        }
    }
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_known() {
    let info = RetryInfo {
        retry_delay: Some(prost_types::Duration {
            seconds: 34,
            nanos: 70_000_000,
        }),
    };
    let details = rpc::Status {
        code: Code::ResourceExhausted as i32,
        message: "slow down".into(),
        details: vec![prost_types::Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".into(),
            value: info.encode_to_vec(),
        }],
    };
    let details = Bytes::from(details.encode_to_vec());
    let status = Status::with_details(Code::ResourceExhausted, "slow down", details);
    let (server, _came) = plain(Arc::new(move |_| Err(status.clone()))).await;
    let run = run(endpoint(&server.url())).await;
    assert_eq!(fault(&run).retry_after_ms, Some(34_070));
    assert_eq!(fault(&run).message, "slow down");
}

#[tokio::test]
async fn large_messages_are_read_and_larger_ones_refused() {
    for (size, whole) in [(5 << 20, true), (65 << 20, false)] {
        let image = vec![7_u8; size];
        let json = json!({"candidates": [{"content": {"parts": [
            {"inlineData": {"mimeType": "image/png", "data": ""}}]}, "finishReason": "STOP"}]});
        let mut message = response(&json);
        let part = &mut message.candidates[0].content.as_mut().unwrap().parts[0];
        let Some(Data::InlineData(blob)) = &mut part.data else {
            panic!()
        };
        blob.data = image.into();
        let (server, _came) = plain(messages(vec![message], Ok(()))).await;
        let run = run(endpoint(&server.url())).await;
        if whole {
            assert_eq!(run.answer.fault, None);
            assert_eq!(run.answer.media[0].data.len(), size);
        } else {
            assert_eq!(class(&run).0, FaultClass::Protocol);
            assert_eq!(fault(&run).message, "one message is larger than 64 MiB");
        }
    }
}

/// Answers every call with these frames and no trailers.
async fn without_trailers(frames: Vec<u8>, head: (u16, &'static str)) -> Server {
    serve(move |stream, _| {
        let frames = Bytes::from(frames.clone());
        let service = service_fn(move |_: http::Request<hyper::body::Incoming>| {
            let body = http_body_util::Full::new(frames.clone());
            let response = http::Response::builder()
                .status(head.0)
                .header("content-type", head.1);
            async move { response.body(body) }
        });
        async move {
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    })
    .await
}

#[tokio::test]
async fn what_ends_without_a_status_or_is_no_grpc_is_told() {
    let frames = body(&[said("Hi"), stop(".")]);
    let cut = frames[..frames.len() - 1].to_vec();
    let error = br#"{"error":{"code":403,"message":"No.","status":"PERMISSION_DENIED"}}"#;
    let page = b"<html><h1>Sign in</h1>";
    let grpc = "application/grpc";
    for (frames, head, expected, message) in [
        (
            frames,
            (200, grpc),
            FaultClass::Interrupted,
            "the stream ended without a gRPC status",
        ),
        (
            cut,
            (200, grpc),
            FaultClass::Interrupted,
            "the stream broke off inside a message",
        ),
        (
            Vec::new(),
            (200, grpc),
            FaultClass::Interrupted,
            "the stream ended without a gRPC status",
        ),
        (
            page.to_vec(),
            (200, "text/html"),
            FaultClass::Protocol,
            "a page came instead of an answer",
        ),
        (
            page.to_vec(),
            (502, "text/html"),
            FaultClass::Provider,
            "HTTP 502 with a page",
        ),
        (
            error.to_vec(),
            (403, "application/json"),
            FaultClass::Auth,
            "No.",
        ),
        (
            vec![9, 9],
            (200, grpc),
            FaultClass::Protocol,
            "the stream broke off inside",
        ),
        (
            b"\x00\x00\x00\x00\x02\xff\xff".to_vec(),
            (200, grpc),
            FaultClass::Protocol,
            "this is not a Gemini",
        ),
    ] {
        let server = without_trailers(frames, head).await;
        let run = run(endpoint(&server.url())).await;
        let fault = fault(&run);
        assert!(fault.message.contains(message), "{message}: {fault:?}");
        if fault.message != "the stream broke off inside a message"
            || expected == FaultClass::Interrupted
        {
            assert_eq!(
                (fault.class, fault.status),
                (expected, Some(head.0)),
                "{message}"
            );
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_is_an_interruption() {
    let (told, hears) = tokio::sync::watch::channel(false);
    let server = serve(move |stream, _| {
        let hears = hears.clone();
        let service = service_fn(move |_: http::Request<hyper::body::Incoming>| {
            let mut hears = hears.clone();
            let first = Ok(http_body::Frame::data(Bytes::from(body(&[said("Hi")]))));
            // Once the client has read the first words.
            let broken = stream::once(async move {
                hears.wait_for(|told| *told).await.unwrap();
                Err(std::io::Error::other("gone"))
            });
            let body = http_body_util::StreamBody::new(stream::iter([first]).chain(broken).boxed());
            let response = http::Response::builder().header("content-type", "application/grpc");
            async move { response.body(body) }
        });
        async move {
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    })
    .await;
    let ask = toy::ask(endpoint(&server.url()));
    let mut emit = |update| {
        if let RunUpdate::Read { .. } = update {
            told.send_replace(true);
        }
    };
    let run = execute(
        &Transport::default(),
        ask,
        CancellationToken::new(),
        &mut emit,
    )
    .await;
    assert_eq!(class(&run), (FaultClass::Interrupted, Phase::Stream));
    assert!(
        fault(&run).message.contains("in the middle of the answer"),
        "{:?}",
        fault(&run)
    );
    assert_eq!(run.answer.text, "Hi");
}

// --- REST where HTTP/2 is refused ---------------------------------------------------------------------

/// A REST server that only speaks HTTP/1.1, and how often it was asked.
async fn rest_server(
    authority: &Authority,
    alpn: &[&[u8]],
) -> (Server, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (asked, heads) = tokio::sync::mpsc::unbounded_channel();
    let acceptor = authority.acceptor(&["localhost"], alpn);
    let server = serve_tls(acceptor, move |stream, _| {
        let asked = asked.clone();
        async move {
            let Ok(mut stream) = stream else { return };
            while let Some((head, _)) = read_request(&mut stream).await {
                asked.send(head).unwrap();
                let event = format!("data: {}\n\n", stop("By REST."));
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
                let body = [chunk(event), chunk("")].concat();
                send(&mut stream, [head.as_bytes(), &body].concat()).await;
            }
        }
    })
    .await;
    (server, heads)
}

#[tokio::test]
async fn where_http2_is_refused_rest_answers() {
    let authority = Authority::new();
    // By an alert, and by silence.
    let refusals: [&[&[u8]]; 2] = [&[b"http/1.1"], &[]];
    for alpn in refusals {
        let (server, mut heads) = rest_server(&authority, alpn).await;
        let run = run(secure_endpoint(&server, &authority)).await;
        assert_eq!(run.answer.fault, None);
        assert_eq!(run.answer.text, "By REST.");
        assert_eq!(run.http_version.as_deref(), Some("HTTP/1.1"));
        let head = soon("a request", heads.recv()).await.unwrap();
        let rest = format!(
            "POST /{PLACE}/publishers/google/models/gemini-3-pro:streamGenerateContent?alt=sse "
        );
        assert!(head.starts_with(&rest), "{head}");
        assert!(
            head.contains(&format!("authorization: Bearer {CANARY}")),
            "{head}"
        );
        assert!(heads.try_recv().is_err(), "it was asked once");
        let notes = notes(&run);
        assert!(
            notes[0].starts_with("HTTP/2, which gRPC needs, was refused"),
            "{notes:?}"
        );
        assert!(run.stamps.tls.is_some() && run.stamps.first_token.is_some());
        assert_eq!(server.accepted(), 2, "the refused connection, and its own");
    }
}

/// A request that may have been taken is never put again.
#[tokio::test]
async fn what_was_sent_is_not_sent_again() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["localhost"], &[b"h2", b"http/1.1"]);
    let server = serve_tls(acceptor, |stream, _| async move {
        // Says nothing that HTTP/2 knows, once something came.
        let mut stream = stream.unwrap();
        let mut first = [0; 16];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first)
            .await
            .unwrap();
        send(&mut stream, whole("400 Bad Request", "", "no")).await;
    })
    .await;
    let run = run(secure_endpoint(&server, &authority)).await;
    assert!(
        matches!(class(&run).0, FaultClass::Reset | FaultClass::Protocol),
        "{:?}",
        fault(&run)
    );
    assert_eq!((server.accepted(), notes(&run).len()), (1, 0));
}

#[tokio::test]
async fn what_can_not_go_by_grpc_is_said_before_anything_is_sent() {
    let (server, _came) = plain(script(&[stop("no")])).await;
    let mut http1 = endpoint(&server.url());
    http1.connect.http = HttpVersion::Http1;
    let mut elsewhere = endpoint(&server.url());
    elsewhere.base_url = format!("{}gateway/{PLACE}", server.url()).parse().unwrap();
    for (endpoint, said) in [
        (http1, "gRPC needs HTTP/2"),
        (elsewhere, "“/gateway/v1” in the base URL can't be kept"),
    ] {
        let run = run(endpoint).await;
        assert_eq!(class(&run), (FaultClass::BadRequest, Phase::Prepare));
        assert!(fault(&run).message.contains(said), "{:?}", fault(&run));
    }
    assert_eq!(server.accepted(), 0);
}
