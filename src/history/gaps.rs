//! Times in which a target was not asked although it should have been: they are no outage.
//!
//! A gap is written when it begins, and again while it lasts and when it ends, each time with its end so far: so a
//! program that is killed leaves one that ends when it was last seen.

use std::collections::HashMap;

use rusqlite::{Connection, params};
use serde::Serialize;

use super::{query, rows};
use crate::{endpoint::TargetId, event::words};

words! {
    /// Why nobody was asked.
    GapReason {
        /// The machine was asleep.
        Asleep = "asleep",
        /// The machine had no network.
        Offline = "offline",
        /// The probe before was still under way, or this machine was too busy.
        Busy = "busy",
        /// What may be spent on a day was spent.
        CostCap = "cost_cap",
        /// No monitor ran: the program was closed or killed, or the monitor was off.
        NotRunning = "not_running",
        /// What it costs is not known, and the plan has a cost cap.
        NoPrice = "no_price",
    }
}

/// A time in which a target was not asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeGap {
    /// The target; `None` for all.
    pub target: Option<TargetId>,
    /// Why.
    pub why: GapReason,
    /// Its begin, in nanoseconds since 1970.
    pub from_unix_ns: i64,
    /// Its end, in nanoseconds since 1970; `None` while it lasts.
    pub to_unix_ns: Option<i64>,
}

/// A gap as a line of JSON.
#[derive(Debug, Serialize)]
pub struct GapLine {
    r#type: &'static str,
    target: Option<String>,
    why: GapReason,
    from_unix_ns: i64,
    to_unix_ns: Option<i64>,
}

impl ProbeGap {
    /// Its line of JSON.
    #[must_use]
    pub fn line(&self) -> GapLine {
        GapLine {
            r#type: "gap",
            target: self.target.as_ref().map(ToString::to_string),
            why: self.why,
            from_unix_ns: self.from_unix_ns,
            to_unix_ns: self.to_unix_ns,
        }
    }
}

/// The key that stands for all targets; those of the table `target` begin at 1.
const ALL_TARGETS: i64 = 0;

/// Writes a gap, in place of what was known of it. One that lasts ends at `now_unix_ns` for now.
///
/// # Errors
/// If the file can't be written.
pub(super) fn put(file: &Connection, gap: &ProbeGap, now_unix_ns: i64) -> rusqlite::Result<()> {
    let target = match &gap.target {
        Some(target) => rows::target_key(file, target)?,
        None => ALL_TARGETS,
    };
    let to = gap.to_unix_ns.unwrap_or(now_unix_ns);
    file.prepare_cached(
        "INSERT INTO gap (from_unix_ns, target, why, to_unix_ns) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT DO UPDATE SET to_unix_ns = max(to_unix_ns, excluded.to_unix_ns)",
    )?
    .execute(params![gap.from_unix_ns, target, gap.why.as_str(), to])?;
    Ok(())
}

/// The gaps that reach into a stretch of time, in order of their begin. Those of one target and one reason that lie
/// closer together than `apart` nanoseconds are given as one.
///
/// # Errors
/// If the file can't be read.
pub(super) fn between(
    file: &Connection,
    (from, to): (i64, i64),
    apart: i64,
) -> rusqlite::Result<Vec<ProbeGap>> {
    let targets: HashMap<i64, TargetId> = query::targets(file)?.into_iter().collect();
    let mut select = file.prepare_cached(
        "SELECT target, why, from_unix_ns, to_unix_ns FROM gap INDEXED BY gap_to
            WHERE to_unix_ns >= ?1 AND from_unix_ns <= ?2 ORDER BY from_unix_ns, target",
    )?;
    let mut rows = select.query((from, to))?;
    let mut gaps: Vec<ProbeGap> = Vec::new();
    // Of each target and reason, the gap that the next one may join.
    let mut last: HashMap<(i64, GapReason), usize> = HashMap::new();
    while let Some(row) = rows.next()? {
        let (key, why): (i64, String) = (row.get(0)?, row.get(1)?);
        // A reason of a newer version, or a target that is gone.
        let Some(why) = GapReason::parse(&why) else {
            continue;
        };
        let target = targets.get(&key).cloned();
        if target.is_none() && key != ALL_TARGETS {
            continue;
        }
        let (from_unix_ns, to_unix_ns): (i64, i64) = (row.get(2)?, row.get(3)?);
        let before = last.get(&(key, why)).map(|index| &mut gaps[*index]);
        if let Some(ProbeGap {
            to_unix_ns: Some(end),
            ..
        }) = before
            && from_unix_ns.saturating_sub(*end) <= apart
        {
            *end = to_unix_ns.max(*end);
            continue;
        }
        last.insert((key, why), gaps.len());
        gaps.push(ProbeGap {
            target,
            why,
            from_unix_ns,
            to_unix_ns: Some(to_unix_ns),
        });
    }
    Ok(gaps)
}
