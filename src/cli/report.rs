//! `tokenscope report`: writes a report on runs of the history as one HTML file.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};

use super::{note, since::since, stored};
use crate::{
    clock::wall_clock_ns,
    endpoint::TargetId,
    history::{RunQuery, RunSort, SortColumn},
    private,
    report::{Report, ReportRuns, ReportScope},
    run::Origin,
    settings::{self, Paths},
};

/// Arguments of `tokenscope report`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ReportArgs {
    /// The HTML file to write; one that exists is replaced once the new one is complete. /dev/stdout is standard output.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Only runs since then: 12h, 7d, 2026-11-30 or 2026-11-30T08:00:00Z [default: since the first].
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<i64>,

    /// Only runs of this target, as endpoint/model; may be repeated.
    #[arg(short, long = "target", value_name = "TARGET")]
    targets: Vec<TargetId>,

    /// Only runs of this origin; all takes any but imports. Probes ask the same each time, so that their times compare.
    #[arg(long, value_name = "ORIGIN", default_value = "probe", value_parser = origin())]
    origin: OriginFilter,

    /// Where this machine stands, in your words: it heads the report.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    vantage: String,
}

const EXAMPLES: &str = "\
Exit codes: 0 success; 1 there is nothing to report, the history can't be read, or the file not be
written; 2 wrong arguments.

The file needs nothing else: no network, no script. It holds what targets said of their failures,
and nothing of what was asked or answered. Costs are those by today's prices.

Examples:
  tokenscope report -o week.html --since 7d --vantage 'office, Singapore'
  tokenscope report -o all.html --origin all -t openai/gpt-5-mini";

/// Whose runs are taken.
#[derive(Clone, Copy, Debug)]
struct OriginFilter(Option<Origin>);

impl OriginFilter {
    /// The word for those of any origin.
    const ALL: &'static str = "all";

    fn parse(word: &str) -> Option<Self> {
        if word == Self::ALL {
            return Some(Self(None));
        }
        Origin::parse(word).map(|origin| Self(Some(origin)))
    }

    /// Whether runs of this origin are taken. Answers that were imported were not given here.
    fn takes(self, origin: Origin) -> bool {
        self.0
            .map_or(origin != Origin::Import, |only| only == origin)
    }

    fn has_probes(self) -> bool {
        matches!(self.0, None | Some(Origin::Probe))
    }

    fn in_words(self) -> String {
        match self.0 {
            None => "runs of any origin but imports".to_owned(),
            Some(Origin::Probe) => "probes".to_owned(),
            Some(Origin::Compare) => "runs of comparisons".to_owned(),
            Some(Origin::Import) => "imported answers".to_owned(),
            Some(origin) => format!("runs of the {origin}"),
        }
    }
}

fn origin() -> impl clap::builder::TypedValueParser<Value = OriginFilter> {
    let words = Origin::ALL.iter().map(|origin| origin.as_str());
    super::one_of(words.chain([OriginFilter::ALL]), OriginFilter::parse)
}

pub(super) fn run(args: &ReportArgs) -> anyhow::Result<ExitCode> {
    let paths = Paths::of_user()?;
    let settings = settings::load(&paths)?;
    let query = RunQuery {
        targets: args.targets.clone(),
        since_unix_ns: args.since,
        sort: RunSort {
            by: SortColumn::Started,
            descending: false,
        },
        ..RunQuery::default()
    };
    let origin = args.origin;
    let to = wall_clock_ns();
    let (report, rolled_up_until) = stored::read(&paths, async |history| {
        let runs = ReportRuns::new(settings.prices, settings.measuring.late_share);
        let runs = history.fold_runs(query, runs, move |runs, run| {
            if origin.takes(run.head.origin) {
                runs.take(run);
            }
        });
        let runs = runs.await?;
        let from = args.since.or(runs.first_unix_ns()).unwrap_or(to);
        let mut gaps = history.gaps(from, to).await?;
        gaps.retain(|gap| {
            let target = gap.target.as_ref();
            args.targets.is_empty() || target.is_none_or(|target| args.targets.contains(target))
        });
        let scope = ReportScope {
            vantage: args.vantage.clone(),
            which: origin.in_words(),
            from_unix_ns: from,
            to_unix_ns: to,
        };
        let report = Report { scope, runs, gaps };
        Ok((report, history.rolled_up_until().await?))
    })?;
    if origin.has_probes() {
        stored::note_rolled_up(rolled_up_until, args.since);
    }
    if report.runs.count() == 0 {
        bail!(
            "there are no {} to report on: take more with --since, --target or --origin all",
            origin.in_words()
        );
    }
    private::write_out(&args.output, report.html().as_bytes())
        .with_context(|| format!("{} can't be written", args.output.display()))?;
    let runs = report.runs.count();
    let words = if runs == 1 { "run" } else { "runs" };
    note(&format!(
        "{runs} {words} reported in {}",
        args.output.display()
    ));
    Ok(ExitCode::SUCCESS)
}
