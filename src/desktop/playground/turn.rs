//! One turn of a pane: the question, the answer under it, and what can be done with both.

use egui::{
    Align, Color32, CornerRadius, Frame, Label, Layout, Margin, Popup, RichText, Stroke, TextEdit,
    Ui, vec2,
};

use super::{
    answer::{AnswerView, fault_ui},
    attachments,
    composer::all_panes,
    edits,
    intent::{Change, ConversationIntent, EditIntent, Intent, RunIntent, Show},
    markdown::{Doc, Ink, Mode},
    results::results_ui,
    shared::{Shared, run_line_ui},
};
use crate::{
    chat::{self, Part},
    conversation::{Draft, Pane, Turn},
    desktop::{
        icons,
        state::State as Engine,
        theme::{RADIUS, Theme, caption, space, tiny},
        view::{Action, Cx},
        widgets::{
            copy_button, danger_item, ghost_button, icon_button, icon_toggle, menu_gap, menu_item,
            primary_button,
        },
    },
    endpoint::local_gateway,
    run::{Run, RunId, RunState},
    snippet::Language,
    visible::visible,
};

/// What is known of one turn between frames.
#[derive(Debug, Default)]
pub struct TurnView {
    question: Doc,
    /// Width and height when last shown: off screen it is an empty space.
    size: Option<(f32, f32)>,
    answer_shift: f32,
    /// Whether it is shown even off screen, since a place in it is to be scrolled to.
    is_wanted: bool,
}

/// One turn, with where it stands.
pub struct TurnCx<'a> {
    /// The pane.
    pub pane: &'a Pane,
    /// Which turn of it.
    pub index: usize,
    /// The turn.
    pub turn: &'a Turn,
}

impl TurnView {
    /// Scrolls to a byte of the question in the next frames, or shows the turn so that its answer can.
    pub fn go_to(&mut self, byte: Option<usize>) {
        self.is_wanted = true;
        if let Some(byte) = byte {
            self.question.go_to(byte);
        }
    }

    /// Shows the turn, or the space it takes. Gives by how much what is on screen was moved.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        at: &TurnCx<'_>,
        shared: &mut Shared<'_>,
        editing: Option<&mut Draft>,
    ) -> f32 {
        let width = ui.available_width().round();
        let (top, clip) = (ui.cursor().top(), ui.clip_rect());
        let live = at
            .turn
            .run()
            .and_then(|id| cx.state.runs.get(&id))
            .is_some_and(|r| !r.state.is_over());
        if let Some((known, height)) = self.size
            && (known - width).abs() < 0.5
            && !live
            && !self.is_wanted
            && editing.is_none()
            && (top > clip.bottom() || top + height < clip.top())
        {
            ui.add_space(height);
            return 0.0;
        }
        self.is_wanted = false;
        match editing {
            Some(draft) => edit_ui(ui, cx.theme, at, shared, draft),
            None => self.question_ui(ui, cx.theme, at),
        }
        ui.add_space(space::S);
        self.answer_shift = 0.0;
        self.answer_ui(ui, cx, at, shared);
        ui.add_space(space::M);
        self.size = Some((width, ui.cursor().top() - top));
        self.question.shift() + self.answer_shift
    }

    fn question_ui(&mut self, ui: &mut Ui, theme: &Theme, at: &TurnCx<'_>) {
        Frame::new()
            .fill(theme.surface)
            .stroke(theme.hairline())
            .corner_radius(CornerRadius::same(RADIUS))
            .inner_margin(Margin::symmetric(10, 7))
            .show(ui, |ui| {
                ui.set_min_width(ui.available_width());
                let images = at.turn.user.iter().filter_map(|part| match part {
                    Part::Media(image) => Some(image.clone()),
                    _ => None,
                });
                let images: Vec<_> = images.collect();
                attachments::row_ui(ui, theme, &images, false);
                let text = at.turn.user.iter().find_map(|part| match part {
                    Part::Text { text } => Some(text.as_str()),
                    _ => None,
                });
                results_given_ui(ui, theme, &at.turn.user);
                if at.turn.raw_body.is_some() {
                    ui.label(caption(theme, "Sent as a JSON body written by hand"));
                }
                if let Some(text) = text {
                    self.question
                        .ui(ui, theme, &Ink::of(theme), text, Mode::Plain);
                }
            });
    }

    fn answer_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        at: &TurnCx<'_>,
        shared: &mut Shared<'_>,
    ) {
        let Some(id) = at.turn.run() else {
            ui.label(caption(cx.theme, "Not sent: this pane had no model"));
            return actions_ui(ui, cx, at, shared, None);
        };
        let elapsed = shared.elapsed(id);
        if let Some(run) = cx.state.runs.get(&id) {
            let view: &mut AnswerView = shared.answers.entry(id).or_default();
            let findings = cx.state.findings.get(&id);
            let findings = findings.map_or(&[][..], |findings| findings);
            self.answer_shift = ui
                .push_id(id, |ui| view.ui(ui, cx.theme, (run, findings), elapsed))
                .inner;
        } else if let Some(fault) = cx.state.refused.get(&id) {
            fault_ui(ui, cx.theme, fault, false);
        } else if cx.state.missing_runs.contains(&id) {
            ui.label(caption(
                cx.theme,
                "This answer is not in the history any more",
            ));
        } else if elapsed.is_some() {
            ui.label(caption(cx.theme, "Queued"));
        } else {
            ui.label(caption(cx.theme, "Loading the answer…"));
        }
        actions_ui(ui, cx, at, shared, Some(id));
        // Those of the last turn stand below, always in sight.
        let is_last = at.index + 1 == at.pane.turns.len();
        if let Some(run) = cx.state.runs.get(&id).filter(|_| !is_last) {
            run_line_ui(ui, cx.theme, run, (at.pane.id, at.index), shared);
        }
        form_ui(ui, cx, at, shared, id);
    }
}

/// The form for the results of the last answer's calls.
fn form_ui(ui: &mut Ui, cx: &Cx<'_>, at: &TurnCx<'_>, shared: &mut Shared<'_>, id: RunId) {
    let is_last = at.index + 1 == at.pane.turns.len();
    let run = cx.state.runs.get(&id).filter(|_| is_last);
    let calls = run.filter(|run| run.state == RunState::Ok);
    let calls = calls.map_or(&[][..], |run| &run.answer.tool_calls);
    if calls.is_empty() {
        return;
    }
    let typed = at.turn.results.get(&id).cloned().unwrap_or_default();
    let wish = ui.push_id(("results", id), |ui| {
        results_ui(ui, cx.theme, (at.pane.id, id), calls, typed)
    });
    shared.intents.extend(wish.inner);
}

/// The results that a turn gave to the calls before it.
fn results_given_ui(ui: &mut Ui, theme: &Theme, parts: &[Part]) {
    for part in parts {
        let Part::ToolResult { name, content, .. } = part else {
            continue;
        };
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(icons::TOOL).color(theme.text_dim));
            ui.label(caption(theme, format!("Result of {}", visible(name))));
        });
        let shown = content.char_indices().nth(4_000);
        let shown = shown.map_or(content.as_str(), |(at, _)| &content[..at]);
        ui.add(Label::new(RichText::new(visible(shown)).monospace()).wrap());
    }
}

/// The question in a field, with ways to ask it again.
fn edit_ui(
    ui: &mut Ui,
    theme: &Theme,
    at: &TurnCx<'_>,
    shared: &mut Shared<'_>,
    draft: &mut Draft,
) {
    let (pane, turn) = (at.pane.id, at.index);
    let frame = Frame::new()
        .fill(theme.raised)
        .stroke(Stroke::new(1.0, theme.accent))
        .corner_radius(CornerRadius::same(RADIUS))
        .inner_margin(Margin::symmetric(10, 7));
    frame.show(ui, |ui| {
        if let Some(image) = attachments::row_ui(ui, theme, &draft.images, true) {
            draft.images.remove(image);
        }
        let edit = TextEdit::multiline(&mut draft.text)
            .frame(Frame::NONE)
            .background_color(Color32::TRANSPARENT)
            .desired_rows(2)
            .desired_width(f32::INFINITY);
        let response = ui.add(edit).accessible_name("Edited prompt");
        if std::mem::take(shared.focus_edit) {
            response.request_focus();
        }
        *shared.edit_focused |= response.has_focus();
        if response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Escape)) {
            shared.intents.push(Intent::Edit(EditIntent::End(pane)));
        }
        let empty = edits::parts_of(draft).is_empty();
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(space::S, space::XS);
            ui.add_enabled_ui(!empty, |ui| {
                if primary_button(ui, theme, "Ask again").clicked() {
                    shared.intents.push(Intent::Run(RunIntent::Resend(
                        pane,
                        turn,
                        draft.clone(),
                        false,
                    )));
                }
                let same = shared.same_question;
                if same > 1
                    && ui
                        .button(format!("In {}", all_panes(same).to_lowercase()))
                        .clicked()
                {
                    shared.intents.push(Intent::Run(RunIntent::Resend(
                        pane,
                        turn,
                        draft.clone(),
                        true,
                    )));
                }
            });
            if ghost_button(ui, theme, "Cancel").clicked() {
                shared.intents.push(Intent::Edit(EditIntent::End(pane)));
            }
        });
    });
}

/// The row of small buttons under an answer.
fn actions_ui(
    ui: &mut Ui,
    cx: &mut Cx<'_>,
    at: &TurnCx<'_>,
    shared: &mut Shared<'_>,
    id: Option<RunId>,
) {
    let theme = cx.theme;
    let (pane, turn) = (at.pane.id, at.index);
    let run = id.and_then(|id| cx.state.runs.get(&id));
    let live = run.is_some_and(|r| !r.state.is_over())
        || (run.is_none() && id.is_some_and(|id| shared.elapsed(id).is_some()));
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        if id.is_some_and(|id| cx.state.is_live_elsewhere(id)) {
            ui.label(tiny(theme, "Runs in another window"))
                .on_hover_text("Its text appears here as it comes; it is stopped there");
            ui.add_space(space::S);
        } else if live {
            if icon_button(ui, theme, icons::STOP, "Stop this answer").clicked() {
                shared.intents.push(Intent::Run(RunIntent::Stop(pane)));
            }
        } else if icon_button(ui, theme, icons::RETRY, "Ask again").clicked() {
            shared
                .intents
                .push(Intent::Run(RunIntent::Retry(pane, turn)));
        }
        attempts_ui(ui, theme, at, shared);
        if let Some(run) = run.filter(|run| !answer_text(run).is_empty()) {
            copy_button(ui, theme, "Copy the answer", || answer_text(run).to_owned());
            let view = shared.answers.entry(run.head.id).or_default();
            if icon_toggle(
                ui,
                theme,
                icons::CODE,
                "Show the answer word for word",
                view.raw,
            )
            .clicked()
            {
                view.raw = !view.raw;
            }
        }
        let editable = !chat::holds_results(&at.turn.user);
        if editable
            && icon_button(ui, theme, icons::EDIT, "Edit the prompt and ask again").clicked()
        {
            shared
                .intents
                .push(Intent::Edit(EditIntent::Begin(pane, turn)));
        }
        let more = icon_button(ui, theme, icons::MORE, "More for this turn");
        Popup::menu(&more).show(|ui| menu_ui(ui, cx.state, cx.actions, at, shared, id));
        if let Some(run) = run {
            answered_by_ui(ui, theme, run);
        }
    });
}

/// The name of the model that answered: the pane may ask another one by now.
fn answered_by_ui(ui: &mut Ui, theme: &Theme, run: &Run) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let name = tiny(theme, visible(&run.head.target.model));
        ui.add(Label::new(name).selectable(false).truncate())
            .on_hover_text(format!(
                "Answered by {}",
                local_gateway::shown(&run.head.target)
            ));
        if run.head.simulated {
            let icon = tiny(theme, icons::SIMULATED).color(theme.warn);
            let response = ui.add(Label::new(icon).selectable(false));
            response
                .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, "simulated"));
            response.on_hover_text(
                "Answered by the built-in simulator on this machine: real HTTP, made-up model",
            );
        }
    });
}

fn attempts_ui(ui: &mut Ui, theme: &Theme, at: &TurnCx<'_>, shared: &mut Shared<'_>) {
    let (count, shown) = (at.turn.runs.len(), at.turn.shown);
    if count < 2 {
        return;
    }
    let attempt = |to| Intent::Change(Change::Attempt(at.pane.id, at.index, to));
    let earlier = ui.add_enabled_ui(shown > 0, |ui| {
        icon_button(ui, theme, icons::CHEVRON_LEFT, "Earlier attempt")
    });
    if earlier.inner.clicked() {
        shared.intents.push(attempt(shown.saturating_sub(1)));
    }
    ui.add(Label::new(tiny(theme, format!("{}/{count}", shown + 1))).selectable(false));
    let later = ui.add_enabled_ui(shown + 1 < count, |ui| {
        icon_button(ui, theme, icons::CHEVRON_RIGHT, "Later attempt")
    });
    if later.inner.clicked() {
        shared.intents.push(attempt(shown + 1));
    }
}

fn menu_ui(
    ui: &mut Ui,
    engine: &Engine,
    actions: &mut Vec<Action>,
    at: &TurnCx<'_>,
    shared: &mut Shared<'_>,
    id: Option<RunId>,
) {
    let (pane, turn) = (at.pane.id, at.index);
    let items = [
        (
            icons::FORK,
            "Fork into a new pane",
            Intent::Change(Change::ForkPane(pane, turn)),
        ),
        (
            icons::FORK,
            "Fork into a new conversation",
            Intent::Conversation(ConversationIntent::Fork(pane, turn)),
        ),
        (
            icons::COPY,
            "Copy the conversation as Markdown",
            Intent::Show(Show::Copy(pane)),
        ),
    ];
    for (icon, label, intent) in items {
        if menu_item(ui, icon, label) {
            shared.intents.push(intent);
        }
    }
    if let Some(id) = id {
        if menu_item(ui, icons::TIMER, "Inspect") {
            actions.push(Action::OpenRun(id));
        }
        copy_as_ui(ui, engine, shared.intents, id);
    }
    menu_gap(ui);
    if danger_item(ui, icons::DELETE, "Delete this turn") {
        shared
            .intents
            .push(Intent::Change(Change::DeleteTurn(pane, turn)));
    }
}

/// Copies what a run asked as a program; no key is in it.
fn copy_as_ui(ui: &mut Ui, engine: &Engine, intents: &mut Vec<Intent>, id: RunId) {
    let Some(run) = engine.runs.get(&id) else {
        return;
    };
    if engine
        .settings
        .endpoint(&run.head.target.endpoint)
        .is_none()
    {
        return;
    }
    for language in Language::ALL {
        let label = format!("Copy as {}", language.label());
        if menu_item(ui, icons::CODE, &label) {
            intents.push(Intent::Show(Show::CopyAs(id, *language)));
        }
    }
}

fn answer_text(run: &Run) -> &str {
    let answer = &run.answer;
    if answer.text.is_empty() {
        &answer.refusal
    } else {
        &answer.text
    }
}
