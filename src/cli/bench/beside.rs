//! Two benches of the history side by side, in words and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::{
    bench::{
        BenchSummary,
        beside::{BenchesBeside, FigureBeside, FigureUnit, PlanDifference},
    },
    cli::table,
    compare::quantile_in_words,
    history::{BenchRow, BenchState, rfc3339},
    measure::evidence::{IntervalEstimate, Quantile},
    visible::visible_line,
};

/// A bench, and what it found.
type StoredFound = (BenchRow, BenchSummary);

/// The line of JSON.
pub(super) fn line([a, b]: [&StoredFound; 2], both: &BenchesBeside) -> Value {
    let figures: Vec<Value> = both.figures.iter().map(figure_line).collect();
    let plans: Vec<Value> = both.plans.iter().map(plan_line).collect();
    json!({
        "type": "benches_beside",
        "a": bench_line(a),
        "b": bench_line(b),
        "valid": both.do_count,
        "figures": figures,
        "method": BenchesBeside::METHOD,
        "plan_differs": plans,
    })
}

fn bench_line((row, found): &StoredFound) -> Value {
    json!({
        "id": row.id,
        "target": row.plan.target.to_string(),
        "began_unix_ns": row.started_unix_ns,
        "state": state(row.state),
        "valid": found.valid,
        "invalid": found.invalid,
        "requests": found.requests,
    })
}

fn figure_line(figure: &FigureBeside) -> Value {
    json!({
        "figure": figure.key,
        "quantile": figure.quantile.map(Quantile::p),
        "unit": figure.unit,
        "a": figure.a.value, "a_low": figure.a.low, "a_high": figure.a.high,
        "b": figure.b.value, "b_low": figure.b.low, "b_high": figure.b.high,
        "difference": figure.difference.value, "low": figure.difference.low, "high": figure.difference.high,
        "verdict": figure.verdict,
    })
}

fn plan_line(differs: &PlanDifference) -> Value {
    json!({ "field": differs.field, "a": differs.a, "b": differs.b })
}

const fn state(state: BenchState) -> &'static str {
    match state {
        BenchState::Running => "running",
        BenchState::Over => "over",
        BenchState::Killed => "killed",
    }
}

/// Both in words.
pub(super) fn text([a, b]: [&StoredFound; 2], both: &BenchesBeside) -> String {
    let mut text = format!("{}{}\n", head("A", a), head("B", b));
    let names = ["", "A", "", "B", "", "B − A", "95 % interval", ""].map(str::to_owned);
    let rows = both.figures.iter().map(figure_row);
    text.push_str(&table::left(
        std::iter::once(names.to_vec()).chain(rows).collect(),
    ));
    // Writing to a string can't fail.
    let _ = writeln!(
        text,
        "\n{} Requests are taken to be independent, and each interval is by itself. The two ran at different times, and \
         also differ by what changed between them: `compare` asks targets in turn.",
        BenchesBeside::METHOD.sentence()
    );
    if !both.plans.is_empty() {
        text.push_str("\nPlanned differently:\n");
        let known =
            |value: &Option<String>| value.clone().unwrap_or_else(|| "not known".to_owned());
        let rows = both.plans.iter();
        let rows = rows.map(|it| vec![it.name.to_owned(), known(&it.a), known(&it.b)]);
        text.push_str(&table::left(rows.collect()));
    }
    text
}

/// What a bench is, and whether it counts.
fn head(letter: &str, (row, found): &StoredFound) -> String {
    let mut text = format!(
        "{letter}  {}  {}  {}, {}\n",
        row.id.0,
        rfc3339(row.started_unix_ns),
        visible_line(&row.plan.target.to_string()),
        row.plan.load
    );
    let cut_off = match row.state {
        BenchState::Over => None,
        BenchState::Running => Some("It is still running: these are the figures so far."),
        BenchState::Killed => {
            Some("Its program was ended in the middle: these are the figures until then.")
        }
    };
    let invalid = found.why_invalid();
    let invalid = invalid.map(|why| format!("INVALID: {why}. So nothing is concluded from it."));
    for remark in cut_off.map(str::to_owned).into_iter().chain(invalid) {
        // Writing to a string can't fail.
        let _ = writeln!(text, "   {remark}");
    }
    text
}

fn figure_row(figure: &FigureBeside) -> Vec<String> {
    let quantile = figure.quantile.map(quantile_in_words);
    let name = quantile.map_or_else(
        || figure.name.to_owned(),
        |quantile| format!("{}, {quantile}", figure.name),
    );
    let unit = figure.unit;
    let value =
        |of: &IntervalEstimate| of.value.map_or_else(|| "–".to_owned(), |v| number(unit, v));
    let difference = figure.difference.value;
    vec![
        name,
        value(&figure.a),
        interval(unit, &figure.a),
        value(&figure.b),
        interval(unit, &figure.b),
        difference.map_or_else(String::new, |value| signed(unit, value)),
        match figure.difference.low.zip(figure.difference.high) {
            Some((low, high)) => format!("{} to {}", signed(unit, low), signed(unit, high)),
            None => String::new(),
        },
        figure
            .verdict
            .map_or_else(String::new, |it| it.sentence().to_owned()),
    ]
}

fn interval(unit: FigureUnit, of: &IntervalEstimate) -> String {
    match of.low.zip(of.high) {
        Some((low, high)) => format!("({} to {})", number(unit, low), number(unit, high)),
        None => String::new(),
    }
}

/// A difference with its sign.
fn signed(unit: FigureUnit, value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "+" };
    format!("{sign}{}", number(unit, value.abs()))
}

fn number(unit: FigureUnit, value: f64) -> String {
    match unit {
        FigureUnit::Ms => format!("{value:.1} ms"),
        FigureUnit::Share => format!("{:.1} %", value * 100.0),
        FigureUnit::PerSecond => format!("{value:.2}"),
    }
}
