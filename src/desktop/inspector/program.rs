//! Copies what a run asked as a shell command, once the engine has written it.

use std::task::Poll;

use crate::{
    desktop::view::{Action, Cx},
    engine::{Asked, Command, ComputeCommand, ask},
    run::RunId,
    snippet::Language,
};

/// The command that is being written.
#[derive(Debug, Default)]
pub struct CurlCopy(Option<Asked<String>>);

impl CurlCopy {
    /// Has it written for a run of the history.
    pub fn ask(&mut self, cx: &mut Cx<'_>, run: Option<RunId>) {
        let Some(run) = run.and_then(|run| cx.state.runs.get(&run)) else {
            return;
        };
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
        self.0 = Some(text);
    }

    /// Copies it once it is there.
    pub fn logic(&mut self, cx: &mut Cx<'_>) {
        let Some(text) = &mut self.0 else { return };
        cx.actions.push(match text.poll() {
            Poll::Pending => return,
            Poll::Ready(Some(text)) => Action::Copy {
                text,
                said: "Copied as cURL; the key is a variable in it".to_owned(),
            },
            Poll::Ready(None) => {
                Action::Tell("A defect in Tokenscope kept it from being written as cURL".to_owned())
            }
        });
        self.0 = None;
    }
}
