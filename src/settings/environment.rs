//! Endpoints from environment variables, without any set-up.
//!
//! `LLM_BASE_URL` (with `LLM_API_KEY`, `LLM_MODEL` and `LLM_ALLOW_HTTP`) gives the endpoint `env`; a preset whose key
//! variable is set gives the endpoint of its id.

use std::path::PathBuf;

use super::SettingsProblem;
use crate::{
    dialect::DialectId,
    endpoint::{
        Endpoint, base_url,
        preset::{self, Preset},
        variables::{self, Environment},
    },
};

/// The endpoints, and the problems of variables that were meant to give one.
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
    let allow_http = environment
        .get("LLM_ALLOW_HTTP")
        .is_some_and(|word| is_yes(&word));
    let read = if allow_http {
        base_url::normalise_allowing_http(&written, DialectId::OpenaiChat)
    } else {
        base_url::normalise(&written, DialectId::OpenaiChat)
    };
    match read {
        Ok(base) => {
            // Tools that read `.env` files without a shell's rules keep quotes.
            if variables::unquoted(&written) != written {
                problems.push(problem(
                    URL,
                    "its value is in quotes, which were removed".to_owned(),
                ));
            }
            Some(Endpoint {
                label: URL.to_owned(),
                models: environment.get("LLM_MODEL").into_iter().collect(),
                allow_http,
                ..Endpoint::custom("env", base.url, DialectId::OpenaiChat)
            })
        }
        Err(why) => {
            problems.push(problem(URL, why.to_string()));
            None
        }
    }
}

fn is_yes(word: &str) -> bool {
    ["1", "true", "yes", "on"].contains(&word.to_ascii_lowercase().as_str())
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

/// A problem of a variable, with its name in place of a file.
fn problem(variable: &str, message: String) -> SettingsProblem {
    SettingsProblem {
        path: PathBuf::from(format!("${variable}")),
        line: None,
        message,
    }
}
