//! Benchmark: our own delay. TTFT by the kernel's stamps and by those of this program, against the time at which the
//! server wrote the first token, beside programs that keep the cores busy; and how often the late mark is wrong.
//!
//! 100 streams run at once in a closed loop, each run over the exchange of the product, to a server in a process of its
//! own (`server.rs`). The server reads the wall clock right before the `write` that carries the first token, and sends
//! that time as the token: this is the truth, and TTFT by it is the truth minus the run's start. Both processes share
//! the machine, so the server is given the real-time class (`chrt --fifo`) where that is allowed, and goes before all
//! that keeps the cores busy. It also says how long that `write` took: where it took longer than 0.1 ms, the truth may
//! be early by as much, and the table says how often that was. On loopback the receiving half of the kernel runs within
//! the sender's `write`.
//!
//! The kernel's stamp is that of the last segment of a read. A reader that is later than the next token is (40 ms) gets
//! both at once, and TTFT is then *at most* what the stamp says: such runs are in the first line of a row, and not in the
//! second. The third is of the runs that count: those without the mark.
//!
//! `LATE_BURST=3` makes the server write so many tokens at once, each in a segment of its own: a read then holds several
//! though nobody is late, and no run may be marked for it.
//!
//! A run is *truly late* if this program had its first token later than it was written by more than the share of the
//! true TTFT (`late_share` of the settings) and a millisecond; *missed* is one of those that bears no mark, a *false alarm*
//! is a mark on another. The first run of each stream, which connects, is left out.
//!
//! `LATE_STREAMS=100 LATE_RUNS=2000 LATE_BURNERS=0,2,8 LATE_SHARE=0.1 LATE_BURST=1 cargo bench --bench late`

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and prints"
)]
#![allow(missing_docs, reason = "nothing here is public")]

#[path = "../common.rs"]
mod common;
mod server;

use std::{
    env,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context as _, ensure};
use common::{
    asked,
    process::{Process, this_program},
    served::{as_ms, percentile_ms},
    streams::{knob, runtime},
};
use tokenscope::{
    dialect::DialectId,
    endpoint::{Auth, Endpoint},
    measure::late,
    run::{Run, execute},
    transport::Transport,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

/// A `write` that took longer was interrupted, or did more than to send.
const LONG_WRITE_NS: i128 = 100_000;
/// The promise: by the kernel's stamps, this near to the truth.
const NEAR_NS: i128 = 300_000;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("serve") => server::serve(),
        Some("spin") => loop {
            std::hint::spin_loop();
        },
        // The bench harness's own flags say nothing to us.
        _ => compare(),
    }
}

fn compare() -> anyhow::Result<()> {
    let streams: usize = knob("LATE_STREAMS", "100")[0].parse()?;
    let runs: usize = knob("LATE_RUNS", "2000")[0].parse()?;
    let share: f64 = knob("LATE_SHARE", &late::SHARE.to_string())[0].parse()?;
    let server = Server::start()?;
    println!(
        "{streams} streams at once, {} cores; the server's class: {}; times in ms; late is over {} % of TTFT\n",
        std::thread::available_parallelism()?,
        if server.is_first {
            "real-time"
        } else {
            "the same as all others'"
        },
        100.0 * share,
    );
    println!(
        "| programs that spin | n | long writes | stamps | n | p50 | p99 | max | within 0.3 ms |"
    );
    println!("|{}", "---|".repeat(9));
    let mut marks = String::new();
    for burners in knob("LATE_BURNERS", "0,2,8") {
        let burners: usize = burners.parse().context("LATE_BURNERS")?;
        let _spinning = (0..burners)
            .map(|_| spin())
            .collect::<anyhow::Result<Vec<_>>>()?;
        let samples = runtime()?.block_on(measure(&server.url, streams, runs))?;
        print_errors(burners, &samples, share);
        marks += &marks_row(burners, &samples, share);
    }
    println!(
        "\n| programs that spin | n | first tokens read with later ones | truly late | marked | missed \
         | of these, read with later ones | false alarms | without a kernel stamp |"
    );
    println!("|{}\n{marks}", "---|".repeat(9));
    Ok(())
}

/// One run, in nanoseconds.
struct Sample {
    /// TTFT by the server's stamp.
    truth: i128,
    /// How long the server's `write` took.
    write: i128,
    /// TTFT as the run has it.
    ttft: u64,
    /// How much later this program read it than the stamp says.
    delay: Option<u32>,
    /// How much later than it came, at most.
    most: Option<u32>,
    /// Whether it was read together with what came later, whose stamp it has then.
    is_at_most: bool,
}

impl Sample {
    /// Reads the truth out of the answer.
    fn of(run: &Run) -> anyhow::Result<Self> {
        if let Some(fault) = &run.answer.fault {
            return Err(fault.clone().into());
        }
        let mut words = run.answer.text.split(' ');
        let mut number =
            || -> anyhow::Result<i128> { Ok(words.next().context("no number")?.parse()?) };
        let (written, write) = (number()?, number()?);
        let first = run.reads.iter().find(|read| read.tokens > 0);
        Ok(Self {
            truth: written - i128::from(run.stamps.started_unix_ns),
            write,
            ttft: run.stamps.first_token.context("no token")?,
            delay: first.and_then(|read| read.delay),
            most: run.stamps.first_token_delay,
            is_at_most: first.is_some_and(|read| read.is_at_most),
        })
    }

    /// The error by the kernel's stamp.
    fn by_kernel(&self) -> i128 {
        i128::from(self.ttft) - self.truth
    }

    /// The error by this program's own stamp.
    fn by_us(&self) -> i128 {
        self.by_kernel() + i128::from(self.delay.unwrap_or(0))
    }

    #[expect(clippy::cast_precision_loss, reason = "2^53 ns are 104 days")]
    fn is_truly_late(&self, share: f64) -> bool {
        let late = self.by_us();
        late >= i128::from(late::LEAST) && late as f64 > share * self.truth as f64
    }

    fn is_marked(&self, share: f64) -> bool {
        late::is_late(self.ttft, self.most, share)
    }
}

/// Keeps the streams going until there are so many runs.
async fn measure(url: &Url, streams: usize, runs: usize) -> anyhow::Result<Vec<Sample>> {
    let endpoint = Arc::new(Endpoint {
        auth: Auth::None,
        ..Endpoint::custom("server", url.clone(), DialectId::OpenaiChat)
    });
    let (transport, begun) = (Transport::default(), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..streams {
        let (endpoint, begun, transport) =
            (Arc::clone(&endpoint), Arc::clone(&begun), transport.clone());
        tasks.spawn(async move {
            let mut samples = Vec::new();
            let mut is_first = true;
            while is_first || begun.fetch_add(1, Ordering::Relaxed) < runs {
                let spec = asked::spec(&endpoint, asked::request("when?", 16), false);
                let run = execute(&transport, spec, CancellationToken::new(), &mut drop).await;
                let sample = Sample::of(&run)?;
                if !std::mem::take(&mut is_first) {
                    samples.push(sample);
                }
            }
            anyhow::Ok(samples)
        });
    }
    let mut samples = Vec::new();
    while let Some(done) = tasks.join_next().await {
        samples.extend(done??);
    }
    ensure!(samples.len() == runs, "some runs are missing");
    Ok(samples)
}

/// Errors of TTFT: by the kernel's stamps, by those of reads that held one segment, by those of runs without the mark, by
/// our own.
fn print_errors(burners: usize, samples: &[Sample], share: f64) {
    let long = samples.iter().filter(|it| it.write > LONG_WRITE_NS).count();
    let long = percent(long, samples.len());
    let stamped = || samples.iter().filter(|it| it.delay.is_some());
    let alone = stamped().filter(|it| !it.is_at_most);
    let unmarked = stamped().filter(|it| !it.is_marked(share));
    for (name, errors) in [
        ("kernel's", stamped().map(Sample::by_kernel).collect()),
        (
            "kernel's, reads of one segment",
            alone.map(Sample::by_kernel).collect(),
        ),
        (
            "kernel's, runs without the mark",
            unmarked.map(Sample::by_kernel).collect(),
        ),
        ("our own", samples.iter().map(Sample::by_us).collect()),
    ] {
        let errors = quantiles(errors);
        println!(
            "| {burners} | {} | {long} | {name} | {errors} |",
            samples.len()
        );
    }
}

fn marks_row(burners: usize, samples: &[Sample], share: f64) -> String {
    let count = |is: &dyn Fn(&Sample) -> bool| samples.iter().filter(|sample| is(sample)).count();
    let is_late = |sample: &Sample| sample.is_truly_late(share);
    let is_missed = |sample: &Sample| is_late(sample) && !sample.is_marked(share);
    format!(
        "| {burners} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
        samples.len(),
        count(&|sample| sample.is_at_most),
        count(&is_late),
        count(&|sample| sample.is_marked(share)),
        count(&is_missed),
        count(&|sample| is_missed(sample) && sample.is_at_most),
        count(&|sample| sample.is_marked(share) && !is_late(sample)),
        count(&|sample| sample.delay.is_none()),
    )
}

/// How many errors there are, their median, 99th percentile and largest, and the share that is near.
fn quantiles(mut errors: Vec<i128>) -> String {
    errors.sort_unstable();
    let near = errors.iter().filter(|error| error.abs() <= NEAR_NS).count();
    format!(
        "{} | {:.3} | {:.3} | {:.3} | {}",
        errors.len(),
        percentile_ms(&errors, 50),
        percentile_ms(&errors, 99),
        errors.last().copied().map_or(f64::NAN, as_ms),
        percent(near, errors.len())
    )
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn percent(part: usize, of: usize) -> String {
    format!("{:.2} %", 100.0 * part as f64 / of as f64)
}

/// Starts a process that keeps a core busy.
fn spin() -> anyhow::Result<Process> {
    Process::start(&mut this_program(&["spin"])?)
}

/// The server in its process.
struct Server {
    _process: Process,
    url: Url,
    /// Whether it goes before all other programs.
    is_first: bool,
}

impl Server {
    fn start() -> anyhow::Result<Self> {
        let allowed = Command::new("chrt").args(["--fifo", "10", "true"]).status();
        let is_first = allowed.is_ok_and(|status| status.success());
        let program = env::current_exe()?;
        let mut command = if is_first {
            let mut command = Command::new("chrt");
            command.args(["--fifo", "10"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let (process, line) = Process::serving(command.arg("serve"))?;
        Ok(Self {
            _process: process,
            url: line.parse()?,
            is_first,
        })
    }
}
