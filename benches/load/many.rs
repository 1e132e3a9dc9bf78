//! One bench of very many requests: what memory it takes, and what room.

use anyhow::ensure;
use tokenscope::bench::Load;
use url::Url;

use crate::{
    common::{process::this_program, streams::knob},
    float,
    freeze::FreezingServer,
    ours,
};

/// Has a process of its own run it, if that is asked for.
pub fn compare() -> anyhow::Result<()> {
    let requests: u64 = knob("LOAD_MANY", "0")[0].parse()?;
    if requests == 0 {
        return Ok(());
    }
    let server = FreezingServer::start("steady")?;
    let words = ["many", &requests.to_string(), server.base_url.as_str()];
    let status = this_program(&words)?.status()?;
    ensure!(status.success(), "the client failed");
    Ok(())
}

/// Runs it, and prints what it took.
pub fn measure(requests: u64, base_url: &Url) -> anyhow::Result<()> {
    let plan = ours::plan(Load::Closed { concurrency: 64 }, requests);
    let ran = ours::run(plan, 1, base_url)?;
    let stored = ran.requests.len() as u64;
    ensure!(stored == requests, "{stored} of {requests} are stored");
    println!(
        "\n{requests} requests in one bench: {:.0} requests/s, RSS {:.0} MiB at most, history {:.1} MB, {:.3} CPU ms a request",
        requests_a_second(requests, ran.wall_ns),
        float(ran.peak_kib) / 1024.0,
        float(ran.file_bytes) / 1e6,
        float(ran.cpu_ns) / 1e6 / float(requests),
    );
    Ok(())
}

fn requests_a_second(requests: u64, wall_ns: u64) -> f64 {
    float(requests) / (float(wall_ns) / 1e9)
}
