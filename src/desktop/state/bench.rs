//! The load bench that runs here, or ran here last.

use std::sync::Arc;

use crate::{
    bench::{BenchId, BenchSummary},
    engine::{BenchNews, BenchProgress},
    event::Fault,
};

/// Most samples of a course: as many as a plot has room for. Beyond it every other one goes.
const MOST_SAMPLES: usize = 1_200;

/// What the engine told of load benches.
#[derive(Clone, Debug, Default)]
pub struct LiveBench {
    /// How the one that runs goes; `None` if none does, or it was not told yet.
    pub progress: Option<Box<BenchProgress>>,
    /// How it went so far, in the order of time.
    pub course: Vec<BenchProgress>,
    /// The one that ended last, or could not be run.
    pub over: Option<EndedBench>,
    /// Of how many times that progress was told one is kept, less one.
    skipped: usize,
    told: usize,
}

/// A bench that is over.
#[derive(Clone, Debug)]
pub struct EndedBench {
    /// Its key.
    pub id: BenchId,
    /// What it found; of one that could not be run, why.
    pub found: Result<Arc<BenchSummary>, Fault>,
    /// The first failure, with the provider's words.
    pub first_fault: Option<Fault>,
}

impl LiveBench {
    /// Folds in what the engine told.
    pub(super) fn apply(&mut self, news: BenchNews) {
        match news {
            BenchNews::Progress(progress) => self.go_on(progress),
            BenchNews::Refused { id, fault } => self.end(EndedBench {
                id,
                found: Err(fault),
                first_fault: None,
            }),
            BenchNews::Over {
                id,
                summary,
                first_fault,
            } => self.end(EndedBench {
                id,
                found: Ok(summary),
                first_fault,
            }),
        }
    }

    fn go_on(&mut self, progress: Box<BenchProgress>) {
        let before = self.progress.as_ref().map(|before| before.id);
        if before != Some(progress.id) {
            self.course.clear();
            (self.skipped, self.told) = (0, 0);
        }
        if self.told.is_multiple_of(self.skipped + 1) {
            self.course.push((*progress).clone());
        }
        self.told += 1;
        if self.course.len() > MOST_SAMPLES {
            let mut place = 0;
            self.course.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.skipped = 2 * self.skipped + 1;
        }
        self.progress = Some(progress);
    }

    fn end(&mut self, over: EndedBench) {
        let is_it = |progress: &BenchProgress| progress.id == over.id;
        if self.progress.as_deref().is_some_and(is_it) {
            self.progress = None;
        }
        self.over = Some(over);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(id: i64, elapsed_ms: f64) -> BenchNews {
        let progress = BenchProgress {
            id: BenchId(id),
            elapsed_ms,
            ..BenchProgress::default()
        };
        BenchNews::Progress(progress.into())
    }

    #[test]
    fn a_long_course_is_thinned_out_evenly() {
        let mut live = LiveBench::default();
        for n in 0..10_000 {
            live.apply(progress(1, f64::from(n)));
        }
        assert!(live.course.len() <= MOST_SAMPLES, "{}", live.course.len());
        let times: Vec<f64> = live.course.iter().map(|one| one.elapsed_ms).collect();
        let distance = times[1] - times[0];
        let is_even = |pair: &[f64]| (pair[1] - pair[0] - distance).abs() < 1e-9;
        assert!(times.windows(2).all(is_even), "{times:?}");
        live.apply(progress(2, 0.5));
        assert_eq!(live.course.len(), 1, "another bench");
    }

    #[test]
    fn a_bench_that_is_refused_ends_no_other() {
        let mut live = LiveBench::default();
        live.apply(progress(1, 1.0));
        let fault = Fault::new(
            crate::event::FaultClass::BadRequest,
            crate::event::Phase::Prepare,
            "another bench is running",
        );
        live.apply(BenchNews::Refused {
            id: BenchId(2),
            fault,
        });
        assert!(live.progress.is_some() && live.over.is_some());
        live.apply(BenchNews::Over {
            id: BenchId(1),
            summary: Arc::default(),
            first_fault: None,
        });
        assert!(live.progress.is_none());
        assert_eq!(live.over.map(|over| over.id), Some(BenchId(1)));
    }
}
