//! The table of views.

use super::{
    bench, compare, conformance, gateway, monitor, playground, runs, settings, view::View,
};

/// All views, in the order of the navigation.
#[must_use]
pub fn views() -> Vec<Box<dyn View>> {
    vec![
        Box::new(playground::Playground::default()),
        Box::new(monitor::Monitor::default()),
        Box::new(compare::CompareView::default()),
        Box::new(bench::BenchView::default()),
        Box::new(runs::Runs::default()),
        Box::new(conformance::ConformanceView::default()),
        Box::new(gateway::GatewayView::default()),
        Box::new(settings::SettingsView::default()),
    ]
}
