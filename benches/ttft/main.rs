//! Benchmark: the error of our TTFT against the simulator's truth, and what a stream costs, beside a bare socket and a
//! bare loop over reqwest.
//!
//! The simulator runs in a process of its own and answers as `sim-bench`: first token after 50 ms,
//! then one every 40 ms, 64 in all (8 where there is one stream at a time), each run scaled by 0.7 to 1.3. C streams run
//! at once, in a closed loop. The error of a run is the client's TTFT minus the time from the read that completed the
//! request to the write that carried the first token, both stamped by the simulator: connecting, the kernel and the
//! client's own delay. For our runs it is given by the kernel's stamps and by our own clock; the other clients have their
//! own clock only. The first C runs of a level, which all connect at once, are shown apart. Each client of each level has
//! a process of its own: CPU time a stream and the largest resident memory are that process's, the start included.
//! "Cores busy" is the CPU time of client and simulator over the wall time. In the rows *busy*, a process beside them
//! spins a thread a core.
//!
//! `TTFT_LEVELS=1,10,100,500,1000,5000 TTFT_CLIENTS=raw,reqwest,ours,history TTFT_BUSY=no,yes TTFT_REPEAT=1
//! cargo bench --bench ttft`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints"
)]
#![allow(missing_docs, reason = "nothing here is public")]

mod clients;
#[path = "../common.rs"]
mod common;

use std::{
    env,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use clients::{Answer, Client, Shared};
use common::{
    closed_loop::{self, Level},
    process::{Process, said, this_program},
    served::{Served, as_ms, own_cpu_time, peak_kib, percentile_ms},
    streams::{knob, runtime},
};
use serde::{Deserialize, Serialize};
use url::Url;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "measure", client, streams, base_url] => {
            let (level, url) = (Level(streams.parse()?), base_url.parse()?);
            let measured = runtime()?.block_on(measure(level, client.parse()?, &url))?;
            println!("{}", serde_json::to_string(&measured)?);
            Ok(())
        }
        [_, "spin"] => spin(),
        // The bench harness's own flags (`--bench`, a filter) say nothing to us.
        _ => compare(),
    }
}

/// Measures each level with each client, and prints a row for each.
fn compare() -> anyhow::Result<()> {
    tokenscope::transport::allow_many_sockets();
    let levels = knob("TTFT_LEVELS", "1,10,100,500,1000,5000");
    let clients = knob("TTFT_CLIENTS", "raw,reqwest,ours,history");
    let repeat: usize = knob("TTFT_REPEAT", "1")[0].parse()?;
    println!(
        "TTFT error in ms: the client's figure minus the simulator's truth; n leaves out the start burst. For ours: by the kernel's stamps / by our own clock.\n"
    );
    println!(
        "| streams | cores | client | n | p50 | p99 | p99 with start burst | p50 - raw | first token behind plan p50 | p99 | CPU ms a stream | ÷ reqwest | RSS MiB | cores busy |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
    );
    for _ in 0..repeat {
        for busy in knob("TTFT_BUSY", "no,yes") {
            let _spinning = (busy == "yes").then(start_to_spin).transpose()?;
            for level in &levels {
                let level = Level(level.parse().context("TTFT_LEVELS")?);
                compare_at(level, &clients, &busy)?;
            }
        }
    }
    Ok(())
}

fn compare_at(level: Level, clients: &[String], busy: &str) -> anyhow::Result<()> {
    let simulator = Served::start(&[])?;
    let (mut raw_p50, mut reqwest_cpu) = (None, None);
    for name in clients {
        let client = name.parse()?;
        let row = runtime()?.block_on(row(level, client, &simulator))?;
        match client {
            Client::Raw => raw_p50 = Some(row.by_kernel.p50),
            Client::Reqwest => reqwest_cpu = Some(row.cpu_ms),
            Client::Ours | Client::History => {}
        }
        row.print(level, client, busy == "yes", raw_p50, reqwest_cpu);
    }
    Ok(())
}

/// What a client's process says of itself.
#[derive(Serialize, Deserialize)]
struct Measured {
    /// For each run: its place in the order of starting, the simulator's number, TTFT by the kernel and by our clock (ns).
    samples: Vec<(usize, u64, u64, u64)>,
    wall_ns: u64,
    cpu_ns: u64,
    peak_kib: u64,
}

/// Has a client send all requests of a level.
async fn measure(level: Level, client: Client, base_url: &Url) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let shared = Arc::new(Shared::new(client, level.tokens(), base_url)?);
    let answers = closed_loop::run(&shared, level.0, level.requests()).await?;
    let wall = began.elapsed();
    if let Some(shared) = Arc::into_inner(shared) {
        shared.end().await?;
    }
    let sample = |(index, Answer { run, ttft, own })| (index, run, ttft, own);
    Ok(Measured {
        samples: answers.into_iter().map(sample).collect(),
        wall_ns: u64::try_from(wall.as_nanos())?,
        cpu_ns: u64::try_from(own_cpu_time().unwrap_or_default().as_nanos())?,
        peak_kib: peak_kib().unwrap_or(0),
    })
}

/// Has a process of its own measure, and holds what it says against the simulator's truth.
async fn row(level: Level, client: Client, simulator: &Served) -> anyhow::Result<Row> {
    let before = simulator.truths(0).await?.into_keys().max().unwrap_or(0);
    let served_before = simulator.cpu_time().unwrap_or_default();
    let (streams, url) = (level.0.to_string(), simulator.base_url.as_str());
    let said = said(&mut this_program(&[
        "measure",
        client.name(),
        &streams,
        url,
    ])?)?;
    let measured: Measured = serde_json::from_str(&said)?;
    let served_cpu = simulator
        .cpu_time()
        .unwrap_or_default()
        .saturating_sub(served_before);
    ensure!(
        measured.samples.len() == level.requests(),
        "some runs are missing"
    );
    let truths = simulator.truths(before).await?;
    let (mut by_kernel, mut by_us, mut with_burst, mut late) = Default::default();
    let lists: [&mut Vec<i128>; 4] = [&mut by_kernel, &mut by_us, &mut with_burst, &mut late];
    for (index, run, ttft, own) in &measured.samples {
        let truth = truths.get(run);
        let truth = truth.with_context(|| format!("the simulator knows no run {run}"))?;
        let error = i128::from(*ttft) - truth.written;
        lists[2].push(error);
        if *index >= level.0 {
            lists[0].push(error);
            lists[1].push(i128::from(*own) - truth.written);
            lists[3].push(truth.written - truth.planned);
        }
    }
    for list in lists {
        list.sort_unstable();
    }
    let cpu = Duration::from_nanos(measured.cpu_ns);
    Ok(Row {
        n: by_kernel.len(),
        by_kernel: Quantiles::of(&by_kernel),
        by_us: Quantiles::of(&by_us),
        p99_with_burst: percentile_ms(&with_burst, 99),
        late: Quantiles::of(&late),
        cpu_ms: as_ms(measured.cpu_ns.into()) / as_f64(level.requests()),
        rss_mib: as_f64(usize::try_from(measured.peak_kib)?) / 1024.0,
        cores: (cpu + served_cpu).div_duration_f64(Duration::from_nanos(measured.wall_ns)),
    })
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn as_f64(n: usize) -> f64 {
    n as f64
}

struct Quantiles {
    p50: f64,
    p99: f64,
}

impl Quantiles {
    fn of(sorted: &[i128]) -> Self {
        Self {
            p50: percentile_ms(sorted, 50),
            p99: percentile_ms(sorted, 99),
        }
    }
}

struct Row {
    n: usize,
    by_kernel: Quantiles,
    by_us: Quantiles,
    p99_with_burst: f64,
    late: Quantiles,
    /// CPU time of the client's process for a request.
    cpu_ms: f64,
    rss_mib: f64,
    cores: f64,
}

impl Row {
    fn print(
        &self,
        level: Level,
        client: Client,
        busy: bool,
        raw_p50: Option<f64>,
        reqwest_cpu: Option<f64>,
    ) {
        let both = |kernel: f64, ours: f64| match client {
            Client::Raw | Client::Reqwest => format!("{ours:.3}"),
            Client::Ours | Client::History => format!("{kernel:.3} / {ours:.3}"),
        };
        let or_dash = |figure: Option<f64>| figure.map_or("–".to_owned(), |f| format!("{f:.2}"));
        println!(
            "| {} | {} | {} | {} | {} | {} | {:.3} | {} | {:.3} | {:.3} | {:.3} | {} | {:.0} | {:.2} |",
            level.0,
            if busy { "busy" } else { "idle" },
            client.name(),
            self.n,
            both(self.by_kernel.p50, self.by_us.p50),
            both(self.by_kernel.p99, self.by_us.p99),
            self.p99_with_burst,
            or_dash(raw_p50.map(|raw| self.by_kernel.p50 - raw)),
            self.late.p50,
            self.late.p99,
            self.cpu_ms,
            or_dash(reqwest_cpu.map(|reqwest| self.cpu_ms / reqwest)),
            self.rss_mib,
            self.cores,
        );
    }
}

/// Keeps all cores busy, in a process of its own.
fn start_to_spin() -> anyhow::Result<Process> {
    Process::start(this_program(&["spin"])?.stdin(Stdio::piped()))
}

/// Spins a thread a core until whoever started this process is gone.
fn spin() -> anyhow::Result<()> {
    for _ in 0..std::thread::available_parallelism()?.get() {
        std::thread::spawn(|| {
            loop {
                std::hint::spin_loop();
            }
        });
    }
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}
