//! Faults before a request is out: names, ports, certificates, connections that have died.

use super::*;

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
async fn an_address_that_is_none_is_said_to_be_none() {
    let run = run(endpoint("ftp://127.0.0.1:1/")).await;
    assert_eq!(class(&run), (C::BadRequest, P::Prepare));
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
