//! Verdicts in words, for people.

use super::{ArmVerdicts, FigureVerdict};
use crate::{
    measure::evidence::{Conclusion, FailureVerdict, IntervalEstimate, Quantile},
    price::usd_digits,
};

/// The name of a quantile.
#[must_use]
pub fn quantile_in_words(quantile: Quantile) -> &'static str {
    match quantile {
        Quantile::Median => "median",
        Quantile::P95 => "P95",
        Quantile::P99 => "P99",
    }
}

/// A verdict of a figure, about the arm of this name: `B is faster by 120 ms (95 % interval 90 to 150, 60 pairs)`.
#[must_use]
pub fn verdict_in_words(name: &str, arm: &ArmVerdicts, found: &FigureVerdict) -> String {
    let verdict = &found.verdict;
    let by = verdict
        .difference
        .value
        .map_or_else(String::new, |ms| format!(" by {}", ms_in_words(ms.abs())));
    let n = pairs_in_words(verdict.n);
    match verdict.outcome {
        Conclusion::Faster => {
            let ci = interval(&verdict.difference, -1.0);
            format!("{name} is faster{by} ({ci}{n})")
        }
        Conclusion::Slower => {
            let ci = interval(&verdict.difference, 1.0);
            format!("{name} is slower{by} ({ci}{n})")
        }
        Conclusion::Same => {
            let ci = ratio_interval(&verdict.ratio);
            format!("{name} is the same ({ci}{n})")
        }
        Conclusion::CantTell => {
            let more = more_in_words(verdict.pairs_needed, arm.usd_a_pair);
            format!("can't tell{more} ({n})")
        }
    }
}

/// The verdict of the failure rates, about the arm of this name.
#[must_use]
pub fn failures_in_words(name: &str, arm: &ArmVerdicts) -> String {
    let found = &arm.failures;
    let rates = format!("{} against {}", percent(&found.b), percent(&found.a));
    let n = pairs_in_words(found.n);
    match found.outcome {
        Conclusion::Faster => format!("{name} fails less often: {rates} ({n})"),
        Conclusion::Slower => format!("{name} fails more often: {rates} ({n})"),
        Conclusion::Same => format!("{name} fails as often: {rates} ({n})"),
        Conclusion::CantTell => {
            let more = more_in_words(found.pairs_needed, arm.usd_a_pair);
            format!("can't tell{more}: {rates} ({n})")
        }
    }
}

/// What was preferred of an arm and the first, in words.
#[must_use]
pub fn preference_in_words(name: &str, found: &FailureVerdict) -> String {
    let n = format!("{} marks", found.n);
    match found.outcome {
        Conclusion::Faster => format!("{name} is preferred ({n})"),
        Conclusion::Slower => format!("the first is preferred to {name} ({n})"),
        Conclusion::Same => format!("{name} is as good ({n})"),
        Conclusion::CantTell => match found.pairs_needed {
            Some(more) => format!("can't tell: about {more} more marks ({n})"),
            None => format!("can't tell ({n})"),
        },
    }
}

fn more_in_words(pairs: Option<u64>, usd_a_pair: Option<f64>) -> String {
    let Some(pairs) = pairs else {
        return String::new();
    };
    #[expect(clippy::cast_precision_loss, reason = "about so much")]
    let usd = usd_a_pair.map(|usd| usd * pairs as f64);
    match usd.filter(|usd| *usd > 0.0) {
        Some(usd) => format!(": about {pairs} more pairs, about ${}", usd_digits(usd)),
        None => format!(": about {pairs} more pairs"),
    }
}

fn pairs_in_words(n: usize) -> String {
    match n {
        1 => "1 pair".to_owned(),
        n => format!("{n} pairs"),
    }
}

/// An interval of differences, as lengths: the sign is in the words.
fn interval(estimate: &IntervalEstimate, sign: f64) -> String {
    let (Some(low), Some(high)) = (estimate.low, estimate.high) else {
        return String::new();
    };
    let (one, other) = (sign * low, sign * high);
    let (least, most) = (one.min(other), one.max(other));
    format!("95 % interval {} to {}, ", digits(least), ms_in_words(most))
}

fn ratio_interval(estimate: &IntervalEstimate) -> String {
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => format!("ratio {low:.2} to {high:.2}, "),
        _ => String::new(),
    }
}

fn percent(rate: &IntervalEstimate) -> String {
    rate.value.map_or_else(
        || "not known".to_owned(),
        |rate| format!("{:.1} %", 100.0 * rate),
    )
}

fn ms_in_words(ms: f64) -> String {
    format!("{} ms", digits(ms))
}

/// Three digits that count.
fn digits(ms: f64) -> String {
    match ms.abs() {
        size if size < 1.0 => format!("{ms:.3}"),
        size if size < 10.0 => format!("{ms:.2}"),
        size if size < 100.0 => format!("{ms:.1}"),
        _ => format!("{ms:.0}"),
    }
}
