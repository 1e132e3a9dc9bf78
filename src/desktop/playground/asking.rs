//! Starts and stops runs: carries out each [`RunIntent`].

use super::{Playground, edits, intent::RunIntent};
use crate::{
    chat::Part,
    conversation::{Draft, Pane, Turn, title_of},
    desktop::view::{Action, Cx},
    engine::{Command, RunCommand, SendRun},
    run::RunId,
};

impl Playground {
    pub(super) fn do_run(&mut self, intent: RunIntent, cx: &mut Cx<'_>) {
        match intent {
            RunIntent::Send => self.send(cx),
            RunIntent::StopAll => {
                self.waiting.clear();
                let runs = RunCommand::Cancel(self.own_runs(cx));
                cx.commands.push(Command::Run(runs));
            }
            RunIntent::Stop(pane) => self.stop(pane, cx),
            RunIntent::Retry(pane, turn) => self.retry(&[(pane, turn)], cx),
            RunIntent::RetryAll => self.ask_again(false, cx),
            RunIntent::Resend(pane, turn, draft, all) => self.resend(pane, turn, &draft, all, cx),
            RunIntent::Continue(pane, results) => self.go_on(pane, results, cx),
            RunIntent::SendRaw(pane, turn, body) => self.send_raw(pane, turn, body, cx),
        }
    }

    fn send(&mut self, cx: &mut Cx<'_>) {
        if let Some(why) = self.held(cx) {
            return cx.actions.push(Action::Tell(why));
        }
        let parts = edits::parts_of(&self.conversation.draft);
        if parts.is_empty() {
            return self.ask_again(true, cx);
        }
        if self.conversation.title.is_empty() {
            self.conversation.title = title_of(&parts);
        }
        let mut runs = Vec::new();
        self.reveal = self.first_asked();
        for pane in &mut self.conversation.panes {
            if !self.left_out.contains(&pane.id) {
                runs.extend(edits::ask_next(pane, parts.clone(), &cx.state.runs));
                self.panes.entry(pane.id).or_default().follow.go_to_end();
            }
        }
        self.conversation.draft = Draft::default();
        self.start(runs, cx);
        self.sessions.list(cx.commands);
    }

    /// Asks the last question again, in all panes or, if `chosen`, in those that the composer sends to.
    fn ask_again(&mut self, chosen: bool, cx: &mut Cx<'_>) {
        let panes = self.conversation.panes.iter();
        let panes = panes.filter(|pane| !chosen || self.is_asked(pane.id));
        let last = |pane: &Pane| Some((pane.id, pane.turns.len().checked_sub(1)?));
        let turns: Vec<_> = panes.filter_map(last).collect();
        self.retry(&turns, cx);
    }

    /// Sends the results of the last answer's calls, in this pane only.
    fn go_on(&mut self, pane: u32, results: Vec<Part>, cx: &mut Cx<'_>) {
        if self.has_problem(pane, cx) {
            return;
        }
        let next = edits::pane_mut(&mut self.conversation, pane);
        let run = next.and_then(|pane| edits::ask_next(pane, results, &cx.state.runs));
        self.view(pane).follow.go_to_end();
        self.start(run.into_iter().collect(), cx);
    }

    /// Starts runs. The conversation that contains them is saved first, so that none is lost.
    pub(super) fn start(&mut self, runs: Vec<SendRun>, cx: &mut Cx<'_>) {
        self.save_now(cx);
        // Runs that have ended since then change the targets' standard deviations.
        self.recents.outdate();
        for run in runs {
            self.just_sent.push(run.id);
            cx.commands.push(Command::Run(RunCommand::Send(run)));
        }
    }

    fn stop(&self, pane: u32, cx: &mut Cx<'_>) {
        let live = self.own_runs(cx);
        let pane = self.conversation.panes.iter().find(|p| p.id == pane);
        let runs = pane
            .into_iter()
            .flat_map(|p| &p.turns)
            .flat_map(|t| &t.runs);
        cx.commands.push(Command::Run(RunCommand::Cancel(
            runs.copied().filter(|id| live.contains(id)).collect(),
        )));
    }

    fn retry(&mut self, turns: &[(u32, usize)], cx: &mut Cx<'_>) {
        let mut runs = Vec::new();
        let live = self.live_runs(cx);
        for (id, turn) in turns {
            if self.has_problem(*id, cx) {
                continue;
            }
            let Some(pane) = edits::pane_mut(&mut self.conversation, *id) else {
                continue;
            };
            let busy = pane
                .turns
                .get(*turn)
                .and_then(Turn::run)
                .is_some_and(|run| live.contains(&run));
            if !busy {
                let is_last = turn + 1 == pane.turns.len();
                if is_last {
                    self.panes.entry(*id).or_default().follow.go_to_end();
                }
                runs.extend(edits::ask(pane, *turn, &cx.state.runs));
            }
        }
        self.start(runs, cx);
    }

    fn resend(&mut self, pane: u32, turn: usize, draft: &Draft, all: bool, cx: &mut Cx<'_>) {
        let parts = edits::parts_of(draft);
        if parts.is_empty() {
            return;
        }
        let ids = if all {
            edits::panes_asking_the_same(&self.conversation, pane, turn)
        } else {
            vec![pane]
        };
        if ids.iter().any(|id| self.has_problem(*id, cx)) {
            return;
        }
        let later: Vec<RunId> = (self.conversation.panes.iter())
            .filter(|p| ids.contains(&p.id))
            .flat_map(|p| p.turns.iter().skip(turn))
            .flat_map(|t| t.runs.iter().copied())
            .collect();
        let live = self.own_runs(cx);
        cx.commands.push(Command::Run(RunCommand::Cancel(
            later.into_iter().filter(|id| live.contains(id)).collect(),
        )));
        self.undo.note("edit a prompt", &self.conversation.panes);
        let mut runs = Vec::new();
        for id in ids {
            if let Some(pane) = edits::pane_mut(&mut self.conversation, id) {
                pane.turns.truncate(turn);
                runs.extend(edits::ask_next(pane, parts.clone(), &cx.state.runs));
            }
            self.view(id).follow.go_to_end();
        }
        self.view(pane).editing = None;
        self.start(runs, cx);
    }
}
