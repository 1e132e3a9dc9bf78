//! A conversation of a file as one of a history: its answers become runs whose origin is an import, so that they count in
//! no figure of their target.

use std::sync::Arc;

use super::{
    ArchivedConversation, ArchivedMeasurement, ArchivedPane, ArchivedRun, ArchivedSettings,
    ArchivedTurn,
};
use crate::{
    chat::{ChatRequest, Message},
    conversation::{Conversation, ConversationId, MAX_PANES, Pane, Turn, TurnId},
    run::{OffsetNs, Origin, Run, RunHead, RunId, RunState, Span, Stamps},
};

/// The longest that a run can have taken, in nanoseconds: a year. A file that says more is wrong.
const LONGEST_NS: OffsetNs = 366 * 86_400 * 1_000_000_000;

impl ArchivedConversation {
    /// What keeps it from being imported: the place in it, as in `panes[0].turns[2]`, and what is wrong there.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.panes.len() > MAX_PANES {
            let count = self.panes.len();
            return Some(format!(
                ".panes: there are {count}, and a conversation has at most {MAX_PANES}"
            ));
        }
        for (p, pane) in self.panes.iter().enumerate() {
            for (t, turn) in pane.turns.iter().enumerate() {
                for (a, run) in turn.answers.iter().enumerate() {
                    let problem = run.measured.as_ref().and_then(|m| m.problem());
                    if let Some(problem) = problem {
                        return Some(format!(".panes[{p}].turns[{t}].answers[{a}]{problem}"));
                    }
                }
            }
        }
        None
    }

    /// The conversation and the runs of its answers, all under new keys.
    #[must_use]
    pub fn restored(&self) -> (Conversation, Vec<Run>) {
        let mut runs = Vec::new();
        let mut panes = Vec::new();
        for (pane, id) in self.panes.iter().zip(1..) {
            panes.push(Pane {
                id,
                target: pane.target.clone(),
                system: pane.system.clone(),
                params: pane.params.clone(),
                tools: pane.tools.clone(),
                cold: pane.cold,
                turns: restored_turns(pane, &mut runs),
            });
        }
        let conversation = Conversation {
            id: ConversationId(RunId::new().0),
            title: self.title.clone(),
            panes,
            updated_unix_ns: self.updated_unix_ns,
            ..Conversation::default()
        };
        (conversation, runs)
    }
}

fn restored_turns(pane: &ArchivedPane, runs: &mut Vec<Run>) -> Vec<Turn> {
    let mut last = None;
    let mut turns = Vec::new();
    for turn in &pane.turns {
        let id = TurnId::after(last);
        last = Some(id);
        let before = runs.len();
        runs.extend(turn.answers.iter().map(|run| run.restored(turn, pane)));
        turns.push(Turn {
            id,
            user: turn.user.clone(),
            raw_body: turn.raw_body.clone(),
            runs: runs[before..].iter().map(|run| run.head.id).collect(),
            shown: turn.shown.min(turn.answers.len().saturating_sub(1)),
            ..Turn::default()
        });
    }
    turns
}

impl ArchivedRun {
    /// The run. Its request has its own question only: what came before stands in the turns before.
    fn restored(&self, turn: &ArchivedTurn, pane: &ArchivedPane) -> Run {
        let settings = match &self.asked {
            Some(asked) => ArchivedSettings::clone(asked),
            None => ArchivedSettings {
                system: pane.system.clone(),
                params: pane.params.clone(),
                tools: pane.tools.clone(),
            },
        };
        let request = ChatRequest {
            model: self.target.model.clone(),
            system: Some(settings.system).filter(|system| !system.is_empty()),
            messages: vec![Message::asked(turn.user.clone())],
            params: settings.params,
            tools: settings.tools,
            raw_body: turn.raw_body.clone(),
        };
        let answer = self.answer.clone().into_answer();
        let measured = self.measured.as_deref().cloned().unwrap_or_default();
        Run {
            head: RunHead {
                id: RunId::new(),
                target: self.target.clone(),
                dialect: self.dialect,
                route: self.route.clone(),
                url: String::new(),
                simulated: self.simulated,
                origin: Origin::Import,
                attempt: self.attempt,
                request: Arc::new(request),
            },
            state: if answer.fault.is_some() {
                RunState::Fault
            } else {
                RunState::Ok
            },
            connection: measured.connection,
            status: measured.status,
            http_version: measured.http_version,
            stamps: Stamps {
                started_unix_ns: self.started_unix_ns,
                link: None,
                ..measured.stamps
            },
            reads: measured.reads,
            answer,
        }
    }
}

impl ArchivedMeasurement {
    /// The place of a time that no run can have, and why.
    fn problem(&self) -> Option<&'static str> {
        let Stamps {
            scheduled_before,
            dns,
            tcp,
            tls,
            request_sent,
            headers,
            first_byte,
            first_event,
            first_token,
            first_visible,
            last_token,
            closed,
            ..
        } = &self.stamps;
        let spans = [dns, tcp, tls].into_iter().flatten();
        let ends = spans.flat_map(|Span { begin, end }| [*begin, *end]);
        let stamps = [
            request_sent,
            headers,
            first_byte,
            first_event,
            first_token,
            first_visible,
            last_token,
            closed,
        ];
        let mut all =
            (ends.chain(stamps.into_iter().flatten().copied())).chain([*scheduled_before]);
        if all.any(|at| at > LONGEST_NS) {
            return Some(".measured.stamps: a time of more than a year");
        }
        let mut reads = self.reads.iter();
        (reads.any(|read| read.at > LONGEST_NS))
            .then_some(".measured.reads: a time of more than a year")
    }
}
