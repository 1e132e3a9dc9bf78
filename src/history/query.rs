//! The table of runs: filtered, sorted, a page at a time.
//!
//! In: a [`RunQuery`]. Out: a [`RunPage`]. Each order walks an index that also holds what the
//! filters need; only the rows of the page are read whole.

mod selection;

use rusqlite::{Connection, DropBehavior, OptionalExtension as _, Row};
use serde::{Deserialize, Serialize};

pub(super) use self::selection::Selection;
use super::{
    cells::Cells,
    reader::{HistoryReader, IsCancelled},
    rows::state_of,
};
use crate::{
    endpoint::TargetId,
    event::FaultClass,
    run::{ConnectionKind, RunId, RunState, ms},
};

/// Which runs, in which order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunQuery {
    /// Words that must all occur in prompt, answer, target or error, whatever their case; empty means all.
    pub text: String,
    /// Only these targets; empty means all.
    pub targets: Vec<TargetId>,
    /// Only runs of this outcome.
    pub outcome: Option<OutcomeFilter>,
    /// Only runs started at or after this time (nanoseconds since 1970).
    pub since_unix_ns: Option<i64>,
    /// Order.
    pub sort: RunSort,
    /// Rows to skip.
    pub offset: usize,
    /// Most rows to give.
    pub limit: usize,
}

/// A class of outcomes to filter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeFilter {
    /// Clean ends.
    Ok,
    /// Faults; runs that the user stopped or a sleep cut off are left out.
    Fault,
    /// Cancelled by the user.
    Cancelled,
}

/// A column to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSort {
    /// The column.
    pub by: SortColumn,
    /// Largest or latest first.
    pub descending: bool,
}

impl Default for RunSort {
    fn default() -> Self {
        Self {
            by: SortColumn::Started,
            descending: true,
        }
    }
}

/// Columns that runs can be sorted by. Blank values come last in either direction; equal ones are in
/// order of their start, in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortColumn {
    /// Start time.
    Started,
    /// Target: endpoint, then model.
    Target,
    /// Outcome, alphabetically: `ok` and the fault classes; blank for live runs.
    Outcome,
    /// Time to first token.
    Ttft,
    /// Total time.
    Total,
    /// Output tokens.
    OutputTokens,
}

/// One row of the table of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The run's key.
    pub id: RunId,
    /// The target.
    pub target: TargetId,
    /// The endpoint's route label.
    pub route: String,
    /// Where it stands.
    pub state: RunState,
    /// The class of its fault.
    pub fault: Option<FaultClass>,
    /// Cold or warm.
    pub connection: Option<ConnectionKind>,
    /// Whether the simulator answered.
    pub simulated: bool,
    /// When it started, in nanoseconds since 1970.
    pub started_unix_ns: i64,
    /// Time to first token.
    pub ttft_ms: Option<f64>,
    /// Time to last token.
    pub total_ms: Option<f64>,
    /// Output tokens per second.
    pub output_speed: Option<f64>,
    /// Prompt tokens.
    pub input_tokens: Option<u64>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
    /// The start of the prompt, one line.
    pub prompt: String,
}

/// A page of rows and how many there are in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunPage {
    /// The rows.
    pub rows: Vec<RunRow>,
    /// How many rows the query has without its limit.
    pub total: usize,
}

/// The page of a query.
///
/// # Errors
/// If the file can't be read, or the query is cancelled.
pub(super) fn page(
    reader: &mut HistoryReader,
    query: &RunQuery,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<RunPage> {
    let HistoryReader {
        connection: file,
        cache,
        ..
    } = reader;
    // One snapshot for the count, the keys and the rows.
    let _snapshot = Snapshot::begin(file)?;
    let selection = Selection::of(file, cache, query, is_cancelled)?;
    let total = selection.total(file, cache)?;
    let sql = format!(
        "{} LIMIT {} OFFSET {}",
        selection.ids(query.sort),
        query.limit,
        query.offset
    );
    let ids: Vec<i64> = file
        .prepare_cached(&sql)?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut select = file.prepare_cached(SELECT_ROW)?;
    let rows = ids.iter().map(|id| select.query_row([id], row_of));
    let rows = rows.collect::<Result<_, _>>()?;
    Ok(RunPage { rows, total })
}

/// The keys of all runs of a query that are over, in no order.
///
/// # Errors
/// If the file can't be read, or the query is cancelled.
pub(super) fn ids_of_ended(
    reader: &mut HistoryReader,
    query: &RunQuery,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<Vec<RunId>> {
    let HistoryReader {
        connection: file,
        cache,
        ..
    } = reader;
    let _snapshot = Snapshot::begin(file)?;
    let selection = Selection::of(file, cache, query, is_cancelled)?;
    let mut select = file.prepare(&selection.ids_of_ended())?;
    let ids = select.query_map([], |row| row.get(0).map(RunId))?;
    ids.collect()
}

/// A read transaction; over when dropped.
pub(super) struct Snapshot<'a>(
    #[expect(dead_code, reason = "kept for its end")] rusqlite::Transaction<'a>,
);

impl<'a> Snapshot<'a> {
    pub(super) fn begin(file: &'a Connection) -> rusqlite::Result<Self> {
        let mut transaction = file.unchecked_transaction()?;
        // A rollback would drop the hits of a search.
        transaction.set_drop_behavior(DropBehavior::Commit);
        Ok(Self(transaction))
    }
}

/// All targets and their keys, in order of their names.
pub(super) fn targets(file: &Connection) -> rusqlite::Result<Vec<(i64, TargetId)>> {
    file.prepare_cached("SELECT id, endpoint, model FROM target ORDER BY endpoint, model")?
        .query_map([], |row| {
            let mut cells = Cells::new(row);
            Ok((cells.next()?, cells.target()?))
        })?
        .collect()
}

/// The key of a target; `None` if the file has nothing of it.
pub(super) fn target_key(file: &Connection, target: &TargetId) -> rusqlite::Result<Option<i64>> {
    file.prepare_cached("SELECT id FROM target WHERE endpoint = ?1 AND model = ?2")?
        .query_row((&target.endpoint, &target.model), |row| row.get(0))
        .optional()
}

/// When the first run started, in nanoseconds since 1970; `None` without runs.
pub(super) fn first_run(file: &Connection) -> rusqlite::Result<Option<i64>> {
    let first = "SELECT started_unix_ns FROM run INDEXED BY run_started ORDER BY 1 LIMIT 1";
    let mut select = file.prepare_cached(first)?;
    select.query_row([], |row| row.get(0)).optional()
}

/// One row of the table, by its key.
pub(super) const SELECT_ROW: &str =
    "SELECT run.id, endpoint, model, route, state, fault_class, connection, simulated,
    started_unix_ns, first_token, last_token, input_tokens, output_tokens, prompt
    FROM run JOIN target ON target.id = run.target WHERE run.id = ?1";

pub(super) fn row_of(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let count = |at: usize| {
        let count: rusqlite::Result<Option<i64>> = row.get(at);
        count.map(|count| count.map(i64::cast_unsigned))
    };
    let word = |at: usize| row.get::<_, Option<String>>(at);
    let (first, last, output_tokens) = (count(9)?, count(10)?, count(12)?);
    Ok(RunRow {
        id: RunId(row.get(0)?),
        target: TargetId {
            endpoint: row.get(1)?,
            model: row.get(2)?,
        },
        route: row.get(3)?,
        // A state of a newer version: the run counts as over, and all else is shown.
        state: word(4)?
            .and_then(|w| state_of(&w))
            .unwrap_or(RunState::Fault),
        fault: word(5)?.and_then(|w| FaultClass::parse(&w)),
        connection: word(6)?.and_then(|w| ConnectionKind::parse(&w)),
        simulated: row.get(7)?,
        started_unix_ns: row.get(8)?,
        ttft_ms: first.map(ms),
        total_ms: last.map(ms),
        output_speed: output_speed(first, last, output_tokens),
        input_tokens: count(11)?,
        output_tokens,
        prompt: row.get(13)?,
    })
}

/// Output tokens / (last token − first token), per second; blank if all came in one read.
#[expect(clippy::cast_precision_loss, reason = "no answer has 2^53 tokens")]
fn output_speed(first: Option<u64>, last: Option<u64>, tokens: Option<u64>) -> Option<f64> {
    let span = last?.checked_sub(first?).filter(|ns| *ns > 0)?;
    Some(tokens? as f64 / (ms(span) / 1e3))
}
