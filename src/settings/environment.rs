//! Endpoints that the environment makes ready, with no set-up at all.
//!
//! `LLM_BASE_URL` (with `LLM_API_KEY` and `LLM_MODEL`) gives the endpoint `env`; a preset whose key
//! variable is set gives the endpoint of its own id.

use std::path::PathBuf;

use super::SettingsProblem;
use crate::{
    dialect::DialectId,
    endpoint::{
        Endpoint, base_url,
        preset::{self, Preset},
        variables::Environment,
    },
};

/// The endpoints, and what is wrong with variables that were meant to make one.
pub(super) fn endpoints(environment: &Environment) -> (Vec<Endpoint>, Vec<SettingsProblem>) {
    let mut problems = Vec::new();
    let mut found: Vec<Endpoint> = generic(environment, &mut problems).into_iter().collect();
    for preset in preset::all() {
        found.extend(of_preset(preset, environment, &mut problems));
    }
    (found, problems)
}

/// The endpoint of `LLM_BASE_URL`.
fn generic(environment: &Environment, problems: &mut Vec<SettingsProblem>) -> Option<Endpoint> {
    const URL: &str = "LLM_BASE_URL";
    let written = environment.get(URL)?;
    match base_url::normalise(&written, DialectId::OpenaiChat) {
        Ok(base) => Some(Endpoint {
            label: URL.to_owned(),
            models: environment.get("LLM_MODEL").into_iter().collect(),
            ..Endpoint::custom("env", base.url, DialectId::OpenaiChat)
        }),
        Err(why) => {
            problems.push(problem(URL, why.to_string()));
            None
        }
    }
}

fn of_preset(
    preset: &Preset,
    environment: &Environment,
    problems: &mut Vec<SettingsProblem>,
) -> Option<Endpoint> {
    let (var, _) = environment.first(&preset.key_env)?;
    match preset.endpoint_of(environment) {
        Ok(endpoint) => Some(endpoint),
        Err(why) => {
            let why = format!("{} is not ready: {why}", preset.label);
            problems.push(problem(var, why));
            None
        }
    }
}

/// A problem of a variable stands where a file's would.
fn problem(variable: &str, message: String) -> SettingsProblem {
    SettingsProblem {
        path: PathBuf::from(format!("${variable}")),
        line: None,
        message,
    }
}
