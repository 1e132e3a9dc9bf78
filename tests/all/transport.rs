//! The transport against servers that behave: phases, pooling, HTTP versions, TLS and proxies.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, Full};
use hyper::{Response, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokenscope::{
    event::{Fault, FaultClass, Phase},
    exchange,
    run::{ConnectionKind, RunState},
    transport::{
        ConnectOptions, ConnectPhases, HttpCall, HttpResponse, HttpVersion, Trace, Transport,
    },
};
use tokio::{
    io::AsyncReadExt as _,
    sync::{Barrier, mpsc},
};
use tokio_util::sync::CancellationToken;

use crate::{
    deadline::{self, soon},
    fault_server::{
        Authority, Server, answer_all, gone, header, read_head, read_request, send, serve,
        serve_tls, whole,
    },
    toy::{CANARY, ask, endpoint, run, run_on},
};

fn call(url: &str, connect: ConnectOptions) -> HttpCall {
    HttpCall {
        method: Method::POST,
        url: url.parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::from_static(b"{}").into(),
        connect,
        proxy_password: None,
        cold: false,
    }
}

fn get(url: &str) -> HttpCall {
    HttpCall {
        method: Method::GET,
        body: Bytes::new().into(),
        ..call(url, ConnectOptions::default())
    }
}

async fn sent(transport: &Transport, call: HttpCall) -> Result<HttpResponse, Fault> {
    let trace = Trace::new();
    let sending = async { transport.prepare(call).await?.send(&trace).await };
    soon("the response's head", sending).await
}

async fn phases(transport: &Transport, call: HttpCall) -> ConnectPhases {
    let mut response = sent(transport, call).await.unwrap();
    while let Some(chunk) = futures_util::StreamExt::next(&mut response.body).await {
        chunk.unwrap();
    }
    assert!(response.head.request_sent <= response.head.stamp.at);
    response.head.phases
}

/// Which phases are there: DNS, TCP, TLS.
fn present(phases: &ConnectPhases) -> (bool, bool, bool) {
    let spans = [phases.dns, phases.tcp, phases.tls];
    let in_order: Vec<_> = spans.iter().flatten().collect();
    for pair in in_order.windows(2) {
        assert!(pair[0].end <= pair[1].begin, "phases follow each other");
    }
    assert!(in_order.iter().all(|span| span.begin <= span.end));
    (
        phases.dns.is_some(),
        phases.tcp.is_some(),
        phases.tls.is_some(),
    )
}

pub async fn tls_server(authority: &Authority) -> Server {
    let acceptor = authority.acceptor(&["localhost"], &[]);
    serve_tls(acceptor, |stream, _| answer_all(stream.unwrap())).await
}

#[tokio::test]
async fn cold_then_warm_without_tls() {
    let server = serve(|stream, _| answer_all(stream)).await;
    for (url, dns) in [(server.url(), false), (server.named_url("http"), true)] {
        let transport = Transport::default();
        let cold = phases(&transport, call(&url, ConnectOptions::default())).await;
        let warm = phases(&transport, call(&url, ConnectOptions::default())).await;
        assert_eq!((cold.cold, present(&cold)), (true, (dns, true, false)));
        assert_eq!((warm.cold, present(&warm)), (false, (false, false, false)));
    }
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn cold_then_warm_over_tls_with_an_extra_authority() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["localhost"], &[]);
    let server = serve_tls(acceptor, |stream, _| answer_all(stream.unwrap())).await;
    let connect = ConnectOptions {
        ca_file: Some(authority.file()),
        ..ConnectOptions::default()
    };
    let (transport, url) = (Transport::default(), server.named_url("https"));
    let cold = phases(&transport, call(&url, connect.clone())).await;
    let warm = phases(&transport, call(&url, connect.clone())).await;
    assert_eq!((cold.cold, present(&cold)), (true, (true, true, true)));
    assert_eq!((warm.cold, present(&warm)), (false, (false, false, false)));

    // A resumed session is a handshake of its own.
    let again = phases(&Transport::default(), call(&url, connect)).await;
    assert_eq!(present(&again), (true, true, true));
}

#[tokio::test]
async fn clones_share_connections_and_other_options_do_not() {
    let server = serve(|stream, _| answer_all(stream)).await;
    let transport = Transport::default();
    let http1 = ConnectOptions {
        http: HttpVersion::Http1,
        ..ConnectOptions::default()
    };
    let url = server.url();
    assert!(
        phases(&transport, call(&url, ConnectOptions::default()))
            .await
            .cold
    );
    assert!(
        !phases(&transport.clone(), call(&url, ConnectOptions::default()))
            .await
            .cold
    );
    assert!(phases(&transport, call(&url, http1)).await.cold);
}

/// Serves HTTP/2 on each connection; every request waits at the barrier.
async fn serve_http2<S>(stream: S, barrier: Arc<Barrier>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: http::Request<Incoming>| {
        let barrier = barrier.clone();
        async move {
            assert_eq!(
                request.into_body().collect().await.unwrap().to_bytes(),
                "{}"
            );
            soon("the others", barrier.wait()).await;
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"a\nEND\n"))))
        }
    });
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(MAX_STREAMS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// How many streams the server of HTTP/2 allows on a connection.
const MAX_STREAMS: u32 = 100;

#[tokio::test]
async fn http2_over_tls_is_negotiated_and_multiplexed() {
    const AT_ONCE: usize = 20;
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["localhost"], &[b"h2", b"http/1.1"]);
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let server = serve_tls(acceptor, move |stream, _| {
        let barrier = barrier.clone();
        async move { serve_http2(stream.unwrap(), barrier).await }
    })
    .await;
    let connect = ConnectOptions {
        ca_file: Some(authority.file()),
        ..ConnectOptions::default()
    };
    let (transport, url) = (Transport::default(), server.named_url("https"));
    let wave = || {
        let calls = (0..AT_ONCE).map(|_| sent(&transport, call(&url, connect.clone())));
        futures_util::future::join_all(calls)
    };
    let first = wave().await;
    let mut owners = 0;
    for response in first {
        let response = response.unwrap();
        assert_eq!(response.head.version, "HTTP/2.0");
        assert!(response.head.phases.cold, "no connection was there before");
        owners += usize::from(present(&response.head.phases) == (true, true, true));
    }
    assert_eq!(owners, 1, "one call opened the connection they all share");
    for response in wave().await {
        let phases = response.unwrap().head.phases;
        assert_eq!(
            (phases.cold, present(&phases)),
            (false, (false, false, false))
        );
    }
}

#[tokio::test]
async fn http2_by_prior_knowledge_without_tls() {
    let server = serve(|stream, _| serve_http2(stream, Arc::new(Barrier::new(1)))).await;
    let response = sent(&Transport::default(), call(&server.url(), http2()))
        .await
        .unwrap();
    assert_eq!(
        (response.head.status, response.head.version.as_str()),
        (200, "HTTP/2.0")
    );
}

fn http2() -> ConnectOptions {
    ConnectOptions {
        http: HttpVersion::Http2,
        ..ConnectOptions::default()
    }
}

/// None of the requests is answered before all have come, on connections that take a third of them each.
#[tokio::test]
async fn http2_goes_over_further_connections_where_one_is_full() {
    const AT_ONCE: usize = 300;
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let server = serve(move |stream, _| serve_http2(stream, barrier.clone())).await;
    let transport = Transport::default();
    for wave in 0..2 {
        let calls = (0..AT_ONCE).map(|_| sent(&transport, call(&server.url(), http2())));
        let (mut uses, mut owners) = (std::collections::HashMap::new(), 0);
        for response in futures_util::future::join_all(calls).await {
            let response = response.unwrap();
            owners += usize::from(response.head.phases.tcp.is_some());
            *uses.entry(response.head.connection.id).or_insert(0) += 1;
        }
        let limit = MAX_STREAMS as usize;
        assert_eq!(uses.into_values().collect::<Vec<_>>(), [limit; 3]);
        assert_eq!(owners, if wave == 0 { 3 } else { 0 });
    }
    assert_eq!(server.accepted(), 3);
}

#[tokio::test]
async fn a_connection_is_known_by_its_number_and_its_uses() {
    let server = serve(|stream, _| answer_all(stream)).await;
    let transport = Transport::default();
    let mut used = Vec::new();
    for cold in [false, false, true, false] {
        let call = HttpCall {
            cold,
            ..call(&server.url(), ConnectOptions::default())
        };
        let mut response = sent(&transport, call).await.unwrap();
        while let Some(chunk) = futures_util::StreamExt::next(&mut response.body).await {
            chunk.unwrap();
        }
        let connection = response.head.connection;
        assert_eq!(response.head.phases.cold, connection.uses == 1);
        used.push((connection.id, connection.uses));
    }
    let [(one, 1), (two, 2), (three, 1), (four, 2)] = used[..] else {
        panic!("{used:?}");
    };
    assert!(one == two && three == four && one != three, "{used:?}");
    assert_eq!(server.accepted(), 2);
}

#[tokio::test]
async fn a_run_can_ask_for_a_cold_connection() {
    let server = serve(|stream, _| answer_all(stream)).await;
    let transport = Transport::default();
    for (cold, connection) in [
        (false, ConnectionKind::Cold),
        (false, ConnectionKind::Warm),
        (true, ConnectionKind::Cold),
    ] {
        let mut ask = ask(endpoint(&server.url()));
        ask.cold = cold;
        let run = run_on(&transport, ask, CancellationToken::new()).await;
        assert_eq!(run.connection, Some(connection));
    }
}

/// A server that answers once so many requests are there, each on a connection of its own.
async fn together(count: usize) -> Server {
    let barrier = Arc::new(Barrier::new(count));
    serve(move |mut stream, _| {
        let barrier = barrier.clone();
        async move {
            while read_request(&mut stream).await.is_some() {
                soon("the others", barrier.wait()).await;
                send(&mut stream, whole("200 OK", "", "END\n")).await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn connections_are_opened_ahead() {
    const AT_ONCE: usize = 3;
    let server = together(AT_ONCE).await;
    let transport = Transport::default();
    let call = call(&server.url(), ConnectOptions::default());
    for _ in 0..2 {
        transport.ensure_warm(call.clone(), AT_ONCE).await.unwrap();
    }
    let calls = (0..AT_ONCE).map(|_| phases(&transport, call.clone()));
    for phases in futures_util::future::join_all(calls).await {
        assert!(!phases.cold);
    }
    assert_eq!(server.accepted(), AT_ONCE);
    let fault = transport.ensure_warm(get("http://127.0.0.1:1/"), 2).await;
    assert_eq!(fault.unwrap_err().class, FaultClass::Connect);

    // A server that takes connections and never answers a TLS handshake.
    let mute = serve(|stream, _| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let url = mute.url().replace("http:", "https:");
    let mut options = ConnectOptions::default();
    options.timeouts.connect_ms = 50;
    let fault = transport.ensure_warm(self::call(&url, options), 2).await;
    let fault = fault.unwrap_err();
    assert_eq!(fault.class, FaultClass::Timeout, "{fault:?}");
    assert!(fault.message.contains("within 50 ms"), "{fault:?}");

    let multiplexed = serve(|stream, _| serve_http2(stream, Arc::new(Barrier::new(1)))).await;
    let call = self::call(&multiplexed.url(), http2());
    transport.ensure_warm(call.clone(), 50).await.unwrap();
    assert!(!phases(&transport, call).await.cold);
    assert_eq!(multiplexed.accepted(), 1);
}

/// What a server says while nothing was asked (some send 408 before they close) is no answer to the next request.
#[tokio::test]
async fn an_idle_connection_on_which_something_came_is_not_used() {
    let (said, mut is_said) = mpsc::unbounded_channel();
    let server = serve(move |mut stream, number| {
        let said = said.clone();
        async move {
            if number > 0 {
                return answer_all(stream).await;
            }
            read_request(&mut stream).await;
            send(&mut stream, whole("200 OK", "", "END\n")).await;
            send(&mut stream, whole("408 Request Timeout", "", "")).await;
            said.send(()).unwrap();
            gone(&mut stream).await;
        }
    })
    .await;
    let transport = Transport::default();
    phases(&transport, call(&server.url(), ConnectOptions::default())).await;
    soon("a message of the server", is_said.recv())
        .await
        .unwrap();
    let response = sent(&transport, call(&server.url(), ConnectOptions::default()));
    assert_eq!(response.await.unwrap().head.status, 200);
    assert_eq!(server.accepted(), 2);
}

/// A reader that is held back finds the bytes late; the kernel had them when they came.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_stamps_bytes_when_they_come_however_late_they_are_read() {
    use futures_util::StreamExt as _;
    use std::{io::Write as _, sync::mpsc::channel, time::Duration};
    const HELD_BACK: Duration = Duration::from_millis(100);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (go, may_go) = channel::<&[&str]>();
    let (wrote, written) = channel();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        crate::floods::read_request(&mut stream);
        let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\na";
        stream.write_all(head).unwrap();
        for pieces in may_go {
            let before = Trace::new().began();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).unwrap();
            }
            wrote.send(before).unwrap();
        }
    });
    let call = call(&url, ConnectOptions::default());
    let mut response = sent(&Transport::default(), call).await.unwrap();
    let mut first = response.body.next().await.unwrap().unwrap();
    assert_eq!(first.bytes, "a");
    // The kernel begins to stamp some time after it was asked to.
    for _ in 0..1000 {
        if first.stamp.kernel_at.is_some() {
            break;
        }
        go.send(&["a"]).unwrap();
        deadline::message("bytes that were written", &written);
        first = response.body.next().await.unwrap().unwrap();
    }
    for (pieces, text, is_at_most) in [(&["b"][..], "b", false), (&["c", "d"], "cd", true)] {
        go.send(pieces).unwrap();
        let before = deadline::message("bytes that were written", &written);
        std::thread::sleep(HELD_BACK);
        let chunk = response.body.next().await.unwrap().unwrap();
        assert_eq!(chunk.bytes, text);
        let stamp = chunk.stamp;
        assert!(stamp.at >= before + HELD_BACK);
        let kernel_at = stamp.kernel_at.expect("a stamp");
        let delay = stamp.at.duration_since(kernel_at);
        assert!(delay >= HELD_BACK / 2, "{delay:?}");
        assert!(kernel_at + Duration::from_millis(1) >= before);
        assert_eq!(stamp.is_at_most, is_at_most);
    }
    let tcp = response.head.tcp.info().expect("TCP_INFO");
    assert!(
        tcp.min_rtt <= tcp.rtt && tcp.rtt > Duration::ZERO,
        "{tcp:?}"
    );
    assert_eq!((tcp.lost, tcp.out_of_order), (0, 0));
    drop(go);
    deadline::joined("the server", server);
}

/// Says when it is dropped.
struct OnDrop(mpsc::UnboundedSender<()>);
impl Drop for OnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn dropping_an_http2_response_resets_its_stream_only() {
    let (dropped, mut is_dropped) = mpsc::unbounded_channel();
    let server = serve(move |stream, _| {
        let dropped = dropped.clone();
        async move {
            let service = service_fn(move |_| {
                let guard = OnDrop(dropped.clone());
                let body = futures_util::stream::unfold(guard, |guard| async {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    let frame = hyper::body::Frame::data(Bytes::from_static(b"x\n"));
                    Some((Ok::<_, Infallible>(frame), guard))
                });
                let body = http_body_util::StreamBody::new(body);
                async { Ok::<_, Infallible>(Response::new(body)) }
            });
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    })
    .await;
    let transport = Transport::default();
    let one = sent(&transport, call(&server.url(), http2()))
        .await
        .unwrap();
    drop(one);
    soon("a message of the server", is_dropped.recv())
        .await
        .unwrap();
    let two = sent(&transport, call(&server.url(), http2()))
        .await
        .unwrap();
    assert!(!two.head.phases.cold);
    assert_eq!(server.accepted(), 1);
}

/// A thousand calls at once, each on a connection of its own because all wait for each other; then a
/// thousand on the connections that are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phases_belong_to_their_call_at_a_thousand_calls_at_once() {
    const AT_ONCE: usize = 1000;
    let server = together(AT_ONCE).await;
    let (transport, url) = (Transport::default(), server.named_url("http"));
    for wave in [true, false] {
        let calls: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let (transport, call) = (transport.clone(), call(&url, ConnectOptions::default()));
                tokio::spawn(async move { phases(&transport, call).await })
            })
            .collect();
        for call in calls {
            let phases = call.await.unwrap();
            assert_eq!((phases.cold, present(&phases)), (wave, (wave, wave, false)));
        }
    }
    assert_eq!(server.accepted(), AT_ONCE);
}

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

#[tokio::test]
async fn get_reads_whole_answers_up_to_its_cap() {
    let server = serve(|mut stream, number| async move {
        read_request(&mut stream).await;
        let size = if number == 0 { 5 } else { (8 << 20) + 1 };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\n\r\n");
        send(&mut stream, head).await;
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &vec![b'm'; size]).await;
        gone(&mut stream).await;
    })
    .await;
    let (status, _, body) = exchange::whole(&Transport::default(), get(&server.url()))
        .await
        .unwrap();
    assert_eq!((status, body.as_ref()), (200, &b"mmmmm"[..]));
    let fault = exchange::whole(&Transport::default(), get(&server.url()))
        .await
        .unwrap_err();
    assert_eq!(fault.class, FaultClass::Protocol);
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
