//! What the playground is asked to do. Parts of it wish while they are shown; it acts after the frame.

use serde_json::Value;

use crate::{
    chat::Part,
    conversation::{ConversationId, Draft},
    endpoint::TargetId,
    run::RunId,
};

/// A wish, by what it is about. Panes are named by their id, turns by their index.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// Runs are asked, or stopped.
    Run(RunIntent),
    /// Something that was asked is written anew.
    Edit(EditIntent),
    /// Panes and turns are changed.
    Change(Change),
    /// Another conversation is shown, or one is forgotten.
    Conversation(ConversationIntent),
    /// Nothing is changed, only looked at.
    Show(Show),
}

/// Runs are asked, or stopped.
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
    /// Asks an edited question in place of a turn and all after it; in all panes that asked the same.
    Resend(u32, usize, Draft, bool),
    /// Gives a pane's last answer the results of its calls, and lets it go on.
    Continue(u32, Vec<Part>),
    /// Asks with this body, further or in place of a turn and all after it.
    SendRaw(u32, Option<usize>, Value),
}

/// Something that was asked is written anew.
#[derive(Clone, Debug, PartialEq)]
pub enum EditIntent {
    /// Begins to edit a question.
    Begin(u32, usize),
    /// Gives up editing.
    End(u32),
    /// Keeps what is typed as the results of the calls of a pane's last answer, which is that of a run.
    Results(u32, RunId, Vec<String>),
    /// Opens the body of a pane's next question, or of a turn that has one of its own.
    Raw(u32, Option<usize>),
}

/// Panes and turns are changed.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Adds an empty pane.
    AddPane,
    /// Puts a copy of a pane beside it.
    Duplicate(u32),
    /// Takes a pane away.
    Remove(u32),
    /// Moves a pane by places.
    Move(u32, isize),
    /// Puts a pane in the place of another.
    Place(u32, u32),
    /// Forgets a pane's turns.
    Clear(u32),
    /// Forgets all turns.
    ClearAll,
    /// Gives a pane another target.
    Target(u32, TargetId),
    /// Shows another attempt of a turn.
    Attempt(u32, usize, usize),
    /// Takes a turn away.
    DeleteTurn(u32, usize),
    /// A new pane that goes on from before a turn.
    ForkPane(u32, usize),
    /// Takes the last change of panes or turns back.
    Undo,
}

/// Another conversation is shown, or one is forgotten.
#[derive(Clone, Debug, PartialEq)]
pub enum ConversationIntent {
    /// A new one with the same panes.
    New,
    /// A new one that goes on from before a turn.
    Fork(u32, usize),
    /// Opens one.
    Open(ConversationId),
    /// Forgets one.
    Delete(ConversationId),
}

/// Nothing is changed, only looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum Show {
    /// Shows a pane alone, or all again.
    Enlarge(u32),
    /// Copies a pane as Markdown.
    Copy(u32),
}
