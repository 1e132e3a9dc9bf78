//! Follows what other windows do to the conversation that is shown here.

use super::Playground;
use crate::{
    conversation::{Conversation, ConversationId, Pane, merge},
    desktop::view::{Action, Cx},
    engine::{Asked, Command, ConversationCommand, RunCommand, ask},
    history::OtherProcesses,
};

/// How far it has followed.
#[derive(Debug, Default)]
pub struct Seen {
    /// The conversation that the engine knows to be shown.
    shown: ConversationId,
    elsewhere: OtherProcesses,
    /// The conversation as it is read again, and whether something was saved since that was asked for.
    reading: Asked<Option<Box<Conversation>>>,
    saved: bool,
}

impl Seen {
    /// Something was saved: what is being read may not have it.
    pub(super) fn saved(&mut self) {
        self.saved = true;
    }

    /// Another conversation is shown: how the last one is kept is of no interest any more.
    pub(super) fn leave(&mut self) {
        self.reading = Asked::default();
    }
}

impl Playground {
    /// Has what changed elsewhere read again.
    pub(super) fn follow(&mut self, cx: &mut Cx<'_>) {
        if let Some(theirs) = self.seen.reading.take() {
            self.follow_to(theirs, cx);
        }
        let id = self.conversation.id;
        if id != ConversationId::default() && self.seen.shown != id {
            self.seen.shown = id;
            cx.commands
                .push(Command::Conversation(ConversationCommand::Show(id)));
        }
        let now = cx.state.elsewhere;
        let before = std::mem::replace(&mut self.seen.elsewhere, now);
        if now.conversations != before.conversations {
            self.sessions.list(cx.commands);
            self.read_again(cx);
        }
        if now.changes != before.changes {
            self.load_runs_again(now.runs != before.runs, cx);
        }
    }

    fn read_again(&mut self, cx: &mut Cx<'_>) {
        if !self.pristine {
            let (reply, reading) = ask();
            self.seen.reading = reading;
            self.seen.saved = false;
            let id = self.conversation.id;
            let command = ConversationCommand::Load { id, reply };
            cx.commands.push(Command::Conversation(command));
        }
    }

    /// Runs that go elsewhere have more to tell; those that were not in the history yet may be now.
    fn load_runs_again(&self, with_missing: bool, cx: &mut Cx<'_>) {
        let turns = self.conversation.panes.iter().flat_map(|p| &p.turns);
        for id in turns.flat_map(|turn| &turn.runs) {
            let missing = with_missing && cx.state.missing_runs.contains(id);
            if missing || cx.state.is_live_elsewhere(*id) {
                cx.commands.push(Command::Run(RunCommand::Load(*id)));
            }
        }
    }

    /// Takes in the conversation as it was read again.
    fn follow_to(&mut self, theirs: Option<Box<Conversation>>, cx: &mut Cx<'_>) {
        if self.seen.saved {
            return self.read_again(cx);
        }
        let Some(theirs) = theirs else {
            let text = "Another window deleted this conversation: what you ask next brings it back";
            return cx.actions.push(Action::Tell(text.to_owned()));
        };
        if let Some(merged) = merge::merge(&self.base, &self.conversation, Some(&theirs)) {
            self.keep_places(&merged.panes);
            self.conversation = merged;
        }
        self.base = (*theirs).into();
        if self.conversation.panes.is_empty() {
            super::edits::add_pane(&mut self.conversation, None);
        }
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
