//! What the monitor asks the machine it runs on: its clocks, its network, and what a run goes over. A test answers
//! instead.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};

use super::{super::Outbox, RunRegistry, checks};
use crate::{
    clock,
    credential::Credentials,
    endpoint::Endpoint,
    history::{EndpointCheck, History},
    monitor,
    transport::Transport,
};

/// The machine. Its monotonic clock is [`clock::timer_now`], which a test's runtime can hold.
pub(super) trait Machine: Send + Sync {
    /// How long it has been asleep since its start.
    fn slept(&self) -> Duration {
        clock::slept()
    }

    /// Its wall clock, in nanoseconds since 1970.
    fn unix_ns(&self) -> i64 {
        clock::wall_clock_ns()
    }

    /// Whether it has a network over which the endpoint could be reached.
    fn can_reach<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, bool> {
        monitor::is_reachable(endpoint).boxed()
    }

    /// Checks an endpoint for free; `None` if this machine has no network, or slept meanwhile.
    fn check(
        &self,
        endpoint: Endpoint,
        credentials: Credentials,
    ) -> BoxFuture<'static, Option<EndpointCheck>> {
        checks::checked(endpoint, credentials).boxed()
    }

    /// What sends the probes, with no connection open.
    fn runs(&self, out: Outbox, credentials: Credentials, history: Option<History>) -> RunRegistry {
        RunRegistry::new(out, Transport::default(), credentials, history)
    }
}

/// The machine that this program runs on.
pub(super) struct ThisMachine;

impl Machine for ThisMachine {}
