//! Who else is told of probes, besides standard output and the history.

use std::sync::Arc;

use super::{agent::BenchAgent, listen::ListenArgs, metrics::ProbeMetrics};
use crate::{
    cli::{UsageError, note, targets::Ready},
    engine::BenchNews,
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

    /// Whether benches are taken, so that there need be nothing to probe.
    pub(super) fn takes_benches(&self) -> bool {
        self.listen.agent.is_on()
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
    agent: Option<Arc<BenchAgent>>,
    /// Serves them until it is dropped.
    _server: RunningServer,
}

impl ProbeSinks {
    /// Starts those that the arguments name.
    pub(super) fn start(args: &SinkArgs, ready: &Ready) -> anyhow::Result<Self> {
        let prices = &ready.settings.prices;
        let serve = |address| -> anyhow::Result<ServedMetrics> {
            let metrics = Arc::new(ProbeMetrics::new(&ready.targets, prices.clone()));
            let agent = (args.listen.agent).agent(&ready.settings, ready.engine.sender());
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let agent = runtime.block_on(agent)?;
            let server = (args.listen).serve(address, Arc::clone(&metrics), agent.clone())?;
            let scheme = args.listen.agent.scheme();
            note(&format!("metrics at {scheme}://{}/metrics", server.address));
            Ok(ServedMetrics {
                metrics,
                agent,
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

    /// The engine has said something of a bench.
    pub(super) fn bench(&self, news: BenchNews) {
        if let Some(agent) = self
            .metrics
            .as_ref()
            .and_then(|served| served.agent.as_ref())
        {
            agent.take(news);
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
