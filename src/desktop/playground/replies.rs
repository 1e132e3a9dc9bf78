//! What the engine says of requests: whether settings can be sent, a request as a program, a body to edit.
//!
//! In: its replies. Out: what was clicked before they were there: a run is sent, a text copied, a dialog opened.

use std::task::Poll;

use super::{
    Playground,
    intent::{EditIntent, Intent, RunIntent},
};
use crate::{
    desktop::view::{Action, Cx},
    engine::{Asked, Command, ComputeCommand, ask},
    run::RunId,
    snippet::Language,
};

/// A program that was asked for, to be copied as soon as it comes.
#[derive(Debug)]
pub struct AskedProgram {
    language: Language,
    text: Asked<String>,
}

impl Playground {
    /// Takes in what the engine said, and does what waited for it.
    pub(super) fn take_replies(&mut self, cx: &mut Cx<'_>) {
        for pane in &mut self.conversation.panes {
            let params = &mut self.panes.entry(pane.id).or_default().params;
            self.changed |= params.take_in(pane, cx.commands);
        }
        if !self.is_checking() {
            self.intents.append(&mut self.waiting);
        }
        self.take_program(cx);
        self.take_body(cx);
        self.act_all(cx);
    }

    /// Whether the settings of a pane are still being checked.
    fn is_checking(&self) -> bool {
        let mut views =
            (self.conversation.panes.iter()).filter_map(|pane| self.panes.get(&pane.id));
        views.any(|view| view.params.is_checking())
    }

    /// Has what is asked with a pane's settings wait while any are being checked; gives what can be done now.
    pub(super) fn unless_checking(&mut self, intent: Intent) -> Option<Intent> {
        let asks = matches!(
            intent,
            Intent::Run(
                RunIntent::Send
                    | RunIntent::Retry(..)
                    | RunIntent::RetryAll
                    | RunIntent::Resend(..)
                    | RunIntent::Continue(..)
            ) | Intent::Edit(EditIntent::Raw(..))
        );
        if !asks || !self.is_checking() {
            return Some(intent);
        }
        // A second click wishes for the same.
        if !self.waiting.contains(&intent) {
            self.waiting.push(intent);
        }
        None
    }

    /// Gives panes what is typed in their settings and not checked yet: it goes where they go, and is checked there.
    pub(super) fn keep_unchecked(&mut self) {
        for pane in &mut self.conversation.panes {
            if let Some(view) = self.panes.get(&pane.id) {
                self.changed |= view.params.keep_unchecked(pane);
            }
        }
    }

    /// Whether a pane's settings can't be sent as they are; says so.
    pub(super) fn has_problem(&self, pane: u32, cx: &mut Cx<'_>) -> bool {
        let view = self.panes.get(&pane);
        let has = view.is_some_and(|view| view.params.has_problem());
        if has {
            let why = "A parameter has an invalid value".to_owned();
            cx.actions.push(Action::Tell(why));
        }
        has
    }

    /// Has what a run asked written as a program, to be copied; no key is in it.
    pub(super) fn copy_as(&mut self, run: RunId, language: Language, cx: &mut Cx<'_>) {
        let Some(run) = cx.state.runs.get(&run) else {
            return;
        };
        let Some(endpoint) = cx.state.settings.endpoint(&run.head.target.endpoint) else {
            return;
        };
        let (reply, text) = ask();
        cx.commands.push(Command::Compute(ComputeCommand::Snippet {
            language,
            endpoint: Box::new(endpoint.clone()),
            request: run.head.request.clone(),
            reply,
        }));
        self.copying = Some(AskedProgram { language, text });
    }

    fn take_program(&mut self, cx: &mut Cx<'_>) {
        let Some(AskedProgram { language, text }) = &mut self.copying else {
            return;
        };
        let label = language.label();
        cx.actions.push(match text.poll() {
            Poll::Pending => return,
            Poll::Ready(Some(text)) => Action::Copy {
                text,
                said: format!("Copied as {label}; the key is a variable in it"),
            },
            Poll::Ready(None) => {
                let why = format!("A defect in Tokenscope kept it from being written as {label}");
                Action::Tell(why)
            }
        });
        self.copying = None;
    }
}
