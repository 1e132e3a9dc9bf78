//! Every fault of the wire, from a server that commits it: its class, its phase, and what is kept.
//!
//! The numbers are those of the fault list in the project's design.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use tokenscope::{
    endpoint::Auth,
    event::{FaultClass as C, Phase as P},
    run::{RunState, RunUpdate, execute_in},
    transport::{HttpVersion, Transport},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use crate::{
    deadline::soon,
    fault_server::{
        Authority, STREAM_HEAD, Server, answer_all, chunk, closed_port, gone, header, read_request,
        reset, send, serve, serve_tls, whole,
    },
    toy::{CANARY, TOY, ask, class, endpoint, fault, limited, limits, run, run_on},
};

#[tokio::test]
async fn f01_connection_refused() {
    let addr = closed_port().await;
    let run = run(endpoint(&format!("http://{addr}/"))).await;
    assert_eq!(class(&run), (C::Connect, P::Connect));
    assert!(fault(&run).message.contains(&addr.to_string()));
    assert!(fault(&run).message.contains("is the server running?"));
    assert_eq!((run.connection, run.stamps.first_token), (None, None));
}

#[tokio::test]
async fn f02_no_such_name() {
    let run = run(endpoint("http://no-such-host.invalid/")).await;
    assert_eq!(class(&run), (C::Dns, P::Dns));
    assert!(fault(&run).message.contains("no-such-host.invalid"));
}

/// TLS that must fail: the server asserts that it never saw a byte of the application.
async fn refused_certificate(acceptor: tokio_rustls::TlsAcceptor, ca: Option<String>) -> String {
    let saw_data = Arc::new(AtomicBool::new(false));
    let seen = saw_data.clone();
    let server = serve_tls(acceptor, move |stream, _| {
        let seen = seen.clone();
        async move {
            if let Ok(mut stream) = stream {
                seen.store(!gone(&mut stream).await.is_empty(), Ordering::SeqCst);
            }
        }
    })
    .await;
    let mut endpoint = endpoint(&server.named_url("https"));
    endpoint.connect.ca_file = ca;
    let run = run(endpoint).await;
    assert_eq!(class(&run), (C::Tls, P::Tls));
    assert!(!saw_data.load(Ordering::SeqCst), "the key was sent");
    assert!(run.stamps.tcp.is_some(), "TCP had been reached");
    fault(&run).message.clone()
}

#[tokio::test]
async fn f05_untrusted_certificate() {
    let message = refused_certificate(Authority::new().acceptor(&["localhost"], &[]), None).await;
    assert!(message.contains("extra CA"), "{message}");
}

#[tokio::test]
async fn f05_expired_certificate() {
    let authority = Authority::new();
    let acceptor = authority.acceptor_until(2020, &["localhost"], &[]);
    let message = refused_certificate(acceptor, Some(authority.file())).await;
    assert!(message.contains("expired"), "{message}");
}

#[tokio::test]
async fn f05_certificate_of_another_host() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["other.example"], &[]);
    let message = refused_certificate(acceptor, Some(authority.file())).await;
    assert!(message.contains("other.example"), "{message}");
}

#[tokio::test]
async fn f05_https_to_a_plain_port_and_back() {
    let plain = serve(|mut stream, _| async move {
        // As any HTTP server does with a ClientHello.
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).await.unwrap();
        send(&mut stream, whole("400 Bad Request", "", "")).await;
        gone(&mut stream).await;
    })
    .await;
    let run1 = run(endpoint(&plain.named_url("https"))).await;
    assert_eq!(class(&run1), (C::Tls, P::Tls));
    assert!(fault(&run1).message.contains("try http://"));

    let tls = Authority::new().acceptor(&["localhost"], &[]);
    let tls = serve_tls(tls, |_, _| async {}).await;
    let run2 = run(endpoint(&tls.named_url("http"))).await;
    assert_eq!(class(&run2), (C::Protocol, P::Headers));
    assert!(fault(&run2).message.contains("try https://"));
}

#[tokio::test]
async fn f06_tls_stalls() {
    let server = serve(|mut stream, _| async move {
        gone(&mut stream).await;
    })
    .await;
    let url = server.named_url("https");
    let run = run(limited(&url, limits(100, 0, 0, 0))).await;
    assert_eq!(class(&run), (C::Timeout, P::Tls));
    assert!(fault(&run).message.contains("100 ms"));
    assert!(run.stamps.dns.is_some() && run.stamps.tcp.is_some());
}

/// A pooled connection that the server closed while it was idle costs a new connection and no fault:
/// not a byte of the request had been written.
#[tokio::test]
async fn f08_idle_pooled_connection_was_closed() {
    let (closed, mut is_closed) = mpsc::unbounded_channel();
    let server = serve(move |mut stream, number| {
        let closed = closed.clone();
        async move {
            if number == 0 {
                read_request(&mut stream).await;
                send(&mut stream, whole("200 OK", "", "a\nEND\n")).await;
                drop(stream);
                closed.send(()).unwrap();
            } else {
                answer_all(stream).await;
            }
        }
    })
    .await;
    let transport = Transport::default();
    let one = run_on(
        &transport,
        ask(endpoint(&server.url())),
        CancellationToken::new(),
    )
    .await;
    soon("a message of the server", is_closed.recv())
        .await
        .unwrap();
    let two = run_on(
        &transport,
        ask(endpoint(&server.url())),
        CancellationToken::new(),
    )
    .await;
    assert_eq!((one.state, two.state), (RunState::Ok, RunState::Ok));
}

/// A pooled connection that dies with the request on it is a reset: the POST is not sent again.
#[tokio::test]
async fn f08_pooled_connection_dies_with_the_request() {
    let server = serve(|mut stream, number| async move {
        read_request(&mut stream).await;
        send(&mut stream, whole("200 OK", "", "a\nEND\n")).await;
        assert_eq!(number, 0, "the request was sent again");
        read_request(&mut stream).await.expect("a second request");
        reset(stream);
    })
    .await;
    let transport = Transport::default();
    let url = server.url();
    let one = run_on(&transport, ask(endpoint(&url)), CancellationToken::new()).await;
    let two = run_on(&transport, ask(endpoint(&url)), CancellationToken::new()).await;
    assert_eq!(one.state, RunState::Ok);
    assert_eq!(class(&two), (C::Reset, P::Headers));
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn f09_reset_before_the_head() {
    for clean in [false, true] {
        let server = serve(move |mut stream, _| async move {
            read_request(&mut stream).await;
            if clean { drop(stream) } else { reset(stream) }
        })
        .await;
        let run = run(endpoint(&server.url())).await;
        assert_eq!(class(&run), (C::Reset, P::Headers), "clean: {clean}");
        assert!(fault(&run).message.contains("not sent again"));
        assert_eq!(server.accepted(), 1);
        assert!(run.stamps.request_sent.is_some());
    }
}

/// Sends the begin of an answer and, once the client has read it, cuts it.
async fn cut_after_reading(reset_it: bool, sent: &'static [u8]) -> tokenscope::run::Run {
    let (read, is_read) = tokio::sync::watch::channel(false);
    let server = serve(move |mut stream, _| {
        let mut is_read = is_read.clone();
        async move {
            read_request(&mut stream).await;
            send(&mut stream, [STREAM_HEAD.as_bytes(), sent].concat()).await;
            is_read.wait_for(|read| *read).await.unwrap();
            if reset_it {
                reset(stream);
            }
        }
    })
    .await;
    let mut emit = |update| {
        if matches!(update, RunUpdate::Read { .. }) {
            read.send_replace(true);
        }
    };
    let (transport, ask) = (Transport::default(), ask(endpoint(&server.url())));
    execute_in(&TOY, &transport, ask, CancellationToken::new(), &mut emit).await
}

#[tokio::test]
async fn f10_f11_reset_and_end_in_the_middle_of_a_chunk() {
    for reset_it in [true, false] {
        let run = cut_after_reading(reset_it, b"4\r\none\n\r\n9\r\ntw").await;
        assert_eq!(class(&run), (C::Interrupted, P::Stream), "{reset_it}");
        assert!(run.answer.text.starts_with("one"), "text is kept");
        assert_eq!(
            (fault(&run).status, run.state),
            (Some(200), RunState::Fault)
        );
        assert!(run.stamps.first_token.is_some());
    }
}

#[tokio::test]
async fn f10_a_reset_after_the_answers_own_end_is_a_note() {
    for reset_it in [true, false] {
        let run = cut_after_reading(reset_it, b"8\r\none\nEND\n\r\n").await;
        assert_eq!((run.state, run.answer.text.as_str()), (RunState::Ok, "one"));
        assert_eq!(run.answer.notes.len(), 1, "{:?}", run.answer.notes);
    }
}

/// A server that sends `begin` and then `again` for ever, until the client leaves.
struct Endless {
    server: Server,
    /// Gets a word when a request was read.
    asked: mpsc::UnboundedReceiver<()>,
    /// Gets a word when the client's side of the connection has ended.
    left: mpsc::UnboundedReceiver<()>,
}

async fn endless(begin: &'static str, again: &'static str) -> Endless {
    let (has_asked, asked) = mpsc::unbounded_channel();
    let (has_left, left) = mpsc::unbounded_channel();
    let server = serve(move |mut stream, _| {
        let (has_asked, has_left) = (has_asked.clone(), has_left.clone());
        async move {
            read_request(&mut stream).await;
            // Not every test waits for this.
            let _ = has_asked.send(());
            send(&mut stream, begin).await;
            let mut pace = tokio::time::interval(Duration::from_millis(10));
            let mut byte = [0; 1];
            loop {
                tokio::select! {
                    _ = stream.read(&mut byte) => break,
                    _ = pace.tick(), if !again.is_empty() => {
                        if stream.write_all(&chunk(again)).await.is_err() {
                            break;
                        }
                    }
                }
            }
            has_left.send(()).unwrap();
        }
    })
    .await;
    Endless {
        server,
        asked,
        left,
    }
}

fn stream_of(text: &str) -> &'static str {
    let chunk = String::from_utf8(chunk(text)).unwrap();
    format!("{STREAM_HEAD}{chunk}").leak()
}

/// Each way of falling silent, and the limit that ends it. The server must see the client leave.
#[tokio::test]
async fn f12_to_f15_silence_meets_the_right_limit() {
    for (name, begin, again, timeouts, expected) in [
        ("no head", "", "", limits(0, 100, 0, 0), P::Headers),
        ("no head, total", "", "", limits(0, 0, 0, 100), P::Headers),
        (
            "head only",
            STREAM_HEAD,
            "",
            limits(0, 100, 0, 0),
            P::FirstToken,
        ),
        (
            "pings only",
            STREAM_HEAD,
            ":\n",
            limits(0, 150, 50, 0),
            P::FirstToken,
        ),
        (
            "half-open",
            stream_of("a\n"),
            "",
            limits(0, 60_000, 100, 0),
            P::Stream,
        ),
        (
            "pings after a token",
            stream_of("a\n"),
            ":\n",
            limits(0, 60_000, 150, 0),
            P::Stream,
        ),
        (
            "no limit but total",
            stream_of("a\n"),
            ":\n",
            limits(0, 0, 0, 150),
            P::Stream,
        ),
        (
            "endless drip",
            stream_of("a\n"),
            "b\n",
            limits(0, 60_000, 5_000, 200),
            P::Stream,
        ),
    ] {
        let Endless {
            server, mut left, ..
        } = endless(begin, again).await;
        let run = run(limited(&server.url(), timeouts)).await;
        assert_eq!(class(&run), (C::Timeout, expected), "{name}");
        assert!(
            fault(&run).message.contains(" limit)"),
            "{name}: {:?}",
            fault(&run)
        );
        let text = run.answer.text.as_str();
        assert_eq!(
            text.starts_with('a'),
            expected == P::Stream,
            "{name}: {text}"
        );
        soon("a message of the server", left.recv())
            .await
            .expect(name);
    }
}

#[tokio::test]
async fn what_was_half_read_is_kept_when_time_runs_out() {
    let Endless { server, .. } = endless(stream_of("a\nhal"), "").await;
    let run = run(limited(&server.url(), limits(0, 0, 50, 0))).await;
    assert_eq!(class(&run), (C::Timeout, P::Stream));
    assert_eq!(run.answer.text, "ahal");
}

#[tokio::test]
async fn an_address_that_is_none_is_said_to_be_none() {
    let run = run(endpoint("ftp://127.0.0.1:1/")).await;
    assert_eq!(class(&run), (C::BadRequest, P::Prepare));
}

#[tokio::test]
async fn a_connection_that_stays_open_after_the_end_is_a_note() {
    let Endless {
        server, mut left, ..
    } = endless(stream_of("a\nEND\n"), "").await;
    let run = run(endpoint(&server.url())).await;
    assert_eq!((run.state, run.answer.notes.len()), (RunState::Ok, 1));
    soon("a message of the server", left.recv()).await.unwrap();
}

#[tokio::test]
async fn f21_a_fault_inside_the_stream_keeps_the_text() {
    let server = serve(|mut stream, _| async move {
        read_request(&mut stream).await;
        send(&mut stream, whole("200 OK", "", "a\n!overheated\n")).await;
    })
    .await;
    let run = run(endpoint(&server.url())).await;
    assert_eq!(fault(&run).class, C::Provider);
    assert_eq!(
        (fault(&run).message.as_str(), run.answer.text.as_str()),
        ("overheated", "a")
    );
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn run_gzipped(body: Vec<u8>, coding: &'static str) -> tokenscope::run::Run {
    let body: &'static [u8] = body.leak();
    let server = serve(move |mut stream, _| async move {
        let (head, _) = read_request(&mut stream).await.unwrap();
        assert_eq!(header(&head, "accept-encoding"), Some("identity"));
        let length = body.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {length}\r\n\r\n"
        );
        send(&mut stream, head).await;
        // A client that has seen enough leaves in the middle.
        let _ = stream.write_all(body).await;
        gone(&mut stream).await;
    })
    .await;
    run(endpoint(&server.url())).await
}

#[tokio::test]
async fn f26_gzip_works_and_is_flagged() {
    let run = run_gzipped(gzipped(b"one\ntwo\nEND\n"), "gzip").await;
    assert_eq!(
        (run.state, run.answer.text.as_str()),
        (RunState::Ok, "onetwo")
    );
    assert!(run.answer.notes[0].0.text.contains("gzip"));
}

#[tokio::test]
async fn f27_a_gzip_bomb_is_stopped() {
    let run = run_gzipped(gzipped(&vec![0; 32 << 20]), "gzip").await;
    assert_eq!(class(&run), (C::Protocol, P::FirstToken));
    let read: u64 = run.reads.iter().map(|read| u64::from(read.bytes)).sum();
    assert!(read <= 16 << 20, "{read}");
}

#[tokio::test]
async fn an_unasked_coding_is_a_protocol_fault() {
    let run = run_gzipped(b"\x04\x22\x4d\x18\x64\x40\xa7\x05".to_vec(), "lz4").await;
    assert_eq!(class(&run), (C::Protocol, P::FirstToken));
    assert!(fault(&run).message.contains("lz4"));
}

#[tokio::test]
async fn f30_to_f34_statuses_reach_the_dialect_once() {
    for (status, extra, expected, wait) in [
        ("401 Unauthorized", "", C::Auth, None),
        ("403 Forbidden", "", C::Auth, None),
        ("404 Not Found", "", C::NotFound, None),
        ("408 Request Timeout", "", C::BadRequest, None),
        (
            "429 Too Many Requests",
            "retry-after: 7\r\n",
            C::RateLimited,
            Some(7_000),
        ),
        (
            "429 Too Many Requests",
            "retry-after-ms: 9\r\n",
            C::RateLimited,
            Some(9),
        ),
        (
            "429 Too Many Requests",
            "retry-after: -1\r\n",
            C::RateLimited,
            None,
        ),
        (
            "429 Too Many Requests",
            "retry-after: 864000\r\n",
            C::RateLimited,
            Some(86_400_000),
        ),
        ("500 Internal Server Error", "", C::Provider, None),
        ("503 Service Unavailable", "", C::Overloaded, None),
        ("529 Overloaded", "", C::Overloaded, None),
    ] {
        let server = serve(move |mut stream, _| async move {
            read_request(&mut stream).await;
            send(&mut stream, whole(status, extra, "the provider's words")).await;
            gone(&mut stream).await;
        })
        .await;
        let run = run(endpoint(&server.url())).await;
        let fault = fault(&run);
        assert_eq!(
            (fault.class, fault.retry_after_ms),
            (expected, wait),
            "{status}"
        );
        assert_eq!(fault.message, "the provider's words");
        assert_eq!(
            (fault.status, run.status),
            (status[..3].parse().ok(), fault.status)
        );
        assert_eq!(server.accepted(), 1, "nothing is sent twice");
    }
}

#[tokio::test]
async fn f35_a_redirect_is_named_and_not_followed() {
    let other = serve(|stream, _| answer_all(stream)).await;
    for status in [
        "301 Moved",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location: &str = format!("location: {}login?token=secret\r\n", other.url()).leak();
        let server = serve(move |mut stream, _| async move {
            read_request(&mut stream).await;
            send(&mut stream, whole(status, location, "")).await;
        })
        .await;
        let mut endpoint = endpoint(&server.url());
        endpoint.auth = Auth::Header("x-api-key".into());
        let run = run(endpoint).await;
        assert_eq!(class(&run), (C::Protocol, P::Headers), "{status}");
        let message = &fault(&run).message;
        assert!(message.contains(&other.addr.to_string()), "{message}");
        assert!(!message.contains("secret"), "{message}");
        assert_eq!(fault(&run).status, status[..3].parse().ok());
    }
    assert_eq!(other.accepted(), 0);
}

/// Cancels at each stage; the server must see the connection end each time.
#[tokio::test]
async fn f48_cancel_closes_the_socket() {
    for (begin, phase) in [
        ("", P::Headers),
        (STREAM_HEAD, P::FirstToken),
        (stream_of("a\n"), P::Stream),
    ] {
        let Endless {
            server,
            mut asked,
            mut left,
        } = endless(begin, "").await;
        let cancel = CancellationToken::new();
        let mut emit = |update: RunUpdate| match update {
            RunUpdate::Head { .. } if phase == P::FirstToken => cancel.cancel(),
            RunUpdate::Read { .. } if phase == P::Stream => cancel.cancel(),
            _ => {}
        };
        let (transport, ask) = (Transport::default(), ask(endpoint(&server.url())));
        let going = execute_in(&TOY, &transport, ask, cancel.clone(), &mut emit);
        let stop = async {
            soon("a message of the server", asked.recv()).await.unwrap();
            if phase == P::Headers {
                cancel.cancel();
            }
        };
        let (run, ()) = tokio::join!(going, stop);
        assert_eq!(class(&run), (C::Cancelled, phase));
        assert_eq!(run.answer.text, if phase == P::Stream { "a" } else { "" });
        assert!(run.is_cancelled());
        soon("a message of the server", left.recv())
            .await
            .expect("the socket should be closed");
    }
}

#[tokio::test]
async fn f48_cancel_while_connecting() {
    let (hello, mut has_hello) = mpsc::unbounded_channel();
    let (left, mut has_left) = mpsc::unbounded_channel();
    let server = serve(move |mut stream, _| {
        let (hello, left) = (hello.clone(), left.clone());
        async move {
            stream.read_u8().await.unwrap();
            hello.send(()).unwrap();
            gone(&mut stream).await;
            left.send(()).unwrap();
        }
    })
    .await;
    let cancel = CancellationToken::new();
    let transport = Transport::default();
    let ask = ask(endpoint(&server.named_url("https")));
    let going = run_on(&transport, ask, cancel.clone());
    let stop = async {
        soon("a message of the server", has_hello.recv())
            .await
            .unwrap();
        cancel.cancel();
    };
    let (run, ()) = tokio::join!(going, stop);
    assert_eq!(class(&run), (C::Cancelled, P::Tls));
    soon("a message of the server", has_left.recv())
        .await
        .expect("the socket should be closed");
}

#[tokio::test]
async fn a_http2_only_endpoint_refuses_a_server_without_it() {
    let authority = Authority::new();
    let acceptor = authority.acceptor(&["localhost"], &[b"http/1.1"]);
    let server = serve_tls(acceptor, |_, _| async {}).await;
    let mut endpoint = endpoint(&server.named_url("https"));
    endpoint.connect.ca_file = Some(authority.file());
    endpoint.connect.http = HttpVersion::Http2;
    let run = run(endpoint).await;
    assert_eq!(class(&run), (C::Tls, P::Tls));
    assert!(fault(&run).message.contains("HTTP version"));
}

#[tokio::test]
async fn what_can_not_be_sent_is_said_before_anything_is() {
    let server = serve(|stream, _| answer_all(stream)).await;
    let mut missing = endpoint(&server.url());
    missing
        .headers
        .insert("x-team".into(), "${TOKENSCOPE_NO_SUCH_VARIABLE}".into());
    let run1 = run(missing).await;
    assert_eq!(class(&run1), (C::Auth, P::Prepare));
    assert!(fault(&run1).message.contains("TOKENSCOPE_NO_SUCH_VARIABLE"));
    let mut ask = ask(endpoint(&server.url()));
    ask.key = Some(format!("{CANARY}\n{CANARY}").into());
    let run2 = run_on(&Transport::default(), ask, CancellationToken::new()).await;
    assert_eq!(class(&run2), (C::Auth, P::Prepare));
    assert_eq!(server.accepted(), 0);
}
