//! `tokenscope models`: lists the models of an endpoint, or all endpoints.

use std::{io::Write as _, process::ExitCode};

use anyhow::Context as _;
use serde::Serialize;

use super::{ad_hoc::Reach, note, terminal::stdout};
use crate::{
    body::ModelInfo,
    credential::Credentials,
    dialect::DialectId,
    endpoint::{Endpoint, cache::ModelCache, simulated, variables::Environment},
    event::FaultClass,
    exchange::list::list_models,
    record,
    settings::{self, Paths, Settings},
    simulator,
    transport::Transport,
    visible::visible_line,
};

/// Arguments of `tokenscope models`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ModelsArgs {
    /// The endpoint's id, or a preset's; without one, the endpoints are listed.
    endpoint: Option<String>,

    /// Ask this URL; needs no set-up.
    #[arg(long, value_name = "URL", conflicts_with = "endpoint", help = BASE_URL)]
    base_url: Option<String>,

    /// The protocol of --base-url.
    #[arg(long, value_name = "DIALECT", default_value = "openai-chat", value_parser = super::dialect())]
    dialect: DialectId,

    #[command(flatten)]
    reach: Reach,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

const BASE_URL: &str = "Ask this URL; needs no set-up. The key is read from $LLM_API_KEY";

const EXAMPLES: &str = "\
Exit codes: 0 success; 1 the endpoint returned no list; 2 wrong arguments or input.

Examples:
  tokenscope models openai
  tokenscope models --base-url http://127.0.0.1:8080/v1 --json | jq -r '.[].id'";

pub(super) fn run(args: &ModelsArgs) -> anyhow::Result<ExitCode> {
    let environment = Environment::of_process();
    if let Some(written) = &args.base_url {
        let endpoint = args.reach.endpoint("url", written, args.dialect)?;
        let models = fetch(&endpoint, &Credentials::without_keyring(environment))?;
        return print_models(&models, args.json);
    }
    let paths = Paths::of_user()?;
    let settings = settings::load(&paths)?;
    match args.endpoint.as_deref() {
        None => {
            super::warn_of(&settings);
            print_endpoints(&settings, args.json)
        }
        Some(id) if simulated::is_own(id) => print_models(&named(&simulator::models()), args.json),
        Some(id) => {
            let endpoint = (settings.endpoint_or_preset(id))
                .ok_or_else(|| super::unknown_endpoint(id, &settings))?;
            let models = fetch(&endpoint, &Credentials::default())?;
            ModelCache::new(&paths.data).store(&endpoint, &models);
            print_models(&models, args.json)
        }
    }
}

/// The list of an endpoint; if it has none, the names in its settings.
fn fetch(endpoint: &Endpoint, credentials: &Credentials) -> anyhow::Result<Vec<ModelInfo>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no async runtime")?;
    let listed = runtime.block_on(async {
        let found = credentials.key(endpoint).await;
        let found = found.map_err(|why| anyhow::anyhow!(why.at(endpoint)))?;
        let endpoint = &*found.place.fitted(endpoint);
        let proxy = credentials.resolve_proxy_password(endpoint).await?;
        let transport = Transport::default();
        let listed = list_models(&transport, endpoint, found.key.as_ref(), proxy.as_ref()).await;
        anyhow::Ok(listed.map_err(|fault| found.explained(fault)))
    });
    runtime.shutdown_background();
    match listed? {
        Ok(models) => Ok(models),
        Err(fault) if fault.class == FaultClass::NotFound && !endpoint.models.is_empty() => {
            note("this endpoint has no list: these names are from the settings");
            Ok(named(&endpoint.models))
        }
        Err(fault) => anyhow::bail!("{}: {fault}", endpoint.id),
    }
}

fn named(names: &[String]) -> Vec<ModelInfo> {
    let model = |id: &String| ModelInfo {
        id: id.clone(),
        label: String::new(),
    };
    names.iter().map(model).collect()
}

fn print_models(models: &[ModelInfo], json: bool) -> anyhow::Result<ExitCode> {
    let mut out = stdout();
    if json {
        record::write_pretty(&mut out, &models)?;
    } else {
        for model in models {
            writeln!(out, "{}", visible_line(&model.id))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// An endpoint in the output of `--json`.
#[derive(Serialize)]
struct ModelsRow<'a> {
    endpoint: &'a str,
    label: &'a str,
    dialect: DialectId,
    base_url: &'a str,
    models: &'a [String],
}

fn print_endpoints(settings: &Settings, json: bool) -> anyhow::Result<ExitCode> {
    let simulated = simulator::models();
    let known = settings.endpoints.iter().map(|e| ModelsRow {
        endpoint: &e.id,
        label: &e.label,
        dialect: e.dialect,
        base_url: e.base_url.as_str(),
        models: &e.models,
    });
    let rows: Vec<ModelsRow<'_>> = known
        .chain([ModelsRow {
            endpoint: simulated::ENDPOINT,
            label: "Simulator, in every protocol: simulator-anthropic, simulator-gemini, …",
            dialect: DialectId::OpenaiChat,
            base_url: "",
            models: &simulated,
        }])
        .collect();
    let mut out = stdout();
    if json {
        record::write_pretty(&mut out, &rows)?;
        return Ok(ExitCode::SUCCESS);
    }
    for row in rows {
        let line = format!("{}  {}  {}", row.endpoint, row.label, row.base_url);
        writeln!(out, "{}", visible_line(line.trim_end()))?;
        for model in row.models {
            writeln!(out, "  {}/{}", row.endpoint, visible_line(model))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
