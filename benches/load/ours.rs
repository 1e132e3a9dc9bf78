//! Our own load bench, by the engine, as the window and the terminal run it.

use std::{sync::Arc, time::Instant};

use anyhow::{Context as _, bail};
use tokenscope::{
    bench::{
        BackOff, BenchConnections, BenchId, BenchPlan, BenchQuestion, BenchRequest, BenchSummary,
        GoodputLimits, Load, MostTokens, RequestSource, StopRules,
    },
    credential::Credentials,
    dialect::DialectId,
    endpoint::{Auth, Endpoint, TargetId},
    engine::{BenchCommand, BenchNews, BenchStart, Command, Engine, Options, Update},
    history::History,
    settings::Paths,
};
use url::Url;

use crate::{
    common::{
        asked,
        closed_loop::{Level, prompt},
        cpu::process_cpu_ns,
        served,
    },
    levels::Measured,
};

/// The same prompts as all clients ask.
struct Prompts {
    tokens: u32,
}

impl RequestSource for Prompts {
    fn question(&self, number: u64) -> BenchQuestion {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        BenchQuestion {
            request: Arc::new(asked::request(&prompt(index), self.tokens)),
            prompt: u32::try_from(number).unwrap_or(u32::MAX),
        }
    }

    fn most_tokens(&self) -> MostTokens {
        MostTokens::default()
    }
}

/// A plan without limits but a count.
pub(crate) fn plan(load: Load, requests: u64) -> BenchPlan {
    BenchPlan {
        target: TargetId {
            endpoint: "bench".into(),
            model: "sim-bench".into(),
        },
        load,
        ramp_ms: 0,
        connections: BenchConnections::Warm,
        warm_up: 0,
        stop: StopRules {
            requests: Some(requests),
            ..StopRules::default()
        },
        goodput: GoodputLimits::default(),
        back_off: BackOff::Never,
        most_in_flight: 10_000,
        max_tokens: 64,
        seed: 1,
        asked: None,
        keep_texts: false,
    }
}

/// A bench that was run.
pub(crate) struct Ran {
    pub summary: Arc<BenchSummary>,
    pub requests: Vec<BenchRequest>,
    pub cpu_ns: u64,
    pub peak_kib: u64,
    pub wall_ns: u64,
    /// Of the history, once it was closed.
    pub file_bytes: u64,
}

/// Runs a bench by an engine, with the history on, and reads back what was stored.
pub(crate) fn run(plan: BenchPlan, tokens: u32, base_url: &Url) -> anyhow::Result<Ran> {
    let folder = tempfile::tempdir()?;
    let endpoint = Endpoint {
        auth: Auth::None,
        simulated: true,
        ..Endpoint::custom("bench", base_url.clone(), DialectId::OpenaiChat)
    };
    let paths = Paths {
        settings: folder.path().join("config.toml"),
        data: folder.path().join("data"),
    };
    let options = Options {
        paths: paths.clone(),
        endpoints: vec![endpoint],
        simulator: false,
        history: true,
        credentials: Credentials::default(),
    };
    let engine = Engine::start(options, || {})?;
    while !matches!(engine.next().context("no engine")?, Update::Ready) {}
    let (began, id) = (Instant::now(), BenchId::new());
    let start = BenchStart {
        id,
        plan,
        source: Arc::new(Prompts { tokens }),
    };
    engine.send(Command::Bench(BenchCommand::Start(start.into())));
    let summary = loop {
        match engine.next().context("the engine ended")? {
            Update::Bench(BenchNews::Over { summary, .. }) => break summary,
            Update::Bench(BenchNews::Refused { fault, .. }) => bail!("{fault}"),
            _ => {}
        }
    };
    let (cpu_ns, peak_kib) = (process_cpu_ns(), served::peak_kib().unwrap_or(0));
    let wall_ns = u64::try_from(began.elapsed().as_nanos())?;
    engine.send(Command::Stop);
    while engine.next().is_some() {}
    let file_bytes = std::fs::metadata(paths.data.join("history.db"))?.len();
    let requests = stored(&paths, id)?;
    Ok(Ran {
        summary,
        requests,
        cpu_ns,
        peak_kib,
        wall_ns,
        file_bytes,
    })
}

/// The requests of a bench in the history.
fn stored(paths: &Paths, id: BenchId) -> anyhow::Result<Vec<BenchRequest>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let history = History::open(&paths.data);
        let (mut all, mut seq) = (Vec::new(), 0);
        while let Some(requests) = history.bench_block(id, seq).await? {
            all.extend(requests);
            seq += 1;
        }
        Ok(all)
    })
}

/// Measures a level of streams.
pub(crate) fn measure(level: Level, base_url: &Url) -> anyhow::Result<Measured> {
    let load = Load::Closed {
        concurrency: u32::try_from(level.0)?,
    };
    let requests = u64::try_from(level.requests())?;
    let ran = run(plan(load, requests), level.tokens(), base_url)?;
    let mut samples = Vec::new();
    for request in &ran.requests {
        let first = request.first_token.context("a request without a token")?;
        let number = usize::try_from(request.number)?;
        if number >= level.0 {
            samples.push((number, first - request.started));
        }
    }
    Ok(Measured {
        samples,
        by_order: false,
        wall_ns: ran.wall_ns,
        cpu_ns: ran.cpu_ns,
        peak_kib: ran.peak_kib,
        concurrency: ran.summary.achieved_concurrency,
        valid: Some(ran.summary.valid),
    })
}
