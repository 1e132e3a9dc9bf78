//! The inspector: a drawer with all that is known of one run, live, old, or one that came through the gateway.
//!
//! In: a run of the state. Out: what was clicked. What takes long to derive is in [`facts`], once for each change.

mod columns;
mod compare;
mod facts;
mod findings;
mod gaps;
mod head;
mod histogram;
mod measured;
mod open;
mod overview;
mod part;
mod phases;
mod replay;
mod replay_ui;
mod run_copy;
mod save;
mod time_axis;
mod timeline;
mod verdict;
mod waterfall;
mod wire;

use std::{path::PathBuf, sync::Arc};

use egui::{Context, Ui};

pub use self::head::Neighbours;
use self::{
    compare::Compare,
    facts::Derived,
    open::OpenFile,
    overview::Overview,
    replay::FileReplay,
    run_copy::RunCopy,
    save::SaveDialog,
    timeline::Timeline,
    wire::{ShownWire, WireTab, Wires},
};
use super::{
    theme::space,
    view::Cx,
    widgets::{hairline, segmented},
};
use crate::{
    conformance::Finding,
    engine::{CaptureSource, SavedAs},
    run::{Run, RunId},
};

/// A part of the inspector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InspectorTab {
    /// Findings, figures, the answer, the request.
    #[default]
    Overview,
    /// The course of the run in time.
    Waterfall,
    /// What went over the wire.
    Wire,
}

/// What was clicked in the inspector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InspectorClick {
    /// It is to be closed.
    Close,
    /// The run is to be copied as JSON.
    CopyJson,
    /// The request is to be copied as a shell command.
    CopyCurl,
    /// What went over the wire is to be saved.
    Save(SavedAs),
    /// The run is to be deleted.
    Delete,
    /// The row above is to be shown.
    Previous,
    /// The row below is to be shown.
    Next,
}

/// The inspector's state.
#[derive(Debug, Default)]
pub struct Inspector {
    tab: InspectorTab,
    /// Whether it takes all the room.
    is_wide: bool,
    derived: Derived,
    overview: Overview,
    timeline: Timeline,
    compare: Compare,
    wires: Wires,
    wire: WireTab,
    opening: OpenFile,
    /// The run of a file, shown instead of any other.
    file: Option<FileReplay>,
    save: Option<SaveDialog>,
    copy: RunCopy,
}

impl Inspector {
    /// The part that is shown.
    #[must_use]
    pub fn tab(&self) -> InspectorTab {
        self.tab
    }

    /// Whether it takes the room of the table, too.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        self.is_wide && !self.compare.is_picking()
    }

    /// The run that the shown one is compared with.
    #[must_use]
    pub fn compared(&self) -> Option<RunId> {
        self.compare.with()
    }

    /// Takes a click on a row of the table as the run to compare with, if that was asked for.
    pub fn pick(&mut self, run: RunId, cx: &mut Cx<'_>) -> bool {
        self.compare.pick(run, cx)
    }

    /// It is closed, or shows another run: it waits no longer for a run to compare with.
    pub fn stop_waiting(&mut self) {
        self.compare.stop_waiting();
    }

    /// A run is gone: the shown one is compared with it no longer.
    pub fn forget(&mut self, run: RunId) {
        self.compare.forget(run);
    }

    /// Whether a run of a file is shown.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// Shows runs of the history again.
    pub fn close_file(&mut self) {
        self.file = None;
    }

    /// Opens the file of a capture.
    pub fn open_file(&mut self, path: PathBuf, cx: &mut Cx<'_>) {
        self.opening.begin(path, cx);
    }

    /// Shows the dialog that opens the file of a capture.
    pub fn ask_for_file(&mut self) {
        self.opening.ask_for_path();
    }

    /// Whether one of its dialogs is open.
    #[must_use]
    pub fn has_dialog(&self) -> bool {
        self.opening.has_dialog() || self.save.is_some()
    }

    /// Takes what was asked for.
    pub fn logic(&mut self, cx: &mut Cx<'_>) {
        self.compare.logic(cx);
        self.wires.take_in();
        self.copy.logic(cx);
        if let Some(opened) = self.opening.logic(cx) {
            self.file = Some(FileReplay::new(opened));
            self.tab = InspectorTab::Wire;
        }
        if let Some(mut save) = self.save.take() {
            self.save = save.logic(cx).then_some(save);
        }
    }

    /// Shows its dialogs.
    pub fn dialogs_ui(&mut self, ctx: &Context, cx: &mut Cx<'_>) {
        self.opening.ui(ctx, cx);
        if let Some(mut save) = self.save.take() {
            self.save = save.ui(ctx, cx).then_some(save);
        }
    }

    /// Shows a run: that of the file, if one is open, else the selected one.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        selected: Option<RunId>,
        neighbours: Neighbours,
    ) -> Option<InspectorClick> {
        let clicked = match (self.file.take(), selected) {
            (Some(mut file), _) => {
                let clicked = self.file_ui(ui, cx, &mut file);
                self.file = Some(file);
                clicked
            }
            (None, Some(selected)) => self.stored_ui(ui, cx, selected, neighbours),
            (None, None) => None,
        };
        let stored = selected.and_then(|run| cx.state.runs.get(&run));
        let shown = self.file.as_ref().map(|file| &file.run).or(stored);
        match (clicked, shown) {
            (Some(InspectorClick::Save(what)), _) => self.save_as(cx, selected, what),
            (Some(InspectorClick::CopyCurl), Some(run)) => self.copy.ask_for_curl(cx, run),
            (Some(InspectorClick::CopyJson), Some(run)) => self.copy.ask_for_json(cx, run),
            _ => return clicked,
        }
        None
    }

    fn save_as(&mut self, cx: &Cx<'_>, selected: Option<RunId>, what: SavedAs) {
        self.save = match (&self.file, selected) {
            (Some(file), _) => {
                let of = CaptureSource::Opened(Arc::clone(&file.file));
                Some(SaveDialog::new(&file.run, of, what))
            }
            (None, Some(id)) => {
                let run = cx.state.runs.get(&id);
                run.map(|run| SaveDialog::new(run, CaptureSource::Run(id), what))
            }
            (None, None) => None,
        };
    }

    fn stored_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        selected: RunId,
        neighbours: Neighbours,
    ) -> Option<InspectorClick> {
        let state = cx.state;
        let Some(run) = state.runs.get(&selected) else {
            let missing = state.missing_runs.contains(&selected);
            return head::absent_ui(ui, cx.theme, missing);
        };
        let clicked = head::show(ui, cx.theme, run, None, neighbours, &mut self.is_wide);
        self.tabs_ui(ui, cx, Some(run));
        // A run beside itself says nothing.
        let other = self.compare.with().filter(|other| *other != selected);
        let other = other.and_then(|other| state.runs.get(&other));
        let shown: Vec<&Run> = [Some(run), other].into_iter().flatten().collect();
        self.derive(ui, cx, &shown);
        let ids: Vec<RunId> = shown.iter().map(|run| run.head.id).collect();
        self.wires.keep(&ids);
        if self.tab != InspectorTab::Overview {
            for run in &shown {
                self.wires.want(run, cx);
            }
        }
        match self.tab {
            InspectorTab::Overview => {
                let findings = state.findings.get(&selected).map(AsRef::as_ref);
                self.overview_ui(ui, cx, run, findings);
            }
            InspectorTab::Waterfall => {
                let wires = |run: RunId| self.wires.decoded(run).map(AsRef::as_ref);
                (self.timeline).ui(ui, cx.theme, &shown, &self.derived, &wires);
            }
            InspectorTab::Wire => self.wire_ui(ui, cx, run),
        }
        clicked
    }

    /// Shows the run of a file, as far as it is replayed.
    fn file_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        file: &mut FileReplay,
    ) -> Option<InspectorClick> {
        let (run, none) = (&file.run, Neighbours::default());
        let clicked = head::show(ui, cx.theme, run, Some(file), none, &mut self.is_wide);
        if let Some(row) = replay_ui::show(ui, cx.theme, file) {
            self.wire.go_to(row);
        }
        self.tabs_ui(ui, cx, None);
        let run = &file.run;
        self.derive(ui, cx, &[run]);
        let decoded = &file.file.decoded;
        match self.tab {
            InspectorTab::Overview => {
                let findings = run.state.is_over().then_some(&*file.file.findings);
                self.overview_ui(ui, cx, run, findings);
            }
            InspectorTab::Waterfall => {
                let wires = |_: RunId| Some(&**decoded);
                (self.timeline).ui(ui, cx.theme, &[run], &self.derived, &wires);
            }
            InspectorTab::Wire => {
                if let Some(facts) = self.derived.of(run.head.id) {
                    let rows = file.rows();
                    let shown = ShownWire {
                        decoded,
                        facts,
                        rows,
                        follows: file.is_playing(),
                    };
                    self.wire.ui(ui, cx, shown);
                }
            }
        }
        clicked
    }

    /// The choice of the part, and for a run of the history the one that it is compared with.
    fn tabs_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, stored: Option<&Run>) {
        ui.horizontal(|ui| {
            let tabs = [
                (InspectorTab::Overview, "Overview"),
                (InspectorTab::Waterfall, "Waterfall"),
                (InspectorTab::Wire, "Wire"),
            ];
            if segmented(ui, cx.theme, "Inspector", &mut self.tab, &tabs) {
                self.compare.stop_waiting();
            }
            if let (InspectorTab::Waterfall, Some(run)) = (self.tab, stored) {
                self.compare.menu_ui(ui, cx, run);
            }
        });
        ui.add_space(space::XS);
        hairline(ui, cx.theme);
        ui.add_space(space::XS);
    }

    fn overview_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>, run: &Run, findings: Option<&[Finding]>) {
        if let Some(facts) = self.derived.of(run.head.id) {
            let prices = &cx.state.settings.prices;
            (self.overview).ui(ui, cx.theme, (run, facts), prices, findings);
        }
    }

    fn wire_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, run: &Run) {
        let id = run.head.id;
        let shown = self.wires.decoded(id).zip(self.derived.of(id));
        let Some((decoded, facts)) = shown.filter(|_| run.state.is_over()) else {
            return wire::absent_ui(ui, cx.theme, run, self.wires.of(id));
        };
        let rows = decoded.rows();
        let shown = ShownWire {
            decoded,
            facts,
            rows,
            follows: false,
        };
        self.wire.ui(ui, cx, shown);
    }

    /// Derives the facts of the shown runs anew where these have changed.
    fn derive(&mut self, ui: &Ui, cx: &Cx<'_>, shown: &[&Run]) {
        let ids: Vec<RunId> = shown.iter().map(|run| run.head.id).collect();
        self.derived.keep(&ids);
        let now = ui.input(|input| input.time);
        for run in shown {
            if let Some(wait) = self.derived.update(run, &cx.state.settings, now) {
                #[expect(clippy::cast_possible_truncation, reason = "less than a second")]
                ui.ctx().request_repaint_after_secs(wait as f32);
            }
        }
    }
}
