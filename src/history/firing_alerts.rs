//! The alerts that fire, so that a process that begins to probe knows what was told by the one before it.

use rusqlite::{Connection, params};

use super::cells::Cells;
use crate::endpoint::TargetId;

/// A rule that fires for a target.
#[derive(Clone, Debug, PartialEq)]
pub struct FiringAlert {
    /// The rule's name.
    pub rule: String,
    /// By what the rule judged, as a text; one that has changed since is another rule.
    pub judgement: String,
    /// The target, or an endpoint without a model.
    pub target: TargetId,
    /// Since when, in nanoseconds since 1970.
    pub since_unix_ns: i64,
    /// Whether somebody was told.
    pub is_told: bool,
    /// The last value of the rule's figure.
    pub value: f64,
    /// Of how many runs and checks.
    pub n: usize,
}

/// Writes the alerts that fire, in place of those before.
///
/// # Errors
/// If the file can't be written.
pub(super) fn put(file: &Connection, firing: &[FiringAlert]) -> rusqlite::Result<()> {
    file.execute("DELETE FROM firing_alert", [])?;
    let mut insert =
        file.prepare_cached("INSERT INTO firing_alert VALUES (?, ?, ?, ?, ?, ?, ?, ?)")?;
    for alert in firing {
        let n = i64::try_from(alert.n).unwrap_or(i64::MAX);
        insert.execute(params![
            alert.rule,
            alert.target.endpoint,
            alert.target.model,
            alert.judgement,
            alert.since_unix_ns,
            alert.is_told,
            alert.value,
            n,
        ])?;
    }
    Ok(())
}

/// The alerts that fire.
///
/// # Errors
/// If the file can't be read.
pub(super) fn all(file: &Connection) -> rusqlite::Result<Vec<FiringAlert>> {
    let mut select = file.prepare_cached(
        "SELECT rule, endpoint, model, judgement, since_unix_ns, is_told, value, n FROM firing_alert",
    )?;
    let found = select.query_map([], |row| {
        let mut cells = Cells::new(row);
        Ok(FiringAlert {
            rule: cells.next()?,
            target: cells.target()?,
            judgement: cells.next()?,
            since_unix_ns: cells.next()?,
            is_told: cells.next()?,
            value: cells.next()?,
            n: usize::try_from(cells.next::<i64>()?).unwrap_or_default(),
        })
    })?;
    found.collect()
}
