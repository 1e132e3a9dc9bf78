//! `tokenscope chat`: asks one target, or several at once, and prints answers and figures.

mod ask;
mod question;
pub(super) mod report;
mod session;

use std::{io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;

use self::question::ChatPrompt;
use super::{UsageError, ad_hoc::WHERE, note, targets::TargetArgs, terminal::stdout};
use crate::{chat::CacheLife, conformance::CheckedRun, settings::Paths, snippet::Language};

// Headings of the help.
const WHAT: &str = "What to ask";
const HOW: &str = "How to answer";
const OUTPUT: &str = "What to print and store";

/// Arguments of `tokenscope chat`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct ChatArgs {
    /// The prompt; read from standard input if left out or `-`.
    prompt: Option<String>,

    /// System prompt.
    #[arg(short, long, help_heading = WHAT)]
    system: Option<String>,

    /// File to attach (image, PDF, audio, video, text), whose type is detected by content; or a URL (https:// or gs://)
    /// that the provider fetches itself. A text file becomes part of the prompt, under its name. May be repeated.
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

    #[command(flatten)]
    place: TargetArgs,

    /// Open a new connection for each run, even if an idle one could be reused.
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

    /// Reasoning effort, in the provider's own word (minimal, low, medium, high, …).
    #[arg(long, value_name = "EFFORT", help_heading = HOW)]
    reasoning_effort: Option<String>,

    /// Have the provider cache the prompt for this time, if it has to be asked to (Anthropic): 5m or 1h.
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "5m", value_parser = cache_life, help_heading = HOW)]
    cache_prompt: Option<CacheLife>,

    /// File with a JSON schema that the answer must follow.
    #[arg(long, value_name = "FILE", help_heading = HOW)]
    schema: Option<PathBuf>,

    /// File with a JSON array of tools: {"name", "description", "parameters"}, or in a provider's form.
    #[arg(long, value_name = "FILE", help_heading = WHAT)]
    tools: Option<PathBuf>,

    /// File of a conversation: its messages, system prompt and tools are sent before this turn, and the turn is added
    /// with its answer. Created if it does not exist.
    #[arg(long, value_name = "FILE", conflicts_with = "body", help_heading = WHAT)]
    session: Option<PathBuf>,

    /// The result of a tool call in the session's last answer (@FILE reads it from a file), instead of a prompt; repeat
    /// it for several calls, in their order.
    #[arg(long = "result", value_name = "TEXT", requires = "session", conflicts_with_all = ["prompt", "attach"], help_heading = WHAT)]
    results: Vec<String>,

    /// JSON object merged into the request body; null removes a field.
    #[arg(long, value_name = "JSON", help_heading = WHAT)]
    extra: Option<String>,

    /// File with the JSON body to send unchanged, instead of one made from the prompt; - reads standard input. {{file
    /// 1}} in it stands for the base64 of the first attached file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prompt", "system", "temperature", "top_p", "max_tokens", "seed", "stop",
        "reasoning_effort", "cache_prompt", "schema", "tools", "extra"], help_heading = WHAT)]
    body: Option<PathBuf>,

    /// Print the JSON body that would be sent, in the form that --body reads, and send nothing.
    #[arg(long, conflicts_with = "snippet", help_heading = OUTPUT)]
    print_body: bool,

    /// Show the reasoning too (on standard error).
    #[arg(long, help_heading = OUTPUT)]
    reasoning: bool,

    /// Folder for files that the model makes (images, audio).
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    save_media: Option<PathBuf>,

    /// Print the request as a program in this language (curl, python, javascript), and send nothing.
    #[arg(long, value_name = "LANGUAGE", value_parser = language, help_heading = OUTPUT)]
    snippet: Option<Language>,

    /// Do not store these runs in the history.
    #[arg(long, help_heading = OUTPUT)]
    no_history: bool,
}

const EXAMPLES: &str = "\
Exit codes: 0 every answer came to a clean end; 1 at least one run ended in a fault;
2 wrong arguments or input; 3 the answers came, but could not be stored in the history;
130 stopped by Ctrl-C (129 by SIGHUP, 143 by SIGTERM).

Examples:
  tokenscope chat 'Why is the sky blue?'      the first ready endpoint, else the simulator
  tokenscope chat -t openai/gpt-4o-mini -t groq/llama-3.3-70b-versatile 'Hello'
  git diff | tokenscope chat -s 'Review this change' -t deepseek/deepseek-chat
  tokenscope chat --base-url http://127.0.0.1:8080/v1 -m gemma --json 'Hello'
  tokenscope chat -t gemini-native/gemini-3-flash --tools tools.json --session s.json 'Weather?'
  tokenscope chat -t gemini-native/gemini-3-flash --session s.json --result '{\"celsius\": 21}'";

pub(super) fn run(args: &ChatArgs) -> anyhow::Result<ExitCode> {
    if args.session.is_some() && args.place.named() > 1 {
        return Err(UsageError::new("a session works with one target only").into());
    }
    let paths = Paths::of_user()?;
    let question = ChatPrompt::of(args)?;
    let ready = args.place.ready(paths, !args.no_history)?;
    ask::check(&ready, &question)?;
    let shown = if args.print_body {
        ask::bodies(&question, &ready)?
    } else if let Some(language) = args.snippet {
        ask::snippets(language, &question, &ready)?
    } else {
        let (code, runs) = report::follow(args, &ask::start(&question, ready, args.cold))?;
        add_to_session(args, question, &runs)?;
        return Ok(code);
    };
    stdout().write_all(shown.join("\n").as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Adds the turn and its answer to the session.
fn add_to_session(
    args: &ChatArgs,
    question: ChatPrompt,
    runs: &[CheckedRun],
) -> anyhow::Result<()> {
    let (Some(file), [run]) = (&args.session, runs) else {
        return Ok(());
    };
    let Some(answer) = session::answer(run) else {
        note("the answer is incomplete: the session is not changed");
        return Ok(());
    };
    let locks = Paths::of_user()?.data.join("sessions");
    let session = question
        .session
        .add(file, &locks, [question.message, answer])
        .with_context(|| format!("the turn could not be added to {}", file.display()))?;
    session.advice().as_deref().map(note);
    Ok(())
}

fn cache_life(word: &str) -> Result<CacheLife, String> {
    let mut known = [CacheLife::Minutes, CacheLife::Hour].into_iter();
    let found = known.find(|life| life.as_str() == word);
    found.ok_or_else(|| "a prompt is cached for 5m or 1h".to_owned())
}

fn language(name: &str) -> Result<Language, String> {
    Language::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Language::ALL.iter().map(|l| l.as_str()).collect();
        format!("no such language; known are {}", known.join(", "))
    })
}
