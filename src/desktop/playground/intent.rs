//! What the playground is asked to do. Parts of it wish while they are shown; it acts after the frame.

use serde_json::Value;

use crate::{
    chat::Part,
    conversation::{ConversationId, Draft},
    endpoint::TargetId,
    run::RunId,
};

/// A wish. Panes are named by their id, turns by their index.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// Sends the draft.
    Send,
    /// Stops all runs of this conversation.
    StopAll,
    /// Stops the run of a pane.
    Stop(u32),
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
    /// Shows a pane alone, or all again.
    Enlarge(u32),
    /// Forgets a pane's turns.
    Clear(u32),
    /// Forgets all turns.
    ClearAll,
    /// Gives a pane another target.
    Target(u32, TargetId),
    /// Asks a turn's question again.
    Retry(u32, usize),
    /// Asks the last question of every pane again.
    RetryAll,
    /// Shows another attempt of a turn.
    Attempt(u32, usize, usize),
    /// Begins to edit a question.
    Edit(u32, usize),
    /// Gives up editing.
    EndEdit(u32),
    /// Asks an edited question in place of a turn and all after it; in all panes that asked the same.
    Resend(u32, usize, Draft, bool),
    /// Keeps what is typed as the results of the calls of a pane's last answer, which is that of a run.
    Results(u32, RunId, Vec<String>),
    /// Gives a pane's last answer the results of its calls, and lets it go on.
    Continue(u32, Vec<Part>),
    /// Opens the body of a pane's next question, or of a turn that has one of its own.
    EditRaw(u32, Option<usize>),
    /// Asks with this body, further or in place of a turn and all after it.
    SendRaw(u32, Option<usize>, Value),
    /// Takes a turn away.
    DeleteTurn(u32, usize),
    /// A new pane that goes on from before a turn.
    ForkPane(u32, usize),
    /// A new conversation that goes on from before a turn.
    ForkConversation(u32, usize),
    /// Copies a pane as Markdown.
    CopyPane(u32),
    /// Takes the last change of panes or turns back.
    Undo,
    /// A new conversation with the same panes.
    New,
    /// Opens a conversation.
    Open(ConversationId),
    /// Forgets a conversation.
    Delete(ConversationId),
}
