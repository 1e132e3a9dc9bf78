//! Benchmark: what a protocol costs. The same simulated model and schedule, asked as `openai-chat`, as
//! `gemini` by REST and as `vertex-grpc`, all over TLS.
//!
//! The simulator runs in a process of its own and answers as `sim-bench`: first token after 50 ms, then one
//! every 40 ms, each run scaled by 0.7 to 1.3 by its prompt, so that every protocol meets the same schedules.
//! *Added* is the client's TTFT minus the simulator's own delay, from the read that completed the request to
//! the write that carried the first token: all that the wire and its protocol cost. *Cold* makes a connection
//! with DNS, TCP and TLS for each request; *warm* keeps one. *Bytes* pass a relay that counts them, TLS and
//! HTTP included, in a run of its own. CPU time is counted over warm streams of 64 tokens.
//!
//! `DIALECTS_ROUNDS=3 cargo bench --bench dialects`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints"
)]
#![allow(missing_docs, reason = "nothing here is public")]

#[path = "asked.rs"]
mod asked;
#[path = "served.rs"]
mod served;

use std::{
    env,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use served::{Served, own_cpu_time, percentile_ms};
use tokenscope::{
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::Endpoint,
    exchange::call::chat_call,
    run::{Run, execute},
    simulator,
    transport::{HttpVersion, Transport},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// The protocols, each over the best HTTP it is offered; the first is what the others are held against.
const WAYS: [Way; 4] = [
    Way::new("gemini (REST, SSE)", DialectId::Gemini, HttpVersion::Auto),
    Way::new("vertex-grpc", DialectId::VertexGrpc, HttpVersion::Auto),
    Way::new("openai-chat", DialectId::OpenaiChat, HttpVersion::Auto),
    Way::new(
        "openai-chat, HTTP/1.1",
        DialectId::OpenaiChat,
        HttpVersion::Http1,
    ),
];

#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    dialect: DialectId,
    http: HttpVersion,
}

impl Way {
    const fn new(name: &'static str, dialect: DialectId, http: HttpVersion) -> Self {
        Self {
            name,
            dialect,
            http,
        }
    }

    fn endpoint(self, served: &Served) -> Arc<Endpoint> {
        let all = simulator::endpoints(&served.base_url).into_iter();
        let mut own = all.filter(|endpoint| endpoint.dialect == self.dialect);
        let mut endpoint = own.next().expect("the simulator speaks it");
        endpoint.connect = served.connect.clone();
        endpoint.connect.http = self.http;
        Arc::new(endpoint)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Connecting {
    Cold,
    Warm,
}

/// How much is asked at once.
#[derive(Clone, Copy)]
struct Load {
    connecting: Connecting,
    streams: usize,
    requests: usize,
    tokens: u32,
}

fn main() -> anyhow::Result<()> {
    let rounds: usize = env::var("DIALECTS_ROUNDS").map_or(Ok(1), |text| text.parse())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let folder = tempfile::tempdir()?;
    let ca_file = folder.path().join("ca.pem");
    let ca_file = ca_file.to_str().context("a folder with an odd name")?;
    let mut served = Served::start(&["--tls", ca_file])?;
    served.connect.ca_file = Some(ca_file.to_owned());
    for _ in 0..rounds {
        runtime.block_on(round(&served))?;
    }
    Ok(())
}

async fn round(served: &Served) -> anyhow::Result<()> {
    println!(
        "TTFT in ms over TLS; ratios against {}.\n\n\
         | connections | streams | protocol | n | TTFT p50 | p99 | ÷ | ÷ | added p50 | p99 | ÷ | ÷ |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|",
        WAYS[0].name
    );
    for connecting in [Connecting::Cold, Connecting::Warm] {
        for streams in [1, 100] {
            let (requests, tokens) = match (streams, connecting) {
                (1, _) => (200, 2),
                (_, Connecting::Cold) => (600, 8),
                (_, Connecting::Warm) => (2_000, 8),
            };
            let load = Load {
                connecting,
                streams,
                requests,
                tokens,
            };
            let mut base = None;
            for way in WAYS {
                let figures = times(way, load, served).await?;
                figures.print(way, load, *base.get_or_insert(figures));
            }
        }
    }
    println!(
        "\nBytes on the wire, both ways, with TLS and HTTP; CPU time of 1,000 tokens, {CPU_STREAMS} warm \
         streams.\n\n\
         | protocol | first request, cold: up | down | a further one: up | down | a token: down | ÷ | CPU of the \
         client, ms | ÷ | of the server, ms | ÷ |\n\
         |---|---|---|---|---|---|---|---|---|---|---|"
    );
    let mut base = None;
    for way in WAYS {
        let costs = costs(way, served).await?;
        costs.print(way, *base.get_or_insert(costs));
    }
    println!();
    Ok(())
}

#[derive(Clone, Copy)]
struct Times {
    ttft: (f64, f64),
    added: (f64, f64),
    n: usize,
}

impl Times {
    fn print(&self, way: Way, load: Load, base: Self) {
        let connecting = match load.connecting {
            Connecting::Cold => "cold",
            Connecting::Warm => "warm",
        };
        println!(
            "| {connecting} | {} | {} | {} | {} | {} |",
            load.streams,
            way.name,
            self.n,
            pair(self.ttft, base.ttft),
            pair(self.added, base.added),
        );
    }
}

fn pair(own: (f64, f64), base: (f64, f64)) -> String {
    format!(
        "{:.2} | {:.2} | {:.2} | {:.2}",
        own.0,
        own.1,
        own.0 / base.0,
        own.1 / base.1
    )
}

/// TTFT, whole and without the simulator's own delay.
async fn times(way: Way, load: Load, served: &Served) -> anyhow::Result<Times> {
    let before = served.truths(0).await?.into_keys().max().unwrap_or(0);
    let runs = ask_all(way.endpoint(served), load).await?;
    let truths = served.truths(before).await?;
    let (mut ttfts, mut added) = (Vec::new(), Vec::new());
    for run in &runs {
        let id = run.answer.response_id.as_deref().unwrap_or_default();
        let number = id.rsplit('-').next().unwrap_or_default().parse()?;
        let truth: &served::Truth = truths.get(&number).context("a run that nobody served")?;
        let ttft = run
            .stamps
            .first_token
            .context("an answer without a token")?;
        ttfts.push(i128::from(ttft));
        added.push(i128::from(ttft) - truth.written);
    }
    ttfts.sort_unstable();
    added.sort_unstable();
    let both = |list: &[i128]| (percentile_ms(list, 50), percentile_ms(list, 99));
    Ok(Times {
        ttft: both(&ttfts),
        added: both(&added),
        n: runs.len(),
    })
}

/// Keeps `streams` runs going until all requests have been answered. The first round of warm streams, which
/// makes the connection, is not among the runs.
async fn ask_all(endpoint: Arc<Endpoint>, load: Load) -> anyhow::Result<Vec<Run>> {
    let next = Arc::new(AtomicUsize::new(0));
    let transports = Arc::new(transports(&endpoint, load).await?);
    let mut tasks = JoinSet::new();
    for _ in 0..load.streams {
        let (next, endpoint) = (Arc::clone(&next), Arc::clone(&endpoint));
        let transports = Arc::clone(&transports);
        tasks.spawn(async move {
            let mut runs = Vec::new();
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= load.requests {
                    return anyhow::Ok(runs);
                }
                let transport = transports[index % transports.len()].clone();
                // The prompt seeds the schedule.
                let prompt = format!("request {index}");
                let run = ask(&transport, &endpoint, &prompt, load.tokens).await?;
                if load.connecting == Connecting::Cold || index >= load.streams {
                    runs.push(run);
                }
            }
        });
    }
    let mut runs = Vec::new();
    while let Some(done) = tasks.join_next().await {
        runs.extend(done??);
    }
    Ok(runs)
}

/// One transport with a connection, or one a request with none; their clients, which read the machine's
/// certificates, are made beforehand, as in a program that runs.
async fn transports(endpoint: &Arc<Endpoint>, load: Load) -> anyhow::Result<Vec<Transport>> {
    if load.connecting == Connecting::Warm {
        let shared = Transport::default();
        for _ in 0..3 {
            ask(&shared, endpoint, "warming up", 1).await?;
        }
        return Ok(vec![shared]);
    }
    let mut transports = Vec::new();
    for _ in 0..load.requests {
        let transport = Transport::default();
        let dialect = endpoint.dialect.dialect();
        for dialect in [dialect, dialect.as_json()] {
            let request = ChatRequest::of_text("sim-bench", "");
            let call = chat_call(dialect, endpoint, &request, None, None)?;
            transport.prepare(call.http).await?;
        }
        transports.push(transport);
    }
    Ok(transports)
}

async fn ask(
    transport: &Transport,
    endpoint: &Arc<Endpoint>,
    prompt: &str,
    tokens: u32,
) -> anyhow::Result<Run> {
    let ask = asked::spec(endpoint, asked::request(prompt, tokens), false);
    let run = execute(transport, ask, CancellationToken::new(), &mut |_| {}).await;
    match &run.answer.fault {
        Some(fault) => Err(fault.clone().into()),
        None => Ok(run),
    }
}

const CPU_STREAMS: usize = 100;
const CPU_TOKENS: u32 = 64;

#[derive(Clone, Copy)]
struct Costs {
    first: (f64, f64),
    further: (f64, f64),
    a_token: f64,
    client_ms: f64,
    server_ms: f64,
}

impl Costs {
    fn print(&self, way: Way, base: Self) {
        println!(
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} | {:.1} | {:.2} | {:.1} | {:.2} |",
            way.name,
            self.first.0,
            self.first.1,
            self.further.0,
            self.further.1,
            self.a_token,
            self.a_token / base.a_token,
            self.client_ms,
            self.client_ms / base.client_ms,
            self.server_ms,
            self.server_ms / base.server_ms,
        );
    }
}

async fn costs(way: Way, served: &Served) -> anyhow::Result<Costs> {
    let (first, further, a_token) = bytes_of(way, served).await?;
    let cpu = || own_cpu_time().zip(served.cpu_time());
    let load = Load {
        connecting: Connecting::Warm,
        streams: CPU_STREAMS,
        requests: 5 * CPU_STREAMS,
        tokens: CPU_TOKENS,
    };
    let before = cpu().unwrap_or_default();
    ask_all(way.endpoint(served), load).await?;
    let after = cpu().unwrap_or_default();
    let thousands = f64::from(CPU_TOKENS) * 5.0 * 100.0 / 1000.0;
    let per_thousand = |after: Duration, before: Duration| {
        after.saturating_sub(before).as_secs_f64() * 1000.0 / thousands
    };
    Ok(Costs {
        first,
        further,
        a_token,
        client_ms: per_thousand(after.0, before.0),
        server_ms: per_thousand(after.1, before.1),
    })
}

/// Bytes up and down of a first request of 64 tokens, of further ones, and down of one token.
async fn bytes_of(way: Way, served: &Served) -> anyhow::Result<((f64, f64), (f64, f64), f64)> {
    const FURTHER: u32 = 5;
    let relay = Relay::start(served.address).await?;
    let mut endpoint = (*way.endpoint(served)).clone();
    let moved = endpoint.base_url.set_port(Some(relay.address.port()));
    ensure!(moved.is_ok(), "a base URL without a port");
    let endpoint = Arc::new(endpoint);
    let transport = Transport::default();
    ask(&transport, &endpoint, "first", CPU_TOKENS).await?;
    let first = relay.settled().await;
    let mut down = [0.0; 2];
    let mut further = (0.0, 0.0);
    for (down, tokens) in down.iter_mut().zip([CPU_TOKENS, CPU_TOKENS / 2]) {
        let before = relay.settled().await;
        for number in 0..FURTHER {
            ask(&transport, &endpoint, &format!("further {number}"), tokens).await?;
        }
        let after = relay.settled().await;
        let each = |after: f64, before: f64| (after - before) / f64::from(FURTHER);
        *down = each(after.1, before.1);
        if tokens == CPU_TOKENS {
            further = (each(after.0, before.0), *down);
        }
    }
    let a_token = (down[0] - down[1]) / f64::from(CPU_TOKENS / 2);
    Ok((first, further, a_token))
}

/// Passes bytes on and counts them.
struct Relay {
    address: SocketAddr,
    up: Arc<AtomicU64>,
    down: Arc<AtomicU64>,
}

impl Relay {
    async fn start(server: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let relay = Self {
            address: listener.local_addr()?,
            up: Arc::default(),
            down: Arc::default(),
        };
        let (up, down) = (Arc::clone(&relay.up), Arc::clone(&relay.down));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(server).await else {
                    return;
                };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(pass(from_client, to_server, Arc::clone(&up)));
                tokio::spawn(pass(from_server, to_client, Arc::clone(&down)));
            }
        });
        Ok(relay)
    }

    /// The bytes so far, once no more are under way.
    async fn settled(&self) -> (f64, f64) {
        let now = || {
            (
                self.up.load(Ordering::Relaxed),
                self.down.load(Ordering::Relaxed),
            )
        };
        let mut seen = now();
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if now() == seen {
                #[expect(clippy::cast_precision_loss, reason = "a few megabytes")]
                return (seen.0 as f64, seen.1 as f64);
            }
            seen = now();
        }
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    count: Arc<AtomicU64>,
) {
    let mut piece = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        count.fetch_add(read as u64, Ordering::Relaxed);
        if to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
}
