//! What the history is asked: calls that read, each on the lane that is for it.

use std::{path::PathBuf, sync::Arc};

use super::{
    Conformance, Deletion, DeletionCount, Distribution, DistributionQuery, EndpointCheck,
    ExportFormat, FiringAlert, History, HistoryError, HistoryUsage, KeptCapture, PhasesQuery,
    ProbeBurst, ProbeGap, ProbeOutcome, ProbeUsage, RunPage, RunQuery, RunRow, SeriesQuery,
    TargetFacts, TargetFactsQuery, TargetPhases, TtftPlot, captures, checks, conversations,
    deletions, distribution, export, findings, firing_alerts, gaps, gone, last_asked, phases,
    probe_bursts, probe_outcomes, probe_usage, query,
    reader::{self, HistoryReader, IsCancelled, Lane},
    recent, rollups, rows, scan, series, target_facts, usage,
};
use crate::{
    conversation::{Conversation, ConversationId, ConversationSummary},
    endpoint::TargetId,
    price::PriceTable,
    run::{Run, RunId},
};

impl History {
    /// How much a deletion would delete.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn count(&self, deletion: Deletion) -> Result<DeletionCount, HistoryError> {
        self.ask(Lane::Item, move |reader, _| {
            deletions::count(&reader.connection, &deletion)
        })
        .await
    }

    /// Which runs of a query are over; its order, offset and limit are ignored.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn ended_runs(&self, query: RunQuery) -> Result<Vec<RunId>, HistoryError> {
        self.ask(Lane::Table, move |reader, is_cancelled| {
            query::ids_of_ended(reader, &query, is_cancelled)
        })
        .await
    }

    /// How much room it takes.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn usage(&self) -> Result<HistoryUsage, HistoryError> {
        let folder = self.inner.shared.folder.clone();
        self.ask(Lane::Item, move |reader, _| {
            usage::of(&reader.connection, &folder)
        })
        .await
    }

    /// Until when probes were rolled up (nanoseconds since 1970); `None` if none was.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn rolled_up_until(&self) -> Result<Option<i64>, HistoryError> {
        self.ask(Lane::Plot, |reader, _| {
            rollups::rolled_up_until(&reader.connection)
        })
        .await
    }

    /// What went over the wire of a run that is over.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn capture(&self, id: RunId) -> Result<KeptCapture, HistoryError> {
        self.ask(Lane::Item, move |reader, _| {
            captures::load(&reader.connection, id)
        })
        .await
    }

    /// A page of the table of runs.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn runs(&self, query: RunQuery) -> Result<RunPage, HistoryError> {
        let shared = Arc::clone(&self.inner.shared);
        self.ask(Lane::Table, move |reader, is_cancelled| {
            let page = query::page(reader, &query, is_cancelled)?;
            if page.rows.iter().any(|row| !row.state.is_over()) {
                // One of them may belong to a process that has died.
                shared.queue.end_dead_runs();
            }
            Ok(page)
        })
        .await
    }

    /// One whole run; `None` if there is none with this id. A live run is returned as far as it is stored.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn run(&self, id: RunId) -> Result<Option<Run>, HistoryError> {
        let shared = Arc::clone(&self.inner.shared);
        self.ask(Lane::Item, move |reader, _| {
            let _snapshot = query::Snapshot::begin(&reader.connection)?;
            let run = rows::load(&reader.connection, &shared.cache, id)?;
            if run.as_ref().is_some_and(|run| !run.state.is_over()) {
                shared.queue.end_dead_runs();
            }
            Ok(run)
        })
        .await
    }

    /// The checks of endpoints in a stretch of time (nanoseconds since 1970), in order of their begin.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn checks(&self, from: i64, to: i64) -> Result<Vec<EndpointCheck>, HistoryError> {
        self.ask(Lane::Plot, move |reader, _| {
            checks::between(&reader.connection, (from, to))
        })
        .await
    }

    /// The gaps between probes that reach into a stretch of time (nanoseconds since 1970), in order of their begin.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn gaps(&self, from: i64, to: i64) -> Result<Vec<ProbeGap>, HistoryError> {
        self.ask(Lane::Plot, move |reader, _| {
            gaps::between(&reader.connection, (from, to), 0)
        })
        .await
    }

    /// Of the targets that a monitor asked at this time or before: when it last did, or had a reason not to. Times are in
    /// nanoseconds since 1970.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn last_asked(
        &self,
        targets: Vec<TargetId>,
        before: i64,
    ) -> Result<Vec<(TargetId, i64)>, HistoryError> {
        self.ask(Lane::Plot, move |reader, _| {
            let mut found = Vec::new();
            for target in targets {
                let last = last_asked::before(&reader.connection, &target, before)?;
                found.extend(last.map(|last| (target, last)));
            }
            Ok(found)
        })
        .await
    }

    /// The probes that started since then (nanoseconds since 1970) and are over, in order of their start.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn probe_usage(&self, since: i64) -> Result<Vec<ProbeUsage>, HistoryError> {
        self.ask(Lane::Plot, move |reader, _| {
            probe_usage::since(&reader.connection, since)
        })
        .await
    }

    /// TTFT history of every target, decimated, with its gaps.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn ttft_plot(&self, query: SeriesQuery) -> Result<TtftPlot, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            series::all(&reader.connection, &query, is_cancelled)
        })
        .await
    }

    /// Folds all whole runs of a query (offset and limit are ignored), one after another in its order, so that memory
    /// does not grow with their number.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn fold_runs<T: Send + 'static>(
        &self,
        query: RunQuery,
        start: T,
        fold: impl FnMut(&mut T, &Run) + Send + 'static,
    ) -> Result<T, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            scan::fold(reader, &query, is_cancelled, start, fold)
        })
        .await
    }

    /// How the TTFT of every target is spread, and how its runs ended.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn distributions(
        &self,
        query: DistributionQuery,
    ) -> Result<Vec<Distribution>, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            distribution::all(&reader.connection, &query, is_cancelled)
        })
        .await
    }

    /// How long each part of the time until the first token took.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn phases(&self, query: PhasesQuery) -> Result<Vec<TargetPhases>, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            phases::all(&reader.connection, &query, is_cancelled)
        })
        .await
    }

    /// How many of each target's latest answers were held back on their way, and what its runs since midnight cost by
    /// these prices.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn target_facts(
        &self,
        query: TargetFactsQuery,
        prices: PriceTable,
    ) -> Result<Vec<TargetFacts>, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            target_facts::all(reader, &query, &prices, is_cancelled)
        })
        .await
    }

    /// The latest complete answers of a target: at most 50 over warm connections and 50 over cold ones. Those that were
    /// read later than this share of their TTFT are left out.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn recent(
        &self,
        target: TargetId,
        late_share: f64,
    ) -> Result<Vec<RunRow>, HistoryError> {
        self.ask(Lane::Item, move |reader, _| {
            recent::of_target(&reader.connection, &target, late_share)
        })
        .await
    }

    /// What the monitor's probes found that started at or after a time (nanoseconds since 1970), in order of time.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn probe_outcomes(
        &self,
        since_unix_ns: i64,
    ) -> Result<Vec<ProbeOutcome>, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            probe_outcomes::since(&reader.connection, since_unix_ns, is_cancelled)
        })
        .await
    }

    /// What the arrivals of the monitor's probes say about buffering that started at or after a time (nanoseconds since
    /// 1970), in order of time.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn probe_bursts(&self, since_unix_ns: i64) -> Result<Vec<ProbeBurst>, HistoryError> {
        self.ask(Lane::Plot, move |reader, is_cancelled| {
            probe_bursts::since(&reader.connection, since_unix_ns, is_cancelled)
        })
        .await
    }

    /// The alerts that fire.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn firing_alerts(&self) -> Result<Vec<FiringAlert>, HistoryError> {
        self.ask(Lane::Item, |reader, _| {
            firing_alerts::all(&reader.connection)
        })
        .await
    }

    /// How each target kept to its protocol in runs started since `since` (nanoseconds since 1970; `None` is all
    /// runs).
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn conformance(&self, since: Option<i64>) -> Result<Vec<Conformance>, HistoryError> {
        self.ask(Lane::Plot, move |reader, _| {
            findings::all(&reader.connection, since)
        })
        .await
    }

    /// Writes all runs of a query (offset and limit are ignored) to a file, atomically, with what they cost by these
    /// prices. `progress` is called with the
    /// rows done and the rows in all. Dropping the future cancels the export.
    ///
    /// # Errors
    /// If the history can't be read or the file not be written.
    pub async fn export(
        &self,
        query: RunQuery,
        format: ExportFormat,
        prices: PriceTable,
        to: PathBuf,
        progress: impl Fn(usize, usize) + Send + 'static,
    ) -> Result<usize, HistoryError> {
        self.exported(move |shared, is_cancelled| {
            let form = (format, &prices);
            export::export(shared, &query, form, &to, &progress, is_cancelled)
        })
        .await
    }

    /// Writes the gaps between probes that reach behind `since` (nanoseconds since 1970) to a file, atomically, and
    /// returns their number.
    ///
    /// # Errors
    /// If the history can't be read or the file not be written.
    pub async fn export_gaps(
        &self,
        since: Option<i64>,
        format: ExportFormat,
        to: PathBuf,
    ) -> Result<usize, HistoryError> {
        self.exported(move |shared, _| export::export_gaps(shared, since, format, &to))
            .await
    }

    /// The conversations, latest first.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn conversations(&self) -> Result<Vec<ConversationSummary>, HistoryError> {
        self.ask(Lane::Item, |reader, _| {
            conversations::list(&reader.connection)
        })
        .await
    }

    /// The conversations in which a question with its answer holds every word of a text, whatever the case; in no order.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn conversations_holding(
        &self,
        text: String,
    ) -> Result<Vec<ConversationId>, HistoryError> {
        self.ask(Lane::Item, move |reader, is_cancelled| {
            let _snapshot = query::Snapshot::begin(&reader.connection)?;
            conversations::holding(&reader.connection, &text, is_cancelled)
        })
        .await
    }

    /// One conversation with this window's draft, or with the draft of a window that has closed; `None` if there is
    /// none with this id.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn conversation(
        &self,
        id: ConversationId,
    ) -> Result<Option<Conversation>, HistoryError> {
        let shared = Arc::clone(&self.inner.shared);
        shared.queue.adopt(id);
        self.ask(Lane::Item, move |reader, _| {
            let _snapshot = query::Snapshot::begin(&reader.connection)?;
            let session = shared.session.get().copied();
            conversations::load(&reader.connection, &shared.cache, id, session)
        })
        .await
    }

    /// Runs a query on a lane, after everything that was queued before it is written.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut HistoryReader, IsCancelled<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        self.flush().await;
        let (job, answered) = reader::job(work);
        self.inner.lanes[lane as usize]
            .send(job)
            .map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}
