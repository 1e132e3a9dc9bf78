//! Runs whose course in time is worth a look: one that a proxy buffers, one that stalls, one that goes on, a long one.

use tokenscope::run::{ConnectionKind, Read, Run, RunState, Span};

use super::{
    Scene, filled,
    runs::{noise, ns},
};

/// The place of a run in the scene's table, from the top.
fn row(scene: &mut Scene, row: usize) -> &mut Run {
    let place = scene.runs.len() - 1 - row;
    &mut scene.runs[place]
}

/// When the tokens of a model come, in milliseconds after the request: uneven, and with a pause now and then.
fn tokens(seed: usize, ttft_ms: f64, count: usize) -> Vec<f64> {
    let mut at = ttft_ms;
    let gap = |token: usize| {
        let pause = if token.is_multiple_of(37) { 45.0 } else { 0.0 };
        7.0 + 9.0 * noise(seed + token * 3) + 26.0 * noise(seed + token * 7).powi(9) + pause
    };
    let tokens = (0..count).map(|token| {
        at += gap(token + 1);
        at
    });
    tokens.collect()
}

/// A cold run in which these tokens came in reads of so many bytes or more.
fn course(run: &mut Run, tokens: &[f64], block_bytes: u32) {
    let span = |begin, end| {
        Some(Span {
            begin: ns(begin),
            end: ns(end),
        })
    };
    run.state = RunState::Ok;
    run.answer.fault = None;
    run.connection = Some(ConnectionKind::Cold);
    let mut reads: Vec<Read> = Vec::new();
    let mut open = Read::default();
    for (index, at) in tokens.iter().enumerate() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let [bytes, delay] = [
            205.0 + 30.0 * noise(index + 11),
            40_000.0 + 90_000.0 * noise(index + 5).powi(4),
        ]
        .map(|value| value as u32);
        open.bytes += bytes;
        open.events += 1;
        open.tokens += 1;
        if open.bytes >= block_bytes || index + 1 == tokens.len() {
            reads.push(Read {
                at: ns(*at),
                delay: Some(delay),
                ..std::mem::take(&mut open)
            });
        }
    }
    let stamps = &mut run.stamps;
    (stamps.dns, stamps.tcp) = (span(0.2, 14.0), span(14.0, 66.0));
    stamps.tls = span(66.0, 137.0);
    stamps.request_sent = Some(ns(138.2));
    let first = reads.first().map(|read| read.at);
    stamps.headers = first.map(|first| first - ns(22.0));
    stamps.first_byte = first;
    stamps.first_event = first;
    stamps.first_token = first;
    stamps.first_visible = first;
    stamps.last_token = reads.last().map(|read| read.at);
    stamps.closed = stamps.last_token.map(|last| last + ns(4.0));
    run.reads = reads.into_iter().collect();
}

/// At the top a run through a gateway that buffers, below it the same question asked directly.
pub fn buffered() -> Scene {
    let mut scene = filled();
    let tokens = tokens(3, 470.0, 180);
    let later: Vec<f64> = tokens.iter().map(|at| at + 38.0).collect();
    let mut gateway = row(&mut scene, 3).clone();
    let mut direct = row(&mut scene, 4).clone();
    course(&mut gateway, &later, 4_096);
    course(&mut direct, &tokens, 1);
    for (place, run) in [(0, gateway), (1, direct)] {
        let kept = row(&mut scene, place);
        let (id, started) = (kept.head.id, kept.stamps.started_unix_ns);
        *kept = run;
        kept.head.id = id;
        kept.stamps.started_unix_ns = started;
    }
    scene
}

/// At the top a run that falls silent for two seconds.
pub fn stalled() -> Scene {
    let mut scene = filled();
    let mut tokens = tokens(9, 520.0, 160);
    tokens[90..].iter_mut().for_each(|at| *at += 2_100.0);
    course(row(&mut scene, 0), &tokens, 1);
    scene
}

/// At the top a run of another process that goes on.
pub fn live() -> Scene {
    let mut scene = filled();
    let run = row(&mut scene, 0);
    course(run, &tokens(5, 640.0, 70), 1);
    run.state = RunState::Streaming;
    run.answer.finish = None;
    run.answer.usage = None;
    run.stamps.closed = None;
    scene
}

/// At the top a run of 100,000 reads.
pub fn long() -> Scene {
    let mut scene = filled();
    course(row(&mut scene, 0), &tokens(1, 640.0, 100_000), 1);
    scene
}
