//! What the engine does with the history: answers about its runs and conversations, exports, news of its storage.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::Core;
use crate::{
    conversation::ConversationId,
    engine::{
        ConversationCommand, ExportStep, HistoryCommand, HistoryNews, Outbox, Steps, Update,
        alerts, conversations,
    },
    history::{ExportFormat, History, RunQuery, Storage},
};

/// How long the history may take to write before the client is informed of the wait.
const QUIET_WRITE: Duration = Duration::from_secs(1);

impl Core {
    /// Reports the state of the history's storage, now and on every change, until the engine stops.
    pub(super) fn report_storage(&self) {
        let Some(history) = &self.history else { return };
        let (mut state, out) = (history.watch_storage(), self.out.clone());
        // Not tracked: it must end with the history, not before.
        tokio::spawn(async move {
            loop {
                if let Some(storage) = state.borrow_and_update().clone() {
                    out.send(Update::History(HistoryNews::Storage(storage)));
                }
                if state.changed().await.is_err() {
                    break;
                }
            }
        });
    }

    pub(super) fn take_history(&self, command: HistoryCommand) {
        let Some(history) = self.history.clone() else {
            return;
        };
        match command {
            HistoryCommand::Runs { query, reply } => {
                self.answer_or_why(reply, async move { history.runs(query).await });
            }
            HistoryCommand::Series { query, reply } => {
                self.answer_or_why(reply, async move { history.ttft_plot(query).await });
            }
            HistoryCommand::Distributions { query, reply } => {
                self.answer_or_why(reply, async move { history.distributions(query).await });
            }
            HistoryCommand::Phases { query, reply } => {
                self.answer_or_why(reply, async move { history.phases(query).await });
            }
            HistoryCommand::TargetFacts { query, reply } => {
                let prices = self.settings.prices.clone();
                self.answer_or_why(
                    reply,
                    async move { history.target_facts(query, prices).await },
                );
            }
            HistoryCommand::Recent { target, reply } => {
                let late_share = self.settings.measuring.late_share;
                self.answer(reply, async move {
                    let recent = history.recent(target, late_share).await;
                    recent.unwrap_or_default()
                });
            }
            HistoryCommand::Conformance {
                since_unix_ns,
                reply,
            } => self.answer_or_why(
                reply,
                async move { history.conformance(since_unix_ns).await },
            ),
            HistoryCommand::Usage(reply) => {
                self.answer_or_why(reply, async move { history.usage().await });
            }
            HistoryCommand::EndedRuns { query, reply } => {
                self.answer_or_why(reply, async move { history.ended_runs(query).await });
            }
            HistoryCommand::Count { deletion, reply } => {
                self.answer_or_why(reply, async move { history.count(deletion).await });
            }
            HistoryCommand::TryAlert {
                rule,
                since_unix_ns,
                reply,
            } => {
                let late_share = self.settings.measuring.late_share;
                self.answer(reply, async move {
                    alerts::tried(&history, *rule, since_unix_ns, late_share).await
                });
            }
            HistoryCommand::Delete { deletion, reply } => {
                self.answer_or_why(reply, async move { history.delete(deletion).await });
            }
            HistoryCommand::Export {
                query,
                format,
                to,
                steps,
            } => self.export(history, (query, format, to), steps),
        }
    }

    pub(super) fn take_conversation(&mut self, command: ConversationCommand) {
        let Some(history) = self.history.clone() else {
            return;
        };
        match command {
            ConversationCommand::Save(change) => history.save_conversation(change),
            ConversationCommand::Delete(id) => history.delete_conversation(id),
            ConversationCommand::List(reply) => self.answer(reply, async move {
                history.conversations().await.unwrap_or_default()
            }),
            ConversationCommand::Search { text, reply } => self.answer(reply, async move {
                history
                    .conversations_holding(text)
                    .await
                    .unwrap_or_default()
            }),
            ConversationCommand::Load { id, reply } => self.answer(reply, async move {
                history.conversation(id).await.ok().flatten().map(Box::new)
            }),
            ConversationCommand::Export {
                only,
                format,
                extent,
                to,
                reply,
            } => {
                let writer = format.writer(extent, self.settings.prices.clone());
                self.answer_or_why(reply, async move {
                    history.export_conversations(only, writer, to).await
                });
            }
            ConversationCommand::Import { path, reply } => {
                self.answer(
                    reply,
                    async move { conversations::import(&history, path).await },
                );
            }
            ConversationCommand::Show(id) => self.show(&history, id),
        }
    }

    /// Notes which conversation the client shows. The first call subscribes the client to changes by other processes.
    fn show(&mut self, history: &History, id: ConversationId) {
        if !std::mem::replace(&mut self.is_subscribed, true) {
            let (mut changes, out) = (history.watch_other_processes(), self.out.clone());
            tokio::spawn(async move {
                while changes.changed().await.is_ok() {
                    let news = HistoryNews::Elsewhere(*changes.borrow_and_update());
                    out.send(Update::History(news));
                }
            });
        }
        history.show_conversation(id);
    }

    fn export(
        &self,
        history: History,
        (query, format, to): (RunQuery, ExportFormat, PathBuf),
        steps: Steps<ExportStep>,
    ) {
        let (out, ending) = (self.out.clone(), self.ending.clone());
        let prices = self.settings.prices.clone();
        self.tasks.spawn(async move {
            let steps = Arc::new(steps);
            let progress = export_progress(Arc::clone(&steps), out.clone());
            let export = history.export(query, format, prices, to, progress);
            let export = steps.unless_given_up(export);
            if let Some(Some(result)) = ending.run_until_cancelled(export).await {
                steps.send(ExportStep::Over(result.map_err(|e| e.to_string())));
                out.wake();
            }
        });
    }
}

/// Waits until everything is on disk. If that takes long, reports why; a user who does not want to wait ends the
/// process.
pub(super) async fn store_all(history: &History, out: &Outbox) {
    let mut state = history.watch_storage();
    let end = history.end();
    let report = async {
        tokio::time::sleep(QUIET_WRITE).await;
        loop {
            let why = match &*state.borrow_and_update() {
                Some(Storage::Failing { why }) => why.clone(),
                _ => "it is being written".to_owned(),
            };
            out.send(Update::History(HistoryNews::Storing(why)));
            if state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let stored = tokio::select! {
        stored = end => stored,
        () = report => Ok(()),
    };
    if let Err(unstored) = stored {
        out.send(Update::History(HistoryNews::Unstored(unstored)));
    }
}

/// Reports progress once per per cent, so that a long export does not flood the client.
fn export_progress(
    steps: Arc<Steps<ExportStep>>,
    out: Outbox,
) -> impl Fn(usize, usize) + Send + 'static {
    let reported = AtomicUsize::new(usize::MAX);
    move |done, total| {
        let percent = done * 100 / total.max(1);
        if reported.swap(percent, Ordering::Relaxed) != percent {
            steps.send(ExportStep::Written { done, total });
            out.wake();
        }
    }
}
