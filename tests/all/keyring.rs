//! A real gnome-keyring in a private D-Bus session: kept, found again, locked, restarted, hung.
//!
//! These tests are ignored unless such a session is around them: a script starts a bus and an unlocked
//! daemon, and runs `cargo test --test all keyring -- --ignored` in it. They take turns, since they
//! lock, kill and stop the one daemon there is.
#![cfg(target_os = "linux")]

mod broken;
mod kept;

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{self, Child, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use secrecy::{ExposeSecret as _, SecretString};
use tokenscope::{
    credential::{Credentials, KeyError},
    endpoint::{Endpoint, preset, variables::Environment},
};
use zbus::{
    blocking::{Connection, Proxy},
    zvariant::OwnedObjectPath,
};

use crate::{deadline, home::Home};

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
