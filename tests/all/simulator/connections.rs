//! Connections of the simulator: many at once, by HTTP/2, and its port.

use serde_json::Value;
use tokenscope::simulator;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    Said,
    client::{chat, request, reqwest_client},
    quick, streamed,
};

#[tokio::test]
async fn http2_without_tls_is_answered_too() {
    let simulator = quick().await;
    let client = reqwest_client().http2_prior_knowledge().build().unwrap();
    let url = format!("{}/chat/completions", simulator.base_url());
    let request = client.post(url).body(streamed("sim-fast").to_string());
    let response = request.send().await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_2);
    assert!(response.text().await.unwrap().ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn a_hundred_streams_at_once_are_each_whole() {
    let simulator = quick().await;
    let bodies: Vec<Value> = (0..100).map(|_| streamed("sim-markdown")).collect();
    let replies = futures_util::future::join_all(bodies.iter().map(|b| chat(&simulator, b))).await;
    let first = Said::of(&replies[0]);
    assert!(first.done && first.tokens > 300);
    for reply in &replies {
        assert_eq!(Said::of(reply), first);
    }
}

/// More clients connect at once than can be read from in one breath: each is answered once it asks.
#[tokio::test]
async fn connections_of_one_burst_are_all_answered() {
    let simulator = quick().await;
    let connect = (0..300).map(|_| TcpStream::connect(simulator.address));
    let mut streams = futures_util::future::try_join_all(connect).await.unwrap();
    for stream in &mut streams {
        let request = b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
    }
    for stream in &mut streams {
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    }
}

#[tokio::test]
async fn a_taken_port_is_an_error_and_dropping_frees_it() {
    let simulator = simulator::start(0).await.unwrap();
    let port = simulator.address.port();
    let taken = simulator::start(port).await.unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
    drop(simulator);
    let again = simulator::start(port).await.unwrap();
    assert_eq!(
        request(&again, "GET", "/healthz", &[], b"").await.status,
        200
    );
}
