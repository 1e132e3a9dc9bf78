//! Benchmark: the error of our TTFT against the simulator's truth, beside a bare socket's.
//!
//! The simulator runs in a process of its own and answers as `sim-bench`: first token after 50 ms,
//! then one every 40 ms, 32 in all, each run scaled by 0.7 to 1.3. C streams run at once, in a closed
//! loop. The error of a run is the client's TTFT minus the time from the read that completed the request to the
//! write that carried the first token, both stamped by the simulator: connecting, the kernel and the
//! client's own delay. The first C runs of a level, which all connect at once, are shown apart. "Cores
//! busy" is the CPU time of both processes over the wall time: near the machine's number of cores, the
//! figures tell of the machine's queue and not of the client.
//!
//! `TTFT_LEVELS=1,10,100,500,1000 TTFT_CLIENTS=raw,ours TTFT_REPEAT=1 cargo bench --bench ttft`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints"
)]
#![allow(missing_docs, reason = "nothing here is public")]

use std::{
    collections::HashMap,
    env,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tokenscope::{
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::{Auth, Endpoint},
    run::{Ask, Origin, RunHead, RunId, execute},
    transport::Transport,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;
use url::Url;

fn main() -> anyhow::Result<()> {
    // The bench harness's own flags (`--bench`, a filter) say nothing to us.
    let levels = knob("TTFT_LEVELS", "1,10,100,500,1000");
    let clients = knob("TTFT_CLIENTS", "raw,ours");
    let repeat: usize = knob("TTFT_REPEAT", "1")[0].parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let simulator = Served::start()?;
    println!(
        "TTFT error in ms: the client's figure minus the simulator's truth; n leaves out the start burst.\n"
    );
    println!(
        "| streams | client | n | p50 | p99 | mean | p99 with start burst | p50 ÷ raw | p99 ÷ raw | first token behind plan p50 | p99 | cores busy |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|"
    );
    for _ in 0..repeat {
        for level in &levels {
            let streams = level.parse().context("TTFT_LEVELS")?;
            let mut floor = None;
            for client in &clients {
                let level = Level {
                    streams,
                    client: client.parse()?,
                };
                let row = runtime.block_on(measure(level, &simulator))?;
                floor = floor.or(matches!(level.client, Client::Raw).then_some((row.p50, row.p99)));
                row.print(level, floor);
            }
        }
    }
    Ok(())
}

fn knob(name: &str, default: &str) -> Vec<String> {
    let text = env::var(name).unwrap_or_else(|_| default.to_owned());
    text.split(',').map(|s| s.trim().to_owned()).collect()
}

/// A simulator in a process of its own, as a peer would meet it.
struct Served {
    child: Child,
    /// Kept open: the simulator may still be writing.
    _out: BufReader<ChildStdout>,
    base_url: Url,
    address: SocketAddr,
}

impl Served {
    fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tokenscope"))
            .args(["simulate", "--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().context("the simulator has no stdout")?;
        let mut out = BufReader::new(out);
        out.read_line(&mut line)?;
        let base_url: Url = line.trim().parse()?;
        let address = base_url
            .socket_addrs(|| None)?
            .first()
            .copied()
            .context("the simulator has no address")?;
        Ok(Self {
            child,
            _out: out,
            base_url,
            address,
        })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy)]
enum Client {
    /// A bare socket and a search for the first content: the floor.
    Raw,
    /// The whole way that a run takes in the product.
    Ours,
}

impl std::str::FromStr for Client {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        match name {
            "raw" => Ok(Self::Raw),
            "ours" => Ok(Self::Ours),
            _ => bail!("TTFT_CLIENTS: there is no client “{name}”"),
        }
    }
}

#[derive(Clone, Copy)]
struct Level {
    streams: usize,
    client: Client,
}

impl Level {
    /// Requests in all: many rounds of few streams, few rounds of many.
    fn requests(self) -> usize {
        match self.streams {
            1 => 60,
            2..=10 => 150,
            11..=100 => 600,
            101..=500 => 2_000,
            n => n * 3,
        }
    }

    /// One stream at a time gives few figures a second, so its answers are short.
    fn tokens(self) -> u32 {
        if self.streams == 1 { 8 } else { 32 }
    }
}

/// What a client says of one run.
struct Sample {
    /// Its place in the order of starting.
    index: usize,
    /// The simulator's number of it.
    run: u64,
    ttft: Duration,
}

/// What the simulator says of one run, in nanoseconds since it had read the request.
struct Truth {
    planned: i128,
    written: i128,
}

async fn measure(level: Level, simulator: &Served) -> anyhow::Result<Row> {
    let before = truths(simulator, 0).await?.into_keys().max().unwrap_or(0);
    let (began, spent) = (Instant::now(), cpu_time(simulator));
    let samples = load(level, simulator).await?;
    let wall = began.elapsed();
    let cores = cpu_time(simulator)
        .zip(spent)
        .map(|(after, before)| after.saturating_sub(before).div_duration_f64(wall));
    let truths = truths(simulator, before).await?;
    let (mut errors, mut with_burst, mut late) = (Vec::new(), Vec::new(), Vec::new());
    for sample in &samples {
        let truth = truths.get(&sample.run);
        let truth = truth.with_context(|| format!("the simulator knows no run {}", sample.run))?;
        let error = i128::try_from(sample.ttft.as_nanos())? - truth.written;
        with_burst.push(error);
        if sample.index >= level.streams {
            errors.push(error);
            late.push(truth.written - truth.planned);
        }
    }
    ensure!(samples.len() == level.requests(), "some runs are missing");
    for list in [&mut errors, &mut with_burst, &mut late] {
        list.sort_unstable();
    }
    Ok(Row {
        n: errors.len(),
        p50: percentile_ms(&errors, 50),
        p99: percentile_ms(&errors, 99),
        mean: mean_ms(&errors),
        p99_with_burst: percentile_ms(&with_burst, 99),
        late_p50: percentile_ms(&late, 50),
        late_p99: percentile_ms(&late, 99),
        cores,
    })
}

/// Keeps `streams` runs going until all requests have been answered.
async fn load(level: Level, simulator: &Served) -> anyhow::Result<Vec<Sample>> {
    let next = Arc::new(AtomicUsize::new(0));
    let transport = Transport::default();
    let endpoint = Arc::new(Endpoint {
        auth: Auth::None,
        simulated: true,
        ..Endpoint::custom(
            "simulator",
            simulator.base_url.clone(),
            DialectId::OpenaiChat,
        )
    });
    let mut tasks = JoinSet::new();
    for _ in 0..level.streams {
        let (next, transport, endpoint) =
            (Arc::clone(&next), transport.clone(), Arc::clone(&endpoint));
        let mut raw = Raw {
            address: simulator.address,
            stream: None,
        };
        tasks.spawn(async move {
            let mut samples = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= level.requests() {
                    return anyhow::Ok(samples);
                }
                // The prompt seeds the schedule, so that both clients meet the same ones.
                let prompt = format!("request {index}");
                let (run, ttft) = match level.client {
                    Client::Raw => raw.run(&prompt, level.tokens()).await?,
                    Client::Ours => ours(&transport, &endpoint, &prompt, level.tokens()).await?,
                };
                samples.push(Sample { index, run, ttft });
            }
        });
    }
    let mut samples = Vec::new();
    while let Some(done) = tasks.join_next().await {
        samples.extend(done??);
    }
    Ok(samples)
}

async fn ours(
    transport: &Transport,
    endpoint: &Arc<Endpoint>,
    prompt: &str,
    tokens: u32,
) -> anyhow::Result<(u64, Duration)> {
    let mut request = ChatRequest::of_text("sim-bench", prompt);
    request.params.max_tokens = Some(tokens);
    let ask = Ask {
        head: RunHead::new(RunId::new(), endpoint, Arc::new(request), Origin::Terminal),
        endpoint: Arc::clone(endpoint),
        key: None,
        proxy_password: None,
    };
    let run = execute(transport, ask, CancellationToken::new(), &mut |_| {}).await;
    if let Some(fault) = run.answer.fault {
        return Err(fault.into());
    }
    let id = run.answer.response_id.context("an answer without an id")?;
    let number = id
        .strip_prefix("chatcmpl-sim-")
        .context("not the simulator's id")?;
    let ttft = run
        .stamps
        .first_token
        .context("an answer without a token")?;
    Ok((number.parse()?, Duration::from_nanos(ttft)))
}

/// A bare socket, kept between requests.
struct Raw {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Raw {
    async fn run(&mut self, prompt: &str, tokens: u32) -> anyhow::Result<(u64, Duration)> {
        let body = format!(
            r#"{{"model":"sim-bench","stream":true,"max_tokens":{tokens},"messages":[{{"role":"user","content":"{prompt}"}}]}}"#
        );
        let request = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len(),
        );
        let started = Instant::now();
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                none.insert(stream)
            }
        };
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::with_capacity(16 << 10);
        let mut ttft = None;
        while !bytes.ends_with(b"\r\n0\r\n\r\n") {
            let read = stream.read_buf(&mut bytes).await?;
            let at = started.elapsed();
            ensure!(read > 0, "the simulator closed the connection");
            if ttft.is_none() && has_content(&bytes) {
                ttft = Some(at);
            }
        }
        let text = std::str::from_utf8(&bytes)?;
        let (_, after) = text.split_once("x-sim-run: ").context("no run number")?;
        let number = after.split('\r').next().unwrap_or_default();
        Ok((number.parse()?, ttft.context("no token")?))
    }
}

/// Whether a non-empty piece of content is among the bytes.
fn has_content(bytes: &[u8]) -> bool {
    const FIELD: &[u8] = b"\"content\":\"";
    (bytes.windows(FIELD.len() + 1)).any(|w| w.starts_with(FIELD) && w.last() != Some(&b'"'))
}

/// The simulator's own stamps of the runs after a number.
async fn truths(simulator: &Served, after: u64) -> anyhow::Result<HashMap<u64, Truth>> {
    let mut stream = TcpStream::connect(simulator.address).await?;
    let request = format!(
        "GET /sim/runs?after={after} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
        simulator.address
    );
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let (_, body) = text
        .split_once("\r\n\r\n")
        .context("a broken list of runs")?;
    let list: Value = serde_json::from_str(body)?;
    let runs = list["runs"].as_array().context("no list of runs")?;
    let truth = |run: &Value| {
        let planned = run["planned_first_token_ns"].as_i64()?.into();
        let written = run["written_first_token_ns"].as_i64()?.into();
        Some((run["run"].as_u64()?, Truth { planned, written }))
    };
    Ok(runs.iter().filter_map(truth).collect())
}

/// CPU time that this process and the simulator have used so far, where `/proc` tells.
fn cpu_time(simulator: &Served) -> Option<Duration> {
    // Fields 14 and 15 of proc_pid_stat(5): user and system time, in ticks of 10 ms; the second field
    // is a name in brackets.
    let ticks = |process: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let (_, after_name) = stat.rsplit_once(')')?;
        let field = |n| after_name.split_whitespace().nth(n)?.parse::<u64>().ok();
        Some(field(11)? + field(12)?)
    };
    let both = ticks("self")? + ticks(&simulator.child.id().to_string())?;
    Some(Duration::from_millis(both * 10))
}

struct Row {
    n: usize,
    p50: f64,
    p99: f64,
    mean: f64,
    p99_with_burst: f64,
    late_p50: f64,
    late_p99: f64,
    cores: Option<f64>,
}

impl Row {
    fn print(&self, level: Level, floor: Option<(f64, f64)>) {
        let Self {
            n,
            p50,
            p99,
            mean,
            p99_with_burst,
            late_p50,
            late_p99,
            cores,
        } = self;
        let cores = cores.map_or("–".to_owned(), |cores| format!("{cores:.2}"));
        let ratios = floor.map_or("– | –".to_owned(), |(raw_p50, raw_p99)| {
            format!("{:.2} | {:.2}", p50 / raw_p50, p99 / raw_p99)
        });
        let client = match level.client {
            Client::Raw => "raw",
            Client::Ours => "ours",
        };
        println!(
            "| {} | {client} | {n} | {p50:.3} | {p99:.3} | {mean:.3} | {p99_with_burst:.3} | {ratios} | {late_p50:.3} | {late_p99:.3} | {cores} |",
            level.streams,
        );
    }
}

/// The nearest rank of sorted nanoseconds, in milliseconds.
fn percentile_ms(sorted: &[i128], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().map_or(f64::NAN, as_ms)
}

fn mean_ms(list: &[i128]) -> f64 {
    let count = i128::try_from(list.len().max(1)).unwrap_or(i128::MAX);
    as_ms(list.iter().sum::<i128>() / count)
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
fn as_ms(ns: i128) -> f64 {
    ns as f64 / 1e6
}
