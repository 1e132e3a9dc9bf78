//! The transport against servers that behave: phases, HTTP versions, TLS, and the kernel's times of reads.

mod http2;
mod link;
mod pool;
mod sending;

use std::{convert::Infallible, sync::Arc, time::Instant};

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
        as_is: false,
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

fn http2() -> ConnectOptions {
    ConnectOptions {
        http: HttpVersion::Http2,
        ..ConnectOptions::default()
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

/// A server that answers with a head, and then writes pieces when it is told to.
#[cfg(target_os = "linux")]
struct Piecewise {
    url: String,
    go: std::sync::mpsc::Sender<&'static [&'static str]>,
    /// When it began to write each group of pieces, once that is written.
    written: std::sync::mpsc::Receiver<Instant>,
    server: std::thread::JoinHandle<()>,
}

#[cfg(target_os = "linux")]
impl Piecewise {
    fn start(head: &'static str) -> Self {
        use std::{io::Write as _, sync::mpsc::channel};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (go, may_go) = channel::<&[&str]>();
        let (wrote, written) = channel();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            crate::floods::read_request(&mut stream);
            stream.write_all(head.as_bytes()).unwrap();
            for pieces in may_go {
                let before = Trace::new().began();
                for piece in pieces {
                    stream.write_all(piece.as_bytes()).unwrap();
                }
                wrote.send(before).unwrap();
            }
        });
        Self {
            url,
            go,
            written,
            server,
        }
    }

    /// Has it write pieces, each as a segment of its own; returns when it began to, once that is done.
    fn write(&self, pieces: &'static [&'static str]) -> Instant {
        self.go.send(pieces).unwrap();
        deadline::message("bytes that were written", &self.written)
    }

    fn end(self) {
        drop(self.go);
        deadline::joined("the server", self.server);
    }
}

/// A reader that is held back finds the bytes late; the kernel had them when they came.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_kernel_stamps_bytes_when_they_come_however_late_they_are_read() {
    use futures_util::StreamExt as _;
    use std::time::Duration;
    const HELD_BACK: Duration = Duration::from_millis(100);
    let server = Piecewise::start("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\na");
    let call = call(&server.url, ConnectOptions::default());
    let mut response = sent(&Transport::default(), call).await.unwrap();
    let mut first = response.body.next().await.unwrap().unwrap();
    assert_eq!(first.bytes, "a");
    // The kernel begins to stamp some time after it was asked to.
    for _ in 0..1000 {
        if first.stamp.kernel_at.is_some() {
            break;
        }
        server.write(&["a"]);
        first = response.body.next().await.unwrap().unwrap();
    }
    let cases = [
        (&["b\n\n"][..], "b\n\n", false),
        (&["c\n\n", "d"], "c\n\nd", true),
        (&["e\n\nf\n\n"], "e\n\nf\n\n", false),
    ];
    for (pieces, text, is_at_most) in cases {
        let before = server.write(pieces);
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
    server.end();
}

/// The kernel keeps the stamp of the last of several segments. How long the first has waited is bounded by how busy the
/// thread was that was to read it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn segments_that_a_busy_thread_read_late_say_how_long_they_may_have_waited() {
    use futures_util::StreamExt as _;
    use std::{path::Path, time::Duration};
    const BUSY: Duration = Duration::from_millis(100);
    if !Path::new("/proc/thread-self/schedstat").exists() {
        eprintln!("skipped: this kernel does not say how long a thread was busy");
        return;
    }
    let server = Piecewise::start("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\na");
    let call = call(&server.url, ConnectOptions::default());
    let mut response = sent(&Transport::default(), call).await.unwrap();
    let mut first = response.body.next().await.unwrap().unwrap();
    // The kernel begins to stamp some time after it was asked to.
    for _ in 0..1000 {
        if first.stamp.kernel_at.is_some() {
            break;
        }
        server.write(&["a"]);
        first = response.body.next().await.unwrap().unwrap();
    }
    for (pieces, is_at_most) in [(&["c\n\n", "d"][..], true), (&["e\n\n"], false)] {
        let before = server.write(pieces);
        while before.elapsed() < BUSY {
            std::hint::spin_loop();
        }
        let stamp = response.body.next().await.unwrap().unwrap().stamp;
        assert_eq!(stamp.is_at_most, is_at_most, "{pieces:?}");
        assert_eq!(stamp.waited.is_some(), is_at_most, "{pieces:?}");
        let delay = stamp.delay().unwrap();
        assert!(delay >= BUSY / 2, "{delay:?}");
    }
    server.end();
}

/// Each HTTP chunk is a piece of its own, though several came with one read.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn chunks_of_a_read_of_several_segments_have_stamps_of_at_most() {
    use futures_util::StreamExt as _;
    const ONE: &str =
        "42\r\ndata: {\"delta\":\"a piece of an answer, as it stands in one event\"}\n\r\n";
    const TWO: &str = "42\r\ndata: {\"delta\":\"a piece of an answer, as it stands in one event\"}\n\r\n\
                       42\r\ndata: {\"delta\":\"a piece of an answer, as it stands in one event\"}\n\r\n";
    let server = Piecewise::start("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    let call = call(&server.url, ConnectOptions::default());
    let mut response = sent(&Transport::default(), call).await.unwrap();
    let cases = [
        (&[ONE][..], &[false][..]),
        (&[ONE, ONE], &[true, true]),
        (&[TWO], &[false, false]),
        (&[ONE], &[false]),
    ];
    for (pieces, expected) in cases {
        server.write(pieces);
        let mut at_most = Vec::new();
        for _ in expected {
            let chunk = response.body.next().await.unwrap().unwrap();
            at_most.push(chunk.stamp.is_at_most);
        }
        assert_eq!(at_most, expected, "{pieces:?}");
    }
    server.end();
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
