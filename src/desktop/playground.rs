//! The playground: asks one or more models the same question, side by side, and measures each answer.
//!
//! In: the state with its runs and models, and answers to its own requests. Out: commands. It owns the conversation
//! that is shown; the rest of its fields is UI state. Its parts change nothing themselves: they return an
//! [`Intent`], which is carried out after they were shown.

mod acts;
mod answer;
mod asking;
mod attachments;
mod bar;
mod compare;
mod comparisons;
mod composer;
mod deviation;
mod edits;
mod elsewhere;
mod estimate;
mod export;
mod figures;
mod file_dialogs;
mod find;
mod first_steps;
mod follow;
mod grid;
mod import;
mod intake;
mod intent;
mod layout;
mod left_out;
pub(super) mod markdown;
mod names;
mod pane;
mod params;
mod params_area;
mod params_check;
mod params_form;
mod params_reading;
mod paths;
mod raw_body;
mod recents;
mod replies;
mod results;
mod saving;
mod schema_form;
mod sessions;
mod shared;
mod sheet;
mod spent;
mod strip;
mod turn;
mod undo;
mod verb;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use egui::{Frame, Key, KeyboardShortcut, Margin, Modifiers, Panel, Rect, Ui};
use serde::{Deserialize, Serialize};

pub use self::verb::PlaygroundVerb;
use self::{
    answer::AnswerView,
    attachments::Attachments,
    comparisons::Comparisons,
    composer::Composer,
    elsewhere::Seen,
    file_dialogs::FileDialog,
    find::Find,
    first_steps::FirstSteps,
    intent::Intent,
    pane::PaneView,
    raw_body::{AskedBody, RawEditor},
    recents::Recents,
    replies::AskedProgram,
    sessions::Sessions,
    sheet::Sheets,
    strip::Strip,
    undo::Undo,
    verb::{Row, VERBS},
};
use super::{
    icons,
    view::{Action, Cx, Verb, VerbId, View, ViewId},
    widgets::any_popup_open,
};
use crate::{
    conversation::{Conversation, ConversationId},
    engine::Asked,
    run::RunId,
};

/// How often the elapsed time of a live run is updated.
const TICK: Duration = Duration::from_millis(100);

/// The playground view.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "most of them hold for one frame only"
)]
pub struct Playground {
    conversation: Conversation,
    /// The conversation as last saved or loaded; empty if it was never saved.
    base: Arc<Conversation>,
    /// What other windows have changed, as far as it is merged here.
    seen: Seen,
    /// Whether the conversation is unchanged since the start, so that a stored one may replace it.
    pristine: bool,
    /// The conversation to open as soon as `opening` delivers it.
    wanted: Option<ConversationId>,
    opening: Asked<Option<Box<Conversation>>>,
    listed: bool,
    undo: Undo,
    /// The panes that the composer does not send to.
    left_out: BTreeSet<u32>,
    /// The pane that is shown alone, if any.
    large: Option<u32>,
    /// The pane under the pointer.
    pointed: Option<u32>,
    /// The pane that is being dragged, and whether it was dropped.
    dragged: Option<(u32, bool)>,
    /// Where panes are shown in this frame.
    places: Vec<(u32, Rect)>,
    /// The pane to scroll to.
    reveal: Option<u32>,
    weights: HashMap<u32, f32>,
    panes: HashMap<u32, PaneView>,
    answers: HashMap<RunId, AnswerView>,
    sheets: Sheets,
    first_steps: FirstSteps,
    comparisons: Comparisons,
    strip: Strip,
    /// When each live run of this window was sent, by egui's clock.
    sent_at: HashMap<RunId, f64>,
    /// Runs sent since the last frame: they get the time of the next frame.
    just_sent: Vec<RunId>,
    asked_runs: HashSet<RunId>,
    recents: Recents,
    sessions: Sessions,
    attachments: Attachments,
    intents: Vec<Intent>,
    /// When the conversation was first changed since it was last saved.
    changed_at: Option<f64>,
    changed: bool,
    shown: bool,
    /// Whether the view was ever shown: the first time, the composer takes the focus.
    was_shown: bool,
    live: bool,
    popup_open: bool,
    focus_composer: bool,
    focus_edit: bool,
    /// Whether the field of an edited prompt had the focus when last shown.
    edit_focused: bool,
    /// What waits until the settings of the panes are checked.
    waiting: Vec<Intent>,
    copying: Option<AskedProgram>,
    /// The editor of a raw body, while it is open.
    raw: Option<RawEditor>,
    opening_raw: Option<AskedBody>,
    /// The dialog that writes conversations to a file, or reads them.
    file_dialog: FileDialog,
    /// The search in the conversation.
    find: Find,
}

/// What is saved with the window's layout.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    conversation: ConversationId,
    sessions_open: bool,
    weights: HashMap<u32, f32>,
    strip: Strip,
}

impl View for Playground {
    fn id(&self) -> ViewId {
        ViewId::Playground
    }

    fn title(&self) -> &'static str {
        "Playground"
    }

    fn subject(&self) -> Option<&str> {
        Some(self.conversation.title.as_str()).filter(|title| !title.is_empty())
    }

    fn icon(&self) -> &'static str {
        icons::PLAYGROUND
    }

    fn verbs(&self) -> Vec<Verb> {
        // Esc closes an open popup or the search first; only without one does it stop the runs.
        let esc = |verb| verb == PlaygroundVerb::Stop && self.live && !self.takes_esc();
        let verb = |(verb, label, keys): &Row| {
            let keys = keys.or(esc(*verb).then_some((Modifiers::NONE, Key::Escape)));
            Verb {
                id: VerbId::Playground(*verb),
                label,
                shortcut: keys.map(|(modifiers, key)| KeyboardShortcut::new(modifiers, key)),
            }
        };
        VERBS.iter().map(verb).collect()
    }

    fn verb(&mut self, id: VerbId, cx: &mut Cx<'_>) {
        if let VerbId::Playground(verb) = id {
            self.do_verb(verb, cx);
            self.act_all(cx);
        }
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) {
        match action {
            Action::Ask(target) => {
                self.ask_target(target);
                self.act_all(cx);
            }
            Action::ImportConversations(path) => self.ask_to_import(Some(path.clone())),
            Action::Deleted(runs) => {
                for run in runs.iter() {
                    self.answers.remove(run);
                }
                // The state knows that they are gone: nobody need ask.
                self.asked_runs.extend(runs.iter());
            }
            _ => {}
        }
    }

    fn logic(&mut self, cx: &mut Cx<'_>) {
        self.take_in(cx);
        self.take_replies(cx);
        self.first_steps.logic();
        self.follow_file(cx);
        self.follow_find(cx);
        self.draw_targets(cx);
        // Changes are saved after half a second, or at once when another view is shown.
        if self.changed_at.is_some() && !std::mem::take(&mut self.shown) {
            self.save_now(cx);
        }
    }

    fn shown_runs(&self) -> Vec<RunId> {
        let turns = self.conversation.panes.iter().flat_map(|p| &p.turns);
        turns.flat_map(|turn| &turn.runs).copied().collect()
    }

    fn ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        self.shown = true;
        if !std::mem::replace(&mut self.was_shown, true) {
            self.focus_composer = ui.memory(|memory| memory.focused().is_none());
        }
        self.edit_focused = false;
        self.follow_clock(ui, cx);
        self.take_images(ui, cx);
        self.popup_open = any_popup_open(ui.ctx());
        let mut intents = std::mem::take(&mut self.intents);
        self.sheets.price_by(&cx.state.settings.prices);
        self.sessions.ui(ui, cx, self.conversation.id, &mut intents);
        self.bar_ui(ui, cx, &mut intents);
        self.find.ui(ui, cx.theme);
        let names = names::of_panes(&self.conversation.panes);
        self.composer_ui(ui, cx, &names, &mut intents);
        self.strip_ui(ui, cx, &names);
        self.panes_ui(ui, cx, &mut intents);
        if let Some(raw) = &mut self.raw
            && !raw.ui(ui.ctx(), cx.theme, &mut intents)
        {
            self.raw = None;
        }
        self.file_dialog_ui(ui.ctx(), cx);
        self.intents = intents;
        self.act_all(cx);
        self.save_later(ui, cx);
    }

    fn close(&mut self, cx: &mut Cx<'_>) {
        self.keep_changes(cx);
    }

    fn save(&self) -> Option<String> {
        let kept = Kept {
            conversation: self.conversation.id,
            sessions_open: self.sessions.open,
            weights: self.weights.clone(),
            strip: self.strip,
        };
        serde_json::to_string(&kept).ok()
    }

    fn restore(&mut self, saved: &str) {
        let kept: Kept = serde_json::from_str(saved).unwrap_or_default();
        self.sessions.open = kept.sessions_open;
        self.weights = kept.weights;
        self.strip = kept.strip;
        self.wanted = Some(kept.conversation).filter(|id| *id != ConversationId::default());
    }
}

impl Playground {
    /// Records when runs were sent, and requests repaints while any is live.
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
        self.live = !self.own_runs(cx).is_empty();
        if self.live {
            ui.ctx().request_repaint_after(TICK);
        }
    }

    fn composer_ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut Cx<'_>,
        names: &[String],
        intents: &mut Vec<Intent>,
    ) {
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
                names,
                left_out: &mut self.left_out,
                again: held.is_none() && intake::is_empty(&self.conversation.draft),
                held,
                waits: !self.waiting.is_empty(),
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
}
