//! The gateway through our own clients: an answer is the same however it is asked, and failures keep their kind.

mod cases;
mod command;
mod faults;
#[cfg(unix)]
mod full_disk;
mod kept;
mod passing;
mod routing;
mod upstream;

use secrecy::SecretString;
use serde_json::{Value, json};
use tokenscope::{
    credential::Credentials,
    dialect::DialectId,
    endpoint::{Endpoint, variables::Environment},
    event::FaultClass,
    exchange::list::list_models,
    gateway::{self, Gateway, GatewayConfig, GatewayOptions, LocalKeys, LocalToken, RouteTable},
    price::PriceTable,
    run::Run,
    settings::gateway::{KeptContents, RouteSettings},
    simulator::Simulator,
    transport::Transport,
};

use crate::simulator::{
    client::reqwest_client,
    dialects::{Told, asked, endpoints, run, run_with},
    quick,
};

const TOKEN: &str = "ts-token-of-a-test";

/// A gateway before the simulator's endpoints.
async fn before(simulator: &Simulator, routes: &[&str]) -> Gateway {
    let routes = routes.iter().map(|route| route.parse().unwrap()).collect();
    gateway::serve(options(routes, endpoints(simulator)))
        .await
        .unwrap()
}

/// How a gateway with these routes to these endpoints is served.
fn options(routes: Vec<RouteSettings>, endpoints: Vec<Endpoint>) -> GatewayOptions {
    GatewayOptions {
        address: "127.0.0.1:0".parse().unwrap(),
        hosts: Vec::new(),
        threads: 2,
        config: GatewayConfig {
            routes: RouteTable::new(routes, endpoints),
            keys: LocalKeys::new(LocalToken::of(&TOKEN.into()), &[]),
            contents: KeptContents::default(),
            prices: PriceTable::default(),
        },
        credentials: Credentials::without_keyring(Environment::default()),
        history: None,
        log: None,
        audit: None,
    }
}

/// The gateway as an endpoint of each protocol that it serves.
fn inbound(gateway: &Gateway) -> Vec<Endpoint> {
    let bases = gateway.base_urls().into_iter();
    bases
        .map(|(dialect, base_url)| Endpoint::custom("gateway", base_url, dialect))
        .collect()
}

async fn ask(endpoint: &Endpoint, model: &str) -> Run {
    run_with(endpoint, asked(model), Some(TOKEN.into())).await
}

/// What an answer says in every protocol.
fn told(run: &Run, client: DialectId, target: DialectId, model: &str) -> Told {
    let mut told = Told::of(&run.answer);
    if [client, target].contains(&DialectId::Ollama) {
        // It counts no reasoning apart.
        (told.usage, told.generated) = (None, None);
    }
    if model == "sim-refusal" {
        // Only some have a word for this end.
        told.finish = None;
        if matches!(target, DialectId::Gemini | DialectId::VertexGrpc) {
            // Google says why in a message beside the answer, for which the others have no field.
            told.text.clear();
        }
    }
    told
}

#[tokio::test]
async fn every_client_gets_the_answer_of_every_target() {
    let simulator = quick().await;
    let gateway = before(&simulator, &[]).await;
    let clients = inbound(&gateway);
    assert_eq!(clients.len(), 5);
    let mut differ = Vec::new();
    for target in endpoints(&simulator) {
        for model in [
            "sim-fast",
            "sim-reasoning",
            "sim-tools",
            "sim-refusal",
            "sim-keepalive",
        ] {
            let direct = run(&target, asked(model)).await;
            for client in &clients {
                let name = format!("{}/{model}", target.id);
                let ours = ask(client, &name).await;
                let [ours, direct] =
                    [&ours, &direct].map(|run| told(run, client.dialect, target.dialect, model));
                if ours != direct {
                    differ.push(format!(
                        "{} asks {name}:\n{ours:?}\n{direct:?}",
                        client.dialect
                    ));
                }
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[tokio::test]
async fn a_failure_keeps_its_kind() {
    let simulator = quick().await;
    let gateway = before(&simulator, &[]).await;
    for target in endpoints(&simulator) {
        for model in [
            "sim-locked",
            "sim-rate-limited",
            "sim-overloaded",
            "sim-error",
            "sim-cut",
            "sim-reset",
            "sim-empty",
            "sim-html",
        ] {
            let direct = run(&target, asked(model)).await;
            for client in inbound(&gateway) {
                let name = format!("{}/{model}", target.id);
                let ours = ask(&client, &name).await;
                let is_failure = |run: &Run| run.answer.fault.is_some();
                assert_eq!(
                    is_failure(&ours),
                    is_failure(&direct),
                    "{} asks {name}: {:?} {:?}",
                    client.dialect,
                    ours.answer.fault,
                    direct.answer.fault
                );
                let class = |run: &Run| run.answer.fault.as_ref().map(|fault| fault.class);
                let kept = [
                    FaultClass::Auth,
                    FaultClass::RateLimited,
                    FaultClass::Overloaded,
                ];
                if class(&direct).is_some_and(|class| kept.contains(&class)) {
                    assert_eq!(
                        class(&ours),
                        class(&direct),
                        "{} asks {name}",
                        client.dialect
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn nobody_is_let_in_without_the_token() {
    let simulator = quick().await;
    let gateway = before(&simulator, &[]).await;
    for client in inbound(&gateway) {
        for key in [None, Some(SecretString::from("sk-of-somebody"))] {
            let run = run_with(&client, asked("simulator/sim-fast"), key).await;
            let fault = run.answer.fault.unwrap();
            assert_eq!((fault.class, fault.status), (FaultClass::Auth, Some(401)));
            assert!(
                fault.message.contains("own token as the API key"),
                "{fault}"
            );
        }
        let listed = list_models(&Transport::default(), &client, None, None).await;
        assert_eq!(listed.unwrap_err().class, FaultClass::Auth);
    }
}

#[tokio::test]
async fn a_model_without_a_route_is_told_with_those_that_have_one() {
    let simulator = quick().await;
    let gateway = before(
        &simulator,
        &["gemini-3-pro-preview=simulator-gemini/sim-fast"],
    )
    .await;
    for client in inbound(&gateway) {
        let fault = ask(&client, "gpt-9").await.answer.fault.unwrap();
        assert_eq!(
            (fault.class, fault.status),
            (FaultClass::NotFound, Some(404))
        );
        assert!(fault.message.contains("gemini-3-pro-preview"), "{fault}");
        let named = ask(&client, "gemini-3-pro-preview").await;
        assert!(named.answer.fault.is_none() && !named.answer.text.is_empty());
        let listed = list_models(&Transport::default(), &client, Some(&TOKEN.into()), None).await;
        let listed = listed.unwrap();
        assert!(
            listed
                .iter()
                .any(|model| model.id == "gemini-3-pro-preview"),
            "{}",
            client.dialect
        );
    }
}

/// A request of `openai-chat` with this body.
fn chat(client: &reqwest::Client, gateway: &Gateway, body: &Value) -> reqwest::RequestBuilder {
    let url = format!("http://{}/v1/chat/completions", gateway.address);
    client.post(url).bearer_auth(TOKEN).json(body)
}

/// A request of `openai-chat` with more fields.
async fn post(gateway: &Gateway, more: Value) -> (u16, Option<String>, Value) {
    let mut body = json!({
        "model": "simulator-gemini/sim-fast", "messages": [{ "role": "user", "content": "Hello" }],
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let client = reqwest_client().build().unwrap();
    let response = chat(&client, gateway, &body).send().await.unwrap();
    let dropped = response.headers().get("x-tokenscope-dropped");
    let dropped = dropped.map(|value| value.to_str().unwrap().to_owned());
    (
        response.status().as_u16(),
        dropped,
        response.json().await.unwrap(),
    )
}

#[tokio::test]
async fn what_cannot_be_translated_is_refused_or_said() {
    let simulator = quick().await;
    let gateway = before(&simulator, &[]).await;
    let (status, dropped, answer) = post(&gateway, json!({})).await;
    assert_eq!((status, dropped), (200, None), "{answer}");
    assert_eq!(answer["object"], "chat.completion");
    assert!(
        !answer["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .is_empty()
    );
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert!(answer["usage"]["completion_tokens"].as_u64().unwrap() > 0);

    let defaults = json!({ "logprobs": false, "frequency_penalty": 0, "logit_bias": null });
    assert_eq!(post(&gateway, defaults).await.0, 200);

    let (status, dropped, _) =
        post(&gateway, json!({ "user": "u", "metadata": { "a": "b" } })).await;
    assert_eq!(
        (status, dropped.as_deref()),
        (200, Some("/user; /metadata"))
    );

    let (status, _, answer) = post(&gateway, json!({ "logit_bias": { "50256": -100 } })).await;
    assert_eq!(status, 400);
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("/logit_bias"), "{message}");
}

#[tokio::test]
async fn web_pages_of_other_hosts_are_refused() {
    let simulator = quick().await;
    let gateway = before(&simulator, &[]).await;
    let client = reqwest_client().build().unwrap();
    let url = format!("http://{}/healthz", gateway.address);
    for (name, value, status) in [
        ("accept", "*/*", 200),
        ("host", "example.com", 403),
        ("origin", "https://example.com", 403),
        ("origin", "http://localhost:3000", 200),
    ] {
        let response = client.get(&url).header(name, value).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{name}: {value}");
        assert!(
            response
                .headers()
                .get("access-control-allow-origin")
                .is_none()
        );
    }
}
