//! The benches of the history: listed, opened, put beside the one that is shown, deleted once that is confirmed.

use egui::{Label, RichText, ScrollArea, Ui};

use super::{
    heading::is_simulated,
    words::{load_text, rate_text},
};
use crate::{
    bench::BenchId,
    clock::wall_clock_ns,
    desktop::{
        icons,
        saved_row::SavedRow,
        theme::{Theme, caption, heading, space},
        view::{Action, Cx},
        widgets::{ago, counted, danger_button, danger_icon, icon_toggle, ms_text, problem_ui},
    },
    endpoint::local_gateway,
    engine::{Asked, BenchCommand, Command, SavedBenchCommand, ask},
    history::{BenchRow, BenchState},
    visible::visible_line,
};

/// The list and its state.
#[derive(Debug, Default)]
pub struct SavedBenches {
    /// The latest first; `None` until they are listed.
    all: Option<Vec<BenchRow>>,
    listing: Asked<Result<Vec<BenchRow>, String>>,
    /// The bench whose deletion waits for confirmation.
    confirming: Option<BenchId>,
    deleting: Asked<Result<bool, String>>,
    deleted: Option<BenchId>,
    problem: Option<String>,
}

/// What is done with a bench of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedIntent {
    /// It is shown.
    Open(BenchId),
    /// It is shown beside the one that is shown, or no more.
    Beside(BenchId),
}

impl SavedBenches {
    /// Asks for the list, unless it was listed or is being listed.
    pub fn list_once(&mut self, cx: &mut Cx<'_>) {
        if self.all.is_none() && self.problem.is_none() && !self.listing.is_waiting() {
            self.list(cx);
        }
    }

    /// Asks for the list.
    pub fn list(&mut self, cx: &mut Cx<'_>) {
        let (reply, listing) = ask();
        self.listing = listing;
        let command = SavedBenchCommand::List(reply);
        cx.commands
            .push(Command::Bench(BenchCommand::Saved(command)));
    }

    /// Takes in what has come; gives the bench that was deleted.
    pub fn logic(&mut self, cx: &mut Cx<'_>) -> Option<BenchId> {
        match self.listing.take() {
            Some(Ok(all)) => (self.all, self.problem) = (Some(all), None),
            Some(Err(problem)) => self.problem = Some(problem),
            None => {}
        }
        let answer = self.deleting.take()?;
        self.deleting = Asked::default();
        let id = self.deleted.take();
        match answer {
            Ok(_) => {
                cx.actions
                    .push(Action::Tell("Deleted the bench".to_owned()));
                self.list(cx);
                return id;
            }
            Err(why) => self.problem = Some(format!("The bench was not deleted: {why}")),
        }
        None
    }

    /// Shows the list.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        (shown, beside): (Option<BenchId>, Option<BenchId>),
    ) -> Option<SavedIntent> {
        let theme = cx.theme;
        ui.label(heading("Saved benches"));
        problem_ui(ui, theme, self.problem.as_deref());
        ui.add_space(space::S);
        let all = self.all.take()?;
        if all.is_empty() {
            ui.label(caption(
                theme,
                "Every bench is kept here, also those of the terminal",
            ));
        }
        let now = wall_clock_ns();
        let mut intent = None;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for row in &all {
                if self.confirming == Some(row.id) {
                    self.confirm_ui(ui, cx, row);
                } else {
                    let marks = (
                        shown == Some(row.id),
                        beside == Some(row.id),
                        shown.is_some(),
                    );
                    // A press belongs to the bench, wherever a new list puts it.
                    let row = ui.push_id(row.id.0, |ui| self.row_ui(ui, cx, row, now, marks));
                    intent = row.inner.or(intent);
                }
                ui.add_space(space::XS);
            }
        });
        self.all = Some(all);
        intent
    }

    fn row_ui(
        &mut self,
        ui: &mut Ui,
        cx: &Cx<'_>,
        row: &BenchRow,
        now: i64,
        (is_shown, is_beside, has_shown): (bool, bool, bool),
    ) -> Option<SavedIntent> {
        let theme = cx.theme;
        let mut intent = None;
        let target = local_gateway::shown(&row.plan.target);
        let load = load_text(&row.plan.load);
        let when = ago(row.started_unix_ns, now);
        let made_up = if is_simulated(cx, &row.plan.target) {
            " · simulated"
        } else {
            ""
        };
        let of = format!("the bench of {target}, {load}, {when}");
        let shown = SavedRow {
            name: format!("Open {of}"),
            title: &target,
            lines: &[
                (format!("{load} · {when}{made_up}"), theme.text_dim),
                (found_text(row), found_color(theme, row)),
            ],
            is_shown,
        };
        let is_opened = shown.ui(ui, theme, |ui| {
            let name = visible_line(&format!("Delete {of}")).into_owned();
            if danger_icon(ui, theme, icons::DELETE, &name).clicked() {
                self.confirming = Some(row.id);
            }
            if has_shown && !is_shown {
                let name = format!("Show {of}, beside the one that is shown");
                let name = visible_line(&name).into_owned();
                if icon_toggle(ui, theme, icons::COLUMNS, &name, is_beside).clicked() {
                    intent = Some(SavedIntent::Beside(row.id));
                }
            }
        });
        if is_opened {
            intent = Some(SavedIntent::Open(row.id));
        }
        intent
    }

    fn confirm_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, row: &BenchRow) {
        let theme = cx.theme;
        let requests = counted(row.requests, "request");
        let text = format!("Delete this bench and its {requests}?");
        ui.add(Label::new(RichText::new(text).color(theme.text)).wrap());
        ui.horizontal(|ui| {
            if danger_button(ui, theme, "Delete the bench").clicked() {
                let (reply, deleting) = ask();
                (self.deleting, self.deleted) = (deleting, Some(row.id));
                self.confirming = None;
                let command = SavedBenchCommand::Delete { id: row.id, reply };
                cx.commands
                    .push(Command::Bench(BenchCommand::Saved(command)));
            }
            if ui.button("Keep it").clicked() {
                self.confirming = None;
            }
        });
    }
}

/// What a bench found, in a few words.
fn found_text(row: &BenchRow) -> String {
    match (row.state, &row.summary) {
        (BenchState::Running, _) => "running".to_owned(),
        (BenchState::Killed, _) => format!("cut off after {}", counted(row.requests, "request")),
        (BenchState::Over, Some(found)) if !found.valid => "invalid".to_owned(),
        (BenchState::Over, Some(found)) => {
            let rate = found
                .completed_rate
                .map(|rate| format!("{} ok/s", rate_text(rate)));
            let p50 = found
                .ttft_ms
                .p50
                .map(|ms| format!("TTFT p50 {}", ms_text(ms)));
            let parts: Vec<String> = p50.into_iter().chain(rate).collect();
            parts.join(", ")
        }
        (BenchState::Over, None) => String::new(),
    }
}

fn found_color(theme: &Theme, row: &BenchRow) -> egui::Color32 {
    match (row.state, &row.summary) {
        (BenchState::Killed, _) => theme.warn,
        (BenchState::Over, Some(found)) if !found.valid => theme.bad,
        _ => theme.text_dim,
    }
}
