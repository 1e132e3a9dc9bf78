//! The monitor's HTTP server: `/metrics` for Prometheus, `/healthz` for whoever watches over it.

use std::{io, net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpStream;

use super::metrics::ProbeMetrics;
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

    /// Let other machines read the metrics. There is no TLS and no password: do so only in a network that you trust.
    #[arg(long, requires = "listen", help_heading = super::OUT)]
    allow_remote: bool,

    /// A further name of a host by which the metrics may be asked for. May be repeated.
    #[arg(long = "host", value_name = "NAME", requires = "listen", help_heading = super::OUT)]
    hosts: Vec<String>,
}

impl ListenArgs {
    /// Where to listen, if at all.
    pub(super) fn address(&self) -> Result<Option<SocketAddr>, UsageError> {
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
    ) -> anyhow::Result<RunningServer> {
        let responder = MetricsResponder {
            metrics,
            names: AllowedNames {
                any_address: !address.ip().is_loopback(),
                hosts: self.hosts.clone(),
            },
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let started = RunningServer::start("metrics", address, None, || Ok(responder));
        (runtime.block_on(started))
            .with_context(|| format!("can't listen on {address}: try another --listen"))
    }
}

struct MetricsResponder {
    metrics: Arc<ProbeMetrics>,
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
        self.answered(&request).or_else(Stop::response)
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
