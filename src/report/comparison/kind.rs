//! The section of one kind of connection.

use super::{
    super::{
        html::Html,
        number::{count_text, ms_text, signed_text},
        plot::{
            LogAxis, PhaseBar, UtcAxis, arm_class, arm_ecdfs, differences_over_time, line_legend,
            phase_bars, phase_class, quantiles_against,
        },
        table::{counts_cell, estimate, row, table},
    },
    arm_name,
};
use crate::{
    compare::{
        ArmSummary, ArmVerdicts, ArticleCell, ComparePhase, CompareRound, CompareState,
        ComparedFigure, Exclusion, KindComparison, SampleOutcome, arm_letter, failures_in_words,
        quantile_in_words, verdict_in_words,
    },
    measure::evidence::IntervalEstimate,
};

pub(super) fn section(html: &mut Html, state: &CompareState, kind: &KindComparison) {
    let id = kind.connection.as_str();
    html.element("section", &[("id", id)], |html| {
        html.words("h2", "", format!("Over {id} connections"));
        html.end_line();
        verdicts(html, state, kind);
        arms(html, state, kind);
        plots(html, state, kind);
        phases(html, kind);
        article(html, state, kind);
    });
    html.end_line();
}

fn verdicts(html: &mut Html, state: &CompareState, kind: &KindComparison) {
    let head = [
        "Figure",
        "Quantile",
        "n",
        "Difference, ms",
        "Ratio",
        "Verdict",
        "Method",
    ];
    for arm in &kind.against_first {
        let name = arm_letter(arm.arm).to_string();
        html.words(
            "h3",
            "",
            format!(
                "{} against {}",
                arm_name(state, arm.arm),
                arm_name(state, 0)
            ),
        );
        table(html, &head, |html| {
            for found in &arm.figures {
                let verdict = &found.verdict;
                row(html, |html| {
                    html.words("td", "", found.figure.label());
                    html.words("td", "", quantile_in_words(verdict.quantile));
                    html.words("td", "num", count_text(verdict.n));
                    estimate(html, &verdict.difference, |ms| signed_text(ms, 2));
                    estimate(html, &verdict.ratio, |ratio| format!("{ratio:.3}"));
                    html.words("td", "", verdict_in_words(&name, arm, found));
                    html.words("td", "", verdict.method.name());
                });
            }
            failure_row(html, &name, arm);
        });
        remarks(html, arm);
    }
}

fn failure_row(html: &mut Html, name: &str, arm: &ArmVerdicts) {
    let found = &arm.failures;
    row(html, |html| {
        html.words("td", "", "Failures");
        html.words("td", "", "rate");
        html.words("td", "num", count_text(found.n));
        estimate(html, &found.difference, |rate| {
            format!("{} points", signed_text(100.0 * rate, 1))
        });
        html.raw("<td></td>");
        html.words("td", "", failures_in_words(name, arm));
        html.words("td", "", found.method.name());
    });
}

/// What must not be overlooked.
fn remarks(html: &mut Html, arm: &ArmVerdicts) {
    if arm.failed_together > 0 {
        let together = count_text(arm.failed_together);
        html.words(
            "p",
            "quiet",
            format!("In {together} pairs both failed: what made them fail may be common to both, or this machine's."),
        );
    }
    if arm.has_drifted() {
        let text = |ms| signed_text(ms, 2);
        let [first, _, last] = (arm.thirds).map(|third| third.value.map_or_else(String::new, text));
        html.words(
            "p",
            "note",
            format!(
                "The difference drifted while it ran: its median was {first} ms in the first third of the pairs and {last} ms \
                 in the last. The verdict is about the whole time, and may hold for no part of it."
            ),
        );
    }
    html.end_line();
}

fn arms(html: &mut Html, state: &CompareState, kind: &KindComparison) {
    html.raw("<h3>Each arm</h3>\n");
    let mut head = vec!["Arm".to_owned(), "Runs".to_owned(), "Failed".to_owned()];
    head.push("Left out".to_owned());
    for figure in ComparedFigure::ALL {
        for quantile in ["p50", "p95", "p99"] {
            head.push(format!("{} {quantile}", figure.label()));
        }
    }
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    table(html, &head, |html| {
        for (at, arm) in kind.arms.iter().enumerate() {
            row(html, |html| {
                html.words("td", "target", arm_name(state, at));
                html.element("td", &[("class", "num")], |html| {
                    html.text(count_text(arm.asked));
                    html.words(
                        "small",
                        "",
                        format!("{} measured", count_text(arm.measured)),
                    );
                });
                let faults = arm.faults.iter();
                let faults = faults.map(|(class, count)| (class.replace('_', " "), *count));
                counts_cell(html, arm.failed(), faults);
                left_out(html, arm);
                for figure in arm.figures.iter().flat_map(|figure| figure.quantiles) {
                    estimate(html, &figure, ms_text);
                }
            });
        }
    });
    html.raw("<p class=\"quiet\">Milliseconds, each with its 95 % interval.</p>\n");
}

fn left_out(html: &mut Html, arm: &ArmSummary) {
    let all = Exclusion::ALL.iter();
    let some = all.map(|why| (why.in_words(), arm.excluded_for(*why)));
    let some: Vec<_> = some.filter(|(_, count)| *count > 0).collect();
    let sum = some.iter().map(|(_, count)| count).sum();
    counts_cell(html, sum, some.into_iter());
}

/// The rounds of this kind.
fn rounds<'a>(
    state: &'a CompareState,
    kind: &'a KindComparison,
) -> impl Iterator<Item = &'a CompareRound> {
    let rounds = state.rounds.iter();
    rounds.filter(|round| round.connection == kind.connection)
}

fn plots(html: &mut Html, state: &CompareState, kind: &KindComparison) {
    html.raw("<h3>TTFT: paired differences over time, distributions, quantiles</h3>\n");
    let plan = state.plan();
    let ttft = |round: &CompareRound, arm: usize| {
        let is_measured = round.outcome(arm, plan) == Some(SampleOutcome::Measured);
        let sample = round.samples.get(arm).filter(|_| is_measured)?;
        ComparedFigure::Ttft.ms(sample)
    };
    let sorted = |arm: usize| {
        let mut values: Vec<f64> = rounds(state, kind)
            .filter_map(|round| ttft(round, arm))
            .collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let values: Vec<Vec<f64>> = (0..plan.arms.len()).map(sorted).collect();
    let Some(scale) = LogAxis::of(values.iter().flatten().copied()) else {
        html.raw("<p>No run was measured.</p>\n");
        return;
    };
    legend(html, state);
    let differences: Vec<_> = (1..plan.arms.len())
        .map(|arm| {
            let points = rounds(state, kind).filter_map(|round| {
                let at = round.samples.first()?.started_unix_ns;
                let is_pair = !round.is_apart(arm, plan);
                let difference = ttft(round, arm)? - ttft(round, 0)?;
                is_pair.then_some((at, difference))
            });
            (arm, points.collect())
        })
        .collect();
    let started =
        || rounds(state, kind).filter_map(|round| Some(round.samples.first()?.started_unix_ns));
    let time = UtcAxis {
        from: started().min().unwrap_or_default(),
        to: started().max().unwrap_or_default(),
    };
    differences_over_time(html, &differences, time);
    html.element("div", &[("class", "halves")], |html| {
        arm_ecdfs(html, "TTFT", &values, scale);
        quantiles_against(html, "TTFT", &values, scale);
    });
    html.end_line();
}

fn legend(html: &mut Html, state: &CompareState) {
    let arms = 0..state.plan().arms.len();
    line_legend(html, arms.map(|arm| (arm_class(arm), arm_name(state, arm))));
}

/// Where the difference comes from.
fn phases(html: &mut Html, kind: &KindComparison) {
    html.raw("<h3>Where the difference comes from</h3>\n");
    let mut head = vec!["Phase".to_owned()];
    head.extend((0..kind.arms.len()).map(|arm| format!("{}, median", arm_letter(arm))));
    head.extend(
        (kind.against_first.iter()).map(|arm| format!("{} − A, median", arm_letter(arm.arm))),
    );
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    table(html, &head, |html| {
        for (at, phase) in ComparePhase::ALL.iter().enumerate() {
            row(html, |html| {
                html.words("td", "", phase.label());
                let of_arms = kind.arms.iter().map(|arm| &arm.phases);
                for found in of_arms.filter_map(|phases| phases.get(at)) {
                    estimate(html, &found.median.into(), ms_text);
                }
                let against = kind.against_first.iter().map(|arm| &arm.phases);
                for found in against.filter_map(|phases| phases.get(at)) {
                    estimate(html, &found.median.into(), |ms| signed_text(ms, 2));
                }
            });
        }
    });
    html.raw("<p class=\"quiet\">Milliseconds; intervals are for one look.</p>\n");
    bars(html, kind);
}

/// The medians of the phases side by side, where there are some.
fn bars(html: &mut Html, kind: &KindComparison) {
    let arms = kind.arms.iter().enumerate().map(|(at, arm)| {
        let parts = arm.phases.iter().map(|found| PhaseBar {
            label: found.phase.label(),
            ms: found.median.value.unwrap_or_default(),
        });
        (arm_letter(at).to_string(), parts.collect::<Vec<_>>())
    });
    let arms: Vec<_> = arms.collect();
    if !arms
        .iter()
        .flat_map(|(_, parts)| parts)
        .any(|part| part.ms > 0.0)
    {
        return;
    }
    html.raw("<ul class=\"legend\">");
    for (at, phase) in ComparePhase::ALL.iter().enumerate() {
        html.raw("<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\">");
        let attributes = [
            ("class", phase_class(at)),
            ("width", "22"),
            ("height", "12"),
        ];
        html.element("rect", &attributes, |_| {});
        html.raw("</svg>");
        html.text(phase.label());
        html.raw("</li>");
    }
    html.raw("</ul>\n");
    phase_bars(html, &arms);
}

fn article(html: &mut Html, state: &CompareState, kind: &KindComparison) {
    html.raw("<h3>The article's table</h3>\n");
    let mut head = vec!["Row".to_owned()];
    head.extend((0..kind.arms.len()).map(|arm| arm_name(state, arm)));
    head.push("What is measured".to_owned());
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    table(html, &head, |html| {
        for line in &kind.article.rows {
            row(html, |html| {
                html.words("td", "target", line.name);
                for cell in &line.cells {
                    article_cell(html, line.key, cell);
                }
                html.element("td", &[("class", "message")], |html| {
                    html.text(line.definition);
                });
            });
        }
    });
}

fn article_cell(html: &mut Html, key: &str, cell: &ArticleCell) {
    if let Some(why) = &cell.not_measured {
        html.words("td", "", format!("not measured: {why}"));
        return;
    }
    let found = IntervalEstimate {
        value: cell.value,
        low: cell.low,
        high: cell.high,
    };
    let is_ms = key == "p99_ttft_ms";
    estimate(html, &found, |value| {
        if is_ms {
            format!("{} ms", ms_text(value))
        } else {
            format!("{:.1} %", 100.0 * value)
        }
    });
}
