//! The tail: what asking a second target beside a slow one does to the 99th percentile of TTFT, and what it costs.
//!
//! Servers answer after the delays of three models as they were published (P50 and P99 of 24 hours), ten times as fast.
//! Two points say nothing of the shape between them, so each model is drawn in two shapes that have both: *log-normal*,
//! and *stalls*, a narrow body (sigma 0.2) of which a share of 4 % takes around P99. Requests with and without hedging take
//! turns and meet the same first delay; a second request draws a delay of its own.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    common::served::{as_ms, percentile_ms},
    contender::Contender,
    load::{Answer, Load},
};

/// Published P50 and P99 of TTFT over 24 hours, in milliseconds.
const MODELS: [(&str, f64, f64); 3] = [
    ("GPT-4o-mini", 536.0, 4_461.0),
    ("Haiku 4.5", 541.0, 4_117.0),
    ("Gemini 2.5 Flash", 477.0, 1_309.0),
];
/// How much faster they are drawn.
const FASTER: f64 = 10.0;
/// The standard normal quantile of 99 %.
const Z99: f64 = 2.326;
/// The share of stalls, and the spread of the rest.
const STALLS: f64 = 0.04;
const BODY: f64 = 0.2;

#[derive(Clone, Copy, Debug)]
enum Shape {
    LogNormal,
    Stalls,
    /// Nothing answers in less than a second: an outage.
    Outage,
}

#[derive(Clone, Copy)]
struct Delays {
    p50: f64,
    p99: f64,
    shape: Shape,
}

impl Delays {
    /// The delay of a request's attempt.
    fn of(self, request: usize, attempt: usize) -> Duration {
        let seed = (request * 64 + attempt) as u64;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let normal = normal(&mut rng);
        let ms = match self.shape {
            Shape::LogNormal => self.p50 * ((self.p99 / self.p50).ln() / Z99 * normal).exp(),
            Shape::Stalls => {
                // P99 is three quarters up the stalls: 0.674 standard deviations.
                let median = self.p99 / (0.674 * BODY).exp();
                let stalls = rng.random::<f64>() < STALLS;
                if stalls {
                    median * (BODY * normal).exp()
                } else {
                    self.p50 * (BODY * normal).exp()
                }
            }
            Shape::Outage => 10_000.0,
        };
        Duration::from_secs_f64(ms / 1e3 / FASTER)
    }
}

fn normal(rng: &mut Xoshiro256PlusPlus) -> f64 {
    // Box and Muller's transform; 1 − u keeps the logarithm's argument above 0.
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

/// A server with these delays; counts what it is asked.
struct Target {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Target {
    async fn start(delays: Delays) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let asked = Arc::new(AtomicUsize::new(0));
        let attempts: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (count, attempts) = (Arc::clone(&count), Arc::clone(&attempts));
                tokio::spawn(async move {
                    // The gateway closes the losers' connections.
                    let _ = answer(stream, delays, &count, &attempts).await;
                });
            }
        });
        Ok(Self { address, asked })
    }
}

async fn answer(
    mut stream: TcpStream,
    delays: Delays,
    count: &AtomicUsize,
    attempts: &Mutex<HashMap<String, usize>>,
) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut bytes = Vec::new();
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // The body is the last of a request, and ends so.
        if !text.ends_with("}]}") {
            continue;
        }
        bytes.clear();
        count.fetch_add(1, Ordering::Relaxed);
        let (_, rest) = text.split_once("\"content\":\"").context("no prompt")?;
        let prompt = rest.split('"').next().unwrap_or_default().to_owned();
        let (route, number) = prompt.split_once(' ').context("no number")?;
        let request: usize = number.parse()?;
        let attempt = {
            let mut attempts = attempts.lock().map_err(|_| anyhow::anyhow!("a panic"))?;
            let attempt = attempts.entry(format!("{route} {number}")).or_default();
            *attempt += 1;
            *attempt
        };
        tokio::time::sleep(delays.of(request, attempt)).await;
        let body = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let text = format!("{head}{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
        stream.write_all(text.as_bytes()).await?;
    }
}

pub async fn compare() -> anyhow::Result<()> {
    println!(
        "\nThe tail: TTFT in ms, ten times as fast as published; hedged at p95, at most 6 % more\n"
    );
    println!(
        "| model | shape | n | P50 | P95 | P99 (95 % interval) | hedged P50 | P95 | P99 (95 % interval) | P99 ratio | more requests |\n\
         |---|---|---|---|---|---|---|---|---|---|---|"
    );
    for (model, p50, p99) in MODELS {
        for shape in [Shape::LogNormal, Shape::Stalls] {
            row(model, Delays { p50, p99, shape }, 4_000).await?;
        }
    }
    let (model, p50, p99) = MODELS[0];
    let shape = Shape::Outage;
    row(model, Delays { p50, p99, shape }, 600).await
}

async fn row(model: &str, delays: Delays, requests: usize) -> anyhow::Result<()> {
    let target = Target::start(delays).await?;
    let contender = Contender::hedging(target.address)?;
    // The route gets to know its quantile.
    load(&contender, "hedged", 1_000_000, 300).run().await?;
    let mut all: [Vec<i128>; 2] = Default::default();
    let mut asked = [0; 2];
    let turns = 8;
    for turn in 0..turns {
        for (at, route) in ["plain", "hedged"].into_iter().enumerate() {
            let before = target.asked.load(Ordering::Relaxed);
            let first = turn * requests / turns;
            let answers = load(&contender, route, first, requests / turns)
                .run()
                .await?;
            all[at].extend(answers.iter().map(|Answer { ttft, .. }| i128::from(*ttft)));
            asked[at] += target.asked.load(Ordering::Relaxed) - before;
        }
    }
    let [plain, hedged] = &mut all;
    plain.sort_unstable();
    hedged.sort_unstable();
    let p99 = |sorted: &[i128]| percentile_ms(sorted, 99);
    let more = 100.0 * (crate::as_f64(asked[1]) / crate::as_f64(asked[0]) - 1.0);
    println!(
        "| {model} | {:?} | {} | {} | {} | {:.2} | {more:.1} % |",
        delays.shape,
        plain.len(),
        figures(plain),
        figures(hedged),
        p99(hedged) / p99(plain),
    );
    Ok(())
}

/// P50, P95, and P99 with the interval that order statistics give: ranks at ± 1.96 standard deviations.
fn figures(sorted: &[i128]) -> String {
    let n = crate::as_f64(sorted.len());
    let spread = 1.96 * (n * 0.99 * 0.01).sqrt();
    let at = |rank: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank of a list"
        )]
        let rank = (rank.ceil().max(1.0) as usize).min(sorted.len());
        as_ms(sorted[rank - 1])
    };
    format!(
        "{:.0} | {:.0} | {:.0} ({:.0} to {:.0})",
        percentile_ms(sorted, 50),
        percentile_ms(sorted, 95),
        percentile_ms(sorted, 99),
        at(n * 0.99 - spread),
        at(n * 0.99 + spread),
    )
}

fn load(contender: &Contender, route: &'static str, first: usize, requests: usize) -> Load {
    let address = contender.address;
    Load {
        address,
        request: Arc::new(move |index| {
            crate::contender::chat(address, route, 1, &format!("{route} {}", first + index))
        }),
        streams: 25,
        requests,
    }
}
