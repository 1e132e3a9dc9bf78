//! What a bench would send and cost, said before it is sent; and the question before load goes to another machine.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use serde::Serialize;

use super::args::BenchArgs;
use crate::{
    bench::{BenchPlan, Load, prompts::BenchPrompts},
    cli::{UsageError, note, targets::Ready, terminal::stderr},
    clock::wall_clock_ns,
    endpoint::Endpoint,
    event::Usage,
    price::Usd,
    transport::is_this_machine,
    visible::visible_line,
};

/// What a bench sends and costs at most. What is not known is blank.
#[derive(Debug, Serialize)]
pub(super) struct BenchEstimate {
    r#type: &'static str,
    target: String,
    /// Whether it goes to this machine itself.
    is_local: bool,
    /// Requests, those of the warm-up included; `None` for a closed loop that is limited by time alone.
    requests: Option<u64>,
    most_input_tokens: Option<u64>,
    most_output_tokens: Option<u64>,
    most_usd: Option<f64>,
}

impl BenchEstimate {
    /// The estimate of a plan.
    pub(super) fn of(
        asked: &BenchPrompts,
        ready: &Ready,
        plan: &BenchPlan,
    ) -> Result<Self, UsageError> {
        let endpoint = ready.endpoint(&plan.target)?;
        let most = asked.source(plan, 0).most_tokens();
        let requests = requests(plan);
        let cost = requests.and_then(|requests| {
            let one = most_cost(ready, &endpoint, plan, most.input, most.output)?;
            one.checked_mul(requests)
        });
        let times = |tokens: u64| requests.map(|requests| requests.saturating_mul(tokens));
        Ok(Self {
            r#type: "estimate",
            target: plan.target.to_string(),
            is_local: is_this_machine(&endpoint.base_url),
            requests,
            most_input_tokens: times(most.input),
            most_output_tokens: times(most.output),
            most_usd: cost.map(Usd::dollars),
        })
    }

    /// In words.
    pub(super) fn text(&self) -> String {
        let requests = match self.requests {
            Some(requests) => format!("{requests} requests"),
            None => "requests until the time is over".to_owned(),
        };
        let cost = match self.most_usd {
            Some(usd) => {
                Usd::of_dollars(usd).map_or_else(String::new, |usd| format!(", {usd} at most"))
            }
            None => ", at a cost that is not known".to_owned(),
        };
        format!("{}: {requests}{cost}", visible_line(&self.target))
    }
}

/// What a request costs at most.
fn most_cost(
    ready: &Ready,
    endpoint: &Endpoint,
    plan: &BenchPlan,
    input: u64,
    output: u64,
) -> Option<Usd> {
    if endpoint.simulated {
        return Some(Usd::default());
    }
    let prices = &ready.settings.prices;
    let price = prices.of(endpoint, &plan.target.model, wall_clock_ns())?;
    let usage = Usage {
        input: Some(input),
        output: Some(output),
        ..Usage::default()
    };
    price.cost(&usage, None)
}

/// How many requests a plan sends, the warm-up included; about as many where chance spaces them.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an estimate"
)]
fn requests(plan: &BenchPlan) -> Option<u64> {
    let by_count = plan.stop.requests;
    let by_load = match &plan.load {
        Load::Closed { .. } => None,
        Load::Rate { per_second, .. } => plan
            .stop
            .time_ms
            .map(|time| (per_second * time as f64 / 1e3).ceil() as u64),
        Load::Trace { offsets } => Some(offsets.len() as u64),
    };
    let counted = by_count.into_iter().chain(by_load).min()?;
    Some(counted.saturating_add(plan.warm_up))
}

/// Fails where a budget could not hold, and asks before load goes to another machine.
///
/// # Errors
/// If the user does not agree, or can't be asked.
pub(super) fn agree(
    args: &BenchArgs,
    asked: &BenchPrompts,
    ready: &Ready,
    plans: &[BenchPlan],
) -> Result<(), UsageError> {
    let estimates: Vec<BenchEstimate> = (plans.iter())
        .map(|plan| BenchEstimate::of(asked, ready, plan))
        .collect::<Result<_, _>>()?;
    for plan in plans.iter().filter(|_| args.max_usd.is_some()) {
        let endpoint = ready.endpoint(&plan.target)?;
        if most_cost(ready, &endpoint, plan, 1, 1).is_none() {
            return Err(UsageError::new(format!(
                "what a request costs is not known of {}, so that --max-usd can't hold for it: give it a price in the \
                 settings, as [price.\"endpoint/model\"]",
                visible_line(&plan.target.to_string())
            )));
        }
    }
    let remote: Vec<&BenchEstimate> = estimates.iter().filter(|e| !e.is_local).collect();
    if remote.is_empty() {
        return Ok(());
    }
    for estimate in &remote {
        note(&estimate.text());
    }
    confirm(args.yes)
}

/// What a plan sends, in words.
pub(super) fn requests_text(plan: &BenchPlan) -> String {
    match requests(plan) {
        Some(requests) => format!("{requests} requests"),
        None => "requests until the time is over".to_owned(),
    }
}

/// Asks before load goes to another machine, unless that was said.
///
/// # Errors
/// If the user does not agree, or can't be asked.
pub(super) fn confirm(yes: bool) -> Result<(), UsageError> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(UsageError::new(
            "this load goes to another machine: say --yes if that is meant, or --dry-run to see what it costs",
        ));
    }
    let mut err = stderr();
    // Writing to it can't fail.
    let _ = write!(err, "Send this load to another machine? [y/N] ");
    let _ = err.end();
    let mut answer = String::new();
    let asked = io::stdin().lock().read_line(&mut answer);
    match answer.trim() {
        "y" | "Y" | "yes" if asked.is_ok() => Ok(()),
        _ => Err(UsageError::new("nothing was sent")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ArrivalProcess, BackOff, BenchConnections, GoodputLimits, StopRules};

    fn plan(load: Load, stop: StopRules) -> BenchPlan {
        BenchPlan {
            target: "here/m".parse().unwrap(),
            load,
            ramp_ms: 0,
            connections: BenchConnections::Warm,
            warm_up: 5,
            stop,
            goodput: GoodputLimits::default(),
            back_off: BackOff::Never,
            most_in_flight: 1,
            max_tokens: 1,
            seed: 1,
        }
    }

    #[test]
    fn requests_are_counted_where_that_can_be_known() {
        let closed = Load::Closed { concurrency: 4 };
        let rate = Load::Rate {
            per_second: 2.5,
            arrivals: ArrivalProcess::Poisson,
        };
        let trace = Load::Trace {
            offsets: [0, 1, 2].into(),
        };
        let stop = |requests, time_ms| StopRules {
            requests,
            time_ms,
            ..StopRules::default()
        };
        for (load, stop, expected) in [
            (&closed, stop(Some(100), None), Some(105)),
            (&closed, stop(None, Some(1_000)), None),
            (&rate, stop(None, Some(10_000)), Some(30)),
            (&rate, stop(Some(10), Some(10_000)), Some(15)),
            (&trace, stop(None, None), Some(8)),
            (&trace, stop(Some(2), None), Some(7)),
        ] {
            assert_eq!(requests(&plan(load.clone(), stop)), expected);
        }
    }
}
