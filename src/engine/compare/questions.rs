//! Answers about comparisons of the history.

use std::{fmt::Display, future::Future, path::Path, sync::Arc};

use super::{CompareCommand, CompareTask, Reply, TaskContext};
use crate::{
    clock::wall_clock_ns,
    compare::{
        CompareForecast, ComparePlan, CompareState, ComparisonId, PairMark, SavedComparison,
        forecast,
    },
    engine::reports,
    history::History,
    report,
};

impl CompareTask {
    /// Answers a question in the background; the work on it ends when the asker gives up.
    pub(super) fn answer(&self, question: CompareCommand) {
        let question = match question {
            CompareCommand::Forecast { plan, reply } => return self.forecast(*plan, reply),
            other => other,
        };
        let Some(history) = self.context.history.clone() else {
            return;
        };
        match question {
            CompareCommand::List(reply) => {
                self.reply(reply, async move { in_words(history.comparisons().await) });
            }
            CompareCommand::Open { id, reply } => {
                self.reply(reply, async move {
                    Ok(opened(&history, id).await?.map(Box::new))
                });
            }
            CompareCommand::Mark {
                id,
                round,
                arm,
                mark,
                reply,
            } => {
                let running = self.running.as_ref().filter(|running| running.id == id);
                let live = running.map(|running| running.marks.clone());
                self.reply(reply, async move {
                    history.put_mark(id, round, arm, mark);
                    let marks = in_words(history.marks(id).await)?;
                    if let Some(live) = live {
                        live.send_replace(Arc::new(marks.clone()));
                    }
                    Ok::<Vec<PairMark>, String>(marks)
                });
            }
            CompareCommand::Delete { id, reply } => {
                let is_running = (self.running.as_ref()).is_some_and(|running| running.id == id);
                self.reply(reply, async move {
                    if is_running {
                        return Err("it runs: stop it first".to_owned());
                    }
                    let saved = in_words(history.comparison(id).await)?;
                    let is_elsewhere = |it: &SavedComparison| it.is_running_elsewhere;
                    if saved.as_ref().is_some_and(is_elsewhere) {
                        return Err("another process runs it".to_owned());
                    }
                    history.delete_comparison(id);
                    history.flush().await;
                    Ok(saved.is_some())
                });
            }
            CompareCommand::Report { id, to, reply } => {
                self.reply(reply, async move { written(&history, id, &to).await });
            }
            // Taken before.
            CompareCommand::Start(_)
            | CompareCommand::Resume(_)
            | CompareCommand::Stop
            | CompareCommand::Forecast { .. } => {}
        }
    }

    /// Says what a plan would cost at most. It looks at each prompt, of which there may be many.
    fn forecast(&self, plan: ComparePlan, reply: Reply<CompareForecast>) {
        let TaskContext { settings, out, .. } = self.context.clone();
        tokio::task::spawn_blocking(move || {
            reply.send_with(|| {
                let endpoint = |id: &str| settings.endpoint_or_preset(id);
                forecast(&plan, endpoint, &settings.prices, wall_clock_ns())
            });
            out.wake();
        });
    }

    fn reply<T: Send + 'static>(
        &self,
        reply: Reply<T>,
        answer: impl Future<Output = T> + Send + 'static,
    ) {
        let out = self.context.out.clone();
        tokio::spawn(async move {
            if let Some(answer) = reply.unless_given_up(answer).await {
                reply.send(answer);
                out.wake();
            }
        });
    }
}

/// A comparison of the history, with what its pairs say; `None` if there is none of this key.
async fn opened(history: &History, id: ComparisonId) -> Result<Option<CompareState>, String> {
    let Some(saved) = in_words(history.comparison(id).await)? else {
        return Ok(None);
    };
    let opened = tokio::task::spawn_blocking(move || CompareState::of_saved(saved));
    in_words(opened.await).map(Some)
}

async fn written(history: &History, id: ComparisonId, to: &Path) -> Result<(), String> {
    let Some(state) = opened(history, id).await? else {
        return Err("there is no such comparison".into());
    };
    reports::write_report(to, move || report::comparison_html(&state)).await
}

fn in_words<T, E: Display>(answer: Result<T, E>) -> Result<T, String> {
    answer.map_err(|why| why.to_string())
}
