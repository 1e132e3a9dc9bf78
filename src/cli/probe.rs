//! `tokenscope probe`: asks targets on a schedule, or once as a check.
//!
//! Standard output has a line of JSON for each probe, as at the end of each run of `chat --json`, and one for each time
//! in which nobody was asked.

mod agent;
mod listen;
mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
mod sinks;
pub(super) mod values;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use serde::Serialize;

pub(super) use self::values::{time, usd};
use self::{
    sinks::{ProbeSinks, SinkArgs},
    values::check_time,
};
use super::{
    UsageError,
    ad_hoc::WHERE,
    ending::CommandEnding,
    note,
    targets::{Ready, TargetArgs},
    terminal::stdout,
};
use crate::{
    alert::AlertNews,
    clock::wall_clock_ns,
    endpoint::TargetId,
    engine::{Command, HistoryNews, MonitorCommand, MonitorNews, MonitorState, RunNews, Update},
    history::Storage,
    monitor::{MOST_TOKENS, ProbePlan, ProbedConnections, SHORTEST, forecast},
    price::Usd,
    record,
    run::Run,
    settings::{self, Paths, monitor::MonitorSettings},
};

/// Heading of the help.
const WHEN: &str = "When and what to ask";
/// Heading of the help.
const OUT: &str = "Where results go, besides standard output";
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

    /// Read these settings instead of the user's, and follow the plan of their section [monitor]. Arguments override it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The time between two probes of a target: 30s, 5m, 1h. Each may be late by a tenth of it, at random
    /// [default: the plan's, or 5m].
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = WHEN)]
    every: Option<Duration>,

    /// Exit with 3 if a first token took longer: 800ms, 2s.
    #[arg(long, value_name = "TIME", requires = "once", value_parser = time, help_heading = WHEN)]
    max_ttft: Option<Duration>,

    /// Over which connections: warm (an open one, where there is one), cold (a new one each time), or both in turn
    /// [default: the plan's, or warm].
    #[arg(long, value_name = "WHICH", value_parser = super::one_of(ProbedConnections::ALL.iter().map(|which| which.as_str()), ProbedConnections::parse), help_heading = WHERE)]
    connections: Option<ProbedConnections>,

    /// What is asked; a number that was never sent before is put in front of it, so that no cache answers [default: the
    /// plan's, or to count from one to twelve].
    #[arg(long, value_name = "TEXT", help_heading = WHEN)]
    prompt: Option<String>,

    /// Most output tokens. A model that thinks unseen may need more, to say anything at all.
    #[arg(long, value_name = "N", default_value_t = MOST_TOKENS, help_heading = WHEN)]
    max_tokens: u32,

    /// The time between two checks of an endpoint that cost nothing: a handshake and its list of models, over a
    /// connection of its own. From 10s to 60s [default: the plan's, or none].
    #[arg(long, value_name = "TIME", conflicts_with = "once", value_parser = check_time, help_heading = WHEN)]
    check_every: Option<Duration>,

    /// Most US dollars a day, from midnight to midnight, UTC: then nobody is asked until the next. Probes that the
    /// history has of today count [default: the plan's, or no cap].
    #[arg(long, value_name = "USD", conflicts_with = "once", value_parser = usd, help_heading = WHEN)]
    usd_per_day: Option<Usd>,

    /// Ask targets whose price is not known all the same, and do not count them for the cap, the plan's or --usd-per-day.
    #[arg(long, conflicts_with = "once", help_heading = WHEN)]
    allow_unpriced: bool,

    /// Do not store the probes in the history.
    #[arg(long, help_heading = OUT)]
    no_history: bool,

    #[command(flatten)]
    sinks: SinkArgs,
}

const EXAMPLES: &str = "\
Exit codes: 0 stopped by a signal, or with --once: every target answered; 1 with --once: a
target did not, could not be asked, or sent no token; 2 wrong arguments or input; 3 with --once:
a first token took longer than --max-ttft.

A first signal waits for the probes under way; a second one ends at once.

Examples:
  tokenscope probe -t openai/gpt-5-mini -t gemini-native/gemini-3-flash --every 5m
  tokenscope probe -t openai/gpt-5-mini --every 30s --usd-per-day 0.50
  tokenscope probe --once -t openai/gpt-5-mini --max-ttft 2s | jq .ttft_ms
  tokenscope probe -t openai/gpt-5-mini --every 5m --listen 127.0.0.1:9464
  tokenscope probe --listen 127.0.0.1:9464 --accept-benches --agent-token-file token
  tokenscope probe --config /etc/tokenscope/config.toml --connections both
  tokenscope probe --base-url http://127.0.0.1:8080/v1 -m gemma --connections both";

pub(super) fn run(args: &ProbeArgs) -> anyhow::Result<ExitCode> {
    if args.every.is_some_and(|every| every < SHORTEST) {
        return Err(UsageError::new("--every is at least 1s").into());
    }
    args.sinks.check()?;
    let (paths, planned) = args.planned()?;
    let is_agent = args.sinks.takes_benches();
    let ready = if is_agent && args.place.named() == 0 && planned.targets.is_empty() {
        (args.place).ready_for_none(paths, !args.no_history)?
    } else {
        (args.place).ready_for(paths, !args.no_history, &planned.targets)?
    };
    for target in &ready.targets {
        ready.endpoint(target)?;
    }
    let plan = args.plan(&planned, ready.targets.clone());
    tell_forecast(&ready, &plan)?;
    let sinks = ProbeSinks::start(&args.sinks, &ready)?;
    let probes = !plan.targets.is_empty();
    let stop = move || {
        if probes {
            Command::Monitor(MonitorCommand::Stop)
        } else {
            Command::Stop
        }
    };
    let ending = CommandEnding::on_signals(&ready.engine, stop);
    if probes {
        ready
            .engine
            .send(Command::Monitor(MonitorCommand::Start(plan)));
    }
    let mut results = ProbeResults::new(args.max_ttft);
    let followed = follow(&ready, &mut results, &sinks);
    ending.store(&ready.engine);
    sinks.end();
    followed?;
    Ok(match ending.signalled() {
        None => results.code(),
        // Whoever watches for ever is ended by a signal; a check that was cut short found nothing out.
        Some(_) if !args.once => ExitCode::SUCCESS,
        Some(code) => code,
    })
}

impl ProbeArgs {
    /// The paths of the settings that are read, and the plan of those that the arguments name; without, one that asks
    /// nobody.
    fn planned(&self) -> anyhow::Result<(Paths, ProbePlan)> {
        let mut paths = Paths::of_user()?;
        let Some(file) = &self.config else {
            let every = Some(MonitorSettings::default().every());
            let nobody = ProbePlan::once(Vec::new());
            return Ok((paths, ProbePlan { every, ..nobody }));
        };
        let name = file.display();
        if !file.exists() {
            return Err(UsageError::new(format!("there is no file {name}")).into());
        }
        paths.settings.clone_from(file);
        let plan = ProbePlan::drafted(&settings::load(&paths)?.monitor);
        if plan.targets.is_empty() && self.place.named() == 0 {
            return Err(UsageError::new(format!(
                "{name} names nobody to ask: write targets = [\"openai/gpt-5-mini\"] in its section [monitor], or say -t"
            ))
            .into());
        }
        Ok((paths, plan))
    }

    /// The plan that is followed: arguments override what was planned.
    fn plan(&self, planned: &ProbePlan, targets: Vec<TargetId>) -> ProbePlan {
        let every = self.every.or(planned.every);
        let check_every = self.check_every.or(planned.check_every);
        ProbePlan {
            targets,
            every: every.filter(|_| !self.once),
            connections: self.connections.unwrap_or(planned.connections),
            prompt: (self.prompt.clone()).unwrap_or_else(|| planned.prompt.clone()),
            max_tokens: self.max_tokens,
            check_every: check_every.filter(|_| !self.once),
            usd_per_day: self
                .usd_per_day
                .or(planned.usd_per_day)
                .filter(|_| !self.once),
            allow_unpriced: self.allow_unpriced || planned.allow_unpriced,
        }
    }
}

/// Prints what comes until the last probe is over.
fn follow(ready: &Ready, results: &mut ProbeResults, sinks: &ProbeSinks) -> io::Result<()> {
    let mut out = stdout();
    while let Some(update) = ready.engine.next() {
        match update {
            Update::Run(RunNews::Over(run)) => {
                results.take(&run);
                sinks.take(&run);
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
                sinks.gap(&gap);
                record::write_line(&mut out, &gap.line())?;
                out.flush()?;
            }
            Update::Monitor(MonitorNews::Check(check)) => {
                sinks.check(&check);
                record::write_line(&mut out, &check.line())?;
                out.flush()?;
            }
            Update::Monitor(MonitorNews::Alert(news)) => {
                record::write_line(&mut out, &AlertLine::of(&news))?;
                out.flush()?;
            }
            Update::Monitor(MonitorNews::AlertProblem(why)) => note(&why),
            Update::Monitor(MonitorNews::Is(state)) => tell_state(&state),
            Update::Monitor(MonitorNews::Ended) => break,
            Update::Bench(news) => sinks.bench(news),
            Update::History(HistoryNews::Storage(
                Storage::Failing { why } | Storage::ReadOnly { why },
            )) => note(&format!("probes go on, and are not stored: {why}")),
            Update::Run(
                RunNews::Accepted(_)
                | RunNews::Update { .. }
                | RunNews::Loaded { .. }
                | RunNews::Findings { .. },
            )
            // Those were told before.
            | Update::Monitor(MonitorNews::Firing(_))
            | Update::History(_)
            | Update::Gateway(_)
            | Update::Compare(_)
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
        MonitorState::Off | MonitorState::Probing(_) => {}
        MonitorState::Watching { pid } => {
            let pid = pid.map_or_else(String::new, |pid| format!(": pid {pid}"));
            note(&format!(
                "another process probes{pid}. This one waits, and takes over when that ends"
            ));
        }
        MonitorState::Failed(why) => note(why),
    }
}

/// The line of a rule that fires, or is over.
#[derive(Serialize)]
struct AlertLine<'a> {
    r#type: &'static str,
    text: String,
    #[serde(flatten)]
    news: &'a AlertNews,
}

impl<'a> AlertLine<'a> {
    fn of(news: &'a AlertNews) -> Self {
        Self {
            r#type: "alert",
            text: news.to_string(),
            news,
        }
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
///
/// # Errors
/// If the plan has a cap that can't hold since a price is not known.
fn tell_forecast(ready: &Ready, plan: &ProbePlan) -> Result<(), UsageError> {
    let settings = &ready.settings;
    let endpoint = |id: &str| settings.endpoint_or_preset(id);
    let forecast = forecast(plan, endpoint, &settings.prices, wall_clock_ns());
    if forecast.paid_probes > 0 {
        note(&format!("about {} a day at most", forecast.a_day));
    }
    if forecast.unpriced.is_empty() {
        return Ok(());
    }
    let unpriced: Vec<String> = forecast.unpriced.iter().map(ToString::to_string).collect();
    let unpriced = unpriced.join(", ");
    if plan.usd_per_day.is_some() && !plan.allow_unpriced {
        return Err(UsageError::new(format!(
            "what a probe costs is not known of {unpriced}, so that --usd-per-day can't hold for it: give it a price in \
             the settings, as [price.\"endpoint/model\"], or ask it uncounted with --allow-unpriced"
        )));
    }
    note(&format!("what a probe costs is not known of {unpriced}"));
    Ok(())
}
