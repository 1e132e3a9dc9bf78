//! Comparisons: their plan, their rounds as they end, how they ended, and what people thought of the answers.
//!
//! A round is one row, so that a comparison that is cut off has whole rounds only. One that is there stays: writing it again
//! changes nothing.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{
    History, HistoryError, HistoryShared,
    cells::{Cells, to_json},
    reader::Lane,
    session::ProcessSession,
};
use crate::compare::{
    AnswerMark, Arm, CompareEnd, CompareRound, CompareStopReason, ComparisonHead, ComparisonId,
    ComparisonSummary, PairMark, SavedComparison,
};

/// A write to a comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ComparisonWrite {
    /// It begins, or goes on: it has no end.
    Begin(Box<ComparisonHead>),
    /// A round is over.
    Round(ComparisonId, Box<CompareRound>),
    /// It ended.
    End(ComparisonId, CompareEnd),
    /// What somebody thinks of a pair of answers.
    Mark(ComparisonId, PairMark),
    /// The same, taken back: the round and the arm.
    Unmark(ComparisonId, u64, usize),
    /// It is to be deleted.
    Delete(ComparisonId),
}

impl History {
    /// Stores that a comparison begins, or goes on: it has no end then.
    pub fn begin_comparison(&self, head: ComparisonHead) {
        self.put_comparison(ComparisonWrite::Begin(Box::new(head)));
    }

    /// Stores a round of a comparison that is over.
    pub fn put_round(&self, id: ComparisonId, round: CompareRound) {
        self.put_comparison(ComparisonWrite::Round(id, Box::new(round)));
    }

    /// Stores how a comparison ended.
    pub fn end_comparison(&self, id: ComparisonId, end: CompareEnd) {
        self.put_comparison(ComparisonWrite::End(id, end));
    }

    /// Stores, or takes back, what somebody thinks of an arm's answer of a round.
    pub fn put_mark(&self, id: ComparisonId, round: u64, arm: usize, mark: Option<AnswerMark>) {
        self.put_comparison(match mark {
            Some(mark) => ComparisonWrite::Mark(id, PairMark { round, arm, mark }),
            None => ComparisonWrite::Unmark(id, round, arm),
        });
    }

    /// Deletes a comparison; its runs stay.
    pub fn delete_comparison(&self, id: ComparisonId) {
        self.put_comparison(ComparisonWrite::Delete(id));
    }

    fn put_comparison(&self, write: ComparisonWrite) {
        self.inner.shared.queue.comparison(write);
    }

    /// All comparisons, the latest first. One that can't be read is left out.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn comparisons(&self) -> Result<Vec<ComparisonSummary>, HistoryError> {
        let shared = Arc::clone(&self.inner.shared);
        self.ask(Lane::Item, move |reader, _| {
            list(&reader.connection, &shared)
        })
        .await
    }

    /// A comparison with all that is kept of it; `None` if there is none of this key.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn comparison(
        &self,
        id: ComparisonId,
    ) -> Result<Option<SavedComparison>, HistoryError> {
        let shared = Arc::clone(&self.inner.shared);
        self.ask(Lane::Item, move |reader, _| {
            load(&reader.connection, &shared, id)
        })
        .await
    }

    /// What people thought of the answers of a comparison.
    ///
    /// # Errors
    /// If the file can't be read.
    pub async fn marks(&self, id: ComparisonId) -> Result<Vec<PairMark>, HistoryError> {
        self.ask(Lane::Item, move |reader, _| {
            marks_of(&reader.connection, id)
        })
        .await
    }
}

/// Writes to a comparison. `session` is that of this process.
///
/// # Errors
/// If the file can't be written.
pub(super) fn put(
    file: &Connection,
    write: &ComparisonWrite,
    session: i64,
) -> rusqlite::Result<()> {
    let changed = match write {
        ComparisonWrite::Begin(head) => file
            .prepare_cached(
                "INSERT INTO comparison (id, head, session) VALUES (?1, ?2, ?3)
                    ON CONFLICT DO UPDATE SET session = ?3, reason = NULL, ended_unix_ns = NULL",
            )?
            .execute(params![head.id.0, to_json(head.as_ref())?, session]),
        ComparisonWrite::Round(id, round) => file
            .prepare_cached(
                "INSERT INTO comparison_round (comparison, number, round) VALUES (?1, ?2, ?3)
                    ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                id.0,
                round.index.cast_signed(),
                to_json(round.as_ref())?
            ]),
        ComparisonWrite::End(id, end) => file
            .prepare_cached(
                "UPDATE comparison SET session = NULL, reason = ?2, ended_unix_ns = ?3 WHERE id = ?1",
            )?
            .execute(params![id.0, end.reason.as_str(), end.at_unix_ns]),
        ComparisonWrite::Mark(id, mark) => file
            .prepare_cached(
                "INSERT OR REPLACE INTO comparison_mark (comparison, number, arm, mark)
                    VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![
                id.0,
                mark.round.cast_signed(),
                key_of(mark.arm),
                mark.mark.as_str()
            ]),
        ComparisonWrite::Unmark(id, round, arm) => file
            .prepare_cached(
                "DELETE FROM comparison_mark WHERE comparison = ?1 AND number = ?2 AND arm = ?3",
            )?
            .execute(params![id.0, round.cast_signed(), key_of(*arm)]),
        ComparisonWrite::Delete(id) => file
            .prepare_cached("DELETE FROM comparison WHERE id = ?1")?
            .execute([id.0]),
    };
    changed.map(drop)
}

fn key_of(arm: usize) -> i64 {
    i64::try_from(arm).unwrap_or(i64::MAX)
}

/// Whether the process of this session is alive, and another one than this.
fn is_alive_elsewhere(shared: &HistoryShared, session: Option<i64>) -> bool {
    session.is_some_and(|session| {
        let is_own = shared.session.get() == Some(&session);
        let lock = || ProcessSession::try_number(&shared.folder, session);
        !is_own && matches!(lock(), Ok(None))
    })
}

fn list(file: &Connection, shared: &HistoryShared) -> rusqlite::Result<Vec<ComparisonSummary>> {
    let mut select = file.prepare_cached(
        "SELECT head, session, reason, ended_unix_ns,
                (SELECT count(*) FROM comparison_round WHERE comparison = comparison.id)
            FROM comparison ORDER BY id DESC",
    )?;
    let mut rows = select.query([])?;
    let mut summaries = Vec::new();
    while let Some(row) = rows.next()? {
        let mut cells = Cells::new(row);
        // A newer version may have written what this one does not know.
        let Ok(Some(head)) = cells.json::<ComparisonHead>() else {
            continue;
        };
        let is_running_elsewhere = is_alive_elsewhere(shared, cells.next()?);
        let end = end_of(&mut cells)?;
        summaries.push(ComparisonSummary {
            id: head.id,
            arms: head.plan.arms.iter().map(Arm::name).collect(),
            began_unix_ns: head.began_unix_ns,
            end,
            is_running_elsewhere,
            rounds: cells.count()?.unwrap_or_default(),
        });
    }
    Ok(summaries)
}

fn load(
    file: &Connection,
    shared: &HistoryShared,
    id: ComparisonId,
) -> rusqlite::Result<Option<SavedComparison>> {
    let found = file
        .prepare_cached(
            "SELECT head, session, reason, ended_unix_ns FROM comparison WHERE id = ?1",
        )?
        .query_row([id.0], |row| {
            let mut cells = Cells::new(row);
            let head = cells.json::<ComparisonHead>()?.unwrap_or_default();
            let session: Option<i64> = cells.next()?;
            Ok((head, session, end_of(&mut cells)?))
        })
        .optional()?;
    let Some((head, session, end)) = found else {
        return Ok(None);
    };
    Ok(Some(SavedComparison {
        head,
        rounds: rounds_of(file, id)?,
        marks: marks_of(file, id)?,
        end,
        is_running_elsewhere: is_alive_elsewhere(shared, session),
    }))
}

/// How it ended, from the next two cells.
fn end_of(cells: &mut Cells<'_>) -> rusqlite::Result<Option<CompareEnd>> {
    let reason = cells.word(CompareStopReason::parse)?;
    let at: Option<i64> = cells.next()?;
    Ok(reason.map(|reason| CompareEnd {
        reason,
        at_unix_ns: at.unwrap_or_default(),
    }))
}

fn rounds_of(file: &Connection, id: ComparisonId) -> rusqlite::Result<Vec<CompareRound>> {
    let mut select = file.prepare_cached(
        "SELECT round FROM comparison_round WHERE comparison = ?1 ORDER BY number",
    )?;
    let rounds = select.query_map([id.0], |row| Cells::new(row).json())?;
    rounds.filter_map(Result::transpose).collect()
}

fn marks_of(file: &Connection, id: ComparisonId) -> rusqlite::Result<Vec<PairMark>> {
    let mut select = file.prepare_cached(
        "SELECT number, arm, mark FROM comparison_mark WHERE comparison = ?1 ORDER BY number, arm",
    )?;
    let marks = select.query_map([id.0], |row| {
        let mut cells = Cells::new(row);
        Ok(PairMark {
            round: cells.count()?.unwrap_or_default(),
            arm: usize::try_from(cells.next::<i64>()?).unwrap_or_default(),
            mark: cells.must(AnswerMark::parse)?,
        })
    })?;
    marks.collect()
}
