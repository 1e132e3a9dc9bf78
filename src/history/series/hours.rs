//! The part of a plot's stretch whose probes were rolled up: one point an hour, and the counts and medians of all.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::{super::rollups, Median, PixelGrid, Series, SeriesHour};
use crate::{history::rollups::ProbeRollup, run::ConnectionKind};

/// What was rolled up of one target, real or simulated.
#[derive(Default)]
pub(super) struct RolledUp {
    /// Hours with a measured probe, in order of time.
    hours: Vec<SeriesHour>,
    /// All probes of the stretch, by the word of their connection.
    sums: BTreeMap<String, ProbeRollup>,
}

/// What was rolled up of a target in the hours that begin in a stretch, or in which it begins: of what is real, and of
/// what is simulated.
///
/// # Errors
/// If the file can't be read.
pub(super) fn of_target(
    file: &Connection,
    target: i64,
    (from, to): (i64, i64),
) -> rusqlite::Result<[RolledUp; 2]> {
    let mut found = [RolledUp::default(), RolledUp::default()];
    let mut select = file.prepare_cached(
        "SELECT simulated, connection, from_unix_ns, measured, median_ms FROM probe_rollup
            WHERE target = ?1 AND length = ?2 AND from_unix_ns BETWEEN ?3 AND ?4 AND measured > 0
            ORDER BY from_unix_ns",
    )?;
    let first = rollups::start_of(from, rollups::HOUR);
    let mut rows = select.query((target, rollups::HOUR, first, to))?;
    while let Some(row) = rows.next()? {
        let of = &mut found[usize::from(row.get::<_, bool>(0)?)];
        of.hours.extend(hour(row)?);
    }
    for (length, (first, last)) in parts(first, to) {
        add_sums(file, (target, length, first, last), &mut found)?;
    }
    Ok(found)
}

fn hour(row: &Row<'_>) -> rusqlite::Result<Option<SeriesHour>> {
    let connection = row.get_ref(1)?.as_str_or_null()?;
    let median_ms: Option<f64> = row.get(4)?;
    let runs: i64 = row.get(3)?;
    let known = connection.and_then(ConnectionKind::parse).zip(median_ms);
    let from_unix_ns = row.get(2)?;
    Ok(known.map(|(connection, ms)| SeriesHour {
        from_unix_ns,
        connection,
        median: Median {
            runs: usize::try_from(runs).unwrap_or_default(),
            ms,
        },
    }))
}

/// The rows that make up the hours from `first` to `to`: whole days where there are some, hours before and after them.
/// Each part has the length of its rows, and the first and last begin.
fn parts(first: i64, to: i64) -> Vec<(i64, (i64, i64))> {
    use rollups::{DAY, HOUR, start_of};
    let next_day = start_of(first.saturating_add(DAY - 1), DAY);
    // The last hour begins at `to` or before.
    let end = start_of(to, HOUR).saturating_add(HOUR);
    let last_day = start_of(end, DAY);
    if next_day >= last_day {
        return vec![(HOUR, (first, to))];
    }
    vec![
        (HOUR, (first, next_day - 1)),
        (DAY, (next_day, last_day - 1)),
        (HOUR, (last_day, to)),
    ]
}

fn add_sums(
    file: &Connection,
    (target, length, first, last): (i64, i64, i64, i64),
    found: &mut [RolledUp; 2],
) -> rusqlite::Result<()> {
    let mut select = file.prepare_cached(
        "SELECT simulated, connection, late, outcomes, ttft FROM probe_rollup
            WHERE target = ?1 AND length = ?2 AND from_unix_ns BETWEEN ?3 AND ?4",
    )?;
    let mut rows = select.query((target, length, first, last))?;
    while let Some(row) = rows.next()? {
        let of = &mut found[usize::from(row.get::<_, bool>(0)?)];
        let outcomes: String = row.get(3)?;
        let sketch = rollups::sketch_in(row, 4)?;
        let part = ProbeRollup::of_cells(row.get(2)?, &outcomes, sketch)?;
        of.sums.entry(row.get(1)?).or_default().merge(&part)?;
    }
    Ok(())
}

impl RolledUp {
    /// Adds what was rolled up to a series of the same stretch. Where several hours fall on one pixel, the one with the
    /// lowest, the median and the highest median of each connection kind are kept.
    pub(super) fn add_to(
        self,
        series: &mut Series,
        pixels: &PixelGrid,
        raw: [Vec<f64>; 2],
    ) -> rusqlite::Result<()> {
        for sum in self.sums.values() {
            let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
            series.faults += count(sum.faults());
            series.late += count(sum.late);
        }
        let [warm, cold] = raw;
        let [warm_p95, cold_p95] = &mut series.p95_ms;
        for (connection, raw, median, p95) in [
            (ConnectionKind::Warm, warm, &mut series.warm, warm_p95),
            (ConnectionKind::Cold, cold, &mut series.cold, cold_p95),
        ] {
            let rolled = self.sums.get(connection.as_str());
            *median = match rolled.and_then(|sum| sum.ttft.as_ref()) {
                Some(sketch) => {
                    // What is known of the latest probes alone is not that of the stretch.
                    *p95 = None;
                    rollups::median_with(sketch, &raw)?
                }
                None => Median::of(raw),
            };
        }
        series.hours = decimated(&self.hours, pixels);
        Ok(())
    }
}

fn decimated(hours: &[SeriesHour], pixels: &PixelGrid) -> Vec<SeriesHour> {
    let mut kept = Vec::new();
    let by_pixel = hours.chunk_by(|a, b| pixels.of(a.from_unix_ns) == pixels.of(b.from_unix_ns));
    for on_pixel in by_pixel {
        let first = kept.len();
        for connection in [ConnectionKind::Warm, ConnectionKind::Cold] {
            let of_kind = on_pixel.iter().filter(|hour| hour.connection == connection);
            let mut of_kind: Vec<SeriesHour> = of_kind.copied().collect();
            of_kind.sort_by(|a, b| a.median.ms.total_cmp(&b.median.ms));
            let Some(last) = of_kind.len().checked_sub(1) else {
                continue;
            };
            let mut places = vec![0, last / 2, last];
            places.dedup();
            kept.extend(places.into_iter().map(|place| of_kind[place]));
        }
        kept[first..].sort_by_key(|hour| hour.from_unix_ns);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::rollups::{DAY, HOUR};

    #[test]
    fn each_hour_of_a_stretch_is_in_one_part() {
        for (first, to) in [
            (0, 0),
            (0, DAY - 1),
            (0, DAY),
            (0, DAY - HOUR),
            (0, 3 * DAY - 1),
            (5 * HOUR, 5 * HOUR + 7),
            (5 * HOUR, 26 * HOUR),
            (5 * HOUR, 49 * HOUR + 1),
            (-30 * HOUR, 50 * HOUR),
        ] {
            let mut hours: Vec<i64> = Vec::new();
            for (length, (first, last)) in parts(first, to) {
                let mut at = first;
                assert_eq!(at % HOUR, 0);
                while at <= last {
                    if length == DAY {
                        assert_eq!(at % DAY, 0);
                    }
                    hours.extend((0..length / HOUR).map(|hour| at + hour * HOUR));
                    at += length;
                }
            }
            let begin = |n| first + n * HOUR;
            let expected: Vec<i64> = (0..=(to - first) / HOUR).map(begin).collect();
            assert_eq!(hours, expected, "{first} {to}");
        }
    }
}
