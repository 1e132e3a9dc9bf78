//! A simulator in a process of its own, as a peer would meet it, and what it says of its runs.

#[path = "process.rs"]
#[allow(dead_code, reason = "some benches start no other process")]
pub mod process;

use std::{collections::HashMap, net::SocketAddr, process::Command, time::Duration};

use anyhow::{Context as _, ensure};
use process::Process;
use serde_json::Value;
use tokenscope::{
    exchange,
    transport::{ConnectOptions, HttpCall, Transport, Upload},
};
use url::Url;

/// A running simulator; dropping it stops it.
pub struct Served {
    process: Process,
    pub base_url: Url,
    pub address: SocketAddr,
    /// How to connect to it.
    pub connect: ConnectOptions,
}

/// What the simulator says of one run, in nanoseconds since it had read the request.
pub struct Truth {
    /// The seed of its schedule: see [`seed_of`].
    #[allow(dead_code, reason = "most benches know the run's number")]
    pub seed: u64,
    #[allow(dead_code, reason = "not every bench asks how late it was")]
    pub planned: i128,
    pub written: i128,
}

impl Served {
    /// Starts it with these further arguments.
    pub fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tokenscope"));
        let command = command.args(["simulate", "--port", "0"]).args(arguments);
        let (process, line) = Process::serving(command)?;
        let base_url: Url = line.parse()?;
        let address = base_url
            .socket_addrs(|| None)?
            .first()
            .copied()
            .context("the simulator has no address")?;
        Ok(Self {
            process,
            base_url,
            address,
            connect: ConnectOptions::default(),
        })
    }

    /// The simulator's own stamps of the runs after a number.
    pub async fn truths(&self, after: u64) -> anyhow::Result<HashMap<u64, Truth>> {
        let mut url = self.base_url.join("/sim/runs")?;
        url.set_query(Some(&format!("after={after}")));
        let call = HttpCall {
            method: http::Method::GET,
            url,
            headers: http::HeaderMap::new(),
            body: Upload::default(),
            connect: self.connect.clone(),
            proxy_password: None,
            cold: false,
            as_is: false,
        };
        let (status, _, body) = exchange::whole(&Transport::default(), call).await?;
        ensure!(status == 200, "no list of runs: {status}");
        let list: Value = serde_json::from_slice(&body)?;
        let runs = list["runs"].as_array().context("no list of runs")?;
        let truth = |run: &Value| {
            let planned = run["planned_first_token_ns"].as_i64()?.into();
            let written = run["written_first_token_ns"].as_i64()?.into();
            let seed = run["seed"].as_u64()?;
            let truth = Truth {
                seed,
                planned,
                written,
            };
            Some((run["run"].as_u64()?, truth))
        };
        Ok(runs.iter().filter_map(truth).collect())
    }

    /// CPU time that it has used so far, where `/proc` tells.
    pub fn cpu_time(&self) -> Option<Duration> {
        cpu_time_of(&self.process.id().to_string())
    }
}

/// The seed of the schedule by which the simulator answers a prompt of one text without further parameters: FNV-1a of
/// what was asked, as `simulator::plan::seeds` has it.
#[allow(dead_code, reason = "most benches know the run's number")]
pub fn seed_of(model: &str, prompt: &str) -> u64 {
    let said = [serde_json::json!({ "text": prompt })];
    let asked = serde_json::json!([model, "", said, Value::Null]).to_string();
    let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    asked.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

/// CPU time that this process has used so far, where `/proc` tells.
pub fn own_cpu_time() -> Option<Duration> {
    cpu_time_of("self")
}

/// The first field of `/proc/PID/task/TID/schedstat` is a thread's time on a CPU, in nanoseconds. Threads that
/// have ended are not in it: none of ours end while a figure is taken.
fn cpu_time_of(process: &str) -> Option<Duration> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let mut spent = 0;
    for task in tasks {
        let file = task.ok()?.path().join("schedstat");
        // A thread may end while we look.
        let Ok(text) = std::fs::read_to_string(file) else {
            continue;
        };
        spent += text.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(spent))
}

/// The most memory that this process had resident so far, in KiB, where `/proc` tells.
#[allow(dead_code, reason = "not every bench asks for it")]
pub fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The nearest rank of sorted nanoseconds, in milliseconds.
pub fn percentile_ms(sorted: &[i128], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().map_or(f64::NAN, as_ms)
}

/// Nanoseconds in milliseconds.
#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
pub fn as_ms(ns: i128) -> f64 {
    ns as f64 / 1e6
}
