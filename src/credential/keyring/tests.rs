//! The keyring's thread, with stores that fail, hang and come back.

use std::collections::HashMap;

use secrecy::ExposeSecret;

use super::*;

type ScriptedStore = Box<dyn FnMut(&Op) -> KeyringResult + Send>;

/// A store that does what the test says.
struct Fake(ScriptedStore);

impl Store for Fake {
    fn call(&mut self, op: &Op) -> KeyringResult {
        (self.0)(op)
    }
}

fn keyring(
    limit: Duration,
    mut make: impl FnMut() -> Result<ScriptedStore, KeyError> + Send + 'static,
) -> Keyring {
    let open: OpenKeyring = Box::new(move || Ok(Box::new(Fake(make()?)) as Box<dyn Store>));
    Keyring {
        limit,
        ..Keyring::new(open)
    }
}

fn get(owner: &str) -> Op {
    Op::Get {
        owner: owner.to_owned(),
    }
}

fn shown(answer: &KeyringResult) -> Result<Option<&str>, String> {
    (answer.as_ref())
        .map(|secret| secret.as_ref().map(ExposeSecret::expose_secret))
        .map_err(ToString::to_string)
}

/// Far beyond what a healthy call takes on the busiest machine.
const AMPLE: Duration = Duration::from_mins(2);

#[tokio::test]
async fn a_healthy_store_is_opened_once_and_serves_many_at_a_time() {
    let (opened, count) = mpsc::channel();
    let keyring = Arc::new(keyring(AMPLE, move || {
        opened.send(()).unwrap();
        let mut map: HashMap<String, SecretString> = HashMap::new();
        Ok(Box::new(move |op: &Op| match op {
            Op::Get { owner } | Op::Peek { owner } => Ok(map.get(owner).cloned()),
            Op::Set { owner, secret } => {
                map.insert(owner.clone(), secret.clone());
                Ok(None)
            }
            Op::Forget { owner } => {
                map.remove(owner);
                Ok(None)
            }
        }))
    }));
    let mut tasks = tokio::task::JoinSet::new();
    for i in 0..50 {
        let keyring = Arc::clone(&keyring);
        tasks.spawn(async move {
            let owner = format!("o{i}");
            let secret = SecretString::from(format!("s{i}"));
            let set = Op::Set {
                owner: owner.clone(),
                secret,
            };
            keyring.call(set).await.unwrap();
            let got = keyring.call(get(&owner)).await;
            assert_eq!(shown(&got), Ok(Some(format!("s{i}").as_str())));
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    keyring
        .call(Op::Forget { owner: "o1".into() })
        .await
        .unwrap();
    assert_eq!(shown(&keyring.call(get("o1")).await), Ok(None));
    assert_eq!(count.try_iter().count(), 1);
}

#[tokio::test]
async fn a_service_that_comes_later_is_seen() {
    let mut tries = 0;
    let keyring = keyring(AMPLE, move || {
        tries += 1;
        if tries < 3 {
            return Err(KeyError::NoKeyring("no service".into()));
        }
        Ok(Box::new(|_| Ok(Some("k".to_owned().into()))))
    });
    for expected in [
        Err("no OS keyring: no service"),
        Err("no OS keyring: no service"),
        Ok(Some("k")),
    ] {
        let got = keyring.call(get("o")).await;
        assert_eq!(shown(&got), expected.map_err(str::to_owned));
    }
}

#[tokio::test]
async fn a_service_that_was_restarted_is_found_by_the_same_call() {
    let mut opened = 0;
    let keyring = keyring(AMPLE, move || {
        opened += 1;
        let (first, mut calls) = (opened == 1, 0);
        Ok(Box::new(move |_| {
            calls += 1;
            if first && calls > 1 {
                return Err(KeyError::Other("the session is gone".into()));
            }
            Ok(Some(format!("k{opened}").into()))
        }))
    });
    assert_eq!(shown(&keyring.call(get("o")).await), Ok(Some("k1")));
    assert_eq!(shown(&keyring.call(get("o")).await), Ok(Some("k2")));
}

#[tokio::test]
async fn a_locked_keyring_is_asked_once_a_call() {
    let (asked, count) = mpsc::channel();
    let keyring = keyring(AMPLE, move || {
        let asked = asked.clone();
        Ok(Box::new(move |_| {
            asked.send(()).unwrap();
            Err(KeyError::Locked("unlock it".into()))
        }))
    });
    for n in 1..=2 {
        let got = keyring.call(get("o")).await;
        assert_eq!(
            shown(&got),
            Err("the OS keyring is locked: unlock it".into())
        );
        assert_eq!(count.try_iter().count(), 1, "call {n}");
    }
}

#[tokio::test]
async fn while_a_call_hangs_others_fail_at_once_and_none_happens_late() {
    let (release, blocked) = mpsc::channel::<()>();
    let (kept, log) = mpsc::channel();
    let (entered, inside) = mpsc::channel();
    let mut blocked = Some(blocked);
    let keyring = Arc::new(keyring(Duration::from_millis(50), move || {
        let (kept, entered, blocked) = (kept.clone(), entered.clone(), blocked.take());
        Ok(Box::new(move |op: &Op| {
            entered.send(()).unwrap();
            if let (Op::Get { .. }, Some(blocked)) = (op, &blocked) {
                // Hangs until the test lets go.
                let _ = blocked.recv();
            }
            if let Op::Set { owner, .. } = op {
                kept.send(owner.clone()).unwrap();
            }
            Ok(None)
        }))
    }));
    // Both calls are made while the gate is open: one hangs, one waits behind it.
    let hanging = tokio::spawn({
        let keyring = Arc::clone(&keyring);
        async move { keyring.call(get("o")).await }
    });
    let _inside = tokio::task::spawn_blocking(move || inside.recv().map(|()| inside))
        .await
        .unwrap()
        .unwrap();
    let secret: SecretString = "s".to_owned().into();
    let set = |owner: &str| Op::Set {
        owner: owner.into(),
        secret: secret.clone(),
    };
    assert!(matches!(
        keyring.call(set("behind")).await,
        Err(KeyError::Hung(_))
    ));
    assert!(matches!(hanging.await.unwrap(), Err(KeyError::Hung(_))));
    // The gate is shut: nothing is even queued now.
    for _ in 0..1000 {
        let error = keyring.call(set("shut")).await.map(drop).unwrap_err();
        assert!(error.to_string().contains("earlier call"), "{error}");
    }
    drop(release);
    // The thread recovers by itself once the hung call returns.
    while keyring.call(set("after")).await.is_err() {
        tokio::task::yield_now().await;
    }
    let kept: Vec<String> = log.try_iter().collect();
    assert!(kept.iter().all(|owner| owner == "after"), "{kept:?}");
}

#[tokio::test]
async fn a_panicking_library_fails_the_call_only() {
    let mut opened = 0;
    let keyring = keyring(AMPLE, move || {
        opened += 1;
        if opened == 1 {
            return Ok(Box::new(|_| panic!("as the test wants")));
        }
        Ok(Box::new(|_| Ok(None)))
    });
    let first = keyring.call(get("o")).await;
    assert_eq!(shown(&first), Err("the keyring's library panicked".into()));
    assert_eq!(shown(&keyring.call(get("o")).await), Ok(None));
}

#[test]
fn a_runtime_ends_while_a_call_hangs() {
    let (_release, blocked) = mpsc::channel::<()>();
    let mut blocked = Some(blocked);
    let keyring = keyring(Duration::from_millis(20), move || {
        let blocked = blocked.take();
        Ok(Box::new(move |_| {
            let _ = blocked.as_ref().map(Receiver::recv);
            Ok(None)
        }))
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let got = runtime.block_on(keyring.call(get("o")));
    assert!(matches!(got, Err(KeyError::Hung(_))));
    drop(runtime);
    drop(keyring);
}
