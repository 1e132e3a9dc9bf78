//! The commands without a window: one file each, one line each in [`CliCommand`].

mod ad_hoc;
mod agent_token;
mod alerts;
mod bench;
mod captured;
mod chat;
mod compare;
mod completions;
mod conversations;
mod decode;
mod delete;
mod ending;
mod export;
mod input;
mod inspect;
mod keys;
mod man;
mod merge;
mod models;
#[cfg(feature = "otlp")]
mod otlp;
mod probe;
mod replay;
mod report;
mod serve;
mod serving;
mod simulate;
mod since;
mod stored;
mod table;
mod targets;
mod terminal;

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{
    Parser, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};

use crate::{
    dialect::{DIALECTS, DialectId},
    endpoint::{preset, simulated, variables::Environment},
    settings::Settings,
    visible::{visible, visible_line},
};

/// Tokenscope: an oscilloscope for LLM APIs.
///
/// Without a command it opens the desktop. With one it does the same work without a window.
#[derive(Debug, Parser)]
#[command(name = "tokenscope", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    /// The command; without one, the desktop opens.
    #[command(subcommand)]
    pub command: Option<CliCommand>,
}

const AFTER_HELP: &str = "\
Exit codes: 0 success; 1 failure, or an answer ended in a fault; 2 wrong arguments or input;
`chat` also: 3 the answers came, but could not be stored in the history; 130 stopped by Ctrl-C
(129 by SIGHUP, 143 by SIGTERM); `probe --once` also: 3 slower than --max-ttft;
`compare` also: 3 it can't be told; `bench` and `merge` also: 4 invalid, since a machine lagged.

Without any set-up, `tokenscope chat Hello` asks the built-in simulator.

Environment:
  LLM_BASE_URL, LLM_API_KEY       give an endpoint, as do the providers' own variables
                                  (OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY, …)
  TOKENSCOPE_CONFIG_DIR           folder of the settings
  TOKENSCOPE_DATA_DIR             folder of the history
  TOKENSCOPE_LOG=info             logs to standard error";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Show when the alerts of the settings would have fired on the probes and checks of the past.
    Alerts(alerts::AlertsArgs),
    /// Send load to targets, and show how they kept up.
    Bench(Box<bench::BenchArgs>),
    /// Ask one model, or several side by side, and show the figures.
    Chat(Box<chat::ChatArgs>),
    /// Ask several targets the same in pairs: which is faster, by how much, and how sure that is.
    Compare(Box<compare::CompareArgs>),
    /// List, export and import the conversations of the playground.
    Conversations(conversations::ConversationsArgs),
    /// Show what a captured response contains, and what is wrong with it.
    Decode(decode::DecodeArgs),
    /// Delete runs of the history: one, or all of a day or a target.
    Delete(delete::DeleteArgs),
    /// Write runs of the history to a CSV, JSON or Parquet file.
    Export(export::ExportArgs),
    /// Show what went over the wire of a run, frame by frame, or save it as HAR.
    Inspect(inspect::InspectArgs),
    /// Store, list and delete API keys in the OS keyring.
    Keys(keys::KeysArgs),
    /// Merge what several machines measured of a bench, each in a file.
    Merge(merge::MergeArgs),
    /// List the models of an endpoint, or all endpoints.
    Models(models::ModelsArgs),
    /// Ask targets on a schedule, or once as a check, and print a line of JSON for each answer.
    Probe(Box<probe::ProbeArgs>),
    /// Write a report on probes of the history: one HTML file with figures and plots.
    Report(report::ReportArgs),
    /// Decode what was captured of a run again, at its own pace, or serve it to another client.
    Replay(replay::ReplayArgs),
    /// Serve a gateway: programs that speak one protocol reach models of any other.
    Serve(serve::ServeArgs),
    /// Serve the built-in simulator.
    Simulate(simulate::SimulateArgs),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
    /// Print a manual page: of the program, or of one of its commands.
    Man(man::ManArgs),
}

pub use self::terminal::stderr;

/// The command line of this process.
///
/// # Errors
/// The exit code, if help was requested or something is wrong; both are printed.
pub fn parse() -> Result<Cli, ExitCode> {
    Cli::try_parse().map_err(|error| match print_usage(&error) {
        Err(why) if error.use_stderr() || why.kind() == io::ErrorKind::BrokenPipe => {
            code_of(&error)
        }
        Err(why) => {
            report(&why.into());
            ExitCode::FAILURE
        }
        Ok(()) => code_of(&error),
    })
}

fn code_of(error: &clap::Error) -> ExitCode {
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Prints help, or what is wrong with the command line. Error messages repeat arguments, which may contain control
/// characters, so the command line is parsed again with these escaped.
fn print_usage(error: &clap::Error) -> io::Result<()> {
    let given = std::env::args_os();
    let shown = given.map(|word| OsString::from(visible(&word.to_string_lossy()).into_owned()));
    if !error.use_stderr() {
        return error.print();
    }
    match Cli::try_parse_from(shown) {
        Err(same) if same.kind() == error.kind() => same.print(),
        _ => write!(stderr(), "{error}"),
    }
}

/// Prints an error in one line.
pub fn report(error: &anyhow::Error) {
    note(&format!("{error:#}"));
}

/// Runs a command.
///
/// # Errors
/// One line that says what is wrong and what to do. An ordinary failure (a fault, a missing key) is an exit code
/// instead.
pub fn run(command: CliCommand) -> anyhow::Result<ExitCode> {
    let done = match command {
        CliCommand::Alerts(args) => alerts::run(&args),
        CliCommand::Bench(args) => bench::run(&args),
        CliCommand::Chat(args) => chat::run(&args),
        CliCommand::Compare(args) => compare::run(&args),
        CliCommand::Conversations(args) => conversations::run(&args),
        CliCommand::Decode(args) => decode::run(args),
        CliCommand::Delete(args) => delete::run(&args),
        CliCommand::Export(args) => export::run(&args),
        CliCommand::Inspect(args) => inspect::run(&args),
        CliCommand::Keys(args) => keys::run(&args),
        CliCommand::Merge(args) => merge::run(&args),
        CliCommand::Models(args) => models::run(&args),
        CliCommand::Probe(args) => probe::run(&args),
        CliCommand::Report(args) => report::run(&args),
        CliCommand::Replay(args) => replay::run(&args),
        CliCommand::Serve(args) => serve::run(&args),
        CliCommand::Simulate(args) => simulate::run(args),
        CliCommand::Completions(args) => completions::run(args),
        CliCommand::Man(args) => man::run(&args),
    };
    match done.and_then(|code| Ok(io::stdout().flush().map(|()| code)?)) {
        // The reader of our output closed the pipe (`| head`).
        Err(why) if is_closed_pipe(&why) => Ok(ExitCode::SUCCESS),
        done => done,
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let json = error.downcast_ref::<serde_json::Error>();
    let json = json.and_then(serde_json::Error::io_error_kind);
    let kind = json.or(error.downcast_ref::<io::Error>().map(io::Error::kind));
    kind == Some(io::ErrorKind::BrokenPipe)
}

/// Wrong arguments or input: exit code 2, as for an unknown flag.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

impl UsageError {
    fn new(message: impl std::fmt::Display) -> Self {
        Self(message.to_string())
    }
}

/// The exit code of a command that ended in an error: 2 for wrong arguments or input, else 1.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(if error.is::<UsageError>() { 2 } else { 1 })
}

/// Parses the name of a dialect.
fn dialect() -> impl TypedValueParser<Value = DialectId> {
    let names = DIALECTS.iter().map(|dialect| dialect.id.as_str());
    one_of(names, DialectId::parse)
}

/// Parses one of these words.
fn one_of<T: Clone + Send + Sync + 'static>(
    words: impl Iterator<Item = &'static str>,
    parse: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    // Only these words come through.
    PossibleValuesParser::new(words)
        .try_map(move |word| parse(&word).ok_or("there is no such word"))
}

/// The error for an id that is neither an endpoint nor a preset that works without set-up.
fn unknown_endpoint(id: &str, settings: &Settings) -> UsageError {
    let environment = Environment::of_process();
    if let Some(why) = preset::find(id).and_then(|p| p.endpoint_here(&environment).err()) {
        return UsageError::new(format!("{id} is not set up yet: {why}"));
    }
    let own = settings.endpoints.iter().map(|e| e.id.clone());
    let presets = preset::all().iter().map(|p| p.id.clone());
    let known: BTreeSet<String> = own.chain(presets).chain(simulated::ids()).collect();
    UsageError::new(format!(
        "there is no endpoint “{}”; known are {}",
        visible_line(id),
        Vec::from_iter(known).join(", ")
    ))
}

/// Prints the warnings about the settings.
fn warn_of(settings: &Settings) {
    for warning in &settings.warnings {
        note(&warning.to_string());
    }
}

/// Prints a remark on standard error.
fn note(text: &str) {
    // Writing to it can't fail.
    let _ = writeln!(stderr(), "tokenscope: {text}");
}
