//! Comparisons: the same prompts to each of several arms, in random interleaved order, as pairs, until a rule stops it.
//!
//! In: a [`ComparePlan`], and the runs that were made by it, each as a [`CompareSample`]. Out: which run comes next
//! ([`ComparePlan::round`]), whether to stop, what it costs, and what the pairs say ([`PairedComparison`]). Nothing is sent from
//! here, and no clock is read: the engine does both.

mod article;
mod blind;
mod comparison;
mod forecast;
mod line;
mod marks;
mod order;
mod plan;
mod prompts;
mod samples;
mod saved;
mod settled;
mod state;
mod stop;
mod words;

use serde::{Deserialize, Serialize};

pub use self::{
    article::{ArticleCell, ArticleRow, ArticleTable},
    blind::{BlindPair, MarkChoice},
    comparison::{
        ArmFigure, ArmSummary, ArmVerdicts, FigureVerdict, KindComparison, PairedComparison,
        PhaseMedian,
    },
    forecast::{CompareForecast, FEW_REQUESTS, forecast, most_cost},
    line::{comparison_line, forecast_line, pair_line},
    marks::{AnswerMark, PairMark, Preference, is_first_arm_left},
    order::RoundPlan,
    plan::{
        Arm, ComparePlan, CompareStopRule, ComparedConnections, ComparedFigure, DecidedBy,
        MAX_TOKENS, PROMPT, PlanProblem, arm_letter,
    },
    prompts::{BadPrompts, ComparePrompt, prompts_of},
    samples::{ComparePhase, CompareRound, CompareSample, Exclusion, SampleOutcome, SampleRules},
    saved::{CompareEnd, ComparisonHead, ComparisonSummary, SavedComparison},
    settled::SettlementWatch,
    state::{CompareCost, CompareState, RunUnderWay},
    stop::{CompareProgress, CompareStopReason},
    words::{failures_in_words, preference_in_words, quantile_in_words, verdict_in_words},
};

/// A comparison's key: ordered by time.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub struct ComparisonId(pub i64);

impl ComparisonId {
    /// A new key, as those of runs are made.
    #[must_use]
    pub fn new() -> Self {
        Self(crate::run::RunId::new().0)
    }
}

impl std::fmt::Display for ComparisonId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
