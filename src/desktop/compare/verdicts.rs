//! The verdicts, in sentences: first those that the comparison is about, then one for each figure and quantile. Each tells
//! on hover how it was made.

use egui::{Color32, Label, Response, RichText, ScrollArea, Ui};

use super::{
    arms::ShownArm,
    left_out::{left_out_ui, remarks_ui},
    signed::{estimate_text, signed_ms},
};
use crate::{
    compare::{
        ArmVerdicts, CompareState, ComparedFigure, FigureVerdict, KindComparison,
        failures_in_words, quantile_in_words, verdict_in_words,
    },
    desktop::{
        icons,
        theme::{Theme, caption, size, space, strong},
        widgets::{connection_icon, count, hairline},
    },
    measure::evidence::{Conclusion, FailureVerdict, LatencyVerdict, Method},
    run::ConnectionKind,
};

/// Room for the names of quantiles, in points.
const QUANTILE: f32 = 58.0;

/// An icon and a colour: neither alone tells what follows.
fn look(theme: &Theme, outcome: Conclusion) -> (&'static str, Color32) {
    match outcome {
        Conclusion::Faster => (icons::OK, theme.good),
        Conclusion::Slower => (icons::OK, theme.warn),
        Conclusion::Same => (icons::OK, theme.text),
        Conclusion::CantTell => (icons::HELP, theme.text_dim),
    }
}

/// More verdicts than this that the comparison is about are shown smaller, and scrolled where they need much room.
const FEW: usize = 2;
/// The share of the room that they take at most then.
const MOST_ROOM: f32 = 0.3;

/// Shows the verdicts that the comparison is about: of each arm over each kind of connection.
pub fn headline_ui(ui: &mut Ui, theme: &Theme, state: &CompareState, arms: &[ShownArm]) {
    let kinds = state.result.kinds.iter();
    let all = kinds.flat_map(|kind| kind.against_first.iter().map(move |arm| (kind, arm)));
    let all: Vec<(&KindComparison, &ArmVerdicts)> = all.collect();
    let size = if all.len() > FEW {
        size::BODY
    } else {
        size::HEADING + 2.0
    };
    let shown = |ui: &mut Ui| {
        for (kind, against) in &all {
            decided_ui(ui, theme, state, (kind.connection, against), (arms, size));
        }
    };
    if all.len() <= FEW {
        return shown(ui);
    }
    let room = ui.available_height() * MOST_ROOM;
    ScrollArea::vertical()
        .id_salt("compare.headline")
        .max_height(room)
        .auto_shrink([false, true])
        .show(ui, shown);
    ui.add_space(space::S);
}

/// Shows the verdict of an arm that the comparison is about.
fn decided_ui(
    ui: &mut Ui,
    theme: &Theme,
    state: &CompareState,
    (connection, against): (ConnectionKind, &ArmVerdicts),
    (arms, text_size): (&[ShownArm], f32),
) {
    let plan = state.plan();
    let decided = against.decided_figure(plan);
    let (Some(found), Some(shown)) = (decided, arms.get(against.arm)) else {
        return;
    };
    let letter = shown.letter.to_string();
    let sentence = with_capital(&verdict_in_words(&letter, against, found));
    let what = format!(
        "{} {}, {letter} against A",
        connection_icon(connection),
        subject(found, connection)
    );
    let (icon, color) = look(theme, found.verdict.outcome);
    let is_large = text_size > size::BODY;
    if is_large {
        ui.label(caption(theme, what.as_str()));
    }
    let text = if is_large {
        format!("{icon} {sentence}")
    } else {
        format!("{icon} {}: {sentence}", subject(found, connection))
    };
    let text = strong(text).size(text_size).color(color);
    let response = ui.add(Label::new(text).wrap());
    verdict_hover(response, theme, shown, found, connection, plan.margin);
    if is_large {
        ui.add_space(space::S);
    }
}

/// `Median TTFT, warm`.
fn subject(found: &FigureVerdict, connection: ConnectionKind) -> String {
    let quantile = with_capital(quantile_in_words(found.verdict.quantile));
    format!("{quantile} {}, {connection}", found.figure.label())
}

fn with_capital(text: &str) -> String {
    crate::desktop::widgets::capitalized(text)
}

/// Shows all verdicts over one kind of connection.
pub fn verdicts_ui(
    ui: &mut Ui,
    theme: &Theme,
    state: &CompareState,
    kind: &KindComparison,
    arms: &[ShownArm],
) {
    for against in &kind.against_first {
        let Some(shown) = arms.get(against.arm) else {
            continue;
        };
        if kind.against_first.len() > 1 {
            ui.label(strong(format!("{} against A", shown.letter)));
            ui.add_space(space::XS);
        }
        for figure in ComparedFigure::ALL {
            figure_ui(
                ui,
                theme,
                (*figure, against),
                shown,
                (kind.connection, state.plan().margin),
            );
        }
        failures_ui(ui, theme, against, shown);
        remarks_ui(ui, theme, against, shown);
        ui.add_space(space::S);
        hairline(ui, theme);
        ui.add_space(space::S);
    }
    left_out_ui(ui, theme, kind, arms);
}

fn figure_ui(
    ui: &mut Ui,
    theme: &Theme,
    (figure, against): (ComparedFigure, &ArmVerdicts),
    shown: &ShownArm,
    (connection, margin): (ConnectionKind, f64),
) {
    head_ui(
        ui,
        figure.label(),
        figure.figure().map(|figure| figure.definition),
    );
    let of_figure = against
        .figures
        .iter()
        .filter(|found| found.figure == figure);
    for found in of_figure {
        let text = verdict_in_words(&shown.letter.to_string(), against, found);
        let outcome = found.verdict.outcome;
        let name = quantile_in_words(found.verdict.quantile);
        let response = sentence_ui(ui, theme, name, outcome, &text);
        verdict_hover(response, theme, shown, found, connection, margin);
    }
    ui.add_space(space::S);
}

fn failures_ui(ui: &mut Ui, theme: &Theme, against: &ArmVerdicts, shown: &ShownArm) {
    let meaning = "The share of requests that failed. A failed run is in no time above";
    head_ui(ui, "Failures", Some(meaning));
    let text = failures_in_words(&shown.letter.to_string(), against);
    let found = &against.failures;
    let response = sentence_ui(ui, theme, "rate", found.outcome, &text);
    failures_hover(response, theme, shown, found);
}

fn head_ui(ui: &mut Ui, name: &str, definition: Option<&str>) {
    let head = ui.label(strong(name).size(size::BODY));
    if let Some(definition) = definition {
        head.on_hover_text(definition);
    }
}

/// A quantile's name and its verdict.
fn sentence_ui(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    outcome: Conclusion,
    text: &str,
) -> Response {
    let (icon, color) = look(theme, outcome);
    ui.horizontal_top(|ui| {
        let layout = egui::Layout::left_to_right(egui::Align::Min);
        ui.allocate_ui_with_layout(egui::vec2(QUANTILE, size::BODY), layout, |ui| {
            ui.set_min_width(QUANTILE);
            ui.label(caption(theme, name));
        });
        let text = RichText::new(format!("{icon} {}", with_capital(text))).color(color);
        ui.add(Label::new(text).wrap())
    })
    .inner
}

fn verdict_hover(
    response: Response,
    theme: &Theme,
    shown: &ShownArm,
    found: &FigureVerdict,
    connection: ConnectionKind,
    margin: f64,
) {
    response.on_hover_ui(|ui| {
        ui.label(strong(format!(
            "{}: {} against A",
            subject(found, connection),
            shown.letter
        )));
        for line in verdict_lines(&found.verdict, margin) {
            ui.label(line);
        }
        method_ui(ui, theme, found.verdict.method);
    });
}

/// What a verdict rests on; what is not known is left out.
fn verdict_lines(verdict: &LatencyVerdict, margin: f64) -> Vec<String> {
    let mut lines = vec![format!("n {} pairs", count(verdict.n as u64))];
    if verdict.difference.value.is_some() {
        let difference = estimate_text(&verdict.difference, signed_ms);
        lines.push(format!("Difference {difference}"));
    }
    if verdict.ratio.value.is_some() {
        let ratio = estimate_text(&verdict.ratio, |ratio| format!("{ratio:.3}"));
        lines.push(format!("Ratio {ratio}"));
    }
    if verdict.outcome == Conclusion::Same {
        let margin = 100.0 * margin;
        lines.push(format!(
            "The same: the whole interval of the ratio lies within 1 ± {margin} %"
        ));
    }
    lines
}

fn failures_hover(response: Response, theme: &Theme, shown: &ShownArm, found: &FailureVerdict) {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    response.on_hover_ui(|ui| {
        ui.label(strong(format!("Failures: {} against A", shown.letter)));
        ui.label(format!("n {} pairs", count(found.n as u64)));
        for (name, rate) in [("A", &found.a), (&*shown.letter.to_string(), &found.b)] {
            if rate.value.is_some() {
                ui.label(format!("{name} fails: {}", estimate_text(rate, percent)));
            }
        }
        let points = |share: f64| format!("{:+.1} points", 100.0 * share);
        if found.difference.value.is_some() {
            ui.label(format!(
                "Difference {}",
                estimate_text(&found.difference, points)
            ));
        }
        method_ui(ui, theme, found.method);
    });
}

/// How a verdict was made, and where that is published.
pub fn method_ui(ui: &mut Ui, theme: &Theme, method: Method) {
    ui.add_space(space::XS);
    ui.label(method.sentence());
    ui.label(caption(theme, method.citation()));
}
