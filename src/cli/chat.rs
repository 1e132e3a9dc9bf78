//! `tokenscope chat`: asks one target, or several side by side, and prints answers and figures.

mod ask;
mod ending;
mod question;
mod report;
mod session;

use std::{io::Write as _, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;

use self::question::ChatPrompt;
use super::{
    UsageError,
    ad_hoc::{Reach, WHERE},
    note,
    terminal::stdout,
};
use crate::{chat::CacheLife, dialect::DialectId, run::Run, settings::Paths, snippet::Language};

// Headings of the help.
const WHAT: &str = "What to ask";
const HOW: &str = "How to answer";
const OUTPUT: &str = "What to print and keep";

/// Arguments of `tokenscope chat`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct ChatArgs {
    /// What to ask; read from standard input when left out or `-`.
    prompt: Option<String>,

    /// Where to ask, as endpoint/model; repeat it to ask several side by side.
    #[arg(short, long = "target", value_name = "TARGET", help_heading = WHERE)]
    targets: Vec<String>,

    /// System prompt.
    #[arg(short, long, help_heading = WHAT)]
    system: Option<String>,

    /// File to attach (image, PDF, sound, video, text), its type told by content; or an address (https:// or
    /// gs://) that the provider fetches itself. A text goes into the prompt under its name. May be repeated.
    #[arg(
        short,
        long = "attach",
        visible_alias = "image",
        short_alias = 'i',
        value_name = "FILE",
        help_heading = WHAT
    )]
    attach: Vec<PathBuf>,

    /// Print one line of JSON for each event, and one at the end of each run.
    #[arg(long, help_heading = OUTPUT)]
    json: bool,

    /// Ask this URL; needs no set-up. The key is read from the environment variable that --key-env names.
    #[arg(
        long,
        value_name = "URL",
        requires = "model",
        conflicts_with = "targets",
        help_heading = WHERE
    )]
    base_url: Option<String>,

    /// The protocol that --base-url speaks.
    #[arg(long, value_name = "DIALECT", default_value = "openai-chat", value_parser = super::dialect(), help_heading = WHERE)]
    dialect: DialectId,

    /// The model to ask at --base-url; may be repeated.
    #[arg(short, long = "model", value_name = "MODEL", requires = "base_url", help_heading = WHERE)]
    model: Vec<String>,

    /// Environment variable that holds the key for --base-url.
    #[arg(long, value_name = "VAR", default_value = "LLM_API_KEY", help_heading = WHERE)]
    key_env: String,

    #[command(flatten)]
    reach: Reach,

    /// Open a new connection for each run, even if there is one that could take it.
    #[arg(long, help_heading = WHERE)]
    cold: bool,

    /// Sampling temperature.
    #[arg(long, help_heading = HOW)]
    temperature: Option<f64>,

    /// Nucleus sampling mass, 0 to 1.
    #[arg(long, help_heading = HOW)]
    top_p: Option<f64>,

    /// Most output tokens.
    #[arg(long, help_heading = HOW)]
    max_tokens: Option<u32>,

    /// Sampling seed.
    #[arg(long, allow_negative_numbers = true, help_heading = HOW)]
    seed: Option<i64>,

    /// String that ends the answer; may be repeated.
    #[arg(long, help_heading = HOW)]
    stop: Vec<String>,

    /// How much to think, in the provider's own word (minimal, low, medium, high, …).
    #[arg(long, value_name = "EFFORT", help_heading = HOW)]
    reasoning_effort: Option<String>,

    /// Have the provider keep the prompt for so long, where it must be asked to (Anthropic): 5m or 1h.
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "5m", value_parser = cache_life, help_heading = HOW)]
    cache_prompt: Option<CacheLife>,

    /// File with a JSON schema that the answer must follow.
    #[arg(long, value_name = "FILE", help_heading = HOW)]
    schema: Option<PathBuf>,

    /// File with a JSON array of tools: {"name", "description", "parameters"}, or as a provider has them.
    #[arg(long, value_name = "FILE", help_heading = WHAT)]
    tools: Option<PathBuf>,

    /// File that keeps a conversation: what it holds goes before this turn (system prompt and tools, too), and
    /// the turn is added with its answer. Made where there is none.
    #[arg(long, value_name = "FILE", conflicts_with = "body", help_heading = WHAT)]
    session: Option<PathBuf>,

    /// What a tool call of the session's last answer gave (@FILE reads it from a file), in place of a prompt;
    /// repeat it for several calls, in their order.
    #[arg(long = "result", value_name = "TEXT", requires = "session", conflicts_with_all = ["prompt", "attach"], help_heading = WHAT)]
    results: Vec<String>,

    /// JSON object merged into the request body; null removes a field.
    #[arg(long, value_name = "JSON", help_heading = WHAT)]
    extra: Option<String>,

    /// File with the JSON body to send as it is, in place of all that is asked; - reads standard input. {{file 1}}
    /// in it stands for the base64 of the first attached file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prompt", "system", "temperature", "top_p", "max_tokens", "seed", "stop",
        "reasoning_effort", "cache_prompt", "schema", "tools", "extra"], help_heading = WHAT)]
    body: Option<PathBuf>,

    /// Print the JSON body that would be sent, for --body to take back, and ask nothing.
    #[arg(long, conflicts_with = "snippet", help_heading = OUTPUT)]
    print_body: bool,

    /// Show the reasoning too (on standard error).
    #[arg(long, help_heading = OUTPUT)]
    reasoning: bool,

    /// Folder to write the files to that a model makes (pictures, sound).
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    save_media: Option<PathBuf>,

    /// Print what would be asked as a program in this language (curl, python, javascript), and ask nothing.
    #[arg(long, value_name = "LANGUAGE", value_parser = language, help_heading = OUTPUT)]
    snippet: Option<Language>,

    /// Do not keep these runs in the history.
    #[arg(long, help_heading = OUTPUT)]
    no_history: bool,
}

const EXAMPLES: &str = "\
Exit codes: 0 every answer came to a clean end; 1 at least one run ended in a fault;
2 asked wrongly; 3 the answers came, and could not be stored in the history; 130 stopped by Ctrl-C
(129 by SIGHUP, 143 by SIGTERM).

Examples:
  tokenscope chat 'Why is the sky blue?'      the first ready endpoint, else the simulator
  tokenscope chat -t openai/gpt-4o-mini -t groq/llama-3.3-70b-versatile 'Hello'
  git diff | tokenscope chat -s 'Review this change' -t deepseek/deepseek-chat
  tokenscope chat --base-url http://127.0.0.1:8080/v1 -m gemma --json 'Hello'
  tokenscope chat -t gemini-native/gemini-3-flash --tools tools.json --session s.json 'Weather?'
  tokenscope chat -t gemini-native/gemini-3-flash --session s.json --result '{\"celsius\": 21}'";

pub(super) fn run(args: &ChatArgs) -> anyhow::Result<ExitCode> {
    if args.session.is_some() && args.targets.len() + args.model.len() > 1 {
        return Err(UsageError::new("a session is held with one target at a time").into());
    }
    let paths = Paths::of_user()?;
    let question = ChatPrompt::of(args)?;
    let ready = ask::ready(args, paths)?;
    ready.check(&question)?;
    let shown = if args.print_body {
        ask::bodies(&question, &ready)?
    } else if let Some(language) = args.snippet {
        ask::snippets(language, &question, &ready)?
    } else {
        let (code, runs) = report::follow(args, &ask::start(&question, ready))?;
        keep(args, question, &runs)?;
        return Ok(code);
    };
    stdout().write_all(shown.join("\n").as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Adds the turn and its answer to the session.
fn keep(args: &ChatArgs, question: ChatPrompt, runs: &[Arc<Run>]) -> anyhow::Result<()> {
    let (Some(file), [run]) = (&args.session, runs) else {
        return Ok(());
    };
    let Some(answer) = session::answer(run) else {
        note("no whole answer came: the session stays as it was");
        return Ok(());
    };
    let locks = Paths::of_user()?.data.join("sessions");
    let kept = question
        .session
        .add(file, &locks, [question.message, answer])
        .with_context(|| format!("the turn is not kept in {}", file.display()))?;
    kept.advice().as_deref().map(note);
    Ok(())
}

fn cache_life(word: &str) -> Result<CacheLife, String> {
    let mut known = [CacheLife::Minutes, CacheLife::Hour].into_iter();
    let found = known.find(|life| life.as_str() == word);
    found.ok_or_else(|| "a prompt is kept for 5m or 1h".to_owned())
}

fn language(name: &str) -> Result<Language, String> {
    Language::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Language::ALL.iter().map(|l| l.as_str()).collect();
        format!("no such language; known are {}", known.join(", "))
    })
}
