//! `tokenscope compare`: asks the same of several targets in pairs, and says which is faster, by how much, and how sure
//! that is.
//!
//! With `--json`, standard output has a line for each round as it ends, and one for the whole comparison.

mod arguments;
mod following;
mod marking;
mod saved;
mod table;

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use super::{
    UsageError,
    ad_hoc::WHERE,
    ending::CommandEnding,
    note,
    probe::values::{time, usd},
    targets::{Ready, TargetArgs},
    terminal::{stderr, stdout},
};
use crate::{
    clock::wall_clock_ns,
    compare::{
        CompareForecast, ComparePlan, CompareState, CompareStopReason, ComparedConnections,
        ComparisonId, MAX_TOKENS, comparison_line, forecast, forecast_line,
    },
    endpoint::BackOff,
    engine::{Command, CompareCommand},
    price::Usd,
    private, record, report,
    settings::Paths,
};

/// Headings of the help.
const WHAT: &str = "What to ask";
const WHEN: &str = "When to stop, and how to judge";
const SAVED: &str = "Comparisons of the history";
const OUT: &str = "Where results go, besides standard output";
/// The exit code of a comparison that is not settled.
const CANT_TELL: u8 = 3;

/// Arguments of `tokenscope compare`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags, each of which stands for itself"
)]
pub struct CompareArgs {
    /// What is compared, as endpoint/model: each one with the first.
    #[arg(value_name = "TARGET")]
    arms: Vec<String>,

    #[command(flatten)]
    place: TargetArgs,

    /// What is asked; repeat it to ask several, each equally often [default: to count from one to twenty].
    #[arg(short, long = "prompt", value_name = "TEXT", help_heading = WHAT)]
    prompts: Vec<String>,

    /// Read prompts from a file: a line each. In a file that ends in .jsonl each line is JSON: a string, or an object with
    /// prompt or messages, and system and `max_tokens` where wanted. - is standard input.
    #[arg(long = "prompts", value_name = "FILE", help_heading = WHAT)]
    prompts_file: Option<PathBuf>,

    /// System instruction.
    #[arg(long, value_name = "TEXT", help_heading = WHAT)]
    system: Option<String>,

    /// Most output tokens.
    #[arg(long, value_name = "N", default_value_t = MAX_TOKENS, help_heading = WHAT)]
    max_tokens: u32,

    /// Sampling temperature.
    #[arg(long, value_name = "T", help_heading = WHAT)]
    temperature: Option<f64>,

    /// Compare ways to ask one target: JSON with what differs ("prompt", "system", "temperature", … or any field of the
    /// request's body). Repeat it; {} changes nothing.
    #[arg(long, value_name = "JSON", help_heading = WHAT)]
    vary: Vec<String>,

    /// Send prompts as they are: without it, a number that was never sent before is put in front, so that no cache answers.
    #[arg(long, help_heading = WHAT)]
    as_is: bool,

    /// Over which connections: warm (open ones), cold (a new one each time), or both, with verdicts apart.
    #[arg(long, value_name = "WHICH", default_value = "warm", value_parser = super::one_of(ComparedConnections::ALL.iter().map(|which| which.as_str()), ComparedConnections::parse), help_heading = WHERE)]
    connections: ComparedConnections,

    /// Stop after so many pairs, over each kind of connection. Alone, it fixes the number beforehand, and the intervals are
    /// the narrower ones for a single look [default, without another rule: until settled, 200 at most].
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = WHEN)]
    pairs: Option<u64>,

    /// Stop after so much time: 90s, 5m, 1h.
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = WHEN)]
    time: Option<Duration>,

    /// Stop before it may have cost more.
    #[arg(long, value_name = "USD", value_parser = usd, help_heading = WHEN)]
    usd: Option<Usd>,

    /// Stop as soon as it can be told. The intervals hold at every look.
    #[arg(long, help_heading = WHEN)]
    until_settled: bool,

    /// What settles it, and decides the exit code.
    #[arg(long, value_name = "FIGURE", default_value = "ttft", value_parser = ["ttft", "tpot", "total"], help_heading = WHEN)]
    by: String,

    /// Which quantile of it: 50 (the median), 95 or 99.
    #[arg(long, value_name = "PERCENT", default_value = "50", value_parser = ["50", "95", "99"], help_heading = WHEN)]
    quantile: String,

    /// Ratios surely within 1 ± this count as the same.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, help_heading = WHEN)]
    margin: f64,

    /// The seed of the random order [default: a random one; it is told].
    #[arg(long, value_name = "N", help_heading = WHEN)]
    seed: Option<u64>,

    /// After a 429: polite leaves the endpoint alone as long as it asks for, never goes on at once.
    #[arg(long, value_name = "HOW", default_value = "polite", value_parser = super::one_of(BackOff::ALL.iter().map(|how| how.as_str()), BackOff::parse), help_heading = WHEN)]
    back_off: BackOff,

    /// The share of a target's runs that may fail: beyond it the comparison stops, once 10 runs are over.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, help_heading = WHEN)]
    max_faults: f64,

    /// Runs of a round that start further apart are no pair.
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = time, help_heading = WHEN)]
    window: Duration,

    /// Ask targets whose price is not known all the same where --usd limits the cost, and do not count them.
    #[arg(long, help_heading = WHEN)]
    allow_unpriced: bool,

    /// Do not ask before many requests go to another machine.
    #[arg(short, long, help_heading = WHEN)]
    yes: bool,

    /// Say what it would cost at most, and end.
    #[arg(long, help_heading = WHEN)]
    dry_run: bool,

    /// Go on with a comparison that was cut off or stopped, by its number; last is the latest.
    #[arg(long, value_name = "ID", conflicts_with_all = ["arms", "list", "show", "delete", "no_history"], help_heading = SAVED)]
    resume: Option<String>,

    /// List the comparisons of the history.
    #[arg(long, conflicts_with_all = ["arms", "show", "delete"], help_heading = SAVED)]
    list: bool,

    /// Show a comparison of the history, by its number; last is the latest.
    #[arg(long, value_name = "ID", conflicts_with_all = ["arms", "delete"], help_heading = SAVED)]
    show: Option<String>,

    /// Mark the answers of a comparison of the history, by its number; last is the latest. It shows two answers at a time
    /// without saying whose they are, and asks for a key; q ends it, and the next time it goes on from there.
    #[arg(long, value_name = "ID", conflicts_with_all = ["arms", "resume", "list", "show", "delete", "no_history", "report"], help_heading = SAVED)]
    mark: Option<String>,

    /// Delete a comparison of the history, by its number; its runs stay.
    #[arg(long, value_name = "ID", conflicts_with = "arms", help_heading = SAVED)]
    delete: Option<String>,

    /// Print lines of JSON instead of a table.
    #[arg(long, help_heading = OUT)]
    json: bool,

    /// Write a report: one HTML file.
    #[arg(long, value_name = "FILE", help_heading = OUT)]
    report: Option<PathBuf>,

    /// Where this machine stands, in your words: it is kept, and heads the report.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true, help_heading = OUT)]
    vantage: String,

    /// Keep neither the comparison nor its runs in the history.
    #[arg(long, help_heading = OUT)]
    no_history: bool,
}

const EXAMPLES: &str = "\
Exit codes: 0 settled: the verdict of --by can be told for each target and kind of connection;
1 too many runs failed, or it could not go on; 2 wrong arguments or input; 3 it can't be told;
130 stopped by Ctrl-C (129 by SIGHUP, 143 by SIGTERM).

A first signal waits for the round that is under way; a second one ends at once.

Examples:
  tokenscope compare simulator/sim-steady simulator/sim-fast
  tokenscope compare openai/gpt-5-mini gateway/gpt-5-mini --connections both -n 100 --yes
  tokenscope compare openai/gpt-5-mini --vary '{}' --vary '{\"reasoning_effort\":\"minimal\"}'
  tokenscope compare A/m B/m --prompts questions.jsonl --until-settled --usd 0.50 --json
  tokenscope compare --resume last
  tokenscope compare --mark last
  tokenscope compare --show last --report comparison.html";

pub(super) fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    let paths = Paths::of_user()?;
    if args.list {
        return saved::list(&paths, args.json);
    }
    if let Some(id) = &args.show {
        let state = saved::opened(&paths, id)?;
        return args.tell_whole(&state).map(|()| code(&state));
    }
    if let Some(id) = &args.delete {
        return saved::delete(&paths, id);
    }
    if let Some(id) = &args.mark {
        return marking::run(&paths, id, args.json);
    }
    let (ready, command) = match &args.resume {
        Some(id) => args.resumed(paths, id)?,
        None => args.started(paths)?,
    };
    let Some(command) = command else {
        return Ok(ExitCode::SUCCESS);
    };
    let stop = || Command::Compare(CompareCommand::Stop);
    let ending = CommandEnding::on_signals(&ready.engine, stop);
    ready.engine.send(Command::Compare(command));
    let followed = following::until_ended(&ready, args.json);
    ending.store(&ready.engine);
    let state = followed?;
    args.tell_whole(&state)?;
    Ok(ending.signalled().unwrap_or_else(|| code(&state)))
}

/// The exit code of a comparison that is over.
fn code(state: &CompareState) -> ExitCode {
    match state.end.as_ref().map(|end| end.reason) {
        Some(CompareStopReason::Faults | CompareStopReason::Failed) => ExitCode::FAILURE,
        _ if state.result.is_settled => ExitCode::SUCCESS,
        _ => ExitCode::from(CANT_TELL),
    }
}

impl CompareArgs {
    /// The engine, and what begins a comparison; no command after a dry run.
    fn started(&self, paths: Paths) -> anyhow::Result<(Ready, Option<CompareCommand>)> {
        let named = self.named()?;
        if named.is_empty() && self.place.named() == 0 {
            return Err(UsageError::new(
                "name the targets: tokenscope compare openai/gpt-5-mini gateway/gpt-5-mini",
            )
            .into());
        }
        // What is wrong with prompts is told before anything is started.
        let plan = self.plan(Vec::new())?;
        let ready = self.place.ready_with(paths, !self.no_history, named)?;
        for target in &ready.targets {
            ready.endpoint(target)?;
        }
        let arms = self.arms(&ready.targets)?;
        let plan = ComparePlan { arms, ..plan };
        plan.check().map_err(UsageError::new)?;
        let endpoint = |id: &str| ready.settings.endpoint_or_preset(id);
        let told = forecast(&plan, endpoint, &ready.settings.prices, wall_clock_ns());
        if self.dry_run {
            record::write_line(&mut stdout(), &forecast_line(&told))?;
            note(&in_words(&told));
            return Ok((ready, None));
        }
        self.ask_for(&told, &plan)?;
        Ok((ready, Some(CompareCommand::Start(Box::new(plan)))))
    }

    /// The engine, and what goes on with a comparison.
    fn resumed(&self, paths: Paths, id: &str) -> anyhow::Result<(Ready, Option<CompareCommand>)> {
        let saved = saved::opened(&paths, id)?;
        let plan = saved.plan();
        let targets = plan.arms.iter().map(|arm| arm.target.clone()).collect();
        let ready = self.place.ready_with(paths, true, targets)?;
        let endpoint = |id: &str| ready.settings.endpoint_or_preset(id);
        let told = forecast(plan, endpoint, &ready.settings.prices, wall_clock_ns());
        self.ask_for(&told, plan)?;
        let id: ComparisonId = saved.head.id;
        Ok((ready, Some(CompareCommand::Resume(id))))
    }

    /// Says what it costs at most. Asks whether to go on where many requests go to another machine.
    ///
    /// # Errors
    /// If nobody can be asked, nobody wants it, or a limit of cost can't hold.
    fn ask_for(&self, told: &CompareForecast, plan: &ComparePlan) -> anyhow::Result<()> {
        if plan.stop.usd.is_some() && !plan.allow_unpriced && !told.unpriced.is_empty() {
            return Err(UsageError::new(format!(
                "what a request costs is not known of {}, so that --usd can't hold for it: give it a price in the \
                 settings, as [price.\"endpoint/model\"], or ask it uncounted with --allow-unpriced",
                unpriced(told)
            ))
            .into());
        }
        if !told.needs_question() {
            return Ok(());
        }
        let words = in_words(told);
        note(&words);
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(UsageError::new(format!(
                "{words}: say --yes to send them, or limit them with -n"
            ))
            .into());
        }
        let _ = write!(stderr(), "Go on? [y/N] ");
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(UsageError::new("nothing was sent").into()),
        }
    }

    /// Prints a whole comparison, and writes the report.
    fn tell_whole(&self, state: &CompareState) -> anyhow::Result<()> {
        let mut out = stdout();
        if self.json {
            record::write_line(&mut out, &comparison_line(state))?;
        } else {
            out.write_all(table::of(state).as_bytes())?;
        }
        out.end()?;
        if let Some(file) = &self.report {
            let html = report::comparison_html(state);
            private::write_out(file, html.as_bytes())
                .map_err(|why| anyhow::anyhow!("{} can't be written: {why}", file.display()))?;
            note(&format!("reported in {}", file.display()));
        }
        Ok(())
    }
}

/// What a plan costs at most, in words.
fn in_words(told: &CompareForecast) -> String {
    let requests = match told.elsewhere {
        Some(0) => "no request goes to another machine".to_owned(),
        Some(requests) => format!("{requests} requests or a few more go to other machines"),
        None => "requests go to other machines until it stops".to_owned(),
    };
    let cost = match told.usd {
        Some(usd) if usd == Usd::default() => String::new(),
        Some(usd) => format!(", for about {usd} at most"),
        None => format!(", for about {} a round at most", told.usd_a_round),
    };
    let not_known = if told.unpriced.is_empty() {
        String::new()
    } else {
        format!("; what a request costs is not known of {}", unpriced(told))
    };
    format!("{requests}{cost}{not_known}")
}

fn unpriced(told: &CompareForecast) -> String {
    let names: Vec<String> = told.unpriced.iter().map(ToString::to_string).collect();
    names.join(", ")
}
