//! Starts the runs.

use std::sync::Arc;

use super::question::ChatPrompt;
use crate::{
    chat::ChatRequest,
    cli::{UsageError, note, targets::Ready},
    endpoint::{Endpoint, TargetId},
    engine::{Command, Engine, RunCommand, SendRun},
    exchange::call::{left_out, raw_body},
    hints,
    run::{Origin, RunId},
    settings::Settings,
    snippet::{Language, snippet},
};

/// The runs that were started, in the order of the targets.
pub(super) struct StartedRuns {
    pub(super) engine: Engine,
    pub(super) settings: Arc<Settings>,
    pub(super) runs: Vec<(RunId, TargetId)>,
}

/// Fails if a target's protocol can't send all of the question, before any target is asked.
pub(super) fn check(ready: &Ready, question: &ChatPrompt) -> Result<(), UsageError> {
    for target in &ready.targets {
        // An unknown endpoint is reported as a run's fault.
        let Ok(endpoint) = ready.endpoint(target) else {
            continue;
        };
        let request = question.request(&target.model);
        if let Some(why) = hints::refusal(endpoint.dialect, &request) {
            return Err(UsageError::new(format!("{target}: {why}")));
        }
    }
    Ok(())
}

/// Starts one run per target.
pub(super) fn start(question: &ChatPrompt, ready: Ready, cold: bool) -> StartedRuns {
    let Ready {
        engine,
        settings,
        targets,
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
