//! What is looked up beside runs: models, keys, and whether an endpoint can be reached.

use std::{path::Path, time::Duration};

use secrecy::SecretString;

use super::{Outbox, TestStep, TestedThing, Update};
use crate::{
    credential::{Credentials, KeyPlace},
    dialect::ModelInfo,
    endpoint::{Auth, Endpoint, cache::ModelCache, list::list_models},
    event::{Fault, FaultClass, Phase},
    transport::{Transport, dial},
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
    if !refresh
        && let Some(models) = cache.load(endpoint)
    {
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
    let (key, _) = credentials.resolve(endpoint).await.map_err(key_fault)?;
    list_models(transport, endpoint, key.as_ref()).await
}

pub(super) async fn set_key(
    out: &Outbox,
    credentials: &Credentials,
    endpoint: &Endpoint,
    key: SecretString,
    in_keyring: bool,
) {
    let kept = if in_keyring {
        credentials.set_in_keyring(endpoint, key).await
    } else {
        credentials.set_in_memory(endpoint, key);
        Ok(())
    };
    report_key(out, credentials, endpoint, kept).await;
}

pub(super) async fn forget_key(out: &Outbox, credentials: &Credentials, endpoint: &Endpoint) {
    let forgotten = credentials.forget(endpoint).await;
    report_key(out, credentials, endpoint, forgotten).await;
}

async fn report_key(
    out: &Outbox,
    credentials: &Credentials,
    endpoint: &Endpoint,
    result: Result<(), crate::credential::KeyError>,
) {
    // A new status clears an old problem, so the problem comes after it.
    out.send(Update::Key(credentials.status(endpoint).await));
    if let Err(why) = result {
        out.send(Update::KeyProblem {
            endpoint: endpoint.id.clone(),
            message: why.to_string(),
        });
    }
}

/// Tries an endpoint step by step and reports each; stops at the first that fails.
pub(super) async fn test(
    out: &Outbox,
    transport: &Transport,
    credentials: &Credentials,
    endpoint: &Endpoint,
) {
    let tell = |what, result: Result<String, Fault>, took| {
        let last = result.is_err() || what == TestedThing::Models;
        out.send(Update::Tested {
            endpoint: endpoint.id.clone(),
            step: TestStep {
                what,
                result,
                took,
                last,
            },
        });
    };
    for step in dial::steps(endpoint, credentials).await {
        let failed = step.result.is_err();
        tell(tested_thing(step.phase), step.result, Some(step.took));
        if failed {
            return;
        }
    }
    test_key_and_models(&tell, transport, credentials, endpoint).await;
}

fn tested_thing(phase: Phase) -> TestedThing {
    match phase {
        Phase::Dns => TestedThing::Dns,
        Phase::Tls => TestedThing::Tls,
        _ => TestedThing::Connect,
    }
}

async fn test_key_and_models(
    tell: &impl Fn(TestedThing, Result<String, Fault>, Option<Duration>),
    transport: &Transport,
    credentials: &Credentials,
    endpoint: &Endpoint,
) {
    let (key, place) = match credentials.resolve(endpoint).await {
        Ok(found) => found,
        Err(why) => return tell(TestedThing::Auth, Err(key_fault(why)), None),
    };
    if endpoint.auth != Auth::None && key.is_none() && !endpoint.is_local() {
        return tell(TestedThing::Auth, Err(no_key(endpoint)), None);
    }
    match list_models(transport, endpoint, key.as_ref()).await {
        Ok(models) => {
            tell(TestedThing::Auth, Ok(describe(&place)), None);
            tell(TestedThing::Models, Ok(format!("{} models", models.len())), None);
        }
        Err(fault) if fault.class == FaultClass::Auth => tell(TestedThing::Auth, Err(fault), None),
        // Some endpoints keep no list: that says nothing about the key.
        Err(fault) if fault.class == FaultClass::NotFound => {
            let unknown = "not told apart: the endpoint has no list to ask for";
            tell(TestedThing::Auth, Ok(unknown.into()), None);
            tell(TestedThing::Models, Ok("no list here: type model names by hand".into()), None);
        }
        Err(fault) => {
            tell(TestedThing::Auth, Ok("not refused".into()), None);
            tell(TestedThing::Models, Err(fault), None);
        }
    }
}

fn describe(place: &KeyPlace) -> String {
    match place {
        KeyPlace::Env { var } => format!("key from ${var}"),
        KeyPlace::Command { program } => format!("key from {program}"),
        KeyPlace::Keyring => "key from the OS keyring".into(),
        KeyPlace::Memory => "key of this session".into(),
        KeyPlace::NotNeeded => "no key needed".into(),
        KeyPlace::Missing => "no key set, and none asked for".into(),
    }
}

fn no_key(endpoint: &Endpoint) -> Fault {
    let hint = match endpoint.key_env.first() {
        Some(var) => format!("set one under Keys, or set ${var}"),
        None => "set one under Keys".to_owned(),
    };
    Fault::new(
        FaultClass::Auth,
        Phase::Prepare,
        format!("{} has no key: {hint}", endpoint.label),
    )
}

fn key_fault(why: crate::credential::KeyError) -> Fault {
    Fault::new(FaultClass::Auth, Phase::Prepare, why.to_string())
}
