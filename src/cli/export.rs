//! `tokenscope export`: writes runs of the history to a file.

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::builder::TypedValueParser;

use super::{UsageError, note, since::since, stored, terminal::stderr};
use crate::{
    endpoint::TargetId,
    history::{ExportFormat, OutcomeFilter, RunQuery},
    settings::{self, Paths},
};

/// Arguments of `tokenscope export`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    /// The file to write; one that exists is replaced once the new one is complete.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// csv, json or parquet [default: by the end of the file's name].
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    format: Option<ExportFormat>,

    /// Only runs since then: 12h, 7d, 2026-11-30 or 2026-11-30T08:00:00Z.
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<i64>,

    /// Only runs of this target, as endpoint/model; may be repeated.
    #[arg(short, long = "target", value_name = "TARGET")]
    targets: Vec<TargetId>,

    /// Only runs that ended so: ok, fault or cancelled.
    #[arg(long, value_name = "OUTCOME", value_parser = outcome())]
    outcome: Option<OutcomeFilter>,

    /// Only runs with all these words in their question, answer, target or error.
    #[arg(long, value_name = "WORDS", default_value = "")]
    search: String,

    /// The times in which the monitor asked no target, and why, instead of runs.
    #[arg(long, conflicts_with_all = ["targets", "outcome", "search"])]
    gaps: bool,
}

const EXAMPLES: &str = "\
Exit codes: 0 success; 1 the history can't be read, or the file not be written; 2 wrong arguments.

A CSV file has one row a run with all figures, and a Parquet file the same with types; a JSON file
has what `chat --json` prints at the end of each run, in an array. Costs are those by today's prices.
With --gaps: one row or object a gap.

Examples:
  tokenscope export -o runs.csv --since 7d
  tokenscope export -o faults.json -t openai/gpt-5-mini --outcome fault
  tokenscope export --gaps -o gaps.csv --since 30d";

const FORMATS: [(&str, ExportFormat); 3] = [
    ("csv", ExportFormat::Csv),
    ("json", ExportFormat::Json),
    ("parquet", ExportFormat::Parquet),
];
const OUTCOMES: [(&str, OutcomeFilter); 3] = [
    ("ok", OutcomeFilter::Ok),
    ("fault", OutcomeFilter::Fault),
    ("cancelled", OutcomeFilter::Cancelled),
];

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let format = match args.format {
        Some(format) => format,
        None => format_of(&args.output)?,
    };
    let paths = Paths::of_user()?;
    let prices = settings::load(&paths)?.prices;
    let query = RunQuery {
        text: args.search.clone(),
        targets: args.targets.clone(),
        outcome: args.outcome,
        since_unix_ns: args.since,
        ..RunQuery::default()
    };
    let to = args.output.clone();
    let (count, one, many, until) = stored::read(&paths, async |history| {
        Ok(if args.gaps {
            let count = history.export_gaps(args.since, format, to).await?;
            (count, "gap", "gaps", None)
        } else {
            let count = history.export(query, format, prices, to, told).await?;
            (count, "run", "runs", history.rolled_up_until().await?)
        })
    })?;
    stored::note_rolled_up(until, args.since);
    let runs = if count == 1 { one } else { many };
    note(&format!(
        "{count} {runs} written to {}",
        args.output.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Says how far it came, to whoever watches.
fn told(done: usize, total: usize) {
    if io::stderr().is_terminal() && done < total {
        // Writing to it can't fail.
        let _ = writeln!(stderr(), "{done} of {total}");
    }
}

/// The format of a file, by its name.
pub(super) fn format_of(file: &Path) -> Result<ExportFormat, UsageError> {
    let end = file.extension().unwrap_or_default().to_string_lossy();
    named(&FORMATS, &end).ok_or_else(|| {
        UsageError::new(
            "the name of the file ends in none of .csv, .json and .parquet: say --format",
        )
    })
}

fn format() -> impl TypedValueParser<Value = ExportFormat> {
    let words = FORMATS.iter().map(|(word, _)| *word);
    super::one_of(words, |word| named(&FORMATS, word))
}

fn outcome() -> impl TypedValueParser<Value = OutcomeFilter> {
    let words = OUTCOMES.iter().map(|(word, _)| *word);
    super::one_of(words, |word| named(&OUTCOMES, word))
}

/// What a word stands for, whatever its case.
fn named<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    let row = table
        .iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name));
    row.map(|(_, value)| *value)
}
