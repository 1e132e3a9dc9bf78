//! The simulator over TLS, and Google's tokens from it.

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokenscope::{
    chat::ChatRequest,
    credential::Credentials,
    endpoint::{Auth, Endpoint, variables::Environment},
    event::FaultClass,
    run::Run,
    simulator::{self, Simulator, SimulatorOptions},
    transport::ConnectOptions,
};

use super::{client::reqwest_client, dialects::run_with};

async fn secure() -> (Simulator, tempfile::TempDir) {
    let options = SimulatorOptions {
        speed: 200.0,
        tls: true,
        ..SimulatorOptions::default()
    };
    let simulator = simulator::serve(options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, simulator.authority().unwrap()).unwrap();
    (simulator, folder)
}

fn trusting(endpoint: Endpoint, folder: &tempfile::TempDir) -> Endpoint {
    Endpoint {
        connect: ConnectOptions {
            ca_file: Some(folder.path().join("ca.pem").to_str().unwrap().into()),
            ..endpoint.connect.clone()
        },
        ..endpoint
    }
}

#[tokio::test]
async fn every_protocol_is_spoken_over_tls_to_whoever_trusts_its_authority() {
    let (simulator, folder) = secure().await;
    assert_eq!(simulator.base_url().scheme(), "https");
    for endpoint in simulator::endpoints(&simulator.base_url()) {
        let asked = || ChatRequest::of_text("sim-fast", "Two words");
        let fault = run_with(&endpoint, asked(), None).await.answer.fault;
        let fault = fault.expect("nobody else trusts it");
        assert_eq!(fault.class, FaultClass::Tls, "{}", endpoint.id);

        let trusting = trusting(endpoint, &folder);
        let run = run_with(&trusting, asked(), None).await;
        assert!(run.answer.fault.is_none(), "{:?}", run.answer.fault);
        assert!(!run.answer.text.is_empty());
        assert_eq!(
            run.http_version.as_deref(),
            Some("HTTP/2.0"),
            "{}",
            trusting.id
        );
    }
}

#[tokio::test]
async fn a_cut_and_a_reset_are_faults_over_tls_as_well() {
    let (simulator, folder) = secure().await;
    for endpoint in simulator::endpoints(&simulator.base_url()) {
        let endpoint = trusting(endpoint, &folder);
        for model in ["sim-cut", "sim-reset"] {
            let run = run_with(&endpoint, ChatRequest::of_text(model, "Two words"), None).await;
            let fault = run.answer.fault.unwrap();
            assert_eq!(
                fault.class,
                FaultClass::Interrupted,
                "{model} {}",
                endpoint.id
            );
        }
    }
}

/// The endpoint that asks the locked model, with a key of its own.
fn locked(simulator: &Simulator, id: &str) -> Endpoint {
    let mut endpoints = simulator::endpoints(&simulator.base_url()).into_iter();
    let mut endpoint = endpoints.find(|endpoint| endpoint.id == id).unwrap();
    endpoint.auth = Auth::Bearer;
    endpoint
}

async fn ask_locked(endpoint: &Endpoint, key: Option<SecretString>) -> Run {
    run_with(
        endpoint,
        ChatRequest::of_text("sim-locked", "Two words"),
        key,
    )
    .await
}

async fn with_life(seconds: u64) -> Simulator {
    let options = SimulatorOptions {
        speed: 200.0,
        token_life: std::time::Duration::from_secs(seconds),
        ..SimulatorOptions::default()
    };
    simulator::serve(options).await.unwrap()
}

#[tokio::test]
async fn googles_credentials_get_a_token_that_opens_a_locked_model() {
    let simulator = with_life(3600).await;
    let url = simulator
        .base_url()
        .join("/sim/google-credentials.json")
        .unwrap();
    let account = reqwest_client()
        .build()
        .unwrap()
        .get(url)
        .send()
        .await
        .unwrap();
    let account = account.text().await.unwrap();
    let ids = simulator::endpoints(&simulator.base_url())
        .into_iter()
        .map(|e| e.id);
    for id in ids.filter(|id| id.ends_with("gemini") || id.ends_with("grpc")) {
        let endpoint = locked(&simulator, &id);
        let refused = ask_locked(&endpoint, None).await.answer.fault.unwrap();
        assert_eq!(refused.class, FaultClass::Auth, "{id}");

        let credentials = Credentials::without_keyring(Environment::of([]));
        credentials.set_in_memory(&endpoint, account.clone().into());
        let (key, _) = credentials.resolve(&endpoint).await.unwrap();
        let key = key.unwrap();
        assert!(key.expose_secret().starts_with("sim-token-"));
        let run = ask_locked(&endpoint, Some(key)).await;
        assert!(run.answer.fault.is_none(), "{id}: {:?}", run.answer.fault);
    }
}

#[tokio::test]
async fn the_metadata_server_gives_tokens_and_a_stale_one_is_refused() {
    let simulator = with_life(0).await;
    let client = reqwest_client().build().unwrap();
    let path = "/computeMetadata/v1/instance/service-accounts/default/token?scopes=x";
    let url = simulator.base_url().join(path).unwrap();
    let bare = client.get(url.clone()).send().await.unwrap();
    assert_eq!(bare.status(), 403, "the header guards it");
    let asked = client.get(url).header("metadata-flavor", "Google");
    let given = asked.send().await.unwrap();
    assert_eq!(given.headers()["metadata-flavor"], "Google");
    let token: Value = serde_json::from_str(&given.text().await.unwrap()).unwrap();
    let token: SecretString = token["access_token"].as_str().unwrap().into();

    for endpoint in simulator::endpoints(&simulator.base_url()) {
        let mut endpoint = endpoint;
        endpoint.auth = Auth::of_dialect(endpoint.dialect);
        let asked = ChatRequest::of_text("sim-fast", "Two words");
        let fault = run_with(&endpoint, asked, Some(token.clone()))
            .await
            .answer
            .fault;
        let fault = fault.expect("a stale token");
        assert_eq!(fault.class, FaultClass::Auth, "{}", endpoint.id);
        assert!(fault.message.contains("expired"), "{}", fault.message);
    }
}
