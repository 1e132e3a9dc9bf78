//! Which targets are asked, and what is let in.

use std::time::Duration;

use serde_json::{Value, json};
use tokenscope::{
    dialect::DialectId,
    endpoint::Endpoint,
    gateway::{
        self, AuditRecord, Gateway, GatewayConfig, GatewayOptions, LocalKeys, LocalToken,
        RouteTable,
    },
    price::{OwnPrice, PriceTable, Rates, Usd},
    settings::gateway::{HedgeSettings, LocalKeySettings, RouteSettings},
};
use tokio::{io::AsyncReadExt as _, net::TcpStream, sync::mpsc::unbounded_channel};

use super::{
    TOKEN, options,
    upstream::{Upstream, chat_stream, ok},
};
use crate::{
    deadline::soon,
    fault_server::{STREAM_HEAD, chunk, gone, read_request, reset, send, serve, whole},
    simulator::client::reqwest_client,
};

const CHAT: DialectId = DialectId::OpenaiChat;

/// A gateway whose model `m` has these targets in turn.
async fn before(upstreams: &[&Upstream], settings: RouteSettings) -> Gateway {
    gateway::serve(options_of(upstreams, settings))
        .await
        .unwrap()
}

fn options_of(upstreams: &[&Upstream], settings: RouteSettings) -> GatewayOptions {
    let ids = ["a", "b", "c"];
    let endpoints = upstreams
        .iter()
        .zip(ids)
        .map(|(upstream, id)| upstream.endpoint(id, CHAT));
    let targets = ids
        .iter()
        .take(upstreams.len())
        .map(|id| format!("{id}/own").parse().unwrap());
    let settings = RouteSettings {
        name: "m".into(),
        targets: targets.collect(),
        ..settings
    };
    options(vec![settings], endpoints.collect())
}

fn chat(gateway: &Gateway) -> reqwest::RequestBuilder {
    let client = reqwest_client().build().unwrap();
    let question = json!([{ "role": "user", "content": "Hello" }]);
    let body = json!({ "model": "m", "stream": true, "messages": question });
    super::chat(&client, gateway, &body)
}

/// The status and the whole body.
async fn asked(gateway: &Gateway) -> (u16, String) {
    let response = chat(gateway).send().await.unwrap();
    let status = response.status().as_u16();
    (
        status,
        response
            .text()
            .await
            .unwrap_or_else(|_| "broke off".to_owned()),
    )
}

async fn good() -> Upstream {
    Upstream::saying(ok("text/event-stream", "", &chat_stream("from the second"))).await
}

fn stream(body: &str) -> String {
    ok("text/event-stream", "", body)
}

#[tokio::test]
async fn another_target_is_asked_before_the_first_byte_and_never_after() {
    let error = "{\"error\":{\"message\":\"busy\",\"type\":\"server_error\"}}";
    let beginning = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
    for (what, bytes) in [
        ("a busy server", whole("503 Service Unavailable", "", error)),
        ("a rate limit", whole("429 Too Many Requests", "", error)),
        ("a refused key", whole("401 Unauthorized", "", error)),
        ("an unknown model", whole("404 Not Found", "", error)),
        (
            "an error in a stream",
            stream(&format!("data: {error}\n\n")),
        ),
        (
            "an error after a first empty piece",
            stream(&format!("{beginning}data: {error}\n\n")),
        ),
        ("an end before the first token", stream(beginning)),
        ("nothing", String::new()),
    ] {
        let (first, second) = (Upstream::saying(bytes).await, good().await);
        let gateway = before(&[&first, &second], RouteSettings::default()).await;
        let (status, body) = asked(&gateway).await;
        assert_eq!(
            (status, body.as_str()),
            (200, chat_stream("from the second").as_str()),
            "{what}"
        );
        assert_eq!((first.came().len(), second.came().len()), (1, 1), "{what}");
    }
    let (refusing, second) = (
        Upstream::saying(whole("400 Bad Request", "", error)).await,
        good().await,
    );
    let gateway = before(&[&refusing, &second], RouteSettings::default()).await;
    assert_eq!(
        asked(&gateway).await,
        (400, error.to_owned()),
        "the request itself is wrong"
    );
    assert!(second.came().is_empty());

    let token = chat_stream("a").split_once("\n\n").unwrap().0.to_owned() + "\n\n";
    let cut = Upstream::start(move |mut stream, _| {
        let first = [
            STREAM_HEAD
                .replace("text/plain", "text/event-stream")
                .as_bytes(),
            &chunk(&token),
        ]
        .concat();
        async move {
            send(&mut stream, first).await;
            reset(stream);
        }
    })
    .await;
    let gateway = before(&[&cut, &second], RouteSettings::default()).await;
    assert_eq!(asked(&gateway).await, (200, "broke off".to_owned()));
    assert!(
        second.came().is_empty(),
        "nothing is joined to what has begun"
    );
}

#[tokio::test]
async fn a_target_that_says_nothing_in_time_is_left() {
    let (tell, mut told) = unbounded_channel();
    let silent = Upstream::start(move |mut stream, _| {
        let tell = tell.clone();
        async move {
            send(
                &mut stream,
                STREAM_HEAD.replace("text/plain", "text/event-stream"),
            )
            .await;
            gone(&mut stream).await;
            tell.send(()).unwrap();
        }
    })
    .await;
    let second = good().await;
    let settings = RouteSettings {
        first_token_ms: Some(50),
        ..RouteSettings::default()
    };
    let gateway = before(&[&silent, &second], settings.clone()).await;
    assert_eq!(asked(&gateway).await, (200, chat_stream("from the second")));
    soon("the silent target's socket to be closed", told.recv())
        .await
        .unwrap();

    let alone = before(&[&silent], settings).await;
    let (status, body) = asked(&alone).await;
    assert_eq!(status, 504, "{body}");
    assert!(body.contains("first-token limit"), "{body}");
}

#[tokio::test]
async fn a_lone_target_is_tried_again_as_often_as_the_route_says() {
    let failing = |times: usize| {
        Upstream::start(move |mut stream, number| async move {
            let text = if number < times {
                whole(
                    "503 Service Unavailable",
                    "",
                    "{\"error\":{\"message\":\"busy\"}}",
                )
            } else {
                self::stream(&chat_stream("at last"))
            };
            send(&mut stream, text).await;
        })
    };
    let settings = |retries| RouteSettings {
        retries: Some(retries),
        ..RouteSettings::default()
    };
    let twice = failing(2).await;
    let gateway = before(&[&twice], settings(2)).await;
    assert_eq!(asked(&gateway).await, (200, chat_stream("at last")));
    assert_eq!(twice.came().len(), 3);
    let twice = failing(2).await;
    let gateway = before(&[&twice], settings(1)).await;
    assert_eq!(asked(&gateway).await.0, 503);
    assert_eq!(twice.came().len(), 2);
    let once = failing(1).await;
    let gateway = before(&[&once], RouteSettings::default()).await;
    assert_eq!(asked(&gateway).await.0, 503, "none is sent again unasked");
    assert_eq!(once.came().len(), 1);
}

#[tokio::test]
async fn a_second_target_is_asked_beside_a_slow_one_and_the_loser_is_closed() {
    let (tell, mut told) = unbounded_channel();
    let first = Upstream::start(move |mut stream, number| {
        let tell = tell.clone();
        async move {
            if number < 30 {
                send(&mut stream, self::stream(&chat_stream("from the first"))).await;
                return;
            }
            gone(&mut stream).await;
            tell.send(()).unwrap();
        }
    })
    .await;
    let counts = r#"{"prompt_tokens":1000,"completion_tokens":10,"total_tokens":1010}"#;
    let counted = chat_stream("from the second").replace(
        "data: [DONE]",
        &format!("data: {{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{counts}}}\n\ndata: [DONE]"),
    );
    let second = Upstream::saying(stream(&counted)).await;
    let settings = RouteSettings {
        // The answer alone costs $0.00103, the slow target's prompt $0.002.
        usd_per_day: Some(0.003),
        // A busy machine must not make the first look slow before it is.
        hedge: Some(HedgeSettings {
            share: 0.05,
            at_least_ms: 3_000,
            ..HedgeSettings::default()
        }),
        ..RouteSettings::default()
    };
    let mut options = options_of(&[&first, &second], settings);
    options.config.prices = PriceTable::with_own(vec![price("a/own", 2), price("b/own", 1)]);
    let (audited, mut audits) = unbounded_channel();
    options.audit = Some(Box::new(move |record: &AuditRecord| {
        audited.send(record.clone()).unwrap();
    }));
    let gateway = gateway::serve(options).await.unwrap();
    for _ in 0..30 {
        assert_eq!(asked(&gateway).await, (200, chat_stream("from the first")));
    }
    assert!(second.came().is_empty(), "none was asked twice");
    assert_eq!(asked(&gateway).await, (200, counted));
    soon("the slow target's socket to be closed", told.recv())
        .await
        .unwrap();
    assert_eq!(second.came().len(), 1);
    let hedged = loop {
        let record = soon("the line of the audit", audits.recv()).await.unwrap();
        if record.hedges == 1 {
            break record;
        }
        assert_eq!(record.beaten_input_tokens, None);
    };
    assert_eq!(hedged.beaten_input_tokens, Some(1_000));
    assert_eq!(hedged.beaten_cost_usd, Some(0.002));
    assert_eq!(hedged.cost_usd, Some(0.00103));
    let metrics = reqwest_client().build().unwrap();
    let metrics = metrics
        .get(format!("http://{}/metrics", gateway.address))
        .bearer_auth(TOKEN);
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    assert!(
        metrics.contains("tokenscope_hedges_total{route=\"m\",target=\"b/own\",outcome=\"ok\"} 1"),
        "{metrics}"
    );
    let cost = "tokenscope_cost_usd_total{route=\"m\",target=\"b/own\",outcome=\"ok\"} 0.00303";
    assert!(metrics.contains(cost), "{metrics}");
    let (status, refused) = asked(&gateway).await;
    assert_eq!(status, 429, "both count against the cap: {refused}");
}

/// A user's price: so many dollars per million tokens of input, three of output.
fn price(target: &str, input: u64) -> OwnPrice {
    let rate = |dollars: u64| Some(Usd::of_pico(dollars * 1_000_000));
    let rates = Rates {
        input: rate(input),
        output: rate(3),
        ..Rates::default()
    };
    OwnPrice::new(target, rates, None)
}

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
async fn a_request_never_leaves_its_regions() {
    let upstream = good().await;
    let settings = RouteSettings {
        regions: vec!["europe-west1".into()],
        ..RouteSettings::default()
    };
    let mut gateway_options = options_of(&[&upstream], settings.clone());
    let gateway = gateway::serve(gateway_options).await.unwrap();
    let (status, body) = asked(&gateway).await;
    assert_eq!(status, 403, "{body}");
    assert!(
        body.contains("europe-west1") && body.contains("region"),
        "{body}"
    );
    assert!(upstream.came().is_empty());

    let mut endpoint = upstream.endpoint("a", CHAT);
    endpoint.region = "europe-west1".into();
    let settings = RouteSettings {
        name: "m".into(),
        targets: vec!["a/own".parse().unwrap()],
        ..settings
    };
    gateway_options = options(vec![settings], vec![endpoint]);
    let gateway = gateway::serve(gateway_options).await.unwrap();
    assert_eq!(asked(&gateway).await.0, 200);
}

#[tokio::test]
async fn a_named_key_has_limits_of_its_own() {
    let upstream = good().await;
    let mut options = options_of(&[&upstream], RouteSettings::default());
    let key = LocalKeySettings {
        name: "laptop".into(),
        sha256: LocalToken::sha256_text("ts-laptop"),
        models: vec!["m".into(), "other".into()],
        requests_per_minute: Some(2),
        max_body_mib: Some(1),
        ..LocalKeySettings::default()
    };
    options.config.keys = LocalKeys::new(LocalToken::of(&TOKEN.into()), &[key]);
    let gateway = gateway::serve(options).await.unwrap();
    let post = |model: &str, padding: usize| {
        let client = reqwest_client().build().unwrap();
        let url = format!("http://{}/v1/chat/completions", gateway.address);
        let body = json!({ "model": model, "x": "x".repeat(padding) });
        let request = client.post(url).bearer_auth("ts-laptop").json(&body);
        async move {
            let response = request.send().await.unwrap();
            let (status, wait) = (
                response.status().as_u16(),
                response.headers().get("retry-after").cloned(),
            );
            (status, wait, response.text().await.unwrap())
        }
    };
    let (status, _, body) = post("secret-model", 0).await;
    assert_eq!(status, 403, "{body}");
    assert!(body.contains("laptop"), "{body}");
    assert_eq!(post("m", 2 << 20).await.0, 413);
    let (status, wait, body) = post("m", 0).await;
    assert_eq!(status, 429, "{body}");
    assert!(
        wait.is_some() && body.contains("requests per minute"),
        "{body}"
    );
    assert_eq!(
        asked(&gateway).await.0,
        200,
        "the gateway's own token has no limit"
    );
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
