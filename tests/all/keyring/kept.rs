//! Keys and passwords that are kept: found again, replaced, renamed and forgotten, and seen nowhere else.

use secrecy::ExposeSecret as _;
use tokenscope::{
    credential::{KeyOf, KeyPlace},
    endpoint::Endpoint,
    engine::{Command, KeyCommand, KeyNews, Update},
    settings::SettingsEdit,
};
use url::Url;

use super::{BUS, Session, credentials, found, home_in_session, key, openai};
use crate::{
    canary::{assert_no_canary, canary, follow_a_key, home_with},
    engine::{Driven, put},
    home::Home,
    served::Served,
};

#[tokio::test]
#[ignore = "needs a keyring in a private D-Bus session"]
async fn a_key_is_found_again_replaced_and_forgotten_by_other_processes() {
    let _session = Session::new();
    let home = home_in_session();
    let set = home.run(&["keys", "set", "openai"], "sk-first\n");
    assert_eq!(set.code, Some(0), "{set:?}");
    assert_eq!(
        set.out,
        "openai (https://api.openai.com:443): the key is in the OS keyring\n"
    );
    assert!(set.err.contains("added the endpoint openai"), "{set:?}");
    assert_eq!(
        found(&credentials()).await.unwrap().as_deref(),
        Some("sk-first")
    );
    let list = home.run(&["keys", "list"], "");
    assert_eq!(
        list.out, "openai  https://api.openai.com:443  OS keyring\n",
        "{list:?}"
    );

    let own = credentials();
    own.set_in_keyring(&openai(), key("sk-second"))
        .await
        .unwrap();
    assert_eq!(
        found(&credentials()).await.unwrap().as_deref(),
        Some("sk-second")
    );
    let place = home.run(&["keys", "where", "openai", "--json"], "").json();
    assert_eq!(place["place"]["place"], "keyring");

    own.set_in_memory(&openai(), key("sk-session"));
    assert_eq!(
        found(&own).await.unwrap().as_deref(),
        Some("sk-session"),
        "as the user chose"
    );
    own.set_in_keyring(&openai(), key("sk-third"))
        .await
        .unwrap();
    assert_eq!(
        found(&own).await.unwrap().as_deref(),
        Some("sk-third"),
        "not the session's any more"
    );

    let mut moved = openai();
    moved.base_url = Url::parse("https://elsewhere.example/v1").unwrap();
    let (detached, place) = own.resolve(&moved).await.unwrap();
    assert!(
        detached.is_none() && place == KeyPlace::Missing,
        "an edited origin has no key"
    );

    let forget = home.run(&["keys", "forget", "openai"], "");
    assert_eq!(forget.code, Some(0), "{forget:?}");
    assert_eq!(found(&credentials()).await.unwrap(), None);
    assert_eq!(home.run(&["keys", "where", "openai"], "").code, Some(1));
    assert_eq!(
        home.run(&["keys", "forget", "openai"], "").code,
        Some(0),
        "twice is no error"
    );
}

#[tokio::test]
#[ignore = "needs a keyring in a private D-Bus session"]
async fn a_proxy_password_is_kept_beside_the_key() {
    let _session = Session::new();
    let home = home_in_session();
    home.write_settings(
        "[endpoint.openai]\npreset = 'openai'\nproxy = 'http://me@p.example:3128'\n",
    );
    let set = home.run(&["keys", "set", "openai", "--proxy"], "pw-1");
    assert_eq!(set.code, Some(0), "{set:?}");
    let mut endpoint = openai();
    endpoint.connect.proxy = Some("http://me@p.example:3128".into());
    let own = credentials();
    let password = own
        .resolve_proxy_password(&endpoint)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(password.expose_secret(), "pw-1");
    assert_eq!(found(&own).await.unwrap(), None, "it is not the key");
    let listed = home.run(&["keys", "list"], "");
    assert!(
        listed
            .out
            .contains("http://me@p.example:3128    proxy password: OS keyring"),
        "{listed:?}"
    );
    assert!(!listed.out.contains("pw-1"));
    own.forget_proxy_password(&endpoint).await.unwrap();
    assert!(
        own.resolve_proxy_password(&endpoint)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
#[ignore = "needs a keyring in a private D-Bus session"]
async fn a_renamed_endpoint_keeps_its_key() {
    let _session = Session::new();
    let own = credentials();
    own.set_in_keyring(&openai(), key("sk-kept")).await.unwrap();
    let mut renamed = openai();
    renamed.id = "work".into();
    own.rename(&openai(), &renamed).await.unwrap();
    let (found_anew, place) = credentials().resolve(&renamed).await.unwrap();
    assert_eq!(found_anew.unwrap().expose_secret(), "sk-kept");
    assert_eq!(place, KeyPlace::Keyring);
    assert_eq!(found(&credentials()).await.unwrap(), None);
    own.forget(&renamed).await.unwrap();
}

/// As the app does it: the key goes with the id, and is forgotten with the endpoint.
#[test]
#[ignore = "needs a keyring in a private D-Bus session"]
fn a_key_follows_its_endpoint_through_the_settings() {
    let _session = Session::new();
    let driven = Driven::new("[endpoint.mine]\nbase_url = 'https://mine.example/v1'\n");
    let mine = driven.settings.endpoint("mine").unwrap().clone();
    driven.engine.send(Command::Key(KeyCommand::Set {
        endpoint: "mine".into(),
        of: KeyOf::Endpoint,
        key: key("sk-follows"),
        in_keyring: true,
    }));
    let place = |of: &str| {
        driven.until(|update| match update {
            Update::Key(KeyNews::Status(status)) if status.endpoint == of => Some(status.place),
            _ => None,
        })
    };
    assert_eq!(place("mine"), KeyPlace::Keyring);
    let renamed = Endpoint {
        id: "yours".into(),
        ..mine
    };
    driven.engine.send(put(Some("mine"), renamed.clone()));
    assert_eq!(place("yours"), KeyPlace::Keyring);
    let id = "yours".to_owned();
    let remove = SettingsEdit::RemoveEndpoint { id };
    driven.engine.send(Command::Edit(remove));
    // What is under way is done before the engine ends.
    driven.engine.send(Command::Stop);
    driven.until(|update| matches!(update, Update::Stopped).then_some(()));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let status = runtime.block_on(credentials().status(&renamed));
    assert_eq!(status.place, KeyPlace::Missing);
    assert_eq!(status.problem, None);
}

#[test]
#[ignore = "needs a keyring in a private D-Bus session"]
fn a_key_is_seen_nowhere_with_a_keyring() {
    let session = Session::new();
    let canary = canary();
    let home = home_with(&canary).with(BUS, &std::env::var(BUS).unwrap());
    let set = home.run(&["keys", "set", "openai"], &canary);
    assert_eq!(set.code, Some(0), "{set:?}");
    // The keyring's own files hold it encrypted.
    let data = std::env::var("XDG_DATA_HOME").expect("the session's own data folder");
    assert_no_canary(&[data.as_ref(), home.path()], &canary);
    follow_a_key(&home, &canary);
    assert_no_canary(&[data.as_ref(), home.path()], &canary);
    drop(session);
}

#[test]
#[ignore = "needs a keyring in a private D-Bus session"]
fn a_service_account_brings_its_project_and_is_used_at_once() {
    let _session = Session::new();
    let home = home_in_session();
    let canary = canary();
    let account = serde_json::json!({
        "type": "service_account", "client_email": "me@p-1.iam.gserviceaccount.com", "project_id": "p-1",
        "private_key": canary,
    });
    let account = serde_json::to_string_pretty(&account).unwrap();
    let set = home.run(&["keys", "set", "vertex-native"], &account);
    assert_eq!(set.code, Some(0), "{set:?}");
    assert!(set.err.contains("/projects/p-1/locations/"), "{set:?}");
    assert!(
        !set.err.contains("write "),
        "nothing is left to do: {set:?}"
    );
    let list = home.run(&["keys", "list"], "");
    let token = "access token of me@p-1.iam.gserviceaccount.com";
    assert!(list.out.contains(token), "{list:?}");
    home.run(&["keys", "forget", "vertex-native"], "");

    home.write_settings(
        "[endpoint.mine]\npreset = 'vertex-native'\nbase_url = 'https://eu-aiplatform.googleapis.com/v1/projects/PROJECT/locations/eu'\n",
    );
    let set = home.run(&["keys", "set", "mine"], &account);
    assert_eq!(set.code, Some(0), "{set:?}");
    let url = "write base_url = \"https://eu-aiplatform.googleapis.com/v1/projects/p-1/locations/eu\" below [endpoint.mine]";
    assert!(set.err.contains(url), "{set:?}");
    assert!(set.err.contains("write key_command = []"), "{set:?}");
    home.run(&["keys", "forget", "mine"], "");
    assert_no_canary(&[home.path()], &canary);
}

#[test]
#[ignore = "needs a keyring in a private D-Bus session"]
fn the_gateways_token_is_made_once_and_kept() {
    let _session = Session::new();
    let bus = std::env::var(BUS).expect("a session");
    let home = Home::new().with(BUS, &bus);
    let arguments = [
        "serve",
        "--simulator",
        "--listen",
        "127.0.0.1:0",
        "--no-history",
    ];
    let (said, _) = Served::start(home.tokenscope(arguments)).stop();
    let (_, token) = said
        .split_once("kept in the keyring: ")
        .unwrap_or_else(|| panic!("{said}"));
    let token = token.lines().next().unwrap_or_default().to_owned();
    assert!(token.starts_with("ts-"), "{said}");

    let printed = home.run(&["serve", "--print-token"], "");
    assert_eq!(
        (printed.code, printed.out.trim()),
        (Some(0), token.as_str()),
        "{}",
        printed.err
    );

    let client = home.clone().with("LLM_API_KEY", &token);
    let served = Served::start(home.tokenscope(arguments));
    let asks = [
        "chat",
        "--base-url",
        &served.base_url,
        "-m",
        "gemini-3-pro-preview",
        "Hello",
    ];
    assert_eq!(
        client.run(&asks, "").code,
        Some(0),
        "the kept token is that of the second start"
    );
    let (said, _) = served.stop();
    assert!(
        said.contains("--print-token") && !said.contains(&token),
        "{said}"
    );
}
