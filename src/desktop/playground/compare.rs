//! Which of several answers to the same question is best, figure by figure.
//!
//! Only clean ends compete. A cold run's times contain its handshakes, so where cold and warm runs
//! meet, times from the start are not compared; TTFT net of connecting then stands beside them and is.

use crate::{
    measure::{Better, figure},
    run::{Connection, Run, RunId, State},
};

/// The figures under an answer, in order.
pub const SHOWN: [&str; 5] = [
    "ttft_ms",
    "ttft_net_ms",
    "ttfo_ms",
    "output_speed_tps",
    "total_ms",
];

/// What a comparison found.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent findings of one comparison"
)]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// How many clean runs were compared.
    pub compared: usize,
    /// Whether some of them were cold and some warm.
    pub mixed: bool,
    /// Whether some answer's first output came after its first token.
    pub ttfo_differs: bool,
    /// Whether some answer's reasoning tokens are known.
    pub reasoning_known: bool,
    /// Whether some answer's cached tokens are known.
    pub cached_known: bool,
    best: Vec<(&'static str, RunId)>,
}

impl Comparison {
    /// Compares the runs of one question.
    pub fn of(runs: &[&Run]) -> Self {
        let clean: Vec<&Run> = runs
            .iter()
            .copied()
            .filter(|r| r.state == State::Ok)
            .collect();
        let has = |kind| clean.iter().any(|r| r.connection == Some(kind));
        let mixed = has(Connection::Cold) && has(Connection::Warm);
        let mut best = Vec::new();
        for key in SHOWN {
            let Some(figure) = figure(key) else { continue };
            let compares = match key {
                "ttft_net_ms" => mixed,
                "ttft_ms" | "ttfo_ms" | "total_ms" => !mixed,
                _ => true,
            };
            if !compares {
                continue;
            }
            let values: Vec<_> = clean
                .iter()
                .filter_map(|r| Some((r.head.id, (figure.value)(r)?)))
                .collect();
            best.extend(
                best_of(&values, figure.better)
                    .into_iter()
                    .map(|id| (key, id)),
            );
        }
        let usages = || runs.iter().filter_map(|run| run.answer.usage);
        Self {
            compared: clean.len(),
            mixed,
            reasoning_known: usages().any(|usage| usage.reasoning.is_some()),
            cached_known: usages().any(|usage| usage.cached.is_some()),
            ttfo_differs: runs.iter().any(|run| ttfo_differs(run)),
            best,
        }
    }

    /// Whether this run is the best in this figure.
    pub fn is_best(&self, key: &str, id: RunId) -> bool {
        self.best.iter().any(|(k, run)| *k == key && *run == id)
    }
}

fn ttfo_differs(run: &Run) -> bool {
    run.stamps.first_visible.is_some() && run.stamps.first_visible != run.stamps.first_token
        || (run.stamps.first_token.is_some() && run.stamps.first_visible.is_none())
}

/// The runs that hold the best value; none if fewer than two have one, or all are alike.
fn best_of(values: &[(RunId, f64)], better: Better) -> Vec<RunId> {
    let pick: fn(f64, f64) -> f64 = match better {
        Better::Lower => f64::min,
        Better::Higher => f64::max,
        Better::Neutral => return Vec::new(),
    };
    let Some(best) = values.iter().map(|v| v.1).reduce(pick) else {
        return Vec::new();
    };
    let is_best = |value: f64| value.total_cmp(&best).is_eq();
    if values.len() < 2 || values.iter().all(|v| is_best(v.1)) {
        return Vec::new();
    }
    values
        .iter()
        .filter(|v| is_best(v.1))
        .map(|v| v.0)
        .collect()
}
