//! Which targets are asked.

mod limits;
mod running;

use serde_json::json;
use tokenscope::{
    dialect::DialectId,
    gateway::{self, AuditRecord, Gateway, GatewayOptions},
    price::{OwnPrice, PriceTable, Rates, Usd},
    settings::gateway::{HedgeSettings, RouteSettings},
};
use tokio::sync::mpsc::unbounded_channel;

use super::{
    TOKEN, options,
    upstream::{Upstream, chat_stream, ok},
};
use crate::{
    deadline::soon,
    fault_server::{STREAM_HEAD, chunk, gone, reset, send, whole},
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
