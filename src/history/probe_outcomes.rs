//! What the monitor's probes found, in order of time: little of each run, for whoever goes through many.

use rusqlite::Connection;

use super::{
    cells::Cells,
    query::Snapshot,
    reader::{IsCancelled, for_each_row},
};
use crate::{endpoint::TargetId, event::FaultClass, run::OffsetNs};

/// What one probe found.
#[derive(Clone, Debug, PartialEq)]
pub struct ProbeOutcome {
    /// Its target.
    pub target: TargetId,
    /// When it started, in nanoseconds since 1970.
    pub at_unix_ns: i64,
    /// The class of its fault, if it failed.
    pub fault: Option<FaultClass>,
    /// Its first token, in nanoseconds since its start.
    pub first_token: Option<OffsetNs>,
    /// How much later than the kernel this program read that, in nanoseconds; `None` if it is not known.
    pub first_token_delay: Option<u32>,
}

/// The rows of [`since`]. A partial index is used only where its condition stands as it is in the statement.
const SELECT: &str = "SELECT endpoint, model, started_unix_ns, outcome, first_token, first_token_delay
    FROM run INDEXED BY run_probe JOIN target ON target.id = run.target
    WHERE started_unix_ns >= ?1 AND origin = 'probe' AND outcome IS NOT NULL ORDER BY started_unix_ns, run.id";

/// The probes that are over and started at or after a time (nanoseconds since 1970).
///
/// # Errors
/// If the file can't be read, or the query is cancelled.
pub(super) fn since(
    file: &Connection,
    since_unix_ns: i64,
    is_cancelled: IsCancelled<'_>,
) -> rusqlite::Result<Vec<ProbeOutcome>> {
    let _snapshot = Snapshot::begin(file)?;
    let mut select = file.prepare_cached(SELECT)?;
    let mut found = Vec::new();
    for_each_row(select.query([since_unix_ns])?, is_cancelled, |row| {
        let mut cells = Cells::new(row);
        found.push(ProbeOutcome {
            target: cells.target()?,
            at_unix_ns: cells.next()?,
            fault: fault_of(&cells.next::<String>()?),
            first_token: cells.count()?,
            first_token_delay: cells.next()?,
        });
        Ok(())
    })?;
    Ok(found)
}

/// The class of a fault by the word of the outcome; one of a newer version counts as the provider's.
fn fault_of(outcome: &str) -> Option<FaultClass> {
    (outcome != "ok").then(|| FaultClass::parse(outcome).unwrap_or(FaultClass::Provider))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{history::migrations, run::Origin};

    /// Checks that a statement walks the index of probes from a time on, and sorts nothing.
    pub(in crate::history) fn assert_walks_probes(select: &str) {
        let mut file = Connection::open_in_memory().unwrap();
        migrations::migrate(&mut file).unwrap();
        let explain = format!("EXPLAIN QUERY PLAN {select}");
        let mut plan = file.prepare(&explain).unwrap();
        let steps = plan.query_map([0], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = steps.map(Result::unwrap).collect();
        let walks = "SEARCH run USING INDEX run_probe (started_unix_ns>?)";
        assert_eq!(steps[0], walks, "{steps:?}");
        assert!(
            !steps.iter().any(|step| step.contains("B-TREE")),
            "{steps:?}"
        );
    }

    #[test]
    fn the_index_of_probes_is_used() {
        assert_eq!(Origin::Probe.as_str(), "probe", "the word of the index");
        assert_walks_probes(SELECT);
    }
}
