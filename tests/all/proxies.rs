//! Proxies, with and without passwords, that work and that fail.

use tokenscope::{
    event::{FaultClass as C, Phase as P},
    run::{ConnectionKind, RunState},
    transport::Transport,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    deadline::soon,
    fault_server::{
        Authority, answer_all, closed_port, gone, http_proxy, read_head, send, serve, socks_proxy,
        whole,
    },
    toy::{ask, class, endpoint, fault, run, run_on},
    transport::tls_server,
};

#[tokio::test]
async fn an_http_proxy_with_password_forwards_and_tunnels() {
    let proxy = http_proxy("me:p@ss word").await;
    let authority = Authority::new();
    let plain = serve(|stream, _| answer_all(stream)).await;
    let tls = tls_server(&authority).await;
    for (url, has_tls) in [(plain.url(), false), (tls.named_url("https"), true)] {
        for in_url in [false, true] {
            let mut endpoint = endpoint(&url);
            endpoint.connect.ca_file = Some(authority.file());
            let user = if in_url { "me:p%40ss%20word" } else { "me" };
            endpoint.connect.proxy = Some(format!("http://{user}@{}", proxy.addr));
            let mut ask = ask(endpoint);
            ask.proxy_password = (!in_url).then(|| "p@ss word".into());
            let run = run_on(&Transport::default(), ask, CancellationToken::new()).await;
            assert_eq!(run.state, RunState::Ok, "{url}: {:?}", run.answer.fault);
            assert_eq!(run.connection, Some(ConnectionKind::Cold));
            assert_eq!(run.stamps.tls.is_some(), has_tls);
            assert!(run.stamps.tcp.is_some());
        }
    }
    assert_eq!(proxy.accepted(), 4);
}

#[tokio::test]
async fn a_socks_proxy_with_password_resolves_where_its_scheme_says() {
    let (asked, mut kinds) = mpsc::unbounded_channel();
    let proxy = socks_proxy("me", "pass", asked).await;
    let authority = Authority::new();
    let plain = serve(|stream, _| answer_all(stream)).await;
    let tls = tls_server(&authority).await;
    for (url, has_tls) in [
        (plain.named_url("http"), false),
        (tls.named_url("https"), true),
    ] {
        for (scheme, by_name) in [("socks5", false), ("socks5h", true)] {
            let mut endpoint = endpoint(&url);
            endpoint.connect.ca_file = Some(authority.file());
            endpoint.connect.proxy = Some(format!("{scheme}://me@{}", proxy.addr));
            let mut ask = ask(endpoint);
            ask.proxy_password = Some("pass".into());
            let run = run_on(&Transport::default(), ask, CancellationToken::new()).await;
            assert_eq!(run.state, RunState::Ok, "{url}: {:?}", run.answer.fault);
            assert_eq!(run.stamps.tls.is_some(), has_tls);
            assert_eq!(
                run.stamps.dns.is_some(),
                !by_name,
                "DNS is done here or there"
            );
            assert_eq!(soon("a request", kinds.recv()).await.unwrap() == 3, by_name);
        }
    }
}

#[tokio::test]
async fn another_proxy_password_is_another_client() {
    let proxy = http_proxy("me:right").await;
    let server = serve(|stream, _| answer_all(stream)).await;
    let transport = Transport::default();
    for (password, state) in [
        ("right", RunState::Ok),
        ("wrong", RunState::Fault),
        ("right", RunState::Ok),
    ] {
        let mut endpoint = endpoint(&server.named_url("http"));
        endpoint.connect.proxy = Some(format!("http://me@{}", proxy.addr));
        let mut ask = ask(endpoint);
        ask.proxy_password = Some(password.into());
        let run = run_on(&transport, ask, CancellationToken::new()).await;
        assert_eq!(run.state, state, "{password}: {:?}", run.answer.fault);
    }
}

#[tokio::test]
async fn f07_proxy_wants_a_password() {
    let proxy = http_proxy("me:right").await;
    let server = serve(|stream, _| answer_all(stream)).await;
    for scheme in ["http", "https"] {
        let mut endpoint = endpoint(&server.named_url(scheme));
        endpoint.connect.proxy = Some(format!("http://me@{}", proxy.addr));
        let mut ask = ask(endpoint);
        ask.proxy_password = Some("hunter2".into());
        let run = run_on(&Transport::default(), ask, CancellationToken::new()).await;
        assert_eq!(fault(&run).class, C::Proxy, "{scheme}");
        assert!(fault(&run).message.contains("407"), "{scheme}");
        assert!(!format!("{run:?}").contains("hunter2"));
    }
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn f07_proxy_unreachable() {
    let addr = closed_port().await;
    for proxy in ["http", "socks5h"] {
        for scheme in ["http", "https"] {
            let mut endpoint = endpoint(&format!("{scheme}://api.example/"));
            endpoint.connect.proxy = Some(format!("{proxy}://me:hunter2@{addr}"));
            let run = run(endpoint).await;
            assert_eq!(class(&run), (C::Proxy, P::Connect), "{proxy} {scheme}");
            let message = &fault(&run).message;
            assert!(message.contains(&addr.to_string()), "{message}");
            assert!(message.contains("is the proxy running?"), "{message}");
            assert!(!format!("{run:?}").contains("hunter2"));
        }
    }
}

#[tokio::test]
async fn f07_proxy_without_address() {
    let mut endpoint = endpoint("https://api.example/");
    endpoint.connect.proxy = Some("http://no-such-proxy.invalid:3128".into());
    let run = run(endpoint).await;
    assert_eq!(class(&run), (C::Proxy, P::Dns));
}

#[tokio::test]
async fn f07_proxy_refuses_connect() {
    let proxy = serve(|mut stream, _| async move {
        read_head(&mut stream).await;
        send(&mut stream, whole("403 Forbidden", "", "")).await;
        gone(&mut stream).await;
    })
    .await;
    let mut endpoint = endpoint("https://api.example/");
    endpoint.connect.proxy = Some(proxy.url());
    let run = run(endpoint).await;
    assert_eq!(class(&run), (C::Proxy, P::Connect));
    let message = &fault(&run).message;
    assert!(
        message.contains("refused to connect to api.example:443"),
        "{message}"
    );
}

#[tokio::test]
async fn f07_socks_password_is_refused() {
    let (asked, _) = mpsc::unbounded_channel();
    let proxy = socks_proxy("me", "right", asked).await;
    let mut endpoint = endpoint("http://api.example/");
    endpoint.connect.proxy = Some(format!("socks5h://me:wrong@{}", proxy.addr));
    let run = run(endpoint).await;
    assert_eq!(class(&run), (C::Proxy, P::Connect));
    assert!(fault(&run).message.contains("SOCKS"));
    assert!(!format!("{run:?}").contains("wrong"));
}
