//! A comparison as a table for the terminal.

use std::fmt::Write as _;

use super::super::table;
use crate::{
    compare::{
        ArmSummary, ArticleCell, ComparePlan, CompareState, Exclusion, KindComparison,
        failures_in_words, preference_in_words, quantile_in_words, verdict_in_words,
    },
    visible::visible_line,
};

/// The whole text.
pub(super) fn of(state: &CompareState) -> String {
    let plan = state.plan();
    let mut text = String::new();
    for kind in &state.result.kinds {
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "\n{} connections, {} rounds",
            kind.connection, kind.rounds
        );
        text.push_str(&figures(plan, kind));
        verdicts(&mut text, plan, kind);
        differences(&mut text, plan, kind);
        article(&mut text, plan, kind);
    }
    let preferences = preferences(state);
    if !preferences.is_empty() {
        let _ = write!(text, "\n{preferences}");
    }
    let look = if state.result.is_fixed {
        "The number of pairs was fixed beforehand; intervals are for one look, at the end."
    } else {
        "Intervals hold at every look."
    };
    let _ = writeln!(text, "\n{look} Seed {}.", plan.seed);
    text.trim_start().to_owned()
}

/// What people preferred, a line for each arm that has marks.
pub(super) fn preferences(state: &CompareState) -> String {
    let mut text = String::new();
    for found in &state.result.preferences {
        let name = name(state.plan(), found.arm);
        let words = preference_in_words(&name, &found.verdict);
        let counts = format!(
            "{} better, {} worse, {} the same",
            found.better, found.worse, found.same
        );
        let difference = &found.verdict.difference;
        let ends = difference.value.zip(difference.low.zip(difference.high));
        let interval = ends.map_or_else(String::new, |(value, (low, high))| {
            let [value, low, high] = [value, low, high].map(|share| 100.0 * share);
            format!(
                "; share worse − share better: {value:+.0} points (95 % {low:+.0} to {high:+.0})"
            )
        });
        // Writing to a String can't fail.
        let _ = writeln!(text, "answers: {words}: {counts}{interval}");
    }
    text
}

fn name(plan: &ComparePlan, arm: usize) -> String {
    visible_line(&plan.name(arm)).into_owned()
}

fn figures(plan: &ComparePlan, kind: &KindComparison) -> String {
    let mut head = vec!["target".to_owned(), "n".to_owned(), "failed".to_owned()];
    head.push("left out".to_owned());
    for figure in crate::compare::ComparedFigure::ALL {
        for quantile in ["p50", "p95", "p99"] {
            head.push(format!("{} {quantile}", figure.label()));
        }
    }
    let rows = kind.arms.iter().enumerate().map(|(at, arm)| {
        let mut row = vec![
            name(plan, at),
            arm.measured.to_string(),
            arm.failed().to_string(),
            left_out(arm),
        ];
        let quantiles = arm.figures.iter().flat_map(|figure| figure.quantiles);
        row.extend(quantiles.map(|found| value(found.value)));
        row
    });
    table::left(std::iter::once(head).chain(rows).collect())
}

fn left_out(arm: &ArmSummary) -> String {
    let some = Exclusion::ALL.iter().filter_map(|why| {
        let count = arm.excluded_for(*why);
        (count > 0).then(|| format!("{count} {}", why.in_words()))
    });
    let some: Vec<String> = some.collect();
    if some.is_empty() {
        "–".to_owned()
    } else {
        some.join(", ")
    }
}

fn value(ms: Option<f64>) -> String {
    // No −0.0.
    let rounded = |ms: f64| (ms * 10.0).round() / 10.0 + 0.0;
    ms.map_or_else(|| "–".to_owned(), |ms| format!("{:.1}", rounded(ms)))
}

fn verdicts(text: &mut String, plan: &ComparePlan, kind: &KindComparison) {
    for arm in &kind.against_first {
        let name = name(plan, arm.arm);
        let _ = writeln!(text, "\n{name} against {}:", self::name(plan, 0));
        for found in &arm.figures {
            let words = verdict_in_words(&name, arm, found);
            let quantile = quantile_in_words(found.verdict.quantile);
            let _ = writeln!(text, "  {} {quantile}: {words}", found.figure.label());
        }
        let _ = writeln!(text, "  failures: {}", failures_in_words(&name, arm));
        if arm.failed_together > 0 {
            let _ = writeln!(text, "  both failed in {} pairs", arm.failed_together);
        }
        if arm.has_drifted() {
            let _ = writeln!(
                text,
                "  the difference drifted while it ran: it was not the same at the begin and at the end"
            );
        }
    }
}

/// Where the difference comes from.
fn differences(text: &mut String, plan: &ComparePlan, kind: &KindComparison) {
    let mut head = vec!["median ms".to_owned()];
    head.extend((0..kind.arms.len()).map(|arm| name(plan, arm)));
    head.extend((kind.against_first.iter()).map(|arm| format!("{} − first", name(plan, arm.arm))));
    let phases = crate::compare::ComparePhase::ALL.iter().enumerate();
    let rows = phases.map(|(at, phase)| {
        let mut row = vec![phase.label().to_owned()];
        let of_arms = kind.arms.iter().map(|arm| &arm.phases);
        let against = kind.against_first.iter().map(|arm| &arm.phases);
        row.extend(of_arms.chain(against).map(|phases| {
            phases
                .get(at)
                .map_or_else(String::new, |found| value(found.median.value))
        }));
        row
    });
    text.push_str("\nwhere the time to the first token goes:\n");
    text.push_str(&table::left(std::iter::once(head).chain(rows).collect()));
}

fn article(text: &mut String, plan: &ComparePlan, kind: &KindComparison) {
    let mut head = vec!["the article's table".to_owned()];
    head.extend((0..kind.arms.len()).map(|arm| name(plan, arm)));
    let rows = kind.article.rows.iter().map(|row| {
        let mut cells = vec![row.name.to_owned()];
        cells.extend(row.cells.iter().map(|cell| article_cell(row.key, cell)));
        cells
    });
    text.push('\n');
    text.push_str(&table::left(std::iter::once(head).chain(rows).collect()));
}

/// A cell with its interval, or why there is none.
fn article_cell(key: &str, cell: &ArticleCell) -> String {
    if let Some(why) = &cell.not_measured {
        return format!("not measured: {why}");
    }
    let is_ms = key == "p99_ttft_ms";
    let one = |value: Option<f64>| match value {
        Some(ms) if is_ms => format!("{ms:.0} ms"),
        Some(share) => format!("{:.1} %", 100.0 * share),
        None => "?".to_owned(),
    };
    format!(
        "{} ({} to {})",
        one(cell.value),
        one(cell.low),
        one(cell.high)
    )
}
