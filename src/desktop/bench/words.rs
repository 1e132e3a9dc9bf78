//! A bench in words.

use crate::{
    bench::{ArrivalProcess, BenchPlan, BenchSummary, Load},
    desktop::widgets::{count, counted},
    endpoint::local_gateway,
    visible::visible_line,
};

/// A number a second: `20`, `0.5`, `1 234`.
pub fn rate_text(per_second: f64) -> String {
    if per_second >= 1_000.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "above a thousand, digits behind the point say nothing"
        )]
        return count(per_second.round() as u64);
    }
    let text = if per_second < 10.0 {
        format!("{per_second:.2}")
    } else {
        format!("{per_second:.1}")
    };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What a load is.
pub fn load_text(load: &Load) -> String {
    match load {
        Load::Closed { concurrency } => counted((*concurrency).into(), "stream"),
        Load::Rate {
            per_second,
            arrivals,
        } => {
            let arrivals = match arrivals {
                ArrivalProcess::Constant => "evenly",
                ArrivalProcess::Poisson => "Poisson",
            };
            format!("{} requests/s, {arrivals}", rate_text(*per_second))
        }
        Load::Trace { offsets } => format!("a trace of {} requests", count(offsets.len() as u64)),
    }
}

/// Whom a bench asks, and with what load.
pub fn plan_text(plan: &BenchPlan) -> String {
    let target = local_gateway::shown(&plan.target);
    format!("{} · {}", visible_line(&target), load_text(&plan.load))
}

/// Why a bench counts, or why it doesn’t: the first thing that is said of it.
pub fn validity_text(found: &BenchSummary) -> String {
    match found.why_invalid() {
        None => "Valid: this machine kept up".to_owned(),
        Some(why) if found.invalid.is_empty() => format!("Invalid: {why}"),
        Some(why) => format!("Invalid: this machine was late, so no figure counts: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::InvalidReason;

    #[test]
    fn rates_have_no_idle_digits() {
        for (rate, text) in [
            (20.0, "20"),
            (0.5, "0.5"),
            (19.97, "20"),
            (19.94, "19.9"),
            (1_234.5, "1\u{202f}235"),
            (3.333, "3.33"),
        ] {
            assert_eq!(rate_text(rate), text);
        }
    }

    #[test]
    fn what_makes_a_bench_invalid_is_said_first() {
        let mut found = BenchSummary {
            valid: true,
            ..BenchSummary::default()
        };
        assert!(validity_text(&found).starts_with("Valid"));
        found.valid = false;
        assert_eq!(validity_text(&found), "Invalid: nothing was measured");
        found.invalid = vec![InvalidReason::Lagged {
            p99_ms: 41.0,
            allowed_ms: 12.0,
        }];
        let text = validity_text(&found);
        assert!(
            text.contains("no figure counts") && text.contains("p99 41.0 ms"),
            "{text}"
        );
    }
}
