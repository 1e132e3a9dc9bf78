//! The figures of a line as texts with their definitions.
//!
//! In: a [`Line`]. Out: its cells: the first four in fixed positions, and further ones in order.

use super::Line;
use crate::{
    desktop::{
        playground::compare::{RULE, Verdict},
        widgets::{count, figure_text, ms_text},
    },
    event::Usage,
    measure::{cost::KEY, figure},
    run::RunState,
    visible::visible,
};

/// One figure as it is shown.
#[derive(Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) definition: String,
    pub(super) best: bool,
    /// Whether it is an estimate.
    pub(super) about: bool,
}

/// The first four cells, in their positions; `None` for an unknown figure.
pub(super) fn main_cells(line: &Line<'_>) -> [Option<Cell>; 4] {
    let sheet = line.sheet;
    let total = match line.elapsed_s {
        Some(elapsed) => Some(Cell {
            label: "Elapsed",
            value: format!("{elapsed:.1} s"),
            definition: "Time since the prompt was sent, updated while the run is live. The total is measured separately"
                .into(),
            best: false,
            about: false,
        }),
        None => measured(line, "total_ms", "Total"),
    };
    let speed = measured(line, "output_speed_tps", "Speed").or_else(|| {
        let about = sheet.about?;
        let speed = figure_text(about.speed?.round(), "tok/s");
        Some(estimated("Speed", &speed, &about.calibration.explanation()))
    });
    let out = match (sheet.output(), sheet.about) {
        (Some(tokens), _) => counted("Out", Some(tokens), &with_cost(OUT, line)),
        (None, Some(about)) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "rounded up, at least 0"
            )]
            let tokens = about.tokens.ceil() as u64;
            let tokens = format!("{} tok", count(tokens));
            let how = about.calibration.explanation();
            Some(estimated("Out", &tokens, &with_cost(&how, line)))
        }
        (None, None) => None,
    };
    [measured(line, "ttft_ms", "TTFT"), speed, total, out]
}

/// A definition, and what the answer costs: in narrow panes there is no room for that.
fn with_cost(definition: &str, line: &Line<'_>) -> String {
    let cost = cost_cell(line).map(|cell| format!("\n\nCost: {}", cell.value));
    format!("{definition}{}", cost.unwrap_or_default())
}

/// What the answer costs, if that is known; a broken one costs at least what was counted until then.
fn cost_cell(line: &Line<'_>) -> Option<Cell> {
    let cost = line.sheet.cost.as_ref()?;
    let usd = cost.usd.ok()?;
    let at_least = if line.sheet.state == RunState::Fault {
        "≥\u{2009}"
    } else {
        ""
    };
    let definition = figure(KEY)?.definition;
    Some(Cell {
        label: "Cost",
        value: format!("{at_least}{usd}"),
        definition: format!("{definition}\n\n{}", visible(&cost.how)),
        best: false,
        about: false,
    })
}

const OUT: &str = "Output tokens as the provider counted them, reasoning included";

/// Further cells: times that differ from those above, the cost, and counts that are not zero.
pub(super) fn further_cells(line: &Line<'_>) -> Vec<Cell> {
    let usage: &Usage = &line.sheet.usage;
    let net = (line.comparison.mixed).then(|| measured(line, "ttft_net_ms", "TTFT net"));
    let ttfo = (line.comparison.ttfo_differs).then(|| measured(line, "ttfo_ms", "TTFO"));
    let counts = [
        counted(
            "In",
            usage.input,
            "Prompt tokens as the provider counted them, cached ones included",
        ),
        counted(
            "Reasoning",
            usage.reasoning,
            "The part of the output that was reasoning, as the provider counted it",
        ),
        counted(
            "Cached",
            usage.cached,
            "The part of the prompt that came from the provider’s cache",
        ),
    ];
    let times = [net, ttfo].into_iter().map(Option::flatten);
    (times.chain([cost_cell(line)]).chain(counts))
        .flatten()
        .collect()
}

fn estimated(label: &'static str, value: &str, explanation: &str) -> Cell {
    Cell {
        label,
        value: format!("≈ {value}"),
        definition: explanation.to_owned(),
        best: false,
        about: true,
    }
}

/// A token count, if it is known and not zero.
fn counted(label: &'static str, tokens: Option<u64>, definition: &str) -> Option<Cell> {
    let tokens = tokens.filter(|tokens| *tokens > 0)?;
    Some(Cell {
        label,
        value: format!("{} tok", count(tokens)),
        definition: definition.to_owned(),
        best: false,
        about: false,
    })
}

/// A measured figure, if it is known, with its definition and how it compares.
fn measured(line: &Line<'_>, key: &str, label: &'static str) -> Option<Cell> {
    let figure = figure(key)?;
    let value = line.sheet.value(key)?;
    let best = line.comparison.is_best(key, line.sheet.run);
    let mut parts = vec![figure.definition.to_owned()];
    if key == "ttft_ms"
        && let Some(net) = line.sheet.value("ttft_net_ms")
    {
        parts.push(format!("Net of connecting: {}", ms_text(net)));
    }
    match line.comparison.verdict(key) {
        Some(Verdict::Best(_)) if best => parts.push(format!("The best here. {RULE}")),
        Some(Verdict::None(why)) => parts.push(format!("No best here: {why}")),
        _ => {}
    }
    Some(Cell {
        label,
        value: figure_text(value, figure.unit),
        definition: parts.join("\n\n"),
        best,
        about: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desktop::playground::{
        compare::Comparison,
        estimate::Calibration,
        sheet::{LiveEstimate, Sheet},
    };

    fn texts(line: &Line<'_>) -> Vec<String> {
        let cells = main_cells(line).into_iter().flatten();
        let all = cells.chain(further_cells(line));
        all.map(|cell| format!("{} {}", cell.label, cell.value))
            .collect()
    }

    #[test]
    fn zeros_and_blanks_are_not_shown() {
        let shown = |sheet: &Sheet| {
            texts(&Line {
                sheet,
                fault: None,
                elapsed_s: None,
                comparison: &Comparison::default(),
            })
        };
        let mut sheet = Sheet::made(1, "a", [307.0, 118.25, 2_310.0], 240);
        sheet.usage.reasoning = Some(0);
        let expected = [
            "TTFT 307 ms",
            "Speed 118 tok/s",
            "Total 2.31 s",
            "Out 240 tok",
        ];
        assert_eq!(shown(&sheet), expected);
        sheet.usage = Usage {
            output: Some(0),
            cached: Some(7),
            ..Usage::default()
        };
        let expected = [
            "TTFT 307 ms",
            "Speed 118 tok/s",
            "Total 2.31 s",
            "Cached 7 tok",
        ];
        assert_eq!(shown(&sheet), expected);
    }

    #[test]
    fn an_estimate_is_marked_while_it_streams_and_after_it_broke() {
        let comparison = Comparison::default();
        let mut sheet = Sheet::made(1, "a", [307.0, 0.0, 2_310.0], 0);
        sheet.state = RunState::Streaming;
        sheet.usage = Usage::default();
        sheet.about = Some(LiveEstimate {
            tokens: 239.4,
            speed: Some(117.6),
            calibration: Calibration::default(),
        });
        let mut line = Line {
            sheet: &sheet,
            fault: None,
            elapsed_s: Some(2.34),
            comparison: &comparison,
        };
        let cells = main_cells(&line);
        let [_, _, elapsed, out] = &cells;
        assert_eq!(elapsed.as_ref().unwrap().value, "2.3 s");
        assert_eq!(out.as_ref().unwrap().value, "≈ 240 tok");
        assert!(out.as_ref().unwrap().definition.contains("4 per token"));
        line.elapsed_s = None;
        let [_, _, total, out] = main_cells(&line);
        assert_eq!(total.unwrap().label, "Total");
        assert!(out.unwrap().about, "it stays when the run was stopped");
    }
}
