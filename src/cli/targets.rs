//! The targets of a command: those that are named, those of `--base-url`, or the first that is ready.

use std::{borrow::Cow, sync::Arc};

use anyhow::{Context as _, bail};

use super::{
    UsageError,
    ad_hoc::{Reach, WHERE},
    note, unknown_endpoint, warn_of,
};
use crate::{
    credential::Credentials,
    dialect::DialectId,
    endpoint::{Endpoint, TargetId, simulated},
    engine::{Command, EndpointCommand, Engine, Options, SettingsNews, Update},
    settings::{Paths, Settings},
};

/// The id of the endpoint of `--base-url`.
const AD_HOC: &str = "url";

/// Which targets are asked, and how they are reached.
#[derive(Debug, clap::Args)]
pub(super) struct TargetArgs {
    /// Where to ask, as endpoint/model; repeat it to ask several side by side.
    #[arg(short, long = "target", value_name = "TARGET", help_heading = WHERE)]
    targets: Vec<String>,

    /// Ask this URL; needs no set-up. The key is read from the environment variable that --key-env names.
    #[arg(
        long,
        value_name = "URL",
        requires = "model",
        conflicts_with = "targets",
        help_heading = WHERE
    )]
    base_url: Option<String>,

    /// The protocol of --base-url.
    #[arg(long, value_name = "DIALECT", default_value = "openai-chat", value_parser = super::dialect(), help_heading = WHERE)]
    dialect: DialectId,

    /// The model to ask at --base-url; may be repeated.
    #[arg(short, long = "model", value_name = "MODEL", requires = "base_url", help_heading = WHERE)]
    model: Vec<String>,

    /// Environment variable with the key for --base-url.
    #[arg(long, value_name = "VAR", default_value = "LLM_API_KEY", help_heading = WHERE)]
    key_env: String,

    #[command(flatten)]
    reach: Reach,
}

/// The started engine, and the targets.
pub(super) struct Ready {
    pub engine: Engine,
    pub settings: Arc<Settings>,
    pub targets: Vec<TargetId>,
}

impl Ready {
    /// The endpoint of a target.
    ///
    /// # Errors
    /// If there is none, with those that there are.
    pub(super) fn endpoint(&self, target: &TargetId) -> Result<Cow<'_, Endpoint>, UsageError> {
        let endpoint = self.settings.endpoint_or_preset(&target.endpoint);
        endpoint.ok_or_else(|| unknown_endpoint(&target.endpoint, &self.settings))
    }
}

impl TargetArgs {
    /// How many targets are named.
    pub(super) fn named(&self) -> usize {
        self.targets.len() + self.model.len()
    }

    /// Starts the engine and finds the targets. `history` says whether runs are stored.
    pub(super) fn ready(&self, paths: Paths, history: bool) -> anyhow::Result<Ready> {
        self.ready_for(paths, history, &[])
    }

    /// The same, for these targets unless the arguments name others.
    pub(super) fn ready_for(
        &self,
        paths: Paths,
        history: bool,
        otherwise: &[TargetId],
    ) -> anyhow::Result<Ready> {
        let mut named = self.named_targets()?;
        if named.is_empty() {
            named = otherwise.to_vec();
        }
        self.ready_named(paths, history, named)
    }

    /// The same, for these targets and those that the arguments name.
    pub(super) fn ready_with(
        &self,
        paths: Paths,
        history: bool,
        mut first: Vec<TargetId>,
    ) -> anyhow::Result<Ready> {
        first.extend(self.named_targets()?);
        self.ready_named(paths, history, first)
    }

    fn ready_named(
        &self,
        paths: Paths,
        history: bool,
        named: Vec<TargetId>,
    ) -> anyhow::Result<Ready> {
        let mut ready = self.started(paths, history, named)?;
        if ready.targets.is_empty() {
            ready.targets = vec![default_target(&ready.engine, &ready.settings)?];
        }
        Ok(ready)
    }

    /// Starts the engine for whoever asks none of its targets by itself.
    pub(super) fn ready_for_none(&self, paths: Paths, history: bool) -> anyhow::Result<Ready> {
        self.started(paths, history, Vec::new())
    }

    fn started(
        &self,
        paths: Paths,
        history: bool,
        targets: Vec<TargetId>,
    ) -> anyhow::Result<Ready> {
        let ad_hoc = self.ad_hoc_endpoint()?;
        let simulated = targets.iter().any(|t| simulated::is_own(&t.endpoint));
        let options = Options {
            paths,
            simulator: simulated || (targets.is_empty() && ad_hoc.is_none()),
            endpoints: ad_hoc.into_iter().collect(),
            history,
            credentials: Credentials::default(),
        };
        let engine = Engine::start(options, || {}).context("the engine can't be started")?;
        let settings = settings(&engine)?;
        if self.base_url.is_none() {
            warn_of(&settings);
        }
        Ok(Ready {
            engine,
            settings,
            targets,
        })
    }

    /// The targets that are named.
    ///
    /// # Errors
    /// If a name is none.
    pub(super) fn named_targets(&self) -> Result<Vec<TargetId>, UsageError> {
        let of_url = self.model.iter().map(|model| {
            Ok(TargetId {
                endpoint: AD_HOC.to_owned(),
                model: model.clone(),
            })
        });
        let of_names = self
            .targets
            .iter()
            .map(|text| text.parse().map_err(UsageError::new));
        of_names.chain(of_url).collect()
    }

    fn ad_hoc_endpoint(&self) -> anyhow::Result<Option<Endpoint>> {
        let Some(written) = &self.base_url else {
            return Ok(None);
        };
        let mut endpoint = self.reach.endpoint(AD_HOC, written, self.dialect)?;
        endpoint.key_env = vec![self.key_env.clone()];
        Ok(Some(endpoint))
    }
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
            | Update::Monitor(_)
            | Update::Compare(_)
            | Update::Bench(_)
            | Update::Models { .. }
            | Update::Stopped => {}
        }
    }
    settings.context("the engine ended before it was ready")
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
