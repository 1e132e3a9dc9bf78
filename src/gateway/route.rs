//! A route, and what is known of it.

use std::sync::{Arc, atomic::AtomicUsize};

use super::{hedge::HedgeBudget, spending::Spending};
use crate::settings::gateway::RouteSettings;

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

    pub(super) fn matches(&self, asked: &str) -> bool {
        matches(&self.settings.name, asked)
    }
}

/// Whether a name, which may have a `*` at its end, stands for the one that was asked for.
pub(super) fn matches(name: &str, asked: &str) -> bool {
    match name.strip_suffix('*') {
        Some(prefix) => asked.starts_with(prefix),
        None => asked == name,
    }
}
