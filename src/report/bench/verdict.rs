//! What is said first of a bench: whether it counts, what was sent of what was asked for, what failed.

use std::fmt::Write as _;

use super::{
    super::{
        heading::facts,
        html::Html,
        number::ms_text,
        table::{row, table},
    },
    asked::{count, percent_of, rate_text},
};
use crate::bench::{BenchSummary, Goodput};

/// Whether the figures are the target's, and what that rests on.
pub(super) fn validity(html: &mut Html, found: &BenchSummary) {
    match found.why_invalid() {
        None => html.words("p", "", "Valid: this machine kept up."),
        Some(why) => {
            let words = format!("Invalid: {why}. The figures below are not the target's.");
            html.words("p", "note", words);
        }
    }
    html.words("p", "quiet", lag_in_words(found));
    html.end_line();
}

fn lag_in_words(found: &BenchSummary) -> String {
    let lag = found.lag_ms;
    let (Some(p50), Some(p99), Some(max)) = (lag.p50, lag.p99, lag.max) else {
        return "No request was begun.".to_owned();
    };
    format!(
        "Our own lag: requests were begun {} ms late (median), {} ms (p99), {} ms (at most). First tokens that were read \
         too late: {}.",
        ms_text(p50),
        ms_text(p99),
        ms_text(max),
        count(found.late_deliveries)
    )
}

/// What was sent of what was asked for, and what came of it.
pub(super) fn rates(html: &mut Html, found: &BenchSummary) {
    html.raw("<h3>Asked for and achieved</h3>\n");
    let a_second = |rate: Option<f64>| rate.map_or_else(|| "not known".to_owned(), rate_text);
    let mut all = Vec::new();
    let sent = a_second(found.achieved_rate);
    all.push((
        "Sent a second",
        match found.requested_rate {
            Some(asked) => format!("{sent}, of {} asked for", rate_text(asked)),
            None => sent,
        },
    ));
    let under_way = a_second(found.achieved_concurrency);
    all.push((
        "Under way on average",
        match found.requested_concurrency {
            Some(streams) => format!("{under_way}, by {} streams", count(u64::from(streams))),
            None => under_way,
        },
    ));
    all.push(("Complete answers a second", a_second(found.completed_rate)));
    all.push(("Output tokens a second", a_second(found.tokens_per_second)));
    all.push(("Requests", requests_in_words(found)));
    all.extend(
        found
            .goodput
            .map(|goodput| ("Goodput", goodput_in_words(&goodput))),
    );
    facts(html, all);
}

fn requests_in_words(found: &BenchSummary) -> String {
    let counts = found.requests;
    format!(
        "n = {}: {} answered, {} failed; {} over new connections, {} over open ones. In no figure: {} of the warm-up, {} \
         cancelled by our own stop, {} held back after a 429",
        count(counts.sent),
        count(counts.ok),
        count(counts.failed),
        count(counts.cold),
        count(counts.warm),
        count(counts.warm_up),
        count(counts.cancelled),
        count(counts.held_back)
    )
}

/// A share with its interval, and what it is of.
fn goodput_in_words(goodput: &Goodput) -> String {
    let percent = |share: f64| format!("{:.2}", 100.0 * share);
    let mut words = format!("{} of {} requests", count(goodput.good), count(goodput.of));
    if let Some(share) = goodput.share {
        // Writing to a string can't fail.
        let _ = write!(words, ", {} %", percent(share));
    }
    if let Some((low, high)) = goodput.share_low.zip(goodput.share_high) {
        let _ = write!(
            words,
            " (95 % interval {} to {})",
            percent(low),
            percent(high)
        );
    }
    if let Some(rate) = goodput.per_second {
        let _ = write!(words, "; {} good ones a second", rate_text(rate));
    }
    words
}

/// Failures by their class.
pub(super) fn faults(html: &mut Html, found: &BenchSummary) {
    html.raw("<h3>Failures</h3>\n");
    if found.requests.failed == 0 {
        html.raw("<p>No request failed.</p>\n");
        return;
    }
    let mut classes: Vec<_> = found.faults.iter().collect();
    classes.sort_by_key(|(_, failed)| std::cmp::Reverse(**failed));
    table(html, &["Class", "Requests", "Share"], |html| {
        for (class, failed) in classes {
            row(html, |html| {
                html.words("td", "", class.as_str().replace('_', " "));
                html.words("td", "num", count(*failed));
                html.words("td", "num", percent_of(*failed, found.requests.sent));
            });
        }
    });
}
