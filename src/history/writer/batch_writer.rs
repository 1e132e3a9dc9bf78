//! One batch into the file, in one transaction.

use rusqlite::{Connection, TransactionBehavior};

use crate::{
    clock::wall_clock_ns,
    history::{
        benches,
        captures::{self, PackedCapture},
        checks, comparisons, conversations,
        files::ContentsCache,
        firing_alerts, gaps, large_values,
        other_processes::{ChangeCounts, ProcessWatch},
        rows,
        session::ProcessSession,
        sqlite,
        unstored::Unstored,
        write_queue::{Batch, ConversationWrite},
    },
    settings::CaptureLimits,
};

/// The captures of the runs in a batch that are over. This is done once, outside of any transaction.
pub(super) fn packed(batch: &mut Batch) -> Vec<PackedCapture> {
    let mut wires = std::mem::take(&mut batch.wires);
    let runs = batch.finished.values();
    let packed = runs.filter_map(|run| PackedCapture::of(run, wires.remove(&run.head.id)?));
    packed.collect()
}

/// Writes one batch.
pub(super) struct BatchWriter<'a> {
    pub(super) cache: &'a ContentsCache,
    pub(super) captures: &'a [PackedCapture],
    pub(super) limits: CaptureLimits,
    pub(super) session: &'a ProcessSession,
    pub(super) watch: &'a mut ProcessWatch,
    pub(super) unstored: &'a mut Unstored,
    /// Whether captures beyond the limits are left for the next batch.
    pub(super) has_more_to_trim: bool,
}

impl BatchWriter<'_> {
    pub(super) fn write(
        &mut self,
        connection: &mut Connection,
        batch: &Batch,
    ) -> rusqlite::Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let (cache, session) = (self.cache, self.session.number);
        let file = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let before = ChangeCounts::read(&file)?;
        for run in &batch.begun {
            self.savepoint(&file, || rows::put_live(&file, cache, run, session))?;
        }
        for run in &batch.changed {
            self.savepoint(&file, || rows::put_status(&file, run, session))?;
        }
        for piece in &batch.pieces {
            self.savepoint(&file, || piece.put(&file))?;
        }
        for run in batch.finished.values() {
            self.savepoint(&file, || {
                large_values::store(&file, run, batch.pieces_stored.contains(&run.head.id))?;
                rows::put_over(&file, cache, run)
            })?;
        }
        for capture in self.captures {
            self.savepoint(&file, || capture.put(&file))?;
        }
        if batch.trim_captures || !self.captures.is_empty() {
            self.has_more_to_trim = captures::trim(&file, self.limits)?;
        }
        for (id, writes) in &batch.conversations {
            for write in writes {
                self.savepoint(&file, || match write {
                    ConversationWrite::Change(change) => {
                        conversations::put(&file, cache, session, change)
                    }
                    ConversationWrite::Delete => conversations::delete(&file, *id),
                })?;
            }
        }
        for gap in &batch.gaps {
            self.savepoint(&file, || gaps::put(&file, gap, wall_clock_ns()))?;
        }
        for check in &batch.checks {
            self.savepoint(&file, || checks::put(&file, check))?;
        }
        for write in batch.benches.iter() {
            self.savepoint(&file, || benches::put(&file, write, session))?;
        }
        if let Some(firing) = &batch.firing_alerts {
            self.savepoint(&file, || firing_alerts::put(&file, firing))?;
        }
        for write in &batch.comparisons {
            self.savepoint(&file, || comparisons::put(&file, write, session))?;
        }
        if let Some(id) = batch.shown {
            self.watch.show(&file, self.session, id)?;
        }
        if !(batch.begun.is_empty() && batch.finished.is_empty() && batch.gaps.is_empty()) {
            file.execute("UPDATE meta SET generation = generation + 1", [])?;
        }
        let after = ChangeCounts::read(&file)?;
        file.commit()?;
        self.watch.note_own_write(before, after);
        Ok(())
    }

    /// Writes one item in a savepoint. An item that SQLite refuses for its own sake (a text over its limit, say) is
    /// left out and reported, so that it does not hold up the others.
    fn savepoint(
        &mut self,
        file: &Connection,
        put: impl FnOnce() -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        file.prepare_cached("SAVEPOINT one")?.execute([])?;
        if let Err(error) = put() {
            if sqlite::is_damage(&error) || sqlite::is_environment_error(&error) {
                return Err(error);
            }
            tracing::error!("something could not be kept in the history: {error}");
            self.unstored.add_refused(&sqlite::error_text(&error));
            file.prepare_cached("ROLLBACK TO one")?.execute([])?;
        }
        file.prepare_cached("RELEASE one")?.execute([])?;
        Ok(())
    }
}
