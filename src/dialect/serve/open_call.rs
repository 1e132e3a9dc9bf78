//! Joins the deltas of a call, for protocols that send calls whole.

use crate::{chat::ToolCall, event::ToolCallDelta};

/// A call, with its signature.
#[derive(Debug, Default)]
pub(in crate::dialect) struct SignedCall {
    pub call: ToolCall,
    /// The data that must be sent back with it.
    pub signature: Option<String>,
}

/// The call whose arguments are incomplete.
#[derive(Debug, Default)]
pub(in crate::dialect) struct OpenCall(Option<(usize, SignedCall)>);

impl OpenCall {
    /// Adds a delta. If it starts a call, the call before it is complete and is returned.
    pub(in crate::dialect) fn push(&mut self, delta: &ToolCallDelta) -> Option<SignedCall> {
        let is_continued = self
            .0
            .as_ref()
            .is_some_and(|(index, _)| *index == delta.index);
        let ended = (!is_continued).then(|| self.end()).flatten();
        let (_, open) = self
            .0
            .get_or_insert_with(|| (delta.index, SignedCall::default()));
        let call = &mut open.call;
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

    /// Sets the signature of the open call. `false` if there is none.
    pub(in crate::dialect) fn sign(&mut self, value: &str) -> bool {
        if let Some((_, open)) = &mut self.0 {
            open.signature = Some(value.to_owned());
        }
        self.0.is_some()
    }

    /// Ends the open call and returns it.
    pub(in crate::dialect) fn end(&mut self) -> Option<SignedCall> {
        self.0.take().map(|(_, open)| open)
    }
}
