//! `tokenscope models` against real HTTP: lists, refusals, and what no list may do to a terminal.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokenscope::{
    dialect::DialectId, endpoint::Endpoint, event::FaultClass, exchange::list::list_models,
    transport::Transport,
};
use url::Url;

use crate::{
    canary::{assert_no_canary, assert_no_canary_in, canary},
    fault_server::{Server, header, read_head, send, serve, whole},
    home::{Home, Ran},
};

/// A server that gives every request the same answer, and what it was asked.
async fn server(status: &str, body: &str) -> (Server, Arc<Mutex<Vec<String>>>) {
    let answer = whole(status, "content-type: application/json\r\n", body);
    let heads = Arc::new(Mutex::new(Vec::new()));
    let log = heads.clone();
    let server = serve(move |mut stream, _| {
        let (answer, log) = (answer.clone(), log.clone());
        async move {
            while let Some(head) = read_head(&mut stream).await {
                log.lock().unwrap().push(head);
                send(&mut stream, &answer).await;
            }
        }
    })
    .await;
    (server, heads)
}

async fn run(home: Home, arguments: &[&str]) -> (Home, Ran) {
    let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
    let running = tokio::task::spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = home.run(&arguments, "");
        (home, ran)
    });
    running.await.unwrap()
}

const LIST: &str = r#"{"object":"list","data":[{"id":"b/two","owned_by":"them"},{"id":"one"}]}"#;

#[tokio::test]
async fn a_list_is_printed_and_kept() {
    let (server, heads) = server("200 OK", LIST).await;
    let key = canary().chars().filter(char::is_ascii).collect::<String>();
    let home = Home::new().with("LLM_API_KEY", &key).with("MINE", &key);
    home.write_settings(&format!(
        "[endpoint.mine]\nbase_url = '{}v1'\nkey_env = 'MINE'\n",
        server.url()
    ));
    let (home, text) = run(home, &["models", "mine"]).await;
    assert_eq!((text.code, text.err.as_str()), (Some(0), ""), "{text:?}");
    let mut lines: Vec<&str> = text.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["b/two", "one"]);
    let (home, json) = run(home, &["models", "--base-url", &server.url(), "--json"]).await;
    assert_eq!(json.code, Some(0), "{json:?}");
    assert!(
        json.err.contains("/v1 added"),
        "the final URL is shown: {json:?}"
    );
    let listed = json.json();
    let mut ids: Vec<&Value> = (listed.as_array().unwrap().iter())
        .map(|m| &m["id"])
        .collect();
    ids.sort_by_key(ToString::to_string);
    assert_eq!(ids, [&json!("b/two"), &json!("one")]);
    let heads = heads.lock().unwrap();
    assert_eq!(heads.len(), 2);
    for head in heads.iter() {
        assert!(head.starts_with("GET /v1/models HTTP/1.1\r\n"), "{head}");
        let bearer = format!("Bearer {key}");
        assert_eq!(header(head, "authorization"), Some(bearer.as_str()));
    }
    let cached = std::fs::read_to_string(home.path().join("data/models/mine.json")).unwrap();
    assert!(cached.contains("b/two"), "{cached}");
    for ran in [&text, &json] {
        assert_no_canary_in(ran.out.as_bytes(), &key, "the output");
        assert_no_canary_in(ran.err.as_bytes(), &key, "the errors");
    }
    assert_no_canary(&[home.path()], &key);
}

#[tokio::test]
async fn a_refusal_is_told_in_the_provider_s_words_but_not_with_the_key() {
    let key = "sk-hunter2-hunter2";
    let body = format!(
        r#"{{"error":{{"message":"Incorrect API key provided: {key}","type":"invalid_request_error","code":"invalid_api_key"}}}}"#
    );
    let (server, _) = server("401 Unauthorized", &body).await;
    let home = Home::new().with("LLM_API_KEY", key);
    let (_, ran) = run(home, &["models", "--base-url", &server.url()]).await;
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(ran.err.contains("auth"), "{ran:?}");
    assert!(
        ran.err.contains("Incorrect API key provided: •••"),
        "{ran:?}"
    );
    assert!(!ran.err.contains("hunter2"), "{ran:?}");
}

#[tokio::test]
async fn a_run_keeps_no_key_that_its_endpoint_repeats() {
    let key = canary().chars().filter(char::is_ascii).collect::<String>();
    let error = json!({"error": {"message": format!("no such key: {key}"), "code": key}});
    for status in ["401 Unauthorized", "200 OK"] {
        let (server, _) = server(status, &error.to_string()).await;
        let home = Home::new().with("LLM_API_KEY", &key);
        let url = server.url();
        for arguments in [
            &["chat", "--base-url", &url, "-m", "m", "hello"][..],
            &["chat", "--base-url", &url, "-m", "m", "--json", "hello"],
        ] {
            let (_, ran) = run(home.clone(), arguments).await;
            assert_eq!(ran.code, Some(1), "{ran:?}");
            let said = format!("{}{}", ran.out, ran.err);
            assert!(said.contains("no such key: •••"), "{ran:?}");
            assert_no_canary_in(said.as_bytes(), &key, "what was said");
        }
        assert!(home.path().join("data/history.db").exists());
        assert_no_canary(&[home.path()], &key);
    }
}

#[tokio::test]
async fn what_is_no_list_is_a_protocol_fault() {
    for (status, body, class) in [
        ("200 OK", "<html>Welcome</html>", FaultClass::Protocol),
        ("200 OK", "{\"data\":3}", FaultClass::Protocol),
        ("404 Not Found", "no", FaultClass::NotFound),
        ("503 Service Unavailable", "", FaultClass::Overloaded),
    ] {
        let (server, _) = server(status, body).await;
        let base = Url::parse(&server.url()).unwrap();
        let endpoint = Endpoint::custom("x", base, DialectId::OpenaiChat);
        let listed = list_models(&Transport::default(), &endpoint, None, None).await;
        let fault = listed.expect_err(body);
        assert_eq!(fault.class, class, "{body}: {fault}");
        let code: u16 = status[..3].parse().unwrap();
        assert_eq!(fault.status, Some(code), "{body}: {fault}");
    }
}

#[tokio::test]
async fn an_endpoint_without_a_list_falls_back_to_the_names_of_the_settings() {
    let (server, _) = server("404 Not Found", "{}").await;
    let home = Home::new();
    home.write_settings(&format!(
        "[endpoint.mine]\nbase_url = '{}v1'\nmodels = ['by-hand']\n",
        server.url()
    ));
    let (_, ran) = run(home, &["models", "mine"]).await;
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (Some(0), "by-hand\n"),
        "{ran:?}"
    );
    assert!(ran.err.contains("has no list"), "{ran:?}");
}

#[tokio::test]
async fn a_name_can_not_act_on_the_terminal() {
    let evil = r#"{"data":[{"id":"a\u001b]52;c;ZXZpbA==\u0007\u202eb"}]}"#;
    let (server, _) = server("200 OK", evil).await;
    let (_, ran) = run(Home::new(), &["models", "--base-url", &server.url()]).await;
    assert_eq!(ran.out, "a\\u{1b}]52;c;ZXZpbA==\\u{7}\\u{202e}b\n");
}

#[test]
fn without_an_endpoint_all_of_them_are_listed() {
    let home = Home::new().with("OPENAI_API_KEY", "k");
    home.write_settings("[endpoint.mine]\nbase_url = 'https://m.example/v1'\nmodels = ['a']\n");
    let text = home.run(&["models"], "");
    assert_eq!(text.code, Some(0), "{text:?}");
    assert!(
        text.out
            .starts_with("mine  mine  https://m.example/v1\n  mine/a\nopenai  "),
        "{text:?}"
    );
    assert!(text.out.contains("\nsimulator  "), "{text:?}");
    let rows = home.run(&["models", "--json"], "").json();
    assert_eq!(rows[0]["models"], json!(["a"]));
    assert_eq!(rows[1]["base_url"], "https://api.openai.com/v1");
    let simulated = home.run(&["models", "simulator"], "");
    assert!(simulated.out.lines().count() > 3, "{simulated:?}");
    for (arguments, code, why) in [
        (&["models", "nope"][..], 2, "no endpoint “nope”"),
        (&["models", "--base-url", "ftp://x"], 2, "not ftp://"),
        (
            &["models", "mine", "--base-url", "https://x"],
            2,
            "cannot be used with",
        ),
    ] {
        let ran = home.run(arguments, "");
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.err.contains(why), "{ran:?}");
    }
}
