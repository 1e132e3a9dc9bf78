//! Prints runs until they end: text as it comes, or JSON lines; then a table of figures.

use std::{
    collections::HashMap,
    io::{self, StdoutLock, Write},
    path::Path,
    process::ExitCode,
    thread,
    time::Duration,
};

use serde::Serialize;

use super::{ChatArgs, ask::StartedRuns};
use crate::{
    chat::ChatRequest,
    cli::{
        ending::CommandEnding,
        note, table,
        terminal::{Printer, stderr, stdout},
    },
    conformance::{self, CheckedRun},
    dialect::DialectId,
    endpoint::TargetId,
    engine::{Command, Engine, HistoryNews, RunCommand, RunNews, Update},
    event::{BodyPart, Event, Fault},
    history::Storage,
    private, record,
    run::{self, OffsetNs, Origin, Run, RunHead, RunId, RunUpdate},
    settings::Settings,
    visible::{Guard, visible_line},
};

/// Prints all runs until they end. Returns the exit code, and the runs in the order of the targets.
pub(super) fn follow(
    args: &ChatArgs,
    asked: &StartedRuns,
) -> anyhow::Result<(ExitCode, Vec<CheckedRun>)> {
    let ids: Vec<RunId> = asked.runs.iter().map(|(id, _)| *id).collect();
    // What came so far is kept.
    let cancel = move || Command::Run(RunCommand::Cancel(ids.clone()));
    let ending = CommandEnding::on_signals(&asked.engine, cancel);
    let mut screen = Screen::new(args, asked);
    let written = follow_updates(&asked.engine, &mut screen);
    let stored = ending.store(&asked.engine);
    written?;
    Ok((
        ending.code(screen.ended(), screen.all_over(), stored),
        screen.into_runs(),
    ))
}

/// The pause between two checks for updates. Without it, the engine would wake this thread for each token, which costs
/// a fifth of its CPU time.
const FRAME: Duration = Duration::from_millis(10);

fn follow_updates(engine: &Engine, screen: &mut Screen<'_>) -> io::Result<()> {
    while !screen.all_over() {
        let Some(update) = engine.next() else { break };
        screen.take(update)?;
        while let Some(update) = engine.try_next() {
            screen.take(update)?;
        }
        if !screen.all_over() {
            thread::sleep(FRAME);
        }
    }
    screen.finish()
}

/// The printed text, and the runs whose text waits for its turn.
struct Screen<'a> {
    args: &'a ChatArgs,
    settings: &'a Settings,
    out: Printer<StdoutLock<'static>>,
    thoughts: Guard,
    order: Vec<RunId>,
    runs: HashMap<RunId, Following>,
    /// The run whose text is being printed: the first that is not over. Later ones wait.
    current: usize,
}

/// The state of a run. Its text is not collected: the engine sends the complete run at the end.
struct Following {
    target: TargetId,
    /// Text that is not printed yet.
    text: String,
    reasoning: String,
    has_heading: bool,
    over: Option<CheckedRun>,
}

impl Following {
    fn new(target: &TargetId) -> Self {
        Self {
            target: target.clone(),
            text: String::new(),
            reasoning: String::new(),
            has_heading: false,
            over: None,
        }
    }

    /// Queues text to print.
    fn queue(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::Text { text } => self.text.push_str(text),
                Event::Reasoning { text } => self.reasoning.push_str(text),
                _ => {}
            }
        }
    }
}

impl<'a> Screen<'a> {
    fn new(args: &'a ChatArgs, asked: &'a StartedRuns) -> Self {
        let runs = &asked.runs;
        let runs_of = runs
            .iter()
            .map(|(id, target)| (*id, Following::new(target)));
        Self {
            args,
            settings: &asked.settings,
            out: stdout(),
            thoughts: Guard::default(),
            order: runs.iter().map(|(id, _)| *id).collect(),
            runs: runs_of.collect(),
            current: 0,
        }
    }

    fn all_over(&self) -> bool {
        self.runs.values().all(|run| run.over.is_some())
    }

    fn take(&mut self, update: Update) -> io::Result<()> {
        match update {
            Update::Run(RunNews::Refused { id, fault }) => self.refused(id, fault),
            Update::Run(RunNews::Update { id, update }) => self.print_update(id, &update),
            Update::Run(RunNews::Over(run)) => self.over(run),
            Update::History(HistoryNews::Storage(Storage::SetAside { kept_as, why })) => {
                let kept_as = kept_as.display();
                note(&format!(
                    "the history was damaged ({why}) and a new one was started; the old one is kept as {kept_as}"
                ));
                Ok(())
            }
            Update::Run(
                RunNews::Accepted(_) | RunNews::Loaded { .. } | RunNews::Findings { .. },
            )
            | Update::History(_)
            | Update::Gateway(_)
            | Update::Monitor(_)
            | Update::Compare(_)
            | Update::Bench(_)
            | Update::Settings(_)
            | Update::Key(_)
            | Update::Models { .. }
            | Update::NoSimulator(_)
            | Update::Ready
            | Update::Stopped => Ok(()),
        }
    }

    /// Ends a run that was refused, with its fault.
    fn refused(&mut self, id: RunId, fault: Fault) -> io::Result<()> {
        let Some(following) = self.runs.get(&id) else {
            return Ok(());
        };
        let mut run = blank_run(id, &following.target);
        for update in RunUpdate::failed_before_start(fault, 0) {
            if run.apply(&update).is_ok() {
                self.print_update(id, &update)?;
            }
        }
        self.over(run.into())
    }

    fn print_update(&mut self, id: RunId, update: &RunUpdate) -> io::Result<()> {
        let (at, events) = match update {
            RunUpdate::Read { read, events } => (read.at, events),
            RunUpdate::Closed { at, events, .. } => (*at, events),
            _ => return Ok(()),
        };
        let is_current = self.order.get(self.current) == Some(&id);
        let Some(run) = self.runs.get_mut(&id) else {
            return Ok(());
        };
        if self.args.json {
            return print_events(&mut self.out, &run.target, at, events);
        }
        if is_current {
            self.print_events_text(id, events)
        } else {
            run.queue(events);
            Ok(())
        }
    }

    fn over(&mut self, run: CheckedRun) -> io::Result<()> {
        let Some(following) = self.runs.get_mut(&run.head.id) else {
            return Ok(());
        };
        let run = following.over.insert(run);
        if self.args.json {
            record::write_line(&mut self.out, &record::run_line(run, &self.settings.prices))?;
            self.out.flush()
        } else {
            self.print_text()
        }
    }

    /// Prints the current run's text piece by piece: one piece may be as large as the answer.
    fn print_events_text(&mut self, id: RunId, events: &[Event]) -> io::Result<()> {
        let Some(run) = self.runs.get_mut(&id) else {
            return Ok(());
        };
        for event in events {
            match event {
                Event::Text { text } if !text.is_empty() => {
                    head(&mut self.out, run, self.order.len() > 1)?;
                    write!(self.out, "{text}")?;
                }
                Event::Reasoning { text } if !text.is_empty() => {
                    head(&mut self.out, run, self.order.len() > 1)?;
                    if self.args.reasoning {
                        write!(stderr(), "{}", self.thoughts.push(text))?;
                    }
                }
                _ => {}
            }
        }
        self.out.flush()
    }

    /// Prints the queued text of the current run; when it is over, continues with the next.
    fn print_text(&mut self) -> io::Result<()> {
        let many = self.order.len() > 1;
        while let Some(run) = (self.order.get(self.current)).and_then(|id| self.runs.get_mut(id)) {
            let has_output =
                run.over.is_some() || !run.text.is_empty() || !run.reasoning.is_empty();
            if has_output {
                head(&mut self.out, run, many)?;
            }
            let reasoning = std::mem::take(&mut run.reasoning);
            if self.args.reasoning {
                write!(stderr(), "{}", self.thoughts.push(&reasoning))?;
            }
            write!(self.out, "{}", std::mem::take(&mut run.text))?;
            let Some(over) = &run.over else { break };
            print_end(&mut self.out, over)?;
            save_media(self.args.save_media.as_deref(), over)?;
            self.current += 1;
        }
        self.out.flush()
    }

    /// Prints the table of figures on standard error, so that only the answers are on standard output.
    fn finish(&mut self) -> io::Result<()> {
        self.out.end()?;
        if self.args.json {
            return Ok(());
        }
        let runs: Vec<&Run> = self.ended().collect();
        write!(
            stderr(),
            "\n{}",
            table::figures(&runs, &self.settings.prices)
        )
    }

    fn ended(&self) -> impl Iterator<Item = &Run> + Clone {
        let runs = self.order.iter().filter_map(|id| self.runs.get(id));
        runs.filter_map(|run| run.over.as_deref())
    }

    fn into_runs(mut self) -> Vec<CheckedRun> {
        let runs = self.order.iter().filter_map(|id| self.runs.remove(id));
        runs.filter_map(|run| run.over).collect()
    }
}

/// Prints the heading of one of several runs, before its first text or its fault.
fn head(out: &mut impl Write, run: &mut Following, many: bool) -> io::Result<()> {
    if many && !std::mem::replace(&mut run.has_heading, true) {
        writeln!(out, "── {}", visible_line(&run.target.to_string()))?;
    }
    Ok(())
}

/// Prints what follows an answer's text: tool calls, refusal, citations, fault.
pub(in crate::cli) fn print_end(out: &mut impl Write, run: &CheckedRun) -> io::Result<()> {
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
    print_other_contents(run)?;
    let Some(fault) = &run.answer.fault else {
        return Ok(());
    };
    let target = run.head.target.to_string();
    writeln!(stderr(), "{}: {fault}", visible_line(&target))?;
    match &fault.details {
        Some(details) => writeln!(stderr(), "  details: {details}"),
        None => Ok(()),
    }
}

/// Prints an answer's other contents: items of built-in tools, unknown parts, the server's times, findings.
fn print_other_contents(run: &CheckedRun) -> io::Result<()> {
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
        .map(|(name, ns)| format!("{name} {:.1} ms", run::ms(*ns)))
        .collect();
    if !times.is_empty() {
        writeln!(err, "by the server's clock: {}", times.join(", "))?;
    }
    print_findings(&mut err, run)
}

/// Prints findings, and the notes that no finding covers. Unknown parts are printed separately.
fn print_findings(err: &mut impl Write, run: &CheckedRun) -> io::Result<()> {
    let findings = run.findings();
    let findings = conformance::in_words(&findings);
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

/// Writes the files that the model made, or lists them. Existing files are not replaced.
fn save_media(folder: Option<&Path>, run: &Run) -> io::Result<()> {
    let mut err = stderr();
    for (index, media) in run.answer.media.iter().enumerate() {
        let (mime, bytes) = (&media.mime, media.data.len());
        match (folder, &media.uri) {
            (_, Some(uri)) => writeln!(err, "file: {mime}, {uri}")?,
            (None, None) => writeln!(
                err,
                "file: {mime}, {bytes} bytes (--save-media DIR writes it)"
            )?,
            (Some(folder), None) => {
                let path = folder.join(format!("{}-{}", run.head.id.0, media.file_name(index + 1)));
                let shown = path.display();
                match private::create_new(&path)
                    .and_then(|mut file| file.write_all(&media.to_file()))
                {
                    Ok(()) => writeln!(err, "file: {mime}, {bytes} bytes, written to {shown}")?,
                    Err(why) => writeln!(err, "file: {shown} could not be written: {why}")?,
                }
            }
        }
    }
    Ok(())
}

/// An event's line, with its time, and with its target, since the lines of several targets are mixed.
#[derive(Serialize)]
struct EventLine<'a> {
    #[serde(flatten)]
    event: &'a Event,
    target: String,
    at_ms: f64,
}

/// Prints each event as a line of JSON.
pub(in crate::cli) fn print_events(
    out: &mut impl Write,
    target: &TargetId,
    at: OffsetNs,
    events: &[Event],
) -> io::Result<()> {
    for event in events {
        let line = EventLine {
            event,
            target: target.to_string(),
            at_ms: run::ms(at),
        };
        record::write_line(out, &line)?;
    }
    out.flush()
}

/// A run that the engine did not accept.
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
