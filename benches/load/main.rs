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
//! **Other load tools.** `cargo bench --bench load -- --peers FOLDER` installs an asyncio loop over the openai SDK, oha,
//! `AIPerf` and GuideLLM into that folder (once), and adds a row for each to each number of streams: the same prompts to the
//! same simulator, one tool after another. `peers.py` runs them and says how. Their CPU time and memory are those of all
//! their processes.
//!
//! **A freeze.** A server, in a process of its own, answers at once, but not in the last 2 s of each 20 s. By a constant
//! rate the 99th percentile from schedule is known; a closed loop can't show it.
//!
//! **Many.** With `LOAD_MANY=1000000`, so many requests of one token go to a server that answers at once: memory of the
//! client's process and the size of the history.
//!
//! `LOAD_LEVELS=1,10,100,500,1000 LOAD_CLIENTS=reqwest,ours LOAD_REPEAT=1 LOAD_FREEZE=60 cargo bench --bench load`
//! (`LOAD_FREEZE`: seconds of the freeze, 0 for none). With `--peers`, `LOAD_CLIENTS` also takes `openai`, `oha`, `aiperf`
//! and `guidellm`, which are all in it unless it says otherwise.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints"
)]
#![allow(missing_docs, reason = "nothing here is public")]

#[path = "../ttft/clients.rs"]
#[allow(dead_code, reason = "the other bench asks by more clients")]
mod clients;
#[path = "../common.rs"]
mod common;
mod freeze;
mod levels;
mod many;
mod ours;
mod peers;

use std::{env, path::Path};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [_, "measure", client, streams, base_url] => {
            levels::measure(client, streams.parse()?, &base_url.parse()?)
        }
        [_, "freeze"] => freeze::serve(true),
        [_, "steady"] => freeze::serve(false),
        [_, "many", requests, base_url] => many::measure(requests.parse()?, &base_url.parse()?),
        [_, "--peers", folder, ..] => compare(Some(Path::new(folder))),
        // The bench harness's own flags (`--bench`, a filter) say nothing to us.
        _ => compare(None),
    }
}

fn compare(peers: Option<&Path>) -> anyhow::Result<()> {
    levels::compare(peers)?;
    freeze::compare()?;
    many::compare()
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn float(n: u64) -> f64 {
    n as f64
}
