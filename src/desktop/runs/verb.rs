//! The verbs of the table of runs.

/// What the palette and shortcuts can do in the table of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunsVerb {
    /// Moves the focus to the search field.
    Search,
    /// Opens the export dialog.
    Export,
    /// Opens the dialog that opens the file of a capture.
    OpenCapture,
    /// Clears all filters.
    Clear,
    /// Shows the run in the row above.
    Previous,
    /// Shows the run in the row below.
    Next,
    /// Opens the dialog that deletes the selected run.
    Delete,
    /// Opens the dialog that deletes all runs of the search and filters.
    DeleteShown,
}
