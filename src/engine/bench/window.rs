//! What a window asks about benches of the history.
//!
//! In: [`SavedBenchCommand`]s. Out: their replies. What plots show is computed here, off the UI thread.

use std::{path::PathBuf, sync::Arc};

use super::stored::{self, ReadBench};
use crate::{
    bench::{BenchCharts, BenchId, BenchSummary},
    engine::{Outbox, Reply, Steps},
    history::{BenchRow, BenchState, History, HistoryError},
};

/// About benches of the history. Without a history they stay unanswered.
#[derive(Debug)]
pub enum SavedBenchCommand {
    /// Lists them, the latest first.
    List(Reply<Result<Vec<BenchRow>, String>>),
    /// Opens one.
    Open {
        /// Its key.
        id: BenchId,
        /// The bench, then what its plots show.
        steps: Steps<Result<BenchOpening, String>>,
    },
    /// Deletes one, with its requests.
    Delete {
        /// Its key.
        id: BenchId,
        /// Whether there was one, or why it could not be deleted.
        reply: Reply<Result<bool, String>>,
    },
    /// Writes a report on one: one HTML file.
    Report {
        /// Its key.
        id: BenchId,
        /// Where the measuring machine stands, in its owner's words; may be empty.
        vantage: String,
        /// Where to.
        to: PathBuf,
        /// Whether it is written, or why not.
        reply: Reply<Result<(), String>>,
    },
}

/// A step of opening a bench.
#[derive(Clone, Debug)]
pub enum BenchOpening {
    /// The bench; `None` if there is none of this key. Nothing follows then.
    Row(Option<Box<BenchRow>>),
    /// What its requests say. It may take a moment, and is the last step.
    Requests {
        /// What its plots show.
        charts: Arc<BenchCharts>,
        /// What it found so far, if it never ended.
        summary: Option<Box<BenchSummary>>,
    },
}

/// Answers a question, and wakes the window for each step of the answer.
pub(super) fn answer(command: SavedBenchCommand, history: &History, out: &Outbox) {
    let (history, out) = (history.clone(), out.clone());
    tokio::spawn(async move {
        match command {
            SavedBenchCommand::List(reply) => {
                if let Some(listed) = reply.unless_given_up(list(&history)).await {
                    reply.send(listed);
                }
            }
            SavedBenchCommand::Open { id, steps } => {
                let opening = open(&history, id, (&steps, &out));
                if let Some(Err(why)) = steps.unless_given_up(opening).await {
                    steps.send(Err(why.to_string()));
                }
            }
            SavedBenchCommand::Report {
                id,
                vantage,
                to,
                reply,
            } => {
                let writing = stored::write_report(&history, id, vantage, &to);
                if let Some(written) = reply.unless_given_up(writing).await {
                    reply.send(written);
                }
            }
            // Whoever asked may be gone: what was confirmed is deleted all the same.
            SavedBenchCommand::Delete { id, reply } => reply.send(delete(&history, id).await),
        }
        out.wake();
    });
}

async fn list(history: &History) -> Result<Vec<BenchRow>, String> {
    history.flush().await;
    history.benches().await.map_err(|why| why.to_string())
}

async fn open(
    history: &History,
    id: BenchId,
    (steps, out): (&Steps<Result<BenchOpening, String>>, &Outbox),
) -> Result<(), HistoryError> {
    // What has just ended may be on its way to the file.
    history.flush().await;
    let row = history.bench(id).await?.map(Box::new);
    steps.send(Ok(BenchOpening::Row(row.clone())));
    out.wake();
    if let Some(row) = row {
        let read = ReadBench::of(history, &row).await?;
        steps.send(Ok(BenchOpening::Requests {
            charts: read.charts.into(),
            summary: read.summary.map(Box::new),
        }));
    }
    Ok(())
}

async fn delete(history: &History, id: BenchId) -> Result<bool, String> {
    let row = history.bench(id).await.map_err(|why| why.to_string())?;
    let Some(row) = row else { return Ok(false) };
    if row.state == BenchState::Running {
        return Err("it is running: stop it first".to_owned());
    }
    history.delete_bench(id);
    history.flush().await;
    match history.bench(id).await {
        Ok(None) => Ok(true),
        Ok(Some(_)) => Err("the history could not be written".to_owned()),
        Err(why) => Err(why.to_string()),
    }
}
