//! What the monitor can do by palette and shortcut.

/// What it can do by palette and shortcut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonitorVerb {
    /// Switches the scale.
    Scale,
    /// Lets go of the zoom.
    Reset,
    /// Shows all targets again.
    ShowAll,
}
