//! `tokenscope bench`: sends load to targets, and says how they and this machine kept up.
//!
//! Standard output has the figures, or with `--json` a line for each bench; progress goes to standard error.

mod agents;
mod args;
mod asking;
mod beside;
mod compat;
mod consent;
mod keeping;
mod machines;
#[cfg(feature = "otlp")]
mod otlp;
mod outputs;
mod show;
mod stored;
mod values;

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

pub use self::args::BenchArgs;
use self::{
    consent::BenchEstimate, keeping::RequestKeeper, outputs::BenchOutputs, show::SearchLine,
};
pub(super) use self::{
    outputs::BenchReportArgs,
    show::{BenchLine, summary as summary_text},
};
use super::{
    ending::CommandEnding,
    note,
    targets::Ready,
    terminal::{stderr, stdout},
};
use crate::{
    bench::{
        BenchId, BenchPlan, BenchPrompts, BenchSummary, RateSearch, StopReason, part::BenchPart,
    },
    endpoint::TargetPlace,
    engine::{BenchCommand, BenchNews, BenchProgress, BenchStart, Command, HistoryNews, Update},
    history::Storage,
    record,
    report::{ReportedBench, ReportedSearch},
    settings::Paths,
};

/// The exit code of a bench whose client lagged.
const INVALID: u8 = 4;

/// Between two lines of progress, in milliseconds: where somebody watches, and where nobody does.
const WATCHED_MS: f64 = 1_000.0;
const UNWATCHED_MS: f64 = 5_000.0;

pub(super) fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    if let Some(code) = stored::run(args)? {
        return Ok(code);
    }
    args.check_texts()?;
    if !args.machines.agents.is_empty() {
        return agents::run(args);
    }
    if let Some(file) = &args.output {
        stored::format_of(file)?;
    }
    let ready = args.place.ready(Paths::of_user()?, !args.no_history)?;
    let asked = args.asking.asked(args.max_tokens, args.seed)?;
    let plans = args.plans(&ready.targets, &asked)?;
    let plans = args.machines.shared(&plans)?;
    if args.dry_run {
        return estimate(args, &asked, &ready, &plans);
    }
    consent::agree(args, &asked, &ready, &plans)?;
    let ending = CommandEnding::on_signals(&ready.engine, || Command::Bench(BenchCommand::Stop));
    let mut benches = Benches {
        args,
        asked: &asked,
        ready: &ready,
        ending: &ending,
        outputs: BenchOutputs::start(&args.outputs)?,
        code: 0,
        written: Vec::new(),
        saved: Vec::new(),
    };
    let ran = benches.run_all(plans);
    let Benches {
        outputs,
        code,
        written,
        saved,
        ..
    } = benches;
    ending.store(&ready.engine);
    ran?;
    outputs.end()?;
    if let Some(file) = &args.machines.save {
        machines::save(&saved, file)?;
    }
    if let Some(file) = &args.output {
        stored::write_requests(&written, file)?;
    }
    Ok(ending.signalled().unwrap_or_else(|| ExitCode::from(code)))
}

/// Says what would be sent.
fn estimate(
    args: &BenchArgs,
    asked: &BenchPrompts,
    ready: &Ready,
    plans: &[BenchPlan],
) -> anyhow::Result<ExitCode> {
    let mut out = stdout();
    for plan in plans {
        let estimate = BenchEstimate::of(asked, ready, plan)?;
        if args.json {
            record::write_line(&mut out, &estimate)?;
        } else {
            writeln!(out, "{}", estimate.text())?;
        }
    }
    out.end()?;
    Ok(ExitCode::SUCCESS)
}

/// Runs benches one after another.
struct Benches<'a> {
    args: &'a BenchArgs,
    asked: &'a BenchPrompts,
    ready: &'a Ready,
    ending: &'a Arc<CommandEnding>,
    outputs: BenchOutputs<'a>,
    /// The highest exit code so far.
    code: u8,
    /// The benches whose requests are to be written to a file.
    written: Vec<BenchId>,
    /// What is to be saved for `tokenscope merge`, of each bench.
    saved: Vec<Vec<BenchPart>>,
}

impl Benches<'_> {
    fn run_all(&mut self, plans: Vec<BenchPlan>) -> anyhow::Result<()> {
        for plan in plans {
            if self.ending.signalled().is_some() {
                break;
            }
            if self.args.search {
                self.search(&plan)?;
            } else {
                self.run_one(&plan)?;
            }
        }
        Ok(())
    }

    /// Looks for the highest rate, beginning with that of the plan.
    fn search(&mut self, plan: &BenchPlan) -> anyhow::Result<()> {
        let begin = plan.load.requested_rate().unwrap_or(1.0);
        let mut search = RateSearch::new(begin, self.args.search_share);
        while let Some(rate) = search.next_rate() {
            let plan = BenchPlan {
                load: self.args.open(rate),
                ..plan.clone()
            };
            let Some(summary) = self.run_one(&plan)? else {
                return Ok(());
            };
            if self.ending.signalled().is_some() {
                return Ok(());
            }
            search.take(rate, &summary);
        }
        // A search finds where this machine ends, too: that one step was invalid is its result.
        self.code = u8::from(search.highest().is_none());
        self.outputs.searched(ReportedSearch {
            target: plan.target.clone(),
            highest_rate: search.highest(),
            share: self.args.search_share,
        });
        let mut out = stdout();
        if self.args.json {
            let line = SearchLine {
                r#type: "search",
                target: plan.target.to_string(),
                highest_rate: search.highest(),
                share: self.args.search_share,
                steps: search.steps(),
            };
            record::write_line(&mut out, &line)?;
        } else {
            match search.highest() {
                Some(rate) => writeln!(out, "Highest rate that held: {rate:.2} requests/s")?,
                None => writeln!(out, "No rate held that was tried")?,
            }
        }
        Ok(out.end()?)
    }

    /// Runs a bench, and prints what it found; `None` if it could not be run.
    fn run_one(&mut self, plan: &BenchPlan) -> anyhow::Result<Option<Arc<BenchSummary>>> {
        let id = BenchId::new();
        let start = BenchStart {
            id,
            plan: plan.clone(),
            source: (self.asked).source(plan, id.0.cast_unsigned(), self.args.machines.share()),
        };
        let endpoint = self.ready.endpoint(&plan.target)?;
        let place = TargetPlace::of(&endpoint, &plan.target.model);
        let taker = self.outputs.taker(id, plan, &[place]);
        let keeps_all = self.args.machines.save.is_some() || self.args.compat;
        let (command, keeper) = if keeps_all || taker.is_some() {
            let (keeper, sender) = RequestKeeper::start(taker, keeps_all)?;
            (BenchCommand::StartFor(start.into(), sender), Some(keeper))
        } else {
            (BenchCommand::Start(start.into()), None)
        };
        self.ready.engine.send(Command::Bench(command));
        if self.ending.signalled().is_some() {
            // A signal between two benches found none to stop.
            (self.ready.engine).send(Command::Bench(BenchCommand::Stop));
        }
        let Some(summary) = self.follow() else {
            self.code = self.code.max(1);
            return Ok(None);
        };
        self.written.push(id);
        let kept = keeper.map(RequestKeeper::end).unwrap_or_default();
        if self.args.machines.save.is_some() {
            let part = machines::part(&kept, (id, plan, &summary))?;
            self.saved.push(vec![part]);
        }
        self.code = self.code.max(code_of(plan, &summary));
        let mut out = stdout();
        let key = id;
        let id = (!self.args.no_history).then_some(key);
        let requests = self.args.compat.then_some(&*kept.requests);
        let found = (plan, &*summary, requests);
        stored::write_bench(&mut out, self.args.json, id, found)?;
        out.end()?;
        let bench = ReportedBench {
            id,
            began_unix_ns: kept.began_unix_ns,
            plan: plan.clone(),
            summary: Arc::clone(&summary),
            charts: kept.charts,
            machines: None,
        };
        self.outputs.over(key, bench);
        Ok(Some(summary))
    }

    /// Tells how the bench goes until it is over; `None` if it was refused.
    fn follow(&self) -> Option<Arc<BenchSummary>> {
        let mut progressing = Progressing::default();
        while let Some(update) = self.ready.engine.next() {
            match update {
                Update::Bench(BenchNews::Progress(progress)) => progressing.tell(&progress),
                Update::Bench(BenchNews::Over {
                    summary,
                    first_fault,
                    ..
                }) => {
                    if let Some(fault) = first_fault {
                        note(&format!("the first failure: {fault}"));
                    }
                    return Some(summary);
                }
                Update::Bench(BenchNews::Refused { fault, .. }) => {
                    note(&fault.to_string());
                    return None;
                }
                Update::History(HistoryNews::Storage(
                    Storage::Failing { why } | Storage::ReadOnly { why },
                )) => note(&format!("the bench goes on, and is not stored: {why}")),
                _ => {}
            }
        }
        None
    }
}

/// The exit code of a bench.
pub(super) fn code_of(plan: &BenchPlan, summary: &BenchSummary) -> u8 {
    let counts = summary.requests;
    let has_failed = summary.stopped == Some(StopReason::Failures)
        || plan.stop.failures.is_some_and(|most| counts.failed > most)
        || counts.ok == 0;
    match (has_failed, summary.valid) {
        (true, _) => 1,
        (false, false) => INVALID,
        (false, true) => 0,
    }
}

/// Prints how a bench goes, now and then.
#[derive(Default)]
struct Progressing {
    told_ms: f64,
}

impl Progressing {
    fn tell(&mut self, progress: &BenchProgress) {
        let between = if io::stderr().is_terminal() {
            WATCHED_MS
        } else {
            UNWATCHED_MS
        };
        if progress.elapsed_ms - self.told_ms >= between {
            self.told_ms = progress.elapsed_ms;
            // Writing to it can't fail.
            let _ = writeln!(stderr(), "{}", show::progress(progress));
        }
    }
}

/// The file of the `n`-th of several benches: `requests.csv` becomes `requests-2.csv`.
fn numbered(file: &Path, n: usize, of: usize) -> PathBuf {
    if of < 2 {
        return file.to_owned();
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let end = file.extension().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!("{stem}-{}.{end}", n + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::RequestCounts;

    #[test]
    fn a_failure_goes_before_a_lag() {
        let plan: BenchPlan = serde_json::from_value(serde_json::json!({
            "target": {"endpoint": "here", "model": "m"},
            "load": {"kind": "closed", "concurrency": 1},
            "ramp_ms": 0, "connections": "warm", "warm_up": 0, "stop": {"failures": 2}, "goodput": {},
            "back_off": "never", "most_in_flight": 1, "max_tokens": 1, "seed": 1,
        }))
        .unwrap();
        for (ok, failed, valid, code) in [
            (9, 2, true, 0),
            (9, 3, true, 1),
            (9, 3, false, 1),
            (9, 0, false, INVALID),
            (0, 1, true, 1),
        ] {
            let requests = RequestCounts {
                ok,
                failed,
                ..RequestCounts::default()
            };
            let summary = BenchSummary {
                valid,
                requests,
                ..BenchSummary::default()
            };
            assert_eq!(code_of(&plan, &summary), code, "{ok} {failed} {valid}");
        }
    }

    #[test]
    fn each_of_several_benches_has_a_file() {
        assert_eq!(numbered(Path::new("a/r.csv"), 0, 1), Path::new("a/r.csv"));
        assert_eq!(numbered(Path::new("a/r.csv"), 1, 3), Path::new("a/r-2.csv"));
    }
}
