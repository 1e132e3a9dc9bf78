//! `tokenscope merge`: puts together what several machines measured of a bench, each in a file of `bench --save`.
//!
//! Figures are computed from the requests of all of them. A file with the parts of all can be written, and merged again.

mod show;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;

pub(super) use self::show::print;
use super::{
    UsageError,
    bench::{BenchReportArgs, code_of},
    input, note,
};
use crate::{
    bench::{
        BenchId, BenchRequest, ChartCollector, columns,
        merge::{MergedBench, merge, merged_requests},
        part::{BenchPart, decode_file, encode_file},
    },
    history::History,
    private,
    report::ReportedBench,
    settings::Paths,
};

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 30;

/// Requests of a block of the history.
const BLOCK: usize = 1 << 14;

/// Arguments of `tokenscope merge`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct MergeArgs {
    /// Files that `tokenscope bench --save` wrote, or this command.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Write all parts to this file; one that exists is replaced.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Store the merged bench in the history.
    #[arg(long)]
    store: bool,

    /// Print a line of JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    report: BenchReportArgs,
}

const EXAMPLES: &str = "\
Exit codes: 0 done; 1 no answer at all, or more failures than --max-failures of the bench; 2 wrong
arguments, or files that are no parts of one load; 4 invalid: a machine lagged, a part is missing,
or the machines did not send at once.

Example: three machines send a third of the load each.
  tokenscope bench -t vllm/qwen3 --rate 60 --time 1m --share 0/3 --save part-0.tsbench  # and 1/3, 2/3
  tokenscope merge part-*.tsbench -o whole.tsbench";

pub(super) fn run(args: &MergeArgs) -> anyhow::Result<ExitCode> {
    let mut parts = Vec::new();
    for file in &args.files {
        parts.extend(read(file)?);
    }
    let merged = merge(&parts).map_err(UsageError::new)?;
    if let Some(file) = &args.output {
        private::write_out(file, &encode_file(&parts)?)
            .with_context(|| format!("{} can't be written", file.display()))?;
    }
    let id = args.store.then(BenchId::new);
    if let Some(id) = id {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no async runtime")?;
        runtime.block_on(store(&Paths::of_user()?, id, &merged, &parts))?;
    }
    print(id, &merged, args.json)?;
    if args.report.report.is_some() {
        let mut charts = ChartCollector::new(&merged.plan);
        for block in merged_requests(&parts) {
            block?.iter().for_each(|request| charts.add(request));
        }
        let reported = ReportedBench::of_merged(id, &merged, charts.charts());
        args.report.write(vec![reported], Vec::new())?;
    }
    Ok(ExitCode::from(code_of(&merged.plan, &merged.summary)))
}

/// The parts of a file.
fn read(file: &Path) -> Result<Vec<BenchPart>, UsageError> {
    let bytes = input::bytes("merge", file, MAX_FILE)?;
    let parts = decode_file(&bytes);
    parts.map_err(|why| UsageError::new(format!("{}: {why}", input::name(file))))
}

/// Stores a merged bench in the history, its requests on one clock.
pub(super) async fn store(
    paths: &Paths,
    id: BenchId,
    merged: &MergedBench,
    parts: &[BenchPart],
) -> anyhow::Result<()> {
    let history = History::open(&paths.data);
    history.begin_bench(id, merged.began_unix_ns, &merged.plan);
    let (mut seq, mut block) = (0, Vec::new());
    for more in merged_requests(parts) {
        block.extend(more?);
        if block.len() >= BLOCK {
            put(&history, id, seq, &block).await?;
            seq += 1;
            block.clear();
        }
    }
    if !block.is_empty() {
        put(&history, id, seq, &block).await?;
    }
    history.end_bench(id, &merged.summary);
    if let Err(unstored) = history.end().await {
        note(&format!("the merged bench is not stored: {unstored}"));
    }
    Ok(())
}

async fn put(
    history: &History,
    id: BenchId,
    seq: u32,
    block: &[BenchRequest],
) -> std::io::Result<()> {
    let bytes = columns::encode(block)?;
    history.put_bench_block(id, seq, block.len() as u64, bytes);
    // So that few blocks wait at a time.
    history.flush().await;
    Ok(())
}
