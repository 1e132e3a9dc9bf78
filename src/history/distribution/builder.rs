//! Builds one distribution from single runs and from what was rolled up.

use std::collections::BTreeMap;

use super::{
    super::{
        outcomes::Outcomes,
        rollups::{HOUR, RolledUpHour, RolledUpProbes, StoredTimes},
        series::PlottedRun,
        time_buckets::BucketGrid,
        ttft_sample::TtftSample,
    },
    Distribution, DistributionQuery, HourOfWeek, LastRun, TimeBucket,
    local_hour::LocalHour,
};
use crate::endpoint::TargetId;

/// The runs of one target, real or simulated.
pub(super) struct DistributionBuilder<'a> {
    asked: &'a DistributionQuery,
    grid: BucketGrid,
    buckets: BTreeMap<i64, BucketRuns>,
    hours: BTreeMap<(u8, u8), TtftSample>,
    clock: LocalHour,
    last: Option<LastRun>,
    last_ttft_ms: Option<f64>,
}

/// The runs of one bucket of time.
#[derive(Default)]
struct BucketRuns {
    outcomes: Outcomes,
    ttft: TtftSample,
}

impl<'a> DistributionBuilder<'a> {
    pub(super) fn new(asked: &'a DistributionQuery, grid: BucketGrid) -> Self {
        Self {
            asked,
            grid,
            buckets: BTreeMap::new(),
            hours: BTreeMap::new(),
            clock: LocalHour::default(),
            last: None,
            last_ttft_ms: None,
        }
    }

    /// Adds a run; they come in order of time.
    pub(super) fn add(&mut self, run: &PlottedRun) {
        if !run.is_ok && run.fault.is_none() {
            return;
        }
        let bucket = self.buckets.entry(self.grid.place(run.at)).or_default();
        bucket.outcomes.add(run.fault);
        self.last = Some(LastRun {
            at_unix_ns: run.at,
            fault: run.fault,
        });
        let ttft = run.ttft.filter(|(_, kind)| *kind == self.asked.connection);
        let Some((ms, _)) = ttft else { return };
        bucket.ttft.push(ms);
        self.last_ttft_ms = Some(ms);
        if self.asked.hours_of_week {
            let hour = self.clock.of(run.at, &self.asked.zone);
            self.hours.entry(hour).or_default().push(ms);
        }
    }

    /// Adds probes that were rolled up, to their bucket.
    ///
    /// # Errors
    /// If their TTFTs can't be read.
    pub(super) fn add_rolled_up(&mut self, probes: &RolledUpProbes<'_>) -> rusqlite::Result<()> {
        let place = self.grid.place(probes.from_unix_ns);
        let bucket = self.buckets.entry(place).or_default();
        for (outcome, count) in &probes.outcomes {
            bucket.outcomes.add_word(outcome, *count);
        }
        match probes.ttft {
            Some(times) if probes.connection == Some(self.asked.connection) => {
                bucket.ttft.add(times)
            }
            _ => Ok(()),
        }
    }

    /// Adds the TTFTs of an hour that was rolled up, to its hour of the week. An hour of UTC that lies in two local ones
    /// is counted in that of its middle.
    ///
    /// # Errors
    /// If its counts can't be read.
    pub(super) fn add_hour_of_week(&mut self, hour: &RolledUpHour<'_>) -> rusqlite::Result<()> {
        if hour.connection != Some(self.asked.connection) {
            return Ok(());
        }
        let middle = hour.from_unix_ns.saturating_add(HOUR / 2);
        let place = self.clock.of(middle, &self.asked.zone);
        let times = self.hours.entry(place).or_default();
        times.add(StoredTimes::Counts(hour.counts))
    }

    /// The distribution.
    ///
    /// # Errors
    /// If there is no room for so many probes.
    pub(super) fn finish(
        self,
        target: &TargetId,
        simulated: bool,
    ) -> rusqlite::Result<Distribution> {
        let mut outcomes = Outcomes::default();
        let mut all = TtftSample::default();
        let mut buckets = Vec::new();
        for (place, bucket) in self.buckets {
            outcomes.merge(&bucket.outcomes);
            all.merge(&bucket.ttft)?;
            let (from_unix_ns, to_unix_ns) = self.grid.bounds(place);
            buckets.push(TimeBucket {
                from_unix_ns,
                to_unix_ns,
                ttft: bucket.ttft.quantiles()?,
                outcomes: bucket.outcomes,
            });
        }
        // A row without a probe that counts makes no bucket.
        buckets.retain(|bucket| bucket.outcomes.runs() > 0);
        let mut hours = Vec::new();
        for ((weekday, hour), ttft) in self.hours {
            let ttft = ttft.quantiles()?;
            hours.extend(ttft.p50.map(|median_ms| HourOfWeek {
                weekday,
                hour,
                runs: ttft.runs,
                median_ms,
            }));
        }
        Ok(Distribution {
            target: target.clone(),
            simulated,
            ttft: all.quantiles()?,
            outcomes,
            last: self.last,
            last_ttft_ms: self.last_ttft_ms,
            buckets,
            hours,
            ecdf: all.spread()?,
        })
    }
}
