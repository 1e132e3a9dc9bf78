//! A server that freezes 2 s in every 20 s, and what a rate and a closed loop say of it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokenscope::bench::{ArrivalProcess, Load};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use url::Url;

use crate::{
    common::{
        process::{Process, this_program},
        streams::{knob, request_length, runtime},
    },
    float, ours,
};

const PERIOD: Duration = Duration::from_secs(20);
const FROZEN: Duration = Duration::from_secs(2);

/// Requests a second.
const RATE: u64 = 100;

/// How long a request is held up that comes so long after the first one.
fn frozen_for(since: Duration) -> Duration {
    let begun = u32::try_from(since.as_nanos() / PERIOD.as_nanos()).unwrap_or(u32::MAX);
    let within = since.saturating_sub(PERIOD * begun);
    let left = PERIOD.saturating_sub(within);
    if left <= FROZEN { left } else { Duration::ZERO }
}

/// Holds what a rate and a closed loop say against the truth.
pub fn compare() -> anyhow::Result<()> {
    let seconds: u64 = knob("LOAD_FREEZE", "60")[0].parse()?;
    if seconds == 0 {
        return Ok(());
    }
    let requests = seconds * RATE;
    let mut held: Vec<Duration> = (0..requests)
        .map(|number| frozen_for(Duration::from_nanos(number * 1_000_000_000 / RATE)))
        .collect();
    held.sort_unstable();
    let rank = usize::try_from((requests * 99).div_ceil(100))?;
    let truth = held[rank - 1].as_secs_f64() * 1e3;
    println!(
        "\nA server that freezes {FROZEN:?} in every {PERIOD:?}, {RATE} requests/s for {seconds} s: the 99th percentile of TTFT in ms.\n"
    );
    println!(
        "| load | figure | p99 | truth | off by | our lag p99 | valid |\n|---|---|---|---|---|---|---|"
    );
    let rate = Load::Rate {
        per_second: float(RATE),
        arrivals: ArrivalProcess::Constant,
    };
    let server = FreezingServer::start("freeze")?;
    let found = ours::run(ours::plan(rate, requests), 2, &server.base_url)?.summary;
    let row =
        |load: &str, figure: &str, p99: Option<f64>, found: &tokenscope::bench::BenchSummary| {
            let p99 = p99.unwrap_or(f64::NAN);
            println!(
                "| {load} | {figure} | {p99:.1} | {truth:.1} | {:+.1} % | {:.2} | {} |",
                (p99 / truth - 1.0) * 100.0,
                found.lag_ms.p99.unwrap_or(f64::NAN),
                found.valid
            );
        };
    let from_schedule = found.from_schedule.context("no schedule")?;
    row("rate", "from schedule", from_schedule.ttft_ms.p99, &found);
    row("rate", "from start", found.ttft_ms.p99, &found);
    drop(server);
    let server = FreezingServer::start("freeze")?;
    let mut plan = ours::plan(Load::Closed { concurrency: 1 }, u64::MAX);
    plan.stop.requests = None;
    plan.stop.time_ms = Some(seconds * 1_000);
    let found = ours::run(plan, 2, &server.base_url)?.summary;
    row("1 stream", "from start", found.ttft_ms.p99, &found);
    let note = found.from_schedule_note.as_deref().unwrap_or_default();
    println!("\nWhat the closed loop says of it: {note}.");
    Ok(())
}

/// The server, in a process of its own, until it is dropped.
pub struct FreezingServer {
    _process: Process,
    pub base_url: Url,
}

impl FreezingServer {
    /// Starts it; `mode` is `freeze`, or `steady` for one that never freezes.
    pub fn start(mode: &str) -> anyhow::Result<Self> {
        let (process, line) = Process::serving(&mut this_program(&[mode])?)?;
        Ok(Self {
            _process: process,
            base_url: line.parse()?,
        })
    }
}

/// Serves until the process is ended. The first request begins the first period.
pub fn serve(freezes: bool) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}/v1", listener.local_addr()?);
        let begun: Arc<Mutex<Option<Instant>>> = Arc::default();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let begun = Arc::clone(&begun);
            tokio::spawn(async move { answer_all(stream, &begun, freezes).await });
        }
    })
}

const ANSWER: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one\"}}]}\n\n\
                      data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
                      data: [DONE]\n\n";

async fn answer_all(
    mut stream: TcpStream,
    begun: &Mutex<Option<Instant>>,
    freezes: bool,
) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let length = loop {
            if let Some(length) = request_length(&bytes) {
                break length;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
        };
        bytes.drain(..length);
        if freezes {
            let since = {
                let mut begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
                begun.get_or_insert_with(Instant::now).elapsed()
            };
            tokio::time::sleep(frozen_for(since)).await;
        }
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{ANSWER}\r\n0\r\n\r\n",
            ANSWER.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    }
}
