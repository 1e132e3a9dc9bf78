//! Whole calls out of their deltas, for the protocols that tell a call in one piece.

use crate::{chat::ToolCall, event::ToolCallDelta};

/// A call that is whole.
#[derive(Debug, Default)]
pub(in crate::dialect) struct Called {
    pub call: ToolCall,
    /// What goes back with it.
    pub signature: Option<String>,
}

/// The call whose arguments still come.
#[derive(Debug, Default)]
pub(in crate::dialect) struct OpenCall(Option<(usize, Called)>);

impl OpenCall {
    /// Takes a delta. One that begins a call ends the one before it, which is given.
    pub(in crate::dialect) fn take(&mut self, delta: &ToolCallDelta) -> Option<Called> {
        let goes_on = self
            .0
            .as_ref()
            .is_some_and(|(index, _)| *index == delta.index);
        let ended = (!goes_on).then(|| self.end()).flatten();
        let (_, called) = self
            .0
            .get_or_insert_with(|| (delta.index, Called::default()));
        let call = &mut called.call;
        if let Some(id) = &delta.id {
            call.id.clone_from(id);
        }
        call.name
            .push_str(delta.name.as_deref().unwrap_or_default());
        call.arguments.push_str(&delta.arguments);
        ended
    }

    pub(in crate::dialect) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Signs the call; gives whether there is one.
    pub(in crate::dialect) fn sign(&mut self, value: &str) -> bool {
        if let Some((_, called)) = &mut self.0 {
            called.signature = Some(value.to_owned());
        }
        self.0.is_some()
    }

    /// The call that no more arguments come for.
    pub(in crate::dialect) fn end(&mut self) -> Option<Called> {
        self.0.take().map(|(_, called)| called)
    }
}
