//! Where the results of benches go besides standard output and the history: a report, and a collector.
//!
//! Each request is taken while its bench runs, and reduced at once, so that a million of them need little memory.

use std::path::PathBuf;

#[cfg(feature = "otlp")]
use super::otlp::{BenchSeries, BenchTelemetry};
use crate::{
    bench::{
        BenchCharts, BenchId, BenchPlan, BenchRequest, ChartCollector,
        merge::{MergedBench, merged_requests},
        part::BenchPart,
    },
    cli::note,
    endpoint::TargetPlace,
    private,
    report::{BenchReport, ReportedBench, ReportedSearch},
};

/// Heading of the help.
const OUT: &str = "Results";

/// Which outputs are wanted.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = OUT)]
pub(super) struct OutputArgs {
    #[command(flatten)]
    pub(super) report: BenchReportArgs,

    /// Send metrics to this OpenTelemetry collector, by OTLP over HTTP; most listen on port 4318.
    #[cfg(feature = "otlp")]
    #[arg(long, value_name = "URL", conflicts_with_all = ["list", "show", "compare", "delete", "dry_run"])]
    otlp: Option<url::Url>,
}

/// Whether a report is wanted.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = OUT)]
pub(in crate::cli) struct BenchReportArgs {
    /// Write a report: one HTML file. Several benches are in one.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) report: Option<PathBuf>,

    /// Where this machine stands, in your words: it heads the report.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        requires = "report"
    )]
    vantage: String,
}

impl BenchReportArgs {
    /// Writes the report on these benches, if it is wanted.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(in crate::cli) fn write(
        &self,
        benches: Vec<ReportedBench>,
        searches: Vec<ReportedSearch>,
    ) -> anyhow::Result<()> {
        let Some(file) = &self.report else {
            return Ok(());
        };
        let report = BenchReport {
            vantage: self.vantage.clone(),
            benches,
            searches,
        };
        private::write_out(file, report.html().as_bytes())
            .map_err(|why| anyhow::anyhow!("{} can't be written: {why}", file.display()))?;
        note(&format!("reported in {}", file.display()));
        Ok(())
    }
}

/// The outputs of benches that run one after another.
pub(super) struct BenchOutputs<'a> {
    args: &'a OutputArgs,
    benches: Vec<ReportedBench>,
    searches: Vec<ReportedSearch>,
    #[cfg(feature = "otlp")]
    telemetry: Option<BenchTelemetry>,
}

impl<'a> BenchOutputs<'a> {
    /// Those that the arguments name. Call it outside of any runtime, as [`end`](Self::end).
    ///
    /// # Errors
    /// If nothing can be sent to the collector.
    pub(super) fn start(args: &'a OutputArgs) -> anyhow::Result<Self> {
        Ok(Self {
            args,
            benches: Vec::new(),
            searches: Vec::new(),
            #[cfg(feature = "otlp")]
            telemetry: args.otlp.as_ref().map(BenchTelemetry::to).transpose()?,
        })
    }

    /// What takes the requests of the bench of this key, whose answers come from there; `None` if nothing does.
    #[cfg_attr(
        not(feature = "otlp"),
        expect(unused_variables, reason = "they are for a collector")
    )]
    pub(super) fn taker(
        &self,
        key: BenchId,
        plan: &BenchPlan,
        places: &[TargetPlace],
    ) -> Option<RequestTaker> {
        let is_reported = self.args.report.report.is_some();
        let taker = RequestTaker {
            charts: is_reported.then(|| ChartCollector::new(plan)),
            #[cfg(feature = "otlp")]
            telemetry: (self.telemetry.as_ref()).map(|to| to.series(key, plan, places)),
        };
        taker.is_wanted().then_some(taker)
    }

    /// The bench of this key is over.
    #[cfg_attr(
        not(feature = "otlp"),
        expect(unused_variables, reason = "it is for a collector")
    )]
    pub(super) fn over(&mut self, key: BenchId, bench: ReportedBench) {
        #[cfg(feature = "otlp")]
        if let Some(telemetry) = &self.telemetry {
            telemetry.over(key, &bench);
        }
        if self.args.report.report.is_some() {
            self.benches.push(bench);
        }
    }

    /// A bench of several machines is over. `id` is its key in the history, where it is stored.
    ///
    /// # Errors
    /// If its requests can't be read.
    pub(super) fn merged(
        &mut self,
        id: Option<BenchId>,
        merged: &MergedBench,
        parts: &[BenchPart],
    ) -> anyhow::Result<()> {
        // The key of any part tells it apart as well.
        let key = id.or_else(|| parts.first().map(|part| part.head.id));
        let key = key.unwrap_or_default();
        let Some(mut taker) = self.taker(key, &merged.plan, &merged.summary.places) else {
            return Ok(());
        };
        for block in merged_requests(parts) {
            taker.take(&block?);
        }
        self.over(key, ReportedBench::of_merged(id, merged, taker.charts()));
        Ok(())
    }

    /// A search is over.
    pub(super) fn searched(&mut self, search: ReportedSearch) {
        self.searches.push(search);
    }

    /// Writes the report, and sends what is left.
    ///
    /// # Errors
    /// If the report can't be written.
    pub(super) fn end(self) -> anyhow::Result<()> {
        #[cfg(feature = "otlp")]
        if let Some(telemetry) = &self.telemetry {
            telemetry.end();
        }
        if self.benches.is_empty() {
            return Ok(());
        }
        self.args.report.write(self.benches, self.searches)
    }
}

/// Takes the requests of a bench for its outputs.
pub(super) struct RequestTaker {
    charts: Option<ChartCollector>,
    #[cfg(feature = "otlp")]
    telemetry: Option<BenchSeries>,
}

impl RequestTaker {
    #[cfg(feature = "otlp")]
    fn is_wanted(&self) -> bool {
        self.charts.is_some() || self.telemetry.is_some()
    }

    #[cfg(not(feature = "otlp"))]
    fn is_wanted(&self) -> bool {
        self.charts.is_some()
    }

    pub(super) fn take(&mut self, requests: &[BenchRequest]) {
        for request in requests {
            if let Some(charts) = &mut self.charts {
                charts.add(request);
            }
            #[cfg(feature = "otlp")]
            if let Some(telemetry) = &mut self.telemetry {
                telemetry.take(request);
            }
        }
    }

    /// What the plots of the requests show, where a report is wanted.
    pub(super) fn charts(self) -> BenchCharts {
        self.charts.map(ChartCollector::charts).unwrap_or_default()
    }
}
