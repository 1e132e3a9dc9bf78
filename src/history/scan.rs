//! All whole runs of a query, one after another.

use super::{
    RunQuery, large_values,
    query::{Selection, Snapshot},
    reader::{self, HistoryReader, IsCancelled},
    rows,
};
use crate::run::Run;

/// Rows between two looks at whether the caller still waits.
const ROWS: usize = 256;

/// Folds the runs in the query's order.
///
/// # Errors
/// If the file can't be read, or the query is cancelled.
pub(super) fn fold<T>(
    reader: &mut HistoryReader,
    query: &RunQuery,
    is_cancelled: IsCancelled<'_>,
    mut folded: T,
    mut fold: impl FnMut(&mut T, &Run),
) -> rusqlite::Result<T> {
    let HistoryReader {
        connection: file,
        cache,
        ..
    } = reader;
    let _snapshot = Snapshot::begin(file)?;
    let selection = Selection::of(file, cache, query, is_cancelled)?;
    let mut ids = file.prepare(&selection.ids(query.sort))?;
    let mut select = file.prepare(&format!("{} WHERE run.id = ?1", rows::SELECT_RUN))?;
    let mut ids = ids.query([])?;
    let mut seen = 0_usize;
    while let Some(id) = ids.next()? {
        let mut run = select.query_row([id.get::<_, i64>(0)?], rows::run_of_row)?;
        large_values::load(file, &mut run)?;
        fold(&mut folded, &run);
        seen += 1;
        if seen.is_multiple_of(ROWS) && is_cancelled() {
            return Err(reader::cancelled());
        }
    }
    Ok(folded)
}
