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

#[path = "served.rs"]
mod served;

use std::{
    env,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use served::{Served, as_ms, own_cpu_time, percentile_ms};
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

fn main() -> anyhow::Result<()> {
    // The bench harness's own flags (`--bench`, a filter) say nothing to us.
    let levels = knob("TTFT_LEVELS", "1,10,100,500,1000");
    let clients = knob("TTFT_CLIENTS", "raw,ours");
    let repeat: usize = knob("TTFT_REPEAT", "1")[0].parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let simulator = Served::start(&[])?;
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

/// CPU time of this process and the simulator.
fn cpu_time(simulator: &Served) -> Option<Duration> {
    Some(own_cpu_time()? + simulator.cpu_time()?)
}

fn knob(name: &str, default: &str) -> Vec<String> {
    let text = env::var(name).unwrap_or_else(|_| default.to_owned());
    text.split(',').map(|s| s.trim().to_owned()).collect()
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

async fn measure(level: Level, simulator: &Served) -> anyhow::Result<Row> {
    let before = simulator.truths(0).await?.into_keys().max().unwrap_or(0);
    let (began, spent) = (Instant::now(), cpu_time(simulator));
    let samples = load(level, simulator).await?;
    let wall = began.elapsed();
    let cores = cpu_time(simulator)
        .zip(spent)
        .map(|(after, before)| after.saturating_sub(before).div_duration_f64(wall));
    let truths = simulator.truths(before).await?;
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
        lack: None,
        cold: false,
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

fn mean_ms(list: &[i128]) -> f64 {
    let count = i128::try_from(list.len().max(1)).unwrap_or(i128::MAX);
    as_ms(list.iter().sum::<i128>() / count)
}
