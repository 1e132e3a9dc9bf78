//! What all panes share while they are shown.

use std::collections::HashMap;

use egui::Ui;

use super::{
    answer::AnswerView,
    comparisons::Comparisons,
    figures::{self, Line},
    first_steps::FirstSteps,
    intent::Intent,
    sheet::Sheets,
};
use crate::{
    chat::Media,
    desktop::theme::Theme,
    run::{Run, RunId},
};

/// What all panes share.
pub struct Shared<'a> {
    /// Answers by run.
    pub answers: &'a mut HashMap<RunId, AnswerView>,
    /// The comparisons with other panes' answers to the same questions.
    pub comparisons: &'a Comparisons,
    /// The figures of runs.
    pub sheets: &'a mut Sheets,
    /// How many panes asked what is being edited here.
    pub same_question: usize,
    /// What empty panes offer at first.
    pub first_steps: &'a mut FirstSteps,
    /// Files of the draft.
    pub attached: &'a [Media],
    /// When each live run was sent, by egui's clock.
    pub sent_at: &'a HashMap<RunId, f64>,
    /// The time now, by egui's clock.
    pub now: f64,
    /// Receives what the user wants done.
    pub intents: &'a mut Vec<Intent>,
    /// Whether something was changed in place.
    pub changed: &'a mut bool,
    /// The pane that is being dragged, and whether it was dropped.
    pub dragged: &'a mut Option<(u32, bool)>,
    /// Whether the field of an edited prompt, just opened, must take the focus.
    pub focus_edit: &'a mut bool,
    /// Whether that field has the focus.
    pub edit_focused: &'a mut bool,
}

impl Shared<'_> {
    /// Seconds since a live run was sent.
    pub fn elapsed(&self, id: RunId) -> Option<f64> {
        self.sent_at.get(&id).map(|sent| (self.now - sent).max(0.0))
    }
}

/// Shows the figures of the run that a turn shows.
pub fn run_line_ui(
    ui: &mut Ui,
    theme: &Theme,
    run: &Run,
    (pane, turn): (u32, usize),
    shared: &mut Shared<'_>,
) {
    let is_live = !run.state.is_over();
    let sheet = shared.sheets.of(run);
    let line = Line {
        sheet: &sheet,
        fault: run.answer.fault.as_ref().map(|fault| fault.class),
        elapsed_s: shared.elapsed(run.head.id).filter(|_| is_live),
        comparison: &shared.comparisons.of(pane, turn),
    };
    figures::line_ui(ui, theme, &line);
}
