//! Merges what other windows change in the conversation that is shown here.

use super::Playground;
use crate::{
    conversation::{Conversation, ConversationId, Pane, merge},
    desktop::view::{Action, Cx},
    engine::{Asked, Command, ConversationCommand, RunCommand, ask},
    history::OtherProcesses,
};

/// Which changes of other windows were seen already.
#[derive(Debug, Default)]
pub struct Seen {
    /// The conversation that the engine was told is shown.
    shown: ConversationId,
    elsewhere: OtherProcesses,
    /// A pending request for the conversation as it is stored now.
    reading: Asked<Option<Box<Conversation>>>,
    /// Whether something was saved since that request.
    saved: bool,
}

impl Seen {
    /// Records that something was saved, which the answer to a pending request may lack.
    pub(super) fn saved(&mut self) {
        self.saved = true;
    }

    /// Drops a pending request, for when another conversation is shown.
    pub(super) fn leave(&mut self) {
        self.reading = Asked::default();
    }
}

impl Playground {
    /// Reads again what other windows have changed.
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

    /// Loads again the runs that are live in other windows and, if asked to, those that were missing in the history.
    fn load_runs_again(&self, with_missing: bool, cx: &mut Cx<'_>) {
        let turns = self.conversation.panes.iter().flat_map(|p| &p.turns);
        for id in turns.flat_map(|turn| &turn.runs) {
            let missing = with_missing && cx.state.missing_runs.contains(id);
            if missing || cx.state.is_live_elsewhere(*id) {
                cx.commands.push(Command::Run(RunCommand::Load(*id)));
            }
        }
    }

    /// Merges the conversation as it is stored now.
    fn follow_to(&mut self, theirs: Option<Box<Conversation>>, cx: &mut Cx<'_>) {
        if self.seen.saved {
            return self.read_again(cx);
        }
        let Some(theirs) = theirs else {
            let text = "Another window deleted this conversation: your next prompt saves it again";
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

    /// Keeps what is edited here with its turn; if that turn is gone, the edit moves to the end.
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
