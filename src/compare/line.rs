//! The lines of JSON of a comparison: one for each round as it ends, one at the end.

use serde_json::{Map, Value, json};

use super::{
    ArmVerdicts, CompareForecast, CompareRound, CompareState, ComparedFigure, ComparisonHead,
    Exclusion, FigureVerdict, KindComparison, PairedComparison, PhaseMedian, Preference,
    SampleOutcome,
};
use crate::{
    measure::{
        evidence::{Conclusion, FailureVerdict, IntervalEstimate},
        percentile::Percentile,
    },
    price::Usd,
};

/// The line of a round that is over.
#[must_use]
pub fn pair_line(head: &ComparisonHead, round: &CompareRound) -> Value {
    let plan = &head.plan;
    let arms = round.samples.iter().enumerate().map(|(arm, sample)| {
        let (outcome, excluded) = match round.outcome(arm, plan) {
            Some(SampleOutcome::Measured) => ("ok", None),
            Some(SampleOutcome::Failed(class)) => (class, Some("fault")),
            Some(SampleOutcome::Excluded(why)) => ("ok", Some(why.as_str())),
            None => ("", None),
        };
        let mut line = json!({
            "arm": arm,
            "target": plan.arms.get(arm).map(super::Arm::name),
            "run": sample.run,
            "started_unix_ns": sample.started_unix_ns,
            "connection": sample.connection,
            "outcome": outcome,
            "excluded": excluded,
            "status": sample.status,
            "cost_usd": sample.cost.map(Usd::dollars),
            "waited_ms": crate::run::ms(sample.waited_ns),
        });
        for figure in ComparedFigure::ALL {
            line[figure.as_str()] = figure.ms(sample).into();
        }
        line
    });
    json!({
        "type": "pair",
        "comparison": head.id,
        "round": round.index,
        "connection": round.connection,
        "prompt": round.prompt,
        "order": round.order,
        "arms": arms.collect::<Vec<_>>(),
    })
}

/// The line of a whole comparison.
#[must_use]
pub fn comparison_line(state: &CompareState) -> Value {
    let (plan, result) = (state.plan(), &state.result);
    let names: Vec<String> = plan.arms.iter().map(super::Arm::name).collect();
    let each = |give: &dyn Fn(&KindComparison, &ArmVerdicts) -> Vec<Value>| -> Vec<Value> {
        let kinds = result.kinds.iter();
        let arms = kinds.flat_map(|kind| kind.against_first.iter().map(move |arm| (kind, arm)));
        arms.flat_map(|(kind, arm)| give(kind, arm)).collect()
    };
    let verdicts = each(&|kind, arm| {
        let verdicts = arm.figures.iter();
        verdicts
            .map(|found| verdict_line(&names, kind, arm, found))
            .collect()
    });
    let failures = each(&|kind, arm| vec![failure_line(&names, kind, arm)]);
    let by_connection: Map<String, Value> = result
        .kinds
        .iter()
        .map(|kind| {
            let pairs = kind.against_first.iter().map(|arm| arm.pairs).min();
            (kind.connection.to_string(), pairs.into())
        })
        .collect();
    let preferences = result.preferences.iter();
    let preferences = preferences.map(|found| preference_line(&names, found));
    let preferences: Vec<Value> = preferences.collect();
    json!({
        "type": "comparison",
        "id": state.head.id,
        "targets": names,
        "pairs": result.pairs(),
        "pairs_by_connection": by_connection,
        "verdicts": verdicts,
        "failures": {
            "arms": of_kinds(result, |kind| failed_arms(&names, kind)),
            "verdicts": failures,
        },
        "excluded": excluded(state),
        "is_fixed": result.is_fixed,
        "is_settled": result.is_settled,
        "decided_by": { "figure": plan.decided_by.figure, "quantile": f64::from(plan.decided_by.percent) / 100.0 },
        "stopped": state.end.as_ref().map(|end| end.reason),
        "phases": of_kinds(result, |kind| phases(&names, kind)),
        "table": of_kinds(result, |kind| table(&names, kind)),
        "preferences": preferences,
        "cost_usd": state.cost.known.dollars(),
        "runs_of_unknown_cost": state.cost.unknown,
        "began_unix_ns": state.head.began_unix_ns,
        "ended_unix_ns": state.end.as_ref().map(|end| end.at_unix_ns),
        "elapsed_s": state.elapsed.as_secs_f64(),
        "seed": plan.seed,
        "margin": plan.margin,
        "connections": plan.connections,
        "back_off": plan.back_off,
        "vantage": plan.vantage,
        "version": state.head.version,
    })
}

fn of_kinds(
    result: &PairedComparison,
    lines: impl Fn(&KindComparison) -> Vec<Value>,
) -> Vec<Value> {
    result.kinds.iter().flat_map(lines).collect()
}

/// The line of a forecast.
#[must_use]
pub fn forecast_line(forecast: &CompareForecast) -> Value {
    let unpriced: Vec<String> = forecast.unpriced.iter().map(ToString::to_string).collect();
    json!({
        "type": "forecast",
        "requests": forecast.requests,
        "requests_elsewhere": forecast.elsewhere,
        "usd_a_round": forecast.usd_a_round.dollars(),
        "usd": forecast.usd.map(Usd::dollars),
        "unpriced": unpriced,
        "needs_yes": forecast.needs_question(),
    })
}

fn name(names: &[String], arm: usize) -> Option<&String> {
    names.get(arm)
}

fn verdict_line(
    names: &[String],
    kind: &KindComparison,
    arm: &ArmVerdicts,
    found: &FigureVerdict,
) -> Value {
    let verdict = &found.verdict;
    let usd = verdict.pairs_needed.zip(arm.usd_a_pair);
    #[expect(clippy::cast_precision_loss, reason = "about so much")]
    let usd = usd.map(|(pairs, usd)| pairs as f64 * usd);
    json!({
        "arm": arm.arm,
        "target": name(names, arm.arm),
        "against": name(names, 0),
        "connection": kind.connection,
        "figure": found.figure,
        "quantile": verdict.quantile.p(),
        "n": verdict.n,
        "difference": verdict.difference.value,
        "low": verdict.difference.low,
        "high": verdict.difference.high,
        "ratio": verdict.ratio.value,
        "ratio_low": verdict.ratio.low,
        "ratio_high": verdict.ratio.high,
        "verdict": verdict.outcome.as_str(),
        "pairs_needed": verdict.pairs_needed,
        "usd_needed": usd,
        "method": verdict.method.as_str(),
    })
}

fn rate(estimate: &IntervalEstimate) -> Value {
    json!({ "value": estimate.value, "low": estimate.low, "high": estimate.high })
}

fn failure_verdict_line(found: &FailureVerdict) -> Map<String, Value> {
    let Value::Object(line) = json!({
        "n": found.n,
        "rate_first": rate(&found.a),
        "rate": rate(&found.b),
        "difference": found.difference.value,
        "low": found.difference.low,
        "high": found.difference.high,
        "verdict": found.outcome.of_failures(),
        "pairs_needed": found.pairs_needed,
        "method": found.method.as_str(),
    }) else {
        return Map::new();
    };
    line
}

fn failure_line(names: &[String], kind: &KindComparison, arm: &ArmVerdicts) -> Value {
    let mut line = failure_verdict_line(&arm.failures);
    line.insert("arm".into(), arm.arm.into());
    line.insert("target".into(), name(names, arm.arm).cloned().into());
    line.insert("connection".into(), kind.connection.as_str().into());
    line.insert("failed_together".into(), arm.failed_together.into());
    line.into()
}

fn preference_line(names: &[String], found: &Preference) -> Value {
    let mut line = failure_verdict_line(&found.verdict);
    for rate in ["rate_first", "rate"] {
        line.remove(rate);
    }
    let verdict = match found.verdict.outcome {
        Conclusion::Faster => "better",
        Conclusion::Slower => "worse",
        other => other.as_str(),
    };
    line.insert("verdict".into(), verdict.into());
    line.insert("arm".into(), found.arm.into());
    line.insert("target".into(), name(names, found.arm).cloned().into());
    line.insert("better".into(), found.better.into());
    line.insert("worse".into(), found.worse.into());
    line.insert("same".into(), found.same.into());
    line.into()
}

fn failed_arms(names: &[String], kind: &KindComparison) -> Vec<Value> {
    let arms = kind.arms.iter().enumerate().map(|(at, arm)| {
        let faults: Map<String, Value> = arm
            .faults
            .iter()
            .map(|(class, count)| ((*class).to_owned(), (*count).into()))
            .collect();
        json!({
            "arm": at,
            "target": name(names, at),
            "connection": kind.connection,
            "asked": arm.asked,
            "measured": arm.measured,
            "failed": arm.failed(),
            "faults": faults,
        })
    });
    arms.collect()
}

/// How many runs are in no figure, by the reason.
fn excluded(state: &CompareState) -> Value {
    let arms = || state.result.kinds.iter().flat_map(|kind| &kind.arms);
    let mut counts = Map::new();
    let faults: usize = arms().map(super::ArmSummary::failed).sum();
    for why in Exclusion::ALL {
        let count: usize = arms().map(|arm| arm.excluded_for(*why)).sum();
        counts.insert(why.as_str().to_owned(), count.into());
    }
    counts.insert("fault".to_owned(), faults.into());
    counts.into()
}

fn percentile_line(found: &Percentile) -> Value {
    json!({ "n": found.n, "median": found.value, "low": found.low, "high": found.high })
}

fn phases(names: &[String], kind: &KindComparison) -> Vec<Value> {
    let line = |of: &str, arm: usize, found: &PhaseMedian| {
        let mut line = percentile_line(&found.median);
        line["phase"] = found.phase.as_str().into();
        line["of"] = of.into();
        line["arm"] = arm.into();
        line["target"] = name(names, arm).cloned().into();
        line["connection"] = kind.connection.as_str().into();
        line
    };
    let arms = kind.arms.iter().enumerate();
    let arms = arms.flat_map(|(at, arm)| arm.phases.iter().map(move |found| (at, found)));
    let differences = kind.against_first.iter();
    let differences =
        differences.flat_map(|arm| arm.phases.iter().map(move |found| (arm.arm, found)));
    let arms = arms.map(|(at, found)| line("arm", at, found));
    let differences = differences.map(|(at, found)| line("difference", at, found));
    let all: Vec<Value> = arms.chain(differences).collect();
    all
}

fn table(names: &[String], kind: &KindComparison) -> Vec<Value> {
    let rows = kind.article.rows.iter().map(|row| {
        let cells = row.cells.iter().enumerate().map(|(arm, cell)| {
            json!({
                "target": name(names, arm),
                "value": cell.value,
                "low": cell.low,
                "high": cell.high,
                "n": cell.n,
                "not_measured": cell.not_measured,
            })
        });
        json!({
            "row": row.key,
            "name": row.name,
            "definition": row.definition,
            "connection": kind.connection,
            "cells": cells.collect::<Vec<_>>(),
        })
    });
    rows.collect()
}
