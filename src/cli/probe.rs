//! `tokenscope probe`: asks targets on a schedule, or once as a check.
//!
//! Standard output has a line of JSON for each probe, as at the end of each run of `chat --json`, and one for each time
//! in which nobody was asked.

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use jiff::SignedDuration;

use super::{
    UsageError,
    ad_hoc::WHERE,
    ending::CommandEnding,
    note,
    targets::{Ready, TargetArgs},
    terminal::stdout,
};
use crate::{
    clock::wall_clock_ns,
    engine::{Command, HistoryNews, MonitorCommand, MonitorNews, MonitorState, RunNews, Update},
    event::Usage,
    history::Storage,
    monitor::{MOST_TOKENS, PROMPT, ProbePlan, ProbedConnections, SHORTEST, question},
    price::usd_digits,
    record,
    run::Run,
    settings::Paths,
};

/// Heading of the help.
const WHEN: &str = "When and what to ask";
/// The exit code of a check whose first token came too late.
const SLOW: u8 = 3;

/// Arguments of `tokenscope probe`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ProbeArgs {
    #[command(flatten)]
    place: TargetArgs,

    /// Ask each target once and end: a check for cron, CI or Nagios.
    #[arg(long, conflicts_with = "every", help_heading = WHEN)]
    once: bool,

    /// The time between two probes of a target: 30s, 5m, 1h. Each may be late by a tenth of it, at random.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time, help_heading = WHEN)]
    every: Duration,

    /// Exit with 3 if a first token took longer: 800ms, 2s.
    #[arg(long, value_name = "TIME", requires = "once", value_parser = time, help_heading = WHEN)]
    max_ttft: Option<Duration>,

    /// Over which connections: warm (an open one, where there is one), cold (a new one each time), or both in turn.
    #[arg(long, value_name = "WHICH", default_value = "warm", value_parser = super::one_of(ProbedConnections::ALL.iter().map(|which| which.as_str()), ProbedConnections::parse), help_heading = WHERE)]
    connections: ProbedConnections,

    /// What is asked; a number that was never sent before is put in front of it, so that no cache answers.
    #[arg(long, value_name = "TEXT", default_value = PROMPT, help_heading = WHEN)]
    prompt: String,

    /// Most output tokens. A model that thinks unseen may need more, to say anything at all.
    #[arg(long, value_name = "N", default_value_t = MOST_TOKENS, help_heading = WHEN)]
    max_tokens: u32,

    /// Do not store the probes in the history.
    #[arg(long)]
    no_history: bool,
}

const EXAMPLES: &str = "\
Exit codes: 0 stopped by a signal, or with --once: every target answered; 1 with --once: a
target did not, could not be asked, or sent no token; 2 wrong arguments or input; 3 with --once:
a first token took longer than --max-ttft.

A first signal waits for the probes under way; a second one ends at once.

Examples:
  tokenscope probe -t openai/gpt-5-mini -t gemini-native/gemini-3-flash --every 5m
  tokenscope probe --once -t openai/gpt-5-mini --max-ttft 2s | jq .ttft_ms
  tokenscope probe --base-url http://127.0.0.1:8080/v1 -m gemma --connections both";

pub(super) fn run(args: &ProbeArgs) -> anyhow::Result<ExitCode> {
    if args.every < SHORTEST {
        return Err(UsageError::new("--every is at least 1s").into());
    }
    let ready = args.place.ready(Paths::of_user()?, !args.no_history)?;
    for target in &ready.targets {
        ready.endpoint(target)?;
    }
    let plan = ProbePlan {
        targets: ready.targets.clone(),
        every: (!args.once).then_some(args.every),
        connections: args.connections,
        prompt: args.prompt.clone(),
        max_tokens: args.max_tokens,
    };
    forecast(&ready, &plan);
    let stop = || Command::Monitor(MonitorCommand::Stop);
    let ending = CommandEnding::on_signals(&ready.engine, stop);
    ready
        .engine
        .send(Command::Monitor(MonitorCommand::Start(plan)));
    let mut results = ProbeResults::new(args.max_ttft);
    let followed = follow(&ready, &mut results);
    ending.store(&ready.engine);
    followed?;
    Ok(match ending.signalled() {
        None => results.code(),
        // Whoever watches for ever is ended by a signal; a check that was cut short found nothing out.
        Some(_) if !args.once => ExitCode::SUCCESS,
        Some(code) => code,
    })
}

/// Prints what comes until the last probe is over.
fn follow(ready: &Ready, results: &mut ProbeResults) -> io::Result<()> {
    let mut out = stdout();
    while let Some(update) = ready.engine.next() {
        match update {
            Update::Run(RunNews::Over(run)) => {
                results.take(&run);
                let line = record::run_line(&run, &ready.settings.prices);
                record::write_line(&mut out, &line)?;
                out.flush()?;
            }
            Update::Run(RunNews::Refused { fault, .. }) => {
                results.has_failed = true;
                note(&fault.to_string());
            }
            Update::Monitor(MonitorNews::Gap(gap)) => {
                // A check that could not ask has found nothing out.
                results.has_failed = true;
                record::write_line(&mut out, &gap.line())?;
                out.flush()?;
            }
            Update::Monitor(MonitorNews::Is(state)) => tell_state(&state),
            Update::Monitor(MonitorNews::Ended) => break,
            Update::History(HistoryNews::Storage(
                Storage::Failing { why } | Storage::ReadOnly { why },
            )) => note(&format!("probes go on, and are not stored: {why}")),
            Update::Run(
                RunNews::Accepted(_)
                | RunNews::Update { .. }
                | RunNews::Loaded { .. }
                | RunNews::Findings { .. },
            )
            | Update::History(_)
            | Update::Gateway(_)
            | Update::Settings(_)
            | Update::Key(_)
            | Update::Models { .. }
            | Update::NoSimulator(_)
            | Update::Ready
            | Update::Stopped => {}
        }
    }
    out.end()
}

/// Says who asks, if that is not this process.
fn tell_state(state: &MonitorState) {
    match state {
        MonitorState::Off | MonitorState::Probing => {}
        MonitorState::Watching { pid } => {
            let pid = pid.map_or_else(String::new, |pid| format!(": pid {pid}"));
            note(&format!(
                "another process probes{pid}. This one waits, and takes over when that ends"
            ));
        }
        MonitorState::Failed(why) => note(why),
    }
}

/// What the probes of a check found.
struct ProbeResults {
    max_ttft: Option<Duration>,
    has_failed: bool,
    is_slow: bool,
}

impl ProbeResults {
    fn new(max_ttft: Option<Duration>) -> Self {
        Self {
            max_ttft,
            has_failed: false,
            is_slow: false,
        }
    }

    fn take(&mut self, run: &Run) {
        if let Some(fault) = &run.answer.fault {
            self.has_failed |= !fault.class.is_no_failure();
            return;
        }
        let first_token = run.stamps.first_token.map(Duration::from_nanos);
        match (first_token, self.max_ttft) {
            (None, _) => {
                self.has_failed = true;
                let target = &run.head.target;
                note(&format!(
                    "{target}: no token came, so that its TTFT is not known: a model that thinks unseen needs more \
                     --max-tokens"
                ));
            }
            (Some(took), Some(most)) => self.is_slow |= took > most,
            (Some(_), None) => {}
        }
    }

    fn code(&self) -> ExitCode {
        match (self.has_failed, self.is_slow) {
            (true, _) => ExitCode::FAILURE,
            (false, true) => ExitCode::from(SLOW),
            (false, false) => ExitCode::SUCCESS,
        }
    }
}

/// Says what the plan costs at most, as far as the prices are known.
fn forecast(ready: &Ready, plan: &ProbePlan) {
    let Some(every) = plan.every else {
        return;
    };
    let a_day = 86_400.0 / every.as_secs_f64();
    let (mut known, mut unknown) = (0.0, Vec::new());
    for target in &plan.targets {
        let Ok(endpoint) = ready.endpoint(target) else {
            continue;
        };
        if endpoint.simulated {
            continue;
        }
        let prices = &ready.settings.prices;
        let price = prices.of(&endpoint, &target.model, wall_clock_ns());
        let cost = price.and_then(|price| price.cost(&most_tokens(plan), None));
        match cost {
            Some(cost) => known += cost.dollars() * a_day,
            None => unknown.push(target.to_string()),
        }
    }
    if known > 0.0 {
        note(&format!("about ${} a day at most", usd_digits(known)));
    }
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        note(&format!("what a probe costs is not known of {unknown}"));
    }
}

/// The tokens of a probe, if its answer is as long as it may be. A token is four letters at least two thirds of the
/// time, so that three letters a token are too many rather than too few.
fn most_tokens(plan: &ProbePlan) -> Usage {
    let letters: usize = question(plan, "")
        .messages
        .iter()
        .map(|message| message.text().len())
        .sum();
    Usage {
        input: Some(letters as u64 / 3 + 16),
        output: Some(plan.max_tokens.into()),
        ..Usage::default()
    }
}

fn time(text: &str) -> Result<Duration, String> {
    let time: Option<SignedDuration> = text.parse().ok();
    let time = time.and_then(|time| Duration::try_from(time).ok());
    time.filter(|time| !time.is_zero())
        .ok_or_else(|| "a time is written as 800ms, 30s, 5m or 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        for (text, ms) in [
            ("800ms", 800),
            ("2s", 2_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(time(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "5", "-5s", "0s", "soon"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
