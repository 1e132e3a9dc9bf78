//! Where a request may go, and what a key may ask for.

use serde_json::json;
use tokenscope::{
    gateway::{self, LocalKeys, LocalToken},
    settings::gateway::{LocalKeySettings, RouteSettings},
};

use super::{
    super::{TOKEN, options},
    CHAT, asked, good, options_of,
};
use crate::simulator::client::reqwest_client;

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
