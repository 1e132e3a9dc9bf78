//! The arguments of an agent, and its limits.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::sync::mpsc::UnboundedSender;

use super::BenchAgent;
use crate::{
    bench::order::AgentLimits,
    cli::{
        UsageError,
        agent_token::AgentTokenArgs,
        probe::values::{time, usd},
    },
    engine::Command,
    price::Usd,
    private,
    server::Tls,
    settings::Settings,
};

/// Heading of the help.
const AGENT: &str = "Agent of the load bench";

/// How it takes benches.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = AGENT)]
pub(in crate::cli::probe) struct AgentArgs {
    /// Take benches of `tokenscope bench --agents` at the address of --listen, for targets of the settings of this
    /// machine. Without a target to probe, none is probed.
    #[arg(long, requires = "listen")]
    accept_benches: bool,

    #[command(flatten)]
    token: AgentTokenArgs,

    /// Serve --listen by TLS, with a certificate that is made now, and write that of its authority to this file, for the
    /// driver's --agent-ca. Needed where other machines are let in.
    #[arg(long, value_name = "FILE", requires = "accept_benches")]
    tls_ca_out: Option<PathBuf>,

    /// Most requests of a bench.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1_000_000,
        requires = "accept_benches"
    )]
    bench_max_requests: u64,

    /// The longest bench: 10m, 2h.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time, requires = "accept_benches")]
    bench_max_time: Duration,

    /// Most requests under way of a bench.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5_000,
        requires = "accept_benches"
    )]
    bench_max_streams: u32,

    /// Most requests a second of a bench.
    #[arg(
        long,
        value_name = "RATE",
        default_value_t = 5_000,
        requires = "accept_benches"
    )]
    bench_max_rate: u32,

    /// Most US dollars of a bench [default: no limit].
    #[arg(long, value_name = "USD", value_parser = usd, requires = "accept_benches")]
    bench_max_usd: Option<Usd>,
}

impl AgentArgs {
    /// Whether benches are taken.
    pub(in crate::cli::probe) fn is_on(&self) -> bool {
        self.accept_benches
    }

    /// How the server is reached.
    pub(in crate::cli::probe) fn scheme(&self) -> &'static str {
        if self.tls_ca_out.is_some() {
            "https"
        } else {
            "http"
        }
    }

    /// Says what is wrong with them at this address.
    pub(in crate::cli::probe) fn check(
        &self,
        address: Option<SocketAddr>,
    ) -> Result<(), UsageError> {
        let is_open = address.is_some_and(|address| !address.ip().is_loopback());
        if self.accept_benches && is_open && self.tls_ca_out.is_none() {
            return Err(UsageError::new(
                "benches are taken from other machines by TLS alone: say --tls-ca-out, or listen on a loopback address \
                 and reach it through a tunnel",
            ));
        }
        Ok(())
    }

    /// The agent, if it is asked for.
    pub(in crate::cli::probe) async fn agent(
        &self,
        settings: &Arc<Settings>,
        commands: UnboundedSender<Command>,
    ) -> Result<Option<Arc<BenchAgent>>, UsageError> {
        if !self.accept_benches {
            return Ok(None);
        }
        let token = self.token.of_agent().await?;
        let limits = AgentLimits {
            requests: self.bench_max_requests,
            time_ms: u64::try_from(self.bench_max_time.as_millis()).unwrap_or(u64::MAX),
            streams: self.bench_max_streams,
            rate: self.bench_max_rate.into(),
            usd: self.bench_max_usd.map(Usd::dollars),
        };
        let agent = BenchAgent::new(token, limits, Arc::clone(settings), commands);
        Ok(Some(Arc::new(agent)))
    }

    /// TLS for this address and these names, where it is asked for. The authority's certificate is written.
    pub(in crate::cli::probe) fn tls(
        &self,
        address: SocketAddr,
        names: &[String],
    ) -> anyhow::Result<Option<Arc<Tls>>> {
        let Some(file) = &self.tls_ca_out else {
            return Ok(None);
        };
        let tls = Tls::with_names("Tokenscope agent", address.ip(), names)
            .context("a certificate can't be made")?;
        private::write(file, tls.authority.as_bytes())
            .with_context(|| format!("{} can't be written", file.display()))?;
        Ok(Some(Arc::new(tls)))
    }
}
