//! A route, and what is known of it.

use std::sync::{Arc, atomic::AtomicUsize};

use super::{hedge::HedgeBudget, spending::Spending};
use crate::{hints, settings::gateway::RouteSettings};

/// What lasts of a route while the settings are read again.
#[derive(Debug, Default)]
pub(super) struct RouteState {
    pub turn: AtomicUsize,
    pub hedges: HedgeBudget,
    pub spending: Spending,
}

/// A route, with what is known of it.
#[derive(Clone, Debug)]
pub(super) struct GatewayRoute {
    pub settings: Arc<RouteSettings>,
    pub state: Arc<RouteState>,
}

impl GatewayRoute {
    pub(super) fn new(settings: RouteSettings) -> Self {
        Self {
            settings: Arc::new(settings),
            state: Arc::default(),
        }
    }

    pub(super) fn prefix(&self) -> Option<&str> {
        self.settings.name.strip_suffix('*')
    }

    /// Whether its requests are those for this model.
    pub(super) fn matches(&self, model: &str) -> bool {
        hints::matches(&self.settings.name, model)
    }
}
