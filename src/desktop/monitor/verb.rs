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
}
