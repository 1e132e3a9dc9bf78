//! Agents ask what the driver says: prompts of a set in turn, and random words.

use std::{
    fs,
    sync::{Arc, atomic::AtomicUsize},
};

use serde_json::json;
use tokenscope::bench::prompts::{ShippedVocabulary, Tokenizer};

use super::{Agent, Provider, TOKEN, addresses, asks, driver, line};
use crate::{
    bench::{
        asking::{Bodies, after_number, keeping_server, texts},
        assert_done,
    },
    simulator::client::reqwest_client,
};

/// A provider that keeps what it is asked.
async fn keeping_provider() -> (Provider, Bodies) {
    let (server, bodies) = keeping_server().await;
    let asked = Arc::new(AtomicUsize::new(0));
    (Provider { server, asked }, bodies)
}

/// What a provider was asked, without the numbers in front.
fn asked(bodies: &Bodies) -> Vec<String> {
    let bodies = bodies.lock().unwrap();
    let asked = bodies.iter();
    asked
        .map(|body| after_number(texts(body)[0]).to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_ask_the_prompts_of_a_set_in_turn() {
    let (even, odd) = (keeping_provider().await, keeping_provider().await);
    let agents = [Agent::start(&even.0), Agent::start(&odd.0)];
    let addresses = addresses(&[&agents[0], &agents[1]]);
    let home = driver();
    let file = home.path().join("prompts.txt");
    fs::write(&file, "a\nb\nc\nd\ne\n").unwrap();
    let file = file.to_str().unwrap();
    // One stream each, so that each agent asks in order.
    let more = ["-c", "2", "-n", "10", "--prompts", file];
    let ran = home.run(&asks(&addresses, &more), "");
    let line = line(&ran);
    assert_done(&line, &ran);
    assert_eq!(asked(&even.1), ["a", "c", "e", "b", "d"]);
    assert_eq!(asked(&odd.1), ["b", "d", "a", "c", "e"]);
    let mut numbers: Vec<String> = [&even.1, &odd.1]
        .iter()
        .flat_map(|bodies| bodies.lock().unwrap().clone())
        .map(|body| texts(&body)[0].split('\n').next().unwrap().to_owned())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 10, "each request has a number of its own");
    assert_eq!(line["plan"]["asked"]["prompts"], 5, "{line}");
    let digest = line["plan"]["asked"]["digest"].as_str().unwrap();
    assert_eq!(digest.len(), 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn random_words_are_those_of_the_driver() {
    let (provider, bodies) = keeping_provider().await;
    let agent = Agent::start(&provider);
    let more = [
        "-n",
        "4",
        "--input-tokens",
        "20",
        "--synthetic-prompts",
        "2",
    ];
    let ran = driver().run(&asks(&agent.address, &more), "");
    assert_done(&line(&ran), &ran);
    let bodies = bodies.lock().unwrap();
    assert_eq!(bodies.len(), 4);
    let tokenizer = Tokenizer::shipped(ShippedVocabulary::O200k).unwrap();
    for body in bodies.iter() {
        assert_eq!(tokenizer.count(texts(body)[0]), 20, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_for_prompts_that_were_not_sent_is_refused() {
    let (provider, bodies) = keeping_provider().await;
    let agent = Agent::start(&provider);
    let url = format!("http://{}/bench", agent.address);
    let client = reqwest_client().build().unwrap();
    let post = async |place: &str, body: serde_json::Value| {
        let request = client.post(format!("{url}/{place}")).bearer_auth(TOKEN);
        let response = request.json(&body).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json::<serde_json::Value>().await.unwrap())
    };
    let (status, asked) = post("prompts", json!({ "one": "count" })).await;
    assert_eq!((status, &asked["prompts"]), (200, &json!(1)), "{asked}");
    let (status, why) = post(
        "prompts",
        json!({ "set": [{ "conversations": [], "prompts": [] }, "in_order"] }),
    )
    .await;
    assert_eq!(status, 400, "{why}");
    let order = |asked: &serde_json::Value| {
        json!({
            "version": 2,
            "plan": {
                "target": { "endpoint": "here", "model": "m" },
                "load": { "kind": "closed", "concurrency": 1 },
                "ramp_ms": 0, "connections": "warm", "warm_up": 0, "stop": { "requests": 1 }, "goodput": {},
                "back_off": "never", "most_in_flight": 1, "max_tokens": 1, "seed": 1, "asked": asked,
            },
            "share": [0, 1], "nonce": 1, "begin_unix_ns": 0,
        })
    };
    for other in [
        json!(null),
        json!({ "prompts": 1, "digest": "0000000000000000" }),
    ] {
        let (status, why) = post("run", order(&other)).await;
        assert_eq!(status, 409, "{why}");
        let message = why["error"]["message"].as_str().unwrap();
        assert!(message.contains("not here"), "{message}");
    }
    assert!(bodies.lock().unwrap().is_empty());
}
