//! What a bench would send and cost, said before it is sent; and the question before load goes to another machine.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use serde::Serialize;

use super::args::BenchArgs;
use crate::{
    bench::{BenchForecast, BenchPlan, BenchPrompts, share::LoadShare, texts::most_bytes},
    cli::{UsageError, note, targets::Ready, terminal::stderr},
    clock::wall_clock_ns,
    price::Usd,
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
    /// Bytes of text that are kept, before compression; `None` where none are.
    most_text_bytes: Option<u64>,
    /// Whether it is known what a request costs.
    #[serde(skip)]
    is_priced: bool,
}

impl BenchEstimate {
    /// The estimate of a plan.
    pub(super) fn of(
        asked: &BenchPrompts,
        ready: &Ready,
        plan: &BenchPlan,
    ) -> Result<Self, UsageError> {
        let endpoint = ready.endpoint(&plan.target)?;
        let most = asked.source(plan, 0, LoadShare::whole()).most_tokens();
        let prices = &ready.settings.prices;
        let forecast = BenchForecast::of(plan, most, &endpoint, prices, wall_clock_ns());
        let requests = forecast.requests;
        let times = |tokens: u64| requests.map(|requests| requests.saturating_mul(tokens));
        Ok(Self {
            r#type: "estimate",
            target: plan.target.to_string(),
            is_local: forecast.is_local,
            requests,
            most_input_tokens: times(most.input),
            most_output_tokens: times(most.output),
            most_usd: forecast.usd().map(Usd::dollars),
            most_text_bytes: plan.keep_texts.then(|| most_bytes(requests)),
            is_priced: forecast.usd_each.is_some(),
        })
    }

    /// In words.
    pub(super) fn text(&self) -> String {
        let requests = count_text(self.requests);
        let cost = match self.most_usd {
            Some(usd) => {
                Usd::of_dollars(usd).map_or_else(String::new, |usd| format!(", {usd} at most"))
            }
            None => ", at a cost that is not known".to_owned(),
        };
        let texts = self.most_text_bytes.map(texts_kept).unwrap_or_default();
        format!("{}: {requests}{cost}{texts}", visible_line(&self.target))
    }
}

/// How many requests are sent, in words.
fn count_text(requests: Option<u64>) -> String {
    match requests {
        Some(requests) => format!("{requests} requests"),
        None => "requests until the time is over".to_owned(),
    }
}

/// How much text is kept at most, in words.
fn texts_kept(most: u64) -> String {
    format!(
        "; texts of its answers are kept, {} KiB at most before compression",
        most.div_ceil(1 << 10)
    )
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
    for estimate in estimates.iter().filter(|_| args.max_usd.is_some()) {
        if !estimate.is_priced {
            return Err(UsageError::new(format!(
                "what a request costs is not known of {}, so that --max-usd can't hold for it: give it a price in the \
                 settings, as [price.\"endpoint/model\"]",
                visible_line(&estimate.target)
            )));
        }
    }
    let is_remote = estimates.iter().any(|estimate| !estimate.is_local);
    // What is kept of answers is told even where nobody is asked.
    let told = |estimate: &&BenchEstimate| !estimate.is_local || estimate.most_text_bytes.is_some();
    for estimate in estimates.iter().filter(told) {
        note(&estimate.text());
    }
    if is_remote { confirm(args.yes) } else { Ok(()) }
}

/// What a plan sends, in words.
pub(super) fn requests_text(plan: &BenchPlan) -> String {
    let requests = plan.requests();
    let texts = plan.keep_texts.then(|| texts_kept(most_bytes(requests)));
    count_text(requests) + &texts.unwrap_or_default()
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
