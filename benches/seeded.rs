//! A history of seeded runs: 12 targets over 90 days, the same each time.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the numbers are small"
)]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokenscope::{
    chat::ChatRequest,
    dialect::DialectId,
    endpoint::TargetId,
    event::{Fault, FaultClass, Phase, Usage},
    history::History,
    run::{ConnectionKind, Origin, Read, Run, RunHead, RunId, RunState},
};

pub const DAY_NS: i64 = 24 * 3600 * 1_000_000_000;
pub const DAYS: i64 = 90;

/// A small generator of the same numbers each time (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }

    fn words(&mut self, vocabulary: &[String], least: u64, most: u64) -> String {
        let count = least + self.below(most - least);
        let picked: Vec<&str> = (0..count)
            .map(|_| vocabulary[self.below(vocabulary.len() as u64) as usize].as_str())
            .collect();
        picked.join(" ")
    }
}

fn vocabulary(dice: &mut Dice) -> Vec<String> {
    let mut words: Vec<String> = ["latency", "gateway", "token", "延迟", "首个令牌"]
        .map(str::to_owned)
        .into();
    for _ in 0..4000 {
        let length = 3 + dice.below(7);
        words.push(
            (0..length)
                .map(|_| (b'a' + dice.below(26) as u8) as char)
                .collect(),
        );
    }
    words
}

fn a_run(start_ns: i64, n: i64, count: i64, dice: &mut Dice, vocabulary: &[String]) -> Run {
    let started = start_ns + n * (DAYS * DAY_NS / count);
    let target = dice.below(12);
    let model = format!("vendor/model-{}", target % 4);
    let prompt = dice.words(vocabulary, 5, 25);
    let mut run = Run::new(RunHead {
        id: RunId(((started / 1_000_000) << 20) | (n & 0xf_ffff)),
        target: TargetId {
            endpoint: format!("endpoint-{}", target / 4),
            model: model.clone(),
        },
        dialect: DialectId::OpenaiChat,
        route: "direct".into(),
        url: "https://api.example.com/v1/chat/completions".into(),
        simulated: false,
        origin: Origin::Playground,
        attempt: 1,
        request: Arc::new(ChatRequest::of_text(model, prompt)),
    });
    let warm = dice.below(5) > 0;
    let ttft =
        80_000_000 + target * 20_000_000 + dice.below(300_000_000) + u64::from(!warm) * 150_000_000;
    let reads = 20 + dice.below(60);
    run.connection = Some(if warm {
        ConnectionKind::Warm
    } else {
        ConnectionKind::Cold
    });
    run.status = Some(200);
    run.stamps.started_unix_ns = started;
    run.stamps.first_token = Some(ttft);
    run.stamps.last_token = Some(ttft + reads * 20_000_000);
    run.reads = (0..reads)
        .map(|k| Read {
            at: ttft + k * 20_000_000 + dice.below(9_000_000),
            bytes: 200 + dice.below(100) as u32,
            events: 1,
            tokens: 1,
            ..Read::default()
        })
        .collect();
    run.answer.text = dice.words(vocabulary, 10, 110);
    run.answer.usage = Some(Usage {
        input: Some(dice.below(400)),
        output: Some(reads * 2),
        ..Usage::default()
    });
    run.state = RunState::Ok;
    if dice.below(50) == 0 {
        run.answer.fault = Some(Fault::new(
            FaultClass::RateLimited,
            Phase::Headers,
            "slow down",
        ));
        run.state = RunState::Fault;
        run.stamps.first_token = None;
    }
    run
}

/// Fills a history with runs of 90 days from `start_ns` on, and gives the runs a second.
pub async fn fill(folder: &Path, start_ns: i64, count: i64) -> f64 {
    let history = History::open(folder);
    let mut dice = Dice(1);
    let vocabulary = vocabulary(&mut dice);
    let mut spent = Duration::ZERO;
    for chunk in 0..(count + 4999) / 5000 {
        let runs = chunk * 5000..(chunk * 5000 + 5000).min(count);
        let runs: Vec<Run> = runs
            .map(|n| a_run(start_ns, n, count, &mut dice, &vocabulary))
            .collect();
        let begun = Instant::now();
        for run in runs {
            history.finish(run);
        }
        history.flush().await;
        spent += begun.elapsed();
    }
    count as f64 / spent.as_secs_f64()
}
