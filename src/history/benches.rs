//! Load benches: one row each, and its requests in blocks.
//!
//! In: what the engine tells of a bench while it runs. Out: the list of benches, and their requests a block at a time,
//! so that a bench of a million needs little memory. The last block grows until it is full: each write of it replaces
//! the one before, so that a bench whose process dies lacks only what came after its last write.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{History, HistoryError, reader::Lane, session::ProcessSession};
use crate::bench::{BenchId, BenchPlan, BenchRequest, BenchSummary, columns};

/// Most writes that are queued while nothing can be written. Blocks beyond it are dropped.
const MAX_WRITES: usize = 128;

/// How far a stored bench came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchState {
    /// A process runs it.
    Running,
    /// It is over.
    Over,
    /// Its process died before it was over.
    Killed,
}

/// A stored bench.
#[derive(Clone, Debug, PartialEq)]
pub struct BenchRow {
    /// Its key.
    pub id: BenchId,
    /// When it began, in nanoseconds since 1970.
    pub started_unix_ns: i64,
    /// What was planned.
    pub plan: BenchPlan,
    /// How far it came.
    pub state: BenchState,
    /// How many requests are stored, those of the warm-up included.
    pub requests: u64,
    /// How many bytes its blocks take.
    pub bytes: u64,
    /// What it found; `None` unless it is over.
    pub summary: Option<BenchSummary>,
}

/// A write about a bench.
#[derive(Debug)]
pub(super) enum BenchWrite {
    /// It began.
    Begin {
        id: BenchId,
        started_unix_ns: i64,
        /// As JSON.
        plan: String,
    },
    /// A block, which replaces what was stored of it before.
    Block {
        id: BenchId,
        seq: u32,
        requests: u64,
        bytes: Vec<u8>,
    },
    /// It is over: its summary as JSON.
    End { id: BenchId, summary: String },
    /// It is to be deleted.
    Delete(BenchId),
}

/// The writes that wait, in order.
#[derive(Debug, Default)]
pub(super) struct BenchWrites(Vec<BenchWrite>);

impl BenchWrites {
    /// Adds a write. A block replaces what waits of it.
    pub(super) fn put(&mut self, write: BenchWrite) {
        if let BenchWrite::Block { id, seq, .. } = &write {
            let (id, seq) = (*id, *seq);
            self.0.retain(|waiting| {
                !matches!(waiting, BenchWrite::Block { id: of, seq: at, .. } if (*of, *at) == (id, seq))
            });
            if self.0.len() >= MAX_WRITES {
                return tracing::error!("requests of a bench could not be kept in the history");
            }
        }
        self.0.push(write);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &BenchWrite> {
        self.0.iter()
    }
}

/// Makes a write.
///
/// # Errors
/// If the file can't be written.
pub(super) fn put(file: &Connection, write: &BenchWrite, session: i64) -> rusqlite::Result<()> {
    match write {
        BenchWrite::Begin {
            id,
            started_unix_ns,
            plan,
        } => file
            .prepare_cached(
                "INSERT OR REPLACE INTO bench (id, started_unix_ns, session, plan) VALUES (?, ?, ?, ?)",
            )?
            .execute(params![id.0, started_unix_ns, session, plan]),
        BenchWrite::Block {
            id,
            seq,
            requests,
            bytes,
        } => file
            .prepare_cached("INSERT OR REPLACE INTO bench_block VALUES (?, ?, ?, ?)")?
            .execute(params![id.0, seq, requests.cast_signed(), bytes]),
        BenchWrite::End { id, summary } => file
            .prepare_cached("UPDATE bench SET summary = ?2 WHERE id = ?1")?
            .execute(params![id.0, summary]),
        BenchWrite::Delete(id) => file
            .prepare_cached("DELETE FROM bench WHERE id = ?1")?
            .execute([id.0]),
    }
    .map(drop)
}

/// The session of a bench whose process died. Numbers of sessions begin at 1.
const DEAD: i64 = 0;

/// Notes of the benches with a session's number that their process died. That is right only before this process, which
/// has the number now, runs one.
///
/// # Errors
/// If the file can't be written.
pub(super) fn release(file: &Connection, session: i64) -> rusqlite::Result<()> {
    let any: bool = file.query_row(
        "SELECT EXISTS (SELECT 1 FROM bench WHERE summary IS NULL AND session = ?1)",
        [session],
        |row| row.get(0),
    )?;
    if any {
        file.execute(
            "UPDATE bench SET session = ?2 WHERE summary IS NULL AND session = ?1",
            [session, DEAD],
        )?;
    }
    Ok(())
}

impl History {
    /// Stores that a bench begins.
    pub fn begin_bench(&self, id: BenchId, started_unix_ns: i64, plan: &BenchPlan) {
        let Some(plan) = json(plan) else { return };
        self.inner.shared.queue.bench(BenchWrite::Begin {
            id,
            started_unix_ns,
            plan,
        });
    }

    /// Stores a block of a bench, in place of what was stored of it before.
    pub fn put_bench_block(&self, id: BenchId, seq: u32, requests: u64, bytes: Vec<u8>) {
        self.inner.shared.queue.bench(BenchWrite::Block {
            id,
            seq,
            requests,
            bytes,
        });
    }

    /// Stores that a bench is over, and what it found.
    pub fn end_bench(&self, id: BenchId, summary: &BenchSummary) {
        let Some(summary) = json(summary) else { return };
        self.inner
            .shared
            .queue
            .bench(BenchWrite::End { id, summary });
    }

    /// Deletes a bench with its requests.
    pub fn delete_bench(&self, id: BenchId) {
        self.inner.shared.queue.bench(BenchWrite::Delete(id));
    }

    /// All benches, the latest first. Those that a newer version wrote in another form are left out.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn benches(&self) -> Result<Vec<BenchRow>, HistoryError> {
        let shared = std::sync::Arc::clone(&self.inner.shared);
        self.ask(Lane::Item, move |reader, _| {
            let own = shared.session.get().copied();
            rows(&reader.connection, None, &shared.folder, own)
        })
        .await
    }

    /// One bench; `None` if there is none of this key.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn bench(&self, id: BenchId) -> Result<Option<BenchRow>, HistoryError> {
        let shared = std::sync::Arc::clone(&self.inner.shared);
        self.ask(Lane::Item, move |reader, _| {
            let own = shared.session.get().copied();
            let found = rows(&reader.connection, Some(id), &shared.folder, own)?;
            Ok(found.into_iter().next())
        })
        .await
    }

    /// The requests of a block of a bench, in the order in which they ended; `None` behind the last block.
    ///
    /// # Errors
    /// If the file can't be read, or the block is damaged.
    pub async fn bench_block(
        &self,
        id: BenchId,
        seq: u32,
    ) -> Result<Option<Vec<BenchRequest>>, HistoryError> {
        let block = self.ask(Lane::Item, move |reader, _| {
            block(&reader.connection, id, seq)
        });
        let Some(bytes) = block.await? else {
            return Ok(None);
        };
        let requests = columns::decode(&bytes);
        let why = |bad| HistoryError(format!("Block {seq} of the bench can't be read: {bad}"));
        requests.map(Some).map_err(why)
    }
}

/// Serialising what has only strings and numbers can't fail.
fn json(value: &impl serde::Serialize) -> Option<String> {
    serde_json::to_string(value).ok()
}

fn block(file: &Connection, id: BenchId, seq: u32) -> rusqlite::Result<Option<Vec<u8>>> {
    file.prepare_cached("SELECT bytes FROM bench_block WHERE bench = ?1 AND seq = ?2")?
        .query_row(params![id.0, seq], |row| row.get(0))
        .optional()
}

/// The benches, or one. `own` is this process's session.
fn rows(
    file: &Connection,
    id: Option<BenchId>,
    folder: &Path,
    own: Option<i64>,
) -> rusqlite::Result<Vec<BenchRow>> {
    let mut select = file.prepare_cached(
        "SELECT id, started_unix_ns, session, plan, summary,
            (SELECT coalesce(sum(requests), 0) FROM bench_block WHERE bench = id),
            (SELECT coalesce(sum(length(bytes)), 0) FROM bench_block WHERE bench = id)
         FROM bench WHERE ?1 IS NULL OR id = ?1 ORDER BY started_unix_ns DESC, id DESC",
    )?;
    let found = select.query_map([id.map(|id| id.0)], |row| of_row(row, folder, own))?;
    let found: Vec<Option<BenchRow>> = found.collect::<Result<_, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

fn of_row(row: &Row<'_>, folder: &Path, own: Option<i64>) -> rusqlite::Result<Option<BenchRow>> {
    let plan: String = row.get(3)?;
    let Ok(plan) = serde_json::from_str(&plan) else {
        return Ok(None);
    };
    let summary: Option<String> = row.get(4)?;
    let summary: Option<BenchSummary> =
        summary.and_then(|summary| serde_json::from_str(&summary).ok());
    let session: i64 = row.get(2)?;
    let state = match summary {
        Some(_) => BenchState::Over,
        None if own == Some(session) || !has_died(folder, session) => BenchState::Running,
        None => BenchState::Killed,
    };
    Ok(Some(BenchRow {
        id: BenchId(row.get(0)?),
        started_unix_ns: row.get(1)?,
        plan,
        state,
        requests: row.get::<_, i64>(5)?.cast_unsigned(),
        bytes: row.get::<_, i64>(6)?.cast_unsigned(),
        summary,
    }))
}

/// Whether the process of a session has died: its lock can be taken.
fn has_died(folder: &Path, session: i64) -> bool {
    session == DEAD || matches!(ProcessSession::try_number(folder, session), Ok(Some(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(seq: u32, requests: u64) -> BenchWrite {
        BenchWrite::Block {
            id: BenchId(1),
            seq,
            requests,
            bytes: vec![0; 9],
        }
    }

    #[test]
    fn a_block_replaces_what_waits_of_it() {
        let mut writes = BenchWrites::default();
        for (seq, requests) in [(0, 1), (0, 2), (1, 3), (0, 4)] {
            writes.put(block(seq, requests));
        }
        let waiting: Vec<(u32, u64)> = (writes.iter())
            .filter_map(|write| match write {
                BenchWrite::Block { seq, requests, .. } => Some((*seq, *requests)),
                _ => None,
            })
            .collect();
        assert_eq!(waiting, [(1, 3), (0, 4)]);
    }

    #[test]
    fn memory_is_bounded_while_nothing_can_be_written() {
        let mut writes = BenchWrites::default();
        (0..1_000).for_each(|seq| writes.put(block(seq, 1)));
        writes.put(BenchWrite::Delete(BenchId(1)));
        assert_eq!(writes.iter().count(), MAX_WRITES + 1);
    }
}
