//! Which connection a call goes over: shared, cold where asked, opened ahead, never one that is no use any more.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokenscope::exchange;

use super::*;

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

/// A connection that the server closed while it was idle costs a new one and no fault: not a byte of the request had
/// been sent.
#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_a_new_one() {
    let (closed, mut is_closed) = mpsc::unbounded_channel();
    let server = serve(move |mut stream, number| {
        let closed = closed.clone();
        async move {
            if number > 0 {
                return answer_all(stream).await;
            }
            read_request(&mut stream).await;
            send(&mut stream, whole("200 OK", "", "a\nEND\n")).await;
            drop(stream);
            closed.send(()).unwrap();
        }
    })
    .await;
    let transport = Transport::default();
    for _ in 0..2 {
        let ask = ask(endpoint(&server.url()));
        let run = run_on(&transport, ask, CancellationToken::new()).await;
        assert_eq!(run.state, RunState::Ok, "{:?}", run.answer.fault);
        if server.accepted() == 1 {
            soon("a message of the server", is_closed.recv())
                .await
                .unwrap();
        }
    }
    assert_eq!(server.accepted(), 2);
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

/// The network may drop a connection without a word: nothing more comes over it, and nothing says so.
#[tokio::test]
async fn a_connection_over_which_nothing_came_in_time_is_not_used_again() {
    let server = serve(|stream, connection| async move {
        let asked = Arc::new(AtomicUsize::new(0));
        let service = service_fn(move |_: http::Request<Incoming>| {
            let is_first = asked.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                if connection == 0 && !is_first {
                    std::future::pending::<()>().await;
                }
                Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("{}"))))
            }
        });
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    })
    .await;
    let mut options = http2();
    options.timeouts.first_token_ms = 1_200;
    let transport = Transport::default();
    let mut asked = Vec::new();
    for _ in 0..3 {
        let call = call(&server.url(), options.clone());
        let answered = soon("an answer", exchange::whole(&transport, call)).await;
        asked.push(
            answered
                .map(|(status, ..)| status)
                .map_err(|fault| fault.class),
        );
    }
    assert_eq!(asked, [Ok(200), Err(FaultClass::Timeout), Ok(200)]);
    assert_eq!(server.accepted(), 2);
}
