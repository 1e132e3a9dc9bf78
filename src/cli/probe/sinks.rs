//! Who else is told of probes, besides standard output and the history.

use std::sync::Arc;

use super::{listen::ListenArgs, metrics::ProbeMetrics};
use crate::{
    cli::{UsageError, note, targets::Ready},
    history::ProbeGap,
    run::Run,
    server::RunningServer,
};

/// Where probes are told of.
#[derive(Debug, clap::Args)]
pub(super) struct SinkArgs {
    #[command(flatten)]
    listen: ListenArgs,
}

impl SinkArgs {
    /// Says what is wrong with them.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        self.listen.address().map(drop)
    }
}

/// What is told of each probe that is over, and of each gap.
pub(super) struct ProbeSinks {
    metrics: Arc<ProbeMetrics>,
    /// Serves the metrics until it is dropped.
    _server: Option<RunningServer>,
}

impl ProbeSinks {
    /// Starts those that the arguments name.
    pub(super) fn start(args: &SinkArgs, ready: &Ready) -> anyhow::Result<Self> {
        let prices = &ready.settings.prices;
        let metrics = Arc::new(ProbeMetrics::new(&ready.targets, prices.clone()));
        let serve = |address| args.listen.serve(address, Arc::clone(&metrics));
        let server = args.listen.address()?.map(serve).transpose()?;
        if let Some(server) = &server {
            note(&format!("metrics at http://{}/metrics", server.address));
        }
        Ok(Self {
            metrics,
            _server: server,
        })
    }

    /// A probe is over.
    pub(super) fn take(&self, run: &Run) {
        self.metrics.take(run);
    }

    /// Targets are not asked, or are asked again.
    pub(super) fn gap(&self, gap: &ProbeGap) {
        self.metrics.gap(gap);
    }
}
