//! The runs: the history as a table, each run with all that is known of it, and export.
//!
//! In: pages of rows, whole runs. Out: [`HistoryCommand`](crate::engine::HistoryCommand)s, [`RunCommand::Load`].

mod bar;
mod delete;
mod export;
mod filters;
mod pages;
mod table;
mod verb;
mod walk;

use std::collections::BTreeSet;

use egui::{Key, KeyboardShortcut, Margin, Modifiers, Panel, ScrollArea, Ui};

pub use self::verb::RunsVerb;
use self::{delete::Delete, export::Export, filters::Wanted, pages::Pages, table::RowChoice};
use super::{
    icons,
    inspector::{Inspector, InspectorClick, InspectorTab},
    view::{Action, Cx, Verb, VerbId, View, ViewId},
    widgets::{Tone, banner, contained},
};
use crate::{
    clock::wall_clock_ns,
    endpoint::TargetId,
    engine::{Command, RunCommand},
    run::RunId,
};

/// The search starts this long after the last key press, in seconds.
const TYPING_SECS: f64 = 0.15;
/// The history is asked again for new runs no sooner than this, in seconds.
const AGAIN_SECS: f64 = 1.0;

/// The runs view.
#[derive(Debug, Default)]
pub struct Runs {
    wanted: Wanted,
    /// What the pages were asked for; differs from `wanted` during the pause after typing.
    asked: Option<Wanted>,
    /// When `wanted` last changed and when rows were last asked for, by egui's clock.
    changed_at: f64,
    asked_at: f64,
    finished: u64,
    pages: Pages,
    /// All targets seen so far, to filter by.
    known: BTreeSet<TargetId>,
    selected: Option<RunId>,
    /// The row of the keyboard's cursor, that of the open run if there is one.
    row: usize,
    /// How many rows there were when the open run was found in that row.
    rows_then: usize,
    /// A step from the open run, down or up, that waits for the page of the row.
    step: Option<bool>,
    /// A row to bring into view in the next frame.
    reveal: Option<usize>,
    focus_search: bool,
    inspector: Inspector,
    export: Option<Export>,
    /// The dialog that deletes runs.
    delete: Option<Delete>,
}

impl View for Runs {
    fn id(&self) -> ViewId {
        ViewId::Runs
    }

    fn title(&self) -> &'static str {
        "Runs"
    }

    fn icon(&self) -> &'static str {
        icons::RUNS
    }

    fn verbs(&self) -> Vec<Verb> {
        let verb = |verb, label, key: Option<Key>| Verb {
            id: VerbId::Runs(verb),
            label,
            shortcut: key.map(|key| KeyboardShortcut::new(Modifiers::COMMAND, key)),
        };
        let way = |verb, label, key| Verb {
            id: VerbId::Runs(verb),
            label,
            shortcut: Some(KeyboardShortcut::new(Modifiers::NONE, key)),
        };
        vec![
            verb(RunsVerb::Search, "Search the runs", Some(Key::F)),
            verb(
                RunsVerb::Export,
                "Export runs as CSV, JSON or Parquet…",
                Some(Key::E),
            ),
            verb(RunsVerb::OpenCapture, "Open a capture…", Some(Key::O)),
            verb(RunsVerb::Clear, "Clear all filters", None),
            way(RunsVerb::Previous, "Previous run", Key::K),
            way(RunsVerb::Next, "Next run", Key::J),
            verb(RunsVerb::Delete, "Delete the selected run…", None),
            verb(
                RunsVerb::DeleteShown,
                "Delete all runs of this search and filters…",
                None,
            ),
        ]
    }

    fn verb(&mut self, id: VerbId, cx: &mut Cx<'_>) {
        let VerbId::Runs(verb) = id else { return };
        match verb {
            RunsVerb::Search => self.focus_search = true,
            RunsVerb::Export => self.open_export(),
            RunsVerb::OpenCapture => self.inspector.ask_for_file(),
            RunsVerb::Clear => self.wanted = self.wanted.unfiltered(),
            RunsVerb::Delete => {
                let over = |run: &RunId| {
                    let known = cx.state.runs.get(run);
                    known.is_some_and(|run| run.state.is_over())
                };
                self.delete = self.selected.filter(over).map(Delete::run);
            }
            RunsVerb::DeleteShown => self.ask_to_delete_shown(),
            // Behind the dialog, nothing moves.
            RunsVerb::Previous | RunsVerb::Next if self.has_dialog() => {}
            RunsVerb::Previous => self.walk(false, cx),
            RunsVerb::Next => self.walk(true, cx),
        }
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) {
        match action {
            Action::OpenRun(run) => {
                self.select(*run, cx);
                self.reveal = self.pages.place(*run).or(self.reveal);
            }
            Action::OpenCapture(path) => self.inspector.open_file(path.clone(), cx),
            Action::OpenRunsOf(target) => {
                self.known.insert(target.clone());
                self.wanted = self.wanted.only(target.clone());
                self.inspector.close_file();
                self.close_run();
            }
            Action::Deleted(runs) => self.forget(runs),
            _ => {}
        }
    }

    fn logic(&mut self, cx: &mut Cx<'_>) {
        if self.pages.take_in() {
            self.follow_rows(cx);
        }
        self.known
            .extend(self.pages.rows().map(|row| row.target.clone()));
        self.inspector.logic(cx);
        if let Some(mut export) = self.export.take() {
            self.export = export.logic(cx).then_some(export);
        }
        if let Some(deleted) = self.delete.as_mut().and_then(|dialog| dialog.logic(cx)) {
            self.delete = None;
            cx.actions.push(Action::Deleted(deleted));
        }
    }

    fn shown_runs(&self) -> Vec<RunId> {
        let shown = [self.selected, self.inspector.compared()];
        shown.into_iter().flatten().collect()
    }

    fn save(&self) -> Option<String> {
        serde_json::to_string(&self.wanted.sort).ok()
    }

    fn restore(&mut self, saved: &str) {
        self.wanted.sort = serde_json::from_str(saved).unwrap_or_default();
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.follow(ui, cx);
        self.keys(ui, cx);
        self.bar_ui(ui, cx);
        if let Some(problem) = self.pages.problem() {
            banner(ui, cx.theme, Tone::Bad, problem, |_| ());
        }
        if self.inspector_ui(ui, cx) {
            let rows = self.rows_beside().unwrap_or((self.row, self.row));
            self.pages.want(rows, None, cx.commands);
        } else if self.pages.total() == Some(0) {
            self.empty_ui(ui, cx);
            self.pages.want((0, 0), None, cx.commands);
        } else {
            self.table_ui(ui, cx);
        }
        self.inspector.dialogs_ui(ui.ctx(), cx);
        if let Some(mut export) = self.export.take() {
            self.export = export.ui(ui.ctx(), cx).then_some(export);
        }
        if let Some(mut dialog) = self.delete.take() {
            self.delete = dialog.ui(ui.ctx(), cx).then_some(dialog);
        }
    }
}

impl Runs {
    /// Starts a new query if the filters have changed, and repeats it if runs have ended.
    fn follow(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        let now = ui.input(|input| input.time);
        let typing = (self.asked.as_ref()).is_some_and(|asked| asked.text != self.wanted.text);
        let wait = if self.asked.as_ref() == Some(&self.wanted) {
            if self.finished == cx.state.finished {
                return;
            }
            self.asked_at + AGAIN_SECS - now
        } else if typing {
            self.changed_at + TYPING_SECS - now
        } else {
            0.0
        };
        if wait > 0.0 {
            #[expect(clippy::cast_possible_truncation, reason = "a second at most")]
            ui.ctx().request_repaint_after_secs(wait as f32);
            return;
        }
        if let Some(run) = self.selected.filter(|run| cx.state.is_live_elsewhere(*run)) {
            // It may have ended by now.
            cx.commands.push(Command::Run(RunCommand::Load(run)));
        }
        self.finished = cx.state.finished;
        self.asked_at = now;
        if self.asked.as_ref() == Some(&self.wanted) {
            self.pages.outdate();
        } else {
            self.pages.begin(self.wanted.query(wall_clock_ns()));
            self.asked = Some(self.wanted.clone());
            (self.row, self.rows_then) = (0, 0);
        }
    }

    fn table_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let reveal = self.reveal.take();
        let frame = egui::Frame::new().inner_margin(Margin {
            left: 16,
            right: 8,
            top: 0,
            bottom: 4,
        });
        let shown = frame
            .show(ui, |ui| {
                let (pages, selected) = (&self.pages, self.selected);
                let now = wall_clock_ns();
                contained(ui, |ui| {
                    let wide = ScrollArea::horizontal().auto_shrink(false);
                    wide.show(ui, |ui| {
                        table::show(ui, cx.theme, pages, selected, reveal, now)
                    })
                    .inner
                })
            })
            .inner;
        let seen = shown.seen.unwrap_or((0, 0));
        self.pages.want(seen, self.rows_beside(), cx.commands);
        if let Some(sort) = shown.sort {
            self.wanted.sort = sort;
            ui.ctx().request_repaint();
        }
        if let Some(run) = shown.clicked
            && !self.inspector.pick(run, cx)
        {
            self.select(run, cx);
        }
        match shown.chosen {
            Some((run, RowChoice::Open)) => self.select(run, cx),
            Some((_, RowChoice::OnlyTarget(target))) => {
                self.wanted = self.wanted.only(target);
            }
            Some((run, RowChoice::Delete)) => self.delete = Some(Delete::run(run)),
            None => {}
        }
    }

    fn select(&mut self, run: RunId, cx: &mut Cx<'_>) {
        self.inspector.close_file();
        if self.selected != Some(run) {
            self.close_run();
        }
        self.selected = Some(run);
        self.rows_then = 0;
        if let (Some(row), Some(total)) = (self.pages.place(run), self.pages.total()) {
            (self.row, self.rows_then) = (row, total);
        }
        if !cx.state.runs.contains_key(&run) {
            cx.commands.push(Command::Run(RunCommand::Load(run)));
        }
    }

    /// Shows the inspector if a run is selected; returns whether it takes all the room.
    fn inspector_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) -> bool {
        let selected = self.selected;
        if selected.is_none() && !self.inspector.has_file() {
            return false;
        }
        let is_wide = self.inspector.is_wide();
        let frame = egui::Frame::new()
            .fill(cx.theme.background)
            .inner_margin(Margin::symmetric(16, 10));
        let neighbours = self.neighbours();
        let inspector = &mut self.inspector;
        let room = ui.available_width();
        let tab = inspector.tab();
        let mut content =
            |ui: &mut Ui| contained(ui, |ui| inspector.ui(ui, cx, selected, neighbours));
        let clicked = if is_wide {
            frame.show(ui, content).inner
        } else {
            // Each part keeps its own width: a course in time needs more than a list of figures.
            let (id, width, least) = match tab {
                InspectorTab::Overview => ("inspector", (room * 0.46).clamp(340.0, 440.0), 300.0),
                InspectorTab::Waterfall => ("inspector.waterfall", room * 0.64, 420.0),
                InspectorTab::Wire => ("inspector.wire", room * 0.64, 420.0),
            };
            let panel = Panel::right(id)
                .default_size(width)
                .size_range(least..=(room * 0.8).max(least + 20.0));
            panel.frame(frame).show(ui, &mut content).inner
        };
        match clicked {
            Some(InspectorClick::Close) => self.close_inspector(),
            Some(InspectorClick::Delete) => self.delete = self.selected.map(Delete::run),
            Some(InspectorClick::Previous) => self.walk(false, cx),
            Some(InspectorClick::Next) => self.walk(true, cx),
            // The inspector does these itself.
            Some(InspectorClick::Save(_) | InspectorClick::CopyCurl | InspectorClick::CopyJson)
            | None => {}
        }
        is_wide
    }

    /// Whether a dialog is open: behind it, nothing moves.
    fn has_dialog(&self) -> bool {
        self.export.is_some() || self.delete.is_some() || self.inspector.has_dialog()
    }

    /// Asks whether all runs of the query are to be deleted, once it is known which these are.
    fn ask_to_delete_shown(&mut self) {
        if self.pages.total().is_some_and(|total| total > 0) {
            let query = self.pages.query().clone();
            self.delete = Some(Delete::found(query, self.wanted.is_filtered()));
        }
    }

    fn open_export(&mut self) {
        if let Some(total) = self.pages.total().filter(|total| *total > 0) {
            self.export = Some(Export::new(self.pages.query().clone(), total));
        }
    }
}
