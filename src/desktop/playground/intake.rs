//! What the playground picks up in each frame: new settings, conversations, runs and attached files.

use egui::Ui;

use super::{Playground, edits};
use crate::{
    conversation::{Conversation, ConversationId, Draft, Turn},
    desktop::view::{Action, Cx},
    endpoint::TargetId,
    engine::{Asked, Command, ConversationCommand, RunCommand, ask},
    history::OtherProcesses,
    run::RunId,
};

/// Whether a draft has nothing to send.
pub(super) fn is_empty(draft: &Draft) -> bool {
    draft.text.trim().is_empty() && draft.images.is_empty()
}

impl Playground {
    /// Reacts to the engine's news since the last frame.
    pub(super) fn take_in(&mut self, cx: &mut Cx<'_>) {
        if !self.listed && (self.conversation.panes.is_empty() || self.wanted.is_some()) {
            self.listed = true;
            self.sessions.list(cx.commands);
            if let Some(id) = self.wanted {
                self.load(id, cx);
            }
        }
        let empty = self.conversation.panes.is_empty();
        let unready =
            empty || (self.pristine && self.conversation.panes.iter().any(|p| p.target.is_none()));
        if unready
            && cx
                .state
                .settings
                .endpoints
                .iter()
                .any(|e| empty || !e.models.is_empty())
        {
            self.conversation = edits::first_conversation(&cx.state.settings);
            self.pristine = true;
        }
        self.sessions.take_in();
        // If the layout was lost, opening the latest conversation is better than an empty one.
        if self.pristine
            && self.wanted.is_none()
            && cx.state.elsewhere == OtherProcesses::default()
            && let Some(latest) = self.sessions.latest()
        {
            self.load(latest, cx);
        }
        if let Some(loaded) = self.opening.take() {
            self.opened(loaded, cx);
        }
        self.follow(cx);
        self.load_runs(cx);
        self.load_recent(cx);
    }

    /// Asks for a conversation, which is shown as soon as it arrives.
    pub(super) fn load(&mut self, id: ConversationId, cx: &mut Cx<'_>) {
        self.wanted = Some(id);
        let (reply, opening) = ask();
        self.opening = opening;
        let command = ConversationCommand::Load { id, reply };
        cx.commands.push(Command::Conversation(command));
    }

    /// Cancels opening another conversation.
    pub(super) fn give_up_opening(&mut self) {
        self.wanted = None;
        self.opening = Asked::default();
    }

    /// Shows the conversation that has arrived, if it exists.
    fn opened(&mut self, loaded: Option<Box<Conversation>>, cx: &mut Cx<'_>) {
        // Opened once: later changes from elsewhere are merged into it.
        self.wanted = None;
        if let Some(conversation) = loaded {
            // What was written meanwhile is saved in the conversation that it was written in.
            self.keep_changes(cx);
            self.base = conversation.clone().into();
            self.show(*conversation);
        } else if !self.pristine {
            let why = "This conversation no longer exists".to_owned();
            cx.actions.push(Action::Tell(why));
        }
    }

    /// Loads the runs of the conversation that are not in the state.
    fn load_runs(&mut self, cx: &mut Cx<'_>) {
        for turn in self.conversation.panes.iter().flat_map(|p| &p.turns) {
            for id in &turn.runs {
                let known = cx.state.runs.contains_key(id) || cx.state.refused.contains_key(id);
                let sent = self.sent_at.contains_key(id) || self.just_sent.contains(id);
                if known {
                    // The state may drop it later; then it is loaded again.
                    self.asked_runs.remove(id);
                } else if !sent && self.asked_runs.insert(*id) {
                    cx.commands.push(Command::Run(RunCommand::Load(*id)));
                }
            }
        }
    }

    /// If several panes are compared, asks for the targets' latest answers, for their standard deviations.
    fn load_recent(&mut self, cx: &mut Cx<'_>) {
        self.recents.take_in();
        let panes = &self.conversation.panes;
        if panes.len() < 2 {
            return;
        }
        for target in panes.iter().filter_map(|pane| pane.target.as_ref()) {
            self.recents.want(target, cx.commands);
        }
    }

    /// Requests a look for each target in the strip.
    pub(super) fn draw_targets(&self, cx: &mut Cx<'_>) {
        if !self.strip.open {
            return;
        }
        let shown = self.conversation.panes.iter().filter_map(|pane| {
            let last = pane.turns.len().checked_sub(1)?;
            Some(&Self::run_of(pane, last, &cx.state.runs)?.head.target)
        });
        let shown: Vec<&TargetId> = shown.collect();
        if shown.iter().any(|target| !cx.state.looks.knows(target)) {
            let targets = shown.into_iter().cloned().collect();
            cx.actions.push(Action::Draw(targets));
        }
    }

    /// Adds files that were chosen, dropped or pasted to the draft.
    pub(super) fn take_images(&mut self, ui: &Ui, cx: &mut Cx<'_>) {
        for arrived in self.attachments.take(ui.ctx(), cx.commands) {
            match arrived {
                Ok(image) => {
                    self.conversation.draft.images.push(image);
                    self.changed = true;
                }
                Err(why) => cx.actions.push(Action::Tell(why)),
            }
        }
    }

    /// The live runs of this conversation.
    pub(super) fn live_runs(&self, cx: &Cx<'_>) -> Vec<RunId> {
        let live = |id: &RunId| match cx.state.runs.get(id) {
            Some(run) => !run.state.is_over(),
            None => {
                (self.sent_at.contains_key(id) || self.just_sent.contains(id))
                    && !cx.state.refused.contains_key(id)
            }
        };
        let turns = self.conversation.panes.iter().flat_map(|p| &p.turns);
        turns.flat_map(|t| &t.runs).copied().filter(live).collect()
    }

    /// The live runs that this window started and can stop.
    pub(super) fn own_runs(&self, cx: &Cx<'_>) -> Vec<RunId> {
        let mut runs = self.live_runs(cx);
        runs.retain(|id| !cx.state.is_live_elsewhere(*id));
        runs
    }

    /// Why nothing can be sent now, if so.
    pub(super) fn held(&self, cx: &Cx<'_>) -> Option<String> {
        if self.attachments.is_busy() {
            return Some("A file is still being read: send in a moment".to_owned());
        }
        let draft = &self.conversation.draft;
        let mut asked = (self.conversation.panes.iter()).filter(|pane| self.is_asked(pane.id));
        if is_empty(draft) && asked.all(|pane| pane.turns.is_empty()) {
            return Some("Write something first".to_owned());
        }
        self.held_panes(cx)
    }

    /// Whether the composer sends to this pane.
    pub(super) fn is_asked(&self, pane: u32) -> bool {
        !self.left_out.contains(&pane)
    }

    /// Whether the composer sends to this pane only.
    pub(super) fn asks_alone(&self, pane: u32) -> bool {
        let mut panes = self.conversation.panes.iter().map(|pane| pane.id);
        panes.all(|id| self.is_asked(id) == (id == pane))
    }

    /// The first pane that the composer sends to.
    pub(super) fn first_asked(&self) -> Option<u32> {
        let mut panes = self.conversation.panes.iter().map(|pane| pane.id);
        panes.find(|id| self.is_asked(*id))
    }

    fn held_panes(&self, cx: &Cx<'_>) -> Option<String> {
        let mut targets = 0;
        let live = self.live_runs(cx);
        for (index, pane) in self.conversation.panes.iter().enumerate() {
            if !self.is_asked(pane.id) {
                continue;
            }
            if self
                .panes
                .get(&pane.id)
                .is_some_and(|view| view.params.has_problem())
            {
                return Some(format!(
                    "Pane {}: a parameter has an invalid value",
                    index + 1
                ));
            }
            let run = pane.turns.last().and_then(Turn::run);
            if let Some(id) = run.filter(|id| live.contains(id)) {
                let how = if cx.state.is_live_elsewhere(id) {
                    " in another window: wait, or stop it there"
                } else {
                    ": wait, or stop it"
                };
                return Some(format!("Pane {} is still answering{how}", index + 1));
            }
            targets += usize::from(pane.target.is_some());
        }
        (targets == 0).then(|| "Choose a model first".to_owned())
    }
}
