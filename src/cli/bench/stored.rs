//! Benches of the history: the list, one of them, its requests in a file.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

use super::{
    INVALID,
    args::BenchArgs,
    beside, compat, numbered, show,
    show::{BenchLine, TextLine},
};
use crate::{
    bench::{BenchId, BenchPlan, BenchRequest, BenchSummary, beside::BenchesBeside},
    cli::{UsageError, export, note, stored, terminal::stdout},
    engine::ReadBench,
    history::{BenchRow, BenchState, ExportFormat, History, HistoryError, rfc3339},
    record,
    settings::Paths,
    visible::visible_line,
};

/// Does what is asked of stored benches; `None` if nothing is.
pub(super) fn run(args: &BenchArgs) -> anyhow::Result<Option<ExitCode>> {
    if args.list {
        list(args)?;
    } else if let [a, b] = args.compare[..] {
        return compare(args, a, b).map(Some);
    } else if let Some(id) = args.show {
        show_one(args, id)?;
    } else if let Some(id) = args.delete {
        delete(id)?;
    } else {
        return Ok(None);
    }
    Ok(Some(ExitCode::SUCCESS))
}

fn list(args: &BenchArgs) -> anyhow::Result<()> {
    let paths = Paths::of_user()?;
    let benches = stored::read(&paths, async |history| Ok(history.benches().await?))?;
    let mut out = stdout();
    for bench in &benches {
        if args.json {
            let summary = bench.summary.clone().unwrap_or_default();
            let line = BenchLine::new(Some(bench.id), &bench.plan, &summary);
            record::write_line(&mut out, &line)?;
        } else {
            writeln!(out, "{}", line(bench))?;
        }
    }
    Ok(out.end()?)
}

/// A bench in one line.
fn line(bench: &BenchRow) -> String {
    let state = match (bench.state, &bench.summary) {
        (BenchState::Running, _) => "running".to_owned(),
        (BenchState::Killed, _) => "killed".to_owned(),
        (BenchState::Over, Some(found)) if !found.valid => "invalid".to_owned(),
        (BenchState::Over, found) => {
            let p50 = found.as_ref().and_then(|found| found.ttft_ms.p50);
            p50.map_or_else(
                || "no token".to_owned(),
                |ms| format!("TTFT p50 {ms:.1} ms"),
            )
        }
    };
    format!(
        "{}  {}  {}  {}  {} requests  {state}",
        bench.id.0,
        rfc3339(bench.started_unix_ns),
        visible_line(&bench.plan.target.to_string()),
        bench.plan.load,
        bench.requests,
    )
}

fn show_one(args: &BenchArgs, id: BenchId) -> anyhow::Result<()> {
    let paths = Paths::of_user()?;
    if args.texts {
        return stored::read(&paths, async |history| write_texts(history, id).await);
    }
    let is_reported = args.outputs.report.report.is_some();
    let (bench, read, requests) = stored::read(&paths, async |history| {
        let (bench, read) = found(history, id, is_reported).await?;
        let requests = if args.compat {
            Some(requests(history, id).await?)
        } else {
            None
        };
        Ok((bench, read, requests))
    })?;
    let computed = read.as_ref().and_then(|read| read.summary.clone());
    let summary = bench.summary.clone().or(computed).unwrap_or_default();
    let mut out = stdout();
    let found = (&bench.plan, &summary, requests.as_deref());
    write_bench(&mut out, args.json, Some(id), found)?;
    out.end()?;
    if let Some(read) = read {
        let report = &args.outputs.report;
        report.write(vec![read.reported(bench)], Vec::new())?;
    }
    match &args.output {
        Some(file) => write_requests(&[id], file),
        None => Ok(()),
    }
}

/// A bench of the history; with what its requests say, if that `is_needed` or it never ended.
async fn found(
    history: &History,
    id: BenchId,
    is_needed: bool,
) -> anyhow::Result<(BenchRow, Option<ReadBench>)> {
    let bench = history.bench(id).await?;
    let bench = bench.ok_or_else(|| unknown(id))?;
    let read = if is_needed || bench.summary.is_none() {
        Some(ReadBench::of(history, &bench).await?)
    } else {
        None
    };
    Ok((bench, read))
}

/// A bench of the history, and what it found, so far if it never ended.
async fn summed_up(history: &History, id: BenchId) -> anyhow::Result<(BenchRow, BenchSummary)> {
    let (bench, read) = found(history, id, false).await?;
    let summary = bench.summary.clone();
    let summary = summary.or_else(|| read?.summary).unwrap_or_default();
    Ok((bench, summary))
}

/// Shows two benches side by side.
fn compare(args: &BenchArgs, a: BenchId, b: BenchId) -> anyhow::Result<ExitCode> {
    if a == b {
        return Err(UsageError::new("--compare takes two benches, not one twice").into());
    }
    let paths = Paths::of_user()?;
    let (a, b) = stored::read(&paths, async |history| {
        Ok((summed_up(history, a).await?, summed_up(history, b).await?))
    })?;
    let both = BenchesBeside::of((&a.0.plan, &a.1), (&b.0.plan, &b.1));
    let mut out = stdout();
    if args.json {
        record::write_line(&mut out, &beside::line([&a, &b], &both))?;
    } else {
        out.write_all(beside::text([&a, &b], &both).as_bytes())?;
    }
    out.end()?;
    let code = if both.do_count { 0 } else { INVALID };
    Ok(ExitCode::from(code))
}

/// Writes what a bench found, as a line of JSON or in words; of these requests with the figures of other tools.
pub(super) fn write_bench(
    out: &mut impl io::Write,
    as_json: bool,
    id: Option<BenchId>,
    (plan, summary, requests): (&BenchPlan, &BenchSummary, Option<&[BenchRequest]>),
) -> io::Result<()> {
    if as_json {
        let line = BenchLine::new(id, plan, summary).with_compatibility(requests);
        return record::write_line(out, &line);
    }
    out.write_all(show::summary(plan, summary).as_bytes())?;
    match requests {
        Some(requests) => out.write_all(compat::table(requests).as_bytes()),
        None => Ok(()),
    }
}

/// Writes the kept texts of a bench as JSON lines, a block at a time.
async fn write_texts(history: &History, id: BenchId) -> anyhow::Result<()> {
    let bench = history.bench(id).await?.ok_or_else(|| unknown(id))?;
    if !bench.plan.keep_texts {
        return Err(UsageError::new(format!(
            "bench {} kept no texts: only one that was run with --keep-texts has them",
            id.0
        ))
        .into());
    }
    let mut out = stdout();
    let mut seq = 0;
    while let Some(block) = history.bench_block(id, seq).await? {
        for request in &block {
            if let Some(line) = TextLine::of(request) {
                record::write_line(&mut out, &line)?;
            }
        }
        seq += 1;
    }
    Ok(out.end()?)
}

/// All requests of a bench.
async fn requests(history: &History, id: BenchId) -> Result<Vec<BenchRequest>, HistoryError> {
    let mut requests = Vec::new();
    let mut seq = 0;
    while let Some(block) = history.bench_block(id, seq).await? {
        requests.extend(block);
        seq += 1;
    }
    Ok(requests)
}

fn delete(id: BenchId) -> anyhow::Result<()> {
    stored::read(&Paths::of_user()?, async |history| {
        if history.bench(id).await?.is_none() {
            return Err(unknown(id).into());
        }
        history.delete_bench(id);
        history.flush().await;
        Ok(())
    })?;
    note(&format!("bench {} deleted", id.0));
    Ok(())
}

fn unknown(id: BenchId) -> UsageError {
    UsageError::new(format!("there is no bench {}: see --list", id.0))
}

/// The format of a file of requests.
pub(super) fn format_of(file: &Path) -> Result<ExportFormat, UsageError> {
    export::format_of(file)
}

/// Writes the requests of each bench to a file.
pub(super) fn write_requests(benches: &[BenchId], file: &Path) -> anyhow::Result<()> {
    let format = format_of(file)?;
    let paths = Paths::of_user()?;
    for (n, id) in benches.iter().enumerate() {
        let to = numbered(file, n, benches.len());
        let written = to.clone();
        let count = stored::read(&paths, async |history| {
            Ok(history.export_bench(*id, format, written).await?)
        })?;
        note(&format!("{count} requests written to {}", to.display()));
    }
    Ok(())
}
