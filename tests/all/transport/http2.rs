//! HTTP/2: negotiated or known, several streams on one connection, further connections where one is full.

use super::*;

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
