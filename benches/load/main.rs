//! Benchmark: the load bench against a server whose times are known.
//!
//! **Streams.** The simulator runs in a process of its own and answers as `sim-bench`: first token after 50 ms, then one
//! every 40 ms, 64 in all (8 where there is one stream), each run scaled by 0.7 to 1.3. C streams ask it in a closed loop.
//! The error of a request is its TTFT minus the time from the read that completed the request to the write that carried
//! the first token, both stamped by the simulator. The first request of each stream is left out. CPU time and the largest
//! resident memory are those of the client's process, its start and, for ours, the engine and the history included; the
//! bare loop over reqwest is that of `benches/ttft`. Ours opens its connections before it begins, the loop with its first
//! requests.
//!
//! **A freeze.** A server, in a process of its own, answers at once, but not in the last 2 s of each 20 s. By a constant
//! rate the 99th percentile from schedule is known; a closed loop can't show it.
//!
//! **Many.** With `LOAD_MANY=1000000`, so many requests of one token go to a server that answers at once: memory of the
//! client's process and the size of the history.
//!
//! `LOAD_LEVELS=1,10,100,500,1000 LOAD_CLIENTS=reqwest,ours LOAD_REPEAT=1 LOAD_FREEZE=60 cargo bench --bench load`
//! (`LOAD_FREEZE`: seconds of the second part, 0 for none). `benches/load/peers.py` runs other tools on the same work.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints"
)]
#![allow(missing_docs, reason = "nothing here is public")]

#[path = "../asked.rs"]
mod asked;
#[path = "../ttft/clients.rs"]
#[allow(dead_code, reason = "the other bench asks by more clients")]
mod clients;
mod freeze;
mod many;
mod ours;
#[path = "../served.rs"]
#[allow(dead_code, reason = "other benches ask for more")]
mod served;
#[path = "../streams.rs"]
#[allow(dead_code, reason = "other benches ask for more")]
mod streams;

use std::{
    collections::HashMap,
    env,
    io::Read as _,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use served::{Served, percentile_ms};
use streams::{knob, runtime};
use tokio::task::JoinSet;
use url::Url;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "measure", client, streams, base_url] => {
            let (level, url) = (Level(streams.parse()?), base_url.parse()?);
            let measured = match client {
                "ours" => ours::measure(level, &url)?,
                "reqwest" => runtime()?.block_on(by_reqwest(level, &url))?,
                other => bail!("there is no client “{other}”"),
            };
            println!("{}", serde_json::to_string(&measured)?);
            Ok(())
        }
        [_, "freeze"] => freeze::serve(true),
        [_, "steady"] => freeze::serve(false),
        [_, "many", requests, base_url] => many::measure(requests.parse()?, &base_url.parse()?),
        // The bench harness's own flags (`--bench`, a filter) say nothing to us.
        _ => {
            compare()?;
            freeze::compare()?;
            many::compare()
        }
    }
}

/// How many streams.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    /// Requests in all: many rounds of few streams, few rounds of many.
    fn requests(self) -> usize {
        match self.0 {
            1..=10 => 60,
            11..=100 => 600,
            101..=500 => 2_000,
            n => n * 3,
        }
    }

    /// One stream at a time gives few figures a second, so its answers are short.
    fn tokens(self) -> u32 {
        if self.0 == 1 { 8 } else { 64 }
    }
}

/// What a client's process says of itself.
#[derive(Serialize, Deserialize)]
struct Measured {
    /// The simulator's number of each request that is not the first of its stream, or the seed of its schedule, and its
    /// TTFT in nanoseconds.
    samples: Vec<(u64, u64)>,
    /// Whether requests are named by their seeds.
    by_seed: bool,
    /// Of all requests.
    wall_ns: u64,
    cpu_ns: u64,
    peak_kib: u64,
    /// Requests under way on average, where the client says so.
    concurrency: Option<f64>,
    /// Whether it says that it kept up.
    valid: Option<bool>,
}

/// CPU time of this process, threads that have ended included.
fn cpu_ns() -> anyhow::Result<u64> {
    let time = Duration::try_from(clock_gettime(ClockId::ProcessCPUTime))?;
    Ok(u64::try_from(time.as_nanos())?)
}

fn compare() -> anyhow::Result<()> {
    tokenscope::transport::allow_many_sockets();
    let repeat: usize = knob("LOAD_REPEAT", "1")[0].parse()?;
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
            for client in knob("LOAD_CLIENTS", "reqwest,ours") {
                row(level, &client, &simulator, &mut reqwest_cpu)?;
            }
        }
    }
    Ok(())
}

/// Has a process of its own measure, and prints what it says against the simulator's truth.
fn row(
    level: Level,
    client: &str,
    simulator: &Served,
    reqwest_cpu: &mut Option<f64>,
) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let before = runtime.block_on(simulator.truths(0))?;
    let before = before.into_keys().max().unwrap_or(0);
    let mut child = Command::new(env::current_exe()?)
        .args(["measure", client, &level.0.to_string()])
        .arg(simulator.base_url.as_str())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = String::new();
    let mut out = child.stdout.take().context("no stdout")?;
    out.read_to_string(&mut said)?;
    ensure!(child.wait()?.success(), "the client failed");
    let measured: Measured = serde_json::from_str(&said)?;
    let truths = runtime.block_on(simulator.truths(before))?;
    let truths: HashMap<u64, i128> = (truths.into_iter())
        .map(|(run, truth)| {
            let name = if measured.by_seed { truth.seed } else { run };
            (name, truth.written)
        })
        .collect();
    let mut errors = Vec::new();
    for (name, ttft) in &measured.samples {
        let truth = truths.get(name);
        let truth = truth.with_context(|| format!("the simulator knows no run {name}"))?;
        errors.push(i128::from(*ttft) - truth);
    }
    errors.sort_unstable();
    let requests = float(u64::try_from(level.requests())?);
    let cpu_ms = float(measured.cpu_ns) / 1e6 / requests;
    if client == "reqwest" {
        *reqwest_cpu = Some(cpu_ms);
    }
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    println!(
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
    );
    Ok(())
}

/// Keeps the streams of a bare loop over reqwest going until all requests have been answered.
async fn by_reqwest(level: Level, base_url: &Url) -> anyhow::Result<Measured> {
    let (began, next) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let shared = Arc::new(clients::Shared::new(clients::Client::Reqwest, base_url)?);
    let mut tasks = JoinSet::new();
    for _ in 0..level.0 {
        let (next, shared) = (Arc::clone(&next), Arc::clone(&shared));
        tasks.spawn(async move {
            let (mut samples, mut socket) = (Vec::new(), None);
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= level.requests() {
                    return anyhow::Ok(samples);
                }
                let prompt = prompt(index as u64);
                let answer = shared.ask(&mut socket, &prompt, level.tokens()).await?;
                if index >= level.0 {
                    samples.push((answer.run, answer.ttft));
                }
            }
        });
    }
    let mut samples = Vec::new();
    while let Some(done) = tasks.join_next().await {
        samples.extend(done??);
    }
    Ok(Measured {
        samples,
        by_seed: false,
        wall_ns: u64::try_from(began.elapsed().as_nanos())?,
        cpu_ns: cpu_ns()?,
        peak_kib: served::peak_kib().unwrap_or(0),
        concurrency: None,
        valid: None,
    })
}

/// The prompt of a request: it seeds the schedule, so that all clients meet the same ones.
fn prompt(number: u64) -> String {
    format!("request {number}")
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn float(n: u64) -> f64 {
    n as f64
}
