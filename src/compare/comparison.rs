//! What the pairs of a comparison say: figures of each arm, and verdicts of each arm against the first, over each kind of
//! connection apart.

use std::collections::BTreeMap;

use super::{
    ArticleTable, ComparePhase, ComparePlan, CompareRound, CompareStopReason, ComparedFigure,
    Exclusion, PairMark, Preference, SampleOutcome,
};
use crate::{
    measure::{
        evidence::{
            Conclusion, FailureVerdict, IntervalEstimate, LatencyVerdict, LookRule, Pair, Quantile,
            failure_verdict, of_one, verdict,
        },
        float,
        percentile::{Percentile, median},
    },
    price::Usd,
    run::ConnectionKind,
};

/// What the pairs say.
#[derive(Clone, Debug, Default)]
pub struct PairedComparison {
    /// Whether the number of pairs was fixed beforehand and reached: then the intervals are for one look at the end. Else
    /// they hold at every look.
    pub is_fixed: bool,
    /// Each kind of connection, apart.
    pub kinds: Vec<KindComparison>,
    /// What people preferred, of the arms that have marks.
    pub preferences: Vec<Preference>,
    /// Whether the verdict that the comparison is about can be told for each arm and kind of connection.
    pub is_settled: bool,
}

/// What the pairs over one kind of connection say.
#[derive(Clone, Debug)]
pub struct KindComparison {
    /// The kind.
    pub connection: ConnectionKind,
    /// How many rounds are over.
    pub rounds: usize,
    /// The arms, in the order of the plan.
    pub arms: Vec<ArmSummary>,
    /// Each arm but the first, against the first.
    pub against_first: Vec<ArmVerdicts>,
    /// The table of the article that this project comes from.
    pub article: ArticleTable,
}

/// The runs of one arm over one kind of connection.
#[derive(Clone, Debug, Default)]
pub struct ArmSummary {
    /// How many runs are over.
    pub asked: usize,
    /// How many of them are in the figures.
    pub measured: usize,
    /// How many failed, by class, the most frequent first.
    pub faults: Vec<(&'static str, usize)>,
    /// How many are in no figure for another reason.
    pub excluded: BTreeMap<Exclusion, usize>,
    /// Its figures, each with the runs that were measured.
    pub figures: Vec<ArmFigure>,
    /// The median of each phase.
    pub phases: Vec<PhaseMedian>,
}

/// A figure of an arm.
#[derive(Clone, Debug)]
pub struct ArmFigure {
    /// The figure.
    pub figure: ComparedFigure,
    /// Of how many runs.
    pub n: usize,
    /// Median, P95 and P99, in milliseconds.
    pub quantiles: [IntervalEstimate; 3],
}

/// The median of a phase, or of its paired differences, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct PhaseMedian {
    /// The phase.
    pub phase: ComparePhase,
    /// Its median, with n and an interval for one look.
    pub median: Percentile,
}

/// One arm against the first.
#[derive(Clone, Debug)]
pub struct ArmVerdicts {
    /// The arm, by its place in the plan.
    pub arm: usize,
    /// How many pairs count.
    pub pairs: usize,
    /// A verdict for each figure and quantile.
    pub figures: Vec<FigureVerdict>,
    /// The verdict of the failure rates.
    pub failures: FailureVerdict,
    /// In how many pairs both failed.
    pub failed_together: usize,
    /// The median of the paired differences of each phase, arm − first arm.
    pub phases: Vec<PhaseMedian>,
    /// The median paired difference of TTFT in the first, middle and last third of the pairs, with its interval for one
    /// look: they show a drift.
    pub thirds: [Percentile; 3],
    /// What a pair cost, in USD, if that is known.
    pub usd_a_pair: Option<f64>,
}

/// A verdict of one figure.
#[derive(Clone, Debug)]
pub struct FigureVerdict {
    /// The figure.
    pub figure: ComparedFigure,
    /// The verdict, in milliseconds.
    pub verdict: LatencyVerdict,
}

impl PairedComparison {
    /// What these rounds and marks say. `end` is why the comparison stopped, once it has.
    #[must_use]
    pub fn of(
        plan: &ComparePlan,
        rounds: &[CompareRound],
        marks: &[PairMark],
        end: Option<CompareStopReason>,
    ) -> Self {
        let is_fixed = plan.is_fixed() && end == Some(CompareStopReason::Pairs);
        let look = if is_fixed {
            LookRule::Fixed
        } else {
            LookRule::Every
        };
        let kinds = plan.connections.kinds().iter();
        let kinds = kinds.map(|kind| KindComparison::of(plan, rounds, *kind, look));
        let kinds: Vec<KindComparison> = kinds.collect();
        let arms = 1..plan.arms.len();
        Self {
            is_fixed,
            is_settled: kinds.iter().all(|kind| kind.is_settled(plan)),
            preferences: arms
                .filter_map(|arm| Preference::of(marks, arm, plan.margin))
                .collect(),
            kinds,
        }
    }

    /// How many pairs count, over all kinds of connection, of the arm that has the fewest.
    #[must_use]
    pub fn pairs(&self) -> usize {
        let kinds = self.kinds.iter();
        let fewest = kinds.map(|kind| kind.against_first.iter().map(|arm| arm.pairs).min());
        fewest.map(Option::unwrap_or_default).sum()
    }
}

impl KindComparison {
    fn of(
        plan: &ComparePlan,
        rounds: &[CompareRound],
        kind: ConnectionKind,
        look: LookRule,
    ) -> Self {
        let rounds = of_kind(rounds, kind);
        let arms = 0..plan.arms.len();
        let mut compared = Self {
            connection: kind,
            rounds: rounds.len(),
            arms: arms
                .map(|arm| ArmSummary::of(plan, &rounds, arm, look))
                .collect(),
            against_first: (1..plan.arms.len())
                .map(|arm| ArmVerdicts::of(plan, &rounds, arm, look))
                .collect(),
            article: ArticleTable::default(),
        };
        compared.article = ArticleTable::of(&compared, &rounds, look);
        compared
    }

    fn is_settled(&self, plan: &ComparePlan) -> bool {
        self.against_first.iter().all(|arm| {
            let decided = arm.decided_figure(plan);
            decided.is_some_and(|found| found.verdict.outcome != Conclusion::CantTell)
        })
    }
}

impl ArmSummary {
    fn of(plan: &ComparePlan, rounds: &[&CompareRound], arm: usize, look: LookRule) -> Self {
        let mut summary = Self::default();
        let (mut faults, mut measured) = (BTreeMap::new(), Vec::new());
        for round in rounds {
            let Some(outcome) = round.outcome(arm, plan) else {
                continue;
            };
            summary.asked += 1;
            match outcome {
                SampleOutcome::Measured => measured.extend(round.samples.get(arm)),
                SampleOutcome::Failed(class) => *faults.entry(class).or_insert(0) += 1,
                SampleOutcome::Excluded(why) => *summary.excluded.entry(why).or_insert(0) += 1,
            }
        }
        summary.measured = measured.len();
        summary.faults = Vec::from_iter(faults);
        (summary.faults).sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let figures = ComparedFigure::ALL.iter().map(|figure| {
            let values = measured.iter().filter_map(|sample| figure.ms(sample));
            let values: Vec<f64> = values.collect();
            ArmFigure {
                figure: *figure,
                n: values.len(),
                quantiles: Quantile::ALL.map(|quantile| of_one(&values, quantile, look)),
            }
        });
        summary.figures = figures.collect();
        let phases = ComparePhase::ALL.iter().map(|phase| PhaseMedian {
            phase: *phase,
            median: median(measured.iter().filter_map(|sample| phase.ms(sample))),
        });
        summary.phases = phases.collect();
        summary
    }

    /// How many of its runs failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.faults.iter().map(|(_, count)| count).sum()
    }

    /// How many of its runs are in no figure for this reason.
    #[must_use]
    pub fn excluded_for(&self, why: Exclusion) -> usize {
        self.excluded.get(&why).copied().unwrap_or_default()
    }
}

impl ArmVerdicts {
    fn of(plan: &ComparePlan, rounds: &[&CompareRound], arm: usize, look: LookRule) -> Self {
        let counted: Vec<_> = rounds
            .iter()
            .copied()
            .filter(|round| round.is_counted(arm, plan))
            .collect();
        let mut figures = Vec::new();
        for figure in ComparedFigure::ALL {
            let pairs = pairs(rounds, arm, plan, *figure);
            figures.extend(Quantile::ALL.map(|quantile| FigureVerdict {
                figure: *figure,
                verdict: verdict(&pairs, quantile, look, plan.margin),
            }));
        }
        let failed = failures(rounds, arm);
        let phases = ComparePhase::ALL.iter().map(|phase| PhaseMedian {
            phase: *phase,
            median: median(differences(rounds, arm, plan, |sample| phase.ms(sample))),
        });
        Self {
            arm,
            pairs: counted.len(),
            figures,
            failed_together: failed.iter().filter(|pair| pair.0 && pair.1).count(),
            failures: failure_verdict(&failed, look, plan.margin),
            phases: phases.collect(),
            thirds: thirds(rounds, arm, plan),
            usd_a_pair: usd_a_pair(&counted, arm),
        }
    }

    /// The verdict that the comparison is about.
    #[must_use]
    pub fn decided_figure(&self, plan: &ComparePlan) -> Option<&FigureVerdict> {
        let (by, quantile) = (plan.decided_by, plan.decided_by.quantile());
        let mut of_figure = self.figures.iter().filter(|it| it.figure == by.figure);
        of_figure.find(|it| it.verdict.quantile == quantile)
    }

    /// Whether the difference of the first third of the pairs and that of the last one have intervals that do not meet: the
    /// difference drifted while the comparison ran.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        let [first, _, last] = &self.thirds;
        let is_below = |one: &Percentile, other: &Percentile| {
            one.high
                .zip(other.low)
                .is_some_and(|(high, low)| high < low)
        };
        is_below(first, last) || is_below(last, first)
    }
}

/// The rounds over one kind of connection.
fn of_kind(rounds: &[CompareRound], kind: ConnectionKind) -> Vec<&CompareRound> {
    let rounds = rounds.iter();
    rounds.filter(|round| round.connection == kind).collect()
}

/// The pairs of a figure.
fn pairs(
    rounds: &[&CompareRound],
    arm: usize,
    plan: &ComparePlan,
    figure: ComparedFigure,
) -> Vec<Pair> {
    let values = rounds
        .iter()
        .map(|round| round.values(arm, plan, |sample| figure.ms(sample)));
    values.map(|(a, b)| Pair { a, b }).collect()
}

/// Which of the two failed, of each pair of which both are known.
fn failures(rounds: &[&CompareRound], arm: usize) -> Vec<(bool, bool)> {
    let failed = |round: &CompareRound, arm: usize| round.samples.get(arm)?.has_failed();
    let pairs = rounds
        .iter()
        .filter_map(|round| failed(round, 0).zip(failed(round, arm)));
    pairs.collect()
}

/// The paired differences, arm − first arm.
fn differences(
    rounds: &[&CompareRound],
    arm: usize,
    plan: &ComparePlan,
    value: impl Fn(&super::CompareSample) -> Option<f64>,
) -> Vec<f64> {
    let pairs = rounds.iter().map(|round| round.values(arm, plan, &value));
    pairs.filter_map(|(a, b)| Some(b? - a?)).collect()
}

fn thirds(rounds: &[&CompareRound], arm: usize, plan: &ComparePlan) -> [Percentile; 3] {
    let all = differences(rounds, arm, plan, |sample| ComparedFigure::Ttft.ms(sample));
    let third = all.len() / 3;
    let (first, rest) = all.split_at(third);
    let (middle, last) = rest.split_at(rest.len() - third.min(rest.len()));
    [first, middle, last].map(|part| median(part.iter().copied()))
}

/// What a pair costs on average; `None` if no cost of a run is known, or not of each arm's.
fn usd_a_pair(counted: &[&CompareRound], arm: usize) -> Option<f64> {
    let mean = |arm: usize| {
        let costs = counted
            .iter()
            .filter_map(|round| round.samples.get(arm)?.cost);
        let costs: Vec<f64> = costs.map(Usd::dollars).collect();
        (!costs.is_empty()).then(|| costs.iter().sum::<f64>() / float(costs.len()))
    };
    Some(mean(0)? + mean(arm)?)
}

#[cfg(test)]
mod tests;
