//! A keyring that is locked, started anew, hung, or not there.

use std::{process, time::Duration};

use tokenscope::credential::{KeyError, KeyPlace};

use super::{BUS, Session, credentials, found, home_in_session, key, openai};
use crate::home::Home;

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
