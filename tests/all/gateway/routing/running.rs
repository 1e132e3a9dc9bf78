//! A gateway while it runs: clients that leave, routes that change, connections, its end.

use std::time::Duration;

use serde_json::{Value, json};
use tokenscope::{
    endpoint::Endpoint,
    gateway::{self, Gateway, GatewayConfig, LocalKeys, LocalToken, RouteTable},
    settings::gateway::RouteSettings,
};
use tokio::{io::AsyncReadExt as _, net::TcpStream, sync::mpsc::unbounded_channel};

use super::{
    super::{
        TOKEN, options,
        upstream::{Upstream, chat_stream},
    },
    CHAT, asked, before, chat, good,
};
use crate::{
    deadline::soon,
    fault_server::{STREAM_HEAD, chunk, gone, read_request, send, serve, whole},
    simulator::client::reqwest_client,
};

/// A client that leaves.
async fn leave(gateway: &Gateway, reads: bool) {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let body = json!({ "model": "m", "stream": true }).to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    send(&mut stream, head + &body).await;
    if reads {
        assert_ne!(stream.read_u8().await.unwrap(), 0);
    } else {
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_stops_its_target() {
    for reads in [false, true] {
        let (asked, mut asks) = unbounded_channel();
        let endless = Upstream::start(move |mut stream, _| {
            let asked = asked.clone();
            async move {
                if reads {
                    send(&mut stream, STREAM_HEAD).await;
                    send(&mut stream, chunk("data: x\n\n")).await;
                }
                gone(&mut stream).await;
                asked.send(()).unwrap();
            }
        })
        .await;
        let gateway = before(&[&endless], RouteSettings::default()).await;
        leave(&gateway, reads).await;
        soon("the target's socket to be closed", asks.recv())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn routes_change_without_dropping_a_stream() {
    let (first, second) = (
        Upstream::start(|mut stream, _| async move {
            send(&mut stream, STREAM_HEAD).await;
            send(&mut stream, chunk("data: one\n\n")).await;
            // The rest comes once the other side has seen the routes change.
            tokio::time::sleep(Duration::from_millis(100)).await;
            send(&mut stream, [chunk("data: two\n\n"), chunk("")].concat()).await;
        })
        .await,
        good().await,
    );
    let gateway = before(&[&first], RouteSettings::default()).await;
    let mut response = chat(&gateway).send().await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "data: one\n\n");
    let route: RouteSettings = "m=b/own".parse().unwrap();
    gateway.reload(GatewayConfig {
        routes: RouteTable::new(vec![route], vec![second.endpoint("b", CHAT)]),
        keys: LocalKeys::new(LocalToken::of(&TOKEN.into()), &[]),
        ..GatewayConfig::default()
    });
    assert_eq!(asked(&gateway).await, (200, chat_stream("from the second")));
    assert_eq!(response.text().await.unwrap(), "data: two\n\n");
    // Its requests are over before it ends.
    soon("the gateway's end", gateway.drain()).await;
}

#[tokio::test]
async fn a_gateway_that_ends_waits_for_its_requests() {
    let slow = Upstream::start(|mut stream, _| async move {
        send(&mut stream, STREAM_HEAD).await;
        send(&mut stream, chunk("data: one\n\n")).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        send(&mut stream, [chunk("data: two\n\n"), chunk("")].concat()).await;
    })
    .await;
    let gateway = before(&[&slow], RouteSettings::default()).await;
    let address = gateway.address;
    let mut response = chat(&gateway).send().await.unwrap();
    response.chunk().await.unwrap();
    let (ended, rest) = tokio::join!(gateway.drain(), response.text());
    assert_eq!(((), rest.unwrap().as_str()), (ended, "data: two\n\n"));
    TcpStream::connect(address)
        .await
        .expect_err("nobody listens any more");
}

#[tokio::test]
async fn it_says_whether_it_is_ready_and_keeps_its_metrics_from_strangers() {
    let upstream = good().await;
    let gateway = before(&[&upstream], RouteSettings::default()).await;
    let get = |path: &str, token: Option<&str>| {
        let client = reqwest_client().build().unwrap();
        let mut request = client.get(format!("http://{}{path}", gateway.address));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        }
    };
    let (status, ready) = get("/readyz", None).await;
    assert_eq!(
        (status, serde_json::from_str::<Value>(&ready).unwrap()),
        (200, json!({ "status": "ready" }))
    );
    assert_eq!(get("/metrics", None).await.0, 401);
    asked(&gateway).await;
    let (status, metrics) = get("/metrics", Some(TOKEN)).await;
    assert_eq!(status, 200);
    let labels = "{route=\"m\",target=\"a/own\",outcome=\"ok\"} 1";
    assert!(
        metrics.contains(&format!("tokenscope_requests_total{labels}")),
        "{metrics}"
    );
}

#[tokio::test]
async fn connections_to_the_targets_of_routes_are_open_before_the_first_request() {
    let (tell, mut told) = unbounded_channel();
    let server = serve(move |mut stream, number| {
        let tell = tell.clone();
        async move {
            tell.send(number).unwrap();
            while read_request(&mut stream).await.is_some() {
                let text = chat_stream("warm");
                let head = "content-type: text/event-stream\r\n";
                send(&mut stream, whole("200 OK", head, &text)).await;
            }
        }
    })
    .await;
    let url = format!("http://{}/v1", server.addr).parse().unwrap();
    let endpoint = Endpoint::custom("a", url, CHAT);
    let mut options = options(vec!["m=a/own".parse().unwrap()], vec![endpoint]);
    options.threads = 1;
    let gateway = gateway::serve(options).await.unwrap();
    assert_eq!(soon("a connection ahead", told.recv()).await, Some(0));
    assert_eq!(asked(&gateway).await, (200, chat_stream("warm")));
    assert_eq!(server.accepted(), 1, "it goes over that one");
}
