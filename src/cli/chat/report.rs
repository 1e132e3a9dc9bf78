//! Follows runs to their end: text as it comes, or JSON lines; then a table of figures.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, StdoutLock, Write},
    path::Path,
    process::ExitCode,
};

use serde::Serialize;

use super::{Args, ask::Asked};
use crate::{
    chat::ChatRequest,
    cli::{
        table,
        terminal::{Printer, stderr, stdout},
    },
    conformance::{self, Check},
    dialect::DialectId,
    endpoint::TargetId,
    engine::{Command, Engine, Update},
    event::{BodyPart, Event},
    measure, record,
    run::{Origin, Run, RunHead, RunId, RunUpdate},
    visible::{Guard, visible_line},
};

/// Follows all runs to their end and says how they went; gives them in the order of the targets.
pub(super) fn follow(args: &Args, asked: &Asked) -> anyhow::Result<(ExitCode, Vec<Run>)> {
    let ids: Vec<RunId> = asked.runs.iter().map(|(id, _)| *id).collect();
    cancel_on_ctrl_c(&asked.engine, ids.clone());
    let mut screen = Screen::new(args, &asked.runs);
    let written = follow_updates(&asked.engine, &mut screen);
    asked.engine.send(Command::Stop);
    while asked.engine.next().is_some() {}
    written?;
    Ok((screen.exit_code(), screen.into_runs()))
}

fn follow_updates(engine: &Engine, screen: &mut Screen<'_>) -> io::Result<()> {
    while !screen.all_over() {
        let Some(update) = engine.next() else { break };
        screen.take(update)?;
    }
    screen.finish()
}

/// Ctrl-C stops the runs and keeps what they said; a second one ends the program at once.
fn cancel_on_ctrl_c(engine: &Engine, ids: Vec<RunId>) {
    let commands = engine.sender();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        else {
            return;
        };
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = commands.send(Command::Cancel(ids));
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
    });
}

/// What has been printed, and what waits for its turn.
struct Screen<'a> {
    args: &'a Args,
    out: Printer<StdoutLock<'static>>,
    thoughts: Guard,
    order: Vec<RunId>,
    runs: HashMap<RunId, Run>,
    /// The run whose text is being printed: the first that is not over. Later ones wait.
    current: usize,
    /// How many bytes of the current run's text and reasoning are printed.
    printed: usize,
    printed_reasoning: usize,
}

impl<'a> Screen<'a> {
    fn new(args: &'a Args, runs: &[(RunId, TargetId)]) -> Self {
        let blank = runs
            .iter()
            .map(|(id, target)| (*id, blank_run(*id, target)));
        Self {
            args,
            out: stdout(),
            thoughts: Guard::default(),
            order: runs.iter().map(|(id, _)| *id).collect(),
            runs: blank.collect(),
            current: 0,
            printed: 0,
            printed_reasoning: 0,
        }
    }

    fn all_over(&self) -> bool {
        self.runs.values().all(|run| run.state.is_over())
    }

    fn take(&mut self, update: Update) -> io::Result<()> {
        match update {
            Update::Accepted(head) => {
                if let Some(run) = self.runs.get_mut(&head.id) {
                    run.head = *head;
                }
                Ok(())
            }
            Update::Refused { id, fault } => {
                for update in RunUpdate::stillborn(fault, 0) {
                    self.apply(id, &update)?;
                }
                Ok(())
            }
            Update::Run { id, update } => self.apply(id, &update),
            _ => Ok(()),
        }
    }

    fn apply(&mut self, id: RunId, update: &RunUpdate) -> io::Result<()> {
        let Some(run) = self.runs.get_mut(&id) else {
            return Ok(());
        };
        if let Err(illegal) = run.apply(update) {
            tracing::warn!(%illegal, "update passed over");
            return Ok(());
        }
        if self.args.json {
            print_json(&mut self.out, run, update)
        } else {
            self.print_text()
        }
    }

    /// Prints what is new of the current run; when it is over, goes on with the next.
    fn print_text(&mut self) -> io::Result<()> {
        while let Some(run) = self.order.get(self.current).map(|id| &self.runs[id]) {
            if self.order.len() > 1 && self.printed == 0 && run.state.is_over() | has_text(run) {
                // Said once: the heading stands before the first byte of text, or of the fault.
                if self.printed_reasoning == 0 {
                    let target = run.head.target.to_string();
                    writeln!(self.out, "── {}", visible_line(&target))?;
                }
            }
            if self.args.reasoning {
                let new = &run.answer.reasoning[self.printed_reasoning..];
                write!(stderr(), "{}", self.thoughts.push(new))?;
            }
            self.printed_reasoning = run.answer.reasoning.len().max(self.printed_reasoning);
            write!(self.out, "{}", &run.answer.text[self.printed..])?;
            self.printed = run.answer.text.len();
            if !run.state.is_over() {
                break;
            }
            print_end(&mut self.out, run)?;
            save_media(self.args.save_media.as_deref(), run)?;
            (self.current, self.printed, self.printed_reasoning) = (self.current + 1, 0, 0);
        }
        self.out.flush()
    }

    /// The table of figures, on standard error when the answer alone should be piped on.
    fn finish(&mut self) -> io::Result<()> {
        self.out.end()?;
        if self.args.json {
            return Ok(());
        }
        let runs: Vec<&Run> = self.order.iter().map(|id| &self.runs[id]).collect();
        write!(stderr(), "\n{}", table::figures(&runs))
    }

    fn into_runs(mut self) -> Vec<Run> {
        let runs = self.order.iter().filter_map(|id| self.runs.remove(id));
        runs.collect()
    }

    fn exit_code(&self) -> ExitCode {
        let mut runs = self.runs.values();
        if runs.clone().any(Run::is_cancelled) {
            ExitCode::from(130)
        } else if runs.any(|run| run.answer.fault.is_some()) {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

fn has_text(run: &Run) -> bool {
    !run.answer.text.is_empty() || !run.answer.reasoning.is_empty()
}

/// What stands after an answer's text: its tool calls, its refusal, its fault.
fn print_end(out: &mut impl Write, run: &Run) -> io::Result<()> {
    if !run.answer.text.is_empty() && !run.answer.text.ends_with('\n') {
        writeln!(out)?;
    }
    for call in &run.answer.tool_calls {
        writeln!(out, "tool call: {}({})", call.name, call.arguments)?;
    }
    if !run.answer.refusal.is_empty() {
        writeln!(out, "refused: {}", run.answer.refusal)?;
    }
    for (number, citation) in run.answer.citations.iter().enumerate() {
        let parts = [&citation.title, &citation.url].into_iter().flatten();
        let parts: Vec<&str> = parts.map(String::as_str).collect();
        writeln!(out, "[{}] {}", number + 1, parts.join(" · "))?;
    }
    out.flush()?;
    print_beside(run)?;
    let Some(fault) = &run.answer.fault else {
        return Ok(());
    };
    let target = run.head.target.to_string();
    writeln!(stderr(), "{}: {fault}", visible_line(&target))
}

/// What is no text: the work of built-in tools, unknown parts, the server's own times, what was lost or odd.
fn print_beside(run: &Run) -> io::Result<()> {
    let answer = &run.answer;
    let mut err = stderr();
    for part in answer.body() {
        if let BodyPart::Item(kind, raw) = part {
            writeln!(err, "item: {kind} ({} bytes)", raw.len())?;
        }
    }
    for (kind, raw) in &answer.unknown {
        writeln!(err, "unknown: {kind} {raw}")?;
    }
    let times = answer.timings.iter();
    let times: Vec<String> = times
        .map(|(name, ns)| format!("{name} {:.1} ms", measure::ms(*ns)))
        .collect();
    if !times.is_empty() {
        writeln!(err, "by the server's own clock: {}", times.join(", "))?;
    }
    print_findings(&mut err, run)
}

/// Findings, and the notes that no finding tells. Unknown parts are printed as they are.
fn print_findings(err: &mut impl Write, run: &Run) -> io::Result<()> {
    let mut findings = conformance::findings(run);
    findings.retain(|finding| finding.check != Check::Unknown);
    for finding in &findings {
        let label = conformance::row(finding.check).label.to_lowercase();
        writeln!(err, "{label}: {}", finding.text)?;
    }
    for (note, _) in &run.answer.notes {
        if !conformance::is_told(&note.text, &findings) {
            writeln!(err, "note: {}", note.text)?;
        }
    }
    Ok(())
}

/// Writes the files that the model made, or says that there are some. A file that is there is not replaced.
fn save_media(folder: Option<&Path>, run: &Run) -> io::Result<()> {
    let mut err = stderr();
    for (index, media) in run.answer.media.iter().enumerate() {
        let (mime, bytes) = (&media.mime, media.data.len());
        match (folder, &media.uri) {
            (_, Some(uri)) => writeln!(err, "file: {mime}, {uri}")?,
            (None, None) => writeln!(err, "file: {mime}, {bytes} bytes (--save-media keeps it)")?,
            (Some(folder), None) => {
                let path = folder.join(format!("{}-{}", run.head.id.0, media.file_name(index + 1)));
                let shown = path.display();
                match File::create_new(&path).and_then(|mut file| file.write_all(&media.to_file()))
                {
                    Ok(()) => writeln!(err, "file: {mime}, {bytes} bytes, written to {shown}")?,
                    Err(why) => writeln!(err, "file: {shown} could not be written: {why}")?,
                }
            }
        }
    }
    Ok(())
}

/// An event's line: when it came, and of which target, since several may be told apart only so.
#[derive(Serialize)]
struct EventLine<'a> {
    #[serde(flatten)]
    event: &'a Event,
    target: String,
    at_ms: f64,
}

fn print_json(out: &mut impl Write, run: &Run, update: &RunUpdate) -> io::Result<()> {
    let (at, events): (_, &[Event]) = match update {
        RunUpdate::Read { read, events } => (read.at, events),
        RunUpdate::Closed { at, events, .. } => (*at, events),
        _ => return Ok(()),
    };
    for event in events {
        let line = EventLine {
            event,
            target: run.head.target.to_string(),
            at_ms: measure::ms(at),
        };
        record::write_line(out, &line)?;
    }
    if run.state.is_over() {
        record::write_line(out, &record::run_line(run))?;
    }
    out.flush()
}

/// A run before the engine has accepted it.
fn blank_run(id: RunId, target: &TargetId) -> Run {
    Run::new(RunHead {
        id,
        target: target.clone(),
        dialect: DialectId::OpenaiChat,
        route: String::new(),
        url: String::new(),
        simulated: false,
        origin: Origin::Terminal,
        attempt: 1,
        request: ChatRequest::default().into(),
    })
}
