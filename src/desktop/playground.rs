//! The playground: one question to one or many models, side by side, each answer measured.
//!
//! In: what the engine said of runs, conversations, models and images. Out: commands. It owns the
//! conversation that is shown; everything else of it is how that is looked at. Its parts only wish
//! ([`Intent`]); what they wish for is done after they were shown.

mod acts;
mod answer;
mod attachments;
mod compare;
mod composer;
mod edits;
mod figures;
mod intent;
mod layout;
mod markdown;
mod pane;
mod params;
mod params_form;
mod sessions;
mod target_picker;
mod turn;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use egui::{
    Frame, Key, KeyboardShortcut, Margin, Modifiers, Panel, Rect, ScrollArea, TextEdit, Ui, vec2,
};
use serde::{Deserialize, Serialize};

use self::{
    answer::AnswerView,
    attachments::Attachments,
    compare::Comparison,
    composer::Composer,
    intent::Intent,
    layout::Drag,
    pane::{PaneView, Shared, Spot},
    sessions::Sessions,
};
use super::{
    icons,
    theme::Theme,
    view::{Action, Cx, Verb, View, ViewId},
    widgets::{ghost_button, icon_button, icon_toggle},
};
use crate::{
    conversation::{Conversation, ConversationId, Pane},
    engine::Command,
    run::{Run, RunId},
};

/// How long after the last change a draft is kept, in seconds.
const SAVE_AFTER_S: f64 = 0.5;
/// How often a running clock is shown anew.
const TICK: Duration = Duration::from_millis(100);

/// The playground view.
#[derive(Debug, Default)]
pub struct Playground {
    conversation: Conversation,
    /// Nothing was done to the conversation yet: one that was kept may take its place.
    pristine: bool,
    /// What is to be opened as soon as it comes.
    wanted: Option<ConversationId>,
    listed: bool,
    undo: Vec<(&'static str, Vec<Pane>)>,
    only: Option<u32>,
    weights: HashMap<u32, f32>,
    panes: HashMap<u32, PaneView>,
    answers: HashMap<RunId, AnswerView>,
    /// When runs of this session were sent, on egui's clock, while they go.
    sent_at: HashMap<RunId, f64>,
    /// Runs sent since the last frame: their time is that of the next.
    just_sent: Vec<RunId>,
    asked_runs: HashSet<RunId>,
    sessions: Sessions,
    attachments: Attachments,
    intents: Vec<Intent>,
    /// When the conversation was first changed since it was kept.
    changed_at: Option<f64>,
    changed: bool,
    shown: bool,
    live: bool,
    popup_open: bool,
    focus_composer: bool,
    focus_edit: bool,
    copied: Option<String>,
}

/// What is kept with the window's layout.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    conversation: ConversationId,
    sessions_open: bool,
    weights: HashMap<u32, f32>,
}

const fn command(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers::COMMAND, key))
}

const fn shift_command(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(
        Modifiers::COMMAND.plus(Modifiers::SHIFT),
        key,
    ))
}

/// Everything the playground can do by palette, and the shortcuts of it.
const VERBS: &[(&str, &str, Option<KeyboardShortcut>)] = &[
    ("playground.send", "Send", command(Key::Enter)),
    ("playground.stop", "Stop all answers", None),
    ("playground.new", "New conversation", command(Key::N)),
    ("playground.focus", "Write a prompt", command(Key::L)),
    ("playground.add_pane", "Add a pane", shift_command(Key::N)),
    (
        "playground.remove_pane",
        "Remove the last pane",
        shift_command(Key::W),
    ),
    ("playground.retry", "Ask all again", command(Key::R)),
    (
        "playground.copy",
        "Copy the last answer",
        shift_command(Key::C),
    ),
    (
        "playground.reasoning",
        "Show or hide all reasoning",
        shift_command(Key::R),
    ),
    (
        "playground.sessions",
        "Show or hide the conversations",
        command(Key::B),
    ),
    ("playground.clear", "Clear all panes", None),
    (
        "playground.undo",
        "Undo the last change of panes or turns",
        None,
    ),
];

impl View for Playground {
    fn id(&self) -> ViewId {
        ViewId::Playground
    }

    fn title(&self) -> &'static str {
        "Playground"
    }

    fn icon(&self) -> &'static str {
        icons::PLAYGROUND
    }

    fn verbs(&self) -> Vec<Verb> {
        let esc = KeyboardShortcut::new(Modifiers::NONE, Key::Escape);
        let verb =
            |(id, label, shortcut): &(&'static str, &'static str, Option<KeyboardShortcut>)| Verb {
                id,
                label,
                // Esc belongs to what is open before it belongs to what runs.
                shortcut: shortcut
                    .or((*id == "playground.stop" && self.live && !self.popup_open).then_some(esc)),
            };
        VERBS.iter().map(verb).collect()
    }

    fn verb(&mut self, id: &str, cx: &mut Cx<'_>) {
        self.do_verb(id, cx);
        self.act_all(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) {
        if let Action::Ask(target) = action {
            self.ask_target(target);
            self.act_all(cx);
        }
    }

    fn logic(&mut self, cx: &mut Cx<'_>) {
        self.take_in(cx);
        // What was changed is kept half a second later, or at once if the view is left.
        if self.changed_at.is_some() && !std::mem::take(&mut self.shown) {
            self.save_now(cx);
        }
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.shown = true;
        self.follow_clock(ui, cx);
        self.take_images(ui, cx);
        self.popup_open = target_picker::any_popup_open(ui.ctx());
        let mut intents = std::mem::take(&mut self.intents);
        self.sessions.ui(ui, cx, self.conversation.id, &mut intents);
        self.bar_ui(ui, cx, &mut intents);
        self.composer_ui(ui, cx, &mut intents);
        self.panes_ui(ui, cx, &mut intents);
        self.intents = intents;
        self.act_all(cx);
        if let Some(text) = self.copied.take() {
            ui.ctx().copy_text(text);
        }
        self.save_later(ui, cx);
    }

    fn save(&self) -> Option<String> {
        let kept = Kept {
            conversation: self.conversation.id,
            sessions_open: self.sessions.open,
            weights: self.weights.clone(),
        };
        serde_json::to_string(&kept).ok()
    }

    fn restore(&mut self, saved: &str) {
        let kept: Kept = serde_json::from_str(saved).unwrap_or_default();
        self.sessions.open = kept.sessions_open;
        self.weights = kept.weights;
        self.wanted = Some(kept.conversation).filter(|id| *id != ConversationId::default());
    }
}

impl Playground {
    /// The run that each pane shows in its turn `turn`.
    fn run_of<'a>(pane: &Pane, turn: usize, cx: &'a Cx<'_>) -> Option<&'a Run> {
        cx.state.runs.get(&pane.turns.get(turn)?.run()?)
    }

    /// Panes whose turn `turn` asks the same as that of `pane`.
    fn asking_the_same<'a>(
        &'a self,
        pane: &'a Pane,
        turn: usize,
    ) -> impl Iterator<Item = &'a Pane> {
        let asked = pane.turns.get(turn).map(|t| &t.user);
        let panes = self.conversation.panes.iter();
        panes.filter(move |p| asked.is_some() && p.turns.get(turn).map(|t| &t.user) == asked)
    }

    /// Compares the last answer of a pane with those of the panes that asked the same.
    fn comparison(&self, pane: &Pane, cx: &Cx<'_>) -> Comparison {
        let Some(last) = pane.turns.len().checked_sub(1) else {
            return Comparison::default();
        };
        let same = self.asking_the_same(pane, last);
        let runs: Vec<&Run> = same.filter_map(|p| Self::run_of(p, last, cx)).collect();
        Comparison::of(&runs)
    }

    /// Notes when runs were sent, and wakes the window while any goes.
    fn follow_clock(&mut self, ui: &Ui, cx: &Cx<'_>) {
        let now = ui.input(|input| input.time);
        for id in self.just_sent.drain(..) {
            self.sent_at.insert(id, now);
        }
        let refused = &cx.state.refused;
        let over = |id: &RunId| {
            refused.contains_key(id) || cx.state.runs.get(id).is_some_and(|r| r.state.is_over())
        };
        self.sent_at.retain(|id, _| !over(id));
        self.live = !self.live_runs(cx).is_empty();
        if self.live {
            ui.ctx().request_repaint_after(TICK);
        }
    }

    fn bar_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, intents: &mut Vec<Intent>) {
        let theme = cx.theme;
        let frame = Frame::new()
            .fill(theme.surface)
            .inner_margin(Margin::symmetric(8, 6));
        Panel::top("bar").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                let open = self.sessions.open;
                if icon_toggle(ui, theme, icons::LIST, "Conversations", open).clicked() {
                    self.sessions.open = !open;
                }
                let hint = egui::RichText::new("Untitled").color(theme.text_dim);
                let edit = TextEdit::singleline(&mut self.conversation.title)
                    .frame(Frame::NONE)
                    .background_color(egui::Color32::TRANSPARENT)
                    .hint_text(hint)
                    .margin(Margin::symmetric(4, 4))
                    .min_size(vec2(0.0, 26.0))
                    .align(egui::Align2::LEFT_CENTER)
                    .desired_width((ui.available_width() - 250.0).max(80.0));
                let response = ui.add(edit).accessible_name("Title of the conversation");
                self.changed |= response.changed();
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if icon_button(ui, theme, icons::EDIT_BOX, "New conversation").clicked() {
                        intents.push(Intent::New);
                    }
                    let room = self.conversation.panes.len() < edits::MAX_PANES;
                    let add = format!("{} Add pane", icons::ADD);
                    let response = ui
                        .add_enabled_ui(room, |ui| ghost_button(ui, theme, &add))
                        .inner;
                    response.widget_info(|| {
                        egui::WidgetInfo::labeled(egui::Role::Button, room, "Add pane")
                    });
                    if response
                        .on_disabled_hover_text("Eight panes are the most")
                        .clicked()
                    {
                        intents.push(Intent::AddPane);
                    }
                    if let Some((what, _)) = self.undo.last()
                        && icon_button(ui, theme, icons::RESET, &format!("Undo: {what}")).clicked()
                    {
                        intents.push(Intent::Undo);
                    }
                });
            });
        });
    }

    fn composer_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, intents: &mut Vec<Intent>) {
        let theme = cx.theme;
        let frame = Frame::new()
            .fill(theme.surface)
            .inner_margin(Margin::symmetric(12, 10));
        let held = self.held(cx);
        let panel = Panel::bottom("composer").frame(frame).resizable(false);
        panel.show(ui, |ui| {
            let composer = Composer {
                theme,
                panes: &self.conversation.panes,
                only: &mut self.only,
                held,
                live: self.live,
                attachments: &mut self.attachments,
                intents,
            };
            self.changed |= composer.ui(ui, &mut self.conversation.draft);
        });
        if std::mem::take(&mut self.focus_composer) {
            ui.memory_mut(|memory| memory.request_focus(composer::text_id()));
        }
    }

    fn panes_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, intents: &mut Vec<Intent>) {
        let area = ui.available_rect_before_wrap();
        ui.painter().rect_filled(area, 0.0, cx.theme.background);
        let rows = layout::rows(self.conversation.panes.len(), area.width());
        #[expect(clippy::cast_precision_loss, reason = "eight at most")]
        let count = rows.len() as f32;
        let height = if rows.len() == 1 {
            area.height()
        } else {
            (area.height() / count).max(layout::MIN_HEIGHT)
        };
        if height * count > area.height() + 0.5 {
            ScrollArea::vertical()
                .id_salt("grid")
                .auto_shrink(false)
                .show(ui, |ui| {
                    let (whole, _) = ui.allocate_exact_size(
                        vec2(area.width(), height * count),
                        egui::Sense::hover(),
                    );
                    self.grid_ui(ui, cx, intents, whole, &rows, height);
                });
        } else {
            self.grid_ui(ui, cx, intents, area, &rows, height);
        }
        if ui.input(|input| !input.raw.hovered_files.is_empty()) {
            pane::drop_hint_ui(ui, cx.theme, area);
        }
    }

    fn grid_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        intents: &mut Vec<Intent>,
        area: Rect,
        rows: &[usize],
        height: f32,
    ) {
        let mut first = 0;
        for (row, count) in rows.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "eight at most")]
            let top = area.top() + row as f32 * height;
            let line =
                Rect::from_min_size(egui::pos2(area.left(), top), vec2(area.width(), height));
            let ids: Vec<u32> = self
                .conversation
                .panes
                .iter()
                .skip(first)
                .take(*count)
                .map(|p| p.id)
                .collect();
            let weights: Vec<f32> = ids
                .iter()
                .map(|id| self.weights.get(id).copied().unwrap_or(1.0))
                .collect();
            let widths = layout::widths(&weights, area.width());
            for (offset, rect) in layout::row_rects(line, &widths).into_iter().enumerate() {
                if ui.is_rect_visible(rect) {
                    self.pane_ui(ui, cx, intents, first + offset, rect);
                }
            }
            self.splitters_ui(ui, cx.theme, line, &ids, widths);
            if row > 0 {
                ui.painter().hline(line.x_range(), top, cx.theme.hairline());
            }
            first += count;
        }
    }

    fn splitters_ui(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        line: Rect,
        ids: &[u32],
        mut widths: Vec<f32>,
    ) {
        let mut x = line.left();
        let mut dragged = None;
        for (index, width) in widths.iter().enumerate().take(ids.len().saturating_sub(1)) {
            x += width;
            let salt = index + ids.first().map_or(0, |id| *id as usize) * 16;
            if let Some(drag) = layout::splitter_ui(ui, theme, x, line, salt) {
                dragged = Some((index, drag));
            }
        }
        match dragged {
            None => {}
            Some((_, Drag::Even)) => self.weights.retain(|id, _| !ids.contains(id)),
            Some((index, Drag::By(by))) => {
                layout::drag(&mut widths, index, by);
                let mean = line.width() / widths.len().max(1) as f32;
                self.weights.extend(
                    ids.iter()
                        .zip(&widths)
                        .map(|(id, width)| (*id, width / mean)),
                );
            }
        }
    }

    fn pane_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        intents: &mut Vec<Intent>,
        index: usize,
        area: Rect,
    ) {
        let count = self.conversation.panes.len();
        let Some(pane) = self.conversation.panes.get(index) else {
            return;
        };
        let comparison = self.comparison(pane, cx);
        let editing = self
            .panes
            .get(&pane.id)
            .and_then(|view| view.editing.as_ref());
        let same_question =
            editing.map_or(0, |(turn, _)| self.asking_the_same(pane, *turn).count());
        let now = ui.input(|input| input.time);
        let pane = &mut self.conversation.panes[index];
        let mut shared = Shared {
            answers: &mut self.answers,
            attachments: &mut self.attachments,
            comparison: &comparison,
            same_question,
            sent_at: &self.sent_at,
            now,
            intents,
            changed: &mut self.changed,
            focus_edit: &mut self.focus_edit,
        };
        let spot = Spot {
            number: index + 1,
            count,
            alone: count > 1 && self.only == Some(pane.id),
        };
        let view = self.panes.entry(pane.id).or_default();
        view.ui(ui, cx, pane, area, spot, &mut shared);
    }

    fn save_later(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        let now = ui.input(|input| input.time);
        if std::mem::take(&mut self.changed) {
            if std::mem::take(&mut self.pristine) {
                // What was begun here is not replaced by what was kept.
                self.wanted = None;
            }
            self.changed_at.get_or_insert(now);
        }
        match self.changed_at {
            Some(at) if now - at >= SAVE_AFTER_S => self.save_now(cx),
            Some(at) => {
                let wait = Duration::from_secs_f64((SAVE_AFTER_S - (now - at)).max(0.01));
                ui.ctx().request_repaint_after(wait);
            }
            None => {}
        }
    }

    fn save_now(&mut self, cx: &mut Cx<'_>) {
        self.changed_at = None;
        self.pristine = false;
        self.conversation.updated_unix_ns = edits::now_unix_ns();
        cx.commands.push(Command::SaveConversation(Box::new(
            self.conversation.clone(),
        )));
    }
}
