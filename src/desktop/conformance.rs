//! How well each target follows its protocol: what was lost between the request and the answer.
//!
//! In: counts from the history. Out: [`HistoryCommand::Conformance`]; a click on a count opens the latest run
//! that it counts.

use egui::{Align, Label, Layout, Margin, Panel, RichText, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};

use super::{
    icons,
    range::Range,
    theme::{Theme, caption, size, space, title},
    view::{Action, Cx, View, ViewId},
    widgets::{Tone, banner, count, empty, primary_button, segmented},
};
use crate::{
    conformance::{CHECKS, CheckRow},
    endpoint::local_gateway,
    engine::{Asked, Command, HistoryCommand, ask},
    history::{CheckCount, Conformance},
    visible::visible_line,
};

/// The history is asked again for new runs no sooner than this, in seconds.
const AGAIN_SECS: f64 = 1.0;
/// Room between columns.
const GAP: f32 = 4.0;

/// The view of conformance.
#[derive(Debug)]
pub struct ConformanceView {
    range: Range,
    /// What was asked for last: the range, and how many runs had ended by then.
    asked: Option<(Range, u64)>,
    asked_at: f64,
    answer: Asked<Result<Vec<Conformance>, String>>,
    rows: Option<Vec<Conformance>>,
    problem: Option<String>,
}

impl Default for ConformanceView {
    fn default() -> Self {
        Self {
            range: Range::Days7,
            asked: None,
            asked_at: 0.0,
            answer: Asked::default(),
            rows: None,
            problem: None,
        }
    }
}

impl View for ConformanceView {
    fn id(&self) -> ViewId {
        ViewId::Conformance
    }

    fn title(&self) -> &'static str {
        "Checks"
    }

    fn icon(&self) -> &'static str {
        icons::CONFORMANCE
    }

    fn logic(&mut self, _cx: &mut Cx<'_>) {
        match self.answer.take() {
            None => {}
            Some(Ok(rows)) => (self.rows, self.problem) = (Some(rows), None),
            Some(Err(problem)) => self.problem = Some(problem),
        }
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.bar_ui(ui, cx);
        if let Some(problem) = &self.problem {
            banner(ui, cx.theme, Tone::Bad, problem, |_| ());
        }
        match &self.rows {
            None => {}
            Some(rows) if rows.is_empty() => self.empty_ui(ui, cx),
            Some(rows) => table_ui(ui, cx, rows),
        }
        self.ask(ui, cx);
    }

    fn save(&self) -> Option<String> {
        serde_json::to_string(&self.range).ok()
    }

    fn restore(&mut self, saved: &str) {
        self.range = serde_json::from_str(saved).unwrap_or(Range::Days7);
    }
}

impl ConformanceView {
    fn bar_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let frame = egui::Frame::new().inner_margin(Margin::symmetric(16, 10));
        Panel::top("conformance.bar").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(title("What was lost")).on_hover_text(
                    "How many answered runs of a target each check found something in. A run that failed before \
                     any answer is not counted",
                );
                // Only a wide window has room for this beside the range buttons.
                if ui.available_width() > 600.0 {
                    ui.add_space(space::S);
                    ui.label(caption(cx.theme, "Answers in which a check found something"));
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let ranges = Range::ALL.iter().map(|(range, short, _)| (*range, *short));
                    let ranges: Vec<_> = ranges.collect();
                    segmented(ui, cx.theme, "Range", &mut self.range, &ranges);
                });
            });
        });
    }

    fn empty_ui(&self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let (head, text) = if self.range == Range::All {
            (
                "No answers yet".to_owned(),
                "Every answer is checked against its protocol: missing counts, ignored parameters, malformed \
                 deltas. What the checks find is counted here for each target",
            )
        } else {
            (
                format!("No answers in the last {}", self.range.name()),
                "Ask something in the playground, or look further back",
            )
        };
        empty(ui, cx.theme, icons::CONFORMANCE, &head, text, |ui| {
            if primary_button(ui, cx.theme, "Open the playground").clicked() {
                cx.actions.push(Action::Go(ViewId::Playground));
            }
        });
    }

    /// Asks the history again if the range has changed or runs have ended since.
    fn ask(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        let wanted = (self.range, cx.state.finished);
        if self.answer.is_waiting() || self.asked == Some(wanted) {
            return;
        }
        let now = ui.input(|input| input.time);
        let only_new_runs = self.asked.is_some_and(|(range, _)| range == self.range);
        let left = self.asked_at + AGAIN_SECS - now;
        if only_new_runs && left > 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "a second at most")]
            ui.ctx().request_repaint_after_secs(left as f32);
            return;
        }
        (self.asked, self.asked_at) = (Some(wanted), now);
        // Wall clock: it only sets the start of the range, nothing is measured with it.
        let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX);
        let (reply, answer) = ask();
        self.answer = answer;
        let since_unix_ns = self.range.length_ns().map(|length| now - length);
        let question = HistoryCommand::Conformance {
            since_unix_ns,
            reply,
        };
        cx.commands.push(Command::History(question));
    }
}

fn table_ui(ui: &mut Ui, cx: &mut Cx<'_>, rows: &[Conformance]) {
    let theme = cx.theme;
    let mut opened = None;
    egui::Frame::new()
        .inner_margin(Margin::symmetric(16, 0))
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            let (target, counts) = widths(ui.available_width());
            ui.visuals_mut().widgets.noninteractive.bg_stroke = egui::Stroke::NONE;
            egui::ScrollArea::horizontal()
                .auto_shrink(false)
                .show(ui, |ui| {
                    let table = TableBuilder::new(ui)
                        .id_salt("conformance")
                        .auto_shrink(false)
                        .cell_layout(Layout::right_to_left(Align::Center))
                        .column(Column::exact(target).clip(true))
                        .columns(Column::exact(counts), CHECKS.len() + 1);
                    let body = table.header(28.0, |mut head| {
                        head_ui(&mut head, theme, "Target", "Endpoint and model");
                        let answers = "Answered runs that were looked at";
                        head_ui(&mut head, theme, "Answers", answers);
                        for check in CHECKS {
                            head_ui(&mut head, theme, check.label, check.meaning);
                        }
                    });
                    body.body(|body| {
                        body.rows(space::ROW, rows.len(), |mut row| {
                            let data = &rows[row.index()];
                            opened = row_ui(&mut row, theme, data).or(opened);
                        });
                    });
                });
        });
    cx.actions.extend(opened.map(Action::OpenRun));
}

/// Widths of the target column and of each other column, so that all fit into a narrow window, too.
fn widths(room: f32) -> (f32, f32) {
    #[expect(clippy::cast_precision_loss, reason = "a dozen columns")]
    let columns = (CHECKS.len() + 1) as f32;
    let target = (room * 0.17).clamp(120.0, 260.0);
    (target, ((room - target) / columns - GAP).clamp(54.0, 92.0))
}

fn head_ui(head: &mut TableRow<'_, '_>, theme: &Theme, name: &str, meaning: &str) {
    head.col(|ui| {
        let text = RichText::new(name).size(size::SMALL).color(theme.text_dim);
        let label = |ui: &mut Ui| ui.label(text).on_hover_text(meaning);
        if name == "Target" {
            ui.with_layout(Layout::left_to_right(Align::Center), label);
        } else {
            label(ui);
        }
    });
}

/// Shows a row; returns the run to open if one of its counts was clicked.
fn row_ui(
    row: &mut TableRow<'_, '_>,
    theme: &Theme,
    data: &Conformance,
) -> Option<crate::run::RunId> {
    let mut opened = None;
    row.col(|ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(
                Label::new(visible_line(&local_gateway::shown(&data.target)).into_owned())
                    .truncate(),
            );
        });
    });
    row.col(|ui| {
        ui.label(RichText::new(count(data.runs)).color(theme.text_dim));
    });
    for check in CHECKS {
        row.col(|ui| {
            match data.found.get(&check.check) {
                // A zero: a blank would mean that it was not checked.
                None => drop(ui.label(RichText::new("0").color(theme.text_dim))),
                Some(found) if found_ui(ui, theme, data, check, found) => {
                    opened = Some(found.latest);
                }
                Some(_) => {}
            }
        });
    }
    opened
}

/// Shows a count; returns whether it was clicked.
fn found_ui(
    ui: &mut Ui,
    theme: &Theme,
    data: &Conformance,
    check: &CheckRow,
    found: &CheckCount,
) -> bool {
    let all = found.runs == data.runs;
    let text = if all {
        "all".to_owned()
    } else {
        count(found.runs)
    };
    let text = RichText::new(text).color(theme.warn);
    let response = ui.add(Label::new(text).selectable(false).sense(Sense::click()));
    let name = format!(
        "{} in {} of {} answers of {}",
        check.label,
        count(found.runs),
        count(data.runs),
        data.target
    );
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    response
        .on_hover_text(format!(
            "{name}. Latest: {}. Click for that run",
            found.text
        ))
        .clicked()
}
