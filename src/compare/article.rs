//! The table of the article that this project comes from: loss, P99 of TTFT, stability of connections, gain. Each cell has
//! a definition and an interval, or says why it was not measured.

use super::{CompareRound, CompareSample, ComparedFigure, KindComparison};
use crate::{
    event::FaultClass,
    measure::evidence::{self, LookRule, Quantile},
    run::ConnectionKind,
};

/// The table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArticleTable {
    /// Its rows, each with a cell for each arm.
    pub rows: Vec<ArticleRow>,
}

/// A row of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ArticleRow {
    /// Its key in JSON.
    pub key: &'static str,
    /// What the article calls it.
    pub name: &'static str,
    /// What is measured here, in one sentence.
    pub definition: &'static str,
    /// A cell for each arm, in the order of the plan.
    pub cells: Vec<ArticleCell>,
}

/// A cell of it: a value with its 95 % interval, or why there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArticleCell {
    /// The value: milliseconds, or a share.
    pub value: Option<f64>,
    /// The lower end of its interval.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// Of how many runs or pairs.
    pub n: usize,
    /// Why it was not measured, where it was not.
    pub not_measured: Option<String>,
}

const LOSS: &str = "Share of runs during which this side sent a TCP segment again, or one of the other side's came out of \
    order: a sign of loss between this machine and the nearest TCP endpoint. The share of packets that were lost is not \
    measured, and nothing beyond that endpoint";
const P99: &str = "99th percentile of the time to the first token, of the runs that were measured, in milliseconds";
const STABILITY: &str = "Share of runs whose connection was lost: it could not be opened, was reset, or the answer broke off; \
    or the run was to go over the open connection and found it closed";
const GAIN: &str =
    "1 − P99 of TTFT ÷ that of the first: how much better it is, as a share. Below 0 it is worse";

impl ArticleTable {
    /// The table of one kind of connection.
    #[must_use]
    pub(super) fn of(compared: &KindComparison, rounds: &[&CompareRound], look: LookRule) -> Self {
        let arms = compared.arms.len();
        let row = |key, name, definition, cell: &dyn Fn(usize) -> ArticleCell| ArticleRow {
            key,
            name,
            definition,
            cells: (0..arms).map(cell).collect(),
        };
        Self {
            rows: vec![
                row("loss", "Packet loss", LOSS, &|arm| loss(rounds, arm, look)),
                row("p99_ttft_ms", "P99 TTFT", P99, &|arm| p99(compared, arm)),
                row(
                    "connections_lost",
                    "Connection stability",
                    STABILITY,
                    &|arm| stability(rounds, arm, look),
                ),
                row("gain", "Gain", GAIN, &|arm| gain(compared, arm)),
            ],
        }
    }
}

impl ArticleCell {
    fn none(n: usize, why: impl Into<String>) -> Self {
        Self {
            n,
            not_measured: Some(why.into()),
            ..Self::default()
        }
    }
}

fn samples<'a>(
    rounds: &'a [&'a CompareRound],
    arm: usize,
) -> impl Iterator<Item = (usize, &'a CompareSample)> {
    let rounds = rounds.iter().enumerate();
    rounds.filter_map(move |(at, round)| Some((at, round.samples.get(arm)?)))
}

fn loss(rounds: &[&CompareRound], arm: usize, look: LookRule) -> ArticleCell {
    let signs = samples(rounds, arm).filter_map(|(_, sample)| {
        let (again, out_of_order) = (sample.retransmits?, sample.out_of_order?);
        Some(again > 0 || out_of_order > 0)
    });
    share(
        &signs.collect::<Vec<bool>>(),
        look,
        "this system tells no TCP statistics, or no run had a connection",
    )
}

fn stability(rounds: &[&CompareRound], arm: usize, look: LookRule) -> ArticleCell {
    let lost = samples(rounds, arm).filter_map(|(at, sample)| {
        sample.has_failed()?;
        let is_broken = sample.fault.is_some_and(|class| {
            matches!(
                class,
                FaultClass::Connect | FaultClass::Tls | FaultClass::Reset | FaultClass::Interrupted
            )
        });
        // At first there is none that could have been closed.
        let asked = rounds[at].connection;
        let is_closed = !rounds[at].is_first
            && asked == ConnectionKind::Warm
            && sample.connection == Some(ConnectionKind::Cold);
        Some(is_broken || is_closed)
    });
    share(&lost.collect::<Vec<bool>>(), look, "no run is over")
}

/// The share of those that hold, with an interval.
fn share(signs: &[bool], look: LookRule, why_none: &str) -> ArticleCell {
    if signs.is_empty() {
        return ArticleCell::none(0, why_none);
    }
    let count = signs.iter().filter(|sign| **sign).count();
    let rate = evidence::share(count, signs.len(), look);
    ArticleCell {
        value: rate.value,
        low: rate.low,
        high: rate.high,
        n: signs.len(),
        not_measured: None,
    }
}

fn p99(compared: &KindComparison, arm: usize) -> ArticleCell {
    let summary = &compared.arms[arm];
    let ttft = (summary.figures.iter()).find(|it| it.figure == ComparedFigure::Ttft);
    match ttft.map(|ttft| (ttft.n, ttft.quantiles[2])) {
        Some((n, found)) if found.value.is_some() => ArticleCell {
            value: found.value,
            low: found.low,
            high: found.high,
            n,
            not_measured: None,
        },
        _ => ArticleCell::none(
            summary.measured,
            format!(
                "it takes 100 measured runs, and there are {}",
                summary.measured
            ),
        ),
    }
}

fn gain(compared: &KindComparison, arm: usize) -> ArticleCell {
    let Some(against) = (compared.against_first.iter()).find(|it| it.arm == arm) else {
        return ArticleCell::none(0, "the others are held against this one");
    };
    let of_ttft = against.figures.iter();
    let mut of_ttft = of_ttft.filter(|it| it.figure == ComparedFigure::Ttft);
    let p99 = of_ttft.find(|it| it.verdict.quantile == Quantile::P99);
    match p99.map(|it| &it.verdict) {
        Some(verdict) if verdict.ratio.value.is_some() => ArticleCell {
            value: verdict.ratio.value.map(|ratio| 1.0 - ratio),
            low: verdict.ratio.high.map(|ratio| 1.0 - ratio),
            high: verdict.ratio.low.map(|ratio| 1.0 - ratio),
            n: verdict.n,
            not_measured: None,
        },
        _ => ArticleCell::none(
            against.pairs,
            format!("it takes 100 pairs, and there are {}", against.pairs),
        ),
    }
}
