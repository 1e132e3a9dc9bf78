//! The playground's verbs.

use egui::{Key, Modifiers};

/// What the palette and shortcuts can do in the playground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaygroundVerb {
    /// Adds a pane with the last one's target.
    AddPane,
    /// Removes the last pane.
    RemovePane,
    /// Copies the last answer of the first pane that the composer sends to.
    Copy,
    /// Shows or hides all reasoning.
    Reasoning,
    /// Shows or hides the comparison of the last answers.
    Strip,
    /// Shows one pane alone, or all again.
    Enlarge,
    /// Scrolls every pane to its end.
    Latest,
    /// Sends the draft, or the prompt or body that is being edited.
    Send,
    /// Stops all answers.
    Stop,
    /// Starts a new conversation.
    New,
    /// Moves the focus to the composer.
    Focus,
    /// Asks the last question of every pane again.
    Retry,
    /// Shows or hides the list of conversations.
    Sessions,
    /// Clears all panes.
    Clear,
    /// Undoes the last change of panes or turns.
    Undo,
    /// Opens the search in the conversation.
    Find,
    /// Goes to the next match.
    FindNext,
    /// Goes to the previous match.
    FindPrevious,
    /// Writes the conversation to a file.
    Export,
    /// Writes the last answers, side by side with their figures, to an HTML file.
    ExportAnswers,
    /// Writes all conversations to a file.
    ExportAll,
    /// Imports conversations from a file.
    Import,
}

use PlaygroundVerb as V;

const COMMAND: Modifiers = Modifiers::COMMAND;
const SHIFT_COMMAND: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

/// A verb, its name and its keys.
pub type Row = (PlaygroundVerb, &'static str, Option<(Modifiers, Key)>);

/// All of them, with their shortcuts.
pub const VERBS: &[Row] = &[
    // Ctrl+Shift comes before Ctrl: egui takes the first match, and Ctrl matches both.
    (V::AddPane, "Add a pane", Some((SHIFT_COMMAND, Key::N))),
    (
        V::RemovePane,
        "Remove the last pane",
        Some((SHIFT_COMMAND, Key::W)),
    ),
    (
        V::Copy,
        "Copy the last answer",
        Some((SHIFT_COMMAND, Key::C)),
    ),
    (
        V::Reasoning,
        "Show or hide all reasoning",
        Some((SHIFT_COMMAND, Key::R)),
    ),
    (
        V::Strip,
        "Compare the last answers",
        Some((SHIFT_COMMAND, Key::S)),
    ),
    (
        V::Enlarge,
        "Show one pane alone, or all",
        Some((COMMAND, Key::M)),
    ),
    (V::Find, "Find in the conversation", Some((COMMAND, Key::F))),
    (
        V::FindPrevious,
        "Previous match",
        Some((Modifiers::SHIFT, Key::F3)),
    ),
    (V::FindNext, "Next match", Some((Modifiers::NONE, Key::F3))),
    (V::Latest, "Go to the end of every pane", None),
    (V::Send, "Send", Some((COMMAND, Key::Enter))),
    (V::Stop, "Stop all answers", None),
    (V::New, "New conversation", Some((COMMAND, Key::N))),
    (V::Focus, "Write a prompt", Some((COMMAND, Key::L))),
    (V::Retry, "Ask all again", Some((COMMAND, Key::R))),
    (
        V::Sessions,
        "Show or hide the conversations",
        Some((COMMAND, Key::B)),
    ),
    (V::Clear, "Clear all panes", None),
    (V::Undo, "Undo the last change of panes or turns", None),
    (V::Export, "Export this conversation…", None),
    (V::ExportAnswers, "Save the last answers as HTML…", None),
    (V::ExportAll, "Export all conversations…", None),
    (V::Import, "Import conversations…", None),
];
