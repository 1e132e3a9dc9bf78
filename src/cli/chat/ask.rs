//! Finds the targets of the arguments, and starts the engine and the runs.

use std::{borrow::Cow, sync::Arc};

use anyhow::{Context as _, bail};

use super::{ChatArgs, question::ChatPrompt};
use crate::{
    chat::ChatRequest,
    cli::{UsageError, note, unknown_endpoint, warn_of},
    credential::Credentials,
    endpoint::{Endpoint, TargetId, simulated},
    engine::{
        Command, EndpointCommand, Engine, Options, RunCommand, SendRun, SettingsNews, Update,
    },
    exchange::call::{left_out, raw_body},
    hints,
    run::{Origin, RunId},
    settings::{Paths, Settings},
    snippet::{Language, snippet},
};

/// The id of the endpoint of `--base-url`.
const AD_HOC: &str = "url";

/// The runs that were started, in the order of the targets.
pub(super) struct StartedRuns {
    pub(super) engine: Engine,
    pub(super) settings: Arc<Settings>,
    pub(super) runs: Vec<(RunId, TargetId)>,
}

/// The started engine, and the targets.
pub(super) struct Ready {
    engine: Engine,
    settings: Arc<Settings>,
    targets: Vec<TargetId>,
    /// Whether each run opens a new connection.
    cold: bool,
}

impl Ready {
    fn endpoint(&self, target: &TargetId) -> Result<Cow<'_, Endpoint>, UsageError> {
        let endpoint = self.settings.endpoint_or_preset(&target.endpoint);
        endpoint.ok_or_else(|| unknown_endpoint(&target.endpoint, &self.settings))
    }

    /// Fails if a target's protocol can't send all of the question, before any target is asked.
    pub(super) fn check(&self, question: &ChatPrompt) -> Result<(), UsageError> {
        for target in &self.targets {
            // An unknown endpoint is reported as a run's fault.
            let Ok(endpoint) = self.endpoint(target) else {
                continue;
            };
            let request = question.request(&target.model);
            if let Some(why) = hints::refusal(endpoint.dialect, &request) {
                return Err(UsageError::new(format!("{target}: {why}")));
            }
        }
        Ok(())
    }
}

/// Starts the engine and finds the targets.
pub(super) fn ready(args: &ChatArgs, paths: Paths) -> anyhow::Result<Ready> {
    let named = named_targets(args)?;
    let ad_hoc = ad_hoc_endpoint(args)?;
    let simulated = named.iter().any(|t| simulated::is_own(&t.endpoint));
    let options = Options {
        paths,
        simulator: simulated || (named.is_empty() && ad_hoc.is_none()),
        endpoints: ad_hoc.into_iter().collect(),
        history: !args.no_history,
        credentials: Credentials::default(),
    };
    let engine = Engine::start(options, || {}).context("the engine can't be started")?;
    let settings = settings(&engine)?;
    if args.base_url.is_none() {
        warn_of(&settings);
    }
    let targets = if named.is_empty() {
        vec![default_target(&engine, &settings)?]
    } else {
        named
    };
    Ok(Ready {
        engine,
        settings,
        targets,
        cold: args.cold,
    })
}

/// Starts one run per target.
pub(super) fn start(question: &ChatPrompt, ready: Ready) -> StartedRuns {
    let Ready {
        engine,
        settings,
        targets,
        cold,
    } = ready;
    let runs = targets.into_iter();
    let runs = runs.map(|target| (send(&engine, question, &target, cold), target));
    let runs = runs.collect();
    StartedRuns {
        engine,
        settings,
        runs,
    }
}

/// The request to each target as a program in this language.
pub(super) fn snippets(
    language: Language,
    question: &ChatPrompt,
    ready: &Ready,
) -> anyhow::Result<Vec<String>> {
    shown(question, ready, |endpoint, request| {
        snippet(language, endpoint, request)
    })
}

/// The JSON body that would be sent to each target.
pub(super) fn bodies(question: &ChatPrompt, ready: &Ready) -> anyhow::Result<Vec<String>> {
    shown(question, ready, |endpoint, request| {
        for left_out_setting in left_out(endpoint.dialect.dialect(), request) {
            note(&format!(
                "{}/{}: {left_out_setting}",
                endpoint.id, request.model
            ));
        }
        format!("{:#}\n", raw_body(endpoint, request))
    })
}

fn shown(
    question: &ChatPrompt,
    ready: &Ready,
    show: impl Fn(&Endpoint, &ChatRequest) -> String,
) -> anyhow::Result<Vec<String>> {
    let of = |target: &TargetId| {
        let endpoint = ready.endpoint(target)?;
        Ok(show(&endpoint, &question.request(&target.model)))
    };
    ready.targets.iter().map(of).collect()
}

fn send(engine: &Engine, question: &ChatPrompt, target: &TargetId, cold: bool) -> RunId {
    let id = RunId::new();
    engine.send(Command::Run(RunCommand::Send(SendRun {
        id,
        endpoint: target.endpoint.clone(),
        request: Arc::new(question.request(&target.model)),
        origin: Origin::Terminal,
        cold,
    })));
    id
}

/// Waits for the settings, which the engine sends first. An invalid file is fatal here: the requested target may be in
/// it.
fn settings(engine: &Engine) -> anyhow::Result<Arc<Settings>> {
    let mut settings = None;
    while let Some(update) = engine.next() {
        match update {
            Update::Settings(SettingsNews::Are(found)) => settings = Some(found),
            Update::Settings(SettingsNews::Problem(Some(problem))) => return Err(problem.into()),
            Update::NoSimulator(why) => bail!("the simulator can't be started: {why}"),
            Update::Ready => break,
            Update::Settings(SettingsNews::Problem(None))
            | Update::Run(_)
            | Update::Key(_)
            | Update::History(_)
            | Update::Gateway(_)
            | Update::Models { .. }
            | Update::Stopped => {}
        }
    }
    settings.context("the engine ended before it was ready")
}

fn named_targets(args: &ChatArgs) -> Result<Vec<TargetId>, UsageError> {
    let of_url = args.model.iter().map(|model| {
        Ok(TargetId {
            endpoint: AD_HOC.to_owned(),
            model: model.clone(),
        })
    });
    let of_names = args
        .targets
        .iter()
        .map(|text| text.parse().map_err(UsageError::new));
    of_names.chain(of_url).collect()
}

fn ad_hoc_endpoint(args: &ChatArgs) -> anyhow::Result<Option<Endpoint>> {
    let Some(written) = &args.base_url else {
        return Ok(None);
    };
    let mut endpoint = args.reach.endpoint(AD_HOC, written, args.dialect)?;
    endpoint.key_env = vec![args.key_env.clone()];
    Ok(Some(endpoint))
}

/// The first endpoint with a model; the simulator is last in the settings. An endpoint of the environment without a
/// model is asked for its list.
fn default_target(engine: &Engine, settings: &Settings) -> anyhow::Result<TargetId> {
    for endpoint in &settings.endpoints {
        let model = match endpoint.models.first() {
            Some(model) => Some(model.clone()),
            None if settings.built_in.contains(&endpoint.id) => first_listed(engine, &endpoint.id),
            None => None,
        };
        if let Some(model) = model {
            return Ok(TargetId {
                endpoint: endpoint.id.clone(),
                model,
            });
        }
    }
    bail!("no endpoint has a model: choose a target with -t endpoint/model")
}

/// The first model in an endpoint's list. Prints why there is none.
fn first_listed(engine: &Engine, id: &str) -> Option<String> {
    engine.send(Command::Endpoint(EndpointCommand::ListModels {
        endpoint: id.to_owned(),
        refresh: false,
    }));
    while let Some(update) = engine.next() {
        let Update::Models { endpoint, models } = update else {
            continue;
        };
        match models {
            _ if endpoint != id => {}
            Ok(models) => return models.first().map(|model| model.id.clone()),
            Err(fault) => {
                note(&format!("{id}: its models can't be listed: {fault}"));
                return None;
            }
        }
    }
    None
}
