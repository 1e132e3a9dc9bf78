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
mod overview;
mod part;
mod phases;
mod time_axis;
mod timeline;
mod verdict;
mod waterfall;

use egui::Ui;

pub use self::head::Neighbours;
use self::{compare::Compare, facts::Derived, overview::Overview, timeline::Timeline};
use super::{
    theme::space,
    view::Cx,
    widgets::{hairline, segmented},
};
use crate::run::RunId;

/// A part of the inspector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InspectorTab {
    /// Findings, figures, the answer, the request.
    #[default]
    Overview,
    /// The course of the run in time.
    Waterfall,
}

/// What was clicked in the inspector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InspectorClick {
    /// It is to be closed.
    Close,
    /// The run is to be copied as JSON.
    CopyJson,
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

    /// Takes what was asked for.
    pub fn logic(&mut self, cx: &mut Cx<'_>) {
        self.compare.logic(cx);
    }

    /// Shows a run.
    pub fn ui(
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
        let clicked = head::show(ui, cx.theme, run, neighbours, &mut self.is_wide);
        ui.horizontal(|ui| {
            let tabs = [
                (InspectorTab::Overview, "Overview"),
                (InspectorTab::Waterfall, "Waterfall"),
            ];
            if segmented(ui, cx.theme, "Inspector", &mut self.tab, &tabs) {
                self.compare.stop_waiting();
            }
            if self.tab == InspectorTab::Waterfall {
                self.compare.menu_ui(ui, cx, run);
            }
        });
        ui.add_space(space::XS);
        hairline(ui, cx.theme);
        ui.add_space(space::XS);
        // A run beside itself says nothing.
        let other = self.compare.with().filter(|other| *other != selected);
        let shown: Vec<RunId> = [Some(selected), other].into_iter().flatten().collect();
        self.derive(ui, cx, &shown);
        match self.tab {
            InspectorTab::Overview => {
                let Some(facts) = self.derived.of(selected) else {
                    return clicked;
                };
                let findings = state.findings.get(&selected).map(AsRef::as_ref);
                let prices = &state.settings.prices;
                let overview = &mut self.overview;
                overview.ui(ui, cx.theme, (run, facts), prices, findings);
            }
            InspectorTab::Waterfall => {
                let other = other.and_then(|other| state.runs.get(&other));
                let runs: Vec<_> = [Some(run), other].into_iter().flatten().collect();
                self.timeline.ui(ui, cx.theme, &runs, &self.derived);
            }
        }
        clicked
    }

    /// Derives the facts of the shown runs anew where these have changed.
    fn derive(&mut self, ui: &Ui, cx: &Cx<'_>, shown: &[RunId]) {
        self.derived.keep(shown);
        let now = ui.input(|input| input.time);
        for run in shown.iter().filter_map(|run| cx.state.runs.get(run)) {
            if let Some(wait) = self.derived.update(run, &cx.state.settings, now) {
                #[expect(clippy::cast_possible_truncation, reason = "less than a second")]
                ui.ctx().request_repaint_after_secs(wait as f32);
            }
        }
    }
}
