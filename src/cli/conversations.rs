//! `tokenscope conversations`: lists the conversations of the playground, writes them to files, and imports files.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::builder::TypedValueParser;

use super::{UsageError, note, stored, table::left, terminal::stdout};
use crate::{
    conversation::{ConversationId, ConversationSummary},
    conversation_file::{ConversationFormat, Extent, read_file},
    history::{History, Storage, rfc3339},
    settings::{self, Paths},
    visible::visible_line,
};

/// Arguments of `tokenscope conversations`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ConversationsArgs {
    #[command(subcommand)]
    action: ConversationAction,
}

#[derive(Debug, clap::Subcommand)]
enum ConversationAction {
    /// List the conversations of the playground with their ids, latest first.
    List,
    /// Write conversations to a Markdown, JSON or HTML file.
    Export(ConversationExportArgs),
    /// Import conversations from a JSON file of Tokenscope, ChatGPT, Claude or Cherry Studio.
    Import(ConversationImportArgs),
}

/// Arguments of `tokenscope conversations export`.
#[derive(Debug, clap::Args)]
struct ConversationExportArgs {
    /// The file to write; one that exists is replaced once the new one is complete.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// md, json or html [default: by the end of the file's name].
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    format: Option<ConversationFormat>,

    /// Only this conversation, by the id that `list` gives; may be repeated.
    #[arg(long, value_name = "ID")]
    id: Vec<i64>,

    /// Only the last question of each pane with its answers.
    #[arg(long)]
    last_turn: bool,
}

/// Arguments of `tokenscope conversations import`.
#[derive(Debug, clap::Args)]
struct ConversationImportArgs {
    /// The file: a JSON export of Tokenscope, conversations.json of ChatGPT or Claude, or data.json of Cherry Studio 1.
    file: PathBuf,
}

const EXAMPLES: &str = "\
Exit codes: 0 success; 1 the history can't be read or written, or the file not be written;
2 wrong arguments, or a file that is refused: nothing of it is imported then.

JSON is Tokenscope's own format, which can be imported again; Markdown and HTML show the answer of
each question that the window shows. Drafts, keys, URLs and addresses are in none of them.

Examples:
  tokenscope conversations export -o all.json
  tokenscope conversations export --id 1883214567890123456 -o talk.md
  tokenscope conversations import conversations.json";

pub(super) fn run(args: &ConversationsArgs) -> anyhow::Result<ExitCode> {
    match &args.action {
        ConversationAction::List => list(),
        ConversationAction::Export(args) => export(args),
        ConversationAction::Import(args) => import(&args.file),
    }
}

fn list() -> anyhow::Result<ExitCode> {
    let paths = Paths::of_user()?;
    let all = stored::read(&paths, async |history| Ok(history.conversations().await?))?;
    let head = ["id", "changed", "panes", "title"].map(str::to_owned);
    let rows: Vec<Vec<String>> = [Vec::from(head)]
        .into_iter()
        .chain(all.iter().map(row))
        .collect();
    stdout().write_all(left(rows).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn row(summary: &ConversationSummary) -> Vec<String> {
    let title = match summary.title.as_str() {
        "" => "Untitled",
        title => title,
    };
    // To the second.
    let changed = rfc3339(summary.updated_unix_ns);
    vec![
        summary.id.0.to_string(),
        changed.chars().take(19).collect(),
        summary.panes.to_string(),
        visible_line(title).into_owned(),
    ]
}

fn export(args: &ConversationExportArgs) -> anyhow::Result<ExitCode> {
    let format = match args.format {
        Some(format) => format,
        None => ConversationFormat::of_name(&args.output).ok_or_else(|| {
            UsageError::new(
                "the name of the file ends in none of .md, .json and .html: say --format",
            )
        })?,
    };
    let extent = if args.last_turn {
        Extent::LastTurn
    } else {
        Extent::Whole
    };
    let paths = Paths::of_user()?;
    let writer = format.writer(extent, settings::load(&paths)?.prices);
    let ids = args.id.iter().copied().map(ConversationId);
    let only = (!args.id.is_empty()).then(|| ids.collect());
    let to = args.output.clone();
    let count = stored::read(&paths, async |history| {
        Ok(history.export_conversations(only, writer, to).await?)
    })?;
    let noun = counted(count, "conversation");
    note(&format!("{noun} written to {}", args.output.display()));
    Ok(ExitCode::SUCCESS)
}

fn import(file: &Path) -> anyhow::Result<ExitCode> {
    let read = read_file(file).map_err(UsageError::new)?;
    let paths = Paths::of_user()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no async runtime")?;
    let done = runtime.block_on(async {
        let history = History::open(&paths.data);
        if let Storage::Failing { why } | Storage::ReadOnly { why } = history.storage().await {
            bail!(why);
        }
        let done = history.import_conversations(read.conversations).await;
        // The import is on disk, or was refused.
        let _ = history.end().await;
        Ok(done?)
    })?;
    note(&format!(
        "{} of {} with {} imported",
        counted(done.conversations, "conversation"),
        read.source,
        counted(done.answers, "answer")
    ));
    if !read.left_out.is_empty() {
        note(&format!("left out: {}", read.left_out.in_words()));
    }
    Ok(ExitCode::SUCCESS)
}

/// A count and its noun.
fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn format() -> impl TypedValueParser<Value = ConversationFormat> {
    let words = ConversationFormat::ALL.iter().map(|format| format.as_str());
    super::one_of(words, ConversationFormat::parse)
}
