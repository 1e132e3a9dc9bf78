//! What the user wants done: the playground's parts return it while they are shown, and it is carried out afterwards.

use serde_json::Value;

use super::export::ExportOf;
use crate::{
    chat::Part,
    conversation::{ConversationId, Draft},
    endpoint::TargetId,
    run::RunId,
    snippet::Language,
};

/// Something to do. Panes are named by their id, turns by their index.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// Starts or stops runs.
    Run(RunIntent),
    /// Edits something that was asked.
    Edit(EditIntent),
    /// Changes panes or turns.
    Change(Change),
    /// Shows, deletes, exports or imports conversations.
    Conversation(ConversationIntent),
    /// Changes only what is shown.
    Show(Show),
}

/// Starts or stops runs.
#[derive(Clone, Debug, PartialEq)]
pub enum RunIntent {
    /// Sends the draft.
    Send,
    /// Stops all runs of this conversation.
    StopAll,
    /// Stops the run of a pane.
    Stop(u32),
    /// Asks a turn's question again.
    Retry(u32, usize),
    /// Asks the last question of every pane again.
    RetryAll,
    /// Asks an edited question instead of a turn and all after it; if `true`, in all panes that asked the same.
    Resend(u32, usize, Draft, bool),
    /// Sends the results of the last answer's calls, so that the model continues.
    Continue(u32, Vec<Part>),
    /// Sends this body as the next question, or instead of a turn and all after it.
    SendRaw(u32, Option<usize>, Value),
}

/// Edits something that was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum EditIntent {
    /// Begins to edit a question.
    Begin(u32, usize),
    /// Cancels editing.
    End(u32),
    /// Stores what is typed as the results of the calls in a pane's last answer, that of this run.
    Results(u32, RunId, Vec<String>),
    /// Opens the raw body of a pane's next question, or of a turn that was sent with one.
    Raw(u32, Option<usize>),
}

/// Changes panes or turns.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Adds an empty pane.
    AddPane,
    /// Inserts a copy of a pane beside it.
    Duplicate(u32),
    /// Removes a pane.
    Remove(u32),
    /// Moves a pane by a number of positions.
    Move(u32, isize),
    /// Moves a pane to the position of another.
    Place(u32, u32),
    /// Removes a pane's turns.
    Clear(u32),
    /// Removes all turns of all panes.
    ClearAll,
    /// Gives a pane another target.
    Target(u32, TargetId),
    /// Gives the panes that asked nothing yet these targets, in turn.
    EmptyTargets(Vec<TargetId>),
    /// Shows another attempt of a turn.
    Attempt(u32, usize, usize),
    /// Deletes a turn.
    DeleteTurn(u32, usize),
    /// Adds a pane with a copy of the turns up to and including this one.
    ForkPane(u32, usize),
    /// Undoes the last change of panes or turns.
    Undo,
}

/// Shows, deletes, exports or imports conversations.
#[derive(Clone, Debug, PartialEq)]
pub enum ConversationIntent {
    /// Starts a conversation with the same panes.
    New,
    /// Starts a conversation with a copy of a pane's turns up to and including this one.
    Fork(u32, usize),
    /// Opens one.
    Open(ConversationId),
    /// Deletes one.
    Delete(ConversationId),
    /// Asks for a file to write conversations to.
    Export(ExportOf),
    /// Asks for a file of conversations to import.
    Import,
}

/// Changes only what is shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Show {
    /// Shows a pane alone, or all panes again.
    Enlarge(u32),
    /// Copies a pane as Markdown.
    Copy(u32),
    /// Copies what a run asked as a program.
    CopyAs(RunId, Language),
}
