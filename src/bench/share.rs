//! A load that several machines send together: each one's part of the plan, and the plan of all parts.

use super::plan::{ArrivalProcess, BenchPlan, Load, StopRules};
use crate::seeded::scattered;

/// One machine's part of a load: the `index`-th, from 0, of `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadShare {
    index: u32,
    of: u32,
}

/// Why a load can't be shared, or parts are not of one load.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// Some machine would have nothing to do.
    #[error("{of} machines can't share {n} {what}: choose fewer machines, or more {what}")]
    TooFew {
        /// How many there are.
        n: u64,
        /// Of what.
        what: &'static str,
        /// Among how many machines.
        of: u32,
    },
    /// Parts differ in what all parts of a load have in common.
    #[error("they are no parts of one load: {0} differs")]
    Differs(&'static str),
}

impl LoadShare {
    /// The `index`-th part, from 0, of `of`; `None` if there is no such part.
    #[must_use]
    pub fn new(index: u32, of: u32) -> Option<Self> {
        (index < of).then_some(Self { index, of })
    }

    /// All of it: there is one machine.
    #[must_use]
    pub fn whole() -> Self {
        Self { index: 0, of: 1 }
    }

    /// Its place and how many there are.
    #[must_use]
    pub fn place(self) -> (u32, u32) {
        (self.index, self.of)
    }

    /// The number among all requests of the one that is this machine's `number`-th.
    #[must_use]
    pub fn number_of_all(self, number: u64) -> u64 {
        let before = number.wrapping_mul(self.of.into());
        before.wrapping_add(self.index.into())
    }

    /// This part of a count: counts differ by one at most.
    fn count(self, n: u64) -> u64 {
        let of = u64::from(self.of);
        n / of + u64::from(u64::from(self.index) < n % of)
    }

    /// This part of a count that no machine may be without.
    fn some(self, n: u64, what: &'static str) -> Result<u64, ShareError> {
        let of = self.of;
        if n < u64::from(of) {
            return Err(ShareError::TooFew { n, what, of });
        }
        Ok(self.count(n))
    }

    /// Whether one machine sends all of it.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.of == 1
    }
}

impl BenchPlan {
    /// One machine's part of this plan.
    ///
    /// Streams, requests, the warm-up and the budget are divided. Of a rate each machine sends its part: Poisson
    /// processes with seeds of their own add up to one of the whole rate. Of a trace the machines send every `of`-th
    /// request in turn. Times, limits and the count of failures are the same for each.
    ///
    /// # Errors
    /// If a machine would have nothing to do.
    pub fn share(&self, share: LoadShare) -> Result<Self, ShareError> {
        if share.is_whole() {
            return Ok(self.clone());
        }
        let requests = self.stop.requests;
        let requests = requests.map(|n| share.some(n, "requests")).transpose()?;
        Ok(Self {
            load: self.load.share(share)?,
            warm_up: share.count(self.warm_up),
            stop: StopRules {
                requests,
                cost_usd: self.stop.cost_usd.map(|usd| usd / f64::from(share.of)),
                ..self.stop.clone()
            },
            most_in_flight: self.most_in_flight.div_ceil(share.of),
            seed: seed(self.seed, share.index),
            ..self.clone()
        })
    }

    /// The plan of which these are the parts, as far as it can be known from them; the seed is that of the first.
    ///
    /// # Errors
    /// If they are no parts of one load: targets, kinds of load, connections, limits, what is asked or what a 429 changes
    /// differ.
    pub fn of_parts(parts: &[&Self]) -> Result<Self, ShareError> {
        let [first, rest @ ..] = parts else {
            return Err(ShareError::Differs("everything"));
        };
        let mut whole = (*first).clone();
        for part in rest {
            whole.add(part)?;
        }
        Ok(whole)
    }

    fn add(&mut self, part: &Self) -> Result<(), ShareError> {
        let same = [
            ("the target", self.target == part.target),
            (
                "the kind of connections",
                self.connections == part.connections,
            ),
            ("what must be kept to be good", self.goodput == part.goodput),
            ("what a 429 changes", self.back_off == part.back_off),
            ("the most output tokens", self.max_tokens == part.max_tokens),
            (
                "what is asked",
                // Older files do not say.
                self.asked.is_none() || part.asked.is_none() || self.asked == part.asked,
            ),
        ];
        if let Some((what, _)) = same.iter().find(|(_, is_same)| !is_same) {
            return Err(ShareError::Differs(what));
        }
        self.load.add(&part.load)?;
        let (stop, more) = (&mut self.stop, &part.stop);
        let requests = stop.requests.zip(more.requests);
        stop.requests = requests.map(|(a, b)| a.saturating_add(b));
        stop.time_ms = stop.time_ms.max(more.time_ms);
        stop.failures = stop.failures.max(more.failures);
        stop.cost_usd = stop.cost_usd.zip(more.cost_usd).map(|(a, b)| a + b);
        self.warm_up = self.warm_up.saturating_add(part.warm_up);
        self.most_in_flight = self.most_in_flight.saturating_add(part.most_in_flight);
        self.ramp_ms = self.ramp_ms.max(part.ramp_ms);
        Ok(())
    }
}

impl Load {
    fn share(&self, share: LoadShare) -> Result<Self, ShareError> {
        Ok(match self {
            Self::Closed { concurrency } => {
                let streams = share.some((*concurrency).into(), "streams")?;
                Self::Closed {
                    // A part is no larger than the whole.
                    concurrency: u32::try_from(streams).unwrap_or(*concurrency),
                }
            }
            Self::Rate {
                per_second,
                arrivals,
            } => Self::Rate {
                per_second: per_second / f64::from(share.of),
                arrivals: *arrivals,
            },
            Self::Trace { offsets } => {
                share.some(offsets.len() as u64, "requests")?;
                let own = offsets.iter().skip(share.index as usize);
                Self::Trace {
                    offsets: own.step_by(share.of as usize).copied().collect(),
                }
            }
        })
    }

    fn add(&mut self, part: &Self) -> Result<(), ShareError> {
        match (&mut *self, part) {
            (Self::Closed { concurrency }, Self::Closed { concurrency: more }) => {
                *concurrency = concurrency.saturating_add(*more);
            }
            (
                Self::Rate {
                    per_second,
                    arrivals,
                },
                Self::Rate {
                    per_second: more,
                    arrivals: spaced,
                },
            ) => {
                if arrivals != spaced {
                    return Err(ShareError::Differs("the spacing of requests"));
                }
                *per_second += more;
            }
            (Self::Trace { offsets }, Self::Trace { offsets: more }) => {
                let mut all = [&offsets[..], &more[..]].concat();
                all.sort_unstable();
                *offsets = all.into();
            }
            _ => return Err(ShareError::Differs("the kind of load")),
        }
        Ok(())
    }

    /// How long after the others a machine is to begin, so that requests at equal distances are so together, too, in
    /// nanoseconds.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "conversion saturates"
    )]
    pub fn begins_after_ns(&self, share: LoadShare) -> u64 {
        match self {
            Self::Rate {
                per_second,
                arrivals: ArrivalProcess::Constant,
            } => (1e9 / per_second * f64::from(share.index)) as u64,
            _ => 0,
        }
    }
}

/// The seed of a part. Seeds that follow each other would give parts that overlap, so they are scattered.
fn seed(seed: u64, index: u32) -> u64 {
    let apart = (u64::from(index) + 1).wrapping_mul(0xd134_2543_de82_ef95);
    // JSON of other languages has 53 bits.
    scattered(seed ^ apart) >> 11
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{BenchSchedule, plan::tests::a_plan};

    fn shares(plan: &BenchPlan, of: u32) -> Result<Vec<BenchPlan>, ShareError> {
        (0..of)
            .map(|index| plan.share(LoadShare::new(index, of).unwrap()))
            .collect()
    }

    fn whole(parts: &[BenchPlan]) -> Result<BenchPlan, ShareError> {
        BenchPlan::of_parts(&parts.iter().collect::<Vec<_>>())
    }

    #[test]
    fn the_parts_of_every_load_add_up_to_the_whole() {
        let stop = StopRules {
            requests: Some(101),
            time_ms: Some(9_000),
            failures: Some(3),
            cost_usd: Some(1.5),
            ..StopRules::default()
        };
        let rate = |arrivals| Load::Rate {
            per_second: 12.0,
            arrivals,
        };
        for load in [
            Load::Closed { concurrency: 10 },
            rate(ArrivalProcess::Constant),
            rate(ArrivalProcess::Poisson),
            Load::Trace {
                offsets: [0, 5, 5, 9, 11, 20, 21].into(),
            },
        ] {
            let plan = BenchPlan {
                load,
                warm_up: 5,
                stop: stop.clone(),
                most_in_flight: 999,
                ..a_plan()
            };
            let parts = shares(&plan, 3).unwrap();
            let mut again = whole(&parts).unwrap();
            again.seed = plan.seed;
            assert_eq!(again, plan);
            let seeds = [parts[0].seed, parts[1].seed, parts[2].seed];
            assert!(seeds[0] != seeds[1] && seeds[1] != seeds[2] && seeds[0] != seeds[2]);
            assert_eq!(shares(&plan, 1).unwrap(), [plan]);
        }
    }

    #[test]
    fn a_machine_without_work_is_refused() {
        let few = |load, requests| BenchPlan {
            load,
            stop: StopRules {
                requests,
                ..StopRules::default()
            },
            ..a_plan()
        };
        let trace = Load::Trace {
            offsets: [1, 2].into(),
        };
        for (plan, what) in [
            (few(Load::Closed { concurrency: 2 }, None), "streams"),
            (few(Load::Closed { concurrency: 9 }, Some(2)), "requests"),
            (few(trace, None), "requests"),
        ] {
            let (n, of) = (2, 3);
            assert_eq!(shares(&plan, 3), Err(ShareError::TooFew { n, what, of }));
        }
        assert_eq!(LoadShare::new(3, 3), None);
    }

    #[test]
    fn parts_of_other_loads_are_told_apart() {
        let closed = a_plan();
        let other = BenchPlan {
            max_tokens: 1,
            ..a_plan()
        };
        let trace = BenchPlan {
            load: Load::Trace {
                offsets: [1].into(),
            },
            ..a_plan()
        };
        assert!(whole(&[closed.clone(), other]).is_err());
        assert_eq!(
            whole(&[closed, trace]),
            Err(ShareError::Differs("the kind of load"))
        );
    }

    /// Together, the parts of a Poisson process are one again: the gaps of all arrivals have the mean and the spread of
    /// an exponential distribution.
    #[test]
    fn poisson_parts_are_independent() {
        let plan = BenchPlan {
            load: Load::Rate {
                per_second: 1_000.0,
                arrivals: ArrivalProcess::Poisson,
            },
            ..a_plan()
        };
        let parts = shares(&plan, 4).unwrap();
        let mut due: Vec<u64> = parts
            .iter()
            .flat_map(|part| BenchSchedule::of(part).unwrap().take(30_000))
            .map(|(_, due)| due)
            .collect();
        due.sort_unstable();
        due.truncate(100_000);
        #[expect(clippy::cast_precision_loss, reason = "times of a test")]
        let gaps: Vec<f64> = due
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) as f64)
            .collect();
        let mean = gaps.iter().sum::<f64>() / 99_999.0;
        let spread = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 99_999.0;
        assert!((mean / 1e6 - 1.0).abs() < 0.02, "{mean}");
        assert!((spread.sqrt() / mean - 1.0).abs() < 0.02, "{spread}");
    }

    #[test]
    fn constant_parts_begin_one_after_another() {
        let plan = BenchPlan {
            load: Load::Rate {
                per_second: 100.0,
                arrivals: ArrivalProcess::Constant,
            },
            ..a_plan()
        };
        let after = [0, 1, 3].map(|index| {
            let share = LoadShare::new(index, 4).unwrap();
            plan.load.begins_after_ns(share)
        });
        assert_eq!(after, [0, 10_000_000, 30_000_000]);
        assert_eq!(
            a_plan().load.begins_after_ns(LoadShare::new(3, 4).unwrap()),
            0
        );
    }
}
