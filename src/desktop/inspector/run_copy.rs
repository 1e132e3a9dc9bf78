//! Copies a run as JSON, or what it asked as a shell command, once the engine has written it.

use std::task::Poll;

use crate::{
    desktop::view::{Action, Cx},
    engine::{Asked, Command, ComputeCommand, ask},
    run::Run,
    snippet::Language,
};

/// The text that is being written, and what is told once it is copied.
#[derive(Debug, Default)]
pub struct RunCopy(Option<(Asked<String>, &'static str)>);

impl RunCopy {
    /// Has what a run of the history asked written as a shell command.
    pub fn ask_for_curl(&mut self, cx: &mut Cx<'_>, run: &Run) {
        let id = &run.head.target.endpoint;
        let Some(endpoint) = cx.state.settings.endpoint(id) else {
            let why = format!("Not copied: no endpoint is named “{id}” any more");
            cx.actions.push(Action::Tell(why));
            return;
        };
        let (reply, text) = ask();
        cx.commands.push(Command::Compute(ComputeCommand::Snippet {
            language: Language::Curl,
            endpoint: Box::new(endpoint.clone()),
            request: run.head.request.clone(),
            reply,
        }));
        self.0 = Some((text, "Copied as cURL; the key is a variable in it"));
    }

    /// Has a run written as JSON.
    pub fn ask_for_json(&mut self, cx: &mut Cx<'_>, run: &Run) {
        let (reply, text) = ask();
        let run = Box::new(run.clone());
        let command = ComputeCommand::RunJson { run, reply };
        cx.commands.push(Command::Compute(command));
        self.0 = Some((text, "Copied the run as JSON"));
    }

    /// Copies the text once it is there.
    pub fn logic(&mut self, cx: &mut Cx<'_>) {
        let Some((text, said)) = &mut self.0 else {
            return;
        };
        cx.actions.push(match text.poll() {
            Poll::Pending => return,
            Poll::Ready(Some(text)) => Action::Copy {
                text,
                said: (*said).to_owned(),
            },
            Poll::Ready(None) => {
                Action::Tell("Not copied: a defect in Tokenscope kept it from being written".into())
            }
        });
        self.0 = None;
    }
}
