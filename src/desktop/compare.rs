//! Comparisons: set up, watched while they run, opened again; verdicts first.
//!
//! In: the comparison that runs here ([`State::comparison`](super::state::State)), those of the history. Out:
//! [`CompareCommand`]s; a click on a pair opens its run.

mod answers;
mod arms;
mod article;
mod bar;
mod data;
mod details;
mod dialogs;
mod differences;
mod draft;
mod forecasted;
mod form;
mod left_out;
mod phases;
mod progress;
mod prompt_file;
mod saved_list;
mod shown;
mod signed;
mod spread;
mod verb;
mod verdicts;
mod way;

use std::sync::Arc;

use egui::{Key, KeyboardShortcut, Modifiers, Ui};
use serde::{Deserialize, Serialize};

pub use self::verb::CompareVerb;
use self::{
    answers::MarkedAnswers,
    data::ChartData,
    dialogs::{DeleteComparison, report_dialog},
    draft::CompareDraft,
    form::CompareForm,
    saved_list::SavedComparisons,
    shown::ShownComparison,
    verb::CompareDetail,
};
use super::{
    axes::Scale,
    icons,
    report_dialog::ReportDialog,
    setup::{SendQuestion, SidePanel, ViewHead, content_ui, side_ui},
    view::{Action, Cx, Verb, VerbId, View, ViewId},
};
use crate::{
    compare::{CompareState, ComparedFigure, ComparisonId, MarkChoice},
    engine::{Command, CompareCommand},
    run::RunId,
};

const HEAD: ViewHead = ViewHead {
    id: "compare",
    title: "Compare",
    meaning: "Asks several targets, or one in several ways, the same in pairs and random order, and says which is faster, by \
        how much, and how sure that is",
    set_up: "Set up a comparison",
    saved: "Saved comparisons",
};

/// What is kept with the window's layout.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
struct SavedCompareView {
    side: Option<SidePanel>,
    detail: CompareDetail,
    figure: ComparedFigure,
    scale: Scale,
    /// Whether cold runs are shown, where a comparison has both.
    is_cold: bool,
    draft: CompareDraft,
}

impl Default for SavedCompareView {
    fn default() -> Self {
        Self {
            side: Some(SidePanel::SetUp),
            detail: CompareDetail::default(),
            figure: ComparedFigure::Ttft,
            scale: Scale::default(),
            is_cold: false,
            draft: CompareDraft::default(),
        }
    }
}

/// The view of comparisons.
#[derive(Debug, Default)]
pub struct CompareView {
    kept: SavedCompareView,
    form: CompareForm,
    list: SavedComparisons,
    shown: ShownComparison,
    data: ChartData,
    answers: MarkedAnswers,
    /// The question before a comparison is started.
    question: Option<Vec<String>>,
    report: Option<(ComparisonId, ReportDialog)>,
    delete: Option<DeleteComparison>,
    /// How many refusals the user has closed.
    closed_refusals: u64,
    /// The comparison that was told to stop.
    stopping: Option<ComparisonId>,
}

impl View for CompareView {
    fn id(&self) -> ViewId {
        ViewId::Compare
    }

    fn title(&self) -> &'static str {
        HEAD.title
    }

    fn icon(&self) -> &'static str {
        icons::COMPARE
    }

    fn verbs(&self) -> Vec<Verb> {
        let verb = |verb, label, shortcut| Verb {
            id: VerbId::Compare(verb),
            label,
            shortcut,
        };
        let key = |key| Some(KeyboardShortcut::new(Modifiers::NONE, key));
        let command = |key| Some(KeyboardShortcut::new(Modifiers::COMMAND, key));
        let mark = |choice, label, at| verb(CompareVerb::Mark(choice), label, key(at));
        vec![
            verb(
                CompareVerb::Side(SidePanel::SetUp),
                HEAD.set_up,
                command(Key::N),
            ),
            verb(
                CompareVerb::Side(SidePanel::Saved),
                HEAD.saved,
                command(Key::O),
            ),
            verb(
                CompareVerb::Start,
                "Start the comparison",
                command(Key::Enter),
            ),
            verb(CompareVerb::Stop, "Stop the comparison", None),
            verb(
                CompareVerb::Report,
                "Report on the comparison as HTML…",
                command(Key::E),
            ),
            mark(
                MarkChoice::Left,
                "The answer at the left is better",
                Key::Num1,
            ),
            mark(
                MarkChoice::Right,
                "The answer at the right is better",
                Key::Num2,
            ),
            mark(MarkChoice::Same, "Both answers are as good", Key::Num3),
            mark(MarkChoice::Skip, "Another pair of answers", Key::Num4),
        ]
    }

    fn verb(&mut self, id: VerbId, cx: &mut Cx<'_>) {
        let VerbId::Compare(verb) = id else { return };
        match verb {
            CompareVerb::Side(side) => {
                cx.actions.push(Action::Go(ViewId::Compare));
                self.kept.side = Some(side).filter(|side| self.kept.side != Some(*side));
            }
            CompareVerb::Start => self.begin(cx),
            CompareVerb::Stop => self.stop(cx),
            CompareVerb::Report => self.open_report(),
            CompareVerb::Mark(choice) => {
                if self.kept.detail == CompareDetail::Answers
                    && let Some(state) = self.shown.state(cx)
                {
                    self.answers.mark(&state, choice, cx);
                }
            }
        }
    }

    fn logic(&mut self, cx: &mut Cx<'_>) {
        self.shown.logic(cx);
        self.list.logic();
        if self.answers.logic()
            && let Some(state) = self.shown.state(cx).filter(|state| !state.is_running)
        {
            self.shown.open(state.head.id, cx);
        }
        if let Some((id, mut report)) = self.report.take() {
            self.report = report.logic(cx).then_some((id, report));
        }
        if let Some(deleted) = self.delete.as_mut().and_then(|delete| delete.logic(cx)) {
            self.delete = None;
            self.list.forget();
            if self.shown.id() == Some(deleted) {
                self.shown.close();
            }
        }
    }

    fn shown_runs(&self) -> Vec<RunId> {
        if self.kept.detail == CompareDetail::Answers {
            self.answers.runs().to_vec()
        } else {
            Vec::new()
        }
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let state = self.shown.state(cx);
        self.head_ui(ui, cx, state.as_ref());
        self.side_ui(ui, cx);
        content_ui(ui, |ui| match &state {
            Some(state) => self.comparison_ui(ui, cx, state),
            None => self.empty_ui(ui, cx),
        });
        self.dialogs_ui(ui.ctx(), cx);
    }

    fn save(&self) -> Option<String> {
        let kept = SavedCompareView {
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

impl CompareView {
    fn side_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let theme = cx.theme;
        match self.kept.side {
            None => {}
            Some(SidePanel::SetUp) => {
                let is_running = is_running(cx);
                if side_ui(ui, theme, HEAD.id, |ui| self.form.ui(ui, cx, is_running)) {
                    self.begin(cx);
                }
            }
            Some(SidePanel::Saved) => {
                let (shown, list) = (self.shown.id(), &mut self.list);
                if let Some(id) = side_ui(ui, theme, HEAD.id, |ui| list.ui(ui, cx, shown)) {
                    self.shown.open(id, cx);
                }
            }
        }
    }

    /// Starts what is set up, or asks first.
    fn begin(&mut self, cx: &mut Cx<'_>) {
        self.form.follow(cx);
        if is_running(cx) {
            return;
        }
        if !self.form.is_ready() {
            // What is missing is said there.
            self.kept.side = Some(SidePanel::SetUp);
            return;
        }
        self.question = self.form.question();
        if self.question.is_none() {
            self.start(cx);
        }
    }

    fn start(&mut self, cx: &mut Cx<'_>) {
        self.close_refusal(cx);
        match self.form.plan() {
            Ok(plan) => {
                let start = CompareCommand::Start(Box::new(plan));
                cx.commands.push(Command::Compare(start));
            }
            Err(missing) => cx.actions.push(Action::Tell(missing)),
        }
    }

    fn resume(&mut self, id: ComparisonId, cx: &mut Cx<'_>) {
        self.stopping = None;
        self.close_refusal(cx);
        cx.commands
            .push(Command::Compare(CompareCommand::Resume(id)));
    }

    /// Stops the one that runs after its round; if it was told before, at once.
    fn stop(&mut self, cx: &mut Cx<'_>) {
        let live = cx.state.comparison.as_ref().filter(|live| live.is_running);
        if let Some(live) = live {
            self.stopping = Some(live.head.id);
            cx.commands.push(Command::Compare(CompareCommand::Stop));
        }
    }

    fn close_refusal(&mut self, cx: &Cx<'_>) {
        let refused = cx.state.comparison_refused.as_ref();
        self.closed_refusals = refused.map_or(0, |(times, _)| *times);
    }

    /// Opens the dialog of the report, if a comparison is shown.
    fn open_report(&mut self) {
        self.report = self.shown.id().map(|id| (id, report_dialog(id)));
    }

    fn dialogs_ui(&mut self, ctx: &egui::Context, cx: &mut Cx<'_>) {
        if let Some(lines) = &self.question {
            let question = SendQuestion {
                heading: "Send these requests?",
                lines: lines.clone(),
                note: "What an answer costs is what its provider bills. You can stop it at any time",
                yes: "Send them",
                no: "Cancel",
            };
            if let Some(is_sent) = question.ui(ctx, cx.theme) {
                self.question = None;
                if is_sent {
                    self.start(cx);
                }
            }
        }
        if let Some((id, mut report)) = self.report.take() {
            let stays = report.ui(ctx, cx, |wanted| {
                Command::Compare(CompareCommand::Report {
                    id,
                    to: wanted.to,
                    reply: wanted.reply,
                })
            });
            self.report = stays.then_some((id, report));
        }
        if let Some(mut delete) = self.delete.take() {
            self.delete = delete.ui(ctx, cx).then_some(delete);
        }
    }
}

/// Whether a comparison runs here.
fn is_running(cx: &Cx<'_>) -> bool {
    cx.state
        .comparison
        .as_ref()
        .is_some_and(|live| live.is_running)
}

/// The value at a share of a sorted list.
fn at_share(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in the list"
    )]
    let at = (share.clamp(0.0, 1.0) * last as f64).round() as usize;
    sorted.get(at).copied()
}

/// A comparison that is shown.
type SharedComparison = Arc<CompareState>;
