//! Benchmark: what the gateway adds to the time to first token, what a stream costs it, and how many it takes a second,
//! beside a bare hyper pass-through and, where they are installed, nginx and LiteLLM, on the same work in the same run.
//!
//! Added time: the simulator runs in a process of its own and answers as `sim-bench` (first token after 50 ms, then one
//! every 40 ms, 64 in all, 2 where there are ten streams or fewer; each run scaled by 0.7 to 1.3). C streams run at once, in
//! a closed loop over raw sockets. The error of a request is its TTFT minus the time from the read that completed the
//! request at the simulator to the write that carried the first token, both stamped by the simulator. "Added" is a
//! contender's quantile minus that of `direct`. Contenders take turns, in `ROUNDS` rounds whose order is shuffled. The first C
//! requests of a turn, which connect, are left out.
//!
//! Saturation: a server of raw sockets answers at once, 64 tokens in one write each; 64 streams at once.
//!
//! CPU time and resident memory are those of the contender's processes. Client, contender and server share the machine.
//!
//! `GATEWAY_LEVELS=1,10,100,500 GATEWAY_ROUNDS=3 GATEWAY_CONTENDERS=direct,pass,gemini,anthropic,hyper,nginx,litellm
//! GATEWAY_LITELLM=/path/to/litellm GATEWAY_MEMORY=yes GATEWAY_TAIL=yes cargo bench --bench gateway`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints"
)]
#![allow(missing_docs, reason = "nothing here is public")]

#[path = "../common.rs"]
mod common;
mod contender;
mod flood;
mod load;
mod pass;
mod tail;

use std::{collections::BTreeMap, env, time::Duration};

use anyhow::Context as _;
use common::{
    served::{Served, percentile_ms},
    streams::{knob, runtime},
};
use contender::{Contender, Kind, Usage};
use load::{Answer, Load};
use rand::seq::SliceRandom as _;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "pass", upstream] => runtime()?.block_on(pass::serve(upstream.parse()?)),
        [_, "flood"] => runtime()?.block_on(flood::serve()),
        // The bench harness's own flags (`--bench`, a filter) say nothing to us.
        _ => compare(),
    }
}

fn compare() -> anyhow::Result<()> {
    tokenscope::transport::allow_many_sockets();
    let kinds = knob(
        "GATEWAY_CONTENDERS",
        "direct,pass,gemini,anthropic,hyper,nginx,litellm",
    );
    let kinds: Vec<Kind> = kinds
        .iter()
        .map(|name| name.parse())
        .collect::<Result<_, _>>()?;
    let rounds: usize = knob("GATEWAY_ROUNDS", "3")[0].parse()?;
    println!("Added time to first token, in ms, and what a stream costs\n");
    println!(
        "| streams | by | n | TTFT over truth p50 | p99 | added p50 | added p99 | CPU ms a stream | RSS MiB |\n\
         |---|---|---|---|---|---|---|---|---|"
    );
    for level in knob("GATEWAY_LEVELS", "1,10,100,500") {
        added(level.parse().context("GATEWAY_LEVELS")?, &kinds, rounds)?;
    }
    println!("\nSaturation: no delays, 64 tokens a stream, 64 streams at once\n");
    println!(
        "| by | streams a second | CPU ms a stream | streams a CPU second | RSS MiB |\n|---|---|---|---|---|"
    );
    for kind in kinds {
        saturation(kind)?;
    }
    if knob("GATEWAY_MEMORY", "yes")[0] == "yes" {
        memory()?;
    }
    if knob("GATEWAY_TAIL", "yes")[0] == "yes" {
        runtime()?.block_on(tail::compare())?;
    }
    Ok(())
}

/// What was measured of a contender.
#[derive(Default)]
struct Measured {
    errors: Vec<i128>,
    requests: usize,
    cpu: Duration,
    rss_kib: u64,
}

impl Measured {
    fn add(&mut self, usage: Usage, requests: usize) {
        self.cpu += usage.cpu;
        self.rss_kib = self.rss_kib.max(usage.rss_kib);
        self.requests += requests;
    }

    fn cpu_ms(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e3 / as_f64(self.requests.max(1))
    }

    fn rss_mib(&self) -> f64 {
        as_f64(usize::try_from(self.rss_kib).unwrap_or_default()) / 1024.0
    }
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn as_f64(n: usize) -> f64 {
    n as f64
}

/// Requests of a contender in a round: many rounds of few streams, few rounds of many.
fn requests(streams: usize) -> usize {
    match streams {
        1 => 60,
        2..=10 => 150,
        11..=100 => 500,
        n => n * 3,
    }
}

fn added(streams: usize, kinds: &[Kind], rounds: usize) -> anyhow::Result<()> {
    let simulator = Served::start(&[])?;
    // LiteLLM needs minutes for more.
    let fits = |kind: &&Kind| **kind != Kind::Litellm || streams <= 100;
    let contenders: Vec<Contender> = kinds
        .iter()
        .filter(fits)
        .filter_map(|kind| Contender::start(*kind, simulator.address).transpose())
        .collect::<anyhow::Result<_>>()?;
    let mut measured: BTreeMap<Kind, Measured> = BTreeMap::new();
    for _ in 0..rounds {
        let mut order: Vec<&Contender> = contenders.iter().collect();
        order.shuffle(&mut rand::rng());
        for contender in order {
            let turn = turn(contender, streams, &simulator)?;
            let all = measured.entry(contender.kind).or_default();
            all.errors.extend(turn.errors);
            let usage = Usage {
                cpu: turn.cpu,
                rss_kib: turn.rss_kib,
            };
            all.add(usage, turn.requests);
        }
    }
    let direct = measured.get_mut(&Kind::Direct).map(|direct| {
        direct.errors.sort_unstable();
        [50, 99].map(|percent| percentile_ms(&direct.errors, percent))
    });
    for (kind, mut measured) in measured {
        measured.errors.sort_unstable();
        let over = [50, 99].map(|percent| percentile_ms(&measured.errors, percent));
        let added = [0, 1].map(|at| over[at] - direct.map_or(f64::NAN, |direct| direct[at]));
        println!(
            "| {streams} | {kind} | {} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.0} |",
            measured.errors.len(),
            over[0],
            over[1],
            added[0],
            added[1],
            measured.cpu_ms(),
            measured.rss_mib(),
        );
    }
    Ok(())
}

fn turn(contender: &Contender, streams: usize, simulator: &Served) -> anyhow::Result<Measured> {
    let load = Load {
        address: contender.address,
        request: contender.request(if streams <= 10 { 2 } else { 64 }),
        streams,
        requests: requests(streams) + streams,
    };
    let runtime = runtime()?;
    let before = runtime.block_on(simulator.truths(0))?;
    let before = before.into_keys().max().unwrap_or(0);
    let begun = contender.usage();
    let answers = runtime.block_on(load.run())?;
    let usage = contender.usage().since(begun);
    let truths = runtime.block_on(simulator.truths(before))?;
    let mut measured = Measured::default();
    measured.add(usage, answers.len());
    for Answer { index, run, ttft } in answers {
        let truth = run.and_then(|run| truths.get(&run));
        let truth = truth.context("the simulator knows no such run")?;
        if index >= streams {
            measured.errors.push(i128::from(ttft) - truth.written);
        }
    }
    Ok(measured)
}

/// Resident memory while a hundred thousand requests go through: a request a second of a day and more.
fn memory() -> anyhow::Result<()> {
    println!("\nMemory: resident MiB after so many requests, without and with the history\n");
    println!("| by | 10,000 | 25,000 | 50,000 | 75,000 | 100,000 |\n|---|---|---|---|---|---|");
    for kind in [Kind::Gemini, Kind::History] {
        let flood = flood::Flood::start()?;
        let contender = Contender::start(kind, flood.address)?.context("it is always there")?;
        let mut figures = Vec::new();
        for requests in [10_000, 15_000, 25_000, 25_000, 25_000] {
            let load = Load {
                address: contender.address,
                request: contender.request(64),
                streams: 64,
                requests,
            };
            runtime()?.block_on(load.run())?;
            let mut measured = Measured::default();
            measured.add(contender.usage(), requests);
            figures.push(format!("{:.0}", measured.rss_mib()));
        }
        println!("| {kind} | {} |", figures.join(" | "));
    }
    Ok(())
}

fn saturation(kind: Kind) -> anyhow::Result<()> {
    let flood = flood::Flood::start()?;
    let Some(contender) = Contender::start(kind, flood.address)? else {
        return Ok(());
    };
    let requests = if kind == Kind::Litellm { 400 } else { 12_000 };
    let load = |requests| Load {
        address: contender.address,
        request: contender.request(64),
        streams: 64,
        requests,
    };
    let runtime = runtime()?;
    runtime.block_on(load(requests / 10).run())?;
    let (begun, at) = (contender.usage(), std::time::Instant::now());
    let answers = runtime.block_on(load(requests).run())?;
    let (usage, took) = (contender.usage().since(begun), at.elapsed());
    let mut measured = Measured::default();
    measured.add(usage, answers.len());
    println!(
        "| {kind} | {:.0} | {:.3} | {:.0} | {:.0} |",
        as_f64(answers.len()) / took.as_secs_f64(),
        measured.cpu_ms(),
        1e3 / measured.cpu_ms(),
        measured.rss_mib(),
    );
    Ok(())
}
