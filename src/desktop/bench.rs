//! Load benches: set up, watched while they run, judged when they are over, kept.
//!
//! In: [`State::bench`](super::state::State), benches of the history, opened and reduced for plots by the engine. Out:
//! [`BenchCommand`](crate::engine::BenchCommand)s.

mod asked_draft;
mod beside;
mod charts;
mod draft;
mod figures;
mod forecast;
mod form;
mod heading;
mod live;
mod prompts;
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

use egui::{Key, KeyboardShortcut, Modifiers, Ui};
use serde::{Deserialize, Serialize};

pub use self::verb::{BenchDetail, BenchVerb};
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
    setup::{Nothing, SidePanel, ViewHead, content_ui, side_ui},
    view::{Action, Cx, Verb, VerbId, View, ViewId},
    widgets::{Tone, banner},
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

const HEAD: ViewHead = ViewHead {
    id: "bench",
    title: "Bench",
    meaning: "Sends load to a target, and says what it takes and whether this machine kept up",
    set_up: "Set up a bench",
    saved: "Saved benches",
};

const NOTHING: Nothing = Nothing {
    icon: icons::SPEED,
    heading: "No bench is shown",
    text: "Sends load to a target and measures each request, by a fixed number of streams or at a rate. It says first whether \
        this machine kept up, so that the figures are the target’s. Everything is kept",
};

/// What is kept with the window’s layout.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
struct KeptBenchView {
    side: Option<SidePanel>,
    detail: BenchDetail,
    scale: Scale,
    from: TimesFrom,
    draft: BenchDraft,
}

impl Default for KeptBenchView {
    fn default() -> Self {
        Self {
            side: Some(SidePanel::SetUp),
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
        HEAD.title
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
            verb(side(SidePanel::SetUp), HEAD.set_up, Some(Key::N)),
            verb(side(SidePanel::Saved), HEAD.saved, Some(Key::O)),
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
                self.form.follow(cx);
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
        self.head_ui(ui, cx);
        self.side_ui(ui, cx);
        let problems = [&self.problem, &self.shown.problem, &self.beside.problem];
        for problem in problems.into_iter().flatten() {
            banner(ui, cx.theme, Tone::Bad, problem, |_| ());
        }
        content_ui(ui, |ui| self.content_ui(ui, cx));
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
        self.form = BenchForm::of(self.kept.draft.clone());
    }
}

impl BenchView {
    fn head_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let mut side = self.kept.side;
        HEAD.ui(ui, &mut side, |ui| {
            if self.started.is_none() && self.shown.id().is_some() {
                self.report_button_ui(ui);
                self.detail_ui(ui, cx);
            }
        });
        self.kept.side = side;
    }

    fn side_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let theme = cx.theme;
        match self.kept.side {
            None => {}
            Some(SidePanel::SetUp) => {
                let is_running = self.started.is_some();
                if side_ui(ui, theme, HEAD.id, |ui| self.form.ui(ui, cx, is_running)) {
                    self.start(cx);
                }
            }
            Some(SidePanel::Saved) => {
                self.saved.list_once(cx);
                let shown = (self.shown.id(), self.beside.id());
                let saved = &mut self.saved;
                if let Some(intent) = side_ui(ui, theme, HEAD.id, |ui| saved.ui(ui, cx, shown)) {
                    self.take(intent, cx);
                }
            }
        }
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
            if live::live_ui(ui, cx, &started.plan, started.is_stopping) {
                self.stop(cx);
            }
        } else if self.shown.id().is_some() {
            self.shown_ui(ui, cx);
        } else {
            NOTHING.ui(ui, cx.theme, HEAD, &mut self.kept.side);
        }
    }
}
