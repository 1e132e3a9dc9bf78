//! Follows what other windows do to the conversation that is shown here.

use super::Playground;
use crate::{
    conversation::{Conversation, ConversationId, Pane, merge},
    desktop::view::{Action, Cx},
    engine::Command,
    history::OtherProcesses,
};

/// How far it has followed.
#[derive(Debug, Default)]
pub struct Seen {
    /// The conversation that the engine knows to be shown.
    shown: ConversationId,
    elsewhere: OtherProcesses,
    /// Whether the conversation is being read again, and whether something was saved since that was asked for.
    reading: Option<ConversationId>,
    saved: bool,
}

impl Seen {
    /// Something was saved: what is being read may not have it.
    pub(super) fn saved(&mut self) {
        self.saved = true;
    }
}

impl Playground {
    /// Has what changed elsewhere read again.
    pub(super) fn follow(&mut self, cx: &mut Cx<'_>) {
        let id = self.conversation.id;
        if id != ConversationId::default() && self.seen.shown != id {
            self.seen.shown = id;
            cx.commands.push(Command::ShowConversation(id));
        }
        let now = cx.state.elsewhere;
        let before = std::mem::replace(&mut self.seen.elsewhere, now);
        if now.conversations != before.conversations {
            cx.commands.push(Command::ListConversations);
            self.read_again(cx);
        }
        if now.changes != before.changes {
            self.load_runs_again(now.runs != before.runs, cx);
        }
    }

    fn read_again(&mut self, cx: &mut Cx<'_>) {
        if !self.pristine {
            self.seen.reading = Some(self.conversation.id);
            self.seen.saved = false;
            cx.commands
                .push(Command::LoadConversation(self.conversation.id));
        }
    }

    /// Runs that go elsewhere have more to tell; those that were not in the history yet may be now.
    fn load_runs_again(&self, with_missing: bool, cx: &mut Cx<'_>) {
        let turns = self.conversation.panes.iter().flat_map(|p| &p.turns);
        for id in turns.flat_map(|turn| &turn.runs) {
            let missing = with_missing && cx.state.missing_runs.contains(id);
            if missing || cx.state.is_live_elsewhere(*id) {
                cx.commands.push(Command::LoadRun(*id));
            }
        }
    }

    /// Takes in the conversation as it was read again; says whether it had been asked for.
    pub(super) fn follow_to(
        &mut self,
        id: ConversationId,
        theirs: Option<&Conversation>,
        cx: &mut Cx<'_>,
    ) -> bool {
        if self.seen.reading != Some(id) || id != self.conversation.id {
            return false;
        }
        self.seen.reading = None;
        if self.seen.saved {
            self.read_again(cx);
            return true;
        }
        let Some(theirs) = theirs else {
            let text = "Another window deleted this conversation: what you ask next brings it back";
            cx.actions.push(Action::Tell(text.to_owned()));
            return true;
        };
        if let Some(merged) = merge::merge(&self.base, &self.conversation, Some(theirs)) {
            self.keep_places(&merged.panes);
            self.conversation = merged;
        }
        self.base = theirs.clone().into();
        if self.conversation.panes.is_empty() {
            super::edits::add_pane(&mut self.conversation, None);
        }
        true
    }

    /// What is edited here stays with its turn; a question whose turn is gone is asked at the end.
    fn keep_places(&mut self, after: &[Pane]) {
        let moved = |pane: u32, at: usize| -> usize {
            let find = |panes: &'_ [Pane]| panes.iter().position(|p| p.id == pane);
            let before = &self.conversation.panes;
            let turn = find(before).and_then(|p| before[p].turns.get(at));
            let turns = find(after).map_or(&[][..], |p| &after[p].turns);
            let place = turn.and_then(|turn| turns.iter().position(|t| t.id == turn.id));
            place.unwrap_or(turns.len())
        };
        for (id, view) in &mut self.panes {
            if let Some((turn, _)) = &mut view.editing {
                *turn = moved(*id, *turn);
            }
        }
        if let Some(raw) = &mut self.raw {
            raw.turn = raw.turn.map(|turn| moved(raw.pane, turn));
        }
    }
}
