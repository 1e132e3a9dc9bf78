//! A real gnome-keyring in a private D-Bus session: kept, found again, locked, restarted, hung.
//!
//! These tests are ignored unless such a session is around them: a script starts a bus and an unlocked
//! daemon, and runs `cargo test --test all keyring -- --ignored` in it. They take turns, since they
//! lock, kill and stop the one daemon there is.
#![cfg(target_os = "linux")]

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{self, Child, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use tokenscope::{
    credential::{Credentials, KeyError, KeyOf, KeyPlace},
    endpoint::{Endpoint, preset, variables::Environment},
    engine::{Command, KeyCommand, KeyNews, Update},
    settings::SettingsEdit,
};
use url::Url;
use zbus::{
    blocking::{Connection, Proxy},
    zvariant::OwnedObjectPath,
};

use crate::{
    canary::{assert_no_canary, canary, follow_a_key, home_with},
    deadline,
    engine::{Driven, put},
    home::Home,
    served::Served,
};

const BUS: &str = "DBUS_SESSION_BUS_ADDRESS";
const PASSWORD: &str = "ci-only-password";

/// The session around the test, for one test at a time.
struct Session {
    bus: Connection,
    /// The daemon that a test started in place of the session's own.
    daemon: Option<Child>,
    _turn: MutexGuard<'static, ()>,
}

impl Session {
    fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        Self {
            _turn: TURN.lock().unwrap_or_else(PoisonError::into_inner),
            bus: Connection::session().expect("a private D-Bus session is around the test"),
            daemon: None,
        }
    }

    /// The process that now owns the service's name.
    fn daemon_pid(&self) -> Option<u32> {
        let proxy = Proxy::new(
            &self.bus,
            "org.freedesktop.DBus",
            "/",
            "org.freedesktop.DBus",
        );
        let proxy = proxy.expect("a proxy");
        (proxy.call("GetConnectionUnixProcessID", &("org.freedesktop.secrets",))).ok()
    }

    fn signal(&self, signal: &str) {
        let pid = self.daemon_pid().expect("a daemon runs").to_string();
        let sent = process::Command::new("kill").args([signal, &pid]).status();
        assert!(sent.expect("kill").success());
    }

    fn kill_daemon(&mut self) {
        self.signal("-KILL");
        if let Some(mut daemon) = self.daemon.take() {
            deadline::ended(&mut daemon);
        }
        deadline::until_true("a bus without the daemon", || self.daemon_pid().is_none());
    }

    /// Starts a daemon with the same collection, unlocked.
    fn start_daemon(&mut self) {
        let mut daemon = process::Command::new("gnome-keyring-daemon")
            .args([
                "--foreground",
                "--unlock",
                "--replace",
                "--components=secrets",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon");
        let mut stdin = daemon.stdin.take().expect("a pipe");
        stdin.write_all(PASSWORD.as_bytes()).expect("it reads");
        drop(stdin);
        while self.daemon_pid() != Some(daemon.id()) {
            std::thread::yield_now();
        }
        self.daemon = Some(daemon);
    }

    /// Locks the default collection.
    fn lock(&self) {
        let name = "org.freedesktop.secrets";
        let interface = "org.freedesktop.Secret.Service";
        let service = Proxy::new(&self.bus, name, "/org/freedesktop/secrets", interface);
        let service = service.expect("a proxy");
        let collection: OwnedObjectPath = service.call("ReadAlias", &("default",)).expect("one");
        let (locked, _prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = service
            .call("Lock", &(vec![collection],))
            .expect("it locks");
        assert_eq!(locked.len(), 1);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(daemon) = &mut self.daemon {
            // The session's script ends only what it started itself; and the next test needs a daemon.
            if std::thread::panicking() {
                let _ = daemon.kill();
            }
        }
    }
}

/// A new user's home, with the keyring of the session around the test.
fn home_in_session() -> Home {
    Home::new().with(BUS, &std::env::var(BUS).expect("a session"))
}

fn openai() -> Endpoint {
    preset::find("openai")
        .unwrap()
        .endpoint(&BTreeMap::new())
        .unwrap()
}

fn credentials() -> Credentials {
    Credentials::in_environment(Environment::of([]))
}

fn key(text: &str) -> SecretString {
    text.to_owned().into()
}

/// The key in the keyring, as a program that has just started sees it.
async fn found(credentials: &Credentials) -> Result<Option<String>, KeyError> {
    let (key, _) = credentials.resolve(&openai()).await?;
    Ok(key.map(|key| key.expose_secret().to_owned()))
}

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

#[tokio::test]
#[ignore = "needs a keyring in a private D-Bus session"]
async fn a_locked_keyring_is_told_and_a_session_key_still_works() {
    let mut session = Session::new();
    let own = credentials();
    own.set_in_keyring(&openai(), key("sk-1")).await.unwrap();
    session.lock();
    let status = own.status(&openai()).await;
    assert_eq!(status.place, KeyPlace::Missing);
    assert!(
        status
            .problem
            .unwrap()
            .starts_with("the OS keyring is locked: ")
    );
    let results = [
        found(&own).await.map(drop),
        found(&credentials()).await.map(drop),
        own.set_in_keyring(&openai(), key("sk-2")).await,
        own.forget(&openai()).await,
    ];
    for (i, result) in results.into_iter().enumerate() {
        assert!(
            matches!(result, Err(KeyError::Locked(_))),
            "{i}: {result:?}"
        );
    }
    let ran = home_in_session().run(&["keys", "where", "openai"], "");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("none — the OS keyring is locked: "),
        "{ran:?}"
    );
    own.set_in_memory(&openai(), key("sk-session"));
    assert_eq!(found(&own).await.unwrap().as_deref(), Some("sk-session"));

    session.kill_daemon();
    session.start_daemon();
    assert_eq!(
        found(&credentials()).await.unwrap().as_deref(),
        Some("sk-1"),
        "nothing was changed"
    );
    credentials().forget(&openai()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a keyring in a private D-Bus session"]
async fn a_daemon_that_is_started_anew_is_seen_by_the_same_program() {
    let mut session = Session::new();
    let own = credentials();
    own.set_in_keyring(&openai(), key("sk-1")).await.unwrap();
    session.kill_daemon();
    // D-Bus may start another one by itself now: that one is locked.
    let gone = found(&own).await;
    assert!(
        matches!(gone, Err(KeyError::NoKeyring(_) | KeyError::Locked(_))),
        "{gone:?}"
    );
    session.start_daemon();
    assert_eq!(found(&own).await.unwrap().as_deref(), Some("sk-1"));
    session.kill_daemon();
    session.start_daemon();
    assert_eq!(
        found(&own).await.unwrap().as_deref(),
        Some("sk-1"),
        "within one call, too"
    );
    own.forget(&openai()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs a keyring in a private D-Bus session"]
async fn a_hung_daemon_blocks_no_one_and_is_used_again_when_it_wakes() {
    let session = Session::new();
    let own = credentials();
    own.set_in_keyring(&openai(), key("sk-1")).await.unwrap();
    session.signal("-STOP");
    // This runtime has a single thread: if the call blocked it, no tick could pass meanwhile.
    let mut ticks = 0;
    let mut clock = tokio::time::interval(Duration::from_millis(10));
    let waiting = found(&own);
    tokio::pin!(waiting);
    let hung = loop {
        tokio::select! {
            result = &mut waiting => break result,
            _ = clock.tick() => ticks += 1,
        }
    };
    assert!(matches!(hung, Err(KeyError::Hung(_))), "{hung:?}");
    assert!(ticks > 10, "{ticks} ticks");
    let again = found(&own).await.unwrap_err().to_string();
    assert!(again.contains("busy with an earlier call"), "{again}");
    own.set_in_memory(&openai(), key("sk-session"));
    assert_eq!(found(&own).await.unwrap().as_deref(), Some("sk-session"));
    // A whole program gets no answer either, says so, and ends by itself.
    let ran = home_in_session().run(&["keys", "where", "openai"], "");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("the OS keyring does not answer: "),
        "{ran:?}"
    );

    session.signal("-CONT");
    let fresh = loop {
        match found(&credentials()).await {
            Err(KeyError::Hung(_)) => {}
            other => break other,
        }
    };
    assert_eq!(fresh.unwrap().as_deref(), Some("sk-1"));
    while let Err(why) = own.forget(&openai()).await {
        assert!(matches!(why, KeyError::Hung(_)), "{why}");
    }
    assert_eq!(found(&credentials()).await.unwrap(), None);
}

#[test]
#[ignore = "needs a keyring in a private D-Bus session"]
fn a_service_without_a_collection_is_no_keyring_and_no_bus_neither() {
    let _session = Session::new();
    let home = Home::new();
    // A bus of its own, on which D-Bus starts a daemon that was never given a password.
    let command = home.tokenscope(["keys", "where", "openai"]);
    let mut fresh = process::Command::new("dbus-run-session");
    fresh
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args());
    fresh
        .env_clear()
        .envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))));
    fresh
        .env_remove(BUS)
        .env("XDG_DATA_HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path());
    let ran = crate::home::Ran::from(fresh.output().expect("dbus-run-session"));
    assert!(
        ran.out
            .contains("no OS keyring: the Secret Service runs but has no default collection"),
        "{ran:?}"
    );
    let ran = home.run(&["keys", "where", "openai"], "");
    assert!(
        ran.out.contains("no OS keyring: there is no D-Bus session"),
        "{ran:?}"
    );
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
