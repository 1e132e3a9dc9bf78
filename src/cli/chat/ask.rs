//! From arguments to runs: reads what is to be asked, finds the targets, starts the engine.

use std::{
    io::{IsTerminal as _, Read as _},
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::Args;
use crate::{
    chat::{ChatRequest, Media, Message, Params, Part, ResponseFormat, Role, Tool, is_address},
    cli::{UsageError, note, unknown_endpoint, warn_of},
    endpoint::{Endpoint, TargetId, base_url, call::raw_body as raw_body_of},
    engine::{Command, Engine, Options, SendRun, Update},
    run::{Origin, RunId},
    schema,
    settings::{Paths, Settings},
    simulator,
    snippet::{Language, snippet},
};

/// The id of the endpoint that `--base-url` makes.
const AD_HOC: &str = "url";

/// What is asked of every target.
pub(super) struct Question {
    system: Option<String>,
    message: Message,
    params: Params,
    tools: Vec<Tool>,
    raw_body: Option<Value>,
}

impl Question {
    pub(super) fn of(args: &Args) -> anyhow::Result<Self> {
        let mut parts = Vec::new();
        if args.body.is_none() {
            let text = prompt(args.prompt.as_deref())?;
            parts.push(Part::Text { text });
        }
        for file in &args.attach {
            parts.push(Part::Media(media(file)?));
        }
        Ok(Self {
            system: args.system.clone(),
            message: Message {
                role: Role::User,
                parts,
            },
            params: params(args)?,
            tools: tools(args.tools.as_deref())?,
            raw_body: args.body.as_deref().map(raw_body).transpose()?,
        })
    }

    fn request(&self, model: &str) -> ChatRequest {
        ChatRequest {
            model: model.to_owned(),
            system: self.system.clone(),
            messages: vec![self.message.clone()],
            params: self.params.clone(),
            tools: self.tools.clone(),
            raw_body: self.raw_body.clone(),
        }
    }
}

/// The runs that were started, in the order of the targets.
pub(super) struct Asked {
    pub(super) engine: Engine,
    pub(super) runs: Vec<(RunId, TargetId)>,
}

/// The engine, and the targets that are meant.
pub(super) struct Ready {
    engine: Engine,
    settings: Arc<Settings>,
    targets: Vec<TargetId>,
}

/// Starts the engine and finds the targets.
pub(super) fn ready(args: &Args, paths: Paths) -> anyhow::Result<Ready> {
    let named = named_targets(args)?;
    let ad_hoc = ad_hoc_endpoint(args)?;
    let simulated = named.iter().any(|t| simulator::is_own(&t.endpoint));
    let options = Options {
        paths,
        simulator: simulated || (named.is_empty() && ad_hoc.is_none()),
        endpoints: ad_hoc.into_iter().collect(),
        history: !args.no_history,
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
    })
}

/// Starts one run a target.
pub(super) fn start(question: &Question, ready: Ready) -> Asked {
    let Ready {
        engine, targets, ..
    } = ready;
    let runs = targets.into_iter();
    let runs = runs.map(|target| (send(&engine, question, &target), target));
    let runs = runs.collect();
    Asked { engine, runs }
}

/// What would be sent to each target, as programs in another language.
pub(super) fn snippets(
    language: Language,
    question: &Question,
    ready: &Ready,
) -> anyhow::Result<Vec<String>> {
    shown(question, ready, |endpoint, request| {
        snippet(language, endpoint, request)
    })
}

/// The JSON body that would be sent to each target.
pub(super) fn bodies(question: &Question, ready: &Ready) -> anyhow::Result<Vec<String>> {
    shown(question, ready, |endpoint, request| {
        format!("{:#}\n", raw_body_of(endpoint, request))
    })
}

fn shown(
    question: &Question,
    ready: &Ready,
    show: impl Fn(&Endpoint, &ChatRequest) -> String,
) -> anyhow::Result<Vec<String>> {
    let of = |target: &TargetId| {
        let endpoint = ready.settings.endpoint_or_preset(&target.endpoint);
        let endpoint =
            endpoint.ok_or_else(|| unknown_endpoint(&target.endpoint, &ready.settings))?;
        Ok(show(&endpoint, &question.request(&target.model)))
    };
    ready.targets.iter().map(of).collect()
}

fn send(engine: &Engine, question: &Question, target: &TargetId) -> RunId {
    let id = RunId::new();
    engine.send(Command::Send(SendRun {
        id,
        endpoint: target.endpoint.clone(),
        request: Arc::new(question.request(&target.model)),
        origin: Origin::Terminal,
    }));
    id
}

/// Waits for the settings, which the engine sends first. A broken file is fatal here: the target
/// that was meant may stand in it.
fn settings(engine: &Engine) -> anyhow::Result<Arc<Settings>> {
    let mut settings = None;
    while let Some(update) = engine.next() {
        match update {
            Update::Settings(found) => settings = Some(found),
            Update::SettingsProblem(Some(problem)) => return Err(problem.into()),
            Update::NoSimulator(why) => bail!("the simulator can't be started: {why}"),
            Update::Ready => break,
            _ => {}
        }
    }
    settings.context("the engine ended before it began")
}

fn named_targets(args: &Args) -> Result<Vec<TargetId>, UsageError> {
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

fn ad_hoc_endpoint(args: &Args) -> anyhow::Result<Option<Endpoint>> {
    let Some(written) = &args.base_url else {
        return Ok(None);
    };
    let base = base_url::normalise_allowing_http(written).map_err(UsageError::new)?;
    let mut endpoint = Endpoint::custom(AD_HOC, base.url, args.dialect);
    endpoint.key_env = vec![args.key_env.clone()];
    endpoint.allow_http = true;
    endpoint.connect.ca_file.clone_from(&args.ca_file);
    Ok(Some(endpoint))
}

/// The first endpoint that is ready and has a model; the simulator comes last in the settings. An
/// endpoint of the environment that names no model is asked for its list.
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
    bail!("no endpoint knows a model: name a target with -t endpoint/model")
}

/// The first model that an endpoint lists; why there is none is told.
fn first_listed(engine: &Engine, id: &str) -> Option<String> {
    engine.send(Command::ListModels {
        endpoint: id.to_owned(),
        refresh: false,
    });
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

fn prompt(given: Option<&str>) -> anyhow::Result<String> {
    if let Some(text) = given
        && text != "-"
    {
        return Ok(text.to_owned());
    }
    let mut stdin = std::io::stdin();
    if given.is_none() && stdin.is_terminal() {
        return Err(UsageError::new("nothing to ask: give a prompt, or pipe one in").into());
    }
    let mut bytes = Vec::new();
    stdin.read_to_end(&mut bytes).context("standard input")?;
    let text = String::from_utf8(bytes)
        .map_err(|_| UsageError::new("standard input is not UTF-8 text"))?;
    if text.trim().is_empty() {
        return Err(UsageError::new("nothing to ask: standard input is empty").into());
    }
    Ok(text)
}

fn media(file: &Path) -> anyhow::Result<Media> {
    if let Some(address) = file.to_str().filter(|text| is_address(text)) {
        return Ok(Media::at(address).map_err(UsageError::new)?);
    }
    let data =
        std::fs::read(file).map_err(|why| UsageError::new(format!("{}: {why}", file.display())))?;
    let name = file.display().to_string();
    Ok(Media::of_bytes(data, name).map_err(UsageError::new)?)
}

fn params(args: &Args) -> anyhow::Result<Params> {
    let schema = args.schema.as_deref().map(schema_file).transpose()?;
    let extra = match &args.extra {
        None => serde_json::Map::new(),
        Some(text) => serde_json::from_str(text)
            .map_err(|why| UsageError::new(format!("--extra is not a JSON object: {why}")))?,
    };
    Ok(Params {
        temperature: args.temperature,
        top_p: args.top_p,
        max_tokens: args.max_tokens,
        seed: args.seed,
        stop: args.stop.clone(),
        reasoning_effort: args.reasoning_effort.clone(),
        response_format: schema.map(|schema| ResponseFormat::JsonSchema {
            name: "answer".into(),
            schema,
            strict: true,
        }),
        extra,
    })
}

fn tools(file: Option<&Path>) -> anyhow::Result<Vec<Tool>> {
    let Some(file) = file else {
        return Ok(Vec::new());
    };
    let tools = serde_json::from_value(json_file(file)?);
    let tools: Vec<Tool> =
        tools.map_err(|why| UsageError::new(format!("{}: {why}", file.display())))?;
    for (index, tool) in tools.iter().enumerate() {
        let what = format!("tool {}, its parameters, ", index + 1);
        check_schema(file, &what, &tool.parameters)?;
    }
    Ok(tools)
}

fn schema_file(file: &Path) -> anyhow::Result<Value> {
    let schema = json_file(file)?;
    check_schema(file, "", &schema)?;
    Ok(schema)
}

/// Refuses a schema for the first thing that is wrong with it.
fn check_schema(file: &Path, what: &str, schema: &Value) -> Result<(), UsageError> {
    let problem = schema::problems(schema).into_iter().next();
    problem.map_or(Ok(()), |problem| {
        let file = file.display();
        Err(UsageError::new(format!("{file}: {what}{problem}")))
    })
}

/// The body of a file, or of standard input for `-`.
fn raw_body(file: &Path) -> anyhow::Result<Value> {
    let body = if file == Path::new("-") {
        let text = std::io::read_to_string(std::io::stdin()).context("standard input")?;
        serde_json::from_str(&text)
            .map_err(|why| UsageError::new(format!("standard input: {why}")))?
    } else {
        json_file(file)?
    };
    if !Value::is_object(&body) {
        let why = format!("{}: a body is a JSON object: {{ … }}", file.display());
        return Err(UsageError::new(why).into());
    }
    Ok(body)
}

fn json_file(file: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(file)
        .map_err(|why| UsageError::new(format!("{}: {why}", file.display())))?;
    let value = serde_json::from_str(&text);
    Ok(value.map_err(|why| UsageError::new(format!("{}: {why}", file.display())))?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_schema_is_refused_by_file_and_place() {
        let told = |what, schema| {
            let refused = check_schema(Path::new("s.json"), what, &schema);
            refused.map_err(|error| error.to_string())
        };
        assert_eq!(told("", json!({"type": "object"})), Ok(()));
        let text = told("", json!({"properties": {"age": {"type": "strng"}}})).unwrap_err();
        let start = "s.json: at /properties/age/type: “strng” is no type: use string, ";
        assert!(text.starts_with(start), "{text}");
        let text = told("tool 2, its parameters, ", json!([])).unwrap_err();
        let whole = "s.json: tool 2, its parameters, a JSON schema is an object: { … }";
        assert_eq!(text, whole);
    }
}
