//! `tokenscope replay`: decodes a capture again at its own pace, or serves it to another client.

use std::{
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
    thread,
};

use anyhow::Context as _;
use url::Url;

use super::{
    captured,
    chat::report::{print_end, print_events},
    serving::{log_to_stderr, stopped},
    table,
    terminal::{stderr, stdout},
};
use crate::{
    capture::{Capture, RunReplay, Speed},
    clock::now,
    conformance::CheckedRun,
    dialect::DialectId,
    event::Event,
    price::PriceTable,
    record,
    replay::{ReplayOptions, ReplayServer},
    run::{OffsetNs, Run, RunUpdate},
    snippet::shell_word,
    visible::Guard,
};

/// Arguments of `tokenscope replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ReplayArgs {
    /// A run's id, as `chat --json` and `export` print it; or `last`; or a .tscap or .har file, - for standard input.
    #[arg(value_name = "RUN|FILE")]
    given: String,

    /// How many times faster than it came, or max for no wait at all.
    #[arg(long, value_name = "N", default_value = "1")]
    speed: Speed,

    /// Print one line of JSON for each event, and one at the end, as `chat --json` does.
    #[arg(long, conflicts_with = "serve")]
    json: bool,

    /// Show the reasoning too (on standard error).
    #[arg(long, conflicts_with = "serve")]
    reasoning: bool,

    /// Serve it: whatever is asked by POST gets the captured response, at the captured pace, until Ctrl-C.
    #[arg(long)]
    serve: bool,

    /// Where to serve; port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", requires = "serve", value_parser = loopback)]
    listen: SocketAddr,
}

const EXAMPLES: &str = "\
Exit codes: 0 the answer came to a clean end, or serving was stopped; 1 it ended in a fault, there is
no such capture, or the address can't be had; 2 wrong arguments or input.

Examples:
  tokenscope replay last
  tokenscope replay run.tscap --speed 10
  tokenscope replay run.har --serve --listen 127.0.0.1:8091";

fn loopback(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        Ok(_) => {
            Err("a capture is served on a loopback address only, such as 127.0.0.1:8091".to_owned())
        }
        Err(_) => Err("write an address and a port, such as 127.0.0.1:8091".to_owned()),
    }
}

pub(super) fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let capture = captured::find(&args.given)?;
    if args.serve {
        return serve(args, &capture);
    }
    let mut screen = ReplayScreen {
        args,
        out: stdout(),
        thoughts: Guard::default(),
        run: Run::new(capture.run.head(url(&capture))),
    };
    let began = now();
    for (at, update) in RunReplay::new(&capture) {
        let due = args.speed.due(at, 0);
        let wait = due.saturating_sub(now().saturating_duration_since(began));
        if !wait.is_zero() {
            thread::sleep(wait);
        }
        screen.take(at, &update)?;
    }
    let failed = screen.end()?;
    Ok(ExitCode::from(u8::from(failed)))
}

fn url(capture: &Capture) -> &str {
    let request = capture.request.as_ref();
    request.map_or("", |request| &request.url)
}

/// Prints a replay as `chat` prints its run.
struct ReplayScreen<'a> {
    args: &'a ReplayArgs,
    out: super::terminal::Printer<io::StdoutLock<'static>>,
    thoughts: Guard,
    run: Run,
}

impl ReplayScreen<'_> {
    fn take(&mut self, at: OffsetNs, update: &RunUpdate) -> anyhow::Result<()> {
        self.run.apply(update)?;
        if self.args.json {
            print_events(&mut self.out, &self.run.head.target, at, update.events())?;
            return Ok(());
        }
        for event in update.events() {
            match event {
                Event::Text { text } => write!(self.out, "{text}")?,
                Event::Reasoning { text } if self.args.reasoning => {
                    write!(stderr(), "{}", self.thoughts.push(text))?;
                }
                _ => {}
            }
        }
        self.out.flush()?;
        Ok(())
    }

    /// Prints the end of the answer and its figures; says whether it failed.
    fn end(mut self) -> io::Result<bool> {
        let run = CheckedRun::from(self.run);
        let prices = PriceTable::default();
        if self.args.json {
            record::write_line(&mut self.out, &record::run_line(&run, &prices))?;
            self.out.end()?;
        } else {
            print_end(&mut self.out, &run)?;
            self.out.end()?;
            write!(stderr(), "\n{}", table::figures(&[&run], &prices))?;
        }
        Ok(run.answer.fault.is_some())
    }
}

fn serve(args: &ReplayArgs, capture: &Capture) -> anyhow::Result<ExitCode> {
    let options = ReplayOptions {
        address: args.listen,
        speed: args.speed,
        log: Some(log_to_stderr),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no async runtime")?;
    runtime.block_on(async {
        let server = ReplayServer::start(capture.clone(), options).await;
        let server = server.with_context(|| format!("can't serve on {}", args.listen))?;
        let dialect = capture.run.dialect;
        let url = server.base_url(dialect);
        let stop = stopped()?;
        let mut out = stdout();
        writeln!(
            out,
            "{url}\n\nEvery POST gets the response of run {}. Ctrl-C stops it.\n\n{}",
            capture.run.id.0,
            asking(&url, dialect, &capture.run.target.model),
        )?;
        out.end()?;
        drop(out);
        stop.await?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The command that asks what is served.
fn asking(url: &Url, dialect: DialectId, model: &str) -> String {
    let model = shell_word(model);
    format!("tokenscope chat --base-url {url} --dialect {dialect} --model {model} Hello")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_a_models_name_as_it_is() {
        let url = Url::parse("http://127.0.0.1:8091/v1").unwrap();
        for model in ["gpt-5", "it's $(touch owned) `id` \"$HOME\"; exit 3 #"] {
            let command = asking(&url, DialectId::OpenaiChat, model);
            let shown = command.replacen("tokenscope", "printf '%s\\n'", 1);
            let ran = std::process::Command::new("sh")
                .args(["-c", &shown])
                .output();
            let printed = String::from_utf8(ran.unwrap().stdout).unwrap();
            let words: Vec<&str> = printed.lines().collect();
            assert_eq!(words[words.len() - 2..], [model, "Hello"], "{command}");
            assert!(!std::path::Path::new("owned").exists(), "{command}");
        }
    }
}
