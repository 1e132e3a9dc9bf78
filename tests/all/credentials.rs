//! Keys from the environment, commands and memory, and the command line over them, with no keyring.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};
use tokenscope::{
    credential::{Credentials, KeyError, KeyPlace},
    endpoint::{Endpoint, preset, variables::Environment},
};
use url::Url;

use crate::home::Home;

fn openai() -> Endpoint {
    preset::find("openai")
        .unwrap()
        .endpoint(&BTreeMap::new())
        .unwrap()
}

fn local() -> Endpoint {
    preset::find("llamacpp")
        .unwrap()
        .endpoint(&BTreeMap::new())
        .unwrap()
}

fn key(text: &str) -> SecretString {
    text.to_owned().into()
}

async fn found(credentials: &Credentials, endpoint: &Endpoint) -> (Option<String>, KeyPlace) {
    let (key, place) = credentials.resolve(endpoint).await.unwrap();
    (key.map(|k| k.expose_secret().to_owned()), place)
}

#[tokio::test]
async fn the_places_are_asked_in_order() {
    let with_key = Environment::of([("OPENAI_API_KEY", " sk-env ")]);
    let mut endpoint = openai();
    endpoint.key_command = ["echo", "sk-command"].map(str::to_owned).to_vec();
    let credentials = Credentials::without_keyring(with_key);
    credentials.set_in_memory(&endpoint, key("sk-memory"));
    let var = "OPENAI_API_KEY".to_owned();
    assert_eq!(
        found(&credentials, &endpoint).await,
        (Some("sk-env".into()), KeyPlace::Env { var })
    );

    let credentials = Credentials::without_keyring(Environment::of([("OPENAI_API_KEY", " ")]));
    credentials.set_in_memory(&endpoint, key("sk-memory"));
    let program = "echo".to_owned();
    assert_eq!(
        found(&credentials, &endpoint).await,
        (Some("sk-command".into()), KeyPlace::Command { program })
    );
    endpoint.key_command.clear();
    assert_eq!(
        found(&credentials, &endpoint).await,
        (Some("sk-memory".into()), KeyPlace::Memory)
    );
}

#[tokio::test]
async fn a_key_of_this_session_belongs_to_an_id_and_an_origin() {
    let credentials = Credentials::without_keyring(Environment::of([]));
    let mut endpoint = openai();
    credentials.set_in_memory(&endpoint, key("k"));
    endpoint.base_url.set_path("/other");
    assert!(
        found(&credentials, &endpoint).await.0.is_some(),
        "the path is no part of it"
    );
    for url in [
        "https://evil.example/v1",
        "https://api.openai.com:444/v1",
        "http://api.openai.com/v1",
    ] {
        let mut moved = endpoint.clone();
        moved.base_url = Url::parse(url).unwrap();
        assert!(credentials.resolve(&moved).await.is_err(), "{url}");
    }
    let mut renamed = endpoint.clone();
    renamed.id = "other".into();
    assert!(credentials.resolve(&renamed).await.is_err());
    credentials.forget(&endpoint).await.unwrap();
    assert!(credentials.resolve(&endpoint).await.is_err());
}

#[tokio::test]
async fn what_is_kept_for_an_endpoint_goes_with_its_new_id_but_to_no_other_origin() {
    let credentials = Credentials::without_keyring(Environment::of([]));
    let mut old = openai();
    old.connect.proxy = Some("http://me@p.example:3128".into());
    credentials.set_in_memory(&old, key("k"));
    let kept = credentials.set_proxy_password_in_memory(&old, key("pw"));
    kept.unwrap();
    let mut new = old.clone();
    new.id = "work".into();
    credentials.rename(&old, &new).await.unwrap();
    assert_eq!(found(&credentials, &new).await.0.as_deref(), Some("k"));
    assert!(credentials.resolve(&old).await.is_err());
    let place = async |e: &Endpoint| credentials.proxy_status(e).await.map(|s| s.place);
    assert_eq!(place(&new).await, Some(KeyPlace::Memory));

    let mut moved = new.clone();
    moved.id = "moved".into();
    moved.base_url = Url::parse("https://evil.example/v1").unwrap();
    moved.connect.proxy = Some("http://me@evil.example:3128".into());
    credentials.rename(&new, &moved).await.unwrap();
    assert!(credentials.resolve(&moved).await.is_err());
    assert_ne!(place(&moved).await, Some(KeyPlace::Memory));
    assert_eq!(found(&credentials, &new).await.0.as_deref(), Some("k"));
}

#[tokio::test]
async fn a_missing_keyring_stops_only_who_needs_a_key() {
    let credentials = Credentials::without_keyring(Environment::of([]));
    let error = credentials.resolve(&openai()).await.map(drop).unwrap_err();
    assert!(matches!(error, KeyError::NoKeyring(_)), "{error}");
    let told = error.at(&openai());
    assert!(
        told.contains("set OPENAI_API_KEY, or store one with"),
        "{told}"
    );
    assert_eq!(
        found(&credentials, &local()).await,
        (None, KeyPlace::Missing)
    );
    let mut open = openai();
    open.auth = tokenscope::endpoint::Auth::None;
    assert_eq!(
        found(&credentials, &open).await,
        (None, KeyPlace::NotNeeded)
    );
    let set = credentials.set_in_keyring(&openai(), key("k")).await;
    assert!(matches!(set, Err(KeyError::NoKeyring(_))));
    assert!(
        credentials.resolve(&openai()).await.is_err(),
        "it is kept nowhere"
    );
    let empty = credentials
        .set_in_keyring(&openai(), key(" \n"))
        .await
        .unwrap_err();
    assert!(empty.to_string().contains("empty"), "{empty}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_status_runs_no_command_and_tells_how_the_last_one_ended() {
    let home = Home::new();
    let marker = home.path().join("ran");
    let mut endpoint = openai();
    let script = format!("touch {}; echo gone away >&2; exit 4", marker.display());
    endpoint.key_command = ["sh".to_owned(), "-c".to_owned(), script].to_vec();
    let credentials = Credentials::without_keyring(Environment::of([]));
    let before = credentials.status(&endpoint).await;
    assert_eq!(
        before.place,
        KeyPlace::Command {
            program: "sh".into()
        }
    );
    assert!(!marker.exists());
    let error = credentials.resolve(&endpoint).await.map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "key_command: sh ended with code 4: gone away"
    );
    let after = credentials.status(&endpoint).await;
    assert_eq!(after.place, KeyPlace::Missing);
    assert_eq!(after.problem, Some(error.to_string()));
    assert_eq!(after.origin, "https://api.openai.com:443");
}

#[cfg(unix)]
#[tokio::test]
async fn a_refused_key_makes_its_command_run_again() {
    let home = Home::new();
    let count = home.path().join("n").display().to_string();
    let mut endpoint = openai();
    let script = format!("echo x >> {count}; grep -c x {count}");
    endpoint.key_command = ["sh", "-c", &script].map(str::to_owned).to_vec();
    let credentials = Credentials::without_keyring(Environment::of([]));
    for expected in ["1", "1"] {
        assert_eq!(
            found(&credentials, &endpoint).await.0.as_deref(),
            Some(expected)
        );
    }
    credentials.invalidate("openai");
    assert_eq!(found(&credentials, &endpoint).await.0.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_proxy_password_is_a_secret_of_its_own() {
    let environment = Environment::of([("PW", "from-env")]);
    let credentials = Credentials::without_keyring(environment);
    let mut endpoint = openai();
    assert!(
        credentials
            .resolve_proxy_password(&endpoint)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        credentials
            .set_proxy_password_in_memory(&endpoint, key("p"))
            .is_err()
    );
    endpoint.connect.proxy = Some("http://p.example:3128".into());
    assert!(
        credentials
            .resolve_proxy_password(&endpoint)
            .await
            .unwrap()
            .is_none(),
        "no user, no password"
    );
    assert!(credentials.proxy_status(&endpoint).await.is_none());
    endpoint.connect.proxy = Some("http://me@p.example:3128".into());
    assert!(
        credentials.resolve_proxy_password(&endpoint).await.is_err(),
        "no keyring to look in"
    );
    credentials
        .set_proxy_password_in_memory(&endpoint, key("p"))
        .unwrap();
    let status = credentials.proxy_status(&endpoint).await.unwrap();
    assert_eq!(status.place, KeyPlace::Memory);
    assert_eq!(status.origin, "http://me@p.example:3128");
    let password = credentials
        .resolve_proxy_password(&endpoint)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(password.expose_secret(), "p");
    endpoint.connect.proxy = Some("http://me@other.example:3128".into());
    assert!(
        credentials.resolve_proxy_password(&endpoint).await.is_err(),
        "another proxy"
    );
    endpoint.proxy_password_env = Some("PW".into());
    let password = credentials
        .resolve_proxy_password(&endpoint)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(password.expose_secret(), "from-env");
    endpoint.proxy_password_env = Some("UNSET".into());
    let error = credentials
        .resolve_proxy_password(&endpoint)
        .await
        .map(drop)
        .unwrap_err();
    assert!(error.to_string().contains("${UNSET} is not set"), "{error}");
    let status = credentials.proxy_status(&endpoint).await.unwrap();
    assert_eq!(status.place, KeyPlace::Missing);
    assert_eq!(status.problem, Some(error.to_string()));
}

#[test]
fn nothing_prints_a_secret() {
    let credentials =
        Credentials::without_keyring(Environment::of([("OPENAI_API_KEY", "hunter2")]));
    credentials.set_in_memory(&openai(), key("hunter2"));
    assert!(!format!("{credentials:?}").contains("hunter2"));
    assert!(!format!("{:?}", Environment::of([("A", "hunter2")])).contains("hunter2"));
}

#[test]
fn keys_are_listed_and_looked_up_in_the_terminal() {
    let home = Home::new().with("GROQ_API_KEY", "hunter2");
    let list = home.run(&["keys", "list"], "");
    assert_eq!(list.code, Some(0), "{list:?}");
    assert_eq!(
        list.out,
        "groq  https://api.groq.com:443  environment variable GROQ_API_KEY\n"
    );
    let json = home.run(&["keys", "list", "--json"], "").json();
    assert_eq!(
        json,
        serde_json::json!([{
            "endpoint": "groq", "of": "endpoint", "origin": "https://api.groq.com:443",
            "place": {"place": "env", "var": "GROQ_API_KEY"}, "problem": null,
        }])
    );
    assert_eq!(home.run(&["keys", "where", "groq"], "").code, Some(0));
    let missing = home.run(&["keys", "where", "openai"], "");
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(
        missing.out.contains("none — no OS keyring: "),
        "{missing:?}"
    );
    assert!(missing.err.contains("OPENAI_API_KEY"), "{missing:?}");
    assert_eq!(
        home.run(&["keys", "where", "ollama"], "").code,
        Some(0),
        "it needs none"
    );
}

#[test]
fn what_can_not_be_done_with_a_key_has_its_own_exit_code() {
    let home = Home::new();
    for (arguments, input, code, why) in [
        (
            &["keys", "set", "nope"][..],
            "k",
            2,
            "no endpoint “nope”; known are anthropic, azure, ",
        ),
        (
            &["keys", "set", "azure"],
            "k",
            2,
            "azure is not set up yet: resource is missing",
        ),
        (&["keys", "set", "ollama"], "k", 2, "needs no key"),
        (&["keys", "set", "openai"], "", 2, "no key was given"),
        (&["keys", "set", "openai"], " \n", 2, "no key was given"),
        (
            &["keys", "set", "openai"],
            "hunter2\nhunter2",
            2,
            "single line",
        ),
        (
            &["keys", "set", "openai", "hunter2"],
            "",
            2,
            "unexpected argument",
        ),
        (&["keys", "set", "openai"], "hunter2", 1, "no OS keyring"),
        (&["keys", "forget", "openai"], "", 1, "no OS keyring"),
        (
            &["keys", "set", "openai", "--proxy"],
            "hunter2",
            1,
            "no proxy with a user name",
        ),
        (&["keys"], "", 2, "Usage"),
    ] {
        let ran = home.run(arguments, input);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        assert!(ran.err.contains(why), "{arguments:?}: {ran:?}");
        assert_eq!(ran.out, "", "{arguments:?}");
    }
    assert!(
        !home.settings().exists(),
        "a key that is not kept adds no endpoint"
    );
}

#[test]
fn a_broken_settings_file_is_told_with_its_line() {
    let home = Home::new();
    home.write_settings("\n[endpoint.x\n");
    let ran = home.run(&["keys", "list"], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("config.toml, line 2: column "), "{ran:?}");
}
