//! What probes used of late, from which their cost is computed.

use rusqlite::Connection;

use super::cells::Cells;
use crate::{endpoint::TargetId, event::Usage, run::Run};

/// What decides what a probe that is over cost.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeUsage {
    /// The target.
    pub target: TargetId,
    /// The URL that was asked.
    pub url: String,
    /// Whether the simulator answered.
    pub simulated: bool,
    /// The model that answered, if the provider said so.
    pub served: Option<String>,
    /// The tokens that the provider reported.
    pub usage: Option<Usage>,
    /// Whether a token came.
    pub is_answered: bool,
    /// When it started, in nanoseconds since 1970.
    pub started_unix_ns: i64,
}

impl ProbeUsage {
    /// That of a run.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        Self {
            target: run.head.target.clone(),
            url: run.head.url.clone(),
            simulated: run.head.simulated,
            served: run.answer.model.clone(),
            usage: run.answer.usage,
            is_answered: run.stamps.first_token.is_some(),
            started_unix_ns: run.stamps.started_unix_ns,
        }
    }
}

/// The rows of [`since`]. A partial index is used only where its condition stands as it is in the statement.
const SELECT: &str =
    "SELECT target.endpoint, target.model, run_wire.url, run.simulated, run_wire.model,
        run.has_usage, run.input_tokens, run.output_tokens, run.reasoning_tokens,
        run.cached_tokens, run.total_tokens, run.first_token, run.started_unix_ns
    FROM run INDEXED BY run_probe
    JOIN target ON target.id = run.target JOIN run_wire ON run_wire.id = run.id
    WHERE run.started_unix_ns >= ?1 AND run.outcome IS NOT NULL AND run.origin = 'probe'
    ORDER BY run.started_unix_ns";

/// The probes that started since then and are over, in order of their start.
///
/// # Errors
/// If the file can't be read.
pub(super) fn since(file: &Connection, since_unix_ns: i64) -> rusqlite::Result<Vec<ProbeUsage>> {
    let mut select = file.prepare_cached(SELECT)?;
    let found = select.query_map([since_unix_ns], |row| {
        let mut cells = Cells::new(row);
        Ok(ProbeUsage {
            target: cells.target()?,
            url: cells.next()?,
            simulated: cells.next()?,
            served: cells.next()?,
            usage: cells.usage()?,
            is_answered: cells.count()?.is_some(),
            started_unix_ns: cells.next()?,
        })
    })?;
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_probes_is_used() {
        super::super::probe_outcomes::tests::assert_walks_probes(SELECT);
    }
}
