//! What the plots of a comparison show, laid out once for each change. Large comparisons are laid out on a thread of their
//! own.

use std::sync::{
    Arc,
    mpsc::{self, Receiver},
};

use egui::Context;

use crate::{
    compare::{CompareRound, CompareState, ComparedFigure, ComparisonId, SampleOutcome},
    desktop::parts::in_background,
    run::{ConnectionKind, RunId},
};

/// Comparisons of more rounds than this are laid out on a thread of their own.
const MANY: usize = 4_000;
/// Most steps of a line.
const MOST_STEPS: usize = 600;
/// Most points of an arm.
const MOST_POINTS: usize = 2_000;
/// Most quantiles of a plot of quantiles against quantiles.
const MOST_QUANTILES: usize = 200;

/// What decides what the plots show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataKey {
    pub comparison: ComparisonId,
    pub rounds: usize,
    pub connection: ConnectionKind,
    pub figure: ComparedFigure,
}

/// A pair, as the plot of differences shows it. Times in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairPoint {
    /// The number of its round.
    pub round: u64,
    /// When its first run started, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// What the first arm took.
    pub first_ms: f64,
    /// What the arm took.
    pub arm_ms: f64,
    /// The arm's run.
    pub run: RunId,
}

impl PairPoint {
    /// By how much the arm took longer.
    #[must_use]
    pub fn difference_ms(&self) -> f64 {
        self.arm_ms - self.first_ms
    }
}

/// What the plots show of one figure over one kind of connection.
#[derive(Clone, Debug, Default)]
pub struct ArmsData {
    /// The steps of each arm's distribution: a time, and the share of runs that took at most that.
    pub steps: Vec<Vec<[f64; 2]>>,
    /// Of how many runs they are.
    pub counts: Vec<usize>,
    /// For each arm its quantiles, each beside that of the first; none for the first.
    pub quantiles: Vec<Vec<[f64; 2]>>,
    /// The pairs of each arm with the first; none for the first.
    pub pairs: Vec<Vec<PairPoint>>,
}

/// The data of what is shown.
#[derive(Debug, Default)]
pub struct ChartData {
    found: Option<(DataKey, Arc<ArmsData>)>,
    coming: Option<(DataKey, Receiver<ArmsData>)>,
}

impl ChartData {
    /// What the plots show; `None` until it is laid out.
    pub fn of(
        &mut self,
        ctx: &Context,
        state: &Arc<CompareState>,
        key: DataKey,
    ) -> Option<Arc<ArmsData>> {
        self.take_in();
        let is_found = self.found.as_ref().is_some_and(|(of, _)| *of == key);
        if !is_found && key.rounds <= MANY {
            self.found = Some((key, Arc::new(ArmsData::of(state, key))));
        } else if !is_found && self.coming.is_none() {
            let (send, receive) = mpsc::channel();
            self.coming = Some((key, receive));
            let (ctx, state) = (ctx.clone(), Arc::clone(state));
            in_background("comparison", move || {
                // Nobody waits for it once the view shows something else.
                let _ = send.send(ArmsData::of(&state, key));
                ctx.request_repaint();
            });
        }
        let fits = |of: &DataKey| DataKey { rounds: 0, ..*of } == DataKey { rounds: 0, ..key };
        let found = self.found.as_ref().filter(|(of, _)| fits(of));
        found.map(|(_, data)| Arc::clone(data))
    }

    fn take_in(&mut self) {
        let Some((key, receive)) = &self.coming else {
            return;
        };
        match receive.try_recv() {
            Ok(data) => self.found = Some((*key, Arc::new(data))),
            Err(mpsc::TryRecvError::Empty) => return,
            Err(mpsc::TryRecvError::Disconnected) => {}
        }
        self.coming = None;
    }
}

impl ArmsData {
    fn of(state: &CompareState, key: DataKey) -> Self {
        let plan = state.plan();
        let rounds: Vec<&CompareRound> = (state.rounds.iter())
            .filter(|round| round.connection == key.connection)
            .collect();
        let value = |round: &CompareRound, arm: usize| {
            let sample = round.samples.get(arm)?;
            let is_measured = round.outcome(arm, plan) == Some(SampleOutcome::Measured);
            key.figure
                .ms(sample)
                .filter(|ms| is_measured && ms.is_finite())
        };
        let sorted = |arm: usize| {
            let mut values: Vec<f64> = rounds
                .iter()
                .filter_map(|round| value(round, arm))
                .collect();
            values.sort_by(f64::total_cmp);
            values
        };
        let all: Vec<Vec<f64>> = (0..plan.arms.len()).map(sorted).collect();
        let pairs = (0..plan.arms.len()).map(|arm| {
            let pairs = rounds.iter().filter_map(|round| {
                let sample = round.samples.get(arm).filter(|_| arm > 0)?;
                (!round.is_apart(arm, plan)).then_some(())?;
                Some(PairPoint {
                    round: round.index,
                    at_unix_ns: round.samples.first()?.started_unix_ns,
                    first_ms: value(round, 0)?,
                    arm_ms: value(round, arm)?,
                    run: sample.run,
                })
            });
            let pairs: Vec<PairPoint> = pairs.collect();
            let stride = pairs.len().div_ceil(MOST_POINTS).max(1);
            pairs.into_iter().step_by(stride).collect()
        });
        Self {
            pairs: pairs.collect(),
            steps: all.iter().map(|sorted| steps(sorted)).collect(),
            counts: all.iter().map(Vec::len).collect(),
            quantiles: (all.iter().enumerate())
                .map(|(arm, sorted)| {
                    if arm == 0 {
                        Vec::new()
                    } else {
                        quantiles(&all[0], sorted)
                    }
                })
                .collect(),
        }
    }
}

/// Values, and the share of all that are at most each of them. Values are in ascending order.
#[expect(clippy::cast_precision_loss, reason = "counts of runs")]
fn steps(sorted: &[f64]) -> Vec<[f64; 2]> {
    let n = sorted.len();
    let stride = n.div_ceil(MOST_STEPS).max(1);
    let kept = (0..n).filter(|at| (at + 1) % stride == 0 || at + 1 == n);
    kept.map(|at| [sorted[at], (at + 1) as f64 / n as f64])
        .collect()
}

/// The quantiles of one sample (upward) beside those of another (across). Both are in ascending order.
fn quantiles(across: &[f64], upward: &[f64]) -> Vec<[f64; 2]> {
    let most = across.len().min(upward.len()).min(MOST_QUANTILES);
    let place = |sorted: &[f64], part: usize| {
        let at = (2 * part + 1) * sorted.len() / (2 * most);
        sorted[at.min(sorted.len() - 1)]
    };
    let parts = 0..most;
    parts
        .map(|part| [place(across, part), place(upward, part)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_a_step_up_and_many_are_drawn_as_few() {
        assert_eq!(steps(&[10.0, 30.0]), [[10.0, 0.5], [30.0, 1.0]]);
        assert!(steps(&[]).is_empty());
        let many: Vec<f64> = (0..50_000).map(f64::from).collect();
        let line = steps(&many);
        assert!(line.len() <= MOST_STEPS + 1, "{}", line.len());
        assert_eq!(line.last(), Some(&[49_999.0, 1.0]));
    }

    #[test]
    fn quantiles_of_samples_of_unlike_size_stand_beside_each_other() {
        let long: Vec<f64> = (0..1000).map(f64::from).collect();
        let short: Vec<f64> = (0..10).map(|n| f64::from(n) * 100.0 + 50.0).collect();
        let found = quantiles(&long, &short);
        assert_eq!(found.len(), 10);
        assert!(
            found
                .iter()
                .all(|[across, upward]| (across - upward).abs() <= 1.0),
            "{found:?}"
        );
        assert!(quantiles(&long, &[]).is_empty() && quantiles(&[], &short).is_empty());
    }
}
