//! The verbs and tabs of the gateway's view.

use serde::{Deserialize, Serialize};

/// What the palette and shortcuts can do in the gateway's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayVerb {
    /// Turns the gateway on or off.
    Switch,
    /// Shows one of its tabs.
    Show(GatewayTab),
}

/// The tabs of the gateway's view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GatewayTab {
    /// How programs reach it.
    #[default]
    Connect,
    /// Requests under way and those that are over.
    Requests,
    /// Routes, with their targets' health.
    Routes,
}
