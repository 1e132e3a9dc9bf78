//! The part of a plot's stretch whose probes were rolled up: one point an hour, and the counts and medians of all.

use rusqlite::Connection;

use super::{
    super::{
        outcomes::Outcomes,
        rollups::{self, RolledUpHour, RolledUpProbes},
    },
    Median, PixelGrid, Series, SeriesHour,
};
use crate::{measure::sketch::TimeSketch, run::ConnectionKind};

/// What was rolled up of one target, real or simulated.
#[derive(Default)]
pub(super) struct RolledUp {
    /// Hours with a measured probe, in order of time.
    hours: Vec<SeriesHour>,
    /// All probes of the stretch: how they ended, and how many were read late.
    outcomes: Outcomes,
    late: u64,
    /// The TTFTs of the measured ones, warm and cold.
    ttft: [Option<TimeSketch>; 2],
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
    rollups::for_each_part(file, target, &rollups::parts(first, to), |probes| {
        found[usize::from(probes.simulated)].add(probes)
    })?;
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

impl RolledUp {
    fn add(&mut self, probes: &RolledUpProbes<'_>) -> rusqlite::Result<()> {
        self.late += probes.late;
        for (outcome, count) in &probes.outcomes {
            self.outcomes.add_word(outcome, *count);
        }
        let [warm, cold] = &mut self.ttft;
        match (probes.ttft, probes.connection) {
            (Some(times), Some(ConnectionKind::Warm)) => times.add_to(warm),
            (Some(times), Some(ConnectionKind::Cold)) => times.add_to(cold),
            _ => Ok(()),
        }
    }

    /// Adds what was rolled up to a series of the same stretch. Where several hours fall on one pixel, the one with the
    /// lowest, the median and the highest median of each connection kind are kept.
    pub(super) fn add_to(
        self,
        series: &mut Series,
        pixels: &PixelGrid,
        raw: [Vec<f64>; 2],
    ) -> rusqlite::Result<()> {
        series.faults += self.outcomes.failed();
        series.late += usize::try_from(self.late).unwrap_or(usize::MAX);
        let medians = [&mut series.warm, &mut series.cold];
        let figures = medians.into_iter().zip(&mut series.p95_ms);
        for ((rolled_up, raw), (median, p95)) in self.ttft.iter().zip(raw).zip(figures) {
            *median = match rolled_up {
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
