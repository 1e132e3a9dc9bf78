//! What the history tells of targets beside TTFT, computed plainly from the runs of a scene.

use std::collections::BTreeMap;

use tokenscope::{
    history::{BufferedCount, TargetFacts, TargetFactsQuery},
    measure::{
        arrivals::arrivals,
        burst::Burst,
        cost_sum::CostSum,
        lost::{self, LostConnections},
    },
    price::{OwnPrice, PriceTable, Rates, Usd},
    run::{Read, Run},
};

use super::{Scene, filled};

impl Scene {
    pub fn target_facts(&self, query: &TargetFactsQuery) -> Vec<TargetFacts> {
        let mut found = BTreeMap::new();
        for run in &self.runs {
            let (target, simulated) = (run.head.target.clone(), run.head.simulated);
            let facts = found
                .entry((target.clone(), simulated))
                .or_insert(TargetFacts {
                    target,
                    simulated,
                    buffered: BufferedCount::default(),
                    lost: LostConnections::default(),
                    cost_today: CostSum::default(),
                });
            let started = run.stamps.started_unix_ns;
            if started >= query.today_unix_ns {
                facts.cost_today.add_run(run, &self.settings.prices);
            }
            let is_shown = Some(started) >= query.from_unix_ns;
            let burst = Burst::of(run, &arrivals(&run.reads)).filter(|_| is_shown);
            if let Some(burst) = burst {
                facts.buffered.add(burst.verdict);
            }
            if let Some(loss) = lost::of(run).filter(|_| is_shown) {
                facts.lost.add(loss, 1);
            }
        }
        found.into_values().collect()
    }
}

/// A day on which something buffers on the way to one target, and the prices of two are known.
pub fn buffering_and_priced() -> Scene {
    let mut scene = filled();
    // Of what broke off, no more than a part of the cost is known.
    let is_whole = |run: &Run| run.answer.fault.is_none();
    scene
        .runs
        .retain(|run| run.head.target.endpoint != "openai" || is_whole(run));
    let rates = Rates {
        input: Usd::of_dollars(2e-6),
        output: Usd::of_dollars(8e-6),
        ..Rates::default()
    };
    let own = ["openai/*", "gateway/*"].map(|pattern| OwnPrice::new(pattern, rates, None));
    scene.settings.prices = PriceTable::with_own(own.into());
    for (index, run) in scene.runs.iter_mut().enumerate() {
        if run.head.target.endpoint != "gateway" {
            continue;
        }
        // Every other answer came in four blocks.
        if index % 2 == 0 {
            run.reads = run.reads.chunks(45).map(block).collect();
        }
        // Some were not counted.
        if index % 3 == 0 {
            run.answer.usage = None;
        }
    }
    scene
}

/// Reads that were held back until the last of them came.
fn block(reads: &[Read]) -> Read {
    Read {
        at: reads.last().map_or(0, |read| read.at),
        bytes: reads.iter().map(|read| read.bytes).sum(),
        events: reads.iter().map(|read| read.events).sum(),
        tokens: reads.iter().map(|read| read.tokens).sum(),
        ..Read::default()
    }
}
