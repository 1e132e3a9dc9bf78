//! The part of a plot's stretch whose probes were rolled up: one point an hour, and the counts and medians of all.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::{
    super::rollups::{self, ProbeRollup, RolledUpHour},
    Median, PixelGrid, Series, SeriesHour,
};
use crate::{measure::sketch::TimeSketch, run::ConnectionKind};

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
    let first = rollups::start_of(from, rollups::HOUR);
    rollups::for_each_hour(file, target, (first, to), |hour| {
        let of = &mut found[usize::from(hour.simulated)];
        of.hours.extend(plotted_hour(&hour));
        Ok(())
    })?;
    for of in &mut found {
        of.hours.sort_by_key(|hour| hour.from_unix_ns);
    }
    for (length, (first, last)) in rollups::parts(first, to) {
        add_rows(file, (target, length, first, last), &mut found)?;
        // The row of an hour has no TTFTs.
        if length == rollups::HOUR {
            rollups::for_each_hour(file, target, (first, last), |hour| {
                let connection = hour.connection.map_or("", ConnectionKind::as_str);
                let sums = &mut found[usize::from(hour.simulated)].sums;
                sums.entry(connection.into())
                    .or_default()
                    .add_counts(hour.counts)
            })?;
        }
    }
    Ok(found)
}

fn plotted_hour(hour: &RolledUpHour<'_>) -> Option<SeriesHour> {
    let (runs, ms) = TimeSketch::median_of_counts(hour.counts)?;
    let runs = usize::try_from(runs).unwrap_or(usize::MAX);
    Some(SeriesHour {
        from_unix_ns: hour.from_unix_ns,
        connection: hour.connection?,
        median: Median { runs, ms },
    })
}

/// Adds the counts of rows, and their TTFTs where they have any.
fn add_rows(
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
        let part = ProbeRollup::of_cells(row.get(2)?, &outcomes, None)?;
        let sum = of.sums.entry(row.get(1)?).or_default();
        sum.merge(&part)?;
        if let Some(sketch) = row.get_ref(4)?.as_blob_or_null()? {
            sum.add_stored(sketch)?;
        }
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
                    let whole = rollups::sketch_with(sketch, &raw)?;
                    *p95 = whole.percentiles_ms(&[0.95]).pop().flatten();
                    let runs = usize::try_from(whole.len()).unwrap_or(usize::MAX);
                    whole.median_ms().map(|ms| Median { runs, ms })
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
