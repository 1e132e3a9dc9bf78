//! The monitor's verbs.

/// What the palette and shortcuts can do in the monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonitorVerb {
    /// Switches the scale.
    Scale,
    /// Resets the zoom.
    Reset,
    /// Shows all targets again.
    ShowAll,
    /// Turns the probes on, or off.
    Switch,
    /// Opens the form of the probes' plan.
    Plan,
}
