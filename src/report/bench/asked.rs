//! What was asked of a bench.

use std::fmt::Write as _;

use super::{
    super::{
        heading::facts,
        html::Html,
        number::{count_text, percent_text, time_text},
    },
    ReportedBench,
};
use crate::{
    bench::{
        ArrivalProcess, BackOff, BenchConnections, BenchPlan, GoodputLimits, Load, StopReason,
    },
    price::Usd,
    run::ms,
};

/// A number a second, without idle digits.
pub(super) fn rate_text(per_second: f64) -> String {
    let text = format!("{per_second:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What a load is.
pub(super) fn load_in_words(plan: &BenchPlan) -> String {
    match &plan.load {
        Load::Closed { concurrency: 1 } => "1 stream".to_owned(),
        Load::Closed { concurrency } => format!("{} streams", count(u64::from(*concurrency))),
        Load::Rate { per_second, .. } => format!("{} requests/s", rate_text(*per_second)),
        Load::Trace { offsets } => {
            format!("a trace of {} requests", count_text(offsets.len()))
        }
    }
}

/// When a bench ended, in nanoseconds since 1970; `None` if it is not known when it began.
pub(super) fn ended_unix_ns(bench: &ReportedBench) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "nanoseconds of a bench")]
    let lasted = (bench.summary.duration_ms * 1e6) as i64;
    Some(bench.began_unix_ns?.saturating_add(lasted))
}

/// A count as a report shows it.
pub(super) fn count(n: u64) -> String {
    count_text(size(n))
}

/// A share of counts in percent.
pub(super) fn percent_of(part: u64, whole: u64) -> String {
    percent_text(size(part), size(whole))
}

fn size(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// The plan, and how it went.
pub(super) fn facts_of(html: &mut Html, bench: &ReportedBench) {
    let (plan, found) = (&bench.plan, &bench.summary);
    let mut all = vec![("Target", target_in_words(bench))];
    all.push(("Load", arrivals_in_words(plan)));
    all.push(("Asked", asked_in_words(plan)));
    if !plan.goodput.is_empty() {
        all.push(("Limits", limits_in_words(&plan.goodput)));
    }
    all.push(("To stop at", stop_rules(plan).join(", ")));
    let why = found.stopped.map(StopReason::in_words);
    all.push(("Stopped", why.unwrap_or("It is not over").to_owned()));
    all.push(("Time", time_in_words(bench)));
    let cost = match found.cost_usd.and_then(Usd::of_dollars) {
        Some(cost) if cost == Usd::default() => "nothing".to_owned(),
        Some(cost) => cost.to_string(),
        None => "not known".to_owned(),
    };
    all.push(("Cost", cost));
    let measured_by = match found.versions.as_slice() {
        [] => "a version that did not say which it is".to_owned(),
        versions => format!("Tokenscope {}", versions.join(", ")),
    };
    let kept = match bench.id {
        Some(id) => format!("bench {} of the history", id.0),
        None => "not kept in the history".to_owned(),
    };
    all.push(("Measured by", format!("{measured_by}; {kept}")));
    facts(html, all);
}

fn target_in_words(bench: &ReportedBench) -> String {
    let places = bench.summary.places.iter();
    let places: Vec<String> = places.map(ToString::to_string).collect();
    match places.as_slice() {
        [] => bench.plan.target.to_string(),
        places => format!("{}: {}", bench.plan.target, places.join("; ")),
    }
}

fn arrivals_in_words(plan: &BenchPlan) -> String {
    let load = load_in_words(plan);
    let how = match &plan.load {
        Load::Closed { .. } => {
            "a closed loop: each stream sends its next request when its last one is over"
        }
        Load::Rate {
            arrivals: ArrivalProcess::Poisson,
            ..
        } => {
            "an open loop: sent by a schedule, whether earlier ones are over or not, at random times as those of many \
             independent users are (Poisson)"
        }
        Load::Rate {
            arrivals: ArrivalProcess::Constant,
            ..
        } => {
            "an open loop: sent by a schedule, whether earlier ones are over or not, at equal distances"
        }
        Load::Trace { .. } => {
            "an open loop: sent by a recorded schedule, whether earlier ones are over or not"
        }
    };
    let mut words = format!("{load}; {how}");
    if plan.ramp_ms > 0 {
        // Writing to a string can't fail.
        let _ = write!(words, "; it grew over {}", seconds_text(plan.ramp_ms));
    }
    if plan.load.is_open() {
        let most = count(u64::from(plan.most_in_flight));
        let _ = write!(words, "; {most} requests under way at most");
    }
    words
}

fn asked_in_words(plan: &BenchPlan) -> String {
    let connections = match plan.connections {
        BenchConnections::Warm => "over open connections where there were any",
        BenchConnections::Cold => "over a new connection each time",
    };
    let back_off = match plan.back_off {
        BackOff::Never => "after a 429 the load went on as planned",
        BackOff::Polite => {
            "after a 429 nothing was sent for as long as it asked, and what was due meanwhile was skipped"
        }
    };
    format!(
        "{} output tokens at most, where a prompt did not say; {connections}; {back_off}; {} requests of a warm-up first; \
         seed {}",
        count(u64::from(plan.max_tokens)),
        count(plan.warm_up),
        plan.seed
    )
}

/// What a request must keep to be good.
fn limits_in_words(limits: &GoodputLimits) -> String {
    let all = [
        ("TTFT", limits.ttft_ms),
        ("TPOT", limits.tpot_ms),
        ("total", limits.total_ms),
    ];
    let set = all.into_iter().filter_map(|(name, limit)| {
        let ms = rate_text(limit?);
        Some(format!("{name} of {ms} ms at most"))
    });
    let set: Vec<String> = set.collect();
    format!("a request is good with {}", set.join(", "))
}

fn stop_rules(plan: &BenchPlan) -> Vec<String> {
    let stop = &plan.stop;
    let mut rules = Vec::new();
    rules.extend(stop.requests.map(|n| format!("{} requests", count(n))));
    rules.extend(stop.time_ms.map(seconds_text));
    let failures = |n| format!("more than {} failures", count(n));
    rules.extend(stop.failures.map(failures));
    rules.extend(stop.cost_usd.map(|usd| format!("${usd}")));
    if stop.over_saturation {
        rules.push("saturation".to_owned());
    }
    if rules.is_empty() {
        rules.push("the end of its load".to_owned());
    }
    rules
}

fn seconds_text(time_ms: u64) -> String {
    format!(
        "{} s",
        rate_text(ms(time_ms.saturating_mul(1_000_000)) / 1e3)
    )
}

fn time_in_words(bench: &ReportedBench) -> String {
    let lasted = format!("{:.1} s", bench.summary.duration_ms / 1e3);
    let at = |ns| time_text(ns, "%Y-%m-%d %H:%M:%S");
    match bench.began_unix_ns {
        Some(began) => format!(
            "begun {} UTC; requests were under way for {lasted}",
            at(began)
        ),
        None => format!("requests were under way for {lasted}"),
    }
}
