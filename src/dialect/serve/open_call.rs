//! Whole calls out of their deltas, for the protocols that tell a call in one piece.

use crate::{chat::ToolCall, event::ToolCallDelta};

/// The call whose arguments still come.
#[derive(Debug, Default)]
pub(in crate::dialect) struct OpenCall(Option<ToolCall>);

impl OpenCall {
    /// Takes a delta. One that begins a call ends the one before it, which is given.
    pub(in crate::dialect) fn take(&mut self, delta: &ToolCallDelta) -> Option<ToolCall> {
        let ended = delta.id.as_ref().and_then(|id| {
            self.0.replace(ToolCall {
                id: id.clone(),
                name: delta.name.clone().unwrap_or_default(),
                arguments: String::new(),
            })
        });
        if let Some(call) = &mut self.0 {
            call.arguments.push_str(&delta.arguments);
        }
        ended
    }

    /// The call that no more arguments come for.
    pub(in crate::dialect) fn end(&mut self) -> Option<ToolCall> {
        self.0.take()
    }
}
