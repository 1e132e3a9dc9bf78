//! The figures of other load tools, as we compute them, against the code of the tools themselves on the same stamps.
//!
//! `tests/compatibility/peers.py` runs that code in the Python that `TOKENSCOPE_PEERS` names; `tests/compatibility/run`
//! installs it and sets that. Without it the test is skipped, and says so.

pub mod printed;

use std::{collections::BTreeMap, process::Stdio};

use rand::{RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};
use serde::Deserialize;
use serde_json::{Value, json};
use tokenscope::bench::{
    BenchRequest,
    compat::{CompatRow, LoadTool, rows},
};

use crate::deadline;

/// How many values a figure has, and their mean, P50, P90, P95 and P99.
type Values = (usize, [Option<f64>; 5]);

/// What the script prints.
#[derive(Deserialize)]
struct Peers {
    tools: BTreeMap<String, BTreeMap<String, Values>>,
    /// Figures that are no code of the tool's: the script has its formulae.
    anew: BTreeMap<String, Vec<String>>,
    missing: BTreeMap<String, String>,
    versions: BTreeMap<String, String>,
}

/// Requests of all kinds: cold and warm, with a role first and without, bursts, single tokens, reasoning first.
fn requests() -> Vec<BenchRequest> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut us = move |below: u64| random.random_range(1..below) * 1_000;
    (0..500)
        .map(|number| {
            let started = number * 20_000_000 + us(900);
            let request_sent = started + if number % 5 == 0 { us(90_000) } else { us(80) };
            let mut request = BenchRequest {
                number,
                started,
                request_sent: Some(request_sent),
                input_tokens: Some(20 + u32::try_from(number % 90).unwrap()),
                ..BenchRequest::default()
            };
            let mut at = request_sent + us(300_000);
            request.first_event = Some(at);
            if number % 3 == 0 {
                at += us(60_000);
            }
            request.first_token = Some(at);
            let reads = if number % 11 == 0 { 1 } else { 2 + number % 30 };
            for read in 0..reads {
                let tokens = if read % 4 == 3 { 5 } else { 1 };
                request.arrived(at, tokens);
                request.pieces += tokens;
                request.last_token = Some(at);
                if read <= number % 2 {
                    request.first_visible = Some(at);
                }
                at += us(40_000);
            }
            let is_finish_apart = number % 4 != 0;
            request.finished = if is_finish_apart {
                Some(at)
            } else {
                request.last_token
            };
            request.ended = at + us(4_000);
            request.output_tokens = Some(request.pieces + u32::try_from(number % 3).unwrap());
            request
        })
        .collect()
}

fn as_json(request: &BenchRequest) -> Value {
    let reads = request.arrivals.iter();
    let pieces = reads.flat_map(|read| vec![read.since_started; read.tokens as usize]);
    json!({
        "started": request.started, "request_sent": request.request_sent, "first_event": request.first_event,
        "first_token": request.first_token, "first_visible": request.first_visible,
        "last_token": request.last_token, "finished": request.finished, "ended": request.ended,
        "input_tokens": request.input_tokens, "output_tokens": request.output_tokens,
        "pieces": pieces.collect::<Vec<u64>>(),
    })
}

/// What differs by more than this share: stamps are sums of nanoseconds as floats in the tools.
fn differences(row: &CompatRow, (n, theirs): &Values, within: f64) -> Vec<String> {
    let ours = [row.mean, row.p50, row.p90, row.p95, row.p99];
    let names = ["mean", "p50", "p90", "p95", "p99"];
    let near = |ours: Option<f64>, theirs: Option<f64>| match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= within * (theirs.abs() + 1.0),
        (ours, theirs) => ours == theirs,
    };
    let figure = format!("{} {}", row.tool, row.figure.name);
    let values = names.iter().zip(ours.into_iter().zip(*theirs));
    let mut differ: Vec<String> = values
        .filter(|(_, (ours, theirs))| !near(*ours, *theirs))
        .map(|(name, (ours, theirs))| format!("{figure} {name}: {ours:?}, theirs {theirs:?}"))
        .collect();
    if row.n != *n {
        differ.push(format!("{figure}: {} values, theirs {n}", row.n));
    }
    differ
}

#[test]
fn the_tools_own_code_gives_the_same_figures_from_the_same_stamps() {
    let Some(python) = std::env::var_os("TOKENSCOPE_PEERS") else {
        eprintln!(
            "skipped: TOKENSCOPE_PEERS names no Python with the tools (bash tests/compatibility/run)"
        );
        return;
    };
    let requests = requests();
    let input: Vec<Value> = requests.iter().map(as_json).collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compatibility/peers.py");
    let mut command = std::process::Command::new(python);
    command
        .args(["-B", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || serde_json::to_writer(&mut stdin, &input));
    let output = deadline::output(child);
    deadline::joined("what the tools read", writing).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let peers: Peers = serde_json::from_slice(&output.stdout).unwrap();
    let (mut own, mut anew, mut differ) = (0, 0, Vec::new());
    for row in rows(&requests) {
        let Some(figures) = peers.tools.get(row.tool.as_str()) else {
            continue;
        };
        if let Some(theirs) = figures.get(row.figure.name) {
            let written_anew = peers.anew.get(row.tool.as_str());
            if written_anew.is_some_and(|all| all.iter().any(|name| name == row.figure.name)) {
                anew += 1;
            } else {
                own += 1;
            }
            differ.extend(differences(&row, theirs, 1e-6));
        } else {
            // AIPerf's needs its types of responses.
            assert_eq!(
                row.figure.name, "time_to_first_output_token",
                "{}",
                row.tool
            );
        }
    }
    for (tool, why) in &peers.missing {
        eprintln!("skipped: {tool}: {why}");
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    for tool in LoadTool::ALL {
        if let Some(version) = peers.versions.get(tool.as_str()) {
            assert_eq!(
                version,
                tool.version(),
                "{tool}: the version that the formulae are of"
            );
        }
    }
    println!(
        "{own} figures are those of the tools' own code, {anew} of formulae that are written anew"
    );
}
