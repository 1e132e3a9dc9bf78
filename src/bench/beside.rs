//! Two benches side by side: the figures of both, and what their intervals say of the difference.
//!
//! In: two plans and summaries. Out: a [`BenchesBeside`]. The benches ran at different times, so that they also differ by
//! what changed between them; requests are taken to be independent, as for the intervals of one bench.

mod plans;

pub use self::plans::PlanDifference;
use super::{BenchPlan, BenchSummary, figures::share_interval, float, time_rows::time_rows};
use crate::{
    event::words,
    measure::evidence::{IntervalEstimate, Method, Quantile, independent_difference},
};

words! {
    /// What the interval of a difference says of B against A.
    DifferenceVerdict {
        /// All of it is below 0.
        Lower = "lower",
        /// All of it is above 0.
        Higher = "higher",
        /// 0 lies in it.
        CantTell = "cant_tell",
    }
}

impl DifferenceVerdict {
    fn of(difference: &IntervalEstimate) -> Option<Self> {
        let (low, high) = difference.low.zip(difference.high)?;
        Some(if high < 0.0 {
            Self::Lower
        } else if low > 0.0 {
            Self::Higher
        } else {
            Self::CantTell
        })
    }

    /// In words.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Lower => "B is lower",
            Self::Higher => "B is higher",
            Self::CantTell => "can’t tell",
        }
    }
}

words! {
    /// What a figure is counted in.
    FigureUnit {
        /// Milliseconds.
        Ms = "ms",
        /// A share, from 0 to 1.
        Share = "share",
        /// A number a second.
        PerSecond = "per_second",
    }
}

/// A figure of both benches.
#[derive(Clone, Debug, PartialEq)]
pub struct FigureBeside {
    /// Where it stands in the JSON of a bench, with a point between the levels.
    pub key: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Which quantile of it; `None` if it has none.
    pub quantile: Option<Quantile>,
    /// What it is counted in.
    pub unit: FigureUnit,
    /// Of A.
    pub a: IntervalEstimate,
    /// Of B.
    pub b: IntervalEstimate,
    /// B − A.
    pub difference: IntervalEstimate,
    /// What follows; `None` without an interval, and where one of the benches does not count.
    pub verdict: Option<DifferenceVerdict>,
}

/// Two benches side by side.
#[derive(Clone, Debug)]
pub struct BenchesBeside {
    /// Whether both are valid. A verdict on one that is not would be one on the machine that sent the load.
    pub do_count: bool,
    /// What was planned differently.
    pub plans: Vec<PlanDifference>,
    /// The times that both of them have, and the other figures that at least one has.
    pub figures: Vec<FigureBeside>,
}

impl BenchesBeside {
    /// How the intervals of differences are made.
    pub const METHOD: Method = Method::Mover;

    /// What two benches found, side by side.
    #[must_use]
    pub fn of(a: (&BenchPlan, &BenchSummary), b: (&BenchPlan, &BenchSummary)) -> Self {
        let do_count = a.1.valid && b.1.valid;
        let mut figures = times(a.1, b.1);
        figures.extend(
            PLAIN
                .iter()
                .map(|(name, of)| FigureBeside::of(*name, of(a.1), of(b.1))),
        );
        figures.retain(|figure| figure.a.value.is_some() || figure.b.value.is_some());
        if !do_count {
            for figure in &mut figures {
                figure.verdict = None;
            }
        }
        Self {
            do_count,
            plans: plans::differences(a.0, b.0),
            figures,
        }
    }
}

fn times(a: &BenchSummary, b: &BenchSummary) -> Vec<FigureBeside> {
    let of_b = time_rows(b);
    let both = time_rows(a).into_iter().filter_map(|row| {
        let other = of_b.iter().find(|other| other.key == row.key)?;
        Some((row, other.figures))
    });
    let quantiles = both.flat_map(|(row, other)| {
        Quantile::ALL.map(|quantile| FigureBeside {
            quantile: Some(quantile),
            ..FigureBeside::of(
                (row.key, row.name.trim(), FigureUnit::Ms),
                row.figures.quantile(quantile),
                other.quantile(quantile),
            )
        })
    });
    quantiles.collect()
}

/// Where a figure stands, its name, and what it is counted in.
type FigureName = (&'static str, &'static str, FigureUnit);

/// A figure of a summary.
type FigureOf = fn(&BenchSummary) -> IntervalEstimate;

/// The figures without quantiles.
const PLAIN: [(FigureName, FigureOf); 4] = [
    (("goodput.share", "Goodput", FigureUnit::Share), goodput),
    (("requests.failed", "Failed", FigureUnit::Share), failed),
    (
        ("achieved_rate", "Sent a second", FigureUnit::PerSecond),
        |found| IntervalEstimate::new(found.achieved_rate, None),
    ),
    (
        ("completed_rate", "Complete a second", FigureUnit::PerSecond),
        |found| IntervalEstimate::new(found.completed_rate, None),
    ),
];

impl FigureBeside {
    fn of((key, name, unit): FigureName, a: IntervalEstimate, b: IntervalEstimate) -> Self {
        let difference = independent_difference(&a, &b);
        Self {
            key,
            name,
            quantile: None,
            unit,
            a,
            b,
            difference,
            verdict: DifferenceVerdict::of(&difference),
        }
    }
}

fn goodput(found: &BenchSummary) -> IntervalEstimate {
    let goodput = found.goodput.unwrap_or_default();
    IntervalEstimate {
        value: goodput.share,
        low: goodput.share_low,
        high: goodput.share_high,
    }
}

/// The share that failed of all that were answered or failed.
fn failed(found: &BenchSummary) -> IntervalEstimate {
    let failed = found.requests.failed;
    let of = found.requests.ok + failed;
    let share = (of > 0).then(|| float(failed) / float(of));
    IntervalEstimate::new(share, share_interval(failed, of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{RequestCounts, TimeFigures, plan::tests::a_plan};

    fn found(p50: f64, failed: u64) -> BenchSummary {
        BenchSummary {
            valid: true,
            ttft_ms: TimeFigures {
                n: 100,
                p50: Some(p50),
                p50_low: Some(p50 - 5.0),
                p50_high: Some(p50 + 5.0),
                ..TimeFigures::default()
            },
            requests: RequestCounts {
                ok: 100 - failed,
                failed,
                ..RequestCounts::default()
            },
            ..BenchSummary::default()
        }
    }

    fn beside(a: &BenchSummary, b: &BenchSummary) -> BenchesBeside {
        BenchesBeside::of((&a_plan(), a), (&a_plan(), b))
    }

    #[test]
    fn only_an_interval_that_excludes_0_tells_which_is_lower() {
        let told = |a: f64, b: f64| beside(&found(a, 0), &found(b, 0)).figures[0].verdict;
        assert_eq!(told(100.0, 80.0), Some(DifferenceVerdict::Lower));
        assert_eq!(told(100.0, 108.0), Some(DifferenceVerdict::Higher));
        assert_eq!(told(100.0, 107.0), Some(DifferenceVerdict::CantTell));
        let row = &beside(&found(100.0, 0), &found(80.0, 0)).figures[0];
        assert_eq!((row.key, row.quantile), ("ttft_ms", Some(Quantile::Median)));
        assert_eq!(row.difference.value, Some(-20.0));
        let reach = 50.0_f64.sqrt();
        assert!((row.difference.high.unwrap() - (reach - 20.0)).abs() < 1e-9);
    }

    #[test]
    fn failures_stand_beside_each_other_with_their_interval() {
        let both = beside(&found(100.0, 0), &found(100.0, 40));
        let failed = both
            .figures
            .iter()
            .find(|row| row.name == "Failed")
            .unwrap();
        assert_eq!((failed.a.value, failed.b.value), (Some(0.0), Some(0.4)));
        assert_eq!(failed.verdict, Some(DifferenceVerdict::Higher));
        assert!(
            !both.figures.iter().any(|row| row.name == "Goodput"),
            "none was asked for"
        );
    }

    #[test]
    fn one_that_is_invalid_decides_nothing() {
        let invalid = BenchSummary {
            valid: false,
            ..found(50.0, 0)
        };
        let both = beside(&found(100.0, 0), &invalid);
        assert!(!both.do_count);
        assert!(both.figures.iter().all(|row| row.verdict.is_none()));
        assert_eq!(
            both.figures[0].difference.value,
            Some(-50.0),
            "told, not judged"
        );
    }

    #[test]
    fn rates_have_no_interval_and_so_no_verdict() {
        let rate = |rate| BenchSummary {
            achieved_rate: Some(rate),
            ..found(1.0, 0)
        };
        let both = beside(&rate(5.0), &rate(7.0));
        let sent = both.figures.last().unwrap();
        assert_eq!(
            (sent.key, sent.difference.value),
            ("achieved_rate", Some(2.0))
        );
        assert_eq!(sent.verdict, None);
    }
}
