//! Streams in a closed loop, by each client in turn: a row for each.

use std::{collections::HashMap, path::Path, sync::Arc, time::Instant};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    clients::{Client, Shared},
    common::{
        closed_loop::{self, Level, prompt},
        cpu::process_cpu_ns,
        process::{said, this_program},
        served::{self, Served, percentile_ms},
        streams::{knob, runtime},
    },
    float, ours, peers,
};

/// What a client says of itself.
#[derive(Serialize, Deserialize)]
pub struct Measured {
    /// For each request but the first of each stream: the number of its prompt, or, of a client that can't tell, its place
    /// in the order of starting (from 0); and its TTFT in nanoseconds.
    pub samples: Vec<(usize, u64)>,
    /// Whether they are named by their places.
    pub by_order: bool,
    /// From the start of the first request to the end of the last one.
    pub wall_ns: u64,
    /// Of its processes, their start included.
    pub cpu_ns: u64,
    /// The most memory that was resident at once.
    pub peak_kib: u64,
    /// Requests under way on average, where it is known.
    pub concurrency: Option<f64>,
    /// Whether it says that it kept up.
    pub valid: Option<bool>,
}

/// Measures as this client, and prints what came of it.
pub fn measure(client: &str, streams: usize, base_url: &Url) -> anyhow::Result<()> {
    let level = Level(streams);
    let measured = match client {
        "ours" => ours::measure(level, base_url)?,
        "reqwest" => runtime()?.block_on(by_reqwest(level, base_url))?,
        other => bail!("there is no client “{other}”; other load tools take --peers FOLDER"),
    };
    println!("{}", serde_json::to_string(&measured)?);
    Ok(())
}

/// Measures each level with each client; `peers` is the folder in which other tools are.
pub fn compare(peers: Option<&Path>) -> anyhow::Result<()> {
    tokenscope::transport::allow_many_sockets();
    let repeat: usize = knob("LOAD_REPEAT", "1")[0].parse()?;
    let mut all = "reqwest,ours".to_owned();
    if peers.is_some() {
        all = format!("{all},{}", peers::ALL.join(","));
    }
    let mut clients = knob("LOAD_CLIENTS", &all);
    if let Some(folder) = peers {
        clients.retain(|client| is_there(folder, client));
    }
    println!("TTFT error in ms: the client's figure minus the simulator's truth.\n");
    println!(
        "| streams | client | n | p50 | p99 | max | requests/s | under way | CPU ms a request | ÷ reqwest | RSS MiB | valid |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|"
    );
    for _ in 0..repeat {
        for level in knob("LOAD_LEVELS", "1,10,100,500,1000") {
            let level = Level(level.parse().context("LOAD_LEVELS")?);
            let simulator = Served::start(&[])?;
            let mut reqwest_cpu = None;
            for client in &clients {
                let row = row(level, client, peers, &simulator, &mut reqwest_cpu);
                let failed = |why| format!("| {} | {client} | failed: {why:#} |", level.0);
                println!("{}", row.unwrap_or_else(failed));
            }
        }
    }
    Ok(())
}

/// Whether a client can be measured: what can't be installed is named, and left out.
fn is_there(folder: &Path, client: &str) -> bool {
    if !peers::ALL.contains(&client) {
        return true;
    }
    let installed = peers::install(folder, client);
    if let Err(why) = &installed {
        println!("{client} is left out: {why:#}");
    }
    installed.is_ok()
}

/// Has a process of its own measure, and holds what it says against the simulator's truth.
fn row(
    level: Level,
    client: &str,
    peers: Option<&Path>,
    simulator: &Served,
    reqwest_cpu: &mut Option<f64>,
) -> anyhow::Result<String> {
    let runtime = runtime()?;
    let before = runtime.block_on(simulator.truths(0))?;
    let before = before.into_keys().max().unwrap_or(0);
    let measured = match peers {
        Some(folder) if peers::ALL.contains(&client) => {
            peers::measure(folder, client, level, simulator)?
        }
        _ => {
            let (streams, url) = (level.0.to_string(), simulator.base_url.as_str());
            let said = said(&mut this_program(&["measure", client, &streams, url])?)?;
            serde_json::from_str(&said)?
        }
    };
    let truths = runtime.block_on(simulator.truths(before))?;
    let errors = errors(&measured, truths)?;
    let requests = float(u64::try_from(level.requests())?);
    let cpu_ms = float(measured.cpu_ns) / 1e6 / requests;
    if client == "reqwest" {
        *reqwest_cpu = Some(cpu_ms);
    }
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    Ok(format!(
        "| {} | {client} | {} | {:.3} | {:.3} | {:.3} | {:.1} | {} | {cpu_ms:.3} | {} | {:.0} | {} |",
        level.0,
        errors.len(),
        percentile_ms(&errors, 50),
        percentile_ms(&errors, 99),
        percentile_ms(&errors, 100),
        requests / (float(measured.wall_ns) / 1e9),
        or_dash(measured.concurrency.map(|n| format!("{n:.1}"))),
        or_dash(reqwest_cpu.map(|reqwest| format!("{:.2}", cpu_ms / reqwest))),
        float(measured.peak_kib) / 1024.0,
        or_dash(measured.valid.map(|valid| valid.to_string())),
    ))
}

/// TTFT minus the truth of each request, in nanoseconds, ascending. Of a prompt that was asked twice the first counts.
fn errors(measured: &Measured, truths: HashMap<u64, served::Truth>) -> anyhow::Result<Vec<i128>> {
    let mut truths: Vec<_> = truths.into_iter().collect();
    truths.sort_unstable_by_key(|(run, _)| *run);
    let mut by_seed = HashMap::new();
    for (_, truth) in &truths {
        by_seed.entry(truth.seed).or_insert(truth.written);
    }
    let mut errors = Vec::new();
    for (name, ttft) in &measured.samples {
        let truth = if measured.by_order {
            truths.get(*name).map(|(_, truth)| truth.written)
        } else {
            let seed = served::seed_of("sim-bench", &prompt(*name));
            by_seed.get(&seed).copied()
        };
        let truth = truth.with_context(|| format!("the simulator knows no request {name}"))?;
        errors.push(i128::from(*ttft) - truth);
    }
    errors.sort_unstable();
    Ok(errors)
}

/// A bare loop over reqwest.
async fn by_reqwest(level: Level, base_url: &Url) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let shared = Arc::new(Shared::new(Client::Reqwest, level.tokens(), base_url)?);
    let answers = closed_loop::run(&shared, level.0, level.requests()).await?;
    let answers = answers.into_iter().filter(|(index, _)| *index >= level.0);
    Ok(Measured {
        samples: answers
            .map(|(index, answer)| (index, answer.ttft))
            .collect(),
        by_order: false,
        wall_ns: u64::try_from(began.elapsed().as_nanos())?,
        cpu_ns: process_cpu_ns(),
        peak_kib: served::peak_kib().unwrap_or(0),
        concurrency: None,
        valid: None,
    })
}
