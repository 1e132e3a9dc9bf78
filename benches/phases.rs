//! Benchmark: the phases of a cold connection beside those that `curl -w` gives, taken by turns.
//!
//! Each pair is one request for the list of models by our transport and one by curl, in random order, each on a
//! connection of its own: TCP, TLS, from the request to the head of the answer, and from the start to the head. Printed
//! are both clients' own quantiles, and those of the pairs' differences (ours minus curl's). By itself it starts the
//! simulator on loopback, with TLS; over a slow or lossy link, a simulator at the other end is named:
//!
//! `PHASES_PAIRS=200 PHASES_URL=https://localhost:PORT PHASES_CA=ca.pem PHASES_RESOLVE=localhost:PORT:10.0.0.2
//! cargo bench --bench phases` (`PHASES_RESOLVE` is for curl, which takes `localhost` for this machine).
//!
//! At a loss of packets the quantiles of each client tell what racing saves: curl tries a lone address once.

#![allow(clippy::print_stdout, reason = "a benchmark prints")]
#![allow(missing_docs, reason = "nothing here is public")]

#[path = "served.rs"]
#[allow(dead_code, reason = "other benches ask for more")]
mod served;

use std::{
    env,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use served::{Served, as_ms, percentile_ms};
use tokenscope::transport::{ConnectOptions, HttpCall, PhaseSpan, Trace, Transport, Upload};
use url::Url;

/// What is compared, in the order of [`Phases`].
const NAMES: [&str; 4] = ["TCP", "TLS", "request to head", "start to head"];

/// Nanoseconds of each phase of one cold request.
type Phases = [i128; 4];

/// Where requests go.
struct Peer {
    url: Url,
    ca: PathBuf,
    /// curl's `--resolve`.
    resolve: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let pairs: usize = env::var("PHASES_PAIRS").map_or(Ok(200), |pairs| pairs.parse())?;
    let folder = tempfile::tempdir()?;
    let (peer, _served) = if let Ok(url) = env::var("PHASES_URL") {
        (named_peer(&url)?, None)
    } else {
        let ca = folder.path().join("ca.pem");
        let served = Served::start(&["--tls", ca.to_str().context("an odd folder")?])?;
        let url = served.base_url.clone();
        let resolve = None;
        (Peer { url, ca, resolve }, Some(served))
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let transport = Transport::default();
    let call = call(&peer)?;
    let ours = || runtime.block_on(our_phases(&transport, call.clone()));
    // What happens once in a process, such as reading certificates, is no phase of a request.
    let _ = ours();
    let (mut by_us, mut by_curl, mut differences) =
        (Sample::default(), Sample::default(), Sample::default());
    for pair in 0..pairs {
        let (us, curl) = if is_heads(pair) {
            let us = ours();
            (us, curl_phases(&peer))
        } else {
            let curl = curl_phases(&peer);
            (ours(), curl)
        };
        if let (Ok(us), Ok(curl)) = (&us, &curl) {
            differences.add(Ok(std::array::from_fn(|phase| us[phase] - curl[phase])));
        }
        by_us.add(us);
        by_curl.add(curl);
    }
    print(&by_us, &by_curl, &differences);
    Ok(())
}

/// A fair coin, the same in each run of the program.
fn is_heads(n: usize) -> bool {
    (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 63 == 0
}

fn named_peer(url: &str) -> anyhow::Result<Peer> {
    Ok(Peer {
        url: url.parse()?,
        ca: env::var_os("PHASES_CA")
            .context("PHASES_CA names the authority's file")?
            .into(),
        resolve: env::var("PHASES_RESOLVE").ok(),
    })
}

/// The request for the list of models, on a connection of its own.
fn call(peer: &Peer) -> anyhow::Result<HttpCall> {
    let ca_file = peer.ca.to_str().context("an odd file name")?.to_owned();
    Ok(HttpCall {
        method: http::Method::GET,
        url: peer.url.join("/v1/models")?,
        headers: http::HeaderMap::new(),
        body: Upload::default(),
        connect: ConnectOptions {
            ca_file: Some(ca_file),
            ..ConnectOptions::default()
        },
        proxy_password: None,
        cold: true,
        as_is: false,
    })
}

async fn our_phases(transport: &Transport, call: HttpCall) -> anyhow::Result<Phases> {
    let call = transport.prepare(call).await?;
    let trace = Trace::new();
    let head = call.send(&trace).await?.head;
    ensure!(head.status == 200, "status {}", head.status);
    let ns = |span: Duration| i128::try_from(span.as_nanos());
    let phase = |span: Option<PhaseSpan>| -> anyhow::Result<i128> {
        let span = span.context("a cold call without its connection's phases")?;
        Ok(ns(span.end - span.begin)?)
    };
    let at: Instant = head.stamp.kernel_at.unwrap_or(head.stamp.at);
    Ok([
        phase(head.phases.tcp)?,
        phase(head.phases.tls)?,
        ns(at - head.request_sent)?,
        ns(at - trace.began())?,
    ])
}

fn curl_phases(peer: &Peer) -> anyhow::Result<Phases> {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-o", "/dev/null", "--max-time", "60", "--cacert"])
        .arg(&peer.ca);
    if let Some(resolve) = &peer.resolve {
        curl.args(["--resolve", resolve]);
    }
    // With a body, curl takes the time at which it began to send that for the answer's beginning.
    curl.arg("-w")
        .arg("%{http_code} %{time_namelookup} %{time_connect} %{time_appconnect} %{time_pretransfer} %{time_starttransfer}")
        .arg(peer.url.join("/v1/models")?.as_str());
    let out = curl.output().context("curl can't be started")?;
    ensure!(
        out.status.success(),
        "curl: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    let text = String::from_utf8(out.stdout)?;
    let mut words = text.split(' ');
    ensure!(words.next() == Some("200"), "curl: {text}");
    let times: Vec<i128> = words
        .map(|word| {
            Ok(i128::try_from(
                Duration::try_from_secs_f64(word.parse()?)?.as_nanos(),
            )?)
        })
        .collect::<anyhow::Result<_>>()?;
    let [name, connect, tls, pretransfer, head] = times[..] else {
        anyhow::bail!("curl says {text}");
    };
    Ok([connect - name, tls - connect, head - pretransfer, head])
}

#[derive(Default)]
struct Sample {
    phases: [Vec<i128>; 4],
    failures: usize,
}

impl Sample {
    fn add(&mut self, phases: anyhow::Result<Phases>) {
        match phases {
            Ok(phases) => {
                for (list, ns) in self.phases.iter_mut().zip(phases) {
                    let at = list.partition_point(|other| *other < ns);
                    list.insert(at, ns);
                }
            }
            Err(why) => {
                self.failures += 1;
                println!("failed: {why:#}");
            }
        }
    }
}

fn print(ours: &Sample, curl: &Sample, differences: &Sample) {
    println!(
        "ms; n = {} pairs; failed: ours {}, curl {}\n",
        differences.phases[0].len(),
        ours.failures,
        curl.failures,
    );
    println!("| phase | ours p50 | p90 | p99 | curl p50 | p90 | p99 | difference p1 | p50 | p99 |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (phase, name) in NAMES.iter().enumerate() {
        let at = |sample: &Sample, percent| percentile_ms(&sample.phases[phase], percent);
        println!(
            "| {name} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} |",
            at(ours, 50),
            at(ours, 90),
            at(ours, 99),
            at(curl, 50),
            at(curl, 90),
            at(curl, 99),
            at(differences, 1),
            at(differences, 50),
            at(differences, 99),
        );
    }
    let mean = |sample: &Sample| {
        let list = &sample.phases[3];
        as_ms(list.iter().sum::<i128>() / i128::try_from(list.len().max(1)).unwrap_or(1))
    };
    println!(
        "\nstart to head, mean: ours {:.3}, curl {:.3}",
        mean(ours),
        mean(curl)
    );
}
