//! Conversations that come from a file, and conversations that go into one.
//!
//! In: [`ArchivedConversation`]s, which are stored with their answers in one transaction, all or none. Out: each
//! conversation with its runs, one after another, to whoever writes a file, so that memory does not grow with their
//! number.

use std::{
    collections::HashMap,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::{
    History, HistoryError, conversations,
    export::{ExportError, write_whole},
    files::ContentsCache,
    gone,
    other_processes::{ChangeCounts, ProcessWatch},
    query::Snapshot,
    reader::{self, HistoryReader, IsCancelled},
    rows,
};
use crate::{
    conversation::{
        Conversation, ConversationChange, ConversationId, archive::ArchivedConversation,
    },
    run::{Run, RunId},
};

/// What was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportedCount {
    /// Conversations.
    pub conversations: usize,
    /// Answers in them.
    pub answers: usize,
    /// The conversation that changed last, if there is any.
    pub latest: Option<ConversationId>,
}

/// Conversations to import.
#[derive(Debug)]
pub(super) struct ImportJob {
    pub(super) conversations: Vec<ArchivedConversation>,
    pub(super) reply: oneshot::Sender<Result<ImportedCount, HistoryError>>,
}

/// A file of conversations: what stands before them, each of them, and what stands after.
pub trait ConversationWriter: Send {
    /// Writes what stands before the first.
    ///
    /// # Errors
    /// If writing fails.
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()>;

    /// Writes one with its answers. Requests of the runs have no messages: their turns have them.
    ///
    /// # Errors
    /// If writing fails.
    fn put(
        &mut self,
        conversation: &Conversation,
        runs: &HashMap<RunId, Run>,
        out: &mut dyn Write,
    ) -> io::Result<()>;

    /// Writes what stands after the last.
    ///
    /// # Errors
    /// If writing fails.
    fn end(&mut self, out: &mut dyn Write) -> io::Result<()>;
}

impl History {
    /// Stores conversations with their answers under new keys: all of them, or none. Nothing else is written meanwhile.
    ///
    /// # Errors
    /// If the file can't be written; nothing is imported then.
    pub async fn import_conversations(
        &self,
        conversations: Vec<ArchivedConversation>,
    ) -> Result<ImportedCount, HistoryError> {
        self.flush().await;
        let (reply, answered) = oneshot::channel();
        self.inner.shared.begin_import(ImportJob {
            conversations,
            reply,
        });
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Writes conversations with their answers to a file, which takes its place once it is complete; returns how many.
    /// Without `only` all of them, latest first. Dropping the future cancels it.
    ///
    /// # Errors
    /// If there is none with one of these keys, the history can't be read, or the file not be written.
    pub async fn export_conversations(
        &self,
        only: Option<Vec<ConversationId>>,
        mut writer: Box<dyn ConversationWriter>,
        to: PathBuf,
    ) -> Result<usize, HistoryError> {
        self.exported(move |shared, is_cancelled| {
            let mut missing = None;
            let written = write_whole(shared, &to, |reader, out| {
                let from = (&*reader, &shared.cache);
                let written = write_all(from, only, (&mut *writer, out), is_cancelled)?;
                written.map_err(|id| {
                    missing = Some(id);
                    ExportError::Write(io::ErrorKind::NotFound.into())
                })
            });
            match missing {
                Some(id) => Err(HistoryError(format!(
                    "there is no conversation {}: it may have been deleted",
                    id.0
                ))),
                None => written,
            }
        })
        .await
    }
}

/// Writes a file of conversations; returns how many, or the key of which there is none.
fn write_all(
    (reader, cache): (&HistoryReader, &ContentsCache),
    only: Option<Vec<ConversationId>>,
    (writer, out): (&mut dyn ConversationWriter, &mut dyn Write),
    is_cancelled: IsCancelled<'_>,
) -> Result<Result<usize, ConversationId>, ExportError> {
    let file = &reader.connection;
    let _snapshot = Snapshot::begin(file)?;
    let all = || conversations::list(file).map(|all| all.into_iter().map(|one| one.id).collect());
    let ids: Vec<ConversationId> = only.map_or_else(all, Ok)?;
    writer.begin(out)?;
    for id in &ids {
        if is_cancelled() {
            return Err(reader::cancelled().into());
        }
        let Some(conversation) = conversations::load_without_draft(file, cache, *id)? else {
            return Ok(Err(*id));
        };
        let runs = runs_of(file, cache, &conversation)?;
        writer.put(&conversation, &runs, out)?;
    }
    writer.end(out)?;
    Ok(Ok(ids.len()))
}

/// The answers of a conversation that are still there. The messages of their requests are dropped at once: together they
/// grow with the square of the turns.
fn runs_of(
    file: &Connection,
    cache: &ContentsCache,
    conversation: &Conversation,
) -> rusqlite::Result<HashMap<RunId, Run>> {
    let turns = conversation.panes.iter().flat_map(|pane| &pane.turns);
    let mut runs = HashMap::new();
    for id in turns.flat_map(|turn| &turn.runs) {
        if let Some(mut run) = rows::load(file, cache, *id)? {
            Arc::make_mut(&mut run.head.request).messages = Vec::new();
            runs.insert(*id, run);
        }
    }
    Ok(runs)
}

/// Stores all conversations of a job in one transaction.
///
/// # Errors
/// If the file can't be written; nothing is changed then.
pub(super) fn import(
    file: &mut Connection,
    cache: &ContentsCache,
    session: i64,
    conversations: &[ArchivedConversation],
    watch: &mut ProcessWatch,
) -> rusqlite::Result<ImportedCount> {
    let file = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let before = ChangeCounts::read(&file)?;
    let mut done = ImportedCount::default();
    let mut latest = i64::MIN;
    for archived in conversations {
        let (conversation, runs) = archived.restored();
        for run in &runs {
            rows::put_imported(&file, cache, run)?;
        }
        if done.latest.is_none() || conversation.updated_unix_ns > latest {
            latest = conversation.updated_unix_ns;
            done.latest = Some(conversation.id);
        }
        done.conversations += 1;
        done.answers += runs.len();
        let change = ConversationChange::new(conversation);
        conversations::put(&file, cache, session, &change)?;
    }
    file.execute("UPDATE meta SET generation = generation + 1", [])?;
    let after = ChangeCounts::read(&file)?;
    file.commit()?;
    watch.note_own_write(before, after);
    Ok(done)
}
