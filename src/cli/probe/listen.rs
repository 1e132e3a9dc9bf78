//! The monitor's HTTP server: `/metrics` for Prometheus, `/healthz` for whoever watches over it, `/bench/…` for drivers of
//! the load bench where benches are taken.

use std::{io, net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpStream;

use super::{
    agent::{AgentArgs, BenchAgent},
    metrics::ProbeMetrics,
};
use crate::{
    cli::UsageError,
    dialect::serve::refusal,
    server::{
        AllowedNames, ReplyBody, Respond, RunningServer, Stop, check_names, healthy,
        metrics_response, only,
    },
};

/// Where the metrics are served.
#[derive(Debug, clap::Args)]
pub(super) struct ListenArgs {
    /// Serve /metrics for Prometheus, and /healthz, at this address: 127.0.0.1:9464. Port 0 picks a free one.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "once", help_heading = super::OUT)]
    listen: Option<SocketAddr>,

    /// Let other machines read the metrics. There is no password, and no TLS without --tls-ca-out: do so only in a network
    /// that you trust.
    #[arg(long, requires = "listen", help_heading = super::OUT)]
    allow_remote: bool,

    /// A further name of a host by which the metrics may be asked for. May be repeated.
    #[arg(long = "host", value_name = "NAME", requires = "listen", help_heading = super::OUT)]
    hosts: Vec<String>,

    #[command(flatten)]
    pub(super) agent: AgentArgs,
}

impl ListenArgs {
    /// Where to listen, if at all.
    pub(super) fn address(&self) -> Result<Option<SocketAddr>, UsageError> {
        self.agent.check(self.listen)?;
        let Some(address) = self.listen else {
            return Ok(None);
        };
        if !address.ip().is_loopback() && !self.allow_remote {
            return Err(UsageError::new(format!(
                "{address} is open to other machines, and the metrics have no password: use a loopback address, or \
                 say --allow-remote in a network that you trust"
            )));
        }
        Ok(Some(address))
    }

    /// Serves these metrics on a thread of its own, until what is returned is dropped.
    pub(super) fn serve(
        &self,
        address: SocketAddr,
        metrics: Arc<ProbeMetrics>,
        agent: Option<Arc<BenchAgent>>,
    ) -> anyhow::Result<RunningServer> {
        let responder = MetricsResponder {
            metrics,
            agent,
            names: AllowedNames {
                any_address: !address.ip().is_loopback(),
                hosts: self.hosts.clone(),
            },
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let tls = self.agent.tls(address, &self.hosts)?;
        let started = RunningServer::start("metrics", address, tls, || Ok(responder));
        (runtime.block_on(started))
            .with_context(|| format!("can't listen on {address}: try another --listen"))
    }
}

struct MetricsResponder {
    metrics: Arc<ProbeMetrics>,
    agent: Option<Arc<BenchAgent>>,
    names: AllowedNames,
}

impl Respond for MetricsResponder {
    type Connection = TcpStream;
    type Handle = ();
    const NAME: &'static str = "tokenscope";

    fn connection(&self, stream: TcpStream) -> (TcpStream, ()) {
        (stream, ())
    }

    async fn respond(&self, (): (), request: Request<Incoming>) -> io::Result<Response<ReplyBody>> {
        let agent = self.agent.as_ref();
        let agent = agent.filter(|_| request.uri().path().starts_with("/bench/"));
        let answered = match agent {
            Some(agent) => match check_names(request.uri(), request.headers(), &self.names) {
                Ok(()) => agent.answered(request).await,
                Err(refused) => Err(refused.into()),
            },
            None => self.answered(&request),
        };
        answered.or_else(Stop::response)
    }
}

impl MetricsResponder {
    fn answered(&self, request: &Request<Incoming>) -> Result<Response<ReplyBody>, Stop> {
        check_names(request.uri(), request.headers(), &self.names)?;
        let response = match request.uri().path() {
            "/healthz" => healthy(),
            "/metrics" => metrics_response(request.headers(), &self.metrics.families()),
            path => {
                let why = format!("There is no {path} here, only /metrics and /healthz");
                return Err(refusal(404, "unknown_url", why).into());
            }
        };
        only(&Method::GET, request.method())?;
        Ok(response)
    }
}
