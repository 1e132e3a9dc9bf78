//! What a run knows of its connection: the addresses that were tried, the TLS session, when the request was
//! acknowledged, and how the connection was lost.

use tokenscope::{
    run::{Link, Run},
    transport::{ConnectionLoss, TlsVersion, TryOutcome},
};

use super::*;
use crate::{
    fault_server::{STREAM_HEAD, chunk, closed_port, reset},
    toy,
};

fn link(run: &Run) -> &Link {
    run.stamps.link.as_ref().expect("a connection")
}

fn outcomes(link: &Link) -> Vec<TryOutcome> {
    link.tries.iter().map(|one| one.outcome).collect()
}

#[tokio::test]
async fn the_run_that_opens_a_connection_names_the_addresses_it_tried_and_a_later_one_the_address()
{
    let server = serve(|stream, _| answer_all(stream)).await;
    let transport = Transport::default();
    let ask = || ask(endpoint(&server.named_url("http")));
    let cold = run_on(&transport, ask(), CancellationToken::new()).await;
    let warm = run_on(&transport, ask(), CancellationToken::new()).await;
    // A machine may name itself by an IPv6 address, too, where nobody listens.
    let tries = outcomes(link(&cold));
    let (last, before) = tries.split_last().unwrap();
    assert_eq!(*last, TryOutcome::Connected);
    assert!(before.iter().all(|one| *one == TryOutcome::Refused));
    let tcp = cold.stamps.tcp.unwrap();
    for one in &link(&cold).tries {
        assert!(tcp.begin <= one.begin && one.begin <= one.end.unwrap());
        assert!(one.end.unwrap() <= tcp.end);
    }
    for run in [&cold, &warm] {
        assert_eq!(link(run).address, Some(server.addr));
        assert_eq!((link(run).tls, link(run).lost), (None, None));
    }
    assert_eq!(link(&warm).tries, []);
    assert_eq!((link(&cold).id, link(&warm).uses), (link(&warm).id, 2));
}

#[tokio::test]
async fn a_run_that_is_refused_says_by_which_address() {
    let nobody = closed_port().await;
    let run = run(endpoint(&format!("http://{nobody}/"))).await;
    assert_eq!(toy::class(&run), (FaultClass::Connect, Phase::Connect));
    let link = link(&run);
    assert_eq!(outcomes(link), [TryOutcome::Refused]);
    assert_eq!(link.tries[0].address, nobody);
    assert_eq!((link.id, link.address, link.lost), (0, None, None));
}

#[tokio::test]
async fn a_second_handshake_resumes_the_session_of_the_first() {
    let authority = Authority::new();
    for alpn in [&[][..], &[&b"h2"[..]]] {
        let acceptor = authority.acceptor(&["localhost"], alpn);
        let is_http2 = !alpn.is_empty();
        let server = serve_tls(acceptor, move |stream, _| async move {
            if is_http2 {
                serve_http2_runs(stream.unwrap()).await;
            } else {
                answer_all(stream.unwrap()).await;
            }
        })
        .await;
        let mut target = endpoint(&server.named_url("https"));
        target.connect.ca_file = Some(authority.file());
        let transport = Transport::default();
        let mut found = Vec::new();
        for cold in [true, true, false] {
            let mut ask = ask(target.clone());
            ask.cold = cold;
            let run = run_on(&transport, ask, CancellationToken::new()).await;
            assert_eq!(run.state, RunState::Ok, "{run:?}");
            let tls = link(&run).tls.unwrap();
            found.push((tls.version, tls.resumed, run.stamps.tls.is_some()));
        }
        let (first, second) = ((TlsVersion::Tls13, false), (TlsVersion::Tls13, true));
        assert_eq!(found[0], (first.0, first.1, true));
        assert_eq!(found[1], (second.0, second.1, true));
        assert!(!found[2].2, "a reused connection tells of its own session");
    }
}

/// Answers each request over HTTP/2 with a short answer.
async fn serve_http2_runs<S>(stream: S)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request: http::Request<Incoming>| async move {
        let _ = request.into_body().collect().await;
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"a\nEND\n"))))
    });
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Resets are seen in each phase, and a plain end is none.
#[tokio::test]
async fn a_reset_is_kept_with_the_phase_in_which_it_came() {
    let answer = async |stream: &mut tokio::net::TcpStream| {
        read_request(stream).await.unwrap();
        send(stream, STREAM_HEAD).await;
        send(stream, chunk("one\n")).await;
    };
    for (phase, is_reset) in [
        (Phase::Tls, true),
        (Phase::Headers, true),
        (Phase::Stream, true),
        (Phase::Headers, false),
        (Phase::Stream, false),
    ] {
        // The answer is read before the connection is reset: a reset throws away what is not.
        let (seen, is_seen) = mpsc::unbounded_channel::<()>();
        let is_seen = Arc::new(tokio::sync::Mutex::new(is_seen));
        let server = serve(move |mut stream, _| {
            let is_seen = is_seen.clone();
            async move {
                match phase {
                    Phase::Tls => {
                        stream.read_u8().await.unwrap();
                    }
                    Phase::Headers => {
                        read_request(&mut stream).await.unwrap();
                    }
                    _ => {
                        answer(&mut stream).await;
                        is_seen.lock().await.recv().await;
                    }
                }
                if is_reset {
                    reset(stream);
                } else {
                    drop(stream);
                }
            }
        })
        .await;
        let scheme = if phase == Phase::Tls { "https" } else { "http" };
        let ask = ask(endpoint(&server.named_url(scheme)));
        let mut emit = |update: tokenscope::run::RunUpdate| {
            if let tokenscope::run::RunUpdate::Read { read, .. } = update
                && read.tokens > 0
            {
                let _ = seen.send(());
            }
        };
        let transport = Transport::default();
        let run = tokenscope::run::execute_in(
            &toy::TOY,
            &transport,
            ask,
            CancellationToken::new(),
            &mut emit,
        );
        let run = soon("the run's end", run).await;
        assert_eq!(toy::fault(&run).phase, phase, "{run:?}");
        let expected = is_reset.then_some(ConnectionLoss::Reset);
        assert_eq!(
            link(&run).lost,
            expected,
            "{phase:?} {:?}",
            toy::fault(&run)
        );
        assert_eq!(link(&run).id == 0, phase == Phase::Tls);
        assert_eq!(link(&run).address, Some(server.addr));
    }
}

#[cfg(target_os = "linux")]
mod acknowledged {
    use std::time::Duration;

    use socket2::{SockFilter, SockRef};
    use tokio::{net::TcpStream, sync::watch};

    use super::*;

    /// From here on the kernel drops whatever comes for this socket, before TCP sees it.
    fn goes_deaf(stream: &TcpStream) {
        const RETURN: u16 = 0x06;
        let nothing = SockFilter::new(RETURN, 0, 0, 0);
        SockRef::from(stream).attach_filter(&[nothing]).unwrap();
    }

    fn hears_again(stream: &TcpStream) {
        SockRef::from(stream).detach_filter().unwrap();
    }

    /// Nanoseconds between the request and its acknowledgement.
    fn took(run: &Run) -> u64 {
        let at = link(run).acknowledged.expect("an acknowledgement");
        at - run.stamps.request_sent.unwrap()
    }

    /// A server that answers the first request of a connection, and hears nothing of the second one until it is told
    /// to; then it reads and answers it.
    async fn deaf_at_the_second() -> (Server, watch::Sender<bool>) {
        let (hears, may_hear) = watch::channel(false);
        let server = serve(move |mut stream, _| {
            let mut may_hear = may_hear.clone();
            async move {
                for number in 0..2 {
                    if number == 1 {
                        let _ = may_hear.wait_for(|hears| *hears).await;
                        hears_again(&stream);
                    }
                    read_request(&mut stream).await.unwrap();
                    if number == 0 {
                        goes_deaf(&stream);
                    }
                    let answer = whole("200 OK", "content-type: text/plain\r\n", "a\nEND\n");
                    send(&mut stream, answer).await;
                }
                gone(&mut stream).await;
            }
        })
        .await;
        (server, hears)
    }

    #[tokio::test]
    async fn it_is_when_the_far_side_has_the_request_not_when_it_was_sent() {
        let (server, hears) = deaf_at_the_second().await;
        let transport = Transport::default();
        let ask = || ask(endpoint(&server.url()));
        let first = run_on(&transport, ask(), CancellationToken::new()).await;
        assert!(link(&first).acknowledged.unwrap() <= first.stamps.headers.unwrap());
        let deaf_for = Duration::from_millis(700);
        let second = async { run_on(&transport, ask(), CancellationToken::new()).await };
        let listening = async {
            tokio::time::sleep(deaf_for).await;
            hears.send(true).unwrap();
        };
        let (second, ()) = tokio::join!(second, listening);
        assert_eq!(second.state, RunState::Ok, "{second:?}");
        assert_eq!((link(&second).uses, link(&second).lost), (2, None));
        let deaf_for = u64::try_from(deaf_for.as_nanos()).unwrap();
        // The run began a little later than the wait.
        assert!(took(&second) > deaf_for / 2, "{:?}", second.stamps);
        assert!(link(&second).acknowledged.unwrap() <= second.stamps.headers.unwrap());
        assert!(link(&second).tcp().unwrap().retransmits > 0);
    }

    #[tokio::test]
    async fn a_request_that_is_never_acknowledged_was_sent_to_a_half_open_connection() {
        let (server, _hears) = deaf_at_the_second().await;
        let transport = Transport::default();
        let limited = || {
            let mut target = endpoint(&server.url());
            target.connect.timeouts.first_token_ms = 1_500;
            target
        };
        let first = run_on(&transport, ask(limited()), CancellationToken::new()).await;
        assert_eq!((first.state, link(&first).lost), (RunState::Ok, None));
        let second = run_on(&transport, ask(limited()), CancellationToken::new()).await;
        assert_eq!(toy::class(&second), (FaultClass::Timeout, Phase::Headers));
        let link = link(&second);
        assert_eq!((link.uses, link.acknowledged), (2, None));
        assert_eq!(link.lost, Some(ConnectionLoss::HalfOpen));
        assert!(link.end.unwrap().retransmits > 0);
    }

    #[tokio::test]
    async fn a_request_that_is_acknowledged_and_not_answered_is_not_half_open() {
        let server = serve(|mut stream, _| async move {
            read_request(&mut stream).await.unwrap();
            gone(&mut stream).await;
        })
        .await;
        let mut target = endpoint(&server.url());
        target.connect.timeouts.first_token_ms = 300;
        let run = run(target).await;
        assert_eq!(toy::class(&run), (FaultClass::Timeout, Phase::Headers));
        assert!(took(&run) < 300_000_000);
        assert_eq!(link(&run).lost, None);
    }

    /// Over HTTP/1 and HTTP/2, with and without TLS, small and larger than any window.
    #[tokio::test]
    async fn every_request_has_one_however_it_is_sent() {
        let authority = Authority::new();
        for (is_tls, is_http2) in [(false, false), (true, false), (true, true), (false, true)] {
            let serving = async move |stream| {
                if is_http2 {
                    serve_http2_runs(stream).await;
                } else {
                    answer_all(stream).await;
                }
            };
            let alpn: &[&[u8]] = if is_http2 { &[b"h2"] } else { &[] };
            let acceptor = is_tls.then(|| authority.acceptor(&["localhost"], alpn));
            let server = serve(move |stream, _| {
                let acceptor = acceptor.clone();
                async move {
                    match acceptor {
                        Some(tls) => {
                            if is_http2 {
                                serve_http2_runs(tls.accept(stream).await.unwrap()).await;
                            } else {
                                answer_all(tls.accept(stream).await.unwrap()).await;
                            }
                        }
                        None => serving(stream).await,
                    }
                }
            })
            .await;
            let scheme = if is_tls { "https" } else { "http" };
            let mut target = endpoint(&server.named_url(scheme));
            target.connect.ca_file = is_tls.then(|| authority.file());
            if is_http2 {
                target.connect.http = HttpVersion::Http2;
            }
            let transport = Transport::default();
            for size in [10, 100_000, 20_000_000, 10, 20_000_000] {
                let mut ask = ask(target.clone());
                let text = "x".repeat(size);
                ask.head.request = tokenscope::chat::ChatRequest::of_text("model", text).into();
                let run = run_on(&transport, ask, CancellationToken::new()).await;
                let which = format!("TLS {is_tls}, HTTP/2 {is_http2}, {size} bytes");
                assert_eq!(run.state, RunState::Ok, "{which}: {:?}", run.answer.fault);
                let acknowledged = link(&run).acknowledged;
                let acknowledged = acknowledged.unwrap_or_else(|| panic!("{which}"));
                assert!(run.stamps.request_sent.unwrap() <= acknowledged, "{which}");
                let headers = run.stamps.headers.unwrap();
                assert!(acknowledged <= headers, "{which}: {:?}", run.stamps);
            }
            assert_eq!(server.accepted(), 1);
        }
    }
}
