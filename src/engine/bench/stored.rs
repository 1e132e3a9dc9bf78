//! A bench of the history, read whole: what its plots show, and what it found.

use std::path::Path;

use futures_util::{StreamExt as _, stream};

use crate::{
    bench::{BenchCharts, BenchId, BenchSummary, ChartCollector, StopReason, Tally},
    engine::reports,
    history::{BenchRow, BenchState, History, HistoryError},
    report::{BenchReport, ReportedBench},
};

/// How many blocks of requests are read and unpacked at a time.
const BLOCKS_AT_ONCE: usize = 3;

/// What the requests of a bench of the history say.
#[derive(Debug)]
pub struct ReadBench {
    /// What its plots show.
    pub charts: BenchCharts,
    /// What it found so far, if it never ended.
    pub summary: Option<BenchSummary>,
}

impl ReadBench {
    /// Reads all requests of a bench, and reduces them.
    ///
    /// # Errors
    /// If the file can't be read, or a block is damaged.
    pub async fn of(history: &History, row: &BenchRow) -> Result<Self, HistoryError> {
        let mut collector = ChartCollector::new(&row.plan);
        let mut tally = row.summary.is_none().then(|| Tally::new(&row.plan));
        let block = |seq: u32| {
            let (history, id) = (history.clone(), row.id);
            // In a task of its own each is unpacked on another thread, where there are several.
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
        let reduced = move || Self {
            charts: collector.charts(),
            summary: tally.map(|tally| tally.summary(stopped)),
        };
        let reduced = tokio::task::spawn_blocking(reduced).await;
        reduced.map_err(|why| HistoryError(why.to_string()))
    }

    /// It as a report tells of it.
    #[must_use]
    pub fn reported(self, row: BenchRow) -> ReportedBench {
        ReportedBench {
            id: Some(row.id),
            began_unix_ns: Some(row.started_unix_ns),
            plan: row.plan,
            summary: row.summary.or(self.summary).unwrap_or_default().into(),
            charts: self.charts,
            machines: None,
        }
    }
}

/// Writes a report on a bench of the history.
///
/// # Errors
/// Why it is not written, in words.
pub(super) async fn write_report(
    history: &History,
    id: BenchId,
    vantage: String,
    to: &Path,
) -> Result<(), String> {
    let in_words = |why: HistoryError| why.to_string();
    // What has just ended may be on its way to the file.
    history.flush().await;
    let row = history.bench(id).await.map_err(in_words)?;
    let row = row.ok_or("this bench is not in the history")?;
    let read = ReadBench::of(history, &row).await.map_err(in_words)?;
    let report = BenchReport {
        vantage,
        benches: vec![read.reported(row)],
        searches: Vec::new(),
    };
    reports::write_report(to, move || report.html()).await
}
