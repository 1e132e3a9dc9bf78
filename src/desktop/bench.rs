//! Load benches: set up, watched while they run, judged when they are over, kept.
//!
//! In: [`State::bench`](super::state::State), benches of the history, opened and reduced for plots by the engine. Out:
//! [`BenchCommand`](crate::engine::BenchCommand)s.

mod beside;
mod charts;
mod draft;
mod figures;
mod forecast;
mod form;
mod live;
mod report;
mod result;
mod saved;
mod shown;
mod spread;
mod starting;
mod tiles;
mod time_plot;
mod verb;
mod verdict;
mod words;

use egui::{Align, Frame, Key, KeyboardShortcut, Layout, Margin, Modifiers, Panel, Ui};
use serde::{Deserialize, Serialize};

pub use self::verb::{BenchDetail, BenchSide, BenchVerb};
use self::{
    draft::BenchDraft,
    form::BenchForm,
    saved::{SavedBenches, SavedIntent},
    shown::ShownBench,
    starting::StartedBench,
    verb::TimesFrom,
};
use super::{
    axes::Scale,
    icons,
    report_dialog::ReportDialog,
    theme::{space, title},
    view::{Action, Cx, Verb, VerbId, View, ViewId},
    widgets::{Tone, banner, contained, empty, icon_toggle, primary_button},
};
use crate::{bench::BenchId, event::Fault};

/// The view of load benches.
#[derive(Debug, Default)]
pub struct BenchView {
    kept: KeptBenchView,
    form: BenchForm,
    saved: SavedBenches,
    shown: ShownBench,
    beside: ShownBench,
    /// The bench that this window started and that is not over.
    started: Option<StartedBench>,
    /// The first failure of the bench that ended here last.
    first_fault: Option<(BenchId, Fault)>,
    /// The dialog of the report on a bench.
    report: Option<(BenchId, ReportDialog)>,
    /// Why a bench could not be run.
    problem: Option<String>,
    is_asking: bool,
}

/// What is kept with the window’s layout.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
struct KeptBenchView {
    side: Option<BenchSide>,
    detail: BenchDetail,
    scale: Scale,
    from: TimesFrom,
    draft: BenchDraft,
}

impl Default for KeptBenchView {
    fn default() -> Self {
        Self {
            side: Some(BenchSide::SetUp),
            detail: BenchDetail::default(),
            scale: Scale::default(),
            from: TimesFrom::default(),
            draft: BenchDraft::default(),
        }
    }
}

impl View for BenchView {
    fn id(&self) -> ViewId {
        ViewId::Bench
    }

    fn title(&self) -> &'static str {
        "Bench"
    }

    fn icon(&self) -> &'static str {
        icons::SPEED
    }

    fn verbs(&self) -> Vec<Verb> {
        let verb = |verb, label, key: Option<Key>| Verb {
            id: VerbId::Bench(verb),
            label,
            shortcut: key.map(|key| KeyboardShortcut::new(Modifiers::COMMAND, key)),
        };
        let side = BenchVerb::Side;
        vec![
            verb(side(BenchSide::SetUp), "Set up a bench", Some(Key::N)),
            verb(side(BenchSide::Saved), "Saved benches", Some(Key::O)),
            verb(BenchVerb::Start, "Start the bench", Some(Key::Enter)),
            verb(BenchVerb::Stop, "Stop the bench", None),
            verb(
                BenchVerb::Report,
                "Report on the bench as HTML…",
                Some(Key::E),
            ),
        ]
    }

    fn verb(&mut self, id: VerbId, cx: &mut Cx<'_>) {
        match id {
            VerbId::Bench(BenchVerb::Side(side)) => {
                cx.actions.push(Action::Go(ViewId::Bench));
                self.kept.side = (self.kept.side != Some(side)).then_some(side);
            }
            VerbId::Bench(BenchVerb::Start) => {
                cx.actions.push(Action::Go(ViewId::Bench));
                self.form.forecasts.follow(&self.form.draft, cx);
                self.start(cx);
            }
            VerbId::Bench(BenchVerb::Stop) => self.stop(cx),
            VerbId::Bench(BenchVerb::Report) => {
                cx.actions.push(Action::Go(ViewId::Bench));
                self.open_report();
            }
            _ => {}
        }
    }

    fn logic(&mut self, cx: &mut Cx<'_>) {
        self.end_if_over(cx);
        if let Some(deleted) = self.saved.logic(cx) {
            for shown in [&mut self.shown, &mut self.beside] {
                if shown.id() == Some(deleted) {
                    shown.close();
                }
            }
        }
        self.shown.logic();
        self.beside.logic();
        self.report_logic(cx);
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.bar_ui(ui, cx);
        self.side_ui(ui, cx);
        let problems = [&self.problem, &self.shown.problem, &self.beside.problem];
        for problem in problems.into_iter().flatten() {
            banner(ui, cx.theme, Tone::Bad, problem, |_| ());
        }
        let frame = Frame::new().inner_margin(Margin {
            left: 16,
            right: 12,
            top: 4,
            bottom: 8,
        });
        frame.show(ui, |ui| contained(ui, |ui| self.content_ui(ui, cx)));
        self.question_ui(ui, cx);
        self.report_ui(ui.ctx(), cx);
    }

    fn save(&self) -> Option<String> {
        let kept = KeptBenchView {
            draft: self.form.draft.clone(),
            ..self.kept.clone()
        };
        serde_json::to_string(&kept).ok()
    }

    fn restore(&mut self, saved: &str) {
        self.kept = serde_json::from_str(saved).unwrap_or_default();
        self.form.draft = self.kept.draft.clone();
    }
}

impl BenchView {
    fn bar_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let theme = cx.theme;
        let frame = Frame::new().inner_margin(Margin::symmetric(16, 10));
        Panel::top("bench.bar").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                let meaning = "Sends load to a target, and says what it takes and whether this machine kept up";
                ui.label(title("Bench")).on_hover_text(meaning);
                ui.add_space(space::S);
                for (side, icon, name) in [
                    (BenchSide::SetUp, icons::PARAMS, "Set up a bench"),
                    (BenchSide::Saved, icons::HISTORY, "Saved benches"),
                ] {
                    let is_open = self.kept.side == Some(side);
                    if icon_toggle(ui, theme, icon, name, is_open).clicked() {
                        self.kept.side = (!is_open).then_some(side);
                    }
                }
                if self.started.is_none() && self.shown.id().is_some() {
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        self.report_button_ui(ui);
                        self.detail_ui(ui, cx);
                    });
                }
            });
        });
    }

    fn side_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let Some(side) = self.kept.side else { return };
        let frame = Frame::new()
            .fill(cx.theme.surface)
            .inner_margin(Margin::symmetric(12, 10));
        let panel = Panel::left("bench.side")
            .default_size(276.0)
            .size_range(250.0..=420.0)
            .frame(frame);
        panel.show(ui, |ui| match side {
            BenchSide::SetUp => {
                let is_running = self.started.is_some();
                if contained(ui, |ui| self.form.ui(ui, cx, is_running)) {
                    self.start(cx);
                }
            }
            BenchSide::Saved => {
                self.saved.list_once(cx);
                let shown = (self.shown.id(), self.beside.id());
                let saved = &mut self.saved;
                if let Some(intent) = contained(ui, |ui| saved.ui(ui, cx, shown)) {
                    self.take(intent, cx);
                }
            }
        });
    }

    fn take(&mut self, intent: SavedIntent, cx: &mut Cx<'_>) {
        match intent {
            SavedIntent::Open(id) => {
                if self.beside.id() == Some(id) {
                    self.beside.close();
                }
                self.shown.open(id, cx);
            }
            SavedIntent::Beside(id) if self.beside.id() == Some(id) => self.beside.close(),
            SavedIntent::Beside(id) => {
                self.beside.open(id, cx);
                self.kept.detail = BenchDetail::Beside;
            }
        }
    }

    fn content_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        if let Some(started) = &self.started {
            let live = &cx.state.bench;
            let is_stopping = started.is_stopping;
            if live::live_ui(ui, cx.theme, &started.plan, live, is_stopping) {
                self.stop(cx);
            }
        } else if self.shown.id().is_some() {
            self.shown_ui(ui, cx);
        } else {
            self.empty_ui(ui, cx);
        }
    }

    fn empty_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let text = "Sends load to a target and measures each request, by a fixed number of streams or at a rate. It says \
                    first whether this machine kept up, so that the figures are the target’s. Everything is kept";
        empty(
            ui,
            cx.theme,
            icons::SPEED,
            "No bench is shown",
            text,
            |ui| {
                if self.kept.side.is_none()
                    && primary_button(ui, cx.theme, "Set up a bench").clicked()
                {
                    self.kept.side = Some(BenchSide::SetUp);
                }
            },
        );
    }
}
