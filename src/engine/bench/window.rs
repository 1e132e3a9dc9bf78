//! What a window asks about benches of the history.
//!
//! In: [`SavedBenchCommand`]s. Out: their replies. What plots show is computed here, off the UI thread.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};

use crate::{
    bench::{BenchCharts, BenchId, BenchSummary, ChartCollector, StopReason, Tally},
    engine::{Outbox, Reply, Steps},
    history::{BenchRow, BenchState, History, HistoryError},
};

/// How many blocks of requests are read and unpacked at a time.
const BLOCKS_AT_ONCE: usize = 3;

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
        let opening = requests(history, &row).await?;
        steps.send(Ok(opening));
    }
    Ok(())
}

/// Reads all requests of a bench, and reduces them.
async fn requests(history: &History, row: &BenchRow) -> Result<BenchOpening, HistoryError> {
    let mut collector = ChartCollector::new(&row.plan);
    let mut tally = row.summary.is_none().then(|| Tally::new(&row.plan));
    let block = |seq: u32| {
        let (history, id) = (history.clone(), row.id);
        // In a task of its own each is unpacked on another thread.
        tokio::spawn(async move { history.bench_block(id, seq).await })
    };
    let mut blocks = stream::iter(0..).map(block).buffered(BLOCKS_AT_ONCE);
    while let Some(block) = blocks.next().await {
        let block = block.map_err(|why| HistoryError(why.to_string()))?;
        let Some(requests) = block? else { break };
        for request in &requests {
            collector.add(request);
            if let Some(tally) = &mut tally {
                tally.add(request);
            }
        }
        tokio::task::yield_now().await;
    }
    let stopped = (row.state == BenchState::Killed).then_some(StopReason::Killed);
    let reduced = move || BenchOpening::Requests {
        charts: collector.charts().into(),
        summary: tally.map(|tally| tally.summary(stopped).into()),
    };
    let reduced = tokio::task::spawn_blocking(reduced).await;
    reduced.map_err(|why| HistoryError(why.to_string()))
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
