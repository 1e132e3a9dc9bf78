//! What the table of runs can do by palette and shortcut.

/// What it can do by palette and shortcut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsVerb {
    /// Goes to the search.
    Search,
    /// Opens the dialog that exports them.
    Export,
    /// Clears all filters.
    Clear,
}
