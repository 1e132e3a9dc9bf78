//! What goes wrong around the gateway: clients and targets that break off, stall or flood, a history that is held.

use std::{
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use serde_json::json;
use tokenscope::{
    dialect::DialectId,
    gateway::{self, Gateway, GatewayConfig, LocalKeys, LocalToken, RouteTable},
    history::History,
    settings::gateway::RouteSettings,
    transport::allow_many_sockets,
};
use tokio::{io::AsyncReadExt as _, net::TcpStream};

use super::{
    TOKEN, chat, options,
    passing::to,
    upstream::{Upstream, chat_stream, ok},
};
use crate::{
    deadline::{Deadline, soon},
    fault_server::{STREAM_HEAD, chunk, reset, send},
    simulator::client::reqwest_client,
};

const CHAT: DialectId = DialectId::OpenaiChat;

fn ask(client: &reqwest::Client, gateway: &Gateway, model: &str) -> reqwest::RequestBuilder {
    chat(client, gateway, &json!({ "model": model, "stream": true }))
}

fn idle(gateway: &Gateway) {
    Deadline::of("no request to be under way").until(|| match gateway.in_flight() {
        0 => Ok(()),
        more => Err(more),
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_targets_that_break_off_are_a_thousand_broken_answers() {
    let upstream = Upstream::start(|mut stream, number| async move {
        let first = [STREAM_HEAD.as_bytes(), &chunk("data: one\n\n")].concat();
        send(&mut stream, first).await;
        match number % 3 {
            0 => reset(stream),
            1 => send(&mut stream, "5\r\nab").await,
            _ => drop(stream),
        }
    })
    .await;
    let gateway = to(&upstream, CHAT).await;
    let client = reqwest_client().build().unwrap();
    let (gateway_ref, client_ref) = (&gateway, &client);
    let broken = futures_util::stream::iter(0..1_000).map(|_| async move {
        let response = ask(client_ref, gateway_ref, "public").send().await.unwrap();
        response.text().await.is_err()
    });
    let broken: Vec<bool> = soon("all answers", broken.buffer_unordered(50).collect()).await;
    assert_eq!(broken.iter().filter(|broken| **broken).count(), 1_000);
    idle(&gateway);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routes_are_read_again_under_load() {
    let upstream = Upstream::saying(ok("text/event-stream", "", &chat_stream("whole"))).await;
    let gateway = to(&upstream, CHAT).await;
    let client = reqwest_client().build().unwrap();
    let config = || GatewayConfig {
        routes: RouteTable::new(
            vec!["public=up/own".parse().unwrap()],
            vec![upstream.endpoint("up", CHAT)],
        ),
        keys: LocalKeys::new(LocalToken::of(&TOKEN.into()), &[]),
        ..GatewayConfig::default()
    };
    let asks = futures_util::stream::iter(0..500).map(|number| {
        let (client, gateway, config) = (&client, &gateway, &config);
        async move {
            if number % 5 == 0 {
                gateway.reload(config());
            }
            let response = ask(client, gateway, "public").send().await.unwrap();
            response.text().await.unwrap() == chat_stream("whole")
        }
    });
    let whole: Vec<bool> = soon("all answers", asks.buffer_unordered(20).collect()).await;
    assert!(whole.into_iter().all(|whole| whole));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_idle_sockets_leave_room_for_a_request() {
    let upstream = Upstream::saying(ok("text/event-stream", "", &chat_stream("served"))).await;
    let gateway = to(&upstream, CHAT).await;
    allow_many_sockets();
    let mut idle = Vec::new();
    for _ in 0..5_000 {
        match TcpStream::connect(gateway.address).await {
            Ok(stream) => idle.push(stream),
            // The machine allows no more.
            Err(error) if error.kind() != ErrorKind::ConnectionRefused && idle.len() > 400 => break,
            Err(error) => panic!("{error}"),
        }
    }
    // Two of them for the request itself.
    drop(idle.drain(..4));
    let client = reqwest_client().build().unwrap();
    let response = soon("an answer", ask(&client, &gateway, "public").send())
        .await
        .unwrap();
    assert_eq!(response.text().await.unwrap(), chat_stream("served"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_slowly_pauses_its_target() {
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let upstream = Upstream::start(move |mut stream, _| {
        let sent = Arc::clone(&counted);
        async move {
            send(&mut stream, STREAM_HEAD).await;
            let piece = chunk(format!("data: {}\n\n", "x".repeat(64 << 10)));
            loop {
                use tokio::io::AsyncWriteExt as _;
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
                sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
            }
        }
    })
    .await;
    let gateway = to(&upstream, CHAT).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let body = json!({ "model": "public", "stream": true }).to_string();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    send(&mut stream, head + &body).await;
    stream.read_u8().await.unwrap();
    // It reads no more: once nothing was sent for a while, the target waits.
    let mut before = 0;
    let waits = Deadline::of("the target to wait");
    waits.until(|| {
        std::thread::sleep(Duration::from_millis(300));
        let now = sent.load(Ordering::SeqCst);
        if now > 0 && now == std::mem::replace(&mut before, now) {
            Ok(())
        } else {
            Err(now)
        }
    });
    let mib = sent.load(Ordering::SeqCst) >> 20;
    assert!(mib < 64, "{mib} MiB are held on the way");
    drop(stream);
    idle(&gateway);
}

#[tokio::test]
async fn requests_go_on_while_the_history_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path());
    history.storage().await;
    let holder = rusqlite::Connection::open(folder.path().join("history.db")).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let upstream = Upstream::saying(ok("text/event-stream", "", &chat_stream("at once"))).await;
    let route: RouteSettings = "public=up/own".parse().unwrap();
    let mut options = options(vec![route], vec![upstream.endpoint("up", CHAT)]);
    options.history = Some(history.clone());
    let gateway = gateway::serve(options).await.unwrap();
    let client = reqwest_client().build().unwrap();
    for _ in 0..20 {
        let response = ask(&client, &gateway, "public").send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), chat_stream("at once"));
    }
    soon("the gateway's end", gateway.drain()).await;
    holder.execute_batch("ROLLBACK").unwrap();
    soon("the history's end", history.end()).await.unwrap();
    let kept: i64 = holder
        .query_row("SELECT count(*) FROM run", [], |row| row.get(0))
        .unwrap();
    assert_eq!(kept, 20, "all are kept once it is free");
}

#[tokio::test]
async fn a_panic_ends_one_request_and_no_other() {
    fn log(line: &str) {
        assert!(!line.contains("panic-please"), "as asked");
    }
    let upstream = Upstream::saying(ok("text/event-stream", "", &chat_stream("fine"))).await;
    let mut options = options(Vec::new(), vec![upstream.endpoint("up", CHAT)]);
    options.log = Some(log);
    options.threads = 1;
    let gateway = gateway::serve(options).await.unwrap();
    let client = reqwest_client().build().unwrap();
    for _ in 0..3 {
        // It has no route, and the line that says so panics.
        let failed = ask(&client, &gateway, "panic-please").send().await;
        assert!(failed.is_err(), "its connection ends");
        let response = ask(&client, &gateway, "up/own").send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), chat_stream("fine"));
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_is_read() {
    let upstream = Upstream::saying(ok("text/event-stream", "", "")).await;
    let gateway = to(&upstream, CHAT).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {TOKEN}\r\n\
         content-length: {}\r\n\r\n",
        100 << 20
    );
    send(&mut stream, head).await;
    let piece = vec![b'x'; 1 << 20];
    let mut answer = [0; 12];
    let refused = async {
        loop {
            tokio::select! {
                biased;
                read = stream.read_exact(&mut answer) => return read.is_ok(),
                () = tokio::time::sleep(Duration::ZERO) => {}
            }
            send_some(&stream, &piece).await;
        }
    };
    assert!(soon("a refusal", refused).await);
    assert_eq!(&answer, b"HTTP/1.1 413");
    assert!(upstream.came().is_empty());
}

/// Sends what the socket takes now.
async fn send_some(stream: &TcpStream, piece: &[u8]) {
    if stream.writable().await.is_ok() {
        let _ = stream.try_write(piece);
    }
}
