//! Who else is told of probes, besides standard output and the history.

use std::sync::Arc;

use super::{listen::ListenArgs, metrics::ProbeMetrics};
use crate::{
    cli::{UsageError, note, targets::Ready},
    history::{EndpointCheck, ProbeGap},
    run::Run,
    server::RunningServer,
};

/// Where probes are told of.
#[derive(Debug, clap::Args)]
pub(super) struct SinkArgs {
    #[command(flatten)]
    listen: ListenArgs,

    /// Send traces and metrics to this OpenTelemetry collector, by OTLP over HTTP; most listen on port 4318.
    #[cfg(feature = "otlp")]
    #[arg(long, value_name = "URL", help_heading = super::OUT)]
    otlp: Option<url::Url>,
}

impl SinkArgs {
    /// Says what is wrong with them.
    pub(super) fn check(&self) -> Result<(), UsageError> {
        self.listen.address().map(drop)
    }
}

/// What is told of each probe that is over, and of each gap.
pub(super) struct ProbeSinks {
    metrics: Option<ServedMetrics>,
    #[cfg(feature = "otlp")]
    telemetry: Option<super::otlp::ProbeTelemetry>,
}

/// Metrics that somebody can read.
struct ServedMetrics {
    metrics: Arc<ProbeMetrics>,
    /// Serves them until it is dropped.
    _server: RunningServer,
}

impl ProbeSinks {
    /// Starts those that the arguments name.
    pub(super) fn start(args: &SinkArgs, ready: &Ready) -> anyhow::Result<Self> {
        let prices = &ready.settings.prices;
        let serve = |address| -> anyhow::Result<ServedMetrics> {
            let metrics = Arc::new(ProbeMetrics::new(&ready.targets, prices.clone()));
            let server = args.listen.serve(address, Arc::clone(&metrics))?;
            note(&format!("metrics at http://{}/metrics", server.address));
            Ok(ServedMetrics {
                metrics,
                _server: server,
            })
        };
        let metrics = args.listen.address()?.map(serve).transpose()?;
        #[cfg(feature = "otlp")]
        let telemetry = {
            let to = |url| super::otlp::ProbeTelemetry::to(url, prices.clone());
            args.otlp.as_ref().map(to).transpose()?
        };
        Ok(Self {
            metrics,
            #[cfg(feature = "otlp")]
            telemetry,
        })
    }

    /// A probe is over.
    pub(super) fn take(&self, run: &Run) {
        if let Some(served) = &self.metrics {
            served.metrics.take(run);
        }
        #[cfg(feature = "otlp")]
        if let Some(telemetry) = &self.telemetry {
            telemetry.take(run);
        }
    }

    /// Targets are not asked, or are asked again.
    pub(super) fn gap(&self, gap: &ProbeGap) {
        if let Some(served) = &self.metrics {
            served.metrics.gap(gap);
        }
        #[cfg(feature = "otlp")]
        if let Some(telemetry) = &self.telemetry {
            telemetry.gap(gap);
        }
    }

    /// An endpoint was checked.
    pub(super) fn check(&self, check: &EndpointCheck) {
        if let Some(served) = &self.metrics {
            served.metrics.check(check);
        }
        #[cfg(feature = "otlp")]
        if let Some(telemetry) = &self.telemetry {
            telemetry.check(check);
        }
    }

    /// Sends what is left.
    pub(super) fn end(self) {
        #[cfg(feature = "otlp")]
        if let Some(telemetry) = &self.telemetry {
            telemetry.end();
        }
    }
}
