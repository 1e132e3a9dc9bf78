//! Carries out each [`Intent`]: changes the conversation and sends the commands that follow.

use std::sync::Arc;

use super::{
    Playground, PlaygroundVerb, edits,
    export::ExportOf,
    intent::{Change, ConversationIntent, EditIntent, Intent, RunIntent, Show},
    pane::PaneView,
    sheet::Sheets,
};
use crate::{
    conversation::{Conversation, ConversationId, Turn},
    conversation_file::pane_markdown,
    desktop::view::{Action, Cx},
    endpoint::TargetId,
    engine::{Command, ConversationCommand},
    run::RunId,
};

impl Playground {
    /// Shows another conversation. The caller has set `base` to what is stored of it.
    pub(super) fn show(&mut self, conversation: Conversation) {
        self.conversation = conversation;
        if self.conversation.panes.is_empty() {
            edits::add_pane(&mut self.conversation, None);
        }
        self.pristine = false;
        self.seen.leave();
        self.changed_at = None;
        self.undo.clear();
        self.left_out.clear();
        self.large = None;
        self.sheets = Sheets::default();
        self.panes.clear();
        self.answers.clear();
        self.waiting.clear();
        self.opening_raw = None;
    }

    pub(super) fn do_verb(&mut self, verb: PlaygroundVerb, cx: &mut Cx<'_>) {
        let last_pane = self.conversation.panes.last().map(|p| p.id);
        match verb {
            PlaygroundVerb::Send => self.send_or_resend(),
            PlaygroundVerb::Stop => self.intents.push(Intent::Run(RunIntent::StopAll)),
            PlaygroundVerb::New => self
                .intents
                .push(Intent::Conversation(ConversationIntent::New)),
            PlaygroundVerb::Focus => self.focus_composer = true,
            PlaygroundVerb::AddPane => self.intents.push(Intent::Change(Change::AddPane)),
            PlaygroundVerb::RemovePane => self
                .intents
                .extend(last_pane.map(|id| Intent::Change(Change::Remove(id)))),
            PlaygroundVerb::Retry => self.intents.push(Intent::Run(RunIntent::RetryAll)),
            PlaygroundVerb::Copy => self.copy_last(cx),
            PlaygroundVerb::Reasoning => self.toggle_reasoning(cx),
            PlaygroundVerb::Sessions => self.sessions.open = !self.sessions.open,
            PlaygroundVerb::Clear => self.intents.push(Intent::Change(Change::ClearAll)),
            PlaygroundVerb::Strip => self.strip.open = !self.strip.open,
            PlaygroundVerb::Enlarge => {
                let pane = (self.large).or(self.pointed).or(self.first_asked());
                self.intents
                    .extend(pane.map(|id| Intent::Show(Show::Enlarge(id))));
            }
            PlaygroundVerb::Latest => {
                (self.panes.values_mut()).for_each(|view| view.follow.go_to_end());
            }
            PlaygroundVerb::Find => self.find.open(),
            PlaygroundVerb::FindNext => self.find.step(true),
            PlaygroundVerb::FindPrevious => self.find.step(false),
            PlaygroundVerb::Export => self.want(ExportOf::One(self.conversation.id)),
            PlaygroundVerb::ExportAnswers => self.want(ExportOf::LastTurn(self.conversation.id)),
            PlaygroundVerb::ExportAll => self.want(ExportOf::All),
            PlaygroundVerb::Import => self
                .intents
                .push(Intent::Conversation(ConversationIntent::Import)),
            PlaygroundVerb::Undo => self.intents.push(Intent::Change(Change::Undo)),
        }
    }

    fn want(&mut self, export: ExportOf) {
        let intent = ConversationIntent::Export(export);
        self.intents.push(Intent::Conversation(intent));
    }

    /// Ctrl+Enter sends the raw body or prompt that is being edited, if any, else the composer's text.
    fn send_or_resend(&mut self) {
        if let Some(raw) = &self.raw {
            let send = raw.send();
            if send.is_some() {
                self.raw = None;
            }
            return self.intents.extend(send);
        }
        let edited = self
            .panes
            .iter()
            .find_map(|(id, view)| Some((*id, view.editing.as_ref()?)))
            .filter(|_| self.edit_focused);
        self.intents.push(match edited {
            Some((pane, (turn, draft))) => {
                Intent::Run(RunIntent::Resend(pane, *turn, draft.clone(), false))
            }
            None => Intent::Run(RunIntent::Send),
        });
    }

    /// Gives a target that another view named a pane, unless it has one: a pane without a target, or a new one.
    pub(super) fn ask_target(&mut self, target: &TargetId) {
        let has = self
            .conversation
            .panes
            .iter()
            .any(|p| p.target.as_ref() == Some(target));
        let free = self
            .conversation
            .panes
            .iter()
            .find(|p| p.target.is_none())
            .map(|p| p.id);
        if let Some(id) = free.filter(|_| !has) {
            self.intents
                .push(Intent::Change(Change::Target(id, target.clone())));
        } else if !has && edits::add_pane(&mut self.conversation, Some(target.clone())).is_some() {
            self.changed = true;
        }
        self.focus_composer = true;
    }

    fn copy_last(&self, cx: &mut Cx<'_>) {
        let panes = &self.conversation.panes;
        let pane = panes.iter().find(|p| self.is_asked(p.id)).or(panes.first());
        let run = pane.and_then(|p| Self::run_of(p, p.turns.len().checked_sub(1)?, &cx.state.runs));
        let text = run.map(|run| run.answer.text.clone());
        cx.actions.push(match text.filter(|text| !text.is_empty()) {
            Some(text) => Action::Copy {
                text,
                said: "Copied the answer".to_owned(),
            },
            None => Action::Tell("There is no answer to copy yet".to_owned()),
        });
    }

    fn toggle_reasoning(&mut self, cx: &Cx<'_>) {
        let turns = self.conversation.panes.iter().flat_map(|p| &p.turns);
        let ids: Vec<RunId> = turns
            .filter_map(Turn::run)
            .filter(|id| cx.state.runs.contains_key(id))
            .collect();
        let open = ids
            .iter()
            .any(|id| self.answers.get(id).is_none_or(|a| !a.reasoning_open));
        for id in ids {
            self.answers.entry(id).or_default().reasoning_open = open;
        }
    }

    /// Carries out all intents.
    pub(super) fn act_all(&mut self, cx: &mut Cx<'_>) {
        for intent in std::mem::take(&mut self.intents) {
            self.do_intent(intent, cx);
            self.undo.finish(&self.conversation.panes);
        }
    }

    fn do_intent(&mut self, intent: Intent, cx: &mut Cx<'_>) {
        let Some(intent) = self.unless_checking(intent) else {
            return;
        };
        match intent {
            Intent::Run(intent) => self.do_run(intent, cx),
            Intent::Edit(intent) => self.do_edit(intent, cx),
            Intent::Change(change) => {
                self.keep_unchecked();
                self.change(change);
            }
            Intent::Conversation(intent) => self.do_conversation(&intent, cx),
            Intent::Show(Show::Copy(id)) => {
                let pane = self.conversation.panes.iter().find(|p| p.id == id);
                let copied = pane.map(|pane| Action::Copy {
                    text: pane_markdown(pane, &cx.state.runs),
                    said: "Copied the pane as Markdown".to_owned(),
                });
                cx.actions.extend(copied);
            }
            Intent::Show(Show::CopyAs(run, language)) => self.copy_as(run, language, cx),
            Intent::Show(Show::Enlarge(id)) => {
                self.large =
                    (self.large != Some(id) && self.conversation.panes.len() > 1).then_some(id);
            }
        }
    }

    fn do_edit(&mut self, intent: EditIntent, cx: &mut Cx<'_>) {
        match intent {
            EditIntent::Begin(pane, turn) if self.is_raw(pane, turn) => {
                self.edit_raw(pane, Some(turn), cx);
            }
            EditIntent::Begin(pane, turn) => self.edit(pane, turn),
            EditIntent::End(pane) => self.view(pane).editing = None,
            EditIntent::Results(pane, run, typed) => self.keep_results(pane, run, typed),
            EditIntent::Raw(pane, turn) => self.edit_raw(pane, turn, cx),
        }
    }

    fn do_conversation(&mut self, intent: &ConversationIntent, cx: &mut Cx<'_>) {
        self.keep_unchecked();
        match intent {
            ConversationIntent::New => {
                let next = edits::next_conversation(&self.conversation);
                self.leave_for(next, cx);
                self.focus_composer = true;
            }
            ConversationIntent::Fork(pane, turn) => {
                let fork = edits::fork_conversation(&self.conversation, *pane, turn + 1);
                if let Some(fork) = fork {
                    self.leave_for(fork, cx);
                    self.save_now(cx);
                    self.sessions.list(cx.commands);
                }
            }
            ConversationIntent::Open(id) => {
                let words = self.sessions.searched_for();
                if !words.is_empty() {
                    self.find.look_for(words);
                }
                self.open(*id, cx);
            }
            ConversationIntent::Delete(id) => self.delete(*id, cx),
            ConversationIntent::Export(of) => self.ask_to_export(*of, cx),
            ConversationIntent::Import => self.ask_to_import(None),
        }
    }

    /// Changes panes and turns; some of the changes can be undone.
    fn change(&mut self, change: Change) {
        self.changed = true;
        let conversation = &mut self.conversation;
        let mut note = |what, conversation: &Conversation| {
            self.undo.note(what, &conversation.panes);
        };
        match change {
            Change::AddPane => {
                let target = conversation.panes.last().and_then(|p| p.target.clone());
                edits::add_pane(conversation, target);
            }
            Change::Duplicate(id) => drop(edits::fork_pane(conversation, id, usize::MAX)),
            Change::ForkPane(id, turn) => drop(edits::fork_pane(conversation, id, turn + 1)),
            // The last pane stays.
            Change::Remove(_) if conversation.panes.len() < 2 => {}
            Change::Remove(id) => {
                note("remove a pane", conversation);
                conversation.panes.retain(|p| p.id != id);
                // At least one of the remaining panes must be asked.
                self.left_out.remove(&id);
                let mut left = conversation.panes.iter();
                if left.all(|p| self.left_out.contains(&p.id)) {
                    self.left_out.clear();
                }
            }
            Change::Move(id, by) => edits::move_pane(conversation, id, by),
            Change::Place(id, at) => edits::place_pane(conversation, id, at),
            Change::Clear(id) => {
                note("clear a pane", conversation);
                if let Some(pane) = edits::pane_mut(conversation, id) {
                    pane.turns.clear();
                }
            }
            Change::ClearAll => {
                note("clear all panes", conversation);
                let panes = conversation.panes.iter_mut();
                panes.for_each(|pane| pane.turns.clear());
            }
            Change::Target(id, target) => {
                if let Some(pane) = edits::pane_mut(conversation, id) {
                    pane.target = Some(target);
                }
            }
            Change::EmptyTargets(targets) => {
                let empty = conversation.panes.iter_mut();
                let empty = empty.filter(|pane| pane.turns.is_empty());
                for (pane, target) in empty.zip(targets.iter().cycle()) {
                    pane.target = Some(target.clone());
                }
            }
            Change::Attempt(id, turn, run) => {
                let pane = edits::pane_mut(conversation, id);
                if let Some(turn) = pane.and_then(|p| p.turns.get_mut(turn)) {
                    turn.shown = run;
                }
            }
            Change::DeleteTurn(id, turn) => {
                note("delete a turn", conversation);
                if let Some(pane) = edits::pane_mut(conversation, id)
                    && turn < pane.turns.len()
                {
                    pane.turns.remove(turn);
                }
            }
            Change::Undo => self.undo.undo(&mut conversation.panes),
        }
    }

    pub(super) fn view(&mut self, pane: u32) -> &mut PaneView {
        self.panes.entry(pane).or_default()
    }

    fn keep_results(&mut self, pane: u32, run: RunId, typed: Vec<String>) {
        let pane = edits::pane_mut(&mut self.conversation, pane);
        if let Some(turn) = pane.and_then(|pane| pane.turns.last_mut()) {
            turn.results.insert(run, typed);
            self.changed = true;
        }
    }

    fn edit(&mut self, pane: u32, turn: usize) {
        let asked = self
            .conversation
            .panes
            .iter()
            .find(|p| p.id == pane)
            .and_then(|p| p.turns.get(turn));
        let draft = asked.map(|turn| edits::draft_of(&turn.user));
        // Only one prompt is edited at a time, so that it is clear what Ctrl+Enter sends.
        self.panes.values_mut().for_each(|view| view.editing = None);
        self.view(pane).editing = draft.map(|draft| (turn, draft));
        self.focus_edit = true;
    }

    /// Saves this conversation, if it has unsaved changes, and shows another.
    fn leave_for(&mut self, next: Conversation, cx: &mut Cx<'_>) {
        if self.keep_changes(cx) {
            self.sessions.list(cx.commands);
        }
        self.give_up_opening();
        self.base = Arc::default();
        self.show(next);
    }

    pub(super) fn open(&mut self, id: ConversationId, cx: &mut Cx<'_>) {
        self.keep_changes(cx);
        self.pristine = false;
        self.load(id, cx);
    }

    fn delete(&mut self, id: ConversationId, cx: &mut Cx<'_>) {
        if id == self.conversation.id {
            self.changed = false;
            self.changed_at = None;
            let next = edits::next_conversation(&self.conversation);
            self.base = Arc::default();
            self.show(next);
        }
        cx.commands
            .push(Command::Conversation(ConversationCommand::Delete(id)));
        self.sessions.list(cx.commands);
    }
}
