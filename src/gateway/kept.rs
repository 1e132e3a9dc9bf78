//! What the history keeps of a request: all of it, or its figures without its contents.

use std::sync::Arc;

use crate::{
    chat::ChatRequest,
    event::Answer,
    history::History,
    run::{Run, RunHead, RunId, RunUpdate},
    settings::gateway::KeptContents,
};

/// Keeps the runs of the gateway's requests.
#[derive(Clone, Debug, Default)]
pub(super) struct RunKeeper {
    pub history: Option<History>,
    pub contents: KeptContents,
}

impl RunKeeper {
    /// A run begins.
    pub(super) fn begin(&self, head: &RunHead) {
        if let Some(history) = &self.history {
            let head = match self.contents {
                KeptContents::All => head.clone(),
                KeptContents::Errors | KeptContents::None => head_without_contents(head),
            };
            history.begin(&Run::new(head));
        }
    }

    /// What takes the updates of a run.
    pub(super) fn taker(&self, id: RunId) -> impl FnMut(RunUpdate) + Send + 'static {
        let contents = self.contents;
        let history = self.history.clone();
        move |update| {
            let is_taken = match contents {
                KeptContents::All => true,
                // Whether it fails is known at its end; until then its wire is in memory only.
                KeptContents::Errors => matches!(update, RunUpdate::Wire(_)),
                KeptContents::None => false,
            };
            if let Some(history) = history.as_ref().filter(|_| is_taken) {
                history.record(id, update);
            }
        }
    }

    /// A run is over.
    pub(super) fn finish(&self, run: &Arc<Run>) {
        let Some(history) = &self.history else {
            return;
        };
        let keeps_it = match self.contents {
            KeptContents::All => true,
            KeptContents::Errors => run.answer.fault.is_some(),
            KeptContents::None => false,
        };
        if keeps_it {
            history.finish(Arc::clone(run));
        } else {
            history.forget_wire(run.head.id);
            history.finish(without_contents(Run::clone(run)));
        }
    }
}

/// The run without what was asked and answered.
fn without_contents(mut run: Run) -> Run {
    run.head = head_without_contents(&run.head);
    let answer = std::mem::take(&mut run.answer);
    run.answer = Answer {
        usage: answer.usage,
        finish: answer.finish,
        fault: answer.fault,
        response_id: answer.response_id,
        model: answer.model,
        done: answer.done,
        keep_alives: answer.keep_alives,
        timings: answer.timings,
        ..Answer::default()
    };
    run
}

fn head_without_contents(head: &RunHead) -> RunHead {
    RunHead {
        request: Arc::new(ChatRequest {
            model: head.request.model.clone(),
            ..ChatRequest::default()
        }),
        ..head.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dialect::DialectId,
        endpoint::Endpoint,
        event::{Event, Usage},
        run::Origin,
    };

    #[test]
    fn without_contents_the_figures_stay() {
        let url = "http://127.0.0.1:1/v1".parse().unwrap();
        let endpoint = Endpoint::custom("e", url, DialectId::OpenaiChat);
        let request = ChatRequest::of_text("m", "a secret question");
        let head = RunHead::new(RunId::new(), &endpoint, Arc::new(request), Origin::Gateway);
        let mut run = Run::new(head);
        for event in [
            Event::Text {
                text: "a secret answer".into(),
            },
            Event::Reasoning {
                text: "a secret thought".into(),
            },
            Event::Unknown {
                kind: "x".into(),
                raw: "secret".into(),
            },
            Event::Usage(Usage {
                input: Some(3),
                ..Usage::default()
            }),
        ] {
            run.answer.apply(&event);
        }
        run.stamps.first_token = Some(7);
        let kept = without_contents(run);
        let written = serde_json::to_string(&kept).unwrap();
        assert!(!written.contains("secret"), "{written}");
        assert_eq!(kept.stamps.first_token, Some(7));
        assert_eq!(kept.answer.usage.unwrap().input, Some(3));
        assert_eq!(kept.head.request.model, "m");
    }
}
