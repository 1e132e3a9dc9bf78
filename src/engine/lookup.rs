//! Lookups besides runs: models, keys, and the test of an endpoint.

pub(super) mod local_servers;
mod other_urls;

use std::path::Path;

use secrecy::SecretString;

use super::{KeyNews, Outbox, TestStep, TestedThing, Update};
use crate::{
    body::ModelInfo,
    credential::{Credentials, KeyError, KeyOf, KeyPlace, RequestKeys, explained},
    endpoint::{Endpoint, cache::ModelCache},
    event::{Fault, FaultClass, Phase},
    exchange::{
        self,
        call::models_call,
        list::{list_models, read_models},
    },
    transport::Transport,
};

/// The cached list of an endpoint's models, or a fresh one.
pub(super) async fn models(
    transport: &Transport,
    credentials: &Credentials,
    endpoint: &Endpoint,
    folder: &Path,
    refresh: bool,
) -> Result<Vec<ModelInfo>, Fault> {
    let cache = ModelCache::new(folder);
    if !refresh && let Some(models) = cache.load(endpoint) {
        return Ok(models);
    }
    let models = fetch(transport, credentials, endpoint).await?;
    cache.store(endpoint, &models);
    Ok(models)
}

async fn fetch(
    transport: &Transport,
    credentials: &Credentials,
    endpoint: &Endpoint,
) -> Result<Vec<ModelInfo>, Fault> {
    let keys = RequestKeys::of(credentials, endpoint).await?;
    let (key, proxy) = (keys.key.as_ref(), keys.proxy_password.as_ref());
    let listed = list_models(transport, &keys.place.fitted(endpoint), key, proxy).await;
    listed.map_err(|fault| explained(fault, keys.no_key_reason.as_deref()))
}

pub(super) async fn set_key(
    out: &Outbox,
    credentials: &Credentials,
    (endpoint, of): (&Endpoint, KeyOf),
    key: SecretString,
    in_keyring: bool,
) {
    let stored = match (of, in_keyring) {
        (KeyOf::Endpoint, true) => credentials.set_in_keyring(endpoint, key).await,
        (KeyOf::Endpoint, false) => {
            credentials.set_in_memory(endpoint, key);
            Ok(())
        }
        (KeyOf::Proxy, true) => credentials.set_proxy_password(endpoint, key).await,
        (KeyOf::Proxy, false) => credentials.set_proxy_password_in_memory(endpoint, key),
    };
    report_key(out, credentials, (endpoint, of), stored).await;
}

pub(super) async fn forget_key(
    out: &Outbox,
    credentials: &Credentials,
    (endpoint, of): (&Endpoint, KeyOf),
) {
    let deleted = match of {
        KeyOf::Endpoint => credentials.forget(endpoint).await,
        KeyOf::Proxy => credentials.forget_proxy_password(endpoint).await,
    };
    report_key(out, credentials, (endpoint, of), deleted).await;
}

/// Moves the keys of an endpoint whose id changed.
pub(super) async fn rename_keys(
    out: &Outbox,
    credentials: &Credentials,
    old: &Endpoint,
    new: &Endpoint,
) {
    let moved = credentials.rename(old, new).await;
    let of = KeyOf::Endpoint;
    report_key(
        out,
        credentials,
        (new, of),
        moved.map_err(|why| {
            KeyError::Other(format!("the key of “{}” could not be moved: {why}", old.id))
        }),
    )
    .await;
    if let Some(status) = credentials.proxy_status(new).await {
        out.send(Update::Key(KeyNews::Status(status)));
    }
}

/// Deletes the keys of a deleted endpoint; reports only failures.
pub(super) async fn forget_keys(out: &Outbox, credentials: &Credentials, endpoint: &Endpoint) {
    let mut deleted = vec![(KeyOf::Endpoint, credentials.forget(endpoint).await)];
    if credentials.proxy_status(endpoint).await.is_some() {
        deleted.push((
            KeyOf::Proxy,
            credentials.forget_proxy_password(endpoint).await,
        ));
    }
    for (of, result) in deleted {
        match result {
            // Without a keyring, nothing was stored in it.
            Ok(()) | Err(KeyError::NoKeyring(_)) => {}
            Err(why) => out.send(Update::Key(KeyNews::Problem {
                endpoint: endpoint.id.clone(),
                of,
                message: format!("its key could not be deleted: {why}"),
            })),
        }
    }
}

async fn report_key(
    out: &Outbox,
    credentials: &Credentials,
    (endpoint, of): (&Endpoint, KeyOf),
    result: Result<(), KeyError>,
) {
    let status = match of {
        KeyOf::Endpoint => Some(credentials.status(endpoint).await),
        KeyOf::Proxy => credentials.proxy_status(endpoint).await,
    };
    // A new status clears an old problem, so the problem comes after it.
    if let Some(status) = status {
        out.send(Update::Key(KeyNews::Status(status)));
    }
    if let Err(why) = result {
        out.send(Update::Key(KeyNews::Problem {
            endpoint: endpoint.id.clone(),
            of,
            message: why.to_string(),
        }));
    }
}

/// Tests an endpoint with a request for its models on a new connection, and reports each step.
pub(super) async fn test(
    report: &(impl Fn(TestStep) + Sync),
    credentials: &Credentials,
    endpoint: &Endpoint,
) {
    let report_step = |what, result, sure, took| {
        report(TestStep {
            what,
            result,
            sure,
            took,
        });
    };
    let keys = match RequestKeys::of(credentials, endpoint).await {
        Ok(found) => found,
        Err(fault) => return report_step(TestedThing::Auth, Err(fault), true, None),
    };
    let endpoint = keys.place.fitted(endpoint);
    let call = match models_call(&endpoint, keys.key.as_ref(), keys.proxy_password.clone()) {
        Ok(call) => call,
        Err(fault) => return report_step(TestedThing::Auth, Err(fault), true, None),
    };
    let mask = call.mask(None);
    let mut report = |step: exchange::ConnectStep| {
        let result = step.result.map_err(|fault| mask.fault(fault));
        report_step(tested_thing(step.phase), result, true, step.took);
    };
    let models = match exchange::probe(call, &mut report).await {
        Ok(whole) => read_models(&endpoint, &whole)
            .map_err(|fault| mask.fault(explained(fault, keys.no_key_reason.as_deref()))),
        Err(fault) if is_connecting(fault.phase) => return,
        Err(fault) => Err(mask.fault(fault)),
    };
    for (what, result, sure) in key_and_models(models, &endpoint, &keys).await {
        report_step(what, result, sure, None);
    }
}

/// Whether a fault of this phase was already reported as a step.
fn is_connecting(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::Prepare | Phase::Dns | Phase::Connect | Phase::Tls
    )
}

fn tested_thing(phase: Phase) -> TestedThing {
    match phase {
        Phase::Dns => TestedThing::Dns,
        Phase::Tls => TestedThing::Tls,
        _ => TestedThing::Connect,
    }
}

/// The tested thing, the result, and whether a good result shows that requests will work.
type Tested = (TestedThing, Result<String, Fault>, bool);

/// The results for the key and the list of models, given the response to a request for models.
async fn key_and_models(
    models: Result<Vec<ModelInfo>, Fault>,
    endpoint: &Endpoint,
    keys: &RequestKeys,
) -> Vec<Tested> {
    use TestedThing::{Auth, Models};
    match models {
        Ok(models) => {
            let (text, sure) = key_result(endpoint, keys).await;
            let list = match models.len() {
                1 => "1 model".to_owned(),
                n => format!("{n} models"),
            };
            vec![
                (Auth, Ok(text), sure),
                (Models, Ok(list), !models.is_empty()),
            ]
        }
        Err(fault) if fault.class == FaultClass::Auth => vec![(Auth, Err(fault), true)],
        // Either the server has no list, or the base URL is wrong: the key was not tested.
        Err(fault) if fault.class == FaultClass::NotFound => {
            let found = other_urls::tried(endpoint, keys).await;
            vec![
                (Auth, Ok(found.key), false),
                (Models, Ok(found.list), false),
            ]
        }
        Err(fault) => vec![
            (
                Auth,
                Ok("not tested: there is no list of models".into()),
                false,
            ),
            (Models, Err(fault), true),
        ],
    }
}

/// Whether the list of models shows that the key is right: not if it is also returned without a key.
async fn key_result(endpoint: &Endpoint, keys: &RequestKeys) -> (String, bool) {
    let place = describe(&keys.place);
    if keys.key.is_none() {
        return (place, keys.place != KeyPlace::Missing);
    }
    let without = match models_call(endpoint, None, keys.proxy_password.clone()) {
        Ok(call) => exchange::probe(call, &mut |_| ()).await,
        // The endpoint can't be asked without a key, so the key was checked.
        Err(_) => return (place, true),
    };
    match without {
        Ok(whole) if read_models(endpoint, &whole).is_ok() => (
            format!("{place}; not verified: the list is returned without a key, too"),
            false,
        ),
        _ => (place, true),
    }
}

fn describe(place: &KeyPlace) -> String {
    match place {
        KeyPlace::Env { var } => format!("key from ${var}"),
        KeyPlace::Command { program } => format!("key from {program}"),
        KeyPlace::Google { account, .. } => format!("access token of {account}"),
        KeyPlace::Keyring => "key from the OS keyring".into(),
        KeyPlace::Memory => "key of this session".into(),
        KeyPlace::NotNeeded => "no key needed".into(),
        KeyPlace::Missing => "no key set, and none required".into(),
    }
}
