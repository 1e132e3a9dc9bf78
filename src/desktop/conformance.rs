//! How well each target follows its protocol: what was lost between the request and the answer.
//!
//! In: counts from the history. Out: [`HistoryCommand::Conformance`]; a click on a count opens the latest run
//! that it counts.

use std::cmp::Reverse;

use egui::{Align, Label, Layout, Margin, Panel, RichText, ScrollArea, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};

use super::{
    icons,
    range::Range,
    theme::{Theme, caption, size, space, title},
    view::{Action, Cx, View, ViewId},
    widgets::{Tone, banner, count, counted, empty, primary_button, segmented},
};
use crate::{
    conformance::{CHECKS, CheckRow},
    endpoint::local_gateway,
    engine::{Asked, Command, HistoryCommand, ask},
    history::{CheckCount, Conformance},
    run::RunId,
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
            Some(rows) => ChecksFound::of(rows).ui(ui, cx),
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
                ui.label(title("Checks")).on_hover_text(
                    "How many answered runs of a target each check found something in. A run that failed before \
                     any answer is not counted",
                );
                // Only a wide window has room for this beside the range buttons.
                if ui.available_width() > 600.0 {
                    ui.add_space(space::S);
                    ui.label(caption(cx.theme, "What was lost between request and answer"));
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

/// What the checks found, in the order in which it is shown.
struct ChecksFound<'a> {
    /// Targets in whose answers something was found, those with the most kinds of findings first.
    odd: Vec<&'a Conformance>,
    /// The checks that found something, those that found the most first.
    found: Vec<&'static CheckRow>,
    /// Targets in whose answers nothing was found.
    fine: Vec<&'a Conformance>,
    /// The checks that found nothing.
    nothing: Vec<&'static CheckRow>,
}

impl<'a> ChecksFound<'a> {
    fn of(rows: &'a [Conformance]) -> Self {
        let (mut odd, fine): (Vec<_>, Vec<_>) = rows.iter().partition(|row| !row.found.is_empty());
        odd.sort_by_key(|row| Reverse(row.found.len()));
        let answers = |check: &CheckRow| -> u64 {
            let counts = rows.iter().filter_map(|row| row.found.get(&check.check));
            counts.map(|found| found.runs).sum()
        };
        let (mut found, nothing): (Vec<_>, Vec<_>) =
            CHECKS.iter().partition(|check| answers(check) > 0);
        found.sort_by_key(|check| Reverse(answers(check)));
        Self {
            odd,
            found,
            fine,
            nothing,
        }
    }

    fn ui(&self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let theme = cx.theme;
        let mut opened = None;
        let frame = egui::Frame::new().inner_margin(Margin::symmetric(16, 0));
        frame.show(ui, |ui| {
            ScrollArea::both().auto_shrink(false).show(ui, |ui| {
                ui.add_space(space::XS);
                if !self.odd.is_empty() {
                    opened = self.table_ui(ui, theme);
                    ui.add_space(space::L);
                    self.nothing_ui(ui, theme);
                    ui.add_space(space::L);
                }
                self.fine_ui(ui, theme);
            });
        });
        cx.actions.extend(opened.map(Action::OpenRun));
    }

    /// Targets and what was found; gives the run to open if a count was clicked.
    fn table_ui(&self, ui: &mut Ui, theme: &Theme) -> Option<RunId> {
        let mut opened = None;
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            ui.visuals_mut().widgets.noninteractive.bg_stroke = egui::Stroke::NONE;
            let (target, counts) = widths(ui.available_width(), self.found.len());
            let table = TableBuilder::new(ui)
                .id_salt("conformance")
                .vscroll(false)
                .cell_layout(Layout::right_to_left(Align::Center))
                .column(Column::exact(target).clip(true))
                .columns(Column::exact(counts), self.found.len() + 1);
            let body = table.header(28.0, |mut head| {
                head_ui(&mut head, theme, "Target", "Endpoint and model");
                let answers = "Answered runs that were looked at";
                head_ui(&mut head, theme, "Answers", answers);
                for check in &self.found {
                    head_ui(&mut head, theme, check.label, check.meaning);
                }
            });
            body.body(|body| {
                body.rows(space::ROW, self.odd.len(), |mut row| {
                    let data = self.odd[row.index()];
                    opened = self.row_ui(&mut row, theme, data).or(opened);
                });
            });
        });
        opened
    }

    /// Shows a row; gives the run to open if one of its counts was clicked.
    fn row_ui(
        &self,
        row: &mut TableRow<'_, '_>,
        theme: &Theme,
        data: &Conformance,
    ) -> Option<RunId> {
        let mut opened = None;
        row.col(|ui| {
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let target = local_gateway::shown(&data.target);
                let target = visible_line(&target).into_owned();
                ui.add(Label::new(&target).truncate()).on_hover_text(target);
            });
        });
        row.col(|ui| {
            ui.label(RichText::new(count(data.runs)).color(theme.text_dim));
        });
        for check in &self.found {
            row.col(|ui| {
                // A blank is a zero: each answer is looked at by each check.
                if let Some(found) = data.found.get(&check.check)
                    && found_ui(ui, theme, data, check, found)
                {
                    opened = Some(found.latest);
                }
            });
        }
        opened
    }

    /// The checks that found nothing in any target.
    fn nothing_ui(&self, ui: &mut Ui, theme: &Theme) {
        if self.nothing.is_empty() {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.label(caption(theme, "Found nowhere:"));
            let last = self.nothing.len() - 1;
            for (at, check) in self.nothing.iter().enumerate() {
                let end = if at == last { "" } else { "," };
                ui.label(caption(theme, format!("{}{end}", check.label)))
                    .on_hover_text(check.meaning);
            }
        });
    }

    /// The targets in which nothing was found.
    fn fine_ui(&self, ui: &mut Ui, theme: &Theme) {
        for data in &self.fine {
            ui.horizontal(|ui| {
                ui.set_min_height(space::ROW);
                ui.label(RichText::new(icons::CHECK).color(theme.good));
                let target = local_gateway::shown(&data.target);
                ui.label(visible_line(&target).into_owned());
                let answers = counted(data.runs, "answer");
                ui.label(caption(theme, format!("all fine in {answers}")));
            });
        }
    }
}

/// Widths of the target column and of each of the others (the answers, and so many checks), in points: names of checks
/// are never cut.
fn widths(room: f32, checks: usize) -> (f32, f32) {
    #[expect(clippy::cast_precision_loss, reason = "a dozen columns")]
    let columns = (checks + 1) as f32;
    let target = (room * 0.3).clamp(160.0, 320.0);
    (target, ((room - target) / columns - GAP).clamp(88.0, 110.0))
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
